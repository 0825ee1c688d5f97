//! The device of the printed program.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::address::{Address, Channel, Destination};
use crate::context::Context;
use crate::crypto::rsa::{PrivateKey, PublicKey, pem};
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Fingerprints, Output, Place, Principal, Reason, Scope, Tag};

use super::super::block_list::BlockList;
use super::super::equations::{self, KeyView};
use super::super::messages::{DATAGRAM_MAX, Salt, salt_from};
use super::super::params::Params;
use super::super::records::{self, Entry};
use super::super::{
    AUTHENTICATE, BROADCAST_PORT, CLIENT, CLIENT_PORT, COMMAND_ADD_USER, DEVICE_PORT, FINISH,
    SEND_DATA, SEQ_MAX, TIMER_TURN, device,
};
use super::text::{self, Decimal, Line, Message};
use super::{draw_exponent, login_tag, salt_text, salted_hash, shared_secret};

/// The machine of a device that runs the printed program.
#[derive(Clone, Debug)]
pub struct LiteralDevice {
    params: Arc<Params>,
    blocked: BlockList,
    salts: VecDeque<(u32, Salt)>,
    number: u32,
    halted: bool,
    connected: Option<Box<Connected>>,
}

#[derive(Clone, Debug)]
struct Connected {
    address: Address,
    user: Principal,
    key: PublicKey,
    own: PrivateKey,
    n: u64,
    first: u32,
    session: Tag,
    key_id: Tag,
}

/// The fields of a PASS, as they stand in the datagram.
struct Pass<'a> {
    number: u64,
    user: &'a [u8],
    login_hash: &'a [u8],
    client_salt: &'a [u8],
    dh_public: &'a [u8],
    key: &'a [u8],
}

