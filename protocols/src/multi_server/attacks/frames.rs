//! Frames as attackers read and write them.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::View;
use crate::crypto::Crypto;
use crate::multi_server::equations::login::{Transcript, alpha, beta};
use crate::multi_server::equations::{Hash, xor};
use crate::multi_server::literal::messages as text;
use crate::multi_server::literal::text::{digest, hex};
use crate::multi_server::messages::{AuthRep, AuthReq, Message, PaddedLoc, decode, unpadded};
use crate::multi_server::params::Params;

/// The request in a binary frame.
pub(super) fn request(params: &Params, bytes: &[u8]) -> Option<AuthReq> {
    if params.literal() {
        return None;
    }
    match decode(params, bytes) {
        Ok(Message::AuthReq(request)) => Some(request),
        _ => None,
    }
}

/// The answer in a binary frame.
pub(super) fn reply(params: &Params, bytes: &[u8]) -> Option<AuthRep> {
    if params.literal() {
        return None;
    }
    match decode(params, bytes) {
        Ok(Message::AuthRep(reply)) => Some(reply),
        _ => None,
    }
}

/// The request in a frame of `literal`.
pub(super) fn text_request(params: &Params, bytes: &[u8]) -> Option<text::AuthReq> {
    if !params.literal() {
        return None;
    }
    match text::decode(params, bytes) {
        Ok(text::Message::AuthReq(request)) => Some(request),
        _ => None,
    }
}

/// The answer in a frame of `literal`.
pub(super) fn text_reply(params: &Params, bytes: &[u8]) -> Option<text::AuthRep> {
    if !params.literal() {
        return None;
    }
    match text::decode(params, bytes) {
        Ok(text::Message::AuthRep(reply)) => Some(reply),
        _ => None,
    }
}

/// A frame of a binary message.
pub(super) fn frame(params: &Params, message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(params, &mut out);
    out
}

/// A frame of a message of `literal`.
pub(super) fn text_frame(params: &Params, message: &text::Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(params, &mut out);
    out
}

/// A login that passed by, both frames of it.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// The first frame.
    pub(super) frame: u64,
    pub(super) user: Address,
    pub(super) asked: AuthReq,
    pub(super) reply: AuthRep,
}

/// Requests that are not answered yet, by the address of the user.
#[derive(Debug, Default)]
pub(super) struct Logins {
    open: BTreeMap<Address, (u64, AuthReq)>,
}

impl Logins {
    /// Reads a frame; a login when it was the answer of one.
    pub(super) fn see(&mut self, params: &Params, view: &View<'_>) -> Option<Login> {
        if let Some(asked) = request(params, view.bytes) {
            self.open.insert(view.from, (view.frame, asked));
            return None;
        }
        let reply = reply(params, view.bytes)?;
        let (frame, asked) = self.open.remove(&view.to)?;
        Some(Login {
            frame,
            user: view.to,
            asked,
            reply,
        })
    }
}

impl Login {
    /// SK of the login if it was one of the user with this UID and verifier at the server `id`.
    pub(super) fn key(
        &self,
        params: &Params,
        crypto: &mut Crypto,
        id: &[u8],
        (uid, c): (&Hash, &Hash),
    ) -> Option<Hash> {
        let transcript = Transcript {
            uid,
            id,
            c,
            beta: &self.asked.beta,
            t1: self.asked.t1,
            t2: self.reply.t2,
            nonces: self.asked.nonce.as_ref().zip(self.reply.nonce.as_ref()),
        };
        let grant = transcript.grant(params, crypto, &self.reply.gamma);
        let sigma = transcript.sigma(crypto, &grant)?;
        (sigma == self.reply.sigma).then(|| transcript.session_key(params, crypto, &grant))
    }
}

/// A server as the list on a card names it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Vec<u8>,
    pub(super) ssk: Hash,
    pub(super) loc: PaddedLoc,
    /// Q_j, where lists carry it.
    pub(super) q: Option<Hash>,
}

/// The servers of a list in clear.
pub(super) fn entries(params: &Params, list: &[u8]) -> Vec<Entry> {
    let records = list.chunks_exact(params.list_record());
    let entry = |record: &[u8]| {
        Some(Entry {
            id: unpadded(record.get(..16)?).to_vec(),
            ssk: record.get(16..48)?.try_into().ok()?,
            loc: record.get(48..72)?.try_into().ok()?,
            q: record.get(72..104).and_then(|q| q.try_into().ok()),
        })
    };
    records.filter_map(entry).collect()
}

/// A request for the user with this UID and verifier.
pub(super) fn forge_request(
    params: &Params,
    cx: &mut crate::attack::AttackContext<'_>,
    (id, ssk): (&[u8], &Hash),
    (uid, c): (&Hash, &Hash),
    t1: u64,
) -> AuthReq {
    let nonce = params.hardened().then(|| {
        let mut nonce = [0; 16];
        cx.random(&mut nonce);
        nonce
    });
    AuthReq {
        alpha: alpha(params, cx.crypto, uid, (id, ssk), t1, nonce.as_ref()),
        beta: beta(cx.crypto, uid, ssk, c, t1, nonce.as_ref()),
        t1,
        nonce,
    }
}

/// The same in the prototype, which sends UID and C in clear.
pub(super) fn forge_text_request(
    cx: &mut crate::attack::AttackContext<'_>,
    (id, ssk): (&[u8], &Hash),
    (uid, c): (&Hash, &Hash),
    t1: u64,
) -> text::AuthReq {
    let id = core::str::from_utf8(id).unwrap_or_default();
    let (ssk, t1) = (hex(ssk), t1.to_string());
    let (uid_text, c) = (hex(uid), hex(c));
    let stream = digest(cx.crypto, &[id, &ssk, &t1]);
    let beta = digest(cx.crypto, &[&uid_text, &ssk, &c, &t1]);
    text::AuthReq {
        alpha: hex(&xor(cx.crypto, uid, &stream)),
        beta: hex(&beta),
        t1,
        c,
        uid: uid_text,
        id: id.to_owned(),
    }
}

/// UID in a request, for a server of the list.
pub(super) fn unmask(params: &Params, crypto: &mut Crypto, asked: &AuthReq, entry: &Entry) -> Hash {
    let sealed = (&entry.id[..], &entry.ssk);
    alpha(
        params,
        crypto,
        &asked.alpha,
        sealed,
        asked.t1,
        asked.nonce.as_ref(),
    )
}

/// A value of 32 bytes that was granted.
pub(super) fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}
