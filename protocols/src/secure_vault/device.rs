//! The device of `as-published` and its broken twins: IDLE, WAIT_M2, WAIT_M4, SESSION.

mod handshake;

use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto::Crypto;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Output, Principal, Reason, Scope, Tag};
use crate::storage::Storage;

use super::equations::{Key, combined_key};
use super::messages::{Application, DATA_DOWN, DATA_UP, M1, M2, M3, M4, Message, indices, tag_of};
use super::params::{AtRest, Params, SessionId, Without};
use super::session::{Ledger, ONE_KEY, Session, Suite};
use super::vault::{Records, body, opened, renewed, shared_state, toggle_seal};
use super::waiting::{arm_wait, cancel_wait};
use super::{
    ABORT, AUTHENTICATE, AUTHENTICATE_COMMAND, FINISH, FINISH_COMMAND, PORT, REPLY, RESEND,
    SEND_DATA, SEND_DATA_UP, SERVER,
};

/// A device with its one vault.
#[derive(Clone, Debug)]
pub struct Device {
    params: Arc<Params>,
    server: Address,
    id: u32,
    /// Session ids given out since the last start (`session_id = counter`).
    begun: u32,
    state: State,
    records: Records,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    WaitM2(Handshake),
    WaitM4(Handshake),
    Session(Open),
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
    fn bodies(&self, params: &Params) -> &[u8] {
        self.buffer.get(params.plain3_bytes()..).unwrap_or(&[])
    }

    fn opening(&self, params: &Params) -> &[u8] {
        let end = self.third as usize;
        self.buffer.get(params.plain3_bytes()..end).unwrap_or(&[])
    }

    fn third(&self) -> &[u8] {
        self.buffer.get(self.third as usize..).unwrap_or(&[])
    }
}

#[derive(Clone, Debug)]
struct Open {
    session: Session<ONE_KEY>,
    /// Present with `commit = session-end` only.
    ledger: Option<Box<Ledger>>,
}

impl Device {
    /// The key of the open session, for observers; the bytes past the key are zero.
    pub(super) fn session_key(&self) -> Option<[u8; ONE_KEY]> {
        match &self.state {
            State::Session(open) => Some(open.session.key()),
            _ => None,
        }
    }

    /// k1 and k2 while it waits for M4, for observers.
    pub(super) fn challenge_keys(&self, storage: &dyn Storage) -> Option<[Key; 2]> {
        let State::WaitM4(handshake) = &self.state else {
            return None;
        };
        let params = &*self.params;
        let mb = params.key_bytes;
        let mut record = self.records.read(storage, 0)?.to_vec();
        if params.at_rest == AtRest::Sealed {
            toggle_seal(&mut Crypto::default(), storage, &mut record);
        }
        let opening = handshake.opening(params);
        let c1 = opening.get(8..opening.len().checked_sub(mb)?)?;
        let c2 = handshake
            .buffer
            .get(2 * mb..2 * mb + params.challenge_bytes())?;
        let key = |list| combined_key(&mut Crypto::default(), body(&record), mb, indices(list));
        Some([key(c1), key(c2)])
    }

    /// The device `id`, whose vault the server at `server` knows.
    pub(super) fn new(params: Arc<Params>, id: u32, server: Address) -> Self {
        let records = Records::new(&params);
        Self {
            params,
            server,
            id,
            begun: 0,
            state: State::Idle,
            records,
        }
    }

    const fn peer(&self) -> Principal {
        Principal::id(SERVER, self.server.host as u64)
    }

    fn suite(&self) -> Suite {
        self.params.suite()
    }

    fn session(&self) -> Option<Tag> {
        match &self.state {
            State::Session(open) => Some(open.session.tag()),
            _ => None,
        }
    }

    fn refuse(&self, cx: &mut Context<'_>, scope: Scope, reason: impl Into<Reason>) {
        cx.reject(scope, reason, Some(self.peer()), self.session());
    }

    fn transmit(&self, cx: &mut Context<'_>, message: usize, body: &[u8]) {
        cx.send(PORT, self.server, Channel::Public, |out| {
            out.push(tag_of(message));
            out.extend_from_slice(body);
        });
    }

