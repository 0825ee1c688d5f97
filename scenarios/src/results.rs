//! Writes what a finished run left behind: every file of a result directory except the streamed
//! tables, which are closed here, and the manifest, which knows the wall clock.

mod attacks;

use protocols::wire::{FieldKind, Layout, Width};
mod media;
mod relays;

use reports::metric::{EnergyOverTime, Metric, ProfileUsed, Summary};
use reports::rows::{self, Costs, Links, Media, Nodes, Queueing, RUN_TABLES};
use reports::store::{ResultKey, Staging, StoreError};
use reports::table::Table as _;
use reports::table::format::TableFormat;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::host::tables::Tables;
use crate::metrics::metrics;
use crate::names::Names;
use crate::record::FileTables;
use crate::run::{AtEnd, Finished};
use crate::scenario::{Scenario, StepsWanted, role_name};

/// What a run's files came to.
#[derive(Clone, Debug)]
pub struct Written {
    /// The contents of `summary.json`.
    pub summary: Summary,
    /// Rows by table.
    pub rows: u64,
}

/// The key of a run: everything that decides the bytes of its files.
#[must_use]
pub fn key(scenario: &Scenario, version: &str) -> ResultKey {
    let mut hash = Sha256::new();
    hash.update(version.as_bytes());
    hash.update(scenario.canonical.as_bytes());
    hash.update(scenario.name.as_bytes());
    hash.update(scenario.description.as_bytes());
    for trace in &scenario.output.traces {
        hash.update(trace.as_str().as_bytes());
    }
    match &scenario.output.steps {
        // What was there before the choice was hashes as before.
        StepsWanted::Failed => {}
        other => hash.update(format!("steps {other:?}").as_bytes()),
    }
    if let Some(sample) = scenario.output.sample {
        hash.update(format!("sample {}", sample.threshold()).as_bytes());
    }
    // What was there before the formats hashes as before.
    if scenario.output.format != TableFormat::Csv {
        hash.update(scenario.output.format.as_str().as_bytes());
    }
    for figure in &scenario.output.figures {
        hash.update(figure.as_str().as_bytes());
    }
    ResultKey::new(hex(&hash.finalize()))
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    protocols::output::Hex(bytes).to_string()
}

/// Writes the files of a finished run into `staging`.
///
/// # Errors
///
/// The first failure to write, those of the streamed tables included.
pub fn write(
    staging: &Staging,
    scenario: &Scenario,
    finished: &Finished<FileTables>,
    tables: FileTables,
) -> Result<Written, StoreError> {
    let mut rows = tables.finish()?;
    rows += attacks::write(staging, scenario, finished)?;
    rows += costs(staging, scenario, finished)?;
    let has_media = !scenario.media.is_empty();
    let tables: Vec<_> = RUN_TABLES
        .iter()
        .filter(|schema| has_media || schema.file != Media::SCHEMA.file)
        .copied()
        .collect();
    staging.dictionary(&tables)?;
    staging.json("layouts.json", &layouts(scenario))?;
    staging.file("scenario.toml", resolved(scenario).as_bytes())?;
    let summary = summary(scenario, finished);
    staging.json("summary.json", &summary)?;
    Ok(Written { summary, rows })
}

/// The scenario as a file that needs no overrides: the text as it was read, or, where `--set`
/// changed something, the same document with the values put in (comments are lost then).
#[must_use]
pub fn resolved(scenario: &Scenario) -> String {
    if scenario.overrides.is_empty() {
        return scenario.text.clone();
    }
    let Ok(mut document) = scenario.text.parse::<toml::Table>() else {
        return scenario.text.clone();
    };
    if scenario.study.is_none() {
        // A point of a study stands for itself.
        document.remove("sweep");
        document.remove("expect");
    }
    for (path, value) in &scenario.overrides {
        let parsed = format!("value = {value}").parse::<toml::Table>().ok();
        let value = parsed
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.clone()));
        put(&mut document, path, value);
    }
    toml::to_string(&document).unwrap_or_else(|_| scenario.text.clone())
}

