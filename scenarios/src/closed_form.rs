//! Closed forms for the figures: where theory has an answer, it is drawn beside the simulation.

use sim_engine::link::LossModel;
use sim_engine::{Direction, Law};

use crate::scenario::{Action, LinkGroup, Scenario, Transport, Workload};

/// A survival curve: the share of pairs in step as a function of time.
#[derive(Clone, Debug, PartialEq)]
pub struct SurvivalCurve {
    /// For the legend.
    pub label: String,
    process: Process,
    /// Probability that one attempt is fatal.
    fatal: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Process {
    /// Attempts at the start and then as a Poisson process of this rate per ns; starts are uniform
    /// over the given span.
    Poisson { rate_per_ns: f64, start: (f64, f64) },
    /// Attempts at the start and then at a constant distance in ns.
    Constant { every_ns: f64, start: (f64, f64) },
}

/// Points of a curve.
const POINTS: u32 = 200;

impl SurvivalCurve {
    /// Times in ns with the share still in step, from 0 to `end_ns`; no attempt begins after
    /// `duration_ns`.
    #[must_use]
    pub fn points(&self, duration_ns: u64, end_ns: u64) -> Vec<(u64, f64)> {
        (0..=POINTS)
            .map(|index| {
                let at = u128::from(end_ns) * u128::from(index) / u128::from(POINTS);
                let at = u64::try_from(at).unwrap_or(end_ns);
                (at, self.share(at.min(duration_ns)))
            })
            .collect()
    }

    /// Share of pairs in step at `at_ns`.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a curve to draw")]
    pub fn share(&self, at_ns: u64) -> f64 {
        let t = at_ns as f64;
        match self.process {
            // Given the start s, the survivors at t >= s are (1-d) e^{-rate d (t-s)}.
            Process::Poisson { rate_per_ns, start } => average(start, |s| {
                if t < s {
                    1.0
                } else {
                    (1.0 - self.fatal) * libm::exp(-rate_per_ns * self.fatal * (t - s))
                }
            }),
            Process::Constant { every_ns, start } => average(start, |s| {
                if t < s {
                    1.0
                } else {
                    libm::pow(1.0 - self.fatal, libm::floor((t - s) / every_ns) + 1.0)
                }
            }),
        }
    }
}

/// Mean of `f` over a uniform start, by the midpoint rule.
fn average((low, high): (f64, f64), f: impl Fn(f64) -> f64) -> f64 {
    const SLICES: u32 = 64;
    if high <= low {
        return f(low);
    }
    let width = (high - low) / f64::from(SLICES);
    let sum: f64 = (0..SLICES)
        .map(|slice| f(low + (f64::from(slice) + 0.5) * width))
        .sum();
    sum / f64::from(SLICES)
}

/// The survival curve of a scenario, where one applies: `secure-vault` as published, independent
/// loss on one link group, no retry, resend or re-provisioning, an odd challenge, and one authentication a
/// request.
///
/// A handshake of four messages in which only the loss of the last one is fatal ends for good with
/// probability `d = (1-u)(1-w)(1-u)w` per attempt, `u` and `w` the loss probabilities up and down
/// (`w` of M4 includes an adversary's rule).
#[must_use]
pub fn survival(scenario: &Scenario) -> Option<SurvivalCurve> {
    let protocol = &scenario.protocol;
    let default = |name: &str| protocol.params.get(name).is_none();
    // With an even challenge a device that lags is accepted now and then.
    let odd = protocol.params.integer("challenge", 4) % 2 == 1;
    let plain = protocol.protocol.name() == "secure-vault"
        && protocol.variant == "as-published"
        && ["commit", "recovery", "server_order", "challenge_check"]
            .into_iter()
            .all(default)
        && odd;
    let ([link], [workload]) = (scenario.links.as_slice(), scenario.workloads.as_slice()) else {
        return None;
    };
    if !plain
        || workload.retry.is_some()
        || workload.reprovision.is_some()
        || workload.steps.len() != 1
        || link.transport != Transport::Datagram
    {
        return None;
    }
    let device_is_a = link.a == workload.from;
    let (up, down) = if device_is_a {
        (&link.up, &link.down)
    } else {
        (&link.down, &link.up)
    };
    let (up_loss, down_loss) = (bernoulli(&up.loss)?, bernoulli(&down.loss)?);
    if [up, down].into_iter().any(|side| {
        !side.duplication.is_never()
            || side.corruption.is_some()
            || side.arq.is_some()
            || side.fragmentation.is_some()
    }) || !link.schedule.is_empty()
        || !link.own.is_empty()
    {
        return None;
    }
    let last_loss = 1.0 - (1.0 - down_loss) * (1.0 - adversary(scenario, link, device_is_a)?);
    let fatal = (1.0 - up_loss) * (1.0 - down_loss) * (1.0 - up_loss) * last_loss;
    let process = process(scenario, workload)?;
    let percent = fatal * 100.0;
    let label = format!(
        "closed form, d = {} % per attempt",
        reports::format::significant(percent, 3)
    );
    Some(SurvivalCurve {
        label,
        process,
        fatal,
    })
}

/// An exact value of a metric of a whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactValue {
    /// Name of the metric.
    pub metric: &'static str,
    /// Its expectation.
    pub value: f64,
    /// How it is found, for a legend.
    pub formula: &'static str,
}

