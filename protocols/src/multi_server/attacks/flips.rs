//! Messages that arrive changed: `flip-req`, `flip-rep`, `flip-location`, `steer-discovery`.

use crate::attack::kit::{Change, EVERY, Part, Tamper};
use crate::attack::{AttackSpec, Control, Power, Property, Setup};

const MODIFY: &[Power] = &[Power::Modify];

const fn change(case: &'static str, message: &'static str, part: Part) -> Change {
    Change {
        case,
        message,
        part,
    }
}

const REQ: &[Change] = &[
    change("alpha", "AUTH_REQ", Part::EachBit("alpha")),
    change("beta", "AUTH_REQ", Part::EachBit("beta")),
    change("t1", "AUTH_REQ", Part::EachBit("t1")),
    change("c", "AUTH_REQ", Part::EachBit("C_i")),
    change("uid", "AUTH_REQ", Part::EachBit("UID_i")),
    change("id", "AUTH_REQ", Part::EachBit("ID_j")),
];

const TEXT_REQ: &[Change] = &[
    change("alpha", "AUTH_REQ", Part::EachBit("alpha_i")),
    change("beta", "AUTH_REQ", Part::EachBit("beta_i")),
    change("t1", "AUTH_REQ", Part::EachBit("T1")),
    change("c", "AUTH_REQ", Part::EachBit("C_i")),
    change("uid", "AUTH_REQ", Part::EachBit("UID_i")),
    change("id", "AUTH_REQ", Part::EachBit("ID_j")),
];

pub(super) const REQ_SPEC: AttackSpec = AttackSpec {
    id: "flip-req",
    help: "Changes one bit of alpha, beta or t1 in a request; in the prototype also of C_i, UID_i or \
           ID_j, which other variants do not send.",
    powers: MODIFY,
    params: EVERY,
    cases: &["alpha", "beta", "t1", "c", "uid", "id"],
    properties: &[Property::Agreement, Property::Availability],
    ..super::BASE
};

pub(super) fn req(setup: &Setup<'_>, literal: bool) -> Tamper {
    Tamper::new(setup, if literal { TEXT_REQ } else { REQ })
}

/// The lowest bit of VT.
fn vt(gamma: &mut [u8]) {
    if let Some(byte) = gamma.get_mut(7) {
        *byte ^= 1;
    }
}

/// The lowest bit of the first byte of Loc.
fn loc(gamma: &mut [u8]) {
    if let Some(byte) = gamma.get_mut(8) {
        *byte ^= 1;
    }
}

/// Another hex digit.
fn digit(byte: &mut u8) {
    *byte = if *byte == b'0' { b'1' } else { b'0' };
}

/// Another digit in the hash of VT.
fn text_vt(gamma: &mut [u8]) {
    if let Some(byte) = gamma.get_mut(8) {
        digit(byte);
    }
}

/// Another last digit of Loc.
fn text_loc(gamma: &mut [u8]) {
    if let Some(byte) = gamma.last_mut() {
        digit(byte);
    }
}

const REP: &[Change] = &[
    change("vt", "AUTH_REP", Part::With("gamma", vt)),
    change("sigma", "AUTH_REP", Part::EachBit("sigma")),
    change("t2", "AUTH_REP", Part::Bit("t2", 7, 1)),
];

const TEXT_REP: &[Change] = &[
    change("vt", "AUTH_REP", Part::With("gamma_i", text_vt)),
    change("sigma", "AUTH_REP", Part::With("sigma_i", text_loc)),
    change("t2", "AUTH_REP", Part::BitFromEnd("T2", 0, 1)),
];

pub(super) const REP_SPEC: AttackSpec = AttackSpec {
    id: "flip-rep",
    help: "Changes one bit of the VT part of gamma, of sigma, or the last bit of t2 in an answer.",
    powers: MODIFY,
    params: EVERY,
    cases: &["vt", "sigma", "t2"],
    properties: &[Property::Agreement, Property::Availability],
    control: Control::without("sigma"),
    ..super::BASE
};

pub(super) fn rep(setup: &Setup<'_>, literal: bool) -> Tamper {
    Tamper::new(setup, if literal { TEXT_REP } else { REP })
}

pub(super) const LOCATION_SPEC: AttackSpec = AttackSpec {
    id: "flip-location",
    help: "Changes one bit of the Loc part of gamma. sigma does not cover Loc: only the comparison \
           with the list on the card stops it.",
    powers: MODIFY,
    params: EVERY,
    control: Control::without("sigma"),
    ..super::BASE
};

pub(super) fn location(setup: &Setup<'_>, literal: bool) -> Tamper {
    let binary: &[Change] = &[change("loc", "AUTH_REP", Part::With("gamma", loc))];
    let text: &[Change] = &[change("loc", "AUTH_REP", Part::With("gamma_i", text_loc))];
    Tamper::new(setup, if literal { text } else { binary })
}

/// The last character of a zero-filled name becomes the one before or after: `hospital1` and
/// `hospital2` change places.
fn neighbour(name: &mut [u8]) {
    if let Some(last) = name.iter_mut().rev().find(|byte| **byte != 0) {
        *last = if *last == b'1' { b'2' } else { b'1' };
    }
}

const STEER: &[Change] = &[
    change("id", "INFO", Part::With("id_j", neighbour)),
    change("location", "INFO", Part::With("loc_j", neighbour)),
];

pub(super) const STEER_SPEC: AttackSpec = AttackSpec {
    id: "steer-discovery",
    help: "Changes the name of the server, or its location, in the unauthenticated INFO: the user \
           takes the entry of another server for the one it is talking to.",
    powers: &[Power::Modify, Power::Spoof],
    params: EVERY,
    cases: &["id", "location"],
    properties: &[Property::Agreement, Property::Availability],
    control: Control {
        params: &[("base", "\"literal\"")],
        ..Control::without("beta")
    },
    variants: &["literal"],
    stage: super::TWO_SERVERS,
    ..super::BASE
};

pub(super) fn steer(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, STEER)
}
