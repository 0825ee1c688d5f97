//! RSA encryption with OAEP padding (RSAES-OAEP of RFC 8017, empty label), metered by modulus bytes.
//!
//! The arithmetic comes from the `rsa` crate. The octets of the OAEP seed are drawn from the
//! caller's entropy as one request of exactly `hLen` bytes, and nothing else is drawn: private
//! operations are unblinded, since a simulated adversary measures no real time.
//!
//! A key may be *modelled* ([`Arithmetic::Modelled`]): then a sealed text is the padded block with
//! neither mask nor power, bound to the receiver's key by a hash. Sizes, draws, meter and the
//! refusal of damaged or misdirected blocks are those of the real thing; secrecy is not, so nothing
//! that looks at the bytes may be told from it.
//!
//! Pairs are made, written down and cached by [`pair`] and [`cache`].

pub mod cache;
pub mod pair;
pub mod pem;

use core::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PaddingScheme as _;
use rsa::{BoxedUint, Oaep, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Crypto;
use super::trace::Work;
use crate::entropy::Entropy;
use crate::meter::Primitive;

/// Whether the numbers of a key are really computed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// Key pairs, encryption and decryption are computed.
    #[default]
    Real,
    /// A modulus is a random number of the right size; sealing and opening are computed without a
    /// power.
    Modelled,
}

/// The hash of OAEP and of its mask generation function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OaepHash {
    /// SHA-1, hLen = 20.
    #[default]
    Sha1,
    /// SHA-256, hLen = 32.
    Sha256,
}

impl OaepHash {
    /// `hLen`: its output in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The longest text that fits a modulus of so many bytes: `k - 2 hLen - 2`, 0 when none fits.
    #[must_use]
    pub const fn text_max(self, modulus_bytes: usize) -> usize {
        modulus_bytes.saturating_sub(2 * self.size() + 2)
    }
}

/// A public key.
#[derive(Clone, Debug)]
pub struct PublicKey {
    modulus: Box<[u8]>,
    exponent: u32,
    /// `None` in a modelled key.
    numbers: Option<RsaPublicKey>,
}

impl PublicKey {
    /// The key of a big-endian modulus and an exponent.
    ///
    /// `None` when the modulus is not odd, has not its top bit set, or is not 128 to 1024 bytes
    /// long, or when the exponent is even or below 3. Whether the modulus is a product of two
    /// primes cannot be seen from it.
    #[must_use]
    pub fn new(modulus: &[u8], exponent: u32, arithmetic: Arithmetic) -> Option<Self> {
        let top = *modulus.first()?;
        let bottom = *modulus.last()?;
        let sized = (128..=1024).contains(&modulus.len());
        let odd = bottom & 1 == 1 && exponent & 1 == 1;
        if !sized || !odd || top & 0x80 == 0 || exponent < 3 {
            return None;
        }
        let numbers = match arithmetic {
            Arithmetic::Real => {
                let modulus = integer(modulus)?;
                Some(RsaPublicKey::new(modulus, BoxedUint::from(u64::from(exponent))).ok()?)
            }
            Arithmetic::Modelled => None,
        };
        Some(Self {
            modulus: modulus.into(),
            exponent,
            numbers,
        })
    }

    /// The modulus, big-endian, without leading zeros.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent.
    #[must_use]
    pub const fn exponent(&self) -> u32 {
        self.exponent
    }

    /// `k`: bytes of the modulus, and of everything sealed to this key.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.modulus.len()
    }
}

/// A private key with its public half.
#[derive(Clone)]
pub struct PrivateKey {
    public: PublicKey,
    /// `None` in a modelled key.
    numbers: Option<Box<RsaPrivateKey>>,
}

impl PrivateKey {
    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl core::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// A text longer than [`OaepHash::text_max`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextTooLong;

impl Crypto {
    /// Encrypts `text` to `key` and appends the `k` bytes of it to `out`.
    ///
    /// Draws `hLen` bytes as one request, unless it fails.
    ///
    /// # Errors
    ///
    /// [`TextTooLong`]: nothing is drawn, metered or appended.
    pub fn rsa_seal(
        &mut self,
        entropy: &mut dyn Entropy,
        key: &PublicKey,
        hash: OaepHash,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), TextTooLong> {
        if key.size() < 2 * hash.size() + 2 || text.len() > hash.text_max(key.size()) {
            return Err(TextTooLong);
        }
        self.meter.add(Primitive::Random, 1, hash.size());
        self.meter.add(Primitive::RsaPublic, 1, key.size());
        let start = out.len();
        seal(entropy, key, hash, text, out)?;
        self.note(|| {
            Work::new("rsa_seal", &out[start..])
                .with("modulus", &key.modulus)
                .with("text", text)
        });
        Ok(())
    }

