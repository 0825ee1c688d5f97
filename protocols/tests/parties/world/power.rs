//! Power cuts at durable writes: where they hit, and what they leave.

use protocols::effect::Batch;
use protocols::storage::{MemoryStorage, Storage as _, Write, torn};

/// Where the power fails, relative to a durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before the first byte has landed.
    Before,
    /// After so many bytes.
    Torn(usize),
    /// After the last byte, before the effect that follows.
    After,
}

/// A power cut at a durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Number of the write among all writes of the world, from 0.
    pub(crate) write: usize,
    /// When.
    pub(crate) moment: Moment,
}

/// A durable write that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Who wrote.
    pub(crate) party: usize,
    /// The table of the first record.
    pub(crate) table: u8,
    /// Bytes written.
    pub(crate) size: usize,
    /// Whether it lands whole or not at all.
    pub(crate) atomic: bool,
}

/// Lands the first `landed` bytes of a batch: its writes in order, the last one in part.
pub(super) fn tear(storage: &mut MemoryStorage, batch: &Batch<'_>, landed: usize) {
    let mut left = landed;
    for write in batch.writes() {
        if left == 0 {
            return;
        }
        match write {
            Write::Put(record, bytes) if bytes.len() > left => {
                let old = storage.read(record).unwrap_or(&[]).to_vec();
                storage.apply(Write::Put(record, &torn(&old, bytes, left)));
                return;
            }
            Write::Put(_, bytes) => {
                left -= bytes.len();
                storage.apply(write);
            }
            Write::Delete(_) => storage.apply(write),
        }
    }
}
