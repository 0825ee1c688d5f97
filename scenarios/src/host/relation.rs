//! Pairs of nodes that share a secret: who they are, what holds their judgement, who judges.

use std::sync::Arc;

use protocols::Channel;

use super::attempt::NOBODY;
use super::tables::Tables;
use super::{NO_PAIR, World};
use crate::oracle::Desync;

/// How to find the pair of two nodes in a relation.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Name in tables.
    pub name: &'static str,
    /// Role of the device end.
    pub device_role: u8,
    /// Role of the server end.
    pub server_role: u8,
    /// The pair of each node of the device role, by node; [`NO_PAIR`] elsewhere. Where a device has
    /// several partners its pairs stand in a row, in ascending order of the partners.
    pub first_pair: Vec<u32>,
    /// The ends of each pair: device node, server node.
    pub ends: Arc<[(u32, u32)]>,
    /// The oracle.
    pub oracle: Desync,
}

impl Relation {
    /// The pair of `one` and `other`, whichever end is which.
    #[must_use]
    #[inline]
    pub fn pair(&self, one: u32, other: u32) -> Option<u32> {
        self.directed(one, other)
            .or_else(|| self.directed(other, one))
    }

    fn directed(&self, device: u32, server: u32) -> Option<u32> {
        let first = *self.first_pair.get(device as usize)?;
        let mut pair = first;
        while let Some((owner, partner)) = self.ends.get(pair as usize)
            && *owner == device
        {
            if *partner == server {
                return Some(pair);
            }
            pair += 1;
        }
        None
    }
}

impl<T: Tables> World<T> {
    /// The pair of two nodes in the first relation that joins them, with the relation folded in:
    /// relations share one number space.
    pub(crate) fn pair_between(&self, one: u32, other: u32) -> u32 {
        let mut base = 0;
        for relation in &self.relations {
            if let Some(pair) = relation.pair(one, other) {
                return base + pair;
            }
            base += u32::try_from(relation.ends.len()).unwrap_or(0);
        }
        NO_PAIR
    }

    /// The relation of a pair number, and its number within it.
    #[inline]
    pub(crate) fn relation_of(&self, pair: u32) -> Option<(usize, u32)> {
        let mut rest = pair;
        for (index, relation) in self.relations.iter().enumerate() {
            let count = u32::try_from(relation.ends.len()).unwrap_or(0);
            if rest < count {
                return Some((index, rest));
            }
            rest -= count;
        }
        None
    }

    #[inline]
    pub(super) fn let_go(&mut self, now_ns: u64, pair: u32) {
        if self.let_go_elsewhere(pair) {
            return;
        }
        if let Some((relation, pair)) = self.relation_of(pair) {
            self.relations[relation].oracle.release(pair);
            self.judge(now_ns, relation, pair);
        }
    }

    pub(super) fn judge(&mut self, now_ns: u64, relation: usize, pair: u32) {
        if !self.relations[relation].oracle.is_at_rest(pair) {
            return;
        }
        // What a node without power has stored is told when it starts again.
        let ends = self.relations[relation].ends.get(pair as usize);
        if let Some((device, server)) = ends
            && (self.is_off(*device) || self.is_off(*server) || {
                self.is_off_elsewhere(*device) || self.is_off_elsewhere(*server)
            })
        {
            return;
        }
        let Self {
            relations,
            workloads,
            tally,
            ..
        } = self;
        let relation = &mut relations[relation];
        let device = relation
            .ends
            .get(pair as usize)
            .map_or(NOBODY, |ends| ends.0);
        tally.unwritten |= relation
            .oracle
            .judge(pair, now_ns, || workloads.counts(device));
    }

    /// The node that `speaker` knows as `principal`: where several nodes share it, the one that the
    /// speaker has a link with.
    pub(crate) fn node_of(&self, speaker: u32, principal: protocols::Principal) -> Option<u32> {
        if self.principals.are_shared() {
            let linked = self
                .principals
                .all(principal)
                .find(|node| self.reachable(speaker, *node));
            if linked.is_some() {
                return linked;
            }
        }
        self.principals.node(principal)
    }

    /// Sends nothing, but says who listens where: the port of a node's role.
    pub(crate) fn port(&self, node: u32) -> u16 {
        self.groups[usize::from(self.group_of[node as usize])].port
    }

    /// The channel of a command's first message is public unless only a secure link leads there.
    pub(crate) fn reachable(&self, from: u32, to: u32) -> bool {
        [Channel::Public, Channel::Secure]
            .into_iter()
            .any(|channel| {
                self.routes
                    .find(self.place(from), self.place(to), channel)
                    .is_some()
            })
    }
}
