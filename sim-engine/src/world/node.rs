//! Nodes: busy times, deferred effects, commands, statistics.

use super::{DOWN, World};
use crate::cpu::Item;
use crate::error::EngineError;
use crate::id::NodeId;
use crate::order::Class;
use crate::queue::Payload;
use crate::stats::NodeStats;
use crate::time::{SimDuration, SimTime};

impl<P: Copy, E: Copy> World<P, E> {
    /// Payload of an event that only this incarnation of the node may handle.
    fn for_incarnation(&self, node: NodeId) -> Payload {
        let incarnation = self.nodes[node.0 as usize].incarnation;
        Payload {
            node: node.0,
            data: u32::from(incarnation),
            tag: 0,
        }
    }

    /// Whether an event was scheduled by the present incarnation of a powered node.
    pub(crate) fn is_current(&self, payload: Payload) -> bool {
        let node = &self.nodes[payload.node as usize];
        u32::from(node.incarnation) == payload.data && node.config & DOWN == 0
    }

    /// Keeps the CPU busy until `until` at least.
    pub(crate) fn extend_busy(&mut self, node: NodeId, until: SimTime) {
        let now = self.now;
        if until > now && !self.is_down(node) {
            self.cpu_mut(node).extend(now, until);
        }
    }

    /// Queues an effect for release.
    pub(crate) fn defer(&mut self, node: NodeId, after: SimDuration, effect: E) {
        let due = self.at(node, after);
        if !self.is_node(node) {
            return;
        }
        self.cpu_mut(node);
        let cpu = &mut self.cpus[self.nodes[node.0 as usize].cpu as usize];
        cpu.defer(&mut self.effects, due, effect);
        self.schedule_release(node);
    }

    /// Schedules the event that releases effects, if there are any and none is pending.
    pub(crate) fn schedule_release(&mut self, node: NodeId) {
        let Some(cpu) = self.cpus.get_mut(self.nodes[node.0 as usize].cpu as usize) else {
            return;
        };
        if cpu.release_pending {
            return;
        }
        if let Some(due) = cpu.first_due(&self.effects) {
            cpu.release_pending = true;
            let payload = self.for_incarnation(node);
            self.schedule(node, due, Class::Release, payload);
        }
    }

    /// Takes the next effect of a node if it is due.
    pub(crate) fn take_due_effect(&mut self, node: NodeId) -> Option<E> {
        let now = self.now;
        let cpu = self
            .cpus
            .get_mut(self.nodes[node.0 as usize].cpu as usize)?;
        cpu.first_due(&self.effects).filter(|&due| due <= now)?;
        cpu.undefer(&mut self.effects)
    }

    /// Appends to the waiting line and sees to it that the CPU will come back to it.
    pub(crate) fn enqueue(&mut self, node: NodeId, item: Item) {
        let now = self.now;
        self.cpu_mut(node);
        let cpu = &mut self.cpus[self.nodes[node.0 as usize].cpu as usize];
        cpu.enqueue(&mut self.waiting, item, now);
        self.schedule_take(node);
    }

    /// Schedules the event that takes the next input, if inputs wait and none is pending.
    pub(crate) fn schedule_take(&mut self, node: NodeId) {
        let Some(cpu) = self.cpus.get_mut(self.nodes[node.0 as usize].cpu as usize) else {
            return;
        };
        if cpu.take_pending || !cpu.has_waiting() {
            return;
        }
        cpu.take_pending = true;
        let at = cpu.busy_until.max(self.now);
        let payload = self.for_incarnation(node);
        self.schedule(node, at, Class::Cpu, payload);
    }

    /// Puts a command into the waiting line. A node without power does not get it.
    pub(crate) fn command(&mut self, node: NodeId, token: u64) {
        if self.is_node(node) && !self.is_down(node) && !self.is_foreign(node) {
            self.enqueue(node, Item::Command(token));
        }
    }

    /// Whether the number is that of a node; otherwise the run fails.
    pub(crate) fn is_node(&mut self, node: NodeId) -> bool {
        let known = (node.0 as usize) < self.nodes.len();
        if !known {
            self.fail(EngineError::Unknown {
                what: "node",
                number: node.0,
            });
        }
        known
    }

    /// Counts a packet that arrived at a powered node.
    #[inline]
    pub(crate) fn count_arrival(&mut self, node: NodeId) {
        let state = &mut self.nodes[node.0 as usize];
        let (arrivals, wrapped) = state.arrivals.overflowing_add(1);
        state.arrivals = arrivals;
        if wrapped {
            self.cpu_mut(node).arrival_wraps += 1;
        }
    }

    /// Counters of a node since the start.
    pub(crate) fn node_totals(&self, node: NodeId) -> NodeStats {
        let now = self.now;
        let mut stats = self
            .cpu(node)
            .map(|cpu| cpu.totals_at(now))
            .unwrap_or_default();
        if let Some(state) = self.nodes.get(node.0 as usize) {
            stats.arrivals += u64::from(state.arrivals);
            if state.cpu == crate::slab::NONE {
                // Without a CPU record every packet was taken at once and took no time.
                stats.served = stats.arrivals;
            }
        }
        stats
    }
}
