//! One run of a cell, and what the oracles found.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use super::Cell;
use crate::results::hex;
use crate::verdict::{Property, Verdict, judge};
use crate::verify::untraced;

/// What one oracle found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The property, by its name.
    pub property: String,
    /// The verdict, by its word.
    pub verdict: String,
    /// Times the property was violated.
    pub violations: u64,
    /// What happened first; empty when nothing did.
    pub witness: String,
    /// What qualifies it.
    pub note: String,
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// How often the attack acted.
    pub acted: u64,
    /// What was judged, in the order of the attack's properties.
    pub found: Vec<Found>,
    /// Why there is no verdict; empty when there is one.
    pub failure: String,
}

impl Trial {
    fn failed(reason: String) -> Self {
        Self {
            acted: 0,
            found: Vec::new(),
            failure: reason,
        }
    }

    /// The verdict on a property.
    #[must_use]
    pub fn of(&self, property: Property) -> Option<&Found> {
        let mut all = self.found.iter();
        all.find(|found| found.property == property.as_str())
    }

    /// Whether any property was violated.
    #[must_use]
    pub fn beats(&self) -> bool {
        let broken = Verdict::Broken.as_str();
        self.found.iter().any(|found| found.verdict == broken)
    }
}

/// Names a trial for good: what decides its result.
#[must_use]
pub fn key(cell: &Cell, number: u64, version: &str) -> Option<String> {
    let (scenario, _) = cell.scenario(number).ok()?;
    Some(format!("{}-{}", hex(&scenario.hash()[..16]), version))
}

/// Runs a cell under the seed of its `number`-th trial, from 0.
#[must_use]
pub fn run(cell: &Cell, number: u64) -> Trial {
    let (scenario, _) = match cell.scenario(number) {
        Ok(read) => read,
        Err(error) => return Trial::failed(error.render(false)),
    };
    let result = catch_unwind(AssertUnwindSafe(|| {
        untraced(&scenario).map(|finished| judge(&scenario, &finished))
    }));
    let judgements = match result {
        Ok(Ok(judgements)) => judgements,
        Ok(Err(error)) => return Trial::failed(error.to_string()),
        Err(_) => return Trial::failed(String::from("the run panicked")),
    };
    Trial {
        acted: judgements.iter().map(|it| it.acted).max().unwrap_or(0),
        found: judgements
            .iter()
            .map(|judgement| Found {
                property: judgement.property.as_str().to_owned(),
                verdict: judgement.verdict.as_str().to_owned(),
                violations: judgement.violations,
                witness: judgement
                    .witness
                    .as_ref()
                    .map(|witness| witness.text.clone())
                    .unwrap_or_default(),
                note: judgement.note.clone(),
            })
            .collect(),
        failure: String::new(),
    }
}
