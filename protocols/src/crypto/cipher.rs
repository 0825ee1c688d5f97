//! AES and its modes. Padding is written and checked here, explicitly.

use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _,
    InnerIvInit as _, KeyInit as _, StreamCipher as _,
};
use aes::{Aes128, Aes256, Block};

use super::Crypto;
use super::trace::Work;
use crate::meter::Primitive;

/// A set-up AES key of 128 or 256 bits.
#[derive(Clone)]
pub enum AesKey {
    /// 128 bits.
    Aes128(Aes128),
    /// 256 bits.
    Aes256(Aes256),
}

impl core::fmt::Debug for AesKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AesKey")
    }
}

/// Appends PKCS#7 padding to `buffer[start..]`: 1 to 16 bytes, each the number of them.
pub fn pkcs7_pad(buffer: &mut Vec<u8>, start: usize) {
    let fill = 16 - (buffer.len() - start) % 16;
    buffer.resize(buffer.len() + fill, u8::try_from(fill).unwrap_or(16));
}

/// The text before valid PKCS#7 padding; `None` when the length is 0 or no multiple of 16, the
/// last byte is not 1..16, or a padding byte differs from it.
#[must_use]
pub fn pkcs7_unpad(padded: &[u8]) -> Option<&[u8]> {
    let fill = usize::from(*padded.last()?);
    if !padded.len().is_multiple_of(16) || !(1..=16).contains(&fill) {
        return None;
    }
    let (text, padding) = padded.split_at(padded.len() - fill);
    // All padding bytes are looked at, whatever the first of them is.
    let differing = padding
        .iter()
        .fold(0, |sum, &byte| sum | (usize::from(byte) ^ fill));
    (differing == 0).then_some(text)
}

/// The whole blocks of a buffer; a tail shorter than a block is left alone by all modes but CTR.
fn blocks(buffer: &mut [u8]) -> &mut [Block] {
    Block::slice_as_chunks_mut(buffer).0
}

fn cbc_encrypt<C>(key: &C, iv: &[u8; 16], buffer: &mut [u8])
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
{
    cbc::Encryptor::inner_iv_init(key, &(*iv).into()).encrypt_blocks(blocks(buffer));
}

fn cbc_decrypt<C>(key: &C, iv: &[u8; 16], buffer: &mut [u8])
where
    C: BlockCipherDecrypt<BlockSize = aes::cipher::consts::U16>,
{
    cbc::Decryptor::inner_iv_init(key, &(*iv).into()).decrypt_blocks(blocks(buffer));
}

fn ctr_apply<C>(key: &C, counter: &[u8; 16], buffer: &mut [u8])
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
{
    let core = ctr::CtrCore::<_, ctr::flavors::Ctr128BE>::inner_iv_init(key, &(*counter).into());
    // The counter wraps after 2^128 blocks only, more than any buffer holds.
    ctr::Ctr128BE::from_core(core).apply_keystream(buffer);
}

impl Crypto {
    /// Sets up an AES key: 16 bytes make AES-128; any other length makes AES-256 of the first 32
    /// bytes, zero-filled on the right.
    pub fn aes_key(&mut self, key: &[u8]) -> AesKey {
        self.note(|| Work::new("aes_key", &[]).with("key", key));
        if let Ok(key) = <[u8; 16]>::try_from(key) {
            self.meter.add(Primitive::Aes128Key, 1, 16);
            return AesKey::Aes128(Aes128::new(&key.into()));
        }
        self.meter.add(Primitive::Aes256Key, 1, 32);
        let mut whole = [0; 32];
        let length = key.len().min(32);
        whole[..length].copy_from_slice(&key[..length]);
        AesKey::Aes256(Aes256::new(&whole.into()))
    }

    fn count_encrypt(&mut self, key: &AesKey, bytes: usize) {
        let primitive = match key {
            AesKey::Aes128(_) => Primitive::Aes128Encrypt,
            AesKey::Aes256(_) => Primitive::Aes256Encrypt,
        };
        let count = u32::try_from(bytes.div_ceil(16)).unwrap_or(u32::MAX);
        self.meter.add(primitive, count, bytes);
    }

