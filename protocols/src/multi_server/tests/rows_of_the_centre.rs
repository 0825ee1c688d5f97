//! The rows of the registration centre's table, on lists of effects.

use super::world::{Done, NOW, Packet, RC, S1, S3, SECOND, U1, U2, World, word};
use crate::multi_server::messages::{Message, PwdAck, decode};
use crate::multi_server::{PORT, command, records, relation};
use crate::output::Output;
use crate::parameter::Value;
use crate::{Address, Arg, Channel, Record};

fn in_band() -> World {
    World::new("as-published", &[("registration", word("in-band"))])
}

/// The user row of the only or `index`-th user, in the order of keys.
fn user_row(world: &World, index: usize) -> (Record, Vec<u8>) {
    let mut rows = world
        .rc
        .storage
        .iter()
        .filter(|(record, _)| record.table == records::CENTRE_USERS);
    let (record, bytes) = rows.nth(index).unwrap();
    (record, bytes.to_vec())
}

fn shared(done: &Done) -> Vec<(u8, usize)> {
    let all = done.outputs.iter().filter_map(|output| match output {
        Output::SharedState {
            relation,
            fingerprints,
            ..
        } => Some((*relation, fingerprints.as_slice().len())),
        _ => None,
    });
    all.collect()
}

fn send(world: &mut World, from: u32, channel: Channel, bytes: &[u8]) -> Done {
    let packet = Packet {
        from: Address::new(from, PORT),
        to: Address::new(RC, PORT),
        channel,
        bytes: bytes.to_vec(),
    };
    world.call(RC, super::world::Call::Message(&packet))
}

#[test]
fn r1_registers_a_server_before_it_answers() {
    let mut world = in_band();
    let done = world.deliver();
    assert_eq!(
        done.order,
        ["store", "shared", "running", "send", "accepted"]
    );
    assert_eq!(done.sent[0].channel, Channel::Secure);
    assert_eq!(done.frame().len(), 33);
    let row = world
        .record(RC, Record::new(records::CENTRE_SERVERS, 0))
        .unwrap();
    assert_eq!(row.len(), 104);
    assert_eq!(row[16..48], done.frame()[1..]);
    assert_eq!(shared(&done), [(relation::SERVER_KEY, 1)]);
}

#[test]
fn r1_issues_again_to_the_same_q_and_refuses_another() {
    let mut world = World::new("as-published", &[]);
    let before = world
        .record(RC, Record::new(records::CENTRE_SERVERS, 0))
        .unwrap();
    let request = world.command(S1, command::REISSUE, RC, &[]);
    let frame = request.frame().to_vec();
    let done = world.deliver();
    assert_eq!(
        done.order,
        ["store", "shared", "running", "send", "accepted"]
    );
    let after = world
        .record(RC, Record::new(records::CENTRE_SERVERS, 0))
        .unwrap();
    assert_ne!(before[16..48], after[16..48], "a new SSK_j");
    assert_eq!(before[104..], after[104..], "the last T stays");

    let mut other = frame;
    other[49] ^= 1;
    let done = send(&mut world, S3, Channel::Secure, &other);
    assert_eq!(done.order, ["send", "rejected"]);
    assert_eq!(
        (done.frame(), done.reasons()),
        (&[7, 0][..], vec!["exists"])
    );
}

#[test]
fn r2_registers_a_user_once() {
    let mut world = in_band();
    world.wire.clear();
    world.command(U1, command::REGISTER, RC, &[]);
    let request = world.wire[0].bytes.clone();
    let done = world.deliver();
    assert_eq!(
        done.order,
        ["store", "shared", "running", "send", "accepted"]
    );
    assert_eq!(done.frame().len(), 69, "no server is registered yet");
    assert_eq!(user_row(&world, 0).1.len(), 68);

    let done = send(&mut world, U2, Channel::Secure, &request);
    assert_eq!(
        (done.frame(), done.reasons()),
        (&[7, 0][..], vec!["exists"])
    );
}

