//! `future-time`: an account prepares logins for another time.

use std::sync::Arc;

use super::frames::{Entry, entries, forge_request, frame, hash};
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Position, Setup,
};
use crate::multi_server::messages::Message;
use crate::multi_server::params::Params;
use crate::multi_server::{PORT, role};
use crate::time::Span;

const CASES: &[&str] = &["ahead", "back", "kept"];

const fn own(secret: &'static str) -> Need {
    Need {
        secret,
        of: "user",
        at: "0s",
    }
}

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "future-time",
    help: "Plays a user and sends requests whose T1 is an hour ahead (`ahead`) or back (`back`), or \
           makes one for ten minutes later and sends it then (`kept`). Whoever has the secrets of an \
           account for a moment can prepare logins for any time.",
    powers: &[],
    positions: &[Position::Insider],
    knows: &[own("uid"), own("c"), own("list")],
    cases: CASES,
    claims: &["MS-C5", "MS-C9"],
    control: Control::without("freshness"),
    variants: super::BINARY,
    stage: super::STAGE.with_seat("user[1]"),
    ..super::BASE
};

/// The attacker.
#[derive(Debug)]
pub(super) struct FutureTime {
    params: Arc<Params>,
    cases: Cases,
    own: Option<Address>,
    server: Option<Address>,
    uid: Option<[u8; 32]>,
    c: Option<[u8; 32]>,
    list: Vec<Entry>,
    kept: Vec<Vec<u8>>,
}

impl FutureTime {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        let seat = setup.seat.and_then(|seat| setup.roster.parties.get(seat));
        Self {
            params,
            cases: Cases::new(CASES, setup.case),
            own: seat.map(|party| Address::new(party.host, PORT)),
            server: setup.first_of(role::SERVER),
            uid: None,
            c: None,
            list: Vec::new(),
            kept: Vec::new(),
        }
    }
}

const SEND: u32 = 0;
const KEPT: u32 = 1;

impl Attacker for FutureTime {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(SEND, Span::from_secs(60));
    }

    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        match grant.secret {
            "uid" => self.uid = hash(grant.bytes()),
            "c" => self.c = hash(grant.bytes()),
            _ => self.list = entries(&self.params, grant.bytes()),
        }
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        let Some((own, server)) = self.own.zip(self.server) else {
            return;
        };
        if timer == KEPT {
            for bytes in self.kept.drain(..) {
                cx.inject(own, server, bytes);
            }
            return;
        }
        let Some(((uid, c), entry)) = self.uid.zip(self.c).zip(self.list.first()) else {
            return;
        };
        let hour = Span::from_secs(3600).0;
        let case = self.cases.turn();
        let wait = Span::from_secs(600);
        let t1 = match case {
            0 => cx.now.0.saturating_add(hour),
            1 => cx.now.0.saturating_sub(hour),
            _ => cx.now.0.saturating_add(wait.0),
        };
        let c =
            crate::multi_server::equations::login::verifier(&self.params, cx.crypto, &c, &entry.id);
        let request = forge_request(&self.params, cx, (&entry.id, &entry.ssk), (&uid, &c), t1);
        let bytes = frame(&self.params, &Message::AuthReq(request));
        if case < 2 {
            cx.inject(own, server, bytes);
            cx.arm(SEND, Span::from_secs(60));
        } else {
            self.kept.push(bytes);
            cx.arm(KEPT, wait);
        }
    }
}
