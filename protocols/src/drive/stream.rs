//! Random bytes that anybody can compute again: SHA-256 of a label and a counter.

use crate::crypto::sha256_unmetered;
use crate::entropy::Entropy;
use crate::roster::Streams;

/// The endless stream SHA-256(label || 0) || SHA-256(label || 1) || .., the counter 4 bytes,
/// big-endian.
#[derive(Clone, Debug)]
pub struct HashStream {
    label: Vec<u8>,
    block: [u8; 32],
    counter: u32,
    /// Bytes of `block` given out; all of them at the start.
    used: usize,
}

impl HashStream {
    /// The stream of a label.
    #[must_use]
    pub fn new(label: &[u8]) -> Self {
        Self {
            label: label.to_vec(),
            block: [0; 32],
            counter: 0,
            used: 32,
        }
    }
}

impl Entropy for HashStream {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.used == self.block.len() {
                self.block = sha256_unmetered(&[&self.label, &self.counter.to_be_bytes()]);
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }
}

/// Streams of provisioning whose labels are `prefix/group[member]/purpose`.
#[derive(Clone, Debug)]
pub struct HashStreams {
    prefix: String,
}

impl HashStreams {
    /// The streams under a prefix.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }
}

impl Streams for HashStreams {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let label = format!("{}/{group}[{member}]/{purpose}", self.prefix);
        use_it(&mut HashStream::new(label.as_bytes()));
    }
}
