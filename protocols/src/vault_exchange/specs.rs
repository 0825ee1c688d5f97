//! The parameters of the protocol as scenario files see them: names, ranges, defaults.

use crate::parameter::{ParameterKind, ParameterSpec};

/// Nanoseconds of a millisecond.
pub(super) const MILLI: u64 = 1_000_000;
/// Nanoseconds of a second.
pub(super) const SECOND: u64 = 1_000 * MILLI;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The parameters, in the order of the specification.
pub(super) const SPECS: &[ParameterSpec] = &[
    integer("keys", 2, 256, "4", "keys in the vault (n)"),
    integer("key_bits", 128, 256, "128", "bits of a key (m), 128 or 256"),
    integer(
        "challenge",
        1,
        255,
        "2",
        "indices in a request (p), at most `keys`",
    ),
    integer(
        "sessions",
        1,
        1_000_000,
        "3",
        "sessions that one command runs",
    ),
    duration(
        "session_length",
        0,
        DAY,
        None,
        "10s",
        "from the exchange to the vault update",
    ),
    choice(
        "device_update",
        DEVICE_UPDATE,
        "when the device updates its vault",
    ),
    integer(
        "request_queue",
        0,
        64,
        "4",
        "requests the server keeps per device meanwhile",
    ),
    ParameterSpec {
        name: "challenge_check",
        kind: ParameterKind::Choice(CHALLENGE_CHECK),
        default: "range",
        help: "what is checked of the indices received",
    },
    duration(
        "reply_timeout",
        0,
        HOUR,
        Some("never"),
        "5s",
        "how long the device waits for KEY",
    ),
    choice(
        "first_vault",
        FIRST_VAULT,
        "independent first vaults, or one for all devices",
    ),
    choice(
        "recovery",
        RECOVERY,
        "whether requests are repeated (`hardened`: resend)",
    ),
    duration(
        "resend_after",
        100 * MILLI,
        HOUR,
        None,
        "2s",
        "`resend`: wait before the first copy",
    ),
    ParameterSpec {
        name: "resend_factor",
        kind: ParameterKind::Number {
            min: 1.0,
            max: 16.0,
        },
        default: "2.0",
        help: "`resend`: growth of the wait from copy to copy",
    },
    integer("resend_max", 0, 16, "4", "`resend`: copies of a request"),
    ParameterSpec {
        name: "without",
        kind: ParameterKind::Choice(WITHOUT),
        default: "",
        help: "`broken` only: the rule that is left out or weakened (default wait)",
    },
];

const DEVICE_UPDATE: &[&str] = &["session-end", "at-reply"];
const CHALLENGE_CHECK: &[&str] = &["none", "range", "full"];
const FIRST_VAULT: &[&str] = &["per-device", "shared"];
const RECOVERY: &[&str] = &["off", "resend"];
/// What a broken twin can leave out, in the order of [`super::params::Without`].
pub(super) const WITHOUT: &[&str] = &[
    "wait", "vault", "secrecy", "update", "session", "durable", "queue",
];

const fn integer(
    name: &'static str,
    min: u64,
    max: u64,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    let kind = ParameterKind::Integer { min, max };
    ParameterSpec {
        name,
        kind,
        default,
        help,
    }
}

const fn duration(
    name: &'static str,
    min: u64,
    max: u64,
    zero: Option<&'static str>,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    let kind = ParameterKind::Duration { min, max, zero };
    ParameterSpec {
        name,
        kind,
        default,
        help,
    }
}

/// A choice whose first word is the default.
const fn choice(
    name: &'static str,
    words: &'static [&'static str],
    help: &'static str,
) -> ParameterSpec {
    let kind = ParameterKind::Choice(words);
    ParameterSpec {
        name,
        kind,
        default: words[0],
        help,
    }
}
