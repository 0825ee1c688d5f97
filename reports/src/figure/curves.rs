//! Any metric against any axis: points with intervals, one line per series, closed forms dashed.
//!
//! On a logarithmic axis a value of 0 is drawn as a bound: an arrow that points down from the upper
//! end of its interval. A swept 0 has a place of its own at the left of a logarithmic axis.

use super::Figure;
use super::frame::{Axis, Frame, Scale};
use super::legend::{Key, Legend, draw_marker};
use super::measure::{self, AxisValues, Numeric, Spread};
use super::palette::{INK, PAPER, REFERENCE_DASH, line_style, marker_style};
use super::scene::{Area, Colour, Scene, TICK_PX, WIDTH_PX, folded};
use super::ticks::Tick;
use crate::format;
use crate::table::{Line, Table, table};

table! {
    /// The data of a figure of curves.
    CurveData, "curves.csv",
    "one row per point drawn, by series and then along the axis, closed forms last";
    /// One point drawn.
    CurveRow<'a> {
        series: &'a str, "text", "Label of the series or closed form.";
        kind: &'a str, "text", "simulated or closed-form.";
        x: &'a str, "text", "Value of the axis as the study writes it.";
        mean: Option<f64>, "metric", "Value drawn; empty where no run has one.";
        ci_low: Option<f64>, "metric", "Lower end of the interval; empty where there is none.";
        ci_high: Option<f64>, "metric", "Upper end of the interval; empty where there is none.";
        n: Option<u64>, "count", "Runs behind it; empty for a closed form.";
    }
}

/// One point: where it stands and what was measured there.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Value of the axis as the study writes it.
    pub x: String,
    /// Value, in the metric's stored unit; `None` where no run has one.
    pub value: Option<f64>,
    /// Ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// Runs behind it.
    pub n: u64,
}

/// Points of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveSeries {
    /// Name in the legend.
    pub label: String,
    /// Points in the order of the axis.
    pub points: Vec<CurvePoint>,
}

/// A metric against an axis.
#[derive(Clone, Debug)]
pub struct Curves {
    /// File name.
    pub name: String,
    /// Line above it.
    pub title: String,
    /// The axis.
    pub x: String,
    /// The metric.
    pub y: String,
    /// Stored unit of the metric: ns, nJ, B, share, count.
    pub unit: String,
    /// What was simulated.
    pub series: Vec<CurveSeries>,
    /// What theory gives: label and points, drawn dashed.
    pub references: Vec<CurveSeries>,
    /// Level and method of the intervals, for the caption.
    pub intervals: String,
    /// How the axes are spread.
    pub spread: (Spread, Spread),
}

enum Along {
    Numbers(Numeric, Vec<(String, f64)>),
    Words(Axis, Vec<String>),
}

impl Along {
    fn place(&self, text: &str) -> Option<f64> {
        match self {
            Self::Numbers(numeric, values) => values
                .iter()
                .find(|(known, _)| known == text)
                .map(|(_, value)| numeric.place(*value)),
            Self::Words(_, words) => words
                .iter()
                .position(|word| word == text)
                .map(|at| at as f64),
        }
    }

    const fn axis(&self) -> &Axis {
        match self {
            Self::Numbers(numeric, _) => &numeric.axis,
            Self::Words(axis, _) => axis,
        }
    }
}

impl Curves {
    fn all(&self) -> impl Iterator<Item = &CurveSeries> {
        self.series.iter().chain(&self.references)
    }

    fn has_data(&self) -> bool {
        self.series
            .iter()
            .flat_map(|series| &series.points)
            .any(|point| point.value.is_some())
    }

    /// The values of the axis, each once, in the order of the study.
    fn xs(&self) -> Vec<String> {
        let mut xs: Vec<String> = Vec::new();
        for point in self.all().flat_map(|series| &series.points) {
            if !xs.contains(&point.x) {
                xs.push(point.x.clone());
            }
        }
        xs
    }

    fn along(&self) -> Along {
        let xs = self.xs();
        match measure::axis_values(&xs) {
            AxisValues::Numbers(values, unit) => {
                let mut numeric = measure::numeric(&values, unit, &self.x, self.spread.0, false);
                // Room at both ends, or marks and their intervals would stand on the axis.
                numeric.axis.scale = numeric.axis.scale.widened(0.03);
                Along::Numbers(numeric, xs.into_iter().zip(values).collect())
            }
            AxisValues::Words(words) => {
                let slot = (RIGHT_PX - LEFT_PX) / words.len().max(1) as i32;
                let ticks = words.iter().enumerate().map(|(at, word)| Tick {
                    at: at as f64,
                    label: folded(word, TICK_PX, slot - 16),
                });
                let axis = Axis {
                    scale: Scale::Linear {
                        low: -0.5,
                        high: words.len() as f64 - 0.5,
                    },
                    ticks: ticks.collect(),
                    title: measure::titled(&self.x, ""),
                };
                Along::Words(axis, words)
            }
        }
    }

