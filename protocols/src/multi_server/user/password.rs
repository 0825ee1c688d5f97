//! Phase 4b at the user: a card for a new password, written beside the old one.

use crate::output::Scope;
use crate::storage::Record;
use crate::time::{LocalTime, Span};
use crate::{Arg, Channel, Command, Context, Incoming};

use super::cards::{OpenCard, clear_attempts, open_any, write_cleared};
use super::{GIVE_UP, PWD_REPLY, PasswordChange, State, User};
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::card::{CardView, Head, NewCard, identity_secret, mask_list};
use crate::multi_server::equations::update::{Bond, acknowledgement};
use crate::multi_server::exchange::{Way, accept_answer, drop_unexpected};
use crate::multi_server::messages::{Message, PwdAck, PwdRep, PwdReq};
use crate::multi_server::params::{Params, Without};
use crate::multi_server::phase;
use crate::multi_server::provision::draw_password;
use crate::multi_server::records::{self, Reader};
use crate::multi_server::server::backoff;

/// A PWD_REQ that is not answered yet.
#[derive(Clone, Debug)]
pub(super) struct PasswordWait {
    /// [`PasswordSecrets`], then the frame of 105 bytes.
    buffer: Vec<u8>,
    t: u64,
    /// The card that was opened.
    card: Record,
    way: Way,
    repeats: u8,
}

impl PasswordWait {
    pub(super) fn give_back(self, cx: &mut Context<'_>) {
        cx.buffers.give(self.buffer);
    }

    fn request(&self) -> &[u8] {
        self.buffer.get(PasswordSecrets::SIZE..).unwrap_or_default()
    }
}

/// A PWD_REP that was answered, and the answer.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    reply: Hash,
    ack: PwdAck,
}

