//! `badlink compare A B`: two results, or two variants, side by side.

use std::path::Path;

use rayon::prelude::*;
use reports::format;
use reports::store::{Manifest, ResultKind};
use reports::tables::{Align, Cell, Table, text};
use scenarios::Scenario;
use scenarios::sweep::compare::{CompareError, Row, Side, rows, studies};
use scenarios::sweep::execute::reseed;
use scenarios::sweep::ledger::Ledger;
use scenarios::sweep::plan::Plan;
use scenarios::sweep::simulate::{Failure, Runner as _, Simulator};
use serde_json::{Value, json};

use crate::args::{CompareArgs, ScenarioArgs};
use crate::exit::{Exit, fail, say, tell};
use crate::load;
use crate::study::{self, Watch};
use crate::verb::run::{PROGRAM, key_directory};

/// Compares.
pub(crate) fn run(args: &CompareArgs) -> Exit {
    match compare(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn compare(args: &CompareArgs) -> Result<Exit, Exit> {
    let mut all = match &args.scenario {
        Some(file) => of_variants(args, file)?,
        None => of_results(Path::new(&args.first), Path::new(&args.second))?,
    };
    if !args.metric.is_empty() {
        all.retain(|row| args.metric.contains(&row.metric));
        if all.is_empty() {
            let what = format!("neither has a metric {}", args.metric.join(" or "));
            return Err(fail(Exit::Usage, what, "`badlink list metrics` shows them"));
        }
    }
    if args.json {
        let rows: Vec<Value> = all.iter().map(as_json).collect();
        say(json!({ "first": args.first, "second": args.second, "rows": rows }));
    } else {
        show(args, &all);
    }
    Ok(Exit::Good)
}

fn as_json(row: &Row) -> Value {
    let number = |value: Option<f64>| value.and_then(format::rounded);
    let paired = row.difference.as_ref().map(|difference| &difference.paired);
    let interval = paired.and_then(|paired| paired.interval);
    json!({
        "place": row.place, "metric": row.metric, "unit": row.unit,
        "first": number(row.first), "second": number(row.second),
        "difference": number(paired.map(|paired| paired.mean)),
        "ci_low": number(interval.map(|interval| interval.low)),
        "ci_high": number(interval.map(|interval| interval.high)),
        "correlation": number(paired.and_then(|paired| paired.correlation)),
        "n": paired.map_or(0, |paired| paired.n),
        "method": row.difference.as_ref().map_or("", |difference| difference.method),
    })
}

fn show(args: &CompareArgs, all: &[Row]) {
    let columns = [
        ("metric", Align::Left),
        (args.first.as_str(), Align::Right),
        (args.second.as_str(), Align::Right),
        ("difference", Align::Right),
        ("95 % interval", Align::Left),
        ("correlation", Align::Right),
        ("n", Align::Right),
    ];
    let mut place = None;
    let mut at = 0;
    while at < all.len() {
        let same = all[at..]
            .iter()
            .take_while(|row| row.place == all[at].place)
            .count();
        let part = &all[at..at + same];
        if place.is_some() {
            say("");
        }
        place = Some(());
        if !part[0].place.is_empty() {
            say(&part[0].place);
        }
        let mut table = Table::new("compare", "", &columns);
        for row in part {
            table.push(cells(row).into_iter().map(Cell::Text).collect());
        }
        say(text(&[table]).trim());
        at += same;
    }
}

fn cells(row: &Row) -> Vec<String> {
    let show = |value: Option<f64>| {
        value.map_or_else(
            || String::from("–"),
            |value| match row.unit {
                "ns" => format::duration(value),
                "share" => format::percent(value),
                _ => format::significant(value, 4),
            },
        )
    };
    let paired = row.difference.as_ref().map(|difference| &difference.paired);
    let interval = paired.and_then(|paired| paired.interval).map_or_else(
        || String::from("–"),
        |interval| {
            format!(
                "{} to {}",
                show(Some(interval.low)),
                show(Some(interval.high))
            )
        },
    );
    let correlation = paired
        .and_then(|paired| paired.correlation)
        .map_or_else(|| String::from("–"), |value| format!("{value:.3}"));
    vec![
        row.metric.clone(),
        show(row.first),
        show(row.second),
        show(paired.map(|paired| paired.mean)),
        interval,
        correlation,
        paired.map_or(0, |paired| paired.n).to_string(),
    ]
}

fn of_results(first: &Path, second: &Path) -> Result<Vec<Row>, Exit> {
    let kind = |path: &Path| match Manifest::read(path) {
        Ok(Some(manifest)) => Ok(manifest.kind),
        Ok(None) => {
            let what = format!("{} holds no result", path.display());
            let hint = "name two results' directories, or two variants with --scenario FILE";
            Err(fail(Exit::Usage, what, hint))
        }
        Err(error) => Err(fail(Exit::Usage, error, "")),
    };
    match (kind(first)?, kind(second)?) {
        (ResultKind::Sweep, ResultKind::Sweep) => of_studies(first, second),
        (ResultKind::Run, ResultKind::Run) => {
            let (a, b) = (summary(first)?, summary(second)?);
            Ok(rows("", &a, &b, true))
        }
        _ => {
            let what = "a sweep and a single run cannot be compared";
            Err(fail(Exit::Usage, what, "compare two sweeps, or two runs"))
        }
    }
}

fn of_studies(first: &Path, second: &Path) -> Result<Vec<Row>, Exit> {
    let read = |path: &Path| -> Result<_, Exit> {
        let directory = study::open(path)?;
        let plan = study::plan_of(&directory)?;
        let (ledger, _) =
            Ledger::open(&plan, &[path]).map_err(|error| study::refuse_place(&error))?;
        Ok((plan, ledger))
    };
    let ((plan, mut ledger), (other_plan, mut other_ledger)) = (read(first)?, read(second)?);
    studies((&plan, &mut ledger), (&other_plan, &mut other_ledger)).map_err(|error| match error {
        CompareError::Axes(name) => {
            let what = format!("{name} has axes that the other study has not");
            fail(
                Exit::Usage,
                what,
                "fix them with --set, or compare within one study: differences.csv",
            )
        }
        CompareError::Nothing => {
            let what = "the studies have no point with runs in common";
            fail(
                Exit::Usage,
                what,
                "values of axes are compared as they are written",
            )
        }
        CompareError::Store(error) => study::refuse_place(&error),
    })
}

/// The metrics of a single run.
fn summary(directory: &Path) -> Result<Side, Exit> {
    let path = directory.join("summary.json");
    let refuse = |what: String| fail(Exit::Usage, what, "is this the directory of a run?");
    let read = std::fs::read_to_string(&path)
        .map_err(|error| refuse(format!("cannot read {}: {error}", path.display())))?;
    let summary: Value = serde_json::from_str(&read)
        .map_err(|error| refuse(format!("{} is damaged: {error}", path.display())))?;
    let metrics = summary["metrics"].as_array().cloned().unwrap_or_default();
    Ok(metrics
        .iter()
        .filter_map(|metric| {
            Some((
                metric["name"].as_str()?.to_owned(),
                vec![metric["value"].as_f64()],
            ))
        })
        .collect())
}

fn of_variants(args: &CompareArgs, file: &Path) -> Result<Vec<Row>, Exit> {
    let read = |variant: &str| {
        load::scenario(&ScenarioArgs {
            file: file.to_owned(),
            set: vec![format!("protocol.variant={variant}")],
            seed: None,
        })
    };
    let (first, second) = (read(&args.first)?, read(&args.second)?);
    let a = replicate(&first, args.replications)?;
    let b = replicate(&second, args.replications)?;
    Ok(rows("", &a, &b, true))
}

/// Runs a scenario with the seeds that a sweep of it would have.
fn replicate(scenario: &Scenario, replications: u64) -> Result<Side, Exit> {
    let mut single = scenario.clone();
    single.study = None;
    let plan = Plan::new(&single, PROGRAM, None).map_err(|error| load::refuse(&error))?;
    let watch = Watch::new(replications, 0, true);
    let simulator = Simulator {
        keys: key_directory(),
        max_events: None,
    };
    let outcomes: Vec<_> = (0..replications)
        .into_par_iter()
        .map(|replication| {
            let mut scenario = single.clone();
            reseed(&mut scenario, plan.seed(0, replication));
            simulator.run(&scenario, None, &watch)
        })
        .collect();
    let mut side: Side = Vec::new();
    for (replication, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(outcome) => {
                for (name, value) in outcome.names.into_iter().zip(outcome.values) {
                    match side.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, values)) => values.push(value),
                        None => side.push((name, vec![value])),
                    }
                }
            }
            Err(Failure::Interrupted) => return Err(Exit::Interrupted),
            Err(Failure::Run(error)) => {
                tell(format_args!(
                    "error: replication {replication} failed: {error}"
                ));
                return Err(Exit::Failed);
            }
            Err(Failure::Store(error)) => return Err(fail(Exit::Run, error, "")),
        }
    }
    Ok(side)
}
