//! `badlink matrix`: every attack on every protocol, claimed against observed.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use reports::figure::{Wanted, draw, of_study};
use reports::read::study::Study;
use reports::rows::{Claim, Claims, Matrix, MatrixRow};
use reports::store::{FORMAT_VERSION, Manifest, ResultKey, ResultKind, Staging, StoreError};
use reports::table::Table as _;
use reports::tables::{self, Align, Cell as Text};
use scenarios::matrix::journal::Journal;
use scenarios::matrix::{Cell, CellTrials, Row, Selection, Trial, claims, plan, rows, trial};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::plot::provenance;
use super::run::PROGRAM;
use crate::args::MatrixArgs;
use crate::exit::{Exit, fail, say, tell};
use crate::monitor::interrupt_flag;

/// Runs the matrix.
pub(crate) fn run(args: &MatrixArgs) -> Exit {
    let selection = Selection {
        protocols: args.protocols.clone(),
        variants: args.variants.clone(),
        attacks: args.attacks.clone(),
    };
    let cells = match plan(&selection) {
        Ok(cells) => cells,
        Err(unknown) => {
            return fail(
                Exit::Usage,
                format_args!("there is no {} `{}`", unknown.kind, unknown.name),
                &format!("there are: {}", unknown.known.join(", ")),
            );
        }
    };
    if cells.iter().all(|cell| cell.control) {
        return fail(
            Exit::Usage,
            "no attack that was asked for has steps in that variant",
            "`badlink list attacks` names the variants of each attack",
        );
    }
    let key = key(&cells, args.trials);
    let staging = match Staging::open(&args.out, &key, false) {
        Ok(staging) => staging,
        Err(error) => {
            let hint = "write elsewhere with --out DIR";
            return fail(Exit::Usage, error, hint);
        }
    };
    let began = Instant::now();
    let results = match trials(args, &cells) {
        Ok(results) => results,
        Err(exit) => return exit,
    };
    let table = rows(&results);
    let done = Done {
        args,
        table: &table,
        cells: &cells,
        seconds: began.elapsed().as_secs_f64(),
    };
    if let Err(error) = done.write(staging, key) {
        return fail(
            Exit::Run,
            error,
            "make room or choose another --out; what was run is kept and is not run again",
        );
    }
    let _ = std::fs::remove_dir_all(journal_place(&args.out));
    done.figure();
    done.print();
    if table.iter().any(|row| !row.failure.is_empty()) {
        return Exit::Run;
    }
    Exit::Good
}

/// Everything that decides the bytes.
fn key(cells: &[Cell], trials: u64) -> ResultKey {
    let mut hash = Sha256::new();
    hash.update(PROGRAM.as_bytes());
    hash.update(trials.to_be_bytes());
    for cell in cells {
        hash.update(cell.text(true).as_bytes());
        hash.update([u8::from(cell.control)]);
    }
    ResultKey::new(scenarios::results::hex(&hash.finalize()))
}

/// Where trials are kept until the table is complete.
fn journal_place(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(".unfinished");
    out.with_file_name(name)
}

