//! The client: IDLE, WAIT_CHALLENGE, ACTIVE, WAIT_RESPONSE, TERMINATED (section 5.2).
//!
//! Keys and buffers live in an optional [`Session`]; at most 255 clients share a server, so the
//! session stands in the machine itself. The rows of the specification's table (C1 to C11) are
//! named where they are carried out.

mod session;
mod stream;

use std::io::Write as _;
use std::sync::Arc;

use self::session::Session;
use super::choice::{Defence, Evolve, Variant};
use super::equations::{KEY_BYTES, NONCES_BYTES, after_c2s, after_s2c, initial, key_id, mixed};
use super::fault::{Fault, peer_word};
use super::messages::{CHALLENGE, DATA, HELLO, RESPONSE, TERMINATE, seal, sealed_parts};
use super::params::Params;
use super::verification::{Expected, verify};
use super::{AUTHENTICATE, FINISH, SEND_DATA, SERVER, command, numbers, records, timer};
use crate::address::Address;
use crate::context::Context;
use crate::crypto::tag;
use crate::machine::{Arg, Command, Incoming, Machine, StreamEvent, Timer};
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
        }
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

    /// C1: fresh keys; HELLO at once, or when the stream is open.
    fn authenticate(&mut self, peer: Option<Address>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        if self.open() {
            return self.refuse(cx, Scope::Command, "busy");
        }
        if self.params.lacks(Defence::Retry) && self.state == State::Terminated {
            return self.refuse(cx, Scope::Command, "terminated");
        }
        let identity = cx.storage.read(IDENTITY);
        let Some((&id, master)) = identity.and_then(<[u8]>::split_first) else {
            return self.refuse(cx, Scope::Command, "not-provisioned");
        };
        if master.len() != KEY_BYTES {
            return self.refuse(cx, Scope::Command, "not-provisioned");
        }
        self.server = peer.unwrap_or(self.server);
        let keys = initial(&self.params, cx.crypto, master);
        self.session = Some(Session::new(id, keys));
        self.state = State::WaitChallenge;
        if self.params.streams() {
            self.stream = true;
            cx.open_stream(self.server);
            self.arm_response(cx);
        } else {
            self.hello(cx);
        }
    }

    /// The rest of C1: sends HELLO.
    fn hello(&mut self, cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut payload = cx.buffers.take();
        if self.params.is(Variant::Hardened) {
            cx.random(&mut session.nonce);
            payload.extend_from_slice(&session.nonce);
        } else {
            payload.extend_from_slice(b"Hello from client ");
            payload.extend_from_slice(session.id_text(&mut [0; 3]));
        }
        let header = session.header(&self.params, HELLO);
        let mut frame = cx.buffers.take();
        seal(
            &self.params,
            cx,
            header,
            &session.keys.c2s,
            &payload,
            None,
            &mut frame,
        );
        cx.buffers.give(payload);
        session.tag = tag("session", &[&frame]);
        session.transcript = cx.buffers.take();
        session.transcript.extend_from_slice(&frame);
        let run = tag("run", &[&frame]);
        let peer = self.peer();
        cx.output(Output::Running { peer, run });
        self.sent(frame, cx);
    }

    /// Transmits a HELLO or DATA, moves the keys on, waits for the answer.
    fn sent(&mut self, frame: Vec<u8>, cx: &mut Context<'_>) {
        self.transmit(cx, &frame);
        let Some(session) = &mut self.session else {
            return;
        };
        let (iv, ciphertext) = sealed_parts(&frame);
        let next = after_c2s(&self.params, cx.crypto, &session.keys.c2s, iv, ciphertext);
        match self.params.evolve {
            Evolve::OnSend => session.keys.c2s = next,
            Evolve::OnConfirm => session.confirmed = Some(next),
        }
        cx.buffers
            .give(core::mem::replace(&mut session.sent, frame));
        session.copies = 0;
        if self.state == State::WaitResponse || !self.params.streams() || self.params.resends() {
            self.arm_wait(cx);
        }
        self.share(cx);
    }

    /// Arms what ends or repeats the wait that begins now.
    fn arm_wait(&mut self, cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        if !self.params.resends() || session.copies >= self.params.resend_max {
            return self.arm_response(cx);
        }
        session.disarm_other(timer::RESEND, cx);
        let mut after = self.params.resend_after;
        for _ in 0..session.copies {
            after = after.scale(self.params.resend_factor);
        }
        cx.arm(Timer::only(timer::RESEND), after);
    }

    fn arm_response(&mut self, cx: &mut Context<'_>) {
        let (Some(session), Some(after)) = (&mut self.session, self.params.response_timeout) else {
            return;
        };
        session.disarm_other(timer::RESPONSE, cx);
        cx.arm(Timer::only(timer::RESPONSE), after);
    }

    /// One frame of the server, or one that claims to be.
    fn on_frame(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        cx.phase(match self.state {
            State::WaitChallenge => AUTHENTICATE,
            _ => SEND_DATA,
        });
        if self.params.lacks(Defence::TerminateAuth) && self.open() {
            let own = self.session.as_ref().map(|session| session.id);
            if bytes.first() == Some(&TERMINATE) && bytes.get(1).copied() == own {
                return self.fail(cx, Reason::new("terminated"));
            }
        }
        // A HELLO that waits for its stream has nothing to be answered.
        let asked = self
            .session
            .as_ref()
            .is_some_and(|session| !session.sent.is_empty());
        if !self.waits() || !asked {
            if self.params.is(Variant::Literal) && self.state == State::Active {
                return self.keep_early(bytes, cx);
            }
            return self.refuse(cx, Scope::Frame, "unexpected"); // C8
        }
        let wanted = if self.state == State::WaitChallenge {
            CHALLENGE
        } else {
            RESPONSE
        };
        if self.params.is(Variant::Literal) && bytes.first() != Some(&wanted) {
            return self.fail(cx, Fault::Opcode.reason());
        }
        let mut payload = cx.buffers.take();
        self.answer(wanted, bytes, &mut payload, cx);
        cx.buffers.give(payload);
        self.take_early(cx);
    }

    /// C2, C4, C5, C6: a frame while one is waited for.
    fn answer(&mut self, wanted: u8, bytes: &[u8], payload: &mut Vec<u8>, cx: &mut Context<'_>) {
        let Some(session) = &self.session else {
            return;
        };
        let expected = Expected {
            client: session.id,
            round: session.round,
            direction: self.params.directions[1],
            pair: session.keys.s2c,
            answered: session
                .answered
                .filter(|_| bytes.first() == Some(&RESPONSE)),
        };
        let frame = match verify(&self.params, cx.crypto, bytes, &expected, payload) {
            Ok(frame) => frame,
            Err(fault) if self.params.is(Variant::Hardened) => {
                return self.refuse(cx, Scope::Frame, fault.reason());
            }
            Err(fault) => return self.fail(cx, fault.reason()), // C6
        };
        let opcode = frame.header.opcode;
        if opcode != wanted && !self.params.lacks(Defence::Binding) {
            return self.fail(cx, Reason::new(peer_word(opcode, payload))); // C5
        }
        if self.state == State::WaitChallenge {
            self.challenged(bytes, payload, cx);
        } else {
            self.responded(payload, cx);
        }
    }

    /// C2: the session is open.
    fn challenged(&mut self, frame: &[u8], payload: &[u8], cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let hardened = self.params.is(Variant::Hardened);
        if hardened {
            let own = payload.get(..session.nonce.len()).unwrap_or(&[]);
            if payload.len() != NONCES_BYTES || !cx.crypto.equal(own, &session.nonce) {
                return self.refuse(cx, Scope::Frame, "nonce");
            }
        }
        session.confirm();
        session.keys.s2c = after_s2c(&self.params, cx.crypto, &session.keys.s2c, payload);
        if hardened {
            for pair in [&mut session.keys.c2s, &mut session.keys.s2c] {
                *pair = mixed(&self.params, cx.crypto, pair, payload);
            }
        }
        session.round = 1;
        session.disarm(cx);
        session.tag = tag("session", &[&session.transcript, frame]);
        session.accepted = true;
        let run = tag("run", &[&session.transcript, frame]);
        let key_id = Some(key_id(&self.params, &session.keys));
        if hardened {
            session.transcript.extend_from_slice(frame);
        } else {
            cx.buffers.give(core::mem::take(&mut session.transcript));
        }
        let session = session.tag;
        self.state = State::Active;
        cx.output(Output::Accepted {
            peer: self.peer(),
            session,
            run,
            key_id,
        });
        self.share(cx);
    }

    /// C4: the round is over.
    fn responded(&mut self, payload: &[u8], cx: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.confirm();
        session.keys.s2c = after_s2c(&self.params, cx.crypto, &session.keys.s2c, payload);
        let seq = u64::from(session.round);
        session.round = session.round.saturating_add(1);
        session.disarm(cx);
        self.state = State::Active;
        cx.output(Output::DataAccepted {
            session: session.tag,
            seq,
            digest: tag("", &[payload]),
        });
        self.share(cx);
        if !self.queue.is_empty() {
            let list = self.queue.remove(0);
            self.send_list(&list, cx);
            cx.buffers.give(list);
        }
    }

    /// C3 and C11: the application's list, or the default one.
    fn send_data(&mut self, list: Arg<'_>, cx: &mut Context<'_>) {
        cx.phase(SEND_DATA);
        if !matches!(self.state, State::Active | State::WaitResponse) {
            return self.refuse(cx, Scope::Command, "no-session");
        }
        if self.state == State::WaitResponse && self.queue.len() >= QUEUE_MAX {
            return self.refuse(cx, Scope::Command, "busy");
        }
        let mut text = cx.buffers.take();
        match list {
            Arg::Default => numbers::write_default(cx, &mut text),
            Arg::Bytes(list) => text.extend_from_slice(list),
            // A number alone is a list of one.
            Arg::Integer(value) => {
                // Writing into memory cannot fail.
                let _ = write!(text, "{value}");
            }
        }
        let mut scratch = cx.buffers.take();
        let good = numbers::read(&self.params, &text, &mut scratch, |_| {}).is_ok();
        cx.buffers.give(scratch);
        if good && self.state == State::WaitResponse {
            return self.queue.push(text);
        }
        if good {
            self.send_list(&text, cx);
            self.take_early(cx);
        } else {
            self.refuse(cx, Scope::Command, "number");
        }
        cx.buffers.give(text);
    }

    /// C3: sends a list whose grammar is good.
    fn send_list(&mut self, list: &[u8], cx: &mut Context<'_>) {
        let peer = self.peer();
        let Some(session) = &mut self.session else {
            return;
        };
        let header = session.header(&self.params, DATA);
        let mut frame = cx.buffers.take();
        seal(
            &self.params,
            cx,
            header,
            &session.keys.c2s,
            list,
            None,
            &mut frame,
        );
        if self.params.is(Variant::Hardened) {
            session.answered = Some(cx.crypto.sha256(&[&frame]));
            // The server accepts on the first DATA.
            if !session.transcript.is_empty() {
                let run = tag("run", &[&session.transcript, &frame]);
                cx.buffers.give(core::mem::take(&mut session.transcript));
                cx.output(Output::Running { peer, run });
            }
        }
        cx.output(Output::DataSent {
            session: session.tag,
            seq: u64::from(session.round),
            digest: tag("", &[list]),
        });
        self.state = State::WaitResponse;
        self.sent(frame, cx);
    }

    /// C10: says good-bye.
    fn finish(&mut self, cx: &mut Context<'_>) {
        cx.phase(FINISH);
        let Some(session) = self.session.as_ref().filter(|_| self.open()) else {
            return self.refuse(cx, Scope::Command, "no-session");
        };
        // On a stream that is not open yet nothing can be said.
        if !session.sent.is_empty() {
            let header = session.header(&self.params, TERMINATE);
            let mut frame = cx.buffers.take();
            seal(
                &self.params,
                cx,
                header,
                &session.keys.c2s,
                b"done",
                None,
                &mut frame,
            );
            self.transmit(cx, &frame);
            cx.buffers.give(frame);
        }
        self.end(cx, Reason::new("done"), State::Terminated, true);
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

    /// Repeats the last HELLO or DATA, byte for byte.
    fn repeat(&mut self, cx: &mut Context<'_>) {
        if !self.waits() {
            return;
        }
        let Some(session) = &mut self.session else {
            return;
        };
        session.armed = None;
        session.copies += 1;
        let frame = core::mem::take(&mut session.sent);
        self.transmit(cx, &frame);
        if let Some(session) = &mut self.session {
            session.sent = frame;
        }
        self.arm_wait(cx);
    }

    /// The prototype reads its socket only when it waits: what came before is kept.
    fn keep_early(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        if self.early.len() == EARLY_MAX {
            return self.refuse(cx, Scope::Frame, "unexpected");
        }
        let mut frame = cx.buffers.take();
        frame.extend_from_slice(bytes);
        self.early.push(frame);
    }

    fn take_early(&mut self, cx: &mut Context<'_>) {
        while self.waits() && !self.early.is_empty() {
            let frame = self.early.remove(0);
            self.on_frame(&frame, cx);
            cx.buffers.give(frame);
        }
    }
}

impl Machine for Client {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.params.streams() || incoming.from != self.server {
            return self.refuse(cx, Scope::Frame, "unexpected");
        }
        if incoming.bytes.len() > self.params.max_frame as usize {
            return self.closed(cx);
        }
        self.on_frame(incoming.bytes, cx);
    }

    fn on_stream(&mut self, peer: Address, event: StreamEvent<'_>, cx: &mut Context<'_>) {
        if !self.stream || peer != self.server {
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
        match self.state {
            State::Idle => "IDLE",
            State::WaitChallenge => "WAIT_CHALLENGE",
            State::Active => "ACTIVE",
            State::WaitResponse => "WAIT_RESPONSE",
            State::Terminated => "TERMINATED",
        }
    }
}
