//! The attacks on the protocol, one file for each family of steps.

mod algebra;
mod ask;
mod eavesdrop;
mod flips;
mod forge;
mod impostors;
mod leaks;
mod listen;
mod losses;
mod middle;
mod pair_graph;
mod replays;
mod solve_rows;

use std::sync::Arc;

use crate::attack::{
    AttackSpec, Attacker, Control, Errand, Position, Power, Property, Setup, Stage,
};
use crate::parameter::ParameterError;

use super::params::Params;

/// Every attack, in the order of the specification.
pub(super) const SPECS: &[AttackSpec] = &[
    eavesdrop::SPEC,
    pair_graph::SPEC,
    solve_rows::ROWS_SPEC,
    ask::ONE_SPEC,
    ask::REPEAT_SPEC,
    ask::OUTSIDE_SPEC,
    impostors::DEVICE_SPEC,
    impostors::STRANGER_SPEC,
    impostors::SERVER_SPEC,
    replays::INDICES_SPEC,
    replays::KEY_SPEC,
    impostors::UNASKED_SPEC,
    flips::INDICES_SPEC,
    flips::KEY_SPEC,
    losses::INDICES_SPEC,
    losses::KEY_SPEC,
    losses::DELAY_SPEC,
    losses::DUPLICATE_SPEC,
    losses::REORDER_SPEC,
    middle::REFLECT_SPEC,
    middle::MITM_SPEC,
    solve_rows::PREDICT_SPEC,
    leaks::BEFORE_SPEC,
    leaks::AFTER_SPEC,
    impostors::UNNOTICED_SPEC,
    middle::FLOOD_SPEC,
];

/// One device whose requests follow each other closely.
const OFTEN: &[Errand] = &[Errand {
    from: "device",
    to: "server",
    commands: &["authenticate"],
    every: "1min",
    first: "",
}];

/// Where attacks are tried: one device, since the published program serves only one, with twenty
/// sessions a command, since it serves no more than one command's.
const STAGE: Stage = Stage {
    nodes: &[("device", 1), ("server", 1)],
    errands: OFTEN,
    params: &[("sessions", "20")],
    secure: &[],
    on: ("", ""),
    seat: "",
    delay: "20ms",
    duration: "15min",
    settle: "5min",
    node_keys: &[],
    link_keys: "",
    tables: "",
    cases: &[],
};

/// One command and no other, so that the published program is not asked for more than it serves, and
/// sessions without length, so that it answers a request when it comes.
const ONCE: Stage = Stage {
    params: &[("sessions", "20"), ("session_length", "\"0s\"")],
    errands: &[Errand {
        from: "device",
        to: "server",
        commands: &["authenticate"],
        every: "",
        first: "",
    }],
    duration: "10min",
    ..STAGE
};

/// The device says nothing for three minutes.
const SILENT: Stage = STAGE.with_errands(&[Errand {
    from: "device",
    to: "server",
    commands: &["authenticate"],
    every: "5min",
    first: "3min",
}]);

/// A command that does not end: sessions all the time, in every variant.
const BUSY: Stage = Stage {
    params: &[("sessions", "1000")],
    duration: "10min",
    settle: "2min",
    ..STAGE
};

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
    claims: &["VX-C1"],
    case_claims: &[],
    control: Control::without("wait"),
    variants: &[],
    claims_secrets: &[],
    stage: STAGE,
    stages: &[],
};

/// On the path with the power to put frames in others' places.
const IN_PLACE: &[Power] = &[Power::Observe, Power::Drop, Power::Spoof];

/// Builds an attacker.
pub(super) fn build(
    params: &Arc<Params>,
    id: &str,
    setup: &Setup<'_>,
) -> Result<Box<dyn Attacker>, ParameterError> {
    Ok(match id {
        "eavesdrop" => Box::new(eavesdrop::Eavesdrop::new(params)),
        "pair-graph" => Box::new(pair_graph::PairGraph::new(params)),
        "solve-rows" => Box::new(solve_rows::SolveRows::new(params)),
        "ask-one" => Box::new(ask::Ask::one(params, setup)),
        "ask-repeat" => Box::new(ask::Ask::repeat(params, setup)),
        "ask-outside" => Box::new(ask::Ask::outside(params, setup)),
        "impostor-device" => Box::new(impostors::Pose::device(params, setup)),
        "impostor-stranger" => Box::new(impostors::Pose::stranger(params, setup)),
        "impostor-server" => Box::new(impostors::ImpostorServer::new(params, setup)),
        "replay-indices" => Box::new(replays::ReplayIndices::new(params, setup)),
        "replay-key" => Box::new(replays::key(params, setup)),
        "unasked-key" => Box::new(impostors::UnaskedKey::new(params, setup)),
        "flip-indices" => Box::new(flips::indices(setup)),
        "flip-key" => Box::new(flips::key(params, setup)),
        "drop-indices" => Box::new(losses::indices(setup)),
        "drop-key" => Box::new(losses::key(params, setup)),
        "delay-key" => Box::new(losses::DelayKey::new(params, setup)),
        "duplicate" => Box::new(losses::Duplicate::new(params, setup)),
        "reorder" => Box::new(losses::Reorder::new(params, setup)),
        "reflect" => Box::new(middle::reflect(params, setup)),
        "mitm" => Box::new(middle::Mitm::new(params, setup)),
        "predict-next" => Box::new(solve_rows::PredictNext::new(params)),
        "vault-before" => Box::new(leaks::VaultBefore::new(params)),
        "vault-after" => Box::new(leaks::VaultAfter::new(params)),
        "stay-unnoticed" => Box::new(impostors::Pose::once(params, setup)),
        "flood-requests" => Box::new(middle::Flood::new(params, setup)),
        _ => {
            return Err(ParameterError {
                name: String::new(),
                reason: format!("this variant has no steps for the attack `{id}`"),
                hint: "`badlink list attacks` names the variants of each attack".to_owned(),
            });
        }
    })
}

#[cfg(test)]
mod tests;
