//! Messages that do not arrive: `drop-one`, `stale-server`.

use crate::attack::kit::{NTH_AND_ROW, Suppress, message};
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Power, Property, Setup, Stage,
    Verdict, View,
};

const CASES: &[&str] = &[
    "PWD_REQ", "PWD_REP", "PWD_ACK", "LIST_REQ", "LIST_REP", "AUTH_REQ", "AUTH_REP", "DB_REQ",
    "DB_REP",
];

pub(super) const DROP_SPEC: AttackSpec = AttackSpec {
    id: "drop-one",
    help: "Suppresses the n-th message of a kind (`nth`), once or several in a row (`row`). Its own \
           stage has it between users and centre; put `on` another link for AUTH and DB messages.",
    powers: &[Power::Drop],
    params: NTH_AND_ROW,
    cases: CASES,
    properties: &[Property::Availability, Property::Desync, Property::LockOut],
    claims: &["MS-C8"],
    control: Control::without("two-slot"),
    variants: super::BINARY,
    stage: super::UPDATES.on("user", "rc"),
    ..super::BASE
};

pub(super) fn drop_one(setup: &Setup<'_>) -> Suppress {
    Suppress::new(setup, CASES)
}

const STALE: &[&str] = &["request", "answer"];

pub(super) const STALE_SPEC: AttackSpec = AttackSpec {
    id: "stale-server",
    help: "Keeps a server from updating its table, by dropping every DB_REQ (`request`) or DB_REP \
           (`answer`), while users change their passwords: the new card is refused until an update \
           gets through.",
    powers: &[Power::Drop],
    cases: STALE,
    properties: &[Property::LockOut, Property::Agreement],
    claims: &["MS-C7", "MS-C8"],
    control: Control::without("refresh"),
    variants: super::BINARY,
    stage: Stage {
        duration: "2h",
        ..super::STAGE
            .with_errands(&[
                Errand {
                    from: "user",
                    to: "server",
                    commands: &["authenticate"],
                    every: "exp(2min)",
                    first: "",
                },
                Errand {
                    from: "user",
                    to: "rc",
                    commands: &["change-password"],
                    every: "exp(30min)",
                    first: "",
                },
                Errand {
                    from: "server",
                    to: "rc",
                    commands: &["db-update"],
                    every: "exp(10min)",
                    first: "",
                },
            ])
            .on("server", "rc")
    },
    ..super::BASE
};

/// `stale-server`.
#[derive(Debug)]
pub(super) struct Stale {
    target: Option<usize>,
}

impl Stale {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        let case = Cases::new(STALE, setup.case).turn();
        let name = if case == 0 { "DB_REQ" } else { "DB_REP" };
        Self {
            target: message(setup.instance, name),
        }
    }
}

impl Attacker for Stale {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        if self.target.is_some() && view.message == self.target {
            return Verdict::Drop;
        }
        Verdict::Pass
    }
}
