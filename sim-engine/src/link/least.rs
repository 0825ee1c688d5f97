//! What a packet takes at least: how far apart the two ends of a link can be run.

use super::transit::serialisation;
use super::{LinkParams, Reordering};
use crate::law::Law;
use crate::time::SimDuration;

impl LinkParams {
    /// A time that every packet takes at least from its offer to its arrival: serialisation of the
    /// bytes that every packet has, and the least value of each law. 0 where a packet may overtake
    /// the propagation.
    #[must_use]
    pub fn least_delay(&self) -> SimDuration {
        let sent = serialisation(u64::from(self.overhead_bytes), self.rate_bps);
        if matches!(self.reordering, Some(Reordering::Ahead { .. })) {
            return sent;
        }
        let propagation = match &self.delay_replay {
            Some(recording) => SimDuration(recording.iter().copied().min().unwrap_or(0)),
            None => least(&self.delay),
        };
        let jitter = match self.jitter_correlation {
            // Its process reaches further into the tail than a single draw does.
            Some(_) => SimDuration::ZERO,
            None => least(&self.jitter),
        };
        let all = sent.0.saturating_add(propagation.0);
        SimDuration(all.saturating_add(jitter.0))
    }

    /// A time that every packet takes at least from a tap, which stands half-way of the propagation,
    /// to its arrival.
    #[must_use]
    pub fn least_after_tap(&self) -> SimDuration {
        let sent = serialisation(u64::from(self.overhead_bytes), self.rate_bps);
        SimDuration((self.least_delay().0 - sent.0) / 2)
    }
}

/// The value for the smallest draw. A quantile function ascends but for its last digits, for which
/// a millionth is taken off.
fn least(law: &Law) -> SimDuration {
    let value = law.sample_ns(0);
    match law.as_constant() {
        Some(_) => value,
        None => SimDuration(value.0.saturating_sub(value.0 / 1_000_000 + 1)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rng::Probability;

    #[test]
    fn no_draw_gives_less() {
        let laws = [
            Law::uniform(2e6, 9e6).unwrap(),
            Law::lognormal(20e6, 0.4).unwrap(),
            Law::exponential(5e6, 1e6).unwrap(),
            Law::normal(1e6, 1e5, 0.0, f64::INFINITY).unwrap(),
            Law::gamma(2.0, 1e6).unwrap(),
            Law::empirical(&[3e6, 4e6, 8e6]).unwrap(),
            Law::constant(7.0).unwrap(),
        ];
        for law in laws {
            let bound = least(&law);
            for draw in (0..64).map(|bit| 1u64 << bit).chain([0, u64::MAX]) {
                assert!(law.sample_ns(draw) >= bound, "{law} {draw}");
            }
        }
    }

    #[test]
    fn preamble_and_laws_add_up_and_a_packet_that_goes_ahead_has_no_propagation() {
        let mut params = LinkParams {
            rate_bps: Some(1_000_000),
            overhead_bytes: 100,
            delay: Law::constant(5_000.0).unwrap(),
            jitter: Law::constant(300.0).unwrap(),
            ..LinkParams::default()
        };
        assert_eq!(params.least_delay(), SimDuration(805_300));
        assert_eq!(params.least_after_tap(), SimDuration(2_650));
        params.jitter_correlation = Some(0.5);
        assert_eq!(params.least_delay(), SimDuration(805_000));
        params.reordering = Some(Reordering::Ahead {
            probability: Probability::new(1.0).unwrap(),
            gap: 5,
        });
        assert_eq!(params.least_delay(), SimDuration(800_000));
        assert_eq!(params.least_after_tap(), SimDuration::ZERO);
    }
}