impl LiteralDevice {
    /// A device that has not started.
    #[must_use]
    pub const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            blocked: BlockList::new(),
            salts: VecDeque::new(),
            number: 0,
            halted: false,
            connected: None,
        }
    }

    /// Host of the client that is connected, and `S`.
    pub(in crate::rsa_udp) fn first(&self) -> Option<(u32, u32)> {
        let connected = self.connected.as_ref()?;
        Some((connected.address.host, connected.first))
    }

    fn turn(&mut self, after_datagram: bool, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        self.blocked.refresh(cx.now, self.params.device_block_time);
        if after_datagram && self.params.broadcast_on_timer {
            return;
        }
        self.number = self.number.wrapping_add(1);
        if self.connected.is_none() {
            let mut salt = [0; 16];
            cx.random(&mut salt);
            let salt = salt_from(salt);
            if self.salts.len() >= self.params.salt_cache {
                self.salts.pop_front();
            }
            self.salts.reserve_exact(1);
            self.salts.push_back((self.number, salt));
            let name = records::name(cx.storage);
            let number = self.number.to_string();
            let to = Destination::Broadcast(CLIENT_PORT);
            cx.send_to(BROADCAST_PORT, to, Channel::Public, |out| {
                out.extend(b"CONNECT:");
                out.extend(salt_text(&salt));
                out.push(b',');
                out.extend(number.as_bytes());
                out.push(b',');
                out.extend(name);
            });
        }
        cx.arm(Timer::only(TIMER_TURN), self.params.turn_timeout);
    }

    fn halt(&mut self, cx: &mut Context<'_>) {
        self.halted = true;
        cx.halt();
    }

    fn block(&mut self, address: Address) {
        if self.params.block {
            let entries_max = self.params.block_list_max();
            self.blocked
                .block(address, self.params.device_block_time, entries_max);
        }
    }

    /// True when the device returned to OPEN.
    fn receive(&mut self, incoming: &Incoming<'_>, cx: &mut Context<'_>) -> bool {
        let from = incoming.from;
        let bytes = &incoming.bytes[..incoming.bytes.len().min(DATAGRAM_MAX)];
        if let Some(connected) = &self.connected {
            if connected.address == from {
                return self.receive_sealed(bytes, cx);
            }
            send(cx, from, text::BUSY);
            self.block(from);
            cx.reject(Scope::Frame, "third-party", None, None);
            self.halt(cx);
            return false;
        }
        let Some(message) = Message::parse(bytes) else {
            self.block(from);
            let place = Place {
                field: "verb",
                index: None,
                offset: 0,
            };
            cx.reject(Scope::Frame, place, None, None);
            return false;
        };
        if message.verb != b"ACK" {
            cx.reject(Scope::Frame, "unexpected", None, None);
            return false;
        }
        let [
            b"PASS",
            number,
            user,
            login_hash,
            client_salt,
            dh_public,
            key,
        ] = message.fields[..]
        else {
            self.halt(cx);
            return false;
        };
        let Some(number) = Decimal::parse(number) else {
            self.halt(cx);
            return false;
        };
        let pass = Pass {
            number: number.value().unwrap_or(u64::MAX),
            user,
            login_hash,
            client_salt,
            dh_public,
            key,
        };
        self.login(from, &pass, cx);
        false
    }

    fn login(&mut self, from: Address, pass: &Pass<'_>, cx: &mut Context<'_>) {
        let params = Arc::clone(&self.params);
        let salts = &self.salts;
        let cached = salts
            .iter()
            .find(|(number, _)| u64::from(*number) == pass.number);
        let Some(salt) = cached.map(|(_, salt)| salt_text(salt)) else {
            return cx.reject(Scope::Frame, "number", None, None);
        };
        cx.crypto.db_read();
        let entry = records::find_user(cx.storage, &params, pass.user);
        let stored = match entry {
            Entry::Known(stored) => {
                let expected = salted_hash(cx, &stored, &salt);
                cx.crypto
                    .equal(&expected, pass.login_hash)
                    .then_some(stored)
            }
            Entry::Free(_) | Entry::Full => None,
        };
        let Some(stored) = stored else {
            send(cx, from, b"ERROR:LOGIN");
            return cx.reject(Scope::Frame, "login", None, None);
        };
        let storage = cx.storage;
        let parts = records::pair(storage).and_then(|pair| {
            let key = pem::encode(pair.modulus(), pair.exponent())?;
            Some((pair, pair.private_key()?, key))
        });
        let Some((pair, own, own_key)) = parts else {
            return cx.reject(Scope::Frame, "no-key", None, None);
        };
        let (exponent, public) = draw_exponent(cx, &params.group);
        cx.crypto.db_read();
        let server_hash = salted_hash(cx, &stored, pass.client_salt);
        let user = Principal::name(CLIENT, pass.user);
        let run = login_tag("run", &salt, pass.client_salt);
        cx.output(Output::Running { peer: user, run });
        let reply = [
            b"ACK:ENCRYPT,",
            own_key.as_bytes(),
            b",",
            &server_hash,
            b",",
            public.to_string().as_bytes(),
        ]
        .concat();
        send(cx, from, &reply);
        // The program looks at value and key only now.
        let Some(value) = Decimal::parse(pass.dh_public) else {
            send(cx, from, b"ERROR:ARGUMENT");
            return cx.reject(Scope::Frame, "argument", None, None);
        };
        let first = shared_secret(cx, &value, exponent, &params.group);
        let Some(key) = pem::decode(pass.key, params.arithmetic) else {
            cx.reject(Scope::Frame, "key", None, None);
            return self.halt(cx);
        };
        let key_id = equations::key_id(
            KeyView {
                modulus: key.modulus(),
                exponent: key.exponent(),
            },
            KeyView {
                modulus: pair.modulus(),
                exponent: pair.exponent(),
            },
            first,
            None,
        );
        let session = login_tag("session", &salt, pass.client_salt);
        cx.output(Output::Accepted {
            peer: user,
            session,
            run,
            key_id: Some(key_id),
        });
        if params.consume_salt {
            self.salts
                .retain(|(number, _)| u64::from(*number) != pass.number);
        }
        let connected = Box::new(Connected {
            address: from,
            user,
            key,
            own,
            n: u64::from(first),
            first,
            session,
            key_id,
        });
        connected.share(cx);
        self.connected = Some(connected);
    }

    /// True when the device returned to OPEN.
    fn receive_sealed(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> bool {
        cx.phase(SEND_DATA);
        let Some(connected) = &mut self.connected else {
            return false;
        };
        let (user, session) = (connected.user, connected.session);
        let sealed = text::base64_decode(bytes);
        let plain = cx
            .crypto
            .rsa_open(&connected.own, self.params.oaep_hash, &sealed);
        let Some(line) = plain.as_deref().and_then(Line::parse) else {
            let word = if plain.is_some() {
                "unparsable"
            } else {
                "undecryptable"
            };
            cx.reject(Scope::Frame, word, Some(user), Some(session));
            self.halt(cx);
            return false;
        };
        let (Line::Data(_, seq) | Line::Fin(seq)) = line;
        if matches!(line, Line::Fin(_)) {
            cx.crypto.meter.rephase(FINISH);
        }
        if seq.value() != Some(connected.n) || connected.n + 2 >= SEQ_MAX {
            cx.reject(Scope::Frame, "sequence", Some(user), Some(session));
            return false;
        }
        match line {
            Line::Data(text, _) => {
                let halts = connected.echo(text, &self.params, cx);
                if halts {
                    self.halt(cx);
                }
                false
            }
            Line::Fin(_) => {
                cx.output(Output::Ended {
                    peer: user,
                    session,
                    reason: Reason::new("finish"),
                });
                connected.output_shared(Fingerprints::NONE, cx);
                self.connected = None;
                true
            }
        }
    }
}

