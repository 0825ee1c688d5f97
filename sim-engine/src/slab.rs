//! A vector with a free list: stable indices, reused places, no allocation in the steady state.

/// Values addressed by index. Freed places are reused last in, first out, while still in cache.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

/// The index that names no place.
pub(crate) const NONE: u32 = u32::MAX;

impl<T: Copy> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            items: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Stores `item` and returns its index, which is never [`NONE`].
    #[inline]
    pub(crate) fn insert(&mut self, item: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self.items[index as usize] = item;
            return index;
        }
        let index = u32::try_from(self.items.len())
            .ok()
            .filter(|&index| index != NONE);
        self.items.push(item);
        index.expect("2^32 - 1 live items do not fit into the memory of any supported machine")
    }

    /// Frees the place and returns what it held. The index must be live.
    #[inline]
    pub(crate) fn remove(&mut self, index: u32) -> T {
        self.free.push(index);
        self.items[index as usize]
    }

    /// How many places are in use.
    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> &T {
        &self.items[index as usize]
    }

    /// The place, whether it is in use or not.
    #[inline]
    pub(crate) fn peek(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        &mut self.items[index as usize]
    }
}
