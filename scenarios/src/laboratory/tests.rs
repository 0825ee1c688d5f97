use super::*;
use crate::host::attempt::Outcome as Closing;

fn message(protocol: &'static str, variant: &str, message: &str, action: Action) -> Experiment {
    Experiment {
        protocol,
        variant: variant.to_owned(),
        damage: Damage::Message {
            message: message.to_owned(),
            action,
            times: 1,
        },
        first: 3,
    }
}

fn kind(experiment: &Experiment) -> Kind {
    run(experiment, 0).expect("the experiment runs").kind
}

/// The server has updated its vault when it sends M4, the device does when it gets it: proved in the
/// model's page. `hardened` keeps the vault before.
#[test]
fn a_lost_last_message_parts_the_vaults_for_good() {
    let lost = |variant| kind(&message("secure-vault", variant, "M4", Action::Drop));
    assert_eq!(lost("as-published"), Kind::Permanent);
    assert_ne!(lost("hardened"), Kind::Permanent);
    let earlier = message("secure-vault", "as-published", "M2", Action::Drop);
    assert_eq!(kind(&earlier), Kind::InStep);
}

/// A sealed message is found by its place in a session: a lost echo parts the numbers until the client
/// gives up, a lost line does not, and what is damaged or played again counts as done.
#[test]
fn sealed_messages_are_damaged_one_by_one() {
    let of = |name, action| kind(&message("rsa-udp", "as-published", name, action));
    assert_eq!(of("ECHO", Action::Drop), Kind::Transient);
    assert_eq!(of("DATA", Action::Drop), Kind::InStep);
    assert_eq!(of("FIN", Action::Corrupt), Kind::InStep);
    assert_eq!(of("DATA", Action::Replay), Kind::InStep);
}

/// Damage in a row strikes messages that follow each other: two late ends of sessions cost these two.
#[test]
fn two_in_a_row_are_next_to_each_other() {
    let late = Experiment {
        damage: Damage::Message {
            message: String::from("FIN"),
            action: Action::Delay,
            times: 2,
        },
        ..message("rsa-udp", "as-published", "FIN", Action::Delay)
    };
    let outcome = run(&late, 0).expect("the experiment runs");
    assert_eq!(outcome.failed, 2);
}

#[test]
fn a_message_that_never_comes_is_not_exercised() {
    let never = message("secure-vault", "literal", "ERROR", Action::Drop);
    assert_eq!(kind(&never), Kind::NotExercised);
}

#[test]
fn every_base_is_read_and_is_clean_undamaged() {
    for protocol in PROTOCOLS {
        for variant in ["as-published", "literal", "hardened"] {
            let text = base(protocol, variant).expect("it is there");
            let set = [(String::from("protocol.variant"), variant.to_owned())];
            let scenario = crate::reader::read_text("base.toml", text, &set)
                .unwrap_or_else(|error| panic!("{protocol}: {}", error.render(false)));
            let finished = crate::verify::untraced(&scenario).expect("it runs");
            for relation in &finished.world.relations {
                assert!(relation.oracle.closed().is_empty(), "{protocol} {variant}");
            }
            let tally = &finished.tally;
            let good = tally.of(Closing::Accepted) + tally.of(Closing::Completed);
            assert_eq!(
                tally.attempts(),
                good,
                "{protocol} {variant}: nothing fails"
            );
        }
    }
}

/// The published program serves so many sessions in all: its base asks for no more, so that every
/// durable write of both sides can be struck.
#[test]
fn the_program_that_serves_so_many_sessions_is_struck_at_each_write() {
    for group in ["device", "server"] {
        for write in 1..=WRITES {
            let lost = |point| {
                kind(&Experiment {
                    protocol: "vault-exchange",
                    variant: String::from("literal"),
                    damage: Damage::Write {
                        group: group.to_owned(),
                        write,
                        point,
                    },
                    first: 3,
                })
            };
            assert_ne!(lost("before"), Kind::NotExercised, "{group} {write}");
            assert_ne!(lost("before"), Kind::InStep, "{group} {write}");
        }
    }
}
