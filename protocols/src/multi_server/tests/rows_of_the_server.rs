//! The rows of the server's table, on lists of effects.

use super::world::{Call, Done, NOW, Packet, RC, S1, SECOND, U1, World, word};
use crate::multi_server::{PORT, command, records, timer};
use crate::output::Output;
use crate::parameter::Value;
use crate::time::{LocalTime, Span};
use crate::{Address, Channel, Timer};

fn login_request(world: &mut World) -> Packet {
    world.command(U1, command::ABORT, S1, &[]);
    world.command(U1, command::AUTHENTICATE, S1, &[]);
    world.wire.pop_back().unwrap()
}

fn give(world: &mut World, packet: &Packet) -> Done {
    let done = world.call(S1, Call::Message(packet));
    world.wire.clear();
    done
}

fn shared_values(done: &Done) -> usize {
    let found = done.outputs.iter().find_map(|output| match output {
        Output::SharedState { fingerprints, .. } => Some(fingerprints.as_slice().len()),
        _ => None,
    });
    found.expect("a statement about shared state")
}

#[test]
fn s1_stores_its_key_then_starts_phase_5() {
    let mut world = World::unstarted("as-published", &[("registration", word("in-band"))]);
    let start = world.call(S1, Call::Start);
    assert_eq!(start.order, ["shared", "running", "send", "arm"]);
    assert_eq!(
        (shared_values(&start), world.machine_state(S1)),
        (0, "WAIT_KEY")
    );
    world.deliver();
    let done = world.deliver();
    assert_eq!(
        done.order,
        [
            "cancel", "store", "shared", "accepted", "running", "send", "arm", "arm"
        ]
    );
    assert_eq!(world.record(S1, records::SERVER_KEYS).unwrap().len(), 32);
    assert_eq!(
        (done.frame().len(), world.machine_state(S1)),
        (57, "WAIT_TABLE")
    );
}

#[test]
fn s1_keeps_the_old_key_for_its_grace_and_none_without() {
    for (grace, kept) in [(10 * SECOND, 72), (0, 32)] {
        let mut world = World::new("as-published", &[("ssk_grace", Value::Integer(grace))]);
        let early = login_request(&mut world);
        let asked = world.command(S1, command::REISSUE, RC, &[]);
        assert_eq!(
            (asked.order.as_slice(), asked.frame().len()),
            (&["running", "send", "arm"][..], 105)
        );
        // While it waits for its key the server does nothing else.
        assert_eq!(give(&mut world.clone(), &early).reasons(), ["busy"]);
        world.deliver();
        let done = world.deliver();
        assert_eq!(world.record(S1, records::SERVER_KEYS).unwrap().len(), kept);
        assert_eq!(shared_values(&done), if kept == 72 { 2 } else { 1 });
        let answer = give(&mut world.clone(), &early);
        assert_eq!(answer.accepted().is_some(), kept == 72);
        // After the grace the old key opens nothing.
        world.set_time(NOW + 11 * SECOND);
        let late = login_request(&mut world);
        assert_eq!(give(&mut world, &late).reasons(), ["unknown-user"]);
    }
}

#[test]
fn s2_answers_and_keeps_the_key_for_its_lifetime() {
    let mut world = World::new("as-published", &[]);
    let request = login_request(&mut world);
    let done = give(&mut world, &request);
    assert_eq!(done.order, ["running", "send", "arm", "accepted"]);
    assert_eq!(
        done.armed,
        [(Timer::only(timer::SESSION), Span::from_secs(600))]
    );
    let Some(Output::Accepted { session, .. }) = done.accepted() else {
        panic!("an acceptance");
    };
    assert!(world.servers[0].machine.session_key(&session).is_some());
    let ended = world.timer(S1, timer::SESSION);
    assert_eq!(ended.order, ["ended"]);
    assert!(world.servers[0].machine.session_key(&session).is_none());
}

