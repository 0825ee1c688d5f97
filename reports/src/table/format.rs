//! The files that a large table may be: plain CSV, CSV compressed by zstd, or Parquet.
//!
//! A table is written as CSV lines whatever its file: a wrapper around the file turns them into
//! something smaller as they pass, so memory stays constant. Read back, all three give the same
//! lines. Level 1 of zstd, one thread, and a fixed size of row groups: same rows, same bytes.

#[cfg(feature = "parquet")]
mod columns;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Schema, Sink};

/// What a large table is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableFormat {
    /// `messages.csv`.
    #[default]
    Csv,
    /// `messages.csv.zst`.
    Zstd,
    /// `messages.parquet`.
    Parquet,
}

impl TableFormat {
    /// All, plain text first.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Zstd, Self::Parquet];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Zstd => "csv.zst",
            Self::Parquet => "parquet",
        }
    }

    /// Whether this program can write and read it.
    #[must_use]
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::Csv => true,
            Self::Zstd => cfg!(feature = "zstd"),
            Self::Parquet => cfg!(feature = "parquet"),
        }
    }

    /// The file of a table whose plain one is `path`, which ends in `.csv`.
    #[must_use]
    pub fn path(self, path: &Path) -> PathBuf {
        path.with_extension(self.as_str())
    }

    /// A sink for the lines of a table that writes this format into `file`.
    ///
    /// # Errors
    /// The format is not built in; the file cannot be written.
    pub fn wrap(self, schema: &Schema, file: Box<dyn Sink>) -> io::Result<Box<dyn Sink>> {
        match self {
            Self::Csv => {
                let _ = schema;
                Ok(file)
            }
            #[cfg(feature = "zstd")]
            Self::Zstd => Ok(Box::new(Squeezed::new(file)?)),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(Box::new(columns::ColumnSink::new(schema, file)?)),
            #[cfg(not(all(feature = "zstd", feature = "parquet")))]
            other => Err(not_built_in(other)),
        }
    }

    /// The lines of a table in this format.
    ///
    /// # Errors
    /// The format is not built in; the file cannot be opened or is none of this format.
    pub fn open(self, path: &Path) -> io::Result<Box<dyn Read>> {
        let file = File::open(path)?;
        match self {
            Self::Csv => Ok(Box::new(file)),
            #[cfg(feature = "zstd")]
            Self::Zstd => Ok(Box::new(zstd::stream::read::Decoder::new(file)?)),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(Box::new(columns::ColumnLines::new(file)?)),
            #[cfg(not(all(feature = "zstd", feature = "parquet")))]
            other => Err(not_built_in(other)),
        }
    }
}

#[cfg(not(all(feature = "zstd", feature = "parquet")))]
fn not_built_in(format: TableFormat) -> io::Error {
    let feature = if format == TableFormat::Zstd {
        "zstd"
    } else {
        "parquet"
    };
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("this program was built without {feature}: build it with `--features {feature}`"),
    )
}

/// Where the table whose plain file would be `path` stands, and as what; the plain file where there
/// is none.
#[must_use]
pub fn find(path: &Path) -> (PathBuf, TableFormat) {
    let found = TableFormat::ALL
        .into_iter()
        .map(|format| (format.path(path), format))
        .find(|(path, _)| path.is_file());
    found.unwrap_or_else(|| (path.to_owned(), TableFormat::Csv))
}

/// Compresses what passes.
#[cfg(feature = "zstd")]
struct Squeezed {
    encoder: zstd::stream::write::Encoder<'static, Box<dyn Sink>>,
    done: bool,
}

#[cfg(feature = "zstd")]
impl Squeezed {
    /// Fast, and on tables like these no worse than level 3.
    const LEVEL: i32 = 1;

    fn new(file: Box<dyn Sink>) -> io::Result<Self> {
        let mut encoder = zstd::stream::write::Encoder::new(file, Self::LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Self {
            encoder,
            done: false,
        })
    }
}

#[cfg(feature = "zstd")]
impl io::Write for Squeezed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.encoder.write(bytes)
    }

    /// Nothing: a block that is cut short compresses worse, and [`Sink::sync`] ends the last one.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "zstd")]
impl Sink for Squeezed {
    fn sync(&mut self) -> io::Result<()> {
        if !self.done {
            self.encoder.do_finish()?;
            self.done = true;
        }
        self.encoder.get_mut().flush()?;
        self.encoder.get_mut().sync()
    }
}

#[cfg(test)]
mod tests;
