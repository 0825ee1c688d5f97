//! What the variants change: named parameter sets, the hardened card, each defence left out.

use super::world::{Call, NOW, Packet, RC, S1, S3, SECOND, U1, U2, World, values, word};
use crate::crypto::Crypto;
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::login::{alpha, beta};
use crate::multi_server::messages::{AuthReq, Message};
use crate::multi_server::params::{Params, Without};
use crate::multi_server::{MultiServer, PORT, command, records, timer};
use crate::output::Output;
use crate::parameter::Value;
use crate::protocol::Protocol;
use crate::{Address, Arg, Channel};

fn broken(without: &str) -> World {
    World::new("broken", &[("without", word(without))])
}

/// Both acceptances of one login, the server's first.
fn login(world: &mut World, server: u32) -> Option<(Output, Output)> {
    world.command(U1, command::AUTHENTICATE, server, &[]);
    let served = world.deliver().accepted()?;
    Some((served, world.deliver().accepted()?))
}

fn session_and_key(output: &Output) -> ([u8; 8], Option<[u8; 8]>) {
    match output {
        Output::Accepted {
            session, key_id, ..
        } => (*session, *key_id),
        _ => panic!("an acceptance"),
    }
}

#[test]
fn both_ends_agree_in_every_variant_and_mode_of_vt() {
    let mut worlds = vec![
        World::new("readme-equations", &[]),
        World::new("hardened", &[]),
    ];
    for mode in ["expiry", "constant", "repo", "random"] {
        worlds.push(World::new("as-published", &[("vt_mode", word(mode))]));
    }
    worlds.extend(Without::ALL.map(|(name, _)| broken(name)));
    for mut world in worlds {
        for server in [S1, S3] {
            let (served, done) = login(&mut world, server).unwrap();
            assert_eq!(session_and_key(&served), session_and_key(&done));
            assert!(session_and_key(&done).1.is_some());
        }
        for (id, host) in [
            (command::UPDATE_LIST, U1),
            (command::CHANGE_PASSWORD, U2),
            (command::REISSUE, S3),
        ] {
            world.set_time(NOW + SECOND * u64::from(id));
            world.command(host, id, RC, &[]);
            let outputs = world.settle();
            let mut accepted = outputs.iter().filter_map(|(_, output)| match output {
                Output::Accepted { session, .. } => Some(*session),
                _ => None,
            });
            let first = accepted.next().unwrap();
            assert_eq!(
                accepted.next(),
                Some(first),
                "{:?} {id}",
                world.params.without
            );
        }
    }
}

#[test]
fn readme_equations_is_a_set_of_seven_defaults() {
    let published = Params::new("as-published", &values(&[]))
        .unwrap()
        .settings();
    let readme = Params::new("readme-equations", &values(&[]))
        .unwrap()
        .settings();
    let changed: Vec<_> = published
        .iter()
        .zip(&readme)
        .filter(|(left, right)| left != right)
        .map(|(_, (name, value))| format!("{name} = {value}"))
        .collect();
    assert_eq!(
        changed,
        [
            "freshness = one-sided",
            "replay_cache = false",
            "check_location = false",
            "vt_mode = constant",
            "reject_retry = 0",
            "refresh_on_failure = false",
            "list_fields = id-ssk-loc-q",
        ]
    );
    let given = values(&[("replay_cache", Value::Bool(true))]);
    assert!(
        Params::new("readme-equations", &given)
            .unwrap()
            .replay_cache
    );
    let world = World::new("readme-equations", &[]);
    assert_eq!(
        world.record(U1, records::USER_CARD).unwrap().len(),
        132 + 3 * 104
    );
}

