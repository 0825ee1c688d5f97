//! The prototype's own behaviour: one loop, errors in clear, texts cut where it cuts them.

use super::super::*;
use super::support::*;
use crate::machine::Machine as _;
use crate::testing::sent;

fn world(devices: u32) -> LiteralWorld<Seeded> {
    LiteralWorld::literal(devices, &[])
}

#[test]
fn a_session_ends_with_m4_and_both_vaults_agree() {
    let mut world = world(1);
    for _ in 0..2 {
        world.handshake();
        assert_eq!(world.devices[0].machine.state(), "IDLE");
        let (device, server) = world.records();
        assert_eq!(device, server);
    }
    let refused = ["rejected Command: no-session"];
    assert_eq!(lines(world.command(SEND_DATA_UP, &[])), refused);
    assert_eq!(lines(world.command(FINISH_COMMAND, &[])), refused);
}

#[test]
fn the_server_sends_m4_before_it_stores() {
    let mut world = world(1);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let effects = lines(world.reach_server(&m3));
    let kinds: Vec<_> = effects.iter().map(|line| line.split(' ').next()).collect();
    let expected = ["running", "send", "store", "accepted", "shared"];
    assert_eq!(kinds, expected.map(Some));
}

#[test]
fn an_unknown_id_is_answered_in_clear() {
    let mut world = world(1);
    for text in ["9||1", "01||1", "x||1"] {
        let effects = world.reach_server(text.as_bytes());
        assert_eq!(only(sent(effects)), b"error: unknown-device");
    }
    for text in ["", "1", "12345678901234567||1"] {
        let effects = world.reach_server(text.as_bytes());
        assert_eq!(only(sent(effects)), b"error: malformed");
    }
}

#[test]
fn any_datagram_takes_the_place_of_m3() {
    let mut world = world(2);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    let m3 = only(sent(world.reach_device(&m2)));
    let stranger = world.server.message(device_at(2), SERVER_AT, b"2||5");
    assert_eq!(only(sent(stranger)), b"error: open");
    // The honest M3 is read as an M1 now, and the error it gets ends the device's attempt.
    let error = only(sent(world.reach_server(&m3)));
    assert_eq!(error, b"error: malformed");
    assert_eq!(
        lines(world.reach_device(&error)),
        ["rejected Attempt: error"]
    );
    assert_eq!(world.devices[0].machine.state(), "IDLE");
}

#[test]
fn a_wrong_r1_is_silent() {
    let mut world = world(1);
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.reach_server(&m1)));
    // The device copies r1 as it came: one more digit makes another number.
    let mut other = m2[..m2.len() - 1].to_vec();
    other.extend(b"1}");
    let m3 = only(sent(world.reach_device(&other)));
    assert_eq!(lines(world.reach_server(&m3)), ["rejected Attempt: r1"]);
}

#[test]
fn the_device_answers_any_list_repetitions_included() {
    let mut world = world(1);
    for m2 in ["{{5}||1}", "{{7, 7, 7}||1}", "{{999,0}||}"] {
        world.command(AUTHENTICATE_COMMAND, &[]);
        assert_eq!(sent(world.reach_device(m2.as_bytes())).len(), 1, "{m2}");
        world.command(ABORT, &[]);
    }
    for m2 in ["{{1000}||1}", "{{}||1}", "{{1}}", ""] {
        world.command(AUTHENTICATE_COMMAND, &[]);
        let effects = lines(world.reach_device(m2.as_bytes()));
        assert!(
            effects[0].starts_with("rejected Attempt: malformed"),
            "{m2}"
        );
    }
}

#[test]
fn all_devices_share_the_first_vault_by_default() {
    let world = world(2);
    let vaults = world.devices.iter().map(|device| device.storage.clone());
    let vaults: Vec<_> = vaults.collect();
    assert_eq!(vaults[0], vaults[1]);
    let own = LiteralWorld::literal(2, &[("first_vault", "per-device")]);
    assert_ne!(own.devices[0].storage, own.devices[1].storage);
}

#[test]
fn messages_are_told_apart_by_their_text() {
    let instance = SecureVault.configure("literal", &values(&[])).unwrap();
    let mut world = world(1);
    let frames = world.handshake();
    for (number, frame) in frames.iter().enumerate() {
        assert_eq!(instance.classify(frame), Some(number));
    }
    assert_eq!(instance.classify(b"error: open"), Some(4));
    assert_eq!(instance.classify(b"\x01"), None);
}

#[test]
fn parameters_of_the_published_equations_are_refused() {
    for (name, word) in [
        ("cipher_mode", "cbc"),
        ("update_hash", "sha256"),
        ("commit", "m4"),
    ] {
        let refused = SecureVault.configure("literal", &values(&[(name, word)]));
        assert_eq!(refused.unwrap_err().name, name);
    }
}
