//! The ends of all streams of a world, and how to find one.

use std::collections::{BTreeMap, VecDeque};

use protocols::{Address, Channel};
use sim_engine::{Direction, LinkId, TimerId};

use super::TIMER;
use super::config::Transport;
use super::exchange::Exchanges;
use super::stream::Stream;
use crate::host::NO_PAIR;
use crate::host::attempt::AttemptId;

/// The first port of connections that machines open, as IANA reserves them.
const EPHEMERAL_FIRST: u16 = 49_152;

/// What a record takes along for the oracles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The attempt it belongs to.
    pub(crate) attempt: AttemptId,
    /// The pair whose rest it disturbs.
    pub(crate) pair: u32,
}

impl Meta {
    /// Of the same attempt, disturbing nobody.
    pub(crate) const fn bare(attempt: AttemptId) -> Self {
        Self {
            attempt,
            pair: NO_PAIR,
        }
    }
}

/// One end of a connection by what its segments say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) node: u32,
    pub(crate) port: u16,
    pub(crate) far: Address,
    pub(crate) secure: bool,
}

impl Key {
    pub(crate) fn new(own: Address, far: Address, channel: Channel) -> Self {
        Self {
            node: own.host,
            port: own.port,
            far,
            secure: channel == Channel::Secure,
        }
    }

    /// The same connection seen from the other end.
    const fn mirrored(&self) -> Self {
        Self {
            node: self.far.host,
            port: self.far.port,
            far: Address {
                host: self.node,
                port: self.port,
            },
            secure: self.secure,
        }
    }

    pub(crate) const fn own(&self) -> Address {
        Address {
            host: self.node,
            port: self.port,
        }
    }

    pub(crate) const fn channel(&self) -> Channel {
        if self.secure {
            Channel::Secure
        } else {
            Channel::Public
        }
    }
}

/// What happened to a stream and has not yet been told to its machine.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Opened,
    Bytes {
        bytes: Vec<u8>,
        meta: Meta,
        end: u64,
    },
    Closed,
    Reset,
}

/// One end of a connection with what surrounds it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) key: Key,
    /// Its number among the ends of its node.
    pub(crate) number: u32,
    pub(crate) route: (LinkId, Direction),
    /// Crashes of the node before this end was made: a later one took it away.
    pub(crate) incarnation: u16,
    pub(crate) body: Body,
    pub(crate) inbox: VecDeque<Event>,
    /// A command to tell the next event waits for the processor.
    pub(crate) told_later: bool,
    /// A machine knows of this stream; else it carries datagrams.
    pub(crate) machine: bool,
    /// The machine has opened it, or was told that it is open, and has not closed it.
    pub(crate) known: bool,
    /// The expiry asked for, ns.
    pub(crate) armed_ns: Option<u64>,
    /// The attempt that opened it.
    pub(crate) attempt: AttemptId,
    /// The adversary whose own address is at the other end, and whether it stands beside the link.
    pub(crate) mail: Option<(u32, bool)>,
    /// Bytes of a datagram that is not complete.
    pub(crate) partial: Vec<u8>,
}

/// What an end runs.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Nothing yet.
    New,
    /// One end of a stream.
    Stream(Stream<Meta>),
    /// Confirmable exchanges with one peer.
    Exchanges(Exchanges<Meta>),
}

impl End {
    pub(crate) const fn new(
        key: Key,
        route: (LinkId, Direction),
        incarnation: u16,
        body: Body,
    ) -> Self {
        Self {
            key,
            number: 0,
            route,
            incarnation,
            body,
            inbox: VecDeque::new(),
            told_later: false,
            machine: false,
            known: false,
            armed_ns: None,
            attempt: AttemptId::NONE,
            mail: None,
            partial: Vec::new(),
        }
    }

    pub(crate) const fn stream(&self) -> Option<&Stream<Meta>> {
        match &self.body {
            Body::Stream(stream) => Some(stream),
            Body::New | Body::Exchanges(_) => None,
        }
    }

    const fn stream_mut(&mut self) -> Option<&mut Stream<Meta>> {
        match &mut self.body {
            Body::Stream(stream) => Some(stream),
            Body::New | Body::Exchanges(_) => None,
        }
    }
}

/// The numbers that the ends of one node have: what timers and commands call them, so that they do
/// not depend on what other nodes have.
#[derive(Clone, Debug, Default)]
struct Numbers {
    /// The slot of each number, and how many ends had it before.
    slots: Vec<(Option<u32>, u32)>,
    free: Vec<u32>,
}

