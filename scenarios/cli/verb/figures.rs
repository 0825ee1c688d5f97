//! The figures of a run, from what it left in memory.

use reports::figure::{
    FigureError, LatencyCdf, OutcomeTimeline, Reference, Survival, SurvivalSeries, Wanted, of_study,
};
use reports::read::RunResult;
use reports::read::study::Study;
use reports::statistics::survival::Lifetime;
use scenarios::Scenario;
use scenarios::closed_form;
use scenarios::host::tables::Tables;
use scenarios::metrics::LEVEL;
use scenarios::run::Finished;
use scenarios::scenario::Figure;

/// Whether a figure is made from what the run left in memory, which is whole even where tables hold
/// a sample.
pub(crate) const fn in_memory(wanted: Figure) -> bool {
    matches!(
        wanted,
        Figure::LatencyCdf | Figure::Survival | Figure::Outcomes
    )
}

/// The figure called `wanted`, from what the run left in memory or in its files.
///
/// # Errors
///
/// A figure that a single run cannot give.
pub(crate) fn of<T: Tables>(
    wanted: Figure,
    scenario: &Scenario,
    finished: &Finished<T>,
    result: &RunResult,
) -> Result<Box<dyn reports::figure::Figure>, FigureError> {
    Ok(match wanted {
        Figure::LatencyCdf => Box::new(latency(finished)),
        Figure::Survival => Box::new(survival(scenario, finished)),
        Figure::Outcomes => {
            let tally = &finished.tally;
            Box::new(OutcomeTimeline::from_bins(
                tally.bin_ns,
                &tally.outcomes_over_time,
            ))
        }
        // The others are made from the files, as `badlink plot` makes them.
        other => {
            let study = Study::Run(result.clone());
            return of_study(&study, &Wanted::named(other.as_str()));
        }
    })
}

fn latency<T: Tables>(finished: &Finished<T>) -> LatencyCdf {
    let recorded = finished.tally.latency.iter_recorded();
    let counts = recorded.map(|value| (value.value_iterated_to(), value.count_at_value()));
    LatencyCdf::from_counts("accepted sessions", counts, LEVEL)
}

fn survival<T: Tables>(scenario: &Scenario, finished: &Finished<T>) -> Survival {
    let end_ns = finished.ended_ns;
    let mut series = Vec::new();
    for relation in &finished.world.relations {
        let mut lifetimes = vec![
            Lifetime {
                time_ns: end_ns,
                event: false
            };
            relation.ends.len()
        ];
        for episode in relation.oracle.closed() {
            if episode.kind.is_loss()
                && let Some(lifetime) = lifetimes.get_mut(episode.pair as usize)
                && !lifetime.event
            {
                *lifetime = Lifetime {
                    time_ns: episode.start_ns,
                    event: true,
                };
            }
        }
        series.push(SurvivalSeries {
            label: format!("simulated ({})", relation.name),
            lifetimes,
        });
    }
    let figure = Survival::new(series, end_ns, LEVEL);
    match closed_form::survival(scenario) {
        Some(curve) => figure.with_reference(Reference {
            label: curve.label.clone(),
            points: curve.points(scenario.run.duration_ns, end_ns),
        }),
        None => figure,
    }
}
