//! What each trace level costs: the same run with nothing recorded, and with one table more each time.
//!
//! `cargo bench -p scenarios --bench traces [-- DEVICES]`; processor time of all threads, best of five
//! interleaved turns, files in the directory for temporary files.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a bench prints figures, reads clocks and stops at the first surprise"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use reports::store::Staging;
use scenarios::build::build;
use scenarios::host::tables::NoTables;
use scenarios::names::Names;
use scenarios::record::FileTables;
use scenarios::run::{Unwatched, drive};
use scenarios::{Scenario, results};

#[allow(dead_code, reason = "each bench uses a part")]
mod support;

/// Name of the level, `[output]`.
const LEVELS: [(&str, &str); 7] = [
    ("nothing", ""),
    ("tables without rows", "traces = []\nsteps = \"none\""),
    ("sessions", "traces = [\"sessions\"]\nsteps = \"none\""),
    ("messages", "traces = [\"messages\"]\nsteps = \"none\""),
    (
        "messages, 1% sample",
        "traces = [\"messages\"]\nsteps = \"none\"\nsample = \"1%\"",
    ),
    ("pcapng", "traces = [\"pcapng\"]\nsteps = \"none\""),
    ("steps of all", "traces = []\nsteps = \"all\""),
];
const TURNS: usize = 5;
const HANDSHAKES: usize = 20;

/// Seconds of processor and wall, bytes written.
fn run(scenario: &Scenario, record: bool, place: &Path) -> (f64, f64, u64) {
    let built = if record {
        None
    } else {
        Some(build::<NoTables>(scenario).unwrap())
    };
    if let Some(built) = built {
        let (begin, before) = (Instant::now(), support::cpu_seconds());
        drive(scenario, built, &mut NoTables, &mut Unwatched, |_| {}).unwrap();
        return (
            support::cpu_seconds() - before,
            begin.elapsed().as_secs_f64(),
            0,
        );
    }
    let built = build::<FileTables>(scenario).unwrap();
    let target = place.join("result");
    let staging = Staging::open(&target, &results::key(scenario, "bench"), false).unwrap();
    let names = Arc::new(Names::new(scenario, &built.links));
    let mut tables = FileTables::open(
        &staging,
        scenario,
        names,
        &built.world.relations,
        &built.links,
    )
    .unwrap();
    let (begin, before) = (Instant::now(), support::cpu_seconds());
    drive(scenario, built, &mut tables, &mut Unwatched, |_| {}).unwrap();
    tables.finish().unwrap();
    let spent = (
        support::cpu_seconds() - before,
        begin.elapsed().as_secs_f64(),
    );
    let files = fs::read_dir(staging.path()).unwrap();
    let bytes = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    (spent.0, spent.1, bytes)
}

fn main() {
    let devices: usize = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(10_000);
    let place = tempfile::tempdir().unwrap();
    println!(
        "secure-vault, {devices} devices, {HANDSHAKES} handshakes each, 1 % loss; best of {TURNS}"
    );
    println!(
        "{:<22} {:>8} {:>8} {:>8} {:>10}",
        "recorded", "CPU, s", "ratio", "wall, s", "MB"
    );
    let mut best = [(f64::INFINITY, f64::INFINITY, 0); LEVELS.len()];
    for _ in 0..TURNS {
        for ((name, output), best) in LEVELS.iter().zip(&mut best) {
            let scenario = support::fleet(devices, HANDSHAKES, "1%", output);
            let (cpu, wall, bytes) = run(&scenario, *name != "nothing", place.path());
            *best = (best.0.min(cpu), best.1.min(wall), bytes);
        }
    }
    for ((name, _), (cpu, wall, bytes)) in LEVELS.iter().zip(&best) {
        println!(
            "{name:<22} {cpu:>8.2} {:>8.2} {wall:>8.2} {:>10.1}",
            cpu / best[0].0,
            *bytes as f64 / 1e6
        );
    }
}
