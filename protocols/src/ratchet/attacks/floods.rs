//! `flood-rounds`: many rounds, many addresses, many beginnings.

use std::sync::Arc;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Grant, Need, Position, Power,
    Property, Setup, Stage, View,
};
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::ratchet::SERVER;
use crate::ratchet::client::PORT;
use crate::ratchet::messages::{CHALLENGE, RESPONSE};
use crate::ratchet::params::Params;
use crate::ratchet::secrets::MASTER_KEY;
use crate::time::Span;

use super::craft::{Account, Clear, junk, master};

const CASES: &[&str] = &["rounds", "addresses", "half-open", "crowd"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "flood-rounds",
    help: "An authorised client asks for all it can get: round after round as fast as answers come \
           (`rounds`), a good HELLO every `gap`, each from another address (`addresses`), or the \
           first half of a HELLO from ever new addresses every `half_gap` (`half-open`; over streams, \
           where a server waits for the other half), or every 1.5 ms beside links with a round trip of \
           two seconds, in which more come than a server keeps addresses (`crowd`).",
    powers: &[Power::Inject],
    positions: &[Position::Insider],
    knows: &[Need {
        secret: MASTER_KEY,
        of: "client",
        at: "0s",
    }],
    params: &[
        ParameterSpec {
            name: "gap",
            kind: ParameterKind::Duration {
                min: 1_000,
                max: 3_600_000_000_000,
                zero: None,
            },
            default: "1ms",
            help: "time between two frames (`addresses`)",
        },
        ParameterSpec {
            name: "half_gap",
            kind: ParameterKind::Duration {
                min: 1_000,
                max: 3_600_000_000_000,
                zero: None,
            },
            default: "20ms",
            help: "time between two beginnings (`half-open`)",
        },
    ],
    cases: CASES,
    properties: &[Property::Availability],
    claims: &["RT-C13"],
    control: Control::without("caps"),
    stage: BUSY,
    stages: &[
        (
            "half-open",
            Stage {
                params: &[],
                ..BUSY
            },
        ),
        (
            // Two round trips, for the stream and for the HELLO, are less than a client waits.
            "crowd",
            Stage {
                nodes: &[("client", 12), ("server", 1)],
                params: &[("clients", "12")],
                delay: "1s",
                duration: "20s",
                ..BUSY
            },
        ),
    ],
    ..super::BASE
};

/// Sessions all the time.
const BUSY: Stage = Stage {
    errands: &[Errand {
        every: "5s",
        ..super::STAGE.errands[0]
    }],
    duration: "1min",
    seat: "client[1]",
    ..super::STAGE
};

const TICK: u32 = 0;

#[derive(Debug)]
pub(super) struct Flood {
    params: Arc<Params>,
    case: &'static str,
    gap: Span,
    half_gap: Span,
    /// The address of the client that it plays.
    from: Address,
    own: Address,
    next: u32,
    account: Account,
}

impl Flood {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        let parties = &setup.roster.parties;
        let seat = setup.seat.and_then(|seat| parties.get(seat));
        let id = seat.map_or(0, |party| {
            crate::ratchet::provision::checked_id(setup.roster, party)
        });
        Self {
            params: Arc::clone(params),
            case: CASES[Cases::new(CASES, setup.case).turn()],
            gap: Span(setup.params.integer("gap", 1_000_000).max(1_000)),
            half_gap: if setup.case == Some("crowd") {
                Span(1_500_000)
            } else {
                Span(setup.params.integer("half_gap", 20_000_000).max(1_000))
            },
            from: Address::new(seat.map_or(0, |party| party.host), PORT),
            own: setup.own(0, PORT),
            next: 0,
            account: Account::new(params, id, setup.first_of(SERVER)),
        }
    }

    /// Another address each time: 256 hosts, 4096 ports.
    fn fresh(&mut self) -> Address {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let port = u16::try_from(10_000 + (number / 256) % 4096).unwrap_or(PORT);
        Address::new(self.own.host + number % 256, port)
    }
}

impl Attacker for Flood {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if grant.of == self.from.host {
            self.account.master = master(grant);
            cx.arm(TICK, Span::from_secs(1));
        }
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let Some(server) = self.account.server else {
            return;
        };
        match self.case {
            "addresses" => {
                if let Some(frame) = self.account.hello(cx) {
                    let from = self.fresh();
                    cx.inject(from, server, frame);
                }
                cx.arm(TICK, self.gap);
            }
            "half-open" | "crowd" => {
                let shown = Clear {
                    opcode: crate::ratchet::messages::HELLO,
                    client: self.account.id,
                    round: 0,
                };
                let mut frame = junk(&self.params, cx, shown, 2);
                frame.truncate(frame.len() / 2);
                let from = self.fresh();
                cx.inject(from, server, frame);
                cx.arm(TICK, self.half_gap);
            }
            _ => {
                if let Some(frame) = self.account.hello(cx) {
                    cx.inject(self.from, server, frame);
                }
                // In case the session ends.
                cx.arm(TICK, Span::from_secs(20));
            }
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if self.case != "rounds" {
            return;
        }
        let Some(read) = self.account.answer(cx, view.bytes) else {
            return;
        };
        if let (CHALLENGE | RESPONSE, Some(server)) = (read.shown.opcode, self.account.server) {
            let numbers = vec!["1.5"; 64].join(",");
            if let Some(frame) = self.account.data(cx, numbers.as_bytes()) {
                cx.inject(self.from, server, frame);
            }
        }
    }
}