/// Runs what has not been run yet, in parallel.
fn trials(args: &MatrixArgs, cells: &[Cell]) -> Result<Vec<CellTrials>, Exit> {
    let place = journal_place(&args.out);
    let unwritable = |error: std::io::Error| {
        fail(
            Exit::Run,
            format_args!("{}: {error}", place.display()),
            "choose a place that can be written with --out DIR",
        )
    };
    let journal = Mutex::new(Journal::open(&place).map_err(unwritable)?);
    let jobs: Vec<(usize, u64)> = (0..cells.len())
        .flat_map(|cell| (0..args.trials).map(move |number| (cell, number)))
        .collect();
    let shown = !args.quiet && std::io::stderr().is_terminal();
    let target = if shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(jobs.len() as u64), target);
    let style = "{bar:30} {pos}/{len} trials  {msg}  ETA {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let interrupted = interrupt_flag();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.unwrap_or(0))
        .build()
        .map_err(|error| fail(Exit::Run, error, "try a smaller --jobs"))?;
    let one = |(cell, number): &(usize, u64)| -> Option<std::io::Result<Trial>> {
        if interrupted.load(Ordering::Relaxed) {
            return None;
        }
        let cell = &cells[*cell];
        bar.set_message(cell.name());
        let key = trial::key(cell, *number, PROGRAM);
        let known = key.as_ref().and_then(|key| {
            let journal = journal.lock().ok()?;
            journal.known.get(key).cloned()
        });
        let found = match known {
            Some(found) => Ok(found),
            None => {
                let found = trial::run(cell, *number);
                match (key, journal.lock()) {
                    (Some(key), Ok(mut journal)) => journal.add(&key, &found).map(|()| found),
                    _ => Ok(found),
                }
            }
        };
        bar.inc(1);
        Some(found)
    };
    // A run that panics is recorded with its message; the default report would tear the bar.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found: Vec<Option<std::io::Result<Trial>>> =
        pool.install(|| jobs.par_iter().map(one).collect());
    std::panic::set_hook(report);
    bar.finish_and_clear();
    if found.iter().any(Option::is_none) {
        let ready = found.iter().flatten().count();
        tell(format_args!(
            "interrupted: {ready} of {} trials are kept; the same command goes on from there",
            jobs.len()
        ));
        return Err(Exit::Interrupted);
    }
    let mut results: Vec<CellTrials> = cells.iter().map(|cell| (*cell, Vec::new())).collect();
    for ((cell, number), found) in jobs.into_iter().zip(found.into_iter().flatten()) {
        results[cell].1.push((number, found.map_err(unwritable)?));
    }
    Ok(results)
}

/// A finished matrix.
struct Done<'a> {
    args: &'a MatrixArgs,
    table: &'a [Row],
    cells: &'a [Cell],
    seconds: f64,
}

