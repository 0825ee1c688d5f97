//! `probe-membership`: who has an account, from how a server refuses.

use std::sync::Arc;

use super::frames::{forge_request, frame, hash};
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Errand, Grant, Need, Position, Power, Property,
    Setup, Stage, View,
};
use crate::multi_server::PORT;
use crate::multi_server::directory::Directory;
use crate::multi_server::equations::Hash;
use crate::multi_server::messages::{Message, decode, unpadded};
use crate::multi_server::params::Params;
use crate::time::Span;

const fn of_server(secret: &'static str) -> Need {
    Need {
        secret,
        of: "server",
        at: "1min",
    }
}

/// Enough users for a game of a hundred rounds.
const USERS: Stage = Stage {
    duration: "30min",
    ..super::STAGE
        .with_nodes(&[("rc", 1), ("server", 1), ("user", 60)])
        .with_errands(&[Errand {
            from: "user",
            to: "server",
            commands: &["authenticate"],
            every: "exp(1h)",
            first: "",
        }])
};

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "probe-membership",
    help: "Sends a request with a right alpha and a random beta for each of a list of UIDs, half of \
           which are made up, and compares the answers and how long they take with those for a UID that \
           nobody can have. In the case `answers` computing takes no time, in `times` the server is a \
           computer. A round of the game is a UID: does somebody bear it?",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[of_server("ssk"), of_server("candidates")],
    cases: &["answers", "times"],
    properties: &[Property::Anonymity],
    claims: &["MS-C6"],
    control: Control::without("limits"),
    variants: super::BINARY,
    claims_secrets: &["uid"],
    stage: USERS,
    stages: &[(
        "times",
        Stage {
            node_keys: &[("server", "profile = \"x86-server\"")],
            ..USERS
        },
    )],
    ..super::BASE
};

/// Answer, and how long it took, ns.
type Answer = (Vec<u8>, u64);

/// The attacker.
#[derive(Debug)]
pub(super) struct Probe {
    params: Arc<Params>,
    directory: Directory,
    own: Address,
    of: u32,
    ssk: Option<Hash>,
    candidates: Vec<Hash>,
    next: usize,
    asked_ns: u64,
    /// For a UID that nobody can have.
    nobody: Option<Answer>,
}

impl Probe {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            directory: Directory::new(setup.roster),
            own: setup.own(0, PORT),
            of: 0,
            ssk: None,
            candidates: Vec::new(),
            next: 0,
            asked_ns: 0,
            nobody: None,
        }
    }
}

impl Attacker for Probe {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        self.of = grant.of;
        if grant.secret == "ssk" {
            self.ssk = hash(grant.bytes());
        } else {
            let (uids, _) = grant.bytes().as_chunks::<32>();
            self.candidates = uids.to_vec();
            cx.arm(0, Span::from_secs(10));
        }
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let id = self.directory.id_at(self.of).copied().unwrap_or_default();
        let Some(ssk) = self.ssk else {
            return;
        };
        let uid = match self.nobody {
            None => [0; 32],
            Some(_) => match self.candidates.get(self.next) {
                Some(uid) => *uid,
                None => return,
            },
        };
        let mut c = [0; 32];
        cx.random(&mut c);
        let t1 = cx.now.0;
        let server = (unpadded(&id), &ssk);
        let request = forge_request(&self.params, cx, server, (&uid, &c), t1);
        self.asked_ns = t1;
        cx.inject(
            self.own,
            Address::new(self.of, PORT),
            frame(&self.params, &Message::AuthReq(request)),
        );
        cx.arm(0, Span::from_secs(10));
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let Ok(Message::Reject { .. }) = decode(&self.params, view.bytes) else {
            return;
        };
        let took = cx.now.0.saturating_sub(self.asked_ns);
        let answer = (view.bytes.to_vec(), took);
        let Some(nobody) = &self.nobody else {
            self.nobody = Some(answer);
            return;
        };
        if let Some(uid) = self.candidates.get(self.next) {
            cx.claim_holds("uid", *uid, answer != *nobody);
            self.next += 1;
        }
    }
}
