//! The device of the hardened exchange.

use std::sync::Arc;

use super::super::equations;
use super::super::messages::{
    CONFIRM, CONFIRM_COVERED, Message, NONCE_BYTES, REPLY_BYTES, Wire, body,
};
use super::super::params::Params;
use super::super::patience::Patience;
use super::super::vault::VAULTS;
use super::super::{
    ABORT, AUTHENTICATE, PHASE, PORT, REPLY_TIMER, RESEND_TIMER, SERVER, SESSION_END, SPACING_TIMER,
};
use super::{Slots, fingerprint, key_id};
use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope};
use crate::storage::Record;

/// The record that holds both slots.
const VAULT: Record = Record::new(VAULTS, 0);

/// Where the session id lies in INDICES.
const SESSION_ID: core::ops::Range<usize> = 5..9;
/// Where the indices begin in INDICES.
const CHALLENGE_AT: usize = 26;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    WaitReply,
    Session,
}

/// A device that keeps its current vault and the one before.
#[derive(Clone, Debug)]
pub struct HardenedDevice {
    params: Arc<Params>,
    server: Address,
    /// Its id: the ordinal in the roster, from 1.
    id: u32,
    state: State,
    patience: Patience,
    /// Sessions of the command that are not over, the open one included.
    left: u32,
    /// INDICES; once accepted also REPLY and CONFIRM, kept until the next session starts so that a
    /// repeated REPLY is answered.
    flight: Vec<u8>,
}

impl HardenedDevice {
    pub(in super::super) const fn new(params: Arc<Params>, server: Address, id: u32) -> Self {
        Self {
            params,
            server,
            id,
            state: State::Idle,
            patience: Patience::new(),
            left: 0,
            flight: Vec::new(),
        }
    }

    const fn peer(&self) -> Principal {
        Principal::id(SERVER, self.server.host as u64)
    }

    fn drop_frame(&self, reason: impl Into<Reason>, cx: &mut Context<'_>) {
        cx.reject(Scope::Frame, reason, Some(self.peer()), None);
    }

    /// Length of an INDICES frame.
    fn request_bytes(&self) -> usize {
        CHALLENGE_AT + self.params.challenge
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        let mut work = [0; 256];
        let challenge = equations::draw_challenge(&self.params, &mut work, cx);
        let mut session_id = [0; 4];
        cx.random(&mut session_id);
        let mut nonce = [0; NONCE_BYTES];
        cx.random(&mut nonce);
        let mut flight = core::mem::take(&mut self.flight);
        if flight.capacity() == 0 {
            flight = cx.buffers.take();
        }
        flight.clear();
        Wire::write_hardened_indices(self.id, session_id, nonce, challenge, &mut flight);
        cx.output(Output::Running {
            peer: self.peer(),
            run: crypto::tag("run", &[&flight]),
        });
        self.flight = flight;
        self.send_request(cx);
        self.patience.start(&self.params, cx);
        self.state = State::WaitReply;
    }

    fn send_request(&self, cx: &mut Context<'_>) {
        cx.send(PORT, self.server, Channel::Public, |out| {
            out.extend_from_slice(&self.flight);
        });
    }

