//! Rows S1 to S12 of the server, each as a list of effects.

use std::sync::Arc;

use super::{SERVER_AT, ServerBench, at, datagrams, frame, fresh, params, server, story, text};
use crate::address::Address;
use crate::crypto::Crypto;
use crate::machine::{Machine as _, StreamEvent, Timer};
use crate::parameter::Value;
use crate::ratchet::equations::{Keys, after_c2s};
use crate::ratchet::messages::sealed_parts;
use crate::ratchet::params::Params;
use crate::ratchet::timer;

fn receive(bench: &mut ServerBench, from: Address, bytes: &[u8]) -> Vec<String> {
    story(bench.message(from, SERVER_AT, bytes))
}

fn record(frame: &[u8]) -> Vec<u8> {
    [
        &u32::try_from(frame.len()).unwrap().to_be_bytes()[..],
        frame,
    ]
    .concat()
}

fn hello(params: &Params, id: u8) -> Vec<u8> {
    let payload = format!("Hello from client {id}");
    frame(
        params,
        10,
        id,
        0,
        1,
        &fresh(params, id).c2s,
        payload.as_bytes(),
    )
}

/// The client's keys after its HELLO.
fn moved(params: &Params, id: u8) -> Keys {
    let keys = fresh(params, id);
    let sent = hello(params, id);
    let (iv, ciphertext) = sealed_parts(&sent);
    let c2s = after_c2s(params, &mut Crypto::default(), &keys.c2s, iv, ciphertext);
    Keys { c2s, ..keys }
}

fn active(params: &Arc<Params>) -> ServerBench {
    let mut bench = server(params);
    if params.streams() {
        bench.stream(at(1), StreamEvent::Opened);
        bench.stream(at(1), StreamEvent::Bytes(&record(&hello(params, 1))));
    } else {
        receive(&mut bench, at(1), &hello(params, 1));
    }
    assert_eq!(bench.machine.state(), "ACTIVE");
    bench
}

fn data(params: &Params, round: u32, list: &[u8]) -> Vec<u8> {
    frame(params, 30, 1, round, 1, &moved(params, 1).c2s, list)
}

#[test]
fn s1_forgets_the_session_with_its_stream() {
    let params = params("as-published", &[]);
    for (event, reason) in [
        (StreamEvent::Bytes(&[0; 4]), "closed"),
        (StreamEvent::Bytes(&[0, 1, 0, 1]), "oversize"),
        (StreamEvent::Closed, "closed"),
        (StreamEvent::Reset, "closed"),
    ] {
        let mut bench = active(&params);
        let done = story(bench.stream(at(1), event));
        assert_eq!(
            done,
            [&format!("ended: {reason}"), "shares 0 at 0", "close"],
            "{event:?}"
        );
        assert_eq!(bench.machine.state(), "NONE");
    }
}

#[test]
fn s1_forgets_the_session_of_a_stalled_record() {
    let mut bench = active(&params("as-published", &[]));
    let done = story(bench.stream(at(1), StreamEvent::Bytes(&[0, 0, 0, 71, 30])));
    assert_eq!(done, ["arm stall 5000ms"]);
    let stall = Timer {
        kind: timer::STALL,
        key: 0,
    };
    assert_eq!(
        story(bench.timer(stall)),
        ["ended: stalled", "shares 0 at 0", "close"]
    );
    assert_eq!(story(bench.timer(stall)), [""; 0]);
}

#[test]
fn s1_counts_an_oversize_datagram_as_the_end() {
    let mut bench = active(&datagrams(&[("max_frame", Value::Integer(200))]));
    assert_eq!(
        receive(&mut bench, at(1), &[0; 201]),
        ["ended: oversize", "shares 0 at 0"]
    );
}

#[test]
fn s2_starts_a_session() {
    let params = datagrams(&[]);
    let mut bench = server(&params);
    let done = receive(&mut bench, at(1), &hello(&params, 1));
    assert_eq!(
        done,
        ["running", "send CHALLENGE", "accepted", "shares 1 at 1"]
    );
}

#[test]
fn s2_replaces_the_session_of_the_same_address() {
    let params = datagrams(&[]);
    let mut bench = active(&params);
    let starts = ["running", "send CHALLENGE", "accepted", "shares 1 at 1"];
    let done = receive(&mut bench, at(1), &hello(&params, 1));
    assert_eq!(done, [&["ended: replaced"][..], &starts].concat());
    // Another client on the same address: one session an address.
    let done = receive(&mut bench, at(1), &hello(&params, 2));
    assert_eq!(
        done,
        [&["ended: replaced", "shares 0 at 0"][..], &starts].concat()
    );
}

