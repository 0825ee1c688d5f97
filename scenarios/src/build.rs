//! From a scenario to a world: nodes, links, roster, first storage, workloads, oracles.

mod adversaries;
mod own;
mod relay;
mod schedule;

use std::sync::Arc;

use protocols::Channel;
use protocols::crypto::rsa::cache::KeyStore;
use protocols::entropy::Entropy;
use protocols::protocol::{CommandSpec, Completion};
use protocols::roster::{Group as RosterGroup, Party, Roster, Streams as PartyStreams};
use rand_core::Rng as _;
use sim_engine::{
    DirectionMask, Engine, EngineConfig, Law, LazyStream, LinkClass, NodeConfig, NodeId, Seed,
    StreamName, Streams,
};

use self::schedule::link_changes;
use crate::adversary::Taps;
use crate::depot::Depot;
use crate::diagnostic::Diagnostics;
use crate::host::clock::{Clock, Wander};
use crate::host::energy::Energy;
use crate::host::fault::Faults;
use crate::host::principals::Principals;
use crate::host::reprovision::Reprovisioning;
use crate::host::route::joint::Joint;
use crate::host::route::{LinkRoute, Picks, Place, Routes};
use crate::host::schedule::{Item, Schedule};
use crate::host::tables::Tables;
use crate::host::transport::{self, Transports};
use crate::host::usage::Usage;
use crate::host::workload::{Initiator, Plan, StepPlan, Workloads};
use crate::host::{Group, NO_PAIR, Relation, World, WorldParts};
use crate::key_cache::KeyCache;
use crate::oracle::Desync;
use crate::scenario::{
    LinkChannel, LinkGroup, NodeGroup, Pick, Scenario, Step, Topology, Transport, Workload,
};

/// A world ready to run: the engine and what lives in its nodes.
pub struct Built<T: Tables> {
    /// The engine, with nodes and links.
    pub engine: Engine<World<T>>,
    /// The machines, the workloads and the oracles.
    pub world: World<T>,
    /// Link groups in the order of the scenario: first link and number of links.
    pub links: Vec<(u32, u32)>,
}

/// Builds the world of `scenario`.
///
/// # Errors
///
/// What only the whole roster can show to be wrong, as a message about the scenario file.
pub fn build<T: Tables>(scenario: &Scenario) -> Result<Built<T>, Diagnostics> {
    build_with_keys(scenario, None)
}

/// Builds the world of `scenario`, with key pairs kept in `keys`; they change no byte of it.
///
/// # Errors
///
/// As [`build`].
pub fn build_with_keys<T: Tables>(
    scenario: &Scenario,
    keys: Option<&mut KeyCache>,
) -> Result<Built<T>, Diagnostics> {
    let seed = Seed::new(scenario.run.seed, 0);
    let mut streams = seed.streams();
    let firsts = firsts(scenario);
    let routes = relay::routes(scenario, routes(scenario, &mut streams), &firsts)?;
    let roster = roster(scenario, &routes, &firsts)?;
    let instance = Arc::clone(&scenario.protocol.instance);
    instance
        .check(&roster)
        .map_err(|error| scenario.refuse_roster(&error))?;
    if !scenario.adversaries.is_empty()
        && let Some(error) = instance.refuses_adversary()
    {
        let path = format!("protocol.params.{}", error.name);
        return Err(scenario.refuse(&path, &error.reason, &error.hint));
    }
    refuse_reprovisioning(scenario, &roster)?;

    let mut depot = Depot::default();
    let mut party_streams = Provisioning {
        streams: seed.streams(),
        keys,
    };
    instance.provision(&roster, &mut party_streams, &mut depot);
    depot.seal(scenario.node_count());

    let mut principals = Principals::default();
    for party in &roster.parties {
        principals.add(instance.principal(&roster, party), party.host);
    }
    principals.seal();

    let relays = relay::groups(scenario, &firsts);
    let groups = (0..roster.groups.len())
        .map(|index| make_group(scenario, &roster, index, &mut streams))
        .chain(relays)
        .collect();
    let relations = scenario
        .protocol
        .protocol
        .relations()
        .iter()
        .map(|relation| make_relation(&roster, relation.name, relation.device, relation.server))
        .collect();
    let workloads = make_workloads(scenario, &roster, &mut streams);
    let mut stream_names: Vec<u64> = roster
        .parties
        .iter()
        .map(|party| party_stream(&roster, party, "machine"))
        .collect();
    // Relays draw nothing as machines.
    stream_names.resize(scenario.node_count(), 0);
    let (attacks, watch) = adversaries::make(scenario, &routes, (&roster, &firsts))?;
    // The roster goes before the nodes and links come: both at once are the most that a large world
    // ever takes.
    let anew = |workload: &Workload| workload.provisions_anew().is_some();
    let reprovisioning = scenario
        .workloads
        .iter()
        .any(anew)
        .then(|| Reprovisioning::new(roster, seed.streams()));

    let mut engine = Engine::new(EngineConfig {
        root_seed: scenario.run.seed,
        replication: 0,
    });
    let links = routes.links().iter().map(|route| route.many as usize);
    engine.reserve(scenario.node_count(), links.sum());
    for spec in &scenario.groups {
        for member in 0..spec.count {
            let name = StreamName::new("node")
                .text(&spec.name)
                .index(member as u64);
            let added = engine.add_node(
                name.id(),
                NodeConfig {
                    backlog: spec.backlog,
                },
            );
            added.expect("a scenario has fewer nodes than the engine has numbers");
        }
    }
    let own = own::sets(scenario, routes.links())?;
    let (links, changes) = add_links(scenario, (&routes, &own), &firsts, &mut engine);
    let transports = transports(scenario, &routes);
    let world = World::new(WorldParts {
        transports,
        protocol: scenario.protocol.protocol,
        instance,
        groups,
        group_of: (0u16..)
            .zip(&scenario.groups)
            .flat_map(|(index, group)| std::iter::repeat_n(index, group.count))
            .collect(),
        epoch_ns: scenario.run.epoch_ns,
        depot,
        routes,
        principals,
        workloads,
        taps: Taps::new(&scenario.adversaries, scenario.run.duration_ns),
        attacks,
        watch,
        schedule: Schedule::new(changes, seed.streams(), scenario.run.duration_ns),
        relations,
        reprovisioning,
        faults: faults(scenario, seed),
        energy: energy(scenario),
        relays: relay::relays(scenario, &links, &firsts),
        seed,
        stream_names,
        span_ns: scenario
            .run
            .duration_ns
            .saturating_add(scenario.run.settle_ns),
    });
    Ok(Built {
        engine,
        world,
        links,
    })
}

