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
const FIRST: &str = "a session failed at the very instant at which an adversary in another part acted \
                     first";
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
        let noted = |part: &Self| {
            let noted = part.noted.as_deref();
            noted.map_or((asked.clone(), unexplained.clone()), |noted| {
                (noted.asked.clone(), noted.unexplained.clone())
            })
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
