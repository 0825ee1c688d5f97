//! What the replications of a point say about a metric, and about its difference to the baseline.
//!
//! The replication is the unit: sessions of one run hang together, runs do not. So rates get a t
//! interval over replications too; only where no replication (or every one) shows anything, which a
//! t interval would call certain, the bound is exact: the share of replications that show nothing
//! bounds the mean from above (and the other way round), whatever hangs together inside a run.

use reports::statistics::Interval;
use reports::statistics::mean::{mean_and_deviation, student_interval, student_quantile};
use reports::statistics::paired::{Paired, paired};
use reports::statistics::proportion::clopper_pearson;
use reports::statistics::shape::{is_skewed, quantile, quantile_interval};
use reports::statistics::survival::{
    Departures, SurvivalStep, kaplan_meier_counts, time_interval, time_until,
};

use crate::scenario::Scenario;
use crate::steady;
use crate::sweep::expect::{Numbers, Statistic, Term, TermSource, unit_of};
use crate::sweep::record::Batched;

/// The metric that survival estimates instead of means describe.
pub const SURVIVAL_METRIC: &str = "attempts_to_desync";

/// A row of `aggregate.csv`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aggregate {
    /// Name of the metric.
    pub metric: String,
    /// Replications with a value.
    pub n: u64,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub sd: Option<f64>,
    /// Lower end of the interval.
    pub ci_low: Option<f64>,
    /// Upper end of the interval.
    pub ci_high: Option<f64>,
    /// Median, 95 % and 99 % quantile.
    pub quantiles: [Option<f64>; 3],
    /// How the interval was found.
    pub method: String,
    /// Intervals of median and 95 % quantile: low, high, low, high.
    pub quantile_ends: [Option<f64>; 4],
}

/// A row of `differences.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Name of the metric.
    pub metric: String,
    /// The comparison.
    pub paired: Paired,
    /// How the interval was found.
    pub method: &'static str,
}

/// Shape of a Pareto law at which its variance is infinite.
const INFINITE_VARIANCE: f64 = 2.0;

/// What is known of a scenario before any value is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tails {
    heavy: bool,
}

impl Tails {
    /// Whether a law of `scenario` has no variance.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let heavy = scenario.canonical.split("pareto(").skip(1).any(|rest| {
            let inside = rest.split(')').next().unwrap_or(rest);
            inside
                .split("shape=")
                .nth(1)
                .and_then(|shape| shape.trim().parse::<f64>().ok())
                .is_some_and(|shape| shape <= INFINITE_VARIANCE)
        });
        Self { heavy }
    }

    /// Whether a metric inherits them: times and what grows with them.
    pub(crate) fn reach(self, metric: &str) -> bool {
        self.heavy && (unit_of(metric) == "ns" || metric.starts_with("station_in_system"))
    }
}

/// The row of a metric over the values of its replications, in their order.
#[must_use]
pub fn aggregate(metric: &str, values: &[f64], level: f64, tails: Tails) -> Aggregate {
    let n = values.len() as u64;
    let Some((mean, sd)) = mean_and_deviation(values) else {
        return Aggregate {
            metric: metric.to_owned(),
            method: String::from("none: no replication has a value"),
            ..Aggregate::default()
        };
    };
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (p50_low, p50_high) = quantile_interval(&sorted, 0.50, level);
    let (p95_low, p95_high) = quantile_interval(&sorted, 0.95, level);
    let (interval, method) = interval(metric, &sorted, mean, sd, level, tails);
    Aggregate {
        metric: metric.to_owned(),
        n,
        mean: Some(mean),
        sd,
        ci_low: interval.map(|interval| interval.low),
        ci_high: interval.map(|interval| interval.high),
        quantiles: [0.50, 0.95, 0.99].map(|share| quantile(&sorted, share)),
        method,
        quantile_ends: [p50_low, p50_high, p95_low, p95_high],
    }
}

/// The row of a steady-state metric of a point with one replication, whose interval comes from
/// batch means of that run.
#[must_use]
pub fn batched(metric: &str, value: Option<f64>, batched: &Batched, level: f64) -> Aggregate {
    let plain = value.map_or_else(Aggregate::default, |value| {
        aggregate(metric, &[value], level, Tails::default())
    });
    let interval = value
        .zip(batched.deviation)
        .and_then(|(value, deviation)| steady::interval(value, deviation, level, metric));
    Aggregate {
        metric: metric.to_owned(),
        ci_low: interval.map(|interval| interval.low),
        ci_high: interval.map(|interval| interval.high),
        method: batched.method.clone(),
        ..plain
    }
}

