//! A small world driven by hand: provisioned parties, ferried datagrams.

use std::sync::{Arc, Mutex};

use crate::address::Address;
use crate::crypto::rsa::cache::{KeyStore, MemoryKeyStore};
use crate::effect::{Effect, Effects};
use crate::entropy::Entropy;
use crate::machine::{Arg, Machine, Timer};
use crate::output::{Output, Principal, Scope};
use crate::parameter::{Value, Values};
use crate::protocol::{Instance, Protocol as _};
use crate::roster::{Group, Party, ProvisionSink, Roster, Streams};
use crate::storage::{MemoryStorage, Record, Write};
use crate::testing::{Bench, outputs, sent};

use super::super::params::Params;
use super::super::*;

/// A deterministic stream (SplitMix64 over its name).
#[derive(Clone, Debug)]
pub(super) struct Stream(u64);

impl Stream {
    pub(super) fn named(name: &str) -> Self {
        Self(Principal::name(0, name.as_bytes()).value)
    }
}

impl Entropy for Stream {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.0;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Files of all tests of the process: what a store holds changes no byte.
static KEPT: Mutex<Option<MemoryKeyStore>> = Mutex::new(None);

/// A store that all tests share, so that a pair is generated once.
#[derive(Default)]
pub(super) struct SharedStore;

impl KeyStore for SharedStore {
    fn load(&mut self, name: &str) -> Option<Vec<u8>> {
        KEPT.lock().unwrap().get_or_insert_default().load(name)
    }

    fn save(&mut self, name: &str, file: &[u8]) {
        let mut kept = KEPT.lock().unwrap();
        kept.get_or_insert_default().save(name, file);
    }
}

/// Streams named by structure.
#[derive(Default)]
pub(super) struct TestStreams {
    pub(super) store: Option<Box<dyn KeyStore>>,
}

impl Streams for TestStreams {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        use_it(&mut Stream::named(&format!("{group}/{member}/{purpose}")));
    }

    fn key_store(&mut self) -> Option<&mut dyn KeyStore> {
        match &mut self.store {
            Some(store) => Some(store.as_mut()),
            None => None,
        }
    }
}

/// First storage of the parties, by roster index.
#[derive(Default)]
pub(super) struct Stores(pub(super) Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        if self.0.len() <= party {
            self.0.resize_with(party + 1, MemoryStorage::default);
        }
        let last = self.0[party].iter().map(|(known, _)| known).last();
        assert!(last < Some(record), "records in ascending order");
        self.0[party].apply(Write::Put(record, bytes));
    }
}

/// (name, role, count, node parameters) of a group.
pub(super) type GroupSpec<'a> = (&'a str, u8, usize, &'a [(&'static str, &'a str)]);

