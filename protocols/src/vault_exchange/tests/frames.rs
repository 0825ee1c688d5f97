//! Layouts, sizes, and what the decoder refuses.

use super::super::messages::{Message, Wire};
use super::super::params::Params;
use super::*;
use crate::testing::unhex;

fn wire(variant: &str, given: Given<'_>) -> Wire {
    Params::new(variant, &values(given)).unwrap().wire
}

fn refusal(wire: &Wire, frame: &[u8]) -> (&'static str, Option<u16>, u32) {
    let place = wire.decode(frame).unwrap_err();
    (place.field, place.index, place.offset)
}

fn indices(wire: &Wire, indices: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wire.write_indices(indices, &mut frame);
    frame
}

fn key(wire: &Wire, combined: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    wire.write_key(combined, &mut frame);
    frame
}

#[test]
fn published_frames_have_4_and_17_bytes_and_33_for_long_keys() {
    let short = wire("as-published", &[]);
    assert_eq!(indices(&short, &[2, 3]), unhex("01 02 02 03"));
    assert_eq!(key(&short, &[7; 16]).len(), 17);
    let long = wire("as-published", &[("key_bits", number(256))]);
    let frame = key(&long, &[7; 32]);
    assert_eq!(frame.len(), 33);
    assert_eq!(long.decode(&frame), Ok(Message::Key { combined: &[7; 32] }));
}

#[test]
fn an_empty_frame_and_unknown_tags_are_refused_at_the_tag() {
    let wire = wire("as-published", &[]);
    for frame in [&[][..], &[0, 1, 2], &[3, 1, 2], &[255]] {
        assert_eq!(refusal(&wire, frame), ("tag", None, 0));
    }
}

#[test]
fn every_strict_prefix_of_a_published_frame_is_refused() {
    let wire = wire("as-published", &[]);
    let request = indices(&wire, &[2, 3]);
    assert_eq!(refusal(&wire, &request[..1]), ("count", None, 1));
    assert_eq!(refusal(&wire, &request[..2]), ("end", None, 2));
    assert_eq!(refusal(&wire, &request[..3]), ("end", None, 3));
    let answer = key(&wire, &[7; 16]);
    for length in 1..answer.len() {
        let at = length as u32;
        assert_eq!(refusal(&wire, &answer[..length]), ("end", None, at));
    }
}

#[test]
fn every_one_byte_extension_of_a_published_frame_is_refused() {
    let wire = wire("as-published", &[]);
    for mut frame in [indices(&wire, &[2, 3]), key(&wire, &[7; 16])] {
        let end = frame.len() as u32;
        for byte in 0..=255 {
            frame.push(byte);
            assert_eq!(refusal(&wire, &frame), ("end", None, end));
            frame.pop();
        }
    }
}

#[test]
fn a_request_without_indices_is_refused_at_the_count() {
    let wire = wire("as-published", &[]);
    assert_eq!(refusal(&wire, &[1, 0]), ("count", None, 1));
    assert_eq!(refusal(&wire, &[1, 0, 0]), ("count", None, 1));
}

#[test]
fn range_takes_any_number_of_indices_below_n_and_repetitions() {
    let wire = wire("as-published", &[]);
    for good in [&[1, 1, 3][..], &[1, 3, 0, 0, 0], &[1, 1, 0]] {
        assert!(wire.decode(good).is_ok(), "{good:?}");
    }
    assert_eq!(refusal(&wire, &[1, 2, 3, 4]), ("index", Some(1), 3));
    assert_eq!(refusal(&wire, &[1, 1, 255]), ("index", Some(0), 2));
}

#[test]
fn full_takes_p_different_indices_only() {
    let wire = wire("as-published", &[("challenge_check", word("full"))]);
    assert!(wire.decode(&[1, 2, 3, 0]).is_ok());
    assert_eq!(refusal(&wire, &[1, 1, 3]), ("count", None, 1));
    assert_eq!(refusal(&wire, &[1, 3, 3, 0, 1]), ("count", None, 1));
    assert_eq!(refusal(&wire, &[1, 2, 3, 3]), ("index", Some(1), 3));
    assert_eq!(refusal(&wire, &[1, 2, 4, 0]), ("index", Some(0), 2));
}

#[test]
fn none_takes_any_index() {
    let wire = wire("as-published", &[("challenge_check", word("none"))]);
    assert!(wire.decode(&[1, 3, 255, 255, 4]).is_ok());
    assert_eq!(refusal(&wire, &[1, 0]), ("count", None, 1));
}

#[test]
fn literal_frames_have_the_size_of_the_serialised_objects() {
    let wire = wire("literal", &[]);
    let sizes = [1, 2, 3, 4].map(|count| indices(&wire, &[0, 1, 2, 3][..count]).len());
    assert_eq!(sizes, [17, 20, 22, 24]);
    let low = [0x7F; 16];
    let high = [0x80; 16];
    assert_eq!([key(&wire, &low).len(), key(&wire, &high).len()], [30, 31]);
    for frame in [
        indices(&wire, &[1]),
        indices(&wire, &[1, 2]),
        key(&wire, &low),
        key(&wire, &high),
    ] {
        assert!(wire.decode(&frame).is_ok());
        for length in 0..frame.len() {
            assert!(wire.decode(&frame[..length]).is_err());
        }
        let end = frame.len() as u32;
        let mut longer = frame.clone();
        longer.push(0);
        assert_eq!(refusal(&wire, &longer), ("end", None, end));
        let mut filled = frame;
        *filled.last_mut().unwrap() = 1;
        assert_eq!(refusal(&wire, &filled), ("fill", None, end - 1));
    }
}

#[test]
fn literal_indices_are_signed_and_negative_ones_count_from_the_end() {
    let wire = wire("literal", &[]);
    let frame = indices(&wire, &[255, 0xFC]);
    assert!(wire.decode(&frame).is_ok());
    assert_eq!([wire.row(255), wire.row(0xFC)], [Some(3), Some(0)]);
    for bad in [4, 127, 128, 0xFB] {
        let frame = indices(&wire, &[0, bad]);
        assert_eq!(refusal(&wire, &frame), ("index", Some(1), 3));
    }
    assert_eq!(refusal(&wire, &[1, 0, 0, 0, 0]), ("count", None, 1));
}

#[test]
fn the_twin_without_secrecy_sends_as_many_rows_as_the_vault_has() {
    let wire = wire("broken", &[("without", word("secrecy"))]);
    assert_eq!(wire.layouts()[1].fixed_size(), Some(1 + 4 * 16));
}
