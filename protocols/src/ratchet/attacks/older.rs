//! `old-challenge` and `old-response`: an answer of an earlier session in the place of this one's.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Errand, Property, Setup, Stage, Verdict, View,
};
use crate::ratchet::params::Params;

use super::craft::clear;

pub(super) const CHALLENGE_SPEC: AttackSpec = AttackSpec {
    id: "old-challenge",
    help: "Replaces the genuine CHALLENGE by the first one that the client ever got, then lets \
           everything pass. Both CHALLENGEs are made under the same keys, which follow from K alone.",
    powers: super::IN_PLACE,
    properties: &[Property::Agreement, Property::Desync],
    claims: &["RT-C3", "RT-C7"],
    ..super::BASE
};

/// Sessions enough for what succeeds once in 256 times.
const MANY: Stage = Stage {
    errands: &[Errand {
        from: "client",
        to: "server",
        commands: &["authenticate", "send-data", "finish"],
        every: "5s",
        first: "",
    }],
    duration: "2h",
    ..super::STAGE
};

pub(super) const RESPONSE_SPEC: AttackSpec = AttackSpec {
    id: "old-response",
    help: "Replaces RESPONSE r by RESPONSE r of the first session, over many sessions. The MAC key \
           of the server's direction moves by a constant, so that it is the same in every session: \
           the HMAC is good, and only the padding under another cipher key stands against it.",
    powers: super::IN_PLACE,
    properties: &[Property::Integrity],
    claims: &["RT-C3", "RT-C10"],
    control: Control::without("ratchet"),
    stage: MANY,
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Older {
    params: Arc<Params>,
    target: Option<usize>,
    /// The first of each client's host and round.
    kept: BTreeMap<(u32, u32), Vec<u8>>,
}

impl Older {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>, name: &str) -> Self {
        Self {
            params: Arc::clone(params),
            target: message(setup.instance, name),
            kept: BTreeMap::new(),
        }
    }
}

impl Attacker for Older {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.target.is_none() || view.message != self.target {
            return Verdict::Pass;
        }
        let round = clear(&self.params, view.bytes).map_or(0, |shown| shown.round);
        match self.kept.get(&(view.to.host, round)) {
            Some(old) if *old != view.bytes => {
                cx.inject(view.from, view.to, old.clone());
                Verdict::Drop
            }
            Some(_) => Verdict::Pass,
            None => {
                self.kept.insert((view.to.host, round), view.bytes.to_vec());
                Verdict::Pass
            }
        }
    }
}
