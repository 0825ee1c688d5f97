//! A handshake read, or played, by somebody who can name keys of challenges, in the words of each
//! variant.

use crate::address::Address;
use crate::attack::{AttackContext, View};
use crate::context::{Buffers, Context};
use crate::crypto::Crypto;
use crate::effect::Effects;
use crate::secure_vault::equations::{Exchange, Key, fixed_challenge, update_vault};
use crate::secure_vault::hardened;
use crate::secure_vault::literal;
use crate::secure_vault::messages::{Indices, M1, M2, M3, M4, indices, tag_of};
use crate::secure_vault::params::{Params, Variant};
use crate::secure_vault::sealing::{open, seal};
use crate::storage::MemoryStorage;

/// The frames of one handshake, as they passed.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) m1: Vec<u8>,
    pub(super) m2: Vec<u8>,
    pub(super) m3: Vec<u8>,
    pub(super) m4: Vec<u8>,
}

impl Seen {
    /// Keeps a frame; an M1 begins anew.
    pub(super) fn keep(&mut self, view: &View<'_>) {
        let bytes = view.bytes.to_vec();
        match view.message {
            Some(M1) => {
                *self = Self {
                    m1: bytes,
                    ..Self::default()
                }
            }
            Some(M2) => self.m2 = bytes,
            Some(M3) => self.m3 = bytes,
            Some(M4) => self.m4 = bytes,
            _ => {}
        }
    }

    /// What the first so many messages add to the transcript: their bodies, in `literal` their texts.
    fn joined(&self, params: &Params, count: usize) -> Vec<u8> {
        let tag = usize::from(params.variant != Variant::Literal);
        let all = [&self.m1, &self.m2, &self.m3, &self.m4];
        let parts = all.iter().take(count);
        parts
            .flat_map(|frame| frame.get(tag..).unwrap_or(&[]))
            .copied()
            .collect()
    }
}

/// What an M3 says.
#[derive(Clone, Debug)]
pub(super) struct Third {
    pub(super) t1: Key,
    /// C2 in wire form.
    pub(super) c2: Vec<u8>,
    plain: Vec<u8>,
}

impl Third {
    /// The epoch of the device's vault, which closes an M3 of `hardened`.
    pub(super) fn epoch(&self) -> u32 {
        let last = self.plain.last_chunk::<4>();
        last.map_or(0, |epoch| u32::from_be_bytes(*epoch))
    }
}

/// What an M4 says.
#[derive(Clone, Debug)]
pub(super) struct Fourth {
    t2: Key,
    plain: Vec<u8>,
}

/// An M1 under the id of a device; `epoch` is that of its vault, which only `hardened` names.
pub(super) fn opening(params: &Params, id: u32, epoch: u32, cx: &mut AttackContext<'_>) -> Vec<u8> {
    if params.variant == Variant::Literal {
        let session_id = cx.uniform(u64::from(params.keys));
        return literal::opening(id, u32::try_from(session_id).unwrap_or(0) + 1);
    }
    let mut frame = vec![0; 9];
    cx.random(&mut frame[5..]);
    frame[0] = tag_of(M1);
    frame[1..5].copy_from_slice(&id.to_be_bytes());
    if params.variant == Variant::Hardened && params.hardened_epoch {
        frame.extend(epoch.to_be_bytes());
    }
    frame
}

/// The epoch that an M1 names; 0 where it names none.
pub(super) fn epoch_of(m1: &[u8]) -> u32 {
    let named = m1.get(9..).and_then(|rest| rest.first_chunk::<4>());
    named.map_or(0, |epoch| u32::from_be_bytes(*epoch))
}

/// Challenge, in wire form, and r1 of an M2.
pub(super) fn challenge(params: &Params, m2: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (start, nonce) = match params.variant {
        Variant::Literal => return literal::challenge(params, m2).unwrap_or_default(),
        Variant::Hardened => (5, 16),
        Variant::AsPublished | Variant::Broken => (1, params.key_bytes),
    };
    let body = m2.get(start..).unwrap_or(&[]);
    body.split_at_checked(body.len().saturating_sub(nonce))
        .map_or_else(Default::default, |(list, r1)| (list.to_vec(), r1.to_vec()))
}

/// An M2 that asks for `list` in answer to an M1.
pub(super) fn question(
    params: &Params,
    m1: &[u8],
    list: Indices<'_>,
    cx: &mut AttackContext<'_>,
) -> Vec<u8> {
    if params.variant == Variant::Literal {
        return literal::question(list, cx.uniform(params.numbers + 1));
    }
    let mut frame = vec![tag_of(M2)];
    let mut nonce = params.key_bytes;
    if params.variant == Variant::Hardened {
        frame.extend_from_slice(m1.get(5..9).unwrap_or(&[0; 4]));
        nonce = 16;
    }
    frame.extend_from_slice(list.as_flattened());
    let start = frame.len();
    frame.resize(start + nonce, 0);
    cx.random(&mut frame[start..]);
    frame
}

