//! A provisioned device and server side by side, driven by hand.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::address::Address;
use crate::effect::{Effect, Effects};
use crate::entropy::{Entropy, Script};
use crate::machine::{Arg, Machine};
use crate::output::Output;
use crate::parameter::{Value, Values};
use crate::protocol::Protocol as _;
use crate::registry::Column;
use crate::roster::{Group, Party, ProvisionSink, Roster, Streams};
use crate::storage::{MemoryStorage, Record, Write};
use crate::testing::{Bench, outputs, sent};

use super::super::{
    DEVICE, Device, HardenedDevice, HardenedServer, LiteralDevice, LiteralServer, PORT, SERVER,
    SecureVault, Server,
};

/// Host of the server in all tests.
pub(super) const SERVER_AT: Address = Address::new(100, PORT);

/// Host of device `id`.
pub(super) const fn device_at(id: u32) -> Address {
    Address::new(id, PORT)
}

/// Entropy from a seed.
#[derive(Clone, Debug)]
pub(super) struct Seeded(ChaCha8Rng);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

impl Streams for Seeded {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let hash = crate::crypto::sha256_unmetered(&[
            group.as_bytes(),
            &member.to_be_bytes(),
            purpose.as_bytes(),
        ]);
        use_it(&mut Self(ChaCha8Rng::from_seed(hash)));
    }
}

/// Storage of the parties, by index.
#[derive(Default)]
pub(super) struct Stores(pub(super) Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.0[party].apply(Write::Put(record, bytes));
    }
}

