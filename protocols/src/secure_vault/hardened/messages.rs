//! The frames of `hardened`. Application frames are those of the published protocol.

use crate::output::Place;
use crate::wire::{FieldKind, Layout};

use super::super::messages::{
    Application, DATA_UP, Indices, M1, M2, M3, M4, UNKNOWN_TAG, application_layouts,
    check_challenge, decode_application, fixed, indices, layout,
};
use super::super::params::{ChallengeCheck, Params};
use super::super::{AUTHENTICATE, DEVICE, SERVER};
use super::NONCE_BYTES;

/// Bytes of the authentication tag of M3 and M4.
pub(super) const TAG_BYTES: usize = 16;

/// A decoded frame; slices have the lengths that the layout promises.
#[derive(Clone, Copy, Debug)]
pub(super) enum Message<'a> {
    /// The device announces itself and, unless told not to, the epoch of its vault.
    M1 {
        device_id: u32,
        session_id: u32,
        epoch: Option<u32>,
    },
    /// The server's challenge.
    M2 { session_id: u32, c1: Indices<'a> },
    /// The device's answer and its own challenge.
    M3(Sealed<'a>),
    /// The server's answer.
    M4(Sealed<'a>),
    /// Application data or END.
    Application(Application<'a>),
}

/// A sealed M3 or M4.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    pub(super) session_id: u32,
    pub(super) iv: &'a [u8],
    pub(super) ciphertext: &'a [u8],
    /// What the tag covers: the frame without it.
    pub(super) covered: &'a [u8],
    /// 16 bytes.
    pub(super) tag: &'a [u8],
}

/// The layouts of one set of parameters, and what the decoder checks beyond them.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) layouts: Vec<Layout>,
    keys: u16,
    has_epoch: bool,
}

/// Bytes of M3's plaintext: r1, t1, c2, r2, epoch.
pub(super) const fn plain3_bytes(params: &Params) -> usize {
    2 * NONCE_BYTES + params.key_bytes + params.challenge_bytes() + 4
}

/// Bytes of M4's plaintext: r2, t2.
pub(super) const fn plain4_bytes(params: &Params) -> usize {
    NONCE_BYTES + params.key_bytes
}

impl Wire {
    pub(super) fn new(params: &Params) -> Self {
        let session_id = || fixed("session_id", 4, FieldKind::Integer);
        let sealed = |plain: usize| {
            vec![
                session_id(),
                fixed("iv", 16, FieldKind::Bytes),
                fixed("ciphertext", 16 * (plain / 16 + 1), FieldKind::Bytes),
                fixed("tag", TAG_BYTES, FieldKind::Bytes),
            ]
        };
        let mut m1 = vec![fixed("device_id", 4, FieldKind::Integer), session_id()];
        if params.hardened_epoch {
            m1.push(fixed("epoch", 4, FieldKind::Integer));
        }
        let m2 = vec![
            session_id(),
            fixed("c1", params.challenge_bytes(), FieldKind::Indices),
            fixed("r1", NONCE_BYTES, FieldKind::Bytes),
        ];
        let m3 = sealed(plain3_bytes(params));
        let m4 = sealed(plain4_bytes(params));
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
            has_epoch: params.hardened_epoch,
        }
    }

    /// Finds message and fields of a frame.
    ///
    /// # Errors
    ///
    /// As in the published protocol; `c1[i]` counts from offset 5.
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
        let sealed = || Sealed {
            session_id: word(1),
            iv: located.field(2),
            ciphertext: located.field(3),
            covered: &bytes[..bytes.len().saturating_sub(TAG_BYTES)],
            tag: located.field(4),
        };
        Ok(match message {
            M1 => Message::M1 {
                device_id: word(1),
                session_id: word(2),
                epoch: self.has_epoch.then(|| word(3)),
            },
            M2 => {
                let c1 = indices(located.field(2));
                let offset = located.offset(2);
                check_challenge(c1, self.keys, ChallengeCheck::Full, "c1", offset)?;
                Message::M2 {
                    session_id: word(1),
                    c1,
                }
            }
            M3 => Message::M3(sealed()),
            _ => Message::M4(sealed()),
        })
    }
}
