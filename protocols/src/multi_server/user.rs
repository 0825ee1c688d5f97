//! The user with the smart card: IDLE, or waiting for one answer.
//!
//! What an open request needs until its answer comes lies in pooled buffers, so an idle user is
//! small and holds no secret outside its durable records and the person's memory.

mod cards;
mod known;
mod list;
mod login;
mod password;
mod registration;

use std::sync::Arc;

use crate::output::{Fingerprints, Output, Principal, Scope, Tag};
use crate::storage::Storage;
use crate::{Address, Arg, Channel, Command, Context, Incoming, Machine, Timer};

use super::directory::Directory;
use super::equations::card::Head;
use super::equations::{Hash, state};
use super::exchange::{Way, drop_unexpected};
use super::messages::{self, Message};
use super::params::Params;
use super::rc::user_principal;
use super::records;
use super::sessions::Sessions;
use super::{PORT, command, relation, timer};

use list::ListWait;
use login::AuthWait;
use password::{Acknowledged, PasswordWait};
use registration::RegisterWait;

/// A user with a smart card.
#[derive(Clone, Debug)]
pub struct User {
    params: Arc<Params>,
    directory: Arc<Directory>,
    state: State,
    /// Passwords that differ from the one the person was told first. A person's memory is no
    /// storage: it survives restarts and roll-backs.
    memory: Option<Box<Memory>>,
    sessions: Option<Box<Sessions>>,
}

/// Passwords in the head.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// PW, once it was changed.
    password: Option<Box<[u8]>>,
    /// PW of the old card of a pair.
    previous: Option<Box<[u8]>>,
    /// Both passwords while PWD_REQ is open.
    change: Option<PasswordChange>,
    /// The last PWD_ACK, in case PWD_REP comes again. The machine's, not the person's: a restart
    /// loses it.
    acknowledged: Option<Acknowledged>,
}

#[derive(Clone, Debug)]
struct PasswordChange {
    /// The one that opened the card.
    typed: Box<[u8]>,
    /// PW'.
    new: Box<[u8]>,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Register(RegisterWait),
    Auth(AuthWait),
    List(ListWait),
    Password(PasswordWait),
}

const REPLY: Timer = Timer::only(timer::REPLY);
const PWD_REPLY: Timer = Timer::only(timer::PWD_REPLY);
const RETRY: Timer = Timer::only(timer::RETRY);
const GIVE_UP: Timer = Timer::only(timer::GIVE_UP);

impl User {
    pub(crate) fn new(params: Arc<Params>, directory: Arc<Directory>) -> Self {
        Self {
            params,
            directory,
            state: State::Idle,
            memory: None,
            sessions: None,
        }
    }

    /// SK of the live session `session`: what an application above would use.
    #[must_use]
    pub fn session_key(&self, session: &Tag) -> Option<&[u8; 32]> {
        self.sessions.as_ref()?.key(session)
    }

    fn centre(&self) -> Principal {
        self.directory.centre_principal()
    }

    /// The way to the centre: the command's peer, else the directory's.
    fn way_to_centre(&self, peer: Option<Address>, channel: Channel) -> Way {
        Way {
            port: PORT,
            to: peer.unwrap_or_else(|| self.directory.centre()),
            channel,
        }
    }

