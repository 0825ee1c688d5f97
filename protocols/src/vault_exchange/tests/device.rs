//! The device's table, row by row.

use super::super::{ABORT, AUTHENTICATE, REPLY_TIMER, SESSION_TIMER};
use super::*;
use crate::machine::Timer;
use crate::testing::{outputs, sent};

const REPLY: Timer = Timer::only(REPLY_TIMER);
const SESSION: Timer = Timer::only(SESSION_TIMER);
const VAULT: Record = Record::new(0, 0);
/// The first challenge of `Lcg(1)`.
const REQUEST: &[u8] = &[1, 2, 2, 3];

fn answer(byte: u8) -> Vec<u8> {
    let mut frame = vec![2];
    frame.extend([byte; 16]);
    frame
}

fn waiting(given: Given<'_>) -> Pair {
    let mut pair = Pair::new("as-published", given);
    pair.device.command(AUTHENTICATE, None, &[]);
    assert_eq!(state_of(&pair.device), "WAIT_KEY");
    pair
}

fn in_session(given: Given<'_>) -> Pair {
    let mut pair = waiting(given);
    pair.device.message(SERVER_AT, DEVICE_AT, &answer(7));
    assert_eq!(state_of(&pair.device), "SESSION");
    pair
}

fn arm<'a>(timer: Timer, seconds: u64) -> Effect<'a> {
    let after = Span::from_secs(seconds);
    Effect::Arm { timer, after }
}

#[test]
fn start_says_what_is_shared() {
    let mut pair = Pair::new("as-published", &[]);
    let expected = [shared(SERVER_NAME, &plain_vault(4, 16))];
    assert_eq!(list(pair.device.start()), expected);
}

#[test]
fn d1_authenticate_sends_a_challenge_and_waits() {
    let mut pair = Pair::new("as-published", &[]);
    let effects = pair.device.command(AUTHENTICATE, None, &[]);
    let expected = [
        running(SERVER_NAME, &[REQUEST]),
        send(SERVER_AT, REQUEST),
        arm(REPLY, 5),
    ];
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.device), "WAIT_KEY");
}

#[test]
fn d2_any_key_from_the_servers_address_is_accepted() {
    let mut pair = waiting(&[]);
    let answer = answer(0x55);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer);
    let expected = [
        Effect::Cancel { timer: REPLY },
        accepted(SERVER_NAME, REQUEST, &answer, &[REQUEST, &answer]),
        arm(SESSION, 10),
    ];
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.device), "SESSION");
}

#[test]
fn d2_updates_at_once_where_told_to() {
    let mut pair = waiting(&[("device_update", word("at-reply"))]);
    let answer = answer(0x55);
    let next = updated(&plain_vault(4, 16), &[0x55; 16]);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer);
    let effects = list(effects);
    assert_eq!(effects[2], arm(SESSION, 10));
    assert_store(&effects[3], VAULT, &next, false);
    assert_eq!(effects[4..], [shared(SERVER_NAME, &next)]);
    let effects = pair.device.timer(SESSION);
    assert_eq!(
        list(effects)[0],
        ended(SERVER_NAME, REQUEST, &answer),
        "no second update"
    );
    assert_eq!(pair.device_vault(), next);
}

#[test]
fn d3_without_an_answer_the_attempt_ends_and_the_vault_stays() {
    let mut pair = waiting(&[]);
    let effects = pair.device.timer(REPLY);
    let expected = [rejected(Scope::Attempt, Some(SERVER_NAME), "timeout")];
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.device), "IDLE");
    assert_eq!(pair.device_vault(), plain_vault(4, 16));
    // left = 0: a later command runs its own number of sessions.
    assert_eq!(sent(pair.device.command(AUTHENTICATE, None, &[])).len(), 1);
}

#[test]
fn d3_never_comes_without_a_time_out() {
    let mut pair = Pair::new("as-published", &[("reply_timeout", number(0))]);
    assert_eq!(pair.device.command(AUTHENTICATE, None, &[]).len(), 2);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer(1));
    assert!(matches!(list(effects)[0], Effect::Output(_)));
}

#[test]
fn d4_the_end_of_a_session_updates_the_vault_and_asks_again() {
    let mut pair = in_session(&[]);
    let next = updated(&plain_vault(4, 16), &[7; 16]);
    let effects = pair.device.timer(SESSION);
    let effects = list(effects);
    assert_store(&effects[0], VAULT, &next, false);
    let request: &[u8] = &[1, 2, 1, 3];
    let expected = [
        shared(SERVER_NAME, &next),
        ended(SERVER_NAME, REQUEST, &answer(7)),
        running(SERVER_NAME, &[request]),
        send(SERVER_AT, request),
        arm(REPLY, 5),
    ];
    assert_eq!(effects[1..], expected);
    assert_eq!(state_of(&pair.device), "WAIT_KEY");
}

