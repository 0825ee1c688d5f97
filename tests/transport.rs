//! What a link's `transport` does to the protocols above it.

use scenarios::host::attempt::Outcome;
use scenarios::host::tables::{Header, SessionEnd, StrayAcceptance, Tables};
use scenarios::oracle::Episode;
use scenarios::verify::first_difference;
use scenarios::{PacketEnd, Recorder};

use crate::simulation::{metric, permanent, run, run_into, scenario, summary};

/// Devices of one protocol over one link; PROTOCOL, ROLES, LINK and DO are filled in.
fn world(protocol: &str, [one, other]: [&str; 2], link: &str, steps: &str) -> String {
    format!(
        r#"
schema = 1
[scenario]
name = "world"
[run]
duration = "2h"
seed = 77
[protocol]
{protocol}
[nodes.one]
role = "{one}"
count = 10
start = "uniform(0s, 1min)"
[nodes.other]
role = "{other}"
[links.access]
between = ["one", "other"]
{link}
[workload.sessions]
from = "one"
to = "other"
do = {steps}
every = "10min"
deadline = "9min"
[output]
traces = []
figures = []
"#
    )
}

/// An odd challenge, which lets no lagging device in, and a device as patient as its stream.
const VAULT: &str = "name = \"secure-vault\"\nparams = { challenge = 3, reply_timeout = \"9min\" }";
const DEVICES: [&str; 2] = ["device", "server"];
const AUTHENTICATE: &str = "\"authenticate\"";

#[test]
fn over_a_stream_loss_becomes_delay_for_every_protocol() {
    let lossy = "delay = \"20ms\"\nloss = \"20%\"\ntransport = { kind = \"stream\", retries = 100, \
                 connect_retries = 100 }";
    let reports = "[\"authenticate\", \"send-data\", \"send-data\", \"finish\"]";
    let worlds = [
        world(VAULT, DEVICES, lossy, AUTHENTICATE),
        world(
            "name = \"vault-exchange\"\nparams = { reply_timeout = \"1h\", sessions = 1 }",
            DEVICES,
            lossy,
            AUTHENTICATE,
        ),
        world(
            "name = \"ratchet\"\nparams = { clients = 10, response_timeout = \"9min\" }",
            ["client", "server"],
            lossy,
            reports,
        ),
    ];
    for text in worlds {
        let summary = summary(&scenario(&text));
        assert!(metric(&summary, "attempts") >= 120.0, "{text}");
        assert_eq!(metric(&summary, "success_rate"), 1.0, "{text}");
        assert_eq!(metric(&summary, "desync_rate"), 0.0, "{text}");
        assert!(metric(&summary, "retransmissions") > 100.0, "{text}");
        assert!(metric(&summary, "loss_rate") > 0.17, "{text}");
        assert_eq!(metric(&summary, "connections_given_up"), 0.0, "{text}");
    }
}

#[test]
fn a_stream_costs_its_opening_once_and_then_no_more_than_datagrams() {
    let latencies = |link: &str| {
        let text = world(VAULT, DEVICES, link, AUTHENTICATE);
        let finished = run(&scenario(&text));
        let sessions = u128::from(finished.tally.of(Outcome::Accepted));
        (sessions, finished.tally.latency_sum_ns / 1_000_000)
    };
    let (sessions, sum_ms) = latencies("delay = \"25ms\"");
    assert_eq!((sessions, sum_ms), (120, 120 * 100));
    // The first session of each device waits for SYN and SYN-ACK.
    let (sessions, sum_ms) = latencies("delay = \"25ms\"\ntransport = \"stream\"");
    assert_eq!((sessions, sum_ms), (120, 120 * 100 + 10 * 50));
}

