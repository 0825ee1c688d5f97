//! `flood-m1` and `steal-slot`: frames that take a place at the server.

use crate::address::Address;
use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, Verdict,
    View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::secure_vault::{DEVICE, PORT, SERVER};
use crate::time::Span;

const CASES: &[&str] = &["one", "all"];

const FLOOD_PARAMS: &[ParameterSpec] = &[ParameterSpec {
    name: "gap",
    kind: ParameterKind::Duration {
        min: 1_000,
        max: 3_600_000_000_000,
        zero: None,
    },
    default: "10ms",
    help: "time between two frames",
}];

pub(super) const M1_SPEC: AttackSpec = AttackSpec {
    id: "flood-m1",
    help: "Sends M1 under the addresses of the devices, for one id or for all, one every `gap`. Each \
           replaces the handshake that is under way with that device, before anything is verified.",
    powers: &[Power::Inject, Power::Spoof],
    positions: &[Position::OffPath, Position::OnPath],
    params: FLOOD_PARAMS,
    cases: CASES,
    properties: &[Property::Availability],
    claims: &["SV-C4"],
    control: Control::without("pending"),
    variants: super::BINARY,
    stage: crate::attack::Stage {
        duration: "20min",
        ..super::STAGE
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct FloodM1 {
    size: usize,
    gap: Span,
    server: Option<Address>,
    /// Host and id of the devices that are named.
    devices: Vec<(u32, u32)>,
    cases: Cases,
    next: usize,
}

pub(super) fn m1(setup: &Setup<'_>) -> FloodM1 {
    let parties = setup.roster.parties.iter();
    let size = message(setup.instance, "M1")
        .and_then(|place| setup.instance.layouts()[place].fixed_size())
        .unwrap_or(9);
    FloodM1 {
        size: size as usize,
        gap: Span(setup.params.integer("gap", 10_000_000).max(1_000)),
        server: setup.first_of(SERVER),
        devices: parties
            .filter(|party| party.role == DEVICE)
            .map(|party| (party.host, party.ordinal))
            .collect(),
        cases: Cases::new(CASES, setup.case),
        next: 0,
    }
}

const TICK: u32 = 0;

impl Attacker for FloodM1 {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, self.gap);
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, self.gap);
        let one = CASES[self.cases.turn()] == "one";
        let place = if one { 0 } else { self.next };
        self.next = (self.next + 1) % self.devices.len().max(1);
        if let (Some(&(host, id)), Some(server)) = (self.devices.get(place), self.server) {
            let mut frame = vec![0; self.size];
            cx.random(&mut frame[5..9]);
            frame[0] = 1;
            frame[1..5].copy_from_slice(&id.to_be_bytes());
            cx.inject(Address::new(host, PORT), server, frame);
        }
    }
}

pub(super) const SLOT_SPEC: AttackSpec = AttackSpec {
    id: "steal-slot",
    help: "Between M2 and M3 of a device sends the server one datagram from an address of its own. The \
           prototype's server waits for the next datagram from anybody and takes it for the answer.",
    powers: &[Power::Inject],
    properties: &[Property::Availability],
    claims: &["SV-C4"],
    control: Control::without("pending"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct StealSlot {
    m2: Option<usize>,
    own: Address,
}

impl StealSlot {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            m2: message(setup.instance, "M2"),
            own: setup.own(0, PORT),
        }
    }
}

impl Attacker for StealSlot {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.m2.is_some() && view.message == self.m2 {
            cx.inject(self.own, view.from, *b"x");
        }
        Verdict::Pass
    }
}
