//! How sessions ended, over time: stacked bars by time bin.

use super::frame::{Axis, Frame, Scale};
use super::palette::{INK, outcome_style};
use super::scene::{Anchor, Area, LEGEND_PX, Scene, WIDTH_PX, text_width};
use super::{Figure, ticks};
use crate::bins;
use crate::format;
use crate::read::RunResult;
use crate::rows::Outcome;
use crate::store::StoreError;
use crate::table::{Line, Table, table};

/// The figure's name.
pub(super) const NAME: &str = "outcomes";

table! {
    /// The data of the figure `outcomes`.
    OutcomeData, "outcomes.csv",
    "one row per time bin and outcome that occurs in the run, by time, then in stacking order";
    /// One piece of one bar.
    OutcomeBar<'a> {
        start_ns: u64, "ns", "Start of the bin, included.";
        end_ns: u64, "ns", "End of the bin, not included.";
        outcome: &'a str, "text", "How the sessions ended.";
        sessions: u64, "count", "Sessions that ended so in the bin.";
    }
}

/// Numbers of sessions by outcome and time at which they ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeTimeline {
    bin_ns: u64,
    /// Per bin, one count per entry of [`STACKING`].
    bins: Vec<[u64; STACKING.len()]>,
}

impl OutcomeTimeline {
    /// A figure of `sessions`, each given by the time at which it ended in ns and its outcome; bins
    /// are chosen so that at most forty cover them all.
    #[must_use]
    pub fn new(sessions: &[(u64, Outcome)]) -> Self {
        let last_ns = sessions
            .iter()
            .map(|(ended_ns, _)| *ended_ns)
            .max()
            .unwrap_or(0);
        let bin_ns = bins::width_ns(last_ns);
        let mut bins = vec![
            [0; STACKING.len()];
            if sessions.is_empty() {
                0
            } else {
                (last_ns / bin_ns) as usize + 1
            }
        ];
        for (ended_ns, outcome) in sessions {
            let level = STACKING
                .iter()
                .position(|stacked| stacked == outcome)
                .unwrap_or(0);
            bins[(ended_ns / bin_ns) as usize][level] += 1;
        }
        Self { bin_ns, bins }
    }

    /// A figure of counts by bin of `bin_ns`, the first of which begins at 0; each bin has one count
    /// per outcome, in the order of [`Outcome::ALL`].
    #[must_use]
    pub fn from_bins(bin_ns: u64, counts: &[[u64; Outcome::ALL.len()]]) -> Self {
        let level = |outcome: &Outcome| STACKING.iter().position(|stacked| stacked == outcome);
        let bin = |counts: &[u64; Outcome::ALL.len()]| {
            let mut bin = [0; STACKING.len()];
            for (outcome, count) in Outcome::ALL.iter().zip(counts) {
                bin[level(outcome).unwrap_or(0)] += count;
            }
            bin
        };
        let used = counts
            .iter()
            .rposition(|bin| bin.iter().any(|count| *count > 0));
        let bins = counts[..used.map_or(0, |last| last + 1)]
            .iter()
            .map(bin)
            .collect();
        Self {
            bin_ns: bin_ns.max(1),
            bins,
        }
    }

    /// A figure of all sessions of a run, read twice in constant memory; also their number.
    ///
    /// # Errors
    /// As [`RunResult::sessions`].
    pub fn of_run(run: &RunResult) -> Result<(Self, u64), StoreError> {
        let mut last_ns = 0;
        let sessions = run.each_session(&mut |session| last_ns = session.ended_ns.max(last_ns))?;
        let bin_ns = bins::width_ns(last_ns);
        let count = if sessions == 0 {
            0
        } else {
            last_ns / bin_ns + 1
        };
        let mut bins = vec![[0; STACKING.len()]; count as usize];
        run.each_session(&mut |session| {
            let level = STACKING
                .iter()
                .position(|stacked| *stacked == session.outcome)
                .unwrap_or(0);
            if let Some(bin) = bins.get_mut((session.ended_ns / bin_ns) as usize) {
                bin[level] += 1;
            }
        })?;
        Ok((Self { bin_ns, bins }, sessions))
    }

    /// Sessions that ended with each outcome of [`STACKING`].
    fn totals(&self) -> [u64; STACKING.len()] {
        std::array::from_fn(|level| self.bins.iter().map(|bin| bin[level]).sum())
    }

    fn frame(&self) -> Frame {
        let end = self.bins.len() as f64 * self.bin_ns as f64;
        let (x_ticks, unit) = ticks::time(end, 6);
        let highest = self
            .bins
            .iter()
            .map(|bin| bin.iter().sum::<u64>())
            .max()
            .unwrap_or(0);
        let high = (highest as f64 * 1.05).max(1.0);
        let mut y_ticks = ticks::linear(0.0, high, 6);
        // Sessions are whole: marks at fractions would be marks of nothing.
        y_ticks.retain(|tick| tick.at.fract() == 0.0);
        for tick in &mut y_ticks {
            tick.label = format::count(tick.at as u64);
        }
        let bin = format::duration(self.bin_ns as f64);
        Frame {
            area: Area {
                left: 220,
                top: 96,
                right: LEGEND_LEFT_PX - 40,
                bottom: 672,
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
                scale: Scale::Linear { low: 0.0, high },
                ticks: y_ticks,
                title: format!("sessions per {}", bin.strip_prefix("1 ").unwrap_or(&bin)),
            },
        }
    }

