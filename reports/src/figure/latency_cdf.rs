//! Latency of accepted sessions: empirical distribution on a logarithmic axis, with its band.

use super::counted::{Counted, Gathering};
use super::frame::{Axis, Frame, Scale};
use super::legend::{Key, Legend, Marker, draw_marker};
use super::palette::line_style;
use super::scene::{Area, Point, Scene};
use super::{Figure, ticks};
use crate::format;
use crate::read::RunResult;
use crate::statistics::distribution;
use crate::store::StoreError;
use crate::table::{Line, Table, table};

/// The figure's name.
pub(super) const NAME: &str = "latency-cdf";

table! {
    /// The data of the figure `latency-cdf`.
    LatencyData, "latency-cdf.csv",
    "one row per point drawn, by series and then by latency, marks after steps";
    /// One point drawn.
    LatencyPoint<'a> {
        series: &'a str, "text", "Label of the series.";
        kind: &'a str, "text", "step of the distribution, or mark: p50, p95, p99.";
        latency_ns: u64, "ns", "Where the distribution steps, or the quantile.";
        share: f64, "share", "Sessions at most this slow.";
        band_low: Option<f64>, "share", "Lower edge of the band; empty for marks.";
        band_high: Option<f64>, "share", "Upper edge of the band; empty for marks.";
        low_ns: Option<u64>, "ns", "Lower end of the quantile's interval; empty for steps, or if n is too small.";
        high_ns: Option<u64>, "ns", "Upper end of the quantile's interval; empty for steps, or if n is too small.";
    }
}

/// The latencies of one variant or condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencySeries {
    /// Name in the legend.
    pub label: String,
    /// Latencies of accepted sessions in ns, in any order; may be empty.
    pub latencies_ns: Vec<u64>,
}

/// Empirical distribution functions of latency.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyCdf {
    /// Series in legend order.
    series: Vec<Distribution>,
    level: f64,
}

/// A series as its distinct values.
#[derive(Clone, Debug, PartialEq)]
struct Distribution {
    label: String,
    latencies: Counted,
}

impl LatencyCdf {
    /// A figure of `series`, with bands and intervals at `level` (above 0, below 1).
    #[must_use]
    pub fn new(series: Vec<LatencySeries>, level: f64) -> Self {
        let distribution = |series: LatencySeries| Distribution {
            label: series.label,
            latencies: Counted::of(series.latencies_ns),
        };
        Self {
            series: series.into_iter().map(distribution).collect(),
            level,
        }
    }

    /// A figure of one series of values and how often each occurs.
    #[must_use]
    pub fn from_counts(
        label: &str,
        counts: impl IntoIterator<Item = (u64, u64)>,
        level: f64,
    ) -> Self {
        let series = vec![Distribution {
            label: label.to_owned(),
            latencies: Counted::of_counts(counts),
        }];
        Self { series, level }
    }

    /// A figure of the accepted sessions of a run, read in memory that does not grow with their
    /// number; also the number of all sessions.
    ///
    /// # Errors
    /// As [`RunResult::sessions`].
    pub fn of_run(run: &RunResult, level: f64) -> Result<(Self, u64), StoreError> {
        let mut gathering = Gathering::default();
        let sessions = run.each_session(&mut |session| {
            if let Some(latency_ns) = session.latency_ns {
                gathering.add(latency_ns);
            }
        })?;
        let series = vec![Distribution {
            label: "accepted sessions".into(),
            latencies: gathering.finish(),
        }];
        Ok((Self { series, level }, sessions))
    }

    fn observations(&self) -> u64 {
        self.series
            .iter()
            .map(|series| series.latencies.len())
            .sum()
    }

    /// Smallest and largest latency that a logarithmic axis can show.
    fn positive_range(&self) -> Option<(u64, u64)> {
        let positive = || {
            self.series
                .iter()
                .flat_map(|series| series.latencies.values())
                .filter(|ns| *ns > 0)
        };
        Some((positive().min()?, positive().max()?))
    }

