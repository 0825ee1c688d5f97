//! D2 to D4: the device answers the challenge and judges the server's answer.

use std::sync::Arc;

use crate::context::Context;
use crate::machine::Timer;
use crate::output::{Output, Scope};

use super::super::equations::{
    Exchange, Key, combined_key, draw_challenge, key_tag, run_tag, session_tag,
};
use super::super::messages::{Indices, M3, indices};
use super::super::params::{Commit, Without};
use super::super::sealing::{open, seal};
use super::super::session::{Ledger, Session};
use super::super::vault::{body, opened, renewed};
use super::super::waiting::{arm_next_wait, cancel_wait};
use super::{Device, Handshake, Open, State};

impl Device {
    /// D2. `body2` is the body of M2, which `c1` is part of.
    pub(super) fn answer(
        &mut self,
        cx: &mut Context<'_>,
        mut handshake: Handshake,
        c1: Indices<'_>,
        body2: &[u8],
    ) {
        let params = &*self.params;
        let mb = params.key_bytes;
        let r1 = &body2[body2.len().saturating_sub(mb)..];
        let mut plain = cx.buffers.take();
        plain.extend_from_slice(r1);
        plain.resize(3 * mb, 0);
        let (t1, r2) = plain[mb..].split_at_mut(mb);
        cx.random(t1);
        cx.random(r2);
        // r2 moves behind c2, which is drawn after it.
        let mut nonce = Key::default();
        nonce[..mb].copy_from_slice(r2);
        plain.truncate(2 * mb);
        draw_challenge(cx, params, Some(c1), &mut plain);
        plain.extend_from_slice(&nonce[..mb]);

        let record = self.records.read(cx.storage, 0).unwrap_or(&[]);
        let clear = opened(cx, params, record);
        let k1 = combined_key(cx.crypto, body(&clear), mb, c1);
        clear.release(cx);
        handshake.buffer[..plain.len()].copy_from_slice(&plain);
        handshake.buffer.extend_from_slice(body2);
        handshake.third = u32::try_from(handshake.buffer.len()).unwrap_or(u32::MAX);
        seal(cx, params, &k1[..mb], &plain, &mut handshake.buffer);
        cx.buffers.give(plain);
        cx.output(Output::Running {
            peer: self.peer(),
            run: run_tag(handshake.bodies(params)),
        });
        self.transmit(cx, M3, handshake.third());
        arm_next_wait(cx, params);
        handshake.copies = 0;
        self.state = State::WaitM4(handshake);
    }

    /// D3 and D4. `sealed` is the body of M4.
    pub(super) fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        mut handshake: Handshake,
        sealed: &[u8],
    ) {
        cancel_wait(cx, &self.params);
        let params = Arc::clone(&self.params);
        let mb = params.key_bytes;
        let record = self.records.read(cx.storage, 0).unwrap_or(&[]);
        let clear = opened(cx, &params, record);
        let (plain3, _) = handshake.buffer.split_at(params.plain3_bytes());
        let (t1, rest) = plain3[mb..].split_at(mb);
        let (c2, r2) = rest.split_at(params.challenge_bytes());
        let mut key = combined_key(cx.crypto, body(&clear), mb, indices(c2));
        cx.crypto.xor(&mut key[..mb], t1);
        let mut plain4 = cx.buffers.take();
        let length = params.plain4_bytes();
        let any = params.without == Some(Without::R2);
        let mut verdict = Ok(());
        if !open(cx.crypto, &params, &key[..mb], sealed, length, &mut plain4) {
            verdict = Err("open");
            if any {
                plain4.clear();
                plain4.resize(length, 0);
            }
        } else if !cx.crypto.equal(&plain4[..mb], r2) {
            verdict = Err("r2");
        }
        if let (Err(reason), false) = (verdict, any) {
            clear.release(cx);
            cx.buffers.give(plain4);
            cx.buffers.give(handshake.buffer);
            self.refuse(cx, Scope::Attempt, reason);
            return;
        }
        let mut t = Key::default();
        t[..mb].copy_from_slice(t1);
        cx.crypto.xor(&mut t[..mb], &plain4[mb..]);
        let mut data = cx.buffers.take();
        let exchange = Exchange {
            opening: handshake.opening(&params),
            third: handshake.third(),
            fourth: sealed,
            plain3,
            plain4: &plain4,
        };
        exchange.write(&params, &mut data);
        handshake.buffer.extend_from_slice(sealed);
        let bodies = handshake.bodies(&params);
        let session = Session::new(&t[..mb], session_tag(bodies));
        cx.output(Output::Accepted {
            peer: self.peer(),
            session: session.tag(),
            run: run_tag(bodies),
            key_id: Some(key_tag(&t[..mb])),
        });
        let ledger = match params.commit {
            Commit::M4 => {
                let new = (params.without != Some(Without::Update))
                    .then(|| renewed(cx, &params, &clear, &data));
                clear.release(cx);
                if let Some(new) = new {
                    self.commit(cx, new);
                }
                cx.buffers.give(data);
                None
            }
            Commit::SessionEnd => {
                clear.release(cx);
                Some(Box::new(Ledger::new(data)))
            }
        };
        cx.buffers.give(plain4);
        cx.buffers.give(handshake.buffer);
        if params.session_length.nanos() > 0 {
            cx.arm(Timer::only(params.session_timer()), params.session_length);
        }
        self.state = State::Session(Open { session, ledger });
    }
}
