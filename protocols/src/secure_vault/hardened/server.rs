//! The server of `hardened`: two vault slots per device, handshakes told apart by device, session
//! id and address, and failed frames that change nothing.

mod handshake;

use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope};
use crate::storage::Record;

use super::super::equations::draw_challenge;
use super::super::messages::{Application, DATA_DOWN, DATA_UP, END, M2, tag_of};
use super::super::params::PendingBy;
use super::super::session::{Session, TWO_KEYS};
use super::super::table::{Owner, Table};
use super::super::vault::{VAULTS, body, epoch};
use super::super::{
    AUTHENTICATE, DEVICE, FINISH, PENDING, PORT, SEND_DATA, SEND_DATA_DOWN, SESSION, VAULT_RELATION,
};
use super::messages::Message;
use super::slots::Slots;
use super::{NONCE_BYTES, Setup};

/// A server and what it holds of handshakes and sessions.
#[derive(Clone, Debug)]
pub struct HardenedServer {
    setup: Arc<Setup>,
    pending: Table<Pending>,
    sessions: Table<Open>,
    /// Where the last M3 answered for each device came from; the rest of it is durable.
    answered: Table<()>,
}

#[derive(Clone, Debug)]
struct Pending {
    session_id: u32,
    /// The epoch that M1 named, where it names one.
    epoch: Option<u32>,
    /// Bodies of M1 and M2.
    opening: Vec<u8>,
    /// Where the body of M2 starts.
    second: u32,
}

impl Pending {
    fn first(&self) -> &[u8] {
        self.opening.get(..self.second as usize).unwrap_or(&[])
    }

    fn second(&self) -> &[u8] {
        self.opening.get(self.second as usize..).unwrap_or(&[])
    }

    /// C1 in wire form: M2 without session id and r1.
    fn c1(&self) -> &[u8] {
        let second = self.second();
        let end = second.len().saturating_sub(NONCE_BYTES);
        second.get(4..end).unwrap_or(&[])
    }

    fn r1(&self) -> &[u8] {
        &self.opening[self.opening.len().saturating_sub(NONCE_BYTES)..]
    }
}

#[derive(Clone, Debug)]
struct Open {
    session: Session<TWO_KEYS>,
    /// True once the device has shown that it updated too.
    confirmed: bool,
}

const fn device(id: u32) -> Principal {
    Principal::id(DEVICE, id as u64)
}

fn transmit(cx: &mut Context<'_>, to: Address, message: usize, body: &[u8]) {
    cx.send(PORT, to, Channel::Public, |out| {
        out.push(tag_of(message));
        out.extend_from_slice(body);
    });
}

fn shared_state(id: u32, slots: &Slots<'_>) -> Output {
    let name = |slot| crypto::fingerprint(&[body(slot)]);
    let newest = name(slots.current);
    let fingerprints = slots.previous.map_or_else(
        || Fingerprints::one(newest),
        |previous| Fingerprints::newest_first(&[newest, name(previous)]),
    );
    Output::SharedState {
        peer: device(id),
        relation: VAULT_RELATION,
        epoch: u64::from(epoch(slots.current)),
        fingerprints,
        durable: true,
    }
}

impl HardenedServer {
    pub(super) fn new(setup: Arc<Setup>) -> Self {
        Self {
            setup,
            pending: Table::default(),
            sessions: Table::default(),
            answered: Table::default(),
        }
    }

    /// Hosts and keys of the open sessions, for observers.
    pub(in crate::secure_vault) fn session_keys(&self, out: &mut dyn FnMut(u32, [u8; TWO_KEYS])) {
        for (address, open) in self.sessions.iter() {
            out(address.host, open.session.key());
        }
    }

