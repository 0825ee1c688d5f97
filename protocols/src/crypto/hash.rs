//! Hashes, MACs and key derivation.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::Crypto;
use super::trace::Work;
use crate::meter::Primitive;
use crate::output::{Fingerprint, Tag};

fn total(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum()
}

/// First 8 bytes of SHA-256 over the label and the parts joined: names a session, a run or a key
/// for observers. Not metered.
#[must_use]
pub fn tag(label: &str, parts: &[&[u8]]) -> Tag {
    first(&hash_labelled(label, parts))
}

/// First 16 bytes of SHA-256("state" || parts joined): names a shared value for observers. Not
/// metered.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> Fingerprint {
    first(&hash_labelled("state", parts))
}

/// SHA-256 of the parts joined, for observers. Not metered.
#[must_use]
pub fn sha256_unmetered(parts: &[&[u8]]) -> [u8; 32] {
    hash_labelled("", parts)
}

fn hash_labelled(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(label.as_bytes());
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut head = [0; N];
    head.copy_from_slice(&hash[..N]);
    head
}

impl Crypto {
    /// SHA-1 of the parts joined.
    pub fn sha1(&mut self, parts: &[&[u8]]) -> [u8; 20] {
        self.meter.add(Primitive::Sha1, 1, total(parts));
        let mut hash = Sha1::new();
        for part in parts {
            hash.update(part);
        }
        let digest: [u8; 20] = hash.finalize().into();
        self.note(|| Work::new("sha1", &digest).parts(parts));
        digest
    }

    /// SHA-256 of the parts joined.
    pub fn sha256(&mut self, parts: &[&[u8]]) -> [u8; 32] {
        self.meter.add(Primitive::Sha256, 1, total(parts));
        let digest = hash_labelled("", parts);
        self.note(|| Work::new("sha256", &digest).parts(parts));
        digest
    }

    /// SHA-512 of the parts joined.
    pub fn sha512(&mut self, parts: &[&[u8]]) -> [u8; 64] {
        self.meter.add(Primitive::Sha512, 1, total(parts));
        let mut hash = Sha512::new();
        for part in parts {
            hash.update(part);
        }
        let digest: [u8; 64] = hash.finalize().into();
        self.note(|| Work::new("sha512", &digest).parts(parts));
        digest
    }

    /// HMAC-SHA-256 of the parts joined under `key` of any length.
    pub fn hmac_sha256(&mut self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        // A key longer than a block is hashed first: those bytes are work too.
        let long_key = if key.len() > 64 { key.len() } else { 0 };
        self.meter
            .add(Primitive::HmacSha256, 1, total(parts) + long_key);
        let mac = hmac_sha256_unmetered(key, parts);
        self.note(|| Work::new("hmac_sha256", &mac).with("key", key).parts(parts));
        mac
    }

    /// HMAC-SHA-512 of the parts joined under `key` of any length.
    pub fn hmac_sha512(&mut self, key: &[u8], parts: &[&[u8]]) -> [u8; 64] {
        let long_key = if key.len() > 128 { key.len() } else { 0 };
        self.meter
            .add(Primitive::HmacSha512, 1, total(parts) + long_key);
        let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part);
        }
        let mac: [u8; 64] = mac.finalize().into_bytes().into();
        self.note(|| Work::new("hmac_sha512", &mac).with("key", key).parts(parts));
        mac
    }

    /// HKDF-SHA-256 (RFC 5869): extract with `salt`, expand with `info` into `out`.
    ///
    /// At most 8160 bytes can be derived; the rest of a longer `out` is zeroed.
    pub fn hkdf_sha256(&mut self, salt: &[u8], key: &[u8], info: &[u8], out: &mut [u8]) {
        self.meter.add(Primitive::Kdf, 1, out.len());
        let longest = out.len().min(255 * 32);
        let (head, tail) = out.split_at_mut(longest);
        tail.fill(0);
        Hkdf::<Sha256>::new(Some(salt), key)
            .expand(info, head)
            .expect("the length is within what HKDF can expand");
        self.note(|| {
            Work::new("hkdf_sha256", out)
                .with("salt", salt)
                .with("key", key)
                .with("info", info)
        });
    }

    /// A key derivation by plain hash: the first `out.len()` (at most 32) bytes of SHA-256 of the
    /// parts joined; counted as a key derivation.
    pub fn hash_kdf(&mut self, parts: &[&[u8]], out: &mut [u8]) {
        self.meter.add(Primitive::Kdf, 1, out.len());
        let hash = hash_labelled("", parts);
        for (byte, derived) in out.iter_mut().zip(hash) {
            *byte = derived;
        }
        self.note(|| Work::new("hash_kdf", out).parts(parts));
    }
}

/// HMAC-SHA-256 of the parts joined, for observers. Not metered.
#[must_use]
pub fn hmac_sha256_unmetered(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// SHA-256 over data that comes in pieces ([`Crypto::sha256_add`]); of nothing it is the hash of
/// the empty string.
#[derive(Clone, Debug, Default)]
pub struct RunningSha256(Sha256);

impl Crypto {
    /// Hashes one more piece; counts its bytes, not a call.
    pub fn sha256_add(&mut self, running: &mut RunningSha256, piece: &[u8]) {
        self.meter.add(Primitive::Sha256, 0, piece.len());
        running.0.update(piece);
        self.note(|| Work::new("sha256_add", &[]).with("part", piece));
    }

    /// The hash of all pieces joined; counts one call.
    pub fn sha256_end(&mut self, running: RunningSha256) -> [u8; 32] {
        self.meter.add(Primitive::Sha256, 1, 0);
        let digest: [u8; 32] = running.0.finalize().into();
        self.note(|| Work::new("sha256_end", &digest));
        digest
    }
}
