//! Time to an event that some never had: the Kaplan–Meier estimate with a log-log band.
//!
//! A run ends before every device has fallen out of step; those still in step are censored there,
//! and only their time without an event counts. Model: censoring does not depend on the event;
//! at equal times events come before censorings. The pointwise band takes Greenwood's variance on
//! the scale ln(−ln S), which keeps it between 0 and 1.
//!
//! Source: Kalbfleisch & Prentice, "The Statistical Analysis of Failure Time Data", section 1.4.

use super::{Interval, normal_quantile};

/// What was seen of one individual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime {
    /// When the event came, or how long none was seen, in ns.
    pub time_ns: u64,
    /// True if the event came; false if observation ended before it.
    pub event: bool,
}

/// The estimate from one time on, until the next step's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurvivalStep {
    /// When events or censorings happened, in ns.
    pub time_ns: u64,
    /// Individuals still observed and without event just before.
    pub at_risk: u64,
    /// Events at this time.
    pub events: u64,
    /// Observations that ended at this time without event.
    pub censored: u64,
    /// Estimated share without event after this time.
    pub survival: f64,
    /// Pointwise band; `None` while the estimate is 1 or once it is 0, where the scale has no value.
    pub band: Option<Interval>,
}

/// The Kaplan–Meier estimate: one step per distinct time, ascending; empty without lifetimes.
///
/// Sorts a copy: O(n log n).
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn kaplan_meier(lifetimes: &[Lifetime], level: f64) -> Vec<SurvivalStep> {
    let mut lifetimes = lifetimes.to_vec();
    lifetimes.sort_unstable();
    let counts: Vec<Departures> = lifetimes
        .chunk_by(|a, b| a.time_ns == b.time_ns)
        .map(|group| {
            let events = group.iter().filter(|lifetime| lifetime.event).count() as u64;
            Departures {
                time: group[0].time_ns,
                events,
                censored: group.len() as u64 - events,
            }
        })
        .collect();
    kaplan_meier_counts(&counts, level)
}

/// How many individuals left observation at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departures {
    /// The time, in any unit.
    pub time: u64,
    /// Events at this time.
    pub events: u64,
    /// Observations that ended at this time without event.
    pub censored: u64,
}

/// The Kaplan–Meier estimate from counts at ascending, distinct times.
///
/// # Panics
/// If `level` is not above 0 and below 1.
#[must_use]
pub fn kaplan_meier_counts(counts: &[Departures], level: f64) -> Vec<SurvivalStep> {
    let z = normal_quantile(level);
    let mut at_risk: u64 = counts.iter().map(|at| at.events + at.censored).sum();
    let mut survival = 1.0;
    let mut greenwood = 0.0;
    let mut steps = Vec::new();
    for at in counts {
        let Departures {
            time,
            events,
            censored,
        } = *at;
        if events > 0 {
            survival *= (at_risk - events) as f64 / at_risk as f64;
            greenwood += events as f64 / (at_risk as f64 * (at_risk - events) as f64);
        }
        let band = (survival > 0.0 && survival < 1.0).then(|| {
            let spread = z * libm::sqrt(greenwood) / -libm::log(survival);
            let (low, high) = (libm::exp(spread), libm::exp(-spread));
            Interval {
                low: libm::pow(survival, low),
                high: libm::pow(survival, high),
            }
        });
        steps.push(SurvivalStep {
            time_ns: time,
            at_risk,
            events,
            censored,
            survival,
            band,
        });
        at_risk -= events + censored;
    }
    steps
}

/// The interval of the time at which at most `share` is left (Brookmeyer and Crowley 1982): the
/// times at which the lower and the upper end of the band come down to it; `None` for an end that
/// never does.
#[must_use]
pub fn time_interval(steps: &[SurvivalStep], share: f64) -> (Option<u64>, Option<u64>) {
    let first = |end: fn(&Interval) -> f64| {
        let reached = |step: &&SurvivalStep| match &step.band {
            Some(band) => end(band) <= share,
            None => step.survival <= share,
        };
        steps.iter().find(reached).map(|step| step.time_ns)
    };
    (first(|band| band.low), first(|band| band.high))
}

/// The smallest time at which at most `share` is left without event; `None` if it never comes.
#[must_use]
pub fn time_until(steps: &[SurvivalStep], share: f64) -> Option<u64> {
    steps
        .iter()
        .find(|step| step.survival <= share)
        .map(|step| step.time_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::assert_close;

    /// Remission times in weeks under 6-mercaptopurine (Freireich et al. 1963), the textbook case.
    fn remission() -> Vec<Lifetime> {
        let events = [6, 6, 6, 7, 10, 13, 16, 22, 23].map(|time_ns| (time_ns, true));
        let censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map(|time| (time, false));
        let all = events.into_iter().chain(censored);
        all.map(|(time_ns, event)| Lifetime { time_ns, event })
            .collect()
    }

    #[test]
    fn estimate_and_band_match_the_textbook() {
        let steps = kaplan_meier(&remission(), 0.95);
        let expected = [
            (6, 21, 0.8571, 0.6197, 0.9516),
            (7, 17, 0.8067, 0.5631, 0.9228),
            (10, 15, 0.7529, 0.5032, 0.8894),
            (13, 12, 0.6902, 0.4316, 0.8491),
            (16, 11, 0.6275, 0.3675, 0.8049),
            (22, 7, 0.5378, 0.2678, 0.7468),
            (23, 6, 0.4482, 0.1881, 0.6801),
        ];
        let with_events: Vec<&SurvivalStep> = steps.iter().filter(|step| step.events > 0).collect();
        assert_eq!(with_events.len(), expected.len());
        for (step, (time_ns, at_risk, survival, low, high)) in with_events.iter().zip(expected) {
            assert_eq!((step.time_ns, step.at_risk), (time_ns, at_risk));
            assert_close(step.survival, survival, 5e-5);
            let band = step.band.expect("the estimate lies inside");
            assert_close(band.low, low, 5e-5);
            assert_close(band.high, high, 5e-5);
        }
        assert_eq!(time_until(&steps, 0.5), Some(23));
        assert_eq!(time_interval(&steps, 0.5), (Some(13), None));
        assert_eq!(time_until(&steps, 0.2), None);
    }

    #[test]
    fn nobody_failing_leaves_all_in_step_without_a_band() {
        let steps = kaplan_meier(
            &[Lifetime {
                time_ns: 9,
                event: false,
            }; 3],
            0.95,
        );
        assert_eq!(steps.len(), 1);
        assert_eq!(
            (steps[0].survival, steps[0].censored, steps[0].band),
            (1.0, 3, None)
        );
    }

    #[test]
    fn everybody_failing_at_once_leaves_nobody() {
        let steps = kaplan_meier(
            &[Lifetime {
                time_ns: 9,
                event: true,
            }; 3],
            0.95,
        );
        assert_eq!((steps[0].survival, steps[0].band), (0.0, None));
        assert!(kaplan_meier(&[], 0.95).is_empty());
    }
}
