//! `drop-indices`, `drop-key`, `delay-key`, `duplicate`, `reorder`: frames that do not arrive, or not
//! when they should.

use std::sync::Arc;

use super::forge::{self, Kind};
use crate::attack::kit::{NTH, NTH_AND_ROW, Suppress};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Stage, Verdict,
    View,
};
use crate::time::Span;
use crate::vault_exchange::params::Params;

/// Sessions without length, as the published program would have them, and a device that begins anew
/// when one fails.
const AGAIN: Stage = Stage {
    tables: "[workload.errand-1.retry]\nafter = \"10s\"",
    ..super::ONCE
};

pub(super) const INDICES_SPEC: AttackSpec = AttackSpec {
    id: "drop-indices",
    help: "Suppresses the n-th INDICES (`nth`), or several in a row (`row`).",
    powers: &[Power::Drop],
    params: NTH_AND_ROW,
    properties: &[Property::Availability],
    claims: &["VX-C4"],
    // A request that never came leaves no trace at the server, so that no twin of the text fares worse
    // than the text, not even the one without a queue. The published program does: it serves so many
    // sessions in all, and the device that begins anew asks for more.
    control: Control {
        variant: "literal",
        without: "",
        params: &[],
    },
    stage: AGAIN,
    ..super::BASE
};

pub(super) fn indices(setup: &Setup<'_>) -> Suppress {
    Suppress::new(setup, &["INDICES"])
}

pub(super) const KEY_SPEC: AttackSpec = AttackSpec {
    id: "drop-key",
    help: "Suppresses the n-th KEY (`nth`), or several in a row (`row`). The server updates its vault \
           after it, the device does not.",
    powers: &[Power::Drop],
    params: NTH_AND_ROW,
    properties: &[Property::Desync, Property::Availability],
    claims: &["VX-C4"],
    control: Control::without("session"),
    stage: AGAIN,
    ..super::BASE
};

pub(super) fn key(params: &Params, setup: &Setup<'_>) -> Suppress {
    Suppress::new(setup, &[forge::answer_name(params)])
}

const DELAY_CASES: &[&str] = &["short", "long", "next-request"];

pub(super) const DELAY_SPEC: AttackSpec = AttackSpec {
    id: "delay-key",
    help: "Holds the n-th KEY (`nth`) back for three seconds (`short`: the device still waits), for \
           seven (`long`: it has given up), or until its next request passes (`next-request`), which the \
           old KEY then answers.",
    powers: &[Power::Delay],
    params: &[NTH],
    cases: DELAY_CASES,
    properties: &[Property::Desync, Property::Agreement],
    claims: &["VX-C4"],
    ..super::BASE
};

/// Holds an answer back.
#[derive(Debug)]
pub(super) struct DelayKey {
    params: Arc<Params>,
    case: usize,
    nth: u64,
    seen: u64,
    held: Option<u64>,
}

impl DelayKey {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            case: Cases::new(DELAY_CASES, setup.case).turn(),
            nth: setup.params.integer("nth", 2).max(1),
            seen: 0,
            held: None,
        }
    }
}

impl Attacker for DelayKey {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match forge::kind(&self.params, view.bytes) {
            Some(Kind::Question) => {
                if let Some(frame) = self.held.take() {
                    cx.release(frame, Span::ZERO);
                }
                Verdict::Pass
            }
            Some(Kind::Answer) => {
                self.seen += 1;
                if self.seen != self.nth {
                    return Verdict::Pass;
                }
                match DELAY_CASES[self.case] {
                    "short" => Verdict::Delay(Span::from_secs(3)),
                    "long" => Verdict::Delay(Span::from_secs(7)),
                    _ => {
                        self.held = Some(view.frame);
                        Verdict::Hold
                    }
                }
            }
            _ => Verdict::Pass,
        }
    }
}

const SECOND_CASES: &[&str] = &["INDICES", "KEY"];

pub(super) const DUPLICATE_SPEC: AttackSpec = AttackSpec {
    id: "duplicate",
    help: "Lets a second copy of every INDICES, or of every KEY, arrive one second after the first.",
    powers: &[Power::Duplicate],
    cases: SECOND_CASES,
    properties: &[Property::Desync],
    claims: &["VX-C4"],
    control: Control::without("session"),
    ..super::BASE
};

/// Sends copies.
#[derive(Debug)]
pub(super) struct Duplicate {
    params: Arc<Params>,
    cases: Cases,
    target: Kind,
}

impl Duplicate {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        let mut cases = Cases::new(SECOND_CASES, setup.case);
        Self {
            params: Arc::clone(params),
            target: Self::target(cases.turn()),
            cases,
        }
    }

    const fn target(case: usize) -> Kind {
        if case == 0 {
            Kind::Question
        } else {
            Kind::Answer
        }
    }
}

impl Attacker for Duplicate {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        if forge::kind(&self.params, view.bytes) != Some(self.target) {
            return Verdict::Pass;
        }
        self.target = Self::target(self.cases.turn());
        Verdict::Duplicate {
            copies: 1,
            after: Span::from_secs(1),
        }
    }
}

pub(super) const REORDER_SPEC: AttackSpec = AttackSpec {
    id: "reorder",
    help: "Swaps the KEYs of two sessions: the n-th (`nth`) is kept until the next one comes, and goes \
           before it.",
    powers: &[Power::Reorder],
    params: &[NTH],
    properties: &[Property::Desync, Property::Agreement],
    claims: &["VX-C4"],
    ..super::BASE
};

/// How far behind the earlier of two swapped answers the later one goes.
const BEHIND: Span = Span::from_secs(1);

/// Swaps two answers.
#[derive(Debug)]
pub(super) struct Reorder {
    params: Arc<Params>,
    nth: u64,
    seen: u64,
    held: Option<u64>,
}

impl Reorder {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            nth: setup.params.integer("nth", 2).max(1),
            seen: 0,
            held: None,
        }
    }
}

impl Attacker for Reorder {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if forge::kind(&self.params, view.bytes) != Some(Kind::Answer) {
            return Verdict::Pass;
        }
        self.seen += 1;
        if let Some(earlier) = self.held.take() {
            cx.release(earlier, Span::ZERO);
            cx.release(view.frame, BEHIND);
            return Verdict::Hold;
        }
        if self.seen == self.nth {
            self.held = Some(view.frame);
            return Verdict::Hold;
        }
        Verdict::Pass
    }
}
