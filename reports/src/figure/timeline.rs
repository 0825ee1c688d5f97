//! What became of devices over time: one lane per device, the adversary's deeds in a lane of their
//! own. A lane is a thin line while both ends share a state and a hatched bar while they do not;
//! sessions that failed stand on it as marks.

use super::Figure;
use super::frame::{Axis, Frame, Scale};
use super::legend::{Key, Legend, Marker, draw_marker_sized};
use super::palette::{
    ADVERSARY_COLOUR, FAILURE_COLOUR, GREY_INK, Hatch, INK, SUCCESS_COLOUR, outcome_style,
};
use super::scene::{Anchor, Area, LEGEND_PX, Scene, WIDTH_PX, shortened};
use super::ticks;
use crate::format;
use crate::rows::Outcome;
use crate::table::{Line, Table, table};

/// The figure's name.
pub(super) const NAME: &str = "timeline";

table! {
    /// The data of the figure `timeline`.
    TimelineData, "timeline.csv",
    "one row per bar and mark, by lane and then by time";
    /// One bar or mark.
    TimelineRow<'a> {
        lane: &'a str, "text", "Device or adversary.";
        what: &'a str, "text", "out-of-step for a bar, else the outcome of a session or the adversary's rule.";
        start_ns: u64, "ns", "When it began.";
        end_ns: Option<u64>, "ns", "When it ended; empty for a mark, and for a bar that lasts.";
    }
}

/// One device or adversary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimelineLane {
    /// Its name.
    pub name: String,
    /// True for an adversary.
    pub adversary: bool,
    /// Spans out of step: from, to (`None`: to the end), and in which way.
    pub spans: Vec<(u64, Option<u64>, String)>,
    /// Sessions that did not succeed: when and how they ended.
    pub sessions: Vec<(u64, Outcome)>,
    /// Deeds of an adversary: when, and its rule.
    pub deeds: Vec<(u64, String)>,
}

/// Lanes over one run.
#[derive(Clone, Debug)]
pub struct Timeline {
    lanes: Vec<TimelineLane>,
    end_ns: u64,
    left_out: u64,
}

impl Timeline {
    /// A figure of `lanes` until `end_ns`; `left_out` devices have no lane.
    #[must_use]
    pub const fn new(lanes: Vec<TimelineLane>, end_ns: u64, left_out: u64) -> Self {
        Self {
            lanes,
            end_ns,
            left_out,
        }
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let mut all: Vec<Outcome> = self
            .lanes
            .iter()
            .flat_map(|lane| lane.sessions.iter().map(|(_, outcome)| *outcome))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn legend(&self) -> Legend {
        let mut entries = vec![(Key::Line(SUCCESS_COLOUR, &[]), String::from("in step"))];
        if self.lanes.iter().any(|lane| !lane.spans.is_empty()) {
            entries.push((Key::Band(FAILURE_COLOUR), String::from("out of step")));
        }
        for outcome in self.outcomes() {
            let (colour, marker) = mark(outcome);
            entries.push((Key::Mark(marker, colour), outcome.word().to_owned()));
        }
        if self.lanes.iter().any(|lane| lane.adversary) {
            entries.push((
                Key::Mark(Marker::Diamond, ADVERSARY_COLOUR),
                String::from("adversary acts"),
            ));
        }
        Legend::new(entries)
    }
}

const fn mark(outcome: Outcome) -> (super::scene::Colour, Marker) {
    let marker = match outcome {
        Outcome::HalfOpen => Marker::Triangle,
        Outcome::Mismatch | Outcome::Rejected => Marker::Cross,
        Outcome::Timeout => Marker::Circle,
        _ => Marker::Square,
    };
    (style_of(outcome), marker)
}

const fn style_of(outcome: Outcome) -> super::scene::Colour {
    outcome_style(outcome).0
}

impl Figure for Timeline {
    fn name(&self) -> &str {
        NAME
    }

    fn height(&self) -> i32 {
        self.legend().bottom() + self.lanes.len() as i32 * LANE_PX + 280
    }

    fn title(&self) -> String {
        "State of devices over time".into()
    }

