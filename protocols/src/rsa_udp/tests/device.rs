//! The rows D1 to D12, storage and turns of the device.

use super::super::messages::{Encrypt, ErrorCode, Frame, Pass, decode};
use super::super::records;
use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::machine::{Arg, Machine as _, Timer};
use crate::storage::Storage as _;
use crate::time::LocalTime;

const STRANGER: Address = Address::new(77, CLIENT_PORT);
const OFFER: [&str; 2] = ["CONNECT 49152 > *:50000", "arm turn 60s"];

/// An effect list followed by the turn of an open device.
fn then_offer(list: &[&str]) -> Vec<String> {
    list.iter().chain(&OFFER).map(ToString::to_string).collect()
}

/// An effect list followed by the turn of a connected device.
fn then_turn(list: &[&str]) -> Vec<String> {
    list.iter()
        .chain(&OFFER[1..])
        .map(ToString::to_string)
        .collect()
}

/// A device that has started, and the PASS with which client 0 answers it.
fn offered(given: &[(&'static str, &str)]) -> (World, Vec<u8>) {
    let mut world = World::pair(given);
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    (world, pass)
}

/// The frame with one field changed.
fn changed(frame: &[u8], change: impl Fn(&mut Pass<'_>)) -> Vec<u8> {
    let layouts = &params("as-published", &[]).layouts;
    let Ok(Frame::Pass(mut pass)) = decode(layouts, frame) else {
        panic!("a PASS");
    };
    change(&mut pass);
    let mut bytes = Vec::new();
    Frame::Pass(pass).encode(&mut bytes);
    bytes
}

#[test]
fn a_turn_begins_at_start_and_when_its_timer_fires() {
    let mut world = World::pair(&[]);
    assert_eq!(Seen::of(world.devices[0].start()).list, OFFER);
    let fired = Seen::of(world.devices[0].timer(Timer::only(TIMER_TURN)));
    assert_eq!(fired.list, OFFER);
    assert_eq!(fired.only_frame()[17..21], [0, 0, 0, 2]);
}

#[test]
fn after_eleven_turns_the_first_number_is_gone() {
    let mut world = World::pair(&[]);
    world.start(0);
    for _ in 0..10 {
        world.devices[0].timer(Timer::only(TIMER_TURN));
    }
    let numbers: Vec<u32> = world.devices[0].machine.numbers().collect();
    assert_eq!(numbers, (2..=11).collect::<Vec<u32>>());
}

#[test]
fn a_login_in_between_changes_no_rule_of_numbers() {
    let (mut world, pass) = offered(&[]);
    world.deliver_up(0, 0, &pass);
    // Turns of a connected device count, and offer nothing.
    let turn = Seen::of(world.devices[0].timer(Timer::only(TIMER_TURN)));
    assert_eq!(turn.list, ["arm turn 60s"]);
    let numbers: Vec<u32> = world.devices[0].machine.numbers().collect();
    assert_eq!(numbers, [1]);
    let connect = Frame::Connect {
        salt: [0; 16],
        number: 0,
        name: b"x",
    };
    let mut bytes = Vec::new();
    connect.encode(&mut bytes);
    world.deliver_down(0, 0, &bytes);
    world.devices[0].restart();
    assert_eq!(
        world.devices[0].machine.numbers().collect::<Vec<u32>>(),
        [1]
    );
}

#[test]
fn d1_a_blocked_sender_is_not_heard_but_a_turn_follows() {
    let (mut world, pass) = offered(&[]);
    world.deliver_up(0, 0, &[0xFF]);
    assert_eq!(world.deliver_up(0, 0, &pass).list, OFFER);
    // Until the list is emptied, which the turn before does.
    world.devices[0].now = LocalTime(3_600_000_000_000);
    world.devices[0].timer(Timer::only(TIMER_TURN));
    assert_eq!(
        world.deliver_up(0, 0, &pass).list[1],
        "ENCRYPT 50001 > 1:50000"
    );
}

#[test]
fn d2_an_empty_or_unknown_datagram_blocks_its_sender() {
    for bytes in [&[][..], &[0], &[7, 7], &[0xFF]] {
        let mut world = World::pair(&[]);
        world.start(0);
        let seen = world.deliver_up_from(0, STRANGER, bytes);
        assert_eq!(
            seen.list,
            then_offer(&["Rejected frame malformed (tag at byte 0)"])
        );
        assert_eq!(world.deliver_up_from(0, STRANGER, &[4, 9]).list, OFFER);
    }
    let mut never = World::pair(&[("block", "never")]);
    never.start(0);
    never.deliver_up_from(0, STRANGER, &[]);
    assert_eq!(never.deliver_up_from(0, STRANGER, &[5]).list.len(), 3);
    let mut untimed = World::pair(&[("device_block_time", "0")]);
    untimed.start(0);
    untimed.deliver_up_from(0, STRANGER, &[]);
    assert_eq!(untimed.deliver_up_from(0, STRANGER, &[5]).list.len(), 3);
}

#[test]
fn d3_other_frames_are_dropped_without_blocking() {
    let (mut world, pass) = offered(&[]);
    let mut connect = vec![1; 22];
    connect[21] = 1;
    connect.push(b'x');
    let mut encrypt = Vec::new();
    Frame::Encrypt(Encrypt {
        server_hash: [0; 32],
        dh_public: 2,
        exponent: 3,
        modulus: &[0xFF; 128],
    })
    .encode(&mut encrypt);
    for bytes in [&connect, &encrypt, &vec![4, 1], &vec![5], &vec![6; 129]] {
        let seen = world.deliver_up(0, 0, bytes);
        assert_eq!(
            seen.list,
            then_offer(&["Rejected frame unexpected"]),
            "{bytes:?}"
        );
    }
    let cut = world.deliver_up(0, 0, &pass[..100]);
    assert_eq!(
        cut.list,
        then_offer(&["Rejected frame malformed (end at byte 100)"])
    );
    assert_eq!(world.devices[0].machine.state(), "OPEN");
}

#[test]
fn d4_a_number_that_is_not_remembered_is_dropped() {
    let (mut world, pass) = offered(&[("salt_cache", "2")]);
    let other = changed(&pass, |pass| pass.number = 99);
    assert_eq!(
        world.deliver_up(0, 0, &other).list,
        then_offer(&["Rejected frame number"])
    );
    world.devices[0].timer(Timer::only(TIMER_TURN));
    world.devices[0].timer(Timer::only(TIMER_TURN));
    assert_eq!(
        world.deliver_up(0, 0, &pass).list,
        then_offer(&["Rejected frame number"])
    );
}

#[test]
fn d5_an_unknown_user_and_a_wrong_hash_get_the_same_answer() {
    let (mut world, pass) = offered(&[]);
    let expected = then_offer(&["LOGIN 50001 > 1:50000", "Rejected frame login"]);
    let unknown = changed(&pass, |pass| pass.user = b"nobody");
    assert_eq!(world.deliver_up(0, 0, &unknown).list, expected);
    let wrong = changed(&pass, |pass| pass.login_hash[31] ^= 1);
    assert_eq!(world.deliver_up(0, 0, &wrong).list, expected);
}

#[test]
fn d6_a_bad_value_is_refused_before_a_bad_key() {
    let (mut world, pass) = offered(&[("salt_cache", "100")]);
    let argument = then_offer(&["ARGUMENT 50001 > 1:50000", "Rejected frame argument"]);
    for value in [0, 1, 105_340, 105_341, u32::MAX] {
        let bad = changed(&pass, |pass| {
            pass.dh_public = value;
            pass.modulus = &[];
        });
        assert_eq!(world.deliver_up(0, 0, &bad).list, argument);
    }
    let key = then_offer(&["NULLPUBKEY 50001 > 1:50000", "Rejected frame key"]);
    let mut even = [0xFF; 128];
    even[127] = 0xFE;
    for (modulus, exponent) in [
        (&[0xFF; 128][..], 4),
        (&[0xFF; 128], 1),
        (&[0x7F; 128], 3),
        (&even, 3),
        (&[0xFF; 127], 3),
        (&[0xFF; 256], 3),
        (&[], 3),
    ] {
        let bytes = {
            let layouts = &params("as-published", &[]).layouts;
            let Ok(Frame::Pass(mut pass)) = decode(layouts, &pass) else {
                panic!("a PASS");
            };
            pass.modulus = modulus;
            pass.exponent = exponent;
            let mut bytes = Vec::new();
            Frame::Pass(pass).encode(&mut bytes);
            bytes
        };
        assert_eq!(
            world.deliver_up(0, 0, &bytes).list,
            key,
            "{exponent} {modulus:?}"
        );
    }
    assert_eq!(ErrorCode::NullPubKey.reason(), "key");
}

#[test]
fn d7_a_good_pass_connects_its_sender() {
    let (mut world, pass) = offered(&[]);
    // The host of the packet counts, not that of the attempt.
    let seen = world.deliver_up_from(0, STRANGER, &pass);
    let expected = [
        "Running",
        "ENCRYPT 50001 > 77:50000",
        "Accepted",
        "SharedState 1",
    ];
    assert_eq!(seen.list, then_turn(&expected));
    assert_eq!(world.devices[0].machine.state(), "CONNECTED");
}

#[test]
fn a_salt_serves_again_unless_it_is_consumed() {
    for (consume, state) in [("false", "CONNECTED"), ("true", "OPEN")] {
        let (mut world, pass) = offered(&[("consume_salt", consume)]);
        let encrypt = world.deliver_up(0, 0, &pass).only_frame();
        world.deliver_down(0, 0, &encrypt);
        let fin = world.finish(0, 0).only_frame();
        world.deliver_up(0, 0, &fin);
        assert_eq!(world.devices[0].machine.state(), "OPEN");
        world.deliver_up(0, 0, &pass);
        assert_eq!(world.devices[0].machine.state(), state);
    }
}

#[test]
fn d8_a_third_party_is_told_and_blocked() {
    let mut world = World::pair(&[]);
    world.connect();
    let seen = world.deliver_up_from(0, STRANGER, b"anything");
    assert_eq!(
        seen.list,
        then_turn(&["BUSY 50001 > 77:50000", "Rejected frame third-party"])
    );
    assert_eq!(
        world.deliver_up_from(0, STRANGER, b"anything").list,
        then_turn(&[])
    );
    // The peer's host at another port is a third party too.
    let other_port = Address::new(1, 9);
    assert_eq!(world.deliver_up_from(0, other_port, b"x").frames, [[5]]);
    let mut never = World::pair(&[("block", "never")]);
    never.connect();
    for _ in 0..2 {
        assert_eq!(never.deliver_up_from(0, STRANGER, b"x").frames, [[5]]);
    }
}

#[test]
fn d9_what_the_peer_should_not_send_is_dropped() {
    let (mut world, pass) = offered(&[]);
    let encrypt = world.deliver_up(0, 0, &pass).only_frame();
    world.deliver_down(0, 0, &encrypt);
    let mut dropped = |bytes: &[u8], reason: &str| {
        let expected = format!("Rejected frame {reason}");
        assert_eq!(world.deliver_up(0, 0, bytes).list, then_turn(&[&expected]));
    };
    dropped(&pass, "unexpected");
    dropped(&[5], "unexpected");
    dropped(&[], "malformed (tag at byte 0)");
    dropped(&[6; 100], "malformed (end at byte 100)");
    dropped(&[6; 129], "undecryptable");
    // An ECHO, as it would come from a reflection of keys.
    let data = world.send(0, 0, b"line").only_frame();
    let echo = world.deliver_up(0, 0, &data).only_frame();
    let mut mirrored = World::pair(&[("key_pool", "1")]);
    mirrored.connect();
    assert_eq!(
        world.deliver_up(0, 0, &echo).list,
        then_turn(&["Rejected frame undecryptable"])
    );
    let data = mirrored.send(0, 0, b"line").only_frame();
    let echo = mirrored.deliver_up(0, 0, &data).only_frame();
    assert_eq!(
        mirrored.deliver_up(0, 0, &echo).list,
        then_turn(&["Rejected frame unexpected"])
    );
}

#[test]
fn d10_a_number_out_of_order_is_dropped() {
    let mut world = World::pair(&[]);
    world.connect();
    let (sent, _, _) = world.exchange(b"line");
    let again = world.deliver_up(0, 0, &sent.frames[0]);
    assert_eq!(again.list, then_turn(&["Rejected frame sequence"]));
    // A FIN while a line is on its way carries the line's number.
    let data = world.send(0, 0, b"line").only_frame();
    let fin = world.finish(0, 0).only_frame();
    world.deliver_up(0, 0, &data);
    let late = world.deliver_up(0, 0, &fin);
    assert_eq!(late.list, then_turn(&["Rejected frame sequence"]));
    assert_eq!(world.devices[0].machine.state(), "CONNECTED");
}

#[test]
fn d11_data_in_order_is_echoed() {
    let mut world = World::pair(&[]);
    world.connect();
    let data = world.send(0, 0, b"line").only_frame();
    let seen = world.deliver_up(0, 0, &data);
    let expected = [
        "DataSent",
        "SEALED 50001 > 1:50000",
        "DataAccepted",
        "SharedState 1",
    ];
    assert_eq!(seen.list, then_turn(&expected));
}

#[test]
fn d12_fin_returns_to_open_and_the_next_offer_follows() {
    let mut world = World::pair(&[]);
    world.connect();
    let fin = world.finish(0, 0).only_frame();
    let seen = world.deliver_up(0, 0, &fin);
    assert_eq!(seen.list, then_offer(&["Ended finish", "SharedState 0"]));
    assert_eq!(world.devices[0].machine.state(), "OPEN");
}

#[test]
fn a_device_that_offers_on_its_timer_is_silent_after_datagrams() {
    let mut world = World::pair(&[("broadcast", "on-timer")]);
    world.start(0);
    let dropped = world.deliver_up_from(0, STRANGER, &[5]);
    assert_eq!(dropped.list, ["Rejected frame unexpected"]);
    assert_eq!(
        Seen::of(world.devices[0].timer(Timer::only(TIMER_TURN))).list,
        OFFER
    );
    let connect = World::pair(&[("broadcast", "on-timer")]).start(0);
    let mut world = World::pair(&[("broadcast", "on-timer")]);
    world.start(0);
    world.log_in(0, 0, &connect);
    let fin = world.finish(0, 0).only_frame();
    let ended = world.deliver_up(0, 0, &fin);
    assert_eq!(ended.list, then_offer(&["Ended finish", "SharedState 0"]));
}

#[test]
fn nobody_listens_on_the_port_that_offers_come_from() {
    let mut world = World::pair(&[]);
    let connect = world.start(0);
    let to = Address::new(0, BROADCAST_PORT);
    assert!(
        Seen::of(world.devices[0].message(STRANGER, to, &[0xFF]))
            .list
            .is_empty()
    );
    let to = Address::new(0, CLIENT_PORT);
    assert!(
        Seen::of(world.devices[0].message(STRANGER, to, &connect))
            .list
            .is_empty()
    );
}

#[test]
fn a_restart_forgets_everything_but_the_table() {
    let mut world = World::pair(&[]);
    world.connect();
    let seen = Seen::of(world.devices[0].restart());
    assert_eq!(seen.list, OFFER);
    assert_eq!(seen.only_frame()[17..21], [0, 0, 0, 1]);
    assert_eq!(world.devices[0].machine.state(), "OPEN");
}

#[test]
fn add_user_writes_one_record_and_refuses_a_name_in_use() {
    let mut world = World::pair(&[]);
    let add = |world: &mut World, args: &[Arg<'_>]| {
        Seen::of(world.devices[0].command(COMMAND_ADD_USER, None, args)).list
    };
    let user = Arg::Bytes(b"zoe");
    let before = world.devices[0].storage.iter().count();
    assert_eq!(add(&mut world, &[user, Arg::Bytes(b"pw")]), ["store 67"]);
    assert_eq!(world.devices[0].storage.iter().count(), before + 1);
    assert_eq!(
        add(&mut world, &[user, Arg::Bytes(b"other")]),
        ["Rejected command exists"]
    );
    assert_eq!(
        add(&mut world, &[Arg::Bytes(b"user1"), Arg::Bytes(b"x")]),
        ["Rejected command exists"]
    );
    for bad in [&b"a,b"[..], b"a:b", b"", &[b'x'; 65]] {
        assert_eq!(
            add(&mut world, &[Arg::Bytes(bad), Arg::Bytes(b"x")]),
            ["Rejected command argument"]
        );
    }
    assert_eq!(add(&mut world, &[user]), ["Rejected command argument"]);
    // The table survives a restart, and the new user can log in.
    world.devices[0].restart();
    assert_eq!(
        add(&mut world, &[user, Arg::Bytes(b"pw")]),
        ["Rejected command exists"]
    );
    let mut renamed = World::new("as-published", &[], 1, 1);
    renamed.devices[0].storage = world.devices[0].storage.clone();
    renamed.clients[0]
        .storage
        .apply(crate::storage::Write::Put(records::NAME, b"zoe"));
    renamed.clients[0]
        .storage
        .apply(crate::storage::Write::Put(records::PASSWORD, b"pw"));
    renamed.connect();
    assert_eq!(renamed.devices[0].machine.state(), "CONNECTED");
    assert!(renamed.devices[0].storage.read(records::PAIR).is_some());
}

#[test]
fn nothing_is_written_during_the_protocol() {
    let mut world = World::pair(&[("recovery", "timed")]);
    let (device, client) = world.connect();
    let (sent, taken, echoed) = world.exchange(b"line");
    for seen in [device, client, sent, taken, echoed] {
        assert!(!seen.list.iter().any(|effect| effect.starts_with("store")));
    }
}

#[test]
fn a_device_without_a_readable_pair_refuses_instead_of_failing() {
    let (mut world, pass) = offered(&[]);
    world.devices[0]
        .storage
        .apply(crate::storage::Write::Put(records::PAIR, b"torn"));
    assert_eq!(
        world.deliver_up(0, 0, &pass).list,
        then_offer(&["Rejected frame no-key"])
    );
}
