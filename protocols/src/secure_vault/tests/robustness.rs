//! No sequence of inputs makes a machine panic, and honest parties survive it.

use proptest::prelude::*;

use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::machine::{Arg, Machine, Timer};
use crate::testing::sent;

/// One input of an arbitrary run.
#[derive(Clone, Debug)]
enum Input {
    Command {
        id: u8,
        bytes: Option<usize>,
    },
    ServerCommand {
        id: u8,
        host: u32,
    },
    /// Deliver frame `pick` of those seen so far, to the server or the device, changed or not.
    Deliver {
        pick: usize,
        up: bool,
        change: Change,
    },
    Noise {
        up: bool,
        host: u32,
        bytes: Vec<u8>,
    },
    Timer {
        up: bool,
        kind: u8,
        key: u32,
    },
    Restart {
        up: bool,
    },
}

#[derive(Clone, Debug)]
enum Change {
    None,
    Flip { byte: usize, bit: u8 },
    Cut { to: usize },
    Extend { with: u8 },
    Tag(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => Just(Change::None),
        2 => (any::<usize>(), 0u8..8).prop_map(|(byte, bit)| Change::Flip { byte, bit }),
        1 => any::<usize>().prop_map(|to| Change::Cut { to }),
        1 => any::<u8>().prop_map(|with| Change::Extend { with }),
        1 => (0u8..9).prop_map(Change::Tag),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => (0u8..7, prop::option::of(0usize..1200))
            .prop_map(|(id, bytes)| Input::Command { id, bytes }),
        1 => (0u8..7, 0u32..3).prop_map(|(id, host)| Input::ServerCommand { id, host }),
        8 => (any::<usize>(), any::<bool>(), change())
            .prop_map(|(pick, up, change)| Input::Deliver { pick, up, change }),
        1 => (any::<bool>(), 0u32..3, prop::collection::vec(any::<u8>(), 0..100))
            .prop_map(|(up, host, bytes)| Input::Noise { up, host, bytes }),
        1 => (any::<bool>(), 0u8..7, 0u32..3)
            .prop_map(|(up, kind, key)| Input::Timer { up, kind, key }),
        1 => any::<bool>().prop_map(|up| Input::Restart { up }),
    ]
}

impl Change {
    fn apply(&self, mut frame: Vec<u8>) -> Vec<u8> {
        match *self {
            Self::None => {}
            Self::Flip { byte, bit } => {
                let length = frame.len().max(1);
                if let Some(byte) = frame.get_mut(byte % length) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut { to } => frame.truncate(to % (frame.len() + 1)),
            Self::Extend { with } => frame.push(with),
            Self::Tag(tag) => {
                if let Some(first) = frame.first_mut() {
                    *first = tag;
                }
            }
        }
        frame
    }
}

fn play<D: Machine, S: Machine>(world: &mut World<Seeded, D, S>, inputs: &[Input]) {
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for input in inputs {
        let frames = match input {
            Input::Command { id, bytes } => {
                let bytes = bytes.map(|length| vec![7; length]);
                let arg = bytes.as_deref().map_or(Arg::Default, Arg::Bytes);
                sent(world.command(*id, &[arg]))
            }
            Input::ServerCommand { id, host } => {
                sent(world.server.command(*id, Some(device_at(*host)), &[]))
            }
            Input::Deliver { pick, up, change } => {
                // Late frames matter most: count from the newest.
                let Some(place) = seen.len().checked_sub(1 + pick % (seen.len() + 1).min(6)) else {
                    continue;
                };
                let frame = change.apply(seen[place].clone());
                if *up {
                    sent(world.reach_server(&frame))
                } else {
                    sent(world.reach_device(&frame))
                }
            }
            Input::Noise { up, host, bytes } => {
                let from = Address::new(*host, PORT);
                if *up {
                    sent(world.server.message(from, SERVER_AT, bytes))
                } else {
                    sent(world.devices[0].message(from, device_at(1), bytes))
                }
            }
            Input::Timer { up, kind, key } => {
                let timer = Timer {
                    kind: *kind,
                    key: *key,
                };
                if *up {
                    sent(world.server.timer(timer))
                } else {
                    sent(world.devices[0].timer(timer))
                }
            }
            Input::Restart { up } => {
                if *up {
                    world.server.restart();
                } else {
                    world.devices[0].restart();
                }
                Vec::new()
            }
        };
        seen.extend(frames);
    }
}

/// Parameter sets that reach different code.
const SETTINGS: &[(&str, &[(&str, &str)])] = &[
    ("as-published", &[]),
    (
        "as-published",
        &[
            ("commit", "session-end"),
            ("cipher_mode", "ctr"),
            ("vault_tail", "keep"),
            ("keys", "5"),
            ("challenge", "2"),
            ("session_length", "1000000000"),
            ("at_rest", "sealed"),
        ],
    ),
    (
        "as-published",
        &[
            ("recovery", "resend"),
            ("pending_by", "session"),
            ("pending_max", "2"),
            ("pending_timeout", "1000000000"),
            ("cipher_mode", "ecb-nopad"),
            ("challenge_check", "none"),
            ("transcript", "plain"),
        ],
    ),
    ("broken", &[("without", "r1")]),
    ("broken", &[("without", "r2")]),
    ("broken", &[("without", "cipher")]),
    ("broken", &[("without", "device-id")]),
    ("broken", &[("without", "challenge")]),
    ("broken", &[("without", "verify-before-commit")]),
    ("broken", &[("without", "update")]),
    ("broken", &[("without", "durable")]),
    ("broken", &[("without", "mac")]),
    ("broken", &[("without", "pending")]),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_sequence_of_inputs_makes_a_machine_panic(
        setting in 0..SETTINGS.len(),
        inputs in prop::collection::vec(input(), 0..60),
    ) {
        let (variant, given) = SETTINGS[setting];
        let mut world = World::of(variant, 1, given);
        play(&mut world, &inputs);
    }

    #[test]
    fn no_sequence_of_inputs_makes_a_hardened_machine_panic(
        epoch in prop::bool::ANY,
        inputs in prop::collection::vec(input(), 0..60),
    ) {
        let given = [("hardened_epoch", if epoch { "true" } else { "false" })];
        play(&mut HardenedWorld::hardened(1, &given), &inputs);
    }

    #[test]
    fn no_sequence_of_inputs_makes_a_literal_machine_panic(
        inputs in prop::collection::vec(input(), 0..40),
    ) {
        let given = [("keys", "6"), ("challenge", "2")];
        play(&mut LiteralWorld::literal(2, &given), &inputs);
    }

    #[test]
    fn torn_and_missing_records_make_no_machine_panic(
        length in 0usize..140,
        inputs in prop::collection::vec(input(), 0..30),
    ) {
        use crate::storage::{MemoryStorage, Record, Write};
        let mut world = World::new(&[]);
        let cut = |storage: &mut MemoryStorage, key| {
            storage.apply(Write::Put(Record::new(vault::VAULTS, key), &vec![3; length]));
        };
        cut(&mut world.devices[0].storage, 0);
        cut(&mut world.server.storage, 1);
        play(&mut world, &inputs);
    }
}
