//! New first storage for initiators that fail again and again.

use scenarios::build::build;
use scenarios::host::attempt::Outcome;
use scenarios::host::tables::NoTables;
use scenarios::oracle::EpisodeKind;
use scenarios::verify::first_difference;

use crate::simulation::{Ledger, of_kind, permanent, run, run_into, scenario};

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;

/// 150 devices that authenticate every minute for 12 hours; M4 gets lost now and then, and nothing
/// else.
const FLEET: &str = r#"
schema = 1
[scenario]
name = "fleet"
[run]
duration = "12h"
seed = 410
[protocol]
name = "secure-vault"
params = { keys = 8, challenge = 3 }
[nodes.device]
role = "device"
count = 150
start = "uniform(0s, 1min)"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "1min"
deadline = "10s"
reprovision = { after = 3, time = "10min" }
[adversaries.mitm]
on = "access"
powers = ["drop"]
[[adversaries.mitm.rules]]
id = "drop-final"
match = { direction = "down", message = "M4" }
action = "drop"
probability = "1%"
[output]
traces = []
figures = []
"#;

/// The policy of [`FLEET`].
const POLICY: &str = "reprovision = { after = 3, time = \"10min\" }";

fn changed(from: &str, to: &str) -> String {
    assert!(FLEET.contains(from), "{from}");
    FLEET.replacen(from, to, 1)
}

#[test]
fn brings_every_lost_pair_back_after_its_failures_and_the_way_of_the_operator() {
    let finished = run(&scenario(FLEET));
    let back = of_kind(&finished, EpisodeKind::Reprovisioned);
    assert!(back.len() > 500, "{}", back.len());
    // Up to two further requests fail, the last at its deadline at the latest; fewer where the
    // server's start for another device had cost this one an attempt before.
    let earliest = 10 * MINUTE_NS;
    let latest = earliest + 2 * MINUTE_NS + 10 * SECOND_NS;
    for episode in &back {
        let lasted = episode.end_ns.unwrap() - episode.start_ns;
        assert!((earliest..=latest).contains(&lasted), "{episode:?}");
    }
    // Only those are lost for good whose operator would have come after the end.
    let end_ns = 12 * 60 * MINUTE_NS;
    for episode in permanent(&finished) {
        assert!(episode.start_ns + latest >= end_ns, "{episode:?}");
    }
    assert!(of_kind(&finished, EpisodeKind::Transient).is_empty());
}

#[test]
fn counts_a_visit_and_both_vaults_for_every_fatal_loss() {
    let finished = run(&scenario(FLEET));
    let back = of_kind(&finished, EpisodeKind::Reprovisioned).len() as u64;
    assert_eq!(finished.tally.reprovisions, back);
    // An epoch of 4 bytes and eight keys of 128 bits, at the device and at the server.
    assert_eq!(finished.tally.reprovision_bytes, back * 2 * 132);
    let lost = permanent(&finished).len() as u64;
    assert_eq!(finished.tally.of(Outcome::HalfOpen), back + lost);
}

#[test]
fn requests_wait_while_the_operator_is_on_the_way() {
    let text = changed(POLICY, "reprovision = { after = 1, time = \"10h\" }")
        .replace("probability = \"1%\"", "probability = \"100%\"");
    let mut ledger = Ledger::default();
    run_into(&scenario(&text), &mut ledger);
    // The first request of each device fails; the next one begins when the operator has been there.
    assert_eq!(ledger.closed.len(), 300);
    assert!(ledger.closed.iter().all(|closed| closed.number <= 2));
}

