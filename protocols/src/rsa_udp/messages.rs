//! The frames on the wire and inside SEALED: layouts, encoder, decoder.

use crate::output::Place;
use crate::wire::{Field, FieldKind, Layout, Located, Width};

use super::params::Params;
use super::{AUTHENTICATE, CLIENT, DEVICE, SEND_DATA};

/// A datagram longer than this is refused, bytes.
pub const DATAGRAM_MAX: usize = 8192;

/// Longest device or user name, bytes.
pub const NAME_MAX: usize = 64;

/// 16 random bytes with the version and variant bits of a random UUID.
pub type Salt = [u8; 16];

/// Sets the fixed bits of a salt.
#[must_use]
pub fn salt_from(mut bytes: [u8; 16]) -> Salt {
    bytes[6] = 0x40 | (bytes[6] & 0x0F);
    bytes[8] = 0x80 | (bytes[8] & 0x3F);
    bytes
}

const CONNECT: u8 = 1;
const PASS: u8 = 2;
const ENCRYPT: u8 = 3;
const ERROR: u8 = 4;
const BUSY: u8 = 5;
const SEALED: u8 = 6;

/// What an ERROR says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// User unknown or wrong password.
    Login,
    /// Diffie-Hellman value out of range.
    Argument,
    /// Unacceptable key.
    NullPubKey,
}

impl ErrorCode {
    const fn code(self) -> u8 {
        match self {
            Self::Login => 1,
            Self::Argument => 2,
            Self::NullPubKey => 3,
        }
    }

    /// The reason that the client gives when it receives it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Argument => "argument",
            Self::NullPubKey => "key",
        }
    }
}

/// The fields of a PASS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass<'a> {
    /// Number of the CONNECT it answers.
    pub number: u32,
    /// Proof of the password.
    pub login_hash: [u8; 32],
    /// Challenge to the device.
    pub client_salt: Salt,
    /// The client's Diffie-Hellman value.
    pub dh_public: u32,
    /// The client's public exponent.
    pub exponent: u32,
    /// The client's modulus.
    pub modulus: &'a [u8],
    /// User name.
    pub user: &'a [u8],
}

