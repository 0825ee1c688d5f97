//! Figures of several tables, with data made up here: what they say, and that they change only on
//! purpose.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use reports::figure::{
    BarRow, Cell, CellState, CurvePoint, CurveSeries, Curves, Figure, Grid, Panel, Provenance,
    RowStyle, Rows, Sequence, Spread, Timeline, TimelineLane, draw,
};
use reports::read::story::{Story, StoryStep};
use reports::rows::{Outcome, StepKind};

fn provenance() -> Provenance {
    Provenance {
        scenario: "pictures".into(),
        scenario_hash: "3f2a9c1d77e0".into(),
        seed: 7,
        complete: true,
        sample: None,
    }
}

fn step(t_ns: u64, node: &str, kind: StepKind, message: &str, detail: &str) -> StoryStep {
    StoryStep {
        t_ns,
        node: node.into(),
        kind,
        message: message.into(),
        detail: detail.into(),
    }
}

fn story() -> Story {
    let to = |peer: &str, packet: &str, fate: &str| {
        format!(r#"{{"tag":1,"@to":"{peer}","@packet":"{packet}","@fate":"{fate}"}}"#)
    };
    Story {
        session: "device[0]/3".into(),
        steps: vec![
            step(
                1_000_000,
                "device[0]",
                StepKind::State,
                "",
                r#"{"from":"IDLE","to":"WAIT_M2"}"#,
            ),
            step(
                1_000_000,
                "device[0]",
                StepKind::Send,
                "M1",
                &to("server[0]", "p0", "delivered"),
            ),
            step(
                21_000_000,
                "server[0]",
                StepKind::Receive,
                "M1",
                r#"{"tag":1,"@from":"device[0]","@packet":"p0"}"#,
            ),
            step(
                22_000_000,
                "server[0]",
                StepKind::Send,
                "M2",
                &to("device[0]", "p1", "lost"),
            ),
            step(
                500_000_000,
                "server[0]",
                StepKind::Send,
                "M2",
                &to("device[0]", "p2", "adversary-drop"),
            ),
            step(
                510_000_000,
                "mitm",
                StepKind::Adversary,
                "M2",
                r#"{"@rule":"mitm.cut","@packet":"p2","@fate":"adversary-drop"}"#,
            ),
            step(
                511_000_000,
                "mitm",
                StepKind::Adversary,
                "M2",
                r#"{"@rule":"mitm.forge","@packet":"p3","@fate":"injected"}"#,
            ),
            step(
                520_000_000,
                "device[0]",
                StepKind::Receive,
                "M2",
                r#"{"@from":"server[0]","@packet":"p3"}"#,
            ),
            step(
                520_000_000,
                "device[0]",
                StepKind::Check,
                "",
                r#"{"passed":false,"reason":"bad <mac> & more"}"#,
            ),
        ],
    }
}

fn curves(spread: Spread) -> Curves {
    let point = |x: &str, value: Option<f64>, half: f64| CurvePoint {
        x: x.into(),
        value,
        interval: value.map(|value| ((value - half).max(0.0), value + half)),
        n: 30,
    };
    let series = |label: &str, scale: f64| CurveSeries {
        label: label.into(),
        points: vec![
            point("0%", Some(0.0), 0.02),
            point("1%", Some(0.05 * scale), 0.02),
            point("10%", Some(0.4 * scale), 0.03),
            point("100%", if scale < 1.0 { None } else { Some(1.0) }, 0.01),
        ],
    };
    Curves {
        name: "desync-vs".into(),
        title: "desync rate by loss".into(),
        x: "loss".into(),
        y: "desync_rate".into(),
        unit: "share".into(),
        series: vec![series("as-published", 1.0), series("hardened", 0.0)],
        references: vec![series("1 − (1 − p)^n", 1.0)],
        intervals: "95% intervals (Wilson)".into(),
        spread: (Spread::Automatic, spread),
    }
}

fn grid() -> Grid {
    let cell = |state, word: &str, text: &str| {
        Some(Cell {
            state,
            word: word.into(),
            text: text.into(),
            detail: text.into(),
            marked: state == CellState::Bad,
        })
    };
    Grid {
        name: "attack-matrix".into(),
        title: "Attacks".into(),
        row_title: "attack · property".into(),
        column_title: "variant".into(),
        rows: vec!["replay · agreement".into(), "drop · desync".into()],
        columns: vec!["as-published".into(), "hardened".into(), "literal".into()],
        cells: vec![
            vec![
                cell(CellState::Good, "resisted", "0/20"),
                cell(CellState::Good, "resisted", "0/20"),
                None,
            ],
            vec![
                cell(CellState::Bad, "broken", "20/20"),
                cell(CellState::Middling, "degraded", "3/20"),
                cell(CellState::Untested, "not-tested", "0/20"),
            ],
        ],
        mark_meaning: "the authors claim resistance".into(),
        caption: "n = 20 trials in each cell".into(),
    }
}

fn rows() -> Rows {
    let row = |group: &str, label: &str, value: Option<f64>, interval, kind| BarRow {
        group: group.into(),
        label: label.into(),
        value,
        interval,
        kind,
        flagged: false,
    };
    let panel = |title: &str, unit: &str, style, spread, rows| Panel {
        title: title.into(),
        unit: unit.into(),
        rows,
        lines: Vec::new(),
        style,
        spread,
    };
    Rows {
        name: "costs".into(),
        title: "What a session costs".into(),
        about: "Bars.".into(),
        panels: vec![
            panel(
                "time",
                "ns",
                RowStyle::Bar,
                Spread::Linear,
                vec![
                    row("", "device", Some(2.5e6), Some((1.2e6, 5e6)), 0),
                    row("", "server", Some(2e4), None, 1),
                ],
            ),
            panel(
                "operations",
                "count",
                RowStyle::Bar,
                Spread::Log,
                vec![
                    row("device", "hash", Some(0.5), None, 0),
                    row("device", "cipher", Some(40.0), None, 0),
                ],
            ),
            panel(
                "nothing",
                "nJ",
                RowStyle::Bar,
                Spread::Linear,
                vec![row("", "device", None, None, 0)],
            ),
        ],
        caption: "n = 3 successes".into(),
    }
}

fn timeline() -> Timeline {
    let lanes = vec![
        TimelineLane {
            name: "mitm".into(),
            adversary: true,
            deeds: vec![(5_000_000_000, "mitm.cut".into())],
            ..TimelineLane::default()
        },
        TimelineLane {
            name: "device[0]".into(),
            spans: vec![(5_000_000_000, None, "permanent".into())],
            sessions: vec![
                (5_000_000_000, Outcome::HalfOpen),
                (40_000_000_000, Outcome::Rejected),
            ],
            ..TimelineLane::default()
        },
        TimelineLane {
            name: "device[1]".into(),
            ..TimelineLane::default()
        },
    ];
    Timeline::new(lanes, 60_000_000_000, 4)
}

fn gallery() -> Vec<(&'static str, Box<dyn Figure>)> {
    vec![
        ("sequence", Box::new(Sequence::new(story(), "timeout"))),
        ("curves", Box::new(curves(Spread::Linear))),
        ("curves-log", Box::new(curves(Spread::Log))),
        ("grid", Box::new(grid())),
        ("rows", Box::new(rows())),
        ("timeline", Box::new(timeline())),
    ]
}

#[test]
fn every_picture_says_what_it_shows() {
    let expected: [(&str, &[&str]); 6] = [
        (
            "sequence",
            &[
                "Session device[0]/3: timeout",
                "refuses: bad &lt;mac&gt; &amp; more",
                "M2: lost",
                "drops M2 (cut)",
            ],
        ),
        (
            "curves",
            &[
                "as-published",
                "1 − (1 − p)^n",
                "loss (share)",
                "1 point without a value",
            ],
        ),
        (
            "curves-log",
            &["values of 0: arrows end at the upper bound"],
        ),
        (
            "grid",
            &["not run", "20/20", "dot: the authors claim resistance"],
        ),
        ("rows", &["2.5 ms", "no data: nothing"]),
        ("timeline", &["out of step", "n = 2 of 6 devices"]),
    ];
    for ((name, figure), (same, parts)) in gallery().into_iter().zip(expected) {
        assert_eq!(name, same);
        let drawing = draw(&*figure, &provenance()).unwrap();
        let text = format!("{}{}", drawing.svg, drawing.caption);
        for part in parts
            .iter()
            .chain(&["seed 7", "scenario 3f2a9c1d", "<title>", "<desc>"])
        {
            assert!(text.contains(part), "{name}: {part}");
        }
        // Left there for whoever wants to look at them.
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
        drawing.write(&place.join(name)).unwrap();
        assert!(drawing.csv.len() > 60, "{name}");
        let again = draw(&*figure, &provenance()).unwrap();
        assert!(drawing == again, "{name} differs between two drawings");
    }
}

/// As for the other figures: a changed picture must be looked at, then stated here.
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
            (name.to_owned(), format!("{:016x}", digest(&bytes)))
        })
        .collect();
    let expected = [
        ("sequence", "429ab0b26ef1b078"),
        ("curves", "3f6e514e3988fbcb"),
        ("curves-log", "977d82aaccdad81c"),
        ("grid", "9d6c12a6cc513f39"),
        ("rows", "3fb72d7b54747e50"),
        ("timeline", "bafdbbfa0a308be6"),
    ];
    assert_eq!(
        found,
        expected.map(|(name, digest)| (name.to_owned(), digest.to_owned()))
    );
}
