//! Frames: their layouts, how one is built, and what the decoder refuses.
//!
//! All frames have one shape (section 3.2 of the specification): opcode, client id, round,
//! direction, IV, ciphertext, HMAC. On a stream a 4-byte length comes before it; the length belongs
//! to the record, not to the frame, and offsets in refusals count from the frame's first byte.

use super::choice::{Choice as _, ErrorCodes, Variant};
use super::equations::Pair;
use super::params::Params;
use super::records::CLOSE;
use super::{AUTHENTICATE, CLIENT, FINISH, SEND_DATA, SERVER};
use crate::context::Context;
use crate::crypto::pkcs7_pad;
use crate::output::Place;
use crate::wire::{Field, FieldKind, Layout, Width};

/// `CLIENT_HELLO`.
pub(super) const HELLO: u8 = 10;
/// `SERVER_CHALLENGE`.
pub(super) const CHALLENGE: u8 = 20;
/// `CLIENT_DATA`.
pub(super) const DATA: u8 = 30;
/// `SERVER_AGGR_RESPONSE`.
pub(super) const RESPONSE: u8 = 40;
/// `KEY_DESYNC_ERROR`.
pub(super) const DESYNC: u8 = 50;
/// `TERMINATE`.
pub(super) const TERMINATE: u8 = 60;
/// `ERROR_57`: the prototype's clear answer to an unknown id.
pub(super) const UNKNOWN_CLIENT: u8 = 57;

/// Header, IV and HMAC: what a frame has beside its ciphertext.
pub(super) const OVERHEAD_BYTES: usize = 55;
/// Shortest frame: one block of ciphertext.
pub(super) const FRAME_BYTES_MIN: usize = OVERHEAD_BYTES + 16;
/// Header of a frame: opcode, client id, round, direction.
pub(super) const HEADER_BYTES: usize = 7;
/// Offset of the ciphertext.
pub(super) const CIPHERTEXT_AT: usize = HEADER_BYTES + 16;

/// Places of the fields in the shape of a frame.
mod field {
    pub(super) const OPCODE: usize = 0;
    pub(super) const CLIENT_ID: usize = 1;
    pub(super) const ROUND: usize = 2;
    pub(super) const DIRECTION: usize = 3;
    pub(super) const IV: usize = 4;
    pub(super) const CIPHERTEXT: usize = 5;
    pub(super) const HMAC: usize = 6;
}

/// Layouts under one set of parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire {
    /// Shape of a frame as the decoder takes it, whatever its opcode.
    shape: Option<Layout>,
    /// Every message as it stands on the wire, in the order of the specification.
    pub(super) layouts: Vec<Layout>,
    /// Opcode of each of `layouts`; `None` for `CLOSE`.
    opcodes: Vec<Option<u8>>,
}

/// The fields of a frame whose ciphertext is so wide.
fn frame_fields(ciphertext: Width) -> Vec<Field> {
    let field = |name, width, kind| Field { name, width, kind };
    vec![
        field("opcode", Width::Fixed(1), FieldKind::Tag),
        field("client_id", Width::Fixed(1), FieldKind::Integer),
        field("round", Width::Fixed(4), FieldKind::Integer),
        field("direction", Width::Fixed(1), FieldKind::Integer),
        field("iv", Width::Fixed(16), FieldKind::Bytes),
        field("ciphertext", ciphertext, FieldKind::Bytes),
        field("hmac", Width::Fixed(32), FieldKind::Bytes),
    ]
}

/// A ciphertext of `min` bytes or more.
const fn rest(min: u32, multiple_of: u32) -> Width {
    Width::Rest {
        min,
        max: u32::MAX,
        multiple_of,
    }
}

