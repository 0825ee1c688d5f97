//! Bit errors that the loss model does not cover: which bits of a packet are wrong.

use crate::fingerprint::fold;
use crate::rng::Probability;

/// Bit errors that the loss model does not cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corruption {
    /// How often a packet is hit.
    pub probability: Probability,
    /// What happens to it.
    pub damage: Damage,
    /// Whether the link's checksum finds every such packet and drops it.
    pub checked: bool,
}

/// Which bits are changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// This many different bits, from 1 to 64, anywhere in the packet; all of a shorter packet.
    Bits(u8),
    /// One burst of this length, from 1 to 64: its first and last bit are changed, each bit between
    /// them with probability one half. In a shorter packet the burst is as long as the packet.
    Burst(u8),
}

impl Damage {
    /// Changes `bytes`, placed by 64 random bits.
    pub(crate) fn apply(self, bytes: &mut [u8], random: u64) {
        let length = bytes.len() as u64 * 8;
        if length == 0 {
            return;
        }
        let mut next = Bits(random);
        match self {
            Self::Bits(count) => {
                let count = u64::from(count).clamp(1, 64).min(length);
                let mut chosen = [0u64; 64];
                // Floyd's sampling: every set of `count` positions is equally likely.
                for taken in 0..count {
                    let top = length - count + taken;
                    let known = &chosen[..taken as usize];
                    let drawn = next.below(top + 1);
                    let position = if known.contains(&drawn) { top } else { drawn };
                    chosen[taken as usize] = position;
                    flip(bytes, position);
                }
            }
            Self::Burst(count) => {
                let count = u64::from(count).clamp(1, 64).min(length);
                let start = next.below(length - count + 1);
                let coins = next.word();
                for offset in 0..count {
                    let end = offset == 0 || offset == count - 1;
                    if end || coins >> offset & 1 == 1 {
                        flip(bytes, start + offset);
                    }
                }
            }
        }
    }
}

fn flip(bytes: &mut [u8], position: u64) {
    if let Some(byte) = bytes.get_mut((position / 8) as usize) {
        *byte ^= 1 << (position % 8);
    }
}

/// A short sequence of random words that follows from its first one.
struct Bits(u64);

impl Bits {
    /// The first word is the draw itself.
    fn word(&mut self) -> u64 {
        let word = self.0;
        self.0 = fold(word ^ 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93);
        word
    }

    /// Uniform below `bound` up to 2^-64 of it: the upper half of the product.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damaged(damage: Damage, length: usize, random: u64) -> Vec<u64> {
        let mut bytes = vec![0; length];
        damage.apply(&mut bytes, random);
        (0..length as u64 * 8)
            .filter(|bit| bytes[(bit / 8) as usize] >> (bit % 8) & 1 == 1)
            .collect()
    }

    fn draws() -> impl Iterator<Item = u64> {
        let mut streams = crate::rng::Seed::new(1, 0).streams();
        (0..20_000).map(move |number| streams.block(1, number)[0])
    }

    #[test]
    fn exactly_so_many_bits_are_changed_and_every_bit_as_often() {
        let mut hits = [0u32; 80];
        for random in draws() {
            let bits = damaged(Damage::Bits(3), 10, random);
            assert_eq!(bits.len(), 3);
            for bit in bits {
                hits[bit as usize] += 1;
            }
        }
        // 750 each, standard deviation 27.
        assert!(hits.iter().all(|hits| hits.abs_diff(750) < 130), "{hits:?}");
        assert_eq!(damaged(Damage::Bits(9), 1, 5).len(), 8);
        assert_eq!(damaged(Damage::Bits(9), 0, 5).len(), 0);
    }

    #[test]
    fn a_burst_begins_and_ends_with_an_error() {
        let mut between = 0;
        for random in draws() {
            let bits = damaged(Damage::Burst(8), 16, random);
            let (first, last) = (bits[0], bits[bits.len() - 1]);
            assert_eq!(last - first, 7);
            between += bits.len() - 2;
        }
        // Six bits between the ends, each changed every other time: 60000, sd 173.
        assert!(between.abs_diff(60_000) < 900, "{between}");
        assert_eq!(damaged(Damage::Burst(1), 4, 77).len(), 1);
    }
}
