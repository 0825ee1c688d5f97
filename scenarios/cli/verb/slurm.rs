//! `badlink sweep FILE --slurm`: a job array over shards and a merge that waits for it.
//!
//! The cluster only ever starts `badlink sweep --shard K/N` and `badlink merge`, which may be started
//! again, twice at the same time, and anywhere that sees the directory. So nothing here has to be
//! exact about what a cluster did: what is missing is submitted again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use scenarios::library;
use scenarios::sweep::directory::StudyDirectory;
use scenarios::sweep::execute::Shard;
use scenarios::sweep::ledger::Ledger;
use scenarios::sweep::plan::Plan;
use serde_json::{Value, json};

use crate::args::{SlurmMode, SweepArgs};
use crate::exit::{Exit, fail, say, tell};
use crate::study::{self, invocation};
use crate::verb::run::PROGRAM;

/// Folder of scripts and logs in a study's directory.
const FOLDER: &str = "slurm";
/// What was submitted last.
const JOBS: &str = "jobs.json";
/// Runs of a task by default: a task should work for a minute or so, since a cluster takes a second
/// to start one.
const RUNS_PER_TASK: u64 = 200;
/// Most tasks by default.
const TASKS_MAX: u64 = 200;

/// Writes the scripts; submits them unless they are only to be printed.
pub(crate) fn run(args: &SweepArgs, mode: SlurmMode, plan: &Plan, place: &Path) -> Exit {
    match submit(args, mode, plan, place) {
        Ok(()) => Exit::Good,
        Err(exit) => exit,
    }
}

fn submit(args: &SweepArgs, mode: SlurmMode, plan: &Plan, place: &Path) -> Result<(), Exit> {
    if args.shard.is_some() {
        let what = "--slurm makes the shards itself";
        return Err(fail(
            Exit::Usage,
            what,
            "take --shard away; --array-size sets their number",
        ));
    }
    let place = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    let opened = StudyDirectory::open(
        &place,
        plan,
        PROGRAM,
        args.force,
        &invocation(Instant::now(), Some(&plan.base.path), 1),
    );
    opened.map_err(|error| study::refuse_place(&error))?;
    let (mut ledger, _) =
        Ledger::open(plan, &[&place]).map_err(|error| study::refuse_place(&error))?;
    if args.retry_failed {
        ledger.forget_failed();
    }
    let asked = args.cluster.array_size;
    let tasks = asked.unwrap_or_else(|| plan.runs().div_ceil(RUNS_PER_TASK).clamp(1, TASKS_MAX));
    let most = if plan.study.stopping.is_some() {
        plan.points.len() as u64
    } else {
        plan.runs()
    };
    let tasks = tasks.min(most).max(1);
    let open = open_shards(plan, &ledger, tasks);
    if open.is_empty() {
        say(format_args!(
            "all {} runs are there: `badlink merge {}` writes the tables",
            ledger.stored(),
            place.display()
        ));
        return Ok(());
    }
    let scripts = Scripts::write(args, &place, tasks, &open, &plan.base.name)?;
    if mode == SlurmMode::Print {
        say(format_args!(
            "{}\n{}\n{}\nthe last one submits the others",
            scripts.array.display(),
            scripts.merge.display(),
            scripts.submit.display()
        ));
        return Ok(());
    }
    let array = sbatch(&[], &scripts.array)?;
    let after = [
        format!("--dependency=afterok:{array}"),
        String::from("--kill-on-invalid-dep=yes"),
    ];
    let merge = sbatch(&after, &scripts.merge)?;
    let jobs = json!({ "array": array, "merge": merge, "tasks": open.len(), "shards": tasks });
    let path = place.join(FOLDER).join(JOBS);
    if let Err(error) = fs::write(&path, format!("{jobs:#}\n")) {
        tell(format_args!(
            "warning: cannot write {}: {error}",
            path.display()
        ));
    }
    if args.json {
        say(jobs);
    } else if !args.quiet {
        say(format_args!(
            "array job {array}: {} tasks of {tasks} shards; merge job {merge} after it\n\
             `badlink sweep-status {}` shows where it stands; the same call submits again what is \
             missing",
            open.len(),
            place.display()
        ));
    }
    Ok(())
}

