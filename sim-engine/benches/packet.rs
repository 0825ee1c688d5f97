//! A star of devices that send 64-byte requests to one server, which answers, over links with 1 %
//! loss and a delay drawn per packet.
//!
//! The engine is compared in the same run with a loop in safe Rust that makes the same ChaCha draws
//! (one block per packet), moves the same bytes through a reused pool, updates the same
//! fingerprints, and does nothing else: no CPU, no statistics, no host, no cancelling.

#![allow(missing_docs, clippy::print_stdout)]

use std::hint::black_box;
use std::ops::ControlFlow;

use sim_engine::{
    Direction, Engine, EngineConfig, Host, Input, Law, LinkId, LinkParams, LossModel, NodeConfig,
    NodeId, NullRecorder, Outbox, PacketEnd, Passage, Probability, Progress, Seed, SimDuration,
    SimTime, StreamName, Streams, TapDraw, TimerId, Verdict,
};

#[path = "support/chain.rs"]
mod chain;
#[path = "support/clock.rs"]
mod clock;
#[path = "support/wheel.rs"]
mod wheel;

use chain::{Chain, digest};
use wheel::{Entry, Wheel};

/// Numbers of devices.
const COUNTS: [u32; 3] = [1_000, 10_000, 1_000_000];
const LOSS: f64 = 0.01;
const TIMER: TimerId = TimerId { kind: 0, key: 0 };
const BYTES: usize = 64;

/// Time between two requests of a device: one second, spread by its own small generator.
#[inline]
fn think(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    500_000_000 + (*state >> 34)
}

/// The delay law of the links.
fn delay() -> Law {
    Law::uniform(5e6, 15e6).expect("the bounds are in order")
}

/// What a device writes into its request.
#[inline]
fn request(node: u32, state: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..4].copy_from_slice(&node.to_le_bytes());
    bytes[8..16].copy_from_slice(&state.to_le_bytes());
    bytes
}

struct Star {
    states: Vec<u64>,
    packets: u64,
    limit: u64,
}

impl Host for Star {
    type Header = u32;
    type Effect = ();
    type Recorder = NullRecorder;

    #[inline]
    fn on_input(
        &mut self,
        _: SimTime,
        node: NodeId,
        input: Input<'_, u32>,
        out: &mut Outbox<'_, Self>,
    ) {
        match input {
            Input::Packet {
                header,
                meta,
                bytes,
            } if node.0 == 0 => {
                self.packets += 1;
                out.send(meta.link, Direction::Down, header, bytes);
            }
            Input::Packet { bytes, .. } => {
                black_box(bytes[8]);
            }
            _ => {
                let state = &mut self.states[node.0 as usize];
                let after = think(state);
                self.packets += 1;
                out.send(
                    LinkId(node.0 - 1),
                    Direction::Up,
                    node.0,
                    &request(node.0, *state),
                );
                out.arm(TIMER, SimDuration(after));
                if self.packets >= self.limit {
                    out.stop();
                }
            }
        }
    }

    #[inline]
    fn touch(&self, entity: NodeId) -> u64 {
        self.states[entity.0 as usize]
    }

