//! `badlink sweep-status DIR`: planned, done, running, failed, missing.

use reports::format;
use scenarios::sweep::ledger::Ledger;
use serde_json::json;

use crate::args::StatusArgs;
use crate::exit::{Exit, say, tell};
use crate::study::{self, Active};

/// Shows where a study stands.
pub(crate) fn run(args: &StatusArgs) -> Exit {
    match status(args) {
        Ok(()) => Exit::Good,
        Err(exit) => exit,
    }
}

fn status(args: &StatusArgs) -> Result<(), Exit> {
    let directory = study::open(&args.directory)?;
    let plan = study::plan_of(&directory)?;
    let (mut ledger, notes) =
        Ledger::open(&plan, &[directory.path()]).map_err(|error| study::refuse_place(&error))?;
    for warning in &notes.warnings {
        tell(format_args!("warning: {warning}"));
    }
    let (targets, missing) =
        super::sweep::missing(&plan, &mut ledger).map_err(|error| study::refuse_place(&error))?;
    let planned: u64 = targets.wanted().iter().sum();
    let (active, unseen) = Active::count(directory.path());
    let jobs = super::slurm::jobs(directory.path());
    let running = active.max(jobs.running).min(missing);
    let stored = planned - missing;
    let failed = ledger.failed().min(stored);
    let complete = directory.manifest().complete && missing == 0;
    if args.json {
        say(json!({
            "study": plan.key.as_str(), "planned": planned, "done": stored - failed,
            "running": running, "failed": failed, "missing": missing - running,
            "tables": complete, "jobs": jobs.json(),
        }));
        return Ok(());
    }
    say(format_args!(
        "planned  {}\ndone     {}\nrunning  {}\nfailed   {}\nmissing  {}",
        format::count(planned),
        format::count(stored - failed),
        format::count(running),
        format::count(failed),
        format::count(missing - running),
    ));
    if let Some(text) = jobs.text() {
        say(text);
    }
    if unseen > 0 {
        say(format_args!(
            "{unseen} processes began here and cannot be seen from this machine: elsewhere, or killed"
        ));
    }
    let place = directory.path().display();
    say(match (complete, missing) {
        (true, _) => String::from("the tables are written"),
        (false, 0) => format!("all runs are there: `badlink merge {place}` writes the tables"),
        _ => format!("`badlink sweep {place}/scenario.toml --out {place}` does what is missing"),
    });
    Ok(())
}
