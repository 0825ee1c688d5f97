//! The device of `hardened`: the same states, and failed frames change none of them.

use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto::{self, Crypto};
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope, Tag};
use crate::storage::Record;

use super::super::equations::{Key, combined_key, draw_challenge, key_tag, run_tag, session_tag};
use super::super::messages::{DATA_DOWN, DATA_UP, Indices, M1, M3, indices, tag_of};
use super::super::params::{AtRest, SessionId};
use super::super::session::{Session, TWO_KEYS};
use super::super::vault::{EPOCH_BYTES, VAULTS, body, epoch, opened, toggle_seal};
use super::super::waiting::{arm_next_wait, arm_wait, cancel_wait};
use super::super::{
    ABORT, AUTHENTICATE, AUTHENTICATE_COMMAND, FINISH, FINISH_COMMAND, PORT, REPLY, RESEND,
    SEND_DATA, SEND_DATA_UP, SERVER, SESSION, VAULT_RELATION,
};
use super::equations::{KeyPair, open, seal, update_vault};
use super::messages::{Message, Sealed, plain3_bytes, plain4_bytes};
use super::slots::{add_checksum, copy, newest_copy};
use super::{NONCE_BYTES, Setup};

/// A device with two copies of its vault.
#[derive(Clone, Debug)]
pub struct HardenedDevice {
    setup: Arc<Setup>,
    server: Address,
    id: u32,
    /// Session ids given out since the last start (`session_id = counter`).
    begun: u32,
    /// The copy in use.
    which: u8,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    WaitM2(Handshake),
    WaitM4(Handshake),
    Session(Session<TWO_KEYS>),
}

/// A handshake in one buffer: room for the plaintext of M3, then the bodies so far.
#[derive(Clone, Debug)]
struct Handshake {
    buffer: Vec<u8>,
    /// Where the body of M3 starts in the buffer, 0 before it is there.
    third: u32,
    /// Copies of the message in hand that were sent so far.
    copies: u8,
}

impl Handshake {
    fn bodies(&self, setup: &Setup) -> &[u8] {
        self.buffer
            .get(plain3_bytes(&setup.params)..)
            .unwrap_or(&[])
    }

    fn third(&self) -> &[u8] {
        self.buffer.get(self.third as usize..).unwrap_or(&[])
    }

    /// The session id, as it stands in M1.
    fn session_id(&self, setup: &Setup) -> [u8; 4] {
        let bytes = self.bodies(setup).get(4..8);
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default()
    }
}

impl HardenedDevice {
    /// The key of the open session, for observers.
    pub(in crate::secure_vault) const fn session_key(&self) -> Option<[u8; TWO_KEYS]> {
        match &self.state {
            State::Session(session) => Some(session.key()),
            _ => None,
        }
    }

    /// k1 and k2 while it waits for M4, for observers.
    pub(in crate::secure_vault) fn challenge_keys(&self, vault: &[u8]) -> Option<[Key; 2]> {
        let State::WaitM4(handshake) = &self.state else {
            return None;
        };
        let params = &self.setup.params;
        let mb = params.key_bytes;
        let first = 8 + if params.hardened_epoch {
            EPOCH_BYTES
        } else {
            0
        };
        let bodies = handshake.bodies(&self.setup);
        let c1 = bodies.get(first + 4..first + 4 + params.challenge_bytes())?;
        let plain = handshake.buffer.get(..plain3_bytes(params))?;
        let c2 = plain.get(NONCE_BYTES + mb..NONCE_BYTES + mb + params.challenge_bytes())?;
        let key = |list| combined_key(&mut Crypto::default(), vault, mb, indices(list));
        Some([key(c1), key(c2)])
    }

    /// The device `id`, whose vault the server at `server` knows.
    pub(super) const fn new(setup: Arc<Setup>, id: u32, server: Address) -> Self {
        Self {
            setup,
            server,
            id,
            begun: 0,
            which: 0,
            state: State::Idle,
        }
    }

    const fn peer(&self) -> Principal {
        Principal::id(SERVER, self.server.host as u64)
    }

    fn refuse(&self, cx: &mut Context<'_>, scope: Scope, reason: impl Into<Reason>) {
        let session = self.session();
        cx.reject(scope, reason, Some(self.peer()), session);
    }

