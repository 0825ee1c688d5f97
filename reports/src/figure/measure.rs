//! Units of axes: from what tables store (ns, B, nJ, shares) to what a reader wants to see, and the
//! values of axes as scenario files write them.

use super::frame::{Axis, Scale};
use super::ticks::{self, Tick};
use crate::format;

/// A unit to show: its symbol, and how many stored units one of it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) symbol: &'static str,
    pub(super) factor: f64,
}

/// The unit in which values up to `high` of stored unit `unit` read best.
pub(super) fn shown(unit: &str, high: f64) -> Shown {
    if matches!(unit, "share" | "count") {
        return fraction(unit, high);
    }
    let of = |ladder: &[(f64, &'static str)]| {
        let found = ladder.iter().find(|(factor, _)| high >= *factor);
        let (factor, symbol) = found
            .or_else(|| ladder.last())
            .copied()
            .unwrap_or((1.0, ""));
        Shown { symbol, factor }
    };
    match unit {
        "ns" => {
            let (factor, symbol) = ticks::time_unit(high);
            Shown { symbol, factor }
        }
        "nJ" => of(&[
            (1e12, "kJ"),
            (1e9, "J"),
            (1e6, "mJ"),
            (1e3, "µJ"),
            (1.0, "nJ"),
        ]),
        "B" => of(&[(1e9, "GB"), (1e6, "MB"), (1e4, "kB"), (1.0, "B")]),
        "bit" => Shown {
            symbol: "bit",
            factor: 1.0,
        },
        "s" => {
            let (factor, symbol) = ticks::time_unit(high * 1e9);
            Shown {
                symbol,
                factor: factor / 1e9,
            }
        }
        "bit/s" => of(&[
            (1e9, "Gbit/s"),
            (1e6, "Mbit/s"),
            (1e3, "kbit/s"),
            (1.0, "bit/s"),
        ]),
        _ => Shown {
            symbol: "",
            factor: 1.0,
        },
    }
}

/// A share or count: as it is, or in thousandths or millionths where all are that small.
fn fraction(unit: &str, high: f64) -> Shown {
    let symbol = if unit == "share" { "share" } else { "count" };
    let (factor, symbol) = if high >= 0.01 || high <= 0.0 {
        (1.0, symbol)
    } else if high >= 1e-5 {
        (1e-3, "10⁻³")
    } else {
        (1e-6, "10⁻⁶")
    };
    Shown { symbol, factor }
}

/// A name with its unit in brackets, as an axis title.
pub(super) fn titled(name: &str, symbol: &str) -> String {
    let name = name
        .strip_suffix("_ns")
        .or_else(|| name.strip_suffix("_nj"))
        .unwrap_or(name)
        .replace('_', " ");
    if symbol.is_empty() {
        name
    } else {
        format!("{name} ({symbol})")
    }
}

/// A value in a stored unit, for reading.
pub(super) fn value_text(value: f64, unit: &str) -> String {
    match unit {
        "ns" => format::duration(value),
        "share" => format::percent(value),
        "count" => short(value),
        _ => {
            let shown = shown(unit, value.abs());
            let number = short(value / shown.factor);
            match shown.symbol {
                "" => number,
                symbol => format!("{number} {symbol}"),
            }
        }
    }
}

/// A number with three significant digits, without trailing zeros.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 {
        return String::from("0");
    }
    if value.abs() >= 1000.0 && value.abs() < 1e15 {
        return if value < 0.0 {
            format!("−{}", format::count(-value.round() as u64))
        } else {
            format::count(value.round() as u64)
        };
    }
    let text = format::significant(value, 3);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The values of one axis, as numbers where all of them are numbers of one dimension.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum AxisValues {
    /// Numbers in a unit: `share` for percentages, `s`, `B`, `bit/s`, or none.
    Numbers(Vec<f64>, &'static str),
    /// Words, in the order of the study.
    Words(Vec<String>),
}

/// Reads the distinct values of an axis as a scenario file writes them.
pub(super) fn axis_values(texts: &[String]) -> AxisValues {
    let read: Option<Vec<(f64, &'static str)>> = texts.iter().map(|text| quantity(text)).collect();
    let Some(read) = read.filter(|read| !read.is_empty()) else {
        return AxisValues::Words(texts.to_vec());
    };
    // A bare 0 fits every unit; bare numbers and percentages are both shares when mixed.
    let unit = read
        .iter()
        .find(|(value, _)| *value != 0.0)
        .map_or(read[0].1, |(_, unit)| unit);
    if read.iter().all(|(value, of)| *of == unit || *value == 0.0) {
        AxisValues::Numbers(read.into_iter().map(|(value, _)| value).collect(), unit)
    } else {
        AxisValues::Words(texts.to_vec())
    }
}

/// A number, maybe with a unit, in the unit's base.
pub(super) fn quantity(text: &str) -> Option<(f64, &'static str)> {
    const UNITS: [(&str, f64, &str); 26] = [
        ("%", 0.01, "share"),
        ("ns", 1e-9, "s"),
        ("us", 1e-6, "s"),
        ("µs", 1e-6, "s"),
        ("ms", 1e-3, "s"),
        ("min", 60.0, "s"),
        ("bit/s", 1.0, "bit/s"),
        ("kbit/s", 1e3, "bit/s"),
        ("Mbit/s", 1e6, "bit/s"),
        ("Gbit/s", 1e9, "bit/s"),
        ("bps", 1.0, "bit/s"),
        ("kbps", 1e3, "bit/s"),
        ("Mbps", 1e6, "bit/s"),
        ("s", 1.0, "s"),
        ("h", 3600.0, "s"),
        ("d", 86_400.0, "s"),
        ("kB", 1e3, "B"),
        ("MB", 1e6, "B"),
        ("GB", 1e9, "B"),
        ("KiB", 1024.0, "B"),
        ("MiB", 1_048_576.0, "B"),
        ("GiB", 1_073_741_824.0, "B"),
        ("B", 1.0, "B"),
        ("ppm", 1.0, "ppm"),
        ("dBm", 1.0, "dBm"),
        ("m", 1.0, "m"),
    ];
    let text = text.trim().trim_matches('"');
    if let Ok(value) = text.parse::<f64>() {
        return value.is_finite().then_some((value, ""));
    }
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E' | '_')))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let value: f64 = number.replace('_', "").parse().ok()?;
    let (_, factor, base) = UNITS.into_iter().find(|(name, ..)| *name == unit.trim())?;
    Some((value * factor, base))
}

/// A numeric axis that holds `values`: logarithmic where they span decades.
#[derive(Clone, Debug)]
pub(super) struct Numeric {
    pub(super) axis: Axis,
    /// Where 0 stands on a logarithmic axis, if it is among the values.
    pub(super) zero_at: Option<f64>,
}

impl Numeric {
    /// The place of a value on the axis; zero of a logarithmic axis has one of its own.
    pub(super) fn place(&self, value: f64) -> f64 {
        match self.zero_at {
            Some(at) if value <= 0.0 => at,
            _ => value,
        }
    }

    /// True where values are spread by their logarithms.
    pub(super) const fn is_log(&self) -> bool {
        matches!(self.axis.scale, Scale::Log { .. })
    }
}

/// How an axis is to be spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// Logarithmic where the values are positive and span more than a factor of 30.
    #[default]
    Automatic,
    /// Linear.
    Linear,
    /// Logarithmic.
    Log,
}

/// The axis for `values` in stored unit `unit`, called `name`.
pub(super) fn numeric(
    values: &[f64],
    unit: &str,
    name: &str,
    spread: Spread,
    from_zero: bool,
) -> Numeric {
    let high = values.iter().copied().fold(f64::MIN, f64::max);
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let positive: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| *value > 0.0)
        .collect();
    let least = positive.iter().copied().fold(f64::MAX, f64::min);
    let log = match spread {
        Spread::Linear => false,
        Spread::Log => low >= 0.0 && !positive.is_empty(),
        Spread::Automatic => low >= 0.0 && positive.len() > 1 && high / least > 30.0,
    };
    let shown = shown(unit, high.abs().max(low.abs()));
    let title = titled(name, shown.symbol);
    let label = |value: f64| short(value / shown.factor);
    if log {
        return log_axis(least, high, low <= 0.0, title, label, shown.factor);
    }
    let (mut low, mut high) = (low / shown.factor, high / shown.factor);
    if from_zero && low >= 0.0 {
        low = 0.0;
    }
    if high <= low {
        let reach = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        (low, high) = if low == 0.0 {
            (0.0, reach)
        } else {
            (low - reach, high + reach)
        };
    }
    let room = (high - low) * 0.05;
    let high = if unit == "share" && high <= 1.0 {
        (high + room).min(1.02)
    } else {
        high + room
    };
    let low = if low == 0.0 { 0.0 } else { low - room };
    let mut ticks = ticks::linear(low, high, 6);
    for tick in &mut ticks {
        tick.at *= shown.factor;
    }
    Numeric {
        axis: Axis {
            scale: Scale::Linear {
                low: low * shown.factor,
                high: high * shown.factor,
            },
            ticks,
            title,
        },
        zero_at: None,
    }
}

