//! Worlds with adversaries run in parts too, with the bytes of one thread.

use crate::program::{Desk, column, differing_files};
use crate::threads::Numbers;

/// Devices that nobody disturbs (`clean`, links `a`) and devices in trouble (`dirty`, links `b`). `far`: the
/// latter have a server of their own, else all share one.
pub(crate) fn world(
    number: u64,
    far: bool,
    servers: usize,
    trouble: &str,
    protocol: &str,
) -> String {
    let mut numbers = Numbers(number);
    let clean = 6 + numbers.below(12);
    let dirty = 2 + numbers.below(4);
    let profile = numbers.of(&["", "profile = \"cortex-m4-80mhz\""]);
    let start = numbers.of(&["", "start = \"uniform(0s, 30s)\""]);
    let delay = numbers.of(&[
        "\"10ms\"",
        "\"uniform(5ms, 90ms)\"",
        "\"lognormal(median=40ms, sigma=0.3)\"",
    ]);
    let loss = numbers.of(&["\"0%\"", "\"15%\""]);
    let more = [
        numbers.of(&["", "duplicate = \"5%\""]),
        numbers.of(&["", "rate = \"50kbps\"\nqueue = { packets = 3 }"]),
        numbers.of(&["", "jitter = \"exp(20ms)\""]),
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
    let warmup = numbers.of(&["", "warmup = \"1min\""]);
    let fault = numbers.of(&[
        "",
        "[faults.off]\ntarget = \"clean\"\nprocess = \"exp(2min)\"\neffect = { kind = \"reboot\", downtime = \"9s\" }",
    ]);
    let victim = if far { "victim" } else { "server" };
    let own = if far {
        "[nodes.victim]\nrole = \"server\"\ncount = 1\n"
    } else {
        ""
    };
    format!(
        "schema = 1\n[scenario]\nname = \"attacked\"\n[run]\nduration = \"4min\"\nseed = {number}\n\
         {warmup}\n[protocol]\nname = \"{protocol}\"\n\
         [nodes.clean]\nrole = \"device\"\ncount = {clean}\n{profile}\n{start}\n\
         [nodes.dirty]\nrole = \"device\"\ncount = {dirty}\n{profile}\n{start}\n\
         [nodes.server]\nrole = \"server\"\ncount = {servers}\n{own}\
         [links.a]\nbetween = [\"clean\", \"server\"]\ndelay = {delay}\nloss = {loss}\n{more}\n\
         [links.b]\nbetween = [\"dirty\", \"{victim}\"]\ndelay = {delay}\nloss = {loss}\n\
         [workload.a]\nfrom = \"clean\"\nto = \"server\"\ndo = {steps}\nevery = {every}\n{retry}\n\
         [workload.b]\nfrom = \"dirty\"\nto = \"{victim}\"\ndo = {steps}\nevery = {every}\n{retry}\n\
         {fault}\n{trouble}\n\
         [output]\ntraces = [\"sessions\", \"messages\", \"desync\", \"pcapng\"]\nsteps = \"all\"\n"
    )
}

/// Adversaries by rule, of which the last one is one entity over its links.
const RULES: [&str; 4] = [
    "on = \"a\"\npowers = [\"drop\"]\n[[adversaries.eve.rules]]\nid = \"d\"\n\
     match = { direction = \"down\" }\naction = \"drop\"\nprobability = \"20%\"",
    "on = \"a\"\npowers = [\"delay\"]\n[[adversaries.eve.rules]]\nid = \"d\"\n\
     match = { direction = \"up\" }\naction = \"delay\"\nby = \"uniform(1ms, 3s)\"\nprobability = \"20%\"",
    "on = \"a\"\npowers = [\"observe\"]",
    "on = \"b\"\npowers = [\"duplicate\"]\n[[adversaries.eve.rules]]\nid = \"d\"\n\
     match = { direction = \"up\" }\naction = \"duplicate\"\ncopies = 2\nafter = \"1s\"\nprobability = \"20%\"",
];

/// Attacks in code, with their protocols and what they need to know.
const CODE: [(&str, &str, &str); 7] = [
    ("secure-vault", "flip-m3", ""),
    ("secure-vault", "drop-one", ""),
    (
        "secure-vault",
        "choose-c1",
        "knows = [{ secret = \"k1\", of = \"dirty[0]\", at = \"always\" }]",
    ),
    (
        "secure-vault",
        "clone",
        "knows = [{ secret = \"storage\", of = \"dirty[0]\", at = \"1min\" }]",
    ),
    ("vault-exchange", "mitm", ""),
    ("vault-exchange", "drop-key", ""),
    ("vault-exchange", "predict-next", ""),
];

/// Runs a world on 1, 2 and 4 threads and compares; what the runs on several said.
#[track_caller]
pub(crate) fn compared(desk: &Desk, scenario: &str) -> Vec<String> {
    let one = desk.result("1", &[]);
    let on = |threads: &str| {
        let told = desk
            .run(&[
                "run",
                "scenario.toml",
                "--share-sparse",
                "--threads",
                threads,
                "--out",
                threads,
            ])
            .expect(0)
            .stderr;
        assert_eq!(
            differing_files(&one, &desk.path(threads)),
            Vec::<String>::new(),
            "{threads} threads\n{scenario}"
        );
        told
    };
    vec![on("2"), on("4")]
}

#[test]
fn attacked_worlds_write_the_same_on_any_number_of_threads() {
    let (mut sets, mut windows, mut acted) = (0, 0, 0);
    for number in 0..22 {
        let index = number as usize;
        let (adversary, protocol) = match index % 2 {
            0 => (
                RULES[index / 2 % RULES.len()].to_owned(),
                ["secure-vault", "vault-exchange"][index / 8 % 2],
            ),
            _ => {
                let (protocol, attack, knows) = CODE[index / 2 % CODE.len()];
                let all = "powers = [\"observe\", \"drop\", \"delay\", \"duplicate\", \"reorder\", \
                           \"modify\", \"inject\", \"spoof\", \"redirect\"]";
                let text = format!("attack = \"{attack}\"\non = \"b\"\n{all}\n{knows}");
                (text, protocol)
            }
        };
        let far = number % 3 != 0;
        let servers = if number % 3 == 1 { 3 } else { 1 };
        let adversary = format!("[adversaries.eve]\n{adversary}");
        let scenario = world(number, far, servers, &adversary, protocol);
        let desk = Desk::with(&scenario);
        for told in compared(&desk, &scenario) {
            assert!(!told.contains("starting again"), "{told}\n{scenario}");
            sets += usize::from(told.contains("that no link joins"));
            windows += usize::from(told.contains("that hear of one another"));
        }
        let rules = column(&desk.path("1/messages.csv"), "rule");
        acted += usize::from(rules.iter().any(|rule| !rule.is_empty()));
    }
    assert_eq!(sets + windows, 44, "every world was shared");
    assert!(sets >= 8 && windows >= 16, "{sets} {windows}");
    assert!(acted >= 12, "adversaries acted in {acted} of 22 worlds");
}

#[test]
fn several_adversaries_are_played_by_different_parts() {
    let two = "[adversaries.eve]\non = \"b\"\nattack = \"clone\"\npowers = [\"inject\"]\n\
               knows = [{ secret = \"storage\", of = \"dirty[0]\", at = \"1min\" }]\n\
               [adversaries.mal]\non = \"a\"\nattack = \"drop-one\"\npowers = [\"drop\"]";
    let scenario = world(5, true, 1, two, "secure-vault");
    let desk = Desk::with(&scenario);
    for told in compared(&desk, &scenario) {
        assert!(told.contains("2 sets of nodes that no link"), "{told}");
    }
    let verdicts = column(&desk.path("1/attacks.csv"), "verdict");
    assert!(verdicts.len() > 1, "{verdicts:?}");
}
