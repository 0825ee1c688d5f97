//! Numbers with units: `10ms`, `250kbps`, `1KiB`, `5%`, `20ppm`.
//!
//! A quantity is a decimal number directly followed by its unit. It is kept exact until it is asked
//! for as an integer in the base unit of its dimension (nanoseconds, bits per second, bytes), so
//! `0.1s` is 100,000,000 ns on every machine; a fraction of a base unit rounds half up.

pub(crate) mod range;

use std::fmt;

/// What a quantity measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// Time; base unit ns.
    Duration,
    /// Data rate; base unit bit/s.
    Rate,
    /// Data; base unit byte.
    Size,
    /// A share of one; base unit 1.
    Share,
    /// Relative frequency error; base unit ppm.
    Drift,
    /// Energy; base unit nJ.
    Energy,
    /// Electric charge; base unit uC.
    Charge,
    /// Power; base unit nW.
    Power,
    /// Voltage; base unit mV.
    Voltage,
    /// Frequency; base unit Hz.
    Frequency,
    /// A level over a milliwatt, as of received power; base unit dBm.
    Received,
    /// A ratio of powers; base unit dB.
    Level,
    /// A pure number.
    Count,
}

impl Dimension {
    /// Its name with article.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Duration => "a duration",
            Self::Rate => "a rate",
            Self::Size => "a size",
            Self::Share => "a share",
            Self::Drift => "a clock drift",
            Self::Energy => "an energy",
            Self::Charge => "a charge",
            Self::Power => "a power",
            Self::Voltage => "a voltage",
            Self::Level => "a level",
            Self::Frequency => "a frequency",
            Self::Received => "a received power",
            Self::Count => "a plain number",
        }
    }

    /// The unit that a bare number most probably meant.
    const fn usual_unit(self) -> &'static str {
        match self {
            Self::Duration => "s",
            Self::Rate => "kbps",
            Self::Size => "B",
            Self::Share => "%",
            Self::Drift => "ppm",
            Self::Energy => "J",
            Self::Charge => "mAh",
            Self::Power => "uW",
            Self::Voltage => "V",
            Self::Level => "dB",
            Self::Frequency => "kHz",
            Self::Received => "dBm",
            Self::Count => "",
        }
    }
}

/// A unit: name, dimension, and how many base units it is, as `factor * 10^power`.
struct Unit {
    name: &'static str,
    dimension: Dimension,
    factor: i128,
    power: i32,
}

const fn unit(name: &'static str, dimension: Dimension, factor: i128, power: i32) -> Unit {
    Unit {
        name,
        dimension,
        factor,
        power,
    }
}

/// Every unit there is.
const UNITS: &[Unit] = &[
    unit("ns", Dimension::Duration, 1, 0),
    unit("us", Dimension::Duration, 1, 3),
    unit("ms", Dimension::Duration, 1, 6),
    unit("s", Dimension::Duration, 1, 9),
    unit("min", Dimension::Duration, 60, 9),
    unit("h", Dimension::Duration, 3_600, 9),
    unit("d", Dimension::Duration, 86_400, 9),
    unit("bps", Dimension::Rate, 1, 0),
    unit("kbps", Dimension::Rate, 1, 3),
    unit("Mbps", Dimension::Rate, 1, 6),
    unit("Gbps", Dimension::Rate, 1, 9),
    unit("B", Dimension::Size, 1, 0),
    unit("kB", Dimension::Size, 1, 3),
    unit("MB", Dimension::Size, 1, 6),
    unit("KiB", Dimension::Size, 1 << 10, 0),
    unit("MiB", Dimension::Size, 1 << 20, 0),
    unit("%", Dimension::Share, 1, -2),
    unit("ppm", Dimension::Drift, 1, 0),
    unit("nJ", Dimension::Energy, 1, 0),
    unit("uJ", Dimension::Energy, 1, 3),
    unit("mJ", Dimension::Energy, 1, 6),
    unit("J", Dimension::Energy, 1, 9),
    unit("kJ", Dimension::Energy, 1, 12),
    unit("mAh", Dimension::Charge, 36, 5),
    unit("Ah", Dimension::Charge, 36, 8),
    unit("nW", Dimension::Power, 1, 0),
    unit("uW", Dimension::Power, 1, 3),
    unit("mW", Dimension::Power, 1, 6),
    unit("W", Dimension::Power, 1, 9),
    unit("mV", Dimension::Voltage, 1, 0),
    unit("V", Dimension::Voltage, 1, 3),
    unit("dB", Dimension::Level, 1, 0),
    unit("Hz", Dimension::Frequency, 1, 0),
    unit("kHz", Dimension::Frequency, 1, 3),
    unit("MHz", Dimension::Frequency, 1, 6),
    unit("dBm", Dimension::Received, 1, 0),
];

