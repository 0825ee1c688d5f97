//! What a loss of power does to requests: what is open ends, what comes due waits for power.

use sim_engine::{Outbox, SimTime};

use crate::host::World;
use crate::host::attempt::{Close, NOBODY};
use crate::host::tables::Tables;

impl<T: Tables> World<T> {
    /// Closes what `node` has open as an initiator. Its session is lost with its memory.
    pub(in crate::host) fn crash_attempts(
        &mut self,
        now: SimTime,
        node: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        self.workloads.nodes[node as usize].session_with = NOBODY;
        let current = self.workloads.nodes[node as usize].open.checked_sub(1);
        let overlapping = self
            .workloads
            .overlapping
            .range((node, 0)..=(node, u32::MAX));
        let slots: Vec<u32> = current
            .into_iter()
            .chain(overlapping.map(|(_, slot)| *slot))
            .collect();
        for slot in slots {
            self.close(now, slot, Close::Crash, out);
        }
    }

    /// Begins what came due while `node` had no power.
    pub(in crate::host) fn resume_requests(
        &mut self,
        now: SimTime,
        node: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        let (group, member) = self.place(node);
        for workload in 0..self.workloads.plans.len() {
            let plan = &mut self.workloads.plans[workload];
            if plan.from != group {
                continue;
            }
            let initiator = &mut plan.initiators[member as usize];
            if core::mem::take(&mut initiator.retry_due) {
                self.retry(now, node, workload, out);
            } else if initiator.due && !initiator.active {
                self.open_request(now, node, workload, out);
            }
        }
    }
}
