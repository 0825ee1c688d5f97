//! Sessions until a pair is out of step for good, against closed forms.
//!
//! As published, `secure-vault` stores the server's new vault when M4 leaves and the device's when
//! M4 arrives; nothing is resent. With independent losses only the loss of M4 is fatal: an attempt
//! is fatal with probability `d`, attempts up to and including the fatal one are geometric with mean
//! `1/d`, and the accepted ones before it are geometric with mean `(1-w)/w`, `w` the loss of M4.
//!
//! The challenge has an odd number of indices: see `even_challenge` for what an even one does.

use reports::statistics::mean::{mean_and_deviation, student_interval};
use reports::statistics::proportion::clopper_pearson;
use scenarios::closed_form;
use scenarios::oracle::Episode;

use crate::simulation::{LEVEL, permanent, run, scenario};

/// Where messages get lost, and with which probability.
#[derive(Clone, Copy, Debug, Default)]
struct Loss {
    up: f64,
    down: f64,
    /// What an adversary does to M4.
    drop_final: f64,
}

impl Loss {
    /// Probability that M4 is lost once it was sent.
    fn of_final(self) -> f64 {
        1.0 - (1.0 - self.down) * (1.0 - self.drop_final)
    }

    /// Probability that an attempt is fatal.
    fn fatal(self) -> f64 {
        (1.0 - self.up) * (1.0 - self.down) * (1.0 - self.up) * self.of_final()
    }
}

/// `devices` devices that make exactly `attempts` attempts each, every 15 s.
fn text(loss: Loss, devices: u32, attempts: u32, seed: u64) -> String {
    let Loss {
        up,
        down,
        drop_final,
    } = loss;
    format!(
        r#"
schema = 1
[scenario]
name = "truth"
[run]
duration = "{}s"
seed = {seed}
[protocol]
name = "secure-vault"
params = {{ keys = 8, challenge = 3 }}
[nodes.device]
role = "device"
count = {devices}
start = "uniform(0s, 15s)"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
loss = {{ up = {up}, down = {down} }}
[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "15s"
count = {attempts}
[adversaries.mitm]
on = "access"
powers = ["drop"]
[[adversaries.mitm.rules]]
id = "drop-final"
match = {{ direction = "down", message = "M4" }}
action = "drop"
probability = {drop_final}
[output]
traces = []
figures = []
"#,
        15 * (attempts + 1),
    )
}

/// Attempts after which fewer than one in a thousand such fleets still has a device in step.
fn enough(devices: u32, fatal: f64) -> u32 {
    let left = (1e-3 / f64::from(devices)).ln();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small count"
    )]
    let attempts = (left / (1.0 - fatal).ln()).ceil() as u32;
    attempts
}

#[track_caller]
fn assert_mean(what: &str, values: &[f64], expected: f64) {
    let (mean, deviation) = mean_and_deviation(values).unwrap();
    let interval = student_interval(mean, deviation.unwrap(), values.len() as u64, LEVEL).unwrap();
    assert!(
        interval.low <= expected && expected <= interval.high,
        "{what}: {mean} in [{}, {}] and not {expected}",
        interval.low,
        interval.high
    );
}

#[track_caller]
fn assert_share(what: &str, part: u64, whole: u64, expected: f64) {
    let interval = clopper_pearson(part, whole, LEVEL).unwrap();
    assert!(
        interval.low <= expected && expected <= interval.high,
        "{what}: {part} of {whole} in [{}, {}] and not {expected}",
        interval.low,
        interval.high
    );
}

/// Runs until every device is out of step and holds attempts and successes against theory.
#[track_caller]
fn assert_geometric(loss: Loss, devices: u32, seed: u64) {
    let (fatal, of_final) = (loss.fatal(), loss.of_final());
    let attempts = enough(devices, fatal);
    let finished = run(&scenario(&text(loss, devices, attempts, seed)));
    let deaths: Vec<Episode> = permanent(&finished);
    assert_eq!(
        deaths.len(),
        devices as usize,
        "every device is out of step, none is censored"
    );
    let all: Vec<f64> = deaths
        .iter()
        .map(|death| f64::from(death.attempts_before))
        .collect();
    let accepted: Vec<f64> = deaths
        .iter()
        .map(|death| f64::from(death.successes_before))
        .collect();
    assert_mean("attempts to desync", &all, 1.0 / fatal);
    assert_mean(
        "successes before desync",
        &accepted,
        (1.0 - of_final) / of_final,
    );
    // The same once more without the normal approximation: every attempt up to the fatal one is a
    // trial of its own.
    let count = u64::from(devices);
    let trials: u64 = deaths
        .iter()
        .map(|death| u64::from(death.attempts_before))
        .sum();
    assert_share("fatal attempts", count, trials, fatal);
    let decisive: u64 = deaths
        .iter()
        .map(|death| u64::from(death.successes_before))
        .sum();
    assert_share("losses of M4", count, count + decisive, of_final);
}

fn both(p: f64) -> Loss {
    Loss {
        up: p,
        down: p,
        drop_final: 0.0,
    }
}

#[test]
fn loss_of_one_percent_leaves_the_pair_after_the_geometric_number_of_attempts() {
    assert_geometric(both(0.01), 200, 101);
}