    fn description(&self) -> String {
        let mut text = String::from("One lane per device and adversary over the time of the run.");
        for lane in &self.lanes {
            let sentence = if lane.adversary {
                format!(" {} acts {} times.", lane.name, lane.deeds.len())
            } else {
                let since = lane.spans.first().map_or_else(
                    || String::from("in step throughout"),
                    |(from, _, kind)| {
                        format!(
                            "out of step ({kind}) from {}",
                            format::duration(*from as f64)
                        )
                    },
                );
                format!(
                    " {}: {since}, {} failed sessions.",
                    lane.name,
                    lane.sessions.len()
                )
            };
            text.push_str(&sentence);
        }
        text
    }

    fn caption(&self) -> String {
        let devices = self.lanes.iter().filter(|lane| !lane.adversary).count() as u64;
        let mut text = format!(
            "n = {} of {}, those that failed most first",
            format::count(devices),
            format::counted(devices + self.left_out, "device")
        );
        if self.lanes.iter().any(|lane| lane.adversary) {
            text.push_str(" · deeds: of the sessions in steps.csv");
        }
        text.push_str(" · counts, no interval");
        text
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        TimelineData::SCHEMA.header(&mut out);
        let mut write = |lane: &str, what: &str, start_ns: u64, end_ns: Option<u64>| {
            let mut line = Line::new(&mut out);
            TimelineData::cells(
                &TimelineRow {
                    lane,
                    what,
                    start_ns,
                    end_ns,
                },
                &mut line,
            );
            line.end();
        };
        for lane in &self.lanes {
            for (from, to, _) in &lane.spans {
                write(&lane.name, "out-of-step", *from, *to);
            }
            for (at, outcome) in &lane.sessions {
                write(&lane.name, outcome.word(), *at, None);
            }
            for (at, rule) in &lane.deeds {
                write(&lane.name, rule, *at, None);
            }
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        if self.lanes.is_empty() {
            scene.no_data("no device made an attempt");
            return;
        }
        let legend = self.legend();
        legend.draw(scene);
        let end = (self.end_ns as f64).max(1.0);
        let (ticks, unit) = ticks::time(end, 6);
        let top = legend.bottom();
        let bottom = top + self.lanes.len() as i32 * LANE_PX;
        let frame = Frame {
            area: Area {
                left: 260,
                top,
                right: WIDTH_PX - 50,
                bottom,
            },
            x: Axis {
                scale: Scale::Linear {
                    low: 0.0,
                    high: end,
                },
                ticks,
                title: format!("time since start ({unit})"),
            },
            y: Axis {
                scale: Scale::Linear {
                    low: 0.0,
                    high: 1.0,
                },
                ticks: Vec::new(),
                title: String::new(),
            },
        };
        frame.draw(scene);
        let x = |at_ns: u64| frame.point(at_ns as f64, 0.0).0;
        for (index, lane) in self.lanes.iter().enumerate() {
            let y = top + index as i32 * LANE_PX + LANE_PX / 2;
            let name = shortened(&lane.name, LEGEND_PX - 6, 230);
            scene.text(
                &name,
                (frame.area.left - 16, y),
                LEGEND_PX - 6,
                INK,
                Anchor::Right,
            );
            if lane.adversary {
                scene.line(&[(x(0), y), (x(self.end_ns), y)], GREY_INK, 2, &[6, 10]);
            } else {
                scene.line(
                    &[(x(0), y - 9), (x(self.end_ns), y - 9)],
                    SUCCESS_COLOUR,
                    5,
                    &[],
                );
            }
            for (from, to, _) in &lane.spans {
                let (from, to) = (x(*from), x(to.unwrap_or(self.end_ns)));
                let area = Area {
                    left: from,
                    top: y - 16,
                    right: to.max(from + 3),
                    bottom: y - 2,
                };
                scene.hatched(area, FAILURE_COLOUR, Hatch::Rising);
            }
            let mut last = i32::MIN / 2;
            for (at, outcome) in &lane.sessions {
                // Marks that would hide each other are drawn once; the data have them all.
                if x(*at) - last >= 14 {
                    let (colour, marker) = mark(*outcome);
                    draw_marker_sized(scene, marker, (x(*at), y + 12), colour, 8);
                    last = x(*at);
                }
            }
            let mut last = i32::MIN / 2;
            for (at, _) in &lane.deeds {
                if x(*at) - last >= 16 {
                    draw_marker_sized(scene, Marker::Diamond, (x(*at), y), ADVERSARY_COLOUR, 10);
                    last = x(*at);
                }
            }
        }
    }
}

const LANE_PX: i32 = 58;
