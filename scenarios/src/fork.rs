//! The honest continuation that tells a permanent divergence from one that heals.
//!
//! After the settle time, the pairs that are still out of step go on in the same world with quiet
//! links, no adversary and no recorder. Each gets up to [`ATTEMPTS`] attempts, one after the other,
//! so spaced that each has the server to itself; a command that the end of the run cut off is given up
//! first, since a busy initiator would refuse every other. All fail: the divergence is permanent. A pair that
//! comes into step has healed by itself; one that succeeds and stays out of step diverges silently.
//! Initiators in step whose last attempt failed are tried likewise: one success shows that they are not
//! locked out.

use std::collections::BTreeSet;

use protocols::protocol::Completion;
use sim_engine::{Outbox, SimTime, TimerId};

use crate::host::World;
use crate::host::tables::Tables;
use crate::host::workload::{StepPlan, control};
use crate::oracle::EpisodeKind;
use crate::scenario::Step;

/// Attempts that must all fail.
pub const ATTEMPTS: u32 = 20;

/// One pair under trial.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    /// The pair that is out of step, with its relation; `None` for a node that failed last and may be
    /// locked out.
    pair: Option<(usize, u32)>,
    /// The node that opens attempts, by which workload, and which step of it.
    initiator: u32,
    workload: usize,
    step: usize,
}

/// The continuation under way.
#[derive(Clone, Debug, Default)]
pub struct Fork {
    suspects: Vec<Suspect>,
    next: usize,
    tries: u32,
    successes: u32,
    started_ns: u64,
    /// From the start of one attempt to the earliest start of the next, ns.
    spacing_ns: u64,
    finished: bool,
}

impl Fork {
    /// True when every suspect has its verdict.
    #[must_use]
    pub const fn finished(&self) -> bool {
        self.finished
    }
}

impl<T: Tables> World<T> {
    /// Begins the continuation for every pair that is out of step; false when there is none to try.
    pub fn fork_begin(&mut self, now: SimTime, out: &mut Outbox<'_, Self>) -> bool {
        self.end_faults(now, out);
        let mut fork = Fork {
            spacing_ns: self.longest_deadline_ns() + 1_000_000_000,
            ..Fork::default()
        };
        for relation in 0..self.relations.len() {
            let suspects: Vec<u32> = self.relations[relation].oracle.suspects().collect();
            for pair in suspects {
                let (device, server) = self.relations[relation].ends[pair as usize];
                let alive = !self.is_dead(device) && !self.is_dead(server);
                let by = alive.then(|| self.initiator_between(device, server));
                match by.flatten() {
                    Some((initiator, workload, step)) => {
                        fork.suspects.push(Suspect {
                            pair: Some((relation, pair)),
                            initiator,
                            workload,
                            step,
                        });
                    }
                    None => self.relations[relation].oracle.conclude(
                        pair,
                        EpisodeKind::Unresolved,
                        None,
                    ),
                }
            }
        }
        self.flush_desync(out);
        self.add_failed(&mut fork);
        if fork.suspects.is_empty() {
            return false;
        }
        self.taps.stop();
        self.attacks.stop();
        for suspect in &fork.suspects {
            self.give_up_cut_off(suspect.initiator, out);
        }
        self.workloads.fork = Some(fork);
        self.arm_fork(now, out);
        true
    }

    /// The workload of a group, and its step, by which its nodes authenticate: one that both ends end
    /// by accepting, else one that the initiator does. A new password says nothing about logging in.
    fn login_of(&self, from: usize) -> Option<(usize, usize)> {
        let own = || {
            let plans = self.workloads.plans.iter().enumerate();
            plans.filter(move |(_, plan)| plan.from == from)
        };
        let mutual = |steps: &[StepPlan]| {
            steps.iter().position(|step| {
                matches!(
                    step.done,
                    Completion::AcceptedBoth | Completion::SessionsBoth
                )
            })
        };
        own()
            .find_map(|(workload, plan)| Some((workload, mutual(&plan.steps)?)))
            .or_else(|| own().find_map(|(workload, plan)| Some((workload, plan.authenticates()?))))
    }

