//! The attacks on the protocol, one file for each family of the same steps.

mod card_thief;
mod card_user;
mod flips;
mod frames;
mod future_time;
mod impostors;
mod insiders;
mod later;
mod linking;
mod losses;
mod mitm;
mod own_server;
mod passive;
mod probe;
mod registration;
mod replays;
mod updates;

use std::sync::Arc;

use crate::attack::{
    AttackSpec, Attacker, Control, Errand, Position, Power, Property, Setup, Stage,
};
use crate::parameter::ParameterError;

use super::params::Params;

/// Every attack, in the order of the specification.
pub(super) const SPECS: &[AttackSpec] = &[
    passive::KEY_SPEC,
    linking::SPEC,
    passive::UPDATE_SPEC,
    replays::LATE_SPEC,
    replays::SOON_SPEC,
    future_time::SPEC,
    replays::REP_SPEC,
    flips::REQ_SPEC,
    flips::REP_SPEC,
    flips::LOCATION_SPEC,
    mitm::SPEC,
    impostors::USER_SPEC,
    flips::STEER_SPEC,
    insiders::TRACK_SPEC,
    insiders::USER_SPEC,
    insiders::SERVER_SPEC,
    updates::PULL_SPEC,
    updates::FORGE_SPEC,
    own_server::PASSIVE_SPEC,
    own_server::BOTH_SPEC,
    card_thief::GUESS_SPEC,
    card_thief::READ_SPEC,
    card_user::WRONG_SPEC,
    card_user::GUESS_SPEC,
    registration::READER_SPEC,
    later::DUMP_SPEC,
    later::THEFT_SPEC,
    later::KNOWN_SPEC,
    probe::SPEC,
    registration::SQUAT_SPEC,
    updates::FLOOD_SPEC,
    losses::DROP_SPEC,
    losses::STALE_SPEC,
];

/// Where attacks on logins are tried: two users log in at one server again and again.
const STAGE: Stage = Stage {
    nodes: &[("rc", 1), ("server", 1), ("user", 2)],
    errands: &[Errand {
        from: "user",
        to: "server",
        commands: &["authenticate"],
        every: "exp(1min)",
        first: "",
    }],
    params: &[],
    secure: &[],
    on: ("", ""),
    seat: "",
    delay: "20ms",
    duration: "90min",
    settle: "2min",
    node_keys: &[],
    link_keys: "",
    tables: "",
    cases: &[],
};

/// The same with four users and two servers: every other user goes to the second one.
const TWO_SERVERS: Stage = STAGE.with_nodes(&[("rc", 1), ("server", 2), ("user", 4)]);

/// Logins in quick succession, for attacks that need frames of a few seconds ago.
const BUSY: Stage = Stage {
    duration: "10min",
    ..STAGE.with_errands(&[Errand {
        from: "user",
        to: "server",
        commands: &["authenticate"],
        every: "exp(3s)",
        first: "",
    }])
};

/// All phases: logins, new lists, new passwords, new tables.
const UPDATES: Stage = STAGE.with_errands(&[
    Errand {
        from: "user",
        to: "rc",
        commands: &["update-list"],
        every: "exp(2min)",
        first: "",
    },
    Errand {
        from: "user",
        to: "rc",
        commands: &["change-password"],
        every: "exp(10min)",
        first: "",
    },
    Errand {
        from: "user",
        to: "server",
        commands: &["authenticate"],
        every: "exp(2min)",
        first: "",
    },
    Errand {
        from: "server",
        to: "rc",
        commands: &["db-update"],
        every: "exp(5min)",
        first: "",
    },
]);

/// What most attacks have in common: on the path, aimed at agreement, against the first claim.
const BASE: AttackSpec = AttackSpec {
    id: "",
    help: "",
    powers: &[],
    spare: &[],
    positions: &[Position::OnPath],
    knows: &[],
    params: &[],
    cases: &[],
    properties: &[Property::Agreement],
    claims: &["MS-C1"],
    case_claims: &[],
    control: Control::without("beta"),
    variants: &[],
    claims_secrets: &[],
    stage: STAGE,
    stages: &[],
};