#[test]
fn loss_of_five_percent_leaves_the_pair_after_the_geometric_number_of_attempts() {
    assert_geometric(both(0.05), 1000, 102);
}

#[test]
fn loss_of_twenty_percent_leaves_the_pair_after_the_geometric_number_of_attempts() {
    assert_geometric(both(0.20), 2000, 103);
}

#[test]
fn an_adversary_that_drops_the_last_message_makes_every_attempt_a_trial() {
    for (p, devices, seed) in [
        (0.01, 100, 104),
        (0.05, 500, 105),
        (0.20, 1000, 106),
        (0.5, 1000, 107),
    ] {
        assert_geometric(
            Loss {
                drop_final: p,
                ..Loss::default()
            },
            devices,
            seed,
        );
    }
}

#[test]
fn an_adversary_and_a_lossy_link_compose() {
    assert_geometric(
        Loss {
            up: 0.1,
            down: 0.05,
            drop_final: 0.1,
        },
        1000,
        108,
    );
}

#[test]
fn loss_towards_the_device_alone_can_take_the_second_or_the_last_message() {
    assert_geometric(
        Loss {
            down: 0.1,
            ..Loss::default()
        },
        1000,
        109,
    );
}

#[test]
fn loss_towards_the_server_alone_is_never_fatal() {
    let loss = Loss {
        up: 0.3,
        ..Loss::default()
    };
    let finished = run(&scenario(&text(loss, 100, 100, 110)));
    let relation = &finished.world.relations[0];
    assert_eq!(relation.oracle.closed().len(), 0);
    let (made, accepted) = finished.counts.iter().fold((0, 0), |sum, node| {
        (sum.0 + u64::from(node.0), sum.1 + u64::from(node.1))
    });
    assert_eq!(made, 10_000);
    assert_share("accepted without M1 and M3 lost", accepted, made, 0.7 * 0.7);
}

#[test]
fn after_a_fixed_number_of_attempts_the_share_out_of_step_is_binomial() {
    for (p, devices, attempts, seed) in [
        (0.01, 3000, 70, 111),
        (0.03, 3000, 25, 112),
        (0.1, 3000, 10, 113),
        (0.4, 3000, 5, 114),
    ] {
        let loss = both(p);
        let finished = run(&scenario(&text(loss, devices, attempts, seed)));
        let dead = permanent(&finished).len() as u64;
        let expected = 1.0 - (1.0 - loss.fatal()).powi(attempts.cast_signed());
        assert_share(
            &format!("out of step at p = {p}"),
            dead,
            u64::from(devices),
            expected,
        );
    }
}

/// The survival curve that figures draw, against the share of simulated pairs still in step. All
/// pairs are censored at the end only, so that the share is binomial at every instant.
#[track_caller]
fn assert_survival(text: &str) {
    let scenario = scenario(text);
    let curve = closed_form::survival(&scenario).expect("theory covers this scenario");
    let finished = run(&scenario);
    let pairs = finished.world.relations[0].ends.len() as u64;
    let deaths = permanent(&finished);
    // Eight instants are looked at: each gets an eighth of the error that one may have.
    let level = 1.0 - (1.0 - LEVEL) / 8.0;
    for eighth in 1..=8 {
        let at_ns = scenario.run.duration_ns / 8 * eighth;
        let left = pairs
            - deaths
                .iter()
                .filter(|death| death.start_ns <= at_ns)
                .count() as u64;
        let interval = clopper_pearson(left, pairs, level).unwrap();
        let expected = curve.share(at_ns);
        assert!(
            interval.low <= expected && expected <= interval.high,
            "after {eighth}/8: {left} of {pairs} and not {expected}"
        );
    }
}

#[test]
fn the_survival_curve_of_the_figure_is_the_simulated_one() {
    let text = scenarios::library::find("last-message").unwrap().text;
    assert_survival(text);
    assert_survival(
        &text
            .replace("delay = ", "loss = \"3%\"\ndelay = ")
            .replace("\"5%\"", "0"),
    );
}

#[test]
fn the_survival_curve_of_constant_intervals_is_the_simulated_one() {
    assert_survival(&text(both(0.05), 2000, 60, 115).replace("count = 60", ""));
    assert_survival(
        &text(
            Loss {
                drop_final: 0.1,
                ..both(0.02)
            },
            2000,
            30,
            116,
        )
        .replace("count = 30", ""),
    );
}

#[test]
fn theory_keeps_silent_where_it_does_not_apply() {
    let base = text(both(0.05), 10, 10, 117).replace("count = 10\n[adv", "[adv");
    assert!(closed_form::survival(&scenario(&base)).is_some());
    for (from, to) in [
        ("challenge = 3", "challenge = 4"),
        (
            "every = \"15s\"",
            "every = \"15s\"\nretry = { after = \"1s\", max = 1 }",
        ),
        (
            "every = \"15s\"",
            "every = \"15s\"\nreprovision = { after = 3 }",
        ),
        ("message = \"M4\"", "message = \"M2\""),
        ("challenge = 3", "challenge = 3, recovery = \"resend\""),
        ("challenge = 3", "challenge = 3, commit = \"session-end\""),
    ] {
        assert!(base.contains(from), "{from}");
        assert_eq!(
            closed_form::survival(&scenario(&base.replace(from, to))),
            None,
            "{to}"
        );
    }
}