#[test]
fn s2_refuses_with_the_true_reason_in_the_trace_only() {
    let mut world = World::new(
        "as-published",
        &[("refresh_on_failure", Value::Bool(false))],
    );
    let good = login_request(&mut world);
    let changed = |at: usize| {
        let mut packet = good.clone();
        packet.bytes[at] ^= 1;
        packet
    };
    assert!(give(&mut world, &good).accepted().is_some());
    for (packet, reason) in [
        (changed(65), "stale"),
        (changed(1), "unknown-user"),
        (changed(33), "beta"),
        (good.clone(), "replay"),
    ] {
        let done = give(&mut world, &packet);
        assert_eq!(done.order, ["send", "rejected"]);
        assert_eq!((done.frame(), done.reasons()), (&[7, 0][..], vec![reason]));
    }
}

#[test]
fn s2_measures_freshness_on_both_sides_up_to_the_window() {
    for (offset, mode, fits) in [
        (5 * SECOND, "two-sided", true),
        (5 * SECOND + 1, "two-sided", false),
        (5 * SECOND + 1, "off", true),
    ] {
        let world = World::new("as-published", &[("freshness", word(mode))]);
        for server in [NOW + offset, NOW - offset] {
            let mut world = world.clone();
            let request = login_request(&mut world);
            world.servers[0].now = LocalTime(server);
            assert_eq!(give(&mut world, &request).accepted().is_some(), fits);
        }
    }
    let mut world = World::new("as-published", &[("freshness", word("one-sided"))]);
    let request = login_request(&mut world);
    world.servers[0].now = LocalTime(NOW - 3600 * SECOND);
    assert!(
        give(&mut world, &request).accepted().is_some(),
        "the future is fresh"
    );
}

#[test]
fn s2_forgets_accepted_betas_after_twice_the_window() {
    let mut world = World::new("as-published", &[("freshness", word("off"))]);
    let request = login_request(&mut world);
    assert!(give(&mut world, &request).accepted().is_some());
    world.set_time(NOW + 10 * SECOND);
    assert_eq!(give(&mut world, &request).reasons(), ["replay"]);
    world.set_time(NOW + 10 * SECOND + 1);
    assert!(give(&mut world, &request).accepted().is_some());
    world.call(S1, Call::Restart);
    assert!(
        give(&mut world, &request).accepted().is_some(),
        "a restart empties the cache"
    );
}

#[test]
fn s2_refuses_times_that_overflow() {
    let mut world = World::new("as-published", &[("freshness", word("off"))]);
    world.users[0].now = LocalTime(u64::MAX);
    let request = login_request(&mut world);
    world.servers[0].now = LocalTime(0);
    assert_eq!(give(&mut world, &request).reasons(), ["overflow"]);
    world.servers[0].now = LocalTime(u64::MAX);
    assert_eq!(give(&mut world, &request).reasons(), ["overflow"], "VT");
}

#[test]
fn s3_refreshes_after_a_failed_beta_at_most_once_per_minute() {
    let mut world = World::new("as-published", &[]);
    let mut bad = login_request(&mut world);
    bad.bytes[33] ^= 1;
    let done = give(&mut world, &bad);
    assert_eq!(done.order, ["send", "rejected", "running", "send", "arm"]);
    assert_eq!(
        (done.sent[1].bytes[0], world.machine_state(S1)),
        (0x0D, "WAIT_TABLE")
    );
    world.timer(S1, timer::REPLY);
    world.set_time(NOW + 59 * SECOND);
    let mut again = login_request(&mut world);
    again.bytes[33] ^= 1;
    assert_eq!(give(&mut world, &again).order, ["send", "rejected"]);
    world.set_time(NOW + 60 * SECOND);
    let mut again = login_request(&mut world);
    again.bytes[33] ^= 1;
    assert_eq!(give(&mut world, &again).order.len(), 5);
}

