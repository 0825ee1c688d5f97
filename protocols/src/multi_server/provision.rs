//! First storage of every party: secrets, and with `registration = provisioned` phases 1, 2 and a
//! first phase 5, each in roster order, by the equations of the machines, with every clock at 0.
//!
//! Each secret comes from the stream of the party that it belongs to, r3 of a user from that user's,
//! so a further party changes nobody's values.

use std::collections::BTreeMap;

use crate::crypto::Crypto;
use crate::entropy::{Entropy, uniform};
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;

use super::directory::{server_id, server_location, user_name};
use super::equations::card::{Head, NewCard, identity_secret, user_id};
use super::equations::login::verifier;
use super::equations::{Hash, issue, server_key, server_proof_key, server_secret};
use super::messages::{TABLE_RECORD, padded};
use super::params::Params;
use super::rc::sort_table;
use super::records::{self, Identity, ServerKeys, ServerRow, UserRow};
use super::role;

/// Letters of a drawn password.
const PASSWORD_LETTERS: usize = 12;

/// Draws 12 letters a..z; `uniform` draws an integer below its argument.
pub(crate) fn draw_password(mut uniform: impl FnMut(u64) -> u64) -> [u8; PASSWORD_LETTERS] {
    core::array::from_fn(|_| b'a' + u8::try_from(uniform(26)).unwrap_or(0))
}

/// The password of a party: its node parameter, else drawn.
pub(crate) fn password(roster: &Roster, party: &Party, entropy: &mut dyn Entropy) -> Vec<u8> {
    let drawn = draw_password(|below| uniform(entropy, below));
    match roster.groups[party.group as usize]
        .params
        .text("password", "")
    {
        "" => drawn.to_vec(),
        given => given.as_bytes().to_vec(),
    }
}

/// Hands the stream `purpose` of a party to `use_it`.
pub(crate) fn with_stream(
    roster: &Roster,
    streams: &mut dyn Streams,
    party: &Party,
    purpose: &str,
    use_it: &mut dyn FnMut(&mut dyn Entropy),
) {
    let group = &roster.groups[party.group as usize].name;
    streams.with(group, party.member, purpose, use_it);
}

/// Parties of a role with their index in the roster, in roster order.
pub(crate) fn of_role(roster: &Roster, role: u8) -> impl Iterator<Item = (usize, &Party)> {
    let parties = roster.parties.iter().enumerate();
    parties.filter(move |(_, party)| party.role == role)
}

struct Bench<'a> {
    params: &'a Params,
    roster: &'a Roster,
    streams: &'a mut dyn Streams,
    sink: &'a mut dyn ProvisionSink,
    /// Provisioning is nobody's work at run time: what it meters is thrown away.
    crypto: Crypto,
    bytes: Vec<u8>,
}

/// Gives every party its first storage.
pub(crate) fn provision(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
) {
    let mut bench = Bench {
        params,
        roster,
        streams,
        sink,
        crypto: Crypto::default(),
        bytes: Vec::new(),
    };
    let centre = of_role(roster, role::RC).next();
    let mut k_rc = [0; 32];
    if let Some((_, party)) = centre {
        with_stream(roster, bench.streams, party, "centre", &mut |e| {
            e.fill(&mut k_rc)
        });
    }
    let rows = bench.servers(&k_rc);
    let users = bench.users(&k_rc, &rows);
    if let Some((index, _)) = centre {
        bench.sink.put(index, records::CENTRE_KEY, &k_rc);
        bench.centre_tables(index, &rows, &users);
    }
    if !params.in_band {
        bench.server_tables(&rows, &users);
    }
}

