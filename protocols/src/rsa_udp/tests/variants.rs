//! Hardened, timed recovery, and what each broken twin lets pass.

use super::super::messages::{Frame, decode};
use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::machine::{Machine as _, Timer};

const STRANGER: Address = Address::new(77, CLIENT_PORT);
const RESEND: Timer = Timer {
    kind: TIMER_RESEND,
    key: 0,
};

fn broken(without: &'static str) -> World {
    World::new("broken", &[("without", without)], 1, 1)
}

fn hardened() -> World {
    World::new("hardened", &[], 1, 1)
}

/// A client with a PASS on its way, the PASS, and the ENCRYPT that answers it.
fn pending(mut world: World) -> (World, Vec<u8>, Vec<u8>) {
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let encrypt = world.deliver_up(0, 0, &pass).frames[0].clone();
    (world, pass, encrypt)
}

/// Every single-bit change at the given step through the frame.
fn flips(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..frame.len()).step_by(5).map(|place| {
        let mut changed = frame.to_vec();
        changed[place] ^= 1;
        changed
    })
}

#[test]
fn hardened_binds_the_whole_pass_and_the_whole_encrypt() {
    let (mut world, pass, encrypt) = pending(hardened());
    let mut other = hardened();
    other.start(0);
    for changed in flips(&pass) {
        other.deliver_up(0, 0, &changed);
        assert_eq!(other.devices[0].machine.state(), "OPEN");
    }
    for changed in flips(&encrypt) {
        let mut client = world.clients[0].clone();
        let to = world.client_address(0);
        client.message(device_address(0), to, &changed);
        assert_ne!(client.machine.state(), "PROMPT");
    }
    assert_eq!(world.deliver_down(0, 0, &encrypt).list[0], "cancel login");
}

#[test]
fn hardened_lines_carry_a_mac_for_their_direction() {
    let mut world = World::new("hardened", &[("key_pool", "1")], 1, 1);
    world.connect();
    let (sent, taken, echoed) = world.exchange(b"line");
    assert_eq!(taken.shared(), echoed.shared());
    // Even with one pair for both ends a reflected frame is refused.
    let reflected = world.deliver_up(0, 0, &taken.frames[0]);
    assert_eq!(reflected.list, ["Rejected frame mac"]);
    let reflected = world.deliver_down(0, 0, &sent.frames[0]);
    assert_eq!(reflected.list, ["Rejected frame mac"]);
}

#[test]
fn hardened_refuses_a_line_sealed_by_somebody_without_the_key() {
    let mut world = hardened();
    world.connect();
    let mut plain = World::pair(&[]);
    plain.connect();
    // The published client seals to the same device key, without a MAC.
    let forged = plain.send(0, 0, b"a line of sixteen").only_frame();
    assert_eq!(world.deliver_up(0, 0, &forged).list, ["Rejected frame mac"]);
    let short = plain.finish(0, 0).only_frame();
    assert_eq!(world.deliver_up(0, 0, &short).list, ["Rejected frame mac"]);
}

#[test]
fn hardened_counts_answers_only_from_the_address_the_pass_went_to() {
    let (mut world, _, encrypt) = pending(hardened());
    let rogue = Address::new(77, DEVICE_PORT);
    for frame in [&encrypt[..], &[4, 1]] {
        let seen = world.deliver_down_from(0, rogue, frame);
        assert_eq!(seen.list, ["Rejected frame unexpected"]);
    }
    world.deliver_down(0, 0, &encrypt);
    assert_eq!(world.clients[0].machine.state(), "PROMPT");
}

#[test]
fn hardened_consumes_salts_and_blocks_nobody() {
    let (mut world, pass, encrypt) = pending(hardened());
    world.deliver_down(0, 0, &encrypt);
    for _ in 0..2 {
        let stranger = world.deliver_up_from(0, STRANGER, b"x");
        assert_eq!(stranger.frames, [[5]]);
    }
    let fin = world.finish(0, 0).only_frame();
    world.deliver_up(0, 0, &fin);
    assert_eq!(
        world.deliver_up(0, 0, &pass).list,
        ["Rejected frame number"]
    );
}

