//! The durable vaults of one party in the published exchange.
//!
//! One record per vault: epoch (4 bytes), then the keys. It is read where it is needed and written
//! in place by one store; nothing volatile duplicates it, except in the twin that never stores.

use std::collections::BTreeMap;

use super::equations;
use super::params::{Params, Without};
use crate::context::Context;
use crate::crypto;
use crate::output::{Fingerprints, Output, Principal};
use crate::storage::{Record, Storage};

/// The table of vaults: at a device record 0, at the server one per device, by its ordinal.
pub(super) const VAULTS: u8 = 0;

/// Bytes of the epoch before the keys.
pub(super) const EPOCH_BYTES: usize = 4;

/// A vault as read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vault<'a> {
    /// Number of updates so far.
    pub(super) epoch: u32,
    /// All keys joined.
    pub(super) keys: &'a [u8],
}

impl<'a> Vault<'a> {
    /// Reads epoch and keys; `None` when the length is wrong.
    pub(super) fn parse(params: &Params, bytes: &'a [u8]) -> Option<Self> {
        let (epoch, keys) = bytes.split_first_chunk::<EPOCH_BYTES>()?;
        (keys.len() == params.vault_bytes()).then_some(Self {
            epoch: u32::from_be_bytes(*epoch),
            keys,
        })
    }
}

/// The vaults of one party.
#[derive(Clone, Debug, Default)]
pub(super) struct Vaults {
    /// Only in the twin without `durable`: what should have been stored, lost at a restart.
    held: BTreeMap<u32, Vec<u8>>,
}

impl Vaults {
    /// The vault `key`, `None` when there is none.
    pub(super) fn read<'a>(
        &'a self,
        params: &Params,
        key: u32,
        storage: &'a dyn Storage,
    ) -> Option<Vault<'a>> {
        let bytes = match self.held.get(&key) {
            Some(bytes) => bytes,
            None => storage.read(Record::new(VAULTS, key))?,
        };
        Vault::parse(params, bytes)
    }

    /// Updates the vault `key` with a combined key, stores it, and says what is shared now.
    ///
    /// The new record comes back, empty when there was nothing to update: storage shows it only
    /// after this call of the machine. Give the buffer back.
    pub(super) fn update(
        &mut self,
        params: &Params,
        key: u32,
        peer: Principal,
        combined: &[u8],
        cx: &mut Context<'_>,
    ) -> Vec<u8> {
        let mut next = cx.buffers.take();
        if params.without != Some(Without::Update)
            && let Some(vault) = self.read(params, key, cx.storage)
        {
            next.extend(vault.epoch.wrapping_add(1).to_be_bytes());
            next.extend_from_slice(vault.keys);
            equations::update_rows(params, &mut next[EPOCH_BYTES..], combined, cx.crypto);
            if params.without == Some(Without::Durable) {
                self.held.insert(key, next.clone());
            } else {
                cx.store(|batch| {
                    batch.put(Record::new(VAULTS, key), |out| out.extend_from_slice(&next));
                });
            }
            announce(params, peer, Vault::parse(params, &next), cx);
        }
        next
    }

    /// Says what the vault `key` is.
    pub(super) fn announce(
        &self,
        params: &Params,
        key: u32,
        peer: Principal,
        cx: &mut Context<'_>,
    ) {
        let vault = self.read(params, key, cx.storage);
        announce(params, peer, vault, cx);
    }

    /// Forgets what was never stored.
    pub(super) fn restart(&mut self) {
        self.held.clear();
    }
}

fn announce(params: &Params, peer: Principal, vault: Option<Vault<'_>>, cx: &mut Context<'_>) {
    let fingerprints = vault.map_or(Fingerprints::NONE, |vault| {
        Fingerprints::one(crypto::fingerprint(&[vault.keys]))
    });
    cx.output(Output::SharedState {
        peer,
        relation: 0,
        epoch: vault.map_or(0, |vault| u64::from(vault.epoch)),
        fingerprints,
        durable: params.without != Some(Without::Durable),
    });
}
