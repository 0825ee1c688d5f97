//! Message sequence chart of one session: who sent what to whom, what arrived, what each end did, and
//! where an adversary or the link took a message away.
//!
//! Rows follow the order of events, not the clock; the time of each row stands at the left. A message
//! that did not arrive ends in a cross, one that an adversary touched passes a mark in its lane: shape
//! says it as well as colour.

use std::collections::BTreeMap;

use super::Figure;
use super::palette::{
    ADVERSARY_COLOUR, FAILURE_COLOUR, GREY_INK, INK, MESSAGE_COLOUR, PAPER, SUCCESS_COLOUR,
};
use super::scene::{
    Anchor, Area, Colour, LEGEND_PX, Point, Scene, TICK_PX, WIDTH_PX, shortened, text_width,
};
use crate::format;
use crate::read::story::{Story, StoryStep};
use crate::rows::StepKind;
use crate::table::{Line, Table, table};

/// The figure's name.
pub(super) const NAME: &str = "sequence";

table! {
    /// The data of the figure `sequence`.
    SequenceData, "sequence.csv",
    "one row per step drawn, in the order of their events";
    /// One step drawn.
    SequenceRow<'a> {
        t_ns: u64, "ns", "When it happened.";
        after_ns: u64, "ns", "Time since the first step of the session.";
        session: &'a str, "text", "Session it belongs to.";
        node: &'a str, "text", "Node or adversary that took it.";
        kind: &'a str, "text", "send, receive, check, state, store, output or adversary.";
        message: &'a str, "text", "Wire name of the message concerned; empty if none is.";
        text: &'a str, "text", "What the chart says of it.";
    }
}

/// The chart of one session.
#[derive(Clone, Debug)]
pub struct Sequence {
    story: Story,
    outcome: String,
    rows: Vec<Row>,
    lanes: Vec<Lane>,
    left_out: usize,
}

#[derive(Clone, Debug)]
struct Lane {
    name: String,
    adversary: bool,
}

/// One row of the chart.
#[derive(Clone, Debug)]
struct Row {
    t_ns: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A message leaves a lane; where it ends is known by its packet.
    Send {
        lane: usize,
        to: usize,
        name: String,
        packet: String,
        fate: String,
    },
    /// It arrives.
    Arrive { lane: usize, packet: String },
    /// The adversary acts on it, or makes it.
    Act {
        lane: usize,
        text: String,
        packet: String,
        fate: String,
    },
    /// Something at one end.
    Note {
        lane: usize,
        text: String,
        tone: Tone,
    },
    /// Here a property broke.
    Broken { text: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Bad,
}

impl Sequence {
    /// The chart of `story`, which ended as `outcome` says (it may be empty).
    #[must_use]
    pub fn new(story: Story, outcome: &str) -> Self {
        let lanes = lanes(&story);
        let (rows, left_out) = rows(&story, &lanes);
        Self {
            story,
            outcome: outcome.to_owned(),
            rows,
            lanes,
            left_out,
        }
    }

