//! The state of a world, and what changes it without calling the host.
//!
//! The engine drives it from above ([`crate::engine`]); a handler reaches it through its
//! [`crate::Outbox`]. What would need the host while a handler already borrows it (the end of a
//! packet, a tap without delay, effects lost in a crash) is put on the `after` list, which the
//! engine works off in order when the handler has returned.

mod inject;
mod line;
mod medium;
mod node;
mod power;
mod send;
mod timer;
mod window;

use std::collections::BTreeMap;

use crate::ahead::Ahead;
use crate::arena::{Arena, Block};
use crate::cpu::{Cpu, Deferred, Waiting};
use crate::error::EngineError;
use crate::fingerprint::{Chain, Kind};
use crate::host::LostInput;
use crate::id::NodeId;
use crate::link::{ClassState, Extra, LinkState};
use crate::medium::{Medium, MediumStats};
use crate::order::{Class, ENTITY_LIMIT, EventKey, TAP_ENTITY_BASE};
use crate::packet::{Fate, PacketMeta};
use crate::queue::{Entry, Payload, Wheel};
use crate::recorder::{EventTrace, Recorder};
use crate::rng::Streams;
use crate::slab::{NONE, Slab};
use crate::stats::{LinkStats, NodeStats};
use crate::tap::{Tap, TapDraw, TapPlace};
use crate::time::{SimDuration, SimTime};
use crate::timers::TimerTable;

pub use self::window::Batch;
pub(crate) use self::window::Crossings;

/// One node. Kept to 32 bytes; a node that is ever busy has a [`Cpu`] besides.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct NodeState {
    pub(crate) chain: Chain,
    /// Events scheduled by this node so far.
    pub(crate) seq: u32,
    /// Index of the [`Cpu`], or [`NONE`].
    pub(crate) cpu: u32,
    /// Packets that arrived, modulo 2^32; the CPU counts the overflows.
    pub(crate) arrivals: u32,
    /// Number of crashes so far; void is what an earlier incarnation scheduled.
    pub(crate) incarnation: u16,
    /// Index of the backlog limit, and [`DOWN`].
    pub(crate) config: u16,
}

impl NodeState {
    /// Whether it has no power.
    #[inline]
    pub(crate) const fn is_down(&self) -> bool {
        self.config & DOWN != 0
    }
}

/// Set in [`NodeState::config`] while the node has no power.
const DOWN: u16 = 1 << 15;

/// A control owner that is no node.
#[derive(Clone, Copy, Debug)]
struct Owner {
    chain: Chain,
    seq: u32,
}

/// A packet between its offer and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<P> {
    pub(crate) header: P,
    /// `arrived` is the planned arrival as long as the packet is on its way.
    pub(crate) meta: PacketMeta,
    pub(crate) block: Block,
    /// Sequence number of its delivery, for packets that pass a tap first.
    pub(crate) delivery_seq: u32,
    /// The fate it will have if it reaches the node.
    pub(crate) fate: Fate,
}

/// What has to be told to the host when the running handler has returned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After<P, E> {
    /// A packet that a node sent ended on its link.
    Ended { packet: u32, fate: Fate },
    /// A link made a copy of a packet; the copy is on its way.
    Copied { packet: u32 },
    /// A packet stands at a tap right now.
    Tap { packet: u32 },
    /// A packet has been handed to the part of the world that runs its far end.
    Crossed { packet: u32 },
    /// An effect was lost in a crash.
    EffectLost { node: NodeId, effect: E },
    /// An input in the waiting line was lost in a crash.
    InputLost { node: NodeId, input: LostInput<P> },
    /// A node was on the air.
    Aired {
        node: u32,
        sent: SimDuration,
        received: SimDuration,
    },
}

/// State of the counters at the end of the warm-up.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    pub(crate) nodes: Vec<NodeStats>,
    pub(crate) links: Vec<[LinkStats; 2]>,
    pub(crate) media: Vec<MediumStats>,
}

