//! What somebody who can name keys of challenges reads and writes in the prototype's texts.

use crate::context::Context;
use crate::crypto::Crypto;

use super::super::equations::Key;
use super::super::messages::Indices;
use super::super::params::Params;
use super::number_key;
use super::text::{
    SEPARATOR, inner, number, open, parse_list, seal, split, write_number, write_set,
};

/// M1 of a device.
pub(in crate::secure_vault) fn opening(id: u32, session_id: u32) -> Vec<u8> {
    let mut text = Vec::new();
    write_number(u128::from(id), &mut text);
    text.extend_from_slice(SEPARATOR);
    write_number(u128::from(session_id), &mut text);
    text
}

/// C1 in wire form and r1 of an M2.
pub(in crate::secure_vault) fn challenge(params: &Params, m2: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (set, r1) = split(inner(m2))?;
    let mut list = Vec::new();
    parse_list(inner(set), params.keys, &mut list)?;
    Some((list, r1.to_vec()))
}

/// An M2 that asks for any list.
pub(in crate::secure_vault) fn question(list: Indices<'_>, r1: u64) -> Vec<u8> {
    let mut text = vec![b'{'];
    write_set(list, &mut text);
    text.extend_from_slice(SEPARATOR);
    write_number(u128::from(r1), &mut text);
    text.push(b'}');
    text
}

/// An M3 under k1.
pub(in crate::secure_vault) fn answer(
    cx: &mut Context<'_>,
    params: &Params,
    (k1, r1): (&[u8], &[u8]),
    c2: Indices<'_>,
) -> Vec<u8> {
    let mut text = r1.to_vec();
    text.extend_from_slice(SEPARATOR);
    write_number(u128::from(cx.uniform(params.numbers + 1)), &mut text);
    text.extend_from_slice(SEPARATOR);
    text.push(b'{');
    write_set(c2, &mut text);
    text.push(b',');
    write_number(u128::from(cx.uniform(params.numbers + 1)), &mut text);
    text.push(b'}');
    let mut sealed = Vec::new();
    seal(cx, params, k1, &text, &mut sealed);
    sealed
}

/// t1, C2 and the plaintext of an M3 that opens under k1 and answers r1.
pub(in crate::secure_vault) fn third(
    crypto: &mut Crypto,
    params: &Params,
    (k1, r1): (&[u8], &[u8]),
    m3: &[u8],
) -> Option<(Key, Vec<u8>, Vec<u8>)> {
    let mut plain = Vec::new();
    open(crypto, k1, m3, &mut plain).then_some(())?;
    let (first, rest) = split(&plain)?;
    let (t1, rest) = split(rest)?;
    (first == r1).then_some(())?;
    let body = inner(rest);
    let end = body.iter().rposition(|byte| *byte == b'}')?;
    let mut c2 = Vec::new();
    parse_list(body.get(1..end)?, params.keys, &mut c2)?;
    Some((number_key(number(t1)?), c2, plain))
}

/// t2 and the plaintext of an M4 that opens under k2 XOR t1, as numbers written in decimal.
pub(in crate::secure_vault) fn fourth(
    crypto: &mut Crypto,
    key: &[u8],
    m4: &[u8],
) -> Option<(Key, Vec<u8>)> {
    let mut plain = Vec::new();
    open(crypto, key, m4, &mut plain).then_some(())?;
    let (r2, t2) = split(&plain)?;
    number(r2)?;
    Some((number_key(number(t2)?), plain))
}

/// A number as a key.
pub(in crate::secure_vault) fn share(number: u64) -> Key {
    number_key(u128::from(number))
}
