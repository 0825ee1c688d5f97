//! `drop-one`: one message of each kind does not arrive, once or several times in a row.

use crate::attack::kit::{NTH_AND_ROW, Suppress};
use crate::attack::{AttackSpec, CaseParams, Control, Power, Property, Setup};

/// Messages, the last two once more for several in a row.
const CASES: &[&str] = &["M1", "M2", "M3", "M4", "DATA_UP", "END", "M3-row", "M4-row"];
const MESSAGES: &[&str] = &["M1", "M2", "M3", "M4", "DATA_UP", "END", "M3", "M4"];

/// Without further parameters: the prototype has no application data.
const fn with_data(case: &'static str) -> CaseParams {
    CaseParams {
        case,
        params: &[],
        variants: super::WITH_DATA,
    }
}

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "drop-one",
    help: "Suppresses the n-th M1, M2, M3, M4, DATA_UP or END (`nth`), once or several in a row \
           (`row`; the cases `M3-row` and `M4-row` at least eight, more than a device repeats). The \
           server updates its vault when it sends M4, the device when M4 arrives: a lost M4 leaves \
           them with different vaults.",
    powers: &[Power::Drop],
    params: NTH_AND_ROW,
    cases: CASES,
    properties: &[Property::Desync, Property::LockOut],
    claims: &["SV-C6", "SV-C7", "SV-C9"],
    control: Control::without("verify-before-commit"),
    stage: super::DATA_STAGE.with_cases(&[with_data("DATA_UP"), with_data("END")]),
    ..super::BASE
};

pub(super) fn new(setup: &Setup<'_>) -> Suppress {
    let suppress = Suppress::named(setup, CASES, MESSAGES);
    match setup.case {
        Some("M3-row" | "M4-row") => suppress.at_least(8),
        _ => suppress,
    }
}
