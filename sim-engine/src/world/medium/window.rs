//! Receive windows: a frame to a station that sleeps waits until the station listens, which it does
//! twice after each frame of its own.

use super::World;
use crate::id::Direction;
use crate::medium::{Frame, Step, Uplink};
use crate::time::{SimDuration, SimTime};

impl<P: Copy, E: Copy> World<P, E> {
    /// A frame has left the air: if it was an uplink, its sender's windows open, and it sends
    /// nothing until the second one.
    pub(super) fn uplink_ended(&mut self, m: usize, frame: &Frame, got: bool) {
        let medium = &mut self.media[m];
        let Some(windows) = medium.params.windows else {
            return;
        };
        if frame.direction != Direction::Up {
            return;
        }
        let now = self.now;
        let station = &mut medium.stations[frame.from as usize];
        let until = SimTime(now.0.saturating_add(windows.second.0).min(SimTime::LAST.0));
        station.listening_until = until;
        // Nobody knows of an uplink that was not received.
        station.uplink = got.then_some(Uplink {
            end: now,
            channel: frame.channel,
            modulation: frame.modulation,
            taken: false,
        });
        if got {
            self.appoint(m, frame.from);
        }
    }

    /// Appoints the first frame that waits for a station to the next of its windows, if one is
    /// still ahead and free.
    pub(super) fn appoint(&mut self, m: usize, station: u32) {
        let now = self.now;
        let medium = &mut self.media[m];
        let Some(windows) = medium.params.windows else {
            return;
        };
        let state = &mut medium.stations[station as usize];
        let Some(uplink) = &mut state.uplink else {
            return;
        };
        let opens =
            |after: SimDuration| SimTime(uplink.end.0.saturating_add(after.0).min(SimTime::LAST.0));
        let (first, second) = (opens(windows.first), opens(windows.second));
        if uplink.taken || now > second {
            return;
        }
        let Some(index) = state.mail.pop_front() else {
            return;
        };
        uplink.taken = true;
        let uplink = *uplink;
        let frame = medium.frames.get_mut(index);
        frame.tuned = true;
        if now <= first {
            frame.second = false;
            frame.channel = uplink.channel;
            frame.modulation = uplink.modulation;
            if let Some(modulation) = uplink.modulation {
                frame.airtime = modulation.airtime(frame.bytes);
            }
            self.medium_step(m, index, Step::Window, first);
        } else {
            self.second_window(m, index);
            self.medium_step(m, index, Step::Window, second);
        }
    }

    /// Turns a frame to the second window's channel and modulation.
    fn second_window(&mut self, m: usize, index: u32) {
        let medium = &mut self.media[m];
        if let Some(windows) = medium.params.windows {
            let channel = medium.params.channels;
            let frame = medium.frames.get_mut(index);
            frame.second = true;
            frame.channel = channel;
            frame.modulation = Some(windows.second_modulation);
            frame.airtime = windows.second_modulation.airtime(frame.bytes);
        }
    }

    /// A window opens for which a frame was appointed. The sender may be unable to use it: then the
    /// frame takes the second one, and after that it waits for the next uplink.
    pub(super) fn window_opens(&mut self, m: usize, index: u32) {
        let now = self.now;
        let medium = &mut self.media[m];
        let frame = *medium.frames.get(index);
        let sender = &medium.stations[frame.from as usize];
        let silent = sender.silent_until[usize::from(frame.second)] > now;
        let free = sender.sending_until <= now && (!silent || self.quiet);
        if free {
            medium.totals.windows[usize::from(frame.second)] += 1;
            self.begin(m, index);
            return;
        }
        let end = medium.stations[frame.to as usize]
            .uplink
            .map(|uplink| uplink.end);
        if let (Some(windows), Some(end), false) = (medium.params.windows, end, frame.second) {
            self.second_window(m, index);
            let at = self.later(end, windows.second).max(now);
            self.medium_step(m, index, Step::Window, at);
            return;
        }
        medium.stations[frame.to as usize].mail.push_front(index);
    }
}
