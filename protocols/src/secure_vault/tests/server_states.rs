//! The rows of the server's state table, S1 to S7.

use super::super::messages::{DATA_UP, END, tag_of};
use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::machine::Timer;
use crate::testing::sent;

#[test]
fn s1_a_known_device_gets_a_challenge() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    assert_eq!(lines(world.reach_server(&m1)), ["send M2 (25 bytes) to 1"]);
}

#[test]
fn s1_an_unknown_device_gets_nothing() {
    let mut world = World::new(&[]);
    let mut m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    m1[4] = 2;
    assert_eq!(
        lines(world.reach_server(&m1)),
        ["rejected Frame: unknown-device"]
    );
}

#[test]
fn s1_a_second_m1_of_a_device_replaces_its_handshake() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let first = only(sent(world.reach_server(&m1)));
    let second = only(sent(world.reach_server(&m1)));
    assert_ne!(first, second);
    let m3 = only(sent(world.reach_device(&first)));
    assert_eq!(lines(world.reach_server(&m3)), ["rejected Attempt: open"]);
}

#[test]
fn s1_by_session_two_handshakes_of_a_device_stand_side_by_side() {
    let mut world = World::new(&[("pending_by", "session")]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    // The same claim from another address is another handshake.
    let elsewhere = Address::new(66, PORT);
    assert_eq!(
        sent(world.server.message(elsewhere, SERVER_AT, &m1)).len(),
        1
    );
    let m3 = only(sent(world.reach_device(&m2)));
    let m4 = only(sent(world.reach_server(&m3)));
    assert!(accepted(world.reach_device(&m4)).is_some());
}

#[test]
fn s1_when_the_table_is_full_the_oldest_handshake_goes() {
    let mut world = World::of("as-published", 3, &[("pending_max", "2")]);
    let mut answers = Vec::new();
    for device in 0..3 {
        let id = device + 1;
        let m1 = world.devices[device as usize].command(AUTHENTICATE_COMMAND, None, &[]);
        let m1 = only(sent(m1));
        let m2 = only(sent(world.server.message(device_at(id), SERVER_AT, &m1)));
        let m3 = world.devices[device as usize].message(SERVER_AT, device_at(id), &m2);
        answers.push((id, only(sent(m3))));
    }
    let accepts: Vec<_> = answers
        .iter()
        .map(|(id, m3)| accepted(world.server.message(device_at(*id), SERVER_AT, m3)).is_some())
        .collect();
    assert_eq!(accepts, [false, true, true]);
}

#[test]
fn s1_a_pending_handshake_ends_by_itself_when_told_to() {
    let mut world = World::new(&[("pending_timeout", "5000000000")]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let effects = world.reach_server(&m1);
    assert_eq!(lines(effects)[1], "arm pending:0 5000ms");
    let m2 = only(sent(effects));
    let timer = Timer {
        kind: PENDING,
        key: 0,
    };
    assert!(world.server.timer(timer).is_empty());
    let m3 = only(sent(world.reach_device(&m2)));
    assert_eq!(
        lines(world.reach_server(&m3)),
        ["rejected Frame: unexpected"]
    );
}

#[test]
fn s2_an_m3_from_an_address_without_handshake_is_dropped() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let elsewhere = world.server.message(Address::new(66, PORT), SERVER_AT, &m3);
    assert_eq!(lines(elsewhere), ["rejected Frame: unexpected"]);
    assert!(accepted(world.reach_server(&m3)).is_some());
}

#[test]
fn s3_a_good_m3_is_answered_first_and_stored_then() {
    let mut world = World::new(&[]);
    assert_eq!(
        s3_effects(&mut world),
        [
            "running",
            "send M4 (65 bytes) to 1",
            "store 132 bytes",
            "accepted 0:1",
            "shared state, epoch 1"
        ]
    );
}

#[test]
fn s3_with_store_first_the_vault_is_durable_before_m4_leaves() {
    let mut world = World::new(&[("server_order", "store-first")]);
    assert_eq!(
        s3_effects(&mut world),
        [
            "store 132 bytes",
            "running",
            "send M4 (65 bytes) to 1",
            "accepted 0:1",
            "shared state, epoch 1"
        ]
    );
}

fn s3_effects(world: &mut World<Seeded>) -> Vec<String> {
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    lines(world.reach_server(&m3))
}

#[test]
fn s3_a_failed_m3_ends_the_handshake_with_its_reason() {
    // Bits of the IV flip bits of r1; bits of block i flip bits of block i + 1.
    for (byte, reason) in [(1, "r1"), (60, "open"), (33, "challenge")] {
        let mut world = World::new(&[]);
        let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
        let m2 = only(sent(world.reach_server(&m1)));
        let mut m3 = only(sent(world.reach_device(&m2)));
        m3[byte] ^= 0x80;
        let rejected = [format!("rejected Attempt: {reason}")];
        assert_eq!(lines(world.reach_server(&m3)), rejected);
        m3[byte] ^= 0x80;
        let gone = ["rejected Frame: unexpected"];
        assert_eq!(lines(world.reach_server(&m3)), gone);
        assert_eq!(world.records().1[..4], [0; 4], "the vault is untouched");
    }
}

#[test]
fn s3_a_malformed_m3_ends_the_handshake_too() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let effects = lines(world.reach_server(&m3[..80]));
    assert_eq!(effects, ["rejected Attempt: malformed (end at byte 80)"]);
    assert_eq!(
        lines(world.reach_server(&m3)),
        ["rejected Frame: unexpected"]
    );
}

