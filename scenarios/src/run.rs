//! One run of a scenario: from the built world to what came of it.
//!
//! A run goes through its warm-up, its duration and its settle time, closes what is still open, and
//! then lets the pairs that are out of step go on honestly to see whether they heal. It reads no
//! clock: the caller's [`Monitor`] does, and may stop it.

pub mod split;

use core::ops::ControlFlow;

use sim_engine::{
    Engine, EngineError, LinkStats, MediumId, MediumStats, NodeId, NodeStats, Progress, RunEnd,
    SimTime,
};

use crate::build::Built;
use crate::diagnostic::Diagnostics;
use crate::host::World;
use crate::host::tables::Tables;
use crate::host::tally::Tally;
use crate::host::usage::Operations;
use crate::oracle::EpisodeKind;
use crate::scenario::Scenario;
use crate::steady::{self, Series};
use protocols::machine::StationTotals;

/// Why a run was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The user asked for it.
    Interrupted,
    /// A guard was reached; the text names it and its bound.
    Guard(String),
    /// Writing failed; the tables know why.
    Writing,
}

/// Watches a run from outside.
pub trait Monitor<T> {
    /// Told about every 65536 events; may stop the run.
    fn check(&mut self, progress: &Progress, end_ns: u64, tables: &T) -> ControlFlow<Stop>;

    /// Events after which it is told besides, so that a bound on them holds to the event.
    fn events_max(&self) -> Option<u64> {
        None
    }
}

/// Lets everything run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl<T> Monitor<T> for Unwatched {
    fn check(&mut self, _: &Progress, _: u64, _: &T) -> ControlFlow<Stop> {
        ControlFlow::Continue(())
    }
}

/// A run that failed.
#[derive(Debug)]
pub enum RunError {
    /// The scenario is wrong in a way that only the whole roster shows.
    Scenario(Diagnostics),
    /// The engine refused to go on.
    Engine(EngineError),
}

impl core::fmt::Display for RunError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Scenario(diagnostics) => write!(f, "{}", diagnostics.render(false)),
            Self::Engine(error) => write!(f, "the simulation cannot go on: {error}"),
        }
    }
}

impl core::error::Error for RunError {}

/// The world at the end of the settle time, before any continuation: for tables with a row per place.
pub struct AtEnd<'a, T: Tables> {
    /// The engine.
    pub engine: &'a Engine<World<T>>,
    /// The world.
    pub world: &'a World<T>,
    /// Link groups: first link and number of links.
    pub links: &'a [(u32, u32)],
    /// Length of the span that statistics cover, ns.
    pub measured_ns: u64,
    /// Station totals at the end of the warm-up, by node; empty without a warm-up.
    warm: &'a [Option<StationTotals>],
}

impl<T: Tables> AtEnd<'_, T> {
    /// Packets at a node since the warm-up.
    #[must_use]
    pub fn node_stats(&self, node: u32) -> NodeStats {
        self.engine.node_stats(NodeId(node))
    }

    /// What a station machine reports since the warm-up; `None` for other machines.
    #[must_use]
    pub fn station(&self, node: u32) -> Option<StationTotals> {
        let warm = self.warm.get(node as usize).copied().flatten();
        since(station(self.world, node, self.engine.now()), warm)
    }

    /// Packets on a link since the warm-up, up and down.
    #[must_use]
    pub fn link_stats(&self, link: u32) -> [LinkStats; 2] {
        let of = |direction| self.engine.link_stats(sim_engine::LinkId(link), direction);
        [
            of(sim_engine::Direction::Up),
            of(sim_engine::Direction::Down),
        ]
    }
}

/// Sums over the nodes of a group.
#[derive(Clone, Copy, Debug, Default)]
pub struct GroupSums {
    /// Time in which processors were busy, node·ns.
    pub busy_ns: u128,
    /// Energy, nJ.
    pub energy_nj: u128,
    /// Station totals, where the machines are stations; `servers` counts all of them.
    pub station: Option<StationTotals>,
}

/// Sums over the links of a group, one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkSums {
    /// Packets offered.
    pub offered: u64,
    /// Packets accepted by queues.
    pub queued: u64,
    /// Packets dropped by full queues.
    pub queue_drops: u64,
    /// Time in queues, ns.
    pub wait_ns: u128,
}

/// What came of a run.
pub struct Finished<T: Tables> {
    /// The world as it stands at the end.
    pub world: World<T>,
    /// Fingerprint of everything up to the end of the settle time.
    pub fingerprint: u128,
    /// Events handled up to there.
    pub events: u64,
    /// Virtual time reached, ns.
    pub ended_ns: u64,
    /// Sums by node group.
    pub groups: Vec<GroupSums>,
    /// Sums by link group, up and down.
    pub links: Vec<[LinkSums; 2]>,
    /// Counters of the shared media.
    pub media: Vec<MediumStats>,
    /// Length of the span that statistics cover, ns.
    pub measured_ns: u64,
    /// Steady-state series, where the scenario wants them.
    pub steady: Vec<Series>,
    /// Attempts and accepted attempts, by node.
    pub counts: Vec<(u32, u32)>,
    /// Operations by role and phase.
    pub operations: Operations,
    /// The running totals.
    pub tally: Tally,
    /// Why it was cut short; `None` when it is complete.
    pub stopped: Option<Stop>,
}

