//! The inputs of a transcript, as JSON.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use protocols::Arg;
use protocols::drive::{Cast, HashStream};
use protocols::parameter::Values;
use protocols::protocol::Protocol;
use protocols::storage::{MemoryStorage, Record, Write};
use serde::Deserialize;
use serde_json::Value;

use super::Names;
use super::entropy::{Given, Log, Source};
use crate::diagnostic::{Diagnostics, listed, quoted};
use crate::reader::read_role;

/// Most parties of a transcript.
const PARTIES_MAX: u32 = 1_000;

/// Everything a session depends on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inputs {
    /// Name of the protocol.
    pub protocol: Option<String>,
    /// Its variant; the protocol's first one where none is named.
    pub variant: Option<String>,
    /// Its parameters, values as in a scenario file.
    params: serde_json::Map<String, Value>,
    /// Groups of parties; one party of each role where none are named.
    parties: Vec<Group>,
    /// What every clock shows at the start, ns since 1970.
    pub(super) clock_ns: Option<u64>,
    /// What single clocks show instead.
    pub(super) clocks: BTreeMap<String, u64>,
    /// Streams of the first storage by `group[member]/purpose`.
    provisioning: BTreeMap<String, Bytes>,
    /// First storage of parties, instead of what provisioning makes: `table/key` to bytes.
    records: BTreeMap<String, BTreeMap<String, Bytes>>,
    /// Random bytes of the parties.
    entropy: BTreeMap<String, Bytes>,
    /// Messages that do not arrive, by number.
    pub(super) lose: Vec<u64>,
    /// What happens, in order.
    pub(super) steps: Vec<Step>,
}

/// A group of parties.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    role: String,
    /// The role's name where none is given.
    name: Option<String>,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    params: serde_json::Map<String, Value>,
}

const fn one() -> u32 {
    1
}

/// Bytes in one of three notations.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "bytes are hexadecimal digits, {\"stream\": LABEL} or {\"text\": TEXT}"
)]
enum Bytes {
    /// Hexadecimal digits; blanks are skipped.
    Hex(String),
    /// SHA-256(label || 0) || SHA-256(label || 1) || .., without end.
    Stream {
        /// The label.
        stream: String,
    },
    /// The bytes of a text.
    Text {
        /// The text.
        text: String,
    },
}

/// One step: a command, `wait_ns` or `restart`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Step {
    /// Who gets a command.
    party: Option<String>,
    /// The command.
    command: Option<String>,
    /// Whom it is about; the first party of the right role where none is named.
    peer: Option<String>,
    /// Its arguments in order.
    args: Vec<JsonArgument>,
    /// How long to wait, ns; timers due expire.
    wait_ns: Option<u64>,
    /// Who loses its volatile state and starts again.
    restart: Option<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action<'a> {
    /// A command, driven until it is done.
    Command {
        party: &'a str,
        command: &'a str,
        peer: Option<&'a str>,
        args: &'a [JsonArgument],
    },
    /// Time passes, ns.
    Wait(u64),
    /// A party starts again.
    Restart(&'a str),
}

impl Step {
    /// What the step does; every step does one thing.
    pub(super) fn action(&self) -> Result<Action<'_>, Diagnostics> {
        match (&self.party, &self.command, self.wait_ns, &self.restart) {
            (Some(party), Some(command), None, None) => Ok(Action::Command {
                party,
                command,
                peer: self.peer.as_deref(),
                args: &self.args,
            }),
            (None, None, Some(wait_ns), None) => Ok(Action::Wait(wait_ns)),
            (None, None, None, Some(party)) => Ok(Action::Restart(party)),
            _ => Err(Diagnostics::general(
                "a step is a command to a party, a wait, or a restart",
                "write {\"party\": .., \"command\": ..}, {\"wait_ns\": ..} or {\"restart\": ..}",
            )),
        }
    }
}

/// An argument: null for its default, a whole number, a text, or `{"hex": ".."}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "an argument is null, a whole number, a text or {\"hex\": DIGITS}"
)]
pub(super) enum JsonArgument {
    Default(()),
    Integer(u64),
    Text(String),
    Hex { hex: String },
}

/// An argument that owns its bytes.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Default,
    Integer(u64),
    Bytes(Vec<u8>),
}

impl JsonArgument {
    pub(super) fn argument(&self) -> Result<Argument, Diagnostics> {
        Ok(match self {
            Self::Default(()) => Argument::Default,
            Self::Integer(number) => Argument::Integer(*number),
            Self::Text(text) => Argument::Bytes(text.clone().into_bytes()),
            Self::Hex { hex } => Argument::Bytes(unhex(hex, "an argument")?),
        })
    }
}

impl Argument {
    pub(super) fn as_arg(&self) -> Arg<'_> {
        match self {
            Self::Default => Arg::Default,
            Self::Integer(number) => Arg::Integer(*number),
            Self::Bytes(bytes) => Arg::Bytes(bytes),
        }
    }
}

