//! Queues that decide at the moment of sending: packets wait in a line, and one event per packet
//! takes the next one out.

use super::{After, World};
use crate::arena::Block;
use crate::error::EngineError;
use crate::id::{Direction, LinkId};
use crate::link::draws::{OWN_END, PacketDraws};
use crate::link::{Stopped, transmit};
use crate::order::Class;
use crate::packet::Fate;
use crate::queue::Payload;
use crate::time::SimTime;

/// What a link direction is called in an event.
pub(crate) const fn line_number(link: LinkId, direction: Direction) -> u32 {
    link.0 << 1 | direction.index() as u32
}

impl<P: Copy, E: Copy> World<P, E> {
    /// Puts a packet that the queue has taken behind those that wait.
    pub(crate) fn join_line(&mut self, link: LinkId, direction: Direction, index: u32) {
        let bytes = self.packets.get(index).meta.bytes_len;
        let side = &self.links[link.0 as usize].directions[direction.index()];
        if let Some(extra) = self.extras.get_mut(side.extra as usize) {
            let line = &mut extra.gear().line;
            line.packets.push_back((index, self.now, bytes));
            line.bytes += u64::from(bytes);
            line.longest = line.longest.max(u64::from(bytes));
        }
        self.advance_line(link, direction);
    }

    /// An event says that the direction may be free.
    pub(crate) fn look_at_line(&mut self, number: u32) {
        let link = LinkId(number >> 1);
        let direction = if number & 1 == 0 {
            Direction::Up
        } else {
            Direction::Down
        };
        self.advance_line(link, direction);
    }

    /// Sends what waits as long as the medium is free now, and sees to it that somebody looks again
    /// when it will be.
    pub(crate) fn advance_line(&mut self, link: LinkId, direction: Direction) {
        let now = self.now;
        loop {
            let state = &self.links[link.0 as usize];
            let side = &state.directions[direction.index()];
            let from = match direction {
                Direction::Up => state.a,
                Direction::Down => state.b,
            };
            let class = &self.classes[usize::from(side.class)];
            let Some(extra) = self.extras.get_mut(side.extra as usize) else {
                return;
            };
            let busy_until = extra.busy_until;
            let waits = !extra.gear().line.packets.is_empty();
            if busy_until > now {
                if waits && extra.gear().line.look_at != Some(busy_until) {
                    extra.gear().line.look_at = Some(busy_until);
                    let payload = Payload {
                        node: from,
                        data: line_number(link, direction),
                        tag: 0,
                    };
                    self.schedule(crate::id::NodeId(from), busy_until, Class::Line, payload);
                }
                return;
            }
            if !waits {
                return;
            }
            let gear = extra.gear();
            let (line, codel_state) = (&mut gear.line, &mut gear.codel);
            let mut dropped_wait_ns = 0;
            let mut drops = 0;
            let longest = class.params.mtu_bytes.map_or(line.longest, u64::from);
            let after = &mut self.after;
            let mut pop = || {
                let (index, offered, bytes) = line.packets.pop_front()?;
                line.bytes -= u64::from(bytes);
                Some(((index, offered, bytes), offered, line.bytes))
            };
            let packet = match class.codel.filter(|_| !self.quiet) {
                None => pop().map(|(packet, _, _)| packet),
                Some(codel) => {
                    codel_state.dequeue(&codel, longest, now, pop, |(packet, offered, _)| {
                        drops += 1;
                        dropped_wait_ns += u128::from(now.since(offered).0);
                        after.push(After::Ended {
                            packet,
                            fate: Fate::QueueDrop,
                        });
                    })
                }
            };
            extra.totals.queue_drops += drops;
            extra.gear().line.dropped_wait_ns += dropped_wait_ns;
            let Some((index, offered, _)) = packet else {
                return;
            };
            self.send_waiting(index, offered);
        }
    }

    /// Sends a packet whose turn has come.
    fn send_waiting(&mut self, index: u32, offered: SimTime) {
        let meta = self.packets.get(index).meta;
        let state = &mut self.links[meta.link.0 as usize];
        let to = match meta.direction {
            Direction::Up => state.b,
            Direction::Down => state.a,
        };
        let link_name = state.name;
        let side = &mut state.directions[meta.direction.index()];
        let class = &self.classes[usize::from(side.class)];
        let place = side.extra;
        let Some(extra) = self.extras.get_mut(place as usize) else {
            return;
        };
        let mut draws = PacketDraws {
            streams: &mut self.streams,
            link_name,
            direction: meta.direction,
            sender_name: OWN_END,
            number: meta.number,
            copy: meta.copy,
            page: 0,
        };
        let carried = if side.cuts > 0 && !self.quiet {
            side.lost += 1;
            Err(Stopped::Ended(Fate::Lost))
        } else {
            let times = (offered, self.now);
            transmit(
                class,
                side,
                extra,
                &mut draws,
                times,
                meta.bytes_len,
                self.quiet,
            )
        };
        let damage = class.params.corruption.map(|corruption| corruption.damage);
        let tapped = side.tapped;
        self.tell_air(place, meta.sender, to);
        match carried {
            Ok(carried) => {
                let packet = self.packets.remove(index);
                self.launch(packet, carried, to, tapped, damage);
            }
            Err(Stopped::Ended(fate)) => self.after.push(After::Ended {
                packet: index,
                fate,
            }),
            Err(Stopped::Waits | Stopped::BeyondTime) => {
                let block: Block = self.packets.remove(index).block;
                self.arena.free(block);
                self.fail(EngineError::TimeOverflow {
                    at: self.now,
                    entity: meta.sender,
                });
            }
        }
    }
}
