//! Instructions of whole simulated handshakes, counted by callgrind: world, host, machines, crypto and
//! oracles together. `.ci/instructions` compares them with the committed baseline.

#![allow(missing_docs)]
#![allow(clippy::exit, reason = "the harness ends the process")]

use gungraun::{library_benchmark, library_benchmark_group, main};
use scenarios::Scenario;
use scenarios::verify::untraced;

/// Devices, one handshake each.
const DEVICES: usize = 500;

fn scenario(variant: &str) -> Scenario {
    let text = format!(
        r#"
schema = 1
[scenario]
name = "instructions"
[run]
duration = "1000s"
seed = 7
[protocol]
name = "secure-vault"
variant = "{variant}"
params = {{ keys = 8, key_bits = 128, challenge = 3 }}
[nodes.device]
role = "device"
count = {DEVICES}
start = "uniform(0s, 900s)"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "exp(20ms)"
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
[output]
traces = []
"#
    );
    scenarios::read_text("instructions.toml", &text, &[]).expect("the scenario is right")
}

#[library_benchmark]
#[bench::as_published(args = ("as-published"), setup = scenario)]
#[bench::hardened(args = ("hardened"), setup = scenario)]
fn handshake(scenario: Scenario) -> u64 {
    let finished = untraced(&scenario).expect("the run ends");
    finished.events
}

library_benchmark_group!(name = whole, benchmarks = [handshake]);
main!(library_benchmark_groups = whole);
