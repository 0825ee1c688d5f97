//! Growth with the number of devices: processor time per event, start-up, memory.
//!
//! `cargo bench -p badlink --bench scale` measures 1,000 to 1,000,000 devices of `secure-vault`, each
//! size in a process of its own (peak memory never shrinks), and 1,000,000 and 9,999,999 devices that
//! wait for their first turn. With `-- DIR` the growth is drawn into `DIR/growth.svg`, `.png` and
//! `.csv`; with `-- --quick` the largest worlds are left out.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a bench prints figures, reads clocks and stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use reports::figure::{CurvePoint, CurveSeries, Curves, Provenance, Spread, draw};
use scenarios::build::build;
use scenarios::host::tables::NoTables;
use scenarios::run::{Unwatched, drive};

#[path = "../scenarios/benches/support/mod.rs"]
mod support;

const SIZES: [usize; 7] = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
/// The second is, with the server, as many nodes as a world may have.
const IDLE: [usize; 2] = [1_000_000, 9_999_999];
/// Handshakes in all, so that small worlds run as long as large ones.
const HANDSHAKES: usize = 1_000_000;
/// Runs of each size; the best counts.
const TURNS: usize = 3;
/// The largest worlds of `--quick`, its handshakes and runs.
const QUICK: (usize, usize, usize) = (100_000, 100_000, 1);

/// Budgets: time per event of the largest world against the smallest, bytes of an idle device beyond
/// the key material of both ends, bytes of a process with a million devices.
const GROWTH_BUDGET: f64 = 2.5;
const IDLE_BUDGET: f64 = 256.0;
const MILLION_BUDGET: u64 = 1 << 30;

/// What one process measured.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    events: u64,
    nanoseconds_per_event: f64,
    startup_seconds: f64,
    /// Most memory that the process ever held.
    peak_bytes: u64,
    /// What the world takes once it is built.
    world_bytes: u64,
    /// Of that the records of all parties, which are key material: the depot's bytes.
    key_bytes: u64,
}

impl Measured {
    fn print(&self) {
        println!(
            "{} {} {} {} {} {}",
            self.events,
            self.nanoseconds_per_event,
            self.startup_seconds,
            self.peak_bytes,
            self.world_bytes,
            self.key_bytes
        );
    }

    fn parse(text: &str) -> Self {
        let numbers: Vec<f64> = text
            .split_whitespace()
            .map(|part| part.parse().unwrap())
            .collect();
        Self {
            events: numbers[0] as u64,
            nanoseconds_per_event: numbers[1],
            startup_seconds: numbers[2],
            peak_bytes: numbers[3] as u64,
            world_bytes: numbers[4] as u64,
            key_bytes: numbers[5] as u64,
        }
    }
}

/// Builds a world; with `handshakes` it also runs it, else nobody moves.
fn child(devices: usize, handshakes: usize) {
    let scenario = support::fleet(devices, handshakes.max(1), "0%", "traces = []");
    let before_bytes = support::resident_bytes();
    let begin = Instant::now();
    let built = build::<NoTables>(&scenario).unwrap();
    assert_eq!(built.world.group_of.len(), devices + 1);
    let mut measured = Measured {
        startup_seconds: begin.elapsed().as_secs_f64(),
        world_bytes: support::resident_bytes() - before_bytes,
        key_bytes: built.world.depot.size(),
        ..Measured::default()
    };
    if handshakes > 0 {
        let before = support::cpu_seconds();
        let finished = drive(&scenario, built, &mut NoTables, &mut Unwatched, |_| {}).unwrap();
        let seconds = support::cpu_seconds() - before;
        measured.events = finished.events;
        measured.nanoseconds_per_event = seconds * 1e9 / finished.events as f64;
    }
    measured.peak_bytes = support::peak_bytes();
    measured.print();
}

