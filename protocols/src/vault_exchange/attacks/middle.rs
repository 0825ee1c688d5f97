//! `mitm`, `reflect`, `flood-requests`: in the middle, and too much of everything.

use std::sync::Arc;

use super::forge::{self, Couple, Kind};
use crate::address::Address;
use crate::attack::kit::Reflect;
use crate::attack::{
    ALL_POWERS, AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup,
    Verdict, View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::time::Span;
use crate::vault_exchange::PORT;
use crate::vault_exchange::params::Params;

const MITM_CASES: &[&str] = &["key", "both"];

pub(super) const MITM_SPEC: AttackSpec = AttackSpec {
    id: "mitm",
    help: "Relays everything, reads the server's key and gives the device a random one of its own \
           (`key`); or also asks the server for rows of its own choice in the device's name (`both`), so \
           that both sides hold keys that the attacker chose and knows.",
    powers: ALL_POWERS,
    cases: MITM_CASES,
    properties: &[Property::Agreement, Property::Secrecy, Property::Desync],
    claims_secrets: &["session-key"],
    ..super::BASE
};

/// Keeps the two sides on different keys.
#[derive(Debug)]
pub(super) struct Mitm {
    params: Arc<Params>,
    cases: Cases,
    case: usize,
}

impl Mitm {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            cases: Cases::new(MITM_CASES, setup.case),
            case: 0,
        }
    }
}

impl Attacker for Mitm {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let params = &self.params;
        match forge::kind(params, view.bytes) {
            Some(Kind::Question) => {
                self.case = self.cases.turn();
                if MITM_CASES[self.case] == "key" {
                    return Verdict::Pass;
                }
                // The last bytes are the indices: the first p rows.
                let list: Vec<u8> = (0..=255).take(params.challenge).collect();
                let mut frame = view.bytes.to_vec();
                let start = if params.hardened() { 26 } else { 2 };
                if let Some(place) = frame.get_mut(start..start + list.len()) {
                    place.copy_from_slice(&list);
                }
                Verdict::Modify(frame)
            }
            Some(Kind::Answer) => {
                let Some(key) = forge::combined(params, view.bytes) else {
                    let mut frame = view.bytes.to_vec();
                    if let Some(last) = frame.last_mut() {
                        *last ^= 1;
                    }
                    return Verdict::Modify(frame);
                };
                cx.claim("session-key", view.from.host, key);
                let own = forge::random_key(params, cx);
                Verdict::Modify(forge::answer(params, &own, &[], cx))
            }
            _ => Verdict::Pass,
        }
    }
}

const REFLECT_CASES: &[&str] = &["INDICES", "KEY"];

pub(super) const REFLECT_SPEC: AttackSpec = AttackSpec {
    id: "reflect",
    help: "Sends INDICES back to the device under the server's address, or KEY back to the server under \
           the device's.",
    powers: &[Power::Observe, Power::Spoof],
    cases: REFLECT_CASES,
    properties: &[Property::Availability],
    // No twin of the text minds a frame that is not its turn; the published program does not survive one.
    control: Control {
        variant: "literal",
        without: "",
        params: &[],
    },
    stage: super::BUSY,
    ..super::BASE
};

pub(super) fn reflect(params: &Params, setup: &Setup<'_>) -> Reflect {
    let case = Cases::new(REFLECT_CASES, setup.case).turn();
    let name = [("INDICES"), forge::answer_name(params)][case];
    Reflect::new(setup, name, None, false)
}

const FLOOD_CASES: &[&str] = &["spoofed", "own"];

pub(super) const FLOOD_SPEC: AttackSpec = AttackSpec {
    id: "flood-requests",
    help: "Sends random well-formed INDICES, one every `gap`, from the second minute to the third, under \
           the device's address (`spoofed`) or an own one (`own`).",
    powers: &[Power::Spoof, Power::Inject],
    params: &[ParameterSpec {
        name: "gap",
        kind: ParameterKind::Duration {
            min: 1_000_000,
            max: 3_600_000_000_000,
            zero: None,
        },
        default: "100ms",
        help: "time between two requests",
    }],
    cases: FLOOD_CASES,
    properties: &[Property::Availability],
    control: Control::without("queue"),
    stage: super::BUSY,
    ..super::BASE
};

const FLOOD_FROM: Span = Span::from_secs(120);
const FLOOD_SECONDS: u64 = 60;
const TICK: u32 = 0;

/// Asks again and again.
#[derive(Debug)]
pub(super) struct Flood {
    params: Arc<Params>,
    couple: Couple,
    own: Address,
    cases: Cases,
    gap: Span,
    left: u64,
}

impl Flood {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        let gap = setup.params.integer("gap", 100_000_000).max(1_000_000);
        Self {
            params: Arc::clone(params),
            couple: Couple::new(setup),
            own: setup.own(0, PORT),
            cases: Cases::new(FLOOD_CASES, setup.case),
            gap: Span(gap),
            left: FLOOD_SECONDS * 1_000_000_000 / gap,
        }
    }
}

impl Attacker for Flood {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, FLOOD_FROM);
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let own = FLOOD_CASES[self.cases.turn()] == "own";
        let list = forge::challenge(&self.params, cx);
        let frame = forge::request(&self.params, self.couple.id, &list, cx);
        let from = if own { self.own } else { self.couple.device };
        cx.inject(from, self.couple.server, frame);
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            cx.arm(TICK, self.gap);
        }
    }
}
