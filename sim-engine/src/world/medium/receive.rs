//! How a frame ends: what its receivers got, acknowledgements, and the further transmissions that
//! their absence causes.

use super::{World, weight};
use crate::link::draws::{OWN_END, PacketDraws};
use crate::link::{Carried, Stopped, carry};
use crate::medium::{Access, Acknowledgement, Frame, FrameKind, SPREADING_FACTORS, Step};
use crate::packet::Fate;
use crate::slab::NONE;
use crate::stats::LinkStats;
use crate::time::{SimDuration, SimTime};
use crate::world::After;

/// What a receiver got.
enum Received {
    /// The packet goes on.
    Whole(Carried),
    /// It got the packet before, and this frame too.
    Again,
    /// Nothing.
    Nothing(Fate),
}

impl<P: Copy, E: Copy> World<P, E> {
    /// A frame leaves the air.
    pub(super) fn end(&mut self, m: usize, index: u32) {
        let now = self.now;
        let medium = &mut self.media[m];
        medium.leave(index);
        let frame = *medium.frames.get(index);
        if frame.kind == FrameKind::Ack {
            self.answered(m, index);
            return;
        }
        if let Some(duty) = medium.duty(frame.second) {
            let until = now.0.saturating_add(duty.silence(frame.airtime).0);
            let silent = &mut medium.stations[frame.from as usize].silent_until;
            let silent = &mut silent[usize::from(frame.second)];
            *silent = (*silent).max(SimTime(until.min(SimTime::LAST.0)));
        }
        let mut any = false;
        let mut next = frame.rider;
        while next != NONE {
            let rider = self.media[m].frames.remove(next);
            match self.receive(m, &frame, &rider) {
                Received::Nothing(fate) => self.conclude(&rider, Err(fate)),
                Received::Whole(carried) => {
                    any = true;
                    self.conclude(&rider, Ok(carried));
                }
                Received::Again => {}
            }
            next = rider.rider;
        }
        let is_broadcast = frame.rider != NONE;
        let received = self.receive(m, &frame, &frame);
        let got = !matches!(received, Received::Nothing(_));
        let medium = &mut self.media[m];
        let load = weight(medium, frame.airtime);
        if any || (got && !frame.got) {
            medium.totals.received += 1;
            medium.totals.received_ns += load;
        }
        self.uplink_ended(m, &frame, got);
        let acknowledged = self
            .acknowledgement(m)
            .filter(|_| !is_broadcast && !self.quiet);
        let Some(acknowledgement) = acknowledged else {
            match received {
                Received::Whole(carried) => self.conclude(&frame, Ok(carried)),
                Received::Nothing(fate) if !frame.got => self.conclude(&frame, Err(fate)),
                Received::Again | Received::Nothing(_) => {}
            }
            self.leave_station(m, index);
            self.next_in_line(m, frame.from);
            return;
        };
        match received {
            Received::Whole(carried) => {
                self.media[m].frames.get_mut(index).got = true;
                self.conclude(&frame, Ok(carried));
                self.promise_answer(m, index, &acknowledgement);
            }
            Received::Again => self.promise_answer(m, index, &acknowledgement),
            Received::Nothing(fate) => {
                self.media[m].frames.get_mut(index).fate = fate;
                let at = self.later(now, acknowledgement.wait);
                self.medium_step(m, index, Step::Unanswered, at);
            }
        }
    }

    fn acknowledgement(&self, m: usize) -> Option<Acknowledgement> {
        match self.media[m].params.access {
            Access::CsmaCa(constants) => constants.acknowledgement,
            _ => None,
        }
    }

    /// What the receiver of `to` got of the transmission of `frame`; one of a broadcast has a frame
    /// of its own.
    fn receive(&mut self, m: usize, frame: &Frame, to: &Frame) -> Received {
        let deaf = self.media[m].is_deaf(to.to, frame);
        let destroyed = deaf || self.media[m].destroys(frame, to.power_mw);
        if destroyed && !self.quiet {
            let totals = &mut self.media[m].totals;
            totals.collided += 1;
            totals.deaf += u64::from(deaf);
            return Received::Nothing(Fate::Collided);
        }
        if to.got {
            self.station_aired(m, to.to, SimDuration::ZERO, frame.airtime);
            return Received::Again;
        }
        let heard = self.later(self.now, self.media[m].params.propagation);
        let link = self.packets.get(to.packet).meta.link;
        let state = &mut self.links[link.0 as usize];
        let side = &mut state.directions[to.direction.index()];
        if side.cuts > 0 && !self.quiet {
            return Received::Nothing(Fate::Lost);
        }
        let mut draws = PacketDraws {
            streams: &mut self.streams,
            link_name: state.name,
            direction: to.direction,
            sender_name: OWN_END,
            number: to.number,
            // Each transmission has draws of its own, its copy too; the first has those of a link
            // without a medium.
            copy: frame.sent.saturating_sub(1).saturating_mul(2),
            page: 0,
        };
        let class = &self.classes[usize::from(side.class)];
        let place = side.extra;
        let extra = self.extras.get_mut(place as usize);
        let before = (side.lost, extra.as_ref().map(|extra| extra.totals));
        let carried = carry(class, side, extra, &mut draws, heard, to.length, self.quiet);
        if matches!(carried, Ok(_) | Err(Stopped::Ended(Fate::Corrupted))) {
            self.station_aired(m, to.to, SimDuration::ZERO, frame.airtime);
        }
        match carried {
            Ok(carried) => Received::Whole(carried),
            Err(Stopped::Ended(fate)) => {
                let extra = self.extras.get_mut(place as usize);
                let side = &mut self.links[link.0 as usize].directions[to.direction.index()];
                // Counted once, when the packet is given up: a further transmission may succeed.
                side.lost = before.0;
                if let (Some(extra), Some(totals)) = (extra, before.1) {
                    extra.totals = LinkStats {
                        frames: extra.totals.frames,
                        ..totals
                    };
                }
                Received::Nothing(fate)
            }
            Err(Stopped::Waits | Stopped::BeyondTime) => {
                self.later(SimTime::LAST, SimDuration(1));
                Received::Nothing(Fate::Lost)
            }
        }
    }

