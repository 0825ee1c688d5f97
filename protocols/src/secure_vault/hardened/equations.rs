//! Keys from the transcript, sealing with a tag, and the one-way update.

use crate::context::Context;
use crate::crypto::{Crypto, pkcs7_pad, pkcs7_unpad};

use super::super::messages::tag_of;
use super::messages::{Sealed, TAG_BYTES};

/// Bytes of an HMAC key.
const MAC_KEY_BYTES: usize = 32;

/// An AES key of mb bytes followed by an HMAC key of 32 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyPair {
    bytes: [u8; 64],
    key_bytes: usize,
}

impl KeyPair {
    /// HKDF-SHA-256 with salt SHA-256(`bodies`).
    pub(super) fn derive(
        crypto: &mut Crypto,
        bodies: &[u8],
        secret: &[&[u8]],
        info: &[u8],
        key_bytes: usize,
    ) -> Self {
        let salt = crypto.sha256(&[bodies]);
        let mut bytes = [0; 64];
        let mut joined = [0; 64];
        let mut length = 0;
        for (byte, given) in joined.iter_mut().zip(secret.iter().copied().flatten()) {
            *byte = *given;
            length += 1;
        }
        let wanted = &mut bytes[..key_bytes + MAC_KEY_BYTES];
        crypto.hkdf_sha256(&salt, &joined[..length], info, wanted);
        Self { bytes, key_bytes }
    }

    fn aes(&self) -> &[u8] {
        &self.bytes[..self.key_bytes]
    }

    fn mac(&self) -> &[u8] {
        &self.bytes[self.key_bytes..self.key_bytes + MAC_KEY_BYTES]
    }

    /// Both keys, joined.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.key_bytes + MAC_KEY_BYTES]
    }
}

/// Appends the body of M3 or M4 to `out`: session id, IV (drawn here), ciphertext, tag.
pub(super) fn seal(
    cx: &mut Context<'_>,
    keys: &KeyPair,
    message: usize,
    session_id: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.extend_from_slice(session_id);
    let mut iv = [0; 16];
    cx.random(&mut iv);
    out.extend_from_slice(&iv);
    let text = out.len();
    out.extend_from_slice(plaintext);
    pkcs7_pad(out, text);
    let key = cx.crypto.aes_key(keys.aes());
    cx.crypto.cbc_encrypt(&key, &iv, &mut out[text..]);
    let covered: [&[u8]; 2] = [&[tag_of(message)], &out[start..]];
    let mac = cx.crypto.hmac_sha256(keys.mac(), &covered);
    out.extend_from_slice(&mac[..TAG_BYTES]);
}

/// Opens what [`seal`] made of `length` bytes; `out` holds the plaintext afterwards.
///
/// # Errors
///
/// `mac` before anything is decrypted; `open` for padding that such a plaintext does not get.
pub(super) fn open(
    crypto: &mut Crypto,
    keys: &KeyPair,
    sealed: &Sealed<'_>,
    length: usize,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let mac = crypto.hmac_sha256(keys.mac(), &[sealed.covered]);
    if !crypto.equal(&mac[..TAG_BYTES], sealed.tag) {
        return Err("mac");
    }
    out.clear();
    out.extend_from_slice(sealed.ciphertext);
    let key = crypto.aes_key(keys.aes());
    let iv = sealed.iv.try_into().unwrap_or([0; 16]);
    crypto.cbc_decrypt(&key, &iv, out);
    if pkcs7_unpad(out).is_none_or(|plaintext| plaintext.len() != length) {
        return Err("open");
    }
    out.truncate(length);
    Ok(())
}

/// Appends the vault after an update to `out`: as many bytes as `vault` has of
/// HMAC(PRK, 0) || HMAC(PRK, 1) || .., PRK = HMAC(SHA-256(`bodies`), V).
pub(in crate::secure_vault) fn update_vault(
    crypto: &mut Crypto,
    vault: &[u8],
    bodies: &[u8],
    out: &mut Vec<u8>,
) {
    let salt = crypto.sha256(&[bodies]);
    let prk = crypto.hmac_sha256(&salt, &[vault]);
    for (chunk, number) in vault.chunks(prk.len()).zip(0u32..) {
        let block = crypto.hmac_sha256(&prk, &[&number.to_be_bytes()]);
        out.extend_from_slice(&block[..chunk.len()]);
    }
}
