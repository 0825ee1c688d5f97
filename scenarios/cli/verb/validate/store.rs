//! What `badlink validate --out` leaves: a result directory like that of a run.

use std::collections::BTreeMap;
use std::path::Path;

use reports::figure::{BarRow, Panel, Provenance, RowStyle, Rows, Spread, draw};
use reports::rows::{Validation, Validations, Verdict};
use reports::store::{
    FORMAT_VERSION, Manifest, Operation, ResultKey, ResultKind, Staging, StoreError,
};
use reports::table::Table as _;
use scenarios::validate::{Case, Row};
use sha2::{Digest as _, Sha256};

use super::interval;
use crate::verb::run::PROGRAM;

/// The result of these cases by this program.
fn key(cases: &[Case]) -> ResultKey {
    let mut hash = Sha256::new();
    hash.update(PROGRAM.as_bytes());
    for case in cases {
        hash.update(case.replications.to_be_bytes());
        hash.update(case.text.as_bytes());
    }
    ResultKey::new(scenarios::results::hex(&hash.finalize()))
}

/// Begins a result.
pub(super) fn open(directory: &Path, cases: &[Case]) -> Result<Staging, StoreError> {
    Staging::open(directory, &key(cases), false)
}

/// Writes the table, and every case as a scenario file that `badlink run` takes.
pub(super) fn write(
    staging: Staging,
    cases: &[Case],
    rows: &[Row],
    seconds: f64,
) -> Result<(), StoreError> {
    for (number, case) in (1..).zip(cases) {
        let name = format!("scenarios/{number:03}-{}.toml", case.family);
        staging.file(&name, case.text.as_bytes())?;
    }
    let mut table = staging.table::<Validations>()?;
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
    staging.dictionary(&[Validations::SCHEMA])?;
    let key = key(cases);
    let total = |count: usize| count as u64;
    staging.commit(&Manifest {
        format: FORMAT_VERSION,
        kind: ResultKind::Validation,
        program: PROGRAM.into(),
        scenario: String::from("validate"),
        scenario_hash: key.as_str().to_owned(),
        key,
        seed: cases.first().map_or(0, |case| case.seed),
        fingerprint: String::new(),
        complete: true,
        sample: None,
        virtual_ns: 0,
        counts: BTreeMap::from([
            (String::from("cases"), total(cases.len())),
            (String::from("rows"), total(rows.len())),
        ]),
        wall_seconds: seconds,
        cpu_seconds: None,
        events_per_second: 0.0,
        host: BTreeMap::new(),
    })?;
    Ok(())
}

/// Rows a figure has room for.
const ROWS_OF_A_FIGURE: usize = 48;

/// Draws how far every row is from the exact value, in half-widths of its interval; as many figures
/// as the rows need, families in one piece where they fit.
pub(super) fn figures(directory: &Path, rows: &[Row]) -> Result<(), StoreError> {
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
            sample: None,
        };
        let drawing = draw(&figure, &provenance).map_err(|error| {
            StoreError::io(Operation::Write, directory, std::io::Error::other(error))
        })?;
        drawing.write(&directory.join("report").join("figures"))?;
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
