//! The draws of one packet: which of its eight slots is for what.
//!
//! The numbers are part of the contract of reproducibility: a slot must never change its meaning.

use crate::id::Direction;
use crate::rng::{StreamName, Streams};

/// Loss of the packet.
pub(crate) const LOSS: usize = 0;
/// Step of the burst-loss chain, or its first state.
pub(crate) const CHAIN: usize = 1;
/// Whether bits are flipped.
pub(crate) const CORRUPT: usize = 2;
/// Which bits are flipped.
pub(crate) const CORRUPT_BITS: usize = 3;
/// Whether a copy is made.
pub(crate) const DUPLICATE: usize = 4;
/// Propagation delay.
pub(crate) const DELAY: usize = 5;
/// Jitter.
pub(crate) const JITTER: usize = 6;

/// Pages are further blocks of the same packet. Page 0 holds the slots above; page *n* the same
/// slots for the packet's *n*-th transmission of a frame, repetitions included.
///
/// First page of acknowledgements, one per transmission.
pub(crate) const ACK_PAGE: u16 = 0x4000;
/// On such a page: whether the acknowledgement is lost.
pub(crate) const ACK: usize = 0;
/// The page of what happens to a packet as a whole.
pub(crate) const LINK_PAGE: u16 = 0x8000;
/// On that page: whether random early detection drops it.
pub(crate) const RED: usize = 0;
/// On that page: whether it leaves its place in the order.
pub(crate) const REORDER: usize = 1;
/// On that page: for how long it is held back.
pub(crate) const HELD_FOR: usize = 2;

/// Sender's name of a packet that the node at the start of the direction sent: the link and the
/// direction already say who it is.
pub(crate) const OWN_END: u64 = 0;

/// One packet's draws. Nothing is computed unless a slot is asked for.
pub(crate) struct PacketDraws<'a> {
    pub(crate) streams: &'a mut Streams,
    pub(crate) link_name: u64,
    pub(crate) direction: Direction,
    pub(crate) sender_name: u64,
    pub(crate) number: u64,
    pub(crate) copy: u8,
    /// Which block of the packet; 0 unless it is sent in frames or needs rare draws.
    pub(crate) page: u16,
}

impl PacketDraws<'_> {
    /// The 64 random bits of a slot.
    #[inline]
    pub(crate) fn slot(&mut self, slot: usize) -> u64 {
        let within = u32::from(self.page) << 16 | u32::from(self.copy);
        let stream = StreamName::link(self.link_name, self.direction, self.sender_name, within);
        self.streams.block(stream, self.number)[slot]
    }
}

impl StreamName {
    /// The stream of one sender's packets on one link direction.
    ///
    /// Computed for every packet that draws, hence one multiplication instead of a chain: all parts
    /// but the link's own digest are small or digests themselves.
    #[inline]
    const fn link(link_name: u64, direction: Direction, sender_name: u64, within: u32) -> u64 {
        let small = (direction.index() as u64) << 8 | within as u64;
        crate::fingerprint::fold(
            link_name ^ 0x1F83_D9AB_FB41_BD6B,
            sender_name.rotate_left(20) ^ small ^ 0x5BE0_CD19_137E_2179,
        )
    }
}
