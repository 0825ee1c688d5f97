//! Protocols against attacks: every applicable attack on every variant, and on the broken twin that it
//! must beat.
//!
//! A cell is a plain scenario file made from what the attack declares ([`cell`]); a trial is a run of
//! it under one seed ([`trial`]), judged by the oracles like any other run. The table ([`table`])
//! counts; nothing in it states an expectation.

pub mod cell;
pub mod journal;
pub mod table;
pub mod trial;

use protocols::protocol::Protocol;
use protocols::registry::PROTOCOLS;

pub use cell::Cell;
pub use table::{CellTrials, ClaimRow, Row, claims, rows};
pub use trial::{Found, Trial};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these protocols; empty: all.
    pub protocols: Vec<String>,
    /// Only these variants; empty: all but `broken`.
    pub variants: Vec<String>,
    /// Only these attacks; empty: all.
    pub attacks: Vec<String>,
}

/// Trials of a cell, at least: fewer say nothing about attacks that depend on luck.
pub const TRIALS_DEFAULT: u64 = 5;

/// Seed of the first trial; the others follow it.
pub const FIRST_SEED: u64 = 20_260_101;

/// All cells that are asked for, in the order of the registry and of the declarations.
///
/// # Errors
///
/// A name that is none of a protocol, variant or attack, with the list of what there is.
pub fn plan(selection: &Selection) -> Result<Vec<Cell>, Unknown> {
    known("protocol", &selection.protocols, || {
        let attacked = PROTOCOLS.iter().filter(|it| !it.attacks().is_empty());
        attacked.map(|protocol| protocol.name()).collect()
    })?;
    let wanted = |protocol: &&&'static dyn Protocol| {
        let name = protocol.name();
        selection.protocols.is_empty() || selection.protocols.iter().any(|it| it == name)
    };
    let protocols: Vec<&'static dyn Protocol> = PROTOCOLS.iter().filter(wanted).copied().collect();
    known("attack", &selection.attacks, || {
        let all = protocols.iter().flat_map(|protocol| protocol.attacks());
        all.map(|spec| spec.id).collect()
    })?;
    known("variant", &selection.variants, || {
        let all = protocols.iter().flat_map(|protocol| protocol.variants());
        let mut names: Vec<&str> = all.map(|variant| variant.name).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| *name != BROKEN);
        names
    })?;
    let mut cells = Vec::new();
    for protocol in protocols {
        for spec in protocol.attacks() {
            if !selection.attacks.is_empty() && !selection.attacks.iter().any(|it| it == spec.id) {
                continue;
            }
            for variant in protocol.variants() {
                let chosen = selection.variants.is_empty()
                    || selection.variants.iter().any(|it| it == variant.name);
                let attacked = spec.variants.is_empty() || spec.variants.contains(&variant.name);
                if variant.name != BROKEN && chosen && attacked {
                    cells.extend(Cell::cases(protocol, spec, variant.name, false));
                }
            }
            cells.extend(Cell::cases(protocol, spec, spec.control.variant, true));
        }
    }
    Ok(cells)
}

/// The variant that exists as a control only.
pub(crate) const BROKEN: &str = "broken";

/// A name that nothing bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Of what kind.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// What there is.
    pub known: Vec<String>,
}

fn known(
    kind: &'static str,
    names: &[String],
    all: impl Fn() -> Vec<&'static str>,
) -> Result<(), Unknown> {
    for name in names {
        if !all().contains(&name.as_str()) {
            return Err(Unknown {
                kind,
                name: name.clone(),
                known: all().into_iter().map(str::to_owned).collect(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_cells_bear_the_same_name() {
        let cells = plan(&Selection::default()).expect("everything is there");
        let mut names = BTreeSet::new();
        for cell in &cells {
            assert!(names.insert(cell.name()), "{} twice", cell.name());
        }
        assert!(names.len() > 500, "{}", names.len());
    }
}
