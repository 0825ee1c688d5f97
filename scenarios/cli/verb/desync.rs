//! `badlink desync`: the desynchronisation laboratory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use reports::figure::{Wanted, draw, of_study};
use reports::read::study::Study;
use reports::rows::{Laboratory, LaboratoryRow};
use reports::store::{FORMAT_VERSION, Manifest, ResultKey, ResultKind, Staging, StoreError};
use reports::table::Table as _;
use scenarios::laboratory::{Damage, Experiment, Kind, PROTOCOLS, Row, examine, plan};
use sha2::{Digest as _, Sha256};

use super::plot::provenance;
use super::run::PROGRAM;
use crate::args::DesyncArgs;
use crate::exit::{Exit, fail, say, tell};
use crate::monitor::interrupt_flag;

/// Runs the laboratory.
pub(crate) fn run(args: &DesyncArgs) -> Exit {
    let Some(protocol) = PROTOCOLS.iter().find(|name| **name == args.protocol) else {
        return fail(
            Exit::Usage,
            format_args!("the laboratory knows no protocol `{}`", args.protocol),
            &format!("it knows: {}", PROTOCOLS.join(", ")),
        );
    };
    let experiments = plan(protocol, &args.variant);
    if experiments.is_empty() {
        return fail(
            Exit::Usage,
            format_args!("`{protocol}` has no variant `{}`", args.variant),
            "`badlink list protocols` names the variants",
        );
    }
    let place = args.out.clone().unwrap_or_else(|| {
        PathBuf::from("results").join(format!("desync-{protocol}-{}", args.variant))
    });
    let key = key(&experiments, args.trials);
    let staging = match Staging::open(&place, &key, false) {
        Ok(staging) => staging,
        Err(error) => return fail(Exit::Usage, error, "write elsewhere with --out DIR"),
    };
    let began = Instant::now();
    let table = match trials(args, &experiments) {
        Ok(table) => table,
        Err(exit) => return exit,
    };
    let seconds = began.elapsed().as_secs_f64();
    if let Err(error) = write(staging, key, &table, args.trials, seconds) {
        return fail(Exit::Run, error, "make room or choose another --out");
    }
    figure(&place);
    if !args.quiet {
        print(&table);
        say(format_args!("written to {}", place.display()));
    }
    let mut without = table.iter().filter(|row| !row.failure.is_empty());
    if let Some(row) = without.next() {
        tell(format_args!(
            "{} experiments have no outcome; {}: {}",
            without.count() + 1,
            row.experiment.name(),
            row.failure
        ));
        return Exit::Run;
    }
    Exit::Good
}

fn key(experiments: &[Experiment], trials: u64) -> ResultKey {
    let mut hash = Sha256::new();
    hash.update(PROGRAM.as_bytes());
    hash.update(trials.to_be_bytes());
    for experiment in experiments {
        hash.update(experiment.text().as_bytes());
    }
    ResultKey::new(scenarios::results::hex(&hash.finalize()))
}

fn trials(args: &DesyncArgs, experiments: &[Experiment]) -> Result<Vec<Row>, Exit> {
    let shown = !args.quiet && std::io::stderr().is_terminal();
    let target = if shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(experiments.len() as u64), target);
    let style = "{bar:30} {pos}/{len} experiments  {msg}  ETA {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let interrupted = interrupt_flag();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.unwrap_or(0))
        .build()
        .map_err(|error| fail(Exit::Run, error, "try a smaller --jobs"))?;
    let one = |one: &Experiment| {
        if interrupted.load(Ordering::Relaxed) {
            return None;
        }
        bar.set_message(one.name());
        let row = examine(one, args.trials);
        bar.inc(1);
        Some(row)
    };
    let table: Vec<Option<Row>> = pool.install(|| experiments.par_iter().map(one).collect());
    bar.finish_and_clear();
    let complete: Option<Vec<Row>> = table.into_iter().collect();
    complete.ok_or_else(|| {
        tell("interrupted: nothing was written");
        Exit::Interrupted
    })
}

