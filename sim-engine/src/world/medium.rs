//! Packets on shared media: from the line of their sender to the far end.
//!
//! A frame is somewhere at any time: in its station's line, in access (one event is pending for
//! it), on the air (its end is pending), or waiting for a receive window. What a frame does to
//! others is decided at its beginning, what became of it at its end.

mod access;
mod receive;
mod window;

use super::{After, Packet, World};
use crate::arena::Block;
use crate::error::EngineError;
use crate::id::{Direction, LinkId, NodeId};
use crate::link::{QueueLimit, serialisation};
use crate::medium::{Access, Frame, FrameKind, Medium, SPREADING_FACTORS, Step};
use crate::order::{Class, EventKey};
use crate::packet::{Fate, PacketMeta};
use crate::queue::Payload;
use crate::rng::{DRAWS_PER_BLOCK, StreamName};
use crate::slab::NONE;
use crate::time::{SimDuration, SimTime};

impl<P: Copy, E: Copy> World<P, E> {
    /// Offers a packet to a link direction that uses a medium.
    pub(super) fn offer_shared(
        &mut self,
        (link, direction): (LinkId, Direction),
        header: P,
        block: Block,
        number: u32,
    ) {
        let bytes_len = self.arena.length(block);
        let state = &self.links[link.0 as usize];
        let side = state.directions[direction.index()];
        let sender = match direction {
            Direction::Up => state.a,
            Direction::Down => state.b,
        };
        let link_name = state.name;
        let class = &self.classes[usize::from(side.class)];
        let params = &class.params;
        let extra = &mut self.extras[side.extra as usize];
        let packet = self.packets.insert(Packet {
            header,
            meta: PacketMeta {
                link,
                direction,
                sender,
                number: u64::from(number),
                copy: 0,
                sent: self.now,
                arrived: self.now,
                bytes_len,
            },
            block,
            delivery_seq: 0,
            fate: Fate::Delivered,
        });
        if params.mtu_bytes.is_some_and(|mtu| bytes_len > mtu) {
            extra.totals.mtu_drops += 1;
            let fate = Fate::MtuDrop;
            self.after.push(After::Ended { packet, fate });
            return;
        }
        let Some(shared) = extra.shared else {
            // Its class was changed to one with a medium after the link was made.
            self.fail(EngineError::Unknown {
                what: "medium of link",
                number: link.0,
            });
            return;
        };
        extra.held += 1;
        let bytes = bytes_len.saturating_add(params.overhead_bytes);
        let modulation = params.medium.and_then(|medium| medium.modulation);
        let airtime = match modulation {
            Some(modulation) => modulation.airtime(bytes),
            None => serialisation(u64::from(bytes), class.air_bps),
        };
        let (limit, quiet) = (params.queue, self.quiet);
        let medium = &mut self.media[usize::from(shared.medium)];
        let windowed = direction == Direction::Down && medium.params.windows.is_some() && !quiet;
        let mut frame = Frame {
            kind: FrameKind::Data,
            packet,
            rider: NONE,
            from: shared.from,
            to: shared.to,
            link_name,
            direction,
            number: u64::from(number),
            draws: 0,
            length: bytes_len,
            bytes,
            modulation,
            airtime,
            offered: self.now,
            first: self.now,
            start: self.now,
            end: self.now,
            channel: 0,
            tuned: false,
            findings: 0,
            sent: 0,
            second: false,
            held_back: false,
            got: false,
            fate: Fate::Collided,
            hit: false,
            power_mw: shared.power_mw,
            interference_mw: [0.0; SPREADING_FACTORS],
        };
        let m = usize::from(shared.medium);
        let broadcast = self.broadcast.filter(|_| !windowed);
        let (last, head) = medium.stations[shared.from as usize].broadcast;
        if broadcast == Some(last) {
            if head == NONE {
                self.conclude(&frame, Err(Fate::QueueDrop));
                return;
            }
            frame.kind = FrameKind::Rider;
            frame.rider = medium.frames.get(head).rider;
            let rider = medium.frames.insert(frame);
            medium.frames.get_mut(head).rider = rider;
            return;
        }
        medium.totals.frames += 1;
        let station = &mut medium.stations[shared.from as usize];
        if let Some(number) = broadcast {
            station.broadcast = (number, NONE);
        }
        let waiting = if windowed {
            medium.stations[shared.to as usize].mail.len()
        } else {
            station.line.len() + usize::from(station.current != NONE)
        };
        let station = &medium.stations[shared.from as usize];
        let full = match limit {
            QueueLimit::Unbounded => false,
            QueueLimit::Packets(limit) => waiting >= limit as usize,
            QueueLimit::Bytes(limit) => station.line_bytes + u64::from(bytes_len) > limit,
        };
        if full && !quiet {
            self.conclude(&frame, Err(Fate::QueueDrop));
            return;
        }
        let index = medium.frames.insert(frame);
        let station = &mut medium.stations[shared.from as usize];
        station.line_bytes += u64::from(bytes_len);
        if windowed {
            medium.stations[shared.to as usize].mail.push_back(index);
            self.appoint(m, shared.to);
        } else {
            if broadcast.is_some() {
                station.broadcast.1 = index;
            }
            station.line.push_back(index);
            self.next_in_line(m, shared.from);
        }
    }

