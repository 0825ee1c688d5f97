//! What the parties hold durably: tables, keys and bytes of their records.
//!
//! | table | key | bytes | at |
//! |---|---|---|---|
//! | [`PAIR`] | 0 | RSA pair ([`crate::crypto::rsa::pair`]) | both |
//! | [`NAME`] | 0 | device or user name | both |
//! | [`USERS`] | slot | stored value (64 bytes), user name | device |
//! | [`PASSWORD`] | 0 | password | client |
//!
//! The slot of a user is a hash of the name; a taken slot sends the next user one further. Users are
//! never removed, so the first free slot ends a search.

use crate::crypto::rsa::pair::Pair;
use crate::storage::{Record, Storage};

use super::equations::Stored;
use super::params::Params;

/// The party's RSA pair.
pub const PAIR: Record = Record::new(0, 0);
/// The party's name.
pub const NAME: Record = Record::new(1, 0);
/// The device's user table; records by slot.
pub const USERS: u8 = 2;
/// The client's password.
pub const PASSWORD: Record = Record::new(3, 0);

/// The party's pair; `None` when storage holds none that can be read.
#[must_use]
pub fn pair(storage: &dyn Storage) -> Option<Pair<'_>> {
    storage.read(PAIR).and_then(Pair::parse)
}

/// The party's name; empty when storage holds none.
#[must_use]
pub fn name(storage: &dyn Storage) -> &[u8] {
    storage.read(NAME).unwrap_or_default()
}

/// Slot at which the search for a user begins (FNV-1a of the name).
#[must_use]
pub fn first_slot(user: &[u8]) -> u32 {
    user.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// What the user table says about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The user's stored value.
    Known(Stored),
    /// No such user; a new one goes into this slot.
    Free(u32),
    /// No such user, and no slot is left.
    Full,
}

/// Looks a user up in the table.
#[must_use]
pub fn find_user(storage: &dyn Storage, params: &Params, user: &[u8]) -> Entry {
    let stored_size = Stored::record_size(params);
    let first = first_slot(user);
    let mut slot = first;
    loop {
        match storage.read(Record::new(USERS, slot)) {
            None => return Entry::Free(slot),
            Some(record) if record.get(stored_size..) == Some(user) => {
                return Entry::Known(Stored::from_record(record, params));
            }
            Some(_) => slot = slot.wrapping_add(1),
        }
        if slot == first {
            return Entry::Full;
        }
    }
}

/// Appends the record of a user.
pub fn put_user(out: &mut Vec<u8>, stored: &Stored, user: &[u8]) {
    out.extend(stored.as_bytes());
    out.extend(user);
}
