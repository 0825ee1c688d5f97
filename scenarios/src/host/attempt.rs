//! The book of attempts: what is open, what has happened to it, and what came of it.
//!
//! An attempt is one step of a workload's list: it opens with a command to its initiator and closes
//! with the first of the outputs that complete it, a refusal by the initiator, its deadline, a crash
//! of the initiator, or the end of the run. The book keeps open attempts in a slab and decides the
//! outcome from what both ends said; it draws nothing and sends nothing.

use protocols::output::{Reason, Tag};
use protocols::protocol::Completion;

/// No node.
pub const NOBODY: u32 = u32::MAX;

/// Names an attempt on packets: metadata of the simulation, invisible to machines and adversaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptId {
    /// The node that opened it, [`NOBODY`] when the packet belongs to no attempt.
    pub initiator: u32,
    /// The initiator's count of attempts, from 1.
    pub number: u32,
}

impl AttemptId {
    /// Belongs to no attempt.
    pub const NONE: Self = Self {
        initiator: NOBODY,
        number: 0,
    };

    /// True when it names an attempt.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.initiator != NOBODY
    }
}

/// An acceptance by one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// When, ns.
    pub at_ns: u64,
    /// The session it names.
    pub session: Tag,
    /// The key it names, where there is one.
    pub key_id: Option<Tag>,
}

/// An open attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Its name.
    pub id: AttemptId,
    /// The responder's node, [`NOBODY`] when the command has none.
    pub responder: u32,
    /// The workload.
    pub workload: u16,
    /// The step of its list.
    pub step: u16,
    /// The initiator's count of requests, from 1.
    pub request: u32,
    /// Which try of the request, from 1.
    pub tried: u32,
    /// What completes it.
    pub done: Completion,
    /// When it opened, ns.
    pub started_ns: u64,
    /// Messages that carry its name, from both ends.
    pub messages: u32,
    /// Their bytes.
    pub bytes: u64,
    /// What the initiator accepted.
    pub initiator_accepted: Option<Acceptance>,
    /// What the responder accepted.
    pub responder_accepted: Option<Acceptance>,
    /// The first refusal of scope attempt or command, and whether it was the initiator's.
    pub refused: Option<(Reason, bool)>,
    /// Which ends have said that the session is over: initiator, responder.
    pub ended: (bool, bool),
    /// The data arrived that completes a data step.
    pub data_accepted: bool,
    /// True when its command was handed to the machine.
    pub handled: bool,
    /// A further session of the same command has begun: what comes next does not wait for this one.
    pub continued: bool,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Both ends accepted with different keys.
    Mismatch,
    /// Both ends accepted.
    Accepted,
    /// The step has no acceptance of its own and is complete.
    Completed,
    /// Only one end accepted.
    HalfOpen,
    /// An end refused.
    Rejected,
    /// Nobody refused; time ran out.
    Timeout,
    /// It was cut off: a crash, or the end of the run.
    Aborted,
}

impl Outcome {
    /// All outcomes, in the order of precedence.
    pub const ALL: [Self; 7] = [
        Self::Mismatch,
        Self::Accepted,
        Self::Completed,
        Self::HalfOpen,
        Self::Rejected,
        Self::Timeout,
        Self::Aborted,
    ];

    /// The word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Accepted => "accepted",
            Self::Completed => "completed",
            Self::HalfOpen => "half-open",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Aborted => "aborted",
        }
    }

    /// True when the initiator got what it asked for.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Accepted | Self::Completed)
    }
}

/// Why an attempt closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// What completes it has happened.
    Complete,
    /// The initiator refused: the attempt or the command.
    Refused,
    /// The deadline passed.
    Deadline,
    /// The initiator lost power.
    Crash,
    /// The run is over.
    EndOfRun,
}

/// The word by which a machine says that it waited long enough.
const TIMEOUT: &str = "timeout";

impl Attempt {
    /// An end accepts. Where a repeated request makes an end accept more than once, the acceptance
    /// counts that the other end shares, and the latest one until there is such.
    pub fn accept(&mut self, node: u32, acceptance: Acceptance) {
        let (own, other) = if self.id.initiator == node {
            (&mut self.initiator_accepted, &self.responder_accepted)
        } else if self.responder == node {
            (&mut self.responder_accepted, &self.initiator_accepted)
        } else {
            return;
        };
        let shared = |one: &Option<Acceptance>| {
            one.is_some_and(|one| other.is_some_and(|other| one.session == other.session))
        };
        if !shared(own) {
            *own = Some(acceptance);
        }
    }

