//! The retransmission timeout of RFC 6298.

use super::config::StreamSettings;

/// Clock granularity `G` of the RFC, ns: simulated time is exact, so it is the smallest unit.
const GRANULARITY_NS: u64 = 1;

/// The estimate of the round trip and the timeout that follows from it. Times are ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rto {
    /// Smoothed round trip and its variation; `None` before the first measurement.
    estimate: Option<(u64, u64)>,
    /// The timeout in force: computed, or doubled since.
    current_ns: u64,
}

impl Rto {
    /// Nothing has been measured yet.
    pub(crate) const fn new(settings: &StreamSettings) -> Self {
        Self {
            estimate: None,
            current_ns: settings.rto_initial_ns,
        }
    }

    /// The timeout in force, ns.
    pub(crate) const fn timeout_ns(&self) -> u64 {
        self.current_ns
    }

    /// `SRTT + max(G, 4 RTTVAR)` without bounds, ns; the initial timeout before a measurement.
    #[cfg(test)]
    fn unbounded_ns(&self) -> Option<u64> {
        self.estimate.map(unbounded_ns)
    }

    /// A round trip was measured, on a segment that was sent once (Karn's rule is the caller's).
    pub(crate) fn measured(&mut self, round_trip_ns: u64, settings: &StreamSettings) {
        let estimate = match self.estimate {
            None => (round_trip_ns, round_trip_ns / 2),
            // The variation first, with the old smoothed value.
            Some((smoothed, variation)) => {
                let error = smoothed.abs_diff(round_trip_ns);
                let variation = mix(variation, 3, error, 1, 4);
                (mix(smoothed, 7, round_trip_ns, 1, 8), variation)
            }
        };
        self.estimate = Some(estimate);
        self.current_ns = unbounded_ns(estimate).clamp(settings.rto_min_ns, settings.rto_max_ns);
    }

    /// The timer expired.
    pub(crate) fn back_off(&mut self, settings: &StreamSettings) {
        self.current_ns = self.current_ns.saturating_mul(2).min(settings.rto_max_ns);
    }

    /// The opening had to be repeated: data start with three seconds (RFC 6298, 5.7).
    pub(crate) fn opened_late(&mut self, settings: &StreamSettings) {
        if self.estimate.is_none() && settings.rto_initial_ns < 3_000_000_000 {
            self.current_ns = 3_000_000_000.clamp(settings.rto_min_ns, settings.rto_max_ns);
        }
    }
}

const fn unbounded_ns((smoothed, variation): (u64, u64)) -> u64 {
    let margin = variation.saturating_mul(4);
    smoothed.saturating_add(if margin > GRANULARITY_NS {
        margin
    } else {
        GRANULARITY_NS
    })
}

/// `(a * wa + b * wb) / by`, in 128 bits.
fn mix(a: u64, wa: u128, b: u64, wb: u128, by: u128) -> u64 {
    u64::try_from((u128::from(a) * wa + u128::from(b) * wb) / by).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_timeout_follows_the_rfc_on_a_known_trace() {
        let settings = StreamSettings::default();
        let mut rto = Rto::new(&settings);
        assert_eq!((rto.unbounded_ns(), rto.timeout_ns()), (None, 1000 * MS));
        // Computed by hand from the formulas of section 2, variation before smoothed value.
        let trace = [
            (100, 300_000_000),
            (120, 272_500_000),
            (80, 249_687_500),
            (300, 437_539_062),
        ];
        for (round_trip_ms, expected) in trace {
            rto.measured(round_trip_ms * MS, &settings);
            let got = rto.unbounded_ns().unwrap_or(0);
            assert!(got.abs_diff(expected) <= 4, "{got} for {expected}");
            assert_eq!(rto.timeout_ns(), 1000 * MS, "the floor of one second");
        }
    }

    #[test]
    fn it_doubles_to_its_ceiling_and_a_measurement_brings_it_back() {
        let settings = StreamSettings::default();
        let mut rto = Rto::new(&settings);
        let mut seen = Vec::new();
        for _ in 0..8 {
            rto.back_off(&settings);
            seen.push(rto.timeout_ns() / 1_000_000_000);
        }
        assert_eq!(seen, [2, 4, 8, 16, 32, 60, 60, 60]);
        rto.measured(2_000 * MS, &settings);
        assert_eq!(rto.timeout_ns(), 6_000 * MS);
    }

    #[test]
    fn data_after_a_repeated_opening_start_with_three_seconds() {
        let settings = StreamSettings::default();
        let mut rto = Rto::new(&settings);
        rto.opened_late(&settings);
        assert_eq!(rto.timeout_ns(), 3_000 * MS);
    }
}
