//! A token bucket: a long-run rate with a limited burst.
//!
//! Tokens come at `rate_bps` up to `burst_bytes`; the bucket is full at the start. A packet leaves
//! when there are tokens for all its bytes, in order, so a burst of *S* bytes that meets a full
//! bucket of *B* bytes is through after (*S* − *B*)/*rate*. Levels are integers of 10⁻⁹ bit, so
//! nothing is rounded but the instant of departure, which is rounded up to a nanosecond.

use crate::time::{SimDuration, SimTime};

/// Parameters of a token bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shaper {
    /// Long-run rate, bits per second, above zero.
    pub rate_bps: u64,
    /// Size of the bucket, bytes; longer packets never pass.
    pub burst_bytes: u32,
}

/// The bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bucket {
    /// Tokens at `at`, in 10⁻⁹ bit.
    level: u128,
    at: SimTime,
}

/// 10⁻⁹ bit per byte.
const BYTE: u128 = 8 * 1_000_000_000;

impl Bucket {
    pub(crate) const fn full(shaper: &Shaper) -> Self {
        Self {
            level: shaper.burst_bytes as u128 * BYTE,
            at: SimTime::ZERO,
        }
    }

    /// Takes tokens for `bytes` bytes, from `earliest` on; returns when they are there. The bytes
    /// must not exceed the bucket.
    pub(crate) fn take(&mut self, shaper: &Shaper, earliest: SimTime, bytes: u64) -> SimTime {
        let rate = u128::from(shaper.rate_bps.max(1));
        let capacity = u128::from(shaper.burst_bytes) * BYTE;
        let from = earliest.max(self.at);
        let level = capacity.min(self.level + rate * u128::from(from.since(self.at).0));
        let need = (u128::from(bytes) * BYTE).min(capacity);
        let wait = need.saturating_sub(level).div_ceil(rate);
        let wait = u64::try_from(wait).unwrap_or(u64::MAX);
        self.at = from.checked_add(SimDuration(wait)).unwrap_or(SimTime::LAST);
        self.level = level + rate * u128::from(wait) - need;
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_through_when_the_closed_form_says() {
        let shaper = Shaper {
            rate_bps: 1_000_000,
            burst_bytes: 4_000,
        };
        let mut bucket = Bucket::full(&shaper);
        let mut last = SimTime::ZERO;
        for _ in 0..10 {
            last = bucket.take(&shaper, SimTime::ZERO, 1_000);
        }
        // (10000 - 4000) bytes at 1 Mbit/s.
        assert_eq!(last, SimTime(48_000_000));
        // After a long pause the bucket is full again, not fuller.
        let later = SimTime(10_000_000_000);
        for (number, at) in [0, 0, 0, 0, 8_000_000].into_iter().enumerate() {
            let taken = bucket.take(&shaper, later, 1_000);
            assert_eq!(taken.0 - later.0, at, "{number}");
        }
    }

    #[test]
    fn odd_rates_do_not_drift() {
        let shaper = Shaper {
            rate_bps: 333_333,
            burst_bytes: 10,
        };
        let mut bucket = Bucket::full(&shaper);
        let mut last = SimTime::ZERO;
        for _ in 0..100_001 {
            last = bucket.take(&shaper, SimTime::ZERO, 10);
        }
        let exact = 100_000.0 * 80.0 / 333_333.0 * 1e9;
        assert!((last.0 as f64 - exact).abs() < 2.0, "{last:?} {exact}");
    }
}