/// Shards with a run that is not stored.
fn open_shards(plan: &Plan, ledger: &Ledger, tasks: u64) -> Vec<u64> {
    let mut open = std::collections::BTreeSet::new();
    for point in 0..plan.points.len() {
        for replication in 0..plan.replications() {
            if open.len() as u64 == tasks {
                return open.into_iter().collect();
            }
            if !ledger.has(point, replication) {
                let of = |index| Shard { index, of: tasks };
                let number = if plan.study.stopping.is_some() {
                    point as u64
                } else {
                    point as u64 * plan.study.replications + replication
                };
                let index = number % tasks;
                debug_assert!(
                    of(index).has(plan, point, replication),
                    "one rule for shards"
                );
                open.insert(index);
            }
        }
    }
    open.into_iter().collect()
}

/// `0-9,12,15-16` for these numbers, ascending.
fn ranges(numbers: &[u64]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for run in numbers.chunk_by(|a, b| *b == *a + 1) {
        match run {
            [one] => parts.push(one.to_string()),
            [first, .., last] => parts.push(format!("{first}-{last}")),
            [] => {}
        }
    }
    parts.join(",")
}

struct Scripts {
    array: PathBuf,
    merge: PathBuf,
    submit: PathBuf,
}

impl Scripts {
    fn write(
        args: &SweepArgs,
        place: &Path,
        tasks: u64,
        open: &[u64],
        name: &str,
    ) -> Result<Self, Exit> {
        let folder = place.join(FOLDER);
        let logs = folder.join("log");
        let refused = |error: std::io::Error| {
            let what = format!("cannot write into {}: {error}", folder.display());
            fail(
                Exit::Run,
                what,
                "choose a place that can be written with --out DIR",
            )
        };
        fs::create_dir_all(&logs).map_err(refused)?;
        let program = std::env::current_exe().map_err(refused)?;
        let cluster = &args.cluster;
        let cpus = cluster.cpus.unwrap_or(1);
        let mut common = format!("#SBATCH --ntasks=1\n#SBATCH --cpus-per-task={cpus}\n");
        for (option, value) in [
            ("partition", &cluster.partition),
            ("account", &cluster.account),
            ("time", &cluster.time),
            ("mem", &cluster.mem),
        ] {
            if let Some(value) = value {
                common.push_str(&format!("#SBATCH --{option}={value}\n"));
            }
        }
        let throttle = cluster
            .throttle
            .map_or_else(String::new, |most| format!("%{most}"));
        let quoted_place = quote(&place.display().to_string());
        let program = quote(&program.display().to_string());
        // `%` begins a pattern in the names of logs.
        let log = |pattern: &str| {
            let logs = logs.display().to_string().replace('%', "%%");
            format!("#SBATCH --output={}/{pattern}\n", logs.replace(' ', "\\ "))
        };
        let array = format!(
            "#!/bin/bash\n#SBATCH --job-name={name}\n#SBATCH --array={}{throttle}\n{common}{}\
             #SBATCH --requeue\n#SBATCH --open-mode=append\n\
             # A shard does what is missing of it; it may be started again at any time.\n\
             {program} sweep {} --out {quoted_place} --shard \"$SLURM_ARRAY_TASK_ID/{tasks}\" \
             --jobs {cpus} --quiet\nstatus=$?\n\
             # Failed runs (5) are stored; the merge counts them.\n\
             [ $status -eq 5 ] && status=0\nexit $status\n",
            ranges(open),
            log("%A_%a.log"),
            scenario_words(args),
        );
        let merge = format!(
            "#!/bin/bash\n#SBATCH --job-name={name}-merge\n#SBATCH --ntasks=1\n{}{}\
             exec {program} merge {quoted_place}\n",
            common
                .lines()
                .skip(2)
                .fold(String::new(), |all, line| all + line + "\n"),
            log("merge-%j.log"),
        );
        let scripts = Self {
            array: folder.join("array.sh"),
            merge: folder.join("merge.sh"),
            submit: folder.join("submit.sh"),
        };
        let path = |path: &Path| quote(&path.display().to_string());
        let submit = format!(
            "#!/bin/bash\nset -euo pipefail\narray=$(sbatch --parsable {})\narray=${{array%%;*}}\n\
             merge=$(sbatch --parsable --dependency=afterok:\"$array\" --kill-on-invalid-dep=yes {})\n\
             echo \"array job $array, merge job ${{merge%%;*}}\"\n",
            path(&scripts.array),
            path(&scripts.merge),
        );
        for (path, text) in [
            (&scripts.array, array),
            (&scripts.merge, merge),
            (&scripts.submit, submit),
        ] {
            fs::write(path, text).map_err(refused)?;
            executable(path).map_err(refused)?;
        }
        Ok(scripts)
    }
}