    const fn session(&self) -> Option<Tag> {
        match &self.state {
            State::Session(session) => Some(session.tag()),
            _ => None,
        }
    }

    fn transmit(&self, cx: &mut Context<'_>, message: usize, body: &[u8]) {
        cx.send(PORT, self.server, Channel::Public, |out| {
            out.push(tag_of(message));
            out.extend_from_slice(body);
        });
    }

    fn take_state(&mut self) -> State {
        core::mem::replace(&mut self.state, State::Idle)
    }

    fn shared_state(&self, slot: &[u8]) -> Output {
        Output::SharedState {
            peer: self.peer(),
            relation: VAULT_RELATION,
            epoch: u64::from(epoch(slot)),
            fingerprints: Fingerprints::one(crypto::fingerprint(&[body(slot)])),
            durable: true,
        }
    }

    /// Finds the copy that counts and tells what it is.
    fn wake(&mut self, cx: &mut Context<'_>) {
        self.which = newest_copy(cx.crypto, cx.storage);
        let Some(slot) = copy(cx.storage, self.which) else {
            return;
        };
        let mut clear = slot.to_vec();
        if self.setup.params.at_rest == AtRest::Sealed {
            // For observers only: not metered.
            toggle_seal(&mut Crypto::default(), cx.storage, &mut clear);
        }
        cx.output(self.shared_state(&clear));
    }

    fn authenticate(&mut self, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        let params = &self.setup.params;
        self.begun = self.begun.wrapping_add(1);
        let mut session_id = self.begun.to_be_bytes();
        if params.session_id == SessionId::Random {
            cx.random(&mut session_id);
        }
        let mut buffer = cx.buffers.take();
        buffer.resize(plain3_bytes(params), 0);
        buffer.extend(self.id.to_be_bytes());
        buffer.extend(session_id);
        if params.hardened_epoch {
            let slot = copy(cx.storage, self.which).unwrap_or(&[]);
            buffer.extend(epoch(slot).to_be_bytes());
        }
        let handshake = Handshake {
            buffer,
            third: 0,
            copies: 0,
        };
        self.transmit(cx, M1, handshake.bodies(&self.setup));
        arm_wait(cx, params, 0);
        self.state = State::WaitM2(handshake);
    }

    /// D2. `body2` is the body of M2, which `c1` is part of.
    fn answer(
        &mut self,
        cx: &mut Context<'_>,
        mut handshake: Handshake,
        c1: Indices<'_>,
        body2: &[u8],
    ) {
        let setup = Arc::clone(&self.setup);
        let params = &setup.params;
        let mb = params.key_bytes;
        let r1 = &body2[body2.len().saturating_sub(NONCE_BYTES)..];
        let (mut t1, mut r2) = (Key::default(), [0; NONCE_BYTES]);
        cx.random(&mut t1[..mb]);
        cx.random(&mut r2);
        let slot = copy(cx.storage, self.which).unwrap_or(&[]);
        let mut plain = cx.buffers.take();
        plain.extend_from_slice(r1);
        plain.extend_from_slice(&t1[..mb]);
        draw_challenge(cx, params, Some(c1), &mut plain);
        plain.extend_from_slice(&r2);
        plain.extend(epoch(slot).to_be_bytes());

        let clear = opened(cx, params, slot);
        let k1 = combined_key(cx.crypto, body(&clear), mb, c1);
        clear.release(cx);
        handshake.buffer[..plain.len()].copy_from_slice(&plain);
        handshake.buffer.extend_from_slice(body2);
        let bodies = handshake.bodies(&setup);
        let keys = KeyPair::derive(cx.crypto, bodies, &[&k1[..mb]], b"sv-m3", mb);
        handshake.third = u32::try_from(handshake.buffer.len()).unwrap_or(u32::MAX);
        let session_id = handshake.session_id(&setup);
        seal(cx, &keys, M3, &session_id, &plain, &mut handshake.buffer);
        cx.buffers.give(plain);
        cx.output(Output::Running {
            peer: self.peer(),
            run: run_tag(handshake.bodies(&setup)),
        });
        self.transmit(cx, M3, handshake.third());
        arm_next_wait(cx, params);
        handshake.copies = 0;
        self.state = State::WaitM4(handshake);
    }