#[test]
fn a_success_in_between_starts_the_count_anew() {
    let text = changed(
        "match = { direction = \"down\", message = \"M4\" }",
        "match = { message = \"M1\" }",
    )
    .replace("probability = \"1%\"", "probability = \"30%\"")
    .replace(POLICY, "reprovision = { after = 3 }");
    let mut ledger = Ledger::default();
    let finished = run_into(&scenario(&text), &mut ledger);
    let mut expected = 0;
    for device in 0..150 {
        let mut in_a_row = 0;
        for closed in ledger
            .closed
            .iter()
            .filter(|closed| closed.initiator == device)
        {
            in_a_row = if closed.outcome == Outcome::Accepted {
                0
            } else {
                in_a_row + 1
            };
            if in_a_row == 3 {
                expected += 1;
                in_a_row = 0;
            }
        }
    }
    // A third failure after the end brings nobody any more.
    let visits = finished.tally.reprovisions;
    assert!(
        visits > 1000 && visits <= expected && visits + 5 > expected,
        "{visits} of {expected}"
    );
    assert!(of_kind(&finished, EpisodeKind::Reprovisioned).is_empty());
}

#[test]
fn a_policy_that_is_never_needed_changes_nothing() {
    let without = run(&scenario(&changed(POLICY, "")));
    let unused = run(&scenario(&changed(
        POLICY,
        "reprovision = { after = 100000 }",
    )));
    assert_eq!(without.fingerprint, unused.fingerprint);
    assert_eq!(unused.tally.reprovisions, 0);
}

#[test]
fn repeats_event_by_event() {
    let difference = first_difference(&scenario(FLEET)).unwrap();
    assert!(difference.is_none(), "{difference:?}");
}

