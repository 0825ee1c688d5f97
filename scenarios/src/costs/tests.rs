//! The counts of the specifications, as the tables show them.
#![allow(clippy::unwrap_used)]

use protocols::meter::Primitive::{
    Aes128Decrypt, Aes128Encrypt, DbRead, DurableWrite, HmacSha256, HmacSha512, Kdf, ModPow,
    RsaPrivate, RsaPublic, Sha256, Xor,
};
use reports::tables::{Cell, text};

use super::*;

fn costs(protocol: &str, variant: Option<&str>) -> Costs {
    measure(&choose(protocol, variant, &[]).unwrap(), &[]).unwrap()
}

/// The operations that the table of a protocol shows for a role and a phase.
fn shown(costs: &Costs, role: &str, phase: &str) -> Vec<(u64, &'static str)> {
    let tables = tables(costs);
    let row = tables[0]
        .rows
        .iter()
        .find(|row| row[0] == role.into() && row[1] == phase.into());
    match &row.unwrap()[2] {
        Cell::Terms(terms) => terms.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_text_for_the_vault_is_the_one_kept() {
    let choice = choose("secure-vault", None, &[]).unwrap();
    let profiles = profiles(&["arduino-paper".into(), "arduino-library".into()]).unwrap();
    let shown = text(&tables(&measure(&choice, &profiles).unwrap()));
    let kept = include_str!("golden/secure-vault.txt");
    assert!(shown == kept, "costs of secure-vault changed:\n{shown}");
}

#[test]
fn vault_counts() {
    let costs = costs("secure-vault", None);
    let of = |role, operation| costs.of(role, "authenticate", operation);
    assert_eq!(of("device", Aes128Encrypt).0, 4);
    assert_eq!(of("device", Aes128Decrypt).0, 3);
    assert_eq!(of("server", Aes128Encrypt).0, 3);
    assert_eq!(of("server", Aes128Decrypt).0, 4);
    for role in ["device", "server"] {
        // 128 bytes under a key of 176 bytes, which is hashed first.
        assert_eq!(of(role, HmacSha512), (1, 304));
        assert_eq!(of(role, DurableWrite), (1, 132));
    }
}

#[test]
fn vault_exchange_counts() {
    for variant in ["as-published", "literal"] {
        let costs = costs("vault-exchange", Some(variant));
        let terms = |role| shown(&costs, role, "authenticate");
        assert!(terms("device").contains(&(4, "xor")), "{variant}");
        assert!(terms("server").contains(&(2 - 1 + 4, "xor")), "{variant}");
        for role in ["device", "server"] {
            assert!(terms(role).contains(&(1, "w")), "{variant}");
            let known = ["xor", "w", "rnd"];
            assert!(
                terms(role).iter().all(|(_, of)| known.contains(of)),
                "{variant}"
            );
        }
        assert_eq!(costs.of("device", "authenticate", Xor).0, 4);
    }
}

#[test]
fn ratchet_counts() {
    let costs = costs("ratchet", None);
    let bits = |name: &str, field: &str| {
        let message = costs.messages.iter().find(|message| message.name == name);
        let fields = &message.unwrap().fields;
        fields
            .iter()
            .find(|one| one.name == field)
            .unwrap()
            .bits
            .unwrap()
    };
    let blocks = |name| bits(name, "ciphertext") / 128;
    let (data, answer) = (blocks("CLIENT_DATA"), blocks("SERVER_AGGR_RESPONSE"));
    let of = |role, operation| costs.of(role, "send-data", operation);
    for (role, sent, received) in [("client", data, answer), ("server", answer, data)] {
        assert_eq!(of(role, Aes128Encrypt).0, sent);
        assert_eq!(of(role, Aes128Decrypt).0, received);
        assert_eq!(of(role, HmacSha256), (2, 2 * 23 + 16 * (sent + received)));
        assert_eq!(of(role, Kdf).0, 2 * 2);
        assert_eq!(costs.of(role, "authenticate", Kdf).0, 4 + 2 * 2);
    }
}

#[test]
fn multi_server_counts() {
    let costs = costs("multi-server", None);
    let hashes = |role, phase| costs.of(role, phase, Sha256).0;
    // One server and one user: 72 bytes of list, 68 of table, 32 bytes a mask.
    let masks = 3;
    assert_eq!(hashes("server", "register"), 2);
    assert_eq!(hashes("rc", "register"), 1 + 3);
    assert_eq!(hashes("user", "register"), 8 + masks);
    assert_eq!(hashes("user", "authenticate"), 13 + masks);
    assert_eq!(hashes("server", "authenticate"), 5);
    assert_eq!(hashes("rc", "update-list"), 2 + masks);
    assert_eq!(hashes("server", "db-update"), 3 + masks);
    assert_eq!(hashes("rc", "db-update"), 2 + masks);
}

#[test]
fn rsa_counts() {
    let costs = costs("rsa-udp", None);
    let of = |role, phase, operation| costs.of(role, phase, operation).0;
    assert_eq!(of("device", "authenticate", Sha256), 2);
    assert_eq!(of("device", "authenticate", DbRead), 2);
    assert_eq!(of("client", "authenticate", Sha256), 3);
    for role in ["device", "client"] {
        assert_eq!(of(role, "authenticate", ModPow), 2);
        assert_eq!(of(role, "send-data", RsaPublic), 1);
        assert_eq!(of(role, "send-data", RsaPrivate), 1);
    }
}

#[test]
fn every_variant_can_be_measured() {
    for name in measured() {
        let protocol = protocols::registry::find(name).unwrap();
        for variant in protocol.variants() {
            let costs = costs(name, Some(variant.name));
            assert!(!costs.work.is_empty(), "{name} {}", variant.name);
            let sent: u64 = costs.messages.iter().map(|message| message.sent).sum();
            assert!(sent >= 2, "{name} {}", variant.name);
            assert_eq!(text(&tables(&costs)), text(&tables(&costs)));
        }
    }
}

#[test]
fn bits_of_a_message_are_the_sum_of_its_fields_and_its_size_on_the_wire() {
    for name in measured() {
        for message in costs(name, None).messages {
            if message.sent == 1 {
                assert_eq!(
                    message.bits(),
                    Some(8 * message.bytes_sent),
                    "{name} {}",
                    message.name
                );
            }
        }
    }
}

#[test]
fn names_that_do_not_exist_are_refused_with_those_that_do() {
    let refused = |error: Diagnostics| error.render(false);
    let profile = profiles(&["arduino-papers".into()]).unwrap_err();
    assert!(refused(profile).contains("`arduino-paper`"));
    let protocol = choose("vault", None, &[]).unwrap_err();
    assert!(refused(protocol).contains("`secure-vault`"));
}
