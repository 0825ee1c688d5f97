//! What the engine asks of the code that lives inside the nodes.

use crate::ahead::Ahead;
use crate::id::{NodeId, TimerId};
use crate::outbox::Outbox;
use crate::packet::{PacketEnd, PacketMeta};
use crate::recorder::Recorder;
use crate::tap::{Passage, TapDraw, Verdict};
use crate::time::{SimDuration, SimTime};

/// What a node's CPU takes from its waiting line.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a, H> {
    /// A packet has arrived.
    Packet {
        /// The host's own metadata.
        header: H,
        /// The engine's metadata.
        meta: PacketMeta,
        /// The bytes, valid for the duration of the call.
        bytes: &'a [u8],
    },
    /// A timer of this node has expired.
    Timer(TimerId),
    /// The application asks for something; the number is the host's.
    Command(u64),
}

/// What a crash took out of a node's waiting line.
#[derive(Clone, Copy, Debug)]
pub enum LostInput<H> {
    /// A packet, whose delivery was told when it came.
    Packet {
        /// The host's own metadata.
        header: H,
        /// The engine's metadata.
        meta: PacketMeta,
    },
    /// A timer that had expired.
    Timer(TimerId),
    /// A command.
    Command(u64),
}

/// The owner of all nodes' inner state.
///
/// One value serves every node, so that the host chooses the memory layout and the engine needs no
/// dynamic dispatch. The engine calls it from one thread, in the order of events.
pub trait Host: Sized {
    /// Per-packet metadata of the simulation (addresses, session tag) that the engine only carries.
    type Header: Copy;
    /// A deferred effect of a handler; bytes it needs are kept as [`crate::Block`].
    type Effect: Copy;
    /// Where packets and events are written down.
    type Recorder: Recorder<Self::Header>;

    /// CPU work: the node is free and takes an input.
    ///
    /// The cost is declared with [`Outbox::busy`]; without it the handler takes no time.
    fn on_input(
        &mut self,
        now: SimTime,
        node: NodeId,
        input: Input<'_, Self::Header>,
        out: &mut Outbox<'_, Self>,
    );

    /// A deferred effect of `node` is due. Effects come in emission order.
    fn on_release(
        &mut self,
        now: SimTime,
        node: NodeId,
        effect: Self::Effect,
        out: &mut Outbox<'_, Self>,
    );

    /// A control event is due: workload arrivals, deadlines, probes, faults.
    ///
    /// It never waits for a CPU. `owner` is the entity it was armed for, which need not be a node.
    fn on_control(
        &mut self,
        now: SimTime,
        owner: NodeId,
        control: TimerId,
        out: &mut Outbox<'_, Self>,
    );

    /// A packet's life on a link has ended: undelivered, or by delivery, in which case the call
    /// comes just before the node takes or queues it.
    ///
    /// Ends that happen while a handler runs (a full queue, a loss) are told when it has returned,
    /// in the order in which they happened.
    fn on_packet_end(&mut self, now: SimTime, end: &PacketEnd<'_, Self::Header>);

    /// A link made a copy of a packet that a node sent; the copy has its own end. Told when the
    /// handler that sent the packet has returned.
    fn on_copied(&mut self, _header: &Self::Header, _meta: &PacketMeta) {}

    /// A packet passes the adversary's tap of its link; called for links with a tap only.
    ///
    /// `draw` is the adversary's randomness for this packet: independent of every other packet.
    /// What is noted in `header` stays with the packet and with copies made here; the engine never
    /// reads it. With [`Verdict::Modify`] the packet goes on with the bytes left in `rewritten`,
    /// which is empty at the call.
    fn on_tap(
        &mut self,
        now: SimTime,
        passage: Passage<'_>,
        header: &mut Self::Header,
        draw: &mut TapDraw,
        rewritten: &mut Vec<u8>,
    ) -> Verdict;

    /// The verdict of [`Host::on_tap`] has been carried out: what the adversary wants besides goes
    /// through `out`, whose node is the tap's entity.
    fn on_tap_done(&mut self, _now: SimTime, _tap: u32, _out: &mut Outbox<'_, Self>) {}

    /// A packet to an adversary's own address has reached it (see [`Outbox::mail`]).
    fn on_mail(
        &mut self,
        _now: SimTime,
        _tap: u32,
        _header: &Self::Header,
        _bytes: &[u8],
        _out: &mut Outbox<'_, Self>,
    ) {
    }

    /// An event has been handled, with everything that it brought about at once.
    #[inline]
    fn on_settled(&mut self, _recorder: &mut Self::Recorder) {}

    /// An event of this entity will be handled soon, in a large world.
    ///
    /// A host that reads a word of the entity's state here has it in the cache when the handler
    /// runs: the engine asks for some dozen entities at a time, so their cache misses overlap. The
    /// result is dropped; return anything that was read.
    fn touch(&self, _entity: NodeId) -> u64 {
        0
    }

    /// As [`Host::touch`], for a control event: what begins there will need more than one word.
    #[inline]
    fn touch_control(&self, owner: NodeId, _engine: Ahead<'_>) -> u64 {
        self.touch(owner)
    }

    /// A crash took an effect that was not yet released. Its blocks are to be freed through `out`.
    fn on_effect_lost(
        &mut self,
        _now: SimTime,
        _node: NodeId,
        _effect: Self::Effect,
        _out: &mut Outbox<'_, Self>,
    ) {
    }

    /// A node sent and received for so long; told only where [`crate::Engine::meter_air`] asks for it,
    /// when the event that put it on the air has been handled.
    fn on_aired(
        &mut self,
        _now: SimTime,
        _node: NodeId,
        _sent_and_received: (SimDuration, SimDuration),
        _out: &mut Outbox<'_, Self>,
    ) {
    }

    /// A crash took an input that waited for the CPU.
    fn on_input_lost(
        &mut self,
        _now: SimTime,
        _node: NodeId,
        _input: LostInput<Self::Header>,
        _out: &mut Outbox<'_, Self>,
    ) {
    }
}
