//! `drop-one`: one message of each kind does not arrive, once or several times in a row.

use crate::attack::kit::{NTH_AND_ROW, Suppress};
use crate::attack::{AttackSpec, Control, Power, Property, Setup};

const CASES: &[&str] = &["M1", "M2", "M3", "M4", "DATA_UP", "END"];

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "drop-one",
    help: "Suppresses the n-th M1, M2, M3, M4, DATA_UP or END (`nth`), once or several in a row \
           (`row`). The server updates its vault when it sends M4, the device when M4 arrives: a lost \
           M4 leaves them with different vaults.",
    powers: &[Power::Drop],
    params: NTH_AND_ROW,
    cases: CASES,
    properties: &[Property::Desync, Property::LockOut],
    claims: &["SV-C6", "SV-C7", "SV-C9"],
    control: Control::without("verify-before-commit"),
    stage: super::DATA_STAGE,
    ..super::BASE
};

pub(super) fn new(setup: &Setup<'_>) -> Suppress {
    Suppress::new(setup, CASES)
}
