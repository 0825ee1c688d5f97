//! Agreement: whoever accepts has a partner that was running the protocol with it.
//!
//! A party that accepts with B needs an unused `Running` of B with it over the same transcript.
//! Matching is one to one, so a replay finds none left. `Running` statements that are never
//! answered (their message was lost) are kept in a bounded memory: the oldest of them go first.

use protocols::output::Tag;

use super::Evidence;
use crate::host::attempt::AttemptId;
use crate::host::tables::Place;

/// Places at first: enough for the sessions that are open at a time in a small world, and few enough
/// to stay in the cache.
const PLACES_MIN: usize = 1 << 9;

/// Places at most; a table of this size that is three quarters full forgets its older half.
const PLACES_MAX: usize = 1 << 20;

#[derive(Clone, Copy, Debug)]
struct Statement {
    speaker: u32,
    peer: u32,
    run: u64,
    /// Number of the statement: the larger, the newer.
    age: u64,
    /// The attempt in which it was made.
    attempt: AttemptId,
}

impl Statement {
    const fn says(&self, other: &Self) -> bool {
        self.speaker == other.speaker && self.peer == other.peer && self.run == other.run
    }
}

/// An acceptance without a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, ns.
    pub at_ns: u64,
    /// The node that accepted.
    pub node: u32,
    /// The node it believed in, if the principal is one of the world's.
    pub peer: Option<u32>,
    /// The transcript it accepted.
    pub run: Tag,
    /// The session, and what led to it.
    pub evidence: Evidence,
}

/// A session that both ends accepted with different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// When the session closed, ns.
    pub at_ns: u64,
    /// The session.
    pub attempt: AttemptId,
    /// The other end.
    pub responder: u32,
    /// Where it stands in the order of events, in a world that runs in parts.
    pub place: Place,
}

/// The oracle of agreement.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    /// Open addressing by hash of the statement; `None` is free. The length is a power of two.
    slots: Vec<Option<Statement>>,
    used: usize,
    /// The most statements kept at a time.
    peak: usize,
    made: u64,
    violations: u64,
    first: Option<Violation>,
    first_mismatch: Option<Mismatch>,
}

impl Agreement {
    /// `speaker` says that it runs the protocol with `peer` over `run`, in `attempt`.
    pub fn running(&mut self, speaker: u32, peer: u32, run: Tag, attempt: AttemptId) {
        if self.used * 4 >= self.slots.len() * 3 {
            self.make_room();
        }
        self.made += 1;
        self.insert(Statement {
            speaker,
            peer,
            run: u64::from_be_bytes(run),
            age: self.made,
            attempt,
        });
    }

    /// `node` accepts with `peer` over `run`; returns the attempt in which its partner was running
    /// it, or `None` when there was no partner.
    pub fn accepted(&mut self, node: u32, peer: Option<u32>, run: Tag) -> Option<AttemptId> {
        self.remove(Statement {
            speaker: peer?,
            peer: node,
            run: u64::from_be_bytes(run),
            age: 0,
            attempt: AttemptId::NONE,
        })
    }

    /// An acceptance had no partner.
    pub fn violated(&mut self, violation: Violation) {
        self.violations += 1;
        self.first.get_or_insert(violation);
    }

    /// A session has closed that both ends accepted with different keys.
    pub fn mismatched(&mut self, mismatch: Mismatch) {
        self.first_mismatch.get_or_insert(mismatch);
    }

    /// The first session with different keys.
    #[must_use]
    pub const fn first_mismatch(&self) -> Option<Mismatch> {
        self.first_mismatch
    }

    /// How many acceptances had no partner.
    #[must_use]
    pub const fn violations(&self) -> u64 {
        self.violations
    }

    /// The first of them.
    #[must_use]
    pub const fn first(&self) -> Option<Violation> {
        self.first
    }

    /// The most statements kept at a time so far, and how many one memory keeps before it forgets.
    pub(crate) const fn peak_and_room(&self) -> (usize, usize) {
        (self.peak, PLACES_MAX / 4 * 3)
    }

    /// Takes over the statements of a part of the same world.
    pub(crate) fn absorb(&mut self, part: Self) {
        for mut statement in part.slots.into_iter().flatten() {
            if self.used * 4 >= self.slots.len() * 3 {
                self.make_room();
            }
            self.made += 1;
            statement.age = self.made;
            self.insert(statement);
        }
        self.violations += part.violations;
        self.first_mismatch = match (self.first_mismatch, part.first_mismatch) {
            (Some(one), Some(other)) if other.place < one.place => Some(other),
            (one, other) => one.or(other),
        };
        self.first = match (self.first, part.first) {
            (Some(one), Some(other)) if other.evidence.place < one.evidence.place => Some(other),
            (one, other) => one.or(other),
        };
    }