/// What people write for a unit that has another name here.
const MEANT: &[(&str, &str)] = &[
    ("µs", "us"),
    ("μs", "us"),
    ("usec", "us"),
    ("msec", "ms"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("m", "min"),
    ("mins", "min"),
    ("minute", "min"),
    ("minutes", "min"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("bit/s", "bps"),
    ("kbit/s", "kbps"),
    ("Mbit/s", "Mbps"),
    ("Gbit/s", "Gbps"),
    ("k", "kbps"),
    ("M", "Mbps"),
    ("G", "Gbps"),
    ("b", "B"),
    ("byte", "B"),
    ("bytes", "B"),
    ("KB", "kB"),
    ("percent", "%"),
    ("db", "dB"),
];

/// A number and its unit, exact.
#[derive(Clone, Copy)]
pub(crate) struct Quantity {
    mantissa: i128,
    power: i32,
    unit: Option<&'static Unit>,
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit.map_or("", |unit| unit.name);
        write!(f, "{}e{}{unit}", self.mantissa, self.power)
    }
}

/// Why a text is not the quantity that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuantityError {
    /// The reason, without a full stop.
    pub(crate) reason: String,
    /// What to write instead; may be empty.
    pub(crate) hint: String,
}

fn error(reason: impl Into<String>, hint: impl Into<String>) -> QuantityError {
    QuantityError {
        reason: reason.into(),
        hint: hint.into(),
    }
}

impl Quantity {
    /// Reads `text` as a quantity of `dimension`. `0` needs no unit where the dimension has a base
    /// unit, and a share may be a plain number.
    ///
    /// # Errors
    ///
    /// No number, no unit, an unknown unit or one of another dimension.
    pub(crate) fn parse(text: &str, dimension: Dimension) -> Result<Self, QuantityError> {
        let text = text.trim();
        let (mantissa, power, rest) = decimal(text).ok_or_else(|| {
            error(
                format!("this is not {}", dimension.name()),
                format!("write for instance {}", example(dimension)),
            )
        })?;
        let name = rest.trim_start();
        let number = text[..text.len() - rest.len()].trim_end();
        let mut quantity = Self {
            mantissa,
            power,
            unit: None,
        };
        if name.is_empty() {
            return if matches!(dimension, Dimension::Share | Dimension::Count) {
                Ok(quantity)
            } else {
                Err(missing_unit(number, dimension, ""))
            };
        }
        let Some(unit) = UNITS.iter().find(|unit| unit.name == name) else {
            return Err(unknown_unit(number, name, dimension));
        };
        if unit.dimension != dimension {
            return Err(error(
                format!(
                    "`{number}{name}` is {}, but {} is wanted here",
                    unit.dimension.name(),
                    dimension.name()
                ),
                units_hint(dimension),
            ));
        }
        if unit.name != rest {
            return Err(error(
                "there is a blank between number and unit",
                format!("write `{number}{name}`"),
            ));
        }
        quantity.unit = Some(unit);
        Ok(quantity)
    }

    /// True below zero.
    pub(crate) const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The value in base units, rounded half up; `None` beyond the range of `u64` or below zero.
    pub(crate) fn integer(self) -> Option<u64> {
        let (factor, shift) = self.unit.map_or((1, 0), |unit| (unit.factor, unit.power));
        let scaled = self.mantissa.checked_mul(factor)?;
        let power = self.power.checked_add(shift)?;
        let value = if scaled == 0 {
            0
        } else if power >= 0 {
            scaled.checked_mul(10i128.checked_pow(power.unsigned_abs())?)?
        } else {
            match 10i128.checked_pow(power.unsigned_abs()) {
                Some(divisor) => (scaled.checked_add(divisor / 2)?).div_euclid(divisor),
                None => 0,
            }
        };
        u64::try_from(value).ok()
    }

