//! When a point has seen enough replications: sequential stopping with its guards.
//!
//! Looking again and again and stopping at the first good moment stops too early; so one looks only
//! at geometrically spaced checkpoints, from a minimum on, and demands two looks in a row inside
//! the target. A fixed maximum ends it in any case. Source: Pawlikowski, "Steady-State Simulation of
//! Queueing Processes", ACM Computing Surveys 22 (1990).

use super::Interval;

/// Checkpoints grow by this ratio: half as many again each time.
const GROWTH: (u64, u64) = (3, 2);

/// Looks in a row that must be inside the target.
const LOOKS: u32 = 2;

/// The numbers of replications at which one looks: `min`, then half as many again, up to `max`.
pub fn checkpoints(min: u64, max: u64) -> impl Iterator<Item = u64> {
    let mut next = Some(min.min(max).max(1));
    core::iter::from_fn(move || {
        let now = next?;
        let grown = now.saturating_mul(GROWTH.0).div_ceil(GROWTH.1).max(now + 1);
        next = (now < max).then(|| grown.min(max));
        Some(now)
    })
}

/// Half the width of `interval` in units of `mean`; `None` where the mean is 0.
#[must_use]
pub fn relative_half_width(mean: f64, interval: Interval) -> Option<f64> {
    (mean != 0.0).then(|| (interval.high - interval.low) / 2.0 / mean.abs())
}

/// Counts looks; one per point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks(u32);

impl Looks {
    /// Notes a look; true when it was the one to stop at.
    pub fn note(&mut self, inside: bool) -> bool {
        self.0 = if inside { self.0 + 1 } else { 0 };
        self.0 >= LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_spaced_geometrically_and_end_at_the_maximum() {
        let all: Vec<u64> = checkpoints(10, 100).collect();
        assert_eq!(all, [10, 15, 23, 35, 53, 80, 100]);
        assert_eq!(checkpoints(1, 4).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(checkpoints(10, 10).collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn two_looks_in_a_row_are_wanted() {
        let mut looks = Looks::default();
        let stops = [true, false, true, true].map(|inside| looks.note(inside));
        assert_eq!(stops, [false, false, false, true]);
    }

    #[test]
    fn a_mean_of_zero_has_no_relative_width() {
        let interval = Interval {
            low: -1.0,
            high: 1.0,
        };
        assert_eq!(relative_half_width(0.0, interval), None);
        assert_eq!(relative_half_width(-4.0, interval), Some(0.25));
    }
}
