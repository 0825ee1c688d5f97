//! PHOLD: N processes with one pending event each; every event draws a delay, updates a state and
//! schedules its successor.
//!
//! The engine (timers of nodes, armed anew by their handlers) is compared in the same run with two
//! loops in safe Rust that do the same draws, the same state and the same fingerprint update and
//! nothing else: one on the best queue known, one on the standard binary heap with a packed key.

#![allow(missing_docs, clippy::print_stdout)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::ops::ControlFlow;

use sim_engine::{
    Engine, EngineConfig, Host, Input, Law, NodeConfig, NodeId, NullRecorder, Outbox, PacketEnd,
    Passage, Progress, SimDuration, SimTime, TapDraw, TimerId, Verdict,
};

#[path = "support/chain.rs"]
mod chain;
#[path = "support/clock.rs"]
mod clock;
#[path = "support/wheel.rs"]
mod wheel;

use chain::Chain;
use wheel::{Entry, Wheel};

const TIMER: TimerId = TimerId { kind: 0, key: 0 };

/// Numbers of pending events.
const COUNTS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Delays by their upper twelve bits, so that the cost of a logarithm hides nothing.
struct Delays(Vec<u64>);

impl Delays {
    fn new(law: &Law) -> Self {
        let middle = |cell: u64| law.sample_ns((cell << 52) | (1 << 51)).0;
        Self((0..4096).map(middle).collect())
    }

    #[inline]
    fn of(&self, draw: u64) -> u64 {
        self.0[(draw >> 52) as usize] + (draw & 0xFFFF)
    }
}

/// One draw from a process's own small generator (SplitMix64).
#[inline]
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

struct Phold {
    states: Vec<u64>,
    delays: Delays,
    left: u64,
}

impl Host for Phold {
    type Header = ();
    type Effect = ();
    type Recorder = NullRecorder;

    #[inline]
    fn on_input(&mut self, _: SimTime, node: NodeId, _: Input<'_, ()>, out: &mut Outbox<'_, Self>) {
        let delay = self.delays.of(draw(&mut self.states[node.0 as usize]));
        out.arm(TIMER, SimDuration(delay));
        self.left -= 1;
        if self.left == 0 {
            out.stop();
        }
    }

    #[inline]
    fn touch(&self, entity: NodeId) -> u64 {
        self.states[entity.0 as usize]
    }

