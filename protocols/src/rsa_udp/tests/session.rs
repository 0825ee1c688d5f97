//! Whole sessions: byte for byte, equal at both ends, metered as declared.

use std::sync::Arc;

use super::super::equations::{Stored, salted_hash};
use super::super::messages::salt_from;
use super::super::params::Params;
use super::super::*;
use super::known::{self, Answers};
use super::known_literal;
use super::support::*;
use crate::address::Address;
use crate::crypto::Crypto;
use crate::entropy::Script;
use crate::machine::{Arg, Machine};
use crate::meter::{Meter, Primitive, Totals};
use crate::storage::{MemoryStorage, Record, Write};
use crate::testing::{Bench, unhex};

fn totals(meter: &Meter) -> Totals {
    let mut totals = Totals::default();
    meter.operations().iter().for_each(|one| totals.add(one));
    totals
}

/// Plays the known session in frames and compares every frame and name.
fn play(variant: &str, answers: &Answers) {
    play_by(variant, answers, (Device::new, Client::new), unhex);
}

/// Makes a machine.
type Make<T> = fn(Arc<Params>) -> T;

/// Plays the known session with these machines; `written` makes a frame of its text in the answers.
fn play_by<D: Machine, C: Machine>(
    variant: &str,
    answers: &Answers,
    (device, client): (Make<D>, Make<C>),
    written: fn(&str) -> Vec<u8>,
) {
    let params = params(variant, &[]);
    let stored = Stored::new(&mut Crypto::default(), &params, known::PASSWORD);
    let mut user = Vec::new();
    records::put_user(&mut user, &stored, b"user1");
    let storage = |pair: &str, name: &[u8]| {
        let mut storage = MemoryStorage::default();
        storage.apply(Write::Put(records::PAIR, &unhex(pair)));
        storage.apply(Write::Put(records::NAME, name));
        storage
    };
    let mut at_device = storage(known::DEVICE_PAIR, b"dev1");
    let slot = Record::new(records::USERS, records::first_slot(b"user1"));
    at_device.apply(Write::Put(slot, &user));
    let mut at_client = storage(known::CLIENT_PAIR, b"user1");
    at_client.apply(Write::Put(records::PASSWORD, known::PASSWORD));
    let draws = |text: &str| Script::new(unhex(text));
    let mut device = Bench::new(
        device(Arc::clone(&params)),
        at_device,
        draws(known::DEVICE_DRAWS),
    );
    let mut client = Bench::new(client(params), at_client, draws(known::CLIENT_DRAWS));
    let (here, there) = (Address::new(0, DEVICE_PORT), Address::new(1, CLIENT_PORT));
    let offers = Address::new(0, BROADCAST_PORT);

    let mut expected = answers.frames.iter();
    let mut same = |name: &str, frame: &[u8]| {
        let (expected_name, bytes) = expected.next().unwrap();
        assert_eq!(*expected_name, name);
        assert_eq!(frame, written(bytes), "{name}");
    };
    let seen = Seen::of(device.start());
    same("CONNECT", &seen.frames[0]);
    client.command(COMMAND_AUTHENTICATE, Some(here), &[]);
    let pass = Seen::of(client.message(offers, there, &seen.frames[0]));
    same("PASS", &pass.frames[0]);
    let encrypt = Seen::of(device.message(there, here, &pass.frames[0]));
    same("ENCRYPT", &encrypt.frames[0]);
    let accepted = Seen::of(client.message(here, there, &encrypt.frames[0]));
    for end in [&encrypt, &accepted] {
        let (session, run, key_id) = end.accepted();
        assert_eq!(session[..], unhex(answers.session));
        assert_eq!(run[..], unhex(answers.run));
        assert_eq!(key_id.unwrap()[..], unhex(answers.key_id));
        assert_eq!(end.shared(), [unhex(answers.states[0]).as_slice()]);
    }
    for (line, state) in known::LINES.iter().zip(&answers.states[1..]) {
        let data = Seen::of(client.command(COMMAND_SEND_DATA, None, &[Arg::Bytes(line)]));
        same("DATA", &data.frames[0]);
        let echo = Seen::of(device.message(there, here, &data.frames[0]));
        same("ECHO", &echo.frames[0]);
        let taken = Seen::of(client.message(here, there, &echo.frames[0]));
        for end in [&echo, &taken] {
            assert_eq!(end.shared(), [unhex(state).as_slice()]);
        }
        let seq = u64::from(answers.first) + if line.is_empty() { 2 } else { 0 };
        let numbers = |seen: &Seen| -> Vec<u64> {
            let seqs = seen.outputs.iter().filter_map(|output| match output {
                crate::Output::DataSent { seq, .. } | crate::Output::DataAccepted { seq, .. } => {
                    Some(*seq)
                }
                _ => None,
            });
            seqs.collect()
        };
        assert_eq!(numbers(&data), [seq]);
        assert_eq!(numbers(&echo), [seq + 1, seq]);
        assert_eq!(numbers(&taken), [seq + 1]);
    }
    let fin = Seen::of(client.command(COMMAND_FINISH, Some(here), &[]));
    same("FIN", &fin.frames[0]);
    let ended = Seen::of(device.message(there, here, &fin.frames[0]));
    assert!(fin.shared().is_empty() && ended.shared().is_empty());
    assert_eq!(device.machine.state(), "OPEN");
    assert_eq!(client.machine.state(), "IDLE");
    assert_eq!(device.entropy.consumed(), unhex(known::DEVICE_DRAWS).len());
    assert_eq!(client.entropy.consumed(), unhex(known::CLIENT_DRAWS).len());
}

