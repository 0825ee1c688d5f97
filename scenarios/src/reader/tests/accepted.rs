//! Scenarios that are right: what the typed result holds.

use sim_engine::link::LossModel;
use sim_engine::{DirectionMask, QueueLimit};

use super::{GOOD, changed, good, overridden};
use crate::scenario::{Action, Trace};

#[test]
fn names_become_places_and_quantities_numbers() {
    let scenario = good();
    assert_eq!(scenario.name, "s");
    assert_eq!(scenario.run.duration_ns, 86_400_000_000_000);
    assert_eq!(scenario.run.seed, 7);
    assert_eq!(scenario.node_count(), 11);
    let link = &scenario.links[0];
    assert_eq!((link.a, link.b), (0, 1));
    assert_eq!(link.directions, DirectionMask::BOTH);
    assert_eq!(link.up.delay.as_constant(), Some(2e7));
    assert_eq!(link.up, link.down);
    let step = &scenario.workloads[0].steps[0];
    assert_eq!((step.to, step.deadline_ns), (Some(1), 30_000_000_000));
    let rule = &scenario.adversaries[0].rules[0];
    let layout = &scenario.protocol.instance.layouts()[rule.matching.messages[0]];
    assert_eq!(layout.name, "M4");
    assert_eq!(rule.action, Action::Drop);
    assert_eq!(scenario.output.traces, [Trace::Sessions]);
}

#[test]
fn what_is_left_out_has_its_default() {
    let scenario = changed("deadline = \"30s\"\n", "").unwrap();
    assert_eq!(scenario.run.warmup_ns, 0);
    assert_eq!(scenario.run.epoch_ns, 1_767_225_600_000_000_000);
    // The command's own deadline, which is also how long the world settles.
    assert_eq!(scenario.workloads[0].steps[0].deadline_ns, 30_000_000_000);
    assert_eq!(scenario.run.settle_ns, 30_000_000_000);
    assert_eq!(scenario.groups[1].count, 1);
    assert_eq!(scenario.groups[1].backlog, 64);
    assert!(
        scenario
            .assumptions
            .iter()
            .any(|line| line.contains("`device` have no profile"))
    );
}

#[test]
fn a_constant_interval_bounds_the_default_deadline() {
    let text = GOOD
        .replace("exp(1h)", "5s")
        .replace("deadline = \"30s\"\n", "");
    let scenario = crate::read_text("s.toml", &text, &[]).unwrap();
    assert_eq!(scenario.workloads[0].steps[0].deadline_ns, 5_000_000_000);
}

#[test]
fn the_peer_may_be_left_out_where_one_link_leads_to_it() {
    let scenario = changed("to = \"server\"\n", "").unwrap();
    assert_eq!(scenario.workloads[0].steps[0].to, Some(1));
}

#[test]
fn several_commands_have_their_own_peers_and_arguments() {
    let scenario = changed(
        "do = \"authenticate\"",
        "do = [\"authenticate\", \"send-data\", \"finish\"]\nargs = { send-data = { bytes = \"32B\" } }",
    )
    .unwrap();
    let steps = &scenario.workloads[0].steps;
    assert_eq!(steps.len(), 3);
    assert_eq!(steps[1].args, [Some(crate::scenario::StepArg::Integer(32))]);
}

#[test]
fn directions_may_differ() {
    let scenario = changed(
        "delay = \"20ms\"",
        "delay = { up = \"1ms\", down = \"exp(2ms)\" }\nrate = { down = \"1Mbps\" }\nloss = { up = \"5%\" }",
    )
    .unwrap();
    let link = &scenario.links[0];
    assert_eq!(link.up.delay.as_constant(), Some(1e6));
    assert_eq!(link.down.delay.as_constant(), None);
    assert_eq!(
        (link.up.rate_bps, link.down.rate_bps),
        (None, Some(1_000_000))
    );
    assert!((link.up.loss.mean(0) - 0.05).abs() < 1e-12);
    assert_eq!(link.down.loss, LossModel::None);
}

#[test]
fn a_preset_fills_in_what_the_link_leaves_out() {
    let scenario = changed(
        "delay = \"20ms\"",
        "preset = \"ieee802154\"\ndelay = \"1ms\"\nqueue = { packets = 3 }\nloss = { down = 0 }",
    )
    .unwrap();
    let link = &scenario.links[0];
    assert_eq!(link.up.delay.as_constant(), Some(1e6));
    assert_eq!(link.up.rate_bps, Some(250_000));
    assert_eq!(link.up.mtu_bytes, Some(102));
    assert_eq!(link.up.queue, QueueLimit::Packets(3));
    assert!((link.up.loss.mean(0) - 0.03).abs() < 1e-9);
    assert_eq!(link.down.loss, LossModel::None);
    let note = |scenario: &crate::Scenario| {
        let mut lines = scenario.assumptions.iter();
        lines
            .find(|line| line.contains("preset `ieee802154`"))
            .cloned()
            .unwrap()
    };
    assert!(
        note(&scenario).contains("not measurements: `loss`"),
        "{}",
        note(&scenario)
    );
    let lossless = "preset = \"ieee802154\"\nloss = 0";
    let lossless = changed("delay = \"20ms\"", lossless).unwrap();
    assert!(
        note(&lossless).contains("not measurements: none"),
        "{}",
        note(&lossless)
    );
}

#[test]
fn a_message_that_no_link_can_carry_is_noted() {
    let notes = |mtu: &str| {
        let scenario = changed("delay = \"20ms\"", &format!("mtu = \"{mtu}\"")).unwrap();
        let about = scenario
            .assumptions
            .iter()
            .filter(|line| line.contains("drops what is longer"));
        about.cloned().collect::<Vec<_>>()
    };
    assert!(notes("102B").is_empty());
    let short = notes("80B");
    assert!(
        short
            .iter()
            .any(|line| line.starts_with("message M3 has 81 B")),
        "{short:?}"
    );
}