    fn paint_bars(&self, scene: &mut Scene, frame: &Frame) {
        for (index, bin) in self.bins.iter().enumerate() {
            let start = index as f64 * self.bin_ns as f64;
            let left = frame.point(start, 0.0).0 + 2;
            let right = frame.point(start + self.bin_ns as f64, 0.0).0 - 2;
            let mut below = 0;
            for (outcome, count) in STACKING
                .into_iter()
                .zip(bin)
                .filter(|(_, count)| **count > 0)
            {
                let bottom = frame.point(0.0, below as f64).1;
                let top = frame.point(0.0, (below + count) as f64).1;
                let (colour, hatch) = outcome_style(outcome);
                // A rare outcome must not vanish: a piece is at least three pixels high.
                let top = top.min(bottom - 3);
                scene.hatched(
                    Area {
                        left,
                        top,
                        right,
                        bottom,
                    },
                    colour,
                    hatch,
                );
                below += count;
            }
        }
    }

    /// The key, in stacking order from the top, with counts: rare outcomes are told in numbers.
    fn paint_key(&self, scene: &mut Scene) {
        let totals = self.totals();
        let all: u64 = totals.iter().sum();
        let shown = STACKING
            .into_iter()
            .zip(totals)
            .rev()
            .filter(|(_, total)| *total > 0);
        for (row, (outcome, total)) in shown.enumerate() {
            let top = 96 + row as i32 * KEY_LINE_PX;
            let (colour, hatch) = outcome_style(outcome);
            let swatch = Area {
                left: LEGEND_LEFT_PX,
                top,
                right: LEGEND_LEFT_PX + 44,
                bottom: top + 44,
            };
            scene.hatched(swatch, colour, hatch);
            let left = swatch.right + 16;
            scene.text(
                outcome.word(),
                (left, top + 6),
                LEGEND_PX,
                INK,
                Anchor::Left,
            );
            let share = format::percent(total as f64 / all as f64);
            let mut count = format::count(total);
            let with_share = format!("{count} ({share})");
            if left + text_width(&with_share, COUNT_PX) <= WIDTH_PX {
                count = with_share;
            }
            scene.text(&count, (left, top + 50), COUNT_PX, INK, Anchor::Left);
        }
    }
}

impl Figure for OutcomeTimeline {
    fn name(&self) -> &str {
        NAME
    }

    fn title(&self) -> String {
        "How sessions ended".into()
    }

    fn description(&self) -> String {
        let totals: Vec<String> = STACKING
            .into_iter()
            .zip(self.totals())
            .filter(|(_, total)| *total > 0)
            .map(|(outcome, total)| format!("{total} {outcome}"))
            .collect();
        let mut text = String::from(
            "Numbers of sessions by how they ended, as stacked bars over the time at which they \
             ended.",
        );
        if !totals.is_empty() {
            text.push_str(&format!(" In all: {}.", totals.join(", ")));
        }
        text
    }

    fn caption(&self) -> String {
        let all: u64 = self.totals().iter().sum();
        format!(
            "n = {}, all counted (no interval)",
            format::counted(all, "session")
        )
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        OutcomeData::SCHEMA.header(&mut out);
        let totals = self.totals();
        for (index, bin) in self.bins.iter().enumerate() {
            let start_ns = index as u64 * self.bin_ns;
            for (level, sessions) in bin
                .iter()
                .enumerate()
                .filter(|(level, _)| totals[*level] > 0)
            {
                let mut line = Line::new(&mut out);
                let bar = OutcomeBar {
                    start_ns,
                    end_ns: start_ns + self.bin_ns,
                    outcome: STACKING[level].word(),
                    sessions: *sessions,
                };
                OutcomeData::cells(&bar, &mut line);
                line.end();
            }
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        if self.bins.is_empty() {
            scene.no_data("no session was started");
            return;
        }
        let frame = self.frame();
        frame.draw(scene);
        self.paint_bars(scene, &frame);
        self.paint_key(scene);
    }
}

/// Outcomes from the bottom of a bar to its top: successes below, so that failures share an edge.
const STACKING: [Outcome; 7] = [
    Outcome::Accepted,
    Outcome::Completed,
    Outcome::Timeout,
    Outcome::Rejected,
    Outcome::Aborted,
    Outcome::HalfOpen,
    Outcome::Mismatch,
];

const LEGEND_LEFT_PX: i32 = 1050;
const COUNT_PX: i32 = LEGEND_PX - 6;
const KEY_LINE_PX: i32 = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_place_in_the_stack() {
        for outcome in Outcome::ALL {
            assert!(STACKING.contains(outcome), "{outcome}");
        }
    }
}
