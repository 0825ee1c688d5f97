//! CPU time of the calling thread, and the best of interleaved repeats.

// A benchmark measures real time by its nature; nothing of it reaches a simulation.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use std::fs;
use std::time::Instant;

/// Nanoseconds of CPU time so far, or of wall time where the system does not tell.
fn now_ns(start: Instant) -> u64 {
    let on_cpu = fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    on_cpu.unwrap_or_else(|| start.elapsed().as_nanos() as u64)
}

/// The CPU time that `work` took.
pub(crate) fn measure(work: impl FnOnce()) -> u64 {
    let start = Instant::now();
    let before = now_ns(start);
    work();
    now_ns(start) - before
}

/// How often each contestant runs; more for short ones, since the machine is noisy.
pub(crate) fn repeats(units: u64) -> usize {
    if units < 5_000_000 { 7 } else { 4 }
}
