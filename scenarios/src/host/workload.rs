//! The life of an attempt: when requests begin, what a step waits for, what follows a failure.
//!
//! A workload opens a request at each node's start and then by `every`, counted from the start of
//! the one before. A request is a list of steps; each step is an attempt of its own. A failed step
//! ends the list, and a retry runs the list anew. A request that comes due while the node is still
//! busy with the one before begins as soon as that one is over; commands that may overlap
//! (`send` of a source) are the exception.

use std::collections::BTreeMap;

use protocols::output::{Reason, Tag};
use protocols::protocol::Completion;
use protocols::{Address, Arg, Command};
use sim_engine::{NodeId, Outbox, SimTime, Streams, TimerId};

use super::attempt::{Acceptance, Attempt, AttemptId, Close, NOBODY, OpenAttempts};
use super::tables::{SessionEnd, Tables};
use super::{NO_PAIR, World, token};
use crate::scenario::{Reprovision, Retry, StepArg};

/// The state of an initiator's machine that has nothing under way.
const IDLE: &str = "IDLE";

/// Control events of the host.
pub(crate) mod control {
    /// A node starts.
    pub(crate) const START: u8 = 1;
    /// The next request of a workload is due; the key is the workload.
    pub(crate) const NEXT: u8 = 2;
    /// A retry is due; the key is the workload.
    pub(crate) const RETRY: u8 = 3;
    /// The deadline of an attempt; the key is its slot.
    pub(crate) const DEADLINE: u8 = 4;
    /// The next attempt of the honest continuation.
    pub(crate) const FORK: u8 = 5;
    /// An operator has come to a node that failed too often; the key is the workload.
    pub(crate) const REPROVISION: u8 = 6;
}

/// One step as it runs.
#[derive(Clone, Debug)]
pub struct StepPlan {
    /// The command.
    pub command: u8,
    /// Its name.
    pub name: &'static str,
    /// The group of the responder.
    pub to: Option<usize>,
    /// Its arguments.
    pub args: Vec<Option<StepArg>>,
    /// What completes it.
    pub done: Completion,
    /// True when several may be open at once.
    pub concurrent: bool,
    /// How long it may take, ns; 0: no limit.
    pub deadline_ns: u64,
}

/// One workload as it runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The group of its initiators.
    pub from: usize,
    /// Its steps.
    pub steps: Vec<StepPlan>,
    /// From the start of a node to its first request.
    pub first: Option<sim_engine::Law>,
    /// From the start of a request to that of the next.
    pub every: Option<sim_engine::Law>,
    /// What follows a failure.
    pub retry: Option<Retry>,
    /// What follows several failed requests in a row.
    pub reprovision: Option<Reprovision>,
    /// Most requests per initiator.
    pub count: Option<u64>,
    /// The stream of each initiator's intervals, by member.
    pub streams: Vec<u64>,
    /// The initiators, by member.
    pub initiators: Vec<Initiator>,
}

/// One initiator's place in a workload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Initiator {
    requests: u32,
    tried: u32,
    /// Requests in a row that failed for good.
    pub(super) failures: u32,
    /// The list is under way, or a retry of it or an operator is awaited.
    active: bool,
    /// The next request is due and waits for this one.
    due: bool,
}

/// One node's attempts.
#[derive(Clone, Copy, Debug)]
struct NodeBook {
    attempts: u32,
    accepted: u32,
    /// Slot of the open attempt plus 1; 0 when none is open.
    open: u32,
    /// The node that it has opened a session with which has not ended; [`NOBODY`] for none.
    session_with: u32,
}

impl Default for NodeBook {
    fn default() -> Self {
        Self {
            attempts: 0,
            accepted: 0,
            open: 0,
            session_with: NOBODY,
        }
    }
}

