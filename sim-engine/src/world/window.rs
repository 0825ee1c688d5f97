//! Packets that leave for another part of a split world.
//!
//! A link direction belongs to the part of its sender: loss, queue and delay are decided there. A
//! packet whose far end another part runs is copied into that part's [`Batch`] with the place of
//! its delivery in the order of events, and put into the other part's queue before that part gets
//! there.

use std::sync::Arc;

use super::{After, Packet, World};
use crate::id::NodeId;
use crate::order::EventKey;
use crate::packet::{Fate, PacketMeta};
use crate::queue::Payload;
use crate::time::{SimDuration, SimTime};

/// A packet on its way to another part.
#[derive(Clone, Copy, Debug)]
struct Crossing<P> {
    key: EventKey,
    to: u32,
    header: P,
    meta: PacketMeta,
    fate: Fate,
    delivery_seq: u32,
}

/// Packets on their way to one other part, with their bytes.
#[derive(Clone, Debug)]
pub struct Batch<P> {
    packets: Vec<Crossing<P>>,
    /// One after the other.
    bytes: Vec<u8>,
    earliest: SimTime,
}

impl<P> Default for Batch<P> {
    fn default() -> Self {
        Self {
            packets: Vec::new(),
            bytes: Vec::new(),
            earliest: SimTime(u64::MAX),
        }
    }
}

impl<P> Batch<P> {
    /// The first arrival; after all time when there is none.
    #[must_use]
    pub const fn earliest(&self) -> SimTime {
        self.earliest
    }

    /// Whether there is no packet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Moves the packets of `other`, which were sent later, behind these.
    pub fn append(&mut self, other: &mut Self) {
        self.packets.append(&mut other.packets);
        self.bytes.append(&mut other.bytes);
        self.earliest = self.earliest.min(other.earliest);
        other.clear();
    }

    fn clear(&mut self) {
        self.packets.clear();
        self.bytes.clear();
        self.earliest = SimTime(u64::MAX);
    }
}

/// Where packets to nodes of other parts go.
#[derive(Clone, Debug)]
pub(crate) struct Crossings<P> {
    /// The part of each node.
    part_of: Arc<[u16]>,
    /// By part.
    batches: Vec<Batch<P>>,
    /// What a packet takes at least, by part.
    least: Vec<SimDuration>,
    /// Whether one took less.
    pub(crate) breached: bool,
}

impl<P> Crossings<P> {
    pub(crate) fn new(part_of: Arc<[u16]>, least: Vec<SimDuration>) -> Self {
        Self {
            part_of,
            batches: least.iter().map(|_| Batch::default()).collect(),
            least,
            breached: false,
        }
    }

    pub(crate) fn batch(&mut self, part: usize) -> &mut Batch<P> {
        &mut self.batches[part]
    }
}

impl<P: Copy, E: Copy> World<P, E> {
    /// Schedules a packet's delivery, or hands it to the part that runs its far end.
    #[inline]
    pub(crate) fn deliver_at(&mut self, key: EventKey, to: u32, index: u32) {
        if self.is_foreign(NodeId(to)) {
            self.cross(key, to, index);
            return;
        }
        let payload = Payload {
            node: to,
            data: index,
            tag: 0,
        };
        self.queue.push(key, payload);
    }

    fn cross(&mut self, key: EventKey, to: u32, index: u32) {
        self.after.push(After::Crossed { packet: index });
        let Some(crossings) = &mut self.crossings else {
            return;
        };
        let packet = self.packets.get(index);
        let part = usize::from(crossings.part_of[to as usize]);
        crossings.breached |= key.time().since(self.now) < crossings.least[part];
        let batch = &mut crossings.batches[part];
        let bytes = self.arena.slice(packet.block, packet.meta.bytes_len);
        batch.bytes.extend_from_slice(bytes);
        batch.earliest = batch.earliest.min(key.time());
        batch.packets.push(Crossing {
            key,
            to,
            header: packet.header,
            meta: packet.meta,
            fate: packet.fate,
            delivery_seq: packet.delivery_seq,
        });
    }

    /// Takes in what another part has sent; the batch is empty afterwards.
    pub(crate) fn take_in(&mut self, batch: &mut Batch<P>) {
        let mut start = 0;
        for crossing in &batch.packets {
            let end = start + crossing.meta.bytes_len as usize;
            let block = self.arena.keep(&batch.bytes[start..end]);
            start = end;
            let data = self.packets.insert(Packet {
                header: crossing.header,
                meta: crossing.meta,
                block,
                delivery_seq: crossing.delivery_seq,
                fate: crossing.fate,
            });
            let payload = Payload {
                node: crossing.to,
                data,
                tag: 0,
            };
            self.queue.push(crossing.key, payload);
        }
        batch.clear();
    }
}
