//! `summary.json`: the numbers of a run, each with its interval and the method behind it.
//!
//! The file is data: it holds nothing about the machine or the wall clock, and its floats are rounded
//! to nine significant digits. Whole numbers are written without a fraction.

use serde::{Serialize, Serializer};

use crate::format;
use crate::statistics::Interval;

/// One number of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Name as `badlink list metrics` has it, e.g. `success_rate`.
    pub name: String,
    /// The number; `None` where its denominator is empty.
    #[serde(serialize_with = "number")]
    pub value: Option<f64>,
    /// `ns`, `B`, `nJ`, `count` or `share` (0 to 1).
    pub unit: &'static str,
    /// Observations behind it.
    pub n: u64,
    /// Where the true value lies, at a stated level; absent where no interval applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<MetricInterval>,
    /// How value and interval were computed, e.g. `Clopper-Pearson`.
    pub method: String,
    /// Standard deviation of the batch means, where the interval comes from them.
    #[serde(skip)]
    pub deviation: Option<f64>,
}

/// An interval with its level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MetricInterval {
    /// Lower end, in the metric's unit.
    #[serde(serialize_with = "finite")]
    pub low: f64,
    /// Upper end, in the metric's unit.
    #[serde(serialize_with = "finite")]
    pub high: f64,
    /// Coverage aimed at, above 0 and below 1.
    #[serde(serialize_with = "finite")]
    pub level: f64,
}

impl Metric {
    /// A number without an interval.
    pub fn new(name: impl Into<String>, value: Option<f64>, unit: &'static str, n: u64) -> Self {
        let method = String::new();
        Self {
            name: name.into(),
            value,
            unit,
            n,
            interval: None,
            method,
            deviation: None,
        }
    }

    /// The same metric with `interval` at `level`, found by `method`.
    #[must_use]
    pub fn with_interval(mut self, interval: Interval, level: f64, method: &str) -> Self {
        self.interval = Some(MetricInterval {
            low: interval.low,
            high: interval.high,
            level,
        });
        self.method = method.into();
        self
    }
}

/// What `summary.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario as it ran, in hexadecimal.
    pub scenario_hash: String,
    /// Root seed.
    pub seed: u64,
    /// Fingerprint of the run.
    pub fingerprint: String,
    /// False when the run was interrupted.
    pub complete: bool,
    /// The metrics, in the order of the documentation.
    pub metrics: Vec<Metric>,
    /// What a reader must know to judge the numbers: defaults taken, costs not modelled, limits.
    pub notes: Vec<String>,
    /// The profiles behind time and energy; absent where no node has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileUsed>,
    /// Energy of all nodes by time; absent where no node spent any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_over_time: Option<EnergyOverTime>,
}

/// A profile that priced what a group of nodes did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileUsed {
    /// Name of the node group.
    pub group: String,
    /// Its role in the protocol.
    pub role: String,
    /// Name of the profile.
    pub profile: String,
    /// Usual range of what its computing really takes, as factors of the numbers here: lower end.
    #[serde(serialize_with = "finite")]
    pub band_low: f64,
    /// Upper end.
    #[serde(serialize_with = "finite")]
    pub band_high: f64,
}

/// Energy spent by time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnergyOverTime {
    /// Width of a bin in ns; the first begins at 0.
    pub bin_ns: u64,
    /// Energy of all nodes by bin, in nJ.
    pub energy_nj: Vec<u64>,
}

impl Summary {
    /// The metric called `name`.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }
}

#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
fn number<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value.and_then(format::rounded) {
        Some(value) => finite(&value, serializer),
        None => serializer.serialize_none(),
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn finite<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(value) = format::rounded(*value) else {
        return serializer.serialize_none();
    };
    // Whole numbers up to 2⁵³ are exact in both types; `100` reads better than `100.0`.
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        serializer.serialize_i64(value as i64)
    } else {
        serializer.serialize_f64(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction_and_missing_ones_are_null() {
        let metric = Metric::new("attempts", Some(100.0), "count", 100);
        let text = serde_json::to_string(&metric).unwrap();
        assert_eq!(
            text,
            r#"{"name":"attempts","value":100,"unit":"count","n":100,"method":""}"#
        );
        let missing = Metric::new("success_rate", None, "share", 0);
        assert!(
            serde_json::to_string(&missing)
                .unwrap()
                .contains(r#""value":null"#)
        );
    }

    #[test]
    fn floats_are_rounded_to_nine_digits() {
        let interval = Interval {
            low: 1.0 / 3.0,
            high: 2.0 / 3.0,
        };
        let metric = Metric::new("success_rate", Some(0.5), "share", 2).with_interval(
            interval,
            0.95,
            "Clopper-Pearson",
        );
        let text = serde_json::to_string(&metric).unwrap();
        assert!(
            text.contains(r#"{"low":0.333333333,"high":0.666666667,"level":0.95}"#),
            "{text}"
        );
    }
}
