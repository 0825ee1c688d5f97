//! `badlink replay DIR KEY`: one run again, with every trace, and its fingerprint compared.

use std::path::Path;

use reports::store::{MANIFEST, Manifest, ResultKind};
use reports::table::format::TableFormat;
use scenarios::Scenario;
use scenarios::scenario::Trace;
use scenarios::sweep::directory::{SCENARIO, SCENARIO_FILE};
use scenarios::sweep::execute::reseed;
use scenarios::sweep::ledger::Ledger;
use scenarios::sweep::plan::Plan;
use serde_json::json;

use crate::args::ReplayArgs;
use crate::exit::{Exit, fail, say};
use crate::load;
use crate::monitor::Guards;
use crate::study;
use crate::verb::run::into_directory;

/// A stored run, ready to be run again.
pub(crate) struct Stored {
    /// Its scenario, seed included.
    pub(crate) scenario: Scenario,
    /// Its key.
    pub(crate) key: String,
    /// Its fingerprint; empty where it failed.
    pub(crate) fingerprint: String,
    /// Why it failed.
    pub(crate) error: Option<String>,
    /// What it is, for a reader.
    pub(crate) name: String,
}

/// Runs the run again.
pub(crate) fn run(args: &ReplayArgs) -> Exit {
    match replay(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn replay(args: &ReplayArgs) -> Result<Exit, Exit> {
    let mut stored = find(&args.directory, args.key.as_deref())?;
    let all: Vec<String> = Trace::ALL
        .iter()
        .map(|trace| format!("{:?}", trace.as_str()))
        .collect();
    stored.scenario.output.traces = Trace::ALL.to_vec();
    stored.scenario.output.format = TableFormat::Csv;
    stored.scenario.output.figures = Vec::new();
    for (path, value) in [
        ("output.traces", format!("[{}]", all.join(", "))),
        ("output.figures", String::from("[]")),
        ("output.format", String::from("\"csv\"")),
    ] {
        stored.scenario.overrides.push((path.to_owned(), value));
    }
    let target = args
        .out
        .clone()
        .unwrap_or_else(|| args.directory.join("replay").join(&stored.key));
    if !args.quiet && !args.json {
        say(format_args!("one run: {}", stored.name));
    }
    let done = into_directory(
        &stored.scenario,
        &target,
        false,
        &Guards::default(),
        (1, args.quiet),
    );
    let done = match (done, &stored.error) {
        (Ok(done), _) => done,
        (Err(failure), None) => return Err(failure.tell()),
        (Err(failure), Some(error)) => {
            failure.tell();
            let hint = "the stored failure was the same run";
            return Err(fail(
                Exit::Run,
                format_args!("it failed before: {error}"),
                hint,
            ));
        }
    };
    let found = done.summary.fingerprint.as_str();
    let same = stored.error.is_none() && found == stored.fingerprint;
    if args.json {
        say(json!({
            "key": stored.key, "identical": same, "fingerprint": found,
            "stored": stored.fingerprint, "directory": target,
        }));
    } else if !args.quiet {
        say(&done.text);
        say(format_args!("tables in {}", target.display()));
    }
    match (&stored.error, same) {
        (_, true) => {
            if !args.quiet && !args.json {
                say(format_args!("fingerprint {found}: the same as stored"));
            }
            Ok(Exit::Good)
        }
        (Some(error), false) => {
            let what = format!("the stored run had failed ({error}), this one has not");
            Ok(fail(
                Exit::Check,
                what,
                "a guard (`--max-events`) or another program stopped it",
            ))
        }
        (None, false) => {
            let what = format!(
                "the fingerprint is {found}, stored is {}",
                stored.fingerprint
            );
            Ok(fail(
                Exit::Check,
                what,
                "`badlink verify` tells whether the scenario is deterministic",
            ))
        }
    }
}

/// Finds a run: in a study by `key`, or the run whose directory this is.
pub(crate) fn find(directory: &Path, key: Option<&str>) -> Result<Stored, Exit> {
    let manifest = match Manifest::read(directory) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => {
            let what = format!("{} holds no result (no {MANIFEST})", directory.display());
            return Err(fail(
                Exit::Usage,
                what,
                "name the directory of a sweep or of a run",
            ));
        }
        Err(error) => return Err(fail(Exit::Usage, error, "")),
    };
    match (manifest.kind, key) {
        (ResultKind::Sweep, Some(key)) => of_study(directory, key),
        (ResultKind::Sweep, None) => {
            let what = "a sweep has many runs, and no KEY says which one";
            Err(fail(
                Exit::Usage,
                what,
                "column `key` of runs.csv names them",
            ))
        }
        (ResultKind::Run, key) => of_run(directory, &manifest, key),
        (ResultKind::Matrix | ResultKind::Laboratory, _) => {
            let what = format!("{} holds a matrix, no run", directory.display());
            Err(fail(
                Exit::Usage,
                what,
                "its rows say how each trial is repeated",
            ))
        }
        (ResultKind::Validation, _) => {
            let what = format!("{} holds a validation, no run", directory.display());
            Err(fail(
                Exit::Usage,
                what,
                "its folder scenarios holds what it ran: `badlink run FILE`",
            ))
        }
    }
}

fn of_run(directory: &Path, manifest: &Manifest, key: Option<&str>) -> Result<Stored, Exit> {
    if let Some(key) = key.filter(|key| !manifest.key.as_str().starts_with(*key)) {
        let what = format!(
            "the run in {} has the key {}, not {key}",
            directory.display(),
            study::short(manifest.key.as_str())
        );
        return Err(fail(
            Exit::Usage,
            what,
            "leave KEY away for the directory of a run",
        ));
    }
    let path = directory.join(SCENARIO);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let what = format!("cannot read {}: {error}", path.display());
        fail(Exit::Usage, what, "")
    })?;
    let came_from = manifest.host.get(SCENARIO_FILE);
    let name = came_from.map_or(path.as_path(), Path::new);
    let scenario = scenarios::read_text(&name.display().to_string(), &text, &[])
        .map_err(|diagnostics| load::refuse(&diagnostics))?;
    Ok(Stored {
        name: format!("{} with seed {}", scenario.name, scenario.run.seed),
        scenario,
        key: study::short(manifest.key.as_str()).to_owned(),
        fingerprint: manifest.fingerprint.clone(),
        error: None,
    })
}