    /// True when everything has happened that completes it.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        match self.done {
            Completion::AcceptedBoth => {
                self.initiator_accepted.is_some() && self.responder_accepted.is_some()
            }
            Completion::AcceptedInitiator => self.initiator_accepted.is_some(),
            Completion::DataAtInitiator | Completion::DataAtResponder => self.data_accepted,
            Completion::EndedBoth => self.ended.0 && self.ended.1,
            Completion::SessionsBoth => {
                self.initiator_accepted.is_some()
                    && self.responder_accepted.is_some()
                    && self.ended.0
                    && self.ended.1
            }
            Completion::StoredAtInitiator => self.data_accepted,
            _ => self.handled,
        }
    }

    /// Whether acceptance belongs to its completion at all.
    const fn accepts(&self) -> bool {
        matches!(
            self.done,
            Completion::AcceptedBoth | Completion::AcceptedInitiator | Completion::SessionsBoth
        )
    }

    /// The outcome, decided from both ends, and its reason for the table.
    #[must_use]
    pub fn outcome(&self, close: Close) -> (Outcome, Reason) {
        let none = Reason::new("");
        if self.accepts() {
            match (&self.initiator_accepted, &self.responder_accepted) {
                (Some(one), Some(other)) => {
                    let differ = matches!((one.key_id, other.key_id), (Some(a), Some(b)) if a != b);
                    let outcome = if differ {
                        Outcome::Mismatch
                    } else {
                        Outcome::Accepted
                    };
                    return (outcome, none);
                }
                (Some(_), None) if self.done == Completion::AcceptedInitiator => {
                    return (Outcome::Accepted, none);
                }
                (None, None) => {}
                _ => return (Outcome::HalfOpen, self.why(close)),
            }
        } else if close == Close::Complete {
            return (Outcome::Completed, none);
        }
        match self.refused {
            Some((reason, _)) if reason.word != TIMEOUT => (Outcome::Rejected, reason),
            _ => match close {
                Close::Crash | Close::EndOfRun => (Outcome::Aborted, self.why(close)),
                _ => (Outcome::Timeout, self.why(close)),
            },
        }
    }

    fn why(&self, close: Close) -> Reason {
        match (close, self.refused) {
            (Close::Crash, _) => Reason::new("crash"),
            (Close::EndOfRun, _) => Reason::new("end-of-run"),
            (_, Some((reason, _))) => reason,
            (Close::Deadline, None) => Reason::new("deadline"),
            _ => Reason::new(""),
        }
    }

    /// When both ends had accepted (or the initiator, where only it does), ns after the start.
    #[must_use]
    pub fn latency_ns(&self) -> Option<u64> {
        let last = match (self.initiator_accepted, self.responder_accepted) {
            (Some(one), Some(other)) => one.at_ns.max(other.at_ns),
            (Some(one), None) if self.done == Completion::AcceptedInitiator => one.at_ns,
            _ => return None,
        };
        last.checked_sub(self.started_ns)
    }
}

/// A slab of open attempts.
#[derive(Clone, Debug, Default)]
pub struct OpenAttempts {
    slots: Vec<Option<Attempt>>,
    free: Vec<u32>,
    count: usize,
}