#[test]
fn a_path_that_swallows_one_message_for_good_ends_the_connection_and_the_protocol_shows_it() {
    let link = "delay = \"20ms\"\ntransport = { kind = \"stream\", retries = 2 }";
    let mut text = world(VAULT, DEVICES, link, AUTHENTICATE);
    text.push_str(
        "[adversaries.mitm]\non = \"access\"\nlayer = \"packet\"\npowers = [\"drop\"]\n\
         [[adversaries.mitm.rules]]\nid = \"m4\"\nmatch = { message = \"M4\" }\naction = \"drop\"\n",
    );
    let finished = run(&scenario(&text));
    assert!(finished.tally.transport.given_up >= 10);
    assert_eq!(permanent(&finished).len(), 10);
    assert_eq!(finished.tally.of(Outcome::HalfOpen), 10);
}

#[test]
fn runs_over_streams_are_the_same_every_time() {
    let link = "delay = \"exp(20ms)\"\nloss = \"10%\"\ntransport = \"stream\"\nmtu = \"60B\"";
    let text = world(VAULT, DEVICES, link, AUTHENTICATE);
    assert!(first_difference(&scenario(&text)).unwrap().is_none());
    let summary = summary(&scenario(&text));
    assert!(
        metric(&summary, "success_rate") > 0.99,
        "messages longer than the MTU pass in pieces"
    );
}

#[test]
fn pairings_that_cannot_be_are_refused() {
    let refused = |text: &str, says: &str| {
        let error = scenarios::read_text("test.toml", text, &[]).unwrap_err();
        let message = error.render(false);
        assert!(message.contains(says), "{message}");
        assert!(message.contains("test.toml:"), "{message}");
    };
    let ratchet = "name = \"ratchet\"\nparams = { clients = 10 }";
    let roles = ["client", "server"];
    let datagram = "transport = \"datagram\"";
    refused(
        &world(ratchet, roles, datagram, AUTHENTICATE),
        "opens streams",
    );
    let framed = "name = \"ratchet\"\nparams = { clients = 10, framing = \"datagram\" }";
    let stream = "transport = \"stream\"";
    refused(
        &world(framed, roles, stream, AUTHENTICATE),
        "speaks datagrams",
    );
    let up = "transport = \"stream\"\ndirection = \"up\"";
    refused(&world(VAULT, DEVICES, up, AUTHENTICATE), "both directions");
    let typo = "transport = \"straem\"";
    refused(
        &world(VAULT, DEVICES, typo, AUTHENTICATE),
        "did you mean `stream`?",
    );
    let unknown = "transport = { kind = \"stream\", rto_mni = \"1s\" }";
    refused(
        &world(VAULT, DEVICES, unknown, AUTHENTICATE),
        "did you mean `rto_min`?",
    );
    let key_of_another = "transport = { kind = \"datagram\", retries = 3 }";
    refused(
        &world(VAULT, DEVICES, key_of_another, AUTHENTICATE),
        "there is no key `retries`",
    );
    let crossed = "transport = { kind = \"stream\", rto_min = \"90s\" }";
    refused(
        &world(VAULT, DEVICES, crossed, AUTHENTICATE),
        "longer than the longest",
    );
    let long = "mtu = \"64B\"\ntransport = { kind = \"stream\", mss = \"60B\" }";
    refused(
        &world(VAULT, DEVICES, long, AUTHENTICATE),
        "longer than the link's MTU",
    );
}

/// Requests whose answer rides on the acknowledgement, lost with probability `p` either way.
fn confirmable(p: &str, transport: &str) -> String {
    let link = format!("delay = \"20ms\"\nloss = \"{p}\"\ntransport = {transport}");
    let protocol = "name = \"vault-exchange\"\nparams = { reply_timeout = \"9min\", sessions = 1, \
                    session_length = \"0s\" }";
    world(protocol, DEVICES, &link, AUTHENTICATE)
        .replace("duration = \"2h\"", "duration = \"400h\"")
}

