//! The client: answers a device's offer, then sends lines one at a time and takes their echoes.
//!
//! One login at a time (IDLE, PENDING), and beside it a connection to each device it is logged in
//! to (PROMPT, AWAIT). Rows K1 to K15 of the specification are named where they are decided; what
//! happens on a connection stands in [`super::connection`].

use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto::rsa::{PrivateKey, PublicKey};
use crate::machine::{Arg, Command, Incoming, Machine, Timer};
use crate::output::{Output, Principal, Scope};

use super::block_list::BlockList;
use super::connection::{Connection, Welcome};
use super::equations::{self, KeyView, Stored, hardened};
use super::messages::{self, Encrypt, ErrorCode, Frame, Pass, Salt, salt_from};
use super::params::{Consent, Params, Without};
use super::records;
use super::{
    AUTHENTICATE, BROADCAST_PORT, CLIENT_PORT, COMMAND_ABORT, COMMAND_AUTHENTICATE, COMMAND_FINISH,
    COMMAND_SEND_DATA, DEVICE, DEVICE_PORT, FINISH, SEND_DATA, TIMER_LOGIN, TIMER_RESEND,
    TIMER_THINK,
};

/// The machine of a client.
#[derive(Clone, Debug)]
pub struct Client {
    params: Arc<Params>,
    blocked: BlockList,
    waiting: Option<Box<Waiting>>,
    pending: Option<Box<Pending>>,
    /// In the order in which they were made; never two of one device.
    connections: Vec<Connection>,
    halted: bool,
}

/// A command that waits for a CONNECT.
#[derive(Clone, Debug)]
struct Waiting {
    /// Host of the device; any when `None`.
    host: Option<u32>,
    /// The password to use instead of the own one.
    password: Option<Vec<u8>>,
}

/// A login under way.
#[derive(Clone, Debug)]
struct Pending {
    /// Where the PASS goes.
    device: Address,
    peer: Principal,
    number: u32,
    salt: Salt,
    password: Option<Vec<u8>>,
    /// `None` while the user thinks, and when the answer has been used up (twin without retry).
    sent: Option<Sent>,
}

/// What a sent PASS leaves to check the answer with.
#[derive(Clone, Debug)]
struct Sent {
    stored: Stored,
    client_salt: Salt,
    exponent: u32,
    /// SHA-256 of the PASS frame, in the hardened variant.
    pass_digest: Option<[u8; 32]>,
}