fn of_study(directory: &Path, key: &str) -> Result<Stored, Exit> {
    let opened = study::open(directory)?;
    let plan = study::plan_of(&opened)?;
    let (mut ledger, _) =
        Ledger::open(&plan, &[directory]).map_err(|error| study::refuse_place(&error))?;
    let (point, replication) = place(&plan, key)?;
    let stored = ledger
        .read(point, replication)
        .map_err(|error| study::refuse_place(&error))?;
    let Some(record) = stored else {
        let what = format!("the run {key} is planned, but not stored yet");
        return Err(fail(Exit::Usage, what, "sweep first"));
    };
    let mut scenario = plan.scenario(point).map_err(|error| load::refuse(&error))?;
    reseed(&mut scenario, record.seed);
    let at = match plan.describe(point).as_str() {
        "" => String::new(),
        axes => format!(" ({axes})"),
    };
    Ok(Stored {
        name: format!(
            "point {point}{at}, replication {replication}, seed {}",
            record.seed
        ),
        scenario,
        key: scenarios::results::hex(&record.key),
        fingerprint: record.fingerprint,
        error: record.error,
    })
}

/// Fewest digits of a key that name a run.
const DIGITS_MIN: usize = 4;

/// The run that `key` names.
fn place(plan: &Plan, key: &str) -> Result<(usize, u64), Exit> {
    let refuse = |what: String, hint: &str| Err(fail(Exit::Usage, what, hint));
    let hint = "column `key` of runs.csv names the runs; POINT/REPLICATION does too";
    if let Some((point, replication)) = key.split_once('/') {
        let parsed = (point.parse::<usize>().ok(), replication.parse::<u64>().ok());
        return match parsed {
            (Some(point), Some(replication))
                if point < plan.points.len() && replication < plan.replications() =>
            {
                Ok((point, replication))
            }
            _ => refuse(format!("the plan has no run {key}"), hint),
        };
    }
    let wanted = key.to_lowercase();
    if wanted.len() < DIGITS_MIN || !wanted.chars().all(|c| c.is_ascii_hexdigit()) {
        return refuse(
            format!("{key:?} is no key: at least {DIGITS_MIN} hexadecimal digits are wanted"),
            hint,
        );
    }
    let mut found = Vec::new();
    for point in 0..plan.points.len() {
        for replication in 0..plan.replications() {
            let own = scenarios::results::hex(&plan.run_key(point, replication));
            if own.starts_with(&wanted) {
                found.push((point, replication));
            }
        }
    }
    match found.as_slice() {
        [one] => Ok(*one),
        [] => refuse(format!("the plan has no run {key}"), hint),
        many => refuse(
            format!("{} runs begin with {key}", many.len()),
            "give more digits",
        ),
    }
}
