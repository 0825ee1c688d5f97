//! V: the checks of a frame, in their order (section 5).

use super::choice::{Defence, Variant};
use super::equations::Pair;
use super::fault::Fault;
use super::messages::{Frame, decode};
use super::params::Params;
use crate::crypto::{Crypto, pkcs7_unpad};

/// What the verifying end expects of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// The session's client.
    pub(super) client: u8,
    /// The round.
    pub(super) round: u32,
    /// The direction byte.
    pub(super) direction: u8,
    /// The keys of that direction.
    pub(super) pair: Pair,
    /// Hash of the frame it must answer, where the HMAC covers it.
    pub(super) answered: Option<[u8; 32]>,
}

/// Verifies a frame; `payload` is emptied and then holds what it carries.
///
/// # Errors
///
/// The first step that fails. Opcode and phase are judged by the caller, afterwards.
pub(super) fn verify<'a>(
    params: &Params,
    crypto: &mut Crypto,
    bytes: &'a [u8],
    expected: &Expected,
    payload: &mut Vec<u8>,
) -> Result<Frame<'a>, Fault> {
    payload.clear();
    let frame = decode(params, bytes).map_err(Fault::Malformed)?;
    let header = &frame.header;
    if params.checks_id() && header.client != expected.client {
        return Err(Fault::Id);
    }
    if params.checks_round() && header.round < expected.round {
        return Err(Fault::RoundLow);
    }
    if params.checks_round() && header.round > expected.round {
        return Err(Fault::RoundHigh);
    }
    if params.checks_direction() && header.direction != expected.direction {
        return Err(Fault::Direction);
    }
    let beyond = expected.answered.as_ref().map_or(&[][..], |hash| hash);
    let covered = params.covered(frame.signed);
    let hmac = crypto.hmac_sha256(expected.pair.mac(params), &[covered, beyond]);
    if !params.lacks(Defence::Mac) && !crypto.equal(&hmac, frame.hmac) {
        return Err(Fault::Mac);
    }
    if params.is(Variant::Literal) && !frame.ciphertext.len().is_multiple_of(16) {
        return Err(Fault::Blocks);
    }
    payload.extend_from_slice(frame.ciphertext);
    if params.encrypts() {
        let key = crypto.aes_key(&expected.pair.enc);
        crypto.cbc_decrypt(&key, frame.iv, payload);
    }
    let length = pkcs7_unpad(payload).map(<[u8]>::len);
    payload.truncate(length.unwrap_or(0));
    length.map(|_| frame).ok_or(Fault::Padding)
}
