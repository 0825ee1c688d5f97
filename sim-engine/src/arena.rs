//! Storage for payload bytes: size-class slabs with free lists.
//!
//! A payload lives in a block of the next power of two, from 32 bytes up. Freed blocks are reused
//! last in, first out, so a world in its steady state allocates nothing and stays in cache.

/// A handle to bytes in the arena. It is a plain number: whoever keeps it must free it once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Block(u32);

/// Bytes of the smallest block, as a power of two.
const SMALLEST_BITS: u32 = 5;
/// Number of size classes: 32 B to 64 MiB.
const CLASSES: usize = 22;
/// Bits of a block's index within its class; the class stands above them.
const INDEX_BITS: u32 = 27;

/// The longest payload that fits, in bytes.
pub const PAYLOAD_MAX_BYTES: usize = 1 << (SMALLEST_BITS as usize + CLASSES - 1);

/// All blocks of one size.
#[derive(Clone, Debug, Default)]
struct SizeClass {
    bytes: Vec<u8>,
    /// Length of what each block holds, indexed by block.
    lengths: Vec<u32>,
    free: Vec<u32>,
}

/// Payload storage of one world.
#[derive(Clone, Debug)]
pub(crate) struct Arena {
    classes: Vec<SizeClass>,
}

impl Arena {
    pub(crate) fn new() -> Self {
        Self {
            classes: vec![SizeClass::default(); CLASSES],
        }
    }

    /// Stores a copy of `bytes`, which must not exceed [`PAYLOAD_MAX_BYTES`].
    #[inline]
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> Block {
        let class_index = class_of(bytes.len());
        let stride = 1usize << (class_index as u32 + SMALLEST_BITS);
        let class = &mut self.classes[class_index];
        let length = u32::try_from(bytes.len()).expect("the payload limit is below 2^32");
        let index = match class.free.pop() {
            Some(index) => {
                class.lengths[index as usize] = length;
                index
            }
            None => {
                let index = u32::try_from(class.lengths.len())
                    .ok()
                    .filter(|&index| index < 1 << INDEX_BITS)
                    .expect("2^27 payloads in flight exceed the memory of any supported machine");
                class.lengths.push(length);
                class.bytes.resize(class.bytes.len() + stride, 0);
                index
            }
        };
        let start = index as usize * stride;
        class.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        Block((class_index as u32) << INDEX_BITS | index)
    }

    /// The bytes kept under `block`.
    #[inline]
    pub(crate) fn get(&self, block: Block) -> &[u8] {
        let (class, index, start) = self.place(block);
        &class.bytes[start..start + class.lengths[index] as usize]
    }

    /// The bytes kept under `block`, by one who knows how many they are.
    #[inline]
    pub(crate) fn slice(&self, block: Block, length: u32) -> &[u8] {
        let (class, _, start) = self.place(block);
        &class.bytes[start..start + length as usize]
    }

    /// How many bytes are kept under `block`.
    #[inline]
    pub(crate) fn length(&self, block: Block) -> u32 {
        let (class, index, _) = self.place(block);
        class.lengths[index]
    }

    /// The bytes kept under `block`, to be changed in place.
    pub(crate) fn get_mut(&mut self, block: Block) -> &mut [u8] {
        let (class, index, start) = self.place(block);
        let length = class.lengths[index] as usize;
        &mut self.classes[(block.0 >> INDEX_BITS) as usize].bytes[start..start + length]
    }

    /// A second block with the same bytes.
    pub(crate) fn duplicate(&mut self, block: Block) -> Block {
        let bytes = self.get(block).to_vec();
        self.keep(&bytes)
    }

    /// Gives the block back. It must not be used afterwards.
    #[inline]
    pub(crate) fn free(&mut self, block: Block) {
        let index = block.0 & ((1 << INDEX_BITS) - 1);
        self.classes[(block.0 >> INDEX_BITS) as usize]
            .free
            .push(index);
    }

    /// How many blocks are in use.
    pub(crate) fn live(&self) -> usize {
        self.classes
            .iter()
            .map(|class| class.lengths.len() - class.free.len())
            .sum()
    }

    #[inline]
    fn place(&self, block: Block) -> (&SizeClass, usize, usize) {
        let class = block.0 >> INDEX_BITS;
        let index = (block.0 & ((1 << INDEX_BITS) - 1)) as usize;
        (
            &self.classes[class as usize],
            index,
            index << (class + SMALLEST_BITS),
        )
    }
}

/// The size class for a payload of `length` bytes.
#[inline]
fn class_of(length: usize) -> usize {
    let bits = usize::BITS - length.saturating_sub(1).leading_zeros();
    bits.saturating_sub(SMALLEST_BITS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_what_was_kept_for_every_length_around_a_size_class() {
        let mut arena = Arena::new();
        let mut blocks = Vec::new();
        for length in (0..300).chain([4095, 4096, 4097, 100_000]) {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            blocks.push((arena.keep(&bytes), bytes));
        }
        for (block, bytes) in &blocks {
            assert_eq!(arena.get(*block), bytes.as_slice());
        }
        for (block, _) in blocks {
            arena.free(block);
        }
        assert_eq!(arena.live(), 0);
    }

    #[test]
    fn reuses_a_freed_block_of_the_same_size() {
        let mut arena = Arena::new();
        let first = arena.keep(&[1; 40]);
        arena.free(first);
        let second = arena.keep(&[2; 64]);
        assert_eq!(first, second);
        assert_eq!(arena.get(second), [2; 64]);
    }
}
