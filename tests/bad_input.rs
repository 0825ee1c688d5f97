//! Bad scenarios: each gets one message that says where, why and what to do instead, and leaves
//! nothing behind.

use crate::program::{Desk, Ran};

/// A scenario without a mistake, for mistakes to be made in.
pub(crate) const GOOD: &str = r#"schema = 1

[scenario]
name = "good"

[run]
duration = "1h"
seed = 1

[protocol]
name = "secure-vault"
variant = "as-published"
params = { keys = 8, challenge = 3 }

[nodes.device]
role = "device"
count = 5

[nodes.server]
role = "server"

[links.access]
between = ["device", "server"]
delay = "20ms"
loss = "1%"

[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "exp(10min)"

[adversaries.mitm]
on = "access"
powers = ["drop"]

[[adversaries.mitm.rules]]
id = "drop-final"
match = { message = "M4" }
action = "drop"
probability = "5%"
"#;

/// Verbs that read a scenario.
const VERBS: [&str; 3] = ["run", "check", "verify"];

/// Fails unless the program refused with exactly one message that has all of `parts`, a line of
/// help, and nothing else to show for it.
#[track_caller]
fn assert_refused(desk: &Desk, ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout, "");
    let heads = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .count();
    assert_eq!(heads, 1, "one message:\n{}", ran.stderr);
    assert!(ran.stderr.contains("help: "), "a hint:\n{}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    for part in parts {
        assert!(
            ran.stderr.contains(part),
            "`{part}` is not in\n{}",
            ran.stderr
        );
    }
    assert!(
        !desk.names().iter().any(|name| name.contains("result")),
        "{:?}",
        desk.names()
    );
}

/// Makes one change in the good scenario and expects it to be refused at `position`.
#[track_caller]
fn assert_mistake(good: &str, bad: &str, position: &str, parts: &[&str]) {
    assert_eq!(
        GOOD.matches(good).count(),
        1,
        "`{good}` stands in the scenario once"
    );
    let desk = Desk::with(&GOOD.replace(good, bad));
    for verb in VERBS {
        let place = format!("--> scenario.toml:{position}\n");
        let all = [&[place.as_str()], parts].concat();
        assert_refused(&desk, &desk.run(&[verb, "scenario.toml"]), &all);
    }
}

#[test]
fn the_scenario_without_a_mistake_runs() {
    let desk = Desk::with(GOOD);
    desk.run(&["run", "scenario.toml"]).expect(0);
    assert_eq!(desk.names(), ["results", "scenario.toml"]);
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    let parts = ["there is no key `sede` in `run`", "did you mean `seed`?"];
    assert_mistake("seed = 1", "sede = 1", "8:1", &parts);
    assert_mistake(
        "count = 5",
        "count = 5\ncolour = 3",
        "18:1",
        &["`colour`", "keys that exist here"],
    );
    assert_mistake(
        "[links.access]",
        "[link.access]",
        "22:2",
        &["`link`", "did you mean `links`?"],
    );
}

#[test]
fn a_quantity_without_a_unit_is_refused_with_a_suggestion() {
    let parts = [
        "`3600` has no unit, but a duration is wanted here",
        "did you mean `\"3600s\"`?",
    ];
    assert_mistake("duration = \"1h\"", "duration = 3600", "7:12", &parts);
    let parts = [
        "`20` has no unit",
        "units of a duration: ns, us, ms, s, min, h, d",
    ];
    assert_mistake("\"20ms\"", "\"20\"", "24:10", &parts);
}

#[test]
fn an_unknown_unit_is_refused_with_those_that_exist() {
    let parts = [
        "there is no unit `mss` of a duration",
        "did you mean `20ms`?",
    ];
    assert_mistake("\"20ms\"", "\"20mss\"", "24:10", &parts);
    assert_mistake(
        "\"1h\"",
        "\"1 fortnight\"",
        "7:12",
        &["`fortnight`", "units of a duration"],
    );
}

#[test]
fn what_is_no_probability_is_refused_with_its_range() {
    let range = "a probability lies between 0 and 1, that is between 0% and 100%";
    for (bad, help) in [
        ("\"-1%\"", range),
        ("\"130%\"", range),
        ("-0.1", range),
        ("1.3", "did you mean `\"1.3%\"`?"),
    ] {
        let reason = format!("`{}` is no probability", bad.trim_matches('"'));
        assert_mistake("\"1%\"", bad, "25:8", &[&reason, help]);
        assert_mistake("\"5%\"", bad, "41:15", &[&reason, help]);
    }
}

#[test]
fn a_challenge_that_leaves_no_second_one_is_refused() {
    for (keys, challenge, position) in [(8, 8, "13:34"), (4, 7, "13:34"), (3, 3, "13:34")] {
        let bad = format!("keys = {keys}, challenge = {challenge}");
        let parts = [
            "leave no second challenge to choose",
            &format!("at most {}", keys - 1),
        ];
        assert_mistake("keys = 8, challenge = 3", &bad, position, &parts);
    }
}

