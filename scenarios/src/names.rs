//! The names of things in result files: structural, so that another node renames nobody.

use core::fmt::Write as _;

use sim_engine::Direction;

use crate::host::tables::Journey;
use crate::scenario::Scenario;

/// Names of nodes and links, written on demand instead of being kept.
#[derive(Clone, Debug)]
pub struct Names {
    /// Group name and first node, ascending.
    groups: Vec<(String, u32)>,
    /// Link group name and first link, ascending.
    links: Vec<(String, u32)>,
    /// The first relay; nodes from here on are relays.
    first_relay: u32,
}

impl Names {
    /// The names of a scenario's nodes and of its links, given the first link of each link group.
    #[must_use]
    pub fn new(scenario: &Scenario, links: &[(u32, u32)]) -> Self {
        let mut next = 0;
        let groups = scenario.groups.iter().map(|group| {
            let first = next;
            next += u32::try_from(group.count).unwrap_or(u32::MAX);
            (group.name.clone(), first)
        });
        let groups = groups.collect();
        let parties = scenario.groups.iter().filter(|group| !group.is_relay());
        let parties: usize = parties.map(|group| group.count).sum();
        let named = scenario.links.iter().zip(links);
        Self {
            groups,
            links: named
                .map(|(link, (first, _))| (link.name.clone(), *first))
                .collect(),
            first_relay: u32::try_from(parties).unwrap_or(u32::MAX),
        }
    }

    /// Appends `device[3]`; `adversary` for an own address of one.
    pub fn node(&self, node: u32, out: &mut String) {
        if !self.is_node(node) {
            out.push_str("adversary");
            return;
        }
        member(&self.groups, node, out);
    }

    /// Group and member of a node.
    #[must_use]
    pub fn place(&self, node: u32) -> (&str, u32) {
        let at = self.groups.partition_point(|(_, first)| *first <= node);
        match at.checked_sub(1).and_then(|at| self.groups.get(at)) {
            Some((name, first)) => (name, node - first),
            None => ("", node),
        }
    }

    /// The node called `device[3]`; a number beyond the group's end is the next group's.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        let (group, member) = name.strip_suffix(']')?.split_once('[')?;
        let (_, first) = self.groups.iter().find(|(known, _)| known == group)?;
        first.checked_add(member.parse().ok()?)
    }

    /// Appends `access[3]`.
    pub fn link(&self, link: u32, out: &mut String) {
        member(&self.links, link, out);
    }

    /// Appends `device[3]/17`.
    pub fn session(&self, initiator: u32, number: u32, out: &mut String) {
        self.node(initiator, out);
        out.push('/');
        number_into(u64::from(number), out);
    }

    /// Appends `access[3]/up/device[3]/17`, with `+1` for a first copy.
    pub fn packet(
        &self,
        (link, direction): (u32, Direction),
        sender: u32,
        (number, copy): (u64, u8),
        out: &mut String,
    ) {
        self.link(link, out);
        out.push('/');
        out.push_str(direction.as_str());
        out.push('/');
        if self.is_node(sender) {
            self.node(sender, out);
        } else {
            out.push_str("adversary");
        }
        out.push('/');
        number_into(number, out);
        if copy > 0 {
            out.push('+');
            number_into(u64::from(copy), out);
        }
    }

    /// Appends the name that a packet had on the first link of its way.
    pub(crate) fn origin(&self, journey: &Journey, out: &mut String) {
        let direction = if journey.down {
            Direction::Down
        } else {
            Direction::Up
        };
        let number = (u64::from(journey.number), journey.copy);
        self.packet((journey.link, direction), journey.sender, number, out);
    }

    /// Whether a node is a relay.
    pub(crate) fn is_relay(&self, node: u32) -> bool {
        self.is_node(node) && node >= self.first_relay
    }

    fn is_node(&self, number: u32) -> bool {
        // Adversaries have numbers far above any node's.
        number < sim_engine::order::TAP_ENTITY_BASE
    }
}

fn member(named: &[(String, u32)], number: u32, out: &mut String) {
    let at = named.partition_point(|(_, first)| *first <= number);
    if let Some((name, first)) = at.checked_sub(1).and_then(|at| named.get(at)) {
        out.push_str(name);
        out.push('[');
        number_into(u64::from(number - first), out);
        out.push(']');
    }
}

fn number_into(number: u64, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{number}");
}
