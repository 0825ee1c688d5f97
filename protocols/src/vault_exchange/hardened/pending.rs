//! The answers that wait for their CONFIRM: at most one per device.

use std::collections::BTreeSet;

use super::super::equations::KEY_BYTES_MAX;
use crate::address::Address;

/// No answer.
const NONE: u32 = u32::MAX;

/// An answer that waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// Where the request came from.
    pub(super) from: Address,
    /// The session id of the request.
    pub(super) session_id: u32,
    /// The INDICES frame.
    pub(super) request: Vec<u8>,
    /// The REPLY frame.
    pub(super) reply: Vec<u8>,
    /// The combined key, as long as a key.
    pub(super) combined: [u8; KEY_BYTES_MAX],
}

/// The answers by device, and by what a CONFIRM shows of itself.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    places: Box<[u32]>,
    waiting: Vec<Waiting>,
    free: Vec<u32>,
    /// (sender, session id, device). Session ids are chosen by senders, so one pair may stand for
    /// several devices; the MAC tells them apart.
    by_sender: BTreeSet<(Address, u32, u32)>,
}

impl Pending {
    /// No answers to `devices` devices.
    pub(super) fn new(devices: usize) -> Self {
        Self {
            places: vec![NONE; devices].into(),
            waiting: Vec::new(),
            free: Vec::new(),
            by_sender: BTreeSet::new(),
        }
    }

    /// The answer to a device.
    pub(super) fn get(&self, device: usize) -> Option<&Waiting> {
        let place = *self.places.get(device)?;
        self.waiting.get(place as usize)
    }

    /// Keeps the answer to a device that has none; past the last device it is dropped.
    pub(super) fn insert(&mut self, device: usize, waiting: Waiting) {
        let Some(place) = self.places.get_mut(device) else {
            return;
        };
        let key = (waiting.from, waiting.session_id, number(device));
        self.by_sender.insert(key);
        *place = self.free.pop().unwrap_or_else(|| {
            self.waiting.push(Waiting::default());
            number(self.waiting.len() - 1)
        });
        if let Some(slot) = self.waiting.get_mut(*place as usize) {
            *slot = waiting;
        }
    }

    /// Takes the answer to a device out.
    pub(super) fn remove(&mut self, device: usize) -> Option<Waiting> {
        let place = self.places.get_mut(device)?;
        let slot = self.waiting.get_mut(*place as usize)?;
        self.free.push(*place);
        *place = NONE;
        let waiting = core::mem::take(slot);
        let key = (waiting.from, waiting.session_id, number(device));
        self.by_sender.remove(&key);
        Some(waiting)
    }

    /// The devices that a CONFIRM of this sender and session id may be from, ascending.
    pub(super) fn candidates(
        &self,
        from: Address,
        session_id: u32,
    ) -> impl Iterator<Item = usize> + '_ {
        self.by_sender
            .range((from, session_id, 0)..=(from, session_id, u32::MAX))
            .map(|(_, _, device)| *device as usize)
    }

    /// Forgets all answers.
    pub(super) fn clear(&mut self) {
        self.places.fill(NONE);
        self.waiting.clear();
        self.free.clear();
        self.by_sender.clear();
    }

    /// True when nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.by_sender.is_empty()
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NONE)
}
