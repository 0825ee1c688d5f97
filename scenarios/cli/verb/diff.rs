//! `badlink diff A B`: the first event in which two runs differ.
//!
//! Both are run again, event by event: what is stored says whether they differ, not where.

use std::path::{Path, PathBuf};

use reports::store::{Manifest, ResultKind, compare};
use scenarios::sweep::ledger::Ledger;
use scenarios::verify::{Parting, first_parting};
use serde_json::json;

use crate::args::DiffArgs;
use crate::exit::{Exit, fail, say};
use crate::study;
use crate::verb::replay::{Stored, find};

/// Compares two results.
pub(crate) fn run(args: &DiffArgs) -> Exit {
    match diff(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn diff(args: &DiffArgs) -> Result<Exit, Exit> {
    let (first, second) = (Place::of(&args.first), Place::of(&args.second));
    let studies = first.is_study() && second.is_study();
    let (one, other) = if studies {
        match differing_run(&first.directory, &second.directory)? {
            Some((key_one, key_other)) => (
                find(&first.directory, Some(&key_one))?,
                find(&second.directory, Some(&key_other))?,
            ),
            None => return same(args, "every run of both has the same fingerprint"),
        }
    } else {
        (
            find(&first.directory, first.key.as_deref())?,
            find(&second.directory, second.key.as_deref())?,
        )
    };
    if one.fingerprint == other.fingerprint && !one.fingerprint.is_empty() {
        let files = match (&first.key, &second.key) {
            (None, None) if !studies => compare(&first.directory, &second.directory)
                .map_err(|error| study::refuse_place(&error))?,
            _ => None,
        };
        return match files {
            None => same(args, &format!("fingerprint {}", one.fingerprint)),
            Some(difference) => {
                let what = format!("the events are the same, the files are not: {difference}");
                Ok(fail(
                    Exit::Check,
                    what,
                    "the scenarios may ask for other tables",
                ))
            }
        };
    }
    tell_parting(args, &one, &other)
}

fn same(args: &DiffArgs, text: &str) -> Result<Exit, Exit> {
    if args.json {
        say(json!({ "identical": true }));
    } else {
        say(format_args!("no difference: {text}"));
    }
    Ok(Exit::Good)
}

fn tell_parting(args: &DiffArgs, one: &Stored, other: &Stored) -> Result<Exit, Exit> {
    let parting = first_parting(&one.scenario, &other.scenario)
        .map_err(|error| fail(Exit::Run, error, "one of the runs cannot be repeated"))?;
    let Some(Parting {
        position,
        first,
        second,
    }) = parting
    else {
        let what = "the stored fingerprints differ, but both runs are the same event by event now";
        return Ok(fail(
            Exit::Check,
            what,
            "`badlink replay` shows which one has changed",
        ));
    };
    let ended = || String::from("it had ended");
    let (first, second) = (first.unwrap_or_else(ended), second.unwrap_or_else(ended));
    if args.json {
        say(json!({
            "identical": false, "event": position, "first": first, "second": second,
        }));
        return Ok(Exit::Check);
    }
    say(format_args!(
        "first:  {}\nsecond: {}\n{position} events are equal; then\n  first:  {first}\n  second: {second}",
        one.name, other.name
    ));
    Ok(Exit::Check)
}

/// A directory, with the key of a run where it was given as DIR/KEY.
struct Place {
    directory: PathBuf,
    key: Option<String>,
}

impl Place {
    fn of(path: &Path) -> Self {
        if !path.exists()
            && let (Some(parent), Some(name)) = (path.parent(), path.file_name())
        {
            return Self {
                directory: parent.to_owned(),
                key: Some(name.to_string_lossy().into_owned()),
            };
        }
        Self {
            directory: path.to_owned(),
            key: None,
        }
    }

    fn is_study(&self) -> bool {
        let manifest = Manifest::read(&self.directory).ok().flatten();
        self.key.is_none() && manifest.is_some_and(|manifest| manifest.kind == ResultKind::Sweep)
    }
}

/// The first run (by point and replication) that two studies have with different fingerprints.
fn differing_run(one: &Path, other: &Path) -> Result<Option<(String, String)>, Exit> {
    let read = |path: &Path| -> Result<_, Exit> {
        let directory = study::open(path)?;
        let plan = study::plan_of(&directory)?;
        let (ledger, _) =
            Ledger::open(&plan, &[path]).map_err(|error| study::refuse_place(&error))?;
        Ok((plan, ledger))
    };
    let ((plan, mut ledger), (other_plan, mut other_ledger)) = (read(one)?, read(other)?);
    let points = plan.points.len().min(other_plan.points.len());
    let replications = plan.replications().min(other_plan.replications());
    for point in 0..points {
        for replication in 0..replications {
            let refused = |error| study::refuse_place(&error);
            let a = ledger.read(point, replication).map_err(refused)?;
            let b = other_ledger.read(point, replication).map_err(refused)?;
            if let (Some(a), Some(b)) = (a, b)
                && a.fingerprint != b.fingerprint
            {
                let hex = scenarios::results::hex;
                return Ok(Some((hex(&a.key), hex(&b.key))));
            }
        }
    }
    Ok(None)
}