#[test]
fn the_session_of_the_printed_program_is_that_of_an_independent_program() {
    let machines = (
        LiteralDevice::new as fn(_) -> _,
        LiteralClient::new as fn(_) -> _,
    );
    let text = |text: &str| text.as_bytes().to_vec();
    play_by("literal", &known_literal::LITERAL, machines, text);
}

#[test]
fn the_published_session_is_that_of_an_independent_program() {
    play("as-published", &known::AS_PUBLISHED);
}

#[test]
fn the_hardened_session_is_that_of_an_independent_program() {
    play("hardened", &known::HARDENED);
}

#[test]
fn hashes_are_those_of_an_independent_program() {
    let params = params("as-published", &[]);
    let mut crypto = Crypto::default();
    let ascending = core::array::from_fn(|index| 0x10 + u8::try_from(index).unwrap());
    let cases: [(&[u8], [u8; 16], &str, &str); 3] = [
        (
            b"correct horse",
            ascending,
            "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631",
            "a88b2ce9e3e7f12b582e8c3535d7894afb54726b2461ae84051a2f8b473f9829",
        ),
        (
            b"",
            [0; 16],
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "8e36fdee50a9a0ec81a0fb986e48216837ac7a0662e2627192b3cd72e5c40c59",
        ),
        (
            "pässwörd".as_bytes(),
            [0xFF; 16],
            "46970bef70aced8123f0d5d094717e2a5cd412041e03b26376049fe65b2834a4",
            "f6fb8ba6e3b21c9fb08687be984d8908c44bec154d288af2c932c81a9af2fb69",
        ),
    ];
    for (password, salt, stored_text, hash) in cases {
        let stored = Stored::new(&mut crypto, &params, password);
        assert_eq!(stored.as_bytes(), stored_text.as_bytes());
        let salted = salted_hash(&mut crypto, &params, &stored, &salt_from(salt));
        assert_eq!(salted[..], unhex(hash));
    }
}

