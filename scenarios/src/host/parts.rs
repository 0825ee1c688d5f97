//! How a world is put together.

use core::marker::PhantomData;
use std::sync::Arc;

use protocols::protocol::{Instance, Protocol};
use sim_engine::{LazyStream, Seed};

use super::energy::Energy;
use super::fault::Faults;
use super::principals::Principals;
use super::relay::Relays;
use super::reprovision::Reprovisioning;
use super::route::Routes;
use super::schedule::Schedule;
use super::tables::Tables;
use super::tally::Tally;
use super::transport::Transports;
use super::usage::Operations;
use super::workload::Workloads;
use super::{Group, Randomness, Relation, Scratch, World};
use crate::adversary::Taps;
use crate::attack::Attacks;
use crate::depot::Depot;
use crate::oracle::{Agreement, Watch};

/// What is needed to make a [`World`] besides what the builder computes.
pub struct WorldParts {
    /// See [`World::protocol`].
    pub protocol: &'static dyn Protocol,
    /// See [`World::instance`].
    pub instance: Arc<dyn Instance>,
    /// See [`World::groups`].
    pub groups: Vec<Group>,
    /// See [`World::group_of`].
    pub group_of: Vec<u16>,
    /// See [`World::epoch_ns`].
    pub epoch_ns: u64,
    /// See [`World::depot`].
    pub depot: Depot,
    /// See [`World::routes`].
    pub routes: Routes,
    /// See [`World::principals`].
    pub principals: Principals,
    /// See [`World::workloads`].
    pub workloads: Workloads,
    /// See [`World::taps`].
    pub taps: Taps,
    /// See [`World::attacks`].
    pub attacks: Attacks,
    /// See [`World::watch`].
    pub watch: Watch,
    /// See [`World::schedule`].
    pub schedule: Schedule,
    /// See [`World::relations`].
    pub relations: Vec<Relation>,
    /// What gives parties first storage anew; `None` where no workload asks for it.
    pub reprovisioning: Option<Reprovisioning>,
    /// What links carry messages by; `None` where all carry datagrams.
    pub transports: Option<Box<Transports>>,
    /// See [`World::energy`].
    pub energy: Option<Box<Energy>>,
    /// See [`World::faults`].
    pub faults: Option<Box<Faults>>,
    /// See [`World::relays`].
    pub relays: Option<Box<Relays>>,
    /// The root of all streams.
    pub seed: Seed,
    /// Stream of each node.
    pub stream_names: Vec<u64>,
    /// Length of the run including the settle time, ns.
    pub span_ns: u64,
}

impl<T: Tables> World<T> {
    /// Puts a world together.
    #[must_use]
    pub fn new(parts: WorldParts) -> Self {
        let nodes = parts.group_of.len();
        Self {
            operations: Operations::new(
                parts.protocol.roles().len(),
                parts.protocol.phases().len(),
            ),
            tally: Tally::new(parts.span_ns),
            reprovisioning: parts.reprovisioning,
            transports: parts.transports,
            energy: parts.energy,
            faults: parts.faults,
            relays: parts.relays,
            randomness: Randomness {
                streams: parts.seed.streams(),
                names: parts.stream_names,
                positions: vec![LazyStream::default(); nodes],
            },
            halted: vec![false; nodes],
            foreign: Arc::from([]),
            is_first: true,
            apart: None,
            scratch: Scratch::default(),
            tables: PhantomData,
            protocol: parts.protocol,
            instance: parts.instance,
            groups: parts.groups,
            group_of: parts.group_of,
            epoch_ns: parts.epoch_ns,
            depot: parts.depot,
            routes: parts.routes,
            principals: parts.principals,
            workloads: parts.workloads,
            taps: parts.taps,
            attacks: parts.attacks,
            schedule: parts.schedule,
            agreement: Agreement::default(),
            watch: parts.watch,
            relations: parts.relations,
        }
    }
}