    /// ID_i, and the password given or remembered.
    fn head<'a>(&'a self, storage: &'a dyn Storage, given: Arg<'a>) -> Option<Head<'a>> {
        let (id, first) = records::read_head(storage.read(records::USER_HEAD)?)?;
        let remembered = self
            .memory
            .as_ref()
            .and_then(|memory| memory.password.as_deref());
        let password = match given {
            Arg::Bytes(password) => password,
            _ => remembered.unwrap_or(first),
        };
        Some(Head { id, password })
    }

    /// Names what is shared with the centre. Effects: (`Named`), `SharedState`.
    fn share(&self, cx: &mut Context<'_>) {
        let opened = [records::USER_NEW_CARD, records::USER_CARD]
            .map(|record| cards::observe(self, cx, record));
        let uid = opened.iter().flatten().map(|card| card.uid).next();
        if let Some(uid) = uid {
            let principal = user_principal(&uid);
            cx.output(Output::Named { principal });
        }
        match &opened {
            [Some(new), Some(old)] => self.share_cards(cx, &[&new.c, &old.c]),
            [Some(card), None] | [None, Some(card)] => self.share_cards(cx, &[&card.c]),
            [None, None] => self.share_cards(cx, &[]),
        }
    }

    /// Effect: `SharedState` over these values of C.
    fn share_cards(&self, cx: &mut Context<'_>, newest_first: &[&Hash]) {
        let mut values = [[0; 16]; 2];
        for (value, c) in values.iter_mut().zip(newest_first) {
            *value = state(*c);
        }
        cx.output(Output::SharedState {
            peer: self.centre(),
            relation: relation::CARD,
            epoch: 0,
            fingerprints: Fingerprints::newest_first(&values[..newest_first.len().min(2)]),
            durable: true,
        });
    }

    fn refuse_command(&self, cx: &mut Context<'_>, reason: &'static str, peer: Principal) {
        cx.reject(Scope::Command, reason, Some(peer), None);
    }

    /// Back to IDLE: buffers are given back, timers of the attempt dropped.
    fn become_idle(&mut self, cx: &mut Context<'_>) {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {}
            State::Register(wait) => wait.give_back(cx),
            State::Auth(wait) => {
                if wait.pausing {
                    cx.cancel(RETRY);
                }
                wait.give_back(cx);
            }
            State::List(wait) => wait.give_back(cx),
            State::Password(wait) => {
                cx.cancel(PWD_REPLY);
                if self.params.resend {
                    cx.cancel(GIVE_UP);
                    if cx.storage.read(records::USER_REQUEST).is_some() {
                        cx.store(|batch| batch.delete(records::USER_REQUEST));
                    }
                }
                wait.give_back(cx);
                if let Some(memory) = &mut self.memory {
                    memory.change = None;
                }
                return;
            }
        }
        cx.cancel(REPLY);
    }

    /// U4, U6. Effects: `Rejected`, then those of the way back to IDLE.
    fn fail(&mut self, cx: &mut Context<'_>, reason: &'static str) {
        let peer = match &self.state {
            State::Auth(wait) => wait.peer(),
            _ => self.centre(),
        };
        cx.reject(Scope::Attempt, reason, Some(peer), None);
        self.become_idle(cx);
    }

    fn rejected(&mut self, cx: &mut Context<'_>) {
        match &mut self.state {
            State::Idle => drop_unexpected(cx),
            // The next request is not sent yet: this refuses none.
            State::Auth(wait) if wait.pausing => drop_unexpected(cx),
            State::Auth(wait) if wait.rejects_left > 0 => {
                wait.rejects_left -= 1;
                wait.pausing = true;
                cx.cancel(REPLY);
                cx.arm(RETRY, self.params.reject_retry_after);
            }
            _ => self.fail(cx, "refused"),
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.share(cx);
        if cx.storage.read(records::USER_REQUEST).is_some() {
            self.resume_password(cx);
        } else if let Some(memory) = &mut self.memory {
            memory.change = None;
        }
    }
}

impl Machine for User {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.wake(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        let message = match messages::decode(&self.params, incoming.bytes) {
            Ok(message) => message,
            Err(place) => {
                cx.reject(Scope::Frame, place, None, None);
                return;
            }
        };
        match (&self.state, &message) {
            (State::Register(_), Message::UregAck(answer)) => {
                if incoming.channel == Channel::Secure {
                    self.take_card(answer, incoming.bytes, cx);
                } else {
                    cx.reject(Scope::Frame, "insecure-channel", None, None);
                }
            }
            (State::Auth(_), Message::AuthRep(reply)) => self.take_grant(reply, cx),
            (State::List(_), Message::ListRep(reply)) => self.take_list(reply, incoming.bytes, cx),
            (State::Password(_), Message::PwdRep(reply)) => {
                self.take_issue(reply, &incoming, cx);
            }
            (_, Message::PwdRep(_)) => self.repeat_acknowledgement(&incoming, cx),
            (_, Message::Reject { .. }) => self.rejected(cx),
            _ => drop_unexpected(cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        match (timer.kind, &self.state) {
            (timer::SESSION, _) => {
                if let Some(sessions) = &mut self.sessions {
                    sessions.expire(timer.key, cx);
                }
            }
            (timer::RETRY, State::Auth(_)) => self.request_again(cx),
            (timer::REPLY, State::Auth(_)) => self.auth_timeout(cx),
            (timer::REPLY, State::List(_)) => self.list_timeout(cx),
            (timer::REPLY, State::Register(_)) => self.fail(cx, "timeout"),
            (timer::PWD_REPLY, State::Password(_)) => self.password_timeout(cx),
            (timer::GIVE_UP, State::Password(_)) => self.fail(cx, "timeout"),
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        match command.id {
            command::ABORT => self.become_idle(cx),
            command::REGISTER => self.register(command, cx),
            command::AUTHENTICATE => self.authenticate(command, cx),
            command::UPDATE_LIST => self.update_list(command, cx),
            command::CHANGE_PASSWORD => self.change_password(command, cx),
            _ => cx.reject(Scope::Command, "unsupported", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.state = State::Idle;
        self.sessions = None;
        if let Some(memory) = &mut self.memory {
            memory.acknowledged = None;
        }
        self.recall(cx);
        self.wake(cx);
    }

    fn state(&self) -> &'static str {
        match self.state {
            State::Idle => "IDLE",
            State::Register(_) => "WAIT_UREG",
            State::Auth(_) => "WAIT_AUTH",
            State::List(_) => "WAIT_LIST",
            State::Password(_) => "WAIT_PWD",
        }
    }
}
