//! The rows K1 to K15 and the commands of the client.

use super::super::messages::{Frame, decode};
use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::machine::{Arg, Machine as _, Timer};
use crate::time::LocalTime;

const ROGUE: Address = Address::new(77, DEVICE_PORT);

/// A client with a PASS on its way, the PASS, and the ENCRYPT that answers it.
fn pending(given: &[(&'static str, &str)]) -> (World, Vec<u8>) {
    let mut world = World::pair(given);
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let encrypt = world.deliver_up(0, 0, &pass).only_frame();
    (world, encrypt)
}

fn state(world: &World) -> &'static str {
    world.clients[0].machine.state()
}

/// An ENCRYPT with one field changed.
fn changed(frame: &[u8], change: impl Fn(&mut messages::Encrypt<'_>)) -> Vec<u8> {
    let layouts = &params("as-published", &[]).layouts;
    let Ok(Frame::Encrypt(mut encrypt)) = decode(layouts, frame) else {
        panic!("an ENCRYPT");
    };
    change(&mut encrypt);
    let mut bytes = Vec::new();
    Frame::Encrypt(encrypt).encode(&mut bytes);
    bytes
}

#[test]
fn k1_k6_a_refused_device_is_blocked_until_the_list_is_emptied() {
    let mut world = World::pair(&[("consent", "never")]);
    let connect = world.start(0);
    world.authenticate(0, 0);
    assert!(world.deliver_down(0, 0, &connect).list.is_empty());
    // Whatever comes from the blocked address is dropped without a word.
    let blocked = Address::new(0, BROADCAST_PORT);
    assert!(world.deliver_down_from(0, blocked, &[0xFF]).list.is_empty());
    world.clients[0].now = LocalTime(600_000_000_000);
    assert_eq!(
        world.deliver_down_from(0, blocked, &[0xFF]).list,
        ["Rejected frame malformed (tag at byte 0)"]
    );
}

#[test]
fn k2_an_echo_in_order_is_accepted_and_the_next_line_goes_out() {
    let mut world = World::pair(&[]);
    world.connect();
    let first = world.send(0, 0, b"one").only_frame();
    assert!(world.send(0, 0, b"two").list.is_empty());
    let echo = world.deliver_up(0, 0, &first).only_frame();
    let seen = world.deliver_down(0, 0, &echo);
    assert_eq!(
        seen.list,
        [
            "DataAccepted",
            "SharedState 1",
            "DataSent",
            "SEALED 50000 > 0:50001"
        ]
    );
    assert_eq!(state(&world), "AWAIT");
    let echo = world.deliver_up(0, 0, &seen.frames[0]).only_frame();
    assert_eq!(
        world.deliver_down(0, 0, &echo).list,
        ["DataAccepted", "SharedState 1"]
    );
    assert_eq!(state(&world), "PROMPT");
}

#[test]
fn k3_an_echo_out_of_order_ends_the_step_and_the_number_stays() {
    let mut world = World::pair(&[]);
    world.connect();
    let (_, taken, _) = world.exchange(b"one");
    let old_echo = &taken.frames[0];
    // Nothing waits: no step ends.
    assert_eq!(
        world.deliver_down(0, 0, old_echo).list,
        ["Rejected frame sequence"]
    );
    let second = world.send(0, 0, b"two").only_frame();
    world.send(0, 0, b"three");
    let seen = world.deliver_down(0, 0, old_echo);
    assert_eq!(
        seen.list,
        [
            "Rejected attempt sequence",
            "DataSent",
            "SEALED 50000 > 0:50001"
        ]
    );
    // The line that went out bears the number of the one that was given up.
    world.deliver_up(0, 0, &second);
    let late = world.deliver_up(0, 0, &seen.frames[0]);
    assert_eq!(late.list[0], "Rejected frame sequence");
}

#[test]
fn k4_anything_else_from_the_device_is_dropped() {
    let (mut world, encrypt) = pending(&[]);
    world.deliver_down(0, 0, &encrypt);
    let mut dropped = |bytes: &[u8], reason: &str| {
        let seen = world.deliver_down_from(0, device_address(0), bytes);
        assert_eq!(seen.list, [format!("Rejected frame {reason}")]);
    };
    dropped(&encrypt, "unexpected");
    dropped(&[4, 1], "unexpected");
    dropped(&[5], "unexpected");
    dropped(&[6; 129], "undecryptable");
    dropped(&[6; 9], "malformed (end at byte 9)");
    dropped(&[], "malformed (tag at byte 0)");
    let mut mirrored = World::pair(&[("key_pool", "1")]);
    mirrored.connect();
    let data = mirrored.send(0, 0, b"line").only_frame();
    assert_eq!(
        mirrored.deliver_down_from(0, device_address(0), &data).list,
        ["Rejected frame unexpected"]
    );
    assert_eq!(state(&mirrored), "AWAIT");
}

#[test]
fn k5_a_wanted_offer_is_answered_at_its_host() {
    let mut world = World::pair(&[]);
    let connect = world.start(0);
    world.authenticate(0, 0);
    assert_eq!(state(&world), "IDLE");
    let seen = world.deliver_down(0, 0, &connect);
    assert_eq!(seen.list, ["Running", "PASS 50000 > 0:50001"]);
    assert_eq!(state(&world), "PENDING");
}

#[test]
fn k5_the_user_thinks_first() {
    let mut world = World::pair(&[("think_time", "5000000000")]);
    let connect = world.start(0);
    world.authenticate(0, 0);
    assert_eq!(world.deliver_down(0, 0, &connect).list, ["arm think 5s"]);
    assert_eq!(state(&world), "PENDING");
    let fired = Seen::of(world.clients[0].timer(Timer::only(TIMER_THINK)));
    assert_eq!(fired.list, ["Running", "PASS 50000 > 0:50001"]);
    let again = Seen::of(world.clients[0].timer(Timer::only(TIMER_THINK)));
    assert!(again.list.is_empty());
}

#[test]
fn k5_a_user_who_always_consents_needs_no_command() {
    let mut world = World::pair(&[("consent", "always")]);
    let connect = world.start(0);
    assert_eq!(
        world.deliver_down(0, 0, &connect).list,
        ["Running", "PASS 50000 > 0:50001"]
    );
}

#[test]
fn k7_offers_that_nobody_asked_for_are_dropped() {
    let mut world = World::new("as-published", &[], 2, 1);
    let connects = [world.start(0), world.start(1)];
    assert!(world.deliver_down(0, 0, &connects[0]).list.is_empty());
    world.authenticate(0, 1);
    assert!(
        world.deliver_down(0, 0, &connects[0]).list.is_empty(),
        "another host"
    );
    assert_eq!(world.deliver_down(0, 1, &connects[1]).frames.len(), 1);
    assert!(
        world.deliver_down(0, 0, &connects[0]).list.is_empty(),
        "PENDING"
    );
    // A command for any device takes the first.
    let mut any = World::new("as-published", &[], 2, 1);
    any.clients[0].command(COMMAND_AUTHENTICATE, None, &[]);
    assert_eq!(any.deliver_down(0, 1, &connects[1]).frames.len(), 1);
}

#[test]
fn k8_an_encrypt_is_taken_from_any_address() {
    let (mut world, encrypt) = pending(&[]);
    let seen = world.deliver_down_from(0, ROGUE, &encrypt);
    assert_eq!(seen.list, ["Accepted", "SharedState 1"]);
    assert_eq!(state(&world), "PROMPT");
    // The connection is that of the address the PASS went to.
    assert_eq!(
        world.send(0, 0, b"x").list,
        ["DataSent", "SEALED 50000 > 0:50001"]
    );
}

#[test]
fn k9_a_failed_check_ends_the_login() {
    type Change = fn(&[u8]) -> Vec<u8>;
    let cases: [(Change, &str); 4] = [
        (
            |frame| changed(frame, |encrypt| encrypt.server_hash[0] ^= 1),
            "server-hash",
        ),
        (
            |frame| changed(frame, |encrypt| encrypt.dh_public = 1),
            "argument",
        ),
        (
            |frame| changed(frame, |encrypt| encrypt.exponent = 2),
            "key",
        ),
        (
            |frame| changed(frame, |encrypt| encrypt.modulus = &[0xFF; 64]),
            "key",
        ),
    ];
    for (change, reason) in cases {
        let (mut world, encrypt) = pending(&[]);
        let seen = world.deliver_down(0, 0, &change(&encrypt));
        assert_eq!(seen.list, [format!("Rejected attempt {reason}")]);
        assert_eq!(state(&world), "IDLE");
    }
}

#[test]
fn k9_a_login_beyond_the_table_is_refused() {
    let mut world = World::new("as-published", &[("connections_max", "1")], 2, 1);
    let connects = [world.start(0), world.start(1)];
    world.log_in(0, 0, &connects[0]);
    let (_, full) = world.log_in(1, 0, &connects[1]);
    assert_eq!(full.list, ["Rejected attempt table-full"]);
}

#[test]
fn k9_an_answer_before_the_question_ends_the_login() {
    let (_, encrypt) = pending(&[]);
    let mut world = World::pair(&[("think_time", "5000000000")]);
    let connect = world.start(0);
    world.authenticate(0, 0);
    world.deliver_down(0, 0, &connect);
    let seen = world.deliver_down(0, 0, &encrypt);
    assert_eq!(seen.list, ["cancel think", "Rejected attempt server-hash"]);
}

#[test]
fn k10_k11_answers_that_nobody_waits_for_are_dropped_in_silence() {
    let (mut world, encrypt) = pending(&[]);
    world.command(0, COMMAND_ABORT, 0, &[]);
    assert!(world.deliver_down(0, 0, &encrypt).list.is_empty());
    assert!(world.deliver_down(0, 0, &[4, 1]).list.is_empty());
}

#[test]
fn k11_an_error_from_anybody_ends_the_login() {
    for (code, reason) in [(1, "login"), (2, "argument"), (3, "key")] {
        let (mut world, _) = pending(&[]);
        let seen = world.deliver_down_from(0, ROGUE, &[4, code]);
        assert_eq!(seen.list, [format!("Rejected attempt {reason}")]);
        assert_eq!(state(&world), "IDLE");
    }
}

#[test]
fn k12_other_frames_are_dropped() {
    let (mut world, _) = pending(&[]);
    for (bytes, reason) in [
        (&[5][..], "unexpected"),
        (&[6; 129], "unexpected"),
        (&[9], "malformed (tag at byte 0)"),
        (&[4, 9], "malformed (code at byte 1)"),
    ] {
        let seen = world.deliver_down_from(0, ROGUE, bytes);
        assert_eq!(seen.list, [format!("Rejected frame {reason}")]);
    }
    assert_eq!(state(&world), "PENDING");
    let elsewhere = Address::new(1, 9);
    assert!(
        Seen::of(world.clients[0].message(ROGUE, elsewhere, &[5]))
            .list
            .is_empty()
    );
}

#[test]
fn k13_k14_lines_are_sent_queued_and_refused_when_the_queue_is_full() {
    let mut world = World::pair(&[]);
    world.connect();
    assert_eq!(
        world.send(0, 0, b"line").list,
        ["DataSent", "SEALED 50000 > 0:50001"]
    );
    for _ in 0..16 {
        assert!(world.send(0, 0, b"line").list.is_empty());
    }
    assert_eq!(world.send(0, 0, b"line").list, ["Rejected command busy"]);
    assert_eq!(
        world.send(0, 0, &[0; 78]).list,
        ["Rejected command too-long"]
    );
}

#[test]
fn default_lines_are_printable_and_differ() {
    let mut world = World::pair(&[]);
    world.connect();
    let mut digests = Vec::new();
    let mut waiting = None;
    for _ in 0..3 {
        let seen = world.command(0, COMMAND_SEND_DATA, 0, &[]);
        waiting = waiting.or_else(|| seen.frames.first().cloned());
    }
    for _ in 0..3 {
        let taken = world.deliver_up(0, 0, &waiting.take().unwrap());
        for output in &taken.outputs {
            if let crate::Output::DataAccepted { digest, .. } = output {
                assert!(!digests.contains(digest));
                digests.push(*digest);
            }
        }
        waiting = world
            .deliver_down(0, 0, &taken.frames[0])
            .frames
            .first()
            .cloned();
    }
    assert_eq!(digests.len(), 3);
}

#[test]
fn k15_finish_forgets_the_connection_in_any_state() {
    for lines in 0..2 {
        let mut world = World::pair(&[]);
        world.connect();
        for _ in 0..lines {
            world.send(0, 0, b"line");
        }
        assert_eq!(
            world.finish(0, 0).list,
            ["SEALED 50000 > 0:50001", "Ended finish", "SharedState 0"]
        );
        assert_eq!(state(&world), "IDLE");
        assert_eq!(world.finish(0, 0).list, ["Rejected command no-session"]);
        assert_eq!(world.send(0, 0, b"x").list, ["Rejected command no-session"]);
    }
}

#[test]
fn authenticate_is_refused_while_anything_is_under_way() {
    let busy = ["Rejected command busy"];
    let mut world = World::pair(&[]);
    let connect = world.start(0);
    assert!(world.authenticate(0, 0).list.is_empty());
    assert_eq!(world.authenticate(0, 0).list, busy, "a command waits");
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    assert_eq!(world.authenticate(0, 0).list, busy, "PENDING");
    let encrypt = world.deliver_up(0, 0, &pass).only_frame();
    world.deliver_down(0, 0, &encrypt);
    assert_eq!(world.authenticate(0, 0).list, busy, "connected");
    assert!(world.authenticate(0, 5).list.is_empty(), "another device");
}

#[test]
fn abort_forgets_everything_about_the_device_and_sends_nothing() {
    let mut world = World::pair(&[]);
    world.authenticate(0, 0);
    assert!(world.command(0, COMMAND_ABORT, 0, &[]).list.is_empty());
    let connect = world.start(0);
    assert!(world.deliver_down(0, 0, &connect).list.is_empty());
    world.log_in(0, 0, &connect);
    assert_eq!(
        world.command(0, COMMAND_ABORT, 0, &[]).list,
        ["SharedState 0"]
    );
    assert_eq!(state(&world), "IDLE");
    assert_eq!(world.devices[0].machine.state(), "CONNECTED");
}

#[test]
fn a_password_given_with_the_command_is_used_once() {
    let mut world = World::pair(&[]);
    let connect = world.start(0);
    world.command(0, COMMAND_AUTHENTICATE, 0, &[Arg::Bytes(b"wrong")]);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let error = world.deliver_up(0, 0, &pass).frames[0].clone();
    assert_eq!(
        world.deliver_down(0, 0, &error).list,
        ["Rejected attempt login"]
    );
    world.log_in(0, 0, &connect);
    assert_eq!(state(&world), "PROMPT");
}

#[test]
fn a_restart_forgets_login_and_connections() {
    let mut world = World::pair(&[]);
    world.connect();
    assert!(Seen::of(world.clients[0].restart()).list.is_empty());
    assert_eq!(state(&world), "IDLE");
}

#[test]
fn a_new_login_replaces_the_connection_to_a_device_that_forgot_it() {
    let mut world = World::pair(&[]);
    world.connect();
    let connect = Seen::of(world.devices[0].restart()).only_frame();
    world.clients[0].command(COMMAND_AUTHENTICATE, None, &[]);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let encrypt = world.deliver_up(0, 0, &pass).only_frame();
    let seen = world.deliver_down(0, 0, &encrypt);
    assert_eq!(
        seen.list,
        [
            "Ended replaced",
            "SharedState 0",
            "Accepted",
            "SharedState 1"
        ]
    );
    assert_eq!(
        world.exchange(b"line").2.list,
        ["DataAccepted", "SharedState 1"]
    );
}
