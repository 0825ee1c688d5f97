//! Rates and counts: Wilson, Clopper–Pearson, Garwood, and the exact binomial test.
//!
//! Source: Brown, Cai & DasGupta, "Interval Estimation for a Binomial Proportion", Statistical
//! Science 16 (2001); Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28 (1936).

use statrs::distribution::{ContinuousCDF, Gamma};

use super::{Interval, beta, check_level, normal_quantile};

/// The Wilson score interval of a rate; `None` without trials.
///
/// Near the level on average, and shorter than the exact interval: for figures.
///
/// # Panics
/// If `successes` exceeds `trials`, or `level` is not above 0 and below 1.
#[must_use]
pub fn wilson(successes: u64, trials: u64, level: f64) -> Option<Interval> {
    check_counts(successes, trials);
    let z = normal_quantile(level);
    if trials == 0 {
        return None;
    }
    let (n, share) = (trials as f64, successes as f64 / trials as f64);
    Some(score_interval(share, n, z))
}

/// The Wilson score interval of a rate whose trials come in runs: from the mean of the runs' rates and
/// their standard deviation.
///
/// The effective number of trials is the one whose binomial variance is that of the mean over runs,
/// and the quantile is Student's, since that variance is estimated. Source: Korn and Graubard,
/// "Confidence intervals for proportions with small expected number of positive counts estimated from
/// survey data", Survey Methodology 24 (1998). Where no run shows anything, or every one does, a run
/// counts as one trial. `None` below two runs or where the mean is no share.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn wilson_over_runs(mean: f64, deviation: f64, runs: u64, level: f64) -> Option<Interval> {
    if runs < 2 || !(0.0..=1.0).contains(&mean) || !deviation.is_finite() {
        return None;
    }
    let binomial = mean * (1.0 - mean);
    if binomial <= 0.0 {
        return Some(score_interval(mean, runs as f64, normal_quantile(level)));
    }
    let variance = deviation * deviation / runs as f64;
    if variance <= 0.0 {
        // All runs are equal by chance or by design; the spread tells nothing.
        return None;
    }
    let t = super::mean::student_quantile(runs, level)?;
    Some(score_interval(mean, binomial / variance, t))
}

/// Wilson's interval of an observed share over `n` trials.
fn score_interval(share: f64, n: f64, z: f64) -> Interval {
    let scale = 1.0 + z * z / n;
    let centre = (share + z * z / (2.0 * n)) / scale;
    let half_width = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    // The ends at 0 and 1 are exact in theory; rounding must not move them.
    let low = if share <= 0.0 {
        0.0
    } else {
        (centre - half_width).max(0.0)
    };
    let high = if share >= 1.0 {
        1.0
    } else {
        (centre + half_width).min(1.0)
    };
    Interval { low, high }
}

/// The Clopper–Pearson interval of a rate; `None` without trials.
///
/// Covers at least at the level for every true rate: for claims. Trials must be independent; where
/// they are clustered in replications, the replication is the trial.
///
/// # Panics
/// If `successes` exceeds `trials`, or `level` is not above 0 and below 1.
#[must_use]
pub fn clopper_pearson(successes: u64, trials: u64, level: f64) -> Option<Interval> {
    check_counts(successes, trials);
    check_level(level);
    if trials == 0 {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    let quantile = |a: u64, b: u64, share: f64| beta::inverse(a as f64, b as f64, share);
    let failures = trials - successes;
    let low = if successes == 0 {
        0.0
    } else {
        quantile(successes, failures + 1, tail)
    };
    let high = if failures == 0 {
        1.0
    } else {
        quantile(successes + 1, failures, 1.0 - tail)
    };
    Some(Interval { low, high })
}

/// The Garwood interval of the mean of a Poisson count, after one observation of `count`.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn garwood(count: u64, level: f64) -> Interval {
    check_level(level);
    let tail = (1.0 - level) / 2.0;
    let gamma = |shape: u64, share: f64| {
        Gamma::new(shape as f64, 1.0)
            .expect("the shape is positive")
            .inverse_cdf(share)
    };
    let low = if count == 0 { 0.0 } else { gamma(count, tail) };
    Interval {
        low,
        high: gamma(count + 1, 1.0 - tail),
    }
}

/// The counts that an exact test at `level` accepts when the rate is `rate`: fewest and most.
///
/// Each tail outside has at most probability `(1 - level) / 2`; a count outside refutes the rate.
///
/// # Panics
/// If `rate` is not between 0 and 1, or `level` not above 0 and below 1.
#[must_use]
pub fn accepted_counts(trials: u64, rate: f64, level: f64) -> (u64, u64) {
    check_level(level);
    let tail = (1.0 - level) / 2.0;
    check_rate(rate);
    let least = first_count(trials, |count| at_most(count, trials, rate) > tail);
    let most = first_count(trials, |count| more_than(count, trials, rate) <= tail);
    (least, most)
}

/// The probability of at least `successes` in `trials` when the rate is `rate`.
///
/// # Panics
/// If `successes` exceeds `trials`, or `rate` is not between 0 and 1.
#[must_use]
pub fn upper_tail(successes: u64, trials: u64, rate: f64) -> f64 {
    check_counts(successes, trials);
    check_rate(rate);
    successes
        .checked_sub(1)
        .map_or(1.0, |fewer| more_than(fewer, trials, rate))
}

