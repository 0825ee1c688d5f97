//! `flip-indices` and `flip-key`: frames that arrive changed.

use crate::attack::kit::{Change, EVERY, Part, Tamper};
use crate::attack::{AttackSpec, Control, Power, Property, Setup};
use crate::vault_exchange::params::Params;

const fn change(case: &'static str, message: &'static str, part: Part) -> Change {
    Change {
        case,
        message,
        part,
    }
}

const INDICES: &[Change] = &[
    change("count", "INDICES", Part::EachBit("count")),
    change("indices", "INDICES", Part::EachBit("indices")),
];

pub(super) const INDICES_SPEC: AttackSpec = AttackSpec {
    id: "flip-indices",
    help: "Changes one bit of the count or of the indices in every INDICES, from frame to frame the next \
           one, beginning anywhere. The server then answers another question than the device asked.",
    powers: &[Power::Modify],
    params: EVERY,
    cases: &["count", "indices"],
    properties: &[Property::Agreement, Property::Desync],
    claims: &["VX-C1", "VX-C4"],
    control: Control::without("session"),
    ..super::BASE
};

pub(super) fn indices(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, INDICES)
}

const KEY: &[Change] = &[
    change("bit", "KEY", Part::EachBit("key")),
    change("all", "KEY", Part::Invert("key")),
];

/// The hardened exchange sends a MAC in the key's place.
const REPLY: &[Change] = &[
    change("bit", "REPLY", Part::AnyBit),
    change("all", "REPLY", Part::Invert("mac")),
];

pub(super) const KEY_SPEC: AttackSpec = AttackSpec {
    id: "flip-key",
    help: "Changes one bit of the key in every KEY, from frame to frame the next one, or all of them \
           (`hardened`: of REPLY, or of its mac). Nothing tells the device.",
    powers: &[Power::Modify],
    params: EVERY,
    cases: &["bit", "all"],
    properties: &[Property::Agreement, Property::Desync],
    claims: &["VX-C1", "VX-C4"],
    ..super::BASE
};

pub(super) fn key(params: &Params, setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, if params.hardened() { REPLY } else { KEY })
}
