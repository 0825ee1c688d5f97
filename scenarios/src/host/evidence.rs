//! What a witness says about a violation, as the world knows it when it happens.

use protocols::output::Tag;
use sim_engine::Outbox;

use super::World;
use super::attempt::AttemptId;
use super::tables::{Header, Place, Tables};
use crate::oracle::{Cause, Evidence};

impl<T: Tables> World<T> {
    /// `node` begins to handle a message, or something else.
    pub(super) fn takes_in_hand(&mut self, node: u32, message: Option<(&Header, &[u8])>) {
        if !self.watch.on {
            return;
        }
        let cause = message.map(|(header, bytes)| Cause {
            message: self.instance.classify(bytes),
            from: header.from,
        });
        self.watch.in_hand.insert(node, cause);
    }

    /// An adversary has done something to an attempt, or to nobody's.
    pub(super) fn touches(&mut self, place: Place, attempt: AttemptId) {
        let here = !self.touches_elsewhere(attempt);
        let attempt = if here { attempt } else { AttemptId::NONE };
        self.watch.availability.touch(place, attempt);
    }

    /// What led to a statement of `node` about `peer`.
    pub(super) fn evidence(
        &mut self,
        node: u32,
        peer: Option<u32>,
        (attempt, session): (AttemptId, Tag),
        out: &mut Outbox<'_, Self>,
    ) -> Evidence {
        let attempt = if attempt.is_some() {
            attempt
        } else {
            if self.apart.is_none() && peer.is_some_and(|peer| self.is_foreign(peer)) {
                self.attacks.meets(
                    "a node believes in one of another part, of whose requests nothing is known",
                );
            }
            self.session_about(node, peer)
        };
        Evidence {
            attempt,
            session,
            cause: self.watch.in_hand.get(&node).copied().flatten(),
            state: self.state_behind(node),
            place: out.recorder().place(),
        }
    }

    /// The session that is under way between two nodes, else the last one that either began.
    pub(super) fn session_about(&self, node: u32, peer: Option<u32>) -> AttemptId {
        let open = peer.map(|peer| self.workloads.open_between(node, peer));
        let own = || self.workloads.last_attempt(node);
        let theirs = || peer.and_then(|peer| self.workloads.last_attempt(peer));
        open.filter(|open| open.is_some())
            .or_else(theirs)
            .or_else(own)
            .unwrap_or(AttemptId::NONE)
    }
}
