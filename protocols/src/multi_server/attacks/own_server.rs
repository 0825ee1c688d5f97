//! What the administrator of one registered server can do at the others: `own-server-passive`,
//! `own-server-and-user`. Its table holds UID and C of every user.

use std::sync::Arc;

use super::frames::{Entry, Logins, entries, forge_request, frame, request, unmask};
use super::insiders::answer;
use super::passive::SETTLED;
use crate::address::Address;
use crate::attack::{
    ALL_POWERS, AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Property, Setup,
    Verdict, View,
};
use crate::multi_server::PORT;
use crate::multi_server::directory::{Directory, server_id};
use crate::multi_server::equations::Hash;
use crate::multi_server::messages::{Message, TABLE_RECORD, unpadded};
use crate::multi_server::params::Params;
use crate::multi_server::role;
use crate::time::Span;

const TABLE: Need = Need {
    secret: "table",
    of: "server",
    at: "0s",
};

pub(super) const PASSIVE_SPEC: AttackSpec = AttackSpec {
    id: "own-server-passive",
    help: "The administrator of one server reads logins at another. For each row (UID, C) of its own \
           table it opens gamma and looks whether sigma fits: it names the user, and SK.",
    powers: super::OBSERVE,
    knows: &[TABLE],
    properties: &[Property::Secrecy, Property::Anonymity],
    claims: &["MS-C2"],
    control: Control::without("mask"),
    variants: super::BINARY,
    claims_secrets: &["session-key"],
    stage: super::TWO_SERVERS,
    ..super::BASE
};

/// UID and verifier of every user, from a table.
pub(super) fn rows(table: &[u8]) -> Vec<(Hash, Hash)> {
    let rows = table.chunks_exact(TABLE_RECORD);
    rows.filter_map(|row| {
        Some((
            row.get(..32)?.try_into().ok()?,
            row.get(32..64)?.try_into().ok()?,
        ))
    })
    .collect()
}

/// `own-server-passive`.
#[derive(Debug)]
pub(super) struct Passive {
    params: Arc<Params>,
    directory: Directory,
    /// All servers: ID_j is public.
    servers: Vec<Vec<u8>>,
    own: Vec<u8>,
    rows: Vec<(Hash, Hash)>,
    logins: Logins,
    /// The login before: its frame, and whose it is, if a row of the table fits.
    last: Option<(u64, Option<Hash>)>,
    found: Vec<(u32, Hash)>,
}

/// ID_j of every server.
pub(super) fn server_ids(setup: &Setup<'_>) -> Vec<Vec<u8>> {
    let parties = setup.roster.parties.iter();
    parties
        .filter(|party| party.role == role::SERVER)
        .map(|party| server_id(setup.roster, party).into_bytes())
        .collect()
}

impl Passive {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            directory: Directory::new(setup.roster),
            servers: server_ids(setup),
            own: Vec::new(),
            rows: Vec::new(),
            logins: Logins::default(),
            last: None,
            found: Vec::new(),
        }
    }
}

impl Attacker for Passive {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        self.rows = rows(grant.bytes());
        let own = self.directory.id_at(grant.of);
        self.own = own.map(|id| unpadded(id).to_vec()).unwrap_or_default();
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let Some(login) = self.logins.see(&self.params, view) else {
            return Verdict::Pass;
        };
        cx.tried();
        let others = self.servers.iter().filter(|id| **id != self.own);
        let found = others
            .flat_map(|id| self.rows.iter().map(move |row| (id, row)))
            .find_map(|(id, (uid, c))| {
                let key = login.key(&self.params, cx.crypto, id, (uid, c))?;
                Some((*uid, key))
            });
        let uid = found.map(|(uid, key)| {
            self.found.push((login.user.host, key));
            cx.arm(0, SETTLED);
            uid
        });
        if let Some((frame, before)) = self.last {
            // Logins that no row opens are somebody else's, for all that it can tell.
            cx.claim_link(frame, login.frame, uid.is_some() && before == uid);
        }
        self.last = Some((login.frame, uid));
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        for (user, key) in self.found.drain(..) {
            cx.claim("session-key", user, key);
        }
    }
}

