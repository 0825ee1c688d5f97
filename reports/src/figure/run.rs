//! Figures made from several tables of one run.

use std::collections::{BTreeMap, BTreeSet};

use super::measure::Spread;
use super::{BarRow, FigureError, Panel, RowStyle, Rows, Timeline, TimelineLane};
use crate::format;
use crate::read::RunResult;
use crate::read::sheet::Sheet;
use crate::read::story::{Story, stories};
use crate::rows::{DesyncKind, Outcome, StepKind};

/// Lanes of a timeline.
const LANES_MAX: usize = 16;

/// Marks of one kind on a lane.
const MARKS_MAX: u64 = 8000;

/// Devices by how badly they fared, with the adversary's deeds.
pub(super) fn timeline(run: &RunResult) -> Result<Timeline, FigureError> {
    let mut lanes: BTreeMap<String, TimelineLane> = BTreeMap::new();
    let lane = |name: &str| TimelineLane {
        name: name.to_owned(),
        ..TimelineLane::default()
    };
    let failed = |outcome: Outcome| !matches!(outcome, Outcome::Accepted | Outcome::Completed);
    // First how often each device failed, then when those failed that are drawn: what passes between
    // is not kept.
    let mut failures: BTreeMap<String, u64> = BTreeMap::new();
    run.each_session(&mut |session| {
        let more = u64::from(failed(session.outcome));
        match failures.get_mut(session.device) {
            Some(count) => *count += more,
            None => {
                failures.insert(session.device.to_owned(), more);
            }
        }
    })?;
    for device in failures.keys() {
        lanes.insert(device.clone(), lane(device));
    }
    for desync in run.desyncs()? {
        if matches!(desync.kind, DesyncKind::Unresolved) {
            continue;
        }
        let of = lanes
            .entry(desync.device.clone())
            .or_insert_with(|| lane(&desync.device));
        of.spans.push((
            desync.start_ns,
            desync.end_ns,
            desync.kind.word().to_owned(),
        ));
    }
    let mut devices: Vec<TimelineLane> = lanes.into_values().collect();
    // Stable: devices that fared alike stay in the order of their names.
    devices.sort_by_key(|lane| {
        let failures = failures.get(&lane.name).copied().unwrap_or(0);
        core::cmp::Reverse((!lane.spans.is_empty(), failures))
    });
    let left_out = devices.len().saturating_sub(LANES_MAX) as u64;
    devices.truncate(LANES_MAX);
    let apart_ns = run.manifest().virtual_ns / MARKS_MAX;
    run.each_session(&mut |session| {
        if !failed(session.outcome) {
            return;
        }
        let Some(lane) = devices.iter_mut().find(|lane| lane.name == session.device) else {
            return;
        };
        // Marks closer than a pixel are one.
        let hidden = lane.sessions.iter().rev().take(6).any(|(at, outcome)| {
            *outcome == session.outcome && session.ended_ns.abs_diff(*at) < apart_ns
        });
        if !hidden {
            lane.sessions.push((session.ended_ns, session.outcome));
        }
    })?;
    let mut adversaries: BTreeMap<String, TimelineLane> = BTreeMap::new();
    for story in stories(run.directory(), &|_| true, usize::MAX)? {
        for step in story
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Adversary)
        {
            let of = adversaries
                .entry(step.node.clone())
                .or_insert_with(|| TimelineLane {
                    adversary: true,
                    ..lane(&step.node)
                });
            of.deeds.push((step.t_ns, step.word("@rule")));
        }
    }
    for lane in adversaries.values_mut() {
        lane.deeds.sort();
    }
    let lanes = adversaries.into_values().chain(devices).collect();
    Ok(Timeline::new(lanes, run.manifest().virtual_ns, left_out))
}

