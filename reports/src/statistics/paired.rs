//! Differences between two alternatives that met the same luck.
//!
//! With common random numbers replication r of both alternatives sees the same noise, so their
//! difference varies less than either; the achieved correlation says by how much. Source: Law,
//! "Simulation Modeling and Analysis", chapters 10 and 11; Holm, "A Simple Sequentially Rejective
//! Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::mean::{mean_and_deviation, student_interval};
use super::{Interval, check_level};

/// What pairs of values say of the mean difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Pairs.
    pub n: u64,
    /// Mean of first minus second.
    pub mean: f64,
    /// Standard deviation of the differences; `None` below two pairs.
    pub deviation: Option<f64>,
    /// The t interval of the mean difference; `None` below two pairs.
    pub interval: Option<Interval>,
    /// Correlation of the two; `None` where one never varies.
    pub correlation: Option<f64>,
    /// Two-sided probability of a mean difference at least as large if there were none; 1 where
    /// all differences are 0, 0 where all are the same and not 0, `None` below two pairs.
    pub p_value: Option<f64>,
}

/// Compares pairs of (value, value of the baseline); `None` without pairs.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn paired(pairs: &[(f64, f64)], level: f64) -> Option<Paired> {
    check_level(level);
    let n = pairs.len() as u64;
    let differences: Vec<f64> = pairs.iter().map(|(value, base)| value - base).collect();
    let (mean, deviation) = mean_and_deviation(&differences)?;
    let p_value = deviation.map(|deviation| {
        if deviation > 0.0 {
            two_sided(mean.abs() / (deviation / (n as f64).sqrt()), n - 1)
        } else if mean == 0.0 {
            1.0
        } else {
            0.0
        }
    });
    Some(Paired {
        n,
        mean,
        deviation,
        interval: deviation.and_then(|deviation| student_interval(mean, deviation, n, level)),
        correlation: correlation(pairs),
        p_value,
    })
}

/// The probability that Student's t with `freedom` degrees of freedom (at least 1) lies at least `t`
/// away from 0.
#[must_use]
pub fn two_sided(t: f64, freedom: u64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, freedom.max(1) as f64).expect("freedom is at least one");
    (2.0 * student.sf(t.abs())).min(1.0)
}

/// Pearson's correlation; `None` where one of the two never varies.
#[must_use]
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let first: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let second: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let (mean_first, _) = mean_and_deviation(&first)?;
    let (mean_second, _) = mean_and_deviation(&second)?;
    let (mut squares_first, mut squares_second, mut products) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_first, b - mean_second);
        squares_first += a * a;
        squares_second += b * b;
        products += a * b;
    }
    let scale = squares_first.sqrt() * squares_second.sqrt();
    // What varies only by rounding has no correlation worth telling.
    let varies = |squares: f64, mean: f64| squares.sqrt() > mean.abs() * 1e-12;
    (varies(squares_first, mean_first) && varies(squares_second, mean_second) && scale > 0.0)
        .then(|| (products / scale).clamp(-1.0, 1.0))
}

/// Probabilities adjusted so that comparing them all with a bound keeps the chance of any false
/// finding below it (Holm), in the order given.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut floor = 0.0_f64;
    for (rank, index) in order.iter().enumerate() {
        let left = (p_values.len() - rank) as f64;
        floor = floor.max((p_values[*index] * left).min(1.0));
        adjusted[*index] = floor;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::statistics::assert_close;

    #[test]
    fn the_textbook_case_of_two_sleeping_drugs() {
        // Student's own data (1908): hours of sleep gained under two drugs, ten patients.
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let pairs: Vec<(f64, f64)> = second.into_iter().zip(first).collect();
        let found = paired(&pairs, 0.95).unwrap();
        assert_close(found.mean, 1.58, 1e-12);
        assert_close(found.deviation.unwrap(), 1.229_995, 1e-6);
        let interval = found.interval.unwrap();
        assert_close(interval.low, 0.700_114, 1e-6);
        assert_close(interval.high, 2.459_886, 1e-6);
        assert_close(found.correlation.unwrap(), 0.795_170, 1e-6);
        assert_close(found.p_value.unwrap(), 0.002_833, 1e-6);
    }

    #[test]
    fn what_never_varies_has_no_correlation() {
        let found = paired(&[(1.0, 2.0), (1.0, 3.0)], 0.95).unwrap();
        assert_eq!((found.n, found.correlation), (2, None));
        let same = paired(&[(2.0, 2.0), (3.0, 3.0)], 0.95).unwrap();
        assert_eq!(same.p_value, Some(1.0));
        assert_close(same.correlation.unwrap(), 1.0, 1e-12);
        let one = paired(&[(2.0, 1.0)], 0.95).unwrap();
        assert_eq!((one.mean, one.interval, one.p_value), (1.0, None, None));
        assert_eq!(paired(&[], 0.95), None);
    }

    #[test]
    fn holm_is_as_by_hand() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert_close(*found, expected, 1e-12);
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }
}
