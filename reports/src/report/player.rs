//! What the session player plays: the kept stories as JSON, those that tell most first.

use std::collections::{BTreeMap, BTreeSet};

use crate::figure::FigureError;
use crate::read::story::{Story, stories};
use crate::read::study::Study;
use crate::rows::{DesyncKind, Outcome, StepKind};

/// Bytes of stories in a page; what does not fit is in `steps.csv` only.
const BYTES_MAX: usize = 1_500_000;
/// Sessions in a page.
const SESSIONS_MAX: usize = 80;

/// The stories of a run as JSON; empty when there is none.
///
/// # Errors
/// A table that cannot be read.
pub(super) fn stories_json(study: &Study) -> Result<String, FigureError> {
    let Study::Run(run) = study else {
        return Ok(String::new());
    };
    let mut all = stories(run.directory(), &|_| true, 2_000)?;
    if all.is_empty() {
        return Ok(String::new());
    }
    // Only of those that have a story: there may be millions without.
    let told: BTreeSet<&str> = all.iter().map(|story| story.session.as_str()).collect();
    let outcomes: BTreeMap<String, Outcome> = run
        .session_outcomes(&|name| told.contains(name))?
        .into_iter()
        .collect();
    let mut broke: BTreeMap<String, (u64, DesyncKind)> = BTreeMap::new();
    for desync in run.desyncs()? {
        broke
            .entry(desync.cause_session)
            .or_insert((desync.start_ns, desync.kind));
    }
    let weight = |story: &Story| {
        let attacked = story
            .steps
            .iter()
            .any(|step| step.kind == StepKind::Adversary);
        let failed = !matches!(
            outcomes.get(&story.session),
            Some(Outcome::Accepted | Outcome::Completed) | None
        );
        4 * u32::from(attacked && failed) + 2 * u32::from(attacked) + u32::from(failed)
    };
    // Stable, so that equals stay in the order in which they closed.
    all.sort_by_key(|story| core::cmp::Reverse(weight(story)));
    let total = all.len();
    let mut sessions = Vec::new();
    let mut bytes = 0;
    for story in all {
        let mut steps = Vec::new();
        for step in &story.steps {
            let fields: Vec<serde_json::Value> = step
                .members()
                .into_iter()
                .map(|(name, value)| serde_json::json!([name, value]))
                .collect();
            steps.push(serde_json::json!({
                "t": step.t_ns.to_string(),
                "n": step.node,
                "k": step.kind.word(),
                "m": step.message,
                "d": fields,
                "s": crate::explain::sentence(step),
            }));
        }
        let session = serde_json::json!({
            "id": story.session,
            "outcome": outcomes.get(&story.session).map_or("", |outcome| outcome.word()),
            "attacked": story.steps.iter().any(|step| step.kind == StepKind::Adversary),
            "broke": broke.get(&story.session).map(|(at, kind)| serde_json::json!([at.to_string(), kind.word()])),
            "steps": steps,
        });
        let text = session.to_string();
        if sessions.len() == SESSIONS_MAX || bytes + text.len() > BYTES_MAX {
            break;
        }
        bytes += text.len();
        sessions.push(text);
    }
    Ok(format!(
        "{{\"total\":{total},\"sessions\":[{}]}}",
        sessions.join(",")
    ))
}
