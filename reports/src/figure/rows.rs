//! Labelled rows along one axis: costs, energy, utilisation, paired differences, validation.
//!
//! Each row has a bar or a point, an interval where one is known, and its number in words at the
//! right, so that nothing rests on length or colour alone.

use super::Figure;
use super::frame::{Axis, Frame};
use super::legend::{Marker, draw_marker};
use super::measure::{self, Spread};
use super::palette::{GREY_INK, INK, PAPER, line_style, row_hatch};
use super::scene::{
    AXIS_PX, Anchor, Area, LEGEND_PX, MARGIN_PX, Scene, TICK_PX, WIDTH_PX, shortened, text_width,
};
use crate::table::{Line, Table, table};

table! {
    /// The data of a figure of rows.
    RowData, "rows.csv",
    "one row per row drawn, from the top";
    /// One row drawn.
    RowPoint<'a> {
        panel: &'a str, "text", "Panel of the figure.";
        group: &'a str, "text", "Heading above the row; empty for none.";
        row: &'a str, "text", "Label of the row.";
        value: Option<f64>, "metric", "Value drawn, in the unit of the panel.";
        low: Option<f64>, "metric", "Lower end of the interval; empty where there is none.";
        high: Option<f64>, "metric", "Upper end of the interval; empty where there is none.";
        unit: &'a str, "text", "Unit of the panel.";
    }
}

/// How rows are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStyle {
    /// A bar from 0.
    Bar,
    /// A point with its interval.
    Point,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct BarRow {
    /// Heading above it, where it differs from the row before.
    pub group: String,
    /// Its label.
    pub label: String,
    /// Its value in the panel's unit.
    pub value: Option<f64>,
    /// Ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// Which colour and hatch: rows of one kind share it.
    pub kind: usize,
    /// True where the value is out of bounds: it gets a cross.
    pub flagged: bool,
}

/// Rows on a common axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What is measured.
    pub title: String,
    /// Stored unit: ns, nJ, B, bit, share, count, or none.
    pub unit: String,
    /// Rows from the top.
    pub rows: Vec<BarRow>,
    /// Values at which a line stands, with its label.
    pub lines: Vec<(f64, String)>,
    /// How rows are drawn.
    pub style: RowStyle,
    /// How the axis is spread.
    pub spread: Spread,
}

/// Panels below each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// File name.
    pub name: String,
    /// Line above it.
    pub title: String,
    /// What it shows, one sentence.
    pub about: String,
    /// Panels from the top; those without a value are named in the caption.
    pub panels: Vec<Panel>,
    /// What qualifies the numbers.
    pub caption: String,
}

impl Panel {
    fn headings(&self) -> usize {
        let mut count = 0;
        let mut before = "";
        for row in &self.rows {
            if row.group != before {
                before = &row.group;
                count += usize::from(!before.is_empty());
            }
        }
        count
    }

    fn height(&self) -> i32 {
        60 + (self.rows.len() as i32) * ROW_PX
            + self.headings() as i32 * HEADING_PX
            + 130
            + self.labels_px()
    }

    /// Room above the panel for the labels of its lines.
    fn labels_px(&self) -> i32 {
        if self.lines.iter().any(|(_, label)| !label.is_empty()) {
            36
        } else {
            0
        }
    }

    fn has_data(&self) -> bool {
        self.rows.iter().any(|row| row.value.is_some())
    }

    fn axis(&self) -> (Axis, Option<f64>) {
        let mut values: Vec<f64> = self.rows.iter().filter_map(|row| row.value).collect();
        values.extend(
            self.rows
                .iter()
                .filter_map(|row| row.interval)
                .flat_map(|(low, high)| [low, high]),
        );
        values.extend(self.lines.iter().map(|line| line.0));
        if self.style == RowStyle::Bar && self.spread != Spread::Log {
            values.push(0.0);
        }
        if self.style == RowStyle::Bar && self.spread == Spread::Log {
            // The shortest bar must be seen.
            let least = values.iter().copied().filter(|value| *value > 0.0);
            values.extend(least.reduce(f64::min).map(|least| least / 2.0));
        }
        let spread = if self.spread == Spread::Automatic {
            Spread::Linear
        } else {
            self.spread
        };
        let numeric = measure::numeric(
            &values,
            &self.unit,
            &self.title,
            spread,
            self.style == RowStyle::Bar,
        );
        let zero = numeric.zero_at;
        (numeric.axis, zero)
    }
}

impl Rows {
    fn left(&self) -> i32 {
        let labels = self.panels.iter().flat_map(|panel| &panel.rows);
        let widest = labels
            .map(|row| text_width(&row.label, LABEL_PX))
            .max()
            .unwrap_or(0);
        (widest + MARGIN_PX + 30).clamp(180, 720)
    }

    fn shown(&self) -> impl Iterator<Item = &Panel> {
        self.panels.iter().filter(|panel| panel.has_data())
    }

