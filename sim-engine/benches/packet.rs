//! A star of devices that send 64-byte requests to one server, which answers, over links with 1 %
//! loss and a delay drawn per packet.
//!
//! The engine is compared in the same run with a loop in safe Rust that makes the same ChaCha draws
//! (one block per packet), moves the same bytes through a reused pool, updates the same
//! fingerprints, and does nothing else: no CPU, no statistics, no host, no cancelling.

#![allow(missing_docs, clippy::print_stdout)]

use std::hint::black_box;

use sim_engine::{Law, Probability, Seed, Streams};

#[path = "support/chain.rs"]
mod chain;
#[path = "../../benches/support/clock.rs"]
mod clock;
#[path = "support/star.rs"]
mod star;
#[path = "support/wheel.rs"]
mod wheel;

use chain::{Chain, digest};
use star::{BYTES, InEngine, LOSS, delay, request, think};
use wheel::{Entry, Wheel};

/// Numbers of devices.
const COUNTS: [u32; 3] = [1_000, 10_000, 1_000_000];

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

/// From here on it pays to read ahead, as the engine does.
const CACHED: usize = 1 << 14;
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
            if self.nodes.len() > CACHED {
                let ahead = self.queue.upcoming().iter();
                black_box(ahead.fold(0, |sum, next| {
                    let number = self.links[next.node as usize].packets[0];
                    sum ^ self.nodes[next.node as usize].seq ^ number
                }));
            }
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
    // `-- 1000` and the like run a part of it.
    let only: Vec<u32> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    for devices in COUNTS {
        if !only.is_empty() && !only.contains(&devices) {
            continue;
        }
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
