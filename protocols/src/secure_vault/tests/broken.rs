//! Each broken twin fails exactly where its defence is missing.

use super::super::messages::tag_of;
use super::super::*;
use super::support::*;
use crate::machine::{Arg, Machine as _};
use crate::output::Output;
use crate::testing::{outputs, sent};

fn without(defence: &str) -> World<Seeded> {
    World::of("broken", 2, &[("without", defence)])
}

fn accepts(effects: &crate::Effects) -> bool {
    accepted(effects).is_some()
}

#[test]
fn every_twin_runs_an_honest_session() {
    for defence in WITHOUT {
        let mut world = without(defence);
        let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
        let m2 = only(sent(world.reach_server(&m1)));
        let m3 = only(sent(world.reach_device(&m2)));
        let effects = world.reach_server(&m3);
        let (m4, at_server) = (only(sent(effects)), accepted(effects));
        assert!(at_server.is_some(), "{defence}");
        assert_eq!(accepted(world.reach_device(&m4)), at_server, "{defence}");
        let (device, server) = world.records();
        assert_eq!(device, server, "{defence}");
    }
}

const WITHOUT: [&str; 10] = [
    "r1",
    "r2",
    "cipher",
    "device-id",
    "challenge",
    "verify-before-commit",
    "update",
    "durable",
    "mac",
    "pending",
];

#[test]
fn a_defence_can_be_left_out_in_the_twin_only() {
    for variant in ["as-published", "hardened"] {
        let refused = SecureVault.configure(variant, &values(&[("without", "r1")]));
        assert_eq!(refused.unwrap_err().name, "without");
    }
    let instance = SecureVault.configure("broken", &values(&[])).unwrap();
    let settings = instance.settings();
    assert_eq!(settings.last(), Some(&("without", "r1".to_owned())));
}

#[test]
fn without_r1_a_random_m3_is_accepted() {
    let mut world = without("r1");
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    world.reach_server(&m1);
    for length in [0, 3, 80] {
        world.reach_server(&m1);
        let forged = vec![tag_of(2); 1 + length];
        assert!(accepts(world.reach_server(&forged)), "{length} bytes");
    }
}

#[test]
fn without_r2_any_m4_is_accepted() {
    let mut world = without("r2");
    world.until_m4();
    assert!(accepts(world.reach_device(&[tag_of(3), 1, 2, 3])));
}

#[test]
fn without_the_cipher_m3_and_m4_are_readable() {
    let mut world = without("cipher");
    let [_, m2, m3, m4] = world.handshake();
    let r1 = &m2[9..25];
    assert_eq!(&m3[1..17], r1);
    assert_eq!((m3.len(), m4.len()), (81, 65));
    let r2 = &m3[41..57];
    assert_eq!(&m4[1..17], r2);
    assert_eq!(m4[33..], [0; 32]);
}

#[test]
fn without_device_id_a_device_logs_in_as_another() {
    let mut world = without("device-id");
    let mut m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    m1[4] = 2;
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let outputs = outputs(world.reach_server(&m3));
    let peers: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Accepted { peer, .. } => Some(peer.value),
            _ => None,
        })
        .collect();
    assert_eq!(peers, [2]);
}

#[test]
fn without_challenge_checks_one_index_reveals_one_key() {
    let mut world = without("challenge");
    world.command(AUTHENTICATE_COMMAND, &[]);
    let mut m2 = vec![tag_of(1), 0, 5];
    m2.extend([0; 16]);
    assert_eq!(sent(world.reach_device(&m2)).len(), 1);
}

#[test]
fn without_verification_first_an_m1_alone_changes_the_servers_vault() {
    let mut world = without("verify-before-commit");
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let effects = lines(world.reach_server(&m1));
    assert_eq!(
        effects,
        [
            "send M2 (25 bytes) to 1",
            "store 132 bytes",
            "shared state, epoch 1"
        ]
    );
    let (device, server) = world.records();
    assert_ne!(device, server);
}

#[test]
fn without_update_the_vault_never_changes() {
    let mut world = without("update");
    let before = world.records();
    world.handshake();
    assert_eq!(world.records(), before);
}

#[test]
fn without_durability_a_restart_brings_the_first_vault_back() {
    let mut world = without("durable");
    world.handshake();
    world.handshake();
    world.devices[0].restart();
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    assert!(!accepts(world.reach_server(&m3)));
    world.server.restart();
    world.devices[0].restart();
    world.handshake();
    assert_eq!(world.devices[0].machine.state(), "SESSION");
}

#[test]
fn without_mac_a_changed_frame_is_taken() {
    let mut world = without("mac");
    world.handshake();
    let mut up = only(sent(world.command(SEND_DATA_UP, &[Arg::Bytes(b"text")])));
    up[4] ^= 9;
    up[21 - 16] ^= 1;
    assert_eq!(lines(world.reach_server(&up)), ["data accepted 9"]);
}

#[test]
fn without_pending_any_datagram_discards_the_handshake() {
    for noise in [&[0][..], &[5; 40], &[]] {
        let mut world = without("pending");
        let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
        let m2 = only(sent(world.reach_server(&m1)));
        let m3 = only(sent(world.reach_device(&m2)));
        world.server.message(device_at(2), SERVER_AT, noise);
        assert_eq!(
            lines(world.reach_server(&m3)),
            ["rejected Frame: unexpected"]
        );
    }
}
