//! Messages of earlier sessions: `replay-m1`, `replay-m2`, `replay-m4`.

use crate::attack::kit::{Replace, message};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Verdict, View,
};

const M1_CASES: &[&str] = &["own-address", "in-wait"];

pub(super) const M1_SPEC: AttackSpec = AttackSpec {
    id: "replay-m1",
    help: "Sends an old M1 of a device: from an address of its own, or under the device's address \
           while M2 is on its way. The server keeps one handshake a device, and a new M1 replaces the \
           one under way.",
    powers: &[Power::Observe, Power::Inject, Power::Spoof],
    cases: M1_CASES,
    properties: &[Property::Agreement, Property::Availability],
    claims: &["SV-C1", "SV-C4"],
    control: Control::without("pending"),
    ..super::BASE
};

/// Sends an old M1.
#[derive(Debug)]
pub(super) struct ReplayM1 {
    m1: Option<usize>,
    m2: Option<usize>,
    cases: Cases,
    own: crate::address::Address,
    kept: Option<(crate::address::Address, crate::address::Address, Vec<u8>)>,
    /// The device has announced itself, and its M2 is still to come.
    awaited: bool,
}

pub(super) fn m1(setup: &Setup<'_>) -> ReplayM1 {
    ReplayM1 {
        m1: message(setup.instance, "M1"),
        m2: message(setup.instance, "M2"),
        cases: Cases::new(M1_CASES, setup.case),
        own: setup.own(0, super::super::PORT),
        kept: None,
        awaited: false,
    }
}

impl Attacker for ReplayM1 {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.m1.is_some() && view.message == self.m1 {
            let (device, ..) = self
                .kept
                .get_or_insert_with(|| (view.from, view.to, view.bytes.to_vec()));
            self.awaited |= view.from == *device;
        } else if self.awaited
            && view.message == self.m2
            && let Some((device, server, bytes)) = self.kept.clone()
            && view.to == device
        {
            // The M2 that answers the replay is none of the device's own.
            self.awaited = false;
            if M1_CASES[self.cases.turn()] == "own-address" {
                cx.inject(self.own, server, bytes);
            } else {
                // It reaches the server before the device's answer does.
                cx.inject(device, server, bytes);
            }
        }
        Verdict::Pass
    }
}

pub(super) const M2_SPEC: AttackSpec = AttackSpec {
    id: "replay-m2",
    help: "Replaces every M2 by the first one it has seen; the M3 that follows is passed on. It answers \
           an r1 that the server did not ask for.",
    powers: super::IN_PLACE,
    properties: &[Property::Agreement, Property::Desync],
    ..super::BASE
};

pub(super) fn m2(setup: &Setup<'_>) -> Replace {
    Replace::new(setup, "M2", true)
}

pub(super) const M4_SPEC: AttackSpec = AttackSpec {
    id: "replay-m4",
    help: "Replaces every M4 by the first one it has seen. Without r2 the device would take it for \
           the server's answer.",
    powers: super::IN_PLACE,
    properties: &[Property::Agreement, Property::Desync],
    control: Control::without("r2"),
    ..super::BASE
};

pub(super) fn m4(setup: &Setup<'_>) -> Replace {
    Replace::new(setup, "M4", true)
}
