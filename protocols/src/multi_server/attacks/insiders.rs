//! What a registered user can do with the list on its card: `insider-track`, `insider-as-user`,
//! `insider-as-server`. The list holds SSK of every server.

use std::sync::Arc;

use super::frames::{
    Entry, entries, forge_request, frame, request, text_frame, text_request, unmask,
};
use super::passive::{SETTLED, text_key};
use super::updates::{open_table, table_request};
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Property, Setup, Verdict, View,
};
use crate::multi_server::directory::Directory;
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::login::{Grant as Ticket, Transcript};
use crate::multi_server::literal::messages as text;
use crate::multi_server::literal::text::{
    digest, filled_hex, hex, number, seconds, xor as text_xor,
};
use crate::multi_server::messages::{AuthRep, Message, decode, unpadded};
use crate::multi_server::params::Params;
use crate::multi_server::{PORT, role};
use crate::time::Span;

/// The list of a registered user.
const LIST: &[Need] = &[Need {
    secret: "list",
    of: "user",
    at: "0s",
}];

pub(super) const TRACK_SPEC: AttackSpec = AttackSpec {
    id: "insider-track",
    help: "A registered user unmasks UID = alpha XOR h(ID_j, SSK_j, T1) of every request with its own \
           list, and tells users apart by it.",
    powers: super::OBSERVE,
    knows: LIST,
    properties: &[Property::Anonymity],
    claims: &["MS-C6"],
    control: Control::without("mask"),
    ..super::BASE
};

/// `insider-track`.
#[derive(Debug)]
pub(super) struct Track {
    params: Arc<Params>,
    list: Vec<Entry>,
    /// The request before, and the UIDs that it can have.
    last: Option<(u64, Vec<Hash>)>,
}

impl Track {
    pub(super) const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            list: Vec::new(),
            last: None,
        }
    }
}

impl Attacker for Track {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        if !self.params.literal() {
            self.list = entries(&self.params, grant.bytes());
        }
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let uids: Vec<Hash> = if let Some(asked) = request(&self.params, view.bytes) {
            let entries = self.list.iter();
            entries
                .map(|entry| unmask(&self.params, cx.crypto, &asked, entry))
                .collect()
        } else if let Some(asked) = text_request(&self.params, view.bytes) {
            let uid = number(&asked.uid).and_then(|uid| uid.try_into().ok());
            uid.into_iter().collect()
        } else {
            return Verdict::Pass;
        };
        cx.tried();
        if let Some((frame, before)) = &self.last {
            let same = before.iter().any(|uid| uids.contains(uid));
            cx.claim_link(*frame, view.frame, same);
        }
        self.last = Some((view.frame, uids));
        Verdict::Pass
    }
}

const AS_USER: &[&str] = &["seen", "pulled"];

pub(super) const USER_SPEC: AttackSpec = AttackSpec {
    id: "insider-as-user",
    help: "A registered user takes the UID of another one from a request and logs in with it five \
           seconds later from an own address. It lacks C and takes zeros; in the prototype C travels in \
           clear (`seen`). Or it asks the centre for the table of a server with what its list holds, \
           and logs in as each user of whom it learns C (`pulled`).",
    powers: super::OBSERVE_INJECT,
    knows: LIST,
    cases: AS_USER,
    stages: &[("pulled", super::STAGE.on("server", "rc"))],
    ..super::BASE
};

/// `insider-as-user`.
#[derive(Debug)]
pub(super) struct AsUser {
    params: Arc<Params>,
    own: Address,
    list: Vec<Entry>,
    directory: Directory,
    waiting: Option<(Address, Vec<u8>)>,
    /// Where the table is asked for, if that is the case.
    centre: Option<Address>,
    /// T of the last DB_REQ.
    asked: u64,
}

