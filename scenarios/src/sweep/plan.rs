//! Which points and runs a study has, and what each is called.
//!
//! A point is named by a hash of its resolved scenario, a run by that, its replication and its seed:
//! results are found again by what they are, not by where they stand in a plan.
//!
//! Seeds: replication 0 runs with the scenario's own seed, so that `badlink run` repeats it; the
//! others with 63 bits of a hash of that seed and their number. With common random numbers that is
//! all, so replication r meets the same noise at every point; without, the point's name is hashed
//! too.

use rayon::prelude::*;
use reports::store::ResultKey;
use sha2::{Digest as _, Sha256};

use super::spec::Study;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::results::hex;
use crate::scenario::Scenario;

/// Version of what is stored of a run; part of every key.
pub const STORE_VERSION: u32 = 1;

/// Bits of a derived seed: what every reader of a table can hold.
const SEED_BITS: u32 = 63;

/// Everything a sweep will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario as it stands in the file, axes not applied.
    pub base: Scenario,
    /// What varies.
    pub study: Study,
    /// The points that the filters leave, in order.
    pub points: Vec<Point>,
    /// Names the study: another one must not share its directory.
    pub key: ResultKey,
}

/// A point of the plan.
#[derive(Clone, Debug)]
pub struct Point {
    /// Value per axis.
    pub choice: Vec<u32>,
    /// Hash of its resolved scenario.
    pub hash: [u8; 32],
    /// Hash of everything that decides its runs but replication and seed.
    pub key: PointKey,
    /// The root seed that its replications derive theirs from.
    pub seed: u64,
}

/// Names a point: 128 bits.
pub type PointKey = [u8; 16];

/// Names a run: 128 bits, 32 hexadecimal digits in tables.
pub type RunKey = [u8; 16];

impl Plan {
    /// The plan of `base`, which may be a scenario without `[sweep]`: then one point, one run.
    ///
    /// Reads every point once, on all threads of the pool it is called in.
    ///
    /// # Errors
    ///
    /// The first point that is no good scenario, filters that leave nothing, or more than `runs_max`
    /// runs.
    pub fn new(base: &Scenario, program: &str, runs_max: Option<u64>) -> Result<Self, Diagnostics> {
        let study = match &base.study {
            Some(study) => (**study).clone(),
            None => Study::single(Vec::new()),
        };
        let kept: Vec<Vec<u32>> = (0..study.combinations())
            .map(|combination| study.choice(combination))
            .filter(|choice| {
                let holds =
                    |filter: &super::condition::Condition| filter.holds(&study.axes, choice);
                study.filters.iter().all(holds)
            })
            .collect();
        if kept.is_empty() {
            let place = base.origin.locate("sweep.where").unwrap_or(study.place);
            let message = Diagnostic::at(place, "`where` leaves no point of the study")
                .hint(format!("it has {} before any filter", study.combinations()));
            return Err(Diagnostics::new(
                std::sync::Arc::clone(&base.origin.sources),
                vec![message],
            ));
        }
        let replications = study
            .stopping
            .as_ref()
            .map_or(study.replications, |stop| stop.max);
        let runs = (kept.len() as u64).saturating_mul(replications);
        if runs_max.is_some_and(|max| runs > max) {
            let what = format!("this study has {runs} runs");
            let hint = "confirm it with --yes, or take fewer points or replications; --dry-run shows \
                        what it would take";
            return Err(Diagnostics::general(what, hint));
        }
        let read: Vec<Result<Point, Diagnostics>> = kept
            .into_par_iter()
            .map(|choice| {
                let scenario = crate::reader::read_point(base, &study.axes, &choice)?;
                Ok(Point {
                    choice,
                    hash: scenario.hash(),
                    key: point_key(&scenario, program),
                    seed: scenario.run.seed,
                })
            })
            .collect();
        // In plan order, so that the message does not depend on threads.
        let points = read.into_iter().collect::<Result<Vec<Point>, _>>()?;
        refuse_equal_points(base, &study, &points)?;
        let key = study_key(&study, &points, program);
        Ok(Self {
            base: base.clone(),
            study,
            points,
            key,
        })
    }

    /// The scenario of a point, with the root seed.
    ///
    /// # Errors
    ///
    /// None that [`Plan::new`] has not reported, but files that changed since.
    pub fn scenario(&self, point: usize) -> Result<Scenario, Diagnostics> {
        crate::reader::read_point(&self.base, &self.study.axes, &self.points[point].choice)
    }

    /// Replications of a point that no stopping rule ends: with one, the most.
    #[must_use]
    pub fn replications(&self) -> u64 {
        match &self.study.stopping {
            Some(stopping) => stopping.max,
            None => self.study.replications,
        }
    }

    /// Runs of the whole plan; with sequential stopping the most.
    #[must_use]
    pub fn runs(&self) -> u64 {
        (self.points.len() as u64).saturating_mul(self.replications())
    }

    /// The seed of a run.
    #[must_use]
    pub fn seed(&self, point: usize, replication: u64) -> u64 {
        let point = &self.points[point];
        let own = (!self.study.common_random).then_some(&point.key);
        replication_seed(point.seed, own, replication)
    }

    /// The key of a run.
    #[must_use]
    pub fn run_key(&self, point: usize, replication: u64) -> RunKey {
        let seed = self.seed(point, replication);
        run_key(&self.points[point].key, replication, seed)
    }

    /// What the axes have at a point: `p = 5%, variant = hardened`; empty without axes.
    #[must_use]
    pub fn describe(&self, point: usize) -> String {
        let parts: Vec<String> = self
            .study
            .axes
            .iter()
            .zip(self.texts(point))
            .map(|(axis, text)| format!("{} = {text}", axis.name))
            .collect();
        parts.join(", ")
    }

