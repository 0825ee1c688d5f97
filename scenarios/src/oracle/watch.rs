//! The oracles that are needed only where somebody attacks, or where a test asks for them.

use std::collections::{BTreeMap, BTreeSet};

use protocols::output::Tag;

use crate::host::attempt::AttemptId;

use super::parts::Noted;
use super::{Anonymity, Availability, Cause, Integrity, LockOut, Secrecy};

/// The oracles beside agreement and desynchronisation, which always watch.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Whether they watch. Off, they cost nothing.
    pub on: bool,
    /// What each node's machine is handling; `None`: no message.
    pub in_hand: BTreeMap<u32, Option<Cause>>,
    /// The attempts of sessions that were accepted, by the name that a machine gave them.
    pub sessions: BTreeMap<Tag, AttemptId>,
    /// Kinds of secrets that somebody may claim.
    pub kinds: BTreeSet<&'static str>,
    /// Secrecy.
    pub secrecy: Secrecy,
    /// Integrity.
    pub integrity: Integrity,
    /// Availability.
    pub availability: Availability,
    /// Anonymity, by adversary.
    pub anonymity: BTreeMap<usize, Anonymity>,
    /// Lock-out.
    pub lock_out: LockOut,
    /// What is noted where the world runs in parts.
    pub(crate) noted: Option<Box<Noted>>,
}

/// Sessions whose attempts are remembered at most.
pub(super) const SESSIONS_MAX: usize = 1 << 16;

impl Watch {
    /// An end has accepted a session under this name.
    pub fn named(&mut self, session: Tag, attempt: AttemptId) {
        if self.sessions.len() >= SESSIONS_MAX && self.noted.is_none() {
            self.sessions.pop_first();
        }
        self.sessions.entry(session).or_insert(attempt);
    }

    /// Data of a session were accepted that nothing sent here explains.
    pub fn unexplained(&mut self, session: Tag) {
        if let Some(noted) = &mut self.noted {
            noted.unexplained.insert(session);
        }
    }

    /// The attempt of a session that was accepted under this name.
    pub fn attempt_named(&mut self, session: Tag) -> Option<AttemptId> {
        if let Some(noted) = &mut self.noted {
            noted.asked.insert(session);
        }
        self.sessions.get(&session).copied()
    }
}
