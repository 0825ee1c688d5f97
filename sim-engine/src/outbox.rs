//! What a handler may do to the world.

use crate::ahead::Ahead;
use crate::arena::Block;
use crate::host::Host;
use crate::id::{Direction, LinkId, NodeId, TimerId};
use crate::medium::BroadcastPart;
use crate::order::Class;
use crate::rng::Streams;
use crate::tap::Injection;
use crate::time::{SimDuration, SimTime};
use crate::timers::TimerName;
use crate::world::World;

/// The way out of a handler.
///
/// Everything happens on behalf of [`Outbox::node`], the entity whose handler runs: it is the
/// origin of what is scheduled. Mistakes of the host (an unknown link, an instant in the past) do
/// not panic; the run ends with the first such error after the running event.
pub struct Outbox<'a, H: Host> {
    pub(crate) world: &'a mut World<H::Header, H::Effect>,
    pub(crate) recorder: &'a mut H::Recorder,
    pub(crate) node: NodeId,
}

impl<'a, H: Host> Outbox<'a, H> {
    #[inline]
    pub(crate) const fn new(
        world: &'a mut World<H::Header, H::Effect>,
        recorder: &'a mut H::Recorder,
        node: NodeId,
    ) -> Self {
        Self {
            world,
            recorder,
            node,
        }
    }

