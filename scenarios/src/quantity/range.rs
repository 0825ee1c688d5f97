//! Ranges of quantities: evenly spaced values, exact in decimal, and values between two ends.

use super::{Dimension, Quantity, UNITS, Unit, decimal};

/// Most values of one range.
const VALUES_MAX: usize = 100_000;

/// Significant digits of values that are spaced by a ratio or by a number of points.
const DIGITS: usize = 6;

impl Quantity {
    /// Reads a number with any unit, or none.
    pub(crate) fn any(text: &str) -> Option<Self> {
        let (mantissa, power, rest) = decimal(text.trim())?;
        let unit = match rest {
            "" => None,
            name => Some(UNITS.iter().find(|unit| unit.name == name)?),
        };
        Some(Self {
            mantissa,
            power,
            unit,
        })
    }

    /// What it measures; `None` for a plain number.
    pub(crate) fn dimension(self) -> Option<Dimension> {
        self.unit.map(|unit| unit.dimension)
    }

    /// The value as `mantissa * 10^power` in base units, without trailing zeros.
    fn exact(self) -> Option<(i128, i32)> {
        let (factor, shift) = self.unit.map_or((1, 0), |unit| (unit.factor, unit.power));
        let mut mantissa = self.mantissa.checked_mul(factor)?;
        let mut power = self.power.checked_add(shift)?;
        while mantissa != 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            power += 1;
        }
        Some((mantissa, if mantissa == 0 { 0 } else { power }))
    }
}

