//! The prototype: known answers from an independent program, and what it lets pass.

use super::world::{Call, LiteralWorld, NOW, Packet, RC, S1, S3, SECOND, U1, U2, word};
use crate::crypto::sha256_unmetered;
use crate::multi_server::literal::messages::{AuthRep, AuthReq, Message, classify, decode};
use crate::multi_server::messages::padded;
use crate::multi_server::{PORT, command, records, timer};
use crate::output::{Hex, Output};
use crate::time::{LocalTime, Span};
use crate::{Address, Arg, Channel, Timer};

fn world() -> LiteralWorld {
    LiteralWorld::literal("literal", &[])
}

fn digest(bytes: &[u8]) -> String {
    Hex(&sha256_unmetered(&[bytes])).to_string()
}

fn accepted(output: Option<Output>) -> ([u8; 8], Option<[u8; 8]>) {
    match output {
        Some(Output::Accepted {
            session, key_id, ..
        }) => (session, key_id),
        other => panic!("an acceptance, not {other:?}"),
    }
}

/// Delivers INFO_REQ and INFO.
fn informed(world: &mut LiteralWorld, server: u32, password: Arg<'_>) -> super::world::Done {
    world.command(U1, command::AUTHENTICATE, server, &[Arg::Default, password]);
    world.deliver();
    world.deliver()
}

#[test]
fn card_frames_and_key_are_those_of_an_independent_program() {
    let card = "721898accf45c8d6f10bd92e70e4fd544201bc51a1571a501cf325126699310b";
    assert_eq!(
        digest(&world().record(U1, records::USER_CARD).unwrap()),
        card
    );
    let cases = [
        (
            S1,
            "2d193d7bc89c1d2435b4187ce79edfb782712363a961436d9abaf243b9b53cc9",
            "e2aa9dce7e924a97f687dc858b89a73e12db12a3838e12adde73c4d259280c80",
            "e65227838b150837044c0a451b40ac326a77232fd8a3b5541261f21e736374e3",
            "d285ca9ef1993be8",
        ),
        (
            S3,
            "b38c27b8cf5ba2b169d9c329547476d43cd224c2c78f9547f9c3573ab0382160",
            "27a4e8a2844616284f5a317e4e9e18f2e231ff48311eeed234a079038c3bcfd9",
            "89a02c1fed13e8e809561543f8010b0b1d5a7be400156f0ccc16dfc30b7f1161",
            "b062ecaff864d4fc",
        ),
    ];
    for (host, request, reply, key, session) in cases {
        let mut world = world();
        let asked = informed(&mut world, host, Arg::Default);
        assert_eq!(digest(asked.frame()), request);
        world.set_time(NOW + SECOND);
        let answered = world.deliver();
        assert_eq!(digest(answered.frame()), reply);
        let served = accepted(answered.accepted());
        assert_eq!(served.1, None, "the server computes no key");
        let done = world.deliver();
        let (tag, key_id) = accepted(done.accepted());
        assert_eq!((tag, Hex(&tag).to_string().as_str()), (served.0, session));
        assert!(key_id.is_some());
        let live = world.users[0].machine.session_key(&tag).unwrap();
        assert_eq!(Hex(live).to_string(), key);
        assert_eq!(
            done.armed,
            [(Timer::only(timer::SESSION), Span::from_secs(600))]
        );
    }
}

