//! The oracles that watch adversaries, in a world that runs in parts.
//!
//! What an oracle notes about sessions, keys and payloads it notes in the part that keeps the session,
//! and an adversary is played by one part: so nearly all questions have their answer where they are
//! asked. Where another part may know more, the question is noted. When the parts have become one, a
//! question that another part would have answered otherwise sends the run back to one thread.

use std::collections::BTreeSet;

use protocols::output::Tag;

use super::watch::{SESSIONS_MAX, Watch};

/// What a part notes, and the other parts when they have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    /// Names of sessions of which the attempt was asked.
    pub(super) asked: BTreeSet<Tag>,
    /// Names of sessions in which data were accepted that nothing explains.
    pub(super) unexplained: BTreeSet<Tag>,
    parts: Vec<Watch>,
}

const MORE: &str = "an adversary claimed what nodes of another part hold";
const SESSION: &str = "data without a request of its own may belong to a session of another part";
const FIRST: &str =
    "a session failed in the very event in which an adversary in another part acted first";
const FORGOTTEN: &str = "more payloads were on their way than one memory keeps";

impl Watch {
    /// From now on this is a part of a world.
    pub(crate) fn begin_part(&mut self) {
        if self.on {
            self.noted = Some(Box::default());
            self.availability.begin_part();
            self.secrecy.begin_part();
        }
    }

    /// Takes over a part of the same world, in which the nodes and adversaries of which `is_theirs`
    /// and `is_their_tap` are true belong to it.
    pub(crate) fn absorb(
        &mut self,
        mut part: Self,
        is_theirs: impl Fn(u32) -> bool,
        is_their_tap: impl Fn(usize) -> bool,
    ) {
        let Some(noted) = &mut self.noted else {
            return;
        };
        let in_hand = core::mem::take(&mut part.in_hand).into_iter();
        self.in_hand
            .extend(in_hand.filter(|(node, _)| is_theirs(*node)));
        let games = core::mem::take(&mut part.anonymity).into_iter();
        self.anonymity
            .extend(games.filter(|(adversary, _)| is_their_tap(*adversary)));
        noted.parts.push(part);
    }

    /// Becomes the whole once all parts have been absorbed; why one thread has to give the result
    /// after all, if so.
    pub(crate) fn join(&mut self) -> Option<&'static str> {
        let Noted {
            asked,
            unexplained,
            parts,
        } = *self.noted.take()?;
        let noted = |part: &Self| match part.noted.as_deref() {
            Some(noted) => (noted.asked.clone(), noted.unexplained.clone()),
            None => (asked.clone(), unexplained.clone()),
        };
        let mut met = None;
        let mut asks = false;
        let mut all: Vec<&Self> = vec![self];
        all.extend(&parts);
        for (number, one) in all.iter().enumerate() {
            let (asked, unexplained) = noted(one);
            asks |= !asked.is_empty();
            for (_, other) in all.iter().enumerate().filter(|(it, _)| *it != number) {
                if one.secrecy.is_outdone_by(&other.secrecy) {
                    met = met.or(Some(MORE));
                }
                let theirs = |session: &Tag| {
                    other.sessions.contains_key(session) || other.integrity.has_sent(*session)
                };
                if asked.union(&unexplained).any(theirs) {
                    met = met.or(Some(SESSION));
                }
            }
        }
        let sessions: usize = all.iter().map(|one| one.sessions.len()).sum();
        if asks && sessions >= SESSIONS_MAX {
            met = met.or(Some(SESSION));
        }
        let (mut available, mut whole) = (Vec::new(), Vec::new());
        for part in parts {
            available.push(part.availability);
            whole.push(part.integrity);
            self.secrecy.join(part.secrecy);
            self.sessions.extend(part.sessions);
        }
        if !self.availability.join(available) {
            met = met.or(Some(FIRST));
        }
        if !self.integrity.join(whole) {
            met = met.or(Some(FORGOTTEN));
        }
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::attempt::{Attempt, AttemptId, Outcome};
    use crate::oracle::secrecy::Statement;
    use crate::oracle::{Evidence, Integrity};
    use protocols::protocol::Completion;

