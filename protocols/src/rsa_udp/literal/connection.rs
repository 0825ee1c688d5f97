//! A connection of the printed program's client. Its number is the client's, not its own.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::address::{Address, Channel};
use crate::context::Context;
use crate::crypto::rsa::{PrivateKey, PublicKey};
use crate::output::{Fingerprints, Output, Principal, Reason, Scope, Tag};

use super::super::equations;
use super::super::params::Params;
use super::super::{CLIENT_PORT, SEQ_MAX};
use super::slots::Addressed;
use super::text;

/// A login that holds.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) device: Address,
    pub(super) peer: Principal,
    pub(super) key: PublicKey,
    pub(super) own: Arc<PrivateKey>,
    /// `S` of its login.
    pub(super) first: u32,
    pub(super) session: Tag,
    pub(super) key_id: Tag,
    /// An echo is due.
    pub(super) awaiting: bool,
    /// Lines that wait for the echo of the one before.
    pub(super) queue: VecDeque<Vec<u8>>,
    /// Default lines made so far.
    pub(super) default_lines: u32,
}

impl Addressed for Connection {
    fn address(&self) -> Address {
        self.device
    }
}

impl Connection {
    /// 16 printable bytes that no other default line of the session has.
    pub(super) fn default_line(&mut self) -> [u8; 16] {
        self.default_lines = self.default_lines.wrapping_add(1);
        let number = self.default_lines.to_be_bytes();
        equations::hex(&crate::crypto::tag("line", &[&self.session, &number]))
    }

    pub(super) fn send_line(&mut self, line: &[u8], n: u64, params: &Params, cx: &mut Context<'_>) {
        if n + 2 >= SEQ_MAX {
            let (peer, session) = (Some(self.peer), Some(self.session));
            return cx.reject(Scope::Command, "sequence", peer, session);
        }
        cx.output(Output::DataSent {
            session: self.session,
            seq: n,
            digest: equations::digest(line),
        });
        let number = n.to_string();
        let plain = [b"DATA:", line, b",", number.as_bytes()].concat();
        self.send_sealed(&plain, params, cx);
        self.awaiting = true;
    }

    pub(super) fn send_sealed(&self, plain: &[u8], params: &Params, cx: &mut Context<'_>) {
        let mut sealed = Vec::new();
        let entropy = &mut *cx.entropy;
        let fits = cx
            .crypto
            .rsa_seal(entropy, &self.key, params.oaep_hash, plain, &mut sealed)
            .is_ok();
        if fits {
            cx.send(CLIENT_PORT, self.device, Channel::Public, |out| {
                text::base64_encode(&sealed, out);
            });
        }
    }

    pub(super) fn end(self, reason: &'static str, cx: &mut Context<'_>) {
        cx.output(Output::Ended {
            peer: self.peer,
            session: self.session,
            reason: Reason::new(reason),
        });
        self.output_shared(Fingerprints::NONE, 0, cx);
    }

    pub(super) fn output_shared(
        &self,
        fingerprints: Fingerprints,
        epoch: u64,
        cx: &mut Context<'_>,
    ) {
        cx.output(Output::SharedState {
            peer: self.peer,
            relation: 0,
            epoch,
            fingerprints,
            durable: false,
        });
    }
}
