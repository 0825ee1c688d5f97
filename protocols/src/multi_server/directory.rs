//! Who is where: the centre's address and the servers' names, shared by the machines of a group.

use crate::Address;
use crate::output::Principal;
use crate::roster::{Party, Roster};

use super::messages::{PaddedId, padded, unpadded};
use super::{PORT, role};

/// Addresses that every party is told at deployment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    centre: u32,
    /// Host and ID_j of every server, ascending by host.
    servers: Vec<(u32, PaddedId)>,
}

impl Directory {
    /// The directory of a world.
    pub(crate) fn new(roster: &Roster) -> Self {
        let of_role = |role| {
            roster
                .parties
                .iter()
                .filter(move |party| party.role == role)
        };
        let mut servers: Vec<_> = of_role(role::SERVER)
            .map(|party| (party.host, padded(server_id(roster, party).as_bytes())))
            .collect();
        servers.sort_unstable();
        Self {
            centre: of_role(role::RC).next().map_or(0, |party| party.host),
            servers,
        }
    }

    /// The centre's address.
    pub(crate) const fn centre(&self) -> Address {
        Address::new(self.centre, PORT)
    }

    /// The centre's principal: it has no id of its own.
    pub(crate) fn centre_principal(&self) -> Principal {
        Principal::id(role::RC, self.centre.into())
    }

    /// ID_j of the server at `host`.
    pub(crate) fn id_at(&self, host: u32) -> Option<&PaddedId> {
        let index = self
            .servers
            .binary_search_by_key(&host, |entry| entry.0)
            .ok()?;
        Some(&self.servers[index].1)
    }

    /// The address of the server with this ID_j.
    pub(crate) fn address_of(&self, id: &[u8]) -> Option<Address> {
        let found = self.servers.iter().find(|(_, known)| unpadded(known) == id);
        found.map(|(host, _)| Address::new(*host, PORT))
    }
}

/// ID_j of a server: its node parameter, else `hospital` and its number.
pub(crate) fn server_id(roster: &Roster, party: &Party) -> String {
    node_text(roster, party, "id", "hospital")
}

/// Loc_j of a server: its node parameter, else `L` and its number.
pub(crate) fn server_location(roster: &Roster, party: &Party) -> String {
    node_text(roster, party, "location", "L")
}

/// ID_i of a user: its node parameter, else `user` and its number.
pub(crate) fn user_name(roster: &Roster, party: &Party) -> String {
    node_text(roster, party, "id", "user")
}

fn node_text(roster: &Roster, party: &Party, name: &str, prefix: &str) -> String {
    let given = roster.groups[party.group as usize].params.text(name, "");
    if given.is_empty() {
        format!("{prefix}{}", party.ordinal)
    } else {
        given.to_owned()
    }
}
