//! The computations: login hashes, toy Diffie-Hellman, names for observers, and the MACs of the
//! hardened variant.

use crate::context::Context;
use crate::crypto::{self, Crypto};
use crate::output::{Fingerprint, Tag};

use super::messages::Salt;
use super::params::{Group, Params, Without};

/// What the user table holds for a password: 64 ASCII bytes, or the 32 bytes of the password itself
/// where the broken twin leaves hashing out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    bytes: [u8; 64],
    length: u8,
}

impl Stored {
    /// Bytes of the longest form.
    pub const SIZE: usize = 64;

    /// `hex(SHA-256(password))`: one metered hash.
    #[must_use]
    pub fn new(crypto: &mut Crypto, params: &Params, password: &[u8]) -> Self {
        if params.lacks(Without::Hash) {
            return Self::plain(password);
        }
        let digest = crypto.sha256(&[password]);
        Self {
            bytes: hex(&digest),
            length: 64,
        }
    }

    fn plain(password: &[u8]) -> Self {
        let mut bytes = [0; 64];
        let length = password.len().min(32);
        bytes[..length].copy_from_slice(&password[..length]);
        Self { bytes, length: 32 }
    }

    /// The value in a record of the user table; a record of another length gives one that no
    /// password has.
    #[must_use]
    pub fn from_record(record: &[u8], params: &Params) -> Self {
        let length = Self::record_size(params);
        let mut bytes = [0; 64];
        let known = record.len().min(length);
        bytes[..known].copy_from_slice(&record[..known]);
        Self {
            bytes,
            length: if length == 64 { 64 } else { 32 },
        }
    }

    /// Bytes that the value takes in a record.
    #[must_use]
    pub fn record_size(params: &Params) -> usize {
        if params.lacks(Without::Hash) { 32 } else { 64 }
    }

    /// The bytes of the value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// `SHA-256(stored || hex(salt))`: login_hash with the device's salt, server_hash with the client's.
#[must_use]
pub fn salted_hash(crypto: &mut Crypto, params: &Params, stored: &Stored, salt: &Salt) -> [u8; 32] {
    if params.lacks(Without::Hash) {
        let mut plain = [0; 32];
        plain.copy_from_slice(&stored.bytes[..32]);
        return plain;
    }
    let salt: [u8; 32] = hex(salt);
    crypto.sha256(&[stored.as_bytes(), &salt])
}

/// The two MACs of the handshake and what they bind, in the hardened variant.
pub mod hardened {
    use super::{Crypto, Salt, Stored};

    /// `login_hash` over a PASS frame whose own login_hash field is taken as zero.
    #[must_use]
    pub fn login_mac(crypto: &mut Crypto, stored: &Stored, salt: &Salt, pass: &[u8]) -> [u8; 32] {
        let (tag, after) = (pass.get(..5), pass.get(37..));
        crypto.hmac_sha256(
            stored.as_bytes(),
            &[
                b"RU-C",
                salt,
                tag.unwrap_or_default(),
                &[0; 32],
                after.unwrap_or_default(),
            ],
        )
    }

    /// `server_hash` over the PASS frame and an ENCRYPT frame whose own server_hash field is taken
    /// as zero.
    #[must_use]
    pub fn server_mac(
        crypto: &mut Crypto,
        stored: &Stored,
        pass_digest: &[u8; 32],
        encrypt: &[u8],
    ) -> [u8; 32] {
        let (tag, after) = (encrypt.get(..1), encrypt.get(33..));
        crypto.hmac_sha256(
            stored.as_bytes(),
            &[
                b"RU-D",
                pass_digest,
                tag.unwrap_or_default(),
                &[0; 32],
                after.unwrap_or_default(),
            ],
        )
    }

    /// `Ks`, which authenticates the inner frames.
    #[must_use]
    pub fn session_key(
        crypto: &mut Crypto,
        stored: &Stored,
        pass_digest: &[u8; 32],
        encrypt: &[u8],
        shared: u32,
    ) -> [u8; 32] {
        let encrypt_digest = crypto.sha256(&[encrypt]);
        crypto.hmac_sha256(
            stored.as_bytes(),
            &[b"RU-K", pass_digest, &encrypt_digest, &shared.to_be_bytes()],
        )
    }
}

/// More draws of an exponent than this are not made: an entropy that repeats itself for ever must
/// not hang a machine.
const EXPONENT_DRAWS_MAX: u32 = 1024;

/// Draws an own exponent and its public value `g^e mod p`, until that is in 2..p-2.
pub fn draw_exponent(cx: &mut Context<'_>, group: &Group) -> (u32, u32) {
    for _ in 0..EXPONENT_DRAWS_MAX {
        let exponent = cx.uniform(group.exponent_max + 1);
        let public = cx.crypto.mod_pow(group.generator, exponent, group.prime);
        if in_range(public, group) {
            return (u32::try_from(exponent).unwrap_or(u32::MAX), public);
        }
    }
    (1, group.generator)
}

/// True when a public value is in 2..p-2.
#[must_use]
pub const fn in_range(public: u32, group: &Group) -> bool {
    public >= 2 && public <= group.prime - 2
}

/// `S`: the peer's value to the own exponent, in 1..p-1 for a peer value in range.
#[must_use]
pub fn shared_secret(crypto: &mut Crypto, peer: u32, exponent: u32, group: &Group) -> u32 {
    crypto.mod_pow(peer, u64::from(exponent), group.prime)
}

/// `run`: names the transcript of a login for observers.
#[must_use]
pub fn run_tag(salt: &Salt, client_salt: &Salt) -> Tag {
    crypto::tag("run", &[salt, client_salt])
}

/// `session`: names a login for observers.
#[must_use]
pub fn session_tag(salt: &Salt, client_salt: &Salt) -> Tag {
    crypto::tag("session", &[salt, client_salt])
}

/// A public key as the two ends see it.
#[derive(Clone, Copy, Debug)]
pub struct KeyView<'a> {
    /// Big-endian modulus.
    pub modulus: &'a [u8],
    /// Public exponent.
    pub exponent: u32,
}

/// `key_id`: names what both ends hold for a connection; `session_key` only where there is one.
#[must_use]
pub fn key_id(
    client: KeyView<'_>,
    device: KeyView<'_>,
    shared: u32,
    session_key: Option<&[u8; 32]>,
) -> Tag {
    crypto::tag(
        "key-id",
        &[
            client.modulus,
            &client.exponent.to_be_bytes(),
            device.modulus,
            &device.exponent.to_be_bytes(),
            &shared.to_be_bytes(),
            session_key.map_or(&[], |key| key.as_slice()),
        ],
    )
}

/// Fingerprint of what both ends share: `key_id || n`.
#[must_use]
pub fn state_fingerprint(key_id: &Tag, n: u64) -> Fingerprint {
    crypto::fingerprint(&[key_id, &n.to_be_bytes()])
}

/// `digest`: first 8 bytes of SHA-256 of a text.
#[must_use]
pub fn digest(text: &[u8]) -> Tag {
    crypto::tag("", &[text])
}

/// Lower-case hexadecimal ASCII; `out` takes two bytes for each of `bytes`, the rest stays zero.
#[must_use]
pub fn hex<const N: usize>(bytes: &[u8]) -> [u8; N] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; N];
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0F)];
    }
    out
}