/// All workloads of a world.
#[derive(Debug)]
pub struct Workloads {
    /// The workloads.
    pub plans: Vec<Plan>,
    /// No new attempt from here on, ns.
    pub duration_ns: u64,
    /// Attempts that began earlier are left out of the totals, ns.
    pub warmup_ns: u64,
    /// Command `abort` of each role.
    pub abort: Vec<Option<u8>>,
    /// Command `finish` of each role.
    pub finish: Vec<Option<u8>>,
    /// The honest continuation, once it runs.
    pub(crate) fork: Option<crate::fork::Fork>,
    /// When which node starts, ns; taken from the end once the run has begun.
    starts: Vec<(u64, u32)>,
    streams: Streams,
    nodes: Vec<NodeBook>,
    open: OpenAttempts,
    /// Attempts that overlap others of their node, by initiator and number.
    overlapping: BTreeMap<(u32, u32), u32>,
    /// Sessions that are over, of initiators whose command may go on with another.
    between: BTreeMap<u32, Attempt>,
    /// Attempts of overlapping kinds by initiator and session.
    by_session: BTreeMap<(u32, Tag), AttemptId>,
}

impl Workloads {
    /// Workloads over `starts_ns.len()` nodes.
    #[must_use]
    pub fn new(
        plans: Vec<Plan>,
        (duration_ns, warmup_ns): (u64, u64),
        (abort, finish): (Vec<Option<u8>>, Vec<Option<u8>>),
        starts_ns: Vec<u64>,
        streams: Streams,
    ) -> Self {
        Self {
            plans,
            duration_ns,
            warmup_ns,
            abort,
            finish,
            fork: None,
            nodes: vec![NodeBook::default(); starts_ns.len()],
            starts: starts_ns.into_iter().zip(0u32..).collect(),
            streams,
            open: OpenAttempts::default(),
            overlapping: BTreeMap::new(),
            between: BTreeMap::new(),
            by_session: BTreeMap::new(),
        }
    }

    /// The open attempt of a node.
    #[must_use]
    #[inline]
    pub fn open_attempt(&self, node: u32) -> AttemptId {
        let slot = self.nodes[node as usize].open;
        slot.checked_sub(1)
            .and_then(|slot| self.open.get(slot))
            .map_or(AttemptId::NONE, |attempt| attempt.id)
    }

    /// A word of the node's book, to have it near when it is needed.
    #[must_use]
    pub fn touch(&self, node: u32) -> u64 {
        self.nodes
            .get(node as usize)
            .map_or(0, |book| u64::from(book.open))
    }

    /// Attempts and accepted attempts of a node so far.
    #[must_use]
    pub fn counts(&self, node: u32) -> (u32, u32) {
        self.nodes
            .get(node as usize)
            .map_or((0, 0), |book| (book.attempts, book.accepted))
    }

    /// How many attempts are open.
    #[must_use]
    pub const fn open_count(&self) -> usize {
        self.open.len()
    }

    /// One more message belongs to `attempt`.
    #[inline]
    pub fn count_message(&mut self, attempt: AttemptId, bytes: usize) {
        if let Some(slot) = self.slot(attempt)
            && let Some(open) = self.open.get_mut(slot)
        {
            open.messages += 1;
            open.bytes += bytes as u64;
        }
    }

    /// What completes an open attempt.
    pub(super) fn completion(&self, attempt: AttemptId) -> Option<Completion> {
        self.open.get(self.slot(attempt)?).map(|open| open.done)
    }

    /// The open attempt of `initiator` in which an end accepted `session`.
    pub(super) fn by_acceptance(&self, initiator: u32, session: Tag) -> AttemptId {
        let named = |open: &&Attempt| {
            [open.initiator_accepted, open.responder_accepted]
                .into_iter()
                .flatten()
                .any(|acceptance| acceptance.session == session)
        };
        let current = self.nodes[initiator as usize].open.checked_sub(1);
        let earlier = self
            .overlapping
            .range((initiator, 0)..=(initiator, u32::MAX));
        let slots = current.into_iter().chain(earlier.map(|(_, slot)| *slot));
        let mut open = slots.filter_map(|slot| self.open.get(slot));
        open.find(named).map_or(AttemptId::NONE, |open| open.id)
    }

    /// True when the initiator of an open attempt has said that the session is over.
    pub(super) fn has_ended(&self, attempt: AttemptId) -> bool {
        self.slot(attempt)
            .and_then(|slot| self.open.get(slot))
            .is_some_and(|open| open.ended.0)
    }

    /// True when a session of `node` is over and its command may go on with another.
    #[inline]
    pub(super) fn is_between_sessions(&self, node: u32) -> bool {
        !self.between.is_empty() && self.between.contains_key(&node)
    }

