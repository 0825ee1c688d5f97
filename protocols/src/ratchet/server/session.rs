//! What the server holds while a session runs.

use crate::address::Address;
use crate::output::{Fingerprint, Tag};
use crate::ratchet::equations::{Keys, Pair, state};
use crate::ratchet::messages::Header;
use crate::ratchet::params::Params;
use crate::time::Span;

/// A session at the server.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The client's id.
    pub(super) id: u8,
    /// Where the client is.
    pub(super) address: Address,
    /// The keys in use.
    pub(super) keys: Keys,
    /// `on-confirm`: the S2C pair that holds once the client has shown that it got the last message.
    pub(super) confirmed: Option<Pair>,
    /// The round of the next DATA.
    pub(super) round: u32,
    /// Name of the session.
    pub(super) tag: Tag,
    /// `literal`: terminated, but not deleted.
    pub(super) terminated: bool,
    /// `hardened`: HELLO and CHALLENGE, until the first DATA.
    pub(super) transcript: Vec<u8>,
    /// `resend`: the last accepted frame.
    pub(super) accepted: Vec<u8>,
    /// `resend`: the answer to it.
    pub(super) answer: Vec<u8>,
}

impl Session {
    /// Header of a frame to the client.
    pub(super) const fn header(&self, params: &Params, opcode: u8) -> Header {
        Header {
            opcode,
            client: self.id,
            round: self.round,
            direction: params.directions[1],
        }
    }

    /// The client has shown that it got the last message.
    pub(super) const fn confirm(&mut self) {
        if let Some(pair) = self.confirmed.take() {
            self.keys.s2c = pair;
        }
    }

    /// The keys once everything sent so far is confirmed.
    pub(super) fn settled(&self) -> Keys {
        Keys {
            c2s: self.keys.c2s,
            s2c: self.confirmed.unwrap_or(self.keys.s2c),
        }
    }

    /// Names of the state shared with the client, for observers: the one that holds once
    /// everything is confirmed, and the present one where it differs.
    pub(super) fn shared(&self, params: &Params) -> impl Iterator<Item = Fingerprint> {
        let settled = state(params, &self.settled(), self.round);
        let now = self
            .confirmed
            .map(|_| state(params, &self.keys, self.round));
        core::iter::once(settled).chain(now)
    }

    /// True for a frame that was answered already.
    pub(super) fn answers(&self, frame: &[u8]) -> bool {
        !self.answer.is_empty() && self.accepted == frame
    }
}

/// Most sessions that wait for their first DATA (variant `hardened`).
pub(super) const PENDING_MAX: usize = 64;
/// How long one waits.
pub(super) const PENDING_FOR: Span = Span::from_secs(10);

/// A session that waits for its first DATA (variant `hardened`).
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The session.
    pub(super) session: Session,
    /// Its number among all that ever waited: the lowest is the oldest.
    pub(super) order: u64,
}

/// Where a session of the server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The live session of an id.
    Live(u8),
    /// One that waits: its place in the list.
    Pending(u32),
}
