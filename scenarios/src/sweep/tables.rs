//! The tables of a study, written from what is stored, in the plan's order.
//!
//! Streamed: values of a point are held for a block of metrics at a time, so memory grows with
//! neither the number of points nor (beyond a few megabytes) that of replications.

use reports::rows::sweep::{
    AGGREGATES, CLOSED_FORMS, DIFFERENCES, POINTS, RUNS, SURVIVALS, StudyColumn, Wide,
};
use reports::statistics::paired::holm;
use reports::statistics::survival::{Departures, SurvivalStep};
use reports::store::StoreError;
use reports::table::Line;

use super::aggregate::{
    Aggregate, Difference, PointNumbers, SURVIVAL_METRIC, Tails, aggregate, batched, difference,
    survival,
};
use super::directory::{StudyDirectory, WholeFile};
use super::execute::Shard;
use super::expect::{Violation, unit_of};
use super::ledger::Ledger;
use super::plan::Plan;
use super::record::Batched;
use super::stop::{Stop, Targets, reached};
use crate::closed_form::{self, ExactValue};
use crate::metrics::METRICS;
use crate::results::hex;

/// Values of a point that are held at once.
const VALUES_MAX: usize = 1 << 20;

/// What the tables came to.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Points.
    pub points: u64,
    /// Runs, failed ones included.
    pub runs: u64,
    /// Failed runs.
    pub failed: u64,
    /// Clauses that do not hold, in plan order.
    pub violations: Vec<Violation>,
}

/// A row of `differences.csv` that waits for its adjusted probability.
struct Compared {
    point: usize,
    baseline: usize,
    row: Difference,
}

/// Writes every table of a complete study.
///
/// # Errors
///
/// A run is missing, stored runs cannot be read, or a table cannot be written.
pub fn write(
    plan: &Plan,
    ledger: &mut Ledger,
    directory: &StudyDirectory,
) -> Result<Written, StoreError> {
    let mut targets = Targets::new(plan);
    targets.advance(plan, Shard::WHOLE, ledger)?;
    let missing = missing(&targets, ledger);
    if missing > 0 || !targets.all_final() {
        return Err(StoreError::Damaged {
            path: directory.path().to_owned(),
            reason: format!("{missing} runs of the study are missing"),
        });
    }
    let metrics = union(&targets, ledger)?;
    let wide = Wide {
        axes: axis_columns(plan),
        metrics: metrics.iter().map(|name| metric_column(name)).collect(),
    };
    let mut written = Written {
        points: plan.points.len() as u64,
        ..Written::default()
    };
    let mut points = begin(directory, &wide, &POINTS)?;
    let mut runs = begin(directory, &wide, &RUNS)?;
    let mut aggregates = begin(directory, &wide, &AGGREGATES)?;
    let mut survivals = begin(directory, &wide, &SURVIVALS)?;
    let mut exact = begin(directory, &wide, &CLOSED_FORMS)?;
    let mut compared = Vec::new();
    for point in 0..plan.points.len() {
        let n = targets.wanted()[point];
        let failed = write_runs(plan, ledger, point, n, &metrics, &mut runs)?;
        written.runs += n;
        written.failed += failed;
        write_point(plan, ledger, &targets, point, failed, &mut points)?;

        let scenario = plan.scenario(point);
        let tails = scenario.map_or_else(
            |_| Ok(Tails::default()),
            |scenario| {
                write_exact(plan, point, &closed_form::metrics(&scenario), &mut exact)?;
                Ok(Tails::of(&scenario))
            },
        )?;
        let rows = aggregate_point(plan, ledger, point, n, &metrics, tails)?;
        let level = plan.study.level;
        let (steps, median) = survival_of(ledger, point, n, level)?;
        let rows: Vec<Aggregate> = rows
            .into_iter()
            .map(|row| match &median {
                Some(median) if row.metric == SURVIVAL_METRIC => median.clone(),
                _ => row,
            })
            .collect();
        write_aggregates(plan, point, &rows, &mut aggregates)?;
        write_survival(plan, point, &steps, &mut survivals)?;
        let differences = match plan.baseline(point) {
            Some(baseline) => {
                let common = n.min(targets.wanted()[baseline]);
                compare(plan, ledger, (point, baseline), common, &metrics)?
            }
            None => Vec::new(),
        };
        test(plan, point, &rows, &differences, &mut written.violations);
        if let Some(baseline) = plan.baseline(point) {
            compared.extend(differences.into_iter().map(|row| Compared {
                point,
                baseline,
                row,
            }));
        }
    }
    let mut differences = begin(directory, &wide, &DIFFERENCES)?;
    write_differences(plan, &metrics, &compared, &mut differences)?;
    for file in [points, runs, aggregates, survivals, exact, differences] {
        file.finish()?;
    }
    directory.file("dictionary.csv", &wide.dictionary())?;
    if plan.study.keep_traces {
        super::kept::tidy(directory.path());
    }
    Ok(written)
}

