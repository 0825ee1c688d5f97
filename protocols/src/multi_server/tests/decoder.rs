//! The decoder: sizes, and what it refuses with field and offset.

use super::world::values;
use crate::multi_server::messages::{
    AuthRep, AuthReq, DbRep, DbReq, ListRep, ListReq, Message, PwdAck, PwdRep, PwdReq, SregReq,
    UregAck, decode, padded,
};
use crate::multi_server::params::Params;
use crate::output::Place;
use crate::parameter::Value;

fn params(variant: &str) -> Params {
    Params::new(variant, &values(&[])).unwrap()
}

fn list(records: usize) -> Vec<u8> {
    let mut record = Vec::new();
    record.extend(padded::<16>(b"hospital1"));
    record.extend([7; 32]);
    record.extend(padded::<24>("Zürich".as_bytes()));
    record.repeat(records)
}

fn all<'a>(list: &'a [u8], records: &'a [u8], hardened: bool) -> Vec<(Message<'a>, usize)> {
    let nonce = hardened.then_some([9; 16]);
    let longer = if hardened { 16 } else { 0 };
    let (id, hash) = (padded(b"hospital1"), [7; 32]);
    vec![
        (
            Message::SregReq(SregReq {
                id,
                p: hash,
                q: [8; 32],
                loc: padded(b"L1"),
            }),
            105,
        ),
        (Message::SregAck { ssk: hash }, 33),
        (
            Message::UregReq {
                uid: hash,
                a: [8; 32],
            },
            65,
        ),
        (
            Message::UregAck(UregAck {
                c: hash,
                d: [8; 32],
                list_version: 3,
                list,
            }),
            69 + list.len(),
        ),
        (
            Message::AuthReq(AuthReq {
                alpha: hash,
                beta: [8; 32],
                t1: 1 << 60,
                nonce,
            }),
            73 + longer,
        ),
        (
            Message::AuthRep(AuthRep {
                gamma: hash,
                sigma: [8; 32],
                t2: u64::MAX,
                nonce,
            }),
            73 + longer,
        ),
        (Message::Reject { code: 3 }, 2),
        (
            Message::ListReq(ListReq {
                uid: hash,
                t: 5,
                tau: [8; 32],
            }),
            73,
        ),
        (
            Message::ListRep(ListRep {
                t: 5,
                list_version: 1,
                mu: hash,
                list,
            }),
            45 + list.len(),
        ),
        (
            Message::PwdReq(PwdReq {
                uid: hash,
                pa: [8; 32],
                tau: [9; 32],
                t: 5,
            }),
            105,
        ),
        (
            Message::PwdRep(PwdRep {
                cx: hash,
                dx: [8; 32],
                version: 2,
                t: 5,
                mu: [9; 32],
            }),
            109,
        ),
        (
            Message::PwdAck(PwdAck {
                ack: hash,
                uid: [8; 32],
                version: 2,
            }),
            69,
        ),
        (
            Message::DbReq(DbReq {
                id,
                omega: hash,
                t: 5,
            }),
            57,
        ),
        (
            Message::DbRep(DbRep {
                t: 5,
                mu: hash,
                records,
            }),
            45 + records.len(),
        ),
    ]
}

fn encoded(params: &Params, message: &Message<'_>) -> Vec<u8> {
    let mut frame = Vec::new();
    message.encode(params, &mut frame);
    frame
}

#[test]
fn frames_have_the_declared_sizes_and_read_back() {
    for variant in ["as-published", "hardened"] {
        let params = params(variant);
        for (servers, users) in [(0, 0), (1, 1), (3, 100)] {
            let (list, records) = (list(servers), vec![6; 68 * users]);
            for (index, (message, size)) in
                all(&list, &records, params.hardened()).iter().enumerate()
            {
                let frame = encoded(&params, message);
                assert_eq!(frame.len(), *size, "{}", params.layouts[index].name);
                assert_eq!(usize::from(frame[0]), index + 1);
                assert_eq!(decode(&params, &frame).as_ref(), Ok(message));
                assert!(params.layouts[index].locate(&frame).is_ok());
            }
        }
    }
}

#[test]
fn every_strict_prefix_and_one_byte_extension_is_refused() {
    for variant in ["as-published", "hardened"] {
        let params = params(variant);
        let (list, records) = (list(2), vec![6; 68 * 2]);
        for (message, _) in all(&list, &records, params.hardened()) {
            let frame = encoded(&params, &message);
            for length in 0..frame.len() {
                // A list that ends with a whole record is a shorter list: its mu tells.
                let whole = match frame[0] {
                    4 => length >= 69 && (length - 69).is_multiple_of(72),
                    9 => length >= 45 && (length - 45).is_multiple_of(72),
                    _ => false,
                };
                let answer = decode(&params, &frame[..length]);
                assert_eq!(answer.is_ok(), whole, "tag {} length {length}", frame[0]);
            }
            let mut longer = frame.clone();
            longer.push(0);
            let place = decode(&params, &longer).unwrap_err();
            let expected = match frame[0] {
                4 => ("list", 69),
                9 => ("list", 45),
                14 => ("count", 9),
                _ => ("end", u32::try_from(frame.len()).unwrap()),
            };
            assert_eq!((place.field, place.offset), expected);
        }
    }
}

#[test]
fn an_empty_frame_and_unknown_tags_are_refused_at_the_tag() {
    let params = params("as-published");
    let at_tag = Place {
        field: "tag",
        index: None,
        offset: 0,
    };
    for frame in [&[][..], &[0], &[15, 1, 2], &[0x10], &[255]] {
        assert_eq!(decode(&params, frame), Err(at_tag));
    }
}

#[test]
fn badly_filled_names_are_refused_where_they_stand() {
    let params = params("as-published");
    let good = SregReq {
        id: padded(b"hospital1"),
        p: [1; 32],
        q: [2; 32],
        loc: padded(b"L1"),
    };
    let bad_ids: [&[u8]; 4] = [b"", b"a\0b", b"tab\there", b"\xFF\xFE"];
    for bad in bad_ids {
        let request = SregReq {
            id: padded(bad),
            ..good
        };
        let frame = encoded(&params, &Message::SregReq(request));
        let place = decode(&params, &frame).unwrap_err();
        assert_eq!((place.field, place.offset), ("id_j", 1));
    }
    let request = SregReq {
        loc: padded(b"a\0b"),
        ..good
    };
    let frame = encoded(&params, &Message::SregReq(request));
    let place = decode(&params, &frame).unwrap_err();
    assert_eq!((place.field, place.offset), ("loc_j", 81));

    let mut bad_list = list(2);
    bad_list[72] = 0;
    let answer = Message::UregAck(UregAck {
        c: [1; 32],
        d: [2; 32],
        list_version: 0,
        list: &bad_list,
    });
    let place = decode(&params, &encoded(&params, &answer)).unwrap_err();
    assert_eq!(
        (place.field, place.index, place.offset),
        ("id_j", Some(1), 69 + 72)
    );
}

#[test]
fn lists_and_tables_above_the_maximum_are_refused() {
    let small = values(&[
        ("servers_max", Value::Integer(1)),
        ("users_max", Value::Integer(1)),
    ]);
    let params = Params::new("as-published", &small).unwrap();
    let (list, records) = (list(2), vec![6; 68 * 2]);
    let messages = all(&list, &records, false);
    let refused = |tag: usize| {
        let frame = encoded(&params, &messages[tag - 1].0);
        decode(&params, &frame).unwrap_err().field
    };
    assert_eq!(
        (refused(4), refused(9), refused(14)),
        ("list", "list", "count")
    );
}
