//! The rows of the device's state table, D1 to D10.

use super::super::messages::{DATA_DOWN, M2, M3, M4, tag_of};
use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::machine::{Arg, Machine as _, Timer};
use crate::output::Output;
use crate::testing::{outputs, sent};

const OPEN_EFFECTS: [&str; 4] = [
    "cancel reply:0",
    "accepted 1:100",
    "store 132 bytes",
    "shared state, epoch 1",
];

#[test]
fn a_handshake_leaves_both_ends_with_one_session_one_key_and_one_vault() {
    let mut world = World::new(&[]);
    let (before, _) = world.records();
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let effects = world.reach_server(&m3);
    let m4 = only(sent(effects));
    let at_server = accepted(effects).unwrap();
    let at_device = accepted(world.reach_device(&m4)).unwrap();
    assert_eq!(at_device, at_server);
    let (device, server) = world.records();
    assert_eq!(device, server);
    assert_ne!(device[4..], before[4..]);
    assert_eq!(device[..4], [0, 0, 0, 1]);
}

#[test]
fn what_a_party_says_it_runs_is_what_the_other_end_accepts() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let at_device = world.reach_device(&m2);
    let (m3, device_runs) = (only(sent(at_device)), running(&outputs(at_device)));
    let at_server = world.reach_server(&m3);
    let (m4, server_runs) = (only(sent(at_server)), running(&outputs(at_server)));
    let run_accepted = |all: &[Output]| {
        all.iter().find_map(|output| match output {
            Output::Accepted { run, .. } => Some(*run),
            _ => None,
        })
    };
    assert_eq!(run_accepted(&outputs(at_server)), Some(device_runs));
    let at_end = outputs(world.reach_device(&m4));
    assert_eq!(run_accepted(&at_end), Some(server_runs));
}

fn running(all: &[Output]) -> Tag {
    let run = all.iter().find_map(|output| match output {
        Output::Running { run, .. } => Some(*run),
        _ => None,
    });
    run.unwrap()
}

#[test]
fn d1_authenticate_sends_m1_and_waits_for_m2() {
    let mut world = World::new(&[]);
    let effects = lines(world.command(AUTHENTICATE_COMMAND, &[]));
    assert_eq!(effects, ["send M1 (9 bytes) to 100", "arm reply:0 10000ms"]);
    assert_eq!(world.devices[0].machine.state(), "WAIT_M2");
}

#[test]
fn d1_session_ids_count_from_the_last_restart_when_told_to() {
    let mut world = World::new(&[("session_id", "counter")]);
    let session_ids: Vec<_> = [false, false, true]
        .into_iter()
        .map(|restart| {
            if restart {
                world.devices[0].restart();
            }
            let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
            world.command(ABORT, &[]);
            m1[8]
        })
        .collect();
    assert_eq!(session_ids, [1, 2, 1]);
}

#[test]
fn d2_a_challenge_is_answered_with_m3() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let effects = lines(world.reach_device(&m2));
    assert_eq!(
        effects,
        [
            "running",
            "send M3 (81 bytes) to 100",
            "arm reply:0 10000ms"
        ]
    );
    assert_eq!(world.devices[0].machine.state(), "WAIT_M4");
}

#[test]
fn d3_a_good_m4_opens_the_session_and_stores_the_new_vault() {
    let mut world = World::new(&[]);
    let m4 = world.until_m4();
    assert_eq!(lines(world.reach_device(&m4)), OPEN_EFFECTS);
    assert_eq!(world.devices[0].machine.state(), "SESSION");
}

#[test]
fn d3_with_session_end_the_vault_stays_until_the_session_ends() {
    let mut world = World::new(&[("commit", "session-end"), ("session_length", "60000000000")]);
    let m4 = world.until_m4();
    assert_eq!(
        lines(world.reach_device(&m4)),
        [
            "cancel reply:0",
            "accepted 1:100",
            "arm session-end:0 60000ms"
        ]
    );
    let effects = lines(world.devices[0].timer(Timer::only(SESSION_COMMIT)));
    assert_eq!(
        effects,
        [
            "cancel session-end:0",
            "send END (37 bytes) to 100",
            "store 132 bytes",
            "shared state, epoch 1",
            "ended: expired"
        ]
    );
    assert_eq!(world.devices[0].machine.state(), "IDLE");
}

