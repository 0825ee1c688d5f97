//! The server: per peer address NONE or ACTIVE (section 5.1).
//!
//! Live sessions stand by client id, addresses in a table of their own ([`peers`]), stored values
//! by round ([`rounds`]). Rows S1 to S12 are named where they are carried out: those of a HELLO in
//! [`hello`], those of a session in [`rows`]. The prototype's server (variant `literal`) goes its
//! own way in [`prototype`].

mod hello;
mod peers;
mod prototype;
mod rounds;
mod rows;
mod session;
mod stream;

use std::sync::Arc;

use self::peers::Peers;
use self::rounds::Rounds;
use self::session::{Pending, Place, Session};
use super::choice::{Defence, HelloInActive, SessionLookup, Variant};
use super::equations::{KEY_BYTES, Keys};
use super::messages::{CHALLENGE, DATA, HELLO, TERMINATE};
use super::params::Params;
use super::{AUTHENTICATE, CLIENT, FINISH, SEND_DATA, records, timer};
use crate::address::Address;
use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, StreamEvent, Timer};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope};
use crate::storage::Record;

/// Port that the server listens on.
pub(super) const PORT: u16 = 7704;
/// Table of master keys, by client id.
pub(super) const KEYS: u8 = 0;

/// A server.
#[derive(Clone, Debug)]
pub struct Server {
    params: Arc<Params>,
    /// Live sessions by client id.
    sessions: Vec<Option<Session>>,
    /// Sessions that wait for their first DATA, in places that timers name.
    pending: Vec<Option<Pending>>,
    /// Sessions that have waited so far.
    pending_order: u64,
    peers: Peers,
    rounds: Rounds,
    /// Working memory: the values of the list at hand.
    values: Vec<f64>,
    /// Broken twins: it has come to its end, until it is restarted.
    halted: bool,
}

/// The client of this id, as observers know it.
const fn client(id: u8) -> Principal {
    Principal {
        role: CLIENT,
        value: id as u64,
    }
}

