//! What is added to a world and takes no part in it changes nobody's rows.
//!
//! Streams are named by structure and not by order of creation, so a further node, link, workload
//! or adversary moves no draw of the others.

use std::path::Path;

use crate::determinism::BUSY;
use crate::program::{Desk, column, table};
use crate::simulation::{self, scenario};

/// Tables in which a node may appear.
const TABLES: [&str; 5] = [
    "sessions.csv",
    "messages.csv",
    "nodes.csv",
    "desync.csv",
    "links.csv",
];

/// The rows of a table without those that name the node, group or link `spare`.
fn rows_of_others(result: &Path, file: &str) -> Vec<Vec<String>> {
    let mut rows = table(&result.join(file)).1;
    rows.retain(|row| !row.iter().any(|cell| cell.contains("spare")));
    rows
}

/// The busy scenario with `addition` put before the table `before`, or at the end.
fn with(addition: &str, before: Option<&str>) -> String {
    match before {
        Some(before) => {
            assert!(BUSY.contains(before));
            BUSY.replacen(before, &format!("{addition}\n{before}"), 1)
        }
        None => format!("{BUSY}\n{addition}"),
    }
}

#[track_caller]
fn assert_no_row_changes(changed: &str) {
    let desk = Desk::with(BUSY);
    let base = desk.result("base", &[]);
    desk.write("scenario.toml", changed);
    let other = desk.result("other", &[]);
    for file in TABLES {
        let expected = rows_of_others(&base, file);
        assert!(!expected.is_empty(), "{file} holds something to compare");
        assert_eq!(expected, rows_of_others(&other, file), "{file}");
    }
}

const SPARE_SERVER: &str = "[nodes.spare]\nrole = \"server\"\ncount = 3\n";
const SPARE_DEVICE: &str = "[nodes.spare]\nrole = \"device\"\ncount = 3\n";
const SPARE_LINK: &str = "[links.spare]\nbetween = [\"spare\", \"server\"]\ndelay = \"uniform(1ms, 9ms)\"\nloss = \"5%\"\n";

#[test]
fn a_node_without_links_at_the_end_changes_no_row_of_the_others() {
    assert_no_row_changes(&with(SPARE_SERVER, None));
}

#[test]
fn a_node_without_links_at_the_beginning_changes_no_row_of_the_others() {
    // Node numbers, and with them the ids on the wire, move by three: all draws are named by group
    // and member, so that no time, size or fate does.
    assert_no_row_changes(&with(SPARE_SERVER, Some("[nodes.device]")));
}

#[test]
fn silent_devices_on_links_of_their_own_change_no_row_of_the_others() {
    assert_no_row_changes(&with(&format!("{SPARE_DEVICE}\n{SPARE_LINK}"), None));
}

#[test]
fn silent_devices_in_front_change_no_row_of_the_others() {
    // Here every device even gets another device id, hence other keys and other ciphertexts.
    let changed = with(SPARE_DEVICE, Some("[nodes.device]"));
    let changed = changed.replacen(
        "[links.access]",
        &format!("{SPARE_LINK}\n[links.access]"),
        1,
    );
    assert_no_row_changes(&changed);
}

#[test]
fn a_silent_node_at_the_end_leaves_the_fingerprint_of_every_other_entity_alone() {
    let base = simulation::run(&scenario(BUSY));
    let other = simulation::run(&scenario(&with(SPARE_SERVER, None)));
    assert_eq!(base.counts, other.counts[..base.counts.len()]);
    assert_eq!(base.tally.outcomes, other.tally.outcomes);
    assert_eq!(base.tally.latency_sum_ns, other.tally.latency_sum_ns);
    assert_ne!(
        base.fingerprint, other.fingerprint,
        "the fingerprint covers all entities"
    );
}

/// The busy scenario without its adversary.
fn peaceful() -> String {
    let start = BUSY.find("[adversaries.mitm]").unwrap();
    let end = BUSY.find("[output]").unwrap();
    format!("{}{}", &BUSY[..start], &BUSY[end..])
}

