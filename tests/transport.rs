//! What a link's `transport` does to the protocols above it.

use scenarios::host::attempt::Outcome;
use scenarios::verify::first_difference;

use crate::simulation::{metric, permanent, run, scenario, summary};

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
        "[adversaries.mitm]\non = \"access\"\npowers = [\"drop\"]\n\
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
