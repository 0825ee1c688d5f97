//! Bins of time, chosen so that a figure stays readable and bin edges are round.

/// Most bins of a figure.
pub const MAX: u64 = 40;

/// The narrowest round width, in ns, with which at most [`MAX`] bins from 0 cover `last_ns`.
#[must_use]
pub fn width_ns(last_ns: u64) -> u64 {
    const SECOND_NS: u64 = 1_000_000_000;
    const HOUR_NS: u64 = 3_600 * SECOND_NS;
    let decimal = (0..9).flat_map(|exponent| [1, 2, 5].map(|factor| factor * 10_u64.pow(exponent)));
    let clock = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map(|s| s * SECOND_NS);
    let calendar = [1, 2, 3, 6, 12, 24, 48, 168, 336, 672, 8_736].map(|hours| hours * HOUR_NS);
    decimal
        .chain(clock)
        .chain(calendar)
        .find(|width| last_ns / width < MAX)
        .unwrap_or(last_ns / MAX + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_round_and_few() {
        assert_eq!(width_ns(0), 1);
        assert_eq!(width_ns(39_999_999_999), 1_000_000_000);
        assert_eq!(width_ns(40_000_000_000), 2_000_000_000);
        assert_eq!(width_ns(86_400_000_000_000), 3_600_000_000_000);
        assert!(u64::MAX / width_ns(u64::MAX) < MAX);
    }
}