/// The smaller of two units, so that multiples of both are multiples of it.
fn finer(a: Option<&'static Unit>, b: Option<&'static Unit>) -> Option<&'static Unit> {
    let size = |unit: &Unit| unit.factor as f64 * libm::pow(10.0, f64::from(unit.power));
    match (a, b) {
        (Some(a), Some(b)) => Some(if size(b) < size(a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// `from`, `from + step`, ... up to `to`, in the finest of the three units.
///
/// # Errors
///
/// Why there is no such range.
pub(crate) fn stepped(from: Quantity, to: Quantity, step: Quantity) -> Result<Vec<String>, String> {
    if from.dimension() != to.dimension() || from.dimension() != step.dimension() {
        return Err(String::from(
            "`from`, `to` and `step` measure different things",
        ));
    }
    let far = || String::from("the numbers of this range are too large");
    let unit = finer(finer(from.unit, to.unit), step.unit);
    let all = [from, to, step].map(Quantity::exact);
    let [Some(from), Some(to), Some(step)] = all else {
        return Err(far());
    };
    let power = from.1.min(to.1).min(step.1);
    let scaled = |(mantissa, at): (i128, i32)| {
        let zeros = at.checked_sub(power)?.unsigned_abs();
        mantissa.checked_mul(10i128.checked_pow(zeros)?)
    };
    let (Some(from), Some(to), Some(step)) = (scaled(from), scaled(to), scaled(step)) else {
        return Err(far());
    };
    if step <= 0 {
        return Err(String::from("`step` must be above 0"));
    }
    if from > to {
        return Err(String::from("`from` must not be above `to`"));
    }
    let count = (to - from) / step + 1;
    if count > VALUES_MAX as i128 {
        return Err(format!(
            "{count} values are too many, at most {VALUES_MAX} are possible"
        ));
    }
    let mut values = Vec::new();
    for index in 0..count {
        values.push(text_in(from + index * step, power, unit).ok_or_else(far)?);
    }
    Ok(values)
}

/// `mantissa * 10^power` base units as a decimal number of `unit`.
fn text_in(mantissa: i128, power: i32, unit: Option<&Unit>) -> Option<String> {
    let (factor, shift) = unit.map_or((1, 0), |unit| (unit.factor, unit.power));
    let name = unit.map_or("", |unit| unit.name);
    let mut power = power.checked_sub(shift)?;
    let mut mantissa = mantissa;
    // A decimal number of the finest unit given: the factor divides after a few more places.
    for _ in 0..6 {
        if mantissa % factor == 0 {
            break;
        }
        mantissa = mantissa.checked_mul(10)?;
        power -= 1;
    }
    if mantissa % factor != 0 {
        return None;
    }
    Some(format!("{}{name}", plain(mantissa / factor, power)))
}

/// `mantissa * 10^power` in plain notation.
fn plain(mantissa: i128, power: i32) -> String {
    let mut digits = mantissa.unsigned_abs().to_string();
    let sign = if mantissa < 0 { "-" } else { "" };
    if power >= 0 {
        if mantissa != 0 {
            digits.extend(std::iter::repeat_n('0', power.unsigned_abs() as usize));
        }
        return format!("{sign}{digits}");
    }
    let places = power.unsigned_abs() as usize;
    while digits.len() <= places {
        digits.insert(0, '0');
    }
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// `points` values from `from` to `to`, evenly spaced or (`log`) each the same multiple of the one
/// before; to six significant digits, or to whole numbers where `whole` is set.
///
/// # Errors
///
/// Why there is no such range.
pub(crate) fn spread(
    from: Quantity,
    to: Quantity,
    points: u64,
    log: bool,
    whole: bool,
) -> Result<Vec<String>, String> {
    if from.dimension() != to.dimension() {
        return Err(String::from("`from` and `to` measure different things"));
    }
    let unit = finer(from.unit, to.unit);
    let size = unit.map_or(1.0, |unit| {
        unit.factor as f64 * libm::pow(10.0, f64::from(unit.power))
    });
    let (low, high) = (from.number() / size, to.number() / size);
    if log && (low <= 0.0 || high <= 0.0) {
        return Err(String::from("a logarithmic range lies above 0"));
    }
    if low >= high {
        return Err(String::from("`from` must be below `to`"));
    }
    let name = unit.map_or("", |unit| unit.name);
    let mut values: Vec<String> = Vec::new();
    for index in 0..points {
        let share = index as f64 / (points - 1) as f64;
        let value = if log {
            libm::exp(libm::log(low) + (libm::log(high) - libm::log(low)) * share)
        } else {
            low + (high - low) * share
        };
        let number = if whole {
            format!("{:.0}", libm::round(value))
        } else {
            let rounded: f64 = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
            format!("{rounded}")
        };
        values.push(format!("{number}{name}"));
    }
    let repeats = values.windows(2).any(|pair| pair[0] == pair[1]);
    if repeats {
        return Err(String::from(
            "so many whole numbers do not lie between `from` and `to`",
        ));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn any(text: &str) -> Quantity {
        Quantity::any(text).unwrap()
    }

    #[test]
    fn steps_are_exact_in_decimal_and_include_the_end() {
        let steps = |from, to, step| stepped(any(from), any(to), any(step)).unwrap();
        assert_eq!(steps("0%", "1%", "0.1%").len(), 11);
        assert_eq!(steps("0%", "0.3%", "0.1%"), ["0%", "0.1%", "0.2%", "0.3%"]);
        assert_eq!(
            steps("500ms", "2s", "0.5s"),
            ["500ms", "1000ms", "1500ms", "2000ms"]
        );
        assert_eq!(steps("1KiB", "3KiB", "1KiB"), ["1KiB", "2KiB", "3KiB"]);
        assert_eq!(steps("10", "100", "45"), ["10", "55", "100"]);
        assert_eq!(steps("0.05", "0.2", "0.1"), ["0.05", "0.15"]);
        assert!(stepped(any("1s"), any("2s"), any("1")).is_err());
        assert!(stepped(any("2s"), any("1s"), any("1s")).is_err());
        assert!(stepped(any("1s"), any("2s"), any("0s")).is_err());
    }

    #[test]
    fn logarithmic_ranges_hit_both_ends() {
        let values = spread(any("0.1%"), any("100%"), 4, true, false).unwrap();
        assert_eq!(values, ["0.1%", "1%", "10%", "100%"]);
        let values = spread(any("10"), any("1000"), 5, true, true).unwrap();
        assert_eq!(values, ["10", "32", "100", "316", "1000"]);
        let values = spread(any("1ms"), any("2ms"), 3, false, false).unwrap();
        assert_eq!(values, ["1ms", "1.5ms", "2ms"]);
        assert!(spread(any("0%"), any("1%"), 3, true, false).is_err());
        assert!(spread(any("1"), any("3"), 9, false, true).is_err());
    }
}
