//! First storage of all parties: names, passwords, user tables, RSA pairs.
//!
//! Streams: `rsa-pair` and `password` of each party, `rsa-pair` of member j of `key-pool` where
//! pairs are shared. Nothing of one party depends on another but the user tables, which hold the
//! users by definition.

use std::collections::BTreeMap;

use crate::crypto::Crypto;
use crate::crypto::rsa::Arithmetic;
use crate::crypto::rsa::cache::{KeyStore, MemoryKeyStore, PairName, STREAM_HEAD};
use crate::crypto::rsa::pair;
use crate::entropy;
use crate::parameter::ParameterError;
use crate::roster::{Group, Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;

use super::equations::Stored;
use super::messages::{is_device_name, is_user_name};
use super::params::{Params, refused};
use super::records;
use super::{CLIENT, DEVICE};

/// Letters of a password that the scenario does not give.
const PASSWORD_LETTERS: usize = 12;

/// The name of a party: what its group gives, with the member's number where the group is several,
/// else the role's default with its number within the role.
pub(super) fn name(roster: &Roster, party: &Party) -> String {
    let group = &roster.groups[party.group as usize];
    let (parameter, default) = match party.role {
        DEVICE => ("device_name", "dev"),
        _ => ("user_name", "user"),
    };
    match group.params.text(parameter, "") {
        "" => format!("{default}{}", party.ordinal),
        given if group.count == 1 => given.to_owned(),
        given => format!("{given}{}", party.member),
    }
}

/// Refuses names that the frames cannot carry, users with the same name, and tables that list
/// somebody who does not exist.
pub(super) fn check(roster: &Roster) -> Result<(), ParameterError> {
    let mut users = BTreeMap::new();
    for party in &roster.parties {
        let name = name(roster, party);
        let group = &roster.groups[party.group as usize];
        let (parameter, allowed) = match party.role {
            DEVICE => ("device_name", is_device_name(name.as_bytes())),
            _ => ("user_name", is_user_name(name.as_bytes())),
        };
        let at = format!("{}.{parameter}", group.name);
        if !allowed {
            return Err(refused(
                &at,
                format!("`{name}` is no name that a frame can carry"),
                "use 1 to 64 bytes without comma, control character or, for users, colon",
            ));
        }
        if party.role == CLIENT
            && let Some(other) = users.insert(name.clone(), &group.name)
        {
            return Err(refused(
                &at,
                format!("`{name}` is also a user of group `{other}`"),
                "give every user a name of its own",
            ));
        }
    }
    for group in roster.groups.iter().filter(|group| group.role == DEVICE) {
        if let Some(stranger) = listed(group).find(|user| !users.contains_key(*user)) {
            return Err(refused(
                &format!("{}.users", group.name),
                format!("there is no user `{stranger}`"),
                "list names of clients",
            ));
        }
    }
    Ok(())
}

/// The users that a device group lists; none when its devices hold every user.
fn listed(group: &Group) -> impl Iterator<Item = &str> {
    let names = group.params.text("users", "");
    names.split(',').filter(|name| !name.is_empty())
}

/// A user as the tables hold it.
struct User {
    name: String,
    stored: Stored,
}

pub(super) fn provision(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
) {
    let mut users = Vec::new();
    let mut pairs = Pairs {
        params,
        kept: MemoryKeyStore::default(),
    };
    for (index, party) in roster.parties.iter().enumerate() {
        if party.role != CLIENT {
            continue;
        }
        let name = name(roster, party);
        let password = password(roster, party, streams);
        sink.put(index, records::PAIR, &pairs.of(roster, index, streams));
        sink.put(index, records::NAME, name.as_bytes());
        sink.put(index, records::PASSWORD, &password);
        let stored = Stored::new(&mut Crypto::default(), params, &password);
        users.push(User { name, stored });
    }
    let everybody = table(users.iter());
    for (group_index, group) in roster.groups.iter().enumerate() {
        if group.role != DEVICE {
            continue;
        }
        let names: Vec<&str> = listed(group).collect();
        let some;
        let table = if names.is_empty() {
            &everybody
        } else {
            let chosen = |user: &&User| names.contains(&user.name.as_str());
            some = table(users.iter().filter(chosen));
            &some
        };
        for (offset, party) in roster.group(group_index).iter().enumerate() {
            let index = group.first + offset;
            sink.put(index, records::PAIR, &pairs.of(roster, index, streams));
            sink.put(index, records::NAME, name(roster, party).as_bytes());
            let mut bytes = Vec::new();
            for (slot, user) in table {
                bytes.clear();
                records::put_user(&mut bytes, &user.stored, user.name.as_bytes());
                sink.put(index, Record::new(records::USERS, *slot), &bytes);
            }
        }
    }
}

fn password(roster: &Roster, party: &Party, streams: &mut dyn Streams) -> Vec<u8> {
    let group = &roster.groups[party.group as usize];
    let given = group.params.text("password", "");
    if !given.is_empty() {
        return given.as_bytes().to_vec();
    }
    let mut password = Vec::with_capacity(PASSWORD_LETTERS);
    streams.with(&group.name, party.member, "password", &mut |stream| {
        password.clear();
        password.extend((0..PASSWORD_LETTERS).map(|_| {
            let letter = entropy::uniform(stream, 26);
            b'a' + u8::try_from(letter).unwrap_or(0)
        }));
    });
    password
}

/// Users by slot.
fn table<'a>(users: impl Iterator<Item = &'a User>) -> BTreeMap<u32, &'a User> {
    let mut table = BTreeMap::new();
    for user in users {
        let mut slot = records::first_slot(user.name.as_bytes());
        while table.contains_key(&slot) {
            slot = slot.wrapping_add(1);
        }
        table.insert(slot, user);
    }
    table
}

