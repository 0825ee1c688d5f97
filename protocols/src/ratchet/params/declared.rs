//! The parameters as the scenario file knows them: types, ranges, defaults.

use crate::parameter::{ParameterKind, ParameterSpec};
use crate::ratchet::choice::{
    Choice, Defence, ErrorCodes, Evolve, Framing, HelloInActive, Kdf, MasterKey, NumberGrammar,
    Recovery, Replace, ResponseForm, SessionLookup,
};
use crate::ratchet::messages::FRAME_BYTES_MIN;

/// Nanoseconds of a second.
pub(super) const SECOND: u64 = 1_000_000_000;
/// Nanoseconds of an hour.
pub(super) const HOUR: u64 = 3600 * SECOND;
const ROUNDS_MAX: u64 = 1 << 20;
/// A timer of a tenth of a second to an hour.
const TIMER: ParameterKind = ParameterKind::Duration {
    min: SECOND / 10,
    max: HOUR,
    zero: None,
};

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

const fn whole(min: u64, max: u64) -> ParameterKind {
    ParameterKind::Integer { min, max }
}

const fn words<T: Choice>() -> ParameterKind {
    ParameterKind::Choice(T::WORDS)
}

/// Every parameter of the protocol, with the defaults of `as-published`.
pub(in crate::ratchet) const PARAMS: &[ParameterSpec] = &[
    spec(
        "clients",
        whole(1, 255),
        "5",
        "authorised ids are 1 to this",
    ),
    spec(
        "master_key",
        words::<MasterKey>(),
        "random",
        "where the master keys come from",
    ),
    spec(
        "kdf",
        words::<Kdf>(),
        "hkdf-info",
        "reading of the key derivation",
    ),
    spec(
        "mac_key_bytes",
        ParameterKind::Bytes { min: 16, max: 32 },
        "16B",
        "length of the two MAC keys: 16 or 32",
    ),
    spec(
        "direction_codes",
        ParameterKind::Integers { min: 0, max: 2 },
        "[1, 2]",
        "byte for client to server and for server to client: [1, 2] or [0, 1]",
    ),
    spec(
        "framing",
        words::<Framing>(),
        "length32",
        "records on a stream, or datagrams",
    ),
    spec(
        "max_frame",
        ParameterKind::Bytes {
            min: FRAME_BYTES_MIN as u64,
            max: 65_536,
        },
        "65536B",
        "larger announced or received frames end the session",
    ),
    spec(
        "response_timeout",
        TIMER,
        "5s",
        "how long a client waits for an answer",
    ),
    spec(
        "frame_stall",
        TIMER,
        "5s",
        "age at which an incomplete record is discarded",
    ),
    spec(
        "evolve",
        words::<Evolve>(),
        "on-send",
        "when a sender moves its own keys",
    ),
    spec(
        "error_codes",
        words::<ErrorCodes>(),
        "base",
        "opcodes of error frames",
    ),
    spec(
        "hello_in_active",
        words::<HelloInActive>(),
        "restart",
        "meaning of a HELLO on an address with a live session",
    ),
    spec(
        "replace",
        words::<Replace>(),
        "after-verify",
        "when a HELLO displaces the live session of its id",
    ),
    spec(
        "session_lookup",
        words::<SessionLookup>(),
        "address",
        "how the server finds the session of a frame",
    ),
    spec(
        "numbers_max",
        whole(1, 1024),
        "256",
        "values in one CLIENT_DATA",
    ),
    spec(
        "number_grammar",
        words::<NumberGrammar>(),
        "strict",
        "what counts as a number",
    ),
    spec(
        "response_form",
        words::<ResponseForm>(),
        "average",
        "shape of the aggregate",
    ),
    spec(
        "purge_on_hello",
        ParameterKind::Bool,
        "true",
        "forget the stored values of an id when its new session starts",
    ),
    spec(
        "rounds_kept",
        ParameterKind::IntegerOrWord {
            min: 1,
            max: ROUNDS_MAX,
            word: "all",
        },
        "1024",
        "aggregation rounds kept; the lowest is dropped first",
    ),
    spec(
        "recovery",
        words::<Recovery>(),
        "off",
        "whether the client repeats lost frames",
    ),
    spec(
        "resend_after",
        TIMER,
        "2s",
        "wait before the first repetition",
    ),
    spec(
        "resend_factor",
        ParameterKind::Number {
            min: 1.0,
            max: 10.0,
        },
        "2.0",
        "each wait is this times the one before",
    ),
    spec(
        "resend_max",
        whole(0, 16),
        "4",
        "most repetitions of one frame",
    ),
    spec(
        "without",
        words::<Defence>(),
        "",
        "the defence that the broken twin leaves out",
    ),
];

/// Parameters of a client node.
pub(in crate::ratchet) const CLIENT_PARAMS: &[ParameterSpec] = &[spec(
    "id",
    whole(1, 255),
    "",
    "client id; without it, the number of the node among all clients",
)];
