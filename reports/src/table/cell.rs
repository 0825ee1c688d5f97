//! One cell and one line of a table, as bytes.
//!
//! Written by hand rather than through a serializer, since a message trace is the largest thing a
//! run writes. Texts are quoted where RFC 4180 demands it, and nowhere else; an absent value is an
//! empty cell.

use crate::format;

/// A value that can stand in a table.
pub trait Cell {
    /// Appends the value's text; texts quote themselves, absent values append nothing.
    fn append(self, out: &mut Vec<u8>);
}

/// One line under construction: puts the commas between cells and the line feed at the end.
#[derive(Debug)]
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Line<'a> {
    /// Starts a line at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true }
    }

    /// Appends the next cell.
    pub fn cell(&mut self, value: impl Cell) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        value.append(self.out);
    }

    /// Ends the line.
    pub fn end(self) {
        self.out.push(b'\n');
    }
}

macro_rules! integer_cells {
    ($($type:ty),+) => {
        $(impl Cell for $type {
            fn append(self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(self).as_bytes());
            }
        })+
    };
}

integer_cells!(u8, u16, u32, u64, u128, usize, i32, i64);

impl Cell for f64 {
    fn append(self, out: &mut Vec<u8>) {
        let mut text = String::new();
        format::float(&mut text, self);
        out.extend_from_slice(text.as_bytes());
    }
}

impl Cell for bool {
    fn append(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self { b"true" } else { b"false" });
    }
}

impl Cell for &str {
    fn append(self, out: &mut Vec<u8>) {
        let bytes = self.as_bytes();
        if !bytes
            .iter()
            .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
        {
            out.extend_from_slice(bytes);
            return;
        }
        out.push(b'"');
        for byte in bytes {
            if *byte == b'"' {
                out.push(b'"');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
}

impl<T: Cell> Cell for Option<T> {
    fn append(self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.append(out);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn line(cells: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut line = Line::new(&mut out);
        for cell in cells {
            line.cell(*cell);
        }
        line.end();
        out
    }

    #[test]
    fn quotes_only_what_needs_quotes() {
        assert_eq!(
            line(&["plain", " spaces ", "é"]),
            "plain, spaces ,é\n".as_bytes()
        );
        assert_eq!(
            line(&["a,b", "say \"x\"", "two\nlines"]),
            b"\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\n"
        );
    }

    #[test]
    fn absent_values_are_empty_cells() {
        let mut out = Vec::new();
        let mut row = Line::new(&mut out);
        row.cell(None::<u64>);
        row.cell(f64::NAN);
        row.cell(Some(7u64));
        row.cell("");
        row.end();
        assert_eq!(out, b",,7,\n");
    }

    proptest! {
        #[test]
        fn any_text_survives_a_csv_reader(cells in prop::collection::vec(any::<String>(), 2..6)) {
            let texts: Vec<&str> = cells.iter().map(String::as_str).collect();
            let bytes = line(&texts);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
            let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(records.len(), 1);
            prop_assert_eq!(records[0].iter().collect::<Vec<_>>(), texts);
        }
    }
}