/// Variants whose frames are binary and whose servers have a table.
const BINARY: &[&str] = &["as-published", "readme-equations", "hardened"];
/// On the path, reading.
const OBSERVE: &[Power] = &[Power::Observe];
/// Reading, and sending under an own address.
const OBSERVE_INJECT: &[Power] = &[Power::Observe, Power::Inject];
/// On the path with the power to put frames in others' places.
const IN_PLACE: &[Power] = &[Power::Observe, Power::Drop, Power::Spoof];

/// Builds an attacker.
pub(super) fn build(
    params: &Arc<Params>,
    id: &str,
    setup: &Setup<'_>,
) -> Result<Box<dyn Attacker>, ParameterError> {
    let shared = || Arc::clone(params);
    let literal = params.literal();
    Ok(match id {
        "eavesdrop-key" => Box::new(passive::Key::new(shared())),
        "link-sessions" => Box::new(linking::Link::new(shared())),
        "eavesdrop-update" if !literal => Box::new(passive::Update::new(shared())),
        "replay-req-late" => Box::new(replays::Late::new(setup)),
        "replay-req-soon" => Box::new(replays::Soon::new(setup)),
        "replay-rep" => Box::new(replays::Rep::new(setup)),
        "future-time" => Box::new(future_time::FutureTime::new(shared(), setup)),
        "flip-req" => Box::new(flips::req(setup, literal)),
        "flip-rep" => Box::new(flips::rep(setup, literal)),
        "flip-location" => Box::new(flips::location(setup, literal)),
        "steer-discovery" if literal => Box::new(flips::steer(setup)),
        "mitm-outsider" => Box::new(mitm::Mitm::new(shared(), setup)),
        "impostor-user" => Box::new(impostors::Impostor::new(shared(), setup)),
        "insider-track" => Box::new(insiders::Track::new(shared())),
        "insider-as-user" => Box::new(insiders::AsUser::new(shared(), setup)),
        "insider-as-server" => Box::new(insiders::AsServer::new(shared())),
        "insider-pull-table" if !literal => Box::new(updates::Pull::new(shared(), setup)),
        "forge-update" => Box::new(updates::Forge::new(shared(), setup)),
        "flood-db" => Box::new(updates::flood(&shared(), setup)),
        "own-server-passive" if !literal => Box::new(own_server::Passive::new(shared(), setup)),
        "own-server-and-user" if !literal => Box::new(own_server::Both::new(shared(), setup)),
        "card-thief-guess" => Box::new(card_thief::Guess::new(shared(), setup)),
        "card-thief-read" => Box::new(card_thief::Read::new(shared(), setup)),
        "wrong-password" => Box::new(card_user::WrongPassword::new(setup)),
        "guess-on-card" => Box::new(card_user::GuessOnCard::new(params, setup)),
        "rc-reader" => Box::new(registration::Reader::new(shared(), setup)),
        "squat-uid" => Box::new(registration::squat(&shared(), setup)),
        "rc-dump" => Box::new(later::Dump::new(shared(), setup)),
        "later-theft" => Box::new(later::Dump::new(shared(), setup)),
        "known-sk" => Box::new(later::KnownKey::new(shared())),
        "probe-membership" if !literal => Box::new(probe::Probe::new(shared(), setup)),
        "drop-one" => Box::new(losses::drop_one(setup)),
        "stale-server" => Box::new(losses::Stale::new(setup)),
        _ => {
            return Err(ParameterError {
                name: String::new(),
                reason: format!("this variant has no steps for the attack `{id}`"),
                hint: "`badlink list attacks` names the variants of each attack".to_owned(),
            });
        }
    })
}
