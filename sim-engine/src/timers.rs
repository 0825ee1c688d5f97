//! Which timers are armed: records with stable numbers, found by (entity, name).
//!
//! One table serves the whole world, so an idle node has no list of its own. A record's number is at
//! the same time the handle of its pending expiry in the queue, so an expiry leads to its record
//! without a search, and arming the same timer again in its own handler takes no new place. Records
//! of one hash form a chain through the records themselves. The table is never iterated, so its
//! layout decides nothing.

use crate::fingerprint::fold;
use crate::id::{NodeId, TimerId};
use crate::order::{Class, EventKey};
use crate::queue::Handle;
use crate::slab::NONE;
use crate::time::SimTime;

/// A timer's full name. Control events of the host have a name space of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerName {
    node: u32,
    key: u32,
    tag: u16,
}

/// Set in `tag` of control events.
const CONTROL_TAG: u16 = 1 << 8;

impl TimerName {
    /// A protocol timer of a node.
    pub(crate) const fn timer(node: NodeId, timer: TimerId) -> Self {
        Self {
            node: node.0,
            key: timer.key,
            tag: timer.kind as u16,
        }
    }

    /// A control event of an owner.
    pub(crate) const fn control(owner: NodeId, control: TimerId) -> Self {
        Self {
            node: owner.0,
            key: control.key,
            tag: control.kind as u16 | CONTROL_TAG,
        }
    }

    #[inline]
    const fn hash(self) -> u64 {
        fold(
            ((self.node as u64) << 32 | self.key as u64) ^ 0xA409_3822_299F_31D0,
            self.tag as u64 ^ 0x082E_FA98_EC4E_6C89,
        )
    }
}

/// Where the expiry of a timer stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum State {
    /// In the queue.
    Pending,
    /// It has expired and waits for the CPU.
    Queued,
    /// It is being handled. The timer is no longer armed, but keeps its place, as most handlers arm
    /// the same timer again.
    Fired,
    /// Nobody's: the record is free.
    Free,
}

/// A timer and the state of its expiry. Half a cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(32))]
pub(crate) struct Armed {
    /// The order of its expiry. Its sequence number tells this arming from others of the name.
    pub(crate) due: EventKey,
    node: u32,
    key: u32,
    /// The next record of the same hash, or of the free ones; [`NONE`] at the end.
    next: u32,
    /// Incarnation of the node that armed it.
    pub(crate) incarnation: u16,
    kind: u8,
    /// [`State`] in the lower bits, and [`CONTROL`].
    state: u8,
}

/// Set in `state` of control events.
const CONTROL: u8 = 1 << 7;

impl Armed {
    #[inline]
    const fn is(&self, name: TimerName) -> bool {
        self.node == name.node
            && self.key == name.key
            && self.kind == name.tag as u8
            && self.state & CONTROL == (name.tag >> 1) as u8 & CONTROL
            && self.state & !CONTROL != State::Free as u8
    }

    #[inline]
    const fn name(&self) -> TimerName {
        TimerName {
            node: self.node,
            key: self.key,
            tag: self.kind as u16 | ((self.state & CONTROL) as u16) << 1,
        }
    }

    /// Whether its expiry stands there.
    #[inline]
    pub(crate) const fn stands(&self, at: State) -> bool {
        self.state & !CONTROL == at as u8
    }

    /// Notes where its expiry stands.
    #[inline]
    pub(crate) const fn put(&mut self, at: State) {
        self.state = self.state & CONTROL | at as u8;
    }

    /// Becomes what a record of the same name in another table is.
    pub(crate) const fn take_over(&mut self, theirs: &Self) {
        self.due = theirs.due;
        self.incarnation = theirs.incarnation;
        self.state = theirs.state;
    }

    /// Tells this arming from later ones of the same name.
    #[inline]
    pub(crate) const fn stamp(&self) -> u32 {
        self.due.origin_seq()
    }
}

/// A record that was never used.
const NEVER: EventKey = EventKey::new(SimTime::ZERO, Class::Fault, 0, 0);

