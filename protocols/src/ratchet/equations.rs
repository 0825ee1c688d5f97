//! The key schedule: derivation, evolution, and names of keys for observers.
//!
//! Pure functions over metered primitives. `K` is a master key, `M` the length of a MAC key.

use core::fmt;

use super::choice::{Defence, Kdf};
use super::params::Params;
use crate::crypto::{Crypto, fingerprint, tag};
use crate::output::{Fingerprint, Tag};

/// Length of a master key and of a cipher key, bytes.
pub(super) const KEY_BYTES: usize = 16;
/// Length of the two nonces of the hardened variant together, bytes.
pub(super) const NONCES_BYTES: usize = 32;

/// What the MAC key of server messages evolves with: the text's status code, of which it names one.
const STATUS: &[u8] = b"OK";

/// The keys of one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    /// Cipher key.
    pub(super) enc: [u8; KEY_BYTES],
    /// MAC key; bytes from M on are zero and unused.
    mac: [u8; 32],
}

impl Pair {
    /// The MAC key, M bytes.
    pub(super) fn mac(&self, params: &Params) -> &[u8] {
        &self.mac[..params.mac_key_bytes.min(32)]
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair")
    }
}

/// The four keys of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Client to server: C2S_Enc, C2S_Mac.
    pub(super) c2s: Pair,
    /// Server to client: S2C_Enc, S2C_Mac.
    pub(super) s2c: Pair,
}

impl Keys {
    /// C2S_Enc || C2S_Mac || S2C_Enc || S2C_Mac.
    pub(super) fn joined(&self, params: &Params) -> Vec<u8> {
        self.parts(params).concat()
    }

    /// The keys of [`Keys::joined`]; `None` when the bytes are no four keys.
    pub(super) fn split(params: &Params, bytes: &[u8]) -> Option<Self> {
        let half = KEY_BYTES + params.mac_key_bytes.min(32);
        let (c2s, s2c) = bytes.split_at_checked(half)?;
        let pair = |keys: &[u8]| {
            let (enc, given) = keys.split_first_chunk()?;
            let mut mac = [0; 32];
            mac.get_mut(..given.len())?.copy_from_slice(given);
            (keys.len() == half).then_some(Pair { enc: *enc, mac })
        };
        Some(Self {
            c2s: pair(c2s)?,
            s2c: pair(s2c)?,
        })
    }

    /// C2S_Enc || C2S_Mac || S2C_Enc || S2C_Mac, in parts.
    fn parts<'a>(&'a self, params: &Params) -> [&'a [u8]; 4] {
        [
            &self.c2s.enc,
            self.c2s.mac(params),
            &self.s2c.enc,
            self.s2c.mac(params),
        ]
    }
}

/// KDF(key, context, length of `out`).
fn derive(params: &Params, crypto: &mut Crypto, key: &[u8], context: &[u8], out: &mut [u8]) {
    match params.kdf {
        Kdf::HkdfInfo => crypto.hkdf_sha256(&[], key, context, out),
        Kdf::HkdfSalt => crypto.hkdf_sha256(context, key, &[], out),
        Kdf::Sha256 => crypto.hash_kdf(&[key, context], out),
    }
}

/// Derives a pair from two keys, each under its own context.
fn pair(params: &Params, crypto: &mut Crypto, enc: [&[u8]; 2], mac: [&[u8]; 2]) -> Pair {
    let mut next = Pair {
        enc: [0; KEY_BYTES],
        mac: [0; 32],
    };
    derive(params, crypto, enc[0], enc[1], &mut next.enc);
    derive(
        params,
        crypto,
        mac[0],
        mac[1],
        &mut next.mac[..params.mac_key_bytes.min(32)],
    );
    next
}

/// The keys at the start of a session, from K.
pub(super) fn initial(params: &Params, crypto: &mut Crypto, master: &[u8]) -> Keys {
    let c2s = pair(params, crypto, [master, b"C2S-ENC"], [master, b"C2S-MAC"]);
    if params.lacks(Defence::Binding) {
        return Keys { c2s, s2c: c2s };
    }
    let s2c = pair(params, crypto, [master, b"S2C-ENC"], [master, b"S2C-MAC"]);
    Keys { c2s, s2c }
}

/// The C2S pair after a HELLO or DATA with this IV and ciphertext.
pub(super) fn after_c2s(
    params: &Params,
    crypto: &mut Crypto,
    old: &Pair,
    iv: &[u8],
    ciphertext: &[u8],
) -> Pair {
    if !params.evolves() {
        return *old;
    }
    pair(
        params,
        crypto,
        [&old.enc, ciphertext],
        [old.mac(params), iv],
    )
}

/// The S2C pair after a CHALLENGE or RESPONSE with this payload (before padding).
pub(super) fn after_s2c(params: &Params, crypto: &mut Crypto, old: &Pair, payload: &[u8]) -> Pair {
    if !params.evolves() {
        return *old;
    }
    pair(
        params,
        crypto,
        [&old.enc, payload],
        [old.mac(params), STATUS],
    )
}

/// The pair mixed with both nonces of the hardened variant.
pub(super) fn mixed(params: &Params, crypto: &mut Crypto, old: &Pair, nonces: &[u8]) -> Pair {
    let mut context = [0; 3 + NONCES_BYTES];
    context[..3].copy_from_slice(b"MIX");
    for (byte, nonce) in context[3..].iter_mut().zip(nonces) {
        *byte = *nonce;
    }
    pair(
        params,
        crypto,
        [&old.enc, &context],
        [old.mac(params), &context],
    )
}

/// Names the keys for observers.
pub(super) fn key_id(params: &Params, keys: &Keys) -> Tag {
    tag("key-id", &keys.parts(params))
}

/// Names the state that both ends share, for observers.
pub(super) fn state(params: &Params, keys: &Keys, round: u32) -> Fingerprint {
    let [c2s_enc, c2s_mac, s2c_enc, s2c_mac] = keys.parts(params);
    fingerprint(&[c2s_enc, c2s_mac, s2c_enc, s2c_mac, &round.to_be_bytes()])
}