fn log_axis(
    least: f64,
    high: f64,
    with_zero: bool,
    title: String,
    label: impl Fn(f64) -> String,
    factor: f64,
) -> Numeric {
    let (low_exp, high_exp) = (
        libm::floor(libm::log10(least / factor) + 1e-9) as i32,
        libm::ceil(libm::log10(high.max(least) / factor) - 1e-9) as i32,
    );
    let high_exp = high_exp.max(low_exp + 1);
    let fine = high_exp - low_exp <= 2;
    let mut ticks = Vec::new();
    let start = libm::pow(10.0, f64::from(low_exp)) * factor;
    let end = libm::pow(10.0, f64::from(high_exp)) * factor;
    // Begin close below the least value rather than at the power of ten.
    let low = [5.0, 2.0, 1.0]
        .into_iter()
        .map(|step| step * start)
        .find(|low| *low <= least * (1.0 + 1e-9))
        .unwrap_or(start);
    let top = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * end / 10.0)
        .find(|top| *top >= high * (1.0 - 1e-9))
        .unwrap_or(end);
    for exponent in low_exp..=high_exp {
        for step in 1..10 {
            let at = f64::from(step) * libm::pow(10.0, f64::from(exponent)) * factor;
            if at < low * (1.0 - 1e-9) || at > top * (1.0 + 1e-9) {
                continue;
            }
            let named = step == 1 || (fine && (step == 2 || step == 5));
            let label = if named { label(at) } else { String::new() };
            ticks.push(Tick { at, label });
        }
    }
    let span = top / low;
    let mut scale_low = low;
    let mut zero_at = None;
    if with_zero {
        // Zero has a place of its own, a tenth of the axis left of the rest.
        scale_low = low / libm::pow(span, 0.12);
        zero_at = Some(scale_low);
        ticks.insert(
            0,
            Tick {
                at: scale_low,
                label: String::from("0"),
            },
        );
    }
    Numeric {
        axis: Axis {
            scale: Scale::Log {
                low: scale_low,
                high: top,
            },
            ticks,
            title,
        },
        zero_at,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn axis_values_are_read_as_scenario_files_write_them() {
        let texts = |all: &[&str]| {
            all.iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            axis_values(&texts(&["0%", "2%", "100%"])),
            AxisValues::Numbers(vec![0.0, 0.02, 1.0], "share")
        );
        assert_eq!(
            axis_values(&texts(&["20ms", "1s", "2min"])),
            AxisValues::Numbers(vec![0.02, 1.0, 120.0], "s")
        );
        assert_eq!(
            axis_values(&texts(&["0", "5%"])),
            AxisValues::Numbers(vec![0.0, 0.05], "share")
        );
        assert!(matches!(
            axis_values(&texts(&["5%", "20ms"])),
            AxisValues::Words(_)
        ));
        assert!(matches!(
            axis_values(&texts(&["lorawan", "ble"])),
            AxisValues::Words(_)
        ));
    }

    #[test]
    fn a_log_axis_with_zero_keeps_a_place_for_it() {
        let axis = numeric(&[0.0, 0.01, 1.0], "share", "loss", Spread::Automatic, false);
        assert!(axis.is_log());
        assert!(axis.zero_at.unwrap() < 0.01);
        assert_eq!(axis.axis.ticks[0].label, "0");
    }
}