impl Server {
    /// A server without sessions.
    pub(super) fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            sessions: Vec::new(),
            pending: Vec::new(),
            pending_order: 0,
            peers: Peers::default(),
            rounds: Rounds::default(),
            values: Vec::new(),
            halted: false,
        }
    }

    /// Broken twins: the program ends, and serves nobody until it is restarted.
    fn halt(&mut self, cx: &mut Context<'_>) {
        self.halted = true;
        cx.halt();
    }

    /// K of an id; the twin without a list of ids serves unknown ones under zeros.
    fn master(&self, cx: &Context<'_>, id: u8) -> Option<[u8; KEY_BYTES]> {
        let stored = cx.storage.read(Record::new(KEYS, u32::from(id)));
        let key = stored.and_then(|key| key.try_into().ok());
        key.or_else(|| self.params.lacks(Defence::Client).then_some([0; KEY_BYTES]))
    }

    /// Client and keys of every live session.
    pub(super) fn keys(&self) -> impl Iterator<Item = (u8, &Keys)> {
        let live = self.sessions.iter().flatten();
        live.filter(|session| !session.terminated)
            .map(|session| (session.id, &session.keys))
    }

    fn live(&self, id: u8) -> Option<&Session> {
        self.sessions.get(usize::from(id)).and_then(Option::as_ref)
    }

    fn session(&self, place: Place) -> Option<&Session> {
        match place {
            Place::Live(id) => self.live(id),
            Place::Pending(at) => {
                let pending = self.pending.get(at as usize)?.as_ref()?;
                Some(&pending.session)
            }
        }
    }

    fn session_mut(&mut self, place: Place) -> Option<&mut Session> {
        match place {
            Place::Live(id) => self.sessions.get_mut(usize::from(id))?.as_mut(),
            Place::Pending(at) => {
                let pending = self.pending.get_mut(at as usize)?.as_mut()?;
                Some(&mut pending.session)
            }
        }
    }

    /// The live session that a frame belongs to.
    fn find(&self, from: Address, frame: &[u8]) -> Option<Place> {
        let id = match self.params.session_lookup {
            SessionLookup::Address => self.peers.session(from)?,
            SessionLookup::FrameId => *frame.get(1)?,
        };
        self.live(id).map(|_| Place::Live(id))
    }

    /// The session of an address that waits for its first DATA.
    fn find_pending(&self, from: Address) -> Option<Place> {
        let here = |slot: &Option<Pending>| {
            slot.as_ref()
                .is_some_and(|pending| pending.session.address == from)
        };
        let at = self.pending.iter().position(here)?;
        u32::try_from(at).ok().map(Place::Pending)
    }

    fn transmit(&self, cx: &mut Context<'_>, to: Address, frame: &[u8]) {
        records::send(cx, self.params.streams(), PORT, to, frame);
    }

    /// Says what the server shares with a client now: the session that waits, then the live one.
    fn share(&self, cx: &mut Context<'_>, id: u8) {
        let waiting = self.pending.iter().flatten();
        let newest = waiting
            .filter(|pending| pending.session.id == id)
            .max_by_key(|pending| pending.order)
            .map(|pending| &pending.session);
        let live = self.live(id).filter(|session| !session.terminated);
        let mut values = [[0; 16]; 3];
        let mut count = 0;
        let sessions = newest.into_iter().chain(live);
        let shared = sessions.flat_map(|session| session.shared(&self.params));
        for (value, fingerprint) in values.iter_mut().zip(shared) {
            *value = fingerprint;
            count += 1;
        }
        let epoch = newest
            .or(live)
            .map_or(0, |session| u64::from(session.round));
        cx.output(Output::SharedState {
            peer: client(id),
            relation: 0,
            epoch,
            fingerprints: Fingerprints::newest_first(&values[..count]),
            durable: false,
        });
    }

    /// Forgets a session and says so, but not what is shared from now on; gives its client where
    /// that has changed.
    fn discard(&mut self, cx: &mut Context<'_>, place: Place, reason: Reason) -> Option<u8> {
        let session = match place {
            Place::Live(id) => self.sessions.get_mut(usize::from(id))?.take()?,
            Place::Pending(at) => self.pending.get_mut(at as usize)?.take()?.session,
        };
        let id = session.id;
        if let Place::Live(_) = place
            && self.peers.session(session.address) == Some(id)
        {
            self.peers.touch(session.address).session = None;
            if !self.params.streams() {
                self.peers.remove(session.address);
            }
        }
        if !session.terminated {
            cx.output(Output::Ended {
                peer: client(id),
                session: session.tag,
                reason,
            });
        }
        for buffer in [session.transcript, session.accepted, session.answer] {
            cx.buffers.give(buffer);
        }
        // A terminated session shared nothing any more.
        (!session.terminated).then_some(id)
    }

    /// Forgets a session and says what is shared from now on.
    fn forget(&mut self, cx: &mut Context<'_>, place: Place, reason: Reason) {
        if let Place::Pending(key) = place {
            let kind = timer::PENDING;
            cx.cancel(Timer { kind, key });
        }
        if let Some(id) = self.discard(cx, place, reason) {
            self.share(cx, id);
        }
    }

    /// Forgets every session of an address.
    fn forget_at(&mut self, cx: &mut Context<'_>, address: Address, reason: Reason) {
        if let Some(waiting) = self.find_pending(address) {
            self.forget(cx, waiting, reason);
        }
        if let Some(id) = self.peers.session(address) {
            self.forget(cx, Place::Live(id), reason);
        }
    }

    /// Ends a session: says `CLOSE` to its address, where that is a stream, and discards its keys.
    fn end(&mut self, cx: &mut Context<'_>, place: Place, reason: Reason) {
        let Some(address) = self.session(place).map(|session| session.address) else {
            return;
        };
        self.hang_up(cx, address, true);
        self.forget(cx, place, reason);
        if self.params.streams() {
            self.forget_at(cx, address, reason);
            self.drop_peer(cx, address);
        }
    }

    fn reject(
        &self,
        cx: &mut Context<'_>,
        id: Option<u8>,
        scope: Scope,
        reason: impl Into<Reason>,
    ) {
        cx.reject(scope, reason, id.map(client), None);
    }

    /// One frame from an address.
    fn on_frame(&mut self, from: Address, frame: &[u8], cx: &mut Context<'_>) {
        if self.params.overruns(frame) {
            return self.halt(cx);
        }
        cx.phase(match frame.first() {
            Some(&(HELLO | CHALLENGE)) => AUTHENTICATE,
            Some(&TERMINATE) => FINISH,
            _ => SEND_DATA,
        });
        let mut payload = cx.buffers.take();
        if self.params.is(Variant::Literal) {
            self.prototype_frame(from, frame, &mut payload, cx);
        } else {
            self.dispatch(from, frame, &mut payload, cx);
        }
        cx.buffers.give(payload);
    }

    /// Finds the row of the state table for a frame.
    fn dispatch(
        &mut self,
        from: Address,
        frame: &[u8],
        payload: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        if self.params.lacks(Defence::TerminateAuth)
            && let [TERMINATE, id, ..] = frame
            && self.live(*id).is_some()
        {
            return self.forget(cx, Place::Live(*id), Reason::new("terminated"));
        }
        let live = self.find(from, frame);
        let places = [self.find_pending(from), live];
        for place in places.into_iter().flatten() {
            if let Some(session) = self.session(place).filter(|session| session.answers(frame)) {
                return self.transmit(cx, from, &session.answer);
            }
        }
        let starts = live.is_none() || self.params.hello_in_active == HelloInActive::Restart;
        if let ([HELLO, id, ..], true) = (frame, starts) {
            return self.on_hello(from, *id, frame, payload, cx);
        }
        if places == [None, None] {
            return match frame {
                [DATA, id, ..] if self.params.lacks(Defence::Phase) => {
                    self.data_without_hello(from, *id, frame, payload, cx);
                }
                _ => self.reject(cx, None, Scope::Frame, "no-session"), // S5
            };
        }
        self.in_session(from, places, frame, payload, cx);
    }

    /// The opcode counts as DATA where the twin takes any verified frame for the one waited for.
    fn counts_as_data(&self, opcode: u8) -> bool {
        opcode == DATA || (opcode != TERMINATE && self.params.lacks(Defence::Binding))
    }

    /// Keeps frame and answer, so that a repeated frame gets the same answer.
    fn remember(&mut self, cx: &mut Context<'_>, place: Place, frame: &[u8], answer: &[u8]) {
        if !self.params.resends() {
            return;
        }
        let Some(session) = self.session_mut(place) else {
            return;
        };
        for (kept, bytes) in [
            (&mut session.accepted, frame),
            (&mut session.answer, answer),
        ] {
            if kept.capacity() == 0 {
                *kept = cx.buffers.take();
            }
            kept.clear();
            kept.extend_from_slice(bytes);
        }
    }
}

