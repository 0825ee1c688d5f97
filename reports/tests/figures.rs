//! Figures of no, one, few and many data points; the pictures are left in the target directory for
//! whoever wants to look at them.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use reports::figure::{
    Figure, LatencyCdf, LatencySeries, OutcomeTimeline, Provenance, Reference, Survival,
    SurvivalSeries, draw,
};
use reports::rows::Outcome;
use reports::statistics::survival::Lifetime;

fn provenance() -> Provenance {
    Provenance {
        scenario: "lpwan-last-message".into(),
        scenario_hash: "3f2a9c1d77e0".into(),
        seed: 20_260_101,
        complete: true,
    }
}

/// Numbers that look random, the same on every machine.
fn scrambled(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|k| k.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29) % 1_000_003)
}

fn latencies_ns(count: u64) -> impl Iterator<Item = u64> {
    scrambled(count).map(|draw| {
        let share = (draw as f64 + 0.5) / 1_000_003.0;
        (180e6 * libm::pow(share / (1.0 - share), 0.3)) as u64
    })
}

fn latency_cdf(count: u64) -> LatencyCdf {
    let latencies_ns = latencies_ns(count).collect();
    let series = LatencySeries {
        label: "as-published".into(),
        latencies_ns,
    };
    LatencyCdf::new(vec![series], 0.95)
}

const DAY_NS: u64 = 86_400_000_000_000;

fn survival(devices: u64, rate_per_day: f64) -> Survival {
    let lifetimes = scrambled(devices).map(|draw| {
        let share = (draw as f64 + 0.5) / 1_000_003.0;
        let days = -libm::log(share) / rate_per_day;
        let event = days < 30.0;
        Lifetime {
            time_ns: (days.min(30.0) * DAY_NS as f64) as u64,
            event,
        }
    });
    let series = SurvivalSeries {
        label: "simulated".into(),
        lifetimes: lifetimes.collect(),
    };
    Survival::new(vec![series], 30 * DAY_NS, 0.95)
}

fn outcomes(count: u64) -> OutcomeTimeline {
    let sessions: Vec<(u64, Outcome)> = scrambled(count)
        .enumerate()
        .map(|(index, draw)| {
            let outcome = match draw % 100 {
                0..80 => Outcome::Accepted,
                80..90 => Outcome::Timeout,
                90..94 => Outcome::Rejected,
                94..96 => Outcome::Aborted,
                96..99 => Outcome::HalfOpen,
                _ => Outcome::Mismatch,
            };
            (draw * (index as u64 % 7 + 1) * 12_000_000, outcome)
        })
        .collect();
    OutcomeTimeline::new(&sessions)
}

/// Every figure with no, one, few and many data points, with a name for each.
fn gallery() -> Vec<(String, Box<dyn Figure>)> {
    let mut gallery: Vec<(String, Box<dyn Figure>)> = Vec::new();
    for count in [0, 1, 12, 5_000] {
        gallery.push((format!("latency-cdf-{count}"), Box::new(latency_cdf(count))));
        gallery.push((format!("survival-{count}"), Box::new(survival(count, 0.03))));
        gallery.push((format!("outcomes-{count}"), Box::new(outcomes(count))));
    }
    let rate = 0.002;
    let points = (0..=60).map(|half| (half * DAY_NS / 2, libm::exp(-rate * half as f64 / 2.0)));
    let reference = Reference {
        label: "exp(−λt), λ = 0.002/d".into(),
        points: points.collect(),
    };
    let rare = survival(1000, rate).with_reference(reference);
    gallery.push(("survival-reference".into(), Box::new(rare)));
    gallery.push(("survival-none".into(), Box::new(survival(100, 1e-9))));
    let series = [
        (4_000, 1.0, "as-published"),
        (4_000, 2.5, "literal"),
        (400, 0.2, "hardened"),
    ];
    let series = series.map(|(count, factor, label)| LatencySeries {
        label: label.into(),
        latencies_ns: latencies_ns(count)
            .map(|ns| (ns as f64 * factor) as u64)
            .collect(),
    });
    gallery.push((
        "latency-cdf-series".into(),
        Box::new(LatencyCdf::new(series.into(), 0.95)),
    ));
    gallery
}

#[test]
fn every_figure_is_drawn_the_same_twice_and_says_what_it_shows() {
    for (name, figure) in gallery() {
        let drawing = draw(&*figure, &provenance()).unwrap();
        assert_eq!(drawing, draw(&*figure, &provenance()).unwrap(), "{name}");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("figures")
            .join(&name);
        drawing.write(&folder).unwrap();
        let svg = &drawing.svg;
        assert_eq!(
            fs::read_to_string(folder.join(figure.name()).with_extension("svg")).unwrap(),
            *svg
        );
        assert!(svg.contains("role=\"img\""), "{name}");
        assert!(
            svg.contains(&format!("<title>{}</title>", figure.title())),
            "{name}"
        );
        assert!(svg.contains("<desc>"), "{name}");
        assert!(
            svg.contains("3f2a9c1d") && svg.contains("20260101"),
            "{name}: no provenance"
        );
        assert!(drawing.png.starts_with(b"\x89PNG"), "{name}");
        assert_eq!(svg.contains("no data"), name.ends_with("-0"), "{name}");
    }
}
