//! The smart card: how it is built, opened and rebuilt.
//!
//! A card is one durable record: W 32, X 32, Y 32, E 32, card_version 4, Z (the masked list). In
//! `hardened` E is its first byte only and a counter of opening attempts (1 byte) follows
//! card_version.

use crate::crypto::Crypto;

use super::{Hash, h, mask, xor};
use crate::multi_server::params::{Params, Without};

/// Opening attempts after which a card of the variant `hardened` refuses to open.
pub(crate) const ATTEMPTS_MAX: u8 = 5;

/// What the person keeps in the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// ID_i.
    pub(crate) id: &'a [u8],
    /// PW_i.
    pub(crate) password: &'a [u8],
}

/// Where the parts of a card record lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CardShape {
    e: usize,
    counter: bool,
}

impl CardShape {
    /// The shape that the parameters ask for.
    pub(crate) fn of(params: &Params) -> Self {
        if params.hardened() {
            Self {
                e: 1,
                counter: true,
            }
        } else {
            Self {
                e: 32,
                counter: false,
            }
        }
    }

    /// Bytes before Z: 132, in `hardened` 102.
    pub(crate) const fn head(self) -> usize {
        96 + self.e + 4 + self.counter as usize
    }
}

/// The parts of a card record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CardView<'a> {
    w: Hash,
    x: Hash,
    y: Hash,
    e: &'a [u8],
    /// Grows by 1 whenever Z is rebuilt.
    pub(crate) version: u32,
    /// Opening attempts since the last success; 0 where the variant has no counter.
    pub(crate) attempts: u8,
    /// The masked list: whole list records.
    pub(crate) z: &'a [u8],
}

impl<'a> CardView<'a> {
    /// Reads a record; `None` when it is too short to be a card.
    pub(crate) fn read(params: &Params, record: &'a [u8]) -> Option<Self> {
        let shape = CardShape::of(params);
        let (head, z) = record.split_at_checked(shape.head())?;
        let part = |start: usize| head.get(start..start + 32)?.try_into().ok();
        let tail = 96 + shape.e;
        Some(Self {
            w: part(0)?,
            x: part(32)?,
            y: part(64)?,
            e: &head[96..tail],
            version: u32::from_be_bytes(head.get(tail..tail + 4)?.try_into().ok()?),
            attempts: if shape.counter { *head.last()? } else { 0 },
            z,
        })
    }
}

/// An open card. Nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) r1: [u8; 16],
    pub(crate) r2: [u8; 16],
    pub(crate) uid: Hash,
    pub(crate) c: Hash,
    /// The key of the list mask.
    pub(crate) m0: Hash,
}

/// UID = h(r1, ID, r2).
pub(crate) fn user_id(crypto: &mut Crypto, r1: &[u8], id: &[u8], r2: &[u8]) -> Hash {
    h(crypto, &[r1, id, r2])
}

/// A = h(ID, PW); in `hardened` h(r1, ID, PW).
pub(crate) fn identity_secret(
    params: &Params,
    crypto: &mut Crypto,
    r1: &[u8],
    head: &Head<'_>,
) -> Hash {
    if params.hardened() {
        h(crypto, &[r1, head.id, head.password])
    } else {
        h(crypto, &[head.id, head.password])
    }
}

fn list_key(crypto: &mut Crypto, r1: &[u8], r2: &[u8], head: &Head<'_>) -> Hash {
    let first = h(crypto, &[r1, head.id, head.password]);
    let second = h(crypto, &[head.id, head.password, r2]);
    xor(crypto, &first, &second)
}

/// True when the card rests unmasked.
fn unmasked(params: &Params) -> bool {
    params.lacks(Without::Card) || params.lacks(Without::Mask)
}

/// What a new card is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewCard<'a> {
    pub(crate) head: Head<'a>,
    pub(crate) r1: &'a [u8; 16],
    pub(crate) r2: &'a [u8; 16],
    pub(crate) uid: &'a Hash,
    pub(crate) a: &'a Hash,
    pub(crate) c: &'a Hash,
    pub(crate) d: &'a Hash,
    pub(crate) version: u32,
    /// Whole list records, in clear.
    pub(crate) list: &'a [u8],
}

