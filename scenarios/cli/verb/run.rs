//! `badlink run FILE`: one run, its files, its figures and a summary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reports::figure;
use reports::metric::Summary;
use reports::read::RunResult;
use reports::store::{Commit, FORMAT_VERSION, Manifest, ResultKind, Staging, StoreError};
use scenarios::Scenario;
use scenarios::build::build_with_keys;
use scenarios::key_cache::KeyCache;
use scenarios::names::Names;
use scenarios::record::FileTables;
use scenarios::results;
use scenarios::run::{AtEnd, Finished, RunError, Stop, drive, split};
use scenarios::scenario::{Share, Trace};

use crate::args::RunArgs;
use crate::exit::{Exit, fail, say, tell};
use crate::load;
use crate::monitor::{Guards, Watch, cpu_time};
use crate::verb::threads;

/// Name and version of the program, part of every key.
pub(crate) const PROGRAM: &str = concat!("badlink ", env!("CARGO_PKG_VERSION"));

/// Runs the scenario.
pub(crate) fn run(args: &RunArgs) -> Exit {
    let mut scenario = match load::scenario(&args.scenario) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    if let Err(exit) = add_traces(&mut scenario, &args.traces) {
        return exit;
    }
    let target = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("results").join(&scenario.name));
    let guards = Guards {
        max_events: args.max_events,
        max_wall: args.max_wall,
        max_disk: args.max_disk,
        one_thread_if_sparse: !args.share_sparse,
    };
    let threads = args.threads;
    match into_directory(
        &scenario,
        &target,
        args.force,
        &guards,
        (threads, args.quiet),
    ) {
        Ok(done) => match done.report(args) {
            Exit::Good => expected(&scenario, &done.summary),
            exit => exit,
        },
        Err(failure) => failure.tell(),
    }
}

/// Adds traces to those of the scenario. The stored scenario names them, so that it repeats the run.
fn add_traces(scenario: &mut Scenario, wanted: &[String]) -> Result<(), Exit> {
    if wanted.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = Trace::ALL.iter().map(|trace| trace.as_str()).collect();
    for word in wanted {
        let Some(trace) = Trace::ALL.iter().find(|trace| trace.as_str() == word) else {
            let near = scenarios::did_you_mean(word, known.iter().copied());
            let hint = format!("{near} traces are {}", known.join(", "));
            let hint = hint.trim_start();
            return Err(fail(
                Exit::Usage,
                format_args!("unknown trace `{word}`"),
                hint,
            ));
        };
        if !scenario.output.traces.contains(trace) {
            scenario.output.traces.push(*trace);
        }
    }
    let names: Vec<String> = scenario
        .output
        .traces
        .iter()
        .map(|trace| format!("{:?}", trace.as_str()))
        .collect();
    let value = format!("[{}]", names.join(", "));
    scenario
        .overrides
        .push((String::from("output.traces"), value));
    Ok(())
}

/// Tests what the scenario expects of a single run.
fn expected(scenario: &Scenario, summary: &Summary) -> Exit {
    let Some(study) = &scenario.study else {
        return Exit::Good;
    };
    let violations = study.test_run(&summary.metrics);
    crate::study::told(&violations);
    if violations.is_empty() {
        Exit::Good
    } else {
        Exit::Expect
    }
}

/// What a run into a directory came to.
pub(crate) struct Done {
    pub(crate) target: PathBuf,
    pub(crate) commit: Commit,
    pub(crate) summary: Summary,
    pub(crate) stopped: Option<Stop>,
    pub(crate) text: String,
    /// Parts that ran at the same time; 1 on one thread.
    pub(crate) parts: usize,
}

/// Why there is no result.
pub(crate) enum Failure {
    Run(RunError),
    /// Before anything ran: the place for the result is not right.
    Place(StoreError),
    /// While the result was written.
    Store(StoreError),
}

