//! The decoder: what is refused, and at which place.

use super::super::messages::{DATA_DOWN, DATA_UP, END, Message, tag_of};
use super::super::params::Params;
use super::super::*;
use super::support::*;
use crate::machine::Arg;
use crate::output::Place;
use crate::testing::sent;

fn params(given: &[(&'static str, &str)]) -> Params {
    Params::new("as-published", &values(given)).unwrap()
}

/// One good frame of each kind; data frames of one block, so that no prefix is a data frame too.
fn frames() -> Vec<Vec<u8>> {
    let mut world = World::new(&[]);
    let short = [Arg::Bytes(b"short")];
    let mut frames = world.handshake().to_vec();
    frames.extend(sent(world.command(SEND_DATA_UP, &short)));
    frames.extend(sent(world.server.command(
        SEND_DATA_DOWN,
        Some(device_at(1)),
        &short,
    )));
    frames.extend(sent(world.command(FINISH_COMMAND, &[])));
    assert_eq!(frames.len(), 7);
    frames
}

fn place(field: &'static str, index: Option<u16>, offset: u32) -> Place {
    Place {
        field,
        index,
        offset,
    }
}

#[test]
fn every_good_frame_decodes_to_its_own_message() {
    let params = params(&[]);
    for (number, frame) in frames().iter().enumerate() {
        let message = match params.wire.decode(frame).unwrap() {
            Message::M1 { device_id, .. } => {
                assert_eq!(device_id, 1);
                0
            }
            Message::M2 { c1 } => {
                assert_eq!(c1.len(), 4);
                1
            }
            Message::M3 { sealed } => {
                assert_eq!(sealed.len(), 80);
                2
            }
            Message::M4 { sealed } => {
                assert_eq!(sealed.len(), 64);
                3
            }
            Message::Application(frame) => {
                assert_eq!(frame.mac.len(), 32);
                assert_eq!(frame.iv.len(), if frame.message == END { 0 } else { 16 });
                frame.message
            }
        };
        assert_eq!(message, number);
    }
}

#[test]
fn every_strict_prefix_is_refused_at_its_end() {
    let params = params(&[]);
    for frame in frames() {
        for length in 1..frame.len() {
            let refused = params.wire.decode(&frame[..length]).unwrap_err();
            let data = [DATA_UP, DATA_DOWN].map(tag_of).contains(&frame[0]);
            if data && length >= 53 {
                assert_eq!(refused, place("ciphertext", None, 21));
            } else {
                assert_eq!(refused, place("end", None, u32::try_from(length).unwrap()));
            }
        }
        let empty = params.wire.decode(&[]).unwrap_err();
        assert_eq!(empty, place("tag", None, 0));
    }
}

#[test]
fn one_byte_too_many_is_refused() {
    let params = params(&[]);
    for mut frame in frames() {
        let end = u32::try_from(frame.len()).unwrap();
        let data = [DATA_UP, DATA_DOWN].map(tag_of).contains(&frame[0]);
        frame.push(0);
        let refused = params.wire.decode(&frame).unwrap_err();
        if data {
            assert_eq!(refused, place("ciphertext", None, 21));
        } else {
            assert_eq!(refused, place("end", None, end));
        }
    }
}

#[test]
fn unknown_tags_are_refused() {
    let params = params(&[]);
    for tag in (0..=255).filter(|tag| !(1..=7).contains(tag)) {
        let refused = params.wire.decode(&[tag; 64]).unwrap_err();
        assert_eq!(refused, place("tag", None, 0));
    }
}

#[test]
fn a_ciphertext_has_1_to_65_whole_blocks() {
    let params = params(&[]);
    for (ciphertext, good) in [
        (0, false),
        (16, true),
        (24, false),
        (1040, true),
        (1056, false),
    ] {
        let frame = vec![tag_of(DATA_UP); 53 + ciphertext];
        match params.wire.decode(&frame) {
            Ok(_) => assert!(good, "{ciphertext}"),
            Err(refused) => {
                assert!(!good, "{ciphertext}");
                assert_eq!(refused, place("ciphertext", None, 21));
            }
        }
    }
}

#[test]
fn an_index_list_is_judged_by_the_check_in_force() {
    let frame = |list: [u16; 4]| {
        let mut frame = vec![2];
        frame.extend(list.iter().flat_map(|index| index.to_be_bytes()));
        frame.extend([0; 16]);
        frame
    };
    let cases = [
        ([0, 1, 6, 7], [None, None, None]),
        ([0, 1, 6, 8], [Some(3), Some(3), None]),
        ([0, 1, 1, 2], [Some(2), None, None]),
        ([3, 1, 4, 5], [Some(1), None, None]),
        ([65535, 1, 4, 5], [Some(0), Some(0), None]),
    ];
    for (list, expected) in cases {
        for (check, index) in ["full", "range", "none"].into_iter().zip(expected) {
            let params = params(&[("challenge_check", check)]);
            let refused = params.wire.decode(&frame(list)).err();
            let at = index.map(|index: u16| place("c1", Some(index), 1 + 2 * u32::from(index)));
            assert_eq!(refused, at, "{list:?} {check}");
        }
    }
}
