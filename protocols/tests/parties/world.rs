//! A network in memory on which the parties of a session run: every message arrives, in order, and
//! time passes only when nothing else happens.
//!
//! A world can be cloned at any moment. Power can be cut at one durable write of one party
//! ([`Cut`]): what was to follow the write in the same call is lost, and the party restarts at
//! once from what landed.

// By path, since fuzz targets take this file in from elsewhere.
#[path = "world/power.rs"]
mod power;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocols::crypto::Crypto;
use protocols::effect::Batch;
use protocols::machine::{Arg, Command, Incoming, StreamEvent};
use protocols::output::{Fingerprint, Principal};
use protocols::registry::Column;
use protocols::storage::{MemoryStorage, Write};
use protocols::{
    Address, Buffers, Channel, Context, Destination, Effect, Effects, LocalTime, Output, Timer,
};

pub(crate) use power::{Cut, Moment, Written};

use crate::sockets::honest::{Cast, Event, Failure, Stage};
use crate::sockets::provision::{Labelled, first_storage};

/// 2026-01-01T00:00:00Z: protocols read calendar time.
const EPOCH_NS: u64 = 1_767_225_600_000_000_000;

/// How long a step may take before nobody waits for it any longer, ns.
const PATIENCE_NS: u64 = 120_000_000_000;

/// Most events of one step: a protocol that never comes to rest shows as a failed step.
const EVENTS_MAX: usize = 10_000;

/// Something on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// The address it claims to come from; the far end of a stream.
    pub(crate) from: Address,
    /// The address it goes to.
    pub(crate) to: Address,
    /// Public or secure.
    pub(crate) channel: Channel,
    /// What arrives.
    pub(crate) load: Load,
}

/// What arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    Datagram(Vec<u8>),
    Opened,
    Bytes(Vec<u8>),
    Closed,
    Reset,
}

/// One party and what surrounds its machine.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    column: usize,
    member: usize,
    /// Where it listens.
    pub(crate) address: Address,
    pub(crate) storage: MemoryStorage,
    entropy: Labelled,
    pub(crate) timers: BTreeMap<Timer, u64>,
    halted: bool,
}

/// All parties of a session.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) cast: Cast,
    columns: Vec<Column>,
    pub(crate) nodes: Vec<Node>,
    /// What is on its way, oldest first.
    pub(crate) wire: VecDeque<Parcel>,
    /// Ends of open streams: own address, far address.
    ends: BTreeSet<(Address, Address)>,
    now: u64,
    cut: Option<Cut>,
    /// Every durable write so far.
    pub(crate) written: Vec<Written>,
    /// Everything that was sent, for those who want to keep it.
    pub(crate) sent: Option<Vec<Vec<u8>>>,
    shared: BTreeMap<(usize, u8, Principal), Vec<Fingerprint>>,
    names: BTreeMap<Principal, usize>,
    /// What a stage has not read yet.
    events: VecDeque<(usize, Event)>,
    /// Everything that was said since [`World::take_history`].
    history: Vec<(usize, Event)>,
    crypto: Crypto,
    effects: Effects,
    buffers: Buffers,
}