    /// The session before the one that begins: out of the open ones, where it stays as an attempt
    /// that another has followed, or out of those that are over.
    fn take_session_before(&mut self, node: u32, before: AttemptId) -> Option<Attempt> {
        if let Some(over) = self.between.remove(&node) {
            return Some(over);
        }
        let slot = self.slot(before)?;
        let open = self.open.get_mut(slot)?;
        open.continued = true;
        self.overlapping.insert((node, before.number), slot);
        Some(*open)
    }

    /// The slot of an attempt, if it is still open.
    #[inline]
    fn slot(&self, attempt: AttemptId) -> Option<u32> {
        let book = self.nodes.get(attempt.initiator as usize)?;
        if let Some(slot) = book.open.checked_sub(1)
            && self.open.get(slot).is_some_and(|open| open.id == attempt)
        {
            return Some(slot);
        }
        if self.overlapping.is_empty() {
            return None;
        }
        self.overlapping
            .get(&(attempt.initiator, attempt.number))
            .copied()
    }

    /// The attempt that a statement about `session` belongs to when its tag names none.
    fn by_session(&self, node: u32, tag: AttemptId, session: Tag) -> AttemptId {
        if tag.is_some() || self.by_session.is_empty() {
            return tag;
        }
        self.by_session
            .get(&(node, session))
            .copied()
            .unwrap_or(AttemptId::NONE)
    }
}

impl<T: Tables> World<T> {
    /// Arms the start of the nodes.
    ///
    /// Starts are taken one after the other from a sorted list, so that a million nodes do not each
    /// keep a pending event. Their control events belong to an owner above all nodes, whose place in
    /// the event order does not depend on how many there are.
    pub fn start(&mut self, out: &mut Outbox<'_, Self>) {
        // Descending, so that the next one is taken from the end.
        self.workloads
            .starts
            .sort_unstable_by(|one, other| other.cmp(one));
        self.arm_next_start(out);
    }

    fn arm_next_start(&mut self, out: &mut Outbox<'_, Self>) {
        if let Some((at_ns, _)) = self.workloads.starts.last() {
            let id = TimerId {
                kind: control::START,
                key: 0,
            };
            out.arm_control(self.host_owner(), id, SimTime(*at_ns));
        } else {
            self.workloads.starts = Vec::new();
        }
    }

    /// The owner of control events that belong to no node.
    pub(crate) fn host_owner(&self) -> NodeId {
        NodeId(u32::try_from(self.group_of.len()).unwrap_or(u32::MAX))
    }

    /// Starts every node whose time has come.
    fn start_due(&mut self, now: SimTime, out: &mut Outbox<'_, Self>) {
        while let Some((_, node)) = self.workloads.starts.pop_if(|(at_ns, _)| *at_ns <= now.0) {
            out.command(NodeId(node), token::START);
            let group = self.place(node).0;
            for workload in 0..self.workloads.plans.len() {
                if self.workloads.plans[workload].from == group {
                    self.begin_workload(now, node, workload, out);
                }
            }
        }
        self.arm_next_start(out);
    }

    /// Opens the first request, or arms it.
    fn begin_workload(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        let member = self.place(node).1 as usize;
        let plan = &self.workloads.plans[workload];
        let Some(first) = &plan.first else {
            self.open_request(now, node, workload, out);
            return;
        };
        // Request n draws block n of the stream for what follows it; the first wait is block 0.
        let draw = self.workloads.streams.block(plan.streams[member], 0)[0];
        let at = now.0.saturating_add(first.sample_ns(draw).0);
        let id = TimerId {
            kind: control::NEXT,
            key: index(workload),
        };
        out.arm_control(NodeId(node), id, SimTime(at));
    }

    pub(super) fn on_workload_control(
        &mut self,
        now: SimTime,
        node: u32,
        event: TimerId,
        out: &mut Outbox<'_, Self>,
    ) {
        match event.kind {
            control::START => self.start_due(now, out),
            control::NEXT => self.open_request(now, node, event.key as usize, out),
            control::RETRY => self.retry(now, node, event.key as usize, out),
            control::DEADLINE => {
                // A session that another has followed is no longer the machine's to abort.
                if let Some(open) = self.workloads.open.get(event.key)
                    && !open.continued
                {
                    self.abort(node, open.responder, out);
                }
                self.close(now, event.key, Close::Deadline, out);
            }
            control::FORK => self.fork_next(now, out),
            control::REPROVISION => {
                out.command(NodeId(node), token::REPROVISION | u64::from(event.key));
            }
            _ => {}
        }
    }

