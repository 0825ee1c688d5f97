//! What a run leaves on disk: every file, every column, and what a second run does with them.

use std::fs;

use crate::determinism::BUSY;
use crate::program::{Desk, column, json, manifest, names, table};

/// Files of a run and the columns that the tables begin with.
const COLUMNS: [(&str, &str); 11] = [
    (
        "sessions.csv",
        "session,device,server,attempt,started_ns,ended_ns,outcome,reason,messages,bytes,latency_ns,phase,request,try",
    ),
    (
        "messages.csv",
        "packet,sent_ns,arrived_ns,link,from,to,message,session,bytes,fate,rule",
    ),
    (
        "nodes.csv",
        "node,role,attempts,accepted,arrivals,drops,mean_wait_ns,mean_sojourn_ns,mean_in_system,utilisation,cpu_ns,energy_nj,durable_writes",
    ),
    (
        "links.csv",
        "link,direction,arrivals,drops,mean_wait_ns,mean_sojourn_ns,mean_in_system,utilisation",
    ),
    ("steps.csv", "t_ns,session,node,kind,message,detail"),
    (
        "faults.csv",
        "t_ns,fault,effect,moment,node,link,session,span_ns",
    ),
    (
        "costs.csv",
        "protocol,variant,role,phase,operation,count,bytes",
    ),
    ("desync.csv", ""),
    ("attacks.csv", ""),
    ("dictionary.csv", ""),
    ("report/figures/survival.csv", ""),
];

const OTHER_FILES: [&str; 4] = [
    "manifest.json",
    "scenario.toml",
    "summary.json",
    "layouts.json",
];

#[test]
fn a_run_leaves_every_file_and_every_table_begins_with_its_fixed_columns() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let mut expected: Vec<&str> = COLUMNS
        .iter()
        .map(|(name, _)| *name)
        .chain(OTHER_FILES)
        .collect();
    expected.retain(|name| !name.contains('/'));
    expected.push("report");
    expected.sort_unstable();
    assert_eq!(names(&result), expected);
    for (file, fixed) in COLUMNS {
        let header = table(&result.join(file)).0.join(",");
        assert!(header.starts_with(fixed), "{file}: {header}");
    }
}

#[test]
fn the_dictionary_explains_every_column_of_every_table_and_no_other() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let (header, rows) = table(&result.join("dictionary.csv"));
    assert_eq!(header[..2], ["file", "column"]);
    assert!(
        rows.iter()
            .all(|row| row.iter().all(|cell| !cell.is_empty()))
    );
    let mut explained: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row[0], row[1]))
        .collect();
    let mut present = Vec::new();
    for file in names(&result)
        .into_iter()
        .filter(|name| name.ends_with(".csv"))
    {
        present.extend(
            table(&result.join(&file))
                .0
                .into_iter()
                .map(|column| format!("{file} {column}")),
        );
    }
    explained.sort();
    present.sort();
    explained.retain(|entry| !entry.starts_with("dictionary.csv"));
    present.retain(|entry| !entry.starts_with("dictionary.csv"));
    assert_eq!(explained, present);
}

#[test]
fn the_tables_of_a_run_agree_with_each_other() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let sessions = result.join("sessions.csv");
    let attempts = column(&sessions, "outcome");
    let numbers = |name: &str, column_name: &str| -> u64 {
        let cells = column(&result.join(name), column_name);
        cells.iter().map(|cell| cell.parse::<u64>().unwrap()).sum()
    };
    assert_eq!(numbers("nodes.csv", "attempts"), attempts.len() as u64);
    let accepted = attempts
        .iter()
        .filter(|outcome| *outcome == "accepted")
        .count() as u64;
    assert_eq!(numbers("nodes.csv", "accepted"), accepted);
    let latencies = column(&sessions, "latency_ns")
        .iter()
        .filter(|cell| !cell.is_empty())
        .count();
    assert_eq!(
        latencies as u64, accepted,
        "a latency where accepted and nowhere else"
    );
    let fates = column(&result.join("messages.csv"), "fate");
    let of = |fate: &str| fates.iter().filter(|word| *word == fate).count() as u64;
    assert_eq!(numbers("links.csv", "lost"), of("lost"));
    // Rows about properties repeat what the adversary did in all.
    let attacks = result.join("attacks.csv");
    let rules = column(&attacks, "rule").into_iter();
    let actions = rules.zip(column(&attacks, "actions"));
    let actions = actions.filter(|(rule, _)| !rule.is_empty());
    let actions: u64 = actions.map(|(_, cell)| cell.parse::<u64>().unwrap()).sum();
    assert_eq!(actions, of("adversary-drop"));
    assert_eq!(numbers("nodes.csv", "arrivals"), of("delivered"));
    // END of an earlier session belongs to no attempt.
    let messages = result.join("messages.csv");
    let sizes = column(&messages, "bytes")
        .into_iter()
        .zip(column(&messages, "session"));
    let tagged = sizes.filter(|(_, session)| !session.is_empty());
    let tagged: u64 = tagged.map(|(bytes, _)| bytes.parse::<u64>().unwrap()).sum();
    assert_eq!(numbers("sessions.csv", "bytes"), tagged);
    let summary = json(&result.join("summary.json"));
    let metrics = summary["metrics"].as_array().unwrap();
    let metric = |name: &str| {
        metrics
            .iter()
            .find(|metric| metric["name"] == name)
            .unwrap()
    };
    assert_eq!(metric("attempts")["value"], attempts.len());
    let permanent = column(&result.join("desync.csv"), "kind")
        .iter()
        .filter(|kind| *kind == "permanent")
        .count();
    let rate = metric("desync_rate")["value"].as_f64().unwrap();
    #[allow(clippy::cast_precision_loss, reason = "a count of devices")]
    let expected = permanent as f64 / 40.0;
    assert!((rate - expected).abs() < 1e-9);
}