    /// The texts of a point's axis columns.
    pub fn texts(&self, point: usize) -> impl Iterator<Item = &str> {
        let choice = self.points[point].choice.iter();
        self.study
            .axes
            .iter()
            .zip(choice)
            .map(|(axis, value)| axis.values[*value as usize].text.as_str())
    }

    /// The point that a point is compared with; `None` for a baseline itself, and where there is none.
    #[must_use]
    pub fn baseline(&self, point: usize) -> Option<usize> {
        let baseline = &self.study.baseline;
        if baseline.is_empty() {
            // Without a word about it: with the first point.
            return (point > 0).then_some(0);
        }
        let mut wanted = self.points[point].choice.clone();
        for (axis, value) in baseline {
            wanted[*axis] = u32::try_from(*value).unwrap_or(u32::MAX);
            // What moves in step with it moves along.
            for axes in self
                .study
                .dimensions
                .iter()
                .filter(|axes| axes.contains(axis))
            {
                for other in axes {
                    wanted[*other] = wanted[*axis];
                }
            }
        }
        let found = self
            .points
            .binary_search_by(|other| self.order(&other.choice).cmp(&self.order(&wanted)))
            .ok()?;
        (found != point).then_some(found)
    }

    /// Place of a choice among all combinations.
    fn order(&self, choice: &[u32]) -> u64 {
        let mut order = 0;
        for axes in &self.study.dimensions {
            let Some(axis) = axes.first() else { continue };
            order = order * self.study.axes[*axis].values.len() as u64 + u64::from(choice[*axis]);
        }
        order
    }
}

/// Two points with the same resolved scenario would be one and the same run twice.
fn refuse_equal_points(
    base: &Scenario,
    study: &Study,
    points: &[Point],
) -> Result<(), Diagnostics> {
    let mut keys: Vec<(PointKey, usize)> = points
        .iter()
        .enumerate()
        .map(|(index, point)| (point.key, index))
        .collect();
    keys.sort_unstable();
    let Some(same) = keys.windows(2).find(|pair| pair[0].0 == pair[1].0) else {
        return Ok(());
    };
    let name = |index: usize| {
        let choice = &points[index].choice;
        let parts = study.axes.iter().zip(choice);
        parts
            .map(|(axis, value)| format!("{} = {}", axis.name, axis.values[*value as usize].text))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let differs = study
        .axes
        .iter()
        .zip(
            points[same[0].1]
                .choice
                .iter()
                .zip(&points[same[1].1].choice),
        )
        .find(|(_, (a, b))| a != b);
    let place = differs.map_or(study.place, |(axis, _)| axis.place);
    let message = Diagnostic::at(
        place,
        format!(
            "({}) and ({}) are the same scenario",
            name(same[0].1),
            name(same[1].1)
        ),
    )
    .hint("an axis without effect would look like independent evidence; take one value away");
    Err(Diagnostics::new(
        std::sync::Arc::clone(&base.origin.sources),
        vec![message],
    ))
}

fn short(hash: Sha256) -> [u8; 16] {
    let digest = hash.finalize();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    key
}

fn point_key(scenario: &Scenario, program: &str) -> PointKey {
    let mut hash = Sha256::new();
    hash.update(b"badlink point\0");
    hash.update(STORE_VERSION.to_le_bytes());
    hash.update(program.as_bytes());
    hash.update([0]);
    hash.update(scenario.canonical.as_bytes());
    short(hash)
}

fn run_key(point: &PointKey, replication: u64, seed: u64) -> RunKey {
    let mut hash = Sha256::new();
    hash.update(b"badlink run\0");
    hash.update(point);
    hash.update(replication.to_le_bytes());
    hash.update(seed.to_le_bytes());
    short(hash)
}

/// The seed of replication `replication` under root seed `root`; `own` keeps a point's apart.
fn replication_seed(root: u64, own: Option<&PointKey>, replication: u64) -> u64 {
    if replication == 0 && own.is_none() {
        return root;
    }
    let mut hash = Sha256::new();
    hash.update(b"badlink replication\0");
    hash.update(root.to_le_bytes());
    hash.update(replication.to_le_bytes());
    if let Some(own) = own {
        hash.update(own);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(bytes) >> (64 - SEED_BITS)
}

/// Replications, stopping and expectations are left out: a study may be continued with more of them.
fn study_key(study: &Study, points: &[Point], program: &str) -> ResultKey {
    let mut hash = Sha256::new();
    hash.update(b"badlink study\0");
    hash.update(STORE_VERSION.to_le_bytes());
    hash.update(program.as_bytes());
    hash.update([0, u8::from(study.common_random)]);
    for axis in &study.axes {
        hash.update(axis.name.as_bytes());
        hash.update([0]);
    }
    for point in points {
        hash.update(point.key);
    }
    ResultKey::new(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replications_have_seeds_of_their_own_that_every_table_can_hold() {
        let mut seeds: Vec<u64> = (0..10_000)
            .map(|replication| replication_seed(7, None, replication))
            .collect();
        assert_eq!(seeds[0], 7);
        assert!(seeds.iter().all(|seed| i64::try_from(*seed).is_ok()));
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 10_000);
    }

    #[test]
    fn a_point_of_its_own_has_other_seeds() {
        let own = [1; 16];
        assert_ne!(replication_seed(7, Some(&own), 0), 7);
        assert_ne!(
            replication_seed(7, Some(&own), 3),
            replication_seed(7, Some(&[2; 16]), 3)
        );
    }
}
