//! `eavesdrop`: the key is there to be read.

use std::sync::Arc;

use super::forge::{self, Kind};
use crate::attack::{AttackContext, AttackSpec, Attacker, Control, Power, Property, Verdict, View};
use crate::vault_exchange::params::Params;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "eavesdrop",
    help: "Reads every INDICES and KEY and names the combined key, which travels in clear; where an \
           answer carries more rows, it names those too.",
    powers: &[Power::Observe],
    properties: &[Property::Secrecy],
    claims: &["VX-C2", "VX-C5"],
    control: Control::without("secrecy"),
    claims_secrets: &["session-key", "row"],
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Eavesdrop {
    params: Arc<Params>,
}

impl Eavesdrop {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            params: Arc::clone(params),
        }
    }
}

impl Attacker for Eavesdrop {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if forge::kind(&self.params, view.bytes) != Some(Kind::Answer) {
            return Verdict::Pass;
        }
        cx.tried();
        if let Some(key) = forge::combined(&self.params, view.bytes) {
            cx.claim("session-key", view.to.host, key);
            let rest = view.bytes.get(1 + key.len()..).unwrap_or_default();
            for row in rest.chunks_exact(key.len()) {
                cx.claim("row", view.to.host, row);
            }
        }
        Verdict::Pass
    }
}
