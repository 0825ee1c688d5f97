//! Faults of a world that runs in parts.
//!
//! A fault of nodes strikes each node by itself: its events belong to the node, and its draws to fault
//! and node. So each part handles the strikes at its own nodes. A partition strikes all parts alike.
//! Cuts of single links are events of one end and concern both, so they stay with worlds in one piece.

use super::{Effect, Faults, Place, Trigger};
use crate::fault::Snapshot;

impl Faults {
    /// What keeps a world from running in parts, as a clause after "since".
    pub(in crate::host) fn unsplittable(&self) -> Option<&'static str> {
        let cuts = |effect: &Effect| matches!(effect, Effect::LinkDown { .. });
        if self.specs.iter().any(|spec| cuts(&spec.effect)) {
            return Some(
                "faults take single links down (a partition, or a schedule of the link, would not \
                 hinder)",
            );
        }
        let waits = |trigger: &Trigger| matches!(trigger, Trigger::When(_));
        if self.specs.iter().any(|spec| waits(&spec.trigger)) {
            return Some("a fault waits for a message or a write");
        }
        None
    }

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
