//! The device of the published exchange: `as-published`, `literal` and `broken`.

use std::sync::Arc;

use super::equations;
use super::messages::Message;
use super::params::{Params, Without};
use super::patience::Patience;
use super::vault::Vaults;
use super::{
    ABORT, AUTHENTICATE, PHASE, PORT, REPLY_TIMER, RESEND_TIMER, SERVER, SESSION_END, SESSION_TIMER,
};
use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Output, Principal, Reason, Scope, Tag};

/// The record that holds the only vault.
const VAULT: u32 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    WaitKey,
    Session,
    Halted,
}

/// A device with one vault.
#[derive(Clone, Debug)]
pub struct Device {
    params: Arc<Params>,
    server: Address,
    state: State,
    patience: Patience,
    /// Sessions of the command that are not over, the open one included.
    left: u32,
    /// Name of the session under way.
    session: Tag,
    /// In `WaitKey` the INDICES frame; in `Session` the combined key; else empty, without memory.
    flight: Vec<u8>,
    vaults: Vaults,
}

impl Device {
    pub(super) fn new(params: Arc<Params>, server: Address) -> Self {
        Self {
            params,
            server,
            state: State::Idle,
            patience: Patience::new(),
            left: 0,
            session: [0; 8],
            flight: Vec::new(),
            vaults: Vaults::default(),
        }
    }

    const fn peer(&self) -> Principal {
        Principal::id(SERVER, self.server.host as u64)
    }

    fn drop_frame(&self, reason: impl Into<Reason>, cx: &mut Context<'_>) {
        cx.reject(Scope::Frame, reason, Some(self.peer()), None);
    }

    /// Asks for a combined key.
    fn begin(&mut self, cx: &mut Context<'_>) {
        let mut flight = core::mem::take(&mut self.flight);
        if flight.capacity() == 0 {
            flight = cx.buffers.take();
        }
        flight.clear();
        let mut work = [0; 256];
        let challenge = equations::draw_challenge(&self.params, &mut work, cx);
        self.params.wire.write_indices(challenge, &mut flight);
        cx.output(Output::Running {
            peer: self.peer(),
            run: crypto::tag("run", &[&flight]),
        });
        self.flight = flight;
        self.send_request(cx);
        self.patience.start(&self.params, cx);
        self.state = State::WaitKey;
    }

    fn send_request(&self, cx: &mut Context<'_>) {
        cx.send(PORT, self.server, Channel::Public, |out| {
            out.extend_from_slice(&self.flight);
        });
    }

    /// The device has no means to judge a key: it takes the one that comes.
    fn take_key(&mut self, frame: &[u8], combined: &[u8], cx: &mut Context<'_>) {
        self.patience.stop(&self.params, cx);
        self.session = self.accept(frame, combined, cx);
        self.flight.clear();
        self.flight.extend_from_slice(combined);
        self.state = State::Session;
        // The published program goes on at once; only its server lets a session last.
        let lasts = !self.params.literal() && self.params.session_length.nanos() > 0;
        if lasts {
            cx.arm(Timer::only(SESSION_TIMER), self.params.session_length);
        }
        if self.params.update_at_reply {
            self.update(combined, cx);
        }
        if !lasts {
            self.end_session(cx);
        }
    }

    fn accept(&self, frame: &[u8], combined: &[u8], cx: &mut Context<'_>) -> Tag {
        let request: &[u8] = match self.state {
            State::WaitKey => &self.flight,
            _ => &[],
        };
        let session = crypto::tag("session", &[request, frame]);
        cx.output(Output::Accepted {
            peer: self.peer(),
            session,
            run: crypto::tag("run", &[request, frame]),
            key_id: Some(crypto::tag("key-id", &[combined])),
        });
        session
    }

    fn update(&mut self, combined: &[u8], cx: &mut Context<'_>) {
        let peer = self.peer();
        let record = self.vaults.update(&self.params, VAULT, peer, combined, cx);
        cx.buffers.give(record);
    }

    fn end(&self, session: Tag, cx: &mut Context<'_>) {
        cx.output(Output::Ended {
            peer: self.peer(),
            session,
            reason: Reason::new(SESSION_END),
        });
    }

    fn end_session(&mut self, cx: &mut Context<'_>) {
        if !self.params.update_at_reply {
            let combined = core::mem::take(&mut self.flight);
            self.update(&combined, cx);
            self.flight = combined;
        }
        self.end(self.session, cx);
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            self.begin(cx);
        } else {
            self.rest(cx);
        }
    }

    /// Twin without `wait`: a key nobody asked for is accepted and used on the spot.
    fn take_unasked_key(&mut self, frame: &[u8], combined: &[u8], cx: &mut Context<'_>) {
        let session = self.accept(frame, combined, cx);
        self.update(combined, cx);
        self.end(session, cx);
    }

    fn rest(&mut self, cx: &mut Context<'_>) {
        self.state = State::Idle;
        self.left = 0;
        cx.buffers.give(core::mem::take(&mut self.flight));
    }

    /// A frame that cannot be read while the program expects a key ends the program.
    fn refuse(&mut self, reason: impl Into<Reason>, cx: &mut Context<'_>) {
        self.drop_frame(reason, cx);
        if self.params.literal() && self.state == State::WaitKey {
            self.patience.stop(&self.params, cx);
            self.rest(cx);
            self.state = State::Halted;
            cx.halt();
        }
    }
}

impl Machine for Device {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.vaults.announce(&self.params, VAULT, self.peer(), cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.state == State::Halted {
            return;
        }
        cx.phase(PHASE);
        let any_key = self.params.without == Some(Without::Wait);
        let stranger = incoming.from != self.server;
        match self.params.wire.decode(incoming.bytes) {
            Ok(Message::Key { combined }) if !stranger || any_key => match self.state {
                State::WaitKey => self.take_key(incoming.bytes, combined, cx),
                _ if any_key => self.take_unasked_key(incoming.bytes, combined, cx),
                _ => self.drop_frame("unexpected", cx),
            },
            _ if stranger => cx.reject(Scope::Frame, "unexpected", None, None),
            Ok(_) => self.refuse("unexpected", cx),
            Err(place) => self.refuse(place, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        match (timer.kind, self.state) {
            (RESEND_TIMER, State::WaitKey) => {
                self.send_request(cx);
                self.patience.repeated(&self.params, cx);
            }
            (REPLY_TIMER, State::WaitKey) => {
                cx.reject(Scope::Attempt, "timeout", Some(self.peer()), None);
                self.rest(cx);
            }
            (SESSION_TIMER, State::Session) => self.end_session(cx),
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        match (command.id, self.state) {
            (_, State::Halted) | (ABORT, State::Idle) => {}
            (AUTHENTICATE, State::Idle) => {
                self.left = self.params.sessions;
                self.begin(cx);
            }
            (AUTHENTICATE, _) => cx.reject(Scope::Command, "busy", Some(self.peer()), None),
            (ABORT, State::WaitKey) => {
                self.patience.stop(&self.params, cx);
                self.rest(cx);
            }
            (ABORT, State::Session) => self.left = 0,
            _ => cx.reject(Scope::Command, "unknown-command", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.rest(cx);
        self.vaults.restart();
        self.vaults.announce(&self.params, VAULT, self.peer(), cx);
    }

    fn state(&self) -> &'static str {
        match self.state {
            State::Idle => "IDLE",
            State::WaitKey => "WAIT_KEY",
            State::Session => "SESSION",
            State::Halted => "HALTED",
        }
    }
}
