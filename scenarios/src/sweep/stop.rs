//! How many replications each point gets: a fixed number, or until its intervals are short enough.
//!
//! The decision looks at stored values of replications 0 to n - 1 at fixed checkpoints and at nothing
//! else, so it is the same for any number of jobs, after any interruption, on any machine.

use reports::statistics::mean::{mean_and_deviation, student_interval};
use reports::statistics::sequential::{Looks, checkpoints, relative_half_width};
use reports::store::StoreError;

use super::execute::Shard;
use super::ledger::Ledger;
use super::plan::Plan;
use super::spec::Stopping;

/// Replications wanted of every point, as far as is known.
#[derive(Clone, Debug)]
pub struct Targets {
    wanted: Vec<u64>,
    points: Vec<State>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Final(Stop),
    Open { next: usize, looks: Looks },
}

/// Why a point has as many replications as it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// As many as the scenario says.
    Fixed,
    /// The intervals became short enough.
    Reached,
    /// The most that are allowed.
    Maximum,
}

impl Stop {
    /// The word in `points.csv`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Reached => "reached",
            Self::Maximum => "maximum",
        }
    }
}

impl Targets {
    /// What a plan wants before anything is known.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let count = plan.points.len();
        match &plan.study.stopping {
            None => Self {
                wanted: vec![plan.study.replications; count],
                points: vec![State::Final(Stop::Fixed); count],
            },
            Some(_) => Self {
                wanted: vec![0; count],
                points: vec![
                    State::Open {
                        next: 0,
                        looks: Looks::default()
                    };
                    count
                ],
            },
        }
    }

    /// Looks at every open point of the shard whose replications are there, and asks for more where
    /// that is not enough. Points of other shards are left alone.
    ///
    /// # Errors
    ///
    /// Stored runs cannot be read.
    pub fn advance(
        &mut self,
        plan: &Plan,
        shard: Shard,
        ledger: &mut Ledger,
    ) -> Result<(), StoreError> {
        let Some(stopping) = &plan.study.stopping else {
            return Ok(());
        };
        let marks: Vec<u64> = checkpoints(stopping.min, stopping.max).collect();
        for point in 0..plan.points.len() {
            if !shard.has(plan, point, 0) {
                self.points[point] = State::Final(Stop::Fixed);
                continue;
            }
            while let State::Open { next, mut looks } = self.points[point] {
                let mark = marks[next];
                self.wanted[point] = mark;
                if (0..mark).any(|replication| !ledger.has(point, replication)) {
                    break;
                }
                let reached = reached(plan, stopping, ledger, point, mark)?;
                let inside = reached.is_some_and(|reached| reached <= stopping.relative);
                self.points[point] = if looks.note(inside) {
                    State::Final(Stop::Reached)
                } else if next + 1 == marks.len() {
                    State::Final(Stop::Maximum)
                } else {
                    State::Open {
                        next: next + 1,
                        looks,
                    }
                };
            }
        }
        Ok(())
    }

    /// Whether no point wants to be looked at again.
    #[must_use]
    pub fn all_final(&self) -> bool {
        self.points
            .iter()
            .all(|state| matches!(state, State::Final(_)))
    }

    /// Replications wanted, by point.
    #[must_use]
    pub fn wanted(&self) -> &[u64] {
        &self.wanted
    }

    /// Why a point ended, if it has.
    #[must_use]
    pub fn stop(&self, point: usize) -> Option<Stop> {
        match self.points[point] {
            State::Final(stop) => Some(stop),
            State::Open { .. } => None,
        }
    }
}

/// The largest relative half-width over the metrics watched, after `n` replications; `None` where
/// one of them has no interval or the mean 0.
///
/// # Errors
///
/// Stored runs cannot be read.
pub fn reached(
    plan: &Plan,
    stopping: &Stopping,
    ledger: &mut Ledger,
    point: usize,
    n: u64,
) -> Result<Option<f64>, StoreError> {
    let mut series: Vec<Vec<f64>> = vec![Vec::new(); stopping.metrics.len()];
    for replication in 0..n {
        let Some(record) = ledger.read(point, replication)? else {
            continue;
        };
        let names = ledger.columns(point, replication, &record);
        for (metric, values) in stopping.metrics.iter().zip(&mut series) {
            let at = names.iter().position(|name| name == metric);
            values.extend(at.and_then(|at| record.values.get(at).copied().flatten()));
        }
    }
    let mut largest = Some(0.0_f64);
    for values in &series {
        let width = mean_and_deviation(values).and_then(|(mean, deviation)| {
            let count = values.len() as u64;
            let interval = student_interval(mean, deviation?, count, plan.study.level)?;
            relative_half_width(mean, interval)
        });
        largest = match (largest, width) {
            (Some(largest), Some(width)) => Some(largest.max(width)),
            _ => None,
        };
    }
    Ok(largest)
}
