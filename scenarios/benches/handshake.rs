//! What the simulator adds to the protocol: whole simulated runs of `secure-vault` against the same
//! machines driven back to back without clock, links, workload or oracles.
//!
//! Both sides provision every party, draw the same random bytes and the same delays of the links,
//! apply every durable write and handle every effect; CPU time is compared.
//! `cargo bench -p scenarios --bench handshake -- N` runs with N devices, and with several numbers once
//! for each (default 100 000; the budget is stated for 1 000 000); with `machines` or `simulated` behind
//! it one side alone runs once, for a profiler.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a bench prints figures, reads the CPU clock and stops at the first surprise"
)]

use protocols::crypto::Crypto;
use protocols::entropy::Entropy;
use protocols::{
    Address, Buffers, Channel, Command, Context, Destination, Effect, Effects, Incoming, LocalTime,
    Output,
};
use rand_core::Rng as _;
use scenarios::build::build;
use scenarios::host::World;
use scenarios::host::attempt::Outcome;
use scenarios::host::tables::NoTables;
use scenarios::verify::untraced;
use sim_engine::{Law, LazyStream, Seed, StreamName, Streams};

#[path = "../../benches/support/clock.rs"]
mod clock;

/// What the ratio is to stay below, at a million devices.
const BUDGET: f64 = 1.25;

fn scenario(devices: usize, variant: &str) -> scenarios::Scenario {
    let text = format!(
        r#"
schema = 1
[scenario]
name = "bench"
[run]
duration = "10000s"
seed = 7
[protocol]
name = "secure-vault"
variant = "{variant}"
params = {{ keys = 8, key_bits = 128, challenge = 3 }}
[nodes.device]
role = "device"
count = {devices}
start = "uniform(0s, 9000s)"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "exp(20ms)"
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
[output]
traces = []
"#
    );
    scenarios::read_text("bench.toml", &text, &[]).unwrap()
}

struct NodeEntropy<'a> {
    streams: &'a mut Streams,
    name: u64,
    position: &'a mut LazyStream,
}

impl Entropy for NodeEntropy<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        self.streams
            .reader(self.name, self.position)
            .fill_bytes(out);
    }
}

/// The machines of a world without the world: effects are carried out at once, messages handed over
/// by hand.
struct Bare {
    world: World<NoTables>,
    streams: Streams,
    names: Vec<u64>,
    positions: Vec<LazyStream>,
    crypto: Crypto,
    effects: Effects,
    buffers: Buffers,
    frame: Vec<u8>,
    delay: Law,
    delays_ns: u64,
    accepted: u64,
}

