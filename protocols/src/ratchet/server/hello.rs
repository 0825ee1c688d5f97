//! HELLO: rows S2, S3 and S4, and the sessions that wait (variant `hardened`).

use std::io::Write as _;

use super::session::{PENDING_FOR, PENDING_MAX, Pending, Place, Session};
use super::{Server, client};
use crate::address::Address;
use crate::context::Context;
use crate::crypto::tag;
use crate::machine::Timer;
use crate::output::{Output, Reason, Scope};
use crate::ratchet::choice::{Evolve, Replace, Variant};
use crate::ratchet::equations::{Keys, after_c2s, after_s2c, initial, key_id, mixed};
use crate::ratchet::messages::{CHALLENGE, Frame, Header, seal};
use crate::ratchet::timer;
use crate::ratchet::verification::{Expected, verify};

impl Server {
    /// A HELLO of client `id`, on an address where it may start a session.
    pub(super) fn on_hello(
        &mut self,
        from: Address,
        id: u8,
        bytes: &[u8],
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let Some(master) = self.master(cx, id) else {
            return self.reject(cx, None, Scope::Frame, "client"); // S3
        };
        let displaces = self.params.replace == Replace::BeforeVerify && self.live(id).is_some();
        if displaces {
            self.displace(cx, id, from);
        }
        let keys = initial(&self.params, cx.crypto, &master);
        let expected = Expected {
            client: id,
            round: 0,
            direction: self.params.directions[0],
            pair: keys.c2s,
            answered: None,
        };
        match verify(&self.params, cx.crypto, bytes, &expected, payload) {
            Ok(frame) => self.challenge(from, id, keys, bytes, &frame, payload, cx), // S2
            Err(fault) => {
                // S4
                if !self.params.is(Variant::Hardened) {
                    let header = Header {
                        opcode: fault.opcode(self.params.error_codes),
                        client: id,
                        round: 0,
                        direction: self.params.directions[1],
                    };
                    self.send_fault(from, header, &keys.s2c, fault, cx);
                }
                self.reject(cx, Some(id), Scope::Frame, fault.reason());
                if displaces {
                    self.share(cx, id);
                }
            }
        }
    }

    /// Discards the live session of an id; on another stream than `from` that is closed too. The
    /// caller says what is shared then.
    fn displace(&mut self, cx: &mut Context<'_>, id: u8, from: Address) {
        let Some(address) = self.live(id).map(|session| session.address) else {
            return;
        };
        let reason = Reason::new("replaced");
        let elsewhere = address != from && self.params.streams();
        if elsewhere {
            self.hang_up(cx, address, true);
        }
        self.discard(cx, Place::Live(id), reason);
        if elsewhere {
            self.forget_at(cx, address, reason);
            self.drop_peer(cx, address);
        }
    }

    /// Makes room for a session of `id` at `from`: one a client, one an address.
    pub(super) fn make_room(&mut self, cx: &mut Context<'_>, id: u8, from: Address) {
        self.displace(cx, id, from);
        if let Some(other) = self.peers.session(from) {
            self.forget(cx, Place::Live(other), Reason::new("replaced"));
        }
        if self.params.purge_on_hello {
            self.rounds.purge(id);
        }
    }

    /// Puts a session in the place of its id.
    pub(super) fn install(&mut self, cx: &mut Context<'_>, session: Session) {
        let (id, from) = (session.id, session.address);
        if self.sessions.len() <= usize::from(id) {
            self.sessions.resize_with(usize::from(id) + 1, || None);
        }
        self.sessions[usize::from(id)] = Some(session);
        self.meet(cx, from);
        self.peers.touch(from).session = Some(id);
    }

    /// S2: answers a good HELLO.
    #[allow(clippy::too_many_arguments, reason = "the parts of one verified frame")]
    pub(super) fn challenge(
        &mut self,
        from: Address,
        id: u8,
        mut keys: Keys,
        bytes: &[u8],
        hello: &Frame<'_>,
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        let hardened = self.params.is(Variant::Hardened);
        if hardened {
            self.replace_waiting(cx, id, from);
        } else if !self.params.is(Variant::Literal) {
            self.make_room(cx, id, from);
        }
        keys.c2s = after_c2s(
            &self.params,
            cx.crypto,
            &keys.c2s,
            hello.iv,
            hello.ciphertext,
        );
        self.write_challenge(payload, cx);
        let header = Header {
            opcode: CHALLENGE,
            client: id,
            round: 0,
            direction: self.params.directions[1],
        };
        let mut answer = cx.buffers.take();
        seal(
            &self.params,
            cx,
            header,
            &keys.s2c,
            payload,
            None,
            &mut answer,
        );
        let run = tag("run", &[bytes, &answer]);
        cx.output(Output::Running {
            peer: client(id),
            run,
        });
        self.transmit(cx, from, &answer);
        let mut s2c = after_s2c(&self.params, cx.crypto, &keys.s2c, payload);
        if hardened {
            keys.c2s = mixed(&self.params, cx.crypto, &keys.c2s, payload);
            s2c = mixed(&self.params, cx.crypto, &s2c, payload);
        }
        let confirmed = match self.params.evolve {
            Evolve::OnSend => {
                keys.s2c = s2c;
                None
            }
            Evolve::OnConfirm => Some(s2c),
        };
        let session = Session {
            id,
            address: from,
            keys,
            confirmed,
            round: 1,
            tag: tag("session", &[bytes, &answer]),
            terminated: false,
            transcript: Vec::new(),
            accepted: Vec::new(),
            answer: Vec::new(),
        };
        let place = if hardened {
            self.wait(cx, session, bytes, &answer)
        } else {
            self.accept(cx, session, tag("run", &[bytes]));
            Place::Live(id)
        };
        self.remember(cx, place, bytes, &answer);
        cx.buffers.give(answer);
        self.share(cx, id);
    }

