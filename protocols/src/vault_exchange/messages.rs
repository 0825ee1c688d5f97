//! The frames: layouts, encoder and decoder.
//!
//! `INDICES` and `KEY` as published; in `literal` the same bytes, zero-filled to the size that the
//! published program's object serialisation has; in `hardened` `INDICES`, `REPLY` and `CONFIRM`.

use super::params::{ChallengeCheck, Params, Variant, Without};
use super::{DEVICE, SERVER};
use crate::output::Place;
use crate::wire::{Field, FieldKind, Layout, Located, Width};

/// Bytes of a nonce.
pub(super) const NONCE_BYTES: usize = 16;
/// Bytes of a MAC as sent: the first half of HMAC-SHA256.
pub(super) const MAC_BYTES: usize = 16;
/// Bytes of a REPLY that its MAC covers, the tag included.
pub(super) const REPLY_COVERED: usize = 25;
/// Bytes of a CONFIRM that its MAC covers, the tag included.
pub(super) const CONFIRM_COVERED: usize = 5;
/// Bytes of a REPLY.
pub(super) const REPLY_BYTES: usize = REPLY_COVERED + MAC_BYTES;

/// First byte of INDICES.
pub(super) const INDICES: u8 = 1;
/// First byte of KEY.
pub(super) const KEY: u8 = 2;
/// First byte of REPLY.
pub(super) const REPLY: u8 = 3;
/// First byte of CONFIRM.
pub(super) const CONFIRM: u8 = 4;

/// A frame without its first byte.
pub(super) fn body(frame: &[u8]) -> &[u8] {
    frame.get(1..).unwrap_or_default()
}

/// A decoded frame; slices have the lengths that the layout promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The device asks; at least one index. The ids are 0 outside `hardened`.
    Indices {
        device_id: u32,
        session_id: u32,
        indices: &'a [u8],
    },
    /// The server's combined key.
    Key { combined: &'a [u8] },
    /// The server proves that it knows the combined key.
    Reply {
        session_id: u32,
        epoch: u32,
        covered: &'a [u8],
        mac: &'a [u8],
    },
    /// The device proves it too.
    Confirm {
        session_id: u32,
        covered: &'a [u8],
        mac: &'a [u8],
    },
}

/// The layouts of one set of parameters, and what the decoder checks beyond them.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    layouts: Vec<Layout>,
    check: ChallengeCheck,
    keys: usize,
    challenge: usize,
    /// Index of the field `count` in INDICES.
    count_field: usize,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            layouts: Vec::new(),
            check: ChallengeCheck::None,
            keys: 0,
            challenge: 0,
            count_field: 1,
        }
    }
}

const fn field(name: &'static str, width: u32, kind: FieldKind) -> Field {
    Field {
        name,
        width: Width::Fixed(width),
        kind,
    }
}

/// Zeros up to the program's size, which depends on the fields before ([`check_fill`]).
const fn fill() -> Field {
    let width = Width::Rest {
        min: 0,
        max: u32::MAX,
        multiple_of: 1,
    };
    Field {
        name: "fill",
        width,
        kind: FieldKind::Bytes,
    }
}

const TAG: Field = field("tag", 1, FieldKind::Tag);
const COUNT: Field = field("count", 1, FieldKind::Integer);
const SESSION_ID: Field = field("session_id", 4, FieldKind::Integer);
const MAC: Field = field("mac", MAC_BYTES as u32, FieldKind::Bytes);

const fn indices_after(count_field: u8) -> Field {
    let width = Width::Counted {
        field: count_field,
        unit: 1,
    };
    Field {
        name: "indices",
        width,
        kind: FieldKind::Bytes,
    }
}

fn layout(name: &'static str, tag: u8, sender: u8, fields: Vec<Field>) -> Layout {
    Layout {
        name,
        tag: Some(tag),
        phase: 0,
        sender: Some(sender),
        fields,
    }
}

