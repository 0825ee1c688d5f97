//! Integrity: what is accepted as application data was sent by the peer, once and in order.

use std::collections::{BTreeMap, BTreeSet};

use protocols::output::Tag;

use super::Evidence;

/// Statements kept at most; beyond that the oldest are forgotten.
const KEPT_MAX: usize = 1 << 20;

/// An acceptance that nothing sent explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, ns.
    pub at_ns: u64,
    /// The node that accepted.
    pub node: u32,
    /// The number that the payload claimed.
    pub seq: u64,
    /// What is wrong with it.
    pub fault: Fault,
    /// The session, and what led to it.
    pub evidence: Evidence,
}

/// What can be wrong with data that is accepted, or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody sent it, or it was accepted before.
    Foreign,
    /// It was sent, but should have come before another.
    Order,
    /// An adversary sent it in a session that is over, and it still enters answers to others.
    LeftOver,
}

/// The oracle of integrity.
#[derive(Clone, Debug, Default)]
pub struct Integrity {
    /// Payloads on their way: by session, number and digest, who sent them.
    sent: BTreeMap<(Tag, u64, Tag), Vec<u32>>,
    /// The last number accepted by a node from a sender in a session.
    last: BTreeMap<(u32, Tag, u32), u64>,
    /// What parties that an adversary plays have sent. What honest parties leave behind is the
    /// protocol's own doing, and held against no adversary.
    planted: BTreeSet<(Tag, u64, Tag)>,
    /// True when the protocol promises no order.
    unordered: bool,
    accepted: u64,
    violations: u64,
    first: Option<Violation>,
    /// The most that were on their way at a time.
    peak: usize,
}

impl Integrity {
    /// For a protocol that promises an order, or none.
    #[must_use]
    pub fn new(ordered: bool) -> Self {
        Self {
            unordered: !ordered,
            ..Self::default()
        }
    }

    /// `node` sends a payload.
    pub fn sent(&mut self, node: u32, session: Tag, seq: u64, digest: Tag) {
        if self.sent.len() >= KEPT_MAX {
            self.sent.pop_first();
        }
        self.sent
            .entry((session, seq, digest))
            .or_default()
            .push(node);
        self.peak = self.peak.max(self.sent.len());
    }

    /// `node` accepts a payload; false when that breaks integrity.
    pub fn accepted(
        &mut self,
        at_ns: u64,
        node: u32,
        (session, seq): (Tag, u64),
        digest: Tag,
        evidence: Evidence,
    ) -> bool {
        self.accepted += 1;
        let key = (session, seq, digest);
        let sender = self.sent.get_mut(&key).and_then(|senders| {
            let at = senders.iter().position(|sender| *sender != node)?;
            Some(senders.remove(at))
        });
        if self.sent.get(&key).is_some_and(Vec::is_empty) {
            self.sent.remove(&key);
        }
        let order = sender.is_some_and(|sender| {
            let last = self.last.insert((node, session, sender), seq);
            !self.unordered && last.is_some_and(|last| last >= seq)
        });
        if sender.is_some() && !order {
            return true;
        }
        let fault = if order { Fault::Order } else { Fault::Foreign };
        self.violated(Violation {
            at_ns,
            node,
            seq,
            fault,
            evidence,
        });
        false
    }

    fn violated(&mut self, violation: Violation) {
        self.violations += 1;
        self.first.get_or_insert(violation);
    }

    /// Becomes the whole, from its parts and itself; false where that depends on which payload was
    /// forgotten first.
    pub(super) fn join(&mut self, parts: Vec<Self>) -> bool {
        let mut peak = self.peak;
        for part in parts {
            peak += part.peak;
            for (key, senders) in part.sent {
                self.sent.entry(key).or_default().extend(senders);
            }
            self.last.extend(part.last);
            self.planted.extend(part.planted);
            self.accepted += part.accepted;
            self.violations += part.violations;
            self.first = match (self.first, part.first) {
                (Some(one), Some(other)) if other.evidence.place < one.evidence.place => {
                    Some(other)
                }
                (one, other) => one.or(other),
            };
        }
        peak < KEPT_MAX && self.planted.len() < KEPT_MAX
    }