#[test]
fn registration_exists_on_the_secure_channel_only() {
    let mut world = in_band();
    let server = world.wire[0].bytes.clone();
    world.command(U1, command::REGISTER, RC, &[]);
    let user = world.wire.back().unwrap().bytes.clone();
    for frame in [server, user] {
        let done = send(&mut world, U2, Channel::Public, &frame);
        assert_eq!(
            (done.order.as_slice(), done.reasons()),
            (&["rejected"][..], vec!["insecure-channel"])
        );
    }
}

#[test]
fn full_tables_refuse_further_parties() {
    let mut world = World::new(
        "as-published",
        &[
            ("registration", word("in-band")),
            ("servers_max", Value::Integer(1)),
            ("users_max", Value::Integer(1)),
            ("errors", word("detailed")),
        ],
    );
    world.deliver();
    assert_eq!(world.deliver().reasons(), ["full"]);
    world.wire.clear();
    world.command(U1, command::REGISTER, RC, &[]);
    world.command(U2, command::REGISTER, RC, &[]);
    world.deliver();
    let done = world.deliver();
    assert_eq!((done.frame(), done.reasons()), (&[7, 5][..], vec!["full"]));
}

#[test]
fn r3_answers_a_proven_list_request_and_refuses_others() {
    let mut world = World::new("as-published", &[("errors", word("detailed"))]);
    let good = world
        .command(U1, command::UPDATE_LIST, RC, &[])
        .frame()
        .to_vec();
    let done = world.deliver();
    assert_eq!(done.order, ["running", "send", "accepted"]);
    assert_eq!(done.frame().len(), 45 + 72 * 3);

    let changed = |at: usize| {
        let mut frame = good.clone();
        frame[at] ^= 1;
        frame
    };
    for (frame, code, reason) in [
        (changed(33), 1, "stale"),
        (changed(1), 2, "unknown"),
        (changed(41), 4, "proof"),
    ] {
        let done = send(&mut world, U1, Channel::Public, &frame);
        assert_eq!(
            (done.frame(), done.reasons()),
            (&[7, code][..], vec![reason])
        );
    }
}

#[test]
fn r4_stores_the_change_and_repeats_its_reply_until_r5() {
    let mut world = World::new("as-published", &[]);
    let request = world
        .command(U1, command::CHANGE_PASSWORD, RC, &[])
        .frame()
        .to_vec();
    let done = world.deliver();
    assert_eq!(
        done.order,
        ["store", "shared", "running", "send", "accepted"]
    );
    assert_eq!(shared(&done), [(relation::CARD, 2)]);
    let reply = done.frame().to_vec();
    let (record, row) = (0..2)
        .map(|index| user_row(&world, index))
        .find(|(_, row)| row.len() == 241)
        .unwrap();
    assert_eq!(row[132..], reply);

    world.set_time(NOW + 3600 * SECOND);
    let again = send(&mut world, U1, Channel::Public, &request);
    assert_eq!(again.order, ["running", "send", "accepted"]);
    assert_eq!(again.frame(), reply, "byte for byte, however late");

    world.set_time(NOW);
    world.wire.clear();
    let done = world.call(
        U1,
        super::world::Call::Message(&Packet {
            from: Address::new(RC, PORT),
            to: Address::new(U1, PORT),
            channel: Channel::Public,
            bytes: reply,
        }),
    );
    let ack = done.frame().to_vec();
    let done = world.deliver();
    assert_eq!(done.order, ["store", "shared"]);
    assert_eq!(shared(&done), [(relation::CARD, 1)]);
    assert_eq!(world.record(RC, record).unwrap().len(), 68);

    let again = send(&mut world, U1, Channel::Public, &ack);
    assert!(again.order.is_empty(), "a repeated PWD_ACK changes nothing");
    let late = send(&mut world, U1, Channel::Public, &request);
    assert_eq!(late.reasons(), ["proof"], "after the ack C_prev is refused");
}

