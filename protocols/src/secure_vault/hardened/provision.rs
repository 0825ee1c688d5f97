//! First storage of both ends, and the machines built from a roster.

use std::sync::Arc;

use crate::crypto::Crypto;
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;

use super::super::params::{AtRest, Params};
use super::super::provision::{first_vault, index_of, server_address, server_of};
use super::super::vault::{EPOCH_BYTES, STORAGE_KEYS, VAULTS, seal_first};
use super::super::{DEVICE, SERVER};
use super::slots::{Slots, add_checksum, slot_bytes};
use super::{HardenedDevice, HardenedServer, Setup};

/// Gives every device its first copy, and its server the slot.
pub(super) fn provision(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
) {
    let mut slot = vec![0; slot_bytes(params)];
    let mut record = Vec::new();
    for device in roster.parties.iter().filter(|party| party.role == DEVICE) {
        first_vault(params, roster, device, streams, &mut slot[EPOCH_BYTES..]);
        if let Some(server) = server_of(roster, device) {
            let slots = Slots {
                current: &slot,
                previous: None,
                answered: None,
            };
            record.clear();
            slots.write(&mut record);
            let key = Record::new(VAULTS, device.ordinal);
            sink.put(index_of(roster, server), key, &record);
        }
        let index = index_of(roster, device);
        record.clear();
        record.extend_from_slice(&slot);
        let key = match params.at_rest {
            AtRest::Clear => None,
            AtRest::Sealed => {
                let mut key = vec![0; params.key_bytes];
                let group = &roster.groups[device.group as usize].name;
                streams.fill(group, device.member, "storage-key", &mut key);
                seal_first(&key, &mut record);
                Some(key)
            }
        };
        add_checksum(&mut Crypto::default(), &mut record);
        sink.put(index, Record::new(VAULTS, 0), &record);
        if let Some(key) = key {
            sink.put(index, Record::new(STORAGE_KEYS, 0), &key);
        }
    }
}

/// The machines of one group, in roster order.
pub(super) fn machines(setup: &Arc<Setup>, roster: &Roster, group: usize) -> Column {
    let parties = roster.group(group);
    if roster.groups[group].role == SERVER {
        let server = |_: &Party| HardenedServer::new(Arc::clone(setup));
        return Column::SecureVaultHardenedServer(parties.iter().map(server).collect());
    }
    let device = |party: &Party| {
        let server = server_address(roster, party);
        HardenedDevice::new(Arc::clone(setup), party.ordinal, server)
    };
    Column::SecureVaultHardenedDevice(parties.iter().map(device).collect())
}
