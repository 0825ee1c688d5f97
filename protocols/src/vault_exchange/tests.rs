//! Tests of the exchange, without a simulator.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod broken;
mod device;
mod frames;
mod hardened;
mod hostile;
mod known_answers;
mod literal;
mod parameters;
mod resend;
mod server;

use std::sync::Arc;

use super::{DEVICE, PORT, SERVER, SESSION_TIMER, VaultExchange};
use super::{Device, Server};
use crate::address::{Address, Channel, Destination};
use crate::effect::{Effect, Effects};
use crate::entropy::Entropy;
use crate::machine::{Machine, Timer};
use crate::output::{Output, Principal, Reason, Scope, Tag};
use crate::parameter::{Value, Values};
use crate::protocol::{Instance, Protocol as _};
use crate::registry::Column;
use crate::roster::{Group, Party, ProvisionSink, Roster, Streams};
use crate::storage::{MemoryStorage, Record, Write};
use crate::testing::Bench;
use crate::time::Span;

/// Host numbers: devices from 1 on, then the server.
const DEVICE_HOST: u32 = 1;

/// A fixed sequence of bytes that an independent program makes too.
#[derive(Clone, Debug)]
struct Lcg(u64);

impl Entropy for Lcg {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = (self.0 * 1_103_515_245 + 12_345) % (1 << 31);
            *byte = (self.0 >> 16) as u8;
        }
    }
}

type Given<'a> = &'a [(&'static str, Value)];

fn number(value: u64) -> Value {
    Value::Integer(value)
}

fn word(word: &str) -> Value {
    Value::Text(word.into())
}

fn seconds(value: u64) -> Value {
    Value::Integer(value * 1_000_000_000)
}

fn values(given: Given<'_>) -> Values {
    let mut values = Values::default();
    for (name, value) in given {
        values.set(name, value.clone());
    }
    values
}

fn instance(variant: &str, given: Given<'_>) -> Arc<dyn Instance> {
    VaultExchange.configure(variant, &values(given)).unwrap()
}

/// `devices` devices, then their server.
fn roster(devices: u32) -> Roster {
    let group = |name: &str, role, first, count| Group {
        name: name.into(),
        role,
        params: Values::default(),
        first,
        count,
    };
    let party = |host: u32, neighbours| Party {
        host,
        role: if host > devices { SERVER } else { DEVICE },
        group: u32::from(host > devices),
        member: if host > devices { 0 } else { host - 1 },
        ordinal: if host > devices { 1 } else { host },
        neighbours,
    };
    let mut parties: Vec<Party> = (1..=devices)
        .map(|host| party(host, (host - 1, host)))
        .collect();
    parties.push(party(devices + 1, (devices, 2 * devices)));
    let mut neighbours = vec![devices; devices as usize];
    neighbours.extend(0..devices);
    Roster {
        groups: vec![
            group("device", DEVICE, 0, devices as usize),
            group("server", SERVER, devices as usize, 1),
        ],
        parties,
        neighbours,
    }
}

/// Every stream is the member's number, repeated.
struct Counted;

impl Streams for Counted {
    fn with(
        &mut self,
        _group: &str,
        member: u32,
        _purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        use_it(&mut Lcg(u64::from(member) + 100));
    }
}

struct Stores(Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.0[party].apply(Write::Put(record, bytes));
    }
}

/// A record of a vault whose row i is filled with i + 1.
fn plain_vault(keys: u8, key_bytes: usize) -> Vec<u8> {
    let mut record = vec![0; 4];
    for row in 1..=keys {
        record.extend(vec![row; key_bytes]);
    }
    record
}

/// One device and its server, with vaults whose row i is filled with i + 1.
struct Pair {
    device: Bench<Device, Lcg>,
    server: Bench<Server, Lcg>,
}

impl Pair {
    fn new(variant: &str, given: Given<'_>) -> Self {
        let keys = values(given).integer("keys", 4) as u8;
        let key_bytes = values(given).integer("key_bits", 128) as usize / 8;
        let instance = instance(variant, given);
        let roster = roster(1);
        let storage = |key| {
            let mut storage = MemoryStorage::default();
            let vault = plain_vault(keys, key_bytes);
            storage.apply(Write::Put(Record::new(0, key), &vault));
            storage
        };
        let Column::VaultExchangeDevice(mut devices) = instance.machines(&roster, 0) else {
            panic!("no devices");
        };
        let Column::VaultExchangeServer(mut servers) = instance.machines(&roster, 1) else {
            panic!("no servers");
        };
        Self {
            device: Bench::new(devices.remove(0), storage(0), Lcg(1)),
            server: Bench::new(servers.remove(0), storage(1), Lcg(2)),
        }
    }

    fn device_vault(&self) -> Vec<u8> {
        vault(&self.device.storage, 0)
    }

    fn server_vault(&self) -> Vec<u8> {
        vault(&self.server.storage, 1)
    }
}

fn vault(storage: &MemoryStorage, key: u32) -> Vec<u8> {
    use crate::storage::Storage as _;
    storage.read(Record::new(0, key)).unwrap().to_vec()
}

const fn at(host: u32) -> Address {
    Address::new(host, PORT)
}

const DEVICE_AT: Address = at(1);
const SERVER_AT: Address = at(2);
/// The server's session with the device.
const SERVER_SESSION: Timer = Timer {
    kind: SESSION_TIMER,
    key: 1,
};
const STRANGER_AT: Address = at(9);
const DEVICE_NAME: Principal = Principal::id(DEVICE, 1);
const SERVER_NAME: Principal = Principal::id(SERVER, 2);

fn list(effects: &Effects) -> Vec<Effect<'_>> {
    effects.iter().collect()
}

