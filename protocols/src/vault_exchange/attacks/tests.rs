//! The attackers by hand: no world, no oracle.

use std::sync::Arc;

use super::algebra::{Models, Rows};
use super::{SPECS, build, forge};
use crate::address::{Address, Channel};
use crate::attack::{Action, AttackContext, OWN_HOSTS, Setup, View};
use crate::crypto::Crypto;
use crate::parameter::{Value, Values};
use crate::protocol::{Instance, Protocol as _};
use crate::roster::{Group, Party, Roster};
use crate::time::LocalTime;
use crate::vault_exchange::equations::{combine, update_rows};
use crate::vault_exchange::messages::Message;
use crate::vault_exchange::params::Params;
use crate::vault_exchange::{DEVICE, PORT, SERVER, VaultExchange};

/// A linear congruential generator; its high bits are used.
struct Counter(u64);

impl crate::entropy::Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

fn values(challenge: u64) -> Values {
    let mut values = Values::default();
    values.set("keys", Value::Integer(8));
    values.set("challenge", Value::Integer(challenge));
    values
}

fn roster() -> Roster {
    let group = |name: &str, role, first| Group {
        name: name.to_owned(),
        role,
        params: Values::default(),
        first,
        count: 1,
    };
    let party = |host, role| Party {
        host,
        role,
        group: u32::from(role),
        member: 0,
        ordinal: 1,
        neighbours: (host, host + 1),
    };
    Roster {
        groups: vec![group("device", DEVICE, 0), group("server", SERVER, 1)],
        parties: vec![party(0, DEVICE), party(1, SERVER)],
        neighbours: vec![1, 0],
    }
}

/// Calls `run` with a context; returns what was asked for.
fn asked_for(run: impl FnOnce(&mut AttackContext<'_>)) -> Vec<Action> {
    let mut actions = Vec::new();
    run(&mut AttackContext {
        now: LocalTime(0),
        entropy: &mut Counter(1),
        crypto: &mut Crypto::default(),
        actions: &mut actions,
    });
    actions
}

fn view(from: u32, to: u32, bytes: &[u8]) -> View<'_> {
    View {
        frame: 1,
        from: Address::new(from, PORT),
        to: Address::new(to, PORT),
        from_role: None,
        to_role: None,
        channel: Channel::Public,
        message: None,
        bytes,
    }
}

#[test]
fn every_attack_is_built_in_every_variant_and_survives_any_bytes() {
    let roster = roster();
    for variant in ["as-published", "literal", "hardened", "broken"] {
        let params = Arc::new(Params::new(variant, &values(2)).expect("they fit"));
        let instance: Arc<dyn Instance> = VaultExchange
            .configure(variant, &values(2))
            .expect("they fit");
        for spec in SPECS {
            let cases = spec.cases.iter().map(|case| Some(*case));
            for case in cases.chain([None]) {
                let setup = Setup {
                    instance: &*instance,
                    roster: &roster,
                    near: &[0, 1],
                    seat: None,
                    own_host: OWN_HOSTS,
                    case,
                    params: &Values::default(),
                    lacks: &[],
                };
                let mut attacker = build(&params, spec.id, &setup).expect("it is declared");
                asked_for(|cx| {
                    attacker.on_start(cx);
                    for length in 0..64u8 {
                        for tag in 0..6 {
                            let mut frame = vec![length; usize::from(length)];
                            if let Some(first) = frame.first_mut() {
                                *first = tag;
                            }
                            attacker.on_packet(&view(0, 1, &frame), cx);
                            attacker.on_packet(&view(1, 0, &frame), cx);
                            attacker.on_mail(&view(1, OWN_HOSTS, &frame), cx);
                        }
                        attacker.on_timer(u32::from(length % 2), cx);
                    }
                });
            }
        }
    }
}

#[test]
fn forged_requests_and_answers_are_well_formed() {
    for variant in ["as-published", "literal", "hardened"] {
        let params = Params::new(variant, &values(3)).expect("they fit");
        asked_for(|cx| {
            let list = forge::challenge(&params, cx);
            let request = forge::request(&params, 7, &list, cx);
            match params.wire.decode(&request) {
                Ok(Message::Indices { indices, .. }) => assert_eq!(indices, list),
                other => panic!("{variant}: {other:?}"),
            }
            assert_eq!(forge::indices(&params, &request), list);
            let answer = forge::answer(&params, &[0x80; 16], &request, cx);
            assert!(params.wire.decode(&answer).is_ok(), "{variant}");
            let confirm = forge::confirm(&request, cx);
            assert_eq!(params.wire.decode(&confirm).is_ok(), params.hardened());
        });
    }
}

/// Keys of `sessions` sessions give every row's sum, whether the number of indices is odd or even.
#[test]
fn what_was_heard_determines_what_comes_and_never_wrongly() {
    for (challenge, updates) in [(2, true), (3, true), (3, false), (4, true)] {
        let params = Params::new("as-published", &values(challenge)).expect("they fit");
        let mut crypto = Crypto::default();
        let mut keys: Vec<u8> = (0..8 * 16).map(|byte: u8| byte.wrapping_mul(37)).collect();
        let mut models = Models::default();
        let (mut known, mut asked) = (0, Vec::new());
        asked_for(|cx| asked = (0..60).map(|_| forge::challenge(&params, cx)).collect());
        for list in asked {
            let right = combine(&params, &keys, &list, &mut crypto);
            let rows = Rows::of(&params, &list);
            let named = models.values(rows);
            assert!(named.is_empty() || named.contains(&right), "p {challenge}");
            known += usize::from(named.contains(&right));
            models.learn(rows, &right[..16]);
            models.update(&right[..16]);
            if updates {
                update_rows(&params, &mut keys, &right[..16], &mut crypto);
            }
        }
        assert!(known > 30, "p {challenge}: {known}");
        let row = models.values(Rows::of(&params, &[5]));
        assert_eq!(row.is_empty(), challenge % 2 == 0, "p {challenge}");
    }
}