/// How many wanted runs are not stored.
pub fn missing(targets: &Targets, ledger: &Ledger) -> u64 {
    let of = |(point, wanted): (usize, &u64)| {
        (0..*wanted)
            .filter(|replication| !ledger.has(point, *replication))
            .count() as u64
    };
    targets.wanted().iter().enumerate().map(of).sum()
}

/// Every metric of any point: in the order of the documentation, places in the order in which the
/// points have them.
fn union(targets: &Targets, ledger: &mut Ledger) -> Result<Vec<String>, StoreError> {
    let mut found: Vec<String> = Vec::new();
    for (point, wanted) in targets.wanted().iter().enumerate() {
        let first =
            (0..*wanted).find(|at| ledger.has(point, *at) && !ledger.has_failed(point, *at));
        let Some(replication) = first else {
            continue;
        };
        for name in ledger.names(point, replication)? {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    let place = |name: &str| {
        let base = name.split('.').next().unwrap_or(name);
        METRICS.iter().position(|metric| metric.name == base)
    };
    // Stable: what has the same base keeps the order of its places.
    found.sort_by_key(|name| place(name).unwrap_or(METRICS.len()));
    Ok(found)
}

fn axis_columns(plan: &Plan) -> Vec<StudyColumn> {
    let of = |axis: &super::spec::Axis| {
        let paths: Vec<&str> = axis.paths.iter().map(|path| path.text.as_str()).collect();
        StudyColumn {
            name: axis.name.clone(),
            unit: "text",
            meaning: format!("Axis of the study: what {} is set to.", paths.join(" and ")),
        }
    };
    plan.study.axes.iter().map(of).collect()
}

fn metric_column(name: &str) -> StudyColumn {
    let base = name.split('.').next().unwrap_or(name);
    let help = METRICS
        .iter()
        .find(|metric| metric.name == base)
        .map_or("", |metric| metric.help);
    let mut meaning: String = help.to_owned();
    if let Some(first) = meaning.get(..1) {
        let first = first.to_uppercase();
        meaning.replace_range(..1, &first);
    }
    meaning.push('.');
    StudyColumn {
        name: name.to_owned(),
        unit: unit_of(name),
        meaning,
    }
}

fn begin(
    directory: &StudyDirectory,
    wide: &Wide,
    schema: &reports::table::Schema,
) -> Result<WholeFile, StoreError> {
    let mut file = directory.begin(schema.file)?;
    wide.header(schema, file.buffer());
    Ok(file)
}

fn write_runs(
    plan: &Plan,
    ledger: &mut Ledger,
    point: usize,
    n: u64,
    metrics: &[String],
    file: &mut WholeFile,
) -> Result<u64, StoreError> {
    let mut failed = 0;
    for replication in 0..n {
        let Some(record) = ledger.read(point, replication)? else {
            continue;
        };
        let names = ledger.columns(point, replication, &record);
        let error = record.error.as_deref().unwrap_or_default();
        failed += u64::from(record.error.is_some());
        let mut line = Line::new(file.buffer());
        line.cell(point);
        line.cell(replication);
        line.cell(record.seed);
        line.cell(hex(&record.key).as_str());
        line.cell(if record.error.is_some() {
            "failed"
        } else {
            "ok"
        });
        line.cell(record.fingerprint.as_str());
        for text in plan.texts(point) {
            line.cell(text);
        }
        let mut at = 0;
        for metric in metrics {
            // Names nearly always stand in the same order on both sides.
            if names.get(at) != Some(metric) {
                at = names.iter().position(|name| name == metric).unwrap_or(at);
            }
            let value = (names.get(at) == Some(metric))
                .then(|| record.values.get(at).copied().flatten())
                .flatten();
            at += usize::from(names.get(at) == Some(metric));
            line.cell(value);
        }
        line.cell(error);
        line.end();
        file.flush_some()?;
    }
    Ok(failed)
}

fn write_point(
    plan: &Plan,
    ledger: &mut Ledger,
    targets: &Targets,
    point: usize,
    failed: u64,
    file: &mut WholeFile,
) -> Result<(), StoreError> {
    let n = targets.wanted()[point];
    let (target, reached) = match &plan.study.stopping {
        Some(stopping) => (
            Some(stopping.relative),
            reached(plan, stopping, ledger, point, n)?,
        ),
        None => (None, None),
    };
    let mut line = Line::new(file.buffer());
    line.cell(point);
    for text in plan.texts(point) {
        line.cell(text);
    }
    line.cell(hex(&plan.points[point].hash).as_str());
    line.cell(n);
    line.cell(n - failed);
    line.cell(failed);
    line.cell(targets.stop(point).map_or("", Stop::as_str));
    line.cell(target);
    line.cell(reached);
    line.end();
    file.flush_some()
}

/// The values of some metrics over the replications of a point, a failed one without any.
///
/// # Errors
///
/// Stored runs cannot be read.
pub fn values(
    ledger: &mut Ledger,
    point: usize,
    n: u64,
    metrics: &[String],
) -> Result<Vec<Vec<Option<f64>>>, StoreError> {
    let mut all = vec![Vec::new(); metrics.len()];
    let mut places: (Vec<String>, Vec<Option<usize>>) = (Vec::new(), vec![None; metrics.len()]);
    for replication in 0..n {
        let Some(record) = ledger.read(point, replication)? else {
            continue;
        };
        let names = ledger.columns(point, replication, &record);
        if places.0 != names {
            let place = |metric: &String| names.iter().position(|name| name == metric);
            places = (names.to_vec(), metrics.iter().map(place).collect());
        }
        for (place, values) in places.1.iter().zip(&mut all) {
            values.push(place.and_then(|at| record.values.get(at).copied().flatten()));
        }
    }
    Ok(all)
}

/// The metrics in blocks of which a point's values fit into memory.
fn blocks(metrics: &[String], n: u64) -> impl Iterator<Item = &[String]> {
    let n = usize::try_from(n).unwrap_or(usize::MAX).max(1);
    metrics.chunks((VALUES_MAX / n).clamp(1, metrics.len().max(1)))
}

fn aggregate_point(
    plan: &Plan,
    ledger: &mut Ledger,
    point: usize,
    n: u64,
    metrics: &[String],
    tails: Tails,
) -> Result<Vec<Aggregate>, StoreError> {
    let mut rows = Vec::new();
    let steady = steady_of(ledger, point, n)?;
    for block in blocks(metrics, n) {
        let all = values(ledger, point, n, block)?;
        for (metric, values) in block.iter().zip(all) {
            if let Some(said) = steady.iter().find(|(name, _)| name == metric) {
                let value = values.first().copied().flatten();
                rows.push(batched(metric, value, &said.1, plan.study.level));
                continue;
            }
            let present: Vec<f64> = values.into_iter().flatten().collect();
            rows.push(aggregate(metric, &present, plan.study.level, tails));
        }
    }
    Ok(rows)
}

/// What batch means said of the only run of a point, by metric; with more replications these are the
/// unit, and nothing is taken from inside a run.
fn steady_of(
    ledger: &mut Ledger,
    point: usize,
    n: u64,
) -> Result<Vec<(String, Batched)>, StoreError> {
    let record = match n {
        1 => ledger.read(point, 0)?,
        _ => None,
    };
    let Some(record) = record else {
        return Ok(Vec::new());
    };
    let names = ledger.columns(point, 0, &record);
    let named = |batched: Batched| {
        let at = usize::try_from(batched.at).ok()?;
        Some((names.get(at)?.clone(), batched))
    };
    Ok(record.steady.into_iter().filter_map(named).collect())
}

/// Survival over all devices of a point; no row where no run has any device to follow.
fn survival_of(
    ledger: &mut Ledger,
    point: usize,
    n: u64,
    level: f64,
) -> Result<(Vec<SurvivalStep>, Option<Aggregate>), StoreError> {
    let mut counts = std::collections::BTreeMap::<u64, (u64, u64)>::new();
    let mut runs = 0;
    for replication in 0..n {
        let Some(record) = ledger.read(point, replication)? else {
            continue;
        };
        runs += u64::from(!record.lifetimes.is_empty());
        for (time, events, censored) in &record.lifetimes {
            let at = counts.entry(*time).or_default();
            at.0 += events;
            at.1 += censored;
        }
    }
    if counts.is_empty() {
        return Ok((Vec::new(), None));
    }
    let counts: Vec<Departures> = counts
        .into_iter()
        .map(|(time, (events, censored))| Departures {
            time,
            events,
            censored,
        })
        .collect();
    let (steps, row) = survival(&counts, runs, level);
    Ok((steps, Some(row)))
}

fn write_aggregates(
    plan: &Plan,
    point: usize,
    rows: &[Aggregate],
    file: &mut WholeFile,
) -> Result<(), StoreError> {
    for row in rows {
        let mut line = Line::new(file.buffer());
        line.cell(point);
        for text in plan.texts(point) {
            line.cell(text);
        }
        line.cell(row.metric.as_str());
        line.cell(row.n);
        for value in [row.mean, row.sd, row.ci_low, row.ci_high] {
            line.cell(value);
        }
        for value in row.quantiles {
            line.cell(value);
        }
        line.cell(row.method.as_str());
        line.cell(plan.study.level);
        line.cell(unit_of(&row.metric));
        for value in row.quantile_ends {
            line.cell(value);
        }
        line.end();
        file.flush_some()?;
    }
    Ok(())
}

fn write_survival(
    plan: &Plan,
    point: usize,
    steps: &[SurvivalStep],
    file: &mut WholeFile,
) -> Result<(), StoreError> {
    for step in steps {
        let mut line = Line::new(file.buffer());
        line.cell(point);
        for text in plan.texts(point) {
            line.cell(text);
        }
        line.cell(step.time_ns);
        line.cell(step.at_risk);
        line.cell(step.events);
        line.cell(step.censored);
        line.cell(step.survival);
        line.cell(step.band.map(|band| band.low));
        line.cell(step.band.map(|band| band.high));
        line.cell(plan.study.level);
        line.end();
        file.flush_some()?;
    }
    Ok(())
}

fn write_exact(
    plan: &Plan,
    point: usize,
    rows: &[ExactValue],
    file: &mut WholeFile,
) -> Result<(), StoreError> {
    for row in rows {
        let mut line = Line::new(file.buffer());
        line.cell(point);
        for text in plan.texts(point) {
            line.cell(text);
        }
        line.cell(row.metric);
        line.cell(row.value);
        line.cell(unit_of(row.metric));
        line.cell(row.formula);
        line.end();
        file.flush_some()?;
    }
    Ok(())
}

fn compare(
    plan: &Plan,
    ledger: &mut Ledger,
    (point, baseline): (usize, usize),
    n: u64,
    metrics: &[String],
) -> Result<Vec<Difference>, StoreError> {
    let mut rows = Vec::new();
    for block in blocks(metrics, n) {
        let own = values(ledger, point, n, block)?;
        let other = values(ledger, baseline, n, block)?;
        for ((metric, own), other) in block.iter().zip(own).zip(other) {
            if metric == SURVIVAL_METRIC {
                continue;
            }
            let study = &plan.study;
            rows.extend(difference(
                metric,
                &own,
                &other,
                study.common_random,
                study.level,
            ));
        }
    }
    Ok(rows)
}

fn write_differences(
    plan: &Plan,
    metrics: &[String],
    rows: &[Compared],
    file: &mut WholeFile,
) -> Result<(), StoreError> {
    let mut adjusted = vec![None; rows.len()];
    for metric in metrics {
        let own: Vec<(usize, f64)> = rows
            .iter()
            .enumerate()
            .filter(|(_, compared)| compared.row.metric == *metric)
            .filter_map(|(index, compared)| Some((index, compared.row.paired.p_value?)))
            .collect();
        let p_values: Vec<f64> = own.iter().map(|(_, p_value)| *p_value).collect();
        for ((index, _), holm) in own.iter().zip(holm(&p_values)) {
            adjusted[*index] = Some(holm);
        }
    }
    for (compared, holm) in rows.iter().zip(adjusted) {
        let paired = &compared.row.paired;
        let mut line = Line::new(file.buffer());
        line.cell(compared.point);
        line.cell(compared.baseline);
        for text in plan.texts(compared.point) {
            line.cell(text);
        }
        line.cell(compared.row.metric.as_str());
        line.cell(paired.n);
        line.cell(paired.mean);
        line.cell(paired.deviation);
        line.cell(paired.interval.map(|interval| interval.low));
        line.cell(paired.interval.map(|interval| interval.high));
        line.cell(paired.correlation);
        line.cell(paired.p_value);
        line.cell(holm);
        line.cell(compared.row.method);
        line.cell(plan.study.level);
        line.cell(unit_of(&compared.row.metric));
        line.end();
        file.flush_some()?;
    }
    Ok(())
}

/// Most violations that are told one by one.
const VIOLATIONS_MAX: usize = 10_000;

fn test(
    plan: &Plan,
    point: usize,
    aggregates: &[Aggregate],
    differences: &[Difference],
    violations: &mut Vec<Violation>,
) {
    let numbers = PointNumbers {
        aggregates,
        differences,
    };
    for expect in &plan.study.expects {
        let choice = &plan.points[point].choice;
        let concerns = expect
            .filter
            .as_ref()
            .is_none_or(|filter| filter.holds(&plan.study.axes, choice));
        // A baseline has no difference to itself.
        let itself = expect.left.source == super::expect::TermSource::Differences
            && plan.baseline(point).is_none();
        if !concerns || itself || violations.len() >= VIOLATIONS_MAX {
            continue;
        }
        let name = (point as u64, plan.describe(point));
        violations.extend(expect.test(&numbers, Some(name)));
    }
}