impl NewCard<'_> {
    /// Appends the card record to `out`.
    pub(crate) fn build(&self, params: &Params, crypto: &mut Crypto, out: &mut Vec<u8>) {
        let password = self.head.password;
        let first = h(crypto, &[self.r1, password]);
        let second = h(crypto, &[self.r2, password]);
        let own = h(crypto, &[self.r2, self.head.id]);
        let m0 = list_key(crypto, self.r1, self.r2, &self.head);
        let usk = xor(crypto, self.a, self.d);
        let e = h(crypto, &[self.uid, password, &usk]);
        let mut w = [0; 32];
        w[..16].copy_from_slice(self.r1);
        w[16..].copy_from_slice(self.r2);
        let (mut x, mut y) = (*self.c, *self.d);
        if !unmasked(params) {
            let key = if params.hardened() {
                h(crypto, &[self.head.id, password])
            } else {
                *self.a
            };
            crypto.xor(&mut w, &key);
            crypto.xor(&mut x, &own);
            crypto.xor(&mut x, &first);
            crypto.xor(&mut y, &first);
            crypto.xor(&mut y, &second);
        }
        let shape = CardShape::of(params);
        out.extend_from_slice(&w);
        out.extend_from_slice(&x);
        out.extend_from_slice(&y);
        out.extend_from_slice(&e[..shape.e]);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&[0; 1][..usize::from(shape.counter)]);
        let start = out.len();
        out.extend_from_slice(self.list);
        mask_list(params, crypto, &m0, self.version, &mut out[start..]);
    }
}

/// Opens a card; `None` when E does not fit.
pub(crate) fn open(
    params: &Params,
    crypto: &mut Crypto,
    head: &Head<'_>,
    card: &CardView<'_>,
) -> Option<Opened> {
    let half = unseal(params, crypto, head, card);
    if !params.lacks(Without::Card) && !crypto.equal(&half.e[..card.e.len()], card.e) {
        return None;
    }
    Some(half.finish(params, crypto, head, card))
}

/// What a card gives with any password, and whether its E fits: for those who do not obey the card.
pub(crate) fn recover(
    params: &Params,
    crypto: &mut Crypto,
    head: &Head<'_>,
    card: &CardView<'_>,
) -> (Opened, bool) {
    let half = unseal(params, crypto, head, card);
    let fits = half.e[..card.e.len()] == *card.e;
    (half.finish(params, crypto, head, card), fits)
}

/// A card before E is compared.
struct Half {
    r1: [u8; 16],
    r2: [u8; 16],
    first: Hash,
    uid: Hash,
    e: Hash,
}

fn unseal(params: &Params, crypto: &mut Crypto, head: &Head<'_>, card: &CardView<'_>) -> Half {
    let typed = h(crypto, &[head.id, head.password]);
    let clear = unmasked(params);
    let nonces = if clear {
        card.w
    } else {
        xor(crypto, &card.w, &typed)
    };
    let (mut r1, mut r2) = ([0; 16], [0; 16]);
    r1.copy_from_slice(&nonces[..16]);
    r2.copy_from_slice(&nonces[16..]);
    let a = if params.hardened() {
        identity_secret(params, crypto, &r1, head)
    } else {
        typed
    };
    let first = h(crypto, &[&r1, head.password]);
    let second = h(crypto, &[&r2, head.password]);
    let mut d = card.y;
    if !clear {
        crypto.xor(&mut d, &first);
        crypto.xor(&mut d, &second);
    }
    let usk = xor(crypto, &a, &d);
    let uid = user_id(crypto, &r1, head.id, &r2);
    let e = h(crypto, &[&uid, head.password, &usk]);
    Half {
        r1,
        r2,
        first,
        uid,
        e,
    }
}

impl Half {
    fn finish(
        self,
        params: &Params,
        crypto: &mut Crypto,
        head: &Head<'_>,
        card: &CardView<'_>,
    ) -> Opened {
        let Self {
            r1, r2, first, uid, ..
        } = self;
        let m0 = list_key(crypto, &r1, &r2, head);
        let own = h(crypto, &[&r2, head.id]);
        let mut c = card.x;
        if !unmasked(params) {
            crypto.xor(&mut c, &own);
            crypto.xor(&mut c, &first);
        }
        Opened { r1, r2, uid, c, m0 }
    }
}

/// Masks or unmasks a list in place: XOR with KS(M0, card_version).
pub(crate) fn mask_list(
    params: &Params,
    crypto: &mut Crypto,
    m0: &Hash,
    version: u32,
    list: &mut [u8],
) {
    if !unmasked(params) {
        mask(crypto, &[m0, &version.to_be_bytes()], list);
    }
}

/// Appends the card `old` with another list and card_version + 1 to `out`; its counter is 0.
///
/// `None` when card_version cannot grow; nothing is appended then.
pub(crate) fn relist(
    params: &Params,
    crypto: &mut Crypto,
    old: &CardView<'_>,
    m0: &Hash,
    list: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let version = old.version.checked_add(1)?;
    let shape = CardShape::of(params);
    out.extend_from_slice(&old.w);
    out.extend_from_slice(&old.x);
    out.extend_from_slice(&old.y);
    out.extend_from_slice(old.e);
    out.extend_from_slice(&version.to_be_bytes());
    out.extend_from_slice(&[0; 1][..usize::from(shape.counter)]);
    let start = out.len();
    out.extend_from_slice(list);
    mask_list(params, crypto, m0, version, &mut out[start..]);
    Some(())
}
