//! The virtual world of badlink: a deterministic discrete-event engine.
//!
//! One [`Engine`] owns the virtual clock, the pending events in one total order ([`order`]), the
//! nodes with their CPUs, the links with their impairments, the timers and the payload bytes. It
//! is generic over one [`Host`] value, which owns everything that happens *inside* a node; the
//! engine knows no protocol and no file format, and calls the host through static dispatch.
//!
//! **Determinism.** A run is a function of the calls made by the host and of the root seed. Random
//! numbers come from ChaCha streams addressed by structural names ([`rng`]), never from creation
//! order; no hash map, clock, thread or environment variable is read; no floating-point number
//! decides an order; transcendental functions come from `libm`.
//!
//! **Cost.** In the steady state no event allocates: payloads live in a reused arena, events in a
//! hierarchical timing wheel, waiting inputs and deferred effects in slabs.

mod ahead;
mod air;
pub mod arena;
pub mod error;
pub mod fingerprint;
pub mod id;
pub mod law;
pub mod link;
pub mod medium;
pub mod order;
pub mod packet;
pub mod rng;
pub mod stats;
pub mod tap;
pub mod time;

mod cpu;
mod engine;
mod host;
mod outbox;
mod queue;
mod recorder;
mod slab;
mod timers;
mod world;

#[cfg(test)]
mod testing;

pub use crate::ahead::Ahead;
pub use crate::arena::Block;
pub use crate::engine::{Engine, EngineConfig, NodeConfig, Progress, RunEnd};
pub use crate::error::EngineError;
pub use crate::host::{Host, Input, LostInput};
pub use crate::id::{Direction, DirectionMask, LinkClass, LinkId, NodeId, TimerId};
pub use crate::law::{Law, LawError};
pub use crate::link::{
    Aqm, Arq, ChainStep, Codel, Corruption, Damage, Fragmentation, LinkParams, LossModel,
    LossPlace, QueueLimit, Red, Reordering, Shaper,
};
pub use crate::medium::{Attachment, BroadcastPart, MediumId, MediumParams, MediumStats};
pub use crate::outbox::Outbox;
pub use crate::packet::{Fate, PacketEnd, PacketMeta};
pub use crate::recorder::{EventTrace, NullRecorder, Recorder};
pub use crate::rng::{LazyStream, Probability, Seed, StreamName, Streams};
pub use crate::stats::{LinkStats, NodeStats};
pub use crate::tap::{Injection, Passage, Powers, Source, TapDraw, Verdict};
pub use crate::time::{SimDuration, SimTime};
pub use crate::world::Batch;
