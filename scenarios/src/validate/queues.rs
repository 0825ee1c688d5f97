//! Queues with one server: a source and a station, or a source and a link with a rate.

use super::formula::{loss_m_d_1_k, loss_m_m_1_k, wait_m_d_1};
use super::{Case, Effort, Quantity, cases};

/// Mean service, ns.
pub(super) const SERVICE_NS: f64 = 1e6;

/// A source and one station `cpu` (or what `server` says) with mean service of a millisecond.
pub(super) struct Queue<'a> {
    pub(super) family: &'static str,
    /// What tells this point from others of its family, besides the load.
    pub(super) label: &'a str,
    /// The lines of `[nodes.cpu]`.
    pub(super) server: &'a str,
    /// The lines of `[links.pipe]` beside `between`.
    pub(super) link: &'a str,
    /// Arrivals a service.
    pub(super) load: f64,
    /// Services in a replication at full effort, warm-up included.
    pub(super) services: u64,
}

impl Queue<'_> {
    pub(super) fn case(&self, effort: Effort, quantities: Vec<Quantity>) -> Case {
        let load = self.load;
        let separator = if self.label.is_empty() { "" } else { ", " };
        let point = format!("load {load}{separator}{}", self.label);
        let seed = cases::seed(self.family, &point);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a span below a day"
        )]
        let span_us = (effort.scaled(self.services) as f64 * 1e3 / load) as u64;
        let reply = self.server.contains("reply = true");
        let text = format!(
            r#"# {family}: {point}. Service takes 1 ms on average.
schema = 1

[scenario]
name = "{family}"

[run]
duration = "{span_us}us"
warmup = "{}us"
settle = "0s"
seed = {seed}

[protocol]
name = "traffic"

[nodes.source]
role = "source"
params = {{ size = "125B", reply = {reply} }}

[nodes.cpu]
{}

[links.pipe]
between = ["source", "cpu"]
{}

[workload.load]
from = "source"
to = "cpu"
do = "send"
every = "exp({}ns)"
"#,
            span_us / 10,
            self.server,
            self.link,
            SERVICE_NS / load,
            family = self.family,
        );
        Case {
            family: self.family,
            point,
            text,
            seed,
            replications: effort.replications(),
            quantities,
        }
    }
}

/// A station with exponential services that answers.
pub(super) const EXPONENTIAL: &str =
    "role = \"station\"\nparams = { service = \"exp(1ms)\", reply = true }";
const CONSTANT: &str = "role = \"station\"\nparams = { service = \"1ms\", reply = true }";

/// M/M/1: number in the system, wait, quantiles of the sojourn.
pub(super) fn m_m_1(effort: Effort) -> Vec<Case> {
    let point = |(load, services): (f64, u64)| {
        let queue = Queue {
            family: "m-m-1",
            label: "",
            server: EXPONENTIAL,
            link: "",
            load,
            services,
        };
        let mean = SERVICE_NS / (1.0 - load);
        let quantile = |q: f64| -libm::log(1.0 - q) * mean;
        queue.case(
            effort,
            vec![
                Quantity::metric(
                    "number in system",
                    "count",
                    "station_in_system.cpu",
                    load / (1.0 - load),
                ),
                Quantity::metric("wait", "ns", "station_wait_ns.cpu", load * mean),
                Quantity::metric("utilisation", "share", "station_utilisation.cpu", load),
                share_within("sojourn within its median", quantile(0.5), 0.5),
                share_within("sojourn within its 95 % quantile", quantile(0.95), 0.95),
            ],
        )
    };
    [(0.3, 50_000), (0.7, 50_000), (0.9, 200_000)]
        .map(point)
        .into()
}

/// The share of accepted sessions that took at most `limit_ns`.
pub(super) fn share_within(name: &'static str, limit_ns: f64, exact: f64) -> Quantity {
    Quantity::observed(name, "share", exact, move |observed| {
        #[allow(clippy::cast_precision_loss, reason = "sessions of one run")]
        let within = |session: &&super::observe::Session| {
            (session.ended_ns - session.started_ns) as f64 <= limit_ns
        };
        let done = || observed.sessions.iter().filter(|session| session.success);
        share(done().filter(within).count(), done().count())
    })
}

