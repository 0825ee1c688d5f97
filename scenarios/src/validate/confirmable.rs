//! CoAP's confirmable exchange: a request that is repeated at doubling distances until its answer,
//! which rides on the acknowledgement, has come.
//!
//! **Source.** RFC 7252, sections 4.2 and 4.8.

use std::collections::BTreeMap;

use super::observe::Observed;
use super::queues::share;
use super::{Case, Effort, Quantity, cases};

/// Mean time of a successful exchange beyond the round trip in units of the first timeout, and the
/// probability of success: the timer has run out k times, (factor^k - 1)/(factor - 1) timeouts.
fn waits(failed: f64, factor: f64, repeats: u32) -> (f64, f64) {
    let (mut sum, mut ok) = (0.0, 0.0);
    for k in 0..=repeats {
        let chance = libm::pow(failed, f64::from(k)) * (1.0 - failed);
        let waited: f64 = (0..k).map(|step| libm::pow(factor, f64::from(step))).sum();
        sum += chance * waited;
        ok += chance;
    }
    (sum / ok, ok)
}

/// RFC 7252's defaults, a fixed timer, and other settings.
pub(super) fn confirmable(effort: Effort) -> Vec<Case> {
    const MS: f64 = 1e6;
    // Loss each way, settings, mean first timeout in ms, factor, repetitions.
    let settings = [
        (0.05, "\"confirmable\"", 2500.0, 2.0, 4),
        (0.3, "\"confirmable\"", 2500.0, 2.0, 4),
        (
            0.2,
            "{ kind = \"confirmable\", ack_timeout = \"3s\", ack_random_factor = 1, max_retransmit = 2 }",
            3000.0,
            2.0,
            2,
        ),
        (
            0.4,
            "{ kind = \"confirmable\", ack_timeout = \"1s\", ack_random_factor = 1, backoff = 1, max_retransmit = 9 }",
            1000.0,
            1.0,
            9,
        ),
    ];
    let point = |(p, transport, first_ms, factor, repeats): (f64, &str, f64, f64, u32)| {
        let point = format!("p = {p} each way, {transport}");
        let seed = cases::seed("confirmable", &point);
        let text = format!(
            r#"# confirmable: {point}.
schema = 1

[scenario]
name = "confirmable"

[run]
duration = "365d"
seed = {seed}

[protocol]
name = "traffic"

[nodes.source]
role = "source"
count = 100
params = {{ reply = true }}

[nodes.sink]
role = "sink"
params = {{ reply = true }}

[links.path]
between = ["source", "sink"]
delay = "20ms"
loss = {p}
transport = {transport}

[workload.load]
from = "source"
to = "sink"
do = "send"
every = "1h"
count = {}
deadline = "10min"
"#,
            effort.scaled(250),
        );
        let failed = 1.0 - (1.0 - p) * (1.0 - p);
        let (waited, ok) = waits(failed, factor, repeats);
        Case {
            family: "confirmable",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities: vec![
                Quantity::observed(
                    "time to the answer",
                    "ns",
                    (40.0 + first_ms * waited) * MS,
                    mean_time,
                ),
                Quantity::observed("answered", "share", ok, |observed| {
                    let sessions = &observed.sessions;
                    let good = sessions.iter().filter(|session| session.success);
                    share(good.count(), sessions.len())
                }),
            ],
        }
    };
    settings.map(point).into()
}

/// The handshake of DTLS 1.2 with a cookie: three rounds, each with a timer of its own that begins at 1 s
/// and doubles. Round 1 is the first ClientHello and HelloVerifyRequest, round 2 the ClientHello with the
/// cookie and the server's flight, round 3 the client's flight and Finished. A flight of several frames
/// is lost with any of them.
///
/// **Source.** RFC 6347, sections 4.2.1 and 4.2.4.
pub(super) fn cookie_handshake(effort: Effort) -> Vec<Case> {
    const MS: f64 = 1e6;
    const ROUNDS: i32 = 3;
    // Loss of a frame, frames of a request, repetitions.
    let point = |(p, frames, repeats): (f64, i32, u32)| {
        let point = format!("p = {p} a frame, {frames} frames up and 1 down, {repeats} repeats");
        let seed = cases::seed("cookie-handshake", &point);
        // Fragments of 96 bytes; the request with the 5 bytes of its exchange fills them.
        let size = 96 * frames - 5;
        let text = format!(
            r#"# cookie-handshake: {point}.
schema = 1

[scenario]
name = "cookie-handshake"

[run]
duration = "365d"
seed = {seed}

[protocol]
name = "traffic"

[nodes.client]
role = "source"
count = 100
params = {{ size = "{size}B", reply = true }}

[nodes.server]
role = "sink"
params = {{ reply = true }}

[links.path]
between = ["client", "server"]
delay = "20ms"
mtu = "102B"
fragmentation = "6lowpan"
loss = {p}
transport = {{ kind = "confirmable", ack_timeout = "1s", ack_random_factor = 1, max_retransmit = {repeats} }}

[workload.load]
from = "client"
to = "server"
do = ["send", "send", "send"]
every = "1h"
count = {}
deadline = "10min"
"#,
            effort.scaled(250),
        );
        let failed = 1.0 - (1.0 - p).powi(frames + 1);
        let (waited, ok) = waits(failed, 2.0, repeats);
        let mut quantities = vec![Quantity::observed(
            "time of the handshake",
            "ns",
            f64::from(ROUNDS) * (40.0 + 1000.0 * waited) * MS,
            |observed| rounds(observed).1,
        )];
        // Where next to none fails, replications have no spread that an interval could be made of.
        if ok.powi(ROUNDS) < 0.999 {
            quantities.push(Quantity::observed(
                "complete",
                "share",
                ok.powi(ROUNDS),
                |observed| rounds(observed).0,
            ));
        }
        Case {
            family: "cookie-handshake",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities,
        }
    };
    [(0.05, 1, 6), (0.2, 1, 6), (0.05, 4, 6), (0.15, 2, 3)]
        .map(point)
        .into()
}

/// The share of requests whose three rounds all succeed, and their mean time, ns.
fn rounds(observed: &Observed) -> (Option<f64>, Option<f64>) {
    let mut requests: BTreeMap<(u32, u32), (u64, u64, u32)> = BTreeMap::new();
    for session in &observed.sessions {
        let new = (session.started_ns, session.ended_ns, 0);
        let of = requests
            .entry((session.initiator, session.request))
            .or_insert(new);
        of.0 = of.0.min(session.started_ns);
        of.1 = of.1.max(session.ended_ns);
        of.2 += u32::from(session.success);
    }
    let complete = || requests.values().filter(|(_, _, good)| *good == 3);
    let times: u128 = complete().map(|(from, to, _)| u128::from(to - from)).sum();
    let count = complete().count();
    #[allow(clippy::cast_precision_loss, reason = "sums of one run")]
    let mean = (count > 0).then(|| times as f64 / count as f64);
    (share(count, requests.len()), mean)
}

/// Mean time of successful sessions, ns.
fn mean_time(observed: &Observed) -> Option<f64> {
    let good = || observed.sessions.iter().filter(|session| session.success);
    let sum: u128 = good()
        .map(|session| u128::from(session.ended_ns - session.started_ns))
        .sum();
    #[allow(clippy::cast_precision_loss, reason = "sums of one run")]
    let mean = sum as f64 / good().count() as f64;
    (good().count() > 0).then_some(mean)
}