impl Wire {
    pub(super) fn new(params: &Params) -> Self {
        let hardened = params.variant == Variant::Hardened;
        let layouts = if hardened {
            hardened_layouts()
        } else {
            published_layouts(params)
        };
        Self {
            layouts,
            check: params.challenge_check,
            keys: params.keys,
            challenge: params.challenge,
            count_field: if hardened { 4 } else { 1 },
        }
    }

    /// The layouts, in the order of the messages in a session.
    pub(super) fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// The first place that does not fit: `tag`, `count`, `index[i]`, `fill` or `end`.
    pub(super) fn decode<'a>(&self, frame: &'a [u8]) -> Result<Message<'a>, Place> {
        let tag = frame.first().copied().unwrap_or(0);
        let layout = self.layouts.iter().find(|layout| layout.tag == Some(tag));
        let Some(layout) = layout else {
            return Err(place("tag", None, 0));
        };
        if tag == INDICES {
            return self.decode_indices(layout, frame);
        }
        let located = layout.locate(frame)?;
        Ok(match tag {
            KEY => {
                let combined = located.field(1);
                if self.check == ChallengeCheck::Signed {
                    check_fill(&located, 2, literal_key_bytes(combined))?;
                }
                Message::Key { combined }
            }
            REPLY => Message::Reply {
                session_id: word(&located, 1),
                epoch: word(&located, 2),
                covered: &frame[..REPLY_COVERED],
                mac: located.field(4),
            },
            _ => Message::Confirm {
                session_id: word(&located, 1),
                covered: &frame[..CONFIRM_COVERED],
                mac: located.field(2),
            },
        })
    }

    fn decode_indices<'a>(&self, layout: &Layout, frame: &'a [u8]) -> Result<Message<'a>, Place> {
        let count_at: usize = if self.count_field == 1 { 1 } else { 25 };
        let bad_count = place("count", None, count_at);
        match frame.get(count_at) {
            None | Some(0) => return Err(bad_count),
            Some(_) => {}
        }
        let located = layout.locate(frame)?;
        let indices = located.field(self.count_field + 1);
        if self.check == ChallengeCheck::Signed {
            let end = literal_indices_bytes(indices.len());
            check_fill(&located, self.count_field + 2, end)?;
        }
        if self.check == ChallengeCheck::Full && indices.len() != self.challenge {
            return Err(bad_count);
        }
        for (i, index) in indices.iter().enumerate() {
            let fits = match self.check {
                ChallengeCheck::None => true,
                ChallengeCheck::Range => usize::from(*index) < self.keys,
                ChallengeCheck::Full => {
                    usize::from(*index) < self.keys && !indices[..i].contains(index)
                }
                ChallengeCheck::Signed => self.row(*index).is_some(),
            };
            if !fits {
                return Err(place("index", Some(i), count_at + 1 + i));
            }
        }
        let ids = self.count_field != 1;
        Ok(Message::Indices {
            device_id: if ids { word(&located, 1) } else { 0 },
            session_id: if ids { word(&located, 2) } else { 0 },
            indices,
        })
    }

    /// The row of the vault that an index on the wire names; `None` past the vault.
    pub(super) fn row(&self, index: u8) -> Option<usize> {
        let mut row = usize::from(index);
        if self.check == ChallengeCheck::Signed && index >= 128 {
            row = (row + self.keys).checked_sub(256)?;
        }
        (row < self.keys).then_some(row)
    }

    /// Appends an INDICES frame of the published exchange.
    pub(super) fn write_indices(&self, indices: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        // A count is at most 255 by the range of the parameter.
        out.extend([INDICES, u8::try_from(indices.len()).unwrap_or(u8::MAX)]);
        out.extend_from_slice(indices);
        if self.check == ChallengeCheck::Signed {
            out.resize(start + literal_indices_bytes(indices.len()), 0);
        }
    }

    /// Appends a KEY frame of the published exchange.
    pub(super) fn write_key(&self, combined: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.push(KEY);
        out.extend_from_slice(combined);
        if self.check == ChallengeCheck::Signed {
            out.resize(start + literal_key_bytes(combined), 0);
        }
    }

    /// Appends an INDICES frame of the hardened exchange.
    pub(super) fn write_hardened_indices(
        device_id: u32,
        session_id: [u8; 4],
        nonce: [u8; NONCE_BYTES],
        indices: &[u8],
        out: &mut Vec<u8>,
    ) {
        out.push(INDICES);
        out.extend(device_id.to_be_bytes());
        out.extend(session_id);
        out.extend(nonce);
        out.push(u8::try_from(indices.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(indices);
    }

    /// Appends a REPLY frame up to its MAC.
    pub(super) fn write_reply(
        session_id: u32,
        epoch: u32,
        nonce: [u8; NONCE_BYTES],
        out: &mut Vec<u8>,
    ) {
        out.push(REPLY);
        out.extend(session_id.to_be_bytes());
        out.extend(epoch.to_be_bytes());
        out.extend(nonce);
    }
}

fn published_layouts(params: &Params) -> Vec<Layout> {
    let key_bytes = u32::try_from(params.key_bytes).unwrap_or(u32::MAX);
    let mut indices = vec![TAG, COUNT, indices_after(1)];
    let mut key = vec![TAG, field("key", key_bytes, FieldKind::Bytes)];
    if params.literal() {
        indices.push(fill());
        key.push(fill());
    }
    if params.without == Some(Without::Secrecy) {
        let rest = u32::try_from(params.vault_bytes()).unwrap_or(u32::MAX) - key_bytes;
        key.push(field("rows", rest, FieldKind::Bytes));
    }
    vec![
        layout("INDICES", INDICES, DEVICE, indices),
        layout("KEY", KEY, SERVER, key),
    ]
}

fn hardened_layouts() -> Vec<Layout> {
    let nonce = |name| field(name, NONCE_BYTES as u32, FieldKind::Bytes);
    let device_id = field("device_id", 4, FieldKind::Integer);
    let epoch = field("epoch", 4, FieldKind::Integer);
    let indices = vec![
        TAG,
        device_id,
        SESSION_ID,
        nonce("nonce_d"),
        COUNT,
        indices_after(4),
    ];
    let reply = vec![TAG, SESSION_ID, epoch, nonce("nonce_s"), MAC];
    vec![
        layout("INDICES", INDICES, DEVICE, indices),
        layout("REPLY", REPLY, SERVER, reply),
        layout("CONFIRM", CONFIRM, DEVICE, vec![TAG, SESSION_ID, MAC]),
    ]
}

/// Size of the program's serialised list of `count` small integers.
const fn literal_indices_bytes(count: usize) -> usize {
    match count {
        0 => 5,
        1 => 17,
        _ => 16 + 2 * count,
    }
}

/// Size of the program's serialised integer: one byte more when the top bit is set, since the
/// serialisation is signed.
fn literal_key_bytes(combined: &[u8]) -> usize {
    let top = combined.first().is_some_and(|byte| byte & 0x80 != 0);
    14 + combined.len() + usize::from(top)
}

/// The frame ends where the program's would, and its fill is zero.
fn check_fill(located: &Located<'_>, field: usize, end: usize) -> Result<(), Place> {
    let fill = located.field(field);
    let start = located.offset(field);
    let length = start + fill.len();
    if length != end {
        return Err(place("end", None, length.min(end)));
    }
    match fill.iter().position(|byte| *byte != 0) {
        Some(at) => Err(place("fill", None, start + at)),
        None => Ok(()),
    }
}

fn place(field: &'static str, index: Option<usize>, offset: usize) -> Place {
    Place {
        field,
        index: index.and_then(|index| u16::try_from(index).ok()),
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
    }
}

/// A 4-byte field.
fn word(located: &Located<'_>, field: usize) -> u32 {
    u32::try_from(located.integer(field)).unwrap_or(u32::MAX)
}
