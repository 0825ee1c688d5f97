//! The attacks on the protocol, one file each or one for a family of the same steps.
//!
//! They are tried over datagrams: an attacker beside the link can send a frame there without a
//! connection of its own, which is the stronger position.

mod craft;
mod eavesdrop;
mod flips;
mod floods;
mod insiders;
mod intruders;
mod older;
mod pose_as_server;
mod reflect;
mod reorder;
mod replays;
mod simple;
mod steal_current;
mod steal_master;
mod unknown_client;

use std::sync::Arc;

use crate::attack::{
    AttackSpec, Attacker, Control, Errand, Position, Power, Property, Setup, Stage,
};
use crate::parameter::ParameterError;

use super::params::Params;
use super::provision::checked_id;

/// Every attack, in the order of the specification.
pub(super) const SPECS: &[AttackSpec] = &[
    replays::DATA_SPEC,
    flips::C2S_SPEC,
    flips::HEADER_SPEC,
    flips::S2C_SPEC,
    insiders::KEY_SPEC,
    reflect::SERVER_SPEC,
    reflect::CLIENT_SPEC,
    simple::DROP_SPEC,
    intruders::EARLY_SPEC,
    unknown_client::SPEC,
    eavesdrop::SPEC,
    replays::SESSION_SPEC,
    replays::HELLO_SPEC,
    pose_as_server::SPEC,
    older::CHALLENGE_SPEC,
    older::RESPONSE_SPEC,
    simple::DUPLICATE_SPEC,
    reorder::SPEC,
    flips::LENGTH_SPEC,
    flips::TRUNCATE_SPEC,
    eavesdrop::RELAY_SPEC,
    intruders::JUNK_SPEC,
    intruders::TERMINATE_SPEC,
    insiders::CROSS_SPEC,
    reflect::OTHER_SPEC,
    insiders::POISON_SPEC,
    insiders::STALE_SPEC,
    floods::SPEC,
    steal_current::SPEC,
    steal_master::SPEC,
];

/// Where attacks are tried: three clients that open a session every minute, beginning anywhere in it.
const STAGE: Stage = Stage {
    nodes: &[("client", 3), ("server", 1)],
    errands: &[Errand {
        from: "client",
        to: "server",
        commands: &[
            "authenticate",
            "send-data",
            "send-data",
            "send-data",
            "finish",
        ],
        every: "1min",
        first: "",
    }],
    params: &[("framing", "\"datagram\"")],
    secure: &[],
    on: ("", ""),
    seat: "",
    delay: "50ms",
    duration: "30min",
    settle: "2min",
    node_keys: &[],
    link_keys: "",
    tables: "",
    cases: &[],
};

/// The same with client 2 in the attacker's hands.
const INSIDE: Stage = STAGE.with_seat("client[1]");

/// What most attacks have in common: on the path, against the claim about replays.
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
    claims: &["RT-C3"],
    case_claims: &[],
    control: Control::without("mac"),
    variants: &[],
    claims_secrets: &[],
    stage: STAGE,
    stages: &[],
};

/// On the path with the power to put frames in others' places.
const IN_PLACE: &[Power] = &[Power::Observe, Power::Drop, Power::Spoof];

/// The first party of the role of clients next to the attacker that it does not play: its id.
fn victim(setup: &Setup<'_>) -> u8 {
    let parties = &setup.roster.parties;
    let near = setup.near.iter().copied().chain(0..parties.len());
    let found = near
        .filter(|index| Some(*index) != setup.seat)
        .filter_map(|index| parties.get(index))
        .find(|party| party.role == super::CLIENT);
    found.map_or(0, |party| checked_id(setup.roster, party))
}

/// Builds an attacker.
pub(super) fn build(
    params: &Arc<Params>,
    id: &str,
    setup: &Setup<'_>,
) -> Result<Box<dyn Attacker>, ParameterError> {
    Ok(match id {
        "replay-data" => Box::new(replays::Data::new(setup)),
        "flip-c2s" => Box::new(flips::c2s(setup)),
        "flip-header" => Box::new(flips::header(setup)),
        "flip-s2c" => Box::new(flips::s2c(setup)),
        "wrong-enc-key" => Box::new(insiders::Insider::new(params, setup, insiders::Aim::Key)),
        "reflect-to-server" => Box::new(reflect::to_server(setup)),
        "reflect-to-client" => Box::new(reflect::ToClient::new(setup)),
        "drop-one" => Box::new(simple::drop_one(setup)),
        "data-before-hello" => Box::new(intruders::Early::new(params, setup)),
        "unknown-client" => Box::new(unknown_client::UnknownClient::new(params, setup)),
        "eavesdrop" => Box::new(eavesdrop::Eavesdrop::new(params)),
        "replay-session" => Box::new(replays::Session::new(setup)),
        "replay-hello" => Box::new(replays::Hello::new(setup)),
        "pose-as-server" => Box::new(pose_as_server::PoseAsServer::new(params, setup)),
        "old-challenge" => Box::new(older::Older::new(params, setup, "SERVER_CHALLENGE")),
        "old-response" => Box::new(older::Older::new(params, setup, "SERVER_AGGR_RESPONSE")),
        "duplicate" => Box::new(simple::duplicate(setup)),
        "reorder" => Box::new(reorder::Reorder::new(setup)),
        "length-prefix" if !params.streams() => {
            return Err(ParameterError {
                name: String::from("framing"),
                reason:
                    "`length-prefix` changes the length before a record, and datagrams have none"
                        .to_owned(),
                hint: "choose `framing = \"length32\"`".to_owned(),
            });
        }
        "length-prefix" => Box::new(flips::length(setup)),
        "truncate" => Box::new(flips::truncate(setup)),
        "relay" => Box::new(eavesdrop::Relay::new(params)),
        "hello-junk" => Box::new(intruders::Junk::new(params, setup)),
        "bare-terminate" => Box::new(intruders::BareTerminate::new(params, setup)),
        "cross-client" => Box::new(insiders::Insider::new(params, setup, insiders::Aim::Cross)),
        "other-connection" => Box::new(reflect::OtherConnection::new(params, setup)),
        "poison-number" => Box::new(insiders::Insider::new(params, setup, insiders::Aim::Poison)),
        "stale-values" => Box::new(insiders::Insider::new(params, setup, insiders::Aim::Stale)),
        "flood-rounds" => Box::new(floods::Flood::new(params, setup)),
        "steal-current" => Box::new(steal_current::StealCurrent::new(params, setup)),
        "steal-master" => Box::new(steal_master::StealMaster::new(params, setup)),
        _ => {
            return Err(ParameterError {
                name: String::new(),
                reason: format!("there are no steps for the attack `{id}`"),
                hint: "`badlink list attacks` names what there is".to_owned(),
            });
        }
    })
}