fn send(to: Address, bytes: &[u8]) -> Effect<'_> {
    Effect::Send {
        from_port: PORT,
        to: Destination::Address(to),
        channel: Channel::Public,
        bytes,
    }
}

fn rejected<'a>(scope: Scope, peer: Option<Principal>, reason: impl Into<Reason>) -> Effect<'a> {
    Effect::Output(Output::Rejected {
        peer,
        session: None,
        scope,
        reason: reason.into(),
    })
}

fn tag(label: &str, parts: &[&[u8]]) -> Tag {
    crate::crypto::tag(label, parts)
}

fn running<'a>(peer: Principal, transcript: &[&[u8]]) -> Effect<'a> {
    let run = tag("run", transcript);
    Effect::Output(Output::Running { peer, run })
}

fn accepted<'a>(peer: Principal, request: &[u8], answer: &[u8], run: &[&[u8]]) -> Effect<'a> {
    Effect::Output(Output::Accepted {
        peer,
        session: tag("session", &[request, answer]),
        run: tag("run", run),
        key_id: Some(tag("key-id", &[&answer[1..17]])),
    })
}

fn ended<'a>(peer: Principal, request: &[u8], answer: &[u8]) -> Effect<'a> {
    Effect::Output(Output::Ended {
        peer,
        session: tag("session", &[request, answer]),
        reason: Reason::new("session-end"),
    })
}

fn shared<'a>(peer: Principal, record: &[u8]) -> Effect<'a> {
    let (epoch, keys) = record.split_at(4);
    Effect::Output(Output::SharedState {
        peer,
        relation: 0,
        epoch: u64::from(u32::from_be_bytes(epoch.try_into().unwrap())),
        fingerprints: crate::output::Fingerprints::one(crate::crypto::fingerprint(&[keys])),
        durable: true,
    })
}

/// The record after one update with a combined key.
fn updated(record: &[u8], combined: &[u8]) -> Vec<u8> {
    let epoch = u32::from_be_bytes(record[..4].try_into().unwrap()) + 1;
    let rows = record[4..].iter().zip(combined.iter().cycle());
    let mut next = epoch.to_be_bytes().to_vec();
    next.extend(rows.map(|(byte, other)| byte ^ other));
    next
}

/// Checks that an effect is one store of this record.
fn assert_store(effect: &Effect<'_>, record: Record, bytes: &[u8], atomic: bool) {
    let Effect::Store { batch } = effect else {
        panic!("not a store: {effect:?}");
    };
    assert_eq!(batch.atomic, atomic);
    let writes: Vec<_> = batch.writes().collect();
    assert_eq!(writes, [Write::Put(record, bytes)]);
}

fn state_of<M: Machine, E: Entropy>(bench: &Bench<M, E>) -> &'static str {
    bench.machine.state()
}

const SECOND: Span = Span::from_secs(1);
