//! S2 and S3: the server judges an M3 and answers it.

use std::sync::Arc;

use crate::address::Address;
use crate::context::Context;
use crate::machine::Timer;
use crate::output::{Output, Scope};

use super::super::AUTHENTICATE;
use super::super::equations::{
    Exchange, Key, combined_key, fixed_challenge, key_tag, run_tag, same_set, session_tag,
};
use super::super::messages::{M4, check_challenge, indices};
use super::super::params::{Commit, Params, ServerOrder, Without};
use super::super::sealing::{open, seal};
use super::super::session::{Ledger, Session};
use super::super::table::Owner;
use super::super::vault::{body, renewed, shared_state};
use super::{Answered, Open, Pending, Server, device, transmit};

/// A verified M3 in plain.
struct Verified {
    t1: Key,
    /// C2 in wire form.
    c2: Vec<u8>,
    r2: Key,
}

impl Server {
    /// The slot of the answered M3 that this one repeats.
    fn repeated(&self, cx: &mut Context<'_>, from: Address, body3: &[u8]) -> Option<u32> {
        self.params.resend?;
        let mut slot = self.answered.newest_at(from)?;
        let hash = cx.crypto.sha256(&[body3]);
        loop {
            if self.answered.get(slot)?.third == hash {
                return Some(slot);
            }
            slot = self.answered.older_here(slot)?;
        }
    }

    /// S2 and S3. `body3` is the body of M3.
    pub(super) fn on_m3(&mut self, cx: &mut Context<'_>, from: Address, body3: &[u8]) {
        if let Some(slot) = self.repeated(cx, from, body3) {
            let fourth = self.answered.get(slot).map_or(&[][..], |it| &it.fourth);
            transmit(cx, from, M4, fourth);
            return;
        }
        let Some(slot) = self.pending.newest_at(from) else {
            cx.reject(Scope::Frame, "unexpected", None, None);
            return;
        };
        let id = self.pending.owner(slot).device;
        let Some(pending) = self.drop_pending(cx, slot) else {
            return;
        };
        let params = Arc::clone(&self.params);
        cx.crypto.db_read();
        let stored = self.records.read(cx.storage, pending.vault).unwrap_or(&[]);
        let record = if pending.before.is_empty() {
            stored
        } else {
            &pending.before
        };
        match verify(cx, &params, body(record), &pending, body3) {
            Ok(verified) => self.answer(cx, from, id, &pending, body3, verified),
            Err(reason) => {
                cx.reject(Scope::Attempt, reason, Some(device(id)), None);
            }
        }
        pending.release(cx);
    }

