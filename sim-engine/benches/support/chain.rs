//! The engine's fingerprint update, written out once more for the reference loops.

#![allow(dead_code, reason = "each bench uses its own part")]

/// Multiplies to 128 bits and folds the halves.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// The running digest of one entity: two lanes, as in the engine.
#[derive(Clone, Copy, Default)]
pub(crate) struct Chain([u64; 2]);

impl Chain {
    /// Takes in one event.
    #[inline]
    pub(crate) fn update(&mut self, key: u128, kind: u64, digest: u64) {
        let [a, b] = self.0;
        let low = key as u64 ^ kind.wrapping_mul(0xA54F_F53A_5F1D_36F1);
        let high = (key >> 64) as u64;
        let x = fold(a ^ low, high ^ 0xBB67_AE85_84CA_A73B);
        let y = fold(b ^ digest, low.rotate_left(32) ^ 0x3C6E_F372_FE94_F82B);
        self.0 = [x.wrapping_add(b), y ^ a.rotate_left(23)];
    }

    /// The digest so far, to keep the compiler from dropping it.
    pub(crate) fn value(&self) -> u64 {
        self.0[0] ^ self.0[1]
    }
}

/// Digest of a payload whose length is a multiple of 16, as in the engine.
#[inline]
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut state = [
        bytes.len() as u64 ^ 0x6A09_E667_F3BC_C909,
        0xA54F_F53A_5F1D_36F1,
    ];
    for pair in bytes.chunks_exact(16) {
        let (words, _) = pair.as_chunks::<8>();
        let low = u64::from_le_bytes(words[0]);
        let high = u64::from_le_bytes(words[1]);
        state = [state[1], fold(state[0] ^ low, high ^ 0xBB67_AE85_84CA_A73B)];
    }
    fold(
        state[0] ^ 0x3C6E_F372_FE94_F82B,
        state[1] ^ 0xBB67_AE85_84CA_A73B,
    )
}