/// What links carry messages by; `None` where all carry datagrams.
fn transports(scenario: &Scenario, routes: &Routes) -> Option<Box<Transports>> {
    let links = &scenario.links;
    let plain = |link: &LinkGroup| link.transport == Transport::Datagram;
    if links.iter().all(plain) {
        return None;
    }
    let kinds = links.iter().map(|link| link.transport);
    let groups = routes.links().iter().map(|route| route.first).zip(kinds);
    let over_relays = relay::least_mtu(scenario);
    let sizes = links.iter().map(|link| match &link.transport {
        Transport::Stream(settings) => {
            let mut least = [link.up.mtu_bytes, link.down.mtu_bytes];
            if link.relays(&scenario.groups).0 {
                least = [over_relays; 2];
            }
            transport::mss(settings, least)
        }
        _ => 1,
    });
    Some(Box::new(Transports::new(groups.collect(), sizes.collect())))
}

/// Energy and wear of a world; `None` where no group asks for it.
fn energy(scenario: &Scenario) -> Option<Box<Energy>> {
    let supplies = || scenario.groups.iter().map(|group| group.supply.clone());
    if supplies().all(|supply| !supply.is_metered() && supply.wear.is_none()) {
        return None;
    }
    Some(Box::new(Energy::new(
        supplies().collect(),
        scenario.node_count(),
    )))
}

/// The faults of a world; `None` where nothing strikes and nobody can die.
fn faults(scenario: &Scenario, seed: Seed) -> Option<Box<Faults>> {
    let mortal =
        |group: &NodeGroup| group.supply.battery_nj.is_some() || group.supply.wear.is_some();
    if scenario.faults.is_empty() && !scenario.groups.iter().any(mortal) {
        return None;
    }
    let groups = scenario.groups.iter().map(|group| group.name.clone());
    let links = scenario.links.iter().map(|link| link.name.clone());
    Some(Box::new(Faults::new(
        scenario.faults.clone(),
        (groups.collect(), links.collect()),
        seed.streams(),
        scenario.run.duration_ns,
    )))
}

