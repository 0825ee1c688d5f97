//! One run on two threads against the same run on one: wall time, and the bound that the busiest part
//! sets; with eight servers that nothing joins, with eight that all devices share, and with one.
//!
//! `cargo bench -p scenarios --bench threads -- N WORDS` runs with N devices (default 20 000) the worlds
//! whose names contain the words. Both runs
//! record sessions into no file; the fingerprints must agree. It needs as many idle cores as threads.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "a bench prints figures, reads the clock and stops at the first surprise"
)]

use std::collections::BTreeSet;
use std::time::Instant;

use scenarios::build::build;
use scenarios::host::tables::NoTables;
use scenarios::run::{Unwatched, drive, split};

/// What the ratio is to reach on two threads with eight servers.
const BUDGET: f64 = 1.7;
/// The share of the bound that it is to reach with one server.
const BUDGET_OF_BOUND: f64 = 0.85;
/// Runs of each kind, of which the fastest counts.
const RUNS: usize = 3;
const THREADS: [u16; 3] = [1, 2, 4];

fn scenario(devices: usize, servers: usize, links: &str) -> scenarios::Scenario {
    let text = format!(
        r#"
schema = 1
[scenario]
name = "bench"
[run]
duration = "6min"
seed = 7
[protocol]
name = "secure-vault"
params = {{ keys = 8, key_bits = 128, challenge = 3 }}
[nodes.device]
role = "device"
count = {devices}
profile = "cortex-m4-80mhz"
start = "uniform(0s, 1min)"
[nodes.server]
role = "server"
count = {servers}
profile = "x86-server"
[links.access]
between = ["device", "server"]
{links}
loss = "0.5%"
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
every = "exp(1min)"
[output]
traces = []
"#
    );
    scenarios::read_text("bench.toml", &text, &[]).unwrap()
}

fn main() {
    let devices = std::env::args().find_map(|arg| arg.parse().ok());
    let devices = devices.unwrap_or(20_000);
    let apart = "delay = \"lognormal(median=20ms, sigma=0.4)\"";
    let steady = "delay = \"uniform(40ms, 60ms)\"";
    let shared = format!("{steady}\npick = \"uniform\"");
    // As many packets, of which none takes half as long.
    let close = "delay = \"uniform(20ms, 25ms)\"";
    compare("eight servers apart", &scenario(devices, 8, apart), false);
    compare(
        "eight servers, picked",
        &scenario(devices, 8, &shared),
        false,
    );
    compare("one server", &scenario(devices, 1, steady), true);
    compare("one server, close", &scenario(devices, 1, close), true);
}

fn compare(name: &str, scenario: &scenarios::Scenario, of_bound: bool) {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is_word = |word: &&String| word.parse::<usize>().is_err() && !word.starts_with('-');
    if !words
        .iter()
        .filter(is_word)
        .all(|word| name.contains(word.as_str()))
    {
        return;
    }
    println!("{name}");
    let once = |threads: u16| {
        let built = build::<NoTables>(scenario).unwrap();
        let (tables, watch) = (&mut NoTables, &mut Unwatched);
        if threads == 1 {
            let start = Instant::now();
            let finished = drive(scenario, built, tables, watch, |_| {}).unwrap();
            return (start.elapsed().as_secs_f64(), finished.fingerprint, 1.0);
        }
        let plan = split::plan(scenario, &built.engine, &built.world, threads).unwrap();
        let start = Instant::now();
        let run = split::drive(scenario, built, &plan, tables, watch, |_| {});
        let (finished, shares) = run.unwrap();
        let seconds = start.elapsed().as_secs_f64();
        (seconds, finished.fingerprint, shares.bound())
    };
    // In turns, so that what else the machine does meets all of them.
    let mut best = [f64::MAX; THREADS.len()];
    let mut bounds = [1.0; THREADS.len()];
    let mut fingerprints = BTreeSet::new();
    for _ in 0..RUNS {
        for (place, threads) in THREADS.into_iter().enumerate() {
            let (seconds, fingerprint, bound) = once(threads);
            best[place] = best[place].min(seconds);
            bounds[place] = bound;
            fingerprints.insert(fingerprint);
        }
    }
    assert_eq!(
        fingerprints.len(),
        1,
        "one fingerprint on any number of threads"
    );
    for (place, threads) in THREADS.into_iter().enumerate().skip(1) {
        let (alone, shared, bound) = (best[0], best[place], bounds[place]);
        let ratio = alone / shared;
        print!(
            "  {threads} threads: {shared:.2} s against {alone:.2} s on one, {ratio:.2} times as fast"
        );
        let budget = match (threads, of_bound) {
            (2, true) => format!(
                ", {:.0} % of it, budget {:.0} %",
                100.0 * ratio / bound,
                100.0 * BUDGET_OF_BOUND
            ),
            (2, false) => format!("; budget {BUDGET}"),
            _ => String::new(),
        };
        println!(" (bound of the busiest thread {bound:.2}{budget})");
    }
}
