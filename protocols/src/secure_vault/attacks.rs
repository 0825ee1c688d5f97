//! The attacks on the protocol, one file each.

mod eavesdrop;
mod replay_m3;

use crate::attack::{AttackSpec, Attacker, Errand, Setup, Stage};
use crate::parameter::ParameterError;

use super::params::Params;

/// Every attack, in the order of the specification.
pub(super) const SPECS: &[AttackSpec] = &[eavesdrop::SPEC, replay_m3::SPEC];

/// Where attacks are tried: two devices that authenticate again and again at random times.
const STAGE: Stage = Stage {
    nodes: &[("device", 2), ("server", 1)],
    errands: &[Errand {
        from: "device",
        to: "server",
        commands: &["authenticate"],
        every: "exp(1min)",
    }],
    params: &[("challenge", "3")],
    delay: "20ms",
    duration: "90min",
    settle: "2min",
};

/// Builds an attacker for `as-published` and its broken twins.
pub(super) fn build(
    params: &Params,
    id: &str,
    setup: &Setup<'_>,
) -> Result<Box<dyn Attacker>, ParameterError> {
    match id {
        "eavesdrop" => Ok(Box::new(eavesdrop::Eavesdrop::new(params))),
        "replay-m3" => Ok(Box::new(replay_m3::ReplayM3::new(setup))),
        _ => Err(ParameterError {
            name: String::new(),
            reason: format!("this variant has no steps for the attack `{id}`"),
            hint: "`badlink list attacks` names the variants of each attack".to_owned(),
        }),
    }
}
