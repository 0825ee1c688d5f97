//! The canonical text of a scenario: every resolved value that can change a run, in a fixed order.
//!
//! It is written from the typed result, never from the file, so that two files that mean the same
//! have the same text, and with it the same hash.

mod fault;
mod supply;

use std::fmt::{Display, Write};

use protocols::parameter::{ParameterSpec, Value, Values};
use sha2::{Digest, Sha256};
use sim_engine::link::LossModel;
use sim_engine::{LinkParams, LossPlace, QueueLimit, Reordering};

use super::Typed;
use super::adversary::POWERS;
use crate::law;
use crate::profile::Factors;
use crate::scenario::{
    Action, AdversarySpec, GrantTime, Layer, LinkChange, LinkChannel, LinkPatch, Occurrence, Own,
    Pick, ProtocolChoice, Rule, Scope, StepArg, Topology, Transport, role_name,
};

/// The canonical text of `parts`.
pub(super) fn write(parts: &Typed) -> String {
    let mut out = Lines::default();
    out.put("schema", 1);
    out.put("run.duration_ns", parts.run.duration_ns);
    out.put("run.settle_ns", parts.run.settle_ns);
    out.put("run.warmup_ns", parts.run.warmup_ns);
    // What was there before steady states hashes as before.
    if let Some(warm_up) = parts.run.steady {
        out.put("run.steady", warm_up.as_str());
    }
    out.put("run.seed", parts.run.seed);
    out.put("run.epoch_ns", parts.run.epoch_ns);
    out.put("protocol.name", parts.protocol.protocol.name());
    out.put("protocol.variant", &parts.protocol.variant);
    for (name, value) in parts.protocol.instance.settings() {
        out.put(&format!("protocol.params.{name}"), value);
    }
    let roles = parts.protocol.protocol.roles();
    for group in &parts.groups {
        let role = roles.get(usize::from(group.role));
        out.under(&format!("nodes.{}", group.name), |out| {
            out.put("role", role_name(parts.protocol.protocol, group.role));
            out.put("count", group.count);
            out.put(
                "profile",
                group
                    .profile
                    .as_ref()
                    .map_or("none", |profile| &profile.name),
            );
            if let Some(profile) = &group.profile {
                let factors = profile.factors;
                // What was there before the factors hashes as before.
                if factors != Factors::ONE {
                    out.put("profile.k_symmetric", factors.symmetric);
                    out.put("profile.k_public", factors.public_key);
                }
            }
            out.put("start_ns", law::text(&group.start));
            out.put("clock.offset_ns", law::text(&group.clock.offset));
            out.put("clock.drift_ppm", law::text(&group.clock.drift_ppm));
            supply::write(out, &group.clock, &group.supply);
            out.put("backlog", group.backlog);
            if let Some(relay) = &group.relay {
                out.put("params.processing_ns", law::text(&relay.processing));
                out.put("params.hop_limit", relay.hop_limit);
            }
            parameters(out, role.map_or(&[], |role| role.params), &group.params);
        });
    }
    let group_name = |index: usize| parts.groups[index].name.as_str();
    for link in &parts.links {
        out.under(&format!("links.{}", link.name), |out| {
            out.put(
                "between",
                format!("{}, {}", group_name(link.a), group_name(link.b)),
            );
            out.put(
                "direction",
                match (link.directions.up, link.directions.down) {
                    (true, true) => "both",
                    (true, false) => "up",
                    _ => "down",
                },
            );
            out.put(
                "channel",
                match link.channel {
                    LinkChannel::Public => "public",
                    LinkChannel::Secure => "secure",
                },
            );
            transport(out, &link.transport);
            out.put(
                "pick",
                match link.pick {
                    Pick::Fixed => "fixed",
                    Pick::Uniform => "uniform",
                    Pick::RoundRobin => "round-robin",
                },
            );
            match &link.topology {
                None => {}
                Some(topology @ (Topology::Edges(edges) | Topology::Joint(edges))) => {
                    let mut digest = Sha256::new();
                    for (a, b) in edges {
                        digest.update(a.to_le_bytes());
                        digest.update(b.to_le_bytes());
                    }
                    let digest = crate::results::hex(&digest.finalize());
                    let kind = match topology {
                        Topology::Joint(_) => "joint edges",
                        _ => "edges",
                    };
                    out.put("topology", format!("{} {kind} {digest}", edges.len()));
                }
                Some(topology) => out.put("topology", format!("{topology:?}")),
            }
            out.under("up", |out| direction(out, &link.up));
            out.under("down", |out| direction(out, &link.down));
            own(out, &link.own, [&link.up, &link.down]);
            for (number, change) in link.schedule.iter().enumerate() {
                out.under(&format!("schedule.{number}"), |out| schedule(out, change));
            }
        });
    }
    for medium in &parts.media {
        out.under(&format!("media.{}", medium.name), |out| {
            out.put("model", medium.model.as_str());
            out.put("params", format!("{:?}", medium.params));
        });
    }
    for workload in &parts.workloads {
        out.under(&format!("workload.{}", workload.name), |out| {
            out.put("from", group_name(workload.from));
            if let Some(first) = &workload.first {
                out.put("first_ns", law::text(first));
            }
            out.put(
                "every_ns",
                workload
                    .every
                    .as_ref()
                    .map_or_else(|| "once".to_owned(), law::text),
            );
            out.put("count", optional(workload.count));
            match &workload.retry {
                Some(retry) => {
                    out.put("retry.after_ns", retry.after_ns);
                    out.put("retry.backoff", retry.backoff);
                    out.put("retry.max", optional(retry.max));
                }
                None => out.put("retry", "none"),
            }
            if let Some(reprovision) = &workload.reprovision {
                out.put("reprovision.after", reprovision.after);
                out.put("reprovision.time_ns", reprovision.time_ns);
            }
            for (number, step) in workload.steps.iter().enumerate() {
                let command = step.spec(parts.protocol.protocol);
                out.under(&format!("steps.{number}"), |out| {
                    out.put("do", command.name);
                    out.put("to", step.to.map_or("-", group_name));
                    out.put("deadline_ns", step.deadline_ns);
                    for ((name, _), given) in command.args.iter().zip(&step.args) {
                        match given {
                            Some(StepArg::Integer(value)) => out.put(name, value),
                            Some(StepArg::Text(text)) => out.put(name, format!("{text:?}")),
                            None => {}
                        }
                    }
                });
            }
        });
    }
    for adversary in &parts.adversaries {
        out.under(&format!("adversaries.{}", adversary.name), |out| {
            placed(out, adversary, parts);
            let powers = POWERS.iter().filter(|power| (power.has)(&adversary.powers));
            let names: Vec<&str> = powers.map(|power| power.name).collect();
            out.put("powers", names.join(", "));
            if adversary.layer == Layer::Packet {
                out.put("layer", "packet");
            }
            for rule in &adversary.rules {
                out.under(&format!("rules.{}", rule.id), |out| {
                    adversary_rule(out, rule, &parts.protocol);
                });
            }
        });
    }
    for spec in &parts.faults {
        out.under(&format!("faults.{}", spec.name), |out| {
            fault::write(out, spec, parts);
        });
    }
    out.text
}

