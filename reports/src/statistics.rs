//! Intervals, quantiles and survival: what a number from a simulation is worth.
//!
//! Sits between stored rows and what is shown: the runner and the figures call it. Every interval is
//! two-sided at a stated level (above 0, below 1); which method suits what:
//!
//! | question | method | module |
//! |---|---|---|
//! | mean of replications | Student t | [`mean`] |
//! | a rate, in a figure | Wilson score | [`proportion`] |
//! | a rate, in a claim | Clopper–Pearson (exact) | [`proportion`] |
//! | a count of rare events | Garwood (exact) | [`proportion`] |
//! | a quantile | order statistics | [`quantile`] |
//! | a distribution | empirical, with a Dvoretzky–Kiefer–Wolfowitz band | [`distribution`] |
//! | time to an event, some not seen | Kaplan–Meier, Greenwood log-log band | [`survival`] |
//! | the mean of one long run | MSER-5 for the warm-up, batch means | [`steady`] |
//! | two alternatives under the same luck | paired t, with the correlation; Holm for many | [`paired`] |
//! | how many replications | sequential stopping with guards | [`sequential`] |
//! | may t be trusted | skewness, Cochran's rule | [`shape`] |
//!
//! Determinism: sums of integers are integers; sums of floats run in the order given. The beta
//! function is this crate's own, the other distribution functions come from `statrs`, logarithms and powers from `libm`, so results do not depend on the
//! platform's mathematical library.

mod beta;
pub mod distribution;
pub mod mean;
pub mod paired;
pub mod proportion;
pub mod quantile;
pub mod sequential;
pub mod shape;
pub mod steady;
pub mod survival;

/// The ends of an interval, `low <= high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The standard normal quantile that leaves `(1 - level) / 2` above it.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn normal_quantile(level: f64) -> f64 {
    use statrs::distribution::{ContinuousCDF, Normal};
    check_level(level);
    Normal::standard().inverse_cdf(0.5 + level / 2.0)
}

/// Refuses levels that are no probability strictly between none and all.
fn check_level(level: f64) {
    assert!(
        level > 0.0 && level < 1.0,
        "a level lies above 0 and below 1, not at {level}"
    );
}

#[cfg(test)]
fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "found {found}, expected {expected}"
    );
}
