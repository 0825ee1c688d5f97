//! The device's side of a handshake, played by somebody who can name keys of challenges.

use crate::address::Address;
use crate::attack::AttackContext;
use crate::context::{Buffers, Context};
use crate::effect::Effects;
use crate::secure_vault::equations::{Key, fixed_challenge};
use crate::secure_vault::messages::{Indices, M1, M3, indices, tag_of};
use crate::secure_vault::params::Params;
use crate::secure_vault::sealing::seal;
use crate::storage::MemoryStorage;

/// An M1 under the id of a device.
pub(super) fn opening(id: u32, cx: &mut AttackContext<'_>) -> Vec<u8> {
    let mut frame = vec![0; 9];
    cx.random(&mut frame[5..]);
    frame[0] = tag_of(M1);
    frame[1..5].copy_from_slice(&id.to_be_bytes());
    frame
}

/// Challenge and r1 of an M2.
pub(super) fn challenge<'a>(params: &Params, m2: &'a [u8]) -> (Indices<'a>, &'a [u8]) {
    let body = m2.get(1..).unwrap_or(&[]);
    body.split_at_checked(body.len().saturating_sub(params.key_bytes))
        .map_or((&[], &[]), |(list, r1)| (indices(list), r1))
}

/// An M3 that answers an M2 under k1, with a challenge of the forger's choice.
pub(super) fn answer(params: &Params, m2: &[u8], k1: &Key, cx: &mut AttackContext<'_>) -> Vec<u8> {
    let mb = params.key_bytes;
    let (c1, r1) = challenge(params, m2);
    let mut plain = r1.to_vec();
    plain.resize(2 * mb, 0);
    cx.random(&mut plain[mb..]);
    fixed_challenge(params, Some(c1), &mut plain);
    let nonce = plain.len();
    plain.resize(nonce + mb, 0);
    cx.random(&mut plain[nonce..]);
    let mut frame = vec![tag_of(M3)];
    let (storage, mut effects) = (MemoryStorage::default(), Effects::default());
    let mut inner = Context {
        now: cx.now,
        storage: &storage,
        entropy: cx.entropy,
        crypto: cx.crypto,
        effects: &mut effects,
        buffers: &mut Buffers::default(),
    };
    seal(&mut inner, params, &k1[..mb], &plain, &mut frame);
    frame
}

/// The address under which the server knows a device.
pub(super) const fn address(host: u32) -> Address {
    Address::new(host, crate::secure_vault::PORT)
}