    fn on_release(&mut self, _: SimTime, _: NodeId, _: (), _: &mut Outbox<'_, Self>) {}
    fn on_control(&mut self, _: SimTime, _: NodeId, _: TimerId, _: &mut Outbox<'_, Self>) {}
    fn on_packet_end(&mut self, _: SimTime, _: &PacketEnd<'_, ()>) {}
    fn on_tap(
        &mut self,
        _: SimTime,
        _: Passage<'_>,
        _: &mut (),
        _: &mut TapDraw,
        _: &mut Vec<u8>,
    ) -> Verdict {
        Verdict::Pass
    }
}

/// The engine with its events pending.
struct InEngine {
    engine: Engine<Phold>,
    host: Phold,
}

impl InEngine {
    fn new(count: u32, law: &Law) -> Self {
        let mut engine = Engine::new(EngineConfig {
            root_seed: 1,
            replication: 0,
        });
        let states = (0..u64::from(count)).collect();
        let mut host = Phold {
            states,
            delays: Delays::new(law),
            left: 0,
        };
        for number in 0..count {
            let node = engine
                .add_node(u64::from(number), NodeConfig::default())
                .expect("the world has room");
            engine.with_outbox(node, &mut host, &mut NullRecorder, |host, out| {
                let delay = host.delays.of(draw(&mut host.states[number as usize]));
                out.arm(TIMER, SimDuration(delay));
            });
        }
        Self { engine, host }
    }

    fn run(&mut self, events: u64) {
        self.host.left = events;
        let mut check = |_: &Progress| ControlFlow::Continue(());
        let end = self
            .engine
            .run(&mut self.host, &mut NullRecorder, SimTime::LAST, &mut check);
        black_box(end.is_ok());
    }
}

/// A queue for the plain loop.
trait Queue {
    fn push(&mut self, entry: Entry);
    fn pop(&mut self) -> Entry;
}

impl Queue for Wheel {
    #[inline]
    fn push(&mut self, entry: Entry) {
        Self::push(self, entry);
    }

    #[inline]
    fn pop(&mut self) -> Entry {
        Self::pop(self)
    }
}

#[derive(Default)]
struct Heap(BinaryHeap<Reverse<(u128, u32)>>);

impl Queue for Heap {
    #[inline]
    fn push(&mut self, entry: Entry) {
        self.0.push(Reverse((entry.key, entry.node)));
    }

    #[inline]
    fn pop(&mut self) -> Entry {
        let Reverse((key, node)) = self.0.pop().unwrap_or_default();
        Entry { key, node, data: 0 }
    }
}

/// A process of the plain loop: generator, sequence number, fingerprint.
#[derive(Clone, Default)]
struct Process {
    chain: Chain,
    state: u64,
    seq: u32,
}

struct Plain<Q> {
    queue: Q,
    processes: Vec<Process>,
    delays: Delays,
}

impl<Q: Queue> Plain<Q> {
    fn new(count: u32, law: &Law, queue: Q) -> Self {
        let processes = (0..u64::from(count))
            .map(|state| Process {
                state,
                ..Process::default()
            })
            .collect();
        let mut plain = Self {
            queue,
            processes,
            delays: Delays::new(law),
        };
        for node in 0..count {
            plain.schedule(0, node);
        }
        plain
    }

    #[inline]
    fn schedule(&mut self, now: u64, node: u32) {
        let process = &mut self.processes[node as usize];
        let at = now + self.delays.of(draw(&mut process.state));
        let key = u128::from(at) << 64 | 6 << 60 | u128::from(node) << 32 | u128::from(process.seq);
        process.seq += 1;
        self.queue.push(Entry { key, node, data: 0 });
    }

    fn run(&mut self, events: u64) {
        for _ in 0..events {
            let entry = self.queue.pop();
            self.processes[entry.node as usize]
                .chain
                .update(entry.key, 4, 0);
            self.schedule((entry.key >> 64) as u64, entry.node);
        }
        black_box(self.processes[0].chain.value());
    }
}

fn main() {
    let laws = [
        ("exp(1s)", Law::exponential(0.0, 1e9)),
        ("lognormal(25ms)", Law::lognormal(25e6, 0.4)),
    ];
    println!("PHOLD, CPU ns per event, best of interleaved repeats");
    println!(
        "{:<16} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8}",
        "delay", "pending", "engine", "reference", "heap", "/ref", "/heap"
    );
    for (name, law) in laws {
        let law = law.expect("the parameters are valid");
        for count in COUNTS {
            let events = u64::from(count).max(2_000_000);
            let mut engine = InEngine::new(count, &law);
            let mut reference = Plain::new(count, &law, Wheel::new());
            let mut heap = Plain::new(count, &law, Heap::default());
            let mut best = [u64::MAX; 3];
            // The first turn warms up caches and pools and is not counted.
            for turn in 0..=clock::repeats(events) {
                let times = [
                    clock::measure(|| engine.run(events)),
                    clock::measure(|| reference.run(events)),
                    clock::measure(|| heap.run(events)),
                ];
                if turn > 0 {
                    for (best, time) in best.iter_mut().zip(times) {
                        *best = (*best).min(time);
                    }
                }
            }
            let [engine, reference, heap] = best.map(|time| time as f64 / events as f64);
            println!(
                "{name:<16} {count:>8} {engine:>8.1} {reference:>10.1} {heap:>8.1} {:>8.2} {:>8.2}",
                engine / reference,
                engine / heap
            );
        }
    }
}
