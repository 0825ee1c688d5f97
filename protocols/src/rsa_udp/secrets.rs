//! The secrets that parties hold: passwords, what the table has of them, RSA pairs, and S.

use crate::attack::{Holder, Secret, SecretSpec};
use crate::crypto::Crypto;
use crate::registry::Column;
use crate::roster::Party;
use crate::storage::Record;

use super::equations::Stored;
use super::params::Params;
use super::{CLIENT, DEVICE, provision, records};

/// What there is to know.
pub(super) const SPECS: &[SecretSpec] = &[
    SecretSpec {
        name: "password",
        roles: &[CLIENT],
        help: "the password of a user",
    },
    SecretSpec {
        name: "credentials",
        roles: &[CLIENT],
        help: "user name, colon, password",
    },
    SecretSpec {
        name: "stored",
        roles: &[DEVICE, CLIENT],
        help: "what the user table holds for a password: 64 characters; a device holds all of them",
    },
    SecretSpec {
        name: "rsa-key",
        roles: &[DEVICE, CLIENT],
        help: "the party's RSA pair, private half included",
    },
    SecretSpec {
        name: "sequence",
        roles: &[DEVICE, CLIENT],
        help: "S of an open connection, its first number: 4 bytes",
    },
];

/// Lists what a party holds.
pub(super) fn list(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
    let mut say = |kind, about, bytes: &[u8]| out(Secret { kind, about, bytes });
    if let Some(pair) = holder.storage.read(records::PAIR) {
        say("rsa-key", None, pair);
    }
    if holder.party.role == CLIENT {
        let password = holder.storage.read(records::PASSWORD).unwrap_or_default();
        let name = records::name(holder.storage);
        say("password", None, password);
        say("credentials", None, &[name, b":", password].concat());
        let stored = Stored::new(&mut Crypto::default(), params, password);
        say("stored", None, stored.as_bytes());
    } else {
        table(params, holder, &mut say);
    }
    let place = holder.member;
    match holder.column {
        Column::RsaUdpDevice(all) => {
            if let Some((host, first)) = all.get(place).and_then(super::Device::first) {
                say("sequence", Some(host), &first.to_be_bytes());
            }
        }
        Column::RsaUdpLiteralDevice(all) => {
            if let Some((host, first)) = all.get(place).and_then(super::LiteralDevice::first) {
                say("sequence", Some(host), &first.to_be_bytes());
            }
        }
        Column::RsaUdpClient(all) => {
            for (host, first) in all.get(place).into_iter().flat_map(super::Client::firsts) {
                say("sequence", Some(host), &first.to_be_bytes());
            }
        }
        Column::RsaUdpLiteralClient(all) => {
            let client = all.get(place).into_iter();
            for (host, first) in client.flat_map(super::LiteralClient::firsts) {
                say("sequence", Some(host), &first.to_be_bytes());
            }
        }
        _ => {}
    }
}

/// The entries of a device's table, in the order of its users' hosts.
fn table(
    params: &Params,
    holder: &Holder<'_>,
    say: &mut impl FnMut(&'static str, Option<u32>, &[u8]),
) {
    let size = Stored::record_size(params);
    let users: Vec<(u32, String)> = holder
        .roster
        .parties
        .iter()
        .filter(|party| party.role == CLIENT)
        .map(|party: &Party| (party.host, provision::name(holder.roster, party)))
        .collect();
    let mut entries = Vec::new();
    let mut next = holder.storage.next(records::USERS, 0);
    while let Some(Record { key, .. }) = next {
        if let Some(record) = holder.storage.read(Record::new(records::USERS, key))
            && let Some((stored, name)) = record.split_at_checked(size)
        {
            let user = users.iter().find(|(_, user)| user.as_bytes() == name);
            entries.push((user.map(|(host, _)| *host), stored));
        }
        next = key
            .checked_add(1)
            .and_then(|from| holder.storage.next(records::USERS, from));
    }
    entries.sort_unstable();
    for (host, stored) in entries {
        say("stored", host, stored);
    }
}