    /// Begins a request, or notes that one is due, and arms the next.
    fn open_request(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        if now.0 >= self.workloads.duration_ns {
            return;
        }
        let member = self.place(node).1 as usize;
        let busy = self.workloads.nodes[node as usize].open > 0;
        let plan = &mut self.workloads.plans[workload];
        let overlaps = plan.steps.first().is_some_and(|step| step.concurrent);
        let initiator = &mut plan.initiators[member];
        if (initiator.active || busy) && !overlaps {
            initiator.due = true;
            return;
        }
        if plan
            .count
            .is_some_and(|count| u64::from(initiator.requests) >= count)
        {
            return;
        }
        initiator.due = false;
        initiator.active = true;
        initiator.tried = 1;
        initiator.requests += 1;
        if let Some(every) = &plan.every {
            let draw = self
                .workloads
                .streams
                .block(plan.streams[member], u64::from(initiator.requests))[0];
            let next = now.0.saturating_add(every.sample_ns(draw).0);
            let id = TimerId {
                kind: control::NEXT,
                key: index(workload),
            };
            out.arm_control(NodeId(node), id, SimTime(next));
        }
        self.open_step(now, node, workload, 0, out);
    }

    fn retry(&mut self, now: SimTime, node: u32, workload: usize, out: &mut Outbox<'_, Self>) {
        let member = self.place(node).1 as usize;
        if now.0 >= self.workloads.duration_ns {
            self.workloads.plans[workload].initiators[member].active = false;
            return;
        }
        self.workloads.plans[workload].initiators[member].tried += 1;
        self.open_step(now, node, workload, 0, out);
    }

    /// Opens the attempt of one step and hands its command to the initiator.
    pub(crate) fn open_step(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        step: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        let place = self.place(node);
        let plan = &self.workloads.plans[workload];
        let initiator = plan.initiators[place.1 as usize];
        let (to, done, concurrent, deadline_ns) = {
            let step = &plan.steps[step];
            (step.to, step.done, step.concurrent, step.deadline_ns)
        };
        let turn = initiator.requests.saturating_sub(1);
        let responder = to
            .and_then(|to| self.responder(place, to, turn))
            .unwrap_or(NOBODY);
        let book = &mut self.workloads.nodes[node as usize];
        book.attempts += 1;
        let attempt = Attempt {
            id: AttemptId {
                initiator: node,
                number: book.attempts,
            },
            responder,
            workload: u16::try_from(workload).unwrap_or(u16::MAX),
            step: u16::try_from(step).unwrap_or(u16::MAX),
            request: initiator.requests,
            tried: initiator.tried,
            done,
            started_ns: now.0,
            messages: 0,
            bytes: 0,
            initiator_accepted: None,
            responder_accepted: None,
            refused: None,
            ended: (false, false),
            data_accepted: false,
            handled: false,
            continued: false,
        };
        let left = if step == 0 {
            core::mem::replace(&mut book.session_with, NOBODY)
        } else {
            NOBODY
        };
        let number = attempt.id.number;
        let slot = self.workloads.open.insert(attempt);
        if concurrent {
            self.workloads.overlapping.insert((node, number), slot);
        } else {
            self.workloads.nodes[node as usize].open = slot + 1;
        }
        if deadline_ns > 0 {
            let id = TimerId {
                kind: control::DEADLINE,
                key: slot,
            };
            out.arm_control(NodeId(node), id, SimTime(now.0.saturating_add(deadline_ns)));
        }
        if left != NOBODY {
            out.command(NodeId(node), token::FINISH | u64::from(left));
        }
        out.command(
            NodeId(node),
            token::STEP | token::number(number) | u64::from(slot),
        );
    }