/// Measures in a process of its own.
fn measure(devices: usize, handshakes: usize) -> Measured {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["child", &devices.to_string(), &handshakes.to_string()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Measured::parse(&String::from_utf8(output.stdout).unwrap())
}

fn growth(points: &[(usize, Measured)], turns: usize, directory: &Path) {
    let figure = Curves {
        name: "growth".into(),
        title: "Processor time per event by size of the fleet".into(),
        x: "devices".into(),
        y: "cpu_per_event_ns".into(),
        unit: "ns".into(),
        series: vec![CurveSeries {
            label: "secure-vault".into(),
            points: points
                .iter()
                .map(|(devices, measured)| CurvePoint {
                    x: devices.to_string(),
                    value: Some(measured.nanoseconds_per_event),
                    interval: None,
                    n: turns as u64,
                })
                .collect(),
        }],
        references: vec![CurveSeries {
            label: format!("budget: {GROWTH_BUDGET} times the smallest"),
            points: points
                .iter()
                .map(|(devices, _)| CurvePoint {
                    x: devices.to_string(),
                    value: Some(GROWTH_BUDGET * points[0].1.nanoseconds_per_event),
                    interval: None,
                    n: 0,
                })
                .collect(),
        }],
        intervals: format!("best of {turns} runs, protocol code included"),
        spread: (Spread::Log, Spread::Linear),
    };
    let provenance = Provenance {
        scenario: "bench scale".into(),
        scenario_hash: String::new(),
        seed: 7,
        complete: true,
        sample: None,
    };
    let drawing = draw(&figure, &provenance).unwrap();
    std::fs::create_dir_all(directory).unwrap();
    std::fs::write(directory.join("growth.svg"), drawing.svg).unwrap();
    std::fs::write(directory.join("growth.png"), drawing.png).unwrap();
    std::fs::write(directory.join("growth.csv"), drawing.csv).unwrap();
}

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    if let [mode, devices, handshakes] = &args[..]
        && mode == "child"
    {
        return child(devices.parse().unwrap(), handshakes.parse().unwrap());
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let (largest, handshakes, turns) = if quick {
        QUICK
    } else {
        (usize::MAX, HANDSHAKES, TURNS)
    };
    println!("secure-vault, no loss, recording off; best of {turns} processes");
    println!(
        "{:>10} {:>12} {:>13} {:>10} {:>10} {:>14}",
        "devices", "events", "ns per event", "start, s", "peak, MB", "B per device"
    );
    let mut points = Vec::new();
    for devices in SIZES.into_iter().filter(|devices| *devices <= largest) {
        let each = (handshakes / devices).max(1);
        let best = (0..turns)
            .map(|_| measure(devices, each))
            .min_by(|a, b| a.nanoseconds_per_event.total_cmp(&b.nanoseconds_per_event))
            .unwrap();
        println!(
            "{devices:>10} {:>12} {:>13.0} {:>10.2} {:>10.0} {:>14.0}",
            best.events,
            best.nanoseconds_per_event,
            best.startup_seconds,
            best.peak_bytes as f64 / 1e6,
            best.peak_bytes as f64 / devices as f64
        );
        points.push((devices, best));
    }
    let (smallest, largest_point) = (points[0], points[points.len() - 1]);
    println!(
        "growth from {} to {} devices: {:.2} x ({GROWTH_BUDGET} x wanted)",
        smallest.0,
        largest_point.0,
        largest_point.1.nanoseconds_per_event / smallest.1.nanoseconds_per_event
    );
    if largest_point.0 == 1_000_000 {
        println!(
            "1000000 devices with a handshake each: {:.0} MB at the peak ({:.0} MB wanted)",
            largest_point.1.peak_bytes as f64 / 1e6,
            MILLION_BUDGET as f64 / 1e6
        );
    }
    println!("devices that wait for their first turn, bytes each:");
    println!(
        "{:>10} {:>10} {:>10} {:>8} {:>8} {:>12} {:>14}",
        "devices", "start, s", "peak, MB", "world", "keys", "beyond keys", "at the peak"
    );
    for devices in IDLE.map(|devices| devices.min(largest)) {
        idle(devices);
        if quick {
            break;
        }
    }
    if let Some(directory) = args.iter().find(|arg| !arg.starts_with("--")) {
        growth(&points, turns, &PathBuf::from(directory));
    }
}

fn idle(devices: usize) {
    let measured = measure(devices, 0);
    let each = |bytes: u64| bytes as f64 / devices as f64;
    let beyond = |bytes: u64| each(bytes) - each(measured.key_bytes);
    println!(
        "{devices:>10} {:>10.2} {:>10.0} {:>8.0} {:>8.0} {:>12.0} {:>14.0} ({IDLE_BUDGET} wanted)",
        measured.startup_seconds,
        measured.peak_bytes as f64 / 1e6,
        each(measured.world_bytes),
        each(measured.key_bytes),
        beyond(measured.world_bytes),
        beyond(measured.peak_bytes)
    );
}
