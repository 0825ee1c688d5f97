//! What recorded sessions are worth when secrets leak: `rc-dump`, `later-theft`, `known-sk`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frames::{Login, Logins, hash, text_reply, text_request};
use super::own_server::{rows, server_ids};
use super::passive::{SETTLED, text_key};
use crate::address::Address;
use crate::attack::{
    ALL_POWERS, AttackContext, AttackSpec, Attacker, Control, Grant, Need, Property, Setup,
    Verdict, View,
};
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::login::verifier;
use crate::multi_server::literal::messages::{self as text, AuthReq as TextAuthReq};
use crate::multi_server::literal::server::login_tags;
use crate::multi_server::literal::text::hex;
use crate::multi_server::params::Params;
use crate::multi_server::server::LoginTags;

/// When the secrets leak: in the middle of the run.
const LEAK: &str = "45min";

const fn of_user(secret: &'static str) -> Need {
    Need {
        secret,
        of: "user",
        at: LEAK,
    }
}

pub(super) const DUMP_SPEC: AttackSpec = AttackSpec {
    id: "rc-dump",
    help: "Records every login; then the tables of the centre leak. UID and C open each gamma, and SK \
           follows, of sessions before and after.",
    powers: ALL_POWERS,
    knows: &[
        Need {
            secret: "table",
            of: "rc",
            at: LEAK,
        },
        Need {
            secret: "k-rc",
            of: "rc",
            at: LEAK,
        },
    ],
    properties: &[Property::Secrecy],
    claims: &["MS-C3"],
    control: Control::without("mask"),
    claims_secrets: &["session-key"],
    ..super::BASE
};

pub(super) const THEFT_SPEC: AttackSpec = AttackSpec {
    id: "later-theft",
    help: "Records every login; then UID and C of one user leak. They open gamma of its earlier \
           sessions, and SK follows: no nonce and no timestamp makes a key that cannot be computed \
           again.",
    powers: super::OBSERVE,
    knows: &[of_user("uid"), of_user("c")],
    properties: &[Property::Secrecy],
    claims: &["MS-C3"],
    control: Control::without("mask"),
    claims_secrets: &["session-key"],
    ..super::BASE
};

/// `rc-dump` and `later-theft`: logins first, then what opens them.
#[derive(Debug)]
pub(super) struct Dump {
    params: Arc<Params>,
    servers: Vec<Vec<u8>>,
    logins: Logins,
    recorded: Vec<Login>,
    /// Of the prototype: who logs in, its request, gamma and Loc.
    texts: Vec<(u32, TextAuthReq, String, String)>,
    asked: BTreeMap<Address, TextAuthReq>,
    places: BTreeMap<Address, String>,
    people: Vec<(Hash, Hash)>,
    uid: Option<Hash>,
    c: Option<Hash>,
}

impl Dump {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            servers: server_ids(setup),
            logins: Logins::default(),
            recorded: Vec::new(),
            texts: Vec::new(),
            asked: BTreeMap::new(),
            places: BTreeMap::new(),
            people: Vec::new(),
            uid: None,
            c: None,
        }
    }

    /// Keeps what passes in the prototype; true when a login is complete.
    fn see_text(&mut self, view: &View<'_>) -> bool {
        if let Some(asked) = text_request(&self.params, view.bytes) {
            self.asked.insert(view.from, asked);
        } else if let Some(reply) = text_reply(&self.params, view.bytes) {
            let asked = self.asked.remove(&view.to);
            if let Some((asked, loc)) = asked.zip(self.places.get(&view.from)) {
                let login = (view.to.host, asked, reply.gamma, loc.clone());
                self.texts.push(login);
                return true;
            }
        } else if self.params.literal()
            && let Ok(text::Message::Info { loc, .. }) = text::decode(&self.params, view.bytes)
        {
            let loc = text::plain(&loc).to_owned();
            self.places.insert(view.from, loc);
        }
        false
    }

    fn open(&mut self, cx: &mut AttackContext<'_>) {
        for (user, mut asked, gamma, loc) in self.texts.drain(..) {
            let known = self.people.iter().find(|(uid, _)| hex(uid) == asked.uid);
            if let Some((uid, c)) = known {
                (asked.uid, asked.c) = (hex(uid), hex(c));
                let key = text_key(&asked, &gamma, &loc, cx);
                cx.claim("session-key", user, key);
            }
        }
        for login in self.recorded.drain(..) {
            for id in &self.servers {
                for (uid, c) in &self.people {
                    let c = verifier(&self.params, cx.crypto, c, id);
                    if let Some(key) = login.key(&self.params, cx.crypto, id, (uid, &c)) {
                        cx.claim("session-key", login.user.host, key);
                    }
                }
            }
        }
    }
}

impl Attacker for Dump {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if let Some(login) = self.logins.see(&self.params, view) {
            cx.tried();
            self.recorded.push(login);
            if !self.people.is_empty() {
                cx.arm(0, SETTLED);
            }
        } else if self.see_text(view) {
            cx.tried();
            if !self.people.is_empty() {
                cx.arm(0, SETTLED);
            }
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        self.open(cx);
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        match grant.secret {
            "table" => self.people = rows(grant.bytes()),
            "uid" => self.uid = hash(grant.bytes()),
            "c" => self.c = hash(grant.bytes()),
            _ => {}
        }
        if let Some(person) = self.uid.zip(self.c) {
            self.people = vec![person];
        }
        if !self.people.is_empty() {
            self.open(cx);
        }
    }
}

pub(super) const KNOWN_SPEC: AttackSpec = AttackSpec {
    id: "known-sk",
    help: "One SK of a user leaks. It is named as the key of each later session of that user: right \
           when VT is the only input that changes and does not, as with `vt_mode` constant or repo, \
           and in the prototype.",
    powers: super::OBSERVE,
    knows: &[of_user("session-key")],
    properties: &[Property::Secrecy],
    claims: &["MS-C3"],
    control: Control::without("session-inputs"),
    claims_secrets: &["key-of-session"],
    ..super::BASE
};

/// `known-sk`.
#[derive(Debug)]
pub(super) struct KnownKey {
    params: Arc<Params>,
    logins: Logins,
    text: Option<TextAuthReq>,
    of: u32,
    key: Vec<u8>,
    /// The sessions that its user will hold by the time they are named.
    found: Vec<[u8; 8]>,
}

impl KnownKey {
    pub(super) fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            logins: Logins::default(),
            text: None,
            of: 0,
            key: Vec::new(),
            found: Vec::new(),
        }
    }
}

impl Attacker for KnownKey {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        self.of = grant.of;
        self.key = grant.bytes().to_vec();
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.key.is_empty() {
            return Verdict::Pass;
        }
        if let Some(asked) = text_request(&self.params, view.bytes) {
            self.text = (view.from.host == self.of).then_some(asked);
            return Verdict::Pass;
        }
        let session = if let Some(login) = self.logins.see(&self.params, view) {
            (login.user.host == self.of).then(|| LoginTags::new(&login.asked, &login.reply).session)
        } else if let Some(reply) = text_reply(&self.params, view.bytes) {
            let asked = self.text.take().filter(|_| view.to.host == self.of);
            asked.map(|asked| login_tags(&asked, &reply).2)
        } else {
            None
        };
        if let Some(session) = session {
            cx.tried();
            self.found.push(session);
            cx.arm(0, SETTLED);
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        for session in self.found.drain(..) {
            let claim = [&session[..], &self.key].concat();
            cx.claim("key-of-session", self.of, claim);
        }
    }
}
