//! Durable storage as a machine sees it: small records that survive a restart.
//!
//! A machine reads records through the context and writes them by [`crate::Effect::Store`]. It
//! keeps no volatile copy, so a restart reloads nothing; a node is busy until its write has ended,
//! so no handler sees a half-written record.

use std::collections::BTreeMap;

/// Names a durable record of one party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Which of the protocol's tables.
    pub table: u8,
    /// Which record of the table.
    pub key: u32,
}

impl Record {
    /// Record `key` of `table`.
    #[must_use]
    pub const fn new(table: u8, key: u32) -> Self {
        Self { table, key }
    }
}

/// What a machine may read of its own durable storage.
pub trait Storage {
    /// The bytes of a record, `None` when it does not exist.
    fn read(&self, record: Record) -> Option<&[u8]>;

    /// The first record of `table` whose key is `from` or more, in ascending order.
    fn next(&self, table: u8, from: u32) -> Option<Record>;
}

/// One write of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write<'a> {
    /// The record has these bytes from now on.
    Put(Record, &'a [u8]),
    /// The record is gone.
    Delete(Record),
}

/// Durable storage in memory: for tests, examples over real sockets, and provisioning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStorage {
    records: BTreeMap<Record, Vec<u8>>,
}

impl MemoryStorage {
    /// Carries out one write.
    pub fn apply(&mut self, write: Write<'_>) {
        match write {
            Write::Put(record, bytes) => {
                self.records.insert(record, bytes.to_vec());
            }
            Write::Delete(record) => {
                self.records.remove(&record);
            }
        }
    }

    /// Every record, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (Record, &[u8])> {
        self.records
            .iter()
            .map(|(record, bytes)| (*record, bytes.as_slice()))
    }
}

impl Storage for MemoryStorage {
    fn read(&self, record: Record) -> Option<&[u8]> {
        self.records.get(&record).map(Vec::as_slice)
    }

    fn next(&self, table: u8, from: u32) -> Option<Record> {
        let range = Record::new(table, from)..=Record::new(table, u32::MAX);
        self.records.range(range).next().map(|(record, _)| *record)
    }
}

/// Lands the first `prefix` bytes of a write over the bytes that were there: what a power cut in
/// the middle of an in-place write leaves.
///
/// A record that grows keeps its old length plus what landed beyond it; a record that shrinks keeps
/// its old tail.
#[must_use]
pub fn torn(old: &[u8], new: &[u8], prefix: usize) -> Vec<u8> {
    let prefix = prefix.min(new.len());
    let mut bytes = old.to_vec();
    if bytes.len() < prefix {
        bytes.resize(prefix, 0);
    }
    bytes[..prefix].copy_from_slice(&new[..prefix]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_walks_a_table_in_ascending_order_and_stops_at_its_end() {
        let mut storage = MemoryStorage::default();
        for key in [7, 2] {
            storage.apply(Write::Put(Record::new(1, key), b"x"));
        }
        storage.apply(Write::Put(Record::new(2, 0), b"y"));
        assert_eq!(storage.next(1, 0), Some(Record::new(1, 2)));
        assert_eq!(storage.next(1, 3), Some(Record::new(1, 7)));
        assert_eq!(storage.next(1, 8), None);
    }

    #[test]
    fn a_torn_write_has_new_bytes_first_and_old_bytes_after() {
        assert_eq!(torn(b"old!", b"NEW?", 2), b"NEd!");
        assert_eq!(torn(b"", b"NEW?", 2), b"NE");
    }
}
