//! What attacks do with fewer powers than they declare, and what they must have.

use scenarios::oracle::EpisodeKind;
use scenarios::reader::read_text;
use scenarios::verdict::{Property, Verdict, judge};

use crate::simulation::{run, scenario};

/// One device, silent for the first three minutes.
fn exchange(sessions: u32, adversary: &str) -> String {
    format!(
        r#"
schema = 1
[run]
duration = "15min"
settle = "2min"
seed = 3
[protocol]
name = "vault-exchange"
params = {{ sessions = {sessions} }}
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
{adversary}
"#
    )
}

/// A device that sends application data, and logs in every minute.
fn vault(adversary: &str) -> String {
    format!(
        r#"
schema = 1
[run]
duration = "60min"
settle = "2min"
seed = 3
[protocol]
name = "secure-vault"
params = {{ challenge = 3 }}
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
do = ["authenticate", "send-data"]
every = "1min"
[adversaries.eve]
{adversary}
"#
    )
}

#[track_caller]
fn verdict(text: &str, property: Property) -> (Verdict, u64) {
    let scenario = scenario(text);
    let judged = judge(&scenario, &run(&scenario));
    let found = judged.iter().find(|found| found.property == property);
    found.map(|found| (found.verdict, found.acted)).unwrap()
}

#[test]
fn whoever_may_only_inject_asks_from_an_own_address_and_gets_nothing() {
    for position in ["on", "at"] {
        let ask = |powers: &str| {
            let adversary =
                format!("{position} = \"access\"\nattack = \"ask-repeat\"\npowers = [{powers}]");
            verdict(&exchange(20, &adversary), Property::Secrecy)
        };
        assert_eq!(ask("\"inject\""), (Verdict::Resisted, 8), "{position}");
    }
    let all = "on = \"access\"\nattack = \"ask-repeat\"";
    assert_eq!(
        verdict(&exchange(20, all), Property::Secrecy).0,
        Verdict::Broken
    );
}

#[test]
fn whoever_may_only_look_reads_and_neither_writes_nor_logs_in() {
    let knows =
        |secret: &str| format!("{{ secret = \"{secret}\", of = \"device[0]\", at = \"10min\" }}");
    let follow = |powers: &str| {
        vault(&format!(
            "on = \"access\"\nattack = \"vault-before\"\npowers = [{powers}]\n\
             params = {{ case = \"follow\" }}\nknows = [{}]",
            knows("vault")
        ))
    };
    assert_eq!(
        verdict(&follow("\"observe\""), Property::Secrecy).0,
        Verdict::Broken
    );
    assert_eq!(
        verdict(&follow("\"observe\""), Property::Agreement).0,
        Verdict::Resisted
    );
    let both = "\"observe\", \"spoof\"";
    assert_eq!(
        verdict(&follow(both), Property::Agreement).0,
        Verdict::Broken
    );
    let stolen = |powers: &str| {
        vault(&format!(
            "on = \"access\"\nattack = \"stolen-t\"\npowers = [{powers}]\nknows = [{}]",
            knows("session-key")
        ))
    };
    let few = "\"observe\", \"inject\"";
    assert_eq!(verdict(&stolen(few), Property::Secrecy).0, Verdict::Broken);
    assert_eq!(
        verdict(&stolen(few), Property::Integrity).0,
        Verdict::Resisted
    );
}

/// Without the epoch in M1 the followed vault's own, which the device's M3 tells, goes into the forged one.
#[test]
fn a_followed_vault_logs_in_whether_m1_names_the_epoch_or_not() {
    let knows = "knows = [{ secret = \"vault\", of = \"device[0]\", at = \"10min\" }]";
    let follow = vault(&format!(
        "on = \"access\"\nattack = \"vault-before\"\nparams = {{ case = \"follow\" }}\n{knows}"
    ));
    for named in ["true", "false"] {
        let params = format!(
            "variant = \"hardened\"\nparams = {{ challenge = 3, hardened_epoch = {named} }}"
        );
        let text = follow.replace("params = { challenge = 3 }", &params);
        assert_eq!(
            verdict(&text, Property::Agreement).0,
            Verdict::Broken,
            "{named}"
        );
    }
}

#[test]
fn what_every_step_needs_is_asked_for() {
    let text = exchange(
        20,
        "on = \"access\"\nattack = \"ask-one\"\npowers = [\"observe\"]",
    );
    let error = read_text("powers.toml", &text, &[]).expect_err("it could ask nothing");
    let said = error.render(false);
    assert!(said.contains("needs the power `inject`"), "{said}");
}

/// The command of a thousand sessions is under way when the run ends: it would refuse every attempt of
/// the continuation, and the pair would be called lost although its sessions succeed.
#[test]
fn a_busy_device_is_not_taken_for_a_lost_one() {
    let adversary = "at = \"access\"\nattack = \"stay-unnoticed\"";
    let finished = run(&scenario(&exchange(1000, adversary)));
    let episodes = finished.world.relations[0].oracle.closed();
    let kinds: Vec<EpisodeKind> = episodes.iter().map(|episode| episode.kind).collect();
    assert_eq!(kinds, [EpisodeKind::Silent]);
}
