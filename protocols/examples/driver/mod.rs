//! Runs the machines of any datagram protocol over real UDP sockets on the loopback interface.
//!
//! Every party gets a socket of its own on a free port; a table maps the addresses that machines
//! use (host number and port) to those sockets, so that nothing depends on free well-known ports.
//! One thread serves all parties: it hands arrived datagrams and expired timers to the machines and
//! carries out their effects. Storage is memory; every store counts as durable at once.
//!
//! Left out: streams, loss (the kernel may still drop), and good entropy. Keys and nonces come from
//! a fixed seed, since this shows the machines at work and protects nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a driver is where machines meet real clocks and waiting"
)]
#![allow(dead_code, reason = "each example uses the part that it needs")]

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocols::crypto::{Crypto, sha256_unmetered};
use protocols::machine::{Arg, Command, Incoming};
use protocols::output::Output;
use protocols::parameter::Values;
use protocols::protocol::Instance;
use protocols::registry::Column;
use protocols::roster::{Group, Party, ProvisionSink, Roster, Streams};
use protocols::storage::{MemoryStorage, Record, Write};
use protocols::{
    Address, Buffers, Channel, Context, Destination, Effect, Effects, Entropy, LocalTime, Timer,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Longest datagram over IPv4.
const DATAGRAM_MAX: usize = 65_507;

/// Pause between two looks at the sockets when nothing is due.
const PAUSE: Duration = Duration::from_micros(200);

/// Host number of the first party; the others count up from it.
const FIRST_HOST: u32 = 1;

/// Random bytes that follow from a label: the same in every run.
struct Labelled(ChaCha20Rng);

impl Labelled {
    fn new(label: &[&[u8]]) -> Self {
        Self(ChaCha20Rng::from_seed(sha256_unmetered(label)))
    }
}

impl Entropy for Labelled {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

struct LabelledStreams;

impl Streams for LabelledStreams {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let member = member.to_be_bytes();
        let label = [group.as_bytes(), &[0], &member, purpose.as_bytes()];
        use_it(&mut Labelled::new(&label));
    }
}

struct Stores(Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.0[party].apply(Write::Put(record, bytes));
    }
}

/// A roster of groups (name, role, count) in which every party is linked to every other.
pub(crate) fn full_mesh(groups: &[(&str, u8, u32)]) -> Roster {
    let mut roster = Roster::default();
    let mut ordinals = BTreeMap::new();
    for (index, &(name, role, count)) in (0..).zip(groups) {
        let first = roster.parties.len();
        roster.groups.push(Group {
            name: name.to_owned(),
            role,
            params: Values::default(),
            first,
            count: count as usize,
        });
        for member in 0..count {
            let ordinal = ordinals.entry(role).or_insert(0);
            *ordinal += 1;
            let place = u32::try_from(roster.parties.len()).expect("a handful of parties");
            roster.parties.push(Party {
                host: FIRST_HOST + place,
                role,
                group: index,
                member,
                ordinal: *ordinal,
                neighbours: (0, 0),
            });
        }
    }
    let count = u32::try_from(roster.parties.len()).expect("a handful of parties");
    for (place, party) in (0..count).zip(&mut roster.parties) {
        let start = u32::try_from(roster.neighbours.len()).expect("a handful of links");
        roster
            .neighbours
            .extend((0..count).filter(|&other| other != place));
        party.neighbours = (start, start + count - 1);
    }
    roster
}

/// One party: a machine (by group and place in its column) and what surrounds it.
struct Node {
    column: usize,
    member: usize,
    address: Address,
    socket: UdpSocket,
    storage: MemoryStorage,
    entropy: Labelled,
    timers: BTreeMap<Timer, Instant>,
}

/// All parties of one world, and the sockets between them.
pub(crate) struct Driver {
    columns: Vec<Column>,
    nodes: Vec<Node>,
    sockets: BTreeMap<Address, SocketAddr>,
    crypto: Crypto,
    effects: Effects,
    buffers: Buffers,
    /// What machines said and nobody has read: (party, output), oldest first.
    said: Vec<(usize, Output)>,
    /// Datagrams sent so far.
    pub(crate) datagrams: u64,
    /// Bytes sent so far, without UDP and IP headers.
    pub(crate) bytes: u64,
}

