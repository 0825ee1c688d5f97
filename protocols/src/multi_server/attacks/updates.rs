//! Requests to the centre that are not their sender's to make: `insider-pull-table`,
//! `forge-update`, `flood-db`.

use std::sync::Arc;

use super::frames::{Entry, entries, frame, text_frame};
use crate::address::Address;
use crate::attack::kit::Flood;
use crate::attack::{
    AttackContext, AttackSpec, Attacker, Cases, Control, Errand, Grant, Need, Position, Power,
    Property, Setup, Stage, Verdict, View,
};
use crate::multi_server::directory::Directory;
use crate::multi_server::equations::update::{TableBond, table_proof};
use crate::multi_server::literal::messages as text;
use crate::multi_server::literal::text::seconds;
use crate::multi_server::messages::{DbRep, DbReq, ListReq, Message, PaddedId, decode, padded};
use crate::multi_server::params::Params;
use crate::multi_server::{PORT, role};
use crate::time::Span;

pub(super) const PULL_SPEC: AttackSpec = AttackSpec {
    id: "insider-pull-table",
    help: "A registered user asks for the table of a server in its name, once a minute, with omega \
           from SSK_j and the Q_j of its list, or a Q_j of zeros where the list has none, and unmasks \
           the answer: C of every user.",
    powers: &[Power::Inject],
    positions: &[Position::OffPath, Position::OnPath],
    knows: &[Need {
        secret: "list",
        of: "user",
        at: "0s",
    }],
    properties: &[Property::Secrecy, Property::Agreement],
    claims: &["MS-C9"],
    control: Control::without("proof"),
    variants: super::BINARY,
    claims_secrets: &["c"],
    stage: super::UPDATES.on("server", "rc"),
    ..super::BASE
};

/// `insider-pull-table`.
#[derive(Debug)]
pub(super) struct Pull {
    params: Arc<Params>,
    directory: Directory,
    own: Address,
    centre: Option<Address>,
    list: Vec<Entry>,
    asked: u64,
}

impl Pull {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        Self {
            params,
            directory: Directory::new(setup.roster),
            own: setup.own(0, PORT),
            centre: setup.first_of(role::RC),
            list: Vec::new(),
            asked: 0,
        }
    }
}