/// An M3 that answers the M2 of a handshake under k1, with a challenge of the forger's choice; `epoch` is
/// that of the vault, where M1 does not name it.
pub(super) fn answer(
    params: &Params,
    seen: &Seen,
    (k1, epoch): (&Key, u32),
    cx: &mut AttackContext<'_>,
) -> Vec<u8> {
    let mb = params.key_bytes;
    let k1 = &k1[..mb];
    let (c1, r1) = challenge(params, &seen.m2);
    let mut c2 = Vec::new();
    fixed_challenge(params, Some(indices(&c1)), &mut c2);
    let mut plain = r1.clone();
    let hardened = params.variant == Variant::Hardened;
    if params.variant != Variant::Literal {
        let share = plain.len();
        plain.resize(share + mb, 0);
        cx.random(&mut plain[share..]);
        plain.extend_from_slice(&c2);
        let nonce = plain.len();
        plain.resize(nonce + if hardened { 16 } else { mb }, 0);
        cx.random(&mut plain[nonce..]);
    }
    if hardened {
        let named = params.hardened_epoch.then(|| epoch_of(&seen.m1));
        plain.extend(named.unwrap_or(epoch).to_be_bytes());
    }
    let (storage, mut effects) = (MemoryStorage::default(), Effects::default());
    let mut inner = Context {
        now: cx.now,
        storage: &storage,
        entropy: cx.entropy,
        crypto: cx.crypto,
        effects: &mut effects,
        buffers: &mut Buffers::default(),
    };
    match params.variant {
        Variant::Literal => literal::answer(&mut inner, params, (k1, &r1), indices(&c2)),
        Variant::Hardened => {
            let session_id = seen.m1.get(5..9).unwrap_or(&[0; 4]);
            let opening = seen.joined(params, 2);
            hardened::answer(&mut inner, params, k1, (&opening, session_id), &plain)
        }
        Variant::AsPublished | Variant::Broken => {
            let mut frame = vec![tag_of(M3)];
            seal(&mut inner, params, k1, &plain, &mut frame);
            frame
        }
    }
}

/// Opens the M3 of a handshake; `None` when k1 is not its key.
pub(super) fn third(params: &Params, seen: &Seen, k1: &Key, crypto: &mut Crypto) -> Option<Third> {
    let mb = params.key_bytes;
    let k1 = &k1[..mb];
    let (_, r1) = challenge(params, &seen.m2);
    let found = match params.variant {
        Variant::Literal => literal::third(crypto, params, (k1, &r1), &seen.m3),
        Variant::Hardened => hardened::third(crypto, params, k1, &seen.joined(params, 2), &seen.m3),
        Variant::AsPublished | Variant::Broken => {
            let (sealed, length) = (seen.m3.get(1..)?, params.plain3_bytes());
            let mut plain = Vec::new();
            let opens = open(crypto, params, k1, sealed, length, &mut plain);
            (opens && plain.starts_with(&r1)).then_some(())?;
            let mut t1 = Key::default();
            t1[..mb].copy_from_slice(plain.get(mb..2 * mb)?);
            let c2 = plain
                .get(2 * mb..2 * mb + params.challenge_bytes())?
                .to_vec();
            Some((t1, c2, plain))
        }
    };
    found.map(|(t1, c2, plain)| Third { t1, c2, plain })
}

/// Opens the M4 of a handshake; `None` when k2 does not fit.
pub(super) fn fourth(
    params: &Params,
    seen: &Seen,
    third: &Third,
    k2: &Key,
    crypto: &mut Crypto,
) -> Option<Fourth> {
    let mb = params.key_bytes;
    let mut key = *k2;
    for (byte, more) in key.iter_mut().zip(&third.t1) {
        *byte ^= more;
    }
    let found = match params.variant {
        Variant::Literal => literal::fourth(crypto, &key[..mb], &seen.m4),
        Variant::Hardened => {
            let secret = (&k2[..mb], &third.t1[..mb]);
            hardened::fourth(crypto, params, secret, &seen.joined(params, 3), &seen.m4)
        }
        Variant::AsPublished | Variant::Broken => {
            let (sealed, length) = (seen.m4.get(1..)?, params.plain4_bytes());
            let mut plain = Vec::new();
            open(crypto, params, &key[..mb], sealed, length, &mut plain).then_some(())?;
            let mut t2 = Key::default();
            t2[..mb].copy_from_slice(plain.get(mb..2 * mb)?);
            Some((t2, plain))
        }
    };
    found.map(|(t2, plain)| Fourth { t2, plain })
}

/// The session key.
pub(super) fn session_key(
    params: &Params,
    seen: &Seen,
    (third, fourth): (&Third, &Fourth),
    crypto: &mut Crypto,
) -> Vec<u8> {
    if params.variant == Variant::Hardened {
        let shares = (&third.t1[..], &fourth.t2[..]);
        return hardened::session_key(crypto, params, shares, &seen.joined(params, 4));
    }
    let width = crate::secure_vault::secrets::key_bytes(params);
    let both = third.t1.iter().zip(&fourth.t2);
    both.map(|(one, other)| one ^ other).take(width).collect()
}

/// The vault after the session.
pub(super) fn next_vault(
    params: &Params,
    seen: &Seen,
    (third, fourth): (&Third, &Fourth),
    vault: &[u8],
    crypto: &mut Crypto,
) -> Vec<u8> {
    let mut new = Vec::new();
    match params.variant {
        Variant::Literal => {
            let texts = [&seen.joined(params, 2)[..], &third.plain, &fourth.plain];
            literal::update_vault(crypto, params, vault, &texts, &mut new);
        }
        Variant::Hardened => {
            hardened::update_vault(crypto, vault, &seen.joined(params, 4), &mut new);
        }
        Variant::AsPublished | Variant::Broken => {
            let exchange = Exchange {
                opening: &seen.joined(params, 2),
                third: seen.m3.get(1..).unwrap_or(&[]),
                fourth: seen.m4.get(1..).unwrap_or(&[]),
                plain3: &third.plain,
                plain4: &fourth.plain,
            };
            let mut data = Vec::new();
            exchange.write(params, &mut data);
            update_vault(crypto, params, vault, &data, &mut new);
        }
    }
    new
}

/// The address under which the server knows a device.
pub(super) const fn address(host: u32) -> Address {
    Address::new(host, crate::secure_vault::PORT)
}
