//! What is known about a packet, and how its life on a link can end.

use crate::id::{Direction, LinkId, NodeId};
use crate::time::SimTime;

/// How the life of a packet on a link ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fate {
    /// Reached the node's CPU or its waiting line.
    Delivered,
    /// Lost on the link.
    Lost,
    /// Found the link's queue full.
    QueueDrop,
    /// Found the node's backlog full.
    BacklogDrop,
    /// Longer than the link's MTU.
    MtuDrop,
    /// Destroyed by another transmission on a shared medium.
    Collided,
    /// Bits were changed: found by the link's checksum (dropped), or delivered where there is none.
    Corrupted,
    /// Delivered: a further copy made by the link.
    Duplicated,
    /// Dropped by an adversary.
    AdversaryDrop,
    /// Delivered after an adversary changed it.
    AdversaryModified,
    /// Delivered: a packet that an adversary put on the link.
    Injected,
    /// Arrived at a node without power.
    NodeDown,
}

impl Fate {
    /// The name in result files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::QueueDrop => "queue-drop",
            Self::BacklogDrop => "backlog-drop",
            Self::MtuDrop => "mtu-drop",
            Self::Collided => "collided",
            Self::Corrupted => "corrupted",
            Self::Duplicated => "duplicated",
            Self::AdversaryDrop => "adversary-drop",
            Self::AdversaryModified => "adversary-modified",
            Self::Injected => "injected",
            Self::NodeDown => "node-down",
        }
    }
}

/// The engine's own knowledge of one packet.
///
/// `(link, direction, sender, number, copy)` names the packet for good: it depends on nothing but
/// what this sender sent before on this link and direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketMeta {
    /// The link that carries it.
    pub link: LinkId,
    /// The direction it travels in.
    pub direction: Direction,
    /// The entity that put it on the link: a node's number, or that of an adversary, which is at
    /// least [`crate::order::TAP_ENTITY_BASE`].
    pub sender: u32,
    /// This sender's count of earlier packets on this link and direction.
    pub number: u64,
    /// 0 for the packet itself, from 1 for copies of it.
    pub copy: u8,
    /// When it was offered to the link.
    pub sent: SimTime,
    /// When it reached the far end; equal to `sent` as long as it has not.
    pub arrived: SimTime,
    /// Its length in bytes.
    pub bytes_len: u32,
}

/// The end of a packet's life on a link.
#[derive(Clone, Copy, Debug)]
pub struct PacketEnd<'a, H> {
    /// The host's own metadata.
    pub header: &'a H,
    /// The engine's metadata.
    pub meta: &'a PacketMeta,
    /// The bytes as they were at the end.
    pub bytes: &'a [u8],
    /// How it ended.
    pub fate: Fate,
    /// The node at the far end.
    pub to: NodeId,
    /// When it ended.
    pub at: SimTime,
    /// When the packet reached the far end, `None` if it never did.
    pub arrived: Option<SimTime>,
}
