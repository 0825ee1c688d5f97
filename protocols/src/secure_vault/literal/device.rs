//! The device of `literal`: no timers; any failure, and any `error:`, ends its attempt.

use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto::Crypto;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Output, Place, Principal, Reason, Scope};
use crate::storage::Storage;

use super::super::equations::{Key, combined_key, draw_challenge, key_tag, run_tag, session_tag};
use super::super::messages::indices;
use super::super::params::Params;
use super::super::vault::{Records, body, epoch, shared_state};
use super::super::{
    ABORT, AUTHENTICATE, AUTHENTICATE_COMMAND, FINISH_COMMAND, PORT, SEND_DATA_UP, SERVER,
};
use super::text::{
    SEPARATOR, find, inner, number, open, parse_list, seal, split, write_number, write_set,
};
use super::{number_key, update_vault};

/// A device that speaks the prototype's texts.
#[derive(Clone, Debug)]
pub struct LiteralDevice {
    params: Arc<Params>,
    server: Address,
    id: u32,
    state: State,
    records: Records,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    WaitM2(Handshake),
    WaitM4(Handshake),
}

#[derive(Clone, Debug, Default)]
struct Handshake {
    /// M1 and M2 and M3 as sent, joined.
    texts: Vec<u8>,
    /// Length of M1 and M2 in it.
    opening: u32,
    /// C2 in wire form, then the plaintext of M3.
    plain: Vec<u8>,
    t1: u64,
    r2: u64,
}

const fn malformed(field: &'static str, offset: u32) -> Reason {
    Reason::malformed(Place {
        field,
        index: None,
        offset,
    })
}

impl LiteralDevice {
    /// k1 and k2 while it waits for M4, for observers.
    pub(in crate::secure_vault) fn challenge_keys(
        &self,
        storage: &dyn Storage,
    ) -> Option<[Key; 2]> {
        let State::WaitM4(handshake) = &self.state else {
            return None;
        };
        let params = &*self.params;
        let vault = body(self.records.read(storage, 0)?);
        let opening = handshake.texts.get(..handshake.opening as usize)?;
        let second = opening.get(find(opening, b"{")?..)?;
        let (set, _) = split(inner(second))?;
        let mut c1 = Vec::new();
        parse_list(inner(set), params.keys, &mut c1)?;
        let c2 = handshake.plain.get(..params.challenge_bytes())?;
        let mb = params.key_bytes;
        let key = |list| combined_key(&mut Crypto::default(), vault, mb, indices(list));
        Some([key(&c1), key(c2)])
    }

    pub(super) fn new(params: Arc<Params>, id: u32, server: Address) -> Self {
        let records = Records::new(&params);
        Self {
            params,
            server,
            id,
            state: State::Idle,
            records,
        }
    }

    const fn peer(&self) -> Principal {
        Principal::id(SERVER, self.server.host as u64)
    }

    fn refuse(&self, cx: &mut Context<'_>, scope: Scope, reason: impl Into<Reason>) {
        cx.reject(scope, reason, Some(self.peer()), None);
    }

    fn transmit(&self, cx: &mut Context<'_>, text: &[u8]) {
        cx.send(PORT, self.server, Channel::Public, |out| {
            out.extend_from_slice(text);
        });
    }

    fn announce(&self, cx: &mut Context<'_>) {
        if let Some(record) = self.records.read(cx.storage, 0) {
            let output = shared_state(self.peer(), record, self.records.durable());
            cx.output(output);
        }
    }

    fn authenticate(&mut self, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        let session_id = cx.uniform(u64::from(self.params.keys)) + 1;
        let mut texts = cx.buffers.take();
        write_number(u128::from(self.id), &mut texts);
        texts.extend_from_slice(SEPARATOR);
        write_number(u128::from(session_id), &mut texts);
        self.transmit(cx, &texts);
        self.state = State::WaitM2(Handshake {
            texts,
            plain: cx.buffers.take(),
            ..Handshake::default()
        });
    }

    /// Answers M2 with M3.
    ///
    /// # Errors
    ///
    /// Where the text of M2 cannot be parsed. The list may be any, repetitions included; r1 is
    /// copied as it came.
    fn answer(
        &self,
        cx: &mut Context<'_>,
        handshake: &mut Handshake,
        second: &[u8],
    ) -> Result<(), Reason> {
        let params = &*self.params;
        let mb = params.key_bytes;
        let (set, r1) = split(inner(second)).ok_or_else(|| malformed("end", 0))?;
        let r1 = find(r1, SEPARATOR).map_or(r1, |end| &r1[..end]);
        let mut c1 = cx.buffers.take();
        if parse_list(inner(set), params.keys, &mut c1).is_none() {
            cx.buffers.give(c1);
            return Err(malformed("c1", 1));
        }
        let record = self.records.read(cx.storage, 0).unwrap_or(&[]);
        let k1 = combined_key(cx.crypto, body(record), mb, indices(&c1));
        handshake.t1 = cx.uniform(params.numbers + 1);
        handshake.r2 = cx.uniform(params.numbers + 1);
        draw_challenge(cx, params, Some(indices(&c1)), &mut handshake.plain);
        cx.buffers.give(c1);
        let mut plain3 = cx.buffers.take();
        plain3.extend_from_slice(r1);
        plain3.extend_from_slice(SEPARATOR);
        write_number(u128::from(handshake.t1), &mut plain3);
        plain3.extend_from_slice(SEPARATOR);
        plain3.push(b'{');
        write_set(indices(&handshake.plain), &mut plain3);
        plain3.push(b',');
        write_number(u128::from(handshake.r2), &mut plain3);
        plain3.push(b'}');
        handshake.texts.extend_from_slice(second);
        handshake.opening = u32::try_from(handshake.texts.len()).unwrap_or(u32::MAX);
        seal(cx, params, &k1[..mb], &plain3, &mut handshake.texts);
        handshake.plain.extend_from_slice(&plain3);
        cx.buffers.give(plain3);
        cx.output(Output::Running {
            peer: self.peer(),
            run: run_tag(&handshake.texts),
        });
        let third = handshake.texts.get(handshake.opening as usize..);
        self.transmit(cx, third.unwrap_or(&[]));
        Ok(())
    }

