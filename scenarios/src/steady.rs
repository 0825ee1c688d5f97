//! Steady-state metrics of one long run: their warm-up is cut off, and they get intervals from batch
//! means (`[run] steady`, `warmup = "mser-5"`).
//!
//! The time from the warm-up to the end of `duration` is divided into bins of equal length. At the
//! end of each the running sums behind a metric are read, numerator and denominator, which costs the
//! events between nothing; so memory does not grow with the run. MSER-5 looks at the quotients of the
//! bins, and each batch is the quotient of its sums. The settle time is no steady state: nothing
//! arrives then.

use reports::metric::Metric;
use reports::statistics::shape::is_skewed;
use reports::statistics::steady::{BATCH_MIN, BATCHES, SteadyError, mser5, of_batches};
use sim_engine::LinkParams;

use crate::host::tables::Tables;
use crate::metrics::{LEVEL, responders};
use crate::run::AtEnd;
use crate::scenario::{Scenario, WarmUp};
use crate::sweep::aggregate::Tails;

/// Bins of a run: 200 in each of 20 batches where nothing is cut.
const BINS: u64 = 4000;

/// The sums behind a metric at the end of each bin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Name of the metric.
    pub name: String,
    /// Numerator and denominator since the warm-up, from 0.
    sums: Vec<(u128, u128)>,
}

/// What a series says.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The quotient over what is kept; `None` where no warm-up's end was found.
    pub value: Option<f64>,
    /// Observations kept, where the denominator counts any.
    pub n: u64,
    /// Standard deviation of the batch means; `None` where they allow no interval.
    pub deviation: Option<f64>,
    /// What was done, or why it could not be.
    pub method: String,
}

/// The series that `scenario` wants, empty.
#[must_use]
pub fn begin(scenario: &Scenario) -> Vec<Series> {
    if scenario.run.steady.is_none() {
        return Vec::new();
    }
    vec![Series::default(); names(scenario).len()]
}

/// The ends of the bins, ns; none where nothing is wanted.
pub fn marks(scenario: &Scenario) -> impl Iterator<Item = u64> + use<> {
    let (from, to) = (scenario.run.warmup_ns, scenario.run.duration_ns);
    let bins = match scenario.run.steady {
        Some(_) => BINS.min(to - from),
        None => 0,
    };
    let of = move |bin: u64| {
        let span = u128::from(to - from) * u128::from(bin) / u128::from(bins.max(1));
        from + u64::try_from(span).unwrap_or(u64::MAX)
    };
    (1..=bins).map(of)
}

/// The metrics concerned, in the order of [`sums`].
fn names(scenario: &Scenario) -> Vec<String> {
    let mut names = vec![
        String::from("latency_mean_ns"),
        String::from("server_utilisation"),
    ];
    for group in &scenario.groups {
        for metric in [
            "station_wait_ns",
            "station_sojourn_ns",
            "station_in_system",
            "station_refusal_rate",
            "station_utilisation",
        ] {
            names.push(format!("{metric}.{}", group.name));
        }
    }
    for spec in &scenario.links {
        for metric in ["link_wait_ns", "link_drop_rate"] {
            names.push(format!("{metric}.{}", spec.name));
        }
    }
    names
}

/// Reads the sums at the end of a bin.
pub fn look<T: Tables>(scenario: &Scenario, view: &AtEnd<'_, T>, series: &mut [Series]) {
    let mut rest = series.iter_mut();
    let mut put = |numerator: u128, denominator: u128| {
        if let Some(one) = rest.next() {
            one.sums.push((numerator, denominator));
        }
    };
    let (world, span) = (view.world, u128::from(view.measured_ns));
    let tally = &world.tally;
    put(tally.latency_sum_ns, u128::from(tally.latency.len()));
    let nodes = |group: usize| {
        let group = &world.groups[group];
        group.first..group.first + group.count
    };
    let served = responders(scenario);
    let busy = served.iter().flat_map(|group| nodes(*group));
    put(
        busy.clone().map(|node| view.node_stats(node).busy_ns).sum(),
        span * busy.count() as u128,
    );
    for group in 0..scenario.groups.len() {
        let (mut wait, mut begun, mut sojourn, mut done) = (0, 0_u128, 0, 0_u128);
        let (mut inside, mut stations, mut refused, mut arrived) = (0, 0, 0_u128, 0_u128);
        let (mut busy, mut servers) = (0, 0);
        let own = nodes(group).filter_map(|node| view.station(node));
        for one in own.filter(|station| station.servers > 0) {
            wait += one.wait_ns;
            begun += u128::from(one.begun);
            sojourn += one.sojourn_ns;
            done += u128::from(one.served);
            inside += one.in_system_ns;
            stations += 1;
            refused += u128::from(one.refusals);
            arrived += u128::from(one.arrivals);
            busy += one.busy_ns;
            servers += u128::from(one.servers);
        }
        put(wait, begun);
        put(sojourn, done);
        put(inside, span * stations);
        put(refused, arrived);
        put(busy, span * servers);
    }
    for (spec, (first, count)) in scenario.links.iter().zip(view.links) {
        let queues = |side: &LinkParams| side.rate_bps.is_some() || side.medium.is_some();
        let (mut wait, mut queued, mut drops, mut offered) = (0, 0_u128, 0_u128, 0_u128);
        if queues(&spec.up) || queues(&spec.down) {
            for stats in (*first..*first + *count).flat_map(|link| view.link_stats(link)) {
                wait += stats.wait_ns;
                queued += u128::from(stats.queued);
                drops += u128::from(stats.queue_drops);
                offered += u128::from(stats.offered);
            }
        }
        put(wait, queued);
        put(drops, offered);
    }
}

