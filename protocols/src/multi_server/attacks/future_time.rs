//! `future-time`: an account prepares requests for another time, and sends them more than once.

use std::collections::VecDeque;
use std::sync::Arc;

use super::frames::{Entry, forge_request, forge_text_request, frame, hash, text_frame};
use super::insiders::read_list;
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Grant, Need, Position, Setup,
    Stage,
};
use crate::multi_server::directory::Directory;
use crate::multi_server::equations::login::verifier;
use crate::multi_server::equations::update::table_proof;
use crate::multi_server::equations::{Hash, tag};
use crate::multi_server::literal::messages as text;
use crate::multi_server::literal::text::seconds;
use crate::multi_server::messages::{DbReq, Message, PaddedId};
use crate::multi_server::params::Params;
use crate::multi_server::rc::user_principal;
use crate::multi_server::server::asked_run;
use crate::multi_server::{PORT, role};
use crate::output::Tag;
use crate::time::Span;

const CASES: &[&str] = &["ahead", "back", "kept", "db-ahead", "db-back", "db-kept"];

const fn own(secret: &'static str, of: &'static str) -> Need {
    Need {
        secret,
        of,
        at: "0s",
    }
}

/// The account is a server's.
const AS_SERVER: Stage = super::STAGE
    .with_nodes(&[("rc", 1), ("server", 2), ("user", 2)])
    .with_errands(&[Errand {
        from: "server",
        to: "rc",
        commands: &["db-update"],
        every: "exp(5min)",
        first: "",
    }])
    .with_seat("server[0]");

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "future-time",
    help: "Plays a user and makes requests whose T1 is an hour ahead (`ahead`) or back (`back`), which it \
           sends at once and again after 11 s, or one for ten minutes later, which it keeps, sends then \
           and again a second later (`kept`). As a server it does the same with DB_REQ (`db-ahead`, \
           `db-back`, `db-kept`). It runs the protocol once for each request: what counts is that one is \
           accepted twice.",
    powers: &[],
    positions: &[Position::Insider],
    knows: &[
        own("uid", "user"),
        own("c", "user"),
        own("list", "user"),
        own("ssk", "server"),
        own("q", "server"),
    ],
    cases: CASES,
    claims: &["MS-C5", "MS-C9"],
    control: Control::without("freshness"),
    stage: super::STAGE.with_seat("user[1]"),
    stages: &[
        ("db-ahead", AS_SERVER),
        ("db-back", AS_SERVER),
        ("db-kept", AS_SERVER),
    ],
    ..super::BASE
};

/// The attacker.
#[derive(Debug)]
pub(super) struct FutureTime {
    params: Arc<Params>,
    cases: Cases,
    own: Option<Address>,
    /// ID_j, where it plays a server.
    id: Option<PaddedId>,
    /// Whom it asks: a server, or the centre.
    target: Option<Address>,
    uid: Option<Hash>,
    c: Option<Hash>,
    ssk: Option<Hash>,
    q: Option<Hash>,
    list: Vec<Entry>,
    /// What it sends later, and when.
    kept: VecDeque<(u64, Vec<u8>)>,
}

impl FutureTime {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        let seat = setup.seat.and_then(|seat| setup.roster.parties.get(seat));
        let id = seat.and_then(|party| Directory::new(setup.roster).id_at(party.host).copied());
        let asked = if id.is_some() { role::RC } else { role::SERVER };
        Self {
            params,
            cases: Cases::new(CASES, setup.case),
            own: seat.map(|party| Address::new(party.host, PORT)),
            id,
            target: setup.first_of(asked),
            uid: None,
            c: None,
            ssk: None,
            q: None,
            list: Vec::new(),
            kept: VecDeque::new(),
        }
    }

    /// A login with this T1: the frame, and what it runs.
    fn login(&self, t1: u64, cx: &mut AttackContext<'_>) -> Option<(Vec<u8>, Tag)> {
        let ((uid, c), entry) = self.uid.zip(self.c).zip(self.list.first())?;
        cx.named(user_principal(&uid));
        let server = (&entry.id[..], &entry.ssk);
        if self.params.literal() {
            let asked = forge_text_request(cx, server, (&uid, &c), seconds(t1));
            let parts = [&asked.alpha, &asked.beta, &asked.t1].map(|text| text.as_bytes());
            let run = tag("run", &parts);
            let bytes = text_frame(&self.params, &text::Message::AuthReq(asked));
            return Some((bytes, run));
        }
        let c = verifier(&self.params, cx.crypto, &c, &entry.id);
        let asked = forge_request(&self.params, cx, server, (&uid, &c), t1);
        let run = asked_run(&asked);
        Some((frame(&self.params, &Message::AuthReq(asked)), run))
    }

    /// A request for the table with this T.
    fn update(&self, id: PaddedId, t: u64, cx: &mut AttackContext<'_>) -> Option<(Vec<u8>, Tag)> {
        let bytes = if self.params.literal() {
            let t = seconds(t);
            text_frame(&self.params, &text::Message::DbReq { id, t })
        } else {
            let (ssk, q) = self.ssk.zip(self.q)?;
            let omega = table_proof(cx.crypto, &q, t, &ssk);
            frame(&self.params, &Message::DbReq(DbReq { id, omega, t }))
        };
        let run = tag("run", &[&bytes]);
        Some((bytes, run))
    }
}

const MAKE: u32 = 0;
const SEND: u32 = 1;

impl Attacker for FutureTime {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(MAKE, Span::from_secs(60));
    }

    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        match grant.secret {
            "uid" => self.uid = hash(grant.bytes()),
            "c" => self.c = hash(grant.bytes()),
            "ssk" => self.ssk = hash(grant.bytes()),
            "q" => self.q = hash(grant.bytes()),
            _ => self.list = read_list(&self.params, grant),
        }
    }

    fn on_timer(&mut self, timer: u32, cx: &mut AttackContext<'_>) {
        let Some((own, target)) = self.own.zip(self.target) else {
            return;
        };
        if timer == SEND {
            if let Some((_, bytes)) = self.kept.pop_front() {
                cx.inject(own, target, bytes);
            }
            if let Some((due, _)) = self.kept.front() {
                cx.arm(SEND, Span(due.saturating_sub(cx.now.0)));
            }
            return;
        }
        let hour = Span::from_secs(3600).0;
        let ten_minutes = Span::from_secs(600).0;
        // The cases of a server are those of a user in the same order.
        let (time, waits) = match self.cases.turn() % 3 {
            0 => (cx.now.0.saturating_add(hour), [0, 11]),
            1 => (cx.now.0.saturating_sub(hour), [0, 11]),
            _ => (cx.now.0.saturating_add(ten_minutes), [600, 601]),
        };
        let made = match self.id {
            Some(id) => self.update(id, time, cx),
            None => self.login(time, cx),
        };
        cx.arm(MAKE, Span::from_secs(waits[1] + 60));
        let Some((bytes, run)) = made else {
            return;
        };
        cx.running(target.host, run);
        for wait in waits {
            let due = cx.now.0.saturating_add(Span::from_secs(wait).0);
            self.kept.push_back((due, bytes.clone()));
        }
        cx.arm(SEND, Span::from_secs(waits[0]));
    }
}
