//! Nodes that pass packets on, and which groups reach which over them.

use protocols::protocol::Protocol;
use sim_engine::Law;

use super::{LinkGroup, NodeGroup, Workload};

/// The role of relays: none of any protocol's list.
pub const RELAY: u8 = u8::MAX;

/// Links that a packet may cross unless the scenario says otherwise, as IANA recommends for IP.
pub const HOP_LIMIT: u32 = 64;

/// What a group of relays does with a packet.
#[derive(Clone, Debug, PartialEq)]
pub struct RelaySpec {
    /// How long its processor works on a packet, ns; one draw per packet.
    pub processing: Law,
    /// The most links of a way that leads over it.
    pub hop_limit: u32,
}

/// The name of a role.
#[must_use]
pub fn role_name(protocol: &dyn Protocol, role: u8) -> &'static str {
    if role == RELAY {
        return protocols::relay::ROLE;
    }
    let roles = protocol.roles();
    roles.get(usize::from(role)).map_or("?", |role| role.name)
}

impl NodeGroup {
    /// Whether its nodes are relays.
    #[must_use]
    pub const fn is_relay(&self) -> bool {
        self.role == RELAY
    }
}

impl LinkGroup {
    /// Whether one of its ends is a group of relays, and whether both are.
    #[must_use]
    pub fn relays(&self, groups: &[NodeGroup]) -> (bool, bool) {
        let [a, b] = [self.a, self.b].map(|group| groups[group].is_relay());
        (a || b, a && b)
    }
}

/// Whether packets can go from one group to another, over relays too, as far as groups tell.
#[must_use]
pub fn joined(groups: &[NodeGroup], links: &[LinkGroup], from: usize, to: usize) -> bool {
    let mut seen = vec![false; groups.len()];
    let mut front = vec![from];
    while let Some(at) = front.pop() {
        for link in links {
            for (one, other, carries) in [
                (link.a, link.b, link.directions.up),
                (link.b, link.a, link.directions.down),
            ] {
                if one != at || !carries {
                    continue;
                }
                if other == to {
                    return true;
                }
                if groups[other].is_relay() && !seen[other] {
                    seen[other] = true;
                    front.push(other);
                }
            }
        }
    }
    false
}

/// Whether parties of two roles have dealings with each other, by the protocol's commands and
/// relations.
#[must_use]
pub fn roles_talk(protocol: &dyn Protocol, roles: (u8, u8)) -> bool {
    let commands = protocol.commands();
    // A protocol whose commands name no peers leaves it to routes of its own.
    commands.iter().all(|command| command.peer.is_none())
        || commands.iter().any(|command| {
            let pair = (Some(command.role), command.peer);
            pair == (Some(roles.0), Some(roles.1)) || pair == (Some(roles.1), Some(roles.0))
        })
        || protocol.relations().iter().any(|relation| {
            let pair = (relation.device, relation.server);
            pair == roles || pair == (roles.1, roles.0)
        })
}

/// Whether parties of one group have dealings with those of another: their roles do by the
/// protocol's commands or relations, and no workload says that it is another group of that role.
#[must_use]
pub fn talk(
    protocol: &dyn Protocol,
    groups: &[NodeGroup],
    workloads: &[Workload],
    (one, other): (usize, usize),
) -> bool {
    let roles = (groups[one].role, groups[other].role);
    if groups[one].is_relay() || groups[other].is_relay() {
        return false;
    }
    let elsewhere = |from: usize, to: usize| {
        let goals = || {
            let of = workloads
                .iter()
                .filter(move |workload| workload.from == from);
            of.flat_map(|workload| workload.steps.iter().filter_map(|step| step.to))
        };
        goals().any(|goal| goal != to && groups[goal].role == groups[to].role)
            && goals().all(|goal| goal != to)
    };
    roles_talk(protocol, roles) && !elsewhere(one, other) && !elsewhere(other, one)
}
