//! Keys in rows between title and plot area, where they can hide no data.

use super::palette::{Dash, INK, PAPER};
use super::scene::{
    Anchor, Area, Colour, LEGEND_PX, MARGIN_PX, Point, Scene, WIDTH_PX, text_width,
};

/// What stands before a legend's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Line(Colour, Dash),
    Band(Colour),
    Mark(Marker, Colour),
    Series(Colour, Dash, Marker),
}

/// A point's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// Draws a marker with a paper-coloured rim, which keeps it apart from the line below.
pub(super) fn draw_marker(scene: &mut Scene, marker: Marker, at: Point, colour: Colour) {
    draw_marker_sized(scene, marker, at, colour, 12);
}

/// The same with a reach of its own in pixels.
pub(super) fn draw_marker_sized(
    scene: &mut Scene,
    marker: Marker,
    (x, y): Point,
    colour: Colour,
    reach: i32,
) {
    for (radius, colour) in [(reach + 5, PAPER), (reach, colour)] {
        match marker {
            Marker::Circle => scene.circle((x, y), radius, colour),
            Marker::Square => scene.rectangle(
                Area {
                    left: x - radius,
                    top: y - radius,
                    right: x + radius,
                    bottom: y + radius,
                },
                colour,
            ),
            Marker::Diamond => {
                let reach = radius + radius / 3;
                let points = [
                    (x, y - reach),
                    (x + reach, y),
                    (x, y + reach),
                    (x - reach, y),
                ];
                scene.polygon(&points, colour);
            }
            Marker::Cross => {
                let width = if colour == PAPER { reach } else { reach / 2 };
                for (dx, dy) in [(radius, radius), (radius, -radius)] {
                    scene.line(&[(x - dx, y - dy), (x + dx, y + dy)], colour, width, &[]);
                }
            }
            Marker::Triangle => {
                let (reach, foot) = (radius + radius / 4, radius * 3 / 4);
                let points = [(x, y - reach), (x + reach, y + foot), (x - reach, y + foot)];
                scene.polygon(&points, colour);
            }
        }
    }
}

/// A legend laid out in rows; it decides where the plot area begins.
#[derive(Clone, Debug)]
pub(super) struct Legend {
    rows: Vec<Vec<(Key, String)>>,
}

impl Legend {
    /// Fills rows from the left, in order; an entry wider than a row gets one of its own.
    pub(super) fn new(entries: Vec<(Key, String)>) -> Self {
        let mut rows: Vec<Vec<(Key, String)>> = Vec::new();
        let mut free = 0;
        for (key, text) in entries {
            let width = entry_width(key, &text);
            if rows.is_empty() || width > free {
                rows.push(Vec::new());
                free = WIDTH_PX - 2 * MARGIN_PX;
            }
            free -= width + ENTRY_GAP_PX;
            if let Some(row) = rows.last_mut() {
                row.push((key, text));
            }
        }
        Self { rows }
    }

    /// Where the plot area may begin below the legend.
    pub(super) fn bottom(&self) -> i32 {
        TOP_PX + self.rows.len() as i32 * ROW_PX + 20
    }

    pub(super) fn draw(&self, scene: &mut Scene) {
        for (row, entries) in self.rows.iter().enumerate() {
            let y = TOP_PX + row as i32 * ROW_PX + ROW_PX / 2;
            let mut left = MARGIN_PX;
            for (key, text) in entries {
                let right = left + key_width(*key);
                draw_key(scene, *key, left, right, y);
                scene.text(text, (right + TEXT_GAP_PX, y), LEGEND_PX, INK, Anchor::Left);
                left += entry_width(*key, text) + ENTRY_GAP_PX;
            }
        }
    }
}

fn entry_width(key: Key, text: &str) -> i32 {
    key_width(key) + TEXT_GAP_PX + text_width(text, LEGEND_PX)
}

/// Lines need length to show their dash; markers do not.
fn key_width(key: Key) -> i32 {
    match key {
        Key::Line(..) => 92,
        Key::Band(_) => 56,
        Key::Mark(..) => 32,
        Key::Series(..) => 100,
    }
}

fn draw_key(scene: &mut Scene, key: Key, left: i32, right: i32, y: i32) {
    match key {
        Key::Line(colour, dash) => scene.line(&[(left, y), (right, y)], colour, 6, dash),
        Key::Band(colour) => {
            scene.rectangle(
                Area {
                    left,
                    top: y - 15,
                    right,
                    bottom: y + 15,
                },
                colour,
            );
        }
        Key::Series(colour, dash, marker) => {
            scene.line(&[(left, y), (right, y)], colour, 5, dash);
            draw_marker(scene, marker, ((left + right) / 2, y), colour);
        }
        Key::Mark(marker, colour) => {
            draw_marker(scene, marker, ((left + right) / 2, y), colour);
        }
    }
}

const TOP_PX: i32 = 76;
const ROW_PX: i32 = 54;
const TEXT_GAP_PX: i32 = 12;
const ENTRY_GAP_PX: i32 = 44;
