//! The hospital server: answers users from its own table and keeps the table up to date.

use std::sync::Arc;

use crate::output::{Fingerprints, Output, Principal, Scope, Tag};
use crate::time::{LocalTime, Span};
use crate::{Channel, Command, Context, Incoming, Machine, Timer};

use super::directory::Directory;
use super::equations::login::{Grant, Transcript, alpha, beta, constant_of_user};
use super::equations::update::{TableBond, table_proof};
use super::equations::{Hash, server_proof_key, server_secret, state, tag};
use super::exchange::{Refusal, Way, accept_answer, drop_unexpected};
use super::messages::{self, AuthRep, AuthReq, DbRep, DbReq, Message, SregReq};
use super::params::{Params, VtMode, Without};
use super::rc::user_principal;
use super::records::{self, Identity, ServerKeys};
use super::sessions::{ReplayCache, Sessions};
use super::{PORT, command, phase, relation, timer};

/// A hospital server.
#[derive(Clone, Debug)]
pub struct Server {
    params: Arc<Params>,
    directory: Arc<Directory>,
    awaited: Awaited,
    /// When a failed login last triggered phase 5.
    refreshed: Option<LocalTime>,
    sessions: Sessions,
    betas: ReplayCache,
}

/// What the server waits for from the centre.
#[derive(Clone, Debug)]
enum Awaited {
    Nothing,
    /// SREG_ACK to this frame.
    Key {
        request: Vec<u8>,
    },
    /// DB_REP to this frame, sent at T = `t` under Q_j.
    Table {
        request: Vec<u8>,
        t: u64,
        q: Hash,
        repeats: u8,
    },
}

const REPLY: Timer = Timer::only(timer::REPLY);
const DB_UPDATE: Timer = Timer::only(timer::DB_UPDATE);

impl Server {
    pub(crate) fn new(params: Arc<Params>, directory: Arc<Directory>) -> Self {
        Self {
            params,
            directory,
            awaited: Awaited::Nothing,
            refreshed: None,
            sessions: Sessions::default(),
            betas: ReplayCache::default(),
        }
    }

    /// SK of the live session `session`: what an application above would use.
    #[must_use]
    pub fn session_key(&self, session: &Tag) -> Option<&[u8; 32]> {
        self.sessions.key(session)
    }

    fn centre(&self) -> Principal {
        self.directory.centre_principal()
    }

    fn way(&self, channel: Channel) -> Way {
        Way {
            port: PORT,
            to: self.directory.centre(),
            channel,
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        let keys = ServerKeys::read(cx);
        self.share(cx, keys.as_ref());
        if keys.is_none() {
            self.ask_for_key(cx);
        } else {
            self.arm_update(cx);
        }
    }

    fn arm_update(&self, cx: &mut Context<'_>) {
        if self.params.db_update_every > Span::ZERO {
            cx.arm(DB_UPDATE, self.params.db_update_every);
        }
    }

    fn share(&self, cx: &mut Context<'_>, keys: Option<&ServerKeys>) {
        let now = cx.now.0;
        let fingerprints = keys.map_or(Fingerprints::NONE, |keys| match keys.in_grace(now) {
            Some(old) => Fingerprints::newest_first(&[state(&keys.ssk), state(old)]),
            None => Fingerprints::one(state(&keys.ssk)),
        });
        cx.output(Output::SharedState {
            peer: self.centre(),
            relation: relation::SERVER_KEY,
            epoch: 0,
            fingerprints,
            durable: true,
        });
    }

    /// Sends SREG_REQ. Effects: `Running`, `Send`, `Arm`.
    fn ask_for_key(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::REGISTER);
        let Some(identity) = Identity::read(cx) else {
            return;
        };
        // The administrator's password enters both values, so both are computed anew each time.
        let p = server_secret(cx.crypto, identity.id(), &identity.r_s, identity.password);
        let q = server_proof_key(cx.crypto, identity.id(), identity.password, &p);
        let message = Message::SregReq(SregReq {
            id: identity.padded_id,
            p,
            q,
            loc: identity.loc,
        });
        let way = self.way(Channel::Secure);
        let request = way.request(&self.params, cx, self.centre(), &message);
        self.awaited = Awaited::Key { request };
        cx.arm(REPLY, self.params.reply_timeout);
    }

