//! Reading what an attempt will need before it begins.
//!
//! A world of a million devices keeps some twenty small records of each in as many tables, and an
//! attempt meets nearly all of them for the first time in long. Read in the course of the attempt they
//! are waited for one by one; read here, for some devices at a time, they are waited for together. What
//! is read is dropped, so nothing of a run depends on it.

use protocols::Channel;
use sim_engine::{Ahead, NodeId, Outbox};

use super::World;
use super::tables::Tables;

/// Nodes whose state is likely to be in the cache anyway.
const CACHED_NODES: usize = 1 << 14;
/// Starts that are looked at together: enough to wait for together, few enough to stay in the cache
/// until they come.
const STARTS: usize = 16;

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
        let next = || self.workloads.next_starts(STARTS);
        // In turns, since what one table says where to look in the next is waited for.
        let mut word = 0;
        for node in next() {
            word ^= self.touch_near(node, engine) ^ self.depot.touch_index(node);
        }
        for node in next() {
            word ^= self.touch_far(node, engine) ^ self.depot.touch_place(node, 0);
        }
        for node in next() {
            word ^= self.depot.touch_bytes(node, 0) ^ self.touch_partner(node);
        }
        core::hint::black_box(word);
    }

    /// Everything that an attempt of `node` will need.
    pub(super) fn touch_attempt(&self, node: u32, engine: Ahead<'_>) -> u64 {
        if node as usize >= self.group_of.len() {
            return 0;
        }
        self.touch_near(node, engine)
            ^ self.touch_far(node, engine)
            ^ self.touch_partner(node)
            ^ self.depot.touch(node)
    }

    /// What lies in tables by node.
    #[inline]
    fn touch_near(&self, node: u32, engine: Ahead<'_>) -> u64 {
        let (group, member) = self.place(node);
        let (place, member) = (node as usize, member as usize);
        let group = &self.groups[group];
        let mut word = engine.node(NodeId(node)) ^ self.workloads.touch(node);
        word ^= group.column.state(member).len() as u64;
        word ^= u64::from(group.durable_writes.get(member).copied().unwrap_or(0));
        word ^= self.randomness.names[place] ^ self.randomness.positions[place].words_drawn;
        word ^= u64::from(self.halted[place]);
        for relation in &self.relations {
            word ^= u64::from(relation.first_pair[place]);
        }
        word
    }

    /// What the partner has stored about it.
    #[inline]
    fn touch_partner(&self, node: u32) -> u64 {
        let member = self.place(node).1 as usize;
        self.relations.iter().fold(0, |word, relation| {
            let pair = relation.first_pair[node as usize];
            let ends = relation.ends.get(pair as usize);
            // Its records mostly stand in the order of the devices.
            word ^ ends.map_or(0, |(_, server)| self.depot.touch_bytes(*server, member))
        })
    }

    /// What names the pair, where the records lie, and the way to the partner.
    #[inline]
    fn touch_far(&self, node: u32, engine: Ahead<'_>) -> u64 {
        let place = self.place(node);
        let mut word = 0;
        for relation in &self.relations {
            let pair = relation.first_pair[node as usize];
            word ^= relation.oracle.touch(pair);
            if let Some((_, server)) = relation.ends.get(pair as usize) {
                word ^= self.depot.touch_place(*server, place.1 as usize);
            }
        }
        for (to, initiator) in self.workloads.begins(place) {
            word ^= initiator;
            let Some(to) = to.and_then(|to| self.responder(place, to, 0)) else {
                continue;
            };
            let way = self.routes.find(place, self.place(to), Channel::Public);
            word ^= way.map_or(0, |(link, _)| engine.link(link));
        }
        word
    }
}
