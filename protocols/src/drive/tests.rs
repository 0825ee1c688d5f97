//! The honest pass of every protocol, and what the meter counts in it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::*;
use crate::meter::Primitive::{self, *};
use crate::parameter::{Value, Values};
use crate::registry::{self, PROTOCOLS};
use crate::time::LocalTime;

/// 2026-01-01T00:00:00Z.
const CLOCK: LocalTime = LocalTime(1_767_225_600_000_000_000);

/// Sums by role, phase and primitive: (count, bytes).
#[derive(Default)]
struct Sums {
    roles: Vec<u8>,
    sums: BTreeMap<(u8, u8, Primitive), (u64, u64)>,
}

impl Witness for Sums {
    fn saw(&mut self, call: &Call<'_>) {
        let role = self.roles[call.party];
        for cost in call.costs() {
            let sum = self.sums.entry((role, cost.phase, cost.primitive));
            let (count, bytes) = sum.or_default();
            *count += u64::from(cost.count);
            *bytes += u64::from(cost.bytes);
        }
    }
}

impl Sums {
    fn count(&self, role: u8, phase: u8, primitive: Primitive) -> u64 {
        self.of(role, phase, primitive).0
    }

    fn of(&self, role: u8, phase: u8, primitive: Primitive) -> (u64, u64) {
        let sum = self.sums.get(&(role, phase, primitive));
        sum.copied().unwrap_or_default()
    }
}

