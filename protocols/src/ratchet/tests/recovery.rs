//! Recovery by repetition: the client's timers, the server's stored answers.

use super::world::{Event, Parcel, World};
use super::{params, text};
use crate::machine::{Arg, Machine as _, Timer};
use crate::output::Output;
use crate::parameter::Value;
use crate::ratchet::{command, timer};

fn world(variant: &str, more: &[(&'static str, Value)]) -> World {
    let mut given = vec![("framing", text("datagram")), ("recovery", text("resend"))];
    given.extend_from_slice(more);
    World::new(&params(variant, &given), 1)
}

fn expire(world: &mut World, kind: u8) {
    let effects = world.client(1).timer(Timer::only(kind)).clone();
    world.done(1, &effects);
}

#[test]
fn the_same_bytes_are_repeated_with_growing_waits_before_the_client_gives_up() {
    let mut world = world("as-published", &[]);
    world.ask(1, command::AUTHENTICATE, &[]);
    assert_eq!(world.story[2], "1: arm resend 2000ms");
    for wait in [
        "resend 4000",
        "resend 8000",
        "resend 16000",
        "response 5000",
    ] {
        world.turn_page();
        expire(&mut world, timer::RESEND);
        assert_eq!(
            world.story,
            ["1: send HELLO".to_owned(), format!("1: arm {wait}ms")]
        );
    }
    let frames: Vec<_> = world.on_way.iter().map(|parcel| &parcel.event).collect();
    assert_eq!(frames.len(), 5);
    assert!(
        frames.iter().all(|frame| *frame == frames[0]),
        "byte for byte"
    );
    expire(&mut world, timer::RESPONSE);
    assert_eq!(world.client(1).machine.state(), "TERMINATED");
}

#[test]
fn a_repeated_frame_gets_the_stored_answer_and_changes_nothing() {
    for variant in ["as-published", "hardened"] {
        for evolve in ["on-send", "on-confirm"] {
            let mut world = world(variant, &[("evolve", text(evolve))]);
            for command in [
                command::AUTHENTICATE,
                command::SEND_DATA,
                command::SEND_DATA,
            ] {
                world.turn_page();
                world.ask(1, command, &[]);
                let Some(question) = world.on_way.pop_front() else {
                    panic!("a question is on its way")
                };
                world.deliver(question.clone());
                // The answer is lost; the same question comes again.
                let lost = world.on_way.pop_front();
                world.turn_page();
                world.deliver(question);
                assert_eq!(world.story.len(), 1, "{variant}: {:?}", world.story);
                let again = world.on_way.pop_front();
                let bytes = |parcel: Option<Parcel>| parcel.map(|parcel| parcel.event);
                assert_eq!(bytes(again.clone()), bytes(lost), "{variant} {evolve}");
                world.on_way.extend(again);
                world.settle();
                assert_eq!(
                    world.client(1).machine.state(),
                    "ACTIVE",
                    "{variant} {evolve}"
                );
            }
            let [client, server] = [
                world.client(1).machine.state(),
                world.server.machine.state(),
            ];
            assert_eq!([client, server], ["ACTIVE"; 2]);
        }
    }
}

#[test]
fn a_hello_is_a_new_one_after_the_first_round() {
    let mut world = world("as-published", &[]);
    world.command(1, command::AUTHENTICATE, &[]);
    let hello = world.wire[0].1.clone();
    world.command(1, command::SEND_DATA, &[]);
    world.turn_page();
    world.deliver(Parcel {
        to: 0,
        from: 1,
        event: Event::Datagram(hello),
    });
    assert!(
        world.story.contains(&"0: accepted".to_owned()),
        "{:?}",
        world.story
    );
}

#[test]
fn every_lost_message_of_a_session_is_recovered() {
    for variant in ["as-published", "hardened"] {
        // HELLO, CHALLENGE, DATA, RESPONSE, DATA, RESPONSE: lose one of them, once to four times.
        for lost in 0..6 {
            for times in 1..=4 {
                let mut world = world(variant, &[]);
                let mut step = 0;
                for command in [
                    command::AUTHENTICATE,
                    command::SEND_DATA,
                    command::SEND_DATA,
                ] {
                    world.ask(1, command, &[]);
                    let mut losses = 0;
                    while world.client(1).machine.state().starts_with("WAIT") {
                        let Some(parcel) = world.on_way.pop_front() else {
                            expire(&mut world, timer::RESEND);
                            continue;
                        };
                        let is_lost = step + usize::from(parcel.to == 1) == lost && losses < times;
                        if is_lost {
                            losses += 1;
                        } else {
                            world.deliver(parcel);
                        }
                    }
                    step += 2;
                }
                let accepted = |(speaker, output): &&(u8, Output)| {
                    *speaker == 1 && matches!(output, Output::DataAccepted { .. })
                };
                assert_eq!(
                    world.outputs.iter().filter(accepted).count(),
                    2,
                    "{variant} {lost} {times}"
                );
                let [client, server] = world.shared(1);
                assert_eq!(client, server, "{variant} {lost} {times}");
            }
        }
    }
}

#[test]
fn on_a_stream_the_wait_for_the_stream_is_not_a_repetition() {
    let mut world = World::new(&params("hardened", &[]), 1);
    world.command(1, command::AUTHENTICATE, &[]);
    let client: Vec<_> = world
        .story
        .iter()
        .filter(|word| word.starts_with('1'))
        .cloned()
        .collect();
    let expected = [
        "1: open",
        "1: arm response 5000ms",
        "1: running",
        "1: send HELLO",
        "1: cancel response",
        "1: arm resend 2000ms",
        "1: shares 1 at 0",
        "1: cancel resend",
        "1: accepted",
        "1: shares 1 at 1",
    ];
    assert_eq!(client, expected);
    world.command(1, command::SEND_DATA, &[Arg::Integer(7)]);
    assert!(world.story.contains(&"1: data accepted 1".to_owned()));
}
