//! Availability: which sessions fail, and whether the adversary had touched them.
//!
//! An adversary that stands on a link can always stop what it touches; what counts is what fails
//! besides. A session is touched when a verdict other than passing falls on one of its frames, or
//! when a frame of the adversary reaches it under the address of its other end.

use std::collections::BTreeSet;

use crate::host::attempt::{Attempt, AttemptId, Outcome};

/// A session that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The attempt.
    pub attempt: AttemptId,
    /// When it closed, ns.
    pub ended_ns: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// The oracle of availability.
#[derive(Clone, Debug, Default)]
pub struct Availability {
    /// Open attempts that were touched.
    open: BTreeSet<(u32, u32)>,
    /// Sessions touched.
    touched: u64,
    /// Sessions that closed, by themselves.
    closed: u64,
    failed_touched: u64,
    /// Sessions that failed untouched after an action, with their start: the latest start last.
    failed_untouched: u64,
    first_untouched: Option<Failure>,
    first: Option<Failure>,
    /// The untouched failure that began last.
    latest: Option<(u64, Failure)>,
    acted: bool,
}

impl Availability {
    /// The adversary has done something to an attempt, or to nobody's.
    pub fn touch(&mut self, attempt: AttemptId) {
        self.acted = true;
        if attempt.is_some() && self.open.insert((attempt.initiator, attempt.number)) {
            self.touched += 1;
        }
    }

    /// An attempt has closed. What fails before any action is not the adversary's doing.
    pub fn closed(&mut self, attempt: &Attempt, ended_ns: u64, outcome: Outcome) {
        let id = attempt.id;
        let touched = self.open.remove(&(id.initiator, id.number));
        if outcome == Outcome::Aborted {
            return;
        }
        self.closed += 1;
        if outcome.is_success() || !self.acted {
            return;
        }
        let failure = Failure {
            attempt: id,
            ended_ns,
            outcome,
        };
        self.first.get_or_insert(failure);
        if touched {
            self.failed_touched += 1;
            return;
        }
        self.failed_untouched += 1;
        self.first_untouched.get_or_insert(failure);
        if self
            .latest
            .is_none_or(|(started_ns, _)| started_ns <= attempt.started_ns)
        {
            self.latest = Some((attempt.started_ns, failure));
        }
    }

    /// Sessions that closed by themselves, were touched, failed touched, failed untouched.
    #[must_use]
    pub const fn counts(&self) -> [u64; 4] {
        [
            self.closed,
            self.touched,
            self.failed_touched,
            self.failed_untouched,
        ]
    }

    /// Sessions that failed once the adversary had acted.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed_touched + self.failed_untouched
    }

    /// The failure that breaks availability, given the adversary's last action and how long the world
    /// is given to settle: one that began untouched after both, or one beyond the number touched.
    #[must_use]
    pub fn violation(&self, last_ns: Option<u64>, settle_ns: u64) -> Option<Failure> {
        let late = self.latest.filter(|(started_ns, _)| {
            last_ns.is_some_and(|last| *started_ns > last.saturating_add(settle_ns))
        });
        if let Some((_, failure)) = late {
            return Some(failure);
        }
        if self.failed() > self.touched {
            return self.first_untouched.or(self.first);
        }
        None
    }

    /// The first session that failed once the adversary had acted.
    #[must_use]
    pub const fn first(&self) -> Option<Failure> {
        self.first
    }
}
