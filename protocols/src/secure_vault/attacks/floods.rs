//! `flood-m1` and `steal-slot`: frames that take a place at the server.

use crate::address::Address;
use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, CaseParams, Cases, Control, Position, Power, Property,
    Setup, Verdict, View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::secure_vault::params::Params;
use crate::secure_vault::{DEVICE, PORT, SERVER};
use crate::time::Span;

use super::forge;

const CASES: &[&str] = &["one", "all", "own", "table"];

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
    help: "Sends M1, one every `gap`: under a device's address and id (`one`), under those of all in \
           turn (`all`), or from an address of its own under the ids of all (`own`). Each replaces the \
           handshake that is under way with that device, before anything is verified. `table` sends \
           fifty thousand a second for four seconds from its own address: more than the server \
           remembers handshakes within one round trip.",
    powers: &[Power::Inject, Power::Spoof],
    positions: &[Position::OffPath, Position::OnPath],
    params: FLOOD_PARAMS,
    cases: CASES,
    properties: &[Property::Availability],
    claims: &["SV-C4"],
    control: Control::without("pending"),
    stage: crate::attack::Stage {
        duration: "20min",
        ..super::STAGE
            .with_nodes(&[("device", 40), ("server", 1)])
            .with_cases(&[CaseParams {
                case: "table",
                params: &[],
                variants: &["hardened"],
            }])
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct FloodM1 {
    params: Params,
    gap: Span,
    server: Option<Address>,
    own: Address,
    /// Host and id of the devices that are named.
    devices: Vec<(u32, u32)>,
    cases: Cases,
    table: bool,
    next: usize,
}

pub(super) fn m1(params: &Params, setup: &Setup<'_>) -> FloodM1 {
    let parties = setup.roster.parties.iter();
    FloodM1 {
        params: params.clone(),
        gap: Span(setup.params.integer("gap", 10_000_000).max(1_000)),
        server: setup.first_of(SERVER),
        own: setup.own(0, PORT),
        devices: parties
            .filter(|party| party.role == DEVICE)
            .map(|party| (party.host, party.ordinal))
            .collect(),
        table: setup.case == Some("table"),
        cases: Cases::new(CASES, setup.case.or(Some("own"))),
        next: 0,
    }
}

const TICK: u32 = 0;
/// When devices begin, and the epoch that M1 names is the first.
const BURST_FROM: Span = Span::from_secs(30);
const BURST_GAP: Span = Span(20_000);
const BURST_FRAMES: usize = 200_000;

impl Attacker for FloodM1 {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, if self.table { BURST_FROM } else { self.gap });
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if !self.table || self.next < BURST_FRAMES {
            cx.arm(TICK, if self.table { BURST_GAP } else { self.gap });
        }
        let case = CASES[self.cases.turn()];
        let place = if case == "one" { 0 } else { self.next };
        self.next += 1;
        let place = place.checked_rem(self.devices.len()).unwrap_or(0);
        if let (Some(&(host, id)), Some(server)) = (self.devices.get(place), self.server) {
            // `hardened` names an epoch, which grows with the sessions: it has to be guessed.
            let epoch = if self.table { 0 } else { cx.uniform(24) };
            let epoch = u32::try_from(epoch).unwrap_or(0);
            let frame = forge::opening(&self.params, id, epoch, cx);
            let from = match case {
                "one" | "all" => Address::new(host, PORT),
                _ => self.own,
            };
            cx.inject(from, server, frame);
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
