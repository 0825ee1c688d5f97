//! What the protocol declares about itself, as tables: roles, commands, timers, variants, claims.

use crate::attack::Property;
use crate::parameter::{ParameterKind, ParameterSpec};
use crate::protocol::{
    ClaimSpec, CommandSpec, Completion, RelationSpec, RoleSpec, TimerSpec, VariantSpec,
};

use super::{phase, role};

const fn text(
    name: &'static str,
    max: u64,
    default: &'static str,
    help: &'static str,
) -> ParameterSpec {
    ParameterSpec {
        name,
        kind: ParameterKind::Text { min: 1, max },
        default,
        help,
    }
}

pub(super) const ROLES: &[RoleSpec] = &[
    RoleSpec {
        name: "rc",
        params: &[],
        help: "registration centre: issues keys and cards, hands out lists and tables",
    },
    RoleSpec {
        name: "server",
        params: &[
            text(
                "id",
                16,
                "",
                "ID_j; by default `hospital` and the number of the server",
            ),
            text(
                "location",
                24,
                "",
                "Loc_j; by default `L` and the number of the server",
            ),
            text(
                "password",
                64,
                "",
                "PW_j of the administrator; by default 12 drawn letters",
            ),
        ],
        help: "hospital server",
    },
    RoleSpec {
        name: "user",
        params: &[
            text(
                "id",
                64,
                "",
                "ID_i; by default `user` and the number of the user",
            ),
            text(
                "password",
                64,
                "",
                "the first PW_i; by default 12 drawn letters",
            ),
        ],
        help: "person with a smart card",
    },
];

const PASSWORD: (&str, &str) = ("password", "the one in the head");

pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "register",
        role: role::USER,
        peer: Some(role::RC),
        args: &[],
        phase: phase::REGISTER,
        done: Completion::StoredAtInitiator,
        concurrent: false,
        help: "phase 2 over the secure link (registration = \"in-band\")",
    },
    CommandSpec {
        name: "authenticate",
        role: role::USER,
        peer: Some(role::SERVER),
        args: &[("server", "ID_j of the peer"), PASSWORD],
        phase: phase::AUTHENTICATE,
        done: Completion::AcceptedBoth,
        concurrent: false,
        help: "phase 3: log in at a server",
    },
    CommandSpec {
        name: "update-list",
        role: role::USER,
        peer: Some(role::RC),
        args: &[PASSWORD],
        phase: phase::UPDATE_LIST,
        done: Completion::AcceptedInitiator,
        concurrent: false,
        help: "phase 4a: fetch the current list of servers",
    },
    CommandSpec {
        name: "change-password",
        role: role::USER,
        peer: Some(role::RC),
        args: &[PASSWORD, ("new", "12 drawn letters")],
        phase: phase::CHANGE_PASSWORD,
        done: Completion::AcceptedInitiator,
        concurrent: false,
        help: "phase 4b: a card for a new password",
    },
    CommandSpec {
        name: "db-update",
        role: role::SERVER,
        peer: Some(role::RC),
        args: &[],
        phase: phase::DB_UPDATE,
        done: Completion::AcceptedInitiator,
        concurrent: false,
        help: "phase 5: fetch the current table of users",
    },
    CommandSpec {
        name: "reissue",
        role: role::SERVER,
        peer: Some(role::RC),
        args: &[],
        phase: phase::REGISTER,
        done: Completion::AcceptedInitiator,
        concurrent: false,
        help: "phase 1 again: a new SSK_j",
    },
    CommandSpec {
        name: "abort",
        role: role::USER,
        peer: None,
        args: &[],
        phase: phase::AUTHENTICATE,
        done: Completion::Handled,
        concurrent: false,
        help: "drop the open request; nothing is sent",
    },
];

const fn timer_spec(name: &'static str, changes_shared_state: bool) -> TimerSpec {
    TimerSpec {
        name,
        changes_shared_state,
    }
}

pub(super) const TIMERS: &[TimerSpec] = &[
    timer_spec("reply", false),
    timer_spec("pwd-reply", true),
    timer_spec("retry", false),
    timer_spec("give-up", false),
    timer_spec("session", false),
    timer_spec("db-update", false),
];

pub(super) const VARIANTS: &[VariantSpec] = &[
    VariantSpec {
        name: "as-published",
        help: "the text, with the recommended reading where it is silent",
    },
    VariantSpec {
        name: "readme-equations",
        help: "only what the README and the second program have: replay_cache = false, \
               check_location = false, freshness = \"one-sided\", vt_mode = \"constant\", \
               list_fields = \"id-ssk-loc-q\", refresh_on_failure = false, reject_retry = 0",
    },
    VariantSpec {
        name: "literal",
        help: "the published prototype: texts, JSON, C in clear, nothing compared at the user",
    },
    VariantSpec {
        name: "hardened",
        help: "nonces, a verifier per server, a card that counts attempts, resend",
    },
    VariantSpec {
        name: "broken",
        help: "as-published (or literal, see `base`) without the defence that `without` names",
    },
];

const fn claim(id: &'static str, text: &'static str) -> ClaimSpec {
    ClaimSpec {
        id,
        text,
        stance: "resists",
        source: "README, section on security features",
        properties: &[],
    }
}

pub(super) const CLAIMS: &[ClaimSpec] = &[
    claim("MS-C1", "mutual authentication of user and server")
        .about(&[Property::Agreement, Property::Secrecy]),
    claim("MS-C2", "session key known to both ends only"),
    claim("MS-C3", "forward secrecy by nonces and timestamps"),
    claim("MS-C4", "confidentiality of List by XOR masking").about(&[Property::Secrecy]),
    claim("MS-C5", "replay protection by T1, T2"),
    claim("MS-C6", "user anonymity: UID always hashed and masked").about(&[Property::Anonymity]),
    claim("MS-C7", "one registration serves all servers"),
    claim("MS-C8", "password update by RC after a local card check").about(&[
        Property::Agreement,
        Property::Secrecy,
        Property::LockOut,
        Property::Desync,
    ]),
    claim(
        "MS-C9",
        "server database refresh guarded by timestamp freshness",
    ),
];

pub(super) const RELATIONS: &[RelationSpec] = &[
    RelationSpec {
        name: "card",
        device: role::USER,
        server: role::RC,
    },
    RelationSpec {
        name: "server-key",
        device: role::SERVER,
        server: role::RC,
    },
];
