//! The printed program: sizes of its texts, its sessions, and everything that halts a party.

use super::super::literal::text;
use super::super::*;
use super::support::*;
use crate::address::Address;
use crate::crypto::rsa::pem;
use crate::machine::{Arg, Machine as _};
use crate::output::Output;

type Literal = World<LiteralDevice, LiteralClient>;

const STRANGER: Address = Address::new(77, CLIENT_PORT);

fn world() -> Literal {
    Literal::literal(&[("salt_cache", "100")], 1, 1)
}

fn connected() -> Literal {
    let mut world = world();
    world.connect();
    world
}

/// A client with a PASS on its way, the PASS, and the ENCRYPT that answers it.
fn pending() -> (Literal, Vec<u8>, Vec<u8>) {
    let mut world = world();
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let encrypt = world.deliver_up(0, 0, &pass).only_frame();
    (world, pass, encrypt)
}

/// The text with field `index` (after the verb) replaced.
fn with_field(datagram: &[u8], index: usize, field: &str) -> Vec<u8> {
    let text = core::str::from_utf8(datagram).unwrap();
    let (verb, rest) = text.split_once(':').unwrap();
    let mut fields: Vec<&str> = rest.split(',').collect();
    fields[index] = field;
    format!("{verb}:{}", fields.join(",")).into_bytes()
}

/// What a fresh open device does with a changed PASS.
fn open_device(change: impl Fn(&[u8]) -> Vec<u8>) -> (Seen, &'static str) {
    let mut world = world();
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let seen = world.deliver_up(0, 0, &change(&pass));
    (seen, world.devices[0].machine.state())
}

#[test]
fn texts_have_the_sizes_of_the_printed_program() {
    let mut modulus = vec![0xFF; 512];
    modulus[0] = 0x80;
    assert_eq!(pem::encode(&modulus, 65_537).unwrap().len(), 799);
    let mut sealed = Vec::new();
    text::base64_encode(&[0; 512], &mut sealed);
    assert_eq!(sealed.len(), 693);
    assert_eq!(text::BUSY.len(), 28);

    let (_, pass, encrypt) = pending();
    let key = pem::encode(&[0xFF; 128], 65_537).unwrap().len();
    let digits =
        |datagram: &[u8], index: usize| text::Message::parse(datagram).unwrap().fields[index].len();
    // Without the key a PASS is 110 bytes, an ENCRYPT 78, beside their varying fields.
    assert_eq!(pass.len(), 110 + key + 1 + 5 + digits(&pass, 5));
    assert_eq!(encrypt.len(), 78 + key + digits(&encrypt, 3));
    let mut world = Literal::literal(&[], 1, 1);
    assert_eq!(world.start(0).len(), 42 + 1 + 4);
}

#[test]
fn every_text_is_found_by_its_layout() {
    let (mut world, pass, encrypt) = pending();
    let instance = configure("literal", &[]);
    world.deliver_down(0, 0, &encrypt);
    let sealed = world.send(0, 0, b"line").only_frame();
    let connect = Literal::literal(&[], 1, 1).start(0);
    let texts = [
        &connect,
        &pass,
        &encrypt,
        &b"ERROR:LOGIN".to_vec(),
        &text::BUSY.to_vec(),
        &sealed,
    ];
    for (place, bytes) in texts.into_iter().enumerate() {
        assert_eq!(instance.classify(bytes), Some(place));
        let layout = &instance.layouts()[place];
        assert!(layout.locate(bytes).is_ok(), "{}", layout.name);
    }
    assert_eq!(instance.classify(b"\xff"), None);
    assert_eq!(instance.classify(b""), None);
}

#[test]
fn a_session_runs_and_both_ends_agree() {
    let mut world = world();
    let (at_device, at_client) = world.connect();
    assert_eq!(
        at_device.list[..4],
        [
            "Running",
            "ENCRYPT 50001 > 1:50000",
            "Accepted",
            "SharedState 1"
        ]
    );
    assert_eq!(at_client.list, ["Accepted", "SharedState 1"]);
    assert_eq!(at_device.accepted(), at_client.accepted());
    for line in [&b"light on"[..], b"", b"a,b:c", b"\xff\x00"] {
        let (sent, taken, echoed) = world.exchange(line);
        assert_eq!(sent.list, ["DataSent", "SEALED 50000 > 0:50001"]);
        assert_eq!(taken.shared(), echoed.shared());
        let digest = |seen: &Seen| {
            seen.outputs.iter().find_map(|output| match output {
                Output::DataAccepted { digest, .. } => Some(*digest),
                _ => None,
            })
        };
        assert_eq!(digest(&taken), digest(&echoed));
    }
    let fin = world.finish(0, 0);
    assert_eq!(
        fin.list,
        ["SEALED 50000 > 0:50001", "Ended finish", "SharedState 0"]
    );
    let ended = world.deliver_up(0, 0, &fin.frames[0]);
    assert_eq!(ended.list[..2], ["Ended finish", "SharedState 0"]);
    assert_eq!(world.devices[0].machine.state(), "OPEN");
}

