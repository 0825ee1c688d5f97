//! The workload that all programs share: N processes with one pending event each; every event draws an
//! exponential delay of mean 1 s from the process's own small generator and schedules its successor.

#[path = "../../support/clock.rs"]
mod clock;

/// Delays in nanoseconds by the upper twelve bits of a draw, so that no logarithm is timed.
#[derive(Clone)]
pub struct Delays(Vec<u64>);

impl Default for Delays {
    fn default() -> Self {
        let middle = |cell: u32| -1e9 * (1.0 - (f64::from(cell) + 0.5) / 4096.0).ln();
        Self((0..4096).map(|cell| middle(cell) as u64).collect())
    }
}

impl Delays {
    /// The delay of a draw; the lower bits keep two processes from coming due at the same instant.
    pub fn of(&self, draw: u64) -> u64 {
        self.0[(draw >> 52) as usize] + (draw & 0xFFFF) + 1
    }
}

/// One draw (SplitMix64).
pub fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Arguments of every program: pending events, events to handle.
pub fn arguments() -> (u32, u64) {
    let mut args = std::env::args().skip(1);
    let pending = args
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    let events = args
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    (pending, events)
}

/// Prints the nanoseconds per event of `run`, the best of three; it returns the events it handled.
pub fn report(mut run: impl FnMut() -> u64) {
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let before = clock::process_ns();
        let events = run();
        best = best.min((clock::process_ns() - before) as f64 / events as f64);
    }
    println!("{best:.1}");
}
