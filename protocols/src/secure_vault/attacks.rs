//! The attacks on the protocol, one file each or one for a family of the same steps.

mod algebra;
mod chain;
mod choose_c1;
mod clone;
mod drop_one;
mod eavesdrop;
mod flips;
mod floods;
mod forge;
mod impostors;
mod passive_leak;
mod reflect;
mod relay;
mod reorder_data;
mod replay_m3;
mod replays;
mod search_nonce;
mod stolen_t;
mod text;
mod vault_after;

use crate::attack::{
    AttackSpec, Attacker, Control, Errand, Position, Power, Property, Setup, Stage,
};
use crate::parameter::ParameterError;

use super::params::Params;

/// Every attack, in the order of the specification.
pub(super) const SPECS: &[AttackSpec] = &[
    eavesdrop::SPEC,
    replays::M1_SPEC,
    replays::M2_SPEC,
    replay_m3::SPEC,
    replays::M4_SPEC,
    flips::M1_SPEC,
    flips::M2_SPEC,
    flips::M3_SPEC,
    flips::M4_SPEC,
    flips::DATA_SPEC,
    reorder_data::SPEC,
    drop_one::SPEC,
    reflect::SPEC,
    relay::RELAY_SPEC,
    relay::MITM_SPEC,
    impostors::DEVICE_SPEC,
    impostors::SERVER_SPEC,
    choose_c1::SPEC,
    passive_leak::SPEC,
    stolen_t::SPEC,
    chain::SPEC,
    vault_after::SPEC,
    clone::SPEC,
    flips::SHARED_SPEC,
    floods::M1_SPEC,
    search_nonce::SPEC,
    floods::SLOT_SPEC,
];

/// Where attacks are tried: two devices that authenticate again and again at random times.
const STAGE: Stage = Stage {
    nodes: &[("device", 2), ("server", 1)],
    errands: &[Errand {
        from: "device",
        to: "server",
        commands: &["authenticate"],
        every: "exp(1min)",
        first: "",
    }],
    params: &[("challenge", "3")],
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

/// The same with application data in every session.
const DATA_STAGE: Stage = STAGE.with_errands(&[Errand {
    from: "device",
    to: "server",
    commands: &["authenticate", "send-data", "send-data", "finish"],
    every: "exp(1min)",
    first: "",
}]);

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
    claims: &["SV-C1"],
    case_claims: &[],
    control: Control::without("r1"),
    variants: &[],
    claims_secrets: &[],
    stage: STAGE,
    stages: &[],
};

/// Variants with application data.
const WITH_DATA: &[&str] = &["as-published", "hardened"];
/// What leaves the ways to seal open.
const PAPER: &[&str] = &["as-published"];

/// On the path with the power to put frames in others' places.
const IN_PLACE: &[Power] = &[Power::Observe, Power::Drop, Power::Spoof];

/// Builds an attacker.
pub(super) fn build(
    params: &Params,
    id: &str,
    setup: &Setup<'_>,
) -> Result<Box<dyn Attacker>, ParameterError> {
    Ok(match id {
        "eavesdrop" => Box::new(eavesdrop::Eavesdrop::new(params)),
        "replay-m1" => Box::new(replays::m1(setup)),
        "replay-m2" => Box::new(replays::m2(setup)),
        "replay-m3" => Box::new(replay_m3::ReplayM3::new(setup)),
        "replay-m4" => Box::new(replays::m4(setup)),
        "flip-m1" => Box::new(flips::m1(params, setup)),
        "flip-m2" => Box::new(flips::m2(params, setup)),
        "flip-m3" => Box::new(flips::m3(setup)),
        "flip-m4" => Box::new(flips::m4(setup)),
        "flip-data" => Box::new(flips::data(setup)),
        "shared-vault" => Box::new(flips::shared(params, setup)),
        "reorder-data" => Box::new(reorder_data::ReorderData::new(setup)),
        "drop-one" => Box::new(drop_one::new(setup)),
        "reflect" => Box::new(reflect::new(setup)),
        "relay" => Box::new(relay::Relay::new(params)),
        "mitm" => Box::new(relay::Mitm::new(params, setup)),
        "impostor-device" => Box::new(impostors::ImpostorDevice::new(params, setup)),
        "impostor-server" => Box::new(impostors::ImpostorServer::new(params, setup)),
        "choose-c1" => Box::new(choose_c1::ChooseC1::new(params, setup)),
        "passive-leak" => Box::new(passive_leak::PassiveLeak::new(params)),
        "stolen-t" => Box::new(stolen_t::StolenT::new(params, setup)),
        "vault-before" => Box::new(chain::VaultBefore::new(params, setup)),
        "vault-after" => Box::new(vault_after::VaultAfter::new(params)),
        "clone" => Box::new(clone::Clone::new(setup)),
        "flood-m1" => Box::new(floods::m1(params, setup)),
        "search-nonce" => Box::new(search_nonce::SearchNonce::new(params, setup)),
        "steal-slot" => Box::new(floods::StealSlot::new(setup)),
        _ => {
            return Err(ParameterError {
                name: String::new(),
                reason: format!("this variant has no steps for the attack `{id}`"),
                hint: "`badlink list attacks` names the variants of each attack".to_owned(),
            });
        }
    })
}
