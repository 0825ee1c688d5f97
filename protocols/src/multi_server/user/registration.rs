//! Phase 2 at the user, over the secure channel.

use crate::output::Output;
use crate::{Arg, Channel, Command, Context};

use super::{REPLY, State, User};
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::card::{NewCard, identity_secret, user_id};
use crate::multi_server::exchange::accept_answer;
use crate::multi_server::messages::{Message, UregAck};
use crate::multi_server::phase;
use crate::multi_server::rc::user_principal;
use crate::multi_server::records::{self, Reader};

/// A UREG_REQ that is not answered yet.
#[derive(Clone, Debug)]
pub(super) struct RegisterWait {
    /// The frame.
    request: Vec<u8>,
    r1: [u8; 16],
    r2: [u8; 16],
}

impl RegisterWait {
    pub(super) fn give_back(self, cx: &mut Context<'_>) {
        cx.buffers.give(self.request);
    }
}

impl User {
    /// Sends UREG_REQ for new random values.
    pub(super) fn register(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::REGISTER);
        let centre = self.centre();
        if !matches!(self.state, State::Idle) {
            self.refuse_command(cx, "busy", centre);
            return;
        }
        let card = cx.storage.next(records::USER_CARD.table, 0);
        if card.is_some() || !self.params.in_band {
            self.refuse_command(cx, "exists", centre);
            return;
        }
        let (mut r1, mut r2) = ([0; 16], [0; 16]);
        cx.random(&mut r1);
        cx.random(&mut r2);
        let Some(head) = self.head(cx.storage, Arg::Default) else {
            self.refuse_command(cx, "card", centre);
            return;
        };
        let uid = user_id(cx.crypto, &r1, head.id, &r2);
        // Told before the request leaves, so that an observer knows whom the centre accepts.
        cx.output(Output::Named {
            principal: user_principal(&uid),
        });
        let message = Message::UregReq {
            uid,
            a: identity_secret(&self.params, cx.crypto, &r1, &head),
        };
        let way = self.way_to_centre(command.peer, Channel::Secure);
        let request = way.request(&self.params, cx, centre, &message);
        self.state = State::Register(RegisterWait { request, r1, r2 });
        cx.arm(REPLY, self.params.reply_timeout);
    }

    /// The card of a new user. Effects: `Store`, `SharedState`, `Accepted`, `Cancel`.
    pub(super) fn take_card(&mut self, answer: &UregAck<'_>, frame: &[u8], cx: &mut Context<'_>) {
        cx.phase(phase::REGISTER);
        let State::Register(wait) = &self.state else {
            return;
        };
        let mut reader = Reader(wait.request.get(1..).unwrap_or_default());
        let sent: Option<(Hash, Hash)> = reader.take().zip(reader.take());
        let Some(((uid, a), head)) = sent.zip(self.head(cx.storage, Arg::Default)) else {
            return;
        };
        let card = NewCard {
            head,
            r1: &wait.r1,
            r2: &wait.r2,
            uid: &uid,
            a: &a,
            c: &answer.c,
            d: &answer.d,
            version: 1,
            list: answer.list,
        };
        let mut bytes = cx.buffers.take();
        card.build(&self.params, cx.crypto, &mut bytes);
        cx.store(|batch| batch.put(records::USER_CARD, |out| out.extend_from_slice(&bytes)));
        cx.buffers.give(bytes);
        self.share_cards(cx, &[&answer.c]);
        accept_answer(cx, self.centre(), &wait.request, frame);
        self.become_idle(cx);
    }
}
