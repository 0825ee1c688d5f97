//! What came out, in sentences, and what a reader would not have expected.

use crate::figure::FigureError;
use crate::format;
use crate::read::RunResult;
use crate::read::sheet::Sheet;
use crate::read::study::{CellsKind, CellsResult, Study};
use crate::read::sweep::SweepResult;

/// The sentences of a section.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) findings: Vec<String>,
    pub(super) surprises: Vec<String>,
    pub(super) notes: Vec<String>,
}

pub(super) fn of_study(study: &Study) -> Result<Told, FigureError> {
    match study {
        Study::Run(run) => Ok(of_run(run)),
        Study::Sweep(sweep) => of_sweep(sweep),
        Study::Cells(cells) => of_cells(cells),
        Study::Folder(..) => Ok(Told::default()),
    }
}

fn of_run(run: &RunResult) -> Told {
    let mut told = Told::default();
    let summary = run.summary();
    let empty = Vec::new();
    let metrics = summary
        .get("metrics")
        .and_then(serde_json::Value::as_array)
        .unwrap_or(&empty);
    let metric = |name: &str| {
        metrics
            .iter()
            .find(|metric| metric.get("name").is_some_and(|known| known == name))
    };
    let value = |name: &str| metric(name)?.get("value")?.as_f64();
    let rate = |name: &str| {
        let metric = metric(name)?;
        let value = format::percent(metric.get("value")?.as_f64()?);
        let n = metric.get("n")?.as_u64()?;
        let interval = metric.get("interval").and_then(|interval| {
            let end = |name: &str| interval.get(name)?.as_f64();
            Some(format!(
                ", 95% interval {} to {}",
                format::percent(end("low")?),
                format::percent(end("high")?)
            ))
        });
        Some(format!(
            "{value} (n = {}{})",
            format::count(n),
            interval.unwrap_or_default()
        ))
    };
    if let (Some(attempts), Some(success)) = (value("attempts"), rate("success_rate")) {
        told.findings.push(format!(
            "Of {} attempts succeeded {success}.",
            format::count(attempts as u64)
        ));
    }
    if let (Some(p50), Some(p95)) = (value("latency_p50_ns"), value("latency_p95_ns")) {
        told.findings.push(format!(
            "Accepted sessions took {} in the median and {} at the 95% quantile.",
            format::duration(p50),
            format::duration(p95)
        ));
    }
    if let Some(desync) = rate("desync_rate") {
        told.findings.push(format!(
            "Out of step for good at the end: {desync} of the devices."
        ));
    }
    if let Some(bytes) = value("bytes_per_accept") {
        let messages = value("messages_per_accept").unwrap_or(0.0);
        told.findings.push(format!(
            "A success cost {} messages and {} B on the links, failed attempts included.",
            format::significant(messages, 3),
            format::significant(bytes, 4)
        ));
    }
    let positive = |name: &str| value(name).filter(|value| *value > 0.0);
    if positive("desync_rate").is_some() {
        told.surprises.push(String::from(
            "Devices fell out of step and did not recover by themselves.",
        ));
    }
    if positive("desync_silent_rate").is_some() {
        told.surprises.push(String::from(
            "Devices are out of step although their sessions succeed: nobody would notice.",
        ));
    }
    if let Some(rate) = positive("half_open_rate") {
        told.surprises.push(format!(
            "In {} of the attempts only one end accepted.",
            format::percent(rate)
        ));
    }
    if let Some(rate) = positive("mismatch_rate") {
        told.surprises.push(format!(
            "In {} of the attempts both ends accepted with different keys.",
            format::percent(rate)
        ));
    }
    if let Some(count) = positive("agreement_violations") {
        told.surprises.push(format!(
            "{} acceptances had no partner that was running: agreement is violated.",
            format::count(count as u64)
        ));
    }
    for note in summary
        .get("notes")
        .and_then(serde_json::Value::as_array)
        .unwrap_or(&empty)
    {
        let Some(note) = note.as_str() else {
            continue;
        };
        match note.strip_prefix("warning: ") {
            Some(warning) => {
                told.surprises
                    .push(format!("{}{}.", warning[..1].to_uppercase(), &warning[1..]))
            }
            None => told.notes.push(note.to_owned()),
        }
    }
    if !run.manifest().complete {
        told.surprises.push(String::from(
            "The run was interrupted: everything here covers a part of it.",
        ));
    }
    told
}

