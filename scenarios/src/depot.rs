//! Durable storage of all parties of a world, dense.
//!
//! A world may hold a million devices with one record each and a server with a million records, so
//! the records of provisioning lie packed in slabs with 16 bytes of index each. Records that are
//! created or that outgrow their place later live in an ordered overflow map.
//!
//! The host is the only writer; machines read their own party's records through [`View`].

use std::collections::BTreeMap;

use protocols::roster::ProvisionSink;
use protocols::storage::Write;
use protocols::{Record, Storage};

/// Bytes a slab.
const SLAB_SIZE: usize = 1 << 20;
/// Places are counted in units of this many bytes.
const UNIT: usize = 4;
/// Units a slab.
const SLAB_UNITS: u32 = (SLAB_SIZE / UNIT) as u32;
/// Length of a record that was removed or moved to the overflow.
const GONE: u32 = u32::MAX;

/// Bytes that are fetched together.
const CACHE_LINE: usize = 64;
/// Bytes of a record that are read ahead.
const TOUCHED_MAX: usize = 512;

#[derive(Clone, Copy, Debug)]
struct Place {
    record: Record,
    /// Slab number times [`SLAB_UNITS`] plus unit within it.
    unit: u32,
    /// Length in bytes, or [`GONE`].
    length: u32,
}

/// Durable storage of all parties.
#[derive(Clone, Debug, Default)]
pub struct Depot {
    slabs: Vec<Box<[u8]>>,
    /// Units used of the last slab.
    used: u32,
    /// Party by party, each party's in ascending record order.
    places: Vec<Place>,
    /// First place of each party, and one more at the end.
    firsts: Vec<u32>,
    overflow: BTreeMap<(u32, Record), Vec<u8>>,
    /// Filled while provisioning, empty afterwards.
    loose: Vec<(u32, Place)>,
}

impl ProvisionSink for Depot {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        let party = u32::try_from(party).unwrap_or(u32::MAX);
        if bytes.len() > SLAB_SIZE {
            self.overflow.insert((party, record), bytes.to_vec());
            return;
        }
        let units = u32::try_from(bytes.len().div_ceil(UNIT)).unwrap_or(SLAB_UNITS);
        if self.slabs.is_empty() || self.used + units > SLAB_UNITS {
            self.slabs.push(vec![0; SLAB_SIZE].into_boxed_slice());
            self.used = 0;
        }
        let slab = u32::try_from(self.slabs.len() - 1).unwrap_or(u32::MAX);
        let unit = slab * SLAB_UNITS + self.used;
        self.used += units;
        let length = u32::try_from(bytes.len()).unwrap_or(GONE);
        self.bytes_mut(unit, length).copy_from_slice(bytes);
        self.loose.push((
            party,
            Place {
                record,
                unit,
                length,
            },
        ));
    }
}

impl Depot {
    /// Ends provisioning: from now on the records of `parties` parties can be read.
    pub fn seal(&mut self, parties: usize) {
        self.loose
            .sort_unstable_by_key(|(party, place)| (*party, place.record, place.unit));
        self.firsts = Vec::with_capacity(parties + 1);
        let mut next = 0;
        for party in 0..parties {
            self.firsts.push(u32::try_from(next).unwrap_or(u32::MAX));
            while self
                .loose
                .get(next)
                .is_some_and(|(owner, _)| *owner as usize == party)
            {
                next += 1;
            }
        }
        self.firsts.push(u32::try_from(next).unwrap_or(u32::MAX));
        // Within the same memory: two lists of a million devices' records are too many.
        let loose = core::mem::take(&mut self.loose);
        self.places = loose.into_iter().map(|(_, place)| place).collect();
        self.places.shrink_to_fit();
    }

    /// A word of where the party's records are listed.
    pub(crate) fn touch_index(&self, party: u32) -> u64 {
        self.firsts
            .get(party as usize)
            .map_or(0, |first| u64::from(*first))
    }

    /// A word of where the `turn`-th record of the party lies, from 0.
    pub(crate) fn touch_place(&self, party: u32, turn: usize) -> u64 {
        let place = self.places.get(self.range(party).start + turn);
        place.map_or(0, |place| u64::from(place.unit))
    }