#[test]
fn frames_have_the_sizes_of_the_specification() {
    let world = world();
    let hex = "0".repeat(64);
    let request = Message::AuthReq(AuthReq {
        alpha: hex.clone(),
        beta: hex.clone(),
        t1: "1700000000".to_owned(),
        c: hex.clone(),
        uid: hex.clone(),
        id: "hospital1".to_owned(),
    });
    let reply = Message::AuthRep(AuthRep {
        t2: "1700000000".to_owned(),
        gamma: "1".repeat(64 + 6),
        sigma: hex,
    });
    let id = padded(b"hospital1");
    let info = Message::Info {
        id,
        loc: padded(b"Mum"),
    };
    let frames = [
        (request, 350, "AUTH_REQ"),
        (reply, 193, "AUTH_REP"),
        (Message::Reject { status: 409 }, 3, "REJECT"),
        (Message::DbReq { id, t: 7 }, 25, "DB_REQ"),
        (Message::DbRep, 45, "DB_REP"),
        (Message::InfoReq, 1, "INFO_REQ"),
        (info, 41, "INFO"),
        (Message::SregAck { ssk: [1; 32] }, 33, "SREG_ACK"),
    ];
    for (message, size, name) in frames {
        let mut frame = Vec::new();
        message.encode(&world.params, &mut frame);
        assert_eq!(frame.len(), size, "{name}");
        assert_eq!(decode(&world.params, &frame), Ok(message));
        let index = classify(&world.params.layouts, &frame).unwrap();
        assert_eq!(world.params.layouts[index].name, name);
        assert!(world.params.layouts[index].locate(&frame).is_ok());
        for length in 0..size {
            assert!(
                decode(&world.params, &frame[..length]).is_err(),
                "{name} {length}"
            );
        }
        frame.push(b' ');
        assert_eq!(decode(&world.params, &frame).unwrap_err().field, "end");
    }
}

#[test]
fn json_is_refused_at_the_member_that_does_not_fit() {
    let mut world = world();
    let good = informed(&mut world, S1, Arg::Default).frame().to_vec();
    let refused = |at: usize, byte: u8| {
        let mut frame = good.clone();
        frame[at] = byte;
        let place = decode(&world.params, &frame).unwrap_err();
        (place.field, place.offset)
    };
    assert_eq!(refused(13, b'g'), ("alpha_i", 13));
    assert_eq!(refused(78, b'x'), ("json", 77));
    assert_eq!(refused(2, b'b'), ("json", 0));
}

#[test]
fn r1_and_part_of_the_list_rest_in_clear() {
    let world = world();
    let card = world.record(U1, records::USER_CARD).unwrap();
    assert!(card[..32].iter().all(u8::is_ascii_hexdigit), "r1");
    assert_eq!(card[160..169], *b"hospital1");
}

