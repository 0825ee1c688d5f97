//! Tests of the protocol: machines by hand, pairs of machines, known answers.
#![allow(clippy::unwrap_used)]

mod broken;
mod client;
mod hardened;
mod known_answers;
mod literal;
mod messages;
mod params;
mod recovery;
mod robustness;
mod server;
mod session;
mod world;

use std::sync::Arc;

use super::equations::{KEY_BYTES, Keys, initial};
use super::messages::{Header, seal};
use super::params::Params;
use crate::address::{Address, Destination};
use crate::crypto::Crypto;
use crate::effect::{Effect, Effects};
use crate::entropy::Entropy;
use crate::machine::Timer;
use crate::output::{Output, Scope};
use crate::parameter::{Value, Values};
use crate::storage::{MemoryStorage, Record, Write};
use crate::testing::Bench;
use crate::time::LocalTime;

/// Entropy that counts up in bytes: what an independent program can repeat.
#[derive(Clone, Debug)]
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

type ClientBench = Bench<super::Client, Counting>;
type ServerBench = Bench<super::Server, Counting>;

/// 2026-01-01T00:00:00Z.
const EPOCH: LocalTime = LocalTime(1_767_225_600_000_000_000);
const SERVER_AT: Address = Address::new(100, super::server::PORT);

/// Where client `id` is.
fn at(id: u8) -> Address {
    Address::new(u32::from(id), super::client::PORT)
}

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

fn params(variant: &str, given: &[(&'static str, Value)]) -> Arc<Params> {
    let mut values = Values::default();
    for (name, value) in given {
        values.set(name, value.clone());
    }
    Arc::new(Params::new(variant, &values).unwrap())
}

/// As published, one frame a datagram: what tests of single rows use.
fn datagrams(given: &[(&'static str, Value)]) -> Arc<Params> {
    let mut all = vec![("framing", text("datagram"))];
    all.extend_from_slice(given);
    params("as-published", &all)
}

/// K of a client in tests.
fn master(id: u8) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    let label = format!("client{id}_master_k");
    let length = label.len().min(KEY_BYTES);
    key[..length].copy_from_slice(&label.as_bytes()[..length]);
    key
}

fn fresh(params: &Params, id: u8) -> Keys {
    initial(params, &mut Crypto::default(), &master(id))
}

fn client(params: &Arc<Params>, id: u8) -> ClientBench {
    let mut storage = MemoryStorage::default();
    let record = [&[id][..], &master(id)].concat();
    storage.apply(Write::Put(super::client::IDENTITY, &record));
    let machine = super::Client::new(Arc::clone(params), SERVER_AT);
    let mut bench = Bench::new(machine, storage, Counting(0));
    bench.now = EPOCH;
    bench
}

fn server(params: &Arc<Params>) -> ServerBench {
    let mut storage = MemoryStorage::default();
    for id in 1..=params.clients {
        let record = Record::new(super::server::KEYS, u32::from(id));
        storage.apply(Write::Put(record, &master(id)));
    }
    let mut bench = Bench::new(
        super::Server::new(Arc::clone(params)),
        storage,
        Counting(128),
    );
    bench.now = EPOCH;
    bench
}

/// A frame under given keys, with an IV of sevens.
fn frame(
    params: &Params,
    opcode: u8,
    id: u8,
    round: u32,
    direction: u8,
    pair: &super::equations::Pair,
    payload: &[u8],
) -> Vec<u8> {
    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(7);
        }
    }
    let mut out = Vec::new();
    let header = Header {
        opcode,
        client: id,
        round,
        direction,
    };
    let mut cx = crate::Context {
        now: EPOCH,
        storage: &MemoryStorage::default(),
        entropy: &mut Sevens,
        crypto: &mut Crypto::default(),
        effects: &mut Effects::default(),
        buffers: &mut crate::Buffers::default(),
    };
    seal(params, &mut cx, header, pair, payload, None, &mut out);
    out
}

/// What a call did, in short: one word an effect, in order.
fn story(effects: &Effects) -> Vec<String> {
    effects.iter().map(|effect| word(&effect)).collect()
}

fn word(effect: &Effect<'_>) -> String {
    let timer = |timer: &Timer| ["response", "stall", "resend", "pending"][usize::from(timer.kind)];
    match effect {
        Effect::Send { to, bytes, .. } => match to {
            Destination::Stream(_) if bytes.len() == 4 => "send CLOSE".to_owned(),
            Destination::Stream(_) => format!("send {}", name(&bytes[4..])),
            _ => format!("send {}", name(bytes)),
        },
        Effect::OpenStream { .. } => "open".to_owned(),
        Effect::CloseStream { .. } => "close".to_owned(),
        Effect::Arm {
            timer: armed,
            after,
        } => format!("arm {} {}ms", timer(armed), after.0 / 1_000_000),
        Effect::Cancel { timer: cancelled } => format!("cancel {}", timer(cancelled)),
        Effect::Store { .. } => "store".to_owned(),
        Effect::Output(output) => said(output),
        Effect::Halt => "halt".to_owned(),
    }
}

fn name(frame: &[u8]) -> &'static str {
    match frame[0] {
        10 => "HELLO",
        20 => "CHALLENGE",
        30 => "DATA",
        40 => "RESPONSE",
        50 => "DESYNC",
        60 => "TERMINATE",
        _ => "other",
    }
}

fn said(output: &Output) -> String {
    match output {
        Output::Named { .. } => "named".to_owned(),
        Output::Running { .. } => "running".to_owned(),
        Output::Accepted { .. } => "accepted".to_owned(),
        Output::Rejected { scope, reason, .. } => {
            let scope = match scope {
                Scope::Command => "command",
                Scope::Frame => "frame",
                Scope::Attempt => "attempt",
            };
            format!("rejected {scope}: {reason}")
        }
        Output::Ended { reason, .. } => format!("ended: {reason}"),
        Output::DataSent { seq, .. } => format!("data sent {seq}"),
        Output::DataAccepted { seq, .. } => format!("data accepted {seq}"),
        Output::DataReused { seq, .. } => format!("data reused {seq}"),
        Output::SharedState {
            epoch,
            fingerprints,
            ..
        } => {
            format!("shares {} at {epoch}", fingerprints.as_slice().len())
        }
        Output::Halted => "halted".to_owned(),
    }
}
