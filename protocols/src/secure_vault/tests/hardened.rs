//! What `hardened` changes: sizes, two slots, two copies, and failed frames that change nothing.

use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::effect::Effects;
use crate::machine::{Machine as _, Timer};
use crate::output::{Fingerprint, Output};
use crate::storage::{MemoryStorage, Record, Storage as _, Write, torn};
use crate::testing::{outputs, sent};

fn named(effects: &Effects) -> Vec<Fingerprint> {
    let last = outputs(effects)
        .into_iter()
        .rev()
        .find_map(|output| match output {
            Output::SharedState { fingerprints, .. } => Some(fingerprints.as_slice().to_vec()),
            _ => None,
        });
    last.unwrap()
}

fn in_step(world: &mut HardenedWorld) -> bool {
    let device = named(world.devices[0].restart());
    let server = named(world.server.restart());
    device.iter().any(|value| server.contains(value))
}

#[test]
fn frames_have_the_sizes_of_the_specification() {
    let frames = HardenedWorld::hardened(1, &[]).handshake();
    assert_eq!(frames.map(|frame| frame.len()), [13, 29, 101, 85]);
    let without_epoch = [("hardened_epoch", "false")];
    let frames = HardenedWorld::hardened(1, &without_epoch).handshake();
    assert_eq!(frames.map(|frame| frame.len()), [9, 29, 101, 85]);
}

#[test]
fn both_ends_accept_one_session_and_one_key() {
    for given in [&[][..], &[("key_bits", "256")], &[("at_rest", "sealed")]] {
        let mut world = HardenedWorld::hardened(1, given);
        for _ in 0..3 {
            let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
            let m2 = only(sent(world.reach_server(&m1)));
            let m3 = only(sent(world.reach_device(&m2)));
            let effects = world.reach_server(&m3);
            let (m4, at_server) = (only(sent(effects)), accepted(effects));
            assert!(at_server.is_some());
            assert_eq!(accepted(world.reach_device(&m4)), at_server);
            let up = only(sent(world.command(SEND_DATA_UP, &[])));
            assert_eq!(lines(world.reach_server(&up))[0], "data accepted 0");
            world.command(ABORT, &[]);
        }
        assert!(in_step(&mut world));
    }
}

