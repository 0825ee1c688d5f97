//! One table file, read row by row in constant memory.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::StringRecord;

use crate::store::{Operation, StoreError};
use crate::table::format::{TableFormat, find};

/// One CSV file, read row by row.
pub(crate) struct Reader {
    path: PathBuf,
    csv: csv::Reader<Box<dyn Read>>,
    columns: StringRecord,
    row: StringRecord,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let (path, format) = find(path);
        let damaged = |error: csv::Error| StoreError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        };
        // The other formats know their end.
        if format == TableFormat::Csv {
            ends_with_a_line(&path)?;
        }
        let lines = format.open(&path).map_err(|error| match error.kind() {
            ErrorKind::Unsupported | ErrorKind::InvalidData => StoreError::Damaged {
                path: path.clone(),
                reason: error.to_string(),
            },
            _ => StoreError::io(Operation::Read, &path, error),
        })?;
        let mut csv = csv::Reader::from_reader(lines);
        let columns = csv.headers().map_err(damaged)?.clone();
        Ok(Self {
            path: path.clone(),
            csv,
            columns,
            row: StringRecord::new(),
        })
    }

    /// Reads the next row; false at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, StoreError> {
        self.csv
            .read_record(&mut self.row)
            .map_err(|error| self.damaged(error.to_string()))
    }

    pub(crate) fn text(&self, column: &str) -> Result<&str, StoreError> {
        self.columns
            .iter()
            .position(|name| name == column)
            .and_then(|index| self.row.get(index))
            .ok_or_else(|| self.damaged(format!("no column {column}")))
    }

    pub(crate) fn value<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.bad_cell(column, text))
    }

    pub(crate) fn optional<T: FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        if self.text(column)?.is_empty() {
            Ok(None)
        } else {
            self.value(column).map(Some)
        }
    }

    pub(crate) fn word<T>(
        &self,
        column: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(text).ok_or_else(|| self.bad_cell(column, text))
    }

    pub(crate) fn bad_cell(&self, column: &str, text: &str) -> StoreError {
        let line = self.row.position().map_or(0, csv::Position::line);
        self.damaged(format!("line {line}: {column} cannot be {text:?}"))
    }

    /// The names in the header line.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter()
    }

    /// The cells of the row in hand.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        self.row.iter()
    }

    fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            reason,
        }
    }
}

/// Every line of a table ends in a line feed: a file that does not was cut off.
fn ends_with_a_line(path: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::io(Operation::Read, path, source);
    let mut file = File::open(path).map_err(io)?;
    let length = file.seek(SeekFrom::End(0)).map_err(io)?;
    let mut last = [0_u8];
    if length > 0 {
        file.seek(SeekFrom::End(-1)).map_err(io)?;
        file.read_exact(&mut last).map_err(io)?;
    }
    if last == *b"\n" {
        return Ok(());
    }
    let reason = if length == 0 {
        String::from("it is empty, without even a header line")
    } else {
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let lines = count_line_feeds(&mut file).map_err(io)?;
        format!(
            "line {} is cut off: it does not end in a line feed",
            lines + 1
        )
    };
    Err(StoreError::Damaged {
        path: path.into(),
        reason,
    })
}

fn count_line_feeds(file: &mut File) -> std::io::Result<u64> {
    let mut buffer = vec![0_u8; 1 << 16];
    let mut lines = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(lines);
        }
        lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
}
