//! No text makes the reader panic, and nothing is refused without a message.

use proptest::prelude::*;

use super::GOOD;

/// A change of a text; positions are taken modulo what there is.
#[derive(Clone, Debug)]
enum Change {
    Remove(usize, usize),
    Insert(usize, String),
    Swap(usize, usize),
    Repeat(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("[".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("=".to_owned()),
        Just(".".to_owned()),
        Just("\n".to_owned()),
        Just("\n[nodes.x]\n".to_owned()),
        Just("-1".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("1e400".to_owned()),
        Just("nan".to_owned()),
        Just("exp(".to_owned()),
        Just("€".to_owned()),
        Just("{ up = 1 }".to_owned()),
        ".{0,6}",
    ];
    prop_oneof![
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<usize>(), piece).prop_map(|(at, text)| Change::Insert(at, text)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Change::Swap(a, b)),
        any::<usize>().prop_map(Change::Repeat),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.lines().collect();
    match change {
        Change::Remove(at, length) if !chars.is_empty() => {
            let at = at % chars.len();
            let end = (at + length).min(chars.len());
            chars.drain(at..end);
            chars.into_iter().collect()
        }
        Change::Insert(at, piece) => {
            let at = at % (chars.len() + 1);
            chars.splice(at..at, piece.chars());
            chars.into_iter().collect()
        }
        Change::Swap(a, b) if !lines.is_empty() => {
            let (a, b) = (a % lines.len(), b % lines.len());
            lines.swap(a, b);
            lines.join("\n")
        }
        Change::Repeat(at) if !lines.is_empty() => {
            let at = at % lines.len();
            lines.insert(at, lines[at]);
            lines.join("\n")
        }
        _ => text.to_owned(),
    }
}

/// Reads it and renders what is wrong.
fn settle(text: &str, overrides: &[(String, String)]) {
    if let Err(error) = crate::read_text("s.toml", text, overrides) {
        assert!(error.count() > 0, "refused without a message:\n{text}");
        assert!(error.render(false).contains("error"));
        assert!(error.render(true).contains("error"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_files_never_panic(changes in prop::collection::vec(change(), 1..5)) {
        let text = changes.iter().fold(GOOD.to_owned(), |text, change| apply(&text, change));
        settle(&text, &[]);
    }

    #[test]
    fn overrides_never_panic(path in "[a-z.\"_0-9-]{0,20}", value in ".{0,20}") {
        settle(GOOD, &[(path, value)]);
    }

    #[test]
    fn values_at_real_paths_never_panic(
        path in prop::sample::select(vec![
            "run.duration", "run.seed", "run.epoch", "protocol.params", "protocol.params.keys",
            "nodes.device.count", "nodes.device.clock", "nodes.device.start", "links.access.loss",
            "links.access.queue", "links.access.between", "workload.reauth.every",
            "workload.reauth.do", "workload.reauth.retry", "workload.reauth.reprovision", "workload.reauth.to",
            "adversaries.mitm.rules", "adversaries.mitm.powers", "output.traces", "schema",
        ]),
        value in prop_oneof![
            "[-0-9.e_]{1,8}(ns|s|h|d|%|B|bps)?",
            "(exp|uniform|normal|gamma|weibull|pareto)\\([-0-9a-z=,. ]{0,16}\\)",
            "[\\[{]?[\"a-z0-9, =.]{0,20}[\\]}]?",
        ],
    ) {
        settle(GOOD, &[(path.to_owned(), value)]);
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}") {
        settle(&text, &[]);
    }
}
