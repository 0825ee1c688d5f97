//! Share of devices still in step over time: Kaplan–Meier estimate with its band.

use super::frame::{Axis, Frame, Scale};
use super::legend::{Key, Legend};
use super::palette::{GREY_INK, INK, REFERENCE_DASH, line_style};
use super::scene::{Anchor, Area, Point, Scene, TICK_PX};
use super::{Figure, ticks};
use crate::format;
use crate::statistics::proportion;
use crate::statistics::survival::{Lifetime, SurvivalStep, kaplan_meier};
use crate::table::{Line, Table, table};

/// The figure's name.
pub(super) const NAME: &str = "survival";

table! {
    /// The data of the figure `survival`.
    SurvivalData, "survival.csv",
    "one row per point drawn, by series and then by time, reference curve last";
    /// One point drawn.
    SurvivalPoint<'a> {
        series: &'a str, "text", "Label of the series or reference curve.";
        kind: &'a str, "text", "estimate or reference.";
        time_ns: u64, "ns", "Time since the start of the run.";
        at_risk: Option<u64>, "count", "Devices observed and in step just before; empty for a reference.";
        events: Option<u64>, "count", "Devices that fell out of step at this time; empty for a reference.";
        censored: Option<u64>, "count", "Devices whose observation ended at this time; empty for a reference.";
        survival: f64, "share", "Devices still in step after this time.";
        band_low: Option<f64>, "share", "Lower edge of the pointwise band; empty where it has no value.";
        band_high: Option<f64>, "share", "Upper edge of the pointwise band; empty where it has no value.";
    }
}

/// The devices of one variant or condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurvivalSeries {
    /// Name in the legend.
    pub label: String,
    /// Time to permanent desynchronisation of each device, in any order; may be empty.
    pub lifetimes: Vec<Lifetime>,
}

/// A curve that theory gives, drawn dashed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Name in the legend, e.g. `(1 − p)^k`.
    pub label: String,
    /// Time in ns, ascending, with the share still in step, 0 to 1.
    pub points: Vec<(u64, f64)>,
}

/// Shares of devices still in step over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Survival {
    series: Vec<Estimated>,
    end_ns: u64,
    level: f64,
    reference: Option<Reference>,
}

/// A series with its estimate.
#[derive(Clone, Debug, PartialEq)]
struct Estimated {
    label: String,
    devices: u64,
    events: u64,
    steps: Vec<SurvivalStep>,
}

impl Survival {
    /// A figure of `series` observed until `end_ns`, with bands at `level` (above 0, below 1).
    #[must_use]
    pub fn new(series: Vec<SurvivalSeries>, end_ns: u64, level: f64) -> Self {
        let series = series
            .into_iter()
            .map(|series| Estimated {
                devices: series.lifetimes.len() as u64,
                events: series
                    .lifetimes
                    .iter()
                    .filter(|lifetime| lifetime.event)
                    .count() as u64,
                steps: kaplan_meier(&series.lifetimes, level),
                label: series.label,
            })
            .collect();
        Self {
            series,
            end_ns,
            level,
            reference: None,
        }
    }

