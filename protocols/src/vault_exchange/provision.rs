//! First storage of both ends, and the machines built from a roster.

use std::sync::Arc;

use super::device::Device;
use super::directory::Directory;
use super::hardened::{HardenedDevice, HardenedServer};
use super::params::Params;
use super::server::Server;
use super::vault::{EPOCH_BYTES, VAULTS};
use super::{DEVICE, PORT, SERVER};
use crate::address::Address;
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;

/// The server of a device: the first one it has a link to.
pub(super) fn server_of<'a>(roster: &'a Roster, device: &Party) -> Option<&'a Party> {
    roster.peers(device, SERVER).next()
}

/// Gives every device its vault, and its server a copy of it.
pub(super) fn provision(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
) {
    let mut record = vec![0; EPOCH_BYTES + params.vault_bytes()];
    for device in roster.parties.iter().filter(|party| party.role == DEVICE) {
        first_vault(params, roster, device, streams, &mut record[EPOCH_BYTES..]);
        sink.put(index_of(roster, device), Record::new(VAULTS, 0), &record);
        if let Some(server) = server_of(roster, device) {
            let copy = Record::new(VAULTS, device.ordinal);
            sink.put(index_of(roster, server), copy, &record);
        }
    }
}

/// Index of a party in [`Roster::parties`].
fn index_of(roster: &Roster, party: &Party) -> usize {
    roster.groups[party.group as usize].first + party.member as usize
}

fn first_vault(
    params: &Params,
    roster: &Roster,
    device: &Party,
    streams: &mut dyn Streams,
    out: &mut [u8],
) {
    let group_name = |index: usize| roster.groups.get(index).map_or("", |group| &group.name);
    if params.shared_vault {
        let first = roster.groups.iter().position(|group| group.role == DEVICE);
        streams.fill(group_name(first.unwrap_or(0)), 0, "shared-vault", out);
    } else {
        let name = group_name(device.group as usize);
        streams.fill(name, device.member, "vault", out);
    }
}

/// The machines of one group, in roster order.
pub(super) fn machines(params: &Arc<Params>, roster: &Roster, group: usize) -> Column {
    let parties = roster.group(group).iter();
    let params = || Arc::clone(params);
    match (roster.groups[group].role, params().hardened()) {
        (SERVER, hardened) => {
            let directories = parties.map(|party| Directory::new(&params(), roster, party));
            if hardened {
                let server = |directory| HardenedServer::new(params(), directory);
                Column::VaultExchangeHardenedServer(directories.map(server).collect())
            } else {
                let server = |directory| Server::new(params(), directory);
                Column::VaultExchangeServer(directories.map(server).collect())
            }
        }
        (_, false) => {
            let device = |party| Device::new(params(), server_address(roster, party));
            Column::VaultExchangeDevice(parties.map(device).collect())
        }
        (_, true) => {
            let device = |party: &Party| {
                HardenedDevice::new(params(), server_address(roster, party), party.ordinal)
            };
            Column::VaultExchangeHardenedDevice(parties.map(device).collect())
        }
    }
}

/// Where a device sends to. A device without a server, which [`check`] refuses, sends to itself.
fn server_address(roster: &Roster, device: &Party) -> Address {
    roster
        .first_peer(device, SERVER, PORT)
        .unwrap_or_else(|| Address::new(device.host, PORT))
}
