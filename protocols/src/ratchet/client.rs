//! The client: IDLE, WAIT_CHALLENGE, ACTIVE, WAIT_RESPONSE, TERMINATED (section 5.2).
//!
//! Keys and buffers live in an optional [`Session`]; at most 255 clients share a server, so the
//! session stands in the machine itself. The rows of the specification's table (C1 to C11) are
//! named where they are carried out: what the client sends in [`questions`], what it is told in
//! [`answers`], the end of its stream in [`stream`].

mod answers;
mod questions;
mod session;
mod stream;

use std::sync::Arc;

use self::session::Session;
use super::choice::Variant;
use super::equations::Keys;
use super::params::Params;
use super::{AUTHENTICATE, FINISH, SERVER, command, records, timer};
use crate::address::Address;
use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, StreamEvent, Timer};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope};
use crate::storage::Record;

/// Port that a client sends datagrams from.
pub(super) const PORT: u16 = 7705;
/// The record with the client's id and master key.
pub(super) const IDENTITY: Record = Record::new(0, 0);
/// Lists that wait for the answer to the one before.
const QUEUE_MAX: usize = 8;
/// Frames that the prototype's client keeps when they come early.
const EARLY_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    WaitChallenge,
    Active,
    WaitResponse,
    Terminated,
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    params: Arc<Params>,
    /// The server of the running session, or of the next one.
    server: Address,
    state: State,
    session: Option<Session>,
    /// True from the command that opens the stream until one end closes it.
    stream: bool,
    /// Incomplete record.
    partial: Vec<u8>,
    /// Lists that wait, oldest first.
    queue: Vec<Vec<u8>>,
    /// `literal`: frames that came before they were waited for, oldest first.
    early: Vec<Vec<u8>>,
    /// Broken twins: it has come to its end, until it is restarted.
    halted: bool,
}

impl Client {
    /// A client that talks to `server` unless a command names another one.
    pub(super) const fn new(params: Arc<Params>, server: Address) -> Self {
        Self {
            params,
            server,
            state: State::Idle,
            session: None,
            stream: false,
            partial: Vec::new(),
            queue: Vec::new(),
            early: Vec::new(),
            halted: false,
        }
    }

    /// The four keys of the running session.
    pub(super) fn keys(&self) -> Option<&Keys> {
        self.session.as_ref().map(|session| &session.keys)
    }

    fn peer(&self) -> Principal {
        Principal::id(SERVER, u64::from(self.server.host))
    }

    const fn waits(&self) -> bool {
        matches!(self.state, State::WaitChallenge | State::WaitResponse)
    }

    const fn open(&self) -> bool {
        matches!(
            self.state,
            State::WaitChallenge | State::Active | State::WaitResponse
        )
    }

    fn refuse(&self, cx: &mut Context<'_>, scope: Scope, reason: impl Into<Reason>) {
        let session = self.session.as_ref().filter(|session| session.accepted);
        cx.reject(
            scope,
            reason,
            Some(self.peer()),
            session.map(|session| session.tag),
        );
    }

    fn transmit(&self, cx: &mut Context<'_>, frame: &[u8]) {
        records::send(cx, self.params.streams(), PORT, self.server, frame);
    }

    /// Says what this end shares with the server now.
    fn share(&self, cx: &mut Context<'_>) {
        let (epoch, fingerprints) = self
            .session
            .as_ref()
            .map_or((0, Fingerprints::NONE), |session| {
                session.shared(&self.params)
            });
        cx.output(Output::SharedState {
            peer: self.peer(),
            relation: 0,
            epoch,
            fingerprints,
            durable: false,
        });
    }

    /// Refuses the attempt and ends it. The prototype says nothing to the server then.
    fn fail(&mut self, cx: &mut Context<'_>, reason: Reason) {
        self.refuse(cx, Scope::Attempt, reason);
        let says_close = !self.params.is(Variant::Literal);
        self.end(cx, reason, State::Terminated, says_close);
    }

    /// Discards the session and goes to `next`; `says_close`: with a `CLOSE` record.
    fn end(&mut self, cx: &mut Context<'_>, reason: Reason, next: State, says_close: bool) {
        self.state = next;
        if let Some(session) = &mut self.session {
            session.disarm(cx);
        }
        self.hang_up(cx, says_close);
        let Some(session) = self.session.take() else {
            return;
        };
        for list in self.queue.drain(..).chain(self.early.drain(..)) {
            cx.buffers.give(list);
        }
        if !session.sent.is_empty() {
            cx.output(Output::Ended {
                peer: self.peer(),
                session: session.tag,
                reason,
            });
        }
        cx.buffers.give(session.transcript);
        cx.buffers.give(session.sent);
        self.share(cx);
    }

    /// C7: nobody answered.
    fn timed_out(&mut self, cx: &mut Context<'_>) {
        if let (true, Some(session)) = (self.waits(), &mut self.session) {
            session.armed = None;
            self.fail(cx, Reason::new("timeout"));
        }
    }
}

impl Machine for Client {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        if self.params.streams() || incoming.from != self.server {
            return self.refuse(cx, Scope::Frame, "unexpected");
        }
        if incoming.bytes.len() > self.params.max_frame as usize {
            return self.closed(cx);
        }
        self.on_frame(incoming.bytes, cx);
    }

    fn on_stream(&mut self, peer: Address, event: StreamEvent<'_>, cx: &mut Context<'_>) {
        if self.halted || !self.stream || peer != self.server {
            return;
        }
        match event {
            StreamEvent::Opened => {
                let fresh = self
                    .session
                    .as_ref()
                    .is_some_and(|session| session.sent.is_empty());
                if self.state == State::WaitChallenge && fresh {
                    cx.phase(AUTHENTICATE);
                    self.hello(cx);
                }
            }
            StreamEvent::Bytes(bytes) => self.feed(bytes, cx),
            StreamEvent::Closed | StreamEvent::Reset => self.closed(cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        match timer.kind {
            timer::RESPONSE => self.timed_out(cx),
            timer::RESEND => self.repeat(cx),
            timer::STALL if !self.partial.is_empty() => {
                cx.buffers.give(core::mem::take(&mut self.partial));
                self.closed(cx);
            }
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        if self.halted {
            return self.refuse(cx, Scope::Command, "halted");
        }
        match command.id {
            command::AUTHENTICATE => self.authenticate(command.peer, cx),
            command::SEND_DATA => self.send_data(command.arg(0), cx),
            command::FINISH => self.finish(cx),
            command::ABORT => {
                cx.phase(FINISH);
                self.end(cx, Reason::new("abort"), State::Idle, false);
            }
            _ => self.refuse(cx, Scope::Command, "unknown-command"),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        let shared = self.session.take().is_some();
        *self = Self::new(Arc::clone(&self.params), self.server);
        if shared {
            self.share(cx);
        }
    }

    fn state(&self) -> &'static str {
        if self.halted {
            return "HALTED";
        }
        match self.state {
            State::Idle => "IDLE",
            State::WaitChallenge => "WAIT_CHALLENGE",
            State::Active => "ACTIVE",
            State::WaitResponse => "WAIT_RESPONSE",
            State::Terminated => "TERMINATED",
        }
    }
}