    fn zeros(&self) -> u64 {
        self.series.iter().map(|s| s.latencies.zeros()).sum()
    }

    fn frame(&self, top: i32, low_ns: u64, high_ns: u64) -> Frame {
        let (low, high, x_ticks) = ticks::log_duration(low_ns as f64, high_ns as f64);
        Frame {
            area: Area {
                left: 200,
                top,
                right: 1340,
                bottom: 672,
            },
            x: Axis {
                scale: Scale::Log { low, high },
                ticks: x_ticks,
                title: "latency (logarithmic)".into(),
            },
            y: Axis {
                scale: Scale::Linear {
                    low: 0.0,
                    high: 1.0,
                },
                ticks: ticks::linear(0.0, 1.0, 5),
                title: "share of sessions".into(),
            },
        }
    }

    /// The latencies at which steps are drawn, with the share reached: all, or about [`STEPS_MAX`].
    fn steps(&self, series: &Distribution) -> Vec<distribution::EmpiricalStep> {
        let steps = series.latencies.steps();
        let stride = steps.len().div_ceil(STEPS_MAX).max(1);
        let last = steps.len().saturating_sub(1);
        let kept = steps.into_iter().enumerate();
        kept.filter(|(index, _)| index % stride == 0 || *index == last)
            .map(|(_, s)| s)
            .collect()
    }

    fn half_height(&self, series: &Distribution) -> f64 {
        distribution::band_half_height(series.latencies.len(), self.level)
    }

    fn paint_series(&self, scene: &mut Scene, frame: &Frame, index: usize) {
        let series = &self.series[index];
        let (colour, dash) = line_style(index);
        let half_height = self.half_height(series);
        let steps = self.steps(series);
        let x_end = match frame.x.scale {
            Scale::Log { high, .. } | Scale::Linear { high, .. } => high,
        };
        let outline = |height: &dyn Fn(f64) -> f64| -> Vec<Point> {
            let mut points = vec![(frame.area.left, frame.point(x_end, height(0.0)).1)];
            for step in &steps {
                // A latency of zero has no place on the axis: its share is reached at the left edge.
                let x = (step.value as f64).max(f64::MIN_POSITIVE);
                let (x, y) = frame.point(x, height(step.share));
                points.push((x, points[points.len() - 1].1));
                points.push((x, y));
            }
            points.push((frame.area.right, points[points.len() - 1].1));
            points
        };
        let mut band = outline(&|share| distribution::band(share, half_height).high);
        band.extend(
            outline(&|share| distribution::band(share, half_height).low)
                .iter()
                .rev(),
        );
        scene.polygon(&band, colour.faded(18));
        scene.line(&outline(&|share| share), colour, 6, dash);
    }

    fn paint_marks(&self, scene: &mut Scene, frame: &Frame, index: usize) {
        let latencies = &self.series[index].latencies;
        for (share, _, marker) in MARKS {
            if let Some(latency_ns) = latencies.quantile(share)
                && latency_ns > 0
            {
                let at = frame.point(latency_ns as f64, share);
                draw_marker(scene, marker, at, line_style(index).0);
            }
        }
    }

    fn legend_entries(&self) -> Vec<(Key, String)> {
        let shown = || {
            self.series
                .iter()
                .enumerate()
                .filter(|(_, s)| s.latencies.len() > 0)
        };
        if let [series] = &self.series[..] {
            let mut entries: Vec<(Key, String)> = MARKS
                .into_iter()
                .filter_map(|(share, name, marker)| {
                    let text = self.quantile_text(&series.latencies, share, name)?;
                    Some((Key::Mark(marker, line_style(0).0), text))
                })
                .collect();
            let band = format!("{} band (DKW)", format::percent(self.level));
            entries.push((Key::Band(line_style(0).0.faded(18)), band));
            return entries;
        }
        shown()
            .map(|(index, series)| {
                let (colour, dash) = line_style(index);
                let median = series.latencies.quantile(0.5).unwrap_or(0);
                let text = format!(
                    "{}, median {}",
                    series.label,
                    format::duration(median as f64)
                );
                (Key::Line(colour, dash), text)
            })
            .collect()
    }

