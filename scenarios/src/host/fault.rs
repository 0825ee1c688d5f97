//! Faults: what strikes nodes and links, when, and what is left of them.
//!
//! A fault strikes *places*: nodes, links, or the whole world. At each place it draws from a stream
//! of its own, named by fault and place, one block per strike, so that a fault moves nobody's random
//! numbers and another place none of this one's. Strikes at instants and by process are events of
//! the class that comes first at its instant; strikes by selector happen in the middle of a call,
//! between two effects (`select`, `write`).

mod history;
mod links;
mod power;
mod select;
mod split;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use sim_engine::{NodeId, Outbox, SimTime, StreamName, Streams, TimerId};

pub(super) use self::select::Moment;
pub use self::write::{Tear, Writing};

use self::history::History;
use self::links::Cut;
use self::power::Outage;
use self::select::Due;
use super::World;
use super::attempt::{AttemptId, NOBODY};
use super::tables::{FaultEvent, FaultMoment, Tables};
use crate::fault::{Effect, FaultSpec, Members, Trigger};

/// Control events of faults; kinds below belong to workloads.
pub(crate) mod control {
    /// Kinds from here on are those of faults.
    pub(crate) const FIRST: u8 = 0xE0;
    /// A fault strikes at its owner; the key is fault and instant.
    pub(crate) const STRIKE: u8 = 0xE0;
    /// Power comes back to the owner.
    pub(crate) const POWER: u8 = 0xE1;
    /// A cut of links ends; the key is its number.
    pub(crate) const MEND: u8 = 0xE2;
    /// The battery of the owner may be empty.
    pub(crate) const BATTERY: u8 = 0xE4;
    /// The processor of the owner hangs; the key is the fault.
    pub(crate) const HANG: u8 = 0xE3;
}

/// Bits of a key that number the instants of one fault.
const INSTANT_BITS: u32 = 8;

/// Words of one strike's block: what comes when, how long or far, how many bytes.
const WORD_WHEN: usize = 0;
const WORD_SPAN: usize = 1;
const WORD_BYTES: usize = 2;

/// What a fault came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Strikes that had an effect.
    pub strikes: u64,
    /// Strikes that met a place already out of order.
    pub void: u64,
    /// Torn writes that were prepared; the next durable write makes each a strike.
    pub armed: u64,
}

/// All faults of a world.
#[derive(Debug)]
pub struct Faults {
    specs: Vec<FaultSpec>,
    counts: Vec<FaultCounts>,
    /// Node group names and link group names, for the names of streams.
    names: (Vec<String>, Vec<String>),
    streams: Streams,
    /// Processes stop here, ns.
    duration_ns: u64,
    /// Strikes so far, by fault and place, where they are not numbered otherwise.
    struck: BTreeMap<(u16, Place), u32>,
    /// What selectors have counted, by fault and node.
    seen: BTreeMap<(u16, u32), u64>,
    watches_messages: bool,
    watches_writes: bool,
    /// Nodes whose next durable write is torn, with the fault and its strike.
    armed: BTreeMap<u32, Due>,
    /// What strikes when the running call is through, and whether it ends a torn write.
    after_call: Vec<(Due, bool)>,
    outages: BTreeMap<u32, Outage>,
    histories: BTreeMap<u32, History>,
    /// Cuts by whose event ends them, numbered for each.
    cuts: BTreeMap<(u32, u32), Cut>,
    stopped: bool,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A node.
    Node(u32),
    /// A link group's member.
    Link(u16, u32),
    /// All that the fault names, at once.
    World,
}

/// One strike: which fault, where, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The fault: its place in the scenario's list.
    pub fault: u16,
    /// Where.
    pub place: Place,
    /// Its number there.
    pub number: u32,
}

impl Faults {
    /// Faults among groups of nodes and links of these names.
    #[must_use]
    pub fn new(
        specs: Vec<FaultSpec>,
        names: (Vec<String>, Vec<String>),
        streams: Streams,
        duration_ns: u64,
    ) -> Self {
        let (watches_messages, watches_writes) = select::watched(&specs);
        Self {
            counts: vec![FaultCounts::default(); specs.len()],
            specs,
            names,
            streams,
            duration_ns,
            struck: BTreeMap::new(),
            seen: BTreeMap::new(),
            watches_messages,
            watches_writes,
            armed: BTreeMap::new(),
            after_call: Vec::new(),
            outages: BTreeMap::new(),
            histories: BTreeMap::new(),
            cuts: BTreeMap::new(),
            stopped: false,
        }
    }

