//! What is done to whom, as a scenario file.

use std::fmt::Write as _;

use super::base;
use crate::diagnostic::Diagnostics;
use crate::reader::read_text;
use crate::scenario::{LinkChannel, LinkGroup, Scenario};

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It does not arrive.
    Drop,
    /// It arrives after everybody has given up waiting.
    Delay,
    /// It arrives twice.
    Duplicate,
    /// It arrives behind messages of the session after its own.
    Reorder,
    /// One bit of it is wrong.
    Corrupt,
    /// It arrives, and once more in the next session.
    Replay,
}

impl Action {
    /// All, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::Drop,
        Self::Delay,
        Self::Duplicate,
        Self::Reorder,
        Self::Corrupt,
        Self::Replay,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Delay => "delay",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Corrupt => "corrupt",
            Self::Replay => "replay-old",
        }
    }

    /// Power, and the keys of the rule.
    const fn rule(self) -> (&'static str, &'static str) {
        match self {
            Self::Drop => ("\"drop\"", "action = \"drop\""),
            Self::Delay => ("\"delay\"", "action = \"delay\"\nby = \"45s\""),
            Self::Duplicate => (
                "\"duplicate\"",
                "action = \"duplicate\"\ncopies = 1\nafter = \"5ms\"",
            ),
            Self::Reorder => ("\"reorder\"", "action = \"delay\"\nby = \"120050ms\""),
            Self::Corrupt => ("\"modify\"", "action = \"modify\"\nflip = {}"),
            Self::Replay => (
                "\"observe\", \"spoof\"",
                "action = \"replay\"\nafter = \"120050ms\"",
            ),
        }
    }
}

/// One damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Something happens to a message, so many times in a row.
    Message {
        /// Its name.
        message: String,
        /// What.
        action: Action,
        /// How often.
        times: u32,
    },
    /// Power is lost at a durable write of a node group.
    Write {
        /// The group.
        group: String,
        /// Which write, from 1.
        write: u32,
        /// Where: `before`, `torn`, `after-write` or `after`.
        point: &'static str,
    },
    /// A node group gets an old backup.
    Rollback {
        /// The group.
        group: String,
        /// How many sessions old.
        sessions: u32,
    },
}

/// Where power can be lost at a write.
pub(super) const POINTS: [&str; 4] = ["before", "torn", "after-write", "after"];

/// Durable writes that are tried at each side; the first ones of a side that registers are among them.
pub const WRITES: u32 = 4;

/// The message that is damaged first: two undamaged sessions come before.
const FIRST: u32 = 3;

/// A message that does not show its name on the wire, and how it is found there: the base scenario is
/// known, so its place in a session tells.
struct Hidden {
    /// Its name.
    name: &'static str,
    /// The message that carries it.
    carrier: &'static str,
    direction: &'static str,
    /// How many carriers of that direction a session has, and which of them it is, from 1.
    each: u32,
    place: u32,
}

/// The hidden messages of a protocol in its base scenario.
fn hidden(protocol: &str) -> &'static [Hidden] {
    const fn sealed(name: &'static str, direction: &'static str, each: u32, place: u32) -> Hidden {
        Hidden {
            name,
            carrier: "SEALED",
            direction,
            each,
            place,
        }
    }
    const RSA_UDP: &[Hidden] = &[
        sealed("DATA", "up", 2, 1),
        sealed("ECHO", "down", 1, 1),
        sealed("FIN", "up", 2, 2),
    ];
    if protocol == "rsa-udp" { RSA_UDP } else { &[] }
}

