//! Runs in-process: a scenario text in, what the oracles and tables saw out.

use reports::metric::Summary;
use scenarios::build::build;
use scenarios::host::attempt::Outcome;
use scenarios::host::tables::{Header, NoTables, SessionEnd, StrayAcceptance, Tables};
use scenarios::oracle::{Episode, EpisodeKind};
use scenarios::run::{Finished, Unwatched, drive};
use scenarios::{PacketEnd, Recorder, Scenario, results};

/// Level of every interval that a simulated figure is held against.
pub(crate) const LEVEL: f64 = 0.999;

/// Reads a scenario from a text.
pub(crate) fn scenario(text: &str) -> Scenario {
    scenarios::read_text("test.toml", text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a scenario to its end.
pub(crate) fn run(scenario: &Scenario) -> Finished<NoTables> {
    run_into(scenario, &mut NoTables)
}

/// Runs a scenario to its end with these tables.
pub(crate) fn run_into<T: Tables>(scenario: &Scenario, tables: &mut T) -> Finished<T> {
    let built = build(scenario).unwrap();
    let finished = drive(scenario, built, tables, &mut Unwatched, |_| {}).unwrap();
    assert_eq!(finished.stopped, None);
    finished
}

/// The value of a metric of a scenario's run, as `summary.json` has it.
pub(crate) fn summary(scenario: &Scenario) -> Summary {
    results::summary(scenario, &run(scenario))
}

/// The value of one metric.
#[track_caller]
pub(crate) fn metric(summary: &Summary, name: &str) -> f64 {
    let metric = summary
        .metric(name)
        .unwrap_or_else(|| panic!("no metric {name}"));
    metric
        .value
        .unwrap_or_else(|| panic!("metric {name} is empty"))
}

/// The permanent divergences of a run, by pair.
pub(crate) fn permanent<T: Tables>(finished: &Finished<T>) -> Vec<Episode> {
    of_kind(finished, EpisodeKind::Permanent)
}

/// The divergences of one kind, by pair.
pub(crate) fn of_kind<T: Tables>(finished: &Finished<T>, kind: EpisodeKind) -> Vec<Episode> {
    let relations = finished.world.relations.iter();
    let closed = relations.flat_map(|relation| relation.oracle.closed().iter().copied());
    let mut episodes: Vec<Episode> = closed.filter(|episode| episode.kind == kind).collect();
    episodes.sort_by_key(|episode| episode.pair);
    episodes
}

/// One closed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// The node that opened it.
    pub(crate) initiator: u32,
    /// Its number at that node, from 1.
    pub(crate) number: u32,
    /// What came of it.
    pub(crate) outcome: Outcome,
}

/// Keeps every closed attempt of the run proper, in the order of `sessions.csv`.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The attempts.
    pub(crate) closed: Vec<Closed>,
}

impl Recorder<Header> for Ledger {
    const ON: bool = false;

    fn packet(&mut self, _end: &PacketEnd<'_, Header>) {}
}

impl Tables for Ledger {
    fn session(&mut self, end: &SessionEnd<'_>) {
        let (initiator, number) = (end.attempt.id.initiator, end.attempt.id.number);
        self.closed.push(Closed {
            initiator,
            number,
            outcome: end.outcome,
        });
    }

    fn stray_acceptance(&mut self, _stray: &StrayAcceptance) {}
    fn desync(&mut self, _relation: usize, _episode: &Episode) {}
    fn continuation_begins(&mut self) {}
}
