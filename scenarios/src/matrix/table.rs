//! From trials to the table: counts, intervals, controls, and claims beside what was observed.

use std::collections::BTreeMap;

use protocols::attack::Property;
use protocols::protocol::{ClaimSpec, Protocol};
use protocols::registry::PROTOCOLS;
use reports::statistics::proportion::clopper_pearson;

use super::{Cell, FIRST_SEED, Trial};
use crate::verdict::Verdict;

/// Level of the intervals.
pub const LEVEL: f64 = 0.95;

/// A cell with its trials by number.
pub type CellTrials = (Cell, Vec<(u64, Trial)>);

/// One attack, one variant, one property; of several cases the worst.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the protocol.
    pub protocol: &'static str,
    /// The variant attacked.
    pub variant: &'static str,
    /// Id of the attack.
    pub attack: &'static str,
    /// Full ids of the claims that it tests.
    pub claims: &'static [&'static str],
    /// The verdict's word: that of the worst case, or `not-tested`.
    pub verdict: &'static str,
    /// The property.
    pub property: Property,
    /// The case shown; empty where there is one only.
    pub case: &'static str,
    /// Trials of that case.
    pub trials: u64,
    /// Trials in which the property was violated.
    pub successes: u64,
    /// Exact interval of the rate.
    pub interval: Option<(f64, f64)>,
    /// How often the attack acted, all trials of the case together.
    pub acted: u64,
    /// Whether the attack beat the broken twin: `beaten`, `not-beaten`, `not-needed`.
    pub control: &'static str,
    /// The command that shows it again.
    pub replay: String,
    /// What happened first in the trial that is replayed.
    pub witness: String,
    /// What a claim says, and the table does not.
    pub differs: bool,
    /// For each of the claims, the worst of the cases that test it: verdict and case.
    pub by_claim: Vec<(&'static str, &'static str)>,
    /// Why trials have no verdict; empty when all have.
    pub failure: String,
}

/// What the cases of a row have come to.
struct Sum {
    verdict: Verdict,
    case: &'static str,
    trials: u64,
    successes: u64,
    acted: u64,
    /// The trial that is worth another look.
    best: u64,
    witness: String,
    file: String,
}

/// Harm: the more, the worse.
const fn harm(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NotExercised => 0,
        Verdict::Resisted => 1,
        Verdict::Degraded => 2,
        Verdict::Broken => 3,
    }
}

fn sum(cell: &Cell, property: Property, trials: &[(u64, &Trial)]) -> Sum {
    let mut sum = Sum {
        verdict: Verdict::NotExercised,
        case: cell.case.unwrap_or(""),
        trials: 0,
        successes: 0,
        acted: 0,
        best: 0,
        witness: String::new(),
        file: cell.name(),
    };
    for (number, trial) in trials {
        let Some(found) = trial.of(property) else {
            continue;
        };
        sum.trials += 1;
        sum.acted += trial.acted;
        let verdict = [
            Verdict::NotExercised,
            Verdict::Resisted,
            Verdict::Degraded,
            Verdict::Broken,
        ]
        .into_iter()
        .find(|verdict| verdict.as_str() == found.verdict)
        .unwrap_or(Verdict::NotExercised);
        if verdict == Verdict::Broken {
            sum.successes += 1;
        }
        if harm(verdict) > harm(sum.verdict) {
            sum.verdict = verdict;
            sum.best = *number;
            sum.witness.clone_from(&found.witness);
        }
    }
    sum
}

/// The rows, those first where a claim differs from what was observed, then in the order of the plan.
#[must_use]
pub fn rows(results: &[CellTrials]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut groups: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let same = |one: &Cell, other: &Cell| {
        one.protocol.name() == other.protocol.name()
            && one.spec.id == other.spec.id
            && one.variant == other.variant
            && one.control == other.control
    };
    let mut start = 0;
    for end in 1..=results.len() {
        if end == results.len() || !same(&results[start].0, &results[end].0) {
            groups.insert(start, (start, end));
            start = end;
        }
    }
    for &(start, end) in groups.values() {
        let cell = results[start].0;
        if cell.control {
            continue;
        }
        let cases = &results[start..end];
        let beaten = results
            .iter()
            .filter(|(other, _)| {
                other.control
                    && other.spec.id == cell.spec.id
                    && other.protocol.name() == cell.protocol.name()
            })
            .any(|(_, trials)| trials.iter().any(|(_, trial)| trial.beats()));
        let whole_beats = cases
            .iter()
            .any(|(_, trials)| trials.iter().any(|(_, trial)| trial.beats()));
        for &property in cell.spec.properties {
            rows.push(row(&cell, property, cases, beaten, whole_beats));
        }
    }
    let order = |row: &Row| !row.differs;
    rows.sort_by_key(order);
    rows
}

