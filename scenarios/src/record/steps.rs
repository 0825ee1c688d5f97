//! The inner story of sessions: `steps.csv`.
//!
//! Every open session has a bounded buffer of what happened in it. When it closes, the buffer is
//! dropped unless the session failed, an adversary touched it, or the scenario asks for it; a kept
//! buffer stays open for what comes late and becomes text when it is written. Memory does not grow
//! with the run: so many buffers, each so long.

mod untagged;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use protocols::attack::OWN_HOSTS;
use protocols::output::{Hex, Output, Scope};
use protocols::protocol::Instance;
use reports::rows::{self, StepKind, Steps};
use reports::store::StoreError;
use reports::table::TableWriter;
use sim_engine::order::TAP_ENTITY_BASE;
use sim_engine::{Fate, PacketEnd};

use super::fields::{fields, quoted};
use crate::host::attempt::{AttemptId, Outcome};
use crate::host::effects::records;
use crate::host::tables::{Happening, Header, NO_RULE};
use crate::names::Names;
use crate::scenario::StepsWanted;

/// Sessions kept of a run because they failed or were attacked.
const KEPT_MAX: usize = 200;
/// Buffers of sessions that are open at the same time; further sessions have none.
const OPEN_MAX: usize = 1024;
/// Closed sessions that wait for what comes late.
const WAITING_MAX: usize = 256;
/// Sessions that are kept where an adversary watches, although nothing is wrong with them: what it finds
/// out later is mostly about the first it saw.
const WATCHED_MAX: usize = 16;
/// Sessions that closed well and may still turn out to have been betrayed.
const RECENT_MAX: usize = 64;
/// Steps of one session.
const STEPS_MAX: usize = 512;
/// Bytes of the frames and records of one session.
const BYTES_MAX: usize = 1 << 17;

/// Name of a session.
type Id = (u32, u32);

/// A piece of a buffer's bytes.
type Piece = (u32, u32);

/// What a step was; bytes are still raw.
#[derive(Clone, Copy, Debug)]
enum What {
    Send {
        to: u32,
        fate: Fate,
        packet: Packet,
        frame: Option<Piece>,
    },
    Receive {
        from: u32,
        fate: Fate,
        packet: Packet,
        frame: Piece,
    },
    Acted {
        rule: u16,
        fate: Fate,
        packet: Packet,
        frame: Piece,
    },
    State {
        from: &'static str,
        to: &'static str,
    },
    Stored {
        batch: Piece,
    },
    Output(Output),
    Claimed {
        rule: u16,
        kind: &'static str,
        of: u32,
        value: Piece,
    },
}

/// Names a packet.
#[derive(Clone, Copy, Debug)]
struct Packet {
    link: u32,
    direction: sim_engine::Direction,
    sender: u32,
    number: u64,
    copy: u8,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at_ns: u64,
    node: u32,
    what: What,
}

/// What happened in one session so far.
#[derive(Debug, Default)]
struct Buffer {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    omitted: u64,
    attacked: bool,
    closed: bool,
}

impl Buffer {
    fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
        self.omitted = 0;
        self.attacked = false;
        self.closed = false;
    }

    fn piece(&mut self, bytes: &[u8]) -> Piece {
        let room = BYTES_MAX.saturating_sub(self.bytes.len());
        let start = self.bytes.len() as u32;
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        (start, self.bytes.len() as u32)
    }

    fn push(&mut self, at_ns: u64, node: u32, what: What) {
        if self.entries.len() < STEPS_MAX {
            self.entries.push(Entry { at_ns, node, what });
        } else {
            self.omitted += 1;
        }
    }

    fn bytes(&self, (start, end): Piece) -> &[u8] {
        &self.bytes[start as usize..end as usize]
    }
}