#[test]
fn an_open_device_drops_blocks_or_halts() {
    let cases: [(&[u8], &str, &str); 6] = [
        (
            b"no colon",
            "Rejected frame malformed (verb at byte 0)",
            "OPEN",
        ),
        (b"CONNECT:a,b,c", "Rejected frame unexpected", "OPEN"),
        (b"NOISE:", "Rejected frame unexpected", "OPEN"),
        (b"ACK:ENCRYPT,a,b,c", "Halted", "HALTED"),
        (b"ACK:PASS,1,2", "Halted", "HALTED"),
        (b"ACK:PASS,x,user1,a,b,2,key", "Halted", "HALTED"),
    ];
    for (bytes, first, state) in cases {
        let (seen, after) = open_device(|_| bytes.to_vec());
        assert_eq!((seen.list[0].as_str(), after), (first, state));
    }
    let mut world = world();
    world.start(0);
    world.deliver_up_from(0, STRANGER, b"no colon");
    assert_eq!(
        world.deliver_up_from(0, STRANGER, b"ACK:").frames.len(),
        1,
        "blocked"
    );
}

#[test]
fn a_pass_is_judged_in_the_order_of_the_program() {
    let list = |index: usize, field: &'static str| {
        let (seen, state) = open_device(|pass| with_field(pass, index, field));
        (seen.list, state)
    };
    assert_eq!(list(1, "99").0[0], "Rejected frame number");
    assert_eq!(
        list(1, "99999999999999999999999").0[0],
        "Rejected frame number"
    );
    for (index, field) in [(2, "nobody"), (3, "00")] {
        let (seen, state) = list(index, field);
        assert_eq!(seen[..2], ["LOGIN 50001 > 1:50000", "Rejected frame login"]);
        assert_eq!(state, "OPEN");
    }
    // The value and the key are looked at after the answer.
    let (seen, state) = list(5, "-3");
    assert_eq!(
        seen[..4],
        [
            "Running",
            "ENCRYPT 50001 > 1:50000",
            "ARGUMENT 50001 > 1:50000",
            "Rejected frame argument"
        ]
    );
    assert_eq!(state, "OPEN");
    let (seen, state) = list(6, "no key");
    assert_eq!(
        seen,
        [
            "Running",
            "ENCRYPT 50001 > 1:50000",
            "Rejected frame key",
            "Halted",
            "halt"
        ]
    );
    assert_eq!(state, "HALTED");
    // Any decimal value is taken, whatever its size.
    for value in ["0", "1", "105340", "18446744073709551616"] {
        assert_eq!(list(5, value).1, "CONNECTED");
    }
}

#[test]
fn a_huge_value_costs_a_huge_power() {
    let mut world = world();
    let connect = world.start(0);
    world.authenticate(0, 0);
    let pass = world.deliver_down(0, 0, &connect).only_frame();
    let cost = |world: &Literal| {
        let operations = world.devices[0].crypto.meter.operations().iter();
        let powers = operations.filter(|one| one.primitive == crate::meter::Primitive::ModPow);
        powers.map(|one| u64::from(one.bytes)).max().unwrap()
    };
    world.deliver_up(0, 0, &pass);
    let usual = cost(&world);
    let mut huge = Literal::literal(&[("salt_cache", "100")], 1, 1);
    huge.start(0);
    huge.deliver_up(0, 0, &with_field(&pass, 5, &"9".repeat(1_000)));
    assert_eq!(huge.devices[0].machine.state(), "CONNECTED");
    assert!(cost(&huge) > 100 * usual);
}

#[test]
fn a_third_party_halts_a_connected_device() {
    let mut world = connected();
    let seen = world.deliver_up_from(0, STRANGER, b"");
    assert_eq!(
        seen.list,
        [
            "BUSY 50001 > 77:50000",
            "Rejected frame third-party",
            "Halted",
            "halt"
        ]
    );
    assert!(world.deliver_up(0, 0, b"ACK:").list.is_empty());
    assert_eq!(Seen::of(world.devices[0].restart()).frames.len(), 1);
    assert_eq!(world.devices[0].machine.state(), "OPEN");
}

