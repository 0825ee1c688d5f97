//! `solve-rows` and `predict-next`: every key is an equation about the first rows.

use std::sync::Arc;

use super::algebra::Rows;
use super::forge::{challenge, named};
use super::listen::{Ears, Heard};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Errand, Grant, Need, Power, Property, Verdict,
    View,
};
use crate::vault_exchange::params::Params;

pub(super) const ROWS_SPEC: AttackSpec = AttackSpec {
    id: "solve-rows",
    help: "Knows one row. Solves the equations that the keys are for all others, carried over the \
           updates, and names whole rows: the sums of even requests alone leave one row open.",
    powers: &[Power::Observe],
    knows: &[Need {
        secret: "first-row",
        of: "device",
        at: "0s",
    }],
    properties: &[Property::Secrecy],
    claims: &["VX-C2", "VX-C3"],
    control: Control::without("secrecy"),
    claims_secrets: &["row"],
    ..super::BASE
};

/// Names rows.
#[derive(Debug)]
pub(super) struct SolveRows {
    ears: Ears,
}

impl SolveRows {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            ears: Ears::new(params),
        }
    }
}

impl Attacker for SolveRows {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        let row = Rows::of(&self.ears.params, &[0]);
        self.ears.model(grant.of).learn(row, grant.bytes());
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if let Some(Heard::Asked(host)) = self.ears.hear(view) {
            cx.tried();
            let params = Arc::clone(&self.ears.params);
            // Row 0 was told: its later values are no achievement.
            for index in (0..=255u8).take(params.keys).skip(1) {
                let row = Rows::of(&params, &[index]);
                for value in self.ears.model(host).values(row) {
                    cx.claim("row", host, &value[..params.key_bytes]);
                }
            }
        }
        Verdict::Pass
    }
}

pub(super) const PREDICT_SPEC: AttackSpec = AttackSpec {
    id: "predict-next",
    help: "Listens from the first session on. Before each session it draws a random challenge and names \
           its combined key if the keys seen so far determine it. The numbers of rows and indices are \
           the protocol's `keys` and `challenge`.",
    powers: &[Power::Observe],
    properties: &[Property::Secrecy],
    claims: &["VX-C3"],
    control: Control::without("update"),
    claims_secrets: &["challenge-key"],
    stage: crate::attack::Stage {
        params: &[("sessions", "50"), ("keys", "8"), ("challenge", "3")],
        errands: &[Errand {
            from: "device",
            to: "server",
            commands: &["authenticate"],
            every: "",
            first: "",
        }],
        duration: "12min",
        ..super::STAGE
    },
    ..super::BASE
};

/// Names the keys of requests that nobody has made yet.
#[derive(Debug)]
pub(super) struct PredictNext {
    ears: Ears,
}

impl PredictNext {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            ears: Ears::new(params),
        }
    }
}

impl Attacker for PredictNext {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if let Some(Heard::Asked(host)) = self.ears.hear(view) {
            cx.tried();
            let params = Arc::clone(&self.ears.params);
            let list = challenge(&params, cx);
            for value in self.ears.model(host).values(Rows::of(&params, &list)) {
                cx.claim("challenge-key", host, named(&params, &list, &value));
            }
        }
        Verdict::Pass
    }
}
