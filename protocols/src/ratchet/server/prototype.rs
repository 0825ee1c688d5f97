//! The published prototype's server (variant `literal`, section 7.2).
//!
//! Opcode and client id of a frame select everything that follows, unauthenticated; a HELLO
//! replaces the stored session before it is verified; some faults delete the session, others only
//! terminate it, and a terminated one still counts in aggregates.

use std::io::Write as _;

use super::session::{Place, Session};
use super::{Server, client};
use crate::address::Address;
use crate::context::Context;
use crate::crypto::tag;
use crate::output::{Output, Reason, Scope};
use crate::ratchet::choice::ErrorCodes;
use crate::ratchet::equations::initial;
use crate::ratchet::fault::{Fault, PROTOTYPE_OPCODE_TEXT};
use crate::ratchet::messages::{
    DATA, HEADER_BYTES, HELLO, Header, TERMINATE, UNKNOWN_CLIENT, seal,
};
use crate::ratchet::verification::verify;

impl Server {
    /// One frame, as the prototype handles it.
    pub(super) fn prototype_frame(
        &mut self,
        from: Address,
        bytes: &[u8],
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let (Some(&opcode), Some(&id)) = (bytes.first(), bytes.get(1)) else {
            return self.reject(cx, None, Scope::Frame, "length");
        };
        if bytes.len() < HEADER_BYTES {
            return self.reject(cx, None, Scope::Frame, "length");
        }
        // Only a stream can end, and only its end asks for the last id.
        if self.params.streams() {
            self.peers.touch(from).last_id = Some(id);
        }
        if opcode == HELLO {
            return self.prototype_hello(from, id, bytes, payload, cx);
        }
        let place = Place::Live(id);
        let Some(session) = self.live(id).filter(|session| !session.terminated) else {
            return self.reject(cx, None, Scope::Frame, "no-session");
        };
        if opcode != DATA {
            self.prototype_terminate(from, place, PROTOTYPE_OPCODE_TEXT, cx);
            return self.set_terminated(cx, place, Fault::Opcode);
        }
        let expected = self.expected(session);
        match verify(&self.params, cx.crypto, bytes, &expected, payload) {
            Ok(frame) => {
                if let Some(session) = self.session_mut(place) {
                    session.confirm();
                }
                if self.read_numbers(payload, cx) {
                    self.respond(from, place, bytes, &frame, payload, cx);
                } else {
                    self.prototype_fail(from, place, Fault::Number, true, cx);
                }
            }
            Err(fault) => self.prototype_fail(from, place, fault, true, cx),
        }
    }

    /// HELLO: a new session object first, the checks afterwards.
    fn prototype_hello(
        &mut self,
        from: Address,
        id: u8,
        bytes: &[u8],
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let Some(master) = self.master(cx, id) else {
            self.prototype_unknown(from, id, payload, cx);
            return self.reject(cx, None, Scope::Frame, "client");
        };
        self.discard(cx, Place::Live(id), Reason::new("replaced"));
        if self.params.purge_on_hello {
            self.rounds.purge(id);
        }
        let keys = initial(&self.params, cx.crypto, &master);
        let session = Session {
            id,
            address: from,
            keys,
            confirmed: None,
            round: 0,
            tag: tag("session", &[bytes]),
            terminated: false,
            transcript: Vec::new(),
            accepted: Vec::new(),
            answer: Vec::new(),
        };
        let expected = self.expected(&session);
        match verify(&self.params, cx.crypto, bytes, &expected, payload) {
            Ok(frame) => self.challenge(from, id, keys, bytes, &frame, payload, cx),
            Err(fault) => {
                self.install(cx, session);
                self.prototype_fail(from, Place::Live(id), fault, false, cx);
            }
        }
    }

    /// Faults with a code of their own delete the session; the others terminate it, which the
    /// client hears of only when they are `audible`.
    fn prototype_fail(
        &mut self,
        from: Address,
        place: Place,
        fault: Fault,
        audible: bool,
        cx: &mut Context<'_>,
    ) {
        let Some(session) = self.session(place) else {
            return;
        };
        if fault.opcode(ErrorCodes::Extended) == TERMINATE {
            if audible {
                let mut text = cx.buffers.take();
                fault.write(ErrorCodes::Extended, &mut text);
                self.prototype_terminate(from, place, &text, cx);
                cx.buffers.give(text);
            }
            return self.set_terminated(cx, place, fault);
        }
        let header = session.header(&self.params, fault.opcode(ErrorCodes::Extended));
        let (id, pair, session_tag) = (session.id, session.keys.s2c, session.tag);
        self.send_fault(from, header, &pair, fault, cx);
        cx.reject(
            Scope::Attempt,
            fault.reason(),
            Some(client(id)),
            Some(session_tag),
        );
        self.forget(cx, place, fault.reason());
    }

    fn prototype_terminate(&self, to: Address, place: Place, text: &[u8], cx: &mut Context<'_>) {
        let Some(session) = self.session(place) else {
            return;
        };
        let header = session.header(&self.params, TERMINATE);
        let mut frame = cx.buffers.take();
        seal(
            &self.params,
            cx,
            header,
            &session.keys.s2c,
            text,
            None,
            &mut frame,
        );
        self.transmit(cx, to, &frame);
        cx.buffers.give(frame);
    }

    /// Terminates a session without deleting it.
    fn set_terminated(&mut self, cx: &mut Context<'_>, place: Place, fault: Fault) {
        let Some(session) = self.session_mut(place) else {
            return;
        };
        session.terminated = true;
        let (id, session) = (session.id, session.tag);
        let (peer, reason) = (client(id), fault.reason());
        cx.reject(Scope::Attempt, reason, Some(peer), Some(session));
        cx.output(Output::Ended {
            peer,
            session,
            reason,
        });
        self.share(cx, id);
    }

    /// The clear answer to an id that is not known.
    fn prototype_unknown(&self, to: Address, id: u8, text: &mut Vec<u8>, cx: &mut Context<'_>) {
        let header = Header {
            opcode: UNKNOWN_CLIENT,
            client: id,
            round: 0,
            direction: self.params.directions[1],
        };
        text.clear();
        text.extend_from_slice(&[header.opcode, header.client]);
        text.extend_from_slice(&header.round.to_be_bytes());
        text.push(header.direction);
        let at = text.len();
        // Writing into memory cannot fail.
        let _ = write!(text, "client {id} unknown");
        let digits = 1 + usize::from(id >= 10) + usize::from(id >= 100);
        text.resize(at + 22 + digits, b' ');
        self.transmit(cx, to, text);
    }
}
