#![allow(clippy::unwrap_used)]

use super::*;
use crate::build::build;
use crate::host::tables::NoTables;
use crate::run::{Unwatched, drive};

/// Sums whose quotient in bin i is `quotients[i]`, over the same denominator each.
fn running(quotients: &[u128], denominator: u128) -> Vec<(u128, u128)> {
    let mut sums = Vec::new();
    let mut last = (0, 0);
    for quotient in quotients {
        last = (last.0 + quotient * denominator, last.1 + denominator);
        sums.push(last);
    }
    sums
}

#[test]
fn the_batches_of_a_known_series_give_the_known_interval() {
    // Twenty batches of ten bins whose means are 0, 1, 0, 1, ...: mean 1/2, deviation √(5/19).
    let bins: Vec<u128> = (0..200).map(|bin| (bin / 10) % 2).collect();
    let found = estimate(&running(&bins, 7), WarmUp::Given);
    assert_eq!((found.value, found.n), (Some(0.5), 1400));
    let deviation = found.deviation.unwrap();
    assert!((deviation - (5.0_f64 / 19.0).sqrt()).abs() < 1e-12);
    let interval = interval(0.5, deviation, 0.95, "station_in_system.cpu").unwrap();
    let half = 2.093_024_054_4 * (5.0_f64 / 19.0).sqrt() / 20.0_f64.sqrt();
    assert!((interval.high - 0.5 - half).abs() < 1e-9, "{interval:?}");
    assert_eq!(found.method, "batch means, Student t over 20 batches");
}

#[test]
fn a_warm_up_is_cut_where_it_ends_and_a_ramp_is_refused() {
    // Fifty bins of 100, then 1000 bins that alternate between 4 and 6.
    let mut bins = vec![100_u128; 50];
    bins.extend((0..1000).map(|bin| 4 + 2 * (bin % 2)));
    let found = estimate(&running(&bins, 10), WarmUp::Mser5);
    assert_eq!((found.value, found.n), (Some(5.0), 10_000));
    assert!(
        found.method.ends_with("MSER-5 cut 4.7 % of the run"),
        "{}",
        found.method
    );
    let given = estimate(&running(&bins, 10), WarmUp::Given);
    assert!(given.value.unwrap() > 9.0, "{given:?}");

    let ramp: Vec<u128> = (0..1000).collect();
    let found = estimate(&running(&ramp, 10), WarmUp::Mser5);
    assert_eq!((found.value, found.deviation), (None, None));
    assert!(
        found.method.starts_with("none: batch means"),
        "{}",
        found.method
    );
    // Slow waves: batches go together.
    let waves: Vec<u128> = (0..1000).map(|bin| bin / 250 % 2).collect();
    let found = estimate(&running(&waves, 10), WarmUp::Given);
    assert_eq!(found.deviation, None);
    assert!(found.method.contains("correlated"), "{}", found.method);
    // Less than ten observations in a batch.
    let found = estimate(&running(&[1; 199], 1), WarmUp::Given);
    assert!(found.method.contains("200 are needed"), "{}", found.method);
}

fn queue(seed: u64, run: &str, service: &str) -> Scenario {
    let text = format!(
        r#"
schema = 1
[run]
duration = "20s"
settle = "0s"
seed = {seed}
{run}
[protocol]
name = "traffic"
[nodes.source]
role = "source"
params = {{ size = "125B" }}
[nodes.cpu]
role = "station"
params = {{ service = "{service}" }}
[links.pipe]
between = ["source", "cpu"]
delay = "1us"
[workload.load]
from = "source"
to = "cpu"
do = "send"
every = "exp(2ms)"
"#
    );
    crate::read_text("queue.toml", &text, &[]).unwrap_or_else(|error| panic!("{error:?}"))
}

fn metrics_of(scenario: &Scenario) -> Vec<Metric> {
    let built = build(scenario).unwrap();
    let finished = drive(scenario, built, &mut NoTables, &mut Unwatched, |_| {}).unwrap();
    crate::metrics::metrics(scenario, &finished)
}

fn of<'a>(all: &'a [Metric], name: &str) -> &'a Metric {
    all.iter().find(|metric| metric.name == name).unwrap()
}

#[test]
fn intervals_of_single_runs_of_an_m_m_1_queue_cover_the_truth() {
    // Load 0.5: a job is 2 ms in the station, one job is in it on average, half of the time.
    let truths = [
        ("station_sojourn_ns.cpu", 2e6),
        ("station_in_system.cpu", 1.0),
        ("station_utilisation.cpu", 0.5),
    ];
    let mut covered = [0; 3];
    for seed in 1..=40 {
        let all = metrics_of(&queue(seed, "warmup = \"mser-5\"", "exp(1ms)"));
        for ((name, truth), covered) in truths.iter().zip(&mut covered) {
            let metric = of(&all, name);
            assert!(metric.method.contains("batch means"), "{}", metric.method);
            *covered += usize::from(
                metric
                    .interval
                    .is_some_and(|it| it.low <= *truth && *truth <= it.high),
            );
        }
    }
    // Bin(40, 0.95) is at least 32 with probability 0.9999; a refusal counts as a miss.
    assert!(covered.iter().all(|covered| *covered >= 32), "{covered:?}");
}

#[test]
fn looking_at_a_run_changes_nothing_of_it() {
    let fingerprint = |run: &str| {
        let scenario = queue(3, run, "exp(1ms)");
        let built = build(&scenario).unwrap();
        drive(&scenario, built, &mut NoTables, &mut Unwatched, |_| {})
            .unwrap()
            .fingerprint
    };
    assert_eq!(fingerprint(""), fingerprint("steady = true"));
    assert_eq!(fingerprint(""), fingerprint("warmup = \"mser-5\""));
}

#[test]
fn infinite_variance_has_no_interval() {
    let heavy = queue(1, "steady = true", "pareto(xm=100us, alpha=1.5)");
    let all = metrics_of(&heavy);
    let metric = of(&all, "station_sojourn_ns.cpu");
    assert_eq!(metric.interval, None);
    assert!(metric.method.contains("infinite variance"), "{metric:?}");
    assert!(of(&all, "station_utilisation.cpu").interval.is_some());
}

#[test]
fn a_warm_up_found_by_mser_is_that_of_a_steady_state() {
    assert_eq!(queue(1, "warmup = \"1s\"", "exp(1ms)").run.steady, None);
    assert_eq!(
        queue(1, "steady = true\nwarmup = \"1s\"", "exp(1ms)")
            .run
            .steady,
        Some(WarmUp::Given)
    );
    let text = "steady = false\nwarmup = \"mser-5\"";
    let refused = std::panic::catch_unwind(|| queue(1, text, "exp(1ms)"));
    assert!(refused.is_err());
}