/// All streams of a world.
#[derive(Clone, Debug)]
pub struct Transports {
    /// First link of each link group and what it carries messages by, ascending.
    groups: Vec<(u32, Transport)>,
    /// Most payload bytes of a segment, by link group.
    mss: Vec<usize>,
    slots: Vec<Option<End>>,
    free: Vec<u32>,
    /// By node.
    numbers: BTreeMap<u32, Numbers>,
    by_key: BTreeMap<Key, u32>,
    /// The streams that machines know, by node and far end.
    by_far: BTreeMap<(u32, Address), u32>,
    /// Connections that each node's machine has opened.
    opened: BTreeMap<u32, u32>,
    /// The message that each node's handler is busy with, by node: the end it came to, its attempt.
    pub(crate) in_hand: BTreeMap<u32, (u32, AttemptId)>,
    /// Reused memory.
    pub(crate) scratch: Vec<u8>,
}

impl Transports {
    /// For link groups by first link, each with its transport and the payload of a segment.
    #[must_use]
    pub fn new(groups: Vec<(u32, Transport)>, mss: Vec<usize>) -> Self {
        Self {
            groups,
            mss,
            slots: Vec::new(),
            free: Vec::new(),
            numbers: BTreeMap::new(),
            by_key: BTreeMap::new(),
            by_far: BTreeMap::new(),
            opened: BTreeMap::new(),
            in_hand: BTreeMap::new(),
            scratch: Vec::new(),
        }
    }

    /// The transport of a link, with the payload of a segment.
    pub(crate) fn of(&self, link: LinkId) -> (Transport, usize) {
        let after = self.groups.partition_point(|(first, _)| *first <= link.0);
        let group = after.saturating_sub(1);
        (
            self.groups
                .get(group)
                .map_or(Transport::Datagram, |(_, transport)| *transport),
            self.mss.get(group).copied().unwrap_or(1),
        )
    }

    pub(crate) fn end(&mut self, slot: u32) -> Option<&mut End> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The slot of `key`.
    pub(crate) fn find(&self, key: &Key) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// The stream of `node`'s machine with `far`.
    pub(crate) fn find_known(&self, node: u32, far: Address) -> Option<u32> {
        self.by_far.get(&(node, far)).copied()
    }

    /// The name of an end's timer.
    pub(crate) fn timer(&self, slot: u32) -> TimerId {
        let end = self.slots.get(slot as usize).and_then(Option::as_ref);
        TimerId {
            kind: TIMER,
            key: end.map_or(u32::MAX, |end| end.number),
        }
    }

    /// The slot of the end that a node's timer is about.
    pub(crate) fn slot_of(&self, node: u32, number: u32) -> Option<u32> {
        self.numbers.get(&node)?.slots.get(number as usize)?.0
    }

    /// The number of an end with how many ends had it before in the bits above, for tokens.
    pub(crate) fn ticket(&self, slot: u32) -> u64 {
        let end = self.slots.get(slot as usize).and_then(Option::as_ref);
        let Some(end) = end else { return u64::MAX };
        let numbers = self.numbers.get(&end.key.node);
        let place = numbers.and_then(|it| it.slots.get(end.number as usize));
        let generation = place.map_or(0, |(_, earlier)| *earlier);
        u64::from(generation & 0x00FF_FFFF) << 32 | u64::from(end.number)
    }

    /// The slot of a ticket of a node, if its end is still there.
    pub(crate) fn redeem(&self, node: u32, ticket: u64) -> Option<u32> {
        let slot = self.slot_of(node, u32::try_from(ticket & 0xFFFF_FFFF).ok()?)?;
        (self.ticket(slot) == ticket).then_some(slot)
    }

