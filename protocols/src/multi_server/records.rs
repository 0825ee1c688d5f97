//! Durable records: which tables each role has, and how their rows are written and read.
//!
//! The centre files a user under the first four bytes of its UID; when another user is there, under
//! the next free key. Users are never removed, so a search may stop at the first gap, and the keys
//! in ascending order are almost the UIDs in ascending order.

use crate::Context;
use crate::storage::{Record, Storage};

use super::equations::Hash;
use super::messages::{PaddedId, PaddedLoc, unpadded};
use super::params::Params;

/// Centre: K_rc, 32 bytes, key 0.
pub(crate) const CENTRE_KEY: Record = Record::new(0, 0);
/// Centre: one row per server, in the order of first registration from key 0.
pub(crate) const CENTRE_SERVERS: u8 = 1;
/// Centre: one row per user.
pub(crate) const CENTRE_USERS: u8 = 2;

/// Server: what it is from provisioning on.
pub(crate) const SERVER_IDENTITY: Record = Record::new(0, 0);
/// Server: SSK_j; with an old one also that and the end of its grace.
pub(crate) const SERVER_KEYS: Record = Record::new(1, 0);
/// Server: the table, records in ascending order of UID.
pub(crate) const SERVER_TABLE: Record = Record::new(2, 0);

/// User: ID_i and the first PW_i, as the person was told them.
pub(crate) const USER_HEAD: Record = Record::new(0, 0);
/// User: the card, or the old one of a pair.
pub(crate) const USER_CARD: Record = Record::new(1, 0);
/// User: the new card of a pair.
pub(crate) const USER_NEW_CARD: Record = Record::new(1, 1);
/// User: a PWD_REQ that is repeated until it is answered.
pub(crate) const USER_REQUEST: Record = Record::new(2, 0);

/// Reads a byte string from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `N` bytes; `None` when there are fewer.
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    /// The next `length` bytes; `None` when there are fewer.
    pub(crate) fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
}

/// The centre's row of a server: 104 bytes, 112 with a last accepted T.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerRow {
    pub(crate) id: PaddedId,
    pub(crate) ssk: Hash,
    pub(crate) loc: PaddedLoc,
    pub(crate) q: Hash,
    /// T of the last accepted DB_REQ.
    pub(crate) last_t: Option<u64>,
}

impl ServerRow {
    /// Reads a row; `None` when it is cut short.
    pub(crate) fn read(record: &[u8]) -> Option<Self> {
        let mut reader = Reader(record);
        Some(Self {
            id: reader.take()?,
            ssk: reader.take()?,
            loc: reader.take()?,
            q: reader.take()?,
            last_t: reader.take().map(u64::from_be_bytes),
        })
    }

    /// Appends the row.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.ssk);
        out.extend_from_slice(&self.loc);
        out.extend_from_slice(&self.q);
        if let Some(last) = self.last_t {
            out.extend_from_slice(&last.to_be_bytes());
        }
    }

    /// Appends the list record that users get.
    pub(crate) fn write_list(&self, params: &Params, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.ssk);
        out.extend_from_slice(&self.loc);
        if params.list_q {
            out.extend_from_slice(&self.q);
        }
    }
}

/// The rows of all servers, in the order of first registration.
pub(crate) fn servers(storage: &dyn Storage) -> impl Iterator<Item = (Record, ServerRow)> + '_ {
    rows(storage, CENTRE_SERVERS)
        .filter_map(|(record, bytes)| Some((record, ServerRow::read(bytes)?)))
}

/// The records of a table, in ascending order of their keys.
pub(crate) fn rows(storage: &dyn Storage, table: u8) -> impl Iterator<Item = (Record, &[u8])> {
    let mut next = storage.next(table, 0);
    core::iter::from_fn(move || {
        let record = next?;
        next = record
            .key
            .checked_add(1)
            .and_then(|from| storage.next(table, from));
        Some((record, storage.read(record)?))
    })
}

/// What the centre remembers of a password change until it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change<'a> {
    /// The C under which the change was asked for.
    pub(crate) c_prev: Hash,
    /// SHA-256 of the PWD_REQ.
    pub(crate) request: Hash,
    /// The PWD_REP.
    pub(crate) reply: &'a [u8],
}

/// The centre's row of a user: 68 bytes, 241 while a change is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserRow<'a> {
    pub(crate) uid: Hash,
    pub(crate) c: Hash,
    pub(crate) version: u32,
    pub(crate) change: Option<Change<'a>>,
}

/// Bytes of a PWD_REP.
const PWD_REP: usize = 109;

impl<'a> UserRow<'a> {
    /// Reads a row; `None` when it is cut short. A change that is cut short is none.
    pub(crate) fn read(record: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(record);
        Some(Self {
            uid: reader.take()?,
            c: reader.take()?,
            version: u32::from_be_bytes(reader.take()?),
            change: Self::read_change(reader),
        })
    }

