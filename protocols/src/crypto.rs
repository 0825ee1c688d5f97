//! The one facade to all primitives, metered.
//!
//! Every hash, MAC, cipher block, key derivation, comparison and XOR of a machine goes through
//! [`Crypto`], so that a run counts what the code really computes. The primitives themselves come
//! from RustCrypto crates. Hashes that only name things for observers are not metered ([`tag`],
//! [`fingerprint`]).

mod cipher;
pub mod group;
mod hash;
pub mod rsa;

pub use cipher::{AesKey, pkcs7_pad, pkcs7_unpad};
pub use hash::{RunningSha256, fingerprint, hmac_sha256_unmetered, sha256_unmetered, tag};

use crate::meter::{Meter, Primitive};
use subtle::ConstantTimeEq as _;

/// Metered primitives; owned and reused by the driver.
#[derive(Clone, Debug, Default)]
pub struct Crypto {
    /// What was computed in this call.
    pub meter: Meter,
}

impl Crypto {
    /// Compares in constant time; lengths may differ, which is unequal.
    pub fn equal(&mut self, left: &[u8], right: &[u8]) -> bool {
        self.meter
            .add(Primitive::Compare, 1, left.len().max(right.len()));
        left.ct_eq(right).into()
    }

    /// XORs `row` into `into`, over the shorter of the two; counts one row.
    pub fn xor(&mut self, into: &mut [u8], row: &[u8]) {
        self.meter.add(Primitive::Xor, 1, into.len().min(row.len()));
        for (byte, other) in into.iter_mut().zip(row) {
            *byte ^= other;
        }
    }

    /// Counts one look-up in a database.
    pub fn db_read(&mut self) {
        self.meter.add(Primitive::DbRead, 1, 0);
    }
}

#[cfg(test)]
mod tests;
