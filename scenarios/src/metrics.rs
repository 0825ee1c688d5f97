//! The metrics of a run: one value each, with its interval and the method behind it.

use reports::metric::Metric;
use reports::statistics::proportion::clopper_pearson;
use reports::statistics::survival::{Lifetime, kaplan_meier, time_until};

use sim_engine::LinkParams;

use crate::host::attempt::Outcome;
use crate::host::tables::Tables;
use crate::oracle::EpisodeKind;
use crate::run::Finished;
use crate::scenario::Scenario;
use crate::verdict::{Verdict, judge};

/// Level of the intervals.
pub const LEVEL: f64 = 0.95;

/// A metric as `badlink list metrics` shows it.
#[derive(Clone, Copy, Debug)]
pub struct MetricSpec {
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What it is.
    pub help: &'static str,
}

const fn spec(name: &'static str, unit: &'static str, help: &'static str) -> MetricSpec {
    MetricSpec { name, unit, help }
}

/// Every metric of a run, in the order of `summary.json`.
pub const METRICS: &[MetricSpec] = &[
    spec("attempts", "count", "attempt steps that closed"),
    spec(
        "success_rate",
        "share",
        "accepted or completed steps / attempts",
    ),
    spec(
        "timeout_rate",
        "share",
        "steps in which nobody refused and time ran out / attempts",
    ),
    spec(
        "half_open_rate",
        "share",
        "steps that only one end accepted / attempts",
    ),
    spec(
        "mismatch_rate",
        "share",
        "steps that both ends accepted with different keys / attempts",
    ),
    spec(
        "latency_mean_ns",
        "ns",
        "start of an accepted step until both ends have accepted, mean",
    ),
    spec(
        "latency_p50_ns",
        "ns",
        "the same, median (four significant digits)",
    ),
    spec("latency_p95_ns", "ns", "the same, 95 % quantile"),
    spec("latency_p99_ns", "ns", "the same, 99 % quantile"),
    spec(
        "desync_rate",
        "share",
        "devices permanently out of step / devices",
    ),
    spec(
        "desync_silent_rate",
        "share",
        "devices out of step at the end whose sessions succeed / devices",
    ),
    spec(
        "desync_transient",
        "count",
        "divergences that healed by themselves",
    ),
    spec(
        "desync_reprovisioned",
        "count",
        "divergences that ended with new first storage at both ends",
    ),
    spec(
        "reprovisions",
        "count",
        "times an initiator and its partners were given first storage anew",
    ),
    spec(
        "reprovision_bytes",
        "B",
        "records written for that at both ends, sum",
    ),
    spec(
        "segments",
        "count",
        "packets that the links' transports made, repetitions included",
    ),
    spec(
        "retransmissions",
        "count",
        "of these, repetitions of an earlier one",
    ),
    spec(
        "connections_given_up",
        "count",
        "connections and confirmable exchanges that ended because nobody answered",
    ),
    spec(
        "attempts_to_desync",
        "count",
        "attempts until the first divergence that is permanent or reprovisioned, Kaplan-Meier median",
    ),
    spec(
        "lockout_rate",
        "share",
        "initiators that fail every attempt of the honest continuation / initiators that authenticate",
    ),
    spec(
        "attack_success_rate",
        "share",
        "adversaries that broke a property they aim at / adversaries that acted",
    ),
    spec(
        "agreement_violations",
        "count",
        "acceptances without a partner that was running",
    ),
    spec(
        "messages_per_accept",
        "count",
        "messages of all attempts / accepted or completed steps",
    ),
    spec(
        "bytes_per_accept",
        "B",
        "bytes of all attempts / accepted or completed steps",
    ),
    spec(
        "energy_per_accept_nj",
        "nJ",
        "energy of all nodes / accepted or completed steps",
    ),
    spec(
        "loss_rate",
        "share",
        "packets lost by the links / packets whose life has ended",
    ),
    spec(
        "queue_drop_rate",
        "share",
        "packets dropped by full queues and backlogs / packets",
    ),
    spec(
        "server_utilisation",
        "share",
        "share of time in which responders' processors are busy",
    ),
    spec(
        "station_wait_ns",
        "ns",
        "per station group: time in queue, mean",
    ),
    spec(
        "station_sojourn_ns",
        "ns",
        "per station group: time in queue and service, mean",
    ),
    spec(
        "station_in_system",
        "count",
        "per station group: jobs in a station, time average",
    ),
    spec(
        "station_refusal_rate",
        "share",
        "per station group: jobs refused / jobs arrived",
    ),
    spec(
        "station_utilisation",
        "share",
        "per station group: busy servers / servers, time average",
    ),
    spec(
        "link_wait_ns",
        "ns",
        "per link with a rate: time in its queues, mean over both directions",
    ),
    spec(
        "link_drop_rate",
        "share",
        "per link with a rate: packets dropped by its queues / packets",
    ),
    spec(
        "medium_load",
        "count",
        "per shared medium: airtime of all attempts to transmit / time, in Erlang (G)",
    ),
    spec(
        "medium_throughput",
        "count",
        "per shared medium: airtime of received transmissions / time, in Erlang (S)",
    ),
    spec(
        "medium_utilisation",
        "share",
        "per shared medium: share of time in which somebody was transmitting",
    ),
    spec(
        "medium_collision_rate",
        "share",
        "per shared medium: receptions destroyed by other transmissions / transmissions",
    ),
    spec(
        "medium_given_up_rate",
        "share",
        "per shared medium: frames given up before they were sent / frames",
    ),
];