    /// The same figure with a dashed curve that theory gives.
    #[must_use]
    pub fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = Some(reference);
        self
    }

    fn devices(&self) -> u64 {
        self.series.iter().map(|series| series.devices).sum()
    }

    /// The first of 0, 0.5, 0.9, 0.99, 0.999 from the top that leaves everything visible.
    fn floor(&self) -> f64 {
        let reference = self
            .reference
            .iter()
            .flat_map(|curve| curve.points.iter().map(|p| p.1));
        let lowest = self
            .series
            .iter()
            .flat_map(|series| &series.steps)
            .map(|step| step.band.map_or(step.survival, |band| band.low))
            .chain(reference)
            .fold(1.0, f64::min);
        if lowest == 1.0 {
            return 0.0;
        }
        [0.999, 0.99, 0.9, 0.5]
            .into_iter()
            .find(|floor| *floor <= lowest)
            .unwrap_or(0.0)
    }

    fn frame(&self, top: i32) -> Frame {
        let end = (self.end_ns as f64).max(1.0);
        let (x_ticks, unit) = ticks::time(end, 6);
        let floor = self.floor();
        let title = if floor > 0.0 {
            "share in step (cut)"
        } else {
            "share in step"
        };
        Frame {
            area: Area {
                left: 220,
                top,
                right: 1340,
                bottom: 672 - self.risk_rows() as i32 * RISK_LINE_PX,
            },
            x: Axis {
                scale: Scale::Linear {
                    low: 0.0,
                    high: end,
                },
                ticks: x_ticks,
                title: format!("time since start ({unit})"),
            },
            y: Axis {
                scale: Scale::Linear {
                    low: floor,
                    high: 1.0,
                },
                ticks: ticks::linear(floor, 1.0, 5),
                title: title.into(),
            },
        }
    }

    /// Rows of numbers at risk below the axis; more than three would crowd out the plot.
    fn risk_rows(&self) -> usize {
        if self.series.len() <= 3 {
            self.series.len()
        } else {
            0
        }
    }

    fn paint_series(&self, scene: &mut Scene, frame: &Frame, index: usize) {
        let (colour, dash) = line_style(index);
        let series = &self.series[index];
        for band in bands(&series.steps, self.end_ns) {
            let mut outline: Vec<Point> = Vec::new();
            let at = |time_ns: u64, share: f64| frame.point(time_ns as f64, share);
            outline.extend(
                band.iter()
                    .flat_map(|(from, to, band)| [at(*from, band.high), at(*to, band.high)]),
            );
            outline.extend(
                band.iter()
                    .rev()
                    .flat_map(|(from, to, band)| [at(*to, band.low), at(*from, band.low)]),
            );
            scene.polygon(&outline, colour.faded(18));
        }
        let mut curve = vec![frame.point(0.0, 1.0)];
        for step in &series.steps {
            let (x, y) = frame.point(step.time_ns as f64, step.survival);
            curve.push((x, curve[curve.len() - 1].1));
            curve.push((x, y));
        }
        // After the last observation nothing is known, so the curve ends there.
        scene.line(&curve, colour, 6, dash);
    }

    fn paint_reference(&self, scene: &mut Scene, frame: &Frame) {
        let points: Vec<Point> = self
            .reference
            .iter()
            .flat_map(|curve| &curve.points)
            .map(|(time_ns, share)| frame.point(*time_ns as f64, *share))
            .collect();
        scene.line(&points, INK, 4, REFERENCE_DASH);
    }

    /// Devices at risk below each labelled mark, the custom of survival figures.
    fn paint_risk(&self, scene: &mut Scene, frame: &Frame) {
        for (row, series) in self.series.iter().take(self.risk_rows()).enumerate() {
            let y = frame.area.bottom + 144 + row as i32 * RISK_LINE_PX;
            let colour = if self.series.len() > 1 {
                line_style(row).0
            } else {
                GREY_INK
            };
            scene.text("at risk", (24, y), TICK_PX - 4, colour, Anchor::Left);
            for tick in &frame.x.ticks {
                let at_risk = at_risk(series, tick.at);
                let at = (frame.point(tick.at, 1.0).0, y);
                scene.text(&compact(at_risk), at, TICK_PX - 4, colour, Anchor::Centre);
            }
        }
    }

    fn legend_entries(&self) -> Vec<(Key, String)> {
        let mut entries: Vec<(Key, String)> = self
            .series
            .iter()
            .enumerate()
            .map(|(index, series)| {
                let (colour, dash) = line_style(index);
                let mut text = format!(
                    "{}: {} of {} out of step",
                    series.label,
                    format::count(series.events),
                    format::count(series.devices)
                );
                // None of n is not "never": the share that n devices cannot rule out.
                if series.events == 0
                    && let Some(bound) = proportion::clopper_pearson(0, series.devices, self.level)
                {
                    text.push_str(&format!(" (at most {})", format::percent(bound.high)));
                }
                (Key::Line(colour, dash), text)
            })
            .collect();
        if self
            .series
            .iter()
            .any(|series| series.steps.iter().any(|step| step.band.is_some()))
        {
            let text = format!("{} band (pointwise)", format::percent(self.level));
            entries.push((Key::Band(line_style(0).0.faded(18)), text));
        }
        if let Some(reference) = &self.reference {
            entries.push((Key::Line(INK, REFERENCE_DASH), reference.label.clone()));
        }
        entries
    }
}