impl Connected {
    /// Takes a line and echoes it; true when the echo does not fit, after the number has moved.
    fn echo(&mut self, text: &[u8], params: &Params, cx: &mut Context<'_>) -> bool {
        let seq = self.n;
        self.n += 2;
        let number = (seq + 1).to_string();
        let plain = [text::ECHO, text, b",", number.as_bytes()].concat();
        let mut sealed = Vec::new();
        let entropy = &mut *cx.entropy;
        let fits = cx
            .crypto
            .rsa_seal(entropy, &self.key, params.oaep_hash, &plain, &mut sealed)
            .is_ok();
        let (session, digest) = (self.session, equations::digest(text));
        if fits {
            cx.output(Output::DataSent {
                session,
                seq: seq + 1,
                digest,
            });
            cx.send(DEVICE_PORT, self.address, Channel::Public, |out| {
                text::base64_encode(&sealed, out);
            });
        }
        cx.output(Output::DataAccepted {
            session,
            seq,
            digest,
        });
        self.share(cx);
        !fits
    }

    fn share(&self, cx: &mut Context<'_>) {
        let fingerprint = equations::state_fingerprint(&self.key_id, self.n);
        self.output_shared(Fingerprints::one(fingerprint), cx);
    }

    fn output_shared(&self, fingerprints: Fingerprints, cx: &mut Context<'_>) {
        cx.output(Output::SharedState {
            peer: self.user,
            relation: 0,
            epoch: self.n.saturating_sub(u64::from(self.first)) / 2,
            fingerprints,
            durable: false,
        });
    }
}

fn send(cx: &mut Context<'_>, to: Address, bytes: &[u8]) {
    cx.send(DEVICE_PORT, to, Channel::Public, |out| out.extend(bytes));
}

impl Machine for LiteralDevice {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.turn(false, cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.halted || incoming.to.port != DEVICE_PORT {
            return;
        }
        cx.phase(AUTHENTICATE);
        let opened = !self.blocked.contains(incoming.from) && self.receive(&incoming, cx);
        if !self.halted {
            self.turn(!opened, cx);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if !self.halted && timer.kind == TIMER_TURN {
            self.turn(false, cx);
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        match command.id {
            _ if self.halted => {}
            COMMAND_ADD_USER => device::add_user(&self.params, command, cx),
            _ => cx.reject(Scope::Command, "unknown", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        *self = Self::new(Arc::clone(&self.params));
        self.turn(false, cx);
    }

    fn state(&self) -> &'static str {
        match (&self.connected, self.halted) {
            (_, true) => "HALTED",
            (Some(_), false) => "CONNECTED",
            (None, false) => "OPEN",
        }
    }
}
