//! Figures of a sweep: any metric against any axis, survival over attempts, paired differences.

use super::measure::{self, Spread};
use super::{
    BarRow, CurvePoint, CurveSeries, Curves, Figure, FigureError, LEVEL, Panel, RowStyle, Rows,
    Wanted,
};
use crate::format;
use crate::read::sheet::Sheet;
use crate::read::sweep::{Aggregate, SweepResult};
use crate::statistics::proportion::wilson_over_runs;

/// How the bands of rates are found.
const WILSON: &str = "Wilson over runs";

/// Series of one figure: more cannot be told apart.
const SERIES_MAX: usize = 6;

/// The figure `wanted` of a sweep.
pub(super) fn of_sweep(
    sweep: &SweepResult,
    wanted: &Wanted,
) -> Result<Box<dyn Figure>, FigureError> {
    Ok(match wanted.figure.as_str() {
        "desync-vs" => Box::new(desync_vs(sweep, wanted)?),
        "metric-vs" => {
            let y = wanted.y.clone().unwrap_or_else(|| default_metric(sweep));
            Box::new(curves(sweep, wanted, &[&y], None)?)
        }
        "survival" => Box::new(survival(sweep, wanted)?),
        _ => Box::new(paired(sweep, wanted)?),
    })
}

fn default_metric(sweep: &SweepResult) -> String {
    let usual = ["success_rate", "desync_rate", "attempts"];
    let found = usual
        .iter()
        .find(|name| sweep.metrics.iter().any(|metric| metric == *name));
    found.map_or_else(
        || sweep.metrics.first().cloned().unwrap_or_default(),
        |name| (*name).to_owned(),
    )
}

fn desync_vs(sweep: &SweepResult, wanted: &Wanted) -> Result<Curves, FigureError> {
    if let Some(y) = &wanted.y {
        return curves(sweep, wanted, &[y], Some("desync-vs"));
    }
    let known: Vec<&str> = ["desync_rate", "lockout_rate"]
        .into_iter()
        .filter(|name| sweep.metrics.iter().any(|metric| metric == name))
        .collect();
    if known.is_empty() {
        return Err(FigureError::NoMetric {
            name: String::from("desync_rate"),
            known: sweep.metrics.clone(),
        });
    }
    let both = curves(sweep, wanted, &known, Some("desync-vs"));
    // Many series: then without the second metric.
    match both {
        Err(FigureError::TooMany { .. }) => curves(sweep, wanted, &known[..1], Some("desync-vs")),
        other => other,
    }
}

/// Whether all values of an axis are numbers.
pub(crate) fn is_numeric(sweep: &SweepResult, axis: &str) -> bool {
    let values = sweep.values_of(axis);
    values
        .iter()
        .all(|value| measure::quantity(value).is_some())
}

/// The axes, those first that make the better horizontal axis: numbers before words, then many
/// values before few.
pub(crate) fn axes_by_use(sweep: &SweepResult) -> Vec<String> {
    let mut axes = sweep.axes.clone();
    axes.sort_by_key(|axis| {
        let few = usize::MAX - sweep.values_of(axis).len();
        (!is_numeric(sweep, axis), few)
    });
    axes
}

/// The place of an axis.
fn axis(sweep: &SweepResult, name: &str) -> Result<usize, FigureError> {
    sweep
        .axes
        .iter()
        .position(|axis| axis == name)
        .ok_or_else(|| FigureError::NoAxis {
            name: name.to_owned(),
            known: sweep.axes.clone(),
        })
}

