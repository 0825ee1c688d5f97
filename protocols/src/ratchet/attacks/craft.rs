//! What attackers make and read frames with: public equations, on keys that they were told.

use std::sync::Arc;

use crate::address::Address;
use crate::attack::{AttackContext, Grant};
use crate::context::{Buffers, Context};
use crate::crypto::{pkcs7_unpad, tag};
use crate::effect::Effects;
use crate::output::Tag;
use crate::ratchet::choice::Variant;
use crate::ratchet::equations::{KEY_BYTES, Keys, Pair, after_c2s, after_s2c, initial, mixed};
use crate::ratchet::messages::{CHALLENGE, DATA, HELLO, Header, RESPONSE, decode, seal};
use crate::ratchet::params::Params;
use crate::storage::MemoryStorage;

/// Header fields in front of the IV, as they stand in clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clear {
    pub(super) opcode: u8,
    pub(super) client: u8,
    pub(super) round: u32,
}

/// The frame in what passes: without the length, where there is one.
pub(super) fn body<'a>(params: &Params, bytes: &'a [u8]) -> &'a [u8] {
    if params.streams() {
        bytes.get(4..).unwrap_or(&[])
    } else {
        bytes
    }
}

/// A frame as it travels.
pub(super) fn wrapped(params: &Params, frame: Vec<u8>) -> Vec<u8> {
    if !params.streams() {
        return frame;
    }
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    let mut record = length.to_be_bytes().to_vec();
    record.extend_from_slice(&frame);
    record
}

/// What a frame shows without any key.
pub(super) fn clear(params: &Params, bytes: &[u8]) -> Option<Clear> {
    match *body(params, bytes) {
        [opcode, client, r3, r2, r1, r0, ..] => Some(Clear {
            opcode,
            client,
            round: u32::from_be_bytes([r3, r2, r1, r0]),
        }),
        _ => None,
    }
}

/// A frame of a client under keys that the attacker has.
pub(super) fn craft(
    params: &Params,
    cx: &mut AttackContext<'_>,
    shown: Clear,
    pair: &Pair,
    payload: &[u8],
) -> Vec<u8> {
    let (storage, mut effects) = (MemoryStorage::default(), Effects::default());
    let mut inner = Context {
        now: cx.now,
        storage: &storage,
        entropy: cx.entropy,
        crypto: cx.crypto,
        effects: &mut effects,
        buffers: &mut Buffers::default(),
    };
    let header = Header {
        opcode: shown.opcode,
        client: shown.client,
        round: shown.round,
        direction: params.directions[0],
    };
    let mut frame = Vec::new();
    seal(params, &mut inner, header, pair, payload, None, &mut frame);
    wrapped(params, frame)
}

/// A frame of a client with random bytes behind its header: `blocks` of ciphertext.
pub(super) fn junk(
    params: &Params,
    cx: &mut AttackContext<'_>,
    shown: Clear,
    blocks: usize,
) -> Vec<u8> {
    let mut frame = vec![shown.opcode, shown.client];
    frame.extend_from_slice(&shown.round.to_be_bytes());
    frame.push(params.directions[0]);
    let start = frame.len();
    frame.resize(start + 48 + 16 * blocks, 0);
    cx.random(&mut frame[start..]);
    wrapped(params, frame)
}

/// K in a grant: the 16 bytes, or the record of a client.
pub(super) fn master(grant: &Grant) -> Option<[u8; KEY_BYTES]> {
    let bytes = grant.bytes();
    let start = bytes.len().checked_sub(KEY_BYTES)?;
    bytes[start..].try_into().ok()
}

/// What a payload says when it is the clear text of a frame that nobody encrypted.
pub(super) fn in_clear(params: &Params, bytes: &[u8]) -> Option<Vec<u8>> {
    let frame = decode(params, body(params, bytes)).ok()?;
    let text = pkcs7_unpad(frame.ciphertext)?;
    let readable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    text.iter().all(readable).then(|| text.to_vec())
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) shown: Clear,
    pub(super) payload: Vec<u8>,
}

/// Follows a session from keys that were told, frame by frame, in both directions.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    params: Arc<Params>,
    /// The keys of the next frames.
    pub(super) keys: Keys,
    /// The round of the next DATA.
    pub(super) round: u32,
    /// The session's name, once CHALLENGE has passed.
    pub(super) session: Tag,
    hello: Vec<u8>,
    asked: Option<[u8; 32]>,
}

impl Follower {
    /// At the start of a session, from K.
    pub(super) fn from_master(params: &Arc<Params>, cx: &mut AttackContext<'_>, k: &[u8]) -> Self {
        let keys = initial(params, cx.crypto, k);
        Self::from_keys(params, keys, 0)
    }

    /// In the middle of a session.
    pub(super) fn from_keys(params: &Arc<Params>, keys: Keys, round: u32) -> Self {
        Self {
            params: Arc::clone(params),
            keys,
            round,
            session: [0; 8],
            hello: Vec::new(),
            asked: None,
        }
    }

