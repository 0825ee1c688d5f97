//! The engine: building a world and running it.

mod dispatch;
mod medium;
mod split;
#[cfg(test)]
mod tests;
mod window;

use std::ops::ControlFlow;

use crate::cpu::Cpu;
use crate::error::EngineError;
use crate::fingerprint::Chain;
use crate::host::Host;
use crate::id::{Direction, DirectionMask, LinkClass, LinkId, NodeId};
use crate::link::{ClassState, DirectionState, Extra, LinkParams, LinkState};
use crate::order::{Class, EventKey, TAP_ENTITY_BASE};
use crate::outbox::Outbox;
use crate::queue::Entry;
use crate::recorder::Recorder;
use crate::rng::Seed;
use crate::slab::NONE;
use crate::stats::{LinkStats, NodeStats};
use crate::tap::{Powers, Tap, TapPlace};
use crate::time::SimTime;
use crate::world::{Baseline, NodeState, World};

/// What a run's randomness derives from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EngineConfig {
    /// The seed that the user gave.
    pub root_seed: u64,
    /// Which replication of the same scenario this is, from 0.
    pub replication: u64,
}

/// The parameters of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeConfig {
    /// Packets that may wait for the CPU; further ones are dropped. Timers and commands do not
    /// count. Default 64.
    pub backlog: u32,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self { backlog: 64 }
    }
}

/// Where a run stands, told now and then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The current instant.
    pub now: SimTime,
    /// Events handled so far.
    pub events: u64,
    /// Events pending.
    pub pending: usize,
}

/// Why [`Engine::run`] returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEnd {
    /// Everything due by the given instant has been handled; later events are pending.
    Reached,
    /// As [`RunEnd::Reached`], and nothing is pending any more.
    Drained,
    /// A handler called [`Outbox::stop`].
    Stopped,
    /// The caller's check interrupted the run.
    Interrupted,
}

/// A world and its clock.
///
/// Build it (`add_*`), let the host act at the start through [`Engine::with_outbox`], then call
/// [`Engine::run`]. A run can be continued by calling `run` again with a later instant, and forked
/// by cloning the engine together with the host.
#[derive(Debug)]
pub struct Engine<H: Host> {
    world: World<H::Header, H::Effect>,
    events: u64,
    /// Those of them that belong to no node: in a split world every part handles them.
    common_events: u64,
    /// When the caller's check is due, in events.
    next_check: u64,
    /// A further check that the caller asked for, in events.
    pause_at: u64,
    /// The bytes of the packet that is being handled; reused.
    inbox: Vec<u8>,
    /// The bytes that an adversary put in place of a packet's; reused.
    rewritten: Vec<u8>,
}

impl<H: Host> Clone for Engine<H> {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            events: self.events,
            common_events: self.common_events,
            next_check: self.next_check,
            pause_at: self.pause_at,
            inbox: Vec::new(),
            rewritten: Vec::new(),
        }
    }
}

