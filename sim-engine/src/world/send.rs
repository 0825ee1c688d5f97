//! Offering packets to links, and what a tap's verdict does to them.

use super::{After, Packet, World};
use crate::arena::{Block, PAYLOAD_MAX_BYTES};
use crate::error::EngineError;
use crate::id::{Direction, LinkId, NodeId};
use crate::link::draws::{OWN_END, PacketDraws};
use crate::link::{Carried, Damage, Stopped, carry};
use crate::order::{Class, EventKey, TAP_ENTITY_BASE};
use crate::packet::{Fate, PacketMeta};
use crate::queue::Payload;
use crate::slab::NONE;
use crate::stats::LinkStats;
use crate::time::{SimDuration, SimTime};

impl<P: Copy, E: Copy> World<P, E> {
    /// Offers a packet of `node` to a link.
    #[inline]
    pub(crate) fn send(
        &mut self,
        node: NodeId,
        link: LinkId,
        direction: Direction,
        header: P,
        bytes: &[u8],
    ) {
        if bytes.len() > PAYLOAD_MAX_BYTES {
            self.fail(EngineError::PayloadTooLong { bytes: bytes.len() });
            return;
        }
        let block = self.arena.keep(bytes);
        self.send_block(node, link, direction, header, block);
    }

    /// Offers a packet of `node` to a link. The bytes are given back when the packet has ended.
    pub(crate) fn send_block(
        &mut self,
        node: NodeId,
        link: LinkId,
        direction: Direction,
        header: P,
        block: Block,
    ) {
        if let Err(error) = self.offer(node, link, direction, header, block) {
            self.arena.free(block);
            self.fail(error);
        }
    }

    #[inline]
    fn offer(
        &mut self,
        node: NodeId,
        link: LinkId,
        direction: Direction,
        header: P,
        block: Block,
    ) -> Result<(), EngineError> {
        let bytes_len = self.arena.length(block);
        let Some(state) = self.links.get_mut(link.0 as usize) else {
            return Err(EngineError::Unknown {
                what: "link",
                number: link.0,
            });
        };
        let (from, to) = match direction {
            Direction::Up => (state.a, state.b),
            Direction::Down => (state.b, state.a),
        };
        if from != node.0 {
            return Err(EngineError::NotAnEnd {
                node,
                link,
                direction,
            });
        }
        let side = &mut state.directions[direction.index()];
        let number = side.packets;
        side.packets = number
            .checked_add(1)
            .ok_or(EngineError::SequenceOverflow { entity: node.0 })?;
        if self.classes[usize::from(side.class)]
            .params
            .medium
            .is_some()
        {
            self.offer_shared((link, direction), header, block, number);
            return Ok(());
        }
        let mut draws = PacketDraws {
            streams: &mut self.streams,
            link_name: state.name,
            direction,
            sender_name: OWN_END,
            number: u64::from(number),
            copy: 0,
            page: 0,
        };
        let class = &self.classes[usize::from(side.class)];
        let extra = self.extras.get_mut(side.extra as usize);
        let tapped = side.tapped;
        let carried = if side.cuts > 0 && !self.quiet {
            side.lost += 1;
            Err(Stopped::Ended(Fate::Lost))
        } else {
            carry(
                class, side, extra, &mut draws, self.now, bytes_len, self.quiet,
            )
        };
        let damage = class.params.corruption.map(|corruption| corruption.damage);
        let place = side.extra;
        if place == NONE
            && self.foreign.is_empty()
            && let Ok(carried) = &carried
        {
            // Nothing but a loss and a delay: written where it stays at once, for this is the way of
            // most packets, and a packet is long.
            let arrival = carried.arrival;
            let seq = self.next_seq(node);
            let index = self.packets.insert(Packet {
                header,
                meta: PacketMeta {
                    link,
                    direction,
                    sender: node.0,
                    number: u64::from(number),
                    copy: 0,
                    sent: self.now,
                    arrived: arrival,
                    bytes_len,
                },
                block,
                delivery_seq: seq,
                fate: Fate::Delivered,
            });
            self.queue.push(
                EventKey::new(arrival, Class::Delivery, node.0, seq),
                Payload {
                    node: to,
                    data: index,
                    tag: 0,
                },
            );
            return Ok(());
        }
        self.tell_air(place, from, to);
        let meta = PacketMeta {
            link,
            direction,
            sender: node.0,
            number: u64::from(number),
            copy: 0,
            sent: self.now,
            arrived: self.now,
            bytes_len,
        };
        let packet = Packet {
            header,
            meta,
            block,
            delivery_seq: 0,
            fate: Fate::Delivered,
        };
        match carried {
            Ok(carried) => self.launch(packet, carried, to, tapped, damage),
            Err(Stopped::Waits) => {
                let index = self.packets.insert(packet);
                self.join_line(link, direction, index);
            }
            Err(Stopped::Ended(fate)) => {
                let packet = self.packets.insert(packet);
                self.after.push(After::Ended { packet, fate });
            }
            Err(Stopped::BeyondTime) => {
                return Err(EngineError::TimeOverflow {
                    at: self.now,
                    entity: node.0,
                });
            }
        }
        Ok(())
    }

