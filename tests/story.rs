//! A stored run is told session by session, and made small without losing its verdict.

use crate::determinism::BUSY;
use crate::program::{Desk, column};

#[test]
fn the_witness_is_told_with_deed_fields_and_break() {
    let desk = Desk::with(BUSY);
    desk.result("out", &["--set", "run.duration=30min"]);
    let told = desk.run(&["explain", "out", "--witness"]).expect(0).stdout;
    assert!(told.starts_with("Session device["), "{told}");
    for part in [
        "Adversary mitm stands on access with the powers observe drop",
        "mitm was told no secret.",
        "sends M1 to server[0]",
        "drops M4 (by drop-final)",
        "  >>  ",
        " is broken: ",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    let mermaid = ["explain", "out", "--witness", "--format", "mermaid"];
    let mermaid = desk.run(&mermaid).expect(0).stdout;
    assert!(mermaid.starts_with("sequenceDiagram\n"), "{mermaid}");
    assert!(mermaid.contains("as mitm (adversary)"), "{mermaid}");
    let svg = ["explain", "out", "--witness", "--format", "svg"];
    assert!(desk.run(&svg).expect(0).stdout.starts_with("<svg"));
}

#[test]
fn a_session_that_cannot_be_told_is_refused_with_what_to_do() {
    let desk = Desk::with(BUSY);
    let out = desk.result("out", &["--set", "run.duration=15min"]);
    let refused = desk.run(&["explain", "out", "--session", "device[0]/999"]);
    let refused = refused.expect(2).stderr;
    assert!(refused.contains("no session device[0]/999"), "{refused}");
    assert!(refused.contains("with kept steps: device["), "{refused}");
    let sessions = out.join("sessions.csv");
    let outcomes = column(&sessions, "outcome");
    let accepted = outcomes.iter().position(|outcome| outcome == "accepted");
    let name = &column(&sessions, "session")[accepted.unwrap()];
    let refused = desk.run(&["explain", "out", "--session", name]);
    let refused = refused.expect(2).stderr;
    assert!(refused.contains("were not kept"), "{refused}");
    assert!(refused.contains("output.steps"), "{refused}");
    desk.result(
        "none",
        &["--set", "output.steps=none", "--set", "run.duration=15min"],
    );
    let refused = desk.run(&["explain", "none", "--witness"]).expect(2).stderr;
    assert!(
        refused.contains("kept the steps of no session"),
        "{refused}"
    );
    let neither = desk.run(&["explain", "out"]).expect(2).stderr;
    assert!(neither.contains("--witness"), "{neither}");
}

#[test]
fn the_smallest_scenario_is_written_and_gives_the_verdict_again() {
    let desk = Desk::with(BUSY);
    desk.result("out", &["--set", "run.duration=30min"]);
    let shrink = [
        "shrink",
        "out",
        "--property",
        "desync",
        "--out",
        "small.toml",
    ];
    let said = desk.run(&shrink).expect(0).stdout;
    assert!(
        said.contains("kept: desync broken (permanent) by mitm"),
        "{said}"
    );
    assert!(said.contains("nodes.device.count 40 → 1"), "{said}");
    desk.run(&["run", "small.toml", "--quiet", "--out", "small"])
        .expect(0);
    let attacks = desk.path("small").join("attacks.csv");
    let properties = column(&attacks, "property");
    let mut rows = properties.into_iter().zip(column(&attacks, "verdict"));
    assert!(rows.any(|(property, verdict)| property == "desync" && verdict == "broken"));
    let there = desk.run(&shrink).expect(2).stderr;
    assert!(there.contains("is there already"), "{there}");
}

/// An attack that is over before anybody has asked for a session has its story all the same.
#[test]
fn what_happens_before_the_first_session_is_told() {
    let text = r#"
schema = 1
[scenario]
name = "before"
[run]
duration = "10min"
settle = "2min"
seed = 3
[protocol]
name = "vault-exchange"
[nodes.device]
role = "device"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
first = "3min"
every = "5min"
[adversaries.eve]
attack = "stay-unnoticed"
at = "access"
[output]
traces = ["sessions", "messages", "desync", "steps"]
"#;
    let desk = Desk::with(text);
    desk.result("out", &[]);
    let told = desk.run(&["explain", "out", "--witness"]).expect(0).stdout;
    for part in [
        "Session device[0]/0",
        "before the first.",
        "stands beside access",
        "sends INDICES (by stay-unnoticed)",
        "agreement is broken",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    let svg = ["explain", "out", "--witness", "--format", "svg"];
    let svg = desk.run(&svg).expect(0).stdout;
    assert!(svg.contains("agreement is broken"), "{svg}");
}