#[test]
fn zero_devices_are_refused() {
    let parts = [
        "a group of zero nodes takes part in nothing",
        "at least one",
    ];
    assert_mistake("count = 5", "count = 0", "17:9", &parts);
}

#[test]
fn an_unknown_role_protocol_variant_command_or_message_is_refused_with_those_that_exist() {
    let parts = [
        "there is no role `gateway`",
        "roles of `secure-vault`: `device`, `server` and `relay`",
    ];
    assert_mistake("role = \"server\"", "role = \"gateway\"", "20:8", &parts);
    let parts = [
        "there is no protocol `secure-valt`",
        "did you mean `secure-vault`?",
    ];
    assert_mistake("\"secure-vault\"", "\"secure-valt\"", "11:8", &parts);
    let parts = ["there is no variant `published`", "variants: "];
    assert_mistake("\"as-published\"", "\"published\"", "12:11", &parts);
    let parts = [
        "there is no command `authentcate`",
        "did you mean `authenticate`?",
    ];
    assert_mistake("\"authenticate\"", "\"authentcate\"", "30:6", &parts);
    let parts = [
        "there is no message `M5`",
        "messages of `secure-vault`: `M1`, `M2`, `M3`, `M4`",
    ];
    assert_mistake("\"M4\"", "\"M5\"", "39:21", &parts);
}

#[test]
fn an_unknown_preset_or_profile_is_refused_with_those_that_exist() {
    let parts = [
        "there is no preset `ethernet`",
        "did you mean `ethernet-lan`?",
        "presets: ",
    ];
    assert_mistake("delay = \"20ms\"", "preset = \"ethernet\"", "24:10", &parts);
    let bad = "count = 5\nprofile = \"cortex-m4\"";
    let parts = [
        "there is no profile `cortex-m4`",
        "did you mean `cortex-m4-",
        "profiles: ",
    ];
    assert_mistake("count = 5", bad, "18:11", &parts);
}

#[test]
fn a_link_or_workload_between_nodes_that_do_not_exist_is_refused() {
    let parts = ["there is no node group `srver`", "did you mean `server`?"];
    assert_mistake(
        "[\"device\", \"server\"]",
        "[\"device\", \"srver\"]",
        "23:22",
        &parts,
    );
    assert_mistake(
        "to = \"server\"",
        "to = \"cloud\"",
        "29:6",
        &["`cloud`", "`device` and `server`"],
    );
}

#[test]
fn a_duplicate_table_is_refused_with_both_places() {
    let parts = [
        "the table `device` is given twice",
        "15 | [nodes.device]",
        "it is first given here",
    ];
    assert_mistake("[nodes.server]", "[nodes.device]", "19:8", &parts);
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let bad = GOOD
        .replace("\"1h\"", "3600")
        .replace("count = 5", "count = 0")
        .replace("\"1%\"", "\"130%\"");
    let desk = Desk::with(&bad);
    let ran = desk.run(&["check", "scenario.toml"]).expect(2);
    for position in [
        "scenario.toml:7:12",
        "scenario.toml:17:9",
        "scenario.toml:25:8",
    ] {
        assert!(ran.stderr.contains(position), "{}", ran.stderr);
    }
}

#[test]
fn a_mistake_in_an_argument_points_into_the_argument() {
    let desk = Desk::with(GOOD);
    let cases: [(&str, &str, &[&str]); 5] = [
        (
            "nodes.devce.count=9",
            "--> --set:1:7\n",
            &["there is no `devce` in `nodes`", "`device`?"],
        ),
        ("nodes.device.count=0", "--> --set:1:20\n", &["zero nodes"]),
        (
            "links.access.loss=130%",
            "--> --set:1:19\n",
            &["no probability"],
        ),
        ("run.duration=3600", "--> --set:1:14\n", &["has no unit"]),
        (
            "adversaries.mitm.rules.drop.probability=1%",
            "--> --set:1:24\n",
            &["`drop`", "drop-final"],
        ),
    ];
    for (set, position, parts) in cases {
        for verb in VERBS {
            let ran = desk.run(&[verb, "scenario.toml", "--set", set]);
            assert_refused(&desk, &ran, &[&[position], parts].concat());
        }
    }
    let ran = desk.run(&["run", "scenario.toml", "--set", "nodes.device.count"]);
    assert_refused(
        &desk,
        &ran,
        &["`--set nodes.device.count` has no `=`", "--set PATH=VALUE"],
    );
}

#[test]
fn bad_usage_is_refused_with_the_same_code() {
    let desk = Desk::with(GOOD);
    for args in [
        vec!["run"],
        vec!["walk", "scenario.toml"],
        vec!["run", "scenario.toml", "--seed", "one"],
        vec!["run", "scenario.toml", "--max-wall", "90"],
        vec!["run", "scenario.toml", "--colour"],
        vec!["list", "planets"],
        vec![],
    ] {
        let ran = desk.run(&args).expect(2);
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{args:?}");
        assert_eq!(desk.names(), ["scenario.toml"], "{args:?}");
    }
    let help = desk.run(&["--help"]).expect(0);
    assert!(help.stdout.contains("run") && help.stderr.is_empty());
}
