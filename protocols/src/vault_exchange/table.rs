//! The sessions that a server runs: one place per device, memory only for those that have one.

use std::collections::VecDeque;

use crate::address::Address;
use crate::output::Tag;

/// No session.
const NONE: u32 = u32::MAX;

/// A session under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// Who asked.
    pub(super) from: Address,
    /// The INDICES frame.
    pub(super) request: Vec<u8>,
    /// The KEY frame.
    pub(super) answer: Vec<u8>,
    /// Its name.
    pub(super) tag: Tag,
    /// Requests that wait for its end, oldest first.
    pub(super) queue: VecDeque<Pending>,
}

/// A request that waits.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Who asks.
    pub(super) from: Address,
    /// The frame as it came.
    pub(super) frame: Vec<u8>,
}

/// The sessions by device.
#[derive(Clone, Debug)]
pub(super) struct Table {
    places: Box<[u32]>,
    sessions: Vec<Session>,
    free: Vec<u32>,
}

impl Table {
    /// No sessions of `devices` devices.
    pub(super) fn new(devices: usize) -> Self {
        Self {
            places: vec![NONE; devices].into(),
            sessions: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The session of a device.
    pub(super) fn session(&mut self, device: usize) -> Option<&mut Session> {
        let place = *self.places.get(device)?;
        self.sessions.get_mut(place as usize)
    }

    /// The session of a device, a blank one when there was none.
    ///
    /// # Panics
    ///
    /// When there is no such device.
    pub(super) fn open(&mut self, device: usize) -> &mut Session {
        if self.places[device] == NONE {
            self.places[device] = self.free.pop().unwrap_or_else(|| {
                self.sessions.push(Session::default());
                u32::try_from(self.sessions.len() - 1).expect("no more sessions than devices")
            });
        }
        &mut self.sessions[self.places[device] as usize]
    }

    /// Takes the request of a device that has waited longest.
    pub(super) fn next_waiting(&mut self, device: usize) -> Option<Pending> {
        self.session(device)?.queue.pop_front()
    }

    /// Ends the session of a device, whose queue is empty and whose buffers are given back.
    pub(super) fn close(&mut self, device: usize) {
        if let Some(place) = self.places.get_mut(device)
            && *place != NONE
        {
            self.free.push(*place);
            *place = NONE;
        }
    }

    /// Forgets all sessions and the requests that wait.
    pub(super) fn clear(&mut self) {
        self.places.fill(NONE);
        self.sessions.clear();
        self.free.clear();
    }

    /// True when no device has a session.
    pub(super) fn is_idle(&self) -> bool {
        self.sessions.len() == self.free.len()
    }
}
