//! `replay-indices` and `replay-key`: frames of earlier sessions.

use std::sync::Arc;

use super::forge::{self, Kind};
use crate::address::Address;
use crate::attack::kit::Answer;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Power, Property, Setup, Stage,
    Verdict, View,
};
use crate::time::Span;
use crate::vault_exchange::params::Params;

const CASES: &[&str] = &["idle", "session"];

pub(super) const INDICES_SPEC: AttackSpec = AttackSpec {
    id: "replay-indices",
    help: "Sends the first INDICES of the device again: half a minute after the last frame, when both \
           sides rest (`idle`), or three seconds after a KEY, while the session runs (`session`).",
    powers: &[Power::Observe, Power::Spoof],
    cases: CASES,
    properties: &[Property::Agreement, Property::Desync],
    claims: &["VX-C1", "VX-C4"],
    control: Control::without("session"),
    stage: Stage {
        errands: &[Errand {
            from: "device",
            to: "server",
            commands: &["authenticate"],
            every: "5min",
            first: "",
        }],
        ..super::STAGE
    },
    ..super::BASE
};

const PLAY: u32 = 0;

/// Plays an old request.
#[derive(Debug)]
pub(super) struct ReplayIndices {
    params: Arc<Params>,
    cases: Cases,
    kept: Option<(Address, Address, Vec<u8>)>,
}

impl ReplayIndices {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            cases: Cases::new(CASES, setup.case),
            kept: None,
        }
    }
}

impl Attacker for ReplayIndices {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match forge::kind(&self.params, view.bytes) {
            Some(Kind::Question) => {
                self.kept
                    .get_or_insert_with(|| (view.from, view.to, view.bytes.to_vec()));
            }
            Some(Kind::Answer) => {
                let idle = CASES[self.cases.turn()] == "idle";
                cx.arm(PLAY, Span::from_secs(if idle { 30 } else { 3 }));
            }
            _ => {}
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some((from, to, bytes)) = &self.kept {
            cx.inject(*from, *to, bytes.clone());
        }
    }
}

pub(super) const KEY_SPEC: AttackSpec = AttackSpec {
    id: "replay-key",
    help: "Lets one session pass; from then on keeps every INDICES from the server and answers it with \
           the KEY of that session.",
    powers: super::IN_PLACE,
    properties: &[Property::Agreement, Property::Desync],
    claims: &["VX-C1", "VX-C4"],
    ..super::BASE
};

pub(super) fn key(params: &Params, setup: &Setup<'_>) -> Answer {
    Answer::new(setup, "INDICES", forge::answer_name(params))
}
