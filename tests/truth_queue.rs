//! Queues of links and stations under Poisson `traffic`, against closed forms.
//!
//! Every figure is read from the metrics of a run, as a user reads it. Replications differ in the
//! seed; each starts empty, goes through a warm-up, and gives one value; the interval over their
//! mean is Student's.

use reports::metric::Summary;
use reports::statistics::mean::{mean_and_deviation, student_interval};

use crate::simulation::{LEVEL, metric, scenario, summary};

/// Sixteen replications: enough for the normal approximation of their mean.
const REPLICATIONS: u64 = 16;
/// Service takes a millisecond on average everywhere: 125 bytes at 1 Mbit/s.
const SERVICE_NS: f64 = 1e6;

/// A source, something that serves, and jobs so close together that the load is `rho`.
#[derive(Clone, Copy, Debug)]
struct Queue<'a> {
    /// What the sink's table holds besides its name.
    server: &'a str,
    /// What the link's table holds besides its ends.
    link: &'a str,
    rho: f64,
    /// Services in a replication, the warm-up of a tenth not counted.
    services: u32,
}

impl Queue<'_> {
    fn text(&self, seed: u64) -> String {
        let Self {
            server,
            link,
            rho,
            services,
        } = *self;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small span"
        )]
        let measured_us = (f64::from(services) * 1e3 / rho) as u64;
        format!(
            r#"
schema = 1
[scenario]
name = "queue"
[run]
duration = "{}us"
warmup = "{}us"
settle = "0s"
seed = {seed}
[protocol]
name = "traffic"
[nodes.source]
role = "source"
params = {{ size = "125B" }}
[nodes.cpu]
{server}
[links.pipe]
between = ["source", "cpu"]
{link}
[workload.load]
from = "source"
to = "cpu"
do = "send"
every = "exp({}ns)"
[output]
traces = []
figures = []
"#,
            measured_us / 10 * 11,
            measured_us / 10,
            SERVICE_NS / rho,
        )
    }

    /// The replications' summaries.
    fn replicate(&self, seed: u64) -> Vec<Summary> {
        (0..REPLICATIONS)
            .map(|index| summary(&scenario(&self.text(seed + index))))
            .collect()
    }
}

#[track_caller]
fn assert_metric(runs: &[Summary], name: &str, expected: f64) {
    let values: Vec<f64> = runs.iter().map(|run| metric(run, name)).collect();
    let (mean, deviation) = mean_and_deviation(&values).unwrap();
    let interval = student_interval(mean, deviation.unwrap(), REPLICATIONS, LEVEL).unwrap();
    assert!(
        interval.low <= expected && expected <= interval.high,
        "{name}: {mean} in [{}, {}] and not {expected}",
        interval.low,
        interval.high
    );
    // An interval that contains nearly everything would prove nothing.
    assert!(
        interval.high - interval.low < 0.5 * expected,
        "{name}: {interval:?} is too wide"
    );
}

const SINK: &str = "role = \"sink\"";

#[test]
fn a_link_without_bound_waits_as_m_d_1() {
    for (rho, services, seed) in [
        (0.1, 20_000, 1000),
        (0.5, 20_000, 1100),
        (0.8, 40_000, 1200),
        (0.9, 80_000, 1300),
    ] {
        let queue = Queue {
            server: SINK,
            link: "rate = \"1Mbps\"",
            rho,
            services,
        };
        let runs = queue.replicate(seed);
        assert_metric(
            &runs,
            "link_wait_ns.pipe",
            rho * SERVICE_NS / (2.0 * (1.0 - rho)),
        );
        assert!(
            runs.iter()
                .all(|run| metric(run, "link_drop_rate.pipe") == 0.0)
        );
    }
}

/// Stationary loss of M/D/1/K, K jobs in all: 1 - 1/(q0 + rho), q0 the share of departures that
/// leave nobody, from the chain of numbers left behind by departures.
fn loss_m_d_1_k(rho: f64, capacity: usize) -> f64 {
    // Arrivals during one service are Poisson.
    let mut arrivals = vec![(-rho).exp()];
    for count in 1..capacity {
        #[allow(clippy::cast_precision_loss, reason = "a small capacity")]
        let next = arrivals[count - 1] * rho / count as f64;
        arrivals.push(next);
    }
    let mut left = vec![1.0];
    for j in 0..capacity - 1 {
        let from_above: f64 = (1..=j).map(|i| left[i] * arrivals[j + 1 - i]).sum();
        left.push((left[j] - left[0] * arrivals[j] - from_above) / arrivals[0]);
    }
    let q0 = left[0] / left.iter().sum::<f64>();
    1.0 - 1.0 / (q0 + rho)
}

