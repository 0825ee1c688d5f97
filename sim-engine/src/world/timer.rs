//! Timers and control events: arming, cancelling, expiry.

use super::World;
use crate::error::EngineError;
use crate::id::{NodeId, TimerId};
use crate::order::{Class, EventKey};
use crate::queue::Payload;
use crate::time::{SimDuration, SimTime};
use crate::timers::{Armed, State, TimerName};

impl<P: Copy, E: Copy> World<P, E> {
    /// Arms a protocol timer of a node, replacing an earlier one of the same name.
    #[inline]
    pub(crate) fn arm(&mut self, node: NodeId, timer: TimerId, after: SimDuration) {
        let at = self.at(node, after);
        let Some(state) = self.nodes.get(node.0 as usize) else {
            self.is_node(node);
            return;
        };
        if !state.is_down() {
            let incarnation = state.incarnation;
            let name = TimerName::timer(node, timer);
            self.arm_named(node, name, (node, timer), at, Class::Timer, incarnation);
        }
    }

    /// Arms a control event of an owner, replacing an earlier one of the same name.
    pub(crate) fn arm_control(
        &mut self,
        origin: NodeId,
        owner: NodeId,
        control: TimerId,
        at: SimTime,
        class: Class,
    ) {
        if at < self.now {
            self.fail(EngineError::TimeInPast {
                at: self.now,
                wanted: at,
                entity: origin.0,
            });
            return;
        }
        if at > SimTime::LAST {
            self.fail(EngineError::TimeOverflow {
                at: self.now,
                entity: origin.0,
            });
            return;
        }
        let name = TimerName::control(owner, control);
        self.arm_named(origin, name, (owner, control), at, class, 0);
    }

    #[inline]
    fn arm_named(
        &mut self,
        origin: NodeId,
        name: TimerName,
        (entity, timer): (NodeId, TimerId),
        at: SimTime,
        class: Class,
        incarnation: u16,
    ) {
        let stamp = self.next_seq(origin);
        if self.is_foreign(entity) {
            return;
        }
        let key = EventKey::new(at, class, origin.0, stamp);
        let payload = Payload {
            node: entity.0,
            data: timer.key,
            tag: u32::from(timer.kind),
        };
        let handle = self.timers.place(name);
        let armed = self.timers.at(handle);
        if armed.stands(State::Pending) {
            self.queue.cancel(handle, armed.due);
        }
        armed.due = key;
        armed.incarnation = incarnation;
        armed.put(State::Pending);
        self.queue.push_tracked(key, payload, handle);
    }

    /// Takes over a timer of another world as it stands there.
    pub(crate) fn adopt_timer(&mut self, name: TimerName, theirs: &Armed, payload: Payload) {
        let handle = self.timers.place(name);
        let armed = self.timers.at(handle);
        if armed.stands(State::Pending) {
            self.queue.cancel(handle, armed.due);
        }
        armed.take_over(theirs);
        if theirs.stands(State::Pending) {
            self.queue.push_tracked(theirs.due, payload, handle);
        }
    }

    /// Disarms a timer. An expiry that waits for the CPU becomes void.
    pub(crate) fn disarm(&mut self, name: TimerName) {
        if let Some((handle, old)) = self.timers.remove(name)
            && old.stands(State::Pending)
        {
            self.queue.cancel(handle, old.due);
        }
    }

    /// Whether the name is armed, or expired and waiting for the CPU.
    pub(crate) fn is_armed(&mut self, node: NodeId, timer: TimerId) -> bool {
        let incarnation = self
            .nodes
            .get(node.0 as usize)
            .map(|state| state.incarnation);
        self.timers
            .get_mut(TimerName::timer(node, timer))
            .is_some_and(|armed| {
                !armed.stands(State::Fired) && Some(armed.incarnation) == incarnation
            })
    }
}
