//! A client's connection to one device: PROMPT or AWAIT.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto::rsa::{PrivateKey, PublicKey};
use crate::machine::Timer;
use crate::output::{Fingerprints, Output, Place, Principal, Reason, Scope, Tag};

use super::equations;
use super::messages::{Frame, Inner, InnerKind};
use super::params::{Params, Without};
use super::sealing::{self, Direction, Keys};
use super::{CLIENT_PORT, QUEUE_MAX, SEQ_MAX, TIMER_RESEND};

/// What a login hands to the connection it makes.
#[derive(Debug)]
pub(super) struct Welcome {
    pub(super) device: Address,
    pub(super) peer: Principal,
    pub(super) key: PublicKey,
    pub(super) mac: Option<[u8; 32]>,
    pub(super) own: Arc<PrivateKey>,
    /// `S`.
    pub(super) first: u32,
    pub(super) session: Tag,
    pub(super) run: Tag,
    pub(super) key_id: Tag,
}

/// A login that holds.
#[derive(Clone, Debug)]
pub(super) struct Connection(Box<State>);

#[derive(Clone, Debug)]
struct State {
    device: Address,
    peer: Principal,
    keys: Keys,
    own: Arc<PrivateKey>,
    /// Number of the next DATA or FIN; in AWAIT that of the DATA sent.
    n: u64,
    first: u32,
    session: Tag,
    run: Tag,
    key_id: Tag,
    awaiting: bool,
    /// Lines that wait for the echo of the one before.
    queue: VecDeque<Vec<u8>>,
    /// The line sent last, where it may have to be sent again.
    sent: Option<Vec<u8>>,
    resends: u8,
    /// Default lines made so far.
    default_lines: u32,
}

impl Connection {
    pub(super) fn new(welcome: Welcome) -> Self {
        Self(Box::new(State {
            device: welcome.device,
            peer: welcome.peer,
            keys: Keys {
                peer: welcome.key,
                mac: welcome.mac,
            },
            own: welcome.own,
            n: u64::from(welcome.first),
            first: welcome.first,
            session: welcome.session,
            run: welcome.run,
            key_id: welcome.key_id,
            awaiting: false,
            queue: VecDeque::new(),
            sent: None,
            resends: 0,
            default_lines: 0,
        }))
    }

    /// Says that the login is accepted.
    pub(super) fn welcome(&self, cx: &mut Context<'_>) {
        cx.output(Output::Accepted {
            peer: self.0.peer,
            session: self.0.session,
            run: self.0.run,
            key_id: Some(self.0.key_id),
        });
        self.share(cx);
    }

    pub(super) fn device(&self) -> Address {
        self.0.device
    }

    /// `S`.
    pub(super) fn first(&self) -> u32 {
        self.0.first
    }

    pub(super) fn own_key(&self) -> Arc<PrivateKey> {
        Arc::clone(&self.0.own)
    }

    pub(super) fn is_awaiting(&self) -> bool {
        self.0.awaiting
    }

    /// 16 printable bytes that no other default line of the session has.
    pub(super) fn default_line(&mut self) -> [u8; 16] {
        self.0.default_lines = self.0.default_lines.wrapping_add(1);
        let number = self.0.default_lines.to_be_bytes();
        equations::hex(&crate::crypto::tag("line", &[&self.0.session, &number]))
    }

