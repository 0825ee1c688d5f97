//! Known answers of the key schedule and of whole sessions, from an independent program.

use super::world::World;
use super::{EPOCH, fresh, master, params, text};
use crate::machine::Arg;
use crate::meter::{Primitive, Totals};
use crate::output::{Hex, Output};
use crate::parameter::Value;
use crate::ratchet::command;
use crate::testing::unhex;

const ANSWERS: &str = include_str!("known-answers.txt");

/// The words of the lines that begin with `head`, in the section that begins with `section`.
fn lines<'a>(section: &str, head: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = ANSWERS.split_once(section).unwrap();
    let section = rest.split("session ").next().unwrap();
    section
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|words| words[0] == head)
        .map(|words| words[1..].to_vec())
        .collect()
}

const SESSIONS: &[(&str, &str, u64)] = &[
    ("as-published", "hkdf-info", 16),
    ("as-published", "hkdf-info", 32),
    ("as-published", "hkdf-salt", 16),
    ("as-published", "sha256", 16),
    ("hardened", "hkdf-info", 16),
];

#[test]
fn initial_keys_are_those_of_an_independent_program() {
    let cases = [
        (
            "hkdf-info",
            16,
            "2d2759315e06aa798a9600e0875be3ca",
            "b9053411a23077b8b13ee531c28d091b",
        ),
        (
            "hkdf-info",
            32,
            "2d2759315e06aa798a9600e0875be3ca",
            "b9053411a23077b8b13ee531c28d091b04f6240752452e7267abddea969639e4",
        ),
        (
            "hkdf-salt",
            16,
            "6b3c9f5cd5dc14fb29d86096d283edb6",
            "1a0ba27b06a0b3e59541e82fbc9e5543",
        ),
        (
            "hkdf-salt",
            32,
            "6b3c9f5cd5dc14fb29d86096d283edb6",
            "1a0ba27b06a0b3e59541e82fbc9e5543156ce4ef664c4df1bbac865308923913",
        ),
        (
            "sha256",
            16,
            "ffcbdbeb5195968b2fa5387cc5fe507b",
            "d638b889bb11d7cd16fef051ccbbd848",
        ),
        (
            "sha256",
            32,
            "ffcbdbeb5195968b2fa5387cc5fe507b",
            "d638b889bb11d7cd16fef051ccbbd848fe651a91db9d1859d285fc380f352f4f",
        ),
    ];
    assert_eq!(&master(1), b"client1_master_k");
    for (kdf, mac_key_bytes, enc, mac) in cases {
        let params = params(
            "as-published",
            &[
                ("kdf", text(kdf)),
                ("mac_key_bytes", Value::Integer(mac_key_bytes)),
            ],
        );
        let keys = fresh(&params, 1);
        assert_eq!(Hex(&keys.c2s.enc).to_string(), enc, "{kdf}");
        assert_eq!(Hex(keys.c2s.mac(&params)).to_string(), mac, "{kdf}");
    }
}

#[test]
fn whole_sessions_match_byte_for_byte() {
    for (variant, kdf, mac_key_bytes) in SESSIONS {
        for framing in ["length32", "datagram"] {
            let params = params(
                variant,
                &[
                    ("kdf", text(kdf)),
                    ("mac_key_bytes", Value::Integer(*mac_key_bytes)),
                    ("framing", text(framing)),
                ],
            );
            let mut world = World::new(&params, 1);
            assert_eq!(world.server.now, EPOCH);
            world.command(1, command::AUTHENTICATE, &[]);
            world.command(1, command::SEND_DATA, &[Arg::Bytes(b"10,20")]);
            world.command(1, command::SEND_DATA, &[Arg::Bytes(b"10.5,30.1")]);

            let section = format!("{variant} {kdf} {mac_key_bytes}");
            let frames = lines(&section, "frame");
            let skip = if framing == "length32" { 4 } else { 0 };
            let sent: Vec<_> = world
                .wire
                .iter()
                .map(|(_, bytes)| bytes[skip..].to_vec())
                .collect();
            let expected: Vec<_> = frames.iter().map(|words| unhex(words[0])).collect();
            assert_eq!(sent, expected, "{section} {framing}");

            let names = lines(&section, "names").remove(0);
            let [key_id, session, state, run_hello, run_both] = names[..] else {
                panic!("five names")
            };
            let mut runs = Vec::new();
            for (speaker, output) in &world.outputs {
                if let Output::Accepted {
                    session: own,
                    key_id: key,
                    run,
                    ..
                } = output
                {
                    assert_eq!(Hex(own).to_string(), session);
                    assert_eq!(Hex(&key.unwrap()).to_string(), key_id);
                    runs.push((*speaker, Hex(run).to_string()));
                }
            }
            if *variant == "as-published" {
                assert_eq!(runs, [(0, run_hello.to_owned()), (1, run_both.to_owned())]);
            }
            for end in world.shared(1) {
                assert_eq!(Hex(&end[0]).to_string(), state, "{section} {framing}");
            }
        }
    }
}

