//! The user of the prototype: asks the server who it is, sends C in clear, checks one time.

use std::sync::Arc;

use super::WINDOW_S;
use super::card::{ReadCard, TextCard, TextHead};
use super::messages::{self, AuthRep, AuthReq, Message, plain};
use super::server::login_tags;
use super::text::{bare_hex, digest, hex, number, seconds, xor};
use crate::crypto::Crypto;
use crate::multi_server::directory::Directory;
use crate::multi_server::equations::{Hash, state, tag, xor as xor_hashes};
use crate::multi_server::exchange::{Way, accept_answer, drop_unexpected};
use crate::multi_server::messages::PaddedId;
use crate::multi_server::params::Params;
use crate::multi_server::rc::{server_principal, user_principal};
use crate::multi_server::records;
use crate::multi_server::sessions::Sessions;
use crate::multi_server::{PORT, command, phase, relation, timer};
use crate::output::{Fingerprints, Output, Principal, Scope};
use crate::storage::Storage;
use crate::{Address, Arg, Channel, Command, Context, Incoming, Machine, Timer};

/// The user of the prototype.
#[derive(Clone, Debug)]
pub struct LiteralUser {
    params: Arc<Params>,
    directory: Arc<Directory>,
    state: State,
    sessions: Option<Box<Sessions>>,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Register(Box<RegisterWait>),
    /// The server was asked who it is.
    Info(Box<InfoWait>),
    Auth(Box<AuthWait>),
}

#[derive(Clone, Debug)]
struct RegisterWait {
    request: Vec<u8>,
    r1: String,
    r2: String,
    uid: Hash,
    a: Hash,
}

#[derive(Clone, Debug)]
struct InfoWait {
    server: Address,
    password: String,
}

#[derive(Clone, Debug)]
struct AuthWait {
    peer: Principal,
    request: AuthReq,
    /// What the card says the UID is.
    uid: String,
    /// Loc of the list.
    loc: String,
}

const REPLY: Timer = Timer::only(timer::REPLY);

impl LiteralUser {
    pub(crate) const fn new(params: Arc<Params>, directory: Arc<Directory>) -> Self {
        Self {
            params,
            directory,
            state: State::Idle,
            sessions: None,
        }
    }

    /// SK of the live session `session`: what an application above would use.
    #[must_use]
    pub fn session_key(&self, session: &crate::output::Tag) -> Option<&[u8; 32]> {
        self.sessions.as_ref()?.key(session)
    }

    fn centre(&self) -> Principal {
        self.directory.centre_principal()
    }

    fn head<'a>(storage: &'a dyn Storage, given: Arg<'a>) -> Option<TextHead<'a>> {
        let (id, first) = records::read_head(storage.read(records::USER_HEAD)?)?;
        let password = match given {
            Arg::Bytes(password) => password,
            _ => first,
        };
        Some(TextHead {
            id: core::str::from_utf8(id).ok()?,
            password: core::str::from_utf8(password).ok()?,
        })
    }

    /// Password, card and what the card says, for grants and oracles.
    pub(crate) fn known(storage: &dyn Storage) -> Option<(&[u8], &[u8], ReadCard)> {
        let head = Self::head(storage, Arg::Default)?;
        let card = storage.read(records::USER_CARD)?;
        let read = ReadCard::read(&mut Crypto::default(), &head, card)?;
        Some((head.password.as_bytes(), card, read))
    }

    /// The live session that ends last.
    pub(crate) fn newest(&self) -> Option<(&crate::output::Tag, &Hash)> {
        self.sessions.as_ref()?.newest()
    }

    fn share(&self, cx: &mut Context<'_>) {
        let card = Self::head(cx.storage, Arg::Default).and_then(|head| {
            let record = cx.storage.read(records::USER_CARD)?;
            ReadCard::read(&mut Crypto::default(), &head, record)
        });
        if let Some(card) = &card {
            let principal = user_principal(&card.uid);
            cx.output(Output::Named { principal });
        }
        let fingerprints =
            card.map_or(Fingerprints::NONE, |card| Fingerprints::one(state(&card.c)));
        cx.output(Output::SharedState {
            peer: self.centre(),
            relation: relation::CARD,
            epoch: 0,
            fingerprints,
            durable: true,
        });
    }

    fn become_idle(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.state, State::Idle) {
            self.state = State::Idle;
            cx.cancel(REPLY);
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, reason: &'static str) {
        let peer = match &self.state {
            State::Auth(wait) => wait.peer,
            _ => self.centre(),
        };
        cx.reject(Scope::Attempt, reason, Some(peer), None);
        self.become_idle(cx);
    }