    /// Something on a medium is due.
    pub(crate) fn medium_event(&mut self, payload: Payload) {
        let (m, index) = (payload.node as usize, payload.data);
        match Step::from_tag(payload.tag as u8) {
            Step::Sense => self.sense(m, index),
            Step::Begin => self.begin(m, index),
            Step::End => self.end(m, index),
            Step::Unanswered => self.unanswered(m, index),
            Step::Window => self.window_opens(m, index),
        }
    }

    /// Lets a station begin with the next frame of its line if it is free.
    fn next_in_line(&mut self, m: usize, station: u32) {
        let state = &mut self.media[m].stations[station as usize];
        if state.current != NONE {
            return;
        }
        if let Some(next) = state.line.pop_front() {
            state.current = next;
            self.access(m, next);
        }
    }

    /// A frame of a station's line is through: its place is free.
    fn leave_station(&mut self, m: usize, index: u32) {
        let frame = *self.media[m].frames.get(index);
        let medium = &mut self.media[m];
        let station = &mut medium.stations[frame.from as usize];
        station.line_bytes = station.line_bytes.saturating_sub(u64::from(frame.length));
        if station.broadcast.1 == index {
            station.broadcast.1 = NONE;
        }
        if station.current == index {
            station.current = NONE;
        }
        medium.frames.remove(index);
    }

    /// Schedules what is next for a frame.
    fn medium_step(&mut self, m: usize, index: u32, step: Step, at: SimTime) {
        let medium = &self.media[m];
        let station = medium.frames.get(index).from;
        let node = medium.stations[station as usize].node;
        let seq = self.next_seq(NodeId(node));
        self.queue.push(
            EventKey::new(at, Class::Medium, node, seq),
            Payload {
                node: m as u32,
                data: index,
                tag: step as u32,
            },
        );
    }

    /// The instant `after` from `from`; beyond the end of time the run fails.
    fn later(&mut self, from: SimTime, after: SimDuration) -> SimTime {
        from.checked_add(after).unwrap_or_else(|| {
            self.fail(EngineError::TimeOverflow {
                at: self.now,
                entity: self.current.origin(),
            });
            SimTime::LAST
        })
    }

    /// The next draw of a frame, from the stream of its link and direction.
    fn frame_draw(&mut self, m: usize, index: u32) -> u64 {
        let frame = self.media[m].frames.get_mut(index);
        let draw = u64::from(frame.draws);
        frame.draws += 1;
        // Packets are addressed by block; a frame that needs more than one goes on in a stream of
        // its own.
        let page = draw / DRAWS_PER_BLOCK as u64;
        let stream = StreamName::new("medium")
            .index(frame.link_name)
            .index(frame.direction.index() as u64)
            .index(page)
            .id();
        self.streams.block(stream, frame.number)[(draw % DRAWS_PER_BLOCK as u64) as usize]
    }

    /// A whole number below `count`, evenly drawn.
    fn frame_choice(&mut self, m: usize, index: u32, count: u64) -> u64 {
        let draw = self.frame_draw(m, index);
        ((u128::from(draw) * u128::from(count)) >> 64) as u64
    }
}

/// What a transmission counts as in load and throughput: its slot where there are slots, else its
/// time on the air.
fn weight(medium: &Medium, airtime: SimDuration) -> u128 {
    match medium.params.access {
        Access::Slotted { slot, .. } => u128::from(slot.0.max(airtime.0)),
        _ => u128::from(airtime.0),
    }
}
