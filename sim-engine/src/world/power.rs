//! Power: what a crash takes, what a restart gives back, and a processor that hangs.

use super::{After, DOWN, World};
use crate::cpu::Item;
use crate::error::EngineError;
use crate::host::LostInput;
use crate::id::NodeId;
use crate::time::{SimDuration, SimTime};
use crate::timers::{State, TimerName};

impl<P: Copy, E: Copy> World<P, E> {
    /// Takes the power from a node.
    pub(crate) fn crash(&mut self, node: NodeId) {
        if !self.is_node(node) || self.is_down(node) {
            return;
        }
        let state = &mut self.nodes[node.0 as usize];
        state.config |= DOWN;
        match state.incarnation.checked_add(1) {
            Some(next) => state.incarnation = next,
            None => self.fail(EngineError::TooManyCrashes { node }),
        }
        let now = self.now;
        let Some(cpu) = self.cpus.get_mut(self.nodes[node.0 as usize].cpu as usize) else {
            return;
        };
        let mut waited_ns = 0;
        while let Some(waiting) = cpu.dequeue(&mut self.waiting) {
            let input = match waiting.item {
                Item::Packet(packet) => {
                    waited_ns += u128::from(now.since(waiting.arrived).0);
                    // Its delivery has been told already; only the bytes are left.
                    let packet = self.packets.remove(packet);
                    self.arena.free(packet.block);
                    LostInput::Packet {
                        header: packet.header,
                        meta: packet.meta,
                    }
                }
                Item::Timer { timer, stamp } => {
                    let name = TimerName::timer(node, timer);
                    if let Some(armed) = self.timers.get_mut(name)
                        && armed.stands(State::Queued)
                        && armed.stamp() == stamp
                    {
                        self.timers.remove(name);
                    }
                    LostInput::Timer(timer)
                }
                Item::Command(token) => LostInput::Command(token),
            };
            self.after.push(After::InputLost { node, input });
        }
        while let Some(effect) = cpu.undefer(&mut self.effects) {
            self.after.push(After::EffectLost { node, effect });
        }
        cpu.halt(now, waited_ns);
    }

    /// Gives the power back. What the node does then is the host's business.
    pub(crate) fn restart(&mut self, node: NodeId) {
        if self.is_node(node) {
            self.nodes[node.0 as usize].config &= !DOWN;
        }
    }

    /// Lets a node's processor hang for `span`: what it is busy with and what it has not released
    /// comes that much later.
    pub(crate) fn stall(&mut self, node: NodeId, span: SimDuration) {
        if !self.is_node(node) || self.is_down(node) {
            return;
        }
        let now = self.now;
        let until = now.max(self.cpu_mut(node).busy_until);
        let Some(until) = until.checked_add(span) else {
            self.fail(EngineError::TimeOverflow {
                at: now,
                entity: node.0,
            });
            return;
        };
        let cpu = &mut self.cpus[self.nodes[node.0 as usize].cpu as usize];
        cpu.extend(now, until);
        cpu.postpone(&mut self.effects, span);
    }

    /// How long a node's processor still has to work on what it has taken.
    pub(crate) fn busy_left(&self, node: NodeId) -> SimDuration {
        let until = self.cpu(node).map_or(SimTime::ZERO, |cpu| cpu.busy_until);
        until.since(self.now)
    }
}
