//! The attacks on the protocol, by families of the same steps.

mod account;
mod dictionary;
mod eavesdrop;
mod flips;
mod floods;
mod forge;
mod mitm_keys;
mod online;
mod order;
mod replay_data;
mod replay_login;
mod tap;
mod user_table;
mod wire;
mod words;

use crate::attack::kit::Reflect;
use crate::attack::{
    AttackSpec, Attacker, Control, Errand, Position, Power, Property, Setup, Stage,
};
use crate::parameter::ParameterError;

use super::messages::InnerKind;
use super::params::Params;

/// Every attack, in the order of the specification.
pub(super) const SPECS: &[AttackSpec] = &[
    eavesdrop::EAVESDROP,
    eavesdrop::SOLVE_DH,
    dictionary::SPEC,
    online::ROGUE,
    user_table::PASS_THE_HASH,
    user_table::EQUAL_PASSWORDS,
    replay_login::CONNECT,
    replay_login::PASS,
    replay_login::REKEYED,
    replay_login::REPLAY_ENCRYPT,
    replay_data::DATA,
    replay_data::LATER,
    replay_data::STEER,
    replay_data::ECHO,
    forge::DATA,
    forge::FIN,
    forge::ECHO,
    flips::CONNECT,
    flips::PASS,
    flips::ENCRYPT,
    flips::SEALED,
    mitm_keys::SPEC,
    forge::RELAY,
    online::GUESS,
    floods::THIRD_PARTY,
    floods::BLOCK_POISON,
    floods::EVICT_SALTS,
    floods::BROADCAST_FLOOD,
    account::OVERSIZE,
    flips::HUGE,
    order::REFLECT,
    account::CROSS,
    order::REORDER,
    floods::JAM_LOGIN,
    order::DROP,
    eavesdrop::STEAL_RSA,
];

/// Where attacks are tried: a client that logs in, sends two lines and logs out, again and again at
/// random times, with keys that are quick to make.
const STAGE: Stage = Stage {
    nodes: &[("device", 1), ("client", 1)],
    errands: &[Errand {
        from: "client",
        to: "device",
        commands: &["authenticate", "send-data", "send-data", "finish"],
        every: "exp(3min)",
        first: "",
    }],
    params: &[("rsa_bits", "1024")],
    secure: &[],
    on: ("", ""),
    seat: "",
    delay: "20ms",
    duration: "75min",
    settle: "15min",
    node_keys: &[],
    link_keys: "",
    tables: "",
    cases: &[],
};

/// A user who says yes to every offer: the client is logged in again as soon as the device is open, and
/// only lines and the end of a session are asked for.
const WILLING: Stage = Stage {
    errands: &[Errand {
        from: "client",
        to: "device",
        commands: &["send-data", "send-data", "finish"],
        every: "uniform(2min, 4min)",
        first: "2min",
    }],
    params: ALWAYS,
    ..STAGE
};

/// Sessions that stay open, with a line now and then and nothing under way between.
const LASTING: Stage = Stage {
    errands: &[
        Errand {
            from: "client",
            to: "device",
            commands: &["authenticate"],
            every: "10min",
            first: "",
        },
        Errand {
            from: "client",
            to: "device",
            commands: &["send-data"],
            // Never later behind the login than `hardened` waits for a line, nor before it.
            every: "25s",
            first: "60100ms",
        },
    ],
    duration: "35min",
    settle: "5min",
    ..STAGE
};

/// A password that a word list of a thousand has.
const WEAK_PASSWORD: &[(&str, &str)] = &[("rsa_bits", "1024"), ("client.password", "\"dragon7\"")];

/// The same, with a user who says yes to every offer.
const ALWAYS: &[(&str, &str)] = &[
    ("rsa_bits", "1024"),
    ("consent", "\"always\""),
    ("client.password", "\"dragon7\""),
];

/// What most attacks have in common: on the path, aimed at agreement.
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
    claims: &[],
    case_claims: &[],
    control: Control::without("password"),
    variants: &[],
    claims_secrets: &[],
    stage: STAGE,
    stages: &[],
};

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
        "solve-dh" => Box::new(eavesdrop::SolveDh::new(params)),
        "steal-rsa" => Box::new(eavesdrop::StealRsa::new(params)),
        "dictionary" => Box::new(dictionary::Dictionary::new(params, setup)),
        "rogue-device" => Box::new(online::Rogue::new(params, setup)),
        "guess-online" => Box::new(online::Guess::new(params, setup)),
        "pass-the-hash" => Box::new(user_table::PassTheHash::new(params, setup)),
        "equal-passwords" => Box::new(user_table::EqualPasswords::new(setup)),
        "replay-connect" => Box::new(replay_login::ReplayConnect::new(params, setup)),
        "replay-pass" => Box::new(replay_login::ReplayPass::new(params, setup)),
        "replay-pass-rekeyed" => Box::new(replay_login::Rekeyed::new(params, setup)),
        "replay-encrypt" => Box::new(replay_login::ReplayEncrypt::new(setup)),
        "replay-data" => Box::new(replay_data::ReplayData::new(params)),
        "replay-data-later" => Box::new(replay_data::ReplayLater::new(params)),
        "replay-echo" => Box::new(replay_data::ReplayEcho::new(params, setup)),
        "steer-dh" => Box::new(replay_data::Steer::new(params, setup)),
        "forge-data" => Box::new(forge::Forge::new(params, setup, InnerKind::Data)),
        "forge-fin" => Box::new(forge::Forge::new(params, setup, InnerKind::Fin)),
        "forge-echo" => Box::new(forge::ForgeEcho::new(params, setup)),
        "mitm-relay" => Box::new(forge::Relay::new(params, setup)),
        "mitm-keys" => Box::new(mitm_keys::MitmKeys::new(params)),
        "flip-connect" | "flip-pass" | "flip-encrypt" => Box::new(flips::flip(params, id, setup)),
        "flip-sealed" => Box::new(flips::FlipSealed::new(params, setup)),
        "huge-number" => Box::new(flips::HugeNumber::new(params, setup)),
        "third-party" => Box::new(floods::Sender::third_party(setup)),
        "block-poison" => Box::new(floods::Sender::block_poison(setup)),
        "broadcast-flood" => Box::new(floods::Sender::broadcast_flood(setup)),
        "evict-salts" => Box::new(floods::EvictSalts::new(setup)),
        "jam-login" => Box::new(floods::JamLogin::new(params, setup)),
        "oversize" => Box::new(account::Oversize::new(params, setup)),
        "cross-client" => Box::new(account::CrossClient::new(params, setup)),
        "reflect" => Box::new(Reflect::new(setup, "SEALED", None, false)),
        "reorder" => Box::new(order::Reorder::new(params, setup)),
        "drop-one" => Box::new(order::DropOne::new(params, setup)),
        _ => {
            return Err(ParameterError {
                name: String::new(),
                reason: format!("this protocol has no attack `{id}`"),
                hint: "`badlink list attacks` names what there is".to_owned(),
            });
        }
    })
}

#[cfg(test)]
mod tests;