const CASES: &[&str] = &["as-user", "as-server"];

pub(super) const BOTH_SPEC: AttackSpec = AttackSpec {
    id: "own-server-and-user",
    help: "Somebody who has a server and an account holds UID and C of every user and SSK of every \
           server. It logs in at another server as any user (`as-user`), and answers users in the \
           place of another server (`as-server`).",
    powers: ALL_POWERS,
    knows: &[
        TABLE,
        Need {
            secret: "list",
            of: "user",
            at: "0s",
        },
    ],
    cases: CASES,
    properties: &[Property::Agreement, Property::Secrecy],
    claims: &["MS-C1", "MS-C2"],
    variants: super::BINARY,
    claims_secrets: &["session-key"],
    stage: super::TWO_SERVERS,
    ..super::BASE
};

/// `own-server-and-user`.
#[derive(Debug)]
pub(super) struct Both {
    params: Arc<Params>,
    directory: Directory,
    as_server: bool,
    own: Address,
    own_id: Vec<u8>,
    rows: Vec<(Hash, Hash)>,
    list: Vec<Entry>,
    next: usize,
    found: Vec<(u32, Hash)>,
}

impl Both {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            directory: Directory::new(setup.roster),
            as_server: Cases::new(CASES, setup.case).turn() == 1,
            own: setup.own(0, PORT),
            own_id: Vec::new(),
            rows: Vec::new(),
            list: Vec::new(),
            next: 0,
            found: Vec::new(),
        }
    }
}

const CLAIM: u32 = 0;
const LOG_IN: u32 = 1;

impl Attacker for Both {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        if !self.as_server {
            cx.arm(LOG_IN, Span::from_secs(60));
        }
    }

    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        if grant.secret == "table" {
            self.rows = rows(grant.bytes());
            let own = self.directory.id_at(grant.of);
            self.own_id = own.map(|id| unpadded(id).to_vec()).unwrap_or_default();
        } else {
            self.list = entries(&self.params, grant.bytes());
        }
    }

    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let id = self.directory.id_at(view.to.host);
        let Some(id) = id.map(|id| unpadded(id).to_vec()) else {
            return Verdict::Pass;
        };
        if !self.as_server || id == self.own_id {
            return Verdict::Pass;
        }
        let entry = self.list.iter().find(|entry| entry.id == id);
        let Some((asked, entry)) = request(&self.params, view.bytes).zip(entry) else {
            return Verdict::Pass;
        };
        let uid = unmask(&self.params, cx.crypto, &asked, entry);
        let Some((_, c)) = self.rows.iter().find(|(known, _)| *known == uid) else {
            return Verdict::Pass;
        };
        let Some((bytes, key)) = answer(&self.params, &asked, entry, (&uid, c), cx) else {
            return Verdict::Pass;
        };
        cx.inject(view.to, view.from, bytes);
        self.found.push((view.from.host, key));
        cx.arm(CLAIM, SETTLED);
        Verdict::Drop
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        if timer == CLAIM {
            for (user, key) in self.found.drain(..) {
                cx.claim("session-key", user, key);
            }
            return;
        }
        cx.arm(LOG_IN, Span::from_secs(60));
        let entry = self.list.iter().find(|entry| entry.id != self.own_id);
        let Some(entry) = entry.cloned() else {
            return;
        };
        let Some(server) = self.directory.address_of(&entry.id) else {
            return;
        };
        let Some((uid, c)) = self.rows.get(self.next % self.rows.len().max(1)) else {
            return;
        };
        self.next += 1;
        let t1 = cx.now.0;
        let forged = forge_request(&self.params, cx, (&entry.id, &entry.ssk), (uid, c), t1);
        cx.inject(
            self.own,
            server,
            frame(&self.params, &Message::AuthReq(forged)),
        );
    }
}
