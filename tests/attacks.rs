//! Attackers in code, end to end: verdicts come from oracles that see both ends.

use scenarios::build::build;
use scenarios::host::tables::NoTables;
use scenarios::reader::read_text;
use scenarios::run::{Finished, Unwatched, drive};
use scenarios::scenario::Scenario;
use scenarios::verdict::{Judgement, Property, Verdict, judge};

fn scenario(protocol: &str, adversary: &str) -> Scenario {
    let text = format!(
        r#"
schema = 1
[run]
duration = "90min"
settle = "2min"
seed = 7
[protocol]
{protocol}
[nodes.device]
role = "device"
count = 2
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "uniform(10ms, 30ms)"
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
every = "exp(1min)"
{adversary}
"#
    );
    read_text("attack.toml", &text, &[]).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn run(scenario: &Scenario) -> Finished<NoTables> {
    let built = build(scenario).unwrap_or_else(|error| panic!("{}", error.render(false)));
    drive(scenario, built, &mut NoTables, &mut Unwatched, |_| {}).expect("the engine goes on")
}

fn judged(protocol: &str, adversary: &str) -> Vec<Judgement> {
    let scenario = scenario(protocol, adversary);
    judge(&scenario, &run(&scenario))
}

fn of(judgements: &[Judgement], property: Property) -> &Judgement {
    judgements
        .iter()
        .find(|judgement| judgement.property == property)
        .expect("the attack aims at it")
}

const PUBLISHED: &str = "name = \"secure-vault\"\nparams = { challenge = 3 }";

fn without(defence: &str) -> String {
    format!(
        "name = \"secure-vault\"\nvariant = \"broken\"\n\
         params = {{ challenge = 3, without = \"{defence}\" }}"
    )
}

const REPLAY: &str = "[adversaries.eve]\non = \"access\"\nattack = \"replay-m3\"";
const LISTEN: &str = "[adversaries.eve]\non = \"access\"\nattack = \"eavesdrop\"";

#[test]
fn a_replayed_m3_is_refused_unless_nobody_checks_r1() {
    for case in ["early", "late"] {
        let adversary = format!("{REPLAY}\nparams = {{ case = \"{case}\" }}");
        let verdict = judged(PUBLISHED, &adversary);
        let verdict = of(&verdict, Property::Agreement);
        assert_eq!(verdict.verdict, Verdict::Resisted, "{case}: {verdict:?}");
        assert!(verdict.acted > 100, "{case}: {verdict:?}");
    }
    let twin = judged(&without("r1"), REPLAY);
    let twin = of(&twin, Property::Agreement);
    assert_eq!(twin.verdict, Verdict::Broken, "{twin:?}");
    let witness = twin.witness.as_ref().expect("a violation has a witness");
    assert!(witness.text.contains("accepted with"), "{}", witness.text);
}

#[test]
fn an_eavesdropper_names_keys_of_the_twin_without_cipher_only() {
    let verdicts = judged(PUBLISHED, LISTEN);
    let secrecy = of(&verdicts, Property::Secrecy);
    assert_eq!(secrecy.verdict, Verdict::Resisted, "{secrecy:?}");
    // The id of the device stands in M1 in clear, whatever the cipher.
    let anonymity = of(&verdicts, Property::Anonymity);
    assert_eq!(anonymity.verdict, Verdict::Broken, "{anonymity:?}");
    let twin = judged(&without("cipher"), LISTEN);
    let twin = of(&twin, Property::Secrecy);
    assert_eq!(twin.verdict, Verdict::Broken, "{twin:?}");
    assert!(twin.violations > 100, "{twin:?}");
}

/// Latencies, outcomes and fingerprint of the honest run: nothing may move them.
fn honest(finished: &Finished<NoTables>) -> (u128, u64, u128) {
    let tally = &finished.tally;
    (tally.latency_sum_ns, tally.attempts(), finished.fingerprint)
}

#[test]
fn who_only_watches_moves_no_arrival_and_no_draw() {
    let without = run(&scenario(PUBLISHED, ""));
    let with = run(&scenario(PUBLISHED, LISTEN));
    assert_eq!(honest(&without), honest(&with));
}

#[test]
fn what_is_refused_moves_no_honest_draw() {
    let without = run(&scenario(PUBLISHED, ""));
    let with = run(&scenario(
        PUBLISHED,
        &format!("{REPLAY}\nparams = {{ case = \"late\" }}"),
    ));
    assert_eq!(honest(&without).0, honest(&with).0, "latencies");
    assert_eq!(honest(&without).1, honest(&with).1, "attempts");
    assert_ne!(honest(&without).2, honest(&with).2, "its frames are events");
}

fn refused(adversary: &str) -> String {
    let text = format!(
        r#"schema = 1
[run]
duration = "1h"
seed = 1
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
    match read_text("attack.toml", &text, &[]) {
        Ok(_) => String::from("accepted"),
        Err(error) => error.render(false),
    }
}

#[test]
fn what_an_attack_cannot_do_is_refused_with_a_place_and_what_there_is() {
    for (adversary, expected) in [
        (
            "on = \"access\"\nattack = \"replay-m33\"",
            vec!["attack.toml:20:10", "did you mean `replay-m3`"],
        ),
        (
            "on = \"access\"\nattack = \"replay-m3\"\npowers = [\"observe\"]",
            vec!["needs the power `spoof`"],
        ),
        (
            "at = \"access\"\nattack = \"replay-m3\"",
            vec!["cannot be made from here", "`on`"],
        ),
        (
            "on = \"access\"\nattack = \"replay-m3\"\nparams = { case = \"lat\" }",
            vec!["did you mean `late`"],
        ),
        (
            "on = \"access\"\nattack = \"eavesdrop\"\nparams = { case = \"x\" }",
            vec!["has one case only"],
        ),
        (
            "on = \"access\"\nattack = \"eavesdrop\"\n\
             knows = [{ secret = \"row\", of = \"device[1]\" }]",
            vec!["there is no node `device[1]`", "device[0]"],
        ),
        (
            "on = \"access\"\nattack = \"eavesdrop\"\n\
             knows = [{ secret = \"rows\", of = \"device[0]\" }]",
            vec!["did you mean `row`"],
        ),
        (
            "as = \"devic[0]\"\nattack = \"eavesdrop\"",
            vec!["did you mean `device`"],
        ),
        (
            "on = \"access\"\nat = \"access\"\nattack = \"eavesdrop\"",
            vec!["stands on a link or beside one"],
        ),
        (
            "on = \"access\"\npowers = []\nparams = { case = \"x\" }",
            vec!["only an attack in code has parameters"],
        ),
    ] {
        let message = refused(adversary);
        for part in expected {
            assert!(
                message.contains(part),
                "{adversary}\nwants {part}:\n{message}"
            );
        }
    }
}