#[test]
fn a_wrong_password_logs_in_with_the_c_that_it_yields() {
    let mut world = world();
    let asked = informed(&mut world, S1, Arg::Bytes(b"wrong"));
    assert!(
        asked.frame().starts_with(b"{\"alpha_i\""),
        "E is not compared"
    );
    assert!(world.deliver().accepted().is_some());
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn the_user_compares_nothing_but_the_age_of_the_answer() {
    let mut waiting = world();
    informed(&mut waiting, S1, Arg::Default);
    let answer = Message::AuthRep(AuthRep {
        t2: "1700000000".to_owned(),
        gamma: "a".repeat(64),
        sigma: "b".repeat(64),
    });
    let mut bytes = Vec::new();
    answer.encode(&waiting.params, &mut bytes);
    let packet = Packet {
        from: Address::new(S3, PORT),
        to: Address::new(U1, PORT),
        channel: Channel::Public,
        bytes,
    };
    for (age, fits) in [(60, true), (61, false)] {
        let mut world = waiting.clone();
        world.users[0].now = LocalTime(NOW + age * SECOND);
        let done = world.call(U1, Call::Message(&packet));
        assert_eq!(done.accepted().is_some(), fits);
        if !fits {
            assert_eq!(done.reasons(), ["stale"]);
        }
    }
}

#[test]
fn the_server_serves_any_time_and_again() {
    let mut world = world();
    informed(&mut world, S1, Arg::Default);
    let request = world.wire.pop_front().unwrap();
    world.set_time(NOW + 86_400 * SECOND);
    for _ in 0..2 {
        assert!(world.call(S1, Call::Message(&request)).accepted().is_some());
    }
    let text = String::from_utf8(request.bytes.clone()).unwrap();
    let mut other = request.clone();
    other.bytes = text.replace("hospital1", "hospital2").into_bytes();
    let done = world.call(S1, Call::Message(&other));
    assert_eq!(
        (done.frame(), done.reasons()),
        (&[7, 1, 147][..], vec!["unknown-server"])
    );
    let mut other = request;
    let byte = &mut other.bytes[95];
    *byte = if *byte == b'0' { b'1' } else { b'0' };
    assert_eq!(world.call(S1, Call::Message(&other)).reasons(), ["beta"]);
}

#[test]
fn the_twin_without_beta_serves_what_is_meant_for_another_server() {
    let mut world = LiteralWorld::literal("broken", &[("base", word("literal"))]);
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.deliver();
    world.wire[0].bytes[9] = b'2';
    let asked = world.deliver();
    assert_eq!(asked.sent[0].to, Address::new(S1, PORT));
    assert!(world.deliver().accepted().is_some());
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn an_info_that_names_no_server_of_the_list_ends_the_attempt() {
    let mut world = world();
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.deliver();
    world.wire[0].bytes[9] = b'7';
    assert_eq!(world.deliver().reasons(), ["unknown-server"]);
    assert_eq!(world.machine_state(U1), "IDLE");
}

#[test]
fn phase_5_checks_time_and_id_and_moves_nothing() {
    let mut world = world();
    let asked = world.command(S1, command::DB_UPDATE, RC, &[]);
    assert_eq!(asked.frame().len(), 25);
    let request = world.wire[0].clone();
    let answered = world.deliver();
    assert_eq!(answered.order, ["running", "send", "accepted"]);
    let mut zeros = vec![14];
    zeros.extend([0; 44]);
    assert_eq!(answered.frame(), zeros);
    let done = world.deliver();
    assert_eq!(done.order, ["cancel", "accepted"]);
    for (later, status, reason) in [(60, 0, ""), (61, 403u16, "stale")] {
        world.rc.now = LocalTime(NOW + later * SECOND);
        let done = world.call(RC, Call::Message(&request));
        if status > 0 {
            let [high, low] = status.to_be_bytes();
            assert_eq!(
                (done.frame(), done.reasons()),
                (&[7, high, low][..], vec![reason])
            );
        }
    }
    world.rc.now = LocalTime(NOW);
    let mut unknown = request;
    unknown.bytes[9] = b'9';
    assert_eq!(
        world.call(RC, Call::Message(&unknown)).reasons(),
        ["unknown"]
    );
}

#[test]
fn there_is_no_list_update_and_no_password_change() {
    let mut world = world();
    for id in [command::UPDATE_LIST, command::CHANGE_PASSWORD] {
        let done = world.command(U1, id, RC, &[]);
        assert_eq!(
            (done.order.as_slice(), done.reasons()),
            (&["rejected"][..], vec!["unsupported"])
        );
    }
}

#[test]
fn a_server_cannot_register_twice_and_a_restarted_centre_has_new_secrets() {
    let mut world = world();
    world.command(S1, command::REISSUE, RC, &[]);
    assert_eq!(world.deliver().reasons(), ["exists"]);
    assert_eq!(world.deliver().reasons(), ["refused"]);

    let in_band = [("registration", word("in-band"))];
    let register = |restart: bool| {
        let mut world = LiteralWorld::literal("literal", &in_band);
        if restart {
            world.call(RC, Call::Restart);
        }
        world.deliver().frame().to_vec()
    };
    assert_ne!(register(false), register(true));
}

#[test]
fn registration_in_band_ends_with_a_working_card() {
    let mut world = LiteralWorld::literal("literal", &[("registration", word("in-band"))]);
    world.settle();
    let asked = world.command(U2, command::REGISTER, RC, &[]);
    assert_eq!(asked.order, ["running", "send", "arm"]);
    world.deliver();
    let done = world.deliver();
    assert_eq!(
        done.order,
        ["store", "named", "shared", "accepted", "cancel"]
    );
    world.command(U2, command::AUTHENTICATE, S3, &[]);
    let outputs = world.settle();
    let accepted = outputs
        .iter()
        .filter(|(_, output)| matches!(output, Output::Accepted { .. }));
    assert_eq!(accepted.count(), 2, "no table is needed");
}
