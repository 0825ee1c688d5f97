//! Reordering and correlated jitter: what a direction remembers about the delays it gave.

use crate::law::{Law, unit_open};
use crate::rng::Probability;

/// Packets that leave their place in the order.
#[derive(Clone, PartialEq, Debug)]
pub enum Reordering {
    /// netem's definition: the first `gap` − 1 packets take the link's delay, then each goes at once
    /// with this probability until one does, and the count begins anew. The long-run share sent at
    /// once is 1/((gap − 1) + 1/probability).
    Ahead {
        /// How often a packet goes at once when its turn has come.
        probability: Probability,
        /// From 1.
        gap: u32,
    },
    /// Each packet is held back with this probability, for a further delay.
    Held {
        /// How often.
        probability: Probability,
        /// For how long, ns.
        by: Law,
    },
}

/// What is remembered from packet to packet.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct DelayState {
    /// Packets since the last one that went at once.
    delayed: u32,
    /// The latest value of the autoregressive process behind correlated jitter.
    normal: Option<f64>,
}

impl DelayState {
    /// Whether the next packet goes at once. `draw` is asked for only when its turn has come.
    pub(crate) fn goes_ahead(
        &mut self,
        probability: Probability,
        gap: u32,
        draw: impl FnOnce() -> u64,
    ) -> bool {
        let turn = self.delayed >= gap.saturating_sub(1);
        if turn && !probability.is_never() && probability.accepts(draw()) {
            self.delayed = 0;
            return true;
        }
        self.delayed = self.delayed.saturating_add(1);
        false
    }

    /// The probability at which the jitter's quantile function is read: a Gaussian process with
    /// lag-1 correlation `correlation`, brought to the uniform law, so the law of each single value
    /// stays what it is.
    pub(crate) fn correlated(&mut self, correlation: f64, draw: u64) -> f64 {
        let fresh = crate::law::quantile_of_normal(unit_open(draw));
        let value = match self.normal {
            None => fresh,
            Some(before) => {
                correlation * before + libm::sqrt(1.0 - correlation * correlation) * fresh
            }
        };
        self.normal = Some(value);
        // Strictly inside the interval, as quantile functions want it.
        crate::law::normal_cdf(value).clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// gap 5 at 25 %: 0.125; gap 5 at 100 %: 0.2; gap 1 at 25 %: 0.25.
    #[test]
    fn the_share_that_goes_ahead_is_the_closed_form() {
        let mut streams = crate::rng::Seed::new(1, 0).streams();
        for (gap, p, share) in [(5, 0.25, 0.125), (5, 1.0, 0.2), (1, 0.25, 0.25)] {
            let mut state = DelayState::default();
            let p = Probability::new(p).unwrap();
            let count = (0..400_000)
                .filter(|number| state.goes_ahead(p, gap, || streams.block(2, *number)[0]))
                .count() as f64;
            assert!((count / 400_000.0 - share).abs() < 0.002, "{gap}: {count}");
        }
    }

    #[test]
    fn correlated_draws_keep_their_law() {
        let mut streams = crate::rng::Seed::new(1, 0).streams();
        let mut state = DelayState::default();
        let n = 200_000;
        let values: Vec<f64> = (0..n)
            .map(|number| state.correlated(0.5, streams.block(2, number)[0]))
            .collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        let square = |value: &f64| (value - mean) * (value - mean);
        let variance = values.iter().map(square).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.001, "{variance}");
        // The correlation of the uniforms is (6/pi) asin(rho/2) = 0.4826.
        let lag = values
            .windows(2)
            .map(|pair| (pair[0] - mean) * (pair[1] - mean))
            .sum::<f64>()
            / n as f64
            / variance;
        assert!((lag - 0.4826).abs() < 0.01, "{lag}");
    }
}
