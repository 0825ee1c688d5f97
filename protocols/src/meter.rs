//! Counts what a machine computes, so that a driver can price it.
//!
//! The meter is a list of operations in the order they were done. A driver that simulates a device
//! prices them with the device's profile; one that only wants totals sums them ([`Totals`]).

use core::fmt;

/// A primitive operation that costs something on a small device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Primitive {
    /// One SHA-1 call; `bytes` hashed.
    Sha1,
    /// One SHA-256 call; `bytes` hashed.
    Sha256,
    /// One SHA-512 call; `bytes` hashed.
    Sha512,
    /// One HMAC-SHA-256 call; `bytes` of message, the key's own hashing included where it is long.
    HmacSha256,
    /// One HMAC-SHA-512 call; likewise.
    HmacSha512,
    /// One key derivation (HKDF extract and expand, or a hash used as one); `bytes` derived.
    Kdf,
    /// One AES key set-up with a 128-bit key.
    Aes128Key,
    /// One AES key set-up with a 256-bit key.
    Aes256Key,
    /// AES-128 block encryptions; `count` blocks.
    Aes128Encrypt,
    /// AES-128 block decryptions; `count` blocks.
    Aes128Decrypt,
    /// AES-256 block encryptions; `count` blocks.
    Aes256Encrypt,
    /// AES-256 block decryptions; `count` blocks.
    Aes256Decrypt,
    /// GHASH multiplications; `count` blocks.
    Ghash,
    /// One RSA public operation; `bytes` of modulus.
    RsaPublic,
    /// One RSA private operation; `bytes` of modulus.
    RsaPrivate,
    /// One modular power over a small group; `bytes` of modulus.
    ModPow,
    /// XOR of key rows or masks; `count` rows, `bytes` in all.
    Xor,
    /// Random bytes drawn; `count` requests, `bytes` in all.
    Random,
    /// One constant-time comparison; `bytes` compared.
    Compare,
    /// One database look-up.
    DbRead,
    /// One durable write; `bytes` written.
    DurableWrite,
}

impl Primitive {
    /// Every primitive, in the order of reports.
    pub const ALL: [Self; 21] = [
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::HmacSha256,
        Self::HmacSha512,
        Self::Kdf,
        Self::Aes128Key,
        Self::Aes256Key,
        Self::Aes128Encrypt,
        Self::Aes128Decrypt,
        Self::Aes256Encrypt,
        Self::Aes256Decrypt,
        Self::Ghash,
        Self::RsaPublic,
        Self::RsaPrivate,
        Self::ModPow,
        Self::Xor,
        Self::Random,
        Self::Compare,
        Self::DbRead,
        Self::DurableWrite,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
            Self::Kdf => "kdf",
            Self::Aes128Key => "aes128-key",
            Self::Aes256Key => "aes256-key",
            Self::Aes128Encrypt => "aes128-encrypt",
            Self::Aes128Decrypt => "aes128-decrypt",
            Self::Aes256Encrypt => "aes256-encrypt",
            Self::Aes256Decrypt => "aes256-decrypt",
            Self::Ghash => "ghash",
            Self::RsaPublic => "rsa-public",
            Self::RsaPrivate => "rsa-private",
            Self::ModPow => "mod-pow",
            Self::Xor => "xor",
            Self::Random => "random",
            Self::Compare => "compare",
            Self::DbRead => "db-read",
            Self::DurableWrite => "durable-write",
        }
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One metered operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What was done.
    pub primitive: Primitive,
    /// The phase it belongs to: its number in the protocol's list of phases.
    pub phase: u8,
    /// How often, or how many blocks or rows.
    pub count: u32,
    /// How many bytes in all.
    pub bytes: u32,
}

/// The operations of one call of a machine, in order.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    operations: Vec<Operation>,
    phase: u8,
}

impl Meter {
    /// Sets the phase that the following operations belong to.
    pub const fn phase(&mut self, phase: u8) {
        self.phase = phase;
    }

    /// Sets the phase of every operation of this call, those done and those to come: for messages
    /// that show only after opening what they are about.
    pub fn rephase(&mut self, phase: u8) {
        self.phase = phase;
        for operation in &mut self.operations {
            operation.phase = phase;
        }
    }

    /// Adds one operation. Drivers call it for durable writes; everything else comes from
    /// [`crate::crypto`].
    #[inline]
    pub fn add(&mut self, primitive: Primitive, count: u32, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.operations.push(Operation {
            primitive,
            phase: self.phase,
            count,
            bytes,
        });
    }

    /// How many operations there are so far: the mark that an effect keeps.
    #[must_use]
    pub fn mark(&self) -> u32 {
        u32::try_from(self.operations.len()).unwrap_or(u32::MAX)
    }

    /// The operations since the last [`Meter::clear`], in order.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Forgets all operations and keeps the memory.
    pub fn clear(&mut self) {
        self.operations.clear();
        self.phase = 0;
    }
}

/// Sums of operations by primitive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    sums: [(u64, u64); Primitive::ALL.len()],
}

impl Totals {
    /// Adds one operation.
    #[inline]
    pub fn add(&mut self, operation: &Operation) {
        let sum = &mut self.sums[operation.primitive as usize];
        sum.0 += u64::from(operation.count);
        sum.1 += u64::from(operation.bytes);
    }

    /// Adds other sums.
    pub fn absorb(&mut self, more: &Self) {
        for (sum, more) in self.sums.iter_mut().zip(&more.sums) {
            sum.0 += more.0;
            sum.1 += more.1;
        }
    }

    /// Count and bytes of one primitive.
    #[must_use]
    pub const fn of(&self, primitive: Primitive) -> (u64, u64) {
        self.sums[primitive as usize]
    }

    /// Every primitive that occurred: (primitive, count, bytes), in the order of
    /// [`Primitive::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Primitive, u64, u64)> + '_ {
        Primitive::ALL
            .iter()
            .zip(&self.sums)
            .filter(|(_, sum)| sum.0 > 0)
            .map(|(primitive, sum)| (*primitive, sum.0, sum.1))
    }
}