    /// Replaces `payload` by that of a CHALLENGE; `hardened`: Ns after the Nc that is there.
    fn write_challenge(&self, payload: &mut Vec<u8>, cx: &mut Context<'_>) {
        // Writing into memory cannot fail.
        if self.params.is(Variant::Hardened) {
            let mut nonce = [0; 16];
            cx.random(&mut nonce);
            payload.resize(16, 0);
            payload.extend_from_slice(&nonce);
            return;
        }
        payload.clear();
        if self.params.is(Variant::Literal) {
            // Whole seconds and the rest apart: 64 bits of nanoseconds do not fit a double.
            #[allow(
                clippy::cast_precision_loss,
                reason = "the prototype's clock is a double"
            )]
            let seconds =
                (cx.now.0 / 1_000_000_000) as f64 + (cx.now.0 % 1_000_000_000) as f64 / 1e9;
            let _ = write!(payload, "ServerChallenge-{seconds}");
            if seconds.fract() == 0.0 {
                payload.extend_from_slice(b".0");
            }
        } else {
            let _ = write!(payload, "ServerChallenge-{:020}", cx.now.0);
        }
    }

    /// Makes a session the live one of its id and says so.
    pub(super) fn accept(&mut self, cx: &mut Context<'_>, session: Session, run: [u8; 8]) {
        cx.output(Output::Accepted {
            peer: client(session.id),
            session: session.tag,
            run,
            key_id: Some(key_id(&self.params, &session.settled())),
        });
        self.install(cx, session);
    }

    /// `hardened`: a new HELLO takes the place of the one that waits at its address.
    fn replace_waiting(&mut self, cx: &mut Context<'_>, id: u8, from: Address) {
        let Some(waiting) = self.find_pending(from) else {
            return;
        };
        let other = self.discard(cx, waiting, Reason::new("replaced"));
        if let Some(other) = other.filter(|other| *other != id) {
            self.share(cx, other);
        }
    }

    /// `hardened`: keeps a session until its first DATA; the oldest makes room for a new one.
    fn wait(
        &mut self,
        cx: &mut Context<'_>,
        mut session: Session,
        hello: &[u8],
        challenge: &[u8],
    ) -> Place {
        session.transcript = cx.buffers.take();
        session.transcript.extend_from_slice(hello);
        session.transcript.extend_from_slice(challenge);
        let free = self.pending.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            if self.pending.len() < PENDING_MAX {
                self.pending.push(None);
                return self.pending.len() - 1;
            }
            let order = |at: &usize| self.pending[*at].as_ref().map(|pending| pending.order);
            (0..self.pending.len()).min_by_key(order).unwrap_or(0)
        });
        let key = u32::try_from(at).unwrap_or(u32::MAX);
        let oldest = self.discard(cx, Place::Pending(key), Reason::new("forgotten"));
        if let Some(other) = oldest.filter(|other| *other != session.id) {
            self.share(cx, other);
        }
        self.pending_order += 1;
        self.pending[at] = Some(Pending {
            session,
            order: self.pending_order,
        });
        cx.arm(
            Timer {
                kind: timer::PENDING,
                key,
            },
            PENDING_FOR,
        );
        Place::Pending(key)
    }

    /// `hardened`: the first DATA makes a waiting session the live one.
    pub(super) fn promote(&mut self, cx: &mut Context<'_>, at: u32, data: &[u8]) -> Option<Place> {
        let mut session = self.pending.get_mut(at as usize)?.take()?.session;
        cx.cancel(Timer {
            kind: timer::PENDING,
            key: at,
        });
        let (id, from) = (session.id, session.address);
        self.make_room(cx, id, from);
        let run = tag("run", &[&session.transcript, data]);
        cx.buffers.give(core::mem::take(&mut session.transcript));
        self.accept(cx, session, run);
        Some(Place::Live(id))
    }
}