    /// The value in base units, correctly rounded.
    pub(crate) fn number(self) -> f64 {
        let (factor, shift) = self.unit.map_or((1, 0), |unit| (unit.factor, unit.power));
        match self.mantissa.checked_mul(factor) {
            // Going through decimal text lets the standard library round once, correctly.
            Some(scaled) => format!("{scaled}e{}", self.power.saturating_add(shift))
                .parse()
                .unwrap_or(f64::INFINITY),
            None => f64::INFINITY,
        }
    }
}

/// An error for a number without a unit; `quote` stands around the value that is proposed.
pub(crate) fn missing_unit(number: &str, dimension: Dimension, quote: &str) -> QuantityError {
    error(
        format!(
            "`{number}` has no unit, but {} is wanted here",
            dimension.name()
        ),
        format!(
            "did you mean `{quote}{number}{}{quote}`? {}",
            dimension.usual_unit(),
            units_hint(dimension)
        ),
    )
}

fn unknown_unit(number: &str, name: &str, dimension: Dimension) -> QuantityError {
    let names = UNITS
        .iter()
        .filter(|unit| unit.dimension == dimension)
        .map(|unit| unit.name);
    let known = MEANT
        .iter()
        .filter(|(_, unit)| names.clone().any(|name| name == *unit))
        .find(|(written, _)| *written == name)
        .map(|(_, unit)| *unit);
    let folded = names
        .clone()
        .find(|unit| unit.eq_ignore_ascii_case(name))
        .or_else(|| crate::diagnostic::nearest(name, names));
    let meant = known
        .or(folded)
        .map(|unit| format!("did you mean `{number}{unit}`? "))
        .unwrap_or_default();
    let shown = crate::diagnostic::quoted(name);
    if dimension == Dimension::Count {
        return error(
            format!("{shown} stands after a plain number"),
            "write the number alone",
        );
    }
    error(
        format!("there is no unit {shown} of {}", dimension.name()),
        format!("{meant}{}", units_hint(dimension)),
    )
}

fn units_hint(dimension: Dimension) -> String {
    let names: Vec<&str> = UNITS
        .iter()
        .filter(|unit| unit.dimension == dimension)
        .map(|unit| unit.name)
        .collect();
    match dimension {
        Dimension::Count => "write a number without a unit".to_owned(),
        Dimension::Share => "write a number from 0 to 1 or a percentage such as `5%`".to_owned(),
        _ => format!("units of {}: {}", dimension.name(), names.join(", ")),
    }
}

/// A good value of `dimension`, as it stands in a file.
pub(crate) const fn example(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Duration => "`\"10ms\"`",
        Dimension::Rate => "`\"250kbps\"`",
        Dimension::Size => "`\"64B\"`",
        Dimension::Share => "`\"5%\"` or `0.05`",
        Dimension::Drift => "`\"20ppm\"`",
        Dimension::Energy => "`\"10kJ\"`",
        Dimension::Charge => "`\"2000mAh\"`",
        Dimension::Power => "`\"15uW\"`",
        Dimension::Voltage => "`\"3V\"`",
        Dimension::Level => "`\"3dB\"`",
        Dimension::Frequency => "`\"125kHz\"`",
        Dimension::Received => "`\"-110dBm\"`",
        Dimension::Count => "`3`",
    }
}

