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

use sim_engine::Law;

#[path = "support/chain.rs"]
mod chain;
#[path = "../../benches/support/clock.rs"]
mod clock;
#[path = "support/phold.rs"]
mod phold;
#[path = "support/wheel.rs"]
mod wheel;

use chain::Chain;
use phold::{Delays, InEngine, draw};
use wheel::{Entry, Wheel};

/// Numbers of pending events.
const COUNTS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// From here on it pays to read ahead, as the engine does.
const CACHED: usize = 1 << 14;

/// A queue for the plain loop.
trait Queue {
    fn push(&mut self, entry: Entry);
    fn pop(&mut self) -> Entry;

    /// Entries whose processes are worth reading ahead.
    fn upcoming(&mut self) -> &[Entry] {
        &[]
    }
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

    #[inline]
    fn upcoming(&mut self) -> &[Entry] {
        Self::upcoming(self)
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
            if self.processes.len() > CACHED {
                let ahead = self.queue.upcoming().iter();
                black_box(ahead.fold(0, |sum, next| sum ^ self.processes[next.node as usize].seq));
            }
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
    // `-- exp 1000` and the like run a part of it.
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words = || {
        args.iter()
            .filter(|arg| arg.starts_with(char::is_alphabetic))
    };
    let counts: Vec<u32> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    for (name, law) in laws {
        let law = law.expect("the parameters are valid");
        for count in COUNTS {
            let named = words().next().is_none() || words().any(|word| name.starts_with(word));
            if !named || (!counts.is_empty() && !counts.contains(&count)) {
                continue;
            }
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
