//! `reorder-data`: application frames swapped, doubled, and played in the next session.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Power, Property, Setup, Verdict,
    View,
};
use crate::time::Span;

const CASES: &[&str] = &["swap", "double", "next-session"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "reorder-data",
    help: "Holds a DATA frame, up or down, until the next one of its sender has passed (`swap`), sends a \
           second copy (`double`), or holds it until one of the next session comes, and lets it go before \
           that (`next-session`).",
    powers: &[Power::Delay, Power::Reorder, Power::Duplicate],
    cases: CASES,
    properties: &[Property::Integrity],
    claims: &["SV-C8"],
    control: Control::without("mac"),
    variants: super::WITH_DATA,
    // Both ends send on when a frame is late: a list would wait for it, and nothing could pass it.
    stage: super::STAGE.with_errands(&[
        Errand {
            from: "device",
            to: "server",
            commands: &["authenticate"],
            every: "exp(2min)",
            first: "",
        },
        Errand {
            from: "device",
            to: "server",
            commands: &["send-data"],
            every: "exp(20s)",
            first: "1min",
        },
        Errand {
            from: "server",
            to: "device",
            commands: &["send-data"],
            every: "exp(10s)",
            first: "2min",
        },
    ]),
    ..super::BASE
};

/// How far the later of two frames goes behind the other: more than what is left of a link's delay.
const BEHIND: Span = Span::from_secs(1);

/// What goes from one party to another.
#[derive(Debug, Default)]
struct Lane {
    /// The frame that is held.
    held: Option<u64>,
    /// A session has begun since.
    over: bool,
}

#[derive(Debug)]
pub(super) struct ReorderData {
    data: [Option<usize>; 2],
    opening: Option<usize>,
    cases: Cases,
    case: usize,
    lanes: BTreeMap<(Address, Address), Lane>,
}

impl ReorderData {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let mut cases = Cases::new(CASES, setup.case);
        Self {
            data: ["DATA_UP", "DATA_DOWN"].map(|name| message(setup.instance, name)),
            opening: message(setup.instance, "M1"),
            case: cases.turn(),
            cases,
            lanes: BTreeMap::new(),
        }
    }
}

impl Attacker for ReorderData {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.message.is_none() {
            return Verdict::Pass;
        }
        if view.message == self.opening {
            self.case = self.cases.turn();
            for ((from, to), lane) in &mut self.lanes {
                lane.over |= *from == view.from || *to == view.from;
            }
        }
        if !self.data.contains(&view.message) {
            return Verdict::Pass;
        }
        let lane = self.lanes.entry((view.from, view.to)).or_default();
        match (CASES[self.case], lane.held) {
            ("double", _) => Verdict::Duplicate {
                copies: 1,
                after: BEHIND,
            },
            (_, None) => {
                *lane = Lane {
                    held: Some(view.frame),
                    over: false,
                };
                Verdict::Hold
            }
            ("swap", Some(earlier)) => {
                lane.held = None;
                cx.release(earlier, BEHIND);
                Verdict::Pass
            }
            (_, Some(earlier)) if lane.over => {
                lane.held = None;
                cx.release(earlier, Span::ZERO);
                Verdict::Delay(BEHIND)
            }
            _ => Verdict::Pass,
        }
    }
}
