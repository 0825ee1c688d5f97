//! The parameters as the scenario reader sees them: type, range, default.

use crate::parameter::{ParameterKind, ParameterSpec};

use super::words::{Without, Word as _};

/// The parameters, in the order of the specification's table.
pub(in crate::secure_vault) const SPECS: &[ParameterSpec] = &[
    integer("keys", 2, 4096, "8", "keys in the vault (n)"),
    integer(
        "key_bits",
        128,
        256,
        "128",
        "bits of a vault key and AES key (m): 128 or 256",
    ),
    integer(
        "challenge",
        1,
        4095,
        "4",
        "indices in each challenge (p), below `keys`",
    ),
    choice(
        "update_hash",
        &["sha512", "sha256"],
        "hash of the HMAC that updates the vault",
    ),
    choice("cipher_mode", CIPHER_MODES, "how M3 and M4 are sealed"),
    choice(
        "commit",
        &["m4", "session-end"],
        "when the vault is updated",
    ),
    choice(
        "server_order",
        &["send-first", "store-first"],
        "order of M4 and the durable write",
    ),
    choice(
        "transcript",
        &["wire", "plain"],
        "data exchanged: as sent, or M3 and M4 in the clear",
    ),
    choice(
        "transcript_from",
        &["m1", "m3"],
        "first message of the data exchanged",
    ),
    integer("partition_from", 0, 1, "0", "first partition number"),
    choice(
        "partition_add",
        &["last", "first", "every"],
        "how the partition number enters its word",
    ),
    choice(
        "vault_tail",
        &["drop", "keep"],
        "the zero-filled end of the last partition",
    ),
    choice(
        "challenge_check",
        &["full", "range", "none"],
        "what is checked of a challenge received",
    ),
    choice(
        "pending_by",
        &["device", "session"],
        "what a pending handshake is told apart by",
    ),
    integer(
        "pending_max",
        1,
        1 << 20,
        "1024",
        "handshakes the server remembers",
    ),
    duration(
        "pending_timeout",
        0,
        HOUR,
        Some("never"),
        "0s",
        "how long it remembers them",
    ),
    choice(
        "session_id",
        &["random", "counter"],
        "how the device chooses session ids",
    ),
    duration(
        "reply_timeout",
        100 * MILLI,
        HOUR,
        None,
        "10s",
        "how long the device waits for M2 and M4",
    ),
    duration(
        "session_length",
        0,
        30 * DAY,
        Some("until `finish`"),
        "0s",
        "both ends end a session after this time",
    ),
    choice(
        "first_vault",
        &["per-device", "shared"],
        "independent first vaults, or one for all devices",
    ),
    choice(
        "at_rest",
        &["clear", "sealed"],
        "the device's vault in the clear, or under a storage key",
    ),
    ParameterSpec {
        name: "hardened_epoch",
        kind: ParameterKind::Bool,
        default: "true",
        help: "`hardened` only: M1 carries the epoch of the vault",
    },
    choice(
        "recovery",
        &["off", "resend"],
        "whether M1 and M3 are repeated (default of `hardened`: resend)",
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
    integer("resend_max", 0, 16, "4", "`resend`: copies of each message"),
    integer(
        "numbers",
        1,
        10_000_000_000,
        "10000000000",
        "`literal`: r1, r2, t1 and t2 are drawn from 0 to this",
    ),
    ParameterSpec {
        name: "without",
        kind: ParameterKind::Choice(Without::WORDS),
        default: "",
        help: "`broken` only: the defence that is left out (default r1)",
    },
];

pub(super) const MILLI: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1000 * MILLI;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

const CIPHER_MODES: &[&str] = &["cbc", "cbc-nopad", "ecb", "ecb-nopad", "ctr", "gcm"];

const fn integer(
    name: &'static str,
    min: u64,
    max: u64,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        kind: ParameterKind::Integer { min, max },
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
    ParameterSpec {
        name,
        kind: ParameterKind::Choice(words),
        default: words[0],
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
    ParameterSpec {
        name,
        kind: ParameterKind::Duration { min, max, zero },
        default,
        help,
    }
}
