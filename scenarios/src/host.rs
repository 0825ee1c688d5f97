//! The only place where a protocol machine meets a simulated node.
//!
//! The adapter turns engine inputs into machine calls and machine effects into engine calls. It
//! prices what a call computed with the node's profile, releases effects in emission order at the
//! start of the call plus the cost metered before them, and lets effects after a durable write wait
//! until the write has ended. It knows nothing of any particular protocol.
//!
//! The host also owns the life of an attempt ([`workload`]) and feeds the oracles.

pub mod attempt;
pub mod clock;
pub mod principals;
pub mod reprovision;
pub mod route;
pub mod schedule;
pub mod tables;
pub mod tally;
pub mod transport;
pub mod usage;
pub mod workload;

mod attack;
pub(crate) mod effects;
pub mod energy;
pub mod fault;
mod outputs;

use core::marker::PhantomData;
use std::sync::Arc;

use protocols::crypto::Crypto;
use protocols::entropy::Entropy;
use protocols::protocol::{Instance, Protocol};
use protocols::registry::Column;
use protocols::{Address, Buffers, Channel, Context, Effects, Incoming, LocalTime, Timer};
use rand_core::Rng as _;
use sim_engine::order::TAP_ENTITY_BASE;
use sim_engine::{
    Block, Fate, Input, LazyStream, LostInput, NodeId, Outbox, PacketEnd, PacketMeta, Passage,
    Seed, SimTime, Streams, TapDraw, TimerId, Verdict,
};

use self::attempt::{AttemptId, NOBODY};
use self::clock::{Clock, Wander};
use self::energy::Energy;
use self::fault::{Faults, Moment, Strike, Tear, Writing};
use self::principals::Principals;
use self::reprovision::Reprovisioning;
use self::route::Routes;
use self::schedule::Schedule;
use self::tables::{Happening, Header, Tables};
use self::tally::Tally;
use self::transport::Transports;
use self::usage::{Operations, Usage};
use self::workload::Workloads;
use crate::adversary::Taps;
use crate::attack::Attacks;
use crate::depot::Depot;
use crate::fault::Point;
use crate::oracle::{Agreement, Desync, Watch};
use crate::profile::Profile;

pub(crate) use self::attack::STORAGE;

/// No pair.
pub const NO_PAIR: u32 = u32::MAX;

/// One node group as it runs.
#[derive(Debug)]
pub struct Group {
    /// The machines, one per member.
    pub column: Column,
    /// Node of member 0.
    pub first: u32,
    /// Role of the members.
    pub role: u8,
    /// Their listening port.
    pub port: u16,
    /// What their work costs; `None`: nothing.
    pub profile: Option<Arc<Profile>>,
    /// One clock per member; empty when all are exact.
    pub clocks: Vec<Clock>,
    /// What the clocks do besides; `None`: nothing.
    pub wander: Option<Wander>,
    /// Number of members.
    pub count: u32,
    /// What they spent, one per member; empty when nothing has a price.
    pub usage: Vec<Usage>,
    /// Durable writes, one per member.
    pub durable_writes: Vec<u32>,
}

/// How to find the pair of two nodes in a relation.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Name in tables.
    pub name: &'static str,
    /// Role of the device end.
    pub device_role: u8,
    /// Role of the server end.
    pub server_role: u8,
    /// The pair of each node of the device role, by node; [`NO_PAIR`] elsewhere. Where a device has
    /// several partners its pairs stand in a row, in ascending order of the partners.
    pub first_pair: Vec<u32>,
    /// The ends of each pair: device node, server node.
    pub ends: Arc<[(u32, u32)]>,
    /// The oracle.
    pub oracle: Desync,
}

impl Relation {
    /// The pair of `one` and `other`, whichever end is which.
    #[must_use]
    #[inline]
    pub fn pair(&self, one: u32, other: u32) -> Option<u32> {
        self.directed(one, other)
            .or_else(|| self.directed(other, one))
    }

    fn directed(&self, device: u32, server: u32) -> Option<u32> {
        let first = *self.first_pair.get(device as usize)?;
        let mut pair = first;
        while let Some((owner, partner)) = self.ends.get(pair as usize)
            && *owner == device
        {
            if *partner == server {
                return Some(pair);
            }
            pair += 1;
        }
        None
    }
}

