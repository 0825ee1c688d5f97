//! One part of a world, on its own thread.

use core::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use protocols::machine::StationTotals;
use sim_engine::{Engine, EngineError, Progress, RunEnd, SimTime};

use crate::host::World;
use crate::record::log::{Log, LogTables, Turn, Wishes};
use crate::run::{begin, stations};
use crate::scenario::Scenario;

/// Windows of a run: a log is handed over at the end of each, so that no part is far ahead of what
/// has been written.
pub(super) const WINDOWS: u64 = 256;

/// Events after which a log is handed over within a window.
pub(super) const EVENTS_MAX: u64 = 1 << 14;

/// What a part tells the calling thread.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all messages are logs, of which few wait at a time"
)]
pub(super) enum Message {
    /// What happened up to a turn.
    Log {
        log: Log,
        upto: Turn,
        progress: Progress,
    },
    /// It has been told to stop and waits to hear where.
    Stops(SimTime),
    /// It has reached its end.
    Ended(Box<Ended>),
    /// It cannot go on.
    Failed(EngineError),
}

/// A part that has reached its end.
pub(super) struct Ended {
    pub(super) engine: Engine<World<LogTables>>,
    pub(super) world: World<LogTables>,
    /// Station totals at the end of the warm-up, by node.
    pub(super) warm: Vec<Option<StationTotals>>,
}

impl Ended {
    pub(super) const fn events(&self) -> u64 {
        self.engine.events()
    }
}

/// One part of a world as it runs.
pub(super) struct Part<'a> {
    scenario: &'a Scenario,
    engine: Engine<World<LogTables>>,
    world: World<LogTables>,
    tables: LogTables,
    wishes: Arc<Wishes>,
}

/// Why a part comes to no end.
enum Broken {
    /// The calling thread has gone: there is nobody to run for.
    Abandoned,
    /// The engine cannot go on.
    Failed(EngineError),
}

impl<'a> Part<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        (mut engine, mut world): (Engine<World<LogTables>>, World<LogTables>),
        (foreign, taps, is_first): (Arc<[bool]>, Vec<bool>, bool),
        wishes: Arc<Wishes>,
    ) -> Self {
        engine.leave_to_others(foreign.to_vec(), taps.clone());
        world.leave_to_others(foreign, taps, is_first);
        let tables = LogTables::new(Arc::clone(&wishes));
        Self {
            scenario,
            engine,
            world,
            tables,
            wishes,
        }
    }

    /// Runs to the end, or to the instant that `until` names once a stop was asked for.
    pub(super) fn run(
        mut self,
        messages: &SyncSender<Message>,
        until: &Receiver<SimTime>,
        empty: &Receiver<Log>,
    ) {
        let last = match self.run_all(messages, until, empty) {
            Ok(warm) => Message::Ended(Box::new(Ended {
                engine: self.engine,
                world: self.world,
                warm,
            })),
            Err(Broken::Failed(error)) => Message::Failed(error),
            Err(Broken::Abandoned) => return,
        };
        // Whoever does not listen any more does not want it.
        let _ = messages.send(last);
    }

    /// As [`Part::run`]; station totals at the end of the warm-up.
    fn run_all(
        &mut self,
        messages: &SyncSender<Message>,
        until: &Receiver<SimTime>,
        empty: &Receiver<Log>,
    ) -> Result<Vec<Option<StationTotals>>, Broken> {
        let settings = &self.scenario.run;
        let end_ns = settings.duration_ns.saturating_add(settings.settle_ns);
        let warmup_ns = settings.warmup_ns;
        let window_ns = (end_ns / WINDOWS).max(1);
        let (engine, world, tables) = (&mut self.engine, &mut self.world, &mut self.tables);
        begin(self.scenario, engine, world, tables);
        let mut warm = Vec::new();
        let mut last_ns = end_ns;
        let mut asked = false;
        let mut at_ns = 0u64;
        loop {
            let in_warmup = at_ns < warmup_ns;
            let barrier_ns = if in_warmup { warmup_ns } else { u64::MAX };
            let next_ns = (at_ns / window_ns + 1).saturating_mul(window_ns);
            let target_ns = next_ns.min(last_ns).min(barrier_ns);
            engine.pause_at(engine.events() + EVENTS_MAX);
            let pause = &mut |_: &Progress| ControlFlow::Break(());
            let end = engine
                .run(world, tables, SimTime(target_ns), pause)
                .map_err(Broken::Failed)?;
            let reached = end != RunEnd::Interrupted;
            let (log, turn) = tables.take(empty.try_recv().unwrap_or_default());
            let mut upto = turn;
            if reached {
                at_ns = target_ns;
                upto = Turn::after(SimTime(at_ns));
                if in_warmup && at_ns == warmup_ns {
                    engine.reset_stats();
                    world.tally.restart();
                    warm = stations(world, SimTime(warmup_ns));
                }
            }
            let progress = engine.progress();
            let message = Message::Log {
                log,
                upto,
                progress,
            };
            messages.send(message).map_err(|_| Broken::Abandoned)?;
            if !asked && self.wishes.stops() && !(reached && at_ns >= last_ns) {
                asked = true;
                let stands = Message::Stops(engine.now());
                messages.send(stands).map_err(|_| Broken::Abandoned)?;
                last_ns = until.recv().map_err(|_| Broken::Abandoned)?.0.min(end_ns);
            }
            if reached && at_ns >= last_ns {
                return Ok(warm);
            }
        }
    }
}