#[test]
fn s2_closes_the_other_stream_of_the_same_client() {
    let params = params("as-published", &[]);
    let mut bench = active(&params);
    bench.stream(at(9), StreamEvent::Opened);
    let done = story(bench.stream(at(9), StreamEvent::Bytes(&record(&hello(&params, 1)))));
    let closes = ["send CLOSE", "close", "ended: replaced"];
    let starts = ["running", "send CHALLENGE", "accepted", "shares 1 at 1"];
    assert_eq!(done, [&closes[..], &starts].concat());
}

#[test]
fn s3_drops_a_hello_of_an_unknown_id() {
    let params = datagrams(&[]);
    for mut bench in [server(&params), active(&params)] {
        let before = bench.machine.state();
        let done = receive(&mut bench, at(1), &hello(&params, 99));
        assert_eq!(done, ["rejected frame: client"]);
        assert_eq!(bench.machine.state(), before);
    }
}

#[test]
fn s4_answers_a_bad_hello_and_keeps_the_live_session() {
    let params = datagrams(&[]);
    let bad = frame(
        &params,
        10,
        1,
        0,
        1,
        &fresh(&params, 2).c2s,
        b"Hello from client 1",
    );
    let late = frame(
        &params,
        10,
        1,
        1,
        1,
        &fresh(&params, 1).c2s,
        b"Hello from client 1",
    );
    let short = &hello(&params, 1)[..54];
    for (bytes, answer, reason) in [
        (&bad[..], "DESYNC", "mac"),
        (&late, "DESYNC", "round"),
        (short, "TERMINATE", "malformed (length at byte 54)"),
    ] {
        let mut bench = active(&params);
        let done = receive(&mut bench, at(7), bytes);
        assert_eq!(
            done,
            [
                format!("send {answer}"),
                format!("rejected frame: {reason}")
            ]
        );
        let done = receive(&mut bench, at(1), &data(&params, 1, b"1"));
        assert_eq!(done[1], "send RESPONSE");
    }
}

#[test]
fn s5_drops_other_frames_without_a_session() {
    let params = datagrams(&[]);
    for bytes in [
        &data(&params, 1, b"1")[..],
        &[],
        &[10],
        &[60, 1],
        &[200; 90],
    ] {
        let mut bench = server(&params);
        assert_eq!(
            receive(&mut bench, at(1), bytes),
            ["rejected frame: no-session"]
        );
    }
}

#[test]
fn s6_obeys_a_good_terminate_and_s7_drops_a_bad_one() {
    let params = datagrams(&[]);
    let mut bench = active(&params);
    let keys = moved(&params, 1);
    let late = frame(&params, 60, 1, 2, 1, &keys.c2s, b"done");
    assert_eq!(receive(&mut bench, at(1), &late), ["rejected frame: round"]);
    assert_eq!(
        receive(&mut bench, at(1), &[60, 1])[0],
        "rejected frame: malformed (length at byte 2)"
    );
    let good = frame(&params, 60, 1, 1, 1, &keys.c2s, b"done");
    assert_eq!(
        receive(&mut bench, at(1), &good),
        ["ended: terminated", "shares 0 at 0"]
    );
    assert_eq!(bench.machine.state(), "NONE");
}

#[test]
fn s8_answers_data_with_the_aggregate() {
    let params = datagrams(&[]);
    let mut bench = active(&params);
    let done = receive(&mut bench, at(1), &data(&params, 1, b"10,20"));
    assert_eq!(
        done,
        [
            "data sent 1",
            "send RESPONSE",
            "data accepted 1",
            "shares 1 at 2"
        ]
    );
}