    /// What each fault came to, in the order of the scenario.
    #[must_use]
    pub fn counts(&self) -> &[FaultCounts] {
        &self.counts
    }

    fn spec(&self, fault: u16) -> &FaultSpec {
        &self.specs[usize::from(fault)]
    }

    fn count(&mut self, fault: u16) -> &mut FaultCounts {
        &mut self.counts[usize::from(fault)]
    }

    /// The next number of a strike at a place.
    fn number(&mut self, fault: u16, place: Place) -> u32 {
        let next = self.struck.entry((fault, place)).or_default();
        let number = *next;
        *next = next.saturating_add(1);
        number
    }
}

impl<T: Tables> World<T> {
    /// Arms the first strikes. Called once, at the start.
    pub fn start_faults(&mut self, out: &mut Outbox<'_, Self>) {
        let Some(faults) = &self.faults else {
            return;
        };
        for (fault, spec) in (0u16..).zip(faults.specs.clone()) {
            self.watch_storage(&spec);
            match &spec.trigger {
                Trigger::At(laws) => {
                    for place in self.places(&spec) {
                        for (instant, law) in (0u32..).zip(laws) {
                            let draw = self.fault_draw(fault, place, instant, WORD_WHEN);
                            let at = law.sample_ns(draw).0;
                            self.arm_strike((fault, instant), place, at, out);
                        }
                    }
                }
                Trigger::Process(_) => {
                    for place in self.places(&spec) {
                        self.arm_process(SimTime::ZERO, (fault, 0), place, out);
                    }
                }
                Trigger::When(_) => {}
            }
        }
    }

    /// Where a fault strikes when nothing narrows it down.
    fn places(&self, spec: &FaultSpec) -> Vec<Place> {
        match (&spec.effect, spec.target) {
            (Effect::LinkDown { links, .. }, _) => {
                let group = u16::try_from(links.group).unwrap_or(u16::MAX);
                let members = links.first..links.first + links.count;
                members.map(|member| Place::Link(group, member)).collect()
            }
            (_, Some(target)) => self.nodes_of(target).map(Place::Node).collect(),
            _ => vec![Place::World],
        }
    }

    fn nodes_of(&self, members: Members) -> core::ops::Range<u32> {
        let first = self.groups[members.group].first + members.first;
        first..first + members.count
    }

    /// The owner of a place's events: its node, that of the link's larger side, or nobody's.
    fn owner_of(&self, place: Place) -> NodeId {
        match place {
            Place::Node(node) => NodeId(node),
            Place::Link(group, member) => {
                let route = &self.routes.links()[usize::from(group)];
                let (group, member) = route.main_end(member);
                NodeId(self.groups[group].first + member)
            }
            Place::World => self.host_owner(),
        }
    }

    /// A random number of strike `number` of a fault at a place.
    fn fault_draw(&mut self, fault: u16, place: Place, number: u32, word: usize) -> u64 {
        let node = match place {
            Place::Node(node) => Some(self.place(node)),
            _ => None,
        };
        let Some(faults) = &mut self.faults else {
            return 0;
        };
        let name = StreamName::new("fault").text(&faults.specs[usize::from(fault)].name);
        let name = match (place, node) {
            (Place::Link(group, member), _) => name
                .text("link")
                .text(&faults.names.1[usize::from(group)])
                .index(u64::from(member)),
            (_, Some((group, member))) => name
                .text("node")
                .text(&faults.names.0[group])
                .index(u64::from(member)),
            _ => name,
        };
        faults.streams.block(name.id(), u64::from(number))[word]
    }

    fn arm_strike(
        &self,
        (fault, number): (u16, u32),
        place: Place,
        at_ns: u64,
        out: &mut Outbox<'_, Self>,
    ) {
        let id = TimerId {
            kind: control::STRIKE,
            key: u32::from(fault) << INSTANT_BITS | number & ((1 << INSTANT_BITS) - 1),
        };
        out.arm_fault(self.owner_of(place), id, SimTime(at_ns));
    }

