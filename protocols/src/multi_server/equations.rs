//! The equations, as pure functions over the metered primitives.
//!
//! Every hash is `h`: SHA-256 over the parts, each preceded by its length as 4 bytes, so that no
//! two lists of parts meet. A function that a variant changes takes the parameters and says where
//! it departs from the text.

pub(crate) mod card;
pub(crate) mod login;
pub(crate) mod update;

use crate::crypto::{Crypto, sha256_unmetered};
use crate::output::{Fingerprint, Tag};

/// A value of the protocol: the output of `h`, or something as wide.
pub(crate) type Hash = [u8; 32];

/// Most parts of one hash.
const PARTS_MAX: usize = 12;

/// Puts the length of each part before it and hands the pieces to `use_them`.
fn with_lengths<R>(parts: &[&[u8]], use_them: impl FnOnce(&[&[u8]]) -> R) -> R {
    debug_assert!(
        parts.len() <= PARTS_MAX,
        "no hash of the protocol has more parts"
    );
    let mut lengths = [[0; 4]; PARTS_MAX];
    for (length, part) in lengths.iter_mut().zip(parts) {
        // No part is as long as 4 GiB: datagrams and records are far shorter.
        *length = u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
    }
    let mut pieces: [&[u8]; 2 * PARTS_MAX] = [&[]; 2 * PARTS_MAX];
    let pairs = pieces.chunks_exact_mut(2).zip(&lengths);
    for ((pair, length), part) in pairs.zip(parts) {
        pair[0] = length;
        pair[1] = part;
    }
    use_them(&pieces[..2 * parts.len().min(PARTS_MAX)])
}

/// `h(p1, .., pn)`; at most 12 parts.
pub(crate) fn h(crypto: &mut Crypto, parts: &[&[u8]]) -> Hash {
    with_lengths(parts, |pieces| crypto.sha256(pieces))
}

/// First 8 bytes of `h(label, p1, .., pn)`, for observers: not metered.
pub(crate) fn tag(label: &str, parts: &[&[u8]]) -> Tag {
    observed(label, parts)
}

/// First 16 bytes of `h("state", value)`, for observers: not metered.
pub(crate) fn state(value: &[u8]) -> Fingerprint {
    observed("state", &[value])
}

fn observed<const N: usize>(label: &str, parts: &[&[u8]]) -> [u8; N] {
    let mut all: [&[u8]; PARTS_MAX] = [&[]; PARTS_MAX];
    all[0] = label.as_bytes();
    let count = 1 + parts.len().min(PARTS_MAX - 1);
    all[1..count].copy_from_slice(&parts[..count - 1]);
    let hash = with_lengths(&all[..count], sha256_unmetered);
    let mut head = [0; N];
    head.copy_from_slice(&hash[..N]);
    head
}

/// XORs the mask stream `KS(parts; data.len())` into `data`: block k is `h(parts.., k)`.
pub(crate) fn mask(crypto: &mut Crypto, parts: &[&[u8]], data: &mut [u8]) {
    for (block, chunk) in (0u32..).zip(data.chunks_mut(32)) {
        let counter = block.to_be_bytes();
        let mut all: [&[u8]; PARTS_MAX] = [&[]; PARTS_MAX];
        let count = parts.len().min(PARTS_MAX - 1);
        all[..count].copy_from_slice(&parts[..count]);
        all[count] = &counter;
        let stream = h(crypto, &all[..=count]);
        crypto.xor(chunk, &stream);
    }
}

/// `left XOR right`.
pub(crate) fn xor(crypto: &mut Crypto, left: &Hash, right: &Hash) -> Hash {
    let mut out = *left;
    crypto.xor(&mut out, right);
    out
}

/// P_j = h(ID_j, r_S, PW_j).
pub(crate) fn server_secret(crypto: &mut Crypto, id: &[u8], r_s: &[u8], password: &[u8]) -> Hash {
    h(crypto, &[id, r_s, password])
}

/// Q_j = h(ID_j, PW_j) XOR P_j.
pub(crate) fn server_proof_key(crypto: &mut Crypto, id: &[u8], password: &[u8], p: &Hash) -> Hash {
    let typed = h(crypto, &[id, password]);
    xor(crypto, &typed, p)
}

/// SSK_j = h(K_rc, P_j, SRT_j).
pub(crate) fn server_key(crypto: &mut Crypto, k_rc: &[u8], p: &Hash, registered: u64) -> Hash {
    h(crypto, &[k_rc, p, &registered.to_be_bytes()])
}

/// What the registration centre issues to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    /// The verifier of the user at centre and servers.
    pub(crate) c: Hash,
    /// A XOR USK.
    pub(crate) d: Hash,
}

/// C and D for a user with UID and A, under a fresh r3; USK = h(UID, K_rc, r3).
pub(crate) fn issue(crypto: &mut Crypto, k_rc: &[u8], r3: &Hash, uid: &Hash, a: &Hash) -> Issue {
    let usk = h(crypto, &[uid, k_rc, r3]);
    let bound = h(crypto, &[k_rc, r3, a]);
    let own = h(crypto, &[uid, a]);
    let half = xor(crypto, &bound, &usk);
    Issue {
        c: xor(crypto, &half, &own),
        d: xor(crypto, a, &usk),
    }
}