/// The metrics of `scenario` whose expectations are known: where [`survival`] applies, the share of
/// devices out of step when attempts end, all of which are locked out, since nothing heals them.
#[must_use]
pub fn metrics(scenario: &Scenario) -> Vec<ExactValue> {
    let Some(curve) = survival(scenario) else {
        return Vec::new();
    };
    let value = 1.0 - curve.share(scenario.run.duration_ns);
    ["desync_rate", "lockout_rate"]
        .map(|metric| ExactValue {
            metric,
            value,
            formula: "last message lost, d = (1-u)(1-w)(1-u)w per attempt",
        })
        .into()
}

fn bernoulli(model: &LossModel) -> Option<f64> {
    match model {
        LossModel::None => Some(0.0),
        LossModel::Bernoulli(p) => Some(p.value()),
        _ => None,
    }
}

/// The probability that the adversary drops an M4; `None` when its rules do anything else.
fn adversary(scenario: &Scenario, link: &LinkGroup, device_is_a: bool) -> Option<f64> {
    let layouts = scenario.protocol.instance.layouts();
    let last = layouts.iter().position(|layout| layout.name == "M4")?;
    let towards_device = if device_is_a {
        Direction::Down
    } else {
        Direction::Up
    };
    let mut passes = 1.0;
    for adversary in &scenario.adversaries {
        let place = adversary.link.and_then(|place| scenario.links.get(place));
        if place.map(|other| &other.name) != Some(&link.name)
            || adversary.attack.is_some()
            || adversary.seat.is_some()
        {
            return None;
        }
        for rule in &adversary.rules {
            let matching = &rule.matching;
            let only_last = rule.is_plain()
                && matching.messages == [last]
                && matching.nth.is_none()
                && matching
                    .direction
                    .is_none_or(|direction| direction == towards_device);
            if !only_last || rule.action != Action::Drop {
                return None;
            }
            passes *= 1.0 - rule.probability.value();
        }
    }
    Some(1.0 - passes)
}

fn process(scenario: &Scenario, workload: &Workload) -> Option<Process> {
    let start = span(&scenario.groups[workload.from].start)?;
    let every = workload.every.as_ref()?;
    if workload.count.is_some() || workload.first.is_some() {
        return None;
    }
    if let Some(every_ns) = every.as_constant() {
        return Some(Process::Constant { every_ns, start });
    }
    match every.as_exponential() {
        Some((min, excess)) if min <= 0.0 => Some(Process::Poisson {
            rate_per_ns: 1.0 / excess,
            start,
        }),
        _ => None,
    }
}

/// Lowest and highest start of a constant or uniform law.
fn span(law: &Law) -> Option<(f64, f64)> {
    if let Some(value) = law.as_constant() {
        return Some((value, value));
    }
    law.as_uniform()
}
