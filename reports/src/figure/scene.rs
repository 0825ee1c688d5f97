//! A picture as a list of shapes at whole pixels, the same for every back end.
//!
//! Figures build scenes; [`super::render`] draws them. Shapes stand in painting order. Coordinates are
//! integers, x to the right and y downward from the upper left corner, so rounding happens once, when
//! data become pixels.

use plotters::style::{FontTransform, IntoFont, TextStyle};

use super::palette::{Dash, GREY_INK, Hatch, INK};
use super::{FigureError, render};

/// Width of every figure. At 85 mm, one millimetre is about 16 pixels.
pub const WIDTH_PX: i32 = 1400;
/// Height of a figure that does not grow with its rows.
pub const HEIGHT_PX: i32 = 900;

/// Text heights in pixels, from ascender to descender; at 85 mm column width a tick label is set in
/// 6.2 points, the caption in 5.
pub(super) const TITLE_PX: i32 = 50;
pub(super) const AXIS_PX: i32 = 46;
pub(super) const TICK_PX: i32 = 44;
pub(super) const LEGEND_PX: i32 = 42;
pub(super) const CAPTION_PX: i32 = 36;

/// A position: x to the right, y downward.
pub(super) type Point = (i32, i32);

/// A colour with its opacity in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    pub(super) rgb: (u8, u8, u8),
    pub(super) opacity_percent: u8,
}

impl Colour {
    pub(super) const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self {
            rgb: (red, green, blue),
            opacity_percent: 100,
        }
    }

    /// The same colour, seen through.
    pub(super) const fn faded(self, opacity_percent: u8) -> Self {
        Self {
            rgb: self.rgb,
            opacity_percent,
        }
    }
}

/// Which point of a text its position names, horizontally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Centre,
    Right,
}

/// A rectangle, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

/// One thing to paint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Line {
        points: Vec<Point>,
        colour: Colour,
        width: i32,
    },
    Polygon {
        points: Vec<Point>,
        colour: Colour,
    },
    Rectangle {
        area: Area,
        colour: Colour,
    },
    Circle {
        centre: Point,
        radius: i32,
        colour: Colour,
    },
    Text {
        text: String,
        at: Point,
        height: i32,
        colour: Colour,
        anchor: Anchor,
        upward: bool,
    },
}

/// A picture under construction.
#[derive(Clone, Debug)]
pub struct Scene {
    pub(super) shapes: Vec<Shape>,
    pub(super) height: i32,
}

impl Scene {
    /// An empty picture of a height in pixels.
    ///
    /// # Errors
    /// `Backend` if the embedded font cannot be used.
    pub(super) fn new(height: i32) -> Result<Self, FigureError> {
        render::register_font()?;
        let shapes = Vec::new();
        Ok(Self { shapes, height })
    }

    pub(super) fn title(&mut self, text: &str) {
        let text = shortened(text, TITLE_PX, WIDTH_PX - 2 * MARGIN_PX);
        self.text(&text, (MARGIN_PX, 42), TITLE_PX, INK, Anchor::Left);
    }

    /// The lines below everything; a picture without room for all of them grows.
    pub(super) fn caption(&mut self, text: &str) {
        const SEPARATOR: &str = " · ";
        let width = WIDTH_PX - 2 * MARGIN_PX;
        // Figures that grow with their rows leave room for a third line.
        let room = CAPTION_LINES_ROOM + usize::from(self.height != HEIGHT_PX);
        // Lines break between parts, inside one only where it is wider than a line.
        let lines = wrapped(text, SEPARATOR, CAPTION_PX, width);
        let mut lines: Vec<String> = lines
            .iter()
            .flat_map(|line| wrapped(line, " ", CAPTION_PX, width))
            .collect();
        if lines.len() > CAPTION_LINES_MAX {
            let rest = lines.split_off(CAPTION_LINES_MAX - 1).join(SEPARATOR);
            lines.push(shortened(&rest, CAPTION_PX, width));
        }
        self.height += (lines.len().saturating_sub(room) as i32) * CAPTION_LINE_PX;
        let first = self.height - 30 - (lines.len() as i32 - 1) * CAPTION_LINE_PX;
        for (index, line) in lines.iter().enumerate() {
            let at = (MARGIN_PX, first + index as i32 * CAPTION_LINE_PX);
            self.text(line, at, CAPTION_PX, GREY_INK, Anchor::Left);
        }
    }

    /// A panel that says why there is nothing to see.
    pub(super) fn no_data(&mut self, reason: &str) {
        let area = Area {
            left: MARGIN_PX,
            top: 90,
            right: WIDTH_PX - MARGIN_PX,
            bottom: self.height - 130,
        };
        self.rectangle(area, GREY_INK.faded(8));
        let middle = (area.top + area.bottom) / 2;
        let centre = WIDTH_PX / 2;
        self.text(
            "no data",
            (centre, middle - 34),
            TITLE_PX,
            INK,
            Anchor::Centre,
        );
        let lines = wrapped(reason, " ", AXIS_PX, area.right - area.left - 2 * MARGIN_PX);
        for (index, line) in lines.iter().enumerate() {
            let at = (centre, middle + 34 + index as i32 * 52);
            self.text(line, at, AXIS_PX, GREY_INK, Anchor::Centre);
        }
    }

