//! The parties, what is on its way between them, and their timers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::witness::{Call, Input, Witness};
use crate::address::{Address, Channel, Destination};
use crate::context::{Buffers, Context};
use crate::crypto::Crypto;
use crate::effect::{Effect, Effects};
use crate::entropy::Entropy;
use crate::machine::{Command, Incoming, StreamEvent, Timer};
use crate::protocol::Instance;
use crate::registry::Column;
use crate::roster::Roster;
use crate::storage::MemoryStorage;
use crate::time::{LocalTime, Span};

/// One party with what surrounds its machine.
#[derive(Clone, Debug)]
struct Node<E> {
    /// Its machine: column and place in it.
    machine: (usize, usize),
    /// Its host, with the port of its role.
    address: Address,
    storage: MemoryStorage,
    entropy: E,
    /// What its clock shows at the start.
    clock: LocalTime,
    /// When each armed timer is due, since the start.
    timers: BTreeMap<Timer, Span>,
    halted: bool,
}

/// Something on its way to a party.
#[derive(Clone, Debug)]
struct Parcel {
    to: usize,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Datagram {
        number: u64,
        from: Address,
        to: Address,
        channel: Channel,
        bytes: Vec<u8>,
    },
    Opened {
        peer: usize,
    },
    Record {
        number: u64,
        peer: usize,
        bytes: Vec<u8>,
    },
    Closed {
        peer: usize,
    },
}

/// A cast of machines and the perfect network between them.
#[derive(Clone, Debug)]
pub struct Pump<E> {
    columns: Vec<Column>,
    nodes: Vec<Node<E>>,
    /// By host number.
    hosts: BTreeMap<u32, usize>,
    on_way: VecDeque<Parcel>,
    /// Open stream ends: (whose end, the far party).
    ends: BTreeSet<(usize, usize)>,
    /// Messages that do not arrive, by number.
    lost: BTreeSet<u64>,
    sent: u64,
    elapsed: Span,
    crypto: Crypto,
    effects: Effects,
    buffers: Buffers,
}

impl<E: Entropy> Pump<E> {
    /// The machines of `roster`, each with its storage and entropy, in roster order; all clocks show
    /// `clock`. Nothing has started.
    ///
    /// # Panics
    ///
    /// When `parties` has another length than the roster.
    #[must_use]
    pub fn new(
        instance: &dyn Instance,
        roster: &Roster,
        parties: impl IntoIterator<Item = (MemoryStorage, E)>,
        clock: LocalTime,
    ) -> Self {
        let columns = (0..roster.groups.len()).map(|group| instance.machines(roster, group));
        let nodes: Vec<Node<E>> = roster
            .parties
            .iter()
            .zip(parties)
            .map(|(party, (storage, entropy))| Node {
                machine: (party.group as usize, party.member as usize),
                address: Address::new(party.host, instance.port(party.role)),
                storage,
                entropy,
                clock,
                timers: BTreeMap::new(),
                halted: false,
            })
            .collect();
        assert_eq!(nodes.len(), roster.parties.len(), "one entry per party");
        Self {
            columns: columns.collect(),
            hosts: (0..)
                .zip(&roster.parties)
                .map(|(index, party)| (party.host, index))
                .collect(),
            nodes,
            on_way: VecDeque::new(),
            ends: BTreeSet::new(),
            lost: BTreeSet::new(),
            sent: 0,
            elapsed: Span::ZERO,
            crypto: Crypto::default(),
            effects: Effects::default(),
            buffers: Buffers::default(),
        }
    }

    /// The clock of `party` shows `clock` at the start.
    pub fn set_clock(&mut self, party: usize, clock: LocalTime) {
        self.nodes[party].clock = clock;
    }

    /// Message `number` of the drive, counted from 0 in the order of sending, will not arrive.
    pub fn lose(&mut self, number: u64) {
        self.lost.insert(number);
    }

    /// From now on witnesses see every intermediate value ([`Call::work`]).
    pub fn trace(&mut self) {
        self.crypto.start_trace();
    }

    /// The durable storage of a party.
    #[must_use]
    pub fn storage(&self, party: usize) -> &MemoryStorage {
        &self.nodes[party].storage
    }

    /// The entropy of a party.
    #[must_use]
    pub fn entropy(&self, party: usize) -> &E {
        &self.nodes[party].entropy
    }

