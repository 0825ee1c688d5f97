//! No sequence of inputs makes a machine panic.

use super::hardened::HardenedPair;
use super::*;
use crate::machine::Timer;
use crate::testing::sent;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Message {
        from: (u32, u16),
        bytes: Vec<u8>,
    },
    /// A frame that the other machine sent, whole or with one byte changed.
    Relay {
        back: usize,
        flip: Option<(usize, u8)>,
    },
    Timer(u8, u32),
    Command(u8),
    Restart,
    Tear(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let frame =
        (0..6_u8, proptest::collection::vec(any::<u8>(), 0..45)).prop_map(|(tag, mut bytes)| {
            bytes.insert(0, tag);
            bytes
        });
    let request = proptest::collection::vec(0..6_u8, 0..6).prop_map(|indices| {
        let mut bytes = vec![1, indices.len() as u8];
        bytes.extend(indices);
        bytes
    });
    let bytes = prop_oneof![frame, request, Just(vec![])];
    let from = (0..4_u32, PORT - 1..=PORT);
    let flip = proptest::option::of((any::<usize>(), any::<u8>()));
    prop_oneof![
        3 => (from, bytes).prop_map(|(from, bytes)| Step::Message { from, bytes }),
        4 => (0..4_usize, flip).prop_map(|(back, flip)| Step::Relay { back, flip }),
        3 => (0..6_u8, 0..3_u32).prop_map(|(kind, key)| Step::Timer(kind, key)),
        3 => (0..3_u8).prop_map(Step::Command),
        1 => Just(Step::Restart),
        1 => (0..80_usize).prop_map(Step::Tear),
    ]
}

/// Gives a step to one machine; what it sends is added to `sent_frames`.
fn give<M: Machine>(
    bench: &mut Bench<M, Lcg>,
    me: Address,
    other: Address,
    step: &Step,
    heard: &[Vec<u8>],
) -> Vec<Vec<u8>> {
    match step {
        Step::Message { from, bytes } => {
            sent(bench.message(Address::new(from.0, from.1), me, bytes))
        }
        Step::Relay { back, flip } => {
            let Some(frame) = heard.iter().rev().nth(*back) else {
                return Vec::new();
            };
            let mut frame = frame.clone();
            if let Some((place, mask)) = flip {
                let place = place % frame.len().max(1);
                frame[place] ^= mask;
            }
            sent(bench.message(other, me, &frame))
        }
        Step::Timer(kind, key) => sent(bench.timer(Timer {
            kind: *kind,
            key: *key,
        })),
        Step::Command(id) => sent(bench.command(*id, None, &[])),
        Step::Restart => sent(bench.restart()),
        Step::Tear(length) => {
            let record = bench.storage.iter().next().map(|(record, _)| record);
            let record = record.unwrap_or(Record::new(0, 0));
            bench.storage.apply(Write::Put(record, &vec![7; *length]));
            Vec::new()
        }
    }
}

fn drive<D: Machine, S: Machine>(
    device: &mut Bench<D, Lcg>,
    server: &mut Bench<S, Lcg>,
    steps: &[(bool, Step)],
) {
    let (mut from_device, mut from_server) = (Vec::new(), Vec::new());
    device.start();
    server.start();
    for (at_device, step) in steps {
        if *at_device {
            from_device.extend(give(device, DEVICE_AT, SERVER_AT, step, &from_server));
        } else {
            from_server.extend(give(server, SERVER_AT, DEVICE_AT, step, &from_device));
        }
    }
}

fn configurations() -> impl Strategy<Value = (&'static str, Vec<(&'static str, Value)>)> {
    let twins = [
        "wait", "vault", "secrecy", "update", "session", "durable", "queue",
    ];
    let twin = (0..twins.len()).prop_map(move |which| {
        let given = vec![("without", word(twins[which]))];
        ("broken", given)
    });
    let length = prop_oneof![Just(0_u64), Just(10)];
    let check = prop_oneof![Just("none"), Just("range"), Just("full")];
    let published = (length.clone(), check).prop_map(|(length, check)| {
        let given = vec![
            ("session_length", seconds(length)),
            ("challenge_check", word(check)),
            ("recovery", word("resend")),
        ];
        ("as-published", given)
    });
    let literal = length.prop_map(|length| ("literal", vec![("session_length", seconds(length))]));
    prop_oneof![twin, published, literal]
}

proptest! {
    #[test]
    fn machines_survive_any_sequence_of_inputs(
        (variant, given) in configurations(),
        steps in proptest::collection::vec((any::<bool>(), step()), 0..80),
    ) {
        let mut pair = Pair::new(variant, &given);
        drive(&mut pair.device, &mut pair.server, &steps);
        prop_assert!(!state_of(&pair.device).is_empty());
        prop_assert!(!state_of(&pair.server).is_empty());
    }

    #[test]
    fn hardened_machines_survive_any_sequence_of_inputs(
        length in prop_oneof![Just(0_u64), Just(10)],
        steps in proptest::collection::vec((any::<bool>(), step()), 0..80),
    ) {
        let mut pair = HardenedPair::new(&[("session_length", seconds(length))]);
        drive(&mut pair.device, &mut pair.server, &steps);
        prop_assert!(!state_of(&pair.device).is_empty());
        prop_assert!(!state_of(&pair.server).is_empty());
    }
}
