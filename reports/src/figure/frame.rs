//! The plot area with its two axes: where data become pixels.

use super::palette::{GRID, INK};
use super::scene::{AXIS_PX, Anchor, Area, Point, Scene, TICK_PX, WIDTH_PX, text_width};
use super::ticks::Tick;

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    Linear {
        low: f64,
        high: f64,
    },
    /// Both ends above 0.
    Log {
        low: f64,
        high: f64,
    },
}

impl Scale {
    /// Position of `value` between the ends, 0 to 1; values outside are moved to the nearest end.
    fn share(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear { low, high } => (value - low) / (high - low),
            Self::Log { low, high } => libm::log(value / low) / libm::log(high / low),
        };
        share.clamp(0.0, 1.0)
    }

    /// The same with a further `share` of its length at both ends.
    pub(super) fn widened(self, share: f64) -> Self {
        match self {
            Self::Linear { low, high } => {
                let room = (high - low) * share;
                Self::Linear {
                    low: low - room,
                    high: high + room,
                }
            }
            Self::Log { low, high } => {
                let room = libm::pow(high / low, share);
                Self::Log {
                    low: low / room,
                    high: high * room,
                }
            }
        }
    }
}

/// An axis: how values are spread, where it is marked, and what it measures, with the unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) ticks: Vec<Tick>,
    pub(super) title: String,
}

impl Axis {
    /// Whether a label takes two lines.
    pub(super) fn is_wrapped(&self) -> bool {
        self.ticks.iter().any(|tick| tick.label.contains('\n'))
    }
}

/// A plot area between two axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) area: Area,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Frame {
    /// The pixel of a data point.
    pub(super) fn point(&self, x: f64, y: f64) -> Point {
        let Area {
            left,
            top,
            right,
            bottom,
        } = self.area;
        let along = |from: i32, to: i32, share: f64| {
            (f64::from(from) + share * f64::from(to - from)).round() as i32
        };
        (
            along(left, right, self.x.scale.share(x)),
            along(bottom, top, self.y.scale.share(y)),
        )
    }

    /// Draws grid, axes, marks and titles; data go on top of it.
    pub(super) fn draw(&self, scene: &mut Scene) {
        let Area {
            left,
            top,
            right,
            bottom,
        } = self.area;
        for tick in &self.y.ticks {
            let y = self.point(0.0, tick.at).1;
            scene.line(&[(left, y), (right, y)], GRID, 2, &[]);
            scene.text(&tick.label, (left - 18, y), TICK_PX, INK, Anchor::Right);
        }
        self.draw_x_ticks(scene);
        scene.line(&[(left, top), (left, bottom), (right, bottom)], INK, 3, &[]);
        let centre = (left + right) / 2;
        scene.text(
            &self.x.title,
            (centre, bottom + if self.x.is_wrapped() { 136 } else { 98 }),
            AXIS_PX,
            INK,
            Anchor::Centre,
        );
        scene.upward_text(
            &self.y.title,
            (Y_TITLE_PX, (top + bottom) / 2),
            AXIS_PX,
            INK,
        );
    }

    /// Grid lines at the marks of the horizontal axis.
    pub(super) fn draw_upright_grid(&self, scene: &mut Scene) {
        let Area { top, bottom, .. } = self.area;
        for tick in self.x.ticks.iter().filter(|tick| !tick.label.is_empty()) {
            let x = self.point(tick.at, 0.0).0;
            scene.line(&[(x, top), (x, bottom)], GRID, 2, &[]);
        }
    }

    /// Shows that the horizontal axis is broken between 0 and its next mark.
    pub(super) fn draw_break(&self, scene: &mut Scene, zero_at: Option<f64>) {
        let bottom = self.area.bottom;
        let Some(zero) = zero_at else {
            return;
        };
        let next = self.x.ticks.iter().map(|tick| tick.at);
        let next = next.filter(|at| *at > zero).fold(f64::MAX, f64::min);
        let x = (self.point(zero, 0.0).0 + self.point(next, 0.0).0) / 2;
        for dx in [-7, 7] {
            scene.line(
                &[(x + dx - 5, bottom + 12), (x + dx + 5, bottom - 12)],
                INK,
                3,
                &[],
            );
        }
    }

    /// Every how many marks of a linear axis have a label, so that none of these touch.
    fn x_stride(&self) -> usize {
        if matches!(self.x.scale, Scale::Log { .. }) || self.x.is_wrapped() {
            return 1;
        }
        let ends: Vec<(i32, i32)> = self
            .x
            .ticks
            .iter()
            .map(|tick| {
                let (x, half) = (
                    self.point(tick.at, 0.0).0,
                    text_width(&tick.label, TICK_PX) / 2,
                );
                (x - half, x + half)
            })
            .collect();
        let fits = |stride: usize| {
            let shown: Vec<&(i32, i32)> = ends.iter().step_by(stride).collect();
            shown.windows(2).all(|pair| pair[1].0 > pair[0].1 + 12)
        };
        (1..=ends.len().max(1))
            .find(|stride| fits(*stride))
            .unwrap_or(1)
    }

    fn draw_x_ticks(&self, scene: &mut Scene) {
        let Area { top, bottom, .. } = self.area;
        let mut free_from = i32::MIN;
        let stride = self.x_stride();
        for (index, tick) in self.x.ticks.iter().enumerate() {
            let x = self.point(tick.at, 0.0).0;
            if matches!(self.x.scale, Scale::Log { .. }) && !tick.label.is_empty() {
                scene.line(&[(x, top), (x, bottom)], GRID, 2, &[]);
            }
            let length = if tick.label.is_empty() { 8 } else { 14 };
            scene.line(&[(x, bottom), (x, bottom + length)], INK, 3, &[]);
            // A label that would touch the one before it is left out; its mark stays.
            let lines: Vec<&str> = tick.label.lines().collect();
            let widest = lines.iter().map(|line| text_width(line, TICK_PX)).max();
            let half = widest.unwrap_or(0) / 2;
            if !tick.label.is_empty() && index % stride == 0 && x - half > free_from {
                let x = x.min(WIDTH_PX - half - 6);
                for (line, y) in lines.iter().zip([bottom + 42, bottom + 80]) {
                    scene.text(line, (x, y), TICK_PX, INK, Anchor::Centre);
                }
                free_from = x + half + 12;
            }
        }
    }
}

/// Middle of the vertical axis title.
const Y_TITLE_PX: i32 = 40;
