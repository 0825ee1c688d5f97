//! Inner frames of the attacker's own: `forge-data`, `forge-fin`, `forge-echo`, `mitm-relay`.
//!
//! Nothing but the number stands against them: public keys are public, and the number follows from
//! the two Diffie-Hellman values.

use std::collections::VecDeque;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Power, Property, Setup, Verdict, View,
};
use crate::rsa_udp::messages::InnerKind;
use crate::rsa_udp::params::{Params, Variant};
use crate::time::Span;

use super::tap::{Event, Session, Tap};

const WATCH_AND_SPOOF: &[Power] = &[Power::Observe, Power::Spoof];

/// A line that no client has sent.
const LINE: &[u8] = b"open the door";

pub(super) const DATA: AttackSpec = AttackSpec {
    id: "forge-data",
    help: "Computes S when a login passes and seals DATA of its own with the device's public key and the \
           number that the device expects, under the client's address.",
    powers: WATCH_AND_SPOOF,
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RU-C4", "RU-C5", "RU-C6"],
    control: Control::without("sequence"),
    ..super::BASE
};

pub(super) const FIN: AttackSpec = AttackSpec {
    id: "forge-fin",
    help: "Computes S when a login passes and seals a FIN of its own with the device's public key and the \
           number that the device expects, under the client's address, right behind the login \
           (`at-once`) or two seconds behind it, when nothing is under way (`later`): the device forgets \
           the session, the client does not know.",
    powers: WATCH_AND_SPOOF,
    cases: FIN_CASES,
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RU-C4", "RU-C5", "RU-C6"],
    control: Control::without("sequence"),
    stage: super::LASTING,
    ..super::BASE
};

const FIN_CASES: &[&str] = &["at-once", "later"];

#[derive(Debug)]
pub(super) struct Forge {
    tap: Tap,
    kind: InnerKind,
    later: bool,
    /// Clients whose sessions are due, the oldest first.
    due: VecDeque<Address>,
}

impl Forge {
    pub(super) fn new(params: &Params, setup: &Setup<'_>, kind: InnerKind) -> Self {
        let fin = kind == InnerKind::Fin;
        Self {
            tap: Tap::new(params),
            kind,
            later: fin && Cases::new(FIN_CASES, setup.case).turn() == 1,
            due: VecDeque::new(),
        }
    }

    /// Sends the frame with the number that the device expects now.
    fn strike(&mut self, session: &Session, cx: &mut AttackContext<'_>) {
        let Some(first) = self.tap.shared(session) else {
            return;
        };
        let inner = (self.kind, first + 2 * session.up);
        if let Some(frame) = to_device(&self.tap, session, inner, cx) {
            cx.inject(session.client, session.device, frame);
        }
    }
}

/// A frame to the device of a session.
fn to_device(
    tap: &Tap,
    session: &Session,
    (kind, seq): (InnerKind, u64),
    cx: &mut AttackContext<'_>,
) -> Option<Vec<u8>> {
    let text = if kind == InnerKind::Fin { b"" } else { LINE };
    tap.wire.seal(cx, session.device_key(), (kind, seq, text))
}

impl Attacker for Forge {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.tap.sees(view) == Event::Login
            && let Some(session) = self.tap.session(view).cloned()
        {
            if self.later {
                self.due.push_back(session.client);
                cx.arm(0, Span::from_secs(2));
            } else {
                self.strike(&session, cx);
            }
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        for client in core::mem::take(&mut self.due) {
            if let Some(session) = self.tap.sessions.get(&client).cloned() {
                self.strike(&session, cx);
            }
        }
    }
}

const ECHO_CASES: &[&str] = &["with-s", "without-s", "no-number"];

pub(super) const ECHO: AttackSpec = AttackSpec {
    id: "forge-echo",
    help: "Seals an echo of its own with the client's public key when a DATA passes, under the device's \
           address: with the right number (`with-s`), with a guessed one (`without-s`), or with none: \
           the printed program shows an echo whose number is no number (`no-number`; elsewhere the \
           inner frame ends before its number).",
    powers: WATCH_AND_SPOOF,
    cases: ECHO_CASES,
    properties: &[Property::Integrity],
    claims: &["RU-C4"],
    control: Control::without("sequence"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct ForgeEcho {
    tap: Tap,
    case: &'static str,
}

impl ForgeEcho {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            tap: Tap::new(params),
            case: ECHO_CASES[Cases::new(ECHO_CASES, setup.case).turn()],
        }
    }

    fn frame(
        &mut self,
        session: &Session,
        index: u64,
        cx: &mut AttackContext<'_>,
    ) -> Option<Vec<u8>> {
        let key = session.client_key();
        let params = &self.tap.wire.params;
        let number = match self.case {
            "with-s" => self.tap.shared(session)? + 2 * index + 1,
            "without-s" => cx.uniform(u64::from(params.group.prime)),
            _ if params.variant == Variant::Literal => {
                let plain = [b"You sent IOT: ", LINE, b",x"].concat();
                return self.tap.wire.seal_plain(cx, key, &plain);
            }
            _ => return self.tap.wire.seal_plain(cx, key, &[2, 0, 0]),
        };
        let inner = (InnerKind::Echo, number, LINE);
        self.tap.wire.seal(cx, key, inner)
    }
}

impl Attacker for ForgeEcho {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if let Event::Up(index) = self.tap.sees(view)
            && let Some(session) = self.tap.session(view).cloned()
            && let Some(frame) = self.frame(&session, index, cx)
        {
            cx.inject(view.to, view.from, frame);
        }
        Verdict::Pass
    }
}

const RELAY_CASES: &[&str] = &["data", "echo", "fin", "keep"];

pub(super) const RELAY: AttackSpec = AttackSpec {
    id: "mitm-relay",
    help: "Stands between the two and leaves their keys alone. It reads the handshake, computes S, and \
           puts DATA, echoes or a FIN of its own in the place of the genuine ones, with their numbers, or \
           DATA in the place of the FIN (`keep`): the client has left, and the device goes on with the \
           attacker.",
    powers: super::IN_PLACE,
    cases: RELAY_CASES,
    properties: &[Property::Integrity, Property::Availability],
    claims: &["RU-C2", "RU-C3"],
    control: Control::without("sequence"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Relay {
    tap: Tap,
    case: &'static str,
}

impl Relay {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            tap: Tap::new(params),
            case: RELAY_CASES[Cases::new(RELAY_CASES, setup.case).turn()],
        }
    }
}

impl Attacker for Relay {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let event = self.tap.sees(view);
        let Some(session) = self.tap.session(view).cloned() else {
            return Verdict::Pass;
        };
        let Some(first) = self.tap.shared(&session) else {
            return Verdict::Pass;
        };
        let frame = match (event, self.case) {
            // The last frame of a session is a FIN, and it is left alone.
            (Event::Up(index), "data") if index < 2 => {
                let inner = (InnerKind::Data, first + 2 * index);
                to_device(&self.tap, &session, inner, cx)
            }
            // The third frame of the client is its FIN.
            (Event::Up(2), "keep") => {
                to_device(&self.tap, &session, (InnerKind::Data, first + 4), cx)
            }
            (Event::Up(0), "fin") => to_device(&self.tap, &session, (InnerKind::Fin, first), cx),
            (Event::Down(index), "echo") => {
                let inner = (InnerKind::Echo, first + 2 * index + 1, LINE);
                self.tap.wire.seal(cx, session.client_key(), inner)
            }
            _ => None,
        };
        frame.map_or(Verdict::Pass, |frame| {
            cx.inject(view.from, view.to, frame);
            Verdict::Drop
        })
    }
}
