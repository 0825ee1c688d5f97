//! What a scenario file may set: names, ranges, defaults.

use crate::parameter::{ParameterKind, ParameterSpec};

use super::{DAY, HOUR, MS, SECOND, TABLE_MAX};

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

const fn time(min: u64, max: u64) -> ParameterKind {
    ParameterKind::Duration {
        min,
        max,
        zero: None,
    }
}

const WITHOUT_WORDS: &[&str] = &[
    "none",
    "beta",
    "sigma",
    "uid",
    "freshness",
    "card",
    "proof",
    "mask",
    "session-inputs",
    "two-slot",
    "refresh",
    "limits",
];

/// Every parameter; defaults are those of `as-published`.
pub(crate) const PARAMS: &[ParameterSpec] = &[
    spec(
        "registration",
        ParameterKind::Choice(&["provisioned", "in-band"]),
        "provisioned",
        "phases 1, 2 and a first phase 5 before time 0, or phases 1 and 2 over a secure link",
    ),
    spec(
        "freshness_window",
        time(MS, HOUR),
        "5s",
        "dT: how far a fresh time lies from the own clock",
    ),
    spec(
        "freshness",
        ParameterKind::Choice(&["two-sided", "one-sided", "off"]),
        "two-sided",
        "one-sided: times from the future are fresh; off: all times are",
    ),
    spec(
        "replay_cache",
        ParameterKind::Bool,
        "true",
        "the server remembers each accepted beta for 2*dT",
    ),
    spec(
        "check_location",
        ParameterKind::Bool,
        "true",
        "the user compares Loc of AUTH_REP with its list",
    ),
    spec(
        "vt_mode",
        ParameterKind::Choice(&["expiry", "constant", "repo", "random"]),
        "expiry",
        "what VT is: end of the session, its lifetime, a hash of UID, or random",
    ),
    spec(
        "session_lifetime",
        time(SECOND, DAY),
        "600s",
        "how long both ends keep SK",
    ),
    spec(
        "errors",
        ParameterKind::Choice(&["uniform", "detailed"]),
        "uniform",
        "whether REJECT tells the reason",
    ),
    spec(
        "reply_timeout",
        time(100 * MS, HOUR),
        "5s",
        "how long user and server wait for an answer",
    ),
    spec(
        "reject_retry",
        ParameterKind::Integer { min: 0, max: 5 },
        "1",
        "how often a user repeats AUTH_REQ after a REJECT",
    ),
    spec(
        "reject_retry_after",
        time(MS, HOUR),
        "2s",
        "pause before AUTH_REQ is repeated after a REJECT",
    ),
    spec(
        "db_update_every",
        ParameterKind::Duration {
            min: MS,
            max: 30 * DAY,
            zero: Some("only on command"),
        },
        "1h",
        "period of phase 5 at each server",
    ),
    spec(
        "refresh_on_failure",
        ParameterKind::Bool,
        "true",
        "a beta mismatch for a known UID triggers phase 5",
    ),
    spec(
        "refresh_min",
        time(0, DAY),
        "60s",
        "shortest time between two such triggers",
    ),
    spec(
        "db_proof",
        ParameterKind::Bool,
        "true",
        "omega is required in phase 5",
    ),
    spec(
        "list_fields",
        ParameterKind::Choice(&["id-ssk-loc", "id-ssk-loc-q"]),
        "id-ssk-loc",
        "whether list records carry Q_j",
    ),
    spec(
        "ssk_grace",
        time(0, 365 * DAY),
        "7d",
        "how long a re-issued SSK_j leaves the old one valid at the server",
    ),
    spec(
        "servers_max",
        ParameterKind::Integer {
            min: 1,
            max: TABLE_MAX,
        },
        "256",
        "most servers at the registration centre",
    ),
    spec(
        "users_max",
        ParameterKind::Integer {
            min: 1,
            max: TABLE_MAX,
        },
        "65535",
        "most users at the registration centre and in a server's table",
    ),
    spec(
        "recovery",
        ParameterKind::Choice(&["off", "resend"]),
        "off",
        "resend: lost messages are repeated within the attempt (default in hardened)",
    ),
    spec(
        "resend_max",
        ParameterKind::Integer { min: 0, max: 16 },
        "3",
        "most repetitions of AUTH_REQ, LIST_REQ and DB_REQ",
    ),
    spec(
        "pwd_give_up",
        time(SECOND, 30 * DAY),
        "1d",
        "how long PWD_REQ is repeated",
    ),
    spec(
        "without",
        ParameterKind::Choice(WITHOUT_WORDS),
        "none",
        "the defence that the variant broken leaves out (there by default beta)",
    ),
    spec(
        "base",
        ParameterKind::Choice(&["as-published", "literal"]),
        "as-published",
        "the variant that the variant broken starts from",
    ),
];
