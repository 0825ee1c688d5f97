//! Whatever comes in, in whatever order: no machine panics, and a quiet world allocates nothing.

use proptest::prelude::*;

use super::world::{Event, Parcel, World};
use super::{ClientBench, SERVER_AT, ServerBench, at, client, params, server, text};
use crate::address::{Address, Destination};
use crate::context::Context;
use crate::effect::{Effect, Effects};
use crate::machine::{Arg, Incoming, Machine, StreamEvent, Timer};
use crate::parameter::Value;
use crate::ratchet::choice::{Choice as _, Defence};
use crate::ratchet::command;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Act {
    /// A command, with an argument for some of them.
    Command(u8, u8, Vec<u8>),
    /// The next parcel arrives, changed at a byte or cut.
    Deliver(Option<(u16, u8)>, Option<u16>),
    /// The next parcel arrives twice.
    Duplicate,
    /// The next parcel goes to the end of the queue.
    Delay,
    /// The next parcel is lost.
    Lose,
    /// Bytes that nobody sent.
    Inject(u8, u8, Vec<u8>),
    /// A frame with a plausible header and junk behind it.
    Junk(u8, u8, u8, u8, u8),
    /// A timer expires, armed or not.
    Expire(u8, u8, u8),
    /// Power comes back.
    Restart(u8),
    /// A stream opens, closes or breaks.
    Stream(u8, u8),
}

fn act() -> impl Strategy<Value = Act> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..120);
    let lists = prop_oneof![
        Just(b"1,2".to_vec()),
        Just(b"nan".to_vec()),
        Just(Vec::new()),
        bytes()
    ];
    prop_oneof![
        4 => (1..3_u8, 0..5_u8, lists).prop_map(|(id, command, list)| Act::Command(id, command, list)),
        10 => Just(Act::Deliver(None, None)),
        3 => (any::<u16>(), any::<u8>()).prop_map(|change| Act::Deliver(Some(change), None)),
        2 => any::<u16>().prop_map(|length| Act::Deliver(None, Some(length))),
        2 => Just(Act::Duplicate),
        2 => Just(Act::Delay),
        2 => Just(Act::Lose),
        1 => (0..3_u8, 0..4_u8, bytes()).prop_map(|(to, from, bytes)| Act::Inject(to, from, bytes)),
        2 => (0..3_u8, 0..4_u8, 0..70_u8, 0..4_u8, 0..3_u8)
            .prop_map(|(to, from, opcode, id, round)| Act::Junk(to, from, opcode, id, round)),
        2 => (0..3_u8, 0..5_u8, 0..3_u8).prop_map(|(party, kind, key)| Act::Expire(party, kind, key)),
        1 => (0..3_u8).prop_map(Act::Restart),
        1 => (0..3_u8, 0..3_u8).prop_map(|(party, what)| Act::Stream(party, what)),
    ]
}

/// Carries one act out.
fn perform(world: &mut World, streams: bool, act: Act) {
    let wrap = |frame: Vec<u8>| {
        if streams {
            Event::Bytes(frame)
        } else {
            Event::Datagram(frame)
        }
    };
    let call = |world: &mut World, party: u8, run: &mut dyn FnMut(&mut World) -> Effects| {
        let effects = run(world);
        world.done(party, &effects);
    };
    match act {
        Act::Command(id, command, list) => {
            let args = [Arg::Bytes(&list)];
            world.ask(id, command, if list.is_empty() { &[] } else { &args });
        }
        Act::Deliver(change, cut) => {
            let Some(mut parcel) = world.on_way.pop_front() else {
                return;
            };
            if let Event::Bytes(bytes) | Event::Datagram(bytes) = &mut parcel.event {
                let length = bytes.len().max(1);
                if let Some((at, value)) = change
                    && let Some(byte) = bytes.get_mut(usize::from(at) % length)
                {
                    *byte = value;
                }
                if let Some(cut) = cut {
                    bytes.truncate(usize::from(cut) % length);
                }
            }
            world.deliver(parcel);
        }
        Act::Duplicate => {
            if let Some(parcel) = world.on_way.front().cloned() {
                world.deliver(parcel);
            }
        }
        Act::Delay => {
            if let Some(parcel) = world.on_way.pop_front() {
                world.on_way.push_back(parcel);
            }
        }
        Act::Lose => drop(world.on_way.pop_front()),
        Act::Inject(to, from, bytes) => {
            let event = wrap(bytes);
            world.deliver(Parcel { to, from, event });
        }
        Act::Junk(to, from, opcode, id, round) => {
            let header = [opcode, id, 0, 0, 0, round, 1 + u8::from(to > 0)];
            let frame = [&header[..], &[7; 64]].concat();
            let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
            let event = wrap(if streams {
                [&length[..], &frame].concat()
            } else {
                frame
            });
            world.deliver(Parcel { to, from, event });
        }
        Act::Expire(party, kind, key) => {
            let timer = Timer {
                kind,
                key: u32::from(key),
            };
            call(world, party, &mut |world| match party {
                0 => world.server.timer(timer).clone(),
                id => world.client(id).timer(timer).clone(),
            });
        }
        Act::Restart(party) => call(world, party, &mut |world| match party {
            0 => world.server.restart().clone(),
            id => world.client(id).restart().clone(),
        }),
        Act::Stream(party, what) => {
            let event =
                [StreamEvent::Opened, StreamEvent::Closed, StreamEvent::Reset][usize::from(what)];
            call(world, party, &mut |world| match party {
                0 => world.server.stream(at(2), event).clone(),
                id => world.client(id).stream(SERVER_AT, event).clone(),
            });
        }
    }
}

