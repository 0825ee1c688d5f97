//! Keys inside the plot area, in the corner where they hide least.

use super::palette::{Dash, INK, PAPER};
use super::scene::{Anchor, Area, Colour, LEGEND_PX, Point, Scene, text_width};

/// What stands before a legend's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Line(Colour, Dash),
    Band(Colour),
    Mark(Marker, Colour),
}

/// A point's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
}

/// Draws a marker with a paper-coloured rim, which keeps it apart from the line below.
pub(super) fn draw_marker(scene: &mut Scene, marker: Marker, (x, y): Point, colour: Colour) {
    for (radius, colour) in [(17, PAPER), (12, colour)] {
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
            Marker::Triangle => {
                let (reach, foot) = (radius + radius / 4, radius * 3 / 4);
                let points = [(x, y - reach), (x + reach, y + foot), (x - reach, y + foot)];
                scene.polygon(&points, colour);
            }
        }
    }
}

/// A corner of the plot area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Corner {
    UpperLeft,
    UpperRight,
    LowerLeft,
    LowerRight,
}

/// Draws the entries in that one of `corners` whose box holds fewest of `points`; the first of equals.
pub(super) fn draw(
    scene: &mut Scene,
    plot: Area,
    corners: &[Corner],
    points: &[Point],
    entries: &[(Key, String)],
) {
    let text = entries
        .iter()
        .map(|(_, text)| text_width(text, LEGEND_PX))
        .max()
        .unwrap_or(0);
    let size = (
        KEY_PX + text + 3 * PADDING_PX,
        entries.len() as i32 * LINE_PX + 2 * PADDING_PX,
    );
    let hidden = |area: &Area| points.iter().filter(|point| area.contains(**point)).count();
    let Some(area) = corners
        .iter()
        .map(|corner| placed(plot, *corner, size))
        .min_by_key(|area| hidden(area))
    else {
        return;
    };
    scene.rectangle(area, PAPER.faded(88));
    for (index, (key, text)) in entries.iter().enumerate() {
        let y = area.top + PADDING_PX + index as i32 * LINE_PX + LINE_PX / 2;
        let left = area.left + PADDING_PX;
        draw_key(scene, *key, left, y);
        let at = (left + KEY_PX + PADDING_PX, y);
        scene.text(text, at, LEGEND_PX, INK, Anchor::Left);
    }
}

fn draw_key(scene: &mut Scene, key: Key, left: i32, y: i32) {
    let right = left + KEY_PX;
    match key {
        Key::Line(colour, dash) => scene.line(&[(left, y), (right, y)], colour, 6, dash),
        Key::Band(colour) => {
            scene.rectangle(
                Area {
                    left,
                    top: y - 13,
                    right,
                    bottom: y + 13,
                },
                colour,
            );
        }
        Key::Mark(marker, colour) => {
            draw_marker(scene, marker, ((left + right) / 2, y), colour);
        }
    }
}

fn placed(plot: Area, corner: Corner, (width, height): (i32, i32)) -> Area {
    let left = match corner {
        Corner::UpperLeft | Corner::LowerLeft => plot.left + GAP_PX,
        Corner::UpperRight | Corner::LowerRight => plot.right - GAP_PX - width,
    };
    let top = match corner {
        Corner::UpperLeft | Corner::UpperRight => plot.top + GAP_PX,
        Corner::LowerLeft | Corner::LowerRight => plot.bottom - GAP_PX - height,
    };
    Area {
        left,
        top,
        right: left + width,
        bottom: top + height,
    }
}

const KEY_PX: i32 = 80;
const LINE_PX: i32 = 50;
const PADDING_PX: i32 = 12;
/// Distance between the box and the axes.
const GAP_PX: i32 = 14;