    fn register(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::REGISTER);
        let refuse = |cx: &mut Context<'_>, reason| {
            cx.reject(
                Scope::Command,
                reason,
                Some(self.directory.centre_principal()),
                None,
            );
        };
        if !matches!(self.state, State::Idle) {
            refuse(cx, "busy");
            return;
        }
        if cx.storage.read(records::USER_CARD).is_some() || !self.params.in_band {
            refuse(cx, "exists");
            return;
        }
        let Some(head) = Self::head(cx.storage, Arg::Default) else {
            refuse(cx, "card");
            return;
        };
        let (mut r1, mut r2) = ([0; 16], [0; 16]);
        cx.random(&mut r1);
        cx.random(&mut r2);
        let (r1, r2) = (hex(&r1), hex(&r2));
        let uid = head.uid(cx.crypto, &r1, &r2);
        let a = head.secret(cx.crypto);
        let mut request = cx.buffers.take();
        Message::UregReq { uid, a }.encode(&self.params, &mut request);
        let way = Way {
            port: PORT,
            to: command.peer.unwrap_or_else(|| self.directory.centre()),
            channel: Channel::Secure,
        };
        way.request_frame(cx, self.centre(), &request);
        cx.arm(REPLY, self.params.reply_timeout);
        self.state = State::Register(Box::new(RegisterWait {
            request,
            r1,
            r2,
            uid,
            a,
        }));
    }

    fn take_card(
        &mut self,
        (c, d, list): (&Hash, &Hash, &str),
        frame: &[u8],
        cx: &mut Context<'_>,
    ) {
        cx.phase(phase::REGISTER);
        let State::Register(wait) = &self.state else {
            return;
        };
        let Some(head) = Self::head(cx.storage, Arg::Default) else {
            return;
        };
        let card = TextCard {
            head,
            r1: &wait.r1,
            r2: &wait.r2,
            uid: &wait.uid,
            a: &wait.a,
            c,
            d,
            list,
        };
        let mut bytes = cx.buffers.take();
        card.build(cx.crypto, &mut bytes);
        cx.store(|batch| batch.put(records::USER_CARD, |out| out.extend_from_slice(&bytes)));
        cx.buffers.give(bytes);
        let principal = user_principal(&wait.uid);
        cx.output(Output::Named { principal });
        cx.output(Output::SharedState {
            peer: self.centre(),
            relation: relation::CARD,
            epoch: 0,
            fingerprints: Fingerprints::one(state(c)),
            durable: true,
        });
        accept_answer(cx, self.centre(), &wait.request, frame);
        self.become_idle(cx);
    }

    /// Sends INFO_REQ. Effects: `Send`, `Arm`.
    fn authenticate(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        let address = match command.arg(0) {
            Arg::Bytes(id) => command.peer.or_else(|| self.directory.address_of(id)),
            _ => command.peer,
        };
        let known = address.and_then(|address| self.directory.id_at(address.host));
        let peer = known.map_or_else(|| self.centre(), server_principal);
        let head = Self::head(cx.storage, command.arg(1));
        let card = cx.storage.read(records::USER_CARD).and(head);
        let reason = match (&self.state, card, address) {
            (State::Idle, Some(head), Some(address)) => {
                let server = Address::new(address.host, PORT);
                self.state = State::Info(Box::new(InfoWait {
                    server,
                    password: head.password.to_owned(),
                }));
                cx.send(PORT, server, Channel::Public, |out| {
                    Message::InfoReq.encode(&self.params, out);
                });
                cx.arm(REPLY, self.params.reply_timeout);
                return;
            }
            (State::Idle, None, _) => "card",
            (State::Idle, _, None) => "unknown-server",
            _ => "busy",
        };
        cx.reject(Scope::Command, reason, Some(peer), None);
    }

    /// Sends AUTH_REQ for whatever ID_j the INFO names. Effects: `Running`, `Send`, `Arm`.
    fn take_info(&mut self, id: &PaddedId, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        let State::Info(wait) = &self.state else {
            return;
        };
        let server = wait.server;
        let card = Self::head(cx.storage, Arg::Bytes(wait.password.as_bytes())).and_then(|head| {
            ReadCard::read(cx.crypto, &head, cx.storage.read(records::USER_CARD)?)
        });
        let Some(card) = card else {
            self.fail(cx, "card");
            return;
        };
        let id_text = plain(id);
        let Some((ssk, loc)) = card.find(id_text) else {
            self.fail(cx, "unknown-server");
            return;
        };
        let t1 = seconds(cx.now.0).to_string();
        let (uid, c) = (hex(&card.uid), hex(&card.c));
        let stream = digest(cx.crypto, &[id_text, ssk, &t1]);
        let alpha = xor_hashes(cx.crypto, &card.uid, &stream);
        let beta = digest(cx.crypto, &[&uid, ssk, &c, &t1]);
        let request = AuthReq {
            alpha: hex(&alpha),
            beta: hex(&beta),
            t1,
            c,
            uid: uid.clone(),
            id: id_text.to_owned(),
        };
        let peer = server_principal(id);
        let parts = [&request.alpha, &request.beta, &request.t1].map(|text| text.as_bytes());
        cx.output(Output::Running {
            peer,
            run: tag("run", &parts),
        });
        cx.send(PORT, server, Channel::Public, |out| {
            Message::AuthReq(request.clone()).encode(&self.params, out);
        });
        cx.arm(REPLY, self.params.reply_timeout);
        let loc = loc.to_owned();
        self.state = State::Auth(Box::new(AuthWait {
            peer,
            request,
            uid,
            loc,
        }));
    }

    /// Accepts any answer whose time is not too old. Effects: `Arm`, `Accepted`, `Cancel`.
    fn take_grant(&mut self, reply: &AuthRep, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        let State::Auth(wait) = &self.state else {
            return;
        };
        let t2: u64 = reply.t2.parse().unwrap_or_default();
        if seconds(cx.now.0).saturating_sub(t2) > WINDOW_S {
            self.fail(cx, "stale");
            return;
        }
        let AuthWait {
            peer,
            request,
            uid,
            loc,
        } = wait.as_ref();
        let stream = digest(cx.crypto, &[&request.c, uid, &request.id, &request.beta]);
        let gamma = number(&reply.gamma).unwrap_or_default();
        let grant = bare_hex(&xor(cx.crypto, &gamma, &stream));
        let key = digest(cx.crypto, &[uid, &request.id, &request.c, loc, &grant]);
        let (_, answered, session) = login_tags(request, reply);
        let peer = *peer;
        let lifetime = self.params.session_lifetime;
        self.sessions
            .get_or_insert_default()
            .open(cx, (peer, session), key, lifetime);
        cx.output(Output::Accepted {
            peer,
            session,
            run: answered,
            key_id: Some(tag("key-id", &[&key])),
        });
        self.become_idle(cx);
    }
}

