//! `messages.csv`: every packet offered to a link, with its fate.

use crate::table::{table, words};

words! {
    /// What became of a packet.
    Fate {
        /// Arrived unchanged.
        Delivered = "delivered",
        /// Lost by the channel.
        Lost = "lost",
        /// Refused by the link's full queue.
        QueueDrop = "queue-drop",
        /// Refused by the receiver's full backlog.
        BacklogDrop = "backlog-drop",
        /// Longer than the link's largest frame.
        MtuDrop = "mtu-drop",
        /// Destroyed by another transmission on a shared medium.
        Collided = "collided",
        /// Arrived with bits flipped by the channel.
        Corrupted = "corrupted",
        /// An additional copy that the channel made.
        Duplicated = "duplicated",
        /// Held back for good by an adversary.
        AdversaryDrop = "adversary-drop",
        /// Arrived changed by an adversary.
        AdversaryModified = "adversary-modified",
        /// Made by an adversary, and delivered.
        Injected = "injected",
        /// The receiver was down.
        NodeDown = "node-down",
    }
}

table! {
    /// The table of packets.
    Messages, "messages.csv",
    "one row per packet and copy, in the order in which their fate is settled";
    /// One packet on one link.
    Message<'a> {
        packet: &'a str, "text", "Identifier, LINK/DIRECTION/SENDER/N; a copy has its own.";
        sent_ns: u64, "ns", "When the sender offered it to the link.";
        arrived_ns: Option<u64>, "ns", "When the receiver got it; empty if it never did.";
        link: &'a str, "text", "Link that carried it.";
        from: &'a str, "text", "Node that sent it, or the adversary that made it.";
        to: &'a str, "text", "Node it was for.";
        message: &'a str, "text", "Wire name by the protocol's layouts, or what the transport calls it (SYN, SYN-ACK, ACK, SEG, FIN, RST) where it holds no whole message; empty if none fits.";
        session: &'a str, "text", "Session whose attempt caused it; empty if none did.";
        bytes: u64, "B", "Length of the packet's bytes: the protocol's, and the transport's header where there is one.";
        fate: Fate, "text", "delivered, lost, queue-drop, backlog-drop, mtu-drop, collided, corrupted, duplicated, adversary-drop, adversary-modified, injected or node-down.";
        rule: &'a str, "text", "Adversary rule that acted on it, ADVERSARY.RULE; empty if none did.";
        transmission: Option<u64>, "count", "1 if the link's transport sent it for the first time, more for repetitions; empty without transport.";
        hop: Option<u64>, "count", "Which link of its way over relays this is, from 1; empty where relays have no part in it.";
        origin: &'a str, "text", "The packet by which it left its first sender; empty for that packet itself.";
    }
}
