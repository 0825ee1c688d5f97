//! The client of the printed program.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto::rsa::pem;
use crate::machine::{Arg, Command, Incoming, Machine, Timer};
use crate::output::{Fingerprints, Output, Principal, Scope, Tag};

use super::super::block_list::BlockList;
use super::super::equations::{self, KeyView, Stored};
use super::super::messages::{DATAGRAM_MAX, salt_from};
use super::super::params::{Consent, Params};
use super::super::records;
use super::super::{
    AUTHENTICATE, BROADCAST_PORT, CLIENT_PORT, COMMAND_ABORT, COMMAND_AUTHENTICATE, COMMAND_FINISH,
    COMMAND_SEND_DATA, DEVICE, DEVICE_PORT, FINISH, QUEUE_MAX, SEND_DATA, TIMER_THINK,
};
use super::connection::Connection;
use super::slots::{Search, Slots};
use super::text::{self, Decimal, Message};
use super::{draw_exponent, login_tag, salt_text, salted_hash, shared_secret};

/// The machine of a client that runs the printed program.
#[derive(Clone, Debug)]
pub struct LiteralClient {
    params: Arc<Params>,
    blocked: BlockList,
    waiting: Option<Box<Waiting>>,
    pending: Option<Box<Pending>>,
    slots: Slots<Connection>,
    /// The one sequence number of all connections.
    n: u64,
    /// A CONNECT has been answered since the start.
    asked_before: bool,
    halted: bool,
}