impl Wire {
    /// The layouts that follow from the parameters.
    pub(super) fn new(params: &Params) -> Self {
        let literal = params.is(Variant::Literal);
        // The prototype looks at the block size last, so its decoder takes any length.
        let (min, multiple_of) = if literal { (0, 1) } else { (16, 16) };
        let shape = Layout {
            name: "frame",
            tag: None,
            phase: 0,
            sender: None,
            fields: frame_fields(rest(min, multiple_of)),
        };
        let mut wire = Self {
            shape: Some(shape),
            ..Self::default()
        };
        let challenge = if literal {
            rest(32, 16)
        } else {
            Width::Fixed(48)
        };
        let messages = [
            (
                HELLO,
                "CLIENT_HELLO",
                CLIENT,
                AUTHENTICATE,
                Width::Fixed(32),
            ),
            (
                CHALLENGE,
                "SERVER_CHALLENGE",
                SERVER,
                AUTHENTICATE,
                challenge,
            ),
            (DATA, "CLIENT_DATA", CLIENT, SEND_DATA, rest(16, 16)),
            (
                RESPONSE,
                "SERVER_AGGR_RESPONSE",
                SERVER,
                SEND_DATA,
                rest(32, 16),
            ),
            (
                DESYNC,
                "KEY_DESYNC_ERROR",
                SERVER,
                SEND_DATA,
                Width::Fixed(16),
            ),
        ];
        for (opcode, name, sender, phase, ciphertext) in messages {
            wire.add(
                params,
                opcode,
                name,
                Some(sender),
                phase,
                frame_fields(ciphertext),
            );
        }
        let terminate = frame_fields(Width::Fixed(16));
        wire.add(params, TERMINATE, "TERMINATE", None, FINISH, terminate);
        if params.error_codes == ErrorCodes::Extended {
            for (opcode, name, ciphertext) in EXTENDED {
                let fields = if *opcode == UNKNOWN_CLIENT {
                    let mut fields = frame_fields(rest(0, 1));
                    fields.truncate(field::IV);
                    fields.push(Field {
                        name: "text",
                        width: Width::Rest {
                            min: 0,
                            max: 100,
                            multiple_of: 1,
                        },
                        kind: FieldKind::Text,
                    });
                    fields
                } else {
                    frame_fields(*ciphertext)
                };
                let phase = if *opcode == UNKNOWN_CLIENT {
                    AUTHENTICATE
                } else {
                    SEND_DATA
                };
                wire.add(params, *opcode, name, Some(SERVER), phase, fields);
            }
        }
        if params.streams() {
            wire.layouts.push(Layout {
                name: "CLOSE",
                tag: None,
                phase: FINISH,
                sender: None,
                fields: vec![LENGTH],
            });
            wire.opcodes.push(None);
        }
        wire
    }

    fn add(
        &mut self,
        params: &Params,
        opcode: u8,
        name: &'static str,
        sender: Option<u8>,
        phase: u8,
        mut fields: Vec<Field>,
    ) {
        if params.streams() {
            fields.insert(0, LENGTH);
        }
        self.layouts.push(Layout {
            name,
            // Behind a length the opcode is not the first byte.
            tag: (!params.streams()).then_some(opcode),
            phase,
            sender,
            fields,
        });
        self.opcodes.push(Some(opcode));
    }

    /// The message that these bytes of the wire are: its place in the layouts.
    pub(super) fn classify(&self, params: &Params, bytes: &[u8]) -> Option<usize> {
        let opcode = if params.streams() {
            match bytes.split_first_chunk::<4>()? {
                (&CLOSE, _) => None,
                (_, frame) => Some(*frame.first()?),
            }
        } else {
            Some(*bytes.first()?)
        };
        self.opcodes.iter().position(|known| *known == opcode)
    }

    /// True for an opcode of the specification.
    fn knows(&self, opcode: u8) -> bool {
        self.opcodes.contains(&Some(opcode))
    }
}

/// The length before a record.
const LENGTH: Field = Field {
    name: "length",
    width: Width::Fixed(4),
    kind: FieldKind::Integer,
};

/// The opcodes of `error_codes = extended`, with the ciphertext of the prototype's texts.
const EXTENDED: &[(u8, &str, Width)] = &[
    (51, "ERROR_51", Width::Fixed(96)),
    (52, "ERROR_52", Width::Fixed(80)),
    (53, "ERROR_53", Width::Fixed(64)),
    (54, "ERROR_54", Width::Fixed(64)),
    (55, "ERROR_55", Width::Fixed(96)),
    (56, "ERROR_56", rest(16, 16)),
    (UNKNOWN_CLIENT, "ERROR_57", rest(0, 1)),
    (58, "ERROR_58", rest(16, 16)),
    (59, "ERROR_59", rest(16, 16)),
];

