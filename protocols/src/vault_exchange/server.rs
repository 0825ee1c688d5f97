//! The server of the published exchange: `as-published`, `literal` and `broken`.

use std::sync::Arc;

use super::directory::Directory;
use super::equations;
use super::messages::Message;
use super::params::{Params, Without};
use super::table::{Pending, Table};
use super::vault::{Vault, Vaults};
use super::{PHASE, PORT, SESSION_END, SESSION_TIMER};
use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Output, Reason, Scope};

/// A server with one vault per device.
#[derive(Clone, Debug)]
pub struct Server {
    params: Arc<Params>,
    directory: Directory,
    vaults: Vaults,
    table: Table,
    /// `literal`: what the published program has besides its vault.
    program: Program,
}

/// State of the published program: one connection, a number of sessions, then it is over.
#[derive(Clone, Copy, Debug, Default)]
struct Program {
    connection: Option<Address>,
    served: u32,
    halted: bool,
}

impl Server {
    pub(super) fn new(params: Arc<Params>, directory: Directory) -> Self {
        Self {
            params,
            table: Table::new(directory.len()),
            directory,
            vaults: Vaults::default(),
            program: Program::default(),
        }
    }

    fn drop_frame(&self, device: usize, reason: impl Into<Reason>, cx: &mut Context<'_>) {
        let peer = self.directory.principal(device);
        cx.reject(Scope::Frame, reason, Some(peer), None);
    }

    /// Drops a frame; the published program does not survive it. Nothing is served: false.
    fn refuse(&mut self, device: usize, reason: impl Into<Reason>, cx: &mut Context<'_>) -> bool {
        self.drop_frame(device, reason, cx);
        if self.params.literal() {
            self.halt(cx);
        }
        false
    }

    fn halt(&mut self, cx: &mut Context<'_>) {
        self.program.halted = true;
        self.table.clear();
        cx.halt();
    }

    /// The device behind an address.
    fn find(&self, from: Address) -> Option<usize> {
        let known = self.directory.at(from);
        match self.params.without {
            Some(Without::Vault) => known.or_else(|| self.directory.first()),
            _ => known,
        }
    }

    /// A request while a session of the device runs.
    fn wait(&mut self, device: usize, from: Address, frame: &[u8], cx: &mut Context<'_>) {
        let Some(session) = self.table.session(device) else {
            return;
        };
        let repeated = session.from == from && session.request == frame;
        if repeated && self.params.resend.is_some() {
            cx.send(PORT, from, Channel::Public, |out| {
                out.extend_from_slice(&session.answer);
            });
            return;
        }
        if session.queue.len() < self.params.request_queue {
            let mut kept = cx.buffers.take();
            kept.extend_from_slice(frame);
            session.queue.push_back(Pending { from, frame: kept });
            return;
        }
        self.drop_frame(device, "queue", cx);
        if self.params.without == Some(Without::Queue) {
            self.arm(device, cx);
        }
    }

    fn arm(&self, device: usize, cx: &mut Context<'_>) {
        let timer = Timer {
            kind: SESSION_TIMER,
            key: self.directory.name(device),
        };
        cx.arm(timer, self.params.session_length);
    }

    /// Answers a request with the combined key; false when the vault or the frame cannot be read.
    /// `fresh` is the vault's record as written earlier in this call, which storage does not show
    /// yet.
    fn serve(
        &mut self,
        device: usize,
        from: Address,
        frame: &[u8],
        fresh: &[u8],
        cx: &mut Context<'_>,
    ) -> bool {
        let params = Arc::clone(&self.params);
        let record = self.directory.record(device);
        let stored = self.vaults.read(&params, record, cx.storage);
        let Some(vault) = Vault::parse(&params, fresh).or(stored) else {
            self.drop_frame(device, "unknown-device", cx);
            return false;
        };
        let indices = match params.wire.decode(frame) {
            Ok(Message::Indices { indices, .. }) => indices,
            Ok(_) => return self.refuse(device, "unexpected", cx),
            Err(place) => return self.refuse(device, place, cx),
        };
        let combined = equations::combine(&params, vault.keys, indices, cx.crypto);
        let combined = &combined[..params.key_bytes];
        let mut answer = cx.buffers.take();
        params.wire.write_key(combined, &mut answer);
        if params.without == Some(Without::Secrecy) {
            append_other_rows(&params, vault.keys, indices, &mut answer);
        }
        let peer = self.directory.principal(device);
        let session = crypto::tag("session", &[frame, &answer]);
        cx.output(Output::Running {
            peer,
            run: crypto::tag("run", &[frame, &answer]),
        });
        cx.send(PORT, from, Channel::Public, |out| {
            out.extend_from_slice(&answer);
        });
        cx.output(Output::Accepted {
            peer,
            session,
            run: crypto::tag("run", &[frame]),
            key_id: Some(crypto::tag("key-id", &[combined])),
        });
        let mut request = cx.buffers.take();
        request.extend_from_slice(frame);
        let open = self.table.open(device);
        open.from = from;
        open.request = request;
        open.answer = answer;
        open.tag = session;
        let at_once = params.without == Some(Without::Session);
        if at_once || params.session_length.nanos() == 0 {
            self.end_session(device, cx);
        } else {
            self.arm(device, cx);
        }
        true
    }