    /// Marks where properties broke: when, and in which words.
    #[must_use]
    pub fn with_breaks<'a>(mut self, breaks: impl IntoIterator<Item = (u64, &'a str)>) -> Self {
        for (t_ns, text) in breaks {
            let before = self.rows.iter().rposition(|row| row.t_ns <= t_ns);
            let row = Row {
                t_ns: t_ns.max(self.start_ns()),
                what: What::Broken {
                    text: text.to_owned(),
                },
            };
            self.rows.insert(before.map_or(0, |place| place + 1), row);
        }
        self
    }

    fn start_ns(&self) -> u64 {
        self.story.steps.first().map_or(0, |step| step.t_ns)
    }

    fn x(&self, lane: usize) -> i32 {
        let (left, right) = (LANES_LEFT_PX, WIDTH_PX - LANES_RIGHT_PX);
        let gaps = self.lanes.len().saturating_sub(1).max(1) as i32;
        left + (right - left) * lane as i32 / gaps
    }

    /// Middle of each row; a message has its name above it.
    fn y(&self, row: usize) -> i32 {
        let sent = |row: &&Row| matches!(row.what, What::Send { .. });
        let names = self.rows.iter().take(row + 1).filter(sent).count();
        TOP_PX + row as i32 * ROW_PX + ROW_PX / 2 + names as i32 * NAME_PX
    }

    fn bottom(&self) -> i32 {
        self.y(self.rows.len()) - ROW_PX / 4
    }

    /// The lane that a packet left.
    fn sender(&self, packet: &str) -> Option<usize> {
        self.rows.iter().find_map(|row| match &row.what {
            What::Send {
                lane, packet: of, ..
            } if original(of) == original(packet) => Some(*lane),
            _ => None,
        })
    }

    fn paint_lanes(&self, scene: &mut Scene) {
        for (index, lane) in self.lanes.iter().enumerate() {
            let x = self.x(index);
            let (colour, dash): (Colour, &[i32]) = if lane.adversary {
                (ADVERSARY_COLOUR, &[10, 10])
            } else {
                (GREY_INK, &[])
            };
            scene.line(
                &[(x, TOP_PX - 12), (x, self.bottom())],
                colour,
                3,
                dash_of(dash),
            );
            let name = shortened(&lane.name, LEGEND_PX, 380);
            let half = text_width(&name, LEGEND_PX) / 2 + 18;
            let x = x.clamp(half + 6, WIDTH_PX - half - 6);
            let area = Area {
                left: x - half,
                top: TOP_PX - 66,
                right: x + half,
                bottom: TOP_PX - 12,
            };
            scene.rectangle(area, colour);
            let inner = Area {
                left: area.left + 3,
                top: area.top + 3,
                right: area.right - 3,
                bottom: area.bottom - 3,
            };
            scene.rectangle(inner, PAPER);
            scene.text(&name, (x, TOP_PX - 39), LEGEND_PX, INK, Anchor::Centre);
        }
    }

    fn paint_times(&self, scene: &mut Scene) {
        let mut before = None;
        for (index, row) in self.rows.iter().enumerate() {
            let after = row.t_ns - self.start_ns();
            if before != Some(after) {
                let text = format::elapsed(after);
                scene.text(
                    &text,
                    (TIMES_RIGHT_PX, self.y(index)),
                    TIME_PX,
                    GREY_INK,
                    Anchor::Right,
                );
            }
            before = Some(after);
        }
    }

    /// Arrows first, so that notes stand on top of the ones that pass them.
    fn paint_messages(&self, scene: &mut Scene) {
        let mut arrivals: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        let mut acts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (index, row) in self.rows.iter().enumerate() {
            match &row.what {
                What::Arrive { lane, packet } => {
                    arrivals
                        .entry(original(packet))
                        .or_default()
                        .push((index, *lane));
                }
                What::Act { lane, packet, .. } => {
                    acts.entry(original(packet)).or_insert((index, *lane));
                }
                _ => {}
            }
        }
        for (index, row) in self.rows.iter().enumerate() {
            let (lane, name, packet, fate, to) = match &row.what {
                What::Send {
                    lane,
                    to,
                    name,
                    packet,
                    fate,
                } => (*lane, name, packet, fate, Some(*to)),
                // What an adversary made starts in its lane.
                What::Act {
                    lane,
                    text,
                    packet,
                    fate,
                } if fate == "injected" => (*lane, text, packet, fate, None),
                _ => continue,
            };
            let from = (self.x(lane), self.y(index));
            let ends = arrivals.get(original(packet)).cloned().unwrap_or_default();
            let hit = [
                "adversary-drop",
                "lost",
                "queue-drop",
                "backlog-drop",
                "mtu-drop",
                "collided",
                "node-down",
            ];
            if ends.is_empty() || hit.contains(&fate.as_str()) {
                let acted = acts
                    .get(original(packet))
                    .filter(|_| fate == "adversary-drop");
                let target = to.map_or(from.0, |to| self.x(to));
                let end = match acted {
                    Some((row, lane)) => (self.x(*lane), self.y(*row)),
                    None => (from.0 + (target - from.0) * 6 / 10, from.1 + ROW_PX / 3),
                };
                arrow(scene, from, end, FAILURE_COLOUR, &[16, 10]);
                if acted.is_none() {
                    cross(scene, end, FAILURE_COLOUR);
                }
            }
            for (row, lane) in &ends {
                let end = (self.x(*lane), self.y(*row));
                let touched = acts.get(original(packet));
                let colour = if touched.is_some() {
                    ADVERSARY_COLOUR
                } else {
                    MESSAGE_COLOUR
                };
                match touched.filter(|(act, _)| (index..*row).contains(act)) {
                    Some((act, lane)) => {
                        let via = (self.x(*lane), self.y(*act));
                        scene.line(&[from, via], colour, 5, &[]);
                        arrow(scene, via, end, colour, &[]);
                    }
                    None => arrow(scene, from, end, colour, &[]),
                }
            }
            let target = ends.first().map(|(_, lane)| *lane).or(to);
            if let (Some(target), What::Send { .. }) = (target, &row.what) {
                let middle = from.0 + (self.x(target) - from.0) / 4;
                let text = if fate == "delivered" {
                    name.clone()
                } else {
                    format!("{name}: {fate}")
                };
                boxed(scene, &text, (middle, from.1 - 26), INK, Anchor::Centre);
            }
        }
    }

    fn paint_notes(&self, scene: &mut Scene) {
        for (index, row) in self.rows.iter().enumerate() {
            let y = self.y(index);
            match &row.what {
                What::Note { lane, text, tone } => {
                    let x = self.x(*lane);
                    let last = *lane + 1 == self.lanes.len() && self.lanes.len() > 1;
                    let colour = match tone {
                        Tone::Plain => GREY_INK,
                        Tone::Good => SUCCESS_COLOUR,
                        Tone::Bad => FAILURE_COLOUR,
                    };
                    match tone {
                        Tone::Plain => scene.circle((x, y), 9, colour),
                        Tone::Good => scene.rectangle(
                            Area {
                                left: x - 11,
                                top: y - 11,
                                right: x + 11,
                                bottom: y + 11,
                            },
                            colour,
                        ),
                        Tone::Bad => cross(scene, (x, y), colour),
                    }
                    let ink = if *tone == Tone::Bad {
                        FAILURE_COLOUR
                    } else {
                        INK
                    };
                    // Between neighbouring lanes.
                    let room = if self.lanes.len() > 2 {
                        NOTE_WIDTH_PX
                    } else {
                        900
                    };
                    let text = shortened(text, NOTE_PX, room);
                    let (at, anchor) = if last {
                        (x - 26, Anchor::Right)
                    } else {
                        (x + 26, Anchor::Left)
                    };
                    boxed(scene, &text, (at, y), ink, anchor);
                }
                What::Act {
                    lane,
                    text,
                    packet,
                    fate,
                } => {
                    let x = self.x(*lane);
                    let points = [(x, y - 28), (x + 28, y), (x, y + 28), (x - 28, y)];
                    scene.polygon(&points, ADVERSARY_COLOUR);
                    if fate == "adversary-drop" {
                        cross(scene, (x, y), FAILURE_COLOUR);
                    }
                    let text = shortened(text, NOTE_PX, NOTE_WIDTH_PX);
                    // On the side that the message does not come from.
                    if self.sender(packet).is_some_and(|sender| sender > *lane) {
                        boxed(scene, &text, (x - 40, y), INK, Anchor::Right);
                    } else {
                        boxed(scene, &text, (x + 40, y), INK, Anchor::Left);
                    }
                }
                What::Broken { text } => {
                    let (left, right) = (LANES_LEFT_PX, WIDTH_PX - LANES_RIGHT_PX);
                    scene.line(&[(left, y), (right, y)], FAILURE_COLOUR, 3, &[10, 10]);
                    let text = shortened(text, NOTE_PX, BREAK_WIDTH_PX);
                    let middle = ((left + right) / 2, y);
                    boxed(scene, &text, middle, FAILURE_COLOUR, Anchor::Centre);
                }
                _ => {}
            }
        }
        if self.left_out > 0 {
            let text = format!("{} further steps are left out", self.left_out);
            scene.text(
                &text,
                (WIDTH_PX / 2, self.bottom() + 30),
                TICK_PX,
                GREY_INK,
                Anchor::Centre,
            );
        }
    }
}

