//! Which session tells of a frame that carries no tag: a broadcast, what a timer of a responder sends,
//! and what an adversary makes.

use protocols::attack::OWN_HOSTS;
use sim_engine::PacketEnd;

use super::{Id, KEPT_MAX, RECENT_MAX, StepBook};
use crate::host::tables::Header;

impl StepBook {
    /// The session that tells of a packet: that of its tag, else the open one of the node that it is
    /// aimed at or speaks for. What an adversary does between sessions is told in the last one, and
    /// before the first in one of number 0.
    pub(super) fn session_of(&mut self, end: &PacketEnd<'_, Header>, acted: bool) -> Option<Id> {
        let attempt = end.header.attempt;
        let ends = [end.to.0, end.header.from.host];
        if attempt.is_some() {
            let id = (attempt.initiator, attempt.number);
            if !self.rules.is_empty() {
                // Nobody is there to act between sessions otherwise.
                self.latest.extend(ends.map(|node| (node, id)));
            }
            return Some(id);
        }
        let open = ends.into_iter().find_map(|node| {
            let of_node = self.buffers.range((node, 0)..=(node, u32::MAX));
            let mut open = of_node.rev().filter(|(_, buffer)| !buffer.closed);
            open.next().map(|(id, _)| *id)
        });
        if open.is_some() || !acted {
            return open;
        }
        let last = ends.iter().find_map(|node| self.latest.get(node).copied());
        // Before the first session of both ends, what happens stands under number 0 of one of them.
        let before = || {
            let parties = ends.iter().filter(|host| **host < OWN_HOSTS);
            parties.min().map(|node| (*node, 0))
        };
        let id = last.or_else(before)?;
        self.reopen(id);
        Some(id)
    }

    /// A session closed well: its buffer is kept a little longer, for what is found out late.
    pub(super) fn set_aside(&mut self, id: Id) {
        if let Some(buffer) = self.buffers.get_mut(&id) {
            buffer.closed = true;
            self.recent.push_back(id);
        }
        if self.recent.len() > RECENT_MAX
            && let Some(oldest) = self.recent.pop_front()
            && let Some(mut buffer) = self.buffers.remove(&oldest)
        {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// A session that closed well is worth keeping after all.
    pub(super) fn rescue(&mut self, id: Id) {
        if self.kept >= KEPT_MAX {
            return;
        }
        if let Some(at) = self.recent.iter().position(|recent| *recent == id) {
            self.recent.remove(at);
            self.kept += 1;
            self.waiting.push_back(id);
        }
    }

    /// Keeps what comes after a session that was not worth keeping.
    pub(super) fn reopen(&mut self, id: Id) {
        self.rescue(id);
        if self.kept >= KEPT_MAX || self.buffers.contains_key(&id) {
            return;
        }
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.closed = true;
        self.buffers.insert(id, buffer);
        self.kept += 1;
        self.waiting.push_back(id);
    }
}
