//! Does the missing runs of a plan, on all threads of a pool.
//!
//! Workers take the next missing run from one queue, so no thread idles while another has a list of
//! its own. A worker keeps the scenario of the point that it is at: a point is read once per worker
//! and stretch, not once per run. Nothing here decides a result: which runs exist is the plan's, and
//! tables are written from what is stored, in the plan's order.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use reports::store::StoreError;

use super::ledger::Ledger;
use super::plan::{Plan, STORE_VERSION};
use super::record::Header;
use super::segment::SegmentWriter;
use super::simulate::{Failure, Keep, Observer, Runner, record};
use super::stop::Targets;
use crate::scenario::Scenario;

/// A part of a plan: every `of`-th run, from the `index`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u64,
    /// At least 1.
    pub of: u64,
}

impl Shard {
    /// The whole plan.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether a run belongs to it. Points with sequential stopping are not divided, since whether
    /// a replication is wanted depends on those before it.
    #[must_use]
    pub fn has(self, plan: &Plan, point: usize, replication: u64) -> bool {
        let number = if plan.study.stopping.is_some() {
            point as u64
        } else {
            point as u64 * plan.study.replications + replication
        };
        number % self.of == self.index
    }
}

/// What the runs of an execution need.
pub struct Execution<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// Which part of it.
    pub shard: Shard,
    /// The study's directory.
    pub directory: &'a Path,
    /// Name and version of the program.
    pub program: &'a str,
    /// Names this process among those that write into the directory.
    pub label: &'a str,
    /// Does a run.
    pub runner: &'a dyn Runner,
    /// Clock and signals.
    pub observer: &'a dyn Observer,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every run of the shard is stored.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// What workers share.
struct Shared<'a> {
    ledger: &'a mut Ledger,
    queue: Queue,
    error: Option<StoreError>,
}