/// Everything but the host.
#[derive(Clone, Debug)]
pub(crate) struct World<P, E> {
    pub(crate) now: SimTime,
    pub(crate) queue: Wheel,
    pub(crate) nodes: Vec<NodeState>,
    /// Distinct backlog limits.
    pub(crate) backlogs: Vec<u32>,
    pub(crate) cpus: Vec<Cpu>,
    pub(crate) waiting: Slab<Waiting>,
    pub(crate) effects: Slab<Deferred<E>>,
    pub(crate) timers: TimerTable,
    pub(crate) arena: Arena,
    pub(crate) packets: Slab<Packet<P>>,
    pub(crate) links: Vec<LinkState>,
    pub(crate) classes: Vec<ClassState>,
    pub(crate) extras: Vec<Extra>,
    pub(crate) media: Vec<Medium>,
    /// Broadcasts so far, and the one that the packet being offered belongs to.
    pub(crate) broadcasts: u64,
    pub(crate) broadcast: Option<u64>,
    pub(crate) taps: Vec<Tap>,
    pub(crate) tap_places: Vec<TapPlace>,
    pub(crate) streams: Streams,
    pub(crate) tap_draw: TapDraw,
    pub(crate) after: Vec<After<P, E>>,
    pub(crate) error: Option<EngineError>,
    pub(crate) stopped: bool,
    pub(crate) quiet: bool,
    /// Whether the host is told how long nodes send and receive.
    pub(crate) meters_air: bool,
    pub(crate) baseline: Option<Box<Baseline>>,
    pub(crate) owners: Owners,
    /// The event that is being handled.
    pub(crate) current: EventKey,
    /// Nodes that another part of a split world runs; empty as long as there is only one part.
    pub(crate) foreign: Vec<bool>,
    /// Adversaries that another part plays.
    pub(crate) foreign_taps: Vec<bool>,
    /// Where packets to those nodes go, where links lead to them.
    pub(crate) crossings: Option<Box<Crossings<P>>>,
}

/// Control owners that are no nodes, by their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners(BTreeMap<u32, Owner>);

impl<P: Copy, E: Copy> World<P, E> {
    pub(crate) fn new(streams: Streams) -> Self {
        Self {
            now: SimTime::ZERO,
            queue: Wheel::new(),
            nodes: Vec::new(),
            backlogs: Vec::new(),
            cpus: Vec::new(),
            waiting: Slab::new(),
            effects: Slab::new(),
            timers: TimerTable::new(),
            arena: Arena::new(),
            packets: Slab::new(),
            links: Vec::new(),
            classes: Vec::new(),
            extras: Vec::new(),
            media: Vec::new(),
            broadcasts: 0,
            broadcast: None,
            taps: Vec::new(),
            tap_places: Vec::new(),
            tap_draw: TapDraw::new(streams.clone()),
            streams,
            after: Vec::new(),
            error: None,
            stopped: false,
            quiet: false,
            meters_air: false,
            baseline: None,
            owners: Owners::default(),
            current: EventKey::new(SimTime::ZERO, Class::Fault, 0, 0),
            foreign: Vec::new(),
            foreign_taps: Vec::new(),
            crossings: None,
        }
    }

    /// Whether another part of a split world runs this node, or plays this adversary.
    #[inline]
    pub(crate) fn is_foreign(&self, entity: NodeId) -> bool {
        match self.foreign.get(entity.0 as usize) {
            Some(foreign) => *foreign,
            None => !self.foreign_taps.is_empty() && self.is_foreign_tap(entity),
        }
    }

    #[cold]
    fn is_foreign_tap(&self, entity: NodeId) -> bool {
        let tap = entity.0.checked_sub(TAP_ENTITY_BASE);
        tap.is_some_and(|tap| self.foreign_taps.get(tap as usize) == Some(&true))
    }

    /// Notes the first error; the engine stops after the running event.
    #[cold]
    pub(crate) fn fail(&mut self, error: EngineError) {
        self.error.get_or_insert(error);
    }

    /// The instant `after` from now. Beyond the end of time the run fails.
    pub(crate) fn at(&mut self, entity: NodeId, after: SimDuration) -> SimTime {
        self.now.checked_add(after).unwrap_or_else(|| {
            self.fail(EngineError::TimeOverflow {
                at: self.now,
                entity: entity.0,
            });
            SimTime::LAST
        })
    }

    /// The next sequence number of a node or control owner.
    #[inline]
    pub(crate) fn next_seq(&mut self, entity: NodeId) -> u32 {
        let counter = match self.nodes.get_mut(entity.0 as usize) {
            Some(node) => &mut node.seq,
            None => &mut self.owners.get_mut(entity).seq,
        };
        let seq = *counter;
        match seq.checked_add(1) {
            Some(next) => *counter = next,
            None => self.fail(EngineError::SequenceOverflow { entity: entity.0 }),
        }
        seq
    }

    /// The next sequence number of a tap.
    pub(crate) fn next_tap_seq(&mut self, tap: u32) -> u32 {
        let counter = &mut self.taps[tap as usize].seq;
        let seq = *counter;
        match seq.checked_add(1) {
            Some(next) => *counter = next,
            None => self.fail(EngineError::SequenceOverflow {
                entity: TAP_ENTITY_BASE + tap,
            }),
        }
        seq
    }