fn of_sweep(sweep: &SweepResult) -> Result<Told, FigureError> {
    let mut told = Told::default();
    for metric in super::HEADLINES {
        if !sweep.metrics.iter().any(|known| known == metric) {
            continue;
        }
        let all = sweep.of_metric(metric)?;
        let mut valued: Vec<_> = all
            .iter()
            .filter_map(|aggregate| Some((aggregate.mean?, aggregate)))
            .collect();
        valued.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some((low, at_low)), Some((high, at_high))) = (valued.first(), valued.last()) {
            let place = |axes: &[String]| {
                let parts: Vec<String> = sweep
                    .axes
                    .iter()
                    .zip(axes)
                    .map(|(axis, value)| format!("{axis} {value}"))
                    .collect();
                parts.join(", ")
            };
            let show = |value: f64| super::sheets::number(value, &at_low.unit);
            let sentence = if low == high {
                format!("{metric} is {} at every point.", show(*low))
            } else {
                format!(
                    "{metric} goes from {} ({}) to {} ({}).",
                    show(*low),
                    place(&at_low.axes),
                    show(*high),
                    place(&at_high.axes)
                )
            };
            told.findings.push(sentence);
        }
        let missing = all
            .iter()
            .filter(|aggregate| aggregate.mean.is_none() && aggregate.n == 0)
            .count();
        if missing > 0 {
            told.surprises.push(format!(
                "{metric} has no value at {missing} points: no run had a denominator."
            ));
        }
    }
    if let Ok(runs) = sweep.runs()
        && let Ok(status) = runs.column("status")
    {
        let failed = (0..runs.rows.len())
            .filter(|row| runs.text(*row, status) == "failed")
            .count();
        told.findings.insert(
            0,
            format!(
                "{} runs, {failed} of them failed.",
                format::count(runs.rows.len() as u64)
            ),
        );
        if failed > 0 {
            told.surprises.push(format!(
                "{failed} runs failed and are in no number here; runs.csv has the reasons."
            ));
        }
    }
    Ok(told)
}

fn of_cells(cells: &CellsResult) -> Result<Told, FigureError> {
    let mut told = Told::default();
    let sheet = &cells.sheet;
    match cells.kind {
        CellsKind::Matrix => {
            let (verdict, claim) = (sheet.column("verdict")?, sheet.column("claim")?);
            let names = ["protocol", "variant", "attack", "property"];
            let mut places = Vec::new();
            for name in names {
                places.push(sheet.column(name)?);
            }
            for word in [
                "broken",
                "degraded",
                "resisted",
                "not-exercised",
                "not-tested",
            ] {
                let count = (0..sheet.rows.len())
                    .filter(|row| sheet.text(*row, verdict) == word)
                    .count();
                if count > 0 {
                    told.findings.push(format!("{count} cells are {word}."));
                }
            }
            for row in 0..sheet.rows.len() {
                let word = sheet.text(row, verdict);
                let claim = sheet.text(row, claim);
                if !claim.is_empty()
                    && (word == "broken" || word == "degraded")
                    && sheet.text(row, places[1]) != "broken"
                {
                    let place: Vec<&str> = places
                        .iter()
                        .map(|column| sheet.text(row, *column))
                        .collect();
                    told.surprises.push(format!(
                        "Claimed ({claim}) and {word}: {}.",
                        place.join(" · ")
                    ));
                }
            }
            told.notes.push(String::from(
                "Resisted means that this attacker failed n times; it is no proof.",
            ));
        }
        CellsKind::Laboratory | CellsKind::Validation => {
            told.findings.push(format!("{} rows.", sheet.rows.len()));
        }
    }
    Ok(told)
}

/// True where a sheet has a column.
pub(super) fn has(sheet: &Sheet, name: &str) -> bool {
    sheet.columns.iter().any(|column| column == name)
}
