//! What a part of a split world tells, kept in the order of its events until the rows of all parts
//! are put together.
//!
//! A log is a list of turns (events that told something) and, kind by kind, what they told. Its
//! memory is used again from log to log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use protocols::Output;
use protocols::output::{Reason, Tag};
use sim_engine::order::EventKey;
use sim_engine::{Fate, NodeId, PacketEnd, PacketMeta, Recorder, SimTime};

use crate::host::attempt::{Attempt, AttemptId, Outcome};
use crate::host::tables::{
    FaultEvent, Happening, Header, Place, SessionEnd, StrayAcceptance, Tables, Wanted,
};
use crate::oracle::Episode;

/// A place in the total order of events: first its instant, then its round, then the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    at: SimTime,
    round: u32,
    key: EventKey,
    /// Node after node within an event that belongs to all parts: the start of nodes.
    node: u32,
    /// Where within an event that other parts carry on what another part's rows stand between.
    step: u32,
}

impl Turn {
    /// Before all events.
    pub(crate) const FIRST: Self = Self {
        at: SimTime::ZERO,
        round: 0,
        key: EventKey(0),
        node: 0,
        step: 0,
    };

    /// That of an event.
    pub(crate) const fn of(round: u32, key: EventKey) -> Self {
        Self {
            at: key.time(),
            round,
            key,
            node: 0,
            step: 0,
        }
    }

    /// A step of the same event.
    pub(crate) const fn at_step(self, step: u32) -> Self {
        Self { step, ..self }
    }

    /// The same order as a pair of numbers.
    pub(crate) const fn place(self) -> Place {
        let within = (self.key.0 as u64 as u128) << 64;
        [
            (self.at.0 as u128) << 64 | (self.round as u128) << 32,
            within | (self.node as u128) << 32 | self.step as u128,
        ]
    }

    /// Round and key of the event.
    pub(crate) const fn event(self) -> (u32, EventKey) {
        (self.round, self.key)
    }

    /// After all events up to and including `at`.
    pub(crate) const fn after(at: SimTime) -> Self {
        Self {
            at,
            round: u32::MAX,
            key: EventKey(u128::MAX),
            node: u32::MAX,
            step: u32::MAX,
        }
    }

    /// The instant.
    pub(crate) const fn at(self) -> SimTime {
        self.at
    }
}

/// What is told.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Packet,
    Opened,
    Witness,
    State,
    Stored,
    Output,
    Claimed,
    Session,
    Stray,
    Desync,
    Fault,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    header: Header,
    meta: PacketMeta,
    fate: Fate,
    to: NodeId,
    at: SimTime,
    arrived: bool,
    length: u32,
}

#[derive(Clone, Copy, Debug)]
struct Inside {
    at_ns: u64,
    node: u32,
    attempt: AttemptId,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    attempt: Attempt,
    phase: &'static str,
    ended_ns: u64,
    outcome: Outcome,
    reason: Reason,
}

/// A claim of an adversary; its bytes stand apart.
#[derive(Clone, Copy, Debug)]
struct Claim {
    rule: u16,
    kind: &'static str,
    of: u32,
    length: u32,
}

/// What was told between two points of virtual time.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Each turn that told something, and how many things.
    turns: Vec<(Turn, u32)>,
    kinds: Vec<Kind>,
    packets: Vec<Packet>,
    opened: Vec<AttemptId>,
    witnesses: Vec<AttemptId>,
    states: Vec<(Inside, &'static str, &'static str)>,
    stored: Vec<(Inside, u32)>,
    outputs: Vec<(Inside, Output)>,
    claims: Vec<(Inside, Claim)>,
    sessions: Vec<Session>,
    strays: Vec<(u32, Option<u32>, u64, Tag)>,
    desyncs: Vec<(usize, Episode)>,
    faults: Vec<FaultEvent>,
    /// The bytes of packets, stored batches and claims, one after the other.
    bytes: Vec<u8>,
}

impl Log {
    fn clear(&mut self) {
        self.turns.clear();
        self.kinds.clear();
        self.packets.clear();
        self.opened.clear();
        self.witnesses.clear();
        self.states.clear();
        self.stored.clear();
        self.outputs.clear();
        self.claims.clear();
        self.sessions.clear();
        self.strays.clear();
        self.desyncs.clear();
        self.faults.clear();
        self.bytes.clear();
    }
}

/// How far a log has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    turn: usize,
    kind: usize,
    packet: usize,
    opened: usize,
    witness: usize,
    state: usize,
    stored: usize,
    output: usize,
    claim: usize,
    session: usize,
    stray: usize,
    desync: usize,
    fault: usize,
    byte: usize,
}

/// Reads a log turn by turn.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    log: Log,
    place: Read,
}

