//! A table written to a file as its rows come, in constant memory.
//!
//! The writer collects lines in one buffer that it reuses, so a row allocates nothing once the
//! buffer has grown. The first failure sticks: later rows are refused with the same error, and
//! [`TableWriter::finish`] repeats it, so a caller that cannot stop at once loses no error.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use super::{Line, Table};
use crate::store::{Operation, StoreError};

/// Where bytes of a result file go: written, then made durable.
pub trait Sink: Write + Send {
    /// Returns once everything written is on the medium.
    ///
    /// # Errors
    /// What the medium reports; a full disk may show only here.
    fn sync(&mut self) -> io::Result<()>;

    /// Takes the bytes of a full buffer and leaves it empty; another one may stand in its place.
    ///
    /// # Errors
    /// What the medium reports, of these bytes or of earlier ones.
    fn take(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.write_all(buffer)?;
        buffer.clear();
        Ok(())
    }
}

impl Sink for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Sink for Vec<u8> {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Streams the rows of table `T` to a sink, header line first.
pub struct TableWriter<T: Table> {
    sink: Box<dyn Sink>,
    path: PathBuf,
    buffer: Vec<u8>,
    rows: u64,
    bytes_flushed: u64,
    failure: Option<StoreError>,
    table: PhantomData<fn(T)>,
}

impl<T: Table> TableWriter<T> {
    /// Starts the table with its header line; `path` only names the file in errors.
    #[must_use]
    pub fn new(sink: Box<dyn Sink>, path: &Path) -> Self {
        let mut buffer = Vec::with_capacity(FLUSH_BYTES + FLUSH_BYTES / 4);
        T::SCHEMA.header(&mut buffer);
        Self {
            sink,
            path: path.to_owned(),
            buffer,
            rows: 0,
            bytes_flushed: 0,
            failure: None,
            table: PhantomData,
        }
    }

    /// Appends one row.
    ///
    /// # Errors
    /// The first failure of the sink, again at every later row.
    pub fn write(&mut self, row: &T::Row<'_>) -> Result<(), StoreError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut line = Line::new(&mut self.buffer);
        T::cells(row, &mut line);
        line.end();
        self.rows += 1;
        if self.buffer.len() >= FLUSH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Rows accepted so far, the header not counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the table so far, buffered ones included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes_flushed + self.buffer.len() as u64
    }

    /// Writes what is buffered, makes it durable, and returns the number of rows.
    ///
    /// # Errors
    /// The first failure of the sink, whenever it occurred.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.sink
            .write_all(&self.buffer)
            .map_err(|source| StoreError::io(Operation::Write, &self.path, source))?;
        self.sink
            .flush()
            .and_then(|()| self.sink.sync())
            .map_err(|source| StoreError::io(Operation::Sync, &self.path, source))?;
        Ok(self.rows)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let bytes = self.buffer.len() as u64;
        if let Err(source) = self.sink.take(&mut self.buffer) {
            let failure = StoreError::io(Operation::Write, &self.path, source);
            self.failure = Some(failure.clone());
            return Err(failure);
        }
        self.bytes_flushed += bytes;
        Ok(())
    }
}

impl<T: Table> fmt::Debug for TableWriter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableWriter")
            .field("path", &self.path)
            .field("rows", &self.rows)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

/// Buffered bytes that are worth a system call; larger gains nothing on the media measured.
const FLUSH_BYTES: usize = 64 * 1024;
