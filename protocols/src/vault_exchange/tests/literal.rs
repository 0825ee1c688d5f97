//! The published program's own behaviour.

use super::super::{AUTHENTICATE, REPLY_TIMER};
use super::*;
use crate::machine::Timer;
use crate::testing::{outputs, sent};

fn pair() -> Pair {
    Pair::new("literal", &[])
}

fn words(effects: &Effects) -> Vec<&'static str> {
    let word = |output| match output {
        Output::Running { .. } => "running",
        Output::Accepted { .. } => "accepted",
        Output::Rejected { reason, .. } => reason.word,
        Output::Ended { .. } => "ended",
        Output::SharedState { .. } => "shared",
        Output::DataReused { .. } => "reused",
        Output::Halted => "halted",
        other => panic!("{other:?}"),
    };
    outputs(effects).into_iter().map(word).collect()
}

fn ask(pair: &mut Pair) -> Vec<u8> {
    sent(pair.device.command(AUTHENTICATE, None, &[])).remove(0)
}

/// A request in the sizes of the program.
fn request(indices: &[u8]) -> Vec<u8> {
    let mut frame = vec![1, indices.len() as u8];
    frame.extend(indices);
    let size = match indices.len() {
        0 => 5,
        1 => 17,
        count => 16 + 2 * count,
    };
    frame.resize(size, 0);
    frame
}

#[test]
fn the_device_asks_again_as_soon_as_it_has_updated() {
    let mut pair = pair();
    let first = ask(&mut pair);
    assert_eq!(first.len(), 20);
    let answer = sent(pair.server.message(DEVICE_AT, SERVER_AT, &first)).remove(0);
    assert_eq!(answer.len(), 30);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer);
    assert_eq!(words(effects), ["accepted", "shared", "ended", "running"]);
    let second = sent(effects).remove(0);
    assert!(
        !list(effects)
            .iter()
            .any(|effect| matches!(effect, Effect::Arm { .. }))
    );
    assert_eq!(state_of(&pair.device), "WAIT_KEY");
    // The server takes it when its own session time is over.
    assert!(
        pair.server
            .message(DEVICE_AT, SERVER_AT, &second)
            .is_empty()
    );
    let effects = pair.server.timer(SERVER_SESSION);
    assert_eq!(words(effects), ["shared", "ended", "running", "accepted"]);
    assert_eq!(sent(effects).len(), 1);
    assert_eq!(pair.device_vault(), pair.server_vault());
}

#[test]
fn after_its_sessions_the_server_halts_until_a_restart() {
    let mut pair = pair();
    let mut next = Some(ask(&mut pair));
    for _ in 0..3 {
        let answer = sent(
            pair.server
                .message(DEVICE_AT, SERVER_AT, &next.take().unwrap()),
        );
        next = sent(pair.device.message(SERVER_AT, DEVICE_AT, &answer[0])).pop();
        pair.server.timer(SERVER_SESSION);
    }
    assert_eq!(next, None);
    assert_eq!(state_of(&pair.device), "IDLE");
    assert_eq!(state_of(&pair.server), "HALTED");
    assert_eq!(pair.device_vault(), pair.server_vault());
    let again = ask(&mut pair);
    assert!(pair.server.message(DEVICE_AT, SERVER_AT, &again).is_empty());
    pair.server.restart();
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &again);
    assert_eq!(sent(effects).len(), 1);
}

#[test]
fn the_last_update_is_stored_before_the_server_halts() {
    let mut pair = Pair::new("literal", &[("sessions", number(1))]);
    let first = ask(&mut pair);
    pair.server.message(DEVICE_AT, SERVER_AT, &first);
    let effects = pair.server.timer(SERVER_SESSION);
    assert!(matches!(list(effects)[0], Effect::Store { .. }));
    assert_eq!(words(effects), ["shared", "ended", "halted"]);
    assert_eq!(list(effects).last(), Some(&Effect::Halt));
}