    /// Updates the vault with the key sent; the table still holds the requests that wait.
    fn end_session(&mut self, device: usize, cx: &mut Context<'_>) {
        let Some(session) = self.table.session(device) else {
            return;
        };
        let answer = core::mem::take(&mut session.answer);
        let request = core::mem::take(&mut session.request);
        let tag = session.tag;
        let peer = self.directory.principal(device);
        let record = self.directory.record(device);
        let combined = answer.get(1..=self.params.key_bytes).unwrap_or_default();
        let fresh = self.vaults.update(&self.params, record, peer, combined, cx);
        cx.output(Output::Ended {
            peer,
            session: tag,
            reason: Reason::new(SESSION_END),
        });
        cx.buffers.give(answer);
        cx.buffers.give(request);
        self.program.served = self.program.served.saturating_add(1);
        if self.params.literal() && self.program.served >= self.params.sessions {
            self.halt(cx);
        } else {
            self.serve_next(device, &fresh, cx);
        }
        cx.buffers.give(fresh);
    }

    /// Takes the requests that wait until one is served; without any the device rests.
    fn serve_next(&mut self, device: usize, fresh: &[u8], cx: &mut Context<'_>) {
        while let Some(next) = self.table.next_waiting(device) {
            let served = self.serve(device, next.from, &next.frame, fresh, cx);
            cx.buffers.give(next.frame);
            if served {
                return;
            }
        }
        self.table.close(device);
    }

    fn announce(&self, cx: &mut Context<'_>) {
        for device in 0..self.directory.len() {
            let record = self.directory.record(device);
            let peer = self.directory.principal(device);
            self.vaults.announce(&self.params, record, peer, cx);
        }
    }

    /// `literal`: the first address heard is the connection; nobody else gets one.
    fn is_connected(&mut self, from: Address) -> bool {
        !self.params.literal() || *self.program.connection.get_or_insert(from) == from
    }
}

/// Twin without `secrecy`: all rows but the first one asked for, which follows from the combined
/// key and the others.
fn append_other_rows(params: &Params, keys: &[u8], indices: &[u8], out: &mut Vec<u8>) {
    let first = indices.first().and_then(|index| params.wire.row(*index));
    let left_out = first.unwrap_or(0);
    let rows = keys.chunks_exact(params.key_bytes).enumerate();
    for (_, row) in rows.filter(|(place, _)| *place != left_out) {
        out.extend_from_slice(row);
    }
}

impl Machine for Server {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.announce(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        if self.program.halted {
            return;
        }
        cx.phase(PHASE);
        let Incoming { from, bytes, .. } = incoming;
        if !self.is_connected(from) {
            cx.reject(Scope::Frame, "unexpected", None, None);
            return;
        }
        let Some(device) = self.find(from) else {
            cx.reject(Scope::Frame, "unknown-device", None, None);
            return;
        };
        if self.table.session(device).is_none() {
            self.serve(device, from, bytes, &[], cx);
        } else if self.params.literal() {
            // The program reads its connection again when the session is over.
            self.wait(device, from, bytes, cx);
        } else {
            match self.params.wire.decode(bytes) {
                Ok(Message::Indices { .. }) => self.wait(device, from, bytes, cx),
                Ok(_) => self.drop_frame(device, "unexpected", cx),
                Err(place) => self.drop_frame(device, place, cx),
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        cx.phase(PHASE);
        if timer.kind == SESSION_TIMER
            && let Some(device) = self.directory.on_host(timer.key)
        {
            self.end_session(device, cx);
        }
    }

    fn on_command(&mut self, _command: &Command<'_>, cx: &mut Context<'_>) {
        cx.reject(Scope::Command, "unknown-command", None, None);
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.program = Program::default();
        self.table.clear();
        self.vaults.restart();
        self.announce(cx);
    }

    fn state(&self) -> &'static str {
        if self.program.halted {
            "HALTED"
        } else if self.table.is_idle() {
            "IDLE"
        } else {
            "SESSION"
        }
    }
}
