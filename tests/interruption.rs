//! Runs that end early: guards, Ctrl-C, and what stands on disk afterwards.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bad_input::GOOD;
use crate::determinism::BUSY;
use crate::program::{Desk, column, json, manifest};

#[test]
fn a_run_stopped_by_a_guard_is_marked_incomplete_and_ends_with_1() {
    let desk = Desk::with(BUSY);
    let ran = desk
        .run(&[
            "run",
            "scenario.toml",
            "--out",
            "out",
            "--max-events",
            "5000",
        ])
        .expect(1);
    assert!(
        ran.stderr.contains("--max-events 5000") && ran.stderr.contains("incomplete"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("help: "), "{}", ran.stderr);
    let result = desk.path("out");
    assert_eq!(manifest(&result)["complete"], false);
    assert_eq!(manifest(&result)["counts"]["events"], 5000);
    assert_eq!(json(&result.join("summary.json"))["complete"], false);
    assert!(
        !column(&result.join("sessions.csv"), "outcome").is_empty(),
        "what was done is there"
    );
}

#[test]
fn two_runs_stopped_at_the_same_event_are_the_same() {
    let desk = Desk::with(BUSY);
    for out in ["one", "other"] {
        desk.run(&[
            "run",
            "scenario.toml",
            "--quiet",
            "--out",
            out,
            "--max-events",
            "7001",
        ])
        .expect(1);
    }
    assert_eq!(
        crate::program::differing_files(&desk.path("one"), &desk.path("other")),
        Vec::<String>::new()
    );
}

#[test]
fn a_bound_that_is_not_reached_stops_nothing() {
    let desk = Desk::with(GOOD);
    let bounds = [
        "--max-events",
        "100000",
        "--max-wall",
        "1h",
        "--max-disk",
        "1GB",
    ];
    let result = desk.result("out", &bounds);
    assert_eq!(manifest(&result)["complete"], true);
}

#[test]
fn a_complete_run_takes_the_place_of_an_incomplete_one_and_never_the_other_way_round() {
    let desk = Desk::with(BUSY);
    let stopped = [
        "run",
        "scenario.toml",
        "--quiet",
        "--out",
        "out",
        "--max-events",
        "5000",
    ];
    desk.run(&stopped).expect(1);
    let result = desk.result("out", &[]);
    assert_eq!(manifest(&result)["complete"], true);
    let ran = desk.run(&stopped).expect(1);
    assert!(ran.stderr.contains("was kept"), "{}", ran.stderr);
    assert_eq!(manifest(&result)["complete"], true);
    assert_eq!(desk.names(), ["out", "scenario.toml"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_closes_the_files_as_a_partial_run_and_ends_with_130() {
    let desk = Desk::with(GOOD);
    let set = [
        "--set",
        "run.duration=\"3000d\"",
        "--set",
        "nodes.device.count=200",
    ];
    let args = [&["run", "scenario.toml", "--out", "out"], &set[..]].concat();
    let mut command = desk.command(&args);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The run is under way when rows have reached the disk.
    let under_way = || {
        let hidden = desk
            .names()
            .into_iter()
            .find(|name| name.starts_with(".out.partial"));
        let sessions = hidden.map(|name| desk.path(&name).join("sessions.csv"));
        sessions
            .and_then(|path| fs::metadata(path).ok())
            .is_some_and(|data| data.len() > 100_000)
    };
    while !under_way() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it was interrupted"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    let mut told = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!(status.code(), Some(130), "{told}");
    assert!(
        told.contains("interrupted") && told.contains("incomplete"),
        "{told}"
    );

    assert_eq!(desk.names(), ["out", "scenario.toml"]);
    let result = desk.path("out");
    assert_eq!(manifest(&result)["complete"], false);
    assert_eq!(json(&result.join("summary.json"))["complete"], false);
    let ended = column(&result.join("sessions.csv"), "ended_ns");
    let reached = manifest(&result)["virtual_ns"].as_u64().unwrap();
    assert!(
        ended
            .iter()
            .all(|cell| cell.parse::<u64>().unwrap() <= reached)
    );
}
