//! Tables for readers: of a paper, a page or a terminal.
//!
//! A [`Table`] is data, text and numbers as they shall be read; [`text`], [`markdown`], [`latex`]
//! (booktabs) and [`csv()`] write it down. All writers show the same cells in the same order. Result
//! files that programs read back are [`crate::table`]s instead.

mod latex;
mod markdown;
mod text;

pub use latex::latex;
pub use markdown::markdown;
pub use text::text;

use crate::table::Line;

/// A table with its caption and the notes under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Short name, unique in its document: letters, digits and hyphens.
    pub id: String,
    /// What the table shows, one line.
    pub caption: String,
    /// Its columns; never empty.
    pub columns: Vec<Column>,
    /// Its rows in order; each has as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// Sentences under the table.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading, with the unit.
    pub title: String,
    /// Where its cells stand.
    pub align: Align,
}

/// Where the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At the left: words.
    Left,
    /// At the right: numbers.
    Right,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Words or a number, as they shall be read.
    Text(String),
    /// A sum of times in the notation of papers, (count, subscript of T): `13 T_h + 2 T_rnd`. A sum
    /// of nothing is a dash.
    Terms(Vec<(u64, &'static str)>),
    /// A rule across the table before the row; only as the only cell of a row.
    Rule,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Text(number.to_string())
    }
}

impl Table {
    /// An empty table; columns are (title, align).
    #[must_use]
    pub fn new(id: &str, caption: impl Into<String>, columns: &[(&str, Align)]) -> Self {
        Self {
            id: id.to_owned(),
            caption: caption.into(),
            columns: columns
                .iter()
                .map(|(title, align)| Column {
                    title: (*title).to_owned(),
                    align: *align,
                })
                .collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// When it has another number of cells than the table has columns.
    pub fn push(&mut self, cells: Vec<Cell>) {
        assert_eq!(cells.len(), self.columns.len(), "a cell for every column");
        self.rows.push(cells);
    }

    /// Sets the following rows apart from those before.
    pub fn rule(&mut self) {
        self.rows.push(vec![Cell::Rule]);
    }

    /// Adds a sentence under the table.
    pub fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }
}

/// A cell as plain text.
pub(crate) fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Terms(terms) if terms.is_empty() => "-".to_owned(),
        Cell::Terms(terms) => {
            let terms = terms.iter().map(|(count, of)| format!("{count} T_{of}"));
            terms.collect::<Vec<_>>().join(" + ")
        }
        Cell::Rule => String::new(),
    }
}

/// The table as RFC 4180 with a header line; rules and notes have no place in it.
#[must_use]
pub fn csv(table: &Table) -> String {
    let mut out = Vec::new();
    let mut line = Line::new(&mut out);
    for column in &table.columns {
        line.cell(column.title.as_str());
    }
    line.end();
    for row in table.rows.iter().filter(|row| row[..] != [Cell::Rule]) {
        let mut line = Line::new(&mut out);
        for cell in row {
            line.cell(plain(cell).as_str());
        }
        line.end();
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
