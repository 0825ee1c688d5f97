//! The only place where a protocol machine meets a simulated node.
//!
//! The adapter turns engine inputs into machine calls and machine effects into engine calls. It
//! prices what a call computed with the node's profile, releases effects in emission order at the
//! start of the call plus the cost metered before them, and lets effects after a durable write wait
//! until the write has ended. It knows nothing of any particular protocol.
//!
//! The host also owns the life of an attempt ([`workload`]) and feeds the oracles.

mod ahead;
pub(crate) mod apart;
pub mod attempt;
pub mod clock;
pub mod principals;
pub mod relay;
pub mod reprovision;
pub mod route;
pub mod schedule;
pub mod tables;
pub mod tally;
pub mod transport;
pub mod usage;
pub mod workload;

pub(crate) mod attack;
mod deferred;
pub(crate) mod effects;
pub mod energy;
mod events;
mod evidence;
pub mod fault;
mod outputs;
mod parts;
mod relation;
pub mod split;
pub(crate) mod token;

use core::marker::PhantomData;
use std::sync::Arc;

use protocols::crypto::Crypto;
use protocols::entropy::Entropy;
use protocols::protocol::{Instance, Protocol};
use protocols::registry::Column;
use protocols::{Buffers, Context, Effects, LocalTime};
use rand_core::Rng as _;
use sim_engine::{LazyStream, NodeId, Outbox, SimTime, Streams};

use self::apart::Apart;
use self::attempt::AttemptId;
use self::clock::{Clock, Wander};
use self::energy::Energy;
use self::fault::Faults;
use self::principals::Principals;
use self::relay::Relays;
use self::reprovision::Reprovisioning;
use self::route::Routes;
use self::schedule::Schedule;
use self::tables::{Happening, Tables};
use self::tally::Tally;
use self::transport::Transports;
use self::usage::{Operations, Usage};
use self::workload::Workloads;
use crate::adversary::Taps;
use crate::attack::Attacks;
use crate::depot::Depot;
use crate::oracle::{Agreement, Watch};
use crate::profile::Profile;

pub(crate) use self::attack::STORAGE;
pub use self::deferred::Deferred;
pub(crate) use self::events::held;
pub use self::parts::WorldParts;
pub use self::relation::Relation;

/// No pair.
pub const NO_PAIR: u32 = u32::MAX;

/// One node group as it runs.
#[derive(Debug)]
pub struct Group {
    /// The machines, one per member.
    pub column: Column,
    /// Node of member 0.
    pub first: u32,
    /// Role of the members.
    pub role: u8,
    /// Their listening port.
    pub port: u16,
    /// What their work costs; `None`: nothing.
    pub profile: Option<Arc<Profile>>,
    /// One clock per member; empty when all are exact.
    pub clocks: Vec<Clock>,
    /// What the clocks do besides; `None`: nothing.
    pub wander: Option<Wander>,
    /// Number of members.
    pub count: u32,
    /// What they spent, one per member; empty when nothing has a price.
    pub usage: Vec<Usage>,
    /// Durable writes, one per member.
    pub durable_writes: Vec<u32>,
}

/// Everything inside the nodes of one world, and those who watch.
pub struct World<T> {
    /// The protocol.
    pub protocol: &'static dyn Protocol,
    /// Its instance.
    pub instance: Arc<dyn Instance>,
    /// The node groups.
    pub groups: Vec<Group>,
    /// Group of each node.
    pub group_of: Vec<u16>,
    /// True time 0 in ns since 1970.
    pub epoch_ns: u64,
    /// Durable storage of all nodes.
    pub depot: Depot,
    /// Which link leads where.
    pub routes: Routes,
    /// Who is who.
    pub principals: Principals,
    /// Workloads and open attempts.
    pub workloads: Workloads,
    /// Adversaries on links.
    pub taps: Taps,
    /// Attackers in code.
    pub attacks: Attacks,
    /// Links that change.
    pub schedule: Schedule,
    /// The oracle of agreement.
    pub agreement: Agreement,
    /// The oracles that watch where somebody attacks.
    pub watch: Watch,
    /// The relations with their oracles of desynchronisation.
    pub relations: Vec<Relation>,
    /// Operations by role and phase.
    pub operations: Operations,
    /// Running totals.
    pub tally: Tally,
    /// Who can be given first storage anew; `None` where no workload asks for it.
    reprovisioning: Option<Reprovisioning>,
    /// What links carry messages by; `None` where all carry datagrams.
    transports: Option<Box<Transports>>,
    /// What strikes nodes and links; `None` where nothing does.
    pub faults: Option<Box<Faults>>,
    /// Energy of radios and batteries, wear of storage; `None` where no group asks for it.
    pub energy: Option<Box<Energy>>,
    /// What relays do with packets; `None` where there are none.
    pub relays: Option<Box<Relays>>,
    randomness: Randomness,
    halted: Vec<bool>,
    /// Nodes that another part of a split world runs; empty where the world is whole.
    foreign: Arc<[bool]>,
    /// Whether it tells and counts what belongs to no node, which every part handles.
    is_first: bool,
    /// What it knows about other parts to which links lead; `None` where none do.
    apart: Option<Box<Apart>>,
    scratch: Scratch,
    tables: PhantomData<fn() -> T>,
}

