//! Attackers in code as they run: instances, their addresses, what they hold and have asked for.
//!
//! The host calls them ([`crate::host`]); this module keeps what belongs to an instance between two
//! calls. An instance draws from a stream of its own name, so that switching an adversary on moves
//! nobody's draws.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use protocols::Address;
use protocols::attack::{Action, Actions, Attacker, HOSTS_EACH, OWN_HOSTS, Power, Property, Setup};
use protocols::crypto::Crypto;
use protocols::parameter::ParameterError;
use protocols::roster::Roster;
use sim_engine::{Direction, LazyStream, LinkId, StreamName};

use crate::adversary::RuleCounts;
use crate::host::attack::records::{Connection, Record};
use crate::host::attack::streams::OwnStream;
use crate::host::attempt::AttemptId;
use crate::host::tables::Header;
use crate::host::transport::config::Transport;
use crate::host::transport::splice::Splice;
use crate::oracle::Cause;
use crate::rules::RuleRunner;
use crate::scenario::{AdversarySpec, GrantTime, Layer, LinkChannel, Rule, Scenario, Scope};

/// Host number that parties of a role show in a game of anonymity, plus the role.
const MASKED_HOSTS: u32 = 0xE000_0000;

/// What decides: an attack in code, or the rules of the scenario.
#[derive(Debug)]
pub(crate) enum Mind {
    /// In code.
    Code(Box<dyn Attacker>),
    /// By rules.
    Rules(Box<RuleRunner>),
}

impl Mind {
    pub(crate) fn attacker(&mut self) -> &mut dyn Attacker {
        match self {
            Self::Code(attacker) => &mut **attacker,
            Self::Rules(rules) => &mut **rules,
        }
    }
}

