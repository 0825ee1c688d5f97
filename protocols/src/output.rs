//! What a machine tells the world about itself: the language of the oracles.
//!
//! Outputs are for observers only. They are never sent, never metered and never read by another
//! machine.

use core::fmt;

/// Names a party to an observer: the id or name a protocol knows it by.
///
/// Names of any length are folded into 64 bits ([`Principal::name`]); the registry maps principals
/// back to nodes, so a folded name is never shown as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// Role of the party: its number in the protocol's list of roles.
    pub role: u8,
    /// Its id within the role, or its folded name.
    pub value: u64,
}

impl Principal {
    /// The party with a numeric id.
    #[must_use]
    pub const fn id(role: u8, id: u64) -> Self {
        Self { role, value: id }
    }

    /// The party with a name of any length.
    #[must_use]
    pub fn name(role: u8, name: &[u8]) -> Self {
        // FNV-1a, with the top bit set so that names and small ids never meet.
        let mut value: u64 = 0xcbf2_9ce4_8422_2325;
        for &byte in name {
            value = (value ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self {
            role,
            value: value | 1 << 63,
        }
    }
}

/// The first 8 bytes of a hash that names a session, a run or a key.
pub type Tag = [u8; 8];

/// The first 16 bytes of a hash over a shared state.
pub type Fingerprint = [u8; 16];

/// Which stored or live values a party names for a relation, newest first; at most three.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Fingerprints {
    count: u8,
    values: [Fingerprint; 3],
}

impl Fingerprints {
    /// Nothing is shared.
    pub const NONE: Self = Self {
        count: 0,
        values: [[0; 16]; 3],
    };

    /// One value.
    #[must_use]
    pub const fn one(value: Fingerprint) -> Self {
        Self {
            count: 1,
            values: [value, [0; 16], [0; 16]],
        }
    }

    /// Several values, newest first; those past the third are left out.
    #[must_use]
    pub fn newest_first(values: &[Fingerprint]) -> Self {
        let mut all = Self::NONE;
        for value in values.iter().take(3) {
            all.values[usize::from(all.count)] = *value;
            all.count += 1;
        }
        all
    }

    /// The values, newest first; may be empty.
    #[must_use]
    pub fn as_slice(&self) -> &[Fingerprint] {
        &self.values[..usize::from(self.count)]
    }
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.as_slice().iter().map(|value| Hex(value)))
            .finish()
    }
}

/// Shows bytes as lower-case hexadecimal.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a refusal refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The command: nothing was sent, no state changed.
    Command,
    /// One frame was dropped; nothing ends.
    Frame,
    /// The attempt (at a responder: the handshake or session) has ended.
    Attempt,
}

/// Why something was refused or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The word the specification uses for it.
    pub word: &'static str,
    /// Where in the frame the fault is, for malformed input.
    pub at: Option<Place>,
}

impl Reason {
    /// A reason without a place.
    #[must_use]
    pub const fn new(word: &'static str) -> Self {
        Self { word, at: None }
    }

    /// Malformed input: the decoder refused `place`.
    #[must_use]
    pub const fn malformed(place: Place) -> Self {
        Self {
            word: "malformed",
            at: Some(place),
        }
    }
}

impl From<Place> for Reason {
    fn from(place: Place) -> Self {
        Self::malformed(place)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)?;
        self.at.map_or(Ok(()), |place| write!(f, " ({place})"))
    }
}

/// A place in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the field, as in the layout; `end` for a wrong total length.
    pub field: &'static str,
    /// Element of the field, where it is a list.
    pub index: Option<u16>,
    /// Offset from the first byte of the frame.
    pub offset: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        write!(f, " at byte {}", self.offset)
    }
}

/// One statement of a machine about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Before each message on which the peer may accept: "I am running the protocol with `peer`".
    Running {
        /// The peer believed in.
        peer: Principal,
        /// Fingerprint of the transcript including the message about to be sent.
        run: Tag,
    },
    /// The party is convinced that it talks to `peer`.
    Accepted {
        /// The peer believed in.
        peer: Principal,
        /// Fingerprint of the whole transcript: equal at both ends of an honest run.
        session: Tag,
        /// Fingerprint of the transcript including the last message received.
        run: Tag,
        /// One-way fingerprint of the session key, where there is one.
        key_id: Option<Tag>,
    },
    /// Something was refused.
    Rejected {
        /// The peer believed in, where one is known.
        peer: Option<Principal>,
        /// The session it belongs to, where one is known.
        session: Option<Tag>,
        /// What is refused.
        scope: Scope,
        /// Why.
        reason: Reason,
    },
    /// A session is over at this end.
    Ended {
        /// The peer of the session.
        peer: Principal,
        /// The session.
        session: Tag,
        /// Why.
        reason: Reason,
    },
    /// Application data left this end.
    DataSent {
        /// The session.
        session: Tag,
        /// Its number in this direction.
        seq: u64,
        /// First 8 bytes of SHA-256 of the payload.
        digest: Tag,
    },
    /// Application data was accepted by this end.
    DataAccepted {
        /// The session.
        session: Tag,
        /// Its number in this direction.
        seq: u64,
        /// First 8 bytes of SHA-256 of the payload.
        digest: Tag,
    },
    /// Application data that was accepted in a session that is over enters what this end answers
    /// now.
    DataReused {
        /// The session that is over.
        session: Tag,
        /// The data's number in it.
        seq: u64,
        /// First 8 bytes of SHA-256 of the payload.
        digest: Tag,
    },
    /// What this end shares with `peer` right now.
    SharedState {
        /// The other end of the relation.
        peer: Principal,
        /// Which relation, where a protocol has several between two parties.
        relation: u8,
        /// A counter for readers; oracles never compare it.
        epoch: u64,
        /// The values, newest first; empty: nothing is shared.
        fingerprints: Fingerprints,
        /// True when the values survive a restart.
        durable: bool,
    },
    /// Others know this party by `principal` from now on, until it names another one.
    ///
    /// For parties whose name is drawn or agreed while the protocol runs, so that
    /// [`crate::protocol::Instance::principal`] cannot know it.
    Named {
        /// The name.
        principal: Principal,
    },
    /// The machine ignores everything until it is restarted.
    Halted,
}