#[test]
fn the_server_stores_before_it_answers_and_keeps_the_previous_vault() {
    let mut world = HardenedWorld::hardened(1, &[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let effects = world.reach_server(&m3);
    assert_eq!(
        lines(effects),
        [
            "cancel pending:0",
            "store 387 bytes",
            "running",
            "send M4 (85 bytes) to 1",
            "accepted 0:1",
            "shared state, epoch 1"
        ]
    );
    assert_eq!(named(effects).len(), 2);
}

#[test]
fn the_first_frame_of_the_session_drops_the_previous_vault() {
    let mut world = HardenedWorld::hardened(1, &[]);
    world.handshake();
    let end = only(sent(world.command(FINISH_COMMAND, &[])));
    let effects = world.reach_server(&end);
    assert_eq!(
        lines(effects),
        ["store 255 bytes", "shared state, epoch 1", "ended: end"]
    );
    assert_eq!(named(effects).len(), 1);
}

#[test]
fn a_lost_m4_leaves_the_ends_in_step_and_the_next_attempt_succeeds() {
    for epoch in ["true", "false"] {
        let mut world = HardenedWorld::hardened(1, &[("hardened_epoch", epoch)]);
        for _ in 0..3 {
            world.until_m4();
            world.command(ABORT, &[]);
        }
        assert!(in_step(&mut world));
        world.handshake();
        assert_eq!(world.devices[0].machine.state(), "SESSION");
    }
}

#[test]
fn a_repeated_m3_gets_the_same_m4_even_after_the_server_restarts() {
    let mut world = HardenedWorld::hardened(1, &[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let m4 = only(sent(world.reach_server(&m3)));
    world.server.restart();
    let effects = world.reach_server(&m3);
    assert_eq!(lines(effects), ["send M4 (85 bytes) to 1"]);
    assert_eq!(only(sent(effects)), m4);
    assert!(accepted(world.reach_device(&m4)).is_some());
    assert!(in_step(&mut world));
}

#[test]
fn frames_that_fail_change_nothing_at_either_end() {
    let mut world = HardenedWorld::hardened(1, &[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    // Another session id, and an index that does not exist.
    for byte in [1, 5] {
        let mut changed = m2.clone();
        changed[byte] ^= 0x80;
        assert!(lines(world.reach_device(&changed))[0].starts_with("rejected Frame"));
    }
    let m3 = only(sent(world.reach_device(&m2)));
    for byte in 1..m3.len() {
        let mut changed = m3.clone();
        changed[byte] ^= 1;
        let effects = lines(world.reach_server(&changed));
        let reason = if byte < 5 { "unexpected" } else { "mac" };
        assert_eq!(effects, [format!("rejected Frame: {reason}")]);
    }
    let m4 = only(sent(world.reach_server(&m3)));
    for byte in 1..m4.len() {
        let mut changed = m4.clone();
        changed[byte] ^= 1;
        let effects = lines(world.reach_device(&changed));
        let reason = if byte < 5 { "unexpected" } else { "mac" };
        assert_eq!(effects, [format!("rejected Frame: {reason}")]);
    }
    assert!(accepted(world.reach_device(&m4)).is_some());
}

#[test]
fn an_m1_must_name_an_epoch_that_the_server_has() {
    let mut world = HardenedWorld::hardened(1, &[]);
    let mut m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    m1[12] = 1;
    assert_eq!(lines(world.reach_server(&m1)), ["rejected Frame: epoch"]);
}

#[test]
fn a_forged_m1_under_the_devices_address_hides_no_honest_handshake() {
    let mut world = HardenedWorld::hardened(2, &[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let mut forged = m1.clone();
    forged[4] = 2;
    assert_eq!(sent(world.reach_server(&forged)).len(), 1);
    let m3 = only(sent(world.reach_device(&m2)));
    assert!(accepted(world.reach_server(&m3)).is_some());
}

#[test]
fn a_pending_handshake_ends_after_its_time() {
    let mut world = HardenedWorld::hardened(1, &[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let effects = world.reach_server(&m1);
    assert_eq!(lines(effects)[1], "arm pending:0 30000ms");
    let m2 = only(sent(effects));
    world.server.timer(Timer {
        kind: PENDING,
        key: 0,
    });
    let m3 = only(sent(world.reach_device(&m2)));
    assert_eq!(
        lines(world.reach_server(&m3)),
        ["rejected Frame: unexpected"]
    );
}

#[test]
fn a_write_torn_at_any_byte_leaves_the_device_with_its_old_or_new_vault() {
    for at_rest in ["clear", "sealed"] {
        let mut world = HardenedWorld::hardened(1, &[("at_rest", at_rest)]);
        // Two updates, so that both copies exist and the third overwrites a good one.
        for _ in 0..2 {
            world.handshake();
        }
        let old = copies(&world.devices[0].storage);
        world.handshake();
        let new = copies(&world.devices[0].storage);
        assert_eq!(old.iter().zip(&new).filter(|(a, b)| a != b).count(), 1);
        for prefix in 0..=new[0].len() {
            for (key, (old, new)) in (0..).zip(old.iter().zip(&new)) {
                let bytes = torn(old, new, prefix);
                let record = Record::new(vault::VAULTS, key);
                world.devices[0].storage.apply(Write::Put(record, &bytes));
            }
            assert!(in_step(&mut world), "{at_rest}, {prefix} bytes");
        }
    }
}

fn copies(storage: &MemoryStorage) -> [Vec<u8>; 2] {
    [0, 1].map(|key| {
        storage
            .read(Record::new(vault::VAULTS, key))
            .unwrap()
            .to_vec()
    })
}

#[test]
fn parameters_that_the_variant_fixes_are_refused() {
    for (name, word) in [
        ("cipher_mode", "ctr"),
        ("commit", "m4"),
        ("server_order", "send-first"),
        ("transcript", "wire"),
        ("transcript_from", "m3"),
        ("partition_from", "1"),
        ("partition_add", "last"),
        ("vault_tail", "keep"),
        ("update_hash", "sha256"),
    ] {
        let refused = SecureVault.configure("hardened", &values(&[(name, word)]));
        assert_eq!(refused.unwrap_err().name, name);
    }
}

#[test]
fn other_addresses_find_no_handshake() {
    let mut world = HardenedWorld::hardened(1, &[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let elsewhere = world.server.message(Address::new(66, PORT), SERVER_AT, &m3);
    assert_eq!(lines(elsewhere), ["rejected Frame: unexpected"]);
}
