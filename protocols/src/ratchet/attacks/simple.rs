//! `drop-one` and `duplicate`: frames that do not arrive, or arrive twice.

use crate::attack::kit::{NTH_AND_ROW, Second, Suppress};
use crate::attack::{AttackSpec, Control, Power, Property, Setup};
use crate::time::Span;

const CASES: &[&str] = &[
    "CLIENT_HELLO",
    "SERVER_CHALLENGE",
    "CLIENT_DATA",
    "SERVER_AGGR_RESPONSE",
];

pub(super) const DROP_SPEC: AttackSpec = AttackSpec {
    id: "drop-one",
    help: "Suppresses the n-th HELLO, CHALLENGE, DATA or RESPONSE (`nth`), once or several in a row \
           (`row`). Both ends start every session from K, so that what was lost is made good by the \
           next HELLO.",
    powers: &[Power::Drop],
    params: NTH_AND_ROW,
    cases: CASES,
    properties: &[Property::Desync, Property::Availability],
    claims: &["RT-C6", "RT-C7"],
    control: Control::without("retry"),
    ..super::BASE
};

pub(super) fn drop_one(setup: &Setup<'_>) -> Suppress {
    Suppress::new(setup, CASES)
}

pub(super) const DUPLICATE_SPEC: AttackSpec = AttackSpec {
    id: "duplicate",
    help: "Sends a second copy of each HELLO, DATA, CHALLENGE or RESPONSE 5 ms behind the first. A \
           second HELLO is as good as the first: the server starts another session with it.",
    powers: &[Power::Duplicate],
    cases: CASES,
    properties: &[Property::Agreement, Property::Availability],
    control: Control::without("freshness"),
    ..super::BASE
};

pub(super) fn duplicate(setup: &Setup<'_>) -> Second {
    Second::new(setup, CASES, Span::from_millis(5))
}
