//! What a reader must know of the relays of a run.

use crate::host::tables::Tables;
use crate::run::Finished;
use crate::scenario::Scenario;

/// Relays that had nothing to do, and packets that they did not pass on.
pub(super) fn notes<T: Tables>(
    scenario: &Scenario,
    finished: &Finished<T>,
    notes: &mut Vec<String>,
) {
    let Some(relays) = &finished.world.relays else {
        return;
    };
    let groups = scenario.groups.iter().filter(|group| group.is_relay());
    for (group, passed_on) in groups.zip(&relays.passed_on) {
        if *passed_on == 0 {
            notes.push(format!(
                "warning: relays nodes.{} passed nothing on",
                group.name
            ));
        }
    }
    if relays.over_limit > 0 {
        notes.push(format!(
            "warning: {} packets had crossed as many links as a relay allows (hop_limit)",
            relays.over_limit
        ));
    }
}
