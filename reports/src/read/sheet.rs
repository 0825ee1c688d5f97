//! A small table as a whole: texts by row and column.

use std::path::{Path, PathBuf};

use super::Reader;
use crate::store::StoreError;

/// A table in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Where it was read.
    pub path: PathBuf,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows with as many cells.
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Reads a table.
    ///
    /// # Errors
    /// `Io` or `Damaged`, with file and line.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let mut reader = Reader::open(path)?;
        let columns = reader.columns().map(str::to_owned).collect();
        let mut rows = Vec::new();
        while reader.advance()? {
            rows.push(reader.cells().map(str::to_owned).collect());
        }
        Ok(Self {
            path: path.to_owned(),
            columns,
            rows,
        })
    }

    /// The place of a column.
    ///
    /// # Errors
    /// `Damaged` when there is none of this name.
    pub fn column(&self, name: &str) -> Result<usize, StoreError> {
        self.columns
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| self.damaged(format!("no column {name}")))
    }

    /// The number in a cell; `None` where it is empty.
    ///
    /// # Errors
    /// `Damaged` with the line when it holds something else.
    pub fn number(&self, row: usize, column: usize) -> Result<Option<f64>, StoreError> {
        let text = self.text(row, column);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Some)
            .ok_or_else(|| self.bad_cell(row, column))
    }

    /// The text in a cell.
    #[must_use]
    pub fn text(&self, row: usize, column: usize) -> &str {
        self.rows
            .get(row)
            .and_then(|cells| cells.get(column))
            .map_or("", String::as_str)
    }

    /// What is wrong with a cell.
    #[must_use]
    pub fn bad_cell(&self, row: usize, column: usize) -> StoreError {
        let text = self.text(row, column);
        let name = self.columns.get(column).map_or("", String::as_str);
        self.damaged(format!("line {}: {name} cannot be {text:?}", row + 2))
    }

    fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            reason,
        }
    }
}
