//! Runs the machines of any protocol over real sockets on the loopback interface.
//!
//! One thread serves all parties: it hands what arrived and which timers expired to the machines
//! and carries out their effects. Machines know addresses as host number and port; tables map those
//! to real sockets on free ports ([`udp`], [`tcp`]), so nothing depends on well-known ports. Storage
//! is memory; every store counts as durable at once.
//!
//! Left out: loss (the kernel may still drop a datagram), storage on a disk, and good entropy.

mod tcp;
mod udp;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocols::crypto::Crypto;
use protocols::machine::{Arg, Command, Incoming, StreamEvent};
use protocols::registry::Column;
use protocols::storage::MemoryStorage;
use protocols::{
    Address, Buffers, Channel, Context, Destination, Effect, Effects, LocalTime, Timer,
};

use super::honest::{Cast, Event, Failure, Stage};
use super::provision::{Labelled, first_storage};
use tcp::Streams;
use udp::Datagrams;

/// Pause between two looks at the sockets when nothing is due.
const PAUSE: Duration = Duration::from_micros(200);

/// When nothing has arrived for so long, nothing is on its way.
const QUIET: Duration = Duration::from_millis(2);

/// Longest wait for a step. The loopback interface needs far less than a millisecond; the longest
/// timer that an honest session waits for is a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// A sender or receiver of datagrams. The secure channel has sockets of its own, so that a receiver
/// knows which channel a datagram came over.
type Line = (Address, Channel);

/// One party: a machine (by group and place in its column) and what surrounds it.
struct Node {
    column: usize,
    member: usize,
    address: Address,
    storage: MemoryStorage,
    entropy: Labelled,
    timers: BTreeMap<Timer, Instant>,
    halted: bool,
}