#[test]
fn s4_runs_by_timer_and_by_command() {
    let mut world = World::unstarted("as-published", &[]);
    let start = world.call(S1, Call::Start);
    assert_eq!(
        start.armed,
        [(Timer::only(timer::DB_UPDATE), Span::from_secs(3600))]
    );
    let done = world.timer(S1, timer::DB_UPDATE);
    assert_eq!(done.order, ["arm", "running", "send", "arm"]);
    for id in [command::DB_UPDATE, command::REISSUE] {
        let busy = world.command(S1, id, RC, &[]);
        assert_eq!(
            (busy.order.as_slice(), busy.reasons()),
            (&["rejected"][..], vec!["busy"])
        );
    }
    let mut never = World::unstarted("as-published", &[("db_update_every", Value::Integer(0))]);
    assert!(never.call(S1, Call::Start).armed.is_empty());
    assert_eq!(
        never.command(S1, command::DB_UPDATE, RC, &[]).frame().len(),
        57
    );
}

#[test]
fn s5_stores_the_whole_table_once() {
    let mut world = World::new("as-published", &[]);
    world.command(S1, command::DB_UPDATE, RC, &[]);
    world.deliver();
    let reply = world.wire[0].clone();
    let mut stale = world.clone();
    stale.servers[0].now = LocalTime(NOW + 6 * SECOND);
    assert_eq!(give(&mut stale, &reply).reasons(), ["stale"]);
    let mut bad = reply.clone();
    bad.bytes[60] ^= 1;
    let done = give(&mut world, &bad);
    assert_eq!(
        (done.reasons(), world.machine_state(S1)),
        (vec!["proof"], "WAIT_TABLE")
    );
    let done = give(&mut world, &reply);
    assert_eq!(done.order, ["cancel", "store", "accepted"]);
    assert_eq!(done.stored[0].len(), 1);
    assert_eq!(world.machine_state(S1), "SERVING");
    assert_eq!(
        give(&mut world, &reply).reasons(),
        ["malformed"],
        "none is awaited"
    );
}

#[test]
fn s6_gives_up_on_timeout_and_on_reject() {
    let world = World::new("as-published", &[]);
    let mut late = world.clone();
    late.command(S1, command::DB_UPDATE, RC, &[]);
    let done = late.timer(S1, timer::REPLY);
    assert_eq!(
        (done.reasons(), late.machine_state(S1)),
        (vec!["timeout"], "SERVING")
    );
    let mut refused = world;
    refused.command(S1, command::DB_UPDATE, RC, &[]);
    let reject = Packet {
        from: Address::new(RC, PORT),
        to: Address::new(S1, PORT),
        channel: Channel::Public,
        bytes: vec![7, 0],
    };
    let done = give(&mut refused, &reject);
    assert_eq!(
        (done.reasons(), refused.machine_state(S1)),
        (vec!["refused"], "SERVING")
    );
    assert_eq!(
        give(&mut refused, &reject).reasons(),
        ["malformed"],
        "out of place"
    );
}

#[test]
fn a_repeated_db_request_has_a_new_t_and_waits_twice_as_long() {
    let mut world = World::new("as-published", &[("recovery", word("resend"))]);
    let first = world.command(S1, command::DB_UPDATE, RC, &[]);
    for repeat in 1..=3 {
        world.set_time(NOW + repeat * SECOND);
        let done = world.timer(S1, timer::REPLY);
        assert_eq!(done.order, ["running", "send", "arm"]);
        assert_ne!(done.frame(), first.frame());
        assert_eq!(done.armed[0].1, Span::from_secs(5 << repeat));
    }
    assert_eq!(world.timer(S1, timer::REPLY).reasons(), ["timeout"]);
}

#[test]
fn a_restarted_server_has_its_table_and_no_session() {
    let mut world = World::new("as-published", &[]);
    let request = login_request(&mut world);
    let Some(Output::Accepted { session, .. }) = give(&mut world, &request).accepted() else {
        panic!("an acceptance");
    };
    let done = world.call(S1, Call::Restart);
    assert_eq!(done.order, ["shared", "arm"]);
    assert!(world.servers[0].machine.session_key(&session).is_none());
    let request = login_request(&mut world);
    assert!(give(&mut world, &request).accepted().is_some());
}