    /// S3 after its checks.
    fn answer(
        &mut self,
        cx: &mut Context<'_>,
        from: Address,
        id: u32,
        pending: &Pending,
        body3: &[u8],
        verified: Verified,
    ) {
        let params = Arc::clone(&self.params);
        let mb = params.key_bytes;
        let Verified { t1, c2, r2 } = verified;
        let stored = self.records.read(cx.storage, pending.vault).unwrap_or(&[]);
        let record = if pending.before.is_empty() {
            stored
        } else {
            &pending.before
        };
        let mut t2 = Key::default();
        cx.random(&mut t2[..mb]);
        let mut t = t1;
        cx.crypto.xor(&mut t[..mb], &t2[..mb]);
        let mut key = combined_key(cx.crypto, body(record), mb, indices(&c2));
        cx.crypto.xor(&mut key[..mb], &t1[..mb]);

        let mut plain3 = cx.buffers.take();
        plain3.extend_from_slice(pending.r1(mb));
        plain3.extend_from_slice(&t1[..mb]);
        plain3.extend_from_slice(&c2);
        plain3.extend_from_slice(&r2[..mb]);
        cx.buffers.give(c2);
        let mut plain4 = cx.buffers.take();
        plain4.extend_from_slice(&r2[..mb]);
        plain4.extend_from_slice(&t2[..mb]);
        let mut bodies = cx.buffers.take();
        bodies.extend_from_slice(&pending.opening);
        bodies.extend_from_slice(body3);
        let run3 = run_tag(&bodies);
        let fourth = bodies.len();
        seal(cx, &params, &key[..mb], &plain4, &mut bodies);
        let mut data = cx.buffers.take();
        let exchange = Exchange {
            opening: &pending.opening,
            third: body3,
            fourth: &bodies[fourth..],
            plain3: &plain3,
            plain4: &plain4,
        };
        exchange.write(&params, &mut data);
        cx.buffers.give(plain3);
        cx.buffers.give(plain4);

        let older = self.sessions.of(Owner::device(id));
        if let (Some(slot), Commit::SessionEnd) = (older, params.commit) {
            self.end_session(cx, slot, "replaced");
            cx.phase(AUTHENTICATE);
        }
        let commits = params.commit == Commit::M4
            && params.without != Some(Without::Update)
            && pending.before.is_empty();
        // The record is read again: ending the older session may have changed the volatile copy.
        let new = commits.then(|| {
            let record = self.records.read(cx.storage, pending.vault).unwrap_or(&[]);
            renewed(cx, &params, record, &data)
        });
        if let (Some(new), ServerOrder::StoreFirst) = (&new, params.server_order) {
            self.records.write(cx, pending.vault, new);
        }
        cx.output(Output::Running {
            peer: device(id),
            run: run_tag(&bodies),
        });
        transmit(cx, from, M4, &bodies[fourth..]);
        if let (Some(new), ServerOrder::SendFirst) = (&new, params.server_order) {
            self.records.write(cx, pending.vault, new);
        }
        if let (Some(slot), Commit::M4) = (older, params.commit) {
            self.end_session(cx, slot, "replaced");
            cx.phase(AUTHENTICATE);
        }
        let session = Session::new(&t[..mb], session_tag(&bodies));
        cx.output(Output::Accepted {
            peer: device(id),
            session: session.tag(),
            run: run3,
            key_id: Some(key_tag(&t[..mb])),
        });
        if let Some(new) = new {
            cx.output(shared_state(
                device(pending.vault),
                &new,
                self.records.durable(),
            ));
            cx.buffers.give(new);
        }
        let ledger = if params.commit == Commit::SessionEnd {
            Some(Box::new(Ledger::new(data)))
        } else {
            cx.buffers.give(data);
            None
        };
        let open = Open {
            session,
            vault: pending.vault,
            ledger,
        };
        self.sessions.insert(Owner::device(id), from, open);
        if params.session_length.nanos() > 0 {
            let timer = Timer {
                kind: params.session_timer(),
                key: id,
            };
            cx.arm(timer, params.session_length);
        }
        if params.resend.is_some() {
            self.remember(cx, id, from, body3, &bodies[fourth..]);
        }
        cx.buffers.give(bodies);
    }

    fn remember(
        &mut self,
        cx: &mut Context<'_>,
        id: u32,
        from: Address,
        body3: &[u8],
        body4: &[u8],
    ) {
        let owner = Owner::device(id);
        let older = self.answered.of(owner);
        let mut fourth = older
            .and_then(|slot| self.answered.remove(slot))
            .map_or_else(Vec::new, |answered| answered.fourth);
        fourth.clear();
        fourth.extend_from_slice(body4);
        let third = cx.crypto.sha256(&[body3]);
        self.answered
            .insert(owner, from, Answered { third, fourth });
    }
}

/// The checks of S3, in order: `open`, `r1`, `challenge`.
fn verify(
    cx: &mut Context<'_>,
    params: &Params,
    vault: &[u8],
    pending: &Pending,
    body3: &[u8],
) -> Result<Verified, &'static str> {
    let mb = params.key_bytes;
    let c1 = indices(pending.c1(mb));
    let k1 = combined_key(cx.crypto, vault, mb, c1);
    let mut plain = cx.buffers.take();
    let length = params.plain3_bytes();
    let any = params.without == Some(Without::R1);
    let mut verdict = Ok(());
    if !open(cx.crypto, params, &k1[..mb], body3, length, &mut plain) {
        plain.clear();
        plain.resize(length, 0);
        verdict = Err("open");
    } else if !cx.crypto.equal(&plain[..mb], pending.r1(mb)) && !any {
        verdict = Err("r1");
    }
    let (t1, rest) = plain[mb..].split_at(mb);
    let (c2, r2) = rest.split_at(params.challenge_bytes());
    if verdict.is_ok() {
        let list = indices(c2);
        let judged = check_challenge(list, params.keys, params.challenge_check, "c2", 0);
        if judged.is_err() || same_set(list, c1) {
            verdict = Err("challenge");
        }
    }
    let mut verified = Verified {
        t1: Key::default(),
        c2: cx.buffers.take(),
        r2: Key::default(),
    };
    match verdict {
        Ok(()) => {
            verified.t1[..mb].copy_from_slice(t1);
            verified.r2[..mb].copy_from_slice(r2);
            verified.c2.extend_from_slice(c2);
        }
        Err(_) if any => fixed_challenge(params, Some(c1), &mut verified.c2),
        Err(_) => {}
    }
    cx.buffers.give(plain);
    match verdict {
        Err(reason) if !any => {
            cx.buffers.give(verified.c2);
            Err(reason)
        }
        _ => Ok(verified),
    }
}