impl AsUser {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        let pulls = setup.case == Some(AS_USER[1]) && !params.literal();
        Self {
            params,
            own: setup.own(0, PORT),
            list: Vec::new(),
            directory: Directory::new(setup.roster),
            waiting: None,
            centre: setup.first_of(role::RC).filter(|_| pulls),
            asked: 0,
        }
    }

    fn entry(&self, host: u32) -> Option<&Entry> {
        let id = self.directory.id_at(host)?;
        let id = unpadded(id);
        self.list.iter().find(|entry| entry.id == id)
    }

    /// A request for the table of the first server, and one at that server where the answer gives C.
    fn pull(&mut self, cx: &mut AttackContext<'_>) {
        if let Some((centre, entry)) = self.centre.zip(self.list.first()) {
            self.asked = cx.now.0;
            let request = table_request(entry, self.asked, cx);
            let bytes = frame(&self.params, &Message::DbReq(request));
            cx.inject(self.own, centre, bytes);
            cx.arm(0, Span::from_secs(60));
        }
    }
}

/// The servers of a list text of the prototype.
fn text_entries(list: &[u8]) -> Vec<Entry> {
    let list = core::str::from_utf8(list).unwrap_or_default();
    let entry = |entry: &str| {
        let mut parts = entry.split('.');
        let (id, ssk, loc) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Entry {
            id: id.as_bytes().to_vec(),
            ssk: number(ssk)?.try_into().ok()?,
            loc: crate::multi_server::messages::padded(loc.as_bytes()),
            q: None,
        })
    };
    list.split(';').filter_map(entry).collect()
}

pub(super) fn read_list(params: &Params, grant: &Grant) -> Vec<Entry> {
    if params.literal() {
        text_entries(grant.bytes())
    } else {
        entries(params, grant.bytes())
    }
}

impl Attacker for AsUser {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        self.list = read_list(&self.params, grant);
        if self.centre.is_some() {
            cx.arm(0, Span::from_secs(60));
        }
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.waiting.is_some() || self.centre.is_some() {
            return Verdict::Pass;
        }
        let Some(entry) = self.entry(view.to.host).cloned() else {
            return Verdict::Pass;
        };
        let later = cx.now.0.saturating_add(Span::from_secs(5).0);
        let forged = if let Some(asked) = request(&self.params, view.bytes) {
            let uid = unmask(&self.params, cx.crypto, &asked, &entry);
            let server = (&entry.id[..], &entry.ssk);
            let forged = forge_request(&self.params, cx, server, (&uid, &[0; 32]), later);
            frame(&self.params, &Message::AuthReq(forged))
        } else if let Some(asked) = text_request(&self.params, view.bytes) {
            let t1 = seconds(later).to_string();
            let (id, ssk) = (asked.id.clone(), hex(&entry.ssk));
            let stream = digest(cx.crypto, &[&id, &ssk, &t1]);
            let uid = number(&asked.uid).unwrap_or_default();
            let beta = digest(cx.crypto, &[&asked.uid, &ssk, &asked.c, &t1]);
            let forged = text::AuthReq {
                alpha: filled_hex(&text_xor(cx.crypto, &uid, &stream)),
                beta: hex(&beta),
                t1,
                ..asked
            };
            text_frame(&self.params, &text::Message::AuthReq(forged))
        } else {
            return Verdict::Pass;
        };
        self.waiting = Some((view.to, forged));
        cx.arm(0, Span::from_secs(5));
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some((server, bytes)) = self.waiting.take() {
            cx.inject(self.own, server, bytes);
        }
        self.pull(cx);
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let Some(entry) = self.list.first().filter(|_| self.centre.is_some()) else {
            return;
        };
        let Ok(Message::DbRep(reply)) = decode(&self.params, view.bytes) else {
            return;
        };
        let Some(server) = self.directory.address_of(&entry.id) else {
            return;
        };
        let table = open_table(&self.params, entry, (self.asked, &reply), cx);
        for (uid, c) in super::own_server::rows(&table) {
            let asks = (&entry.id[..], &entry.ssk);
            let forged = forge_request(&self.params, cx, asks, (&uid, &c), cx.now.0);
            let bytes = frame(&self.params, &Message::AuthReq(forged));
            cx.inject(self.own, server, bytes);
        }
    }
}

