//! The server's table, row by row.

use super::super::SESSION_TIMER;
use super::*;
use crate::machine::Timer;
use crate::testing::{outputs, sent};

const VAULT: Record = Record::new(0, 1);
const REQUEST: &[u8] = &[1, 2, 0, 1];

fn answer(byte: u8) -> Vec<u8> {
    let mut frame = vec![2];
    frame.extend([byte; 16]);
    frame
}

fn in_session(given: Given<'_>) -> Pair {
    let mut pair = Pair::new("as-published", given);
    pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    assert_eq!(state_of(&pair.server), "SESSION");
    pair
}

fn arm<'a>() -> Effect<'a> {
    Effect::Arm {
        timer: SERVER_SESSION,
        after: Span::from_secs(10),
    }
}

fn dropped<'a>(reason: impl Into<Reason>) -> Effect<'a> {
    rejected(Scope::Frame, Some(DEVICE_NAME), reason)
}

#[test]
fn start_and_restart_say_what_is_shared_with_each_device() {
    let mut pair = in_session(&[]);
    let expected = [shared(DEVICE_NAME, &plain_vault(4, 16))];
    assert_eq!(list(pair.server.start()), expected);
    assert_eq!(list(pair.server.restart()), expected);
    assert_eq!(state_of(&pair.server), "IDLE");
    assert!(pair.server.timer(SERVER_SESSION).is_empty());
}

#[test]
fn s1_a_request_is_answered_with_the_combined_key() {
    let mut pair = Pair::new("as-published", &[]);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    let answer = answer(3);
    let expected = [
        running(DEVICE_NAME, &[REQUEST, &answer]),
        send(DEVICE_AT, &answer),
        accepted(DEVICE_NAME, REQUEST, &answer, &[REQUEST]),
        arm(),
    ];
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.server), "SESSION");
}

#[test]
fn s1_an_address_without_a_vault_is_dropped_before_anything_is_read() {
    let mut pair = Pair::new("as-published", &[]);
    for (from, frame) in [
        (STRANGER_AT, REQUEST),
        (STRANGER_AT, &[]),
        (Address::new(1, 1), REQUEST),
    ] {
        let effects = pair.server.message(from, SERVER_AT, frame);
        let expected = [rejected(Scope::Frame, None, "unknown-device")];
        assert_eq!(list(effects), expected);
    }
    assert_eq!(state_of(&pair.server), "IDLE");
}

#[test]
fn s2_requests_wait_until_the_queue_is_full() {
    let mut pair = in_session(&[]);
    for _ in 0..4 {
        assert!(
            pair.server
                .message(DEVICE_AT, SERVER_AT, REQUEST)
                .is_empty()
        );
    }
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    assert_eq!(list(effects), [dropped("queue")]);
}

#[test]
fn s2_a_queue_of_no_length_keeps_nothing() {
    let mut pair = in_session(&[("request_queue", number(0))]);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    assert_eq!(list(effects), [dropped("queue")]);
}

#[test]
fn s3_the_end_of_a_session_updates_the_vault() {
    let mut pair = in_session(&[]);
    let next = updated(&plain_vault(4, 16), &[3; 16]);
    let effects = pair.server.timer(SERVER_SESSION);
    let effects = list(effects);
    assert_store(&effects[0], VAULT, &next, false);
    let expected = [
        shared(DEVICE_NAME, &next),
        ended(DEVICE_NAME, REQUEST, &answer(3)),
    ];
    assert_eq!(effects[1..], expected);
    assert_eq!(state_of(&pair.server), "IDLE");
}

