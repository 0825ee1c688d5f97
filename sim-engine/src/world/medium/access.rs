//! When a frame begins: waiting for slots, sensing, backing off, keeping silent.

use super::{World, weight};
use crate::law::unit_open;
use crate::medium::{Access, CsmaCa, FrameKind, Step};
use crate::packet::Fate;
use crate::rng::{Probability, StreamName, Streams};
use crate::slab::NONE;
use crate::time::{SimDuration, SimTime};

impl<P: Copy, E: Copy> World<P, E> {
    /// A frame's turn has come, for its first transmission or a further one.
    pub(super) fn access(&mut self, m: usize, index: u32) {
        let now = self.now;
        let frame = *self.media[m].frames.get(index);
        if !frame.tuned {
            let channels = u64::from(self.media[m].params.channels);
            let channel = if channels > 1 {
                self.frame_choice(m, index, channels) as u16
            } else {
                0
            };
            let frame = self.media[m].frames.get_mut(index);
            frame.channel = channel;
            frame.tuned = true;
        }
        if self.quiet {
            self.begin(m, index);
            return;
        }
        match &self.media[m].params.access {
            Access::Aloha => self.begin(m, index),
            Access::Csma { .. } => self.sense(m, index),
            &Access::Slotted { slot, persistence } => {
                let skipped = self.slots_skipped(m, index, persistence);
                let next = now.0.div_ceil(slot.0.max(1)).saturating_add(skipped);
                let at = SimTime(next.saturating_mul(slot.0).min(SimTime::LAST.0));
                if at <= now {
                    self.begin(m, index);
                } else {
                    self.medium_step(m, index, Step::Begin, at);
                }
            }
            Access::Contention { .. } => self.contend(m, index, now),
            &Access::CsmaCa(constants) => self.back_off(m, index, &constants),
        }
    }

    /// Slots that a frame leaves unused before it takes one.
    fn slots_skipped(&mut self, m: usize, index: u32, persistence: Probability) -> u64 {
        if persistence.is_certain() {
            return 0;
        }
        let u = unit_open(self.frame_draw(m, index));
        // Geometric through its quantile function: none is skipped with probability p.
        (libm::log(u) / libm::log1p(-persistence.value())) as u64
    }

    /// Chooses a contention slot counted from `from`, when the channel is or becomes idle.
    fn contend(&mut self, m: usize, index: u32, from: SimTime) {
        if let Access::Contention { window, slot, .. } = self.media[m].params.access {
            let chosen = self.frame_choice(m, index, u64::from(window));
            let at = self.later(from, SimDuration(slot.0.saturating_mul(chosen)));
            self.medium_step(m, index, Step::Sense, at);
        }
    }

    /// Draws a backoff of unslotted CSMA-CA; the assessment after it ends in one event.
    fn back_off(&mut self, m: usize, index: u32, constants: &CsmaCa) {
        let findings = self.media[m].frames.get(index).findings;
        let exponent = (u32::from(constants.min_exponent) + findings)
            .min(u32::from(constants.max_exponent))
            .min(32);
        let units = self.frame_choice(m, index, 1 << exponent);
        let backoff = SimDuration(constants.unit.0.saturating_mul(units));
        self.media[m].totals.backoff_ns += u128::from(backoff.0);
        let assessed = SimDuration(backoff.0.saturating_add(constants.assessment.0));
        let at = self.later(self.now, assessed);
        self.medium_step(m, index, Step::Sense, at);
    }

    /// The station finds the channel idle or busy.
    pub(super) fn sense(&mut self, m: usize, index: u32) {
        let now = self.now;
        if self.quiet {
            self.begin(m, index);
            return;
        }
        let frame = *self.media[m].frames.get(index);
        let access = self.media[m].params.access.clone();
        let (from, outside) = match &access {
            Access::CsmaCa(constants) => (
                SimTime(now.0.saturating_sub(constants.assessment.0)),
                constants.busy,
            ),
            _ => (now, Probability::NEVER),
        };
        if let Access::CsmaCa(constants) = &access {
            self.station_aired(m, frame.from, SimDuration::ZERO, constants.assessment);
        }
        let mut heard = self.heard_by(m, frame.from, from);
        if !outside.is_never() && outside.accepts(self.frame_draw(m, index)) {
            heard = heard.max(Some(now));
        }
        let medium = &mut self.media[m];
        medium.totals.assessments += 1;
        let Some(until) = heard else {
            match &access {
                Access::CsmaCa(constants) => {
                    let at = self.later(now, constants.turnaround);
                    self.medium_step(m, index, Step::Begin, at);
                }
                _ => self.begin(m, index),
            }
            return;
        };
        let findings = frame.findings + 1;
        medium.totals.busy += 1;
        medium.totals.attempts += 1;
        medium.totals.offered_ns += weight(medium, frame.airtime);
        medium.frames.get_mut(index).findings = findings;
        let allowed = match &access {
            Access::Csma { attempts, .. } | Access::Contention { attempts, .. } => *attempts,
            Access::CsmaCa(constants) => u32::from(constants.max_backoffs) + 1,
            Access::Aloha | Access::Slotted { .. } => 1,
        };
        if findings >= allowed {
            medium.totals.given_up += 1;
            self.give_up(m, index);
            return;
        }
        match &access {
            Access::Csma { backoff, .. } => {
                let wait = backoff.sample_ns(self.frame_draw(m, index));
                let at = self.later(now, wait);
                self.medium_step(m, index, Step::Sense, at);
            }
            Access::Contention { .. } => self.contend(m, index, until),
            Access::CsmaCa(constants) => self.back_off(m, index, constants),
            Access::Aloha | Access::Slotted { .. } => {}
        }
    }

