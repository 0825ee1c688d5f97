//! First storage of the prototype's parties. As in the parent module, each secret comes from the
//! stream of the party that it belongs to.

use super::card::{TextCard, TextHead};
use super::centre::{Secrets, list_text};
use super::text::{digest, hex};
use crate::crypto::Crypto;
use crate::multi_server::directory::{server_id, server_location, user_name};
use crate::multi_server::equations::{Hash, xor};
use crate::multi_server::messages::padded;
use crate::multi_server::params::Params;
use crate::multi_server::provision::{file_users, of_role, password, with_stream};
use crate::multi_server::records::{self, Identity, ServerKeys, ServerRow};
use crate::multi_server::role;
use crate::roster::{ProvisionSink, Roster, Streams};

/// Gives every party its first storage.
pub(crate) fn provision(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
) {
    let mut secrets = Secrets {
        k_rc: [0; 32],
        r3: [0; 16],
    };
    let centre = of_role(roster, role::RC).next();
    if let Some((_, party)) = centre {
        with_stream(roster, streams, party, "centre", &mut |entropy| {
            entropy.fill(&mut secrets.k_rc);
            entropy.fill(&mut secrets.r3);
        });
    }
    let rows = servers(params, roster, streams, sink, &secrets);
    let users = users(params, roster, streams, sink, (&secrets, &rows));
    if let Some((index, _)) = centre {
        let both = [&secrets.k_rc[..], &secrets.r3].concat();
        sink.put(index, records::CENTRE_KEY, &both);
        let mut bytes = Vec::new();
        for (key, row) in (0u32..).zip(&rows) {
            bytes.clear();
            row.write(&mut bytes);
            sink.put(
                index,
                crate::Record::new(records::CENTRE_SERVERS, key),
                &bytes,
            );
        }
        for (record, row) in file_users(&users) {
            bytes.clear();
            row.write(&mut bytes);
            sink.put(index, record, &bytes);
        }
    }
}

/// Identities, and phase 1.
fn servers(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
    secrets: &Secrets,
) -> Vec<ServerRow> {
    let mut crypto = Crypto::default();
    let mut rows = Vec::new();
    let mut bytes = Vec::new();
    for (index, party) in of_role(roster, role::SERVER) {
        let (mut typed, mut r_s) = (Vec::new(), [0; 16]);
        with_stream(roster, streams, party, "server", &mut |entropy| {
            typed = password(roster, party, entropy);
            entropy.fill(&mut r_s);
        });
        let id = server_id(roster, party);
        let word = String::from_utf8_lossy(&typed);
        let p = digest(&mut crypto, &[&id, &hex(&r_s), &word]);
        let identity = Identity {
            padded_id: padded(id.as_bytes()),
            loc: padded(server_location(roster, party).as_bytes()),
            r_s,
            p,
            password: &typed,
        };
        bytes.clear();
        identity.write(&mut bytes);
        sink.put(index, records::SERVER_IDENTITY, &bytes);
        if params.in_band {
            continue;
        }
        let typed = digest(&mut crypto, &[&id, &word]);
        let row = ServerRow {
            id: identity.padded_id,
            ssk: secrets.server_key(&mut crypto, &p, 0),
            loc: identity.loc,
            q: xor(&mut crypto, &typed, &p),
            last_t: None,
        };
        let keys = ServerKeys {
            ssk: row.ssk,
            old: None,
        };
        bytes.clear();
        keys.write(&mut bytes);
        sink.put(index, records::SERVER_KEYS, &bytes);
        rows.push(row);
        crypto.meter.clear();
    }
    rows
}

/// Heads, and phase 2. Returns UID and C of every user.
fn users(
    params: &Params,
    roster: &Roster,
    streams: &mut dyn Streams,
    sink: &mut dyn ProvisionSink,
    (secrets, rows): (&Secrets, &[ServerRow]),
) -> Vec<(Hash, Hash)> {
    let mut crypto = Crypto::default();
    let list = list_text(rows.iter());
    let mut users = Vec::new();
    let mut bytes = Vec::new();
    for (index, party) in of_role(roster, role::USER) {
        let (mut typed, mut r1, mut r2) = (Vec::new(), [0; 16], [0; 16]);
        with_stream(roster, streams, party, "user", &mut |entropy| {
            typed = password(roster, party, entropy);
            if !params.in_band {
                entropy.fill(&mut r1);
                entropy.fill(&mut r2);
            }
        });
        let id = user_name(roster, party);
        bytes.clear();
        records::write_head(id.as_bytes(), &typed, &mut bytes);
        sink.put(index, records::USER_HEAD, &bytes);
        if params.in_band {
            continue;
        }
        let word = String::from_utf8_lossy(&typed);
        let head = TextHead {
            id: &id,
            password: &word,
        };
        let (r1, r2) = (hex(&r1), hex(&r2));
        let uid = head.uid(&mut crypto, &r1, &r2);
        let a = head.secret(&mut crypto);
        let (c, d) = secrets.issue(&mut crypto, &uid, &a);
        let card = TextCard {
            head,
            r1: &r1,
            r2: &r2,
            uid: &uid,
            a: &a,
            c: &c,
            d: &d,
            list: &list,
        };
        bytes.clear();
        card.build(&mut crypto, &mut bytes);
        sink.put(index, records::USER_CARD, &bytes);
        crypto.meter.clear();
        users.push((uid, c));
    }
    users
}