#[test]
fn a_login_and_a_line_cost_what_the_protocol_declares() {
    let mut world = World::pair(&[]);
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let sent = totals(&world.clients[0].crypto.meter);
    assert_eq!(sent.of(Primitive::Sha256).0, 2);
    assert_eq!(sent.of(Primitive::ModPow).0, 1);
    let encrypt = world.deliver_up(0, 0, &pass).only_frame();
    let device = totals(&world.devices[0].crypto.meter);
    assert_eq!(device.of(Primitive::Sha256), (2, 192));
    assert_eq!(device.of(Primitive::DbRead).0, 2);
    assert_eq!(device.of(Primitive::ModPow).0, 2);
    assert_eq!(device.of(Primitive::Compare), (1, 32));
    assert_eq!(device.of(Primitive::RsaPrivate).0, 0);
    world.deliver_down(0, 0, &encrypt);
    let checked = totals(&world.clients[0].crypto.meter);
    assert_eq!(checked.of(Primitive::Sha256), (1, 96));
    assert_eq!(checked.of(Primitive::ModPow).0, 1);

    let data = world.send(0, 0, b"line").only_frame();
    let sent = totals(&world.clients[0].crypto.meter);
    assert_eq!(sent.of(Primitive::RsaPublic), (1, 128));
    assert_eq!(sent.of(Primitive::Random), (1, 20));
    let echo = world.deliver_up(0, 0, &data).only_frame();
    let device = totals(&world.devices[0].crypto.meter);
    assert_eq!(device.of(Primitive::RsaPublic), (1, 128));
    assert_eq!(device.of(Primitive::RsaPrivate), (1, 128));
    world.deliver_down(0, 0, &echo);
    let taken = totals(&world.clients[0].crypto.meter);
    assert_eq!(taken.of(Primitive::RsaPrivate), (1, 128));
    assert_eq!(taken.of(Primitive::RsaPublic).0, 0);
}

#[test]
fn operations_are_counted_under_the_phase_of_their_message() {
    let mut world = World::pair(&[]);
    world.connect();
    let phases = |meter: &Meter| -> Vec<(Primitive, u8)> {
        let operations = meter.operations().iter();
        operations.map(|one| (one.primitive, one.phase)).collect()
    };
    let data = world.send(0, 0, b"line").only_frame();
    assert!(
        phases(&world.clients[0].crypto.meter)
            .iter()
            .all(|(_, phase)| *phase == SEND_DATA)
    );
    let echo = world.deliver_up(0, 0, &data).only_frame();
    assert!(
        phases(&world.devices[0].crypto.meter)
            .iter()
            .all(|(_, phase)| *phase == SEND_DATA)
    );
    world.deliver_down(0, 0, &echo);
    let fin = world.finish(0, 0).only_frame();
    assert!(
        phases(&world.clients[0].crypto.meter)
            .iter()
            .all(|(_, phase)| *phase == FINISH)
    );
    world.deliver_up(0, 0, &fin);
    assert_eq!(
        phases(&world.devices[0].crypto.meter),
        [
            (Primitive::RsaPrivate, FINISH),
            // The salt of the next offer.
            (Primitive::Random, AUTHENTICATE),
        ]
    );
}

#[test]
fn both_ends_name_the_same_session_key_and_state() {
    let mut world = World::pair(&[]);
    let (at_device, at_client) = world.connect();
    assert_eq!(at_device.accepted(), at_client.accepted());
    assert_eq!(at_device.shared(), at_client.shared());
    for text in [&b"one"[..], b"", &[0; 77]] {
        let (_, taken, echoed) = world.exchange(text);
        assert_eq!(taken.shared(), echoed.shared());
    }
}

#[test]
fn one_client_holds_logins_to_several_devices_with_numbers_of_their_own() {
    let mut world = World::new("as-published", &[], 2, 1);
    for device in 0..2 {
        let connect = world.start(device);
        world.log_in(device, 0, &connect);
    }
    for device in [0, 1, 1, 0] {
        let data = world.send(0, device, b"line").only_frame();
        let taken = world.deliver_up(device, 0, &data);
        let echoed = world.deliver_down(0, device, &taken.frames[0]);
        assert_eq!(taken.shared(), echoed.shared());
    }
}

#[test]
fn modelled_arithmetic_keeps_sizes_draws_meter_and_outcome() {
    let run = |mode: &str| {
        let mut world = World::pair(&[("rsa_mode", mode)]);
        let (at_device, at_client) = world.connect();
        let (sent, taken, echoed) = world.exchange(b"line");
        let shapes: Vec<_> = [at_device, at_client, sent, taken, echoed]
            .into_iter()
            .map(|seen| {
                let sizes: Vec<usize> = seen.frames.iter().map(Vec::len).collect();
                (seen.list, sizes)
            })
            .collect();
        (shapes, totals(&world.clients[0].crypto.meter))
    };
    assert_eq!(run("real"), run("modelled"));
}
