//! Quantiles by order statistics: no assumption on the distribution.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::check_level;

/// Ranks (from 1) of the order statistics between which a quantile lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranks {
    /// Rank of the lower bound; `None` where the sample is too small to have one.
    pub low: Option<u64>,
    /// Rank of the upper bound; `None` where the sample is too small to have one.
    pub high: Option<u64>,
    /// Probability that the bounds enclose the quantile; an absent bound counts as unbounded.
    pub coverage: f64,
}

/// Ranks that enclose the `share` quantile of `n` independent observations, tails equal.
///
/// The number of observations below the quantile is Bin(n, `share`); each tail is at most
/// `(1 - level) / 2`, so the coverage is at least `level`.
///
/// # Panics
/// If `share` or `level` is not above 0 and below 1.
#[must_use]
pub fn interval_ranks(n: u64, share: f64, level: f64) -> Ranks {
    check_level(share);
    check_level(level);
    let tail = (1.0 - level) / 2.0;
    let binomial = Binomial::new(share, n).expect("the share was checked");
    // Lower: the largest rank l with P(B < l) <= tail. Upper: the smallest rank u with
    // P(B >= u) <= tail. Both conditions are monotone in the rank.
    let below = |rank: u64| binomial.cdf(rank - 1);
    let low = last_rank(n, |rank| below(rank) <= tail);
    let high = last_rank(n, |rank| 1.0 - below(rank) > tail).map_or(1, |rank| rank + 1);
    let high = (high <= n).then_some(high);
    let coverage = high.map_or(1.0, below) - low.map_or(0.0, below);
    Ranks {
        low,
        high,
        coverage,
    }
}

/// The largest rank from 1 to `n` that satisfies a condition true up to some rank.
fn last_rank(n: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    (low > 0).then_some(low)
}

/// The rank (from 1) of the `share` quantile of `n` observations: the smallest with at least that
/// share at or below it. `None` without observations.
///
/// # Panics
/// If `share` is not above 0 and below 1.
#[must_use]
pub fn rank(n: u64, share: f64) -> Option<u64> {
    check_level(share);
    // `n * share` may come out a little above the integer that it stands for (0.95 * 100).
    let exact = n as f64 * share;
    let rank = (exact - exact * 4.0 * f64::EPSILON).ceil() as u64;
    (n > 0).then(|| rank.clamp(1, n))
}

/// The `share` quantile of `sorted` ascending values; `None` without values.
///
/// # Panics
/// If `share` is not above 0 and below 1.
#[must_use]
pub fn of_sorted(sorted: &[u64], share: f64) -> Option<u64> {
    debug_assert!(sorted.is_sorted(), "a quantile is read from sorted values");
    let rank = rank(sorted.len() as u64, share)?;
    Some(sorted[rank as usize - 1])
}

/// Values that enclose the `share` quantile of `sorted` ascending values; ends as in [`Ranks`].
///
/// # Panics
/// If `share` or `level` is not above 0 and below 1.
#[must_use]
pub fn interval_of_sorted(sorted: &[u64], share: f64, level: f64) -> (Option<u64>, Option<u64>) {
    debug_assert!(sorted.is_sorted(), "a quantile is read from sorted values");
    let ranks = interval_ranks(sorted.len() as u64, share, level);
    let value = |rank: u64| sorted[rank as usize - 1];
    (ranks.low.map(value), ranks.high.map(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::statistics::assert_close;
    use proptest::prelude::*;

    #[test]
    fn ranks_match_the_reference() {
        let ranks = interval_ranks(1000, 0.95, 0.95);
        assert_eq!((ranks.low, ranks.high), (Some(936), Some(964)));
        assert_close(ranks.coverage, 0.958_095, 5e-7);
        let ranks = interval_ranks(1000, 0.99, 0.95);
        assert_eq!((ranks.low, ranks.high), (Some(983), Some(997)));
    }

    #[test]
    fn a_small_sample_has_no_upper_rank_in_the_tail() {
        let ranks = interval_ranks(1000, 0.999, 0.95);
        assert_eq!(ranks.high, None);
        assert!(ranks.low.is_some());
        assert_eq!(interval_ranks(0, 0.5, 0.95).high, None);
    }

    #[test]
    fn quantiles_are_observed_values() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(of_sorted(&values, 0.5), Some(50));
        assert_eq!(of_sorted(&values, 0.95), Some(95));
        assert_eq!(of_sorted(&values, 0.999), Some(100));
        assert_eq!(of_sorted(&[7], 0.01), Some(7));
        assert_eq!(of_sorted(&[], 0.5), None);
    }

    proptest! {
        #[test]
        fn coverage_reaches_the_level_and_ranks_enclose_the_quantile(
            n in 1u64..3_000, share in 0.01..0.99f64, level in 0.5..0.999f64,
        ) {
            let ranks = interval_ranks(n, share, level);
            prop_assert!(ranks.coverage >= level - 1e-9, "{ranks:?}");
            let rank = rank(n, share).unwrap();
            prop_assert!(ranks.low.is_none_or(|low| low <= rank));
            prop_assert!(ranks.high.is_none_or(|high| rank <= high));
        }
    }
}