#[test]
fn hardened_frames_keep_their_sizes() {
    let (mut world, pass, encrypt) = pending(hardened());
    assert_eq!((pass.len(), encrypt.len()), (64 + 128 + 5, 43 + 128));
    world.deliver_down(0, 0, &encrypt);
    assert_eq!(world.send(0, 0, &[7; 61]).only_frame().len(), 129);
    assert_eq!(
        world.send(0, 0, &[7; 62]).list,
        ["Rejected command too-long"]
    );
}

#[test]
fn timed_a_login_without_answer_is_given_up() {
    let (mut world, _, encrypt) = pending(World::pair(&[("recovery", "timed")]));
    let seen = Seen::of(world.clients[0].timer(Timer::only(TIMER_LOGIN)));
    assert_eq!(seen.list, ["cancel login", "Rejected attempt timeout"]);
    assert!(world.deliver_down(0, 0, &encrypt).list.is_empty());
    assert_eq!(world.clients[0].machine.state(), "IDLE");
}

#[test]
fn timed_a_line_is_sent_again_and_echoed_again_without_being_taken_twice() {
    let mut world = World::pair(&[("recovery", "timed")]);
    world.connect();
    let sent = world.send(0, 0, b"line");
    assert_eq!(
        sent.list,
        ["DataSent", "SEALED 50000 > 0:50001", "arm resend 30s"]
    );
    let first = world.deliver_up(0, 0, &sent.frames[0]);
    let again = Seen::of(world.clients[0].timer(RESEND));
    assert_eq!(again.list, ["SEALED 50000 > 0:50001", "arm resend 30s"]);
    assert_ne!(again.frames, sent.frames, "sealed anew");
    let echoed = world.deliver_up(0, 0, &again.frames[0]);
    assert_eq!(echoed.list, ["SEALED 50001 > 1:50000", "arm turn 60s"]);
    let taken = world.deliver_down(0, 0, &echoed.frames[0]);
    assert_eq!(
        taken.list,
        ["DataAccepted", "SharedState 1", "cancel resend"]
    );
    assert_eq!(taken.shared(), first.shared());
    // Another text under the old number is not that line.
    let mut other = World::pair(&[("recovery", "timed")]);
    other.connect();
    let line = other.send(0, 0, b"line").only_frame();
    let echo = other.deliver_up(0, 0, &line).frames[0].clone();
    let mut rewritten = World::pair(&[("recovery", "timed")]);
    rewritten.connect();
    let text = rewritten.send(0, 0, b"else").only_frame();
    assert_eq!(
        other.deliver_up(0, 0, &text).list[0],
        "Rejected frame sequence"
    );
    other.deliver_down(0, 0, &echo);
}

#[test]
fn timed_a_line_is_given_up_after_its_resends() {
    let mut world = World::pair(&[("recovery", "timed")]);
    world.connect();
    world.send(0, 0, b"line");
    for _ in 0..3 {
        assert_eq!(Seen::of(world.clients[0].timer(RESEND)).frames.len(), 1);
    }
    let seen = Seen::of(world.clients[0].timer(RESEND));
    assert_eq!(
        seen.list,
        [
            "Rejected attempt timeout",
            "Ended timeout",
            "SharedState 0",
            "cancel resend"
        ]
    );
    assert_eq!(world.clients[0].machine.state(), "IDLE");
}

