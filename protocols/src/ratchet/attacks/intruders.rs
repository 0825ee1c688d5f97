//! Frames from beside the link: `data-before-hello`, `hello-junk`, `bare-terminate`.

use std::sync::Arc;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Position, Power, Property,
    Setup, Stage,
};
use crate::ratchet::client::PORT;
use crate::ratchet::messages::{DATA, HELLO, TERMINATE};
use crate::ratchet::params::Params;
use crate::ratchet::secrets::MASTER_KEY;
use crate::ratchet::{CLIENT, SERVER};
use crate::time::Span;

use super::craft::{Clear, Follower, craft, junk, master, wrapped};

const BESIDE: &[Position] = &[Position::OffPath, Position::OnPath];
const TICK: u32 = 0;

/// Who is attacked, from where.
#[derive(Debug)]
struct Standing {
    params: Arc<Params>,
    own: Address,
    server: Option<Address>,
    victim: Option<Address>,
    id: u8,
}

impl Standing {
    fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params: Arc::clone(params),
            own: setup.own(0, PORT),
            server: setup.first_of(SERVER),
            victim: setup.first_of(CLIENT),
            id: super::victim(setup),
        }
    }

    const fn shown(&self, opcode: u8, round: u32) -> Clear {
        Clear {
            opcode,
            client: self.id,
            round,
        }
    }
}

const EARLY_CASES: &[&str] = &["round-1", "round-0"];

pub(super) const EARLY_SPEC: AttackSpec = AttackSpec {
    id: "data-before-hello",
    help: "Sends a well-formed DATA under the first keys of a client whose K it has, with round 0 or \
           1, from an address that has sent no HELLO.",
    powers: &[Power::Inject],
    positions: BESIDE,
    knows: &[Need {
        secret: MASTER_KEY,
        of: "client",
        at: "0s",
    }],
    cases: EARLY_CASES,
    claims: &["RT-C9"],
    control: Control::without("phase"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Early {
    at: Standing,
    cases: Cases,
    key: Option<[u8; 16]>,
}

impl Early {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            at: Standing::new(params, setup),
            cases: Cases::new(EARLY_CASES, setup.case),
            key: None,
        }
    }
}

impl Attacker for Early {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        // The id goes with the key: whose it is was told.
        if self.at.victim.is_some_and(|victim| victim.host == grant.of) {
            self.key = master(grant);
            cx.arm(TICK, Span::from_millis(1));
        }
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let (Some(key), Some(server)) = (self.key, self.at.server) else {
            return;
        };
        let round = u32::from(EARLY_CASES[self.cases.turn()] == "round-1");
        let keys = Follower::from_master(&self.at.params, cx, &key).keys;
        let shown = self.at.shown(DATA, round);
        let frame = craft(&self.at.params, cx, shown, &keys.c2s, b"10.0,20.0");
        cx.inject(self.at.own, server, frame);
        cx.arm(TICK, Span::from_secs(60));
    }
}

pub(super) const JUNK_SPEC: AttackSpec = AttackSpec {
    id: "hello-junk",
    help: "Sends a HELLO with the victim's id and nothing but random bytes, twice a second, from an \
           address of its own.",
    powers: &[Power::Inject],
    positions: BESIDE,
    properties: &[Property::Availability, Property::LockOut],
    claims: &["RT-C8"],
    control: Control::without("replace"),
    stage: Stage {
        duration: "20min",
        ..super::STAGE
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct Junk {
    at: Standing,
}

impl Junk {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            at: Standing::new(params, setup),
        }
    }
}

impl Attacker for Junk {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, Span::from_millis(300));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some(server) = self.at.server {
            let shown = self.at.shown(HELLO, 0);
            let frame = junk(&self.at.params, cx, shown, 1);
            cx.inject(self.at.own, server, frame);
        }
        cx.arm(TICK, Span::from_millis(300));
    }
}

const TERMINATE_CASES: &[&str] = &["bare", "random-mac", "bare-spoofed", "random-mac-spoofed"];

pub(super) const TERMINATE_SPEC: AttackSpec = AttackSpec {
    id: "bare-terminate",
    help: "Sends the server a TERMINATE for the victim's id without any key, five times a second: the \
           seven bytes of the header alone, or 71 bytes with a random HMAC; from an address of its \
           own, or under the victim's.",
    powers: &[Power::Inject, Power::Spoof],
    positions: BESIDE,
    cases: TERMINATE_CASES,
    properties: &[Property::Availability],
    claims: &["RT-C9"],
    control: Control::without("terminate-auth"),
    stage: Stage {
        duration: "20min",
        ..super::STAGE
    },
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct BareTerminate {
    at: Standing,
    cases: Cases,
}

impl BareTerminate {
    pub(super) fn new(params: &Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            at: Standing::new(params, setup),
            cases: Cases::new(TERMINATE_CASES, setup.case),
        }
    }
}

impl Attacker for BareTerminate {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, Span::from_millis(200));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(TICK, Span::from_millis(200));
        let case = TERMINATE_CASES[self.cases.turn()];
        let params = Arc::clone(&self.at.params);
        let round = 1 + u32::try_from(cx.uniform(4)).unwrap_or(0);
        let shown = self.at.shown(TERMINATE, round);
        let mut frame = junk(&params, cx, shown, 1);
        if case.starts_with("bare") {
            let header = super::craft::body(&params, &frame).get(..7);
            frame = wrapped(&params, header.unwrap_or(&[]).to_vec());
        }
        let from = if case.ends_with("spoofed") {
            self.at.victim.map(|victim| Address::new(victim.host, PORT))
        } else {
            Some(self.at.own)
        };
        if let (Some(from), Some(server)) = (from, self.at.server) {
            cx.inject(from, server, frame);
        }
    }
}
