//! The client's table of connections, with the rules of the printed program.

use crate::address::Address;

/// Something that has a device's address.
pub(super) trait Addressed {
    /// The device's address.
    fn address(&self) -> Address;
}

/// Slots and a count of connections that may disagree: a new one goes into slot count + 1 and
/// replaces what stands there; a removal leaves a hole; a search stumbles over a hole before its
/// match.
#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Option<T>>,
    count: usize,
}

/// What a search meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Nothing.
    Missing,
    /// The connection in this slot.
    Found(usize),
    /// An empty slot before the match.
    Hole,
}

impl<T: Addressed> Slots<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            count: 0,
        }
    }

    pub(super) fn search(&self, address: Address) -> Search {
        let matches = |slot: &Option<T>| slot.as_ref().is_some_and(|one| one.address() == address);
        match self.slots.iter().position(matches) {
            None => Search::Missing,
            Some(found) if self.slots[..found].iter().any(Option::is_none) => Search::Hole,
            Some(found) => Search::Found(found),
        }
    }

    /// True when one more goes in.
    pub(super) const fn has_place(&self, slots_max: usize) -> bool {
        self.count < slots_max
    }

    /// Puts a connection into slot count + 1; gives what it replaces.
    pub(super) fn add(&mut self, one: T) -> Option<T> {
        let slot = self.count;
        self.count += 1;
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot].replace(one)
    }

    /// Clears the first slot of this address.
    pub(super) fn remove(&mut self, address: Address) -> Option<T> {
        let matches =
            |slot: &&mut Option<T>| slot.as_ref().is_some_and(|one| one.address() == address);
        let removed = self.slots.iter_mut().find(matches)?.take();
        self.count = self.count.saturating_sub(1);
        removed
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.slots.get_mut(slot)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Addressed for Address {
        fn address(&self) -> Address {
            *self
        }
    }

    const fn at(host: u32) -> Address {
        Address::new(host, 1)
    }

    #[test]
    fn a_hole_before_the_match_is_met_and_a_full_slot_is_overwritten() {
        let mut slots = Slots::new();
        for host in 0..3 {
            assert_eq!(slots.add(at(host)), None);
        }
        assert_eq!(slots.search(at(2)), Search::Found(2));
        assert_eq!(slots.remove(at(0)), Some(at(0)));
        assert_eq!(slots.search(at(2)), Search::Hole);
        assert_eq!(slots.search(at(9)), Search::Missing);
        // Two are counted, so the third slot is taken, which is not empty.
        assert_eq!(slots.add(at(5)), Some(at(2)));
        assert_eq!(slots.iter().count(), 2);
        assert!(slots.has_place(4) && !slots.has_place(3));
        assert_eq!(slots.remove(at(9)), None);
    }
}