    /// Decrypts what was sealed to `key`.
    ///
    /// `None` for every kind of failure alike: another length than `k`, a number not below the
    /// modulus, a block sealed to another key, wrong padding.
    pub fn rsa_open(&mut self, key: &PrivateKey, hash: OaepHash, sealed: &[u8]) -> Option<Vec<u8>> {
        self.meter.add(Primitive::RsaPrivate, 1, key.public.size());
        let text = open(key, hash, sealed);
        self.note(|| {
            Work::new("rsa_open", text.as_deref().unwrap_or_default())
                .with("modulus", &key.public.modulus)
                .with("sealed", sealed)
        });
        text
    }
}

/// The arithmetic of [`Crypto::rsa_seal`].
fn seal(
    entropy: &mut dyn Entropy,
    key: &PublicKey,
    hash: OaepHash,
    text: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), TextTooLong> {
    let Some(numbers) = &key.numbers else {
        modelled_seal(entropy, key, hash, text, out);
        return Ok(());
    };
    let mut octets = Octets(entropy);
    let sealed = match hash {
        OaepHash::Sha1 => Oaep::<Sha1>::new().encrypt(&mut octets, numbers, text),
        OaepHash::Sha256 => Oaep::<Sha256>::new().encrypt(&mut octets, numbers, text),
    };
    out.extend(sealed.map_err(|_| TextTooLong)?);
    Ok(())
}

/// The arithmetic of [`Crypto::rsa_open`].
fn open(key: &PrivateKey, hash: OaepHash, sealed: &[u8]) -> Option<Vec<u8>> {
    if sealed.len() != key.public.size() {
        return None;
    }
    let Some(numbers) = &key.numbers else {
        return modelled_open(&key.public, hash, sealed);
    };
    let unblinded = None::<&mut Octets<'_>>;
    match hash {
        OaepHash::Sha1 => Oaep::<Sha1>::new().decrypt(unblinded, numbers, sealed),
        OaepHash::Sha256 => Oaep::<Sha256>::new().decrypt(unblinded, numbers, sealed),
    }
    .ok()
}

/// A machine's entropy as the generator that the `rsa` crate asks for.
struct Octets<'a>(&'a mut dyn Entropy);

impl TryRng for Octets<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Octets<'_> {}

fn integer(bytes: &[u8]) -> Option<BoxedUint> {
    let bits = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
    BoxedUint::from_be_slice(bytes, bits).ok()
}

/// 00 || seed || check || 00.. || 01 || text: the shape of an OAEP block before masking, with a
/// check over key, seed and text where OAEP has the hash of the label.
fn modelled_seal(
    entropy: &mut dyn Entropy,
    key: &PublicKey,
    hash: OaepHash,
    text: &[u8],
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let size = hash.size();
    out.resize(start + key.size(), 0);
    let block = &mut out[start..];
    entropy.fill(&mut block[1..=size]);
    let check = modelled_check(key, &block[1..=size], text);
    block[1 + size..1 + 2 * size].copy_from_slice(&check[..size]);
    let text_start = block.len() - text.len();
    block[text_start - 1] = 1;
    block[text_start..].copy_from_slice(text);
}

fn modelled_open(key: &PublicKey, hash: OaepHash, sealed: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = sealed.split_first()?;
    let (seed, rest) = rest.split_at_checked(hash.size())?;
    let (check, rest) = rest.split_at_checked(hash.size())?;
    let mark = rest.iter().position(|byte| *byte != 0)?;
    let text = &rest[mark + 1..];
    let bound = &modelled_check(key, seed, text)[..hash.size()];
    let good = *first == 0 && rest[mark] == 1 && bool::from(check.ct_eq(bound));
    good.then(|| text.to_vec())
}

fn modelled_check(key: &PublicKey, seed: &[u8], text: &[u8]) -> [u8; 32] {
    let mut check = Sha256::new();
    check.update(&key.modulus);
    check.update(key.exponent.to_be_bytes());
    check.update(seed);
    check.update(text);
    check.finalize().into()
}

#[cfg(test)]
mod tests;
