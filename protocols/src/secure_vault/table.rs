//! A slab whose entries are found in constant time by the party they belong to and by the address
//! they came from, and which knows its oldest entry.
//!
//! The server keeps pending handshakes and sessions in it. An M3 carries no id, so the address is
//! the only key to its handshake; several entries may share one (a gateway, a flood), and the
//! newest of them counts. Nothing ever walks the indices, so their layout decides no order.

use crate::address::Address;

/// No entry.
const NONE: u32 = u32::MAX;

/// What an entry belongs to: at most one entry per owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// Device id.
    pub(super) device: u32,
    /// Session id where entries are told apart by it, else 0.
    pub(super) session: u32,
    /// Sender address where entries are told apart by it, else the zero address.
    pub(super) address: Address,
}

impl Owner {
    /// The only entry of a device.
    pub(super) const fn device(device: u32) -> Self {
        Self {
            device,
            session: 0,
            address: Address::new(0, 0),
        }
    }

    fn hash(&self) -> u64 {
        let ids = u64::from(self.device) << 32 | u64::from(self.session);
        mix(mix(ids) ^ hash_address(self.address))
    }
}

fn hash_address(address: Address) -> u64 {
    mix(u64::from(address.host) << 16 | u64::from(address.port))
}

/// Spreads the bits of small consecutive integers over the word (xor-shift-multiply finaliser).
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value ^ (value >> 32)
}

/// Neighbours in a doubly linked list.
#[derive(Clone, Copy, Debug)]
struct Links {
    older: u32,
    newer: u32,
}

const ALONE: Links = Links {
    older: NONE,
    newer: NONE,
};

#[derive(Clone, Debug)]
struct Entry<T> {
    owner: Owner,
    address: Address,
    /// Order of insertion over the whole table; a free entry uses `older` as the free list.
    age: Links,
    /// Order of insertion among the entries of one address.
    here: Links,
    value: Option<T>,
}

/// The slab. Slot numbers are small and are used again after removal.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    oldest: u32,
    newest: u32,
    live: usize,
    by_owner: Index,
    by_address: Index,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: NONE,
            oldest: NONE,
            newest: NONE,
            live: 0,
            by_owner: Index::default(),
            by_address: Index::default(),
        }
    }
}

impl<T> Table<T> {
    /// Number of live entries.
    pub(super) const fn len(&self) -> usize {
        self.live
    }