    /// Text whose vertical middle is at `at`.
    pub(super) fn text(
        &mut self,
        text: &str,
        at: Point,
        height: i32,
        colour: Colour,
        anchor: Anchor,
    ) {
        let upward = false;
        self.shapes.push(Shape::Text {
            text: text.into(),
            at,
            height,
            colour,
            anchor,
            upward,
        });
    }

    /// Text that runs upward, centred at `at`.
    pub(super) fn upward_text(&mut self, text: &str, at: Point, height: i32, colour: Colour) {
        let anchor = Anchor::Centre;
        let upward = true;
        self.shapes.push(Shape::Text {
            text: text.into(),
            at,
            height,
            colour,
            anchor,
            upward,
        });
    }

    pub(super) fn rectangle(&mut self, area: Area, colour: Colour) {
        self.shapes.push(Shape::Rectangle { area, colour });
    }

    pub(super) fn polygon(&mut self, points: &[Point], colour: Colour) {
        let points = simplified(points);
        if points.len() > 2 {
            self.shapes.push(Shape::Polygon { points, colour });
        }
    }

    pub(super) fn circle(&mut self, centre: Point, radius: i32, colour: Colour) {
        self.shapes.push(Shape::Circle {
            centre,
            radius,
            colour,
        });
    }

    /// A line through `points`; `dash` may be empty.
    pub(super) fn line(&mut self, points: &[Point], colour: Colour, width: i32, dash: Dash) {
        let points = simplified(points);
        let pieces = if dash.is_empty() {
            vec![points]
        } else {
            dashed(&points, dash)
        };
        for points in pieces.into_iter().filter(|points| points.len() > 1) {
            self.shapes.push(Shape::Line {
                points,
                colour,
                width,
            });
        }
    }

    /// A filled rectangle with hatch lines in paper colour.
    pub(super) fn hatched(&mut self, area: Area, colour: Colour, hatch: Hatch) {
        self.rectangle(area, colour);
        for (from, to) in hatch_lines(area, hatch) {
            let colour = super::palette::PAPER.faded(85);
            self.shapes.push(Shape::Line {
                points: vec![from, to],
                colour,
                width: 3,
            });
        }
    }
}

/// Space left at the edges of the picture.
pub(super) const MARGIN_PX: i32 = 24;
const CAPTION_LINE_PX: i32 = 42;
const CAPTION_LINES_MAX: usize = 6;
/// Lines for which every picture has room.
const CAPTION_LINES_ROOM: usize = 2;
const HATCH_STEP_PX: i32 = 16;

/// Width of `text` in pixels when `height` pixels high.
pub(super) fn text_width(text: &str, height: i32) -> i32 {
    let style = text_style(height);
    // Without a measure the text is assumed as wide as digits are in most fonts.
    style.font.box_size(text).map_or_else(
        |_| text.chars().count() as i32 * height * 6 / 10,
        |(width, _)| width as i32,
    )
}

/// The embedded font at a height.
pub(super) fn text_style(height: i32) -> TextStyle<'static> {
    TextStyle::from((render::FONT_FAMILY, f64::from(height)).into_font())
}

/// The embedded font at a height, running upward.
pub(super) fn upward_style(height: i32) -> TextStyle<'static> {
    let font = (render::FONT_FAMILY, f64::from(height)).into_font();
    TextStyle::from(font.transform(FontTransform::Rotate270))
}

/// `text`, cut with an ellipsis where it is wider than `width` pixels.
pub(super) fn shortened(text: &str, height: i32, width: i32) -> String {
    if text_width(text, height) <= width {
        return text.into();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shorter: String = kept.iter().chain(&['…']).collect();
        if text_width(&shorter, height) <= width {
            return shorter;
        }
    }
    String::new()
}

/// A name in at most two lines of `width` pixels, broken behind a hyphen or at a blank; shortened where
/// that is not enough.
pub(super) fn folded(text: &str, height: i32, width: i32) -> String {
    if text_width(text, height) <= width {
        return text.into();
    }
    let breaks = text
        .char_indices()
        .filter(|(_, c)| matches!(c, '-' | ' ' | '_' | '/'))
        .map(|(at, c)| at + c.len_utf8());
    // Where the longer line is shortest.
    let best = breaks
        .filter(|at| *at < text.len())
        .min_by_key(|at| text_width(&text[..*at], height).max(text_width(&text[*at..], height)));
    let Some(at) = best else {
        return shortened(text, height, width);
    };
    let line = |part: &str| shortened(part.trim(), height, width);
    format!("{}\n{}", line(&text[..at]), line(&text[at..]))
}

