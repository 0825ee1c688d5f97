//! `badlink validate`: the simulator against closed forms.

use std::path::Path;

use rayon::prelude::*;
use reports::figure::{BarRow, Panel, Provenance, RowStyle, Rows, Spread, draw};
use reports::format::{counted, significant};
use reports::rows::{Validation, Validations, Verdict};
use reports::store::{Operation, StoreError};
use reports::table::TableWriter;
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
    let mut rows = Vec::new();
    let mut cases = Vec::new();
    for family in FAMILIES {
        if !args.family.is_empty() && !args.family.iter().any(|name| name == family.name) {
            continue;
        }
        let of = all(effort, |name| name == family.name);
        let judged = match pool.install(|| judge(&of)) {
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
        cases.extend(of);
    }
    if let Some(directory) = &args.out {
        let written = write(directory, &cases, &rows);
        if let Err(error) = written.and_then(|()| figures(directory, &rows)) {
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

/// Rows a figure has room for.
const ROWS_OF_A_FIGURE: usize = 48;

/// Draws how far every row is from the exact value, in half-widths of its interval; as many figures
/// as the rows need, families in one piece where they fit.
fn figures(directory: &Path, rows: &[Row]) -> Result<(), StoreError> {
    let mut pages: Vec<Vec<&Row>> = vec![Vec::new()];
    for family in rows.chunk_by(|one, other| one.family == other.family) {
        for part in family.chunks(ROWS_OF_A_FIGURE) {
            let room = pages.last().map_or(0, Vec::len) + part.len() <= ROWS_OF_A_FIGURE;
            if !room {
                pages.push(Vec::new());
            }
            if let Some(page) = pages.last_mut() {
                page.extend(part);
            }
        }
    }
    for (number, page) in (1..).zip(pages.iter().filter(|page| !page.is_empty())) {
        let figure = dashboard(number, page);
        let provenance = Provenance {
            scenario: String::from("validate"),
            scenario_hash: String::new(),
            seed: page.first().map_or(0, |row| row.seed),
            complete: true,
        };
        let drawing = draw(&figure, &provenance).map_err(|error| {
            StoreError::io(Operation::Write, directory, std::io::Error::other(error))
        })?;
        drawing.write(&directory.join("figures"))?;
    }
    Ok(())
}

fn dashboard(number: usize, page: &[&Row]) -> Rows {
    let row = |row: &&Row| {
        let deviation = row.deviation();
        BarRow {
            group: String::from(row.family),
            label: format!("{}: {}", row.point, row.quantity),
            value: deviation.is_finite().then_some(deviation),
            interval: None,
            kind: usize::from(row.verdict == Verdict::Failed),
            flagged: row.verdict == Verdict::Failed,
        }
    };
    Rows {
        name: format!("validation-{number}"),
        title: String::from("Simulated against exact values"),
        about: String::from(
            "Deviation of each simulated value from the exact one in half-widths of its interval; \
             between -1 and 1 the interval holds the exact value.",
        ),
        panels: vec![Panel {
            title: String::from("(simulated - exact) / half-width"),
            unit: String::new(),
            rows: page.iter().map(row).collect(),
            lines: [-1.0, 0.0, 1.0].map(|at| (at, String::new())).into(),
            style: RowStyle::Point,
            spread: Spread::Linear,
        }],
        caption: format!("n = {}, Student intervals at 99.9 %", page.len()),
    }
}

/// Writes the table, and every case as a scenario file that `badlink run` takes.
fn write(directory: &Path, cases: &[Case], rows: &[Row]) -> Result<(), StoreError> {
    let places = directory.join("scenarios");
    std::fs::create_dir_all(&places)
        .map_err(|source| StoreError::io(Operation::CreateDirectory, &places, source))?;
    for (number, case) in cases.iter().enumerate() {
        let path = places.join(format!("{:03}-{}.toml", number + 1, case.family));
        std::fs::write(&path, &case.text)
            .map_err(|source| StoreError::io(Operation::Write, &path, source))?;
    }
    let path = directory.join("validation.csv");
    let file = std::fs::File::create(&path)
        .map_err(|source| StoreError::io(Operation::Write, &path, source))?;
    let mut table = TableWriter::<Validations>::new(Box::new(file), &path);
    for row in rows {
        let (ci_low, ci_high) = interval(row);
        table.write(&Validation {
            family: row.family,
            point: &row.point,
            quantity: row.quantity,
            unit: row.unit,
            replications: row.replications,
            seed: row.seed,
            simulated: row.simulated,
            ci_low,
            ci_high,
            exact: row.exact,
            deviation: row.deviation(),
            verdict: row.verdict,
        })?;
    }
    table.finish()?;
    Ok(())
}
