//! What honest parties of each protocol do, as data: who takes part, under which parameters, and
//! which commands are given in which order.

use protocols::machine::Arg;
use protocols::parameter::{Value, Values};

/// One protocol under one set of parameters, and what its parties do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// Name of the protocol.
    pub(crate) protocol: &'static str,
    /// Name of the variant.
    pub(crate) variant: &'static str,
    /// Parameters that differ from the defaults.
    pub(crate) params: &'static [(&'static str, Given)],
    /// The groups: name, role by name, number of parties, parameters.
    pub(crate) groups: &'static [GroupOf],
    /// What happens, in order.
    pub(crate) steps: &'static [Step],
}

/// Name, role by name, number of parties, and parameters of a group.
pub(crate) type GroupOf = (
    &'static str,
    &'static str,
    u32,
    &'static [(&'static str, Given)],
);

/// The value of a parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given {
    /// A number, a size, or ns.
    Integer(u64),
    /// A word.
    Word(&'static str),
    /// True or false.
    Flag(bool),
}

/// One thing that happens; parties are numbered in the order of the groups, from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// `party` is asked for `command` about `peer` and completes it.
    Ask {
        /// Who is asked.
        party: usize,
        /// For what, by name.
        command: &'static str,
        /// About whom.
        peer: usize,
        /// With which arguments.
        args: &'static [Arg<'static>],
    },
    /// The power of `party` fails and comes back.
    PowerCut(usize),
}