impl Done<'_> {
    fn write(&self, staging: Staging, key: ResultKey) -> Result<(), StoreError> {
        let mut matrix = staging.table::<Matrix>()?;
        for row in self.table {
            matrix.write(&MatrixRow {
                protocol: row.protocol,
                variant: row.variant,
                attack: row.attack,
                claim: &row.claims.join(" "),
                verdict: row.verdict,
                property: row.property.as_str(),
                trials: row.trials,
                successes: row.successes,
                ci_low: row.interval.map(|it| it.0),
                ci_high: row.interval.map(|it| it.1),
                acted: row.acted,
                control: row.control,
                replay: &row.replay,
                case: row.case,
                witness: &row.witness,
                failure: row.failure.lines().next().unwrap_or(""),
            })?;
        }
        matrix.finish()?;
        let mut listed = staging.table::<Claims>()?;
        for claim in claims(self.table) {
            listed.write(&Claim {
                protocol: claim.protocol,
                claim: claim.id,
                text: claim.text,
                source: claim.source,
                stance: claim.stance,
                verdict: claim.verdict,
                by: &claim.by,
            })?;
        }
        listed.finish()?;
        for cell in self.cells {
            if let Ok((_, text)) = cell.scenario(0) {
                staging.file(&format!("cells/{}.toml", cell.name()), text.as_bytes())?;
            }
        }
        let tables = [self.shown(), self.claims()];
        staging.file("matrix.md", tables::markdown(&tables).as_bytes())?;
        staging.file("matrix.tex", tables::latex(&tables).as_bytes())?;
        staging.dictionary(&[Matrix::SCHEMA, Claims::SCHEMA])?;
        let trials = self.cells.len() as u64 * self.args.trials;
        staging.commit(&Manifest {
            format: FORMAT_VERSION,
            kind: ResultKind::Matrix,
            program: PROGRAM.into(),
            scenario: String::from("matrix"),
            scenario_hash: key.as_str().to_owned(),
            key,
            seed: scenarios::matrix::FIRST_SEED,
            fingerprint: String::new(),
            complete: true,
            sample: None,
            virtual_ns: 0,
            counts: BTreeMap::from([
                (String::from("trials"), trials),
                (String::from("cells"), self.cells.len() as u64),
                (String::from("rows"), self.table.len() as u64),
            ]),
            wall_seconds: self.seconds,
            cpu_seconds: None,
            events_per_second: 0.0,
            host: BTreeMap::new(),
        })?;
        Ok(())
    }

    /// The picture, from the table as stored.
    fn figure(&self) {
        let drawn = Study::open(&self.args.out)
            .map_err(|error| error.to_string())
            .and_then(|study| {
                let wanted = Wanted::named("attack-matrix");
                let figure = of_study(&study, &wanted).map_err(|error| error.to_string())?;
                let drawing = draw(figure.as_ref(), &provenance(&study));
                drawing.map_err(|error| error.to_string())
            })
            .and_then(|drawing| {
                let place = self.args.out.join("report").join("figures");
                drawing.write(&place).map_err(|error| error.to_string())
            });
        if let Err(error) = drawn {
            tell(format_args!("warning: no picture was drawn: {error}"));
        }
    }

    /// The table as people read it.
    fn shown(&self) -> tables::Table {
        let columns = [
            ("protocol", Align::Left),
            ("variant", Align::Left),
            ("attack", Align::Left),
            ("property", Align::Left),
            ("verdict", Align::Left),
            ("rate", Align::Right),
            ("95 % interval", Align::Left),
            ("acted", Align::Right),
            ("control", Align::Left),
            ("claim", Align::Left),
        ];
        let mut table = tables::Table::new(
            "matrix",
            "Attacks against protocols, as observed by oracles that see both ends",
            &columns,
        );
        let mut differing = true;
        for row in self.table {
            if differing && !row.differs && !table.rows.is_empty() {
                table.rule();
            }
            differing = row.differs;
            let interval = row.interval.map_or_else(String::new, |(low, high)| {
                format!("{:.1} to {:.1} %", low * 100.0, high * 100.0)
            });
            table.push(vec![
                Text::from(row.protocol),
                Text::from(row.variant),
                Text::from(row.attack),
                Text::from(row.property.as_str()),
                Text::from(row.verdict),
                Text::from(format!("{}/{}", row.successes, row.trials)),
                Text::from(interval),
                Text::from(row.acted.to_string()),
                Text::from(row.control),
                Text::from(row.claims.join(" ")),
            ]);
        }
        table.note("Resisted means that this attacker failed so many times; it is no proof.");
        table.note("Rows above the rule differ from what the authors claim.");
        table.note("Intervals: Clopper-Pearson over runs under different seeds.");
        table
    }

    fn claims(&self) -> tables::Table {
        let columns = [
            ("protocol", Align::Left),
            ("claim", Align::Left),
            ("what is said", Align::Left),
            ("source", Align::Left),
            ("stance", Align::Left),
            ("observed", Align::Left),
            ("by", Align::Left),
        ];
        let caption = "What the authors claim, and the worst that was observed on as-published";
        let mut table = tables::Table::new("claims", caption, &columns);
        for claim in claims(self.table) {
            table.push(vec![
                Text::from(claim.protocol),
                Text::from(claim.id),
                Text::from(claim.text),
                Text::from(claim.source),
                Text::from(claim.stance),
                Text::from(claim.verdict),
                Text::from(claim.by),
            ]);
        }
        table
    }

    fn print(&self) {
        if self.args.json {
            let rows: Vec<_> = self
                .table
                .iter()
                .map(|row| {
                    json!({
                        "protocol": row.protocol, "variant": row.variant, "attack": row.attack,
                        "claim": row.claims, "verdict": row.verdict,
                        "property": row.property.as_str(), "trials": row.trials,
                        "successes": row.successes, "interval": row.interval,
                        "acted": row.acted, "control": row.control, "case": row.case,
                        "replay": row.replay, "witness": row.witness,
                    })
                })
                .collect();
            say(json!(rows));
        } else if !self.args.quiet {
            say(tables::text(&[self.shown(), self.claims()]));
            for row in self.table.iter().filter(|row| !row.failure.is_empty()) {
                tell(format_args!(
                    "no verdict: {} {} {}: {}",
                    row.protocol, row.variant, row.attack, row.failure
                ));
            }
            say(format_args!("written to {}", self.args.out.display()));
        }
    }
}
