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
pub mod trace;

pub use cipher::{AesKey, pkcs7_pad, pkcs7_unpad};
pub use hash::{RunningSha256, fingerprint, hmac_sha256_unmetered, sha256_unmetered, tag};

use crate::meter::{Meter, Primitive};
use subtle::ConstantTimeEq as _;
use trace::Work;

/// Metered primitives; owned and reused by the driver.
#[derive(Clone, Debug, Default)]
pub struct Crypto {
    /// What was computed in this call.
    pub meter: Meter,
    /// Inputs and outputs of every primitive, where they are wanted ([`trace`]).
    trace: Option<Vec<Work>>,
}

impl Crypto {
    /// Compares in constant time; lengths may differ, which is unequal.
    pub fn equal(&mut self, left: &[u8], right: &[u8]) -> bool {
        self.meter
            .add(Primitive::Compare, 1, left.len().max(right.len()));
        let equal: bool = left.ct_eq(right).into();
        self.note(|| {
            Work::new("equal", &[u8::from(equal)])
                .with("left", left)
                .with("right", right)
        });
        equal
    }

    /// XORs `row` into `into`, over the shorter of the two; counts one row.
    pub fn xor(&mut self, into: &mut [u8], row: &[u8]) {
        self.xor_rows(into, core::iter::once(row));
    }

    /// XORs every one of `rows` into `into`, over the shorter of the two; counts the rows as one
    /// operation, none when there are none.
    pub fn xor_rows<'r>(&mut self, into: &mut [u8], rows: impl Iterator<Item = &'r [u8]>) {
        let mut count = 0;
        let mut bytes = 0;
        for row in rows {
            let before = self.traces().then(|| into.to_vec());
            for (byte, other) in into.iter_mut().zip(row) {
                *byte ^= other;
            }
            count += 1;
            bytes += into.len().min(row.len());
            if let Some(before) = before {
                self.note(|| {
                    Work::new("xor", into)
                        .with("left", &before)
                        .with("right", row)
                });
            }
        }
        if count > 0 {
            self.meter.add(Primitive::Xor, count, bytes);
        }
    }

    /// Counts one look-up in a database.
    pub fn db_read(&mut self) {
        self.meter.add(Primitive::DbRead, 1, 0);
    }
}

#[cfg(test)]
mod tests;
