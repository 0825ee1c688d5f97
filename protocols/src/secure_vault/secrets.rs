//! The secrets that parties of `as-published` and its broken twins hold.

use crate::attack::{Holder, Secret, SecretSpec};
use crate::crypto::Crypto;
use crate::registry::Column;
use crate::storage::Record;

use super::equations::combined_key;
use super::messages::indices;
use super::params::{AtRest, Params};
use super::vault::{VAULTS, body, toggle_seal};
use super::{DEVICE, SERVER};

/// What there is to know.
pub(super) const SPECS: &[SecretSpec] = &[
    SecretSpec {
        name: "vault",
        roles: &[DEVICE, SERVER],
        help: "all keys of a vault, one after the other",
    },
    SecretSpec {
        name: "row",
        roles: &[DEVICE, SERVER],
        help: "one key of a vault",
    },
    SecretSpec {
        name: "session-key",
        roles: &[DEVICE, SERVER],
        help: "t of an open session",
    },
    SecretSpec {
        name: "k1",
        roles: &[DEVICE],
        help: "the key under which a device has just sealed its M3",
    },
    SecretSpec {
        name: "k2",
        roles: &[DEVICE],
        help: "the key of the challenge that a device has just sent",
    },
    SecretSpec {
        name: "challenge-key",
        roles: &[DEVICE, SERVER],
        help: "key(C) of a list C under the present vault: the list, then the key",
    },
];

/// Lists what a party holds in its storage.
pub(super) fn list(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
    let device = holder.party.role == DEVICE;
    let mut next = holder.storage.next(VAULTS, 0);
    while let Some(Record { key, .. }) = next {
        if let Some(record) = holder.storage.read(Record::new(VAULTS, key)) {
            let mut record = record.to_vec();
            if device && params.at_rest == AtRest::Sealed {
                toggle_seal(&mut Crypto::default(), holder.storage, &mut record);
            }
            let about = if device {
                holder.roster.peers(holder.party, SERVER).next()
            } else {
                let mut parties = holder.roster.parties.iter();
                parties.find(|party| party.role == DEVICE && party.ordinal == key)
            };
            let about = about.map(|party| party.host);
            let vault = body(&record);
            let vault = &vault[..vault.len().min(params.vault_bytes())];
            out(Secret {
                kind: "vault",
                about,
                bytes: vault,
            });
            for row in vault.chunks(params.key_bytes) {
                out(Secret {
                    kind: "row",
                    about,
                    bytes: row,
                });
            }
        }
        next = key
            .checked_add(1)
            .and_then(|from| holder.storage.next(VAULTS, from));
    }
    let key_bytes = params.key_bytes;
    match holder.column {
        Column::SecureVaultDevice(all) => {
            let keys = all
                .get(holder.member)
                .and_then(|device| device.challenge_keys(holder.storage));
            if let Some(keys) = keys {
                for (kind, key) in ["k1", "k2"].into_iter().zip(&keys) {
                    out(Secret {
                        kind,
                        about: holder
                            .roster
                            .peers(holder.party, SERVER)
                            .next()
                            .map(|it| it.host),
                        bytes: &key[..key_bytes],
                    });
                }
            }
            if let Some(key) = all.get(holder.member).and_then(super::Device::session_key) {
                out(Secret {
                    kind: "session-key",
                    about: holder
                        .roster
                        .peers(holder.party, SERVER)
                        .next()
                        .map(|it| it.host),
                    bytes: &key[..key_bytes],
                });
            }
        }
        Column::SecureVaultServer(all) => {
            if let Some(server) = all.get(holder.member) {
                server.session_keys(&mut |host, key| {
                    out(Secret {
                        kind: "session-key",
                        about: Some(host),
                        bytes: &key[..key_bytes],
                    });
                });
            }
        }
        _ => {}
    }
}

/// Whether a claim of kind `challenge-key` is true of one of the vaults that a party holds.
pub(super) fn confirms(params: &Params, holder: &Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
    if kind != "challenge-key" {
        return false;
    }
    let mb = params.key_bytes;
    let Some((list, key)) = bytes.split_at_checked(bytes.len().saturating_sub(mb)) else {
        return false;
    };
    if list.is_empty() {
        return false;
    }
    let mut found = false;
    list_vaults(params, holder, &mut |vault| {
        let right = combined_key(&mut Crypto::default(), vault, mb, indices(list));
        found |= right[..mb] == *key;
    });
    found
}

fn list_vaults(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(&[u8])) {
    list(params, holder, &mut |secret| {
        if secret.kind == "vault" {
            out(secret.bytes);
        }
    });
}
