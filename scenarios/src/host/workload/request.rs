//! From a request that is due to the command that a machine is given.

use protocols::{Address, Arg, Command};
use sim_engine::{NodeId, Outbox, SimTime, TimerId};

use super::{IDLE, control, index};
use crate::host::attempt::{Attempt, AttemptId, Close, NOBODY};
use crate::host::tables::Tables;
use crate::host::{NO_PAIR, World, token};
use crate::scenario::{Step, StepArg};

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
        self.start_schedule(out);
    }

    pub(super) fn arm_next_start(&mut self, out: &mut Outbox<'_, Self>) {
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
    pub(super) fn start_due(&mut self, now: SimTime, out: &mut Outbox<'_, Self>) {
        while let Some((_, node)) = self.workloads.starts.pop_if(|(at_ns, _)| *at_ns <= now.0) {
            if self.attacks.seats.contains_key(&node) || self.is_foreign(node) {
                // Whoever plays it does what it likes instead, or another part runs it.
                continue;
            }
            self.look_at_starts(out);
            // On the node's own behalf, so that its numbering of events depends on no other's start.
            let own = &mut out.acting_for(NodeId(node));
            self.command_surely(node, token::START, own);
            let group = self.place(node).0;
            for workload in 0..self.workloads.plans.len() {
                if self.workloads.plans[workload].from == group {
                    self.begin_workload(now, node, workload, own);
                }
            }
        }
        self.arm_next_start(out);
    }

    /// Opens the first request, or arms it.
    pub(super) fn begin_workload(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        let member = self.place(node).1;
        let plan = &self.workloads.plans[workload];
        let Some(first) = &plan.first else {
            self.open_request(now, node, workload, out);
            return;
        };
        // Request n draws block n of the stream for what follows it; the first wait is block 0.
        let stream = plan.stream(member);
        let draw = self.workloads.streams.block(stream, 0)[0];
        let at = now.0.saturating_add(first.sample_ns(draw).0);
        let id = TimerId {
            kind: control::NEXT,
            key: index(workload),
        };
        out.arm_control(NodeId(node), id, SimTime(at));
    }

    pub(in crate::host) fn on_workload_control(
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
                let Some(slot) = self.workloads.slot_of(node, event.key) else {
                    return;
                };
                // A session that another has followed is no longer the machine's to abort.
                if let Some(open) = self.workloads.open.get(slot)
                    && !open.continued
                {
                    self.abort(node, open.responder, out);
                }
                self.close(now, slot, Close::Deadline, out);
            }
            control::FORK => self.fork_next(now, out),
            control::RENEWED => self.renewal_due(node, event.key, out),
            control::REPROVISION => {
                self.command_surely(node, token::REPROVISION | u64::from(event.key), out);
            }
            _ => {}
        }
    }

    /// Begins a request, or notes that one is due, and arms the next.
    pub(super) fn open_request(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        if now.0 >= self.workloads.duration_ns {
            return;
        }
        let member = self.place(node).1;
        let busy = self.workloads.nodes[node as usize].open > 0;
        let off = self.is_off(node);
        let plan = &mut self.workloads.plans[workload];
        let overlaps = plan.steps.first().is_some_and(|step| step.concurrent);
        let initiator = &mut plan.initiators[member as usize];
        if (initiator.active || busy) && !overlaps || off {
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
            let number = u64::from(initiator.requests);
            let stream = plan.stream(member);
            let draw = self.workloads.streams.block(stream, number)[0];
            let next = now.0.saturating_add(every.sample_ns(draw).0);
            let id = TimerId {
                kind: control::NEXT,
                key: index(workload),
            };
            out.arm_control(NodeId(node), id, SimTime(next));
        }
        self.open_step(now, node, workload, 0, out);
    }

    pub(super) fn retry(
        &mut self,
        now: SimTime,
        node: u32,
        workload: usize,
        out: &mut Outbox<'_, Self>,
    ) {
        let member = self.place(node).1 as usize;
        if now.0 >= self.workloads.duration_ns {
            self.workloads.plans[workload].initiators[member].active = false;
            return;
        }
        if self.is_off(node) {
            self.workloads.plans[workload].initiators[member].retry_due = true;
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
        let begins = plan.authenticates().is_some();
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
        // A list that only goes on with a session, as one of lines, leaves it open.
        let left = if step == 0 && begins {
            core::mem::replace(&mut book.session_with, NOBODY)
        } else {
            NOBODY
        };
        let number = attempt.id.number;
        out.recorder().opened(attempt.id);
        let slot = self.workloads.open.insert(attempt);
        if concurrent {
            self.workloads.overlapping.insert((node, number), slot);
        } else {
            self.workloads.nodes[node as usize].open = slot + 1;
        }
        if deadline_ns > 0 {
            let id = TimerId {
                kind: control::DEADLINE,
                key: number,
            };
            out.arm_control(NodeId(node), id, SimTime(now.0.saturating_add(deadline_ns)));
        }
        if left != NOBODY {
            out.command(NodeId(node), token::FINISH | u64::from(left));
        }
        out.command(NodeId(node), token::STEP | u64::from(number));
    }

    /// Opens the attempt of the next session of a command; the one before, if it is still open,
    /// lingers until both ends have said that it is over.
    pub(in crate::host) fn open_next_session(
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
        out.recorder().opened(next.id);
        let slot = self.workloads.open.insert(next);
        self.workloads.nodes[node as usize].open = slot + 1;
        if deadline_ns > 0 {
            let id = TimerId {
                kind: control::DEADLINE,
                key: next.id.number,
            };
            out.arm_control(NodeId(node), id, SimTime(now.0.saturating_add(deadline_ns)));
        }
        next.id
    }

    /// True when the machine of `node` has nothing under way that it was asked for.
    pub(super) fn is_idle(&self, node: u32) -> bool {
        let (group, member) = self.place(node);
        self.groups[group].column.state(member as usize) == IDLE
    }

    /// The last session of a command is over once its machine is idle again.
    pub(super) fn settle_sessions(&mut self, now: SimTime, node: u32, out: &mut Outbox<'_, Self>) {
        if self.workloads.is_between_sessions(node)
            && self.is_idle(node)
            && let Some(last) = self.workloads.between.remove(&node)
        {
            self.list_over(now, &last, out);
        }
    }

    /// The node of group `to` that the member at `place` talks to; a node with several partners
    /// takes them in turn.
    pub(in crate::host) fn responder(
        &self,
        place: (usize, u32),
        to: usize,
        turn: u32,
    ) -> Option<u32> {
        let first = self.groups[to].first;
        let member = self.routes.partner(place, to, turn)?;
        Some(first + member)
    }

    pub(in crate::host) fn on_command_token(
        &mut self,
        now: SimTime,
        node: NodeId,
        command: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        let wakes = matches!(
            command & token::KIND,
            token::START | token::RESTART | token::REPROVISION | token::RENEW | token::STREAM
        );
        if self.halted[node.0 as usize] && !wakes && !self.is_reprovision_step(node.0, command) {
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
                    self.command(now, node, id, token::low(command), out);
                }
            }
            token::FINISH => {
                if let Some(id) = self.workloads.finish[role] {
                    self.command(now, node, id, token::low(command), out);
                }
            }
            token::RESTART => self.restart_machine(now, node, NO_PAIR, out),
            token::REPROVISION => self.reprovision(now, node, token::low(command), out),
            token::PLAY => self.play_outgoing(node.0, out),
            token::RENEW => self.renew_partner(now, node, token::low(command), out),
            token::STREAM => self.on_stream_command(now, node, command & !token::KIND, out),
            token::RENEWED => self.renewed_by_step(now, node, command, out),
            _ => self.run_step(now, node, command, out),
        }
    }

    /// Gives a command about `peer` without arguments that belongs to no attempt.
    pub(super) fn command(
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
    pub(super) fn listening(&self, node: u32) -> Option<Address> {
        (node != NOBODY).then(|| Address::new(node, self.port(node)))
    }

    pub(super) fn run_step(
        &mut self,
        now: SimTime,
        node: NodeId,
        command: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        // The attempt may be over by now: then nothing is asked.
        let slot = self.workloads.slot_of(node.0, token::low(command));
        let Some(attempt) = slot.and_then(|slot| self.workloads.open.get(slot).copied()) else {
            return;
        };
        let peer = self.listening(attempt.responder);
        let plan = &self.workloads.plans[usize::from(attempt.workload)];
        let step = &plan.steps[usize::from(attempt.step)];
        let id = step.command;
        if id == Step::REPROVISION {
            return self.begin_reprovision_step(now, &attempt, out);
        }
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

    pub(super) fn abort(&mut self, node: u32, peer: u32, out: &mut Outbox<'_, Self>) {
        self.workloads.nodes[node as usize].session_with = NOBODY;
        out.command(NodeId(node), token::ABORT | u64::from(peer));
    }
}

fn argument(arg: &Option<StepArg>) -> Arg<'_> {
    match arg {
        None => Arg::Default,
        Some(StepArg::Integer(value)) => Arg::Integer(*value),
        Some(StepArg::Text(text)) => Arg::Bytes(text.as_bytes()),
    }
}