    fn upright(&self) -> Numeric {
        let points = || self.all().flat_map(|series| &series.points);
        let mut values: Vec<f64> = points().filter_map(|point| point.value).collect();
        let log = self.spread.1 == Spread::Log;
        values.extend(
            points()
                .filter_map(|point| point.interval)
                .flat_map(|(low, high)| {
                    // The lower end of an interval that reaches 0 must not stretch a logarithmic axis.
                    if log && low <= 0.0 {
                        vec![high]
                    } else {
                        vec![low, high]
                    }
                }),
        );
        let spread = match self.spread.1 {
            // Shares and counts are read from 0; a logarithmic axis is chosen by hand.
            Spread::Automatic => Spread::Linear,
            other => other,
        };
        measure::numeric(&values, &self.unit, &self.y, spread, true)
    }

    fn legend(&self) -> Legend {
        let mut entries = Vec::new();
        if self.series.len() > 1 || !self.references.is_empty() {
            for (index, series) in self.series.iter().enumerate() {
                let (colour, dash) = line_style(index);
                entries.push((
                    Key::Series(colour, dash, marker_style(index)),
                    series.label.clone(),
                ));
            }
            for (index, reference) in self.references.iter().enumerate() {
                entries.push((
                    Key::Line(reference_ink(index), REFERENCE_DASH),
                    reference.label.clone(),
                ));
            }
        }
        Legend::new(entries)
    }

    fn frame(&self, top: i32, along: &Along, upright: &Numeric) -> Frame {
        Frame {
            area: Area {
                left: LEFT_PX,
                top,
                right: RIGHT_PX,
                bottom: if along.axis().is_wrapped() { 634 } else { 672 },
            },
            x: along.axis().clone(),
            y: upright.axis.clone(),
        }
    }

    fn paint_series(
        &self,
        scene: &mut Scene,
        frame: &Frame,
        along: &Along,
        upright: &Numeric,
        index: usize,
    ) {
        let series = &self.series[index];
        let (colour, dash) = line_style(index);
        // Series that stand at the same place are set apart sideways.
        let apart = match along {
            Along::Numbers(..) => 3,
            // Between words there is room.
            Along::Words(_, words) => {
                let slot = (RIGHT_PX - LEFT_PX) / words.len().max(1) as i32;
                (slot / (2 * self.series.len().max(1) as i32 + 2)).clamp(5, 30)
            }
        };
        let aside = (index as i32 * 2 - (self.series.len() as i32 - 1)) * apart;
        let mut line = Vec::new();
        let mut marks = Vec::new();
        self.paint_band(scene, frame, (along, upright), index, aside);
        for point in &series.points {
            let (Some(x), Some(value)) = (along.place(&point.x), point.value) else {
                continue;
            };
            let bound = upright.is_log() && value <= 0.0;
            let (px, py) = frame.point(x, upright.place(value));
            let at = (px + aside, py);
            if !bound {
                line.push(at);
            }
            if let Some((low, high)) = point.interval {
                let high_y = frame.point(x, upright.place(high)).1;
                let low_y = if bound {
                    frame.area.bottom
                } else {
                    frame.point(x, upright.place(low)).1
                };
                // An interval that begins at its value is a bound, and paler.
                let one_sided = !bound && (value <= low || value >= high) && high > low;
                let ink = if one_sided { colour.faded(45) } else { colour };
                whisker(scene, at.0, (low_y, high_y), ink, bound);
            }
            if !bound {
                marks.push(at);
            }
        }
        if matches!(along, Along::Numbers(..)) {
            scene.line(&line, colour, 5, dash);
        }
        for at in marks {
            draw_marker(scene, marker_style(index), at, colour);
        }
    }

    /// The intervals of neighbouring points, joined: a band behind everything.
    fn paint_band(
        &self,
        scene: &mut Scene,
        frame: &Frame,
        (along, upright): (&Along, &Numeric),
        index: usize,
        aside: i32,
    ) {
        if matches!(along, Along::Words(..)) {
            return;
        }
        let mut upper = Vec::new();
        let mut lower = Vec::new();
        for point in &self.series[index].points {
            if let (Some(x), Some((low, high)), Some(value)) =
                (along.place(&point.x), point.interval, point.value)
            {
                // A bound is no band: one that is wide would hide the others.
                if value <= low || value >= high {
                    continue;
                }
                let at = |value| frame.point(x, upright.place(value));
                upper.push((at(high).0 + aside, at(high).1));
                lower.push((at(low).0 + aside, at(low).1));
            }
        }
        lower.reverse();
        upper.append(&mut lower);
        scene.polygon(&upper, line_style(index).0.faded(15));
    }

