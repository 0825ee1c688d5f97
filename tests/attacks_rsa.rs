//! The attacks on `rsa-udp`: their stages are clean without them, each beats its broken twin, and what
//! depends on how long a session lives is tried in sessions that live.

use scenarios::build::build;
use scenarios::host::attempt::Outcome;
use scenarios::host::tables::NoTables;
use scenarios::matrix::{Cell, Selection, Trial, plan, trial};
use scenarios::reader::read_text;
use scenarios::run::{Unwatched, drive};
use scenarios::verdict::Property;

fn cells(attacks: &[&str], variants: &[&str]) -> Vec<Cell> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let selection = Selection {
        protocols: names(&["rsa-udp"]),
        variants: names(variants),
        attacks: names(attacks),
    };
    plan(&selection).unwrap()
}

fn tried(attack: &str, variant: &str) -> Vec<Trial> {
    let all = cells(&[attack], &[variant]).into_iter();
    let own = all.filter(|cell| !cell.control);
    own.map(|cell| trial::run(&cell, 0)).collect()
}

fn is_broken(attack: &str, variant: &str, property: Property) -> bool {
    let trials = tried(attack, variant);
    assert!(
        trials.iter().any(|trial| trial.acted > 0),
        "{attack}: {trials:?}"
    );
    let found = trials.iter().filter_map(|trial| trial.of(property));
    found.into_iter().any(|found| found.verdict == "broken")
}

/// What an attack does to a session says nothing where sessions fail by themselves.
#[test]
fn every_stage_is_clean_without_its_attacker() {
    for variant in ["as-published", "literal", "hardened"] {
        for cell in cells(&[], &[variant]) {
            let first = cell.case.is_none_or(|case| cell.spec.cases[0] == case);
            let of = |role| {
                let mut nodes = cell.spec.stage.nodes.iter();
                nodes
                    .find(|(name, _)| *name == role)
                    .map(|(_, count)| *count)
            };
            // Clients that want the same device get in each other's way.
            if cell.control || !first || of("client") > of("device") {
                continue;
            }
            let text = cell.text(true);
            let (before, behind) = text.split_once("\n[adversaries").unwrap();
            let behind = behind.split_once("\n[output]").unwrap().1;
            let text = format!("{before}\n[output]{behind}");
            let scenario = read_text("stage.toml", &text, &[])
                .unwrap_or_else(|error| panic!("{}", error.render(false)));
            let built = build(&scenario).unwrap_or_else(|error| panic!("{}", error.render(false)));
            let run = drive(&scenario, built, &mut NoTables, &mut Unwatched, |_| {}).unwrap();
            let good = run.tally.of(Outcome::Accepted) + run.tally.of(Outcome::Completed);
            let all = run.tally.attempts() - run.tally.of(Outcome::Aborted);
            assert_eq!((good, run.tally.agreement_violations), (all, 0), "{cell:?}");
        }
    }
}

#[test]
fn every_attack_acts_and_beats_its_twin() {
    let all: Vec<(&str, Trial)> = cells(&[], &["hardened"])
        .into_iter()
        .filter(|cell| cell.control)
        .map(|cell| (cell.spec.id, trial::run(&cell, 0)))
        .collect();
    assert!(all.len() > 36);
    for (id, trial) in &all {
        let beaten = all
            .iter()
            .any(|(other, trial)| other == id && trial.beats());
        assert!(beaten, "{id}: {trial:?}");
    }
}

/// Both ends accept with different keys, which only an oracle sees: the client goes on with its list,
/// and what it sends is read and changed.
#[test]
fn whoever_holds_both_keys_reads_the_lines_that_follow() {
    for property in [Property::Secrecy, Property::Integrity, Property::Agreement] {
        assert!(is_broken("mitm-keys", "as-published", property));
        assert!(!is_broken("mitm-keys", "hardened", property));
    }
}

/// One spoofed byte keeps a client out for an hour; one that answers every offer is captured by one
/// replayed CONNECT; the range of the values does not keep S out of a small subgroup.
#[test]
fn what_the_text_leaves_open_is_used() {
    let broken = |attack, property| is_broken(attack, "as-published", property);
    assert!(broken("block-poison", Property::LockOut));
    assert!(broken("replay-connect", Property::Availability));
    assert!(broken("steer-dh", Property::Integrity));
    assert!(broken("rogue-device", Property::Agreement));
    assert!(broken("forge-fin", Property::Availability));
}

/// CONNECT belongs to no attempt and nothing authenticates it, in `hardened` neither.
#[test]
fn a_damaged_offer_fails_sessions_that_nobody_touched() {
    for variant in ["as-published", "hardened"] {
        assert!(is_broken("flip-connect", variant, Property::Availability));
    }
    assert!(!is_broken("block-poison", "hardened", Property::LockOut));
}