/// The buffers of a run and the table they end in.
pub(super) struct StepBook {
    table: TableWriter<Steps>,
    names: Arc<Names>,
    instance: Arc<dyn Instance>,
    rules: Vec<String>,
    all: bool,
    asked: Vec<Id>,
    buffers: BTreeMap<Id, Buffer>,
    waiting: VecDeque<Id>,
    recent: VecDeque<Id>,
    /// How many of [`WATCHED_MAX`] are left.
    watched: usize,
    spare: Vec<Buffer>,
    open: usize,
    kept: usize,
    /// The session of which a node handled a frame last.
    latest: BTreeMap<u32, Id>,
    /// A node handles a frame that carries no tag: since when, and in which session it is told.
    in_hand: Option<(u32, u64, Id)>,
    text: RowText,
}

#[derive(Debug, Default)]
struct RowText {
    session: String,
    node: String,
    detail: String,
}

impl StepBook {
    /// A book for `table`; `None` when no steps are wanted, with the table closed.
    pub(super) fn new(
        table: TableWriter<Steps>,
        wanted: &StepsWanted,
        names: Arc<Names>,
        instance: Arc<dyn Instance>,
        rules: Vec<String>,
    ) -> Result<Option<Self>, StoreError> {
        let (all, asked) = match wanted {
            StepsWanted::None => {
                table.finish()?;
                return Ok(None);
            }
            StepsWanted::Failed => (false, Vec::new()),
            StepsWanted::All => (true, Vec::new()),
            StepsWanted::Sessions(sessions) => (
                false,
                sessions
                    .iter()
                    .filter_map(|session| Some((names.find(&session.0)?, session.1)))
                    .collect(),
            ),
        };
        Ok(Some(Self {
            table,
            names,
            instance,
            rules,
            all,
            asked,
            buffers: BTreeMap::new(),
            waiting: VecDeque::new(),
            recent: VecDeque::new(),
            watched: 0,
            spare: Vec::new(),
            open: 0,
            kept: 0,
            latest: BTreeMap::new(),
            in_hand: None,
            text: RowText::default(),
        }))
    }

    /// The first sessions are kept, since an adversary watches them.
    pub(super) fn watch(&mut self) {
        self.watched = WATCHED_MAX;
    }

    /// False when no further session will be kept, so that nothing need be told.
    pub(super) fn listens(&self) -> bool {
        self.all
            || self.kept < KEPT_MAX
            || !self.asked.is_empty()
            || self.buffers.len() > self.recent.len()
    }

    fn asked(&self, id: Id) -> bool {
        self.all || self.asked.contains(&id)
    }

    /// A session begins.
    pub(super) fn opened(&mut self, attempt: AttemptId) {
        let id = (attempt.initiator, attempt.number);
        let room = self.open < OPEN_MAX && self.kept < KEPT_MAX;
        if room || self.asked(id) {
            let buffer = self.spare.pop().unwrap_or_default();
            self.buffers.insert(id, buffer);
            self.open += 1;
        }
    }

    /// A property was violated in a session, which is worth keeping for it.
    pub(super) fn witness(&mut self, attempt: AttemptId) {
        let id = (attempt.initiator, attempt.number);
        self.rescue(id);
        if let Some(buffer) = self.buffers.get_mut(&id) {
            buffer.attacked = true;
        }
    }

    /// A session has closed.
    pub(super) fn closed(
        &mut self,
        attempt: AttemptId,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let id = (attempt.initiator, attempt.number);
        let asked = self.asked(id);
        let Some(buffer) = self.buffers.get_mut(&id).filter(|it| !it.closed) else {
            return Ok(());
        };
        self.open -= 1;
        let bad = !outcome.is_success() || buffer.attacked;
        let watched = !bad && self.watched > 0;
        self.watched -= usize::from(watched);
        let worth = bad || watched;
        if asked || (worth && self.kept < KEPT_MAX) {
            buffer.closed = true;
            self.kept += usize::from(!asked);
            self.waiting.push_back(id);
            if self.waiting.len() > WAITING_MAX {
                return self.write_first();
            }
        } else {
            self.set_aside(id);
        }
        Ok(())
    }