    /// The live entries with their addresses, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Address, &T)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| Some((entry.address, entry.value.as_ref()?)))
    }

    /// The slot inserted longest ago.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// The slot of an owner.
    pub(super) fn of(&self, owner: Owner) -> Option<u32> {
        self.by_owner
            .find(owner.hash(), |slot| self.entry(slot).owner == owner)
    }

    /// The slot inserted last among those of an address.
    pub(super) fn newest_at(&self, address: Address) -> Option<u32> {
        self.by_address.find(hash_address(address), |slot| {
            self.entry(slot).address == address
        })
    }

    /// The next older slot of the same address.
    pub(super) fn older_here(&self, slot: u32) -> Option<u32> {
        let older = self.entry(slot).here.older;
        (older != NONE).then_some(older)
    }

    /// The owner of a live slot.
    pub(super) fn owner(&self, slot: u32) -> Owner {
        self.entry(slot).owner
    }

    /// The address of a live slot.
    pub(super) fn address(&self, slot: u32) -> Address {
        self.entry(slot).address
    }

    /// The value in `slot`, `None` when it is not live.
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.entries.get(slot as usize)?.value.as_ref()
    }

    /// The value in `slot`, `None` when it is not live.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.value.as_mut()
    }

    /// Inserts a value as the newest entry and returns its slot.
    ///
    /// The owner must have no entry: remove it first.
    pub(super) fn insert(&mut self, owner: Owner, address: Address, value: T) -> u32 {
        debug_assert!(self.of(owner).is_none(), "one entry per owner");
        let at_address = self.newest_at(address);
        let entry = Entry {
            owner,
            address,
            age: Links {
                older: self.newest,
                newer: NONE,
            },
            here: Links {
                older: at_address.unwrap_or(NONE),
                newer: NONE,
            },
            value: Some(value),
        };
        let slot = self.place(entry);
        match self.entries.get_mut(self.newest as usize) {
            Some(newest) => newest.age.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
        self.live += 1;
        let entries = &self.entries;
        self.by_owner.insert(owner.hash(), slot, |slot| {
            entries[slot as usize].owner.hash()
        });
        let hash = hash_address(address);
        match at_address {
            Some(newest) => {
                self.entries[newest as usize].here.newer = slot;
                self.by_address.replace(hash, newest, slot);
            }
            None => self.by_address.insert(hash, slot, |slot| {
                hash_address(entries[slot as usize].address)
            }),
        }
        slot
    }

    /// Takes a live entry out.
    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let entry = self.entries.get_mut(slot as usize)?;
        let value = entry.value.take()?;
        let Entry {
            owner,
            address,
            age,
            here,
            ..
        } = *entry;
        let entries = &self.entries;
        self.by_owner.remove(owner.hash(), slot, |slot| {
            entries[slot as usize].owner.hash()
        });
        // The index names the newest entry of an address; the next older one takes its place.
        if here.newer == NONE {
            let hash = hash_address(address);
            if here.older == NONE {
                self.by_address.remove(hash, slot, |slot| {
                    hash_address(entries[slot as usize].address)
                });
            } else {
                self.by_address.replace(hash, slot, here.older);
            }
        }
        if let Some(older) = self.entries.get_mut(here.older as usize) {
            older.here.newer = here.newer;
        }
        if let Some(newer) = self.entries.get_mut(here.newer as usize) {
            newer.here.older = here.older;
        }
        match self.entries.get_mut(age.older as usize) {
            Some(older) => older.age.newer = age.newer,
            None => self.oldest = age.newer,
        }
        match self.entries.get_mut(age.newer as usize) {
            Some(newer) => newer.age.older = age.older,
            None => self.newest = age.older,
        }
        let entry = &mut self.entries[slot as usize];
        entry.here = ALONE;
        entry.age = Links {
            older: self.free,
            newer: NONE,
        };
        self.free = slot;
        self.live -= 1;
        Some(value)
    }

    /// Forgets all entries and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.free = NONE;
        self.oldest = NONE;
        self.newest = NONE;
        self.live = 0;
        self.by_owner.clear();
        self.by_address.clear();
    }

    fn entry(&self, slot: u32) -> &Entry<T> {
        &self.entries[slot as usize]
    }

    fn place(&mut self, entry: Entry<T>) -> u32 {
        if let Some(free) = self.entries.get_mut(self.free as usize) {
            let slot = self.free;
            self.free = free.age.older;
            *free = entry;
            return slot;
        }
        let slot = u32::try_from(self.entries.len()).unwrap_or(NONE);
        self.entries.push(entry);
        slot
    }
}

/// Open addressing with linear probing; holds slot numbers only, at most half full.
#[derive(Clone, Debug, Default)]
struct Index {
    cells: Vec<u32>,
    live: usize,
}

