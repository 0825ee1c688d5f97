//! Colours and their second channels.
//!
//! Source of the colours: Okabe & Ito, "Color Universal Design" (2008). No meaning rests on colour
//! alone: lines also differ by dash, points by marker, areas by hatch.

use super::legend::Marker;
use super::scene::Colour;
use crate::rows::Outcome;

/// Text and axes.
pub(super) const INK: Colour = Colour::opaque(0x22, 0x22, 0x22);
/// Secondary text; contrast 7:1 on white.
pub(super) const GREY_INK: Colour = Colour::opaque(0x59, 0x59, 0x59);
/// Grid lines.
pub(super) const GRID: Colour = Colour::opaque(0xDD, 0xDD, 0xDD);
/// Background.
pub(super) const PAPER: Colour = Colour::opaque(0xFF, 0xFF, 0xFF);

const BLACK: Colour = Colour::opaque(0x00, 0x00, 0x00);
const ORANGE: Colour = Colour::opaque(0xE6, 0x9F, 0x00);
const SKY_BLUE: Colour = Colour::opaque(0x56, 0xB4, 0xE9);
const GREEN: Colour = Colour::opaque(0x00, 0x9E, 0x73);
const BLUE: Colour = Colour::opaque(0x00, 0x72, 0xB2);
const VERMILLION: Colour = Colour::opaque(0xD5, 0x5E, 0x00);
const PURPLE: Colour = Colour::opaque(0xCC, 0x79, 0xA7);

/// Pattern of a line: lengths drawn and left out in turn, in pixels; empty for a solid line.
pub(super) type Dash = &'static [i32];

/// Dash of curves that were computed rather than simulated.
pub(super) const REFERENCE_DASH: Dash = &[26, 16];

/// Colour and dash of the series with this index; repeats after six.
pub(super) fn line_style(index: usize) -> (Colour, Dash) {
    const STYLES: [(Colour, Dash); 6] = [
        (BLUE, &[]),
        (VERMILLION, &[34, 12]),
        (GREEN, &[10, 10]),
        (PURPLE, &[34, 10, 8, 10]),
        (ORANGE, &[18, 8]),
        (BLACK, &[6, 14]),
    ];
    STYLES[index % STYLES.len()]
}

/// Marker of the series with this index; repeats after five.
pub(super) fn marker_style(index: usize) -> Marker {
    const MARKERS: [Marker; 5] = [
        Marker::Circle,
        Marker::Square,
        Marker::Triangle,
        Marker::Diamond,
        Marker::Cross,
    ];
    MARKERS[index % MARKERS.len()]
}

/// Lines drawn over an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hatch {
    None,
    /// Rising to the right.
    Rising,
    /// Falling to the right.
    Falling,
    Cross,
    Level,
    Upright,
}

/// Hatch of the bars with this index.
pub(super) fn row_hatch(index: usize) -> Hatch {
    const HATCHES: [Hatch; 6] = [
        Hatch::None,
        Hatch::Rising,
        Hatch::Level,
        Hatch::Falling,
        Hatch::Cross,
        Hatch::Upright,
    ];
    HATCHES[index % HATCHES.len()]
}

/// Colour and hatch of an outcome: calm for success, loud for what breaks agreement.
pub(super) const fn outcome_style(outcome: Outcome) -> (Colour, Hatch) {
    match outcome {
        Outcome::Accepted => (GREEN, Hatch::None),
        Outcome::Completed => (SKY_BLUE, Hatch::None),
        Outcome::HalfOpen => (VERMILLION, Hatch::Rising),
        Outcome::Mismatch => (BLACK, Hatch::Cross),
        Outcome::Rejected => (PURPLE, Hatch::Falling),
        Outcome::Timeout => (ORANGE, Hatch::Level),
        Outcome::Aborted => (BLUE, Hatch::Upright),
    }
}

/// Messages that arrived as they were sent.
pub(super) const MESSAGE_COLOUR: Colour = BLUE;
/// What an adversary did; always with a diamond or a dash.
pub(super) const ADVERSARY_COLOUR: Colour = PURPLE;
/// What failed or was lost; always with a cross.
pub(super) const FAILURE_COLOUR: Colour = VERMILLION;
/// What was accepted; always with a square.
pub(super) const SUCCESS_COLOUR: Colour = GREEN;
