//! One long run in its steady state: where the warm-up ends (MSER-5), and the interval of a mean
//! from batch means.
//!
//! Source: White, "An Effective Truncation Heuristic for Bias Reduction in Simulation Output",
//! Simulation 69 (1997); Law, "Simulation Modeling and Analysis", chapter 9. Questions that end by
//! themselves (survival until an event) have no warm-up: nothing may be cut there.

use super::mean::{mean_and_deviation, student_interval};
use super::{Interval, check_level, normal_quantile};

/// Observations averaged before MSER looks at them.
const MSER_BATCH: usize = 5;
/// Batches of [`batch_means`]: enough for Student's t, few enough to be long.
pub const BATCHES: usize = 20;
/// Observations in a batch, at least.
pub const BATCH_MIN: usize = 10;

/// Why a series allows no statement about a steady state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SteadyError {
    /// Too few observations.
    Short {
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// MSER-5 would cut at the middle or beyond: the series is still warming up.
    WarmingUp,
    /// Neighbouring batches go together, so their means are no independent observations.
    Correlated,
}

impl core::fmt::Display for SteadyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Short { found, needed } => {
                write!(f, "{found} observations are too few, {needed} are needed")
            }
            Self::WarmingUp => f.write_str(
                "the series is too short: MSER-5 finds no end of the warm-up in its first half",
            ),
            Self::Correlated => {
                f.write_str("the series is too short: means of neighbouring batches are correlated")
            }
        }
    }
}

impl core::error::Error for SteadyError {}

/// How many observations at the start are warm-up, by MSER-5: a multiple of five.
///
/// Over the means Y of five observations each, the cut d minimises
/// Σ_{i≥d} (Y_i − mean_d)² / (n − d)², d in the first half.
///
/// # Errors
/// `Short` below 20 observations; `WarmingUp` when the best cut is the last one allowed.
pub fn mser5(series: &[f64]) -> Result<usize, SteadyError> {
    let means: Vec<f64> = series
        .chunks_exact(MSER_BATCH)
        .map(|five| five.iter().sum::<f64>() / 5.0)
        .collect();
    let n = means.len();
    if n < 4 {
        return Err(SteadyError::Short {
            found: series.len(),
            needed: 4 * MSER_BATCH,
        });
    }
    // From the end, so that each cut costs one step; shifted by the last mean, which keeps digits.
    let origin = means[n - 1];
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, n / 2);
    for (cut, mean) in means.iter().enumerate().rev() {
        let value = mean - origin;
        sum += value;
        squares += value * value;
        if cut > n / 2 {
            continue;
        }
        let kept = (n - cut) as f64;
        let score = (squares - sum * sum / kept).max(0.0) / (kept * kept);
        // Ties go to the earlier cut: what need not be thrown away is kept.
        if score <= best.0 {
            best = (score, cut);
        }
    }
    if best.1 == n / 2 {
        return Err(SteadyError::WarmingUp);
    }
    Ok(best.1 * MSER_BATCH)
}

/// What batch means say of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMeans {
    /// Mean of all batches.
    pub mean: f64,
    /// Its interval.
    pub interval: Interval,
    /// Standard deviation of the batch means.
    pub deviation: f64,
    /// Number of batches.
    pub batches: usize,
    /// Observations in each; what is left over at the start is not used.
    pub batch: usize,
    /// Correlation of neighbouring batch means.
    pub lag_one: f64,
}

/// The mean of a correlated series from means of 20 batches, with Student's t over them.
///
/// The von Neumann ratio tests whether neighbouring batch means go together.
///
/// # Errors
/// `Short` below ten observations a batch; `Correlated` when the test rejects at 1 %.
///
/// # Panics
/// If `level` is not above 0 and below 1.
pub fn batch_means(series: &[f64], level: f64) -> Result<BatchMeans, SteadyError> {
    check_level(level);
    let batch = series.len() / BATCHES;
    if batch < BATCH_MIN {
        return Err(SteadyError::Short {
            found: series.len(),
            needed: BATCHES * BATCH_MIN,
        });
    }
    let used = &series[series.len() - batch * BATCHES..];
    let means: Vec<f64> = used
        .chunks_exact(batch)
        .map(|part| mean_and_deviation(part).map_or(0.0, |(mean, _)| mean))
        .collect();
    of_batches(&means, batch, level)
}

/// The same of batch means that the caller has found, of `batch` observations each: for ratios, whose
/// batches are quotients of sums.
///
/// # Errors
/// `Short` below [`BATCHES`] means; `Correlated` when the test rejects at 1 %.
///
/// # Panics
/// If `level` is not above 0 and below 1.
pub fn of_batches(means: &[f64], batch: usize, level: f64) -> Result<BatchMeans, SteadyError> {
    check_level(level);
    let short = SteadyError::Short {
        found: means.len() * batch,
        needed: BATCHES * BATCH_MIN,
    };
    if means.len() < BATCHES {
        return Err(short);
    }
    let lag_one = lag_one(means);
    // Under independence the lag-one correlation of b means is nearly normal with variance
    // (b - 2) / (b² - 1); only a positive one makes the interval too short.
    let b = means.len() as f64;
    let spread = ((b - 2.0) / (b * b - 1.0)).sqrt();
    if lag_one > normal_quantile(0.98) * spread {
        return Err(SteadyError::Correlated);
    }
    let (mean, deviation) = mean_and_deviation(means).ok_or(short)?;
    let deviation = deviation.unwrap_or(0.0);
    let interval = student_interval(mean, deviation, means.len() as u64, level).ok_or(short)?;
    Ok(BatchMeans {
        mean,
        interval,
        deviation,
        batches: means.len(),
        batch,
        lag_one,
    })
}

