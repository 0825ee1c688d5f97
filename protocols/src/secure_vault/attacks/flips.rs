//! Messages that arrive changed: `flip-m1` to `flip-m4`, `flip-data`, `shared-vault`.

use crate::attack::kit::{Change, EVERY, Part, Tamper};
use crate::attack::{AttackSpec, CaseParams, Control, Errand, Power, Property, Setup, Stage};
use crate::secure_vault::params::{Params, Variant};

use super::text;

const MODIFY: &[Power] = &[Power::Modify];

const fn change(case: &'static str, message: &'static str, part: Part) -> Change {
    Change {
        case,
        message,
        part,
    }
}

const M1: &[Change] = &[
    change("device-id", "M1", Part::EachBit("device_id")),
    change("other-device", "M1", Part::Add("device_id", 1)),
    change("other-device-shared", "M1", Part::Add("device_id", 1)),
    change("session-id", "M1", Part::EachBit("session_id")),
];

pub(super) const M1_SPEC: AttackSpec = AttackSpec {
    id: "flip-m1",
    help: "Changes one bit of device_id or session_id in M1, or names the next registered device \
           instead, also where all devices left the factory with one vault. Without a look at device_id \
           the server would accept one device as another.",
    powers: MODIFY,
    params: EVERY,
    cases: &[
        "device-id",
        "other-device",
        "other-device-shared",
        "session-id",
    ],
    properties: &[Property::Agreement, Property::Desync],
    control: Control::without("device-id"),
    stage: super::STAGE.with_cases(&[CaseParams {
        case: "other-device-shared",
        params: &[("first_vault", "\"shared\"")],
        variants: super::WITH_DATA,
    }]),
    ..super::BASE
};

/// What is changed: in binary fields, or at the same places of a text.
fn of(params: &Params, binary: &'static [Change], texts: &'static [Change]) -> &'static [Change] {
    match params.variant {
        Variant::Literal => texts,
        _ => binary,
    }
}

pub(super) fn m1(params: &Params, setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, of(params, M1, text::M1))
}

/// Enough sessions that every bit of a message has its turn.
const CROWD: &[(&str, u32)] = &[("device", 20), ("server", 1)];

/// The first index becomes another that the list does not have, and the list stays in order.
fn another_index(list: &mut [u8]) {
    let mut members: Vec<u16> = list
        .as_chunks::<2>()
        .0
        .iter()
        .map(|index| u16::from_be_bytes(*index))
        .collect();
    let other = (0..u16::MAX).find(|index| !members.contains(index));
    if let (Some(first), Some(other)) = (members.first_mut(), other) {
        *first = other;
    }
    members.sort_unstable();
    for (place, index) in list.as_chunks_mut::<2>().0.iter_mut().zip(members) {
        *place = index.to_be_bytes();
    }
}

fn swap_first_two(list: &mut [u8]) {
    if let [one, other, ..] = list.as_chunks_mut::<2>().0 {
        core::mem::swap(one, other);
    }
}

fn double_first(list: &mut [u8]) {
    if let [one, other, ..] = list.as_chunks_mut::<2>().0 {
        *other = *one;
    }
}

const M2: &[Change] = &[
    change("r1", "M2", Part::EachBit("r1")),
    change("replace-index", "M2", Part::With("c1", another_index)),
    change("swap-indices", "M2", Part::With("c1", swap_first_two)),
    change("double-index", "M2", Part::With("c1", double_first)),
];

pub(super) const M2_SPEC: AttackSpec = AttackSpec {
    id: "flip-m2",
    help: "Changes one bit of r1 in M2, or its challenge: an index replaced by another, the first two \
           swapped, the first doubled; in the prototype's text also a list of one. The device then \
           answers another question than the server asked.",
    powers: MODIFY,
    params: EVERY,
    cases: &[
        "r1",
        "replace-index",
        "swap-indices",
        "double-index",
        "one-index",
    ],
    properties: &[Property::Agreement, Property::Secrecy, Property::Desync],
    control: Control::without("challenge"),
    stage: super::STAGE.with_cases(&[CaseParams {
        case: "one-index",
        params: &[],
        variants: &["literal"],
    }]),
    ..super::BASE
};

pub(super) fn m2(params: &Params, setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, of(params, M2, text::M2))
}

/// One bit anywhere, under each way to seal.
const fn any_bit(message: &'static str) -> [Change; 5] {
    [
        change("bit", message, Part::AnyBit),
        change("cbc-nopad", message, Part::AnyBit),
        change("ecb", message, Part::AnyBit),
        change("ecb-nopad", message, Part::AnyBit),
        change("ctr", message, Part::AnyBit),
    ]
}