/// The fields of an ENCRYPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encrypt<'a> {
    /// Proof that the device knows the user's stored value.
    pub server_hash: [u8; 32],
    /// The device's Diffie-Hellman value.
    pub dh_public: u32,
    /// The device's public exponent.
    pub exponent: u32,
    /// The device's modulus.
    pub modulus: &'a [u8],
}

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A device offers itself.
    Connect {
        /// Challenge to the client.
        salt: Salt,
        /// Names the salt.
        number: u32,
        /// Device name.
        name: &'a [u8],
    },
    /// A user logs in.
    Pass(Pass<'a>),
    /// The device accepts.
    Encrypt(Encrypt<'a>),
    /// The device refuses.
    Error(ErrorCode),
    /// The device is taken.
    Busy,
    /// Something sealed to the receiver.
    Sealed(&'a [u8]),
}

const fn field(name: &'static str, width: Width, kind: FieldKind) -> Field {
    Field { name, width, kind }
}

const fn number(name: &'static str, bytes: u32) -> Field {
    field(name, Width::Fixed(bytes), FieldKind::Integer)
}

const fn bytes(name: &'static str, length: u32) -> Field {
    field(name, Width::Fixed(length), FieldKind::Bytes)
}

const fn counted(name: &'static str, by: u8, kind: FieldKind) -> Field {
    field(name, Width::Counted { field: by, unit: 1 }, kind)
}

const TAG: Field = field("tag", Width::Fixed(1), FieldKind::Tag);

/// The layouts of CONNECT, PASS, ENCRYPT, ERROR, BUSY and SEALED, at their tag less one.
#[must_use]
pub fn layouts(params: &Params) -> Vec<Layout> {
    let modulus = u32::from(params.rsa_bits / 8);
    let layout = |name, tag, phase, sender, fields: &[Field]| Layout {
        name,
        tag: Some(tag),
        phase,
        sender,
        fields: [&[TAG], fields].concat(),
    };
    vec![
        layout(
            "CONNECT",
            CONNECT,
            AUTHENTICATE,
            Some(DEVICE),
            &[
                bytes("salt", 16),
                number("number", 4),
                number("name_len", 1),
                counted("name", 3, FieldKind::Text),
            ],
        ),
        layout(
            "PASS",
            PASS,
            AUTHENTICATE,
            Some(CLIENT),
            &[
                number("number", 4),
                bytes("login_hash", 32),
                bytes("client_salt", 16),
                number("dh_public", 4),
                number("modulus_len", 2),
                number("exponent", 4),
                number("user_len", 1),
                counted("modulus", 5, FieldKind::Bytes),
                counted("user", 7, FieldKind::Text),
            ],
        ),
        layout(
            "ENCRYPT",
            ENCRYPT,
            AUTHENTICATE,
            Some(DEVICE),
            &[
                bytes("server_hash", 32),
                number("dh_public", 4),
                number("modulus_len", 2),
                number("exponent", 4),
                counted("modulus", 3, FieldKind::Bytes),
            ],
        ),
        layout(
            "ERROR",
            ERROR,
            AUTHENTICATE,
            Some(DEVICE),
            &[number("code", 1)],
        ),
        layout("BUSY", BUSY, AUTHENTICATE, Some(DEVICE), &[]),
        layout(
            "SEALED",
            SEALED,
            SEND_DATA,
            None,
            &[bytes("ciphertext", modulus)],
        ),
    ]
}

/// Decodes a datagram by the layouts of [`layouts`].
///
/// # Errors
///
/// The field and offset of the first fault: `tag` for an empty datagram or an unknown tag, `end`
/// for a wrong total, the field for a value that is not allowed.
pub fn decode<'a>(layouts: &[Layout], datagram: &'a [u8]) -> Result<Frame<'a>, Place> {
    let layout = datagram
        .first()
        .and_then(|tag| layouts.get(usize::from(*tag).checked_sub(1)?))
        .ok_or_else(|| place("tag", 0))?;
    if datagram.len() > DATAGRAM_MAX {
        return Err(place("end", DATAGRAM_MAX));
    }
    let fields = layout.locate(datagram)?;
    Ok(match datagram[0] {
        CONNECT => {
            check_name(&fields, 3, 4, "name_len", "name", is_device_name)?;
            Frame::Connect {
                salt: array(fields.field(1)),
                number: integer(&fields, 2),
                name: fields.field(4),
            }
        }
        PASS => {
            check_name(&fields, 7, 9, "user_len", "user", is_user_name)?;
            Frame::Pass(Pass {
                number: integer(&fields, 1),
                login_hash: array(fields.field(2)),
                client_salt: array(fields.field(3)),
                dh_public: integer(&fields, 4),
                exponent: integer(&fields, 6),
                modulus: fields.field(8),
                user: fields.field(9),
            })
        }
        ENCRYPT => Frame::Encrypt(Encrypt {
            server_hash: array(fields.field(1)),
            dh_public: integer(&fields, 2),
            exponent: integer(&fields, 4),
            modulus: fields.field(5),
        }),
        ERROR => Frame::Error(match fields.integer(1) {
            1 => ErrorCode::Login,
            2 => ErrorCode::Argument,
            3 => ErrorCode::NullPubKey,
            _ => return Err(place("code", 1)),
        }),
        BUSY => Frame::Busy,
        _ => Frame::Sealed(fields.field(1)),
    })
}

impl Frame<'_> {
    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Connect { salt, number, name } => {
                out.push(CONNECT);
                out.extend(salt);
                out.extend(number.to_be_bytes());
                out.push(length_byte(name));
                out.extend(*name);
            }
            Self::Pass(pass) => {
                out.push(PASS);
                out.extend(pass.number.to_be_bytes());
                out.extend(pass.login_hash);
                out.extend(pass.client_salt);
                out.extend(pass.dh_public.to_be_bytes());
                out.extend(length_word(pass.modulus).to_be_bytes());
                out.extend(pass.exponent.to_be_bytes());
                out.push(length_byte(pass.user));
                out.extend(pass.modulus);
                out.extend(pass.user);
            }
            Self::Encrypt(encrypt) => {
                out.push(ENCRYPT);
                out.extend(encrypt.server_hash);
                out.extend(encrypt.dh_public.to_be_bytes());
                out.extend(length_word(encrypt.modulus).to_be_bytes());
                out.extend(encrypt.exponent.to_be_bytes());
                out.extend(encrypt.modulus);
            }
            Self::Error(code) => out.extend([ERROR, code.code()]),
            Self::Busy => out.push(BUSY),
            Self::Sealed(ciphertext) => {
                out.push(SEALED);
                out.extend(*ciphertext);
            }
        }
    }
}

