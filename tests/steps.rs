//! The inner story of sessions: which are told, and what is told of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::determinism::BUSY;
use crate::program::{Desk, column, differing_files, json, manifest, table};

/// One step: t_ns, node, kind, message, detail.
type Step = (u64, String, String, String, Value);

/// The steps of each session.
fn stories(result: &Path) -> BTreeMap<String, Vec<Step>> {
    let mut stories: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for row in table(&result.join("steps.csv")).1 {
        let detail = serde_json::from_str(&row[5]).unwrap();
        let step = (
            row[0].parse().unwrap(),
            row[2].clone(),
            row[3].clone(),
            row[4].clone(),
            detail,
        );
        stories.entry(row[1].clone()).or_default().push(step);
    }
    stories
}

fn outcomes(result: &Path) -> BTreeMap<String, String> {
    let path = result.join("sessions.csv");
    column(&path, "session")
        .into_iter()
        .zip(column(&path, "outcome"))
        .collect()
}

#[test]
fn failed_and_attacked_sessions_are_told_and_no_others() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &["--set", "run.duration=15min"]);
    let stories = stories(&result);
    let failed: BTreeSet<String> = outcomes(&result)
        .into_iter()
        .filter(|(_, outcome)| outcome != "accepted")
        .map(|(session, _)| session)
        .collect();
    let messages = result.join("messages.csv");
    let attacked: BTreeSet<String> = column(&messages, "session")
        .into_iter()
        .zip(column(&messages, "rule"))
        .filter(|(session, rule)| !session.is_empty() && !rule.is_empty())
        .map(|(session, _)| session)
        .collect();
    assert!(
        !attacked.is_empty() && failed.len() < 200,
        "{} failed",
        failed.len()
    );
    let expected: BTreeSet<String> = failed.union(&attacked).cloned().collect();
    assert_eq!(stories.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for session in &attacked {
        let story = &stories[session];
        let mut acts = story
            .iter()
            .filter(|(_, _, kind, _, _)| kind == "adversary");
        let (_, node, _, message, detail) = acts.next().unwrap();
        assert_eq!((node.as_str(), message.as_str()), ("mitm", "M4"));
        assert_eq!(detail["@rule"], "mitm.drop-final");
    }
}

#[test]
fn an_honest_session_is_told_from_both_ends_with_its_fields() {
    let scenario = BUSY.replace("traces =", "steps = \"all\"\ntraces =");
    let desk = Desk::with(&scenario);
    let result = desk.result("out", &[]);
    let layouts = json(&result.join("layouts.json"));
    let fields: BTreeMap<&str, Vec<&str>> = layouts["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let fields = message["fields"].as_array().unwrap();
            let names = fields.iter().map(|field| field["name"].as_str().unwrap());
            (message["name"].as_str().unwrap(), names.collect())
        })
        .collect();
    let outcomes = outcomes(&result);
    let stories = stories(&result);
    assert_eq!(stories.len(), outcomes.len());
    let mut honest = 0;
    for (session, story) in &stories {
        assert!(story.is_sorted_by_key(|step| step.0), "{session}");
        if outcomes[session] != "accepted" {
            continue;
        }
        honest += 1;
        let kinds = |kind: &str| -> Vec<&str> {
            let of_kind = story.iter().filter(|step| step.2 == kind);
            of_kind.map(|step| step.3.as_str()).collect()
        };
        let sent = kinds("send");
        assert!(
            ["M1", "M2", "M3", "M4"]
                .iter()
                .all(|message| sent.contains(message)),
            "{sent:?}"
        );
        assert_eq!(kinds("store").len(), 2, "{session}");
        assert!(
            kinds("check").len() >= 2 && kinds("state").len() >= 4,
            "{session}"
        );
        for (_, node, kind, message, detail) in story {
            if kind == "send" || kind == "receive" {
                for field in &fields[message.as_str()] {
                    assert!(
                        !detail[field].is_null(),
                        "{node} {kind} {message}: {detail}"
                    );
                }
            }
        }
    }
    assert!(honest > 100, "{honest}");
}

#[test]
fn steps_change_no_run_and_can_be_left_out() {
    let desk = Desk::with(BUSY);
    let told = desk.result("told", &[]);
    let untold = desk.result("untold", &["--set", "output.steps=none"]);
    let text = std::fs::read_to_string(untold.join("steps.csv")).unwrap();
    assert_eq!(text, "t_ns,session,node,kind,message,detail\n");
    assert_eq!(
        manifest(&told)["fingerprint"],
        manifest(&untold)["fingerprint"]
    );
    assert_eq!(
        differing_files(&told, &untold),
        ["scenario.toml", "steps.csv"]
    );
}

#[test]
fn at_most_200_sessions_are_told_besides_those_asked_for() {
    let desk = Desk::with(BUSY);
    let failing = [
        "--set",
        "adversaries.mitm.rules.drop-final.probability=100%",
    ];
    let few = desk.result("few", &failing);
    assert_eq!(stories(&few).len(), 200);
    let asked = ["--set", "output.steps=[\"device[39]/9\", \"device[0]/1\"]"];
    let more = desk.result("more", &[&failing[..], &asked[..]].concat());
    let more = stories(&more);
    assert!(more.contains_key("device[39]/9") && more.contains_key("device[0]/1"));
    assert!((200..=202).contains(&more.len()), "{}", more.len());
}
