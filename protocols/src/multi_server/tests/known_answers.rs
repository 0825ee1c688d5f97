//! Known answers: every value of the protocol for two users and three servers, computed by an
//! independent program that shares no code with this crate.
//!
//! Short values stand in full, those of more than 110 bytes as their SHA-256.

mod values;

use super::world::{Call, NOW, Named, RC, S1, S3, SECOND, U1, U2, World};
use crate::crypto::{Crypto, sha256_unmetered};
use crate::multi_server::command;
use crate::multi_server::equations::card::CardView;
use crate::multi_server::equations::card::{Head, NewCard, identity_secret, open, user_id};
use crate::multi_server::equations::{h, issue, mask, xor};
use crate::multi_server::rc::user_principal;
use crate::multi_server::records::{self, UserRow};
use crate::output::{Hex, Output};
use crate::time::LocalTime;
use crate::{Arg, Entropy, Principal, Record};
use values::{AS_PUBLISHED, HARDENED};

fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= 110 {
        Hex(bytes).to_string()
    } else {
        Hex(&sha256_unmetered(&[bytes])).to_string()
    }
}

struct Answers(&'static [(&'static str, &'static str)]);

impl Answers {
    fn check(&self, name: &str, bytes: &[u8]) {
        let expected = self
            .0
            .iter()
            .find(|(known, _)| *known == name)
            .expect(name)
            .1;
        assert_eq!(shown(bytes), expected.replace(' ', ""), "{name}");
    }

    fn tag(&self, name: &str) -> [u8; 8] {
        let expected = self
            .0
            .iter()
            .find(|(known, _)| *known == name)
            .expect(name)
            .1;
        crate::testing::unhex(expected).try_into().unwrap()
    }
}

fn uid_of(world: &World, user: usize) -> [u8; 32] {
    let outputs: Vec<_> = world.rc.storage.iter().collect();
    let rows = outputs
        .iter()
        .filter(|(record, _)| record.table == records::CENTRE_USERS);
    let mut uids: Vec<[u8; 32]> = rows
        .map(|(_, bytes)| UserRow::read(bytes).unwrap().uid)
        .collect();
    // user1 has the larger UID of the two.
    uids.sort_by(|left, right| right.cmp(left));
    uids[user]
}

fn check_variant(variant: &str, answers: &Answers) {
    let mut world = World::new(variant, &[]);
    for index in 0..3u32 {
        let at = |name: &str| format!("server{index} {name}");
        let host = S1 + index;
        answers.check(
            &at("identity"),
            &world.record(host, records::SERVER_IDENTITY).unwrap(),
        );
        answers.check(
            &at("table"),
            &world.record(host, records::SERVER_TABLE).unwrap(),
        );
        let row = world
            .record(RC, Record::new(records::CENTRE_SERVERS, index))
            .unwrap();
        answers.check(&at("row"), &row);
    }
    for index in 0..2u32 {
        let card = world.record(U1 + index, records::USER_CARD).unwrap();
        answers.check(&format!("user{index} card"), &card);
        let uid = uid_of(&world, index as usize);
        answers.check(&format!("user{index} UID"), &uid);
        let row = records::find_user(&world.rc.storage, &uid).unwrap().1;
        answers.check(&format!("user{index} C"), &row.c);
    }
    check_login(&mut world, answers);
    check_updates(&mut world, answers);
}

/// user1 at the third server, whose clock is a second behind: T2 < T1.
fn check_login(world: &mut World, answers: &Answers) {
    world.servers[2].now = LocalTime(NOW - SECOND);
    let asked = world.command(U1, command::AUTHENTICATE, S3, &[]);
    answers.check("AUTH_REQ", asked.frame());
    assert!(asked.outputs.contains(&Output::Running {
        peer: Principal::name(1, b"hospital-number3"),
        run: answers.tag("run asked"),
    }));
    let answered = world.deliver();
    answers.check("AUTH_REP", answered.frame());
    let peer = user_principal(&uid_of(world, 0));
    let session = answers.tag("session");
    let key_id = Some(answers.tag("key_id"));
    assert_eq!(
        answered.outputs,
        [
            Output::Running {
                peer,
                run: answers.tag("run answered"),
            },
            Output::Accepted {
                peer,
                session,
                run: answers.tag("run asked"),
                key_id,
            },
        ]
    );
    let done = world.deliver();
    assert_eq!(
        done.accepted(),
        Some(Output::Accepted {
            peer: Principal::name(1, b"hospital-number3"),
            session,
            run: answers.tag("run answered"),
            key_id,
        })
    );
    let key = world.users[0].machine.session_key(&session).unwrap();
    answers.check("SK", key);
    assert_eq!(world.servers[2].machine.session_key(&session), Some(key));
    world.set_time(NOW);
}

/// user2 renews its list, changes its password, and `hospital1` its table; the centre's clock is
/// 5 ns ahead.
fn check_updates(world: &mut World, answers: &Answers) {
    world.rc.now = LocalTime(NOW + 5);
    let asked = world.command(U2, command::UPDATE_LIST, RC, &[]);
    answers.check("LIST_REQ", asked.frame());
    answers.check("LIST_REP", world.deliver().frame());
    world.deliver();
    let card = world.record(U2, records::USER_CARD).unwrap();
    answers.check("card after list", &card);

    let arguments = [Arg::Default, Arg::Bytes(b"new password")];
    let asked = world.command(U2, command::CHANGE_PASSWORD, RC, &arguments);
    answers.check("PWD_REQ", asked.frame());
    answers.check("PWD_REP", world.deliver().frame());
    let uid = uid_of(world, 1);
    let record = records::find_user(&world.rc.storage, &uid).unwrap().0;
    answers.check("rc user row", &world.record(RC, record).unwrap());
    answers.check("PWD_ACK", world.deliver().frame());
    answers.check(
        "new card",
        &world.record(U2, records::USER_NEW_CARD).unwrap(),
    );
    world.deliver();
    assert_eq!(world.record(RC, record).unwrap().len(), 68);

    let asked = world.command(S1, command::DB_UPDATE, RC, &[]);
    answers.check("DB_REQ", asked.frame());
    answers.check("DB_REP", world.deliver().frame());
    world.deliver();
    answers.check(
        "table after",
        &world.record(S1, records::SERVER_TABLE).unwrap(),
    );
}

#[test]
fn every_value_of_as_published_is_that_of_an_independent_program() {
    check_variant("as-published", &Answers(AS_PUBLISHED));
}

#[test]
fn every_value_of_hardened_is_that_of_an_independent_program() {
    check_variant("hardened", &Answers(HARDENED));
}

#[test]
fn a_card_without_servers_has_an_empty_list() {
    for (variant, answers) in [("as-published", AS_PUBLISHED), ("hardened", HARDENED)] {
        let world = World::new(variant, &[]);
        let mut crypto = Crypto::default();
        let mut stream = Named::new("user/0/user");
        let mut drawn = || {
            let password = crate::multi_server::provision::draw_password(|below| {
                crate::entropy::uniform(&mut stream, below)
            });
            let (mut r1, mut r2) = ([0; 16], [0; 16]);
            stream.fill(&mut r1);
            stream.fill(&mut r2);
            (password, r1, r2)
        };
        let (password, r1, r2) = drawn();
        let mut r3 = [0; 32];
        Named::new("user/0/issue").fill(&mut r3);
        let k_rc = world.record(RC, records::CENTRE_KEY).unwrap();
        let head = Head {
            id: b"user1",
            password: &password,
        };
        let uid = user_id(&mut crypto, &r1, head.id, &r2);
        let a = identity_secret(&world.params, &mut crypto, &r1, &head);
        let issued = issue(&mut crypto, &k_rc, &r3, &uid, &a);
        let card = NewCard {
            head,
            r1: &r1,
            r2: &r2,
            uid: &uid,
            a: &a,
            c: &issued.c,
            d: &issued.d,
            version: 1,
            list: &[],
        };
        let mut bytes = Vec::new();
        card.build(&world.params, &mut crypto, &mut bytes);
        Answers(answers).check("empty card", &bytes);

        // C XOR USK XOR h(UID, A) = h(K_rc, r3, A), D XOR A = USK.
        let usk = xor(&mut crypto, &issued.d, &a);
        assert_eq!(usk, h(&mut crypto, &[&uid, &k_rc, &r3]));
        let own = h(&mut crypto, &[&uid, &a]);
        let half = xor(&mut crypto, &issued.c, &usk);
        assert_eq!(
            xor(&mut crypto, &half, &own),
            h(&mut crypto, &[&k_rc, &r3, &a])
        );

        // The right password opens the card, a wrong one does not.
        let view = CardView::read(&world.params, &bytes).unwrap();
        let opened = open(&world.params, &mut crypto, &head, &view).unwrap();
        assert_eq!(
            (opened.r1, opened.r2, opened.uid, opened.c),
            (r1, r2, uid, issued.c)
        );
        let wrong = Head {
            password: b"wrong",
            ..head
        };
        assert_eq!(open(&world.params, &mut crypto, &wrong, &view), None);
    }
}

#[test]
fn lengths_keep_lists_of_parts_apart() {
    let mut crypto = Crypto::default();
    let joined = h(&mut crypto, &[b"abc"]);
    let split = h(&mut crypto, &[b"ab", b"c"]);
    let padded = h(&mut crypto, &[b"abc", b""]);
    assert!(joined != split && split != padded && joined != padded);
    assert_eq!(h(&mut crypto, &[]), sha256_unmetered(&[]));
    let mut long = [0; 40];
    mask(&mut crypto, &[b"parts"], &mut long);
    assert_eq!(long[32..], h(&mut crypto, &[b"parts", &[0, 0, 0, 1]])[..8]);
}

#[test]
fn phases_cost_the_hashes_that_the_specification_counts() {
    let mut world = World::new("as-published", &[]);
    let list = 7; // ceil(72 * 3 / 32)
    let table = 5; // ceil(68 * 2 / 32)
    let asked = world.command(U1, command::AUTHENTICATE, S1, &[]).hashes;
    let served = world.deliver().hashes;
    assert_eq!(served, 5);
    assert_eq!(asked + world.deliver().hashes, 13 + list);

    world.set_time(NOW + SECOND);
    let asked = world.command(S1, command::DB_UPDATE, RC, &[]).hashes;
    assert_eq!(world.deliver().hashes, 2 + table);
    assert_eq!(asked + world.deliver().hashes, 3 + table);

    world.command(U1, command::UPDATE_LIST, RC, &[]);
    assert_eq!(world.deliver().hashes, 2 + list);
}

#[test]
fn registration_costs_the_hashes_that_the_specification_counts() {
    let in_band = [("registration", super::world::word("in-band"))];
    let mut world = World::unstarted("as-published", &in_band);
    assert_eq!(world.call(S1, Call::Start).hashes, 2);
    assert_eq!(world.deliver().hashes, 1);
    world.deliver();
    world.settle();
    let asked = world.command(U1, command::REGISTER, RC, &[]).hashes;
    assert_eq!(world.deliver().hashes, 3);
    let list = 3; // ceil(72 / 32)
    assert_eq!(asked + world.deliver().hashes, 8 + list);
}