/// A deferred effect of a handler; its bytes lie in the engine's arena.
#[derive(Clone, Copy, Debug)]
pub enum Deferred {
    /// Offer a packet to a link.
    Send {
        /// The link and direction.
        link: (sim_engine::LinkId, sim_engine::Direction),
        /// The packet's metadata.
        header: Header,
        /// Its bytes.
        bytes: Block,
    },
    /// Arm a timer.
    Arm {
        /// The timer.
        timer: TimerId,
        /// From the release on, in true time, ns.
        after_ns: u64,
    },
    /// Cancel a timer.
    Cancel {
        /// The timer.
        timer: TimerId,
    },
    /// A durable write has ended.
    Stored {
        /// The write.
        writing: Writing,
        /// The attempt it belongs to.
        attempt: AttemptId,
    },
    /// Send a packet to an adversary's own address.
    Mail {
        /// The packet's metadata.
        header: Header,
        /// Its bytes.
        bytes: Block,
    },
    /// A statement to the oracles.
    Output {
        /// The statement.
        output: protocols::Output,
        /// The attempt it belongs to.
        attempt: AttemptId,
    },
    /// A part of a durable write has landed, and power is lost.
    Torn {
        /// The write.
        writing: Writing,
        /// What tears it.
        tear: Tear,
    },
    /// A fault strikes between two effects.
    Strike {
        /// The strike.
        strike: Strike,
        /// Whether it ends a torn write, so that it takes the power.
        ends_write: bool,
    },
    /// The machine halts.
    Halt,
    /// Open a stream.
    Open {
        /// The far end.
        to: Address,
        /// The attempt it belongs to.
        attempt: AttemptId,
    },
    /// Close a stream.
    Close {
        /// The far end.
        to: Address,
    },
    /// The handler is through: what held the pair lets go, and its attempt may be complete.
    Done {
        /// The pair, or [`NO_PAIR`].
        pair: u32,
        /// The attempt whose command this was.
        attempt: AttemptId,
    },
}

/// Everything inside the nodes of one world, and those who watch.
pub struct World<T> {
    /// The protocol.
    pub protocol: &'static dyn Protocol,
    /// Its instance.
    pub instance: Arc<dyn Instance>,
    /// The node groups.
    pub groups: Vec<Group>,
    /// Group of each node.
    pub group_of: Vec<u16>,
    /// True time 0 in ns since 1970.
    pub epoch_ns: u64,
    /// Durable storage of all nodes.
    pub depot: Depot,
    /// Which link leads where.
    pub routes: Routes,
    /// Who is who.
    pub principals: Principals,
    /// Workloads and open attempts.
    pub workloads: Workloads,
    /// Adversaries on links.
    pub taps: Taps,
    /// Attackers in code.
    pub attacks: Attacks,
    /// Links that change.
    pub schedule: Schedule,
    /// The oracle of agreement.
    pub agreement: Agreement,
    /// The oracles that watch where somebody attacks.
    pub watch: Watch,
    /// The relations with their oracles of desynchronisation.
    pub relations: Vec<Relation>,
    /// Operations by role and phase.
    pub operations: Operations,
    /// Running totals.
    pub tally: Tally,
    /// Who can be given first storage anew; `None` where no workload asks for it.
    reprovisioning: Option<Reprovisioning>,
    /// What links carry messages by; `None` where all carry datagrams.
    transports: Option<Box<Transports>>,
    /// What strikes nodes and links; `None` where nothing does.
    pub faults: Option<Box<Faults>>,
    /// Energy of radios and batteries, wear of storage; `None` where no group asks for it.
    pub energy: Option<Box<Energy>>,
    randomness: Randomness,
    halted: Vec<bool>,
    scratch: Scratch,
    tables: PhantomData<fn() -> T>,
}

/// The machines' random streams: one per node, named by group and member.
#[derive(Debug)]
struct Randomness {
    streams: Streams,
    /// Stream of each node.
    names: Vec<u64>,
    /// How far each node's stream is used up.
    positions: Vec<LazyStream>,
}

/// Memory that is reused from call to call.
#[derive(Debug, Default)]
struct Scratch {
    effects: Effects,
    crypto: Crypto,
    buffers: Buffers,
    batch: Vec<u8>,
    record: Vec<u8>,
}