    /// Tells what the stored vault is. Opening a sealed one here is for observers: not metered.
    fn announce(&self, cx: &mut Context<'_>) {
        let Some(record) = self.records.read(cx.storage, 0) else {
            return;
        };
        let durable = self.records.durable();
        let output = match self.params.at_rest {
            AtRest::Clear => shared_state(self.peer(), record, durable),
            AtRest::Sealed => {
                let mut clear = record.to_vec();
                toggle_seal(&mut Crypto::default(), cx.storage, &mut clear);
                shared_state(self.peer(), &clear, durable)
            }
        };
        cx.output(output);
    }

    /// D1.
    fn authenticate(&mut self, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        self.begun = self.begun.wrapping_add(1);
        let session_id = match self.params.session_id {
            SessionId::Counter => self.begun.to_be_bytes(),
            SessionId::Random => {
                let mut drawn = [0; 4];
                cx.random(&mut drawn);
                drawn
            }
        };
        let mut buffer = cx.buffers.take();
        buffer.resize(self.params.plain3_bytes(), 0);
        buffer.extend(self.id.to_be_bytes());
        buffer.extend(session_id);
        let handshake = Handshake {
            buffer,
            third: 0,
            copies: 0,
        };
        self.transmit(cx, M1, handshake.bodies(&self.params));
        arm_wait(cx, &self.params, 0);
        self.state = State::WaitM2(handshake);
    }

    /// Stores a new record given in the clear and says so.
    fn commit(&mut self, cx: &mut Context<'_>, mut new: Vec<u8>) {
        let output = shared_state(self.peer(), &new, self.records.durable());
        if self.params.at_rest == AtRest::Sealed {
            toggle_seal(cx.crypto, cx.storage, &mut new);
        }
        self.records.write(cx, 0, &new);
        cx.output(output);
        cx.buffers.give(new);
    }

    /// D9, up to IDLE.
    fn end_session(&mut self, cx: &mut Context<'_>, open: Open, reason: &'static str) {
        cx.phase(FINISH);
        if self.params.session_length.nanos() > 0 {
            cx.cancel(Timer::only(self.params.session_timer()));
        }
        open.session.send_end(cx, self.suite(), self.server);
        if let Some(ledger) = open.ledger {
            let data = ledger.close(cx);
            if self.params.without != Some(Without::Update) {
                let params = Arc::clone(&self.params);
                let record = self.records.read(cx.storage, 0).unwrap_or(&[]);
                let clear = opened(cx, &params, record);
                let new = renewed(cx, &params, &clear, &data);
                clear.release(cx);
                self.commit(cx, new);
            }
            cx.buffers.give(data);
        }
        cx.output(Output::Ended {
            peer: self.peer(),
            session: open.session.tag(),
            reason: Reason::new(reason),
        });
    }

    fn take_state(&mut self) -> State {
        core::mem::replace(&mut self.state, State::Idle)
    }

    /// Ends the attempt in hand (D4, D5, D6).
    fn give_up(&mut self, cx: &mut Context<'_>, reason: impl Into<Reason>) {
        if let State::WaitM2(handshake) | State::WaitM4(handshake) = self.take_state() {
            cx.buffers.give(handshake.buffer);
        }
        self.refuse(cx, Scope::Attempt, reason);
    }

    fn on_data(&mut self, cx: &mut Context<'_>, frame: &Application<'_>) {
        cx.phase(SEND_DATA);
        let suite = self.suite();
        let State::Session(open) = &mut self.state else {
            self.refuse(cx, Scope::Frame, "unexpected");
            return;
        };
        let ledger = open.ledger.as_deref_mut();
        if let Err(reason) = open.session.accept(cx, suite, frame, ledger) {
            self.refuse(cx, Scope::Frame, reason);
        }
    }
}