fn write(
    staging: Staging,
    key: ResultKey,
    table: &[Row],
    trials: u64,
    seconds: f64,
) -> Result<(), StoreError> {
    let mut out = staging.table::<Laboratory>()?;
    for row in table {
        let name = row.experiment.name();
        out.write(&LaboratoryRow {
            protocol: row.experiment.protocol,
            variant: &row.experiment.variant,
            target: &row.experiment.target(),
            damage: &row.experiment.what(),
            kind: row.kind.as_str(),
            trials: row.trials,
            hits: row.hits,
            recovery_ns: row.recovery_ns,
            recovery_messages: row.recovery_messages.map(u64::from),
            failed: row.failed,
            replay: &format!("badlink run experiments/{name}.toml --seed {}", row.seed),
            failure: row.failure.lines().next().unwrap_or(""),
        })?;
        if let Ok((_, text)) = row.experiment.scenario(0) {
            staging.file(&format!("experiments/{name}.toml"), text.as_bytes())?;
        }
    }
    out.finish()?;
    staging.dictionary(&[Laboratory::SCHEMA])?;
    staging.commit(&Manifest {
        format: FORMAT_VERSION,
        kind: ResultKind::Laboratory,
        program: PROGRAM.into(),
        scenario: String::from("laboratory"),
        scenario_hash: key.as_str().to_owned(),
        key,
        seed: 20_260_401,
        fingerprint: String::new(),
        complete: true,
        sample: None,
        virtual_ns: 0,
        counts: BTreeMap::from([
            (String::from("experiments"), table.len() as u64),
            (String::from("trials"), table.len() as u64 * trials),
        ]),
        wall_seconds: seconds,
        cpu_seconds: None,
        events_per_second: 0.0,
        host: BTreeMap::new(),
    })?;
    Ok(())
}

/// The heat map, from the table as stored.
fn figure(place: &Path) {
    let drawn = Study::open(place)
        .map_err(|error| error.to_string())
        .and_then(|study| {
            let figure = of_study(&study, &Wanted::named("desync-lab"));
            let figure = figure.map_err(|error| error.to_string())?;
            draw(figure.as_ref(), &provenance(&study)).map_err(|error| error.to_string())
        })
        .and_then(|drawing| {
            let place = place.join("report").join("figures");
            drawing.write(&place).map_err(|error| error.to_string())
        });
    if let Err(error) = drawn {
        tell(format_args!("warning: no heat map was drawn: {error}"));
    }
}

/// How many experiments ended how, and the bad ones by name.
fn print(table: &[Row]) {
    let all = [
        Kind::InStep,
        Kind::Transient,
        Kind::Silent,
        Kind::Permanent,
        Kind::NotExercised,
    ];
    for kind in all {
        let count = table.iter().filter(|row| row.kind == kind).count();
        say(format_args!("{:<14} {count:>4} experiments", kind.as_str()));
    }
    for row in table.iter().filter(|row| row.kind >= Kind::Silent) {
        say(format_args!(
            "  {:<10} {} · {}",
            row.kind.as_str(),
            row.experiment.target(),
            row.experiment.what()
        ));
    }
    let mut told = BTreeSet::new();
    for row in table.iter().filter(|row| row.kind == Kind::NotExercised) {
        if told.insert(row.experiment.target()) {
            say(format_args!("  {:<10} {}", row.kind.as_str(), reason(row)));
        }
    }
}

/// Why a damage never happened.
fn reason(row: &Row) -> String {
    match &row.experiment.damage {
        Damage::Message { message, .. } => {
            format!("{message}: nobody sends it where nothing else is wrong")
        }
        Damage::Write { group, write, .. } => {
            format!("{group}, write {write}: it makes no such write in this scenario")
        }
        Damage::Rollback { group, .. } => {
            format!("{group}, storage: it has no session to go back to")
        }
    }
}
