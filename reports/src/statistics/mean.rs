//! Means: exact moments of integers, and Student t intervals for means of replications.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Interval, check_level};

/// Count, sum and sum of squares of unsigned integers, exact and independent of their order.
///
/// Takes any number of `u64` values (below 2⁶⁴ of them): the sum of squares has 192 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    count: u64,
    sum: u128,
    squares_low: u128,
    squares_high: u64,
}

impl Moments {
    /// Takes one value.
    pub fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        let (low, carry) = self.squares_low.overflowing_add(u128::from(value).pow(2));
        self.squares_low = low;
        self.squares_high += u64::from(carry);
    }

    /// Takes all values that `other` has taken.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        let (low, carry) = self.squares_low.overflowing_add(other.squares_low);
        self.squares_low = low;
        self.squares_high += other.squares_high + u64::from(carry);
    }

    /// Values taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Their mean; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// Their sample standard deviation (divisor n − 1); `None` below two values.
    ///
    /// The numerator n Σx² − (Σx)² is computed in 256-bit integers: no cancellation.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let n = u128::from(self.count);
        let (low, carry) = n.carrying_mul(self.squares_low, 0);
        let high = n * u128::from(self.squares_high) + carry;
        let (square_low, square_high) = self.sum.carrying_mul(self.sum, 0);
        let (low, borrow) = low.overflowing_sub(square_low);
        let high = high - square_high - u128::from(borrow);
        let numerator = high as f64 * TWO_POW_128 + low as f64;
        let count = self.count as f64;
        Some((numerator / (count * (count - 1.0))).sqrt())
    }
}

impl Extend<u64> for Moments {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<u64> for Moments {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut moments = Self::default();
        moments.extend(values);
        moments
    }
}

/// Mean and sample standard deviation of `values`, summed in their order.
///
/// `None` without values; a single value has no standard deviation.
#[must_use]
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let n = values.len() as f64;
    let first = *values.first()?;
    // Deviations from the first value keep digits where the mean is large against the spread.
    let mean = first + values.iter().map(|value| value - first).sum::<f64>() / n;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    Some((
        mean,
        (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
    ))
}

/// The Student t quantile for a two-sided interval from `n` observations; `None` below two.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn student_quantile(n: u64, level: f64) -> Option<f64> {
    check_level(level);
    if n < 2 {
        return None;
    }
    let student = StudentsT::new(0.0, 1.0, (n - 1) as f64).expect("freedom is at least one");
    Some(student.inverse_cdf(0.5 + level / 2.0))
}

/// The t interval of a mean from `n` independent replications; `None` below two.
///
/// Assumes that replication means are roughly normal, which their averaging provides.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn student_interval(mean: f64, deviation: f64, n: u64, level: f64) -> Option<Interval> {
    let half_width = student_quantile(n, level)? * deviation / (n as f64).sqrt();
    Some(Interval {
        low: mean - half_width,
        high: mean + half_width,
    })
}

const TWO_POW_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::statistics::assert_close;
    use proptest::prelude::*;

    #[test]
    fn student_quantiles_match_the_tables() {
        for (n, quantile) in [(5, 8.61030), (10, 4.78091), (30, 3.65941), (100, 3.39153)] {
            assert_close(student_quantile(n, 0.999).unwrap(), quantile, 5e-6);
        }
        assert_eq!(student_quantile(1, 0.95), None);
    }

    #[test]
    fn huge_values_keep_their_spread() {
        let moments: Moments = [u64::MAX - 2, u64::MAX - 1, u64::MAX].into_iter().collect();
        assert_eq!(moments.standard_deviation(), Some(1.0));
    }

    #[test]
    fn one_value_has_a_mean_but_no_deviation() {
        let moments: Moments = [7].into_iter().collect();
        assert_eq!(
            (moments.mean(), moments.standard_deviation()),
            (Some(7.0), None)
        );
        assert_eq!(Moments::default().mean(), None);
        assert_eq!(mean_and_deviation(&[]), None);
    }

    proptest! {
        #[test]
        fn moments_depend_on_no_order_and_no_grouping(
            values in prop::collection::vec(any::<u64>(), 2..50),
            split in 0usize..50,
        ) {
            let whole: Moments = values.iter().copied().collect();
            let split = split.min(values.len());
            let mut merged: Moments = values[split..].iter().rev().copied().collect();
            merged.merge(&values[..split].iter().copied().collect());
            prop_assert_eq!(whole, merged);
        }

        #[test]
        fn integer_and_float_deviations_agree(
            values in prop::collection::vec(0u64..1_000_000_000_000, 2..50),
        ) {
            let moments: Moments = values.iter().copied().collect();
            let floats: Vec<f64> = values.iter().map(|value| *value as f64).collect();
            let (mean, deviation) = mean_and_deviation(&floats).unwrap();
            let scale = mean.max(1.0);
            prop_assert!((moments.mean().unwrap() - mean).abs() <= 1e-12 * scale);
            let exact = moments.standard_deviation().unwrap();
            prop_assert!((exact - deviation.unwrap()).abs() <= 1e-10 * scale);
        }
    }
}
