//! Rows C1 to C11 of the client, each as a list of effects.

use super::{ClientBench, SERVER_AT, at, client, datagrams, frame, fresh, params, story, text};
use crate::crypto::Crypto;
use crate::machine::{Arg, Machine as _, StreamEvent, Timer};
use crate::parameter::Value;
use crate::ratchet::equations::{Keys, after_s2c};
use crate::ratchet::params::Params;
use crate::ratchet::{command, timer};
use std::sync::Arc;

const CHALLENGE: &[u8] = b"ServerChallenge-00000000000000000001";

fn receive(bench: &mut ClientBench, bytes: &[u8]) -> Vec<String> {
    story(bench.message(SERVER_AT, at(1), bytes))
}

fn ask(bench: &mut ClientBench, command: u8, args: &[Arg<'_>]) -> Vec<String> {
    story(bench.command(command, Some(SERVER_AT), args))
}

/// The server's keys after its CHALLENGE.
fn moved(params: &Params) -> Keys {
    let keys = fresh(params, 1);
    let s2c = after_s2c(params, &mut Crypto::default(), &keys.s2c, CHALLENGE);
    Keys { s2c, ..keys }
}

/// A client in WAIT_CHALLENGE, and one whose session is open.
fn waiting(params: &Arc<Params>) -> ClientBench {
    let mut bench = client(params, 1);
    ask(&mut bench, command::AUTHENTICATE, &[]);
    bench
}

fn active(params: &Arc<Params>) -> ClientBench {
    let mut bench = waiting(params);
    let keys = fresh(params, 1);
    receive(
        &mut bench,
        &frame(params, 20, 1, 0, 2, &keys.s2c, CHALLENGE),
    );
    assert_eq!(bench.machine.state(), "ACTIVE");
    bench
}

#[test]
fn c1_sends_hello_at_once_over_datagrams() {
    let mut bench = client(&datagrams(&[]), 1);
    let done = ask(&mut bench, command::AUTHENTICATE, &[]);
    assert_eq!(
        done,
        [
            "running",
            "send HELLO",
            "arm response 5000ms",
            "shares 1 at 0"
        ]
    );
    assert_eq!(bench.machine.state(), "WAIT_CHALLENGE");
}

#[test]
fn c1_opens_a_stream_first_and_waits_from_the_command_on() {
    let mut bench = client(&params("as-published", &[]), 1);
    assert_eq!(
        ask(&mut bench, command::AUTHENTICATE, &[]),
        ["open", "arm response 5000ms"]
    );
    let done = story(bench.stream(SERVER_AT, StreamEvent::Opened));
    assert_eq!(done, ["running", "send HELLO", "shares 1 at 0"]);
    assert_eq!(
        story(bench.stream(SERVER_AT, StreamEvent::Opened)),
        [""; 0],
        "once"
    );
}

#[test]
fn c1_is_refused_while_a_session_is_open() {
    let params = datagrams(&[]);
    for mut bench in [waiting(&params), active(&params)] {
        assert_eq!(
            ask(&mut bench, command::AUTHENTICATE, &[]),
            ["rejected command: busy"]
        );
    }
}

#[test]
fn c1_without_a_record_in_storage_is_refused() {
    let mut bench = client(&datagrams(&[]), 1);
    bench.storage = crate::storage::MemoryStorage::default();
    let done = ask(&mut bench, command::AUTHENTICATE, &[]);
    assert_eq!(done, ["rejected command: not-provisioned"]);
}

#[test]
fn c2_opens_the_session() {
    let params = datagrams(&[]);
    let mut bench = waiting(&params);
    let challenge = frame(&params, 20, 1, 0, 2, &fresh(&params, 1).s2c, CHALLENGE);
    let done = receive(&mut bench, &challenge);
    assert_eq!(done, ["cancel response", "accepted", "shares 1 at 1"]);
    assert_eq!(bench.machine.state(), "ACTIVE");
}

#[test]
fn c3_sends_a_list_whose_grammar_is_good() {
    let mut bench = active(&datagrams(&[]));
    let done = ask(&mut bench, command::SEND_DATA, &[Arg::Bytes(b"1,2")]);
    assert_eq!(
        done,
        [
            "data sent 1",
            "send DATA",
            "arm response 5000ms",
            "shares 1 at 1"
        ]
    );
    assert_eq!(bench.machine.state(), "WAIT_RESPONSE");
    let mut bench = active(&datagrams(&[]));
    let done = ask(&mut bench, command::SEND_DATA, &[Arg::Bytes(b"1;2")]);
    assert_eq!(done, ["rejected command: number"]);
    assert_eq!(bench.machine.state(), "ACTIVE");
}

#[test]
fn c3_without_a_session_is_refused() {
    let params = datagrams(&[]);
    for mut bench in [client(&params, 1), waiting(&params)] {
        assert_eq!(
            ask(&mut bench, command::SEND_DATA, &[]),
            ["rejected command: no-session"]
        );
    }
}

#[test]
fn c4_closes_the_round_and_c11_sends_the_next_list_of_the_queue() {
    let params = datagrams(&[]);
    let mut bench = active(&params);
    ask(&mut bench, command::SEND_DATA, &[]);
    for _ in 0..8 {
        assert_eq!(ask(&mut bench, command::SEND_DATA, &[]), [""; 0]);
    }
    assert_eq!(
        ask(&mut bench, command::SEND_DATA, &[]),
        ["rejected command: busy"]
    );
    let response = frame(
        &params,
        40,
        1,
        1,
        2,
        &moved(&params).s2c,
        b"Aggregated: 1.00",
    );
    let done = receive(&mut bench, &response);
    let closes = ["cancel response", "data accepted 1", "shares 1 at 2"];
    let goes_on = [
        "data sent 2",
        "send DATA",
        "arm response 5000ms",
        "shares 1 at 2",
    ];
    assert_eq!(done, [&closes[..], &goes_on].concat());
}

#[test]
fn c5_ends_on_what_the_peer_says() {
    let params = datagrams(&[]);
    for (opcode, payload, reason) in [
        (50, "mac", "mac"),
        (60, "number", "number"),
        (60, "?!", "terminated"),
        (40, "Aggregated: 1.00", "opcode"),
    ] {
        let mut bench = waiting(&params);
        let keys = fresh(&params, 1);
        let answer = frame(&params, opcode, 1, 0, 2, &keys.s2c, payload.as_bytes());
        let rejected = format!("rejected attempt: {reason}");
        let ended = format!("ended: {reason}");
        let expected = [&rejected, "cancel response", &ended, "shares 0 at 0"];
        assert_eq!(receive(&mut bench, &answer), expected);
        assert_eq!(bench.machine.state(), "TERMINATED");
    }
}

#[test]
fn c6_ends_on_the_first_step_that_fails() {
    let params = datagrams(&[]);
    let keys = moved(&params);
    let good = |opcode, id, round, direction| {
        frame(
            &params,
            opcode,
            id,
            round,
            direction,
            &keys.s2c,
            b"Aggregated: 1.00",
        )
    };
    let mut bad_mac = good(40, 1, 1, 2);
    *bad_mac.last_mut().unwrap() ^= 1;
    for (bytes, reason) in [
        (
            good(40, 1, 1, 2)[..70].to_vec(),
            "malformed (length at byte 70)",
        ),
        (good(40, 2, 1, 2), "id"),
        (good(40, 1, 0, 2), "round"),
        (good(40, 1, 2, 2), "round"),
        (good(40, 1, 1, 1), "direction"),
        (bad_mac, "mac"),
    ] {
        let mut bench = active(&params);
        ask(&mut bench, command::SEND_DATA, &[]);
        let rejected = format!("rejected attempt: {reason}");
        assert_eq!(receive(&mut bench, &bytes)[0], rejected);
        assert_eq!(bench.machine.state(), "TERMINATED");
    }
}

#[test]
fn c7_gives_up_waiting_and_says_close_on_a_stream() {
    let mut bench = waiting(&datagrams(&[]));
    let done = story(bench.timer(Timer::only(timer::RESPONSE)));
    assert_eq!(
        done,
        [
            "rejected attempt: timeout",
            "ended: timeout",
            "shares 0 at 0"
        ]
    );

    let mut bench = waiting(&params("as-published", &[]));
    bench.stream(SERVER_AT, StreamEvent::Opened);
    let done = story(bench.timer(Timer::only(timer::RESPONSE)));
    let closes = [
        "rejected attempt: timeout",
        "send CLOSE",
        "close",
        "ended: timeout",
        "shares 0 at 0",
    ];
    assert_eq!(done, closes);
    assert_eq!(bench.machine.state(), "TERMINATED");
}

#[test]
fn c7_on_a_stream_that_never_opens_sends_nothing() {
    let mut bench = waiting(&params("as-published", &[]));
    let done = story(bench.timer(Timer::only(timer::RESPONSE)));
    assert_eq!(
        done,
        ["rejected attempt: timeout", "close", "shares 0 at 0"]
    );
}

#[test]
fn c8_drops_what_is_not_waited_for() {
    let params = datagrams(&[]);
    let mut terminated = waiting(&params);
    terminated.timer(Timer::only(timer::RESPONSE));
    for (mut bench, state) in [
        (client(&params, 1), "IDLE"),
        (active(&params), "ACTIVE"),
        (terminated, "TERMINATED"),
    ] {
        let response = frame(
            &params,
            40,
            1,
            1,
            2,
            &moved(&params).s2c,
            b"Aggregated: 1.00",
        );
        assert_eq!(
            receive(&mut bench, &response),
            ["rejected frame: unexpected"]
        );
        assert_eq!(bench.machine.state(), state);
    }
}

#[test]
fn c8_drops_what_does_not_come_from_the_server() {
    let params = datagrams(&[]);
    let mut bench = waiting(&params);
    let challenge = frame(&params, 20, 1, 0, 2, &fresh(&params, 1).s2c, CHALLENGE);
    let done = story(bench.message(at(9), at(1), &challenge));
    assert_eq!(done, ["rejected frame: unexpected"]);
}

#[test]
fn c9_ends_with_the_stream() {
    let params = params("as-published", &[]);
    let oversize = [0, 1, 0, 1, 7];
    for event in [
        StreamEvent::Bytes(&[0; 4]),
        StreamEvent::Bytes(&oversize),
        StreamEvent::Closed,
        StreamEvent::Reset,
    ] {
        let mut bench = waiting(&params);
        bench.stream(SERVER_AT, StreamEvent::Opened);
        let done = story(bench.stream(SERVER_AT, event));
        let rejected = "rejected attempt: closed";
        let expected = [
            rejected,
            "cancel response",
            "close",
            "ended: closed",
            "shares 0 at 0",
        ];
        assert_eq!(done, expected, "{event:?}");
        assert_eq!(bench.machine.state(), "TERMINATED");
    }
}

#[test]
fn c9_counts_a_stalled_record_and_an_oversize_datagram_as_the_end() {
    let mut bench = waiting(&params("as-published", &[]));
    bench.stream(SERVER_AT, StreamEvent::Opened);
    let done = story(bench.stream(SERVER_AT, StreamEvent::Bytes(&[0, 0])));
    assert_eq!(done, ["arm stall 5000ms"]);
    assert_eq!(
        story(bench.stream(SERVER_AT, StreamEvent::Bytes(&[0, 71]))),
        [""; 0]
    );
    let done = story(bench.timer(Timer::only(timer::STALL)));
    assert_eq!(done[0], "rejected attempt: closed");
    assert_eq!(
        story(bench.timer(Timer::only(timer::STALL))),
        [""; 0],
        "once"
    );

    let params = datagrams(&[("max_frame", Value::Integer(100))]);
    let mut bench = waiting(&params);
    assert_eq!(
        receive(&mut bench, &[0; 101])[0],
        "rejected attempt: closed"
    );
    let mut idle = client(&params, 1);
    assert_eq!(receive(&mut idle, &[0; 101]), [""; 0]);
    assert_eq!(idle.machine.state(), "TERMINATED");
}

#[test]
fn c10_says_good_bye_under_unmoved_keys() {
    let mut bench = active(&datagrams(&[]));
    let done = ask(&mut bench, command::FINISH, &[]);
    assert_eq!(done, ["send TERMINATE", "ended: done", "shares 0 at 0"]);
    assert_eq!(bench.machine.state(), "TERMINATED");
    assert_eq!(
        ask(&mut bench, command::FINISH, &[]),
        ["rejected command: no-session"]
    );

    let mut bench = waiting(&params("as-published", &[]));
    bench.stream(SERVER_AT, StreamEvent::Opened);
    let done = ask(&mut bench, command::FINISH, &[]);
    let goodbye = [
        "send TERMINATE",
        "cancel response",
        "send CLOSE",
        "close",
        "ended: done",
    ];
    assert_eq!(done[..5], goodbye);
}

#[test]
fn abort_drops_everything_without_a_word() {
    let mut bench = waiting(&params("as-published", &[]));
    bench.stream(SERVER_AT, StreamEvent::Opened);
    let done = ask(&mut bench, command::ABORT, &[]);
    assert_eq!(
        done,
        ["cancel response", "close", "ended: abort", "shares 0 at 0"]
    );
    assert_eq!(bench.machine.state(), "IDLE");
    assert_eq!(ask(&mut bench, command::ABORT, &[]), [""; 0]);
}

#[test]
fn a_restart_forgets_the_session_in_every_state() {
    let params = datagrams(&[]);
    let mut answered = active(&params);
    ask(&mut answered, command::SEND_DATA, &[]);
    for mut bench in [waiting(&params), active(&params), answered] {
        assert_eq!(story(bench.restart()), ["shares 0 at 0"]);
        assert_eq!(bench.machine.state(), "IDLE");
        assert_eq!(ask(&mut bench, command::AUTHENTICATE, &[])[1], "send HELLO");
    }
    assert_eq!(story(client(&params, 1).restart()), [""; 0]);
}

#[test]
fn keys_move_on_confirmation_where_the_parameter_says_so() {
    let params = datagrams(&[("evolve", text("on-confirm"))]);
    let mut bench = client(&params, 1);
    let done = ask(&mut bench, command::AUTHENTICATE, &[]);
    assert_eq!(
        done.last().unwrap(),
        "shares 2 at 0",
        "with and without the move"
    );
    let challenge = frame(&params, 20, 1, 0, 2, &fresh(&params, 1).s2c, CHALLENGE);
    assert_eq!(
        receive(&mut bench, &challenge).last().unwrap(),
        "shares 1 at 1"
    );
}
