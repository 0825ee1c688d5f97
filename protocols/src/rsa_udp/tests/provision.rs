//! Provisioning and declaration: names, tables, pairs, parameters.

use super::super::records::{self, Entry};
use super::super::*;
use super::support::*;
use crate::crypto::rsa::cache::MemoryKeyStore;
use crate::parameter::Value;
use crate::storage::{MemoryStorage, Storage as _};

fn provisioned(given: &[(&'static str, &str)], groups: &[GroupSpec<'_>]) -> Vec<MemoryStorage> {
    let mut stores = Stores::default();
    let mut streams = TestStreams {
        store: Some(Box::new(SharedStore)),
    };
    configure("as-published", given).provision(&roster(groups), &mut streams, &mut stores);
    stores.0
}

const TWO: &[GroupSpec<'_>] = &[("dev", DEVICE, 1, &[]), ("cli", CLIENT, 2, &[])];

#[test]
fn a_further_party_changes_nobodys_secrets() {
    let few = provisioned(&[], TWO);
    let many = provisioned(
        &[],
        &[
            ("dev", DEVICE, 1, &[]),
            ("cli", CLIENT, 3, &[]),
            ("more", CLIENT, 1, &[]),
        ],
    );
    for client in 1..=2 {
        assert_eq!(few[client], many[client]);
    }
    assert_eq!(few[0].read(records::PAIR), many[0].read(records::PAIR));
}

#[test]
fn a_store_changes_no_byte_of_what_is_provisioned() {
    let instance = configure("as-published", &[]);
    let with = |store: Option<Box<dyn crate::crypto::rsa::cache::KeyStore>>| {
        let mut stores = Stores::default();
        instance.provision(&roster(TWO), &mut TestStreams { store }, &mut stores);
        stores.0
    };
    let without = with(None);
    assert_eq!(with(Some(Box::new(MemoryKeyStore::default()))), without);
    assert_eq!(with(Some(Box::new(SharedStore))), without);
    assert_eq!(with(Some(Box::new(SharedStore))), without);
    assert_eq!(with(Some(Box::new(Liar))), without);
}

/// A store that returns garbage.
struct Liar;

impl crate::crypto::rsa::cache::KeyStore for Liar {
    fn load(&mut self, name: &str) -> Option<Vec<u8>> {
        Some(name.as_bytes().repeat(20))
    }

    fn save(&mut self, _name: &str, _file: &[u8]) {}
}

#[test]
fn every_party_has_a_pair_of_its_own_unless_a_pool_shares_them() {
    let pairs = |given: &[(&'static str, &str)]| -> Vec<Vec<u8>> {
        let stores = provisioned(given, &[("dev", DEVICE, 2, &[]), ("cli", CLIENT, 3, &[])]);
        let pair = |store: &MemoryStorage| store.read(records::PAIR).unwrap().to_vec();
        stores.iter().map(pair).collect()
    };
    let own = pairs(&[]);
    for (index, pair) in own.iter().enumerate() {
        assert!(!own[..index].contains(pair));
    }
    let pooled = pairs(&[("key_pool", "2")]);
    assert_ne!(pooled[0], pooled[1]);
    for index in 2..5 {
        assert_eq!(pooled[index], pooled[index % 2]);
    }
}

#[test]
fn shortcuts_that_an_adversary_must_not_meet_say_so() {
    assert_eq!(configure("as-published", &[]).refuses_adversary(), None);
    for (name, value) in [("key_pool", "3"), ("rsa_mode", "modelled")] {
        let refusal = configure("as-published", &[(name, value)]).refuses_adversary();
        assert_eq!(refusal.unwrap().name, name);
    }
}

#[test]
fn a_table_holds_every_user_or_those_listed() {
    let groups: &[GroupSpec<'_>] = &[
        ("all", DEVICE, 1, &[]),
        ("some", DEVICE, 1, &[("users", "user1,zoe")]),
        ("cli", CLIENT, 2, &[]),
        (
            "named",
            CLIENT,
            1,
            &[("user_name", "zoe"), ("password", "pw")],
        ),
    ];
    let stores = provisioned(&[], groups);
    let params = params("as-published", &[]);
    let known = |store: usize, user: &str| {
        let entry = records::find_user(&stores[store], &params, user.as_bytes());
        matches!(entry, Entry::Known(_))
    };
    assert_eq!(
        ["user1", "user2", "zoe", "eve"].map(|user| known(0, user)),
        [true, true, true, false]
    );
    assert_eq!(
        ["user1", "user2", "zoe", "eve"].map(|user| known(1, user)),
        [true, false, true, false]
    );
    assert_eq!(stores[4].read(records::PASSWORD), Some(&b"pw"[..]));
    let drawn = stores[2].read(records::PASSWORD).unwrap();
    assert!(drawn.len() == 12 && drawn.iter().all(u8::is_ascii_lowercase));
}

#[test]
fn principals_are_the_names_in_the_frames() {
    let groups: &[GroupSpec<'_>] = &[
        ("lamp", DEVICE, 2, &[("device_name", "lamp")]),
        ("door", DEVICE, 1, &[("device_name", "door")]),
        ("cli", CLIENT, 1, &[]),
    ];
    let roster = roster(groups);
    let instance = configure("as-published", &[]);
    let names = ["lamp0", "lamp1", "door", "user1"];
    for (party, name) in roster.parties.iter().zip(names) {
        let principal = Principal::name(party.role, name.as_bytes());
        assert_eq!(instance.principal(&roster, party), principal);
    }
}

#[test]
fn rosters_that_cannot_work_are_refused() {
    let instance = configure("as-published", &[]);
    let refused = |groups: &[GroupSpec<'_>]| instance.check(&roster(groups)).unwrap_err().name;
    assert_eq!(
        refused(&[("cli", CLIENT, 1, &[("user_name", "a:b")])]),
        "cli.user_name"
    );
    assert_eq!(
        refused(&[("dev", DEVICE, 1, &[("device_name", "a,b")])]),
        "dev.device_name"
    );
    assert_eq!(
        refused(&[
            ("cli", CLIENT, 1, &[]),
            ("two", CLIENT, 1, &[("user_name", "user1")])
        ]),
        "two.user_name"
    );
    assert_eq!(
        refused(&[("dev", DEVICE, 1, &[("users", "nobody")])]),
        "dev.users"
    );
    assert_eq!(instance.check(&roster(TWO)), Ok(()));
}

#[test]
fn parameters_out_of_their_ranges_are_refused() {
    let refused = |variant: &str, given: &[(&'static str, &str)]| {
        RsaUdp.configure(variant, &values(given)).unwrap_err().name
    };
    for (name, value) in [
        ("rsa_bits", "1536"),
        ("rsa_exponent", "65538"),
        ("rsa_exponent", "1"),
        ("oaep_hash", "md5"),
        ("dh_prime", "105340"),
        ("dh_generator", "105340"),
        ("dh_generator", "1"),
        ("dh_exponent_max", "0"),
        ("salt_cache", "0"),
        ("connections_max", "65"),
        ("consent", "maybe"),
        ("without", "password"),
    ] {
        assert_eq!(refused("as-published", &[(name, value)]), name);
    }
    assert_eq!(refused("broken", &[("without", "everything")]), "without");
    assert_eq!(
        refused("hardened", &[("consume_salt", "false")]),
        "consume_salt"
    );
    assert_eq!(refused("hardened", &[("recovery", "off")]), "recovery");
    assert_eq!(refused("no-such", &[]), "variant");
}

#[test]
fn settings_list_every_parameter_in_force() {
    let settings = configure("hardened", &[]).settings();
    let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
    let declared: Vec<_> = RsaUdp.params().iter().map(|spec| spec.name).collect();
    assert_eq!(names, declared);
    let value = |name: &str| {
        let found = settings.iter().find(|(known, _)| *known == name);
        found.unwrap().1.as_str()
    };
    assert_eq!(value("rsa_bits"), "1024");
    assert_eq!(value("recovery"), "timed");
    assert_eq!(value("resend_after"), "30s");
    assert_eq!(value("broadcast"), "on-timer");
    assert_eq!(value("consume_salt"), "true");
    let mut broken = values(&[]);
    broken.set("without", Value::Text("hash".to_owned()));
    let broken = RsaUdp.configure("broken", &broken).unwrap().settings();
    assert_eq!(broken.last().unwrap().1, "hash");
}

#[test]
fn deadlines_follow_the_parameters() {
    let published = configure("as-published", &[]);
    let seconds = |span: Span| span.nanos() / 1_000_000_000;
    assert_eq!(seconds(published.deadline(COMMAND_AUTHENTICATE)), 150);
    assert_eq!(seconds(published.deadline(COMMAND_SEND_DATA)), 30);
    let timed = configure("as-published", &[("recovery", "timed")]);
    assert_eq!(seconds(timed.deadline(COMMAND_SEND_DATA)), 130);
}

#[test]
fn an_idle_machine_is_small() {
    assert!(size_of::<Device>() <= 112, "{}", size_of::<Device>());
    assert!(size_of::<Client>() <= 112, "{}", size_of::<Client>());
}
