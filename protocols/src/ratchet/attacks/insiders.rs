//! An authorised client that misbehaves: `wrong-enc-key`, `cross-client`, `poison-number`,
//! `stale-values`.

use std::sync::Arc;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Position, Property, Setup,
    View,
};
use crate::crypto::tag;
use crate::ratchet::SERVER;
use crate::ratchet::client::PORT;
use crate::ratchet::messages::{CHALLENGE, DATA, TERMINATE};
use crate::ratchet::params::Params;
use crate::ratchet::secrets::MASTER_KEY;
use crate::time::Span;

use super::craft::{Account, Clear, craft, master};

const KEY_CASES: &[&str] = &["reversed", "random"];
const POISON_CASES: &[&str] = &["nan", "inf", "1e400", "1_0", "huge", "tiny"];

/// What a case of `poison-number` sends.
const fn poison(case: usize) -> &'static [u8] {
    match case {
        0 => b"nan",
        1 => b"inf",
        2 => b"1e400",
        3 => b"1_0",
        4 => b"1e308,1e308",
        _ => b"1e-320",
    }
}

/// What all four have in common.
const INSIDER: AttackSpec = AttackSpec {
    positions: &[Position::Insider],
    knows: &[Need {
        secret: MASTER_KEY,
        of: "client",
        at: "0s",
    }],
    properties: &[Property::Integrity],
    claims: &[],
    stage: super::INSIDE,
    ..super::BASE
};

pub(super) const KEY_SPEC: AttackSpec = AttackSpec {
    id: "wrong-enc-key",
    help: "A client opens a session as it should and then sends DATA under its MAC key and another \
           cipher key: its own with the bytes reversed, or random ones, again and again. Only the \
           padding and the grammar of numbers are left to notice.",
    cases: KEY_CASES,
    claims: &["RT-C10"],
    control: Control::without("cipher"),
    ..INSIDER
};

pub(super) const CROSS_SPEC: AttackSpec = AttackSpec {
    id: "cross-client",
    help: "A client with a session of its own sends DATA that names the victim's id, under its own \
           keys, again and again.",
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RT-C8"],
    control: Control::without("id"),
    ..INSIDER
};

pub(super) const POISON_SPEC: AttackSpec = AttackSpec {
    id: "poison-number",
    help: "A client sends values that are no use in an average: `nan`, `inf`, `1e400`, `1_0`, two \
           times 1e308, whose sum is infinite, or 1e-320. Whatever of it is accepted counts, but for \
           the last, which is a number like any other and does an average no harm.",
    cases: POISON_CASES,
    control: Control::without("numbers"),
    ..INSIDER
};

pub(super) const STALE_SPEC: AttackSpec = AttackSpec {
    id: "stale-values",
    help: "A client sends a value in round 1, ends, and reconnects without sending: are its old \
           values in round 1 of the others? Its own payload is stated as sent; it counts when an \
           aggregate still takes it in after its session has ended.",
    control: Control::without("numbers"),
    ..INSIDER
};

/// Which of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    Key,
    Cross,
    Poison,
    Stale,
}

impl Aim {
    const fn cases(self) -> &'static [&'static str] {
        match self {
            Self::Key => KEY_CASES,
            Self::Poison => POISON_CASES,
            Self::Cross | Self::Stale => &[],
        }
    }

    /// From the end of one session to the next.
    const fn pause(self) -> Span {
        match self {
            Self::Key | Self::Cross => Span::from_millis(200),
            Self::Poison | Self::Stale => Span::from_secs(10),
        }
    }

    /// How long a session without data stays open: most of the time, so that others meet it.
    const SILENCE: Span = Span::from_secs(50);
}

const AGAIN: u32 = 0;

#[derive(Debug)]
pub(super) struct Insider {
    params: Arc<Params>,
    aim: Aim,
    cases: Cases,
    from: Address,
    victim: u8,
    account: Account,
    /// `stale-values`: this session is one that sends.
    sends: bool,
}

impl Insider {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>, aim: Aim) -> Self {
        let parties = &setup.roster.parties;
        let seat = setup.seat.and_then(|seat| parties.get(seat));
        let id = seat.map_or(0, |party| {
            crate::ratchet::provision::checked_id(setup.roster, party)
        });
        Self {
            params: Arc::clone(params),
            aim,
            cases: Cases::new(aim.cases(), setup.case),
            from: Address::new(seat.map_or(0, |party| party.host), PORT),
            victim: super::victim(setup),
            account: Account::new(params, id, setup.first_of(SERVER)),
            sends: false,
        }
    }

    fn send(&self, frame: Option<Vec<u8>>, cx: &mut AttackContext<'_>) {
        if let (Some(frame), Some(server)) = (frame, self.account.server) {
            cx.inject(self.from, server, frame);
        }
    }

    fn shown(&self, opcode: u8) -> Clear {
        Clear {
            opcode,
            client: self.account.id,
            round: self.account.session.as_ref().map_or(0, |it| it.round),
        }
    }

    /// The session is open.
    fn act(&mut self, cx: &mut AttackContext<'_>) {
        let shown = self.shown(DATA);
        let frame = match self.aim {
            Aim::Key => {
                let Some(session) = &self.account.session else {
                    return;
                };
                let mut pair = session.keys.c2s;
                if KEY_CASES[self.cases.turn()] == "reversed" {
                    pair.enc.reverse();
                } else {
                    cx.random(&mut pair.enc);
                }
                Some(craft(&self.params, cx, shown, &pair, b"10.0,20.0"))
            }
            Aim::Cross => {
                let shown = Clear {
                    client: self.victim,
                    ..shown
                };
                self.account.aside(cx, shown, b"10.0,20.0")
            }
            Aim::Poison => {
                let case = self.cases.turn();
                let list = poison(case);
                if POISON_CASES[case] == "tiny"
                    && let Some(session) = &self.account.session
                {
                    // Next to nothing, but a number like any other.
                    cx.sent(session.session, 1, tag("", &[list]));
                }
                self.account.data(cx, list)
            }
            Aim::Stale if self.sends => {
                let list = b"1000.0";
                if let Some(session) = &self.account.session {
                    cx.sent(session.session, 1, tag("", &[list]));
                }
                self.account.data(cx, list)
            }
            // Open, and silent until the end.
            Aim::Stale => None,
        };
        self.send(frame, cx);
    }
}

impl Attacker for Insider {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if grant.of == self.from.host {
            self.account.master = master(grant);
            cx.arm(AGAIN, Span::from_secs(1));
        }
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if self.aim == Aim::Stale && self.account.session.is_some() {
            let frame = self.account.aside(cx, self.shown(TERMINATE), b"done");
            self.send(frame, cx);
        }
        self.sends = !self.sends;
        let hello = self.account.hello(cx);
        self.send(hello, cx);
        // In case nothing comes back.
        let silent = self.aim == Aim::Stale && !self.sends;
        let pause = if silent {
            Aim::SILENCE
        } else {
            self.aim.pause()
        };
        cx.arm(AGAIN, Span(pause.0.max(Span::from_secs(1).0)));
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let read = self.account.answer(cx, view.bytes);
        if read.is_some_and(|read| read.shown.opcode == CHALLENGE) {
            self.act(cx);
            if self.aim == Aim::Cross {
                cx.arm(AGAIN, self.aim.pause());
            }
        } else if self.aim == Aim::Key {
            cx.arm(AGAIN, self.aim.pause());
        }
    }
}
