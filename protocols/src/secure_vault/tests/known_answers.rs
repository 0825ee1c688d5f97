//! Values computed by an independent program and frozen, and answers that can be had by hand.
//!
//! Fixed bytes are streams SHA-256(label || u32 0) || SHA-256(label || u32 1) || .., cut to length.

use super::super::equations::{Exchange, combined_key, draw_challenge, update_vault};
use super::super::messages::{indices, sealed_bytes};
use super::super::params::{CipherMode, Params, Word as _};
use super::super::vault::VAULTS;
use super::super::*;
use super::support::*;
use crate::crypto::{Crypto, sha256_unmetered};
use crate::entropy::Script;
use crate::machine::Arg;
use crate::meter::{Primitive, Totals};
use crate::storage::{MemoryStorage, Record, Storage as _, Write};
use crate::testing::{Bench, sent, unhex};

fn stream(label: &str, length: usize) -> Vec<u8> {
    (0u32..)
        .flat_map(|block| sha256_unmetered(&[label.as_bytes(), &block.to_be_bytes()]))
        .take(length)
        .collect()
}

fn params(given: &[(&'static str, &str)]) -> Params {
    Params::new("as-published", &values(given)).unwrap()
}

/// A world whose vault, device and server bytes are fixed streams.
fn fixed_world(given: &[(&'static str, &str)]) -> World<Script> {
    let mut world = World::scripted(given, &stream("device", 4096), &stream("server", 4096));
    let record = [&[0; 4][..], &stream("vault", 128)].concat();
    world.devices[0]
        .storage
        .apply(Write::Put(Record::new(VAULTS, 0), &record));
    world
        .server
        .storage
        .apply(Write::Put(Record::new(VAULTS, 1), &record));
    world
}

#[test]
fn a_whole_session_matches_the_independent_program_in_every_cipher_mode() {
    let text = include_str!("sessions.txt");
    let lines: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 5 * 8);
    for expected in lines.chunks(8) {
        let mut world = fixed_world(&[("cipher_mode", expected[0])]);
        let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
        let m2 = only(sent(world.reach_server(&m1)));
        let m3 = only(sent(world.reach_device(&m2)));
        let effects = world.reach_server(&m3);
        let (m4, at_server) = (only(sent(effects)), accepted(effects).unwrap());
        let at_device = accepted(world.reach_device(&m4)).unwrap();
        for (frame, hex) in [m1, m2, m3, m4].iter().zip(&expected[1..5]) {
            assert_eq!(frame, &unhex(hex), "{}", expected[0]);
        }
        assert_eq!(at_device, at_server);
        assert_eq!(at_device.0.as_slice(), unhex(expected[5]));
        assert_eq!(at_device.1.as_slice(), unhex(expected[6]));
        let (device, server) = world.records();
        assert_eq!(device[4..], unhex(expected[7]));
        assert_eq!(device, server);
    }
}

#[test]
fn a_session_with_data_both_ways_and_update_at_its_end_matches() {
    let text = include_str!("session_end.txt");
    let expected: Vec<_> = text.lines().skip(1).map(unhex).collect();
    let mut world = fixed_world(&[("commit", "session-end")]);
    world.handshake();
    let up = only(sent(
        world.command(SEND_DATA_UP, &[Arg::Bytes(b"21.5 degrees")]),
    ));
    world.reach_server(&up);
    let down = world
        .server
        .command(SEND_DATA_DOWN, Some(device_at(1)), &[Arg::Bytes(&[])]);
    let down = only(sent(down));
    world.reach_device(&down);
    let second = only(sent(world.command(SEND_DATA_UP, &[])));
    world.reach_server(&second);
    let end = only(sent(world.command(FINISH_COMMAND, &[])));
    world.reach_server(&end);
    assert_eq!([up, down, second, end], expected[..4]);
    let (device, server) = world.records();
    assert_eq!(device[4..], expected[4]);
    assert_eq!(device, server);
}

#[test]
fn a_hardened_session_matches_the_independent_program() {
    let text = include_str!("hardened_session.txt");
    let expected: Vec<_> = text.lines().skip(1).map(unhex).collect();
    let mut world = World::hardened_scripted(&stream("device", 4096), &stream("server", 4096));
    let slot = [&[0; 4][..], &stream("vault", 128)].concat();
    let put = |storage: &mut MemoryStorage, key, end: &[u8]| {
        let bytes = [&slot, end].concat();
        storage.apply(Write::Put(Record::new(VAULTS, key), &bytes));
    };
    put(
        &mut world.devices[0].storage,
        0,
        &sha256_unmetered(&[&slot])[..8],
    );
    put(&mut world.server.storage, 1, &[0]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let m4 = only(sent(world.reach_server(&m3)));
    let at_device = accepted(world.reach_device(&m4)).unwrap();
    let up = only(sent(
        world.command(SEND_DATA_UP, &[Arg::Bytes(b"21.5 degrees")]),
    ));
    assert_eq!([m1, m2, m3, m4], expected[..4]);
    assert_eq!(at_device.0.as_slice(), expected[4]);
    assert_eq!(at_device.1.as_slice(), expected[5]);
    // The device's second copy and the server's current slot.
    for storage in [&world.devices[0].storage, &world.server.storage] {
        let record = storage.read(Record::new(VAULTS, 1)).unwrap();
        assert_eq!(record[..4], [0, 0, 0, 1]);
        assert_eq!(record[4..4 + 128], expected[6]);
    }
    assert_eq!(up, expected[7]);
}

#[test]
fn a_literal_session_matches_the_independent_program() {
    let text = include_str!("literal_session.txt");
    let expected: Vec<_> = text.lines().skip(1).collect();
    let (device, server) = (stream("device", 65536), stream("server", 65536));
    let mut world = World::literal_scripted(&device, &server);
    let record = [&[0; 4][..], &stream("vault", 32_000)].concat();
    for (storage, key) in [
        (&mut world.devices[0].storage, 0),
        (&mut world.server.storage, 1),
    ] {
        storage.apply(Write::Put(Record::new(VAULTS, key), &record));
    }
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let m4 = only(sent(world.reach_server(&m3)));
    let at_device = accepted(world.reach_device(&m4)).unwrap();
    assert_eq!(m1, expected[0].as_bytes());
    assert_eq!(m2, expected[1].as_bytes());
    assert_eq!(sha256_unmetered(&[&m3]).as_slice(), unhex(expected[2]));
    assert_eq!(m4, expected[3].as_bytes());
    assert_eq!(at_device.0.as_slice(), unhex(expected[4]));
    assert_eq!(at_device.1.as_slice(), unhex(expected[5]));
    let (device, server) = world.records();
    assert_eq!(
        sha256_unmetered(&[&device[4..]]).as_slice(),
        unhex(expected[6])
    );
    assert_eq!(device, server);
}

#[test]
fn updates_match_for_every_combination_of_parameters() {
    let text = include_str!("updates.txt");
    let mut cases = 0;
    for line in text.lines().skip(1) {
        let words: Vec<_> = line.split(' ').collect();
        let [keys, bits, hash, from, add, tail, transcript, digest] = words[..] else {
            panic!("eight words: {line}");
        };
        let params = params(&[
            ("keys", keys),
            ("key_bits", bits),
            ("challenge", "3"),
            ("update_hash", hash),
            ("partition_from", from),
            ("partition_add", add),
            ("vault_tail", tail),
            ("transcript", transcript),
        ]);
        let sealed = |label, bytes| stream(label, sealed_bytes(CipherMode::Cbc, bytes));
        let opening = stream("opening", 8 + params.challenge_bytes() + params.key_bytes);
        let exchange = Exchange {
            opening: &opening,
            third: &sealed("third", params.plain3_bytes()),
            fourth: &sealed("fourth", params.plain4_bytes()),
            plain3: &stream("plain3", params.plain3_bytes()),
            plain4: &stream("plain4", params.plain4_bytes()),
        };
        let mut data = Vec::new();
        exchange.write(&params, &mut data);
        let mut vault = stream("vault", params.vault_bytes());
        vault.resize(params.vault_bytes() + params.tail_bytes(), 0);
        for _ in 0..2 {
            let mut new = Vec::new();
            update_vault(&mut Crypto::default(), &params, &vault, &data, &mut new);
            vault = new;
        }
        assert_eq!(sha256_unmetered(&[&vault])[..8], unhex(digest), "{line}");
        cases += 1;
    }
    assert_eq!(cases, 4 * 2 * 2 * 3 * 2 * 2);
}

#[test]
fn all_partitions_change_by_the_same_mask_and_their_number() {
    let params = params(&[("keys", "16"), ("challenge", "8")]);
    let vault = stream("vault", params.vault_bytes());
    let mut new = Vec::new();
    update_vault(&mut Crypto::default(), &params, &vault, b"data", &mut new);
    let masks: Vec<Vec<u8>> = vault
        .chunks(64)
        .zip(new.chunks(64))
        .zip(0u8..)
        .map(|((old, new), number)| {
            let mut mask: Vec<_> = old.iter().zip(new).map(|(a, b)| a ^ b).collect();
            mask[63] ^= number;
            mask
        })
        .collect();
    assert_eq!(masks.len(), 4);
    assert!(masks.iter().all(|mask| *mask == masks[0]));
    assert!(masks[0].iter().any(|byte| *byte != 0));
}

#[test]
fn the_combined_key_is_the_xor_of_its_rows() {
    let vault: Vec<u8> = (1..=8).flat_map(|value| [value; 16]).collect();
    let key = |list: &[u16]| {
        let wire: Vec<u8> = list.iter().flat_map(|index| index.to_be_bytes()).collect();
        let mut crypto = Crypto::default();
        let key = combined_key(&mut crypto, &vault, 16, indices(&wire));
        let rows: u32 = crypto.meter.operations().iter().map(|one| one.count).sum();
        assert_eq!(rows as usize, list.len().saturating_sub(1));
        key[..16].to_vec()
    };
    assert_eq!(key(&[0, 1, 2, 3]), [4; 16]);
    assert_eq!(key(&[0, 1, 2]), [0; 16]);
    assert_eq!(key(&[5, 5]), [0; 16], "with multiplicity");
    assert_eq!(key(&[5, 8]), [6; 16], "an index without a key is zero");
    assert_eq!(key(&[]), [0; 16]);
}

#[test]
fn challenges_are_drawn_by_partial_shuffle_and_never_repeat_the_other_one() {
    let params = params(&[("keys", "40"), ("challenge", "7")]);
    let mut bench = Bench::new(
        Device::new(Arc::new(params.clone()), 1, SERVER_AT),
        MemoryStorage::default(),
        Script::new(stream("draws", 512)),
    );
    let mut drawn = Vec::new();
    bench.call(|_, cx| draw_challenge(cx, &params, None, &mut drawn));
    let mut expected = Vec::new();
    let mut script = Script::new(stream("draws", 512));
    crate::entropy::partial_shuffle(&mut script, 40, 7, &mut expected);
    expected.sort_unstable();
    let expected: Vec<u8> = expected
        .iter()
        .flat_map(|index| index.to_be_bytes())
        .collect();
    assert_eq!(drawn, expected);
    // Entropy that repeats itself draws the same set for ever; the last indices end it.
    bench.entropy = Script::default();
    let first: Vec<u8> = (0..7u16).flat_map(u16::to_be_bytes).collect();
    let last: Vec<u8> = (33..40u16).flat_map(u16::to_be_bytes).collect();
    drawn.clear();
    bench.call(|_, cx| draw_challenge(cx, &params, Some(indices(&first)), &mut drawn));
    assert_eq!(drawn, last);
}

#[test]
fn bodies_have_the_sizes_of_the_specification() {
    for (keys, bits, challenge, sizes) in [
        ("8", "128", "4", [8, 24, 80, 64]),
        ("16", "128", "8", [8, 32, 96, 64]),
        ("8", "256", "3", [8, 38, 128, 96]),
        ("1000", "128", "200", [8, 416, 480, 64]),
    ] {
        let given = [("keys", keys), ("key_bits", bits), ("challenge", challenge)];
        let frames = World::new(&given).handshake();
        assert_eq!(frames.map(|frame| frame.len() - 1), sizes);
        for mode in CipherMode::WORDS {
            let mut given = given.to_vec();
            given.push(("cipher_mode", mode));
            let params = params(&given);
            let frames = World::new(&given).handshake();
            for (frame, layout) in frames.iter().zip(&params.wire.layouts) {
                assert_eq!(layout.fixed_size(), u32::try_from(frame.len()).ok());
            }
        }
    }
}

#[test]
fn a_handshake_costs_what_the_specification_counts() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let mut device = Totals::default();
    let count = |totals: &mut Totals, crypto: &Crypto| {
        crypto
            .meter
            .operations()
            .iter()
            .for_each(|one| totals.add(one));
    };
    count(&mut device, &world.devices[0].crypto);
    assert_eq!(device.of(Primitive::Aes128Encrypt), (4, 64));
    let m4 = only(sent(world.reach_server(&m3)));
    let mut server = Totals::default();
    count(&mut server, &world.server.crypto);
    world.reach_device(&m4);
    count(&mut device, &world.devices[0].crypto);
    assert_eq!(device.of(Primitive::Aes128Decrypt), (3, 48));
    assert_eq!(server.of(Primitive::Aes128Decrypt), (4, 64));
    assert_eq!(server.of(Primitive::Aes128Encrypt), (3, 48));
    // A key of 176 bytes is hashed first: those bytes are work too.
    for totals in [&device, &server] {
        assert_eq!(totals.of(Primitive::HmacSha512), (1, 176 + 128));
        // Three rows for each of two keys, t1 into k2, t, and two partitions.
        assert_eq!(totals.of(Primitive::Xor).0, 3 + 3 + 1 + 1 + 2);
    }
}
