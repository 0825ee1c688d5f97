//! The rows of faults.

use reports::rows;

use super::FileTables;
use crate::host::attempt::NOBODY;
use crate::host::tables::{FaultEvent, FaultMoment};
use crate::scenario::Scenario;

/// Name and kind of each fault of a scenario, then of what ends nodes without one: by group the
/// battery and the storage.
pub(super) fn names(scenario: &Scenario) -> Vec<(String, &'static str)> {
    let faults = scenario.faults.iter();
    let declared = faults.map(|fault| (fault.name.clone(), fault.effect.kind()));
    let ends = scenario.groups.iter().flat_map(|group| {
        let name = |what| format!("nodes.{}.{what}", group.name);
        let worn = group.supply.wear.map_or("", |wear| wear.worn.as_str());
        [(name("battery"), "battery-death"), (name("storage"), worn)]
    });
    declared.chain(ends).collect()
}

impl FileTables {
    /// Writes one row, unless the run is over.
    pub(super) fn write_fault(&mut self, event: &FaultEvent) {
        let Some(table) = self.faults.as_mut().filter(|_| !self.over) else {
            return;
        };
        let Some((fault, effect)) = self.fault_names.get(event.fault) else {
            return;
        };
        self.text.clear();
        let super::Texts {
            one, link, session, ..
        } = &mut self.text;
        if event.node != NOBODY {
            self.names.node(event.node, one);
        }
        if let Some(number) = event.link {
            self.names.link(number, link);
        }
        if event.attempt.is_some() {
            let attempt = event.attempt;
            self.names
                .session(attempt.initiator, attempt.number, session);
        }
        let row = rows::Fault {
            t_ns: event.at_ns,
            fault,
            effect,
            moment: match event.moment {
                FaultMoment::Strike => rows::FaultMoment::Strike,
                FaultMoment::Void => rows::FaultMoment::Void,
                FaultMoment::End => rows::FaultMoment::End,
            },
            node: one,
            link,
            session,
            span_ns: event.value,
        };
        let result = table.write(&row);
        self.keep(result);
    }
}
