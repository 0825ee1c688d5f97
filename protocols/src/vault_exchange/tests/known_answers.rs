//! Values computed by an independent program.

use super::super::equations::{combine, update_rows};
use super::super::params::Params;
use super::super::{AUTHENTICATE, SESSION_TIMER};
use super::*;
use crate::crypto::Crypto;
use crate::machine::Timer;
use crate::meter::{Primitive, Totals};
use crate::output::Hex;
use crate::testing::{outputs, sent, unhex};

fn params() -> Params {
    Params::new("as-published", &Values::default()).unwrap()
}

#[test]
fn combined_keys_of_the_counted_vault() {
    let (params, vault) = (params(), plain_vault(4, 16));
    let mut crypto = Crypto::default();
    for (indices, byte) in [
        (&[0, 1][..], 3),
        (&[0, 3], 5),
        (&[2], 3),
        (&[1, 1], 0),
        (&[0, 1, 2, 3], 4),
    ] {
        let combined = combine(&params, &vault[4..], indices, &mut crypto);
        assert_eq!(combined[..16], [byte; 16], "{indices:?}");
    }
}

#[test]
fn two_updates_of_the_counted_vault() {
    let (params, mut vault) = (params(), plain_vault(4, 16));
    let mut crypto = Crypto::default();
    let mut update = |indices: &[u8]| {
        let combined = combine(&params, &vault[4..], indices, &mut crypto);
        update_rows(&params, &mut vault[4..], &combined[..16], &mut crypto);
        [0, 1, 2, 3].map(|row| {
            let row = &vault[4 + 16 * row..20 + 16 * row];
            assert!(row.iter().all(|byte| *byte == row[0]));
            row[0]
        })
    };
    assert_eq!(update(&[0, 1]), [2, 1, 0, 7]);
    assert_eq!(update(&[2, 3]), [5, 6, 7, 0]);
}

#[test]
fn an_index_past_the_vault_counts_as_zeros_where_nothing_is_checked() {
    let mut given = Values::default();
    given.set("challenge_check", word("none"));
    let params = Params::new("as-published", &given).unwrap();
    let combined = combine(
        &params,
        &plain_vault(4, 16)[4..],
        &[200, 1],
        &mut Crypto::default(),
    );
    assert_eq!(combined[..16], [2; 16]);
}

/// One session from here on: (INDICES, KEY, the device's name of it).
fn session(pair: &mut Pair, request: Vec<u8>) -> (Vec<u8>, Vec<u8>, Vec<Output>) {
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &request);
    let answer = sent(effects).remove(0);
    let mut said = outputs(effects);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &answer);
    said.extend(outputs(effects));
    pair.server.timer(SERVER_SESSION);
    (request, answer, said)
}

/// INDICES; KEY; keys afterwards; session; run of INDICES; run of both; key id; fingerprint.
const THREE_SESSIONS: [[&str; 8]; 3] = [
    [
        "01020203",
        "0207070707070707070707070707070707",
        "06060606060606060606060606060606050505050505050505050505050505050404040404040404040404040404040403030303030303030303030303030303",
        "7568966aea686704",
        "1eb87dd5be34b715",
        "d099eb0aa95e900e",
        "2331f14f01307357",
        "ddbc0b08dfd6fe71f5bf64cc4e9b356c",
    ],
    [
        "01020103",
        "0206060606060606060606060606060606",
        "00000000000000000000000000000000030303030303030303030303030303030202020202020202020202020202020205050505050505050505050505050505",
        "05665c6106fa7c64",
        "697a43dfa3ffc361",
        "885cc08b46cb5fe2",
        "26ff79d227d75f1b",
        "ee404742a88103f96247172fb904d131",
    ],
    [
        "01020301",
        "0206060606060606060606060606060606",
        "06060606060606060606060606060606050505050505050505050505050505050404040404040404040404040404040403030303030303030303030303030303",
        "c2522b37477a92cc",
        "7afd4897a62acfcc",
        "0e6b98058884c532",
        "26ff79d227d75f1b",
        "ddbc0b08dfd6fe71f5bf64cc4e9b356c",
    ],
];

