//! Hostile input: for every party of every protocol and variant, many thousand random and mutated
//! inputs. No panic, no unbounded memory, and nobody is ever convinced by what no honest peer said.
//!
//! The party under attack has no honest peer: its peers exist as addresses only. Frames to mutate
//! come from an honest session of another world with other secrets, and from the party itself.

use allocation_counter::measure;
use protocols::machine::StreamEvent;
use protocols::parameter::ParameterKind;
use protocols::registry::PROTOCOLS;
use protocols::{Channel, Incoming, Output, Timer};

use crate::noise::Noise;
use crate::script::convinced_by_anybody;
use crate::sockets::honest::{Cast, Event, play_step};
use crate::sockets::sessions::{Given, SESSIONS, Session, shown};
use crate::world::{Input, World};

/// Inputs for each party of each variant.
const INPUTS: usize = if cfg!(debug_assertions) {
    2_000
} else {
    100_000
};

/// Most bytes that a party under attack may hold at any time, the frames kept for mutation and the
/// storage that the test itself keeps included.
const LIVE_BYTES_MAX: u64 = 1 << 20;

/// Most effects, and bytes sent or stored, that one input may cause.
const EFFECTS_MAX: usize = 200;
const EFFECT_BYTES_MAX: usize = 1 << 20;

/// RSA without arithmetic: sizes and decoding are the same. The real one is attacked with fewer
/// inputs, since each costs a private operation.
const MODELLED: &[(&str, Given)] = &[
    ("rsa_bits", Given::Integer(1024)),
    ("rsa_mode", Given::Word("modelled")),
];

/// Keys that the prototype makes of the client's number are the same in all worlds.
const RANDOM_KEYS: &[(&str, Given)] = &[("master_key", Given::Word("random"))];

/// True when the published program keeps without limit what a stranger sends.
fn keeps_everything(session: &Session) -> bool {
    session.protocol == "ratchet" && matches!(session.variant, "literal" | "broken")
}