    /// Words of the `turn`-th record of the party, from 0.
    pub(crate) fn touch_bytes(&self, party: u32, turn: usize) -> u64 {
        let range = self.range(party);
        let place = self.places[range].get(turn);
        let Some(place) = place.filter(|place| place.length != GONE) else {
            return 0;
        };
        let bytes = self.bytes(place.unit, place.length);
        // One of each cache line of a record as devices have them.
        let lines = bytes.iter().take(TOUCHED_MAX).step_by(CACHE_LINE);
        lines.fold(0, |word, byte| word ^ u64::from(*byte))
    }

    /// What party `party` may read.
    #[must_use]
    pub const fn view(&self, party: u32) -> View<'_> {
        View { depot: self, party }
    }

    /// The names of all records of a party.
    #[must_use]
    pub fn records(&self, party: u32) -> Vec<Record> {
        let dense = self.places[self.range(party)].iter();
        let dense = dense.filter(|place| place.length != GONE);
        let all = (party, Record::new(0, 0))..=(party, Record::new(u8::MAX, u32::MAX));
        let grown = self.overflow.range(all).map(|((_, record), _)| *record);
        dense.map(|place| place.record).chain(grown).collect()
    }

    /// Bytes of all records at rest.
    #[must_use]
    pub fn size(&self) -> u64 {
        let dense = self.places.iter().filter(|place| place.length != GONE);
        dense.map(|place| u64::from(place.length)).sum::<u64>()
            + self
                .overflow
                .values()
                .map(|bytes| bytes.len() as u64)
                .sum::<u64>()
    }

    /// Takes over the records of the parties of which `theirs` is true, from a depot that was
    /// provisioned alike.
    pub(crate) fn absorb(&mut self, part: &mut Self, theirs: &[bool]) {
        for (party, _) in (0u32..).zip(theirs).filter(|(_, theirs)| **theirs) {
            for index in self.range(party) {
                let place = part.places[index];
                self.places[index] = place;
                if place.length != GONE {
                    let bytes = part.bytes(place.unit, place.length);
                    self.bytes_mut(place.unit, place.length)
                        .copy_from_slice(bytes);
                }
            }
        }
        let is_theirs = |party: u32| theirs.get(party as usize) == Some(&true);
        self.overflow.retain(|(party, _), _| !is_theirs(*party));
        let overflow = core::mem::take(&mut part.overflow).into_iter();
        self.overflow
            .extend(overflow.filter(|((party, _), _)| is_theirs(*party)));
    }

    /// Carries out one write of `party`.
    pub fn apply(&mut self, party: u32, write: Write<'_>) {
        match write {
            Write::Put(record, bytes) => self.put_record(party, record, bytes),
            Write::Delete(record) => {
                self.overflow.remove(&(party, record));
                if let Some(index) = self.find(party, record) {
                    self.places[index].length = GONE;
                }
            }
        }
    }

    fn put_record(&mut self, party: u32, record: Record, bytes: &[u8]) {
        if let Some(index) = self.find(party, record) {
            let Place { unit, length, .. } = self.places[index];
            if length as usize == bytes.len() {
                self.bytes_mut(unit, length).copy_from_slice(bytes);
                return;
            }
            self.places[index].length = GONE;
        }
        let kept = self.overflow.entry((party, record)).or_default();
        kept.clear();
        kept.extend_from_slice(bytes);
    }

    fn bytes(&self, unit: u32, length: u32) -> &[u8] {
        let start = (unit % SLAB_UNITS) as usize * UNIT;
        &self.slabs[(unit / SLAB_UNITS) as usize][start..start + length as usize]
    }

    fn bytes_mut(&mut self, unit: u32, length: u32) -> &mut [u8] {
        let start = (unit % SLAB_UNITS) as usize * UNIT;
        &mut self.slabs[(unit / SLAB_UNITS) as usize][start..start + length as usize]
    }

    fn range(&self, party: u32) -> core::ops::Range<usize> {
        let party = party as usize;
        match (self.firsts.get(party), self.firsts.get(party + 1)) {
            (Some(first), Some(end)) => *first as usize..*end as usize,
            _ => 0..0,
        }
    }

    fn find(&self, party: u32, record: Record) -> Option<usize> {
        let range = self.range(party);
        let places = &self.places[range.clone()];
        // Keys of a table are dense as a rule: look where the record would then be, and search
        // only when it is not there.
        let first = places.first()?;
        let guess = record.key.wrapping_sub(first.record.key) as usize;
        if places
            .get(guess)
            .is_some_and(|place| place.record == record)
        {
            return Some(range.start + guess);
        }
        let found = places
            .binary_search_by_key(&record, |place| place.record)
            .ok()?;
        Some(range.start + found)
    }
}