fn row(cell: &Cell, property: Property, cases: &[CellTrials], beaten: bool, itself: bool) -> Row {
    // The worst case; of equal ones the first, so that the order of cases decides and nothing else.
    let worst_of = |fits: &dyn Fn(&Cell) -> bool| {
        let fitting = cases.iter().filter(|(cell, _)| fits(cell));
        let sums = fitting.map(|(cell, trials)| {
            let trials: Vec<(u64, &Trial)> = trials
                .iter()
                .map(|(number, trial)| (*number, trial))
                .collect();
            sum(cell, property, &trials)
        });
        sums.reduce(|worst, next| {
            let rank = |sum: &Sum| (harm(sum.verdict), sum.successes);
            if rank(&next) > rank(&worst) {
                next
            } else {
                worst
            }
        })
    };
    let worst = worst_of(&|_| true);
    let failure = cases
        .iter()
        .flat_map(|(_, trials)| trials)
        .map(|(_, trial)| &trial.failure)
        .find(|failure| !failure.is_empty())
        .cloned()
        .unwrap_or_default();
    let worst = worst.unwrap_or_else(|| sum(cell, property, &[]));
    let control = if worst.verdict == Verdict::Broken {
        "not-needed"
    } else if beaten {
        "beaten"
    } else if itself {
        // Another property of the variant is broken: the attack works.
        "not-needed"
    } else {
        "not-beaten"
    };
    let word = |verdict| match verdict {
        Verdict::Broken | Verdict::NotExercised => verdict.as_str(),
        _ if beaten || itself => verdict.as_str(),
        _ => NOT_TESTED,
    };
    let verdict = word(worst.verdict);
    let by_claim: Vec<(&str, &str)> = (cell.spec.claims.iter())
        .map(|claim| {
            let worst = worst_of(&|cell| cell.spec.tests(claim, cell.case));
            worst.map_or((NOT_TESTED, ""), |worst| (word(worst.verdict), worst.case))
        })
        .collect();
    let interval = clopper_pearson(worst.successes, worst.trials, LEVEL);
    let seed = FIRST_SEED + worst.best;
    Row {
        protocol: cell.protocol.name(),
        variant: cell.variant,
        attack: cell.spec.id,
        claims: cell.spec.claims,
        verdict,
        property,
        case: worst.case,
        trials: worst.trials,
        successes: worst.successes,
        interval: interval.map(|interval| (interval.low, interval.high)),
        acted: worst.acted,
        control,
        replay: format!("badlink run cells/{}.toml --seed {seed}", worst.file),
        witness: worst.witness,
        differs: differs(cell, property, &by_claim),
        by_claim,
        failure,
    }
}

/// Whether a claim is about a property: it names it, or names none.
fn about(claim: &ClaimSpec, property: Property) -> bool {
    claim.properties.is_empty() || claim.properties.contains(&property)
}

/// Whether a claim says that the protocol resists what was observed. What is broken speaks against
/// a claim about something else too, unless the property is what another claim of the attack names.
fn differs(cell: &Cell, property: Property, by_claim: &[(&str, &str)]) -> bool {
    let all = cell.protocol.claims();
    let tested = || cell.spec.claims.iter().zip(by_claim);
    tested().any(|(id, (verdict, _))| {
        let Some(claim) = all.iter().find(|claim| claim.id == *id) else {
            return false;
        };
        let named_elsewhere = || {
            let others = all
                .iter()
                .filter(|other| cell.spec.claims.contains(&other.id));
            let mut others = others.filter(|other| other.id != claim.id);
            others.any(|other| other.properties.contains(&property))
        };
        claim.stance == "resists"
            && match *verdict {
                "broken" => about(claim, property) || !named_elsewhere(),
                "degraded" => about(claim, property),
                _ => false,
            }
    })
}

/// The word for a cell whose control was not beaten.
pub const NOT_TESTED: &str = "not-tested";

/// A claim beside the worst that was observed of any attack that tests it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    /// Name of the protocol.
    pub protocol: &'static str,
    /// Full id.
    pub id: &'static str,
    /// What the authors say.
    pub text: &'static str,
    /// Where.
    pub source: &'static str,
    /// `resists` or `admits`.
    pub stance: &'static str,
    /// The worst verdict on `as-published`.
    pub verdict: &'static str,
    /// The attack and property of that verdict.
    pub by: String,
}

/// All claims of the protocols in `rows`.
#[must_use]
pub fn claims(rows: &[Row]) -> Vec<ClaimRow> {
    let rank = |verdict: &str| match verdict {
        "broken" => 4,
        "degraded" => 3,
        "resisted" => 2,
        "not-exercised" => 1,
        _ => 0,
    };
    let run =
        |protocol: &&&'static dyn Protocol| rows.iter().any(|row| row.protocol == protocol.name());
    let mut all = Vec::new();
    for protocol in PROTOCOLS.iter().filter(run) {
        for claim in protocol.claims() {
            let tested = rows.iter().filter_map(|row| {
                let here = row.protocol == protocol.name() && row.variant == "as-published";
                let place = row.claims.iter().position(|id| *id == claim.id)?;
                let (verdict, case) = *row.by_claim.get(place)?;
                // An attack that aims at nothing the claim names tests it by what it breaks.
                let mut attacks = protocol.attacks().iter();
                let spec = attacks.find(|spec| spec.id == row.attack)?;
                let aims = spec.properties.iter().any(|it| about(claim, *it));
                let counts = about(claim, row.property) || (!aims && verdict == "broken");
                (here && counts).then_some((row, verdict, case))
            });
            let tested: Vec<_> = tested.collect();
            // Of equal ones the first, what the claim names before anything else.
            let worst = tested
                .iter()
                .rev()
                .max_by_key(|(row, verdict, _)| (rank(verdict), about(claim, row.property)));
            all.push(ClaimRow {
                protocol: protocol.name(),
                id: claim.id,
                text: claim.text,
                source: claim.source,
                stance: claim.stance,
                verdict: worst.map_or(NOT_TESTED, |(_, verdict, _)| verdict),
                by: worst.map_or_else(String::new, |(row, _, case)| {
                    let property = row.property.as_str();
                    if case.is_empty() {
                        format!("{} ({property})", row.attack)
                    } else {
                        format!("{}, case {case} ({property})", row.attack)
                    }
                }),
            });
        }
    }
    all
}