/// Correlation of neighbours; 0 where nothing varies.
fn lag_one(values: &[f64]) -> f64 {
    let Some((mean, _)) = mean_and_deviation(values) else {
        return 0.0;
    };
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let products: f64 = values
        .windows(2)
        .map(|pair| (pair[0] - mean) * (pair[1] - mean))
        .sum();
    if squares > 0.0 {
        products / squares
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::statistics::assert_close;

    /// Standard normal values from a small generator; for tests only.
    struct Noise(u64);

    impl Noise {
        fn uniform(&mut self) -> f64 {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            ((z >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
        }

        fn normal(&mut self) -> f64 {
            let (u, v) = (self.uniform(), self.uniform());
            (-2.0 * libm::log(u)).sqrt() * libm::cos(core::f64::consts::TAU * v)
        }
    }

    /// X_t = phi X_{t-1} + e_t around `mean`, from `start`.
    fn autoregressive(seed: u64, n: usize, phi: f64, mean: f64, start: f64) -> Vec<f64> {
        let mut noise = Noise(seed);
        let mut state = start - mean;
        (0..n)
            .map(|_| {
                state = phi * state + noise.normal();
                mean + state
            })
            .collect()
    }

    #[test]
    fn mser_cuts_a_step_exactly_at_its_end() {
        let mut series = vec![100.0; 50];
        series.extend((0..450).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }));
        assert_eq!(mser5(&series), Ok(50));
    }

    #[test]
    fn mser_cuts_nothing_of_a_flat_series_and_refuses_a_ramp() {
        assert_eq!(mser5(&[3.0; 100]), Ok(0));
        let ramp: Vec<f64> = (0..500).map(f64::from).collect();
        assert_eq!(mser5(&ramp), Err(SteadyError::WarmingUp));
        assert!(matches!(mser5(&[1.0; 19]), Err(SteadyError::Short { .. })));
    }

    #[test]
    fn mser_by_hand() {
        // Means of five: 9, 1, 1.2, 0.8, 1, 1. The sums of squares over (n-d)²:
        // d=0: 53.4133/36, d=1: 0.08/25 = 0.0032, d=2: 0.08/16 = 0.005, d=3: 0.02667/9 = 0.00296.
        // d=3 is the middle of six, which is refused.
        let five = |value: f64| vec![value; 5];
        let series = [9.0, 1.0, 1.2, 0.8, 1.0, 1.0].map(five).concat();
        assert_eq!(mser5(&series), Err(SteadyError::WarmingUp));
        // With a quiet eighth and ninth the best cut is d=1: 0.08/64 against 0.08/49, 0.0286/36.
        let series = [9.0, 1.0, 1.0, 1.0, 1.1, 0.9, 1.1, 0.9].map(five).concat();
        assert_eq!(mser5(&series), Ok(5));
    }

    #[test]
    fn batch_means_by_hand() {
        // Twenty batches of ten whose means are 0, 1, 0, 1, ...: mean 1/2, deviation √(5/19).
        let series: Vec<f64> = (0..200).map(|i| f64::from((i / 10) % 2)).collect();
        let found = batch_means(&series, 0.95).unwrap();
        assert_close(found.mean, 0.5, 1e-12);
        let half = 2.093_024_054_4 * (5.0_f64 / 19.0).sqrt() / 20.0_f64.sqrt();
        assert_close(found.interval.high - 0.5, half, 1e-9);
        assert_close(found.lag_one, -0.95, 1e-12);
        assert!(matches!(
            batch_means(&series[..199], 0.95),
            Err(SteadyError::Short { .. })
        ));
    }

    #[test]
    fn batches_shorter_than_the_correlation_are_refused() {
        let series = autoregressive(1, 400, 0.995, 0.0, 10.0);
        assert_eq!(batch_means(&series, 0.95), Err(SteadyError::Correlated));
    }

    #[test]
    fn intervals_of_an_autoregressive_mean_cover_it() {
        // The naive interval over single observations would cover about a third.
        let covered = (0..400)
            .filter(|seed| {
                let series = autoregressive(*seed * 7919 + 1, 8_000, 0.9, 5.0, 5.0);
                batch_means(&series, 0.95)
                    .is_ok_and(|found| found.interval.low <= 5.0 && 5.0 <= found.interval.high)
            })
            .count();
        // Bin(400, 0.95) lies in 362..=396 at 99.9 %; a refusal (1 %) counts as a miss.
        assert!((356..=396).contains(&covered), "{covered} of 400");
    }
}