#[derive(Clone, Debug)]
struct Waiting {
    host: Option<u32>,
    password: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Pending {
    device: Address,
    peer: Principal,
    number: Vec<u8>,
    salt: Vec<u8>,
    password: Option<Vec<u8>>,
    sent: Option<Sent>,
}

#[derive(Clone, Debug)]
struct Sent {
    stored: Stored,
    client_salt: [u8; 32],
    exponent: u64,
}

impl LiteralClient {
    /// A client that has not started.
    #[must_use]
    pub const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            blocked: BlockList::new(),
            waiting: None,
            pending: None,
            slots: Slots::new(),
            n: 0,
            asked_before: false,
            halted: false,
        }
    }

    /// Hosts of the devices that it is connected to, each with `S`.
    pub(in crate::rsa_udp) fn firsts(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let all = self.slots.iter();
        all.map(|connection| (connection.device.host, connection.first))
    }

    fn halt(&mut self, cx: &mut Context<'_>) {
        self.halted = true;
        cx.halt();
    }

    fn receive(&mut self, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        let from = incoming.from;
        let bytes = &incoming.bytes[..incoming.bytes.len().min(DATAGRAM_MAX)];
        let message = Message::parse(bytes);
        let answer = message.as_ref().and_then(encrypt_fields);
        let search = self.slots.search(from);
        match (message, search) {
            // K8 takes an ENCRYPT from any address, that of a connection included.
            _ if answer.is_some() && self.pending.is_some() => {
                if let Some(answer) = answer {
                    self.take_encrypt(answer, cx);
                }
            }
            (_, Search::Hole) => self.halt(cx),
            (_, Search::Found(slot)) => self.receive_sealed(slot, bytes, cx),
            (None, Search::Missing) => self.halt(cx),
            (Some(message), Search::Missing) => self.take_message(from, &message, cx),
        }
    }

    fn take_message(&mut self, from: Address, message: &Message<'_>, cx: &mut Context<'_>) {
        match (message.verb, &message.fields[..]) {
            (b"CONNECT", [salt, number, name]) => {
                self.take_connect(from, [salt, number, name], cx);
            }
            (b"ACK", [b"ENCRYPT", ..]) if !self.asked_before => self.halt(cx),
            (b"ACK", [b"ENCRYPT", ..]) if self.pending.is_none() => {}
            (b"ERROR", [word @ (b"LOGIN" | b"ARGUMENT")]) => {
                if self.pending.is_some() {
                    let login = *word == b"LOGIN";
                    self.give_up(if login { "login" } else { "argument" }, cx);
                }
            }
            (b"CONNECT" | b"ACK" | b"ERROR", _) => {
                cx.reject(Scope::Frame, "unexpected", None, None);
            }
            _ => self.halt(cx),
        }
    }

    fn take_connect(&mut self, from: Address, fields: [&[u8]; 3], cx: &mut Context<'_>) {
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
                let interval = self.params.client_block_time;
                let entries_max = self.params.block_list_max();
                return self.blocked.block(refused, interval, entries_max);
            }
            Consent::OnCommand if !asked => return,
            Consent::OnCommand | Consent::Always => {}
        }
        let waiting = if asked { self.waiting.take() } else { None };
        let [salt, number, name] = fields;
        self.pending = Some(Box::new(Pending {
            device: Address::new(from.host, DEVICE_PORT),
            peer: Principal::name(DEVICE, name),
            number: number.to_vec(),
            salt: salt.to_vec(),
            password: waiting.and_then(|waiting| waiting.password),
            sent: None,
        }));
        self.asked_before = true;
        if self.params.think_time.nanos() > 0 {
            cx.arm(Timer::only(TIMER_THINK), self.params.think_time);
        } else {
            self.send_pass(cx);
        }
    }

    fn send_pass(&mut self, cx: &mut Context<'_>) {
        let params = &self.params;
        let unsent = |pending: &&mut Pending| pending.sent.is_none();
        let Some(pending) = self.pending.as_deref_mut().filter(unsent) else {
            return;
        };
        let storage = cx.storage;
        let own =
            records::pair(storage).and_then(|pair| pem::encode(pair.modulus(), pair.exponent()));
        let Some(own) = own else {
            return self.give_up("no-key", cx);
        };
        let mut client_salt = [0; 16];
        cx.random(&mut client_salt);
        let client_salt = salt_text(&salt_from(client_salt));
        let (exponent, public) = draw_exponent(cx, &params.group);
        let password = pending
            .password
            .as_deref()
            .or_else(|| storage.read(records::PASSWORD))
            .unwrap_or_default();
        let stored = Stored::new(cx.crypto, params, password);
        let login_hash = salted_hash(cx, &stored, &pending.salt);
        pending.sent = Some(Sent {
            stored,
            client_salt,
            exponent,
        });
        cx.output(Output::Running {
            peer: pending.peer,
            run: login_tag("run", &pending.salt, &client_salt),
        });
        let public = public.to_string();
        let fields: [&[u8]; 6] = [
            &pending.number,
            records::name(storage),
            &login_hash,
            &client_salt,
            public.as_bytes(),
            own.as_bytes(),
        ];
        cx.send(CLIENT_PORT, pending.device, Channel::Public, |out| {
            out.extend(b"ACK:PASS");
            for field in fields {
                out.push(b',');
                out.extend(field);
            }
        });
    }

    fn take_encrypt(&mut self, fields: [&[u8]; 3], cx: &mut Context<'_>) {
        match self.check_encrypt(fields, cx) {
            Err(reason) => self.give_up(reason, cx),
            Ok((connection, run)) => {
                self.leave_pending(cx);
                self.n = u64::from(connection.first);
                let accepted = Output::Accepted {
                    peer: connection.peer,
                    session: connection.session,
                    run,
                    key_id: Some(connection.key_id),
                };
                if let Some(replaced) = self.slots.add(connection) {
                    replaced.end("replaced", cx);
                }
                cx.output(accepted);
                self.share(cx);
            }
        }
    }

    fn check_encrypt(
        &self,
        [key, server_hash, dh_public]: [&[u8]; 3],
        cx: &mut Context<'_>,
    ) -> Result<(Connection, Tag), &'static str> {
        let params = &self.params;
        let (pending, sent) = self
            .pending
            .as_deref()
            .and_then(|pending| Some((pending, pending.sent.as_ref()?)))
            .ok_or("server-hash")?;
        let expected = salted_hash(cx, &sent.stored, &sent.client_salt);
        if !cx.crypto.equal(&expected, server_hash) {
            return Err("server-hash");
        }
        let value = Decimal::parse(dh_public).ok_or("argument")?;
        let key = pem::decode(key, params.arithmetic).ok_or("key")?;
        if !self.slots.has_place(params.connections_max) {
            return Err("table-full");
        }
        let pair = records::pair(cx.storage).ok_or("no-key")?;
        let own = match self.slots.iter().next() {
            Some(connection) => Arc::clone(&connection.own),
            None => Arc::new(pair.private_key().ok_or("no-key")?),
        };
        let first = shared_secret(cx, &value, sent.exponent, &params.group);
        let key_id = equations::key_id(
            KeyView {
                modulus: pair.modulus(),
                exponent: pair.exponent(),
            },
            KeyView {
                modulus: key.modulus(),
                exponent: key.exponent(),
            },
            first,
            None,
        );
        let connection = Connection {
            device: pending.device,
            peer: pending.peer,
            key,
            own,
            first,
            session: login_tag("session", &pending.salt, &sent.client_salt),
            key_id,
            awaiting: false,
            queue: VecDeque::new(),
            default_lines: 0,
        };
        Ok((
            connection,
            login_tag("run", &pending.salt, &sent.client_salt),
        ))
    }

    fn leave_pending(&mut self, cx: &mut Context<'_>) {
        if self.params.think_time.nanos() > 0 {
            cx.cancel(Timer::only(TIMER_THINK));
        }
        self.pending = None;
    }

    fn give_up(&mut self, reason: &'static str, cx: &mut Context<'_>) {
        let peer = self.pending.as_deref().map(|pending| pending.peer);
        self.leave_pending(cx);
        cx.reject(Scope::Attempt, reason, peer, None);
    }

    fn receive_sealed(&mut self, slot: usize, bytes: &[u8], cx: &mut Context<'_>) {
        cx.phase(SEND_DATA);
        let Some(connection) = self.slots.get_mut(slot) else {
            return;
        };
        let (peer, session) = (connection.peer, connection.session);
        let sealed = text::base64_decode(bytes);
        let plain = cx
            .crypto
            .rsa_open(&connection.own, self.params.oaep_hash, &sealed);
        let parts = plain.as_deref().and_then(text::split_last_comma);
        let Some((line, seq)) = parts else {
            let word = if plain.is_some() {
                "unparsable"
            } else {
                "undecryptable"
            };
            cx.reject(Scope::Frame, word, Some(peer), Some(session));
            return self.halt(cx);
        };
        let line = line.strip_prefix(text::ECHO).unwrap_or(line);
        let number = Decimal::parse(seq).map(|seq| seq.value());
        let in_order = number == Some(self.n.checked_add(1));
        if number.is_some() && !in_order {
            let scope = if connection.awaiting {
                Scope::Attempt
            } else {
                Scope::Frame
            };
            cx.reject(scope, "sequence", Some(peer), Some(session));
            return self.prompt(slot, cx);
        }
        cx.output(Output::DataAccepted {
            session,
            // A number that is none is shown as the one that was due.
            seq: self.n + 1,
            digest: equations::digest(line),
        });
        if in_order {
            self.n += 2;
            self.share(cx);
        }
        self.prompt(slot, cx);
    }

    /// The user may type: the next queued line goes out.
    fn prompt(&mut self, slot: usize, cx: &mut Context<'_>) {
        let Some(connection) = self.slots.get_mut(slot) else {
            return;
        };
        connection.awaiting = false;
        if let Some(line) = connection.queue.pop_front() {
            connection.send_line(&line, self.n, &self.params, cx);
            cx.buffers.give(line);
        }
    }

    /// Tells what is shared with every device: they all have the one number.
    fn share(&self, cx: &mut Context<'_>) {
        for connection in self.slots.iter() {
            let fingerprint = equations::state_fingerprint(&connection.key_id, self.n);
            let epoch = self.n.saturating_sub(u64::from(connection.first)) / 2;
            connection.output_shared(Fingerprints::one(fingerprint), epoch, cx);
        }
    }

    fn authenticate(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        let host = command.peer.map(|peer| peer.host);
        let connected = self
            .slots
            .iter()
            .any(|connection| Some(connection.device.host) == host);
        if self.waiting.is_some() || self.pending.is_some() || connected {
            return cx.reject(Scope::Command, "busy", None, None);
        }
        let password = match command.arg(0) {
            Arg::Bytes(password) => Some(password.to_vec()),
            Arg::Default | Arg::Integer(_) => None,
        };
        self.waiting = Some(Box::new(Waiting { host, password }));
    }

    /// The slot of the device that a command is about; `None` when the command is refused.
    fn find(&mut self, command: &Command<'_>, cx: &mut Context<'_>) -> Option<(usize, Address)> {
        let address = match command.peer {
            Some(peer) => Some(Address::new(peer.host, DEVICE_PORT)),
            None => self.slots.iter().next().map(|first| first.device),
        };
        match address.map(|address| (self.slots.search(address), address)) {
            Some((Search::Found(slot), address)) => Some((slot, address)),
            Some((Search::Hole, _)) => {
                self.halt(cx);
                None
            }
            Some((Search::Missing, _)) | None => {
                cx.reject(Scope::Command, "no-session", None, None);
                None
            }
        }
    }

    fn send_data(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(SEND_DATA);
        let Some((slot, _)) = self.find(command, cx) else {
            return;
        };
        let Some(connection) = self.slots.get_mut(slot) else {
            return;
        };
        let default;
        let line = match command.arg(0) {
            Arg::Bytes(line) => line,
            Arg::Default | Arg::Integer(_) => {
                default = connection.default_line();
                &default
            }
        };
        let digits = self.n.to_string().len();
        let length = b"DATA:".len() + line.len() + 1 + digits;
        if length > self.params.oaep_hash.text_max(connection.key.size()) {
            cx.reject(Scope::Command, "too-long", None, None);
        } else if !connection.awaiting {
            connection.send_line(line, self.n, &self.params, cx);
        } else if connection.queue.len() < QUEUE_MAX {
            let mut queued = cx.buffers.take();
            queued.extend(line);
            connection.queue.push_back(queued);
        } else {
            cx.reject(Scope::Command, "busy", None, None);
        }
    }

    fn finish(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(FINISH);
        let Some((_, address)) = self.find(command, cx) else {
            return;
        };
        if let Some(connection) = self.slots.remove(address) {
            let fin = format!("FIN:{}", self.n);
            connection.send_sealed(fin.as_bytes(), &self.params, cx);
            connection.end("finish", cx);
        }
    }

    fn abort(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        self.waiting = None;
        if self.pending.is_some() {
            self.leave_pending(cx);
        }
        let removed = command
            .peer
            .and_then(|peer| self.slots.remove(Address::new(peer.host, DEVICE_PORT)));
        if let Some(connection) = removed {
            connection.output_shared(Fingerprints::NONE, 0, cx);
        }
    }

    fn begin(&mut self, cx: &Context<'_>) {
        self.blocked.refresh(cx.now, self.params.client_block_time);
    }
}

/// Key, server hash and value of an ENCRYPT.
fn encrypt_fields<'a>(message: &Message<'a>) -> Option<[&'a [u8]; 3]> {
    match message.fields[..] {
        [b"ENCRYPT", key, server_hash, dh_public] if message.verb == b"ACK" => {
            Some([key, server_hash, dh_public])
        }
        _ => None,
    }
}

impl Machine for LiteralClient {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.begin(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.halted || incoming.to.port != CLIENT_PORT {
            return;
        }
        cx.phase(AUTHENTICATE);
        self.begin(cx);
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
        if timer.kind == TIMER_THINK {
            self.send_pass(cx);
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
        let mut connections = self.slots.iter();
        let awaiting = self.slots.iter().any(|connection| connection.awaiting);
        match (self.halted, self.pending.is_some(), connections.next()) {
            (true, _, _) => "HALTED",
            (false, true, _) => "PENDING",
            (false, false, None) => "IDLE",
            (false, false, Some(_)) if awaiting => "AWAIT",
            (false, false, Some(_)) => "PROMPT",
        }
    }
}
