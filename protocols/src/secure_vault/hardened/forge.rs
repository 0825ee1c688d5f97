//! What somebody who can name keys of challenges reads and writes in the hardened frames.

use crate::context::Context;
use crate::crypto::Crypto;

use super::super::equations::Key;
use super::super::messages::{M3, tag_of};
use super::super::params::Params;
use super::NONCE_BYTES;
use super::equations::{KeyPair, open, seal};
use super::messages::{Sealed, TAG_BYTES, plain3_bytes, plain4_bytes};

/// A sealed frame taken apart; its session id has been read by others.
fn sealed(frame: &[u8]) -> Option<Sealed<'_>> {
    let (covered, tag) = frame.split_at_checked(frame.len().checked_sub(TAG_BYTES)?)?;
    Some(Sealed {
        session_id: 0,
        iv: covered.get(5..21)?,
        ciphertext: covered.get(21..)?,
        covered,
        tag,
    })
}

/// An M3 under k1; `opening` are the bodies of M1 and M2.
pub(in crate::secure_vault) fn answer(
    cx: &mut Context<'_>,
    params: &Params,
    k1: &[u8],
    (opening, session_id): (&[u8], &[u8]),
    plain: &[u8],
) -> Vec<u8> {
    let keys = KeyPair::derive(cx.crypto, opening, &[k1], b"sv-m3", params.key_bytes);
    let mut frame = Vec::new();
    seal(cx, &keys, M3, session_id, plain, &mut frame);
    frame.insert(0, tag_of(M3));
    frame
}

/// t1, C2 and the plaintext of an M3 that is good under k1; `opening` are the bodies of M1 and M2.
pub(in crate::secure_vault) fn third(
    crypto: &mut Crypto,
    params: &Params,
    k1: &[u8],
    opening: &[u8],
    m3: &[u8],
) -> Option<(Key, Vec<u8>, Vec<u8>)> {
    let mb = params.key_bytes;
    let keys = KeyPair::derive(crypto, opening, &[k1], b"sv-m3", mb);
    let mut plain = Vec::new();
    open(
        crypto,
        &keys,
        &sealed(m3)?,
        plain3_bytes(params),
        &mut plain,
    )
    .ok()?;
    let mut t1 = Key::default();
    t1[..mb].copy_from_slice(plain.get(NONCE_BYTES..NONCE_BYTES + mb)?);
    let start = NONCE_BYTES + mb;
    let c2 = plain.get(start..start + params.challenge_bytes())?.to_vec();
    Some((t1, c2, plain))
}

/// t2 and the plaintext of an M4 that is good under k2 and t1; `bodies` are those of M1 to M3.
pub(in crate::secure_vault) fn fourth(
    crypto: &mut Crypto,
    params: &Params,
    (k2, t1): (&[u8], &[u8]),
    bodies: &[u8],
    m4: &[u8],
) -> Option<(Key, Vec<u8>)> {
    let mb = params.key_bytes;
    let keys = KeyPair::derive(crypto, bodies, &[k2, t1], b"sv-m4", mb);
    let mut plain = Vec::new();
    open(
        crypto,
        &keys,
        &sealed(m4)?,
        plain4_bytes(params),
        &mut plain,
    )
    .ok()?;
    let mut t2 = Key::default();
    t2[..mb].copy_from_slice(plain.get(NONCE_BYTES..)?);
    Some((t2, plain))
}

/// The session key; `bodies` are those of M1 to M4.
pub(in crate::secure_vault) fn session_key(
    crypto: &mut Crypto,
    params: &Params,
    (t1, t2): (&[u8], &[u8]),
    bodies: &[u8],
) -> Vec<u8> {
    let mut both = [0; 64];
    let mb = params.key_bytes;
    both[..mb].copy_from_slice(&t1[..mb]);
    both[mb..2 * mb].copy_from_slice(&t2[..mb]);
    let keys = KeyPair::derive(crypto, bodies, &[&both[..2 * mb]], b"sv-t", mb);
    keys.as_bytes().to_vec()
}