#[test]
fn d4_an_m4_that_does_not_open_ends_the_attempt_and_leaves_the_vault() {
    let mut world = World::new(&[]);
    let (before, _) = world.records();
    let mut m4 = world.until_m4();
    // A bit of the last but one block garbles the last one's padding.
    m4[33] ^= 0x10;
    let effects = lines(world.reach_device(&m4));
    assert_eq!(effects, ["cancel reply:0", "rejected Attempt: open"]);
    assert_eq!(world.devices[0].machine.state(), "IDLE");
    assert_eq!(world.records().0, before);
}

#[test]
fn d4_an_m4_with_another_r2_ends_the_attempt() {
    let mut world = World::new(&[]);
    let mut m4 = world.until_m4();
    // A bit of the IV flips the same bit of r2 and nothing else.
    m4[1] ^= 1;
    let effects = lines(world.reach_device(&m4));
    assert_eq!(effects, ["cancel reply:0", "rejected Attempt: r2"]);
}

#[test]
fn d5_a_malformed_m2_ends_the_attempt_and_names_the_place() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let mut m2 = only(sent(world.reach_server(&m1)));
    m2[5..7].copy_from_slice(&8u16.to_be_bytes());
    let effects = lines(world.reach_device(&m2));
    assert_eq!(
        effects,
        [
            "cancel reply:0",
            "rejected Attempt: malformed (c1[2] at byte 5)"
        ]
    );
    assert_eq!(world.devices[0].machine.state(), "IDLE");
}

#[test]
fn d6_silence_ends_the_attempt_in_both_waits() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let timeout = ["rejected Attempt: timeout"];
    assert_eq!(lines(world.devices[0].timer(Timer::only(REPLY))), timeout);
    assert_eq!(world.devices[0].machine.state(), "IDLE");
    let m1_again = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    assert_ne!(m1, m1_again);
    let m2 = only(sent(world.reach_server(&m1_again)));
    world.reach_device(&m2);
    assert_eq!(lines(world.devices[0].timer(Timer::only(REPLY))), timeout);
}

#[test]
fn d7_and_d8_data_flows_both_ways_in_order() {
    let mut world = World::new(&[]);
    world.handshake();
    let effects = world.command(SEND_DATA_UP, &[Arg::Bytes(b"21.5 degrees")]);
    assert_eq!(
        lines(effects),
        ["send DATA_UP (69 bytes) to 100", "data sent 0"]
    );
    let up = only(sent(effects));
    assert_eq!(lines(world.reach_server(&up)), ["data accepted 0"]);
    let effects = world
        .server
        .command(SEND_DATA_DOWN, Some(device_at(1)), &[Arg::Bytes(&[])]);
    let down = only(sent(effects));
    assert_eq!(down.len(), 69);
    assert_eq!(lines(world.reach_device(&down)), ["data accepted 0"]);
    // A duplicate has a number that is past.
    assert_eq!(lines(world.reach_device(&down)), ["rejected Frame: seq"]);
    let second = only(sent(world.command(SEND_DATA_UP, &[])));
    assert_eq!(second[1..5], [0, 0, 0, 1]);
}

#[test]
fn d7_more_than_1024_bytes_are_refused() {
    let mut world = World::new(&[]);
    world.handshake();
    let refused = ["rejected Command: too-long"];
    let long = [0; 1025];
    assert_eq!(
        lines(world.command(SEND_DATA_UP, &[Arg::Bytes(&long)])),
        refused
    );
    let effects = world.command(SEND_DATA_UP, &[Arg::Bytes(&long[1..])]);
    assert_eq!(only(sent(effects)).len(), 53 + 1040);
}