#[test]
fn s3_the_first_request_that_waits_is_served_from_the_new_vault() {
    let mut pair = in_session(&[]);
    let waits: &[u8] = &[1, 1, 2];
    pair.server.message(DEVICE_AT, SERVER_AT, waits);
    pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    // Rows are now 02 01 00 07.
    let effects = pair.server.timer(SERVER_SESSION);
    let zeros = answer(0);
    let expected = [
        running(DEVICE_NAME, &[waits, &zeros]),
        send(DEVICE_AT, &zeros),
        accepted(DEVICE_NAME, waits, &zeros, &[waits]),
        arm(),
    ];
    assert_eq!(list(effects)[3..], expected);
    // The combined key of zeros changes no row; then the second request: 02 ^ 01.
    assert_eq!(sent(pair.server.timer(SERVER_SESSION)), [answer(3)]);
    assert!(sent(pair.server.timer(SERVER_SESSION)).is_empty());
    assert_eq!(state_of(&pair.server), "IDLE");
    assert_eq!(pair.server_vault()[..4], [0, 0, 0, 3]);
}

#[test]
fn s3_without_length_follows_in_the_same_step() {
    let mut pair = Pair::new("as-published", &[("session_length", number(0))]);
    let next = updated(&plain_vault(4, 16), &[3; 16]);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    let effects = list(effects);
    assert_eq!(effects[1], send(DEVICE_AT, &answer(3)));
    assert_store(&effects[3], VAULT, &next, false);
    let expected = [
        shared(DEVICE_NAME, &next),
        ended(DEVICE_NAME, REQUEST, &answer(3)),
    ];
    assert_eq!(effects[4..], expected);
    assert_eq!(state_of(&pair.server), "IDLE");
}

#[test]
fn s4_malformed_frames_and_keys_are_dropped_in_any_state() {
    let place = crate::output::Place {
        field: "index",
        index: Some(1),
        offset: 3,
    };
    for mut pair in [Pair::new("as-published", &[]), in_session(&[])] {
        let state = state_of(&pair.server);
        let effects = pair.server.message(DEVICE_AT, SERVER_AT, &[1, 2, 0, 4]);
        assert_eq!(list(effects), [dropped(place)]);
        let effects = pair.server.message(DEVICE_AT, SERVER_AT, &answer(1));
        assert_eq!(list(effects), [dropped("unexpected")]);
        assert_eq!(state_of(&pair.server), state);
    }
}

#[test]
fn sessions_of_two_devices_are_apart() {
    let roster = roster(2);
    let instance = instance("as-published", &[]);
    let Column::VaultExchangeServer(mut servers) = instance.machines(&roster, 1) else {
        panic!("no servers");
    };
    let mut storage = MemoryStorage::default();
    for ordinal in [1, 2] {
        let record = Record::new(0, ordinal);
        storage.apply(Write::Put(record, &plain_vault(4, 16)));
    }
    let mut server = Bench::new(servers.remove(0), storage, Lcg(1));
    assert_eq!(outputs(server.start()).len(), 2);
    let here = at(3);
    server.message(at(1), here, &[1, 1, 0]);
    server.message(at(2), here, &[1, 1, 1]);
    let second = Timer {
        kind: SESSION_TIMER,
        key: 2,
    };
    server.timer(second);
    assert_eq!(vault(&server.storage, 1), plain_vault(4, 16));
    let next = updated(&plain_vault(4, 16), &[2; 16]);
    assert_eq!(vault(&server.storage, 2), next);
    server.timer(SERVER_SESSION);
    let next = updated(&plain_vault(4, 16), &[1; 16]);
    assert_eq!(vault(&server.storage, 1), next);
}

#[test]
fn a_vault_that_cannot_be_read_is_no_vault() {
    let mut pair = in_session(&[]);
    pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    pair.server.storage.apply(Write::Delete(VAULT));
    let effects = pair.server.timer(SERVER_SESSION);
    let expected = [
        ended(DEVICE_NAME, REQUEST, &answer(3)),
        dropped("unknown-device"),
    ];
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.server), "IDLE");
}

#[test]
fn commands_are_refused() {
    let mut pair = Pair::new("as-published", &[]);
    let expected = [rejected(Scope::Command, None, "unknown-command")];
    assert_eq!(list(pair.server.command(0, None, &[])), expected);
}
