//! Which runs of a plan are stored, and where.
//!
//! Per run a few bytes: the segment and the place in it. What a record holds is read again when the
//! tables are written, so memory does not grow with what runs have to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reports::store::{ResultKey, StoreError};
use sha2::{Digest as _, Sha256};

use super::plan::{Plan, PointKey};
use super::record::Record;
use super::segment::{self, SegmentReader};
use crate::results::hex;

/// Segments that are kept open at the same time.
const OPEN_MAX: usize = 256;

/// Where a run is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    /// Segment number plus 1; 0: not stored.
    segment: u32,
    failed: bool,
    /// Part of a hash over what the record says, to compare copies.
    digest: u32,
    offset: u64,
}

/// What opening a ledger had to say.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// What a user should know, a sentence each.
    pub warnings: Vec<String>,
    /// Stored runs that the plan does not have.
    pub unplanned: u64,
}

/// A file of records.
#[derive(Clone, Debug)]
struct Segment {
    path: PathBuf,
    columns: Vec<Vec<String>>,
}

/// The stored runs of a plan.
#[derive(Debug)]
pub struct Ledger {
    points: BTreeMap<PointKey, u32>,
    slots: Vec<Vec<Slot>>,
    segments: Vec<Segment>,
    readers: BTreeMap<u32, SegmentReader>,
    replications: u64,
    stored: u64,
    failed: u64,
}

impl Ledger {
    /// Reads what `directories` hold of `plan`.
    ///
    /// # Errors
    ///
    /// A segment of another study or version, copies of a run that differ, a directory that cannot
    /// be read.
    pub fn open(plan: &Plan, directories: &[&Path]) -> Result<(Self, Notes), StoreError> {
        let points = (0u32..)
            .zip(&plan.points)
            .map(|(index, point)| (point.key, index))
            .collect();
        let mut ledger = Self {
            points,
            slots: vec![Vec::new(); plan.points.len()],
            segments: Vec::new(),
            readers: BTreeMap::new(),
            replications: plan.replications(),
            stored: 0,
            failed: 0,
        };
        let mut notes = Notes::default();
        for directory in directories {
            for path in segment::list(directory)? {
                ledger.take_segment(plan, directory, path, &mut notes)?;
            }
        }
        Ok((ledger, notes))
    }

    fn take_segment(
        &mut self,
        plan: &Plan,
        directory: &Path,
        path: PathBuf,
        notes: &mut Notes,
    ) -> Result<(), StoreError> {
        let number = self.segments.len();
        self.segments.push(Segment {
            path: path.clone(),
            columns: Vec::new(),
        });
        let mut lost = 0_u64;
        let mut fault = None;
        let scanned = segment::scan(&path, &mut |record, offset| {
            if !files_are_there(directory, &record) {
                lost += 1;
                return;
            }
            match self.take(plan, number, offset, &record) {
                Ok(true) => {}
                Ok(false) => notes.unplanned += 1,
                Err(reason) => fault = fault.take().or(Some(reason)),
            }
        })?;
        let shown = path.display();
        match &scanned.header {
            Some(header) if header.study != plan.key.as_str() => {
                return Err(StoreError::OtherKey {
                    path,
                    found: ResultKey::new(header.study.clone()),
                    wanted: plan.key.clone(),
                });
            }
            None if scanned.columns.is_empty() => {
                if scanned.torn || !scanned.damaged.is_empty() {
                    notes.warnings.push(format!(
                        "{shown} has no beginning and holds no run; it is left alone"
                    ));
                }
            }
            None => {
                let reason = "its first line is damaged, so that nobody knows whose runs it holds; \
                              move the file away and start again";
                return Err(StoreError::Damaged {
                    path,
                    reason: reason.into(),
                });
            }
            Some(_) => {}
        }
        if let Some(reason) = fault {
            return Err(StoreError::Damaged { path, reason });
        }
        if !scanned.damaged.is_empty() {
            let lines: Vec<String> = scanned.damaged.iter().take(5).map(u64::to_string).collect();
            notes.warnings.push(format!(
                "{shown} is damaged at line {}: what stood there is computed again",
                lines.join(", ")
            ));
        }
        if scanned.torn {
            notes.warnings.push(format!(
                "the last run in {shown} was cut off while it was written: it is computed again"
            ));
        }
        if lost > 0 {
            notes.warnings.push(format!(
                "the kept files of {lost} runs of {shown} are missing or have another size: these \
                 runs are computed again"
            ));
        }
        self.segments[number].columns = scanned.columns;
        Ok(())
    }

    /// Notes a stored run; false where the plan does not have it.
    fn take(
        &mut self,
        plan: &Plan,
        segment: usize,
        offset: u64,
        record: &Record,
    ) -> Result<bool, String> {
        let Some(point) = self.points.get(&record.point).copied() else {
            return Ok(false);
        };
        if record.replication >= self.replications {
            return Ok(false);
        }
        let point = point as usize;
        let key = plan.run_key(point, record.replication);
        if key != record.key {
            return Err(format!(
                "the run {} is not the one that the plan has in its place ({})",
                hex(&record.key),
                hex(&key)
            ));
        }
        self.note(point, record, segment, offset)?;
        Ok(true)
    }