fn curves(
    sweep: &SweepResult,
    wanted: &Wanted,
    metrics: &[&str],
    name: Option<&str>,
) -> Result<Curves, FigureError> {
    let x_name = match &wanted.x {
        Some(name) => name.clone(),
        None => axes_by_use(sweep)
            .into_iter()
            .find(|axis| Some(axis) != wanted.by.as_ref())
            .ok_or_else(|| FigureError::NoAxis {
                name: String::from("(none given)"),
                known: sweep.axes.clone(),
            })?,
    };
    let x = axis(sweep, &x_name)?;
    let by = wanted
        .by
        .as_deref()
        .map(|name| axis(sweep, name))
        .transpose()?;
    let mut only = Vec::new();
    for (name, value) in &wanted.only {
        only.push((axis(sweep, name)?, value.clone()));
    }
    let mut series: Vec<CurveSeries> = Vec::new();
    let (mut unit, mut methods, mut level) = (String::new(), Vec::new(), LEVEL);
    for metric in metrics {
        if !sweep.metrics.iter().any(|known| known == metric) {
            return Err(FigureError::NoMetric {
                name: (*metric).to_owned(),
                known: sweep.metrics.clone(),
            });
        }
        for aggregate in sweep.of_metric(metric)? {
            if only
                .iter()
                .any(|(axis, value)| aggregate.axes.get(*axis) != Some(value))
            {
                continue;
            }
            unit.clone_from(&aggregate.unit);
            if aggregate.level > 0.0 {
                level = aggregate.level;
            }
            // Rates are drawn with Wilson's band; the table's intervals are for claims.
            let wilson = (aggregate.unit == "share")
                .then(|| {
                    let (mean, sd) = (aggregate.mean?, aggregate.sd?);
                    wilson_over_runs(mean, sd, aggregate.n, level)
                })
                .flatten();
            let said = if wilson.is_some() {
                WILSON
            } else {
                aggregate.method.as_str()
            };
            let method = said.split(';').next().unwrap_or("").trim().to_owned();
            if !method.is_empty() && !methods.contains(&method) {
                methods.push(method);
            }
            let label = label(
                sweep,
                &aggregate.axes,
                x,
                by,
                (metrics.len() > 1).then_some(*metric),
            );
            let at = series
                .iter()
                .position(|known| known.label == label)
                .unwrap_or_else(|| {
                    series.push(CurveSeries {
                        label,
                        points: Vec::new(),
                    });
                    series.len() - 1
                });
            let value = aggregate.mean.or_else(|| sweep_median(&aggregate));
            series[at].points.push(CurvePoint {
                x: aggregate.axes.get(x).cloned().unwrap_or_default(),
                value,
                interval: wilson
                    .map(|ends| (ends.low, ends.high))
                    .or(aggregate.interval),
                n: aggregate.n,
            });
        }
    }
    if series.is_empty() {
        let filters: Vec<String> = wanted
            .only
            .iter()
            .map(|(axis, value)| {
                let known = sweep.values_of(axis).join(", ");
                format!("{axis}={value} ({axis} has {known})")
            })
            .collect();
        return Err(FigureError::Empty {
            selection: filters.join(", "),
        });
    }
    if series.len() > SERIES_MAX {
        return Err(FigureError::TooMany {
            series: series.len(),
            max: SERIES_MAX,
            axes: sweep.axes.clone(),
        });
    }
    let mut points = series.iter().flat_map(|series| &series.points);
    if points.all(|point| point.value.is_none()) {
        return Err(FigureError::Unavailable {
            figure: wanted.figure.clone(),
            reason: format!("no run has a value of {}", metrics.join(" and ")),
        });
    }
    let y = if metrics.len() > 1 {
        String::from("devices")
    } else {
        metrics[0].to_owned()
    };
    let what: Vec<String> = metrics
        .iter()
        .map(|metric| measure::titled(metric, ""))
        .collect();
    let what = what.join(" and ");
    let method = if methods.is_empty() {
        String::from("no interval")
    } else {
        format!(
            "{} intervals ({})",
            format::percent(level),
            methods.join(", ")
        )
    };
    Ok(Curves {
        name: name.map_or_else(
            || format!("{}-vs-{}", safe(metrics[0]), safe(&x_name)),
            str::to_owned,
        ),
        title: format!("{what} by {}", x_name.replace('_', " ")),
        x: x_name,
        y,
        unit,
        series,
        references: references(sweep, metrics, (x, by), &only)?,
        intervals: method,
        spread: wanted.spread,
    })
}

/// What theory says of `metrics`, one series per label; a formula that two metrics share is drawn once.
fn references(
    sweep: &SweepResult,
    metrics: &[&str],
    (x, by): (usize, Option<usize>),
    only: &[(usize, String)],
) -> Result<Vec<CurveSeries>, FigureError> {
    let mut found: Vec<CurveSeries> = Vec::new();
    for metric in metrics {
        let mut own: Vec<CurveSeries> = Vec::new();
        for exact in sweep.exact(metric)? {
            if only
                .iter()
                .any(|(axis, value)| exact.axes.get(*axis) != Some(value))
            {
                continue;
            }
            let mut label = label(sweep, &exact.axes, x, by, None);
            if label == "simulated" {
                label = String::from("closed form");
            } else {
                label.insert_str(0, "closed form, ");
            }
            let point = CurvePoint {
                x: exact.axes.get(x).cloned().unwrap_or_default(),
                value: Some(exact.value),
                interval: None,
                n: 0,
            };
            match own.iter_mut().find(|known| known.label == label) {
                Some(series) => series.points.push(point),
                None => own.push(CurveSeries {
                    label,
                    points: vec![point],
                }),
            }
        }
        for series in own {
            if !found.contains(&series) {
                found.push(series);
            }
        }
    }
    Ok(found)
}

