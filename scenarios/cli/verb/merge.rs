//! `badlink merge DIR...`: the tables of a study from the shards of it.

use std::path::Path;
use std::time::Instant;

use scenarios::sweep::directory::StudyDirectory;
use scenarios::sweep::ledger::Ledger;
use scenarios::sweep::plan::Plan;
use scenarios::sweep::{join, tables};

use crate::args::MergeArgs;
use crate::exit::{Exit, fail, tell};
use crate::study::{self, invocation};
use crate::verb::run::PROGRAM;

/// Merges the shards.
pub(crate) fn run(args: &MergeArgs) -> Exit {
    match merge(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn merge(args: &MergeArgs) -> Result<Exit, Exit> {
    let started = Instant::now();
    let mut opened = Vec::new();
    for directory in &args.directories {
        opened.push(study::open(directory)?);
    }
    let Some(first) = opened.first() else {
        return Err(fail(
            Exit::Usage,
            "there is nothing to merge",
            "name a directory",
        ));
    };
    let plan = study::plan_of(first)?;
    for other in &opened[1..] {
        if *other.key() != plan.key {
            let what = format!(
                "{} holds the study {}, {} the study {}",
                other.path().display(),
                study::short(other.key().as_str()),
                first.path().display(),
                study::short(plan.key.as_str())
            );
            return Err(fail(Exit::Usage, what, "shards of one study can be merged"));
        }
    }
    let sources: Vec<&Path> = opened.iter().map(StudyDirectory::path).collect();
    let (mut ledger, notes) =
        Ledger::open(&plan, &sources).map_err(|error| study::refuse_place(&error))?;
    for warning in &notes.warnings {
        tell(format_args!("warning: {warning}"));
    }
    complete(&plan, &mut ledger, first)?;
    let single = opened.len() == 1 && args.out.is_none();
    let place = if single {
        first.path().to_owned()
    } else {
        study::place(args.out.as_ref(), &plan.base.name)
    };
    let invocation_now = || invocation(started, Some(&plan.base.path), 1);
    let target = if single {
        first.clone()
    } else {
        let made = StudyDirectory::open(&place, &plan, PROGRAM, args.force, &invocation_now());
        let target = made.map_err(|error| study::refuse_place(&error))?;
        let hint = "make room or choose another --out, then merge again";
        join::join(&plan, &mut ledger, &sources, &target, PROGRAM)
            .map_err(|error| fail(Exit::Run, error, hint))?;
        let (joined, _) =
            Ledger::open(&plan, &[&place]).map_err(|error| study::refuse_place(&error))?;
        ledger = joined;
        target
    };
    let hint = "make room, then merge again";
    let written =
        tables::write(&plan, &mut ledger, &target).map_err(|error| fail(Exit::Run, error, hint))?;
    let counts = study::counts(&written, written.runs);
    target
        .finish(true, counts, &invocation_now())
        .map_err(|error| fail(Exit::Run, error, hint))?;
    let how = (args.quiet, args.json);
    Ok(study::outcome(&written, written.runs, &place, how))
}

/// Refuses a study with runs missing, and says how to get them.
fn complete(plan: &Plan, ledger: &mut Ledger, first: &StudyDirectory) -> Result<(), Exit> {
    let (targets, missing) =
        super::sweep::missing(plan, ledger).map_err(|error| study::refuse_place(&error))?;
    if missing == 0 && targets.all_final() {
        return Ok(());
    }
    let what = if missing == 0 {
        String::from("sequential stopping wants more runs of this study")
    } else {
        let wanted: u64 = targets.wanted().iter().sum();
        format!("{missing} of {wanted} runs are missing")
    };
    let place = first.path().display();
    let hint = format!(
        "`badlink sweep {place}/scenario.toml --out {place}` does what is missing; or name the other \
         shards too"
    );
    Err(fail(Exit::Run, what, &hint))
}