#[test]
fn timed_a_silent_peer_is_forgotten() {
    let mut world = World::pair(&[("recovery", "timed")]);
    let (at_device, _) = world.connect();
    assert_eq!(at_device.list[4..], ["arm idle 60s", "arm turn 60s"]);
    let (_, taken, _) = world.exchange(b"line");
    assert!(taken.list.contains(&"arm idle 60s".to_owned()));
    let seen = Seen::of(world.devices[0].timer(Timer::only(TIMER_IDLE)));
    assert_eq!(seen.list, ["Ended timeout", "SharedState 0", "cancel idle"]);
    assert_eq!(world.devices[0].machine.state(), "OPEN");
    let mut on_timer = hardened();
    on_timer.connect();
    let seen = Seen::of(on_timer.devices[0].timer(Timer::only(TIMER_IDLE)));
    assert_eq!(seen.list[3..], ["CONNECT 49152 > *:50000", "arm turn 60s"]);
}

#[test]
fn without_password_any_hash_logs_a_known_user_in() {
    let (mut world, pass, _) = pending(broken("password"));
    world.devices[0].restart();
    let mut forged = pass;
    forged[5..37].fill(0);
    world.deliver_up_from(0, STRANGER, &forged);
    assert_eq!(world.devices[0].machine.state(), "CONNECTED");
    let mut unknown = broken("password");
    unknown.start(0);
    let last = forged.len() - 1;
    forged[last] = b'?';
    assert_eq!(
        unknown.deliver_up(0, 0, &forged).list[1],
        "Rejected frame login"
    );
}

#[test]
fn without_server_hash_any_device_is_believed() {
    let (mut world, _, mut encrypt) = pending(broken("server-hash"));
    encrypt[1..33].fill(0);
    assert_eq!(world.deliver_down(0, 0, &encrypt).list[0], "Accepted");
}

#[test]
fn without_number_an_old_pass_logs_in() {
    let (mut world, mut pass, _) = pending(broken("number"));
    world.devices[0].restart();
    pass[1..5].fill(0xEE);
    world.deliver_up_from(0, STRANGER, &pass);
    assert_eq!(world.devices[0].machine.state(), "CONNECTED");
    // A number that is remembered still names a salt to check against.
    let mut known = broken("number");
    known.start(0);
    pass[1..5].copy_from_slice(&[0, 0, 0, 1]);
    pass[5] ^= 1;
    assert_eq!(
        known.deliver_up(0, 0, &pass).list[1],
        "Rejected frame login"
    );
}

#[test]
fn without_sequence_a_line_is_taken_twice() {
    let mut world = broken("sequence");
    world.connect();
    let (sent, taken, _) = world.exchange(b"line");
    let again = world.deliver_up(0, 0, &sent.frames[0]);
    assert_eq!(again.list[2], "DataAccepted");
    let echo = world.deliver_down(0, 0, &taken.frames[0]);
    assert_eq!(echo.list[0], "DataAccepted");
}

#[test]
fn without_peer_anybody_may_end_the_connection() {
    let mut world = broken("peer");
    world.connect();
    let data = world.send(0, 0, b"line").only_frame();
    let seen = world.deliver_up_from(0, STRANGER, &data);
    assert_eq!(seen.list[1], "SEALED 50001 > 77:50000");
    let seen = world.deliver_up_from(0, STRANGER, b"noise");
    assert_eq!(seen.list[1], "Ended undecryptable");
    assert_eq!(world.devices[0].machine.state(), "OPEN");
}

#[test]
fn without_cipher_lines_travel_in_clear() {
    let mut world = broken("cipher");
    world.connect();
    let (sent, taken, echoed) = world.exchange(b"secret text");
    for frame in [&sent.frames[0], &taken.frames[0]] {
        assert_eq!(frame.len(), 129);
        assert!(frame.windows(11).any(|window| window == b"secret text"));
        assert_eq!(frame[127..], [0, 20]);
    }
    assert_eq!(taken.shared(), echoed.shared());
    // Sequence numbers still count.
    assert_eq!(
        world.deliver_up(0, 0, &sent.frames[0]).list[0],
        "Rejected frame sequence"
    );
    let mut long = sent.frames[0].clone();
    long[127..].copy_from_slice(&[0, 127]);
    assert_eq!(
        world.deliver_up(0, 0, &long).list[0],
        "Rejected frame undecryptable"
    );
}