/// Where an adversary stands, and its attack in code.
fn placed(out: &mut Lines, adversary: &AdversarySpec, parts: &Typed) {
    if let Some(link) = adversary.link {
        let key = if adversary.off_path { "at" } else { "on" };
        out.put(key, &parts.links[link].name);
    }
    if let Some(seat) = adversary.seat {
        out.put("as", seat);
    }
    if adversary.breaks_channel {
        out.put("break-channel", true);
    }
    let Some(attack) = &adversary.attack else {
        return;
    };
    out.put("attack", attack.spec.id);
    out.put(
        "scope",
        match adversary.scope {
            Scope::Link => "link",
            Scope::All => "all",
        },
    );
    out.put("case", attack.case.unwrap_or("all"));
    parameters(out, attack.spec.params, &attack.params);
    for (number, known) in adversary.knows.iter().enumerate() {
        out.under(&format!("knows.{number}"), |out| {
            out.put("secret", known.secret);
            out.put("of", known.of);
            match known.at {
                GrantTime::At(at_ns) => out.put("at_ns", at_ns),
                GrantTime::Always => out.put("at_ns", "always"),
            }
        });
    }
}

fn adversary_rule(out: &mut Lines, rule: &Rule, protocol: &ProtocolChoice) {
    let layouts = protocol.instance.layouts();
    let messages: Vec<&str> = rule
        .matching
        .messages
        .iter()
        .map(|&index| layouts[index].name)
        .collect();
    out.put(
        "match.direction",
        rule.matching
            .direction
            .map_or("any", sim_engine::Direction::as_str),
    );
    out.put("match.message", messages.join(", "));
    out.put("match.nth", optional(rule.matching.nth));
    out.put("probability", rule.probability.value());
    match &rule.action {
        Action::Drop => out.put("action", "drop"),
        Action::Delay { by } => {
            out.put("action", "delay");
            out.put("by_ns", law::text(by));
        }
        Action::Duplicate { copies, after_ns } => {
            out.put("action", "duplicate");
            out.put("copies", copies);
            out.put("after_ns", after_ns);
        }
        Action::Flood { frame, every } => {
            out.put("action", format!("flood {frame:?}"));
            out.put("every_ns", law::text(every));
        }
        other => out.put("action", format!("{other:?}")),
    }
    if !rule.matching.is_plain() {
        out.put("match", format!("{:?}", rule.matching));
    }
    if rule.oracle_match {
        out.put("oracle_match", true);
    }
    if rule.per_session {
        out.put("coin", "session");
    }
}