    /// Checks a REPLY and commits; else says why not, and nothing has changed.
    fn take_reply(&mut self, reply: &Reply<'_>, cx: &mut Context<'_>) -> Result<(), &'static str> {
        let own_id = self.flight.get(SESSION_ID).unwrap_or_default();
        if own_id != reply.session_id.to_be_bytes() {
            return Err("session-id");
        }
        let storage = cx.storage;
        let slots = storage
            .read(VAULT)
            .and_then(|record| Slots::parse(&self.params, record));
        let slot = slots.and_then(|slots| slots.with_epoch(reply.epoch));
        let slot = slot.ok_or("epoch")?;
        let challenge = self.flight.get(CHALLENGE_AT..).unwrap_or_default();
        let combined = equations::combine(&self.params, slot.keys, challenge, cx.crypto);
        let combined = &combined[..self.params.key_bytes];
        let before = [body(&self.flight), &[]];
        let expected = equations::mac(combined, reply.covered, before, cx.crypto);
        if !cx.crypto.equal(&expected, reply.mac) {
            return Err("mac");
        }
        self.patience.stop(&self.params, cx);
        let mut record = cx.buffers.take();
        record.extend(slot.epoch.wrapping_add(1).to_be_bytes());
        equations::derive_vault(slot.keys, &self.flight, reply.frame, &mut record, cx.crypto);
        record.extend(slot.epoch.to_be_bytes());
        record.extend_from_slice(slot.keys);
        cx.store_atomic(|batch| batch.put(VAULT, |out| out.extend_from_slice(&record)));
        self.announce(&record, cx);
        cx.buffers.give(record);
        self.confirm(reply, combined, cx);
        Ok(())
    }

    fn confirm(&mut self, reply: &Reply<'_>, combined: &[u8], cx: &mut Context<'_>) {
        let mut frame = [0; CONFIRM_COVERED];
        frame[0] = CONFIRM;
        frame[1..].copy_from_slice(&reply.session_id.to_be_bytes());
        let before = [body(&self.flight), body(reply.frame)];
        let mac = equations::mac(combined, &frame, before, cx.crypto);
        let indices = self.flight.len();
        self.flight.extend_from_slice(reply.frame);
        self.flight.extend(frame);
        self.flight.extend(mac);
        let (peer, request) = (self.peer(), &self.flight[..indices]);
        let session = crypto::tag("session", &[request, reply.frame]);
        cx.output(Output::Running {
            peer,
            run: crypto::tag("run", &[&self.flight]),
        });
        self.send_confirm(cx);
        cx.output(Output::Accepted {
            peer,
            session,
            run: crypto::tag("run", &[request, reply.frame]),
            key_id: Some(key_id(combined, request, reply.frame)),
        });
        cx.output(Output::Ended {
            peer,
            session,
            reason: Reason::new(SESSION_END),
        });
        self.state = State::Session;
        if self.params.session_length.nanos() == 0 {
            self.go_on(cx);
        } else {
            cx.arm(Timer::only(SPACING_TIMER), self.params.session_length);
        }
    }

    fn send_confirm(&self, cx: &mut Context<'_>) {
        let confirm = self.flight.get(self.request_bytes() + REPLY_BYTES..);
        cx.send(PORT, self.server, Channel::Public, |out| {
            out.extend_from_slice(confirm.unwrap_or_default());
        });
    }

    /// True when `frame` is the REPLY that was accepted last.
    fn is_answered(&self, frame: &[u8]) -> bool {
        let start = self.request_bytes();
        self.flight.get(start..start + REPLY_BYTES) == Some(frame)
    }

    fn go_on(&mut self, cx: &mut Context<'_>) {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            self.begin(cx);
        } else {
            self.state = State::Idle;
        }
    }

    /// Gives up the request under way.
    fn forget(&mut self, cx: &mut Context<'_>) {
        self.state = State::Idle;
        self.left = 0;
        cx.buffers.give(core::mem::take(&mut self.flight));
    }

    fn announce(&self, record: &[u8], cx: &mut Context<'_>) {
        let slots = Slots::parse(&self.params, record);
        let fingerprints = slots.map_or(Fingerprints::NONE, |slots| {
            let current = fingerprint(&slots.current);
            slots.previous.map_or_else(
                || Fingerprints::one(current),
                |previous| Fingerprints::newest_first(&[current, fingerprint(&previous)]),
            )
        });
        cx.output(Output::SharedState {
            peer: self.peer(),
            relation: 0,
            epoch: slots.map_or(0, |slots| u64::from(slots.current.epoch)),
            fingerprints,
            durable: true,
        });
    }

    fn announce_stored(&self, cx: &mut Context<'_>) {
        let record = cx.storage.read(VAULT).unwrap_or_default();
        self.announce(record, cx);
    }
}

/// A REPLY taken apart.
struct Reply<'a> {
    frame: &'a [u8],
    session_id: u32,
    epoch: u32,
    covered: &'a [u8],
    mac: &'a [u8],
}

impl Machine for HardenedDevice {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.announce_stored(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        if incoming.from != self.server {
            cx.reject(Scope::Frame, "unexpected", None, None);
            return;
        }
        match self.params.wire.decode(incoming.bytes) {
            Ok(Message::Reply {
                session_id,
                epoch,
                covered,
                mac,
            }) if self.state == State::WaitReply => {
                let reply = Reply {
                    frame: incoming.bytes,
                    session_id,
                    epoch,
                    covered,
                    mac,
                };
                if let Err(reason) = self.take_reply(&reply, cx) {
                    self.drop_frame(reason, cx);
                }
            }
            Ok(Message::Reply { .. }) if self.is_answered(incoming.bytes) => self.send_confirm(cx),
            Ok(_) => self.drop_frame("unexpected", cx),
            Err(place) => self.drop_frame(place, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        match (timer.kind, self.state) {
            (RESEND_TIMER, State::WaitReply) => {
                self.send_request(cx);
                self.patience.repeated(&self.params, cx);
            }
            (REPLY_TIMER, State::WaitReply) => {
                cx.reject(Scope::Attempt, "timeout", Some(self.peer()), None);
                self.forget(cx);
            }
            (SPACING_TIMER, State::Session) => self.go_on(cx),
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        match (command.id, self.state) {
            (AUTHENTICATE, State::Idle) => {
                self.left = self.params.sessions;
                self.begin(cx);
            }
            (AUTHENTICATE, _) => cx.reject(Scope::Command, "busy", Some(self.peer()), None),
            (ABORT, State::WaitReply) => {
                self.patience.stop(&self.params, cx);
                self.forget(cx);
            }
            (ABORT, _) => self.left = 0,
            _ => cx.reject(Scope::Command, "unknown-command", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.forget(cx);
        self.announce_stored(cx);
    }

    fn state(&self) -> &'static str {
        match self.state {
            State::Idle => "IDLE",
            State::WaitReply => "WAIT_REPLY",
            State::Session => "SESSION",
        }
    }
}
