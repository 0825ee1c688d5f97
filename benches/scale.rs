//! Growth with the number of devices: processor time per event, start-up, memory.
//!
//! `cargo bench -p badlink --bench scale` measures 1,000 to 1,000,000 devices of `secure-vault`, each
//! size in a process of its own (peak memory never shrinks), and 10,000,000 devices that wait for
//! their first turn. With `-- DIR` the growth is drawn into `DIR/growth.svg`, `.png` and `.csv`.
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
/// With the server, as many nodes as a world may have.
const IDLE: usize = 9_999_999;
/// Handshakes in all, so that small worlds run as long as large ones.
const HANDSHAKES: usize = 1_000_000;
/// Runs of each size; the best counts.
const TURNS: usize = 3;

/// What one process measured.
#[derive(Debug)]
struct Measured {
    events: u64,
    nanoseconds_per_event: f64,
    startup_seconds: f64,
    peak_bytes: u64,
}

fn one(devices: usize) {
    let handshakes = (HANDSHAKES / devices).max(1);
    let scenario = support::fleet(devices, handshakes, "0%", "traces = []");
    let begin = Instant::now();
    let built = build::<NoTables>(&scenario).unwrap();
    let startup = begin.elapsed().as_secs_f64();
    let before = support::cpu_seconds();
    let finished = drive(&scenario, built, &mut NoTables, &mut Unwatched, |_| {}).unwrap();
    let seconds = support::cpu_seconds() - before;
    println!(
        "{} {} {startup} {}",
        finished.events,
        seconds * 1e9 / finished.events as f64,
        support::peak_bytes()
    );
}

/// Builds a world and lets nobody move.
fn idle(devices: usize) {
    let scenario = support::fleet(devices, 1, "0%", "traces = []");
    let begin = Instant::now();
    let built = build::<NoTables>(&scenario).unwrap();
    let startup = begin.elapsed().as_secs_f64();
    assert_eq!(built.world.group_of.len(), devices + 1);
    println!("0 0 {startup} {}", support::peak_bytes());
}

fn measure(mode: &str, devices: usize) -> Measured {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args([mode, &devices.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|part| part.parse().unwrap())
        .collect();
    Measured {
        events: numbers[0] as u64,
        nanoseconds_per_event: numbers[1],
        startup_seconds: numbers[2],
        peak_bytes: numbers[3] as u64,
    }
}

fn growth(points: &[(usize, Measured)], directory: &Path) {
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
                    n: TURNS as u64,
                })
                .collect(),
        }],
        references: Vec::new(),
        intervals: "best of the runs, protocol code included".into(),
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
    match &args[..] {
        [mode, devices] if mode == "one" => return one(devices.parse().unwrap()),
        [mode, devices] if mode == "idle" => return idle(devices.parse().unwrap()),
        _ => {}
    }
    println!("secure-vault, no loss, recording off; best of {TURNS} processes");
    println!(
        "{:>10} {:>12} {:>13} {:>10} {:>10} {:>14}",
        "devices", "events", "ns per event", "start, s", "peak, MB", "B per device"
    );
    let mut points = Vec::new();
    for devices in SIZES {
        let turns = (0..TURNS).map(|_| measure("one", devices));
        let best = turns
            .min_by(|a, b| a.nanoseconds_per_event.total_cmp(&b.nanoseconds_per_event))
            .unwrap();
        row(devices, &best);
        points.push((devices, best));
    }
    row(IDLE, &measure("idle", IDLE));
    let ratio = points.last().unwrap().1.nanoseconds_per_event / points[0].1.nanoseconds_per_event;
    println!(
        "growth from {} to {} devices: {ratio:.2} x",
        SIZES[0],
        SIZES[SIZES.len() - 1]
    );
    if let [directory] = &args[..] {
        growth(&points, &PathBuf::from(directory));
    }
}

fn row(devices: usize, measured: &Measured) {
    println!(
        "{devices:>10} {:>12} {:>13.0} {:>10.2} {:>10.0} {:>14.0}",
        measured.events,
        measured.nanoseconds_per_event,
        measured.startup_seconds,
        measured.peak_bytes as f64 / 1e6,
        measured.peak_bytes as f64 / devices as f64
    );
}