/// The probability of at most `count` in `trials`.
fn at_most(count: u64, trials: u64, rate: f64) -> f64 {
    if count >= trials {
        return 1.0;
    }
    beta::regularized((trials - count) as f64, (count + 1) as f64, 1.0 - rate)
}

/// The probability of more than `count` in `trials`.
fn more_than(count: u64, trials: u64, rate: f64) -> f64 {
    if count >= trials {
        return 0.0;
    }
    beta::regularized((count + 1) as f64, (trials - count) as f64, rate)
}

/// The smallest count up to `trials` that satisfies a monotone condition; `trials` if none does.
fn first_count(trials: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, trials);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn check_rate(rate: f64) {
    assert!((0.0..=1.0).contains(&rate), "{rate} is no rate");
}

fn check_counts(successes: u64, trials: u64) {
    assert!(
        successes <= trials,
        "{successes} successes in {trials} trials"
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::statistics::assert_close;
    use proptest::prelude::*;

    #[test]
    fn runs_as_trials_give_wilsons_interval_of_as_many_trials() {
        // Independent trials: 30 runs of 40, the deviation of a run's rate is √(0.2 · 0.8 / 40). With
        // Student's quantile at 29 degrees of freedom in place of 1.96.
        let deviation = (0.2_f64 * 0.8 / 40.0).sqrt();
        let found = wilson_over_runs(0.2, deviation, 30, 0.95).unwrap();
        let expected = score_interval(0.2, 1200.0, 2.045_229_642_1);
        assert_close(found.low, expected.low, 1e-9);
        assert_close(found.high, expected.high, 1e-9);
        // Nothing seen in any run: as many trials as runs.
        let none = wilson_over_runs(0.0, 0.0, 100, 0.95).unwrap();
        assert_eq!(none, wilson(0, 100, 0.95).unwrap());
        assert_close(none.high, 0.036_993_5, 5e-8);
        assert_eq!(wilson_over_runs(0.5, 0.1, 1, 0.95), None);
    }

    #[test]
    fn nothing_in_a_hundred_still_has_an_upper_bound() {
        let interval = wilson(0, 100, 0.95).unwrap();
        assert_eq!(interval.low, 0.0);
        assert_close(interval.high, 0.036_993_5, 5e-8);
        // The rule of three is the one-sided 95 % bound, hence two-sided at 90 %.
        assert_close(
            clopper_pearson(0, 100, 0.90).unwrap().high,
            0.029_513_0,
            5e-8,
        );
    }

    #[test]
    fn three_in_a_thousand_matches_the_reference() {
        let interval = wilson(3, 1000, 0.999).unwrap();
        assert_close(interval.low, 0.000_553_221, 5e-10);
        assert_close(interval.high, 0.016_094_1, 5e-8);
        let interval = clopper_pearson(3, 1000, 0.999).unwrap();
        assert_close(interval.low, 0.000_149_843, 5e-10);
        assert_close(interval.high, 0.013_858_1, 5e-8);
    }

    #[test]
    fn millions_of_trials_have_an_exact_interval_too() {
        let none = clopper_pearson(0, 24_000_000, 0.95).unwrap();
        assert_eq!(none.low, 0.0);
        assert_close(none.high, 1.537_032_987_757_274_4e-7, 1e-16);
        let few = clopper_pearson(23_871, 24_000_000, 0.95).unwrap();
        assert_close(few.low, 0.000_982_053_201_769_530_4, 1e-12);
        assert_close(few.high, 0.001_007_317_418_056_552_5, 1e-12);
        let half = clopper_pearson(500_000, 1_000_000, 0.95).unwrap();
        assert_close(half.low, 0.499_019_519_195_311_84, 1e-9);
        assert_close(half.high, 0.500_980_480_804_688_2, 1e-9);
    }

    #[test]
    fn poisson_counts_match_the_tables() {
        let none = garwood(0, 0.95);
        assert_eq!(none.low, 0.0);
        assert_close(none.high, 3.688_879, 5e-7);
        let ten = garwood(10, 0.95);
        assert_close(ten.low, 4.795_389, 5e-7);
        assert_close(ten.high, 18.390_356, 5e-7);
    }

    #[test]
    fn no_trials_give_no_interval() {
        assert_eq!(wilson(0, 0, 0.95), None);
        assert_eq!(clopper_pearson(0, 0, 0.95), None);
    }

    #[test]
    fn a_fair_coin_is_accepted_between_forty_and_sixty_of_a_hundred() {
        assert_eq!(accepted_counts(100, 0.5, 0.95), (40, 60));
        assert_eq!(accepted_counts(100, 0.0, 0.95), (0, 0));
        assert_eq!(accepted_counts(100, 1.0, 0.95), (100, 100));
        assert_close(upper_tail(60, 100, 0.5), 0.028_443_97, 5e-9);
        assert_eq!(upper_tail(0, 100, 0.5), 1.0);
    }

    proptest! {
        #[test]
        fn intervals_hold_the_observed_rate(
            trials in 1u64..5_000,
            share in 0.0..=1.0f64,
            level in 0.5..0.9999f64,
        ) {
            let successes = ((trials as f64 * share) as u64).min(trials);
            let rate = successes as f64 / trials as f64;
            let intervals = [wilson(successes, trials, level), clopper_pearson(successes, trials, level)];
            for interval in intervals {
                let interval = interval.unwrap();
                prop_assert!(0.0 <= interval.low && interval.high <= 1.0);
                prop_assert!(interval.low <= rate && rate <= interval.high, "{interval:?} {rate}");
            }
        }
    }
}
