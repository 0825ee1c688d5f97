//! No sequence of inputs makes a machine panic: random and mutated frames, timers, commands,
//! restarts, clock steps, torn and missing records.

use proptest::prelude::*;

use super::world::{Call, LiteralWorld, NOW, Packet, RC, S1, U1, World, word};
use crate::multi_server::PORT;
use crate::parameter::Value;
use crate::storage::{Storage as _, Write, torn};
use crate::{Address, Arg, Channel, Machine, Record, Timer};

#[derive(Clone, Debug)]
enum Step {
    /// Deliver the oldest frame, with these bytes changed, to its addressee or another party.
    Deliver {
        flips: Vec<(u16, u8)>,
        cut: Option<u16>,
        to: Option<u32>,
        keep: bool,
    },
    Noise(u32, Vec<u8>, bool),
    Timer(u32, u8, u32),
    Command(u32, u8, u32, Vec<u8>),
    Restart(u32),
    Time(u64),
    Tear(u32, u8, u32, u16),
}

fn host() -> impl Strategy<Value = u32> {
    1u32..=6
}

fn step() -> impl Strategy<Value = Step> {
    let flips = prop::collection::vec((any::<u16>(), any::<u8>()), 0..2);
    let cut = prop::option::weighted(0.1, any::<u16>());
    let to = prop::option::weighted(0.1, host());
    let password = prop_oneof![
        Just(Vec::new()),
        Just(b"new password".to_vec()),
        prop::collection::vec(any::<u8>(), 0..80)
    ];
    prop_oneof![
        8 => (flips, cut, to, any::<bool>())
            .prop_map(|(flips, cut, to, keep)| Step::Deliver { flips, cut, to, keep }),
        1 => (host(), prop::collection::vec(any::<u8>(), 0..120), any::<bool>())
            .prop_map(|(host, bytes, secure)| Step::Noise(host, bytes, secure)),
        3 => (host(), 0u8..8, 0u32..3).prop_map(|(host, kind, key)| Step::Timer(host, kind, key)),
        5 => (host(), 0u8..9, host(), password)
            .prop_map(|(host, id, peer, text)| Step::Command(host, id, peer, text)),
        1 => host().prop_map(Step::Restart),
        1 => prop_oneof![Just(0), Just(u64::MAX), Just(NOW), Just(NOW + 1)].prop_map(Step::Time),
        1 => (host(), 0u8..3, 0u32..3, any::<u16>())
            .prop_map(|(host, table, key, length)| Step::Tear(host, table, key, length)),
    ]
}

fn apply<C: Machine, S: Machine, U: Machine>(world: &mut World<C, S, U>, step: Step) {
    match step {
        Step::Deliver {
            flips,
            cut,
            to,
            keep,
        } => {
            let Some(original) = world.wire.pop_front() else {
                return;
            };
            let mut packet = original.clone();
            if keep && world.wire.len() < 50 {
                world.wire.push_back(original);
            }
            let length = packet.bytes.len().max(1);
            for (at, value) in flips {
                if let Some(byte) = packet.bytes.get_mut(usize::from(at) % length) {
                    *byte ^= value;
                }
            }
            if let Some(cut) = cut {
                packet.bytes.truncate(usize::from(cut) % length);
            }
            world.call(to.unwrap_or(packet.to.host), Call::Message(&packet));
        }
        Step::Noise(host, bytes, secure) => {
            let channel = if secure {
                Channel::Secure
            } else {
                Channel::Public
            };
            let packet = Packet {
                from: Address::new(U1, PORT),
                to: Address::new(host, PORT),
                channel,
                bytes,
            };
            world.call(host, Call::Message(&packet));
        }
        Step::Timer(host, kind, key) => {
            world.call(host, Call::Timer(Timer { kind, key }));
        }
        Step::Command(host, id, peer, text) => {
            let argument = if text.is_empty() {
                Arg::Default
            } else {
                Arg::Bytes(&text)
            };
            world.command(host, id, peer, &[Arg::Default, argument]);
        }
        Step::Restart(host) => {
            world.call(host, Call::Restart);
        }
        Step::Time(now) => world.set_time(now),
        Step::Tear(host, table, key, length) => tear(world, (host, table, key), length),
    }
}

/// Cuts a record short, as a torn first write would leave it.
fn tear<C: Machine, S: Machine, U: Machine>(
    world: &mut World<C, S, U>,
    (host, table, key): (u32, u8, u32),
    length: u16,
) {
    let storage = match host {
        RC => &mut world.rc.storage,
        S1..U1 => &mut world.servers[(host - S1) as usize].storage,
        _ => &mut world.users[(host - U1) as usize].storage,
    };
    let record = Record::new(table, key);
    if let Some(bytes) = storage.read(record) {
        let cut = torn(&[], bytes, usize::from(length) % (bytes.len() + 1));
        storage.apply(Write::Put(record, &cut));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_sequence_of_inputs_makes_a_machine_panic(
        variant in 0usize..5,
        in_band in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let registration = if in_band { "in-band" } else { "provisioned" };
        let mut given = vec![("registration", word(registration))];
        let name = ["as-published", "readme-equations", "hardened", "broken", "as-published"][variant];
        if variant == 4 {
            given.push(("recovery", word("resend")));
            given.push(("freshness", word("off")));
            given.push(("errors", word("detailed")));
        } else if variant == 3 {
            given.push(("without", word("proof")));
            given.push(("users_max", Value::Integer(3)));
        }
        let mut world = World::new(name, &given);
        for step in steps {
            apply(&mut world, step);
        }
    }

    #[test]
    fn no_sequence_of_inputs_makes_a_machine_of_the_prototype_panic(
        in_band in any::<bool>(),
        trusting in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let registration = if in_band { "in-band" } else { "provisioned" };
        let mut given = vec![("registration", word(registration))];
        if trusting {
            given.push(("base", word("literal")));
        }
        let name = if trusting { "broken" } else { "literal" };
        let mut world = LiteralWorld::literal(name, &given);
        for step in steps {
            apply(&mut world, step);
        }
    }
}