fn unit(name: &str) -> &'static str {
    METRICS
        .iter()
        .find(|metric| metric.name == name)
        .map_or("", |metric| metric.unit)
}

fn value(name: &str, value: Option<f64>, n: u64) -> Metric {
    Metric::new(name, value, unit(name.split('.').next().unwrap_or(name)), n)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts in reports stay far below 2^53"
)]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[allow(clippy::cast_precision_loss, reason = "sums in reports need 9 digits")]
fn quotient(part: u128, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A rate with its Clopper-Pearson interval.
fn rate(name: &str, part: u64, whole: u64) -> Metric {
    let metric = value(name, ratio(part, whole), whole);
    match clopper_pearson(part, whole, LEVEL) {
        Some(interval) => metric.with_interval(interval, LEVEL, "Clopper-Pearson"),
        None => metric,
    }
}

/// Computes the metrics of a finished run.
#[must_use]
pub fn metrics<T: Tables>(scenario: &Scenario, finished: &Finished<T>) -> Vec<Metric> {
    let tally = &finished.tally;
    let attempts = tally.attempts();
    let successes = tally.of(Outcome::Accepted) + tally.of(Outcome::Completed);
    let accepted = tally.latency.len();
    #[allow(
        clippy::cast_precision_loss,
        reason = "counts in reports stay far below 2^53"
    )]
    let mut all = vec![
        value("attempts", Some(attempts as f64), attempts),
        rate("success_rate", successes, attempts),
        rate("timeout_rate", tally.of(Outcome::Timeout), attempts),
        rate("half_open_rate", tally.of(Outcome::HalfOpen), attempts),
        rate("mismatch_rate", tally.of(Outcome::Mismatch), attempts),
        value(
            "latency_mean_ns",
            quotient(tally.latency_sum_ns, accepted),
            accepted,
        ),
    ];
    for (name, share) in [
        ("latency_p50_ns", 0.50),
        ("latency_p95_ns", 0.95),
        ("latency_p99_ns", 0.99),
    ] {
        #[allow(clippy::cast_precision_loss, reason = "a latency to four digits")]
        let quantile = (accepted > 0).then(|| tally.latency.value_at_quantile(share) as f64);
        all.push(value(name, quantile, accepted));
    }
    desync(finished, &mut all);
    attacks(scenario, finished, &mut all);
    #[allow(
        clippy::cast_precision_loss,
        reason = "counts in reports stay far below 2^53"
    )]
    all.push(value(
        "agreement_violations",
        Some(tally.agreement_violations as f64),
        attempts,
    ));
    all.push(value(
        "messages_per_accept",
        ratio(tally.attempt_messages, successes),
        successes,
    ));
    all.push(value(
        "bytes_per_accept",
        ratio(tally.attempt_bytes, successes),
        successes,
    ));
    energy(scenario, finished, successes, &mut all);
    places(scenario, finished, &mut all);
    crate::steady::apply(scenario, &finished.steady, &mut all);
    all
}

