//! The server of `literal`: one loop, one handshake at a time, whoever sends next.

use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::output::{Output, Principal, Scope};

use super::super::equations::{combined_key, draw_challenge, key_tag, run_tag, session_tag};
use super::super::messages::indices;
use super::super::params::Params;
use super::super::vault::{Records, VAULTS, body, epoch, shared_state};
use super::super::{AUTHENTICATE, DEVICE, PORT, SEND_DATA_DOWN};
use super::text::{
    SEPARATOR, find, inner, number, open, parse_list, seal, split, write_number, write_set,
};
use super::{number_key, update_vault};

/// Longest device id, characters.
const ID_MAX: usize = 16;

/// A server that speaks the prototype's texts.
#[derive(Clone, Debug)]
pub struct LiteralServer {
    params: Arc<Params>,
    /// The handshake whose M3 is awaited, from anybody.
    awaited: Option<Awaited>,
    records: Records,
}

#[derive(Clone, Debug)]
struct Awaited {
    id: u32,
    /// C1 in wire form.
    c1: Vec<u8>,
    r1: u64,
    /// M1 and M2 as sent, joined.
    texts: Vec<u8>,
}

/// What the plaintext of M3 says.
struct Claims<'a> {
    t1: u128,
    /// C2 in wire form, as far as the cut leaves it.
    c2: Vec<u8>,
    /// As it stands in the text.
    r2: &'a [u8],
}

const fn device(id: u32) -> Principal {
    Principal::id(DEVICE, id as u64)
}

fn transmit(cx: &mut Context<'_>, to: Address, text: &[u8]) {
    cx.send(PORT, to, Channel::Public, |out| out.extend_from_slice(text));
}

fn complain(cx: &mut Context<'_>, to: Address, reason: &'static str) {
    cx.send(PORT, to, Channel::Public, |out| {
        out.extend_from_slice(b"error: ");
        out.extend_from_slice(reason.as_bytes());
    });
}

impl LiteralServer {
    pub(super) fn new(params: Arc<Params>) -> Self {
        let records = Records::new(&params);
        Self {
            params,
            awaited: None,
            records,
        }
    }

    fn announce(&self, cx: &mut Context<'_>) {
        let mut next = cx.storage.next(VAULTS, 0);
        while let Some(record) = next {
            if let Some(bytes) = self.records.read(cx.storage, record.key) {
                let durable = self.records.durable();
                cx.output(shared_state(device(record.key), bytes, durable));
            }
            let after = record.key.checked_add(1);
            next = after.and_then(|from| cx.storage.next(VAULTS, from));
        }
    }

    /// The device that an id text names: as it was written at provisioning, no other spelling.
    fn known(&self, cx: &Context<'_>, text: &[u8]) -> Option<u32> {
        let id = u32::try_from(number(text)?).ok()?;
        let spelt = id.to_string();
        (spelt.as_bytes() == text).then_some(())?;
        self.records.read(cx.storage, id).map(|_| id)
    }

    fn on_m1(&mut self, cx: &mut Context<'_>, from: Address, first: &[u8]) {
        let id_text = split(first)
            .map(|(id, _)| id)
            .filter(|id| (1..=ID_MAX).contains(&id.len()) && id.is_ascii());
        let Some(id_text) = id_text else {
            complain(cx, from, "malformed");
            cx.reject(Scope::Frame, "malformed", None, None);
            return;
        };
        cx.crypto.db_read();
        let Some(id) = self.known(cx, id_text) else {
            complain(cx, from, "unknown-device");
            cx.reject(Scope::Frame, "unknown-device", None, None);
            return;
        };
        let mut c1 = cx.buffers.take();
        draw_challenge(cx, &self.params, None, &mut c1);
        let r1 = cx.uniform(self.params.numbers + 1);
        let mut texts = cx.buffers.take();
        texts.extend_from_slice(first);
        texts.push(b'{');
        write_set(indices(&c1), &mut texts);
        texts.extend_from_slice(SEPARATOR);
        write_number(u128::from(r1), &mut texts);
        texts.push(b'}');
        transmit(cx, from, &texts[first.len()..]);
        self.awaited = Some(Awaited { id, c1, r1, texts });
    }

