//! `role = "relay"`: nodes that pass packets on, and what their links can be.

use protocols::parameter::Values;

use super::section::{Reading, Section};
use crate::diagnostic::{Diagnostic, quoted};
use crate::law::Domain;
use crate::quantity::Dimension;
use crate::scenario::{HOP_LIMIT, LinkGroup, NodeGroup, ProtocolChoice, RelaySpec};
use crate::tree::Value;
use sim_engine::Law;

/// The key that every relay group has.
pub(super) fn is_relay(section: &Section<'_>) -> bool {
    let role = section.table.get("role").map(|node| &node.value);
    matches!(role, Some(Value::Text(role)) if role == protocols::relay::ROLE)
}

impl<'t> Reading<'t> {
    /// The parameters of a group of relays; keys that only parties use are refused.
    pub(super) fn relay(&self, name: &str, section: &Section<'t>) -> Option<(RelaySpec, Values)> {
        let before = self.problems.count();
        for (key, reason) in [
            ("start", "a relay stands ready from the start"),
            ("clock", "a relay reads no clock"),
            ("storage", "a relay stores nothing"),
        ] {
            if section.table.get(key).is_some() {
                let place = section.place_of(key);
                let hint = format!("leave `{key}` out; `at` times of faults can take it away");
                self.refuse::<()>(place, reason, if key == "start" { &hint } else { "" });
            }
        }
        let params = section.section(self, "params");
        let processing = match params.as_ref().and_then(|params| params.get("processing")) {
            Some(node) => self.law(node, Domain::unsigned(Dimension::Duration)),
            None => Some(Law::ZERO),
        };
        let hop_limit = match params.as_ref().and_then(|params| params.get("hop_limit")) {
            Some(node) => self.integer(node, 2, u64::from(u8::MAX)),
            None => Some(u64::from(HOP_LIMIT)),
        };
        if let Some(params) = &params {
            params.finish(self);
        }
        let (processing, hop_limit) = (processing?, u32::try_from(hop_limit?).ok()?);
        if section.table.get("profile").is_some() {
            if processing.as_constant() == Some(0.0) {
                self.refuse::<()>(
                    section.place_of("profile"),
                    "a profile gives the energy of a relay's processing, and it processes nothing",
                    "add `params = { processing = \"2ms\" }`, or leave `profile` out",
                );
            }
        } else if processing.as_constant() != Some(0.0) {
            self.assume(format!(
                "relays `{name}` have no profile: their processing costs no energy"
            ));
        }
        let spec = RelaySpec {
            processing,
            hop_limit,
        };
        (self.problems.count() == before).then(|| (spec, Values::default()))
    }

    /// The transport is between the ends of a way: all links between parties and relays must carry
    /// the same, and links among relays carry what comes.
    pub(super) fn settle_relay_links(
        &self,
        links: &mut [LinkGroup],
        sections: &[(&'t str, Section<'t>)],
        (groups, choice): (&[NodeGroup], &ProtocolChoice),
    ) {
        let ends = |link: &LinkGroup| {
            let (any, all) = link.relays(groups);
            any && !all
        };
        let first = links.iter().position(ends);
        if first.is_some() && choice.protocol.broadcasts() {
            self.assume(format!(
                "the parties of `{}` find each other by broadcasts, and relays pass none on: who is \
                 reached over relays only is not found",
                choice.protocol.name()
            ));
        }
        for place in 0..links.len() {
            let (any, all) = links[place].relays(groups);
            let section = &sections[place].1;
            if all && section.get("transport").is_some() {
                self.refuse::<()>(
                    section.place_of("transport"),
                    "relays pass packets on, whatever transport they belong to",
                    "give `transport` to the links between relays and the others",
                );
            }
            let Some(first) = first.filter(|first| any && *first != place) else {
                continue;
            };
            if all {
                links[place].transport = links[first].transport;
            } else if links[place].transport != links[first].transport {
                self.report(
                    Diagnostic::at(
                        section.place_of("transport"),
                        format!(
                            "{} and {} carry messages by different transports, and ways over relays \
                             may have both",
                            quoted(&links[first].name),
                            quoted(&links[place].name)
                        ),
                    )
                    .related(sections[first].1.place_of("transport"), "this is the other one")
                    .hint("write the same `transport` at all links between relays and the others"),
                );
            }
        }
    }
}
