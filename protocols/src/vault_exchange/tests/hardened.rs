//! The hardened exchange, row by row and as a pair.

use super::super::{
    ABORT, AUTHENTICATE, CONFIRM_TIMER, HardenedDevice, HardenedServer, REPLY_TIMER, RESEND_TIMER,
    SPACING_TIMER,
};
use super::*;
use crate::machine::Timer;
use crate::output::{Fingerprints, Hex};
use crate::testing::{outputs, sent, unhex};

const SPACING: Timer = Timer::only(SPACING_TIMER);
const RESEND: Timer = Timer::only(RESEND_TIMER);
const CONFIRM: Timer = Timer {
    kind: CONFIRM_TIMER,
    key: 1,
};

pub(super) struct HardenedPair {
    pub(super) device: Bench<HardenedDevice, Lcg>,
    pub(super) server: Bench<HardenedServer, Lcg>,
}

impl HardenedPair {
    pub(super) fn new(given: Given<'_>) -> Self {
        let keys = values(given).integer("keys", 4) as u8;
        let key_bytes = values(given).integer("key_bits", 128) as usize / 8;
        let instance = instance("hardened", given);
        let roster = roster(1);
        let storage = |key| {
            let mut storage = MemoryStorage::default();
            let vault = plain_vault(keys, key_bytes);
            storage.apply(Write::Put(Record::new(0, key), &vault));
            storage
        };
        let Column::VaultExchangeHardenedDevice(mut devices) = instance.machines(&roster, 0) else {
            panic!("no devices");
        };
        let Column::VaultExchangeHardenedServer(mut servers) = instance.machines(&roster, 1) else {
            panic!("no servers");
        };
        Self {
            device: Bench::new(devices.remove(0), storage(0), Lcg(1)),
            server: Bench::new(servers.remove(0), storage(1), Lcg(2)),
        }
    }

    fn ask(&mut self) -> Vec<u8> {
        sent(self.device.command(AUTHENTICATE, None, &[])).remove(0)
    }

    fn server_gets(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        sent(self.server.message(DEVICE_AT, SERVER_AT, frame))
    }

    fn device_gets(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        sent(self.device.message(SERVER_AT, DEVICE_AT, frame))
    }

    /// The device's current vault and the server's, epochs included.
    fn vaults(&self) -> (Vec<u8>, Vec<u8>) {
        let mut device = vault(&self.device.storage, 0);
        let server = vault(&self.server.storage, 1);
        device.truncate(server.len());
        (device, server)
    }

    fn in_step(&self) -> bool {
        let (device, server) = self.vaults();
        device == server
    }
}

fn dropped(effects: &Effects) -> &'static str {
    match outputs(effects)[..] {
        [
            Output::Rejected {
                scope: Scope::Frame,
                reason,
                ..
            },
        ] if effects.len() == 1 => reason.word,
        ref other => panic!("{other:?}"),
    }
}

struct Expected {
    indices: &'static str,
    reply: &'static str,
    confirm: &'static str,
    vault: &'static str,
    session: &'static str,
    key_id: &'static str,
    whole_run: &'static str,
}

const SESSIONS: [Expected; 2] = [
    Expected {
        indices: "0100000001816b4bfbe2fb54f6bddf7c1ce18701bf31de5672020203",
        reply: "03816b4bfb000000008c21ff72edd718d94e139513dc1b63fc584eec5c9657a21793cde82ed1f58d11",
        confirm: "04816b4bfbe4ab058b2c6ab8c7c0872d43f4f21973",
        vault: "f27a1eb40372d9f7a30ebfab92b1d0139b9ae67d00f0ed95870616b906524b14acf1c338978fc7883537d8f47107070313140cf201237889956759f6648a7478",
        session: "38aa8b966e960ebd",
        key_id: "2868fc39f42230a1",
        whole_run: "018c4669e6a20739",
    },
    Expected {
        indices: "01000000018759aa883c59ea56137bd285a1d83c54552f37ae020300",
        reply: "038759aa88000000019306f6bf9ce506e06db00a059ff27587f789c10e1f72df27103c2a1602af128a",
        confirm: "048759aa881eb8f82dd52d95684edafc052c1f2381",
        vault: "764d93751b89fdf3a4beaf2e62e027351b79467ba4770dc44fa4222dc673a1822b47bbe27f76a2ba1505ec06566ce620e67d075449cf6ad7b2d936addde6a13f",
        session: "a930775f57aa067c",
        key_id: "30e02f18f3ffb5c9",
        whole_run: "e3c7261fb7fc1d9a",
    },
];