impl Figure for Sequence {
    fn name(&self) -> &str {
        NAME
    }

    fn height(&self) -> i32 {
        self.bottom() + if self.left_out > 0 { 60 } else { 0 } + 150
    }

    fn title(&self) -> String {
        if self.outcome.is_empty() {
            format!("Session {}", self.story.session)
        } else {
            format!("Session {}: {}", self.story.session, self.outcome)
        }
    }

    fn description(&self) -> String {
        let lanes: Vec<&str> = self.lanes.iter().map(|lane| lane.name.as_str()).collect();
        let mut text = format!(
            "Message sequence chart of session {} between {}.",
            self.story.session,
            lanes.join(", ")
        );
        for row in &self.rows {
            let sentence = match &row.what {
                What::Send {
                    lane,
                    to,
                    name,
                    fate,
                    ..
                } => {
                    let (from, to) = (&self.lanes[*lane].name, &self.lanes[*to].name);
                    format!(" {from} sends {name} to {to}: {fate}.")
                }
                What::Act { lane, text, .. } => {
                    format!(" {} acts: {text}.", self.lanes[*lane].name)
                }
                What::Note { lane, text, .. } => format!(" {}: {text}.", self.lanes[*lane].name),
                What::Broken { text } => format!(" Here {text}."),
                What::Arrive { .. } => continue,
            };
            text.push_str(&sentence);
        }
        text
    }