impl Attacker for Pull {
    fn on_grant(&mut self, grant: &Grant, cx: &mut AttackContext<'_>) {
        self.list = entries(&self.params, grant.bytes());
        cx.arm(0, Span::from_secs(60));
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        cx.arm(0, Span::from_secs(60));
        if let Some((centre, entry)) = self.centre.zip(self.list.first()) {
            self.asked = cx.now.0;
            let request = table_request(entry, self.asked, cx);
            let bytes = frame(&self.params, &Message::DbReq(request));
            cx.inject(self.own, centre, bytes);
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        let Some(entry) = self.list.first() else {
            return;
        };
        let Ok(Message::DbRep(reply)) = decode(&self.params, view.bytes) else {
            return;
        };
        let Some(server) = self.directory.address_of(&entry.id) else {
            return;
        };
        let table = open_table(&self.params, entry, (self.asked, &reply), cx);
        for (_, c) in super::own_server::rows(&table) {
            cx.claim("c", server.host, c);
        }
    }
}

/// DB_REQ in the name of a server of the list; zeros for a Q_j that the list does not hold.
pub(super) fn table_request(entry: &Entry, t: u64, cx: &mut AttackContext<'_>) -> DbReq {
    let q = entry.q.unwrap_or_default();
    DbReq {
        id: padded(&entry.id),
        omega: table_proof(cx.crypto, &q, t, &entry.ssk),
        t,
    }
}

/// The records of the answer to a request of time `asked`, unmasked with the same.
pub(super) fn open_table(
    params: &Params,
    entry: &Entry,
    (asked, reply): (u64, &DbRep<'_>),
    cx: &mut AttackContext<'_>,
) -> Vec<u8> {
    let bond = TableBond {
        ssk: &entry.ssk,
        q: &entry.q.unwrap_or_default(),
        t: asked,
        answered: reply.t,
    };
    let mut records = reply.records.to_vec();
    bond.mask(params, cx.crypto, &mut records);
    records
}

const CASES: &[&str] = &[
    "list-random",
    "list-repeat",
    "pwd-repeat",
    "db-random",
    "db-repeat",
];

/// Between servers and the centre, with commands that every variant knows.
const SERVERS: Stage = super::STAGE
    .with_errands(&[Errand {
        from: "server",
        to: "rc",
        commands: &["db-update"],
        every: "exp(1min)",
        first: "",
    }])
    .on("server", "rc");

pub(super) const FORGE_SPEC: AttackSpec = AttackSpec {
    id: "forge-update",
    help: "Asks the centre from an own address for somebody else: LIST_REQ of a user or DB_REQ of a \
           server with a random proof (`list-random`, `db-random`), or a recorded LIST_REQ, PWD_REQ or \
           DB_REQ once more, one second later (`list-repeat`, `pwd-repeat`, `db-repeat`).",
    powers: super::OBSERVE_INJECT,
    spare: &[Power::Observe],
    // The table is what the one claim is about, what users ask for the other.
    case_claims: &[
        ("MS-C8", &["list-random", "list-repeat", "pwd-repeat"]),
        ("MS-C9", &["db-random", "db-repeat"]),
    ],
    cases: CASES,
    properties: &[Property::Agreement, Property::Secrecy],
    claims: &["MS-C8", "MS-C9"],
    control: Control::without("proof"),
    claims_secrets: &["c", "ssk"],
    stage: super::UPDATES.on("user", "rc"),
    stages: &[("db-random", SERVERS), ("db-repeat", SERVERS)],
    ..super::BASE
};

/// `forge-update`.
#[derive(Debug)]
pub(super) struct Forge {
    params: Arc<Params>,
    own: Address,
    cases: Cases,
    case: usize,
    waiting: Option<(Address, Vec<u8>)>,
}

impl Forge {
    pub(super) fn new(params: Arc<Params>, setup: &Setup<'_>) -> Self {
        let mut cases = Cases::new(CASES, setup.case);
        Self {
            params,
            own: setup.own(0, PORT),
            case: cases.turn(),
            cases,
            waiting: None,
        }
    }

    /// What to send a second after a request was seen; `None` when it is not the case's turn.
    fn forged(&self, bytes: &[u8], cx: &mut AttackContext<'_>) -> Option<Vec<u8>> {
        let later = cx.now.0.saturating_add(Span::from_secs(1).0);
        if self.params.literal() {
            let Ok(text::Message::DbReq { id, .. }) = text::decode(&self.params, bytes) else {
                return None;
            };
            // There is no proof: ID_j and the time are all that it takes.
            let t = seconds(later);
            let made = text::Message::DbReq { id, t };
            return match self.case {
                3 => Some(text_frame(&self.params, &made)),
                4 => Some(bytes.to_vec()),
                _ => None,
            };
        }
        let mut proof = [0; 32];
        cx.random(&mut proof);
        let message = decode(&self.params, bytes).ok()?;
        match (self.case, message) {
            (0, Message::ListReq(seen)) => {
                let forged = ListReq {
                    uid: seen.uid,
                    t: later,
                    tau: proof,
                };
                Some(frame(&self.params, &Message::ListReq(forged)))
            }
            (3, Message::DbReq(seen)) => {
                let forged = DbReq {
                    id: seen.id,
                    omega: proof,
                    t: later,
                };
                Some(frame(&self.params, &Message::DbReq(forged)))
            }
            (1, Message::ListReq(_)) | (2, Message::PwdReq(_)) | (4, Message::DbReq(_)) => {
                Some(bytes.to_vec())
            }
            _ => None,
        }
    }
}

impl Attacker for Forge {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        if self.waiting.is_none()
            && let Some(bytes) = self.forged(view.bytes, cx)
        {
            self.waiting = Some((view.to, bytes));
            self.case = self.cases.turn();
            cx.arm(0, Span::from_secs(1));
        }
        Verdict::Pass
    }

    fn on_timer(&mut self, _: u32, cx: &mut AttackContext<'_>) {
        if let Some((centre, bytes)) = self.waiting.take() {
            cx.inject(self.own, centre, bytes);
        }
    }

    fn on_mail(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) {
        // What comes back is masked under C; where masks are left out it stands there.
        match decode(&self.params, view.bytes) {
            Ok(Message::PwdRep(reply)) => cx.claim("c", view.from.host, reply.cx),
            Ok(Message::ListRep(reply)) => {
                for entry in entries(&self.params, reply.list) {
                    cx.claim("ssk", view.from.host, entry.ssk);
                }
            }
            _ => {}
        }
    }
}

const FLOODS: &[&str] = &["updates", "new-password"];

const LOGIN: Errand = Errand {
    from: "user",
    to: "server",
    commands: &["authenticate"],
    every: "exp(20s)",
    first: "",
};

const UPDATE: Errand = Errand {
    from: "server",
    to: "rc",
    commands: &["db-update"],
    every: "exp(1min)",
    first: "",
};

/// One user, so that nothing but the flood keeps a new password from the server.
const FLOODED: Stage = Stage {
    duration: "10min",
    link_keys: NARROW,
    ..super::STAGE
        .with_nodes(&[("rc", 1), ("server", 1), ("user", 1)])
        .with_errands(&[LOGIN, UPDATE])
        .on("server", "rc")
};

/// A line between hospitals: a hundred requests a second leave half of it free, a hundred tables do
/// not fit, and the last of those that wait comes too late.
const NARROW: &str = "rate = \"64kbps\"\nqueue = { packets = 4096 }";

/// The same, and the user changes its password.
const CHANGED: Stage = FLOODED.with_errands(&[
    LOGIN,
    Errand {
        from: "user",
        to: "rc",
        commands: &["change-password"],
        every: "",
        first: "2min",
    },
    UPDATE,
]);

pub(super) const FLOOD_SPEC: AttackSpec = AttackSpec {
    id: "flood-db",
    help: "Sends DB_REQ with a random proof under the address of a server, one every 10 ms. Each is \
           answered to the server, which takes the REJECT for the answer to its own request: no update \
           succeeds (`updates`), and who changes its password meanwhile cannot log in \
           (`new-password`; the prototype has no such change).",
    powers: &[Power::Inject, Power::Spoof],
    positions: &[Position::OffPath, Position::OnPath],
    properties: &[Property::Availability],
    claims: &["MS-C9"],
    control: Control::without("limits"),
    cases: FLOODS,
    stage: FLOODED,
    stages: &[("new-password", CHANGED)],
    ..super::BASE
};

pub(super) fn flood(params: &Params, setup: &Setup<'_>) -> Flood {
    let ids = super::own_server::server_ids(setup);
    let id: PaddedId = ids.first().map(|id| padded(id)).unwrap_or_default();
    let bytes = if params.literal() {
        text_frame(params, &text::Message::DbReq { id, t: 0 })
    } else {
        let request = DbReq {
            id,
            omega: [0x5A; 32],
            t: 0,
        };
        frame(params, &Message::DbReq(request))
    };
    // In the prototype no password changes.
    let idle = params.literal() && setup.case == Some(FLOODS[1]);
    let frames = if idle { Vec::new() } else { vec![bytes] };
    let nowhere = Address::new(0, PORT);
    Flood::new(
        setup.first_of(role::SERVER).unwrap_or(nowhere),
        setup.first_of(role::RC).unwrap_or(nowhere),
        frames,
        Span::from_millis(10),
    )
}
