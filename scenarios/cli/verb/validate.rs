//! `badlink validate`: the simulator against closed forms.

mod store;

use std::time::Instant;

use rayon::prelude::*;
use reports::format::{counted, significant};
use reports::rows::Verdict;
use reports::tables::{Align, Cell, Table, text};
use scenarios::validate::{Case, CaseError, Effort, FAMILIES, REPEAT_FACTOR, Row, all};
use serde_json::{Value, json};

use crate::args::ValidateArgs;
use crate::exit::{Exit, fail, say};

/// Validates.
pub(crate) fn run(args: &ValidateArgs) -> Exit {
    for name in &args.family {
        if !FAMILIES.iter().any(|family| family.name == name) {
            let names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
            let hint = format!("families: {}", names.join(", "));
            return fail(Exit::Usage, format!("there is no family `{name}`"), &hint);
        }
    }
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = args.jobs {
        pool = pool.num_threads(usize::from(jobs));
    }
    let pool = match pool.build() {
        Ok(pool) => pool,
        Err(error) => return fail(Exit::Run, error, "try fewer --jobs"),
    };
    let effort = if args.quick {
        Effort::Quick
    } else {
        Effort::Full
    };
    let wanted = |family: &str| args.family.is_empty() || args.family.iter().any(|it| it == family);
    let cases = all(effort, wanted);
    let staging = match args.out.as_deref().map(|out| store::open(out, &cases)) {
        None => None,
        Some(Ok(staging)) => Some(staging),
        Some(Err(error)) => return fail(Exit::Usage, error, "write elsewhere with --out DIR"),
    };
    let started = Instant::now();
    let mut rows = Vec::new();
    for of in cases.chunk_by(|one, other| one.family == other.family) {
        let Some(family) = FAMILIES.iter().find(|family| family.name == of[0].family) else {
            continue;
        };
        let judged = match pool.install(|| judge(of)) {
            Ok(judged) => judged,
            Err((case, error)) => {
                let at = format!("{}, {}: {error}", case.family, case.point);
                return fail(Exit::Run, at, "please report this");
            }
        };
        if !args.json && !args.quiet {
            say(text(&[table(family.name, family.formula, &judged)]));
        }
        rows.extend(judged);
    }
    if let (Some(directory), Some(staging)) = (&args.out, staging) {
        let seconds = started.elapsed().as_secs_f64();
        let written = store::write(staging, &cases, &rows, seconds);
        if let Err(error) = written.and_then(|()| store::figures(directory, &rows)) {
            return fail(
                Exit::Run,
                error,
                "choose a place that can be written with --out DIR",
            );
        }
    }
    finish(args, &rows)
}

fn finish(args: &ValidateArgs, rows: &[Row]) -> Exit {
    let failed: Vec<&Row> = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Failed)
        .collect();
    if args.json {
        let rows: Vec<Value> = rows.iter().map(as_json).collect();
        say(format_args!(
            "{:#}",
            json!({ "passed": failed.is_empty(), "rows": rows })
        ));
    }
    if failed.is_empty() {
        if !args.json && !args.quiet {
            say(format_args!(
                "passed: {}, all exact values within the 99.9 % intervals",
                counted(rows.len() as u64, "row")
            ));
        }
        return Exit::Good;
    }
    let named: Vec<String> = failed
        .iter()
        .map(|row| format!("{} ({}): {}", row.family, row.point, row.quantity))
        .collect();
    let message = format!(
        "{} of {} disagree with theory: {}",
        failed.len(),
        counted(rows.len() as u64, "row"),
        named.join("; ")
    );
    fail(Exit::Check, message, "please report this")
}

/// The rows of all cases; a case with a failed row is repeated once with more replications.
fn judge(cases: &[Case]) -> Result<Vec<Row>, (&Case, CaseError)> {
    let first = observe(cases.iter().map(|case| (case, 0, case.replications)))?;
    let mut rows: Vec<Vec<Row>> = cases
        .iter()
        .zip(&first)
        .map(|(case, values)| case.judge(0, values))
        .collect();
    let failed = |rows: &[Row]| rows.iter().any(|row| row.verdict == Verdict::Failed);
    for (case, of) in cases.iter().zip(&mut rows) {
        if failed(of) {
            let again = observe([(case, 1, case.replications * REPEAT_FACTOR)].into_iter())?;
            let repeated = case.judge(1, &again[0]);
            for (row, again) in of.iter_mut().zip(repeated) {
                if row.verdict == Verdict::Failed {
                    *row = again;
                }
            }
        }
    }
    Ok(rows.into_iter().flatten().collect())
}

/// The values of every replication of every case; in parallel, and in order.
fn observe<'c>(
    series: impl Iterator<Item = (&'c Case, u64, u64)>,
) -> Result<Vec<Vec<Vec<f64>>>, (&'c Case, CaseError)> {
    let series: Vec<_> = series.collect();
    let runs: Vec<(usize, &Case, u64, u64)> = series
        .iter()
        .enumerate()
        .flat_map(|(place, (case, number, replications))| {
            (0..*replications).map(move |replication| (place, *case, *number, replication))
        })
        .collect();
    let values: Vec<Vec<f64>> = runs
        .par_iter()
        .map(|(_, case, number, replication)| {
            let values = case.observe(*number, *replication);
            values.map_err(|error| (*case, error))
        })
        .collect::<Result<_, _>>()?;
    let mut by_case = vec![Vec::new(); series.len()];
    for ((place, ..), values) in runs.iter().zip(values) {
        by_case[*place].push(values);
    }
    Ok(by_case)
}

fn table(name: &str, formula: &str, rows: &[Row]) -> Table {
    let columns = [
        ("point", Align::Left),
        ("quantity", Align::Left),
        ("simulated", Align::Right),
        ("99.9 % interval", Align::Right),
        ("exact", Align::Right),
        ("unit", Align::Left),
        ("verdict", Align::Left),
    ];
    let mut table = Table::new(name, format!("{name}: {formula}"), &columns);
    for row in rows {
        let six = |value: f64| significant(value, 6);
        let (low, high) = interval(row);
        table.push(vec![
            Cell::from(row.point.clone()),
            Cell::from(row.quantity),
            Cell::from(six(row.simulated)),
            Cell::from(format!("{} to {}", six(low), six(high))),
            Cell::from(six(row.exact)),
            Cell::from(row.unit),
            Cell::from(row.verdict.word()),
        ]);
    }
    table
}

fn interval(row: &Row) -> (f64, f64) {
    (
        row.simulated - row.half_width,
        row.simulated + row.half_width,
    )
}

fn as_json(row: &Row) -> Value {
    let (low, high) = interval(row);
    let number = reports::format::rounded;
    json!({
        "family": row.family, "point": row.point, "quantity": row.quantity, "unit": row.unit,
        "replications": row.replications, "seed": row.seed, "simulated": number(row.simulated),
        "ci_low": number(low), "ci_high": number(high), "exact": number(row.exact),
        "deviation": number(row.deviation()), "verdict": row.verdict.word(),
    })
}
