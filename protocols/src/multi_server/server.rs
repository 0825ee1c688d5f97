//! The hospital server: answers users from its own table and keeps the table up to date.

mod login;

pub(crate) use login::{LoginTags, asked_run};

use std::sync::Arc;

use crate::output::{Fingerprints, Output, Principal, Scope, Tag};
use crate::time::{LocalTime, Span};
use crate::{Channel, Command, Context, Incoming, Machine, Timer};

use super::directory::Directory;
use super::equations::update::{TableBond, table_proof};
use super::equations::{Hash, server_proof_key, server_secret, state};
use super::exchange::{Way, accept_answer, drop_unexpected};
use super::messages::{self, DbRep, DbReq, Message, SregReq};
use super::params::{Params, Without};
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

    /// The live session that ends last.
    pub(crate) fn newest(&self) -> Option<(&Tag, &Hash)> {
        self.sessions.newest()
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
