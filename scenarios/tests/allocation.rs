//! In the steady state a world allocates nothing: engine, host and the machines of the symmetric
//! protocols.
//!
//! The link loses nothing and nothing varies here: what a lost message leaves unanswered is remembered,
//! and a new maximum of what is in flight takes room, so tables that double now and then are no steady
//! state.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

use core::ops::ControlFlow;

use scenarios::build::build;
use scenarios::host::World;
use scenarios::host::tables::NoTables;
use sim_engine::{NodeId, SimTime};

const HOUR_NS: u64 = 3_600_000_000_000;

/// Allocations and events of the second half of a run of 48 virtual hours.
fn second_half(protocol: &str, workload: &str) -> (u64, u64) {
    let text = format!(
        r#"
schema = 1
[scenario]
name = "steady"
[run]
duration = "48h"
seed = 3
[protocol]
{protocol}
[nodes.client]
role = "{role}"
count = 50
profile = "cortex-m4-80mhz"
start = "uniform(0s, 10min)"
[nodes.server]
role = "server"
profile = "x86-server"
[links.access]
between = ["client", "server"]
delay = "20ms"
rate = "250kbps"
[workload.report]
from = "client"
to = "server"
do = {workload}
every = "10min"
"#,
        role = if protocol.contains("ratchet") {
            "client"
        } else {
            "device"
        },
    );
    let scenario = scenarios::read_text("steady.toml", &text, &[])
        .unwrap_or_else(|error| panic!("{}", error.render(false)));
    let built =
        build::<NoTables>(&scenario).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let (mut engine, mut world, mut tables) = (built.engine, built.world, NoTables);
    engine.with_outbox(NodeId(0), &mut world, &mut tables, World::start);
    let mut until = |engine: &mut sim_engine::Engine<World<NoTables>>, hours: u64| {
        let to = SimTime(hours * HOUR_NS);
        engine
            .run(&mut world, &mut tables, to, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap();
    };
    until(&mut engine, 24);
    let before = engine.events();
    let counted = allocation_counter::measure(|| until(&mut engine, 48));
    (counted.count_total, engine.events() - before)
}

#[test]
fn secure_vault_runs_without_allocating() {
    let protocol = "name = \"secure-vault\"\nparams = { keys = 8, challenge = 3 }";
    let (allocations, events) = second_half(protocol, r#"["authenticate", "send-data", "finish"]"#);
    assert!(events > 50_000, "{events} events are a steady state");
    assert_eq!(allocations, 0, "allocations in {events} events");
}

#[test]
fn ratchet_runs_without_allocating() {
    let protocol = "name = \"ratchet\"\nparams = { framing = \"datagram\", clients = 50 }";
    let (allocations, events) = second_half(protocol, r#"["authenticate", "send-data", "finish"]"#);
    assert!(events > 50_000, "{events} events are a steady state");
    assert_eq!(allocations, 0, "allocations in {events} events");
}
