//! The only source of randomness of a machine.

/// A stream of random bytes. Drivers decide where they come from: a named ChaCha stream in a
/// simulated world, a script in a test, the operating system in a product.
pub trait Entropy {
    /// Fills `out`: one request of exactly `out.len()` bytes.
    fn fill(&mut self, out: &mut [u8]);
}

/// Draws an integer that is uniform in `0..below`.
///
/// One request of `ceil(b/8)` bytes, where `b` is the number of bits of `below - 1`, read
/// big-endian without its excess high bits, repeated while the value is `below` or more. With
/// `below` of 0 or 1 the result is 0 and nothing is drawn.
pub fn uniform(entropy: &mut dyn Entropy, below: u64) -> u64 {
    if below <= 1 {
        return 0;
    }
    let bits = u64::BITS - (below - 1).leading_zeros();
    let length = bits.div_ceil(8) as usize;
    let mask = if bits == u64::BITS {
        u64::MAX
    } else {
        (1 << bits) - 1
    };
    loop {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes[8 - length..]);
        let value = u64::from_be_bytes(bytes) & mask;
        if value < below {
            return value;
        }
    }
}

/// Draws the first `take` entries of a random permutation of `0..below` by partial shuffle: for
/// `j = 0, 1, ..` entry `j` changes places with entry `j + d`, `d` uniform below `below - j`.
///
/// `work` is scratch space; afterwards its first `take` entries are the result, in drawn order.
/// `take` larger than `below` gives all of them.
pub fn partial_shuffle(entropy: &mut dyn Entropy, below: u16, take: usize, work: &mut Vec<u16>) {
    work.clear();
    work.extend(0..below);
    let take = take.min(work.len());
    for j in 0..take {
        let d = uniform(entropy, (work.len() - j) as u64);
        work.swap(j, j + usize::try_from(d).unwrap_or(0));
    }
    work.truncate(take);
}

/// Entropy that plays back a fixed byte string, and zeros after its end. For known-answer tests and
/// transcripts.
#[derive(Clone, Debug, Default)]
pub struct Script {
    bytes: Vec<u8>,
    position: usize,
}

impl Script {
    /// Entropy that yields `bytes` in order.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes were asked for so far, those past the end included.
    #[must_use]
    pub const fn consumed(&self) -> usize {
        self.position
    }
}

impl Entropy for Script {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = self.bytes.get(self.position).copied().unwrap_or(0);
            self.position += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_reads_big_endian_without_excess_bits_and_redraws() {
        // below 1000: 10 bits, two bytes; 0xFFFF masks to 1023 (refused), 0xFC05 to 5.
        let mut script = Script::new(vec![0xFF, 0xFF, 0xFC, 0x05]);
        assert_eq!(uniform(&mut script, 1000), 5);
        assert_eq!(script.consumed(), 4);
    }

    #[test]
    fn uniform_below_one_draws_nothing() {
        let mut script = Script::new(vec![7]);
        assert_eq!(uniform(&mut script, 1), 0);
        assert_eq!(script.consumed(), 0);
    }

    #[test]
    fn partial_shuffle_swaps_with_the_entry_at_distance_d() {
        let mut work = Vec::new();
        // below 4, d = 3 (2 bits of one byte), then below 3, d = 1.
        let mut script = Script::new(vec![3, 1]);
        partial_shuffle(&mut script, 4, 2, &mut work);
        assert_eq!(work, [3, 2]);
    }
}
