//! The hardened variant: nonces in the keys, sessions that wait, faults dropped.

use super::world::{Event, Parcel, World};
use super::{params, text};
use crate::machine::{Arg, Machine as _, Timer};
use crate::output::Output;
use crate::ratchet::{command, timer};

fn world(clients: u8) -> World {
    World::new(
        &params("hardened", &[("framing", text("datagram"))]),
        clients,
    )
}

fn open(clients: u8) -> World {
    let mut world = world(clients);
    for id in 1..=clients {
        world.command(id, command::AUTHENTICATE, &[]);
    }
    world
}

fn inject(world: &mut World, from: u8, frame: &[u8]) {
    world.deliver(Parcel {
        to: 0,
        from,
        event: Event::Datagram(frame.to_vec()),
    });
    world.settle();
}

#[test]
fn the_server_accepts_with_the_first_data() {
    let mut world = open(1);
    let waits = [
        "0: running",
        "0: send CHALLENGE",
        "0: arm pending 10000ms",
        "0: shares 1 at 1",
    ];
    assert_eq!(world.story[4..8], waits);
    assert_eq!(world.server.machine.state(), "NONE");
    world.turn_page();
    world.command(1, command::SEND_DATA, &[Arg::Bytes(b"4")]);
    let expected = [
        "1: running",
        "1: data sent 1",
        "1: send DATA",
        "1: arm resend 2000ms",
        "1: shares 1 at 1",
        "0: cancel pending",
        "0: accepted",
        "0: data sent 1",
        "0: send RESPONSE",
        "0: data accepted 1",
        "0: shares 1 at 2",
        "1: cancel resend",
        "1: data accepted 1",
        "1: shares 1 at 2",
    ];
    assert_eq!(world.story, expected);
}

#[test]
fn a_replayed_session_is_never_accepted() {
    let mut world = open(1);
    world.command(1, command::SEND_DATA, &[]);
    let sent: Vec<_> = world
        .wire
        .iter()
        .filter(|(from, _)| *from == 1)
        .cloned()
        .collect();
    world.command(1, command::FINISH, &[]);
    world.turn_page();
    for (_, frame) in &sent {
        inject(&mut world, 3, frame);
    }
    let accepted = |(_, output): &(u8, Output)| {
        matches!(
            output,
            Output::Accepted { .. } | Output::DataAccepted { .. }
        )
    };
    assert!(!world.outputs.iter().any(accepted), "{:?}", world.story);
    // Fresh nonces give fresh keys: the recorded DATA fails its MAC.
    assert!(world.story.contains(&"0: rejected frame: mac".to_owned()));
}

#[test]
fn a_replayed_hello_does_not_displace_the_live_session() {
    let mut world = open(1);
    world.command(1, command::SEND_DATA, &[]);
    let hello = world.wire[0].1.clone();
    inject(&mut world, 1, &hello);
    world.turn_page();
    world.command(1, command::SEND_DATA, &[]);
    assert!(
        world.story.contains(&"1: data accepted 2".to_owned()),
        "{:?}",
        world.story
    );
}

#[test]
fn faults_are_dropped_at_both_ends() {
    let mut world = open(1);
    world.ask(1, command::SEND_DATA, &[]);
    let Some(Parcel {
        event: Event::Datagram(frame),
        ..
    }) = world.on_way.front().cloned()
    else {
        panic!("a DATA is on its way")
    };
    for at in [1, 2, 6, 30, 80] {
        let mut bad = frame.clone();
        if let Some(byte) = bad.get_mut(at.min(frame.len() - 1)) {
            *byte ^= 4;
        }
        world.deliver(Parcel {
            to: 0,
            from: 1,
            event: Event::Datagram(bad.clone()),
        });
        world.deliver(Parcel {
            to: 1,
            from: 0,
            event: Event::Datagram(bad),
        });
    }
    world.settle();
    assert!(
        world.story.contains(&"1: data accepted 1".to_owned()),
        "{:?}",
        world.story
    );
    let ended = |(_, output): &(u8, Output)| matches!(output, Output::Ended { .. });
    assert!(!world.outputs.iter().any(ended));
}

#[test]
fn a_challenge_of_another_session_lacks_the_clients_nonce() {
    let mut world = open(1);
    let old = world.wire[1].1.clone();
    world.command(1, command::FINISH, &[]);
    world.turn_page();
    world.ask(1, command::AUTHENTICATE, &[]);
    world.deliver(Parcel {
        to: 1,
        from: 0,
        event: Event::Datagram(old),
    });
    assert!(
        world.story.contains(&"1: rejected frame: nonce".to_owned()),
        "{:?}",
        world.story
    );
    world.settle();
    assert_eq!(world.client(1).machine.state(), "ACTIVE");
}

#[test]
fn a_session_that_waits_is_forgotten_after_ten_seconds() {
    let mut world = open(1);
    world.turn_page();
    let pending = Timer {
        kind: timer::PENDING,
        key: 0,
    };
    let effects = world.server.timer(pending).clone();
    world.done(0, &effects);
    assert_eq!(
        world.story,
        ["0: ended: pending-timeout", "0: shares 0 at 0"]
    );
}

#[test]
fn a_session_that_waits_can_be_finished() {
    let mut world = open(1);
    world.turn_page();
    world.command(1, command::FINISH, &[]);
    let ended = |(_, output): &(u8, Output)| matches!(output, Output::Ended { .. });
    assert_eq!(
        world.outputs.iter().filter(|output| ended(output)).count(),
        2
    );
}

#[test]
fn at_most_64_sessions_wait_and_the_oldest_makes_room() {
    let mut world = open(1);
    let hello = world.wire[0].1.clone();
    world.turn_page();
    for host in 10..74 {
        inject(&mut world, host, &hello);
    }
    let forgotten = world
        .story
        .iter()
        .filter(|word| *word == "0: ended: forgotten")
        .count();
    assert_eq!(forgotten, 1);
}

#[test]
fn only_a_list_that_is_refused_still_ends_a_session() {
    let mut world = World::new(&params("hardened", &[]), 1);
    world.command(1, command::AUTHENTICATE, &[]);
    // A client whose own grammar is wider than the server's.
    let lenient = params("hardened", &[("number_grammar", text("lenient"))]);
    let mut other = World::new(&lenient, 1);
    other.server = world.server.clone();
    other.command(1, command::AUTHENTICATE, &[]);
    other.command(1, command::SEND_DATA, &[Arg::Bytes(b"nan")]);
    assert!(
        other
            .story
            .contains(&"0: rejected attempt: number".to_owned()),
        "{:?}",
        other.story
    );
    assert!(
        other
            .story
            .contains(&"1: rejected attempt: number".to_owned())
    );
}