fn direction(out: &mut Lines, params: &LinkParams) {
    out.put("mtu_bytes", optional(params.mtu_bytes));
    out.put("rate_bps", optional(params.rate_bps));
    out.put("overhead_bytes", params.overhead_bytes);
    match params.queue {
        QueueLimit::Unbounded => out.put("queue", "none"),
        QueueLimit::Packets(packets) => out.put("queue.packets", packets),
        QueueLimit::Bytes(bytes) => out.put("queue.bytes", bytes),
    }
    out.put(
        "loss_at",
        match params.loss_place {
            LossPlace::Air => "air",
            LossPlace::Ingress => "ingress",
        },
    );
    out.put("loss", loss(&params.loss));
    out.put("delay_ns", law::text(&params.delay));
    out.put("jitter_ns", law::text(&params.jitter));
    if let Some(attachment) = &params.medium {
        out.put("medium", attachment.medium.0);
        out.put("medium.modulation", format!("{:?}", attachment.modulation));
    }
    rare(out, params);
}

/// What most links do not have stands in the text only where a link has it.
fn rare(out: &mut Lines, params: &LinkParams) {
    if let Some(recording) = &params.delay_replay {
        out.put("delay_replay", digest(&format!("{recording:?}")));
    }
    for (name, value) in [
        ("aqm", params.aqm.map(|aqm| format!("{aqm:?}"))),
        ("shaper", params.shaper.map(|shaper| format!("{shaper:?}"))),
        (
            "fragmentation",
            params.fragmentation.map(|how| format!("{how:?}")),
        ),
        ("arq", params.arq.map(|arq| format!("{arq:?}"))),
        ("corrupt", params.corruption.map(|how| format!("{how:?}"))),
        (
            "jitter_correlation",
            params.jitter_correlation.map(|r| r.to_string()),
        ),
    ] {
        if let Some(value) = value {
            out.put(name, value);
        }
    }
    if !params.duplication.is_never() {
        out.put("duplicate", params.duplication.value());
    }
    match &params.reordering {
        None => {}
        Some(Reordering::Ahead { probability, gap }) => {
            out.put(
                "reorder",
                format!("{} ahead, gap {gap}", probability.value()),
            );
        }
        Some(Reordering::Held { probability, by }) => {
            out.put(
                "reorder",
                format!("{} held by {}", probability.value(), law::text(by)),
            );
        }
    }
    if params.in_order {
        out.put("order", "keep");
    }
}

fn schedule(out: &mut Lines, change: &LinkChange) {
    match &change.occurs {
        Occurrence::Once(at) => out.put("at_ns", at),
        Occurrence::Every { first_ns, every_ns } => {
            out.put("at_ns", first_ns);
            out.put("every_ns", every_ns);
        }
        Occurrence::Process(law) => {
            out.put("process_ns", law::text(law));
            out.put("together", change.together);
        }
    }
    let lasting = change.lasting.as_ref().map(law::text);
    out.put("for_ns", optional(lasting));
    let directions = change.directions;
    out.put(
        "direction",
        format!("up {} down {}", directions.up, directions.down),
    );
    out.put("members", format!("{:?}", change.members));
    match change.set.as_deref() {
        None => out.put("down", true),
        Some([up, down]) => {
            out.under("up", |out| direction(out, up));
            out.under("down", |out| direction(out, down));
        }
    }
}

