//! Tests of the three roles, without a simulator.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod checks;
mod frames;
mod hostile;
mod queueing;
mod source;
mod station;

use std::sync::Arc;

use super::messages::{self, Header, Kind};
use super::{SINK, SOURCE, STATION, Sink, Source, Station, Traffic, port};
use crate::address::Address;
use crate::entropy::Script;
use crate::law::Sampler;
use crate::parameter::{Value, Values};
use crate::protocol::{Instance, Protocol as _};
use crate::registry::Column;
use crate::roster::{Group, Party, Roster};
use crate::storage::MemoryStorage;
use crate::testing::Bench;

fn instance() -> Arc<dyn Instance> {
    Traffic
        .configure("as-published", &Values::default())
        .unwrap()
}

fn values(all: &[(&'static str, Value)]) -> Values {
    let mut values = Values::default();
    for (name, value) in all {
        values.set(name, value.clone());
    }
    values
}

fn shares(all: &[(&str, f64)]) -> Value {
    Value::Shares(
        all.iter()
            .map(|(name, share)| ((*name).to_owned(), *share))
            .collect(),
    )
}

/// Parameters by name.
type Given<'a> = &'a [(&'static str, Value)];

/// Groups of (name, role, count, parameters); everybody is linked to everybody else.
fn roster(groups: &[(&str, u8, usize, Given<'_>)]) -> Roster {
    let mut roster = Roster::default();
    let mut ordinals = [0; 3];
    for (index, (name, role, count, params)) in groups.iter().enumerate() {
        roster.groups.push(Group {
            name: (*name).to_owned(),
            role: *role,
            params: values(params),
            first: roster.parties.len(),
            count: *count,
        });
        for member in 0..*count {
            ordinals[usize::from(*role)] += 1;
            roster.parties.push(Party {
                host: 10 + roster.parties.len() as u32,
                role: *role,
                group: index as u32,
                member: member as u32,
                ordinal: ordinals[usize::from(*role)],
                neighbours: (0, 0),
            });
        }
    }
    let count = roster.parties.len() as u32;
    for me in 0..count {
        let start = roster.neighbours.len() as u32;
        roster.neighbours.extend((0..count).filter(|it| *it != me));
        roster.parties[me as usize].neighbours = (start, start + count - 1);
    }
    roster
}

fn bench<M: crate::Machine>(machine: M) -> Bench<M, Script> {
    Bench::new(machine, MemoryStorage::default(), Script::default())
}

fn sources(roster: &Roster, group: usize) -> Vec<Source> {
    match instance().machines(roster, group) {
        Column::TrafficSource(all) => all,
        other => panic!("not sources: {other:?}"),
    }
}

fn station(roster: &Roster, group: usize) -> Bench<Station, Script> {
    match instance().machines(roster, group) {
        Column::TrafficStation(all) => bench(all[0].clone()),
        other => panic!("not stations: {other:?}"),
    }
}

fn sink(roster: &Roster, group: usize) -> Bench<Sink, Script> {
    match instance().machines(roster, group) {
        Column::TrafficSink(all) => bench(all[0].clone()),
        other => panic!("not sinks: {other:?}"),
    }
}

fn at(host: u32, role: u8) -> Address {
    Address::new(host, port(role))
}

fn frame(kind: Kind, class: u8, source: u16, number: u64, hops: u32, size: u32) -> Vec<u8> {
    let header = Header {
        class,
        source,
        number,
        hops,
    };
    let mut bytes = Vec::new();
    messages::encode(kind, &header, size, &mut bytes);
    bytes
}

/// A law whose value is the draw itself, modulo a bound.
#[derive(Debug)]
struct Modulo(u64);

impl Sampler for Modulo {
    fn sample(&self, draw: u64) -> u64 {
        draw % self.0
    }

    fn constant(&self) -> Option<u64> {
        None
    }

    fn describe(&self) -> String {
        format!("modulo {}", self.0)
    }
}

fn law(below: u64) -> Value {
    Value::Law(Arc::new(Modulo(below)))
}

fn words(all: &[u64]) -> Script {
    Script::new(all.iter().flat_map(|word| word.to_be_bytes()).collect())
}