#[test]
fn a_packet_that_the_adversary_dropped_names_the_rule() {
    let desk = Desk::with(BUSY);
    let messages = desk.result("out", &[]).join("messages.csv");
    let (fates, rules) = (column(&messages, "fate"), column(&messages, "rule"));
    let dropped = fates
        .iter()
        .zip(&rules)
        .filter(|(fate, _)| *fate == "adversary-drop");
    let dropped: Vec<&str> = dropped.map(|(_, rule)| rule.as_str()).collect();
    assert!(
        dropped.len() > 5 && dropped.iter().all(|rule| *rule == "mitm.drop-final"),
        "{dropped:?}"
    );
}

#[test]
fn rows_stand_in_the_order_in_which_things_ended() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let times = column(&result.join("sessions.csv"), "ended_ns");
    let times: Vec<u64> = times.iter().map(|cell| cell.parse().unwrap()).collect();
    assert!(times.is_sorted());
}

#[test]
fn the_stored_scenario_gives_the_same_run_again_overrides_included() {
    let desk = Desk::with(BUSY);
    let sets = [
        "--set",
        "nodes.device.count=10",
        "--set",
        "links.access.loss=5%",
        "--seed",
        "9",
        "--set",
        "adversaries.mitm.rules.drop-final.probability=\"50%\"",
    ];
    let result = desk.result("out", &sets);
    fs::copy(result.join("scenario.toml"), desk.path("again.toml")).unwrap();
    desk.run(&["run", "again.toml", "--quiet", "--out", "again"])
        .expect(0);
    for file in ["sessions.csv", "messages.csv", "desync.csv", "summary.json"] {
        let read = |folder: &str| fs::read_to_string(desk.path(folder).join(file)).unwrap();
        assert_eq!(read("out"), read("again"), "{file}");
    }
}

#[test]
fn the_same_run_again_says_identical_and_changes_nothing() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let before = fs::read(result.join("manifest.json")).unwrap();
    let again = desk
        .run(&["run", "scenario.toml", "--out", "out"])
        .expect(0);
    assert!(again.stdout.contains("identical"), "{}", again.stdout);
    assert_eq!(fs::read(result.join("manifest.json")).unwrap(), before);
    assert_eq!(desk.names(), ["out", "scenario.toml"]);
}

#[test]
fn a_result_that_was_tampered_with_is_told_and_kept() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let nodes = result.join("nodes.csv");
    let text =
        fs::read_to_string(&nodes)
            .unwrap()
            .replacen("device[3],device", "device[3],server", 1);
    fs::write(&nodes, &text).unwrap();
    let again = desk
        .run(&["run", "scenario.toml", "--out", "out", "--quiet"])
        .expect(4);
    assert!(
        again.stderr.contains("nodes.csv, line 5"),
        "{}",
        again.stderr
    );
    assert_eq!(fs::read_to_string(&nodes).unwrap(), text, "both are kept");
    assert_eq!(desk.names().len(), 3, "{:?}", desk.names());
}

#[test]
fn another_key_is_refused_and_replaced_only_by_force() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let other = [
        "run",
        "scenario.toml",
        "--quiet",
        "--out",
        "out",
        "--seed",
        "8",
    ];
    let refused = desk.run(&other).expect(2);
    assert!(
        refused.stderr.contains("holds another result"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(manifest(&result)["seed"], 7);
    desk.run(&[&other[..], &["--force"]].concat()).expect(0);
    assert_eq!(manifest(&result)["seed"], 8);
    assert_eq!(desk.names(), ["out", "scenario.toml"]);
}

#[test]
fn the_result_stands_in_results_under_the_name_of_the_scenario_by_default() {
    let desk = Desk::with(BUSY);
    let ran = desk.run(&["run", "scenario.toml"]).expect(0);
    assert!(
        ran.stdout.contains("result in results/busy"),
        "{}",
        ran.stdout
    );
    assert_eq!(names(&desk.path("results")), ["busy"]);
    assert_eq!(ran.stderr, "", "messages are for when something is wrong");
}

#[test]
fn only_the_manifest_knows_the_wall_clock() {
    let desk = Desk::with(BUSY);
    let result = desk.result("out", &[]);
    let manifest = manifest(&result);
    for name in [
        "wall_seconds",
        "events_per_second",
        "fingerprint",
        "scenario_hash",
        "program",
        "counts",
    ] {
        assert!(!manifest[name].is_null(), "{name}");
    }
    assert_eq!(manifest["complete"], true);
    let summary = fs::read_to_string(result.join("summary.json")).unwrap();
    assert!(!summary.contains("wall") && !summary.contains("per_second"));
}