    /// Ends the life of a frame's packet on the medium: it goes on to the far end, or it is over.
    pub(super) fn conclude(&mut self, frame: &Frame, outcome: Result<Carried, Fate>) {
        let link = self.packets.get(frame.packet).meta.link;
        let side = &mut self.links[link.0 as usize].directions[frame.direction.index()];
        let tapped = side.tapped;
        let class = usize::from(side.class);
        let extra = &mut self.extras[side.extra as usize];
        extra.held = extra.held.saturating_sub(1);
        if frame.sent > 0 && frame.kind == FrameKind::Data {
            extra.totals.queued += 1;
            extra.totals.wait_ns += u128::from(frame.first.since(frame.offered).0);
            extra.totals.sojourn_ns += u128::from(self.now.since(frame.offered).0);
            extra.totals.busy_ns += u128::from(frame.airtime.0) * u128::from(frame.sent);
        }
        match outcome {
            Ok(carried) => {
                let corruption = self.classes[class].params.corruption;
                let damage = corruption.map(|corruption| corruption.damage);
                let to = self.far_end(frame.packet).0;
                let packet = self.packets.remove(frame.packet);
                self.launch(packet, carried, to, tapped, damage);
            }
            Err(fate) => {
                match fate {
                    Fate::Collided => extra.totals.collided += 1,
                    Fate::QueueDrop => extra.totals.queue_drops += 1,
                    Fate::Corrupted => {
                        extra.totals.corrupted += 1;
                        extra.totals.corrupt_drops += 1;
                    }
                    _ => side.lost += 1,
                }
                let packet = frame.packet;
                self.after.push(After::Ended { packet, fate });
            }
        }
    }

    /// The receiver of a frame will acknowledge it.
    fn promise_answer(&mut self, m: usize, index: u32, acknowledgement: &Acknowledgement) {
        let turnaround = match self.media[m].params.access {
            Access::CsmaCa(constants) => constants.turnaround,
            _ => SimDuration::ZERO,
        };
        let frame = *self.media[m].frames.get(index);
        let answer = Frame {
            kind: FrameKind::Ack,
            packet: index,
            rider: NONE,
            from: frame.to,
            to: frame.from,
            airtime: acknowledgement.airtime,
            hit: false,
            interference_mw: [0.0; SPREADING_FACTORS],
            ..frame
        };
        let answer = self.media[m].frames.insert(answer);
        let at = self.later(self.now, turnaround);
        self.medium_step(m, answer, Step::Begin, at);
    }

    /// An acknowledgement begins, unless its station is transmitting something else.
    pub(super) fn answer(&mut self, m: usize, index: u32, occupied: bool) {
        let answer = *self.media[m].frames.get(index);
        if occupied {
            self.media[m].frames.remove(index);
            self.give_up_answer(m, answer.packet);
            return;
        }
        let end = self.later(self.now, answer.airtime);
        let medium = &mut self.media[m];
        medium.totals.acknowledgements += 1;
        medium.begin(index, self.now, end);
        self.station_aired(m, answer.from, answer.airtime, SimDuration::ZERO);
        self.medium_step(m, index, Step::End, end);
    }

    /// An acknowledgement leaves the air.
    fn answered(&mut self, m: usize, index: u32) {
        let medium = &mut self.media[m];
        let answer = medium.frames.remove(index);
        let good = self.quiet
            || !(medium.destroys(&answer, answer.power_mw) || medium.is_deaf(answer.to, &answer));
        if good {
            self.station_aired(m, answer.to, SimDuration::ZERO, answer.airtime);
            self.leave_station(m, answer.packet);
            self.next_in_line(m, answer.to);
        } else {
            self.give_up_answer(m, answer.packet);
        }
    }

    /// No acknowledgement of this frame will come: its sender waits to the end of its time.
    fn give_up_answer(&mut self, m: usize, index: u32) {
        let wait = self
            .acknowledgement(m)
            .map_or(SimDuration::ZERO, |acknowledgement| acknowledgement.wait);
        let end = self.media[m].frames.get(index).end;
        let at = self.later(end, wait).max(self.now);
        self.medium_step(m, index, Step::Unanswered, at);
    }

    /// A sender has waited for an acknowledgement in vain.
    pub(super) fn unanswered(&mut self, m: usize, index: u32) {
        let (retries, waited) = self
            .acknowledgement(m)
            .map_or((0, SimDuration::ZERO), |it| (it.retries, it.wait));
        let from = self.media[m].frames.get(index).from;
        self.station_aired(m, from, SimDuration::ZERO, waited);
        let frame = self.media[m].frames.get_mut(index);
        if frame.sent <= retries {
            frame.findings = 0;
            self.access(m, index);
            return;
        }
        let frame = *frame;
        if !frame.got {
            self.conclude(&frame, Err(frame.fate));
        }
        self.leave_station(m, index);
        self.next_in_line(m, frame.from);
    }
}
