//! The step `reprovision` of a workload's list: the same operation, asked for instead of triggered.

use sim_engine::{NodeId, Outbox, SimTime, TimerId};

use super::control;
use crate::host::attempt::Attempt;
use crate::host::tables::Tables;
use crate::host::{World, token};
use crate::scenario::{Step, StepArg};

impl<T: Tables> World<T> {
    /// The attempt of `node` whose step a token of `kind` is, if it is still open.
    fn attempt_of_token(&self, node: u32, kind: u64, command: u64) -> Option<Attempt> {
        let number = (command & token::KIND == kind).then(|| token::low(command))?;
        let slot = self.workloads.slot_of(node, number)?;
        self.workloads.open.get(slot).copied()
    }

    /// Whether a command token is a step `reprovision`, which also a machine that has halted gets.
    pub(in crate::host) fn is_reprovision_step(&self, node: u32, command: u64) -> bool {
        [token::STEP, token::RENEWED].into_iter().any(|kind| {
            self.attempt_of_token(node, kind, command)
                .is_some_and(|attempt| self.is_reprovision(&attempt))
        })
    }

    fn is_reprovision(&self, attempt: &Attempt) -> bool {
        let plan = &self.workloads.plans[usize::from(attempt.workload)];
        plan.steps
            .get(usize::from(attempt.step))
            .is_some_and(|step| step.command == Step::REPROVISION)
    }

    fn reprovision_time_ns(&self, attempt: &Attempt) -> u64 {
        let plan = &self.workloads.plans[usize::from(attempt.workload)];
        match plan.steps[usize::from(attempt.step)].args.first() {
            Some(Some(StepArg::Integer(time_ns))) => *time_ns,
            _ => 0,
        }
    }

    /// The step begins: an operator sets out, or has been called in time.
    pub(in crate::host) fn begin_reprovision_step(
        &mut self,
        now: SimTime,
        attempt: &Attempt,
        out: &mut Outbox<'_, Self>,
    ) {
        let id = attempt.id;
        let node = NodeId(id.initiator);
        let time_ns = self.reprovision_time_ns(attempt);
        if time_ns == 0 {
            self.provision_anew(now, node, out);
            self.handled(now, node, id, out);
            return;
        }
        let timer = TimerId {
            kind: control::RENEWED,
            key: id.number,
        };
        out.arm_control(node, timer, SimTime(now.0.saturating_add(time_ns)));
    }

    /// The operator is there: the processor is asked for its attention.
    pub(in crate::host) fn renewal_due(&self, node: u32, number: u32, out: &mut Outbox<'_, Self>) {
        // A crash may have closed the attempt meanwhile.
        let slot = self.workloads.slot_of(node, number);
        let due_ns = |attempt: &Attempt| {
            let time_ns = self.reprovision_time_ns(attempt);
            attempt.started_ns.saturating_add(time_ns)
        };
        if let Some(attempt) = slot.and_then(|slot| self.workloads.open.get(slot))
            && self.is_reprovision(attempt)
            && out.now().0 >= due_ns(attempt)
        {
            out.command(NodeId(node), token::RENEWED | u64::from(number));
        }
    }

    /// The step ends: the storage is in place.
    pub(in crate::host) fn renewed_by_step(
        &mut self,
        now: SimTime,
        node: NodeId,
        command: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        if let Some(attempt) = self.attempt_of_token(node.0, token::RENEWED, command) {
            self.provision_anew(now, node, out);
            self.handled(now, node, attempt.id, out);
        }
    }
}
