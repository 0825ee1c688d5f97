//! What happened on a medium, as integers.

use std::ops::Sub;

/// Counters of one medium since the start or the last [`crate::Engine::reset_stats`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MediumStats {
    /// Frames handed to the medium; a broadcast is one.
    pub frames: u64,
    /// Attempts to transmit: transmissions, and sensings that found the channel busy.
    pub attempts: u64,
    /// Transmissions, repeated ones included, acknowledgements not.
    pub transmissions: u64,
    /// Transmissions that at least one receiver got.
    pub received: u64,
    /// Receptions destroyed by other transmissions, or by the receiver's own.
    pub collided: u64,
    /// Of these: the receiver was transmitting.
    pub deaf: u64,
    /// Sensings, or clear channel assessments.
    pub assessments: u64,
    /// Of these: the channel was busy.
    pub busy: u64,
    /// Frames given up after too many busy findings.
    pub given_up: u64,
    /// Transmissions beyond a frame's first.
    pub retries: u64,
    /// Acknowledgements sent.
    pub acknowledgements: u64,
    /// Frames that had to wait for the end of a silence prescribed by the duty cycle.
    pub duty_waits: u64,
    /// Frames refused by the duty cycle.
    pub duty_refusals: u64,
    /// Frames sent in the first, and in the second receive window.
    pub windows: [u64; 2],
    /// Sum of the drawn backoffs before first assessments and later ones.
    pub backoff_ns: u128,
    /// Airtime of all attempts, had each been a transmission: the offered load over the time.
    pub offered_ns: u128,
    /// Airtime of the transmissions that were received: the throughput over the time.
    pub received_ns: u128,
    /// Time in which at least one station was transmitting.
    pub occupied_ns: u128,
}

impl Sub for MediumStats {
    type Output = Self;

    /// What was added since `earlier`, a state of the same counters.
    fn sub(self, earlier: Self) -> Self {
        Self {
            frames: self.frames - earlier.frames,
            attempts: self.attempts - earlier.attempts,
            transmissions: self.transmissions - earlier.transmissions,
            received: self.received - earlier.received,
            collided: self.collided - earlier.collided,
            deaf: self.deaf - earlier.deaf,
            assessments: self.assessments - earlier.assessments,
            busy: self.busy - earlier.busy,
            given_up: self.given_up - earlier.given_up,
            retries: self.retries - earlier.retries,
            acknowledgements: self.acknowledgements - earlier.acknowledgements,
            duty_waits: self.duty_waits - earlier.duty_waits,
            duty_refusals: self.duty_refusals - earlier.duty_refusals,
            windows: [
                self.windows[0] - earlier.windows[0],
                self.windows[1] - earlier.windows[1],
            ],
            backoff_ns: self.backoff_ns - earlier.backoff_ns,
            offered_ns: self.offered_ns - earlier.offered_ns,
            received_ns: self.received_ns - earlier.received_ns,
            occupied_ns: self.occupied_ns - earlier.occupied_ns,
        }
    }
}
