//! Studies as a user runs them: byte-identical tables whatever happens on the way, and intervals
//! that cover the truth.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::bad_input::GOOD;
use crate::program::{Desk, column, json, manifest};

/// The tables of a sweep.
const TABLES: [&str; 7] = [
    "points.csv",
    "runs.csv",
    "aggregate.csv",
    "differences.csv",
    "survival.csv",
    "closed-forms.csv",
    "dictionary.csv",
];

fn study() -> String {
    format!(
        "{GOOD}
[output]
traces = [\"sessions\"]

[sweep]
replications = 3

[sweep.grid.loss]
set = \"links.access.loss\"
values = [\"0%\", \"5%\"]

[sweep.grid.variant]
set = \"protocol.variant\"
values = [\"as-published\", \"hardened\"]
"
    )
}

#[track_caller]
fn assert_same_tables(one: &Path, other: &Path) {
    for table in TABLES {
        let read = |directory: &Path| fs::read_to_string(directory.join(table)).unwrap();
        assert_eq!(read(one), read(other), "{table}");
    }
}

#[test]
fn jobs_and_shards_change_no_byte() {
    let desk = Desk::with(&study());
    desk.run(&["sweep", "scenario.toml", "--out", "one", "--jobs", "1"])
        .expect(0);
    desk.run(&["sweep", "scenario.toml", "--out", "two", "--jobs", "2"])
        .expect(0);
    assert_same_tables(&desk.path("one"), &desk.path("two"));
    assert_eq!(manifest(&desk.path("one"))["complete"], true);
    for (shard, out) in [("2/3", "c"), ("0/3", "a"), ("1/3", "b")] {
        desk.run(&["sweep", "scenario.toml", "--out", out, "--shard", shard])
            .expect(0);
    }
    let missing = desk.run(&["merge", "a", "c", "--out", "m"]).expect(1);
    assert!(
        missing.stderr.contains("4 of 12 runs are missing"),
        "{}",
        missing.stderr
    );
    desk.run(&["merge", "b", "c", "a", "--out", "m"]).expect(0);
    assert_same_tables(&desk.path("one"), &desk.path("m"));
    // Shards that share a directory are completed in place.
    for shard in ["1/2", "0/2"] {
        desk.run(&["sweep", "scenario.toml", "--out", "d", "--shard", shard])
            .expect(0);
    }
    desk.run(&["merge", "d"]).expect(0);
    assert_same_tables(&desk.path("one"), &desk.path("d"));
}

#[test]
fn a_killed_sweep_goes_on_where_it_was() {
    let long = study().replace("replications = 3", "replications = 40");
    let desk = Desk::with(&long);
    desk.run(&["sweep", "scenario.toml", "--out", "whole"])
        .expect(0);
    let mut child = desk
        .command(&["sweep", "scenario.toml", "--out", "killed"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let records = || {
        let folder = desk.path("killed/segments");
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| fs::read_to_string(entry.path()).ok())
            .map(|text| text.lines().count())
            .sum::<usize>()
    };
    while records() < 20 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    // SIGKILL: nothing is cleaned up.
    child.kill().unwrap();
    child.wait().unwrap();
    let again = desk
        .run(&["sweep", "scenario.toml", "--out", "killed"])
        .expect(0);
    assert!(again.stdout.contains("kept"), "{}", again.stdout);
    assert_same_tables(&desk.path("whole"), &desk.path("killed"));
}

#[test]
fn nothing_is_computed_twice_and_another_study_is_refused() {
    let desk = Desk::with(&study());
    let call = ["sweep", "scenario.toml", "--out", "out", "--json"];
    desk.run(&call).expect(0);
    let again = desk.run(&call).expect(0);
    let told: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&told["kept"], &told["new"]), (&12.into(), &0.into()));
    let other = [&call[..], &["--set", "run.duration=2h"]].concat();
    let refused = desk.run(&other).expect(2);
    assert!(
        refused.stderr.contains("another result"),
        "{}",
        refused.stderr
    );
    desk.run(&[&other[..], &["--force"]].concat()).expect(0);
    let status = desk.run(&["sweep-status", "out", "--json"]).expect(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(
        (&status["planned"], &status["done"]),
        (&12.into(), &12.into())
    );
}

#[test]
fn a_dry_run_lists_and_runs_nothing() {
    let desk = Desk::with(&study());
    let listed = desk.run(&["sweep", "scenario.toml", "--dry-run"]).expect(0);
    for part in [
        "loss = 5%, variant = hardened",
        "runs          12",
        "time",
        "disk",
    ] {
        assert!(listed.stdout.contains(part), "{part}: {}", listed.stdout);
    }
    assert_eq!(desk.names(), ["scenario.toml"]);
}

#[test]
fn failed_runs_end_with_5_and_violated_expectations_with_3() {
    let desk = Desk::with(&study());
    let few = [
        "sweep",
        "scenario.toml",
        "--out",
        "few",
        "--max-events",
        "100",
    ];
    let ran = desk.run(&few).expect(5);
    assert!(
        ran.stderr.contains("12 of 12 runs failed"),
        "{}",
        ran.stderr
    );
    let errors = column(&desk.path("few/runs.csv"), "error");
    assert!(
        errors
            .iter()
            .all(|error| error == "stopped by --max-events 100"),
        "{errors:?}"
    );
    desk.run(&["sweep", "scenario.toml", "--out", "few", "--retry-failed"])
        .expect(0);
    let expecting = format!(
        "{}\n[[expect]]\nthat = \"metrics.success_rate.mean >= 99.9%\"\nwhere = \"loss == 5%\"\n",
        study()
    );
    desk.write("expecting.toml", expecting);
    let ran = desk
        .run(&["sweep", "expecting.toml", "--out", "e"])
        .expect(3);
    assert!(
        ran.stderr.contains("metrics.success_rate.mean >= 99.9%") && ran.stderr.contains("below"),
        "{}",
        ran.stderr
    );
    desk.write(
        "one.toml",
        format!("{GOOD}\n[[expect]]\nthat = \"metrics.attempts >= 1000\"\n"),
    );
    let ran = desk.run(&["run", "one.toml", "--out", "r"]).expect(3);
    assert!(
        ran.stderr.contains("metrics.attempts >= 1000"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_run_is_replayed_and_two_runs_are_told_apart() {
    let desk = Desk::with(&study());
    desk.run(&["sweep", "scenario.toml", "--out", "out"])
        .expect(0);
    let keys = column(&desk.path("out/runs.csv"), "key");
    let replayed = desk.run(&["replay", "out", &keys[4]]).expect(0);
    assert!(
        replayed.stdout.contains("the same as stored"),
        "{}",
        replayed.stdout
    );
    let steps = desk.path("out/replay").join(&keys[4]).join("messages.csv");
    assert!(fs::read_to_string(steps).unwrap().lines().count() > 10);
    let prefix = &keys[5][..8];
    desk.run(&["replay", "out", prefix, "--out", "again", "--quiet"])
        .expect(0);
    let one = format!("out/{}", keys[0]);
    let other = format!("out/{}", keys[1]);
    desk.run(&["diff", &one, &one]).expect(0);
    let parted = desk.run(&["diff", &one, &other]).expect(4);
    assert!(
        parted.stdout.contains("events are equal; then"),
        "{}",
        parted.stdout
    );
    let unknown = desk.run(&["replay", "out", "0123456789abcdef"]).expect(2);
    assert!(unknown.stderr.contains("no run"), "{}", unknown.stderr);
}

#[test]
fn kept_tables_stand_in_a_directory_per_run() {
    let desk = Desk::with(&study());
    let call = ["sweep", "scenario.toml", "--out", "out", "--keep-traces"];
    desk.run(&call).expect(0);
    let keys = column(&desk.path("out/runs.csv"), "key");
    for key in &keys {
        let run = desk.path("out/runs").join(key);
        assert!(run.join("sessions.csv").exists() && run.join("manifest.json").exists());
    }
    // Replication 0 has the scenario's own seed: the run verb gives the same.
    let first = desk.path("out/runs").join(&keys[0]);
    desk.run(&[
        "run",
        "scenario.toml",
        "--out",
        "single",
        "--set",
        "links.access.loss=0%",
    ])
    .expect(0);
    assert_eq!(
        json(&first.join("summary.json"))["fingerprint"],
        json(&desk.path("single/summary.json"))["fingerprint"]
    );
    // A damaged directory is noticed and made again.
    fs::write(first.join("sessions.csv"), "x").unwrap();
    let again = desk.run(&call).expect(0);
    assert!(again.stderr.contains("computed again"), "{}", again.stderr);
    assert!(fs::metadata(first.join("sessions.csv")).unwrap().len() > 100);
}

#[test]
fn scripts_for_a_cluster_are_written_without_one() {
    let desk = Desk::with(&study());
    let call = [
        "sweep",
        "scenario.toml",
        "--out",
        "out",
        "--slurm=print",
        "--array-size",
        "4",
        "--throttle",
        "2",
        "--partition",
        "main",
    ];
    desk.run(&call).expect(0);
    let array = fs::read_to_string(desk.path("out/slurm/array.sh")).unwrap();
    for part in [
        "#SBATCH --array=0-3%2",
        "#SBATCH --partition=main",
        "$SLURM_ARRAY_TASK_ID/4",
    ] {
        assert!(array.contains(part), "{part}: {array}");
    }
    let submit = fs::read_to_string(desk.path("out/slurm/submit.sh")).unwrap();
    assert!(submit.contains("--kill-on-invalid-dep=yes"), "{submit}");
}

#[test]
fn intervals_of_an_m_m_1_study_cover_the_truth_as_often_as_they_say() {
    // 200 independent studies of ten replications; load 0.5, so one half waits on average.
    let text = r#"
schema = 1
[scenario]
name = "coverage"
[run]
duration = "4.4s"
warmup = "400ms"
settle = "0s"
seed = 1
[protocol]
name = "traffic"
[nodes.source]
role = "source"
params = { size = "125B" }
[nodes.cpu]
role = "station"
params = { service = "exp(1ms)" }
[links.pipe]
between = ["source", "cpu"]
delay = "2ms"
[workload.load]
from = "source"
to = "cpu"
do = "send"
every = "exp(2ms)"
[sweep]
replications = 10
[sweep.grid.study]
set = "run.seed"
values = { from = 1, to = 200, step = 1 }
"#;
    let desk = Desk::with(text);
    desk.run(&["sweep", "scenario.toml", "--out", "out", "--quiet"])
        .expect(0);
    let path = desk.path("out/aggregate.csv");
    let metrics = column(&path, "metric");
    let (low, high) = (column(&path, "ci_low"), column(&path, "ci_high"));
    let number = |text: &String| text.parse::<f64>().unwrap();
    for (metric, truth) in [("station_wait_ns.cpu", 1e6), ("station_in_system.cpu", 1.0)] {
        let rows = (0..metrics.len()).filter(|row| metrics[*row] == metric);
        let covered = rows
            .clone()
            .filter(|row| number(&low[*row]) <= truth && truth <= number(&high[*row]))
            .count();
        assert_eq!(rows.count(), 200);
        // Bin(200, 0.95) lies there with 99.9 %.
        assert!((179..=198).contains(&covered), "{metric}: {covered} of 200");
    }
}
