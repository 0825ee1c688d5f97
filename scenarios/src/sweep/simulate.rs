//! One run of a sweep: a scenario in, what is stored of it out.

use core::ops::ControlFlow;
use std::path::{Path, PathBuf};

use reports::statistics::survival::Lifetime;
use sim_engine::Progress;

use super::kept;
use super::record::{Batched, Record, rounded};
use crate::build::build_with_keys;
use crate::host::tables::{NoTables, Tables};
use crate::key_cache::KeyCache;
use crate::metrics::{lifetimes, metrics};
use crate::run::{Finished, Monitor, Stop, drive};
use crate::scenario::Scenario;

/// What watches a sweep: the only way to a clock and to signals.
pub trait Observer: Sync {
    /// Milliseconds since some moment.
    fn now_ms(&self) -> u64;
    /// Whether the user wants to stop.
    fn interrupted(&self) -> bool;
    /// A run has been stored.
    fn stored(&self, failed: bool);
    /// A worker has said something that the user should know.
    fn warn(&self, text: &str);
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The fingerprint as tables show it.
    pub fingerprint: String,
    /// Names of its metrics.
    pub names: Vec<String>,
    /// Their values.
    pub values: Vec<Option<f64>>,
    /// Devices by attempts: attempts, events, censored.
    pub lifetimes: Vec<(u64, u64, u64)>,
    /// What batch means said of steady-state metrics.
    pub steady: Vec<Batched>,
    /// Files kept, with sizes.
    pub files: Vec<(String, u64)>,
}

/// Why a run has no outcome.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The user stopped it.
    Interrupted,
    /// The run failed; it is stored so.
    Run(String),
    /// Its files could not be written: the sweep ends.
    Store(reports::store::StoreError),
}

/// Runs scenarios for a sweep.
pub trait Runner: Sync {
    /// Runs `scenario`; keeps its tables as `kept` says.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    fn run(
        &self,
        scenario: &Scenario,
        keep: Option<&Keep<'_>>,
        observer: &dyn Observer,
    ) -> Result<Outcome, Failure>;
}

/// Where a run's tables are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep<'a> {
    /// The study's directory.
    pub directory: &'a Path,
    /// Key of the run.
    pub key: &'a super::plan::RunKey,
    /// Name and version of the program, for the manifest.
    pub program: &'a str,
}

/// The simulator itself.
#[derive(Clone, Debug, Default)]
pub struct Simulator {
    /// Where generated key pairs are kept between runs; `None`: nowhere.
    pub keys: Option<PathBuf>,
    /// Events after which a run is stopped and counts as failed.
    pub max_events: Option<u64>,
}

/// Stops a run for the user, or at its bound.
pub(super) struct Guard<'a> {
    pub(super) observer: &'a dyn Observer,
    pub(super) max_events: Option<u64>,
}

impl<T> Monitor<T> for Guard<'_> {
    fn events_max(&self) -> Option<u64> {
        self.max_events
    }

    fn check(&mut self, progress: &Progress, _end_ns: u64, _tables: &T) -> ControlFlow<Stop> {
        if self.observer.interrupted() {
            return ControlFlow::Break(Stop::Interrupted);
        }
        match self.max_events {
            Some(max) if progress.events >= max => {
                ControlFlow::Break(Stop::Guard(format!("--max-events {max}")))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Runner for Simulator {
    fn run(
        &self,
        scenario: &Scenario,
        keep: Option<&Keep<'_>>,
        observer: &dyn Observer,
    ) -> Result<Outcome, Failure> {
        let mut keys = self.keys.as_deref().map(KeyCache::new);
        let failed = |text: String| Failure::Run(text);
        let mut guard = Guard {
            observer,
            max_events: self.max_events,
        };
        if let Some(keep) = keep {
            return kept::run(scenario, keep, keys.as_mut(), &mut guard);
        }
        let built = build_with_keys(scenario, keys.as_mut())
            .map_err(|error| failed(error.titles().collect::<Vec<_>>().join("; ")))?;
        let finished = drive(scenario, built, &mut NoTables, &mut guard, |_| {})
            .map_err(|error| failed(error.to_string()))?;
        outcome(scenario, &finished)
    }
}

/// What is stored of a finished run.
pub(super) fn outcome<T: Tables>(
    scenario: &Scenario,
    finished: &Finished<T>,
) -> Result<Outcome, Failure> {
    match &finished.stopped {
        None => {}
        Some(Stop::Interrupted) => return Err(Failure::Interrupted),
        Some(Stop::Guard(guard)) => return Err(Failure::Run(format!("stopped by {guard}"))),
        Some(Stop::Writing) => return Err(Failure::Run(String::from("writing its tables failed"))),
    }
    let all = metrics(scenario, finished);
    Ok(Outcome {
        fingerprint: format!("{:032x}", finished.fingerprint),
        names: all.iter().map(|metric| metric.name.clone()).collect(),
        values: all.iter().map(|metric| rounded(metric.value)).collect(),
        lifetimes: counted(&lifetimes(finished)),
        steady: (0u32..)
            .zip(&all)
            .filter(|(_, metric)| metric.method.contains("batch means"))
            .map(|(at, metric)| Batched {
                at,
                deviation: rounded(metric.deviation),
                method: metric.method.clone(),
            })
            .collect(),
        files: Vec::new(),
    })
}

/// Lifetimes by time: how many ended there, and how many were last seen.
fn counted(lifetimes: &[Lifetime]) -> Vec<(u64, u64, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for lifetime in lifetimes {
        let (events, censored) = counts.entry(lifetime.time_ns).or_insert((0, 0));
        *(if lifetime.event { events } else { censored }) += 1;
    }
    counts
        .into_iter()
        .map(|(time, (events, censored))| (time, events, censored))
        .collect()
}

/// The record of a run and its outcome.
pub(super) fn record(
    key: super::plan::RunKey,
    point: super::plan::PointKey,
    replication: u64,
    seed: u64,
    outcome: Result<Outcome, String>,
) -> (Record, Vec<String>) {
    let bare = Record {
        key,
        point,
        replication,
        seed,
        fingerprint: String::new(),
        columns: 0,
        values: Vec::new(),
        lifetimes: Vec::new(),
        steady: Vec::new(),
        files: Vec::new(),
        error: None,
    };
    match outcome {
        Ok(outcome) => (
            Record {
                fingerprint: outcome.fingerprint,
                values: outcome.values,
                lifetimes: outcome.lifetimes,
                steady: outcome.steady,
                files: outcome.files,
                ..bare
            },
            outcome.names,
        ),
        Err(error) => (
            Record {
                error: Some(error),
                ..bare
            },
            Vec::new(),
        ),
    }
}
