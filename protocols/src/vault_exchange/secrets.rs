//! The secrets that parties hold, and what confirms a claim about them.

use crate::attack::{Holder, Secret, SecretSpec};
use crate::crypto::Crypto;
use crate::storage::Record;

use super::equations::combine;
use super::params::Params;
use super::vault::{EPOCH_BYTES, VAULTS};
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
        name: "first-row",
        roles: &[DEVICE, SERVER],
        help: "key 0 of a vault and no other",
    },
    SecretSpec {
        name: "session-key",
        roles: &[DEVICE, SERVER],
        help: "the combined key of a session (hardened: what key_id names)",
    },
    SecretSpec {
        name: "challenge-key",
        roles: &[DEVICE, SERVER],
        help: "the combined key of a request under the present vault: its indices, then the key",
    },
];

/// Lists what a party holds in its storage. The sums of sessions are not listed: key ids confirm
/// them.
pub(super) fn list(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
    vaults(params, holder, &mut |about, keys| {
        out(Secret {
            kind: "vault",
            about,
            bytes: keys,
        });
        for (place, row) in keys.chunks_exact(params.key_bytes).enumerate() {
            if place == 0 {
                out(Secret {
                    kind: "first-row",
                    about,
                    bytes: row,
                });
            }
            out(Secret {
                kind: "row",
                about,
                bytes: row,
            });
        }
    });
}

/// Whether a claim of kind `challenge-key` is true of a vault that a party holds. Indices that
/// cancel each other out name no secret.
pub(super) fn confirms(params: &Params, holder: &Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
    if kind != "challenge-key" {
        return false;
    }
    let split = bytes.len().saturating_sub(params.key_bytes);
    let Some((list, key)) = bytes.split_at_checked(split) else {
        return false;
    };
    let mut odd = [false; 256];
    for row in list.iter().filter_map(|index| params.wire.row(*index)) {
        odd[row] ^= true;
    }
    if !odd.contains(&true) {
        return false;
    }
    let mut found = false;
    vaults(params, holder, &mut |_, keys| {
        let right = combine(params, keys, list, &mut Crypto::default());
        found |= right[..params.key_bytes] == *key;
    });
    found
}

/// The vaults in a party's storage, each with the host of the other end. A hardened device keeps
/// the one before as well.
fn vaults(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Option<u32>, &[u8])) {
    let device = holder.party.role == DEVICE;
    let mut next = holder.storage.next(VAULTS, 0);
    while let Some(Record { key, .. }) = next {
        let about = if device {
            holder.roster.peers(holder.party, SERVER).next()
        } else {
            let mut parties = holder.roster.parties.iter();
            parties.find(|party| party.role == DEVICE && party.ordinal == key)
        };
        let record = holder.storage.read(Record::new(VAULTS, key));
        for slot in record
            .unwrap_or_default()
            .chunks_exact(EPOCH_BYTES + params.vault_bytes())
        {
            out(about.map(|party| party.host), &slot[EPOCH_BYTES..]);
        }
        next = key
            .checked_add(1)
            .and_then(|from| holder.storage.next(VAULTS, from));
    }
}