fn rows(scenario: &str) -> Vec<Vec<Vec<String>>> {
    let desk = Desk::with(scenario);
    let result = desk.result("out", &[]);
    TABLES
        .iter()
        .map(|file| table(&result.join(file)).1)
        .collect()
}

#[test]
fn an_adversary_that_only_observes_changes_no_row() {
    let observer = "[adversaries.mitm]\non = \"access\"\npowers = [\"observe\"]\n\n[output]";
    let watched = peaceful().replacen("[output]", observer, 1);
    assert_eq!(rows(&peaceful()), rows(&watched));
}

#[test]
fn an_adversary_whose_rule_never_acts_changes_no_row() {
    let idle = BUSY.replacen("probability = \"3%\"", "probability = \"0%\"", 1);
    assert_eq!(rows(&peaceful()), rows(&idle));
}

#[test]
fn an_adversary_on_another_link_changes_no_row() {
    let quiet = with(&format!("{SPARE_DEVICE}\n{SPARE_LINK}"), None);
    let hunted = "[adversaries.lurker]\non = \"spare\"\npowers = [\"drop\"]\n\
                  [[adversaries.lurker.rules]]\nid = \"all\"\naction = \"drop\"\nprobability = 1\n";
    assert_eq!(rows(&quiet), rows(&format!("{quiet}\n{hunted}")));
}

#[test]
fn a_drop_by_the_adversary_moves_no_loss_and_no_delay_of_an_earlier_packet() {
    let desk = Desk::with(&peaceful());
    let honest = desk.result("honest", &[]);
    desk.write("scenario.toml", BUSY);
    let attacked = desk.result("attacked", &[]);
    let fates = column(&attacked.join("messages.csv"), "fate");
    let first = fates
        .iter()
        .position(|fate| fate == "adversary-drop")
        .unwrap();
    assert!(first > 20, "something happened before the first drop");
    let (_, honest_rows) = table(&honest.join("messages.csv"));
    let (_, attacked_rows) = table(&attacked.join("messages.csv"));
    assert_eq!(honest_rows[..first], attacked_rows[..first]);
}

/// Fate and time on the way of every honest packet, by its name.
fn passages(result: &Path) -> std::collections::BTreeMap<String, (String, Option<u64>)> {
    let file = result.join("messages.csv");
    let number = |cell: &String| cell.parse::<u64>().ok();
    let rows = column(&file, "packet")
        .into_iter()
        .zip(column(&file, "fate"))
        .zip(column(&file, "sent_ns"))
        .zip(column(&file, "arrived_ns"));
    rows.filter(|(((packet, _), _), _)| !packet.contains("adversary"))
        .map(|(((packet, fate), sent), arrived)| {
            let way = number(&arrived).zip(number(&sent));
            let way = way.map(|(arrived, sent)| arrived - sent);
            (packet, (fate, way))
        })
        .collect()
}

#[test]
fn what_an_adversary_sends_moves_no_loss_and_no_delay_of_any_honest_packet() {
    let forger = "[adversaries.forger]\non = \"access\"\npowers = [\"inject\"]\n\
                  [[adversaries.forger.rules]]\nid = \"junk\"\n\
                  match = { after = \"1min\", before = \"1h\" }\naction = \"flood\"\n\
                  message = \"M1\"\nfields = { device_id = 4000000 }\nto = \"server[0]\"\n\
                  every = \"exp(2s)\"\n\n[output]";
    let desk = Desk::with(&peaceful());
    let honest = passages(&desk.result("honest", &[]));
    desk.write("scenario.toml", peaceful().replacen("[output]", forger, 1));
    let attacked = desk.result("attacked", &[]);
    let fates = column(&attacked.join("messages.csv"), "fate");
    let sent = fates.iter().filter(|fate| *fate == "injected").count();
    assert!(sent > 1000, "{sent}");
    let attacked = passages(&attacked);
    let common = honest
        .keys()
        .filter(|packet| attacked.contains_key(*packet));
    assert!(common.clone().count() > 3000, "{}", common.count());
    for packet in common {
        assert_eq!(honest[packet], attacked[packet], "{packet}");
    }
}
