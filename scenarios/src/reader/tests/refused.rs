//! Scenarios that are wrong: each message names place, reason and remedy.

use super::{GOOD, changed, overridden, says};

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant_and_all_there_are() {
    says(
        changed("count = 10\n", "coutn = 10\n"),
        &[
            "there is no key `coutn` in `nodes.device`",
            "--> s.toml:13:1",
            "did you mean `count`?",
            "`role`, `count`, `profile`, `start`, `clock`, `radio`, `sleep_power`, `battery`, \
             `storage`, `backlog` and `params`",
        ],
    );
}

#[test]
fn a_table_that_is_no_part_of_the_format_is_refused() {
    says(
        changed("[output]", "[failures.power]\n[output]"),
        &[
            "there is no key `failures` at the top of the file",
            "`workload`",
        ],
    );
}

#[test]
fn sessions_whose_steps_are_asked_for_must_be_possible() {
    let asked = |steps: &str| overridden("output.steps", steps);
    says(
        asked("faild"),
        &[
            "there is no choice of steps `faild`",
            "did you mean `failed`?",
        ],
    );
    says(
        asked("['device/3']"),
        &["`device/3` names no session", "`device[3]/17`"],
    );
    says(
        asked("['devcie[3]/1']"),
        &["there is no node group `devcie`", "did you mean `device`?"],
    );
    says(asked("['device[10]/1']"), &["has 10 nodes", "from 0 to 9"]);
}

#[test]
fn a_bare_number_is_refused_with_the_unit_it_may_have_meant() {
    says(
        changed("deadline = \"30s\"", "deadline = 30"),
        &[
            "`30` has no unit",
            "--> s.toml:29:12",
            "did you mean `\"30s\"`?",
        ],
    );
    says(
        changed("exp(1h)", "exp(1)"),
        &["`1` has no unit", "--> s.toml:28:14", "did you mean `1s`?"],
    );
}

#[test]
fn an_unknown_unit_is_refused_with_the_units_there_are() {
    says(
        changed("\"30s\"", "\"30sec\""),
        &[
            "there is no unit `sec` of a duration",
            "did you mean `30s`?",
            "ns, us, ms, s, min, h, d",
        ],
    );
    says(
        changed("\"30s\"", "\"30kB\""),
        &["`30kB` is a size, but a duration is wanted here"],
    );
}

#[test]
fn a_probability_outside_0_to_1_is_refused() {
    says(
        changed("\"5%\"", "-0.1"),
        &[
            "`-0.1` is no probability",
            "--> s.toml:39:15",
            "between 0% and 100%",
        ],
    );
    says(
        changed("\"5%\"", "\"130%\""),
        &["`130%` is no probability", "--> s.toml:39:15"],
    );
    says(
        changed("\"5%\"", "5"),
        &["`5` is no probability", "did you mean `\"5%\"`?"],
    );
}

#[test]
fn a_challenge_of_all_keys_is_refused_at_its_value() {
    says(
        changed("challenge = 3", "challenge = 8"),
        &["--> s.toml:9:34", "at most 7"],
    );
}

#[test]
fn a_parameter_out_of_range_is_refused_with_its_range() {
    says(
        changed("keys = 8", "keys = 1"),
        &["1 is out of range", "--> s.toml:9:19", "between 2 and 4096"],
    );
}

#[test]
fn zero_nodes_are_refused() {
    says(
        changed("count = 10", "count = 0"),
        &["a group of zero nodes", "--> s.toml:13:9"],
    );
    says(changed("count = 10", "count = -3"), &["-3 is out of range"]);
    says(
        changed("count = 10", "count = 20_000_000"),
        &["20000000 is out of range", "10000000"],
    );
}

#[test]
fn unknown_names_are_refused_with_what_there_is() {
    says(
        changed("role = \"server\"", "role = \"sever\""),
        &[
            "there is no role `sever`",
            "did you mean `server`?",
            "`device`, `server` and `relay`",
        ],
    );
    says(
        changed("\"secure-vault\"", "\"secure-valt\""),
        &[
            "there is no protocol `secure-valt`",
            "did you mean `secure-vault`?",
            "`traffic`",
        ],
    );
    says(
        changed("delay = \"20ms\"", "preset = \"ieee802.15.4\""),
        &[
            "there is no preset `ieee802.15.4`",
            "`ethernet-lan`",
            "`satellite-leo`",
        ],
    );
    says(
        changed("\"x86-server\"", "\"x86\""),
        &[
            "there is no profile `x86`",
            "`raspberry-pi-4` and `x86-server`",
        ],
    );
    says(
        changed("\"M4\"", "\"M5\""),
        &[
            "there is no message `M5`",
            "--> s.toml:37:41",
            "`M1`, `M2`, `M3`, `M4`",
        ],
    );
    says(
        changed("do = \"authenticate\"", "do = \"authentcate\""),
        &[
            "there is no command `authentcate`",
            "did you mean `authenticate`?",
        ],
    );
    says(
        changed("\"latency-cdf\"", "\"latency_cdf\""),
        &[
            "there is no figure `latency_cdf`",
            "did you mean `latency-cdf`?",
        ],
    );
    says(
        changed("on = \"access\"", "on = \"acces\""),
        &["there is no link `acces`"],
    );
}

