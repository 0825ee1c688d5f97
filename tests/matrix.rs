//! `badlink matrix`: verdicts come from runs, survive an interruption, and can be run again.

use std::fs;
use std::time::Duration;

use scenarios::build::build;
use scenarios::host::tables::NoTables;
use scenarios::matrix::{Selection, plan, trial};
use scenarios::reader::read_text;
use scenarios::run::{Unwatched, drive};
use scenarios::verdict::{Verdict, judge};

use crate::program::{Desk, column, differing_files};

const ASKED: [&str; 11] = [
    "matrix",
    "--protocol",
    "vault-exchange",
    "--attack",
    "drop-key",
    "--attack",
    "flip-key",
    "--trials",
    "3",
    "--quiet",
    "--out",
];

#[test]
fn killed_and_called_again_it_gives_the_same_bytes() {
    let desk = Desk::new();
    desk.run(&[&ASKED[..], &["whole"]].concat()).expect(0);
    let mut child = desk
        .command(&[&ASKED[..], &["broken-off", "--jobs", "1"]].concat())
        .spawn()
        .unwrap();
    let journal = desk.path("broken-off.unfinished").join("journal.jsonl");
    let known = || fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
    while known() < 3 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.path("broken-off").join("matrix.csv").exists());
    desk.run(&[&ASKED[..], &["broken-off"]].concat()).expect(0);
    let differing = differing_files(&desk.path("whole"), &desk.path("broken-off"));
    assert!(differing.is_empty(), "{differing:?}");
    assert!(!journal.exists(), "nothing is left behind");
}

#[test]
fn every_cell_run_by_itself_shows_its_witness() {
    let desk = Desk::new();
    desk.run(&[&ASKED[..], &["out"]].concat()).expect(0);
    let table = desk.path("out").join("matrix.csv");
    let (replays, witnesses) = (column(&table, "replay"), column(&table, "witness"));
    let mut shown = 0;
    for (number, (replay, witness)) in replays.iter().zip(&witnesses).enumerate() {
        let words: Vec<&str> = replay.split(' ').skip(1).collect();
        let file = format!("out/{}", words[1]);
        let out = format!("again-{number}");
        let args = ["run", &file, words[2], words[3], "--quiet", "--out", &out];
        desk.run(&args).expect(0);
        let found = column(&desk.path(&out).join("attacks.csv"), "witness");
        if !witness.is_empty() {
            shown += 1;
            assert!(
                found.contains(witness),
                "{replay}: {witness} not in {found:?}"
            );
            let told = desk.run(&["explain", &out, "--witness"]).expect(0).stdout;
            assert!(told.contains(" is broken"), "{replay}:\n{told}");
        }
    }
    assert!(shown > 0, "some cell has a witness");
}

/// The same attack under the same seed, with the check and without it: nothing but the run decides.
#[test]
fn a_check_that_is_taken_out_turns_its_cell() {
    for (protocol, attack) in [
        ("secure-vault", "replay-m3"),
        ("vault-exchange", "unasked-key"),
        ("rsa-udp", "replay-data"),
        ("multi-server", "replay-req-soon"),
        ("ratchet", "flip-c2s"),
    ] {
        let selection = Selection {
            protocols: vec![protocol.to_owned()],
            variants: vec!["as-published".to_owned()],
            attacks: vec![attack.to_owned()],
        };
        let cells = plan(&selection).unwrap();
        let turned = cells.iter().filter(|cell| cell.control).any(|twin| {
            let own = cells
                .iter()
                .find(|cell| !cell.control && cell.case == twin.case);
            let Some(own) = own else { return false };
            let (with, without) = (trial::run(own, 0), trial::run(twin, 0));
            assert!(with.acted > 0, "{protocol} {attack}: {with:?}");
            !with.beats() && without.beats()
        });
        assert!(turned, "{protocol} {attack}");
    }
}

#[test]
fn who_is_granted_nothing_and_does_nothing_is_not_exercised() {
    let idle = [
        "on = \"access\"\npowers = []",
        "on = \"access\"\npowers = [\"observe\"]",
        "on = \"access\"\npowers = [\"drop\"]\n[[adversaries.eve.rules]]\nid = \"never\"\n\
         match = { message = \"M4\" }\naction = \"drop\"\nprobability = 0",
    ];
    for adversary in idle {
        let text = format!(
            r#"
schema = 1
[run]
duration = "10min"
seed = 3
[protocol]
name = "secure-vault"
[nodes.device]
role = "device"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
every = "1min"
[adversaries.eve]
{adversary}
"#
        );
        let scenario = read_text("idle.toml", &text, &[]);
        let scenario = scenario.unwrap_or_else(|error| panic!("{}", error.render(false)));
        let built = build(&scenario).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let finished = drive(&scenario, built, &mut NoTables, &mut Unwatched, |_| {}).unwrap();
        let judged = judge(&scenario, &finished);
        assert!(!judged.is_empty());
        for judgement in judged {
            assert_eq!(judgement.verdict, Verdict::NotExercised, "{judgement:?}");
        }
    }
}