/// All armed timers of a world.
#[derive(Clone, Debug)]
pub(crate) struct TimerTable {
    records: Vec<Armed>,
    /// The first free record.
    free: u32,
    /// The first record of each hash: a power of two of them, at least as many as are in use.
    heads: Vec<u32>,
    used: usize,
    /// What was touched last: the handler of an expiry mostly arms the same timer again.
    last: u32,
}

impl TimerTable {
    pub(crate) fn new() -> Self {
        Self {
            records: Vec::new(),
            free: NONE,
            heads: vec![NONE; 16],
            used: 0,
            last: NONE,
        }
    }

    /// How many timers are armed or wait for a CPU.
    pub(crate) const fn len(&self) -> usize {
        self.used
    }

    /// The record of a timer.
    #[inline]
    pub(crate) fn find(&mut self, name: TimerName) -> Option<Handle> {
        // A name stands at one place only, so finding it where it was is proof enough.
        if let Some(record) = self.records.get(self.last as usize)
            && record.is(name)
        {
            return Some(Handle(self.last));
        }
        let found = self.search(name)?;
        self.last = found;
        Some(Handle(found))
    }

    /// The state of a timer by its name.
    #[inline]
    pub(crate) fn get_mut(&mut self, name: TimerName) -> Option<&mut Armed> {
        let Handle(found) = self.find(name)?;
        Some(&mut self.records[found as usize])
    }

    /// The state of the timer whose expiry was in the queue under this handle.
    #[inline]
    pub(crate) fn at(&mut self, handle: Handle) -> &mut Armed {
        self.last = handle.0;
        &mut self.records[handle.0 as usize]
    }

    /// The record of a timer, made if there is none; it then says that it has fired.
    #[inline]
    pub(crate) fn place(&mut self, name: TimerName) -> Handle {
        match self.find(name) {
            Some(handle) => handle,
            None => self.insert(name),
        }
    }

    fn insert(&mut self, name: TimerName) -> Handle {
        if self.used == self.heads.len() {
            self.grow();
        }
        let head = self.home(name);
        let record = Armed {
            due: NEVER,
            node: name.node,
            key: name.key,
            next: self.heads[head],
            incarnation: 0,
            kind: name.tag as u8,
            state: (name.tag >> 1) as u8 & CONTROL | State::Fired as u8,
        };
        let index = if self.free == NONE {
            let index = u32::try_from(self.records.len())
                .ok()
                .filter(|&index| index < Handle::LIMIT)
                .expect("2^32 pending timers exceed the memory of any supported machine");
            self.records.push(record);
            index
        } else {
            let index = self.free;
            self.free = self.records[index as usize].next;
            self.records[index as usize] = record;
            index
        };
        self.heads[head] = index;
        self.used += 1;
        self.last = index;
        Handle(index)
    }

    /// Forgets a timer whose expiry was handled, unless it was armed again.
    #[inline]
    pub(crate) fn remove_fired(&mut self, handle: Handle) {
        if self.records[handle.0 as usize].stands(State::Fired) {
            self.remove_at(handle);
        }
    }

    /// Forgets a timer and returns its state, with the handle under which its expiry may be pending.
    #[inline]
    pub(crate) fn remove(&mut self, name: TimerName) -> Option<(Handle, Armed)> {
        let handle = self.find(name)?;
        Some((handle, self.remove_at(handle)))
    }

    /// Forgets the timer at a handle and returns its state.
    pub(crate) fn remove_at(&mut self, handle: Handle) -> Armed {
        let armed = self.records[handle.0 as usize];
        let head = self.home(armed.name());
        if self.heads[head] == handle.0 {
            self.heads[head] = armed.next;
        } else {
            let mut before = self.heads[head];
            while self.records[before as usize].next != handle.0 {
                before = self.records[before as usize].next;
            }
            self.records[before as usize].next = armed.next;
        }
        let record = &mut self.records[handle.0 as usize];
        record.put(State::Free);
        record.next = self.free;
        self.free = handle.0;
        self.used -= 1;
        armed
    }

    /// Reads a record, to bring it into the cache.
    #[inline]
    pub(crate) fn touch(&self, handle: u32) -> u32 {
        let record = self.records.get(handle as usize);
        record.map_or(0, |record| record.key)
    }

