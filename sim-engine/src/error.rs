//! What can stop a run.

use std::error::Error;
use std::fmt;

use crate::id::{Direction, LinkId, NodeId};
use crate::order::Class;
use crate::time::SimTime;

/// A run cannot go on. Whatever happened before stays valid; the engine must not be run further.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// Events kept scheduling events for their own instant.
    RoundCycle {
        /// The instant that does not end.
        at: SimTime,
        /// Rounds handled at this instant.
        rounds: u32,
        /// Class and origin of the first events of the next round: the members of the cycle.
        members: Vec<(Class, u32)>,
    },
    /// An entity scheduled more than 2^32 events.
    SequenceOverflow {
        /// Its number.
        entity: u32,
    },
    /// An event was scheduled beyond the last instant.
    TimeOverflow {
        /// When it was scheduled.
        at: SimTime,
        /// The entity that scheduled it.
        entity: u32,
    },
    /// An event was scheduled for an instant that has passed.
    TimeInPast {
        /// The current instant.
        at: SimTime,
        /// The instant asked for.
        wanted: SimTime,
        /// The entity that scheduled it.
        entity: u32,
    },
    /// An adversary's verdict needs a power that it was not granted.
    VerdictOutsidePowers {
        /// The tap.
        tap: u32,
        /// The link.
        link: LinkId,
        /// The power that is missing.
        power: &'static str,
    },
    /// A node sent on a link direction that does not start at it.
    NotAnEnd {
        /// The node.
        node: NodeId,
        /// The link.
        link: LinkId,
        /// The direction.
        direction: Direction,
    },
    /// A number names nothing in this world.
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// The number.
        number: u32,
    },
    /// More entities than an event key can name.
    TooManyEntities,
    /// A payload longer than [`crate::arena::PAYLOAD_MAX_BYTES`].
    PayloadTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A node crashed more often than its incarnation number can count.
    TooManyCrashes {
        /// The node.
        node: NodeId,
    },
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoundCycle {
                at,
                rounds,
                members,
            } => {
                write!(
                    f,
                    "time stands still at {at}: {rounds} rounds of events, among them"
                )?;
                for (position, (class, origin)) in members.iter().enumerate() {
                    let comma = if position == 0 { "" } else { "," };
                    write!(f, "{comma} {class} events of entity {origin}")?;
                }
                Ok(())
            }
            Self::SequenceOverflow { entity } => {
                write!(f, "entity {entity} scheduled more than 2^32 events")
            }
            Self::TimeOverflow { at, entity } => {
                write!(
                    f,
                    "entity {entity} scheduled an event beyond the end of time at {at}"
                )
            }
            Self::TimeInPast { at, wanted, entity } => {
                write!(f, "entity {entity} scheduled an event for {wanted} at {at}")
            }
            Self::VerdictOutsidePowers { tap, link, power } => {
                write!(
                    f,
                    "the adversary at tap {tap} lacks the power `{power}` on link {}",
                    link.0
                )
            }
            Self::NotAnEnd {
                node,
                link,
                direction,
            } => {
                write!(
                    f,
                    "node {} is not the start of link {} {direction}",
                    node.0, link.0
                )
            }
            Self::Unknown { what, number } => write!(f, "there is no {what} {number}"),
            Self::TooManyEntities => f.write_str("too many entities for one world"),
            Self::PayloadTooLong { bytes } => write!(f, "a payload of {bytes} bytes is too long"),
            Self::TooManyCrashes { node } => write!(f, "node {} crashed too often", node.0),
        }
    }
}

impl Error for EngineError {}
