//! Frames that arrive changed: `flip-c2s`, `flip-header`, `flip-s2c`, `length-prefix`, `truncate`.

use crate::attack::kit::{Change, EVERY, Part, Tamper};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Errand, Power, Property, Setup, Stage, Verdict,
    View,
};

const MODIFY: &[Power] = &[Power::Modify];

const fn change(case: &'static str, message: &'static str, part: Part) -> Change {
    Change {
        case,
        message,
        part,
    }
}

const C2S: &[Change] = &[
    change("iv", "CLIENT_DATA", Part::Bit("iv", 0, 0x01)),
    change(
        "last-byte",
        "CLIENT_DATA",
        Part::BitFromEnd("ciphertext", 0, 0x01),
    ),
    // Byte 50 of a DATA with one block stands in the HMAC.
    change("byte-50", "CLIENT_DATA", Part::Bit("hmac", 11, 0xFF)),
    change("hmac", "CLIENT_DATA", Part::Invert("hmac")),
];

pub(super) const C2S_SPEC: AttackSpec = AttackSpec {
    id: "flip-c2s",
    help: "Changes a DATA: the lowest bit of the first IV byte, which makes another digit of the \
           first one (`iv`), the last byte of the ciphertext, byte 50 of the frame, or all bits of \
           the HMAC.",
    powers: MODIFY,
    params: EVERY,
    cases: &["iv", "last-byte", "byte-50", "hmac"],
    properties: &[Property::Integrity],
    claims: &["RT-C2", "RT-C10"],
    ..super::BASE
};

pub(super) fn c2s(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, C2S)
}

const HEADER: &[Change] = &[
    change("opcode-10", "CLIENT_DATA", Part::Set("opcode", &[10])),
    change("opcode-60", "CLIENT_DATA", Part::Set("opcode", &[60])),
    change("opcode-20", "CLIENT_DATA", Part::Set("opcode", &[20])),
    change(
        "client-absent",
        "CLIENT_DATA",
        Part::Set("client_id", &[200]),
    ),
    change("client-other", "CLIENT_DATA", Part::Add("client_id", 1)),
    change("round-zero", "CLIENT_DATA", Part::Set("round", &[0])),
    change("round-down", "CLIENT_DATA", Part::Add("round", -1)),
    change("round-up", "CLIENT_DATA", Part::Add("round", 1)),
    change("direction", "CLIENT_DATA", Part::With("direction", turn)),
];

/// 1 becomes 2, 0 becomes 1, and the other way round: one of the two readings of the byte fits.
fn turn(field: &mut [u8]) {
    for byte in field {
        *byte = if *byte == 1 { 2 } else { 1 };
    }
}

pub(super) const HEADER_SPEC: AttackSpec = AttackSpec {
    id: "flip-header",
    help: "Changes one field of the header of a DATA: opcode, client_id, round or direction. Each of \
           them has a check of its own before the HMAC's turn. Sessions follow each other closely, so \
           that the id of another client (`client-other`) is mostly that of a live session.",
    powers: MODIFY,
    params: EVERY,
    cases: &[
        "opcode-10",
        "opcode-60",
        "opcode-20",
        "client-absent",
        "client-other",
        "round-zero",
        "round-down",
        "round-up",
        "direction",
    ],
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RT-C2", "RT-C9"],
    control: Control::without("header"),
    stage: CLOSE,
    ..super::BASE
};

/// Sessions of about two seconds, every two seconds: that of another client is live as well.
const CLOSE: Stage = Stage {
    errands: &[Errand {
        every: "2s",
        ..super::STAGE.errands[0]
    }],
    delay: "200ms",
    duration: "3min",
    ..super::STAGE
};

/// `flip-header`. Another client's id is put into frames of one client only: whoever else fails was
/// left alone.
#[derive(Debug)]
pub(super) struct Header {
    tamper: Tamper,
    /// The only sender whose frames are changed, where it is one.
    only: Option<u32>,
}

pub(super) fn header(setup: &Setup<'_>) -> Header {
    let one = setup.case == Some("client-other");
    let first = setup.first_of(crate::ratchet::CLIENT);
    Header {
        tamper: Tamper::new(setup, HEADER),
        only: first.filter(|_| one).map(|address| address.host),
    }
}

impl Attacker for Header {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.only.is_some_and(|host| host != view.from.host) {
            return Verdict::Pass;
        }
        self.tamper.on_packet(view, cx)
    }
}

const S2C: &[Change] = &[
    change("challenge", "SERVER_CHALLENGE", Part::AnyBit),
    change("response", "SERVER_AGGR_RESPONSE", Part::AnyBit),
    change("response-iv", "SERVER_AGGR_RESPONSE", Part::EachBit("iv")),
];

pub(super) const S2C_SPEC: AttackSpec = AttackSpec {
    id: "flip-s2c",
    help: "Changes one bit of a CHALLENGE or RESPONSE, from frame to frame the next one, or one bit \
           of the IV of a RESPONSE, which is a bit of its first block.",
    powers: MODIFY,
    params: EVERY,
    cases: &["challenge", "response", "response-iv"],
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RT-C2"],
    ..super::BASE
};

pub(super) fn s2c(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, S2C)
}

const LENGTH: &[Change] = &[
    change("more", "CLIENT_DATA", Part::Add("length", 16)),
    change("fewer", "CLIENT_DATA", Part::Add("length", -16)),
    change("huge", "CLIENT_DATA", Part::Set("length", &[0xFF; 4])),
];

pub(super) const LENGTH_SPEC: AttackSpec = AttackSpec {
    id: "length-prefix",
    help: "Announces more, or fewer, bytes than follow in the length before a DATA, or 4 GiB. The \
           length is under no MAC. It is tried over streams: datagrams have no length.",
    powers: MODIFY,
    params: EVERY,
    cases: &["more", "fewer", "huge"],
    properties: &[Property::Availability],
    claims: &["RT-C2"],
    control: Control::without("length"),
    stage: Stage {
        params: &[],
        ..super::STAGE
    },
    ..super::BASE
};

pub(super) fn length(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, LENGTH)
}

const TRUNCATE: &[Change] = &[
    change("data-70", "CLIENT_DATA", Part::Truncate(70)),
    change("data-54", "CLIENT_DATA", Part::Truncate(54)),
    change("hello-70", "CLIENT_HELLO", Part::Truncate(70)),
    change("hello-54", "CLIENT_HELLO", Part::Truncate(54)),
];

pub(super) const TRUNCATE_SPEC: AttackSpec = AttackSpec {
    id: "truncate",
    help: "Cuts a DATA or HELLO to 70 or to 54 bytes: less than the shortest frame, and less than \
           header, IV and HMAC.",
    powers: MODIFY,
    params: EVERY,
    cases: &["data-70", "data-54", "hello-70", "hello-54"],
    properties: &[Property::Availability],
    claims: &["RT-C2"],
    control: Control::without("length"),
    ..super::BASE
};

pub(super) fn truncate(setup: &Setup<'_>) -> Tamper {
    Tamper::new(setup, TRUNCATE)
}