/// The name of a message on the wire, and what else a rule must fit to find the n-th of them, or the
/// one that comes so many later. One that is lost and `repeated` is the next of its carrier.
fn on_the_wire<'a>(
    protocol: &str,
    message: &'a str,
    (nth, later): (u32, u32),
    repeated: bool,
) -> (&'a str, String) {
    let mut all = hidden(protocol).iter();
    match all.find(|hidden| hidden.name == message) {
        Some(hidden) => {
            let step = if repeated { 1 } else { hidden.each };
            let nth = hidden.each * (nth - 1) + hidden.place + step * later;
            let found = format!("direction = \"{}\", nth = {nth}", hidden.direction);
            (hidden.carrier, found)
        }
        None => (message, format!("nth = {}", nth + later)),
    }
}

/// A damage in a protocol's scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// Name of the protocol.
    pub protocol: &'static str,
    /// The variant.
    pub variant: String,
    /// The damage.
    pub damage: Damage,
    /// Which message of its name is damaged first, from 1.
    pub first: u32,
}

impl Experiment {
    /// The row of the table and heat map: who or what is struck.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.damage {
            Damage::Message { message, .. } => message.clone(),
            Damage::Write { group, write, .. } => format!("{group}, write {write}"),
            Damage::Rollback { group, .. } => format!("{group}, storage"),
        }
    }

    /// The column: what is done.
    #[must_use]
    pub fn what(&self) -> String {
        match &self.damage {
            Damage::Message { action, times, .. } => match times {
                1 => action.as_str().to_owned(),
                times => format!("{} x{times}", action.as_str()),
            },
            Damage::Write { point, .. } => format!("power lost {point}"),
            Damage::Rollback { sessions, .. } => format!("backup {sessions} old"),
        }
    }

    /// Name of its scenario and file.
    #[must_use]
    pub fn name(&self) -> String {
        let raw = format!(
            "{}-{}-{}-{}",
            self.protocol,
            self.variant,
            self.target(),
            self.what()
        );
        let mut name = String::new();
        for character in raw.chars() {
            if character.is_ascii_alphanumeric() {
                name.push(character.to_ascii_lowercase());
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        name
    }

    /// The same at the very first message of its name, for what happens once only.
    #[must_use]
    pub fn at_once(&self) -> Self {
        Self {
            first: 1,
            ..self.clone()
        }
    }

    /// The scenario file.
    #[must_use]
    pub fn text(&self) -> String {
        let base = base(self.protocol, &self.variant).unwrap_or("");
        let mut text = base.replacen(
            &format!("name = \"{}-laboratory\"", self.protocol),
            &format!("name = \"{}\"", self.name()),
            1,
        );
        text = text.replacen(
            &format!("[protocol]\nname = \"{}\"", self.protocol),
            &format!(
                "[protocol]\nname = \"{}\"\nvariant = \"{}\"",
                self.protocol, self.variant
            ),
            1,
        );
        match &self.damage {
            Damage::Message {
                message,
                action,
                times,
            } => {
                let (powers, keys) = action.rule();
                let repeated = self.variant == "hardened"
                    && !matches!(action, Action::Duplicate | Action::Replay);
                let (carrier, _) = on_the_wire(self.protocol, message, (1, 0), repeated);
                for (link, secure) in links_of(self.protocol, &self.variant, carrier) {
                    let further = if secure { ", \"break-channel\"" } else { "" };
                    let _ = write!(
                        text,
                        "\n[adversaries.{link}-damage]\non = \"{link}\"\n\
                         powers = [{powers}{further}]\n"
                    );
                    for time in 0..*times {
                        let nth = (self.first, time);
                        let (_, found) = on_the_wire(self.protocol, message, nth, repeated);
                        let _ = write!(
                            text,
                            "\n[[adversaries.{link}-damage.rules]]\nid = \"{}-{}\"\n\
                             match = {{ message = \"{carrier}\", {found} }}\n{keys}\n",
                            action.as_str(),
                            time + 1
                        );
                    }
                }
            }
            Damage::Write {
                group,
                write,
                point,
            } => {
                let _ = write!(
                    text,
                    "\n[faults.damage]\nwhen = {{ write = {write}, node = \"{group}[0]\" }}\n\
                     effect = {{ kind = \"torn-write\", point = \"{point}\", downtime = \"2s\" }}\n"
                );
            }
            Damage::Rollback { group, sessions } => {
                let _ = write!(
                    text,
                    "\n[faults.damage]\ntarget = \"{group}\"\nat = \"930s\"\n\
                     effect = {{ kind = \"rollback\", to = {{ sessions = {sessions} }}, \
                     downtime = \"2s\" }}\n"
                );
            }
        }
        text.push_str("\n[output]\ntraces = [\"sessions\", \"messages\", \"desync\", \"steps\"]\n");
        text
    }

    /// The scenario of a trial and its text.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn scenario(&self, trial: u64) -> Result<(Scenario, String), Diagnostics> {
        let seed = [(String::from("run.seed"), (SEED + trial).to_string())];
        let file = format!("{}.toml", self.name());
        let text = self.text();
        Ok((read_text(file.as_ref(), &text, &seed)?, text))
    }
}

