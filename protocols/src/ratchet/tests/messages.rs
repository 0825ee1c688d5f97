//! Frames: sizes, layouts, and what the decoder refuses.

use super::{frame, fresh, params, text};
use crate::crypto::Crypto;
use crate::protocol::Instance as _;
use crate::ratchet::Configured;
use crate::ratchet::fault::Fault;
use crate::ratchet::messages::decode;
use crate::ratchet::params::Params;
use crate::ratchet::verification::{Expected, verify};

fn expected(params: &Params) -> Expected {
    Expected {
        client: 1,
        round: 3,
        direction: 1,
        pair: fresh(params, 1).c2s,
        answered: None,
    }
}

#[test]
fn frames_have_the_size_that_the_payload_asks_for() {
    let params = params("as-published", &[]);
    let pair = fresh(&params, 1).c2s;
    for length in 0..=64 {
        let payload = vec![b'1'; length];
        let sealed = frame(&params, 30, 1, 3, 1, &pair, &payload);
        assert_eq!(sealed.len(), 55 + 16 * (length / 16 + 1));
        let mut opened = Vec::new();
        let good = verify(
            &params,
            &mut Crypto::default(),
            &sealed,
            &expected(&params),
            &mut opened,
        );
        assert_eq!(good.unwrap().header.round, 3);
        assert_eq!(opened, payload);
    }
}

#[test]
fn every_prefix_and_every_extension_is_refused() {
    for variant in ["as-published", "literal", "hardened"] {
        let params = params(variant, &[]);
        let good = frame(&params, 30, 1, 3, 1, &fresh(&params, 1).c2s, b"10.0,20.0");
        let refused = |bytes: &[u8]| {
            let crypto = &mut Crypto::default();
            verify(&params, crypto, bytes, &expected(&params), &mut Vec::new())
                .map(|_| ())
                .unwrap_err()
        };
        for length in 0..good.len() {
            let fault = refused(&good[..length]);
            let short = matches!(fault, Fault::Malformed(place) if place.field == "length" && place.offset as usize == length);
            assert!(
                short || (variant == "literal" && fault == Fault::Mac),
                "{variant} {length} {fault:?}"
            );
        }
        for byte in [0, 255] {
            let fault = refused(&[&good[..], &[byte]].concat());
            let blocks = matches!(fault, Fault::Malformed(place) if place.field == "ciphertext" && place.offset == 23);
            assert!(
                blocks || (variant == "literal" && fault == Fault::Mac),
                "{variant} {fault:?}"
            );
        }
    }
}

#[test]
fn every_bit_of_a_frame_is_covered_by_a_check() {
    let params = params("as-published", &[]);
    let good = frame(&params, 30, 1, 3, 1, &fresh(&params, 1).c2s, b"10.0,20.0");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let crypto = &mut Crypto::default();
        assert!(
            verify(&params, crypto, &bad, &expected(&params), &mut Vec::new()).is_err(),
            "bit {bit}"
        );
    }
}

#[test]
fn the_decoder_names_field_and_offset() {
    let params = params("as-published", &[]);
    let good = frame(&params, 30, 1, 3, 1, &fresh(&params, 1).c2s, b"1");
    for (offset, value, field) in [
        (0, 0, "opcode"),
        (0, 51, "opcode"),
        (6, 0, "direction"),
        (6, 3, "direction"),
    ] {
        let mut bad = good.clone();
        bad[offset] = value;
        let place = decode(&params, &bad).unwrap_err();
        assert_eq!((place.field, place.offset as usize), (field, offset));
    }
}

#[test]
fn layouts_describe_what_is_on_the_wire() {
    for (framing, prefix) in [("length32", 4_u32), ("datagram", 0)] {
        for variant in ["as-published", "literal"] {
            let params = params(variant, &[("framing", text(framing))]);
            let configured = Configured {
                params: std::sync::Arc::clone(&params),
            };
            let layouts = configured.layouts();
            let size = |name: &str| {
                let layout = layouts.iter().find(|layout| layout.name == name).unwrap();
                layout.fixed_size()
            };
            assert_eq!(size("CLIENT_HELLO"), Some(87 + prefix));
            assert_eq!(size("KEY_DESYNC_ERROR"), Some(71 + prefix));
            assert_eq!(size("TERMINATE"), Some(71 + prefix));
            if variant == "literal" {
                assert_eq!(size("ERROR_51"), Some(151 + prefix));
                assert_eq!(size("ERROR_52"), Some(135 + prefix));
                assert_eq!(size("ERROR_53"), Some(119 + prefix));
            } else {
                assert_eq!(size("SERVER_CHALLENGE"), Some(103 + prefix));
            }
            assert_eq!(layouts.last().unwrap().name == "CLOSE", prefix > 0);
            let pair = fresh(&params, 1).c2s;
            for (opcode, name) in [(10, "CLIENT_HELLO"), (30, "CLIENT_DATA"), (60, "TERMINATE")] {
                let sealed = frame(
                    &params,
                    opcode,
                    1,
                    0,
                    1,
                    &pair,
                    &vec![b'x'; 15 + usize::from(opcode == 10)],
                );
                let length = u32::try_from(sealed.len()).unwrap().to_be_bytes();
                let bytes = [&length[..prefix as usize], &sealed].concat();
                let layout = &layouts[configured.classify(&bytes).unwrap()];
                assert_eq!(layout.name, name);
                let located = layout.locate(&bytes).unwrap();
                let at = usize::from(prefix > 0);
                assert_eq!(located.integer(at), u64::from(opcode));
                assert_eq!(located.field(at + 6), &sealed[sealed.len() - 32..]);
            }
            assert_eq!(configured.classify(&[99, 0, 0, 0, 99]), None);
            assert_eq!(configured.classify(&[]), None);
            if prefix > 0 {
                assert_eq!(
                    configured.classify(&[0, 0, 0, 71]),
                    None,
                    "a length without its frame"
                );
                let close = configured.classify(&[0; 4]).unwrap();
                assert_eq!(layouts[close].name, "CLOSE");
            }
        }
    }
}

#[test]
fn a_verified_frame_binds_the_frame_that_it_answers() {
    let params = params("hardened", &[]);
    let good = frame(&params, 40, 1, 3, 1, &fresh(&params, 1).c2s, b"x");
    let bound = Expected {
        answered: Some([7; 32]),
        ..expected(&params)
    };
    let fault = verify(
        &params,
        &mut Crypto::default(),
        &good,
        &bound,
        &mut Vec::new(),
    )
    .unwrap_err();
    assert_eq!(fault, Fault::Mac);
}