fn configured(session: &Session, extra: &[(&'static str, Given)]) -> Option<Cast> {
    let params = [session.params, extra].concat();
    let leaked: &'static [_] = params.leak();
    Cast::new(&Session {
        params: leaked,
        ..*session
    })
    .ok()
}

/// Attacks every party of a cast with `inputs` inputs each.
fn attack(session: &Session, cast: &Cast, label: &str, inputs: usize) {
    let mut honest = World::new(cast, 2);
    honest.sent = Some(Vec::new());
    for step in session.steps {
        let _ = play_step(cast, &mut honest, step);
    }
    let recorded = honest.sent.take().unwrap_or_default();
    assert!(
        !recorded.is_empty(),
        "{label}: the honest session is silent"
    );
    let mut anybody_convinced = false;
    for victim in 0..cast.roster.parties.len() {
        let fresh = World::new(cast, 3);
        let role = fresh.role(victim);
        // Parties of one role run the same code.
        if (0..victim).any(|other| fresh.role(other) == role) {
            continue;
        }
        let mut convinced = None;
        let memory = measure(|| {
            convinced = besiege(fresh, victim, recorded.clone(), inputs);
        });
        anybody_convinced |= convinced.is_some();
        if !convinced_by_anybody(session) {
            assert_eq!(convinced, None, "{label}: {role} was convinced");
        }
        if !keeps_everything(session) {
            assert!(
                memory.bytes_max < LIVE_BYTES_MAX,
                "{label}: {role} held {} bytes",
                memory.bytes_max
            );
        }
    }
    // An exemption that is not needed would hide a regression.
    if matches!(session.protocol, "vault-exchange" | "multi-server") && session.variant != "broken"
    {
        let exempt = convinced_by_anybody(session);
        assert_eq!(anybody_convinced, exempt, "{label}");
    }
}

/// Sends `inputs` inputs to one party; the result is the first acceptance.
fn besiege(
    mut world: World,
    victim: usize,
    recorded: Vec<Vec<u8>>,
    inputs: usize,
) -> Option<String> {
    let mut noise = Noise::new(victim as u64, &world.cast, recorded);
    let mut convinced = None;
    let own = world.nodes[victim].address;
    let mut delivered = 0;
    while delivered < inputs {
        let channel = noise.channel();
        // The secure channel is out of an adversary's reach: who speaks there is believed.
        let reachable = channel == Channel::Public;
        let far = noise.far(own, &world);
        match noise.below(100) {
            0..80 => {
                let bytes = noise.frame();
                delivered += 1;
                if world.cast.instance.streams() {
                    // Half of the time a whole record, else a piece of one.
                    let length = noise.record_length(&bytes);
                    let record = [&length, &bytes[..]].concat();
                    world.handle(victim, &Input::Stream(far, StreamEvent::Bytes(&record)));
                } else {
                    let incoming = Incoming {
                        from: far,
                        to: own,
                        channel,
                        bytes: &bytes,
                    };
                    world.handle(victim, &Input::Message(incoming));
                }
            }
            80..84 => {
                let event = match noise.below(4) {
                    0..2 => StreamEvent::Opened,
                    2 => StreamEvent::Closed,
                    _ => StreamEvent::Reset,
                };
                world.handle(victim, &Input::Stream(far, event));
            }
            84..90 => {
                let timer = Timer {
                    kind: noise.below(7) as u8,
                    key: noise.below(4) as u32,
                };
                world.fire(victim, timer);
            }
            90..99 => noise.command(&mut world, victim),
            _ => {
                // A party that serves many says at a restart what it shares with each of them.
                world.restart(victim);
                world.forget_effects();
            }
        }
        let (effects, bytes) = world.last_effects();
        assert!(effects <= EFFECTS_MAX, "{effects} effects of one input");
        assert!(bytes <= EFFECT_BYTES_MAX, "{bytes} bytes of one input");
        // Frames of its own go back to it later on; nothing else leaves.
        for parcel in world.wire.drain(..) {
            noise.keep(&parcel.load);
        }
        for (party, event) in world.take_history() {
            if let Event::Said(output @ Output::Accepted { .. }) = event
                && party == victim
                && reachable
            {
                convinced.get_or_insert_with(|| format!("{output:?} after {delivered} inputs"));
            }
        }
    }
    convinced
}

fn every_party_of(protocol: &str) {
    for session in SESSIONS.iter().filter(|it| it.protocol == protocol) {
        let label = format!("{protocol} {} {}", session.variant, shown(session.params));
        let extra = match (session.protocol, session.variant) {
            ("rsa-udp", _) => MODELLED,
            ("ratchet", "literal") => RANDOM_KEYS,
            _ => &[],
        };
        let cast = configured(session, extra).expect("a session is well formed");
        attack(session, &cast, &label, INPUTS);
    }
}

/// Every broken twin of a protocol shares the inputs of the variant `broken`.
fn every_twin_of(protocol: &str) {
    let declared = PROTOCOLS.iter().find(|it| it.name() == protocol).unwrap();
    let without = declared.params().iter().find(|spec| spec.name == "without");
    let ParameterKind::Choice(words) = without.unwrap().kind else {
        panic!("`without` is a choice");
    };
    let base = SESSIONS.iter().find(|it| it.protocol == protocol).unwrap();
    let extra = if protocol == "rsa-udp" { MODELLED } else { &[] };
    let mut twins = 0;
    for word in words {
        let twin = Session {
            variant: "broken",
            ..*base
        };
        let extra = [extra, &[("without", Given::Word(word))]].concat();
        if let Some(cast) = configured(&twin, &extra) {
            let label = format!("{protocol} broken without {word}");
            attack(&twin, &cast, &label, INPUTS / words.len());
            twins += 1;
        }
    }
    // The word `none` is no twin.
    assert!(twins + 1 >= words.len(), "{twins} of {} twins", words.len());
}

#[test]
fn secure_vault_withstands_hostile_input() {
    every_party_of("secure-vault");
    every_twin_of("secure-vault");
}

#[test]
fn vault_exchange_withstands_hostile_input() {
    every_party_of("vault-exchange");
    every_twin_of("vault-exchange");
}

#[test]
fn ratchet_withstands_hostile_input() {
    every_party_of("ratchet");
    every_twin_of("ratchet");
}

#[test]
fn multi_server_withstands_hostile_input() {
    every_party_of("multi-server");
    every_twin_of("multi-server");
}

#[test]
fn rsa_udp_withstands_hostile_input() {
    every_party_of("rsa-udp");
    every_twin_of("rsa-udp");
}

#[test]
fn rsa_udp_with_real_keys_withstands_hostile_input() {
    let sessions = SESSIONS.iter().filter(|it| it.protocol == "rsa-udp");
    for session in sessions {
        let cast = Cast::new(session).expect("a session is well formed");
        attack(session, &cast, session.variant, INPUTS / 50);
    }
}

#[test]
fn traffic_withstands_hostile_input() {
    every_party_of("traffic");
}
