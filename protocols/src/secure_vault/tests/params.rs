//! Parameters: defaults, ranges, and what variants fix.

use super::super::params::SPECS;
use super::super::*;
use super::support::*;

fn settings(variant: &str, given: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let instance = SecureVault.configure(variant, &values(given)).unwrap();
    instance.settings()
}

fn refused(variant: &str, given: &[(&'static str, &str)]) -> String {
    let refusal = SecureVault.configure(variant, &values(given));
    refusal.unwrap_err().name
}

#[test]
fn the_values_in_force_by_default_are_those_declared() {
    for (spec, (name, value)) in SPECS.iter().zip(settings("as-published", &[])) {
        assert_eq!(spec.name, name);
        let expected = match name {
            "resend_after" | "resend_factor" | "resend_max" => "off",
            "numbers" | "without" => "none",
            _ => spec.default,
        };
        assert_eq!(value, expected, "{name}");
    }
}

#[test]
fn every_variant_names_the_values_that_it_sets() {
    let value = |variant, name| {
        let all = settings(variant, &[]);
        all.into_iter().find(|(known, _)| *known == name).unwrap().1
    };
    for (variant, name, expected) in [
        ("hardened", "recovery", "resend"),
        ("hardened", "pending_by", "session"),
        ("hardened", "pending_timeout", "30s"),
        ("hardened", "resend_after", "2s"),
        ("literal", "keys", "1000"),
        ("literal", "key_bits", "256"),
        ("literal", "challenge", "200"),
        ("literal", "first_vault", "shared"),
        ("broken", "without", "r1"),
    ] {
        assert_eq!(value(variant, name), expected, "{variant} {name}");
    }
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    for (name, value) in [
        ("keys", "1"),
        ("keys", "4097"),
        ("key_bits", "192"),
        ("challenge", "0"),
        ("challenge", "8"),
        ("cipher_mode", "gcm"),
        ("cipher_mode", "rot13"),
        ("pending_max", "0"),
        ("reply_timeout", "1000"),
        ("session_length", "9000000000000000000"),
        ("resend_factor", "0"),
        ("commit", "7"),
        ("without", "r1"),
    ] {
        assert_eq!(refused("as-published", &[(name, value)]), name);
    }
    assert_eq!(refused("unheard-of", &[]), "variant");
    let early = [
        ("without", "verify-before-commit"),
        ("commit", "session-end"),
    ];
    assert_eq!(refused("broken", &early), "commit");
}

#[test]
fn every_variant_and_cipher_mode_declared_can_be_configured() {
    for variant in SecureVault.variants() {
        let instance = SecureVault.configure(variant.name, &values(&[])).unwrap();
        assert!(instance.check(&roster(3)).is_ok());
        let commands = u8::try_from(SecureVault.commands().len()).unwrap();
        for command in 0..commands {
            assert!(instance.deadline(command) <= Span::from_secs(90));
        }
    }
}

#[test]
fn a_further_device_changes_nobodys_vault() {
    let few = World::of("as-published", 2, &[]);
    let many = World::of("as-published", 5, &[]);
    for (left, right) in few.devices.iter().zip(&many.devices) {
        assert_eq!(left.storage, right.storage);
    }
}