    /// K2 to K4, for a frame from the device.
    pub(super) fn receive(
        &mut self,
        frame: Result<Frame<'_>, Place>,
        params: &Params,
        cx: &mut Context<'_>,
    ) {
        let opened = match frame {
            Ok(Frame::Sealed(ciphertext)) => sealing::open(
                cx,
                params,
                &self.0.own,
                self.0.keys.mac.as_ref(),
                Direction::DeviceToClient,
                ciphertext,
            ),
            Ok(_) => Err(Reason::new("unexpected")),
            Err(place) => Err(place.into()),
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                return self.reject(Scope::Frame, reason, cx);
            }
        };
        if opened.kind != InnerKind::Echo && !params.lacks(Without::Binding) {
            return self.reject(Scope::Frame, Reason::new("unexpected"), cx);
        }
        let next = opened.seq.checked_add(1).filter(|next| *next < SEQ_MAX);
        let in_order = opened.seq == self.0.n + 1 || !params.compares_sequence();
        let Some(next) = next.filter(|_| in_order) else {
            // K3: only a step that waits for this echo ends.
            let scope = if self.0.awaiting {
                Scope::Attempt
            } else {
                Scope::Frame
            };
            self.reject(scope, Reason::new("sequence"), cx);
            return self.prompt(params, cx);
        };
        self.0.n = next;
        cx.output(Output::DataAccepted {
            session: self.0.session,
            seq: opened.seq,
            digest: equations::digest(opened.text()),
        });
        self.share(cx);
        self.prompt(params, cx);
    }

    /// The user may type: the next queued line goes out.
    fn prompt(&mut self, params: &Params, cx: &mut Context<'_>) {
        if self.0.awaiting && params.recovery.is_some() {
            cx.cancel(self.resend_timer());
        }
        self.0.awaiting = false;
        if let Some(text) = self.0.queue.pop_front() {
            self.send_line(&text, params, cx);
            cx.buffers.give(text);
        }
    }

    /// K13, K14: sends a line of allowed length, or queues it.
    pub(super) fn line(&mut self, text: &[u8], params: &Params, cx: &mut Context<'_>) {
        if !self.0.awaiting {
            self.send_line(text, params, cx);
        } else if self.0.queue.len() < QUEUE_MAX {
            let mut line = cx.buffers.take();
            line.extend(text);
            self.0.queue.push_back(line);
        } else {
            self.reject(Scope::Command, Reason::new("busy"), cx);
        }
    }

    fn send_line(&mut self, text: &[u8], params: &Params, cx: &mut Context<'_>) {
        if self.0.n + 2 >= SEQ_MAX {
            return self.reject(Scope::Command, Reason::new("sequence"), cx);
        }
        cx.output(Output::DataSent {
            session: self.0.session,
            seq: self.0.n,
            digest: equations::digest(text),
        });
        self.send_sealed(InnerKind::Data, text, params, cx);
        self.0.awaiting = true;
        self.0.resends = 0;
        if let Some(recovery) = &params.recovery {
            let sent = self.0.sent.get_or_insert_with(|| cx.buffers.take());
            sent.clear();
            sent.extend(text);
            cx.arm(self.resend_timer(), recovery.resend_after);
        }
    }

    /// Sends the same DATA again; false when that has been done often enough.
    pub(super) fn resend(&mut self, params: &Params, cx: &mut Context<'_>) -> bool {
        let Some(recovery) = params.recovery.filter(|_| self.0.awaiting) else {
            return true;
        };
        if self.0.resends >= recovery.resend_max {
            return false;
        }
        self.0.resends += 1;
        let text = self.0.sent.take().unwrap_or_default();
        self.send_sealed(InnerKind::Data, &text, params, cx);
        self.0.sent = Some(text);
        cx.arm(self.resend_timer(), recovery.resend_after);
        true
    }

    pub(super) fn send_fin(&self, params: &Params, cx: &mut Context<'_>) {
        self.send_sealed(InnerKind::Fin, &[], params, cx);
    }

    fn send_sealed(&self, kind: InnerKind, text: &[u8], params: &Params, cx: &mut Context<'_>) {
        let inner = Inner {
            kind,
            seq: self.0.n,
            text,
        };
        let mut frame = cx.buffers.take();
        let direction = Direction::ClientToDevice;
        if sealing::seal(cx, params, &self.0.keys, direction, &inner, &mut frame) {
            cx.send(CLIENT_PORT, self.0.device, Channel::Public, |out| {
                out.extend(&frame);
            });
        }
        cx.buffers.give(frame);
    }

    /// Forgets the connection and says that it has ended.
    pub(super) fn end(self, reason: &'static str, params: &Params, cx: &mut Context<'_>) {
        cx.output(Output::Ended {
            peer: self.0.peer,
            session: self.0.session,
            reason: Reason::new(reason),
        });
        self.forget(params, cx);
    }

    /// Forgets the connection.
    pub(super) fn forget(mut self, params: &Params, cx: &mut Context<'_>) {
        self.output_shared(Fingerprints::NONE, cx);
        if self.0.awaiting && params.recovery.is_some() {
            cx.cancel(self.resend_timer());
        }
        let lines = self.0.queue.drain(..).chain(self.0.sent.take());
        lines.for_each(|line| cx.buffers.give(line));
    }

    pub(super) fn reject_timeout(&self, cx: &mut Context<'_>) {
        self.reject(Scope::Attempt, Reason::new("timeout"), cx);
    }

    fn reject(&self, scope: Scope, reason: Reason, cx: &mut Context<'_>) {
        cx.reject(scope, reason, Some(self.0.peer), Some(self.0.session));
    }

    fn resend_timer(&self) -> Timer {
        Timer {
            kind: TIMER_RESEND,
            key: self.0.device.host,
        }
    }

    fn share(&self, cx: &mut Context<'_>) {
        let fingerprint = equations::state_fingerprint(&self.0.key_id, self.0.n);
        self.output_shared(Fingerprints::one(fingerprint), cx);
    }

    fn output_shared(&self, fingerprints: Fingerprints, cx: &mut Context<'_>) {
        cx.output(Output::SharedState {
            peer: self.0.peer,
            relation: 0,
            epoch: self.0.n.saturating_sub(u64::from(self.0.first)) / 2,
            fingerprints,
            durable: false,
        });
    }
}
