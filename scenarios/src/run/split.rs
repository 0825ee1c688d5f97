//! One run on several threads, with the bytes of a run on one.
//!
//! Parts of the world run at the same time, each in its own copy of it. Nodes that no chain of links
//! joins cannot touch one another: parts made of such sets (`part`) never hear of each other. Where
//! links lead from part to part (`windows`, `follow`), the parts exchange packets, and each runs
//! ahead of others by as much as a packet takes at least (`bounds`, `board`). What the parts tell the
//! tables (closed sessions, ends of packets, divergences) goes to the calling thread stretch by
//! stretch and is put together in the one order of events, so that every row stands where it stands
//! in a run on one thread. At the end the parts become one world again, and what follows (closing,
//! totals, the continuation) is the same code on the same state.
//!
//! **Determinism.** Who runs a node never shows: event keys, draws and fingerprints belong to nodes
//! and links, and the totals of parts are integers that add up. Threads only decide who waits.

mod board;
mod bounds;
mod follow;
mod joined;
mod merge;
mod part;
mod plan;
mod sparse;
mod windows;

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};

use sim_engine::{Engine, EngineError, SimTime};

use self::follow::{Follower, Shared};
use self::merge::Merge;
use self::part::{Ended, Message, Part};
pub use self::plan::{Plan, plan};
pub use self::sparse::{SESSIONS_MIN, sessions_within_lookahead};
use self::windows::Windows;
use super::{AtEnd, Finished, Monitor, Stop, conclude};
use crate::build::{Built, build};
use crate::host::World;
use crate::host::tables::Tables;
use crate::oracle::Episode;
use crate::record::log::{Log, LogTables, Wishes};
use crate::scenario::Scenario;
use crate::steady;

/// Messages of a part that may wait for the calling thread.
const WAITING_MAX: usize = 4;

/// Why there is no result of a run on several threads.
#[derive(Debug)]
pub enum SplitError {
    /// The engine refused to go on.
    Engine(EngineError),
    /// The parts turned out not to be independent of each other; one thread gives the result.
    Met(&'static str),
}

/// How the work was shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Events that each thread handled.
    pub events: Vec<u64>,
    /// All events, those that belong to no node and that each part handled counted once.
    pub total: u64,
}

impl Shares {
    /// All events, and those of the busiest thread.
    #[must_use]
    pub fn total_and_busiest(&self) -> (u64, u64) {
        let busiest = self.events.iter().copied().max().unwrap_or(0);
        (self.total, busiest)
    }

    /// How many times as fast as one thread the parts can be together: all events over those of the
    /// busiest thread.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a ratio for the eye")]
    pub fn bound(&self) -> f64 {
        let (total, busiest) = self.total_and_busiest();
        total as f64 / busiest.max(1) as f64
    }
}

/// A run that is shared.
struct Run<'a> {
    scenario: &'a Scenario,
    plan: &'a Plan,
    end_ns: u64,
    wishes: &'a Arc<Wishes>,
}

/// The first copy of the world, which was checked when it was built, and what came of all.
type First = (Engine<World<LogTables>>, World<LogTables>);
type Outcome = Result<(Option<Stop>, Vec<Ended>), SplitError>;

impl Run<'_> {
    /// One thread for each part; no part hears of another.
    fn sets<T: Tables>(
        &self,
        first: First,
        closed: &mut Vec<(usize, Episode)>,
        tables: &mut T,
        monitor: &mut dyn Monitor<T>,
    ) -> Outcome {
        let scenario = self.scenario;
        let mut first = Some(first);
        std::thread::scope(|scope| {
            let mut lines = Vec::new();
            for number in 0..self.plan.parts() {
                let (sender, messages): (SyncSender<Message>, Receiver<Message>) =
                    sync_channel(WAITING_MAX);
                let (orders, until) = channel::<SimTime>();
                let (back, empty) = channel::<Log>();
                let foreign: Arc<[bool]> = self.plan.foreign(number).into();
                let taps = self.plan.foreign_taps(number);
                let wishes = Arc::clone(self.wishes);
                let given = first.take();
                scope.spawn(move || {
                    if let Some(world) = given.or_else(|| copy(scenario)) {
                        Part::new(scenario, world, (foreign, taps, number == 0), wishes)
                            .run(&sender, &until, &empty);
                    }
                });
                lines.push((messages, orders, back));
            }
            Merge::new(lines, self.end_ns, self.wishes, closed, false).run(tables, monitor)
        })
    }

    /// Parts that exchange packets.
    fn windows<T: Tables>(
        &self,
        windows: &Windows,
        first: First,
        closed: &mut Vec<(usize, Episode)>,
        tables: &mut T,
        monitor: &mut dyn Monitor<T>,
    ) -> Outcome {
        let (scenario, end_ns) = (self.scenario, self.end_ns);
        let own = |thread: usize| -> Vec<usize> {
            let parts = 0..self.plan.parts();
            parts
                .filter(|part| self.plan.thread_of(*part) == thread)
                .collect()
        };
        let own: Vec<Vec<usize>> = (0..usize::from(windows.threads)).map(own).collect();
        let mut lines = Vec::new();
        let mut followers = Vec::new();
        let mut first = Some(first);
        for number in 0..self.plan.parts() {
            let (sender, messages): (SyncSender<Message>, Receiver<Message>) =
                sync_channel(WAITING_MAX);
            let (orders, _) = channel::<SimTime>();
            let (back, empty) = channel::<Log>();
            lines.push((messages, orders, back));
            followers.push((number, first.take(), (sender, empty)));
        }
        let wishes = self.wishes;
        let build = |(number, world, lines): (usize, Option<First>, _)| {
            let world = world.or_else(|| copy(scenario))?;
            let place = (windows, number);
            let mut part = Follower::new(scenario, world, place, Arc::clone(wishes), lines);
            part.begin();
            Some(Mutex::new(Some(part)))
        };
        let outcome = std::thread::scope(|scope| {
            // Copies take longest to make: all at once.
            let building: Vec<_> = followers
                .into_iter()
                .map(|follower| scope.spawn(|| build(follower)))
                .collect();
            let built = building.into_iter().map(|part| part.join().ok().flatten());
            built.collect::<Option<Vec<Shared<'_>>>>()
        });
        let Some(mut parts) = outcome else {
            return Err(SplitError::Met("a part could not be built"));
        };
        let board = follow::board(&mut parts, windows, end_ns);
        let outcome = std::thread::scope(|scope| {
            let (parts, board) = (&parts, &board);
            scope.spawn(move || follow::work_together(parts, &own, board, wishes));
            let outcome = Merge::new(lines, end_ns, self.wishes, closed, true).run(tables, monitor);
            if outcome.is_err() {
                // Whoever waits for the others does not wait for ever.
                board.give_up(SplitError::Met("nobody reads what the parts tell"));
            }
            outcome
        });
        // What made a part give up says more than that it has gone.
        match (outcome, board.into_reason()) {
            (Err(_), Some(reason)) => Err(reason),
            (outcome, _) => outcome,
        }
    }
}