#[test]
fn s3_a_new_session_ends_the_older_one() {
    let mut world = World::new(&[("session_length", "60000000000")]);
    world.handshake();
    world.command(ABORT, &[]);
    assert_eq!(
        s3_effects(&mut world),
        [
            "running",
            "send M4 (65 bytes) to 1",
            "store 132 bytes",
            "cancel session:1",
            "ended: replaced",
            "accepted 0:1",
            "shared state, epoch 2",
            "arm session:1 60000ms"
        ]
    );
}

#[test]
fn s3_with_session_end_the_older_session_is_committed_before_m4() {
    let mut world = World::new(&[("commit", "session-end")]);
    world.handshake();
    world.command(ABORT, &[]);
    assert_eq!(
        s3_effects(&mut world),
        [
            "store 132 bytes",
            "shared state, epoch 1",
            "ended: replaced",
            "running",
            "send M4 (65 bytes) to 1",
            "accepted 0:1"
        ]
    );
}

#[test]
fn s4_and_s6_changed_frames_are_dropped_and_the_session_goes_on() {
    let mut world = World::new(&[]);
    world.handshake();
    let up = only(sent(world.command(SEND_DATA_UP, &[])));
    let end = only(sent(world.command(FINISH_COMMAND, &[])));
    for frame in [&up, &end] {
        let mut changed = frame.clone();
        changed[2] ^= 1;
        assert_eq!(lines(world.reach_server(&changed)), ["rejected Frame: mac"]);
    }
    // END counts a DATA_UP that has not arrived yet.
    assert_eq!(lines(world.reach_server(&end)), ["rejected Frame: seq"]);
    assert_eq!(lines(world.reach_server(&up)), ["data accepted 0"]);
    assert_eq!(lines(world.reach_server(&end)), ["ended: end"]);
}

#[test]
fn s5_data_for_a_device_without_session_is_refused() {
    let mut world = World::new(&[]);
    let effects = world
        .server
        .command(SEND_DATA_DOWN, Some(device_at(1)), &[]);
    assert_eq!(lines(effects), ["rejected Command: no-session"]);
}

#[test]
fn s6_the_session_timer_ends_the_session() {
    let mut world = World::new(&[("session_length", "1000000000")]);
    world.handshake();
    let timer = Timer {
        kind: SESSION,
        key: 1,
    };
    let effects = lines(world.server.timer(timer));
    assert_eq!(effects, ["cancel session:1", "ended: expired"]);
}

#[test]
fn s7_anything_else_is_dropped() {
    let mut world = World::new(&[]);
    let [_, m2, _, m4] = world.handshake();
    for frame in [m2, m4] {
        assert_eq!(
            lines(world.reach_server(&frame)),
            ["rejected Frame: unexpected"]
        );
    }
    for message in [DATA_UP, END] {
        let effects = lines(world.reach_server(&[tag_of(message)]));
        assert_eq!(effects, ["rejected Frame: malformed (end at byte 1)"]);
    }
    let mut data = [0; 69];
    data[0] = tag_of(DATA_UP);
    let elsewhere = world.server.message(device_at(5), SERVER_AT, &data);
    assert_eq!(lines(elsewhere), ["rejected Frame: unexpected"]);
}

#[test]
fn two_devices_at_once_do_not_disturb_each_other() {
    let mut world = World::of("as-published", 2, &[]);
    let mut frames: Vec<Vec<u8>> = (0..2)
        .map(|i| {
            only(sent(world.devices[i].command(
                AUTHENTICATE_COMMAND,
                None,
                &[],
            )))
        })
        .collect();
    for _ in 0..2 {
        for (i, id) in [(0, 1), (1, 2)] {
            let answer = only(sent(world.server.message(
                device_at(id),
                SERVER_AT,
                &frames[i],
            )));
            let next = world.devices[i].message(SERVER_AT, device_at(id), &answer);
            frames[i] = sent(next).pop().unwrap_or_default();
        }
    }
    for device in &world.devices {
        use crate::machine::Machine as _;
        assert_eq!(device.machine.state(), "SESSION");
    }
}
