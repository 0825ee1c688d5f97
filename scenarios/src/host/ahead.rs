//! Reading what an attempt will need before it begins.
//!
//! A world of a million devices keeps some twenty small records of each in as many tables, and an
//! attempt meets nearly all of them for the first time in long. Read in the course of the attempt they
//! are waited for one by one; read here, one table for some devices and then the next, they are waited
//! for together. A processor looks only some hundred instructions ahead, so the loops are as short as
//! can be. What is read is dropped, so nothing of a run depends on it.

use protocols::Channel;
use sim_engine::{Ahead, LinkId, NodeId, Outbox};

use super::World;
use super::tables::Tables;

/// Nodes whose state is likely to be in the cache anyway.
const CACHED_NODES: usize = 1 << 14;
/// Starts that are looked at together: enough to wait for together, few enough to stay in the cache
/// until they come.
const STARTS: usize = 16;

/// Reads a word for each of `all`.
#[inline]
fn each<I: Copy>(all: &[I], read: impl Fn(I) -> u64) -> u64 {
    all.iter().fold(0, |word, one| word ^ read(*one))
}

/// What was found for some of at most [`STARTS`] nodes.
struct Found<I> {
    all: [I; STARTS],
    many: usize,
}

impl<I: Copy> Found<I> {
    #[inline]
    fn new(filler: I, found: impl Iterator<Item = I>) -> Self {
        let mut all = [filler; STARTS];
        let mut many = 0;
        for (place, one) in all.iter_mut().zip(found) {
            *place = one;
            many += 1;
        }
        Self { all, many }
    }

    #[inline]
    fn as_slice(&self) -> &[I] {
        self.all.get(..self.many).unwrap_or_default()
    }
}

/// A node: its number, its group, and its number in that.
type Place = (u32, u16, u32);

impl<T: Tables> World<T> {
    /// Reads ahead for the nodes that start next, now and then.
    #[inline]
    pub(super) fn look_at_starts(&self, out: &Outbox<'_, Self>) {
        if self.group_of.len() > CACHED_NODES && self.workloads.starts_left().is_multiple_of(STARTS)
        {
            self.touch_starts(out.ahead());
        }
    }

    #[inline(never)]
    fn touch_starts(&self, engine: Ahead<'_>) {
        let nodes = Found::new(0, self.workloads.next_starts(STARTS));
        core::hint::black_box(self.touch_attempts(nodes.as_slice(), engine));
    }

    /// What any event of a node needs: its machine, its first record, its book, its pairs.
    pub(super) fn touch_node(&self, node: u32) -> u64 {
        if node as usize >= self.group_of.len() {
            return 0;
        }
        let mut word = self.workloads.touch(node) ^ self.depot.touch_bytes(node, 0);
        word ^= self.touch_machine(self.group_of[node as usize], self.place(node).1);
        word ^= self.randomness.positions[node as usize].words_drawn;
        for relation in &self.relations {
            word ^= relation.oracle.touch(relation.first_pair[node as usize]);
        }
        word
    }

    /// Everything that attempts of these nodes, at most [`STARTS`], will need.
    pub(super) fn touch_attempts(&self, nodes: &[u32], engine: Ahead<'_>) -> u64 {
        let known = nodes
            .iter()
            .filter(|node| (**node as usize) < self.group_of.len());
        let places = known.map(|node| (*node, self.group_of[*node as usize], self.place(*node).1));
        let places = Found::new((0, 0, 0), places);
        let nodes = places.as_slice();
        // What says where to look in another table comes first.
        let mut word = each(nodes, |(node, ..)| self.depot.touch_index(node));
        for relation in &self.relations {
            word ^= each(nodes, |(node, ..)| {
                u64::from(relation.first_pair[node as usize])
            });
        }
        word ^= each(nodes, |(_, group, member)| {
            self.touch_machine(group, member)
        });
        word ^= each(nodes, |(node, ..)| engine.node(NodeId(node)));
        word ^= each(nodes, |(node, ..)| self.workloads.touch(node));
        word ^= each(nodes, |(node, ..)| {
            self.randomness.positions[node as usize].words_drawn
        });
        word ^= each(nodes, |(node, ..)| self.randomness.names[node as usize]);
        word ^= each(nodes, |(node, ..)| u64::from(self.halted[node as usize]));
        word ^= each(nodes, |(_, group, member)| {
            let writes = &self.groups[usize::from(group)].durable_writes;
            u64::from(writes.get(member as usize).copied().unwrap_or(0))
        });
        word ^= self.touch_ways(nodes, engine) ^ self.touch_partners(nodes);
        word ^= each(nodes, |(node, ..)| self.depot.touch_place(node, 0));
        word ^ each(nodes, |(node, ..)| self.depot.touch_bytes(node, 0))
    }

    #[inline]
    fn touch_machine(&self, group: u16, member: u32) -> u64 {
        let group = &self.groups[usize::from(group)];
        group.column.state(member as usize).len() as u64
    }

    /// Their pairs, and what the partners have stored about them, mostly in the order of the devices.
    fn touch_partners(&self, nodes: &[Place]) -> u64 {
        let mut word = 0;
        for relation in &self.relations {
            let first = |node: u32| relation.first_pair[node as usize];
            word ^= each(nodes, |(node, ..)| relation.oracle.touch(first(node)));
            let servers = nodes.iter().filter_map(|&(node, _, member)| {
                let ends = relation.ends.get(first(node) as usize)?;
                Some((ends.1, member as usize))
            });
            let servers = Found::new((0, 0), servers);
            let all = servers.as_slice();
            word ^= each(all, |(server, turn)| self.depot.touch_place(server, turn));
            word ^= each(all, |(server, turn)| self.depot.touch_bytes(server, turn));
        }
        word
    }

    /// Their places in the workloads, and the links to those that they ask first.
    fn touch_ways(&self, nodes: &[Place], engine: Ahead<'_>) -> u64 {
        let mut word = 0;
        for plan in &self.workloads.plans {
            let begins = nodes
                .iter()
                .filter(|(_, group, _)| usize::from(*group) == plan.from);
            let members = Found::new(0, begins.map(|(_, _, member)| *member));
            word ^= each(members.as_slice(), |member| plan.touch(member));
            let Some(to) = plan.steps.first().and_then(|step| step.to) else {
                continue;
            };
            let ways = members.as_slice().iter().filter_map(|member| {
                let place = (plan.from, *member);
                let partner = self.responder(place, to, 0)?;
                let way = self
                    .routes
                    .find(place, self.place(partner), Channel::Public);
                way.map(|(link, _)| link)
            });
            let links = Found::new(LinkId(0), ways);
            word ^= each(links.as_slice(), |link| engine.link(link));
        }
        word
    }
}
