//! The desynchronisation laboratory: one damage at a time, and whether the two ends find together
//! again.
//!
//! Every message is lost, late, doubled, overtaken, damaged or played again, once or several times in
//! a row; power is lost at every durable write; either side gets an old backup. Each experiment is a
//! plain scenario file ([`Experiment::text`]); what came of it is read off the oracle of
//! desynchronisation, never off the damage.

mod damage;
mod outcome;

pub use damage::{Action, Damage, Experiment, WRITES, plan};
pub use outcome::{Kind, Outcome, Row, examine, run};

/// The undamaged scenario of a variant of a protocol, if the laboratory has one.
#[must_use]
pub fn base(protocol: &str, variant: &str) -> Option<&'static str> {
    Some(match protocol {
        "secure-vault" if variant == "literal" => {
            include_str!("../data/laboratory/secure-vault-literal.toml")
        }
        "secure-vault" => include_str!("../data/laboratory/secure-vault.toml"),
        "vault-exchange" if variant == "literal" => {
            include_str!("../data/laboratory/vault-exchange-literal.toml")
        }
        "vault-exchange" => include_str!("../data/laboratory/vault-exchange.toml"),
        "rsa-udp" => include_str!("../data/laboratory/rsa-udp.toml"),
        "multi-server" if variant == "literal" => {
            include_str!("../data/laboratory/multi-server-literal.toml")
        }
        "multi-server" => include_str!("../data/laboratory/multi-server.toml"),
        "ratchet" => include_str!("../data/laboratory/ratchet.toml"),
        _ => return None,
    })
}

/// Protocols that the laboratory knows.
pub const PROTOCOLS: [&str; 5] = [
    "secure-vault",
    "vault-exchange",
    "rsa-udp",
    "multi-server",
    "ratchet",
];

/// Trials of an experiment, under seeds of their own: what draws decide (the bit that is damaged, the
/// byte at which a write is torn) is not decided by one.
pub const TRIALS_DEFAULT: u64 = 3;

#[cfg(test)]
mod tests;