fn attacks<T: Tables>(scenario: &Scenario, finished: &Finished<T>, all: &mut Vec<Metric>) {
    let world = &finished.world;
    let locked = world.watch.lock_out.locked().len() as u64;
    all.push(rate("lockout_rate", locked, world.may_be_locked_out()));
    let judgements = judge(scenario, finished);
    let acted = |adversary: usize| {
        let mut own = judgements.iter();
        own.any(|it| it.adversary == adversary && it.verdict != Verdict::NotExercised)
    };
    let broke = |adversary: usize| {
        let mut own = judgements.iter();
        own.any(|it| it.adversary == adversary && it.verdict == Verdict::Broken)
    };
    let adversaries = 0..scenario.adversaries.len();
    let acting = adversaries.clone().filter(|it| acted(*it)).count() as u64;
    let broken = adversaries.filter(|it| broke(*it)).count() as u64;
    all.push(rate("attack_success_rate", broken, acting));
}

fn desync<T: Tables>(finished: &Finished<T>, all: &mut Vec<Metric>) {
    let relations = &finished.world.relations;
    let pairs: u64 = relations
        .iter()
        .map(|relation| relation.ends.len() as u64)
        .sum();
    let episodes = || {
        relations
            .iter()
            .flat_map(|relation| relation.oracle.closed())
    };
    let of = |kind| episodes().filter(|episode| episode.kind == kind).count() as u64;
    all.push(rate("desync_rate", of(EpisodeKind::Permanent), pairs));
    all.push(rate("desync_silent_rate", of(EpisodeKind::Silent), pairs));
    let tally = &finished.tally;
    for (name, count) in [
        ("desync_transient", of(EpisodeKind::Transient)),
        ("desync_reprovisioned", of(EpisodeKind::Reprovisioned)),
        ("reprovisions", tally.reprovisions),
        ("segments", tally.transport.segments),
        ("retransmissions", tally.transport.retransmissions),
        ("connections_given_up", tally.transport.given_up),
        ("reprovision_bytes", tally.reprovision_bytes),
    ] {
        #[allow(
            clippy::cast_precision_loss,
            reason = "counts in reports stay far below 2^53"
        )]
        all.push(value(name, Some(count as f64), pairs));
    }

    let lifetimes = lifetimes(finished);
    let steps = kaplan_meier(&lifetimes, LEVEL);
    #[allow(clippy::cast_precision_loss, reason = "a number of attempts")]
    let median = time_until(&steps, 0.5).map(|attempts| attempts as f64);
    let mut metric = value("attempts_to_desync", median, pairs);
    metric.method = String::from("Kaplan-Meier median");
    all.push(metric);
}

/// Survival in attempts: every device lives until its first divergence that nothing but an operator
/// ends, or is censored after the attempts it made.
pub(crate) fn lifetimes<T: Tables>(finished: &Finished<T>) -> Vec<Lifetime> {
    let relations = &finished.world.relations;
    let mut lifetimes = Vec::new();
    for relation in relations {
        let mut died = vec![None; relation.ends.len()];
        for episode in relation.oracle.closed() {
            if episode.kind.is_loss()
                && let Some(place) = died.get_mut(episode.pair as usize)
            {
                place.get_or_insert(u64::from(episode.attempts_before));
            }
        }
        for (ends, died) in relation.ends.iter().zip(died) {
            let made = u64::from(finished.counts[ends.0 as usize].0);
            lifetimes.push(Lifetime {
                time_ns: died.unwrap_or(made),
                event: died.is_some(),
            });
        }
    }
    lifetimes
}

fn energy<T: Tables>(
    scenario: &Scenario,
    finished: &Finished<T>,
    successes: u64,
    all: &mut Vec<Metric>,
) {
    let priced = scenario
        .groups
        .iter()
        .any(|group| group.profile.is_some() || group.supply.is_metered());
    let total: u128 = finished.groups.iter().map(|sums| sums.energy_nj).sum();
    let energy = if priced {
        quotient(total, successes)
    } else {
        None
    };
    all.push(value("energy_per_accept_nj", energy, successes));
}