/// Survival times have a median and no mean.
const fn sweep_median(_: &Aggregate) -> Option<f64> {
    None
}

/// What tells a series from the others: the value of `by`, and of every further axis that varies.
fn label(
    sweep: &SweepResult,
    values: &[String],
    x: usize,
    by: Option<usize>,
    metric: Option<&str>,
) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut say = |axis: usize| {
        let (name, value) = (&sweep.axes[axis], &values[axis]);
        parts.push(format!("{name} {value}"));
    };
    if let Some(by) = by {
        say(by);
    }
    for axis in (0..sweep.axes.len()).filter(|axis| *axis != x && Some(*axis) != by) {
        say(axis);
    }
    if let Some(metric) = metric {
        parts.insert(0, metric.replace('_', " "));
    }
    if parts.is_empty() {
        String::from("simulated")
    } else {
        parts.join(", ")
    }
}

/// A name for a file: letters, digits, hyphens and underscores.
pub(super) fn safe(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
                c
            } else {
                '-'
            }
        })
        .collect()
}

/// Survival over attempts by point, from `survival.csv`.
fn survival(sweep: &SweepResult, wanted: &Wanted) -> Result<Curves, FigureError> {
    let path = sweep.directory().join("survival.csv");
    let sheet = Sheet::read(&path)?;
    let (attempts, share) = (sheet.column("attempts")?, sheet.column("survival")?);
    let (low, high, risk) = (
        sheet.column("band_low")?,
        sheet.column("band_high")?,
        sheet.column("at_risk")?,
    );
    let from = sheet.column("point")? + 1;
    let mut only = Vec::new();
    for (name, value) in &wanted.only {
        only.push((axis(sweep, name)? + from, value));
    }
    let mut series: Vec<CurveSeries> = Vec::new();
    for row in 0..sheet.rows.len() {
        if only
            .iter()
            .any(|(column, value)| sheet.text(row, *column) != value.as_str())
        {
            continue;
        }
        let axes: Vec<String> = sweep
            .axes
            .iter()
            .enumerate()
            .map(|(index, name)| format!("{name} {}", sheet.text(row, from + index)))
            .collect();
        let label = if axes.is_empty() {
            String::from("simulated")
        } else {
            axes.join(", ")
        };
        let at = series
            .iter()
            .position(|known| known.label == label)
            .unwrap_or_else(|| {
                series.push(CurveSeries {
                    label,
                    points: Vec::new(),
                });
                series.len() - 1
            });
        let interval = match (sheet.number(row, low)?, sheet.number(row, high)?) {
            (Some(low), Some(high)) => Some((low, high)),
            _ => None,
        };
        series[at].points.push(CurvePoint {
            x: sheet.text(row, attempts).to_owned(),
            value: sheet.number(row, share)?,
            interval,
            n: sheet.number(row, risk)?.unwrap_or(0.0) as u64,
        });
    }
    if series.is_empty() {
        return Err(FigureError::Unavailable {
            figure: wanted.figure.clone(),
            reason: String::from(
                "survival.csv has no row for this selection: no device fell out of step",
            ),
        });
    }
    if series.len() > SERIES_MAX {
        return Err(FigureError::TooMany {
            series: series.len(),
            max: SERIES_MAX,
            axes: sweep.axes.clone(),
        });
    }
    for series in &mut series {
        thin(&mut series.points, 40);
    }
    Ok(Curves {
        name: String::from("survival"),
        title: String::from("Share of devices in step by attempts"),
        x: String::from("attempts"),
        y: String::from("devices still in step"),
        unit: String::from("share"),
        series,
        references: Vec::new(),
        intervals: String::from("Kaplan–Meier, 95% pointwise band; n counts devices at risk"),
        spread: wanted.spread,
    })
}

/// Leaves at most `max` points, evenly, ends included.
fn thin(points: &mut Vec<CurvePoint>, max: usize) {
    if points.len() <= max {
        return;
    }
    let last = points.len() - 1;
    let kept: Vec<CurvePoint> = (0..max)
        .map(|index| points[index * last / (max - 1)].clone())
        .collect();
    *points = kept;
}