    /// The address of a party: its host, with the port of its role.
    #[must_use]
    pub fn address(&self, party: usize) -> Address {
        self.nodes[party].address
    }

    /// The party at a host.
    #[must_use]
    pub fn party(&self, host: u32) -> Option<usize> {
        self.hosts.get(&host).copied()
    }

    /// The name of the state a party's machine is in.
    #[must_use]
    pub fn state(&self, party: usize) -> &'static str {
        let (column, place) = self.nodes[party].machine;
        self.columns[column].state(place)
    }

    /// Time since the start.
    #[must_use]
    pub const fn elapsed(&self) -> Span {
        self.elapsed
    }

    /// Number of messages sent so far.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Starts every party, in roster order; what they send waits to be delivered.
    pub fn start(&mut self, witness: &mut dyn Witness) {
        for party in 0..self.nodes.len() {
            self.call(party, Input::Start, witness);
        }
    }

    /// Gives `command` to a party; what it sends waits to be delivered.
    pub fn command(&mut self, party: usize, command: Command<'_>, witness: &mut dyn Witness) {
        self.call(party, Input::Command(command), witness);
    }

    /// A party loses its volatile state as by a power cut, and starts again.
    pub fn restart(&mut self, party: usize, witness: &mut dyn Witness) {
        let node = &mut self.nodes[party];
        node.timers.clear();
        node.halted = false;
        self.on_way.retain(|parcel| parcel.to != party);
        self.ends.retain(|&(own, far)| own != party && far != party);
        self.call(party, Input::Restart, witness);
    }

    /// Delivers what is next on its way; false when nothing is.
    pub fn deliver_next(&mut self, witness: &mut dyn Witness) -> bool {
        let Some(Parcel { to, content }) = self.on_way.pop_front() else {
            return false;
        };
        match &content {
            Content::Datagram {
                number,
                from,
                to: own,
                channel,
                bytes,
            } => {
                let incoming = Incoming {
                    from: *from,
                    to: *own,
                    channel: *channel,
                    bytes,
                };
                let number = *number;
                self.call(to, Input::Message { number, incoming }, witness);
            }
            Content::Opened { peer } => self.stream(to, None, *peer, StreamEvent::Opened, witness),
            Content::Record {
                number,
                peer,
                bytes,
            } => {
                // The receiver may have closed its end meanwhile.
                if self.ends.contains(&(to, *peer)) {
                    let event = StreamEvent::Bytes(bytes);
                    self.stream(to, Some(*number), *peer, event, witness);
                }
            }
            Content::Closed { peer } => {
                if self.ends.remove(&(to, *peer)) {
                    self.stream(to, None, *peer, StreamEvent::Closed, witness);
                }
            }
        }
        true
    }

    /// Delivers until nothing is on its way; false when after `most` deliveries something still is.
    pub fn settle(&mut self, most: u32, witness: &mut dyn Witness) -> bool {
        for _ in 0..most {
            if !self.deliver_next(witness) {
                return true;
            }
        }
        self.on_way.is_empty()
    }

    /// When the next timer is due, since the start.
    #[must_use]
    pub fn next_due(&self) -> Option<Span> {
        let due = self.nodes.iter().flat_map(|node| node.timers.values());
        due.min().copied()
    }

    /// Lets time pass until the next timer is due, and lets it expire; false when none is armed.
    pub fn fire_next(&mut self, witness: &mut dyn Witness) -> bool {
        let armed = self.nodes.iter().enumerate().flat_map(|(party, node)| {
            let timers = node.timers.iter();
            timers.map(move |(timer, due)| (*due, party, *timer))
        });
        let Some((due, party, timer)) = armed.min() else {
            return false;
        };
        self.nodes[party].timers.remove(&timer);
        self.elapsed = self.elapsed.max(due);
        self.call(party, Input::Timer(timer), witness);
        true
    }

    /// Lets `span` pass: timers due within it expire, and what they cause is delivered, at most
    /// `most` deliveries after each.
    pub fn wait(&mut self, span: Span, most: u32, witness: &mut dyn Witness) {
        let end = Span(self.elapsed.0.saturating_add(span.0));
        while self.next_due().is_some_and(|due| due <= end) {
            self.fire_next(witness);
            self.settle(most, witness);
        }
        self.elapsed = end;
    }

    fn stream(
        &mut self,
        party: usize,
        number: Option<u64>,
        peer: usize,
        event: StreamEvent<'_>,
        witness: &mut dyn Witness,
    ) {
        let peer = self.nodes[peer].address;
        let input = Input::Stream {
            number,
            peer,
            event,
        };
        self.call(party, input, witness);
    }

    fn call(&mut self, party: usize, input: Input<'_>, witness: &mut dyn Witness) {
        let node = &mut self.nodes[party];
        if node.halted {
            return;
        }
        self.effects.clear();
        self.crypto.meter.clear();
        let now = node.clock.after(self.elapsed);
        let mut cx = Context {
            now,
            storage: &node.storage,
            entropy: &mut node.entropy,
            crypto: &mut self.crypto,
            effects: &mut self.effects,
            buffers: &mut self.buffers,
        };
        let (column, place) = node.machine;
        let column = &mut self.columns[column];
        match input {
            Input::Start => column.on_start(place, &mut cx),
            Input::Message { incoming, .. } => column.on_message(place, incoming, &mut cx),
            Input::Stream { peer, event, .. } => column.on_stream(place, peer, event, &mut cx),
            Input::Timer(timer) => column.on_timer(place, timer, &mut cx),
            Input::Command(command) => column.on_command(place, &command, &mut cx),
            Input::Restart => column.on_restart(place, &mut cx),
        }
        let work = self.crypto.take_trace();
        witness.saw(&Call {
            party,
            now,
            input,
            operations: self.crypto.meter.operations(),
            work: &work,
            effects: &self.effects,
        });
        // Taken out for the time of the loop, so that the rest may change meanwhile.
        let effects = core::mem::take(&mut self.effects);
        effects
            .iter()
            .for_each(|effect| self.carry_out(party, &effect));
        self.effects = effects;
    }

    fn carry_out(&mut self, party: usize, effect: &Effect<'_>) {
        match effect {
            Effect::Send {
                from_port,
                to,
                channel,
                bytes,
            } => self.send(party, *from_port, *to, *channel, bytes),
            Effect::OpenStream { to } => {
                let Some(far) = self.party(to.host) else {
                    return;
                };
                self.ends.extend([(party, far), (far, party)]);
                for (to, peer) in [(far, party), (party, far)] {
                    let content = Content::Opened { peer };
                    self.on_way.push_back(Parcel { to, content });
                }
            }
            Effect::CloseStream { to } => {
                let Some(far) = self.party(to.host) else {
                    return;
                };
                if self.ends.remove(&(party, far)) {
                    let content = Content::Closed { peer: party };
                    self.on_way.push_back(Parcel { to: far, content });
                }
            }
            Effect::Arm { timer, after } => {
                let due = Span(self.elapsed.0.saturating_add(after.0));
                self.nodes[party].timers.insert(*timer, due);
            }
            Effect::Cancel { timer } => {
                self.nodes[party].timers.remove(timer);
            }
            Effect::Store { batch } => {
                let storage = &mut self.nodes[party].storage;
                batch.writes().for_each(|write| storage.apply(write));
            }
            Effect::Output(_) => {}
            Effect::Halt => self.nodes[party].halted = true,
        }
    }

    fn send(
        &mut self,
        party: usize,
        from_port: u16,
        to: Destination,
        channel: Channel,
        bytes: &[u8],
    ) {
        let number = self.sent;
        self.sent += 1;
        if self.lost.contains(&number) {
            return;
        }
        let from = Address::new(self.nodes[party].address.host, from_port);
        let mut datagram = |far: usize, to: Address| {
            let content = Content::Datagram {
                number,
                from,
                to,
                channel,
                bytes: bytes.to_vec(),
            };
            self.on_way.push_back(Parcel { to: far, content });
        };
        match to {
            Destination::Address(to) => {
                if let Some(&far) = self.hosts.get(&to.host) {
                    datagram(far, to);
                }
            }
            Destination::Broadcast(port) => {
                for (far, node) in self.nodes.iter().enumerate() {
                    if far != party {
                        datagram(far, Address::new(node.address.host, port));
                    }
                }
            }
            Destination::Stream(to) => {
                let Some(far) = self.party(to.host) else {
                    return;
                };
                if self.ends.contains(&(party, far)) {
                    let content = Content::Record {
                        number,
                        peer: party,
                        bytes: bytes.to_vec(),
                    };
                    self.on_way.push_back(Parcel { to: far, content });
                }
            }
        }
    }
}
