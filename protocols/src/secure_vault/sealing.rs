//! How M3 and M4 are sealed under a key, for each cipher mode.

use crate::context::Context;
use crate::crypto::{Crypto, pkcs7_pad, pkcs7_unpad};

use super::messages::sealed_bytes;
use super::params::{CipherMode, Params, Without};

/// Bytes of an IV or initial counter block.
const IV_BYTES: usize = 16;

impl CipherMode {
    const fn has_iv(self) -> bool {
        matches!(self, Self::Cbc | Self::CbcNopad | Self::Ctr)
    }

    const fn is_padded(self) -> bool {
        matches!(self, Self::Cbc | Self::Ecb)
    }
}

/// Appends the plaintext, sealed under `key`, to `out`. The IV is drawn here, last of the draws.
pub(super) fn seal(
    cx: &mut Context<'_>,
    params: &Params,
    key: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) {
    let mode = params.cipher_mode;
    let start = out.len();
    if params.without == Some(Without::Cipher) {
        out.extend_from_slice(plaintext);
        out.resize(start + sealed_bytes(mode, plaintext.len()), 0);
        return;
    }
    let mut iv = [0; IV_BYTES];
    if mode.has_iv() {
        out.extend_from_slice(&iv);
    }
    let text = out.len();
    out.extend_from_slice(plaintext);
    if mode.is_padded() {
        pkcs7_pad(out, text);
    } else {
        out.resize(start + sealed_bytes(mode, plaintext.len()), 0);
    }
    if mode.has_iv() {
        cx.random(&mut iv);
        out[start..text].copy_from_slice(&iv);
    }
    let key = cx.crypto.aes_key(key);
    let text = &mut out[text..];
    match mode {
        CipherMode::Cbc | CipherMode::CbcNopad => cx.crypto.cbc_encrypt(&key, &iv, text),
        CipherMode::Ecb | CipherMode::EcbNopad => cx.crypto.ecb_encrypt(&key, text),
        CipherMode::Ctr => cx.crypto.ctr(&key, &iv, text),
    }
}

/// Opens what [`seal`] made of a plaintext of `length` bytes; `out` holds the plaintext afterwards.
///
/// False when it does not open: a wrong length, or padding that a plaintext of that length does
/// not get. Without padding everything of the right length opens.
pub(super) fn open(
    crypto: &mut Crypto,
    params: &Params,
    key: &[u8],
    sealed: &[u8],
    length: usize,
    out: &mut Vec<u8>,
) -> bool {
    let mode = params.cipher_mode;
    out.clear();
    if sealed.len() != sealed_bytes(mode, length) {
        return false;
    }
    if params.without == Some(Without::Cipher) {
        out.extend_from_slice(&sealed[..length]);
        return true;
    }
    let (iv, text) = sealed.split_at(if mode.has_iv() { IV_BYTES } else { 0 });
    let iv = iv.try_into().unwrap_or([0; IV_BYTES]);
    out.extend_from_slice(text);
    let key = crypto.aes_key(key);
    match mode {
        CipherMode::Cbc | CipherMode::CbcNopad => crypto.cbc_decrypt(&key, &iv, out),
        CipherMode::Ecb | CipherMode::EcbNopad => crypto.ecb_decrypt(&key, out),
        CipherMode::Ctr => crypto.ctr(&key, &iv, out),
    }
    if mode.is_padded() && pkcs7_unpad(out).is_none_or(|plaintext| plaintext.len() != length) {
        return false;
    }
    out.truncate(length);
    true
}
