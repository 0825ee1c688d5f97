//! Delay laws: mean and standard deviation as their parameters say.

use super::loss::Stream;
use super::observe::Observed;
use super::{Case, Effort, Quantity};

/// One point for every law.
pub(super) fn laws(effort: Effort) -> Vec<Case> {
    // Law, mean and standard deviation in ms.
    let root = |value: f64| value.sqrt();
    let sigma: f64 = 0.4;
    let lognormal = 25.0 * libm::exp(sigma * sigma / 2.0);
    let tail = libm::exp(sigma * sigma) - 1.0;
    let (first, second) = (libm::tgamma(1.5), libm::tgamma(2.0));
    // Cut at zero, 2 standard deviations below the mean; moments of the truncated normal.
    let hazard = libm::exp(-2.0)
        / root(2.0 * core::f64::consts::PI)
        / (0.5 * libm::erfc(-2.0 / core::f64::consts::SQRT_2));
    let laws: [(&str, f64, f64); 8] = [
        ("uniform(0ms, 5ms)", 2.5, 5.0 / root(12.0)),
        ("exp(10ms)", 10.0, 10.0),
        ("shifted-exp(min=10ms, mean=5ms)", 15.0, 5.0),
        (
            "normal(10ms, 5ms)",
            10.0 + 5.0 * hazard,
            5.0 * root(1.0 - 2.0 * hazard - hazard * hazard),
        ),
        (
            "lognormal(median=25ms, sigma=0.4)",
            lognormal,
            lognormal * root(tail),
        ),
        (
            "pareto(xm=10ms, alpha=6)",
            12.0,
            10.0 * root(6.0 / (25.0 * 4.0)),
        ),
        (
            "weibull(shape=2, scale=20ms)",
            20.0 * first,
            20.0 * root(second - first * first),
        ),
        ("gamma(mean=10ms, shape=0.5)", 10.0, 10.0 * root(2.0)),
    ];
    let point = |(law, mean, deviation): (&str, f64, f64)| {
        let stream = Stream {
            family: "delay",
            point: law.to_owned(),
            link: &format!("delay = \"{law}\""),
            every: "1s",
            packets: 50_000,
            bytes: 64,
        };
        let variance = deviation * deviation;
        stream.case(
            effort,
            vec![
                Quantity::observed("mean", "ms", mean, move |observed| moment(observed, 0.0, 1)),
                // About the exact mean, so that the estimate has no bias.
                Quantity::observed("variance", "ms^2", variance, move |observed| {
                    moment(observed, mean, 2)
                }),
            ],
        )
    };
    laws.map(point).into()
}

/// The mean of (delay - `about`) to a power, ms.
#[allow(clippy::cast_precision_loss, reason = "delays below a day")]
fn moment(observed: &Observed, about: f64, power: i32) -> Option<f64> {
    let delays = || observed.packets.iter().filter_map(|packet| packet.delay_ns);
    let sum: f64 = delays()
        .map(|delay| (delay as f64 / 1e6 - about).powi(power))
        .sum();
    let count = delays().count();
    (count > 0).then(|| sum / count as f64)
}
