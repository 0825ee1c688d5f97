//! The secrets that parties of `as-published` and its broken twins hold.

use crate::attack::{Holder, Secret, SecretSpec};
use crate::crypto::Crypto;
use crate::registry::Column;
use crate::storage::Record;

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
