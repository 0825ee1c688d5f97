//! Queueing statistics of nodes and links, accumulated as integers.
//!
//! Sums are exact and independent of the order of additions. Means are left to the reader of the
//! statistics: by Little's law the mean number in system is `in_system_ns / elapsed_ns`.

use std::ops::Sub;

/// Counters of one node since the start or the last [`crate::Engine::reset_stats`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct NodeStats {
    /// Packets that arrived at the powered node, dropped ones included.
    pub arrivals: u64,
    /// Packets dropped because the backlog was full.
    pub drops: u64,
    /// Packets taken by the CPU.
    pub served: u64,
    /// Sum of the waiting times of the packets taken by the CPU.
    pub wait_ns: u128,
    /// Sum over the packets taken by the CPU of waiting plus service time, service that lies in the
    /// future included.
    pub sojourn_ns: u128,
    /// Time during which the CPU was busy, for whatever reason.
    pub busy_ns: u128,
    /// Integral over time of the number of packets waiting or in service.
    pub in_system_ns: u128,
}

/// Counters of one link direction since the start or the last [`crate::Engine::reset_stats`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LinkStats {
    /// Packets offered to the link.
    pub offered: u64,
    /// Packets that left towards the far end, copies not counted.
    pub passed: u64,
    /// Packets lost.
    pub lost: u64,
    /// Packets that found the queue full.
    pub queue_drops: u64,
    /// Packets longer than the MTU.
    pub mtu_drops: u64,
    /// Packets with changed bits, dropped or delivered.
    pub corrupted: u64,
    /// Packets of these that the link's checksum found and dropped.
    pub corrupt_drops: u64,
    /// Packets that arrive twice.
    pub duplicated: u64,
    /// Transmissions on the medium: every frame of a packet, repetitions by the link included.
    pub frames: u64,
    /// Packets destroyed by other transmissions on a shared medium.
    pub collided: u64,
    /// Packets that were accepted by the queue.
    pub queued: u64,
    /// Sum of their waiting times before serialisation.
    pub wait_ns: u128,
    /// Sum of their waiting plus serialisation times.
    pub sojourn_ns: u128,
    /// Time during which the link was sending.
    pub busy_ns: u128,
    /// Integral over time of the number of packets waiting or being sent.
    pub in_system_ns: u128,
}

impl Sub for NodeStats {
    type Output = Self;

    /// What was added since `earlier`, a state of the same counters.
    fn sub(self, earlier: Self) -> Self {
        Self {
            arrivals: self.arrivals - earlier.arrivals,
            drops: self.drops - earlier.drops,
            served: self.served - earlier.served,
            wait_ns: self.wait_ns - earlier.wait_ns,
            sojourn_ns: self.sojourn_ns - earlier.sojourn_ns,
            busy_ns: self.busy_ns - earlier.busy_ns,
            in_system_ns: self.in_system_ns - earlier.in_system_ns,
        }
    }
}

impl Sub for LinkStats {
    type Output = Self;

    /// What was added since `earlier`, a state of the same counters.
    fn sub(self, earlier: Self) -> Self {
        Self {
            offered: self.offered - earlier.offered,
            passed: self.passed - earlier.passed,
            lost: self.lost - earlier.lost,
            queue_drops: self.queue_drops - earlier.queue_drops,
            mtu_drops: self.mtu_drops - earlier.mtu_drops,
            corrupted: self.corrupted - earlier.corrupted,
            corrupt_drops: self.corrupt_drops - earlier.corrupt_drops,
            duplicated: self.duplicated - earlier.duplicated,
            frames: self.frames - earlier.frames,
            collided: self.collided - earlier.collided,
            queued: self.queued - earlier.queued,
            wait_ns: self.wait_ns - earlier.wait_ns,
            sojourn_ns: self.sojourn_ns - earlier.sojourn_ns,
            busy_ns: self.busy_ns - earlier.busy_ns,
            in_system_ns: self.in_system_ns - earlier.in_system_ns,
        }
    }
}
