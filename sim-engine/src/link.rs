//! Links: what happens to a packet between two nodes.
//!
//! Per direction and in this order: MTU → loss, if it is drawn at the ingress → queue →
//! serialisation → loss, if it is drawn on the air → corruption → duplication → propagation and
//! jitter → ordering → delivery. A packet that is lost on the air has used the medium; one that is
//! lost at the ingress has not.
//!
//! Parameters are shared by all directions of a [`crate::LinkClass`]; a direction itself keeps
//! sixteen bytes, and more only if its class needs it, because a world may have millions.
//!
//! **Determinism.** A packet's draws are the eight slots of one ChaCha block, addressed by link,
//! direction, sender and that sender's packet number; what one packet draws never moves another.
//! A link that is ideal draws nothing.

pub mod loss;

mod control;
mod direction;
pub(crate) mod draws;
#[cfg(test)]
mod tests;
mod transit;

pub(crate) use self::direction::{ClassState, DirectionState, Extra, LinkState};
pub use self::loss::{ChainStep, LossModel, TwoState};
pub(crate) use self::transit::{Carried, Stopped, carry, cross};
use crate::law::Law;
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

/// Bit errors that the loss model does not cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corruption {
    /// How often a packet is hit.
    pub probability: Probability,
    /// Number of bits flipped, from 1; the positions are drawn independently and may coincide.
    pub bits: u8,
    /// Whether the link's checksum finds every such packet and drops it.
    pub checked: bool,
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
    /// The loss model.
    pub loss: LossModel,
    /// Where the loss is drawn.
    pub loss_place: LossPlace,
    /// Bit errors.
    pub corruption: Option<Corruption>,
    /// How often the link makes a second copy; the copy draws its own delay.
    pub duplication: Probability,
    /// Propagation delay in nanoseconds.
    pub delay: Law,
    /// Further delay in nanoseconds, drawn independently.
    pub jitter: Law,
    /// Whether no packet overtakes an earlier one of its direction.
    pub in_order: bool,
}

impl Default for LinkParams {
    fn default() -> Self {
        Self {
            mtu_bytes: None,
            rate_bps: None,
            overhead_bytes: 0,
            queue: QueueLimit::Unbounded,
            loss: LossModel::None,
            loss_place: LossPlace::Air,
            corruption: None,
            duplication: Probability::NEVER,
            delay: Law::ZERO,
            jitter: Law::ZERO,
            in_order: false,
        }
    }
}
