//! A world that runs in parts, and how the parts become one world again.
//!
//! Every part is the whole world, built alike, in which only some nodes act. What two ends share
//! (attempts, pairs, statements) lies within one part (`host/apart.rs`); totals are sums. See [`crate::run::split`] for who runs the parts.

use core::marker::PhantomData;
use std::sync::Arc;

use sim_engine::{Block, Engine};

use super::clock::Clock;
use super::tables::Tables;
use super::{Deferred, Group, World};
use crate::oracle::Episode;

impl<T> World<T> {
    /// Leaves these nodes to other parts. `is_first`: it tells and counts what belongs to no node,
    /// which all parts handle.
    ///
    /// `taps`: the same of adversaries.
    pub(crate) fn leave_to_others(
        &mut self,
        foreign: Arc<[bool]>,
        taps: Vec<bool>,
        is_first: bool,
    ) {
        if !foreign.is_empty() {
            self.watch.begin_part();
        }
        self.foreign = foreign;
        self.attacks.elsewhere = taps;
        self.is_first = is_first;
    }

    /// Whether another part runs `node`.
    pub(super) fn is_foreign(&self, node: u32) -> bool {
        self.foreign.get(node as usize) == Some(&true)
    }

    /// The same world for other tables.
    pub(crate) fn retold<U>(self) -> World<U> {
        World {
            protocol: self.protocol,
            instance: self.instance,
            groups: self.groups,
            group_of: self.group_of,
            epoch_ns: self.epoch_ns,
            depot: self.depot,
            routes: self.routes,
            principals: self.principals,
            workloads: self.workloads,
            taps: self.taps,
            attacks: self.attacks,
            schedule: self.schedule,
            agreement: self.agreement,
            watch: self.watch,
            relations: self.relations,
            operations: self.operations,
            tally: self.tally,
            reprovisioning: self.reprovisioning,
            transports: self.transports,
            faults: self.faults,
            energy: self.energy,
            relays: self.relays,
            randomness: self.randomness,
            halted: self.halted,
            foreign: self.foreign,
            is_first: self.is_first,
            apart: self.apart,
            scratch: self.scratch,
            tables: PhantomData,
        }
    }
}

impl<T: Tables> World<T> {
    /// Whether links carry streams or confirmed messages.
    pub(crate) const fn has_transports(&self) -> bool {
        self.transports.is_some()
    }

    /// Whether the links of a group from this one on do: what has been delivered at one end is noted
    /// at the other.
    pub(crate) fn carries_connections(&self, first_link: u32) -> bool {
        let transports = self.transports.as_ref();
        transports.is_some_and(|transports| transports.carries(first_link))
    }

    /// Whether the nodes of a group are relays.
    pub(crate) fn is_relay_group(&self, group: usize) -> bool {
        let relays = self.relays.as_ref();
        relays.is_some_and(|relays| relays.has_group(group))
    }

    /// The groups of which a node is given first storage anew at the same instant as its neighbours,
    /// or is told what it received when another one sends.
    pub(crate) fn joined_groups(&self) -> Vec<bool> {
        let anew = |group: usize| {
            let plans = self.workloads.plans.iter();
            self.reprovisioning.is_some()
                && plans.clone().any(|plan| {
                    let asks = |step: &super::workload::StepPlan| {
                        step.command == crate::scenario::Step::REPROVISION
                    };
                    plan.from == group
                        && (plan.reprovision.is_some() || plan.steps.iter().any(asks))
                })
        };
        let energy = self.energy.as_ref();
        let radio = |group: usize| energy.is_some_and(|energy| energy.has_radio(group));
        (0..self.groups.len())
            .map(|group| anew(group) || radio(group))
            .collect()
    }

