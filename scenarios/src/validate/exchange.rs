//! Repeating what is not answered: one request and its answer, and a handshake of four messages.

use std::collections::BTreeMap;

use super::observe::Observed;
use super::{Case, Effort, Quantity, cases};

/// Time from the first try of a request to its success, mean over requests, ns.
fn request_time(observed: &Observed) -> Option<f64> {
    let mut begun = BTreeMap::new();
    let (mut sum, mut count) = (0u128, 0u64);
    for session in &observed.sessions {
        let request = (session.initiator, session.request);
        let start = *begun.entry(request).or_insert(session.started_ns);
        if session.success {
            sum += u128::from(session.ended_ns - start);
            count += 1;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "sums of one run")]
    let mean = sum as f64 / count as f64;
    (count > 0).then_some(mean)
}

/// A request that is repeated until it is answered: at a fixed distance, and at doubling distances.
pub(super) fn request_response(effort: Effort) -> Vec<Case> {
    const MS: f64 = 1e6;
    let point = |(p, backoff): (f64, u32)| {
        // Round trip 20 ms, given up after 100 ms; then again after 0 or 200, 400, 800 ms.
        let after = if backoff == 1 { 0.0 } else { 200.0 };
        let point = if backoff == 1 {
            format!("p = {p} each way, every 100 ms")
        } else {
            format!("p = {p} each way, 100 ms and then 200, 400, 800 ms more")
        };
        let seed = cases::seed("request-response", &point);
        let text = format!(
            r#"# request-response: {point}.
schema = 1

[scenario]
name = "request-response"

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
delay = "10ms"
loss = {p}

[workload.load]
from = "source"
to = "sink"
do = "send"
every = "1h"
count = {}
deadline = "100ms"
retry = {{ after = "{after}ms", backoff = {backoff} }}
"#,
            effort.scaled(500),
        );
        let failed = 1.0 - (1.0 - p) * (1.0 - p);
        let waits = 100.0 * failed / (1.0 - failed);
        let doubling = after * failed / (1.0 - 2.0 * failed);
        Case {
            family: "request-response",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities: vec![
                Quantity::observed(
                    "time to the answer",
                    "ns",
                    (20.0 + waits + doubling) * MS,
                    request_time,
                ),
                Quantity::metric("success of a try", "share", "success_rate", 1.0 - failed),
            ],
        }
    };
    // Doubling distances have a finite variance only while the failure of a round is below 1/4.
    [(0.05, 1), (0.3, 1), (0.05, 2), (0.1, 2)].map(point).into()
}

/// A handshake of four messages that starts anew after a timeout, until it is complete. The hardened
/// variant, since there a lost last message harms nothing.
pub(super) fn handshake(effort: Effort) -> Vec<Case> {
    const MS: f64 = 1e6;
    const MESSAGES: i32 = 4;
    let point = |p: f64| {
        let point = format!("k = {MESSAGES}, p = {p}");
        let seed = cases::seed("handshake", &point);
        let text = format!(
            r#"# handshake: {point}; 10 ms a message, anew after 1 s.
schema = 1

[scenario]
name = "handshake"

[run]
duration = "365d"
seed = {seed}

[protocol]
name = "secure-vault"
variant = "hardened"
params = {{ challenge = 3 }}

[nodes.device]
role = "device"
count = 50

[nodes.server]
role = "server"

[links.path]
between = ["device", "server"]
delay = "10ms"
loss = {p}

[workload.load]
from = "device"
to = "server"
do = "authenticate"
every = "1h"
count = {}
deadline = "1s"
retry = {{ after = "0s" }}
"#,
            effort.scaled(100),
        );
        let through = (1.0 - p).powi(MESSAGES);
        Case {
            family: "handshake",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities: vec![
                Quantity::observed(
                    "time to completion",
                    "ns",
                    (10.0 * f64::from(MESSAGES) + 1000.0 * (1.0 / through - 1.0)) * MS,
                    request_time,
                ),
                Quantity::metric(
                    "messages",
                    "count",
                    "messages_per_accept",
                    (1.0 - through) / (p * through),
                ),
                Quantity::metric("success of a try", "share", "success_rate", through),
            ],
        }
    };
    [0.05, 0.2].map(point).into()
}