    /// A packet's life has ended.
    pub(super) fn packet(&mut self, end: &PacketEnd<'_, Header>) {
        let meta = end.meta;
        let forged = meta.sender >= TAP_ENTITY_BASE;
        // A frame to an address of an adversary's own goes to it like to anybody.
        let mail = forged && end.header.to.host >= OWN_HOSTS;
        let forged = forged && !mail;
        let acted = forged || end.header.rule != NO_RULE;
        let message = end.header.carried.message(end.bytes);
        if message.is_none() && !acted {
            // What a transport does on its own is no step of a protocol.
            return;
        }
        let Some(id) = self.session_of(end, acted) else {
            return;
        };
        let Some(buffer) = self.buffers.get_mut(&id) else {
            return;
        };
        let packet = Packet {
            link: meta.link.0,
            direction: meta.direction,
            sender: meta.sender,
            number: meta.number,
            copy: meta.copy,
        };
        let fate = end.fate;
        let frame = buffer.piece(message.unwrap_or(end.bytes));
        if mail {
            let what = What::Send {
                to: end.header.to.host,
                fate,
                packet,
                frame: Some(frame),
            };
            buffer.push(meta.sent.0, end.header.from.host, what);
            return;
        }
        if !forged && meta.copy == 0 {
            // The bytes are those at the end of its life: what an adversary or the channel changed
            // is not what was sent.
            let changed = matches!(fate, Fate::AdversaryModified | Fate::Corrupted);
            let what = What::Send {
                to: end.to.0,
                fate,
                packet,
                frame: (!changed).then_some(frame),
            };
            buffer.push(meta.sent.0, meta.sender, what);
        }
        if acted {
            buffer.attacked = true;
            let rule = end.header.rule;
            let at_ns = if end.arrived.is_some() {
                meta.sent
            } else {
                end.at
            };
            buffer.push(
                at_ns.0,
                meta.sender,
                What::Acted {
                    rule,
                    fate,
                    packet,
                    frame,
                },
            );
        }
        if let Some(arrived) = end.arrived {
            self.in_hand = (!end.header.attempt.is_some()).then_some((end.to.0, arrived.0, id));
            let from = end.header.from.host;
            buffer.push(
                arrived.0,
                end.to.0,
                What::Receive {
                    from,
                    fate,
                    packet,
                    frame,
                },
            );
        }
    }

    /// Something happened inside a node.
    pub(super) fn happening(
        &mut self,
        at_ns: u64,
        node: u32,
        attempt: AttemptId,
        what: Happening<'_>,
    ) {
        let id = match self.in_hand {
            Some((at, since, id)) if !attempt.is_some() && (at, since) == (node, at_ns) => id,
            _ => (attempt.initiator, attempt.number),
        };
        if matches!(what, Happening::Claimed { .. }) && attempt.is_some() {
            self.reopen(id);
        }
        let Some(buffer) = self.buffers.get_mut(&id) else {
            return;
        };
        let what = match what {
            Happening::Claimed {
                rule,
                kind,
                of,
                bytes,
            } => {
                buffer.attacked = true;
                let value = buffer.piece(bytes);
                What::Claimed {
                    rule,
                    kind,
                    of,
                    value,
                }
            }
            Happening::State { from, to } => What::State { from, to },
            Happening::Stored(batch) => What::Stored {
                batch: buffer.piece(batch),
            },
            Happening::Output(output) => What::Output(*output),
        };
        buffer.push(at_ns, node, what);
    }

    /// Writes what is still waiting and ends the table.
    pub(super) fn finish(mut self) -> Result<u64, StoreError> {
        while !self.waiting.is_empty() {
            self.write_first()?;
        }
        self.table.finish()
    }