#[test]
fn keys_move_as_an_independent_program_moves_them() {
    use crate::crypto::Crypto;
    use crate::ratchet::equations::{Keys, after_c2s, after_s2c};
    use crate::ratchet::messages::sealed_parts;

    for (variant, kdf, mac_key_bytes) in SESSIONS.iter().filter(|case| case.0 == "as-published") {
        let params = params(
            variant,
            &[
                ("kdf", text(kdf)),
                ("mac_key_bytes", Value::Integer(*mac_key_bytes)),
            ],
        );
        let section = format!("{variant} {kdf} {mac_key_bytes}");
        let shown = |keys: &Keys| {
            let parts = [
                &keys.c2s.enc[..],
                keys.c2s.mac(&params),
                &keys.s2c.enc,
                keys.s2c.mac(&params),
            ];
            Hex(&parts.concat()).to_string()
        };
        let frames = lines(&section, "frame");
        let answers = [
            "ServerChallenge-01767225600000000000",
            "Aggregated: 15.00",
            "Aggregated: 20.30",
        ];
        let crypto = &mut Crypto::default();
        let mut keys = fresh(&params, 1);
        let mut steps = vec![shown(&keys)];
        for (step, words) in frames.iter().enumerate() {
            let frame = unhex(words[0]);
            let (iv, ciphertext) = sealed_parts(&frame);
            if step % 2 == 0 {
                keys.c2s = after_c2s(&params, crypto, &keys.c2s, iv, ciphertext);
            } else {
                keys.s2c = after_s2c(&params, crypto, &keys.s2c, answers[step / 2].as_bytes());
            }
            steps.push(shown(&keys));
        }
        let expected: Vec<_> = lines(&section, "keys")
            .iter()
            .map(|words| words[0].to_owned())
            .collect();
        assert_eq!(steps, expected, "{section}");
    }
}

#[test]
fn each_message_costs_each_end_what_the_specification_says() {
    let params = params("as-published", &[("framing", text("datagram"))]);
    let mut world = World::new(&params, 1);
    let totals = |meter: &crate::meter::Meter| {
        let mut totals = Totals::default();
        meter
            .operations()
            .iter()
            .for_each(|operation| totals.add(operation));
        totals
    };

    world.ask(1, command::AUTHENTICATE, &[]);
    let cost = totals(&world.client(1).crypto.meter);
    assert_eq!(cost.of(Primitive::Aes128Encrypt), (2, 32));
    assert_eq!(cost.of(Primitive::HmacSha256), (1, 23 + 32));
    assert_eq!(
        cost.of(Primitive::Kdf),
        (6, 96),
        "four initial keys and one move"
    );
    assert_eq!(cost.of(Primitive::Random), (1, 16));

    let hello = world.on_way.pop_front().unwrap();
    world.deliver(hello);
    let cost = totals(&world.server.crypto.meter);
    assert_eq!(cost.of(Primitive::Aes128Decrypt), (2, 32));
    assert_eq!(cost.of(Primitive::Aes128Encrypt), (3, 48));
    assert_eq!(cost.of(Primitive::HmacSha256), (2, 23 + 32 + 23 + 48));
    assert_eq!(
        cost.of(Primitive::Kdf),
        (8, 128),
        "four initial keys and two moves"
    );
    assert_eq!(cost.of(Primitive::Random), (1, 16));

    let challenge = world.on_way.pop_front().unwrap();
    world.deliver(challenge);
    let cost = totals(&world.client(1).crypto.meter);
    assert_eq!(cost.of(Primitive::Aes128Decrypt), (3, 48));
    assert_eq!(cost.of(Primitive::HmacSha256), (1, 23 + 48));
    assert_eq!(cost.of(Primitive::Kdf), (2, 32));
    assert_eq!(cost.of(Primitive::Random), (0, 0));
}