/// One count as a share of another.
#[allow(clippy::cast_precision_loss, reason = "counts of one run")]
pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// M/D/1 at a station and on a link, and the distribution of its wait.
pub(super) fn m_d_1(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (load, services) in [(0.2, 50_000), (0.6, 50_000), (0.85, 100_000)] {
        let wait = load * SERVICE_NS / (2.0 * (1.0 - load));
        let station = Queue {
            family: "m-d-1",
            label: "station",
            server: CONSTANT,
            link: "",
            load,
            services,
        };
        // A nanosecond over the bound, since times are rounded to whole ones.
        let within = |name, services: f64| {
            let limit = (services + 1.0) * SERVICE_NS + 1.0;
            share_within(name, limit, wait_m_d_1(load, services))
        };
        cases.push(station.case(
            effort,
            vec![
                Quantity::metric("wait", "ns", "station_wait_ns.cpu", wait),
                within("no wait", 0.0),
                within("wait within half a service", 0.5),
                within("wait within 2 services", 2.0),
            ],
        ));
        let link = Queue {
            label: "link at 1 Mbps",
            server: "role = \"sink\"",
            link: "rate = \"1Mbps\"",
            ..station
        };
        let quantity = Quantity::metric("wait", "ns", "link_wait_ns.pipe", wait);
        cases.push(link.case(effort, vec![quantity]));
    }
    cases
}

/// M/M/1/K.
pub(super) fn m_m_1_k(effort: Effort) -> Vec<Case> {
    let point = |(load, capacity): (f64, i32)| {
        let server = format!(
            "role = \"station\"\nparams = {{ service = \"exp(1ms)\", capacity = {capacity} }}"
        );
        let queue = Queue {
            family: "m-m-1-k",
            label: &format!("K = {capacity}"),
            server: &server,
            link: "",
            load,
            services: 60_000,
        };
        let loss = loss_m_m_1_k(load, capacity);
        let metric = "station_refusal_rate.cpu";
        queue.case(
            effort,
            vec![Quantity::metric("loss", "share", metric, loss)],
        )
    };
    [(0.5, 3), (0.9, 8), (1.0, 4), (1.5, 5)].map(point).into()
}

/// M/D/1/K at a station and on a link.
pub(super) fn m_d_1_k(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for (load, capacity) in [(0.7, 3), (0.95, 5), (0.95, 10), (1.3, 4)] {
        let loss = loss_m_d_1_k(load, capacity);
        let server =
            format!("role = \"station\"\nparams = {{ service = \"1ms\", capacity = {capacity} }}");
        let station = Queue {
            family: "m-d-1-k",
            label: &format!("K = {capacity}, station"),
            server: &server,
            link: "",
            load,
            services: 60_000,
        };
        let metric = "station_refusal_rate.cpu";
        cases.push(station.case(
            effort,
            vec![Quantity::metric("loss", "share", metric, loss)],
        ));
        let link = Queue {
            label: &format!("K = {capacity}, link at 1 Mbps"),
            server: "role = \"sink\"",
            link: &format!("rate = \"1Mbps\"\nqueue = {{ packets = {capacity} }}"),
            ..station
        };
        let metric = "link_drop_rate.pipe";
        cases.push(link.case(
            effort,
            vec![Quantity::metric("loss", "share", metric, loss)],
        ));
    }
    cases
}

/// M/G/1: the wait depends on the first two moments only.
pub(super) fn m_g_1(effort: Effort) -> Vec<Case> {
    // (law, second moment in squares of the mean)
    let laws = [
        ("gamma(mean=1ms, shape=0.5)", 3.0),
        ("uniform(0ms, 2ms)", 4.0 / 3.0),
        // sigma = 0.8, median e^(-sigma^2/2) ms.
        ("lognormal(median=726.149us, sigma=0.8)", libm::exp(0.64)),
        ("pareto(xm=0.8ms, alpha=5)", 16.0 / 15.0),
    ];
    let mut cases = Vec::new();
    for (law, second) in laws {
        let server = format!("role = \"station\"\nparams = {{ service = \"{law}\" }}");
        for load in [0.4, 0.8] {
            let queue = Queue {
                family: "m-g-1",
                label: &format!("service {law}"),
                server: &server,
                link: "",
                load,
                services: 100_000,
            };
            let wait = load * second * SERVICE_NS / (2.0 * (1.0 - load));
            let metric = "station_wait_ns.cpu";
            cases.push(queue.case(effort, vec![Quantity::metric("wait", "ns", metric, wait)]));
        }
    }
    cases
}