/// The session whose chart says most: one that an adversary touched and that went wrong, else one
/// that went wrong, else any.
pub(super) fn most_telling(run: &RunResult) -> Result<Option<Story>, FigureError> {
    let stories = stories(run.directory(), &|_| true, 200)?;
    // Only of those that have a story: there may be millions without.
    let told: BTreeSet<&str> = stories.iter().map(|story| story.session.as_str()).collect();
    let outcomes: BTreeMap<String, Outcome> = run
        .session_outcomes(&|name| told.contains(name))?
        .into_iter()
        .collect();
    let weight = |story: &Story| {
        let attacked = story
            .steps
            .iter()
            .any(|step| step.kind == StepKind::Adversary);
        let worth = match outcomes.get(&story.session) {
            Some(Outcome::Mismatch) => 5,
            Some(Outcome::HalfOpen) => 4,
            Some(Outcome::Rejected | Outcome::Timeout) => 2,
            Some(Outcome::Aborted) => 1,
            _ => 0,
        };
        let whole = usize::from(
            story
                .steps
                .iter()
                .any(|step| step.kind == StepKind::Receive),
        );
        worth + 3 * usize::from(attacked) + whole
    };
    let mut best: Option<(usize, Story)> = None;
    for story in stories {
        let weight = weight(&story);
        if best.as_ref().is_none_or(|(before, _)| weight > *before) {
            best = Some((weight, story));
        }
    }
    Ok(best.map(|(_, story)| story))
}

/// Accepted or completed steps of a run, from its table of nodes.
fn successes(nodes: &Sheet) -> Result<f64, FigureError> {
    let column = nodes.column("accepted")?;
    let mut sum = 0.0;
    for row in 0..nodes.rows.len() {
        sum += nodes.number(row, column)?.unwrap_or(0.0);
    }
    Ok(sum)
}

/// Values of a column of `nodes.csv` by role, in the order of the file.
fn by_role(nodes: &Sheet, column: &str) -> Result<Vec<(String, Vec<f64>)>, FigureError> {
    let (role, column) = (nodes.column("role")?, nodes.column(column)?);
    let mut roles: Vec<(String, Vec<f64>)> = Vec::new();
    for row in 0..nodes.rows.len() {
        let name = nodes.text(row, role);
        let at = match roles.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                roles.push((name.to_owned(), Vec::new()));
                roles.len() - 1
            }
        };
        if let Some(value) = nodes.number(row, column)? {
            roles[at].1.push(value);
        }
    }
    Ok(roles)
}

fn bar(group: &str, label: String, value: Option<f64>, kind: usize) -> BarRow {
    BarRow {
        group: group.to_owned(),
        label,
        value,
        interval: None,
        kind,
        flagged: false,
    }
}

fn bars(title: &str, unit: &str, rows: Vec<BarRow>, spread: Spread) -> Panel {
    Panel {
        title: title.to_owned(),
        unit: unit.to_owned(),
        rows,
        lines: Vec::new(),
        style: RowStyle::Bar,
        spread,
    }
}

/// Sums per role over successes; nothing where nobody spent anything.
fn per_success(
    run: &RunResult,
    nodes: &Sheet,
    column: &str,
    successes: f64,
) -> Result<Vec<BarRow>, FigureError> {
    let roles = by_role(nodes, column)?;
    let spent = roles
        .iter()
        .any(|(_, values)| values.iter().any(|value| *value > 0.0));
    if !spent || successes <= 0.0 {
        return Ok(Vec::new());
    }
    let rows = roles.into_iter().enumerate().map(|(kind, (role, values))| {
        let sum: f64 = values.iter().sum();
        let value = sum / successes;
        let band = run.band(&role);
        BarRow {
            interval: band
                .filter(|_| value > 0.0)
                .map(|(low, high)| (value * low, value * high)),
            ..bar("", role, Some(value), kind)
        }
    });
    Ok(rows.collect())
}

