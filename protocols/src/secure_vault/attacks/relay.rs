//! `relay` and `mitm`: in the middle of everything, with the cipher as the only obstacle.

use crate::attack::kit::{Change, EVERY, Part, Tamper};
use crate::attack::{
    ALL_POWERS, AttackContext, AttackSpec, Attacker, Control, Power, Property, Setup, Verdict, View,
};
use crate::secure_vault::params::{Params, Variant};
use crate::time::Span;

use super::eavesdrop::Eavesdrop;

/// How long a relay keeps a frame.
const DETOUR: Span = Span::from_millis(200);

pub(super) const RELAY_SPEC: AttackSpec = AttackSpec {
    id: "relay",
    help: "Passes everything on unchanged, 200 ms later each way, and names the session key where it \
           can read it. Distance bounds are no part of the protocol: both ends accept.",
    powers: &[Power::Observe, Power::Delay],
    properties: &[Property::Secrecy],
    control: Control::without("cipher"),
    claims_secrets: &["session-key"],
    ..super::BASE
};

/// Listens and delays.
#[derive(Debug)]
pub(super) struct Relay {
    ears: Eavesdrop,
}

impl Relay {
    pub(super) const fn new(params: &Params) -> Self {
        Self {
            ears: Eavesdrop::new(params),
        }
    }
}

impl Attacker for Relay {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        self.ears.on_packet(view, cx);
        Verdict::Delay(DETOUR)
    }
}

const fn change(case: &'static str, message: &'static str, part: Part) -> Change {
    Change {
        case,
        message,
        part,
    }
}

const CHANGES: &[Change] = &[
    change("M1-device-id", "M1", Part::EachBit("device_id")),
    change("M1-session-id", "M1", Part::EachBit("session_id")),
    change("M2-c1", "M2", Part::EachBit("c1")),
    change("M2-r1", "M2", Part::EachBit("r1")),
    change("M3", "M3", Part::AnyBit),
    change("M4", "M4", Part::AnyBit),
];

pub(super) const MITM_SPEC: AttackSpec = AttackSpec {
    id: "mitm",
    help: "Relays everything and changes one field of one message a session; names the session key \
           where it can read it.",
    powers: ALL_POWERS,
    params: EVERY,
    cases: &[
        "M1-device-id",
        "M1-session-id",
        "M2-c1",
        "M2-r1",
        "M3",
        "M4",
    ],
    properties: &[Property::Agreement, Property::Secrecy, Property::Desync],
    control: Control::without("cipher"),
    claims_secrets: &["session-key"],
    stage: super::STAGE.with_nodes(&[("device", 20), ("server", 1)]),
    ..super::BASE
};

/// Listens and changes.
#[derive(Debug)]
pub(super) struct Mitm {
    ears: Eavesdrop,
    hands: Tamper,
}

impl Mitm {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            ears: Eavesdrop::new(params),
            hands: Tamper::new(
                setup,
                match params.variant {
                    Variant::Literal => super::text::MITM,
                    _ => CHANGES,
                },
            ),
        }
    }
}

impl Attacker for Mitm {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        self.ears.on_packet(view, cx);
        self.hands.on_packet(view, cx)
    }
}
