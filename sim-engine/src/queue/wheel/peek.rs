//! Looking at what comes next without taking it.

use super::{LEVEL_BITS, VOID, Wheel, first_set};
use crate::order::EventKey;
use crate::time::SimTime;

impl Wheel {
    /// Round and key of the next event, unless it is due after `until`.
    #[inline]
    pub(crate) fn peek(&mut self, until: SimTime) -> Option<(u32, EventKey)> {
        loop {
            match self.front.last() {
                Some(entry) if entry.handle == VOID => {
                    self.front.pop();
                    continue;
                }
                Some(entry) if entry.key.time().0 == self.now => {
                    return Some((self.round, entry.key));
                }
                _ if !self.next_round.is_empty() => {
                    if let Some(key) = self.first_of_next_round() {
                        return Some((self.round + 1, key));
                    }
                    // Nothing but cancelled events: no round.
                    self.next_round.clear();
                    continue;
                }
                Some(entry) => {
                    return (entry.key.time() <= until).then_some((0, entry.key));
                }
                None => {
                    if !self.open_next_slot(until.0) {
                        return None;
                    }
                }
            }
        }
    }

    fn first_of_next_round(&self) -> Option<EventKey> {
        let live = self.next_round.iter().filter(|entry| entry.handle != VOID);
        live.map(|entry| entry.key).min()
    }

    /// An instant before which nothing is due: that of the next event, or the beginning of the
    /// stretch of time in which it lies. [`SimTime::LAST`] and later: nothing is pending.
    pub(crate) fn earliest(&self) -> SimTime {
        if !self.next_round.is_empty() {
            return SimTime(self.now);
        }
        if let Some(entry) = self.front.last() {
            return entry.key.time();
        }
        if self.occupied_levels == 0 {
            return SimTime(u64::MAX);
        }
        let level_index = self.occupied_levels.trailing_zeros() as usize;
        let slot_index = first_set(&self.occupied[level_index]);
        let shift = level_index as u32 * LEVEL_BITS;
        let above = self.cursor.checked_shr(shift + LEVEL_BITS).unwrap_or(0);
        let start =
            above.checked_shl(shift + LEVEL_BITS).unwrap_or(0) | (slot_index as u64) << shift;
        SimTime(start.max(self.now))
    }

    /// The running instant and round become those of an event that another queue of the same world
    /// handles, so that what it brings about here at once comes in the round after it.
    ///
    /// Nothing may be pending here that comes before that event.
    pub(crate) fn stand_at(&mut self, at: SimTime, round: u32) {
        if at.0 > self.now || (at.0 == self.now && round > self.round) {
            // What was to come in the round that now runs has its place in it.
            if at.0 == self.now && !self.next_round.is_empty() {
                self.begin_round();
            }
            self.now = at.0;
            self.round = round;
        }
    }
}
