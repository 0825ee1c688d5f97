//! The broken twin: each defence left out lets through what its attack needs, and nothing else does.

use std::sync::Arc;

use super::world::{Event, Parcel, World};
use super::{at, frame, fresh, params, text};
use crate::machine::{Arg, Machine as _, StreamEvent, Timer};
use crate::ratchet::choice::{Choice as _, Defence};
use crate::ratchet::params::Params;
use crate::ratchet::{command, timer};

fn twin(without: &str) -> Arc<Params> {
    let given = [("framing", text("datagram")), ("without", text(without))];
    params("broken", &given)
}

/// The twins to try an attack on: as published, and without one defence.
fn cases(without: &str) -> [(Arc<Params>, bool); 2] {
    let published = params("as-published", &[("framing", text("datagram"))]);
    [(published, false), (twin(without), true)]
}

fn open(params: &Arc<Params>, clients: u8) -> World {
    let mut world = World::new(params, clients);
    for id in 1..=clients {
        world.command(id, command::AUTHENTICATE, &[]);
    }
    world.turn_page();
    world
}

fn inject(world: &mut World, from: u8, to: u8, frame: &[u8]) {
    let event = Event::Datagram(frame.to_vec());
    world.deliver(Parcel { to, from, event });
    world.settle();
}

fn told(world: &World, word: &str) -> bool {
    world.story.iter().any(|told| told == word)
}

/// The frame that is on its way, which is taken off it.
fn intercepted(world: &mut World) -> Vec<u8> {
    match world.on_way.pop_front() {
        Some(Parcel {
            event: Event::Datagram(frame),
            ..
        }) => frame,
        other => panic!("a datagram is on its way, not {other:?}"),
    }
}

#[test]
fn every_defence_leaves_honest_sessions_alone() {
    for without in Defence::WORDS {
        let mut world = open(&twin(without), 2);
        for id in [1, 2] {
            world.command(id, command::SEND_DATA, &[]);
            world.command(id, command::SEND_DATA, &[]);
            assert!(
                told(&world, &format!("{id}: data accepted 2")),
                "{without}: {:?}",
                world.story
            );
            world.command(id, command::FINISH, &[]);
        }
        assert_eq!(world.server.machine.state(), "NONE", "{without}");
    }
}

#[test]
fn without_mac_a_digit_can_be_changed() {
    for (params, falls) in cases("mac") {
        let mut world = open(&params, 1);
        world.ask(1, command::SEND_DATA, &[Arg::Bytes(b"10")]);
        let mut data = intercepted(&mut world);
        data[7] ^= 1; // first byte of the IV: the first digit
        inject(&mut world, 1, 0, &data);
        assert_eq!(told(&world, "0: data accepted 1"), falls);
    }
}

#[test]
fn without_freshness_data_can_be_replayed() {
    for (params, falls) in cases("freshness") {
        let mut world = open(&params, 1);
        world.command(1, command::SEND_DATA, &[]);
        let data = world.wire[0].1.clone();
        inject(&mut world, 1, 0, &data);
        assert_eq!(told(&world, "0: data accepted 2"), falls);
    }
}

#[test]
fn without_binding_data_can_be_reflected() {
    for (params, falls) in cases("binding") {
        let mut world = open(&params, 1);
        world.ask(1, command::SEND_DATA, &[]);
        let data = intercepted(&mut world);
        inject(&mut world, 0, 1, &data);
        assert_eq!(told(&world, "1: data accepted 1"), falls);

        let mut world = open(&params, 1);
        world.command(1, command::SEND_DATA, &[]);
        let response = world.wire[1].1.clone();
        inject(&mut world, 1, 0, &response);
        // Without binding it is read as a list, and is none.
        assert_eq!(told(&world, "0: rejected attempt: number"), falls);
    }
}