impl Bare {
    /// Runs one call; the frame it sends, if any, is left in `frame` with its destination returned.
    fn call(
        &mut self,
        node: u32,
        run: impl FnOnce(&mut protocols::registry::Column, usize, &mut Context<'_>),
    ) -> Option<Address> {
        let (group, member) = self.world.place(node);
        self.effects.clear();
        self.crypto.meter.clear();
        let storage = self.world.depot.view(node);
        let mut entropy = NodeEntropy {
            streams: &mut self.streams,
            name: self.names[node as usize],
            position: &mut self.positions[node as usize],
        };
        let mut cx = Context {
            now: LocalTime(0),
            storage: &storage,
            entropy: &mut entropy,
            crypto: &mut self.crypto,
            effects: &mut self.effects,
            buffers: &mut self.buffers,
        };
        run(
            &mut self.world.groups[group].column,
            member as usize,
            &mut cx,
        );
        let mut sent = None;
        for index in 0..self.effects.len() {
            match self.effects.get(index).1 {
                Effect::Send {
                    to: Destination::Address(to),
                    bytes,
                    ..
                } => {
                    self.frame.clear();
                    self.frame.extend_from_slice(bytes);
                    sent = Some(to);
                }
                Effect::Store { batch } => {
                    batch
                        .writes()
                        .for_each(|write| self.world.depot.apply(node, write));
                }
                Effect::Output(Output::Accepted { .. }) => self.accepted += 1,
                _ => {}
            }
        }
        sent
    }
}

/// Drives every device's handshake by hand; how often a party accepted.
fn bare(scenario: &scenarios::Scenario) -> u64 {
    let world = build::<NoTables>(scenario).unwrap().world;
    let nodes = world.group_of.len();
    let devices = nodes - 1;
    let names = (0..nodes)
        .map(|node| {
            let (group, member) = world.place(u32::try_from(node).unwrap());
            let group = &scenario.groups[group].name;
            StreamName::new("node")
                .text(group)
                .index(u64::from(member))
                .text("machine")
                .id()
        })
        .collect();
    let mut bare = Bare {
        world,
        streams: Seed::new(7, 0).streams(),
        names,
        positions: vec![LazyStream::default(); nodes],
        crypto: Crypto::default(),
        effects: Effects::default(),
        buffers: Buffers::default(),
        frame: Vec::new(),
        delay: scenario.links[0].up.delay.clone(),
        delays_ns: 0,
        accepted: 0,
    };
    let server = Address::new(u32::try_from(devices).unwrap(), 7701);
    for node in 0..nodes {
        bare.call(u32::try_from(node).unwrap(), |column, member, cx| {
            column.on_start(member, cx)
        });
    }
    let mut frame = Vec::new();
    for device in 0..u32::try_from(devices).unwrap() {
        let mut from = Address::new(device, 7701);
        let link = StreamName::new("link")
            .text("access")
            .index(u64::from(device))
            .id();
        let mut number = 0;
        let command = Command {
            id: 0,
            peer: Some(server),
            args: &[],
        };
        let mut next = bare.call(device, |column, member, cx| {
            column.on_command(member, &command, cx);
        });
        while let Some(to) = next {
            core::mem::swap(&mut frame, &mut bare.frame);
            let draw = bare.streams.block(link, number)[0];
            bare.delays_ns += bare.delay.sample_ns(draw).0;
            number += 1;
            let incoming = Incoming {
                from,
                to,
                channel: Channel::Public,
                bytes: &frame,
            };
            next = bare.call(to.host, |column, member, cx| {
                column.on_message(member, incoming, cx)
            });
            from = to;
        }
    }
    assert!(bare.delays_ns > 0, "the delays are really drawn");
    bare.accepted
}

/// Processor time of `run`, all threads together, in seconds.
fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let before = clock::process_ns();
    let result = run();
    (result, (clock::process_ns() - before) as f64 / 1e9)
}

/// Interleaved repeats, of which the best of each side counts. A small world runs for a few
/// milliseconds, of which any other program on the machine takes its share.
fn turns(devices: usize) -> usize {
    (300_000 / devices.max(1)).clamp(3, 41)
}

/// Prints both sides and their ratio for one size.
fn compare(devices: usize) {
    let turns = turns(devices);
    println!(
        "secure-vault, {devices} devices, one handshake each; CPU time, best of {turns} interleaved"
    );
    for variant in ["as-published", "hardened"] {
        let scenario = scenario(devices, variant);
        let (mut machines, mut simulated) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..turns {
            let (accepted, seconds) = timed(|| bare(&scenario));
            assert_eq!(
                accepted,
                2 * devices as u64,
                "every handshake succeeds at both ends"
            );
            machines = machines.min(seconds);
            let (finished, seconds) = timed(|| untraced(&scenario).unwrap());
            assert_eq!(finished.tally.of(Outcome::Accepted), devices as u64);
            simulated = simulated.min(seconds);
        }
        let each = |seconds: f64| seconds * 1e6 / devices as f64;
        println!(
            "  {variant:13} machines {:6.3} us each, simulated {:6.3} us each, ratio {:.2} ({} wanted)",
            each(machines),
            each(simulated),
            simulated / machines,
            BUDGET
        );
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut sizes: Vec<usize> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    if sizes.is_empty() {
        sizes.push(100_000);
    }
    let only = |side: &str| args.iter().any(|arg| arg == side);
    for devices in sizes {
        if only("machines") {
            let accepted = bare(&scenario(devices, "as-published"));
            println!("{accepted} acceptances");
        } else if only("simulated") {
            let finished = untraced(&scenario(devices, "as-published")).unwrap();
            println!("{} events", finished.events);
        } else {
            compare(devices);
        }
    }
}
