//! Encoding and decoding.

use super::super::messages::{decode, layouts};
use super::*;
use crate::testing::unhex;

#[test]
fn fields_lie_where_the_layout_says() {
    let bytes = frame(Kind::Job, 7, 0x0102, 0x1112_1314_1516_1718, 0x2122_2324, 20);
    assert_eq!(
        bytes,
        unhex("01 07 0102 1112131415161718 21222324 00000000")
    );
    let located = layouts()[0].locate(&bytes).unwrap();
    let read: Vec<u64> = (1..5).map(|index| located.integer(index)).collect();
    assert_eq!(read, [7, 0x0102, 0x1112_1314_1516_1718, 0x2122_2324]);
}

#[test]
fn answers_have_sixteen_bytes_and_no_filler() {
    for (kind, tag) in [(Kind::Done, 2), (Kind::Full, 3)] {
        let bytes = frame(kind, 0, 1, 2, 3, 16);
        assert_eq!((bytes.len(), bytes[0]), (16, tag));
        let mut longer = bytes.clone();
        longer.push(0);
        let place = decode(&layouts(), &longer).unwrap_err();
        assert_eq!((place.field, place.offset), ("end", 16));
    }
}

#[test]
fn every_strict_prefix_of_a_header_is_refused() {
    for kind in [Kind::Job, Kind::Done, Kind::Full] {
        let bytes = frame(kind, 9, 8, 7, 6, 16);
        assert!(decode(&layouts(), &bytes).is_ok());
        for length in 0..bytes.len() {
            let place = decode(&layouts(), &bytes[..length]).unwrap_err();
            let expected = if length == 0 {
                ("tag", 0)
            } else {
                ("end", length as u32)
            };
            assert_eq!((place.field, place.offset), expected, "{kind:?} {length}");
        }
    }
}

#[test]
fn unknown_tags_are_refused() {
    let mut bytes = frame(Kind::Job, 0, 1, 2, 3, 64);
    for tag in (0..=255).filter(|tag| !(1..=3).contains(tag)) {
        bytes[0] = tag;
        let place = decode(&layouts(), &bytes).unwrap_err();
        assert_eq!((place.field, place.offset), ("tag", 0));
    }
}

#[test]
fn the_first_filler_byte_that_is_not_zero_is_named() {
    let mut bytes = frame(Kind::Job, 0, 1, 2, 3, 64);
    bytes[40] = 1;
    bytes[50] = 1;
    let place = decode(&layouts(), &bytes).unwrap_err();
    assert_eq!((place.field, place.offset), ("filler", 40));
}
