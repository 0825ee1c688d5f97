//! Figures of a stored study, by name: which there are, and what each needs.

use super::measure::Spread;
use super::{
    Figure, FigureError, LEVEL, LatencyCdf, OutcomeTimeline, Reference, Sequence, Survival,
    SurvivalSeries, latency_cdf, outcomes, sequence, survival, timeline,
};
use crate::read::RunResult;
use crate::read::story::stories;
use crate::read::study::Study;

/// What is to be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Name of the figure.
    pub figure: String,
    /// The axis along which a metric is drawn.
    pub x: Option<String>,
    /// The metric.
    pub y: Option<String>,
    /// The axis whose values become series.
    pub by: Option<String>,
    /// The session of a sequence chart.
    pub session: Option<String>,
    /// Points kept: (axis, value).
    pub only: Vec<(String, String)>,
    /// The curve that theory gives for survival.
    pub reference: Option<Reference>,
    /// How the axes are spread.
    pub spread: (Spread, Spread),
}

impl Wanted {
    /// The figure called `name`, with nothing further asked for.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            figure: name.to_owned(),
            ..Self::default()
        }
    }
}

/// Names of figures of a run.
pub const OF_RUN: &[&str] = &[
    latency_cdf::NAME,
    survival::NAME,
    outcomes::NAME,
    timeline::NAME,
    sequence::NAME,
    "costs",
    "energy",
    "utilisation",
];

/// Names of figures of a sweep.
pub const OF_SWEEP: &[&str] = &["desync-vs", "metric-vs", "survival", "paired"];

/// Every name, with the kind of study that it needs.
pub const ALL: &[(&str, &str)] = &[
    (latency_cdf::NAME, "a run"),
    (survival::NAME, "a run or a sweep"),
    (outcomes::NAME, "a run"),
    (timeline::NAME, "a run"),
    (sequence::NAME, "a run"),
    ("costs", "a run"),
    ("energy", "a run"),
    ("utilisation", "a run"),
    ("desync-vs", "a sweep"),
    ("metric-vs", "a sweep"),
    ("paired", "a sweep"),
    ("attack-matrix", "a matrix"),
    ("desync-lab", "a laboratory"),
    ("validation", "a validation"),
];

/// The figure of a stored study.
///
/// # Errors
/// `Unknown` for a name that no figure has; `Unavailable` when the study is of another kind or lacks
/// what the figure needs; `NoAxis`, `NoMetric`, `Empty` for a selection that fits nothing; `Store`
/// for files that cannot be read.
pub fn of_study(study: &Study, wanted: &Wanted) -> Result<Box<dyn Figure>, FigureError> {
    let Some((_, needs)) = ALL.iter().find(|(name, _)| *name == wanted.figure) else {
        return Err(FigureError::Unknown {
            name: wanted.figure.clone(),
        });
    };
    let unavailable = |reason: String| FigureError::Unavailable {
        figure: wanted.figure.clone(),
        reason,
    };
    match study {
        Study::Run(run) if OF_RUN.contains(&wanted.figure.as_str()) => of_run(run, wanted),
        Study::Sweep(sweep) if OF_SWEEP.contains(&wanted.figure.as_str()) => {
            super::sweep::of_sweep(sweep, wanted)
        }
        Study::Cells(cells) if super::cells::NAMES.contains(&wanted.figure.as_str()) => {
            super::cells::of_cells(cells, wanted)
        }
        Study::Folder(_, studies) => {
            let names: Vec<&str> = studies.iter().map(|(name, _)| name.as_str()).collect();
            Err(unavailable(format!(
                "this folder holds several results; name one of {}",
                names.join(", ")
            )))
        }
        other => Err(unavailable(format!(
            "it needs {needs}, and this is {}",
            other.kind()
        ))),
    }
}

fn of_run(run: &RunResult, wanted: &Wanted) -> Result<Box<dyn Figure>, FigureError> {
    let unavailable = |reason: &str| FigureError::Unavailable {
        figure: wanted.figure.clone(),
        reason: reason.to_owned(),
    };
    Ok(match wanted.figure.as_str() {
        latency_cdf::NAME => {
            let (figure, sessions) = LatencyCdf::of_run(run, LEVEL)?;
            if sessions == 0 && untraced(run) {
                return Err(unavailable(UNTRACED));
            }
            Box::new(figure)
        }
        survival::NAME => {
            if run.manifest().sample.is_some() {
                return Err(unavailable(SAMPLED));
            }
            let series = SurvivalSeries {
                label: "simulated".into(),
                lifetimes: run.lifetimes_in_step()?,
            };
            if series.lifetimes.is_empty() && untraced(run) {
                return Err(unavailable(UNTRACED));
            }
            let figure = Survival::new(vec![series], run.manifest().virtual_ns, LEVEL);
            Box::new(match &wanted.reference {
                Some(reference) => figure.with_reference(reference.clone()),
                None => figure,
            })
        }
        outcomes::NAME => {
            let (figure, sessions) = OutcomeTimeline::of_run(run)?;
            if sessions == 0 && untraced(run) {
                return Err(unavailable(UNTRACED));
            }
            Box::new(figure)
        }
        timeline::NAME => Box::new(super::run::timeline(run)?),
        sequence::NAME => sequence_of(run, wanted)?,
        "costs" => Box::new(super::run::costs(run)?),
        "energy" => Box::new(super::run::energy(run)?),
        _ => Box::new(super::run::utilisation(run)?),
    })
}

/// True when the run made attempts and its table of sessions was not asked for.
fn untraced(run: &RunResult) -> bool {
    run.manifest()
        .counts
        .get("attempts")
        .is_some_and(|attempts| *attempts > 0)
}

/// Why a figure of devices cannot be made of some of their sessions.
const SAMPLED: &str = "the tables hold a sample of the sessions, so who is missing cannot be told from who \
                       never tried; run again without `sample`, or with the figure in `[output] figures`";

const UNTRACED: &str = "sessions.csv has no rows: run again with `sessions` in `[output] traces`";

fn sequence_of(run: &RunResult, wanted: &Wanted) -> Result<Box<dyn Figure>, FigureError> {
    let directory = run.directory();
    let found = match &wanted.session {
        Some(session) => stories(directory, &|name| name == session, 1)?.pop(),
        None => super::run::most_telling(run)?,
    };
    let Some(story) = found else {
        let kept: Vec<String> = stories(directory, &|_| true, 8)?
            .into_iter()
            .map(|story| story.session)
            .collect();
        let reason = match (&wanted.session, kept.is_empty()) {
            (_, true) => String::from(
                "steps.csv has no rows: no session failed or was attacked, or `[output] steps` is \
                 \"none\"; ask for sessions with `steps = [\"device[0]/1\"]`",
            ),
            (Some(session), false) => format!(
                "no steps of session {session} are kept; there are {} and maybe more; ask for it \
                 with `[output] steps = [\"{session}\"]`",
                kept.join(", ")
            ),
            (None, false) => String::from("no session is kept"),
        };
        return Err(FigureError::Unavailable {
            figure: wanted.figure.clone(),
            reason,
        });
    };
    let sessions = run.session_outcomes(&|name| name == story.session)?;
    let outcome = sessions.first().map_or("", |(_, outcome)| outcome.word());
    Ok(Box::new(Sequence::new(story, outcome)))
}