impl Failure {
    /// Tells it, with what to do about it.
    pub(crate) fn tell(&self) -> Exit {
        match self {
            Self::Run(RunError::Scenario(diagnostics)) => load::refuse(diagnostics),
            Self::Run(error) => fail(Exit::Run, error, "please report this with the scenario"),
            Self::Place(error) => {
                let hint = match error {
                    StoreError::OtherKey { .. } => {
                        "write elsewhere with --out DIR, or replace it with --force"
                    }
                    StoreError::NotAResult { .. } | StoreError::NotADirectory { .. } => {
                        "write elsewhere with --out DIR"
                    }
                    StoreError::Damaged { .. } => "remove the directory, or choose another --out",
                    _ => "choose a place that can be written with --out DIR",
                };
                fail(Exit::Usage, error, hint)
            }
            Self::Store(error) => {
                let hint =
                    "nothing was left behind; make room or choose another --out, then run again";
                fail(Exit::Run, error, hint)
            }
        }
    }
}

/// Where generated key pairs are kept between runs: `$BADLINK_CACHE`, else the user's cache
/// directory; nowhere when neither is known. It changes the time a run takes and nothing else.
pub(crate) fn key_directory() -> Option<PathBuf> {
    let named = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = named("BADLINK_CACHE")
        .or_else(|| named("XDG_CACHE_HOME").map(|home| home.join("badlink")))
        .or_else(|| named("HOME").map(|home| home.join(".cache").join("badlink")))?;
    Some(cache.join("keys"))
}

/// Runs `scenario` on up to `threads` threads and puts its result at `target`.
pub(crate) fn into_directory(
    scenario: &Scenario,
    target: &Path,
    force: bool,
    guards: &Guards,
    (threads, quiet): (u16, bool),
) -> Result<Done, Failure> {
    let cpu_before = cpu_time();
    // Before anything is made on disk: some mistakes show only in the whole world.
    let mut keys = key_directory().map(|place| KeyCache::new(&place));
    let built = build_with_keys(scenario, keys.as_mut())
        .map_err(|error| Failure::Run(RunError::Scenario(error)))?;
    for path in keys.iter().flat_map(KeyCache::damaged) {
        tell(format_args!(
            "warning: the kept key pair {} was damaged and has been made anew",
            path.display()
        ));
    }
    let key = results::key(scenario, PROGRAM);
    let staging = Staging::open(target, &key, force).map_err(Failure::Place)?;
    let mut watch = Watch::new(guards, staging.path().to_owned(), quiet);
    let names = Arc::new(Names::new(scenario, &built.links));
    let mut tables = FileTables::open(
        &staging,
        scenario,
        Arc::clone(&names),
        &built.world.relations,
        &built.links,
    )
    .map_err(Failure::Store)?;
    let mut places = Ok(0);
    let at_end = |view: &AtEnd<'_, FileTables>| {
        places = results::places(&staging, scenario, view, &names);
    };
    let shared = threads::plan(scenario, &built, guards, threads, quiet);
    let finished = match &shared {
        Some(plan) => {
            let run = split::drive(scenario, built, plan, &mut tables, &mut watch, at_end);
            watch.finish();
            match run {
                Ok((finished, shares)) => {
                    threads::tell_shares(plan, &shares, quiet);
                    finished
                }
                Err(error) => {
                    // On one thread it either runs, or fails as such a run does.
                    threads::tell_met(&error);
                    drop((tables, staging));
                    return into_directory(scenario, target, force, guards, (1, quiet));
                }
            }
        }
        None => {
            let run = drive(scenario, built, &mut tables, &mut watch, at_end);
            watch.finish();
            run.map_err(|error| Failure::Run(RunError::Engine(error)))?
        }
    };
    let place_rows = places.map_err(Failure::Store)?;
    let written = results::write(&staging, scenario, &finished, tables).map_err(Failure::Store)?;
    let events = finished.events;
    let mut manifest = Manifest {
        format: FORMAT_VERSION,
        kind: ResultKind::Run,
        program: PROGRAM.into(),
        scenario: scenario.name.clone(),
        scenario_hash: written.summary.scenario_hash.clone(),
        key,
        seed: scenario.run.seed,
        fingerprint: written.summary.fingerprint.clone(),
        complete: finished.stopped.is_none(),
        sample: scenario.output.sample.map(Share::number),
        virtual_ns: finished.ended_ns,
        counts: BTreeMap::from([
            (String::from("events"), events),
            (String::from("attempts"), finished.tally.attempts()),
            (String::from("packets"), finished.tally.fates.iter().sum()),
            (String::from("rows"), written.rows + place_rows),
        ]),
        wall_seconds: 0.0,
        cpu_seconds: None,
        events_per_second: 0.0,
        host: BTreeMap::from([(
            String::from("scenario_file"),
            scenario.path.display().to_string(),
        )]),
    };
    draw(&staging, scenario, &finished, &manifest).map_err(Failure::Store)?;
    let wall = watch.elapsed().as_secs_f64();
    manifest.wall_seconds = wall;
    manifest.cpu_seconds = cpu_before.and_then(|before| Some((cpu_time()? - before).as_secs_f64()));
    manifest.events_per_second = events as f64 / wall.max(1e-9);
    let commit = staging.commit(&manifest).map_err(Failure::Store)?;
    let text = crate::verb::summary::text(scenario, &finished, &written.summary, wall);
    Ok(Done {
        target: target.to_owned(),
        commit,
        summary: written.summary,
        stopped: finished.stopped,
        text,
        parts: shared.map_or(1, |plan| plan.threads()),
    })
}

