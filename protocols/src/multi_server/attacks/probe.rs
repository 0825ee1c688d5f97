//! `probe-membership`: who has an account, from how a server refuses.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frames::{forge_request, frame, hash};
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Position, Power, Property, Setup,
    View,
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

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "probe-membership",
    help: "Sends a request with a right alpha and a random beta for each of a list of UIDs, half of \
           which are made up, and compares the answers and how long they take. It names those that are \
           answered unlike the others as the members: no party sends a frame by which anonymity could \
           be judged, so the list of members is what it must name.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[of_server("ssk"), of_server("candidates")],
    properties: &[Property::Secrecy],
    claims: &["MS-C6"],
    control: Control::without("limits"),
    variants: super::BINARY,
    claims_secrets: &["members"],
    stage: super::STAGE.with_nodes(&[("rc", 1), ("server", 1), ("user", 8)]),
    ..super::BASE
};

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
    /// Answer and how long it took, in microseconds: who got it.
    answers: BTreeMap<(Vec<u8>, u64), Vec<Hash>>,
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
            answers: BTreeMap::new(),
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
        if let Some(uid) = self.candidates.get(self.next) {
            let mut c = [0; 32];
            cx.random(&mut c);
            let t1 = cx.now.0;
            let server = (unpadded(&id), &ssk);
            let request = forge_request(&self.params, cx, server, (uid, &c), t1);
            self.asked_ns = t1;
            cx.inject(
                self.own,
                Address::new(self.of, PORT),
                frame(&self.params, &Message::AuthReq(request)),
            );
            cx.arm(0, Span::from_secs(10));
        } else if self.answers.len() > 1 {
            // The smaller group comes first where both are equal: a guess.
            for group in self.answers.values() {
                let mut group = group.clone();
                group.sort_unstable();
                cx.claim("members", self.of, group.concat());
            }
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let answer = match decode(&self.params, view.bytes) {
            Ok(Message::Reject { .. }) => view.bytes.to_vec(),
            _ => return,
        };
        if let Some(uid) = self.candidates.get(self.next) {
            let took = cx.now.0.saturating_sub(self.asked_ns) / 1000;
            self.answers.entry((answer, took)).or_default().push(*uid);
            self.next += 1;
        }
    }
}
