//! The frames M1..M4, DATA_UP, DATA_DOWN and END: layouts, encoder and decoder.
//!
//! A frame is a tag byte and a body. Index lists keep their wire form (`[u8; 2]` big-endian, so
//! that byte order is number order) from one end to the other; nothing is converted on the way.

use crate::output::Place;
use crate::wire::{Field, FieldKind, Layout, Width};

use super::params::{ChallengeCheck, CipherMode, Params, Without};
use super::{AUTHENTICATE, DEVICE, FINISH, SEND_DATA, SERVER};

/// Place of each message in the list of layouts; the tag on the wire is one more.
pub(super) const M1: usize = 0;
/// See [`M1`].
pub(super) const M2: usize = 1;
/// See [`M1`].
pub(super) const M3: usize = 2;
/// See [`M1`].
pub(super) const M4: usize = 3;
/// See [`M1`].
pub(super) const DATA_UP: usize = 4;
/// See [`M1`].
pub(super) const DATA_DOWN: usize = 5;
/// See [`M1`].
pub(super) const END: usize = 6;

/// Longest application payload, bytes.
pub(super) const PAYLOAD_MAX: usize = 1024;
/// Longest ciphertext of an application frame: the longest payload and a whole padding block.
const CIPHERTEXT_MAX: u32 = 1040;
/// Bytes of the MAC of an application frame.
pub(super) const MAC_BYTES: usize = 32;

/// The first byte of a frame of this message.
pub(super) const fn tag_of(message: usize) -> u8 {
    // There are seven messages, so the cast is exact.
    message as u8 + 1
}

/// A list of key indices as it stands on the wire.
pub(super) type Indices<'a> = &'a [[u8; 2]];

/// The elements of an index list; an odd last byte is left out.
pub(super) fn indices(bytes: &[u8]) -> Indices<'_> {
    bytes.as_chunks::<2>().0
}

/// A decoded frame; slices have the lengths that the layout promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The device announces itself.
    M1 { device_id: u32, session_id: u32 },
    /// The server's challenge.
    M2 { c1: Indices<'a> },
    /// The device's answer and its own challenge.
    M3 { sealed: &'a [u8] },
    /// The server's answer.
    M4 { sealed: &'a [u8] },
    /// Application data or END.
    Application(Application<'a>),
}

/// A decoded application frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Application<'a> {
    /// [`DATA_UP`], [`DATA_DOWN`] or [`END`].
    pub(super) message: usize,
    /// Its number in its direction; of END, how many DATA_UP were sent.
    pub(super) seq: u32,
    /// IV; empty in END.
    pub(super) iv: &'a [u8],
    /// Whole blocks; empty in END.
    pub(super) ciphertext: &'a [u8],
    /// What the MAC covers: the frame without it.
    pub(super) covered: &'a [u8],
    /// 32 bytes.
    pub(super) mac: &'a [u8],
}

/// The layouts of one set of parameters, and what the decoder checks beyond them.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) layouts: Vec<Layout>,
    keys: u16,
    check: ChallengeCheck,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            layouts: Vec::new(),
            keys: 0,
            check: ChallengeCheck::Full,
        }
    }
}

/// A field of the layout.
pub(super) const fn field(name: &'static str, width: Width, kind: FieldKind) -> Field {
    Field { name, width, kind }
}

/// A field of a fixed number of bytes.
pub(super) fn fixed(name: &'static str, bytes: usize, kind: FieldKind) -> Field {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    field(name, Width::Fixed(bytes), kind)
}

/// A layout whose first field is the tag.
pub(super) fn layout(
    name: &'static str,
    message: usize,
    phase: u8,
    sender: u8,
    fields: Vec<Field>,
) -> Layout {
    let mut all = vec![fixed("tag", 1, FieldKind::Tag)];
    all.extend(fields);
    Layout {
        name,
        tag: Some(tag_of(message)),
        phase,
        sender: Some(sender),
        fields: all,
    }
}

/// The layouts of DATA_UP, DATA_DOWN and END, which all variants with tags share.
pub(super) fn application_layouts() -> [Layout; 3] {
    let data = |name, message, sender| {
        let ciphertext = Width::Rest {
            min: 16,
            max: CIPHERTEXT_MAX,
            multiple_of: 16,
        };
        let fields = vec![
            fixed("seq", 4, FieldKind::Integer),
            fixed("iv", 16, FieldKind::Bytes),
            field("ciphertext", ciphertext, FieldKind::Bytes),
            fixed("mac", MAC_BYTES, FieldKind::Bytes),
        ];
        layout(name, message, SEND_DATA, sender, fields)
    };
    let end = vec![
        fixed("seq", 4, FieldKind::Integer),
        fixed("mac", MAC_BYTES, FieldKind::Bytes),
    ];
    [
        data("DATA_UP", DATA_UP, DEVICE),
        data("DATA_DOWN", DATA_DOWN, SERVER),
        layout("END", END, FINISH, DEVICE, end),
    ]
}

