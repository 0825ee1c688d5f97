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
        let args = [&["--threads", threads, "--share-sparse"], more].concat();
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
fn parts_that_exchange_packets_write_the_same_too() {
    let desk = Desk::with(&FLEET.replace("count = 5", "count = 1"));
    same_on_any_number(&desk, &[]);
    let kinds = column(&desk.path("1/desync.csv"), "kind");
    assert!(kinds.len() > 10, "the run is worth comparing: {kinds:?}");
}

#[test]
fn ties_across_a_cut_are_broken_as_on_one_thread() {
    same_on_any_number(&Desk::with(&TIES.replace("count = 4", "count = 1")), &[]);
}

/// Numbers that depend on nothing but where they begin.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(crate) fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// A small world in one piece, made up from a number.
fn made_up(number: u64) -> String {
    let mut numbers = Numbers(number);
    let protocol = numbers.of(&["secure-vault", "vault-exchange"]);
    let servers = 1 + numbers.below(3);
    let devices = servers + numbers.below(30);
    let profile = numbers.of(&[
        "",
        "profile = \"cortex-m4-80mhz\"",
        "profile = \"esp32-240mhz\"",
    ]);
    let served = numbers.of(&["", "profile = \"x86-server\"\nbacklog = 2"]);
    let start = numbers.of(&["", "start = \"uniform(0s, 30s)\""]);
    let topology = if servers > 1 {
        numbers.of(&["topology = \"full\"", "pick = \"uniform\""])
    } else {
        ""
    };
    let delay = numbers.of(&[
        "\"10ms\"",
        "\"uniform(5ms, 90ms)\"",
        "\"lognormal(median=40ms, sigma=0.3)\"",
        "{ up = \"2ms\", down = \"uniform(1ms, 3s)\" }",
    ]);
    let loss = numbers.of(&[
        "\"0%\"",
        "\"15%\"",
        "{ model = \"gilbert-elliott\", good_to_bad = \"5%\", bad_to_good = \"30%\", loss_good = \"1%\", loss_bad = \"70%\" }",
    ]);
    let more = [
        numbers.of(&["", "duplicate = \"5%\""]),
        numbers.of(&["", "rate = \"50kbps\"\nqueue = { packets = 3 }"]),
        numbers.of(&["", "jitter = \"exp(20ms)\""]),
        numbers.of(&["", "corrupt = \"2%\""]),
    ]
    .join("\n");
    let steps = if protocol == "secure-vault" {
        numbers.of(&[
            "\"authenticate\"",
            "[\"authenticate\", \"send-data\", \"finish\"]",
        ])
    } else {
        "\"authenticate\""
    };
    let every = numbers.of(&["\"20s\"", "\"exp(15s)\""]);
    let retry = numbers.of(&["", "retry = { after = \"3s\", backoff = 1.5, max = 2 }"]);
    let deadline = numbers.of(&["", "deadline = \"250ms\"", "deadline = \"5s\""]);
    let warmup = numbers.of(&["", "warmup = \"1min\""]);
    let faults = [
        "",
        "[faults.off]\ntarget = \"device\"\nprocess = \"exp(2min)\"\neffect = { kind = \"reboot\", downtime = \"uniform(1s, 20s)\" }",
        "[faults.off]\ntarget = \"server\"\nprocess = \"exp(1min)\"\neffect = { kind = \"reboot\", downtime = \"uniform(1s, 20s)\" }",
        "[faults.apart]\nprocess = \"exp(1min)\"\neffect = { kind = \"partition\", groups = [\"device[0]\", \"server\"], for = \"exp(20s)\" }",
        "[faults.torn]\ntarget = \"device\"\nprocess = \"exp(1min)\"\neffect = { kind = \"torn-write\", downtime = \"2s\" }",
        "[faults.jump]\ntarget = \"server\"\nprocess = \"exp(1min)\"\neffect = { kind = \"clock-step\", by = \"uniform(-5s, 5s)\" }",
    ];
    let faults = [numbers.of(&faults), numbers.of(&[faults[0], faults[0]])].join("\n");
    format!(
        "schema = 1\n[scenario]\nname = \"made-up\"\n[run]\nduration = \"4min\"\nseed = {number}\n\
         {warmup}\n[protocol]\nname = \"{protocol}\"\n\
         [nodes.device]\nrole = \"device\"\ncount = {devices}\n{profile}\n{start}\n\
         [nodes.server]\nrole = \"server\"\ncount = {servers}\n{served}\n\
         [links.access]\nbetween = [\"device\", \"server\"]\n{topology}\ndelay = {delay}\n\
         loss = {loss}\n{more}\n\
         [workload.talk]\nfrom = \"device\"\nto = \"server\"\ndo = {steps}\n\
         every = {every}\n{retry}\n{deadline}\n{faults}\n\
         [output]\ntraces = [\"sessions\", \"messages\", \"desync\", \"pcapng\"]\nsteps = \"all\"\n"
    )
}

