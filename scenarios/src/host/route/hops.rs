//! Ways over relays: which link a packet takes next.
//!
//! The routes are static. A packet takes a way of the fewest links, and where several links lead on
//! along such ways, the one with the lowest number. Only relays pass packets on, so the tables hold
//! distances between relays; where a party comes in and goes out stands in a list beside them.

use std::collections::VecDeque;

use protocols::Channel;
use sim_engine::{Direction, LinkId};

use super::Place;

/// Most entries of the tables of one channel.
pub const ENTRIES_MAX: usize = 1 << 23;

/// A link in one direction, by the nodes at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Its link.
    pub link: LinkId,
    /// Its direction.
    pub direction: Direction,
    /// Where it begins.
    pub from: u32,
    /// Where it ends.
    pub to: u32,
}

/// Where a party meets the relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Access {
    party: u32,
    relay: u32,
    link: LinkId,
    direction: Direction,
}

/// The next link from a relay towards another.
#[derive(Clone, Copy, Debug)]
struct Next {
    link: u32,
    /// Links that are left, this one included; [`FAR`] where no way leads there.
    links: u16,
    down: bool,
}

/// No way.
const FAR: u16 = u16::MAX;

const NOWHERE: Next = Next {
    link: 0,
    links: FAR,
    down: false,
};

/// The ways of one channel.
#[derive(Clone, Debug, Default)]
struct Net {
    /// From parties to relays, by party and relay.
    out: Vec<Access>,
    /// From relays to parties, by party and relay.
    into: Vec<Access>,
    /// For each relay its place among the rows of `next`, if a party can be reached from it.
    row_of: Vec<Option<u32>>,
    /// Rows by goal, a column per relay.
    next: Vec<Next>,
}

/// What a search has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    links: u32,
    link: LinkId,
    direction: Direction,
}

/// The ways over relays of a world.
#[derive(Clone, Debug)]
pub struct Hops {
    /// First node of each group, ascending.
    firsts: Vec<u32>,
    /// Number of nodes.
    nodes: u32,
    first_relay: u32,
    /// By channel: public, secure.
    nets: [Net; 2],
    /// The largest number of links that a packet may cross, by relay.
    limits: Vec<u32>,
}

/// The tables would be too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Relays in all.
    pub relays: usize,
    /// Those at which a party can be reached.
    pub goals: usize,
}

const fn place(channel: Channel) -> usize {
    match channel {
        Channel::Public => 0,
        Channel::Secure => 1,
    }
}

impl Hops {
    /// The ways over `edges`, each with its channel. Groups have these first nodes; nodes from
    /// `first_relay` on are relays, whose limits are `limits`.
    ///
    /// # Errors
    ///
    /// The tables would be too large.
    pub fn new(
        (firsts, nodes): (Vec<u32>, u32),
        first_relay: u32,
        limits: Vec<u32>,
        edges: &[(Channel, Edge)],
    ) -> Result<Self, TooMany> {
        let of = |channel: Channel| {
            let mine = edges.iter().filter(|(carries, _)| *carries == channel);
            Net::new(first_relay, limits.len(), mine.map(|(_, edge)| *edge))
        };
        Ok(Self {
            nets: [of(Channel::Public)?, of(Channel::Secure)?],
            firsts,
            nodes,
            first_relay,
            limits,
        })
    }

    /// Whether a node is a relay.
    #[must_use]
    #[inline]
    pub const fn is_relay(&self, node: u32) -> bool {
        node >= self.first_relay && node < self.nodes
    }

    fn node(&self, (group, member): Place) -> u32 {
        self.firsts
            .get(group)
            .map_or(u32::MAX, |first| first + member)
    }

    /// The first link of the way from one party to another.
    #[must_use]
    pub fn first_link(
        &self,
        from: Place,
        to: Place,
        channel: Channel,
    ) -> Option<(LinkId, Direction)> {
        self.next_link(self.node(from), self.node(to), channel)
    }

    /// The next link of the way from a node, a relay or a party, to a party.
    #[must_use]
    pub fn next_link(&self, from: u32, to: u32, channel: Channel) -> Option<(LinkId, Direction)> {
        let found = self.search(from, to, channel)?;
        Some((found.link, found.direction))
    }

