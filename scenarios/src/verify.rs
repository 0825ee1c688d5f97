//! The determinism check: the same scenario again, and the first event that differs if it does.

mod parting;

use sim_engine::{EventTrace, PacketEnd, Recorder};

use crate::build::build;
use crate::host::tables::{Header, NoTables, SessionEnd, StrayAcceptance, Tables};
use crate::oracle::Episode;
use crate::run::{Finished, RunError, Unwatched, drive};
use crate::scenario::Scenario;

pub use parting::{Parting, first_parting};

/// Runs `scenario` without any table.
///
/// # Errors
///
/// A scenario that only the whole roster shows to be wrong, or an engine that cannot go on.
pub fn untraced(scenario: &Scenario) -> Result<Finished<NoTables>, RunError> {
    let built = build(scenario).map_err(RunError::Scenario)?;
    drive(scenario, built, &mut NoTables, &mut Unwatched, |_| {}).map_err(RunError::Engine)
}

/// Two events at the same place of two runs that should be equal.
#[derive(Clone, Copy, Debug)]
pub struct FirstDifference {
    /// How many events before it are equal.
    pub position: u64,
    /// What the first run did, as a digest; `None` when it had already ended.
    pub first: Option<u64>,
    /// What the second run did; `None` when it had already ended.
    pub second: Option<EventTrace>,
}

/// Runs `scenario` twice and compares event by event; 8 bytes of memory an event.
///
/// # Errors
///
/// A scenario that only the whole roster shows to be wrong, or an engine that cannot go on.
pub fn first_difference(scenario: &Scenario) -> Result<Option<FirstDifference>, RunError> {
    let mut log = EventLog::default();
    let built = build(scenario).map_err(RunError::Scenario)?;
    drive(scenario, built, &mut log, &mut Unwatched, |_| {}).map_err(RunError::Engine)?;
    let mut comparison = EventLog {
        expected: Some(log.digests),
        ..EventLog::default()
    };
    let built = build(scenario).map_err(RunError::Scenario)?;
    drive(scenario, built, &mut comparison, &mut Unwatched, |_| {}).map_err(RunError::Engine)?;
    let expected = comparison.expected.as_ref().map_or(0, Vec::len);
    if comparison.difference.is_none() && comparison.position < expected {
        comparison.difference = Some(FirstDifference {
            position: comparison.position as u64,
            first: comparison
                .expected
                .and_then(|all| all.get(comparison.position).copied()),
            second: None,
        });
    }
    Ok(comparison.difference)
}

/// Keeps a digest of every event, or compares with those of an earlier run.
#[derive(Debug, Default)]
struct EventLog {
    digests: Vec<u64>,
    expected: Option<Vec<u64>>,
    position: usize,
    difference: Option<FirstDifference>,
    /// Position of an event to be kept whole.
    wanted: Option<u64>,
    found: Option<EventTrace>,
    over: bool,
}

impl Recorder<Header> for EventLog {
    const ON: bool = false;
    const EVENTS: bool = true;

    fn packet(&mut self, _end: &PacketEnd<'_, Header>) {}

    fn event(&mut self, event: &EventTrace) {
        if self.over || self.difference.is_some() {
            return;
        }
        let digest = digest(event);
        if self.wanted == Some(self.position as u64) {
            self.found = Some(*event);
        }
        match &self.expected {
            None if self.wanted.is_some() => {}
            None => self.digests.push(digest),
            Some(expected) => {
                let first = expected.get(self.position).copied();
                if first != Some(digest) {
                    let position = self.position as u64;
                    self.difference = Some(FirstDifference {
                        position,
                        first,
                        second: Some(*event),
                    });
                }
            }
        }
        self.position += 1;
    }
}

impl Tables for EventLog {
    fn session(&mut self, _end: &SessionEnd<'_>) {}
    fn stray_acceptance(&mut self, _stray: &StrayAcceptance) {}
    fn desync(&mut self, _relation: usize, _episode: &Episode) {}

    fn continuation_begins(&mut self) {
        self.over = true;
    }
}

fn digest(event: &EventTrace) -> u64 {
    let mut state = event.digest ^ u64::from(event.kind) ^ u64::from(event.entity.0) << 8;
    for part in [
        event.key.time().0,
        u64::from(event.round),
        u64::from(event.key.origin()),
    ] {
        state = (state ^ part)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29);
    }
    state
}