    /// Until when a station hears somebody whom it heard at any time since `from`.
    fn heard_by(&mut self, m: usize, station: u32, from: SimTime) -> Option<SimTime> {
        let now = self.now;
        let Self { media, streams, .. } = self;
        let medium = &mut media[m];
        medium.forget(from);
        let hidden = medium.params.hidden;
        medium.hears(from, now, |other| {
            if other == station {
                return false;
            }
            if hidden.is_never() {
                return true;
            }
            let pair = (station.min(other), station.max(other));
            if medium.linked.contains(&pair) {
                return true;
            }
            let name = |number: u32| medium.stations[number as usize].name;
            !is_hidden(streams, hidden, name(station), name(other))
        })
    }

    /// A frame begins, unless its station must still be silent.
    pub(super) fn begin(&mut self, m: usize, index: u32) {
        let now = self.now;
        let quiet = self.quiet;
        let medium = &mut self.media[m];
        let frame = *medium.frames.get(index);
        let station = &medium.stations[frame.from as usize];
        let sending_until = station.sending_until;
        let listening_until = station.listening_until;
        if frame.kind == FrameKind::Ack {
            self.answer(m, index, sending_until > now);
            return;
        }
        // Between the assessment and the frame the station may have begun to acknowledge another.
        if sending_until > now {
            self.medium_step(m, index, Step::Begin, sending_until);
            return;
        }
        if listening_until > now && !quiet {
            self.medium_step(m, index, Step::Begin, listening_until);
            return;
        }
        let silent_until = station.silent_until[usize::from(frame.second)];
        if silent_until > now && !quiet {
            let duty = medium.duty(frame.second);
            if duty.is_some_and(|duty| !duty.waits) {
                medium.totals.duty_refusals += 1;
                self.give_up(m, index);
                return;
            }
            if !frame.held_back {
                medium.frames.get_mut(index).held_back = true;
                medium.totals.duty_waits += 1;
            }
            self.medium_step(m, index, Step::Begin, silent_until);
            return;
        }
        let end = self.later(now, frame.airtime);
        let medium = &mut self.media[m];
        let load = weight(medium, frame.airtime);
        medium.totals.attempts += 1;
        medium.totals.transmissions += 1;
        medium.totals.retries += u64::from(frame.sent > 0);
        medium.totals.offered_ns += load;
        let state = medium.frames.get_mut(index);
        if state.sent == 0 {
            state.first = now;
        }
        state.sent = state.sent.saturating_add(1);
        medium.begin(index, now, end);
        self.station_aired(m, frame.from, frame.airtime, SimDuration::ZERO);
        self.medium_step(m, index, Step::End, end);
    }

    /// A frame is given up before it was ever, or once more, sent.
    fn give_up(&mut self, m: usize, index: u32) {
        let frame = *self.media[m].frames.get(index);
        let fate = if frame.sent > 0 {
            frame.fate
        } else {
            Fate::QueueDrop
        };
        let mut next = frame.rider;
        while next != NONE {
            let rider = self.media[m].frames.remove(next);
            self.conclude(&rider, Err(fate));
            next = rider.rider;
        }
        if !frame.got {
            self.conclude(&frame, Err(fate));
        }
        self.leave_station(m, index);
        self.next_in_line(m, frame.from);
    }
}

/// Whether two stations without a link between them do not hear each other; drawn once per pair.
fn is_hidden(streams: &mut Streams, hidden: Probability, one: u64, other: u64) -> bool {
    let stream = StreamName::new("hidden")
        .index(one.min(other))
        .index(one.max(other))
        .id();
    hidden.accepts(streams.block(stream, 0)[0])
}
