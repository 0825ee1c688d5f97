//! The device: offers itself by broadcast, logs one client in, echoes its lines.
//!
//! States: OPEN, CONNECTED, and HALTED in the twin without limits. A *turn* begins at start, after
//! every datagram and when timer `turn` fires; an open device broadcasts CONNECT in each, unless
//! `broadcast = on-timer`. Rows D1 to D12 of the specification are named where they are decided.

mod login;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::address::{Address, Channel, Destination};
use crate::context::Context;
use crate::crypto::rsa::PrivateKey;
use crate::machine::{Arg, Command, Incoming, Machine, Timer};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope, Tag};
use crate::storage::Record;

use super::block_list::BlockList;
use super::equations::{self, Stored};
use super::messages::{self, Frame, Inner, InnerKind, Salt, is_user_name, salt_from};
use super::params::{Params, Without};
use super::records::{self, Entry};
use super::sealing::{self, Direction, Keys, Opened};
use super::{
    ADD_USER, AUTHENTICATE, BROADCAST_PORT, CLIENT_PORT, COMMAND_ADD_USER, DEVICE_PORT, FINISH,
    SEQ_MAX, TIMER_IDLE, TIMER_TURN,
};

/// The machine of a device.
#[derive(Clone, Debug)]
pub struct Device {
    params: Arc<Params>,
    blocked: BlockList,
    /// (number, salt) pairs, oldest first.
    salts: VecDeque<(u32, Salt)>,
    /// Number of the last turn.
    number: u32,
    halted: bool,
    connected: Option<Box<Connected>>,
}

/// The client that is logged in.
#[derive(Clone, Debug)]
struct Connected {
    address: Address,
    user: Principal,
    keys: Keys,
    own: PrivateKey,
    /// Number of the next DATA or FIN.
    n: u64,
    /// `S`: the first number.
    first: u32,
    session: Tag,
    key_id: Tag,
    /// Text of the last DATA, where it may have to be echoed again.
    last: Option<Vec<u8>>,
    /// The connection is over and its place is not given back (twin without retry).
    over: bool,
}

/// What made a turn begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Start, restart or a timer.
    Own,
    /// A datagram that left the state as it was, or made the device CONNECTED.
    Datagram,
    /// A datagram that made the device OPEN again.
    Return,
}

/// Broadcasts in the turn after a datagram, in the twin without limits.
const FLOOD: u32 = 10;