#[test]
fn loss_models_have_their_long_run_loss() {
    let mean = |loss: &str| {
        let scenario = changed("delay = \"20ms\"", &format!("loss = {loss}")).unwrap();
        scenario.links[0].up.loss.mean(0)
    };
    assert!((mean("0.2") - 0.2).abs() < 1e-12);
    assert!((mean("\"20%\"") - 0.2).abs() < 1e-12);
    assert!((mean("{ model = \"bernoulli\", p = 0.2 }") - 0.2).abs() < 1e-12);
    let gilbert = "{ model = \"gilbert\", good_to_bad = 0.1, bad_to_good = 0.4 }";
    assert!((mean(gilbert) - 0.2).abs() < 1e-12);
    let elliott = "{ model = \"gilbert-elliott\", good_to_bad = 0.02, bad_to_good = 0.2, \
                   loss_good = 0.001, loss_bad = 0.8, per = \"slot\", slot = \"10ms\" }";
    assert!((mean(elliott) - 0.073_636_363_6).abs() < 1e-9);
}

#[test]
fn overrides_need_no_quotes_and_replace_tables() {
    let count = overridden("nodes.device.count", "20").unwrap();
    assert_eq!(count.groups[0].count, 20);
    let loss = overridden("links.access.loss", "5%").unwrap();
    assert!((loss.links[0].up.loss.mean(0) - 0.05).abs() < 1e-12);
    let table = overridden("links.access.delay", "{ up = \"1ms\", down = \"2ms\" }").unwrap();
    assert_eq!(table.links[0].down.delay.as_constant(), Some(2e6));
    let rule = overridden("adversaries.mitm.rules.drop-final.probability", "20%").unwrap();
    assert!((rule.adversaries[0].rules[0].probability.value() - 0.2).abs() < 1e-12);
    let new = overridden("run.settle", "1min").unwrap();
    assert_eq!(new.run.settle_ns, 60_000_000_000);
    let command = overridden("workload.reauth.do", "authenticate").unwrap();
    assert_eq!(command.hash(), good().hash());
}

#[test]
fn the_hash_ignores_layout_and_comments_and_sees_every_value() {
    let hash = good().hash();
    let same = [
        (
            "duration = \"24h\"\nseed = 7",
            "seed = 0x7 # comment\n\nduration = '1440min'",
        ),
        ("probability = \"5%\"", "probability = 0.05"),
        (
            "params = { keys = 8, challenge = 3 }",
            "params.challenge = 3",
        ),
        ("[run]", "[scenario]\nname = \"other\"\n\n[run]"),
        (
            "count = 10\n",
            "count = 10\nbacklog = 64\nclock = { drift = \"0ppm\" }\n",
        ),
    ];
    for (from, to) in same {
        assert_eq!(changed(from, to).unwrap().hash(), hash, "{to}");
    }
    let other = [
        ("seed = 7", "seed = 8"),
        ("challenge = 3", "challenge = 4"),
        ("count = 10", "count = 11"),
        ("\"20ms\"", "\"21ms\""),
        ("\"5%\"", "\"6%\""),
        ("exp(1h)", "exp(2h)"),
        ("\"30s\"", "\"31s\""),
        ("direction = \"down\", ", ""),
        ("profile = \"x86-server\"", "profile = \"cortex-m4-80mhz\""),
    ];
    for (from, to) in other {
        assert_ne!(changed(from, to).unwrap().hash(), hash, "{to}");
    }
}

#[test]
fn giving_a_default_of_a_role_parameter_changes_no_hash() {
    let queue = |params: &str| {
        let text = format!(
            "schema = 1\n[run]\nduration = \"1h\"\nseed = 1\n[protocol]\nname = \"traffic\"\n\
             [nodes.users]\nrole = \"source\"\n{params}\n"
        );
        crate::read_text("s.toml", &text, &[]).unwrap().hash()
    };
    assert_eq!(
        queue(""),
        queue("params = { size = \"64B\", class = 0, reply = false }")
    );
    assert_ne!(queue(""), queue("params = { size = \"65B\" }"));
}

#[test]
fn an_empirical_law_is_read_beside_the_scenario_and_is_part_of_its_identity() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.toml");
    let sample = directory.path().join("delays.csv");
    std::fs::write(
        &path,
        GOOD.replace("\"20ms\"", "'empirical(\"delays.csv\")'"),
    )
    .unwrap();
    std::fs::write(&sample, "# measured\nms\n3\n1\n2\n\n").unwrap();
    let first = crate::read(&path, &[]).unwrap();
    assert!((first.links[0].up.delay.mean() - 2e6).abs() < 1.0);
    std::fs::write(&sample, "1ms\n2ms\n4ms\n").unwrap();
    let second = crate::read(&path, &[]).unwrap();
    assert_ne!(first.hash(), second.hash());
}

#[test]
fn a_later_stage_can_point_into_the_file() {
    let error = good().refuse("nodes.device.count", "too many", "take fewer");
    let shown = error.render(false);
    assert!(shown.contains("--> s.toml:13:9"), "{shown}");
    let rule = good().refuse("adversaries.mitm.rules.drop-final.probability", "no", "");
    assert!(rule.render(false).contains("--> s.toml:39:15"));
    let absent = good().refuse("links.access.mtu", "too small", "");
    assert!(absent.render(false).contains("--> s.toml:20:8"), "{absent}");
}