#[test]
fn s9_says_what_is_wrong_with_data_and_ends_the_session() {
    let params = datagrams(&[]);
    let keys = moved(&params, 1);
    let good = data(&params, 1, b"1");
    let mut mac = good.clone();
    mac[30] ^= 1;
    for (bytes, answer, reason) in [
        (
            good[..70].to_vec(),
            "TERMINATE",
            "malformed (length at byte 70)",
        ),
        (
            [&good[..], &[0]].concat(),
            "TERMINATE",
            "malformed (ciphertext at byte 23)",
        ),
        (
            frame(&params, 30, 2, 1, 1, &keys.c2s, b"1"),
            "TERMINATE",
            "id",
        ),
        (data(&params, 0, b"1"), "DESYNC", "round"),
        (data(&params, 2, b"1"), "DESYNC", "round"),
        (
            frame(&params, 30, 1, 1, 2, &keys.c2s, b"1"),
            "TERMINATE",
            "direction",
        ),
        (
            frame(&params, 30, 1, 1, 3, &keys.c2s, b"1"),
            "TERMINATE",
            "malformed (direction at byte 6)",
        ),
        (mac, "DESYNC", "mac"),
        (data(&params, 1, b"nan"), "TERMINATE", "number"),
    ] {
        let mut bench = active(&params);
        let done = receive(&mut bench, at(1), &bytes);
        assert_eq!(done[0], format!("send {answer}"), "{reason}");
        assert_eq!(done[1], format!("rejected attempt: {reason}"));
        assert_eq!(
            done[2..],
            [
                format!("ended: {}", done[1].split(": ").nth(1).unwrap()),
                "shares 0 at 0".to_owned()
            ]
        );
        assert_eq!(bench.machine.state(), "NONE");
    }
}

#[test]
fn s9_refuses_bad_padding_under_a_good_mac() {
    // Right MAC key, wrong cipher key: what comes out has no good padding.
    let params = datagrams(&[]);
    let mut keys = moved(&params, 1);
    keys.c2s.enc.reverse();
    let mut bench = active(&params);
    let bytes = frame(&params, 30, 1, 1, 1, &keys.c2s, b"10,20");
    assert_eq!(
        receive(&mut bench, at(1), &bytes)[1],
        "rejected attempt: padding"
    );
}

#[test]
fn s9_closes_the_stream() {
    let params = params("as-published", &[]);
    let mut bench = active(&params);
    let bytes = record(&data(&params, 2, b"1"));
    let done = story(bench.stream(at(1), StreamEvent::Bytes(&bytes)));
    let expected = [
        "send DESYNC",
        "rejected attempt: round",
        "send CLOSE",
        "close",
        "ended: round",
        "shares 0 at 0",
    ];
    assert_eq!(done, expected);
}

#[test]
fn s10_and_s11_end_the_session_on_opcodes_of_the_server() {
    let params = datagrams(&[]);
    let keys = moved(&params, 1);
    for opcode in [20, 40, 50] {
        let good = frame(&params, opcode, 1, 1, 1, &keys.c2s, b"1");
        let done = receive(&mut active(&params), at(1), &good);
        assert_eq!(done[..2], ["send TERMINATE", "rejected attempt: opcode"]);
        let bad = frame(&params, opcode, 1, 1, 1, &keys.s2c, b"1");
        let done = receive(&mut active(&params), at(1), &bad);
        assert_eq!(done[..2], ["send DESYNC", "rejected attempt: mac"]);
    }
    let unknown = frame(&params, 11, 1, 1, 1, &keys.c2s, b"1");
    let done = receive(&mut active(&params), at(1), &unknown);
    assert_eq!(
        done[..2],
        [
            "send TERMINATE",
            "rejected attempt: malformed (opcode at byte 0)"
        ]
    );
}

#[test]
fn s12_ends_the_session_after_the_last_round() {
    // The twin without phases starts in any round.
    let given = [("framing", text("datagram")), ("without", text("phase"))];
    let params = params("broken", &given);
    let mut bench = server(&params);
    let last = frame(&params, 30, 1, u32::MAX, 1, &fresh(&params, 1).c2s, b"1");
    let done = receive(&mut bench, at(1), &last);
    let expected = [
        "accepted",
        "data sent 4294967295",
        "send RESPONSE",
        "data accepted 4294967295",
        "shares 1 at 4294967295",
        "send TERMINATE",
        "ended: round-limit",
        "shares 0 at 0",
    ];
    assert_eq!(done, expected);
}

#[test]
fn a_hello_counts_as_a_wrong_opcode_where_the_parameter_says_so() {
    let params = datagrams(&[("hello_in_active", text("terminate"))]);
    let done = receive(&mut active(&params), at(1), &hello(&params, 1));
    assert_eq!(done[..2], ["send DESYNC", "rejected attempt: round"]);
    let keys = moved(&params, 1);
    let good = frame(&params, 10, 1, 1, 1, &keys.c2s, b"Hello from client 1");
    let done = receive(&mut active(&params), at(1), &good);
    assert_eq!(done[..2], ["send TERMINATE", "rejected attempt: opcode"]);
    let done = receive(&mut active(&params), at(7), &hello(&params, 1));
    assert_eq!(done[2], "send CHALLENGE", "another address has no session");
}

