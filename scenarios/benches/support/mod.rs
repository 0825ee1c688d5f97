//! What the benches of whole runs share: a fleet, the processor's clock, the process's memory.

use std::fs;

#[path = "../../../benches/support/clock.rs"]
mod clock;

/// `devices` of `secure-vault` at one server, `handshakes` each, over a link that loses `loss`; `output`
/// is the table of that name.
pub(crate) fn fleet(
    devices: usize,
    handshakes: usize,
    loss: &str,
    output: &str,
) -> scenarios::Scenario {
    // One handshake takes well below 600 s, and the last one must have begun before the end.
    let duration = 600 * (handshakes + 1);
    let text = format!(
        r#"
schema = 1
[scenario]
name = "bench"
[run]
duration = "{duration}s"
seed = 7
[protocol]
name = "secure-vault"
variant = "as-published"
params = {{ keys = 8, key_bits = 128, challenge = 3 }}
[nodes.device]
role = "device"
count = {devices}
start = "uniform(0s, 600s)"
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "lognormal(median=20ms, sigma=0.4)"
loss = "{loss}"
[workload.auth]
from = "device"
to = "server"
do = "authenticate"
every = "600s"
count = {handshakes}
[output]
{output}
"#
    );
    scenarios::read_text("bench.toml", &text, &[])
        .unwrap_or_else(|error| panic!("{}", error.render(false)))
}

/// Processor time of this process so far, all threads together, s.
pub(crate) fn cpu_seconds() -> f64 {
    clock::process_ns() as f64 / 1e9
}

/// Most memory this process ever held, bytes.
pub(crate) fn peak_bytes() -> u64 {
    memory("VmHWM:")
}

/// Memory that this process holds, bytes.
pub(crate) fn resident_bytes() -> u64 {
    memory("VmRSS:")
}

fn memory(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