    #[inline]
    fn home(&self, name: TimerName) -> usize {
        // The upper bits of a product are the well-mixed ones.
        (name.hash() >> 32) as usize & (self.heads.len() - 1)
    }

    fn search(&self, name: TimerName) -> Option<u32> {
        let mut index = self.heads[self.home(name)];
        while index != NONE {
            let record = &self.records[index as usize];
            if record.is(name) {
                return Some(index);
            }
            index = record.next;
        }
        None
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.heads);
        self.heads = vec![NONE; old.len() * 2];
        for mut index in old {
            while index != NONE {
                let record = self.records[index as usize];
                let head = self.home(record.name());
                self.records[index as usize].next = self.heads[head];
                self.heads[head] = index;
                index = record.next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn arm(table: &mut TimerTable, name: TimerName, stamp: u32) -> Option<u32> {
        let handle = table.place(name);
        let armed = table.at(handle);
        let before = armed.stands(State::Pending).then(|| armed.stamp());
        armed.due = EventKey::new(SimTime::ZERO, Class::Timer, 0, stamp);
        armed.put(State::Pending);
        before
    }

    proptest! {
        #[test]
        fn behaves_like_an_ordered_map(
            steps in prop::collection::vec((any::<bool>(), 0u32..12, 0u8..2, 0u32..12), 0..400),
        ) {
            let mut table = TimerTable::new();
            let mut model = BTreeMap::new();
            for (stamp, (insert, node, kind, key)) in (0u32..).zip(steps) {
                let name = TimerName::timer(NodeId(node), TimerId { kind, key });
                if insert {
                    prop_assert_eq!(
                        arm(&mut table, name, stamp),
                        model.insert((node, kind, key), stamp)
                    );
                } else {
                    let removed = table.remove(name).map(|(_, armed)| armed.stamp());
                    prop_assert_eq!(removed, model.remove(&(node, kind, key)));
                }
                prop_assert_eq!(table.len(), model.len());
            }
            for ((node, kind, key), stamp) in model {
                let name = TimerName::timer(NodeId(node), TimerId { kind, key });
                let handle = table.find(name).unwrap();
                prop_assert_eq!(table.at(handle).stamp(), stamp);
                prop_assert_eq!(table.get_mut(name).map(|armed| armed.stamp()), Some(stamp));
            }
        }
    }

    #[test]
    fn keeps_control_events_apart_from_timers() {
        let mut table = TimerTable::new();
        let (node, id) = (NodeId(1), TimerId { kind: 2, key: 3 });
        arm(&mut table, TimerName::timer(node, id), 7);
        assert!(table.remove(TimerName::control(node, id)).is_none());
        arm(&mut table, TimerName::control(node, id), 8);
        assert_eq!(
            table.get_mut(TimerName::timer(node, id)).unwrap().stamp(),
            7
        );
        assert_eq!(
            table
                .remove(TimerName::control(node, id))
                .unwrap()
                .1
                .stamp(),
            8
        );
        assert_eq!(
            table.remove(TimerName::timer(node, id)).unwrap().1.stamp(),
            7
        );
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_record_is_used_again_and_half_a_cache_line() {
        let mut table = TimerTable::new();
        for turn in 0..100 {
            let name = TimerName::timer(NodeId(turn), TimerId { kind: 0, key: turn });
            arm(&mut table, name, turn);
            assert!(table.remove(name).is_some());
        }
        assert_eq!(table.records.len(), 1);
        assert_eq!(size_of::<Armed>(), 32);
    }

    #[test]
    fn what_was_armed_again_while_it_fired_stays() {
        let mut table = TimerTable::new();
        let name = TimerName::timer(NodeId(4), TimerId { kind: 0, key: 1 });
        arm(&mut table, name, 1);
        let handle = table.find(name).unwrap();
        table.at(handle).put(State::Fired);
        arm(&mut table, name, 2);
        table.remove_fired(handle);
        assert_eq!(table.len(), 1);
        table.at(handle).put(State::Fired);
        table.remove_fired(handle);
        assert_eq!(table.len(), 0);
        assert!(table.find(name).is_none());
    }
}
