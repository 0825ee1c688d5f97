//! The rows of the device's state table.

use super::super::*;
use super::support::*;
use crate::testing::sent;

#[test]
fn a_handshake_leaves_both_ends_with_one_session_one_key_and_one_vault() {
    let mut world = World::new(&[]);
    let (before, _) = world.records();
    let m1 = only(sent(world.command(AUTHENTICATE_COMMAND, &[])));
    let m2 = only(sent(world.to_server(&m1)));
    let m3 = only(sent(world.to_device(&m2)));
    let effects = world.to_server(&m3);
    let m4 = only(sent(effects));
    let at_server = accepted(effects).unwrap();
    let at_device = accepted(world.to_device(&m4)).unwrap();
    assert_eq!(at_device, at_server);
    let (device, server) = world.records();
    assert_eq!(device, server);
    assert_ne!(device[4..], before[4..]);
    assert_eq!(device[..4], [0, 0, 0, 1]);
    assert_eq!(
        [&m1, &m2, &m3, &m4].map(|frame| frame.len()),
        [9, 25, 81, 65]
    );
}