/// What is needed to make a [`World`] besides what the builder computes.
pub struct WorldParts {
    /// See [`World::protocol`].
    pub protocol: &'static dyn Protocol,
    /// See [`World::instance`].
    pub instance: Arc<dyn Instance>,
    /// See [`World::groups`].
    pub groups: Vec<Group>,
    /// See [`World::group_of`].
    pub group_of: Vec<u16>,
    /// See [`World::epoch_ns`].
    pub epoch_ns: u64,
    /// See [`World::depot`].
    pub depot: Depot,
    /// See [`World::routes`].
    pub routes: Routes,
    /// See [`World::principals`].
    pub principals: Principals,
    /// See [`World::workloads`].
    pub workloads: Workloads,
    /// See [`World::taps`].
    pub taps: Taps,
    /// See [`World::attacks`].
    pub attacks: Attacks,
    /// See [`World::watch`].
    pub watch: Watch,
    /// See [`World::schedule`].
    pub schedule: Schedule,
    /// See [`World::relations`].
    pub relations: Vec<Relation>,
    /// What gives parties first storage anew; `None` where no workload asks for it.
    pub reprovisioning: Option<Reprovisioning>,
    /// What links carry messages by; `None` where all carry datagrams.
    pub transports: Option<Box<Transports>>,
    /// See [`World::energy`].
    pub energy: Option<Box<Energy>>,
    /// See [`World::faults`].
    pub faults: Option<Box<Faults>>,
    /// The root of all streams.
    pub seed: Seed,
    /// Stream of each node.
    pub stream_names: Vec<u64>,
    /// Length of the run including the settle time, ns.
    pub span_ns: u64,
}

impl<T: Tables> World<T> {
    /// Puts a world together.
    #[must_use]
    pub fn new(parts: WorldParts) -> Self {
        let nodes = parts.group_of.len();
        Self {
            operations: Operations::new(
                parts.protocol.roles().len(),
                parts.protocol.phases().len(),
            ),
            tally: Tally::new(parts.span_ns),
            reprovisioning: parts.reprovisioning,
            transports: parts.transports,
            energy: parts.energy,
            faults: parts.faults,
            randomness: Randomness {
                streams: parts.seed.streams(),
                names: parts.stream_names,
                positions: vec![LazyStream::default(); nodes],
            },
            halted: vec![false; nodes],
            scratch: Scratch::default(),
            tables: PhantomData,
            protocol: parts.protocol,
            instance: parts.instance,
            groups: parts.groups,
            group_of: parts.group_of,
            epoch_ns: parts.epoch_ns,
            depot: parts.depot,
            routes: parts.routes,
            principals: parts.principals,
            workloads: parts.workloads,
            taps: parts.taps,
            attacks: parts.attacks,
            schedule: parts.schedule,
            agreement: Agreement::default(),
            watch: parts.watch,
            relations: parts.relations,
        }
    }

    /// Group and member of a node.
    #[must_use]
    #[inline]
    pub fn place(&self, node: u32) -> (usize, u32) {
        let group = usize::from(self.group_of[node as usize]);
        (group, node - self.groups[group].first)
    }

    /// The clock of a node.
    fn clock(&self, group: usize, member: u32) -> Clock {
        self.groups[group]
            .clocks
            .get(member as usize)
            .copied()
            .unwrap_or_default()
    }

    /// What a node believes the time is.
    #[must_use]
    pub fn local_time(&self, node: u32, now: SimTime) -> LocalTime {
        let (group, member) = self.place(node);
        let mut clock = self.clock(group, member);
        if let Some(wander) = &self.groups[group].wander {
            let further = wander.at(member, now.0);
            clock.offset_ns = clock.offset_ns.saturating_add(further);
        }
        clock.read(self.epoch_ns, now.0)
    }

    /// Runs one call of the machine at `node` and carries out its effects.
    ///
    /// `attempt` is what its messages and statements belong to, `holding` the pair that the input
    /// held, which is let go when the last effect is released.
    fn call(
        &mut self,
        now: SimTime,
        node: NodeId,
        (attempt, holding): (AttemptId, u32),
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(&mut Column, usize, &mut Context<'_>),
    ) {
        let (group, member) = self.place(node.0);
        let local = self.local_time(node.0, now);
        let storage = self.depot.view(node.0);
        let Randomness {
            streams,
            names,
            positions,
        } = &mut self.randomness;
        let mut entropy = NodeEntropy {
            streams,
            name: names[node.0 as usize],
            position: &mut positions[node.0 as usize],
        };
        let Scratch {
            effects,
            crypto,
            buffers,
            ..
        } = &mut self.scratch;
        effects.clear();
        crypto.meter.clear();
        let mut cx = Context {
            now: local,
            storage: &storage,
            entropy: &mut entropy,
            crypto,
            effects,
            buffers,
        };
        let column = &mut self.groups[group].column;
        let before = out
            .recorder()
            .listens()
            .then(|| column.state(member as usize));
        run(column, member as usize, &mut cx);
        if let Some(from) = before {
            let to = self.groups[group].column.state(member as usize);
            if from != to {
                let state = Happening::State { from, to };
                out.recorder().happening(now.0, node.0, attempt, state);
            }
        }
        self.carry_out(now, node, (group, member), (attempt, holding), out);
        if self.watch.on {
            self.after_call(now, node.0, out);
        }
    }
}

/// The randomness of one node during one call.
struct NodeEntropy<'a> {
    streams: &'a mut Streams,
    name: u64,
    position: &'a mut LazyStream,
}

