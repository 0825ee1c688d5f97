//! Laws given as a table of probabilities and values: measured quantiles.
//!
//! Between two points the quantile function is linear. Below the first and above the last point it
//! stays at their values: nothing is extrapolated, so a table that does not begin at 0 or does not
//! end at 1 has atoms there.

use std::sync::Arc;

use super::{Form, Law, LawError, finite};

/// One point of the quantile function.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// Probability, 0 to 1.
    pub probability: f64,
    /// The value below which the law lies with this probability.
    pub value: f64,
}

impl Law {
    /// Linear interpolation between points of the quantile function.
    ///
    /// # Errors
    /// If there is no point, a number is not finite, a probability lies outside 0 to 1, the
    /// probabilities do not increase, or the values decrease.
    pub fn table(points: &[Point]) -> Result<Self, LawError> {
        if points.is_empty() {
            return Err(LawError::Empty);
        }
        for point in points {
            finite("quantile", point.value)?;
            if !(0.0..=1.0).contains(&point.probability) {
                return Err(LawError::NotProbability {
                    parameter: "probability",
                    value: point.probability,
                });
            }
        }
        let ascends = |pair: &[Point]| {
            pair[0].probability < pair[1].probability && pair[0].value <= pair[1].value
        };
        if !points.windows(2).all(ascends) {
            return Err(LawError::Order {
                low: "a point",
                high: "the next",
            });
        }
        Ok(Self(Form::Table(Arc::from(points))))
    }
}

/// The value at probability `p`.
pub(super) fn quantile(points: &[Point], p: f64) -> f64 {
    let next = points.partition_point(|point| point.probability < p);
    match (
        next.checked_sub(1).and_then(|at| points.get(at)),
        points.get(next),
    ) {
        (Some(low), Some(high)) => {
            let share = (p - low.probability) / (high.probability - low.probability);
            low.value + (high.value - low.value) * share
        }
        (Some(end), None) | (None, Some(end)) => end.value,
        (None, None) => 0.0,
    }
}

/// The exact mean, atoms at both ends included.
pub(super) fn mean(points: &[Point]) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return 0.0;
    };
    let between: f64 = points
        .windows(2)
        .map(|pair| {
            (pair[1].probability - pair[0].probability) * (pair[0].value + pair[1].value) / 2.0
        })
        .sum();
    first.probability * first.value + between + (1.0 - last.probability) * last.value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(points: &[(f64, f64)]) -> Result<Law, LawError> {
        let points: Vec<Point> = points
            .iter()
            .map(|&(probability, value)| Point { probability, value })
            .collect();
        Law::table(&points)
    }

    #[test]
    fn quantiles_lie_on_lines_between_the_points_and_stay_at_the_ends() {
        let law = law(&[(0.1, 10.0), (0.5, 20.0), (0.9, 100.0)]).unwrap();
        for (p, value) in [
            (0.05, 10.0),
            (0.1, 10.0),
            (0.3, 15.0),
            (0.7, 60.0),
            (0.99, 100.0),
        ] {
            assert!(
                (law.quantile(p) - value).abs() < 1e-9,
                "{p}: {}",
                law.quantile(p)
            );
        }
        // 0.1 * 10 + 0.4 * 15 + 0.4 * 60 + 0.1 * 100.
        assert!((law.mean() - 41.0).abs() < 1e-9);
    }

    #[test]
    fn tables_that_are_no_quantile_function_are_refused() {
        assert_eq!(law(&[]), Err(LawError::Empty));
        for points in [
            [(0.5, 1.0), (0.5, 2.0)],
            [(0.5, 2.0), (0.6, 1.0)],
            [(0.5, 1.0), (1.5, 2.0)],
            [(f64::NAN, 1.0), (0.5, 2.0)],
        ] {
            assert!(law(&points).is_err(), "{points:?}");
        }
    }
}
