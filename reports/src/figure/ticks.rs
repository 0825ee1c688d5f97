//! Where an axis is marked, and how the marks read.

use crate::format;

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    /// Empty for a grid line without text.
    pub(super) label: String,
}

/// Marks at multiples of 1, 2 or 5 times a power of ten, from `low` to at most `high`; about `wanted`.
pub(super) fn linear(low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let step = nice_step((high - low) / wanted as f64);
    let decimals = usize::try_from(-(libm::floor(libm::log10(step) + 1e-9) as i32)).unwrap_or(0);
    multiples(low, high, step)
        .map(|at| Tick {
            at,
            label: format!("{at:.decimals$}"),
        })
        .collect()
}

/// The smallest of 1, 2 or 5 times a power of ten that is at least `least`.
fn nice_step(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(least)));
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = libm::ceil(low / step - 1e-9) as i64;
    let last = libm::floor(high / step + 1e-9) as i64;
    (first..=last).map(move |k| k as f64 * step)
}

/// A unit for a time axis that ends at `high_ns`: its length in ns and its symbol.
pub(super) fn time_unit(high_ns: f64) -> (f64, &'static str) {
    const UNITS: [(f64, &str); 6] = [
        (86_400e9, "d"),
        (3_600e9, "h"),
        (60e9, "min"),
        (1e9, "s"),
        (1e6, "ms"),
        (1e3, "µs"),
    ];
    // At least three units, or the marks would all be fractions.
    UNITS
        .into_iter()
        .find(|(unit_ns, _)| high_ns >= 3.0 * unit_ns)
        .unwrap_or((1.0, "ns"))
}

/// Marks of a time axis in its unit; hours and minutes go by 3, 6, 12, 15 and 30 rather than by 5.
pub(super) fn time(high_ns: f64, wanted: usize) -> (Vec<Tick>, &'static str) {
    let (unit_ns, unit) = time_unit(high_ns);
    let high = high_ns / unit_ns;
    let steps: &[f64] = match unit {
        "h" => &[1.0, 2.0, 3.0, 6.0, 12.0, 24.0],
        "min" | "s" => &[1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0],
        _ => &[],
    };
    let step = steps
        .iter()
        .copied()
        .find(|step| high / step <= wanted as f64)
        .unwrap_or_else(|| nice_step(high / wanted as f64));
    let decimals = usize::from(step < 1.0);
    let ticks = multiples(0.0, high, step)
        .map(|at| Tick {
            at: at * unit_ns,
            label: format!("{at:.decimals$}"),
        })
        .collect();
    (ticks, unit)
}

/// Range and marks of a logarithmic axis of durations that holds `low_ns` to `high_ns`, both above 0.
///
/// The range ends at marks. Less than a decade is marked finely, up to two decades at 1, 2 and 5,
/// more at powers of ten; each mark carries its own unit.
pub(super) fn log_duration(low_ns: f64, high_ns: f64) -> (f64, f64, Vec<Tick>) {
    let narrow = high_ns / low_ns < 6.0;
    let factors: &[f64] = if narrow {
        &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let ladder: Vec<f64> = (0..20)
        .map(|exponent| libm::pow(10.0, f64::from(exponent)))
        .flat_map(|power| factors.iter().map(move |factor| (factor * power).round()))
        .collect();
    // A narrow axis leaves a further mark on both sides, so that a single value stands inside.
    let beyond = usize::from(narrow);
    let first = ladder
        .partition_point(|mark| *mark < low_ns)
        .saturating_sub(1 + beyond);
    let last = (ladder.partition_point(|mark| *mark <= high_ns) + beyond).min(ladder.len() - 1);
    let decades = libm::log10(ladder[last] / ladder[first]);
    let labelled_decades = if decades > 8.0 { 2 } else { 1 };
    let ticks = (first..=last)
        .map(|index| {
            let (decade, within) = (index / factors.len(), index % factors.len());
            let whole = within == 0 && decade.is_multiple_of(labelled_decades);
            let label = if decades <= 2.0 || whole {
                log_label(ladder[index])
            } else {
                String::new()
            };
            Tick {
                at: ladder[index],
                label,
            }
        })
        .collect();
    (ladder[first], ladder[last], ticks)
}

/// Durations on a logarithmic axis stay in decimal units: seconds are not cut into minutes.
fn log_label(at_ns: f64) -> String {
    if at_ns >= 1e9 {
        format!("{} s", format::count((at_ns / 1e9).round() as u64))
    } else {
        format::duration(at_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks
            .iter()
            .map(|tick| tick.label.as_str())
            .filter(|label| !label.is_empty())
            .collect()
    }

    #[test]
    fn linear_marks_are_round_numbers() {
        assert_eq!(
            labels(&linear(0.0, 1.0, 5)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&linear(0.0, 87.0, 5)), ["0", "20", "40", "60", "80"]);
        assert_eq!(
            labels(&linear(0.99, 1.0, 5)),
            ["0.990", "0.992", "0.994", "0.996", "0.998", "1.000"]
        );
    }

    #[test]
    fn a_day_is_marked_in_hours_and_a_month_in_days() {
        let (ticks, unit) = time(24.0 * 3_600e9, 6);
        assert_eq!(
            (labels(&ticks), unit),
            (vec!["0", "6", "12", "18", "24"], "h")
        );
        let (ticks, unit) = time(30.0 * 86_400e9, 6);
        assert_eq!(
            (labels(&ticks), unit),
            (vec!["0", "5", "10", "15", "20", "25", "30"], "d")
        );
    }

    #[test]
    fn log_marks_have_units_and_enclose_the_data() {
        let (low, high, ticks) = log_duration(3e6, 40e6);
        assert_eq!((low, high), (2e6, 50e6));
        assert_eq!(labels(&ticks), ["2 ms", "5 ms", "10 ms", "20 ms", "50 ms"]);
        let (_, _, ticks) = log_duration(15e3, 3e9);
        assert_eq!(
            labels(&ticks),
            ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"]
        );
        let (low, high, _) = log_duration(5e6, 5e6);
        assert_eq!((low, high), (3e6, 8e6));
    }
}
