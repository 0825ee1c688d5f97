//! What the protocol declares agrees with what its machines do.

use super::world::{Call, NamedStreams, RC, S1, Stores, U1, World, roster, values, word};
use crate::multi_server::{MultiServer, User, role};
use crate::output::Output;
use crate::parameter::Value;
use crate::protocol::Protocol;
use crate::registry::{Column, find};
use crate::storage::MemoryStorage;

#[test]
fn every_variant_configures_and_lists_every_parameter() {
    assert!(find("multi-server").is_some());
    for variant in MultiServer.variants() {
        let instance = MultiServer.configure(variant.name, &values(&[])).unwrap();
        let settings = instance.settings();
        let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
        let declared: Vec<_> = MultiServer.params().iter().map(|spec| spec.name).collect();
        assert_eq!(names, declared);
        for layout in instance.layouts() {
            assert!(usize::from(layout.phase) < MultiServer.phases().len());
            assert!(layout.fields.len() <= crate::wire::FIELDS_MAX);
        }
        assert!(instance.check(&roster()).is_ok());
    }
}

#[test]
fn the_declared_defaults_are_those_in_force() {
    let instance = MultiServer.configure("as-published", &values(&[])).unwrap();
    for (spec, (_, value)) in MultiServer.params().iter().zip(instance.settings()) {
        // Ten minutes are written as the specification writes them.
        let expected = if spec.default == "600s" {
            "10min"
        } else {
            spec.default
        };
        let minute = if expected == "60s" { "1min" } else { expected };
        assert_eq!(value, minute, "{}", spec.name);
    }
}

#[test]
fn the_instance_builds_machines_and_storage_for_every_group() {
    for variant in ["as-published", "literal"] {
        let instance = MultiServer.configure(variant, &values(&[])).unwrap();
        let roster = roster();
        let mut stores = Stores(vec![MemoryStorage::default(); roster.parties.len()]);
        instance.provision(&roster, &mut NamedStreams, &mut stores);
        assert!(stores.0.iter().all(|storage| storage.iter().count() > 0));
        for group in 0..roster.groups.len() {
            let column = instance.machines(&roster, group);
            assert_eq!(column.len(), roster.groups[group].count);
            let literal = matches!(
                column,
                Column::MultiServerLiteralCentre(_)
                    | Column::MultiServerLiteralServer(_)
                    | Column::MultiServerLiteralUser(_)
            );
            assert_eq!(literal, variant == "literal");
        }
    }
}

#[test]
fn parties_go_by_the_principals_that_the_instance_tells() {
    let world = World::unstarted("as-published", &[]);
    let instance = MultiServer.configure("as-published", &values(&[])).unwrap();
    let roster = roster();
    let principal = |host: u32| instance.principal(&roster, &roster.parties[host as usize - 1]);
    let mut centre = world.clone();
    let peers: Vec<_> = centre
        .call(RC, Call::Start)
        .outputs
        .into_iter()
        .filter_map(|output| match output {
            Output::SharedState { peer, .. } => Some(peer),
            _ => None,
        })
        .collect();
    assert_eq!(peers[0], principal(S1));
    // A user names itself, since its UID holds random values.
    let mut user = world;
    let started = user.call(U1, Call::Start).outputs;
    let [
        Output::Named { principal: name },
        Output::SharedState { peer, .. },
    ] = started[..]
    else {
        panic!("a name and what is shared: {started:?}");
    };
    assert!(peers.contains(&name) && name.role == role::USER);
    assert_eq!(peer, principal(RC));
}

#[test]
fn rosters_that_do_not_fit_are_refused() {
    let refused = |given: &[(&'static str, Value)], change: &dyn Fn(&mut crate::roster::Roster)| {
        let instance = MultiServer
            .configure("as-published", &values(given))
            .unwrap();
        let mut roster = roster();
        change(&mut roster);
        instance.check(&roster).unwrap_err().name
    };
    let none = |_: &mut crate::roster::Roster| {};
    assert_eq!(
        refused(&[("servers_max", Value::Integer(2))], &none),
        "servers_max"
    );
    assert_eq!(
        refused(&[("users_max", Value::Integer(1))], &none),
        "users_max"
    );
    let same = |roster: &mut crate::roster::Roster| {
        roster.groups[2].params.set("id", word("hospital2"));
    };
    assert_eq!(refused(&[], &same), "far.id");
    let long = |roster: &mut crate::roster::Roster| {
        roster.groups[2]
            .params
            .set("location", word("a location that has more bytes"));
    };
    assert_eq!(refused(&[], &long), "far.location");
    let two = |roster: &mut crate::roster::Roster| roster.parties[1].role = role::RC;
    assert_eq!(refused(&[], &two), "rc");
}

#[test]
fn an_idle_user_is_small() {
    assert!(size_of::<User>() <= 100, "{} bytes", size_of::<User>());
}
