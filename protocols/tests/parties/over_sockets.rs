//! The example over real sockets, as tests.

use protocols::registry::PROTOCOLS;

use crate::sockets::play;
use crate::sockets::sessions::{SESSIONS, shown};

fn every_session_of(protocol: &str) {
    let sessions = SESSIONS.iter().filter(|it| it.protocol == protocol);
    for session in sessions {
        let name = format!("{} {}", session.variant, shown(session.params));
        let summary = play(session).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert!(summary.contains(" messages over "), "{name}: {summary}");
    }
}

#[test]
fn secure_vault_runs_over_udp() {
    every_session_of("secure-vault");
}

#[test]
fn vault_exchange_runs_over_udp() {
    every_session_of("vault-exchange");
}

#[test]
fn ratchet_runs_over_tcp_and_udp() {
    every_session_of("ratchet");
}

#[test]
fn multi_server_runs_over_udp() {
    every_session_of("multi-server");
}

#[test]
fn rsa_udp_runs_over_udp() {
    every_session_of("rsa-udp");
}

#[test]
fn traffic_runs_over_udp() {
    every_session_of("traffic");
}

#[test]
fn every_protocol_and_every_variant_but_the_broken_twins_has_a_session() {
    for protocol in PROTOCOLS {
        for variant in protocol.variants() {
            let has_one = SESSIONS
                .iter()
                .any(|it| it.protocol == protocol.name() && it.variant == variant.name);
            let wanted = variant.name != "broken";
            assert_eq!(has_one, wanted, "{} {}", protocol.name(), variant.name);
        }
    }
}
