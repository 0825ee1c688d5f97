//! `impostor-user`: somebody without an account logs in.

use std::sync::Arc;

use super::frames::{forge_request, forge_text_request, frame, hash, text_frame};
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Grant, Need, Position, Power, Setup,
};
use crate::multi_server::directory::Directory;
use crate::multi_server::equations::Hash;
use crate::multi_server::literal::messages as text;
use crate::multi_server::literal::text::seconds;
use crate::multi_server::messages::{AuthReq, Message, unpadded};
use crate::multi_server::params::Params;
use crate::multi_server::{PORT, role};
use crate::time::Span;

const CASES: &[&str] = &["no-account", "with-ssk"];

pub(super) const USER_SPEC: AttackSpec = AttackSpec {
    id: "impostor-user",
    help: "Sends requests from an own address, one a minute: with alpha and beta at random \
           (`no-account`), or, told SSK of the server, for a UID of its own making with a C of zeros \
           (`with-ssk`). The server of the prototype believes the C that it is sent.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[Need {
        secret: "ssk",
        of: "server",
        at: "0s",
    }],
    cases: CASES,
    control: Control::without("uid"),
    ..super::BASE
};

/// The attacker.
#[derive(Debug)]
pub(super) struct Impostor {
    params: Arc<Params>,
    directory: Directory,
    cases: Cases,
    own: Address,
    server: Option<Address>,
    ssk: Option<Hash>,
}

impl Impostor {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            directory: Directory::new(setup.roster),
            cases: Cases::new(CASES, setup.case),
            own: setup.own(0, PORT),
            server: setup.first_of(role::SERVER),
            ssk: None,
        }
    }
}

impl Attacker for Impostor {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        cx.arm(0, Span::from_secs(60));
    }

    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        self.ssk = hash(grant.bytes());
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(0, Span::from_secs(60));
        let Some(server) = self.server else {
            return;
        };
        let id = self.directory.id_at(server.host).copied();
        let id = id.unwrap_or_default();
        let id = unpadded(&id);
        let mut uid = [0; 32];
        cx.random(&mut uid);
        let ssk = match (self.cases.turn(), self.ssk) {
            (1, Some(ssk)) => Some(ssk),
            _ => None,
        };
        let bytes = if self.params.literal() {
            let mut guess = [0; 32];
            cx.random(&mut guess);
            let server = (id, &ssk.unwrap_or(guess));
            let asked = forge_text_request(cx, server, (&uid, &[0; 32]), seconds(cx.now.0));
            text_frame(&self.params, &text::Message::AuthReq(asked))
        } else {
            let request = match ssk {
                Some(ssk) => {
                    let t1 = cx.now.0;
                    forge_request(&self.params, cx, (id, &ssk), (&uid, &[0; 32]), t1)
                }
                None => {
                    let mut beta = [0; 32];
                    cx.random(&mut beta);
                    AuthReq {
                        alpha: uid,
                        beta,
                        t1: cx.now.0,
                        nonce: self.params.hardened().then_some([0; 16]),
                    }
                }
            };
            frame(&self.params, &Message::AuthReq(request))
        };
        cx.inject(self.own, server, bytes);
    }
}