#[test]
fn only_the_first_address_heard_is_served() {
    let roster = roster(2);
    let Column::VaultExchangeServer(mut servers) = instance("literal", &[]).machines(&roster, 1)
    else {
        panic!("no servers");
    };
    let mut storage = MemoryStorage::default();
    for ordinal in [1, 2] {
        let record = Record::new(0, ordinal);
        storage.apply(Write::Put(record, &plain_vault(4, 16)));
    }
    let mut server = Bench::new(servers.remove(0), storage, Lcg(1));
    let frame = request(&[0, 1]);
    assert_eq!(sent(server.message(at(2), at(3), &frame)).len(), 1);
    assert_eq!(words(server.message(at(1), at(3), &frame)), ["unexpected"]);
    server.restart();
    assert_eq!(sent(server.message(at(1), at(3), &frame)).len(), 1);
}

#[test]
fn a_stranger_who_comes_first_takes_the_only_connection() {
    let mut pair = pair();
    let effects = pair.server.message(STRANGER_AT, SERVER_AT, &[]);
    assert_eq!(words(effects), ["unknown-device"]);
    let frame = ask(&mut pair);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &frame);
    assert_eq!(words(effects), ["unexpected"]);
}

#[test]
fn what_the_server_cannot_read_ends_it() {
    let key = {
        let mut frame = vec![2];
        frame.resize(30, 0);
        frame
    };
    for (frame, word) in [
        (request(&[0, 4]), "malformed"),
        (request(&[0xFB]), "malformed"),
        (request(&[]), "malformed"),
        (vec![1, 2, 0, 1], "malformed"),
        (vec![], "malformed"),
        (key, "unexpected"),
    ] {
        let mut pair = pair();
        let effects = pair.server.message(DEVICE_AT, SERVER_AT, &frame);
        assert_eq!(words(effects), [word, "halted"], "{frame:?}");
        assert_eq!(list(effects).last(), Some(&Effect::Halt));
        assert_eq!(state_of(&pair.server), "HALTED");
        let good = request(&[0, 1]);
        assert!(pair.server.message(DEVICE_AT, SERVER_AT, &good).is_empty());
    }
}

#[test]
fn a_bad_request_that_waits_ends_the_server_when_it_is_read() {
    let mut pair = pair();
    pair.server.message(DEVICE_AT, SERVER_AT, &request(&[0, 1]));
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &request(&[9]));
    assert!(effects.is_empty());
    let effects = pair.server.timer(SERVER_SESSION);
    assert_eq!(words(effects), ["shared", "ended", "malformed", "halted"]);
    assert_eq!(pair.server_vault()[..4], [0, 0, 0, 1]);
}

#[test]
fn negative_indices_name_rows_from_the_end() {
    let mut pair = pair();
    let effects = pair
        .server
        .message(DEVICE_AT, SERVER_AT, &request(&[0xFF, 0xFC]));
    // Rows 3 and 0: 04 ^ 01.
    assert_eq!(sent(effects)[0][1..17], [5; 16]);
}

#[test]
fn what_the_device_cannot_read_ends_it_while_it_waits() {
    let mut too_large = vec![2];
    too_large.resize(30, 0);
    too_large[29] = 1;
    for (frame, word) in [
        (too_large, "malformed"),
        (vec![2; 17], "malformed"),
        (request(&[0, 1]), "unexpected"),
    ] {
        let mut pair = pair();
        let effects = pair.device.message(SERVER_AT, DEVICE_AT, &frame);
        assert_eq!(words(effects), [word], "nothing is read in IDLE");
        ask(&mut pair);
        let effects = pair.device.message(STRANGER_AT, DEVICE_AT, &frame);
        assert_eq!(words(effects), ["unexpected"]);
        let effects = pair.device.message(SERVER_AT, DEVICE_AT, &frame);
        assert_eq!(words(effects), [word, "halted"]);
        assert_eq!(state_of(&pair.device), "HALTED");
        assert!(pair.device.command(AUTHENTICATE, None, &[]).is_empty());
        pair.device.restart();
        assert_eq!(state_of(&pair.device), "IDLE");
    }
}

#[test]
fn the_device_waits_for_ever() {
    let mut pair = pair();
    let effects = pair.device.command(AUTHENTICATE, None, &[]);
    assert_eq!(effects.len(), 2);
    let timer = Timer::only(REPLY_TIMER);
    let armed = list(effects)
        .iter()
        .any(|effect| matches!(effect, Effect::Arm { timer: it, .. } if *it == timer));
    assert!(!armed);
}