    /// Takes over the nodes of which `theirs` is true from a part that has reached the same instant,
    /// with the pairs that it `keeps`;
    /// false when the parts have met after all, so that their outcome may differ from that of the
    /// whole.
    pub(crate) fn absorb(
        &mut self,
        engine: &mut Engine<Self>,
        (other, mut part): (Engine<Self>, Self),
        (theirs, their_taps): (&[bool], &[bool]),
        keeps: impl Fn(u32, u32) -> bool,
    ) -> bool {
        engine.absorb(other, (theirs, their_taps), rename_blocks);
        let is_theirs = |node: u32| theirs.get(node as usize) == Some(&true);
        for (group, other) in self.groups.iter_mut().zip(&mut part.groups) {
            absorb_group(group, other, is_theirs);
        }
        self.depot.absorb(&mut part.depot, theirs);
        let positions = &mut self.randomness.positions;
        for (node, position) in part.randomness.positions.into_iter().enumerate() {
            if theirs.get(node) == Some(&true) {
                positions[node] = position;
                self.halted[node] = part.halted[node];
            }
        }
        if let (Some(faults), Some(other)) = (&mut self.faults, part.faults) {
            faults.absorb(*other, is_theirs);
        }
        if let (Some(energy), Some(other)) = (&mut self.energy, part.energy) {
            energy.absorb(*other, is_theirs);
        }
        if let (Some(own), Some(other)) = (&mut self.relays, &part.relays) {
            own.absorb(other);
        }
        if let (Some(own), Some(other)) = (&mut self.transports, part.transports) {
            own.absorb(*other, is_theirs);
        }
        if let (Some(own), Some(other)) = (&mut self.reprovisioning, part.reprovisioning) {
            own.absorb(other, is_theirs);
        }
        self.workloads.absorb(part.workloads, &self.groups, theirs);
        for (relation, other) in self.relations.iter_mut().zip(&part.relations) {
            let ends = Arc::clone(&relation.ends);
            let is_theirs = |pair: u32| ends.get(pair as usize).is_some_and(|it| keeps(it.0, it.1));
            relation.oracle.absorb(&other.oracle, is_theirs);
        }
        let is_their_tap = |tap: usize| their_taps.get(tap) == Some(&true);
        self.taps.absorb(part.taps);
        self.attacks.absorb(part.attacks, is_theirs, is_their_tap);
        self.watch.absorb(part.watch, is_theirs, is_their_tap);
        self.agreement.absorb(part.agreement);
        self.operations.absorb(&part.operations);
        self.tally.absorb(part.tally);
        self.principals.absorb(part.principals)
    }

    /// Judges what only all parts together show, once they have been absorbed; why one thread has to
    /// give the result after all, if so.
    pub(crate) fn join_parts(&mut self) -> Option<&'static str> {
        let met = self.watch.join();
        self.attacks.met.take().or(met)
    }

    /// Gives the oracles the divergences that have ended, with their relations, in the order in which
    /// all parts together have told them to the tables.
    pub(crate) fn set_closed(&mut self, closed: &[(usize, Episode)]) {
        let written = &mut self.tally.episodes_written;
        written.clear();
        for (index, relation) in self.relations.iter_mut().enumerate() {
            let own = closed.iter().filter(|(relation, _)| *relation == index);
            let own: Vec<Episode> = own.map(|(_, episode)| *episode).collect();
            written.push(own.len());
            relation.oracle.set_closed(own);
        }
    }
}

fn absorb_group(group: &mut Group, other: &mut Group, is_theirs: impl Fn(u32) -> bool) {
    // Clocks come into being when a fault first steps one.
    if group.clocks.len() < other.clocks.len() {
        group.clocks.resize(other.clocks.len(), Clock::default());
    }
    for node in (group.first..group.first + group.count).filter(|node| is_theirs(*node)) {
        let member = (node - group.first) as usize;
        group.column.exchange(member, &mut other.column);
        group.durable_writes[member] = other.durable_writes[member];
        if let Some(clock) = group.clocks.get_mut(member) {
            *clock = other.clocks.get(member).copied().unwrap_or_default();
        }
        if let Some(usage) = group.usage.get_mut(member) {
            *usage = other.usage[member];
        }
    }
}

/// Replaces the blocks that an effect names.
fn rename_blocks(effect: &mut Deferred, name: &mut dyn FnMut(Block) -> Block) {
    match effect {
        Deferred::Send { bytes, .. } | Deferred::Mail { bytes, .. } => *bytes = name(*bytes),
        Deferred::Stored { writing, .. } | Deferred::Torn { writing, .. } => {
            writing.batch = name(writing.batch);
        }
        Deferred::Forward(forwarded) => forwarded.bytes = name(forwarded.bytes),
        Deferred::Arm { .. }
        | Deferred::Cancel { .. }
        | Deferred::Output { .. }
        | Deferred::Strike { .. }
        | Deferred::Halt
        | Deferred::Open { .. }
        | Deferred::Close { .. }
        | Deferred::Done { .. } => {}
    }
}