    fn read_change(mut reader: Reader<'a>) -> Option<Change<'a>> {
        Some(Change {
            c_prev: reader.take()?,
            request: reader.take()?,
            reply: reader.slice(PWD_REP)?,
        })
    }

    /// Appends the row.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.uid);
        out.extend_from_slice(&self.c);
        out.extend_from_slice(&self.version.to_be_bytes());
        if let Some(change) = &self.change {
            out.extend_from_slice(&change.c_prev);
            out.extend_from_slice(&change.request);
            out.extend_from_slice(change.reply);
        }
    }

    /// C, then C_prev.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = Hash> + use<> {
        [Some(self.c), self.change.map(|change| change.c_prev)]
            .into_iter()
            .flatten()
    }
}

/// The row of a user, or the record in which a new one belongs.
pub(crate) fn find_user<'a>(
    storage: &'a dyn Storage,
    uid: &Hash,
) -> Result<(Record, UserRow<'a>), Record> {
    let mut record = home(uid);
    let mut torn = None;
    while let Some(bytes) = storage.read(record) {
        match UserRow::read(bytes) {
            Some(row) if row.uid == *uid => return Ok((record, row)),
            Some(_) => {}
            // A torn first write holds nobody: it may be used, but the search goes on behind it.
            None => torn = torn.or(Some(record)),
        }
        record.key = record.key.wrapping_add(1);
    }
    Err(torn.unwrap_or(record))
}

/// The record at which the search for a user starts.
pub(crate) fn home(uid: &Hash) -> Record {
    Record::new(
        CENTRE_USERS,
        u32::from_be_bytes([uid[0], uid[1], uid[2], uid[3]]),
    )
}

/// What a server is from provisioning on: id_j 16, loc_j 24, r_S 16, P_j 32, then PW_j.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity<'a> {
    pub(crate) padded_id: PaddedId,
    pub(crate) loc: PaddedLoc,
    pub(crate) r_s: [u8; 16],
    pub(crate) p: Hash,
    pub(crate) password: &'a [u8],
}

impl<'a> Identity<'a> {
    /// Reads the identity of the server.
    pub(crate) fn read(cx: &Context<'a>) -> Option<Self> {
        Self::parse(&mut Reader(cx.storage.read(SERVER_IDENTITY)?))
    }

    /// Reads the record.
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            padded_id: reader.take()?,
            loc: reader.take()?,
            r_s: reader.take()?,
            p: reader.take()?,
            password: reader.0,
        })
    }

    /// Appends the record.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.padded_id);
        out.extend_from_slice(&self.loc);
        out.extend_from_slice(&self.r_s);
        out.extend_from_slice(&self.p);
        out.extend_from_slice(self.password);
    }

    /// ID_j.
    pub(crate) fn id(&self) -> &[u8] {
        unpadded(&self.padded_id)
    }
}

/// The keys of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerKeys {
    pub(crate) ssk: Hash,
    /// The replaced SSK_j and the instant at which its grace ends.
    pub(crate) old: Option<(Hash, u64)>,
}

impl ServerKeys {
    /// Reads the keys; `None` before registration.
    pub(crate) fn read(cx: &Context<'_>) -> Option<Self> {
        let mut reader = Reader(cx.storage.read(SERVER_KEYS)?);
        let ssk = reader.take()?;
        let old = reader.take().zip(reader.take().map(u64::from_be_bytes));
        Some(Self { ssk, old })
    }

    /// Appends the record: 32 bytes, 72 with an old key.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ssk);
        if let Some((old, end)) = &self.old {
            out.extend_from_slice(old);
            out.extend_from_slice(&end.to_be_bytes());
        }
    }

    /// The replaced key while its grace lasts.
    pub(crate) fn in_grace(&self, now: u64) -> Option<&Hash> {
        self.old
            .as_ref()
            .and_then(|(old, end)| (now < *end).then_some(old))
    }
}

/// The verifier in a table record.
pub(crate) fn look_up(table: &[u8], uid: &Hash) -> Option<Hash> {
    let (records, _) = table.as_chunks::<{ super::messages::TABLE_RECORD }>();
    let index = records
        .binary_search_by(|record| record[..32].cmp(uid))
        .ok()?;
    records[index][32..64].try_into().ok()
}

/// ID_i and the first PW_i: a length byte, ID_i, PW_i.
pub(crate) fn write_head(id: &[u8], password: &[u8], out: &mut Vec<u8>) {
    out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(id);
    out.extend_from_slice(password);
}

/// ID_i and the first PW_i.
pub(crate) fn read_head(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = record.split_first()?;
    rest.split_at_checked(usize::from(*length))
}