/// Start of a SEALED frame; the ciphertext follows.
pub const SEALED_HEADER: [u8; 1] = [SEALED];

/// True for 1..64 bytes of UTF-8 without comma and control characters.
#[must_use]
pub fn is_device_name(name: &[u8]) -> bool {
    let allowed = |text: &str| !text.chars().any(|c| c == ',' || c.is_control());
    (1..=NAME_MAX).contains(&name.len()) && core::str::from_utf8(name).is_ok_and(allowed)
}

/// True for a device name without colon.
#[must_use]
pub fn is_user_name(name: &[u8]) -> bool {
    is_device_name(name) && !name.contains(&b':')
}

/// What an inner frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnerKind {
    /// Text to the device.
    Data,
    /// The same text back.
    Echo,
    /// End of the connection.
    Fin,
}

/// The frame inside SEALED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner<'a> {
    /// What it is.
    pub kind: InnerKind,
    /// Its number.
    pub seq: u64,
    /// Its text; empty in a FIN.
    pub text: &'a [u8],
}

/// Bytes of an inner frame before its text.
pub const INNER_HEADER: usize = 9;

impl<'a> Inner<'a> {
    /// Decodes an inner frame.
    ///
    /// # Errors
    ///
    /// `seq` at 1 when it is shorter than a header, `tag` at 0 when that is unknown, `end` at 9
    /// when a FIN is longer than its header. Offsets count within the inner frame.
    pub fn decode(inner: &'a [u8]) -> Result<Self, Place> {
        let (header, text) = inner
            .split_first_chunk::<INNER_HEADER>()
            .ok_or_else(|| place("seq", 1))?;
        let [tag, seq @ ..] = *header;
        let kind = match tag {
            1 => InnerKind::Data,
            2 => InnerKind::Echo,
            3 if text.is_empty() => InnerKind::Fin,
            3 => return Err(place("end", INNER_HEADER)),
            _ => return Err(place("tag", 0)),
        };
        Ok(Self {
            kind,
            seq: u64::from_be_bytes(seq),
            text,
        })
    }

    /// Appends the inner frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self.kind {
            InnerKind::Data => 1,
            InnerKind::Echo => 2,
            InnerKind::Fin => 3,
        });
        out.extend(self.seq.to_be_bytes());
        out.extend(self.text);
    }
}

fn place(field: &'static str, offset: usize) -> Place {
    Place {
        field,
        index: None,
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
    }
}

fn check_name(
    fields: &Located<'_>,
    length_index: usize,
    name_index: usize,
    length_name: &'static str,
    name: &'static str,
    allowed: fn(&[u8]) -> bool,
) -> Result<(), Place> {
    let length = fields.field(name_index).len();
    if length == 0 || length > NAME_MAX {
        return Err(place(length_name, fields.offset(length_index)));
    }
    if !allowed(fields.field(name_index)) {
        return Err(place(name, fields.offset(name_index)));
    }
    Ok(())
}

/// A field of a width that the layout fixes.
fn array<const N: usize>(field: &[u8]) -> [u8; N] {
    field.try_into().unwrap_or([0; N])
}

fn integer(fields: &Located<'_>, index: usize) -> u32 {
    u32::try_from(fields.integer(index)).unwrap_or(u32::MAX)
}

fn length_byte(name: &[u8]) -> u8 {
    u8::try_from(name.len()).unwrap_or(u8::MAX)
}

fn length_word(modulus: &[u8]) -> u16 {
    u16::try_from(modulus.len()).unwrap_or(u16::MAX)
}