#[allow(clippy::float_cmp, reason = "exactly none or all")]
fn interval(
    metric: &str,
    sorted: &[f64],
    mean: f64,
    sd: Option<f64>,
    level: f64,
    tails: Tails,
) -> (Option<Interval>, String) {
    let n = sorted.len() as u64;
    let share = unit_of(metric) == "share";
    let (first, last) = (sorted.first().copied(), sorted.last().copied());
    if share && (last == Some(0.0) || first == Some(1.0)) {
        let successes = if last == Some(0.0) { 0 } else { n };
        let exact = clopper_pearson(successes, n, level);
        return (exact, String::from("Clopper-Pearson over replications"));
    }
    let Some(sd) = sd else {
        return (None, String::from("none: one replication"));
    };
    let Some(mut interval) = student_interval(mean, sd, n, level) else {
        return (None, String::from("none: one replication"));
    };
    // No metric is negative.
    interval.low = interval.low.max(0.0);
    if share {
        interval.high = interval.high.min(1.0);
    }
    let method = if tails.reach(metric) {
        "Student t; doubtful: a law of the scenario has infinite variance"
    } else if is_skewed(sorted) {
        "Student t; doubtful: the replications are skewed"
    } else if sd == 0.0 {
        "Student t; all replications are equal"
    } else {
        "Student t"
    };
    (Some(interval), String::from(method))
}

/// The survival steps of all devices of a point, and the row of its median.
#[must_use]
pub fn survival(counts: &[Departures], n: u64, level: f64) -> (Vec<SurvivalStep>, Aggregate) {
    let steps = kaplan_meier_counts(counts, level);
    #[allow(clippy::cast_precision_loss, reason = "numbers of attempts")]
    let number = |value: Option<u64>| value.map(|value| value as f64);
    let (low, high) = time_interval(&steps, 0.5);
    let row = Aggregate {
        metric: SURVIVAL_METRIC.to_owned(),
        n,
        ci_low: number(low),
        ci_high: number(high),
        quantiles: [number(time_until(&steps, 0.5)), None, None],
        method: String::from(
            "Kaplan-Meier median over the devices of all replications, Brookmeyer-Crowley",
        ),
        ..Aggregate::default()
    };
    (steps, row)
}

/// The difference of a metric to its baseline, replication by replication; `None` where no
/// replication has both.
#[must_use]
pub fn difference(
    metric: &str,
    values: &[Option<f64>],
    baseline: &[Option<f64>],
    common_random: bool,
    level: f64,
) -> Option<Difference> {
    let pairs: Vec<(f64, f64)> = values
        .iter()
        .zip(baseline)
        .filter_map(|(value, base)| Some(((*value)?, (*base)?)))
        .collect();
    let comparison = paired(&pairs, level)?;
    if common_random {
        return Some(Difference {
            metric: metric.to_owned(),
            paired: comparison,
            method: "paired t",
        });
    }
    let welch = welch(&pairs, level).unwrap_or(comparison);
    Some(Difference {
        metric: metric.to_owned(),
        paired: Paired {
            correlation: None,
            ..welch
        },
        method: "Welch t: no common random numbers",
    })
}

/// Two independent samples of the same size (Welch 1947).
fn welch(pairs: &[(f64, f64)], level: f64) -> Option<Paired> {
    let first: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let second: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let (mean_first, sd_first) = mean_and_deviation(&first)?;
    let (mean_second, sd_second) = mean_and_deviation(&second)?;
    #[allow(clippy::cast_precision_loss, reason = "a number of replications")]
    let n = pairs.len() as f64;
    let (a, b) = (sd_first?.powi(2) / n, sd_second?.powi(2) / n);
    let error = (a + b).sqrt();
    let mean = mean_first - mean_second;
    // Between n - 1 and 2n - 2 degrees of freedom; rounded down, which widens the interval.
    let freedom = if a + b > 0.0 {
        (a + b).powi(2) * (n - 1.0) / (a * a + b * b)
    } else {
        n - 1.0
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between n - 1 and 2n - 2"
    )]
    let observations = freedom as u64 + 1;
    let half = student_quantile(observations, level)? * error;
    let p_value = if error > 0.0 {
        reports::statistics::paired::two_sided(mean.abs() / error, observations - 1)
    } else if mean == 0.0 {
        1.0
    } else {
        0.0
    };
    Some(Paired {
        n: pairs.len() as u64,
        mean,
        deviation: Some(error * n.sqrt()),
        interval: Some(Interval {
            low: mean - half,
            high: mean + half,
        }),
        correlation: None,
        p_value: Some(p_value),
    })
}

/// The numbers of a point, for clauses.
#[derive(Clone, Copy, Debug)]
pub struct PointNumbers<'a> {
    /// Its rows of `aggregate.csv`.
    pub aggregates: &'a [Aggregate],
    /// Its rows of `differences.csv`.
    pub differences: &'a [Difference],
}

