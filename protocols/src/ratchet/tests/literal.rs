//! The published prototype's own behaviour.

use super::world::{Event, Parcel, World};
use super::{SERVER_AT, at, frame, fresh, params, server, story, text};
use crate::crypto::Crypto;
use crate::machine::{Arg, Machine as _, StreamEvent};
use crate::parameter::Value;
use crate::ratchet::command;
use crate::ratchet::equations::after_c2s;
use crate::ratchet::messages::sealed_parts;
use crate::ratchet::params::Params;
use crate::ratchet::verification::{Expected, verify};

fn given() -> [(&'static str, Value); 1] {
    [("framing", text("datagram"))]
}

#[test]
fn an_unknown_id_gets_a_clear_answer() {
    let params = params("literal", &given());
    let mut bench = server(&params);
    let hello = frame(
        &params,
        10,
        99,
        0,
        1,
        &fresh(&params, 1).c2s,
        b"Hello from client 99",
    );
    let sent = crate::testing::sent(bench.message(at(9), SERVER_AT, &hello)).remove(0);
    assert_eq!(
        sent,
        [&[57, 99, 0, 0, 0, 0, 2][..], b"client 99 unknown       "].concat()
    );
    assert_eq!(sent.len(), 31);
}

#[test]
fn frames_shorter_than_a_header_are_dropped() {
    let mut bench = server(&params("literal", &given()));
    let done = story(bench.message(at(1), SERVER_AT, &[10, 1, 0, 0, 0, 0]));
    assert_eq!(done, ["rejected frame: length"]);
}

#[test]
fn a_junk_hello_displaces_the_live_session() {
    let mut world = World::new(&params("literal", &given()), 1);
    world.command(1, command::AUTHENTICATE, &[]);
    world.turn_page();
    let junk = [&[10, 1, 0, 0, 0, 0, 1][..], &[7; 64]].concat();
    let junk = Parcel {
        to: 0,
        from: 9,
        event: Event::Datagram(junk),
    };
    world.deliver(junk);
    let expected = [
        "0: ended: replaced",
        "0: send other",
        "0: rejected attempt: mac",
        "0: ended: mac",
        "0: shares 0 at 0",
    ];
    assert_eq!(world.story, expected);
    assert_eq!(world.wire[0].1.len(), 151);
}

#[test]
fn any_other_opcode_terminates_without_a_look_at_the_mac() {
    for opcode in [20, 40, 50, 60, 0] {
        let mut world = World::new(&params("literal", &given()), 1);
        world.command(1, command::AUTHENTICATE, &[]);
        world.turn_page();
        let bare = vec![opcode, 1, 0, 0, 0, 1, 1];
        world.deliver(Parcel {
            to: 0,
            from: 9,
            event: Event::Datagram(bare),
        });
        let expected = [
            "0: send TERMINATE",
            "0: rejected attempt: opcode",
            "0: ended: opcode",
            "0: shares 0 at 0",
        ];
        assert_eq!(world.story, expected);
        assert_eq!(world.wire[0].1.len(), 71);
        // Terminated, not deleted: silence from now on.
        world.turn_page();
        world.deliver(Parcel {
            to: 0,
            from: 9,
            event: Event::Datagram(vec![30, 1, 0, 0, 0, 1, 1]),
        });
        assert_eq!(world.story, ["0: rejected frame: no-session"]);
    }
}

#[test]
fn error_codes_and_sizes_are_the_prototypes() {
    for (change, opcode, size) in [
        (0_usize, 51, 151), // a bit of the HMAC
        (1, 52, 135),
        (2, 53, 119),
        (3, 55, 151),
        (4, 54, 119),
        (5, 60, 71),
    ] {
        let params = params("literal", &given());
        let mut world = World::new(&params, 1);
        world.command(1, command::AUTHENTICATE, &[]);
        world.ask(1, command::SEND_DATA, &[]);
        let Some(Parcel {
            event: Event::Datagram(mut data),
            ..
        }) = world.on_way.pop_front()
        else {
            panic!("a DATA is on its way")
        };
        match change {
            0 => *data.last_mut().unwrap() ^= 1,
            1 => data[5] = 0,
            2 => data[5] = 2,
            3 => data[6] = 2,
            4 => data = with_a_byte_more(&params, &world.wire[0].1, &data),
            _ => data.truncate(50),
        }
        world.turn_page();
        world.deliver(Parcel {
            to: 0,
            from: 1,
            event: Event::Datagram(data),
        });
        let (_, answer) = world.wire.remove(0);
        assert_eq!((answer[0], answer.len()), (opcode, size));
    }
}

/// DATA 1 with a byte more of ciphertext, under a good MAC.
fn with_a_byte_more(params: &Params, hello: &[u8], data: &[u8]) -> Vec<u8> {
    let crypto = &mut Crypto::default();
    let (iv, ciphertext) = sealed_parts(hello);
    let pair = after_c2s(params, crypto, &fresh(params, 1).c2s, iv, ciphertext);
    let mut longer = data[..data.len() - 32].to_vec();
    longer.push(0);
    let hmac = crypto.hmac_sha256(pair.mac(params), &[&longer]);
    longer.extend_from_slice(&hmac);
    longer
}

#[test]
fn the_clock_in_the_challenge_is_a_decimal_of_seconds() {
    let params = params("literal", &given());
    for (clock, text) in [
        (1_767_225_600_000_000_000, "1767225600.0"),
        (1_767_225_600_250_000_000, "1767225600.25"),
        (1_767_225_600_123_456_789, "1767225600.1234567"),
    ] {
        let mut bench = server(&params);
        bench.now = crate::LocalTime(clock);
        let hello = frame(
            &params,
            10,
            1,
            0,
            1,
            &fresh(&params, 1).c2s,
            b"Hello from client 1",
        );
        let sent = crate::testing::sent(bench.message(at(1), SERVER_AT, &hello)).remove(0);
        let expected = Expected {
            client: 1,
            round: 0,
            direction: 2,
            pair: fresh(&params, 1).s2c,
            answered: None,
        };
        let mut payload = Vec::new();
        let crypto = &mut Crypto::default();
        verify(&params, crypto, &sent, &expected, &mut payload).unwrap();
        assert_eq!(
            String::from_utf8(payload).unwrap(),
            format!("ServerChallenge-{text}")
        );
    }
}

#[test]
fn a_closed_stream_deletes_the_session_of_the_last_id_seen_on_it() {
    let params = params("literal", &[]);
    let mut world = World::new(&params, 1);
    world.command(1, command::AUTHENTICATE, &[]);
    // A stranger names client 1 in a frame that is dropped as too short to matter, and leaves.
    world.turn_page();
    let hello = frame(&params, 30, 1, 1, 1, &fresh(&params, 2).c2s, b"1");
    let mut terminated = params_record(&hello);
    terminated.truncate(4 + 7);
    terminated[..4].copy_from_slice(&7_u32.to_be_bytes());
    world.server.stream(at(9), StreamEvent::Opened);
    world.server.stream(at(9), StreamEvent::Bytes(&terminated));
    let done = story(world.server.stream(at(9), StreamEvent::Closed));
    assert_eq!(done, ["close"], "terminated already: nothing more is said");
    assert_eq!(world.server.machine.state(), "NONE");
}

fn params_record(frame: &[u8]) -> Vec<u8> {
    [
        &u32::try_from(frame.len()).unwrap().to_be_bytes()[..],
        frame,
    ]
    .concat()
}

#[test]
fn the_client_keeps_what_comes_early_and_takes_it_as_the_next_answer() {
    let mut world = World::new(&params("literal", &given()), 1);
    world.command(1, command::AUTHENTICATE, &[]);
    let early = vec![60; 71];
    world.deliver(Parcel {
        to: 1,
        from: 0,
        event: Event::Datagram(early),
    });
    assert_eq!(world.client(1).machine.state(), "ACTIVE");
    world.turn_page();
    world.command(1, command::SEND_DATA, &[Arg::Bytes(b"1")]);
    assert!(
        world
            .story
            .contains(&"1: rejected attempt: opcode".to_owned()),
        "{:?}",
        world.story
    );
    assert_eq!(world.client(1).machine.state(), "TERMINATED");
}

#[test]
fn the_client_ends_without_a_word() {
    let mut world = World::new(&params("literal", &[]), 1);
    world.command(1, command::AUTHENTICATE, &[]);
    world.ask(1, command::SEND_DATA, &[]);
    world.on_way.clear();
    world.turn_page();
    let junk = params_record(&[40; 71]);
    world.deliver(Parcel {
        to: 1,
        from: 0,
        event: Event::Bytes(junk),
    });
    assert_eq!(world.story[..2], ["1: rejected attempt: round", "1: close"]);
}
