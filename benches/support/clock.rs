//! Processor time in nanoseconds, for every bench of the workspace.
//!
//! `/proc/self/stat` counts in ticks of 10 ms, and `/proc/self/schedstat` knows the main thread alone and
//! only up to the last tick; the clocks of the system know both to the nanosecond.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    dead_code,
    reason = "a bench measures real time by its nature, and each uses a part"
)]

/// Processor time of the calling thread so far, ns.
#[cfg(target_os = "linux")]
pub(crate) fn thread_ns() -> u64 {
    read(rustix::time::ClockId::ThreadCPUTime)
}

/// Processor time of all threads of this process so far, those that have ended included, ns.
#[cfg(target_os = "linux")]
pub(crate) fn process_ns() -> u64 {
    read(rustix::time::ClockId::ProcessCPUTime)
}

#[cfg(target_os = "linux")]
fn read(clock: rustix::time::ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Wall time where no such clock is known: leave the machine alone while it counts.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_ns() -> u64 {
    process_ns()
}

/// Wall time where no such clock is known: leave the machine alone while it counts.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_ns() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = START.get_or_init(std::time::Instant::now);
    start.elapsed().as_nanos() as u64
}

/// The processor time that `work` took the calling thread, ns.
pub(crate) fn measure(work: impl FnOnce()) -> u64 {
    let before = thread_ns();
    work();
    thread_ns() - before
}

/// How often each contestant runs; more for short ones, since the machine is noisy.
pub(crate) fn repeats(units: u64) -> usize {
    if units < 5_000_000 { 7 } else { 4 }
}