    /// Notes that a run is stored.
    fn note(
        &mut self,
        point: usize,
        record: &Record,
        segment: usize,
        offset: u64,
    ) -> Result<(), String> {
        let replication = usize::try_from(record.replication).unwrap_or(usize::MAX);
        let slots = &mut self.slots[point];
        if slots.len() <= replication {
            slots.resize(replication + 1, Slot::default());
        }
        let slot = Slot {
            segment: u32::try_from(segment + 1).unwrap_or(u32::MAX),
            failed: record.error.is_some(),
            digest: digest(record),
            offset,
        };
        let old = slots[replication];
        if old.segment == 0 {
            slots[replication] = slot;
            self.stored += 1;
            self.failed += u64::from(slot.failed);
        } else if old.failed && !slot.failed {
            slots[replication] = slot;
            self.failed -= 1;
        } else if !old.failed && !slot.failed && old.digest != slot.digest {
            return Err(format!(
                "it holds another outcome of the run {} than {}: the same version gave two results; \
                 `badlink verify` tells where they part",
                hex(&record.key),
                self.segments[old.segment as usize - 1].path.display()
            ));
        }
        Ok(())
    }

    /// Adds a segment that is being written now; gives its number.
    pub fn add_segment(&mut self, path: &Path) -> usize {
        self.segments.push(Segment {
            path: path.to_owned(),
            columns: Vec::new(),
        });
        self.segments.len() - 1
    }

    /// Notes a run that was just stored in segment `segment`, with values of the metrics `names`.
    pub fn add(
        &mut self,
        point: usize,
        record: &Record,
        names: &[String],
        segment: usize,
        offset: u64,
    ) {
        let columns = &mut self.segments[segment].columns;
        if !columns.iter().any(|known| known == names) {
            columns.push(names.to_vec());
        }
        // A copy that differs from another process's is found when the directory is read again.
        let _ = self.note(point, record, segment, offset);
    }

    /// Whether a run is stored.
    #[must_use]
    pub fn has(&self, point: usize, replication: u64) -> bool {
        self.slot(point, replication).is_some()
    }

    /// Whether a run is stored as failed.
    #[must_use]
    pub fn has_failed(&self, point: usize, replication: u64) -> bool {
        self.slot(point, replication)
            .is_some_and(|slot| slot.failed)
    }

    /// Forgets the failed runs, so that they are computed again; how many.
    pub fn forget_failed(&mut self) -> u64 {
        let forgotten = self.failed;
        for slot in self.slots.iter_mut().flatten().filter(|slot| slot.failed) {
            *slot = Slot::default();
        }
        self.stored -= forgotten;
        self.failed = 0;
        forgotten
    }

    /// Runs stored, failed ones included.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Runs stored as failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed
    }

    fn slot(&self, point: usize, replication: u64) -> Option<Slot> {
        let slot = self.slots[point].get(usize::try_from(replication).ok()?)?;
        (slot.segment > 0).then_some(*slot)
    }

    /// The metrics that a stored run has values of.
    ///
    /// # Errors
    ///
    /// As [`Ledger::read`].
    pub fn names(&mut self, point: usize, replication: u64) -> Result<Vec<String>, StoreError> {
        let Some(slot) = self.slot(point, replication) else {
            return Ok(Vec::new());
        };
        let Some(record) = self.read(point, replication)? else {
            return Ok(Vec::new());
        };
        let segment = &self.segments[slot.segment as usize - 1];
        let names = segment.columns.get(record.columns as usize);
        Ok(names.cloned().unwrap_or_default())
    }

    /// The names that `record`, which is stored for this run, numbers.
    #[must_use]
    pub fn columns(&self, point: usize, replication: u64, record: &Record) -> &[String] {
        self.slot(point, replication)
            .and_then(|slot| self.segments.get(slot.segment as usize - 1))
            .and_then(|segment| segment.columns.get(record.columns as usize))
            .map_or(&[], Vec::as_slice)
    }

    /// What is stored of a run; `None` where nothing is.
    ///
    /// # Errors
    ///
    /// The segment cannot be read, or has changed under our feet.
    pub fn read(&mut self, point: usize, replication: u64) -> Result<Option<Record>, StoreError> {
        let Some(slot) = self.slot(point, replication) else {
            return Ok(None);
        };
        if !self.readers.contains_key(&slot.segment) {
            if self.readers.len() >= OPEN_MAX {
                self.readers.clear();
            }
            let path = &self.segments[slot.segment as usize - 1].path;
            self.readers
                .insert(slot.segment, SegmentReader::open(path)?);
        }
        match self.readers.get_mut(&slot.segment) {
            Some(reader) => reader.read(slot.offset).map(Some),
            None => Ok(None),
        }
    }
}

fn digest(record: &Record) -> u32 {
    let mut hash = Sha256::new();
    hash.update(record.fingerprint.as_bytes());
    for value in &record.values {
        hash.update(value.unwrap_or(f64::NAN).to_bits().to_le_bytes());
    }
    let digest = hash.finalize();
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Whether the files that were kept of a run are there, whole.
fn files_are_there(directory: &Path, record: &Record) -> bool {
    if record.files.is_empty() {
        return true;
    }
    let folder = super::kept::folder(directory, &record.key);
    record.files.iter().all(|(name, size)| {
        std::fs::metadata(folder.join(name)).is_ok_and(|data| data.len() == *size)
    })
}