impl Machine for Device {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.announce(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        if incoming.from != self.server {
            self.refuse(cx, Scope::Frame, "unexpected");
            return;
        }
        let bytes = incoming.bytes;
        let message = match self.params.wire.decode(bytes) {
            Ok(message) => message,
            Err(place) => {
                let tag = bytes.first().copied();
                let awaited = match self.state {
                    State::WaitM2(_) => tag == Some(tag_of(M2)),
                    State::WaitM4(_) => tag == Some(tag_of(M4)),
                    State::Idle | State::Session(_) => false,
                };
                if awaited {
                    cancel_wait(cx, &self.params);
                    self.give_up(cx, place);
                } else {
                    self.refuse(cx, Scope::Frame, place);
                }
                return;
            }
        };
        let body = bytes.get(1..).unwrap_or(&[]);
        match (self.take_state(), message) {
            (State::WaitM2(handshake), Message::M2 { c1 }) => self.answer(cx, handshake, c1, body),
            (State::WaitM4(handshake), Message::M4 { sealed }) => {
                self.conclude(cx, handshake, sealed);
            }
            (state, Message::Application(frame)) if frame.message == DATA_DOWN => {
                self.state = state;
                self.on_data(cx, &frame);
            }
            (state, _) => {
                self.state = state;
                self.refuse(cx, Scope::Frame, "unexpected");
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        match (timer.kind, self.take_state()) {
            (REPLY, state @ (State::WaitM2(_) | State::WaitM4(_))) => {
                cx.phase(AUTHENTICATE);
                self.state = state;
                self.give_up(cx, "timeout");
            }
            (RESEND, State::WaitM2(mut handshake)) => {
                cx.phase(AUTHENTICATE);
                self.transmit(cx, M1, handshake.bodies(&self.params));
                handshake.copies = handshake.copies.saturating_add(1);
                arm_wait(cx, &self.params, handshake.copies);
                self.state = State::WaitM2(handshake);
            }
            (RESEND, State::WaitM4(mut handshake)) => {
                cx.phase(AUTHENTICATE);
                self.transmit(cx, M3, handshake.third());
                handshake.copies = handshake.copies.saturating_add(1);
                arm_wait(cx, &self.params, handshake.copies);
                self.state = State::WaitM4(handshake);
            }
            (kind, State::Session(open)) if kind == self.params.session_timer() => {
                self.end_session(cx, open, "expired");
            }
            (_, state) => self.state = state,
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        match command.id {
            AUTHENTICATE_COMMAND => {
                cx.phase(AUTHENTICATE);
                if command
                    .peer
                    .is_some_and(|peer| peer.host != self.server.host)
                {
                    self.refuse(cx, Scope::Command, "unknown-server");
                    return;
                }
                match self.take_state() {
                    State::Idle => self.authenticate(cx),
                    State::Session(open) => {
                        self.end_session(cx, open, "authenticate");
                        self.authenticate(cx);
                    }
                    waiting => {
                        self.state = waiting;
                        self.refuse(cx, Scope::Command, "busy");
                    }
                }
            }
            SEND_DATA_UP => {
                cx.phase(SEND_DATA);
                let (suite, to) = (self.suite(), self.server);
                let State::Session(open) = &mut self.state else {
                    self.refuse(cx, Scope::Command, "no-session");
                    return;
                };
                let ledger = open.ledger.as_deref_mut();
                let sent = open
                    .session
                    .send(cx, suite, DATA_UP, to, command.arg(0), ledger);
                if let Err(reason) = sent {
                    self.refuse(cx, Scope::Command, reason);
                }
            }
            FINISH_COMMAND => {
                cx.phase(FINISH);
                match self.take_state() {
                    State::Session(open) => self.end_session(cx, open, "finish"),
                    state => {
                        self.state = state;
                        self.refuse(cx, Scope::Command, "no-session");
                    }
                }
            }
            ABORT => match self.take_state() {
                State::Idle => {}
                State::WaitM2(handshake) | State::WaitM4(handshake) => {
                    cancel_wait(cx, &self.params);
                    cx.buffers.give(handshake.buffer);
                }
                State::Session(_) => {
                    if self.params.session_length.nanos() > 0 {
                        cx.cancel(Timer::only(self.params.session_timer()));
                    }
                }
            },
            _ => self.refuse(cx, Scope::Command, "unknown-command"),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        if let State::WaitM2(handshake) | State::WaitM4(handshake) = self.take_state() {
            cx.buffers.give(handshake.buffer);
        }
        self.begun = 0;
        self.records.restart();
        self.announce(cx);
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
