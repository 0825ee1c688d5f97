//! Sessions between real machines: both framings, both times of evolution, several clients.

use super::world::{Event, Parcel, World};
use super::{params, text};
use crate::machine::Arg;
use crate::output::Output;
use crate::parameter::Value;
use crate::ratchet::command;

fn in_step(world: &World, id: u8) -> bool {
    let [client, server] = world.shared(id);
    client.iter().any(|value| server.contains(value))
}

fn all_settings() -> Vec<(&'static str, Vec<(&'static str, Value)>)> {
    let mut all = Vec::new();
    for variant in ["as-published", "hardened", "literal", "broken"] {
        for framing in ["length32", "datagram"] {
            for evolve in ["on-send", "on-confirm"] {
                for codes in [[1, 2], [0, 1]] {
                    let given = vec![
                        ("framing", text(framing)),
                        ("evolve", text(evolve)),
                        ("direction_codes", Value::Integers(codes.to_vec())),
                    ];
                    all.push((variant, given));
                }
            }
        }
    }
    all
}

#[test]
fn an_honest_session_is_accepted_in_step_and_ended_at_both_ends() {
    for (variant, given) in all_settings() {
        let case = format!("{variant} {given:?}");
        let params = params(variant, &given);
        let mut world = World::new(&params, 1);
        world.command(1, command::AUTHENTICATE, &[]);
        assert!(in_step(&world, 1), "{case}");
        for _ in 0..3 {
            world.command(1, command::SEND_DATA, &[]);
            assert!(in_step(&world, 1), "{case}");
        }
        world.command(1, command::FINISH, &[]);
        assert_eq!(
            world.shared(1),
            [const { Vec::<crate::output::Fingerprint>::new() }; 2],
            "{case}"
        );
        let count = |wanted: fn(&Output) -> bool| {
            world
                .outputs
                .iter()
                .filter(|(_, output)| wanted(output))
                .count()
        };
        assert_eq!(
            count(|output| matches!(output, Output::Accepted { .. })),
            2,
            "{case}"
        );
        assert_eq!(
            count(|output| matches!(output, Output::Ended { .. })),
            2,
            "{case}"
        );
        assert_eq!(
            count(|output| matches!(output, Output::DataAccepted { .. })),
            6,
            "{case}"
        );
        // A prototype's server answers TERMINATE too.
        let rejected = count(|output| matches!(output, Output::Rejected { .. }));
        assert!(
            rejected <= usize::from(variant == "literal") * 2,
            "{case}: {:?}",
            world.story
        );
    }
}

#[test]
fn both_ends_name_the_same_session_run_keys_and_data() {
    for (variant, given) in all_settings() {
        let case = format!("{variant} {given:?}");
        let params = params(variant, &given);
        let mut world = World::new(&params, 1);
        world.command(1, command::AUTHENTICATE, &[]);
        world.command(1, command::SEND_DATA, &[Arg::Bytes(b"10,20")]);
        let mut sessions = Vec::new();
        let mut announced = Vec::new();
        let mut data = [Vec::new(), Vec::new()];
        for (speaker, output) in &world.outputs {
            match *output {
                Output::Running { run, .. } => announced.push((*speaker, run)),
                Output::Accepted {
                    session,
                    run,
                    key_id,
                    ..
                } => {
                    let other = 1 - *speaker;
                    assert!(
                        announced.contains(&(other, run)),
                        "{case}: the peer was running this"
                    );
                    sessions.push((session, key_id));
                }
                Output::DataSent {
                    session,
                    seq,
                    digest,
                } => data[0].push((session, seq, digest)),
                Output::DataAccepted {
                    session,
                    seq,
                    digest,
                } => data[1].push((session, seq, digest)),
                _ => {}
            }
        }
        assert_eq!(sessions.len(), 2, "{case}");
        assert_eq!(sessions[0], sessions[1], "{case}");
        data.iter_mut().for_each(|list| list.sort_unstable());
        assert_eq!(data[0], data[1], "{case}");
    }
}

