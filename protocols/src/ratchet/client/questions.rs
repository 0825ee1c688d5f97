//! What the client asks for: HELLO, DATA and TERMINATE, and how long it waits for an answer.

use std::io::Write as _;

use super::session::Session;
use super::{Client, IDENTITY, QUEUE_MAX, State};
use crate::address::Address;
use crate::context::Context;
use crate::crypto::tag;
use crate::machine::{Arg, Timer};
use crate::output::{Output, Reason, Scope};
use crate::ratchet::choice::{Defence, Evolve, Variant};
use crate::ratchet::equations::{KEY_BYTES, after_c2s, initial};
use crate::ratchet::messages::{DATA, HELLO, TERMINATE, seal, sealed_parts};
use crate::ratchet::{AUTHENTICATE, FINISH, SEND_DATA, numbers, timer};

impl Client {
    /// C1: fresh keys; HELLO at once, or when the stream is open.
    pub(super) fn authenticate(&mut self, peer: Option<Address>, cx: &mut Context<'_>) {
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
    pub(super) fn hello(&mut self, cx: &mut Context<'_>) {
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

    /// C3 and C11: the application's list, or the default one.
    pub(super) fn send_data(&mut self, list: Arg<'_>, cx: &mut Context<'_>) {
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
    pub(super) fn send_list(&mut self, list: &[u8], cx: &mut Context<'_>) {
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
        // The hardened server accepts with the first DATA.
        if !session.transcript.is_empty() {
            let run = tag("run", &[&session.transcript, &frame]);
            cx.buffers.give(core::mem::take(&mut session.transcript));
            cx.output(Output::Running { peer, run });
        }
        cx.output(Output::DataSent {
            session: session.tag,
            seq: u64::from(session.round),
            digest: tag("", &[list]),
        });
        self.state = State::WaitResponse;
        self.sent(frame, cx);
        if let (true, Some(session)) = (self.params.is(Variant::Hardened), &mut self.session) {
            session.answered = Some(cx.crypto.sha256(&[&session.sent]));
        }
    }

    /// C10: says good-bye.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
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

    /// Repeats the last HELLO or DATA, byte for byte.
    pub(super) fn repeat(&mut self, cx: &mut Context<'_>) {
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
}