/// Makes RSA pairs, or finds them in a store.
struct Pairs<'a> {
    params: &'a Params,
    /// Serves where the streams bring no store, so that a shared pair is generated once.
    kept: MemoryKeyStore,
}

impl Pairs<'_> {
    /// The pair of a party, as bytes.
    fn of(&mut self, roster: &Roster, index: usize, streams: &mut dyn Streams) -> Vec<u8> {
        let party = &roster.parties[index];
        let (group, member) = match self.params.key_pool {
            0 => (
                roster.groups[party.group as usize].name.as_str(),
                party.member,
            ),
            pool => {
                let member = index % usize::from(pool);
                ("key-pool", u32::try_from(member).unwrap_or(0))
            }
        };
        match self.params.arithmetic {
            Arithmetic::Real => self.real(group, member, streams),
            Arithmetic::Modelled => self.generate(group, member, streams),
        }
    }

    fn real(&mut self, group: &str, member: u32, streams: &mut dyn Streams) -> Vec<u8> {
        let mut head = [0; STREAM_HEAD];
        streams.fill(group, member, PURPOSE, &mut head);
        let name = PairName::new(self.params.rsa_bits, self.params.rsa_exponent, &head);
        let text = name.text();
        let file = match streams.key_store() {
            Some(store) => store.load(&text),
            None => self.kept.load(&text),
        };
        if let Some(pair) = file.as_deref().and_then(|file| name.pair(file)) {
            return pair.to_vec();
        }
        let pair = self.generate(group, member, streams);
        let file = name.file(&pair);
        match streams.key_store() {
            Some(store) => store.save(&text, &file),
            None => self.kept.save(&text, &file),
        }
        pair
    }

    fn generate(&self, group: &str, member: u32, streams: &mut dyn Streams) -> Vec<u8> {
        let Params {
            rsa_bits,
            rsa_exponent,
            arithmetic,
            ..
        } = *self.params;
        let mut bytes = Vec::new();
        streams.with(group, member, PURPOSE, &mut |stream| {
            bytes = pair::generate(stream, rsa_bits, rsa_exponent, arithmetic);
        });
        bytes
    }
}

/// The stream of a pair.
const PURPOSE: &str = "rsa-pair";