    /// S1.
    fn take_key(&mut self, ssk: &Hash, reply: &[u8], cx: &mut Context<'_>) {
        cx.phase(phase::REGISTER);
        let Awaited::Key { request } = core::mem::replace(&mut self.awaited, Awaited::Nothing)
        else {
            return;
        };
        cx.cancel(REPLY);
        let old = ServerKeys::read(cx)
            .map(|keys| (keys.ssk, cx.now.after(self.params.ssk_grace).0))
            .filter(|_| self.params.ssk_grace > Span::ZERO);
        let keys = ServerKeys { ssk: *ssk, old };
        cx.store(|batch| batch.put(records::SERVER_KEYS, |out| keys.write(out)));
        self.share(cx, Some(&keys));
        accept_answer(cx, self.centre(), &request, reply);
        cx.buffers.give(request);
        self.ask_for_table(cx, &keys.ssk, 0);
        self.arm_update(cx);
    }

    /// S4: sends DB_REQ. Effects: `Running`, `Send`, `Arm`.
    fn ask_for_table(&mut self, cx: &mut Context<'_>, ssk: &Hash, repeats: u8) {
        cx.phase(phase::DB_UPDATE);
        let Some(identity) = Identity::read(cx) else {
            return;
        };
        let q = server_proof_key(cx.crypto, identity.id(), identity.password, &identity.p);
        let t = cx.now.0;
        let omega = if self.params.db_proof {
            table_proof(cx.crypto, &q, t, ssk)
        } else {
            [0; 32]
        };
        let message = Message::DbReq(DbReq {
            id: identity.padded_id,
            omega,
            t,
        });
        let way = self.way(Channel::Public);
        let request = way.request(&self.params, cx, self.centre(), &message);
        self.awaited = Awaited::Table {
            request,
            t,
            q,
            repeats,
        };
        cx.arm(REPLY, backoff(self.params.reply_timeout, repeats));
    }

    /// Starts phase 5 when nothing is awaited and the server is registered.
    fn start_update(&mut self, cx: &mut Context<'_>) {
        if let Some(keys) = ServerKeys::read(cx)
            && matches!(self.awaited, Awaited::Nothing)
        {
            self.ask_for_table(cx, &keys.ssk, 0);
        }
    }

    /// S5.
    fn take_table(&mut self, reply: &DbRep<'_>, frame: &[u8], cx: &mut Context<'_>) {
        cx.phase(phase::DB_UPDATE);
        let Awaited::Table { request, t, q, .. } = &self.awaited else {
            drop_unexpected(cx);
            return;
        };
        let centre = self.directory.centre_principal();
        if !self.params.fresh(cx.now, reply.t) {
            cx.reject(Scope::Frame, "stale", Some(centre), None);
            return;
        }
        let Some(keys) = ServerKeys::read(cx) else {
            return;
        };
        let bond = TableBond {
            ssk: &keys.ssk,
            q,
            t: *t,
            answered: reply.t,
        };
        let mut table = cx.buffers.take();
        table.extend_from_slice(reply.records);
        bond.mask(&self.params, cx.crypto, &mut table);
        let mu = bond.mac(cx.crypto, &table);
        if !cx.crypto.equal(&mu, &reply.mu) && !self.params.lacks(Without::Proof) {
            cx.reject(Scope::Frame, "proof", Some(centre), None);
            cx.buffers.give(table);
            return;
        }
        cx.cancel(REPLY);
        if !self.params.lacks(Without::Refresh) {
            cx.store(|batch| {
                batch.put(records::SERVER_TABLE, |out| out.extend_from_slice(&table));
            });
        }
        accept_answer(cx, centre, request, frame);
        cx.buffers.give(table);
        self.give_up(cx);
    }

    fn give_up(&mut self, cx: &mut Context<'_>) {
        match core::mem::replace(&mut self.awaited, Awaited::Nothing) {
            Awaited::Nothing => {}
            Awaited::Key { request } | Awaited::Table { request, .. } => cx.buffers.give(request),
        }
    }