/// What a party has to handle.
enum Input<'a> {
    Start,
    Restart,
    Message(Incoming<'a>),
    Stream(Address, StreamEvent<'a>),
    Timer(Timer),
    Command(Command<'a>),
}

/// All parties of one world, and the sockets between them.
pub(crate) struct Driver {
    columns: Vec<Column>,
    nodes: Vec<Node>,
    datagrams: Datagrams,
    streams: Option<Streams>,
    crypto: Crypto,
    effects: Effects,
    buffers: Buffers,
    /// What happened and nobody has read: (party, event), oldest first.
    events: VecDeque<(usize, Event)>,
    messages: u64,
    bytes: u64,
}

impl Driver {
    /// Provisions, builds and starts all parties, each on sockets of its own.
    pub(crate) fn new(cast: &Cast) -> Result<Self, Failure> {
        let Cast {
            instance, roster, ..
        } = cast;
        let stores = first_storage(&**instance, roster, 1)?;
        let columns = (0..roster.groups.len())
            .map(|group| instance.machines(roster, group))
            .collect();
        let mut nodes = Vec::new();
        for (party, storage) in roster.parties.iter().zip(stores) {
            nodes.push(Node {
                column: party.group as usize,
                member: party.member as usize,
                address: Address::new(party.host, instance.port(party.role)),
                storage,
                entropy: Labelled::machine(1, party.host),
                timers: BTreeMap::new(),
                halted: false,
            });
        }
        let addresses: Vec<Address> = nodes.iter().map(|node| node.address).collect();
        let mut driver = Self {
            columns,
            nodes,
            datagrams: Datagrams::bind(&addresses)?,
            streams: instance
                .streams()
                .then(|| Streams::listen(&addresses))
                .transpose()?,
            crypto: Crypto::default(),
            effects: Effects::default(),
            buffers: Buffers::default(),
            events: VecDeque::new(),
            messages: 0,
            bytes: 0,
        };
        for party in 0..driver.nodes.len() {
            driver.handle(party, &Input::Start)?;
        }
        Ok(driver)
    }

    /// The state of every machine, in roster order.
    pub(crate) fn states(&self) -> Vec<&'static str> {
        let state = |node: &Node| self.columns[node.column].state(node.member);
        self.nodes.iter().map(state).collect()
    }

    /// Datagrams or records sent.
    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    /// Bytes sent, without the headers of UDP, TCP and IP.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What carries the messages.
    pub(crate) const fn transport(&self) -> &'static str {
        if self.streams.is_some() { "TCP" } else { "UDP" }
    }

    fn party_at(&self, address: Address) -> Option<usize> {
        let here = |node: &Node| node.address.host == address.host;
        self.nodes.iter().position(here)
    }

    /// Hands over what has arrived, one piece for each socket; false when there was nothing.
    fn receive(&mut self) -> Result<bool, Failure> {
        let mut any = false;
        for datagram in self.datagrams.arrived()? {
            any = true;
            if let Some(party) = self.party_at(datagram.to) {
                let incoming = Incoming {
                    from: datagram.from,
                    to: datagram.to,
                    channel: datagram.channel,
                    bytes: &datagram.bytes,
                };
                self.handle(party, &Input::Message(incoming))?;
            }
        }
        let arrived = self.streams.as_mut().map(Streams::arrived).transpose()?;
        for (own, far, piece) in arrived.into_iter().flatten() {
            any = true;
            if let Some(party) = self.party_at(own) {
                self.handle(party, &Input::Stream(far, piece.event()))?;
            }
        }
        Ok(any)
    }

    /// Hands over what is still on its way: a late message of an earlier step would otherwise be
    /// taken for one of the next.
    fn settle(&mut self) -> Result<(), Failure> {
        let mut quiet = Instant::now();
        while quiet.elapsed() < QUIET {
            if self.receive()? {
                quiet = Instant::now();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// Hands one expired timer to each party; false when there was none.
    fn expire(&mut self) -> Result<bool, Failure> {
        let mut any = false;
        for party in 0..self.nodes.len() {
            let now = Instant::now();
            let timers = &mut self.nodes[party].timers;
            let due = timers.iter().find(|(_, at)| **at <= now);
            if let Some((&timer, _)) = due {
                any = true;
                timers.remove(&timer);
                self.handle(party, &Input::Timer(timer))?;
            }
        }
        Ok(any)
    }

    fn handle(&mut self, party: usize, input: &Input<'_>) -> Result<(), Failure> {
        let node = &mut self.nodes[party];
        if matches!(input, Input::Restart) {
            node.halted = false;
        }
        if node.halted {
            return Ok(());
        }
        self.effects.clear();
        self.crypto.meter.clear();
        let mut cx = Context {
            now: local_time(),
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
        self.carry_out(party)
    }

    fn carry_out(&mut self, party: usize) -> Result<(), Failure> {
        let node = &mut self.nodes[party];
        for effect in self.effects.iter() {
            match effect {
                Effect::Send {
                    from_port,
                    to,
                    channel,
                    bytes,
                } => {
                    self.messages += 1;
                    self.bytes += bytes.len() as u64;
                    let own = Address::new(node.address.host, from_port);
                    match (to, &mut self.streams) {
                        (Destination::Address(to), _) => {
                            self.datagrams.send(own, to, channel, bytes)?;
                        }
                        (Destination::Broadcast(port), _) => {
                            self.datagrams.broadcast(own, port, bytes)?;
                        }
                        (Destination::Stream(far), Some(streams)) => {
                            streams.send(node.address, far, bytes);
                        }
                        (Destination::Stream(_), None) => {}
                    }
                }
                Effect::OpenStream { to } => {
                    if let Some(streams) = &mut self.streams {
                        streams.open(node.address, to)?;
                    }
                }
                Effect::CloseStream { to } => {
                    if let Some(streams) = &mut self.streams {
                        streams.close(node.address, to);
                    }
                }
                Effect::Arm { timer, after } => {
                    let after = Duration::from_nanos(after.nanos());
                    node.timers.insert(timer, Instant::now() + after);
                }
                Effect::Cancel { timer } => {
                    node.timers.remove(&timer);
                }
                Effect::Store { batch } => {
                    batch.writes().for_each(|write| node.storage.apply(write));
                    self.events.push_back((party, Event::Stored));
                }
                Effect::Output(output) => self.events.push_back((party, Event::Said(output))),
                Effect::Halt => node.halted = true,
            }
        }
        Ok(())
    }
}

impl Stage for Driver {
    fn command(
        &mut self,
        party: usize,
        command: u8,
        peer: usize,
        args: &[Arg<'_>],
    ) -> Result<(), Failure> {
        self.settle()?;
        // What was said before belongs to earlier commands.
        self.events.clear();
        let command = Command {
            id: command,
            peer: Some(self.nodes[peer].address),
            args,
        };
        self.handle(party, &Input::Command(command))
    }

    fn power_cut(&mut self, party: usize) -> Result<(), Failure> {
        self.settle()?;
        self.nodes[party].timers.clear();
        self.datagrams.discard(self.nodes[party].address.host)?;
        if let Some(streams) = &mut self.streams {
            streams.discard(self.nodes[party].address);
        }
        self.handle(party, &Input::Restart)
    }

    fn run_until(&mut self, done: &mut dyn FnMut(usize, &Event) -> bool) -> Result<bool, Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut finished = false;
            for (party, event) in self.events.drain(..) {
                finished |= done(party, &event);
            }
            if finished || Instant::now() >= end {
                return Ok(finished);
            }
            let arrived = self.receive()?;
            let expired = self.expire()?;
            if !arrived && !expired {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn local_time() -> LocalTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    LocalTime(u64::try_from(nanos).unwrap_or(u64::MAX))
}
