//! Instructions per event, counted by callgrind: they do not jitter, so a change of the hot path shows
//! even on a busy machine. `.ci/instructions` compares them with the committed baseline.

#![allow(missing_docs)]
#![allow(clippy::exit, reason = "the harness ends the process")]

use gungraun::{library_benchmark, library_benchmark_group, main};
use sim_engine::Law;

#[allow(dead_code, reason = "the benches that measure time use more of it")]
#[path = "support/phold.rs"]
mod processes;
#[allow(dead_code, reason = "the benches that measure time use more of it")]
#[path = "support/star.rs"]
mod star;

/// Events, and packets, that are counted.
const COUNTED: u64 = 200_000;

/// A PHOLD world of this many processes, warmed up.
fn warm_processes(count: u32) -> processes::InEngine {
    let law = Law::exponential(0.0, 1e9).expect("the parameters are valid");
    let mut world = processes::InEngine::new(count, &law);
    world.run(u64::from(count) * 2);
    world
}

/// A star of this many devices, warmed up.
fn warm_star(devices: u32) -> star::InEngine {
    let mut world = star::InEngine::new(devices);
    world.run(u64::from(devices) * 2);
    world
}

#[library_benchmark]
#[bench::pending_10k(args = (10_000), setup = warm_processes)]
fn phold(mut world: processes::InEngine) -> processes::InEngine {
    world.run(COUNTED);
    world
}

#[library_benchmark]
#[bench::devices_10k(args = (10_000), setup = warm_star)]
fn packet(mut world: star::InEngine) -> star::InEngine {
    world.run(COUNTED);
    world
}

library_benchmark_group!(name = engine, benchmarks = [phold, packet]);
main!(library_benchmark_groups = engine);
