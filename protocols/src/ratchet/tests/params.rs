//! Parameters, settings, provisioning, and what the protocol declares.

use std::sync::Arc;

use super::{params, text};
use crate::entropy::Entropy;
use crate::output::Principal;
use crate::parameter::{Value, Values};
use crate::protocol::{Completion, Instance, Protocol as _};
use crate::ratchet::{CLIENT, Configured, Ratchet, SERVER, command};
use crate::roster::{Group, Party, ProvisionSink, Roster, Streams};
use crate::storage::{MemoryStorage, Record, Write};
use crate::time::Span;

fn configured(variant: &str, given: &[(&'static str, Value)]) -> Configured {
    Configured {
        params: params(variant, given),
    }
}

fn refused(variant: &str, name: &'static str, value: Value) -> String {
    let mut values = Values::default();
    values.set(name, value);
    Ratchet.configure(variant, &values).unwrap_err().name
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    for (name, value) in [
        ("clients", Value::Integer(0)),
        ("clients", Value::Integer(256)),
        ("master_key", text("zero")),
        ("mac_key_bytes", Value::Integer(24)),
        ("direction_codes", Value::Integers(vec![2, 1])),
        ("max_frame", Value::Integer(70)),
        ("max_frame", Value::Integer(65_537)),
        ("response_timeout", Value::Integer(99_999_999)),
        ("frame_stall", Value::Integer(0)),
        ("numbers_max", Value::Integer(1025)),
        ("rounds_kept", Value::Integer(0)),
        ("resend_factor", Value::Number(0.5)),
        ("without", text("mac")),
    ] {
        assert_eq!(refused("as-published", name, value), name);
    }
    assert_eq!(refused("broken", "without", text("nothing")), "without");
    assert_eq!(refused("publishd", "clients", Value::Integer(1)), "variant");
    assert_eq!(
        refused("literal", "replace", text("after-verify")),
        "replace"
    );
    assert_eq!(
        refused("hardened", "session_lookup", text("frame-id")),
        "session_lookup"
    );
}

#[test]
fn settings_list_every_parameter_in_order() {
    let names: Vec<_> = Ratchet.params().iter().map(|spec| spec.name).collect();
    for variant in ["as-published", "literal", "hardened", "broken"] {
        let settings = configured(variant, &[]).settings();
        let listed: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
        assert_eq!(listed, names, "{variant}");
    }
}

#[test]
fn declared_defaults_are_those_in_force() {
    let settings = configured("as-published", &[]).settings();
    for (spec, (name, value)) in Ratchet.params().iter().zip(settings) {
        let declared = if spec.name == "without" {
            "none"
        } else {
            spec.default
        };
        assert_eq!(value, declared, "{name}");
    }
}

#[test]
fn variants_set_what_the_specification_says() {
    let settings = |variant| -> std::collections::BTreeMap<_, _> {
        configured(variant, &[]).settings().into_iter().collect()
    };
    let literal = settings("literal");
    for (name, value) in [
        ("kdf", "sha256"),
        ("master_key", "ascii"),
        ("error_codes", "extended"),
        ("hello_in_active", "restart"),
        ("replace", "before-verify"),
        ("session_lookup", "frame-id"),
        ("number_grammar", "lenient"),
        ("purge_on_hello", "false"),
        ("rounds_kept", "all"),
        ("max_frame", "4294967295B"),
        ("frame_stall", "off"),
        ("response_timeout", "off"),
    ] {
        assert_eq!(literal[name], value, "{name}");
    }
    assert_eq!(settings("hardened")["recovery"], "resend");
    assert_eq!(settings("broken")["without"], "mac");
}

#[test]
fn transport_completion_and_deadlines_follow_the_parameters() {
    let published = configured("as-published", &[]);
    assert!(published.streams());
    assert!(!configured("as-published", &[("framing", text("datagram"))]).streams());
    let authenticate = &Ratchet.commands()[usize::from(command::AUTHENTICATE)];
    let roster = Roster::default();
    assert_eq!(
        published.completion(&roster, 0, authenticate),
        Completion::AcceptedBoth
    );
    let hardened = configured("hardened", &[]);
    assert_eq!(
        hardened.completion(&roster, 0, authenticate),
        Completion::AcceptedInitiator
    );
    assert_eq!(published.deadline(command::SEND_DATA), Span::from_secs(30));
    assert_eq!(hardened.deadline(command::SEND_DATA), Span::from_secs(45));
    assert_eq!(hardened.deadline(command::FINISH), Span::from_secs(30));
}

/// Streams whose bytes are a hash of their names.
struct Named;

impl Streams for Named {
    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let seed = crate::crypto::sha256_unmetered(&[
            group.as_bytes(),
            &member.to_be_bytes(),
            purpose.as_bytes(),
        ]);
        use_it(&mut crate::entropy::Script::new(seed.to_vec()));
    }
}

#[derive(Default)]
struct Stores(Vec<MemoryStorage>);

impl ProvisionSink for Stores {
    fn put(&mut self, party: usize, record: Record, bytes: &[u8]) {
        if self.0.len() <= party {
            self.0.resize_with(party + 1, MemoryStorage::default);
        }
        self.0[party].apply(Write::Put(record, bytes));
    }
}

/// One server and two groups of clients of these sizes; the second has the id given.
fn roster(sizes: [usize; 2], id: Option<u64>) -> Roster {
    let mut roster = Roster::default();
    let groups = [
        ("hub", SERVER, 1),
        ("meter", CLIENT, sizes[0]),
        ("twin", CLIENT, sizes[1]),
    ];
    let mut clients = 0;
    for (index, (name, role, count)) in groups.into_iter().enumerate() {
        let mut params = Values::default();
        if let Some(id) = id.filter(|_| name == "twin") {
            params.set("id", Value::Integer(id));
        }
        let first = roster.parties.len();
        for member in 0..count {
            clients += usize::from(role == CLIENT);
            let ordinal = if role == CLIENT { clients } else { 1 };
            roster.parties.push(Party {
                host: roster.parties.len() as u32,
                role,
                group: index as u32,
                member: member as u32,
                ordinal: ordinal as u32,
                neighbours: (0, 0),
            });
        }
        roster.groups.push(Group {
            name: name.to_owned(),
            role,
            params,
            first,
            count,
        });
    }
    roster
}

fn provisioned(instance: &dyn Instance, roster: &Roster) -> Vec<MemoryStorage> {
    let mut stores = Stores::default();
    instance.provision(roster, &mut Named, &mut stores);
    stores.0
}

#[test]
fn both_ends_get_the_same_key_and_a_further_client_changes_none() {
    let instance = configured("as-published", &[]);
    let small = provisioned(&instance, &roster([2, 0], None));
    let large = provisioned(&instance, &roster([3, 1], None));
    assert_eq!(small[..3], large[..3]);
    let keys: Vec<_> = small[0].iter().map(|(_, key)| key.to_vec()).collect();
    assert_eq!(keys.len(), 5, "all authorised ids");
    for (index, id) in [(1, 1_u8), (2, 2)] {
        let (_, identity) = small[index].iter().next().unwrap();
        assert_eq!(identity, [&[id][..], &keys[usize::from(id) - 1]].concat());
    }
}

#[test]
fn ascii_keys_are_the_prototypes_constants() {
    let instance = configured("literal", &[("clients", Value::Integer(255))]);
    let stores = provisioned(&instance, &roster([0, 1], Some(255)));
    let (_, identity) = stores[1].iter().next().unwrap();
    assert_eq!(identity, [&[255][..], b"client255_master"].concat());
    assert_eq!(stores[0].iter().next().unwrap().1, b"client1_master_k");
}

#[test]
fn ids_are_ordinals_unless_given_and_must_be_authorised() {
    let instance = configured("as-published", &[]);
    let twins = roster([1, 2], Some(1));
    instance.check(&twins).unwrap();
    for party in twins.parties.iter().filter(|party| party.role == CLIENT) {
        assert_eq!(instance.principal(&twins, party), Principal::id(CLIENT, 1));
    }
    let stores = provisioned(&instance, &twins);
    assert_eq!(stores[1], stores[2], "one id, one key");
    assert_eq!(
        instance.check(&roster([6, 0], None)).unwrap_err().name,
        "meter"
    );
    assert_eq!(
        instance.check(&roster([1, 1], Some(9))).unwrap_err().name,
        "twin.id"
    );
    assert_eq!(
        instance.check(&Roster::default()).unwrap_err().name,
        "nodes"
    );
}

#[test]
fn machines_stand_in_columns_of_their_kind() {
    let instance: Arc<dyn Instance> = Ratchet
        .configure("as-published", &Values::default())
        .unwrap();
    let roster = roster([3, 0], None);
    assert_eq!(instance.machines(&roster, 0).len(), 1);
    assert_eq!(instance.machines(&roster, 1).len(), 3);
    assert_eq!(instance.machines(&roster, 1).state(2), "IDLE");
    assert_eq!(
        instance.principal(&roster, &roster.parties[0]),
        Principal::id(SERVER, 0)
    );
}
