//! Inner frames on their way into SEALED and out of it.
//!
//! The one place that knows how the variants differ here: RSA-OAEP to the receiver as published, a
//! MAC behind the inner frame when hardened, no encryption at all in two broken twins.

use crate::context::Context;
use crate::crypto::rsa::{PrivateKey, PublicKey};
use crate::output::Reason;

use super::messages::{INNER_HEADER, Inner, InnerKind, SEALED_HEADER};
use super::params::Params;
use super::{FINISH, SEND_DATA};

/// Who sends an inner frame: the first byte under its MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// 01.
    ClientToDevice,
    /// 02.
    DeviceToClient,
}

impl Direction {
    const fn byte(self) -> u8 {
        match self {
            Self::ClientToDevice => 1,
            Self::DeviceToClient => 2,
        }
    }
}

/// Bytes of the MAC behind an inner frame.
const MAC: usize = 16;

/// What one end of a connection seals and opens with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The peer's public key.
    pub peer: PublicKey,
    /// Authenticates inner frames, in the hardened variant.
    pub mac: Option<[u8; 32]>,
}

/// Appends a whole SEALED frame of `inner` to `frame`; false, and nothing appended, when the text is
/// too long.
#[must_use]
pub fn seal(
    cx: &mut Context<'_>,
    params: &Params,
    keys: &Keys,
    direction: Direction,
    inner: &Inner<'_>,
    frame: &mut Vec<u8>,
) -> bool {
    if inner.text.len() > params.text_max() {
        return false;
    }
    let mut plain = cx.buffers.take();
    inner.encode(&mut plain);
    if let Some(key) = &keys.mac {
        let mac = cx.crypto.hmac_sha256(key, &[&[direction.byte()], &plain]);
        plain.extend(&mac[..MAC]);
    }
    let start = frame.len();
    frame.extend(SEALED_HEADER);
    let sealed = if params.clear() {
        wrap(&plain, params.modulus_bytes(), frame);
        true
    } else {
        cx.crypto
            .rsa_seal(
                &mut *cx.entropy,
                &keys.peer,
                params.oaep_hash,
                &plain,
                frame,
            )
            .is_ok()
    };
    if !sealed {
        frame.truncate(start);
    }
    cx.buffers.give(plain);
    sealed
}

/// What came out of a SEALED frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it is.
    pub kind: InnerKind,
    /// Its number.
    pub seq: u64,
    plain: Vec<u8>,
    text_end: usize,
}

impl Opened {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.plain
            .get(INNER_HEADER..self.text_end)
            .unwrap_or_default()
    }
}

/// Opens a ciphertext, with the phase of the call set to that of the inner frame.
///
/// # Errors
///
/// `undecryptable`, `mac`, or the place of a malformation in the inner frame.
pub fn open(
    cx: &mut Context<'_>,
    params: &Params,
    own: &PrivateKey,
    mac: Option<&[u8; 32]>,
    direction: Direction,
    ciphertext: &[u8],
) -> Result<Opened, Reason> {
    cx.phase(SEND_DATA);
    let plain = if params.clear() {
        unwrap(ciphertext).map(<[u8]>::to_vec)
    } else {
        cx.crypto.rsa_open(own, params.oaep_hash, ciphertext)
    };
    let plain = plain.ok_or(Reason::new("undecryptable"))?;
    let mut inner = plain.as_slice();
    if let Some(key) = mac {
        let Some((body, tag)) = plain.split_last_chunk::<MAC>() else {
            return Err(Reason::new("mac"));
        };
        let expected = cx.crypto.hmac_sha256(key, &[&[direction.byte()], body]);
        if !cx.crypto.equal(&expected[..MAC], tag) {
            return Err(Reason::new("mac"));
        }
        inner = body;
    }
    let Inner { kind, seq, .. } = Inner::decode(inner)?;
    let text_end = inner.len();
    if kind == InnerKind::Fin {
        cx.crypto.meter.rephase(FINISH);
    }
    Ok(Opened {
        kind,
        seq,
        plain,
        text_end,
    })
}

/// The inner frame in clear, zero-filled to `size`, its length in the last two bytes.
pub(super) fn wrap(plain: &[u8], size: usize, frame: &mut Vec<u8>) {
    let start = frame.len();
    frame.extend(plain);
    frame.resize(start + size - 2, 0);
    frame.extend(u16::try_from(plain.len()).unwrap_or(u16::MAX).to_be_bytes());
}

pub(super) fn unwrap(block: &[u8]) -> Option<&[u8]> {
    let (plain, length) = block.split_last_chunk::<2>()?;
    plain.get(..usize::from(u16::from_be_bytes(*length)))
}