    /// Links of the way from a node to a party.
    #[must_use]
    pub fn distance(&self, from: u32, to: u32, channel: Channel) -> Option<u32> {
        self.search(from, to, channel).map(|found| found.links)
    }

    fn search(&self, from: u32, to: u32, channel: Channel) -> Option<Found> {
        let net = &self.nets[place(channel)];
        let goals = of_party(&net.into, to);
        if goals.is_empty() || to >= self.first_relay {
            return None;
        }
        if self.is_relay(from) {
            return net.search_at(from - self.first_relay, goals);
        }
        let ways = of_party(&net.out, from);
        net.between(ways, goals)
    }

    /// The partner of `from` in group `to` over relays; one of several in turn.
    #[must_use]
    pub fn partner(&self, from: Place, to: usize, turn: u32) -> Option<u32> {
        let first = *self.firsts.get(to)?;
        let end = self.firsts.get(to + 1).copied().unwrap_or(self.nodes);
        let from = self.node(from);
        let reached = |node: &u32| self.reaches(from, *node) && *node != from;
        // Nearly always everybody is reached, and no list is needed.
        let direct = first + turn.checked_rem(end - first)?;
        if (first..end).all(|node| reached(&node)) {
            return Some(direct - first);
        }
        let nth = (turn as usize).checked_rem((first..end).filter(reached).count())?;
        (first..end)
            .filter(reached)
            .nth(nth)
            .map(|node| node - first)
    }

    /// Whether a packet of either channel finds a way.
    #[must_use]
    pub fn reaches(&self, from: u32, to: u32) -> bool {
        [Channel::Public, Channel::Secure]
            .into_iter()
            .any(|channel| self.search(from, to, channel).is_some())
    }

    /// The relays of the way from one party to another, in order, with the number of links of the
    /// whole way and the limit of each.
    #[must_use]
    pub fn relays_between(
        &self,
        from: u32,
        to: u32,
        channel: Channel,
        far_end: impl Fn(LinkId, Direction) -> u32,
    ) -> Vec<(u32, u32)> {
        let mut all = Vec::new();
        let mut at = from;
        while let Some((link, direction)) = self.next_link(at, to, channel) {
            at = far_end(link, direction);
            if !self.is_relay(at) || all.len() > self.limits.len() {
                break;
            }
            let limit = self.limits.get((at - self.first_relay) as usize);
            all.push((at, limit.copied().unwrap_or(u32::MAX)));
        }
        all
    }

    /// The smallest limit of any relay.
    #[must_use]
    pub fn least_limit(&self) -> u32 {
        self.limits.iter().copied().min().unwrap_or(u32::MAX)
    }

    /// The most links that a packet crosses which this relay passes on.
    #[must_use]
    pub fn limit(&self, relay: u32) -> u32 {
        let index = relay.checked_sub(self.first_relay);
        let limit = index.and_then(|index| self.limits.get(index as usize));
        limit.copied().unwrap_or(u32::MAX)
    }
}

/// The entries of one party.
fn of_party(all: &[Access], party: u32) -> &[Access] {
    let start = all.partition_point(|access| access.party < party);
    let end = all.partition_point(|access| access.party <= party);
    &all[start..end]
}

impl Net {
    fn new(
        first_relay: u32,
        relays: usize,
        edges: impl Iterator<Item = Edge>,
    ) -> Result<Self, TooMany> {
        let mut net = Self {
            row_of: vec![None; relays],
            ..Self::default()
        };
        let index = |node: u32| node.checked_sub(first_relay);
        let (mut into, mut out) = (vec![Vec::new(); relays], vec![Vec::new(); relays]);
        for edge in edges {
            let access = |party, relay| Access {
                party,
                relay,
                link: edge.link,
                direction: edge.direction,
            };
            match (index(edge.from), index(edge.to)) {
                (Some(one), Some(other)) => {
                    into[other as usize].push((one, edge));
                    out[one as usize].push((other, edge));
                }
                (None, Some(relay)) => net.out.push(access(edge.from, relay)),
                (Some(relay), None) => net.into.push(access(edge.to, relay)),
                (None, None) => {}
            }
        }
        for list in out.iter_mut().chain(&mut into) {
            list.sort_unstable_by_key(|(_, edge)| (edge.link, edge.direction));
        }
        net.out.sort_unstable();
        net.into.sort_unstable();
        let mut goals: Vec<u32> = net.into.iter().map(|access| access.relay).collect();
        goals.sort_unstable();
        goals.dedup();
        if goals.len().saturating_mul(relays) > ENTRIES_MAX {
            return Err(TooMany {
                relays,
                goals: goals.len(),
            });
        }
        net.next.reserve(goals.len() * relays);
        for (row, goal) in (0u32..).zip(goals) {
            net.row_of[goal as usize] = Some(row);
            net.next.extend(row_towards(goal, (&into, &out)));
        }
        Ok(net)
    }