const SEALED: &[&str] = &["bit", "cbc-nopad", "ecb", "ecb-nopad", "ctr"];

const fn sealed(case: &'static str, params: &'static [(&'static str, &'static str)]) -> CaseParams {
    CaseParams {
        case,
        params,
        variants: super::PAPER,
    }
}

/// The modes that only the paper's own protocol leaves open.
const MODES: &[CaseParams] = &[
    sealed("cbc-nopad", &[("cipher_mode", "\"cbc-nopad\"")]),
    sealed("ecb", &[("cipher_mode", "\"ecb\"")]),
    sealed("ecb-nopad", &[("cipher_mode", "\"ecb-nopad\"")]),
    sealed("ctr", &[("cipher_mode", "\"ctr\"")]),
];

const M3: &[Change] = &any_bit("M3");

pub(super) const M3_SPEC: AttackSpec = AttackSpec {
    id: "flip-m3",
    help: "Changes every single bit of M3 in turn, one a session, beginning anywhere, under each \
           `cipher_mode`. Padding and r1 stand against it, nothing else: M3 has no MAC.",
    powers: MODIFY,
    params: EVERY,
    cases: SEALED,
    properties: &[Property::Agreement, Property::Desync],
    control: Control::without("r1"),
    stage: Stage {
        duration: "45min",
        ..super::STAGE.with_nodes(CROWD).with_cases(MODES)
    },
    ..super::BASE
};

pub(super) fn m3(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, M3)
}

const M4: &[Change] = &any_bit("M4");

pub(super) const M4_SPEC: AttackSpec = AttackSpec {
    id: "flip-m4",
    help: "Changes every single bit of M4 in turn, one a session, beginning anywhere, under each \
           `cipher_mode`. Where the change hits t2 alone, r2 is right, the device accepts, and the two \
           ends hold different session keys; in `cbc` it hits the padding too, which is checked.",
    powers: MODIFY,
    params: EVERY,
    cases: SEALED,
    properties: &[Property::Agreement, Property::Desync],
    control: Control::without("r2"),
    // A refused M4 leaves the two ends with different vaults: each device is good for one bit.
    stage: Stage {
        duration: "5min",
        ..super::STAGE
            .with_nodes(&[("device", 400), ("server", 1)])
            .with_cases(MODES)
    },
    ..super::BASE
};

pub(super) fn m4(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, M4)
}

const DATA: &[Change] = &[
    change("up", "DATA_UP", Part::AnyBit),
    change("down", "DATA_DOWN", Part::AnyBit),
    change("end", "END", Part::AnyBit),
];

pub(super) const DATA_SPEC: AttackSpec = AttackSpec {
    id: "flip-data",
    help: "Changes one bit of DATA_UP, DATA_DOWN or END, from frame to frame the next one.",
    powers: MODIFY,
    params: EVERY,
    cases: &["up", "down", "end"],
    properties: &[Property::Integrity],
    claims: &["SV-C8"],
    control: Control::without("mac"),
    variants: super::WITH_DATA,
    stage: super::STAGE.with_nodes(CROWD).with_errands(&[
        Errand {
            from: "device",
            to: "server",
            commands: &["authenticate", "send-data", "send-data"],
            every: "exp(1min)",
            first: "",
        },
        Errand {
            from: "server",
            to: "device",
            commands: &["send-data"],
            every: "10s",
            first: "",
        },
    ]),
    ..super::BASE
};

pub(super) fn data(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, DATA)
}

const SHARED: &[Change] = &[change("rename", "M1", Part::Add("device_id", 1))];

pub(super) const SHARED_SPEC: AttackSpec = AttackSpec {
    id: "shared-vault",
    help: "All devices leave the factory with one vault. Changes the device_id in the M1 of a fresh \
           device to the next one's: the vault that the server then takes is the right one, and it \
           accepts the one device as the other.",
    powers: MODIFY,
    cases: &["rename"],
    claims: &["SV-C9"],
    control: Control::without("device-id"),
    stage: super::STAGE
        .with_nodes(&[("device", 8), ("server", 1)])
        .with_params(&[("challenge", "3"), ("first_vault", "\"shared\"")]),
    ..super::BASE
};

pub(super) fn shared(params: &Params, setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, of(params, SHARED, text::SHARED))
}
