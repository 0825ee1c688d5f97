//! What keeps nodes together besides links.
//!
//! An adversary that sends, remembers or repeats is one entity over all its links: it numbers its
//! packets, draws and timers in the order in which it acts. So one part plays it, and runs all nodes
//! at its links, the node that it plays and those whose secrets it is told. An adversary that only
//! drops or delays what passes decides packet by packet, at each direction of a link by itself: it
//! keeps nobody together, and stands in the part of whoever sends.
//!
//! Some faults, radios and operators who provision anew act on both ends of a link at one instant:
//! there the two ends stay together.

use std::collections::BTreeSet;

use sim_engine::{Engine, MediumId};

use super::plan::Sets;
use crate::host::World;
use crate::host::tables::Tables;
use crate::scenario::{Action, AdversarySpec, Scenario};

/// What keeps nodes together besides links.
#[derive(Clone, Debug, Default)]
pub(super) struct Joined {
    /// Nodes that stay together, set by set.
    sets: Vec<Vec<u32>>,
    /// A node of the part that plays each adversary.
    pub(super) homes: Vec<u32>,
    /// By link group: whether packets there pass an adversary that decides one by one.
    pub(super) tapped: Vec<bool>,
    /// Why, for each thing that keeps nodes together, as a clause after "since".
    reasons: Vec<String>,
}

impl Joined {
    /// What joins nodes of this world.
    pub(super) fn of<T: Tables>(
        scenario: &Scenario,
        engine: &Engine<World<T>>,
        world: &World<T>,
    ) -> Self {
        let mut all = Self {
            tapped: vec![false; world.routes.links().len()],
            ..Self::default()
        };
        let streams = world.has_transports();
        let mut on_streams: Vec<u32> = Vec::new();
        for (adversary, spec) in scenario.adversaries.iter().enumerate() {
            let repeats = |action: &Action| matches!(action, Action::Duplicate { .. });
            let repeats = spec.rules.iter().any(|rule| repeats(&rule.action));
            let remembers = !world.attacks.of(adversary).is_empty();
            if !(remembers || repeats && spec.is_on_path()) {
                if let Some(link) = spec.link.filter(|_| spec.is_on_path()) {
                    all.tapped[link] = true;
                }
                all.homes.push(0);
                continue;
            }
            let nodes = reached(world, spec);
            let home = nodes.first().copied().unwrap_or(0);
            all.homes.push(home);
            if streams && remembers {
                on_streams.push(home);
            }
            all.sets.push(nodes.into_iter().collect());
            all.joins_since(format!(
                "the adversary `{}` acts as one over all its links, so the nodes there run together",
                spec.name
            ));
        }
        all.sets.push(on_streams);
        for (fault, set) in world.joined_by_faults() {
            all.sets.push(set);
            all.joins_since(format!(
                "the fault `{fault}` concerns both ends of links, so the nodes there run together"
            ));
        }
        all.join_by_groups(world);
        all.join_over_relays(world);
        for (number, medium) in (0u16..).zip(&scenario.media) {
            let nodes = engine.nodes_on(MediumId(number));
            all.sets.push(nodes.map(|node| node.0).collect());
            all.joins_since(format!(
                "all nodes on the medium `{}` hear one another, so they run together",
                medium.name
            ));
        }
        all
    }

    /// Who has to stay with nodes behind relays is no neighbour of theirs: all that links join stays
    /// together.
    fn join_over_relays<T: Tables>(&mut self, world: &World<T>) {
        if !(0..world.groups.len()).any(|group| world.is_relay_group(group)) {
            return;
        }
        let plans = &world.workloads.plans;
        let answers = plans.iter().flat_map(|plan| &plan.steps);
        let both =
            |to: usize| plans.iter().any(|plan| plan.from == to) || world.goes_back_by_sessions(to);
        if answers.filter_map(|step| step.to).any(both) {
            self.joins_since(
                "nodes behind relays answer and begin sessions themselves, or are rolled back by \
                 sessions, so all nodes that links join run together"
                    .to_owned(),
            );
        } else if self.reasons.is_empty() {
            return;
        }
        let firsts: Vec<u32> = world.groups.iter().map(|group| group.first).collect();
        for route in world.routes.links() {
            let ends = (0..route.many).map(|number| route.ends(number));
            let ends = ends.map(|ends| ends.map(|(group, member)| firsts[group] + member));
            self.sets.extend(ends.map(|ends| ends.to_vec()));
        }
    }

