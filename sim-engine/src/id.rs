//! Small integer names of the things in the world.
//!
//! The numbers are dense handles given out by the engine; what identifies a thing across runs is
//! its structural name (see [`crate::rng::StreamName`]), never its number.

use std::fmt;

/// An entity: a node, or, where the documentation says so, a control owner chosen by the host.
///
/// Nodes are numbered from 0 in the order of their creation. Control owners that are no nodes
/// follow densely above them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u32);

/// A link, numbered from 0 in the order of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkId(pub u32);

/// A set of link parameters shared by any number of link directions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkClass(pub u16);

/// One of the two directions of a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// From link end `a` to end `b`.
    Up,
    /// From link end `b` to end `a`.
    Down,
}

impl Direction {
    /// `"up"` or `"down"`, as written in result files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// The other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    /// 0 for [`Direction::Up`], 1 for [`Direction::Down`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Up => 0,
            Self::Down => 1,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of directions of one link.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DirectionMask {
    /// Contains [`Direction::Up`].
    pub up: bool,
    /// Contains [`Direction::Down`].
    pub down: bool,
}

impl DirectionMask {
    /// Both directions.
    pub const BOTH: Self = Self {
        up: true,
        down: true,
    };
    /// Only [`Direction::Up`].
    pub const UP: Self = Self {
        up: true,
        down: false,
    };
    /// Only [`Direction::Down`].
    pub const DOWN: Self = Self {
        up: false,
        down: true,
    };

    /// Whether `direction` belongs to the set.
    #[must_use]
    pub const fn contains(self, direction: Direction) -> bool {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

/// The name of a timer within its node (or of a control event within its owner).
///
/// Arming a name again replaces what it stood for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TimerId {
    /// What the timer is for, in the host's own numbering.
    pub kind: u8,
    /// Which of its kind, for instance a session's number.
    pub key: u32,
}
