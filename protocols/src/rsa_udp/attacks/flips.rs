//! Frames that arrive changed: `flip-connect`, `flip-pass`, `flip-encrypt`, `flip-sealed`,
//! `huge-number`.

use crate::attack::kit::{Change, EVERY, Part, Tamper};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Verdict, View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::rsa_udp::params::{Params, Variant};

use super::tap::{Event, Tap};

const MODIFY: &[Power] = &[Power::Modify];

const fn change(case: &'static str, message: &'static str, part: Part) -> Change {
    Change {
        case,
        message,
        part,
    }
}

/// Changes one bit in the middle of the item between commas that has this place.
fn flip_item<const PLACE: usize>(field: &mut [u8]) {
    let item = field.split_mut(|byte| *byte == b',').nth(PLACE);
    if let Some(item) = item
        && let Some(byte) = item
            .len()
            .checked_sub(1)
            .and_then(|last| item.get_mut(last))
    {
        *byte ^= 1;
    }
}

/// Another digit in the text of a key, so many from its end.
fn flip_key<const FROM_END: usize>(key: &mut [u8]) {
    let place = key.len().checked_sub(FROM_END);
    if let Some(byte) = place.and_then(|place| key.get_mut(place)) {
        *byte = if *byte == b'B' { b'C' } else { b'B' };
    }
}

const CONNECT_CASES: &[&str] = &["salt", "number", "name"];

const CONNECT_BINARY: &[Change] = &[
    change("salt", "CONNECT", Part::EachBit("salt")),
    change("number", "CONNECT", Part::EachBit("number")),
    change("name", "CONNECT", Part::Bit("name", 0, 1)),
];

const CONNECT_TEXT: &[Change] = &[
    change("salt", "CONNECT", Part::Bit("salt", 3, 1)),
    change(
        "number",
        "CONNECT",
        Part::With("number_name", flip_item::<0>),
    ),
    change("name", "CONNECT", Part::With("number_name", flip_item::<1>)),
];

pub(super) const CONNECT: AttackSpec = AttackSpec {
    id: "flip-connect",
    help: "Changes one bit of salt, number or name in CONNECT. The client then proves itself over another \
           salt, or for another number, or speaks to a device of another name.",
    powers: MODIFY,
    params: EVERY,
    cases: CONNECT_CASES,
    properties: &[Property::Availability],
    claims: &["RU-C4"],
    control: Control::without("server-hash"),
    ..super::BASE
};

const PASS_CASES: &[&str] = &[
    "login-hash",
    "user",
    "client-salt",
    "dh-public",
    "modulus",
    "exponent",
];

const PASS_BINARY: &[Change] = &[
    change("login-hash", "PASS", Part::EachBit("login_hash")),
    change("user", "PASS", Part::Bit("user", 0, 1)),
    change("client-salt", "PASS", Part::EachBit("client_salt")),
    change("dh-public", "PASS", Part::BitFromEnd("dh_public", 1, 1)),
    change("modulus", "PASS", Part::BitFromEnd("modulus", 40, 4)),
    change("exponent", "PASS", Part::BitFromEnd("exponent", 0, 2)),
];

const ITEMS: &str = "number_user_hash_salt_value";

const PASS_TEXT: &[Change] = &[
    change("login-hash", "PASS", Part::With(ITEMS, flip_item::<2>)),
    change("user", "PASS", Part::With(ITEMS, flip_item::<1>)),
    change("client-salt", "PASS", Part::With(ITEMS, flip_item::<3>)),
    change("dh-public", "PASS", Part::With(ITEMS, flip_item::<4>)),
    change("modulus", "PASS", Part::With("key", flip_key::<90>)),
    change("exponent", "PASS", Part::With("key", flip_key::<30>)),
];

pub(super) const PASS: AttackSpec = AttackSpec {
    id: "flip-pass",
    help: "Changes one bit of one field of PASS. login_hash covers the device's salt alone: another \
           Diffie-Hellman value, modulus or exponent is accepted, and the two ends hold different keys.",
    powers: MODIFY,
    params: EVERY,
    cases: PASS_CASES,
    properties: &[
        Property::Availability,
        Property::Agreement,
        Property::Desync,
    ],
    claims: &["RU-C4"],
    control: Control::without("password"),
    ..super::BASE
};

const ENCRYPT_CASES: &[&str] = &["server-hash", "dh-public", "modulus", "exponent"];

const ENCRYPT_BINARY: &[Change] = &[
    change("server-hash", "ENCRYPT", Part::EachBit("server_hash")),
    change("dh-public", "ENCRYPT", Part::BitFromEnd("dh_public", 1, 1)),
    change("modulus", "ENCRYPT", Part::BitFromEnd("modulus", 40, 4)),
    change("exponent", "ENCRYPT", Part::BitFromEnd("exponent", 0, 2)),
];

const ENCRYPT_TEXT: &[Change] = &[
    change("server-hash", "ENCRYPT", Part::Bit("server_hash", 5, 1)),
    change("dh-public", "ENCRYPT", Part::BitFromEnd("dh_public", 0, 1)),
    change("modulus", "ENCRYPT", Part::With("key", flip_key::<90>)),
    change("exponent", "ENCRYPT", Part::With("key", flip_key::<30>)),
];

pub(super) const ENCRYPT: AttackSpec = AttackSpec {
    id: "flip-encrypt",
    help: "Changes one bit of one field of ENCRYPT. server_hash covers the client's salt alone: another \
           Diffie-Hellman value, modulus or exponent is accepted by the client.",
    powers: MODIFY,
    params: EVERY,
    cases: ENCRYPT_CASES,
    properties: &[
        Property::Availability,
        Property::Agreement,
        Property::Desync,
    ],
    claims: &["RU-C4"],
    control: Control::without("server-hash"),
    ..super::BASE
};