#[test]
fn without_ratchet_answers_of_an_earlier_session_are_taken() {
    for (params, falls) in cases("ratchet") {
        let mut world = open(&params, 1);
        world.command(1, command::SEND_DATA, &[]);
        let old = world.wire[1].1.clone();
        world.command(1, command::FINISH, &[]);
        world.server.now = crate::LocalTime(5);
        world.command(1, command::AUTHENTICATE, &[]);
        world.turn_page();
        world.ask(1, command::SEND_DATA, &[]);
        world.on_way.clear();
        inject(&mut world, 0, 1, &old);
        assert_eq!(told(&world, "1: data accepted 1"), falls);
    }
}

#[test]
fn without_cipher_payloads_can_be_read() {
    for (params, falls) in cases("cipher") {
        let mut world = open(&params, 1);
        world.command(1, command::SEND_DATA, &[Arg::Bytes(b"12.5,17.5")]);
        let reads = |text: &[u8]| {
            world
                .wire
                .iter()
                .any(|(_, frame)| frame.windows(text.len()).any(|part| part == text))
        };
        assert_eq!(reads(b"12.5,17.5"), falls);
        assert_eq!(reads(b"Aggregated: 15.00"), falls);
    }
}

#[test]
fn without_client_anybody_is_served_under_zeros() {
    for (params, falls) in cases("client") {
        let mut world = World::new(&params, 1);
        let zeros = crate::ratchet::equations::initial(
            &params,
            &mut crate::crypto::Crypto::default(),
            &[0; 16],
        );
        let hello = frame(&params, 10, 99, 0, 1, &zeros.c2s, b"Hello from client 99");
        inject(&mut world, 9, 0, &hello);
        assert_eq!(told(&world, "0: accepted"), falls);
    }
}

#[test]
fn without_phase_data_needs_no_hello() {
    for (params, falls) in cases("phase") {
        for round in [0, 1] {
            let mut world = World::new(&params, 1);
            let data = frame(&params, 30, 1, round, 1, &fresh(&params, 1).c2s, b"1");
            inject(&mut world, 9, 0, &data);
            assert_eq!(told(&world, "0: accepted"), falls);
            assert_eq!(told(&world, &format!("0: data accepted {round}")), falls);
        }
    }
}

#[test]
fn without_replace_junk_displaces_the_live_session() {
    for (params, falls) in cases("replace") {
        let mut world = open(&params, 1);
        inject(
            &mut world,
            9,
            0,
            &[&[10, 1, 0, 0, 0, 0, 1][..], &[7; 64]].concat(),
        );
        assert_eq!(told(&world, "0: ended: replaced"), falls);
    }
}

#[test]
fn without_terminate_auth_seven_bytes_end_a_session() {
    for (params, falls) in cases("terminate-auth") {
        for round in [1, 9] {
            let bare = [60, 1, 0, 0, 0, round, 1];
            let mut world = open(&params, 1);
            inject(&mut world, 9, 0, &bare);
            assert_eq!(told(&world, "0: ended: terminated"), falls);
            let mut world = open(&params, 1);
            inject(&mut world, 0, 1, &bare);
            assert_eq!(told(&world, "1: rejected attempt: terminated"), falls);
        }
    }
}

#[test]
fn without_id_another_client_can_end_a_session() {
    for (params, falls) in cases("id") {
        let mut world = open(&params, 2);
        let stray = frame(&params, 30, 1, 1, 1, &fresh(&params, 2).c2s, b"1");
        inject(&mut world, 2, 0, &stray);
        world.turn_page();
        world.command(1, command::SEND_DATA, &[]);
        assert_eq!(
            told(&world, "0: rejected frame: no-session"),
            falls,
            "{:?}",
            world.story
        );
    }
}

#[test]
fn without_numbers_a_nan_poisons_the_round() {
    for (params, falls) in cases("numbers") {
        let mut world = open(&params, 1);
        world.command(1, command::SEND_DATA, &[Arg::Bytes(b"nan")]);
        assert_eq!(told(&world, "1: data accepted 1"), falls);
    }
}

