//! The parameters in force, in words.

use crate::crypto::rsa::{Arithmetic, OaepHash};
use crate::time::Span;

use super::declaration::{SECOND, SPECS, WITHOUT};
use super::{Consent, Params, Recovery, Variant};

impl Params {
    /// Name and value in words of every parameter in force, in the order of their declaration.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        SPECS
            .iter()
            .map(|spec| (spec.name, self.setting(spec.name)))
            .collect()
    }

    fn setting(&self, name: &str) -> String {
        let choice = |yes: bool, then: &str, otherwise: &str| {
            (if yes { then } else { otherwise }).to_owned()
        };
        let limit = |pick: fn(&Recovery) -> String| {
            self.recovery
                .as_ref()
                .map_or_else(|| "not in force".to_owned(), pick)
        };
        match name {
            "rsa_bits" => self.rsa_bits.to_string(),
            "rsa_exponent" => self.rsa_exponent.to_string(),
            "oaep_hash" => choice(self.oaep_hash == OaepHash::Sha256, "sha256", "sha1"),
            "dh_prime" => self.group.prime.to_string(),
            "dh_generator" => self.group.generator.to_string(),
            "dh_exponent_max" => self.group.exponent_max.to_string(),
            "turn_timeout" => words(self.turn_timeout),
            "device_block_time" => words(self.device_block_time),
            "client_block_time" => words(self.client_block_time),
            "salt_cache" => self.salts_max().to_string(),
            "connections_max" => self.connections_max.to_string(),
            "consent" => match self.consent {
                Consent::OnCommand => "on-command",
                Consent::Always => "always",
                Consent::Never => "never",
            }
            .to_owned(),
            "consume_salt" => self.consume_salt.to_string(),
            "broadcast" => choice(self.broadcast_on_timer, "on-timer", "every-turn"),
            "block" => choice(self.block, "text", "never"),
            "think_time" => words(self.think_time),
            "key_pool" => self.key_pool.to_string(),
            "rsa_mode" => choice(self.arithmetic == Arithmetic::Modelled, "modelled", "real"),
            "recovery" => choice(self.recovery.is_some(), "timed", "off"),
            "login_timeout" => limit(|limits| words(limits.login_timeout)),
            "resend_after" => limit(|limits| words(limits.resend_after)),
            "resend_max" => limit(|limits| limits.resend_max.to_string()),
            "idle_timeout" => limit(|limits| words(limits.idle_timeout)),
            _ => match self.variant {
                Variant::Broken(without) => WITHOUT[without as usize].to_owned(),
                _ => String::new(),
            },
        }
    }
}

/// A span in the scenario's notation, in the largest unit that divides it.
fn words(span: Span) -> String {
    let nanos = span.nanos();
    for (unit, name) in [(SECOND, "s"), (1_000_000, "ms"), (1_000, "us")] {
        if nanos.is_multiple_of(unit) {
            return format!("{}{name}", nanos / unit);
        }
    }
    format!("{nanos}ns")
}
