//! `badlink costs` and `badlink transcript`: what they print and write, and how they refuse.

use std::fs;

use crate::program::Desk;

/// The inputs that the documentation shows.
fn documented() -> &'static str {
    let page = include_str!("../docs/TRANSCRIPT.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn costs_of_every_protocol_are_printed_and_written() {
    let desk = Desk::new();
    let ran = desk
        .run(&["costs", "--out", "tables", "--profile", "x86-server"])
        .expect(0);
    for name in [
        "secure-vault",
        "vault-exchange",
        "ratchet",
        "multi-server",
        "rsa-udp",
    ] {
        assert!(
            ran.stdout
                .contains(&format!("{name} (as-published): operations")),
            "{name}"
        );
    }
    let read = |name: &str| fs::read_to_string(desk.path("tables").join(name)).unwrap();
    assert_eq!(read("costs.txt").trim_end(), ran.stdout.trim_end());
    assert!(read("costs.tex").contains("\\toprule"));
    assert!(read("costs.md").contains("| --- |"));
    let csv = read("costs.csv");
    assert!(
        csv.starts_with("protocol,variant,role,phase,operation,count,bytes,message,field,bits")
    );
    assert!(csv.contains("\nsecure-vault,as-published,device,authenticate,aes128-encrypt,4,64,"));
    assert!(csv.contains(",M2,total,200\n"));
    assert!(read("secure-vault-as-published-prices.csv").contains("\"x86-server, ms\""));
    // The same bytes again.
    desk.run(&[
        "costs",
        "--out",
        "again",
        "--profile",
        "x86-server",
        "--quiet",
    ])
    .expect(0);
    for entry in fs::read_dir(desk.path("tables")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        let again = fs::read_to_string(desk.path("again").join(name)).unwrap();
        assert_eq!(read(name), again, "{name}");
    }
}

#[test]
fn a_parameter_changes_the_costs() {
    let desk = Desk::new();
    let args = [
        "costs",
        "--protocol",
        "secure-vault",
        "--format",
        "csv",
        "--set",
        "keys=16",
    ];
    let ran = desk.run(&args).expect(0);
    // The epoch and 16 keys of 16 bytes.
    assert!(
        ran.stdout
            .contains("device,authenticate,durable-write,1,260,"),
        "{}",
        ran.stdout
    );
}

#[test]
fn costs_of_what_does_not_exist_are_bad_usage() {
    let desk = Desk::new();
    for (args, said) in [
        (
            &["costs", "--protocol", "secure-valt"][..],
            "`secure-vault`",
        ),
        (&["costs", "--profile", "arduino"], "arduino-paper"),
        (
            &["costs", "--protocol", "ratchet", "--variant", "best"],
            "`hardened`",
        ),
        (
            &["costs", "--protocol", "ratchet", "--set", "kdff=x"],
            "`kdf`",
        ),
        (
            &["costs", "--protocol", "ratchet", "--set", "kdf"],
            "NAME=VALUE",
        ),
        (&["costs", "--variant", "hardened"], "--protocol"),
    ] {
        let ran = desk.run(args).expect(2);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn the_documented_transcript_runs() {
    let desk = Desk::new();
    desk.write("session.json", documented());
    let ran = desk
        .run(&["transcript", "--inputs", "session.json"])
        .expect(0);
    let transcript: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(transcript["messages"][0]["bytes"], "01000000015086c4c7");
    assert_eq!(transcript["steps"][0]["ended"], "done");
    desk.run(&["transcript", "--inputs", "session.json", "--out", "t.json"])
        .expect(0);
    assert_eq!(fs::read_to_string(desk.path("t.json")).unwrap(), ran.stdout);
}

#[test]
fn inputs_that_do_not_fit_are_bad_usage() {
    let desk = Desk::new();
    desk.run(&["transcript", "--inputs", "absent.json"])
        .expect(2);
    desk.write("session.json", documented());
    let other = [
        "transcript",
        "--inputs",
        "session.json",
        "--protocol",
        "ratchet",
    ];
    assert!(
        desk.run(&other)
            .expect(2)
            .stderr
            .contains("another protocol")
    );
    for (from, to, said) in [
        ("{ \"stream\": \"server\" }", "\"0011\"", "`server[0]`"),
        ("\"steps\"", "\"step\"", "unknown field `step`"),
        ("\"authenticate\"", "\"login\"", "`finish`"),
        ("\"steps\"", "steps", "line 10"),
    ] {
        desk.write("wrong.json", documented().replacen(from, to, 1));
        let ran = desk
            .run(&["transcript", "--inputs", "wrong.json"])
            .expect(2);
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
}
