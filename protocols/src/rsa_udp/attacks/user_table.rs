//! `pass-the-hash` and `equal-passwords`: what a look into the user table is worth.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Control, Grant, Need, Position, Power, Property, Setup,
    View,
};
use crate::rsa_udp::equations::Stored;
use crate::rsa_udp::params::Params;
use crate::rsa_udp::{CLIENT, CLIENT_PORT, DEVICE_PORT, provision};

use super::wire::{CONNECT, OwnKey, PassParts, Wire, own_salt};

const AT_10_MIN: &str = "10min";

/// Names of users by host.
fn users(setup: &Setup<'_>) -> BTreeMap<u32, Vec<u8>> {
    let parties = setup.roster.parties.iter();
    parties
        .filter(|party| party.role == CLIENT)
        .map(|party| {
            let name = provision::name(setup.roster, party);
            (party.host, name.into_bytes())
        })
        .collect()
}

pub(super) const PASS_THE_HASH: AttackSpec = AttackSpec {
    id: "pass-the-hash",
    help: "One entry of the user table leaks. The stored value is all that a login needs: answers a \
           CONNECT with a PASS built from it, from an address of its own. The password is never known.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[Need {
        secret: "stored",
        of: "device",
        at: AT_10_MIN,
    }],
    claims: &["RU-C8"],
    control: Control::without("password"),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct PassTheHash {
    wire: Wire,
    users: BTreeMap<u32, Vec<u8>>,
    own: Address,
    key: OwnKey,
    stolen: Option<(Vec<u8>, Stored)>,
}

impl PassTheHash {
    pub(super) fn new(params: &Params, setup: &Setup<'_>) -> Self {
        Self {
            wire: Wire::new(params),
            users: users(setup),
            own: setup.own(0, CLIENT_PORT),
            key: OwnKey::default(),
            stolen: None,
        }
    }
}

impl Attacker for PassTheHash {
    fn on_grant(&mut self, grant: &Grant, _: &mut AttackContext<'_>) {
        let entry = grant.values.first();
        self.stolen = entry.and_then(|entry| {
            let user = self.users.get(&entry.about?)?.clone();
            Some((user, Stored::from_record(&entry.bytes, &self.wire.params)))
        });
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        if view.message != Some(CONNECT) {
            return;
        }
        let (Some((user, stored)), Some(offer)) =
            (self.stolen.clone(), self.wire.connect(view.bytes))
        else {
            return;
        };
        let Some((modulus, exponent, _)) = self.key.get(&self.wire.params, cx) else {
            return;
        };
        let mut pass = PassParts {
            number: offer.number,
            client_salt: own_salt(cx),
            dh_public: self.wire.params.group.generator,
            exponent,
            modulus,
            user,
            ..PassParts::default()
        };
        pass.login_hash = self
            .wire
            .login_proof(cx.crypto, &stored, &offer.salt, &pass);
        let device = Address::new(view.from.host, DEVICE_PORT);
        cx.inject(self.own, device, self.wire.pass_frame(&pass));
    }
}

pub(super) const EQUAL_PASSWORDS: AttackSpec = AttackSpec {
    id: "equal-passwords",
    help: "The user table leaks, and the password of one user is known. The stored value has no salt \
           of the user's own, so equal entries are equal passwords: names those of the others.",
    powers: &[],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[
        Need {
            secret: "stored",
            of: "device",
            at: AT_10_MIN,
        },
        Need {
            secret: "password",
            of: "client",
            at: AT_10_MIN,
        },
    ],
    properties: &[Property::Secrecy],
    claims: &["RU-C8"],
    control: Control::without("hash"),
    claims_secrets: &["credentials"],
    stage: super::STAGE
        .with_nodes(&[("device", 1), ("client", 3)])
        .with_params(super::WEAK_PASSWORD),
    ..super::BASE
};

#[derive(Debug)]
pub(super) struct EqualPasswords {
    users: BTreeMap<u32, Vec<u8>>,
    /// Host of the user and entry.
    entries: Vec<(u32, Vec<u8>)>,
    known: Option<(u32, Vec<u8>)>,
}

impl EqualPasswords {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            users: users(setup),
            entries: Vec::new(),
            known: None,
        }
    }

    fn compare(&self, cx: &mut AttackContext<'_>) {
        let Some((own, password)) = &self.known else {
            return;
        };
        let entry = self.entries.iter().find(|(host, _)| host == own);
        let Some((_, entry)) = entry else {
            return;
        };
        cx.tried();
        for (host, other) in &self.entries {
            if host != own
                && other == entry
                && let Some(user) = self.users.get(host)
            {
                cx.claim("credentials", *host, [user, &b":"[..], password].concat());
            }
        }
    }
}

impl Attacker for EqualPasswords {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if grant.secret == "password" {
            self.known = Some((grant.of, grant.bytes().to_vec()));
        } else {
            let entries = grant.values.iter();
            self.entries = entries
                .filter_map(|entry| Some((entry.about?, entry.bytes.clone())))
                .collect();
        }
        self.compare(cx);
    }
}