    fn caption(&self) -> String {
        format!(
            "n = 1 session, {} · times since its first step at {}, rows not to scale",
            format::counted(self.story.steps.len() as u64, "step"),
            format::duration(self.start_ns() as f64)
        )
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        SequenceData::SCHEMA.header(&mut out);
        for step in &self.story.steps {
            let mut line = Line::new(&mut out);
            let text = note(step).map_or_else(|| step.word("@fate"), |(text, _)| text);
            let row = SequenceRow {
                t_ns: step.t_ns,
                after_ns: step.t_ns.saturating_sub(self.start_ns()),
                session: &self.story.session,
                node: &step.node,
                kind: step.kind.word(),
                message: &step.message,
                text: &text,
            };
            SequenceData::cells(&row, &mut line);
            line.end();
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        if self.rows.is_empty() {
            scene.no_data("no step of this session is kept");
            return;
        }
        self.paint_lanes(scene);
        self.paint_times(scene);
        self.paint_messages(scene);
        self.paint_notes(scene);
    }
}

/// The sender of a frame from an address that is nobody's but an adversary's, which has a lane.
const ADVERSARY: &str = "adversary";

/// The lanes: the initiator first, then adversaries, then the others.
fn lanes(story: &Story) -> Vec<Lane> {
    let mut nodes: Vec<&str> = Vec::new();
    let mut adversaries: Vec<&str> = Vec::new();
    let initiator = story.session.rsplit_once('/').map_or("", |(node, _)| node);
    nodes.push(initiator);
    let others: Vec<String> = story
        .steps
        .iter()
        .flat_map(|step| [step.word("@to"), step.word("@from")])
        .collect();
    for step in &story.steps {
        let list = if step.kind == StepKind::Adversary {
            &mut adversaries
        } else {
            &mut nodes
        };
        if !step.node.is_empty() && !list.contains(&step.node.as_str()) {
            list.push(&step.node);
        }
    }
    for name in &others {
        if !name.is_empty()
            && name != ADVERSARY
            && !nodes.contains(&name.as_str())
            && !adversaries.contains(&name.as_str())
        {
            nodes.push(name);
        }
    }
    let lane = |name: &str, adversary| Lane {
        name: name.to_owned(),
        adversary,
    };
    let mut lanes = vec![lane(initiator, false)];
    lanes.extend(adversaries.into_iter().map(|name| lane(name, true)));
    lanes.extend(nodes.into_iter().skip(1).map(|name| lane(name, false)));
    lanes.truncate(LANES_MAX);
    lanes
}

/// The rows drawn, and how many steps found no room.
fn rows(story: &Story, lanes: &[Lane]) -> (Vec<Row>, usize) {
    let lane = |name: &str| lanes.iter().position(|lane| lane.name == name);
    let mut rows: Vec<Row> = Vec::new();
    let mut left_out = 0;
    for step in &story.steps {
        let Some(at) = lane(&step.node) else {
            left_out += 1;
            continue;
        };
        let what = match step.kind {
            StepKind::Send => lane(&step.word("@to")).map(|to| What::Send {
                lane: at,
                to,
                name: if step.message.is_empty() {
                    String::from("?")
                } else {
                    step.message.clone()
                },
                packet: step.word("@packet"),
                fate: step.word("@fate"),
            }),
            StepKind::Receive => Some(What::Arrive {
                lane: at,
                packet: step.word("@packet"),
            }),
            StepKind::Adversary => {
                let fate = step.word("@fate");
                let rule = step.word("@rule");
                let rule = rule.split_once('.').map_or(rule.as_str(), |(_, rule)| rule);
                let deed = match fate.as_str() {
                    "adversary-drop" => "drops",
                    "adversary-modified" => "changes",
                    "injected" => "sends",
                    _ => "touches",
                };
                let name = if step.message.is_empty() {
                    "a frame"
                } else {
                    &step.message
                };
                let text = if rule.is_empty() {
                    format!("{deed} {name}")
                } else {
                    format!("{deed} {name} ({rule})")
                };
                Some(What::Act {
                    lane: at,
                    text,
                    packet: step.word("@packet"),
                    fate,
                })
            }
            _ => note(step).map(|(text, tone)| What::Note {
                lane: at,
                text,
                tone,
            }),
        };
        let Some(what) = what else {
            continue;
        };
        // What one node does at one instant is told in one row.
        if let (What::Note { lane, text, tone }, Some(last)) = (&what, rows.last_mut())
            && let What::Note {
                lane: before,
                text: told,
                tone: how,
            } = &mut last.what
            && before == lane
            && last.t_ns == step.t_ns
            && told.chars().count() + text.chars().count() < NOTE_CHARS_MAX
            && (how == tone || *how == Tone::Plain || *tone == Tone::Plain)
        {
            told.push_str(" · ");
            told.push_str(text);
            if *how == Tone::Plain {
                *how = *tone;
            }
            continue;
        }
        if rows.len() == ROWS_MAX {
            left_out += 1;
            continue;
        }
        rows.push(Row {
            t_ns: step.t_ns,
            what,
        });
    }
    (rows, left_out)
}

/// What a step at one end reads as; `None` for messages and for what another row says already.
fn note(step: &StoryStep) -> Option<(String, Tone)> {
    Some(match step.kind {
        StepKind::State => {
            let to = step.word("to");
            if to.is_empty() {
                let values = step.word("fingerprints");
                let first: String = values
                    .chars()
                    .filter(char::is_ascii_hexdigit)
                    .take(6)
                    .collect();
                let text = if first.is_empty() {
                    String::from("shares nothing")
                } else {
                    format!("shares {first}… (epoch {})", step.word("epoch"))
                };
                (text, Tone::Plain)
            } else {
                (format!("→ {to}"), Tone::Plain)
            }
        }
        StepKind::Store => (String::from("stores"), Tone::Plain),
        StepKind::Check if step.word("passed") == "false" => {
            (format!("refuses: {}", step.word("reason")), Tone::Bad)
        }
        StepKind::Output => match step.word("output").as_str() {
            "accepted" => (String::from("accepts"), Tone::Good),
            "ended" => (format!("ends: {}", step.word("reason")), Tone::Plain),
            "data-sent" => (format!("data {} sent", step.word("seq")), Tone::Plain),
            "data-accepted" => (format!("data {} accepted", step.word("seq")), Tone::Good),
            "halted" => (String::from("halts"), Tone::Bad),
            _ => return None,
        },
        _ => return None,
    })
}

/// A copy's packet without the mark of the copy.
fn original(packet: &str) -> &str {
    packet.rsplit_once('+').map_or(packet, |(name, _)| name)
}

fn dash_of(dash: &[i32]) -> &'static [i32] {
    match dash.len() {
        0 => &[],
        _ => &[10, 10],
    }
}