fn variants() -> impl Strategy<Value = (&'static str, Option<&'static str>)> {
    prop_oneof![
        3 => Just(("as-published", None)),
        3 => Just(("literal", None)),
        3 => Just(("hardened", None)),
        4 => proptest::sample::select(Defence::WORDS).prop_map(|without| ("broken", Some(without))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_inputs_makes_a_machine_panic(
        (variant, without) in variants(),
        streams in any::<bool>(),
        confirm in any::<bool>(),
        resend in any::<bool>(),
        extended in any::<bool>(),
        acts in proptest::collection::vec(act(), 1..80),
    ) {
        let mut given = vec![
            ("framing", text(if streams { "length32" } else { "datagram" })),
            ("evolve", text(if confirm { "on-confirm" } else { "on-send" })),
            ("max_frame", Value::Integer(200)),
        ];
        if variant != "literal" {
            given.push(("recovery", text(if resend { "resend" } else { "off" })));
            given.push(("error_codes", text(if extended { "extended" } else { "base" })));
        }
        given.extend(without.map(|without| ("without", text(without))));
        let params = params(variant, &given);
        let mut world = World::new(&params, 2);
        world.lenient();
        world.command(1, command::AUTHENTICATE, &[]);
        for act in acts {
            perform(&mut world, streams, act);
        }
    }
}

/// Hands what one party sent to the other: `from` and `to` are their addresses.
fn pass(
    effects: &Effects,
    machine: &mut impl Machine,
    [from, to]: [Address; 2],
    cx: &mut Context<'_>,
) {
    for effect in effects.iter() {
        match effect {
            Effect::Send {
                to: Destination::Stream(_),
                bytes,
                ..
            } => machine.on_stream(from, StreamEvent::Bytes(bytes), cx),
            Effect::Send { bytes, channel, .. } => {
                let incoming = Incoming {
                    from,
                    to,
                    channel,
                    bytes,
                };
                machine.on_message(incoming, cx);
            }
            _ => {}
        }
    }
}

/// One command, what it makes the server do, and what that makes the client do.
fn exchange(client: &mut ClientBench, server: &mut ServerBench, streams: bool, id: u8) {
    let mut asked = client.command(id, Some(SERVER_AT), &[]);
    if streams && id == command::AUTHENTICATE {
        server.stream(at(1), StreamEvent::Opened);
        asked = client.stream(SERVER_AT, StreamEvent::Opened);
    }
    let answered = server.call(|machine, cx| pass(asked, machine, [at(1), SERVER_AT], cx));
    client.call(|machine, cx| pass(answered, machine, [SERVER_AT, at(1)], cx));
}

#[test]
fn the_steady_state_allocates_nothing() {
    for (variant, resend) in [
        ("as-published", "off"),
        ("as-published", "resend"),
        ("hardened", "resend"),
        ("literal", "off"),
    ] {
        for framing in ["length32", "datagram"] {
            let given = [
                ("framing", text(framing)),
                ("recovery", text(resend)),
                ("rounds_kept", Value::Integer(16)),
            ];
            let params = params(variant, &given);
            let mut client = client(&params, 1);
            let mut server = server(&params);
            let mut sessions = |count: u32| {
                for _ in 0..count {
                    exchange(
                        &mut client,
                        &mut server,
                        params.streams(),
                        command::AUTHENTICATE,
                    );
                    for _ in 0..20 {
                        exchange(
                            &mut client,
                            &mut server,
                            params.streams(),
                            command::SEND_DATA,
                        );
                    }
                    assert_eq!(client.machine.state(), "ACTIVE", "{variant} {framing}");
                    exchange(&mut client, &mut server, params.streams(), command::FINISH);
                }
            };
            // Buffers of the pool grow to what their users need.
            sessions(20);
            let allocations = allocation_counter::measure(|| sessions(20));
            assert_eq!(allocations.count_total, 0, "{variant} {framing} {resend}");
        }
    }
}
