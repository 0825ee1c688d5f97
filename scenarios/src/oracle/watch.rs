//! The oracles that are needed only where somebody attacks, or where a test asks for them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Anonymity, Availability, Cause, Integrity, LockOut, Secrecy};

/// The oracles beside agreement and desynchronisation, which always watch.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Whether they watch. Off, they cost nothing.
    pub on: bool,
    /// What each node's machine is handling; `None`: no message.
    pub in_hand: BTreeMap<u32, Option<Cause>>,
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
