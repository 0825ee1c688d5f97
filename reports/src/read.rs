//! Stored results back into memory: what figures and reports are made from.
//!
//! Reads columns by name, so files with further columns are read too. Every error names the file and
//! the line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::StringRecord;

use crate::rows::{DesyncKind, Desyncs, Outcome, Sessions};
use crate::statistics::survival::Lifetime;
use crate::store::{MANIFEST, Manifest, StoreError};
use crate::table::Table;

/// What figures need of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Node that initiated.
    pub device: String,
    /// When the step opened, in ns.
    pub started_ns: u64,
    /// When it closed, in ns.
    pub ended_ns: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Start until both ends accepted, in ns; only where accepted.
    pub latency_ns: Option<u64>,
    /// Name of the command.
    pub phase: String,
}

/// What figures need of a divergence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesyncRecord {
    /// Initiating node of the pair.
    pub device: String,
    /// What it came to.
    pub kind: DesyncKind,
    /// When it began, in ns.
    pub start_ns: u64,
}

/// A run's result directory.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    directory: PathBuf,
    manifest: Manifest,
}

impl RunResult {
    /// Opens the result directory `directory`.
    ///
    /// # Errors
    /// `NotAResult` if it has no manifest; `Damaged` or `Io` if that cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let manifest = Manifest::read(directory)?.ok_or_else(|| StoreError::NotAResult {
            path: directory.join(MANIFEST),
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            manifest,
        })
    }

    /// What the directory is the result of.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The rows of `sessions.csv`, in file order.
    ///
    /// # Errors
    /// `Damaged` with file and line, if a row is not as declared; also if the file is missing.
    pub fn sessions(&self) -> Result<Vec<SessionRecord>, StoreError> {
        let mut reader = Reader::open(&self.directory.join(Sessions::SCHEMA.file))?;
        let mut records = Vec::new();
        while reader.advance()? {
            records.push(SessionRecord {
                device: reader.text("device")?.to_owned(),
                started_ns: reader.value("started_ns")?,
                ended_ns: reader.value("ended_ns")?,
                outcome: reader.word("outcome", Outcome::from_word)?,
                latency_ns: reader.optional("latency_ns")?,
                phase: reader.text("phase")?.to_owned(),
            });
        }
        Ok(records)
    }

    /// The rows of `desync.csv`, in file order.
    ///
    /// # Errors
    /// As [`RunResult::sessions`].
    pub fn desyncs(&self) -> Result<Vec<DesyncRecord>, StoreError> {
        let mut reader = Reader::open(&self.directory.join(Desyncs::SCHEMA.file))?;
        let mut records = Vec::new();
        while reader.advance()? {
            records.push(DesyncRecord {
                device: reader.text("device")?.to_owned(),
                kind: reader.word("kind", DesyncKind::from_word)?,
                start_ns: reader.value("start_ns")?,
            });
        }
        Ok(records)
    }

    /// Time to the first divergence of every device that made an attempt that is permanent or ended by
    /// new first storage, in device order; devices still in step are censored at the end of the run.
    ///
    /// # Errors
    /// As [`RunResult::sessions`].
    pub fn lifetimes_in_step(&self) -> Result<Vec<Lifetime>, StoreError> {
        Ok(lifetimes_in_step(
            &self.sessions()?,
            &self.desyncs()?,
            self.manifest.virtual_ns,
        ))
    }
}

/// See [`RunResult::lifetimes_in_step`]; `end_ns` is when the run ended.
#[must_use]
pub fn lifetimes_in_step(
    sessions: &[SessionRecord],
    desyncs: &[DesyncRecord],
    end_ns: u64,
) -> Vec<Lifetime> {
    let in_step = Lifetime {
        time_ns: end_ns,
        event: false,
    };
    let mut lifetimes: BTreeMap<&str, Lifetime> = sessions
        .iter()
        .map(|session| (session.device.as_str(), in_step))
        .collect();
    let lost = |kind| matches!(kind, DesyncKind::Permanent | DesyncKind::Reprovisioned);
    for desync in desyncs.iter().filter(|desync| lost(desync.kind)) {
        let lifetime = lifetimes.entry(&desync.device).or_insert(in_step);
        let time_ns = desync.start_ns.min(lifetime.time_ns);
        *lifetime = Lifetime {
            time_ns,
            event: true,
        };
    }
    lifetimes.into_values().collect()
}

/// One CSV file, read row by row.
struct Reader {
    path: PathBuf,
    csv: csv::Reader<std::fs::File>,
    columns: StringRecord,
    row: StringRecord,
}

impl Reader {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let damaged = |error: csv::Error| StoreError::Damaged {
            path: path.into(),
            reason: error.to_string(),
        };
        let mut csv = csv::Reader::from_path(path).map_err(damaged)?;
        let columns = csv.headers().map_err(damaged)?.clone();
        Ok(Self {
            path: path.into(),
            csv,
            columns,
            row: StringRecord::new(),
        })
    }

    /// Reads the next row; false at the end.
    fn advance(&mut self) -> Result<bool, StoreError> {
        self.csv
            .read_record(&mut self.row)
            .map_err(|error| self.damaged(error.to_string()))
    }

    fn text(&self, column: &str) -> Result<&str, StoreError> {
        self.columns
            .iter()
            .position(|name| name == column)
            .and_then(|index| self.row.get(index))
            .ok_or_else(|| self.damaged(format!("no column {column}")))
    }

    fn value<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.bad_cell(column, text))
    }

    fn optional<T: FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        if self.text(column)?.is_empty() {
            Ok(None)
        } else {
            self.value(column).map(Some)
        }
    }

    fn word<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(text).ok_or_else(|| self.bad_cell(column, text))
    }

    fn bad_cell(&self, column: &str, text: &str) -> StoreError {
        let line = self.row.position().map_or(0, csv::Position::line);
        self.damaged(format!("line {line}: {column} cannot be {text:?}"))
    }

    fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            reason,
        }
    }
}
