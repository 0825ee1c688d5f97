//! Shared media: a radio channel on which many senders transmit and destroy each other's frames.
//!
//! A link direction whose parameters name a medium ([`crate::LinkParams::medium`]) does not send by
//! itself: its frames wait in the one line of their sender, follow the medium's access procedure,
//! take their time on the air, and only then go through the rest of the link (loss, corruption,
//! duplication, propagation, ordering). Two frames that overlap on one channel destroy each other,
//! unless a capture threshold says otherwise; a station that transmits hears nothing.
//!
//! **Overlap.** Frames occupy half-open intervals: one that begins when another ends does not touch
//! it. Carrier sensing at an instant hears what began strictly earlier, so two stations that sense
//! at the same instant both find the channel idle. No outcome depends on the order in which events
//! of one instant are handled.
//!
//! **Draws.** Backoffs and channels come from a stream of their own per link and direction, by
//! packet number; a link's other draws are those it would make without a medium.

mod lora;
mod state;
mod stats;
#[cfg(test)]
mod tests;

pub use self::lora::{Modulation, SIR_THRESHOLDS_DB, SPREADING_FACTORS};
pub(crate) use self::state::{Frame, FrameKind, Medium, Shared, Step, Uplink, milliwatts};
pub use self::stats::MediumStats;
use crate::law::Law;
use crate::rng::Probability;
use crate::time::SimDuration;

/// A shared medium, numbered from 0 in the order of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MediumId(pub u16);

/// Which packet of a broadcast it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BroadcastPart {
    /// The first one.
    First,
    /// A further one.
    Further,
}

/// When a station may transmit.
#[derive(Clone, PartialEq, Debug)]
pub enum Access {
    /// At once: pure ALOHA. Throughput S = G e^(-2G) for many independent senders.
    Aloha,
    /// At the beginning of a slot: slotted ALOHA, S = G e^(-G).
    Slotted {
        /// Length of a slot; slot 0 begins with the run.
        slot: SimDuration,
        /// How often a waiting frame uses a slot; 1: the first one.
        persistence: Probability,
    },
    /// When the channel is found idle; otherwise the station senses again later (non-persistent
    /// CSMA, Kleinrock and Tobagi 1975).
    Csma {
        /// From a busy finding to the next sensing, ns.
        backoff: Law,
        /// Busy findings after which the frame is given up; at least 1.
        attempts: u32,
    },
    /// In a slot chosen evenly among the first `window` ones: who chose the earliest transmits, the
    /// others hear it and choose anew when the channel is idle again.
    Contention {
        /// Number of slots; at least 1.
        window: u32,
        /// Length of a slot.
        slot: SimDuration,
        /// Busy findings after which the frame is given up; at least 1.
        attempts: u32,
    },
    /// Unslotted CSMA-CA with acknowledgements.
    CsmaCa(CsmaCa),
}

/// The constants of unslotted CSMA-CA; the default is IEEE 802.15.4 at 2.4 GHz.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CsmaCa {
    /// Length of a backoff unit.
    pub unit: SimDuration,
    /// Exponent of the first backoff: 0 to 2^BE - 1 units.
    pub min_exponent: u8,
    /// Largest exponent; each busy finding adds one up to it.
    pub max_exponent: u8,
    /// Busy findings that are forgiven; one more gives the frame up.
    pub max_backoffs: u8,
    /// Length of a clear channel assessment.
    pub assessment: SimDuration,
    /// From receiving to transmitting and back.
    pub turnaround: SimDuration,
    /// Acknowledgements and what follows their absence; `None`: frames are not acknowledged.
    pub acknowledgement: Option<Acknowledgement>,
    /// How often an assessment finds the channel busy for a cause outside of this world.
    pub busy: Probability,
}

/// Acknowledgements of the medium itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledgement {
    /// Time on the air of an acknowledgement.
    pub airtime: SimDuration,
    /// From the end of a frame until its sender stops waiting.
    pub wait: SimDuration,
    /// Further transmissions of a frame that was not acknowledged.
    pub retries: u8,
}

