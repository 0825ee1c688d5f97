//! Availability: which sessions fail, and whether the adversary had touched them.
//!
//! An adversary that stands on a link can always stop what it touches; what counts is what fails
//! besides. A session is touched when a verdict other than passing falls on one of its frames, or
//! when a frame of the adversary reaches it under the address of its other end.

use std::collections::BTreeSet;

use crate::host::attempt::{Attempt, AttemptId, Outcome};
use crate::host::tables::Place;

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
    /// Where the adversary acted first.
    acted: Option<Place>,
    /// What a part of a world knows of its failures, to be judged with what the others know.
    late: Option<Vec<Late>>,
}

/// A failure in a part of a world, where the adversary may have acted in another one before.
#[derive(Clone, Copy, Debug)]
struct Late {
    place: Place,
    started_ns: u64,
    touched: bool,
    /// Whether the adversary had acted here.
    acted: bool,
    failure: Failure,
}

impl Availability {
    /// The adversary has done something to an attempt, or to nobody's.
    pub fn touch(&mut self, place: Place, attempt: AttemptId) {
        self.acted.get_or_insert(place);
        if attempt.is_some() && self.open.insert((attempt.initiator, attempt.number)) {
            self.touched += 1;
        }
    }

    /// An attempt has closed, at an instant and a place in the order of events. What fails before any
    /// action is not the adversary's doing.
    pub fn closed(&mut self, attempt: &Attempt, (ended_ns, place): (u64, Place), outcome: Outcome) {
        let id = attempt.id;
        let touched = self.open.remove(&(id.initiator, id.number));
        if outcome == Outcome::Aborted {
            return;
        }
        self.closed += 1;
        let acted = self.acted.is_some();
        if outcome.is_success() || !acted && self.late.is_none() {
            return;
        }
        let failure = Failure {
            attempt: id,
            ended_ns,
            outcome,
        };
        let late = Late {
            place,
            started_ns: attempt.started_ns,
            touched,
            acted,
            failure,
        };
        match &mut self.late {
            Some(all) => all.push(late),
            None => self.failed_at(&late),
        }
    }

    /// A session has failed after an action.
    fn failed_at(&mut self, late: &Late) {
        let Late {
            started_ns,
            touched,
            failure,
            ..
        } = *late;
        self.first.get_or_insert(failure);
        if touched {
            self.failed_touched += 1;
            return;
        }
        self.failed_untouched += 1;
        self.first_untouched.get_or_insert(failure);
        if self
            .latest
            .is_none_or(|(latest_ns, _)| latest_ns <= started_ns)
        {
            self.latest = Some((started_ns, failure));
        }
    }

    /// From now on this is a part of a world: what fails is judged when all parts are one.
    pub(super) fn begin_part(&mut self) {
        self.late = Some(Vec::new());
    }

    /// Becomes the whole, from its parts and itself; false where one part's first action and another
    /// part's failure are of the same event, so that it is not known which came first.
    pub(super) fn join(&mut self, parts: Vec<Self>) -> bool {
        let event = |place: Place| [place[0], place[1] >> 64];
        let mut all = vec![core::mem::take(self)];
        all.extend(parts);
        self.acted = all.iter().filter_map(|part| part.acted).min();
        let mut known = true;
        let mut failures = Vec::new();
        for part in all {
            self.touched += part.touched;
            self.closed += part.closed;
            for late in part.late.into_iter().flatten() {
                let Some(first) = self.acted else { break };
                known &=
                    late.acted || event(late.place) != event(first) || part.acted == Some(first);
                if late.acted || part.acted != Some(first) && late.place > first {
                    failures.push(late);
                }
            }
            self.open.extend(part.open);
        }
        failures.sort_by_key(|late| late.place);
        for late in &failures {
            self.failed_at(late);
        }
        known
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