/// A roster of groups; host numbers are roster indices.
pub(super) fn roster(groups: &[GroupSpec<'_>]) -> Roster {
    let mut roster = Roster::default();
    let mut ordinals = [0, 0];
    for (index, (name, role, count, given)) in groups.iter().enumerate() {
        let mut params = Values::default();
        for (name, text) in *given {
            params.set(name, Value::Text((*text).to_owned()));
        }
        roster.groups.push(Group {
            name: (*name).to_owned(),
            role: *role,
            params,
            first: roster.parties.len(),
            count: *count,
        });
        for member in 0..*count {
            ordinals[usize::from(*role)] += 1;
            roster.parties.push(Party {
                host: u32::try_from(roster.parties.len()).unwrap(),
                role: *role,
                group: u32::try_from(index).unwrap(),
                member: u32::try_from(member).unwrap(),
                ordinal: ordinals[usize::from(*role)],
                neighbours: (0, 0),
            });
        }
    }
    roster
}

/// Parameters from (name, value) in the scenario's words; whole numbers are recognised.
pub(super) fn values(given: &[(&'static str, &str)]) -> Values {
    let mut values = Values::default();
    values.set("rsa_bits", Value::Integer(1024));
    for (name, text) in given {
        let value = match (text.parse(), *text) {
            (Ok(number), _) => Value::Integer(number),
            (_, "true") => Value::Bool(true),
            (_, "false") => Value::Bool(false),
            (_, word) => Value::Text(word.to_owned()),
        };
        values.set(name, value);
    }
    values
}

pub(super) fn configure(variant: &str, given: &[(&'static str, &str)]) -> Arc<dyn Instance> {
    RsaUdp.configure(variant, &values(given)).unwrap()
}

pub(super) fn params(variant: &str, given: &[(&'static str, &str)]) -> Arc<Params> {
    Arc::new(Params::new(variant, &values(given)).unwrap())
}

/// Devices and clients with provisioned storage; nothing has started.
pub(super) struct World<D = Device, C = Client> {
    pub(super) devices: Vec<Bench<D, Stream>>,
    pub(super) clients: Vec<Bench<C, Stream>>,
}

impl World {
    pub(super) fn new(
        variant: &str,
        given: &[(&'static str, &str)],
        devices: usize,
        clients: usize,
    ) -> Self {
        Self::of(
            variant,
            given,
            (devices, Device::new),
            (clients, Client::new),
        )
    }

    /// One device and one client, as published.
    pub(super) fn pair(given: &[(&'static str, &str)]) -> Self {
        Self::new("as-published", given, 1, 1)
    }
}

impl World<LiteralDevice, LiteralClient> {
    pub(super) fn literal(given: &[(&'static str, &str)], devices: usize, clients: usize) -> Self {
        let devices = (devices, LiteralDevice::new as fn(_) -> _);
        let clients = (clients, LiteralClient::new as fn(_) -> _);
        Self::of("literal", given, devices, clients)
    }
}

impl<D: Machine, C: Machine> World<D, C> {
    /// So many machines of each kind, made by these functions.
    fn of(
        variant: &str,
        given: &[(&'static str, &str)],
        (devices, device): (usize, impl Fn(Arc<Params>) -> D),
        (clients, client): (usize, impl Fn(Arc<Params>) -> C),
    ) -> Self {
        let roster = roster(&[("dev", DEVICE, devices, &[]), ("cli", CLIENT, clients, &[])]);
        let params = params(variant, given);
        let mut stores = Stores::default();
        let mut streams = TestStreams {
            store: Some(Box::new(SharedStore)),
        };
        configure(variant, given).provision(&roster, &mut streams, &mut stores);
        let mut stores = stores.0.into_iter();
        let named = |role: &str, index: usize| Stream::named(&format!("{role} {index}"));
        Self {
            devices: (0..devices)
                .map(|index| {
                    let machine = device(Arc::clone(&params));
                    Bench::new(machine, stores.next().unwrap(), named("device", index))
                })
                .collect(),
            clients: (0..clients)
                .map(|index| {
                    let machine = client(Arc::clone(&params));
                    Bench::new(machine, stores.next().unwrap(), named("client", index))
                })
                .collect(),
        }
    }

    /// Host of client `index`.
    pub(super) fn client_host(&self, index: usize) -> u32 {
        u32::try_from(self.devices.len() + index).unwrap()
    }

    pub(super) fn client_address(&self, index: usize) -> Address {
        Address::new(self.client_host(index), CLIENT_PORT)
    }

    /// A datagram of client `index` to device `device`.
    pub(super) fn deliver_up(&mut self, device: usize, index: usize, bytes: &[u8]) -> Seen {
        let from = self.client_address(index);
        self.deliver_up_from(device, from, bytes)
    }

    pub(super) fn deliver_up_from(&mut self, device: usize, from: Address, bytes: &[u8]) -> Seen {
        Seen::of(self.devices[device].message(from, device_address(device), bytes))
    }

    /// A datagram of device `device` to client `index`; CONNECT comes from its own port.
    pub(super) fn deliver_down(&mut self, index: usize, device: usize, bytes: &[u8]) -> Seen {
        let mut from = device_address(device);
        if bytes.first() == Some(&1) || bytes.starts_with(b"CONNECT:") {
            from.port = BROADCAST_PORT;
        }
        self.deliver_down_from(index, from, bytes)
    }

    pub(super) fn deliver_down_from(&mut self, index: usize, from: Address, bytes: &[u8]) -> Seen {
        let to = self.client_address(index);
        Seen::of(self.clients[index].message(from, to, bytes))
    }

    /// Starts a device and gives its first CONNECT.
    pub(super) fn start(&mut self, device: usize) -> Vec<u8> {
        Seen::of(self.devices[device].start()).only_frame()
    }

    /// Logs client `index` in to a device that offers `connect`; gives what both ends did last.
    pub(super) fn log_in(&mut self, device: usize, index: usize, connect: &[u8]) -> (Seen, Seen) {
        self.authenticate(index, device);
        let pass = self.deliver_down(index, device, connect).only_frame();
        let at_device = self.deliver_up(device, index, &pass);
        let at_client = self.deliver_down(index, device, &at_device.frames[0]);
        (at_device, at_client)
    }

    /// Starts device 0 and logs client 0 in.
    pub(super) fn connect(&mut self) -> (Seen, Seen) {
        let connect = self.start(0);
        self.log_in(0, 0, &connect)
    }

    pub(super) fn authenticate(&mut self, index: usize, device: usize) -> Seen {
        self.command(index, COMMAND_AUTHENTICATE, device, &[])
    }

    pub(super) fn send(&mut self, index: usize, device: usize, text: &[u8]) -> Seen {
        self.command(index, COMMAND_SEND_DATA, device, &[Arg::Bytes(text)])
    }

    pub(super) fn finish(&mut self, index: usize, device: usize) -> Seen {
        self.command(index, COMMAND_FINISH, device, &[])
    }

    pub(super) fn command(
        &mut self,
        index: usize,
        id: u8,
        device: usize,
        args: &[Arg<'_>],
    ) -> Seen {
        let peer = Some(device_address(device));
        Seen::of(self.clients[index].command(id, peer, args))
    }

    /// Sends a line and brings the echo back.
    pub(super) fn exchange(&mut self, text: &[u8]) -> (Seen, Seen, Seen) {
        let sent = self.send(0, 0, text);
        let taken = self.deliver_up(0, 0, &sent.only_frame());
        let echoed = self.deliver_down(0, 0, &taken.frames[0]);
        (sent, taken, echoed)
    }
}

pub(super) fn device_address(device: usize) -> Address {
    Address::new(u32::try_from(device).unwrap(), DEVICE_PORT)
}

/// What one call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The effects in order, in words.
    pub(super) list: Vec<String>,
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) outputs: Vec<Output>,
}

impl Seen {
    pub(super) fn of(effects: &Effects) -> Self {
        Self {
            list: effects.iter().map(|effect| words(&effect)).collect(),
            frames: sent(effects),
            outputs: outputs(effects),
        }
    }

    pub(super) fn only_frame(&self) -> Vec<u8> {
        assert_eq!(self.frames.len(), 1, "{:?}", self.list);
        self.frames[0].clone()
    }

    /// The (session, run, key id) of the acceptance.
    pub(super) fn accepted(&self) -> ([u8; 8], [u8; 8], Option<[u8; 8]>) {
        let accepted = self.outputs.iter().find_map(|output| match output {
            Output::Accepted {
                session,
                run,
                key_id,
                ..
            } => Some((*session, *run, *key_id)),
            _ => None,
        });
        accepted.unwrap_or_else(|| panic!("no acceptance in {:?}", self.list))
    }

    /// The fingerprints of the last shared state named.
    pub(super) fn shared(&self) -> Vec<[u8; 16]> {
        let shared = self.outputs.iter().rev().find_map(|output| match output {
            Output::SharedState { fingerprints, .. } => Some(fingerprints.as_slice().to_vec()),
            _ => None,
        });
        shared.unwrap_or_else(|| panic!("no shared state in {:?}", self.list))
    }
}

/// An effect in words: what a row of the state tables says of it.
fn words(effect: &Effect<'_>) -> String {
    match effect {
        Effect::Send {
            from_port,
            to,
            bytes,
            ..
        } => {
            let name = match bytes.first() {
                Some(1) => "CONNECT",
                Some(2) => "PASS",
                Some(3) => "ENCRYPT",
                Some(4) => ["LOGIN", "ARGUMENT", "NULLPUBKEY"][usize::from(bytes[1] - 1)],
                Some(5) => "BUSY",
                Some(6) => "SEALED",
                _ => text_name(bytes),
            };
            let to = match to {
                crate::Destination::Address(to) => format!("{}:{}", to.host, to.port),
                crate::Destination::Broadcast(port) => format!("*:{port}"),
                crate::Destination::Stream(_) => "stream".to_owned(),
            };
            format!("{name} {from_port} > {to}")
        }
        Effect::Arm { timer, after } => {
            format!(
                "arm {} {}s",
                timer_name(*timer),
                after.nanos() / 1_000_000_000
            )
        }
        Effect::Cancel { timer } => format!("cancel {}", timer_name(*timer)),
        Effect::Store { batch } => format!("store {}", batch.size()),
        Effect::Halt => "halt".to_owned(),
        Effect::OpenStream { .. } | Effect::CloseStream { .. } => "stream".to_owned(),
        Effect::Output(output) => output_words(output),
    }
}

/// The name of a frame of the printed program.
fn text_name(bytes: &[u8]) -> &str {
    const NAMES: [&str; 6] = ["CONNECT", "PASS", "ENCRYPT", "ERROR", "BUSY", "SEALED"];
    match literal::text::classify(bytes) {
        Some(3) => core::str::from_utf8(&bytes[6..]).unwrap(),
        Some(place) => NAMES[place],
        None => "?",
    }
}

fn timer_name(timer: Timer) -> &'static str {
    RsaUdp.timers()[usize::from(timer.kind)].name
}

fn output_words(output: &Output) -> String {
    match output {
        Output::Named { .. } => "Named".to_owned(),
        Output::Running { .. } => "Running".to_owned(),
        Output::Accepted { .. } => "Accepted".to_owned(),
        Output::Rejected { scope, reason, .. } => {
            let scope = match scope {
                Scope::Command => "command",
                Scope::Frame => "frame",
                Scope::Attempt => "attempt",
            };
            format!("Rejected {scope} {reason}")
        }
        Output::Ended { reason, .. } => format!("Ended {reason}"),
        Output::DataSent { .. } => "DataSent".to_owned(),
        Output::DataAccepted { .. } => "DataAccepted".to_owned(),
        Output::SharedState { fingerprints, .. } => {
            format!("SharedState {}", fingerprints.as_slice().len())
        }
        Output::DataReused { .. } => "reused".to_owned(),
        Output::Halted => "Halted".to_owned(),
    }
}
