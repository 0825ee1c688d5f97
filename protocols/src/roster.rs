//! Who takes part: the parties of a world, as provisioning and construction see them.

use crate::address::Address;
use crate::crypto::rsa::cache::KeyStore;
use crate::entropy::Entropy;
use crate::parameter::Values;
use crate::storage::Record;

/// A group of parties that share role and parameters.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's name in the scenario.
    pub name: String,
    /// Its role: its number in the protocol's list.
    pub role: u8,
    /// Parameters given for this group.
    pub params: Values,
    /// Index of its first party in [`Roster::parties`]; its parties stand in a row.
    pub first: usize,
    /// Number of parties.
    pub count: usize,
}

/// One party.
#[derive(Clone, Copy, Debug)]
pub struct Party {
    /// Its host number.
    pub host: u32,
    /// Its role.
    pub role: u8,
    /// Its group: index in [`Roster::groups`].
    pub group: u32,
    /// Its number within the group, from 0.
    pub member: u32,
    /// Its number within its role, from 1, over all groups in roster order.
    pub ordinal: u32,
    /// The hosts it has links to: a range of [`Roster::neighbours`].
    pub neighbours: (u32, u32),
}

/// All parties of a world, in the order of the scenario.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// The groups in the order of the scenario.
    pub groups: Vec<Group>,
    /// The parties, group by group.
    pub parties: Vec<Party>,
    /// Party indices of the link neighbours, party by party, each list ascending.
    pub neighbours: Vec<u32>,
}

impl Roster {
    /// The parties of one group.
    #[must_use]
    pub fn group(&self, group: usize) -> &[Party] {
        let group = &self.groups[group];
        &self.parties[group.first..group.first + group.count]
    }

    /// The link neighbours of `party` that have `role`, in ascending order.
    pub fn peers<'a>(&'a self, party: &Party, role: u8) -> impl Iterator<Item = &'a Party> + 'a {
        let (start, end) = party.neighbours;
        self.neighbours[start as usize..end as usize]
            .iter()
            .map(|&index| &self.parties[index as usize])
            .filter(move |peer| peer.role == role)
    }

    /// The address of `port` at the first neighbour of `party` that has `role`.
    #[must_use]
    pub fn first_peer(&self, party: &Party, role: u8, port: u16) -> Option<Address> {
        self.peers(party, role)
            .next()
            .map(|peer| Address::new(peer.host, port))
    }
}

/// Random streams of the parties, named by structure: a further party moves nobody's bytes.
pub trait Streams {
    /// Hands the stream `purpose` of member `member` of group `group` to `use_it`, at its start.
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    );

    /// Fills `out` from the start of that stream.
    fn fill(&mut self, group: &str, member: u32, purpose: &str, out: &mut [u8]) {
        self.with(group, member, purpose, &mut |entropy| entropy.fill(out));
    }

    /// Where expensive key pairs are kept between runs; `None`: they are generated anew.
    ///
    /// What comes out of it is checked, so it changes no byte of what is provisioned.
    fn key_store(&mut self) -> Option<&mut dyn KeyStore> {
        None
    }
}

/// Takes the first durable storage of the parties.
pub trait ProvisionSink {
    /// Party `party` (index in [`Roster::parties`]) starts with this record.
    ///
    /// Parties come in any order, the records of one party in ascending order.
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]);
}