#[test]
fn two_sessions_with_fixed_randomness() {
    let mut pair = HardenedPair::new(&[]);
    let mut old = plain_vault(4, 16);
    let mut indices = pair.ask();
    for (number, expected) in SESSIONS.iter().enumerate() {
        let tag = |text: &str| -> Tag { unhex(text).try_into().unwrap() };
        assert_eq!(Hex(&indices).to_string(), expected.indices);
        let reply = pair.server_gets(&indices).remove(0);
        assert_eq!(Hex(&reply).to_string(), expected.reply);
        let mut record = (number as u32 + 1).to_be_bytes().to_vec();
        record.extend(unhex(expected.vault));
        let effects = pair.device.message(SERVER_AT, DEVICE_AT, &reply);
        let confirm = sent(effects).remove(0);
        assert_eq!(Hex(&confirm).to_string(), expected.confirm);
        let accepted = |peer, run| Output::Accepted {
            peer,
            session: tag(expected.session),
            run,
            key_id: Some(tag(expected.key_id)),
        };
        let said = outputs(effects);
        let run = super::tag("run", &[&indices, &reply]);
        assert_eq!(said[2], accepted(SERVER_NAME, run));
        let effects = pair.server.message(DEVICE_AT, SERVER_AT, &confirm);
        let device_by_id = Principal::id(DEVICE, 1);
        let whole_run = tag(expected.whole_run);
        assert_eq!(outputs(effects)[1], accepted(device_by_id, whole_run));
        assert_eq!(vault(&pair.server.storage, 1), record);
        let both = [record.as_slice(), &old[..4 + 64]].concat();
        assert_eq!(vault(&pair.device.storage, 0), both);
        old = record;
        indices = sent(pair.device.timer(SPACING)).remove(0);
    }
}