/// Decodes a frame whose layout is one of [`application_layouts`].
pub(super) fn decode_application<'a>(
    layout: &Layout,
    message: usize,
    bytes: &'a [u8],
) -> Result<Application<'a>, Place> {
    let located = layout.locate(bytes)?;
    let (iv, ciphertext) = if message == END {
        (&[][..], &[][..])
    } else {
        (located.field(2), located.field(3))
    };
    Ok(Application {
        message,
        seq: u32::try_from(located.integer(1)).unwrap_or(u32::MAX),
        iv,
        ciphertext,
        covered: &bytes[..bytes.len().saturating_sub(MAC_BYTES)],
        mac: &bytes[bytes.len().saturating_sub(MAC_BYTES)..],
    })
}

impl Wire {
    /// The layouts of `as-published` and its broken twins.
    pub(super) fn new(params: &Params) -> Self {
        let any_bytes = Width::Rest {
            min: 0,
            max: u32::MAX,
            multiple_of: 1,
        };
        let any_list = Width::Rest {
            min: 0,
            max: u32::MAX,
            multiple_of: 2,
        };
        let sealed = |bytes, without| {
            if params.without == Some(without) {
                field("sealed", any_bytes, FieldKind::Bytes)
            } else {
                fixed(
                    "sealed",
                    sealed_bytes(params.cipher_mode, bytes),
                    FieldKind::Bytes,
                )
            }
        };
        let c1 = if params.without == Some(Without::Challenge) {
            field("c1", any_list, FieldKind::Indices)
        } else {
            fixed("c1", params.challenge_bytes(), FieldKind::Indices)
        };
        let m1 = vec![
            fixed("device_id", 4, FieldKind::Integer),
            fixed("session_id", 4, FieldKind::Integer),
        ];
        let m2 = vec![c1, fixed("r1", params.key_bytes, FieldKind::Bytes)];
        let m3 = vec![sealed(params.plain3_bytes(), Without::R1)];
        let m4 = vec![sealed(params.plain4_bytes(), Without::R2)];
        let mut layouts = vec![
            layout("M1", M1, AUTHENTICATE, DEVICE, m1),
            layout("M2", M2, AUTHENTICATE, SERVER, m2),
            layout("M3", M3, AUTHENTICATE, DEVICE, m3),
            layout("M4", M4, AUTHENTICATE, SERVER, m4),
        ];
        layouts.extend(application_layouts());
        Self {
            layouts,
            keys: params.keys,
            check: params.challenge_check,
        }
    }

    /// Finds message and fields of a frame.
    ///
    /// # Errors
    ///
    /// The first place that does not fit: `tag` for an empty frame or an unknown tag, `end` for a
    /// wrong length, `ciphertext` for a length no padding produces, `c1[i]` for an index that the
    /// check refuses.
    pub(super) fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Message<'a>, Place> {
        let (message, layout) = bytes
            .first()
            .and_then(|tag| {
                let message = usize::from(*tag).checked_sub(1)?;
                Some((message, self.layouts.get(message)?))
            })
            .ok_or(UNKNOWN_TAG)?;
        if message >= DATA_UP {
            return decode_application(layout, message, bytes).map(Message::Application);
        }
        let located = layout.locate(bytes)?;
        let word = |index| u32::try_from(located.integer(index)).unwrap_or(u32::MAX);
        Ok(match message {
            M1 => Message::M1 {
                device_id: word(1),
                session_id: word(2),
            },
            M2 => {
                let c1 = indices(located.field(1));
                check_challenge(c1, self.keys, self.check, "c1", located.offset(1))?;
                Message::M2 { c1 }
            }
            M3 => Message::M3 {
                sealed: located.field(1),
            },
            _ => Message::M4 {
                sealed: located.field(1),
            },
        })
    }
}

/// Where the decoder stops at an empty frame or an unknown tag.
pub(super) const UNKNOWN_TAG: Place = Place {
    field: "tag",
    index: None,
    offset: 0,
};

/// Judges an index list that starts at `offset` of its frame.
///
/// # Errors
///
/// The first element that is not below `keys` (`full`, `range`) or not above the one before
/// (`full`).
pub(super) fn check_challenge(
    list: Indices<'_>,
    keys: u16,
    check: ChallengeCheck,
    field: &'static str,
    offset: usize,
) -> Result<(), Place> {
    if check == ChallengeCheck::None {
        return Ok(());
    }
    let mut previous = None;
    for (element, index) in list.iter().enumerate() {
        let value = u16::from_be_bytes(*index);
        let ascends =
            check == ChallengeCheck::Range || previous.is_none_or(|before| value > before);
        if value >= keys || !ascends {
            return Err(Place {
                field,
                index: Some(u16::try_from(element).unwrap_or(u16::MAX)),
                offset: u32::try_from(offset + 2 * element).unwrap_or(u32::MAX),
            });
        }
        previous = Some(value);
    }
    Ok(())
}

/// Ep(x): bytes that a plaintext of `x` bytes takes when it is sealed.
pub(super) const fn sealed_bytes(mode: CipherMode, x: usize) -> usize {
    match mode {
        CipherMode::Cbc => 16 + 16 * (x / 16 + 1),
        CipherMode::CbcNopad => 16 + 16 * x.div_ceil(16),
        CipherMode::Ecb => 16 * (x / 16 + 1),
        CipherMode::EcbNopad => 16 * x.div_ceil(16),
        CipherMode::Ctr => 16 + x,
    }
}
