//! Attackers in code, end to end: verdicts come from oracles that see both ends.

use scenarios::host::tables::NoTables;
use scenarios::reader::read_text;
use scenarios::run::Finished;
use scenarios::scenario::Scenario;
use scenarios::verdict::{Judgement, Property, Verdict, judge};

use crate::simulation::run;

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

fn rule(powers: &str, body: &str) -> String {
    format!(
        "[adversaries.eve]\non = \"access\"\npowers = [{powers}]\n\
         [[adversaries.eve.rules]]\nid = \"r\"\n{body}"
    )
}

/// Packets with a fate, by its name in tables.
fn fates(finished: &Finished<NoTables>, fate: &str) -> u64 {
    finished.tally.fate(fate)
}

#[test]
fn rules_change_replay_reflect_inject_and_flood() {
    let with = |powers: &str, body: &str| run(&scenario(PUBLISHED, &rule(powers, body)));
    let m3 = "match = { message = \"M3\" }\n";
    // Whatever bit of M3 changes, the server refuses it: every handshake fails.
    let flipped = with(
        "\"modify\"",
        &format!("{m3}action = \"modify\"\nflip = {{ field = \"sealed\", bit = 130 }}"),
    );
    let changed = fates(&flipped, "adversary-modified");
    assert!(changed > 100, "{changed}");
    assert_eq!(flipped.tally.latency.len(), 0, "nobody is accepted");
    // A copy under the device's address finds no handshake any more, wherever it goes.
    let replayed = with(
        "\"observe\", \"spoof\"",
        &format!("{m3}action = \"replay\"\nafter = \"1s\""),
    );
    assert!(fates(&replayed, "injected") > 100);
    assert!(replayed.tally.latency.len() > 100);
    assert_eq!(replayed.tally.agreement_violations, 0);
    let reflected = with("\"spoof\"", &format!("{m3}action = \"reflect\""));
    assert!(fates(&reflected, "injected") > 100);
    // One stray M1 a second under the first device's address from the tenth minute to the twentieth.
    let flood = with(
        "\"spoof\"",
        "match = { after = \"10min\", before = \"20min\" }\naction = \"flood\"\nmessage = \"M1\"\n\
         fields = { device_id = 1 }\nfrom = \"device[0]\"\nto = \"server[0]\"\nevery = \"1s\"",
    );
    assert_eq!(fates(&flood, "injected"), 600);
    let injected = with(
        "\"inject\"",
        "match = { message = \"M1\", nth = 3 }\naction = \"inject\"\nmessage = \"M1\"\n\
         fields = { device_id = \"0x00000002\" }\nto = \"server[0]\"",
    );
    // One for each device.
    assert_eq!(fates(&injected, "injected"), 2);
}

#[test]
fn rules_match_nodes_sessions_fields_and_windows() {
    let count = |matching: &str| {
        let body = format!("match = {{ {matching} }}\naction = \"reflect\"");
        let finished = run(&scenario(PUBLISHED, &rule("\"spoof\"", &body)));
        let counts = finished.world.attacks.rule_counts(0).expect("by rules");
        counts[0].matches
    };
    let all = count("message = \"M1\", after = \"0s\", from = \"device[0]\"")
        + count("message = \"M1\", from = \"device[1]\"");
    let by_field = count("message = \"M1\", fields = { device_id = 1 }")
        + count("message = \"M1\", fields = { device_id = 2 }");
    assert_eq!(all, by_field);
    assert_eq!(
        count("message = \"M1\", session = [2, 4]"),
        4,
        "two devices"
    );
    let early = count("message = \"M1\", node = \"server[0]\", before = \"45min\"");
    let late = count("message = \"M1\", node = \"server[0]\", after = \"45min\"");
    assert_eq!(early + late, all);
    assert!(early > 20 && late > 20);
}

#[test]
fn one_coin_decides_for_all_packets_of_a_session() {
    let body = "probability = \"50%\"\ncoin = \"session\"\naction = \"drop\"\n\
                match = { message = [\"M1\", \"M4\"] }";
    let finished = run(&scenario(PUBLISHED, &rule("\"drop\"", body)));
    let dropped = fates(&finished, "adversary-drop");
    // Sessions whose coin falls lose their M1; so no M4 is ever dropped, and nobody falls out of step.
    let timeouts = finished
        .tally
        .of(scenarios::host::attempt::Outcome::HalfOpen);
    assert!(dropped > 50, "{dropped}");
    assert_eq!(timeouts, 0);
}

#[test]
fn who_fails_only_while_it_is_disturbed_is_not_locked_out() {
    let body = "match = { message = \"M4\", from = \"server[0]\" }\naction = \"drop\"";
    let scenario = scenario(PUBLISHED, &rule("\"drop\"", body));
    let finished = run(&scenario);
    // Both devices are out of step for good, and stay out.
    assert_eq!(finished.world.watch.lock_out.locked().len(), 2);
    let verdicts = judge(&scenario, &finished);
    assert_eq!(of(&verdicts, Property::LockOut).verdict, Verdict::Broken);
    assert_eq!(of(&verdicts, Property::Desync).verdict, Verdict::Broken);
    let first = "match = { message = \"M1\", node = \"server[0]\" }\naction = \"drop\"";
    let scenario = self::scenario(PUBLISHED, &rule("\"drop\"", first));
    let finished = run(&scenario);
    assert_eq!(finished.world.watch.lock_out.tried(), 2);
    assert!(finished.world.watch.lock_out.locked().is_empty());
    let verdicts = judge(&scenario, &finished);
    let availability = of(&verdicts, Property::Availability);
    assert_eq!(availability.verdict, Verdict::Degraded, "{availability:?}");
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    for (body, expected) in [
        (
            "match = { direction = \"down\", message = \"M3\" }\naction = \"drop\"",
            "can never match",
        ),
        (
            "match = { message = \"M1\", fields = { devic_id = 1 } }\naction = \"drop\"",
            "did you mean `device_id`",
        ),
        (
            "match = { message = \"M1\" }\naction = \"reflect\"",
            "has not declared the power `spoof`",
        ),
        (
            "match = { message = \"M1\", from = \"device[7]\" }\naction = \"drop\"",
            "there is no node `device[7]`",
        ),
        (
            "match = { after = \"2h\", before = \"1h\" }\naction = \"drop\"",
            "ends before it begins",
        ),
        ("match = {}\naction = \"modify\"", "not told what to change"),
        (
            "action = \"drop\"\nevery = \"1s\"",
            "there is no key `every`",
        ),
    ] {
        let message = refused(&format!(
            "on = \"access\"\npowers = [\"drop\", \"modify\"]\n\
             [[adversaries.eve.rules]]\nid = \"r\"\n{body}"
        ));
        assert!(
            message.contains(expected),
            "{body}\nwants {expected}:\n{message}"
        );
    }
}
