//! `reflect`: messages go back to who sent them, under the tag of the message that is due.

use crate::attack::kit::message;
use crate::attack::{AttackContext, AttackSpec, Attacker, Cases, Control, Setup, Verdict, View};

const CASES: &[&str] = &["M3-as-M4", "M2-as-M1", "M4-as-M3"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "reflect",
    help: "Sends M3 back to the device as M4, M2 back to the server as M1, M4 back to the server as \
           M3, with the tag changed; the frame itself is taken off the path.",
    powers: super::IN_PLACE,
    cases: CASES,
    control: Control::without("r2"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Reflection {
    /// For each case: the message, and the tag that it gets.
    cases: [(Option<usize>, u8); 3],
    turns: Cases,
    case: usize,
    /// The prototype's texts have no tag.
    tagged: bool,
}

pub(super) fn new(setup: &Setup<'_>) -> Reflection {
    let mut turns = Cases::new(CASES, setup.case);
    let of = |name| message(setup.instance, name);
    Reflection {
        cases: [(of("M3"), 4), (of("M2"), 1), (of("M4"), 3)],
        case: turns.turn(),
        turns,
        tagged: setup.instance.layouts().iter().any(|it| it.tag.is_some()),
    }
}

impl Attacker for Reflection {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let (target, tag) = self.cases[self.case];
        if target.is_none() || view.message != target {
            return Verdict::Pass;
        }
        let mut bytes = view.bytes.to_vec();
        if let Some(first) = bytes.first_mut().filter(|_| self.tagged) {
            *first = tag;
        }
        cx.inject(view.to, view.from, bytes);
        self.case = self.turns.turn();
        Verdict::Drop
    }
}