/// Why an ENCRYPT is refused.
enum Refusal {
    Reason(&'static str),
    /// A value out of range halts the twin without limits.
    Halt,
}

impl Client {
    /// A client that has not started.
    #[must_use]
    pub const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            blocked: BlockList::new(),
            waiting: None,
            pending: None,
            connections: Vec::new(),
            halted: false,
        }
    }

    /// Hosts of the devices that it is connected to, each with `S`.
    pub(super) fn firsts(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let all = self.connections.iter();
        all.map(|connection| (connection.device().host, connection.first()))
    }

    fn connection_to(&self, host: u32) -> Option<usize> {
        self.connections
            .iter()
            .position(|connection| connection.device().host == host)
    }

    fn receive(&mut self, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        let from = incoming.from;
        let frame = messages::decode(&self.params.layouts, incoming.bytes);
        let connected = self
            .connections
            .iter()
            .position(|connection| connection.device() == from);
        let counts = |pending: &Pending| !self.params.hardened() || pending.device == from;
        let answered = self.pending.as_deref().is_some_and(counts);
        match (frame, connected) {
            // Before the rows of a connection: K8 takes an ENCRYPT from any address.
            (Ok(Frame::Encrypt(encrypt)), _) if answered => {
                self.take_encrypt(incoming.bytes, &encrypt, cx);
            }
            (frame, Some(index)) => {
                self.connections[index].receive(frame, &self.params, cx);
            }
            (Ok(Frame::Connect { salt, number, name }), None) => {
                self.take_connect(from, salt, number, name, cx);
            }
            (Ok(Frame::Error(code)), None) if answered => {
                // K11.
                self.give_up(code.reason(), cx);
            }
            // K10, K11: nothing is pending.
            (Ok(Frame::Encrypt(_) | Frame::Error(_)), None) if self.pending.is_none() => {}
            // K12.
            (Ok(_), None) => cx.reject(Scope::Frame, "unexpected", None, None),
            (Err(place), None) => cx.reject(Scope::Frame, place, None, None),
        }
    }

    /// K5 to K7.
    fn take_connect(
        &mut self,
        from: Address,
        salt: Salt,
        number: u32,
        name: &[u8],
        cx: &mut Context<'_>,
    ) {
        if self.pending.is_some() {
            return;
        }
        let asked = self
            .waiting
            .as_deref()
            .is_some_and(|waiting| waiting.host.is_none_or(|host| host == from.host));
        match self.params.consent {
            Consent::Never => {
                let refused = Address::new(from.host, BROADCAST_PORT);
                let entries_max = self.params.block_list_max();
                let interval = self.params.client_block_time;
                return self.blocked.block(refused, interval, entries_max);
            }
            Consent::OnCommand if !asked => return,
            Consent::OnCommand | Consent::Always => {}
        }
        let waiting = if asked { self.waiting.take() } else { None };
        self.pending = Some(Box::new(Pending {
            device: Address::new(from.host, DEVICE_PORT),
            peer: Principal::name(DEVICE, name),
            number,
            salt,
            password: waiting.and_then(|waiting| waiting.password),
            sent: None,
        }));
        if self.params.think_time.nanos() > 0 {
            cx.arm(Timer::only(TIMER_THINK), self.params.think_time);
        } else {
            self.send_pass(cx);
        }
    }

    /// The second half of K5.
    fn send_pass(&mut self, cx: &mut Context<'_>) {
        let params = &self.params;
        let Some(pending) = self
            .pending
            .as_deref_mut()
            .filter(|pending| pending.sent.is_none())
        else {
            return;
        };
        let storage = cx.storage;
        let Some(pair) = records::pair(storage) else {
            return self.give_up("no-key", cx);
        };
        let mut client_salt = [0; 16];
        cx.random(&mut client_salt);
        let client_salt = salt_from(client_salt);
        let (exponent, dh_public) = equations::draw_exponent(cx, &params.group);
        let password = pending
            .password
            .as_deref()
            .or_else(|| storage.read(records::PASSWORD))
            .unwrap_or_default();
        let stored = Stored::new(cx.crypto, params, password);
        let mut pass = Pass {
            number: pending.number,
            login_hash: [0; 32],
            client_salt,
            dh_public,
            exponent: pair.exponent(),
            modulus: pair.modulus(),
            user: records::name(storage),
        };
        let mut frame = cx.buffers.take();
        let mut pass_digest = None;
        if params.hardened() {
            Frame::Pass(pass).encode(&mut frame);
            pass.login_hash = hardened::login_mac(cx.crypto, &stored, &pending.salt, &frame);
            frame.clear();
            Frame::Pass(pass).encode(&mut frame);
            pass_digest = Some(cx.crypto.sha256(&[&frame]));
        } else {
            pass.login_hash = equations::salted_hash(cx.crypto, params, &stored, &pending.salt);
            Frame::Pass(pass).encode(&mut frame);
        }
        pending.sent = Some(Sent {
            stored,
            client_salt,
            exponent,
            pass_digest,
        });
        cx.output(Output::Running {
            peer: pending.peer,
            run: equations::run_tag(&pending.salt, &client_salt),
        });
        cx.send(CLIENT_PORT, pending.device, Channel::Public, |out| {
            out.extend(&frame);
        });
        cx.buffers.give(frame);
        if let Some(recovery) = &params.recovery {
            cx.arm(Timer::only(TIMER_LOGIN), recovery.login_timeout);
        }
    }

    /// K8, K9.
    fn take_encrypt(&mut self, frame: &[u8], encrypt: &Encrypt<'_>, cx: &mut Context<'_>) {
        match self.check_encrypt(frame, encrypt, cx) {
            Ok(connection) => {
                self.leave_pending(cx);
                let device = connection.device();
                if let Some(old) = self.connection_to(device.host) {
                    self.connections
                        .remove(old)
                        .end("replaced", &self.params, cx);
                }
                connection.welcome(cx);
                self.connections.push(connection);
            }
            Err(Refusal::Reason(reason)) => self.give_up(reason, cx),
            Err(Refusal::Halt) => {
                self.halted = true;
                cx.halt();
            }
        }
    }

    fn check_encrypt(
        &self,
        frame: &[u8],
        encrypt: &Encrypt<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Connection, Refusal> {
        let params = &self.params;
        let Some((pending, sent)) = self
            .pending
            .as_deref()
            .and_then(|pending| Some((pending, pending.sent.as_ref()?)))
        else {
            // No PASS is out, so no hash can be right.
            return Err(Refusal::Reason("server-hash"));
        };
        if !params.lacks(Without::ServerHash) {
            let expected = match &sent.pass_digest {
                Some(digest) => hardened::server_mac(cx.crypto, &sent.stored, digest, frame),
                None => equations::salted_hash(cx.crypto, params, &sent.stored, &sent.client_salt),
            };
            if !cx.crypto.equal(&expected, &encrypt.server_hash) {
                return Err(Refusal::Reason("server-hash"));
            }
        }
        if !equations::in_range(encrypt.dh_public, &params.group) {
            return Err(if params.lacks(Without::Limits) {
                Refusal::Halt
            } else {
                Refusal::Reason("argument")
            });
        }
        let sized = encrypt.modulus.len() == params.modulus_bytes();
        let key = PublicKey::new(encrypt.modulus, encrypt.exponent, params.arithmetic)
            .filter(|_| sized)
            .ok_or(Refusal::Reason(ErrorCode::NullPubKey.reason()))?;
        let others =
            self.connections.len() - usize::from(self.connection_to(pending.device.host).is_some());
        if others >= params.connections_max {
            return Err(Refusal::Reason("table-full"));
        }
        let pair = records::pair(cx.storage).ok_or(Refusal::Reason("no-key"))?;
        let own = self.own_key(cx).ok_or(Refusal::Reason("no-key"))?;
        let first =
            equations::shared_secret(cx.crypto, encrypt.dh_public, sent.exponent, &params.group);
        let mac = sent
            .pass_digest
            .as_ref()
            .map(|digest| hardened::session_key(cx.crypto, &sent.stored, digest, frame, first));
        let key_id = equations::key_id(
            KeyView {
                modulus: pair.modulus(),
                exponent: pair.exponent(),
            },
            KeyView {
                modulus: encrypt.modulus,
                exponent: encrypt.exponent,
            },
            first,
            mac.as_ref(),
        );
        Ok(Connection::new(Welcome {
            device: pending.device,
            peer: pending.peer,
            key,
            mac,
            own,
            first,
            session: equations::session_tag(&pending.salt, &sent.client_salt),
            run: equations::run_tag(&pending.salt, &sent.client_salt),
            key_id,
        }))
    }

    /// The own private key, shared by all connections and forgotten with the last of them.
    fn own_key(&self, cx: &Context<'_>) -> Option<Arc<PrivateKey>> {
        match self.connections.first() {
            Some(connection) => Some(connection.own_key()),
            None => Some(Arc::new(records::pair(cx.storage)?.private_key()?)),
        }
    }

    /// PENDING becomes IDLE, but for the twin without retry, which stays with nothing to wait for.
    fn leave_pending(&mut self, cx: &mut Context<'_>) {
        if self.params.recovery.is_some() {
            cx.cancel(Timer::only(TIMER_LOGIN));
        }
        if self.params.think_time.nanos() > 0 {
            cx.cancel(Timer::only(TIMER_THINK));
        }
        if self.params.lacks(Without::Retry) {
            if let Some(pending) = &mut self.pending {
                pending.sent = None;
            }
        } else {
            self.pending = None;
        }
    }

    /// The login has failed.
    fn give_up(&mut self, reason: &'static str, cx: &mut Context<'_>) {
        let peer = self.pending.as_deref().map(|pending| pending.peer);
        self.leave_pending(cx);
        cx.reject(Scope::Attempt, reason, peer, None);
    }

    fn authenticate(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        let host = command.peer.map(|peer| peer.host);
        let connected = host.is_some_and(|host| self.connection_to(host).is_some());
        if self.waiting.is_some() || self.pending.is_some() || connected {
            return cx.reject(Scope::Command, "busy", None, None);
        }
        let password = match command.arg(0) {
            Arg::Bytes(password) => Some(password.to_vec()),
            Arg::Default | Arg::Integer(_) => None,
        };
        self.waiting = Some(Box::new(Waiting { host, password }));
    }

    /// The connection a command is about: that to its device, or the first where none is named.
    fn asked_connection(&self, command: &Command<'_>) -> Option<usize> {
        match command.peer {
            Some(peer) => self.connection_to(peer.host),
            None => (!self.connections.is_empty()).then_some(0),
        }
    }

    /// K13, K14.
    fn send_data(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(SEND_DATA);
        let Some(index) = self.asked_connection(command) else {
            return cx.reject(Scope::Command, "no-session", None, None);
        };
        let connection = &mut self.connections[index];
        let default;
        let text = match command.arg(0) {
            Arg::Bytes(text) => text,
            Arg::Default | Arg::Integer(_) => {
                default = connection.default_line();
                &default
            }
        };
        if text.len() > self.params.text_max() {
            cx.reject(Scope::Command, "too-long", None, None);
            if self.params.lacks(Without::Limits) {
                self.halted = true;
                cx.halt();
            }
            return;
        }
        connection.line(text, &self.params, cx);
    }

    /// K15.
    fn finish(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(FINISH);
        let Some(index) = self.asked_connection(command) else {
            return cx.reject(Scope::Command, "no-session", None, None);
        };
        let connection = self.connections.remove(index);
        connection.send_fin(&self.params, cx);
        connection.end("finish", &self.params, cx);
    }

    fn abort(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        self.waiting = None;
        if self.pending.is_some() {
            self.leave_pending(cx);
        }
        if let Some(index) = command.peer.and_then(|peer| self.connection_to(peer.host)) {
            self.connections.remove(index).forget(&self.params, cx);
        }
    }

    /// The answer to DATA did not come.
    fn resend(&mut self, host: u32, cx: &mut Context<'_>) {
        cx.phase(SEND_DATA);
        let Some(index) = self.connection_to(host) else {
            return;
        };
        if self.connections[index].resend(&self.params, cx) {
            return;
        }
        let connection = self.connections.remove(index);
        connection.reject_timeout(cx);
        connection.end("timeout", &self.params, cx);
    }

    fn begin(&mut self, cx: &Context<'_>) {
        self.blocked.refresh(cx.now, self.params.client_block_time);
    }
}

