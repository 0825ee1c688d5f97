//! One run on several threads gives the bytes of a run on one.

use crate::program::{Desk, column, differing_files, json};

/// Worlds of several servers that nothing joins, each with something of what may go wrong when parts
/// run apart: simultaneous starts, loss in bursts, copies, queues, priced computing, walking clocks,
/// retries, changes of links, a warm-up, divergences, every table.
const FLEET: &str = r#"
schema = 1

[scenario]
name = "fleet"
description = "five servers with devices of their own"

[run]
duration = "40min"
warmup = "3min"
seed = 11

[protocol]
name = "secure-vault"
params = { challenge = 3 }

[nodes.device]
role = "device"
count = 63
profile = "cortex-m4-80mhz"
start = "uniform(0s, 5min)"
clock = { offset = "uniform(-2s, 2s)", drift = "normal(0ppm, 20ppm)", walk = { sd = "1us", every = "1s" } }

[nodes.server]
role = "server"
count = 5
profile = "x86-server"

[links.access]
between = ["device", "server"]
delay = "lognormal(median=20ms, sigma=0.4)"
rate = "250kbps"
queue = { packets = 8 }
loss = { model = "gilbert-elliott", good_to_bad = "2%", bad_to_good = "20%", loss_good = "1%", loss_bad = "60%" }
duplicate = "2%"

[[links.access.schedule]]
id = "outage"
process = "exp(10min)"
for = "exp(20s)"
down = true

[[links.access.schedule]]
id = "fading"
at = "10min"
for = "10min"
set = { loss = "40%", delay = "30ms" }

[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "exp(2min)"
retry = { after = "20s", backoff = 2.0, max = 2 }

[faults.power-loss]
target = "device"
process = "exp(20min)"
effect = { kind = "reboot", downtime = "uniform(1s, 3min)" }

[faults.dark-start]
target = "device"
at = "uniform(0s, 2min)"
effect = { kind = "crash", downtime = "4min" }

[faults.jump]
target = "device"
process = "exp(15min)"
effect = { kind = "clock-step", by = "uniform(-5s, 5s)" }

[output]
traces = ["sessions", "messages", "desync", "pcapng"]
figures = ["latency-cdf", "outcomes"]
steps = "all"
"#;

/// Everybody at once, on links that all take equally long: ties everywhere.
const TIES: &str = r#"
schema = 1

[scenario]
name = "ties"
description = "nodes that do everything at the same instants"

[run]
duration = "20min"
seed = 3

[protocol]
name = "vault-exchange"

[nodes.device]
role = "device"
count = 24

[nodes.server]
role = "server"
count = 4

[links.access]
between = ["device", "server"]
delay = "10ms"
loss = "10%"

[workload.talk]
from = "device"
to = "server"
do = "authenticate"
every = "1min"

[output]
traces = ["sessions", "messages"]
"#;

/// Runs a scenario on 1, 2, 3 and 8 threads and compares.
#[track_caller]
fn same_on_any_number(desk: &Desk, more: &[&str]) {
    let one = desk.result("1", more);
    for threads in ["2", "3", "8"] {
        let args = [&["--threads", threads], more].concat();
        let other = desk.result(threads, &args);
        assert_eq!(
            differing_files(&one, &other),
            Vec::<String>::new(),
            "{threads} threads"
        );
    }
}

#[test]
fn files_and_fingerprint_are_the_same_on_any_number_of_threads() {
    let desk = Desk::with(FLEET);
    same_on_any_number(&desk, &[]);
    let kinds = column(&desk.path("1/desync.csv"), "kind");
    assert!(kinds.len() > 10, "the run is worth comparing: {kinds:?}");
    assert!(column(&desk.path("1/steps.csv"), "kind").len() > 10_000);
}

#[test]
fn ties_between_parts_are_broken_as_on_one_thread() {
    same_on_any_number(&Desk::with(TIES), &[]);
}

#[test]
fn the_run_says_how_far_its_busiest_part_lets_others_help() {
    let desk = Desk::with(FLEET);
    let ran = desk.run(&["run", "scenario.toml", "--threads", "2", "--out", "out"]);
    let told = ran.expect(0).stderr;
    assert!(
        told.contains("2 threads for 5 sets of nodes that no link joins: the busiest handled "),
        "{told}"
    );
    let events = json(&desk.path("out/manifest.json"))["counts"]["events"].clone();
    let alone = desk.result("alone", &[]);
    assert_eq!(
        json(&alone.join("manifest.json"))["counts"]["events"],
        events,
        "events that belong to all parts count once"
    );
}

#[test]
fn a_world_in_one_piece_runs_on_one_thread_and_says_why() {
    let desk = Desk::with(&FLEET.replace("count = 5", "count = 1"));
    let one = desk.result("one", &[]);
    let ran = desk.run(&["run", "scenario.toml", "--threads", "2", "--out", "two"]);
    let told = ran.expect(0).stderr;
    assert!(
        told.contains("running on one thread, since links join all its nodes"),
        "{told}"
    );
    assert!(told.contains("more servers"), "{told}");
    assert_eq!(
        differing_files(&one, &desk.path("two")),
        Vec::<String>::new()
    );
}

#[test]
fn an_interrupted_run_on_threads_ends_all_parts_at_one_instant() {
    let desk = Desk::with(&FLEET.replace("40min", "4000h"));
    let args = ["run", "scenario.toml", "--threads", "3", "--max-wall", "2s"];
    let ran = desk.run(&args).expect(1);
    assert!(ran.stderr.contains("--max-wall"), "{}", ran.stderr);
    let result = desk.path("results/fleet");
    assert_eq!(json(&result.join("manifest.json"))["complete"], false);
    let ended = column(&result.join("sessions.csv"), "ended_ns");
    let ended: Vec<u64> = ended.iter().map(|at| at.parse().unwrap()).collect();
    assert!(ended.is_sorted(), "rows stand in the order of events");
}

#[test]
fn verify_compares_threads_too() {
    let desk = Desk::with(TIES);
    let ran = desk.run(&["verify", "scenario.toml", "--json"]).expect(0);
    let verdict: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(verdict["threads"], serde_json::json!([1, 2, 4]));
}

#[test]
fn no_threads_at_all_are_refused() {
    let desk = Desk::with(TIES);
    desk.run(&["run", "scenario.toml", "--threads", "0"])
        .expect(2);
}