impl Numbers for PointNumbers<'_> {
    #[allow(clippy::cast_precision_loss, reason = "a number of replications")]
    fn number(&self, term: &Term) -> (Option<f64>, u64) {
        match term.source {
            TermSource::Metrics => {
                let found = self.aggregates.iter().find(|row| row.metric == term.metric);
                let Some(row) = found else {
                    return (None, 0);
                };
                let value = match term.statistic {
                    Statistic::N => Some(row.n as f64),
                    Statistic::Mean => row.mean,
                    Statistic::Sd => row.sd,
                    Statistic::CiLow => row.ci_low,
                    Statistic::CiHigh => row.ci_high,
                    Statistic::P50 => row.quantiles[0],
                    Statistic::P95 => row.quantiles[1],
                    Statistic::P99 => row.quantiles[2],
                };
                (value, row.n)
            }
            TermSource::Differences => {
                let found = self
                    .differences
                    .iter()
                    .find(|row| row.metric == term.metric);
                let Some(row) = found else {
                    return (None, 0);
                };
                let interval = row.paired.interval;
                let value = match term.statistic {
                    Statistic::N => Some(row.paired.n as f64),
                    Statistic::Mean => Some(row.paired.mean),
                    Statistic::Sd => row.paired.deviation,
                    Statistic::CiLow => interval.map(|interval| interval.low),
                    Statistic::CiHigh => interval.map(|interval| interval.high),
                    Statistic::P50 | Statistic::P95 | Statistic::P99 => None,
                };
                (value, row.paired.n)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!(
            (found - expected).abs() < 1e-6,
            "{found} and not {expected}"
        );
    }

    #[test]
    fn no_success_at_all_still_has_an_upper_bound() {
        let row = aggregate("desync_rate", &[0.0; 30], 0.95, Tails::default());
        assert_eq!((row.n, row.mean, row.ci_low), (30, Some(0.0), Some(0.0)));
        close(row.ci_high, 1.0 - 0.025_f64.powf(1.0 / 30.0));
        assert!(row.method.starts_with("Clopper-Pearson"), "{}", row.method);
        let row = aggregate("success_rate", &[1.0; 30], 0.95, Tails::default());
        close(row.ci_low, 0.025_f64.powf(1.0 / 30.0));
    }

    #[test]
    fn means_have_students_interval() {
        let values = [12.0, 15.0, 11.0, 14.0, 13.0];
        let row = aggregate("attempts", &values, 0.95, Tails::default());
        // Mean 13, deviation √2.5, t(4) at 97.5 %: 2.776445.
        close(row.ci_high, 13.0 + 2.776_445_105 * (2.5_f64 / 5.0).sqrt());
        assert_eq!(
            (row.method.as_str(), row.quantiles[0]),
            ("Student t", Some(13.0))
        );
        assert_eq!(
            aggregate("attempts", &[1.0], 0.95, Tails::default()).ci_low,
            None
        );
        assert_eq!(aggregate("attempts", &[], 0.95, Tails::default()).n, 0);
    }

    #[test]
    fn what_makes_an_interval_doubtful_is_said() {
        let mut values = vec![1.0; 29];
        values.push(100.0);
        let row = aggregate("attempts", &values, 0.95, Tails::default());
        assert!(row.method.contains("skewed"), "{}", row.method);
        let heavy = Tails { heavy: true };
        let even: Vec<f64> = (0..30).map(f64::from).collect();
        let row = aggregate("station_wait_ns.cpu", &even, 0.95, heavy);
        assert!(row.method.contains("infinite variance"), "{}", row.method);
        let row = aggregate("attempts", &even, 0.95, heavy);
        assert_eq!(row.method, "Student t");
    }

    #[test]
    fn independent_samples_are_compared_by_welch() {
        // Two samples of four: 1, 2, 3, 4 against 2, 4, 6, 8.
        let values = [1.0, 2.0, 3.0, 4.0].map(Some);
        let baseline = [2.0, 4.0, 6.0, 8.0].map(Some);
        let row = difference("attempts", &values, &baseline, false, 0.95).unwrap();
        assert_eq!((row.paired.mean, row.paired.correlation), (-2.5, None));
        // Degrees of freedom 4.41, down to 4.
        let error = ((5.0_f64 / 3.0 + 20.0 / 3.0) / 4.0).sqrt();
        let half = 2.776_445_105 * error;
        close(
            row.paired.interval.map(|interval| interval.high),
            -2.5 + half,
        );
        let row = difference("attempts", &values, &baseline, true, 0.95).unwrap();
        close(row.paired.correlation, 1.0);
        assert_eq!(
            difference("attempts", &[None], &[Some(1.0)], true, 0.95),
            None
        );
    }
}