#[test]
fn a_device_halts_at_what_it_cannot_read_from_its_peer() {
    let (mut world, pass, _) = pending();
    let seen = world.deliver_up(0, 0, &pass);
    assert_eq!(
        seen.list,
        ["Rejected frame undecryptable", "Halted", "halt"]
    );
    // An echo back to the device opens with a shared pair, and is no line.
    let mut mirrored = Literal::literal(&[("key_pool", "1")], 1, 1);
    mirrored.connect();
    let (_, taken, _) = mirrored.exchange(b"line");
    let seen = mirrored.deliver_up(0, 0, &taken.frames[0]);
    assert_eq!(seen.list, ["Rejected frame unparsable", "Halted", "halt"]);
}

#[test]
fn a_number_out_of_order_is_dropped_and_foreign_characters_are_skipped() {
    let mut world = connected();
    let (sent, _, _) = world.exchange(b"line");
    let again = world.deliver_up(0, 0, &sent.frames[0]);
    assert_eq!(again.list[0], "Rejected frame sequence");
    let mut next = world.send(0, 0, b"line").only_frame();
    next.insert(10, b'!');
    assert_eq!(world.deliver_up(0, 0, &next).list[0], "DataSent");
}

#[test]
fn an_echo_that_does_not_fit_halts_the_device_after_the_number_moved() {
    let mut world = connected();
    // 86 bytes fit; `DATA:` is shorter than the start of an echo.
    let longest = (0..86)
        .rev()
        .find(|length| {
            let mut trial = world.clients[0].clone();
            let line = vec![b'x'; *length];
            let peer = Some(device_address(0));
            let seen = Seen::of(trial.command(COMMAND_SEND_DATA, peer, &[Arg::Bytes(&line)]));
            seen.list[0] == "DataSent"
        })
        .unwrap();
    let line = vec![b'x'; longest];
    assert_eq!(
        world.send(0, 0, &[&line[..], b"x"].concat()).list,
        ["Rejected command too-long"]
    );
    let data = world.send(0, 0, &line).only_frame();
    let seen = world.deliver_up(0, 0, &data);
    assert_eq!(
        seen.list,
        ["DataAccepted", "SharedState 1", "Halted", "halt"]
    );
}

#[test]
fn a_client_halts_at_what_the_program_cannot_take() {
    let halted = ["Halted", "halt"];
    for bytes in [
        &b"no colon"[..],
        b"",
        b"NOISE:a",
        b"ACK:ENCRYPT,a,b,c",
        text::BUSY,
    ] {
        let mut world = world();
        assert_eq!(world.deliver_down_from(0, STRANGER, bytes).list, halted);
        assert_eq!(world.clients[0].machine.state(), "HALTED");
        world.clients[0].restart();
        assert_eq!(world.clients[0].machine.state(), "IDLE");
    }
    let mut world = connected();
    let seen = world.deliver_down(0, 0, b"ERROR:LOGIN");
    assert_eq!(
        seen.list,
        ["Rejected frame undecryptable", "Halted", "halt"]
    );
}

#[test]
fn a_client_checks_an_encrypt_and_ignores_one_that_nobody_waits_for() {
    for (index, field, reason) in [
        (2, "00", "server-hash"),
        (3, "x", "argument"),
        (1, "no key", "key"),
    ] {
        let (mut world, _, encrypt) = pending();
        let seen = world.deliver_down(0, 0, &with_field(&encrypt, index, field));
        assert_eq!(seen.list, [format!("Rejected attempt {reason}")]);
        assert!(world.deliver_down(0, 0, &encrypt).list.is_empty());
    }
    let (mut world, _, _) = pending();
    let seen = world.deliver_down_from(0, STRANGER, b"ERROR:ARGUMENT");
    assert_eq!(seen.list, ["Rejected attempt argument"]);
}

#[test]
fn one_number_serves_all_connections_of_a_client() {
    let mut world = Literal::literal(&[], 2, 1);
    for device in 0..2 {
        let connect = world.start(device);
        world.log_in(device, 0, &connect);
    }
    // The second login has overwritten the number of the first.
    let data = world.send(0, 0, b"line").only_frame();
    assert_eq!(
        world.deliver_up(0, 0, &data).list[0],
        "Rejected frame sequence"
    );
    let data = world.send(0, 1, b"line").only_frame();
    assert_eq!(world.deliver_up(1, 0, &data).list[0], "DataSent");
}

#[test]
fn a_hole_in_the_table_halts_the_client() {
    let mut world = Literal::literal(&[], 2, 1);
    for device in 0..2 {
        let connect = world.start(device);
        world.log_in(device, 0, &connect);
    }
    world.finish(0, 0);
    assert_eq!(world.send(0, 1, b"line").list, ["Halted", "halt"]);
}

#[test]
fn the_literal_form_has_no_timed_recovery() {
    let refused = RsaUdp.configure("literal", &values(&[("recovery", "timed")]));
    assert_eq!(refused.unwrap_err().name, "recovery");
}