    /// Puts a packet that the link carries on its way, with its copy.
    #[inline]
    pub(crate) fn launch(
        &mut self,
        mut packet: Packet<P>,
        carried: Carried,
        to: u32,
        tapped: bool,
        damage: Option<Damage>,
    ) {
        let copy = carried.copy.map(|(arrival, flips)| {
            let mut copy = packet;
            copy.meta.copy = 1;
            copy.block = self.arena.duplicate(packet.block);
            copy.fate = Fate::Duplicated;
            self.damage(&mut copy, flips, damage);
            (copy, arrival)
        });
        self.damage(&mut packet, carried.flips, damage);
        // The packet itself goes first, so that it precedes its copy at the same instant.
        self.set_off(packet, carried.departure, carried.arrival, to, tapped);
        if let Some((copy, arrival)) = copy {
            // Told before a tap that is close decides about the copy.
            let turn = self.after.len();
            let packet = self.set_off(copy, carried.departure, arrival, to, tapped);
            self.after.insert(turn, After::Copied { packet });
        }
    }

    /// Changes bits of a packet, if it has bit errors.
    #[inline]
    fn damage(&mut self, packet: &mut Packet<P>, flips: Option<u64>, damage: Option<Damage>) {
        if let (Some(random), Some(damage)) = (flips, damage) {
            damage.apply(self.arena.get_mut(packet.block), random);
            packet.fate = Fate::Corrupted;
        }
    }

    /// Schedules a packet's delivery, or its passage by the tap.
    #[inline]
    fn set_off(
        &mut self,
        mut packet: Packet<P>,
        departure: SimTime,
        arrival: SimTime,
        to: u32,
        tapped: bool,
    ) -> u32 {
        let sender = packet.meta.sender;
        let seq = self.next_seq(NodeId(sender));
        packet.meta.arrived = arrival;
        packet.delivery_seq = seq;
        let index = self.packets.insert(packet);
        if tapped && !self.quiet {
            self.approach_tap(index, departure, arrival, sender, seq);
            return index;
        }
        let key = EventKey::new(arrival, Class::Delivery, sender, seq);
        self.deliver_at(key, to, index);
        index
    }

    /// Schedules the passage by the tap: half-way, and strictly before the arrival.
    ///
    /// If the arrival is not after now, the tap sees the packet at once. In either case the
    /// delivery is scheduled before its instant begins or in the same round as it would have been
    /// without a tap, so its place in the order is the same.
    fn approach_tap(
        &mut self,
        index: u32,
        departure: SimTime,
        arrival: SimTime,
        sender: u32,
        seq: u32,
    ) {
        let middle = departure.0 + arrival.since(departure).0 / 2;
        let at = SimTime(middle.min(arrival.0.saturating_sub(1)));
        if at <= self.now {
            self.after.push(After::Tap { packet: index });
        } else {
            let to = self.far_end(index).0;
            self.queue.push(
                EventKey::new(at, Class::Tap, sender, seq),
                Payload {
                    node: to,
                    data: index,
                    tag: 0,
                },
            );
        }
    }