/// Rehearses a protocol; returns how each command ended and what was counted.
fn pass(
    protocol: &str,
    variant: &str,
    given: &[(&'static str, Value)],
) -> (Vec<(u8, Ending)>, Sums) {
    let protocol = registry::find(protocol).unwrap();
    let mut values = Values::default();
    for (name, value) in protocol.rehearsal().params.iter().chain(given) {
        values.set(name, value.clone());
    }
    let instance = protocol.configure(variant, &values).unwrap();
    let roster = one_of_each(protocol);
    let storage = provision(&*instance, &roster, &mut HashStreams::new("test"));
    let parties = (0u32..)
        .zip(storage)
        .map(|(n, storage)| (storage, HashStream::new(&n.to_be_bytes())));
    let mut pump = Pump::new(&*instance, &roster, parties, CLOCK);
    let mut sums = Sums {
        roles: roster.parties.iter().map(|party| party.role).collect(),
        ..Sums::default()
    };
    let endings = rehearse(&mut pump, protocol, &*instance, &roster, &mut sums);
    (endings, sums)
}

#[test]
fn an_honest_pass_reaches_its_end_in_every_variant() {
    for protocol in PROTOCOLS {
        for variant in protocol.variants() {
            let name = (protocol.name(), variant.name);
            let (endings, _) = pass(name.0, name.1, &[]);
            let refused: Vec<&str> = endings
                .iter()
                .filter(|(_, ending)| *ending != Ending::Done)
                .map(|(command, _)| protocol.commands()[usize::from(*command)].name)
                .collect();
            // What the published prototypes do not have.
            let lacking: &[&str] = match name {
                ("secure-vault", "literal") => &["send-data", "send-data", "finish"],
                ("multi-server", "literal") => &["update-list", "change-password"],
                _ => &[],
            };
            assert_eq!(refused, lacking, "{name:?}");
        }
    }
}

#[test]
fn a_vault_session_costs_what_its_specification_counts() {
    let (_, sums) = pass("secure-vault", "as-published", &[]);
    for role in [0, 1] {
        let blocks = [Aes128Encrypt, Aes128Decrypt].map(|op| sums.count(role, 0, op));
        // M3 has 4 blocks and M4 3; what one end encrypts, the other decrypts.
        assert_eq!(blocks, if role == 0 { [4, 3] } else { [3, 4] });
        // 128 bytes under a key of 176, which is hashed first.
        assert_eq!(sums.of(role, 0, HmacSha512), (1, 128 + 176));
        assert_eq!(sums.of(role, 0, DurableWrite), (1, 132));
    }
}

#[test]
fn a_vault_exchange_costs_what_its_specification_counts() {
    for variant in ["as-published", "literal"] {
        let (_, sums) = pass("vault-exchange", variant, &[]);
        let (n, p) = (4, 2);
        assert_eq!(sums.count(0, 0, Xor), n, "{variant}");
        assert_eq!(sums.count(1, 0, Xor), p - 1 + n, "{variant}");
        for role in [0, 1] {
            assert_eq!(sums.count(role, 0, DurableWrite), 1, "{variant}");
            for none in [Aes128Encrypt, Aes128Decrypt, Sha256, HmacSha256] {
                assert_eq!(sums.count(role, 0, none), 0, "{variant}");
            }
        }
    }
}

#[test]
fn ratchet_messages_cost_what_their_specification_counts() {
    let (_, sums) = pass("ratchet", "as-published", &[]);
    // CLIENT_DATA of "dd.d,dd.d" has one block, RESPONSE of "Aggregated: dd.dd" two.
    let (client, server) = (1, 0);
    for (role, sent, received) in [(client, 1, 2), (server, 2, 1)] {
        assert_eq!(sums.count(role, 1, Aes128Encrypt), sent);
        assert_eq!(sums.count(role, 1, Aes128Decrypt), received);
        assert_eq!(sums.of(role, 1, HmacSha256), (2, 2 * 23 + 16 * (1 + 2)));
        assert_eq!(sums.count(role, 1, Kdf), 2 * 2);
    }
    // 4 for the initial keys, 2 for each of HELLO and CHALLENGE.
    for role in [client, server] {
        assert_eq!(sums.count(role, 0, Kdf), 4 + 2 * 2);
    }
}

#[test]
fn multi_server_phases_hash_as_often_as_their_specification_counts() {
    let (_, sums) = pass("multi-server", "as-published", &[]);
    let (rc, server, user) = (0, 1, 2);
    let hashes = |role, phase| sums.count(role, phase, Sha256);
    // With one server and one user: 72 bytes of list and 68 of table, masked 32 bytes at a time.
    let masks = 3;
    // Phases 1 and 2.
    assert_eq!(hashes(server, 0), 2);
    assert_eq!(hashes(user, 0), 8 + masks);
    assert_eq!(hashes(rc, 0), 1 + 3);
    // Phase 3.
    assert_eq!(hashes(user, 1), 13 + masks);
    assert_eq!(hashes(server, 1), 5);
    assert_eq!(hashes(rc, 1), 0);
    // Phase 4a.
    assert_eq!(hashes(rc, 2), 2 + masks);
    // Phase 5.
    assert_eq!(hashes(server, 4), 3 + masks);
    assert_eq!(hashes(rc, 4), 2 + masks);
}

#[test]
fn rsa_messages_cost_what_their_specification_counts() {
    let (_, sums) = pass("rsa-udp", "as-published", &[]);
    let (device, client) = (0, 1);
    assert_eq!(sums.count(device, 0, Sha256), 2);
    assert_eq!(sums.count(device, 0, DbRead), 2);
    assert_eq!(sums.count(client, 0, Sha256), 3);
    for role in [device, client] {
        assert_eq!(sums.count(role, 0, ModPow), 2);
        // DATA one way, ECHO the other.
        assert_eq!(sums.of(role, 1, RsaPublic), (1, 512));
        assert_eq!(sums.of(role, 1, RsaPrivate), (1, 512));
    }
}

#[test]
fn a_lost_message_does_not_arrive_and_the_step_fails_by_its_timer() {
    let protocol = registry::find("secure-vault").unwrap();
    let instance = protocol
        .configure("as-published", &Values::default())
        .unwrap();
    let roster = one_of_each(protocol);
    let storage = provision(&*instance, &roster, &mut HashStreams::new("test"));
    let parties = storage.into_iter().map(|s| (s, HashStream::new(b"x")));
    let mut pump = Pump::new(&*instance, &roster, parties, CLOCK);
    pump.lose(3);
    let endings = rehearse(&mut pump, protocol, &*instance, &roster, &mut Silent);
    assert!(matches!(endings[0], (0, Ending::Failed(_))), "{endings:?}");
    assert_ne!(pump.storage(0), pump.storage(1), "only the server updated");
}
