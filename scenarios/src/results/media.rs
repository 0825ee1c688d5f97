//! `media.csv` and the metrics of shared media.

use reports::rows::{Media, Medium};
use reports::store::{Staging, StoreError};
use sim_engine::MediumId;

use crate::host::tables::Tables;
use crate::run::AtEnd;
use crate::scenario::Scenario;

/// Writes the table where the scenario has media; returns its rows.
pub(super) fn write<T: Tables>(
    staging: &Staging,
    scenario: &Scenario,
    view: &AtEnd<'_, T>,
) -> Result<u64, StoreError> {
    if scenario.media.is_empty() {
        return Ok(0);
    }
    let mut table = staging.table::<Media>()?;
    for (number, spec) in (0u16..).zip(&scenario.media) {
        let medium = MediumId(number);
        let stats = view.engine.medium_stats(medium);
        let over_time = |sum: u128| super::mean(sum, view.measured_ns);
        table.write(&Medium {
            medium: &spec.name,
            model: spec.model.as_str(),
            stations: view.engine.stations(medium) as u64,
            frames: stats.frames,
            attempts: stats.attempts,
            transmissions: stats.transmissions,
            received: stats.received,
            collided: stats.collided,
            deaf: stats.deaf,
            assessments: stats.assessments,
            busy: stats.busy,
            given_up: stats.given_up,
            retries: stats.retries,
            acknowledgements: stats.acknowledgements,
            duty_waits: stats.duty_waits,
            duty_refusals: stats.duty_refusals,
            first_windows: stats.windows[0],
            second_windows: stats.windows[1],
            mean_backoff_ns: super::mean(stats.backoff_ns, stats.frames),
            offered_load: over_time(stats.offered_ns),
            throughput: over_time(stats.received_ns),
            utilisation: over_time(stats.occupied_ns),
        })?;
    }
    table.finish()
}
