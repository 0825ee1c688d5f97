//! What a configuration refuses, and what it says of itself.

use super::super::AUTHENTICATE;
use super::*;

fn refusal(variant: &str, given: Given<'_>) -> (String, String) {
    let error = VaultExchange
        .configure(variant, &values(given))
        .unwrap_err();
    (error.name, error.reason)
}

#[test]
fn values_outside_their_range_are_refused() {
    for (name, value) in [
        ("keys", number(1)),
        ("keys", number(257)),
        ("challenge", number(0)),
        ("challenge", number(256)),
        ("sessions", number(0)),
        ("session_length", seconds(86_401)),
        ("request_queue", number(65)),
        ("reply_timeout", seconds(3_601)),
        ("challenge_check", word("some")),
        ("recovery", word("on")),
        ("resend_factor", Value::Number(0.5)),
        ("sessions", word("three")),
    ] {
        let given = [(name, value.clone())];
        assert_eq!(refusal("as-published", &given).0, name, "{value:?}");
    }
}

#[test]
fn a_challenge_needs_as_many_keys() {
    let (name, reason) = refusal("as-published", &[("challenge", number(5))]);
    assert_eq!(name, "challenge");
    assert_eq!(reason, "there are no 5 different indices among 4 keys");
    instance("as-published", &[("challenge", number(4))]);
}

#[test]
fn key_bits_are_128_or_256() {
    let (name, _) = refusal("as-published", &[("key_bits", number(192))]);
    assert_eq!(name, "key_bits");
}

#[test]
fn without_is_for_the_broken_twin_only() {
    for variant in ["as-published", "literal"] {
        let (name, _) = refusal(variant, &[("without", word("wait"))]);
        assert_eq!(name, "without");
    }
    assert_eq!(refusal("brocken", &[]).0, "variant");
}

#[test]
fn literal_fixes_what_the_program_fixes() {
    for (name, value) in [
        ("device_update", word("session-end")),
        ("reply_timeout", seconds(5)),
        ("challenge_check", word("full")),
        ("request_queue", number(4)),
        ("keys", number(129)),
    ] {
        assert_eq!(refusal("literal", &[(name, value)]).0, name);
    }
    instance("literal", &[("device_update", word("at-reply"))]);
}

#[test]
fn every_parameter_in_force_is_listed_with_its_default() {
    let of = |variant: &str, given: Given<'_>| -> Vec<String> {
        let settings = instance(variant, given).settings();
        let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
        let specs: Vec<_> = VaultExchange.params().iter().map(|it| it.name).collect();
        assert_eq!(names, specs);
        settings.into_iter().map(|(_, value)| value).collect()
    };
    assert_eq!(
        of("as-published", &[]),
        [
            "4",
            "128",
            "2",
            "3",
            "10s",
            "session-end",
            "4",
            "range",
            "5s",
            "per-device",
            "off",
            "not used",
            "not used",
            "not used",
            "none"
        ]
    );
    assert_eq!(
        of("literal", &[("recovery", word("resend"))])[5..14],
        [
            "at-reply",
            "unlimited",
            "none",
            "0s",
            "per-device",
            "resend",
            "2s",
            "2.0",
            "4"
        ]
    );
    assert_eq!(of("broken", &[("without", word("queue"))])[14], "queue");
}

#[test]
fn the_deadline_covers_one_session() {
    let deadline = |given| instance("as-published", given).deadline(AUTHENTICATE);
    assert_eq!(deadline(&[]), Span::from_secs(10 + 5 + 15));
    let never = [("reply_timeout", number(0))];
    assert_eq!(deadline(&never), Span::from_secs(10 + 30 + 15));
    let resend = [("recovery", word("resend"))];
    assert_eq!(deadline(&resend), Span::from_secs(10 + 5 + 15 + 30));
}

#[test]
fn principals_are_hosts() {
    let roster = roster(1);
    let of = |party| instance("as-published", &[]).principal(&roster, &roster.parties[party]);
    assert_eq!([of(0), of(1)], [DEVICE_NAME, SERVER_NAME]);
    assert_eq!(roster.parties[0].host, DEVICE_HOST);
}