/// `flip-connect`, `flip-pass` or `flip-encrypt`.
pub(super) fn flip(params: &Params, id: &str, setup: &Setup<'_>) -> Tamper {
    let text = params.variant == Variant::Literal;
    let changes = match (id, text) {
        ("flip-connect", false) => CONNECT_BINARY,
        ("flip-connect", true) => CONNECT_TEXT,
        ("flip-pass", false) => PASS_BINARY,
        ("flip-pass", true) => PASS_TEXT,
        (_, false) => ENCRYPT_BINARY,
        (_, true) => ENCRYPT_TEXT,
    };
    Tamper::new(setup, changes)
}

/// How many DATA a session has before its FIN: sealed, they look alike.
pub(super) const LINES: ParameterSpec = ParameterSpec {
    name: "lines",
    kind: ParameterKind::Integer { min: 0, max: 1_000 },
    default: "2",
    help: "DATA of a session: the SEALED frame of the client that follows is its FIN",
};

const SEALED_CASES: &[&str] = &["DATA", "ECHO", "FIN", "skipped"];

pub(super) const SEALED: AttackSpec = AttackSpec {
    id: "flip-sealed",
    help: "Changes one bit of DATA, ECHO or FIN inside SEALED, from frame to frame the next one, beginning \
           anywhere; DATA and FIN are told apart by their place in a session (`lines`). In the printed \
           program `skipped` puts a character that base64 decoding skips in the place of a line feed; \
           elsewhere it makes the frame one byte longer.",
    powers: MODIFY,
    params: &[LINES],
    cases: SEALED_CASES,
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RU-C4"],
    control: Control::without("cipher"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct FlipSealed {
    tap: Tap,
    case: &'static str,
    lines: u64,
    bit: Option<u64>,
}

impl FlipSealed {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            tap: Tap::new(params),
            case: SEALED_CASES[Cases::new(SEALED_CASES, setup.case).turn()],
            lines: setup.params.integer("lines", 2),
            bit: None,
        }
    }

    fn flip(&mut self, bytes: &[u8], cx: &mut AttackContext<'_>) -> Vec<u8> {
        let mut frame = bytes.to_vec();
        let text = self.tap.wire.params.variant == Variant::Literal;
        if self.case == "skipped" {
            if text && let Some(end) = frame.iter().rposition(|byte| *byte == b'\n') {
                frame[end] = b'=';
            } else {
                frame.push(0);
            }
            return frame;
        }
        let bit = match self.bit {
            Some(bit) => bit,
            // In clear only the first bytes mean anything.
            None => cx.uniform(64) + 72,
        };
        self.bit = Some(bit + 1);
        let place = 1 + usize::try_from(bit / 8).unwrap_or(0) % (frame.len().max(2) - 1);
        if let Some(byte) = frame.get_mut(place) {
            if text {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            } else {
                *byte ^= 0x80 >> (bit % 8);
            }
        }
        frame
    }
}

impl Attacker for FlipSealed {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let hit = match (self.tap.sees(view), self.case) {
            (Event::Up(index), "DATA" | "skipped") => index < self.lines,
            (Event::Up(index), "FIN") => index == self.lines,
            (Event::Down(_), "ECHO") => true,
            _ => false,
        };
        if hit {
            Verdict::Modify(self.flip(view.bytes, cx))
        } else {
            Verdict::Pass
        }
    }
}

const HUGE_CASES: &[&str] = &[
    "pass-6",
    "pass-20",
    "pass-100",
    "pass-1000",
    "pass-7000",
    "encrypt-6",
    "encrypt-20",
    "encrypt-100",
    "encrypt-1000",
    "encrypt-7000",
];

pub(super) const HUGE: AttackSpec = AttackSpec {
    id: "huge-number",
    help: "Replaces the decimal Diffie-Hellman value of PASS or ENCRYPT by one of 6, 20, 100, 1000 or 7000 \
           digits: the printed program takes any, and its power is that of the whole integer. The compact \
           frames have 4 bytes for it, and get the largest number.",
    powers: MODIFY,
    cases: HUGE_CASES,
    properties: &[Property::Availability],
    claims: &[],
    control: Control::without("limits"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct HugeNumber {
    text: bool,
    message: usize,
    digits: usize,
}

impl HugeNumber {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let case = HUGE_CASES[Cases::new(HUGE_CASES, setup.case).turn()];
        let (message, digits) = case.split_once('-').unwrap_or((case, "6"));
        Self {
            text: params.variant == Variant::Literal,
            message: if message == "pass" {
                super::wire::PASS
            } else {
                super::wire::ENCRYPT
            },
            digits: digits.parse().unwrap_or(6),
        }
    }
}

impl Attacker for HugeNumber {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        if view.message != Some(self.message) {
            return Verdict::Pass;
        }
        let pass = self.message == super::wire::PASS;
        if !self.text {
            let mut frame = view.bytes.to_vec();
            let start = if pass { 53 } else { 33 };
            if let Some(value) = frame.get_mut(start..start + 4) {
                value.fill(0xFF);
            }
            return Verdict::Modify(frame);
        }
        let place = if pass { 5 } else { 3 };
        let mut items: Vec<Vec<u8>> = view
            .bytes
            .split(|byte| *byte == b',')
            .map(<[u8]>::to_vec)
            .collect();
        if let Some(item) = items.get_mut(place) {
            *item = vec![b'9'; self.digits];
        }
        Verdict::Modify(items.join(&b','))
    }
}
