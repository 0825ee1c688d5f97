//! `eavesdrop` and `relay`: read everything, with no key.

use std::sync::Arc;

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Errand, Power, Property, Stage, Verdict, View,
};
use crate::ratchet::messages::{DATA, HELLO, RESPONSE};
use crate::ratchet::params::Params;
use crate::time::Span;

use super::craft::{clear, in_clear};

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "eavesdrop",
    help: "Reads every frame. Names a payload where it stands in clear; from the size of a \
           ciphertext it learns the number of blocks, and guesses no value. Links sessions by the \
           client_id in the header.",
    powers: &[Power::Observe],
    properties: &[Property::Secrecy, Property::Anonymity],
    claims: &["RT-C1", "RT-C14"],
    control: Control::without("cipher"),
    stage: Stage {
        // A game of anonymity needs random times and at least a hundred rounds.
        errands: &[Errand {
            every: "exp(20s)",
            ..super::STAGE.errands[0]
        }],
        ..super::STAGE
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Eavesdrop {
    params: Arc<Params>,
    /// The session before: its first frame and client id.
    last: Option<(u64, u8)>,
}

impl Eavesdrop {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            params: Arc::clone(params),
            last: None,
        }
    }

    fn listen(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let Some(shown) = clear(&self.params, view.bytes) else {
            return;
        };
        match shown.opcode {
            HELLO => {
                cx.tried();
                if let Some((first, before)) = self.last {
                    cx.claim_link(first, view.frame, before == shown.client);
                }
                self.last = Some((view.frame, shown.client));
            }
            DATA | RESPONSE => {
                if let Some(text) = in_clear(&self.params, view.bytes) {
                    cx.claim("payload", view.from.host, text);
                }
            }
            _ => {}
        }
    }
}

impl Attacker for Eavesdrop {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        self.listen(view, cx);
        Verdict::Pass
    }
}

/// How long a relay keeps a frame.
const DETOUR: Span = Span::from_millis(200);

pub(super) const RELAY_SPEC: AttackSpec = AttackSpec {
    id: "relay",
    help: "Passes everything on unchanged, 200 ms later each way, and names payloads where they \
           stand in clear.",
    powers: &[Power::Observe, Power::Delay],
    properties: &[Property::Secrecy, Property::Availability],
    claims: &["RT-C1"],
    control: Control::without("cipher"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Relay {
    ears: Eavesdrop,
}

impl Relay {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            ears: Eavesdrop::new(params),
        }
    }
}

impl Attacker for Relay {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        self.ears.listen(view, cx);
        Verdict::Delay(DETOUR)
    }
}