    /// Takes whatever came as M3 and goes back to waiting for an M1.
    fn on_m3(&mut self, cx: &mut Context<'_>, from: Address, awaited: Awaited, third: &[u8]) {
        let mb = self.params.key_bytes;
        cx.crypto.db_read();
        let record = self.records.read(cx.storage, awaited.id).unwrap_or(&[]);
        let k1 = combined_key(cx.crypto, body(record), mb, indices(&awaited.c1));
        let mut plain3 = cx.buffers.take();
        let opened = open(cx.crypto, &k1[..mb], third, &mut plain3);
        let verdict = if opened {
            let scratch = cx.buffers.take();
            judge(cx, &self.params, awaited.r1, &plain3, scratch)
        } else {
            Err("open")
        };
        let peer = device(awaited.id);
        match verdict {
            Ok(claims) => self.answer(cx, from, &awaited, third, &plain3, claims),
            Err(reason) => {
                // A wrong r1 is silent.
                if reason != "r1" {
                    complain(cx, from, reason);
                }
                cx.reject(Scope::Attempt, reason, Some(peer), None);
            }
        }
        cx.buffers.give(plain3);
        cx.buffers.give(awaited.c1);
        cx.buffers.give(awaited.texts);
    }

    fn answer(
        &mut self,
        cx: &mut Context<'_>,
        from: Address,
        awaited: &Awaited,
        third: &[u8],
        plain3: &[u8],
        claims: Claims<'_>,
    ) {
        let params = Arc::clone(&self.params);
        let mb = params.key_bytes;
        let Claims { t1, c2, r2 } = claims;
        let record = self.records.read(cx.storage, awaited.id).unwrap_or(&[]);
        let t2 = cx.uniform(params.numbers + 1);
        let mut key = combined_key(cx.crypto, body(record), mb, indices(&c2));
        cx.buffers.give(c2);
        cx.crypto.xor(&mut key[..mb], &number_key(t1));
        let mut plain4 = cx.buffers.take();
        plain4.extend_from_slice(r2);
        plain4.extend_from_slice(SEPARATOR);
        write_number(u128::from(t2), &mut plain4);
        let mut texts = cx.buffers.take();
        texts.extend_from_slice(&awaited.texts);
        texts.extend_from_slice(third);
        let run3 = run_tag(&texts);
        let fourth = texts.len();
        seal(cx, &params, &key[..mb], &plain4, &mut texts);
        let mut new = cx.buffers.take();
        new.extend(epoch(record).wrapping_add(1).to_be_bytes());
        let exchanged = [&awaited.texts[..], plain3, &plain4];
        update_vault(cx.crypto, &params, body(record), &exchanged, &mut new);
        cx.buffers.give(plain4);
        let peer = device(awaited.id);
        cx.output(Output::Running {
            peer,
            run: run_tag(&texts),
        });
        transmit(cx, from, &texts[fourth..]);
        self.records.write(cx, awaited.id, &new);
        cx.output(Output::Accepted {
            peer,
            session: session_tag(&texts),
            run: run3,
            key_id: Some(key_tag(&number_key(t1 ^ u128::from(t2)))),
        });
        cx.output(shared_state(peer, &new, self.records.durable()));
        cx.buffers.give(new);
        cx.buffers.give(texts);
    }
}

