//! One run on several threads, with the bytes of a run on one.
//!
//! Nodes that no chain of links joins cannot touch one another, so the world falls into parts that
//! run at the same time, each on its own thread and in its own copy of the world. What they tell the
//! tables (closed sessions, ends of packets, divergences) goes to the calling thread window by
//! window and is put together in the one order of events, so that every row stands where it stands
//! in a run on one thread. At the end the parts become one world again, and what follows (closing,
//! totals, the continuation) is the same code on the same state.
//!
//! **Determinism.** Who runs a node never shows: event keys, draws and fingerprints belong to nodes
//! and links, and the totals of parts are integers that add up. Threads only decide who waits.

mod merge;
mod part;
mod plan;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use sim_engine::{EngineError, SimTime};

use self::merge::Merge;
use self::part::{Ended, Message, Part};
pub use self::plan::{Plan, plan};
use super::{AtEnd, Finished, Monitor, conclude};
use crate::build::{Built, build};
use crate::host::tables::Tables;
use crate::record::log::{Log, Wishes};
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
    /// Events that each part handled.
    pub events: Vec<u64>,
    /// Those of them that belong to no node, which each part handled.
    pub common: u64,
}

impl Shares {
    /// All events, and those of the busiest part.
    #[must_use]
    pub fn total_and_busiest(&self) -> (u64, u64) {
        let busiest = self.events.iter().copied().max().unwrap_or(0);
        let own = self.events.iter().map(|events| events - self.common);
        (own.sum::<u64>() + self.common, busiest)
    }

    /// How many times as fast as one thread the parts can be together: all events over those of the
    /// busiest part.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a ratio for the eye")]
    pub fn bound(&self) -> f64 {
        let (total, busiest) = self.total_and_busiest();
        total as f64 / busiest.max(1) as f64
    }
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
    let mut first = Some((built.engine.rehosted(), built.world.retold()));
    let mut closed = Vec::new();
    let (stopped, ended) = std::thread::scope(|scope| {
        let mut lines = Vec::new();
        for number in 0..plan.parts() {
            let (sender, messages): (SyncSender<Message>, Receiver<Message>) =
                sync_channel(WAITING_MAX);
            let (orders, until) = channel::<SimTime>();
            let (back, empty) = channel::<Log>();
            let foreign: Arc<[bool]> = plan.foreign(number).into();
            let wishes = Arc::clone(&wishes);
            let given = first.take();
            scope.spawn(move || {
                let world = match given {
                    Some(world) => Some(world),
                    // The first copy was checked when it was built.
                    None => build(scenario)
                        .ok()
                        .map(|built| (built.engine, built.world)),
                };
                if let Some(world) = world {
                    Part::new(scenario, world, foreign, wishes).run(&sender, &until, &empty);
                }
            });
            lines.push((messages, orders, back));
        }
        Merge::new(lines, end_ns, &wishes, &mut closed).run(tables, monitor)
    })?;
    let shares = Shares {
        events: ended.iter().map(Ended::events).collect(),
        common: ended.first().map_or(0, |it| it.engine.common_events()),
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
    engine.leave_to_others(Vec::new());
    world.leave_to_others(Arc::from([]));
    for (number, part) in (1..).zip(parts) {
        let theirs = plan.own(number);
        for (node, theirs) in theirs.iter().enumerate() {
            if *theirs && let Some(totals) = part.warm.get(node) {
                warm[node] = *totals;
            }
        }
        if !world.absorb(&mut engine, (part.engine, part.world), &theirs) {
            return Err(SplitError::Met("nodes gave themselves the same name"));
        }
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