#[test]
fn without_caps_nothing_is_limited() {
    for (without, falls) in [("mac", false), ("caps", true)] {
        let params = params("broken", &[("without", text(without))]);
        let mut bench = super::server(&params);
        bench.stream(at(9), StreamEvent::Opened);
        let effects = bench.stream(at(9), StreamEvent::Bytes(&[255, 255, 255, 255, 1]));
        assert_eq!(
            effects.is_empty(),
            falls,
            "four gigabytes are waited for, without a timer"
        );
        assert_eq!(
            params.rounds_kept.is_none() && params.addresses_max.is_none(),
            falls
        );
    }
}

#[test]
fn without_retry_a_terminated_client_stays_so() {
    for (params, falls) in cases("retry") {
        let mut world = open(&params, 1);
        world.ask(1, command::SEND_DATA, &[]);
        world.on_way.clear();
        world.client(1).timer(Timer::only(timer::RESPONSE));
        world.turn_page();
        world.command(1, command::AUTHENTICATE, &[]);
        assert_eq!(told(&world, "1: rejected command: terminated"), falls);
        assert_eq!(told(&world, "1: accepted"), !falls);
    }
}

#[test]
fn without_length_a_short_frame_ends_its_receiver() {
    for (params, falls) in cases("length") {
        let mut world = open(&params, 1);
        world.ask(1, command::SEND_DATA, &[]);
        let data = intercepted(&mut world);
        inject(&mut world, 1, 0, &data[..70]);
        assert_eq!(told(&world, "0: halted"), falls);
        assert_eq!(world.server.machine.state() == "HALTED", falls);
    }
}

#[test]
fn without_header_a_frame_is_of_the_round_that_it_says() {
    for (params, falls) in cases("header") {
        let mut world = open(&params, 1);
        world.ask(1, command::SEND_DATA, &[]);
        let mut data = intercepted(&mut world);
        data[5] += 1; // last byte of the round
        inject(&mut world, 1, 0, &data);
        assert_eq!(told(&world, "0: data accepted 2"), falls);
    }
}

#[test]
fn without_header_a_frame_is_of_the_session_that_it_says() {
    for (params, falls) in cases("header") {
        let mut world = open(&params, 2);
        world.ask(1, command::SEND_DATA, &[]);
        let mut data = intercepted(&mut world);
        data[1] = 2;
        inject(&mut world, 1, 0, &data);
        world.turn_page();
        world.command(2, command::SEND_DATA, &[]);
        assert_eq!(told(&world, "0: data accepted 1"), !falls);
    }
}

#[test]
fn without_connection_an_answer_goes_to_whoever_sends_and_can_be_read() {
    for (params, falls) in cases("connection") {
        let mut world = open(&params, 1);
        world.ask(1, command::SEND_DATA, &[Arg::Bytes(b"12.5,17.5")]);
        let data = intercepted(&mut world);
        inject(&mut world, 9, 0, &data);
        let answer = b"Aggregated: 15.00";
        let read = |frame: &[u8]| frame.windows(answer.len()).any(|part| part == answer);
        assert_eq!(world.wire.iter().any(|(_, frame)| read(frame)), falls);
    }
}

#[test]
fn without_caps_a_server_runs_into_the_limit_of_its_system() {
    for (without, falls) in [("mac", false), ("caps", true)] {
        let params = params("broken", &[("without", text(without))]);
        let mut bench = super::server(&params);
        for address in 0..2049 {
            let peer = crate::address::Address::new(1000 + address, 1);
            bench.stream(peer, StreamEvent::Opened);
        }
        assert_eq!(bench.machine.state() == "HALTED", falls);
    }
}

#[test]
fn what_is_left_over_is_said_where_nothing_is_purged() {
    for (params, falls) in cases("numbers") {
        let mut world = open(&params, 2);
        world.command(2, command::SEND_DATA, &[]);
        world.command(2, command::FINISH, &[]);
        world.command(2, command::AUTHENTICATE, &[]);
        world.turn_page();
        world.command(1, command::SEND_DATA, &[]);
        assert_eq!(told(&world, "0: data reused 1"), falls, "{:?}", world.story);
        world.command(2, command::SEND_DATA, &[]);
        world.turn_page();
        world.command(1, command::SEND_DATA, &[]);
        assert!(!told(&world, "0: data reused 2"));
    }
}