#[cfg(unix)]
fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The scenario and everything that changes it, as words of a shell.
fn scenario_words(args: &SweepArgs) -> String {
    let scenario = &args.scenario;
    let named = scenario.file.to_str().filter(|_| !scenario.file.exists());
    let file = match named.and_then(library::find) {
        Some(found) => found.name.to_owned(),
        None => std::path::absolute(&scenario.file)
            .unwrap_or_else(|_| scenario.file.clone())
            .display()
            .to_string(),
    };
    let mut words = quote(&file);
    for set in &scenario.set {
        words.push_str(&format!(" --set {}", quote(set)));
    }
    if let Some(seed) = scenario.seed {
        words.push_str(&format!(" --seed {seed}"));
    }
    if args.keep_traces {
        words.push_str(" --keep-traces");
    }
    if args.retry_failed {
        words.push_str(" --retry-failed");
    }
    if args.yes {
        words.push_str(" --yes");
    }
    if let Some(events) = args.max_events {
        words.push_str(&format!(" --max-events {events}"));
    }
    words
}

/// A word that a shell leaves as it is.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Submits a script; the job's number.
fn sbatch(options: &[String], script: &Path) -> Result<String, Exit> {
    let output = Command::new("sbatch")
        .arg("--parsable")
        .args(options)
        .arg(script)
        .output();
    let hint = "`--slurm=print` writes the scripts without a cluster; `--shard K/N` needs none";
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Ok(text.trim().split(';').next().unwrap_or_default().to_owned())
        }
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            Err(fail(
                Exit::Run,
                format_args!("sbatch refused: {}", text.trim()),
                hint,
            ))
        }
        Err(error) => Err(fail(
            Exit::Run,
            format_args!("cannot call sbatch: {error}"),
            hint,
        )),
    }
}

/// What the cluster says of the jobs that were submitted last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs {
    /// Number of the array job; empty where nothing was submitted.
    array: String,
    /// Tasks by state, in the cluster's words.
    states: std::collections::BTreeMap<String, u64>,
    /// Tasks that run now.
    pub(crate) running: u64,
}

impl Jobs {
    pub(crate) fn text(&self) -> Option<String> {
        if self.array.is_empty() {
            return None;
        }
        let states: Vec<String> = self
            .states
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        Some(if states.is_empty() {
            format!(
                "array job {}: the cluster does not know it any more",
                self.array
            )
        } else {
            format!("array job {}: {}", self.array, states.join(", "))
        })
    }

    pub(crate) fn json(&self) -> Value {
        if self.array.is_empty() {
            return Value::Null;
        }
        json!({ "array": self.array, "tasks": self.states })
    }
}

/// Asks the cluster for the jobs of a study; nothing where none was submitted.
pub(crate) fn jobs(directory: &Path) -> Jobs {
    let read = fs::read_to_string(directory.join(FOLDER).join(JOBS)).ok();
    let stored = read.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let Some(array) = stored.as_ref().and_then(|jobs| jobs["array"].as_str()) else {
        return Jobs::default();
    };
    let mut jobs = Jobs {
        array: array.to_owned(),
        ..Jobs::default()
    };
    let listed = Command::new("squeue")
        .args(["-h", "-r", "-t", "all", "-o", "%T", "-j", array])
        .output();
    if let Ok(listed) = listed {
        for state in String::from_utf8_lossy(&listed.stdout).split_whitespace() {
            *jobs.states.entry(state.to_lowercase()).or_default() += 1;
        }
    }
    jobs.running = jobs.states.get("running").copied().unwrap_or(0);
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(ranges(&[3]), "3");
    }

    #[test]
    fn a_quoted_word_is_one_word() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), "'it'\\''s'");
    }
}