/// Something that an instance wants done, in order.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// As the attacker put it.
    Act(Action),
    /// A segment of a connection that it stands in.
    Segment {
        /// The way it goes.
        way: (LinkId, Direction),
        /// What the tables say of it.
        header: Header,
        /// The segment.
        bytes: Vec<u8>,
    },
    /// A record that goes on later.
    Later {
        /// The record.
        record: Record,
        /// How much later, ns.
        after_ns: u64,
    },
    /// A segment came to a connection that it opened in somebody else's name.
    Hears {
        /// The connection: its place in [`Attacks::streams`].
        stream: usize,
        /// What the tables say of it.
        header: Header,
        /// The segment.
        bytes: Vec<u8>,
    },
    /// A frame that it took off the link goes elsewhere.
    Redirect {
        /// With the new destination.
        header: Header,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// A secret value, and the party that it is shared with.
pub(crate) type Value = (Option<u32>, Vec<u8>);

/// One instance of an attacker.
#[derive(Debug)]
pub(crate) struct Instance {
    /// The adversary: its place in the scenario, which is its tap.
    pub(crate) adversary: usize,
    /// The attacker; taken out while it is called.
    pub(crate) attacker: Option<Mind>,
    /// Its random stream.
    pub(crate) stream: u64,
    pub(crate) position: LazyStream,
    /// Frames seen so far.
    pub(crate) frames: u64,
    /// Where the frames came from that it may still name: host of the sender.
    pub(crate) senders: BTreeMap<u64, u32>,
    /// Frames that it holds, by the engine's name for the packet.
    pub(crate) held: BTreeMap<u64, u32>,
    /// The way by which an own host last reached a party.
    pub(crate) ways: BTreeMap<(u32, u32), (LinkId, Direction)>,
    /// Its timers, with the key of their control event.
    pub(crate) timers: BTreeMap<u32, u32>,
    /// The links on which or beside which it stands.
    pub(crate) links: Vec<u32>,
    /// What it has asked for and has not been given.
    pub(crate) wishes: Vec<Wish>,
    /// Frames looked at.
    pub(crate) seen: u64,
    /// Verdicts other than passing, frames sent, claims and tries.
    pub(crate) acted: u64,
    /// When it acted last, ns.
    pub(crate) last_ns: Option<u64>,
    /// Hides which party of a role a frame is from.
    pub(crate) masks: bool,
    /// It acts on whole records of streams.
    pub(crate) by_records: bool,
    /// Powers that some of its steps need and that it was not granted.
    pub(crate) lacks: Vec<Power>,
    /// The connections that pass it.
    pub(crate) connections: BTreeMap<Connection, Splice<Header>>,
    /// Records that it holds, by frame.
    pub(crate) kept: BTreeMap<u64, Record>,
    /// The attempt of the frame that it saw last, and the frame.
    pub(crate) last: (AttemptId, Option<Cause>),
}

/// All attackers of a world.
#[derive(Debug, Default)]
pub struct Attacks {
    pub(crate) instances: Vec<Instance>,
    /// By adversary: its instances by link, and the one for all.
    by_link: BTreeMap<(usize, u32), usize>,
    by_adversary: Vec<Vec<usize>>,
    /// By adversary: its place among the names of all rules.
    pub(crate) rule_place: Vec<u16>,
    /// Who takes part; `None` where no attack runs.
    pub(crate) roster: Option<Arc<Roster>>,
    /// The nodes at the two ends of the links that attackers know.
    pub(crate) ends: BTreeMap<u32, (u32, u32)>,
    /// Nodes that are played, and by which instance.
    pub(crate) seats: BTreeMap<u32, usize>,
    /// Nodes whose secrets are told as they change: instance and place among what it knows.
    pub(crate) watched: BTreeMap<u32, Vec<(usize, usize)>>,
    /// What was told of them last.
    pub(crate) told: BTreeMap<(usize, usize), Vec<Value>>,
    /// They stop here, ns.
    pub(crate) until_ns: u64,
    /// What played nodes send as soon as it is their turn.
    pub(crate) outgoing: BTreeMap<u32, Vec<(Header, Vec<u8>)>>,
    /// Primitives; nobody meters attackers.
    pub(crate) crypto: Crypto,
    /// By adversary: instance and timer of each control event, by key.
    timers: Vec<Vec<(usize, u32)>>,
    /// The links that end at a node, ascending.
    by_end: BTreeMap<u32, Vec<u32>>,
    /// Records that go on later, by the key of their control event.
    pub(crate) records: BTreeMap<u32, (usize, Record)>,
    pub(crate) next_record: u32,
    /// Connections that adversaries have opened.
    pub(crate) streams: Vec<OwnStream>,
    /// Bytes of records that are not whole, by node that is played and far end.
    pub(crate) heard: BTreeMap<(u32, Address), Vec<u8>>,
    /// By adversary: whether it stands beside its links.
    beside: Vec<bool>,
    /// By adversary: whether another part of the world plays it; empty where there is one part.
    pub(crate) elsewhere: Vec<bool>,
    /// What shows that the parts of a world do not give the bytes of one thread.
    pub(crate) met: Option<&'static str>,
}

/// What [`Attacks::new`] is made from.
pub(crate) struct Places<'a> {
    /// Who takes part.
    pub(crate) roster: &'a Roster,
    /// Both ends of every link of a link group, by link group: link, node a, node b.
    pub(crate) links: &'a [Vec<(u32, u32, u32)>],
}

