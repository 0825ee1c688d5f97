//! Where two runs part: the first event that is not the same in both.

use core::fmt::Write as _;

use sim_engine::EventTrace;

use super::{EventLog, digest};
use crate::build::build;
use crate::names::Names;
use crate::quantity::duration_text;
use crate::run::{RunError, Unwatched, drive};
use crate::scenario::Scenario;

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Events before it, equal in both.
    pub position: u64,
    /// What the first run does there; `None` when it has ended.
    pub first: Option<String>,
    /// What the second run does there.
    pub second: Option<String>,
}

/// Runs both scenarios and finds the first event in which they differ; `None` when there is none.
///
/// 8 bytes of memory an event of the first run, and each is run twice.
///
/// # Errors
///
/// A scenario that only the whole roster shows to be wrong, or an engine that cannot go on.
pub fn first_parting(first: &Scenario, second: &Scenario) -> Result<Option<Parting>, RunError> {
    let mut log = EventLog::default();
    run(first, &mut log)?;
    let length = log.digests.len();
    let mut comparison = EventLog {
        expected: Some(log.digests),
        ..EventLog::default()
    };
    run(second, &mut comparison)?;
    let position = match &comparison.difference {
        Some(difference) => difference.position,
        None if comparison.position < length => comparison.position as u64,
        None => return Ok(None),
    };
    let event = |scenario: &Scenario| -> Result<Option<String>, RunError> {
        let mut log = EventLog {
            wanted: Some(position),
            ..EventLog::default()
        };
        let names = run(scenario, &mut log)?;
        Ok(log.found.map(|event| describe(&event, &names)))
    };
    Ok(Some(Parting {
        position,
        first: event(first)?,
        second: event(second)?,
    }))
}

fn run(scenario: &Scenario, log: &mut EventLog) -> Result<Names, RunError> {
    let built = build(scenario).map_err(RunError::Scenario)?;
    let names = Names::new(scenario, &built.links);
    drive(scenario, built, log, &mut Unwatched, |_| {}).map_err(RunError::Engine)?;
    Ok(names)
}

fn describe(event: &EventTrace, names: &Names) -> String {
    let at = event.key.time().0;
    let mut text = format!("{} at ", event.key.class());
    names.node(event.entity.0, &mut text);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        ", {} ({at} ns), round {}, payload {:016x}",
        duration_text(at),
        event.round,
        digest(event)
    );
    text
}
