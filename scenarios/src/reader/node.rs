//! `[nodes.NAME]`: groups of nodes.

use sim_engine::Law;

use super::section::{Reading, Section};
use crate::diagnostic::quoted;
use crate::law::Domain;
use crate::quantity::{Dimension, duration_text};
use crate::scenario::{NODES_MAX, NodeGroup, ProtocolChoice, RELAY};
use crate::tree::{Node, Value};

/// Packets that may wait for a node's CPU, unless the scenario says otherwise.
const BACKLOG: u64 = 64;

impl<'t> Reading<'t> {
    /// All node groups; a place is kept for each, `None` where it could not be read.
    pub(crate) fn node_groups(
        &self,
        sections: &[(&'t str, Section<'t>)],
        choice: Option<&ProtocolChoice>,
    ) -> Vec<Option<NodeGroup>> {
        let names: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
        let groups: Vec<Option<NodeGroup>> = sections
            .iter()
            .map(|(name, section)| self.node_group(name, section, &names, choice))
            .collect();
        let mut total = 0usize;
        for (group, (_, section)) in groups.iter().zip(sections) {
            total += group.as_ref().map_or(0, |group| group.count);
            if total > NODES_MAX {
                self.refuse::<()>(
                    section.place_of("count"),
                    format!("the scenario has {total} nodes up to here"),
                    format!("at most {NODES_MAX} are possible"),
                );
                break;
            }
        }
        groups
    }

    fn node_group(
        &self,
        name: &str,
        section: &Section<'t>,
        names: &[&str],
        choice: Option<&ProtocolChoice>,
    ) -> Option<NodeGroup> {
        let roles = choice.map_or(&[][..], |choice| choice.protocol.roles());
        let example = roles.first().map_or_else(
            || "\"device\"".to_owned(),
            |role| format!("\"{}\"", role.name),
        );
        let relay = super::relay::is_relay(section);
        let role = section.required(self, "role", &example).and_then(|node| {
            let choice = choice?;
            let kind = format!("roles of {}", quoted(choice.protocol.name()));
            let names = roles.iter().map(|role| role.name);
            self.choice(node, &kind, "role", names.chain([protocols::relay::ROLE]))
        });
        let count = match section.get("count") {
            Some(node) => self.node_count(node),
            None => Some(1),
        };
        let profile = match section.get("profile") {
            Some(node) => self.profile(node, &section.path).map(Some),
            None => Some(None),
        };
        match &profile {
            None => {}
            Some(Some(profile)) => self.assume(profile.assumption()),
            Some(None) if relay => {}
            Some(None) => self.assume(format!(
                "nodes `{name}` have no profile: computing and durable writes cost them no time \
                 and no energy"
            )),
        }
        let start = match section.get("start") {
            Some(node) => self.law(node, Domain::unsigned(Dimension::Duration)),
            None => Some(Law::ZERO),
        };
        let clock = self.clock(section);
        let supply = self.supply(name, section, profile.as_ref().and_then(Option::as_deref));
        let backlog = match section.get("backlog") {
            Some(node) => self.integer(node, 0, u64::from(u32::MAX)),
            None => Some(BACKLOG),
        };
        let (role, values, relay) = if relay {
            let (spec, values) = self.relay(name, section).unzip();
            (role.map(|_| RELAY), values, spec.map(Some))
        } else {
            let params = section.section(self, "params");
            let values =
                role.map(|role| self.parameters(params.as_ref(), roles[role].params, names));
            (
                role.and_then(|role| u8::try_from(role).ok()),
                values,
                Some(None),
            )
        };
        section.finish(self);
        Some(NodeGroup {
            name: name.to_owned(),
            role: role?,
            count: count?,
            profile: profile?,
            start: start?,
            clock: clock?,
            supply: supply?,
            backlog: u32::try_from(backlog?).ok()?,
            params: values?,
            relay: relay?,
        })
    }

    fn node_count(&self, node: &'t Node) -> Option<usize> {
        if matches!(node.value, Value::Integer(0)) {
            return self.refuse(
                node.span,
                "a group of zero nodes takes part in nothing",
                "give it at least one node, or remove the group with its links and workloads",
            );
        }
        let count = self.integer(node, 1, NODES_MAX as u64)?;
        usize::try_from(count).ok()
    }

    /// Nodes that cannot start before the run is over.
    pub(crate) fn check_starts(
        &self,
        groups: &[NodeGroup],
        sections: &[(&'t str, Section<'t>)],
        duration_ns: u64,
    ) {
        for (group, (_, section)) in groups.iter().zip(sections) {
            let earliest = group.start.quantile(f64::EPSILON);
            #[allow(clippy::cast_precision_loss, reason = "a comparison of scales")]
            if earliest > 0.0 && earliest >= duration_ns as f64 {
                self.refuse::<()>(
                    section.place_of("start"),
                    format!("nodes {} start after the run is over", quoted(&group.name)),
                    format!("the run lasts {}", duration_text(duration_ns)),
                );
            }
        }
    }
}