/// Runs a built world to its end; `at_end` looks at it before any continuation.
///
/// # Errors
///
/// An engine that cannot go on.
pub fn drive<T: Tables>(
    scenario: &Scenario,
    built: Built<T>,
    tables: &mut T,
    monitor: &mut dyn Monitor<T>,
    at_end: impl FnOnce(&AtEnd<'_, T>),
) -> Result<Finished<T>, EngineError> {
    let Built {
        mut engine,
        mut world,
        links,
    } = built;
    let settings = &scenario.run;
    let end_ns = settings.duration_ns.saturating_add(settings.settle_ns);
    if let Some(events) = monitor.events_max() {
        engine.pause_at(events);
    }
    begin(scenario, &mut engine, &mut world, tables);

    let mut stopped = None;
    let mut before = Vec::new();
    let mut until = |engine: &mut Engine<World<T>>, world: &mut World<T>, tables: &mut T, at_ns| {
        advance(engine, world, tables, at_ns, &mut |progress, tables| {
            monitor.check(progress, end_ns, tables)
        })
    };
    if settings.warmup_ns > 0 {
        stopped = until(&mut engine, &mut world, tables, settings.warmup_ns)?;
        engine.reset_stats();
        world.tally.restart();
        before = stations(&world, SimTime(settings.warmup_ns));
    }
    let mut series = steady::begin(scenario);
    for at_ns in steady::marks(scenario) {
        if stopped.is_none() {
            stopped = until(&mut engine, &mut world, tables, at_ns)?;
        }
        if stopped.is_some() {
            break;
        }
        let view = AtEnd {
            engine: &engine,
            world: &world,
            links: &links,
            measured_ns: at_ns.saturating_sub(settings.warmup_ns),
            warm: &before,
        };
        steady::look(scenario, &view, &mut series);
    }
    if stopped.is_none() {
        stopped = until(&mut engine, &mut world, tables, end_ns)?;
    }
    let whole = Built {
        engine,
        world,
        links,
    };
    conclude(
        scenario,
        whole,
        (stopped, &before, series),
        tables,
        monitor,
        at_end,
    )
}

/// Lets everything act that acts at the start.
fn begin<T: Tables>(
    scenario: &Scenario,
    engine: &mut Engine<World<T>>,
    world: &mut World<T>,
    tables: &mut T,
) {
    if world.energy.is_some() {
        engine.meter_air();
    }
    engine.with_outbox(NodeId(0), world, tables, World::start);
    if world.faults.is_some() {
        // On behalf of nobody, so that no node's numbering of events depends on faults.
        let nobody = world.host_owner();
        engine.with_outbox(nobody, world, tables, |world, out| {
            world.start_faults(out);
            world.start_batteries(out);
        });
    }
    if world.watch.on {
        world.begin_watch();
    }
    for tap in 0..u32::try_from(scenario.adversaries.len()).unwrap_or(0) {
        if world.attacks.elsewhere.get(tap as usize) == Some(&true) {
            continue;
        }
        let now = engine.now();
        let entity = NodeId(sim_engine::order::TAP_ENTITY_BASE + tap);
        engine.with_outbox(entity, world, tables, |world, out| {
            world.start_attack(now, tap, out);
        });
    }
}

/// Closes what is open at the end of the settle time, takes the totals, and judges what is out of
/// step by a continuation. `stopped`, `before` and `series`: why the run was cut short, station
/// totals at the end of the warm-up, and steady-state series.
fn conclude<T: Tables>(
    scenario: &Scenario,
    whole: Built<T>,
    (mut stopped, before, series): (Option<Stop>, &[Option<StationTotals>], Vec<Series>),
    tables: &mut T,
    monitor: &mut dyn Monitor<T>,
    at_end: impl FnOnce(&AtEnd<'_, T>),
) -> Result<Finished<T>, EngineError> {
    let Built {
        mut engine,
        mut world,
        links,
    } = whole;
    let settings = &scenario.run;
    let end_ns = settings.duration_ns.saturating_add(settings.settle_ns);
    let now = engine.now();
    engine.with_outbox(NodeId(0), &mut world, tables, |world, out| {
        world.close_all(now, out);
        world.flush_desync(out);
    });

    let fingerprint = engine.fingerprint();
    let events = engine.events();
    let measured_ns = now.0.saturating_sub(settings.warmup_ns);
    let media = (0u16..)
        .zip(&scenario.media)
        .map(|(number, _)| engine.medium_stats(MediumId(number)))
        .collect();
    let (groups, link_sums) = {
        let view = AtEnd {
            engine: &engine,
            world: &world,
            links: &links,
            measured_ns,
            warm: before,
        };
        at_end(&view);
        (group_sums(&view), link_sums(&view))
    };

    // What follows is no part of the run: its totals are set aside first.
    let counts = (0u32..)
        .zip(&world.group_of)
        .map(|(node, _)| world.workloads.counts(node))
        .collect();
    let (operations, tally) = (world.operations.clone(), world.tally.clone());
    tables.continuation_begins();
    let suspects = stopped.is_none()
        && engine.with_outbox(NodeId(0), &mut world, tables, |world, out| {
            world.fork_begin(now, out)
        });
    if suspects {
        engine.quiet_links();
        stopped = advance(
            &mut engine,
            &mut world,
            tables,
            u64::MAX,
            &mut |progress, tables| monitor.check(progress, end_ns, tables),
        )?;
    }
    if stopped.is_some() {
        engine.with_outbox(NodeId(0), &mut world, tables, |world, out| {
            for relation in 0..world.relations.len() {
                let oracle = &mut world.relations[relation].oracle;
                for pair in oracle.suspects().collect::<Vec<_>>() {
                    oracle.conclude(pair, EpisodeKind::Unresolved, None);
                }
            }
            world.flush_desync(out);
        });
    }
    Ok(Finished {
        world,
        fingerprint,
        events,
        ended_ns: now.0,
        groups,
        links: link_sums,
        media,
        measured_ns,
        steady: series,
        counts,
        operations,
        tally,
        stopped,
    })
}

/// Runs up to `at_ns`, pausing for the monitor; the reason when it stops the run.
fn advance<T: Tables>(
    engine: &mut Engine<World<T>>,
    world: &mut World<T>,
    tables: &mut T,
    at_ns: u64,
    check: &mut dyn FnMut(&Progress, &T) -> ControlFlow<Stop>,
) -> Result<Option<Stop>, EngineError> {
    loop {
        // The monitor looks at the tables, which the engine holds while it runs: so it pauses.
        let end = engine.run(world, tables, SimTime(at_ns), &mut |_| {
            ControlFlow::Break(())
        })?;
        if end != RunEnd::Interrupted {
            return Ok(None);
        }
        if let ControlFlow::Break(stop) = check(&engine.progress(), tables) {
            return Ok(Some(stop));
        }
    }
}

fn station<T: Tables>(world: &World<T>, node: u32, now: SimTime) -> Option<StationTotals> {
    let (group, member) = world.place(node);
    world.groups[group]
        .column
        .station(member as usize, world.local_time(node, now))
}

fn stations<T: Tables>(world: &World<T>, now: SimTime) -> Vec<Option<StationTotals>> {
    (0u32..)
        .zip(&world.group_of)
        .map(|(node, _)| station(world, node, now))
        .collect()
}

fn group_sums<T: Tables>(view: &AtEnd<'_, T>) -> Vec<GroupSums> {
    let of = |group: &crate::host::Group| {
        let mut sums = GroupSums {
            energy_nj: (group.first..group.first + group.count)
                .map(|node| u128::from(view.world.spent(node, view.engine.now()).total_nj()))
                .sum(),
            ..GroupSums::default()
        };
        for node in group.first..group.first + group.count {
            sums.busy_ns += view.node_stats(node).busy_ns;
            if let Some(one) = view.station(node).filter(|station| station.servers > 0) {
                let all = sums.station.get_or_insert_default();
                all.arrivals += one.arrivals;
                all.refusals += one.refusals;
                all.begun += one.begun;
                all.served += one.served;
                all.wait_ns += one.wait_ns;
                all.sojourn_ns += one.sojourn_ns;
                all.in_system_ns += one.in_system_ns;
                all.busy_ns += one.busy_ns;
                all.servers += one.servers;
            }
        }
        sums
    };
    view.world.groups.iter().map(of).collect()
}

fn link_sums<T: Tables>(view: &AtEnd<'_, T>) -> Vec<[LinkSums; 2]> {
    let of = |(first, count): &(u32, u32)| {
        let mut sums = [LinkSums::default(); 2];
        for link in *first..*first + *count {
            for (sum, stats) in sums.iter_mut().zip(view.link_stats(link)) {
                sum.offered += stats.offered;
                sum.queued += stats.queued;
                sum.queue_drops += stats.queue_drops;
                sum.wait_ns += stats.wait_ns;
            }
        }
        sums
    };
    view.links.iter().map(of).collect()
}

/// Totals since an earlier reading.
fn since(now: Option<StationTotals>, before: Option<StationTotals>) -> Option<StationTotals> {
    let (now, before) = (now?, before.unwrap_or_default());
    Some(StationTotals {
        arrivals: now.arrivals - before.arrivals,
        refusals: now.refusals - before.refusals,
        begun: now.begun - before.begun,
        served: now.served - before.served,
        wait_ns: now.wait_ns - before.wait_ns,
        sojourn_ns: now.sojourn_ns - before.sojourn_ns,
        in_system_ns: now.in_system_ns - before.in_system_ns,
        busy_ns: now.busy_ns - before.busy_ns,
        servers: now.servers,
    })
}
