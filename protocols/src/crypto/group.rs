//! Arithmetic in the multiplicative group of a small prime field, for toy Diffie-Hellman.

use super::Crypto;
use super::trace::Work;
use crate::meter::Primitive;

impl Crypto {
    /// `base` to the power `exponent` modulo `modulus`; metered by the modulus's bytes.
    ///
    /// A `modulus` of 0 or 1 gives 0.
    pub fn mod_pow(&mut self, base: u32, exponent: u64, modulus: u32) -> u32 {
        self.meter
            .add(Primitive::ModPow, 1, byte_length(u64::from(modulus)));
        let power = mod_pow(base, exponent, modulus);
        self.note(|| noted("mod_pow", base, exponent, modulus, power));
        power
    }

    /// The same value as [`Crypto::mod_pow`], metered as the power of a number of `base_bits` bits
    /// taken without reduction: by the bytes of that integer.
    pub fn integer_pow(&mut self, base: u32, base_bits: u64, exponent: u64, modulus: u32) -> u32 {
        let bits = exponent.saturating_mul(base_bits).max(1);
        let bytes = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
        self.meter.add(Primitive::ModPow, 1, bytes);
        let power = mod_pow(base, exponent, modulus);
        self.note(|| noted("integer_pow", base, exponent, modulus, power));
        power
    }
}

/// A power as a trace shows it, every number big-endian.
fn noted(function: &'static str, base: u32, exponent: u64, modulus: u32, power: u32) -> Work {
    Work::new(function, &power.to_be_bytes())
        .with("base", &base.to_be_bytes())
        .with("exponent", &exponent.to_be_bytes())
        .with("modulus", &modulus.to_be_bytes())
}

/// `base` to the power `exponent` modulo `modulus`, not metered; 0 when `modulus` is 0 or 1.
#[must_use]
pub fn mod_pow(base: u32, exponent: u64, modulus: u32) -> u32 {
    if modulus <= 1 {
        return 0;
    }
    let modulus = u64::from(modulus);
    let mut square = u64::from(base) % modulus;
    let mut power = 1;
    let mut rest = exponent;
    while rest > 0 {
        if rest & 1 == 1 {
            power = power * square % modulus;
        }
        square = square * square % modulus;
        rest >>= 1;
    }
    u32::try_from(power).expect("a residue is below its 32-bit modulus")
}

/// True when `number` is prime, by trial division.
#[must_use]
pub fn is_prime(number: u32) -> bool {
    number >= 2
        && (2..)
            .take_while(|divisor| u64::from(*divisor) * u64::from(*divisor) <= u64::from(number))
            .all(|divisor| !number.is_multiple_of(divisor))
}

fn byte_length(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()).div_ceil(8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default group of `rsa-udp`.
    const PRIME: u32 = 105_341;

    #[test]
    fn powers_match_an_independent_program() {
        let powers = [0, 1, 2, 52_670, 105_340, 500_000].map(|e| mod_pow(3, e, PRIME));
        assert_eq!(powers, [1, 3, 9, 105_340, 1, 83_016]);
        let shared = mod_pow(mod_pow(3, 12_345, PRIME), 499_999, PRIME);
        assert_eq!(shared, 39_504);
        assert_eq!(shared, mod_pow(mod_pow(3, 499_999, PRIME), 12_345, PRIME));
    }

    #[test]
    fn three_generates_the_whole_group() {
        assert!(is_prime(PRIME));
        for factor in [2, 5, 23, 229] {
            assert_ne!(mod_pow(3, u64::from(PRIME - 1) / factor, PRIME), 1);
        }
    }

    #[test]
    fn the_edges_of_the_number_range_do_no_harm() {
        assert_eq!(mod_pow(u32::MAX, u64::MAX, 0), 0);
        assert_eq!(mod_pow(u32::MAX, u64::MAX, 1), 0);
        assert_eq!(mod_pow(u32::MAX, 2, u32::MAX), 0);
        assert!(is_prime(2_147_483_647));
        assert!(!is_prime(2_147_483_645));
        assert!(!is_prime(0) && !is_prime(1) && is_prime(2));
    }

    #[test]
    fn a_power_is_metered_by_the_bytes_of_the_modulus() {
        let mut crypto = Crypto::default();
        assert_eq!(crypto.mod_pow(3, 2, PRIME), 9);
        let operation = crypto.meter.operations()[0];
        assert_eq!(
            (operation.primitive, operation.count, operation.bytes),
            (Primitive::ModPow, 1, 3)
        );
    }
}
