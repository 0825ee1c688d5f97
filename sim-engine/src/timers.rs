//! Which timers are armed: an open-addressing table keyed by (entity, name).
//!
//! One table serves the whole world, so an idle node has no list of its own. Collisions are
//! resolved by linear probing; removal shifts the following entries back, so no tombstones
//! accumulate. The table is never iterated, so its layout decides nothing.

use crate::fingerprint::fold;
use crate::id::{NodeId, TimerId};
use crate::slab::NONE;

/// A timer's full name. Control events of the host have a name space of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerName {
    node: u32,
    key: u32,
    tag: u16,
}

/// Set in `tag` of control events.
const CONTROL_TAG: u16 = 1 << 8;
/// `tag` of an empty place; no timer has it.
const EMPTY_TAG: u16 = u16::MAX;

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

/// Handle of a timer that has expired and waits for the CPU.
pub(crate) const QUEUED: u32 = NONE;
/// Handle of a timer whose expiry is being handled. It is no longer armed, but keeps its place, as
/// most handlers arm the same timer again.
pub(crate) const FIRED: u32 = NONE - 1;

/// The state of an armed timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Armed {
    /// Handle of the pending expiry, or [`QUEUED`], or [`FIRED`].
    pub(crate) handle: u32,
    /// Tells this arming from later ones of the same name.
    pub(crate) stamp: u32,
    /// Incarnation of the node that armed it.
    pub(crate) incarnation: u16,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    name: TimerName,
    armed: Armed,
}

const EMPTY: Place = Place {
    name: TimerName {
        node: 0,
        key: 0,
        tag: EMPTY_TAG,
    },
    armed: Armed {
        handle: NONE,
        stamp: 0,
        incarnation: 0,
    },
};

/// All armed timers of a world.
#[derive(Clone, Debug)]
pub(crate) struct TimerTable {
    /// A power of two of places, at most three quarters in use.
    places: Vec<Place>,
    used: usize,
    /// Where the last search ended: the handler of an expiry mostly arms the same timer again.
    last: usize,
}

impl TimerTable {
    pub(crate) fn new() -> Self {
        Self {
            places: vec![EMPTY; 16],
            used: 0,
            last: 0,
        }
    }

    /// How many timers are armed or wait for a CPU.
    pub(crate) const fn len(&self) -> usize {
        self.used
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, name: TimerName) -> Option<&mut Armed> {
        let index = self.find(name).ok()?;
        Some(&mut self.places[index].armed)
    }

    /// Sets the state of a timer and returns the one it replaces.
    #[inline]
    pub(crate) fn insert(&mut self, name: TimerName, armed: Armed) -> Option<Armed> {
        if (self.used + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        match self.find(name) {
            Ok(index) => Some(std::mem::replace(&mut self.places[index].armed, armed)),
            Err(index) => {
                self.places[index] = Place { name, armed };
                self.used += 1;
                None
            }
        }
    }

    /// Forgets a timer whose expiry was handled, unless it was armed again.
    #[inline]
    pub(crate) fn remove_fired(&mut self, name: TimerName) {
        if let Ok(index) = self.find(name)
            && self.places[index].armed.handle == FIRED
        {
            self.remove(name);
        }
    }

    /// Forgets a timer and returns its state.
    #[inline]
    pub(crate) fn remove(&mut self, name: TimerName) -> Option<Armed> {
        let found = self.find(name).ok()?;
        let armed = self.places[found].armed;
        self.used -= 1;
        let mask = self.places.len() - 1;
        let mut hole = found;
        let mut index = found;
        loop {
            index = (index + 1) & mask;
            let place = self.places[index];
            if place.name.tag == EMPTY_TAG {
                break;
            }
            // An entry may fill the hole if the hole lies between its home and where it stands.
            let home = self.home(place.name);
            if (index.wrapping_sub(home) & mask) >= (index.wrapping_sub(hole) & mask) {
                self.places[hole] = place;
                hole = index;
            }
        }
        self.places[hole] = EMPTY;
        Some(armed)
    }

    /// Reads where the name most likely stands, to bring it into the cache.
    #[inline]
    pub(crate) fn touch(&self, name: TimerName) -> u32 {
        self.places[self.home(name)].armed.stamp
    }

    #[inline]
    fn home(&self, name: TimerName) -> usize {
        // The upper bits of a product are the well-mixed ones.
        (name.hash() >> 32) as usize & (self.places.len() - 1)
    }

    /// Where the name stands, or else the place where it would go.
    #[inline]
    fn find(&mut self, name: TimerName) -> Result<usize, usize> {
        // A name stands at one place only, so finding it where it was is proof enough.
        if self.places[self.last].name == name {
            return Ok(self.last);
        }
        let found = self.search(name);
        let (Ok(index) | Err(index)) = found;
        self.last = index;
        found
    }

    #[inline]
    fn search(&self, name: TimerName) -> Result<usize, usize> {
        let mask = self.places.len() - 1;
        let mut index = self.home(name);
        loop {
            let place = &self.places[index];
            if place.name == name {
                return Ok(index);
            }
            if place.name.tag == EMPTY_TAG {
                return Err(index);
            }
            index = (index + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let doubled = vec![EMPTY; self.places.len() * 2];
        for place in std::mem::replace(&mut self.places, doubled) {
            if place.name.tag != EMPTY_TAG
                && let Err(index) = self.search(place.name)
            {
                self.places[index] = place;
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

    proptest! {
        #[test]
        fn behaves_like_an_ordered_map(
            steps in prop::collection::vec((any::<bool>(), 0u32..12, 0u8..2, 0u32..12), 0..400),
        ) {
            let mut table = TimerTable::new();
            let mut model = BTreeMap::new();
            for (stamp, (insert, node, kind, key)) in (0u32..).zip(steps) {
                let name = TimerName::timer(NodeId(node), TimerId { kind, key });
                let armed = Armed { handle: stamp, stamp, incarnation: 0 };
                if insert {
                    prop_assert_eq!(
                        table.insert(name, armed),
                        model.insert((node, kind, key), armed)
                    );
                } else {
                    prop_assert_eq!(table.remove(name), model.remove(&(node, kind, key)));
                }
                prop_assert_eq!(table.len(), model.len());
            }
            for ((node, kind, key), armed) in model {
                let name = TimerName::timer(NodeId(node), TimerId { kind, key });
                prop_assert_eq!(table.get_mut(name).copied(), Some(armed));
            }
        }
    }

    #[test]
    fn keeps_control_events_apart_from_timers() {
        let mut table = TimerTable::new();
        let (node, id) = (NodeId(1), TimerId { kind: 2, key: 3 });
        let armed = Armed {
            handle: 7,
            stamp: 1,
            incarnation: 0,
        };
        table.insert(TimerName::timer(node, id), armed);
        assert_eq!(table.remove(TimerName::control(node, id)), None);
        assert_eq!(table.remove(TimerName::timer(node, id)), Some(armed));
    }
}
