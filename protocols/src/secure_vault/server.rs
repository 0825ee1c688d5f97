//! The server of `as-published` and its broken twins: per device at most one vault, one pending
//! handshake (or one for each session id and address) and one session.
//!
//! The number of devices costs nothing here: vaults lie in durable storage, and only handshakes and
//! sessions in progress take memory.

mod handshake;

use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Output, Principal, Reason, Scope, Tag};

use super::equations::draw_challenge;
use super::messages::{Application, DATA_DOWN, DATA_UP, END, M2, M3, Message, tag_of};
use super::params::{Params, PendingBy, ServerOrder, Without};
use super::session::{Ledger, ONE_KEY, Session};
use super::table::{Owner, Table};
use super::vault::{Records, VAULTS, renewed, shared_state};
use super::{AUTHENTICATE, DEVICE, FINISH, PENDING, PORT, SEND_DATA, SEND_DATA_DOWN};

/// A server and what it holds of handshakes and sessions.
#[derive(Clone, Debug)]
pub struct Server {
    params: Arc<Params>,
    pending: Table<Pending>,
    sessions: Table<Open>,
    /// The last M3 answered for each device (`recovery = resend`).
    answered: Table<Answered>,
    records: Records,
    /// Broken twin without `device-id`: device ids by host, ascending.
    by_host: Vec<(u32, u32)>,
}

#[derive(Clone, Debug)]
struct Pending {
    /// Whose vault: the device id, but in the broken twin without `device-id`.
    vault: u32,
    /// Bodies of M1 and M2, the second from `M1_BYTES` on.
    opening: Vec<u8>,
    /// The record before M2 in the broken twin that commits before it verifies; else empty.
    before: Vec<u8>,
}

/// Bytes of M1's body.
const M1_BYTES: usize = 8;

impl Pending {
    /// C1 in wire form.
    fn c1(&self, key_bytes: usize) -> &[u8] {
        let end = self.opening.len().saturating_sub(key_bytes);
        self.opening.get(M1_BYTES..end).unwrap_or(&[])
    }

    fn r1(&self, key_bytes: usize) -> &[u8] {
        &self.opening[self.opening.len().saturating_sub(key_bytes)..]
    }

    fn release(self, cx: &mut Context<'_>) {
        cx.buffers.give(self.opening);
        cx.buffers.give(self.before);
    }
}

#[derive(Clone, Debug)]
struct Open {
    session: Session<ONE_KEY>,
    vault: u32,
    /// Present with `commit = session-end` only.
    ledger: Option<Box<Ledger>>,
}

#[derive(Clone, Debug)]
struct Answered {
    /// SHA-256 of the body of M3.
    third: [u8; 32],
    /// Body of M4.
    fourth: Vec<u8>,
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

impl Server {
    /// A server; `by_host` maps hosts to device ids and may be empty unless the parameters ask for
    /// vaults by sender address.
    pub(super) fn new(params: Arc<Params>, by_host: Vec<(u32, u32)>) -> Self {
        let records = Records::new(&params);
        Self {
            params,
            pending: Table::default(),
            sessions: Table::default(),
            answered: Table::default(),
            records,
            by_host,
        }
    }

    /// Hosts and keys of the open sessions, for observers.
    pub(super) fn session_keys(&self, out: &mut dyn FnMut(u32, [u8; ONE_KEY])) {
        for (address, open) in self.sessions.iter() {
            out(address.host, open.session.key());
        }
    }

    fn is_without(&self, defence: Without) -> bool {
        self.params.without == Some(defence)
    }

    /// Tells the stored vault of every device, in the order of ids.
    fn announce(&self, cx: &mut Context<'_>) {
        let durable = self.records.durable();
        let mut next = cx.storage.next(VAULTS, 0);
        while let Some(record) = next {
            if let Some(bytes) = self.records.read(cx.storage, record.key) {
                cx.output(shared_state(device(record.key), bytes, durable));
            }
            let after = record.key.checked_add(1);
            next = after.and_then(|from| cx.storage.next(VAULTS, from));
        }
    }

