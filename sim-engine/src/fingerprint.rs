//! The 128-bit fingerprint of a run.
//!
//! Every node has a chain of its own that takes in the events which the node handled, in order;
//! the fingerprint of the run combines the chains in entity order. Two runs with the same
//! fingerprint did the same, up to accident: the mix is fast and well distributed, not
//! cryptographic, for nobody attacks it.

/// What kind of happening a chain took in. The numbers are stable: they appear in event traces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A packet reached the node and was handled or queued.
    Delivered = 1,
    /// A packet reached the node and was dropped there.
    Refused = 2,
    /// A packet that the node sent ended on the link.
    SendEnded = 3,
    /// A protocol timer expired.
    Timer = 4,
    /// The CPU took a waiting packet.
    TakenPacket = 5,
    /// The CPU took a waiting timer expiry.
    TakenTimer = 6,
    /// The CPU took a command.
    TakenCommand = 7,
    /// A deferred effect was released.
    Release = 8,
    /// A control event was handled.
    Control = 9,
    /// The node crashed.
    Crash = 10,
    /// The node restarted.
    Restart = 11,
    /// An adversary did not let a packet pass unchanged.
    Verdict = 12,
}

/// The running digest of one entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Chain([u64; 2]);

/// Odd constants with balanced bits: the first words of the fractional parts of the square roots
/// of 2, 3, 5 and 7.
const ROOT_2: u64 = 0x6A09_E667_F3BC_C909;
const ROOT_3: u64 = 0xBB67_AE85_84CA_A73B;
const ROOT_5: u64 = 0x3C6E_F372_FE94_F82B;
const ROOT_7: u64 = 0xA54F_F53A_5F1D_36F1;

/// Multiplies to 128 bits and folds the halves: each input bit reaches about all output bits.
#[inline]
pub(crate) const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    (product as u64) ^ (product >> 64) as u64
}

impl Chain {
    /// The empty chain of an entity, given by the digest of its structural name.
    pub(crate) const fn new(name_hash: u64) -> Self {
        Self([name_hash ^ ROOT_2, fold(name_hash ^ ROOT_3, ROOT_5)])
    }

    /// Takes in one event.
    ///
    /// The two lanes mix different halves of the key with the payload digest and then exchange, so
    /// a difference in any of them stays in both.
    #[inline]
    pub(crate) const fn update(&mut self, key: u128, kind: Kind, digest: u64) {
        let [a, b] = self.0;
        let low = key as u64 ^ (kind as u64).wrapping_mul(ROOT_7);
        let high = (key >> 64) as u64;
        let x = fold(a ^ low, high ^ ROOT_3);
        let y = fold(b ^ digest, low.rotate_left(32) ^ ROOT_5);
        self.0 = [x.wrapping_add(b), y ^ a.rotate_left(23)];
    }

    /// Adds the state of another chain, for the combination in entity order.
    pub(crate) const fn absorb(&mut self, other: Self) {
        let [x, y] = other.0;
        self.update(
            (x as u128) << 64 | y as u128,
            Kind::Delivered,
            x ^ y.rotate_left(32),
        );
    }

    /// The 128 bits.
    pub(crate) const fn value(self) -> u128 {
        (self.0[0] as u128) << 64 | self.0[1] as u128
    }
}

/// A 64-bit digest of payload bytes.
#[inline]
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    let mut state = [bytes.len() as u64 ^ ROOT_2, ROOT_7];
    let (pairs, rest) = bytes.as_chunks::<16>();
    for pair in pairs {
        let (words, _) = pair.as_chunks::<8>();
        let low = u64::from_le_bytes(words[0]);
        let high = u64::from_le_bytes(words[1]);
        // Two lanes, so that the multiplications of neighbouring words overlap.
        state = [state[1], fold(state[0] ^ low, high ^ ROOT_3)];
    }
    if !rest.is_empty() {
        let mut last = [0u8; 16];
        last[..rest.len()].copy_from_slice(rest);
        let (words, _) = last.as_chunks::<8>();
        let low = u64::from_le_bytes(words[0]);
        let high = u64::from_le_bytes(words[1]);
        state = [state[1], fold(state[0] ^ low, high ^ ROOT_5)];
    }
    fold(state[0] ^ ROOT_5, state[1] ^ ROOT_3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_bit_of_a_payload_changes_its_digest() {
        for length in [1usize, 7, 8, 15, 16, 17, 64, 100] {
            let mut seen = vec![digest(&vec![0x5A; length])];
            for bit in 0..length * 8 {
                let mut bytes = vec![0x5A; length];
                bytes[bit / 8] ^= 1 << (bit % 8);
                seen.push(digest(&bytes));
            }
            let count = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), count, "length {length}");
        }
    }

    #[test]
    fn a_digest_depends_on_the_length_of_a_payload_of_zeros() {
        let digests: Vec<u64> = (0..40).map(|length| digest(&vec![0; length])).collect();
        let mut distinct = digests.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), digests.len());
    }

    #[test]
    fn a_chain_depends_on_order_key_kind_and_digest() {
        let run = |events: &[(u128, Kind, u64)]| {
            let mut chain = Chain::new(1);
            for &(key, kind, digest) in events {
                chain.update(key, kind, digest);
            }
            chain.value()
        };
        let base = [(1 << 64, Kind::Timer, 5), (2 << 64, Kind::Release, 6)];
        let variants = [
            [base[1], base[0]],
            [(1 << 64 | 1, base[0].1, 5), base[1]],
            [(1 << 64, Kind::Control, 5), base[1]],
            [(1 << 64, base[0].1, 4), base[1]],
        ];
        for variant in &variants {
            assert_ne!(run(variant), run(&base));
        }
    }
}
