//! Whether Student's t may be trusted with a sample, and quantiles of a few values.
//!
//! The t interval wants means that are nearly normal. Cochran's rule says when n values are enough
//! for it: n above 25 times the squared skewness. Source: Cochran, "Sampling Techniques", section
//! 2.15. A small sample's skewness is itself noisy, so a sample is called skewed only where its
//! skewness is significant too (two-sided 1 %, normal approximation).

use super::quantile::{interval_ranks, rank};

/// Sample skewness: the third moment of the deviations over the deviation cubed; `None` below three
/// values or where nothing varies.
#[must_use]
pub fn skewness(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    if values.len() < 3 {
        return None;
    }
    let (mean, _) = super::mean::mean_and_deviation(values)?;
    let (mut second, mut third) = (0.0, 0.0);
    for value in values {
        let away = value - mean;
        second += away * away / n;
        third += away * away * away / n;
    }
    (second.sqrt() > mean.abs() * 1e-12 && second > 0.0).then(|| third / (second * second.sqrt()))
}

/// Whether `values` are so skewed that a t interval from them is doubtful.
#[must_use]
pub fn is_skewed(values: &[f64]) -> bool {
    let n = values.len() as f64;
    let Some(skewness) = skewness(values) else {
        return false;
    };
    let spread = (6.0 * (n - 2.0) / ((n + 1.0) * (n + 3.0))).sqrt();
    skewness.abs() > 2.576 * spread && 25.0 * skewness * skewness > n
}

/// The `share` quantile of ascending values; `None` without values.
///
/// # Panics
/// If `share` is not above 0 and below 1.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = rank(sorted.len() as u64, share)?;
    sorted.get(usize::try_from(rank).ok()? - 1).copied()
}

/// Values that enclose the `share` quantile at `level`, where the sample is large enough.
///
/// # Panics
/// If `share` or `level` is not above 0 and below 1.
#[must_use]
pub fn quantile_interval(sorted: &[f64], share: f64, level: f64) -> (Option<f64>, Option<f64>) {
    let ranks = interval_ranks(sorted.len() as u64, share, level);
    let value = |rank: u64| sorted.get(usize::try_from(rank).ok()? - 1).copied();
    (ranks.low.and_then(value), ranks.high.and_then(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::statistics::assert_close;

    #[test]
    fn skewness_is_as_by_hand() {
        // 1, 2, 6: mean 3, second moment 14/3, third 18/3.
        assert_close(skewness(&[1.0, 2.0, 6.0]).unwrap(), 0.595_170, 1e-6);
        assert_eq!(skewness(&[1.0, 1.0, 1.0]), None);
        assert_eq!(skewness(&[1.0, 2.0]), None);
    }

    #[test]
    fn heavy_tails_are_told_and_even_samples_are_not() {
        let even: Vec<f64> = (0..30).map(f64::from).collect();
        assert!(!is_skewed(&even));
        // Quantiles of a Pareto law with exponent 1.2: no variance.
        let pareto: Vec<f64> = (1..=30)
            .map(|i| libm::pow(1.0 - f64::from(i) / 31.0, -1.0 / 1.2))
            .collect();
        assert!(is_skewed(&pareto));
        // Quantiles of an exponential law: skewness 2, and 30 values are not enough for it.
        let exponential: Vec<f64> = (1..=30)
            .map(|i| -libm::log(1.0 - f64::from(i) / 31.0))
            .collect();
        assert!(is_skewed(&exponential));
    }

    #[test]
    fn quantiles_of_few_values() {
        let values: Vec<f64> = (1..=30).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), Some(15.0));
        assert_eq!(
            quantile_interval(&values, 0.5, 0.95),
            (Some(10.0), Some(21.0))
        );
        assert_eq!(quantile_interval(&values, 0.95, 0.95).1, None);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
