//! Faults of a world that runs in parts.
//!
//! A fault of nodes strikes each node by itself: its events belong to the node, and its draws to fault
//! and node. So each part handles the strikes at its own nodes. Cuts of links are numbered over all
//! links and stay with worlds in one piece.

use super::{Effect, Faults, Place, Trigger};

impl Faults {
    /// What keeps a world from running in parts, as a clause after "since".
    pub(in crate::host) fn unsplittable(&self) -> Option<&'static str> {
        let cuts =
            |effect: &Effect| matches!(effect, Effect::LinkDown { .. } | Effect::Partition { .. });
        if self.specs.iter().any(|spec| cuts(&spec.effect)) {
            return Some("faults cut links");
        }
        let waits = |trigger: &Trigger| matches!(trigger, Trigger::When(_));
        if self.specs.iter().any(|spec| waits(&spec.trigger)) {
            return Some("a fault waits for a message or a write");
        }
        None
    }

    /// Takes over what has happened to the nodes that are theirs in a part of the same world.
    pub(in crate::host) fn absorb(&mut self, part: Self, is_theirs: impl Fn(u32) -> bool) {
        for (counts, more) in self.counts.iter_mut().zip(&part.counts) {
            counts.strikes += more.strikes;
            counts.void += more.void;
            counts.armed += more.armed;
        }
        let at_theirs = |place: Place| matches!(place, Place::Node(node) if is_theirs(node));
        let struck = part.struck.into_iter();
        self.struck
            .extend(struck.filter(|((_, place), _)| at_theirs(*place)));
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
    }
}