fn arrow(scene: &mut Scene, from: Point, to: Point, colour: Colour, dash: super::palette::Dash) {
    scene.line(&[from, to], colour, 5, dash);
    if from == to {
        return;
    }
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let length = (dx * dx + dy * dy).sqrt();
    let (ux, uy) = (dx / length, dy / length);
    let at = |along: f64, aside: f64| {
        (
            (f64::from(to.0) - along * ux - aside * uy).round() as i32,
            (f64::from(to.1) - along * uy + aside * ux).round() as i32,
        )
    };
    scene.polygon(&[to, at(30.0, 12.0), at(30.0, -12.0)], colour);
}

fn cross(scene: &mut Scene, (x, y): Point, colour: Colour) {
    for (dx, dy) in [(15, 15), (15, -15)] {
        scene.line(&[(x - dx, y - dy), (x + dx, y + dy)], PAPER, 14, &[]);
    }
    for (dx, dy) in [(15, 15), (15, -15)] {
        scene.line(&[(x - dx, y - dy), (x + dx, y + dy)], colour, 7, &[]);
    }
}

/// Text on paper, so that a line behind it does not cross it.
fn boxed(scene: &mut Scene, text: &str, (x, y): Point, colour: Colour, anchor: Anchor) {
    let width = text_width(text, NOTE_PX);
    let left = match anchor {
        Anchor::Left => x,
        Anchor::Centre => x - width / 2,
        Anchor::Right => x - width,
    };
    // Text near an edge is moved inside.
    let moved = left.clamp(6, (WIDTH_PX - 6 - width).max(6));
    let area = Area {
        left: moved - 6,
        top: y - 20,
        right: moved + width + 6,
        bottom: y + 20,
    };
    scene.rectangle(area, PAPER.faded(88));
    scene.text(text, (moved, y), NOTE_PX, colour, Anchor::Left);
}

const LANES_MAX: usize = 6;
const ROWS_MAX: usize = 60;
const NOTE_CHARS_MAX: usize = 34;
const TOP_PX: i32 = 160;
const ROW_PX: i32 = 56;
/// Further height of a row that begins with the name of a message.
const NAME_PX: i32 = 22;
const LANES_LEFT_PX: i32 = 300;
const LANES_RIGHT_PX: i32 = 130;
const TIMES_RIGHT_PX: i32 = 170;
const NOTE_WIDTH_PX: i32 = 460;
/// Room for the words where a property broke.
const BREAK_WIDTH_PX: i32 = 1140;
const NOTE_PX: i32 = 36;
const TIME_PX: i32 = 36;