    fn paint_panel(&self, scene: &mut Scene, panel: &Panel, top: i32) {
        let top = top + panel.labels_px();
        let bottom = top + panel.height() - 130 - panel.labels_px();
        let (mut x, zero) = panel.axis();
        let title = std::mem::take(&mut x.title);
        let y = Axis {
            scale: super::frame::Scale::Linear {
                low: 0.0,
                high: 1.0,
            },
            ticks: Vec::new(),
            title: String::new(),
        };
        let area = Area {
            left: self.left(),
            top,
            right: WIDTH_PX - VALUES_PX,
            bottom,
        };
        let frame = Frame { area, x, y };
        frame.draw_upright_grid(scene);
        frame.draw(scene);
        scene.text(
            &title,
            ((area.left + area.right) / 2, bottom + 92),
            AXIS_PX,
            INK,
            Anchor::Centre,
        );
        for (at, label) in &panel.lines {
            let x = frame.point(*at, 0.0).0;
            scene.line(&[(x, top), (x, bottom)], INK, 4, &[18, 10]);
            if !label.is_empty() {
                scene.text(label, (x, top - 18), LABEL_PX - 6, INK, Anchor::Centre);
            }
        }
        let mut y = top + 20;
        let mut group = "";
        for row in &panel.rows {
            if row.group != group {
                group = &row.group;
                if !group.is_empty() {
                    let text = shortened(group, LABEL_PX, WIDTH_PX - 2 * MARGIN_PX);
                    // A line of the panel must not go through it.
                    let behind = Area {
                        left: frame.area.left + 8,
                        top: y + 4,
                        right: frame.area.left + 20 + text_width(&text, LABEL_PX),
                        bottom: y + HEADING_PX - 4,
                    };
                    scene.rectangle(behind, PAPER);
                    scene.text(
                        &text,
                        (frame.area.left + 14, y + HEADING_PX / 2),
                        LABEL_PX,
                        GREY_INK,
                        Anchor::Left,
                    );
                    y += HEADING_PX;
                }
            }
            paint_row(scene, &frame, panel, row, y + ROW_PX / 2, zero);
            y += ROW_PX;
        }
    }
}

fn paint_row(
    scene: &mut Scene,
    frame: &Frame,
    panel: &Panel,
    row: &BarRow,
    y: i32,
    zero: Option<f64>,
) {
    let left = frame.area.left;
    let label = shortened(&row.label, LABEL_PX, left - 30);
    scene.text(&label, (left - 16, y), LABEL_PX, INK, Anchor::Right);
    let place = |value: f64| match zero {
        Some(at) if value <= 0.0 => frame.point(at, 0.0).0,
        _ => frame.point(value, 0.0).0,
    };
    let (colour, _) = line_style(row.kind);
    let Some(value) = row.value else {
        scene.text("no value", (left + 16, y), LABEL_PX, GREY_INK, Anchor::Left);
        return;
    };
    let x = place(value);
    if panel.style == RowStyle::Bar {
        let foot = if zero.is_some() || panel.spread == Spread::Log {
            left
        } else {
            place(0.0)
        };
        let area = Area {
            left: foot.min(x),
            top: y - 19,
            right: x.max(foot).max(foot + 2),
            bottom: y + 19,
        };
        scene.hatched(area, colour, row_hatch(row.kind));
    }
    if let Some((low, high)) = row.interval {
        let (low, high) = (place(low), place(high));
        scene.line(&[(low, y), (high, y)], PAPER, 10, &[]);
        scene.line(&[(low, y), (high, y)], INK, 4, &[]);
        for x in [low, high] {
            scene.line(&[(x, y - 12), (x, y + 12)], INK, 4, &[]);
        }
    }
    if panel.style == RowStyle::Point {
        let marker = match (row.flagged, row.kind % 2) {
            (true, _) => Marker::Cross,
            (false, 0) => Marker::Circle,
            (false, _) => Marker::Diamond,
        };
        draw_marker(scene, marker, (x, y), colour);
    }
    let text = measure::value_text(value, &panel.unit);
    let text = shortened(&text, LABEL_PX, VALUES_PX - 30);
    scene.text(
        &text,
        (WIDTH_PX - VALUES_PX + 18, y),
        LABEL_PX,
        INK,
        Anchor::Left,
    );
}

impl Figure for Rows {
    fn name(&self) -> &str {
        &self.name
    }

    fn height(&self) -> i32 {
        let panels: i32 = self.shown().map(Panel::height).sum();
        (TOP_PX + panels + 190).max(620)
    }

    fn title(&self) -> String {
        self.title.clone()
    }

    fn description(&self) -> String {
        let mut text = self.about.clone();
        for panel in &self.panels {
            text.push_str(&format!(" {}:", panel.title));
            for row in &panel.rows {
                let value = row.value.map_or_else(
                    || String::from("no value"),
                    |value| measure::value_text(value, &panel.unit),
                );
                let group = if row.group.is_empty() {
                    String::new()
                } else {
                    format!("{}, ", row.group)
                };
                text.push_str(&format!(" {group}{} {value};", row.label));
            }
        }
        text
    }

    fn caption(&self) -> String {
        let mut text = self.caption.clone();
        let missing: Vec<&str> = self
            .panels
            .iter()
            .filter(|panel| !panel.has_data())
            .map(|panel| panel.title.as_str())
            .collect();
        if !missing.is_empty() {
            text.push_str(&format!(" · no data: {}", missing.join(", ")));
        }
        text
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        RowData::SCHEMA.header(&mut out);
        for (panel, row) in self
            .panels
            .iter()
            .flat_map(|panel| panel.rows.iter().map(move |row| (panel, row)))
        {
            let mut line = Line::new(&mut out);
            let point = RowPoint {
                panel: &panel.title,
                group: &row.group,
                row: &row.label,
                value: row.value,
                low: row.interval.map(|ends| ends.0),
                high: row.interval.map(|ends| ends.1),
                unit: &panel.unit,
            };
            RowData::cells(&point, &mut line);
            line.end();
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        let mut top = TOP_PX + 40;
        let shown: Vec<&Panel> = self.shown().collect();
        if shown.is_empty() {
            scene.no_data("no value was recorded; nodes without a profile cost nothing");
            return;
        }
        for panel in shown {
            self.paint_panel(scene, panel, top);
            top += panel.height();
        }
    }
}

const TOP_PX: i32 = 90;
const ROW_PX: i32 = 54;
const HEADING_PX: i32 = 50;
const LABEL_PX: i32 = LEGEND_PX - 4;
const VALUES_PX: i32 = 210;
const _: () = assert!(LABEL_PX < TICK_PX);
