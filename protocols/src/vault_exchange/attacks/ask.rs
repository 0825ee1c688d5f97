//! `ask-one`, `ask-repeat`, `ask-outside`: requests that an honest device does not make.

use std::sync::Arc;

use super::algebra::Rows;
use super::forge::{self, Couple, Kind, named, widen};
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Position, Power, Property, Setup, Verdict,
    View,
};
use crate::time::Span;
use crate::vault_exchange::PORT;
use crate::vault_exchange::params::Params;

/// Requests come under the device's address; the answers pass on their way to it.
const POWERS: &[Power] = &[Power::Observe, Power::Inject, Power::Spoof];

/// From an own address it needs neither, and without the second it asks from there: the answer is its
/// mail.
const SPARE: &[Power] = &[Power::Observe, Power::Spoof];

/// Who only asks need not stand on the path.
const POSITIONS: &[Position] = &[Position::OnPath, Position::OffPath];

const ONE_CASES: &[&str] = &["spoofed", "own"];

pub(super) const ONE_SPEC: AttackSpec = AttackSpec {
    id: "ask-one",
    help: "Asks for one row after the other while the device is silent, under the device's address \
           (`spoofed`; the answer is read on its way to the device) or under an own one (`own`). The key \
           of a single index is the row itself.",
    powers: POWERS,
    spare: SPARE,
    positions: POSITIONS,
    cases: ONE_CASES,
    properties: &[Property::Secrecy],
    claims: &["VX-C2"],
    control: Control::without("secrecy"),
    claims_secrets: &["row", "challenge-key"],
    stage: super::SILENT,
    ..super::BASE
};

const REPEAT_CASES: &[&str] = &["repeated", "one-more", "all"];

pub(super) const REPEAT_SPEC: AttackSpec = AttackSpec {
    id: "ask-repeat",
    help: "Asks under the device's address for one index twice (`repeated`), for one index more than a \
           request has (`one-more`), and for all rows at once (`all`).",
    powers: POWERS,
    spare: SPARE,
    positions: POSITIONS,
    cases: REPEAT_CASES,
    properties: &[Property::Secrecy, Property::Agreement],
    control: Control::without("secrecy"),
    claims_secrets: &["row", "challenge-key"],
    stage: super::SILENT,
    ..super::BASE
};

const OUTSIDE_CASES: &[&str] = &["past-end", "negative", "count-0", "count-255"];

pub(super) const OUTSIDE_SPEC: AttackSpec = AttackSpec {
    id: "ask-outside",
    help: "Asks under the device's address for indices from n on (`past-end`), for 255, which is -1 as a \
           signed byte (`negative`), for none at all (`count-0`), and for 255 indices that go round \
           through the vault (`count-255`).",
    powers: POWERS,
    spare: SPARE,
    positions: POSITIONS,
    cases: OUTSIDE_CASES,
    properties: &[Property::Availability, Property::Secrecy],
    control: Control::without("secrecy"),
    claims_secrets: &["row", "challenge-key"],
    stage: super::BUSY,
    ..super::BASE
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    One,
    Repeat,
    Outside,
}

/// From one request to the next: longer than a session.
const STEP: Span = Span::from_secs(13);
/// Requests in all.
const REQUESTS: u32 = 8;
const NEXT: u32 = 0;

#[derive(Debug)]
pub(super) struct Ask {
    params: Arc<Params>,
    plan: Plan,
    couple: Couple,
    own: Address,
    /// Nobody lets it use the device's address.
    stranger: bool,
    cases: Cases,
    /// The request whose answer is awaited.
    asked: Option<Vec<u8>>,
    made: u32,
}

impl Ask {
    fn new(params: &Arc<Params>, setup: &Setup<'_>, plan: Plan, cases: &[&str]) -> Self {
        Self {
            params: Arc::clone(params),
            plan,
            couple: Couple::new(setup),
            own: setup.own(0, PORT),
            stranger: setup.lacks.contains(&Power::Spoof),
            cases: Cases::new(cases, setup.case),
            asked: None,
            made: 0,
        }
    }

    pub(super) fn one(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self::new(params, setup, Plan::One, ONE_CASES)
    }

    pub(super) fn repeat(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self::new(params, setup, Plan::Repeat, REPEAT_CASES)
    }

    pub(super) fn outside(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self::new(params, setup, Plan::Outside, OUTSIDE_CASES)
    }

    /// The indices of the next request, and whether it comes from an own address.
    fn next(&mut self) -> (Vec<u8>, bool) {
        let keys = self.params.keys;
        let rows = || (0..=255u8).take(keys);
        let turn = self.made as usize;
        let row = rows().nth(turn % keys).unwrap_or(0);
        let case = self.cases.turn();
        match (self.plan, case) {
            (Plan::One, _) => (vec![row], ONE_CASES[case] == "own"),
            (Plan::Repeat, 0) => (vec![row; 2], false),
            (Plan::Repeat, 1) => {
                let count = (self.params.challenge + 1).min(255);
                (rows().cycle().take(count).collect(), false)
            }
            (Plan::Repeat, _) => (rows().take(255).collect(), false),
            (Plan::Outside, 0) => {
                let index = u8::try_from(keys + turn * 37 % (256 - keys).max(1)).unwrap_or(u8::MAX);
                (vec![index], false)
            }
            (Plan::Outside, 1) => (vec![255], false),
            (Plan::Outside, 2) => (Vec::new(), false),
            (Plan::Outside, _) => (rows().cycle().take(255).collect(), false),
        }
    }

    fn read(&mut self, frame: &[u8], cx: &mut AttackContext<'_>) {
        let Some(key) = forge::combined(&self.params, frame) else {
            return;
        };
        let Some(list) = self.asked.take() else {
            return;
        };
        let server = self.couple.server.host;
        if list.len() == 1 {
            cx.claim("row", server, key);
        }
        // Rows named twice cancel out; the rest is a sum that nobody asked for.
        if Rows::of(&self.params, &list) != Rows::default() {
            let sum = named(&self.params, &list, &widen(key));
            cx.claim("challenge-key", server, sum);
        }
    }
}

impl Attacker for Ask {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(NEXT, Span::from_secs(5));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let (list, own) = self.next();
        let frame = forge::request(&self.params, self.couple.id, &list, cx);
        let from = if own || self.stranger {
            self.own
        } else {
            self.couple.device
        };
        cx.inject(from, self.couple.server, frame);
        self.asked = Some(list);
        self.made += 1;
        if self.made < REQUESTS {
            cx.arm(NEXT, STEP);
        }
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match forge::kind(&self.params, view.bytes) {
            Some(Kind::Answer) => self.read(view.bytes, cx),
            // The device has begun: what comes now answers it.
            Some(Kind::Question) if view.from == self.couple.device => self.asked = None,
            _ => {}
        }
        Verdict::Pass
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if forge::kind(&self.params, view.bytes) == Some(Kind::Answer) {
            self.read(view.bytes, cx);
        }
    }
}
