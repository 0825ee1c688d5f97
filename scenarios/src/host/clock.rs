//! A node's own clock: what it believes the time is, and how fast its oscillator runs.

mod wander;

use protocols::LocalTime;

pub use self::wander::Wander;

/// Offset and drift of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Local time minus true time at the start, ns.
    pub offset_ns: i64,
    /// Rate error of the oscillator in parts per 10^12 (1 ppm is 1 000 000).
    pub drift_ppt: i64,
    /// What a reading is a multiple of, ns; 0 and 1: it shows every nanosecond.
    pub granularity_ns: u64,
}

/// Parts per unit of [`Clock::drift_ppt`].
const PARTS: i128 = 1_000_000_000_000;

impl Clock {
    /// The clock's reading at `true_ns` after the start of a run whose start is `epoch_ns` after
    /// 1970. Readings before 1970 show as 0, those past the end of time as the end.
    #[must_use]
    #[inline]
    pub fn read(&self, epoch_ns: u64, true_ns: u64) -> LocalTime {
        if *self == Self::default() {
            // As most clocks are, and read in every call of a machine.
            return LocalTime(epoch_ns.saturating_add(true_ns));
        }
        self.read_inexact(epoch_ns, true_ns)
    }

    fn read_inexact(&self, epoch_ns: u64, true_ns: u64) -> LocalTime {
        let elapsed = i128::from(true_ns);
        let drifted = elapsed + elapsed * i128::from(self.drift_ppt) / PARTS;
        let reading = i128::from(epoch_ns) + i128::from(self.offset_ns) + drifted;
        let reading = u64::try_from(reading.max(0)).unwrap_or(u64::MAX);
        LocalTime(reading - reading % self.granularity_ns.max(1))
    }

    /// The true time in which this oscillator counts `local_ns`, rounded up so that a timer never
    /// fires before its local time; at most `u64::MAX`.
    #[must_use]
    pub fn true_span(&self, local_ns: u64) -> u64 {
        if self.drift_ppt == 0 {
            return local_ns;
        }
        // A clock that stands still or runs backwards is refused by the scenario reader.
        let rate = (PARTS + i128::from(self.drift_ppt)).max(1);
        let span = (i128::from(local_ns) * PARTS).div_euclid(rate)
            + i128::from((i128::from(local_ns) * PARTS).rem_euclid(rate) != 0);
        u64::try_from(span).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_20_ppm_apart_each_way_differ_by_5_s_after_125000_s() {
        let fast = Clock {
            offset_ns: 0,
            drift_ppt: 20_000_000,
            ..Clock::default()
        };
        let slow = Clock {
            offset_ns: 0,
            drift_ppt: -20_000_000,
            ..Clock::default()
        };
        let t = 125_000 * 1_000_000_000;
        assert_eq!(fast.read(0, t).0 - slow.read(0, t).0, 5_000_000_000);
    }

    #[test]
    fn offset_shifts_the_reading_and_never_wraps() {
        let clock = Clock {
            offset_ns: -5,
            ..Clock::default()
        };
        assert_eq!(clock.read(100, 7).0, 102);
        assert_eq!(clock.read(0, 3).0, 0);
    }

    #[test]
    fn a_coarse_clock_shows_the_last_multiple() {
        let coarse = Clock {
            offset_ns: 300,
            granularity_ns: 1000,
            ..Clock::default()
        };
        assert_eq!(coarse.read(0, 699).0, 0);
        assert_eq!(coarse.read(0, 700).0, 1000);
        assert_eq!(coarse.read(5000, 2699).0, 7000);
        assert_eq!(coarse.true_span(17), 17, "timers are as fine as ever");
    }

    #[test]
    fn timers_run_on_the_oscillator() {
        let fast = Clock {
            offset_ns: 9,
            drift_ppt: 1_000_000_000,
            ..Clock::default()
        };
        // The oscillator is 0.1 % fast: a local second takes 1/1.001 true seconds.
        assert_eq!(fast.true_span(1_001_000_000), 1_000_000_000);
        assert_eq!(fast.true_span(1), 1);
    }
}