    pub(crate) fn insert(&mut self, mut end: End) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let numbers = self.numbers.entry(end.key.node).or_default();
        end.number = numbers.free.pop().unwrap_or_else(|| {
            numbers.slots.push((None, 0));
            u32::try_from(numbers.slots.len() - 1).unwrap_or(u32::MAX)
        });
        numbers.slots[end.number as usize].0 = Some(slot);
        self.by_key.insert(end.key, slot);
        self.slots[slot as usize] = Some(end);
        slot
    }

    /// Takes over the ends of the nodes that are theirs in a part of the same world.
    pub(crate) fn absorb(&mut self, mut part: Self, is_theirs: impl Fn(u32) -> bool) {
        let mut moved = BTreeMap::new();
        for (old, end) in (0u32..).zip(core::mem::take(&mut part.slots)) {
            if let Some(end) = end.filter(|end| is_theirs(end.key.node)) {
                self.slots.push(Some(end));
                moved.insert(old, u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX));
            }
        }
        let new = |old: u32| moved.get(&old).copied();
        for (node, mut numbers) in part.numbers {
            if is_theirs(node) {
                for place in &mut numbers.slots {
                    place.0 = place.0.and_then(new);
                }
                self.numbers.insert(node, numbers);
            }
        }
        let keys = part.by_key.into_iter();
        self.by_key
            .extend(keys.filter_map(|(key, slot)| Some((key, new(slot)?))));
        let far = part.by_far.into_iter();
        self.by_far
            .extend(far.filter_map(|(place, slot)| Some((place, new(slot)?))));
        let opened = part.opened.into_iter();
        self.opened
            .extend(opened.filter(|(node, _)| is_theirs(*node)));
        let in_hand = part.in_hand.into_iter();
        self.in_hand.extend(
            in_hand.filter_map(|(node, (slot, attempt))| Some((node, (new(slot)?, attempt)))),
        );
    }

    /// Whether anything but datagrams travels on the links of a group.
    pub(crate) fn carries(&self, first_link: u32) -> bool {
        !matches!(self.of(LinkId(first_link)).0, Transport::Datagram)
    }

    /// The machine at this end knows the stream from now on.
    pub(crate) fn make_known(&mut self, slot: u32) {
        if let Some(end) = self.end(slot) {
            end.known = true;
            let place = (end.key.node, end.key.far);
            self.by_far.insert(place, slot);
        }
    }

    /// The machine at this end hears no more of the stream.
    pub(crate) fn make_unknown(&mut self, slot: u32) {
        if let Some(end) = self.end(slot) {
            end.known = false;
            let place = (end.key.node, end.key.far);
            if self.by_far.get(&place) == Some(&slot) {
                self.by_far.remove(&place);
            }
        }
    }

    /// Segments for this end find nothing from now on.
    pub(crate) fn unlist(&mut self, slot: u32) {
        if let Some(key) = self.end(slot).map(|end| end.key)
            && self.by_key.get(&key) == Some(&slot)
        {
            self.by_key.remove(&key);
        }
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<End> {
        self.make_unknown(slot);
        self.unlist(slot);
        let end = self.slots.get_mut(slot as usize)?.take()?;
        let node = end.key.node;
        if let Some(numbers) = self.numbers.get_mut(&node) {
            let (own, earlier) = &mut numbers.slots[end.number as usize];
            *own = None;
            *earlier = earlier.wrapping_add(1);
            numbers.free.push(end.number);
        }
        if self.in_hand.get(&node).is_some_and(|(at, _)| *at == slot) {
            self.in_hand.remove(&node);
        }
        self.free.push(slot);
        Some(end)
    }

    /// Everything at `node`, in the order of its numbers.
    pub(crate) fn at(&self, node: u32) -> Vec<u32> {
        let numbers = self.numbers.get(&node).into_iter();
        let slots = numbers.flat_map(|numbers| &numbers.slots);
        slots.filter_map(|(slot, _)| *slot).collect()
    }

    /// The port of the next connection that `node`'s machine opens.
    pub(crate) fn next_port(&mut self, node: u32) -> u16 {
        let count = self.opened.entry(node).or_default();
        let span = u32::from(u16::MAX - EPHEMERAL_FIRST) + 1;
        let port = EPHEMERAL_FIRST + u16::try_from(*count % span).unwrap_or(0);
        *count = count.wrapping_add(1);
        port
    }

    /// The peer of `slot` has its bytes up to `end`; false when the peer is not the one that sent
    /// them any more.
    pub(crate) fn note_delivered(&mut self, slot: u32, end: u64) -> bool {
        let Some((key, identity)) = self.end(slot).and_then(|own| {
            let identity = own.stream()?.identity();
            Some((own.key.mirrored(), identity))
        }) else {
            return false;
        };
        let Some(peer) = self.find(&key) else {
            return false;
        };
        let Some(stream) = self.end(peer).and_then(End::stream_mut) else {
            return false;
        };
        // An end that has just sent its SYN does not know the other's number yet.
        if stream.identity().0 != identity.1 {
            return false;
        }
        stream.note_delivered(end);
        true
    }
}
