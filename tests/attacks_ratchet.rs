//! The attacks on `ratchet`: each acts, and each beats its broken twin or is known not to.

use protocols::attack::{AttackSpec, Property};
use protocols::protocol::Protocol;
use scenarios::matrix::{Cell, Trial, trial};

fn protocol() -> &'static dyn Protocol {
    protocols::registry::find("ratchet").unwrap()
}

fn attack(id: &str) -> &'static AttackSpec {
    let mut all = protocol().attacks().iter();
    all.find(|spec| spec.id == id).unwrap()
}

/// All cases of an attack on a variant, under the first seed.
fn tried(spec: &'static AttackSpec, variant: &'static str, control: bool) -> Vec<Trial> {
    let cases: Vec<Option<&'static str>> = if spec.cases.is_empty() {
        vec![None]
    } else {
        spec.cases.iter().copied().map(Some).collect()
    };
    let run = |case| {
        let cell = Cell {
            protocol: protocol(),
            spec,
            variant,
            case,
            control,
        };
        trial::run(&cell, 0)
    };
    cases.into_iter().map(run).collect()
}

fn worst(trials: &[Trial], property: Property) -> &'static str {
    let found: Vec<&str> = trials
        .iter()
        .filter_map(|trial| trial.of(property))
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
    for spec in protocol().attacks() {
        let on_twin = tried(spec, spec.control.variant, true);
        assert!(on_twin.iter().all(|trial| trial.acted > 0), "{}", spec.id);
        if !UNBEATEN.contains(&spec.id) {
            assert!(on_twin.iter().any(Trial::beats), "{}", spec.id);
        }
    }
}

/// Nothing of the server enters the keys of the client's direction, and the other way round: a
/// recorded session is good for ever, at either end, until nonces of both are mixed in.
#[test]
fn whole_sessions_can_be_replayed_until_nonces_are_mixed_into_the_keys() {
    for id in ["replay-session", "pose-as-server"] {
        let published = tried(attack(id), "as-published", false);
        assert_eq!(worst(&published, Property::Agreement), "broken", "{id}");
        let hardened = tried(attack(id), "hardened", false);
        assert_eq!(worst(&hardened, Property::Agreement), "resisted", "{id}");
    }
}

/// The MAC key of the server's direction is the same in every session, and one padding in 256 fits.
#[test]
fn an_old_response_is_taken_for_data_once_in_a_while() {
    let trials = tried(attack("old-response"), "as-published", false);
    assert_eq!(worst(&trials, Property::Integrity), "broken");
}
