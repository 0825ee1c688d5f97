//! The durable record of a vault: epoch 4 || vault n * mb || tail (with `vault_tail = keep`).
//!
//! The record is written in place by one store. The epoch counts updates; it is for readers only,
//! and neither end sends or consults it.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::crypto::{self, Crypto};
use crate::output::{Fingerprints, Output, Principal};
use crate::storage::{Record, Storage};

use super::equations::update_vault;
use super::params::{AtRest, Params, Without};

/// Table of vaults: at the device record 0, at the server one record per device id.
pub(super) const VAULTS: u8 = 0;
/// Table of the key that seals the device's vault (`at_rest = sealed`).
pub(super) const STORAGE_KEYS: u8 = 1;
/// Bytes of the epoch.
pub(super) const EPOCH_BYTES: usize = 4;

/// The epoch of a record.
pub(super) fn epoch(record: &[u8]) -> u32 {
    let bytes = record.first_chunk::<EPOCH_BYTES>();
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Vault and tail of a record.
pub(super) fn body(record: &[u8]) -> &[u8] {
    record.get(EPOCH_BYTES..).unwrap_or(&[])
}

/// What a record names to observers.
pub(super) fn shared_state(peer: Principal, record: &[u8], durable: bool) -> Output {
    Output::SharedState {
        peer,
        relation: super::VAULT_RELATION,
        epoch: u64::from(epoch(record)),
        fingerprints: Fingerprints::one(crypto::fingerprint(&[body(record)])),
        durable,
    }
}

/// The record after an update with data exchanged `data`; in a buffer of the pool.
pub(super) fn renewed(
    cx: &mut Context<'_>,
    params: &Params,
    record: &[u8],
    data: &[u8],
) -> Vec<u8> {
    let mut new = cx.buffers.take();
    new.extend(epoch(record).wrapping_add(1).to_be_bytes());
    update_vault(cx.crypto, params, body(record), data, &mut new);
    new
}

/// The vault records of one party, read from and written to durable storage.
///
/// In the broken twin without durability the records written live here instead, and a restart
/// brings the first ones back.
#[derive(Clone, Debug)]
pub(super) struct Records {
    #[allow(
        clippy::box_collection,
        reason = "a million devices hold the pointer, and only a control for attacks the map"
    )]
    volatile: Option<Box<BTreeMap<u32, Vec<u8>>>>,
}

impl Records {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            volatile: (params.without == Some(Without::Durable)).then(Box::default),
        }
    }

    /// Whether what is written survives a restart.
    pub(super) const fn durable(&self) -> bool {
        self.volatile.is_none()
    }

    /// Record `key` of the vaults as it lies in storage.
    pub(super) fn read<'a>(&'a self, storage: &'a dyn Storage, key: u32) -> Option<&'a [u8]> {
        let volatile = self.volatile.as_ref().and_then(|all| all.get(&key));
        volatile
            .map(Vec::as_slice)
            .or_else(|| storage.read(Record::new(VAULTS, key)))
    }

    /// Writes record `key` of the vaults.
    pub(super) fn write(&mut self, cx: &mut Context<'_>, key: u32, bytes: &[u8]) {
        if let Some(volatile) = &mut self.volatile {
            volatile.insert(key, bytes.to_vec());
        } else {
            cx.store(|batch| {
                batch.put(Record::new(VAULTS, key), |out| out.extend_from_slice(bytes));
            });
        }
    }

    /// Power was lost.
    pub(super) fn restart(&mut self) {
        if let Some(volatile) = &mut self.volatile {
            volatile.clear();
        }
    }
}

/// A record in the clear: as stored, or opened into a buffer of the pool.
#[derive(Debug)]
pub(super) enum Clear<'a> {
    Stored(&'a [u8]),
    Opened(Vec<u8>),
}

impl core::ops::Deref for Clear<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Stored(bytes) => bytes,
            Self::Opened(bytes) => bytes,
        }
    }
}

impl Clear<'_> {
    /// Gives the buffer back.
    pub(super) fn release(self, cx: &mut Context<'_>) {
        if let Self::Opened(buffer) = self {
            cx.buffers.give(buffer);
        }
    }
}

/// Opens or seals the vault in `record` under the device's storage key: AES-CTR whose counter
/// block starts with the epoch, so that no two writes share a key stream.
pub(super) fn toggle_seal(crypto: &mut Crypto, storage: &dyn Storage, record: &mut [u8]) {
    let key = storage.read(Record::new(STORAGE_KEYS, 0)).unwrap_or(&[]);
    toggle_seal_under(crypto, key, record);
}

/// Seals the first record, at provisioning; not metered.
pub(super) fn seal_first(key: &[u8], record: &mut [u8]) {
    toggle_seal_under(&mut Crypto::default(), key, record);
}

fn toggle_seal_under(crypto: &mut Crypto, key: &[u8], record: &mut [u8]) {
    let mut counter = [0; 16];
    counter[..EPOCH_BYTES].copy_from_slice(&epoch(record).to_be_bytes());
    if let Some(vault) = record.get_mut(EPOCH_BYTES..) {
        let key = crypto.aes_key(key);
        crypto.ctr(&key, &counter, vault);
    }
}

/// The device's record in the clear.
pub(super) fn opened<'a>(cx: &mut Context<'_>, params: &Params, record: &'a [u8]) -> Clear<'a> {
    match params.at_rest {
        AtRest::Clear => Clear::Stored(record),
        AtRest::Sealed => {
            let mut buffer = cx.buffers.take();
            buffer.extend_from_slice(record);
            toggle_seal(cx.crypto, cx.storage, &mut buffer);
            Clear::Opened(buffer)
        }
    }
}
