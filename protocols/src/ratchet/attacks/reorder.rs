//! `reorder`: a DATA arrives after the next frame of its client.

use std::collections::BTreeMap;

use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Power, Property, Setup, Verdict, View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::time::Span;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "reorder",
    help: "Holds one DATA of every other session back and delivers it right behind the next DATA or \
           HELLO of the same client, whichever comes first.",
    powers: &[Power::Delay, Power::Reorder],
    params: &[ParameterSpec {
        name: "behind",
        kind: ParameterKind::Duration {
            min: 1_000,
            max: 60_000_000_000,
            zero: None,
        },
        default: "60ms",
        help: "how long after the other frame has passed it arrives",
    }],
    properties: &[Property::Integrity, Property::Agreement],
    claims: &["RT-C4"],
    control: Control::without("freshness"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Reorder {
    hello: Option<usize>,
    data: Option<usize>,
    behind: Span,
    /// The held frame of each client; `None`: the next DATA is let go.
    held: BTreeMap<u32, Option<u64>>,
}

impl Reorder {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            hello: message(setup.instance, "CLIENT_HELLO"),
            data: message(setup.instance, "CLIENT_DATA"),
            behind: Span(setup.params.integer("behind", 60_000_000)),
            held: BTreeMap::new(),
        }
    }
}

impl Attacker for Reorder {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let data = view.message == self.data;
        if !data && view.message != self.hello {
            return Verdict::Pass;
        }
        match self.held.get(&view.from.host).copied() {
            Some(Some(frame)) => {
                cx.release(frame, self.behind);
                self.held.insert(view.from.host, None);
            }
            Some(None) if data => {
                self.held.remove(&view.from.host);
            }
            None if data => {
                self.held.insert(view.from.host, Some(view.frame));
                return Verdict::Hold;
            }
            _ => {}
        }
        Verdict::Pass
    }
}
