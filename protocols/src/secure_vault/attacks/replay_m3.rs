//! `replay-m3`: an M3 of an earlier session, under the device's address.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, Verdict,
    View,
};
use crate::secure_vault::messages::{M2, M3, M4};

/// Before the genuine M3, as soon as M2 passes; or when the session has begun.
const CASES: &[&str] = &["early", "late"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "replay-m3",
    help: "Keeps the first M3 of each device and sends it to the server under the device's address \
           in every later session: as soon as M2 passes (`early`), or once M4 has passed \
           (`late`). Without r1 the server would take it for the device's answer.",
    powers: &[Power::Observe, Power::Spoof],
    spare: &[],
    positions: &[Position::OnPath],
    knows: &[],
    params: &[],
    cases: CASES,
    properties: &[Property::Agreement],
    claims: &["SV-C1"],
    case_claims: &[],
    control: Control::without("r1"),
    variants: &[],
    claims_secrets: &[],
    stage: super::STAGE,
    stages: &[],
};

/// The attacker.
#[derive(Debug)]
pub(super) struct ReplayM3 {
    cases: Cases,
    /// The first M3 of each device.
    kept: BTreeMap<Address, Vec<u8>>,
    /// The case of the session that each device is in.
    case: BTreeMap<Address, usize>,
}

impl ReplayM3 {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            cases: Cases::new(CASES, setup.case),
            kept: BTreeMap::new(),
            case: BTreeMap::new(),
        }
    }

    fn replay(&self, device: Address, server: Address, cx: &mut AttackContext<'_>) {
        if let Some(old) = self.kept.get(&device) {
            cx.inject(device, server, old.clone());
        }
    }
}

impl Attacker for ReplayM3 {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match view.message {
            Some(M2) if self.kept.contains_key(&view.to) => {
                let case = self.cases.turn();
                self.case.insert(view.to, case);
                if CASES[case] == "early" {
                    self.replay(view.to, view.from, cx);
                }
            }
            Some(M4) if self.case.remove(&view.to).map(|case| CASES[case]) == Some("late") => {
                self.replay(view.to, view.from, cx);
            }
            Some(M3) => {
                let kept = self.kept.entry(view.from);
                kept.or_insert_with(|| view.bytes.to_vec());
            }
            _ => {}
        }
        Verdict::Pass
    }
}