#[test]
fn what_the_parameters_do_not_allow_is_refused_by_name() {
    let refused = |variant: &str, given: &[(&'static str, Value)]| {
        MultiServer
            .configure(variant, &values(given))
            .unwrap_err()
            .name
    };
    assert_eq!(
        refused("as-published", &[("without", word("beta"))]),
        "without"
    );
    assert_eq!(refused("broken", &[("without", word("none"))]), "without");
    assert_eq!(refused("hardened", &[("base", word("literal"))]), "base");
    assert_eq!(refused("no-such", &[]), "variant");
    let literal_mask = [("base", word("literal")), ("without", word("mask"))];
    assert_eq!(refused("broken", &literal_mask), "base");
    assert_eq!(
        refused("as-published", &[("freshness_window", Value::Integer(1))]),
        "freshness_window"
    );
    assert_eq!(
        refused("as-published", &[("users_max", Value::Integer(65_536))]),
        "users_max"
    );
    assert_eq!(
        refused("as-published", &[("vt_mode", word("never"))]),
        "vt_mode"
    );
}

#[test]
fn the_hardened_card_counts_attempts_and_closes_at_five() {
    let counter = |world: &World| world.record(U1, records::USER_CARD).unwrap()[101];
    let mut world = World::new("hardened", &[]);
    let wrong = [Arg::Default, Arg::Bytes(b"wrong")];
    for attempt in 1..=5 {
        let done = world.command(U1, command::AUTHENTICATE, S1, &wrong);
        assert_eq!(done.order, ["store", "rejected"]);
        assert_eq!(counter(&world), attempt);
    }
    let mut closed = world.clone();
    let done = closed.command(U1, command::AUTHENTICATE, S1, &[]);
    assert_eq!(
        (done.order.as_slice(), done.reasons()),
        (&["rejected"][..], vec!["card"])
    );

    let mut world = World::new("hardened", &[]);
    world.command(U1, command::AUTHENTICATE, S1, &wrong);
    let done = world.command(U1, command::AUTHENTICATE, S1, &[]);
    assert_eq!(done.order, ["store", "running", "send", "arm"]);
    assert_eq!(counter(&world), 2);
    world.deliver();
    let done = world.deliver();
    assert_eq!(done.order, ["store", "arm", "accepted", "cancel"]);
    assert_eq!(counter(&world), 0);
}

#[test]
fn hardened_tables_hold_another_verifier_at_every_server() {
    let world = World::new("hardened", &[]);
    let first = world.record(S1, records::SERVER_TABLE).unwrap();
    let third = world.record(S3, records::SERVER_TABLE).unwrap();
    assert_eq!(first[..32], third[..32]);
    assert_ne!(first[32..64], third[32..64]);
}

#[test]
fn a_failed_first_byte_of_e_may_still_pass_and_leads_nowhere() {
    // E is one byte: among 600 wrong passwords a few open the card, to a list of noise.
    let world = World::new("hardened", &[]);
    let mut opened = 0;
    for guess in 0..600u32 {
        let password = guess.to_be_bytes();
        let arguments = [Arg::Default, Arg::Bytes(&password)];
        let done = world
            .clone()
            .command(U1, command::AUTHENTICATE, S1, &arguments);
        assert!(done.sent.is_empty());
        opened += u32::from(done.reasons() == ["unknown-server"]);
    }
    assert!((1..=10).contains(&opened), "{opened} of 600");
}

#[test]
fn without_beta_any_beta_is_accepted() {
    let mut world = broken("beta");
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.wire[0].bytes[40] ^= 1;
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn without_sigma_any_answer_is_accepted() {
    let mut world = broken("sigma");
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.deliver();
    world.wire[0].bytes[1..65].fill(0);
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn without_uid_an_unknown_user_is_served() {
    for (variant, served) in [("as-published", false), ("broken", true)] {
        let given = [("without", word("uid"))];
        let given = if served { &given[..] } else { &[] };
        let mut world = World::new(variant, given);
        let ssk: Hash = world
            .record(S1, records::SERVER_KEYS)
            .unwrap()
            .try_into()
            .unwrap();
        let (uid, c) = ([5; 32], [0; 32]);
        let mut crypto = Crypto::default();
        let sealed = (&b"hospital1"[..], &ssk);
        let request = AuthReq {
            alpha: alpha(&world.params, &mut crypto, &uid, sealed, NOW, None),
            beta: beta(&mut crypto, &uid, &ssk, &c, NOW, None),
            t1: NOW,
            nonce: None,
        };
        let mut bytes = Vec::new();
        Message::AuthReq(request).encode(&world.params, &mut bytes);
        let packet = Packet {
            from: Address::new(U2, PORT),
            to: Address::new(S1, PORT),
            channel: Channel::Public,
            bytes,
        };
        let done = world.call(S1, Call::Message(&packet));
        assert_eq!(done.accepted().is_some(), served);
    }
}

#[test]
fn without_freshness_old_requests_are_served_again() {
    let mut world = broken("freshness");
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    let request = world.wire[0].clone();
    world.command(S1, command::DB_UPDATE, RC, &[]);
    let update = world.wire[1].clone();
    world.wire.clear();
    world.set_time(NOW + 86_400 * SECOND);
    for _ in 0..2 {
        assert!(world.call(S1, Call::Message(&request)).accepted().is_some());
        assert!(world.call(RC, Call::Message(&update)).accepted().is_some());
    }
}

#[test]
fn without_card_any_password_opens_it() {
    let mut world = broken("card");
    let done = world.command(
        U1,
        command::AUTHENTICATE,
        S1,
        &[Arg::Default, Arg::Bytes(b"x")],
    );
    assert_eq!(done.frame().len(), 73);
    let card = world.record(U1, records::USER_CARD).unwrap();
    assert_eq!(card[132..141], *b"hospital1");
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn without_proof_no_mac_is_compared() {
    let mut world = broken("proof");
    world.command(S1, command::DB_UPDATE, RC, &[]);
    world.wire[0].bytes[17] ^= 1;
    assert!(world.deliver().accepted().is_some());
    world.wire[0].bytes[13] ^= 1;
    assert!(world.deliver().accepted().is_some());
    world.command(U1, command::UPDATE_LIST, RC, &[]);
    world.wire[0].bytes[41] ^= 1;
    world.deliver();
    world.wire[0].bytes[13] ^= 1;
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn without_mask_uid_list_and_table_travel_in_clear() {
    let mut world = broken("mask");
    let uid = world.record(S1, records::SERVER_TABLE).unwrap()[..32].to_vec();
    let other = world.record(S1, records::SERVER_TABLE).unwrap()[68..100].to_vec();
    let alpha = world.command(U1, command::AUTHENTICATE, S1, &[]).frame()[1..33].to_vec();
    assert!(alpha == uid || alpha == other);
    let grant = world.deliver().frame()[9..11].to_vec();
    assert_eq!(grant, b"L1");
    world.deliver();
    world.command(U1, command::UPDATE_LIST, RC, &[]);
    assert_eq!(world.deliver().frame()[45..54], *b"hospital1");
    world.wire.clear();
    world.set_time(NOW + SECOND);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    let table = world.record(S1, records::SERVER_TABLE).unwrap();
    assert_eq!(world.deliver().frame()[45..], table);
}

#[test]
fn without_session_inputs_every_session_has_the_same_key() {
    let mut world = broken("session-inputs");
    let first = login(&mut world, S1).unwrap().1;
    world.set_time(NOW + SECOND);
    let second = login(&mut world, S1).unwrap().1;
    let ((first, key), (second, same)) = (session_and_key(&first), session_and_key(&second));
    assert!(first != second && key == same);
}

#[test]
fn without_two_slots_a_lost_reply_locks_the_user_out_of_the_centre() {
    let mut world = broken("two-slot");
    world.command(U1, command::CHANGE_PASSWORD, RC, &[]);
    world.deliver();
    world.wire.clear();
    world.timer(U1, timer::PWD_REPLY);
    world.command(U1, command::UPDATE_LIST, RC, &[]);
    assert_eq!(world.deliver().reasons(), ["proof"]);
    let mut world = broken("two-slot");
    world.command(U1, command::CHANGE_PASSWORD, RC, &[]);
    world.settle();
    assert!(world.record(U1, records::USER_NEW_CARD).is_none());
}

#[test]
fn without_refresh_table_and_list_stay_as_they_were() {
    let mut world = broken("refresh");
    world.command(U2, command::CHANGE_PASSWORD, RC, &[]);
    world.settle();
    let (table, card) = (
        world.record(S1, records::SERVER_TABLE),
        world.record(U1, records::USER_CARD),
    );
    world.command(S1, command::DB_UPDATE, RC, &[]);
    world.command(U1, command::UPDATE_LIST, RC, &[]);
    world.settle();
    assert_eq!(world.record(S1, records::SERVER_TABLE), table);
    assert_eq!(world.record(U1, records::USER_CARD), card);
}

#[test]
fn without_limits_every_db_request_is_answered_and_reasons_are_told() {
    let mut world = broken("limits");
    world.command(S1, command::DB_UPDATE, RC, &[]);
    let mut request = world.wire.pop_front().unwrap();
    request.bytes[9] = b'9';
    request.bytes[20] ^= 1;
    request.bytes[49] = 0;
    let done = world.call(RC, Call::Message(&request));
    assert_eq!(done.frame().len(), 45 + 2 * 68);
    world.wire.clear();
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.wire[0].bytes[40] ^= 1;
    assert_eq!(world.deliver().sent[0].bytes, [7, 4]);
}
