//! The secrets that parties hold: what a scenario may grant, and what confirms a claim.

use crate::attack::{Holder, Secret, SecretSpec};
use crate::crypto::{Crypto, sha256_unmetered};
use crate::output::Tag;
use crate::registry::Column;
use crate::storage::Storage;

use super::equations::{Hash, server_proof_key, tag};
use super::messages::{TABLE_RECORD, unpadded};
use super::params::Params;
use super::records::{self, Identity, Reader, ServerRow};
use super::role;

/// Words of a word list.
const WORDS: u32 = 1024;

/// What there is to know.
pub(super) const SPECS: &[SecretSpec] = &[
    spec(
        "session-key",
        &[role::SERVER, role::USER],
        "SK of the live session that ends last",
    ),
    spec(
        "key-of-session",
        &[role::SERVER, role::USER],
        "the 8 bytes that name a live session, then its SK",
    ),
    spec("uid", &[role::USER], "UID of a user"),
    spec(
        "c",
        &[role::RC, role::SERVER, role::USER],
        "C of a user; at a server of hardened C_ij",
    ),
    spec("ssk", &[role::RC, role::SERVER], "SSK of a server"),
    spec("q", &[role::RC, role::SERVER], "Q of a server"),
    spec(
        "list",
        &[role::USER],
        "the list on a card in clear: every ID_j, SSK_j, Loc_j",
    ),
    spec("card", &[role::USER], "a card as it rests"),
    spec("password", &[role::USER], "PW of a user"),
    spec(
        "word-list",
        &[role::USER],
        "1024 words, one of which is the password: a password that people choose",
    ),
    spec(
        "table",
        &[role::RC, role::SERVER],
        "all table records: uid 32, c 32, version 4",
    ),
    spec("k-rc", &[role::RC], "K_rc"),
    spec(
        "candidates",
        &[role::SERVER],
        "32-byte values in ascending order: the UIDs of all users and as many made-up ones",
    ),
    spec(
        "members",
        &[role::SERVER],
        "the UIDs of all users in ascending order, and nothing else",
    ),
];

const fn spec(name: &'static str, roles: &'static [u8], help: &'static str) -> SecretSpec {
    SecretSpec { name, roles, help }
}

type Out<'o> = &'o mut dyn FnMut(Secret<'_>);

fn say(out: Out<'_>, kind: &'static str, bytes: &[u8]) {
    out(Secret {
        kind,
        about: None,
        bytes,
    });
}

/// Lists what a party holds.
pub(super) fn list(params: &Params, holder: &Holder<'_>, out: &mut dyn FnMut(Secret<'_>)) {
    match holder.column {
        Column::MultiServerCentre(_) | Column::MultiServerLiteralCentre(_) => {
            of_centre(holder.storage, out);
        }
        Column::MultiServerServer(all) => {
            of_server(holder.storage, out);
            let newest = all.get(holder.member).and_then(super::Server::newest);
            of_session(newest, out);
        }
        Column::MultiServerLiteralServer(_) => of_server(holder.storage, out),
        Column::MultiServerUser(all) => {
            let Some(user) = all.get(holder.member) else {
                return;
            };
            if let Some(known) = user.known(params, holder.storage) {
                say(out, "uid", &known.uid);
                say(out, "c", &known.c);
                say(out, "list", &known.list);
                of_person(known.password, known.card, out);
            }
            of_session(user.newest(), out);
        }
        Column::MultiServerLiteralUser(all) => {
            let Some(user) = all.get(holder.member) else {
                return;
            };
            if let Some((password, card, read)) = super::LiteralUser::known(holder.storage) {
                say(out, "uid", &read.uid);
                say(out, "c", &read.c);
                say(out, "list", read.list().as_bytes());
                of_person(password, card, out);
            }
            of_session(user.newest(), out);
        }
        _ => {}
    }
}