impl<H: Host> Engine<H> {
    /// An empty world at time zero.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let seed = Seed::new(config.root_seed, config.replication);
        Self {
            world: World::new(seed.streams()),
            events: 0,
            common_events: 0,
            next_check: CHECK_EVENTS,
            pause_at: u64::MAX,
            inbox: Vec::new(),
            rewritten: Vec::new(),
        }
    }

    /// Makes room for so many nodes and links: tables that grow by doubling would take up to twice
    /// the memory that a large world needs.
    pub fn reserve(&mut self, nodes: usize, links: usize) {
        self.world.nodes.reserve_exact(nodes);
        self.world.links.reserve_exact(links);
    }

    /// Adds a node. `name_hash` is the digest of its structural name.
    ///
    /// # Errors
    /// [`EngineError::TooManyEntities`] if there is no number left.
    pub fn add_node(&mut self, name_hash: u64, config: NodeConfig) -> Result<NodeId, EngineError> {
        if self.world.is_full() {
            return Err(EngineError::TooManyEntities);
        }
        let backlogs = &mut self.world.backlogs;
        let known = backlogs
            .iter()
            .position(|&backlog| backlog == config.backlog);
        let backlog = known.unwrap_or_else(|| {
            backlogs.push(config.backlog);
            backlogs.len() - 1
        });
        if backlog > usize::from(u16::MAX >> 1) {
            return Err(EngineError::Unknown {
                what: "place for backlog",
                number: config.backlog,
            });
        }
        let number = self.world.nodes.len() as u32;
        self.world.nodes.push(NodeState {
            chain: Chain::new(name_hash),
            seq: 0,
            cpu: NONE,
            arrivals: 0,
            incarnation: 0,
            config: backlog as u16,
        });
        Ok(NodeId(number))
    }

    /// Adds parameters that any number of link directions may share.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] if there are 65536 classes already.
    pub fn add_link_class(&mut self, params: LinkParams) -> Result<LinkClass, EngineError> {
        let number = self.world.classes.len();
        let class = u16::try_from(number).map_err(|_| EngineError::Unknown {
            what: "place for link class",
            number: u32::from(u16::MAX) + 1,
        })?;
        self.world.classes.push(ClassState::new(params));
        Ok(LinkClass(class))
    }

    /// Adds a link between two nodes. `name_hash` is the digest of its structural name, which
    /// addresses its random numbers: two links must not share it.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] if a node or class does not exist.
    pub fn add_link(
        &mut self,
        name_hash: u64,
        a: NodeId,
        b: NodeId,
        up: LinkClass,
        down: LinkClass,
    ) -> Result<LinkId, EngineError> {
        for node in [a, b] {
            if node.0 as usize >= self.world.nodes.len() {
                return Err(EngineError::Unknown {
                    what: "node",
                    number: node.0,
                });
            }
        }
        let up = self.new_direction(up)?;
        let down = self.new_direction(down)?;
        let number = u32::try_from(self.world.links.len())
            .ok()
            .filter(|&number| number != NONE)
            .ok_or(EngineError::TooManyEntities)?;
        self.world.links.push(LinkState {
            name: name_hash,
            a: a.0,
            b: b.0,
            directions: [up, down],
        });
        self.attach_to_media(number)?;
        Ok(LinkId(number))
    }

    fn new_direction(&mut self, class: LinkClass) -> Result<DirectionState, EngineError> {
        let Some(state) = self.world.classes.get(usize::from(class.0)) else {
            return Err(EngineError::Unknown {
                what: "link class",
                number: u32::from(class.0),
            });
        };
        let mut direction = DirectionState::new(class.0);
        if state.needs_extra {
            direction.extra = self.new_extra();
        }
        Ok(direction)
    }

    fn new_extra(&mut self) -> u32 {
        let index = self.world.extras.len() as u32;
        self.world.extras.push(Extra::new());
        index
    }

    /// Installs an adversary's tap on directions of a link, replacing an earlier one there.
    ///
    /// Taps are numbered by the host, densely from 0; one tap may stand on many links. The entity
    /// number of tap `n` is [`TAP_ENTITY_BASE`] plus `n`.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] if the link does not exist, [`EngineError::TooManyEntities`] if the
    /// tap's number is too large.
    pub fn set_tap(
        &mut self,
        link: LinkId,
        directions: DirectionMask,
        tap: u32,
        powers: Powers,
    ) -> Result<(), EngineError> {
        if link.0 as usize >= self.world.links.len() {
            return Err(EngineError::Unknown {
                what: "link",
                number: link.0,
            });
        }
        if tap >= TAP_ENTITY_BASE {
            return Err(EngineError::TooManyEntities);
        }
        self.install(tap, powers);
        for direction in [Direction::Up, Direction::Down] {
            if !directions.contains(direction) {
                continue;
            }
            let mut extra = self.world.links[link.0 as usize].directions[direction.index()].extra;
            if extra == NONE {
                extra = self.new_extra();
                let before =
                    self.world.links[link.0 as usize].directions[direction.index()].packets;
                self.world.extras[extra as usize].totals.frames = u64::from(before);
            }
            let place = self.world.tap_places.len() as u32;
            self.world.tap_places.push(TapPlace {
                tap,
                powers,
                chain: None,
            });
            self.world.extras[extra as usize].tap_place = place;
            let side = &mut self.world.links[link.0 as usize].directions[direction.index()];
            side.extra = extra;
            side.tapped = true;
        }
        Ok(())
    }

    fn install(&mut self, tap: u32, powers: Powers) {
        while self.world.taps.len() <= tap as usize {
            let number = self.world.taps.len() as u64;
            self.world.taps.push(Tap::new(number));
        }
        self.world.taps[tap as usize].powers = powers;
    }

    /// Installs an adversary that stands on no link: it sees nothing that passes, and may put
    /// packets of its own on links.
    ///
    /// # Errors
    /// [`EngineError::TooManyEntities`] if the tap's number is too large.
    pub fn set_off_path(&mut self, tap: u32, powers: Powers) -> Result<(), EngineError> {
        if tap >= TAP_ENTITY_BASE {
            return Err(EngineError::TooManyEntities);
        }
        self.install(tap, powers);
        Ok(())
    }

    /// Gives a tap a structural name for its random numbers; without one its number serves.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] if no such tap was installed.
    pub fn name_tap(&mut self, tap: u32, name_hash: u64) -> Result<(), EngineError> {
        match self.world.taps.get_mut(tap as usize) {
            Some(state) => {
                state.name = name_hash;
                Ok(())
            }
            None => Err(EngineError::Unknown {
                what: "tap",
                number: tap,
            }),
        }
    }

    /// Takes all taps off. Packets that are at one pass it.
    pub fn clear_taps(&mut self) {
        for link in &mut self.world.links {
            for side in &mut link.directions {
                side.tapped = false;
            }
        }
    }

    /// From now on no link loses, changes or copies a packet, no queue has a limit, every delay is
    /// the mean of its law, and no packet passes a tap: for an undisturbed continuation.
    pub const fn quiet_links(&mut self) {
        self.world.quiet = true;
    }

    /// From now on the host is told how long nodes send and receive ([`Host::on_aired`]).
    pub const fn meter_air(&mut self) {
        self.world.meters_air = true;
    }

    /// Lets the host act outside of an event, on behalf of `node`: at the start, or between runs.
    pub fn with_outbox<T>(
        &mut self,
        node: NodeId,
        host: &mut H,
        recorder: &mut H::Recorder,
        act: impl FnOnce(&mut H, &mut Outbox<'_, H>) -> T,
    ) -> T {
        self.world.current = EventKey::new(self.world.now, Class::Fault, node.0, 0);
        let result = act(host, &mut Outbox::new(&mut self.world, recorder, node));
        self.settle(host, recorder);
        result
    }

    /// Handles all events up to and including `until`.
    ///
    /// `check` is called every 65536 events, and where [`Engine::pause_at`] says; it may interrupt
    /// the run, which can then be continued without a difference. Afterwards the clock stands at `until`, or at the last
    /// event if the run was stopped or interrupted.
    ///
    /// # Errors
    /// The first [`EngineError`] of the run.
    pub fn run(
        &mut self,
        host: &mut H,
        recorder: &mut H::Recorder,
        until: SimTime,
        check: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<RunEnd, EngineError> {
        let until = until.min(SimTime::LAST);
        self.world.stopped = false;
        if let Some(error) = &self.world.error {
            return Err(error.clone());
        }
        while let Some(entry) = self.world.queue.pop(until) {
            self.handle_whole(host, recorder, entry)?;
            if self.world.stopped {
                return Ok(RunEnd::Stopped);
            }
            if self.events >= self.next_check {
                self.arm_check();
                if check(&self.progress()).is_break() {
                    return Ok(RunEnd::Interrupted);
                }
            }
        }
        self.world.now = self.world.now.max(until);
        Ok(if self.world.queue.len() == 0 {
            RunEnd::Drained
        } else {
            RunEnd::Reached
        })
    }

    /// Has the caller's check called after exactly `events` events, or after the next one if there
    /// were as many already, besides its usual turns; no event of the run depends on it.
    pub fn pause_at(&mut self, events: u64) {
        self.pause_at = events.max(self.events + 1);
        self.arm_check();
    }

    fn arm_check(&mut self) {
        let usual = (self.events / CHECK_EVENTS + 1) * CHECK_EVENTS;
        let wanted = if self.pause_at > self.events {
            self.pause_at
        } else {
            u64::MAX
        };
        self.next_check = usual.min(wanted);
    }

    /// Reads what the upcoming events will need.
    ///
    /// In a large world nearly every event meets a node that is not in the cache. Read one after
    /// the other without anything in between, they are fetched at the same time.
    fn touch_upcoming(&self, host: &H) {
        let mut sum = 0;
        for entry in self.world.queue.upcoming() {
            let node = NodeId(entry.payload.node);
            sum ^= self.world.touch(entry);
            sum ^= match entry.key.class() {
                Class::Control => host.touch_control(node, self.world.ahead()),
                _ => host.touch(node),
            };
        }
        std::hint::black_box(sum);
    }

    /// Handles an event that was taken from the queue, and what follows it before the next.
    #[inline]
    fn handle_whole(
        &mut self,
        host: &mut H,
        recorder: &mut H::Recorder,
        entry: Entry,
    ) -> Result<(), EngineError> {
        if self.world.queue.take_refilled() && self.world.nodes.len() > CACHED_NODES {
            self.touch_upcoming(host);
        }
        self.events += 1;
        self.world.now = entry.key.time();
        self.world.current = entry.key;
        if H::Recorder::TURNS {
            recorder.turn(entry.key, self.world.queue.round());
        }
        self.handle(host, recorder, entry);
        if !self.world.after.is_empty() {
            self.settle(host, recorder);
        }
        host.on_settled(recorder);
        if let Some(error) = &self.world.error {
            return Err(error.clone());
        }
        if self.world.queue.round() > ROUNDS_MAX {
            return Err(self.round_cycle());
        }
        Ok(())
    }

    #[cold]
    fn round_cycle(&mut self) -> EngineError {
        let mut members: Vec<_> = self
            .world
            .queue
            .running_round()
            .map(|key| (key.class(), key.origin()))
            .collect();
        members.push((self.world.current.class(), self.world.current.origin()));
        members.sort_unstable();
        members.dedup();
        members.truncate(CYCLE_MEMBERS_MAX);
        let error = EngineError::RoundCycle {
            at: self.world.now,
            rounds: self.world.queue.round(),
            members,
        };
        self.world.fail(error.clone());
        error
    }

    /// The current instant.
    #[must_use]
    pub const fn now(&self) -> SimTime {
        self.world.now
    }

    /// Events handled so far.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Where the run stands.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        Progress {
            now: self.world.now,
            events: self.events,
            pending: self.world.queue.len(),
        }
    }

    /// The digest of everything that every entity did, in entity order.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.world.fingerprint()
    }

    /// Packets on links or waiting for a CPU.
    #[must_use]
    pub fn packets_live(&self) -> usize {
        self.world.packets.len()
    }

    /// Payloads kept in the arena, those of packets included.
    #[must_use]
    pub fn blocks_live(&self) -> usize {
        self.world.arena.live()
    }

    /// Timers and control events that are armed.
    #[must_use]
    pub const fn timers_live(&self) -> usize {
        self.world.timers.len()
    }

    /// Effects that are not yet released.
    #[must_use]
    pub fn effects_live(&self) -> usize {
        self.world.effects.len()
    }

    /// Whether nothing of a node is under way inside it: the CPU is free, nobody waits, no effect
    /// is unreleased.
    #[must_use]
    pub fn is_idle(&self, node: NodeId) -> bool {
        let now = self.world.now;
        self.world
            .cpu(node)
            .is_none_or(|cpu: &Cpu| !cpu.is_occupied(now) && !cpu.has_deferred())
    }

    /// Counters of a node. An unknown node has counted nothing.
    #[must_use]
    pub fn node_stats(&self, node: NodeId) -> NodeStats {
        let earlier = self
            .world
            .baseline
            .as_ref()
            .and_then(|baseline| baseline.nodes.get(node.0 as usize).copied())
            .unwrap_or_default();
        self.world.node_totals(node) - earlier
    }

    /// Counters of a link direction. An unknown link has counted nothing.
    #[must_use]
    pub fn link_stats(&self, link: LinkId, direction: Direction) -> LinkStats {
        if link.0 as usize >= self.world.links.len() {
            return LinkStats::default();
        }
        let earlier = self
            .world
            .baseline
            .as_ref()
            .and_then(|baseline| baseline.links.get(link.0 as usize))
            .map(|directions| directions[direction.index()])
            .unwrap_or_default();
        self.world.link_totals(link, direction) - earlier
    }

    /// Lets all counters begin anew at the current instant, the end of a warm-up.
    ///
    /// Integrals over time count from now on. Sums over packets count what is taken (node) or
    /// accepted (link) from now on.
    pub fn reset_stats(&mut self) {
        let world = &self.world;
        let nodes = (0..world.nodes.len() as u32)
            .map(|node| world.node_totals(NodeId(node)))
            .collect();
        let links = (0..world.links.len() as u32)
            .map(|link| {
                [Direction::Up, Direction::Down]
                    .map(|direction| world.link_totals(LinkId(link), direction))
            })
            .collect();
        let media = world
            .media
            .iter()
            .map(|medium| medium.totals_at(world.now))
            .collect();
        self.world.baseline = Some(Box::new(Baseline {
            nodes,
            links,
            media,
        }));
    }
}

/// Rounds at one instant after which the world is taken to go in circles.
const ROUNDS_MAX: u32 = 1_000_000;
/// Events between two calls of the caller's check.
const CHECK_EVENTS: u64 = 1 << 16;
/// Nodes whose state is likely to be in the cache anyway.
const CACHED_NODES: usize = 1 << 14;
/// Members of a cycle that the error names.
const CYCLE_MEMBERS_MAX: usize = 8;