    /// The node that a packet travels to.
    pub(crate) fn far_end(&self, packet: u32) -> NodeId {
        let meta = &self.packets.get(packet).meta;
        let link = &self.links[meta.link.0 as usize];
        NodeId(match meta.direction {
            Direction::Up => link.b,
            Direction::Down => link.a,
        })
    }

    /// The name in streams of the entity that sent a packet.
    pub(crate) fn sender_name(&self, sender: u32) -> u64 {
        match sender.checked_sub(TAP_ENTITY_BASE) {
            Some(tap) => self.taps[tap as usize].name,
            None => OWN_END,
        }
    }

    /// Schedules the delivery of a packet that passed the tap, `held` later than planned.
    pub(crate) fn pass_tap(&mut self, index: u32, held: SimDuration) {
        let to = self.far_end(index).0;
        let meta = &mut self.packets.get_mut(index).meta;
        let sender = meta.sender;
        let Some(arrival) = meta.arrived.checked_add(held) else {
            self.fail(EngineError::TimeOverflow {
                at: self.now,
                entity: sender,
            });
            return;
        };
        meta.arrived = arrival;
        let seq = self.packets.get(index).delivery_seq;
        let key = EventKey::new(arrival, Class::Delivery, sender, seq);
        self.deliver_at(key, to, index);
    }

    /// Sends `copies` of a packet as the adversary's own, each `after` later than the one before.
    pub(crate) fn copy_from_tap(&mut self, index: u32, place: u32, copies: u8, after: SimDuration) {
        let tap = self.tap_places[place as usize].tap;
        let original = *self.packets.get(index);
        let to = self.far_end(index).0;
        let mut arrival = original.meta.arrived;
        let way = (original.meta.link, original.meta.direction);
        for _ in 0..copies {
            let (Some(number), Some(at)) = (self.next_of_tap(tap, way), arrival.checked_add(after))
            else {
                self.fail(EngineError::TimeOverflow {
                    at: self.now,
                    entity: TAP_ENTITY_BASE + tap,
                });
                return;
            };
            arrival = at;
            let seq = self.next_tap_seq(tap);
            let mut copy = original;
            copy.block = self.arena.duplicate(original.block);
            copy.fate = Fate::Injected;
            copy.meta.sender = TAP_ENTITY_BASE + tap;
            copy.meta.number = u64::from(number);
            copy.meta.copy = 0;
            copy.meta.sent = self.now;
            copy.meta.arrived = arrival;
            let copy = self.packets.insert(copy);
            let key = EventKey::new(arrival, Class::Delivery, TAP_ENTITY_BASE + tap, seq);
            self.deliver_at(key, to, copy);
        }
    }

    /// Index of the tap place that a packet passes, or [`NONE`] if the tap was taken off meanwhile.
    pub(crate) fn tap_place_of(&self, packet: u32) -> u32 {
        let meta = &self.packets.get(packet).meta;
        let side = &self.links[meta.link.0 as usize].directions[meta.direction.index()];
        match self.extras.get(side.extra as usize) {
            Some(extra) if side.tapped && !self.quiet => extra.tap_place,
            _ => NONE,
        }
    }

    /// Counters of a link direction since the start.
    pub(crate) fn link_totals(&self, link: LinkId, direction: Direction) -> LinkStats {
        let side = &self.links[link.0 as usize].directions[direction.index()];
        let mut stats = match self.extras.get(side.extra as usize) {
            Some(extra) => extra.totals_at(self.now),
            None => LinkStats::default(),
        };
        stats.offered = u64::from(side.packets);
        stats.lost = u64::from(side.lost);
        if side.extra == NONE {
            stats.frames = stats.offered;
        }
        stats.passed =
            stats.offered - stats.lost - stats.queue_drops - stats.mtu_drops - stats.corrupt_drops;
        let held = self
            .extras
            .get(side.extra as usize)
            .map_or(0, |extra| extra.held);
        stats.passed -= stats.collided + held;
        stats
    }
}
