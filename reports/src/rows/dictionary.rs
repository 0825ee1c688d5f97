//! `dictionary.csv`: every column of every table, with its unit and meaning.

use crate::table::{Line, Schema, Table, table};

table! {
    /// The table of columns.
    Dictionary, "dictionary.csv",
    "one row per table and column, in file order";
    /// One column of one table.
    Entry<'a> {
        file: &'a str, "text", "File that has the column.";
        column: &'a str, "text", "Name of the column.";
        unit: &'a str, "text", "ns, B, nJ, bit, count, share (0 to 1), text, or metric (that of the metric concerned).";
        meaning: &'a str, "text", "What a cell holds, and when it is empty.";
    }
}

/// The whole dictionary of `tables` as the bytes of `dictionary.csv`.
#[must_use]
pub fn dictionary(tables: &[Schema]) -> Vec<u8> {
    let mut out = Vec::new();
    Dictionary::SCHEMA.header(&mut out);
    for schema in tables {
        for column in schema.columns {
            let mut line = Line::new(&mut out);
            let entry = Entry {
                file: schema.file,
                column: column.name,
                unit: column.unit,
                meaning: column.meaning,
            };
            Dictionary::cells(&entry, &mut line);
            line.end();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::rows::RUN_TABLES;

    #[test]
    fn covers_every_column_of_every_table() {
        let bytes = dictionary(RUN_TABLES);
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let found: Vec<(String, String)> = reader
            .records()
            .map(Result::unwrap)
            .map(|record| (record[0].to_owned(), record[1].to_owned()))
            .collect();
        let expected: Vec<(String, String)> = RUN_TABLES
            .iter()
            .flat_map(|schema| {
                schema
                    .columns
                    .iter()
                    .map(|column| (schema.file, column.name))
            })
            .map(|(file, column)| (file.to_owned(), column.to_owned()))
            .collect();
        assert_eq!(found, expected);
    }
}
