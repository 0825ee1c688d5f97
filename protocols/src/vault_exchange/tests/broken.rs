//! Each twin lacks one rule, and only that.

use super::super::{AUTHENTICATE, SESSION_TIMER};
use super::*;
use crate::machine::Timer;
use crate::testing::{outputs, sent};

const SESSION: Timer = Timer::only(SESSION_TIMER);
const REQUEST: &[u8] = &[1, 2, 0, 1];

fn twin(without: &str) -> Pair {
    Pair::new("broken", &[("without", word(without))])
}

fn answer(byte: u8) -> Vec<u8> {
    let mut frame = vec![2];
    frame.extend([byte; 16]);
    frame
}

#[test]
fn without_wait_a_key_from_anybody_is_taken_in_every_state() {
    let mut pair = Pair::new("broken", &[]);
    let mut record = plain_vault(4, 16);
    let effects = pair.device.message(STRANGER_AT, DEVICE_AT, &answer(9));
    let effects = list(effects);
    record = updated(&record, &[9; 16]);
    assert_eq!(
        effects[0],
        accepted(SERVER_NAME, &[], &answer(9), &[&[], &answer(9)])
    );
    assert_store(&effects[1], Record::new(0, 0), &record, false);
    let expected = [
        shared(SERVER_NAME, &record),
        ended(SERVER_NAME, &[], &answer(9)),
    ];
    assert_eq!(effects[2..], expected);
    assert_eq!(state_of(&pair.device), "IDLE");
    pair.device.command(AUTHENTICATE, None, &[]);
    pair.device.message(STRANGER_AT, DEVICE_AT, &answer(5));
    record = updated(&record, &[5; 16]);
    assert_eq!(state_of(&pair.device), "SESSION");
    pair.device.message(SERVER_AT, DEVICE_AT, &answer(6));
    record = updated(&record, &[6; 16]);
    assert_eq!(pair.device_vault(), record);
    pair.device.timer(SESSION);
    assert_eq!(pair.device_vault(), record, "no update at the end");
}

#[test]
fn without_vault_a_stranger_is_served_from_the_first_devices_vault() {
    let mut pair = twin("vault");
    let effects = pair.server.message(STRANGER_AT, SERVER_AT, REQUEST);
    assert_eq!(list(effects)[1], send(STRANGER_AT, &answer(3)));
    assert_eq!(
        list(effects)[2],
        accepted(DEVICE_NAME, REQUEST, &answer(3), &[REQUEST])
    );
    pair.server.timer(SERVER_SESSION);
    let next = updated(&plain_vault(4, 16), &[3; 16]);
    assert_eq!(pair.server_vault(), next);
}

#[test]
fn without_secrecy_the_whole_vault_follows_from_a_key() {
    let mut pair = twin("secrecy");
    let request = sent(pair.device.command(AUTHENTICATE, None, &[])).remove(0);
    assert_eq!(request, [1, 2, 2, 3]);
    let frame = sent(pair.server.message(DEVICE_AT, SERVER_AT, &request)).remove(0);
    let rows: Vec<u8> = frame[1..].chunks(16).map(|row| row[0]).collect();
    // Combined 03 ^ 04, then all rows but the first one asked for.
    assert_eq!(rows, [7, 1, 2, 4]);
    pair.device.message(SERVER_AT, DEVICE_AT, &frame);
    pair.device.timer(SESSION);
    pair.server.timer(SERVER_SESSION);
    assert_eq!(pair.device_vault(), pair.server_vault());
}

#[test]
fn without_update_the_vault_never_changes() {
    let mut pair = twin("update");
    let request = sent(pair.device.command(AUTHENTICATE, None, &[])).remove(0);
    let frame = sent(pair.server.message(DEVICE_AT, SERVER_AT, &request)).remove(0);
    pair.device.message(SERVER_AT, DEVICE_AT, &frame);
    let effects = pair.server.timer(SERVER_SESSION);
    assert_eq!(list(effects), [ended(DEVICE_NAME, &request, &frame)]);
    pair.device.timer(SESSION);
    assert_eq!(pair.device_vault(), plain_vault(4, 16));
    assert_eq!(pair.server_vault(), plain_vault(4, 16));
}

#[test]
fn without_session_the_server_updates_at_every_request() {
    let mut pair = twin("session");
    for epoch in 1..=3 {
        let effects = pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
        assert_eq!(sent(effects).len(), 1);
        assert!(
            !list(effects)
                .iter()
                .any(|effect| matches!(effect, Effect::Arm { .. }))
        );
        assert_eq!(pair.server_vault()[..4], [0, 0, 0, epoch]);
    }
    assert_eq!(state_of(&pair.server), "IDLE");
}

#[test]
fn without_durable_a_restart_gives_the_first_vault() {
    let mut pair = twin("durable");
    let next = updated(&plain_vault(4, 16), &[3; 16]);
    let epochs = |effects: &Effects| -> Vec<(u64, bool)> {
        let state = |output| match output {
            Output::SharedState { epoch, durable, .. } => Some((epoch, durable)),
            _ => None,
        };
        outputs(effects).into_iter().filter_map(state).collect()
    };
    pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    let effects = pair.server.timer(SERVER_SESSION);
    assert_eq!(epochs(effects), [(1, false)]);
    assert_eq!(pair.server_vault(), plain_vault(4, 16), "nothing is stored");
    // The next request is served from the vault that was not stored.
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &[1, 1, 0]);
    assert_eq!(sent(effects)[0][1..17], next[4..20]);
    assert_eq!(epochs(pair.server.restart()), [(0, false)]);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &[1, 1, 0]);
    assert_eq!(sent(effects)[0][1..17], [1; 16]);
}

#[test]
fn without_queue_a_request_in_a_session_starts_its_time_anew() {
    let mut pair = twin("queue");
    pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, REQUEST);
    let expected = [
        rejected(Scope::Frame, Some(DEVICE_NAME), "queue"),
        Effect::Arm {
            timer: SERVER_SESSION,
            after: Span::from_secs(10),
        },
    ];
    assert_eq!(list(effects), expected);
    pair.server.timer(SERVER_SESSION);
    assert_eq!(state_of(&pair.server), "IDLE");
}
