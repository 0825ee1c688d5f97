//! A cache of generated key pairs that can never change a result.
//!
//! Generating a pair of 4096 bits takes a second, so a host may keep the pairs of one run for the
//! next. What is kept is named by everything a pair depends on ([`PairName`]) and sealed with a
//! checksum; whatever is missing, damaged, misplaced or no valid pair is generated anew. So
//! presence, absence, concurrent use and damage of a store change the time a run takes and nothing
//! else.

use std::collections::BTreeMap;

use super::Arithmetic;
use super::pair::{self, Pair};
use crate::crypto::sha256_unmetered;
use crate::entropy::Entropy;
use crate::output::Hex;

/// Changes when the way pairs are generated changes: older files then have other names.
const GENERATION: &str = "rsa-pair-1 rsa-0.10.0-rc.20";

/// Start of every kept file.
const MAGIC: &[u8] = b"badlink rsa pair 1\n";

/// Bytes at the start of a party's stream that stand for the whole stream in a name.
pub const STREAM_HEAD: usize = 32;

/// Where generated pairs are kept between runs.
///
/// A store is told opaque files under names of 64 hexadecimal digits. It may lose them, and it may
/// be shared by concurrent runs, as long as a file is seen whole or not at all or is recognisably
/// cut; it need not check anything.
pub trait KeyStore {
    /// The file kept under `name`.
    fn load(&mut self, name: &str) -> Option<Vec<u8>>;

    /// Keeps `file` under `name`. Failing to do so is no error.
    fn save(&mut self, name: &str, file: &[u8]);
}

/// Keeps pairs in memory, for as long as it lives.
#[derive(Clone, Debug, Default)]
pub struct MemoryKeyStore {
    files: BTreeMap<String, Vec<u8>>,
}

impl KeyStore for MemoryKeyStore {
    fn load(&mut self, name: &str) -> Option<Vec<u8>> {
        self.files.get(name).cloned()
    }

    fn save(&mut self, name: &str, file: &[u8]) {
        self.files.insert(name.to_owned(), file.to_owned());
    }
}

/// Everything a real pair depends on: bits, exponent, its stream and how pairs are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairName {
    bits: u16,
    exponent: u32,
    digest: [u8; 32],
}

impl PairName {
    /// The name of the pair that the stream beginning with `head` gives.
    ///
    /// Two streams with the same first 32 bytes are the same stream, but for a chance that does not
    /// happen. The name tells nothing about the stream.
    #[must_use]
    pub fn new(bits: u16, exponent: u32, head: &[u8; STREAM_HEAD]) -> Self {
        let digest = sha256_unmetered(&[
            GENERATION.as_bytes(),
            &bits.to_be_bytes(),
            &exponent.to_be_bytes(),
            head,
        ]);
        Self {
            bits,
            exponent,
            digest,
        }
    }

    /// The name as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn text(&self) -> String {
        Hex(&self.digest).to_string()
    }

    /// The file that keeps `pair`: magic, digest of the name, the pair's bytes, and SHA-256 of all
    /// before it.
    #[must_use]
    pub fn file(&self, pair: &[u8]) -> Vec<u8> {
        let mut file = [MAGIC, &self.digest, pair].concat();
        let checksum = sha256_unmetered(&[&file]);
        file.extend(checksum);
        file
    }

    /// The pair in a file made by [`PairName::file`] for the same name; `None` for anything else.
    #[must_use]
    pub fn pair<'a>(&self, file: &'a [u8]) -> Option<&'a [u8]> {
        let (body, checksum) = file.split_at_checked(file.len().checked_sub(32)?)?;
        let bytes = body.strip_prefix(MAGIC)?.strip_prefix(&self.digest)?;
        let pair = Pair::parse(bytes)?;
        let fits = sha256_unmetered(&[body]) == *checksum
            && pair.arithmetic() == Arithmetic::Real
            && pair.modulus().len() == usize::from(self.bits / 8)
            && pair.exponent() == self.exponent
            && pair.private_key().is_some();
        fits.then_some(bytes)
    }

    /// Generates the pair from the start of its stream.
    #[must_use]
    pub fn generate(&self, entropy: &mut dyn Entropy) -> Vec<u8> {
        pair::generate(entropy, self.bits, self.exponent, Arithmetic::Real)
    }
}
