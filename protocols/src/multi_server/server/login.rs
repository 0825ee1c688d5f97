//! Phase 3 at the server.

use crate::output::{Output, Principal, Tag};
use crate::time::Span;
use crate::{Context, Incoming};

use super::Server;
use crate::multi_server::equations::login::{Grant, Transcript, alpha, beta, constant_of_user};
use crate::multi_server::equations::{Hash, tag};
use crate::multi_server::exchange::{Refusal, Way};
use crate::multi_server::messages::{AuthRep, AuthReq, Message};
use crate::multi_server::params::{VtMode, Without};
use crate::multi_server::phase;
use crate::multi_server::rc::user_principal;
use crate::multi_server::records::{self, Identity, ServerKeys};

impl Server {
    /// S2, S3.
    pub(super) fn authenticate(
        &mut self,
        request: &AuthReq,
        incoming: &Incoming<'_>,
        cx: &mut Context<'_>,
    ) {
        cx.phase(phase::AUTHENTICATE);
        let way = Way::back(incoming);
        match self.check_login(request, cx) {
            Ok(login) => self.welcome(request, &login, way, cx),
            Err((refusal, peer)) => {
                way.refuse(&self.params, cx, refusal, peer);
                if refusal == Refusal::BETA && peer.is_some() {
                    self.refresh(cx);
                }
            }
        }
    }

    fn check_login<'a>(
        &mut self,
        request: &AuthReq,
        cx: &mut Context<'a>,
    ) -> Result<Login<'a>, (Refusal, Option<Principal>)> {
        let identity = Identity::read(cx).ok_or((Refusal::INTERNAL, None))?;
        let keys = ServerKeys::read(cx).ok_or((Refusal::INTERNAL, None))?;
        if !self.params.fresh(cx.now, request.t1) {
            return Err((Refusal::STALE, None));
        }
        let table = cx.storage.read(records::SERVER_TABLE).unwrap_or_default();
        let id = identity.id();
        let nonce = request.nonce.as_ref();
        let mut found = None;
        let mut first = None;
        for ssk in [Some(&keys.ssk), keys.in_grace(cx.now.0)]
            .into_iter()
            .flatten()
        {
            let sealed = (id, ssk);
            let uid = alpha(
                &self.params,
                cx.crypto,
                &request.alpha,
                sealed,
                request.t1,
                nonce,
            );
            first = first.or(Some(uid));
            cx.crypto.db_read();
            if let Some(c) = records::look_up(table, &uid) {
                found = Some((uid, *ssk, c));
                break;
            }
        }
        if self.params.lacks(Without::Uid) {
            found = found.or_else(|| first.map(|uid| (uid, keys.ssk, [0; 32])));
        }
        let (uid, ssk, c) = found.ok_or((Refusal::UNKNOWN_USER, None))?;
        let peer = Some(user_principal(&uid));
        let expected = beta(cx.crypto, &uid, &ssk, &c, request.t1, nonce);
        let fits = cx.crypto.equal(&expected, &request.beta);
        if !fits && !self.params.lacks(Without::Beta) {
            return Err((Refusal::BETA, peer));
        }
        let span = Span(self.params.window.0.saturating_mul(2));
        if self.params.replay_cache && self.betas.contains(cx.now, span, &request.beta) {
            return Err((Refusal::REPLAY, peer));
        }
        Ok(Login { identity, uid, c })
    }

    /// Answers a good AUTH_REQ. Effects: `Running`, `Send`, `Arm`, `Accepted`.
    fn welcome(&mut self, request: &AuthReq, login: &Login<'_>, way: Way, cx: &mut Context<'_>) {
        let peer = user_principal(&login.uid);
        let t2 = cx.now.0;
        let vt = match self.params.vt_mode {
            VtMode::Expiry => t2.checked_add(self.params.session_lifetime.0),
            VtMode::Constant => Some(self.params.session_lifetime.0),
            VtMode::Repo => Some(constant_of_user(cx.crypto, &login.uid)),
            VtMode::Random => {
                let mut bytes = [0; 8];
                cx.random(&mut bytes);
                Some(u64::from_be_bytes(bytes))
            }
        };
        let nonce = request.nonce.map(|_| {
            let mut nonce = [0; 16];
            cx.random(&mut nonce);
            nonce
        });
        let transcript = Transcript {
            uid: &login.uid,
            id: login.identity.id(),
            c: &login.c,
            beta: &request.beta,
            t1: request.t1,
            t2,
            nonces: request.nonce.as_ref().zip(nonce.as_ref()),
        };
        let grant = vt.map(|vt| Grant {
            vt,
            loc: login.identity.loc,
        });
        let sealed = grant.and_then(|grant| {
            let gamma = transcript.gamma(&self.params, cx.crypto, &grant);
            Some((grant, gamma, transcript.sigma(cx.crypto, &grant)?))
        });
        let Some((grant, gamma, sigma)) = sealed else {
            way.refuse(&self.params, cx, Refusal::OVERFLOW, Some(peer));
            return;
        };
        let key = transcript.session_key(&self.params, cx.crypto, &grant);
        if self.params.replay_cache {
            self.betas.insert(cx.now, &request.beta);
        }
        let reply = AuthRep {
            gamma,
            sigma,
            t2,
            nonce,
        };
        let whole = LoginTags::new(request, &reply);
        cx.output(Output::Running {
            peer,
            run: whole.answered,
        });
        cx.send(way.port, way.to, way.channel, |out| {
            Message::AuthRep(reply).encode(&self.params, out);
        });
        let ends = (peer, whole.session);
        self.sessions
            .open(cx, ends, key, self.params.session_lifetime);
        cx.output(Output::Accepted {
            peer,
            session: whole.session,
            run: whole.asked,
            key_id: Some(tag("key-id", &[&key])),
        });
    }
}

/// A checked AUTH_REQ.
struct Login<'a> {
    identity: Identity<'a>,
    uid: Hash,
    /// The verifier in the table.
    c: Hash,
}

/// Names of a login for observers.
pub(crate) struct LoginTags {
    /// Transcript up to AUTH_REQ.
    pub(crate) asked: Tag,
    /// Transcript up to AUTH_REP.
    pub(crate) answered: Tag,
    pub(crate) session: Tag,
}

impl LoginTags {
    pub(crate) fn new(request: &AuthReq, reply: &AuthRep) -> Self {
        let (t1, t2) = (request.t1.to_be_bytes(), reply.t2.to_be_bytes());
        let (alpha, beta) = (&request.alpha, &request.beta);
        let all: [&[u8]; 6] = [alpha, beta, &t1, &reply.gamma, &reply.sigma, &t2];
        Self {
            asked: asked_run(request),
            answered: tag("run", &all),
            session: tag("session", &all),
        }
    }
}

/// `run` of an AUTH_REQ.
pub(crate) fn asked_run(request: &AuthReq) -> Tag {
    tag(
        "run",
        &[&request.alpha, &request.beta, &request.t1.to_be_bytes()],
    )
}
