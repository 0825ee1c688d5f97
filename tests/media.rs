//! Shared media as users describe them: scenario files against closed forms.

use reports::metric::Summary;

use crate::simulation::{metric, scenario, summary};

/// Poisson sources on one channel; `medium` and `load` in frames per airtime.
fn run(medium: &str, airtime_ms: f64, load: f64, seed: u64) -> Summary {
    let sources = 300;
    let gap_ns = airtime_ms * 1e6 * f64::from(sources) / load;
    let text = format!(
        r#"
schema = 1
[scenario]
name = "cell"
[run]
duration = "1100s"
warmup = "100s"
settle = "0s"
seed = {seed}
[protocol]
name = "traffic"
[nodes.source]
role = "source"
count = {sources}
params = {{ size = "100B" }}
[nodes.sink]
role = "sink"
[links.air]
between = ["source", "sink"]
{medium}
[workload.load]
from = "source"
to = "sink"
do = "send"
first = "exp({gap_ns}ns)"
every = "exp({gap_ns}ns)"
[output]
traces = []
figures = []
"#
    );
    summary(&scenario(&text))
}

/// Throughput of four seeds is within 2 % of `expected` of the load, with room for the spread of
/// some 10^5 frames.
fn carries(medium: &str, load: f64, expected: impl Fn(f64) -> f64) {
    let mut offered = 0.0;
    let mut carried = 0.0;
    for seed in 1..=4 {
        // 100 bytes at 100 kbit/s take 8 ms.
        let summary = run(&format!("rate = \"100kbps\"\n{medium}"), 8.0, load, seed);
        offered += metric(&summary, "medium_load.air") / 4.0;
        carried += metric(&summary, "medium_throughput.air") / 4.0;
    }
    assert!((offered - load).abs() < 0.02 * load, "{offered} {load}");
    let expected = expected(offered);
    assert!(
        (carried - expected).abs() < 0.02 * expected,
        "{medium}: {carried} {expected}"
    );
}

#[test]
fn aloha_and_csma_carry_what_their_closed_forms_say() {
    carries("medium = { model = \"aloha\" }", 0.5, |g| {
        g * (-2.0 * g).exp()
    });
    carries(
        "medium = { model = \"slotted-aloha\", slot = \"8ms\" }",
        1.0,
        |g| g * (-g).exp(),
    );
    carries(
        "medium = { model = \"csma\", propagation = \"800us\" }",
        1.0,
        |g| {
            let idle = (-0.1 * g).exp();
            g * idle / (g * 1.2 + idle)
        },
    );
}

#[test]
fn lora_loses_by_channel_what_aloha_says() {
    // 100 bytes at SF7 are 174.336 ms on the air; three channels.
    let medium = "medium = { model = \"lora\", sf = 7, channels = 3 }";
    let summary = run(medium, 174.336, 1.5, 5);
    let load = metric(&summary, "medium_load.air");
    let carried = metric(&summary, "medium_throughput.air");
    let expected = load * (-2.0 * load / 3.0).exp();
    assert!((load - 1.5).abs() < 0.05, "{load}");
    assert!(
        (carried - expected).abs() < 0.05 * expected,
        "{carried} {expected}"
    );
}
