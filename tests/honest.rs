//! Honest runs: without an attacker all seven oracles are silent, on every protocol and variant.

use std::collections::{BTreeMap, BTreeSet};

use scenarios::build::build;
use scenarios::host::attempt::Outcome;
use scenarios::host::tables::NoTables;
use scenarios::matrix::{Cell, Selection, plan};
use scenarios::oracle::EpisodeKind;
use scenarios::reader::read_text;
use scenarios::run::{Finished, Unwatched, drive};
use scenarios::scenario::Scenario;

/// Runs with every oracle watching.
fn watched(scenario: &Scenario) -> Finished<NoTables> {
    let mut built = build(scenario).unwrap_or_else(|error| panic!("{}", error.render(false)));
    built.world.watch.on = true;
    drive(scenario, built, &mut NoTables, &mut Unwatched, |_| {}).expect("the engine goes on")
}

/// What no loss and no fault may bring about: violated agreement and integrity, different keys, claims
/// and guesses of nobody.
#[track_caller]
fn assert_truthful(name: &str, finished: &Finished<NoTables>) {
    let world = &finished.world;
    assert_eq!(
        world.agreement.violations(),
        0,
        "{name}: agreement {:?}",
        world.agreement.first()
    );
    assert_eq!(
        finished.tally.of(Outcome::Mismatch),
        0,
        "{name}: different keys"
    );
    let integrity = &world.watch.integrity;
    assert_eq!(
        integrity.violations(),
        0,
        "{name}: integrity {:?}",
        integrity.first()
    );
    assert_eq!(world.watch.secrecy.book(0).claims, 0, "{name}: secrecy");
    assert!(world.watch.anonymity.is_empty(), "{name}: anonymity");
}

/// Nothing fails either: availability, lock-out and desynchronisation. The prototypes (`literal`) refuse
/// each other's sessions now and then, at one end or both, which is no oracle's business, and that of
/// `vault-exchange` serves so many sessions and no more.
fn assert_clean(name: &str, finished: &Finished<NoTables>, complaints: &mut Vec<String>) {
    assert_truthful(name, finished);
    let tally = &finished.tally;
    let prototype = name.contains(" literal ");
    let ends = name.starts_with("vault-exchange literal ");
    let mut wants = |what: &str, found: u64| {
        if found > 0 {
            complaints.push(format!("{name}: {what}: {found}"));
        }
    };
    wants("acceptances of no attempt", tally.stray_acceptances);
    if !prototype {
        wants("half-open", tally.of(Outcome::HalfOpen));
        wants("rejected", tally.of(Outcome::Rejected));
        wants("timeout", tally.of(Outcome::Timeout));
    }
    let done = tally.of(Outcome::Accepted) + tally.of(Outcome::Completed);
    wants("nothing happens", u64::from(done == 0));
    let watch = &finished.world.watch;
    wants("availability", watch.availability.failed());
    if !ends {
        wants("lock-out", watch.lock_out.locked().len() as u64);
    }
    for relation in &finished.world.relations {
        let lasting = relation.oracle.closed().iter();
        let lasting = lasting.filter(|episode| episode.kind != EpisodeKind::Transient);
        wants("desync", lasting.count() as u64);
    }
}

/// The scenario of a cell without its attacker, over ten minutes.
fn peaceful(cell: &Cell) -> Option<String> {
    let (_, text) = cell.scenario(0).ok()?;
    let start = text.find("\n[adversaries.eve]")?;
    let end = text.find("\n[output]")?;
    Some(format!("{}{}", &text[..start], &text[end..]))
}

