//! The simulator against closed forms, family by family.
//!
//! A [`Case`] is an ordinary scenario text and the quantities in it that theory knows. It is read,
//! built and driven like a user's file, once per replication with seeds that are fixed beforehand;
//! the replications' values give a Student interval, and the exact value must lie in it. With many
//! rows at 99.9 % a false alarm is likely somewhere, so a row that fails is repeated once with ten
//! times the replications and other seeds: failing twice is a defect.
//!
//! **Source.** Each family's module names its formulas.

mod cases;
mod confirmable;
mod delay;
mod desync;
mod exchange;
mod formula;
mod frames;
mod loss;
mod margins;
mod media;
mod observe;
mod queues;
mod rare;
mod relay;
mod secrets;
mod stations;

#[cfg(test)]
mod tests;

use reports::rows::Verdict;
use reports::statistics::mean::{mean_and_deviation, student_quantile};

use crate::run::RunError;
use observe::{FieldName, Observed};

pub use cases::{Effort, FAMILIES, Family, all};

/// Level of the intervals.
pub const LEVEL: f64 = 0.999;

/// How many times more replications a failed case gets.
pub const REPEAT_FACTOR: u64 = 10;

/// Values this close, relative to the exact one, are equal: nine digits are written.
const EQUAL: f64 = 1e-9;

/// One scenario with what theory says about it.
pub struct Case {
    /// The family it belongs to.
    pub family: &'static str,
    /// Which point of the family, in words that name its parameters.
    pub point: String,
    /// The scenario file.
    pub text: String,
    /// Its first seed; replication `i` runs with this plus `i`.
    pub seed: u64,
    /// Independent runs.
    pub replications: u64,
    /// What is compared.
    pub quantities: Vec<Quantity>,
}

/// A number that a run gives and a formula predicts.
pub struct Quantity {
    /// What it is.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What the formula says.
    pub exact: f64,
    measure: Measure,
}

/// How the value of one replication is read.
enum Measure {
    /// A metric of the run, as `summary.json` has it.
    Metric(String),
    /// Computed from what was observed besides.
    Observed(Box<Reading>),
    /// The same, from a field of a message too: wire name and field.
    Field(FieldName, Box<Reading>),
}

/// A value of one replication; `None` where it has none.
type Reading = dyn Fn(&Observed) -> Option<f64> + Send + Sync;

/// A quantity with its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The family.
    pub family: &'static str,
    /// The point of the family.
    pub point: String,
    /// What is compared.
    pub quantity: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Independent runs behind the value.
    pub replications: u64,
    /// Their mean.
    pub simulated: f64,
    /// Half the width of the interval around it.
    pub half_width: f64,
    /// What the formula says.
    pub exact: f64,
    /// First seed.
    pub seed: u64,
    /// What came of it.
    pub verdict: Verdict,
}

impl Row {
    /// How far the simulated value is from the exact one, in half-widths of the interval: within
    /// -1 and 1 is good. Zero where both are equal.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let difference = self.simulated - self.exact;
        if difference.abs() <= EQUAL * self.exact.abs() {
            0.0
        } else if self.half_width > 0.0 {
            difference / self.half_width
        } else {
            f64::INFINITY.copysign(difference)
        }
    }
}

/// Why a case has no values.
#[derive(Debug)]
pub enum CaseError {
    /// Its scenario is not read, which is a bug of this program.
    Scenario(String),
    /// Its run failed.
    Run(RunError),
    /// A quantity has no value in a run.
    Empty(&'static str),
}

impl core::fmt::Display for CaseError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Scenario(message) => write!(f, "the scenario is not read: {message}"),
            Self::Run(error) => error.fmt(f),
            Self::Empty(name) => write!(f, "the run has no value for {name}"),
        }
    }
}

impl core::error::Error for CaseError {}

impl Case {
    /// The values of one replication, by quantity; replications from the second series on, which
    /// has other seeds, are those of a repetition.
    ///
    /// # Errors
    ///
    /// A scenario that is not read or does not run, or a quantity without a value.
    pub fn observe(&self, series: u64, replication: u64) -> Result<Vec<f64>, CaseError> {
        let seed = self.seed_of(series, replication);
        let overrides = [(String::from("run.seed"), seed.to_string())];
        let name = format!("{}.toml", self.family);
        let scenario = crate::read_text(&name, &self.text, &overrides)
            .map_err(|error| CaseError::Scenario(error.render(false)))?;
        let mut measures = self.quantities.iter().map(|quantity| &quantity.measure);
        let listens = measures.any(|measure| !matches!(measure, Measure::Metric(_)));
        let field = self
            .quantities
            .iter()
            .find_map(|quantity| match quantity.measure {
                Measure::Field(field, _) => Some(field),
                _ => None,
            });
        let observed = observe::run(&scenario, listens, field).map_err(CaseError::Run)?;
        let value = |quantity: &Quantity| {
            let value = match &quantity.measure {
                Measure::Metric(name) => observed.metric(name),
                Measure::Observed(measure) | Measure::Field(_, measure) => measure(&observed),
            };
            value.ok_or(CaseError::Empty(quantity.name))
        };
        self.quantities.iter().map(value).collect()
    }

    fn seed_of(&self, series: u64, replication: u64) -> u64 {
        self.seed + series * 1_000_000 + replication
    }

    /// The rows of a series of replications, given as [`Case::observe`] returns them.
    #[must_use]
    pub fn judge(&self, series: u64, values: &[Vec<f64>]) -> Vec<Row> {
        let rows = self.quantities.iter().enumerate();
        rows.map(|(index, quantity)| {
            let of: Vec<f64> = values
                .iter()
                .filter_map(|all| all.get(index))
                .copied()
                .collect();
            self.row(series, quantity, &of)
        })
        .collect()
    }

    #[allow(clippy::cast_precision_loss, reason = "a number of replications")]
    fn row(&self, series: u64, quantity: &Quantity, values: &[f64]) -> Row {
        let n = values.len() as u64;
        let (mean, deviation) = mean_and_deviation(values).unwrap_or((f64::NAN, None));
        let spread = deviation.unwrap_or(0.0) / (n.max(1) as f64).sqrt();
        let half_width = student_quantile(n, LEVEL).map_or(0.0, |quantile| quantile * spread);
        let mut row = Row {
            family: self.family,
            point: self.point.clone(),
            quantity: quantity.name,
            unit: quantity.unit,
            replications: n,
            simulated: mean,
            half_width,
            exact: quantity.exact,
            seed: self.seed_of(series, 0),
            verdict: Verdict::Failed,
        };
        if row.deviation().abs() <= 1.0 {
            row.verdict = if series == 0 {
                Verdict::Passed
            } else {
                Verdict::PassedRepeated
            };
        }
        row
    }
}

impl Quantity {
    fn metric(
        name: &'static str,
        unit: &'static str,
        metric: impl Into<String>,
        exact: f64,
    ) -> Self {
        Self {
            name,
            unit,
            exact,
            measure: Measure::Metric(metric.into()),
        }
    }

    fn field(
        (name, unit): (&'static str, &'static str),
        field: FieldName,
        exact: f64,
        measure: impl Fn(&Observed) -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            unit,
            exact,
            measure: Measure::Field(field, Box::new(measure)),
        }
    }

    fn observed(
        name: &'static str,
        unit: &'static str,
        exact: f64,
        measure: impl Fn(&Observed) -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            unit,
            exact,
            measure: Measure::Observed(Box::new(measure)),
        }
    }
}
