//! The queue in a few plain lines: what the wheel must agree with.

use std::collections::BTreeMap;

use super::Payload;
use crate::order::EventKey;
use crate::time::SimTime;

/// Pending events in an ordered map from (is a later round, key).
#[derive(Default)]
pub(crate) struct Reference {
    pending: BTreeMap<EventKey, Payload>,
    next_round: BTreeMap<EventKey, Payload>,
    now: SimTime,
    round: u32,
}

impl Reference {
    pub(crate) fn push(&mut self, key: EventKey, payload: Payload) {
        let map = if key.time() == self.now {
            &mut self.next_round
        } else {
            &mut self.pending
        };
        assert_eq!(map.insert(key, payload), None, "keys are unique");
    }

    pub(crate) fn cancel(&mut self, key: EventKey) {
        let found = self
            .pending
            .remove(&key)
            .or_else(|| self.next_round.remove(&key));
        assert!(found.is_some(), "only what is pending is cancelled");
    }

    pub(crate) fn pop(&mut self, until: SimTime) -> Option<(EventKey, Payload)> {
        let first = self.pending.first_key_value().map(|(key, _)| key.time());
        if first != Some(self.now) && !self.next_round.is_empty() {
            self.round += 1;
            self.pending.append(&mut self.next_round);
        }
        let (key, _) = self.pending.first_key_value()?;
        if key.time() > until {
            return None;
        }
        if key.time() > self.now {
            self.now = key.time();
            self.round = 0;
        }
        self.pending.pop_first()
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len() + self.next_round.len()
    }

    pub(crate) fn round(&self) -> u32 {
        self.round
    }
}
