//! Where a run's packets and events can be written down.
//!
//! Recorders are called through static dispatch and stream: the engine keeps nothing for them.
//! They get shared references only, so they cannot change a run; with [`NullRecorder`] the calls
//! compile to nothing.

use crate::id::NodeId;
use crate::order::EventKey;
use crate::packet::PacketEnd;

/// One event that a node handled, as it entered that node's fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventTrace {
    /// The place of the event in the total order.
    pub key: EventKey,
    /// Its round within the instant, from 0.
    pub round: u32,
    /// The entity whose fingerprint took it in.
    pub entity: NodeId,
    /// What happened: the numbers are those of [`crate::fingerprint::Kind`].
    pub kind: u8,
    /// Digest of the payload.
    pub digest: u64,
}

/// Receives what happened, as it happens.
pub trait Recorder<H> {
    /// Whether [`Recorder::packet`] is to be called at all.
    const ON: bool;
    /// Whether [`Recorder::event`] is to be called at all.
    const EVENTS: bool = false;
    /// Whether [`Recorder::turn`] is to be called at all.
    const TURNS: bool = false;

    /// The life of a packet on a link has ended.
    fn packet(&mut self, end: &PacketEnd<'_, H>);

    /// An event was taken into a fingerprint.
    fn event(&mut self, _event: &EventTrace) {}

    /// The next event is about to be handled: its place in the total order.
    fn turn(&mut self, _key: EventKey, _round: u32) {}
}

/// Records nothing and costs nothing.
#[derive(Clone, Copy, Default, Debug)]
pub struct NullRecorder;

impl<H> Recorder<H> for NullRecorder {
    const ON: bool = false;

    fn packet(&mut self, _end: &PacketEnd<'_, H>) {}
}