/// Draws the figures that the scenario asks for into `report/figures`.
fn draw(
    staging: &Staging,
    scenario: &Scenario,
    finished: &Finished<FileTables>,
    manifest: &Manifest,
) -> Result<(), StoreError> {
    let from_files = figure::Provenance::from(manifest);
    let from_memory = figure::Provenance {
        sample: None,
        ..from_files.clone()
    };
    let result = RunResult::unfinished(staging.path().to_owned(), manifest.clone());
    for wanted in &scenario.output.figures {
        let provenance = if crate::verb::figures::in_memory(*wanted) {
            &from_memory
        } else {
            &from_files
        };
        let made = crate::verb::figures::of(*wanted, scenario, finished, &result)
            .and_then(|figure| figure::draw(figure.as_ref(), provenance));
        match made {
            Ok(drawing) => {
                let name = |extension: &str| format!("report/figures/{}.{extension}", drawing.name);
                staging.file(&name("svg"), drawing.svg.as_bytes())?;
                staging.file(&name("png"), &drawing.png)?;
                staging.file(&name("csv"), &drawing.csv)?;
            }
            Err(error) => tell(format_args!(
                "warning: figure {} not drawn: {error}",
                wanted.as_str()
            )),
        }
    }
    Ok(())
}

impl Done {
    fn report(&self, args: &RunArgs) -> Exit {
        if args.json {
            match serde_json::to_string_pretty(&self.summary) {
                Ok(text) => say(text),
                Err(error) => return fail(Exit::Run, error, ""),
            }
        } else if !args.quiet {
            say(&self.text);
        }
        let place = self.target.display();
        if !args.quiet && !args.json {
            match &self.commit {
                Commit::Written => say(format_args!("result in {place}")),
                Commit::Identical => say(format_args!("identical to the result in {place}")),
                _ => {}
            }
        }
        match &self.commit {
            Commit::Differs { difference, kept } => {
                let what = format!("{place} holds another outcome of the same run: {difference}");
                let hint = format!("the new result is in {}", kept.display());
                return fail(Exit::Check, what, &hint);
            }
            Commit::Discarded => {
                tell(format_args!(
                    "the complete result in {place} was kept; this partial one is gone"
                ));
            }
            Commit::Written | Commit::Identical => {}
        }
        match &self.stopped {
            None => Exit::Good,
            Some(Stop::Interrupted) => {
                tell(format_args!(
                    "interrupted: {place} holds a partial run, marked incomplete"
                ));
                Exit::Interrupted
            }
            Some(Stop::Guard(guard)) => {
                let hint = "raise the bound to let the run finish";
                fail(
                    Exit::Run,
                    format_args!("stopped by {guard}; {place} is marked incomplete"),
                    hint,
                )
            }
            Some(Stop::Writing) => fail(Exit::Run, "writing failed", ""),
        }
    }
}