    /// The way from one relay to another, without links where both are the same.
    fn next(&self, from: u32, goal: u32) -> Next {
        let row = self.row_of.get(goal as usize).copied().flatten();
        let row = row.map(|row| row as usize * self.row_of.len());
        let next = row.and_then(|row| self.next.get(row + from as usize));
        next.copied().unwrap_or(NOWHERE)
    }

    /// The way from a relay to a party that is reached over `goals`.
    fn search_at(&self, relay: u32, goals: &[Access]) -> Option<Found> {
        let found = |access: &Access| Found {
            links: 1,
            link: access.link,
            direction: access.direction,
        };
        if let Ok(at) = goals.binary_search_by_key(&relay, |access| access.relay) {
            return Some(found(&goals[at]));
        }
        let ways = goals.iter().filter_map(|goal| {
            let next = self.next(relay, goal.relay);
            (next.links != FAR).then(|| Found {
                links: u32::from(next.links) + 1,
                link: LinkId(next.link),
                direction: if next.down {
                    Direction::Down
                } else {
                    Direction::Up
                },
            })
        });
        ways.min()
    }

    /// The way from a party that comes in over `ways` to one that is reached over `goals`.
    fn between(&self, ways: &[Access], goals: &[Access]) -> Option<Found> {
        let found = |way: &Access, links: u32| Found {
            links,
            link: way.link,
            direction: way.direction,
        };
        // Two links are the least that a way over relays has.
        let (fewer, more) = if ways.len() <= goals.len() {
            (ways, goals)
        } else {
            (goals, ways)
        };
        let shared = fewer.iter().filter_map(|one| {
            let at = more.binary_search_by_key(&one.relay, |access| access.relay);
            let other = &more[at.ok()?];
            let way = if ways.len() <= goals.len() {
                one
            } else {
                other
            };
            Some(found(way, 2))
        });
        if let Some(found) = shared.min() {
            return Some(found);
        }
        let all = ways.iter().flat_map(|way| {
            goals.iter().filter_map(|goal| {
                let next = self.next(way.relay, goal.relay);
                (next.links != FAR).then(|| found(way, u32::from(next.links) + 2))
            })
        });
        all.min()
    }
}

/// Links of each relay by number, with the relay at the other end.
type Lists = Vec<Vec<(u32, Edge)>>;

/// The next links of all relays towards `goal`.
fn row_towards(goal: u32, (into, out): (&Lists, &Lists)) -> Vec<Next> {
    let mut links = vec![FAR; into.len()];
    let mut front = VecDeque::from([goal]);
    links[goal as usize] = 0;
    while let Some(relay) = front.pop_front() {
        let further = links[relay as usize].saturating_add(1);
        for (other, _) in &into[relay as usize] {
            if links[*other as usize] == FAR && further != FAR {
                links[*other as usize] = further;
                front.push_back(*other);
            }
        }
    }
    let next = |(relay, left): (usize, &u16)| {
        if *left == FAR || *left == 0 {
            return Next {
                links: *left,
                ..NOWHERE
            };
        }
        let mut onward = out[relay].iter();
        let step = onward.find(|(other, _)| links[*other as usize] == *left - 1);
        step.map_or(NOWHERE, |(_, edge)| Next {
            link: edge.link.0,
            links: *left,
            down: edge.direction == Direction::Down,
        })
    };
    links.iter().enumerate().map(next).collect()
}

#[cfg(test)]
mod tests;