#[test]
fn worlds_made_up_at_random_write_the_same_on_any_number_of_threads() {
    let mut shared = 0;
    for number in 0..32 {
        let scenario = made_up(number);
        let desk = Desk::with(&scenario);
        let one = desk.result("1", &[]);
        for threads in ["2", "4"] {
            let args = [
                "run",
                "scenario.toml",
                "--share-sparse",
                "--threads",
                threads,
                "--out",
                threads,
            ];
            let told = desk.run(&args).expect(0).stderr;
            shared += usize::from(told.contains("threads that hear of one another"));
            assert_eq!(
                differing_files(&one, &desk.path(threads)),
                Vec::<String>::new(),
                "world {number} on {threads} threads\n{scenario}"
            );
        }
    }
    assert!(shared >= 40, "only {shared} of 64 runs were shared");
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
fn parts_of_one_piece_that_exchange_packets_say_what_bounds_them() {
    let desk = Desk::with(&FLEET.replace("count = 5", "count = 1"));
    let ran = desk.run(&[
        "run",
        "scenario.toml",
        "--threads",
        "4",
        "--out",
        "four",
        "--share-sparse",
    ]);
    let told = ran.expect(0).stderr;
    assert!(
        told.contains("4 threads that hear of one another, at most "),
        "{told}"
    );
    assert!(told.contains("events, so at most "), "{told}");
    assert!(told.contains("more servers"), "{told}");
}

#[test]
fn a_world_with_few_sessions_at_a_time_runs_on_one_thread_and_says_what_would_help() {
    // 24 sessions a minute and 10 ms.
    refused(
        &TIES.replace("count = 4", "count = 1"),
        "about 0.0040 sessions begin within the 10 ms that a part may run ahead of another",
    );
}

/// A world of one server on one thread all the same, and its reason.
#[track_caller]
fn refused(scenario: &str, reason: &str) {
    let desk = Desk::with(scenario);
    let one = desk.result("one", &[]);
    let ran = desk.run(&["run", "scenario.toml", "--threads", "2", "--out", "two"]);
    let told = ran.expect(0).stderr;
    let said = format!("running on one thread, since {reason}");
    assert!(told.contains(&said), "{told}");
    assert_eq!(
        differing_files(&one, &desk.path("two")),
        Vec::<String>::new()
    );
}

#[test]
fn a_world_in_which_no_part_can_run_ahead_runs_on_one_thread_and_says_why() {
    let star = TIES.replace("count = 4", "count = 1");
    refused(
        &star.replace("delay = \"10ms\"", "delay = \"exp(10ms)\""),
        "packets on its links take too little time for one part to run ahead of another",
    );
    refused(
        &star
            .replace(
                "[output]",
                "[workload.back]\nfrom = \"server\"\nto = \"device\"\ndo = \"authenticate\"\n\
             every = \"7min\"\n[output]",
            )
            .replace("vault-exchange", "traffic")
            .replace("role = \"device\"", "role = \"source\"")
            .replace("role = \"server\"", "role = \"source\"")
            .replace("do = \"authenticate\"", "do = \"send\""),
        "links join all its nodes, directly or through others, and cannot be cut",
    );
    refused(
        &star.replace(
            "[output]",
            "[faults.cut]\nprocess = \"exp(5min)\"\n\
             effect = { kind = \"link-down\", link = \"access\", for = \"5s\" }\n[output]",
        ),
        "the fault `cut` concerns both ends of links, so the nodes there run together and have nearly \
         all there is to do",
    );
    refused(
        &star.replace(
            "[output]",
            "[adversaries.eve]\non = \"access\"\nattack = \"mitm\"\n[output]",
        ),
        "the adversary `eve` acts as one over all its links, so the nodes there run together and have \
         nearly all there is to do",
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
