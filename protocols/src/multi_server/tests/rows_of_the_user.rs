//! The rows of the user's table, on lists of effects.

use super::world::{Call, Done, NOW, Packet, RC, S1, S3, SECOND, U1, World, word};
use crate::multi_server::{PORT, command, records, timer};
use crate::output::{Output, Scope};
use crate::parameter::Value;
use crate::time::{LocalTime, Span};
use crate::{Address, Arg, Channel, Timer};

const NEW: [Arg<'static>; 2] = [Arg::Default, Arg::Bytes(b"new password")];

fn reject() -> Packet {
    Packet {
        from: Address::new(S1, PORT),
        to: Address::new(U1, PORT),
        channel: Channel::Public,
        bytes: vec![7, 0],
    }
}

fn shared_values(done: &Done) -> Vec<usize> {
    let all = done.outputs.iter().filter_map(|output| match output {
        Output::SharedState { fingerprints, .. } => Some(fingerprints.as_slice().len()),
        _ => None,
    });
    all.collect()
}

fn scope(done: &Done) -> Scope {
    let found = done.outputs.iter().find_map(|output| match output {
        Output::Rejected { scope, .. } => Some(*scope),
        _ => None,
    });
    found.expect("a refusal")
}

/// A world whose user has a new card beside the old one, all frames delivered.
fn with_two_cards() -> World {
    let mut world = World::new("as-published", &[]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    world.settle();
    assert!(world.record(U1, records::USER_NEW_CARD).is_some());
    world
}

#[test]
fn registration_in_band_stores_a_card_and_names_the_user() {
    let mut world = World::new("as-published", &[("registration", word("in-band"))]);
    world.settle();
    let asked = world.command(U1, command::REGISTER, RC, &[]);
    assert_eq!(asked.order, ["named", "running", "send", "arm"]);
    assert_eq!(
        (asked.frame().len(), world.machine_state(U1)),
        (65, "WAIT_UREG")
    );
    world.deliver();
    let done = world.deliver();
    assert_eq!(done.order, ["store", "shared", "accepted", "cancel"]);
    assert_eq!(
        world.record(U1, records::USER_CARD).unwrap().len(),
        132 + 72 * 3
    );
    let again = world.command(U1, command::REGISTER, RC, &[]);
    assert_eq!(
        (again.reasons(), scope(&again)),
        (vec!["exists"], Scope::Command)
    );

    // The server knows the user after its next phase 5.
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    assert_eq!(world.deliver().reasons(), ["unknown-user"]);
    world.wire.clear();
    world.set_time(NOW + SECOND);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    world.settle();
    world.timer(U1, timer::RETRY);
    assert!(world.deliver().accepted().is_some());
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn a_lost_registration_times_out() {
    let mut world = World::new("as-published", &[("registration", word("in-band"))]);
    world.command(U1, command::REGISTER, RC, &[]);
    let busy = world.command(U1, command::AUTHENTICATE, S1, &[]);
    assert_eq!(busy.reasons(), ["busy"]);
    let done = world.timer(U1, timer::REPLY);
    assert_eq!(
        (done.reasons(), world.machine_state(U1)),
        (vec!["timeout"], "IDLE")
    );
}

#[test]
fn u1_sends_auth_req_for_a_server_in_the_list() {
    let mut world = World::new("as-published", &[]);
    let done = world.command(U1, command::AUTHENTICATE, S1, &[]);
    assert_eq!(done.order, ["running", "send", "arm"]);
    assert_eq!(
        done.armed,
        [(Timer::only(timer::REPLY), Span::from_secs(5))]
    );
    assert_eq!(world.machine_state(U1), "WAIT_AUTH");
    let busy = world.command(U1, command::AUTHENTICATE, S1, &[]);
    assert_eq!((busy.reasons(), busy.order.len()), (vec!["busy"], 1));

    // By name: the address comes from the directory.
    let mut named = World::new("as-published", &[]);
    let arguments = [Arg::Bytes(b"hospital-number3")];
    let done = named.call(U1, Call::Command(command::AUTHENTICATE, None, &arguments));
    assert_eq!(done.sent[0].to, Address::new(S3, PORT));
}

#[test]
fn u1_refuses_a_server_that_is_not_in_the_list() {
    let mut world = World::new("as-published", &[]);
    for name in [&b"hospital9"[..], b"a name that is too long"] {
        let done = world.command(U1, command::AUTHENTICATE, S1, &[Arg::Bytes(name)]);
        assert_eq!(
            (done.reasons(), done.order.len()),
            (vec!["unknown-server"], 1)
        );
    }
    let done = world.command(U1, command::AUTHENTICATE, RC, &[]);
    assert_eq!(done.reasons(), ["unknown-server"]);
}

#[test]
fn u2_sends_nothing_when_the_card_does_not_open() {
    let mut world = World::new("as-published", &[]);
    let wrong = Arg::Bytes(b"wrong");
    for (id, arguments) in [
        (command::AUTHENTICATE, [Arg::Default, wrong]),
        (command::UPDATE_LIST, [wrong, Arg::Default]),
        (command::CHANGE_PASSWORD, [wrong, Arg::Default]),
    ] {
        let done = world.command(U1, id, RC, &arguments);
        assert_eq!(
            (done.order.as_slice(), done.reasons()),
            (&["rejected"][..], vec!["card"])
        );
        assert_eq!(scope(&done), Scope::Command);
    }
}

#[test]
fn u3_accepts_and_forgets_the_key_at_vt() {
    let mut world = World::new("as-published", &[]);
    world.users[0].now = LocalTime(NOW + SECOND);
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.deliver();
    let done = world.deliver();
    assert_eq!(done.order, ["arm", "accepted", "cancel"]);
    let lifetime = Span(600 * SECOND - SECOND);
    assert_eq!(done.armed, [(Timer::only(timer::SESSION), lifetime)]);
    assert_eq!(world.machine_state(U1), "IDLE");
    assert_eq!(world.timer(U1, timer::SESSION).order, ["ended"]);
}

#[test]
fn u3_with_the_new_card_erases_the_old_one() {
    let mut world = with_two_cards();
    let new = world.record(U1, records::USER_NEW_CARD).unwrap();
    world.set_time(NOW + SECOND);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    world.settle();
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.deliver();
    let done = world.deliver();
    assert_eq!(done.order, ["store", "shared", "arm", "accepted", "cancel"]);
    assert_eq!(done.stored[0].len(), 2);
    assert_eq!(shared_values(&done), [1]);
    assert_eq!(world.record(U1, records::USER_CARD), Some(new));
    assert_eq!(world.record(U1, records::USER_NEW_CARD), None);
}

#[test]
fn u4_ends_the_attempt_when_a_check_fails() {
    let waiting = {
        let mut world = World::new("as-published", &[]);
        world.command(U1, command::AUTHENTICATE, S1, &[]);
        world.deliver();
        world
    };
    let good = waiting.wire[0].clone();
    let cases: [(usize, u64, &str); 4] = [
        (1, 0, "sigma"),
        (9, 0, "location"),
        (33, 0, "sigma"),
        (0, 6 * SECOND, "stale"),
    ];
    for (at, later, reason) in cases {
        let mut world = waiting.clone();
        let mut packet = good.clone();
        if at > 0 {
            packet.bytes[at] ^= 1;
        }
        world.set_time(NOW + later);
        let done = world.call(U1, Call::Message(&packet));
        assert_eq!(
            (done.reasons(), scope(&done)),
            (vec![reason], Scope::Attempt)
        );
        assert_eq!(world.machine_state(U1), "IDLE");
    }
    let mut world = World::new("as-published", &[("freshness", word("off"))]);
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.deliver();
    world.set_time(NOW + 600 * SECOND);
    assert_eq!(world.deliver().reasons(), ["expired"]);
}

#[test]
fn u5_repeats_after_a_reject_with_a_new_t1() {
    let mut world = World::new("as-published", &[]);
    let first = world.command(U1, command::AUTHENTICATE, S1, &[]);
    let done = world.call(U1, Call::Message(&reject()));
    assert_eq!(done.order, ["cancel", "arm"]);
    assert_eq!(
        done.armed,
        [(Timer::only(timer::RETRY), Span::from_secs(2))]
    );
    let again = world.call(U1, Call::Message(&reject()));
    assert_eq!(
        again.reasons(),
        ["malformed"],
        "nothing is asked at the moment"
    );
    world.set_time(NOW + 2 * SECOND);
    let done = world.timer(U1, timer::RETRY);
    assert_eq!(done.order, ["running", "send", "arm"]);
    assert_ne!(done.frame(), first.frame());
    // U6: no repeats are left.
    let done = world.call(U1, Call::Message(&reject()));
    assert_eq!(
        (done.reasons(), world.machine_state(U1)),
        (vec!["refused"], "IDLE")
    );
}

#[test]
fn u6_ends_every_wait_by_timer_and_by_reject() {
    for (id, peer, kind) in [
        (command::AUTHENTICATE, S1, timer::REPLY),
        (command::UPDATE_LIST, RC, timer::REPLY),
        (command::CHANGE_PASSWORD, RC, timer::PWD_REPLY),
    ] {
        let world = World::new("as-published", &[("reject_retry", Value::Integer(0))]);
        let mut late = world.clone();
        late.command(U1, id, peer, &[]);
        let done = late.timer(U1, kind);
        assert_eq!(
            (done.reasons(), late.machine_state(U1)),
            (vec!["timeout"], "IDLE")
        );
        let mut refused = world;
        refused.command(U1, id, peer, &[]);
        let done = refused.call(U1, Call::Message(&reject()));
        assert_eq!(
            (done.reasons(), refused.machine_state(U1)),
            (vec!["refused"], "IDLE")
        );
        assert_eq!(
            refused.call(U1, Call::Message(&reject())).reasons(),
            ["malformed"]
        );
    }
}

#[test]
fn u7_and_u8_put_the_current_list_on_the_card() {
    let mut world = World::new("as-published", &[]);
    world.command(S1, command::REISSUE, RC, &[]);
    world.settle();
    let asked = world.command(U1, command::UPDATE_LIST, RC, &[]);
    assert_eq!(
        (asked.order.as_slice(), world.machine_state(U1)),
        (&["running", "send", "arm"][..], "WAIT_LIST")
    );
    let before = world.record(U1, records::USER_CARD).unwrap();
    world.deliver();
    let mut bad = world.wire[0].clone();
    bad.bytes[50] ^= 1;
    let done = world.call(U1, Call::Message(&bad));
    assert_eq!(
        (done.reasons(), scope(&done)),
        (vec!["proof"], Scope::Frame)
    );
    let done = world.deliver();
    assert_eq!(done.order, ["store", "accepted", "cancel"]);
    let after = world.record(U1, records::USER_CARD).unwrap();
    assert_eq!(before[..128], after[..128]);
    assert_eq!(after[128..132], [0, 0, 0, 2]);
    world.set_time(NOW + 8 * 86_400 * SECOND);
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    assert!(
        world.deliver().accepted().is_some(),
        "the new key, after the grace of the old one"
    );
}

#[test]
fn u9_and_u10_write_a_second_card_and_acknowledge() {
    let mut world = World::new("as-published", &[]);
    let old = world.record(U1, records::USER_CARD);
    let asked = world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    assert_eq!(
        (asked.order.as_slice(), world.machine_state(U1)),
        (&["running", "send", "arm"][..], "WAIT_PWD")
    );
    world.deliver();
    let done = world.deliver();
    assert_eq!(
        done.order,
        ["store", "shared", "send", "accepted", "cancel"]
    );
    assert_eq!((done.frame().len(), shared_values(&done)), (69, vec![2]));
    assert_eq!(world.record(U1, records::USER_CARD), old);

    // The head has taken the new password; both cards open, each with its own.
    let ask = |password: Arg<'_>| {
        let done = world
            .clone()
            .command(U1, command::AUTHENTICATE, S1, &[Arg::Default, password]);
        done.reasons()
    };
    assert!(ask(Arg::Default).is_empty());
    assert!(ask(Arg::Bytes(b"new password")).is_empty());
    assert_eq!(ask(Arg::Bytes(b"other")), ["card"]);
}

#[test]
fn u10_from_the_new_card_of_a_pair_makes_it_the_old_one() {
    let mut world = with_two_cards();
    let new = world.record(U1, records::USER_NEW_CARD);
    world.set_time(NOW + SECOND);
    world.command(
        U1,
        command::CHANGE_PASSWORD,
        RC,
        &[Arg::Default, Arg::Bytes(b"third")],
    );
    world.deliver();
    let done = world.deliver();
    assert_eq!(done.stored[0].len(), 2);
    assert_eq!(world.record(U1, records::USER_CARD), new);
}

#[test]
fn u11_drops_a_reply_that_does_not_fit_and_waits_on() {
    let mut world = World::new("as-published", &[]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    world.deliver();
    for at in [1, 33, 68, 77] {
        let mut bad = world.wire[0].clone();
        bad.bytes[at] ^= 1;
        let done = world.call(U1, Call::Message(&bad));
        assert_eq!(
            (done.reasons(), world.machine_state(U1)),
            (vec!["proof"], "WAIT_PWD")
        );
    }
    let mut late = world.clone();
    late.set_time(NOW + 6 * SECOND);
    assert_eq!(late.deliver().reasons(), ["stale"]);
    assert!(world.deliver().accepted().is_some());
}

#[test]
fn abort_drops_the_request_and_keeps_the_card() {
    let mut world = World::new("as-published", &[("recovery", word("resend"))]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    let done = world.command(U1, command::ABORT, RC, &[]);
    assert!(done.sent.is_empty() && done.outputs.is_empty());
    assert_eq!(world.record(U1, records::USER_REQUEST), None);
    assert_eq!(world.machine_state(U1), "IDLE");
    world.deliver();
    assert_eq!(
        world.deliver().reasons(),
        ["malformed"],
        "the answer comes too late"
    );
    assert!(world.record(U1, records::USER_CARD).is_some());
}

#[test]
fn resend_repeats_auth_and_list_requests_with_new_times() {
    for (id, peer) in [(command::AUTHENTICATE, S1), (command::UPDATE_LIST, RC)] {
        let mut world = World::new("as-published", &[("recovery", word("resend"))]);
        let mut last = world.command(U1, id, peer, &[]).frame().to_vec();
        for repeat in 1..=3 {
            world.set_time(NOW + repeat * SECOND);
            let done = world.timer(U1, timer::REPLY);
            assert_ne!(done.frame(), last);
            assert_eq!(done.armed[0].1, Span::from_secs(5 << repeat));
            last = done.frame().to_vec();
        }
        world.wire.drain(..3);
        world.deliver();
        assert!(world.deliver().accepted().is_some());
        world.command(U1, id, peer, &[]);
        (0..3).for_each(|_| drop(world.timer(U1, timer::REPLY)));
        assert_eq!(world.timer(U1, timer::REPLY).reasons(), ["timeout"]);
    }
}

#[test]
fn resend_repeats_a_password_request_byte_for_byte_even_after_a_restart() {
    let mut world = World::new("as-published", &[("recovery", word("resend"))]);
    let asked = world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    assert_eq!(asked.order, ["store", "arm", "running", "send", "arm"]);
    let request = asked.frame().to_vec();
    assert_eq!(
        world.record(U1, records::USER_REQUEST),
        Some(request.clone())
    );
    world.deliver();
    let lost = world.wire.pop_front().unwrap();
    assert_eq!(world.timer(U1, timer::PWD_REPLY).frame(), request);
    world.wire.clear();

    let restarted = world.call(U1, Call::Restart);
    assert_eq!(
        (restarted.frame(), world.machine_state(U1)),
        (&request[..], "WAIT_PWD")
    );
    world.deliver();
    let done = world.deliver();
    assert_eq!(
        done.order,
        [
            "store", "shared", "send", "accepted", "cancel", "cancel", "store"
        ]
    );
    assert_eq!(world.record(U1, records::USER_REQUEST), None);
    world.deliver();

    // PWD_REP once more: PWD_ACK once more.
    let again = world.call(U1, Call::Message(&lost));
    assert_eq!(
        (again.order.as_slice(), again.frame().len()),
        (&["send"][..], 69)
    );
}

#[test]
fn resend_gives_a_password_change_up_after_a_day() {
    let mut world = World::new("as-published", &[("recovery", word("resend"))]);
    let asked = world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    let day = Span::from_secs(86_400);
    assert!(asked.armed.contains(&(Timer::only(timer::GIVE_UP), day)));
    let done = world.timer(U1, timer::GIVE_UP);
    assert_eq!(
        (done.reasons(), world.machine_state(U1)),
        (vec!["timeout"], "IDLE")
    );
    assert_eq!(world.record(U1, records::USER_REQUEST), None);

    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    world.set_time(NOW + 86_401 * SECOND);
    let done = world.call(U1, Call::Restart);
    assert_eq!(
        (done.reasons(), world.machine_state(U1)),
        (vec!["timeout"], "IDLE")
    );
}

#[test]
fn a_restart_between_store_and_ack_leaves_two_cards_that_both_work() {
    let mut world = World::new("as-published", &[]);
    world.command(U1, command::CHANGE_PASSWORD, RC, &NEW);
    world.deliver();
    world.deliver();
    world.wire.clear();
    let done = world.call(U1, Call::Restart);
    assert_eq!(shared_values(&done), [2]);
    world.command(U1, command::UPDATE_LIST, RC, &[]);
    assert!(world.deliver().accepted().is_some());
    assert!(world.deliver().accepted().is_some());
}
