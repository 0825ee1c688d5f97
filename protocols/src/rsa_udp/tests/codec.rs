//! Frames: exact sizes, and every malformation with its place.

use super::super::messages::*;
use super::support::params;
use crate::output::Place;

fn at(field: &'static str, offset: u32) -> Place {
    Place {
        field,
        index: None,
        offset,
    }
}

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

/// One frame of each kind for a modulus of `size` bytes.
fn frames<'a>(modulus: &'a [u8], name: &'a [u8]) -> [Frame<'a>; 6] {
    [
        Frame::Connect {
            salt: salt_from([1; 16]),
            number: 7,
            name,
        },
        Frame::Pass(Pass {
            number: 7,
            login_hash: [2; 32],
            client_salt: salt_from([3; 16]),
            dh_public: 9,
            exponent: 65_537,
            modulus,
            user: name,
        }),
        Frame::Encrypt(Encrypt {
            server_hash: [4; 32],
            dh_public: 9,
            exponent: 65_537,
            modulus,
        }),
        Frame::Error(ErrorCode::Argument),
        Frame::Busy,
        Frame::Sealed(modulus),
    ]
}

#[test]
fn sizes_are_exact_for_every_modulus() {
    for (bits, text_max) in [("1024", 77), ("2048", 205), ("3072", 333), ("4096", 461)] {
        let params = params("as-published", &[("rsa_bits", bits)]);
        let k = params.modulus_bytes();
        assert_eq!(params.text_max(), text_max);
        let modulus = vec![0xFF; k];
        let sizes = frames(&modulus, b"user1").map(|frame| encoded(&frame).len());
        assert_eq!(sizes, [22 + 5, 64 + k + 5, 43 + k, 2, 1, 1 + k]);
        for (layout, frame) in params.layouts.iter().zip(frames(&modulus, b"user1")) {
            let bytes = encoded(&frame);
            assert_eq!(layout.tag, Some(bytes[0]), "{}", layout.name);
            assert!(layout.locate(&bytes).is_ok(), "{}", layout.name);
            assert_eq!(decode(&params.layouts, &bytes), Ok(frame));
        }
    }
    let sha256 = params(
        "as-published",
        &[("rsa_bits", "4096"), ("oaep_hash", "sha256")],
    );
    assert_eq!(sha256.text_max(), 437);
    assert_eq!(params("hardened", &[("rsa_bits", "4096")]).text_max(), 445);
}

#[test]
fn every_prefix_and_every_extension_is_refused_with_its_place() {
    let params = params("as-published", &[]);
    let modulus = [0xFF; 128];
    for frame in frames(&modulus, b"user1") {
        let mut bytes = encoded(&frame);
        for length in 0..bytes.len() {
            let place = decode(&params.layouts, &bytes[..length]).unwrap_err();
            let expected = match length {
                0 => at("tag", 0),
                _ if bytes[0] == 6 => at("end", u32::try_from(length).unwrap()),
                _ => at("end", u32::try_from(length).unwrap()),
            };
            assert_eq!(place, expected, "{frame:?} cut to {length}");
        }
        let whole = u32::try_from(bytes.len()).unwrap();
        bytes.push(0);
        assert_eq!(decode(&params.layouts, &bytes), Err(at("end", whole)));
    }
}

#[test]
fn unknown_tags_and_oversized_datagrams_are_refused() {
    let layouts = &params("as-published", &[]).layouts;
    for tag in [0, 7, 0x41, 0xFF] {
        assert_eq!(decode(layouts, &[tag, 0, 0]), Err(at("tag", 0)));
    }
    let mut huge = vec![2; DATAGRAM_MAX + 1];
    assert_eq!(decode(layouts, &huge), Err(at("end", 8192)));
    huge.truncate(DATAGRAM_MAX);
    assert_ne!(decode(layouts, &huge), Err(at("end", 8192)));
}

#[test]
fn names_are_held_to_length_and_alphabet() {
    let layouts = &params("as-published", &[]).layouts;
    let modulus = [0xFF; 128];
    let connect = |name: &[u8]| decode_owned(layouts, &frames(&modulus, name)[0]);
    let pass = |name: &[u8]| decode_owned(layouts, &frames(&modulus, name)[1]);
    assert_eq!(connect(&[b'x'; 64]), Ok(()));
    assert_eq!(connect(&[b'x'; 65]), Err(at("name_len", 21)));
    assert_eq!(connect(b""), Err(at("name_len", 21)));
    for bad in [&b"a,b"[..], b"a\nb", b"\xff", "\u{85}".as_bytes()] {
        assert_eq!(connect(bad), Err(at("name", 22)), "{bad:?}");
        assert_eq!(pass(bad), Err(at("user", 192)), "{bad:?}");
    }
    assert_eq!(connect("a:b é".as_bytes()), Ok(()));
    assert_eq!(pass(b"a:b"), Err(at("user", 192)));
    assert_eq!(pass(b""), Err(at("user_len", 63)));
    assert_eq!(pass(&[b'x'; 65]), Err(at("user_len", 63)));
    for code in [0, 4, 255] {
        assert_eq!(decode(layouts, &[4, code]), Err(at("code", 1)));
    }
}

fn decode_owned(layouts: &[crate::wire::Layout], frame: &Frame<'_>) -> Result<(), Place> {
    decode(layouts, &encoded(frame)).map(|_| ())
}

#[test]
fn a_modulus_of_another_length_is_no_malformation() {
    let layouts = &params("as-published", &[]).layouts;
    for length in [0, 1, 127, 129, 256] {
        let modulus = vec![0xFF; length];
        for frame in &frames(&modulus, b"user1")[1..3] {
            assert_eq!(decode(layouts, &encoded(frame)), Ok(*frame));
        }
    }
}

#[test]
fn inner_frames_are_refused_with_their_place() {
    let data = |tag: u8, text: &[u8]| {
        let mut bytes = vec![tag, 0, 0, 0, 0, 0, 0, 1, 0];
        bytes.extend(text);
        bytes
    };
    for length in 0..INNER_HEADER {
        let cut = &data(1, b"")[..length];
        assert_eq!(Inner::decode(cut), Err(at("seq", 1)));
    }
    for tag in [0, 4, 255] {
        assert_eq!(Inner::decode(&data(tag, b"x")), Err(at("tag", 0)));
    }
    assert_eq!(Inner::decode(&data(3, b"x")), Err(at("end", 9)));
    for (tag, kind) in [
        (1, InnerKind::Data),
        (2, InnerKind::Echo),
        (3, InnerKind::Fin),
    ] {
        let text: &[u8] = if tag == 3 { b"" } else { b"text" };
        let bytes = data(tag, text);
        let inner = Inner::decode(&bytes).unwrap();
        assert_eq!((inner.kind, inner.seq, inner.text), (kind, 256, text));
        let mut again = Vec::new();
        inner.encode(&mut again);
        assert_eq!(again, bytes);
    }
}

#[test]
fn salts_carry_version_and_variant_bits_and_nothing_else_is_fixed() {
    let ones = salt_from([0xFF; 16]);
    assert_eq!((ones[6], ones[8]), (0x4F, 0xBF));
    let zeros = salt_from([0; 16]);
    assert_eq!((zeros[6], zeros[8]), (0x40, 0x80));
    let untouched = (0..16).filter(|index| ![6, 8].contains(index));
    assert!(untouched.clone().all(|index| ones[index] == 0xFF));
    assert!(untouched.clone().all(|index| zeros[index] == 0));
}