    fn paint_references(&self, scene: &mut Scene, frame: &Frame, along: &Along, upright: &Numeric) {
        for (index, reference) in self.references.iter().enumerate() {
            let points: Vec<_> = reference
                .points
                .iter()
                .filter_map(|point| {
                    let value = point
                        .value
                        .filter(|value| !upright.is_log() || *value > 0.0)?;
                    Some(frame.point(along.place(&point.x)?, value))
                })
                .collect();
            if let [only] = points[..] {
                scene.line(
                    &[(only.0 - 20, only.1), (only.0 + 20, only.1)],
                    reference_ink(index),
                    5,
                    &[],
                );
            }
            if matches!(along, Along::Words(..)) {
                // Between words there is nothing to draw a line through.
                for (x, y) in &points {
                    scene.line(
                        &[(x - 40, *y), (x + 40, *y)],
                        reference_ink(index),
                        5,
                        &[12, 8],
                    );
                }
                continue;
            }
            scene.line(&points, reference_ink(index), 5, REFERENCE_DASH);
        }
    }
}

/// The plot area from left to right.
const LEFT_PX: i32 = 230;
const RIGHT_PX: i32 = WIDTH_PX - 60;

/// A closed form is black; a second one dark grey.
fn reference_ink(index: usize) -> Colour {
    if index == 0 {
        INK
    } else {
        super::palette::GREY_INK
    }
}

/// An interval; a bound ends in an arrow that points down.
fn whisker(scene: &mut Scene, x: i32, (low, high): (i32, i32), colour: Colour, bound: bool) {
    scene.line(&[(x, low), (x, high)], PAPER, 9, &[]);
    scene.line(&[(x, low), (x, high)], colour, 4, &[]);
    scene.line(&[(x - 14, high), (x + 14, high)], colour, 4, &[]);
    if bound {
        scene.polygon(
            &[(x, low - 2), (x - 13, low - 26), (x + 13, low - 26)],
            colour,
        );
    } else {
        scene.line(&[(x - 14, low), (x + 14, low)], colour, 4, &[]);
    }
}

impl Figure for Curves {
    fn name(&self) -> &str {
        &self.name
    }

    fn title(&self) -> String {
        self.title.clone()
    }

    fn description(&self) -> String {
        let mut text = format!("{} against {}, with intervals.", self.y, self.x);
        for series in &self.series {
            let values: Vec<String> = series
                .points
                .iter()
                .filter_map(|point| {
                    let value = measure::value_text(point.value?, &self.unit);
                    let interval = point.interval.map_or_else(String::new, |(low, high)| {
                        let show = |end| measure::value_text(end, &self.unit);
                        format!(" ({} to {})", show(low), show(high))
                    });
                    Some(format!("{} at {}{interval}", value, point.x))
                })
                .collect();
            text.push_str(&format!(" {}: {}.", series.label, values.join(", ")));
        }
        text
    }

    fn caption(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let (low, high) = (
            points().map(|point| point.n).min().unwrap_or(0),
            points().map(|point| point.n).max().unwrap_or(0),
        );
        let n = if low == high {
            format!("n = {} per point", format::counted(low, "run"))
        } else {
            format!("n = {low} to {} per point", format::counted(high, "run"))
        };
        let missing = points().filter(|point| point.value.is_none()).count();
        let mut text = format!("{n} · {}", self.intervals);
        if missing > 0 {
            text.push_str(&format!(
                " · {} without a value",
                format::counted(missing as u64, "point")
            ));
        }
        let zeros = points()
            .filter(|point| point.value.is_some_and(|value| value <= 0.0))
            .count();
        if zeros > 0 && self.upright().is_log() {
            text.push_str(&format!(
                " · {} of 0: arrows end at the upper bound",
                format::counted(zeros as u64, "value")
            ));
        }
        text
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        CurveData::SCHEMA.header(&mut out);
        let kinds = [
            ("simulated", &self.series),
            ("closed-form", &self.references),
        ];
        for (kind, list) in kinds {
            for (series, point) in list
                .iter()
                .flat_map(|series| series.points.iter().map(move |point| (series, point)))
            {
                let mut line = Line::new(&mut out);
                let row = CurveRow {
                    series: &series.label,
                    kind,
                    x: &point.x,
                    mean: point.value,
                    ci_low: point.interval.map(|ends| ends.0),
                    ci_high: point.interval.map(|ends| ends.1),
                    n: (kind == "simulated").then_some(point.n),
                };
                CurveData::cells(&row, &mut line);
                line.end();
            }
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        if !self.has_data() {
            scene.no_data(&format!("no run has a value of {}", self.y));
            return;
        }
        let (along, upright) = (self.along(), self.upright());
        let legend = self.legend();
        legend.draw(scene);
        let frame = self.frame(legend.bottom().max(100), &along, &upright);
        frame.draw(scene);
        if let Along::Numbers(numeric, _) = &along
            && numeric.zero_at.is_some()
        {
            frame.draw_break(scene, numeric.zero_at);
        }
        for index in 0..self.series.len() {
            self.paint_series(scene, &frame, &along, &upright, index);
        }
        // On top, or a line that it agrees with would hide it.
        self.paint_references(scene, &frame, &along, &upright);
    }
}