impl Inputs {
    /// Reads inputs from JSON.
    ///
    /// # Errors
    ///
    /// What is no JSON, or no inputs; the message names line and column.
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        serde_json::from_str(text).map_err(|error| {
            Diagnostics::general(
                format!("the inputs cannot be read: {error}"),
                "docs/TRANSCRIPT.md describes every key",
            )
        })
    }

    /// The protocol's parameters in the notation of scenario files.
    pub(super) fn params(&self) -> Result<Vec<(String, String)>, Diagnostics> {
        self.params.iter().map(in_notation).collect()
    }

    /// The groups of parties.
    pub(super) fn casts(&self, protocol: &dyn Protocol) -> Result<Vec<Cast>, Diagnostics> {
        let roles = || (0..).zip(protocol.roles());
        if self.parties.is_empty() {
            let cast = |(role, spec): (u8, &protocols::protocol::RoleSpec)| Cast {
                name: spec.name.to_owned(),
                role,
                count: 1,
                params: Values::default(),
            };
            return Ok(roles().map(cast).collect());
        }
        let total = self.parties.iter().map(|group| u64::from(group.count));
        if total.sum::<u64>() > u64::from(PARTIES_MAX) {
            return Err(Diagnostics::general(
                "the inputs name too many parties",
                format!("at most {PARTIES_MAX} are possible"),
            ));
        }
        let cast = |group: &Group| {
            let Some((role, spec)) = roles().find(|(_, spec)| spec.name == group.role) else {
                return Err(Diagnostics::general(
                    format!("there is no role {}", quoted(&group.role)),
                    format!("roles: {}", listed(roles().map(|(_, spec)| spec.name))),
                ));
            };
            let params: Vec<(String, String)> = group
                .params
                .iter()
                .map(in_notation)
                .collect::<Result<_, _>>()?;
            Ok(Cast {
                name: group.name.clone().unwrap_or_else(|| group.role.clone()),
                role,
                count: group.count,
                params: read_role(spec, &params, "parties")?,
            })
        };
        self.parties.iter().map(cast).collect()
    }

    /// Refuses names of parties that do not exist, wherever they stand.
    pub(super) fn check_names(&self, names: &Names) -> Result<(), Diagnostics> {
        let all = self.clocks.keys().chain(self.records.keys());
        for name in all.chain(self.entropy.keys()) {
            names.party(name)?;
        }
        Ok(())
    }

    /// The storage of the parties that the inputs give it for.
    pub(super) fn storage(
        &self,
        names: &Names,
    ) -> Result<BTreeMap<usize, MemoryStorage>, Diagnostics> {
        let mut all = BTreeMap::new();
        for (name, records) in &self.records {
            let mut storage = MemoryStorage::default();
            for (place, bytes) in records {
                let record = record(place).ok_or_else(|| {
                    Diagnostics::general(
                        format!("{} names no record of {}", quoted(place), quoted(name)),
                        "a record is named by its table and key, as in \"0/1\"",
                    )
                })?;
                let what = format!("records.{name}.{place}");
                let bytes = match bytes.source(&what)? {
                    Source::Fixed(bytes) => bytes,
                    Source::Endless(_) => {
                        return Err(Diagnostics::general(
                            format!("{} is endless", quoted(&what)),
                            "a record is hexadecimal digits or {\"text\": \"..\"}",
                        ));
                    }
                };
                storage.apply(Write::Put(record, &bytes));
            }
            all.insert(names.party(name)?, storage);
        }
        Ok(all)
    }

    /// The streams of provisioning. `group/purpose` stands for member 0.
    pub(super) fn streams(&self) -> Result<BTreeMap<String, Source>, Diagnostics> {
        let mut all = BTreeMap::new();
        for (name, bytes) in &self.provisioning {
            let (group, purpose) = name.split_once('/').ok_or_else(|| {
                Diagnostics::general(
                    format!("{} names no stream", quoted(name)),
                    "a stream is named by party and purpose, as in \"device[0]/vault\"",
                )
            })?;
            let key = if group.ends_with(']') {
                name.clone()
            } else {
                format!("{group}[0]/{purpose}")
            };
            all.insert(key, bytes.source(&format!("provisioning.{name}"))?);
        }
        Ok(all)
    }

    /// The entropy of every party, in roster order.
    pub(super) fn entropies(
        &self,
        names: &Names,
        log: &Rc<RefCell<Log>>,
    ) -> Result<Vec<Given>, Diagnostics> {
        let mut sources = BTreeMap::new();
        for (name, bytes) in &self.entropy {
            let source = bytes.source(&format!("entropy.{name}"))?;
            sources.insert(names.party(name)?, source);
        }
        let parties = 0..names.names.len();
        Ok(parties
            .map(|party| Given::new(party, sources.remove(&party), log))
            .collect())
    }
}

impl Bytes {
    fn source(&self, what: &str) -> Result<Source, Diagnostics> {
        Ok(match self {
            Self::Hex(digits) => Source::Fixed(unhex(digits, what)?),
            Self::Stream { stream } => Source::Endless(HashStream::new(stream.as_bytes())),
            Self::Text { text } => Source::Fixed(text.clone().into_bytes()),
        })
    }
}

/// A JSON value in the notation of scenario files.
fn in_notation((name, value): (&String, &Value)) -> Result<(String, String), Diagnostics> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Object(_) => {
            return Err(Diagnostics::general(
                format!("the parameter {} cannot have this value", quoted(name)),
                "give a text, a number, a truth value or a list of numbers",
            ));
        }
        other => other.to_string(),
    };
    Ok((name.clone(), text))
}

/// The record that `table/key` names.
fn record(place: &str) -> Option<Record> {
    let (table, key) = place.split_once('/')?;
    Some(Record::new(table.parse().ok()?, key.parse().ok()?))
}

fn unhex(text: &str, what: &str) -> Result<Vec<u8>, Diagnostics> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    match digits {
        Some(digits) if digits.len().is_multiple_of(2) => Ok(digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()),
        _ => Err(Diagnostics::general(
            format!(
                "{} is not written in pairs of hexadecimal digits",
                quoted(what)
            ),
            "use digits 0 to 9 and a to f; a text is written {\"text\": \"..\"}",
        )),
    }
}
