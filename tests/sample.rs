//! Tables that keep a sample of the sessions: whole ones, the same in every run, and no other run.

use std::collections::BTreeSet;

use crate::determinism::BUSY;
use crate::program::{Desk, column, json, manifest, table};

fn sampled(share: &str) -> String {
    BUSY.replace("traces =", &format!("sample = \"{share}\"\ntraces ="))
}

#[test]
fn a_sample_holds_whole_sessions_and_changes_nothing_else() {
    let desk = Desk::with(BUSY);
    let all = desk.result("all", &[]);
    desk.write("scenario.toml", sampled("20%"));
    let some = desk.result("some", &[]);
    assert_eq!(
        manifest(&all)["fingerprint"],
        manifest(&some)["fingerprint"]
    );
    assert_eq!(
        json(&all.join("summary.json"))["metrics"],
        json(&some.join("summary.json"))["metrics"],
        "metrics count every session"
    );

    let sessions = |result: &std::path::Path| column(&result.join("sessions.csv"), "session");
    let (every, kept) = (sessions(&all), sessions(&some));
    let chosen: BTreeSet<&str> = kept.iter().map(String::as_str).collect();
    let expected: Vec<&String> = every
        .iter()
        .filter(|session| chosen.contains(session.as_str()))
        .collect();
    assert_eq!(
        kept.iter().collect::<Vec<_>>(),
        expected,
        "rows in the same order"
    );
    // 99.9 % of a binomial with p = 0.2 lie within 3.3 standard deviations.
    let (n, k) = (every.len() as f64, kept.len() as f64);
    assert!((k - 0.2 * n).abs() < 3.3 * (0.16 * n).sqrt(), "{k} of {n}");

    let rows_of = |result: &std::path::Path| {
        let path = result.join("messages.csv");
        let ids = column(&path, "session");
        let rows = table(&path).1;
        ids.into_iter().zip(rows).collect::<Vec<_>>()
    };
    let expected: Vec<_> = rows_of(&all)
        .into_iter()
        .filter(|(session, _)| session.is_empty() || chosen.contains(session.as_str()))
        .collect();
    assert_eq!(
        rows_of(&some),
        expected,
        "every packet of a session, or none"
    );
}

#[test]
fn another_seed_keeps_sessions_of_the_same_names() {
    let desk = Desk::with(BUSY);
    let names = |out: &str, seed: &str| -> BTreeSet<String> {
        let result = desk.result(out, &["--set", seed]);
        column(&result.join("sessions.csv"), "session")
            .into_iter()
            .collect()
    };
    let all = [names("a", "run.seed=1"), names("b", "run.seed=2")];
    desk.write("scenario.toml", sampled("20%"));
    let kept = [names("c", "run.seed=1"), names("d", "run.seed=2")];
    // What exists in both runs is kept in both or in neither.
    let of_both = |names: &BTreeSet<String>| -> BTreeSet<String> {
        let both = names
            .iter()
            .filter(|name| all.iter().all(|run| run.contains(*name)));
        both.cloned().collect()
    };
    assert!(!of_both(&kept[0]).is_empty());
    assert_eq!(of_both(&kept[0]), of_both(&kept[1]));
}

#[test]
fn a_figure_that_needs_every_session_says_so_and_others_name_the_sample() {
    let desk = Desk::with(&sampled("20%"));
    desk.result("out", &[]);
    let refused = desk.run(&["plot", "out", "--figure", "survival"]).expect(2);
    assert!(
        refused.stderr.contains("sample of the sessions"),
        "{}",
        refused.stderr
    );
    desk.run(&["plot", "out", "--figure", "latency-cdf"])
        .expect(0);
    let drawn = desk.path("out/report/figures/latency-cdf.svg");
    let svg = std::fs::read_to_string(drawn).unwrap();
    assert!(svg.contains("sample of 20% of the sessions"));
}

#[test]
fn a_sample_of_nothing_is_refused_with_its_place() {
    let desk = Desk::with(&sampled("0%"));
    let refused = desk.run(&["check", "scenario.toml"]).expect(2);
    assert!(
        refused
            .stderr
            .contains("a sample of none of the sessions keeps nothing"),
        "{}",
        refused.stderr
    );
}
