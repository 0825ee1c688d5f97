//! Stored results back into memory: what figures and reports are made from.
//!
//! Reads columns by name, so files with further columns are read too. Every error names the file and
//! the line.

mod reader;
pub mod sheet;
pub mod story;
pub mod study;
pub mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::rows::{DesyncKind, Desyncs, Outcome, Sessions};
use crate::statistics::survival::Lifetime;
use crate::store::{MANIFEST, Manifest, StoreError};
use crate::table::Table;

pub(crate) use reader::Reader;

/// A row of `sessions.csv` while it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionView<'a> {
    /// Node that initiated.
    pub device: &'a str,
    /// When the step was opened.
    pub started_ns: u64,
    /// When the step closed.
    pub ended_ns: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Start until both ends accepted; `None` unless accepted.
    pub latency_ns: Option<u64>,
    /// Name of the command.
    pub phase: &'a str,
}

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
    /// When it ended, in ns; `None` if it lasts.
    pub end_ns: Option<u64>,
    /// Session in which it began; empty where none is known.
    pub cause_session: String,
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

    /// The result that stands in `directory` and has no manifest on disk yet.
    #[must_use]
    pub const fn unfinished(directory: PathBuf, manifest: Manifest) -> Self {
        Self {
            directory,
            manifest,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
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
        let mut records = Vec::new();
        self.each_session(&mut |session| {
            records.push(SessionRecord {
                device: session.device.to_owned(),
                started_ns: session.started_ns,
                ended_ns: session.ended_ns,
                outcome: session.outcome,
                latency_ns: session.latency_ns,
                phase: session.phase.to_owned(),
            });
        })?;
        Ok(records)
    }

    /// Shows every row of `sessions.csv` to `take`, in file order and in constant memory; returns
    /// their number.
    ///
    /// # Errors
    /// As [`RunResult::sessions`].
    pub fn each_session(&self, take: &mut dyn FnMut(&SessionView<'_>)) -> Result<u64, StoreError> {
        let mut reader = Reader::open(&self.directory.join(Sessions::SCHEMA.file))?;
        let mut rows = 0;
        while reader.advance()? {
            rows += 1;
            take(&SessionView {
                device: reader.text("device")?,
                started_ns: reader.value("started_ns")?,
                ended_ns: reader.value("ended_ns")?,
                outcome: reader.word("outcome", Outcome::from_word)?,
                latency_ns: reader.optional("latency_ns")?,
                phase: reader.text("phase")?,
            });
        }
        Ok(rows)
    }

    /// Names and outcomes of the sessions that `wanted` names, in file order.
    ///
    /// # Errors
    /// As [`RunResult::sessions`].
    pub fn session_outcomes(
        &self,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(String, Outcome)>, StoreError> {
        let mut reader = Reader::open(&self.directory.join(Sessions::SCHEMA.file))?;
        let mut found = Vec::new();
        while reader.advance()? {
            let name = reader.text("session")?;
            if wanted(name) {
                let name = name.to_owned();
                found.push((name, reader.word("outcome", Outcome::from_word)?));
            }
        }
        Ok(found)
    }

    /// The contents of `summary.json`; null where it cannot be read.
    #[must_use]
    pub fn summary(&self) -> serde_json::Value {
        std::fs::read_to_string(self.directory.join("summary.json"))
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    /// The usual range of what the profile of a role says, as factors; `None` where the role has no
    /// profile.
    #[must_use]
    pub fn band(&self, role: &str) -> Option<(f64, f64)> {
        let summary = self.summary();
        let profiles = summary.get("profiles")?.as_array()?;
        let of_role = profiles
            .iter()
            .find(|profile| profile.get("role").is_some_and(|name| name == role))?;
        let end = |name: &str| of_role.get(name)?.as_f64();
        Some((end("band_low")?, end("band_high")?))
    }

    /// Energy of all nodes by time: width of a bin in ns, and nJ by bin; `None` where none is known.
    #[must_use]
    pub fn energy_over_time(&self) -> Option<(u64, Vec<u64>)> {
        let summary = self.summary();
        let energy = summary.get("energy_over_time")?;
        let bins: Option<Vec<u64>> = energy
            .get("energy_nj")?
            .as_array()?
            .iter()
            .map(serde_json::Value::as_u64)
            .collect();
        Some((energy.get("bin_ns")?.as_u64()?, bins?))
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
                end_ns: reader.optional("end_ns")?,
                cause_session: reader.text("cause_session")?.to_owned(),
            });
        }
        Ok(records)
    }

    /// Time to the first divergence of every device that made an attempt that is permanent or ended by
    /// new first storage, in device order; devices still in step are censored at the end of the run.
    /// With a sample of the sessions, devices that are missing from it are missing here.
    ///
    /// # Errors
    /// As [`RunResult::sessions`].
    pub fn lifetimes_in_step(&self) -> Result<Vec<Lifetime>, StoreError> {
        let mut devices = BTreeSet::new();
        self.each_session(&mut |session| {
            if !devices.contains(session.device) {
                devices.insert(session.device.to_owned());
            }
        })?;
        let end_ns = self.manifest.virtual_ns;
        Ok(lifetimes(
            devices.iter().map(String::as_str),
            &self.desyncs()?,
            end_ns,
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
    let devices = sessions.iter().map(|session| session.device.as_str());
    lifetimes(devices, desyncs, end_ns)
}

fn lifetimes<'a>(
    devices: impl Iterator<Item = &'a str>,
    desyncs: &'a [DesyncRecord],
    end_ns: u64,
) -> Vec<Lifetime> {
    let in_step = Lifetime {
        time_ns: end_ns,
        event: false,
    };
    let mut lifetimes: BTreeMap<&str, Lifetime> = devices.map(|device| (device, in_step)).collect();
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
