//! Readers of the public links: `eavesdrop-key`, `eavesdrop-update`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frames::{request, text_reply, text_request};
use crate::address::Address;
use crate::attack::{AttackContext, AttackSpec, Attacker, Control, Property, Stage, Verdict, View};
use crate::multi_server::literal::messages as text;
use crate::multi_server::literal::text::{bare_hex, digest, number, xor};
use crate::multi_server::messages::{Message, decode};
use crate::multi_server::params::Params;

pub(super) const KEY_SPEC: AttackSpec = AttackSpec {
    id: "eavesdrop-key",
    help: "Reads every login. In frames of the prototype UID, C, ID_j and beta stand in clear, INFO \
           tells Loc, and gamma opens with them: it names SK. Elsewhere it takes alpha for the UID.",
    powers: super::OBSERVE,
    properties: &[Property::Secrecy],
    claims: &["MS-C2"],
    control: Control::without("mask"),
    claims_secrets: &["session-key", "uid"],
    ..super::BASE
};

/// `eavesdrop-key`.
#[derive(Debug)]
pub(super) struct Key {
    params: Arc<Params>,
    /// Loc of each server, from its INFO.
    places: BTreeMap<Address, String>,
    open: BTreeMap<Address, text::AuthReq>,
    /// SK, and the user that will have accepted by the time it is named.
    found: Vec<(u32, [u8; 32])>,
}

impl Key {
    pub(super) const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            places: BTreeMap::new(),
            open: BTreeMap::new(),
            found: Vec::new(),
        }
    }
}

/// When the receiver of a frame has had it for some time.
pub(super) const SETTLED: crate::time::Span = crate::time::Span::from_secs(1);

impl Attacker for Key {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let params = &self.params;
        if let Some(asked) = request(params, view.bytes) {
            cx.tried();
            cx.claim("uid", view.from.host, asked.alpha);
        } else if let Some(asked) = text_request(params, view.bytes) {
            cx.tried();
            self.open.insert(view.from, asked);
        } else if let Some(reply) = text_reply(params, view.bytes) {
            if let Some(asked) = self.open.remove(&view.to)
                && let Some(loc) = self.places.get(&view.from)
            {
                let key = text_key(&asked, &reply.gamma, loc, cx);
                self.found.push((view.to.host, key));
                cx.arm(0, SETTLED);
            }
        } else if params.literal()
            && let Ok(text::Message::Info { loc, .. }) = text::decode(params, view.bytes)
        {
            self.places.insert(view.from, text::plain(&loc).to_owned());
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        for (user, key) in self.found.drain(..) {
            cx.claim("session-key", user, key);
        }
    }
}

/// SK of the prototype, from what travels in clear.
pub(super) fn text_key(
    asked: &text::AuthReq,
    gamma: &str,
    loc: &str,
    cx: &mut AttackContext<'_>,
) -> [u8; 32] {
    let stream = digest(cx.crypto, &[&asked.c, &asked.uid, &asked.id, &asked.beta]);
    let gamma = number(gamma).unwrap_or_default();
    let grant = bare_hex(&xor(cx.crypto, &gamma, &stream));
    digest(cx.crypto, &[&asked.uid, &asked.id, &asked.c, loc, &grant])
}

pub(super) const UPDATE_SPEC: AttackSpec = AttackSpec {
    id: "eavesdrop-update",
    help: "Reads requests to the centre and its answers. Of users (`users`): the same UID in LIST_REQ or \
           PWD_REQ is the same user; it takes cx for C, and the list for keys of servers. Of servers \
           (`servers`): it takes the records of DB_REP for the C of users.",
    powers: super::OBSERVE,
    properties: &[Property::Secrecy, Property::Anonymity],
    claims: &["MS-C4", "MS-C6"],
    control: Control::without("mask"),
    variants: super::BINARY,
    cases: &["users", "servers"],
    claims_secrets: &["c", "ssk", "q"],
    // Long enough for a game of a hundred rounds, whatever the draws.
    stage: Stage {
        duration: "3h",
        ..super::UPDATES.on("user", "rc")
    },
    stages: &[("servers", super::UPDATES.on("server", "rc"))],
    ..super::BASE
};

/// `eavesdrop-update`.
#[derive(Debug)]
pub(super) struct Update {
    params: Arc<Params>,
    last: Option<(u64, [u8; 32])>,
    /// What centre and user will have stored by the time it is named.
    found: Vec<(&'static str, u32, [u8; 32])>,
}

impl Update {
    pub(super) const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            last: None,
            found: Vec::new(),
        }
    }
}

impl Attacker for Update {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let Ok(message) = decode(&self.params, view.bytes) else {
            return Verdict::Pass;
        };
        let uid = match message {
            Message::ListReq(it) => it.uid,
            Message::PwdReq(it) => it.uid,
            Message::PwdRep(it) => {
                self.found.push(("c", view.to.host, it.cx));
                cx.arm(0, SETTLED);
                return Verdict::Pass;
            }
            Message::ListRep(it) => {
                cx.tried();
                for entry in super::frames::entries(&self.params, it.list) {
                    self.found.push(("ssk", view.from.host, entry.ssk));
                    let q = entry.q.map(|q| ("q", view.from.host, q));
                    self.found.extend(q);
                }
                cx.arm(0, SETTLED);
                return Verdict::Pass;
            }
            Message::DbRep(it) => {
                cx.tried();
                let rows = super::own_server::rows(it.records).into_iter();
                self.found
                    .extend(rows.map(|(_, c)| ("c", view.from.host, c)));
                cx.arm(0, SETTLED);
                return Verdict::Pass;
            }
            _ => return Verdict::Pass,
        };
        cx.tried();
        if let Some((frame, before)) = self.last {
            cx.claim_link(frame, view.frame, before == uid);
        }
        self.last = Some((view.frame, uid));
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        for (kind, of, value) in self.found.drain(..) {
            cx.claim(kind, of, value);
        }
    }
}
