//! Key pairs as bytes: how they are generated and how a party's storage holds them.
//!
//! A pair is a function of its entropy stream, the modulus bits, the exponent and the arithmetic,
//! and of nothing else. Its bytes are, big-endian, with `k` the modulus bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | form: 0 real, 1 modelled |
//! | 1 | 2 | k |
//! | 3 | 4 | public exponent |
//! | 7 | k | modulus |
//! | 7+k | k | private exponent (real only) |
//! | 7+2k | k/2 | first prime (real only) |
//! | 7+2k+k/2 | k/2 | second prime (real only) |

use rsa::RsaPrivateKey;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};

use super::{Arithmetic, BoxedUint, Octets, PrivateKey, PublicKey, integer};
use crate::entropy::Entropy;

const FORM_REAL: u8 = 0;
const FORM_MODELLED: u8 = 1;
const HEADER: usize = 7;

/// Generates a pair with a modulus of exactly `bits` bits from the start of `entropy`, as bytes.
///
/// A modelled pair is one request of `bits / 8` bytes; a real one draws as many candidates as it
/// takes.
///
/// # Panics
///
/// When `bits` is not a multiple of 128 from 1024 to 8192, or `exponent` is even or below 3.
#[must_use]
pub fn generate(
    entropy: &mut dyn Entropy,
    bits: u16,
    exponent: u32,
    arithmetic: Arithmetic,
) -> Vec<u8> {
    assert!(
        bits.is_multiple_of(128) && (1024..=8192).contains(&bits),
        "a modulus of 1024 to 8192 bits in steps of 128"
    );
    assert!(exponent & 1 == 1 && exponent >= 3, "an odd exponent");
    let size = usize::from(bits / 8);
    let mut bytes = Vec::with_capacity(HEADER + 3 * size);
    let form = match arithmetic {
        Arithmetic::Real => FORM_REAL,
        Arithmetic::Modelled => FORM_MODELLED,
    };
    bytes.push(form);
    bytes.extend((bits / 8).to_be_bytes());
    bytes.extend(exponent.to_be_bytes());
    match arithmetic {
        Arithmetic::Modelled => {
            bytes.resize(HEADER + size, 0);
            let modulus = &mut bytes[HEADER..];
            entropy.fill(modulus);
            modulus[0] |= 0x80;
            modulus[size - 1] |= 1;
        }
        Arithmetic::Real => {
            let exponent = BoxedUint::from(u64::from(exponent));
            let pair =
                RsaPrivateKey::new_with_exp(&mut Octets(entropy), usize::from(bits), exponent)
                    .expect("an odd exponent has an inverse for some pair of primes");
            put(&mut bytes, pair.n().as_ref(), size);
            put(&mut bytes, pair.d(), size);
            for prime in pair.primes() {
                put(&mut bytes, prime.as_ref(), size / 2);
            }
        }
    }
    bytes
}

/// Appends a number as exactly `size` bytes.
fn put(bytes: &mut Vec<u8>, number: &BoxedUint, size: usize) {
    let trimmed = number.to_be_bytes_trimmed_vartime();
    bytes.resize(bytes.len() + size.saturating_sub(trimmed.len()), 0);
    bytes.extend(&trimmed);
}

/// A pair's bytes with their parts found.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    arithmetic: Arithmetic,
    exponent: u32,
    modulus: &'a [u8],
    /// Private exponent and primes; empty in a modelled pair.
    secret: &'a [u8],
}

impl<'a> Pair<'a> {
    /// Finds the parts; `None` when the length or the form is wrong. The numbers are not checked
    /// here ([`Pair::private_key`] does).
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_at_checked(HEADER)?;
        let size = usize::from(u16::from_be_bytes([header[1], header[2]]));
        let exponent = u32::from_be_bytes([header[3], header[4], header[5], header[6]]);
        let (modulus, secret) = body.split_at_checked(size)?;
        let arithmetic = match header[0] {
            FORM_REAL if secret.len() == 2 * size && size.is_multiple_of(2) => Arithmetic::Real,
            FORM_MODELLED if secret.is_empty() => Arithmetic::Modelled,
            _ => return None,
        };
        Some(Self {
            arithmetic,
            exponent,
            modulus,
            secret,
        })
    }

    /// The modulus, big-endian.
    #[must_use]
    pub const fn modulus(&self) -> &'a [u8] {
        self.modulus
    }

    /// The public exponent.
    #[must_use]
    pub const fn exponent(&self) -> u32 {
        self.exponent
    }

    /// Whether it is a real pair.
    #[must_use]
    pub const fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// The key to compute with; `None` when the numbers are no pair: the primes must multiply to
    /// the modulus and the exponents be inverse to each other modulo each prime less one.
    #[must_use]
    pub fn private_key(&self) -> Option<PrivateKey> {
        let public = PublicKey::new(self.modulus, self.exponent, self.arithmetic)?;
        let numbers = match self.arithmetic {
            Arithmetic::Modelled => None,
            Arithmetic::Real => {
                let (exponent, primes) = self.secret.split_at_checked(self.modulus.len())?;
                let (first, second) = primes.split_at_checked(primes.len() / 2)?;
                let pair = RsaPrivateKey::from_components(
                    integer(self.modulus)?,
                    BoxedUint::from(u64::from(self.exponent)),
                    integer(exponent)?,
                    vec![integer(first)?, integer(second)?],
                );
                Some(Box::new(pair.ok()?))
            }
        };
        Some(PrivateKey { public, numbers })
    }
}

impl core::fmt::Debug for Pair<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pair")
            .field("bits", &(self.modulus.len() * 8))
            .field("exponent", &self.exponent)
            .finish_non_exhaustive()
    }
}
