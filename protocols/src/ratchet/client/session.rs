//! What a client holds while a session runs.

use crate::context::Context;
use crate::machine::Timer;
use crate::output::{Fingerprints, Tag};
use crate::ratchet::equations::{Keys, Pair, state};
use crate::ratchet::messages::Header;
use crate::ratchet::params::Params;

/// A session at the client, from the first key to the last.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The client's id.
    pub(super) id: u8,
    /// The keys in use.
    pub(super) keys: Keys,
    /// `on-confirm`: the C2S pair that holds once the server has answered.
    pub(super) confirmed: Option<Pair>,
    /// The round, 0 until the session is open.
    pub(super) round: u32,
    /// Copies sent of the last frame.
    pub(super) copies: u32,
    /// Kind of the timer that is armed for the answer.
    pub(super) armed: Option<u8>,
    /// True once the server's CHALLENGE was good.
    pub(super) accepted: bool,
    /// Name of the session; over HELLO alone until the CHALLENGE.
    pub(super) tag: Tag,
    /// `hardened`: Nc.
    pub(super) nonce: [u8; 16],
    /// `hardened`: hash of the last DATA, which the RESPONSE must cover.
    pub(super) answered: Option<[u8; 32]>,
    /// HELLO, until it is answered; `hardened`: HELLO and CHALLENGE, until the first DATA.
    pub(super) transcript: Vec<u8>,
    /// The last HELLO or DATA; empty until HELLO is sent.
    pub(super) sent: Vec<u8>,
}

impl Session {
    /// A session of client `id` under fresh keys.
    pub(super) const fn new(id: u8, keys: Keys) -> Self {
        Self {
            id,
            keys,
            confirmed: None,
            round: 0,
            copies: 0,
            armed: None,
            accepted: false,
            tag: [0; 8],
            nonce: [0; 16],
            answered: None,
            transcript: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Header of a frame to the server.
    pub(super) const fn header(&self, params: &Params, opcode: u8) -> Header {
        Header {
            opcode,
            client: self.id,
            round: self.round,
            direction: params.directions[0],
        }
    }

    /// The id in decimal digits, written to `out`.
    pub(super) fn id_text<'a>(&self, out: &'a mut [u8; 3]) -> &'a [u8] {
        let id = self.id;
        *out = [id / 100, id / 10 % 10, id % 10].map(|digit| b'0' + digit);
        let skipped = usize::from(id < 100) + usize::from(id < 10);
        &out[skipped..]
    }

    /// The server has shown that it got the last frame.
    pub(super) const fn confirm(&mut self) {
        if let Some(pair) = self.confirmed.take() {
            self.keys.c2s = pair;
        }
    }

    /// Round and keys, for observers; with the move that waits for confirmation first.
    pub(super) fn shared(&self, params: &Params) -> (u64, Fingerprints) {
        let now = state(params, &self.keys, self.round);
        let fingerprints = self.confirmed.map_or_else(
            || Fingerprints::one(now),
            |c2s| {
                let moved = Keys { c2s, ..self.keys };
                Fingerprints::newest_first(&[state(params, &moved, self.round), now])
            },
        );
        (u64::from(self.round), fingerprints)
    }

    /// Cancels the timer of the answer.
    pub(super) fn disarm(&mut self, cx: &mut Context<'_>) {
        if let Some(kind) = self.armed.take() {
            cx.cancel(Timer::only(kind));
        }
    }

    /// Notes that timer `kind` is armed now, and cancels another one.
    pub(super) fn disarm_other(&mut self, kind: u8, cx: &mut Context<'_>) {
        if self.armed != Some(kind) {
            self.disarm(cx);
        }
        self.armed = Some(kind);
    }
}
