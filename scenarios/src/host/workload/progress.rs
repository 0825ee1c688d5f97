//! From what the machines say to the end of an attempt, and what follows it.

use protocols::output::{Reason, Tag};
use protocols::protocol::Completion;
use sim_engine::{NodeId, Outbox, SimTime, TimerId};

use super::{control, index};
use crate::host::attempt::{Acceptance, Attempt, AttemptId, Close, NOBODY, Outcome};
use crate::host::tables::{SessionEnd, Tables};
use crate::host::{NO_PAIR, World};
use crate::oracle::agreement::Mismatch;

impl<T: Tables> World<T> {
    /// The call that handled the command of `attempt` is through.
    pub(in crate::host) fn handled(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        if attempt.initiator == node.0 {
            self.change(now, attempt, out, |open| open.handled = true);
        }
        self.settle_sessions(now, node.0, out);
    }

    /// Changes an open attempt and closes it when that completes it.
    pub(super) fn change(
        &mut self,
        now: SimTime,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
        change: impl FnOnce(&mut Attempt),
    ) {
        let Some(slot) = self.workloads.slot(attempt) else {
            self.tally.late += 1;
            self.missed(attempt);
            return;
        };
        let Some(open) = self.workloads.open.get_mut(slot) else {
            return;
        };
        change(open);
        if open.is_complete() {
            self.close(now, slot, Close::Complete, out);
        }
    }

    pub(in crate::host) fn accepted(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        acceptance: Acceptance,
        out: &mut Outbox<'_, Self>,
    ) {
        if attempt.initiator == node.0
            && let Some(slot) = self.workloads.slot(attempt)
            && let Some(open) = self.workloads.open.get(slot)
        {
            self.workloads.nodes[node.0 as usize].session_with = open.responder;
        }
        self.change(now, attempt, out, |open| {
            open.accept(node.0, acceptance);
        });
    }

    pub(in crate::host) fn refused(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        reason: Reason,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(slot) = self.workloads.slot(attempt) else {
            return;
        };
        let Some(open) = self.workloads.open.get_mut(slot) else {
            return;
        };
        let own = open.id.initiator == node.0;
        open.refused.get_or_insert((reason, own));
        if own {
            self.close(now, slot, Close::Refused, out);
        }
    }

    pub(in crate::host) fn ended(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        if attempt.initiator == node.0 || !attempt.is_some() {
            self.workloads.nodes[node.0 as usize].session_with = NOBODY;
        }
        if attempt.is_some() {
            self.change(now, attempt, out, |open| {
                if open.id.initiator == node.0 {
                    open.ended.0 = true;
                } else if open.responder == node.0 {
                    open.ended.1 = true;
                }
            });
        }
    }

    pub(in crate::host) fn data_sent(&mut self, node: NodeId, attempt: AttemptId, session: Tag) {
        if self
            .workloads
            .overlapping
            .contains_key(&(attempt.initiator, attempt.number))
        {
            self.workloads.by_session.insert((node.0, session), attempt);
        }
    }

    pub(in crate::host) fn data_accepted(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        if !attempt.is_some() {
            return;
        }
        self.change(now, attempt, out, |open| {
            open.data_accepted |= match open.done {
                Completion::DataAtInitiator => open.id.initiator == node.0,
                Completion::DataAtResponder => open.responder == node.0,
                _ => false,
            };
        });
    }

    /// A durable write of `node` has ended.
    pub(in crate::host) fn stored(
        &mut self,
        now: SimTime,
        node: NodeId,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) {
        if attempt.initiator == node.0 {
            self.change(now, attempt, out, |open| {
                open.data_accepted |= open.done == Completion::StoredAtInitiator;
            });
        }
    }

    /// The attempt that a statement belongs to: that of its tag, else that of its session.
    pub(in crate::host) fn attempt_of(
        &self,
        node: u32,
        tag: AttemptId,
        session: Option<Tag>,
    ) -> AttemptId {
        session.map_or(tag, |session| self.workloads.by_session(node, tag, session))
    }