    fn on_release(&mut self, _: SimTime, _: NodeId, _: (), _: &mut Outbox<'_, Self>) {}
    fn on_control(&mut self, _: SimTime, _: NodeId, _: TimerId, _: &mut Outbox<'_, Self>) {}
    #[inline]
    fn on_packet_end(&mut self, _: SimTime, _: &PacketEnd<'_, u32>) {}
    fn on_tap(
        &mut self,
        _: SimTime,
        _: Passage<'_>,
        _: &mut u32,
        _: &mut TapDraw,
        _: &mut Vec<u8>,
    ) -> Verdict {
        Verdict::Pass
    }
}

struct InEngine {
    engine: Engine<Star>,
    host: Star,
}

impl InEngine {
    fn new(devices: u32) -> Self {
        let mut engine = Engine::new(EngineConfig {
            root_seed: 1,
            replication: 0,
        });
        let states = (0..=u64::from(devices)).collect();
        let mut host = Star {
            states,
            packets: 0,
            limit: 0,
        };
        let params = LinkParams {
            loss: LossModel::bernoulli(LOSS).expect("a probability"),
            delay: delay(),
            ..LinkParams::default()
        };
        let class = engine.add_link_class(params).expect("one class");
        let server = engine
            .add_node(0, NodeConfig::default())
            .expect("the world has room");
        for number in 1..=devices {
            let node = engine
                .add_node(u64::from(number), NodeConfig::default())
                .expect("the world has room");
            let name = StreamName::new("link").index(u64::from(number)).id();
            engine
                .add_link(name, node, server, class, class)
                .expect("both ends exist");
            engine.with_outbox(node, &mut host, &mut NullRecorder, |host, out| {
                let after = think(&mut host.states[number as usize]);
                out.arm(TIMER, SimDuration(after));
            });
        }
        Self { engine, host }
    }

    /// Runs until about this many more packets were sent; returns how many it were.
    fn run(&mut self, packets: u64) -> u64 {
        let before = self.host.packets;
        self.host.limit = before + packets;
        let mut check = |_: &Progress| ControlFlow::Continue(());
        let end = self
            .engine
            .run(&mut self.host, &mut NullRecorder, SimTime::LAST, &mut check);
        black_box(end.is_ok());
        self.host.packets - before
    }
}

/// A node of the plain loop.
#[derive(Clone, Default)]
struct Node {
    chain: Chain,
    state: u64,
    seq: u32,
}

/// A link of the plain loop: its name and the packets sent in each direction.
struct Link {
    name: u64,
    packets: [u32; 2],
}

/// A packet under way.
#[derive(Clone, Copy)]
struct Packet {
    link: u32,
    up: bool,
    bytes: [u8; BYTES],
}

const TIMER_CLASS: u128 = 6;
const DELIVERY_CLASS: u128 = 5;

struct Plain {
    queue: Wheel,
    nodes: Vec<Node>,
    links: Vec<Link>,
    pool: Vec<Packet>,
    free: Vec<u32>,
    streams: Streams,
    loss: Probability,
    delay: Law,
    packets: u64,
}

impl Plain {
    fn new(devices: u32) -> Self {
        let nodes = (0..=u64::from(devices))
            .map(|state| Node {
                state,
                ..Node::default()
            })
            .collect();
        let link = |number: u64| Link {
            name: number << 1,
            packets: [0; 2],
        };
        let mut plain = Self {
            queue: Wheel::new(),
            nodes,
            links: (0..=u64::from(devices)).map(link).collect(),
            pool: Vec::new(),
            free: Vec::new(),
            streams: Seed::new(1, 0).streams(),
            loss: Probability::new(LOSS).expect("a probability"),
            delay: delay(),
            packets: 0,
        };
        for node in 1..=devices {
            let after = think(&mut plain.nodes[node as usize].state);
            plain.schedule(after, TIMER_CLASS, node, node, 0);
        }
        plain
    }

    #[inline]
    fn schedule(&mut self, at: u64, class: u128, origin: u32, node: u32, data: u32) {
        let seq = &mut self.nodes[origin as usize].seq;
        let key = u128::from(at) << 64 | class << 60 | u128::from(origin) << 32 | u128::from(*seq);
        *seq += 1;
        self.queue.push(Entry { key, node, data });
    }

    #[inline]
    fn send(&mut self, now: u128, from: u32, link: u32, up: bool, bytes: &[u8; BYTES]) {
        self.packets += 1;
        let state = &mut self.links[link as usize];
        let number = state.packets[usize::from(up)];
        state.packets[usize::from(up)] += 1;
        let draws = self
            .streams
            .block(state.name | u64::from(up), u64::from(number));
        if self.loss.accepts(draws[0]) {
            self.nodes[from as usize]
                .chain
                .update(now, 3, digest(bytes));
            return;
        }
        let at = (now >> 64) as u64 + self.delay.sample_ns(draws[5]).0;
        let packet = Packet {
            link,
            up,
            bytes: *bytes,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.pool[index as usize] = packet;
                index
            }
            None => {
                self.pool.push(packet);
                self.pool.len() as u32 - 1
            }
        };
        let to = if up { 0 } else { link };
        self.schedule(at, DELIVERY_CLASS, from, to, index);
    }

    fn run(&mut self, packets: u64) -> u64 {
        let before = self.packets;
        while self.packets < before + packets {
            let Entry { key, node, data } = self.queue.pop();
            let entity = &mut self.nodes[node as usize];
            if (key >> 60) & 0xF == TIMER_CLASS {
                entity.chain.update(key, 4, 0);
                let after = think(&mut entity.state);
                let bytes = request(node, entity.state);
                self.send(key, node, node, true, &bytes);
                self.schedule((key >> 64) as u64 + after, TIMER_CLASS, node, node, 0);
            } else {
                let packet = self.pool[data as usize];
                self.free.push(data);
                entity.chain.update(key, 1, digest(&packet.bytes));
                if packet.up {
                    self.send(key, 0, packet.link, false, &packet.bytes);
                } else {
                    black_box(packet.bytes[8]);
                }
            }
        }
        black_box(self.nodes[0].chain.value());
        self.packets - before
    }
}

fn main() {
    println!("packets of a star, 64 B, 1 % loss: CPU ns per packet, best of interleaved repeats");
    println!(
        "{:>8} {:>8} {:>10} {:>6}",
        "devices", "engine", "reference", "/ref"
    );
    for devices in COUNTS {
        let packets = (2 * u64::from(devices)).max(1_000_000);
        let mut engine = InEngine::new(devices);
        let mut plain = Plain::new(devices);
        let mut best = [f64::INFINITY; 2];
        // The first turn warms up caches and pools and is not counted.
        for turn in 0..=clock::repeats(packets) {
            let mut sent = [0; 2];
            let times = [
                clock::measure(|| sent[0] = engine.run(packets)),
                clock::measure(|| sent[1] = plain.run(packets)),
            ];
            if turn > 0 {
                for ((best, time), sent) in best.iter_mut().zip(times).zip(sent) {
                    *best = best.min(time as f64 / sent as f64);
                }
            }
        }
        let [engine, reference] = best;
        println!(
            "{devices:>8} {engine:>8.1} {reference:>10.1} {:>6.2}",
            engine / reference
        );
    }
}
