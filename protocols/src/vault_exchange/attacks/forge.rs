//! Frames of an attacker's own, and frames of others taken apart.

use crate::address::Address;
use crate::attack::{AttackContext, Setup};
use crate::vault_exchange::equations::KEY_BYTES_MAX;
use crate::vault_exchange::messages::{CONFIRM, INDICES, KEY, MAC_BYTES, NONCE_BYTES, REPLY, Wire};
use crate::vault_exchange::params::Params;
use crate::vault_exchange::{DEVICE, PORT, SERVER};

/// A key of mb bytes in the width of the longest.
pub(super) type Key = [u8; KEY_BYTES_MAX];

/// Adds one key to another.
pub(super) fn add(into: &mut Key, other: &Key) {
    for (byte, more) in into.iter_mut().zip(other) {
        *byte ^= more;
    }
}

/// A key in the fixed width.
pub(super) fn widen(bytes: &[u8]) -> Key {
    let mut key = Key::default();
    let width = bytes.len().min(key.len());
    key[..width].copy_from_slice(&bytes[..width]);
    key
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// INDICES.
    Question,
    /// KEY, in `hardened` REPLY.
    Answer,
    /// CONFIRM.
    Confirm,
}

/// What a frame is, by its first byte.
pub(super) fn kind(params: &Params, frame: &[u8]) -> Option<Kind> {
    match (frame.first(), params.hardened()) {
        (Some(&INDICES), _) => Some(Kind::Question),
        (Some(&KEY), false) | (Some(&REPLY), true) => Some(Kind::Answer),
        (Some(&CONFIRM), true) => Some(Kind::Confirm),
        _ => None,
    }
}

/// The name of the server's answer.
pub(super) fn answer_name(params: &Params) -> &'static str {
    if params.hardened() { "REPLY" } else { "KEY" }
}

/// The indices of a request, as far as the frame has them.
pub(super) fn indices<'a>(params: &Params, frame: &'a [u8]) -> &'a [u8] {
    let count_at = if params.hardened() { 25 } else { 1 };
    let count = frame.get(count_at).map_or(0, |count| usize::from(*count));
    let rest = frame.get(count_at + 1..).unwrap_or_default();
    &rest[..count.min(rest.len())]
}

/// The combined key in an answer; `hardened` sends none.
pub(super) fn combined<'a>(params: &Params, frame: &'a [u8]) -> Option<&'a [u8]> {
    if params.hardened() {
        return None;
    }
    frame.get(1..=params.key_bytes)
}

/// A request for `indices`.
pub(super) fn request(
    params: &Params,
    device_id: u32,
    indices: &[u8],
    cx: &mut AttackContext<'_>,
) -> Vec<u8> {
    let mut frame = Vec::new();
    if params.hardened() {
        let (mut session_id, mut nonce) = ([0; 4], [0; NONCE_BYTES]);
        cx.random(&mut session_id);
        cx.random(&mut nonce);
        Wire::write_hardened_indices(device_id, session_id, nonce, indices, &mut frame);
    } else {
        params.wire.write_indices(indices, &mut frame);
    }
    frame
}

/// An answer with this key. In `hardened` a REPLY to `request` with a MAC of random bytes: who does
/// not know the vault has no better one.
pub(super) fn answer(
    params: &Params,
    key: &[u8],
    request: &[u8],
    cx: &mut AttackContext<'_>,
) -> Vec<u8> {
    let mut frame = Vec::new();
    if params.hardened() {
        let session_id = request
            .get(5..9)
            .and_then(|id| id.first_chunk::<4>())
            .map_or(0, |id| u32::from_be_bytes(*id));
        let mut nonce = [0; NONCE_BYTES];
        cx.random(&mut nonce);
        Wire::write_reply(session_id, 0, nonce, &mut frame);
        frame.extend(random_mac(cx));
    } else {
        params.wire.write_key(key, &mut frame);
    }
    frame
}

/// A CONFIRM of `request` with a MAC of random bytes.
pub(super) fn confirm(request: &[u8], cx: &mut AttackContext<'_>) -> Vec<u8> {
    let mut frame = vec![CONFIRM];
    frame.extend_from_slice(request.get(5..9).unwrap_or(&[0; 4]));
    frame.extend(random_mac(cx));
    frame
}

fn random_mac(cx: &mut AttackContext<'_>) -> [u8; MAC_BYTES] {
    let mut mac = [0; MAC_BYTES];
    cx.random(&mut mac);
    mac
}

/// A random key.
pub(super) fn random_key(params: &Params, cx: &mut AttackContext<'_>) -> Vec<u8> {
    let mut key = vec![0; params.key_bytes];
    cx.random(&mut key);
    key
}

/// A random challenge: p different indices.
pub(super) fn challenge(params: &Params, cx: &mut AttackContext<'_>) -> Vec<u8> {
    let mut all: Vec<u8> = (0..=255).take(params.keys).collect();
    for place in 0..params.challenge {
        let distance = cx.uniform((params.keys - place) as u64);
        all.swap(place, place + usize::try_from(distance).unwrap_or(0));
    }
    all.truncate(params.challenge);
    all
}

/// What a claim of kind `challenge-key` says: the indices, then the key.
pub(super) fn named(params: &Params, list: &[u8], key: &Key) -> Vec<u8> {
    let mut bytes = list.to_vec();
    bytes.extend_from_slice(&key[..params.key_bytes]);
    bytes
}

/// Whom an attacker has before it: one device and its server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Couple {
    pub(super) device: Address,
    /// The device's id in `hardened`.
    pub(super) id: u32,
    pub(super) server: Address,
}

impl Couple {
    /// The first device next to the attacker, and the first server.
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let nobody = Address::new(u32::MAX, PORT);
        let device = setup.first_of(DEVICE).unwrap_or(nobody);
        let mut parties = setup.roster.parties.iter();
        let party = parties.find(|party| party.host == device.host);
        Self {
            device,
            id: party.map_or(0, |party| party.ordinal),
            server: setup.first_of(SERVER).unwrap_or(nobody),
        }
    }
}