/// What a party has to handle.
pub(crate) enum Input<'a> {
    Start,
    Restart,
    Message(Incoming<'a>),
    Stream(Address, StreamEvent<'a>),
    Timer(Timer),
    Command(Command<'a>),
}

impl World {
    /// The parties of `cast`, provisioned from `seed` and started.
    pub(crate) fn new(cast: &Cast, seed: u64) -> Self {
        let Cast {
            instance, roster, ..
        } = cast;
        let stores = first_storage(&**instance, roster, seed).expect("a session's roster is good");
        let columns = (0..roster.groups.len())
            .map(|group| instance.machines(roster, group))
            .collect();
        let parties = roster.parties.iter();
        let nodes = parties.clone().zip(stores).map(|(party, storage)| Node {
            column: party.group as usize,
            member: party.member as usize,
            address: Address::new(party.host, instance.port(party.role)),
            storage,
            entropy: Labelled::machine(seed, party.host),
            timers: BTreeMap::new(),
            halted: false,
        });
        let names = parties.enumerate();
        let names = names.map(|(index, party)| (instance.principal(roster, party), index));
        let mut world = Self {
            cast: cast.clone(),
            columns,
            nodes: nodes.collect(),
            wire: VecDeque::new(),
            ends: BTreeSet::new(),
            now: EPOCH_NS,
            cut: None,
            written: Vec::new(),
            sent: None,
            shared: BTreeMap::new(),
            names: names.collect(),
            events: VecDeque::new(),
            history: Vec::new(),
            crypto: Crypto::default(),
            effects: Effects::default(),
            buffers: Buffers::default(),
        };
        for party in 0..world.nodes.len() {
            world.handle(party, &Input::Start);
        }
        world
    }

    /// Cuts the power once, at a write that has not happened yet.
    pub(crate) fn cut_power_at(&mut self, cut: Cut) {
        self.cut = Some(cut);
    }

    /// The name of the state of a party's machine.
    pub(crate) fn state(&self, party: usize) -> &'static str {
        let node = &self.nodes[party];
        self.columns[node.column].state(node.member)
    }

    /// The role of a party, by name.
    pub(crate) fn role(&self, party: usize) -> &'static str {
        let role = self.cast.roster.parties[party].role;
        self.cast.protocol.roles()[usize::from(role)].name
    }

    /// The party that a principal names.
    pub(crate) fn named(&self, principal: Principal) -> Option<usize> {
        self.names.get(&principal).copied()
    }

    /// The values that `party` shares with `other` in `relation`, as it last said; empty: none.
    pub(crate) fn shared(&self, party: usize, relation: u8, other: usize) -> &[Fingerprint] {
        self.shared
            .iter()
            .find(|((who, which, peer), _)| {
                *who == party && *which == relation && self.named(*peer) == Some(other)
            })
            .map_or(&[], |(_, values)| values)
    }

    /// What was said since the last call, oldest first.
    pub(crate) fn take_history(&mut self) -> Vec<(usize, Event)> {
        self.events.clear();
        std::mem::take(&mut self.history)
    }

    /// The time, ns since 1970; the same for all parties.
    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    /// Number of effects, and bytes sent and stored, of the last call.
    pub(crate) fn last_effects(&self) -> (usize, usize) {
        let bytes = self.effects.iter().map(|effect| match effect {
            Effect::Send { bytes, .. } => bytes.len(),
            Effect::Store { batch } => batch.size(),
            _ => 0,
        });
        (self.effects.len(), bytes.sum())
    }

    /// Makes [`World::last_effects`] count from nothing.
    pub(crate) fn forget_effects(&mut self) {
        self.effects.clear();
    }

    /// Hands an input to a party and carries out what it wants.
    pub(crate) fn handle(&mut self, party: usize, input: &Input<'_>) {
        let node = &mut self.nodes[party];
        if matches!(input, Input::Restart) {
            node.halted = false;
        }
        self.effects.clear();
        if node.halted {
            return;
        }
        self.crypto.meter.clear();
        let mut cx = Context {
            now: LocalTime(self.now),
            storage: &node.storage,
            entropy: &mut node.entropy,
            crypto: &mut self.crypto,
            effects: &mut self.effects,
            buffers: &mut self.buffers,
        };
        let (column, member) = (&mut self.columns[node.column], node.member);
        match *input {
            Input::Start => column.on_start(member, &mut cx),
            Input::Restart => column.on_restart(member, &mut cx),
            Input::Message(incoming) => column.on_message(member, incoming, &mut cx),
            Input::Stream(far, event) => column.on_stream(member, far, event, &mut cx),
            Input::Timer(timer) => column.on_timer(member, timer, &mut cx),
            Input::Command(ref command) => column.on_command(member, command, &mut cx),
        }
        let effects = std::mem::take(&mut self.effects);
        let survived = effects.iter().all(|effect| self.carry_out(party, &effect));
        self.effects = effects;
        if !survived {
            self.restart(party);
        }
    }

    /// Takes volatile state and timers, breaks the streams, and starts the party again.
    pub(crate) fn restart(&mut self, party: usize) {
        let own = self.nodes[party].address;
        self.nodes[party].timers.clear();
        self.wire
            .retain(|parcel| parcel.to != own || matches!(parcel.load, Load::Datagram(_)));
        let broken: Vec<_> = self
            .ends
            .iter()
            .copied()
            .filter(|end| end.0 == own)
            .collect();
        for (own, far) in broken {
            self.ends.remove(&(own, far));
            self.post(own, far, Channel::Public, Load::Reset);
        }
        self.handle(party, &Input::Restart);
    }

    fn post(&mut self, from: Address, to: Address, channel: Channel, load: Load) {
        self.wire.push_back(Parcel {
            from,
            to,
            channel,
            load,
        });
    }

    /// Carries out one effect; false when the power was cut at it.
    fn carry_out(&mut self, party: usize, effect: &Effect<'_>) -> bool {
        let own = self.nodes[party].address;
        match *effect {
            Effect::Send {
                from_port,
                to,
                channel,
                bytes,
            } => {
                if let Some(sent) = &mut self.sent {
                    sent.push(bytes.to_vec());
                }
                let from = Address::new(own.host, from_port);
                match to {
                    Destination::Address(to) => {
                        self.post(from, to, channel, Load::Datagram(bytes.to_vec()));
                    }
                    Destination::Broadcast(port) => {
                        for index in 0..self.nodes.len() {
                            let to = self.nodes[index].address;
                            if to.port == port && to.host != own.host {
                                self.post(from, to, channel, Load::Datagram(bytes.to_vec()));
                            }
                        }
                    }
                    Destination::Stream(far) if self.ends.contains(&(own, far)) => {
                        self.post(own, far, channel, Load::Bytes(bytes.to_vec()));
                    }
                    Destination::Stream(_) => {}
                }
            }
            Effect::OpenStream { to } => {
                self.ends.extend([(own, to), (to, own)]);
                self.post(own, to, Channel::Public, Load::Opened);
                self.post(to, own, Channel::Public, Load::Opened);
            }
            Effect::CloseStream { to } => {
                if self.ends.remove(&(own, to)) {
                    self.post(own, to, Channel::Public, Load::Closed);
                }
            }
            Effect::Arm { timer, after } => {
                let at = self.now.saturating_add(after.nanos());
                self.nodes[party].timers.insert(timer, at);
            }
            Effect::Cancel { timer } => {
                self.nodes[party].timers.remove(&timer);
            }
            Effect::Store { batch } => return self.store(party, &batch),
            Effect::Output(output) => self.note(party, output),
            Effect::Halt => self.nodes[party].halted = true,
        }
        true
    }

    fn note(&mut self, party: usize, output: Output) {
        match output {
            Output::SharedState {
                peer,
                relation,
                fingerprints,
                ..
            } => {
                let values = fingerprints.as_slice().to_vec();
                self.shared.insert((party, relation, peer), values);
            }
            Output::Named { principal } => {
                self.names.insert(principal, party);
            }
            _ => {}
        }
        self.events.push_back((party, Event::Said(output)));
        self.history.push((party, Event::Said(output)));
    }

    /// Carries out a durable write, or as much of it as the power cut lets land.
    fn store(&mut self, party: usize, batch: &Batch<'_>) -> bool {
        let number = self.written.len();
        let first = batch.writes().next().map(|write| match write {
            Write::Put(record, _) | Write::Delete(record) => record.table,
        });
        self.written.push(Written {
            party,
            table: first.unwrap_or(0),
            size: batch.size(),
            atomic: batch.atomic,
        });
        let moment = self
            .cut
            .filter(|cut| cut.write == number)
            .map(|cut| cut.moment);
        let storage = &mut self.nodes[party].storage;
        match moment {
            Some(Moment::Before) => return false,
            Some(Moment::Torn(landed)) if !batch.atomic => {
                power::tear(storage, batch, landed);
                return false;
            }
            _ => batch.writes().for_each(|write| storage.apply(write)),
        }
        self.events.push_back((party, Event::Stored));
        moment.is_none()
    }

    /// Hands over the oldest parcel; false when there is none.
    pub(crate) fn deliver(&mut self) -> bool {
        let Some(parcel) = self.wire.pop_front() else {
            return false;
        };
        self.arrive(&parcel);
        true
    }

    /// Delivers what is on its way, and what follows from it. Parties that answer every answer, as
    /// some do once an adversary has made one of them talk to itself, are stopped.
    fn settle(&mut self) {
        for _ in 0..EVENTS_MAX {
            if !self.deliver() {
                return;
            }
        }
        self.wire.clear();
    }

    /// Hands a parcel to the party at its address; nothing happens when nobody is there.
    pub(crate) fn arrive(&mut self, parcel: &Parcel) {
        let Parcel {
            from,
            to,
            channel,
            ref load,
        } = *parcel;
        let here = |node: &Node| node.address.host == to.host;
        let Some(party) = self.nodes.iter().position(here) else {
            return;
        };
        let event = match load {
            Load::Datagram(bytes) => {
                let incoming = Incoming {
                    from,
                    to,
                    channel,
                    bytes,
                };
                return self.handle(party, &Input::Message(incoming));
            }
            Load::Opened => StreamEvent::Opened,
            Load::Bytes(bytes) => StreamEvent::Bytes(bytes),
            Load::Closed => StreamEvent::Closed,
            Load::Reset => StreamEvent::Reset,
        };
        if !self.ends.contains(&(to, from)) {
            return;
        }
        if matches!(load, Load::Closed | Load::Reset) {
            self.ends.remove(&(to, from));
        }
        self.handle(party, &Input::Stream(from, event));
    }

    /// Fires the timer that is due next, if it is due before `end`; false when there is none.
    pub(crate) fn fire_next(&mut self, end: u64) -> bool {
        let timers = self.nodes.iter().enumerate().flat_map(|(party, node)| {
            let timers = node.timers.iter();
            timers.map(move |(timer, at)| (*at, party, *timer))
        });
        let Some((at, party, timer)) = timers.min().filter(|(at, ..)| *at <= end) else {
            return false;
        };
        self.now = self.now.max(at);
        self.fire(party, timer);
        true
    }

    /// Lets a timer expire, armed or not.
    pub(crate) fn fire(&mut self, party: usize, timer: Timer) {
        self.nodes[party].timers.remove(&timer);
        self.handle(party, &Input::Timer(timer));
    }

    /// Delivers everything that is on its way, and lets `span_ns` pass.
    pub(crate) fn rest(&mut self, span_ns: u64) {
        let end = self.now.saturating_add(span_ns);
        for _ in 0..EVENTS_MAX {
            if !self.deliver() && !self.fire_next(end) {
                break;
            }
        }
        self.now = end;
    }
}

impl Stage for World {
    fn command(
        &mut self,
        party: usize,
        command: u8,
        peer: usize,
        args: &[Arg<'_>],
    ) -> Result<(), Failure> {
        self.settle();
        self.events.clear();
        let command = Command {
            id: command,
            peer: Some(self.nodes[peer].address),
            args,
        };
        self.handle(party, &Input::Command(command));
        Ok(())
    }

    fn power_cut(&mut self, party: usize) -> Result<(), Failure> {
        self.settle();
        self.restart(party);
        Ok(())
    }

    fn run_until(&mut self, done: &mut dyn FnMut(usize, &Event) -> bool) -> Result<bool, Failure> {
        let end = self.now.saturating_add(PATIENCE_NS);
        for _ in 0..EVENTS_MAX {
            let mut finished = false;
            for (party, event) in self.events.drain(..) {
                finished |= done(party, &event);
            }
            if finished {
                return Ok(true);
            }
            if !self.deliver() && !self.fire_next(end) {
                return Ok(false);
            }
        }
        Ok(false)
    }
}