    fn joins_since(&mut self, reason: String) {
        if self.reasons.last() != Some(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Joins both ends of the links of groups whose nodes act on their neighbours at once.
    fn join_by_groups<T: Tables>(&mut self, world: &World<T>) {
        let firsts: Vec<u32> = world.groups.iter().map(|group| group.first).collect();
        let groups = world.joined_groups();
        let mut connected = false;
        for route in world.routes.links() {
            let connects = world.carries_connections(route.first);
            connected |= connects;
            for number in 0..route.many {
                let ends = route.ends(number);
                if connects || ends.iter().any(|(group, _)| groups[*group]) {
                    let ends = ends.map(|(group, member)| firsts[group] + member);
                    self.sets.push(ends.to_vec());
                }
            }
        }
        if connected {
            self.joins_since(
                "links carry streams or confirmed messages, of which both ends know at once, so their \
                 nodes run together"
                    .to_owned(),
            );
        }
        if groups.contains(&true) {
            self.joins_since(
                "radios pay for what their neighbours send, or nodes are provisioned anew together \
                 with their neighbours, so neighbours run together"
                    .to_owned(),
            );
        }
    }

    /// As if nothing joined any nodes.
    pub(super) fn loosened(&self) -> Self {
        Self {
            sets: Vec::new(),
            reasons: Vec::new(),
            ..self.clone()
        }
    }

    /// Why nodes stay together, if anything but links keeps them so.
    pub(super) fn reason(&self) -> Option<String> {
        (!self.reasons.is_empty()).then(|| self.reasons.join("; "))
    }

    /// Joins what stays together.
    pub(super) fn join(&self, sets: &mut Sets) {
        for set in &self.sets {
            for pair in set.windows(2) {
                sets.join(pair[0], pair[1]);
            }
        }
    }

    /// Which adversaries another part than `part` plays.
    pub(super) fn foreign_taps(homes: &[u32], part_of: &[u16], part: usize) -> Vec<bool> {
        let own = |home: &u32| {
            let of = part_of.get(*home as usize);
            of.is_some_and(|of| usize::from(*of) == part)
        };
        homes.iter().map(|home| !own(home)).collect()
    }
}

/// The nodes that an adversary reaches: at its links or those of the node that it plays, and those
/// whose secrets it is told, or may claim where it is shown no more than roles.
fn reached<T: Tables>(world: &World<T>, spec: &AdversarySpec) -> BTreeSet<u32> {
    let firsts: Vec<u32> = world.groups.iter().map(|group| group.first).collect();
    let mut nodes: BTreeSet<u32> = spec.seat.into_iter().collect();
    nodes.extend(spec.knows.iter().map(|known| known.of));
    for (index, route) in world.routes.links().iter().enumerate() {
        for number in 0..route.many {
            let ends = route
                .ends(number)
                .map(|(group, member)| firsts[group] + member);
            let at_seat = spec.link.is_none() && spec.seat.is_some_and(|seat| ends.contains(&seat));
            if spec.link == Some(index) || at_seat {
                nodes.extend(ends);
            }
        }
    }
    let names_roles = spec.attack.as_ref().is_some_and(|attack| {
        let games = &attack.spec.properties;
        games.contains(&protocols::attack::Property::Anonymity)
            && !attack.spec.claims_secrets.is_empty()
    });
    if names_roles {
        let roles = roles_of(world, &nodes);
        for group in world.groups.iter().filter(|it| roles.contains(&it.role)) {
            nodes.extend(group.first..group.first + group.count);
        }
    }
    nodes
}

fn roles_of<T: Tables>(world: &World<T>, nodes: &BTreeSet<u32>) -> BTreeSet<u8> {
    let role = |node: &u32| world.groups[world.place(*node).0].role;
    nodes.iter().map(role).collect()
}