    /// Arms the next strike of a process, unless the run's duration is over by then.
    fn arm_process(
        &mut self,
        now: SimTime,
        (fault, number): (u16, u32),
        place: Place,
        out: &mut Outbox<'_, Self>,
    ) {
        let draw = self.fault_draw(fault, place, number, WORD_WHEN);
        let Some(faults) = &self.faults else {
            return;
        };
        let Trigger::Process(law) = &faults.spec(fault).trigger else {
            return;
        };
        // An interval of 0 would strike for ever at one instant.
        let at = now.0.saturating_add(law.sample_ns(draw).0.max(1));
        if at < faults.duration_ns {
            self.arm_strike((fault, 0), place, at, out);
        }
    }

    /// A control event of a fault is due.
    pub(super) fn on_fault_control(
        &mut self,
        now: SimTime,
        owner: NodeId,
        event: TimerId,
        out: &mut Outbox<'_, Self>,
    ) {
        match event.kind {
            control::POWER => self.power_back(now, owner.0, out),
            control::BATTERY => self.check_battery(now, owner.0, out),
            control::MEND => self.mend(now, (owner.0, event.key), out),
            control::HANG => self.hang(now, owner.0, event.key, out),
            _ => {
                let fault = u16::try_from(event.key >> INSTANT_BITS).unwrap_or(u16::MAX);
                let instant = event.key & ((1 << INSTANT_BITS) - 1);
                self.strike_due(now, owner, (fault, instant), out);
            }
        }
    }

    fn strike_due(
        &mut self,
        now: SimTime,
        owner: NodeId,
        (fault, instant): (u16, u32),
        out: &mut Outbox<'_, Self>,
    ) {
        let Some(faults) = self.faults.as_mut().filter(|faults| !faults.stopped) else {
            return;
        };
        let spec = faults.spec(fault);
        let place = match &spec.effect {
            Effect::LinkDown { links, .. } => {
                let group = u16::try_from(links.group).unwrap_or(u16::MAX);
                let base = self.owner_of(Place::Link(group, 0)).0;
                Place::Link(group, owner.0 - base)
            }
            Effect::Partition { .. } => Place::World,
            _ => Place::Node(owner.0),
        };
        let Some(faults) = self.faults.as_mut() else {
            return;
        };
        let number = match faults.spec(fault).trigger {
            Trigger::Process(_) => {
                let number = faults.number(fault, place);
                self.arm_process(now, (fault, number.saturating_add(1)), place, out);
                number
            }
            _ => instant,
        };
        let strike = Strike {
            fault,
            place,
            number,
        };
        self.strike(now, strike, out);
        self.flush_desync(out);
    }

    /// Carries out one strike.
    fn strike(&mut self, now: SimTime, strike: Strike, out: &mut Outbox<'_, Self>) {
        let Some(faults) = &self.faults else {
            return;
        };
        let effect = faults.spec(strike.fault).effect.clone();
        match (&effect, strike.place) {
            (Effect::LinkDown { .. } | Effect::Partition { .. }, _) => {
                self.cut(now, strike, &effect, out);
            }
            (Effect::Stuck { .. }, Place::Node(node)) => {
                // After the running handler, which may not have declared its cost yet.
                let id = TimerId {
                    kind: control::HANG,
                    key: u32::from(strike.fault),
                };
                out.arm_fault(NodeId(node), id, now);
            }
            (Effect::ClockStep { by }, Place::Node(node)) => {
                let draw = self.fault_draw(strike.fault, strike.place, strike.number, WORD_SPAN);
                #[allow(clippy::cast_possible_truncation, reason = "such casts saturate")]
                let by_ns = by.sample(draw) as i64;
                self.step_clock(node, by_ns);
                self.struck(now, strike, Some(by_ns), out);
            }
            (Effect::TornWrite { .. }, Place::Node(node)) => self.arm_torn(node, strike),
            (_, Place::Node(node)) => self.lose_power(now, node, strike, out),
            _ => {}
        }
    }