fn of_session(newest: Option<(&Tag, &Hash)>, out: Out<'_>) {
    if let Some((_, key)) = newest {
        say(out, "session-key", key);
    }
}

fn of_person(password: &[u8], card: &[u8], out: Out<'_>) {
    say(out, "password", password);
    say(out, "card", card);
    let letters = |number: u32| {
        let hash = sha256_unmetered(&[b"word", &number.to_be_bytes()]);
        hash.into_iter().take(12).map(|byte| b'a' + byte % 26)
    };
    let hash = sha256_unmetered(&[b"place", password]);
    let place = u32::from(u16::from_be_bytes([hash[0], hash[1]])) % WORDS;
    let mut words = Vec::with_capacity(13 * WORDS as usize);
    for number in 0..WORDS {
        if number > 0 {
            words.push(b'\n');
        }
        if number == place {
            words.extend_from_slice(password);
        } else {
            words.extend(letters(number));
        }
    }
    say(out, "word-list", &words);
}

fn of_centre(storage: &dyn Storage, out: Out<'_>) {
    if let Some(key) = storage.read(records::CENTRE_KEY) {
        say(out, "k-rc", key);
    }
    for (_, bytes) in records::rows(storage, records::CENTRE_SERVERS) {
        if let Some(row) = ServerRow::read(bytes) {
            say(out, "ssk", &row.ssk);
            say(out, "q", &row.q);
        }
    }
    let mut table = Vec::new();
    for (_, bytes) in records::rows(storage, records::CENTRE_USERS) {
        if let Some(row) = bytes.get(..TABLE_RECORD) {
            table.extend_from_slice(row);
            say(out, "c", &row[32..64]);
        }
    }
    say(out, "table", &table);
}

fn of_server(storage: &dyn Storage, out: Out<'_>) {
    if let Some(keys) = storage.read(records::SERVER_KEYS)
        && let Some(ssk) = keys.get(..32)
    {
        say(out, "ssk", ssk);
    }
    if let Some(identity) = storage.read(records::SERVER_IDENTITY)
        && let Some(identity) = Identity::parse(&mut Reader(identity))
    {
        let q = server_proof_key(
            &mut Crypto::default(),
            unpadded(&identity.padded_id),
            identity.password,
            &identity.p,
        );
        say(out, "q", &q);
    }
    let Some(table) = storage.read(records::SERVER_TABLE) else {
        return;
    };
    say(out, "table", table);
    let mut members = Vec::new();
    for row in table.chunks_exact(TABLE_RECORD) {
        say(out, "c", &row[32..64]);
        members.push(row[..32].to_vec());
    }
    let mut candidates = members.clone();
    candidates.extend(
        members
            .iter()
            .map(|uid| sha256_unmetered(&[b"nobody", uid]).to_vec()),
    );
    candidates.sort_unstable();
    say(out, "members", &members.concat());
    say(out, "candidates", &candidates.concat());
}

/// Whether a claim of kind `key-of-session` names a live session and its key.
pub(super) fn confirms(holder: &Holder<'_>, kind: &str, bytes: &[u8]) -> bool {
    let Some((session, key)) = bytes.split_first_chunk::<8>() else {
        return false;
    };
    let held = match holder.column {
        Column::MultiServerUser(all) => {
            let user = all.get(holder.member);
            user.and_then(|user| user.session_key(session))
        }
        Column::MultiServerLiteralUser(all) => {
            let user = all.get(holder.member);
            user.and_then(|user| user.session_key(session))
        }
        Column::MultiServerServer(all) => {
            let server = all.get(holder.member);
            server.and_then(|server| server.session_key(session))
        }
        _ => None,
    };
    kind == "key-of-session" && held.is_some_and(|held| held[..] == *key)
}

/// The name that both ends give a key.
pub(super) fn key_id(key: &[u8]) -> Option<Tag> {
    (key.len() == 32).then(|| tag("key-id", &[key]))
}