    /// Judges M4, updates and forgets t.
    ///
    /// # Errors
    ///
    /// `open` when M4 does not open or parse, `r2` when r2 differs.
    fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        handshake: &mut Handshake,
        fourth: &[u8],
    ) -> Result<(), Reason> {
        let params = Arc::clone(&self.params);
        let mb = params.key_bytes;
        let record = self.records.read(cx.storage, 0).unwrap_or(&[]);
        let (c2, plain3) = handshake
            .plain
            .split_at_checked(params.challenge_bytes())
            .unwrap_or_default();
        let mut key = combined_key(cx.crypto, body(record), mb, indices(c2));
        let t1 = number_key(u128::from(handshake.t1));
        cx.crypto.xor(&mut key[..mb], &t1);
        let mut plain4 = cx.buffers.take();
        let opened = open(cx.crypto, &key[..mb], fourth, &mut plain4);
        let parts = split(&plain4).filter(|_| opened);
        let judged = parts.ok_or("open").and_then(|(r2, t2)| {
            let r2 = number(r2).ok_or("open")?;
            let t2 = number(t2).ok_or("open")?;
            let expected = u128::from(handshake.r2);
            let equal = cx.crypto.equal(&r2.to_le_bytes(), &expected.to_le_bytes());
            if equal { Ok(t2) } else { Err("r2") }
        });
        let t2 = match judged {
            Ok(t2) => t2,
            Err(reason) => {
                cx.buffers.give(plain4);
                return Err(Reason::new(reason));
            }
        };
        let opening = handshake.opening as usize;
        let mut new = cx.buffers.take();
        new.extend(epoch(record).wrapping_add(1).to_be_bytes());
        let texts = [
            handshake.texts.get(..opening).unwrap_or(&[]),
            plain3,
            &plain4,
        ];
        update_vault(cx.crypto, &params, body(record), &texts, &mut new);
        cx.buffers.give(plain4);
        handshake.texts.extend_from_slice(fourth);
        let t = number_key(u128::from(handshake.t1) ^ t2);
        cx.output(Output::Accepted {
            peer: self.peer(),
            session: session_tag(&handshake.texts),
            run: run_tag(&handshake.texts),
            key_id: Some(key_tag(&t)),
        });
        self.records.write(cx, 0, &new);
        cx.output(shared_state(self.peer(), &new, self.records.durable()));
        cx.buffers.give(new);
        Ok(())
    }

    fn take_state(&mut self) -> State {
        core::mem::replace(&mut self.state, State::Idle)
    }

    fn forget(cx: &mut Context<'_>, handshake: Handshake) {
        cx.buffers.give(handshake.texts);
        cx.buffers.give(handshake.plain);
    }
}

impl Machine for LiteralDevice {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.announce(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        if incoming.from != self.server {
            self.refuse(cx, Scope::Frame, "unexpected");
            return;
        }
        let text = incoming.bytes;
        let (mut handshake, verdict, goes_on) = match self.take_state() {
            State::Idle => {
                self.refuse(cx, Scope::Frame, "unexpected");
                return;
            }
            State::WaitM2(handshake) | State::WaitM4(handshake) if text.starts_with(b"error") => {
                (handshake, Err(Reason::new("error")), false)
            }
            State::WaitM2(mut handshake) => {
                let verdict = self.answer(cx, &mut handshake, text);
                (handshake, verdict, true)
            }
            State::WaitM4(mut handshake) => {
                let verdict = self.conclude(cx, &mut handshake, text);
                (handshake, verdict, false)
            }
        };
        match verdict {
            Ok(()) if goes_on => {
                self.state = State::WaitM4(core::mem::take(&mut handshake));
            }
            Ok(()) => Self::forget(cx, handshake),
            Err(reason) => {
                Self::forget(cx, handshake);
                self.refuse(cx, Scope::Attempt, reason);
            }
        }
    }

    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {}

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        match (command.id, self.take_state()) {
            (AUTHENTICATE_COMMAND, State::Idle) => {
                if command
                    .peer
                    .is_some_and(|peer| peer.host != self.server.host)
                {
                    self.refuse(cx, Scope::Command, "unknown-server");
                } else {
                    self.authenticate(cx);
                }
            }
            (ABORT, State::Idle) => {}
            (ABORT, State::WaitM2(handshake) | State::WaitM4(handshake)) => {
                Self::forget(cx, handshake);
            }
            (id, state) => {
                self.state = state;
                let reason = match id {
                    AUTHENTICATE_COMMAND => "busy",
                    SEND_DATA_UP | FINISH_COMMAND => "no-session",
                    _ => "unknown-command",
                };
                self.refuse(cx, Scope::Command, reason);
            }
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.state = State::Idle;
        self.records.restart();
        self.announce(cx);
    }

    fn state(&self) -> &'static str {
        match self.state {
            State::Idle => "IDLE",
            State::WaitM2(_) => "WAIT_M2",
            State::WaitM4(_) => "WAIT_M4",
        }
    }
}