    /// A way out on behalf of another node, which is then the origin of what is scheduled: for a
    /// handler that belongs to no node and acts for one after the other.
    #[inline]
    pub const fn acting_for(&mut self, node: NodeId) -> Outbox<'_, H> {
        Outbox::new(self.world, self.recorder, node)
    }

    /// The engine's own state, to be read ahead of the events that need it.
    #[must_use]
    pub fn ahead(&self) -> Ahead<'_> {
        self.world.ahead()
    }

    /// The current instant.
    #[must_use]
    pub const fn now(&self) -> SimTime {
        self.world.now
    }

    /// The entity whose handler runs.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Offers a packet to a link that starts at this node. Whether it is carried is decided now.
    #[inline]
    pub fn send(&mut self, link: LinkId, direction: Direction, header: H::Header, bytes: &[u8]) {
        self.world.send(self.node, link, direction, header, bytes);
    }

    /// Offers a packet of a broadcast, which the host offers link by link without anything in
    /// between. On a shared medium all of it is one frame; elsewhere each is a packet like any
    /// other.
    pub fn send_broadcast(
        &mut self,
        link: LinkId,
        direction: Direction,
        header: H::Header,
        bytes: &[u8],
        part: BroadcastPart,
    ) {
        let world = &mut *self.world;
        world.broadcasts += u64::from(part == BroadcastPart::First);
        world.broadcast = Some(world.broadcasts);
        world.send(self.node, link, direction, header, bytes);
        world.broadcast = None;
    }

    /// Queues an effect, to be released `after` from now through [`Host::on_release`].
    ///
    /// Effects of a node are released in the order in which they were deferred, so one with an
    /// earlier due time waits for those before it. An effect that is due now while
    /// [`Outbox::has_deferred`] is false is better carried out directly.
    pub fn defer(&mut self, after: SimDuration, effect: H::Effect) {
        self.world.defer(self.node, after, effect);
    }

    /// Whether this node has effects that are not yet released.
    #[must_use]
    pub fn has_deferred(&self) -> bool {
        self.world
            .cpu(self.node)
            .is_some_and(crate::cpu::Cpu::has_deferred)
    }

    /// Keeps the node's CPU busy until `cost` from now. Meant for [`Host::on_input`].
    pub fn busy(&mut self, cost: SimDuration) {
        let until = self.world.at(self.node, cost);
        self.world.extend_busy(self.node, until);
    }

    /// Keeps the node's CPU busy until `until` at least, for instance by a write to storage.
    pub fn extend_busy_until(&mut self, until: SimTime) {
        self.world.extend_busy(self.node, until);
    }

    /// When the node's CPU becomes free; not after now if it is.
    #[must_use]
    pub fn busy_until(&self) -> SimTime {
        self.world
            .cpu(self.node)
            .map_or(SimTime::ZERO, |cpu| cpu.busy_until)
    }

    /// Arms a timer of this node. An earlier one of the same name is replaced.
    #[inline]
    pub fn arm(&mut self, timer: TimerId, after: SimDuration) {
        self.world.arm(self.node, timer, after);
    }

    /// Disarms a timer of this node, also if it has expired and waits for the CPU.
    #[inline]
    pub fn cancel(&mut self, timer: TimerId) {
        self.world.disarm(TimerName::timer(self.node, timer));
    }

    /// Whether a timer of this node is armed, or has expired and waits for the CPU.
    #[must_use]
    pub fn is_armed(&mut self, timer: TimerId) -> bool {
        self.world.is_armed(self.node, timer)
    }

    /// Arms a control event, which must not lie in the past. An earlier one of the same owner and
    /// name is replaced.
    pub fn arm_control(&mut self, owner: NodeId, control: TimerId, at: SimTime) {
        self.world
            .arm_control(self.node, owner, control, at, Class::Control);
    }

    /// Like [`Outbox::arm_control`], but before all other events of its instant: for faults.
    pub fn arm_fault(&mut self, owner: NodeId, control: TimerId, at: SimTime) {
        self.world
            .arm_control(self.node, owner, control, at, Class::Fault);
    }

    /// Takes a control event back.
    pub fn cancel_control(&mut self, owner: NodeId, control: TimerId) {
        self.world.disarm(TimerName::control(owner, control));
    }

    /// Puts a command into the waiting line of a node's CPU. A node without power never gets it.
    pub fn command(&mut self, node: NodeId, token: u64) {
        self.world.command(node, token);
    }

    /// Keeps a copy of bytes until [`Outbox::free`].
    ///
    /// # Panics
    /// If they are longer than [`crate::arena::PAYLOAD_MAX_BYTES`].
    #[must_use]
    pub fn keep(&mut self, bytes: &[u8]) -> Block {
        self.world.arena.keep(bytes)
    }

    /// Bytes that were kept.
    #[must_use]
    pub fn block(&self, block: Block) -> &[u8] {
        self.world.arena.get(block)
    }

    /// Gives kept bytes back. The block must not be used afterwards.
    pub fn free(&mut self, block: Block) {
        self.world.arena.free(block);
    }

    /// Offers kept bytes to a link, without a detour through the caller, and gives them back.
    pub fn send_block(
        &mut self,
        link: LinkId,
        direction: Direction,
        header: H::Header,
        block: Block,
    ) {
        self.world
            .send_block(self.node, link, direction, header, block);
    }

    /// Puts a packet of adversary `tap` on a link; a power that it lacks ends the run.
    pub fn inject(
        &mut self,
        tap: u32,
        way: (LinkId, Direction),
        how: Injection,
        header: H::Header,
        bytes: &[u8],
    ) {
        self.world.inject(tap, way, how, header, bytes);
    }

    /// Carries a packet to an address of adversary `tap` itself, over a link that leads towards it:
    /// the `whole` link, or up to the tap in its middle. [`Host::on_mail`] follows.
    pub fn mail(
        &mut self,
        tap: u32,
        way: (LinkId, Direction),
        whole: bool,
        header: H::Header,
        bytes: &[u8],
    ) {
        self.world.mail(tap, way, whole, header, bytes);
    }

    /// Lets a packet go on that [`crate::Verdict::Hold`] kept: it arrives `after` from now, and not
    /// before it would have arrived on its own. To be called once for each packet held.
    pub fn release_held(&mut self, packet: u32, after: SimDuration) {
        self.world.release_held(packet, after);
    }

    /// The same way out on behalf of another entity, which is then the origin of what is scheduled.
    pub const fn as_entity(&mut self, node: NodeId) -> Outbox<'_, H> {
        Outbox {
            world: self.world,
            recorder: self.recorder,
            node,
        }
    }

    /// The recorder of the run.
    #[must_use]
    pub const fn recorder(&mut self) -> &mut H::Recorder {
        self.recorder
    }

    /// The random streams of the run.
    #[must_use]
    pub const fn streams(&mut self) -> &mut Streams {
        &mut self.world.streams
    }

    /// Takes the power from a node: its waiting line, its deferred effects and its timers are
    /// lost, and packets that arrive end with [`crate::Fate::NodeDown`] until it restarts.
    ///
    /// Lost inputs and effects are handed to [`Host::on_input_lost`] and [`Host::on_effect_lost`] when
    /// the running handler has returned.
    pub fn crash(&mut self, node: NodeId) {
        self.world.crash(node);
    }

    /// Gives a node its power back.
    pub fn restart(&mut self, node: NodeId) {
        self.world.restart(node);
    }

    /// Whether a node is without power.
    #[must_use]
    pub fn is_down(&self, node: NodeId) -> bool {
        self.world.is_down(node)
    }

    /// How often a node has lost its power, modulo 2^16.
    #[must_use]
    pub fn incarnation(&self, node: NodeId) -> u16 {
        let state = self.world.nodes.get(node.0 as usize);
        state.map_or(0, |state| state.incarnation)
    }

    /// Lets a node's CPU hang for a time: inputs wait, and what it is busy with and what it has not
    /// released comes that much later. A node without power does not hang.
    pub fn stall(&mut self, node: NodeId, span: SimDuration) {
        self.world.stall(node, span);
    }

    /// How long a node's CPU still has to work on what it has taken.
    #[must_use]
    pub fn busy_left(&self, node: NodeId) -> SimDuration {
        self.world.busy_left(node)
    }

    /// Ends the run after the running event.
    pub const fn stop(&mut self) {
        self.world.stopped = true;
    }
}