#[test]
fn a_hello_displaces_before_it_is_verified_where_the_parameter_says_so() {
    let params = datagrams(&[("replace", text("before-verify"))]);
    let mut bench = active(&params);
    let junk = [&[10, 1][..], &[0; 69]].concat();
    let done = receive(&mut bench, at(7), &junk);
    let expected = [
        "ended: replaced",
        "send TERMINATE",
        "rejected frame: malformed (direction at byte 6)",
        "shares 0 at 0",
    ];
    assert_eq!(done, expected);
}

#[test]
fn a_session_is_found_by_the_id_of_the_frame_where_the_parameter_says_so() {
    let params = datagrams(&[("session_lookup", text("frame-id"))]);
    let mut bench = active(&params);
    let done = receive(&mut bench, at(7), &data(&params, 1, b"1"));
    assert_eq!(done[1], "send RESPONSE");
}

#[test]
fn extended_codes_say_more() {
    let params = datagrams(&[("error_codes", text("extended"))]);
    let keys = moved(&params, 1);
    let mut mac = data(&params, 1, b"1");
    mac[30] ^= 1;
    for (bytes, opcode, size) in [
        (mac, 51, 151),
        (data(&params, 0, b"1"), 52, 135),
        (data(&params, 2, b"1"), 53, 119),
        ([&data(&params, 1, b"1")[..], &[0]].concat(), 54, 119),
        (frame(&params, 30, 1, 1, 2, &keys.c2s, b"1"), 55, 151),
        (data(&params, 1, b"x"), 60, 71),
    ] {
        let mut bench = active(&params);
        let sent = crate::testing::sent(bench.message(at(1), SERVER_AT, &bytes)).remove(0);
        assert_eq!((sent[0], sent.len()), (opcode, size));
    }
}

#[test]
fn stored_values_are_purged_by_a_new_session_unless_told_otherwise() {
    for (purge, answer) in [(true, "Aggregated: 9.00"), (false, "Aggregated: 5.00")] {
        let params = datagrams(&[("purge_on_hello", Value::Bool(purge))]);
        let mut bench = active(&params);
        receive(&mut bench, at(1), &data(&params, 1, b"1"));
        // Client 1 comes back and sends nothing; client 2 sends in round 1.
        receive(&mut bench, at(1), &hello(&params, 1));
        receive(&mut bench, at(2), &hello(&params, 2));
        let two = frame(&params, 30, 2, 1, 1, &moved(&params, 2).c2s, b"9");
        let outputs = crate::testing::outputs(bench.message(at(2), SERVER_AT, &two));
        let digest = crate::crypto::tag("", &[answer.as_bytes()]);
        assert!(
            format!("{outputs:?}").contains(&format!("{digest:?}")),
            "{purge}"
        );
    }
}

#[test]
fn the_address_idle_longest_is_forgotten_when_there_are_too_many() {
    let params = params("as-published", &[]);
    let mut bench = active(&params);
    for host in 0..1023 {
        assert_eq!(
            story(bench.stream(Address::new(1000 + host, 1), StreamEvent::Opened)),
            [""; 0]
        );
    }
    let done = story(bench.stream(Address::new(5000, 1), StreamEvent::Opened));
    assert_eq!(
        done,
        ["send CLOSE", "close", "ended: forgotten", "shares 0 at 0"]
    );
}

#[test]
fn a_restart_forgets_sessions_and_rounds() {
    let params = datagrams(&[]);
    let mut bench = active(&params);
    receive(&mut bench, at(1), &data(&params, 1, b"1"));
    assert_eq!(story(bench.restart()), ["shares 0 at 0"]);
    assert_eq!(
        receive(&mut bench, at(1), &data(&params, 1, b"1")),
        ["rejected frame: no-session"]
    );
    assert_eq!(
        receive(&mut bench, at(1), &hello(&params, 1))[1],
        "send CHALLENGE"
    );
}

#[test]
fn a_server_takes_no_commands() {
    let mut bench = server(&datagrams(&[]));
    assert_eq!(
        story(bench.command(0, None, &[])),
        ["rejected command: unknown-command"]
    );
}
