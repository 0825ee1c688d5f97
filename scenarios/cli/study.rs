//! What the verbs about studies share: clock, progress, and how an outcome is told.

mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use reports::format;
use reports::store::StoreError;
use scenarios::Diagnostics;
use scenarios::sweep::directory::{Invocation, SCENARIO, SCENARIO_FILE, StudyDirectory};
use scenarios::sweep::plan::Plan;
use scenarios::sweep::tables::Written;
use serde_json::json;

use crate::exit::{Exit, fail, say, tell};
use crate::load;
use crate::monitor::cpu_time;
use crate::verb::run::PROGRAM;

pub(crate) use watch::{Active, Watch};

/// Reads the plan of a study's directory from the scenario that lies in it.
pub(crate) fn plan_of(directory: &StudyDirectory) -> Result<Plan, Exit> {
    let path = directory.path().join(SCENARIO);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let what = format!("cannot read {}: {error}", path.display());
            return Err(fail(Exit::Usage, what, "is this the directory of a sweep?"));
        }
    };
    // Names of other files in it are relative to where it was read from.
    let came_from = directory.manifest().host.get(SCENARIO_FILE);
    let name = came_from.map_or(path.as_path(), Path::new);
    let scenario = scenarios::read_text(&name.display().to_string(), &text, &[])
        .map_err(|diagnostics| load::refuse(&diagnostics))?;
    let plan = Plan::new(&scenario, PROGRAM, None).map_err(|error| load::refuse(&error))?;
    if plan.key == *directory.key() {
        return Ok(plan);
    }
    let made_by = &directory.manifest().program;
    let what = format!(
        "{} holds the study {}, but its scenario makes {}",
        directory.path().display(),
        short(directory.key().as_str()),
        short(plan.key.as_str())
    );
    let hint = if made_by == PROGRAM {
        "the scenario or a file that it names has changed since; sweep it anew"
    } else {
        "another version made it; use that one, or sweep anew with `--force`"
    };
    Err(fail(Exit::Usage, what, hint))
}

/// Opens a study's directory.
pub(crate) fn open(path: &Path) -> Result<StudyDirectory, Exit> {
    let hint = "name the directory of a sweep: it has a manifest.json";
    StudyDirectory::existing(path).map_err(|error| match error {
        StoreError::NotAResult { .. } if !path.exists() => fail(
            Exit::Usage,
            format_args!("there is no {}", path.display()),
            hint,
        ),
        StoreError::NotAResult { .. } => {
            let what = format!("{} is not the directory of a sweep", path.display());
            fail(Exit::Usage, what, hint)
        }
        other => fail(Exit::Usage, other, hint),
    })
}

/// The first digits of a key.
pub(crate) fn short(key: &str) -> &str {
    key.get(..12).unwrap_or(key)
}

/// Where the study of a scenario stands.
pub(crate) fn place(out: Option<&PathBuf>, name: &str) -> PathBuf {
    out.cloned()
        .unwrap_or_else(|| Path::new("results").join(name))
}

/// What a manifest says of this call.
pub(crate) fn invocation(started: Instant, scenario: Option<&Path>, jobs: usize) -> Invocation {
    let mut host = BTreeMap::from([
        (String::from("host"), host_name()),
        (String::from("jobs"), jobs.to_string()),
    ]);
    if let Some(path) = scenario {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        host.insert(SCENARIO_FILE.to_owned(), path.display().to_string());
    }
    Invocation {
        wall_seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu_time().map(|time| time.as_secs_f64()),
        host,
    }
}

/// The machine's name, fit for a file name.
pub(crate) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let name: String = name.trim().chars().filter(|c| plain(*c)).take(40).collect();
    if name.is_empty() {
        String::from("host")
    } else {
        name
    }
}

/// Tells why a directory cannot be used.
pub(crate) fn refuse_place(error: &StoreError) -> Exit {
    let hint = match error {
        StoreError::OtherKey { .. } => {
            "write elsewhere with --out DIR, or replace it with --force; runs of two studies are \
             never mixed"
        }
        StoreError::NotAResult { .. } | StoreError::NotADirectory { .. } => {
            "write elsewhere with --out DIR"
        }
        StoreError::Damaged { path, .. } if path.ends_with("manifest.json") => {
            "restore it from a copy, or sweep into another directory with --out DIR"
        }
        StoreError::Damaged { .. } => "what is damaged is named above; the other runs are good",
        _ => "choose a place that can be written with --out DIR",
    };
    fail(Exit::Usage, error, hint)
}

/// Totals as the manifest and `--json` have them.
pub(crate) fn counts(written: &Written, kept: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([
        (String::from("points"), written.points),
        (String::from("runs"), written.runs),
        (String::from("failed"), written.failed),
        (String::from("kept"), kept.min(written.runs)),
    ])
}

/// Tells what the tables came to; the exit code that follows.
pub(crate) fn outcome(
    written: &Written,
    kept: u64,
    place: &Path,
    (quiet, json): (bool, bool),
) -> Exit {
    let new = written.runs.saturating_sub(kept);
    let shown = place.display();
    if json {
        let violations: Vec<_> = written
            .violations
            .iter()
            .map(|violation| {
                json!({
                    "clause": violation.clause,
                    "point": violation.point.as_ref().map(|(number, _)| number),
                    "found": violation.found,
                    "wanted": violation.wanted,
                    "n": violation.n,
                    "unit": violation.unit,
                })
            })
            .collect();
        say(json!({
            "points": written.points, "runs": written.runs, "new": new, "kept": written.runs - new,
            "failed": written.failed, "violations": violations, "directory": place,
        }));
    } else if !quiet {
        say(format_args!(
            "{}, {}: {new} new, {} kept from before, {} failed\nresult in {shown}",
            format::counted(written.points, "point"),
            format::counted(written.runs, "run"),
            written.runs - new,
            written.failed
        ));
    }
    told(&written.violations);
    if written.failed > 0 {
        tell(format_args!(
            "error: {} of {} runs failed; seeds and messages are in {shown}/runs.csv",
            written.failed, written.runs
        ));
        tell("help: `badlink replay DIR KEY` repeats one; `--retry-failed` computes them again");
        return Exit::Failed;
    }
    if written.violations.is_empty() {
        Exit::Good
    } else {
        Exit::Expect
    }
}

/// Most violated clauses that are told one by one.
const TOLD_MAX: usize = 20;

/// Tells which clauses do not hold.
pub(crate) fn told(violations: &[scenarios::sweep::expect::Violation]) {
    for violation in violations.iter().take(TOLD_MAX) {
        tell(format_args!("error: {violation}"));
    }
    if violations.len() > TOLD_MAX {
        let more = violations.len() - TOLD_MAX;
        tell(format_args!("error: {more} more clauses do not hold"));
    }
}

/// Tells what is wrong with a plan.
pub(crate) fn refuse_plan(diagnostics: &Diagnostics) -> Exit {
    load::refuse(diagnostics)
}