#[test]
fn d8_a_changed_data_frame_is_dropped_and_the_session_goes_on() {
    let mut world = World::new(&[]);
    world.handshake();
    let effects = world
        .server
        .command(SEND_DATA_DOWN, Some(device_at(1)), &[]);
    let down = only(sent(effects));
    for byte in [4, 21, down.len() - 1] {
        let mut changed = down.clone();
        changed[byte] ^= 1;
        assert_eq!(lines(world.reach_device(&changed)), ["rejected Frame: mac"]);
    }
    assert_eq!(lines(world.reach_device(&down)), ["data accepted 0"]);
}

#[test]
fn d9_finish_sends_end_and_forgets_the_session() {
    let mut world = World::new(&[]);
    world.handshake();
    let effects = world.command(FINISH_COMMAND, &[]);
    assert_eq!(
        lines(effects),
        ["send END (37 bytes) to 100", "ended: finish"]
    );
    let end = only(sent(effects));
    assert_eq!(lines(world.reach_server(&end)), ["ended: end"]);
    let refused = ["rejected Command: no-session"];
    assert_eq!(lines(world.command(FINISH_COMMAND, &[])), refused);
    assert_eq!(lines(world.command(SEND_DATA_UP, &[])), refused);
}

#[test]
fn d9_authenticate_in_a_session_ends_it_first() {
    let mut world = World::new(&[]);
    world.handshake();
    let effects = lines(world.command(AUTHENTICATE_COMMAND, &[]));
    assert_eq!(
        effects,
        [
            "send END (37 bytes) to 100",
            "ended: authenticate",
            "send M1 (9 bytes) to 100",
            "arm reply:0 10000ms"
        ]
    );
}

#[test]
fn d9_session_end_updates_both_vaults_from_the_data_of_both_directions() {
    let mut world = World::new(&[("commit", "session-end")]);
    world.handshake();
    let up = only(sent(world.command(SEND_DATA_UP, &[])));
    world.reach_server(&up);
    let down = world
        .server
        .command(SEND_DATA_DOWN, Some(device_at(1)), &[]);
    let down = only(sent(down));
    world.reach_device(&down);
    let end = only(sent(world.command(FINISH_COMMAND, &[])));
    assert_eq!(
        lines(world.reach_server(&end)),
        ["store 132 bytes", "shared state, epoch 1", "ended: end"]
    );
    let (device, server) = world.records();
    assert_eq!(device, server);
}

#[test]
fn d9_session_end_with_data_lost_leaves_the_ends_out_of_step() {
    let mut world = World::new(&[("commit", "session-end")]);
    world.handshake();
    let down = world
        .server
        .command(SEND_DATA_DOWN, Some(device_at(1)), &[]);
    assert_eq!(sent(down).len(), 1);
    let end = only(sent(world.command(FINISH_COMMAND, &[])));
    world.reach_server(&end);
    let (device, server) = world.records();
    assert_eq!(device[..4], server[..4]);
    assert_ne!(device[4..], server[4..]);
}

#[test]
fn d10_any_other_frame_is_dropped() {
    let mut world = World::new(&[]);
    let [m1, m2, m3, m4] = world.handshake();
    let dropped = ["rejected Frame: unexpected"];
    for frame in [m1, m2, m3, m4] {
        assert_eq!(lines(world.reach_device(&frame)), dropped);
    }
    assert_eq!(world.devices[0].machine.state(), "SESSION");
    let unknown = ["rejected Frame: malformed (tag at byte 0)"];
    assert_eq!(lines(world.reach_device(&[9, 9])), unknown);
    assert_eq!(lines(world.reach_device(&[])), unknown);
    for message in [M2, M3, M4, DATA_DOWN] {
        let effects = lines(world.reach_device(&[tag_of(message)]));
        assert_eq!(effects, ["rejected Frame: malformed (end at byte 1)"]);
    }
}

#[test]
fn d10_frames_from_any_other_address_are_dropped() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    for from in [Address::new(100, 1), Address::new(7, PORT)] {
        let effects = world.devices[0].message(from, device_at(1), &m2);
        assert_eq!(lines(effects), ["rejected Frame: unexpected"]);
    }
    assert_eq!(sent(world.reach_device(&m2)).len(), 1);
}