    fn write_first(&mut self) -> Result<(), StoreError> {
        let Some(id) = self.waiting.pop_front() else {
            return Ok(());
        };
        let Some(mut buffer) = self.buffers.remove(&id) else {
            return Ok(());
        };
        // Packets are told at the end of their lives, so the order is made here.
        buffer
            .entries
            .sort_by_key(|entry| (entry.at_ns, entry.what.place()));
        self.text.session.clear();
        self.names.session(id.0, id.1, &mut self.text.session);
        let last = buffer.entries.len().saturating_sub(1);
        for (index, entry) in buffer.entries.iter().enumerate() {
            let omitted = if index == last { buffer.omitted } else { 0 };
            self.write(&buffer, entry, omitted)?;
        }
        buffer.clear();
        self.spare.push(buffer);
        Ok(())
    }

    fn write(&mut self, buffer: &Buffer, entry: &Entry, omitted: u64) -> Result<(), StoreError> {
        let RowText {
            session,
            node,
            detail,
        } = &mut self.text;
        node.clear();
        if entry.node < TAP_ENTITY_BASE {
            self.names.node(entry.node, node);
        }
        let mut message = "";
        let mut row = |kind: StepKind, node: &str, message: &str, detail: &str| {
            self.table.write(&rows::Step {
                t_ns: entry.at_ns,
                session,
                node,
                kind,
                message,
                detail,
            })
        };
        let names = &self.names;
        let named = |number: u32| {
            let mut name = String::new();
            names.node(number, &mut name);
            quoted(&name)
        };
        let packet_name = |packet: &Packet| {
            let mut name = String::new();
            let place = (packet.link, packet.direction);
            names.packet(
                place,
                packet.sender,
                (packet.number, packet.copy),
                &mut name,
            );
            quoted(&name)
        };
        let mut parts: Vec<String> = Vec::new();
        let kind = match entry.what {
            What::Send {
                to,
                fate,
                packet,
                frame,
            } => {
                if let Some(frame) = frame {
                    message = fields(self.instance.as_ref(), buffer.bytes(frame), &mut parts);
                }
                parts.push(format!("\"@to\":{}", named(to)));
                parts.push(format!("\"@packet\":{}", packet_name(&packet)));
                parts.push(format!("\"@fate\":\"{}\"", super::fate(fate).word()));
                StepKind::Send
            }
            What::Receive {
                from,
                fate,
                packet,
                frame,
            } => {
                message = fields(self.instance.as_ref(), buffer.bytes(frame), &mut parts);
                parts.push(format!("\"@from\":{}", named(from)));
                parts.push(format!("\"@packet\":{}", packet_name(&packet)));
                parts.push(format!("\"@fate\":\"{}\"", super::fate(fate).word()));
                StepKind::Receive
            }
            What::Acted {
                rule,
                fate,
                packet,
                frame,
            } => {
                message = fields(self.instance.as_ref(), buffer.bytes(frame), &mut parts);
                let rule = self.rules.get(usize::from(rule)).map_or("", String::as_str);
                node.clear();
                node.push_str(rule.split_once('.').map_or("adversary", |(name, _)| name));
                parts.push(format!("\"@rule\":{}", quoted(rule)));
                parts.push(format!("\"@packet\":{}", packet_name(&packet)));
                parts.push(format!("\"@fate\":\"{}\"", super::fate(fate).word()));
                StepKind::Adversary
            }
            What::Claimed {
                rule,
                kind,
                of,
                value,
            } => {
                let rule = self.rules.get(usize::from(rule)).map_or("", String::as_str);
                node.clear();
                node.push_str(rule.split_once('.').map_or("adversary", |(name, _)| name));
                let value = crate::oracle::secrecy::shown(buffer.bytes(value));
                parts.push(format!("\"@rule\":{}", quoted(rule)));
                parts.push(format!("\"claim\":\"{kind}\",\"of\":{}", named(of)));
                parts.push(format!("\"value\":{}", quoted(&value)));
                StepKind::Adversary
            }
            What::State { from, to } => {
                parts.push(format!("\"from\":\"{from}\",\"to\":\"{to}\""));
                StepKind::State
            }
            What::Stored { batch } => {
                let list: Vec<String> = records(buffer.bytes(batch))
                    .map(|(record, length)| {
                        let (table, key) = (record.table, record.key);
                        match length {
                            Some(bytes) => {
                                format!("{{\"table\":{table},\"key\":{key},\"bytes\":{bytes}}}")
                            }
                            None => format!("{{\"table\":{table},\"key\":{key},\"deleted\":true}}"),
                        }
                    })
                    .collect();
                parts.push(format!("\"records\":[{}]", list.join(",")));
                StepKind::Store
            }
            What::Output(output) => {
                let (kind, check) = tell(&output, &mut parts);
                if let Some(check) = check {
                    row(StepKind::Check, node, "", &check)?;
                }
                kind
            }
        };
        if omitted > 0 {
            parts.push(format!("\"@omitted\":{omitted}"));
        }
        detail.clear();
        let _ = write!(detail, "{{{}}}", parts.join(","));
        row(kind, node, message, detail)
    }
}

