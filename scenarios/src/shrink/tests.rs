use super::*;

const LOSSY: &str = r#"
schema = 1
[run]
duration = "6h"
seed = 4
[protocol]
name = "secure-vault"
params = { challenge = 3 }
[nodes.device]
role = "device"
count = 12
profile = "cortex-m4-80mhz"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
duplicate = "1%"
[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "exp(10min)"
[adversaries.mitm]
on = "access"
powers = ["observe", "drop", "delay"]
[[adversaries.mitm.rules]]
id = "slow"
match = { message = "M2" }
action = "delay"
by = "10ms"
[[adversaries.mitm.rules]]
id = "final"
match = { direction = "down", message = "M4" }
action = "drop"
probability = "20%"
[faults.power]
target = "device"
process = "exp(2h)"
effect = { kind = "reboot", downtime = "5s" }
"#;

fn read(text: &str) -> Scenario {
    read_text("small.toml", text, &[]).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn wanted(property: &str) -> Choice {
    Choice {
        adversary: Some(String::from("mitm")),
        property: Some(property.to_owned()),
    }
}

#[test]
fn only_what_the_verdict_needs_is_left_and_it_comes_again() {
    let shrunk = shrink(
        &read(LOSSY),
        &wanted("desync"),
        TRIES_DEFAULT,
        &mut |_, _| {},
    )
    .expect("the vaults part");
    assert_eq!(shrunk.goal.kind, Some(EpisodeKind::Permanent));
    let small = &shrunk.scenario;
    assert_eq!(small.node_count(), 2, "{}", shrunk.text);
    assert_eq!(small.adversaries.len(), 1, "{}", shrunk.text);
    let rules: Vec<&str> = small.adversaries[0]
        .rules
        .iter()
        .map(|rule| rule.id.as_str())
        .collect();
    assert_eq!(rules, ["final"]);
    assert!(small.faults.is_empty());
    assert!(
        small.run.duration_ns < 6 * 3_600_000_000_000,
        "{}",
        shrunk.text
    );
    assert!(!shrunk.cut_short);
    // The written file gives the verdict, and nothing more can go.
    let came = run(&read(&shrunk.text)).expect("it runs");
    assert!(came.is(&shrunk.goal));
    let again = shrink(small, &wanted("desync"), TRIES_DEFAULT, &mut |_, _| {}).expect("as before");
    assert_eq!(again.taken, Vec::<String>::new(), "{}", again.text);
}

#[test]
fn the_same_run_is_made_small_in_the_same_way() {
    let one = shrink(&read(LOSSY), &wanted("desync"), 30, &mut |_, _| {}).expect("in 30 runs");
    let other = shrink(&read(LOSSY), &wanted("desync"), 30, &mut |_, _| {}).expect("in 30 runs");
    assert_eq!((one.text, one.tries), (other.text, other.tries));
    assert!(one.tries <= 30);
}

#[test]
fn what_is_not_violated_is_refused_with_what_is_there() {
    let refused = |choice: &Choice| {
        shrink(&read(LOSSY), choice, TRIES_DEFAULT, &mut |_, _| {}).expect_err("nothing to keep")
    };
    let integrity = refused(&wanted("integrity"));
    assert!(
        integrity.reason.contains("violates nothing"),
        "{integrity:?}"
    );
    assert!(
        integrity.hint.contains("mitm: desync broken"),
        "{integrity:?}"
    );
    let name = refused(&Choice {
        adversary: Some(String::from("mtim")),
        property: None,
    });
    assert!(name.hint.contains("mitm"), "{name:?}");
    let property = refused(&wanted("desinc"));
    assert!(
        property.reason.contains("desinc is no property"),
        "{property:?}"
    );
}