impl Reading {
    /// Begins a log.
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log,
            place: Read::default(),
        }
    }

    /// The log, empty, for further use.
    pub(crate) fn into_empty(mut self) -> Log {
        self.log.clear();
        self.log
    }

    /// The next turn; `None` at the end.
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.log.turns.get(self.place.turn).map(|turn| turn.0)
    }

    /// Tells `tables` what the next turn told, and `closed` the divergences among it.
    pub(crate) fn retell<T: Tables>(&mut self, tables: &mut T, closed: &mut Vec<(usize, Episode)>) {
        let Some((_, count)) = self.log.turns.get(self.place.turn) else {
            return;
        };
        self.place.turn += 1;
        let kinds = self.place.kind..self.place.kind + *count as usize;
        self.place.kind = kinds.end;
        for kind in kinds {
            self.retell_one(self.log.kinds[kind], tables, closed);
        }
    }

    fn retell_one<T: Tables>(
        &mut self,
        kind: Kind,
        tables: &mut T,
        closed: &mut Vec<(usize, Episode)>,
    ) {
        let (log, place) = (&self.log, &mut self.place);
        match kind {
            Kind::Packet => {
                let packet = &log.packets[post(&mut place.packet)];
                let length = packet.length as usize;
                let bytes = &log.bytes[place.byte..place.byte + length];
                place.byte += length;
                tables.packet(&PacketEnd {
                    header: &packet.header,
                    meta: &packet.meta,
                    bytes,
                    fate: packet.fate,
                    to: packet.to,
                    at: packet.at,
                    arrived: packet.arrived.then_some(packet.at),
                });
            }
            Kind::Opened => tables.opened(log.opened[post(&mut place.opened)]),
            Kind::Witness => tables.witness(log.witnesses[post(&mut place.witness)]),
            Kind::State => {
                let (inside, from, to) = log.states[post(&mut place.state)];
                happening(tables, inside, Happening::State { from, to });
            }
            Kind::Stored => {
                let (inside, length) = log.stored[post(&mut place.stored)];
                let bytes = &log.bytes[place.byte..place.byte + length as usize];
                place.byte += length as usize;
                happening(tables, inside, Happening::Stored(bytes));
            }
            Kind::Output => {
                let (inside, output) = &log.outputs[post(&mut place.output)];
                happening(tables, *inside, Happening::Output(output));
            }
            Kind::Claimed => {
                let (inside, claim) = log.claims[post(&mut place.claim)];
                let bytes = &log.bytes[place.byte..place.byte + claim.length as usize];
                place.byte += claim.length as usize;
                let Claim { rule, kind, of, .. } = claim;
                let what = Happening::Claimed {
                    rule,
                    kind,
                    of,
                    bytes,
                };
                happening(tables, inside, what);
            }
            Kind::Session => {
                let session = &log.sessions[post(&mut place.session)];
                tables.session(&SessionEnd {
                    attempt: &session.attempt,
                    phase: session.phase,
                    ended_ns: session.ended_ns,
                    outcome: session.outcome,
                    reason: session.reason,
                });
            }
            Kind::Stray => {
                let (node, peer, at_ns, session) = log.strays[post(&mut place.stray)];
                tables.stray_acceptance(&StrayAcceptance {
                    node,
                    peer,
                    at_ns,
                    session,
                });
            }
            Kind::Desync => {
                let (relation, episode) = &log.desyncs[post(&mut place.desync)];
                closed.push((*relation, *episode));
                tables.desync(*relation, episode);
            }
            Kind::Fault => tables.fault(&log.faults[post(&mut place.fault)]),
        }
    }
}

fn happening<T: Tables>(tables: &mut T, inside: Inside, what: Happening<'_>) {
    if tables.listens() {
        tables.happening(inside.at_ns, inside.node, inside.attempt, what);
    }
}

fn post(place: &mut usize) -> usize {
    *place += 1;
    *place - 1
}

/// What the reader of the logs still wants, shared with all who write them. Switching something off
/// may come late: what is told then has no effect.
#[derive(Debug)]
pub(crate) struct Wishes {
    packets: AtomicBool,
    happenings: AtomicBool,
    rows: bool,
    stop: AtomicBool,
}

impl Wishes {
    /// What these tables want at the start.
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            packets: AtomicBool::new(wanted.packets),
            happenings: AtomicBool::new(wanted.happenings),
            rows: wanted.rows,
            stop: AtomicBool::new(false),
        }
    }

    /// The run shall stop.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the run shall stop.
    pub(crate) fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What they want now.
    pub(crate) fn update(&self, wanted: Wanted) {
        if !wanted.packets {
            self.packets.store(false, Ordering::Relaxed);
        }
        if !wanted.happenings {
            self.happenings.store(false, Ordering::Relaxed);
        }
    }
}

/// The tables of a part: they keep everything in a log.
#[derive(Debug)]
pub(crate) struct LogTables {
    log: Log,
    wishes: Arc<Wishes>,
    turn: Turn,
    /// The step of the running event, where other parts carry it on.
    step: Arc<AtomicU32>,
    /// The step that the last row was told at, while the running turn has told something.
    told: Option<u32>,
}