impl Entropy for NodeEntropy<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        self.streams
            .reader(self.name, self.position)
            .fill_bytes(out);
    }
}

/// Kinds of protocol timers are those of the protocol; the host has none of its own at a node's
/// CPU. A command's token is the slot of its attempt, or one of these above it.
pub(crate) mod token {
    /// Start the machine.
    pub(crate) const START: u64 = 1 << 56;
    /// Abort what is under way with the node in the low half.
    pub(crate) const ABORT: u64 = 2 << 56;
    /// End the session that the last attempt left open with the node in the low half.
    pub(crate) const FINISH: u64 = 3 << 56;
    /// The command of the attempt in this slot, with the low bits of the attempt's number.
    pub(crate) const STEP: u64 = 4 << 56;
    /// First storage anew for this node, by the policy of the workload in the low half.
    pub(crate) const REPROVISION: u64 = 5 << 56;
    /// First storage anew for what this node shares with the node in the low half.
    pub(crate) const RENEW: u64 = 6 << 56;
    /// What happened next to the stream whose ticket is in the other bits.
    pub(crate) const STREAM: u64 = 7 << 56;
    /// Start the machine again after a loss of power.
    pub(crate) const RESTART: u64 = 8 << 56;
    /// A party that an adversary plays sends what it was given.
    pub(crate) const PLAY: u64 = 9 << 56;
    /// First storage anew for this node, by the step of the attempt in this slot, like [`STEP`].
    pub(crate) const RENEWED: u64 = 10 << 56;
    /// The kind of a token.
    pub(crate) const KIND: u64 = 0xFF << 56;

    /// The low 24 bits of an attempt's number, which tell it from a later one in the same slot.
    pub(crate) const fn number(number: u32) -> u64 {
        (number as u64 & 0x00FF_FFFF) << 32
    }

    /// The slot, node or workload in a token.
    pub(crate) const fn slot(token: u64) -> u32 {
        (token & 0xFFFF_FFFF) as u32
    }
}

impl<T: Tables> sim_engine::Host for World<T> {
    type Header = Header;
    type Effect = Deferred;
    type Recorder = T;

    fn on_input(
        &mut self,
        now: SimTime,
        node: NodeId,
        input: Input<'_, Header>,
        out: &mut Outbox<'_, Self>,
    ) {
        match input {
            Input::Packet {
                mut header,
                meta,
                bytes,
            } => {
                if self.take_segment(now, node, (&header, &meta), bytes, out) {
                    return;
                }
                header.pair = held(&header, &meta);
                if let Some(place) = self.attacks.seats.get(&node.0).copied() {
                    self.let_go(now.0, header.pair);
                    self.attack_on_mail(now, place, &header, bytes, out);
                    return;
                }
                self.on_packet(now, node, (&header, Some(&meta)), bytes, out);
            }
            Input::Timer(timer) if timer.kind == transport::TIMER => {
                self.on_stream_timer(now, node, timer.key, out);
            }
            Input::Timer(timer) => {
                let attempt = self.workloads.open_attempt(node.0);
                self.on_protocol_timer(now, node, timer, attempt, out);
            }
            Input::Command(token) => self.on_command_token(now, node, token, out),
        }
    }

    fn on_release(
        &mut self,
        now: SimTime,
        node: NodeId,
        effect: Deferred,
        out: &mut Outbox<'_, Self>,
    ) {
        self.release(now, node, effect, out);
    }