#[test]
fn a_link_between_groups_that_do_not_exist_is_refused() {
    says(
        changed("[\"device\", \"server\"]", "[\"device\", \"gateway\"]"),
        &[
            "there is no node group `gateway`",
            "--> s.toml:21:22",
            "`device` and `server`",
        ],
    );
    says(
        changed("[\"device\", \"server\"]", "[\"device\", \"device\"]"),
        &["both ends of this link are the same group"],
    );
}

#[test]
fn two_links_that_packets_could_not_tell_apart_are_refused() {
    says(
        changed(
            "[workload.reauth]",
            "[links.other]\nbetween = [\"server\", \"device\"]\n\n[workload.reauth]",
        ),
        &[
            "`access` and `other` join the same groups",
            "this is the other one",
        ],
    );
}

#[test]
fn a_step_without_a_link_is_refused() {
    let without = GOOD
        .replace(
            "[links.access]\nbetween = [\"device\", \"server\"]\ndelay = \"20ms\"\n",
            "",
        )
        .replace(&GOOD[GOOD.find("[adversaries.mitm]").unwrap()..], "");
    says(
        crate::read_text("s.toml", &without, &[]),
        &["no link leads from `device` to `server`"],
    );
}

#[test]
fn a_step_that_needs_an_answer_needs_a_way_back() {
    says(
        changed("delay = \"20ms\"", "direction = \"up\""),
        &["no link leads back from `server` to `device`"],
    );
}

#[test]
fn a_queue_without_a_rate_is_refused() {
    says(
        changed("delay = \"20ms\"", "queue = { packets = 3 }"),
        &["a queue needs a rate", "--> s.toml:22:9"],
    );
}

#[test]
fn a_command_of_another_role_is_refused() {
    says(
        changed("from = \"device\"", "from = \"server\""),
        &["`authenticate` is a command of role `device`"],
    );
}

#[test]
fn an_action_needs_its_power() {
    says(
        changed("powers = [\"observe\", \"drop\"]", "powers = [\"observe\"]"),
        &["has not declared the power `drop`", "--> s.toml:38:10"],
    );
}

#[test]
fn a_second_adversary_on_a_link_is_refused() {
    says(
        changed(
            "[output]",
            "[adversaries.other]\non = \"access\"\npowers = [\"drop\"]\n\n[output]",
        ),
        &[
            "the link `access` has an adversary already",
            "--> s.toml:42:6",
            "this one",
        ],
    );
}

#[test]
fn nobody_matches_messages_on_a_secure_link() {
    says(
        changed("delay = \"20ms\"", "channel = \"secure\""),
        &["rule `drop-final` matches messages", "--> s.toml:32:6"],
    );
}

#[test]
fn missing_tables_are_named_with_what_to_write() {
    says(
        crate::read_text("s.toml", "schema = 1\n", &[]),
        &[
            "there is no table `[run]`",
            "there is no table `[protocol]`",
            "there is no table `[nodes.NAME]`",
            "add `[run]` with `duration = \"1h\"` and `seed = 1`",
        ],
    );
}

#[test]
fn a_table_given_twice_is_refused_once_with_both_places() {
    let read = changed(
        "[nodes.server]\n",
        "[nodes.server]\nrole = \"server\"\n\n[nodes.server]\n",
    );
    let error = read.unwrap_err();
    assert_eq!(error.count(), 1, "{error}");
    says(
        Err(error),
        &[
            "the table `server` is given twice",
            "--> s.toml:19:8",
            "it is first given here",
        ],
    );
}

#[test]
fn a_value_without_quotes_is_refused_with_the_line_to_write() {
    says(
        changed("duration = \"24h\"", "duration = 24h"),
        &["`24h` has no quotes", "write `duration = \"24h\"`"],
    );
}

#[test]
fn a_bracket_that_is_not_closed_is_marked() {
    says(
        changed("challenge = 3 }", "challenge = 3"),
        &["this `{` is not closed"],
    );
}