    fn slots<'a>(&self, cx: &Context<'a>, id: u32) -> Option<Slots<'a>> {
        let record = cx.storage.read(Record::new(VAULTS, id))?;
        Slots::read(&self.setup.params, record)
    }

    /// Tells the slots of every device, and finds again where answered M3 came from.
    fn wake(&mut self, cx: &mut Context<'_>) {
        // A start may come after the first messages did.
        self.answered = Table::default();
        let mut next = cx.storage.next(VAULTS, 0);
        while let Some(record) = next {
            let id = record.key;
            if let Some(slots) = self.slots(cx, id) {
                cx.output(shared_state(id, &slots));
                if let Some(answered) = slots.answered {
                    self.answered.insert(Owner::device(id), answered.from, ());
                }
            }
            let after = id.checked_add(1);
            next = after.and_then(|from| cx.storage.next(VAULTS, from));
        }
    }

    fn store(&self, cx: &mut Context<'_>, id: u32, slots: &Slots<'_>) {
        cx.store_atomic(|batch| batch.put(Record::new(VAULTS, id), |out| slots.write(out)));
    }

    fn discard_pending(&mut self, cx: &mut Context<'_>, slot: u32) {
        if let Some(pending) = self.pending.remove(slot) {
            cx.buffers.give(pending.opening);
            if self.setup.params.pending_timeout.nanos() > 0 {
                cx.cancel(Timer {
                    kind: PENDING,
                    key: slot,
                });
            }
        }
    }

    /// S1. `body1` is the body of M1.
    fn on_m1(
        &mut self,
        cx: &mut Context<'_>,
        from: Address,
        (id, session_id, named): (u32, u32, Option<u32>),
        body1: &[u8],
    ) {
        let setup = Arc::clone(&self.setup);
        let params = &setup.params;
        cx.crypto.db_read();
        let Some(slots) = self.slots(cx, id) else {
            cx.reject(Scope::Frame, "unknown-device", None, None);
            return;
        };
        if named.is_some_and(|named| slots.all().all(|slot| epoch(slot) != named)) {
            cx.reject(Scope::Frame, "epoch", Some(device(id)), None);
            return;
        }
        let owner = match params.pending_by {
            PendingBy::Device => Owner::device(id),
            PendingBy::Session => Owner {
                device: id,
                session: session_id,
                address: from,
            },
        };
        if let Some(slot) = self.pending.of(owner) {
            let pending = self
                .pending
                .get(slot)
                .filter(|_| self.pending.address(slot) == from);
            if let Some(pending) = pending.filter(|pending| pending.first() == body1) {
                transmit(cx, from, M2, pending.second());
                return;
            }
            if params.pending_by == PendingBy::Session {
                // An honest device never says two things under one session id; the first stands,
                // so that a forged second M1 cannot push the honest handshake out.
                cx.reject(Scope::Frame, "session", Some(device(id)), None);
                return;
            }
            self.discard_pending(cx, slot);
        }
        if self.pending.len() >= params.pending_max
            && let Some(oldest) = self.pending.oldest()
        {
            self.discard_pending(cx, oldest);
        }
        let mut opening = cx.buffers.take();
        opening.extend_from_slice(body1);
        let second = u32::try_from(opening.len()).unwrap_or(u32::MAX);
        opening.extend(session_id.to_be_bytes());
        draw_challenge(cx, params, None, &mut opening);
        let mut r1 = [0; NONCE_BYTES];
        cx.random(&mut r1);
        opening.extend(r1);
        let pending = Pending {
            session_id,
            epoch: named,
            opening,
            second,
        };
        transmit(cx, from, M2, pending.second());
        let key = self.pending.insert(owner, from, pending);
        if params.pending_timeout.nanos() > 0 {
            cx.arm(Timer { kind: PENDING, key }, params.pending_timeout);
        }
    }

    fn end_session(&mut self, cx: &mut Context<'_>, slot: u32, reason: &'static str) {
        let id = self.sessions.owner(slot).device;
        let Some(open) = self.sessions.remove(slot) else {
            return;
        };
        if self.setup.params.session_length.nanos() > 0 {
            cx.cancel(Timer {
                kind: SESSION,
                key: id,
            });
        }
        cx.output(Output::Ended {
            peer: device(id),
            session: open.session.tag(),
            reason: Reason::new(reason),
        });
    }

    /// S4 and S6. The first frame that proves the device's update drops the previous slot.
    fn on_application(&mut self, cx: &mut Context<'_>, from: Address, frame: &Application<'_>) {
        cx.phase(if frame.message == END {
            FINISH
        } else {
            SEND_DATA
        });
        let suite = self.setup.params.suite();
        let slot = self.sessions.newest_at(from);
        let open = slot.and_then(|slot| Some((slot, self.sessions.get_mut(slot)?)));
        let Some((slot, open)) = open else {
            cx.reject(Scope::Frame, "unexpected", None, None);
            return;
        };
        let tag = open.session.tag();
        let verdict = match frame.message {
            DATA_UP => open.session.accept(cx, suite, frame, None),
            END => open.session.check(cx, suite, frame),
            _ => Err("unexpected"),
        };
        let confirms = verdict.is_ok() && !open.confirmed;
        open.confirmed |= confirms;
        let id = self.sessions.owner(slot).device;
        if let Err(reason) = verdict {
            cx.reject(Scope::Frame, reason, Some(device(id)), Some(tag));
            return;
        }
        if confirms && let Some(slots) = self.slots(cx, id) {
            let slots = Slots {
                previous: None,
                ..slots
            };
            self.store(cx, id, &slots);
            cx.output(shared_state(id, &slots));
        }
        if frame.message == END {
            self.end_session(cx, slot, "end");
        }
    }
}

