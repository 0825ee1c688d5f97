//! The frames: layouts built once from the parameters, one encoder and one decoder that use them.
//!
//! The first byte of a frame is its tag. Every integer is unsigned and big-endian. The decoder
//! refuses whatever the layouts do not allow and names field and offset; it never panics.

mod layouts;

use crate::output::Place;
use crate::wire::{Located, Width};

use super::equations::Hash;
use super::params::Params;

pub(crate) use layouts::{layouts, published_layouts};

/// `id_j` as it travels: 1..16 bytes of UTF-8, zero-filled on the right.
pub(crate) type PaddedId = [u8; 16];
/// `loc_j` as it travels and as it is hashed: 1..24 bytes of UTF-8, zero-filled on the right.
pub(crate) type PaddedLoc = [u8; 24];
/// A nonce of the variant `hardened`.
pub(crate) type Nonce = [u8; 16];

/// Bytes of one record of a server's table: uid 32, c 32, version 4.
pub(crate) const TABLE_RECORD: usize = 68;

/// One frame, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// Phase 1, server to centre.
    SregReq(SregReq),
    /// Phase 1, centre to server.
    SregAck {
        /// SSK_j.
        ssk: Hash,
    },
    /// Phase 2, user to centre.
    UregReq {
        /// UID_i.
        uid: Hash,
        /// A_i.
        a: Hash,
    },
    /// Phase 2, centre to user.
    UregAck(UregAck<'a>),
    /// Phase 3, user to server.
    AuthReq(AuthReq),
    /// Phase 3, server to user.
    AuthRep(AuthRep),
    /// A request was refused.
    Reject {
        /// 0, or the reason where `errors` is `detailed`.
        code: u8,
    },
    /// Phase 4a, user to centre.
    ListReq(ListReq),
    /// Phase 4a, centre to user.
    ListRep(ListRep<'a>),
    /// Phase 4b, user to centre.
    PwdReq(PwdReq),
    /// Phase 4b, centre to user.
    PwdRep(PwdRep),
    /// Phase 4b, user to centre.
    PwdAck(PwdAck),
    /// Phase 5, server to centre.
    DbReq(DbReq),
    /// Phase 5, centre to server.
    DbRep(DbRep<'a>),
}

/// A server asks for its first or next SSK_j.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SregReq {
    pub(crate) id: PaddedId,
    pub(crate) p: Hash,
    pub(crate) q: Hash,
    pub(crate) loc: PaddedLoc,
}

/// The card's contents, and the list in clear (whole list records).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UregAck<'a> {
    pub(crate) c: Hash,
    pub(crate) d: Hash,
    pub(crate) list_version: u32,
    pub(crate) list: &'a [u8],
}

/// A user wants to talk to a server. `nonce` is `Some` in `hardened` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthReq {
    pub(crate) alpha: Hash,
    pub(crate) beta: Hash,
    pub(crate) t1: u64,
    pub(crate) nonce: Option<Nonce>,
}

/// The server's answer. `nonce` is `Some` in `hardened` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthRep {
    pub(crate) gamma: Hash,
    pub(crate) sigma: Hash,
    pub(crate) t2: u64,
    pub(crate) nonce: Option<Nonce>,
}

/// A user asks for the current list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListReq {
    pub(crate) uid: Hash,
    pub(crate) t: u64,
    pub(crate) tau: Hash,
}

/// The current list, masked (whole list records).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListRep<'a> {
    pub(crate) t: u64,
    pub(crate) list_version: u32,
    pub(crate) mu: Hash,
    pub(crate) list: &'a [u8],
}

/// A user wants a card for a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PwdReq {
    pub(crate) uid: Hash,
    pub(crate) pa: Hash,
    pub(crate) tau: Hash,
    pub(crate) t: u64,
}

/// What the new card needs, masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PwdRep {
    pub(crate) cx: Hash,
    pub(crate) dx: Hash,
    pub(crate) version: u32,
    pub(crate) t: u64,
    pub(crate) mu: Hash,
}

/// The new card is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PwdAck {
    pub(crate) ack: Hash,
    pub(crate) uid: Hash,
    pub(crate) version: u32,
}

/// A server asks for the current table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DbReq {
    pub(crate) id: PaddedId,
    pub(crate) omega: Hash,
    pub(crate) t: u64,
}

/// The current table, masked (whole table records).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DbRep<'a> {
    pub(crate) t: u64,
    pub(crate) mu: Hash,
    pub(crate) records: &'a [u8],
}

