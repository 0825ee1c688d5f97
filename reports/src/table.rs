//! What a table of results is: its columns, declared once, and how a row becomes a line.
//!
//! A table's columns are stated in one place (the `table!` declaration in [`crate::rows`]), from
//! which come the row struct, its documentation, the header line, the line writer and the entries of
//! `dictionary.csv`; none of them can disagree. Lines are RFC 4180 with a line feed at the end.

mod cell;
pub mod format;
mod writer;

pub use cell::{Cell, Line};
pub use writer::{Sink, TableWriter};

/// One column: its name in the header, its unit, and one sentence on what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in the header line; a number's unit is its last part (`started_ns`).
    pub name: &'static str,
    /// `ns`, `B`, `nJ`, `bit`, `count`, `share` (0 to 1), or `text`.
    pub unit: &'static str,
    /// One sentence that says what a cell holds and when it is empty.
    pub meaning: &'static str,
}

/// A table's file name, subject and columns, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// File name inside a result directory, e.g. `sessions.csv`.
    pub file: &'static str,
    /// What one row stands for, and in which order rows stand.
    pub about: &'static str,
    /// Columns in file order; never empty.
    pub columns: &'static [Column],
}

impl Schema {
    /// Appends the header line.
    pub fn header(&self, out: &mut Vec<u8>) {
        let mut line = Line::new(out);
        for column in self.columns {
            line.cell(column.name);
        }
        line.end();
    }
}

/// A table: a schema and a type of row.
///
/// ```
/// use reports::rows::Sessions;
/// use reports::table::Table;
///
/// let first = &Sessions::SCHEMA.columns[0];
/// assert_eq!((Sessions::SCHEMA.file, first.name), ("sessions.csv", "session"));
/// ```
pub trait Table {
    /// One row; it borrows its texts from the caller.
    type Row<'a>;

    /// File name and columns.
    const SCHEMA: Schema;

    /// Writes the cells of `row` in the order of the schema's columns.
    fn cells(row: &Self::Row<'_>, line: &mut Line<'_>);
}

/// Declares a table: marker type, row struct, schema and line writer from one list of columns.
macro_rules! table {
    (
        $(#[$table_doc:meta])*
        $table:ident, $file:literal, $about:literal;
        $(#[$row_doc:meta])*
        $row:ident<$life:lifetime> {
            $($field:ident $(as $name:literal)?: $type:ty, $unit:literal, $meaning:literal;)+
        }
    ) => {
        $(#[$row_doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $row<$life> {
            $(
                #[doc = concat!($meaning, "\n\nUnit: ", $unit, ".")]
                pub $field: $type,
            )+
        }

        $(#[$table_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $table {}

        impl $crate::table::Table for $table {
            type Row<$life> = $row<$life>;

            const SCHEMA: $crate::table::Schema = $crate::table::Schema {
                file: $file,
                about: $about,
                columns: &[$($crate::table::Column {
                    name: $crate::table::column_name!($field $(, $name)?),
                    unit: $unit,
                    meaning: $meaning,
                }),+],
            };

            fn cells(row: &$row<'_>, line: &mut $crate::table::Line<'_>) {
                $(line.cell(row.$field);)+
            }
        }
    };
}

/// The column's own name where one is given (it may be a Rust keyword), else the field's.
macro_rules! column_name {
    ($field:ident, $name:literal) => {
        $name
    };
    ($field:ident) => {
        stringify!($field)
    };
}

/// Declares an enumeration whose variants are words of a column.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands in the file.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The value whose word is `word`.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl $crate::table::Cell for $name {
            fn append(self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.word().as_bytes());
            }
        }
    };
}

pub(crate) use {column_name, table, words};