impl LogTables {
    /// Tables of a part.
    pub(crate) fn new(wishes: Arc<Wishes>) -> Self {
        Self {
            log: Log::default(),
            wishes,
            turn: Turn::FIRST,
            step: Arc::default(),
            told: None,
        }
    }

    /// The step of the running event, which whoever hands it on counts up.
    pub(crate) fn step(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.step)
    }

    /// What is told from now on belongs to `turn`.
    pub(crate) fn stand_at(&mut self, turn: Turn) {
        self.step.store(turn.step, Ordering::Relaxed);
        self.turn = turn;
        self.told = None;
    }

    /// Takes the log, leaving `empty` in its place, with the last turn that it covers.
    pub(crate) fn take(&mut self, empty: Log) -> (Log, Turn) {
        self.told = None;
        (core::mem::replace(&mut self.log, empty), self.turn)
    }

    fn tell(&mut self, kind: Kind) {
        let step = self.step.load(Ordering::Relaxed);
        if self.told != Some(step) {
            self.told = Some(step);
            self.log.turns.push((self.turn.at_step(step), 0));
        }
        if let Some((_, count)) = self.log.turns.last_mut() {
            *count += 1;
        }
        self.log.kinds.push(kind);
    }
}

impl Recorder<Header> for LogTables {
    const ON: bool = true;
    const TURNS: bool = true;

    fn packet(&mut self, end: &PacketEnd<'_, Header>) {
        if !self.wishes.packets.load(Ordering::Relaxed) {
            return;
        }
        self.tell(Kind::Packet);
        self.log.bytes.extend_from_slice(end.bytes);
        self.log.packets.push(Packet {
            header: *end.header,
            meta: *end.meta,
            fate: end.fate,
            to: end.to,
            at: end.at,
            arrived: end.arrived.is_some(),
            length: u32::try_from(end.bytes.len()).unwrap_or(u32::MAX),
        });
    }

    #[inline]
    fn turn(&mut self, key: EventKey, round: u32) {
        self.stand_at(Turn::of(round, key));
    }
}

impl Tables for LogTables {
    fn place(&self) -> Place {
        let step = self.step.load(Ordering::Relaxed);
        self.turn.at_step(step).place()
    }

    fn listens(&self) -> bool {
        self.wishes.happenings.load(Ordering::Relaxed)
    }

    fn opened(&mut self, attempt: AttemptId) {
        if self.listens() {
            // Within what another part does it has its place already.
            if self.step.load(Ordering::Relaxed) == 0 {
                self.turn.node = attempt.initiator;
                self.told = None;
            }
            self.tell(Kind::Opened);
            self.log.opened.push(attempt);
        }
    }

    fn witness(&mut self, attempt: AttemptId) {
        if self.wishes.rows {
            self.tell(Kind::Witness);
            self.log.witnesses.push(attempt);
        }
    }

    fn happening(&mut self, at_ns: u64, node: u32, attempt: AttemptId, what: Happening<'_>) {
        let inside = Inside {
            at_ns,
            node,
            attempt,
        };
        match what {
            Happening::State { from, to } => {
                self.tell(Kind::State);
                self.log.states.push((inside, from, to));
            }
            Happening::Stored(batch) => {
                self.tell(Kind::Stored);
                self.log.bytes.extend_from_slice(batch);
                let length = u32::try_from(batch.len()).unwrap_or(u32::MAX);
                self.log.stored.push((inside, length));
            }
            Happening::Output(output) => {
                self.tell(Kind::Output);
                self.log.outputs.push((inside, *output));
            }
            Happening::Claimed {
                rule,
                kind,
                of,
                bytes,
            } => {
                self.tell(Kind::Claimed);
                self.log.bytes.extend_from_slice(bytes);
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let claim = Claim {
                    rule,
                    kind,
                    of,
                    length,
                };
                self.log.claims.push((inside, claim));
            }
        }
    }

    fn session(&mut self, end: &SessionEnd<'_>) {
        if self.wishes.rows {
            self.tell(Kind::Session);
            self.log.sessions.push(Session {
                attempt: *end.attempt,
                phase: end.phase,
                ended_ns: end.ended_ns,
                outcome: end.outcome,
                reason: end.reason,
            });
        }
    }

    fn stray_acceptance(&mut self, stray: &StrayAcceptance) {
        if self.wishes.rows {
            self.tell(Kind::Stray);
            let StrayAcceptance {
                node,
                peer,
                at_ns,
                session,
            } = *stray;
            self.log.strays.push((node, peer, at_ns, session));
        }
    }

    fn desync(&mut self, relation: usize, episode: &Episode) {
        self.tell(Kind::Desync);
        self.log.desyncs.push((relation, *episode));
    }

    fn fault(&mut self, event: &FaultEvent) {
        if self.wishes.rows {
            self.tell(Kind::Fault);
            self.log.faults.push(*event);
        }
    }

    fn continuation_begins(&mut self) {}
}