    /// D3; a frame that fails is dropped and the device goes on waiting.
    fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        mut handshake: Handshake,
        sealed: &Sealed<'_>,
        body4: &[u8],
    ) {
        let setup = Arc::clone(&self.setup);
        let params = &setup.params;
        let mb = params.key_bytes;
        let stored = copy(cx.storage, self.which).unwrap_or(&[]);
        let clear = opened(cx, params, stored);
        let (plain3, bodies) = handshake.buffer.split_at(plain3_bytes(params));
        let (t1, rest) = plain3[NONCE_BYTES..].split_at(mb);
        let (c2, r2) = rest.split_at(params.challenge_bytes());
        let r2 = &r2[..NONCE_BYTES];
        let k2 = combined_key(cx.crypto, body(&clear), mb, indices(c2));
        let keys = KeyPair::derive(cx.crypto, bodies, &[&k2[..mb], t1], b"sv-m4", mb);
        let mut plain4 = cx.buffers.take();
        let mut verdict = open(cx.crypto, &keys, sealed, plain4_bytes(params), &mut plain4);
        if verdict.is_ok() && !cx.crypto.equal(&plain4[..NONCE_BYTES], r2) {
            verdict = Err("r2");
        }
        if let Err(reason) = verdict {
            clear.release(cx);
            cx.buffers.give(plain4);
            self.state = State::WaitM4(handshake);
            self.refuse(cx, Scope::Frame, reason);
            return;
        }
        cancel_wait(cx, params);
        let mut secret = [0; 64];
        secret[..mb].copy_from_slice(t1);
        secret[mb..2 * mb].copy_from_slice(&plain4[NONCE_BYTES..]);
        cx.buffers.give(plain4);
        handshake.buffer.extend_from_slice(body4);
        let bodies = handshake.bodies(&setup);
        let t = KeyPair::derive(cx.crypto, bodies, &[&secret[..2 * mb]], b"sv-t", mb);
        let session = Session::new(t.as_bytes(), session_tag(bodies));
        cx.output(Output::Accepted {
            peer: self.peer(),
            session: session.tag(),
            run: run_tag(bodies),
            key_id: Some(key_tag(t.as_bytes())),
        });
        let mut new = cx.buffers.take();
        new.extend(epoch(&clear).wrapping_add(1).to_be_bytes());
        update_vault(cx.crypto, body(&clear), bodies, &mut new);
        clear.release(cx);
        self.commit(cx, new);
        cx.buffers.give(handshake.buffer);
        if params.session_length.nanos() > 0 {
            cx.arm(Timer::only(SESSION), params.session_length);
        }
        self.state = State::Session(session);
    }

    /// Writes a new slot over the older copy and uses it from now on.
    fn commit(&mut self, cx: &mut Context<'_>, mut new: Vec<u8>) {
        let output = self.shared_state(&new);
        if self.setup.params.at_rest == AtRest::Sealed {
            toggle_seal(cx.crypto, cx.storage, &mut new);
        }
        debug_assert!(new.len() >= EPOCH_BYTES, "a slot starts with its epoch");
        add_checksum(cx.crypto, &mut new);
        self.which = 1 - self.which.min(1);
        let record = Record::new(VAULTS, u32::from(self.which));
        cx.store(|batch| batch.put(record, |out| out.extend_from_slice(&new)));
        cx.output(output);
        cx.buffers.give(new);
    }

    /// D9, up to IDLE.
    fn end_session(&self, cx: &mut Context<'_>, session: &Session<TWO_KEYS>, reason: &'static str) {
        cx.phase(FINISH);
        if self.setup.params.session_length.nanos() > 0 {
            cx.cancel(Timer::only(SESSION));
        }
        session.send_end(cx, self.setup.params.suite(), self.server);
        cx.output(Output::Ended {
            peer: self.peer(),
            session: session.tag(),
            reason: Reason::new(reason),
        });
    }

    fn copy_again(&mut self, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        let (message, mut handshake) = match self.take_state() {
            State::WaitM2(handshake) => (M1, handshake),
            State::WaitM4(handshake) => (M3, handshake),
            state => {
                self.state = state;
                return;
            }
        };
        handshake.copies = handshake.copies.saturating_add(1);
        if message == M1 {
            self.transmit(cx, M1, handshake.bodies(&self.setup));
            arm_wait(cx, &self.setup.params, handshake.copies);
            self.state = State::WaitM2(handshake);
        } else {
            self.transmit(cx, M3, handshake.third());
            arm_wait(cx, &self.setup.params, handshake.copies);
            self.state = State::WaitM4(handshake);
        }
    }
}

