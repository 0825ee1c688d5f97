//! The server of the hardened exchange.

use std::sync::Arc;

use super::super::directory::Directory;
use super::super::equations;
use super::super::messages::{Message, NONCE_BYTES, Wire, body};
use super::super::params::Params;
use super::super::vault::{VAULTS, Vault};
use super::super::{CONFIRM_TIMER, PHASE, PORT, SESSION_END};
use super::pending::{Pending, Waiting};
use super::{fingerprint, key_id};
use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope};
use crate::storage::{Record, Storage};
use crate::time::Span;

/// How long an answer waits for its CONFIRM.
const CONFIRM_WAIT: Span = Span::from_secs(30);

/// A server with one vault per device id.
#[derive(Clone, Debug)]
pub struct HardenedServer {
    params: Arc<Params>,
    directory: Directory,
    pending: Pending,
}

/// An INDICES taken apart.
struct Request<'a> {
    from: Address,
    frame: &'a [u8],
    session_id: u32,
    indices: &'a [u8],
}

impl HardenedServer {
    pub(in super::super) fn new(params: Arc<Params>, directory: Directory) -> Self {
        Self {
            params,
            pending: Pending::new(directory.len()),
            directory,
        }
    }

    fn record(&self, device: usize) -> Record {
        Record::new(VAULTS, self.directory.record(device))
    }

    fn vault<'a>(&self, device: usize, storage: &'a dyn Storage) -> Option<Vault<'a>> {
        let record = storage.read(self.record(device))?;
        Vault::parse(&self.params, record)
    }

    fn drop_frame(&self, device: usize, reason: impl Into<Reason>, cx: &mut Context<'_>) {
        let peer = self.directory.principal(device);
        cx.reject(Scope::Frame, reason, Some(peer), None);
    }

    fn confirm_timer(&self, device: usize) -> Timer {
        Timer {
            kind: CONFIRM_TIMER,
            key: self.directory.name(device),
        }
    }

    fn take_request(&mut self, device: usize, request: &Request<'_>, cx: &mut Context<'_>) {
        if let Some(waiting) = self.pending.get(device) {
            if waiting.from != request.from {
                self.drop_frame(device, "busy", cx);
                return;
            }
            if waiting.request == request.frame {
                send(waiting.from, &waiting.reply, cx);
                return;
            }
            self.discard(device, cx);
        }
        self.answer(device, request, cx);
    }

    fn discard(&mut self, device: usize, cx: &mut Context<'_>) {
        if let Some(waiting) = self.pending.remove(device) {
            cx.buffers.give(waiting.request);
            cx.buffers.give(waiting.reply);
        }
    }

    fn answer(&mut self, device: usize, request: &Request<'_>, cx: &mut Context<'_>) {
        let Some(vault) = self.vault(device, cx.storage) else {
            self.drop_frame(device, "unknown-device", cx);
            return;
        };
        let combined = equations::combine(&self.params, vault.keys, request.indices, cx.crypto);
        let mut nonce = [0; NONCE_BYTES];
        cx.random(&mut nonce);
        let mut reply = cx.buffers.take();
        Wire::write_reply(request.session_id, vault.epoch, nonce, &mut reply);
        let key = &combined[..self.params.key_bytes];
        let mac = equations::mac(key, &reply, [body(request.frame), &[]], cx.crypto);
        reply.extend(mac);
        let mut kept = cx.buffers.take();
        kept.extend_from_slice(request.frame);
        cx.output(Output::Running {
            peer: self.directory.principal(device),
            run: crypto::tag("run", &[&kept, &reply]),
        });
        send(request.from, &reply, cx);
        cx.arm(self.confirm_timer(device), CONFIRM_WAIT);
        let waiting = Waiting {
            from: request.from,
            session_id: request.session_id,
            request: kept,
            reply,
            combined,
        };
        self.pending.insert(device, waiting);
    }

    fn take_confirm(&mut self, from: Address, confirm: &Confirm<'_>, cx: &mut Context<'_>) {
        let mut first = None;
        let mut proved = None;
        for device in self.pending.candidates(from, confirm.session_id) {
            first.get_or_insert(device);
            let Some(waiting) = self.pending.get(device) else {
                continue;
            };
            let key = &waiting.combined[..self.params.key_bytes];
            let before = [body(&waiting.request), body(&waiting.reply)];
            let expected = equations::mac(key, confirm.covered, before, cx.crypto);
            if cx.crypto.equal(&expected, confirm.mac) {
                proved = Some(device);
                break;
            }
        }
        match (proved, first) {
            (Some(device), _) => self.commit(device, confirm.frame, cx),
            (None, Some(device)) => self.drop_frame(device, "mac", cx),
            (None, None) => cx.reject(Scope::Frame, "unexpected", None, None),
        }
    }

    fn commit(&mut self, device: usize, confirm: &[u8], cx: &mut Context<'_>) {
        let Some(waiting) = self.pending.remove(device) else {
            return;
        };
        cx.cancel(self.confirm_timer(device));
        let Waiting { request, reply, .. } = &waiting;
        let peer = self.directory.principal(device);
        let Some(vault) = self.vault(device, cx.storage) else {
            self.drop_frame(device, "unknown-device", cx);
            return;
        };
        let mut record = cx.buffers.take();
        record.extend(vault.epoch.wrapping_add(1).to_be_bytes());
        equations::derive_vault(vault.keys, request, reply, &mut record, cx.crypto);
        let place = self.record(device);
        cx.store(|batch| batch.put(place, |out| out.extend_from_slice(&record)));
        announce(peer, Vault::parse(&self.params, &record), cx);
        cx.buffers.give(record);
        let session = crypto::tag("session", &[request, reply]);
        let key = &waiting.combined[..self.params.key_bytes];
        cx.output(Output::Accepted {
            peer,
            session,
            run: crypto::tag("run", &[request, reply, confirm]),
            key_id: Some(key_id(key, request, reply)),
        });
        cx.output(Output::Ended {
            peer,
            session,
            reason: Reason::new(SESSION_END),
        });
        cx.buffers.give(waiting.request);
        cx.buffers.give(waiting.reply);
    }

    fn announce_all(&self, cx: &mut Context<'_>) {
        for device in 0..self.directory.len() {
            let vault = self.vault(device, cx.storage);
            announce(self.directory.principal(device), vault, cx);
        }
    }
}