    fn count_decrypt(&mut self, key: &AesKey, bytes: usize) {
        let primitive = match key {
            AesKey::Aes128(_) => Primitive::Aes128Decrypt,
            AesKey::Aes256(_) => Primitive::Aes256Decrypt,
        };
        let count = u32::try_from(bytes / 16).unwrap_or(u32::MAX);
        self.meter.add(primitive, count, bytes);
    }

    /// Notes a cipher call: the block it starts from (none with ECB), the text before, the text after.
    fn note_cipher(
        &mut self,
        function: &'static str,
        start: Option<(&'static str, &[u8; 16])>,
        before: Option<Vec<u8>>,
        after: &[u8],
    ) {
        let Some(before) = before else { return };
        self.note(|| {
            let work = Work::new(function, after);
            let work = match start {
                Some((name, block)) => work.with(name, block),
                None => work,
            };
            work.with("text", &before)
        });
    }

    /// AES-CBC encryption in place of whole blocks (NIST SP 800-38A, 6.2).
    pub fn cbc_encrypt(&mut self, key: &AesKey, iv: &[u8; 16], buffer: &mut [u8]) {
        self.count_encrypt(key, buffer.len());
        let before = self.traces().then(|| buffer.to_vec());
        match key {
            AesKey::Aes128(key) => cbc_encrypt(key, iv, buffer),
            AesKey::Aes256(key) => cbc_encrypt(key, iv, buffer),
        }
        self.note_cipher("cbc_encrypt", Some(("iv", iv)), before, buffer);
    }

    /// AES-CBC decryption in place of whole blocks.
    pub fn cbc_decrypt(&mut self, key: &AesKey, iv: &[u8; 16], buffer: &mut [u8]) {
        self.count_decrypt(key, buffer.len());
        let before = self.traces().then(|| buffer.to_vec());
        match key {
            AesKey::Aes128(key) => cbc_decrypt(key, iv, buffer),
            AesKey::Aes256(key) => cbc_decrypt(key, iv, buffer),
        }
        self.note_cipher("cbc_decrypt", Some(("iv", iv)), before, buffer);
    }

    /// AES-ECB encryption in place of whole blocks (NIST SP 800-38A, 6.1).
    pub fn ecb_encrypt(&mut self, key: &AesKey, buffer: &mut [u8]) {
        self.count_encrypt(key, buffer.len());
        let before = self.traces().then(|| buffer.to_vec());
        match key {
            AesKey::Aes128(key) => key.encrypt_blocks(blocks(buffer)),
            AesKey::Aes256(key) => key.encrypt_blocks(blocks(buffer)),
        }
        self.note_cipher("ecb_encrypt", None, before, buffer);
    }

    /// AES-ECB decryption in place of whole blocks.
    pub fn ecb_decrypt(&mut self, key: &AesKey, buffer: &mut [u8]) {
        self.count_decrypt(key, buffer.len());
        let before = self.traces().then(|| buffer.to_vec());
        match key {
            AesKey::Aes128(key) => key.decrypt_blocks(blocks(buffer)),
            AesKey::Aes256(key) => key.decrypt_blocks(blocks(buffer)),
        }
        self.note_cipher("ecb_decrypt", None, before, buffer);
    }

    /// AES-CTR in place, either direction; the counter block counts in all 128 bits, big-endian,
    /// and wraps (NIST SP 800-38A, 6.5).
    pub fn ctr(&mut self, key: &AesKey, counter: &[u8; 16], buffer: &mut [u8]) {
        self.count_encrypt(key, buffer.len());
        let before = self.traces().then(|| buffer.to_vec());
        match key {
            AesKey::Aes128(key) => ctr_apply(key, counter, buffer),
            AesKey::Aes256(key) => ctr_apply(key, counter, buffer),
        }
        self.note_cipher("ctr", Some(("counter", counter)), before, buffer);
    }
}