/// Puts `value` at a dotted path; elements of a list are named by their `id`.
fn put(table: &mut toml::Table, path: &str, value: toml::Value) {
    let Some((head, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), value);
        return;
    };
    match table
        .entry(head)
        .or_insert_with(|| toml::Value::Table(toml::Table::new()))
    {
        toml::Value::Table(inner) => put(inner, rest, value),
        toml::Value::Array(items) => {
            let (id, rest) = rest.split_once('.').unwrap_or((rest, ""));
            let named = items.iter_mut().filter_map(toml::Value::as_table_mut);
            let mut found =
                named.filter(|item| item.get("id").and_then(toml::Value::as_str) == Some(id));
            if let Some(item) = found.next() {
                put(item, rest, value);
            }
        }
        other => {
            let mut inner = toml::Table::new();
            put(&mut inner, rest, value);
            *other = toml::Value::Table(inner);
        }
    }
}

/// The contents of `summary.json`.
#[must_use]
pub fn summary<T: Tables>(scenario: &Scenario, finished: &Finished<T>) -> Summary {
    let metrics: Vec<Metric> = metrics(scenario, finished);
    Summary {
        scenario: scenario.name.clone(),
        scenario_hash: hex(&scenario.hash()),
        seed: scenario.run.seed,
        fingerprint: format!("{:032x}", finished.fingerprint),
        complete: finished.stopped.is_none(),
        metrics,
        notes: notes(scenario, finished),
        profiles: profiles(scenario, finished),
        energy_over_time: (!finished.tally.energy_over_time.is_empty()).then(|| EnergyOverTime {
            bin_ns: finished.tally.bin_ns,
            energy_nj: finished.tally.energy_over_time.clone(),
        }),
    }
}

/// The profiles in use, each with the range that its numbers usually lie in: that of public-key
/// operations where the role performed any, since they outweigh everything else.
fn profiles<T: Tables>(scenario: &Scenario, finished: &Finished<T>) -> Vec<ProfileUsed> {
    let groups = finished.world.groups.iter().zip(&scenario.groups);
    groups
        .filter_map(|(group, named)| {
            let profile = group.profile.as_ref()?;
            let public = finished.operations.iter().any(|(role, _, totals)| {
                role == usize::from(group.role)
                    && totals.iter().any(|(primitive, count, _)| {
                        count > 0
                            && ["rsa-public", "rsa-private", "mod-pow"]
                                .contains(&primitive.as_str())
                    })
            });
            let (band, factor) = if public {
                (profile.public_key_band, profile.factors.public_key)
            } else {
                (profile.symmetric_band, profile.factors.symmetric)
            };
            Some(ProfileUsed {
                group: named.name.clone(),
                role: role_name(scenario.protocol.protocol, group.role).to_owned(),
                profile: profile.name.clone(),
                band_low: band.0 / factor,
                band_high: band.1 / factor,
            })
        })
        .collect()
}

/// What a reader must know to judge the numbers.
fn notes<T: Tables>(scenario: &Scenario, finished: &Finished<T>) -> Vec<String> {
    let mut notes = scenario.assumptions.clone();
    if let Some(share) = scenario.output.sample {
        notes.push(format!(
            "tables of sessions and messages hold a sample of {} of the sessions; metrics count all",
            reports::format::percent(share.number())
        ));
    }
    let tally = &finished.tally;
    for (index, adversary) in finished.world.taps.all().iter().enumerate() {
        let own = finished.world.attacks.rule_counts(index);
        let counts = own.as_ref().unwrap_or(&adversary.counts);
        for (rule, counts) in adversary.spec.rules.iter().zip(counts) {
            let name = format!("adversaries.{}.rules.{}", adversary.spec.name, rule.id);
            if counts.matches == 0 {
                notes.push(format!("warning: {name} matched no packet"));
            } else if counts.actions == 0 {
                notes.push(format!(
                    "warning: {name} matched {} packets and never acted",
                    counts.matches
                ));
            }
        }
    }
    fault_notes(scenario, finished, &mut notes);
    supply_notes(finished, &mut notes);
    for (spec, both) in scenario.links.iter().zip(&finished.links) {
        let carries = [spec.directions.up, spec.directions.down];
        for ((direction, sums), carries) in ["up", "down"].into_iter().zip(both).zip(carries) {
            if carries && sums.offered == 0 {
                notes.push(format!(
                    "warning: links.{} carried nothing {direction}",
                    spec.name
                ));
            }
        }
    }
    relays::notes(scenario, finished, &mut notes);
    if tally.unroutable > 0 {
        notes.push(format!(
            "warning: {} messages had no link to go over",
            tally.unroutable
        ));
    }
    if tally.agreement_violations > 0 {
        let first = finished.world.agreement.first();
        let at = first.map_or(0, |violation| violation.at_ns);
        notes.push(format!(
            "warning: {} acceptances without a partner, the first at {at} ns",
            tally.agreement_violations
        ));
    }
    if tally.stray_acceptances > 0 {
        notes.push(format!(
            "{} acceptances belong to no attempt (an exchange that a timer began, or one that outlived \
             its attempt); their rows in sessions.csv have the reason no-initiator",
            tally.stray_acceptances
        ));
    }
    notes
}