/// The groups that steps go to, in order.
pub(crate) fn responders(scenario: &Scenario) -> Vec<usize> {
    let mut responders: Vec<usize> = scenario
        .workloads
        .iter()
        .flat_map(|workload| &workload.steps)
        .filter_map(|step| step.to)
        .collect();
    responders.sort_unstable();
    responders.dedup();
    responders
}

fn places<T: Tables>(scenario: &Scenario, finished: &Finished<T>, all: &mut Vec<Metric>) {
    use sim_engine::Fate;
    let tally = &finished.tally;
    let packets: u64 = tally.fates.iter().sum();
    let fate = |fate: Fate| tally.fates[fate as usize];
    all.push(rate("loss_rate", fate(Fate::Lost), packets));
    all.push(rate(
        "queue_drop_rate",
        fate(Fate::QueueDrop) + fate(Fate::BacklogDrop),
        packets,
    ));

    let responders = responders(scenario);
    let busy: u128 = responders
        .iter()
        .map(|&group| finished.groups[group].busy_ns)
        .sum();
    let nodes: u64 = responders
        .iter()
        .map(|&group| scenario.groups[group].count as u64)
        .sum();
    let span = finished.measured_ns.saturating_mul(nodes);
    all.push(value("server_utilisation", quotient(busy, span), nodes));

    for (group, sums) in scenario.groups.iter().zip(&finished.groups) {
        let Some(station) = &sums.station else {
            continue;
        };
        let name = |metric: &str| format!("{metric}.{}", group.name);
        let span = finished.measured_ns.saturating_mul(group.count as u64);
        let capacity = finished
            .measured_ns
            .saturating_mul(u64::from(station.servers));
        let (begun, served, arrived) = (station.begun, station.served, station.arrivals);
        all.push(value(
            &name("station_wait_ns"),
            quotient(station.wait_ns, begun),
            begun,
        ));
        all.push(value(
            &name("station_sojourn_ns"),
            quotient(station.sojourn_ns, served),
            served,
        ));
        all.push(value(
            &name("station_in_system"),
            quotient(station.in_system_ns, span),
            arrived,
        ));
        all.push(rate(
            &name("station_refusal_rate"),
            station.refusals,
            arrived,
        ));
        all.push(value(
            &name("station_utilisation"),
            quotient(station.busy_ns, capacity),
            served,
        ));
    }
    for (spec, both) in scenario.links.iter().zip(&finished.links) {
        let queues = |side: &LinkParams| side.rate_bps.is_some() || side.medium.is_some();
        if !queues(&spec.up) && !queues(&spec.down) {
            continue;
        }
        let waited: u64 = both.iter().map(|sums| sums.queued).sum();
        let wait: u128 = both.iter().map(|sums| sums.wait_ns).sum();
        let offered: u64 = both.iter().map(|sums| sums.offered).sum();
        let dropped: u64 = both.iter().map(|sums| sums.queue_drops).sum();
        all.push(value(
            &format!("link_wait_ns.{}", spec.name),
            quotient(wait, waited),
            waited,
        ));
        all.push(rate(
            &format!("link_drop_rate.{}", spec.name),
            dropped,
            offered,
        ));
    }
    for (spec, stats) in scenario.media.iter().zip(&finished.media) {
        let name = |metric: &str| format!("{metric}.{}", spec.name);
        let span = finished.measured_ns;
        for (metric, sum) in [
            ("medium_load", stats.offered_ns),
            ("medium_throughput", stats.received_ns),
            ("medium_utilisation", stats.occupied_ns),
        ] {
            all.push(value(
                &name(metric),
                quotient(sum, span),
                stats.transmissions,
            ));
        }
        all.push(value(
            &name("medium_collision_rate"),
            ratio(stats.collided, stats.transmissions),
            stats.transmissions,
        ));
        all.push(rate(
            &name("medium_given_up_rate"),
            stats.given_up + stats.duty_refusals,
            stats.frames,
        ));
    }
}
