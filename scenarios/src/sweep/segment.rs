//! Segments: append-only files of records, one per worker and invocation.
//!
//! A worker never appends to a file that somebody else began, so nobody waits for anybody, two
//! copies of a shard at the same time do no harm, and what a kill tore is always the last line of a
//! file. A record is handed to the system at once (a killed process loses none) and made durable
//! every 64 records or every second.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use reports::store::{Operation, StoreError};

use super::record::{self, Columns, Header, Line, Record};

/// Folder of the segments in a study's directory.
pub const SEGMENTS: &str = "segments";

/// Records after which a segment is made durable.
const SYNC_RECORDS: u32 = 64;
/// Milliseconds after which it is.
const SYNC_MS: u64 = 1_000;

/// Longest line that is read, bytes.
const LINE_MAX: u64 = 64 << 20;

/// A segment that is being written.
#[derive(Debug)]
pub struct SegmentWriter {
    path: PathBuf,
    file: File,
    offset: u64,
    columns: Vec<Vec<String>>,
    unsynced: u32,
    synced_ms: u64,
    buffer: Vec<u8>,
}

impl SegmentWriter {
    /// Begins a segment in `directory`; `label` tells whose it is.
    ///
    /// # Errors
    ///
    /// The file cannot be made or written.
    pub fn create(
        directory: &Path,
        label: &str,
        header: &Header,
        now_ms: u64,
    ) -> Result<Self, StoreError> {
        let folder = directory.join(SEGMENTS);
        fs::create_dir_all(&folder)
            .map_err(|error| StoreError::io(Operation::CreateDirectory, &folder, error))?;
        let mut number = 0_u32;
        let (path, file) = loop {
            let path = folder.join(format!("{label}-{number}.seg"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < u32::MAX => {
                    number += 1;
                }
                Err(error) => return Err(StoreError::io(Operation::Create, &path, error)),
            }
        };
        let mut writer = Self {
            path,
            file,
            offset: 0,
            columns: Vec::new(),
            unsynced: 0,
            synced_ms: now_ms,
            buffer: Vec::new(),
        };
        record::append(header, &mut writer.buffer);
        writer.write()?;
        Ok(writer)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a run whose values belong to the metrics `names`; gives the record's offset.
    ///
    /// # Errors
    ///
    /// Writing failed; nothing after it can be trusted, so the segment must not be used any more.
    pub fn append(
        &mut self,
        mut run: Record,
        names: &[String],
        now_ms: u64,
    ) -> Result<u64, StoreError> {
        let known = self.columns.iter().position(|columns| columns == names);
        let index = known.unwrap_or(self.columns.len());
        run.columns = u32::try_from(index).unwrap_or(u32::MAX);
        if known.is_none() {
            let columns = Columns {
                columns: run.columns,
                names: names.to_vec(),
            };
            record::append(&columns, &mut self.buffer);
            self.columns.push(names.to_vec());
        }
        let offset = self.offset + self.buffer.len() as u64;
        record::append(&run, &mut self.buffer);
        self.write()?;
        self.unsynced += 1;
        if self.unsynced >= SYNC_RECORDS || now_ms.saturating_sub(self.synced_ms) >= SYNC_MS {
            self.sync(now_ms)?;
        }
        Ok(offset)
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.file
            .write_all(&self.buffer)
            .map_err(|error| StoreError::io(Operation::Write, &self.path, error))?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    ///
    /// What the medium reports.
    pub fn sync(&mut self, now_ms: u64) -> Result<(), StoreError> {
        if self.unsynced > 0 {
            self.file
                .sync_data()
                .map_err(|error| StoreError::io(Operation::Sync, &self.path, error))?;
            self.unsynced = 0;
        }
        self.synced_ms = now_ms;
        Ok(())
    }
}

/// What a scan of one segment found.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The header; `None` where the file ends before it does.
    pub header: Option<Header>,
    /// Names of metrics, by number.
    pub columns: Vec<Vec<String>>,
    /// Lines that are no records although more follow: numbers from 1.
    pub damaged: Vec<u64>,
    /// Whether the last line is torn, as a kill leaves it.
    pub torn: bool,
}

/// Reads a segment from its start; `each` gets every record with its offset.
///
/// # Errors
///
/// The file cannot be read.
pub fn scan(path: &Path, each: &mut dyn FnMut(Record, u64)) -> Result<Scanned, StoreError> {
    let failed = |error| StoreError::io(Operation::Read, path, error);
    let file = File::open(path).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut scanned = Scanned::default();
    let (mut offset, mut number) = (0_u64, 0_u64);
    let mut line = Vec::new();
    let mut suspect: Option<u64> = None;
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)
            .map_err(failed)?;
        if read == 0 {
            break;
        }
        number += 1;
        // Damage in the middle is damage; at the end it is what a kill leaves.
        scanned.damaged.extend(suspect.take());
        let start = offset;
        offset += read as u64;
        let whole = line.last() == Some(&b'\n');
        if whole {
            line.pop();
        }
        match record::parse(&line).filter(|_| whole) {
            Some(Line::Header(header)) if number == 1 => scanned.header = Some(header),
            Some(Line::Columns(columns)) if columns.columns as usize == scanned.columns.len() => {
                scanned.columns.push(columns.names);
            }
            Some(Line::Record(run)) if (run.columns as usize) < scanned.columns.len() => {
                each(*run, start);
            }
            _ => suspect = Some(number),
        }
    }
    scanned.torn = suspect.is_some();
    Ok(scanned)
}

/// Reads single records of one segment.
#[derive(Debug)]
pub struct SegmentReader {
    path: PathBuf,
    reader: BufReader<File>,
    at: u64,
    line: Vec<u8>,
}

impl SegmentReader {
    /// Opens a segment.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file =
            File::open(path).map_err(|error| StoreError::io(Operation::Read, path, error))?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 16, file),
            at: 0,
            line: Vec::new(),
        })
    }

    /// The record at `offset`; cheap where records are read in the order of the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or there is no record.
    pub fn read(&mut self, offset: u64) -> Result<Record, StoreError> {
        let failed = |error| StoreError::io(Operation::Read, &self.path, error);
        if offset == self.at {
            // Already there.
        } else if let Ok(forward) = i64::try_from(offset.wrapping_sub(self.at)) {
            self.reader.seek_relative(forward).map_err(failed)?;
        } else {
            self.reader.seek(SeekFrom::Start(offset)).map_err(failed)?;
        }
        self.line.clear();
        let read = self
            .reader
            .read_until(b'\n', &mut self.line)
            .map_err(failed)?;
        self.at = offset + read as u64;
        self.line.pop();
        match record::parse(&self.line) {
            Some(Line::Record(run)) => Ok(*run),
            _ => Err(StoreError::Damaged {
                path: self.path.clone(),
                reason: format!("there is no record at byte {offset} any more"),
            }),
        }
    }
}

/// The segments of a study, in the order of their names.
///
/// # Errors
///
/// The folder cannot be listed.
pub fn list(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let folder = directory.join(SEGMENTS);
    let failed = |error| StoreError::io(Operation::List, &folder, error);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