/// The decimal number at the start of `text`, as `mantissa * 10^power`, and the rest.
fn decimal(text: &str) -> Option<(i128, i32, &str)> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let negative = text.starts_with('-');
    let mut mantissa: i128 = 0;
    let mut power = 0i32;
    let mut digits = 0usize;
    let mut point = false;
    let mut rest = unsigned;
    while let Some(c) = rest.chars().next() {
        match c {
            '0'..='9' => {
                let digit = i128::from(u32::from(c) - u32::from('0'));
                mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
                digits += 1;
                power -= i32::from(point);
            }
            // Digits may be grouped as in TOML, but only between digits.
            '_' if digits > 0 => {}
            '.' if !point => point = true,
            _ => break,
        }
        rest = &rest[c.len_utf8()..];
    }
    if digits == 0 {
        return None;
    }
    if let Some(tail) = rest.strip_prefix(['e', 'E']) {
        let sign = tail.starts_with('-');
        let body = tail.strip_prefix(['-', '+']).unwrap_or(tail);
        let length = body.bytes().take_while(u8::is_ascii_digit).count();
        if length > 0 {
            let exponent: i32 = body[..length].parse().ok()?;
            power = power.checked_add(if sign { -exponent } else { exponent })?;
            rest = &body[length..];
        }
    }
    Some((if negative { -mantissa } else { mantissa }, power, rest))
}

/// A duration as people read it: `90s` for 90,000,000,000; exact, in the largest unit that divides.
#[must_use]
pub fn duration_text(ns: u64) -> String {
    let units: [(&str, u64); 7] = [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("min", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    if ns == 0 {
        return "0s".to_owned();
    }
    units
        .iter()
        .find(|(_, length)| ns.is_multiple_of(*length))
        .map_or_else(
            || format!("{ns}ns"),
            |(name, length)| format!("{}{name}", ns / length),
        )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn integer(text: &str, dimension: Dimension) -> Option<u64> {
        Quantity::parse(text, dimension).unwrap().integer()
    }

    #[test]
    fn quantities_are_exact_in_base_units() {
        assert_eq!(
            integer("1.5h", Dimension::Duration),
            Some(5_400_000_000_000)
        );
        assert_eq!(integer("0.1s", Dimension::Duration), Some(100_000_000));
        assert_eq!(integer("10_000us", Dimension::Duration), Some(10_000_000));
        assert_eq!(integer("1e-3s", Dimension::Duration), Some(1_000_000));
        assert_eq!(integer("0.5ns", Dimension::Duration), Some(1));
        assert_eq!(integer("1Gbps", Dimension::Rate), Some(1_000_000_000));
        assert_eq!(integer("1KiB", Dimension::Size), Some(1_024));
        assert_eq!(integer("1.5MiB", Dimension::Size), Some(1_572_864));
    }

    #[test]
    fn a_percentage_is_the_double_nearest_to_its_decimal() {
        for (text, number) in [("5%", 0.05), ("0.1%", 0.001), ("30%", 0.3), ("1e-5%", 1e-7)] {
            let share = Quantity::parse(text, Dimension::Share).unwrap().number();
            assert!(share.to_bits() == f64::to_bits(number), "{text} is {share}");
        }
    }

    #[test]
    fn a_bare_number_names_the_unit_it_may_have_meant() {
        let error = Quantity::parse("10", Dimension::Duration).unwrap_err();
        assert!(error.reason.contains("no unit"), "{error:?}");
        assert!(error.hint.contains("10s"), "{error:?}");
    }

    #[test]
    fn another_dimension_and_an_unknown_unit_are_refused() {
        let other = Quantity::parse("10ms", Dimension::Rate).unwrap_err();
        assert_eq!(
            other.reason,
            "`10ms` is a duration, but a rate is wanted here"
        );
        let unknown = Quantity::parse("10sec", Dimension::Duration).unwrap_err();
        assert!(
            unknown.hint.starts_with("did you mean `10s`?"),
            "{unknown:?}"
        );
    }

    #[test]
    fn values_beyond_the_range_have_no_integer() {
        assert_eq!(integer("1e30d", Dimension::Duration), None);
        assert_eq!(integer("-1s", Dimension::Duration), None);
        assert_eq!(integer("0e99999d", Dimension::Duration), Some(0));
        assert_eq!(integer("1e-99999s", Dimension::Duration), Some(0));
    }

    #[test]
    fn durations_are_written_in_the_largest_unit_that_divides() {
        assert_eq!(duration_text(90_000_000_000), "90s");
        assert_eq!(duration_text(86_400_000_000_000), "1d");
        assert_eq!(duration_text(1_500_000), "1500us");
        assert_eq!(duration_text(0), "0s");
    }
}