/// A CONFIRM taken apart.
struct Confirm<'a> {
    frame: &'a [u8],
    session_id: u32,
    covered: &'a [u8],
    mac: &'a [u8],
}

fn send(to: Address, frame: &[u8], cx: &mut Context<'_>) {
    cx.send(PORT, to, Channel::Public, |out| {
        out.extend_from_slice(frame);
    });
}

fn announce(peer: Principal, vault: Option<Vault<'_>>, cx: &mut Context<'_>) {
    cx.output(Output::SharedState {
        peer,
        relation: 0,
        epoch: vault.map_or(0, |vault| u64::from(vault.epoch)),
        fingerprints: vault.map_or(Fingerprints::NONE, |vault| {
            Fingerprints::one(fingerprint(&vault))
        }),
        durable: true,
    });
}

impl Machine for HardenedServer {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.announce_all(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        let Incoming { from, bytes, .. } = incoming;
        match self.params.wire.decode(bytes) {
            Ok(Message::Indices {
                device_id,
                session_id,
                indices,
            }) => {
                let request = Request {
                    from,
                    frame: bytes,
                    session_id,
                    indices,
                };
                match self.directory.with_id(device_id) {
                    Some(device) => self.take_request(device, &request, cx),
                    None => cx.reject(Scope::Frame, "unknown-device", None, None),
                }
            }
            Ok(Message::Confirm {
                session_id,
                covered,
                mac,
            }) => {
                let confirm = Confirm {
                    frame: bytes,
                    session_id,
                    covered,
                    mac,
                };
                self.take_confirm(from, &confirm, cx);
            }
            Ok(_) => cx.reject(Scope::Frame, "unexpected", None, None),
            Err(place) => cx.reject(Scope::Frame, place, None, None),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        if timer.kind == CONFIRM_TIMER
            && let Some(device) = self.directory.with_id(timer.key)
            && self.pending.get(device).is_some()
        {
            self.discard(device, cx);
            let peer = self.directory.principal(device);
            cx.reject(Scope::Attempt, "timeout", Some(peer), None);
        }
    }

    fn on_command(&mut self, _command: &Command<'_>, cx: &mut Context<'_>) {
        cx.reject(Scope::Command, "unknown-command", None, None);
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.pending.clear();
        self.announce_all(cx);
    }

    fn state(&self) -> &'static str {
        if self.pending.is_empty() {
            "IDLE"
        } else {
            "WAIT_CONFIRM"
        }
    }
}
