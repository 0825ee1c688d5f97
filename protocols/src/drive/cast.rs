//! Who takes part: rosters in which everybody reaches everybody, and their first storage.

use crate::parameter::Values;
use crate::protocol::{Instance, Protocol};
use crate::roster::{Group, Party, ProvisionSink, Roster, Streams};
use crate::storage::{MemoryStorage, Record, Write};

/// Host number of the first party; the others count up from it.
const FIRST_HOST: u32 = 1;

/// A group of parties.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Name of the group.
    pub name: String,
    /// Its role: the number in the protocol's list.
    pub role: u8,
    /// Number of parties.
    pub count: u32,
    /// Parameters of the group.
    pub params: Values,
}

/// The roster of these groups; every party is linked to every other.
///
/// # Panics
///
/// With 2^32 parties or more.
#[must_use]
pub fn roster(groups: &[Cast]) -> Roster {
    let number = |length: usize| u32::try_from(length).expect("fewer than 2^32 parties");
    let mut roster = Roster::default();
    for (index, group) in groups.iter().enumerate() {
        let first = roster.parties.len();
        roster.groups.push(Group {
            name: group.name.clone(),
            role: group.role,
            params: group.params.clone(),
            first,
            count: group.count as usize,
        });
        for member in 0..group.count {
            let same_role = roster.parties.iter().filter(|p| p.role == group.role);
            let ordinal = number(same_role.count()) + 1;
            roster.parties.push(Party {
                host: FIRST_HOST + number(roster.parties.len()),
                role: group.role,
                group: number(index),
                member,
                ordinal,
                neighbours: (0, 0),
            });
        }
    }
    let count = number(roster.parties.len());
    for (place, party) in (0..count).zip(&mut roster.parties) {
        let start = number(roster.neighbours.len());
        let others = (0..count).filter(|&other| other != place);
        roster.neighbours.extend(others);
        party.neighbours = (start, start + count - 1);
    }
    roster
}

/// A roster of one party of each role, in groups named like the roles.
#[must_use]
pub fn one_of_each(protocol: &dyn Protocol) -> Roster {
    let groups: Vec<Cast> = (0..)
        .zip(protocol.roles())
        .map(|(role, spec)| Cast {
            name: spec.name.to_owned(),
            role,
            count: 1,
            params: Values::default(),
        })
        .collect();
    roster(&groups)
}

/// The first storage of every party, in roster order.
pub fn provision(
    instance: &dyn Instance,
    roster: &Roster,
    streams: &mut dyn Streams,
) -> Vec<MemoryStorage> {
    let mut stores = Stores(vec![MemoryStorage::default(); roster.parties.len()]);
    instance.provision(roster, streams, &mut stores);
    stores.0
}

struct Stores(Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        self.0[party].apply(Write::Put(record, bytes));
    }
}