/// A further copy of the world: the first was checked when it was built.
fn copy(scenario: &Scenario) -> Option<First> {
    let built = build(scenario).ok()?;
    Some((built.engine, built.world))
}

/// Runs a built world to its end in the parts of `plan`, as [`super::drive`] does on one thread.
///
/// The monitor must not count events one by one: see [`Monitor::events_max`].
///
/// # Errors
///
/// An engine that cannot go on, or parts that are not independent: then nothing of what `tables` got
/// holds, and [`super::drive`] gives the result.
pub fn drive<T: Tables>(
    scenario: &Scenario,
    built: Built<T>,
    plan: &Plan,
    tables: &mut T,
    monitor: &mut dyn Monitor<T>,
    at_end: impl FnOnce(&AtEnd<'_, T>),
) -> Result<(Finished<T>, Shares), SplitError> {
    let settings = &scenario.run;
    let end_ns = settings.duration_ns.saturating_add(settings.settle_ns);
    let links = built.links;
    let wishes = Arc::new(Wishes::new(tables.wanted()));
    let first = (built.engine.rehosted(), built.world.retold());
    let mut closed = Vec::new();
    let run = Run {
        scenario,
        plan,
        end_ns,
        wishes: &wishes,
    };
    let (stopped, ended) = match &plan.windows {
        None => run.sets(first, &mut closed, tables, monitor),
        Some(windows) => run.windows(windows, first, &mut closed, tables, monitor),
    }?;
    let common = ended.first().map_or(0, |it| it.engine.common_events());
    let mut events = vec![0; plan.threads()];
    for (number, part) in ended.iter().enumerate() {
        events[plan.thread_of(number)] += part.events();
    }
    let own = ended.iter().map(|part| part.events() - common);
    let shares = Shares {
        events,
        total: own.sum::<u64>() + common,
    };
    let memories = ended
        .iter()
        .map(|ended| ended.world.agreement.peak_and_room());
    let kept: usize = memories.clone().map(|(peak, _)| peak).sum();
    if memories.clone().any(|(_, room)| kept >= room) {
        return Err(SplitError::Met(
            "more statements waited for their answer than one memory keeps",
        ));
    }
    let mut parts = ended.into_iter();
    let Some(Ended {
        mut engine,
        mut world,
        mut warm,
    }) = parts.next()
    else {
        return Err(SplitError::Met("there is no part"));
    };
    engine.leave_to_others(Vec::new(), Vec::new());
    engine.cross_no_more();
    world.leave_to_others(Arc::from([]), Vec::new(), true);
    let (mut met, mut strangers) = world.stand_together();
    for (number, mut part) in (1..).zip(parts) {
        let theirs = plan.own(number);
        for (node, theirs) in theirs.iter().enumerate() {
            if *theirs && let Some(totals) = part.warm.get(node) {
                warm[node] = *totals;
            }
        }
        let (their_met, mut more) = part.world.stand_together();
        met = met.or(their_met);
        strangers.append(&mut more);
        let keeps = |one: u32, other: u32| plan.keeps(number, (one, other));
        let taps = plan.own_taps(number);
        let whole = (part.engine, part.world);
        if !world.absorb(&mut engine, whole, (&theirs, &taps), keeps) {
            return Err(SplitError::Met("nodes gave themselves the same name"));
        }
    }
    if let Some(met) = world.join_parts().or(met) {
        return Err(SplitError::Met(met));
    }
    let named = |name: &protocols::Principal| world.principals.node(*name).is_some();
    if strangers.iter().any(named) {
        return Err(SplitError::Met(
            "a node gave itself a name that another part had to know",
        ));
    }
    world.set_closed(&closed);
    let whole = Built {
        engine: engine.rehosted(),
        world: world.retold(),
        links,
    };
    let finished = conclude(
        scenario,
        whole,
        (stopped, &warm, steady::begin(scenario)),
        tables,
        monitor,
        at_end,
    );
    Ok((finished.map_err(SplitError::Engine)?, shares))
}