/// Durable storage of one party.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    depot: &'a Depot,
    party: u32,
}

impl Storage for View<'_> {
    fn read(&self, record: Record) -> Option<&[u8]> {
        if let Some(index) = self.depot.find(self.party, record) {
            let place = self.depot.places[index];
            if place.length != GONE {
                return Some(self.depot.bytes(place.unit, place.length));
            }
        }
        if self.depot.overflow.is_empty() {
            return None;
        }
        self.depot
            .overflow
            .get(&(self.party, record))
            .map(Vec::as_slice)
    }

    fn next(&self, table: u8, from: u32) -> Option<Record> {
        let places = &self.depot.places[self.depot.range(self.party)];
        let start = places.partition_point(|place| place.record < Record::new(table, from));
        let dense = places[start..]
            .iter()
            .take_while(|place| place.record.table == table)
            .find(|place| place.length != GONE)
            .map(|place| place.record);
        let grown = self
            .depot
            .overflow
            .range(
                (self.party, Record::new(table, from))..=(self.party, Record::new(table, u32::MAX)),
            )
            .next()
            .map(|((_, record), _)| *record);
        match (dense, grown) {
            (Some(dense), Some(grown)) => Some(dense.min(grown)),
            (dense, grown) => dense.or(grown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use protocols::storage::MemoryStorage;

    #[test]
    fn parties_put_in_any_order_read_their_own_records() {
        let mut depot = Depot::default();
        for key in [1, 2, 3] {
            depot.put(1, Record::new(0, key), &[u8::try_from(key).unwrap_or(0); 5]);
            depot.put(0, Record::new(0, key), b"server");
        }
        depot.seal(3);
        assert_eq!(
            depot.view(1).read(Record::new(0, 2)),
            Some([2; 5].as_slice())
        );
        assert_eq!(
            depot.view(0).read(Record::new(0, 3)),
            Some(b"server".as_slice())
        );
        assert_eq!(depot.view(2).read(Record::new(0, 3)), None);
        assert_eq!(depot.view(9).read(Record::new(0, 3)), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(u8, u32, Vec<u8>),
        Delete(u8, u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..3u8, 0..6u32, prop::collection::vec(any::<u8>(), 0..9))
                .prop_map(|(table, key, bytes)| Step::Put(table, key, bytes)),
            (0..3u8, 0..6u32).prop_map(|(table, key)| Step::Delete(table, key)),
        ]
    }

    proptest! {
        #[test]
        fn behaves_like_a_plain_map_of_records(
            first in prop::collection::btree_map((0..3u8, 0..6u32), prop::collection::vec(any::<u8>(), 0..9), 0..9),
            steps in prop::collection::vec(step(), 0..30),
        ) {
            let mut depot = Depot::default();
            let mut plain = MemoryStorage::default();
            for ((table, key), bytes) in &first {
                depot.put(1, Record::new(*table, *key), bytes);
                plain.apply(Write::Put(Record::new(*table, *key), bytes));
            }
            depot.seal(2);
            for step in &steps {
                let write = match step {
                    Step::Put(table, key, bytes) => Write::Put(Record::new(*table, *key), bytes),
                    Step::Delete(table, key) => Write::Delete(Record::new(*table, *key)),
                };
                depot.apply(1, write);
                plain.apply(write);
                for table in 0..3 {
                    for key in 0..7 {
                        let record = Record::new(table, key);
                        let view = depot.view(1);
                        prop_assert_eq!(view.read(record), plain.read(record));
                        prop_assert_eq!(view.next(table, key), plain.next(table, key));
                    }
                }
            }
        }
    }
}