/// Seed of the first trial.
pub(super) const SEED: u64 = 20_260_401;

/// The undamaged scenario of a variant.
fn undamaged(protocol: &str, variant: &str) -> Option<Scenario> {
    let text = base(protocol, variant)?;
    let set = [(String::from("protocol.variant"), variant.to_owned())];
    read_text("laboratory.toml", text, &set).ok()
}

/// The links on which a message can pass: its sender stands at one end. What belongs to a registration
/// goes over secure links, if there are any (true), everything else over public ones.
fn links_of(protocol: &str, variant: &str, message: &str) -> Vec<(String, bool)> {
    let Some(scenario) = undamaged(protocol, variant) else {
        return Vec::new();
    };
    let mut layouts = scenario.protocol.instance.layouts().iter();
    let layout = layouts.find(|layout| layout.name == message);
    let sender = layout.and_then(|layout| layout.sender);
    let phases = scenario.protocol.protocol.phases();
    let phase = layout.and_then(|layout| phases.get(usize::from(layout.phase)));
    let secure = |link: &&LinkGroup| link.channel == LinkChannel::Secure;
    let guarded = phase == Some(&"register") && scenario.links.iter().any(|link| secure(&link));
    let ends = |link: &LinkGroup| [link.a, link.b].map(|group| scenario.groups[group].role);
    scenario
        .links
        .iter()
        .filter(|link| secure(link) == guarded)
        .filter(|link| sender.is_none_or(|role| ends(link).contains(&role)))
        .map(|link| (link.name.clone(), guarded))
        .collect()
}

/// All experiments on a variant of a protocol; none where its undamaged scenario cannot be read.
#[must_use]
pub fn plan(protocol: &'static str, variant: &str) -> Vec<Experiment> {
    let Some(scenario) = undamaged(protocol, variant) else {
        return Vec::new();
    };
    let mut damages = Vec::new();
    let mut messages: Vec<&str> = Vec::new();
    for layout in scenario.protocol.instance.layouts() {
        let inside = hidden(protocol).iter();
        let inside = inside.filter(|hidden| hidden.carrier == layout.name);
        let before = messages.len();
        messages.extend(inside.map(|hidden| hidden.name));
        if messages.len() == before {
            messages.push(layout.name);
        }
    }
    for message in messages {
        for action in Action::ALL {
            for times in 1..=3 {
                damages.push(Damage::Message {
                    message: message.to_owned(),
                    action,
                    times,
                });
            }
        }
    }
    for group in &scenario.groups {
        for write in 1..=WRITES {
            for point in POINTS {
                damages.push(Damage::Write {
                    group: group.name.clone(),
                    write,
                    point,
                });
            }
        }
        for sessions in [1, 2, 5] {
            damages.push(Damage::Rollback {
                group: group.name.clone(),
                sessions,
            });
        }
    }
    damages
        .into_iter()
        .map(|damage| Experiment {
            protocol,
            variant: variant.to_owned(),
            damage,
            first: FIRST,
        })
        .collect()
}
