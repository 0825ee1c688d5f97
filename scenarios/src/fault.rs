//! Faults as a scenario declares them: whom they strike, when, and what they do.
//!
//! [`crate::reader`] makes these values, [`crate::host`] carries them out.

use sim_engine::{Direction, Law};

/// A fault of the world.
#[derive(Clone, Debug)]
pub struct FaultSpec {
    /// Its name.
    pub name: String,
    /// The nodes that it strikes; none for faults of links.
    pub target: Option<Members>,
    /// When it strikes.
    pub trigger: Trigger,
    /// What it does.
    pub effect: Effect,
}

/// Consecutive members of a group of nodes, or of the links of a link group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Members {
    /// The group: its place in the scenario's list of groups or of links.
    pub group: usize,
    /// The first member.
    pub first: u32,
    /// How many, from 1.
    pub count: u32,
}

impl Members {
    /// Whether a member of a group is one of these.
    #[must_use]
    pub const fn contains(&self, group: usize, member: u32) -> bool {
        self.group == group && member >= self.first && member - self.first < self.count
    }
}

/// When a fault strikes.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// At instants after the start of the run, ns; one draw per place and instant.
    At(Vec<Law>),
    /// Again and again at each place, with these intervals, ns, until the run's duration is over.
    Process(Law),
    /// At a moment of the protocol's run.
    When(Selector),
}

/// A moment of the protocol's run: the n-th message or durable write that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Whose messages or writes are counted, each node on its own; `None`: the target's.
    pub node: Option<Members>,
    /// What is counted.
    pub what: What,
    /// Which one, from 1; `None`: every one.
    pub nth: Option<u64>,
    /// The moment of the message's life.
    pub point: Point,
}

/// What a selector counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Messages of these names: places in the protocol's layouts.
    Messages(Vec<usize>),
    /// One packet, by what its identifier in `messages.csv` is made of.
    Packet(PacketName),
    /// Durable writes.
    Writes,
}

/// The parts of a packet's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketName {
    /// The link group and its member.
    pub link: (usize, u32),
    /// The direction of travel.
    pub direction: Direction,
    /// The sender's group and member.
    pub sender: (usize, u32),
    /// Its number among the sender's packets on this link and direction, from 0.
    pub number: u64,
}

/// A moment of a message's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// It has just been handed to the link; effects behind it are not released yet.
    Sent,
    /// The receiver is about to handle it.
    Received,
    /// The receiver has handled it and has released all effects of that.
    Handled,
}

impl Point {
    /// All, in the order of lists.
    pub const ALL: [Self; 3] = [Self::Sent, Self::Received, Self::Handled];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Handled => "handled",
        }
    }
}

/// What a fault does.
#[derive(Clone, Debug)]
pub enum Effect {
    /// The node loses power; `None`: for good.
    Crash {
        /// From the loss of power to its return, ns.
        downtime: Option<Law>,
    },
    /// The node loses power and gets it back.
    Reboot {
        /// From the loss of power to its return, ns.
        downtime: Law,
    },
    /// The node loses power and comes back with the durable storage of an earlier time.
    Rollback {
        /// Which earlier time.
        to: Snapshot,
        /// From the loss of power to its return, ns.
        downtime: Law,
    },
    /// The node loses power in its next durable write.
    TornWrite {
        /// The moment of the write.
        point: WritePoint,
        /// Bytes that land of a torn write; `None`: drawn.
        bytes: Option<u64>,
        /// From the loss of power to its return, ns.
        downtime: Law,
    },
    /// The node's processor hangs.
    Stuck {
        /// For how long, ns.
        span: Law,
    },
    /// The node's battery is empty: it loses power for good.
    BatteryDeath,
    /// The node's clock jumps.
    ClockStep {
        /// How far, ns; may be negative.
        by: Law,
    },
    /// Links carry nothing.
    LinkDown {
        /// The links.
        links: Members,
        /// The direction that is cut; `None`: both.
        direction: Option<Direction>,
        /// For how long, ns; `None`: for good.
        span: Option<Law>,
    },
    /// Nodes of different sets do not reach each other.
    Partition {
        /// The sets; a node in none of them keeps all its links.
        sets: Vec<Vec<Members>>,
        /// Only what goes from an earlier set to a later one is cut.
        one_way: bool,
        /// For how long, ns; `None`: for good.
        span: Option<Law>,
    },
}

impl Effect {
    /// The names of all kinds, in the order of lists.
    pub const KINDS: [&'static str; 9] = [
        "crash",
        "reboot",
        "rollback",
        "torn-write",
        "stuck",
        "battery-death",
        "clock-step",
        "link-down",
        "partition",
    ];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Crash { .. } => "crash",
            Self::Reboot { .. } => "reboot",
            Self::Rollback { .. } => "rollback",
            Self::TornWrite { .. } => "torn-write",
            Self::Stuck { .. } => "stuck",
            Self::BatteryDeath => "battery-death",
            Self::ClockStep { .. } => "clock-step",
            Self::LinkDown { .. } => "link-down",
            Self::Partition { .. } => "partition",
        }
    }

    /// Whether it is about links, not about nodes.
    #[must_use]
    pub const fn is_of_links(&self) -> bool {
        matches!(self, Self::LinkDown { .. } | Self::Partition { .. })
    }
}

/// An earlier state of a node's durable storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// That of the start.
    First,
    /// That of so long before the loss of power, ns.
    Age(u64),
    /// That of when the session began that is so many successful ones of the node back.
    Sessions(u64),
    /// That of an instant after the start of the run, ns.
    At(u64),
}

/// A moment of a durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePoint {
    /// Before its first byte.
    Before,
    /// After a part of its bytes.
    Torn,
    /// After its last byte, before the next effect of the call.
    AfterWrite,
    /// After the last effect of the call.
    After,
}

impl WritePoint {
    /// All, in the order of lists.
    pub const ALL: [Self; 4] = [Self::Before, Self::Torn, Self::AfterWrite, Self::After];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Torn => "torn",
            Self::AfterWrite => "after-write",
            Self::After => "after",
        }
    }
}