impl Message<'_> {
    /// Appends the frame.
    pub(crate) fn encode(&self, params: &Params, out: &mut Vec<u8>) {
        let mut frame = Frame { params, out };
        match self {
            Self::SregReq(m) => frame.put(1, &[&m.id, &m.p, &m.q, &m.loc]),
            Self::SregAck { ssk } => frame.put(2, &[ssk]),
            Self::UregReq { uid, a } => frame.put(3, &[uid, a]),
            Self::UregAck(m) => {
                frame.put(4, &[&m.c, &m.d, &m.list_version.to_be_bytes(), m.list]);
            }
            Self::AuthReq(m) => {
                let t1 = m.t1.to_be_bytes();
                frame.put(
                    5,
                    &[&m.alpha, &m.beta, &t1, m.nonce.as_ref().map_or(&[], |n| n)],
                );
            }
            Self::AuthRep(m) => {
                let t2 = m.t2.to_be_bytes();
                frame.put(
                    6,
                    &[&m.gamma, &m.sigma, &t2, m.nonce.as_ref().map_or(&[], |n| n)],
                );
            }
            Self::Reject { code } => frame.put(7, &[&[*code]]),
            Self::ListReq(m) => frame.put(8, &[&m.uid, &m.t.to_be_bytes(), &m.tau]),
            Self::ListRep(m) => {
                let version = m.list_version.to_be_bytes();
                frame.put(9, &[&m.t.to_be_bytes(), &version, &m.mu, m.list]);
            }
            Self::PwdReq(m) => frame.put(10, &[&m.uid, &m.pa, &m.tau, &m.t.to_be_bytes()]),
            Self::PwdRep(m) => {
                let (version, t) = (m.version.to_be_bytes(), m.t.to_be_bytes());
                frame.put(11, &[&m.cx, &m.dx, &version, &t, &m.mu]);
            }
            Self::PwdAck(m) => frame.put(12, &[&m.ack, &m.uid, &m.version.to_be_bytes()]),
            Self::DbReq(m) => frame.put(13, &[&m.id, &m.omega, &m.t.to_be_bytes()]),
            Self::DbRep(m) => {
                let count = u32::try_from(m.records.len() / TABLE_RECORD).unwrap_or(u32::MAX);
                let t = m.t.to_be_bytes();
                frame.put(14, &[&t, &count.to_be_bytes(), &m.mu, m.records]);
            }
        }
    }
}

struct Frame<'a> {
    params: &'a Params,
    out: &'a mut Vec<u8>,
}

impl Frame<'_> {
    fn put(&mut self, tag: u8, values: &[&[u8]]) {
        let layout = self.params.layouts.get(usize::from(tag) - 1);
        let fields = layout.map_or(&[][..], |layout| &layout.fields[1..]);
        debug_assert!(
            fields.iter().zip(values).all(|(field, value)| {
                !matches!(field.width, Width::Fixed(width) if width as usize != value.len())
            }),
            "every value has the width that the layout declares"
        );
        self.out.push(tag);
        values
            .iter()
            .for_each(|value| self.out.extend_from_slice(value));
    }
}

