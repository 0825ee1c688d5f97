//! The empirical distribution function and a band for the true one.
//!
//! Source of the band: Massart, "The Tight Constant in the Dvoretzky–Kiefer–Wolfowitz Inequality",
//! Annals of Probability 18 (1990).

use super::{Interval, check_level};

/// One step of an empirical distribution function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmpiricalStep {
    /// Where the function steps.
    pub value: u64,
    /// Share of observations at or below `value`.
    pub share: f64,
}

/// The steps of the empirical distribution function of `sorted` ascending values, one per distinct
/// value, ascending; empty without values.
#[must_use]
pub fn empirical(sorted: &[u64]) -> Vec<EmpiricalStep> {
    debug_assert!(
        sorted.is_sorted(),
        "a distribution is read from sorted values"
    );
    let n = sorted.len() as f64;
    let mut steps = Vec::new();
    for (index, value) in sorted.iter().enumerate() {
        if sorted.get(index + 1) != Some(value) {
            steps.push(EmpiricalStep {
                value: *value,
                share: (index + 1) as f64 / n,
            });
        }
    }
    steps
}

/// Half the height of the band that holds the whole true distribution function at `level`:
/// √(ln(2 / (1 − level)) / 2n). At most 1; 1 without observations.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn band_half_height(n: u64, level: f64) -> f64 {
    check_level(level);
    if n == 0 {
        return 1.0;
    }
    (libm::log(2.0 / (1.0 - level)) / (2.0 * n as f64))
        .sqrt()
        .min(1.0)
}

/// The band at a step of height `share`, cut to 0 and 1.
#[must_use]
pub fn band(share: f64, half_height: f64) -> Interval {
    Interval {
        low: (share - half_height).max(0.0),
        high: (share + half_height).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::assert_close;

    #[test]
    fn ties_make_one_step() {
        let steps = empirical(&[3, 3, 5, 9]);
        let pairs: Vec<(u64, f64)> = steps.iter().map(|step| (step.value, step.share)).collect();
        assert_eq!(pairs, [(3, 0.5), (5, 0.75), (9, 1.0)]);
        assert!(empirical(&[]).is_empty());
    }

    #[test]
    fn the_band_shrinks_with_the_root_of_n() {
        // The asymptotic Kolmogorov critical value at 95 % is 1.3581 / √n.
        assert_close(band_half_height(100, 0.95), 0.135_810, 5e-7);
        assert_close(band_half_height(10_000, 0.95), 0.013_581_0, 5e-8);
        assert_eq!(band_half_height(1, 0.95), 1.0);
        assert_eq!(band_half_height(0, 0.95), 1.0);
    }

    #[test]
    fn the_band_stays_between_none_and_all() {
        assert_eq!(band(0.02, 0.1).low, 0.0);
        assert_eq!(band(0.95, 0.1).high, 1.0);
    }
}
