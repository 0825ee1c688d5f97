//! How a device judges a PASS: rows D4 to D7.

use std::sync::Arc;

use crate::address::Address;
use crate::context::Context;
use crate::crypto::rsa::PublicKey;
use crate::machine::Incoming;
use crate::output::{Output, Principal, Scope};

use super::super::CLIENT;
use super::super::equations::{self, KeyView, Stored, hardened};
use super::super::messages::{Encrypt, ErrorCode, Frame, Pass, Salt};
use super::super::params::Without;
use super::super::records::{self, Entry};
use super::super::sealing::Keys;
use super::{Connected, Device, send};

impl Device {
    /// D4 to D7.
    pub(super) fn login(&mut self, incoming: &Incoming<'_>, pass: &Pass<'_>, cx: &mut Context<'_>) {
        let params = Arc::clone(&self.params);
        let cached = self
            .salts
            .iter()
            .find(|(number, _)| *number == pass.number)
            .map(|(_, salt)| *salt);
        if cached.is_none() && !params.lacks(Without::Number) {
            return cx.reject(Scope::Frame, "number", None, None);
        }
        cx.crypto.db_read();
        let entry = records::find_user(cx.storage, &params, pass.user);
        let Entry::Known(stored) = entry else {
            return refuse(cx, incoming.from, ErrorCode::Login);
        };
        if !self.is_proof(incoming.bytes, pass, &stored, cached.as_ref(), cx) {
            return refuse(cx, incoming.from, ErrorCode::Login);
        }
        if !equations::in_range(pass.dh_public, &params.group) {
            if params.lacks(Without::Limits) {
                self.halted = true;
                return cx.halt();
            }
            return refuse(cx, incoming.from, ErrorCode::Argument);
        }
        let sized = pass.modulus.len() == params.modulus_bytes();
        let key = PublicKey::new(pass.modulus, pass.exponent, params.arithmetic);
        let Some(key) = key.filter(|_| sized) else {
            return refuse(cx, incoming.from, ErrorCode::NullPubKey);
        };
        let storage = cx.storage;
        let Some((pair, own)) =
            records::pair(storage).and_then(|pair| Some((pair, pair.private_key()?)))
        else {
            return cx.reject(Scope::Frame, "no-key", None, None);
        };
        let salt = cached.unwrap_or_default();
        let (exponent, dh_public) = equations::draw_exponent(cx, &params.group);
        let first = equations::shared_secret(cx.crypto, pass.dh_public, exponent, &params.group);
        cx.crypto.db_read();
        let mut encrypt = Encrypt {
            server_hash: [0; 32],
            dh_public,
            exponent: pair.exponent(),
            modulus: pair.modulus(),
        };
        let mut mac = None;
        if params.hardened() {
            let digest = cx.crypto.sha256(&[incoming.bytes]);
            let mut frame = cx.buffers.take();
            Frame::Encrypt(encrypt).encode(&mut frame);
            encrypt.server_hash = hardened::server_mac(cx.crypto, &stored, &digest, &frame);
            frame.clear();
            Frame::Encrypt(encrypt).encode(&mut frame);
            mac = Some(hardened::session_key(
                cx.crypto, &stored, &digest, &frame, first,
            ));
            cx.buffers.give(frame);
        } else {
            encrypt.server_hash =
                equations::salted_hash(cx.crypto, &params, &stored, &pass.client_salt);
        }
        let user = Principal::name(CLIENT, pass.user);
        let run = equations::run_tag(&salt, &pass.client_salt);
        let session = equations::session_tag(&salt, &pass.client_salt);
        let key_id = equations::key_id(
            KeyView {
                modulus: pass.modulus,
                exponent: pass.exponent,
            },
            KeyView {
                modulus: pair.modulus(),
                exponent: pair.exponent(),
            },
            first,
            mac.as_ref(),
        );
        cx.output(Output::Running { peer: user, run });
        send(cx, incoming.from, &Frame::Encrypt(encrypt));
        cx.output(Output::Accepted {
            peer: user,
            session,
            run,
            key_id: Some(key_id),
        });
        if params.consume_salt {
            self.salts.retain(|(number, _)| *number != pass.number);
        }
        let connected = Box::new(Connected {
            address: incoming.from,
            user,
            keys: Keys { peer: key, mac },
            own,
            n: u64::from(first),
            first,
            session,
            key_id,
            last: None,
            over: false,
        });
        connected.share(cx);
        self.connected = Some(connected);
        self.watch_peer(cx);
    }

    /// True when the PASS proves knowledge of the stored value.
    fn is_proof(
        &self,
        frame: &[u8],
        pass: &Pass<'_>,
        stored: &Stored,
        salt: Option<&Salt>,
        cx: &mut Context<'_>,
    ) -> bool {
        if self.params.lacks(Without::Password) {
            return true;
        }
        let Some(salt) = salt else {
            // Only the twin without numbers comes here, and it has no salt to compare with.
            return true;
        };
        let expected = if self.params.hardened() {
            hardened::login_mac(cx.crypto, stored, salt, frame)
        } else {
            equations::salted_hash(cx.crypto, &self.params, stored, salt)
        };
        cx.crypto.equal(&expected, &pass.login_hash)
    }
}

/// Answers a PASS with ERROR.
fn refuse(cx: &mut Context<'_>, to: Address, code: ErrorCode) {
    send(cx, to, &Frame::Error(code));
    cx.reject(Scope::Frame, code.reason(), None, None);
}
