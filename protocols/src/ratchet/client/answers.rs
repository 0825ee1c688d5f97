//! What the client is told: CHALLENGE, RESPONSE, and everything that is neither.

use super::{Client, EARLY_MAX, State};
use crate::context::Context;
use crate::crypto::tag;
use crate::output::{Output, Reason, Scope};
use crate::ratchet::choice::{Defence, Variant};
use crate::ratchet::equations::{NONCES_BYTES, after_s2c, key_id, mixed};
use crate::ratchet::fault::{Fault, peer_word};
use crate::ratchet::messages::{CHALLENGE, RESPONSE, TERMINATE};
use crate::ratchet::verification::{Expected, verify};
use crate::ratchet::{AUTHENTICATE, SEND_DATA};

impl Client {
    /// One frame of the server, or one that claims to be.
    pub(super) fn on_frame(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        if self.params.overruns(bytes) {
            self.halted = true;
            return cx.halt();
        }
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
        if self.params.lacks(Defence::Header)
            && let Some(session) = &mut self.session
        {
            session.round = frame.header.round;
        }
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

    /// The prototype reads its socket only when it waits: what came before is kept.
    fn keep_early(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        if self.early.len() == EARLY_MAX {
            return self.refuse(cx, Scope::Frame, "unexpected");
        }
        let mut frame = cx.buffers.take();
        frame.extend_from_slice(bytes);
        self.early.push(frame);
    }

    pub(super) fn take_early(&mut self, cx: &mut Context<'_>) {
        while self.waits() && !self.early.is_empty() {
            let frame = self.early.remove(0);
            self.on_frame(&frame, cx);
            cx.buffers.give(frame);
        }
    }
}
