//! What an adversary puts on links of its own accord, keeps, rewrites and receives.
//!
//! Its packets belong to a sequence of its own and draw from streams of its own name, so that no
//! draw of an honest packet moves. They take no place in a link's queue: the adversary has a
//! transmitter of its own.

use super::{Packet, World};
use crate::arena::PAYLOAD_MAX_BYTES;
use crate::error::EngineError;
use crate::fingerprint::{Chain, Kind, digest};
use crate::id::{Direction, LinkId, NodeId};
use crate::link::draws::PacketDraws;
use crate::link::{Stopped, cross};
use crate::order::{Class, EventKey, TAP_ENTITY_BASE};
use crate::packet::{Fate, PacketMeta};
use crate::queue::Payload;
use crate::tap::Injection;
use crate::time::{SimDuration, SimTime};
use crate::world::After;

/// Where a packet of an adversary ends.
#[derive(Clone, Copy)]
enum Ending {
    /// At the node at the far end.
    Node,
    /// At the adversary itself: it was sent to an address of its own.
    Adversary,
}

impl<P: Copy, E: Copy> World<P, E> {
    /// The number of the adversary's next packet on a way; `None` when all are used up.
    pub(crate) fn next_of_tap(&mut self, tap: u32, way: (LinkId, Direction)) -> Option<u32> {
        let place = (way.0.0, way.1.index() as u8);
        let count = self.taps[tap as usize].packets.entry(place).or_default();
        let number = *count;
        *count = number.checked_add(1)?;
        Some(number)
    }

    /// Puts a packet of the adversary on a link.
    pub(crate) fn inject(
        &mut self,
        tap: u32,
        way: (LinkId, Direction),
        how: Injection,
        header: P,
        bytes: &[u8],
    ) {
        let Some(state) = self.taps.get_mut(tap as usize) else {
            self.fail(EngineError::Unknown {
                what: "tap",
                number: tap,
            });
            return;
        };
        if let Some(power) = state.powers.missing_to_inject(how.source) {
            self.fail(EngineError::VerdictOutsidePowers {
                tap,
                link: way.0,
                power,
            });
            return;
        }
        let name = state.name;
        state.chain.get_or_insert_with(|| Chain::new(name)).update(
            self.current.0,
            Kind::Verdict,
            digest(bytes),
        );
        self.put(tap, way, how.whole, Ending::Node, header, bytes);
    }

    /// Carries a packet to an address of the adversary, over a link that leads to it.
    pub(crate) fn mail(
        &mut self,
        tap: u32,
        way: (LinkId, Direction),
        whole: bool,
        header: P,
        bytes: &[u8],
    ) {
        if tap as usize >= self.taps.len() {
            self.fail(EngineError::Unknown {
                what: "tap",
                number: tap,
            });
            return;
        }
        self.put(tap, way, whole, Ending::Adversary, header, bytes);
    }

    fn put(
        &mut self,
        tap: u32,
        way: (LinkId, Direction),
        whole: bool,
        ending: Ending,
        header: P,
        bytes: &[u8],
    ) {
        let entity = TAP_ENTITY_BASE + tap;
        let (link, direction) = way;
        let Some(state) = self.links.get(link.0 as usize) else {
            self.fail(EngineError::Unknown {
                what: "link",
                number: link.0,
            });
            return;
        };
        if bytes.len() > PAYLOAD_MAX_BYTES {
            self.fail(EngineError::PayloadTooLong { bytes: bytes.len() });
            return;
        }
        let to = match direction {
            Direction::Up => state.b,
            Direction::Down => state.a,
        };
        let link_name = state.name;
        let side = &state.directions[direction.index()];
        let (class, cut) = (usize::from(side.class), side.cuts > 0 && !self.quiet);
        let Some(number) = self.next_of_tap(tap, way) else {
            self.fail(EngineError::SequenceOverflow { entity });
            return;
        };
        let block = self.arena.keep(bytes);
        let bytes_len = self.arena.length(block);
        let mut draws = PacketDraws {
            streams: &mut self.streams,
            link_name,
            direction,
            sender_name: self.taps[tap as usize].name,
            number: u64::from(number),
            copy: 0,
            page: 0,
        };
        let crossed = if cut {
            Err(Stopped::Ended(Fate::Lost))
        } else {
            cross(
                &self.classes[class],
                &mut draws,
                bytes_len,
                whole,
                self.quiet,
            )
        };
        let meta = PacketMeta {
            link,
            direction,
            sender: entity,
            number: u64::from(number),
            copy: 0,
            sent: self.now,
            arrived: self.now,
            bytes_len,
        };
        let mut packet = Packet {
            header,
            meta,
            block,
            delivery_seq: 0,
            fate: Fate::Injected,
        };
        let arrival = match crossed {
            Ok(after) => self.now.checked_add(after),
            Err(Stopped::Ended(fate)) => {
                let packet = self.packets.insert(packet);
                self.after.push(After::Ended { packet, fate });
                return;
            }
            Err(Stopped::Waits | Stopped::BeyondTime) => None,
        };
        let Some(arrival) = arrival else {
            self.fail(EngineError::TimeOverflow {
                at: self.now,
                entity,
            });
            return;
        };
        packet.meta.arrived = arrival;
        packet.delivery_seq = self.next_tap_seq(tap);
        let seq = packet.delivery_seq;
        let data = self.packets.insert(packet);
        match ending {
            Ending::Node => {
                let key = EventKey::new(arrival, Class::Delivery, entity, seq);
                self.deliver_at(key, to, data);
            }
            Ending::Adversary => self.queue.push(
                EventKey::new(arrival, Class::Tap, entity, seq),
                Payload {
                    node: entity,
                    data,
                    tag: 0,
                },
            ),
        }
    }

    /// Gives a packet at a tap other bytes.
    pub(crate) fn rewrite(&mut self, index: u32, bytes: &[u8]) -> Result<(), EngineError> {
        if bytes.len() > PAYLOAD_MAX_BYTES {
            return Err(EngineError::PayloadTooLong { bytes: bytes.len() });
        }
        let block = self.arena.keep(bytes);
        let bytes_len = self.arena.length(block);
        let packet = self.packets.get_mut(index);
        let old = core::mem::replace(&mut packet.block, block);
        packet.meta.bytes_len = bytes_len;
        packet.fate = Fate::AdversaryModified;
        self.arena.free(old);
        Ok(())
    }

    /// Lets a packet go on that was held at a tap: it arrives `after` from now, but not before it
    /// would have arrived on its own.
    pub(crate) fn release_held(&mut self, index: u32, after: SimDuration) {
        let earliest = self.at(NodeId(self.packets.get(index).meta.sender), after);
        let planned = self.packets.get(index).meta.arrived;
        let held = earliest
            .max(SimTime(self.now.0 + 1))
            .0
            .saturating_sub(planned.0);
        self.pass_tap(index, SimDuration(held));
    }
}