impl Default for CsmaCa {
    fn default() -> Self {
        Self {
            unit: SimDuration(320_000),
            min_exponent: 3,
            max_exponent: 5,
            max_backoffs: 4,
            assessment: SimDuration(128_000),
            turnaround: SimDuration(192_000),
            acknowledgement: Some(Acknowledgement {
                airtime: SimDuration(352_000),
                wait: SimDuration(864_000),
                retries: 3,
            }),
            busy: Probability::NEVER,
        }
    }
}

/// A limit on the share of time in which a station transmits: after a frame of length T it stays
/// silent on the sub-band for T (1/d - 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DutyCycle {
    /// The share d in parts per billion, 1 to 10^9.
    pub share_ppb: u32,
    /// Whether a frame waits for the end of the silence; else it is refused.
    pub waits: bool,
}

impl DutyCycle {
    /// The silence after a frame of this length, T (1/d - 1), rounded down to a nanosecond.
    #[must_use]
    pub fn silence(&self, airtime: SimDuration) -> SimDuration {
        let period = u128::from(airtime.0) * 1_000_000_000 / u128::from(self.share_ppb.max(1));
        SimDuration(u64::try_from(period - u128::from(airtime.0)).unwrap_or(u64::MAX))
    }
}

/// What a receiver hears through a collision.
#[derive(Clone, PartialEq, Debug)]
pub enum Capture {
    /// Nothing: overlapping frames of the same channel and spreading factor destroy each other, and
    /// different spreading factors do not touch.
    None,
    /// A frame survives if its power exceeds the sum of all overlapping frames of each spreading
    /// factor by the threshold in dB for the pair of factors: own factor (row) against theirs.
    /// Media without spreading factors use the first entry.
    Thresholds(Box<[[f64; SPREADING_FACTORS]; SPREADING_FACTORS]>),
}

/// The second receive window of LoRaWAN class A.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReceiveWindows {
    /// From the end of the uplink to the first window, on the uplink's channel and factor.
    pub first: SimDuration,
    /// From the end of the uplink to the second window, on a channel of its own.
    pub second: SimDuration,
    /// Modulation in the second window.
    pub second_modulation: Modulation,
    /// Duty cycle of the second window's sub-band.
    pub second_duty: Option<DutyCycle>,
}

/// The parameters of a medium.
#[derive(Clone, PartialEq, Debug)]
pub struct MediumParams {
    /// When a station may transmit.
    pub access: Access,
    /// Time after which a transmission is heard by the others; it also delays every arrival.
    pub propagation: SimDuration,
    /// Channels of the sub-band; each frame goes to one of them at random. At least 1.
    pub channels: u16,
    /// The sub-band's duty cycle, if there is one.
    pub duty: Option<DutyCycle>,
    /// What survives a collision.
    pub capture: Capture,
    /// Received power of a link's frames in dBm, drawn once per link. Has a meaning with
    /// thresholds only.
    pub power_dbm: Law,
    /// How often two stations without a link between them do not hear each other, drawn once per
    /// pair. Their frames still collide at receivers.
    pub hidden: Probability,
    /// Receive windows: `None`: a downlink is sent like an uplink. With them, a frame to the start
    /// of the direction `up` waits for a window after that station's next uplink.
    pub windows: Option<ReceiveWindows>,
}

impl Default for MediumParams {
    fn default() -> Self {
        Self {
            access: Access::Aloha,
            propagation: SimDuration::ZERO,
            channels: 1,
            duty: None,
            capture: Capture::None,
            power_dbm: Law::ZERO,
            hidden: Probability::NEVER,
            windows: None,
        }
    }
}

/// How a link direction uses a medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// The medium.
    pub medium: MediumId,
    /// LoRa modulation, which gives the time on the air; `None`: the direction's rate does.
    pub modulation: Option<Modulation>,
}
