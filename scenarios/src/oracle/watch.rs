//! The oracles that are needed only where somebody attacks, or where a test asks for them.

use std::collections::{BTreeMap, BTreeSet};

use protocols::output::Tag;

use crate::host::attempt::AttemptId;

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
}

/// Sessions whose attempts are remembered at most.
const SESSIONS_MAX: usize = 1 << 16;

impl Watch {
    /// An end has accepted a session under this name.
    pub fn named(&mut self, session: Tag, attempt: AttemptId) {
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.pop_first();
        }
        self.sessions.entry(session).or_insert(attempt);
    }
}