/// What a session costs: processor time, energy, messages in bits, durable writes and operations.
pub(super) fn costs(run: &RunResult) -> Result<Rows, FigureError> {
    let nodes = Sheet::read(&run.directory().join("nodes.csv"))?;
    let table = Sheet::read(&run.directory().join("costs.csv"))?;
    let successes = successes(&nodes)?;
    let mut panels = vec![
        bars(
            "processor time per success",
            "ns",
            per_success(run, &nodes, "cpu_ns", successes)?,
            Spread::Linear,
        ),
        bars(
            "energy per success",
            "nJ",
            per_success(run, &nodes, "energy_nj", successes)?,
            Spread::Linear,
        ),
    ];
    let (message, bits) = (table.column("message")?, table.column("bits")?);
    let mut messages: Vec<BarRow> = Vec::new();
    for row in 0..table.rows.len() {
        let name = table.text(row, message);
        let width = table.number(row, bits)?;
        if name.is_empty() {
            continue;
        }
        match messages.iter_mut().find(|known| known.label == name) {
            Some(known) => known.value = Some(known.value.unwrap_or(0.0) + width.unwrap_or(0.0)),
            None => messages.push(bar("", name.to_owned(), width, 1)),
        }
    }
    panels.push(bars(
        "declared fixed fields per message",
        "bit",
        messages,
        Spread::Linear,
    ));
    let written = per_success(run, &nodes, "durable_writes", successes)?
        .into_iter()
        .map(|row| BarRow {
            interval: None,
            ..row
        });
    panels.push(bars(
        "durable writes per success",
        "count",
        written.collect(),
        Spread::Linear,
    ));
    panels.push(bars(
        "operations per success",
        "count",
        operations(&table, successes)?,
        Spread::Log,
    ));
    let successes = format::counted(successes as u64, "success").replace("successs", "successes");
    Ok(Rows {
        name: String::from("costs"),
        title: String::from("What a session costs"),
        about: String::from(
            "Bars of processor time, energy, message bits, durable writes and operations per accepted \
             or completed session.",
        ),
        panels,
        caption: format!(
            "n = {successes}; failed attempts are included in the sums · whiskers: usual range of the device profile, no confidence interval"
        ),
    })
}

fn operations(table: &Sheet, successes: f64) -> Result<Vec<BarRow>, FigureError> {
    let column = |name| table.column(name);
    let (role, phase) = (column("role")?, column("phase")?);
    let (operation, count) = (column("operation")?, column("count")?);
    let mut roles: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for row in 0..table.rows.len() {
        let name = table.text(row, operation);
        let Some(count) = table
            .number(row, count)?
            .filter(|_| !name.is_empty() && successes > 0.0)
        else {
            continue;
        };
        let group = format!("{} · {}", table.text(row, role), table.text(row, phase));
        let kind = roles
            .iter()
            .position(|known| known == table.text(row, role))
            .unwrap_or_else(|| {
                roles.push(table.text(row, role).to_owned());
                roles.len() - 1
            });
        rows.push(bar(&group, name.to_owned(), Some(count / successes), kind));
    }
    Ok(rows)
}

/// Energy per success by role, and over the nodes of each role.
pub(super) fn energy(run: &RunResult) -> Result<Rows, FigureError> {
    let nodes = Sheet::read(&run.directory().join("nodes.csv"))?;
    let successes = successes(&nodes)?;
    let per_session = per_success(run, &nodes, "energy_nj", successes)?;
    let mut spread = Vec::new();
    for (kind, (role, mut values)) in by_role(&nodes, "energy_nj")?.into_iter().enumerate() {
        if !values.iter().any(|value| *value > 0.0) {
            continue;
        }
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        spread.push(BarRow {
            interval: Some((at(0.05), at(0.95))),
            ..bar(
                "",
                format!("{role} (n = {})", values.len()),
                Some(mean),
                kind,
            )
        });
    }
    let mut panels = vec![
        bars("energy per success", "nJ", per_session, Spread::Linear),
        Panel {
            style: RowStyle::Point,
            ..bars("energy per node over the run", "nJ", spread, Spread::Linear)
        },
    ];
    panels.extend(energy_over_time(run));
    Ok(Rows {
        name: String::from("energy"),
        title: String::from("Energy"),
        about: String::from("Energy per accepted or completed session and per node."),
        panels,
        caption: format!(
            "n = {} · computing only · whiskers: usual range of the profile, then 5% to 95% of the nodes",
            format::counted(nodes.rows.len() as u64, "node")
        ),
    })
}