    /// Whoever failed last may be locked out: it is tried with the step by which it authenticates.
    fn add_failed(&self, fork: &mut Fork) {
        let tried: BTreeSet<u32> = fork.suspects.iter().map(|it| it.initiator).collect();
        for (failing, plan) in self.workloads.plans.iter().enumerate() {
            if plan.authenticates().is_none() {
                continue;
            }
            let Some((workload, step)) = self.login_of(plan.from) else {
                continue;
            };
            let group = &self.groups[plan.from];
            for initiator in group.first..group.first + group.count {
                let failed = self.workloads.failed_last(initiator, failing)
                    && !tried.contains(&initiator)
                    && !self.is_dead(initiator)
                    && !self.attacks.seats.contains_key(&initiator);
                if failed {
                    fork.suspects.push(Suspect {
                        pair: None,
                        initiator,
                        workload,
                        step,
                    });
                }
            }
        }
    }

    /// Initiators that could be locked out.
    pub(crate) fn may_be_locked_out(&self) -> u64 {
        let of = |plan: &crate::host::workload::Plan| plan.authenticates().map(|_| plan.from);
        let groups: BTreeSet<usize> = self.workloads.plans.iter().filter_map(of).collect();
        let sizes = groups
            .into_iter()
            .map(|group| u64::from(self.groups[group].count));
        sizes.sum()
    }

    /// The node of the two that has a workload towards the other's group.
    fn initiator_between(&self, one: u32, other: u32) -> Option<(u32, usize, usize)> {
        [(one, other), (other, one)]
            .into_iter()
            .find_map(|(from, to)| {
                let (from_group, to_group) = (self.place(from).0, self.place(to).0);
                let mut plans = (0..).zip(&self.workloads.plans);
                let (workload, step) = plans.find_map(|(index, plan)| {
                    let mut steps = (0..).zip(&plan.steps);
                    let (number, step) =
                        steps.find(|(_, step)| step.command != Step::REPROVISION)?;
                    let fits = plan.from == from_group && step.to == Some(to_group);
                    fits.then_some((index, number))
                })?;
                self.reachable(from, to).then_some((from, workload, step))
            })
    }

    fn longest_deadline_ns(&self) -> u64 {
        let steps = self.workloads.plans.iter().flat_map(|plan| &plan.steps);
        steps.map(|step| step.deadline_ns).max().unwrap_or(0)
    }

    fn arm_fork(&self, at: SimTime, out: &mut Outbox<'_, Self>) {
        out.arm_control(
            self.host_owner(),
            TimerId {
                kind: control::FORK,
                key: 0,
            },
            at,
        );
    }

    /// Starts the next attempt, or gives the suspect its verdict and turns to the next one.
    pub(crate) fn fork_next(&mut self, now: SimTime, out: &mut Outbox<'_, Self>) {
        loop {
            let Some(fork) = self.workloads.fork.as_mut() else {
                return;
            };
            let Some(suspect) = fork.suspects.get(fork.next).copied() else {
                fork.finished = true;
                out.stop();
                return;
            };
            let (tries, successes) = (fork.tries, fork.successes);
            let open = suspect
                .pair
                .is_none_or(|(relation, pair)| self.relations[relation].oracle.is_open(pair));
            let verdict = if !open {
                // The oracle has seen it come into step and has closed the divergence itself.
                None
            } else if successes > 0 {
                Some(EpisodeKind::Silent)
            } else if tries >= ATTEMPTS {
                Some(EpisodeKind::Permanent)
            } else {
                fork.tries += 1;
                fork.started_ns = now.0;
                self.open_step(now, suspect.initiator, suspect.workload, suspect.step, out);
                return;
            };
            if let (Some(verdict), Some((relation, pair))) = (verdict, suspect.pair) {
                self.relations[relation]
                    .oracle
                    .conclude(pair, verdict, None);
            }
            let locked = verdict == Some(EpisodeKind::Permanent);
            let oracle = &mut self.watch.lock_out;
            oracle.conclude(suspect.initiator, locked);
            self.flush_desync(out);
            if let Some(fork) = self.workloads.fork.as_mut() {
                fork.next += 1;
                fork.tries = 0;
                fork.successes = 0;
            }
        }
    }

    /// An attempt of the continuation has closed.
    pub(crate) fn fork_closed(&mut self, now: SimTime, success: bool, out: &mut Outbox<'_, Self>) {
        let Some(fork) = self.workloads.fork.as_mut() else {
            return;
        };
        fork.successes += u32::from(success);
        let at = now.0.max(fork.started_ns.saturating_add(fork.spacing_ns));
        self.arm_fork(SimTime(at), out);
    }
}