#[test]
fn without_hash_the_password_stands_in_pass_and_encrypt() {
    let (mut world, pass, encrypt) = pending(broken("hash"));
    let password = pass[5..37].to_vec();
    assert!(password[..12].iter().all(u8::is_ascii_lowercase));
    assert!(password[12..].iter().all(|byte| *byte == 0));
    assert_eq!(encrypt[1..33], password);
    world.deliver_down(0, 0, &encrypt);
    assert_eq!(world.exchange(b"line").2.list[0], "DataAccepted");
}

#[test]
fn without_binding_reflected_frames_are_taken() {
    let mut world = broken("binding");
    world.connect();
    let (sent, taken, _) = world.exchange(b"line");
    assert_eq!(
        world.deliver_down(0, 0, &sent.frames[0]).list[0],
        "DataAccepted"
    );
    assert_eq!(
        world.deliver_up(0, 0, &taken.frames[0]).list[2],
        "DataAccepted"
    );
    let fin = world.finish(0, 0).only_frame();
    world.deliver_up(0, 0, &fin);
    assert_eq!(world.devices[0].machine.state(), "OPEN");
}

#[test]
fn without_limits_a_datagram_makes_ten_and_a_value_out_of_range_halts() {
    let mut world = broken("limits");
    world.start(0);
    let seen = world.deliver_up_from(0, STRANGER, &[5]);
    assert_eq!(seen.frames.len(), 10);
    assert_eq!(world.devices[0].machine.numbers().count(), 1);

    let (mut world, pass, encrypt) = pending(broken("limits"));
    world.devices[0].restart();
    let layouts = &params("as-published", &[]).layouts;
    let Ok(Frame::Pass(mut bad)) = decode(layouts, &pass) else {
        panic!("a PASS");
    };
    bad.dh_public = 0;
    let mut bytes = Vec::new();
    Frame::Pass(bad).encode(&mut bytes);
    // The salt of the first number after the restart is another one, so the hash is wrong first.
    assert_eq!(
        world.deliver_up(0, 0, &bytes).list[1],
        "Rejected frame login"
    );
    world.deliver_down(0, 0, &encrypt);
    let seen = world.send(0, 0, &[0; 78]);
    assert_eq!(seen.list, ["Rejected command too-long", "Halted", "halt"]);
    assert_eq!(world.clients[0].machine.state(), "HALTED");
    assert!(world.finish(0, 0).list.is_empty());
    world.clients[0].restart();
    assert_eq!(world.clients[0].machine.state(), "IDLE");

    let mut world = broken("limits");
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let Ok(Frame::Pass(mut bad)) = decode(layouts, &pass) else {
        panic!("a PASS");
    };
    bad.dh_public = 105_340;
    let mut bytes = Vec::new();
    Frame::Pass(bad).encode(&mut bytes);
    assert_eq!(world.deliver_up(0, 0, &bytes).list, ["Halted", "halt"]);
    assert_eq!(world.devices[0].machine.state(), "HALTED");
    assert!(world.deliver_up(0, 0, &pass).list.is_empty());
}

#[test]
fn without_retry_nobody_comes_back() {
    let (mut world, _, _) = pending(broken("retry"));
    world.deliver_down_from(0, STRANGER, &[4, 1]);
    assert_eq!(world.clients[0].machine.state(), "PENDING");
    assert_eq!(world.authenticate(0, 0).list, ["Rejected command busy"]);

    let mut world = broken("retry");
    world.connect();
    world.exchange(b"line");
    let fin = world.finish(0, 0).only_frame();
    let seen = world.deliver_up(0, 0, &fin);
    assert_eq!(seen.list, ["Ended finish", "SharedState 0", "arm turn 60s"]);
    assert_eq!(world.devices[0].machine.state(), "CONNECTED");
    assert_eq!(
        world.deliver_up(0, 0, &fin).list[0],
        "Rejected frame unexpected"
    );
}
