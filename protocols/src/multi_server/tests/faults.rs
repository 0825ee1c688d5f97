//! Lost messages, restarts, torn writes and roll-backs around a password change: who is still in
//! step with whom.

use super::world::{Call, NOW, RC, S1, SECOND, U1, World, word};
use crate::multi_server::{command, records, relation, timer};
use crate::output::{Fingerprints, Output};
use crate::storage::{Storage as _, Write, torn};
use crate::{Arg, Record};

const NEW: [Arg<'static>; 2] = [Arg::Default, Arg::Bytes(b"new password")];

/// The values that user 1 and the centre name for the card after a restart of both.
fn named(world: &World) -> (Fingerprints, Fingerprints) {
    let mut world = world.clone();
    let started = world.call(U1, Call::Restart).outputs;
    let mut own = None;
    let mut values = Fingerprints::NONE;
    for output in started {
        match output {
            Output::Named { principal } => own = Some(principal),
            Output::SharedState { fingerprints, .. } => values = fingerprints,
            _ => {}
        }
    }
    let at_centre =
        world
            .call(RC, Call::Restart)
            .outputs
            .into_iter()
            .find_map(|output| match output {
                Output::SharedState {
                    peer,
                    relation: relation::CARD,
                    fingerprints,
                    ..
                } if Some(peer) == own => Some(fingerprints),
                _ => None,
            });
    (values, at_centre.unwrap_or(Fingerprints::NONE))
}

fn in_step(world: &World) -> bool {
    let (user, centre) = named(world);
    user.as_slice()
        .iter()
        .any(|value| centre.as_slice().contains(value))
}

/// True when user 1 can log in at `hospital1` once that has refreshed its table.
fn logs_in(world: &World, password: Arg<'_>) -> bool {
    let mut world = world.clone();
    world.wire.clear();
    world.set_time(NOW + 3600 * SECOND);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    world.settle();
    world.command(U1, command::AUTHENTICATE, S1, &[Arg::Default, password]);
    world.settle();
    let state = world.machine_state(U1);
    world.timer(U1, timer::SESSION).order == ["ended"] && state == "IDLE"
}

/// A world in which the password change got as far as `messages` of its three.
fn changed_up_to(messages: usize) -> World {
    let mut world = World::new("as-published", &[]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    for _ in 0..messages {
        world.deliver();
    }
    world.wire.clear();
    if messages < 2 {
        world.timer(U1, timer::PWD_REPLY);
    }
    world
}

fn centre_row(world: &World) -> Record {
    let before = World::new("as-published", &[]);
    let mut rows = world.rc.storage.iter().filter(|(record, bytes)| {
        record.table == records::CENTRE_USERS && before.rc.storage.read(*record) != Some(bytes)
    });
    rows.next().unwrap().0
}

#[test]
fn no_single_loss_puts_user_and_centre_out_of_step() {
    for delivered in 0..=3 {
        assert!(
            in_step(&changed_up_to(delivered)),
            "{delivered} of three messages arrived"
        );
    }
}

#[test]
fn a_lost_reply_locks_the_old_card_out_of_refreshed_servers_until_the_change_is_repeated() {
    let mut world = changed_up_to(1);
    assert!(
        !logs_in(&world, Arg::Default),
        "the server has C', the card C"
    );
    world.set_time(NOW + SECOND);
    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    world.settle();
    assert!(logs_in(&world, Arg::Default));
}

#[test]
fn after_the_change_the_new_password_logs_in_whether_or_not_the_ack_arrived() {
    for delivered in [2, 3] {
        let world = changed_up_to(delivered);
        assert!(logs_in(&world, Arg::Default));
        assert!(!logs_in(&world, Arg::Bytes(b"no password")));
    }
}

#[test]
fn a_server_that_was_not_refreshed_refuses_once_and_serves_the_repeated_request() {
    let mut world = changed_up_to(3);
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    let done = world.deliver();
    assert_eq!(done.reasons(), ["beta"]);
    world.settle();
    world.set_time(NOW + 2 * SECOND);
    world.timer(U1, timer::RETRY);
    assert!(world.deliver().accepted().is_some());
    assert!(world.deliver().accepted().is_some());
    assert!(world.record(U1, records::USER_NEW_CARD).is_none());
}

#[test]
fn a_torn_new_card_never_opens_and_the_old_one_still_does() {
    let before = changed_up_to(1);
    let card = changed_up_to(2).record(U1, records::USER_NEW_CARD).unwrap();
    for prefix in 0..card.len() {
        let mut world = before.clone();
        let cut = torn(&[], &card, prefix);
        world.users[0]
            .storage
            .apply(Write::Put(records::USER_NEW_CARD, &cut));
        world.call(U1, Call::Restart);
        // From W to E it is whole with 132 bytes; then it opens, with a shorter list.
        let done = world.command(U1, command::UPDATE_LIST, RC, &NEW[1..]);
        assert_eq!(done.reasons().is_empty(), prefix >= 132, "{prefix} bytes");
        if prefix < 132 {
            assert!(in_step(&world));
        }
    }
}

#[test]
fn power_lost_before_the_new_card_is_written_leaves_the_old_password_in_the_head() {
    let mut world = changed_up_to(2);
    world.wire.clear();
    world.users[0]
        .storage
        .apply(Write::Delete(records::USER_NEW_CARD));
    world.call(U1, Call::Restart);
    assert!(in_step(&world));
    world.set_time(NOW + SECOND);
    let done = world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    assert!(done.reasons().is_empty(), "the old card opens");
    world.settle();
    assert!(logs_in(&world, Arg::Default), "and the change is made anew");
}

#[test]
fn a_torn_row_of_the_centre_is_out_of_step_from_its_first_new_byte_to_c_prev() {
    let before = World::new("as-published", &[]);
    let after = changed_up_to(1);
    let record = centre_row(&after);
    let (old, new) = (
        before.record(RC, record).unwrap(),
        after.record(RC, record).unwrap(),
    );
    for prefix in 0..=new.len() {
        let mut world = before.clone();
        world
            .rc
            .storage
            .apply(Write::Put(record, &torn(&old, &new, prefix)));
        // UID stays; C' begins at 32; C_prev counts once the row is whole.
        let fits = prefix <= 32 || prefix == new.len();
        assert_eq!(in_step(&world), fits, "{prefix} bytes");
    }
}

#[test]
fn a_centre_rolled_back_behind_the_change_knows_the_old_card_only() {
    let before = World::new("as-published", &[]);
    let mut world = changed_up_to(3);
    world.rc.storage = before.rc.storage;
    // The head has the new password, and still the old card.
    world.set_time(NOW + 3600 * SECOND);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    world.settle();
    assert!(!logs_in(&world, Arg::Default));
    assert!(in_step(&world), "by the old card");
}

#[test]
fn a_rolled_back_card_needs_its_old_password_and_a_server_that_is_as_old() {
    let before = World::new("as-published", &[]);
    let mut world = changed_up_to(3);
    world.users[0].storage = before.users[0].storage.clone();
    assert!(!in_step(&world));
    assert!(
        !logs_in(&world, Arg::Default),
        "the head has the new password"
    );
}

#[test]
fn a_reply_lost_with_the_centre_restarting_is_repeated_from_its_record() {
    let mut world = World::new("as-published", &[("recovery", word("resend"))]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    let reply = world.deliver().frame().to_vec();
    world.wire.clear();
    world.call(RC, Call::Restart);
    world.timer(U1, timer::PWD_REPLY);
    assert_eq!(world.deliver().frame(), reply);
    world.settle();
    assert!(in_step(&world) && logs_in(&world, Arg::Default));
}

#[test]
fn a_lost_key_puts_server_and_centre_out_of_step_until_it_is_issued_again() {
    let mut world = World::new("as-published", &[]);
    world.command(S1, command::REISSUE, RC, &[]);
    world.deliver();
    world.wire.clear();
    world.timer(S1, timer::REPLY);
    world.set_time(NOW + SECOND);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    assert_eq!(world.deliver().reasons(), ["proof"]);
    world.settle();
    world.command(S1, command::REISSUE, RC, &[]);
    world.settle();
    world.set_time(NOW + 2 * SECOND);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    assert!(world.deliver().accepted().is_some());
}
