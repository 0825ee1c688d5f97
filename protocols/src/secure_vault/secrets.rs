//! The secrets that parties hold, whatever the variant.

use crate::attack::{Holder, Secret, SecretSpec};
use crate::crypto::Crypto;
use crate::registry::Column;
use crate::storage::Record;

use super::equations::{Key, combined_key};
use super::hardened::{device_vault, server_vaults};
use super::messages::indices;
use super::params::{AtRest, Params, Variant};
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

/// Lists what a party holds in its storage, and of the session that it is in.
pub(super) fn list(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
    vaults(params, holder, &mut |about, vault| {
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
    });
    let server = holder.roster.peers(holder.party, SERVER).next();
    let server = server.map(|party| party.host);
    let mut tell = |kind, about, bytes: &[u8]| out(Secret { kind, about, bytes });
    let mut challenge_keys = |keys: Option<[Key; 2]>| {
        for (kind, key) in ["k1", "k2"].into_iter().zip(keys.iter().flatten()) {
            tell(kind, server, &key[..params.key_bytes]);
        }
    };
    let width = key_bytes(params);
    match holder.column {
        Column::SecureVaultDevice(all) => {
            let device = all.get(holder.member);
            challenge_keys(device.and_then(|device| device.challenge_keys(holder.storage)));
            if let Some(key) = device.and_then(super::Device::session_key) {
                tell("session-key", server, &key[..width]);
            }
        }
        Column::SecureVaultLiteralDevice(all) => {
            let device = all.get(holder.member);
            challenge_keys(device.and_then(|device| device.challenge_keys(holder.storage)));
        }
        Column::SecureVaultHardenedDevice(all) => {
            let device = all.get(holder.member);
            let vault = device_vault(params, holder.storage);
            challenge_keys(device.and_then(|device| device.challenge_keys(&vault)));
            if let Some(key) = device.and_then(super::HardenedDevice::session_key) {
                tell("session-key", server, &key[..width]);
            }
        }
        Column::SecureVaultServer(all) => {
            if let Some(server) = all.get(holder.member) {
                server.session_keys(&mut |host, key| {
                    tell("session-key", Some(host), &key[..width]);
                });
            }
        }
        Column::SecureVaultHardenedServer(all) => {
            if let Some(server) = all.get(holder.member) {
                server.session_keys(&mut |host, key| {
                    tell("session-key", Some(host), &key[..width]);
                });
            }
        }
        _ => {}
    }
}

/// Bytes of a session key: `hardened` has one for AES and one for HMAC, and t of the prototype is a
/// number in 32 bytes.
pub(super) const fn key_bytes(params: &Params) -> usize {
    match params.variant {
        Variant::Hardened => params.key_bytes + 32,
        Variant::Literal => 32,
        Variant::AsPublished | Variant::Broken => params.key_bytes,
    }
}

/// The vaults in a party's storage, each with the host of the other end. A hardened server may hold
/// two of one device.
fn vaults(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Option<u32>, &[u8])) {
    let hardened = params.variant == Variant::Hardened;
    if holder.party.role == DEVICE {
        let about = holder.roster.peers(holder.party, SERVER).next();
        let about = about.map(|party| party.host);
        if hardened {
            out(about, &device_vault(params, holder.storage));
        } else if let Some(record) = holder.storage.read(Record::new(VAULTS, 0)) {
            let mut record = record.to_vec();
            if params.at_rest == AtRest::Sealed {
                toggle_seal(&mut Crypto::default(), holder.storage, &mut record);
            }
            let vault = body(&record);
            out(about, &vault[..vault.len().min(params.vault_bytes())]);
        }
        return;
    }
    let mut next = holder.storage.next(VAULTS, 0);
    while let Some(Record { key, .. }) = next {
        let mut parties = holder.roster.parties.iter();
        let about = parties.find(|party| party.role == DEVICE && party.ordinal == key);
        let about = about.map(|party| party.host);
        let record = holder.storage.read(Record::new(VAULTS, key)).unwrap_or(&[]);
        if hardened {
            for vault in server_vaults(params, record) {
                out(about, &vault);
            }
        } else {
            let vault = body(record);
            out(about, &vault[..vault.len().min(params.vault_bytes())]);
        }
        next = key
            .checked_add(1)
            .and_then(|from| holder.storage.next(VAULTS, from));
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
    vaults(params, holder, &mut |_, vault| {
        let right = combined_key(&mut Crypto::default(), vault, mb, indices(list));
        found |= right[..mb] == *key;
    });
    found
}
