//! What somebody on the path knows of every login that passes: parts, numbers, and S.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::View;
use crate::crypto::group::mod_pow;
use crate::rsa_udp::messages::Salt;
use crate::rsa_udp::params::{Group, Params};
use crate::rsa_udp::{CLIENT, DEVICE};

use super::wire::{CONNECT, ENCRYPT, EncryptParts, PASS, PassParts, SEALED, Wire};

/// Discrete logarithms by baby and giant steps.
#[derive(Clone, Debug)]
pub(super) struct Logarithm {
    group: Group,
    step: u64,
    babies: BTreeMap<u32, u64>,
}

impl Logarithm {
    pub(super) const fn new(group: Group) -> Self {
        Self {
            group,
            step: 0,
            babies: BTreeMap::new(),
        }
    }

    /// The exponent of a public value; `None` where it is no power of the generator.
    pub(super) fn of(&mut self, public: u32) -> Option<u64> {
        let prime = u64::from(self.group.prime);
        if self.babies.is_empty() {
            self.step = (prime - 1).isqrt() + 1;
            let mut power = 1;
            for exponent in 0..self.step {
                self.babies
                    .entry(u32::try_from(power).ok()?)
                    .or_insert(exponent);
                power = power * u64::from(self.group.generator) % prime;
            }
        }
        // g to the power -step.
        let order = prime - 1;
        let back = (order - self.step % order) % order;
        let giant = u64::from(mod_pow(self.group.generator, back, self.group.prime));
        let mut value = u64::from(public) % prime;
        for giants in 0..=self.step {
            if let Some(baby) = self.babies.get(&u32::try_from(value).ok()?) {
                return Some(giants * self.step + baby);
            }
            value = value * giant % prime;
        }
        None
    }

    /// `S` from both public values of a login.
    pub(super) fn shared(&mut self, one: u32, other: u32) -> Option<u32> {
        let exponent = self.of(one)?;
        Some(mod_pow(other, exponent, self.group.prime))
    }
}

/// A login that has passed.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) client: Address,
    pub(super) device: Address,
    pub(super) pass: PassParts,
    pub(super) encrypt: EncryptParts,
    /// SEALED frames so far in each direction.
    pub(super) up: u64,
    pub(super) down: u64,
}

impl Session {
    /// The device's public key.
    pub(super) fn device_key(&self) -> (&[u8], u32) {
        (&self.encrypt.modulus, self.encrypt.exponent)
    }

    /// The client's public key.
    pub(super) fn client_key(&self) -> (&[u8], u32) {
        (&self.pass.modulus, self.pass.exponent)
    }
}

/// What a frame is, for somebody who has followed the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A device offers itself.
    Connect,
    /// A user logs in.
    Pass,
    /// The device accepts: there is a session now.
    Login,
    /// The n-th SEALED of the client, from 0.
    Up(u64),
    /// The n-th SEALED of the device, from 0.
    Down(u64),
    /// Anything else.
    Other,
}

/// Follows logins.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) wire: Wire,
    pub(super) logarithm: Logarithm,
    /// Salts by host of the device and number.
    pub(super) offers: BTreeMap<(u32, u64), Salt>,
    pending: BTreeMap<Address, PassParts>,
    /// By address of the client.
    pub(super) sessions: BTreeMap<Address, Session>,
}

/// Offers that are remembered.
const OFFERS_MAX: usize = 4096;

impl Tap {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            wire: Wire::new(params),
            logarithm: Logarithm::new(params.group),
            offers: BTreeMap::new(),
            pending: BTreeMap::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// Takes a frame down.
    pub(super) fn sees(&mut self, view: &View<'_>) -> Event {
        match view.message {
            Some(CONNECT) => {
                if let Some(parts) = self.wire.connect(view.bytes) {
                    if self.offers.len() >= OFFERS_MAX {
                        self.offers.pop_first();
                    }
                    self.offers
                        .insert((view.from.host, parts.number), parts.salt);
                }
                Event::Connect
            }
            Some(PASS) => {
                if let Some(parts) = self.wire.pass(view.bytes) {
                    self.pending.insert(view.from, parts);
                }
                Event::Pass
            }
            Some(ENCRYPT) => {
                let encrypt = self.wire.encrypt(view.bytes);
                let (Some(pass), Some(encrypt)) = (self.pending.remove(&view.to), encrypt) else {
                    return Event::Other;
                };
                let session = Session {
                    client: view.to,
                    device: view.from,
                    pass,
                    encrypt,
                    up: 0,
                    down: 0,
                };
                self.sessions.insert(view.to, session);
                Event::Login
            }
            Some(SEALED) if view.from_role == Some(CLIENT) => {
                let Some(session) = self.sessions.get_mut(&view.from) else {
                    return Event::Other;
                };
                session.up += 1;
                Event::Up(session.up - 1)
            }
            Some(SEALED) if view.from_role == Some(DEVICE) => {
                let Some(session) = self.sessions.get_mut(&view.to) else {
                    return Event::Other;
                };
                session.down += 1;
                Event::Down(session.down - 1)
            }
            _ => Event::Other,
        }
    }

    /// A PASS that is under way.
    pub(super) fn pending(&self, client: Address) -> Option<&PassParts> {
        self.pending.get(&client)
    }

    /// The session to which a frame belongs.
    pub(super) fn session(&self, view: &View<'_>) -> Option<&Session> {
        let found = self.sessions.get(&view.from);
        found.or_else(|| self.sessions.get(&view.to))
    }

    /// `S` of a session.
    pub(super) fn shared(&mut self, session: &Session) -> Option<u64> {
        let shared = self
            .logarithm
            .shared(session.pass.dh_public, session.encrypt.dh_public)?;
        Some(u64::from(shared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_of_the_published_group_are_found() {
        let group = Group {
            prime: 105_341,
            generator: 3,
            exponent_max: 500_000,
        };
        let mut logarithm = Logarithm::new(group);
        for exponent in [0, 1, 2, 52_670, 105_339, 77_777] {
            let public = mod_pow(3, exponent, group.prime);
            assert_eq!(logarithm.of(public), Some(exponent));
        }
        let (one, other) = (mod_pow(3, 1234, 105_341), mod_pow(3, 99_999, 105_341));
        let shared = mod_pow(other, 1234, 105_341);
        assert_eq!(logarithm.shared(one, other), Some(shared));
    }
}