#[test]
fn d4_the_last_session_leads_to_rest() {
    let mut pair = in_session(&[("sessions", number(1))]);
    let effects = pair.device.timer(SESSION);
    assert_eq!(effects.len(), 3);
    assert!(sent(effects).is_empty());
    assert_eq!(state_of(&pair.device), "IDLE");
}

#[test]
fn d4_without_length_follows_in_the_same_step() {
    let mut pair = waiting(&[("session_length", number(0)), ("sessions", number(1))]);
    let answer = answer(7);
    let next = updated(&plain_vault(4, 16), &[7; 16]);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer);
    let effects = list(effects);
    assert_eq!(
        effects[1],
        accepted(SERVER_NAME, REQUEST, &answer, &[REQUEST, &answer])
    );
    assert_store(&effects[2], VAULT, &next, false);
    let expected = [
        shared(SERVER_NAME, &next),
        ended(SERVER_NAME, REQUEST, &answer),
    ];
    assert_eq!(effects[3..], expected);
    assert_eq!(state_of(&pair.device), "IDLE");
}

#[test]
fn d5_a_key_that_nobody_waits_for_is_dropped() {
    let expected = [rejected(Scope::Frame, Some(SERVER_NAME), "unexpected")];
    let mut pair = Pair::new("as-published", &[]);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer(7));
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.device), "IDLE");
    let mut pair = in_session(&[]);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer(7));
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.device), "SESSION");
}

#[test]
fn d6_malformed_frames_requests_and_strangers_are_dropped() {
    let mut pair = waiting(&[]);
    let place = crate::output::Place {
        field: "end",
        index: None,
        offset: 2,
    };
    for (from, frame, expected) in [
        (
            SERVER_AT,
            &[2, 2][..],
            rejected(Scope::Frame, Some(SERVER_NAME), place),
        ),
        (
            SERVER_AT,
            REQUEST,
            rejected(Scope::Frame, Some(SERVER_NAME), "unexpected"),
        ),
        (
            STRANGER_AT,
            &answer(7),
            rejected(Scope::Frame, None, "unexpected"),
        ),
        (
            Address::new(2, 1),
            &answer(7),
            rejected(Scope::Frame, None, "unexpected"),
        ),
    ] {
        let effects = pair.device.message(from, DEVICE_AT, frame);
        assert_eq!(list(effects), [expected]);
        assert_eq!(state_of(&pair.device), "WAIT_KEY");
    }
}

#[test]
fn d7_a_second_command_is_refused_as_busy() {
    let expected = [rejected(Scope::Command, Some(SERVER_NAME), "busy")];
    for mut pair in [waiting(&[]), in_session(&[])] {
        let state = state_of(&pair.device);
        assert_eq!(list(pair.device.command(AUTHENTICATE, None, &[])), expected);
        assert_eq!(state_of(&pair.device), state);
    }
}

#[test]
fn abort_while_waiting_drops_the_timer_and_says_nothing() {
    let mut pair = waiting(&[]);
    let effects = pair.device.command(ABORT, None, &[]);
    assert_eq!(list(effects), [Effect::Cancel { timer: REPLY }]);
    assert_eq!(state_of(&pair.device), "IDLE");
    assert!(pair.device.command(ABORT, None, &[]).is_empty());
}

#[test]
fn abort_in_a_session_keeps_its_update_and_starts_no_other() {
    let mut pair = in_session(&[]);
    assert!(pair.device.command(ABORT, None, &[]).is_empty());
    assert_eq!(state_of(&pair.device), "SESSION");
    let effects = pair.device.timer(SESSION);
    assert!(sent(effects).is_empty());
    assert_eq!(pair.device_vault(), updated(&plain_vault(4, 16), &[7; 16]));
    assert_eq!(state_of(&pair.device), "IDLE");
}

#[test]
fn a_restart_in_a_session_means_no_update_on_this_side() {
    let mut pair = in_session(&[]);
    let expected = [shared(SERVER_NAME, &plain_vault(4, 16))];
    assert_eq!(list(pair.device.restart()), expected);
    assert_eq!(state_of(&pair.device), "IDLE");
    assert!(pair.device.timer(SESSION).is_empty());
}

#[test]
fn a_torn_record_is_used_as_it_is() {
    let mut pair = in_session(&[]);
    let old = plain_vault(4, 16);
    let torn = crate::storage::torn(&old, &updated(&old, &[7; 16]), 30);
    pair.device.storage.apply(Write::Put(VAULT, &torn));
    assert_eq!(
        outputs(pair.device.restart()).len(),
        1,
        "nothing is noticed"
    );
    assert_eq!(pair.device_vault(), torn);
}

#[test]
fn an_idle_device_is_small() {
    assert!(size_of::<Device>() < 100, "{}", size_of::<Device>());
}