impl Index {
    fn clear(&mut self) {
        self.cells.fill(NONE);
        self.live = 0;
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "only the low bits choose a cell"
    )]
    const fn home(&self, hash: u64) -> usize {
        hash as usize & (self.cells.len() - 1)
    }

    fn find(&self, hash: u64, is_wanted: impl Fn(u32) -> bool) -> Option<u32> {
        if self.live == 0 {
            return None;
        }
        let mask = self.cells.len() - 1;
        let mut cell = self.home(hash);
        while self.cells[cell] != NONE {
            if is_wanted(self.cells[cell]) {
                return Some(self.cells[cell]);
            }
            cell = (cell + 1) & mask;
        }
        None
    }

    fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        if self.cells.len() < 2 * (self.live + 1) {
            let larger = (2 * self.cells.len()).max(16);
            let old = core::mem::replace(&mut self.cells, vec![NONE; larger]);
            for slot in old.into_iter().filter(|&slot| slot != NONE) {
                self.put(hash_of(slot), slot);
            }
        }
        self.put(hash, slot);
        self.live += 1;
    }

    fn put(&mut self, hash: u64, slot: u32) {
        let mask = self.cells.len() - 1;
        let mut cell = self.home(hash);
        while self.cells[cell] != NONE {
            cell = (cell + 1) & mask;
        }
        self.cells[cell] = slot;
    }

    fn cell_of(&self, hash: u64, slot: u32) -> Option<usize> {
        if self.live == 0 {
            return None;
        }
        let mask = self.cells.len() - 1;
        let mut cell = self.home(hash);
        while self.cells[cell] != NONE {
            if self.cells[cell] == slot {
                return Some(cell);
            }
            cell = (cell + 1) & mask;
        }
        None
    }

    fn replace(&mut self, hash: u64, old: u32, new: u32) {
        if let Some(cell) = self.cell_of(hash, old) {
            self.cells[cell] = new;
        }
    }

    /// Removes by moving later cells of the run back, so that no tombstones pile up.
    fn remove(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut hole) = self.cell_of(hash, slot) else {
            return;
        };
        let mask = self.cells.len() - 1;
        let mut cell = (hole + 1) & mask;
        while self.cells[cell] != NONE {
            let home = self.home(hash_of(self.cells[cell]));
            // The cell may fill the hole when its home does not lie cyclically in (hole, cell].
            if cell.wrapping_sub(home) & mask >= cell.wrapping_sub(hole) & mask {
                self.cells[hole] = self.cells[cell];
                hole = cell;
            }
            cell = (cell + 1) & mask;
        }
        self.cells[hole] = NONE;
        self.live -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(host: u32) -> Address {
        Address::new(host, 7701)
    }

    #[test]
    fn the_newest_entry_of_an_address_is_found_and_the_next_older_one_after_it() {
        let mut table = Table::default();
        let first = table.insert(Owner::device(1), at(9), 'a');
        let second = table.insert(Owner::device(2), at(9), 'b');
        let third = table.insert(Owner::device(3), at(9), 'c');
        assert_eq!(table.newest_at(at(9)), Some(third));
        assert_eq!(table.remove(second), Some('b'));
        assert_eq!(table.older_here(third), Some(first));
        assert_eq!(table.remove(third), Some('c'));
        assert_eq!(table.newest_at(at(9)), Some(first));
        assert_eq!(table.remove(first), Some('a'));
        assert_eq!(table.newest_at(at(9)), None);
    }

    proptest! {
        /// The table agrees with a plain list, newest last, under any mix of operations.
        #[test]
        fn agrees_with_a_plain_list(steps in prop::collection::vec((0u8..5, 0u32..12, 0u32..4), 0..300)) {
            let mut table = Table::default();
            let mut list: Vec<(u32, u32)> = Vec::new();
            for (what, device, host) in steps {
                match what {
                    0..=2 => {
                        if let Some(slot) = table.of(Owner::device(device)) {
                            table.remove(slot);
                            list.retain(|entry| entry.0 != device);
                        }
                        table.insert(Owner::device(device), at(host), (device, host));
                        list.push((device, host));
                    }
                    3 => {
                        let slot = table.of(Owner::device(device));
                        prop_assert_eq!(slot.is_some(), list.iter().any(|entry| entry.0 == device));
                        if let Some(slot) = slot {
                            prop_assert_eq!(table.remove(slot).map(|value| value.0), Some(device));
                            list.retain(|entry| entry.0 != device);
                        }
                    }
                    _ => {
                        if let Some(slot) = table.oldest() {
                            prop_assert_eq!(table.remove(slot), Some(list.remove(0)));
                        }
                    }
                }
                prop_assert_eq!(table.len(), list.len());
                for host in 0..4 {
                    let newest = table.newest_at(at(host)).and_then(|slot| table.get(slot).copied());
                    let expected = list.iter().rev().find(|entry| entry.1 == host).copied();
                    prop_assert_eq!(newest, expected);
                }
            }
        }
    }
}
