//! Numbers as text: one way for files, one for readers.
//!
//! [`float`] writes what data files hold: nine significant digits, in the shortest form that keeps
//! them. The other functions write what people read: durations, counts and shares with units.
//! All are pure functions; the same value always gives the same bytes.

use std::fmt::Write as _;

/// Significant digits of a float in a data file.
pub const SIGNIFICANT_DIGITS: usize = 9;

/// Appends `value`, rounded to nine significant digits, in the shortest form that keeps them.
///
/// Plain notation for magnitudes from 10⁻⁶ up to 10¹⁵, scientific (`1.5e-9`) outside. Zero has no
/// sign. A value that is not finite has no text: nothing is appended, and the cell reads as missing.
pub fn float(out: &mut String, value: f64) {
    if !value.is_finite() {
        return;
    }
    if value == 0.0 {
        out.push('0');
        return;
    }
    // The formatter rounds correctly (ties to even on the exact binary value), so its digits are
    // the same on every platform; only their layout is decided here.
    let scientific = format!("{:.*e}", SIGNIFICANT_DIGITS - 1, value.abs());
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("scientific notation has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a small integer");
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let digits = digits.trim_end_matches('0');
    if value < 0.0 {
        out.push('-');
    }
    if (-6..15).contains(&exponent) {
        plain(out, digits, exponent);
    } else {
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        write!(out, "e{exponent}").expect("writing to a string cannot fail");
    }
}

/// Places the decimal point of `digits` so that the first digit counts 10^`exponent`.
fn plain(out: &mut String, digits: &str, exponent: i32) {
    let Ok(whole) = usize::try_from(exponent) else {
        out.push_str("0.");
        for _ in 1..exponent.unsigned_abs() {
            out.push('0');
        }
        out.push_str(digits);
        return;
    };
    let whole = whole + 1;
    if digits.len() <= whole {
        out.push_str(digits);
        for _ in digits.len()..whole {
            out.push('0');
        }
    } else {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    }
}

/// `value` as [`float`] writes it; empty if it is not finite.
#[must_use]
pub fn float_text(value: f64) -> String {
    let mut text = String::new();
    float(&mut text, value);
    text
}

/// `value` rounded to nine significant digits, as a number; `None` if it is not finite.
#[must_use]
pub fn rounded(value: f64) -> Option<f64> {
    float_text(value).parse().ok()
}

/// `value` rounded to `digits` significant digits for a reader, e.g. `0.0370` or `12300`.
///
/// `digits` counts at least one. Values below 10⁻⁴ are written in scientific notation.
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let digits = digits.max(1);
    let exponent = exponent_after_rounding(value, digits);
    if exponent < -4 {
        return format!("{value:.*e}", digits - 1);
    }
    let after_point = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    format!("{value:.after_point$}")
}

/// Decimal exponent of `value` once rounded to `digits` significant digits (9.99 at two is 10).
fn exponent_after_rounding(value: f64, digits: usize) -> i32 {
    let scientific = format!("{:.*e}", digits - 1, value.abs());
    scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0)
}

/// A count with thin groups of three digits from 10 000 on: `1234`, `12 345`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 session`, `12 345 sessions`.
#[must_use]
pub fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// A share of one as a percentage with up to three significant digits: `0.0123` is `1.23%`.
#[must_use]
pub fn percent(share: f64) -> String {
    if share == 0.0 || share == 1.0 {
        return if share == 0.0 {
            "0%".into()
        } else {
            "100%".into()
        };
    }
    // Rounding must not turn "almost all" into "all".
    let digits = if share > 0.999 && share < 1.0 { 6 } else { 3 };
    format!(
        "{}%",
        without_trailing_zeros(&significant(share * 100.0, digits))
    )
}

