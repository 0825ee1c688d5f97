//! S2 and S3 of `hardened`: the server judges an M3, commits, and only then answers.

use std::sync::Arc;

use crate::address::Address;
use crate::context::Context;
use crate::machine::Timer;
use crate::output::{Output, Scope};

use super::super::super::SESSION;
use super::super::super::equations::{Key, combined_key, key_tag, run_tag, same_set, session_tag};
use super::super::super::messages::{M4, check_challenge, indices};
use super::super::super::params::ChallengeCheck;
use super::super::super::session::Session;
use super::super::super::table::Owner;
use super::super::super::vault::{body, epoch};
use super::super::equations::{KeyPair, open, seal, update_vault};
use super::super::messages::{Sealed, plain3_bytes};
use super::super::slots::{Answered, Slots};
use super::super::{NONCE_BYTES, Setup};
use super::{HardenedServer, Open, Pending, device, shared_state, transmit};

/// A verified M3 in plain.
struct Verified<'a> {
    /// The slot it was made with.
    slot: &'a [u8],
    t1: Key,
    /// C2 in wire form.
    c2: Vec<u8>,
    r2: [u8; NONCE_BYTES],
}

impl HardenedServer {
    /// The body of the M4 that answered an M3 equal to this one, from durable storage.
    fn repeated<'a>(&self, cx: &mut Context<'a>, from: Address, body3: &[u8]) -> Option<&'a [u8]> {
        self.setup.params.resend?;
        let mut entry = self.answered.newest_at(from)?;
        let hash = cx.crypto.sha256(&[body3]);
        loop {
            let id = self.answered.owner(entry).device;
            let answered = self.slots(cx, id).and_then(|slots| slots.answered);
            if let Some(answered) = answered.filter(|answered| answered.third == hash) {
                return Some(answered.fourth);
            }
            entry = self.answered.older_here(entry)?;
        }
    }

    /// S2 and S3. Every pending handshake of this address and session id is tried, newest first:
    /// one that an attacker put there under the device's address hides none.
    pub(super) fn on_m3(
        &mut self,
        cx: &mut Context<'_>,
        from: Address,
        sealed: &Sealed<'_>,
        body3: &[u8],
    ) {
        if let Some(fourth) = self.repeated(cx, from, body3) {
            transmit(cx, from, M4, fourth);
            return;
        }
        let setup = Arc::clone(&self.setup);
        let mut refusal = ("unexpected", None);
        let mut next = self.pending.newest_at(from);
        while let Some(entry) = next {
            next = self.pending.older_here(entry);
            let id = self.pending.owner(entry).device;
            let pending = self.pending.get(entry);
            let Some(pending) = pending.filter(|it| it.session_id == sealed.session_id) else {
                continue;
            };
            cx.crypto.db_read();
            let Some(slots) = self.slots(cx, id) else {
                continue;
            };
            match verify(cx, &setup, &slots, pending, sealed) {
                Ok(verified) => {
                    let mut bodies = cx.buffers.take();
                    bodies.extend_from_slice(&pending.opening);
                    bodies.extend_from_slice(body3);
                    self.discard_pending(cx, entry);
                    self.answer(cx, from, id, &slots, (bodies, body3), verified);
                    return;
                }
                Err(reason) => refusal = (reason, Some(device(id))),
            }
        }
        cx.reject(Scope::Frame, refusal.0, refusal.1, None);
    }

    /// S3 after its checks. `bodies` are those of M1, M2 and M3, the last of which is `body3`.
    fn answer(
        &mut self,
        cx: &mut Context<'_>,
        from: Address,
        id: u32,
        slots: &Slots<'_>,
        (mut bodies, body3): (Vec<u8>, &[u8]),
        verified: Verified<'_>,
    ) {
        let setup = Arc::clone(&self.setup);
        let params = &setup.params;
        let mb = params.key_bytes;
        let Verified { slot, t1, c2, r2 } = verified;
        let mut t2 = Key::default();
        cx.random(&mut t2[..mb]);
        let k2 = combined_key(cx.crypto, body(slot), mb, indices(&c2));
        cx.buffers.give(c2);
        let run3 = run_tag(&bodies);
        let secret = [&k2[..mb], &t1[..mb]];
        let keys = KeyPair::derive(cx.crypto, &bodies, &secret, b"sv-m4", mb);
        let mut plain4 = cx.buffers.take();
        plain4.extend_from_slice(&r2);
        plain4.extend_from_slice(&t2[..mb]);
        let fourth = bodies.len();
        let session_id = body3.get(..4).unwrap_or(&[]);
        seal(cx, &keys, M4, session_id, &plain4, &mut bodies);
        cx.buffers.give(plain4);
        let secret = [&t1[..mb], &t2[..mb]];
        let t = KeyPair::derive(cx.crypto, &bodies, &secret, b"sv-t", mb);

        let mut new = cx.buffers.take();
        new.extend(epoch(slot).wrapping_add(1).to_be_bytes());
        update_vault(cx.crypto, body(slot), &bodies, &mut new);
        let third = cx.crypto.sha256(&[body3]);
        let committed = Slots {
            current: &new,
            previous: Some(slot),
            answered: Some(Answered {
                from,
                third: &third,
                fourth: &bodies[fourth..],
            }),
        };
        debug_assert!(slots.all().any(|known| known == slot), "the slot is stored");
        self.store(cx, id, &committed);
        cx.output(Output::Running {
            peer: device(id),
            run: run_tag(&bodies),
        });
        transmit(cx, from, M4, &bodies[fourth..]);
        let owner = Owner::device(id);
        if let Some(older) = self.sessions.of(owner) {
            self.end_session(cx, older, "replaced");
        }
        let session = Session::new(t.as_bytes(), session_tag(&bodies));
        cx.output(Output::Accepted {
            peer: device(id),
            session: session.tag(),
            run: run3,
            key_id: Some(key_tag(t.as_bytes())),
        });
        cx.output(shared_state(id, &committed));
        let open = Open {
            session,
            confirmed: false,
        };
        self.sessions.insert(owner, from, open);
        if let Some(older) = self.answered.of(owner) {
            self.answered.remove(older);
        }
        self.answered.insert(owner, from, ());
        if params.session_length.nanos() > 0 {
            let timer = Timer {
                kind: SESSION,
                key: id,
            };
            cx.arm(timer, params.session_length);
        }
        cx.buffers.give(new);
        cx.buffers.give(bodies);
    }
}

