//! Frames of earlier logins, once more: `replay-req-late`, `replay-req-soon`, `replay-rep`.

use crate::address::Address;
use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Stage, Verdict,
    View,
};
use crate::multi_server::PORT;
use crate::time::Span;

const LATE: &[&str] = &["after-two-windows", "after-an-hour", "after-a-restart"];

/// A server that restarts within a second, again and again, while users log in all the time.
const RESTARTS: Stage = Stage {
    tables: "[faults.restart]\ntarget = \"server\"\nprocess = \"exp(1min)\"\n\
             effect = { kind = \"reboot\", downtime = \"1s\" }",
    ..super::BUSY
};

pub(super) const LATE_SPEC: AttackSpec = AttackSpec {
    id: "replay-req-late",
    help: "Keeps a request and sends it to the server again from an own address: 11 s later, when no \
           replay cache knows it any longer (`after-two-windows`), or after an hour (`after-an-hour`); or \
           sends the newest one every second as long as it is fresh, at a server that restarts now and \
           then and has forgotten which it took (`after-a-restart`).",
    powers: super::OBSERVE_INJECT,
    cases: LATE,
    properties: &[Property::Agreement],
    claims: &["MS-C5"],
    control: Control::without("freshness"),
    stages: &[("after-a-restart", RESTARTS)],
    ..super::BASE
};

/// `replay-req-late`: one request in flight at a time, or the newest one again and again.
#[derive(Debug)]
pub(super) struct Late {
    target: Option<usize>,
    cases: Cases,
    case: usize,
    own: Address,
    /// When it passed, to whom, and its bytes.
    kept: Option<(u64, Address, Vec<u8>)>,
}

/// How long a request is fresh.
const FRESH: Span = Span::from_secs(5);
const RESTART: usize = 2;

impl Late {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let mut cases = Cases::new(LATE, setup.case);
        Self {
            target: message(setup.instance, "AUTH_REQ"),
            case: cases.turn(),
            cases,
            own: setup.own(0, PORT),
            kept: None,
        }
    }
}

impl Attacker for Late {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let newest = self.kept.is_none() || self.case == RESTART;
        if self.target.is_some() && view.message == self.target && newest {
            self.kept = Some((cx.now.0, view.to, view.bytes.to_vec()));
            let wait = match self.case {
                0 => 11,
                1 => 3600,
                _ => 1,
            };
            cx.arm(0, Span::from_secs(wait));
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let Some((passed, server, bytes)) = self.kept.take() else {
            return;
        };
        cx.inject(self.own, server, bytes.clone());
        let age = cx.now.0.saturating_sub(passed);
        if self.case == RESTART && age + Span::from_secs(1).0 < FRESH.0 {
            self.kept = Some((passed, server, bytes));
            cx.arm(0, Span::from_secs(1));
        } else {
            self.case = self.cases.turn();
        }
    }
}

const SOON: &[&str] = &["own-address", "victims-address"];

pub(super) const SOON_SPEC: AttackSpec = AttackSpec {
    id: "replay-req-soon",
    help: "Sends a request again one second later, while its time is fresh: from an own address, or \
           from that of the user.",
    powers: &[Power::Observe, Power::Inject, Power::Spoof],
    spare: &[Power::Spoof],
    cases: SOON,
    properties: &[Property::Agreement],
    claims: &["MS-C5"],
    control: Control::without("freshness"),
    ..super::BASE
};

/// `replay-req-soon`.
#[derive(Debug)]
pub(super) struct Soon {
    target: Option<usize>,
    cases: Cases,
    own: Address,
    kept: Option<(Address, Address, Vec<u8>)>,
}

impl Soon {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            target: message(setup.instance, "AUTH_REQ"),
            cases: Cases::new(SOON, setup.case),
            own: setup.own(0, PORT),
            kept: None,
        }
    }
}

impl Attacker for Soon {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.target.is_some() && view.message == self.target && self.kept.is_none() {
            let from = if self.cases.turn() == 0 {
                self.own
            } else {
                view.from
            };
            self.kept = Some((from, view.to, view.bytes.to_vec()));
            cx.arm(0, Span::from_secs(1));
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some((from, server, bytes)) = self.kept.take() {
            cx.inject(from, server, bytes);
        }
    }
}

pub(super) const REP_SPEC: AttackSpec = AttackSpec {
    id: "replay-rep",
    help: "Keeps a request from the server and answers it with the last answer that the same user \
           got, if that is at most 4 s old: its time is still fresh, and only sigma tells that it \
           belongs to another request.",
    powers: super::IN_PLACE,
    properties: &[Property::Agreement],
    claims: &["MS-C5"],
    control: Control::without("sigma"),
    stage: super::BUSY,
    ..super::BASE
};

/// `replay-rep`.
#[derive(Debug)]
pub(super) struct Rep {
    question: Option<usize>,
    answer: Option<usize>,
    /// When the last answer passed, to whom, and its bytes.
    kept: Option<(u64, Address, Vec<u8>)>,
}

impl Rep {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            question: message(setup.instance, "AUTH_REQ"),
            answer: message(setup.instance, "AUTH_REP"),
            kept: None,
        }
    }
}

impl Attacker for Rep {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.answer.is_some() && view.message == self.answer {
            self.kept = Some((cx.now.0, view.to, view.bytes.to_vec()));
        } else if self.question.is_some()
            && view.message == self.question
            && let Some((time, user, bytes)) = &self.kept
            && *user == view.from
            && cx.now.0.saturating_sub(*time) < Span::from_secs(4).0
        {
            cx.inject(view.to, view.from, bytes.clone());
            return Verdict::Drop;
        }
        Verdict::Pass
    }
}