impl Attacks {
    /// The attackers of a scenario.
    ///
    /// # Errors
    ///
    /// The adversary's place in the scenario and what its attack refuses.
    pub(crate) fn new(
        scenario: &Scenario,
        places: &Places<'_>,
    ) -> Result<Self, (usize, ParameterError)> {
        let mut all = Self {
            until_ns: scenario.run.duration_ns,
            by_adversary: vec![Vec::new(); scenario.adversaries.len()],
            timers: vec![Vec::new(); scenario.adversaries.len()],
            beside: scenario
                .adversaries
                .iter()
                .map(|spec| !spec.is_on_path())
                .collect(),
            ..Self::default()
        };
        let mut rules = 0;
        for spec in &scenario.adversaries {
            let own = spec.rules.len();
            all.rule_place
                .push(u16::try_from(rules + own).unwrap_or(u16::MAX));
            rules += own + usize::from(spec.attack.is_some());
        }
        for (index, spec) in scenario.adversaries.iter().enumerate() {
            let records = acts_on_records(scenario, spec);
            let by_rules = spec.attack.is_none()
                && (!spec.rules.iter().all(Rule::is_plain) || records && !spec.rules.is_empty());
            if spec.attack.is_none() && !by_rules {
                continue;
            }
            let roster = Arc::clone(
                all.roster
                    .get_or_insert_with(|| Arc::new(places.roster.clone())),
            );
            let links = spec.link.map_or(&[][..], |link| &places.links[link]);
            for (link, a, b) in links {
                all.know(*link, *a, *b);
            }
            let of_seat: Vec<(u32, u32, u32)> = spec
                .seat
                .filter(|_| spec.link.is_none())
                .map(|seat| {
                    let all = places.links.iter().flatten();
                    all.filter(|(_, a, b)| *a == seat || *b == seat)
                        .copied()
                        .collect()
                })
                .unwrap_or_default();
            for (link, a, b) in &of_seat {
                all.know(*link, *a, *b);
            }
            let links = if spec.link.is_some() { links } else { &of_seat };
            let sets: Vec<Vec<(u32, u32, u32)>> = match (spec.scope, spec.link) {
                (Scope::Link, Some(_)) => links.iter().map(|link| vec![*link]).collect(),
                _ => vec![links.to_vec()],
            };
            let lacking = lacks(spec);
            for (number, set) in (0u64..).zip(sets) {
                let place = all.instances.len();
                let near: BTreeSet<usize> = set
                    .iter()
                    .flat_map(|(_, a, b)| [*a as usize, *b as usize])
                    .collect();
                let near: Vec<usize> = near.into_iter().collect();
                let instance = &scenario.protocol.instance;
                let attacker = if let Some(choice) = &spec.attack {
                    let setup = Setup {
                        instance: &**instance,
                        roster: &roster,
                        near: &near,
                        seat: spec.seat.map(|seat| seat as usize),
                        own_host: own_host(place),
                        case: choice.case,
                        params: &choice.params,
                        lacks: &lacking,
                    };
                    let made = instance.attacker(choice.spec.id, &setup);
                    Mind::Code(made.map_err(|error| (index, error))?)
                } else {
                    Mind::Rules(Box::new(RuleRunner::new(
                        spec.rules.clone(),
                        (Arc::clone(instance), Arc::clone(&roster)),
                        scenario.run.epoch_ns,
                        own_host(place),
                    )))
                };
                if let (Scope::Link, [(link, ..)]) = (spec.scope, &set[..]) {
                    all.by_link.insert((index, *link), place);
                }
                all.by_adversary[index].push(place);
                if let Some(seat) = spec.seat {
                    all.seats.insert(seat, place);
                }
                for (knowledge, known) in spec.knows.iter().enumerate() {
                    if known.at == GrantTime::Always {
                        all.watched
                            .entry(known.of)
                            .or_default()
                            .push((place, knowledge));
                    }
                }
                all.instances.push(Instance {
                    adversary: index,
                    attacker: Some(attacker),
                    stream: StreamName::new("adversary")
                        .text(&spec.name)
                        .text("attack")
                        .index(number)
                        .id(),
                    position: LazyStream::default(),
                    frames: 0,
                    senders: BTreeMap::new(),
                    held: BTreeMap::new(),
                    ways: BTreeMap::new(),
                    timers: BTreeMap::new(),
                    links: set.iter().map(|(link, ..)| *link).collect(),
                    wishes: Vec::new(),
                    seen: 0,
                    acted: 0,
                    last_ns: None,
                    masks: spec.attack.as_ref().is_some_and(|choice| {
                        choice.spec.properties.contains(&Property::Anonymity)
                    }),
                    by_records: records,
                    lacks: lacking.clone(),
                    connections: BTreeMap::new(),
                    kept: BTreeMap::new(),
                    last: (AttemptId::NONE, None),
                });
            }
        }
        Ok(all)
    }