/// Mean latency of requests in ms, with the half-width of its interval at the 99.9 % level, and the
/// share that succeeds, with the number of attempts.
fn requests(text: &str) -> (f64, f64, f64, f64) {
    let mut ledger = Latencies::default();
    run_into(&scenario(text), &mut ledger);
    let n = ledger.ms.len() as f64;
    let mean = ledger.ms.iter().sum::<f64>() / n;
    let spread = ledger.ms.iter().map(|ms| (ms - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let share = n / ledger.attempts as f64;
    (
        mean,
        3.29 * (spread / n).sqrt(),
        share,
        ledger.attempts as f64,
    )
}

/// Latencies of accepted attempts.
#[derive(Debug, Default)]
struct Latencies {
    attempts: u64,
    ms: Vec<f64>,
}

impl Recorder<Header> for Latencies {
    const ON: bool = false;

    fn packet(&mut self, _end: &PacketEnd<'_, Header>) {}
}

impl Tables for Latencies {
    fn session(&mut self, end: &SessionEnd<'_>) {
        self.attempts += 1;
        if end.outcome == Outcome::Accepted {
            let ns = end.attempt.latency_ns().unwrap();
            self.ms.push(ns as f64 / 1e6);
        }
    }

    fn stray_acceptance(&mut self, _stray: &StrayAcceptance) {}
    fn desync(&mut self, _relation: usize, _episode: &Episode) {}
    fn continuation_begins(&mut self) {}
}

/// Mean of the waits before the successful round and the chance that there is one: first timeout
/// `first_ms`, each `factor` times the one before, `repeats` repetitions, `f` the loss of a round.
fn closed_form(first_ms: f64, factor: f64, repeats: i32, f: f64) -> (f64, f64) {
    let (mut waited, mut timeout) = (0.0, first_ms);
    let (mut sum, mut ok) = (0.0, 0.0);
    for k in 0..=repeats {
        let chance = f.powi(k) * (1.0 - f);
        sum += waited * chance;
        ok += chance;
        waited += timeout;
        timeout *= factor;
    }
    (sum / ok, ok)
}

#[test]
fn confirmable_requests_take_what_the_closed_form_says() {
    // Doubling from a drawn timeout, as in the RFC; doubling from a fixed one; a fixed timer.
    let cases = [
        ("\"confirmable\"", 2500.0, 2.0, 4),
        (
            "{ kind = \"confirmable\", ack_random_factor = 1 }",
            2000.0,
            2.0,
            4,
        ),
        (
            "{ kind = \"confirmable\", ack_random_factor = 1, backoff = 1, ack_timeout = \"1s\", max_retransmit = 9 }",
            1000.0,
            1.0,
            9,
        ),
    ];
    for (transport, first_ms, factor, repeats) in cases {
        for p in [0.0_f64, 0.1, 0.3] {
            let text = confirmable(&format!("{p}"), transport);
            let (mean, half, share, n) = requests(&text);
            let f = 1.0 - (1.0 - p).powi(2);
            let (waits, ok) = closed_form(first_ms, factor, repeats, f);
            assert!(n > 10_000.0);
            assert!(
                (mean - 40.0 - waits).abs() <= half + 1e-6,
                "{transport} {p}: {mean} +- {half} for {}",
                40.0 + waits
            );
            let half = 3.29 * (ok * (1.0 - ok) / n).sqrt();
            assert!(
                (share - ok).abs() <= half + 1e-9,
                "{transport} {p}: {share} for {ok}"
            );
        }
    }
}

#[test]
fn confirmable_messages_arrive_once_under_every_protocol() {
    let lossy = "delay = \"uniform(1ms, 400ms)\"\nloss = \"20%\"\ntransport = { kind = \"confirmable\", \
                 max_retransmit = 20 }";
    let text = world(VAULT, DEVICES, lossy, AUTHENTICATE);
    let summary = summary(&scenario(&text));
    assert_eq!(metric(&summary, "success_rate"), 1.0);
    assert_eq!(metric(&summary, "desync_rate"), 0.0);
    assert_eq!(metric(&summary, "agreement_violations"), 0.0);
    assert!(metric(&summary, "retransmissions") > 100.0);
    assert!(first_difference(&scenario(&text)).unwrap().is_none());
}
