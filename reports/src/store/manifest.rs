//! `manifest.json`: what a result directory is the result of.
//!
//! The manifest is the one file that may hold wall time, rates and host paths; it is never compared.
//! Times are arguments: this crate reads no clock.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{MANIFEST, Operation, StoreError};

/// Version of the layout of result directories; raised when a reader would have to know.
pub const FORMAT_VERSION: u32 = 1;

/// A hash of everything that decides a result's bytes, as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResultKey(String);

impl ResultKey {
    /// The key with this text; texts are compared as they stand.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What made a result directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultKind {
    /// A single run.
    Run,
    /// A sweep over parameters.
    Sweep,
    /// Protocols against attacks.
    Matrix,
    /// Damages to shared state.
    Laboratory,
    /// The simulator against closed forms.
    Validation,
}

/// What a result directory is the result of, and what producing it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] at the time of writing.
    pub format: u32,
    /// What made the directory.
    pub kind: ResultKind,
    /// Name and version of the program, e.g. `badlink 0.1.0`.
    pub program: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario as it ran, overrides included, in hexadecimal.
    pub scenario_hash: String,
    /// Hash of everything that decides the data files.
    pub key: ResultKey,
    /// Root seed.
    pub seed: u64,
    /// Fingerprint of the run, 32 hexadecimal digits; empty where there is no single one.
    pub fingerprint: String,
    /// False when the run was interrupted: the files end before the run would have.
    pub complete: bool,
    /// Virtual time at which the run ended, in ns.
    pub virtual_ns: u64,
    /// Share of the sessions that the long tables keep, above 0 and below 1; absent where all are
    /// kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<f64>,
    /// Totals by name: events, sessions, messages, rows per file.
    pub counts: BTreeMap<String, u64>,
    /// Wall time of the run in seconds.
    pub wall_seconds: f64,
    /// Processor time of the run in seconds, all threads together; absent where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Events per second of wall time.
    pub events_per_second: f64,
    /// What else describes the machine and the invocation: host, paths, jobs, command line.
    #[serde(default)]
    pub host: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads the manifest of the result directory `directory`; `None` if it has none.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `Damaged` if it is no manifest of this or an older format.
    pub fn read(directory: &Path) -> Result<Option<Self>, StoreError> {
        let path = directory.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io(Operation::Read, &path, error)),
        };
        let manifest: Self = serde_json::from_str(&text).map_err(|error| StoreError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        if manifest.format > FORMAT_VERSION {
            let reason = format!(
                "written in format {}, this program knows up to {FORMAT_VERSION}",
                manifest.format
            );
            return Err(StoreError::Damaged { path, reason });
        }
        Ok(Some(manifest))
    }

    /// The text of `manifest.json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a manifest holds only texts and numbers");
        text.push('\n');
        text
    }
}