pub(super) const SERVER_SPEC: AttackSpec = AttackSpec {
    id: "insider-as-server",
    help: "A registered user answers another one in the place of the server. It has UID and Loc from \
           its list, and lacks C: it takes zeros. In the prototype C travels in clear, and SK follows.",
    powers: super::IN_PLACE,
    knows: LIST,
    properties: &[Property::Agreement, Property::Secrecy],
    claims: &["MS-C1", "MS-C2"],
    control: Control::without("sigma"),
    claims_secrets: &["session-key"],
    ..super::BASE
};

/// `insider-as-server`.
#[derive(Debug)]
pub(super) struct AsServer {
    params: Arc<Params>,
    list: Vec<Entry>,
    found: Vec<(u32, Hash)>,
}

impl AsServer {
    pub(super) const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            list: Vec::new(),
            found: Vec::new(),
        }
    }
}

/// The answer of a server to a request, by somebody who knows the verifier; and SK.
pub(super) fn answer(
    params: &Params,
    asked: &crate::multi_server::messages::AuthReq,
    entry: &Entry,
    (uid, c): (&Hash, &Hash),
    cx: &mut AttackContext<'_>,
) -> Option<(Vec<u8>, Hash)> {
    let mut nonce = [0; 16];
    cx.random(&mut nonce);
    let nonce = asked.nonce.map(|_| nonce);
    let t2 = cx.now.0;
    let transcript = Transcript {
        uid,
        id: &entry.id,
        c,
        beta: &asked.beta,
        t1: asked.t1,
        t2,
        nonces: asked.nonce.as_ref().zip(nonce.as_ref()),
    };
    let ticket = Ticket {
        vt: t2.saturating_add(params.session_lifetime.0),
        loc: entry.loc,
    };
    let reply = AuthRep {
        gamma: transcript.gamma(params, cx.crypto, &ticket),
        sigma: transcript.sigma(cx.crypto, &ticket)?,
        t2,
        nonce,
    };
    let key = transcript.session_key(params, cx.crypto, &ticket);
    Some((frame(params, &Message::AuthRep(reply)), key))
}

impl Attacker for AsServer {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        self.list = read_list(&self.params, grant);
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let params = Arc::clone(&self.params);
        let made = if let Some(asked) = request(&params, view.bytes) {
            let Some(entry) = self.list.first() else {
                return Verdict::Pass;
            };
            let uid = unmask(&params, cx.crypto, &asked, entry);
            answer(&params, &asked, entry, (&uid, &[0; 32]), cx)
        } else if let Some(asked) = text_request(&params, view.bytes) {
            let id = asked.id.as_bytes();
            let Some(entry) = self.list.iter().find(|entry| entry.id == id) else {
                return Verdict::Pass;
            };
            let loc = text::plain(&entry.loc).to_owned();
            let vt = hex(&digest(cx.crypto, &[&asked.uid, "location-verification"]));
            let clear = format!("{vt}{}", hex(loc.as_bytes()));
            let clear = number(&clear).unwrap_or_default();
            let parts: [&str; 4] = [&asked.c, &asked.uid, &asked.id, &asked.beta];
            let stream = digest(cx.crypto, &parts);
            let gamma = filled_hex(&text_xor(cx.crypto, &clear, &stream));
            let sigma = digest(cx.crypto, &[&vt, &asked.c, "0"]);
            let key = text_key(&asked, &gamma, &loc, cx);
            let reply = text::AuthRep {
                t2: seconds(cx.now.0).to_string(),
                gamma,
                sigma: hex(&sigma),
            };
            Some((text_frame(&params, &text::Message::AuthRep(reply)), key))
        } else {
            return Verdict::Pass;
        };
        let Some((bytes, key)) = made else {
            return Verdict::Pass;
        };
        cx.inject(view.to, view.from, bytes);
        self.found.push((view.from.host, key));
        cx.arm(0, SETTLED);
        Verdict::Drop
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        for (user, key) in self.found.drain(..) {
            cx.claim("session-key", user, key);
        }
    }
}
