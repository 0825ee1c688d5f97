//! `attacks.csv`: what adversaries did, and what the oracles say.

use reports::rows::{self, Attacks};
use reports::store::{Staging, StoreError};

use crate::names::Names;
use crate::record::FileTables;
use crate::run::Finished;
use crate::scenario::{AdversarySpec, Scenario};
use crate::verdict::{Verdict, judge};

/// Writes the table; returns the rows.
///
/// # Errors
///
/// The first failure to write.
pub(super) fn write(
    staging: &Staging,
    scenario: &Scenario,
    finished: &Finished<FileTables>,
) -> Result<u64, StoreError> {
    let mut table = staging.table::<Attacks>()?;
    let names = Names::new(scenario, &[]);
    let judgements = judge(scenario, finished);
    for (index, adversary) in finished.world.taps.all().iter().enumerate() {
        let spec = &adversary.spec;
        let (on, powers) = (place(scenario, spec, &names), powers(spec));
        let mut head = rows::Attack {
            adversary: &spec.name,
            on: &on,
            powers: &powers,
            rule: "",
            attack: "",
            matches: 0,
            actions: 0,
            verdict: "",
            property: "",
            note: "",
            case: "",
            claims: "",
            violations: 0,
            witness_ns: None,
            session: "",
            witness: "",
        };
        let own = finished.world.attacks.rule_counts(index);
        let counts = own.as_ref().unwrap_or(&adversary.counts);
        for (rule, counts) in spec.rules.iter().zip(counts) {
            table.write(&rows::Attack {
                rule: &rule.id,
                matches: counts.matches,
                actions: counts.actions,
                verdict: if counts.actions == 0 {
                    Verdict::NotExercised.as_str()
                } else {
                    ""
                },
                ..head
            })?;
        }
        let claims = spec
            .attack
            .as_ref()
            .map_or_else(String::new, |attack| attack.spec.claims.join(" "));
        if let Some(attack) = &spec.attack {
            head.attack = attack.spec.id;
            head.case = attack.case.unwrap_or("");
            head.claims = &claims;
        }
        for judged in judgements.iter().filter(|judged| judged.adversary == index) {
            let mut session = String::new();
            let witness = judged.witness.as_ref();
            if let Some(id) = witness.and_then(|witness| witness.session) {
                names.session(id.initiator, id.number, &mut session);
            }
            table.write(&rows::Attack {
                matches: judged.seen,
                actions: judged.acted,
                verdict: judged.verdict.as_str(),
                property: judged.property.as_str(),
                note: &judged.note,
                violations: judged.violations,
                witness_ns: witness.map(|witness| witness.at_ns),
                session: &session,
                witness: witness.map_or("", |witness| &witness.text),
                ..head
            })?;
        }
    }
    table.finish()
}

/// Where an adversary stands, in words.
fn place(scenario: &Scenario, spec: &AdversarySpec, names: &Names) -> String {
    let mut places = Vec::new();
    if let Some(link) = spec.link {
        let beside = if spec.off_path { "beside " } else { "" };
        places.push(format!("{beside}{}", scenario.links[link].name));
    }
    if let Some(seat) = spec.seat {
        let mut node = String::from("as ");
        names.node(seat, &mut node);
        places.push(node);
    }
    places.join(" ")
}

fn powers(spec: &AdversarySpec) -> String {
    let powers = &spec.powers;
    let all = [
        ("observe", powers.observe),
        ("drop", powers.drop),
        ("delay", powers.delay),
        ("duplicate", powers.duplicate),
        ("reorder", powers.reorder),
        ("modify", powers.modify),
        ("inject", powers.inject),
        ("spoof", powers.spoof),
        ("redirect", powers.redirect),
        ("break-channel", spec.breaks_channel),
    ];
    let granted: Vec<&str> = all
        .into_iter()
        .filter(|(_, has)| *has)
        .map(|(name, _)| name)
        .collect();
    granted.join(" ")
}