impl Execution<'_> {
    /// Does what is missing in `ledger`, with the threads of the pool it is called in.
    ///
    /// # Errors
    ///
    /// Writing failed; what is stored is good, and the next execution goes on from there.
    pub fn run(&self, ledger: &mut Ledger) -> Result<Ended, StoreError> {
        let mut targets = Targets::new(self.plan);
        loop {
            targets.advance(self.plan, self.shard, ledger)?;
            let queue = Queue::new(&targets);
            let ended = self.round(ledger, queue)?;
            if ended == Ended::Interrupted || targets.all_final() {
                return Ok(ended);
            }
        }
    }

    fn round(&self, ledger: &mut Ledger, queue: Queue) -> Result<Ended, StoreError> {
        let stop = AtomicBool::new(false);
        let shared = Mutex::new(Shared {
            ledger,
            queue,
            error: None,
        });
        rayon::broadcast(|context| {
            if let Err(error) = self.work(context.index(), &shared, &stop) {
                stop.store(true, Ordering::SeqCst);
                let mut shared = lock(&shared);
                shared.error = shared.error.take().or(Some(error));
            }
        });
        let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        match shared.error {
            Some(error) => Err(error),
            None if stop.load(Ordering::SeqCst) => Ok(Ended::Interrupted),
            None => Ok(Ended::Complete),
        }
    }

    fn work(
        &self,
        worker: usize,
        shared: &Mutex<Shared<'_>>,
        stop: &AtomicBool,
    ) -> Result<(), StoreError> {
        let mut segment: Option<(SegmentWriter, usize)> = None;
        let mut at: Option<(usize, Result<Scenario, String>)> = None;
        while !stop.load(Ordering::SeqCst) {
            if self.observer.interrupted() {
                stop.store(true, Ordering::SeqCst);
                break;
            }
            let next = {
                let mut shared = lock(shared);
                let Shared { ledger, queue, .. } = &mut *shared;
                queue.next(self.plan, self.shard, ledger)
            };
            let Some((point, replication)) = next else {
                break;
            };
            if at.as_ref().is_none_or(|(known, _)| *known != point) {
                let read = self.plan.scenario(point);
                at = Some((
                    point,
                    read.map_err(|error| error.titles().collect::<Vec<_>>().join("; ")),
                ));
            }
            let outcome = match at.as_mut() {
                Some((_, Ok(scenario))) => self.one(scenario, point, replication),
                Some((_, Err(error))) => Err(Failure::Run(error.clone())),
                None => continue,
            };
            let outcome = match outcome {
                Ok(outcome) => Ok(outcome),
                Err(Failure::Run(error)) => Err(error),
                Err(Failure::Interrupted) => {
                    stop.store(true, Ordering::SeqCst);
                    break;
                }
                Err(Failure::Store(error)) => return Err(error),
            };
            let failed = outcome.is_err();
            let (run, names) = record(
                self.plan.run_key(point, replication),
                self.plan.points[point].key,
                replication,
                self.plan.seed(point, replication),
                outcome,
            );
            let now_ms = self.observer.now_ms();
            if segment.is_none() {
                let writer = SegmentWriter::create(
                    self.directory,
                    &format!("{}-{worker}", self.label),
                    &self.header(),
                    now_ms,
                )?;
                let number = lock(shared).ledger.add_segment(writer.path());
                segment = Some((writer, number));
            }
            if let Some((writer, number)) = &mut segment {
                let offset = writer.append(run.clone(), &names, now_ms)?;
                lock(shared)
                    .ledger
                    .add(point, &run, &names, *number, offset);
            }
            self.observer.stored(failed);
        }
        if let Some((writer, _)) = &mut segment {
            writer.sync(self.observer.now_ms())?;
        }
        Ok(())
    }

    fn header(&self) -> Header {
        Header {
            badlink: STORE_VERSION,
            program: self.program.to_owned(),
            study: self.plan.key.as_str().to_owned(),
        }
    }

    fn one(
        &self,
        scenario: &mut Scenario,
        point: usize,
        replication: u64,
    ) -> Result<super::simulate::Outcome, Failure> {
        reseed(scenario, self.plan.seed(point, replication));
        let key = self.plan.run_key(point, replication);
        let keep = self.plan.study.keep_traces.then_some(Keep {
            directory: self.directory,
            key: &key,
            program: self.program,
        });
        // A panic is a bug of a machine or of the simulator; the others' runs are worth keeping.
        let caught = catch_unwind(AssertUnwindSafe(|| {
            self.runner.run(scenario, keep.as_ref(), self.observer)
        }));
        match caught {
            Ok(outcome) => outcome,
            Err(payload) => Err(Failure::Run(format!(
                "panicked: {}",
                said(payload.as_ref())
            ))),
        }
    }
}

/// Gives a scenario another root seed, as if its file had it.
pub fn reseed(scenario: &mut Scenario, seed: u64) {
    if scenario.run.seed == seed {
        return;
    }
    let line = |seed: u64| format!("run.seed = {seed}\n");
    scenario.canonical = scenario
        .canonical
        .replacen(&line(scenario.run.seed), &line(seed), 1);
    scenario.run.seed = seed;
    scenario.overrides.retain(|(path, _)| path != "run.seed");
    scenario
        .overrides
        .push((String::from("run.seed"), seed.to_string()));
}

fn said(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

fn lock<'m, 's>(shared: &'m Mutex<Shared<'s>>) -> MutexGuard<'m, Shared<'s>> {
    // Nothing panics while it is held; what a panic elsewhere left is consistent.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The missing runs, point by point.
struct Queue {
    /// Replications wanted, by point.
    wanted: Vec<u64>,
    point: usize,
    replication: u64,
}

impl Queue {
    fn new(targets: &Targets) -> Self {
        Self {
            wanted: targets.wanted().to_vec(),
            point: 0,
            replication: 0,
        }
    }

    fn next(&mut self, plan: &Plan, shard: Shard, ledger: &Ledger) -> Option<(usize, u64)> {
        while let Some(wanted) = self.wanted.get(self.point).copied() {
            while self.replication < wanted {
                let (point, replication) = (self.point, self.replication);
                self.replication += 1;
                if shard.has(plan, point, replication) && !ledger.has(point, replication) {
                    return Some((point, replication));
                }
            }
            self.point += 1;
            self.replication = 0;
        }
        None
    }
}