impl What {
    /// Order of steps at the same instant: an arrival comes before what it causes, and a message
    /// leaves after what led to it.
    const fn place(&self) -> u8 {
        match self {
            Self::Receive { .. } => 0,
            Self::State { .. } | Self::Stored { .. } | Self::Output(_) => 1,
            Self::Send { .. } => 2,
            Self::Acted { .. } | Self::Claimed { .. } => 3,
        }
    }
}

/// A statement as JSON members, the kind of its row, and the row of the check it stands for.
fn tell(output: &Output, parts: &mut Vec<String>) -> (StepKind, Option<String>) {
    let mut word = |name: &str, value: &dyn std::fmt::Display| {
        parts.push(format!("\"{name}\":{}", quoted(&value.to_string())));
    };
    match output {
        Output::Running { run, .. } => {
            word("output", &"running");
            word("run", &Hex(run));
        }
        Output::Accepted {
            session,
            run,
            key_id,
            ..
        } => {
            word("output", &"accepted");
            word("session", &Hex(session));
            word("run", &Hex(run));
            if let Some(key) = key_id {
                word("key_id", &Hex(key));
            }
            return (StepKind::Output, Some(String::from("{\"passed\":true}")));
        }
        Output::Rejected { scope, reason, .. } => {
            word("output", &"rejected");
            let scope = match scope {
                Scope::Command => "command",
                Scope::Frame => "frame",
                Scope::Attempt => "attempt",
            };
            word("scope", &scope);
            word("reason", reason);
            let check = format!(
                "{{\"passed\":false,\"reason\":{}}}",
                quoted(&reason.to_string())
            );
            return (StepKind::Output, Some(check));
        }
        Output::Ended {
            session, reason, ..
        } => {
            word("output", &"ended");
            word("session", &Hex(session));
            word("reason", reason);
        }
        Output::DataSent { seq, digest, .. } => {
            word("output", &"data-sent");
            word("digest", &Hex(digest));
            parts.push(format!("\"seq\":{seq}"));
        }
        Output::DataAccepted { seq, digest, .. } => {
            word("output", &"data-accepted");
            word("digest", &Hex(digest));
            parts.push(format!("\"seq\":{seq}"));
        }
        Output::DataReused { seq, digest, .. } => {
            word("output", &"data-reused");
            word("digest", &Hex(digest));
            parts.push(format!("\"seq\":{seq}"));
        }
        Output::SharedState {
            relation,
            epoch,
            fingerprints,
            durable,
            ..
        } => {
            let values: Vec<String> = fingerprints
                .as_slice()
                .iter()
                .map(|value| format!("\"{}\"", Hex(value)))
                .collect();
            parts.push(format!(
                "\"relation\":{relation},\"epoch\":{epoch},\"fingerprints\":[{}],\"durable\":{durable}",
                values.join(",")
            ));
            return (StepKind::State, None);
        }
        Output::Named { .. } => word("output", &"named"),
        Output::Halted => word("output", &"halted"),
    }
    (StepKind::Output, None)
}
