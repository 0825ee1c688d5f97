//! Messages that do not arrive: `drop-one`, `stale-server`.

use crate::attack::kit::message;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Power, Property, Setup, Stage,
    Verdict, View,
};
use crate::parameter::{ParameterKind, ParameterSpec};

/// Case, message, and how many of them in a row.
const DROPS: &[(&str, &str, u64)] = &[
    ("PWD_REQ", "PWD_REQ", 1),
    ("PWD_REP", "PWD_REP", 1),
    ("PWD_ACK", "PWD_ACK", 1),
    ("PWD_REQ-row", "PWD_REQ", 6),
    ("PWD_REP-row", "PWD_REP", 6),
    ("PWD_ACK-row", "PWD_ACK", 6),
    ("LIST_REQ", "LIST_REQ", 1),
    ("LIST_REP", "LIST_REP", 1),
    ("LIST_REQ-row", "LIST_REQ", 6),
    ("LIST_REP-row", "LIST_REP", 6),
    ("INFO_REQ", "INFO_REQ", 1),
    ("INFO", "INFO", 1),
    ("AUTH_REQ", "AUTH_REQ", 1),
    ("AUTH_REP", "AUTH_REP", 1),
    ("AUTH_REQ-row", "AUTH_REQ", 20),
    ("AUTH_REP-row", "AUTH_REP", 20),
    ("DB_REQ", "DB_REQ", 1),
    ("DB_REP", "DB_REP", 1),
    ("DB_REQ-row", "DB_REQ", 6),
    ("DB_REP-row", "DB_REP", 6),
];

const CASES: &[&str] = &{
    let mut names = [""; DROPS.len()];
    let mut place = 0;
    while place < DROPS.len() {
        names[place] = DROPS[place].0;
        place += 1;
    }
    names
};

/// One user logs in, fetches lists and changes its password once: whatever fails besides does so
/// because of what was lost.
///
/// It lasts longer than a user may ask for a new password (`pwd_give_up`, a day): what comes of that
/// decides whether it can log in afterwards.
const ONE_CHANGE: Stage = Stage {
    duration: "30h",
    ..STAGE_OF_ONE
        .with_errands(&[
            Errand {
                every: "exp(10min)",
                ..LOGIN
            },
            Errand {
                every: "exp(30min)",
                ..LIST
            },
            Errand {
                from: "user",
                to: "rc",
                commands: &["change-password"],
                every: "",
                first: "5min",
            },
            Errand {
                every: "exp(30min)",
                ..UPDATE
            },
        ])
        .on("user", "rc")
};

const STAGE_OF_ONE: Stage = super::STAGE.with_nodes(&[("rc", 1), ("server", 1), ("user", 1)]);

const LOGIN: Errand = Errand {
    from: "user",
    to: "server",
    commands: &["authenticate"],
    every: "exp(1min)",
    first: "",
};

const LIST: Errand = Errand {
    from: "user",
    to: "rc",
    commands: &["update-list"],
    every: "exp(5min)",
    first: "",
};

const UPDATE: Errand = Errand {
    from: "server",
    to: "rc",
    commands: &["db-update"],
    every: "exp(5min)",
    first: "",
};

/// Between user and centre, with no change of a password.
const LISTS: Stage = STAGE_OF_ONE.with_errands(&[LOGIN, LIST]).on("user", "rc");

/// Between user and server.
const LOGINS: Stage = STAGE_OF_ONE.with_errands(&[LOGIN]);

/// Between server and centre.
const TABLES: Stage = STAGE_OF_ONE
    .with_errands(&[LOGIN, UPDATE])
    .on("server", "rc");

pub(super) const DROP_SPEC: AttackSpec = AttackSpec {
    id: "drop-one",
    help: "Suppresses the n-th message of a kind (`nth`), once, or in the cases that end in `-row` \
           six times in a row, logins twenty times. It stands where such messages pass: between user \
           and centre, user and server, or server and centre.",
    powers: &[Power::Drop],
    params: &[ParameterSpec {
        name: "nth",
        kind: ParameterKind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: "1",
        help: "which of the messages is the first to be lost, from 1",
    }],
    cases: CASES,
    properties: &[Property::Availability, Property::Desync, Property::LockOut],
    claims: &["MS-C8"],
    control: Control::without("two-slot"),
    stage: ONE_CHANGE,
    stages: &[
        ("LIST_REQ", LISTS),
        ("LIST_REP", LISTS),
        ("LIST_REQ-row", LISTS),
        ("LIST_REP-row", LISTS),
        ("INFO_REQ", LOGINS),
        ("INFO", LOGINS),
        ("AUTH_REQ", LOGINS),
        ("AUTH_REP", LOGINS),
        ("AUTH_REQ-row", LOGINS),
        ("AUTH_REP-row", LOGINS),
        ("DB_REQ", TABLES),
        ("DB_REP", TABLES),
        ("DB_REQ-row", TABLES),
        ("DB_REP-row", TABLES),
    ],
    ..super::BASE
};

/// `drop-one`: each case once, or the one that was chosen.
#[derive(Debug)]
pub(super) struct DropOne {
    /// Message and number of each case that is left, the next one last.
    left: Vec<(usize, u64)>,
    nth: u64,
    seen: u64,
}

pub(super) fn drop_one(setup: &Setup<'_>) -> DropOne {
    let chosen = DROPS.iter().rev();
    let chosen = chosen.filter(|(case, ..)| setup.case.is_none_or(|chosen| chosen == *case));
    // A variant without the message has no such case.
    let targets = chosen.filter_map(|(_, name, row)| Some((message(setup.instance, name)?, *row)));
    DropOne {
        left: targets.collect(),
        nth: setup.params.integer("nth", 1).max(1),
        seen: 0,
    }
}

impl Attacker for DropOne {
    fn on_packet(&mut self, view: &View<'_>, _: &mut AttackContext<'_>) -> Verdict {
        let Some((target, row)) = self.left.last() else {
            return Verdict::Pass;
        };
        if view.message != Some(*target) {
            return Verdict::Pass;
        }
        self.seen += 1;
        if self.seen < self.nth {
            return Verdict::Pass;
        }
        if self.seen + 1 == self.nth + row {
            self.left.pop();
            self.seen = 0;
        }
        Verdict::Drop
    }
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
        ..STAGE_OF_ONE
            .with_errands(&[
                Errand {
                    every: "exp(2min)",
                    ..LOGIN
                },
                Errand {
                    from: "user",
                    to: "rc",
                    commands: &["change-password"],
                    every: "exp(30min)",
                    first: "5min",
                },
                Errand {
                    every: "exp(10min)",
                    ..UPDATE
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
