//! `reorder-data`: application frames swapped, doubled, and played in the next session.

use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Verdict, View,
};
use crate::time::Span;

const CASES: &[&str] = &["swap", "double", "next-session"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "reorder-data",
    help: "Holds a DATA_UP until the next one has passed (`swap`), sends a second copy (`double`), or \
           plays it in a later session (`next-session`).",
    powers: &[
        Power::Observe,
        Power::Delay,
        Power::Reorder,
        Power::Duplicate,
        Power::Spoof,
    ],
    cases: CASES,
    properties: &[Property::Integrity],
    claims: &["SV-C8"],
    control: Control::without("mac"),
    variants: super::WITH_DATA,
    stage: super::DATA_STAGE,
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ReorderData {
    data: Option<usize>,
    opening: Option<usize>,
    cases: Cases,
    case: usize,
    held: Option<u64>,
    kept: Option<(crate::address::Address, crate::address::Address, Vec<u8>)>,
    played: bool,
}

impl ReorderData {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let mut cases = Cases::new(CASES, setup.case);
        Self {
            data: message(setup.instance, "DATA_UP"),
            opening: message(setup.instance, "M1"),
            case: cases.turn(),
            cases,
            held: None,
            kept: None,
            played: false,
        }
    }
}

impl Attacker for ReorderData {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if view.message == self.opening {
            self.case = self.cases.turn();
            self.held = None;
            self.played = false;
        }
        if self.data.is_none() || view.message != self.data {
            return Verdict::Pass;
        }
        match CASES[self.case] {
            "swap" => {
                if let Some(held) = self.held.take() {
                    cx.release(held, Span::from_millis(5));
                    return Verdict::Pass;
                }
                self.held = Some(view.frame);
                Verdict::Hold
            }
            "double" => Verdict::Duplicate {
                copies: 1,
                after: Span::from_millis(5),
            },
            _ => {
                match &self.kept {
                    Some((from, to, old)) if *from == view.from && !self.played => {
                        cx.inject(*from, *to, old.clone());
                        self.played = true;
                    }
                    _ => {}
                }
                self.kept = Some((view.from, view.to, view.bytes.to_vec()));
                Verdict::Pass
            }
        }
    }
}