impl Machine for HardenedServer {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.wake(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        let Incoming { from, bytes, .. } = incoming;
        let setup = Arc::clone(&self.setup);
        let body = bytes.get(1..).unwrap_or(&[]);
        match setup.wire.decode(bytes) {
            Ok(Message::M1 {
                device_id,
                session_id,
                epoch,
            }) => self.on_m1(cx, from, (device_id, session_id, epoch), body),
            Ok(Message::M3(sealed)) => self.on_m3(cx, from, &sealed, body),
            Ok(Message::Application(frame)) if frame.message != DATA_DOWN => {
                self.on_application(cx, from, &frame);
            }
            Ok(_) => cx.reject(Scope::Frame, "unexpected", None, None),
            Err(place) => cx.reject(Scope::Frame, place, None, None),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if timer.kind == PENDING {
            if let Some(pending) = self.pending.remove(timer.key) {
                cx.buffers.give(pending.opening);
            }
        } else if timer.kind == SESSION
            && let Some(slot) = self.sessions.of(Owner::device(timer.key))
        {
            cx.phase(FINISH);
            self.end_session(cx, slot, "expired");
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        if command.id != SEND_DATA_DOWN {
            cx.reject(Scope::Command, "unknown-command", None, None);
            return;
        }
        cx.phase(SEND_DATA);
        let suite = self.setup.params.suite();
        let slot = command.peer.and_then(|peer| self.sessions.newest_at(peer));
        let open = slot.and_then(|slot| {
            let (to, id) = (
                self.sessions.address(slot),
                self.sessions.owner(slot).device,
            );
            Some((to, id, self.sessions.get_mut(slot)?))
        });
        let Some((to, id, open)) = open else {
            cx.reject(Scope::Command, "no-session", None, None);
            return;
        };
        let session = &mut open.session;
        if let Err(reason) = session.send(cx, suite, DATA_DOWN, to, command.arg(0), None) {
            let tag = session.tag();
            cx.reject(Scope::Command, reason, Some(device(id)), Some(tag));
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.pending.clear();
        self.sessions.clear();
        self.answered.clear();
        self.wake(cx);
    }

    fn state(&self) -> &'static str {
        "SERVING"
    }
}
