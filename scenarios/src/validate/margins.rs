//! Limits in time: a bound on the round trip, and a freshness window against clocks that run apart.

use super::queues::share;
use super::{Case, Effort, Quantity, cases};

/// A verifier that accepts an answer only within a bound: with exponential jitter on the way back
/// honest answers miss it with e^(-(th-d)/mu).
pub(super) fn round_trip_bound(effort: Effort) -> Vec<Case> {
    let point = |(bound_ms, mean_ms): (u32, u32)| {
        let point = format!("20 ms and exp({mean_ms} ms) against {bound_ms} ms");
        let seed = cases::seed("round-trip-bound", &point);
        let text = format!(
            r#"# round-trip-bound: {point}.
schema = 1

[scenario]
name = "round-trip-bound"

[run]
duration = "365d"
seed = {seed}

[protocol]
name = "traffic"

[nodes.verifier]
role = "source"
count = 100
params = {{ reply = true }}

[nodes.prover]
role = "sink"
params = {{ reply = true }}

[links.path]
between = ["verifier", "prover"]
delay = "10ms"
jitter = {{ up = "0s", down = "exp({mean_ms}ms)" }}

[workload.rounds]
from = "verifier"
to = "prover"
do = "send"
every = "1h"
count = {}
deadline = "{bound_ms}ms"
"#,
            effort.scaled(500),
        );
        let missed = libm::exp(-f64::from(bound_ms - 20) / f64::from(mean_ms));
        Case {
            family: "round-trip-bound",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities: vec![Quantity::metric("missed", "share", "timeout_rate", missed)],
        }
    };
    [(30, 5), (50, 20), (100, 20)].map(point).into()
}

/// Users and servers whose clocks run apart: after W/(sum of drifts) nothing is fresh any more.
pub(super) fn clock_drift(effort: Effort) -> Vec<Case> {
    let point = |(window_s, ppm): (u32, u32)| {
        let point = format!("window {window_s} s, {ppm} ppm fast and {ppm} ppm slow");
        let seed = cases::seed("clock-drift", &point);
        // Times of attempts as shares of the time at which the window is used up.
        let limit_s = f64::from(window_s) / (2.0 * f64::from(ppm)) * 1e6;
        let attempts = 100;
        let every_s = limit_s / 50.0;
        let text = format!(
            r#"# clock-drift: {point}.
schema = 1

[scenario]
name = "clock-drift"

[run]
duration = "{}s"
seed = {seed}

[protocol]
name = "multi-server"
params = {{ freshness_window = "{window_s}s" }}

[nodes.centre]
role = "rc"

[nodes.server]
role = "server"
clock = {{ drift = "-{ppm}ppm" }}

[nodes.user]
role = "user"
count = {}
clock = {{ drift = "{ppm}ppm" }}

[links.visit]
between = ["user", "server"]

[links.backbone]
between = ["server", "centre"]

[links.office]
between = ["user", "centre"]

[workload.visit]
from = "user"
to = "server"
do = "authenticate"
first = "uniform(0s, {every_s}s)"
every = "{every_s}s"
count = {attempts}
"#,
            limit_s * 2.0,
            effort.scaled(50),
        );
        let fresh = Quantity::observed(
            "accepted attempts until nothing is fresh",
            "count",
            limit_s / every_s,
            |observed| {
                let good = observed.sessions.iter().filter(|session| session.success);
                let mut users: Vec<u32> = observed.sessions.iter().map(|it| it.initiator).collect();
                users.sort_unstable();
                users.dedup();
                share(good.count(), users.len())
            },
        );
        Case {
            family: "clock-drift",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities: vec![fresh],
        }
    };
    [(5, 20), (2, 30)].map(point).into()
}