/// Decodes one frame.
///
/// # Errors
///
/// The first place that does not fit: `tag` at 0 for an empty frame or an unknown tag, `end` for a
/// wrong total, `list` for a tail that is no whole number of records or too many, `count` when it
/// is above the maximum or not that of the tail, `id_j` and `loc_j` when they are badly filled.
pub(crate) fn decode<'a>(params: &Params, frame: &'a [u8]) -> Result<Message<'a>, Place> {
    let unknown = place("tag", None, 0);
    let tag = *frame.first().ok_or(unknown)?;
    let index = usize::from(tag).checked_sub(1).ok_or(unknown)?;
    let layout = params.layouts.get(index).ok_or(unknown)?;
    if tag == 14 {
        check_count(params, frame)?;
    }
    let at = layout.locate(frame)?;
    Ok(match tag {
        1 => {
            check_text(at.field(1), place("id_j", None, at.offset(1)))?;
            check_text(at.field(4), place("loc_j", None, at.offset(4)))?;
            Message::SregReq(SregReq {
                id: fixed(&at, 1),
                p: fixed(&at, 2),
                q: fixed(&at, 3),
                loc: fixed(&at, 4),
            })
        }
        2 => Message::SregAck { ssk: fixed(&at, 1) },
        3 => Message::UregReq {
            uid: fixed(&at, 1),
            a: fixed(&at, 2),
        },
        4 => {
            check_list(params, at.field(4), at.offset(4))?;
            Message::UregAck(UregAck {
                c: fixed(&at, 1),
                d: fixed(&at, 2),
                list_version: version(&at, 3),
                list: at.field(4),
            })
        }
        5 => Message::AuthReq(AuthReq {
            alpha: fixed(&at, 1),
            beta: fixed(&at, 2),
            t1: at.integer(3),
            nonce: nonce(&at),
        }),
        6 => Message::AuthRep(AuthRep {
            gamma: fixed(&at, 1),
            sigma: fixed(&at, 2),
            t2: at.integer(3),
            nonce: nonce(&at),
        }),
        7 => Message::Reject {
            code: fixed::<1>(&at, 1)[0],
        },
        8 => Message::ListReq(ListReq {
            uid: fixed(&at, 1),
            t: at.integer(2),
            tau: fixed(&at, 3),
        }),
        9 => Message::ListRep(ListRep {
            t: at.integer(1),
            list_version: version(&at, 2),
            mu: fixed(&at, 3),
            list: at.field(4),
        }),
        10 => Message::PwdReq(PwdReq {
            uid: fixed(&at, 1),
            pa: fixed(&at, 2),
            tau: fixed(&at, 3),
            t: at.integer(4),
        }),
        11 => Message::PwdRep(PwdRep {
            cx: fixed(&at, 1),
            dx: fixed(&at, 2),
            version: version(&at, 3),
            t: at.integer(4),
            mu: fixed(&at, 5),
        }),
        12 => Message::PwdAck(PwdAck {
            ack: fixed(&at, 1),
            uid: fixed(&at, 2),
            version: version(&at, 3),
        }),
        13 => {
            check_text(at.field(1), place("id_j", None, at.offset(1)))?;
            Message::DbReq(DbReq {
                id: fixed(&at, 1),
                omega: fixed(&at, 2),
                t: at.integer(3),
            })
        }
        _ => Message::DbRep(DbRep {
            t: at.integer(1),
            mu: fixed(&at, 3),
            records: at.field(4),
        }),
    })
}

/// The place of a frame that is well formed but that this party does not expect now.
pub(crate) const UNEXPECTED: Place = place("tag", None, 0);

const fn place(field: &'static str, index: Option<u16>, offset: usize) -> Place {
    Place {
        field,
        index,
        // Frames are far below 4 GiB.
        offset: offset as u32,
    }
}

/// Bytes of a DB_REP before its records.
const DB_REP_HEAD: usize = 45;

fn check_count(params: &Params, frame: &[u8]) -> Result<(), Place> {
    let Some(tail) = frame.len().checked_sub(DB_REP_HEAD) else {
        return Err(place("end", None, frame.len()));
    };
    let count = frame[9..13]
        .iter()
        .fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
    let fits =
        count <= usize::from(params.users_max) && count.checked_mul(TABLE_RECORD) == Some(tail);
    if fits {
        Ok(())
    } else {
        Err(place("count", None, 9))
    }
}

fn check_list(params: &Params, list: &[u8], start: usize) -> Result<(), Place> {
    let unit = params.list_record();
    for (index, record) in list.chunks_exact(unit).enumerate() {
        let number = u16::try_from(index).ok();
        let offset = start + index * unit;
        check_text(&record[..16], place("id_j", number, offset))?;
        check_text(&record[48..72], place("loc_j", number, offset + 48))?;
    }
    Ok(())
}

/// Checks a zero-filled text: not empty, UTF-8, no control character, zeros only at the end.
pub(crate) fn check_text(padded: &[u8], place: Place) -> Result<(), Place> {
    let text = unpadded(padded);
    let filled = padded[text.len()..].iter().all(|byte| *byte == 0);
    let readable = core::str::from_utf8(text).is_ok_and(|text| !text.chars().any(char::is_control));
    if !text.is_empty() && filled && readable {
        Ok(())
    } else {
        Err(place)
    }
}

/// A zero-filled text without its filling.
pub(crate) fn unpadded(padded: &[u8]) -> &[u8] {
    let length = padded
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(padded.len());
    &padded[..length]
}

/// `text` zero-filled to `N` bytes; what is longer is cut.
pub(crate) fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(text) {
        *to = *from;
    }
    out
}

fn fixed<const N: usize>(at: &Located<'_>, index: usize) -> [u8; N] {
    padded(at.field(index))
}

fn version(at: &Located<'_>, index: usize) -> u32 {
    u32::from_be_bytes(fixed(at, index))
}

fn nonce(at: &Located<'_>) -> Option<Nonce> {
    at.field(4).try_into().ok()
}
