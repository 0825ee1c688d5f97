//! Secrets: what there is to know, what a scenario grants, and how a claim is confirmed.

use crate::registry::Column;
use crate::roster::{Party, Roster};
use crate::storage::{Record, Storage};

/// A kind of secret that a party may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretSpec {
    /// Its name in the scenario file and in claims.
    pub name: &'static str,
    /// The roles that may hold it, by number.
    pub roles: &'static [u8],
    /// One line of explanation.
    pub help: &'static str,
}

/// A secret value in somebody's hands.
#[derive(Clone, Copy, Debug)]
pub struct Secret<'a> {
    /// Which kind.
    pub kind: &'static str,
    /// Host of the party that it is shared with, where there is one.
    pub about: Option<u32>,
    /// The value.
    pub bytes: &'a [u8],
}

/// A party with all that it has, for [`crate::protocol::Instance::secrets`].
#[derive(Clone, Copy)]
pub struct Holder<'a> {
    /// Who takes part.
    pub roster: &'a Roster,
    /// The party.
    pub party: &'a Party,
    /// Its durable storage.
    pub storage: &'a dyn Storage,
    /// The machines of its group.
    pub column: &'a Column,
    /// Its place among them.
    pub member: usize,
}

/// What a scenario grants an adversary: values that it holds from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The name of the secret; `storage` for a snapshot of all durable records.
    pub secret: &'static str,
    /// Host of the party that held it.
    pub of: u32,
    /// The values, in the order in which the protocol lists them.
    pub values: Vec<Granted>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Host of the party that it was shared with, where there is one.
    pub about: Option<u32>,
    /// Which record it is, in a snapshot of durable storage.
    pub record: Option<Record>,
    /// The value.
    pub bytes: Vec<u8>,
}

impl Grant {
    /// The first value, empty when there is none.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.values.first().map_or(&[], |value| &value.bytes)
    }
}
