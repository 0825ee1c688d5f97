//! What came of an experiment, as the oracle of desynchronisation saw it.

use super::damage::SEED;
use super::{Damage, Experiment};
use crate::oracle::EpisodeKind;
use crate::verdict::effort;
use crate::verify::untraced;

/// How the two ends stand afterwards, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The damage never happened: this protocol has no such moment.
    NotExercised,
    /// They were never out of step at rest.
    InStep,
    /// They were, and found together by themselves.
    Transient,
    /// They are out of step, and sessions succeed all the same.
    Silent,
    /// They are out of step for good.
    Permanent,
}

impl Kind {
    /// Its word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotExercised => "not-exercised",
            Self::InStep => "in-step",
            Self::Transient => "transient",
            Self::Silent => "silent",
            Self::Permanent => "permanent",
        }
    }
}

/// One trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub kind: Kind,
    /// The longest recovery, ns.
    pub recovery_ns: Option<u64>,
    /// Messages of the pair until then.
    pub recovery_messages: Option<u32>,
    /// Attempts that did not succeed.
    pub failed: u64,
}

/// Runs a trial.
///
/// # Errors
///
/// Why there is no outcome.
pub fn run(experiment: &Experiment, trial: u64) -> Result<Outcome, String> {
    let (scenario, _) = experiment
        .scenario(trial)
        .map_err(|error| error.render(false))?;
    let finished = untraced(&scenario).map_err(|error| error.to_string())?;
    let acted: u64 = (0..scenario.adversaries.len())
        .map(|adversary| effort(&finished, adversary).1)
        .sum();
    let strikes: u64 = finished.world.faults.iter().fold(0, |sum, faults| {
        sum + faults.counts().iter().map(|it| it.strikes).sum::<u64>()
    });
    let mut outcome = Outcome {
        kind: Kind::InStep,
        recovery_ns: None,
        recovery_messages: None,
        failed: finished.tally.attempts()
            - finished.tally.of(crate::host::attempt::Outcome::Accepted)
            - finished.tally.of(crate::host::attempt::Outcome::Completed),
    };
    if acted + strikes == 0 {
        outcome.kind = Kind::NotExercised;
    }
    for relation in &finished.world.relations {
        for episode in relation.oracle.closed() {
            let kind = match episode.kind {
                EpisodeKind::Silent => Kind::Silent,
                EpisodeKind::Permanent | EpisodeKind::Reprovisioned => Kind::Permanent,
                EpisodeKind::Transient => Kind::Transient,
                EpisodeKind::Open | EpisodeKind::Unresolved => continue,
            };
            outcome.kind = outcome.kind.max(kind);
            if let Some(end_ns) = episode.end_ns {
                let took = end_ns.saturating_sub(episode.start_ns);
                outcome.recovery_ns = outcome.recovery_ns.max(Some(took));
                outcome.recovery_messages = outcome.recovery_messages.max(Some(episode.messages));
            }
        }
    }
    Ok(outcome)
}

/// One experiment with its trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The experiment.
    pub experiment: Experiment,
    /// The worst outcome.
    pub kind: Kind,
    /// Trials that have one.
    pub trials: u64,
    /// Trials with that worst outcome.
    pub hits: u64,
    /// The longest recovery of all trials, ns.
    pub recovery_ns: Option<u64>,
    /// Most messages until recovery.
    pub recovery_messages: Option<u32>,
    /// Attempts that did not succeed, mean over the trials.
    pub failed: f64,
    /// The seed of the first trial with the worst outcome.
    pub seed: u64,
    /// Why trials have no outcome; empty when all have.
    pub failure: String,
}

/// Runs an experiment so many times; where its moment never comes, once more at the first message.
#[must_use]
pub fn examine(experiment: &Experiment, trials: u64) -> Row {
    let outcomes: Vec<_> = (0..trials).map(|trial| run(experiment, trial)).collect();
    let never = outcomes
        .iter()
        .flatten()
        .all(|it| it.kind == Kind::NotExercised);
    let counted = matches!(experiment.damage, Damage::Message { .. }) && experiment.first > 1;
    if never && counted {
        return examine(&experiment.at_once(), trials);
    }
    row(experiment.clone(), &outcomes)
}

/// The row of an experiment.
fn row(experiment: Experiment, trials: &[Result<Outcome, String>]) -> Row {
    let outcomes = || trials.iter().flatten();
    let kind = outcomes()
        .map(|outcome| outcome.kind)
        .max()
        .unwrap_or(Kind::NotExercised);
    let first = trials
        .iter()
        .position(|trial| trial.as_ref().is_ok_and(|outcome| outcome.kind == kind));
    let count = outcomes().count() as u64;
    let failed: u64 = outcomes().map(|outcome| outcome.failed).sum();
    #[allow(clippy::cast_precision_loss, reason = "a mean for a table")]
    let failed = failed as f64 / count.max(1) as f64;
    Row {
        kind,
        trials: count,
        hits: outcomes().filter(|outcome| outcome.kind == kind).count() as u64,
        recovery_ns: outcomes().filter_map(|outcome| outcome.recovery_ns).max(),
        recovery_messages: outcomes()
            .filter_map(|outcome| outcome.recovery_messages)
            .max(),
        failed,
        seed: SEED + first.unwrap_or(0) as u64,
        failure: trials
            .iter()
            .find_map(|trial| trial.as_ref().err().cloned())
            .unwrap_or_default(),
        experiment,
    }
}