impl User {
    /// U9.
    pub(super) fn change_password(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::CHANGE_PASSWORD);
        let centre = self.centre();
        if !matches!(self.state, State::Idle) {
            self.refuse_command(cx, "busy", centre);
            return;
        }
        let opened = self.head(cx.storage, command.arg(0)).and_then(|head| {
            let card = open_any(&self.params, cx, &head)?;
            Some((head, card))
        });
        let Some((head, card)) = opened else {
            self.refuse_command(cx, "card", centre);
            return;
        };
        let new: Box<[u8]> = match command.arg(1) {
            Arg::Bytes(new) => new.into(),
            _ => Box::new(draw_password(|below| cx.uniform(below))),
        };
        if new.is_empty() || new.len() > 64 || core::str::from_utf8(&new).is_err() {
            self.refuse_command(cx, "password", centre);
            return;
        }
        let renewed = Head {
            password: &new,
            ..head
        };
        let opened = &card.opened;
        let t = cx.now.0;
        let bond = Bond {
            c: &opened.c,
            uid: &opened.uid,
            t,
        };
        let a = identity_secret(&self.params, cx.crypto, &opened.r1, &renewed);
        let message = Message::PwdReq(PwdReq {
            uid: opened.uid,
            pa: bond.mask_secret(cx.crypto, &a),
            tau: bond.secret_proof(cx.crypto, &a),
            t,
        });
        let typed: Box<[u8]> = head.password.into();
        let mut buffer = cx.buffers.take();
        PasswordSecrets::write(&card, &a, &mut buffer);
        message.encode(&self.params, &mut buffer);
        let wait = PasswordWait {
            buffer,
            t,
            card: card.record,
            way: self.way_to_centre(command.peer, Channel::Public),
            repeats: 0,
        };
        if self.params.resend {
            cx.store(|batch| {
                batch.put(records::USER_REQUEST, |out| {
                    out.extend_from_slice(wait.request())
                });
            });
            cx.arm(GIVE_UP, self.params.pwd_give_up);
        }
        wait.way.request_frame(cx, centre, wait.request());
        cx.arm(PWD_REPLY, self.params.reply_timeout);
        self.memory.get_or_insert_default().change = Some(PasswordChange { typed, new });
        self.state = State::Password(wait);
    }

    /// Power came back while a PWD_REQ was open: it is sent again, byte for byte, until the time
    /// for giving up has passed.
    pub(super) fn resume_password(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::CHANGE_PASSWORD);
        let change = self
            .memory
            .as_ref()
            .and_then(|memory| memory.change.clone());
        let resumed = change.and_then(|PasswordChange { typed, new }| {
            let frame = cx.storage.read(records::USER_REQUEST)?;
            let t = u64::from_be_bytes(*frame.last_chunk()?);
            let past = cx.now.since(LocalTime(t)).0;
            let left = self.params.pwd_give_up.0.checked_sub(past)?;
            let head = self.head(cx.storage, Arg::Bytes(&typed))?;
            let card = open_any(&self.params, cx, &head)?;
            let renewed = Head {
                password: &new,
                ..head
            };
            let a = identity_secret(&self.params, cx.crypto, &card.opened.r1, &renewed);
            let mut buffer = cx.buffers.take();
            PasswordSecrets::write(&card, &a, &mut buffer);
            buffer.extend_from_slice(frame);
            let wait = PasswordWait {
                buffer,
                t,
                card: card.record,
                way: self.way_to_centre(None, Channel::Public),
                repeats: 0,
            };
            Some((Span(left), wait))
        });
        let Some((left, wait)) = resumed else {
            cx.store(|batch| batch.delete(records::USER_REQUEST));
            let centre = self.centre();
            cx.reject(Scope::Attempt, "timeout", Some(centre), None);
            return;
        };
        cx.arm(GIVE_UP, left);
        wait.way.request_frame(cx, self.centre(), wait.request());
        cx.arm(PWD_REPLY, self.params.reply_timeout);
        self.state = State::Password(wait);
    }

    pub(super) fn password_timeout(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::CHANGE_PASSWORD);
        let centre = self.centre();
        match &mut self.state {
            State::Password(wait) if self.params.resend => {
                wait.repeats = wait.repeats.saturating_add(1);
                wait.way.request_frame(cx, centre, wait.request());
                cx.arm(PWD_REPLY, backoff(self.params.reply_timeout, wait.repeats));
            }
            _ => self.fail(cx, "timeout"),
        }
    }

    /// U10, U11. Effects: `Store`, `SharedState`, `Send` PWD_ACK, `Accepted`, `Cancel`; or
    /// `Rejected`.
    pub(super) fn take_issue(
        &mut self,
        reply: &PwdRep,
        incoming: &Incoming<'_>,
        cx: &mut Context<'_>,
    ) {
        cx.phase(phase::CHANGE_PASSWORD);
        let centre = self.centre();
        let State::Password(wait) = &self.state else {
            return;
        };
        if !self.params.fresh(cx.now, reply.t) {
            cx.reject(Scope::Frame, "stale", Some(centre), None);
            return;
        }
        let Some(secrets) = PasswordSecrets::read(&wait.buffer) else {
            return;
        };
        let bond = Bond {
            c: &secrets.c,
            uid: &secrets.uid,
            t: wait.t,
        };
        let c = bond.mask_c(&self.params, cx.crypto, reply.t, &reply.cx);
        let d = bond.mask_d(&self.params, cx.crypto, reply.t, &reply.dx);
        let mu = bond.issue_mac(cx.crypto, reply.t, reply.version, (&c, &d));
        if !cx.crypto.equal(&mu, &reply.mu) && !self.params.lacks(Without::Proof) {
            cx.reject(Scope::Frame, "proof", Some(centre), None);
            return;
        }
        let mut card = cx.buffers.take();
        if self
            .renew_card(&secrets, wait.card, (&c, &d), cx, &mut card)
            .is_none()
        {
            cx.buffers.give(card);
            cx.reject(Scope::Frame, "overflow", Some(centre), None);
            return;
        }
        self.store_card(wait.card, &card, cx);
        cx.buffers.give(card);
        if self.params.lacks(Without::TwoSlot) {
            self.share_cards(cx, &[&c]);
        } else {
            self.share_cards(cx, &[&c, &secrets.c]);
        }
        let ack = PwdAck {
            ack: acknowledgement(cx.crypto, &c, &secrets.uid, reply.version),
            uid: secrets.uid,
            version: reply.version,
        };
        send_acknowledgement(&self.params, cx, Way::back(incoming), ack);
        accept_answer(cx, centre, wait.request(), incoming.bytes);
        let memory = self.memory.get_or_insert_default();
        if self.params.resend {
            let reply = cx.crypto.sha256(&[incoming.bytes]);
            memory.acknowledged = Some(Acknowledged { reply, ack });
        }
        if let Some(PasswordChange { typed, new }) = memory.change.take() {
            memory.password = Some(new);
            memory.previous = Some(typed);
        }
        self.become_idle(cx);
    }

    /// Appends the new card; `None` when its version cannot grow.
    fn renew_card(
        &self,
        secrets: &PasswordSecrets,
        opened: Record,
        (c, d): (&Hash, &Hash),
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let new = &self.memory.as_ref()?.change.as_ref()?.new;
        let old = CardView::read(&self.params, cx.storage.read(opened)?)?;
        let version = old.version.checked_add(1)?;
        let head = self.head(cx.storage, Arg::Bytes(new))?;
        let mut list = cx.buffers.take();
        list.extend_from_slice(old.z);
        mask_list(&self.params, cx.crypto, &secrets.m0, old.version, &mut list);
        let card = NewCard {
            head,
            r1: &secrets.r1,
            r2: &secrets.r2,
            uid: &secrets.uid,
            a: &secrets.a,
            c,
            d,
            version,
            list: &list,
        };
        card.build(&self.params, cx.crypto, out);
        cx.buffers.give(list);
        Some(())
    }

    /// Writes the new card beside the one that was opened, which becomes the old one.
    fn store_card(&self, opened: Record, card: &[u8], cx: &mut Context<'_>) {
        if self.params.lacks(Without::TwoSlot) {
            cx.store(|batch| batch.put(records::USER_CARD, |out| out.extend_from_slice(card)));
            return;
        }
        let kept = cx
            .storage
            .read(opened)
            .filter(|_| opened != records::USER_CARD);
        cx.store(|batch| {
            if let Some(kept) = kept {
                batch.put(records::USER_CARD, |out| {
                    write_cleared(&self.params, kept, out)
                });
            }
            batch.put(records::USER_NEW_CARD, |out| out.extend_from_slice(card));
        });
        let written = [records::USER_NEW_CARD, records::USER_CARD];
        let count = if kept.is_some() { 2 } else { 1 };
        clear_attempts(&self.params, cx, &written[..count]);
    }

    /// PWD_REP came again after U10: with `resend` its PWD_ACK is sent again.
    pub(super) fn repeat_acknowledgement(&mut self, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::CHANGE_PASSWORD);
        if let Some(last) = self
            .memory
            .as_ref()
            .and_then(|memory| memory.acknowledged.as_ref())
        {
            let digest = cx.crypto.sha256(&[incoming.bytes]);
            if cx.crypto.equal(&digest, &last.reply) {
                send_acknowledgement(&self.params, cx, Way::back(incoming), last.ack);
                return;
            }
        }
        drop_unexpected(cx);
    }
}

fn send_acknowledgement(params: &Params, cx: &mut Context<'_>, way: Way, ack: PwdAck) {
    cx.send(way.port, way.to, way.channel, |out| {
        Message::PwdAck(ack).encode(params, out)
    });
}

/// What a password change needs of the card that was opened.
struct PasswordSecrets {
    r1: [u8; 16],
    r2: [u8; 16],
    uid: Hash,
    c: Hash,
    m0: Hash,
    /// A'.
    a: Hash,
}

impl PasswordSecrets {
    /// Bytes in the buffer.
    const SIZE: usize = 2 * 16 + 4 * 32;

    /// Appends what a change needs of `card`, and A'.
    fn write(card: &OpenCard<'_>, a: &Hash, out: &mut Vec<u8>) {
        let opened = &card.opened;
        out.extend_from_slice(&opened.r1);
        out.extend_from_slice(&opened.r2);
        for value in [&opened.uid, &opened.c, &opened.m0, a] {
            out.extend_from_slice(value);
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        Some(Self {
            r1: reader.take()?,
            r2: reader.take()?,
            uid: reader.take()?,
            c: reader.take()?,
            m0: reader.take()?,
            a: reader.take()?,
        })
    }
}