/// Refuses new first storage where nobody can be given it alone.
fn refuse_reprovisioning(scenario: &Scenario, roster: &Roster) -> Result<(), Diagnostics> {
    let instance = &scenario.protocol.instance;
    for workload in &scenario.workloads {
        let parties = roster.group(workload.from);
        let alone = parties
            .iter()
            .all(|party| instance.record_about(roster, party).is_some());
        if let Some(key) = workload.provisions_anew().filter(|_| !alone) {
            let reason = format!(
                "the nodes of `{}` cannot be provisioned anew one by one under `{}`: others hold \
                 values that belong to theirs",
                roster.groups[workload.from].name,
                scenario.protocol.protocol.name()
            );
            return Err(scenario.refuse(
                &format!("workload.{}.{key}", workload.name),
                &reason,
                "leave `reprovision` out; `list protocols` names other protocols",
            ));
        }
    }
    Ok(())
}

fn party_stream(roster: &Roster, party: &Party, purpose: &str) -> u64 {
    let group = &roster.groups[party.group as usize].name;
    StreamName::new("node")
        .text(group)
        .index(u64::from(party.member))
        .text(purpose)
        .id()
}

/// The streams of provisioning: one per party and purpose, each from its start.
struct Provisioning<'a> {
    streams: Streams,
    keys: Option<&'a mut KeyCache>,
}

struct Reader<'a> {
    streams: &'a mut Streams,
    name: u64,
    position: LazyStream,
}

impl Entropy for Reader<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        self.streams
            .reader(self.name, &mut self.position)
            .fill_bytes(out);
    }
}

impl PartyStreams for Provisioning<'_> {
    fn key_store(&mut self) -> Option<&mut dyn KeyStore> {
        self.keys
            .as_deref_mut()
            .map(|keys| keys as &mut dyn KeyStore)
    }

    fn with(
        &mut self,
        group: &str,
        member: u32,
        purpose: &str,
        use_it: &mut dyn FnMut(&mut dyn Entropy),
    ) {
        let name = StreamName::new("provision")
            .text(group)
            .index(u64::from(member))
            .text(purpose)
            .id();
        let streams = &mut self.streams;
        use_it(&mut Reader {
            streams,
            name,
            position: LazyStream::default(),
        });
    }
}

const fn channel(link: &LinkGroup) -> Channel {
    match link.channel {
        LinkChannel::Public => Channel::Public,
        LinkChannel::Secure => Channel::Secure,
    }
}