    /// Reads a frame, if it is the next of its direction, and moves the keys on.
    pub(super) fn read(&mut self, cx: &mut AttackContext<'_>, bytes: &[u8]) -> Option<Read> {
        let params = Arc::clone(&self.params);
        let shown = clear(&params, bytes)?;
        let bytes = body(&params, bytes);
        let frame = decode(&params, bytes).ok()?;
        let up = matches!(shown.opcode, HELLO | DATA);
        if shown.opcode == DATA {
            // Its answer covers it, whether or not these keys open it.
            self.asked = Some(cx.crypto.sha256(&[bytes]));
        }
        let hardened = params.is(Variant::Hardened);
        let pair = if up { self.keys.c2s } else { self.keys.s2c };
        let answers = self.asked.filter(|_| hardened && shown.opcode == RESPONSE);
        let beyond = answers.as_ref().map_or(&[][..], |hash| hash);
        let hmac = cx
            .crypto
            .hmac_sha256(pair.mac(&params), &[params.covered(frame.signed), beyond]);
        if hmac != *frame.hmac {
            return None;
        }
        let mut payload = frame.ciphertext.to_vec();
        if params.encrypts() {
            let key = cx.crypto.aes_key(&pair.enc);
            cx.crypto.cbc_decrypt(&key, frame.iv, &mut payload);
        }
        let length = pkcs7_unpad(&payload)?.len();
        payload.truncate(length);
        if up {
            let (iv, text) = (frame.iv, frame.ciphertext);
            self.keys.c2s = after_c2s(&params, cx.crypto, &pair, iv, text);
        }
        match shown.opcode {
            HELLO => self.hello = bytes.to_vec(),
            CHALLENGE | RESPONSE => {
                self.keys.s2c = after_s2c(&params, cx.crypto, &pair, &payload);
                self.round = shown.round.saturating_add(1);
            }
            _ => {}
        }
        if shown.opcode == CHALLENGE {
            self.session = tag("session", &[&self.hello, bytes]);
            if hardened {
                for pair in [&mut self.keys.c2s, &mut self.keys.s2c] {
                    *pair = mixed(&params, cx.crypto, pair, &payload);
                }
            }
        }
        Some(Read { shown, payload })
    }
}

/// A client's side of sessions, played by somebody who has its K.
#[derive(Clone, Debug)]
pub(super) struct Account {
    params: Arc<Params>,
    /// Its id.
    pub(super) id: u8,
    /// Its K, once it was told.
    pub(super) master: Option<[u8; KEY_BYTES]>,
    /// The server.
    pub(super) server: Option<Address>,
    /// The session under way.
    pub(super) session: Option<Follower>,
}

impl Account {
    /// A client that does not know its K yet.
    pub(super) fn new(params: &Arc<Params>, id: u8, server: Option<Address>) -> Self {
        Self {
            params: Arc::clone(params),
            id,
            master: None,
            server,
            session: None,
        }
    }

    const fn shown(&self, opcode: u8, round: u32) -> Clear {
        Clear {
            opcode,
            client: self.id,
            round,
        }
    }

    /// Begins a session.
    pub(super) fn hello(&mut self, cx: &mut AttackContext<'_>) -> Option<Vec<u8>> {
        let mut session = Follower::from_master(&self.params, cx, &self.master?);
        let mut payload = format!("Hello from client {}", self.id).into_bytes();
        if self.params.is(Variant::Hardened) {
            payload = vec![0; 16];
            cx.random(&mut payload);
        }
        let shown = self.shown(HELLO, 0);
        let frame = craft(&self.params, cx, shown, &session.keys.c2s, &payload);
        session.read(cx, &frame);
        self.session = Some(session);
        Some(frame)
    }

    /// The next DATA of the session.
    pub(super) fn data(&mut self, cx: &mut AttackContext<'_>, list: &[u8]) -> Option<Vec<u8>> {
        let shown = self.shown(DATA, self.session.as_ref()?.round);
        let session = self.session.as_mut()?;
        let frame = craft(&self.params, cx, shown, &session.keys.c2s, list);
        session.read(cx, &frame);
        Some(frame)
    }

    /// A frame under the present keys that does not move them.
    pub(super) fn aside(
        &self,
        cx: &mut AttackContext<'_>,
        shown: Clear,
        list: &[u8],
    ) -> Option<Vec<u8>> {
        let session = self.session.as_ref()?;
        let pair = session.keys.c2s;
        Some(craft(&self.params, cx, shown, &pair, list))
    }

    /// Reads what the server has sent.
    pub(super) fn answer(&mut self, cx: &mut AttackContext<'_>, bytes: &[u8]) -> Option<Read> {
        self.session.as_mut()?.read(cx, bytes)
    }
}