    /// Schedules an event that is never cancelled, on behalf of `origin`.
    #[inline]
    pub(crate) fn schedule(&mut self, origin: NodeId, at: SimTime, class: Class, payload: Payload) {
        let seq = self.next_seq(origin);
        self.queue
            .push(EventKey::new(at, class, origin.0, seq), payload);
    }

    /// Takes an event into the fingerprint of an entity.
    #[inline]
    pub(crate) fn note<R: Recorder<P>>(
        &mut self,
        recorder: &mut R,
        entity: NodeId,
        kind: Kind,
        digest: u64,
    ) {
        let chain = match self.nodes.get_mut(entity.0 as usize) {
            Some(node) => &mut node.chain,
            None => &mut self.owners.get_mut(entity).chain,
        };
        chain.update(self.current.0, kind, digest);
        if R::EVENTS {
            recorder.event(&EventTrace {
                key: self.current,
                round: self.queue.round(),
                entity,
                kind: kind as u8,
                digest,
            });
        }
    }

    /// Reads a word of whatever the handling of an entry will need first.
    #[inline]
    pub(crate) fn touch(&self, entry: &Entry) -> u64 {
        let Payload { node, data, .. } = entry.payload;
        let state = self.nodes.get(node as usize).map_or(0, |node| node.seq);
        let more = match entry.key.class() {
            Class::Timer | Class::Control => self.timers.touch(entry.handle),
            Class::Delivery => self.packets.peek(data).map_or(0, |packet| {
                let bytes = self.arena.slice(packet.block, packet.meta.bytes_len);
                let link = &self.links[packet.meta.link.0 as usize];
                // An answer will most likely go back over the same link.
                bytes.first().map_or(0, |&byte| u32::from(byte)) ^ link.directions[0].packets
            }),
            _ => 0,
        };
        u64::from(state ^ more)
    }

    /// What the host may read ahead.
    #[inline]
    pub(crate) fn ahead(&self) -> Ahead<'_> {
        Ahead {
            nodes: &self.nodes,
            links: &self.links,
        }
    }

    /// Gives back the place and the bytes of a packet whose life has ended.
    #[inline]
    pub(crate) fn free_packet(&mut self, index: u32) -> Packet<P> {
        let packet = self.packets.remove(index);
        self.arena.free(packet.block);
        packet
    }

    /// The fingerprint of all entities, in their order.
    pub(crate) fn fingerprint(&self) -> u128 {
        let mut all = Chain::new(0);
        for node in &self.nodes {
            all.absorb(node.chain);
        }
        for (&number, owner) in &self.owners.0 {
            all.update(u128::from(number), Kind::Control, 0);
            all.absorb(owner.chain);
        }
        for place in &self.tap_places {
            // A tap that only watched has no chain to add, so watching leaves no mark.
            if let Some(chain) = place.chain {
                all.absorb(chain);
            }
        }
        for tap in &self.taps {
            if let Some(chain) = tap.chain {
                all.absorb(chain);
            }
        }
        all.value()
    }

    /// Whether entity numbers are used up.
    pub(crate) fn is_full(&self) -> bool {
        self.nodes.len() >= TAP_ENTITY_BASE as usize
            || self.taps.len() >= (ENTITY_LIMIT - TAP_ENTITY_BASE) as usize
    }

    /// Whether a node without power was addressed, or none at all.
    pub(crate) fn is_down(&self, node: NodeId) -> bool {
        self.nodes
            .get(node.0 as usize)
            .is_none_or(NodeState::is_down)
    }

    /// The CPU of a node, made if it has none.
    pub(crate) fn cpu_mut(&mut self, node: NodeId) -> &mut Cpu {
        let index = self.nodes[node.0 as usize].cpu;
        if index != NONE {
            return &mut self.cpus[index as usize];
        }
        let index = self.cpus.len();
        self.nodes[node.0 as usize].cpu =
            u32::try_from(index).expect("there are fewer nodes than 2^28");
        self.cpus.push(Cpu::new());
        &mut self.cpus[index]
    }

    /// The CPU of a node, if it has been used.
    #[inline]
    pub(crate) fn cpu(&self, node: NodeId) -> Option<&Cpu> {
        let index = self.nodes.get(node.0 as usize)?.cpu;
        (index != NONE).then(|| &self.cpus[index as usize])
    }
}

impl Owners {
    /// Takes an owner over from another part.
    pub(crate) fn take_over(&mut self, owner: NodeId, part: &Self) {
        if let Some(theirs) = part.0.get(&owner.0) {
            self.0.insert(owner.0, *theirs);
        }
    }

    fn get_mut(&mut self, owner: NodeId) -> &mut Owner {
        self.0.entry(owner.0).or_insert_with(|| Owner {
            chain: Chain::new(u64::from(owner.0)),
            seq: 0,
        })
    }
}
