//! The secure registration link: `rc-reader`, `squat-uid`.

use std::sync::Arc;

use super::frames::frame;
use crate::Channel;
use crate::address::Address;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Grant, Need, Position, Power,
    Property, Setup, Stage, Verdict, View,
};
use crate::multi_server::directory::user_name;
use crate::multi_server::equations::Hash;
use crate::multi_server::equations::card::{Head, identity_secret};
use crate::multi_server::literal::card::TextHead;
use crate::multi_server::literal::messages as text;
use crate::multi_server::messages::{Message, decode};
use crate::multi_server::params::Params;
use crate::multi_server::{PORT, role};
use crate::time::Span;

/// Users register first, and log in ever after.
const STAGE: Stage = Stage {
    params: &[("registration", "\"in-band\"")],
    secure: &[("user", "rc"), ("server", "rc")],
    duration: "30min",
    ..super::STAGE
        .with_errands(&[
            Errand {
                from: "user",
                to: "rc",
                commands: &["register"],
                every: "",
                first: "2min",
            },
            Errand {
                from: "user",
                to: "server",
                commands: &["authenticate"],
                every: "exp(1min)",
                first: "6min",
            },
            Errand {
                from: "server",
                to: "rc",
                commands: &["db-update"],
                every: "exp(1min)",
                first: "1min",
            },
        ])
        .on("user", "rc-secure")
};

pub(super) const READER_SPEC: AttackSpec = AttackSpec {
    id: "rc-reader",
    help: "Reads the registration link, or is the centre itself: A = h(ID, PW) in UREG_REQ has no \
           salt, so each of 1024 words is tried against it. Needs the power `break-channel` on that \
           link.",
    powers: super::OBSERVE,
    knows: &[Need {
        secret: "word-list",
        of: "user",
        at: "5min",
    }],
    properties: &[Property::Secrecy],
    control: Control::without("mask"),
    claims_secrets: &["password"],
    stage: STAGE,
    ..super::BASE
};

/// `rc-reader`.
#[derive(Debug)]
pub(super) struct Reader {
    params: Arc<Params>,
    names: Vec<(u32, String)>,
    /// A of each user that has registered.
    seen: Vec<(u32, Hash)>,
}

impl Reader {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        let parties = setup.roster.parties.iter();
        let users = parties.filter(|party| party.role == role::USER);
        Self {
            params,
            names: users
                .map(|party| (party.host, user_name(setup.roster, party)))
                .collect(),
            seen: Vec::new(),
        }
    }
}

impl Attacker for Reader {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        let a = if self.params.literal() {
            match text::decode(&self.params, view.bytes) {
                Ok(text::Message::UregReq { a, .. }) => a,
                _ => return Verdict::Pass,
            }
        } else {
            match decode(&self.params, view.bytes) {
                Ok(Message::UregReq { a, .. }) => a,
                _ => return Verdict::Pass,
            }
        };
        cx.tried();
        self.seen.push((view.from.host, a));
        Verdict::Pass
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        let name = self.names.iter().find(|(host, _)| *host == grant.of);
        let seen = self.seen.iter().find(|(host, _)| *host == grant.of);
        let Some(((_, name), (_, a))) = name.zip(seen) else {
            return;
        };
        for word in grant.bytes().split(|byte| *byte == b'\n') {
            let guess = if self.params.literal() {
                let password = core::str::from_utf8(word).unwrap_or_default();
                TextHead { id: name, password }.secret(cx.crypto)
            } else {
                let head = Head {
                    id: name.as_bytes(),
                    password: word,
                };
                // r1 never leaves the user: where A has it, zeros are the best guess.
                identity_secret(&self.params, cx.crypto, &[0; 16], &head)
            };
            if guess == *a {
                cx.claim("password", grant.of, word);
            }
        }
    }
}

/// Users who register after three minutes, and few updates: tables grow large here.
const SQUATTED: Stage = Stage {
    duration: "10min",
    ..STAGE.with_errands(&[
        Errand {
            from: "user",
            to: "rc",
            commands: &["register"],
            every: "",
            first: "3min",
        },
        Errand {
            from: "server",
            to: "rc",
            commands: &["db-update"],
            every: "",
            first: "5min",
        },
        Errand {
            from: "user",
            to: "server",
            commands: &["authenticate"],
            every: "exp(30s)",
            first: "6min",
        },
    ])
};

const SQUAT: &[&str] = &["arbitrary", "users"];

pub(super) const SQUAT_SPEC: AttackSpec = AttackSpec {
    id: "squat-uid",
    help: "Registers over a link of its own: arbitrary strings of 32 bytes as UIDs, one every \
           millisecond, until the table of the centre is full (`arbitrary`), or the UID of a user as \
           soon as it is known (`users`).",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[Need {
        secret: "uid",
        of: "user",
        at: "always",
    }],
    cases: SQUAT,
    properties: &[Property::LockOut],
    claims: &["MS-C7"],
    control: Control::without("uid"),
    stage: SQUATTED,
    ..super::BASE
};

/// Between two registrations.
const GAP: Span = Span::from_millis(1);
/// Registrations that fill the largest table.
const ENOUGH: u32 = 66_000;

/// `squat-uid`.
#[derive(Debug)]
pub(super) struct Squat {
    left: u32,
    params: Arc<Params>,
    arbitrary: bool,
    own: Address,
    centre: Option<Address>,
}

pub(super) fn squat(params: &Arc<Params>, setup: &Setup<'_>) -> Squat {
    Squat {
        left: ENOUGH,
        params: Arc::clone(params),
        arbitrary: Cases::new(SQUAT, setup.case).turn() == 0,
        own: setup.own(0, PORT),
        centre: setup.first_of(role::RC),
    }
}

impl Squat {
    fn register(&self, uid: Hash, cx: &mut AttackContext<'_>) {
        let mut a = [0; 32];
        cx.random(&mut a);
        let request = frame(&self.params, &Message::UregReq { uid, a });
        if let Some(centre) = self.centre {
            cx.inject_on(self.own, centre, Channel::Secure, request);
        }
    }
}

impl Attacker for Squat {
    fn on_start(&mut self, cx: &mut AttackContext<'_>) {
        if self.arbitrary {
            cx.arm(0, GAP);
        }
    }

    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        if !self.arbitrary
            && let Some(uid) = super::frames::hash(grant.bytes())
        {
            self.register(uid, cx);
        }
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        let mut uid = [0; 32];
        cx.random(&mut uid);
        self.register(uid, cx);
        self.left -= 1;
        if self.left > 0 {
            cx.arm(0, GAP);
        }
    }
}
