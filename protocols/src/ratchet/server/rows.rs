//! Frames of a running session: rows S6 to S12.

use super::rounds::Origin;
use super::session::{Place, Session};
use super::{Server, client};
use crate::address::Address;
use crate::context::Context;
use crate::crypto::tag;
use crate::output::{Output, Reason, Scope};
use crate::ratchet::choice::{Defence, Evolve, Variant};
use crate::ratchet::equations::{Pair, after_c2s, after_s2c, initial};
use crate::ratchet::fault::Fault;
use crate::ratchet::messages::{Frame, Header, RESPONSE, TERMINATE, seal};
use crate::ratchet::numbers;
use crate::ratchet::verification::{Expected, verify};

impl Server {
    /// A frame on an address with a session: the first of `places` under whose keys it is good.
    pub(super) fn in_session(
        &mut self,
        from: Address,
        places: [Option<Place>; 2],
        bytes: &[u8],
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let mut refused = None;
        for place in places.into_iter().flatten() {
            let Some(session) = self.session(place) else {
                continue;
            };
            let expected = self.expected(session);
            match verify(&self.params, cx.crypto, bytes, &expected, payload) {
                Ok(frame) => return self.verified(from, place, bytes, &frame, payload, cx),
                Err(fault) => refused = Some((place, fault)),
            }
        }
        let Some((place, fault)) = refused else {
            return;
        };
        if bytes.first() == Some(&TERMINATE) || self.params.is(Variant::Hardened) {
            let id = self.session(place).map(|session| session.id);
            return self.reject(cx, id, Scope::Frame, fault.reason()); // S7
        }
        self.fail(from, place, fault, cx); // S9, S11
    }

    /// What the next frame of a session must be.
    pub(super) fn expected(&self, session: &Session) -> Expected {
        Expected {
            client: session.id,
            round: session.round,
            direction: self.params.directions[0],
            pair: session.keys.c2s,
            answered: None,
        }
    }

    /// A frame that is good under the keys of the session at `place`.
    fn verified(
        &mut self,
        from: Address,
        place: Place,
        bytes: &[u8],
        frame: &Frame<'_>,
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let believed = self.params.lacks(Defence::Header);
        if let Some(session) = self.session_mut(place) {
            session.confirm();
            if believed {
                session.round = frame.header.round;
            }
        }
        let opcode = frame.header.opcode;
        if opcode == TERMINATE {
            let reason = Reason::new("terminated");
            return self.forget(cx, place, reason); // S6
        }
        if !self.counts_as_data(opcode) {
            return self.fail(from, place, Fault::Opcode, cx); // S10
        }
        let place = match place {
            Place::Pending(at) => self.promote(cx, at, bytes),
            Place::Live(_) => Some(place),
        };
        if let Some(place) = place {
            self.on_data(from, place, bytes, frame, payload, cx);
        }
    }

    /// S8, S9, S12: a DATA whose frame is good.
    fn on_data(
        &mut self,
        from: Address,
        place: Place,
        bytes: &[u8],
        frame: &Frame<'_>,
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        if self.read_numbers(payload, cx) {
            self.respond(from, place, bytes, frame, payload, cx);
        } else {
            self.fail(from, place, Fault::Number, cx);
        }
    }

    /// Reads the list of a DATA; false when it is none.
    pub(super) fn read_numbers(&mut self, list: &[u8], cx: &mut Context<'_>) -> bool {
        let mut scratch = cx.buffers.take();
        let values = &mut self.values;
        values.clear();
        let read = numbers::read(&self.params, list, &mut scratch, |value| values.push(value));
        cx.buffers.give(scratch);
        read.is_ok()
    }