#[test]
fn three_sessions_with_fixed_randomness() {
    let mut pair = Pair::new("as-published", &[]);
    let mut request = sent(pair.device.command(AUTHENTICATE, None, &[])).remove(0);
    for (number, expected) in THREE_SESSIONS.iter().enumerate() {
        let (indices, key, said) = session(&mut pair, request);
        assert_eq!(Hex(&indices).to_string(), expected[0]);
        assert_eq!(Hex(&key).to_string(), expected[1]);
        let tag = |place: usize| -> Tag { unhex(expected[place]).try_into().unwrap() };
        let accepted = |peer, run| Output::Accepted {
            peer,
            session: tag(3),
            run,
            key_id: Some(tag(6)),
        };
        let run = tag(5);
        let peer = DEVICE_NAME;
        assert_eq!(
            said,
            [
                Output::Running { peer, run },
                accepted(DEVICE_NAME, tag(4)),
                accepted(SERVER_NAME, run),
            ]
        );
        let effects = pair.device.timer(Timer::only(SESSION_TIMER));
        let fingerprint = unhex(expected[7]).try_into().unwrap();
        let state = outputs(effects)
            .into_iter()
            .find_map(|output| match output {
                Output::SharedState {
                    epoch,
                    fingerprints,
                    ..
                } => Some((epoch, fingerprints)),
                _ => None,
            });
        let epoch = number as u64 + 1;
        let only = crate::output::Fingerprints::one(fingerprint);
        assert_eq!(state, Some((epoch, only)));
        request = sent(effects).pop().unwrap_or_default();
        let mut record = (epoch as u32).to_be_bytes().to_vec();
        record.extend(unhex(expected[2]));
        assert_eq!(pair.device_vault(), record);
        assert_eq!(pair.server_vault(), record);
    }
    assert!(request.is_empty(), "three sessions and no more");
    assert_eq!(state_of(&pair.device), "IDLE");
    assert_eq!(state_of(&pair.server), "IDLE");
}

#[test]
fn five_thousand_sessions_with_fixed_randomness() {
    let given: Given<'_> = &[
        ("keys", number(8)),
        ("challenge", number(3)),
        ("sessions", number(5000)),
    ];
    let mut pair = Pair::new("as-published", given);
    pair.device.entropy = Lcg(7);
    let mut request = sent(pair.device.command(AUTHENTICATE, None, &[])).remove(0);
    for _ in 0..5000 {
        session(&mut pair, request);
        let effects = pair.device.timer(Timer::only(SESSION_TIMER));
        request = sent(effects).pop().unwrap_or_default();
    }
    let mut record = 5000_u32.to_be_bytes().to_vec();
    for row in [3, 0, 1, 6, 7, 4, 5, 10] {
        record.extend([row; 16]);
    }
    assert_eq!(pair.device_vault(), record);
    assert_eq!(pair.server_vault(), record);
}

#[test]
fn a_session_costs_xors_and_random_bytes_only() {
    for variant in ["as-published", "literal"] {
        let given: Given<'_> = &[("keys", number(8)), ("challenge", number(3))];
        let mut pair = Pair::new(variant, given);
        let (mut device, mut server) = (Totals::default(), Totals::default());
        let add = |totals: &mut Totals, crypto: &Crypto| {
            crypto
                .meter
                .operations()
                .iter()
                .for_each(|it| totals.add(it));
        };
        let request = sent(pair.device.command(AUTHENTICATE, None, &[])).remove(0);
        assert_eq!(
            pair.device.crypto.meter.operations()[0].primitive,
            Primitive::Random
        );
        let answer = sent(pair.server.message(DEVICE_AT, SERVER_AT, &request)).remove(0);
        add(&mut server, &pair.server.crypto);
        pair.server.timer(SERVER_SESSION);
        add(&mut server, &pair.server.crypto);
        pair.device.message(SERVER_AT, DEVICE_AT, &answer);
        add(&mut device, &pair.device.crypto);
        pair.device.timer(Timer::only(SESSION_TIMER));
        add(&mut device, &pair.device.crypto);
        assert_eq!(device.of(Primitive::Xor), (8, 8 * 16), "{variant}");
        assert_eq!(server.of(Primitive::Xor), (2 + 8, 10 * 16), "{variant}");
        let others = |totals: &Totals| {
            totals
                .iter()
                .filter(|(it, ..)| *it != Primitive::Xor && *it != Primitive::Random)
                .count()
        };
        assert_eq!([others(&device), others(&server)], [0, 0], "{variant}");
    }
}

#[test]
fn provisioning_gives_both_ends_one_random_vault() {
    for (first_vault, equal) in [("per-device", false), ("shared", true)] {
        let given: Given<'_> = &[("first_vault", word(first_vault))];
        let roster = roster(2);
        let mut stores = Stores(vec![MemoryStorage::default(); 3]);
        let instance = instance("as-published", given);
        instance.check(&roster).unwrap();
        instance.provision(&roster, &mut Counted, &mut stores);
        let of_device = [vault(&stores.0[0], 0), vault(&stores.0[1], 0)];
        let of_server = [vault(&stores.0[2], 1), vault(&stores.0[2], 2)];
        assert_eq!(of_device, of_server);
        assert_eq!(of_device[0] == of_device[1], equal);
        assert_eq!(of_device[0].len(), 4 + 64);
        assert_eq!(of_device[0][..4], [0; 4]);
    }
}