fn loss(model: &LossModel) -> String {
    match model {
        LossModel::None => "none".to_owned(),
        LossModel::Bernoulli(p) => format!("bernoulli {}", p.value()),
        LossModel::Chain(chain) => format!("{chain:?}"),
        LossModel::FourState(chain) => format!("{chain:?}"),
        LossModel::BitErrors(errors) => format!("ber {}", errors.rate()),
        LossModel::Replay(lost) => format!("replay {}", digest(&format!("{lost:?}"))),
    }
}

/// Links with parameters of their own, where there are some.
fn own(out: &mut Lines, own: &Own, base: [&LinkParams; 2]) {
    let base = base.map(LinkParams::clone);
    let mut sides = |name: &str, [up, down]: &[LinkParams; 2]| {
        out.under(name, |out| {
            out.under("up", |out| direction(out, up));
            out.under("down", |out| direction(out, down));
        });
    };
    for number in (1..).take(own.values.len()) {
        sides(
            &format!("edge.{number}"),
            &own.params(base.clone(), &[number]),
        );
    }
    for number in (0..).take(own.exceptions.len()) {
        let place = usize::from(number);
        let exception = &own.exceptions[place];
        let [a, b] = exception.ends;
        // The group of an end is its place, unless links join any nodes.
        let groups = match exception.sides {
            [0, 1] => String::new(),
            sides => format!("{sides:?}."),
        };
        // Which keys are given matters where patterns overlap.
        let [up, down] = exception.patch.each_ref().map(LinkPatch::given);
        let name = format!("where.{place}.{groups}{a:?}.{b:?}.{up}.{down}");
        sides(&name, &own.params(base.clone(), &[0, number]));
    }
    if !own.edges.is_empty() {
        out.put("edges", digest(&format!("{:?}", own.edges)));
    }
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn parameters(out: &mut Lines, specs: &[ParameterSpec], values: &Values) {
    for spec in specs {
        let path = format!("params.{}", spec.name);
        match values.get(spec.name) {
            Some(value) => out.put(&path, parameter(value)),
            // A default reads like the same value given, so that giving it changes no hash.
            None => match super::parameter::default_value(spec) {
                Some(value) => out.put(&path, parameter(&value)),
                None => out.put(&path, spec.default),
            },
        }
    }
}

fn parameter(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bool(flag) => flag.to_string(),
        Value::Integers(list) => format!("{list:?}"),
        Value::Law(law) => law.describe(),
        Value::None => "none".to_owned(),
        Value::Shares(shares) => format!("{shares:?}"),
        other => format!("{other:?}"),
    }
}

fn optional<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// Lines of `path = value`.
#[derive(Default)]
struct Lines {
    text: String,
    prefix: String,
}

impl Lines {
    fn put(&mut self, path: &str, value: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{}{path} = {value}", self.prefix);
    }

    fn under(&mut self, path: &str, write: impl FnOnce(&mut Self)) {
        let length = self.prefix.len();
        self.prefix.push_str(path);
        self.prefix.push('.');
        write(self);
        self.prefix.truncate(length);
    }
}

fn transport(out: &mut Lines, transport: &Transport) {
    out.put("transport", transport.name());
    out.under("transport", |out| match transport {
        Transport::Datagram => {}
        Transport::Stream(settings) => {
            out.put("rto_initial_ns", settings.rto_initial_ns);
            out.put("rto_min_ns", settings.rto_min_ns);
            out.put("rto_max_ns", settings.rto_max_ns);
            out.put("retries", settings.retries);
            out.put("connect_retries", settings.connect_retries);
            out.put("mss", optional(settings.mss));
        }
        Transport::Confirmable(settings) => {
            out.put("ack_timeout_ns", settings.ack_timeout_ns);
            out.put("ack_random_factor", settings.random_factor);
            out.put("backoff", settings.backoff);
            out.put("max_retransmit", settings.max_retransmit);
            out.put("exchange_lifetime_ns", settings.lifetime_ns);
            out.put("nstart", settings.nstart);
        }
    });
}
