//! Links: what happens to a packet between two nodes.
//!
//! Per direction and in this order: MTU → loss, if it is drawn at the ingress → queue and its
//! management → shaper → serialisation, frame by frame where the link cuts or repeats → loss, if it
//! is drawn on the air → corruption → duplication → propagation and jitter → reordering → ordering →
//! delivery. A packet that is lost on the air has used the medium; one that is lost at the ingress
//! has not. A copy has a loss, bit errors and a delay of its own: with loss *p* and duplication *d*
//! nothing arrives with probability *p*(1 − *d*) + *p*²*d*.
//!
//! Parameters are shared by all directions of a [`crate::LinkClass`]; a direction itself keeps
//! sixteen bytes, and more only if its class needs it, because a world may have millions.
//!
//! **Determinism.** A packet's draws are the eight slots of one ChaCha block, addressed by link,
//! direction, sender and that sender's packet number; what one packet draws never moves another.
//! A link that is ideal draws nothing.

pub mod aqm;
pub mod frames;
pub mod loss;

mod control;
mod corruption;
mod direction;
pub(crate) mod draws;
mod least;
mod reorder;
mod shaper;
#[cfg(test)]
mod tests;
mod transit;

use std::sync::Arc;

pub use self::aqm::{Aqm, Codel, Red};
pub use self::corruption::{Corruption, Damage};
pub(crate) use self::direction::{ClassState, DirectionState, Extra, LinkState};
pub use self::frames::{Arq, Fragmentation};
pub use self::loss::{ChainStep, LossModel, TwoState};
pub use self::reorder::Reordering;
pub use self::shaper::Shaper;
pub(crate) use self::transit::{Carried, Stopped, carry, cross, serialisation, transmit};
use crate::law::Law;
use crate::medium::Attachment;
use crate::rng::Probability;

/// What limits a link's queue. The packet in service counts too.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum QueueLimit {
    /// Nothing does.
    #[default]
    Unbounded,
    /// At most this many packets.
    Packets(u32),
    /// At most this many bytes.
    Bytes(u64),
}

/// Where on the link a packet is lost.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum LossPlace {
    /// After serialisation: a lost packet has used the medium, as on a radio.
    #[default]
    Air,
    /// Before the queue: a lost packet uses no rate.
    Ingress,
}

/// The parameters of link directions.
///
/// The default is an ideal link: any length, no queue, no loss, no delay.
#[derive(Clone, PartialEq, Debug)]
pub struct LinkParams {
    /// Longest packet in bytes; `None`: any length.
    pub mtu_bytes: Option<u32>,
    /// Serialisation rate in bits per second; `None` or zero: no serialisation and no queue.
    pub rate_bps: Option<u64>,
    /// Bytes that each packet takes on the medium beyond its own (preamble, gap).
    pub overhead_bytes: u32,
    /// Limit of the queue. Has a meaning with a rate only.
    pub queue: QueueLimit,
    /// What drops packets before the queue is full. Has a meaning with a rate or a shaper only.
    pub aqm: Option<Aqm>,
    /// A token bucket before the serialisation.
    pub shaper: Option<Shaper>,
    /// Whether packets longer than the MTU are cut into frames.
    pub fragmentation: Option<Fragmentation>,
    /// Whether frames are repeated until acknowledged.
    pub arq: Option<Arq>,
    /// The loss model.
    pub loss: LossModel,
    /// Where the loss is drawn.
    pub loss_place: LossPlace,
    /// Bit errors.
    pub corruption: Option<Corruption>,
    /// How often the link makes a second copy; the copy draws its own loss, bit errors and delay.
    /// Not for links with ARQ or fragmentation, whose receivers recognise copies.
    pub duplication: Probability,
    /// Propagation delay in nanoseconds.
    pub delay: Law,
    /// A recording of propagation delays in nanoseconds, not empty, that takes the place of the law:
    /// packet *n* of a sender takes entry *n*, and after the last one the first again.
    pub delay_replay: Option<Arc<[u64]>>,
    /// Further delay in nanoseconds, drawn independently.
    pub jitter: Law,
    /// Correlation of each packet's jitter with that of the packet before, through a Gaussian
    /// process that keeps the law of the single value; 0 to below 1.
    pub jitter_correlation: Option<f64>,
    /// Packets that leave their place in the order.
    pub reordering: Option<Reordering>,
    /// Whether no packet overtakes an earlier one of its direction.
    pub in_order: bool,
    /// The shared medium that its frames wait for; their time on the air then follows from
    /// `rate_bps` or the modulation, and `queue` limits the line of the sender on the medium.
    pub medium: Option<Attachment>,
}

impl Default for LinkParams {
    fn default() -> Self {
        Self {
            mtu_bytes: None,
            rate_bps: None,
            overhead_bytes: 0,
            queue: QueueLimit::Unbounded,
            aqm: None,
            shaper: None,
            fragmentation: None,
            arq: None,
            loss: LossModel::None,
            loss_place: LossPlace::Air,
            corruption: None,
            duplication: Probability::NEVER,
            delay: Law::ZERO,
            delay_replay: None,
            jitter: Law::ZERO,
            jitter_correlation: None,
            reordering: None,
            in_order: false,
            medium: None,
        }
    }
}

impl LinkParams {
    /// Whether packets wait for one another.
    #[must_use]
    pub fn queues(&self) -> bool {
        self.rate_bps.is_some_and(|rate| rate > 0) || self.shaper.is_some()
    }

    /// Whether a packet of this length never passes: it is longer than the MTU of a link that does
    /// not cut, or than the shaper's bucket.
    #[must_use]
    pub fn too_long(&self, bytes: u32) -> bool {
        if frames::frames_of(bytes, self.mtu_bytes, self.fragmentation).is_none() {
            return true;
        }
        let frame = self.mtu_bytes.map_or(bytes, |mtu| mtu.min(bytes));
        self.shaper.is_some_and(|shaper| {
            u64::from(frame) + u64::from(self.overhead_bytes) > u64::from(shaper.burst_bytes)
        })
    }
}
