//! One part of a world whose links lead to other parts: it is run event by event up to where the
//! others let it, and exchanges packets with them in between.

use std::sync::Arc;

use super::Engine;
use crate::error::EngineError;
use crate::host::Host;
use crate::id::{Direction, LinkClass, LinkId, NodeId};
use crate::order::{Class, EventKey};
use crate::outbox::Outbox;
use crate::time::{SimDuration, SimTime};
use crate::world::{Batch, Crossings};

impl<H: Host> Engine<H> {
    /// Collects packets to nodes of other parts in one [`Batch`] for each part. `least` is what a
    /// packet to a part takes at least, from its offer or its tap to its arrival.
    pub fn cross_to(&mut self, part_of: Arc<[u16]>, least: Vec<SimDuration>) {
        self.world.crossings = Some(Box::new(Crossings::new(part_of, least)));
    }

    /// A time that every packet on links of a class takes at least.
    #[must_use]
    pub fn least_delay_of(&self, class: LinkClass) -> SimDuration {
        let class = self.world.classes.get(usize::from(class.0));
        class.map_or(SimDuration::ZERO, |class| class.params.least_delay())
    }

    /// A time that every packet on links of a class takes at least after it has passed a tap.
    #[must_use]
    pub fn least_after_tap(&self, class: LinkClass) -> SimDuration {
        let class = self.world.classes.get(usize::from(class.0));
        class.map_or(SimDuration::ZERO, |class| class.params.least_after_tap())
    }

    /// The class of a link direction.
    #[must_use]
    pub fn class_of(&self, link: LinkId, direction: Direction) -> Option<LinkClass> {
        let link = self.world.links.get(link.0 as usize)?;
        Some(LinkClass(link.directions[direction.index()].class))
    }

    /// Collects nothing any more.
    pub fn cross_no_more(&mut self) {
        self.world.crossings = None;
    }

    /// Exchanges what has been collected for `part` for an empty batch.
    pub fn take_batch(&mut self, part: usize, batch: &mut Batch<H::Header>) {
        if let Some(crossings) = &mut self.world.crossings {
            std::mem::swap(crossings.batch(part), batch);
        }
    }

    /// Takes in what another part has sent, which leaves the batch empty. Nothing of it may be due
    /// before an event that has been handled here.
    pub fn take_in(&mut self, batch: &mut Batch<H::Header>) {
        self.world.take_in(batch);
    }

    /// Whether a packet took less than what was promised to [`Engine::cross_to`].
    #[must_use]
    pub fn has_breached(&self) -> bool {
        self.world
            .crossings
            .as_ref()
            .is_some_and(|crossings| crossings.breached)
    }

    /// Round and key of the next event, unless it is due after `until`.
    #[inline]
    pub fn peek(&mut self, until: SimTime) -> Option<(u32, EventKey)> {
        self.world.queue.peek(until)
    }

    /// An instant before which nothing is due here; beyond all time when nothing is pending.
    #[must_use]
    pub fn earliest(&self) -> SimTime {
        self.world.queue.earliest()
    }

    /// Handles the next event, which [`Engine::peek`] has shown.
    ///
    /// # Errors
    /// The first [`EngineError`] of the run.
    pub fn step(&mut self, host: &mut H, recorder: &mut H::Recorder) -> Result<(), EngineError> {
        let Some(entry) = self.world.queue.pop(SimTime::LAST) else {
            return Ok(());
        };
        self.handle_whole(host, recorder, entry)
    }

    /// Lets the clock stand at `until`, up to which everything has been handled.
    pub fn stand_at(&mut self, until: SimTime) {
        self.world.now = self.world.now.max(until);
    }

    /// Lets the host act on behalf of `node` within an event of another part, which stands in round
    /// `round` of its instant: what comes of it at once comes in the round after. False when it
    /// scheduled something on behalf of that node, whose numbering belongs to the other part.
    ///
    /// # Errors
    /// The first [`EngineError`] of the run.
    pub fn act_within(
        &mut self,
        (round, key): (u32, EventKey),
        node: NodeId,
        host: &mut H,
        recorder: &mut H::Recorder,
        act: impl FnOnce(&mut H, &mut Outbox<'_, H>),
    ) -> Result<bool, EngineError> {
        let world = &mut self.world;
        let numbered = |world: &crate::world::World<H::Header, H::Effect>| {
            world.nodes.get(node.0 as usize).map(|node| node.seq)
        };
        let before = numbered(world);
        world.queue.stand_at(key.time(), round);
        world.now = key.time();
        world.current = EventKey::new(key.time(), Class::Fault, node.0, 0);
        act(host, &mut Outbox::new(world, recorder, node));
        self.settle(host, recorder);
        match &self.world.error {
            Some(error) => Err(error.clone()),
            None => Ok(numbered(&self.world) == before),
        }
    }
}