/// Values as the protocols read them.
pub(crate) fn values(given: &[(&'static str, Given)]) -> Values {
    let mut values = Values::default();
    for &(name, value) in given {
        let value = match value {
            Given::Integer(number) => Value::Integer(number),
            Given::Word(word) => Value::Text(word.to_owned()),
            Given::Flag(flag) => Value::Bool(flag),
        };
        values.set(name, value);
    }
    values
}

const fn ask(party: usize, command: &'static str, peer: usize) -> Step {
    Step::Ask {
        party,
        command,
        peer,
        args: &[],
    }
}

const fn tell(
    party: usize,
    command: &'static str,
    peer: usize,
    args: &'static [Arg<'static>],
) -> Step {
    Step::Ask {
        party,
        command,
        peer,
        args,
    }
}

const READING: &[Arg<'static>] = &[Arg::Bytes(b"21.5 degrees")];
const NUMBERS: &[Arg<'static>] = &[Arg::Bytes(b"20.5, 21.25,-3e1")];
const NEW_USER: &[Arg<'static>] = &[Arg::Bytes(b"carol"), Arg::Bytes(b"correct horse")];

const MILLI: u64 = 1_000_000;

/// Two devices and a server, in this order.
const DEVICES: &[GroupOf] = &[("device", "device", 2, &[]), ("server", "server", 1, &[])];

/// Two logins a device, with data both ways and a power cut in the middle of a session.
const VAULT_DAY: &[Step] = &[
    ask(0, "authenticate", 2),
    tell(0, "send-data", 2, READING),
    ask(2, "send-data", 0),
    ask(1, "authenticate", 2),
    tell(1, "send-data", 2, READING),
    Step::PowerCut(0),
    ask(0, "authenticate", 2),
    ask(1, "finish", 2),
    ask(1, "authenticate", 2),
    ask(0, "finish", 2),
];

/// The prototype agrees on a key and stops there.
const PROTOTYPE_DAY: &[Step] = &[
    ask(0, "authenticate", 2),
    ask(1, "authenticate", 2),
    Step::PowerCut(0),
    ask(0, "authenticate", 2),
    ask(1, "authenticate", 2),
];

const EXCHANGE_DAY: &[Step] = &[
    ask(0, "authenticate", 2),
    ask(1, "authenticate", 2),
    Step::PowerCut(0),
    Step::PowerCut(2),
    ask(0, "authenticate", 2),
];

/// The published program serves one address and then halts.
const EXCHANGE_PROTOTYPE: &[GroupOf] =
    &[("device", "device", 1, &[]), ("server", "server", 1, &[])];

/// A server and two clients, in this order.
const CLIENTS: &[GroupOf] = &[("server", "server", 1, &[]), ("client", "client", 2, &[])];

const RATCHET_DAY: &[Step] = &[
    ask(1, "authenticate", 0),
    tell(1, "send-data", 0, NUMBERS),
    ask(2, "authenticate", 0),
    ask(2, "send-data", 0),
    tell(1, "send-data", 0, NUMBERS),
    ask(1, "finish", 0),
    Step::PowerCut(2),
    ask(2, "authenticate", 0),
    ask(2, "send-data", 0),
    ask(2, "finish", 0),
    ask(1, "authenticate", 0),
];

/// The registration centre, two servers and two users, in this order.
const HOSPITALS: &[GroupOf] = &[
    ("rc", "rc", 1, &[]),
    ("hospital", "server", 2, &[]),
    ("user", "user", 2, &[]),
];

const HOSPITAL_DAY: &[Step] = &[
    ask(3, "authenticate", 1),
    ask(4, "authenticate", 2),
    ask(3, "change-password", 0),
    ask(1, "db-update", 0),
    ask(2, "db-update", 0),
    ask(3, "authenticate", 1),
    Step::PowerCut(3),
    Step::PowerCut(2),
    ask(1, "reissue", 0),
    ask(3, "update-list", 0),
    ask(3, "authenticate", 1),
    ask(3, "authenticate", 2),
];

/// Users register over the secure channel and are known to a server after its next refresh.
const REGISTRATION_DAY: &[Step] = &[
    ask(3, "register", 0),
    ask(4, "register", 0),
    ask(1, "db-update", 0),
    ask(2, "db-update", 0),
    ask(3, "authenticate", 1),
    ask(4, "authenticate", 2),
];

/// The prototype has no updates of lists and passwords.
const HOSPITAL_PROTOTYPE_DAY: &[Step] = &[
    ask(3, "authenticate", 1),
    ask(4, "authenticate", 2),
    Step::PowerCut(3),
    ask(1, "db-update", 0),
    ask(4, "authenticate", 2),
];

/// A device and a client, in this order.
const ECHO_PAIR: &[GroupOf] = &[("device", "device", 1, &[]), ("client", "client", 1, &[])];

const ECHO_DAY: &[Step] = &[
    ask(1, "authenticate", 0),
    tell(1, "send-data", 0, READING),
    ask(1, "send-data", 0),
    ask(1, "finish", 0),
    tell(0, "add-user", 0, NEW_USER),
    Step::PowerCut(0),
    ask(1, "authenticate", 0),
    ask(1, "send-data", 0),
    ask(1, "finish", 0),
];

/// Short keys and turns: the handshake is the same, and nobody waits a minute for a CONNECT.
const SMALL_RSA: &[(&str, Given)] = &[
    ("rsa_bits", Given::Integer(1024)),
    ("turn_timeout", Given::Integer(1000 * MILLI)),
];

/// Sessions of 20 ms instead of 10 s.
const SHORT_SESSIONS: &[(&str, Given)] = &[("session_length", Given::Integer(20 * MILLI))];

const fn session(
    protocol: &'static str,
    variant: &'static str,
    params: &'static [(&'static str, Given)],
    groups: &'static [GroupOf],
    steps: &'static [Step],
) -> Session {
    Session {
        protocol,
        variant,
        params,
        groups,
        steps,
    }
}

/// Every protocol in every variant that is meant to be run. A broken twin leaves a defence out: it
/// is a control for attacks.
pub(crate) const SESSIONS: &[Session] = &[
    session("secure-vault", "as-published", &[], DEVICES, VAULT_DAY),
    session(
        "secure-vault",
        "as-published",
        &[("commit", Given::Word("session-end"))],
        DEVICES,
        VAULT_DAY,
    ),
    session("secure-vault", "literal", &[], DEVICES, PROTOTYPE_DAY),
    session("secure-vault", "hardened", &[], DEVICES, VAULT_DAY),
    session(
        "vault-exchange",
        "as-published",
        SHORT_SESSIONS,
        DEVICES,
        EXCHANGE_DAY,
    ),
    session(
        "vault-exchange",
        "literal",
        SHORT_SESSIONS,
        EXCHANGE_PROTOTYPE,
        &[ask(0, "authenticate", 1)],
    ),
    session(
        "vault-exchange",
        "hardened",
        SHORT_SESSIONS,
        DEVICES,
        EXCHANGE_DAY,
    ),
    session("ratchet", "as-published", &[], CLIENTS, RATCHET_DAY),
    session("ratchet", "literal", &[], CLIENTS, RATCHET_DAY),
    session("ratchet", "hardened", &[], CLIENTS, RATCHET_DAY),
    session(
        "ratchet",
        "as-published",
        &[("framing", Given::Word("datagram"))],
        CLIENTS,
        RATCHET_DAY,
    ),
    session("multi-server", "as-published", &[], HOSPITALS, HOSPITAL_DAY),
    session(
        "multi-server",
        "as-published",
        &[("registration", Given::Word("in-band"))],
        HOSPITALS,
        REGISTRATION_DAY,
    ),
    session(
        "multi-server",
        "readme-equations",
        &[],
        HOSPITALS,
        HOSPITAL_DAY,
    ),
    session(
        "multi-server",
        "literal",
        &[],
        HOSPITALS,
        HOSPITAL_PROTOTYPE_DAY,
    ),
    session("multi-server", "hardened", &[], HOSPITALS, HOSPITAL_DAY),
    session("rsa-udp", "as-published", SMALL_RSA, ECHO_PAIR, ECHO_DAY),
    session("rsa-udp", "literal", SMALL_RSA, ECHO_PAIR, ECHO_DAY),
    session("rsa-udp", "hardened", SMALL_RSA, ECHO_PAIR, ECHO_DAY),
    session(
        "traffic",
        "as-published",
        &[],
        &[
            ("source", "source", 2, &[("reply", Given::Flag(true))]),
            ("station", "station", 1, &[("reply", Given::Flag(true))]),
        ],
        &[ask(0, "send", 2), ask(1, "send", 2), ask(0, "send", 2)],
    ),
];

/// Parameters as a reader would write them.
pub(crate) fn shown(given: &[(&str, Given)]) -> String {
    let show = |(name, value): &(&str, Given)| match value {
        Given::Integer(number) => format!("{name}={number}"),
        Given::Word(word) => format!("{name}={word}"),
        Given::Flag(flag) => format!("{name}={flag}"),
    };
    given.iter().map(show).collect::<Vec<_>>().join(" ")
}
