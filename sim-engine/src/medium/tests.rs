//! Media against closed forms, and what they do to single frames.

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation
)]

mod csma_ca;
mod load;
mod lora;
mod single;

use super::*;
use crate::id::{Direction, LinkId, NodeId, TimerId};
use crate::link::LinkParams;
use crate::order::Class;
use crate::packet::Fate;
use crate::rng::Seed;
use crate::testing::{Bench, constant};
use crate::time::SimTime;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// `count` stations with a link each to one hub.
struct Cell {
    bench: Bench,
    hub: NodeId,
    devices: Vec<NodeId>,
    links: Vec<LinkId>,
    medium: MediumId,
}

/// 1000 bits a second: a byte takes 8 ms.
fn kilobit() -> LinkParams {
    LinkParams {
        rate_bps: Some(1_000),
        ..LinkParams::default()
    }
}

impl Cell {
    fn new(count: u64, medium: MediumParams, link: LinkParams) -> Self {
        Self::with_modulation(count, medium, link, None)
    }

    fn with_modulation(
        count: u64,
        medium: MediumParams,
        link: LinkParams,
        modulation: Option<Modulation>,
    ) -> Self {
        let mut bench = Bench::new(7);
        let medium = bench.engine.add_medium(medium).unwrap();
        let hub = bench.node(0, false);
        let params = LinkParams {
            medium: Some(Attachment { medium, modulation }),
            ..link
        };
        let class = bench.engine.add_link_class(params).unwrap();
        let mut devices = Vec::new();
        let mut links = Vec::new();
        for number in 0..count {
            let device = bench.node(0, false);
            let name = crate::StreamName::new("link").index(number).id();
            let link = bench.engine.add_link(name, device, hub, class, class);
            devices.push(device);
            links.push(link.unwrap());
        }
        Self {
            bench,
            hub,
            devices,
            links,
            medium,
        }
    }

    /// Has device `device` send `bytes` bytes at an instant.
    fn send_at(&mut self, at: u64, device: usize, bytes: usize) {
        let (node, links) = (self.devices[device], self.links.clone());
        self.bench.host.on_control.get_or_insert_with(|| {
            Box::new(move |(owner, control): (NodeId, TimerId), out| {
                let payload = vec![0u8; (control.key >> 16) as usize];
                let first = u32::from(control.kind == 1);
                if control.kind == 1 {
                    // The hub sends to the device in the key.
                    let link = links[(control.key & 0xFFFF) as usize];
                    out.send(link, Direction::Down, 0, &payload);
                } else {
                    let device = owner.0 - 1 - first;
                    out.send(links[device as usize], Direction::Up, 0, &payload);
                }
            })
        });
        // The time is part of the control's name, or a later one would replace it.
        let control = TimerId {
            kind: 0,
            key: (bytes as u32) << 16 | self.name_of(at),
        };
        self.bench
            .act(node, |out| out.arm_control(node, control, SimTime(at)));
    }

    fn answer_at(&mut self, at: u64, device: usize, bytes: usize) {
        let hub = self.hub;
        let control = TimerId {
            kind: 1,
            key: (bytes as u32) << 16 | device as u32,
        };
        self.bench
            .act(hub, |out| out.arm_control(hub, control, SimTime(at)));
    }

    /// Sixteen bits of a name for an instant.
    fn name_of(&self, at: u64) -> u32 {
        (at / MS) as u32 & 0xFFFF
    }

    fn stats(&self) -> MediumStats {
        self.bench.engine.medium_stats(self.medium)
    }

    /// Ends of packets: (instant, fate).
    fn ends(&self) -> Vec<(u64, Fate)> {
        let end = |seen: &crate::testing::Seen| match seen {
            crate::testing::Seen::End { at, fate, .. } => Some((*at, *fate)),
            _ => None,
        };
        self.bench.host.log.iter().filter_map(end).collect()
    }
}

/// Drives every device as a Poisson source of `rate` frames a second each, for `seconds`.
fn poisson(cell: &mut Cell, rate: f64, bytes: usize, seconds: u64) {
    let law = Law::exponential(0.0, 1e9 / rate).unwrap();
    let links = cell.links.clone();
    let mut streams = Seed::new(99, 0).streams();
    let mut numbers = vec![0u64; links.len()];
    let end = seconds * S;
    let payload = vec![0u8; bytes];
    let next = TimerId { kind: 9, key: 0 };
    for (at, &device) in cell.devices.clone().iter().enumerate() {
        let first = law.sample_ns(Seed::new(98, 0).streams().block(at as u64, 0)[0]);
        cell.bench.act(device, |out| {
            out.arm_control(device, next, SimTime(first.0))
        });
    }
    cell.bench.host.unlogged = true;
    cell.bench.host.on_control = Some(Box::new(move |(owner, _), out| {
        let device = (owner.0 - 1) as usize;
        out.send(links[device], Direction::Up, 0, &payload);
        numbers[device] += 1;
        let gap = law.sample_ns(streams.block(device as u64, numbers[device])[0]);
        let at = out.now().0 + gap.0;
        if at < end {
            out.arm_control(owner, next, SimTime(at));
        }
    }));
    cell.bench.run(end + 1_000 * S);
}

/// The classes of events have not moved.
#[test]
fn events_of_media_come_last_in_an_instant() {
    assert!(Class::ALL.iter().all(|class| *class <= Class::Medium));
}