fn routes(scenario: &Scenario, streams: &mut Streams) -> Routes {
    let mut first = 0;
    let links = scenario.links.iter().map(|link| {
        let (a, b) = (scenario.groups[link.a].count, scenario.groups[link.b].count);
        let (many, few) = (count(a.max(b)), count(a.min(b)));
        if let Some(topology) = &link.topology {
            let pairs = topology.pairs(&link.name, (a, b), streams);
            let route = LinkRoute {
                channel: channel(link),
                directions: link.directions,
                group_a: link.a,
                group_b: link.b,
                first,
                many_is_a: a >= b,
                many: count(pairs.len()),
                few,
                picks: match topology {
                    Topology::Joint(_) => Picks::Joint(Joint::new(pairs, count(a))),
                    _ => Picks::Pairs(pairs),
                },
            };
            first += route.many;
            return route;
        }
        let picks = match link.pick {
            Pick::Fixed => Picks::Modulo,
            Pick::RoundRobin => Picks::Modulo,
            Pick::Uniform => {
                let stream = StreamName::new("link").text(&link.name).text("pick").id();
                let pick = |member: u32| {
                    let draw = streams.block(stream, u64::from(member))[0];
                    count(usize::try_from((u128::from(draw) * u128::from(few)) >> 64).unwrap_or(0))
                };
                Picks::Listed((0..many).map(pick).collect())
            }
        };
        let route = LinkRoute {
            channel: channel(link),
            directions: link.directions,
            group_a: link.a,
            group_b: link.b,
            first,
            many_is_a: a >= b,
            many,
            few,
            picks,
        };
        first += many;
        route
    });
    let links = links.collect();
    Routes::new(scenario.groups.len(), links)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The first node of each group.
fn firsts(scenario: &Scenario) -> Vec<u32> {
    let mut next = 0;
    let first = |group: &NodeGroup| {
        let first = next;
        next += count(group.count);
        first
    };
    scenario.groups.iter().map(first).collect()
}

/// The node of a group's member, given the first of each group.
fn node_at(firsts: &[u32], (group, member): Place) -> u32 {
    firsts.get(group).map_or(u32::MAX, |first| first + member)
}

/// Numbers the parties and lists who is linked with whom, and who reaches whom over relays.
fn roster(scenario: &Scenario, routes: &Routes, firsts: &[u32]) -> Result<Roster, Diagnostics> {
    let mut roster = Roster::default();
    let mut ordinals = vec![0; scenario.protocol.protocol.roles().len()];
    let parties = scenario.groups.iter().filter(|group| !group.is_relay());
    for (index, spec) in parties.enumerate() {
        let first = roster.parties.len();
        for member in 0..spec.count {
            let ordinal = &mut ordinals[usize::from(spec.role)];
            *ordinal += 1;
            roster.parties.push(Party {
                host: count(first + member),
                role: spec.role,
                group: count(index),
                member: count(member),
                ordinal: *ordinal,
                neighbours: (0, 0),
            });
        }
        roster.groups.push(RosterGroup {
            name: spec.name.clone(),
            role: spec.role,
            params: spec.params.clone(),
            first,
            count: spec.count,
        });
    }
    let mut pairs = Vec::new();
    for link in routes.links() {
        for member in 0..link.many {
            let [a, b] = link.ends(member);
            if [a, b]
                .iter()
                .any(|(group, _)| scenario.groups[*group].is_relay())
            {
                continue;
            }
            let (one, other) = (node_at(firsts, a), node_at(firsts, b));
            pairs.push((one, other));
            pairs.push((other, one));
        }
    }
    relay::partners(scenario, routes, firsts, &mut pairs)?;
    pairs.sort_unstable();
    pairs.dedup();
    let mut next = 0;
    for (index, party) in roster.parties.iter_mut().enumerate() {
        let start = next;
        while pairs
            .get(next)
            .is_some_and(|(owner, _)| *owner as usize == index)
        {
            next += 1;
        }
        party.neighbours = (count(start), count(next));
    }
    roster.neighbours = pairs.into_iter().map(|(_, neighbour)| neighbour).collect();
    Ok(roster)
}

fn add_links<T: Tables>(
    scenario: &Scenario,
    (routes, own): (&Routes, &[own::Sets]),
    firsts: &[u32],
    engine: &mut Engine<World<T>>,
) -> (Vec<(u32, u32)>, Vec<Item>) {
    for medium in &scenario.media {
        engine
            .add_medium(medium.params.clone())
            .expect("a scenario has far fewer media than the engine has numbers");
    }
    let mut all = Vec::new();
    let mut changes = Vec::new();
    for (index, (spec, route)) in scenario.links.iter().zip(routes.links()).enumerate() {
        let class = "a scenario has far fewer link groups than the engine has classes";
        let up: LinkClass = engine.add_link_class(spec.up.clone()).expect(class);
        let down: LinkClass = engine.add_link_class(spec.down.clone()).expect(class);
        let others = own[index].params.iter().map(|both| {
            both.each_ref()
                .map(|side| engine.add_link_class(side.clone()).expect(class))
        });
        let others: Vec<[LinkClass; 2]> = others.collect();
        for member in 0..route.many {
            let [a, b] = route
                .ends(member)
                .map(|place| NodeId(node_at(firsts, place)));
            let name = StreamName::new("link")
                .text(&spec.name)
                .index(u64::from(member))
                .id();
            let place = own[index].of.get(member as usize);
            let classes = place.map_or([up, down], |place| others[usize::from(*place)]);
            let link = engine
                .add_link(name, a, b, classes[0], classes[1])
                .expect("both nodes were added");
            for (tap, adversary) in (0u32..).zip(&scenario.adversaries) {
                if adversary.link == Some(index) && !adversary.off_path {
                    let set = engine.set_tap(link, DirectionMask::BOTH, tap, adversary.powers);
                    set.expect("the link was added and taps are few");
                }
            }
        }
        all.push((route.first, route.many));
        link_changes(
            spec,
            (route.first, route.many),
            [up, down],
            engine,
            &mut changes,
        );
    }
    for (tap, adversary) in (0u32..).zip(&scenario.adversaries) {
        if !adversary.is_on_path() {
            let set = engine.set_off_path(tap, adversary.powers);
            set.expect("taps are few");
        }
        let name = StreamName::new("adversary").text(&adversary.name).id();
        engine
            .name_tap(tap, name)
            .expect("every adversary was installed");
    }
    (all, changes)
}

fn make_group(scenario: &Scenario, roster: &Roster, index: usize, streams: &mut Streams) -> Group {
    let spec = &scenario.groups[index];
    let exact = |law: &Law| law.as_constant() == Some(0.0);
    let granularity_ns = spec.clock.granularity_ns;
    let fine = granularity_ns <= 1;
    let clocks = if fine && exact(&spec.clock.offset) && exact(&spec.clock.drift_ppm) {
        Vec::new()
    } else {
        let parties = roster.group(index).iter();
        parties
            .map(|party| {
                let offset = streams.block(party_stream(roster, party, "clock-offset"), 0)[0];
                let drift = streams.block(party_stream(roster, party, "clock-drift"), 0)[0];
                #[allow(clippy::cast_possible_truncation, reason = "such casts saturate")]
                let clock = Clock {
                    offset_ns: spec.clock.offset.sample(offset) as i64,
                    drift_ppt: (spec.clock.drift_ppm.sample(drift) * 1e6) as i64,
                    granularity_ns,
                };
                clock
            })
            .collect()
    };
    let walkers = if spec.clock.walk.is_some() {
        roster.group(index)
    } else {
        &[]
    };
    let walk_names = walkers
        .iter()
        .map(|party| party_stream(roster, party, "clock-walk"));
    let wander = Wander::new(
        spec.clock.walk,
        spec.clock.steps.clone(),
        walk_names.collect(),
        Seed::new(scenario.run.seed, 0).streams(),
    );
    Group {
        column: scenario.protocol.instance.machines(roster, index),
        first: count(roster.groups[index].first),
        role: spec.role,
        port: scenario.protocol.instance.port(spec.role),
        profile: spec.profile.clone(),
        clocks,
        wander,
        count: count(spec.count),
        usage: vec![
            Usage::default();
            if spec.profile.is_some() {
                spec.count
            } else {
                0
            }
        ],
        durable_writes: vec![0; spec.count],
    }
}

fn make_relation(
    roster: &Roster,
    name: &'static str,
    device_role: u8,
    server_role: u8,
) -> Relation {
    let mut first_pair = vec![NO_PAIR; roster.parties.len()];
    let mut ends = Vec::new();
    for party in roster
        .parties
        .iter()
        .filter(|party| party.role == device_role)
    {
        let first = count(ends.len());
        ends.extend(
            roster
                .peers(party, server_role)
                .map(|peer| (party.host, peer.host)),
        );
        if count(ends.len()) > first {
            first_pair[party.host as usize] = first;
        }
    }
    let oracle = Desync::new(ends.len());
    Relation {
        name,
        device_role,
        server_role,
        first_pair,
        ends: ends.into(),
        oracle,
    }
}

fn make_workloads(scenario: &Scenario, roster: &Roster, streams: &mut Streams) -> Workloads {
    let mut starts_ns: Vec<u64> = roster
        .parties
        .iter()
        .map(|party| {
            let start = &scenario.groups[party.group as usize].start;
            start.as_constant().map_or_else(
                || {
                    start
                        .sample_ns(streams.block(party_stream(roster, party, "start"), 0)[0])
                        .0
                },
                |_| start.sample_ns(0).0,
            )
        })
        .collect();
    // A relay stands ready and starts nothing.
    starts_ns.resize(scenario.node_count(), u64::MAX);
    let plans = scenario
        .workloads
        .iter()
        .map(|workload| plan(scenario, roster, workload))
        .collect();
    let roles = scenario.protocol.protocol.roles().len();
    let named = |name: &str| {
        let commands = scenario.protocol.protocol.commands();
        let of_role = |role: usize| {
            let find = |spec: &CommandSpec| spec.name == name && usize::from(spec.role) == role;
            commands
                .iter()
                .position(find)
                .and_then(|index| u8::try_from(index).ok())
        };
        (0..roles).map(of_role).collect::<Vec<_>>()
    };
    Workloads::new(
        plans,
        (scenario.run.duration_ns, scenario.run.warmup_ns),
        (named("abort"), named("finish")),
        starts_ns,
        Seed::new(scenario.run.seed, 0).streams(),
    )
}

fn plan(scenario: &Scenario, roster: &Roster, workload: &Workload) -> Plan {
    let protocol = &scenario.protocol;
    let steps = workload.steps.iter().map(|step| {
        let spec = step.spec(protocol.protocol);
        let done: Completion = if step.command == Step::REPROVISION {
            spec.done
        } else {
            protocol.instance.completion(roster, workload.from, spec)
        };
        StepPlan {
            command: step.command,
            name: spec.name,
            to: step.to,
            args: step.args.clone(),
            done,
            concurrent: spec.concurrent,
            deadline_ns: step.deadline_ns,
        }
    });
    let group = &roster.groups[workload.from];
    Plan {
        from: workload.from,
        steps: steps.collect(),
        first: workload.first.clone(),
        every: workload.every.clone(),
        retry: workload.retry,
        reprovision: workload.reprovision,
        count: workload.count,
        stream_group: StreamName::new("node").text(&group.name),
        name: workload.name.clone(),
        initiators: vec![Initiator::default(); group.count],
    }
}
