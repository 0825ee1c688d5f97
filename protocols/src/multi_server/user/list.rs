//! Phase 4a at the user: the current list of servers.

use crate::output::Scope;
use crate::storage::Record;
use crate::{Channel, Command, Context};

use super::cards::{clear_attempts, open_any};
use super::{REPLY, State, User};
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::card::{CardView, relist};
use crate::multi_server::equations::update::Bond;
use crate::multi_server::exchange::{Way, accept_answer};
use crate::multi_server::messages::{ListRep, ListReq, Message};
use crate::multi_server::params::Without;
use crate::multi_server::phase;
use crate::multi_server::records::Reader;
use crate::multi_server::server::backoff;

/// A LIST_REQ that is not answered yet.
#[derive(Clone, Debug)]
pub(super) struct ListWait {
    /// [`Secrets`], then the frame.
    buffer: Vec<u8>,
    /// T of the last request.
    t: u64,
    /// The card that was opened.
    card: Record,
    way: Way,
    repeats: u8,
}

impl ListWait {
    pub(super) fn give_back(self, cx: &mut Context<'_>) {
        cx.buffers.give(self.buffer);
    }
}

/// What the answer needs of the open card.
struct Secrets {
    uid: Hash,
    c: Hash,
    m0: Hash,
}

impl Secrets {
    /// Bytes in the buffer.
    const SIZE: usize = 96;

    fn read(buffer: &[u8]) -> Option<Self> {
        let mut reader = Reader(buffer);
        Some(Self {
            uid: reader.take()?,
            c: reader.take()?,
            m0: reader.take()?,
        })
    }

    const fn bond(&self, t: u64) -> Bond<'_> {
        Bond {
            c: &self.c,
            uid: &self.uid,
            t,
        }
    }
}

impl User {
    /// U7.
    pub(super) fn update_list(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::UPDATE_LIST);
        let centre = self.centre();
        if !matches!(self.state, State::Idle) {
            self.refuse_command(cx, "busy", centre);
            return;
        }
        let card = self
            .head(cx.storage, command.arg(0))
            .and_then(|head| open_any(&self.params, cx, &head));
        let Some(card) = card else {
            self.refuse_command(cx, "card", centre);
            return;
        };
        let mut buffer = cx.buffers.take();
        buffer.extend_from_slice(&card.opened.uid);
        buffer.extend_from_slice(&card.opened.c);
        buffer.extend_from_slice(&card.opened.m0);
        self.state = State::List(ListWait {
            buffer,
            t: 0,
            card: card.record,
            way: self.way_to_centre(command.peer, Channel::Public),
            repeats: 0,
        });
        self.request_list(cx);
    }

    /// Sends LIST_REQ with a new T. Effects: `Running`, `Send`, `Arm`.
    fn request_list(&mut self, cx: &mut Context<'_>) {
        let centre = self.centre();
        let State::List(wait) = &mut self.state else {
            return;
        };
        let Some(secrets) = Secrets::read(&wait.buffer) else {
            return;
        };
        wait.t = cx.now.0;
        let message = Message::ListReq(ListReq {
            uid: secrets.uid,
            t: wait.t,
            tau: secrets.bond(wait.t).list_proof(cx.crypto),
        });
        wait.buffer.truncate(Secrets::SIZE);
        message.encode(&self.params, &mut wait.buffer);
        let frame = wait.buffer.get(Secrets::SIZE..).unwrap_or_default();
        wait.way.request_frame(cx, centre, frame);
        cx.arm(REPLY, backoff(self.params.reply_timeout, wait.repeats));
    }

    pub(super) fn list_timeout(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::UPDATE_LIST);
        match &mut self.state {
            State::List(wait) if self.params.resend && wait.repeats < self.params.resend_max => {
                wait.repeats += 1;
                self.request_list(cx);
            }
            _ => self.fail(cx, "timeout"),
        }
    }

    /// U8. Effects: `Store`, `Accepted`, `Cancel`; or `Rejected`.
    pub(super) fn take_list(&mut self, reply: &ListRep<'_>, frame: &[u8], cx: &mut Context<'_>) {
        cx.phase(phase::UPDATE_LIST);
        let centre = self.centre();
        let State::List(wait) = &self.state else {
            return;
        };
        if !self.params.fresh(cx.now, reply.t) {
            cx.reject(Scope::Frame, "stale", Some(centre), None);
            return;
        }
        let Some(secrets) = Secrets::read(&wait.buffer) else {
            return;
        };
        let bond = secrets.bond(wait.t);
        let mut list = cx.buffers.take();
        list.extend_from_slice(reply.list);
        bond.mask_list(&self.params, cx.crypto, reply.t, &mut list);
        let mu = bond.list_mac(cx.crypto, reply.t, &list);
        let fits = cx.crypto.equal(&mu, &reply.mu) || self.params.lacks(Without::Proof);
        if !fits {
            cx.reject(Scope::Frame, "proof", Some(centre), None);
            cx.buffers.give(list);
            return;
        }
        let record = wait.card;
        let mut card = cx.buffers.take();
        let rebuilt = cx
            .storage
            .read(record)
            .and_then(|bytes| CardView::read(&self.params, bytes))
            .and_then(|old| relist(&self.params, cx.crypto, &old, &secrets.m0, &list, &mut card));
        cx.buffers.give(list);
        if rebuilt.is_none() {
            cx.buffers.give(card);
            cx.reject(Scope::Frame, "overflow", Some(centre), None);
            return;
        }
        if self.params.lacks(Without::Refresh) {
            clear_attempts(&self.params, cx, &[]);
        } else {
            cx.store(|batch| batch.put(record, |out| out.extend_from_slice(&card)));
            clear_attempts(&self.params, cx, &[record]);
        }
        cx.buffers.give(card);
        let request = wait.buffer.get(Secrets::SIZE..).unwrap_or_default();
        accept_answer(cx, centre, request, frame);
        self.become_idle(cx);
    }
}