/// A duration in nanoseconds with three significant digits and the unit that suits it.
///
/// Units: `ns`, `µs`, `ms`, `s`, `min`, `h`, `d`.
#[must_use]
pub fn duration(duration_ns: f64) -> String {
    if duration_ns == 0.0 {
        return "0 s".into();
    }
    let magnitude = duration_ns.abs();
    let (unit_ns, unit) = DURATION_UNITS
        .into_iter()
        .rev()
        .find(|(unit_ns, _)| magnitude >= *unit_ns)
        .unwrap_or(DURATION_UNITS[0]);
    format!(
        "{} {unit}",
        without_trailing_zeros(&significant(duration_ns / unit_ns, 3))
    )
}

/// Time since a beginning: to the microsecond below a second, to the millisecond above, since events
/// that follow each other by a message's delay must be told apart however long all of it is.
#[must_use]
pub fn elapsed(ns: u64) -> String {
    let (unit_ns, unit) = match ns {
        0 => return String::from("0 s"),
        1..1_000_000 => return duration(ns as f64),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let thousandths = ns % unit_ns / (unit_ns / 1000);
    let text = format!("{}.{thousandths:03}", ns / unit_ns);
    format!(
        "{} {unit}",
        text.trim_end_matches('0').trim_end_matches('.')
    )
}

/// `1.50` as `1.5`, `2.00` as `2`; whole numbers and scientific notation stay as they are.
fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// Units of a duration with their length in nanoseconds, ascending.
const DURATION_UNITS: [(f64, &str); 7] = [
    (1.0, "ns"),
    (1e3, "µs"),
    (1e6, "ms"),
    (1e9, "s"),
    (60e9, "min"),
    (3_600e9, "h"),
    (86_400e9, "d"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elapsed_time_keeps_milliseconds_however_long_it_is() {
        for (ns, text) in [
            (0, "0 s"),
            (1_500, "1.5 µs"),
            (20_000_000, "20 ms"),
            (20_034_999, "20.034 ms"),
            (10_040_000_000, "10.04 s"),
            (3_600_001_000_000, "3600.001 s"),
        ] {
            assert_eq!(elapsed(ns), text);
        }
    }

    #[test]
    fn floats_keep_nine_digits_in_their_shortest_form() {
        let cases = [
            (0.1 + 0.2, "0.3"),
            (-0.0, "0"),
            (1.0, "1"),
            (1_234_567_890.123, "1234567890"),
            (123_456_789_012.0, "123456789000"),
            (-2.5, "-2.5"),
            (1e-6, "0.000001"),
            (1.0 / 3.0, "0.333333333"),
            (2.0 / 3e7, "6.66666667e-8"),
            (1e15, "1e15"),
            (999_999_999.96, "1000000000"),
            (f64::MAX, "1.79769313e308"),
        ];
        for (value, text) in cases {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn values_that_are_not_finite_are_missing() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(float_text(value), "");
            assert_eq!(rounded(value), None);
        }
    }

    #[test]
    fn readers_get_units_and_few_digits() {
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(duration(1.0), "1 ns");
        assert_eq!(duration(12_345_678.0), "12.3 ms");
        assert_eq!(duration(90e9), "1.5 min");
        assert_eq!(duration(86_400e9 * 100.0), "100 d");
        assert_eq!(percent(0.0), "0%");
        assert_eq!(percent(0.999_999), "99.9999%");
        assert_eq!(percent(0.0123), "1.23%");
        assert_eq!(percent(0.95), "95%");
        assert_eq!(count(1_234), "1234");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(significant(0.036_993_5, 3), "0.0370");
        assert_eq!(significant(9.99, 2), "10");
    }

    proptest! {
        #[test]
        fn rounding_is_within_half_a_unit_of_the_ninth_digit(value in -1e300..1e300f64) {
            let back: f64 = float_text(value).parse().unwrap();
            prop_assert!((back - value).abs() <= value.abs() * 5.1e-9);
            prop_assert_eq!(float_text(back), float_text(value));
        }
    }
}
