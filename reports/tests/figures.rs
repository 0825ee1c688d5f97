//! Figures of no, one, few and many data points; the pictures are left in the target directory for
//! whoever wants to look at them.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use reports::figure::{
    Figure, LatencyCdf, LatencySeries, NAMES, OutcomeTimeline, Provenance, Reference, Survival,
    SurvivalSeries, draw, from_result,
};
use reports::read::RunResult;
use reports::rows::Outcome;
use reports::rows::{Desyncs, Sessions};
use reports::statistics::survival::Lifetime;
use reports::store::{FORMAT_VERSION, Manifest, ResultKey, ResultKind, Staging};

fn provenance() -> Provenance {
    Provenance {
        scenario: "lpwan-last-message".into(),
        scenario_hash: "3f2a9c1d77e0".into(),
        seed: 20_260_101,
        complete: true,
        sample: None,
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

#[test]
fn latency_data_hold_every_step_with_its_band_and_the_marks() {
    let latencies_ns = vec![30_000_000, 10_000_000, 10_000_000, 20_000_000];
    let series = LatencySeries {
        label: "a, b".into(),
        latencies_ns,
    };
    let data = LatencyCdf::new(vec![series], 0.95).data();
    assert_eq!(
        String::from_utf8(data).unwrap(),
        "\
series,kind,latency_ns,share,band_low,band_high,low_ns,high_ns
\"a, b\",step,10000000,0.5,0,1,,
\"a, b\",step,20000000,0.75,0.0709492421,1,,
\"a, b\",step,30000000,1,0.320949242,1,,
\"a, b\",p50,10000000,0.5,,,,
\"a, b\",p95,30000000,0.95,,,20000000,
\"a, b\",p99,30000000,0.99,,,20000000,
"
    );
}

#[test]
fn outcome_data_count_every_session_once() {
    let sessions = [
        (5, Outcome::Timeout),
        (12, Outcome::Accepted),
        (79, Outcome::Accepted),
    ];
    let data = String::from_utf8(OutcomeTimeline::new(&sessions).data()).unwrap();
    let rows: Vec<&str> = data.lines().filter(|line| !line.ends_with(",0")).collect();
    assert_eq!(
        rows,
        [
            "start_ns,end_ns,outcome,sessions",
            "4,6,timeout,1",
            "12,14,accepted,1",
            "78,80,accepted,1"
        ]
    );
}

#[test]
fn an_empty_figure_is_a_small_document_that_says_why() {
    let drawing = draw(&OutcomeTimeline::new(&[]), &provenance()).unwrap();
    let elements: Vec<&str> = drawing
        .svg
        .lines()
        .filter(|line| !line.starts_with("<text"))
        .collect();
    assert_eq!(
        elements,
        [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"170mm\" height=\"109mm\" \
             viewBox=\"0 0 1400 900\">",
            "<title>How sessions ended</title>",
            "<desc>Numbers of sessions by how they ended, as stacked bars over the time at which they \
             ended.</desc>",
            "<rect x=\"0\" y=\"0\" width=\"1400\" height=\"900\" opacity=\"1\" fill=\"#FFFFFF\" \
             stroke=\"none\"/>",
            "How sessions ended",
            "</text>",
            "<rect x=\"24\" y=\"90\" width=\"1352\" height=\"680\" opacity=\"0.08\" \
             fill=\"#595959\" stroke=\"none\"/>",
            "no data",
            "</text>",
            "no session was started",
            "</text>",
            "n = 0 sessions, all counted (no interval) · seed 20260101 · scenario 3f2a9c1d",
            "</text>",
            "lpwan-last-message",
            "</text>",
            "</svg>",
        ]
    );
}

/// A picture and its data as one number: a changed picture must be looked at, then stated here. PNG
/// bytes are left out, since they also depend on the version of the compressor.
#[test]
fn pictures_change_only_on_purpose() {
    let digest = |bytes: &[u8]| {
        bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
        })
    };
    let found: Vec<(String, String)> = gallery()
        .into_iter()
        .map(|(name, figure)| {
            let drawing = draw(&*figure, &provenance()).unwrap();
            let bytes = [drawing.svg.as_bytes(), &drawing.csv].concat();
            (name, format!("{:016x}", digest(&bytes)))
        })
        .collect();
    let expected = [
        ("latency-cdf-0", "7c1bc00af343ec70"),
        ("survival-0", "cfcc596324358e0d"),
        ("outcomes-0", "59a3ec22538df030"),
        ("latency-cdf-1", "6ee22bae689c7928"),
        ("survival-1", "6e9bba8ac6f6ec53"),
        ("outcomes-1", "f6716e302fa78a3a"),
        ("latency-cdf-12", "e0fdcbaf6a0f42bf"),
        ("survival-12", "de3d5247d787bd21"),
        ("outcomes-12", "ba958ad592da9e70"),
        ("latency-cdf-5000", "13dc98fb321332e6"),
        ("survival-5000", "1bbee6958cb066d4"),
        ("outcomes-5000", "6fe77c5da3e35f40"),
        ("survival-reference", "ab28a68efa60336a"),
        ("survival-none", "56fd232160bfee45"),
        ("latency-cdf-series", "b43c446d7db4d526"),
    ];
    assert_eq!(
        found,
        expected.map(|(name, digest)| (name.to_owned(), digest.to_owned()))
    );
}

#[test]
fn an_unknown_figure_is_answered_with_the_known_ones() {
    let root = tempfile::tempdir().unwrap();
    let manifest = Manifest {
        format: FORMAT_VERSION,
        kind: ResultKind::Run,
        program: "badlink 0.1.0".into(),
        scenario: "test".into(),
        scenario_hash: "00ff".into(),
        key: ResultKey::new("a"),
        seed: 1,
        fingerprint: String::new(),
        complete: true,
        sample: None,
        virtual_ns: DAY_NS,
        counts: [].into(),
        wall_seconds: 0.0,
        cpu_seconds: None,
        events_per_second: 0.0,
        host: [].into(),
    };
    let target = root.path().join("result");
    let staging = Staging::open(&target, &manifest.key, false).unwrap();
    staging.table::<Sessions>().unwrap().finish().unwrap();
    staging.table::<Desyncs>().unwrap().finish().unwrap();
    staging.commit(&manifest).unwrap();

    let result = RunResult::open(&target).unwrap();
    for name in NAMES {
        let figure = from_result(&result, name).unwrap();
        assert_eq!(figure.name(), *name);
        let drawing = draw(&*figure, &Provenance::from(result.manifest())).unwrap();
        assert!(drawing.svg.contains("no data"), "{name}");
    }
    let Err(error) = from_result(&result, "latency") else {
        panic!("no figure has that name")
    };
    assert!(
        error
            .to_string()
            .contains("latency-cdf, survival, outcomes"),
        "{error}"
    );
}