#[test]
fn every_protocol_and_variant_is_clean_on_links_that_lose_nothing() {
    let cells = plan(&Selection::default()).unwrap();
    let mut complaints = Vec::new();
    let mut seen: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| !cell.control) {
        let stages = seen
            .entry((cell.protocol.name(), cell.variant))
            .or_default();
        let Some(text) = peaceful(cell) else { continue };
        // Names and comments apart, most attacks are tried on the same stage.
        let stage = text.split("[run]").nth(1).unwrap_or("").to_owned();
        if stages.len() >= 3 || !stages.insert(stage) {
            continue;
        }
        let short = [("run.duration".to_owned(), "\"10min\"".to_owned())];
        let scenario = read_text("honest.toml", &text, &short);
        let scenario = scenario.unwrap_or_else(|error| panic!("{}", error.render(false)));
        let (protocol, variant) = (cell.protocol.name(), cell.variant);
        let name = format!("{protocol} {variant} (stage of {})", cell.spec.id);
        assert_clean(&name, &watched(&scenario), &mut complaints);
    }
    assert!(seen.len() >= 15, "five protocols with three variants each");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The same over streams and over exchanges of CoAP: what carries the messages is no attacker either.
#[test]
fn every_protocol_and_variant_is_clean_over_every_transport() {
    let cells = plan(&Selection::default()).unwrap();
    let (mut complaints, mut ran) = (Vec::new(), 0);
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for cell in cells.iter().filter(|cell| !cell.control) {
        let (protocol, variant) = (cell.protocol.name(), cell.variant);
        let Some(text) = peaceful(cell).filter(|_| seen.insert((protocol, variant))) else {
            continue;
        };
        for transport in ["stream", "confirmable"] {
            let carried = text.replace(
                "\ndelay = ",
                &format!("\ntransport = \"{transport}\"\ndelay = "),
            );
            let short = [("run.duration".to_owned(), "\"10min\"".to_owned())];
            // Secure links and broadcasts have no connections; `ratchet` opens streams and nothing else.
            let Ok(scenario) = read_text("honest.toml", &carried, &short) else {
                continue;
            };
            ran += 1;
            let name = format!(
                "{protocol} {variant} over {transport} (stage of {})",
                cell.spec.id
            );
            assert_clean(&name, &watched(&scenario), &mut complaints);
        }
    }
    assert!(ran >= 15, "{ran} ran");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What a scenario says where sessions may fail without anybody's intent.
const ROUGH: [&str; 15] = [
    "loss",
    "preset",
    "medium",
    "[faults",
    "queue",
    "clock",
    "corrupt",
    "mtu",
    "outage",
    "profile",
    "backlog",
    "change-password",
    "rate",
    "transport",
    "literal",
];

/// Losses and faults of the library's scenarios part what is shared and let sessions fail, and never
/// make a party accept what nobody said.
#[test]
fn honest_runs_of_the_library_are_truthful() {
    let (mut complaints, mut gentle) = (Vec::new(), 0);
    let mut judge = |name: &str, text: &str, finished: &Finished<NoTables>| {
        assert_truthful(name, finished);
        let text: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let text = text.join("\n").replace("description", "");
        if ROUGH.iter().all(|word| !text.contains(word)) {
            gentle += 1;
            assert_clean(name, finished, &mut complaints);
        }
    };
    for entry in scenarios::library::LIBRARY {
        let read = read_text(entry.name, entry.text, &[]);
        let scenario = read.unwrap_or_else(|error| panic!("{}", error.render(false)));
        if scenario.node_count() > 2_000 {
            continue;
        }
        let mut set = vec![("run.duration".to_owned(), "\"20min\"".to_owned())];
        if !scenario.adversaries.is_empty() {
            let start = entry.text.find("[adversaries.");
            let rest = start.and_then(|start| {
                let end = ["\n[output]", "\n[sweep", "\n[[expect", "\n[faults"]
                    .iter()
                    .filter_map(|table| entry.text[start..].find(table))
                    .min()?;
                Some(format!(
                    "{}{}",
                    &entry.text[..start],
                    &entry.text[start + end..]
                ))
            });
            let Some(text) = rest else { continue };
            let Ok(scenario) = read_text(entry.name, &text, &set) else {
                continue;
            };
            judge(entry.name, &text, &watched(&scenario));
            continue;
        }
        let Ok(scenario) = read_text(entry.name, entry.text, &set) else {
            set.clear();
            continue;
        };
        judge(entry.name, entry.text, &watched(&scenario));
    }
    assert!(gentle >= 20, "{gentle} scenarios lose nothing");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