/// Differences against the baseline, one row per point and metric.
fn paired(sweep: &SweepResult, wanted: &Wanted) -> Result<Rows, FigureError> {
    let sheet = Sheet::read(&sweep.directory().join("differences.csv"))?;
    let column = |name| sheet.column(name);
    let (metric, mean) = (column("metric")?, column("mean")?);
    let (low, high, unit, n) = (
        column("ci_low")?,
        column("ci_high")?,
        column("unit")?,
        column("n")?,
    );
    let from = column("baseline")? + 1;
    let mut known: Vec<String> = Vec::new();
    for row in 0..sheet.rows.len() {
        let name = sheet.text(row, metric).to_owned();
        if !known.contains(&name) {
            known.push(name);
        }
    }
    if known.is_empty() {
        return Err(FigureError::Unavailable {
            figure: wanted.figure.clone(),
            reason: String::from("differences.csv has no row: the sweep names no baseline"),
        });
    }
    let chosen: Vec<String> = match &wanted.y {
        Some(y) if known.contains(y) => vec![y.clone()],
        Some(y) => {
            return Err(FigureError::NoMetric {
                name: y.clone(),
                known,
            });
        }
        None => {
            let usual = [
                "success_rate",
                "desync_rate",
                "latency_p95_ns",
                "energy_per_accept_nj",
                "messages_per_accept",
            ];
            let usual: Vec<String> = usual
                .iter()
                .map(|name| (*name).to_owned())
                .filter(|name| known.contains(name))
                .collect();
            if usual.is_empty() {
                known[..1].to_vec()
            } else {
                usual
            }
        }
    };
    // An axis that is the same in all rows is said once, in the caption.
    let (fixed, varying): (Vec<usize>, Vec<usize>) = (0..sweep.axes.len()).partition(|index| {
        let first = sheet.text(0, from + index);
        (0..sheet.rows.len()).all(|row| sheet.text(row, from + index) == first)
    });
    let fixed: Vec<String> = fixed
        .into_iter()
        .map(|index| format!("{} {}", sweep.axes[index], sheet.text(0, from + index)))
        .collect();
    let mut panels = Vec::new();
    let mut runs = (u64::MAX, 0);
    for name in &chosen {
        let mut rows = Vec::new();
        let mut stored = String::new();
        for row in (0..sheet.rows.len()).filter(|row| sheet.text(*row, metric) == name) {
            let label: Vec<String> = varying
                .iter()
                .map(|index| {
                    let value = sheet.text(row, from + index);
                    // A word speaks for itself, a number does not.
                    if measure::quantity(value).is_some() {
                        format!("{} {value}", sweep.axes[*index])
                    } else {
                        value.to_owned()
                    }
                })
                .collect();
            let interval = match (sheet.number(row, low)?, sheet.number(row, high)?) {
                (Some(low), Some(high)) => Some((low, high)),
                _ => None,
            };
            let count = sheet.number(row, n)?.unwrap_or(0.0) as u64;
            runs = (runs.0.min(count), runs.1.max(count));
            sheet.text(row, unit).clone_into(&mut stored);
            // An interval that excludes 0 has a mark of its own.
            let apart = interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
            rows.push(BarRow {
                group: String::new(),
                label: label.join(", "),
                value: sheet.number(row, mean)?,
                interval,
                kind: usize::from(apart),
                flagged: false,
            });
        }
        panels.push(Panel {
            title: format!(
                "{}: difference",
                name.replace("_ns", "").replace("_nj", "").replace('_', " ")
            ),
            unit: if stored == "share" {
                String::new()
            } else {
                stored
            },
            rows,
            lines: vec![(0.0, String::from("no difference"))],
            style: RowStyle::Point,
            spread: Spread::Linear,
        });
    }
    Ok(Rows {
        name: String::from("paired"),
        title: String::from("Differences to the baseline"),
        about: String::from(
            "Mean paired differences over replications with the same random numbers.",
        ),
        panels,
        caption: format!(
            "{}n = {} per row · 95% intervals of paired differences · diamonds: 0 lies outside",
            if fixed.is_empty() {
                String::new()
            } else {
                format!("{} · ", fixed.join(", "))
            },
            if runs.0 == runs.1 {
                format::counted(runs.1, "pair")
            } else {
                format!("{} to {}", runs.0, format::counted(runs.1, "pair"))
            }
        ),
    })
}