    /// S6. Effects: `Rejected`.
    fn fail(&mut self, reason: &'static str, cx: &mut Context<'_>) {
        let centre = self.centre();
        cx.reject(Scope::Attempt, reason, Some(centre), None);
        self.give_up(cx);
    }

    /// S2, S3.
    fn authenticate(&mut self, request: &AuthReq, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
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

    /// S3.
    fn refresh(&mut self, cx: &mut Context<'_>) {
        let recent = self
            .refreshed
            .is_some_and(|last| cx.now.since(last) < self.params.refresh_min);
        if self.params.refresh_on_failure && !recent {
            self.refreshed = Some(cx.now);
            self.start_update(cx);
        }
    }

    fn reply_timeout(&mut self, cx: &mut Context<'_>) {
        let repeats = match &self.awaited {
            Awaited::Table { repeats, .. } => Some(*repeats),
            _ => None,
        };
        match repeats.filter(|repeats| self.params.resend && *repeats < self.params.resend_max) {
            Some(repeats) => {
                self.give_up(cx);
                if let Some(keys) = ServerKeys::read(cx) {
                    self.ask_for_table(cx, &keys.ssk, repeats + 1);
                }
            }
            None if matches!(self.awaited, Awaited::Nothing) => {}
            None => self.fail("timeout", cx),
        }
    }
}

/// `timeout`, doubled `repeats` times.
pub(crate) fn backoff(timeout: Span, repeats: u8) -> Span {
    Span(
        timeout
            .0
            .saturating_mul(1u64.checked_shl(repeats.into()).unwrap_or(u64::MAX)),
    )
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

impl Machine for Server {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.wake(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        let message = match messages::decode(&self.params, incoming.bytes) {
            Ok(message) => message,
            Err(place) => {
                cx.reject(Scope::Frame, place, None, None);
                return;
            }
        };
        match (&self.awaited, &message) {
            (Awaited::Key { .. }, Message::SregAck { ssk }) => {
                if incoming.channel == Channel::Secure {
                    self.take_key(ssk, incoming.bytes, cx);
                } else {
                    cx.reject(Scope::Frame, "insecure-channel", None, None);
                }
            }
            (Awaited::Key { .. } | Awaited::Table { .. }, Message::Reject { .. }) => {
                cx.cancel(REPLY);
                self.fail("refused", cx);
            }
            // While it waits for its key the server does nothing else.
            (Awaited::Key { .. }, Message::AuthReq(_)) => {
                cx.reject(Scope::Frame, "busy", None, None);
            }
            (_, Message::AuthReq(request)) => self.authenticate(request, &incoming, cx),
            (_, Message::DbRep(reply)) => self.take_table(reply, incoming.bytes, cx),
            _ => drop_unexpected(cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        match timer.kind {
            timer::REPLY => self.reply_timeout(cx),
            timer::SESSION => self.sessions.expire(timer.key, cx),
            timer::DB_UPDATE => {
                self.arm_update(cx);
                self.start_update(cx);
            }
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        let busy = !matches!(self.awaited, Awaited::Nothing);
        match command.id {
            command::DB_UPDATE | command::REISSUE if busy => {
                cx.reject(Scope::Command, "busy", Some(self.centre()), None);
            }
            command::DB_UPDATE if cx.storage.read(records::SERVER_KEYS).is_none() => {
                cx.reject(Scope::Command, "unregistered", Some(self.centre()), None);
            }
            command::DB_UPDATE => self.start_update(cx),
            command::REISSUE => self.ask_for_key(cx),
            _ => cx.reject(Scope::Command, "unsupported", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.give_up(cx);
        self.refreshed = None;
        self.sessions = Sessions::default();
        self.betas = ReplayCache::default();
        self.wake(cx);
    }

    fn state(&self) -> &'static str {
        match self.awaited {
            Awaited::Nothing => "SERVING",
            Awaited::Key { .. } => "WAIT_KEY",
            Awaited::Table { .. } => "WAIT_TABLE",
        }
    }
}