/// The machines' random streams: one per node, named by group and member.
#[derive(Debug)]
struct Randomness {
    streams: Streams,
    /// Stream of each node.
    names: Vec<u64>,
    /// How far each node's stream is used up.
    positions: Vec<LazyStream>,
}

/// Memory that is reused from call to call.
#[derive(Debug, Default)]
struct Scratch {
    effects: Effects,
    crypto: Crypto,
    buffers: Buffers,
    batch: Vec<u8>,
    record: Vec<u8>,
}

impl<T: Tables> World<T> {
    /// Group and member of a node.
    #[must_use]
    #[inline]
    pub fn place(&self, node: u32) -> (usize, u32) {
        let group = usize::from(self.group_of[node as usize]);
        (group, node - self.groups[group].first)
    }

    /// The clock of a node.
    fn clock(&self, group: usize, member: u32) -> Clock {
        self.groups[group]
            .clocks
            .get(member as usize)
            .copied()
            .unwrap_or_default()
    }

    /// What a node believes the time is.
    #[must_use]
    pub fn local_time(&self, node: u32, now: SimTime) -> LocalTime {
        let (group, member) = self.place(node);
        let mut clock = self.clock(group, member);
        if let Some(wander) = &self.groups[group].wander {
            let further = wander.at(member, now.0);
            clock.offset_ns = clock.offset_ns.saturating_add(further);
        }
        clock.read(self.epoch_ns, now.0)
    }

    /// Runs one call of the machine at `node` and carries out its effects.
    ///
    /// `attempt` is what its messages and statements belong to, `holding` the pair that the input
    /// held, which is let go when the last effect is released.
    fn call(
        &mut self,
        now: SimTime,
        node: NodeId,
        (attempt, holding): (AttemptId, u32),
        out: &mut Outbox<'_, Self>,
        run: impl FnOnce(&mut Column, usize, &mut Context<'_>),
    ) {
        let (group, member) = self.place(node.0);
        let own = &self.groups[group];
        let local = if own.clocks.is_empty() && own.wander.is_none() {
            LocalTime(self.epoch_ns.saturating_add(now.0))
        } else {
            self.local_time(node.0, now)
        };
        let storage = self.depot.view(node.0);
        let Randomness {
            streams,
            names,
            positions,
        } = &mut self.randomness;
        let mut entropy = NodeEntropy {
            streams,
            name: names[node.0 as usize],
            position: &mut positions[node.0 as usize],
        };
        let Scratch {
            effects,
            crypto,
            buffers,
            ..
        } = &mut self.scratch;
        effects.clear();
        crypto.meter.clear();
        let mut cx = Context {
            now: local,
            storage: &storage,
            entropy: &mut entropy,
            crypto,
            effects,
            buffers,
        };
        let column = &mut self.groups[group].column;
        let before = out
            .recorder()
            .listens()
            .then(|| column.state(member as usize));
        run(column, member as usize, &mut cx);
        if let Some(from) = before {
            let to = self.groups[group].column.state(member as usize);
            if from != to {
                let state = Happening::State { from, to };
                out.recorder().happening(now.0, node.0, attempt, state);
            }
        }
        self.carry_out(now, node, (group, member), (attempt, holding), out);
        if self.watch.on {
            self.after_call(now, node.0, out);
        }
    }
}

/// The randomness of one node during one call.
struct NodeEntropy<'a> {
    streams: &'a mut Streams,
    name: u64,
    position: &'a mut LazyStream,
}

impl Entropy for NodeEntropy<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        self.streams
            .reader(self.name, self.position)
            .fill_bytes(out);
    }
}