    fn on_control(
        &mut self,
        now: SimTime,
        owner: NodeId,
        control: TimerId,
        out: &mut Outbox<'_, Self>,
    ) {
        if owner.0 >= TAP_ENTITY_BASE {
            self.on_attack_control(now, owner, control, out);
            return;
        }
        if control.kind == schedule::CONTROL {
            self.change_links(now, control, out);
        } else if control.kind >= fault::control::FIRST {
            self.on_fault_control(now, owner, control, out);
        } else {
            self.on_workload_control(now, owner.0, control, out);
        }
    }

    fn on_packet_end(&mut self, now: SimTime, end: &PacketEnd<'_, Header>) {
        self.tally.packet(end.fate, end.bytes.len());
        self.pay_for_air(end);
        let arrives = matches!(
            end.fate,
            Fate::Delivered | Fate::Duplicated | Fate::AdversaryModified | Fate::Injected
        ) || (end.fate == Fate::Corrupted && end.arrived.is_some());
        // A delivered packet goes on holding its pair until its handler is through.
        if !arrives {
            self.let_go(now.0, held(end.header, end.meta));
        }
    }

    fn on_copied(&mut self, header: &Header, meta: &PacketMeta) {
        if let Some((relation, pair)) = self.relation_of(held(header, meta)) {
            self.relations[relation].oracle.hold(pair);
        }
    }

    fn on_tap(
        &mut self,
        now: SimTime,
        passage: Passage<'_>,
        header: &mut Header,
        draw: &mut TapDraw,
        rewritten: &mut Vec<u8>,
    ) -> Verdict {
        let verdict = self.attack_on_tap(now, &passage, header, rewritten);
        if let Some(verdict) = verdict.filter(|verdict| *verdict != Verdict::Pass) {
            header.rule = self.attack_rule(passage.tap, passage.meta.link.0);
            self.watch.availability.touch(header.attempt);
            return verdict;
        }
        if self.attacks.acts_by_rules(passage.tap as usize) {
            return Verdict::Pass;
        }
        let message = header.carried.message(passage.bytes);
        let message = message.and_then(|message| self.instance.classify(message));
        let Passage { tap, meta, .. } = passage;
        let (verdict, rule) = self.taps.decide(now, tap, meta, message, draw);
        if let Some(rule) = rule {
            header.rule = rule;
            self.watch.availability.touch(header.attempt);
        }
        verdict
    }

    fn on_tap_done(&mut self, now: SimTime, tap: u32, out: &mut Outbox<'_, Self>) {
        self.attack_on_tap_done(now, tap, out);
    }

    fn on_mail(
        &mut self,
        now: SimTime,
        _tap: u32,
        header: &Header,
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        if let Some(place) = self.attacks.owner(header.to.host) {
            self.attack_on_mail(now, place, header, bytes, out);
        }
    }

    fn touch(&self, entity: NodeId) -> u64 {
        let node = entity.0;
        if node as usize >= self.group_of.len() {
            return 0;
        }
        let (group, member) = self.place(node);
        let mut word = self.workloads.touch(node) ^ self.depot.touch(node);
        word ^= self.groups[group].column.state(member as usize).len() as u64;
        word ^= self.randomness.positions[node as usize].words_drawn;
        for relation in &self.relations {
            let pair = relation.first_pair[node as usize];
            word ^= relation.oracle.touch(pair);
        }
        word
    }

    fn on_effect_lost(
        &mut self,
        now: SimTime,
        node: NodeId,
        effect: Deferred,
        out: &mut Outbox<'_, Self>,
    ) {
        match effect {
            Deferred::Send { header, bytes, .. } => {
                out.free(bytes);
                self.let_go(now.0, header.pair);
            }
            Deferred::Stored { writing, .. } => self.write_lost(now, node.0, writing, out),
            Deferred::Torn { writing, .. } => self.write_lost(now, node.0, writing, out),
            Deferred::Mail { bytes, .. } => out.free(bytes),
            Deferred::Done { pair, .. } => self.let_go(now.0, pair),
            _ => {}
        }
    }

    fn on_input_lost(
        &mut self,
        now: SimTime,
        node: NodeId,
        input: LostInput<Header>,
        out: &mut Outbox<'_, Self>,
    ) {
        self.input_lost(now, node.0, input, out);
    }
}

/// The pair that this packet holds: that of its header for what a node sent itself and for copies
/// that the link made of it, none for an adversary's packets.
const fn held(header: &Header, meta: &PacketMeta) -> u32 {
    if header.carried.by_transport() {
        // A record is held by its end of the connection, however often it is sent.
        return NO_PAIR;
    }
    if meta.sender < TAP_ENTITY_BASE {
        header.pair
    } else {
        NO_PAIR
    }
}