#[test]
fn the_closed_form_of_loss_has_its_published_values() {
    for (rho, capacity, loss) in [(0.95, 5, 0.082_788_5), (0.95, 10, 0.030_595_6)] {
        assert!(
            (loss_m_d_1_k(rho, capacity) - loss).abs() < 5e-8,
            "K = {capacity}"
        );
    }
    // One place only: Erlang's formula.
    assert!((loss_m_d_1_k(0.6, 1) - 0.6 / 1.6).abs() < 1e-12);
}

#[test]
fn a_bounded_link_loses_as_m_d_1_k_and_the_bound_counts_the_packet_in_service() {
    let points = [
        (0.5, 1, 10_000, 2000),
        (0.5, 3, 40_000, 2100),
        (0.95, 5, 20_000, 2200),
        (0.95, 10, 40_000, 2300),
        (1.5, 4, 10_000, 2400),
    ];
    for (rho, capacity, services, seed) in points {
        let link = format!("rate = \"1Mbps\"\nqueue = {{ packets = {capacity} }}");
        let queue = Queue {
            server: SINK,
            link: &link,
            rho,
            services,
        };
        let expected = loss_m_d_1_k(rho, capacity);
        assert_metric(&queue.replicate(seed), "link_drop_rate.pipe", expected);
    }
}

#[test]
fn a_bound_in_bytes_is_the_bound_in_packets_of_equal_length() {
    let by = |bound: &str| {
        let link = format!("rate = \"1Mbps\"\nqueue = {{ {bound} }}");
        let queue = Queue {
            server: SINK,
            link: &link,
            rho: 0.95,
            services: 10_000,
        };
        let summary = summary(&scenario(&queue.text(2500)));
        (
            metric(&summary, "link_drop_rate.pipe"),
            metric(&summary, "link_wait_ns.pipe"),
        )
    };
    assert_eq!(by("packets = 5"), by("bytes = \"625B\""));
}

#[test]
fn a_link_that_loses_packets_after_sending_them_waits_as_before() {
    // A packet lost on the air has used the medium: loss changes no wait.
    let rho = 0.7;
    let link = "rate = \"1Mbps\"\nloss = \"20%\"";
    let queue = Queue {
        server: SINK,
        link,
        rho,
        services: 30_000,
    };
    let runs = queue.replicate(2600);
    assert_metric(
        &runs,
        "link_wait_ns.pipe",
        rho * SERVICE_NS / (2.0 * (1.0 - rho)),
    );
    assert_metric(&runs, "loss_rate", 0.2);
}

#[test]
fn a_station_with_exponential_service_is_m_m_1() {
    let server = "role = \"station\"\nparams = { service = \"exp(1ms)\" }";
    for (rho, services, seed) in [
        (0.3, 20_000, 3000),
        (0.7, 50_000, 3100),
        (0.85, 100_000, 3200),
    ] {
        let queue = Queue {
            server,
            link: "delay = \"2ms\"",
            rho,
            services,
        };
        let runs = queue.replicate(seed);
        assert_metric(&runs, "station_wait_ns.cpu", rho * SERVICE_NS / (1.0 - rho));
        assert_metric(&runs, "station_sojourn_ns.cpu", SERVICE_NS / (1.0 - rho));
        assert_metric(&runs, "station_in_system.cpu", rho / (1.0 - rho));
        assert_metric(&runs, "station_utilisation.cpu", rho);
    }
}

#[test]
fn a_station_with_constant_service_is_m_d_1_and_equals_a_link_of_that_rate() {
    let rho = 0.6;
    let server = "role = \"station\"\nparams = { service = \"1ms\" }";
    let station = Queue {
        server,
        link: "delay = \"2ms\"",
        rho,
        services: 20_000,
    };
    let runs = station.replicate(3300);
    assert_metric(
        &runs,
        "station_wait_ns.cpu",
        rho * SERVICE_NS / (2.0 * (1.0 - rho)),
    );
}

#[test]
fn a_bounded_station_refuses_as_m_m_1_k() {
    for (rho, capacity, seed) in [(0.5_f64, 2, 3400), (0.9, 5, 3500), (1.3, 4, 3600)] {
        let server = format!(
            "role = \"station\"\nparams = {{ service = \"exp(1ms)\", capacity = {capacity} }}"
        );
        let queue = Queue {
            server: &server,
            link: "delay = \"2ms\"",
            rho,
            services: 20_000,
        };
        let expected = (1.0 - rho) * rho.powi(capacity) / (1.0 - rho.powi(capacity + 1));
        assert_metric(&queue.replicate(seed), "station_refusal_rate.cpu", expected);
    }
}