/// The checks of S3 against the slot that M1 named, or against both where it names none.
fn verify<'a>(
    cx: &mut Context<'_>,
    setup: &Setup,
    slots: &Slots<'a>,
    pending: &Pending,
    sealed: &Sealed<'_>,
) -> Result<Verified<'a>, &'static str> {
    let mut refusal = "epoch";
    for slot in slots.all() {
        if pending.epoch.is_none_or(|named| named == epoch(slot)) {
            match verify_under(cx, setup, slot, pending, sealed) {
                Ok(verified) => return Ok(verified),
                Err(reason) => refusal = reason,
            }
        }
    }
    Err(refusal)
}

/// The checks of S3 under one slot, in order: `mac`, `open`, `r1`, `epoch`, `challenge`.
fn verify_under<'a>(
    cx: &mut Context<'_>,
    setup: &Setup,
    slot: &'a [u8],
    pending: &Pending,
    sealed: &Sealed<'_>,
) -> Result<Verified<'a>, &'static str> {
    let params = &setup.params;
    let mb = params.key_bytes;
    let c1 = indices(pending.c1());
    let k1 = combined_key(cx.crypto, body(slot), mb, c1);
    let keys = KeyPair::derive(cx.crypto, &pending.opening, &[&k1[..mb]], b"sv-m3", mb);
    let mut plain = cx.buffers.take();
    let opened = open(cx.crypto, &keys, sealed, plain3_bytes(params), &mut plain);
    let judged = opened.and_then(|()| {
        let (r1, rest) = plain.split_at(NONCE_BYTES);
        let (t1, rest) = rest.split_at(mb);
        let (c2, rest) = rest.split_at(params.challenge_bytes());
        let (r2, claimed) = rest.split_at(NONCE_BYTES);
        if !cx.crypto.equal(r1, pending.r1()) {
            return Err("r1");
        }
        if claimed != epoch(slot).to_be_bytes() {
            return Err("epoch");
        }
        let list = indices(c2);
        let check = check_challenge(list, params.keys, ChallengeCheck::Full, "c2", 0);
        if check.is_err() || same_set(list, c1) {
            return Err("challenge");
        }
        let mut verified = Verified {
            slot,
            t1: Key::default(),
            c2: cx.buffers.take(),
            r2: [0; NONCE_BYTES],
        };
        verified.t1[..mb].copy_from_slice(t1);
        verified.c2.extend_from_slice(c2);
        verified.r2.copy_from_slice(r2);
        Ok(verified)
    });
    cx.buffers.give(plain);
    judged
}
