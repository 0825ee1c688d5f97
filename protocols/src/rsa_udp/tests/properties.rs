//! Hostile input: no sequence of anything makes a machine panic, and states stay sound.

use proptest::prelude::*;

use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::machine::{Arg, Machine, Timer};
use crate::time::LocalTime;

/// One thing that happens to one of the two parties.
#[derive(Clone, Debug)]
enum Step {
    /// The frame sent `back` frames ago reaches a party, one byte changed when `change` is not 0.
    Frame {
        to_device: bool,
        back: usize,
        place: usize,
        change: u8,
        cut: usize,
        stranger: bool,
    },
    Noise {
        to_device: bool,
        bytes: Vec<u8>,
        stranger: bool,
    },
    Timer {
        device: bool,
        kind: u8,
        key: u32,
    },
    Command {
        device: bool,
        id: u8,
        text: Vec<u8>,
        any: bool,
    },
    Restart {
        device: bool,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let frame = (
        any::<bool>(),
        0..4_usize,
        0..200_usize,
        prop_oneof![3 => Just(0), 1 => any::<u8>()],
        prop_oneof![5 => Just(usize::MAX), 1 => 0..200_usize],
        prop::bool::weighted(0.1),
    );
    prop_oneof![
        8 => frame.prop_map(|(to_device, back, place, change, cut, stranger)| Step::Frame {
            to_device, back, place, change, cut, stranger,
        }),
        2 => (any::<bool>(), prop::collection::vec(any::<u8>(), 0..300), any::<bool>())
            .prop_map(|(to_device, bytes, stranger)| Step::Noise { to_device, bytes, stranger }),
        1 => (any::<bool>(), 0..7_u8, 0..2_u32)
            .prop_map(|(device, kind, key)| Step::Timer { device, kind, key }),
        4 => (prop::bool::weighted(0.1), 0..7_u8, prop::collection::vec(any::<u8>(), 0..100), any::<bool>())
            .prop_map(|(device, id, text, any)| Step::Command { device, id, text, any }),
        1 => any::<bool>().prop_map(|device| Step::Restart { device }),
        1 => (0..4000_u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

fn play<D: Machine, C: Machine>(mut world: World<D, C>, steps: &[Step]) {
    let mut frames = vec![world.start(0)];
    for step in steps {
        let seen = match step {
            Step::Frame {
                to_device,
                back,
                place,
                change,
                cut,
                stranger,
            } => {
                let mut bytes = frames[frames.len().saturating_sub(1 + back)].clone();
                if let Some(byte) = bytes.get_mut(*place) {
                    *byte ^= change;
                }
                bytes.truncate(*cut);
                deliver(&mut world, *to_device, *stranger, &bytes)
            }
            Step::Noise {
                to_device,
                bytes,
                stranger,
            } => deliver(&mut world, *to_device, *stranger, bytes),
            Step::Timer { device, kind, key } => {
                let timer = Timer {
                    kind: *kind,
                    key: *key,
                };
                Seen::of(if *device {
                    world.devices[0].timer(timer)
                } else {
                    world.clients[0].timer(timer)
                })
            }
            Step::Command {
                device,
                id,
                text,
                any,
            } => {
                let peer = (!any).then(|| device_address(0));
                let args = [Arg::Bytes(text), Arg::Bytes(text)];
                Seen::of(if *device {
                    world.devices[0].command(*id, peer, &args)
                } else if *any {
                    world.clients[0].command(*id, peer, &[])
                } else {
                    world.clients[0].command(*id, peer, &args)
                })
            }
            Step::Restart { device } => Seen::of(if *device {
                world.devices[0].restart()
            } else {
                world.clients[0].restart()
            }),
            Step::Wait { seconds } => {
                let later = |now: LocalTime| LocalTime(now.0 + seconds * 1_000_000_000);
                world.devices[0].now = later(world.devices[0].now);
                world.clients[0].now = later(world.clients[0].now);
                continue;
            }
        };
        // A refused command says so and does nothing else.
        if seen
            .list
            .iter()
            .any(|effect| effect.starts_with("Rejected command"))
        {
            assert!(seen.frames.is_empty(), "{:?}", seen.list);
        }
        frames.extend(seen.frames);
    }
}

fn deliver<D: Machine, C: Machine>(
    world: &mut World<D, C>,
    to_device: bool,
    stranger: bool,
    bytes: &[u8],
) -> Seen {
    match (to_device, stranger) {
        (true, false) => world.deliver_up(0, 0, bytes),
        (true, true) => world.deliver_up_from(0, Address::new(9, 9), bytes),
        (false, false) => world.deliver_down(0, 0, bytes),
        (false, true) => world.deliver_down_from(0, Address::new(9, DEVICE_PORT), bytes),
    }
}

/// (variant, parameter, value): each way in which machines differ.
const FORMS: [(&str, &str, &str); 16] = [
    ("as-published", "consent", "on-command"),
    ("as-published", "consent", "always"),
    ("as-published", "recovery", "timed"),
    ("as-published", "rsa_mode", "modelled"),
    ("as-published", "key_pool", "1"),
    ("hardened", "consent", "always"),
    ("broken", "without", "password"),
    ("broken", "without", "server-hash"),
    ("broken", "without", "number"),
    ("broken", "without", "sequence"),
    ("broken", "without", "peer"),
    ("broken", "without", "cipher"),
    ("broken", "without", "hash"),
    ("broken", "without", "binding"),
    ("broken", "without", "limits"),
    ("broken", "without", "retry"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_sequence_of_inputs_makes_a_machine_panic(
        form in 0..FORMS.len(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (variant, name, value) = FORMS[form];
        play(World::new(variant, &[(name, value)], 1, 1), &steps);
    }

    #[test]
    fn no_sequence_of_inputs_makes_the_printed_program_panic(
        consent in prop_oneof![Just("always"), Just("on-command")],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        play(World::literal(&[("consent", consent)], 1, 1), &steps);
    }

    #[test]
    fn lines_of_any_length_and_number_arrive_once_and_in_order(
        form in 0..6_usize,
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..61), 0..8),
    ) {
        let (variant, name, value) = FORMS[form];
        let mut world = World::new(variant, &[(name, value)], 1, 1);
        world.connect();
        for line in &lines {
            let (sent, taken, echoed) = world.exchange(line);
            let said = |seen: &Seen| seen.outputs.iter().find_map(|output| match output {
                crate::Output::DataSent { seq, digest, .. } => Some((*seq, *digest)),
                _ => None,
            });
            let heard = |seen: &Seen| seen.outputs.iter().find_map(|output| match output {
                crate::Output::DataAccepted { seq, digest, .. } => Some((*seq, *digest)),
                _ => None,
            });
            prop_assert_eq!(said(&sent), heard(&taken));
            prop_assert_eq!(said(&taken), heard(&echoed));
            prop_assert_eq!(taken.shared(), echoed.shared());
        }
        prop_assert_eq!(world.clients[0].machine.state(), "PROMPT");
    }
}