fn energy_over_time(run: &RunResult) -> Option<Panel> {
    let (bin_ns, bins) = run.energy_over_time()?;
    let step = bins.len().div_ceil(24).max(1);
    let rows = bins.chunks(step).enumerate().map(|(index, chunk)| {
        let from = (index * step) as f64 * bin_ns as f64;
        let label = format!("from {}", format::duration(from));
        bar("", label, Some(chunk.iter().sum::<u64>() as f64), 0)
    });
    let title = format!(
        "energy of all nodes per {}",
        format::duration(bin_ns as f64 * step as f64)
    );
    Some(bars(&title, "nJ", rows.collect(), Spread::Linear))
}

/// How busy processors and links were, and what they dropped.
pub(super) fn utilisation(run: &RunResult) -> Result<Rows, FigureError> {
    let nodes = Sheet::read(&run.directory().join("nodes.csv"))?;
    let links = Sheet::read(&run.directory().join("links.csv"))?;
    let mean_and_range = |values: &[f64]| {
        let sum: f64 = values.iter().sum();
        let range = values
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), value| {
                (low.min(*value), high.max(*value))
            });
        (!values.is_empty()).then(|| (sum / values.len() as f64, range))
    };
    let row = |label: String, values: &[f64], kind: usize| {
        let found = mean_and_range(values);
        BarRow {
            interval: found.map(|(_, range)| range).filter(|_| values.len() > 1),
            ..bar("", label, found.map(|(mean, _)| mean), kind)
        }
    };
    let mut busy = Vec::new();
    let mut waiting = Vec::new();
    for (kind, (role, values)) in by_role(&nodes, "utilisation")?.into_iter().enumerate() {
        busy.push(row(format!("{role} (n = {})", values.len()), &values, kind));
    }
    for (kind, (role, values)) in by_role(&nodes, "mean_in_system")?.into_iter().enumerate() {
        waiting.push(row(format!("{role} (n = {})", values.len()), &values, kind));
    }
    let (name, direction) = (links.column("link")?, links.column("direction")?);
    let (share, arrivals) = (links.column("utilisation")?, links.column("arrivals")?);
    let drops = links.column("drops")?;
    let mut groups: Vec<(String, Vec<f64>, f64, f64)> = Vec::new();
    for at in 0..links.rows.len() {
        let link = links.text(at, name);
        let link = link.split_once('[').map_or(link, |(group, _)| group);
        let label = format!("{link} {}", links.text(at, direction));
        let place = groups
            .iter()
            .position(|group| group.0 == label)
            .unwrap_or_else(|| {
                groups.push((label.clone(), Vec::new(), 0.0, 0.0));
                groups.len() - 1
            });
        groups[place].1.extend(links.number(at, share)?);
        groups[place].2 += links.number(at, drops)?.unwrap_or(0.0);
        groups[place].3 += links.number(at, arrivals)?.unwrap_or(0.0);
    }
    let channel = groups
        .iter()
        .enumerate()
        .map(|(kind, (label, values, ..))| {
            row(format!("{label} (n = {})", values.len()), values, kind)
        });
    let dropped = groups
        .iter()
        .enumerate()
        .map(|(kind, (label, _, drops, arrivals))| {
            bar(
                "",
                label.clone(),
                (*arrivals > 0.0).then(|| drops / arrivals),
                kind,
            )
        });
    let rated = groups.iter().any(|group| !group.1.is_empty());
    let panels = vec![
        bars("processor busy", "share", busy, Spread::Linear),
        bars(
            "packets at a node, time average",
            "count",
            waiting,
            Spread::Linear,
        ),
        bars(
            "channel busy",
            "share",
            if rated { channel.collect() } else { Vec::new() },
            Spread::Linear,
        ),
        bars(
            "packets dropped by full queues",
            "share",
            if rated { dropped.collect() } else { Vec::new() },
            Spread::Linear,
        ),
    ];
    Ok(Rows {
        name: String::from("utilisation"),
        title: String::from("How busy nodes and links were"),
        about: String::from(
            "Means over the nodes of a role and the links of a group, with their range.",
        ),
        panels,
        caption: format!(
            "n = {} and {}; whiskers: least and most over the members, no confidence interval",
            format::counted(nodes.rows.len() as u64, "node"),
            format::counted(links.rows.len() as u64, "link direction")
        ),
    })
}