impl Figure for Survival {
    fn name(&self) -> &str {
        NAME
    }

    fn title(&self) -> String {
        "Devices not permanently out of step".into()
    }

    fn description(&self) -> String {
        let mut text = String::from(
            "Share of devices not permanently out of step with their server, from 0 to 1, over \
             time since the start of the run, as a falling step curve.",
        );
        for series in &self.series {
            text.push_str(&format!(
                " {}: {} of {} devices fell out of step.",
                series.label, series.events, series.devices
            ));
        }
        if let Some(reference) = &self.reference {
            text.push_str(&format!(" The dashed curve is {}.", reference.label));
        }
        text
    }

    fn caption(&self) -> String {
        let devices = format::counted(self.devices(), "device");
        let level = format::percent(self.level);
        format!("n = {devices} · Kaplan–Meier with {level} log-log band")
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        SurvivalData::SCHEMA.header(&mut out);
        let mut write = |point: SurvivalPoint<'_>| {
            let mut line = Line::new(&mut out);
            SurvivalData::cells(&point, &mut line);
            line.end();
        };
        for series in &self.series {
            for step in &series.steps {
                write(SurvivalPoint {
                    series: &series.label,
                    kind: "estimate",
                    time_ns: step.time_ns,
                    at_risk: Some(step.at_risk),
                    events: Some(step.events),
                    censored: Some(step.censored),
                    survival: step.survival,
                    band_low: step.band.map(|band| band.low),
                    band_high: step.band.map(|band| band.high),
                });
            }
        }
        if let Some(reference) = &self.reference {
            for (time_ns, survival) in &reference.points {
                write(SurvivalPoint {
                    series: &reference.label,
                    kind: "reference",
                    time_ns: *time_ns,
                    at_risk: None,
                    events: None,
                    censored: None,
                    survival: *survival,
                    band_low: None,
                    band_high: None,
                });
            }
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        if self.devices() == 0 {
            scene.no_data("no device made an attempt");
            return;
        }
        let legend = Legend::new(self.legend_entries());
        legend.draw(scene);
        let frame = self.frame(legend.bottom());
        frame.draw(scene);
        for index in 0..self.series.len() {
            self.paint_series(scene, &frame, index);
        }
        self.paint_reference(scene, &frame);
        self.paint_risk(scene, &frame);
    }
}

/// Devices of `series` observed and in step at `time_ns`.
fn at_risk(series: &Estimated, time_ns: f64) -> u64 {
    series
        .steps
        .iter()
        .find(|step| step.time_ns as f64 >= time_ns)
        .map_or(0, |step| step.at_risk)
}

/// A count in at most five characters or so, since several share the width of the axis.
fn compact(count: u64) -> String {
    match count {
        0..100_000 => count.to_string(),
        100_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", format::significant(count as f64 / 1e6, 3)),
    }
}

/// Stretches in which the band has a value: from, to, and the band between.
fn bands(steps: &[SurvivalStep], end_ns: u64) -> Vec<Vec<(u64, u64, crate::statistics::Interval)>> {
    let mut stretches = vec![Vec::new()];
    for (index, step) in steps.iter().enumerate() {
        let until_ns = steps
            .get(index + 1)
            .map_or_else(|| end_ns.max(step.time_ns), |next| next.time_ns);
        match (step.band, stretches.last_mut()) {
            (Some(band), Some(stretch)) => stretch.push((step.time_ns, until_ns, band)),
            _ => stretches.push(Vec::new()),
        }
    }
    stretches
}

const RISK_LINE_PX: i32 = 50;