/// Puts what `series` say into the metrics of the same names.
pub(crate) fn apply(scenario: &Scenario, series: &[Series], all: &mut [Metric]) {
    let Some(warm_up) = scenario.run.steady else {
        return;
    };
    let tails = Tails::of(scenario);
    for (name, one) in names(scenario).into_iter().zip(series) {
        let Some(metric) = all.iter_mut().find(|metric| metric.name == name) else {
            continue;
        };
        if one.sums.last().is_none_or(|last| last.1 == 0) {
            continue;
        }
        let mut found = estimate(&one.sums, warm_up);
        if tails.reach(&name) {
            found.deviation = None;
            found.method = String::from(
                "none: batch means: a law of the scenario has infinite variance, so Student's t does \
                 not hold",
            );
        }
        // A time average has no observations of its own: it keeps the count that the metric has.
        let counted = ![
            "server_utilisation",
            "station_in_system",
            "station_utilisation",
        ]
        .iter()
        .any(|average| name.starts_with(average));
        metric.value = found.value;
        metric.interval = None;
        if counted {
            metric.n = found.n;
        }
        metric.method = found.method;
        metric.deviation = found.deviation;
        if let (Some(value), Some(deviation)) = (found.value, found.deviation)
            && let Some(interval) = interval(value, deviation, LEVEL, &name)
        {
            let method = metric.method.clone();
            *metric = metric.clone().with_interval(interval, LEVEL, &method);
        }
    }
}

/// Student's interval over the batches, within what the metric can be.
pub(crate) fn interval(
    value: f64,
    deviation: f64,
    level: f64,
    name: &str,
) -> Option<reports::statistics::Interval> {
    let batches = BATCHES as u64;
    let mut found = reports::statistics::mean::student_interval(value, deviation, batches, level)?;
    found.low = found.low.max(0.0);
    if crate::sweep::expect::unit_of(name) == "share" {
        found.high = found.high.min(1.0);
    }
    Some(found)
}

#[allow(clippy::cast_precision_loss, reason = "sums in reports need 9 digits")]
fn quotient(from: (u128, u128), to: (u128, u128)) -> Option<f64> {
    let (part, whole) = (to.0.saturating_sub(from.0), to.1.saturating_sub(from.1));
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The steady state of running sums at the ends of bins.
fn estimate(sums: &[(u128, u128)], warm_up: WarmUp) -> Estimate {
    let refused = |value: Option<f64>, error: SteadyError| Estimate {
        value,
        n: 0,
        deviation: None,
        method: format!("none: batch means: {error}"),
    };
    let at = |end: usize| if end == 0 { (0, 0) } else { sums[end - 1] };
    // Bins in which nothing was observed have no quotient; the cut goes by the others.
    let seen: Vec<(usize, f64)> = (0..sums.len())
        .filter_map(|bin| Some((bin, quotient(at(bin), at(bin + 1))?)))
        .collect();
    let quotients: Vec<f64> = seen.iter().map(|(_, value)| *value).collect();
    let (cut, said) = match warm_up {
        WarmUp::Given => (0, String::new()),
        WarmUp::Mser5 => match mser5(&quotients) {
            Ok(cut) => {
                let bin = if cut == 0 { 0 } else { seen[cut].0 };
                (bin, share_cut(bin, sums.len()))
            }
            Err(error) => return refused(None, error),
        },
    };
    let last = at(sums.len());
    let value = quotient(at(cut), last);
    let n = u64::try_from(last.1.saturating_sub(at(cut).1)).unwrap_or(u64::MAX);
    let batch = (sums.len() - cut) / BATCHES;
    let start = sums.len() - batch * BATCHES;
    let ends = (0..BATCHES).map(|index| start + index * batch);
    let mut means = Vec::with_capacity(BATCHES);
    for from in ends {
        let (from, to) = (at(from), at(from + batch));
        let observed = to.1.saturating_sub(from.1);
        match quotient(from, to) {
            Some(mean) if observed >= BATCH_MIN as u128 => means.push(mean),
            _ => {
                let error = SteadyError::Short {
                    found: usize::try_from(n).unwrap_or(usize::MAX),
                    needed: BATCHES * BATCH_MIN,
                };
                return Estimate {
                    n,
                    ..refused(value, error)
                };
            }
        }
    }
    match of_batches(&means, batch, LEVEL) {
        Ok(found) => {
            let doubt = if is_skewed(&means) {
                "; doubtful: the batches are skewed"
            } else {
                ""
            };
            Estimate {
                value,
                n,
                deviation: Some(found.deviation),
                method: format!("batch means, Student t over {BATCHES} batches{said}{doubt}"),
            }
        }
        Err(error) => Estimate {
            n,
            ..refused(value, error)
        },
    }
}

fn share_cut(cut: usize, bins: usize) -> String {
    let tenths = cut * 1000 / bins.max(1);
    format!(", MSER-5 cut {}.{} % of the run", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests;
