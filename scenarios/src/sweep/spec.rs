//! What `[sweep]` and `[[expect]]` ask for, read and checked.

use crate::diagnostic::Span;
use crate::sweep::condition::{Condition, Literal};
use crate::sweep::expect::Expect;
use crate::tree::Node;

/// Most points of a study.
pub const POINTS_MAX: u64 = 10_000_000;
/// Most replications of a point.
pub const REPLICATIONS_MAX: u64 = 10_000_000;
/// Runs of a sweep that need no confirmation.
pub const RUNS_WITHOUT_ASKING: u64 = 1_000_000;

/// A study: axes, filters, replications, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// Runs of every point; with [`Study::stopping`] the most.
    pub replications: u64,
    /// Whether replication r meets the same noise at every point.
    pub common_random: bool,
    /// Level of the intervals.
    pub level: f64,
    /// Whether each run keeps the tables that the scenario asks for.
    pub keep_traces: bool,
    /// The axes: those of the grid, then those in step.
    pub axes: Vec<Axis>,
    /// Axes that move together: every axis of the grid alone, those of the zip as one.
    pub(crate) dimensions: Vec<Vec<usize>>,
    /// What a point must satisfy.
    pub(crate) filters: Vec<Condition>,
    /// The value of some axes that points are compared with: (axis, value).
    pub(crate) baseline: Vec<(usize, usize)>,
    /// When a point has seen enough; `None`: after all replications.
    pub stopping: Option<Stopping>,
    /// What must hold.
    pub(crate) expects: Vec<Expect>,
    /// Where the section stands.
    pub(crate) place: Span,
}

impl Study {
    /// The study of a scenario that has no `[sweep]`: one point, one replication.
    #[must_use]
    pub fn single(expects: Vec<Expect>) -> Self {
        Self {
            replications: 1,
            common_random: true,
            level: crate::metrics::LEVEL,
            keep_traces: false,
            axes: Vec::new(),
            dimensions: Vec::new(),
            filters: Vec::new(),
            baseline: Vec::new(),
            stopping: None,
            expects,
            place: Span::new(0, 0..0),
        }
    }

    /// The clauses that a single run of the base scenario violates.
    #[must_use]
    pub fn test_run(&self, metrics: &[reports::metric::Metric]) -> Vec<super::expect::Violation> {
        super::expect::test_run(&self.expects, metrics)
    }

    /// Points before any filter.
    #[must_use]
    pub fn combinations(&self) -> u64 {
        let length =
            |axes: &Vec<usize>| axes.first().map_or(1, |axis| self.axes[*axis].values.len());
        self.dimensions
            .iter()
            .map(|axes| length(axes) as u64)
            .fold(1, u64::saturating_mul)
    }

    /// The choice (value per axis) of a combination; the last dimension varies fastest.
    pub(crate) fn choice(&self, mut combination: u64) -> Vec<u32> {
        let mut choice = vec![0; self.axes.len()];
        for axes in self.dimensions.iter().rev() {
            let length = axes.first().map_or(1, |axis| self.axes[*axis].values.len()) as u64;
            let value = u32::try_from(combination % length).unwrap_or(u32::MAX);
            combination /= length;
            for axis in axes {
                choice[*axis] = value;
            }
        }
        choice
    }
}

/// Something that varies: one or more values of the scenario, set together.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Its name: a column of every table.
    pub name: String,
    /// The values of the scenario that it sets.
    pub(crate) paths: Vec<SetPath>,
    /// What it sets them to.
    pub values: Vec<AxisValue>,
    /// Where its name stands.
    pub(crate) place: Span,
}

/// A path that an axis sets.
#[derive(Clone, Debug)]
pub(crate) struct SetPath {
    /// As written.
    pub(crate) text: String,
    /// Its steps, with their places in the file.
    pub(crate) steps: Vec<(String, Span)>,
}

/// One value of an axis.
#[derive(Clone, Debug)]
pub struct AxisValue {
    /// What stands in the axis's column: the value as written, or its label.
    pub text: String,
    /// One value per path of the axis.
    pub(crate) nodes: Vec<Node>,
    /// One per path, for filters.
    pub(crate) literals: Vec<Literal>,
}

/// Sequential stopping: replications until the intervals are short enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopping {
    /// The metrics whose intervals are watched; at least one.
    pub metrics: Vec<String>,
    /// Half-width wanted, as a share of the mean.
    pub relative: f64,
    /// Fewest replications.
    pub min: u64,
    /// Most replications.
    pub max: u64,
}