    /// Closes an attempt: its row, its totals, and what comes next.
    pub(super) fn close(
        &mut self,
        now: SimTime,
        slot: u32,
        close: Close,
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(attempt) = self.workloads.open.remove(slot) else {
            return;
        };
        let node = attempt.id.initiator;
        if self
            .workloads
            .overlapping
            .remove(&(node, attempt.id.number))
            .is_some()
        {
            self.workloads
                .by_session
                .retain(|_, open| *open != attempt.id);
        } else {
            self.workloads.nodes[node as usize].open = 0;
        }
        let workload = usize::from(attempt.workload);
        let deadline = TimerId {
            kind: control::DEADLINE,
            key: attempt.id.number,
        };
        out.cancel_control(NodeId(node), deadline);
        let (outcome, reason) = attempt.outcome(close);
        let success = outcome.is_success();
        if outcome != Outcome::Aborted {
            let failed = if success { 0 } else { index(workload) + 1 };
            self.workloads.nodes[node as usize].failed = failed;
        }
        if success {
            self.workloads.nodes[node as usize].accepted += 1;
            // Data and the end of a session are no sessions of their own.
            if matches!(
                attempt.done,
                Completion::AcceptedBoth | Completion::AcceptedInitiator | Completion::SessionsBoth
            ) {
                self.session_succeeded(node, attempt.started_ns);
                self.session_succeeded(attempt.responder, attempt.started_ns);
            }
            if let Some((relation, pair)) =
                self.relation_of(self.pair_between_opt(node, attempt.responder))
            {
                self.relations[relation].oracle.success(pair);
            }
        }
        if outcome == Outcome::Mismatch && self.workloads.fork.is_none() {
            self.agreement.mismatched(Mismatch {
                at_ns: now.0,
                attempt: attempt.id,
                responder: attempt.responder,
                place: out.recorder().place(),
            });
        }
        // What the end of the run cuts off has not failed.
        if self.watch.on && self.workloads.fork.is_none() && close != Close::EndOfRun {
            let place = out.recorder().place();
            let oracle = &mut self.watch.availability;
            oracle.closed(&attempt, (now.0, place), outcome);
        }
        let plan = &self.workloads.plans[workload];
        if self.workloads.fork.is_some() {
            if !attempt.continued {
                self.fork_closed(now, success, out);
            }
            return;
        }
        if attempt.started_ns >= self.workloads.warmup_ns {
            self.tally.attempt(now.0, outcome, attempt.latency_ns());
            self.tally.attempt_messages += u64::from(attempt.messages);
            self.tally.attempt_bytes += attempt.bytes;
        }
        let phase = plan.steps[usize::from(attempt.step)].name;
        let end = SessionEnd {
            attempt: &attempt,
            phase,
            ended_ns: now.0,
            outcome,
            reason,
        };
        out.recorder().session(&end);
        self.flush_desync(out);
        if close == Close::EndOfRun || attempt.continued {
            return;
        }
        // On the initiator's own behalf, also where what the responder did has closed the attempt: so
        // no responder's numbering of events depends on what others do next.
        let out = &mut out.acting_for(NodeId(node));
        if close == Close::Complete
            && attempt.done == Completion::SessionsBoth
            && !self.is_idle(node)
        {
            self.workloads.between.insert(node, attempt);
        } else if success || self.goes_on(&attempt, outcome, close) {
            self.list_over(now, &attempt, out);
        } else if !self.arm_retry(now, &attempt, out) {
            self.request_failed(now, node, workload, out);
        }
    }

    /// True for a step that both ends accepted with different keys, where the list has further ones:
    /// only an oracle sees that the keys differ, and the initiator goes on as it would in life.
    fn goes_on(&self, attempt: &Attempt, outcome: Outcome, close: Close) -> bool {
        let steps = &self.workloads.plans[usize::from(attempt.workload)].steps;
        outcome == Outcome::Mismatch
            && close == Close::Complete
            && usize::from(attempt.step) + 1 < steps.len()
    }

    /// A step has succeeded: the next one of the list, or the end of the request.
    pub(super) fn list_over(
        &mut self,
        now: SimTime,
        attempt: &Attempt,
        out: &mut Outbox<'_, Self>,
    ) {
        let (node, workload) = (attempt.id.initiator, usize::from(attempt.workload));
        let next = usize::from(attempt.step) + 1;
        if next < self.workloads.plans[workload].steps.len() {
            self.open_step(now, node, workload, next, out);
        } else {
            let member = self.place(node).1 as usize;
            self.workloads.plans[workload].initiators[member].failures = 0;
            self.request_over(now, node, workload, out);
        }
    }

    pub(super) fn pair_between_opt(&self, one: u32, other: u32) -> u32 {
        if other == NOBODY {
            NO_PAIR
        } else {
            self.pair_between(one, other)
        }
    }

    /// Arms a retry of the list; false when there is none left.
    pub(super) fn arm_retry(
        &mut self,
        now: SimTime,
        attempt: &Attempt,
        out: &mut Outbox<'_, Self>,
    ) -> bool {
        let workload = usize::from(attempt.workload);
        let Some(retry) = self.workloads.plans[workload].retry else {
            return false;
        };
        let earlier = attempt.tried - 1;
        if retry.max.is_some_and(|max| earlier >= max) {
            return false;
        }
        let factor = libm::pow(retry.backoff, f64::from(earlier));
        let wait = protocols::Span(retry.after_ns).scale(factor).nanos();
        let at = now.0.saturating_add(wait);
        if at >= self.workloads.duration_ns {
            return false;
        }
        let id = TimerId {
            kind: control::RETRY,
            key: index(workload),
        };
        out.arm_control(NodeId(attempt.id.initiator), id, SimTime(at));
        true
    }

    /// No session of `node` is left to finish.
    pub(in crate::host) fn forget_session(&mut self, node: u32) {
        self.workloads.nodes[node as usize].session_with = NOBODY;
    }

    /// The list is over, with success or for good: what came due meanwhile begins now.
    pub(in crate::host) fn request_over(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        let (group, member) = self.place(node);
        self.workloads.plans[workload].initiators[member as usize].active = false;
        for other in 0..self.workloads.plans.len() {
            let plan = &self.workloads.plans[other];
            if plan.from == group && plan.initiators[member as usize].due {
                self.open_request(now, node, other, out);
            }
        }
    }

    /// Closes what is still open when the run ends.
    pub fn close_all(&mut self, now: SimTime, out: &mut Outbox<'_, Self>) {
        for slot in self.workloads.open.in_order() {
            if let Some(open) = self.workloads.open.get(slot) {
                let (node, responder) = (open.id.initiator, open.responder);
                self.workloads.cut_off.insert(node, responder);
            }
            self.close(now, slot, Close::EndOfRun, out);
        }
        let between = core::mem::take(&mut self.workloads.between);
        let between = between
            .into_iter()
            .map(|(node, open)| (node, open.responder));
        self.workloads.cut_off.extend(between);
    }

    /// Gives up what the end of the run cut off at `node`, as its deadline would have: a command that
    /// goes on would refuse the next one.
    pub(crate) fn give_up_cut_off(&mut self, node: u32, out: &mut Outbox<'_, Self>) {
        if let Some(responder) = self.workloads.cut_off.remove(&node) {
            self.abort(node, responder, out);
        }
    }
}
