//! First storage of both ends, and the machines built from a roster.

use std::sync::Arc;

use crate::address::Address;
use crate::output::Principal;
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;

use super::device::Device;
use super::params::{AtRest, FirstVault, Params, Without};
use super::server::Server;
use super::vault::{EPOCH_BYTES, STORAGE_KEYS, VAULTS};
use super::{DEVICE, PORT, SERVER};

/// The server of a device: the first one it has a link to.
pub(super) fn server_of<'a>(roster: &'a Roster, device: &Party) -> Option<&'a Party> {
    roster.peers(device, SERVER).next()
}

/// Index of a party in [`Roster::parties`].
pub(super) fn index_of(roster: &Roster, party: &Party) -> usize {
    roster.groups[party.group as usize].first + party.member as usize
}

/// Draws the first vault of a device into `out`: its own, or the one that all devices share.
pub(super) fn first_vault(
    params: &Params,
    roster: &Roster,
    device: &Party,
    streams: &mut dyn Streams,
    out: &mut [u8],
) {
    match params.first_vault {
        FirstVault::PerDevice => {
            let group = &roster.groups[device.group as usize].name;
            streams.fill(group, device.member, "vault", out);
        }
        FirstVault::Shared => {
            let first = roster.groups.iter().find(|group| group.role == DEVICE);
            let name = first.map_or("", |group| &group.name);
            streams.fill(name, 0, "shared-vault", out);
        }
    }
}

/// Gives every device its vault, and its server a copy of it.
pub(super) fn provision(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
) {
    let vault_end = EPOCH_BYTES + params.vault_bytes();
    let mut record = vec![0; vault_end + params.tail_bytes()];
    let mut sealed = Vec::new();
    for device in roster.parties.iter().filter(|party| party.role == DEVICE) {
        let vault = &mut record[EPOCH_BYTES..vault_end];
        first_vault(params, roster, device, streams, vault);
        if let Some(server) = server_of(roster, device) {
            let key = Record::new(VAULTS, device.ordinal);
            sink.put(index_of(roster, server), key, &record);
        }
        let index = index_of(roster, device);
        match params.at_rest {
            AtRest::Clear => sink.put(index, Record::new(VAULTS, 0), &record),
            AtRest::Sealed => {
                let mut key = vec![0; params.key_bytes];
                let group = &roster.groups[device.group as usize].name;
                streams.fill(group, device.member, "storage-key", &mut key);
                sealed.clear();
                sealed.extend_from_slice(&record);
                super::vault::seal_first(&key, &mut sealed);
                sink.put(index, Record::new(VAULTS, 0), &sealed);
                sink.put(index, Record::new(STORAGE_KEYS, 0), &key);
            }
        }
    }
}

/// The machines of one group, in roster order.
pub(super) fn machines(params: &Arc<Params>, roster: &Roster, group: usize) -> Column {
    let parties = roster.group(group);
    if roster.groups[group].role == SERVER {
        let server =
            |party: &Party| Server::new(Arc::clone(params), by_host(params, roster, party));
        return Column::SecureVaultServer(parties.iter().map(server).collect());
    }
    let device = |party: &Party| {
        Device::new(
            Arc::clone(params),
            party.ordinal,
            server_address(roster, party),
        )
    };
    Column::SecureVaultDevice(parties.iter().map(device).collect())
}

/// Where a device sends to. A device without a server talks to nobody: it has no workload.
pub(super) fn server_address(roster: &Roster, device: &Party) -> Address {
    roster
        .first_peer(device, SERVER, PORT)
        .unwrap_or_else(|| Address::new(device.host, PORT))
}

/// Hosts and ids of the devices of one server, by host; empty unless the parameters need it.
fn by_host(params: &Params, roster: &Roster, server: &Party) -> Vec<(u32, u32)> {
    if params.without != Some(Without::DeviceId) {
        return Vec::new();
    }
    let mut all: Vec<_> = roster
        .peers(server, DEVICE)
        .map(|device| (device.host, device.ordinal))
        .collect();
    all.sort_unstable();
    all
}

/// The name by which others know a party.
pub(super) fn principal(party: &Party) -> Principal {
    if party.role == SERVER {
        Principal::id(SERVER, u64::from(party.host))
    } else {
        Principal::id(DEVICE, u64::from(party.ordinal))
    }
}