    /// Whether a payload of this session is on its way.
    pub(super) fn has_sent(&self, session: Tag) -> bool {
        let from = (session, 0, [0; 8]);
        let next = self.sent.range(from..).next();
        next.is_some_and(|((of, ..), _)| *of == session)
    }

    /// A party that an adversary plays sends a payload.
    pub fn planted(&mut self, session: Tag, seq: u64, digest: Tag) {
        if self.planted.len() >= KEPT_MAX {
            self.planted.pop_first();
        }
        self.planted.insert((session, seq, digest));
    }

    /// `node` uses a payload of a session that is over; false when that breaks integrity.
    pub fn reused(
        &mut self,
        at_ns: u64,
        node: u32,
        (session, seq): (Tag, u64),
        digest: Tag,
        evidence: Evidence,
    ) -> bool {
        if !self.planted.contains(&(session, seq, digest)) {
            return true;
        }
        self.violated(Violation {
            at_ns,
            node,
            seq,
            fault: Fault::LeftOver,
            evidence,
        });
        false
    }

    /// How many payloads were accepted.
    #[must_use]
    pub const fn payloads(&self) -> u64 {
        self.accepted
    }

    /// How many of them nothing sent explains.
    #[must_use]
    pub const fn violations(&self) -> u64 {
        self.violations
    }

    /// The first of them.
    #[must_use]
    pub const fn first(&self) -> Option<Violation> {
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Tag = [1; 8];
    const NONE: Evidence = Evidence {
        attempt: crate::host::attempt::AttemptId::NONE,
        session: S,
        cause: None,
        state: "",
        place: [0; 2],
    };

    #[test]
    fn a_payload_is_accepted_once_by_the_other_end_as_it_was_sent() {
        let mut oracle = Integrity::new(true);
        oracle.sent(1, S, 0, [5; 8]);
        assert!(!oracle.accepted(9, 1, (S, 0), [5; 8], NONE), "its own");
        assert!(!oracle.accepted(9, 2, (S, 0), [6; 8], NONE), "another text");
        assert!(
            !oracle.accepted(9, 2, ([2; 8], 0), [5; 8], NONE),
            "another session"
        );
        assert!(oracle.accepted(9, 2, (S, 0), [5; 8], NONE));
        assert!(
            !oracle.accepted(9, 2, (S, 0), [5; 8], NONE),
            "a second time"
        );
        assert_eq!((oracle.payloads(), oracle.violations()), (5, 4));
    }

    #[test]
    fn order_matters_where_it_is_promised() {
        for ordered in [true, false] {
            let mut oracle = Integrity::new(ordered);
            oracle.sent(1, S, 0, [5; 8]);
            oracle.sent(1, S, 1, [6; 8]);
            assert!(oracle.accepted(1, 2, (S, 1), [6; 8], NONE));
            assert_eq!(oracle.accepted(2, 2, (S, 0), [5; 8], NONE), !ordered);
            let late = oracle.first().map(|first| first.fault);
            assert_eq!(late == Some(Fault::Order), ordered);
        }
    }

    #[test]
    fn what_an_adversary_leaves_behind_counts_and_what_others_leave_does_not() {
        let mut oracle = Integrity::new(true);
        oracle.sent(1, S, 1, [5; 8]);
        oracle.planted(S, 1, [5; 8]);
        oracle.sent(3, S, 1, [6; 8]);
        assert!(oracle.accepted(1, 2, (S, 1), [5; 8], NONE));
        assert!(oracle.reused(2, 2, (S, 1), [6; 8], NONE));
        assert!(!oracle.reused(3, 2, (S, 1), [5; 8], NONE));
        assert_eq!(oracle.first().map(|it| it.fault), Some(Fault::LeftOver));
        assert_eq!((oracle.payloads(), oracle.violations()), (1, 1));
    }
}