    fn part() -> Watch {
        let mut part = Watch {
            on: true,
            integrity: Integrity::new(true),
            ..Watch::default()
        };
        part.begin_part();
        part
    }

    fn place(at_ns: u64, node: u32) -> [u128; 2] {
        [u128::from(at_ns) << 64, u128::from(node) << 64]
    }

    fn fails(part: &mut Watch, initiator: u32, at_ns: u64) {
        let id = AttemptId {
            initiator,
            number: 1,
        };
        let attempt = Attempt {
            id,
            responder: 0,
            workload: 0,
            step: 0,
            request: 1,
            tried: 1,
            done: Completion::AcceptedBoth,
            started_ns: 1,
            messages: 0,
            bytes: 0,
            initiator_accepted: None,
            responder_accepted: None,
            refused: None,
            ended: (false, false),
            data_accepted: false,
            handled: true,
            continued: false,
        };
        let place = place(at_ns, initiator);
        let availability = &mut part.availability;
        availability.closed(&attempt, (at_ns, place), Outcome::Timeout);
    }

    fn joined(mut one: Watch, other: Watch) -> (Watch, Option<&'static str>) {
        one.absorb(other, |node| node >= 10, |_| false);
        let met = one.join();
        (one, met)
    }

    #[test]
    fn what_fails_elsewhere_counts_from_the_first_action_on() {
        let (mut attacked, mut other) = (part(), part());
        fails(&mut attacked, 3, 4);
        fails(&mut other, 11, 4);
        fails(&mut other, 10, 5);
        attacked.availability.touch(place(5, 12), AttemptId::NONE);
        fails(&mut other, 13, 5);
        fails(&mut attacked, 1, 6);
        fails(&mut other, 12, 6);
        let (whole, met) = joined(attacked, other);
        assert_eq!(met, None);
        assert_eq!(whole.availability.counts(), [6, 0, 0, 3]);
        let first = whole.availability.first().map(|it| it.attempt.initiator);
        assert_eq!(first, Some(13), "the order of events decides");
    }

    #[test]
    fn a_failure_in_the_event_of_the_first_action_sends_the_run_back() {
        let (mut attacked, mut other) = (part(), part());
        attacked.availability.touch(place(5, 11), AttemptId::NONE);
        fails(&mut other, 11, 5);
        assert_eq!(joined(attacked, other).1, Some(FIRST));
        let (mut attacked, other) = (part(), part());
        attacked.availability.touch(place(5, 1), AttemptId::NONE);
        fails(&mut attacked, 1, 5);
        assert_eq!(joined(attacked, other).1, None, "one part knows its order");
    }

    #[test]
    fn a_claim_about_what_another_part_holds_sends_the_run_back() {
        let claims = |part: &mut Watch| {
            part.secrecy.judge(&Statement {
                adversary: 0,
                seat: None,
                at_ns: 5,
                kind: "row",
                of: &[1],
                bytes: b"abc",
                key_id: None,
                confirmed: false,
                evidence: Evidence::default(),
            })
        };
        let (mut attacked, mut other) = (part(), part());
        assert!(!claims(&mut attacked));
        other.secrecy.holds(11, Some(1), "row", b"abc");
        assert_eq!(joined(attacked, other).1, Some(MORE));
        let (mut attacked, mut other) = (part(), part());
        for part in [&mut attacked, &mut other] {
            part.secrecy.holds(1, None, "row", b"abc");
        }
        assert!(claims(&mut attacked));
        assert_eq!(joined(attacked, other).1, None, "both knew it");
    }

    #[test]
    fn unexplained_data_of_a_session_of_another_part_send_the_run_back() {
        let (mut one, mut other) = (part(), part());
        one.unexplained([3; 8]);
        other.integrity.sent(11, [3; 8], 0, [5; 8]);
        assert_eq!(joined(one, other).1, Some(SESSION));
        let (mut one, mut other) = (part(), part());
        one.unexplained([3; 8]);
        other.integrity.sent(11, [4; 8], 0, [5; 8]);
        assert_eq!(joined(one, other).1, None);
    }
}