/// `text` in lines of at most `width` pixels, broken at separators, which a broken line loses.
fn wrapped(text: &str, separator: &str, height: i32, width: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in text.split(separator) {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line}{separator}{piece}"), height) <= width => {
                line.push_str(separator);
                line.push_str(piece);
            }
            _ => lines.push(piece.into()),
        }
    }
    lines
}

/// The same polyline without repeated points and without points inside straight runs along an axis.
///
/// Data have far more steps than a picture has pixels; this keeps the files small.
fn simplified(points: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for &point in points {
        if kept.last() == Some(&point) {
            continue;
        }
        if let [.., before, last] = kept[..] {
            let on_upright = before.0 == last.0 && last.0 == point.0;
            let on_level = before.1 == last.1 && last.1 == point.1;
            let onward = (last.0 - before.0).signum() == (point.0 - last.0).signum()
                && (last.1 - before.1).signum() == (point.1 - last.1).signum();
            if (on_upright || on_level) && onward {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

/// Cuts a polyline into the pieces that a dash pattern draws.
fn dashed(points: &[Point], dash: Dash) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut phase, mut left) = (0, f64::from(dash[0]));
    for pair in points.windows(2) {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = ((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)).sqrt();
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let share = done / length;
            let at = (
                (x0 + share * (x1 - x0)).round() as i32,
                (y0 + share * (y1 - y0)).round() as i32,
            );
            if phase % 2 == 0 {
                piece.push(at);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![at];
            }
            phase = (phase + 1) % dash.len();
            left = f64::from(dash[phase]);
        }
        left -= length - done;
        if phase % 2 == 0 {
            piece.push(pair[1]);
        }
    }
    pieces.push(piece);
    pieces
}

/// Hatch lines inside `area`, on a grid common to the whole picture so that neighbours line up.
fn hatch_lines(area: Area, hatch: Hatch) -> Vec<(Point, Point)> {
    let Area {
        left,
        top,
        right,
        bottom,
    } = area;
    let steps = |from: i32, to: i32| {
        let first = from.div_euclid(HATCH_STEP_PX) * HATCH_STEP_PX + HATCH_STEP_PX;
        (first..to).step_by(HATCH_STEP_PX as usize)
    };
    match hatch {
        Hatch::None => Vec::new(),
        Hatch::Level => steps(top, bottom)
            .map(|y| ((left, y), (right, y)))
            .collect(),
        Hatch::Upright => steps(left, right)
            .map(|x| ((x, top), (x, bottom)))
            .collect(),
        // x + y is constant along a line that rises to the right, x - y along one that falls.
        Hatch::Rising => steps(left + top, right + bottom)
            .map(|sum| {
                let from = (left.max(sum - bottom), bottom.min(sum - left));
                (from, (right.min(sum - top), top.max(sum - right)))
            })
            .collect(),
        Hatch::Falling => steps(left - bottom, right - top)
            .map(|difference| {
                let from = (left.max(top + difference), top.max(left - difference));
                (
                    from,
                    (
                        right.min(bottom + difference),
                        bottom.min(right - difference),
                    ),
                )
            })
            .collect(),
        Hatch::Cross => {
            let mut lines = hatch_lines(area, Hatch::Rising);
            lines.extend(hatch_lines(area, Hatch::Falling));
            lines
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(area: Area, (x, y): Point) -> bool {
        (area.left..=area.right).contains(&x) && (area.top..=area.bottom).contains(&y)
    }

    #[test]
    fn simplifying_keeps_corners_and_turning_points() {
        let steps = [
            (0, 9),
            (0, 9),
            (3, 9),
            (6, 9),
            (6, 4),
            (6, 2),
            (6, 8),
            (9, 8),
        ];
        assert_eq!(simplified(&steps), [(0, 9), (6, 9), (6, 2), (6, 8), (9, 8)]);
    }

    #[test]
    fn dashes_go_around_corners() {
        let pieces = dashed(&[(0, 0), (10, 0), (10, 10)], &[6, 2]);
        assert_eq!(
            pieces,
            [
                vec![(0, 0), (6, 0)],
                vec![(8, 0), (10, 0), (10, 4)],
                vec![(10, 6), (10, 10)]
            ]
        );
    }

    #[test]
    fn hatches_stay_inside_their_area() {
        let area = Area {
            left: 13,
            top: 40,
            right: 57,
            bottom: 61,
        };
        for hatch in [
            Hatch::Rising,
            Hatch::Falling,
            Hatch::Cross,
            Hatch::Level,
            Hatch::Upright,
        ] {
            let lines = hatch_lines(area, hatch);
            assert!(!lines.is_empty());
            for (from, to) in lines {
                assert!(
                    contains(area, from) && contains(area, to),
                    "{hatch:?} {from:?} {to:?}"
                );
            }
        }
        assert!(hatch_lines(Area { right: 13, ..area }, Hatch::Upright).is_empty());
    }
}
