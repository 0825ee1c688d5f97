//! The lines of a fault.

use sim_engine::Law;

use super::{Lines, optional};
use crate::fault::{Effect, FaultSpec, Members, Selector, Snapshot, Trigger, What};
use crate::law;
use crate::reader::Typed;

pub(super) fn write(out: &mut Lines, spec: &FaultSpec, parts: &Typed) {
    let nodes = |members: &Members| members_text(&parts.groups[members.group].name, members);
    if let Some(target) = &spec.target {
        out.put("target", nodes(target));
    }
    match &spec.trigger {
        Trigger::At(laws) => {
            let laws: Vec<String> = laws.iter().map(law::text).collect();
            out.put("at_ns", laws.join(", "));
        }
        Trigger::Process(law) => out.put("process_ns", law::text(law)),
        Trigger::When(selector) => out.under("when", |out| when(out, selector, parts)),
    }
    out.put("effect", spec.effect.kind());
    let or_good = |law: &Option<Law>| law.as_ref().map_or_else(|| "none".to_owned(), law::text);
    match &spec.effect {
        Effect::Crash { downtime } => out.put("downtime_ns", or_good(downtime)),
        Effect::Reboot { downtime } => out.put("downtime_ns", law::text(downtime)),
        Effect::Rollback { to, downtime } => {
            match to {
                Snapshot::First => out.put("to", "first"),
                Snapshot::Age(age) => out.put("to.age_ns", age),
                Snapshot::Sessions(sessions) => out.put("to.sessions", sessions),
                Snapshot::At(at) => out.put("to.at_ns", at),
            }
            out.put("downtime_ns", law::text(downtime));
        }
        Effect::TornWrite {
            point,
            bytes,
            downtime,
        } => {
            out.put("point", point.as_str());
            out.put("bytes", optional(*bytes));
            out.put("downtime_ns", law::text(downtime));
        }
        Effect::Stuck { span } => out.put("for_ns", law::text(span)),
        Effect::BatteryDeath => {}
        Effect::ClockStep { by } => out.put("by_ns", law::text(by)),
        Effect::LinkDown {
            links,
            direction,
            span,
        } => {
            out.put("link", members_text(&parts.links[links.group].name, links));
            out.put(
                "direction",
                direction.map_or("both", sim_engine::Direction::as_str),
            );
            out.put("for_ns", or_good(span));
        }
        Effect::Partition {
            sets,
            one_way,
            span,
        } => {
            for (number, set) in sets.iter().enumerate() {
                let set: Vec<String> = set.iter().map(nodes).collect();
                out.put(&format!("groups.{number}"), set.join(", "));
            }
            out.put("one_way", one_way);
            out.put("for_ns", or_good(span));
        }
    }
}

fn when(out: &mut Lines, selector: &Selector, parts: &Typed) {
    if let Some(node) = &selector.node {
        out.put("node", members_text(&parts.groups[node.group].name, node));
    }
    match &selector.what {
        What::Messages(messages) => {
            let layouts = parts.protocol.instance.layouts();
            let names: Vec<&str> = messages.iter().map(|&index| layouts[index].name).collect();
            out.put("message", names.join(", "));
        }
        What::Packet(packet) => out.put(
            "packet",
            format!(
                "{}[{}]/{}/{}[{}]/{}",
                parts.links[packet.link.0].name,
                packet.link.1,
                packet.direction.as_str(),
                parts.groups[packet.sender.0].name,
                packet.sender.1,
                packet.number
            ),
        ),
        What::Writes => out.put("what", "write"),
    }
    out.put(
        "nth",
        selector
            .nth
            .map_or_else(|| "every".to_owned(), |nth| nth.to_string()),
    );
    out.put("point", selector.point.as_str());
}

fn members_text(name: &str, members: &Members) -> String {
    format!(
        "{name}[{}..{}]",
        members.first,
        members.first + members.count
    )
}