#[test]
fn errors_in_laws_point_at_the_argument() {
    says(
        changed("\"20ms\"", "\"lognormal(median=25ms, sigma=0)\""),
        &["`sigma` must be greater than zero", "--> s.toml:22:39"],
    );
    says(
        changed("\"20ms\"", "\"uniform(5ms, 1ms)\""),
        &["`from` must be smaller than `to`"],
    );
    says(
        changed("\"20ms\"", "\"-20ms\""),
        &["a duration cannot be negative here"],
    );
    says(
        changed("\"20ms\"", "\"empirical('nowhere.csv')\""),
        &[
            "cannot read `nowhere.csv`: there is no such file",
            "--> s.toml:22:20",
        ],
    );
}

#[test]
fn a_run_without_a_seed_is_refused() {
    says(
        changed("seed = 7\n", ""),
        &["`run` lacks `seed`", "add `seed = 1`"],
    );
}

#[test]
fn nodes_that_start_after_the_run_are_refused() {
    says(
        changed("uniform(0s, 10min)", "25h"),
        &[
            "nodes `device` start after the run is over",
            "the run lasts 1d",
        ],
    );
}

#[test]
fn several_errors_come_together_in_the_order_of_the_file() {
    let text = GOOD
        .replace("count = 10", "coutn = 10")
        .replace("duration = \"24h\"", "duration = 24")
        .replace("delay = \"20ms\"", "dealy = \"20ms\"");
    let error = crate::read_text("s.toml", &text, &[]).unwrap_err();
    let titles: Vec<&str> = error.titles().collect();
    assert_eq!(titles.len(), 3, "{error}");
    assert!(titles[0].contains("24"), "{titles:?}");
    assert!(titles[1].contains("coutn"), "{titles:?}");
    assert!(titles[2].contains("dealy"), "{titles:?}");
}

#[test]
fn only_the_first_few_errors_are_shown() {
    let lines: String = (0..19).map(|number| format!("key{number} = 1\n")).collect();
    let error = crate::read_text("s.toml", &format!("{lines}{GOOD}"), &[]).unwrap_err();
    assert_eq!(error.count(), 19);
    let shown = error.render(false);
    assert_eq!(shown.matches("error:").count(), 8);
    assert!(shown.contains("11 more of such messages"), "{shown}");
}

#[test]
fn an_override_with_an_unknown_path_points_into_the_argument() {
    says(
        overridden("nodes.devise.count", "10"),
        &[
            "there is no `devise` in `nodes`",
            "--> --set:1:7",
            "did you mean `device`?",
        ],
    );
    says(
        overridden("nodes.device.cuont", "10"),
        &[
            "there is no key `cuont` in `nodes.device`",
            "--> --set:1:14",
        ],
    );
    says(
        overridden("adversaries.mitm.rules.drop-last.probability", "1%"),
        &[
            "there is no element `drop-last` in this list",
            "did you mean `drop-final`?",
        ],
    );
    says(
        overridden("run.seed.x", "1"),
        &[
            "`x` cannot be set",
            "--> --set:1:10",
            "s.toml:5:8",
            "this is the value",
        ],
    );
    says(
        overridden("run..seed", "1"),
        &["`run..seed` is no path of a value"],
    );
}

#[test]
fn an_override_of_the_wrong_type_points_into_the_argument() {
    says(
        overridden("nodes.device.count", "ten"),
        &[
            "a whole number is wanted here, not a string",
            "--> --set:1:20",
            "nodes.device.count=ten",
        ],
    );
    says(
        overridden("run.settle", "10"),
        &["`10` has no unit", "--> --set:1:12", "did you mean `10s`?"],
    );
    says(
        overridden("workload.reauth.every", "exp(1)"),
        &["`1` has no unit", "--> --set:1:27"],
    );
    says(
        overridden("output.traces", "[\"sessions\""),
        &["--> --set:1:26"],
    );
}

#[test]
fn a_policy_of_reprovisioning_that_can_never_act_is_refused() {
    says(
        changed(
            "deadline = \"30s\"",
            "retry = { after = \"30s\" }\nreprovision = { after = 3 }",
        ),
        &[
            "a request that is retried without end never fails",
            "--> s.toml:30:1",
            "give `retry` a `max`",
        ],
    );
    says(
        changed("deadline = \"30s\"", "reprovision = { after = 0 }"),
        &["--> s.toml:29:25"],
    );
    says(
        changed("deadline = \"30s\"", "reprovision = { time = \"10min\" }"),
        &["`after`", "--> s.toml:29"],
    );
}
