//! `dictionary`: every word of a list, against what a login shows.

use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Power, Property, Setup, Verdict, View,
};
use crate::crypto::Crypto;
use crate::rsa_udp::equations::Stored;
use crate::rsa_udp::messages::Salt;
use crate::rsa_udp::params::Params;

use super::tap::{Event, Tap};
use super::wire::{PassParts, Wire};
use super::words::{self, word};

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "dictionary",
    help: "Takes salt and login_hash from CONNECT and PASS and tries every word of a list (`words`) \
           offline; server_hash is the second check. One user, one password out of the list.",
    powers: &[Power::Observe],
    params: words::PARAMS,
    properties: &[Property::Secrecy],
    claims: &["RU-C1", "RU-C8"],
    control: Control::without("hash"),
    claims_secrets: &["password"],
    stage: super::STAGE.with_params(super::WEAK_PASSWORD),
    ..super::BASE
};

/// The password with which `pass` was made: read off where nothing is hashed, else out of the list.
pub(super) fn search(
    wire: &Wire,
    crypto: &mut Crypto,
    (salt, pass): (&Salt, &PassParts),
    size: u64,
) -> Option<Vec<u8>> {
    let plain: Vec<u8> = pass
        .login_hash
        .iter()
        .copied()
        .take_while(|byte| *byte != 0)
        .collect();
    let mut tries = core::iter::once(plain).chain((0..size).map(word));
    tries.find(|word| {
        let stored = Stored::new(crypto, &wire.params, word);
        wire.login_proof(crypto, &stored, salt, pass) == pass.login_hash
    })
}

#[derive(Debug)]
pub(super) struct Dictionary {
    tap: Tap,
    size: u64,
    /// Users whose password is known, or not in the list.
    done: Vec<Vec<u8>>,
}

impl Dictionary {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            tap: Tap::new(params),
            size: setup.params.integer("words", 1000),
            done: Vec::new(),
        }
    }
}

impl Attacker for Dictionary {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.tap.sees(view) == Event::Pass
            && let Some(pass) = self.tap.pending(view.from)
            && let Some(salt) = self.tap.offers.get(&(view.to.host, pass.number))
            && !self.done.contains(&pass.user)
        {
            cx.tried();
            self.done.push(pass.user.clone());
            if let Some(found) = search(&self.tap.wire, cx.crypto, (salt, pass), self.size) {
                cx.claim("password", view.from.host, found);
            }
        }
        Verdict::Pass
    }
}
