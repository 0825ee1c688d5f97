//! What the reader accepts, and what it says about everything else.

#![allow(clippy::unwrap_used)]

mod accepted;
mod documented;
mod links;
mod media;
mod mutation;
mod profiles;
mod refused;
mod relay;
mod topology;
mod unreadable;

use crate::{Diagnostics, Scenario};

/// A small scenario that uses every table; tests change one thing in it.
const GOOD: &str = r#"schema = 1

[run]
duration = "24h"
seed = 7

[protocol]
name = "secure-vault"
params = { keys = 8, challenge = 3 }

[nodes.device]
role = "device"
count = 10
start = "uniform(0s, 10min)"

[nodes.server]
role = "server"
profile = "x86-server"

[links.access]
between = ["device", "server"]
delay = "20ms"

[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "exp(1h)"
deadline = "30s"

[adversaries.mitm]
on = "access"
powers = ["observe", "drop"]

[[adversaries.mitm.rules]]
id = "drop-final"
match = { direction = "down", message = "M4" }
action = "drop"
probability = "5%"

[output]
traces = ["sessions"]
figures = ["latency-cdf"]
"#;

fn good() -> Scenario {
    crate::read_text("s.toml", GOOD, &[]).unwrap()
}

/// Reads [`GOOD`] with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> Result<Scenario, Diagnostics> {
    assert!(GOOD.contains(from), "the good file has no {from:?}");
    crate::read_text("s.toml", &GOOD.replacen(from, to, 1), &[])
}

/// Reads [`GOOD`] with one override.
fn overridden(path: &str, value: &str) -> Result<Scenario, Diagnostics> {
    let overrides = [(path.to_owned(), value.to_owned())];
    crate::read_text("s.toml", GOOD, &overrides)
}

/// The message says all of `parts`.
#[track_caller]
fn says(read: Result<Scenario, Diagnostics>, parts: &[&str]) {
    let shown = read.expect_err("this must be refused").render(false);
    for part in parts {
        assert!(shown.contains(part), "no {part:?} in:\n{shown}");
    }
}
