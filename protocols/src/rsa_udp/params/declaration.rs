//! The declaration of the parameters: names, ranges, defaults.

use crate::parameter::{ParameterError, ParameterKind, ParameterSpec, Values};

use super::refused;

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The parameters in the order of lists.
pub(in super::super) const SPECS: &[ParameterSpec] = &[
    spec(
        "rsa_bits",
        integer(1024, 4096),
        "4096",
        "modulus bits: 1024, 2048, 3072 or 4096",
    ),
    spec(
        "rsa_exponent",
        integer(3, u32::MAX as u64),
        "65537",
        "public exponent, odd",
    ),
    spec(
        "oaep_hash",
        ParameterKind::Choice(&["sha1", "sha256"]),
        "sha1",
        "hash of OAEP and MGF1",
    ),
    spec(
        "dh_prime",
        integer(5, (1 << 31) - 1),
        "105341",
        "modulus of the Diffie-Hellman group, prime",
    ),
    spec(
        "dh_generator",
        integer(2, (1 << 31) - 3),
        "3",
        "generator of the group, 2..p-2",
    ),
    spec(
        "dh_exponent_max",
        integer(1, 1 << 31),
        "500000",
        "own exponents are uniform in 0..this",
    ),
    spec(
        "turn_timeout",
        duration(SECOND, HOUR, None),
        "60s",
        "device turn without a datagram",
    ),
    spec(
        "device_block_time",
        duration(0, DAY, Some("no blocking")),
        "3600s",
        "interval at which the device empties its block list",
    ),
    spec(
        "client_block_time",
        duration(0, DAY, Some("no blocking")),
        "600s",
        "interval at which the client empties its block list",
    ),
    spec(
        "salt_cache",
        integer(1, 1024),
        "10",
        "(number, salt) pairs the device remembers",
    ),
    spec(
        "connections_max",
        integer(1, 64),
        "5",
        "logins a client may hold",
    ),
    spec(
        "consent",
        ParameterKind::Choice(&["on-command", "always", "never"]),
        "on-command",
        "the user's answer to CONNECT; never declines and blocks",
    ),
    spec(
        "consume_salt",
        ParameterKind::Bool,
        "false",
        "remove a salt once it has served a login",
    ),
    spec(
        "broadcast",
        ParameterKind::Choice(&["every-turn", "on-timer"]),
        "every-turn",
        "when the device broadcasts CONNECT",
    ),
    spec(
        "block",
        ParameterKind::Choice(&["text", "never"]),
        "text",
        "whether the device blocks senders",
    ),
    spec(
        "think_time",
        duration(0, HOUR, Some("at once")),
        "0s",
        "from CONNECT to PASS",
    ),
    spec(
        "key_pool",
        integer(0, 65_535),
        "0",
        "0: a pair each; N: the i-th party uses pair i mod N; refused with an adversary",
    ),
    spec(
        "rsa_mode",
        ParameterKind::Choice(&["real", "modelled"]),
        "real",
        "modelled: sizes and costs without arithmetic; refused with an adversary",
    ),
    spec(
        "recovery",
        ParameterKind::Choice(&["off", "timed"]),
        "off",
        "timed: resends and time limits, as the text has none",
    ),
    spec(
        "login_timeout",
        duration(SECOND, HOUR, None),
        "30s",
        "timed: how long the client waits for the answer to PASS",
    ),
    spec(
        "resend_after",
        duration(SECOND, HOUR, None),
        "30s",
        "timed: how long the client waits for an echo",
    ),
    spec(
        "resend_max",
        integer(0, 64),
        "3",
        "timed: how often the same DATA is sent again",
    ),
    spec(
        "idle_timeout",
        duration(SECOND, DAY, None),
        "60s",
        "timed: how long the device stays with a silent peer",
    ),
    spec(
        "without",
        ParameterKind::Choice(WITHOUT),
        "",
        "the defence that the broken twin leaves out",
    ),
];

/// What the broken twin may leave out, in the order of [`super::Without`].
pub(super) const WITHOUT: &[&str] = &[
    "password",
    "server-hash",
    "number",
    "sequence",
    "peer",
    "cipher",
    "hash",
    "binding",
    "limits",
    "retry",
];

const fn spec(
    name: &'static str,
    kind: ParameterKind,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        kind,
        default,
        help,
    }
}

const fn integer(min: u64, max: u64) -> ParameterKind {
    ParameterKind::Integer { min, max }
}

const fn duration(min: u64, max: u64, zero: Option<&'static str>) -> ParameterKind {
    ParameterKind::Duration { min, max, zero }
}

/// Refuses values outside the ranges and words of [`SPECS`].
pub(super) fn check_ranges(values: &Values) -> Result<(), ParameterError> {
    for spec in SPECS {
        if values.get(spec.name).is_none() {
            continue;
        }
        match spec.kind {
            ParameterKind::Integer { min, max } | ParameterKind::Duration { min, max, .. } => {
                let value = values.integer(spec.name, min);
                if !(min..=max).contains(&value) {
                    return Err(refused(
                        spec.name,
                        format!("{value} is out of range"),
                        &format!("use {min} to {max}"),
                    ));
                }
            }
            ParameterKind::Choice(words) => {
                let word = values.text(spec.name, "");
                if !words.contains(&word) {
                    return Err(refused(
                        spec.name,
                        format!("`{word}` is none of its words"),
                        &format!("use one of: {}", words.join(", ")),
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
