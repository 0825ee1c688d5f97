//! Stations with several servers or classes, and networks of stations.

use super::formula::{erlang_b, erlang_c};
use super::queues::{Queue, SERVICE_NS};
use super::{Case, Effort, Quantity, cases};

/// M/M/c: several servers and one queue.
pub(super) fn m_m_c(effort: Effort) -> Vec<Case> {
    let point = |(servers, each): (u32, f64)| {
        let load = each * f64::from(servers);
        let server = format!(
            "role = \"station\"\nparams = {{ service = \"exp(1ms)\", servers = {servers} }}"
        );
        let queue = Queue {
            family: "m-m-c",
            label: &format!("{servers} servers"),
            server: &server,
            link: "",
            load,
            services: 150_000,
        };
        let wait = erlang_c(servers, load) * SERVICE_NS / (f64::from(servers) - load);
        let metric = "station_wait_ns.cpu";
        queue.case(effort, vec![Quantity::metric("wait", "ns", metric, wait)])
    };
    [(2, 0.7), (4, 0.8), (16, 0.9)].map(point).into()
}

/// A table of half-open sessions under a flood: an entry is held for a time, and who finds the table
/// full is refused. Only the mean of the holding time matters.
pub(super) fn half_open_table(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (places, load) in [(4, 3.0), (16, 20.0)] {
        for holding in ["1ms", "exp(1ms)", "gamma(mean=1ms, shape=0.5)"] {
            let server = format!(
                "role = \"station\"\nparams = {{ service = \"{holding}\", servers = {places}, capacity = {places} }}"
            );
            let queue = Queue {
                family: "half-open-table",
                label: &format!("{places} places held for {holding}"),
                server: &server,
                link: "",
                load,
                services: 100_000,
            };
            let quantity = Quantity::metric(
                "refused",
                "share",
                "station_refusal_rate.cpu",
                erlang_b(places, load),
            );
            cases.push(queue.case(effort, vec![quantity]));
        }
    }
    cases
}

/// Two classes at one station, the urgent one first, without interrupting a service.
pub(super) fn priority(effort: Effort) -> Vec<Case> {
    let point = |(urgent, other): (f64, f64)| {
        let point = format!("loads {urgent} and {other}");
        let seed = cases::seed("priority", &point);
        let span_ms = effort.scaled(100_000);
        let text = format!(
            r#"# priority: {point}, service exponential with mean 1 ms.
schema = 1

[scenario]
name = "priority"

[run]
duration = "{span_ms}ms"
warmup = "{}ms"
settle = "0s"
seed = {seed}

[protocol]
name = "traffic"

[nodes.urgent]
role = "source"
params = {{ class = 0, reply = true }}

[nodes.other]
role = "source"
params = {{ class = 1, reply = true }}

[nodes.cpu]
role = "station"
params = {{ service = "exp(1ms)", priority = "non-preemptive", reply = true }}

[links.urgent]
between = ["urgent", "cpu"]

[links.other]
between = ["other", "cpu"]

[workload.urgent]
from = "urgent"
to = "cpu"
do = "send"
every = "exp({}ns)"

[workload.other]
from = "other"
to = "cpu"
do = "send"
every = "exp({}ns)"
"#,
            span_ms / 10,
            SERVICE_NS / urgent,
            SERVICE_NS / other,
        );
        // What an arrival finds of the service in progress: sum of lambda E[S^2] / 2.
        let rest = (urgent + other) * SERVICE_NS;
        let first = rest / (1.0 - urgent);
        let second = rest / ((1.0 - urgent) * (1.0 - urgent - other));
        Case {
            family: "priority",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities: vec![
                sojourn("sojourn of the urgent class", 0, first + SERVICE_NS),
                sojourn("sojourn of the other class", 1, second + SERVICE_NS),
            ],
        }
    };
    [(0.3, 0.4), (0.5, 0.3)].map(point).into()
}

/// The mean time of accepted sessions of a group's initiators.
pub(super) fn sojourn(name: &'static str, group: usize, exact: f64) -> Quantity {
    Quantity::observed(name, "ns", exact, move |observed| {
        let first = *observed.groups.get(group)?;
        let of = |session: &&super::observe::Session| session.success && session.initiator == first;
        let times = || {
            observed
                .sessions
                .iter()
                .filter(of)
                .map(|session| session.ended_ns - session.started_ns)
        };
        let count = times().count();
        #[allow(clippy::cast_precision_loss, reason = "sums of one run")]
        let mean = times().map(u128::from).sum::<u128>() as f64 / count as f64;
        (count > 0).then_some(mean)
    })
}

/// A gateway, a server and a database that some jobs need, again and again: each station behaves as
/// M/M/1 with the rate of the traffic equations.
pub(super) fn jackson(effort: Effort) -> Vec<Case> {
    let point = |(rate, again): (f64, f64)| {
        let point = format!("{rate} jobs/ms, {again} of them to the database and back");
        let seed = cases::seed("jackson", &point);
        let span_ms = effort.scaled(150_000);
        let text = format!(
            r#"# jackson: {point}. Services are exponential: gateway 1 ms, server 0.5 ms, database 0.4 ms.
schema = 1

[scenario]
name = "jackson"

[run]
duration = "{span_ms}ms"
warmup = "{}ms"
settle = "0s"
seed = {seed}

[protocol]
name = "traffic"

[nodes.source]
role = "source"

[nodes.gateway]
role = "station"
params = {{ service = "exp(1ms)", route = {{ server = 1.0 }} }}

[nodes.server]
role = "station"
params = {{ service = "exp(0.5ms)", route = {{ database = {again} }} }}

[nodes.database]
role = "station"
params = {{ service = "exp(0.4ms)", route = {{ server = 1.0 }} }}

[links.in]
between = ["source", "gateway"]
direction = "up"

[links.inner]
between = ["gateway", "server"]
direction = "up"

[links.store]
between = ["server", "database"]

[workload.load]
from = "source"
to = "gateway"
do = "send"
every = "exp({}ns)"
"#,
            span_ms / 10,
            SERVICE_NS / rate,
        );
        let at_server = rate / (1.0 - again);
        let loads = [rate, at_server * 0.5, again * at_server * 0.4];
        let names = [
            ("number at the gateway", "station_in_system.gateway"),
            ("number at the server", "station_in_system.server"),
            ("number at the database", "station_in_system.database"),
        ];
        let number = |((name, metric), load): ((&'static str, &str), f64)| {
            Quantity::metric(name, "count", metric, load / (1.0 - load))
        };
        Case {
            family: "jackson",
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities: names.into_iter().zip(loads).map(number).collect(),
        }
    };
    [(0.5, 0.5), (0.7, 0.4)].map(point).into()
}
