//! `badlink check FILE`: what would run, and roughly what it would take.

use scenarios::Scenario;
use scenarios::build::build;
use scenarios::host::tables::NoTables;
use scenarios::scenario::{Share, Trace};
use scenarios::sweep::plan::Plan;
use serde_json::json;

use crate::args::CheckArgs;
use crate::exit::{Exit, say};
use crate::load;
use crate::verb::run::PROGRAM;

/// Checks the scenario.
pub(crate) fn run(args: &CheckArgs) -> Exit {
    let scenario = match load::scenario(&args.scenario) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    // Some mistakes show only when everything is put together.
    let storage = match build::<NoTables>(&scenario) {
        Ok(built) => built.world.depot.size(),
        Err(diagnostics) => return load::refuse(&diagnostics),
    };
    // The points of a study are scenarios of their own, with mistakes of their own.
    let study = match &scenario.study {
        Some(_) => match Plan::new(&scenario, PROGRAM, None) {
            Ok(plan) => Some((plan.points.len() as u64, plan.runs())),
            Err(diagnostics) => return load::refuse(&diagnostics),
        },
        None => None,
    };
    let estimate = Estimate::of(&scenario, storage);
    if args.json {
        let mut found = estimate.json(&scenario);
        if let Some((points, runs)) = study {
            found["study"] = json!({ "points": points, "runs": runs });
        }
        say(found);
    } else if !args.quiet {
        say(estimate.text(&scenario));
        if let Some((points, runs)) = study {
            say(format_args!(
                "study: {points} points, {runs} runs (`badlink sweep`); the figures above are of one run"
            ));
        }
    }
    Exit::Good
}

/// Rough figures of a run, from means.
pub(crate) struct Estimate {
    links: usize,
    attempts: f64,
    pub(crate) events: f64,
    pub(crate) disk_bytes: f64,
    memory_bytes: f64,
}

/// A handshake of four messages with its commands, timers and deadlines.
const EVENTS_PER_STEP: f64 = 12.0;
const MESSAGES_PER_STEP: f64 = 4.0;
/// Bytes of a row, as measured on the library scenarios.
const SESSION_ROW_BYTES: f64 = 120.0;
const MESSAGE_ROW_BYTES: f64 = 130.0;
/// Bytes of a node beyond its storage: machine, links, attempt, fingerprint, pending event.
const NODE_BYTES: f64 = 400.0;

impl Estimate {
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn of(scenario: &Scenario, storage: u64) -> Self {
        let duration = scenario.run.duration_ns as f64;
        let mut attempts = 0.0;
        for workload in &scenario.workloads {
            let per_node = workload
                .every
                .as_ref()
                .map_or(1.0, |every| 1.0 + duration / every.mean().max(1.0));
            let per_node = workload
                .count
                .map_or(per_node, |count| per_node.min(count as f64));
            let initiators = scenario.groups[workload.from].count as f64;
            attempts += initiators * per_node * workload.steps.len() as f64;
        }
        let traced = |trace: Trace| scenario.output.traces.contains(&trace);
        let mut disk_bytes = scenario.node_count() as f64 * 100.0 + 200_000.0;
        let kept = attempts * scenario.output.sample.map_or(1.0, Share::number);
        if traced(Trace::Sessions) {
            disk_bytes += kept * SESSION_ROW_BYTES;
        }
        if traced(Trace::Messages) {
            disk_bytes += kept * MESSAGES_PER_STEP * MESSAGE_ROW_BYTES;
        }
        Self {
            links: scenario
                .links
                .iter()
                .map(|link| link.link_count(&scenario.groups))
                .sum(),
            attempts,
            events: attempts * EVENTS_PER_STEP,
            disk_bytes,
            memory_bytes: storage as f64 + scenario.node_count() as f64 * NODE_BYTES + 8e6,
        }
    }

    fn text(&self, scenario: &Scenario) -> String {
        use reports::format::significant;
        let groups: Vec<String> = scenario
            .groups
            .iter()
            .map(|group| format!("{} {}", group.count, group.name))
            .collect();
        let mut text = format!(
            "{}: {} {}\n  nodes       {} ({})\n  links       {}\n  attempts    about {}\n  \
             events      about {}\n  disk        about {} MB\n  memory      about {} MB",
            scenario.name,
            scenario.protocol.protocol.name(),
            scenario.protocol.variant,
            scenario.node_count(),
            groups.join(", "),
            self.links,
            significant(self.attempts, 2),
            significant(self.events, 2),
            significant(self.disk_bytes / 1e6, 2),
            significant(self.memory_bytes / 1e6, 2),
        );
        for assumption in &scenario.assumptions {
            text.push_str("\nnote: ");
            text.push_str(assumption);
        }
        text
    }

    fn json(&self, scenario: &Scenario) -> serde_json::Value {
        json!({
            "scenario": scenario.name,
            "protocol": scenario.protocol.protocol.name(),
            "variant": scenario.protocol.variant,
            "nodes": scenario.node_count(),
            "links": self.links,
            "attempts": self.attempts,
            "events": self.events,
            "disk_bytes": self.disk_bytes,
            "memory_bytes": self.memory_bytes,
            "assumptions": scenario.assumptions,
        })
    }
}
