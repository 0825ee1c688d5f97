//! The one total order of events.
//!
//! Events are handled in ascending `(time, round, class, origin, origin_seq)`:
//!
//! | part | why it is there, and why at this place |
//! |---|---|
//! | `time` | causes precede effects |
//! | `round` | what an event schedules for its own instant happens after everything that was already due then, so no event can slip in front of one that is being handled |
//! | `class` | the meaning of "at the same instant" is a matter of the model, not of numbering: see [`Class`] |
//! | `origin` | the entity that scheduled the event; ties between independent entities are broken by their fixed numbers, never by who was handled first |
//! | `origin_seq` | the origin's own count of scheduled events: one entity's events keep the order in which it asked for them |
//!
//! No part depends on insertion order into the queue, on memory addresses or on other entities: an
//! entity that is added gets numbers of its own, and the relative order of all others stays. Since
//! `origin_seq` is unique per origin, no two events compare equal.
//!
//! `round` is implicit: the queue holds what is scheduled for the running instant in a list of its
//! own, which becomes the next round when the current one is used up. The other parts are packed
//! into one `u128` (64 + 4 + 28 + 32 bits), whose integer order is the order above.

use std::fmt;

use crate::time::SimTime;

/// What an event is, in the order in which events of one instant and round are handled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Class {
    /// A fault of the world. First: a node that loses power at `t` does nothing at `t` any more.
    Fault = 0,
    /// A control event of the host. Before protocol activity: what happens at a deadline is late.
    Control = 1,
    /// A deferred effect becomes visible. Before new input: it was caused by earlier input.
    Release = 2,
    /// A CPU takes its next waiting input. Before deliveries: a packet that arrives at the instant
    /// at which a place becomes free finds it free, as on a link (a departure at `now` has left).
    Cpu = 3,
    /// A packet passes an adversary's tap. Before deliveries, for the tap stands before the end.
    Tap = 4,
    /// A packet arrives. Before timers: an answer that arrives at the timeout is in time.
    Delivery = 5,
    /// A protocol timer expires.
    Timer = 6,
    /// A link takes the next packet from its line. Last: whoever sends at this instant has sent. A
    /// packet that is offered meanwhile has the line looked at first, so it finds the place free of
    /// what leaves now.
    Line = 7,
    /// A shared medium moves on: a station senses, a frame begins or ends. Its number and place are
    /// free, since no outcome on a medium depends on the order within an instant.
    Medium = 8,
}

impl Class {
    /// All classes in order.
    pub const ALL: [Self; 9] = [
        Self::Fault,
        Self::Control,
        Self::Release,
        Self::Cpu,
        Self::Tap,
        Self::Delivery,
        Self::Timer,
        Self::Line,
        Self::Medium,
    ];

    /// Lower-case name for messages and event traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Control => "control",
            Self::Release => "release",
            Self::Cpu => "cpu",
            Self::Tap => "tap",
            Self::Delivery => "delivery",
            Self::Timer => "timer",
            Self::Line => "line",
            Self::Medium => "medium",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Bits of the origin within a key.
const ORIGIN_BITS: u32 = 28;
/// Bits of the origin's own sequence number within a key.
const SEQ_BITS: u32 = 32;
/// Bits of the class within a key.
const CLASS_BITS: u32 = 4;

/// The number of entities that a world can have, adversaries included.
pub const ENTITY_LIMIT: u32 = 1 << ORIGIN_BITS;
/// The first entity number of adversaries' taps; nodes and control owners are below it.
///
/// The two ranges are apart so that adding a node never renumbers an adversary.
pub const TAP_ENTITY_BASE: u32 = 1 << (ORIGIN_BITS - 1);

/// The packed order of one pending event. The smaller key is handled first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(pub u128);

impl EventKey {
    /// Packs the parts. `origin` must be below [`ENTITY_LIMIT`].
    #[must_use]
    pub const fn new(time: SimTime, class: Class, origin: u32, origin_seq: u32) -> Self {
        debug_assert!(
            origin < ENTITY_LIMIT,
            "entity numbers are checked when they are given out"
        );
        Self(
            ((time.0 as u128) << (CLASS_BITS + ORIGIN_BITS + SEQ_BITS))
                | ((class as u128) << (ORIGIN_BITS + SEQ_BITS))
                | ((origin as u128) << SEQ_BITS)
                | origin_seq as u128,
        )
    }

    /// The instant at which the event is due.
    #[must_use]
    pub const fn time(self) -> SimTime {
        SimTime((self.0 >> 64) as u64)
    }

    /// The class of the event.
    #[must_use]
    pub const fn class(self) -> Class {
        match (self.0 >> (ORIGIN_BITS + SEQ_BITS)) as u8 & 0xF {
            0 => Class::Fault,
            1 => Class::Control,
            2 => Class::Release,
            3 => Class::Cpu,
            4 => Class::Tap,
            5 => Class::Delivery,
            6 => Class::Timer,
            7 => Class::Line,
            _ => Class::Medium,
        }
    }

    /// The entity that scheduled the event.
    #[must_use]
    pub const fn origin(self) -> u32 {
        (self.0 >> SEQ_BITS) as u32 & (ENTITY_LIMIT - 1)
    }

    /// The origin's count of events scheduled before this one.
    #[must_use]
    pub const fn origin_seq(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}/{}",
            self.time(),
            self.class(),
            self.origin(),
            self.origin_seq()
        )
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_time_then_class_then_origin_then_sequence() {
        let mut keys = Vec::new();
        for time in [0, 1, u64::MAX - 1] {
            for class in Class::ALL {
                for origin in [0, 1, TAP_ENTITY_BASE, ENTITY_LIMIT - 1] {
                    for seq in [0, 1, u32::MAX] {
                        keys.push((SimTime(time), class, origin, seq));
                    }
                }
            }
        }
        assert!(keys.is_sorted());
        let packed: Vec<EventKey> = keys
            .iter()
            .map(|&(t, c, o, s)| EventKey::new(t, c, o, s))
            .collect();
        assert!(
            packed.is_sorted_by(|a, b| a < b),
            "packing keeps the order and loses nothing"
        );
        for (key, &(time, class, origin, seq)) in packed.iter().zip(&keys) {
            assert_eq!(
                (key.time(), key.class(), key.origin(), key.origin_seq()),
                (time, class, origin, seq)
            );
        }
    }

    /// The order of classes is part of the model: a change alters results and must be seen.
    #[test]
    fn the_classes_of_one_instant_stand_in_the_documented_order() {
        let names: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
        assert_eq!(
            names,
            [
                "fault", "control", "release", "cpu", "tap", "delivery", "timer", "line", "medium"
            ]
        );
        assert_eq!(
            EventKey::new(SimTime(3), Class::Delivery, 7, 9).0,
            0x0000_0000_0000_0003_5000_0007_0000_0009
        );
    }
}
