//! The secrets that parties hold: master keys, and the four keys of a session.

use super::equations::KEY_BYTES;
use super::params::Params;
use super::provision::checked_id;
use super::server::KEYS;
use super::{CLIENT, SERVER, client};
use crate::attack::{Holder, Secret, SecretSpec};
use crate::registry::Column;
use crate::storage::Record;

/// K of a client.
pub(super) const MASTER_KEY: &str = "master-key";
/// The four keys of a session.
pub(super) const SESSION_KEY: &str = "session-key";

/// The number of a client that is authorised.
pub(super) const CLIENT_ID: &str = "client-id";

/// What there is to know.
pub(super) const SPECS: &[SecretSpec] = &[
    SecretSpec {
        name: MASTER_KEY,
        roles: &[SERVER, CLIENT],
        help: "K of a client",
    },
    SecretSpec {
        name: SESSION_KEY,
        roles: &[SERVER, CLIENT],
        help: "the four present keys of a session: C2S cipher and MAC key, S2C cipher and MAC key",
    },
    SecretSpec {
        name: CLIENT_ID,
        roles: &[SERVER],
        help: "the number of an authorised client, one byte",
    },
];

/// Lists what a party holds.
pub(super) fn list(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
    if holder.party.role == CLIENT {
        let server = holder.roster.peers(holder.party, SERVER).next();
        let about = server.map(|party| party.host);
        if let Some((_, key)) = holder
            .storage
            .read(client::IDENTITY)
            .and_then(<[u8]>::split_first)
        {
            out(Secret {
                kind: MASTER_KEY,
                about,
                bytes: key,
            });
        }
        if let Column::RatchetClient(all) = holder.column
            && let Some(keys) = all.get(holder.member).and_then(super::Client::keys)
        {
            out(Secret {
                kind: SESSION_KEY,
                about,
                bytes: &keys.joined(params),
            });
        }
        return;
    }
    let host_of = |id: u8| {
        let mut clients = holder.roster.parties.iter();
        let found =
            clients.find(|party| party.role == CLIENT && checked_id(holder.roster, party) == id);
        found.map(|party| party.host)
    };
    for id in 1..=params.clients {
        let stored = holder.storage.read(Record::new(KEYS, u32::from(id)));
        if let Some(key) = stored.filter(|key| key.len() == KEY_BYTES) {
            out(Secret {
                kind: CLIENT_ID,
                about: None,
                bytes: &[id],
            });
            out(Secret {
                kind: MASTER_KEY,
                about: host_of(id),
                bytes: key,
            });
        }
    }
    if let Column::RatchetServer(all) = holder.column
        && let Some(server) = all.get(holder.member)
    {
        for (id, keys) in server.keys() {
            out(Secret {
                kind: SESSION_KEY,
                about: host_of(id),
                bytes: &keys.joined(params),
            });
        }
    }
}
