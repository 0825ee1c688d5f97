//! `drop-one`, `reorder` and `reflect`: frames that do not come, come late, or come back.

use crate::attack::kit::NTH_AND_ROW;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Verdict, View,
};
use crate::parameter::ParameterSpec;
use crate::rsa_udp::params::Params;
use crate::time::Span;

use super::flips::LINES;
use super::tap::{Event, Tap};
use super::wire::ERROR;

const DROP_CASES: &[&str] = &["CONNECT", "PASS", "ENCRYPT", "ERROR", "DATA", "ECHO", "FIN"];

const DROP_PARAMS: &[ParameterSpec] = &[NTH_AND_ROW[0], NTH_AND_ROW[1], LINES];

pub(super) const DROP: AttackSpec = AttackSpec {
    id: "drop-one",
    help: "Suppresses the n-th CONNECT, PASS, ENCRYPT, ERROR, DATA, ECHO or FIN (`nth`), once or several \
           in a row (`row`). Nothing is sent again, and neither end has a timer: a lost PASS leaves the \
           client waiting, a lost ENCRYPT or FIN leaves the device taken.",
    powers: &[Power::Drop],
    params: DROP_PARAMS,
    cases: DROP_CASES,
    properties: &[Property::Availability, Property::LockOut, Property::Desync],
    claims: &[],
    control: Control::without("retry"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct DropOne {
    tap: Tap,
    /// Cases that are left, the next one last.
    left: Vec<&'static str>,
    lines: u64,
    nth: u64,
    row: u64,
    seen: u64,
}

impl DropOne {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let mut left: Vec<&'static str> = match setup.case {
            Some(case) => DROP_CASES
                .iter()
                .copied()
                .filter(|it| *it == case)
                .collect(),
            None => DROP_CASES.to_vec(),
        };
        left.reverse();
        Self {
            tap: Tap::new(params),
            left,
            lines: setup.params.integer("lines", 2),
            nth: setup.params.integer("nth", 2).max(1),
            row: setup.params.integer("row", 1).max(1),
            seen: 0,
        }
    }
}

impl Attacker for DropOne {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        let is = match self.tap.sees(view) {
            Event::Connect => "CONNECT",
            Event::Pass => "PASS",
            Event::Login => "ENCRYPT",
            Event::Up(index) if index == self.lines => "FIN",
            Event::Up(_) => "DATA",
            Event::Down(_) => "ECHO",
            Event::Other if view.message == Some(ERROR) => "ERROR",
            Event::Other => return Verdict::Pass,
        };
        if self.left.last() != Some(&is) {
            return Verdict::Pass;
        }
        self.seen += 1;
        if self.seen < self.nth {
            return Verdict::Pass;
        }
        if self.seen + 1 >= self.nth + self.row {
            self.left.pop();
            self.seen = 0;
        }
        Verdict::Drop
    }
}

const ORDER_CASES: &[&str] = &["data", "echo"];

pub(super) const REORDER: AttackSpec = AttackSpec {
    id: "reorder",
    help: "Holds one DATA, or one echo, until the next frame of its direction has passed. The client waits \
           for each echo before it sends the next line, so without resending there is no next one, and \
           the frame goes on after 20 s.",
    powers: &[Power::Delay, Power::Reorder],
    cases: ORDER_CASES,
    properties: &[Property::Integrity, Property::Desync],
    claims: &["RU-C4"],
    control: Control {
        variant: "broken",
        without: "sequence",
        params: &[("recovery", "\"timed\"")],
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Reorder {
    tap: Tap,
    echo: bool,
    /// Nobody sends again what is late.
    gives_up: bool,
    held: Option<u64>,
    seen: u64,
}

impl Reorder {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        let case = Cases::new(ORDER_CASES, setup.case).turn();
        Self {
            tap: Tap::new(params),
            echo: ORDER_CASES[case] == "echo",
            gives_up: params.recovery.is_none(),
            held: None,
            seen: 0,
        }
    }
}

impl Attacker for Reorder {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let event = self.tap.sees(view);
        let fits = matches!(
            (event, self.echo),
            (Event::Up(_), false) | (Event::Down(_), true)
        );
        if !fits {
            return Verdict::Pass;
        }
        if let Some(frame) = self.held.take() {
            cx.cancel(0);
            cx.release(frame, Span::from_millis(50));
            return Verdict::Pass;
        }
        self.seen += 1;
        // Every fourth, beginning with the second: a session that goes well comes first.
        if self.seen % 4 != 2 {
            return Verdict::Pass;
        }
        self.held = Some(view.frame);
        if self.gives_up {
            cx.arm(0, Span::from_secs(20));
        }
        Verdict::Hold
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some(frame) = self.held.take() {
            cx.release(frame, Span::ZERO);
        }
    }
}

pub(super) const REFLECT: AttackSpec = AttackSpec {
    id: "reflect",
    help: "Sends every DATA back to the client as if the device had sent it, and every echo back to the \
           device. Each is sealed to the other end's key, so whoever gets it back cannot open it.",
    powers: &[Power::Observe, Power::Spoof],
    properties: &[Property::Integrity],
    claims: &["RU-C4"],
    control: Control::without("binding"),
    ..super::BASE
};