/// Reads the plaintext of M3 the way the prototype does: `r1||t1||{{c2},r2}`, C2 cut at the first
/// occurrence of the decimal text of r2, which need not be the one at the end.
fn judge<'a>(
    cx: &mut Context<'_>,
    params: &Params,
    r1: u64,
    plain3: &'a [u8],
    mut c2: Vec<u8>,
) -> Result<Claims<'a>, &'static str> {
    let parsed = (|| {
        let (first, rest) = split(plain3)?;
        let (second, rest) = split(rest)?;
        let third = find(rest, SEPARATOR).map_or(rest, |end| &rest[..end]);
        let body = inner(third);
        let r2 = body.rsplit(|byte| *byte == b',').next()?;
        let claimed = number(first)?;
        Some((claimed, number(second)?, body, r2))
    })();
    let Some((claimed, t1, body, r2)) = parsed else {
        cx.buffers.give(c2);
        return Err("malformed");
    };
    let equal = cx
        .crypto
        .equal(&claimed.to_le_bytes(), &u128::from(r1).to_le_bytes());
    if !equal {
        cx.buffers.give(c2);
        return Err("r1");
    }
    let list = find(body, r2)
        .and_then(|at| at.checked_sub(2))
        .and_then(|end| body.get(1..end));
    let complete = list.and_then(|list| parse_list(list, params.keys, &mut c2));
    if complete.is_none() || number(r2).is_none() {
        cx.buffers.give(c2);
        return Err("malformed");
    }
    Ok(Claims { t1, c2, r2 })
}

impl Machine for LiteralServer {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.announce(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(AUTHENTICATE);
        match self.awaited.take() {
            None => self.on_m1(cx, incoming.from, incoming.bytes),
            Some(awaited) => self.on_m3(cx, incoming.from, awaited, incoming.bytes),
        }
    }

    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {}

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        let known = command.id == SEND_DATA_DOWN;
        let reason = if known {
            "no-session"
        } else {
            "unknown-command"
        };
        cx.reject(Scope::Command, reason, None, None);
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.awaited = None;
        self.records.restart();
        self.announce(cx);
    }

    fn state(&self) -> &'static str {
        if self.awaited.is_some() {
            "WAIT_M3"
        } else {
            "WAIT_M1"
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::super::messages::indices;
    use super::*;
    use crate::entropy::Script;
    use crate::parameter::Values;
    use crate::storage::MemoryStorage;
    use crate::testing::Bench;

    fn challenge_read(plain3: &[u8]) -> Result<Vec<u16>, &'static str> {
        let params = Params::new("literal", &Values::default()).unwrap();
        let machine = LiteralServer::new(Arc::new(params.clone()));
        let mut bench = Bench::new(machine, MemoryStorage::default(), Script::default());
        let mut read = Err("never judged");
        bench.call(|_, cx| {
            read = judge(cx, &params, 5, plain3, Vec::new()).map(|claims| {
                let list = indices(&claims.c2).iter();
                list.map(|index| u16::from_be_bytes(*index)).collect()
            });
        });
        read
    }

    #[test]
    fn the_challenge_is_cut_at_the_first_occurrence_of_r2() {
        let whole = challenge_read(b"5||1||{{3, 12, 45},77}");
        assert_eq!(whole, Ok(vec![3, 12, 45]));
        assert_eq!(challenge_read(b"5||1||{{3, 12, 45},45}"), Ok(vec![3, 12]));
        assert_eq!(challenge_read(b"5||1||{{13, 12, 45},12}"), Ok(vec![13]));
        assert_eq!(challenge_read(b"5||1||{{3, 12, 45},3}"), Err("malformed"));
    }

    #[test]
    fn what_cannot_be_parsed_is_malformed_and_another_r1_is_not() {
        assert_eq!(challenge_read(b"6||1||{{3},77}"), Err("r1"));
        for text in [
            "5||1",
            "5||x||{{3},77}",
            "5||1||{{3x},77}",
            "5||1||{{1000},77}",
            "5||1||",
        ] {
            assert_eq!(challenge_read(text.as_bytes()), Err("malformed"), "{text}");
        }
    }
}