/// A small fleet that is visited after every failed request, and fails often.
fn frail(protocol: &str, device: &str) -> String {
    format!(
        r#"
schema = 1
[scenario]
name = "frail"
[run]
duration = "10h"
seed = 411
[protocol]
{protocol}
[nodes.device]
role = "{device}"
count = 20
start = "uniform(0s, 1min)"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "5ms"
loss = "15%"
[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "10min"
deadline = "30s"
reprovision = {{ after = 1 }}
[output]
traces = []
figures = []
"#
    )
}

#[test]
fn what_is_provisioned_anew_fits_in_every_protocol_and_variant_that_allows_it() {
    let vault =
        |more: &str| format!("name = \"secure-vault\"\nparams = {{ challenge = 3 }}\n{more}");
    for (protocol, device) in [
        (vault(""), "device"),
        (vault("variant = \"hardened\""), "device"),
        (vault("variant = \"literal\""), "device"),
        (
            vault("").replace("challenge = 3", "challenge = 3, at_rest = \"sealed\""),
            "device",
        ),
        (
            vault("").replace("challenge = 3", "challenge = 3, first_vault = \"shared\""),
            "device",
        ),
        ("name = \"vault-exchange\"".into(), "device"),
        (
            "name = \"vault-exchange\"\nvariant = \"hardened\"".into(),
            "device",
        ),
        (
            "name = \"ratchet\"\nparams = { framing = \"datagram\", clients = 20 }".into(),
            "client",
        ),
    ] {
        let mut ledger = Ledger::default();
        let finished = run_into(&scenario(&frail(&protocol, device)), &mut ledger);
        assert!(finished.tally.reprovisions > 10, "{protocol}");
        assert_eq!(finished.tally.agreement_violations, 0, "{protocol}");
        let counts = (0..20).map(|device| {
            let own = ledger
                .closed
                .iter()
                .filter(|closed| closed.initiator == device);
            let late = own.filter(|closed| closed.number > 30);
            late.filter(|closed| closed.outcome == Outcome::Accepted)
                .count()
        });
        // A pair whose ends did not fit would have none.
        for (device, accepted) in counts.enumerate() {
            assert!(accepted >= 3, "{protocol}: {accepted} of device {device}");
        }
    }
}

#[test]
fn is_refused_where_others_hold_values_that_belong_to_those_of_one_node() {
    let library = |name: &str| scenarios::library::find(name).unwrap().text;
    let ratchet = frail(
        "name = \"ratchet\"\nparams = { framing = \"datagram\" }",
        "client",
    );
    for text in [
        library("multi-server-lossy").to_owned(),
        library("rsa-udp-lossy").to_owned(),
        ratchet.replace("count = 20", "count = 20\nparams = { id = 3 }"),
    ] {
        let policy = "every = \"exp(1h)\"\nreprovision = { after = 3 }";
        let text = text.replacen("every = \"exp(1h)\"", policy, 1);
        let error = build::<NoTables>(&scenario(&text))
            .err()
            .unwrap()
            .render(false);
        assert!(
            error.contains("cannot be provisioned anew one by one"),
            "{error}"
        );
        let line = 1 + text
            .lines()
            .position(|line| line.starts_with("reprovision"))
            .unwrap();
        assert!(error.contains(&format!("test.toml:{line}:")), "{error}");
    }
}

#[test]
fn a_list_may_ask_for_it_as_a_step_with_its_time() {
    let text = changed(
        "do = \"authenticate\"",
        "do = [\"authenticate\", \"reprovision\"]",
    )
    .replace(POLICY, "args = { reprovision = { time = \"20s\" } }")
    .replace("probability = \"1%\"", "probability = \"0%\"")
    .replace("duration = \"12h\"", "duration = \"1h\"")
    .replace("count = 150", "count = 1");
    let mut ledger = Ledger::default();
    let finished = run_into(&scenario(&text), &mut ledger);
    let sessions = ledger.closed.iter();
    let of = |outcome| {
        sessions
            .clone()
            .filter(|closed| closed.outcome == outcome)
            .count() as u64
    };
    assert_eq!(of(Outcome::Accepted), of(Outcome::Completed));
    assert_eq!(of(Outcome::Completed), 60);
    assert_eq!(finished.tally.reprovisions, of(Outcome::Completed));
    assert_eq!(
        finished.tally.reprovision_bytes,
        finished.tally.reprovisions * 2 * 132
    );
    assert!(permanent(&finished).is_empty());
    assert!(first_difference(&scenario(&text)).unwrap().is_none());
}

#[test]
fn as_a_step_before_the_request_it_repairs_what_the_last_one_broke() {
    let text = changed(
        "do = \"authenticate\"",
        "do = [\"reprovision\", \"authenticate\"]",
    )
    .replace(POLICY, "")
    .replace("probability = \"1%\"", "probability = \"100%\"")
    .replace("duration = \"12h\"", "duration = \"1h\"")
    .replace("count = 150", "count = 1");
    let finished = run(&scenario(&text));
    let back = of_kind(&finished, EpisodeKind::Reprovisioned).len() as u64;
    // Every request ends half-open, and every one but the last is repaired.
    assert_eq!(
        finished.tally.of(Outcome::HalfOpen),
        finished.tally.of(Outcome::Completed)
    );
    assert_eq!(back, finished.tally.of(Outcome::HalfOpen) - 1);
    // The honest continuation repairs nothing.
    assert_eq!(permanent(&finished).len(), 1);
}

#[test]
fn a_step_that_cannot_be_is_refused() {
    let refused = |text: &str, says: &str| {
        let read = scenarios::read_text("test.toml", text, &[]);
        let error = match read {
            Ok(scenario) => build::<NoTables>(&scenario).err().unwrap(),
            Err(error) => error,
        };
        let message = error.render(false);
        assert!(message.contains(says), "{message}");
    };
    let step = "do = [\"reprovision\", \"authenticate\"]";
    let args = changed("do = \"authenticate\"", step)
        .replace(POLICY, "args = { reprovision = { tme = \"20s\" } }");
    refused(&args, "did you mean `time`?");
    let number = args.replace("tme = \"20s\"", "time = 20");
    refused(&number, "unit");
    let typo = changed("do = \"authenticate\"", "do = [\"reprovison\"]");
    refused(&typo, "did you mean `reprovision`?");
    let unused = changed(POLICY, "args = { reprovision = { time = \"20s\" } }");
    refused(&unused, "which `do` does not");
}