    fn insert(&mut self, statement: Statement) {
        let mask = self.slots.len() - 1;
        let mut at = hash(statement) & mask;
        while self.slots[at].is_some() {
            at = (at + 1) & mask;
        }
        self.slots[at] = Some(statement);
        self.used += 1;
        self.peak = self.peak.max(self.used);
    }

    fn remove(&mut self, statement: Statement) -> Option<AttemptId> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = hash(statement) & mask;
        let attempt = loop {
            match self.slots[at] {
                None => return None,
                Some(found) if found.says(&statement) => break found.attempt,
                Some(_) => at = (at + 1) & mask,
            }
        };
        // Backward shift: what follows moves up into the gap unless it would pass its own place.
        let mut gap = at;
        loop {
            at = (at + 1) & mask;
            let Some(next) = self.slots[at] else { break };
            let home = hash(next) & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.slots[gap] = Some(next);
                gap = at;
            }
        }
        self.slots[gap] = None;
        self.used -= 1;
        Some(attempt)
    }

    /// Doubles the table, or, at its largest, forgets the older half of the statements.
    fn make_room(&mut self) {
        let old = core::mem::take(&mut self.slots);
        let (capacity, oldest) = if old.len() < PLACES_MAX {
            ((old.len() * 2).max(PLACES_MIN), 0)
        } else {
            let mut ages: Vec<u64> = old
                .iter()
                .flatten()
                .map(|statement| statement.age)
                .collect();
            let middle = ages.len() / 2;
            (old.len(), *ages.select_nth_unstable(middle).1)
        };
        self.slots = vec![None; capacity];
        self.used = 0;
        for statement in old
            .into_iter()
            .flatten()
            .filter(|statement| statement.age >= oldest)
        {
            self.insert(statement);
        }
    }
}

fn hash(statement: Statement) -> usize {
    let nodes = u64::from(statement.speaker) << 32 | u64::from(statement.peer);
    let mixed = u128::from(statement.run ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(nodes.wrapping_mul(0xD6E8_FEB8_6659_FD93) | 1);
    #[allow(clippy::cast_possible_truncation, reason = "a hash keeps what fits")]
    let folded = (mixed ^ (mixed >> 64)) as usize;
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: AttemptId = AttemptId {
        initiator: 1,
        number: 4,
    };

    #[test]
    fn a_replay_finds_no_statement_left() {
        let mut oracle = Agreement::default();
        oracle.running(1, 2, [7; 8], OWN);
        assert_eq!(oracle.accepted(2, Some(1), [7; 8]), Some(OWN));
        assert_eq!(oracle.accepted(2, Some(1), [7; 8]), None);
    }

    #[test]
    fn the_first_violation_is_the_witness() {
        let mut oracle = Agreement::default();
        for at_ns in [6, 7] {
            oracle.violated(Violation {
                at_ns,
                node: 2,
                peer: Some(1),
                run: [7; 8],
                evidence: Evidence::default(),
            });
        }
        assert_eq!(oracle.violations(), 2);
        assert_eq!(oracle.first().map(|violation| violation.at_ns), Some(6));
    }

    #[test]
    fn roles_runs_and_peers_must_all_fit() {
        let mut oracle = Agreement::default();
        oracle.running(1, 2, [7; 8], OWN);
        assert!(oracle.accepted(1, Some(2), [7; 8]).is_none());
        assert!(oracle.accepted(2, Some(1), [8; 8]).is_none());
        assert!(oracle.accepted(2, Some(3), [7; 8]).is_none());
        assert!(oracle.accepted(2, None, [7; 8]).is_none());
        assert!(oracle.accepted(2, Some(1), [7; 8]).is_some());
    }

    #[test]
    fn many_statements_are_each_found_once_in_any_order() {
        let mut oracle = Agreement::default();
        for number in 0..10_000u64 {
            oracle.running((number % 97) as u32, 5, (number / 3).to_be_bytes(), OWN);
        }
        for number in (0..10_000u64).rev() {
            let peer = Some((number % 97) as u32);
            let found = oracle.accepted(5, peer, (number / 3).to_be_bytes());
            assert!(found.is_some(), "statement {number}");
        }
        assert_eq!(oracle.violations(), 0);
    }
}
