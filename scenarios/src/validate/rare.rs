//! Rare events: that a busy period grows beyond a limit.
//!
//! **Source.** W. Feller, An Introduction to Probability Theory and Its Applications, vol. 1, 1968,
//! chapter XIV (ruin): a walk that goes up with probability p and down with q, a = q/p, comes from 1 to
//! K before it comes to 0 with (a-1)/(a^K-1).

use super::observe::Observed;
use super::queues::{Queue, share};
use super::{Case, Effort, Quantity};

/// Busy periods of an M/M/1 that hold K jobs at some time.
pub(super) fn rare_events(effort: Effort) -> Vec<Case> {
    let point = |(load, jobs): (f64, usize)| {
        let label = format!("K = {jobs}");
        let queue = Queue {
            family: "rare-events",
            label: &label,
            server: super::queues::EXPONENTIAL,
            link: "",
            load,
            services: 400_000,
        };
        let ratio = 1.0 / load;
        #[allow(clippy::cast_precision_loss, reason = "a small number")]
        let exact = (ratio - 1.0) / (libm::pow(ratio, jobs as f64) - 1.0);
        let reached = move |observed: &Observed| busy_periods(observed, jobs);
        queue.case(
            effort,
            vec![Quantity::observed(
                "busy periods that reach K",
                "share",
                exact,
                reached,
            )],
        )
    };
    [(0.5, 6), (0.5, 10), (0.3, 7)].map(point).into()
}

/// The share of complete busy periods in which `jobs` jobs were in the system at once.
fn busy_periods(observed: &Observed, jobs: usize) -> Option<f64> {
    // Arrivals and departures in order; at one instant who leaves goes first.
    let mut steps: Vec<(u64, bool)> = Vec::with_capacity(2 * observed.sessions.len());
    for session in &observed.sessions {
        steps.push((session.started_ns, true));
        steps.push((session.ended_ns, false));
    }
    steps.sort_unstable();
    let (mut inside, mut most, mut periods, mut reached) = (0usize, 0, 0, 0);
    for (_, arrives) in steps {
        if arrives {
            inside += 1;
            most = most.max(inside);
        } else {
            inside = inside.saturating_sub(1);
            if inside == 0 {
                periods += 1;
                reached += usize::from(most >= jobs);
                most = 0;
            }
        }
    }
    share(reached, periods)
}