#[test]
fn aggregates_take_the_live_lists_of_one_round() {
    let params = params("as-published", &[("framing", text("datagram"))]);
    let mut world = World::new(&params, 2);
    for id in [1, 2] {
        world.command(id, command::AUTHENTICATE, &[]);
    }
    let answer = |world: &mut World, id, list: &[u8]| {
        world.turn_page();
        world.command(id, command::SEND_DATA, &[Arg::Bytes(list)]);
        world
            .outputs
            .iter()
            .find_map(|(speaker, output)| match output {
                Output::DataAccepted { digest, .. } if *speaker == id => Some(*digest),
                _ => None,
            })
    };
    let said = |text: &str| Some(crate::crypto::tag("", &[text.as_bytes()]));
    assert_eq!(answer(&mut world, 1, b"10,20"), said("Aggregated: 15.00"));
    assert_eq!(answer(&mut world, 2, b"30,40"), said("Aggregated: 25.00"));
    // Client 1 leaves: its list of round 2 is never stored, that of round 1 no longer counts.
    world.command(1, command::FINISH, &[]);
    assert_eq!(answer(&mut world, 2, b"7"), said("Aggregated: 7.00"));
}

#[test]
fn queued_lists_follow_one_another_in_order() {
    let params = params("as-published", &[]);
    let mut world = World::new(&params, 1);
    world.command(1, command::AUTHENTICATE, &[]);
    for list in [b"1", b"2", b"3"] {
        world.ask(1, command::SEND_DATA, &[Arg::Bytes(list)]);
    }
    world.settle();
    let rounds: Vec<_> = world
        .outputs
        .iter()
        .filter_map(|(speaker, output)| match output {
            Output::DataAccepted { seq, .. } if *speaker == 1 => Some(*seq),
            _ => None,
        })
        .collect();
    assert_eq!(rounds, [1, 2, 3]);
}

#[test]
fn a_stream_may_be_cut_into_pieces_of_any_size() {
    for size in [1, 3, 4, 50, 90, 91, 92, 1000] {
        let params = params("as-published", &[]);
        let mut world = World::new(&params, 1);
        world.ask(1, command::AUTHENTICATE, &[]);
        world.ask(1, command::SEND_DATA, &[]);
        for _ in 0..3 {
            while let Some(Parcel { to, from, event }) = world.on_way.pop_front() {
                let Event::Bytes(bytes) = event else {
                    world.deliver(Parcel { to, from, event });
                    continue;
                };
                for piece in bytes.chunks(size) {
                    let event = Event::Bytes(piece.to_vec());
                    world.deliver(Parcel { to, from, event });
                }
            }
            world.ask(1, command::SEND_DATA, &[]);
        }
        let accepted = |output: &Output| matches!(output, Output::DataAccepted { .. });
        let count = world
            .outputs
            .iter()
            .filter(|(_, output)| accepted(output))
            .count();
        assert_eq!(count, 4, "pieces of {size}: {:?}", world.story);
        assert!(
            in_step(&world, 1) || !world.on_way.is_empty(),
            "pieces of {size}"
        );
    }
}

#[test]
fn a_lost_message_puts_keys_out_of_step_until_the_client_gives_up() {
    for (evolve, in_step_when_lost) in [("on-send", false), ("on-confirm", true)] {
        let params = params(
            "as-published",
            &[("framing", text("datagram")), ("evolve", text(evolve))],
        );
        let mut world = World::new(&params, 1);
        world.command(1, command::AUTHENTICATE, &[]);
        world.ask(1, command::SEND_DATA, &[]);
        world.on_way.clear();
        assert_eq!(in_step(&world, 1), in_step_when_lost, "{evolve}");
        let effects = world.client(1).timer(crate::Timer::only(0)).clone();
        world.done(1, &effects);
        assert_eq!(
            crate::Machine::state(&world.client(1).machine),
            "TERMINATED"
        );
        world.command(1, command::AUTHENTICATE, &[]);
        world.command(1, command::SEND_DATA, &[]);
        assert!(in_step(&world, 1), "{evolve}: a new session starts afresh");
    }
}

#[test]
fn a_second_client_of_the_same_id_displaces_the_first() {
    let params = params("as-published", &[]);
    let mut world = World::new(&params, 2);
    // Client 2 holds the id and key of client 1.
    world.clients[1].storage = world.clients[0].storage.clone();
    world.command(1, command::AUTHENTICATE, &[]);
    world.turn_page();
    world.command(2, command::AUTHENTICATE, &[]);
    assert!(
        world
            .story
            .contains(&"1: rejected attempt: closed".to_owned()),
        "{:?}",
        world.story
    );
    assert!(world.story.contains(&"0: ended: replaced".to_owned()));
    world.command(2, command::SEND_DATA, &[]);
    assert!(world.story.contains(&"2: data accepted 1".to_owned()));
}