    fn hang(&mut self, now: SimTime, node: u32, fault: u32, out: &mut Outbox<'_, Self>) {
        let place = Place::Node(node);
        let Some(faults) = &mut self.faults else {
            return;
        };
        let fault = u16::try_from(fault).unwrap_or(u16::MAX);
        let Effect::Stuck { span } = faults.spec(fault).effect.clone() else {
            return;
        };
        let by_process = matches!(faults.spec(fault).trigger, Trigger::Process(_));
        // A process has numbered this strike already.
        let number = match (faults.struck.get(&(fault, place)), by_process) {
            (Some(next), true) => next - 1,
            _ => faults.number(fault, place),
        };
        let strike = Strike {
            fault,
            place,
            number,
        };
        if out.is_down(NodeId(node)) {
            self.void(now, strike, out);
            return;
        }
        let draw = self.fault_draw(fault, place, number, WORD_SPAN);
        let span = span.sample_ns(draw);
        out.stall(NodeId(node), span);
        self.struck(now, strike, i64::try_from(span.0).ok(), out);
    }

    fn step_clock(&mut self, node: u32, by_ns: i64) {
        let (group, member) = self.place(node);
        let group = &mut self.groups[group];
        if group.clocks.is_empty() {
            group.clocks = vec![super::clock::Clock::default(); group.count as usize];
        }
        let clock = &mut group.clocks[member as usize];
        clock.offset_ns = clock.offset_ns.saturating_add(by_ns);
    }

    /// Counts and writes down a strike that had an effect.
    fn struck(
        &mut self,
        now: SimTime,
        strike: Strike,
        value: Option<i64>,
        out: &mut Outbox<'_, Self>,
    ) {
        let told = self.tells(strike, out);
        if let Some(faults) = self.faults.as_mut().filter(|_| told) {
            faults.count(strike.fault).strikes += 1;
        }
        self.tell_fault(now, strike, FaultMoment::Strike, value, out);
    }

    /// Counts and writes down a strike that met a place already out of order.
    fn void(&mut self, now: SimTime, strike: Strike, out: &mut Outbox<'_, Self>) {
        let told = self.tells(strike, out);
        if let Some(faults) = self.faults.as_mut().filter(|_| told) {
            faults.count(strike.fault).void += 1;
        }
        self.tell_fault(now, strike, FaultMoment::Void, None, out);
    }

    /// Whether this part tells and counts a strike: what nobody's event strikes strikes all parts
    /// alike, of which the first one speaks.
    fn tells(&self, strike: Strike, out: &Outbox<'_, Self>) -> bool {
        self.is_first || strike.place != Place::World || out.node() != self.host_owner()
    }

    fn tell_fault(
        &self,
        now: SimTime,
        strike: Strike,
        moment: FaultMoment,
        value: Option<i64>,
        out: &mut Outbox<'_, Self>,
    ) {
        if !self.tells(strike, out) {
            return;
        }
        let (node, link) = match strike.place {
            Place::Node(node) => (node, None),
            Place::Link(group, member) => {
                let first = self.routes.links()[usize::from(group)].first;
                (NOBODY, Some(first + member))
            }
            Place::World => (NOBODY, None),
        };
        let attempt = if node == NOBODY {
            AttemptId::NONE
        } else {
            self.workloads.open_attempt(node)
        };
        out.recorder().fault(&FaultEvent {
            at_ns: now.0,
            fault: usize::from(strike.fault),
            moment,
            node,
            link,
            attempt,
            value,
        });
    }

    /// No further strikes; who is without power for a time gets it back, and who is without for good
    /// stays so: for the honest continuation.
    pub(crate) fn end_faults(&mut self, now: SimTime, out: &mut Outbox<'_, Self>) {
        let Some(faults) = &mut self.faults else {
            return;
        };
        faults.stopped = true;
        if let Some(energy) = &mut self.energy {
            energy.stop();
        }
        faults.armed.clear();
        faults.watches_messages = false;
        faults.watches_writes = false;
        let back = faults.outages.iter().filter(|(_, outage)| outage.ends);
        for node in back.map(|(node, _)| *node).collect::<Vec<_>>() {
            let id = TimerId {
                kind: control::POWER,
                key: 0,
            };
            out.cancel_control(NodeId(node), id);
            self.power_back(now, node, out);
        }
    }
}
