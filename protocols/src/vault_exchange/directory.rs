//! The devices that a server holds vaults of, and how it finds one.

use crate::address::Address;
use crate::output::Principal;
use crate::roster::{Party, Roster};

use super::params::Params;
use super::provision::server_of;
use super::{DEVICE, PORT};

/// A device as its server knows it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Host number: all that the published exchange knows a device by.
    host: u32,
    /// Number within the role, from 1: the record key, and in `hardened` the device id.
    ordinal: u32,
}

/// The devices of one server, dense; a device's place is its index here.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// Ascending by host, in `hardened` by ordinal.
    entries: Box<[Entry]>,
    by_id: bool,
}

impl Directory {
    /// The devices whose server is `server`.
    pub(super) fn new(params: &Params, roster: &Roster, server: &Party) -> Self {
        let by_id = params.hardened();
        let mut entries: Vec<Entry> = roster
            .peers(server, DEVICE)
            .filter(|device| server_of(roster, device).map(|it| it.host) == Some(server.host))
            .map(|device| Entry {
                host: device.host,
                ordinal: device.ordinal,
            })
            .collect();
        entries.sort_unstable_by_key(|entry| if by_id { entry.ordinal } else { entry.host });
        entries.dedup_by_key(|entry| entry.ordinal);
        Self {
            entries: entries.into(),
            by_id,
        }
    }

    /// Number of devices.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The device at an address.
    pub(super) fn at(&self, address: Address) -> Option<usize> {
        let found = self.on_host(address.host);
        found.filter(|_| address.port == PORT)
    }

    /// The device on a host.
    pub(super) fn on_host(&self, host: u32) -> Option<usize> {
        self.entries
            .binary_search_by_key(&host, |entry| entry.host)
            .ok()
    }

    /// The device with an id (`hardened`).
    pub(super) fn with_id(&self, id: u32) -> Option<usize> {
        self.entries
            .binary_search_by_key(&id, |entry| entry.ordinal)
            .ok()
    }

    /// The device that came first in the roster.
    pub(super) fn first(&self) -> Option<usize> {
        let places = 0..self.entries.len();
        places.min_by_key(|place| self.entries[*place].ordinal)
    }

    /// The record key of device `index`; 0, which names none, past the last.
    pub(super) fn record(&self, index: usize) -> u32 {
        self.entries.get(index).map_or(0, |entry| entry.ordinal)
    }

    /// What names device `index` in outputs and timers: its id where the exchange has one, else its
    /// host.
    pub(super) fn name(&self, index: usize) -> u32 {
        let entry = self.entries.get(index);
        entry.map_or(0, |entry| {
            if self.by_id {
                entry.ordinal
            } else {
                entry.host
            }
        })
    }

    /// The principal of device `index`.
    pub(super) fn principal(&self, index: usize) -> Principal {
        Principal::id(DEVICE, u64::from(self.name(index)))
    }
}