/// What a frame says of itself before its IV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Kind of message.
    pub(super) opcode: u8,
    /// The session's client, in both directions.
    pub(super) client: u8,
    /// Round.
    pub(super) round: u32,
    /// Direction byte.
    pub(super) direction: u8,
}

/// A frame taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// Header.
    pub(super) header: Header,
    /// Initialisation vector.
    pub(super) iv: &'a [u8; 16],
    /// Ciphertext.
    pub(super) ciphertext: &'a [u8],
    /// HMAC.
    pub(super) hmac: &'a [u8],
    /// What the HMAC covers: everything before it.
    pub(super) signed: &'a [u8],
}

/// Takes a frame apart.
///
/// # Errors
///
/// The first that applies: `length` at the end of a frame that is too short, `ciphertext` when it
/// is no whole number of blocks, `opcode` or `direction` of an unknown value. The prototype's
/// decoder (variant `literal`) refuses only what is too short to be taken apart.
pub(super) fn decode<'a>(params: &Params, bytes: &'a [u8]) -> Result<Frame<'a>, Place> {
    let literal = params.is(Variant::Literal);
    let least = if literal {
        OVERHEAD_BYTES
    } else {
        FRAME_BYTES_MIN
    };
    let too_short = Place {
        field: "length",
        index: None,
        offset: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
    };
    if bytes.len() < least {
        return Err(too_short);
    }
    let Some(shape) = &params.wire.shape else {
        return Err(too_short);
    };
    let located = shape.locate(bytes)?;
    let byte = |index| located.field(index).first().copied().unwrap_or_default();
    let header = Header {
        opcode: byte(field::OPCODE),
        client: byte(field::CLIENT_ID),
        round: u32::try_from(located.integer(field::ROUND)).unwrap_or(u32::MAX),
        direction: byte(field::DIRECTION),
    };
    let at = |index: usize, name| Place {
        field: name,
        index: None,
        offset: u32::try_from(located.offset(index)).unwrap_or(u32::MAX),
    };
    if !literal && !params.wire.knows(header.opcode) {
        return Err(at(field::OPCODE, "opcode"));
    }
    if !literal && !params.directions.contains(&header.direction) {
        return Err(at(field::DIRECTION, "direction"));
    }
    Ok(Frame {
        header,
        iv: located.field(field::IV).try_into().map_err(|_| too_short)?,
        ciphertext: located.field(field::CIPHERTEXT),
        hmac: located.field(field::HMAC),
        signed: &bytes[..located.offset(field::HMAC)],
    })
}

/// Builds a frame in `out`, which is emptied first. Draws the IV: one request of 16 bytes.
///
/// `answered` is what the HMAC covers beyond the frame: the hash of the frame it answers.
pub(super) fn seal(
    params: &Params,
    cx: &mut Context<'_>,
    header: Header,
    pair: &Pair,
    payload: &[u8],
    answered: Option<&[u8; 32]>,
    out: &mut Vec<u8>,
) {
    let mut iv = [0; 16];
    cx.random(&mut iv);
    out.clear();
    out.push(header.opcode);
    out.push(header.client);
    out.extend_from_slice(&header.round.to_be_bytes());
    out.push(header.direction);
    out.extend_from_slice(&iv);
    out.extend_from_slice(payload);
    pkcs7_pad(out, CIPHERTEXT_AT);
    if params.encrypts() {
        let key = cx.crypto.aes_key(&pair.enc);
        cx.crypto.cbc_encrypt(&key, &iv, &mut out[CIPHERTEXT_AT..]);
    }
    let beyond = answered.map_or(&[][..], |hash| hash);
    let covered = params.covered(out);
    let hmac = cx.crypto.hmac_sha256(pair.mac(params), &[covered, beyond]);
    out.extend_from_slice(&hmac);
    debug_assert!(
        params
            .wire
            .shape
            .as_ref()
            .is_some_and(|shape| shape.locate(out).is_ok()),
        "{} builds frames that its decoder takes apart",
        params.variant.word(),
    );
}

/// IV and ciphertext of a frame that [`seal`] has built.
pub(super) fn sealed_parts(frame: &[u8]) -> (&[u8], &[u8]) {
    let body = frame
        .get(HEADER_BYTES..frame.len().saturating_sub(32))
        .unwrap_or(&[]);
    body.split_at(body.len().min(16))
}
