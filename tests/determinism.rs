//! The same scenario, seed and version give the same bytes, wherever and however they are run.

use crate::program::{Desk, column, data_files, differing_files, json, ran};
use crate::simulation::{self, scenario};

/// Loss in bursts, queues, priced computing, drifting clocks, retries and an adversary: something
/// of everything that draws or waits.
pub(crate) const BUSY: &str = r#"
schema = 1

[scenario]
name = "busy"
description = "something of everything"

[run]
duration = "2h"
seed = 7

[protocol]
name = "secure-vault"
params = { challenge = 3 }

[nodes.device]
role = "device"
count = 40
profile = "cortex-m4-80mhz"
start = "uniform(0s, 5min)"
clock = { offset = "uniform(-2s, 2s)", drift = "normal(0ppm, 20ppm)" }

[nodes.server]
role = "server"
profile = "x86-server"

[links.access]
between = ["device", "server"]
preset = "ieee802154"

[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "exp(5min)"
retry = { after = "20s", backoff = 2.0, max = 2 }

[adversaries.mitm]
on = "access"
powers = ["observe", "drop"]

[[adversaries.mitm.rules]]
id = "drop-final"
match = { direction = "down", message = "M4" }
action = "drop"
probability = "3%"

[output]
traces = ["sessions", "messages", "desync"]
figures = ["latency-cdf", "survival", "outcomes"]
"#;

#[test]
fn two_runs_write_the_same_bytes_figures_included() {
    let desk = Desk::with(BUSY);
    let (one, other) = (desk.result("one", &[]), desk.result("other", &[]));
    assert_eq!(differing_files(&one, &other), Vec::<String>::new());
    assert!(
        data_files(&one)
            .keys()
            .any(|name| name.ends_with("survival.png"))
    );
    assert!(column(&one.join("sessions.csv"), "outcome").len() > 900);
    assert!(
        column(&one.join("desync.csv"), "kind").len() > 5,
        "the run is worth comparing"
    );
}

#[test]
fn neither_the_working_directory_nor_the_environment_changes_a_byte() {
    let desk = Desk::with(BUSY);
    let here = desk.result("here", &[]);
    let elsewhere = Desk::new();
    let file = desk.path("scenario.toml");
    let mut command = elsewhere.command(&["run", "--out", "there", "--seed", "7"]);
    command.arg(&file).env_clear();
    for (name, value) in [
        ("LANG", "de_DE.UTF-8"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("TZ", "Pacific/Apia"),
        ("COLUMNS", "20"),
        ("NO_COLOR", "1"),
        ("RAYON_NUM_THREADS", "1"),
        ("RUST_BACKTRACE", "full"),
        ("HOME", "/nonexistent"),
    ] {
        command.env(name, value);
    }
    ran(&mut command).expect(0);
    assert_eq!(
        differing_files(&here, &elsewhere.path("there")),
        ["scenario.toml"]
    );
    let fingerprint =
        |directory: &std::path::Path| json(&directory.join("summary.json"))["fingerprint"].clone();
    assert_eq!(fingerprint(&here), fingerprint(&elsewhere.path("there")));
}

#[test]
fn another_seed_gives_other_rows() {
    let desk = Desk::with(BUSY);
    let (one, other) = (
        desk.result("one", &[]),
        desk.result("other", &["--seed", "8"]),
    );
    let differing = differing_files(&one, &other);
    for file in [
        "sessions.csv",
        "messages.csv",
        "nodes.csv",
        "links.csv",
        "summary.json",
    ] {
        assert!(
            differing.iter().any(|name| name == file),
            "{file} is the same: {differing:?}"
        );
    }
    let prints =
        [&one, &other].map(|result| json(&result.join("summary.json"))["fingerprint"].clone());
    assert_ne!(prints[0], prints[1]);
    let same = desk.result("same", &["--set", "run.seed=8"]);
    assert_eq!(
        differing_files(&other, &same),
        Vec::<String>::new(),
        "both name the same seed"
    );
}

#[test]
fn switching_traces_and_figures_off_changes_no_fingerprint_and_no_metric() {
    let desk = Desk::with(BUSY);
    let traced = desk.result("traced", &[]);
    let bare = desk.result(
        "bare",
        &["--set", "output.traces=[]", "--set", "output.figures=[]"],
    );
    let (traced_summary, bare_summary) = (
        json(&traced.join("summary.json")),
        json(&bare.join("summary.json")),
    );
    assert_eq!(traced_summary["fingerprint"], bare_summary["fingerprint"]);
    assert_eq!(traced_summary["metrics"], bare_summary["metrics"]);
    for file in ["nodes.csv", "links.csv", "costs.csv", "attacks.csv"] {
        assert!(
            !differing_files(&traced, &bare)
                .iter()
                .any(|name| name == file),
            "{file}"
        );
    }
    assert_eq!(
        column(&bare.join("messages.csv"), "packet"),
        Vec::<String>::new()
    );
    assert!(column(&traced.join("messages.csv"), "packet").len() > 3000);
}

#[test]
fn the_library_and_the_program_agree_on_the_fingerprint() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let finished = simulation::run(&scenario(BUSY));
    let told = json(&result.join("summary.json"))["fingerprint"].clone();
    assert_eq!(told, format!("{:032x}", finished.fingerprint));
}

#[test]
fn verify_says_what_it_compared() {
    let desk = Desk::with(BUSY);
    let ran = desk.run(&["verify", "scenario.toml"]).expect(0);
    assert!(ran.stdout.starts_with("deterministic: "), "{}", ran.stdout);
    let finished = simulation::run(&scenario(BUSY));
    assert!(
        ran.stdout
            .contains(&format!("{:032x}", finished.fingerprint)),
        "{}",
        ran.stdout
    );
}