impl Device {
    /// A device that has not started.
    #[must_use]
    pub const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            blocked: BlockList::new(),
            salts: VecDeque::new(),
            number: 0,
            halted: false,
            connected: None,
        }
    }

    /// The numbers whose salts are remembered, in ascending order of age.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.salts.iter().map(|(number, _)| *number)
    }

    /// Host of the client that is connected, and `S`.
    pub(super) fn first(&self) -> Option<(u32, u32)> {
        let connected = self.connected.as_ref()?;
        Some((connected.address.host, connected.first))
    }

    fn turn(&mut self, cx: &mut Context<'_>, cause: Cause) {
        cx.phase(AUTHENTICATE);
        self.blocked.refresh(cx.now, self.params.device_block_time);
        if cause == Cause::Datagram && self.params.broadcast_on_timer {
            return;
        }
        let flooding = cause != Cause::Own && self.params.lacks(Without::Limits);
        for _ in 0..if flooding { FLOOD } else { 1 } {
            self.number = self.number.wrapping_add(1);
            if self.connected.is_none() {
                self.offer(cx);
            }
        }
        cx.arm(Timer::only(TIMER_TURN), self.params.turn_timeout);
    }

    /// Remembers a new salt under the turn's number and broadcasts it.
    fn offer(&mut self, cx: &mut Context<'_>) {
        let mut salt = [0; 16];
        cx.random(&mut salt);
        let salt = salt_from(salt);
        if self.salts.len() >= self.params.salts_max() {
            self.salts.pop_front();
        }
        self.salts.reserve_exact(1);
        self.salts.push_back((self.number, salt));
        let frame = Frame::Connect {
            salt,
            number: self.number,
            name: records::name(cx.storage),
        };
        let to = Destination::Broadcast(CLIENT_PORT);
        cx.send_to(BROADCAST_PORT, to, Channel::Public, |out| frame.encode(out));
    }

    fn block(&mut self, address: Address) {
        if self.params.block {
            let entries_max = self.params.block_list_max();
            self.blocked
                .block(address, self.params.device_block_time, entries_max);
        }
    }

    /// Handles a datagram of a sender that is not blocked; true when the device returned to OPEN.
    fn receive(&mut self, incoming: &Incoming<'_>, cx: &mut Context<'_>) -> bool {
        let frame = messages::decode(&self.params.layouts, incoming.bytes);
        if let Some(connected) = &self.connected {
            let stranger = incoming.from != connected.address;
            if stranger && !self.params.lacks(Without::Peer) {
                // D8.
                send(cx, incoming.from, &Frame::Busy);
                self.block(incoming.from);
                cx.reject(Scope::Frame, "third-party", None, None);
                return false;
            }
            return match frame {
                Ok(Frame::Sealed(ciphertext)) if !connected.over => {
                    self.receive_sealed(incoming.from, ciphertext, cx)
                }
                Ok(_) => self.drop_from_peer(Reason::new("unexpected"), cx),
                Err(place) => self.drop_from_peer(place.into(), cx),
            };
        }
        match frame {
            Ok(Frame::Pass(pass)) => self.login(incoming, &pass, cx),
            // D3.
            Ok(_) => cx.reject(Scope::Frame, "unexpected", None, None),
            Err(place) => {
                if place.field == "tag" {
                    // D2.
                    self.block(incoming.from);
                }
                cx.reject(Scope::Frame, place, None, None);
            }
        }
        false
    }

    /// D9 to D12 for a SEALED of the peer; true when the device returned to OPEN.
    fn receive_sealed(&mut self, from: Address, ciphertext: &[u8], cx: &mut Context<'_>) -> bool {
        let Some(connected) = &self.connected else {
            return false;
        };
        let opened = sealing::open(
            cx,
            &self.params,
            &connected.own,
            connected.keys.mac.as_ref(),
            Direction::ClientToDevice,
            ciphertext,
        );
        let opened = match opened {
            Ok(opened) => opened,
            Err(reason) => return self.drop_from_peer(reason, cx),
        };
        let kind = match opened.kind {
            InnerKind::Echo if self.params.lacks(Without::Binding) => InnerKind::Data,
            kind => kind,
        };
        let expected = opened.seq == connected.n || !self.params.compares_sequence();
        match kind {
            InnerKind::Echo => self.drop_from_peer(Reason::new("unexpected"), cx),
            InnerKind::Data if expected => {
                self.take_data(from, &opened, cx);
                false
            }
            InnerKind::Data if connected.is_repeated(&opened) => {
                self.echo_again(from, cx);
                false
            }
            InnerKind::Fin if expected => self.end("finish", cx),
            InnerKind::Data | InnerKind::Fin => {
                // D10.
                let (user, session) = (connected.user, connected.session);
                cx.reject(Scope::Frame, "sequence", Some(user), Some(session));
                false
            }
        }
    }

    /// D9; without the check of the peer, what nobody can read ends the connection.
    fn drop_from_peer(&mut self, reason: Reason, cx: &mut Context<'_>) -> bool {
        let Some(connected) = &self.connected else {
            return false;
        };
        let (user, session) = (connected.user, connected.session);
        cx.reject(Scope::Frame, reason, Some(user), Some(session));
        let unreadable = reason.word != "mac" && reason.word != "sequence";
        self.params.lacks(Without::Peer) && unreadable && self.end("undecryptable", cx)
    }

    /// D11.
    fn take_data(&mut self, from: Address, opened: &Opened, cx: &mut Context<'_>) {
        let Some(connected) = &mut self.connected else {
            return;
        };
        let (user, session) = (connected.user, connected.session);
        let Some(next) = opened.seq.checked_add(2).filter(|next| *next < SEQ_MAX) else {
            return cx.reject(Scope::Frame, "sequence", Some(user), Some(session));
        };
        let echo = Inner {
            kind: InnerKind::Echo,
            seq: opened.seq + 1,
            text: opened.text(),
        };
        let mut frame = cx.buffers.take();
        let direction = Direction::DeviceToClient;
        if !sealing::seal(
            cx,
            &self.params,
            &connected.keys,
            direction,
            &echo,
            &mut frame,
        ) {
            cx.buffers.give(frame);
            // Only a frame in clear can carry a text that does not fit back.
            if self.params.lacks(Without::Limits) {
                self.halted = true;
                return cx.halt();
            }
            return cx.reject(Scope::Frame, "too-long", Some(user), Some(session));
        }
        connected.n = next;
        let digest = equations::digest(opened.text());
        cx.output(Output::DataSent {
            session,
            seq: opened.seq + 1,
            digest,
        });
        cx.send(DEVICE_PORT, from, Channel::Public, |out| {
            out.extend(&frame);
        });
        cx.buffers.give(frame);
        cx.output(Output::DataAccepted {
            session,
            seq: opened.seq,
            digest,
        });
        connected.share(cx);
        if self.params.recovery.is_some() {
            let last = connected.last.get_or_insert_with(|| cx.buffers.take());
            last.clear();
            last.extend(opened.text());
        }
        self.watch_peer(cx);
    }

    /// Answers a repeated DATA with the echo of the last one, sealed anew.
    fn echo_again(&self, from: Address, cx: &mut Context<'_>) {
        let Some(connected) = &self.connected else {
            return;
        };
        let echo = Inner {
            kind: InnerKind::Echo,
            seq: connected.n - 1,
            text: connected.last.as_deref().unwrap_or_default(),
        };
        let mut frame = cx.buffers.take();
        let direction = Direction::DeviceToClient;
        if sealing::seal(
            cx,
            &self.params,
            &connected.keys,
            direction,
            &echo,
            &mut frame,
        ) {
            cx.send(DEVICE_PORT, from, Channel::Public, |out| {
                out.extend(&frame);
            });
        }
        cx.buffers.give(frame);
    }

    /// Gives the accepted peer another while.
    fn watch_peer(&self, cx: &mut Context<'_>) {
        if let Some(recovery) = &self.params.recovery {
            cx.arm(Timer::only(TIMER_IDLE), recovery.idle_timeout);
        }
    }

    /// Forgets the peer; true when the device is OPEN again.
    fn end(&mut self, reason: &'static str, cx: &mut Context<'_>) -> bool {
        let Some(mut connected) = self.connected.take() else {
            return false;
        };
        cx.output(Output::Ended {
            peer: connected.user,
            session: connected.session,
            reason: Reason::new(reason),
        });
        connected.share_nothing(cx);
        if self.params.recovery.is_some() {
            cx.cancel(Timer::only(TIMER_IDLE));
        }
        if let Some(last) = connected.last.take() {
            cx.buffers.give(last);
        }
        if self.params.lacks(Without::Retry) {
            connected.over = true;
            self.connected = Some(connected);
            return false;
        }
        true
    }
}

