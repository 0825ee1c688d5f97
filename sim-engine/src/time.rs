//! Virtual time: instants and durations in whole nanoseconds.
//!
//! Both are `u64`, so a run can last 584 years and no sum is ever rounded. Arithmetic that could
//! leave the range is checked: an instant beyond the range is an error of the run, never a wrap.

use std::fmt;

/// An instant of virtual time: nanoseconds since the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct SimTime(pub u64);

/// A span of virtual time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct SimDuration(pub u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// The last instant at which an event may stand. The one after it is reserved as "never".
    pub const LAST: Self = Self(u64::MAX - 1);

    /// The instant `after` later, or `None` if it lies beyond [`SimTime::LAST`].
    #[must_use]
    pub const fn checked_add(self, after: SimDuration) -> Option<Self> {
        match self.0.checked_add(after.0) {
            Some(sum) if sum <= Self::LAST.0 => Some(Self(sum)),
            _ => None,
        }
    }

    /// The span since `earlier`, zero if `earlier` lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// Nanoseconds since the start of the run.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `ns` nanoseconds.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// A span of `us` microseconds, `None` beyond 584 years.
    #[must_use]
    pub const fn from_us(us: u64) -> Option<Self> {
        match us.checked_mul(1_000) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// A span of `ms` milliseconds, `None` beyond 584 years.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Option<Self> {
        match ms.checked_mul(1_000_000) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// A span of `s` seconds, `None` beyond 584 years.
    #[must_use]
    pub const fn from_s(s: u64) -> Option<Self> {
        match s.checked_mul(1_000_000_000) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Sum, or `None` beyond the range.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// The span taken `count` times, or `None` beyond the range.
    #[must_use]
    pub const fn checked_mul(self, count: u64) -> Option<Self> {
        match self.0.checked_mul(count) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }
}

/// Writes whole seconds and the nanoseconds after the point: `12.000000345s`.
fn write_seconds(ns: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}.{:09}s", ns / 1_000_000_000, ns % 1_000_000_000)
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.0, f)
    }
}

impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_an_instant_beyond_the_range() {
        assert_eq!(SimTime::LAST.checked_add(SimDuration(1)), None);
        assert_eq!(SimTime(5).checked_add(SimDuration(u64::MAX)), None);
        assert_eq!(SimTime(5).checked_add(SimDuration(7)), Some(SimTime(12)));
    }

    #[test]
    fn prints_seconds_with_nine_digits() {
        assert_eq!(SimTime(12_000_000_345).to_string(), "12.000000345s");
    }
}