impl Machine for Client {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.begin(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.halted || incoming.to.port != CLIENT_PORT {
            return;
        }
        cx.phase(AUTHENTICATE);
        self.begin(cx);
        // K1.
        if !self.blocked.contains(incoming.from) {
            self.receive(&incoming, cx);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        cx.phase(AUTHENTICATE);
        self.begin(cx);
        match timer.kind {
            TIMER_THINK => self.send_pass(cx),
            TIMER_LOGIN if self.pending.is_some() => self.give_up("timeout", cx),
            TIMER_RESEND => self.resend(timer.key, cx),
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        self.begin(cx);
        match command.id {
            COMMAND_AUTHENTICATE => self.authenticate(command, cx),
            COMMAND_SEND_DATA => self.send_data(command, cx),
            COMMAND_FINISH => self.finish(command, cx),
            COMMAND_ABORT => self.abort(command, cx),
            _ => cx.reject(Scope::Command, "unknown", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        *self = Self::new(Arc::clone(&self.params));
        self.begin(cx);
    }

    fn state(&self) -> &'static str {
        let awaiting = self.connections.iter().any(Connection::is_awaiting);
        match (
            self.halted,
            self.pending.is_some(),
            self.connections.is_empty(),
        ) {
            (true, _, _) => "HALTED",
            (false, true, _) => "PENDING",
            (false, false, true) => "IDLE",
            (false, false, false) if awaiting => "AWAIT",
            (false, false, false) => "PROMPT",
        }
    }
}