    /// Opens the attempt of the next session of a command; the one before, if it is still open,
    /// lingers until both ends have said that it is over.
    pub(super) fn open_next_session(
        &mut self,
        now: SimTime,
        node: u32,
        before: AttemptId,
        out: &mut Outbox<'_, Self>,
    ) -> AttemptId {
        let Some(mut next) = self.workloads.take_session_before(node, before) else {
            return before;
        };
        let book = &mut self.workloads.nodes[node as usize];
        book.attempts += 1;
        next = Attempt {
            id: AttemptId {
                initiator: node,
                number: book.attempts,
            },
            started_ns: now.0,
            messages: 0,
            bytes: 0,
            initiator_accepted: None,
            responder_accepted: None,
            refused: None,
            ended: (false, false),
            continued: false,
            ..next
        };
        let plan = &self.workloads.plans[usize::from(next.workload)];
        let deadline_ns = plan.steps[usize::from(next.step)].deadline_ns;
        let slot = self.workloads.open.insert(next);
        self.workloads.nodes[node as usize].open = slot + 1;
        if deadline_ns > 0 {
            let id = TimerId {
                kind: control::DEADLINE,
                key: slot,
            };
            out.arm_control(NodeId(node), id, SimTime(now.0.saturating_add(deadline_ns)));
        }
        next.id
    }

    /// True when the machine of `node` has nothing under way that it was asked for.
    fn is_idle(&self, node: u32) -> bool {
        let (group, member) = self.place(node);
        self.groups[group].column.state(member as usize) == IDLE
    }

    /// The last session of a command is over once its machine is idle again.
    fn settle_sessions(&mut self, now: SimTime, node: u32, out: &mut Outbox<'_, Self>) {
        if self.workloads.is_between_sessions(node)
            && self.is_idle(node)
            && let Some(last) = self.workloads.between.remove(&node)
        {
            self.list_over(now, &last, out);
        }
    }

    /// The node of group `to` that the member at `place` talks to; a node with several partners
    /// takes them in turn.
    fn responder(&self, place: (usize, u32), to: usize, turn: u32) -> Option<u32> {
        let first = self.groups[to].first;
        let member = self.routes.partner(place, to, turn)?;
        Some(first + member)
    }

    pub(super) fn on_command_token(
        &mut self,
        now: SimTime,
        node: NodeId,
        command: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        let wakes = matches!(
            command & token::KIND,
            token::START | token::REPROVISION | token::RENEW
        );
        if self.halted[node.0 as usize] && !wakes {
            return;
        }
        let role = usize::from(self.groups[self.place(node.0).0].role);
        match command & token::KIND {
            token::START => self.call(
                now,
                node,
                (AttemptId::NONE, NO_PAIR),
                out,
                |column, member, cx| {
                    column.on_start(member, cx);
                },
            ),
            token::ABORT => {
                if let Some(id) = self.workloads.abort[role] {
                    self.command(now, node, id, token::slot(command), out);
                }
            }
            token::FINISH => {
                if let Some(id) = self.workloads.finish[role] {
                    self.command(now, node, id, token::slot(command), out);
                }
            }
            token::REPROVISION => self.reprovision(now, node, token::slot(command), out),
            token::RENEW => self.renew_partner(now, node, token::slot(command), out),
            _ => self.run_step(now, node, command, out),
        }
    }

    /// Gives a command about `peer` without arguments that belongs to no attempt.
    fn command(
        &mut self,
        now: SimTime,
        node: NodeId,
        id: u8,
        peer: u32,
        out: &mut Outbox<'_, Self>,
    ) {
        let peer = self.listening(peer);
        self.call(
            now,
            node,
            (AttemptId::NONE, NO_PAIR),
            out,
            |column, member, cx| {
                column.on_command(
                    member,
                    &Command {
                        id,
                        peer,
                        args: &[],
                    },
                    cx,
                );
            },
        );
    }

    /// Where a node listens; `None` for [`NOBODY`].
    fn listening(&self, node: u32) -> Option<Address> {
        (node != NOBODY).then(|| Address::new(node, self.port(node)))
    }

