//! First storage of every party, and the machines.
//!
//! A master key belongs to a client id. It is drawn from the stream `master-key-<id>` of the first
//! server, so that neither a further client nor a further server changes anybody's key; every
//! server holds the keys of all authorised ids.

use std::io::Write as _;
use std::sync::Arc;

use super::choice::MasterKey;
use super::equations::KEY_BYTES;
use super::params::{Params, refuse};
use super::{CLIENT, SERVER, client, server};
use crate::output::Principal;
use crate::parameter::{ParameterError, Value};
use crate::registry::Column;
use crate::roster::{Party, ProvisionSink, Roster, Streams};
use crate::storage::Record;

/// The id given to a client's group, else the client's number among all clients.
fn client_id(roster: &Roster, party: &Party) -> u64 {
    let group = &roster.groups[party.group as usize];
    group.params.integer("id", u64::from(party.ordinal))
}

/// The id of a client of a checked roster.
pub(super) fn checked_id(roster: &Roster, party: &Party) -> u8 {
    u8::try_from(client_id(roster, party)).unwrap_or(0)
}

/// Checks ids and roles.
///
/// # Errors
///
/// No server, or a client whose id is not authorised.
pub(super) fn check(params: &Params, roster: &Roster) -> Result<(), ParameterError> {
    if !roster.parties.iter().any(|party| party.role == SERVER) {
        return Err(refuse(
            "nodes",
            "there is no server".to_owned(),
            "add a group with role = \"server\"".to_owned(),
        ));
    }
    for party in roster.parties.iter().filter(|party| party.role == CLIENT) {
        let id = client_id(roster, party);
        if (1..=u64::from(params.clients)).contains(&id) {
            continue;
        }
        let group = &roster.groups[party.group as usize];
        let given = matches!(group.params.get("id"), Some(Value::Integer(_)));
        let name = if given {
            format!("{}.id", group.name)
        } else {
            group.name.clone()
        };
        return Err(refuse(
            &name,
            format!(
                "client id {id} is not among the {} authorised ones",
                params.clients
            ),
            "raise the protocol parameter `clients` (at most 255), or use fewer clients".to_owned(),
        ));
    }
    Ok(())
}

/// K of an id.
fn master_key(
    params: &Params,
    roster: &Roster,
    id: u8,
    streams: &mut dyn Streams,
) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    match params.master_key {
        MasterKey::Random => {
            let server = roster.parties.iter().find(|party| party.role == SERVER);
            let (group, member) = server.map_or(("", 0), |party| {
                (
                    roster.groups[party.group as usize].name.as_str(),
                    party.member,
                )
            });
            streams.fill(group, member, &format!("master-key-{id}"), &mut key);
        }
        MasterKey::Ascii => {
            // Longer text is cut, which is what a full buffer does to it.
            let _ = write!(&mut key[..], "client{id}_master_k");
        }
    }
    key
}

/// Gives every party its first storage.
pub(super) fn provision(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
) {
    let mut record = Vec::with_capacity(1 + KEY_BYTES);
    for (index, party) in roster.parties.iter().enumerate() {
        if party.role == CLIENT {
            let id = checked_id(roster, party);
            record.clear();
            record.push(id);
            record.extend_from_slice(&master_key(params, roster, id, streams));
            sink.put(index, client::IDENTITY, &record);
            continue;
        }
        for id in 1..=params.clients {
            let key = master_key(params, roster, id, streams);
            sink.put(index, Record::new(server::KEYS, u32::from(id)), &key);
        }
    }
}

/// The record of a client's master key at the servers; `None` when several clients share the id.
pub(super) fn record_about(roster: &Roster, party: &Party) -> Option<Record> {
    let id = client_id(roster, party);
    let clients = roster.parties.iter().filter(|other| other.role == CLIENT);
    let holders = clients.filter(|other| client_id(roster, other) == id);
    (party.role == CLIENT && holders.count() == 1)
        .then(|| Record::new(server::KEYS, u32::from(checked_id(roster, party))))
}

/// The machines of one group.
pub(super) fn machines(params: &Arc<Params>, roster: &Roster, group: usize) -> Column {
    let parties = roster.group(group);
    if roster.groups[group].role == SERVER {
        let server = |_: &Party| server::Server::new(Arc::clone(params));
        return Column::RatchetServer(parties.iter().map(server).collect());
    }
    let client = |party: &Party| {
        let server = roster.first_peer(party, SERVER, server::PORT);
        client::Client::new(Arc::clone(params), server.unwrap_or_default())
    };
    Column::RatchetClient(parties.iter().map(client).collect())
}

/// The principal of a party: a client's id, a server's host.
pub(super) fn principal(roster: &Roster, party: &Party) -> Principal {
    if party.role == CLIENT {
        Principal::id(CLIENT, client_id(roster, party))
    } else {
        Principal::id(SERVER, u64::from(party.host))
    }
}