/// Batteries that ran out, storage that wore out.
fn supply_notes<T: Tables>(finished: &Finished<T>, notes: &mut Vec<String>) {
    let Some(energy) = &finished.world.energy else {
        return;
    };
    for (what, (count, first)) in ["batteries ran out", "nodes wore out their storage"]
        .into_iter()
        .zip(energy.deaths)
    {
        if let Some(first) = first {
            notes.push(format!("{count} {what}, the first at {first} ns"));
        }
    }
}

/// How often each fault struck; one that never did is a warning.
fn fault_notes<T: Tables>(scenario: &Scenario, finished: &Finished<T>, notes: &mut Vec<String>) {
    let Some(faults) = &finished.world.faults else {
        return;
    };
    for (spec, counts) in scenario.faults.iter().zip(faults.counts()) {
        let name = format!("faults.{} ({})", spec.name, spec.effect.kind());
        if counts.strikes > 0 {
            notes.push(format!("{name} struck {} times", counts.strikes));
        } else if counts.armed > 0 {
            notes.push(format!(
                "warning: {name} was prepared {} times, and no durable write followed",
                counts.armed
            ));
        } else {
            notes.push(format!("warning: {name} never struck"));
        }
        if counts.void > 0 {
            notes.push(format!(
                "{name} met {} times what was out of order already",
                counts.void
            ));
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "figures in tables have nine digits"
)]
fn mean(sum: u128, count: u64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

/// Writes `nodes.csv` and `links.csv`; returns the rows.
///
/// # Errors
///
/// The first failure to write.
pub fn places<T: Tables>(
    staging: &Staging,
    scenario: &Scenario,
    view: &AtEnd<'_, T>,
    names: &Names,
) -> Result<u64, StoreError> {
    Ok(nodes(staging, scenario, view, names)?
        + links(staging, scenario, view, names)?
        + media::write(staging, scenario, view)?)
}

fn nodes<T: Tables>(
    staging: &Staging,
    scenario: &Scenario,
    view: &AtEnd<'_, T>,
    names: &Names,
) -> Result<u64, StoreError> {
    let mut table = staging.table::<Nodes>()?;
    let mut name = String::new();
    for group in &view.world.groups {
        let role = role_name(scenario.protocol.protocol, group.role);
        for (member, writes) in (0u32..).zip(&group.durable_writes) {
            let usage = group
                .usage
                .get(member as usize)
                .copied()
                .unwrap_or_default();
            let node = group.first + member;
            let spent = view.world.spent(node, view.engine.now());
            let account = view.world.energy.as_ref();
            let account = account
                .map(|energy| energy.account(node))
                .unwrap_or_default();
            let queueing = queueing(view, node);
            let (attempts, accepted) = view.world.workloads.counts(node);
            name.clear();
            names.node(node, &mut name);
            table.write(&rows::Node {
                attempts: u64::from(attempts),
                accepted: u64::from(accepted),
                cpu_ns: usage.cpu_ns,
                energy_nj: spent.total_nj(),
                tx_ns: account.tx_ns,
                rx_ns: account.rx_ns,
                cpu_energy_nj: spent.cpu_nj,
                flash_energy_nj: spent.flash_nj,
                radio_energy_nj: spent.radio_nj,
                sleep_energy_nj: spent.sleep_nj,
                writes_lost: account.writes_lost,
                durable_writes: u64::from(*writes),
                ..rows::Node::new(&name, role, &queueing)
            })?;
        }
    }
    table.finish()
}

/// Queueing at a node: that of the station where its machine is one, else that of its processor.
fn queueing<T: Tables>(view: &AtEnd<'_, T>, node: u32) -> Queueing {
    let span = view.measured_ns;
    if let Some(station) = view.station(node) {
        return Queueing {
            arrivals: station.arrivals,
            drops: station.refusals,
            mean_wait_ns: mean(station.wait_ns, station.begun),
            mean_sojourn_ns: mean(station.sojourn_ns, station.served),
            mean_in_system: mean(station.in_system_ns, span),
            utilisation: mean(
                station.busy_ns,
                span.saturating_mul(u64::from(station.servers)),
            ),
        };
    }
    let stats = view.node_stats(node);
    Queueing {
        arrivals: stats.arrivals,
        drops: stats.drops,
        mean_wait_ns: mean(stats.wait_ns, stats.served),
        mean_sojourn_ns: mean(stats.sojourn_ns, stats.served),
        mean_in_system: mean(stats.in_system_ns, span),
        utilisation: mean(stats.busy_ns, span),
    }
}

fn links<T: Tables>(
    staging: &Staging,
    scenario: &Scenario,
    view: &AtEnd<'_, T>,
    names: &Names,
) -> Result<u64, StoreError> {
    let mut table = staging.table::<Links>()?;
    let mut name = String::new();
    for (spec, (first, count)) in scenario.links.iter().zip(view.links) {
        for link in *first..*first + *count {
            name.clear();
            names.link(link, &mut name);
            let both = view.link_stats(link);
            for (direction, (stats, params)) in ["up", "down"]
                .into_iter()
                .zip(both.iter().zip([&spec.up, &spec.down]))
            {
                let rated = params.queues() || params.medium.is_some();
                let waited = if rated { stats.queued } else { 0 };
                let over_time = |sum| rated.then(|| mean(sum, view.measured_ns)).flatten();
                table.write(&rows::Link {
                    link: &name,
                    direction,
                    arrivals: stats.offered,
                    drops: stats.queue_drops,
                    mean_wait_ns: mean(stats.wait_ns, waited),
                    mean_sojourn_ns: mean(stats.sojourn_ns, waited),
                    mean_in_system: over_time(stats.in_system_ns),
                    utilisation: over_time(stats.busy_ns),
                    delivered: stats.passed,
                    lost: stats.lost,
                    frames: stats.frames,
                    too_long: stats.mtu_drops,
                    corrupted: stats.corrupted,
                    duplicated: stats.duplicated,
                    collided: stats.collided,
                })?;
            }
        }
    }
    table.finish()
}

fn costs(
    staging: &Staging,
    scenario: &Scenario,
    finished: &Finished<FileTables>,
) -> Result<u64, StoreError> {
    let mut table = staging.table::<Costs>()?;
    let protocol = scenario.protocol.protocol;
    let named = (protocol.name(), scenario.protocol.variant.as_str());
    for (role, phase, totals) in finished.operations.iter() {
        let role = protocol.roles().get(role).map_or("", |role| role.name);
        let phase = protocol.phases().get(phase).copied().unwrap_or("");
        for (primitive, count, bytes) in totals.iter() {
            table.write(&rows::Cost::operation(
                named,
                (role, phase),
                primitive.as_str(),
                count,
                bytes,
            ))?;
        }
    }
    for layout in scenario.protocol.instance.layouts() {
        for field in &layout.fields {
            if let Width::Fixed(width) = field.width {
                let bits = u64::from(width) * 8;
                table.write(&rows::Cost::field(
                    protocol.name(),
                    layout.name,
                    field.name,
                    bits,
                ))?;
            }
        }
    }
    table.finish()
}

/// The wire layouts as data: what a reader of `messages.csv` needs to take frames apart.
#[must_use]
pub fn layouts(scenario: &Scenario) -> Value {
    let protocol = scenario.protocol.protocol;
    let message = |layout: &Layout| {
        json!({
            "name": layout.name,
            "tag": layout.tag,
            "sender": layout.sender.and_then(|role| protocol.roles().get(usize::from(role))).map(|role| role.name),
            "phase": protocol.phases().get(usize::from(layout.phase)),
            "bytes": layout.fixed_size(),
            "fields": layout.fields.iter().map(|field| json!({
                "name": field.name,
                "kind": match field.kind {
                    FieldKind::Tag => "tag",
                    FieldKind::Integer => "integer",
                    FieldKind::Indices => "indices",
                    FieldKind::Text => "text",
                    FieldKind::Bytes => "bytes",
                },
                "width": match field.width {
                    Width::Fixed(width) => json!(width),
                    Width::Counted { field, unit } => json!({ "count_in_field": field, "unit": unit }),
                    Width::Rest { min, max, multiple_of } => {
                        json!({ "rest": { "min": min, "max": max, "multiple_of": multiple_of } })
                    }
                },
            })).collect::<Vec<_>>(),
        })
    };
    json!({
        "protocol": protocol.name(),
        "variant": scenario.protocol.variant,
        "messages": scenario.protocol.instance.layouts().iter().map(message).collect::<Vec<_>>(),
    })
}