impl Machine for LiteralUser {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.share(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        let message = match messages::decode(&self.params, incoming.bytes) {
            Ok(message) => message,
            Err(place) => {
                cx.reject(Scope::Frame, place, None, None);
                return;
            }
        };
        match (&self.state, &message) {
            (State::Register(_), Message::UregAck { c, d, list, .. }) => {
                if incoming.channel == Channel::Secure {
                    self.take_card((c, d, list), incoming.bytes, cx);
                } else {
                    cx.reject(Scope::Frame, "insecure-channel", None, None);
                }
            }
            (State::Info(_), Message::Info { id, .. }) => self.take_info(id, cx),
            (State::Auth(_), Message::AuthRep(reply)) => self.take_grant(reply, cx),
            (State::Register(_) | State::Info(_) | State::Auth(_), Message::Reject { .. }) => {
                self.fail(cx, "refused");
            }
            _ => drop_unexpected(cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        match (timer.kind, &mut self.sessions) {
            (timer::SESSION, Some(sessions)) => sessions.expire(timer.key, cx),
            (timer::REPLY, _) if !matches!(self.state, State::Idle) => self.fail(cx, "timeout"),
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        match command.id {
            command::ABORT => self.become_idle(cx),
            command::REGISTER => self.register(command, cx),
            command::AUTHENTICATE => self.authenticate(command, cx),
            _ => cx.reject(Scope::Command, "unsupported", Some(self.centre()), None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.state = State::Idle;
        self.sessions = None;
        self.share(cx);
    }

    fn state(&self) -> &'static str {
        match self.state {
            State::Idle => "IDLE",
            State::Register(_) => "WAIT_UREG",
            State::Info(_) => "WAIT_INFO",
            State::Auth(_) => "WAIT_AUTH",
        }
    }
}