#[test]
fn long_keys_and_odd_sizes() {
    let mut pair = HardenedPair::new(&[
        ("keys", number(5)),
        ("key_bits", number(256)),
        ("challenge", number(3)),
    ]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    let confirm = pair.device_gets(&reply).remove(0);
    pair.server_gets(&confirm);
    assert_eq!(
        Hex(&reply).to_string(),
        "03fb54f6bd000000008c21ff72edd718d94e139513dc1b63fc437b54051c6ba473d6537287f6bce149"
    );
    let expected = "00000001029c013be8c6703ae75666187a0e3526738edde180b732980dbeb1918c8efee78c072392c35d0d0d688fcbdd03826eea9f28b69cad25701be751172e3742e893ba88f9ae6481bbcc3679b7b1f61373bd553293c28ff5260528c88cdae0411c9b2fde81db9e1f363197f8eba16e689c04017d010647536ec8a086542ea7af767d935ab54dbf5e3795fe03b229fb9ac8fd5c3d1951d11e1ccea120581b1764189c";
    assert_eq!(Hex(&vault(&pair.server.storage, 1)).to_string(), expected);
    assert!(pair.in_step());
}

#[test]
fn a_good_reply_commits_before_confirm_leaves() {
    let mut pair = HardenedPair::new(&[]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    let old = plain_vault(4, 16);
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &reply);
    let effects = list(effects);
    assert_eq!(effects[0], Effect::Cancel { timer: RESEND });
    let Effect::Store { batch } = &effects[1] else {
        panic!("{effects:?}");
    };
    assert!(batch.atomic);
    assert_eq!(batch.size(), 2 * (4 + 64));
    let Effect::Output(Output::SharedState {
        epoch,
        fingerprints,
        ..
    }) = &effects[2]
    else {
        panic!("{effects:?}");
    };
    assert_eq!(*epoch, 1);
    let previous = crate::crypto::fingerprint(&[&old[4..]]);
    assert_eq!(fingerprints.as_slice()[1], previous);
    let Effect::Send { bytes: confirm, .. } = &effects[4] else {
        panic!("{effects:?}");
    };
    assert_eq!(
        effects[3],
        running(SERVER_NAME, &[&indices, &reply, confirm])
    );
    assert!(matches!(
        effects[5..],
        [
            Effect::Output(Output::Accepted { .. }),
            Effect::Output(Output::Ended { .. }),
            Effect::Arm { timer: SPACING, .. },
        ]
    ));
    assert_eq!(state_of(&pair.device), "SESSION");
}

#[test]
fn a_good_confirm_commits_at_the_server() {
    let mut pair = HardenedPair::new(&[]);
    let indices = pair.ask();
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &indices);
    let reply = sent(effects).remove(0);
    let waits = Effect::Arm {
        timer: CONFIRM,
        after: Span::from_secs(30),
    };
    let expected = [
        running(DEVICE_NAME, &[&indices, &reply]),
        send(DEVICE_AT, &reply),
        waits,
    ];
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.server), "WAIT_CONFIRM");
    let confirm = pair.device_gets(&reply).remove(0);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &confirm);
    let effects = list(effects);
    assert_eq!(effects[0], Effect::Cancel { timer: CONFIRM });
    assert!(matches!(&effects[1], Effect::Store { batch } if !batch.atomic));
    assert!(matches!(
        effects[2..],
        [
            Effect::Output(Output::SharedState { .. }),
            Effect::Output(Output::Accepted { .. }),
            Effect::Output(Output::Ended { .. }),
        ]
    ));
    assert_eq!(state_of(&pair.server), "IDLE");
    assert!(pair.in_step());
}

#[test]
fn a_lost_confirm_is_made_up_for_by_the_next_session() {
    let mut pair = HardenedPair::new(&[]);
    let mut indices = pair.ask();
    for _ in 0..2 {
        let reply = pair.server_gets(&indices).remove(0);
        let lost = pair.device_gets(&reply);
        assert_eq!(lost.len(), 1);
        assert!(!pair.in_step());
        pair.server.timer(CONFIRM);
        indices = sent(pair.device.timer(SPACING)).remove(0);
    }
    let reply = pair.server_gets(&indices).remove(0);
    let confirm = pair.device_gets(&reply).remove(0);
    pair.server_gets(&confirm);
    assert!(pair.in_step());
    assert_eq!(vault(&pair.server.storage, 1)[..4], [0, 0, 0, 1]);
}

