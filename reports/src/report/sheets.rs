//! Tables for papers, from stored tables: every number with its interval and n where it has them.

use std::collections::BTreeMap;

use super::story::has;
use crate::figure::FigureError;
use crate::format;
use crate::read::RunResult;
use crate::read::sheet::Sheet;
use crate::read::study::{CellsKind, CellsResult, Study};
use crate::read::sweep::SweepResult;
use crate::tables::{Align, Table};

const LEFT: Align = Align::Left;
const RIGHT: Align = Align::Right;

pub(super) fn of_study(
    study: &Study,
    missing: &mut Vec<String>,
) -> Result<Vec<Table>, FigureError> {
    match study {
        Study::Run(run) => of_run(run, missing),
        Study::Sweep(sweep) => of_sweep(sweep),
        Study::Cells(cells) => Ok(vec![of_cells(cells)]),
        Study::Folder(..) => Ok(Vec::new()),
    }
}

/// A value in its stored unit, for reading.
pub(super) fn number(value: f64, unit: &str) -> String {
    match unit {
        "ns" => format::duration(value),
        "share" => format::percent(value),
        "nJ" if value >= 1e9 => format!("{} J", format::significant(value / 1e9, 4)),
        "nJ" if value >= 1e6 => format!("{} mJ", format::significant(value / 1e6, 4)),
        "nJ" if value >= 1e3 => format!("{} µJ", format::significant(value / 1e3, 4)),
        "B" | "nJ" | "bit" => format!("{} {unit}", trimmed(value)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", format::count(value.abs() as u64));
    }
    let text = format::significant(value, 4);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn of_run(run: &RunResult, missing: &mut Vec<String>) -> Result<Vec<Table>, FigureError> {
    let mut read = |file: &str| match Sheet::read(&run.directory().join(file)) {
        Ok(sheet) => Ok(Some(sheet)),
        Err(error) if super::absent(&error) => {
            missing.push(format!("tables of {file}: the file is not there"));
            Ok(None)
        }
        Err(error) => Err(error),
    };
    let mut tables = vec![metrics(run)];
    let (nodes, costs) = (read("nodes.csv")?, read("costs.csv")?);
    let (links_read, attacks) = (read("links.csv")?, read("attacks.csv")?);
    match outcomes(run) {
        Ok(table) => tables.push(table),
        Err(FigureError::Store(error)) if super::absent(&error) => {
            missing.push(String::from(
                "how sessions ended: sessions.csv is not there",
            ));
        }
        Err(error) => return Err(error),
    }
    if let (Some(nodes), Some(costs)) = (&nodes, &costs) {
        tables.extend(computation(nodes, costs)?);
    }
    if let Some(costs) = &costs {
        tables.extend(communication(costs)?);
    }
    if let Some(nodes) = &nodes {
        tables.push(places(nodes)?);
    }
    if let Some(sheet) = &links_read {
        tables.push(links(sheet)?);
    }
    if let Some(attacks) = &attacks {
        tables.extend(security(attacks)?);
    }
    Ok(tables)
}

fn metrics(run: &RunResult) -> Table {
    let mut table = Table::new(
        "metrics",
        "Metrics of the run",
        &[
            ("metric", LEFT),
            ("value", RIGHT),
            ("95% interval", RIGHT),
            ("n", RIGHT),
            ("method", LEFT),
        ],
    );
    let summary = run.summary();
    for metric in summary
        .get("metrics")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
    {
        let word = |name: &str| {
            metric
                .get(name)
                .and_then(serde_json::Value::as_str)
                .unwrap_or("")
        };
        let unit = word("unit");
        let show = |value: &serde_json::Value| {
            value
                .as_f64()
                .map_or_else(|| String::from("-"), |value| number(value, unit))
        };
        let interval = metric.get("interval").map_or_else(
            || String::from("-"),
            |interval| {
                let end = |name: &str| interval.get(name).map_or_else(String::new, show);
                format!("{} to {}", end("low"), end("high"))
            },
        );
        let value = metric.get("value").map_or_else(|| String::from("-"), show);
        let n = metric
            .get("n")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0);
        table.push(vec![
            word("name").into(),
            value.into(),
            interval.into(),
            n.into(),
            word("method").into(),
        ]);
    }
    table.note("A dash stands where there is no such value: its denominator is empty, or no interval is known.");
    table
}

fn outcomes(run: &RunResult) -> Result<Table, FigureError> {
    let mut counts: BTreeMap<(String, &'static str), u64> = BTreeMap::new();
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    run.each_session(&mut |session| {
        let phase = if session.phase.is_empty() {
            "(none)"
        } else {
            session.phase
        };
        *counts
            .entry((phase.to_owned(), session.outcome.word()))
            .or_insert(0) += 1;
        *all.entry(phase.to_owned()).or_insert(0) += 1;
    })?;
    let mut table = Table::new(
        "outcomes",
        "How sessions ended",
        &[
            ("command", LEFT),
            ("outcome", LEFT),
            ("sessions", RIGHT),
            ("share", RIGHT),
            ("95% interval (exact)", RIGHT),
        ],
    );
    for ((phase, outcome), count) in counts {
        let n = all.get(&phase).copied().unwrap_or(0);
        let interval = crate::statistics::proportion::clopper_pearson(count, n, 0.95);
        let interval = interval.map_or_else(
            || String::from("-"),
            |ends| {
                format!(
                    "{} to {}",
                    format::percent(ends.low),
                    format::percent(ends.high)
                )
            },
        );
        let share = format::percent(count as f64 / n.max(1) as f64);
        table.push(vec![
            phase.into(),
            outcome.into(),
            count.into(),
            share.into(),
            interval.into(),
        ]);
    }
    if table.rows.is_empty() {
        table.note("sessions.csv has no rows: `sessions` is not among the traces.");
    }
    Ok(table)
}

fn sum(sheet: &Sheet, column: &str) -> Result<f64, FigureError> {
    let column = sheet.column(column)?;
    let mut sum = 0.0;
    for row in 0..sheet.rows.len() {
        sum += sheet.number(row, column)?.unwrap_or(0.0);
    }
    Ok(sum)
}

fn computation(nodes: &Sheet, costs: &Sheet) -> Result<Option<Table>, FigureError> {
    let successes = sum(nodes, "accepted")?;
    let column = |name| costs.column(name);
    let (role, phase, operation) = (column("role")?, column("phase")?, column("operation")?);
    let (count, bytes) = (column("count")?, column("bytes")?);
    let mut table = Table::new(
        "computation",
        "Operations by role and phase",
        &[
            ("role", LEFT),
            ("phase", LEFT),
            ("operation", LEFT),
            ("count", RIGHT),
            ("per success", RIGHT),
            ("bytes per operation", RIGHT),
        ],
    );
    for row in 0..costs.rows.len() {
        let text = |column| costs.text(row, column);
        let Some(times) = costs
            .number(row, count)?
            .filter(|_| !text(operation).is_empty())
        else {
            continue;
        };
        let each = costs
            .number(row, bytes)?
            .filter(|_| times > 0.0)
            .map_or_else(|| String::from("-"), |bytes| trimmed(bytes / times));
        let per = if successes > 0.0 {
            trimmed(times / successes)
        } else {
            String::from("-")
        };
        table.push(vec![
            text(role).into(),
            text(phase).into(),
            text(operation).into(),
            trimmed(times).into(),
            per.into(),
            each.into(),
        ]);
    }
    table.note(format!("Counted in the protocol's own code; n = {} successes, failed attempts included in the counts.", format::count(successes as u64)));
    Ok((!table.rows.is_empty()).then_some(table))
}

fn communication(costs: &Sheet) -> Result<Option<Table>, FigureError> {
    let column = |name| costs.column(name);
    let (message, field, bits) = (column("message")?, column("field")?, column("bits")?);
    let mut table = Table::new(
        "communication",
        "Messages by their declared fields",
        &[("message", LEFT), ("fields", LEFT), ("bits", RIGHT)],
    );
    let mut messages: Vec<(String, Vec<String>, f64)> = Vec::new();
    for row in 0..costs.rows.len() {
        let name = costs.text(row, message);
        if name.is_empty() {
            continue;
        }
        let width = costs.number(row, bits)?.unwrap_or(0.0);
        let part = format!("{} {}", costs.text(row, field), trimmed(width));
        match messages.last_mut().filter(|last| last.0 == name) {
            Some(last) => {
                last.1.push(part);
                last.2 += width;
            }
            None => messages.push((name.to_owned(), vec![part], width)),
        }
    }
    for (name, fields, bits) in messages {
        table.push(vec![
            name.into(),
            fields.join(" + ").into(),
            trimmed(bits).into(),
        ]);
    }
    table.note("Fields of fixed width; fields whose width depends on the content are left out.");
    Ok((!table.rows.is_empty()).then_some(table))
}

/// Means over the nodes of each role.
fn places(nodes: &Sheet) -> Result<Table, FigureError> {
    let mut table = Table::new(
        "nodes",
        "Storage, energy and load by role, means over the nodes",
        &[
            ("role", LEFT),
            ("nodes", RIGHT),
            ("attempts", RIGHT),
            ("accepted", RIGHT),
            ("durable writes", RIGHT),
            ("processor time", RIGHT),
            ("energy", RIGHT),
            ("utilisation", RIGHT),
            ("mean wait", RIGHT),
            ("drops", RIGHT),
        ],
    );
    let role = nodes.column("role")?;
    let mut roles: Vec<&str> = Vec::new();
    for row in 0..nodes.rows.len() {
        if !roles.contains(&nodes.text(row, role)) {
            roles.push(nodes.text(row, role));
        }
    }
    for name in roles {
        let rows: Vec<usize> = (0..nodes.rows.len())
            .filter(|row| nodes.text(*row, role) == name)
            .collect();
        let mean = |column: &str, unit: &str| -> Result<String, FigureError> {
            let column = nodes.column(column)?;
            let mut values = Vec::new();
            for row in &rows {
                values.extend(nodes.number(*row, column)?);
            }
            Ok(if values.is_empty() {
                String::from("-")
            } else {
                number(values.iter().sum::<f64>() / values.len() as f64, unit)
            })
        };
        table.push(vec![
            name.into(),
            (rows.len() as u64).into(),
            mean("attempts", "count")?.into(),
            mean("accepted", "count")?.into(),
            mean("durable_writes", "count")?.into(),
            mean("cpu_ns", "ns")?.into(),
            mean("energy_nj", "nJ")?.into(),
            mean("utilisation", "share")?.into(),
            mean("mean_wait_ns", "ns")?.into(),
            mean("drops", "count")?.into(),
        ]);
    }
    table.note(
        "Processor time and energy follow the device profiles; nodes without one cost nothing.",
    );
    Ok(table)
}

fn links(links: &Sheet) -> Result<Table, FigureError> {
    let column = |name| links.column(name);
    let (name, direction) = (column("link")?, column("direction")?);
    let columns = [
        column("arrivals")?,
        column("delivered")?,
        column("lost")?,
        column("drops")?,
    ];
    let share = column("utilisation")?;
    let mut groups: Vec<(String, u64, [f64; 4], Vec<f64>)> = Vec::new();
    for row in 0..links.rows.len() {
        let link = links.text(row, name);
        let link = link.split_once('[').map_or(link, |(group, _)| group);
        let label = format!("{link} {}", links.text(row, direction));
        let at = groups
            .iter()
            .position(|group| group.0 == label)
            .unwrap_or_else(|| {
                groups.push((label.clone(), 0, [0.0; 4], Vec::new()));
                groups.len() - 1
            });
        groups[at].1 += 1;
        for (total, column) in groups[at].2.iter_mut().zip(columns) {
            *total += links.number(row, column)?.unwrap_or(0.0);
        }
        let busy = links.number(row, share)?;
        groups[at].3.extend(busy);
    }
    let mut table = Table::new(
        "links",
        "Links by group and direction",
        &[
            ("link", LEFT),
            ("links", RIGHT),
            ("packets", RIGHT),
            ("delivered", RIGHT),
            ("lost", RIGHT),
            ("queue drops", RIGHT),
            ("utilisation", RIGHT),
        ],
    );
    for (label, count, totals, busy) in groups {
        let busy = if busy.is_empty() {
            String::from("-")
        } else {
            format::percent(busy.iter().sum::<f64>() / busy.len() as f64)
        };
        let mut cells = vec![label.into(), count.into()];
        cells.extend(totals.map(|total| trimmed(total).into()));
        cells.push(busy.into());
        table.push(cells);
    }
    Ok(table)
}

fn security(attacks: &Sheet) -> Result<Option<Table>, FigureError> {
    let mut table = Table::new(
        "adversaries",
        "Adversaries, what they may do and what they did",
        &[
            ("adversary", LEFT),
            ("on", LEFT),
            ("powers", LEFT),
            ("rule or attack", LEFT),
            ("matched", RIGHT),
            ("acted", RIGHT),
            ("property", LEFT),
            ("verdict", LEFT),
        ],
    );
    let column = |name| attacks.column(name);
    let columns = [column("adversary")?, column("on")?, column("powers")?];
    let (rule, attack) = (column("rule")?, column("attack")?);
    let rest = [
        column("matches")?,
        column("actions")?,
        column("property")?,
        column("verdict")?,
    ];
    for row in 0..attacks.rows.len() {
        let text = |column| attacks.text(row, column);
        let mut cells: Vec<_> = columns.iter().map(|column| text(*column).into()).collect();
        cells.push(
            if text(rule).is_empty() {
                text(attack)
            } else {
                text(rule)
            }
            .into(),
        );
        cells.extend(rest.iter().map(|column| text(*column).into()));
        table.push(cells);
    }
    table.note("Resisted means that this attacker failed; it is no proof.");
    Ok((!table.rows.is_empty()).then_some(table))
}

fn of_sweep(sweep: &SweepResult) -> Result<Vec<Table>, FigureError> {
    let mut tables = Vec::new();
    let shown: Vec<&str> = super::HEADLINES
        .iter()
        .copied()
        .filter(|name| sweep.metrics.iter().any(|metric| metric == name))
        .collect();
    for metric in &shown {
        let mut columns: Vec<(&str, Align)> = sweep
            .axes
            .iter()
            .map(|axis| (axis.as_str(), LEFT))
            .collect();
        columns.extend([
            ("mean", RIGHT),
            ("sd", RIGHT),
            ("interval", RIGHT),
            ("n", RIGHT),
            ("method", LEFT),
        ]);
        let mut table = Table::new(
            &format!("sweep-{}", metric.replace('_', "-")),
            format!("{metric} by point"),
            &columns,
        );
        let mut level = 0.0;
        for aggregate in sweep.of_metric(metric)? {
            let show = |value: Option<f64>| {
                value.map_or_else(|| String::from("-"), |value| number(value, &aggregate.unit))
            };
            let interval = aggregate.interval.map_or_else(
                || String::from("-"),
                |(low, high)| {
                    format!(
                        "{} to {}",
                        number(low, &aggregate.unit),
                        number(high, &aggregate.unit)
                    )
                },
            );
            level = f64::max(level, aggregate.level);
            let mut cells: Vec<_> = aggregate
                .axes
                .iter()
                .map(|value| value.as_str().into())
                .collect();
            cells.extend([
                show(aggregate.mean).into(),
                show(aggregate.sd).into(),
                interval.into(),
                aggregate.n.into(),
                aggregate.method.as_str().into(),
            ]);
            table.push(cells);
        }
        if level > 0.0 {
            table.note(format!(
                "Intervals at {}; replications are the unit.",
                format::percent(level)
            ));
        }
        tables.push(table);
    }
    Ok(tables)
}

fn of_cells(cells: &CellsResult) -> Table {
    let (id, caption) = match cells.kind {
        CellsKind::Matrix => ("matrix", "Attacks: claimed and measured"),
        CellsKind::Laboratory => ("laboratory", "Desynchronisation laboratory"),
        CellsKind::Validation => ("validation", "Simulated against exact values"),
    };
    // The command that replays a cell is for the page of the result, not for a paper.
    let kept: Vec<usize> = (0..cells.sheet.columns.len())
        .filter(|column| cells.sheet.columns[*column] != "replay")
        .collect();
    let numeric = |column: usize| {
        (0..cells.sheet.rows.len()).all(|row| cells.sheet.number(row, column).is_ok())
    };
    let columns: Vec<(&str, Align)> = kept
        .iter()
        .map(|column| {
            (
                cells.sheet.columns[*column].as_str(),
                if numeric(*column) { RIGHT } else { LEFT },
            )
        })
        .collect();
    let mut table = Table::new(id, caption, &columns);
    for row in 0..cells.sheet.rows.len() {
        table.push(
            kept.iter()
                .map(|column| cells.sheet.text(row, *column).into())
                .collect(),
        );
    }
    if has(&cells.sheet, "verdict") {
        table.note("Intervals are exact (Clopper-Pearson, 95%). Resisted means that this attacker failed n times; it is no proof.");
    }
    table
}
