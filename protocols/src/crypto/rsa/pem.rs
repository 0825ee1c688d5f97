//! Public keys as PEM text (SubjectPublicKeyInfo, RFC 5280 and RFC 7468), without the final line
//! feed.

use rsa::pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, RsaPublicKey};

use super::{Arithmetic, PublicKey, integer};

/// The PEM text of a modulus and an exponent; `None` when they are no acceptable key.
#[must_use]
pub fn encode(modulus: &[u8], exponent: u32) -> Option<String> {
    let exponent = BoxedUint::from(u64::from(exponent));
    let key = RsaPublicKey::new(integer(modulus)?, exponent).ok()?;
    let mut text = key.to_public_key_pem(LineEnding::LF).ok()?;
    text.truncate(text.trim_end().len());
    Some(text)
}

/// The key in a PEM text; `None` when it is none, or no acceptable one ([`PublicKey::new`]).
#[must_use]
pub fn decode(text: &[u8], arithmetic: Arithmetic) -> Option<PublicKey> {
    let text = core::str::from_utf8(text).ok()?;
    let key = RsaPublicKey::from_public_key_pem(text).ok()?;
    let exponent = key.e_bytes();
    let exponent = exponent.iter().try_fold(0_u32, |sum, byte| {
        Some(sum.checked_mul(256)? + u32::from(*byte))
    })?;
    PublicKey::new(&key.n_bytes(), exponent, arithmetic)
}