#[test]
fn a_changed_bit_anywhere_changes_nothing_at_either_end() {
    let mut pair = HardenedPair::new(&[]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    for bit in 0..reply.len() * 8 {
        let mut changed = reply.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        dropped(pair.device.message(SERVER_AT, DEVICE_AT, &changed));
        assert_eq!(state_of(&pair.device), "WAIT_REPLY");
    }
    let confirm = pair.device_gets(&reply).remove(0);
    for bit in 0..confirm.len() * 8 {
        let mut changed = confirm.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        dropped(pair.server.message(DEVICE_AT, SERVER_AT, &changed));
        assert_eq!(state_of(&pair.server), "WAIT_CONFIRM");
    }
    pair.server_gets(&confirm);
    assert!(pair.in_step());
}

#[test]
fn each_check_of_a_reply_has_its_reason() {
    let mut pair = HardenedPair::new(&[]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    for (at, word) in [(1, "session-id"), (8, "epoch"), (9, "mac"), (40, "mac")] {
        let mut changed = reply.clone();
        changed[at] ^= 1;
        let effects = pair.device.message(SERVER_AT, DEVICE_AT, &changed);
        assert_eq!(dropped(effects), word);
    }
    let effects = pair.device.message(STRANGER_AT, DEVICE_AT, &reply);
    assert_eq!(dropped(effects), "unexpected");
}

#[test]
fn a_replayed_request_gets_an_answer_and_no_update() {
    let mut pair = HardenedPair::new(&[]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    let confirm = pair.device_gets(&reply).remove(0);
    pair.server_gets(&confirm);
    let before = pair.vaults();
    assert_eq!(pair.server_gets(&indices).len(), 1);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &confirm);
    assert_eq!(dropped(effects), "mac");
    let effects = pair.server.timer(CONFIRM);
    let expected = [rejected(Scope::Attempt, Some(DEVICE_NAME), "timeout")];
    assert_eq!(list(effects), expected);
    assert_eq!(pair.vaults(), before);
}

#[test]
fn a_repeated_request_gets_the_same_reply_and_a_repeated_reply_the_same_confirm() {
    let mut pair = HardenedPair::new(&[("sessions", number(1))]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &indices);
    assert_eq!(list(effects), [send(DEVICE_AT, &reply)]);
    let confirm = pair.device_gets(&reply).remove(0);
    for state in ["SESSION", "IDLE"] {
        assert_eq!(state_of(&pair.device), state);
        let effects = pair.device.message(SERVER_AT, DEVICE_AT, &reply);
        assert_eq!(list(effects), [send(SERVER_AT, &confirm)]);
        pair.device.timer(SPACING);
    }
    // Not any longer when the next session has started.
    pair.ask();
    let effects = pair.device.message(SERVER_AT, DEVICE_AT, &reply);
    assert_eq!(dropped(effects), "session-id");
}

#[test]
fn a_waiting_request_gives_way_to_its_own_address_only() {
    let mut pair = HardenedPair::new(&[]);
    let first = pair.ask();
    pair.server_gets(&first);
    let mut second = first.clone();
    second[5] ^= 1;
    let effects = pair.server.message(STRANGER_AT, SERVER_AT, &second);
    assert_eq!(dropped(effects), "busy");
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &second);
    assert_eq!(sent(effects)[0][1..5], second[5..9]);
    assert_eq!(state_of(&pair.server), "WAIT_CONFIRM");
}

#[test]
fn the_vault_is_found_by_id_wherever_the_request_comes_from() {
    let mut pair = HardenedPair::new(&[]);
    let mut indices = pair.ask();
    let effects = pair.server.message(STRANGER_AT, SERVER_AT, &indices);
    assert_eq!(list(effects).len(), 3);
    indices[4] = 2;
    let effects = pair.server.message(DEVICE_AT, SERVER_AT, &indices);
    assert_eq!(dropped(effects), "unknown-device");
}

#[test]
fn a_confirm_finds_its_device_among_equal_session_ids() {
    let roster = roster(2);
    let Column::VaultExchangeHardenedServer(mut servers) =
        instance("hardened", &[]).machines(&roster, 1)
    else {
        panic!("no servers");
    };
    let mut storage = MemoryStorage::default();
    for ordinal in [1, 2] {
        let record = Record::new(0, ordinal);
        storage.apply(Write::Put(record, &plain_vault(4, 16)));
    }
    let mut server = Bench::new(servers.remove(0), storage, Lcg(2));
    let mut pair = HardenedPair::new(&[]);
    let of_second = {
        let mut frame = pair.ask();
        frame[4] = 2;
        frame
    };
    pair.device.restart();
    pair.device.entropy = Lcg(1);
    let of_first = pair.ask();
    assert_eq!(of_first[5..9], of_second[5..9]);
    let here = at(3);
    // A stranger has taken the same session id for another device at the same address.
    server.message(DEVICE_AT, here, &of_second);
    let reply = sent(server.message(DEVICE_AT, here, &of_first)).remove(0);
    let confirm = pair.device_gets(&reply).remove(0);
    server.message(DEVICE_AT, here, &confirm);
    assert_eq!(vault(&server.storage, 1)[..4], [0, 0, 0, 1]);
    assert_eq!(vault(&server.storage, 2)[..4], [0; 4]);
}

#[test]
fn waiting_ends_with_the_time_out_only_and_resend_is_on() {
    let mut pair = HardenedPair::new(&[]);
    let effects = pair.device.command(AUTHENTICATE, None, &[]);
    let armed = Effect::Arm {
        timer: RESEND,
        after: Span::from_secs(2),
    };
    assert_eq!(list(effects)[2], armed);
    let request = sent(effects).remove(0);
    for _ in 0..4 {
        assert_eq!(
            sent(pair.device.timer(RESEND)),
            std::slice::from_ref(&request)
        );
    }
    let effects = pair.device.timer(Timer::only(REPLY_TIMER));
    let expected = [rejected(Scope::Attempt, Some(SERVER_NAME), "timeout")];
    assert_eq!(list(effects), expected);
    assert_eq!(state_of(&pair.device), "IDLE");
}

#[test]
fn commands_restart_and_spacing_are_those_of_the_published_device() {
    let mut pair = HardenedPair::new(&[("session_length", number(0))]);
    pair.ask();
    let effects = pair.device.command(AUTHENTICATE, None, &[]);
    let busy = [rejected(Scope::Command, Some(SERVER_NAME), "busy")];
    assert_eq!(list(effects), busy);
    let effects = pair.device.command(ABORT, None, &[]);
    assert_eq!(list(effects), [Effect::Cancel { timer: RESEND }]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    // Without length the next request leaves in the same step.
    let frames = pair.device_gets(&reply);
    assert_eq!([frames[0][0], frames[1][0]], [4, 1]);
    let effects = pair.device.restart();
    let Output::SharedState { fingerprints, .. } = outputs(effects)[0] else {
        panic!("no shared state");
    };
    assert_eq!(fingerprints.as_slice().len(), 2);
    let none = Fingerprints::NONE;
    pair.device
        .storage
        .apply(Write::Put(Record::new(0, 0), &[1, 2, 3]));
    let effects = pair.device.restart();
    assert!(matches!(
        outputs(effects)[0],
        Output::SharedState { fingerprints, .. } if fingerprints == none
    ));
}

#[test]
fn every_strict_prefix_and_extension_is_refused_with_a_place() {
    let mut pair = HardenedPair::new(&[]);
    let indices = pair.ask();
    let reply = pair.server_gets(&indices).remove(0);
    let confirm = pair.device_gets(&reply).remove(0);
    assert_eq!([indices.len(), reply.len(), confirm.len()], [28, 41, 21]);
    let params = super::super::params::Params::new("hardened", &Values::default()).unwrap();
    let refusal = |frame: &[u8]| {
        let place = params.wire.decode(frame).unwrap_err();
        (place.field, place.index, place.offset as usize)
    };
    for frame in [&indices, &reply, &confirm] {
        let longer = [frame.as_slice(), &[0]].concat();
        assert_eq!(refusal(&longer), ("end", None, frame.len()));
        for length in 1..frame.len() {
            let expected = if frame[0] == 1 && length <= 25 {
                ("count", None, 25)
            } else {
                ("end", None, length)
            };
            assert_eq!(refusal(&frame[..length]), expected);
        }
    }
    let mut bad = indices.clone();
    bad[27] = bad[26];
    assert_eq!(refusal(&bad), ("index", Some(1), 27));
    bad[25] = 1;
    assert_eq!(refusal(&bad[..27]), ("count", None, 25));
    assert_eq!(refusal(&[2; 17]), ("tag", None, 0));
}

#[test]
fn variant_and_ids() {
    let roster = roster(2);
    let instance = instance("hardened", &[]);
    let of = |party: usize| instance.principal(&roster, &roster.parties[party]);
    assert_eq!(of(1), Principal::id(DEVICE, 2));
    assert_eq!(of(2), Principal::id(SERVER, 3));
    let settings = instance.settings();
    assert_eq!(settings[7].1, "full");
    assert_eq!(settings[10].1, "resend");
    let fixed = values(&[("challenge_check", word("range"))]);
    let error = VaultExchange.configure("hardened", &fixed).unwrap_err();
    assert_eq!(error.name, "challenge_check");
    assert!(size_of::<HardenedDevice>() < 100);
}