#[test]
fn authenticate_while_waiting_is_refused_and_changes_nothing() {
    let mut world = World::new(&[]);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let busy = ["rejected Command: busy"];
    assert_eq!(lines(world.command(AUTHENTICATE_COMMAND, &[])), busy);
    let m2 = only(sent(world.reach_server(&m1)));
    assert_eq!(sent(world.reach_device(&m2)).len(), 1);
}

#[test]
fn abort_sends_nothing_and_keeps_the_vault() {
    let mut world = World::new(&[]);
    assert!(world.command(ABORT, &[]).is_empty());
    world.command(AUTHENTICATE_COMMAND, &[]);
    assert_eq!(lines(world.command(ABORT, &[])), ["cancel reply:0"]);
    world.handshake();
    let (before, _) = world.records();
    assert!(world.command(ABORT, &[]).is_empty());
    assert_eq!(world.devices[0].machine.state(), "IDLE");
    assert_eq!(world.records().0, before);
}

#[test]
fn a_restart_forgets_all_but_the_vault() {
    let mut world = World::new(&[]);
    world.handshake();
    assert_eq!(lines(world.devices[0].restart()), ["shared state, epoch 1"]);
    assert_eq!(lines(world.server.restart()), ["shared state, epoch 1"]);
    assert_eq!(world.devices[0].machine.state(), "IDLE");
    world.handshake();
    let (device, server) = world.records();
    assert_eq!(device, server);
    assert_eq!(device[..4], [0, 0, 0, 2]);
}

#[test]
fn copies_of_m1_and_m3_are_spaced_ever_wider_before_the_device_gives_up() {
    let mut world = World::new(&[("recovery", "resend"), ("resend_max", "2")]);
    let effects = world.command(AUTHENTICATE_COMMAND, &[]);
    assert_eq!(lines(effects)[1], "arm resend:0 2000ms");
    let m1 = only(sent(effects));
    let resend = Timer::only(RESEND);
    let effects = world.devices[0].timer(resend);
    assert_eq!(only(sent(effects)), m1);
    assert_eq!(lines(effects)[1], "arm resend:0 4000ms");
    let effects = world.devices[0].timer(resend);
    assert_eq!(lines(effects)[1], "arm reply:0 10000ms");

    let m2 = only(sent(world.reach_server(&m1)));
    assert_eq!(only(sent(world.reach_server(&m1))), m2, "the same M2 again");
    let effects = world.reach_device(&m2);
    let m3 = only(sent(effects));
    assert_eq!(
        lines(effects)[2..],
        ["cancel reply:0", "arm resend:0 2000ms"]
    );
    let m4 = only(sent(world.reach_server(&m3)));
    let again = only(sent(world.devices[0].timer(resend)));
    assert_eq!(again, m3);
    let repeated = world.reach_server(&again);
    assert_eq!(lines(repeated), ["send M4 (65 bytes) to 1"]);
    assert_eq!(only(sent(repeated)), m4);
    assert_eq!(
        lines(world.reach_device(&m4)),
        [&["cancel resend:0"], &OPEN_EFFECTS[..]].concat()
    );
}

#[test]
fn a_sealed_vault_never_lies_in_the_clear() {
    let mut world = World::new(&[("at_rest", "sealed")]);
    for _ in 0..3 {
        world.handshake();
        let (device, server) = world.records();
        assert_eq!(device[..4], server[..4]);
        assert_ne!(device[4..], server[4..]);
    }
    let shared = |effects: &crate::Effects| outputs(effects).pop();
    let at_device = shared(world.devices[0].restart());
    let at_server = shared(world.server.restart());
    let (
        Some(Output::SharedState {
            fingerprints: left, ..
        }),
        Some(Output::SharedState {
            fingerprints: right,
            ..
        }),
    ) = (at_device, at_server)
    else {
        panic!("both ends name their vault");
    };
    assert_eq!(left, right);
}

#[test]
fn an_idle_device_is_small() {
    assert!(size_of::<Device>() < 100, "{} bytes", size_of::<Device>());
}