impl<T: Tables> World<T> {
    fn on_packet(
        &mut self,
        now: SimTime,
        node: NodeId,
        (header, meta): (&Header, Option<&PacketMeta>),
        bytes: &[u8],
        out: &mut Outbox<'_, Self>,
    ) {
        if self.faults.is_some() {
            let moment = |point| Moment {
                point,
                from: header.from,
                to: header.to,
                way: meta.map(|meta| (meta.link, meta.direction)),
                packet: meta.map(|meta| (meta.sender, meta.number)),
                bytes,
            };
            self.message_moment(now, &moment(Point::Received), out);
            if out.is_down(node) {
                self.let_go(now.0, header.pair);
                return;
            }
            self.message_moment(now, &moment(Point::Handled), out);
        }
        // An initiator's emissions belong to its open attempt whatever caused them; a responder's
        // to the attempt of the packet in hand.
        let own = self.workloads.open_attempt(node.0);
        let attempt = if own.is_some() { own } else { header.attempt };
        if self.halted[node.0 as usize] {
            self.let_go(now.0, header.pair);
            return;
        }
        let incoming = Incoming {
            from: header.from,
            to: header.to,
            channel: header.channel,
            bytes,
        };
        self.call(
            now,
            node,
            (attempt, header.pair),
            out,
            |column, member, cx| {
                column.on_message(member, incoming, cx);
            },
        );
    }

    fn on_protocol_timer(
        &mut self,
        now: SimTime,
        node: NodeId,
        timer: TimerId,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        let held = self.timer_expires(node.0, timer);
        if self.halted[node.0 as usize] {
            self.let_go(now.0, held);
            return;
        }
        let timer = Timer {
            kind: timer.kind,
            key: timer.key,
        };
        self.call(now, node, (attempt, held), out, |column, member, cx| {
            column.on_timer(member, timer, cx);
        });
    }

    /// The pair of two nodes in the first relation that joins them, with the relation folded in:
    /// relations share one number space.
    pub(crate) fn pair_between(&self, one: u32, other: u32) -> u32 {
        let mut base = 0;
        for relation in &self.relations {
            if let Some(pair) = relation.pair(one, other) {
                return base + pair;
            }
            base += u32::try_from(relation.ends.len()).unwrap_or(0);
        }
        NO_PAIR
    }

    /// The relation of a pair number, and its number within it.
    pub(crate) fn relation_of(&self, pair: u32) -> Option<(usize, u32)> {
        let mut rest = pair;
        for (index, relation) in self.relations.iter().enumerate() {
            let count = u32::try_from(relation.ends.len()).unwrap_or(0);
            if rest < count {
                return Some((index, rest));
            }
            rest -= count;
        }
        None
    }

    fn let_go(&mut self, now_ns: u64, pair: u32) {
        if let Some((relation, pair)) = self.relation_of(pair) {
            self.relations[relation].oracle.release(pair);
            self.judge(now_ns, relation, pair);
        }
    }

    fn judge(&mut self, now_ns: u64, relation: usize, pair: u32) {
        let Self {
            relations,
            workloads,
            ..
        } = self;
        let relation = &mut relations[relation];
        let device = relation
            .ends
            .get(pair as usize)
            .map_or(NOBODY, |ends| ends.0);
        relation
            .oracle
            .judge(pair, now_ns, || workloads.counts(device));
    }

    /// The node that `speaker` knows as `principal`: where several nodes share it, the one that the
    /// speaker has a link with.
    pub(crate) fn node_of(&self, speaker: u32, principal: protocols::Principal) -> Option<u32> {
        if self.principals.are_shared() {
            let linked = self
                .principals
                .all(principal)
                .find(|node| self.reachable(speaker, *node));
            if linked.is_some() {
                return linked;
            }
        }
        self.principals.node(principal)
    }

    /// Sends nothing, but says who listens where: the port of a node's role.
    pub(crate) fn port(&self, node: u32) -> u16 {
        self.groups[usize::from(self.group_of[node as usize])].port
    }

    /// The channel of a command's first message is public unless only a secure link leads there.
    pub(crate) fn reachable(&self, from: u32, to: u32) -> bool {
        [Channel::Public, Channel::Secure]
            .into_iter()
            .any(|channel| {
                self.routes
                    .find(self.place(from), self.place(to), channel)
                    .is_some()
            })
    }
}