#[test]
fn r4_verifies_under_c_prev_while_no_ack_has_come() {
    let mut world = World::new("as-published", &[]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &[]);
    world.deliver();
    world.wire.clear();
    // The reply is lost: the user still has the old card and asks for the list, then again for
    // another password.
    world.timer(U1, crate::multi_server::timer::PWD_REPLY);
    assert_eq!(world.machine_state(U1), "IDLE");
    world.command(U1, command::UPDATE_LIST, RC, &[]);
    assert_eq!(world.deliver().order, ["running", "send", "accepted"]);
    world.deliver();
    world.set_time(NOW + SECOND);
    world.command(
        U1,
        command::CHANGE_PASSWORD,
        RC,
        &[Arg::Default, Arg::Bytes(b"second")],
    );
    let done = world.deliver();
    assert_eq!(
        done.order,
        ["store", "shared", "running", "send", "accepted"]
    );
    world.deliver();
    world.deliver();
    assert!(world.record(U1, records::USER_NEW_CARD).is_some());
}

#[test]
fn r5_refuses_an_ack_that_does_not_fit() {
    let mut world = World::new("as-published", &[]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &[]);
    world.deliver();
    let ack = world.deliver().frame().to_vec();
    let Ok(Message::PwdAck(good)) = decode(&world.params, &ack) else {
        panic!("a PWD_ACK");
    };
    let bad = [
        (PwdAck { version: 2, ..good }, "proof"),
        (
            PwdAck {
                ack: [0; 32],
                ..good
            },
            "proof",
        ),
        (
            PwdAck {
                uid: [0; 32],
                ..good
            },
            "unknown",
        ),
    ];
    for (ack, reason) in bad {
        let mut frame = Vec::new();
        Message::PwdAck(ack).encode(&world.params, &mut frame);
        let done = send(&mut world, U1, Channel::Public, &frame);
        assert_eq!((done.frame(), done.reasons()), (&[7, 0][..], vec![reason]));
    }
}

#[test]
fn r6_takes_each_t_once_and_asks_for_proof() {
    let mut world = World::new("as-published", &[("errors", word("detailed"))]);
    let good = world
        .command(S1, command::DB_UPDATE, RC, &[])
        .frame()
        .to_vec();
    let done = world.deliver();
    assert_eq!(done.order, ["store", "running", "send", "accepted"]);
    let row = world
        .record(RC, Record::new(records::CENTRE_SERVERS, 0))
        .unwrap();
    assert_eq!(row[104..], NOW.to_be_bytes());

    let changed = |at: usize| {
        let mut frame = good.clone();
        frame[56] += 1;
        frame[at] ^= 1;
        frame
    };
    for (frame, code, reason) in [
        (good.clone(), 1, "stale"),
        (changed(50), 1, "stale"),
        (changed(9), 2, "unknown"),
        (changed(17), 4, "proof"),
    ] {
        let done = send(&mut world, S1, Channel::Public, &frame);
        assert_eq!(
            (done.frame(), done.reasons()),
            (&[7, code][..], vec![reason])
        );
    }
}

#[test]
fn without_proof_an_omega_of_zeros_is_enough() {
    let mut world = World::new("as-published", &[("db_proof", Value::Bool(false))]);
    let request = world
        .command(S1, command::DB_UPDATE, RC, &[])
        .frame()
        .to_vec();
    assert_eq!(request[17..49], [0; 32]);
    assert_eq!(world.deliver().frame().len(), 45 + 68 * 2);
}

#[test]
fn a_restart_names_everything_shared_again() {
    let mut world = World::unstarted("as-published", &[]);
    let started = world.call(RC, super::world::Call::Start);
    let again = world.call(RC, super::world::Call::Restart);
    assert_eq!(started.outputs, again.outputs);
    let expected = [(relation::SERVER_KEY, 1); 3]
        .into_iter()
        .chain([(relation::CARD, 1); 2]);
    assert_eq!(shared(&again), expected.collect::<Vec<_>>());
}

#[test]
fn frames_for_other_roles_are_dropped_in_silence() {
    let mut world = World::new("as-published", &[]);
    let done = send(&mut world, U1, Channel::Public, &[7, 0]);
    assert_eq!(
        (done.order.as_slice(), done.reasons()),
        (&["rejected"][..], vec!["malformed"])
    );
    let done = send(&mut world, U1, Channel::Public, &[8, 0]);
    assert_eq!(
        (done.order.as_slice(), done.reasons()),
        (&["rejected"][..], vec!["malformed"])
    );
}
