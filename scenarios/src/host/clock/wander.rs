//! What a group's clocks do beside offset and drift: a random walk and steps.

use std::cell::RefCell;

use sim_engine::{Law, Streams};

/// Levels of the walk's construction: it has 2^40 steps.
const LEVELS: u32 = 40;

/// The random walk and the steps of the clocks of a group.
#[derive(Debug)]
pub struct Wander {
    /// Standard deviation of a step, ns, and the span between steps, ns.
    walk: Option<(f64, u64)>,
    /// Jumps: when and how far, ns.
    steps: Vec<(u64, i64)>,
    /// The stream of each member's walk.
    names: Vec<u64>,
    normal: Law,
    streams: RefCell<Streams>,
}

impl Wander {
    /// Clocks that walk and jump; `None` where they do neither.
    #[must_use]
    pub fn new(
        walk: Option<(u64, u64)>,
        steps: Vec<(u64, i64)>,
        names: Vec<u64>,
        streams: Streams,
    ) -> Option<Self> {
        if walk.is_none() && steps.is_empty() {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "a span of a scenario")]
        let walk = walk.map(|(sd, every)| (sd as f64, every));
        Some(Self {
            walk,
            steps,
            names,
            normal: Law::normal(0.0, 1.0, f64::NEG_INFINITY, f64::INFINITY).unwrap_or(Law::ZERO),
            streams: RefCell::new(streams),
        })
    }

    /// What is to be added to the reading of member `member` at `true_ns`.
    #[must_use]
    pub fn at(&self, member: u32, true_ns: u64) -> i64 {
        let jumps = self.steps.iter().filter(|(at, _)| *at <= true_ns);
        let jumped = jumps.fold(0i64, |sum, (_, by)| sum.saturating_add(*by));
        #[allow(clippy::cast_possible_truncation, reason = "such casts saturate")]
        let walked = self.walked(member, true_ns) as i64;
        jumped.saturating_add(walked)
    }

    /// The walk after the steps up to `true_ns`, found by halving: each number is drawn at its own
    /// place, so that a reading costs some forty draws wherever it lies and depends on no other.
    fn walked(&self, member: u32, true_ns: u64) -> f64 {
        let Some((sd, every)) = self.walk else {
            return 0.0;
        };
        let Some(name) = self.names.get(member as usize) else {
            return 0.0;
        };
        let step = true_ns / every;
        let mut streams = self.streams.borrow_mut();
        let mut draw = |place: u64| self.normal.sample(streams.block(*name, place)[0]);
        if step == 0 {
            return 0.0;
        }
        let (mut from, mut to) = (0u64, 1u64 << LEVELS);
        let step = step.min(to);
        let mut low = 0.0;
        #[allow(clippy::cast_precision_loss, reason = "a power of two")]
        let mut high = libm::sqrt(to as f64) * draw(0);
        // The middle of an interval lies between its ends, off by half the root of its length.
        let mut place = 1u64;
        while step != to {
            let middle = from + (to - from) / 2;
            #[allow(clippy::cast_precision_loss, reason = "a power of two")]
            let spread = libm::sqrt((to - from) as f64) / 2.0;
            let between = f64::midpoint(low, high) + spread * draw(place);
            if step >= middle {
                (from, low) = (middle, between);
                place = 2 * place + 1;
            } else {
                (to, high) = (middle, between);
                place *= 2;
            }
            if step == from {
                return sd * low;
            }
        }
        sd * high
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sim_engine::Seed;

    fn wander(members: u64) -> Wander {
        let names = (1..=members).collect();
        Wander::new(
            Some((1_000, 1_000_000_000)),
            Vec::new(),
            names,
            Seed::new(7, 0).streams(),
        )
        .unwrap()
    }

    /// Variance grows with the number of steps: 4000 walks after 1, 10 and 100 steps, and the steps
    /// between are independent of what was before.
    #[test]
    fn variance_grows_linearly_and_increments_are_independent() {
        let members = 4_000u32;
        let wander = wander(u64::from(members));
        let at = |member, seconds: u64| wander.at(member, seconds * 1_000_000_000) as f64 / 1_000.0;
        // 99.9 % of a chi-squared variance of 4000: a factor of about 1 +- 0.0736.
        for seconds in [1, 10, 100] {
            let squares: f64 = (0..members).map(|m| at(m, seconds) * at(m, seconds)).sum();
            let ratio = squares / f64::from(members) / seconds as f64;
            assert!((ratio - 1.0).abs() < 0.0736, "{seconds}: {ratio}");
        }
        let products: f64 = (0..members)
            .map(|m| at(m, 10) * (at(m, 17) - at(m, 10)))
            .sum();
        let correlation = products / f64::from(members) / libm::sqrt(70.0);
        assert!(correlation.abs() < 0.052, "{correlation}");
    }

    #[test]
    fn a_reading_depends_on_no_other() {
        let (one, other) = (wander(3), wander(3));
        let late = one.at(2, 5_000_000_000_000);
        for seconds in 0..1_000 {
            let _ = other.at(2, seconds * 1_000_000_000);
        }
        assert_eq!(other.at(2, 5_000_000_000_000), late);
        assert_eq!(one.at(2, 999_999_999), 0);
    }

    #[test]
    fn steps_add_up_from_their_instants_on() {
        let steps = vec![(10, 5), (20, -7)];
        let wander = Wander::new(None, steps, vec![1], Seed::new(7, 0).streams()).unwrap();
        assert_eq!([9, 10, 19, 20].map(|at| wander.at(0, at)), [0, 5, 5, -2]);
    }
}