/// What a party has to handle.
enum Input<'a> {
    Start,
    Restart,
    Message(Address, &'a [u8]),
    Timer(Timer),
    Command(Command<'a>),
}

impl Driver {
    /// Provisions, builds and starts all parties of `roster`, each on a socket of its own.
    pub(crate) fn new(instance: &dyn Instance, roster: &Roster) -> io::Result<Self> {
        let mut stores = Stores(vec![MemoryStorage::default(); roster.parties.len()]);
        instance.provision(roster, &mut LabelledStreams, &mut stores);
        let columns = (0..roster.groups.len())
            .map(|group| instance.machines(roster, group))
            .collect();
        let mut driver = Self {
            columns,
            nodes: Vec::new(),
            sockets: BTreeMap::new(),
            crypto: Crypto::default(),
            effects: Effects::default(),
            buffers: Buffers::default(),
            said: Vec::new(),
            datagrams: 0,
            bytes: 0,
        };
        for (party, storage) in roster.parties.iter().zip(stores.0) {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_nonblocking(true)?;
            let address = Address::new(party.host, instance.port(party.role));
            driver.sockets.insert(address, socket.local_addr()?);
            driver.nodes.push(Node {
                column: party.group as usize,
                member: party.member as usize,
                address,
                socket,
                storage,
                entropy: Labelled::new(&[b"machine", &party.host.to_be_bytes()]),
                timers: BTreeMap::new(),
            });
        }
        for party in 0..driver.nodes.len() {
            driver.handle(party, &Input::Start)?;
        }
        Ok(driver)
    }

    /// The address of a party.
    pub(crate) fn address(&self, party: usize) -> Address {
        self.nodes[party].address
    }

    /// The name of the state a party's machine is in.
    pub(crate) fn state(&self, party: usize) -> &'static str {
        let node = &self.nodes[party];
        self.columns[node.column].state(node.member)
    }

    /// Gives a command to a party; `peer` is the party it is about.
    pub(crate) fn command(
        &mut self,
        party: usize,
        id: u8,
        peer: Option<usize>,
        args: &[Arg<'_>],
    ) -> io::Result<()> {
        let peer = peer.map(|peer| self.address(peer));
        self.handle(party, &Input::Command(Command { id, peer, args }))
    }

    /// Takes volatile state, timers and unread datagrams from a party and starts it again.
    pub(crate) fn reboot(&mut self, party: usize) -> io::Result<()> {
        let node = &mut self.nodes[party];
        node.timers.clear();
        let mut lost = [0; DATAGRAM_MAX];
        while node.socket.recv_from(&mut lost).is_ok() {}
        self.handle(party, &Input::Restart)
    }

    /// Serves all parties until `done` is true of the outputs read so far, at most for `patience`.
    ///
    /// Every output is handed to `done` once, in the order in which machines gave them. The result
    /// tells whether it became true.
    pub(crate) fn run_until(
        &mut self,
        patience: Duration,
        mut done: impl FnMut(usize, &Output) -> bool,
    ) -> io::Result<bool> {
        let end = Instant::now() + patience;
        let mut datagram = vec![0; DATAGRAM_MAX];
        loop {
            let mut finished = false;
            for (party, output) in std::mem::take(&mut self.said) {
                finished |= done(party, &output);
            }
            if finished || Instant::now() >= end {
                return Ok(finished);
            }
            let arrived = self.receive(&mut datagram)?;
            let expired = self.expire()?;
            if !arrived && !expired {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Hands at most one waiting datagram to each party.
    fn receive(&mut self, datagram: &mut [u8]) -> io::Result<bool> {
        let mut any = false;
        for party in 0..self.nodes.len() {
            let (length, sender) = match self.nodes[party].socket.recv_from(datagram) {
                Ok(arrived) => arrived,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            let known = self.sockets.iter().find(|(_, socket)| **socket == sender);
            if let Some((&from, _)) = known {
                any = true;
                self.handle(party, &Input::Message(from, &datagram[..length]))?;
            }
        }
        Ok(any)
    }

    /// Hands every expired timer to its party.
    fn expire(&mut self) -> io::Result<bool> {
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

    fn handle(&mut self, party: usize, input: &Input<'_>) -> io::Result<()> {
        let node = &mut self.nodes[party];
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
        let column = &mut self.columns[node.column];
        match *input {
            Input::Start => column.on_start(node.member, &mut cx),
            Input::Restart => column.on_restart(node.member, &mut cx),
            Input::Message(from, bytes) => {
                let incoming = Incoming {
                    from,
                    to: node.address,
                    channel: Channel::Public,
                    bytes,
                };
                column.on_message(node.member, incoming, &mut cx);
            }
            Input::Timer(timer) => column.on_timer(node.member, timer, &mut cx),
            Input::Command(ref command) => column.on_command(node.member, command, &mut cx),
        }
        for effect in self.effects.iter() {
            match effect {
                Effect::Send { to, bytes, .. } => {
                    for (address, socket) in &self.sockets {
                        let meant = match to {
                            Destination::Address(to) => to == *address,
                            Destination::Broadcast(port) => {
                                port == address.port && *address != node.address
                            }
                            Destination::Stream(_) => false,
                        };
                        if meant {
                            node.socket.send_to(bytes, socket)?;
                            self.datagrams += 1;
                            self.bytes += bytes.len() as u64;
                        }
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
                }
                Effect::Output(output) => self.said.push((party, output)),
                Effect::OpenStream { .. } | Effect::CloseStream { .. } | Effect::Halt => {}
            }
        }
        Ok(())
    }
}

fn local_time() -> LocalTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    LocalTime(u64::try_from(nanos).unwrap_or(u64::MAX))
}