impl OpenAttempts {
    /// Opens an attempt and returns its slot.
    pub fn insert(&mut self, attempt: Attempt) -> u32 {
        self.count += 1;
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(attempt);
            return slot;
        }
        self.slots.push(Some(attempt));
        u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
    }

    /// The attempt in `slot`.
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<&Attempt> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The attempt in `slot`, to change.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Attempt> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// Takes the attempt out of `slot`.
    pub fn remove(&mut self, slot: u32) -> Option<Attempt> {
        let attempt = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        self.count -= 1;
        Some(attempt)
    }

    /// The slots that hold an attempt, by initiator and number.
    #[must_use]
    pub fn in_order(&self) -> Vec<u32> {
        let mut open: Vec<(u32, u32, u32)> = (0u32..)
            .zip(&self.slots)
            .filter_map(|(slot, attempt)| {
                attempt
                    .as_ref()
                    .map(|a| (a.id.initiator, a.id.number, slot))
            })
            .collect();
        open.sort_unstable();
        open.into_iter().map(|(_, _, slot)| slot).collect()
    }

    /// How many are open.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// True when none is open.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(done: Completion) -> Attempt {
        Attempt {
            id: AttemptId {
                initiator: 3,
                number: 1,
            },
            responder: 0,
            workload: 0,
            step: 0,
            request: 1,
            tried: 1,
            done,
            started_ns: 100,
            messages: 0,
            bytes: 0,
            initiator_accepted: None,
            responder_accepted: None,
            refused: None,
            ended: (false, false),
            data_accepted: false,
            handled: true,
            continued: false,
        }
    }

    fn acceptance(at_ns: u64, key: u8) -> Option<Acceptance> {
        Some(Acceptance {
            at_ns,
            session: [1; 8],
            key_id: Some([key; 8]),
        })
    }

    #[test]
    fn both_ends_with_one_key_are_accepted_and_latency_runs_to_the_later() {
        let mut open = attempt(Completion::AcceptedBoth);
        open.responder_accepted = acceptance(150, 1);
        assert!(!open.is_complete());
        open.initiator_accepted = acceptance(170, 1);
        assert!(open.is_complete());
        assert_eq!(open.outcome(Close::Complete).0, Outcome::Accepted);
        assert_eq!(open.latency_ns(), Some(70));
    }

    #[test]
    fn a_repeated_request_counts_by_the_session_that_both_ends_share() {
        let mut open = attempt(Completion::AcceptedBoth);
        let accept = |session: u8, key: u8| Acceptance {
            at_ns: 150,
            session: [session; 8],
            key_id: Some([key; 8]),
        };
        open.accept(0, accept(1, 1));
        open.accept(0, accept(2, 2));
        open.accept(3, accept(2, 2));
        open.accept(0, accept(3, 3));
        open.accept(9, accept(4, 4));
        assert_eq!(open.outcome(Close::Complete).0, Outcome::Accepted);
    }

    #[test]
    fn different_keys_are_a_mismatch_and_absent_ones_are_not_compared() {
        let mut open = attempt(Completion::AcceptedBoth);
        open.responder_accepted = acceptance(150, 1);
        open.initiator_accepted = acceptance(170, 2);
        assert_eq!(open.outcome(Close::Complete).0, Outcome::Mismatch);
        open.initiator_accepted = Some(Acceptance {
            at_ns: 1,
            session: [1; 8],
            key_id: None,
        });
        assert_eq!(open.outcome(Close::Complete).0, Outcome::Accepted);
    }

    #[test]
    fn one_end_alone_is_half_open_whatever_else_happened() {
        let mut open = attempt(Completion::AcceptedBoth);
        open.responder_accepted = acceptance(150, 1);
        open.refused = Some((Reason::new("timeout"), true));
        let (outcome, reason) = open.outcome(Close::Refused);
        assert_eq!((outcome, reason.word), (Outcome::HalfOpen, "timeout"));
    }

    #[test]
    fn a_refusal_by_the_responder_outranks_the_initiators_own_timer() {
        let mut open = attempt(Completion::AcceptedBoth);
        open.refused = Some((Reason::new("open"), false));
        let (outcome, reason) = open.outcome(Close::Refused);
        assert_eq!((outcome, reason.word), (Outcome::Rejected, "open"));
    }

    #[test]
    fn the_initiators_own_timer_is_a_timeout() {
        let mut open = attempt(Completion::AcceptedBoth);
        open.refused = Some((Reason::new("timeout"), true));
        assert_eq!(open.outcome(Close::Refused).0, Outcome::Timeout);
        assert_eq!(
            attempt(Completion::AcceptedBoth).outcome(Close::Deadline).0,
            Outcome::Timeout
        );
        assert_eq!(
            attempt(Completion::AcceptedBoth).outcome(Close::EndOfRun).0,
            Outcome::Aborted
        );
    }

    #[test]
    fn steps_without_acceptance_are_completed() {
        let mut open = attempt(Completion::EndedBoth);
        open.ended = (true, false);
        assert!(!open.is_complete());
        open.ended = (true, true);
        assert!(open.is_complete());
        assert_eq!(open.outcome(Close::Complete).0, Outcome::Completed);
    }

    #[test]
    fn slots_are_used_again_and_listed_by_initiator() {
        let mut open = OpenAttempts::default();
        let first = open.insert(attempt(Completion::Handled));
        let second = open.insert(Attempt {
            id: AttemptId {
                initiator: 1,
                number: 9,
            },
            ..attempt(Completion::Handled)
        });
        assert_eq!(open.in_order(), [second, first]);
        assert!(open.remove(first).is_some());
        assert!(open.remove(first).is_none());
        assert_eq!(open.insert(attempt(Completion::Handled)), first);
        assert_eq!(open.len(), 2);
    }
}