    fn drop_pending(&mut self, cx: &mut Context<'_>, slot: u32) -> Option<Pending> {
        let pending = self.pending.remove(slot)?;
        if self.params.pending_timeout.nanos() > 0 {
            cx.cancel(Timer {
                kind: PENDING,
                key: slot,
            });
        }
        Some(pending)
    }

    fn discard_pending(&mut self, cx: &mut Context<'_>, slot: u32) {
        if let Some(pending) = self.drop_pending(cx, slot) {
            pending.release(cx);
        }
    }

    /// The id whose vault a claimed id stands for.
    fn vault_of(&self, claimed: u32, from: Address) -> Option<u32> {
        if !self.is_without(Without::DeviceId) {
            return Some(claimed);
        }
        let place = self
            .by_host
            .binary_search_by_key(&from.host, |entry| entry.0);
        place.ok().map(|place| self.by_host[place].1)
    }

    /// S1. `body1` is the body of M1.
    fn on_m1(
        &mut self,
        cx: &mut Context<'_>,
        from: Address,
        device_id: u32,
        session_id: u32,
        body1: &[u8],
    ) {
        let params = Arc::clone(&self.params);
        cx.crypto.db_read();
        let vault = self
            .vault_of(device_id, from)
            .filter(|vault| self.records.read(cx.storage, *vault).is_some());
        let Some(vault) = vault else {
            cx.reject(Scope::Frame, "unknown-device", None, None);
            return;
        };
        let owner = match params.pending_by {
            PendingBy::Device => Owner::device(device_id),
            PendingBy::Session => Owner {
                device: device_id,
                session: session_id,
                address: from,
            },
        };
        if let Some(slot) = self.pending.of(owner) {
            if params.resend.is_some() && self.pending.address(slot) == from {
                let opening = self.pending.get(slot).map_or(&[][..], |it| &it.opening);
                if let Some((first, second)) = opening.split_at_checked(M1_BYTES)
                    && first == body1
                {
                    transmit(cx, from, M2, second);
                    return;
                }
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
        draw_challenge(cx, &params, None, &mut opening);
        let r1 = opening.len();
        opening.resize(r1 + params.key_bytes, 0);
        cx.random(&mut opening[r1..]);
        let mut before = Vec::new();
        let early = self.is_without(Without::VerifyBeforeCommit).then(|| {
            let record = self.records.read(cx.storage, vault).unwrap_or(&[]);
            before.extend_from_slice(record);
            renewed(cx, &params, record, &opening)
        });
        if let (Some(new), ServerOrder::StoreFirst) = (&early, params.server_order) {
            self.records.write(cx, vault, new);
        }
        transmit(cx, from, M2, &opening[M1_BYTES..]);
        if let (Some(new), ServerOrder::SendFirst) = (&early, params.server_order) {
            self.records.write(cx, vault, new);
        }
        if let Some(new) = early {
            cx.output(shared_state(device(vault), &new, self.records.durable()));
            cx.buffers.give(new);
        }
        let pending = Pending {
            vault,
            opening,
            before,
        };
        let key = self.pending.insert(owner, from, pending);
        if params.pending_timeout.nanos() > 0 {
            cx.arm(Timer { kind: PENDING, key }, params.pending_timeout);
        }
    }

    /// S6 without its checks; also for a session that a new one replaces.
    fn end_session(&mut self, cx: &mut Context<'_>, slot: u32, reason: &'static str) {
        cx.phase(FINISH);
        let id = self.sessions.owner(slot).device;
        let Some(open) = self.sessions.remove(slot) else {
            return;
        };
        if self.params.session_length.nanos() > 0 {
            cx.cancel(Timer {
                kind: self.params.session_timer(),
                key: id,
            });
        }
        if let Some(ledger) = open.ledger {
            let data = ledger.close(cx);
            if !self.is_without(Without::Update) {
                let params = Arc::clone(&self.params);
                let record = self.records.read(cx.storage, open.vault).unwrap_or(&[]);
                let new = renewed(cx, &params, record, &data);
                self.records.write(cx, open.vault, &new);
                cx.output(shared_state(
                    device(open.vault),
                    &new,
                    self.records.durable(),
                ));
                cx.buffers.give(new);
            }
            cx.buffers.give(data);
        }
        cx.output(Output::Ended {
            peer: device(id),
            session: open.session.tag(),
            reason: Reason::new(reason),
        });
    }

    /// S4 and S6.
    fn on_application(&mut self, cx: &mut Context<'_>, from: Address, frame: &Application<'_>) {
        cx.phase(if frame.message == END {
            FINISH
        } else {
            SEND_DATA
        });
        let suite = self.params.suite();
        let slot = self.sessions.newest_at(from);
        let open = slot.and_then(|slot| Some((slot, self.sessions.get_mut(slot)?)));
        let Some((slot, open)) = open else {
            cx.reject(Scope::Frame, "unexpected", None, None);
            return;
        };
        let tag = open.session.tag();
        let verdict = match frame.message {
            DATA_UP => {
                let ledger = open.ledger.as_deref_mut();
                open.session.accept(cx, suite, frame, ledger)
            }
            END => open.session.check(cx, suite, frame),
            _ => Err("unexpected"),
        };
        match verdict {
            Err(reason) => self.refuse_in(cx, slot, tag, reason),
            Ok(()) if frame.message == END => self.end_session(cx, slot, "end"),
            Ok(()) => {}
        }
    }

    fn refuse_in(&self, cx: &mut Context<'_>, slot: u32, tag: Tag, reason: &'static str) {
        let peer = device(self.sessions.owner(slot).device);
        cx.reject(Scope::Frame, reason, Some(peer), Some(tag));
    }

    /// Broken twin without `pending`: whatever arrives instead of the awaited M3 ends the wait.
    fn lose_pending(&mut self, cx: &mut Context<'_>, incoming: &Incoming<'_>) {
        if let Some(slot) = self.pending.oldest() {
            let is_m3 = incoming.bytes.first() == Some(&tag_of(M3));
            if !is_m3 || self.pending.address(slot) != incoming.from {
                self.discard_pending(cx, slot);
            }
        }
    }
}

impl Machine for Server {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.announce(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        if self.is_without(Without::Pending) {
            self.lose_pending(cx, &incoming);
        }
        let Incoming { from, bytes, .. } = incoming;
        let params = Arc::clone(&self.params);
        match params.wire.decode(bytes) {
            Ok(Message::M1 {
                device_id,
                session_id,
            }) => {
                let body = bytes.get(1..).unwrap_or(&[]);
                self.on_m1(cx, from, device_id, session_id, body);
            }
            Ok(Message::M3 { sealed }) => self.on_m3(cx, from, sealed),
            Ok(Message::Application(frame)) if frame.message != DATA_DOWN => {
                self.on_application(cx, from, &frame);
            }
            Ok(_) => cx.reject(Scope::Frame, "unexpected", None, None),
            Err(place) => {
                // A malformed M3 is a failed M3: it ends the handshake of its sender.
                let slot = self.pending.newest_at(from);
                match slot.filter(|_| bytes.first() == Some(&tag_of(M3))) {
                    Some(slot) => {
                        let peer = device(self.pending.owner(slot).device);
                        self.discard_pending(cx, slot);
                        cx.reject(Scope::Attempt, place, Some(peer), None);
                    }
                    None => cx.reject(Scope::Frame, place, None, None),
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if timer.kind == PENDING {
            if let Some(pending) = self.pending.remove(timer.key) {
                pending.release(cx);
            }
        } else if timer.kind == self.params.session_timer()
            && let Some(slot) = self.sessions.of(Owner::device(timer.key))
        {
            self.end_session(cx, slot, "expired");
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        if command.id != SEND_DATA_DOWN {
            cx.reject(Scope::Command, "unknown-command", None, None);
            return;
        }
        cx.phase(SEND_DATA);
        let suite = self.params.suite();
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
        let ledger = open.ledger.as_deref_mut();
        let sent = open
            .session
            .send(cx, suite, DATA_DOWN, to, command.arg(0), ledger);
        if let Err(reason) = sent {
            let tag = open.session.tag();
            cx.reject(Scope::Command, reason, Some(device(id)), Some(tag));
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.pending.clear();
        self.sessions.clear();
        self.answered.clear();
        self.records.restart();
        self.announce(cx);
    }

    fn state(&self) -> &'static str {
        "SERVING"
    }
}
