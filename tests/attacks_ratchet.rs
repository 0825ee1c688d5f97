//! The attacks on `ratchet`: each acts, and each beats its broken twin or is known not to.

use scenarios::matrix::{Selection, Trial, plan, trial};
use scenarios::verdict::Property;

/// All cases of an attack on a variant, or of all attacks, under the first seed.
fn tried(attack: &str, variant: &str, control: bool) -> Vec<(&'static str, Trial)> {
    let some = |name: &str| {
        let given = (!name.is_empty()).then(|| name.to_owned());
        given.into_iter().collect::<Vec<String>>()
    };
    let selection = Selection {
        protocols: some("ratchet"),
        variants: some(variant),
        attacks: some(attack),
    };
    let cells = plan(&selection).unwrap();
    let chosen = cells.into_iter().filter(|cell| cell.control == control);
    chosen
        .map(|cell| (cell.spec.id, trial::run(&cell, 0)))
        .collect()
}

fn worst(trials: &[(&str, Trial)], property: Property) -> &'static str {
    let found: Vec<&str> = trials
        .iter()
        .filter_map(|(_, trial)| trial.of(property))
        .map(|found| found.verdict.as_str())
        .collect();
    let order = ["broken", "degraded", "resisted"];
    let mut worst = order.into_iter().filter(|verdict| found.contains(verdict));
    worst.next().unwrap_or("not-exercised")
}

/// Attacks of which nobody says that they do more harm without their defence than with it;
/// docs/attacks/ratchet.md says why.
const UNBEATEN: &[&str] = &[
    "flip-header",
    "reflect-to-server",
    "reorder",
    "length-prefix",
    "truncate",
    "cross-client",
    "other-connection",
    "stale-values",
    "flood-rounds",
];

#[test]
fn every_attack_acts_and_beats_its_twin() {
    let all = tried("", "as-published", true);
    for (id, trial) in &all {
        assert!(trial.acted > 0, "{id}: {trial:?}");
        let beaten = all
            .iter()
            .any(|(other, trial)| other == id && trial.beats());
        assert!(beaten || UNBEATEN.contains(id), "{id}: {trial:?}");
    }
}

/// Nothing of the server enters the keys of the client's direction, and the other way round: a
/// recorded session is good for ever, at either end, until nonces of both are mixed in.
#[test]
fn whole_sessions_can_be_replayed_until_nonces_are_mixed_into_the_keys() {
    for id in ["replay-session", "pose-as-server"] {
        let published = tried(id, "as-published", false);
        assert_eq!(worst(&published, Property::Agreement), "broken", "{id}");
        let hardened = tried(id, "hardened", false);
        assert_eq!(worst(&hardened, Property::Agreement), "resisted", "{id}");
    }
}

/// The MAC key of the server's direction is the same in every session, and one padding in 256 fits.
#[test]
fn an_old_response_is_taken_for_data_once_in_a_while() {
    let trials = tried("old-response", "as-published", false);
    assert_eq!(worst(&trials, Property::Integrity), "broken");
}