/// Values of parameters in short: words, numbers.
pub(super) fn values(given: &[(&'static str, &str)]) -> Values {
    let mut values = Values::default();
    for &(name, text) in given {
        let value = match (text.parse(), text) {
            (Ok(number), _) => Value::Integer(number),
            (_, "true") => Value::Bool(true),
            (_, "false") => Value::Bool(false),
            _ => Value::Text(text.into()),
        };
        values.set(name, value);
    }
    values
}

/// `devices` devices with ids from 1 on hosts of the same number, and one server.
pub(super) fn roster(devices: u32) -> Roster {
    let server = devices;
    let mut roster = Roster::default();
    let group = |name: &str, role, first, count| Group {
        name: name.into(),
        role,
        params: Values::default(),
        first,
        count,
    };
    roster.groups = vec![
        group("device", DEVICE, 0, devices as usize),
        group("server", SERVER, devices as usize, 1),
    ];
    for member in 0..devices {
        roster.parties.push(Party {
            host: member + 1,
            role: DEVICE,
            group: 0,
            member,
            ordinal: member + 1,
            neighbours: (member, member + 1),
        });
        roster.neighbours.push(server);
    }
    roster.parties.push(Party {
        host: SERVER_AT.host,
        role: SERVER,
        group: 1,
        member: 0,
        ordinal: 1,
        neighbours: (devices, 2 * devices),
    });
    roster.neighbours.extend(0..devices);
    roster
}

/// Devices and their server, provisioned.
pub(super) struct World<E, D = Device, S = Server> {
    pub(super) devices: Vec<Bench<D, E>>,
    pub(super) server: Bench<S, E>,
}

/// A world of the variant `hardened`.
pub(super) type HardenedWorld = World<Seeded, HardenedDevice, HardenedServer>;

impl World<Seeded> {
    /// `as-published` with these parameters.
    pub(super) fn new(given: &[(&'static str, &str)]) -> Self {
        Self::of("as-published", 1, given)
    }

    /// A variant with `devices` devices.
    pub(super) fn of(variant: &str, devices: u32, given: &[(&'static str, &str)]) -> Self {
        Self::with(variant, devices, given, seeded, published)
    }
}

impl World<Script> {
    /// `as-published`, one device; device and server draw these bytes.
    pub(super) fn scripted(given: &[(&'static str, &str)], device: &[u8], server: &[u8]) -> Self {
        let entropy = |party| Script::new(if party == 0 { server } else { device }.to_vec());
        Self::with("as-published", 1, given, entropy, published)
    }
}

impl World<Script, HardenedDevice, HardenedServer> {
    /// `hardened`, one device; device and server draw these bytes.
    pub(super) fn hardened_scripted(device: &[u8], server: &[u8]) -> Self {
        let entropy = |party| Script::new(if party == 0 { server } else { device }.to_vec());
        Self::with("hardened", 1, &[], entropy, hardened)
    }
}

impl HardenedWorld {
    /// `hardened` with these parameters and `devices` devices.
    pub(super) fn hardened(devices: u32, given: &[(&'static str, &str)]) -> Self {
        Self::with("hardened", devices, given, seeded, hardened)
    }
}

/// A world of the variant `literal`.
pub(super) type LiteralWorld<E> = World<E, LiteralDevice, LiteralServer>;

impl LiteralWorld<Script> {
    /// `literal`, one device; device and server draw these bytes.
    pub(super) fn literal_scripted(device: &[u8], server: &[u8]) -> Self {
        let entropy = |party| Script::new(if party == 0 { server } else { device }.to_vec());
        Self::with("literal", 1, &[], entropy, literal)
    }
}

impl LiteralWorld<Seeded> {
    /// `literal` with these parameters and `devices` devices.
    pub(super) fn literal(devices: u32, given: &[(&'static str, &str)]) -> Self {
        Self::with("literal", devices, given, seeded, literal)
    }
}

fn literal(columns: (Column, Column)) -> (Vec<LiteralDevice>, LiteralServer) {
    match columns {
        (
            Column::SecureVaultLiteralDevice(devices),
            Column::SecureVaultLiteralServer(mut servers),
        ) => (devices, servers.remove(0)),
        other => panic!("not literal machines: {other:?}"),
    }
}

fn seeded(party: u32) -> Seeded {
    Seeded::new(u64::from(party))
}

fn hardened(columns: (Column, Column)) -> (Vec<HardenedDevice>, HardenedServer) {
    match columns {
        (
            Column::SecureVaultHardenedDevice(devices),
            Column::SecureVaultHardenedServer(mut servers),
        ) => (devices, servers.remove(0)),
        other => panic!("not hardened machines: {other:?}"),
    }
}

fn published(columns: (Column, Column)) -> (Vec<Device>, Server) {
    match columns {
        (Column::SecureVaultDevice(devices), Column::SecureVaultServer(mut servers)) => {
            (devices, servers.remove(0))
        }
        other => panic!("not published machines: {other:?}"),
    }
}

impl<E: Entropy, D: Machine, S: Machine> World<E, D, S> {
    fn with(
        variant: &str,
        devices: u32,
        given: &[(&'static str, &str)],
        entropy: impl Fn(u32) -> E,
        unpack: impl Fn((Column, Column)) -> (Vec<D>, S),
    ) -> Self {
        let instance = SecureVault.configure(variant, &values(given)).unwrap();
        let roster = roster(devices);
        instance.check(&roster).unwrap();
        let mut stores = Stores(vec![MemoryStorage::default(); devices as usize + 1]);
        instance.provision(&roster, &mut Seeded::new(0), &mut stores);
        let columns = (instance.machines(&roster, 0), instance.machines(&roster, 1));
        let (all, server) = unpack(columns);
        let server = Bench::new(server, stores.0.pop().unwrap(), entropy(0));
        let devices = all
            .into_iter()
            .zip(stores.0)
            .zip(1..)
            .map(|((machine, storage), id)| Bench::new(machine, storage, entropy(id)))
            .collect();
        Self { devices, server }
    }

    /// The first device takes a command.
    pub(super) fn command(&mut self, id: u8, args: &[Arg<'_>]) -> &Effects {
        self.devices[0].command(id, Some(SERVER_AT), args)
    }

    /// A frame reaches the first device from the server.
    pub(super) fn reach_device(&mut self, frame: &[u8]) -> &Effects {
        self.devices[0].message(SERVER_AT, device_at(1), frame)
    }

    /// A frame reaches the server from the first device.
    pub(super) fn reach_server(&mut self, frame: &[u8]) -> &Effects {
        self.server.message(device_at(1), SERVER_AT, frame)
    }

    /// A handshake of the first device up to the M4 that the server sends.
    pub(super) fn until_m4(&mut self) -> Vec<u8> {
        let m1 = only(sent(self.command(super::super::AUTHENTICATE_COMMAND, &[])));
        let m2 = only(sent(self.reach_server(&m1)));
        let m3 = only(sent(self.reach_device(&m2)));
        only(sent(self.reach_server(&m3)))
    }

    /// One whole handshake of the first device; returns M1..M4.
    pub(super) fn handshake(&mut self) -> [Vec<u8>; 4] {
        let m1 = only(sent(self.command(super::super::AUTHENTICATE_COMMAND, &[])));
        let m2 = only(sent(self.reach_server(&m1)));
        let m3 = only(sent(self.reach_device(&m2)));
        let m4 = only(sent(self.reach_server(&m3)));
        self.reach_device(&m4);
        [m1, m2, m3, m4]
    }

    /// Record of the first device's vault at both ends: (device, server).
    pub(super) fn records(&self) -> (Vec<u8>, Vec<u8>) {
        let read = |storage: &MemoryStorage, key| {
            use crate::storage::Storage as _;
            storage
                .read(Record::new(super::super::vault::VAULTS, key))
                .unwrap()
                .to_vec()
        };
        (
            read(&self.devices[0].storage, 0),
            read(&self.server.storage, 1),
        )
    }
}

/// The last of several frames sent: in a handshake the only one that is awaited.
pub(super) fn only(mut frames: Vec<Vec<u8>>) -> Vec<u8> {
    frames.pop().expect("a frame was sent")
}

/// What was accepted in these effects: (session, run, key id).
pub(super) fn accepted(effects: &Effects) -> Option<(crate::output::Tag, crate::output::Tag)> {
    outputs(effects)
        .into_iter()
        .find_map(|output| match output {
            Output::Accepted {
                session, key_id, ..
            } => Some((session, key_id.unwrap())),
            _ => None,
        })
}

/// Effects in short: one line each, for comparison with the rows of the state tables.
pub(super) fn lines(effects: &Effects) -> Vec<String> {
    effects.iter().map(|effect| line(&effect)).collect()
}

fn line(effect: &Effect<'_>) -> String {
    use super::super::messages::tag_of;
    match effect {
        Effect::Send { to, bytes, .. } => {
            let names = ["M1", "M2", "M3", "M4", "DATA_UP", "DATA_DOWN", "END"];
            let message = bytes[0].checked_sub(tag_of(0)).map(usize::from);
            let name = message
                .and_then(|message| names.get(message))
                .unwrap_or(&"text");
            let crate::Destination::Address(to) = to else {
                panic!("only datagrams");
            };
            format!("send {name} ({} bytes) to {}", bytes.len(), to.host)
        }
        Effect::Arm { timer, after } => {
            format!(
                "arm {}:{} {}ms",
                timer_name(timer.kind),
                timer.key,
                after.0 / 1_000_000
            )
        }
        Effect::Cancel { timer } => format!("cancel {}:{}", timer_name(timer.kind), timer.key),
        Effect::Store { batch } => format!("store {} bytes", batch.size()),
        Effect::Output(output) => match output {
            Output::Named { .. } => "named".into(),
            Output::Running { .. } => "running".into(),
            Output::Accepted { peer, .. } => format!("accepted {}:{}", peer.role, peer.value),
            Output::Rejected { scope, reason, .. } => format!("rejected {scope:?}: {reason}"),
            Output::Ended { reason, .. } => format!("ended: {reason}"),
            Output::DataSent { seq, .. } => format!("data sent {seq}"),
            Output::DataAccepted { seq, .. } => format!("data accepted {seq}"),
            Output::SharedState { epoch, .. } => format!("shared state, epoch {epoch}"),
            Output::DataReused { .. } => "reused".into(),
            Output::Halted => "halted".into(),
        },
        other => format!("{other:?}"),
    }
}

fn timer_name(kind: u8) -> &'static str {
    super::super::TIMERS[usize::from(kind)].name
}