impl Connected {
    /// True for the DATA that was accepted last, sent once more.
    fn is_repeated(&self, opened: &Opened) -> bool {
        self.last.as_deref() == Some(opened.text()) && opened.seq.checked_add(2) == Some(self.n)
    }

    fn share(&self, cx: &mut Context<'_>) {
        let fingerprint = equations::state_fingerprint(&self.key_id, self.n);
        self.output_shared(Fingerprints::one(fingerprint), cx);
    }

    fn share_nothing(&self, cx: &mut Context<'_>) {
        self.output_shared(Fingerprints::NONE, cx);
    }

    fn output_shared(&self, fingerprints: Fingerprints, cx: &mut Context<'_>) {
        cx.output(Output::SharedState {
            peer: self.user,
            relation: 0,
            epoch: self.n.saturating_sub(u64::from(self.first)) / 2,
            fingerprints,
            durable: false,
        });
    }
}

/// `add-user`: one record of the table, one write.
pub(super) fn add_user(params: &Params, command: &Command<'_>, cx: &mut Context<'_>) {
    cx.phase(ADD_USER);
    let (Arg::Bytes(user), Arg::Bytes(password)) = (command.arg(0), command.arg(1)) else {
        return cx.reject(Scope::Command, "argument", None, None);
    };
    if !is_user_name(user) {
        return cx.reject(Scope::Command, "argument", None, None);
    }
    cx.crypto.db_read();
    let slot = match records::find_user(cx.storage, params, user) {
        Entry::Known(_) => return cx.reject(Scope::Command, "exists", None, None),
        Entry::Full => return cx.reject(Scope::Command, "table-full", None, None),
        Entry::Free(slot) => slot,
    };
    let stored = Stored::new(cx.crypto, params, password);
    cx.store(|batch| {
        batch.put(Record::new(records::USERS, slot), |out| {
            records::put_user(out, &stored, user);
        });
    });
}

fn send(cx: &mut Context<'_>, to: Address, frame: &Frame<'_>) {
    cx.send(DEVICE_PORT, to, Channel::Public, |out| frame.encode(out));
}

impl Machine for Device {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.turn(cx, Cause::Own);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        // Nobody listens on the port that CONNECT is sent from.
        if self.halted || incoming.to.port != DEVICE_PORT {
            return;
        }
        cx.phase(AUTHENTICATE);
        let mut cause = Cause::Datagram;
        // D1: a blocked sender is not heard, but a turn follows.
        if !self.blocked.contains(incoming.from) && self.receive(&incoming, cx) {
            cause = Cause::Return;
        }
        if !self.halted {
            self.turn(cx, cause);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        match timer.kind {
            TIMER_TURN => self.turn(cx, Cause::Own),
            TIMER_IDLE => {
                cx.phase(FINISH);
                let opened = self.end("timeout", cx);
                if opened && self.params.broadcast_on_timer {
                    self.turn(cx, Cause::Own);
                }
            }
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        if self.halted {
            return;
        }
        match command.id {
            COMMAND_ADD_USER => add_user(&self.params, command, cx),
            _ => cx.reject(Scope::Command, "unknown", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        *self = Self::new(Arc::clone(&self.params));
        self.turn(cx, Cause::Own);
    }

    fn state(&self) -> &'static str {
        match (&self.connected, self.halted) {
            (_, true) => "HALTED",
            (Some(_), false) => "CONNECTED",
            (None, false) => "OPEN",
        }
    }
}