    /// S8: stores the values just read, answers with the aggregate, moves the keys on.
    pub(super) fn respond(
        &mut self,
        from: Address,
        place: Place,
        bytes: &[u8],
        frame: &Frame<'_>,
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let Some(&Session {
            id,
            keys,
            round,
            tag: session,
            ..
        }) = self.session(place)
        else {
            return;
        };
        let received = tag("", &[payload]);
        let origin = Origin {
            session,
            digest: received,
        };
        self.rounds.store(round, id, origin, &self.values);
        let aggregate = self.rounds.aggregate(round, |id| self.live(id).is_some());
        if let Some(kept) = self.params.rounds_kept {
            self.rounds.trim(kept);
        }
        payload.clear();
        aggregate.write(self.params.response_form, payload);

        let hardened = self.params.is(Variant::Hardened);
        let hash = hardened.then(|| cx.crypto.sha256(&[bytes]));
        let header = Header {
            opcode: RESPONSE,
            client: id,
            round,
            direction: self.params.directions[1],
        };
        let c2s = after_c2s(
            &self.params,
            cx.crypto,
            &keys.c2s,
            frame.iv,
            frame.ciphertext,
        );
        let mut answer = cx.buffers.take();
        seal(
            &self.params,
            cx,
            header,
            &keys.s2c,
            payload,
            hash.as_ref(),
            &mut answer,
        );
        let seq = u64::from(round);
        cx.output(Output::DataSent {
            session,
            seq,
            digest: tag("", &[payload]),
        });
        self.transmit(cx, from, &answer);
        let s2c = after_s2c(&self.params, cx.crypto, &keys.s2c, payload);
        let evolve = self.params.evolve;
        if let Some(session) = self.session_mut(place) {
            session.round = round.saturating_add(1);
            session.keys.c2s = c2s;
            match evolve {
                Evolve::OnSend => session.keys.s2c = s2c,
                Evolve::OnConfirm => session.confirmed = Some(s2c),
            }
        }
        cx.output(Output::DataAccepted {
            session,
            seq,
            digest: received,
        });
        self.say_what_is_left_over(cx, round);
        self.remember(cx, place, bytes, &answer);
        cx.buffers.give(answer);
        self.share(cx, id);
        if round == u32::MAX {
            self.fail(from, place, Fault::RoundLimit, cx); // S12
        }
    }

    /// Says which lists of sessions that are over have entered the aggregate of a round. Where a
    /// new session forgets what its id stored before, there are none.
    fn say_what_is_left_over(&self, cx: &mut Context<'_>, round: u32) {
        if self.params.purge_on_hello {
            return;
        }
        let over = |id, session| {
            self.live(id)
                .is_some_and(|live| live.terminated || live.tag != session)
        };
        for Origin { session, digest } in self.rounds.left_over(round, over) {
            cx.output(Output::DataReused {
                session,
                seq: u64::from(round),
                digest,
            });
        }
    }

    /// S9, S10, S11: says what is wrong and ends the session.
    fn fail(&mut self, from: Address, place: Place, fault: Fault, cx: &mut Context<'_>) {
        let Some(session) = self.session(place) else {
            return;
        };
        let (id, session_tag) = (session.id, session.tag);
        let header = session.header(&self.params, fault.opcode(self.params.error_codes));
        let pair = session.keys.s2c;
        self.send_fault(from, header, &pair, fault, cx);
        if fault != Fault::RoundLimit {
            let peer = Some(client(id));
            cx.reject(Scope::Attempt, fault.reason(), peer, Some(session_tag));
        }
        self.end(cx, place, fault.reason());
    }

    /// Sends an error frame.
    pub(super) fn send_fault(
        &self,
        to: Address,
        header: Header,
        pair: &Pair,
        fault: Fault,
        cx: &mut Context<'_>,
    ) {
        let mut text = cx.buffers.take();
        fault.write(self.params.error_codes, &mut text);
        let mut frame = cx.buffers.take();
        seal(&self.params, cx, header, pair, &text, None, &mut frame);
        self.transmit(cx, to, &frame);
        cx.buffers.give(text);
        cx.buffers.give(frame);
    }

    /// The twin without phases: a good DATA opens a session under fresh keys, in its own round.
    pub(super) fn data_without_hello(
        &mut self,
        from: Address,
        id: u8,
        bytes: &[u8],
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        debug_assert!(
            self.params.lacks(Defence::Phase),
            "only the twin serves such frames"
        );
        let round = bytes.get(2..6).and_then(|round| round.try_into().ok());
        let (Some(master), Some(round)) = (self.master(cx, id), round) else {
            return self.reject(cx, None, Scope::Frame, "no-session");
        };
        let session = Session {
            id,
            address: from,
            keys: initial(&self.params, cx.crypto, &master),
            confirmed: None,
            round: u32::from_be_bytes(round),
            tag: tag("session", &[bytes]),
            terminated: false,
            transcript: Vec::new(),
            accepted: Vec::new(),
            answer: Vec::new(),
        };
        let expected = self.expected(&session);
        match verify(&self.params, cx.crypto, bytes, &expected, payload) {
            Ok(frame) => {
                self.make_room(cx, id, from);
                self.accept(cx, session, tag("run", &[bytes]));
                self.on_data(from, Place::Live(id), bytes, &frame, payload, cx);
            }
            Err(_) => self.reject(cx, None, Scope::Frame, "no-session"),
        }
    }
}