impl Machine for HardenedDevice {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.wake(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        if incoming.from != self.server {
            self.refuse(cx, Scope::Frame, "unexpected");
            return;
        }
        let setup = Arc::clone(&self.setup);
        let message = match setup.wire.decode(incoming.bytes) {
            Ok(message) => message,
            Err(place) => {
                self.refuse(cx, Scope::Frame, place);
                return;
            }
        };
        let body = incoming.bytes.get(1..).unwrap_or(&[]);
        match (self.take_state(), message) {
            (State::WaitM2(handshake), Message::M2 { session_id, c1 })
                if handshake.session_id(&setup) == session_id.to_be_bytes() =>
            {
                self.answer(cx, handshake, c1, body);
            }
            (State::WaitM4(handshake), Message::M4(sealed))
                if handshake.session_id(&setup) == sealed.session_id.to_be_bytes() =>
            {
                self.conclude(cx, handshake, &sealed, body);
            }
            (State::Session(mut session), Message::Application(frame))
                if frame.message == DATA_DOWN =>
            {
                cx.phase(SEND_DATA);
                let verdict = session.accept(cx, setup.params.suite(), &frame, None);
                self.state = State::Session(session);
                if let Err(reason) = verdict {
                    self.refuse(cx, Scope::Frame, reason);
                }
            }
            (state, _) => {
                self.state = state;
                self.refuse(cx, Scope::Frame, "unexpected");
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        match (timer.kind, self.take_state()) {
            (REPLY, State::WaitM2(handshake) | State::WaitM4(handshake)) => {
                cx.phase(AUTHENTICATE);
                cx.buffers.give(handshake.buffer);
                self.refuse(cx, Scope::Attempt, "timeout");
            }
            (SESSION, State::Session(session)) => self.end_session(cx, &session, "expired"),
            (RESEND, state) => {
                self.state = state;
                self.copy_again(cx);
            }
            (_, state) => self.state = state,
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        match (command.id, self.take_state()) {
            (AUTHENTICATE_COMMAND, state) => {
                cx.phase(AUTHENTICATE);
                let elsewhere = command
                    .peer
                    .is_some_and(|peer| peer.host != self.server.host);
                match state {
                    State::Idle if !elsewhere => self.authenticate(cx),
                    State::Session(session) if !elsewhere => {
                        self.end_session(cx, &session, "authenticate");
                        self.authenticate(cx);
                    }
                    state => {
                        self.state = state;
                        let reason = if elsewhere { "unknown-server" } else { "busy" };
                        self.refuse(cx, Scope::Command, reason);
                    }
                }
            }
            (SEND_DATA_UP, State::Session(mut session)) => {
                cx.phase(SEND_DATA);
                let (suite, to) = (self.setup.params.suite(), self.server);
                let sent = session.send(cx, suite, DATA_UP, to, command.arg(0), None);
                self.state = State::Session(session);
                if let Err(reason) = sent {
                    self.refuse(cx, Scope::Command, reason);
                }
            }
            (FINISH_COMMAND, State::Session(session)) => {
                self.end_session(cx, &session, "finish");
            }
            (ABORT, State::WaitM2(handshake) | State::WaitM4(handshake)) => {
                cancel_wait(cx, &self.setup.params);
                cx.buffers.give(handshake.buffer);
            }
            (ABORT, State::Session(_)) => {
                if self.setup.params.session_length.nanos() > 0 {
                    cx.cancel(Timer::only(SESSION));
                }
            }
            (ABORT, State::Idle) => {}
            (id, state) => {
                self.state = state;
                let known = id == SEND_DATA_UP || id == FINISH_COMMAND;
                let reason = if known {
                    "no-session"
                } else {
                    "unknown-command"
                };
                self.refuse(cx, Scope::Command, reason);
            }
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        if let State::WaitM2(handshake) | State::WaitM4(handshake) = self.take_state() {
            cx.buffers.give(handshake.buffer);
        }
        self.begun = 0;
        self.wake(cx);
    }

    fn state(&self) -> &'static str {
        match self.state {
            State::Idle => "IDLE",
            State::WaitM2(_) => "WAIT_M2",
            State::WaitM4(_) => "WAIT_M4",
            State::Session(_) => "SESSION",
        }
    }
}
