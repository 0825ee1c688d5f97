//! The short table that a run prints.

use reports::format;
use reports::metric::Summary;
use reports::summary::{Section, render};
use scenarios::host::attempt::Outcome;
use scenarios::host::tables::Tables;
use scenarios::run::Finished;
use scenarios::verdict::{Verdict, judge};
use scenarios::{Fate, Scenario};

/// The summary of a run as text.
pub(crate) fn text<T: Tables>(
    scenario: &Scenario,
    finished: &Finished<T>,
    summary: &Summary,
    wall_seconds: f64,
) -> String {
    let title = match scenario.description.as_str() {
        "" => scenario.name.clone(),
        description => format!("{} · {description}", scenario.name),
    };
    let mut head = Section::new(title);
    head.push(
        "protocol",
        scenario.protocol.protocol.name(),
        format!("variant {}", scenario.protocol.variant),
    );
    head.push(
        "nodes",
        format::count(scenario.node_count() as u64),
        groups(scenario),
    );
    #[allow(clippy::cast_precision_loss, reason = "for the eye")]
    let span = finished.ended_ns as f64;
    head.push(
        "virtual time",
        format::duration(span),
        format!("seed {}", scenario.run.seed),
    );
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rate for the eye"
    )]
    let rate = (finished.events as f64 / wall_seconds.max(1e-9)) as u64;
    head.push(
        "events",
        format::count(finished.events),
        format!("{} a second of wall time", format::count(rate)),
    );
    head.push(
        "fingerprint",
        &summary.fingerprint[..16.min(summary.fingerprint.len())],
        "",
    );

    let tally = &finished.tally;
    let mut sessions = Section::new("sessions");
    sessions.push("attempts", format::count(tally.attempts()), "");
    for outcome in Outcome::ALL {
        let count = tally.of(outcome);
        if count > 0 {
            #[allow(clippy::cast_precision_loss, reason = "for the eye")]
            let share = count as f64 / tally.attempts() as f64;
            sessions.push(
                outcome.as_str(),
                format::count(count),
                format::percent(share),
            );
        }
    }
    for (name, label) in [
        ("latency_p50_ns", "latency, median"),
        ("latency_p95_ns", "latency, 95 %"),
        ("latency_p99_ns", "latency, 99 %"),
    ] {
        if let Some(value) = summary.metric(name).and_then(|metric| metric.value) {
            sessions.push(label, format::duration(value), "");
        }
    }

    let mut state = Section::new("shared state");
    if !finished.world.relations.is_empty() {
        for (name, label) in [
            ("desync_rate", "out of step for good"),
            ("desync_silent_rate", "out of step, unnoticed"),
        ] {
            if let Some(metric) = summary.metric(name)
                && let (Some(value), Some(interval)) = (metric.value, metric.interval)
            {
                let note = format!(
                    "of {} pairs; 95 % interval {} to {}",
                    format::count(metric.n),
                    format::percent(interval.low),
                    format::percent(interval.high)
                );
                state.push(label, format::percent(value), note);
            }
        }
        if let Some(metric) = summary.metric("desync_transient") {
            let note = "divergences that healed by themselves";
            state.push(
                "transient",
                format::float_text(metric.value.unwrap_or(0.0)),
                note,
            );
        }
        if tally.reprovisions > 0 {
            state.push(
                "provisioned anew",
                format::count(tally.reprovisions),
                format!(
                    "times; {} B written",
                    format::count(tally.reprovision_bytes)
                ),
            );
        }
        if let Some(median) = summary
            .metric("attempts_to_desync")
            .and_then(|metric| metric.value)
        {
            state.push("median survival", format::float_text(median), "attempts");
        }
    }

    let mut network = Section::new("network");
    let packets: u64 = tally.fates.iter().sum();
    network.push(
        "packets",
        format::count(packets),
        format!("{} B", format::count(tally.bytes)),
    );
    for fate in FATES {
        let count = tally.fates[fate as usize];
        if count > 0 && fate != Fate::Delivered {
            #[allow(clippy::cast_precision_loss, reason = "for the eye")]
            let share = count as f64 / packets as f64;
            network.push(fate.as_str(), format::count(count), format::percent(share));
        }
    }
    for metric in &summary.metrics {
        let Some((kind, place)) = metric.name.split_once('.') else {
            continue;
        };
        if let Some(value) = metric.value {
            let value = match metric.unit {
                "ns" => format::duration(value),
                "share" => format::percent(value),
                _ => format::significant(value, 6),
            };
            let label = kind.trim_end_matches("_ns").replace('_', " ");
            network.push(format!("{label}, {place}"), value, "");
        }
    }

    let attacks = verdicts(scenario, finished);
    let mut text = render(&[head, sessions, state, attacks, network]);
    for note in &summary.notes {
        text.push_str("\nnote: ");
        text.push_str(note);
    }
    text
}

const FATES: [Fate; 12] = [
    Fate::Delivered,
    Fate::Lost,
    Fate::QueueDrop,
    Fate::BacklogDrop,
    Fate::MtuDrop,
    Fate::Collided,
    Fate::Corrupted,
    Fate::Duplicated,
    Fate::AdversaryDrop,
    Fate::AdversaryModified,
    Fate::Injected,
    Fate::NodeDown,
];

/// One line for each property judged of each adversary that carries out an attack in code, and for
/// what rules broke.
fn verdicts<T: Tables>(scenario: &Scenario, finished: &Finished<T>) -> Section {
    let mut section = Section::new("attacks");
    for judgement in judge(scenario, finished) {
        let adversary = &scenario.adversaries[judgement.adversary];
        let attack = adversary.attack.as_ref().map(|attack| attack.spec.id);
        let harmless = matches!(judgement.verdict, Verdict::Resisted | Verdict::NotExercised);
        if attack.is_none() && harmless {
            continue;
        }
        let name = format!(
            "{}, {}",
            attack.unwrap_or(&adversary.name),
            judgement.property.as_str()
        );
        let happened = judgement.witness.map(|witness| witness.text);
        let detail = format!(
            "acted {} times{}",
            format::count(judgement.acted),
            happened.map_or_else(String::new, |text| format!("; {text}"))
        );
        section.push(name, judgement.verdict.as_str(), detail);
    }
    section
}

fn groups(scenario: &Scenario) -> String {
    let groups = scenario
        .groups
        .iter()
        .map(|group| format!("{} {}", group.count, group.name));
    groups.collect::<Vec<_>>().join(", ")
}