impl Machine for Server {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        if self.params.streams() {
            return self.reject(cx, None, Scope::Frame, "unexpected");
        }
        if incoming.bytes.len() > self.params.max_frame as usize {
            return self.forget_at(cx, incoming.from, Reason::new("oversize")); // S1
        }
        if self.peers.slot(incoming.from).is_some() {
            self.peers.touch(incoming.from);
        }
        self.on_frame(incoming.from, incoming.bytes, cx);
    }

    fn on_stream(&mut self, peer: Address, event: StreamEvent<'_>, cx: &mut Context<'_>) {
        if self.halted || !self.params.streams() {
            return;
        }
        match event {
            StreamEvent::Opened => self.meet(cx, peer),
            StreamEvent::Bytes(bytes) => self.feed(peer, bytes, cx),
            StreamEvent::Closed | StreamEvent::Reset => {
                self.closed(cx, peer, Reason::new("closed"));
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        match timer.kind {
            timer::STALL => self.stalled(cx, timer.key),
            timer::PENDING => {
                let waiting = Place::Pending(timer.key);
                if let Some(id) = self.discard(cx, waiting, Reason::new("pending-timeout")) {
                    self.share(cx, id);
                }
            }
            _ => {}
        }
    }

    fn on_command(&mut self, _command: &Command<'_>, cx: &mut Context<'_>) {
        self.reject(cx, None, Scope::Command, "unknown-command");
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.halted = false;
        let live = core::mem::take(&mut self.sessions);
        let pending = core::mem::take(&mut self.pending);
        self.peers.clear();
        self.rounds.clear();
        let waiting = pending.iter().flatten().map(|pending| pending.session.id);
        let ids = live
            .iter()
            .flatten()
            .map(|session| session.id)
            .chain(waiting);
        for id in ids {
            self.share(cx, id);
        }
    }

    fn state(&self) -> &'static str {
        if self.halted {
            "HALTED"
        } else if self.sessions.iter().any(Option::is_some) {
            "ACTIVE"
        } else {
            "NONE"
        }
    }
}