impl Bench<'_> {
    fn put(&mut self, party: usize, record: Record, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.clear();
        write(&mut self.bytes);
        self.sink.put(party, record, &self.bytes);
        self.crypto.meter.clear();
    }

    /// Identities, and phase 1. Returns the centre's rows, none with in-band registration.
    fn servers(&mut self, k_rc: &Hash) -> Vec<ServerRow> {
        let roster = self.roster;
        let mut rows = Vec::new();
        for (index, party) in of_role(roster, role::SERVER) {
            let (mut typed, mut r_s) = (Vec::new(), [0; 16]);
            with_stream(roster, self.streams, party, "server", &mut |entropy| {
                typed = password(roster, party, entropy);
                entropy.fill(&mut r_s);
            });
            let id = server_id(roster, party);
            let p = server_secret(&mut self.crypto, id.as_bytes(), &r_s, &typed);
            let identity = Identity {
                padded_id: padded(id.as_bytes()),
                loc: padded(server_location(roster, party).as_bytes()),
                r_s,
                p,
                password: &typed,
            };
            self.put(index, records::SERVER_IDENTITY, |out| identity.write(out));
            if !self.params.in_band {
                let row = ServerRow {
                    id: identity.padded_id,
                    ssk: server_key(&mut self.crypto, k_rc, &p, 0),
                    loc: identity.loc,
                    q: server_proof_key(&mut self.crypto, id.as_bytes(), &typed, &p),
                    // Phase 5 has been run at time 0.
                    last_t: Some(0),
                };
                let keys = ServerKeys {
                    ssk: row.ssk,
                    old: None,
                };
                self.put(index, records::SERVER_KEYS, |out| keys.write(out));
                rows.push(row);
            }
        }
        rows
    }

    /// Heads, and phase 2. Returns UID and C of every user, none with in-band registration.
    fn users(&mut self, k_rc: &Hash, rows: &[ServerRow]) -> Vec<(Hash, Hash)> {
        let roster = self.roster;
        let mut list = Vec::new();
        rows.iter()
            .for_each(|row| row.write_list(self.params, &mut list));
        let mut users = Vec::new();
        for (index, party) in of_role(roster, role::USER) {
            let (mut typed, mut r1, mut r2) = (Vec::new(), [0; 16], [0; 16]);
            let in_band = self.params.in_band;
            with_stream(roster, self.streams, party, "user", &mut |entropy| {
                typed = password(roster, party, entropy);
                if !in_band {
                    entropy.fill(&mut r1);
                    entropy.fill(&mut r2);
                }
            });
            let id = user_name(roster, party);
            self.put(index, records::USER_HEAD, |out| {
                records::write_head(id.as_bytes(), &typed, out);
            });
            if in_band {
                continue;
            }
            let mut r3 = [0; 32];
            with_stream(roster, self.streams, party, "issue", &mut |e| {
                e.fill(&mut r3)
            });
            let head = Head {
                id: id.as_bytes(),
                password: &typed,
            };
            let uid = user_id(&mut self.crypto, &r1, head.id, &r2);
            let a = identity_secret(self.params, &mut self.crypto, &r1, &head);
            let issued = issue(&mut self.crypto, k_rc, &r3, &uid, &a);
            let card = NewCard {
                head,
                r1: &r1,
                r2: &r2,
                uid: &uid,
                a: &a,
                c: &issued.c,
                d: &issued.d,
                version: 1,
                list: &list,
            };
            let mut bytes = core::mem::take(&mut self.bytes);
            bytes.clear();
            card.build(self.params, &mut self.crypto, &mut bytes);
            self.sink.put(index, records::USER_CARD, &bytes);
            self.crypto.meter.clear();
            self.bytes = bytes;
            users.push((uid, issued.c));
        }
        users
    }

    fn centre_tables(&mut self, centre: usize, rows: &[ServerRow], users: &[(Hash, Hash)]) {
        for (key, row) in (0u32..).zip(rows) {
            let record = Record::new(records::CENTRE_SERVERS, key);
            self.put(centre, record, |out| row.write(out));
        }
        for (record, row) in file_users(users) {
            self.put(centre, record, |out| row.write(out));
        }
    }

    /// The first phase 5 of every server.
    fn server_tables(&mut self, rows: &[ServerRow], users: &[(Hash, Hash)]) {
        let mut table = Vec::with_capacity(users.len() * TABLE_RECORD);
        let servers: Vec<_> = of_role(self.roster, role::SERVER)
            .map(|(index, _)| index)
            .collect();
        for (index, row) in servers.into_iter().zip(rows) {
            table.clear();
            let id = super::messages::unpadded(&row.id);
            for (uid, c) in users {
                table.extend_from_slice(uid);
                table.extend_from_slice(&verifier(self.params, &mut self.crypto, c, id));
                table.extend_from_slice(&0u32.to_be_bytes());
                self.crypto.meter.clear();
            }
            sort_table(&mut table);
            self.sink.put(index, records::SERVER_TABLE, &table);
        }
    }
}

/// The centre's rows of new users, each in its record, in ascending order.
pub(crate) fn file_users(users: &[(Hash, Hash)]) -> impl Iterator<Item = (Record, UserRow<'_>)> {
    // The key that a search starts from, or the next free one behind it.
    let mut filed = BTreeMap::new();
    for user in users {
        let mut record = records::home(&user.0);
        while filed.contains_key(&record.key) {
            record.key = record.key.wrapping_add(1);
        }
        filed.insert(record.key, user);
    }
    filed.into_iter().map(|(key, (uid, c))| {
        let row = UserRow {
            uid: *uid,
            c: *c,
            version: 0,
            change: None,
        };
        (Record::new(records::CENTRE_USERS, key), row)
    })
}