    fn know(&mut self, link: u32, a: u32, b: u32) {
        if self.ends.insert(link, (a, b)).is_none() {
            self.by_end.entry(a).or_default().push(link);
            self.by_end.entry(b).or_default().push(link);
        }
    }

    /// The way of a frame of an instance from `from` to `to`: the link that joins the two where it
    /// is one of the instance's, else its first that ends at `to`.
    pub(crate) fn way(&self, place: usize, from: u32, to: u32) -> Option<(LinkId, Direction)> {
        let links = &self.instances[place].links;
        let own = |link: &&u32| links.binary_search(link).is_ok();
        let ends = |link: u32| self.ends.get(&link).copied();
        let joined = self.by_end.get(&from).into_iter().flatten().filter(own);
        let joined = joined
            .copied()
            .find(|link| ends(*link) == Some((from, to)) || ends(*link) == Some((to, from)));
        let link = joined.or_else(|| self.by_end.get(&to)?.iter().find(own).copied())?;
        let (_, b) = ends(link)?;
        let direction = if b == to {
            Direction::Up
        } else {
            Direction::Down
        };
        Some((LinkId(link), direction))
    }

    /// The links on which an instance stands, with their ends.
    pub(crate) fn links_of(&self, place: usize) -> impl Iterator<Item = (u32, u32, u32)> + '_ {
        let links = self.instances[place].links.iter();
        links.filter_map(|link| self.ends.get(link).map(|(a, b)| (*link, *a, *b)))
    }

    /// The way from a party towards an instance: its first link that ends at the party.
    pub(crate) fn way_from(&self, place: usize, from: u32) -> Option<(LinkId, Direction)> {
        let links = &self.instances[place].links;
        let own = |link: &&u32| links.binary_search(link).is_ok();
        let link = *self.by_end.get(&from)?.iter().find(own)?;
        let (a, _) = self.ends.get(&link).copied()?;
        let direction = if a == from {
            Direction::Up
        } else {
            Direction::Down
        };
        Some((LinkId(link), direction))
    }

    /// The key of the control event of a timer.
    pub(crate) fn timer_key(&mut self, place: usize, timer: u32) -> u32 {
        let instance = &mut self.instances[place];
        let all = &mut self.timers[instance.adversary];
        *instance.timers.entry(timer).or_insert_with(|| {
            all.push((place, timer));
            u32::try_from(all.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Instance and timer of a control event of an adversary.
    pub(crate) fn timer(&self, adversary: usize, key: u32) -> Option<(usize, u32)> {
        self.timers.get(adversary)?.get(key as usize).copied()
    }

    /// Something shows that the parts of a world do not give the bytes of one thread.
    pub(crate) fn meets(&mut self, reason: &'static str) {
        self.met.get_or_insert(reason);
    }

    /// Takes over the adversaries of which `is_their_tap` is true from a part of the same world, and
    /// what nodes that they play have not sent yet.
    pub(crate) fn absorb(
        &mut self,
        part: Self,
        is_theirs: impl Fn(u32) -> bool,
        is_their_tap: impl Fn(usize) -> bool,
    ) {
        self.met = self.met.or(part.met);
        let mut takes = false;
        for (own, other) in self.instances.iter_mut().zip(part.instances) {
            if is_their_tap(other.adversary) {
                *own = other;
                takes = true;
            }
        }
        for (adversary, (own, other)) in self.timers.iter_mut().zip(part.timers).enumerate() {
            if is_their_tap(adversary) {
                *own = other;
            }
        }
        let told = part.told.into_iter();
        let of = |place: usize| self.instances.get(place).map(|it| it.adversary);
        let told = told.filter(|((place, _), _)| of(*place).is_some_and(&is_their_tap));
        self.told.extend(told.collect::<Vec<_>>());
        let outgoing = part.outgoing.into_iter();
        self.outgoing
            .extend(outgoing.filter(|(node, _)| is_theirs(*node)));
        if takes {
            // Where there are any, all adversaries are played by one part.
            self.records = part.records;
            self.next_record = part.next_record;
            self.streams = part.streams;
            self.heard = part.heard;
        }
    }

    /// The nodes that a host number of a claim stands for: all of a role where it is masked.
    pub(crate) fn meant(&self, host: u32) -> Vec<u32> {
        let role = host
            .checked_sub(MASKED_HOSTS)
            .filter(|_| host < OWN_HOSTS)
            .and_then(|role| u8::try_from(role).ok());
        match (role, &self.roster) {
            (Some(role), Some(roster)) => {
                let of_role = roster.parties.iter().filter(|party| party.role == role);
                of_role.map(|party| party.host).collect()
            }
            _ => vec![host],
        }
    }

    /// The first party that has the role of the party at `host`.
    pub(crate) fn lowest_of_role(&self, host: u32) -> Option<u32> {
        let role = self.role(host)?;
        let parties = &self.roster.as_ref()?.parties;
        let first = parties.iter().find(|party| party.role == role)?;
        Some(first.host)
    }

    /// True when no attack runs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// The instance of an adversary that stands on a link.
    pub(crate) fn at(&self, adversary: usize, link: u32) -> Option<usize> {
        if let Some(place) = self.by_link.get(&(adversary, link)) {
            return Some(*place);
        }
        match self.by_adversary.get(adversary)?.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The instances of an adversary.
    pub(crate) fn of(&self, adversary: usize) -> &[usize] {
        self.by_adversary.get(adversary).map_or(&[], Vec::as_slice)
    }

    /// The instance whose own host this is.
    pub(crate) fn owner(&self, host: u32) -> Option<usize> {
        let place = (host.checked_sub(OWN_HOSTS)? / HOSTS_EACH) as usize;
        (place < self.instances.len()).then_some(place)
    }

    /// The role of the party at a host.
    pub(crate) fn role(&self, host: u32) -> Option<u8> {
        let roster = self.roster.as_ref()?;
        roster.parties.get(host as usize).map(|party| party.role)
    }

    /// The host number that an instance is shown for a host.
    pub(crate) fn shown(&self, instance: usize, host: u32) -> u32 {
        match self.role(host) {
            Some(role) if self.instances[instance].masks => MASKED_HOSTS + u32::from(role),
            _ => host,
        }
    }

    /// The connection that an adversary has opened on a link, by its own end and the other.
    pub(crate) fn own_stream(&self, link: u32, from: Address, to: Address) -> Option<usize> {
        self.streams
            .iter()
            .rposition(|own| own.way.0.0 == link && own.from == from && own.to == to)
    }

    /// The adversary whose own address a host is: its tap, and whether it stands beside its links.
    pub(crate) fn mailbox(&self, host: u32) -> Option<(u32, bool)> {
        let adversary = self.instances[self.owner(host)?].adversary;
        Some((u32::try_from(adversary).ok()?, self.beside[adversary]))
    }

    /// The number, among the bytes of the sender `from` on a connection to `to`, for a number of the
    /// receiver: they differ where an adversary put something in or took something out.
    pub(crate) fn sender_number(
        &self,
        link: LinkId,
        (from, to): (Address, Address),
        number: u64,
    ) -> u64 {
        let sides = [((link.0, from, to), 0), ((link.0, to, from), 1)];
        for instance in &self.instances {
            for (connection, side) in &sides {
                if let Some(splice) = instance.connections.get(connection) {
                    return splice.back(*side, number);
                }
            }
        }
        number
    }

    /// How often the attackers of an adversary looked at a frame, how often they acted, and when
    /// they did so last, ns.
    #[must_use]
    pub fn counts(&self, adversary: usize) -> (u64, u64, Option<u64>) {
        let of = self.of(adversary).iter();
        of.map(|place| &self.instances[*place])
            .fold((0, 0, None), |(seen, acted, last), one| {
                (seen + one.seen, acted + one.acted, last.max(one.last_ns))
            })
    }

    /// What each rule of an adversary has seen and done, where its rules are carried out here.
    #[must_use]
    pub fn rule_counts(&self, adversary: usize) -> Option<Vec<RuleCounts>> {
        let mut sums: Option<Vec<RuleCounts>> = None;
        for place in self.of(adversary) {
            if let Some(Mind::Rules(rules)) = &self.instances[*place].attacker {
                let sums =
                    sums.get_or_insert_with(|| vec![RuleCounts::default(); rules.counts().len()]);
                for (sum, counts) in sums.iter_mut().zip(rules.counts()) {
                    sum.matches += counts.matches;
                    sum.actions += counts.actions;
                }
            }
        }
        sums
    }

    /// True when the rules of an adversary are carried out here.
    pub(crate) fn acts_by_rules(&self, adversary: usize) -> bool {
        let mut own = self.of(adversary).iter();
        own.any(|place| matches!(self.instances[*place].attacker, Some(Mind::Rules(_))))
    }

    /// No more calls: for the honest continuation.
    pub const fn stop(&mut self) {
        self.until_ns = 0;
    }

    /// What instance `place` asked for in a call.
    pub(crate) fn wish(&mut self, place: usize, now_ns: u64, actions: Actions) {
        let instance = &mut self.instances[place];
        for action in actions {
            if let Action::Inject { from, .. } = &action {
                let own = from.host >= OWN_HOSTS;
                let needed = if own { Power::Inject } else { Power::Spoof };
                if instance.lacks.contains(&needed) {
                    continue;
                }
            }
            if matches!(
                action,
                Action::Inject { .. } | Action::Claim(_) | Action::Tried
            ) {
                instance.acted += 1;
                instance.last_ns = Some(now_ns);
            }
            instance.wishes.push(Wish::Act(action));
        }
    }

    /// The number of the next frame that instance `place` sees, sent by `host`.
    pub(crate) fn next_frame(&mut self, place: usize, host: u32) -> u64 {
        let instance = &mut self.instances[place];
        instance.frames += 1;
        instance.seen += 1;
        if instance.masks {
            instance.senders.insert(instance.frames, host);
        }
        instance.frames
    }
}

/// Whether an adversary acts on whole records: it stands on a link that carries streams, which it can
/// read, and may do more than watch.
pub(crate) fn acts_on_records(scenario: &Scenario, spec: &AdversarySpec) -> bool {
    let streams = spec.link.is_some_and(|link| {
        let link = &scenario.links[link];
        let readable = link.channel == LinkChannel::Public || spec.breaks_channel;
        readable && matches!(link.transport, Transport::Stream(_))
    });
    let watches = sim_engine::Powers {
        observe: spec.powers.observe,
        ..sim_engine::Powers::default()
    };
    spec.is_on_path() && streams && spec.layer == Layer::Record && spec.powers != watches
}

/// Powers that some steps of an adversary's attack need and that it was not granted.
fn lacks(spec: &AdversarySpec) -> Vec<Power> {
    let spare = spec.attack.as_ref().map_or(&[][..], |it| it.spec.spare);
    let has = |power: &&Power| match power {
        Power::Observe => spec.powers.observe,
        Power::Drop => spec.powers.drop,
        Power::Delay => spec.powers.delay,
        Power::Duplicate => spec.powers.duplicate,
        Power::Reorder => spec.powers.reorder,
        Power::Modify => spec.powers.modify,
        Power::Inject => spec.powers.inject,
        Power::Spoof => spec.powers.spoof,
        Power::Redirect => spec.powers.redirect,
    };
    spare.iter().filter(|power| !has(power)).copied().collect()
}

/// The first own host of an instance.
pub(crate) fn own_host(place: usize) -> u32 {
    OWN_HOSTS + u32::try_from(place).unwrap_or(0) * HOSTS_EACH
}