    /// `p95 410 ms (390 ms to 440 ms)`; the interval is left out where an end is missing.
    fn quantile_text(&self, latencies: &Counted, share: f64, name: &str) -> Option<String> {
        let duration = |ns: u64| format::duration(ns as f64);
        let value = duration(latencies.quantile(share)?);
        Some(match latencies.interval(share, self.level) {
            (Some(low), Some(high)) => {
                format!("{name} {value} ({} to {})", duration(low), duration(high))
            }
            _ => format!("{name} {value}"),
        })
    }
}

impl Figure for LatencyCdf {
    fn name(&self) -> &str {
        NAME
    }

    fn title(&self) -> String {
        "Latency until both ends accept".into()
    }

    fn description(&self) -> String {
        let mut text = String::from(
            "Share of accepted sessions, from 0 to 1, that took at most a given time, on a \
             logarithmic axis.",
        );
        for series in &self.series {
            let n = series.latencies.len();
            text.push_str(&format!(" {}: n = {n}", series.label));
            for (share, name, _) in MARKS {
                if let Some(mark) = self.quantile_text(&series.latencies, share, name) {
                    text.push_str(&format!(", {mark}"));
                }
            }
            text.push('.');
        }
        text
    }

    fn caption(&self) -> String {
        let level = format::percent(self.level);
        let mut text = format!(
            "n = {} · {level} band (Dvoretzky–Kiefer–Wolfowitz) and quantile intervals",
            format::counted(self.observations(), "session")
        );
        if self.zeros() > 0 {
            text.push_str(&format!(
                " · {} of them 0 s, at the left edge",
                self.zeros()
            ));
        }
        if self
            .series
            .iter()
            .any(|series| series.latencies.is_rounded())
        {
            text.push_str(" · latencies to four significant digits");
        }
        text
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        LatencyData::SCHEMA.header(&mut out);
        let mut write = |point: LatencyPoint<'_>| {
            let mut line = Line::new(&mut out);
            LatencyData::cells(&point, &mut line);
            line.end();
        };
        for series in &self.series {
            let (low_ns, high_ns) = (None, None);
            for step in self.steps(series) {
                let band = distribution::band(step.share, self.half_height(series));
                write(LatencyPoint {
                    series: &series.label,
                    kind: "step",
                    latency_ns: step.value,
                    share: step.share,
                    band_low: Some(band.low),
                    band_high: Some(band.high),
                    low_ns,
                    high_ns,
                });
            }
            for (share, kind, _) in MARKS {
                let Some(latency_ns) = series.latencies.quantile(share) else {
                    continue;
                };
                let (low_ns, high_ns) = series.latencies.interval(share, self.level);
                write(LatencyPoint {
                    series: &series.label,
                    kind,
                    latency_ns,
                    share,
                    band_low: None,
                    band_high: None,
                    low_ns,
                    high_ns,
                });
            }
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        let Some((low_ns, high_ns)) = self.positive_range() else {
            let reason = if self.observations() == 0 {
                "no session was accepted by both ends"
            } else {
                "every latency is 0 s, which a logarithmic axis cannot show"
            };
            scene.no_data(reason);
            return;
        };
        let legend = Legend::new(self.legend_entries());
        legend.draw(scene);
        let frame = self.frame(legend.bottom(), low_ns, high_ns);
        frame.draw(scene);
        for index in 0..self.series.len() {
            if self.series[index].latencies.len() > 0 {
                self.paint_series(scene, &frame, index);
            }
        }
        for index in 0..self.series.len() {
            self.paint_marks(scene, &frame, index);
        }
    }
}

/// Quantiles marked on each curve: share, name, marker.
const MARKS: [(f64, &str, Marker); 3] = [
    (0.5, "p50", Marker::Circle),
    (0.95, "p95", Marker::Triangle),
    (0.99, "p99", Marker::Square),
];

/// Steps beyond this are thinned evenly: a picture has fewer columns of pixels.
const STEPS_MAX: usize = 2000;