    fn run_step(&mut self, now: SimTime, node: NodeId, command: u64, out: &mut Outbox<'_, Self>) {
        let slot = token::slot(command);
        // The attempt may be over by now, and its slot in use by another: then nothing is asked.
        let Some(attempt) = self.workloads.open.get(slot).copied() else {
            return;
        };
        if attempt.id.initiator != node.0
            || command != token::STEP | token::number(attempt.id.number) | u64::from(slot)
        {
            return;
        }
        let peer = self.listening(attempt.responder);
        let plan = &self.workloads.plans[usize::from(attempt.workload)];
        let step = &plan.steps[usize::from(attempt.step)];
        let id = step.command;
        if step.args.iter().all(Option::is_none) {
            self.call(
                now,
                node,
                (attempt.id, NO_PAIR),
                out,
                |column, member, cx| {
                    column.on_command(
                        member,
                        &Command {
                            id,
                            peer,
                            args: &[],
                        },
                        cx,
                    );
                },
            );
        } else {
            let given = step.args.clone();
            let args: Vec<Arg<'_>> = given.iter().map(argument).collect();
            self.call(
                now,
                node,
                (attempt.id, NO_PAIR),
                out,
                |column, member, cx| {
                    column.on_command(
                        member,
                        &Command {
                            id,
                            peer,
                            args: &args,
                        },
                        cx,
                    );
                },
            );
        }
    }

    fn abort(&mut self, node: u32, peer: u32, out: &mut Outbox<'_, Self>) {
        self.workloads.nodes[node as usize].session_with = NOBODY;
        out.command(NodeId(node), token::ABORT | u64::from(peer));
    }

    /// The call that handled the command of `attempt` is through.
    pub(super) fn handled(
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
    fn change(
        &mut self,
        now: SimTime,
        attempt: AttemptId,
        out: &mut Outbox<'_, Self>,
        change: impl FnOnce(&mut Attempt),
    ) {
        let Some(slot) = self.workloads.slot(attempt) else {
            self.tally.late += 1;
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

    pub(super) fn accepted(
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

    pub(super) fn refused(
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

    pub(super) fn ended(
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

    pub(super) fn data_sent(&mut self, node: NodeId, attempt: AttemptId, session: Tag) {
        if self
            .workloads
            .overlapping
            .contains_key(&(attempt.initiator, attempt.number))
        {
            self.workloads.by_session.insert((node.0, session), attempt);
        }
    }

    pub(super) fn data_accepted(
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
    pub(super) fn stored(
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
    pub(super) fn attempt_of(&self, node: u32, tag: AttemptId, session: Option<Tag>) -> AttemptId {
        session.map_or(tag, |session| self.workloads.by_session(node, tag, session))
    }

    /// Closes an attempt: its row, its totals, and what comes next.
    fn close(&mut self, now: SimTime, slot: u32, close: Close, out: &mut Outbox<'_, Self>) {
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
            key: slot,
        };
        out.cancel_control(NodeId(node), deadline);
        let (outcome, reason) = attempt.outcome(close);
        let success = outcome.is_success();
        if success {
            self.workloads.nodes[node as usize].accepted += 1;
            if let Some((relation, pair)) =
                self.relation_of(self.pair_between_opt(node, attempt.responder))
            {
                self.relations[relation].oracle.success(pair);
            }
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
        if close == Close::Complete
            && attempt.done == Completion::SessionsBoth
            && !self.is_idle(node)
        {
            self.workloads.between.insert(node, attempt);
        } else if success {
            self.list_over(now, &attempt, out);
        } else if !self.arm_retry(now, &attempt, out) {
            self.request_failed(now, node, workload, out);
        }
    }

    /// A step has succeeded: the next one of the list, or the end of the request.
    fn list_over(&mut self, now: SimTime, attempt: &Attempt, out: &mut Outbox<'_, Self>) {
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

    fn pair_between_opt(&self, one: u32, other: u32) -> u32 {
        if other == NOBODY {
            NO_PAIR
        } else {
            self.pair_between(one, other)
        }
    }

    /// Arms a retry of the list; false when there is none left.
    fn arm_retry(&mut self, now: SimTime, attempt: &Attempt, out: &mut Outbox<'_, Self>) -> bool {
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
    pub(super) fn forget_session(&mut self, node: u32) {
        self.workloads.nodes[node as usize].session_with = NOBODY;
    }

    /// The list is over, with success or for good: what came due meanwhile begins now.
    pub(super) fn request_over(
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
            self.close(now, slot, Close::EndOfRun, out);
        }
    }
}

fn argument(arg: &Option<StepArg>) -> Arg<'_> {
    match arg {
        None => Arg::Default,
        Some(StepArg::Integer(value)) => Arg::Integer(*value),
        Some(StepArg::Text(text)) => Arg::Bytes(text.as_bytes()),
    }
}

fn index(workload: usize) -> u32 {
    u32::try_from(workload).unwrap_or(u32::MAX)
}
