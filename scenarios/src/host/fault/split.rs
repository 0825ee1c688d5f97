//! Faults of a world that runs in parts.
//!
//! A fault of nodes strikes each node by itself: its events belong to the node, and its draws to fault
//! and node. So each part handles the strikes at its own nodes. A partition strikes all parts alike.
//! The cut of a single link is an event of one end and concerns both, and a fault that waits for a
//! message counts it at both ends: these ends stay together.

use super::{Effect, Faults, Place, Trigger};
use crate::fault::{FaultSpec, Members, Snapshot, What};
use crate::host::World;
use crate::host::tables::Tables;

impl Faults {
    /// Whether a fault takes one of these nodes, by group and members, back to an earlier session.
    pub(in crate::host) fn goes_back_by_sessions(&self, group: usize) -> bool {
        self.specs.iter().any(|spec| {
            matches!(
                spec.effect,
                Effect::Rollback {
                    to: Snapshot::Sessions(_),
                    ..
                }
            ) && spec.target.is_none_or(|target| target.group == group)
        })
    }

    /// Takes over what has happened to the nodes that are theirs in a part of the same world.
    pub(in crate::host) fn absorb(&mut self, part: Self, is_theirs: impl Fn(u32) -> bool) {
        for (counts, more) in self.counts.iter_mut().zip(&part.counts) {
            counts.strikes += more.strikes;
            counts.void += more.void;
            counts.armed += more.armed;
        }
        for ((fault, place), number) in part.struck {
            let theirs = !matches!(place, Place::Node(node) if !is_theirs(node));
            if theirs {
                let own = self.struck.entry((fault, place)).or_default();
                *own = number.max(*own);
            }
        }
        let seen = part.seen.into_iter();
        self.seen
            .extend(seen.filter(|((_, node), _)| is_theirs(*node)));
        let armed = part.armed.into_iter();
        self.armed
            .extend(armed.filter(|(node, _)| is_theirs(*node)));
        let outages = part.outages.into_iter();
        self.outages
            .extend(outages.filter(|(node, _)| is_theirs(*node)));
        let histories = part.histories.into_iter();
        self.histories
            .extend(histories.filter(|(node, _)| is_theirs(*node)));
        let cuts = part.cuts.into_iter();
        self.cuts
            .extend(cuts.filter(|((owner, _), _)| is_theirs(*owner)));
    }
}

impl<T: Tables> World<T> {
    /// The sets of nodes that faults keep together, each with the name of the fault.
    pub(crate) fn joined_by_faults(&self) -> Vec<(String, Vec<u32>)> {
        let mut sets = Vec::new();
        for spec in self.faults.iter().flat_map(|faults| &faults.specs) {
            let own = match &spec.trigger {
                Trigger::When(selector) => self.joined_by_waiting(spec, selector),
                Trigger::At(_) | Trigger::Process(_) => match &spec.effect {
                    Effect::LinkDown { links, .. } => self.ends_of(*links),
                    _ => Vec::new(),
                },
            };
            let several = own.into_iter().filter(|set| set.len() > 1);
            sets.extend(several.map(|set| (spec.name.clone(), set)));
        }
        sets
    }

    /// What a fault keeps together that waits for a message or a write.
    fn joined_by_waiting(
        &self,
        spec: &FaultSpec,
        selector: &crate::fault::Selector,
    ) -> Vec<Vec<u32>> {
        let counted = selector.node.or(spec.target);
        let counted: Vec<u32> = counted
            .into_iter()
            .flat_map(|members| self.nodes_of(members))
            .collect();
        let mut sets = match &selector.what {
            What::Messages(_) => self.links_at(&counted),
            What::Writes => Vec::new(),
            What::Packet(name) => self.ends_of(Members {
                group: name.link.0,
                first: name.link.1,
                count: 1,
            }),
        };
        let others = match (&spec.effect, selector.node, spec.target) {
            (Effect::Partition { .. }, ..) => {
                (0..u32::try_from(self.group_of.len()).unwrap_or(0)).collect()
            }
            (Effect::LinkDown { links, .. }, ..) => self.ends_of(*links).concat(),
            (_, named, Some(target))
                if matches!(selector.what, What::Packet(_))
                    || named.is_some_and(|it| it != target) =>
            {
                self.nodes_of(target).collect()
            }
            _ => Vec::new(),
        };
        if !others.is_empty() {
            // Any of them strikes all of these.
            sets = vec![[counted, sets.concat(), others].concat()];
        }
        sets
    }

    /// The two ends of each of these links.
    fn ends_of(&self, links: Members) -> Vec<Vec<u32>> {
        let route = &self.routes.links()[links.group];
        (links.first..links.first + links.count)
            .map(|member| self.nodes_at(route.ends(member)).to_vec())
            .collect()
    }

    /// The two ends of each link that has one of these nodes at an end.
    fn links_at(&self, nodes: &[u32]) -> Vec<Vec<u32>> {
        let mut meant = vec![false; self.group_of.len()];
        for node in nodes {
            meant[*node as usize] = true;
        }
        let mut links = Vec::new();
        for route in self.routes.links() {
            for member in 0..route.many {
                let ends = self.nodes_at(route.ends(member));
                if ends.iter().any(|end| meant[*end as usize]) {
                    links.push(ends.to_vec());
                }
            }
        }
        links
    }

    fn nodes_at(&self, ends: [(usize, u32); 2]) -> [u32; 2] {
        ends.map(|(group, member)| self.groups[group].first + member)
    }
}
