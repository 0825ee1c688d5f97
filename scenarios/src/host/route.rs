//! Which link leads from one node to another.
//!
//! A link group usually joins two node groups with one link per node of the larger group, so a
//! route is computed from the two nodes' numbers instead of being stored. Where no link joins two
//! nodes, the way may lead over relays ([`hops`]).

pub mod hops;
pub mod joint;

use protocols::Channel;
use sim_engine::{Direction, DirectionMask, LinkId};

use self::hops::Hops;
use self::joint::Joint;

/// A node by group and number in it.
pub type Place = (usize, u32);

/// How the nodes of the larger group choose their partner in the smaller one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picks {
    /// Own index modulo the number of partners.
    Modulo,
    /// Drawn beforehand, one partner per node of the larger group.
    Listed(Vec<u32>),
    /// Any pairs, as (member of the larger group, member of the smaller one), ascending and each
    /// once: a topology.
    Pairs(Vec<(u32, u32)>),
    /// Any nodes of both groups, which may be one.
    Joint(Joint),
}

/// The links that join two node groups.
#[derive(Clone, Debug)]
pub struct LinkRoute {
    /// The channel that they carry.
    pub channel: Channel,
    /// The directions that carry packets.
    pub directions: DirectionMask,
    /// Node group at the end `a`.
    pub group_a: usize,
    /// Node group at the end `b`.
    pub group_b: usize,
    /// Link of member 0 of the larger group.
    pub first: u32,
    /// True when `a` is the larger group, which is so too when both are equal.
    pub many_is_a: bool,
    /// Number of links, which is the number of nodes of the larger group but for a topology.
    pub many: u32,
    /// Number of nodes of the smaller group.
    pub few: u32,
    /// Who is linked with whom.
    pub picks: Picks,
}

impl LinkRoute {
    /// The end of link number `link` of this group in the smaller node group, by its number there.
    fn pick(&self, link: u32) -> u32 {
        match &self.picks {
            Picks::Modulo => link % self.few.max(1),
            Picks::Listed(picks) => picks.get(link as usize).copied().unwrap_or(0),
            Picks::Pairs(pairs) => pairs.get(link as usize).map_or(0, |pair| pair.1),
            Picks::Joint(_) => 0,
        }
    }

    /// The end of link number `link` of this group in the larger node group, by its number there.
    fn owner(&self, link: u32) -> u32 {
        match &self.picks {
            Picks::Modulo | Picks::Listed(_) => link,
            Picks::Pairs(pairs) => pairs.get(link as usize).map_or(0, |pair| pair.0),
            Picks::Joint(_) => 0,
        }
    }

    /// Both ends of link number `link` of this group: up leads from the first to the second.
    #[must_use]
    pub fn ends(&self, link: u32) -> [Place; 2] {
        if let Picks::Joint(joint) = &self.picks {
            return joint.ends(link).map(|node| self.place_of(joint, node));
        }
        let (owner, pick) = (self.owner(link), self.pick(link));
        let (a, b) = if self.many_is_a {
            (owner, pick)
        } else {
            (pick, owner)
        };
        [(self.group_a, a), (self.group_b, b)]
    }

    /// The end of a link that stands for it where one node must: that in the larger group.
    #[must_use]
    pub fn main_end(&self, link: u32) -> Place {
        let [a, b] = self.ends(link);
        if self.many_is_a || matches!(self.picks, Picks::Joint(_)) {
            a
        } else {
            b
        }
    }

    fn place_of(&self, joint: &Joint, node: u32) -> Place {
        match node.checked_sub(joint.of_a()) {
            Some(member) if self.group_a != self.group_b => (self.group_b, member),
            _ => (self.group_a, node),
        }
    }

    /// The number of a node among those of both groups.
    fn joint_number(&self, joint: &Joint, (group, member): Place) -> u32 {
        if group == self.group_a {
            member
        } else {
            joint.of_a() + member
        }
    }

    /// The pairs of member `member` of the larger group, where there are pairs.
    fn pairs_of(&self, member: u32) -> &[(u32, u32)] {
        match &self.picks {
            Picks::Pairs(pairs) => {
                let start = pairs.partition_point(|pair| pair.0 < member);
                let end = pairs.partition_point(|pair| pair.0 <= member);
                &pairs[start..end]
            }
            Picks::Modulo | Picks::Listed(_) | Picks::Joint(_) => &[],
        }
    }

    /// The link that joins member `a` of the group at end `a` with member `b` of that at end `b`.
    fn link(&self, a: u32, b: u32) -> Option<LinkId> {
        let (many, few) = if self.many_is_a { (a, b) } else { (b, a) };
        if let Picks::Pairs(pairs) = &self.picks {
            let at = pairs.binary_search(&(many, few)).ok()?;
            return u32::try_from(at).ok().map(|at| LinkId(self.first + at));
        }
        (self.pick(many) == few).then_some(LinkId(self.first + many))
    }

    /// The link that leads from one node to another, and its direction.
    fn way(&self, from: Place, to: Place) -> Option<(LinkId, Direction)> {
        if let Picks::Joint(joint) = &self.picks {
            let (one, other) = (self.joint_number(joint, from), self.joint_number(joint, to));
            let (link, direction) = joint.way(one, other, self.directions)?;
            return Some((LinkId(self.first + link), direction));
        }
        let up = (self.directions.up && self.group_a == from.0)
            .then(|| self.link(from.1, to.1))
            .flatten()
            .map(|id| (id, Direction::Up));
        up.or_else(|| {
            (self.directions.down && self.group_b == from.0)
                .then(|| self.link(to.1, from.1))
                .flatten()
                .map(|id| (id, Direction::Down))
        })
    }

    /// The partner of `from` in group `to` over these links; one of several in turn.
    fn partner(&self, from: Place, to: usize, turn: u32) -> Option<u32> {
        if let Picks::Joint(joint) = &self.picks {
            let others = joint.linked_with(self.joint_number(joint, from));
            let mut there = others
                .map(|(_, node)| self.place_of(joint, node))
                .filter(|place| place.0 == to);
            let nth = (turn as usize).checked_rem(there.clone().count())?;
            return there.nth(nth).map(|place| place.1);
        }
        if (self.group_a == from.0) == self.many_is_a {
            if let Picks::Pairs(_) = &self.picks {
                let pairs = self.pairs_of(from.1);
                let nth = (turn as usize).checked_rem(pairs.len())?;
                return pairs.get(nth).map(|pair| pair.1);
            }
            return Some(self.pick(from.1));
        }
        match &self.picks {
            Picks::Modulo => {
                let partners = (self.many + self.few - 1 - from.1) / self.few.max(1);
                (partners > 0).then(|| from.1 + turn % partners * self.few)
            }
            Picks::Listed(picks) => {
                let mine = || (0u32..).zip(picks).filter(|(_, pick)| **pick == from.1);
                let nth = (turn as usize).checked_rem(mine().count())?;
                mine().nth(nth).map(|(member, _)| member)
            }
            Picks::Pairs(pairs) => {
                let mine = || pairs.iter().filter(|pair| pair.1 == from.1);
                let nth = (turn as usize).checked_rem(mine().count())?;
                mine().nth(nth).map(|pair| pair.0)
            }
            Picks::Joint(_) => None,
        }
    }
}

/// All routes of a world.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    groups: usize,
    /// For each ordered pair of node groups (from, to): the link groups that join them.
    between: Vec<Vec<u16>>,
    links: Vec<LinkRoute>,
    /// The ways over relays; `None` where there is no relay.
    hops: Option<Box<Hops>>,
}

impl Routes {
    /// Routes over `links` among `groups` node groups.
    #[must_use]
    pub fn new(groups: usize, links: Vec<LinkRoute>) -> Self {
        let mut between = vec![Vec::new(); groups * groups];
        for (index, link) in (0u16..).zip(&links) {
            let (a, b) = (link.group_a, link.group_b);
            let mut pairs = vec![(a, b), (b, a)];
            if matches!(link.picks, Picks::Joint(_)) {
                pairs.extend([(a, a), (b, b)]);
            }
            pairs.sort_unstable();
            pairs.dedup();
            for (from, to) in pairs {
                between[from * groups + to].push(index);
            }
        }
        Self {
            groups,
            between,
            links,
            hops: None,
        }
    }

    /// The same with ways over relays.
    #[must_use]
    pub fn over(mut self, hops: Hops) -> Self {
        self.hops = Some(Box::new(hops));
        self
    }

    /// The ways over relays; `None` where there is no relay.
    #[must_use]
    #[inline]
    pub fn hops(&self) -> Option<&Hops> {
        self.hops.as_deref()
    }

    fn joining(&self, from: usize, to: usize) -> impl Iterator<Item = &LinkRoute> {
        let between = self.between.get(from * self.groups + to);
        let indices = between.map_or(&[][..], Vec::as_slice).iter();
        indices.map(|&index| &self.links[usize::from(index)])
    }

    /// The link and direction from member `from.1` of group `from.0` to member `to.1` of group
    /// `to.0` that carries `channel`: the link that joins them, else the first of the way over
    /// relays.
    #[must_use]
    #[inline]
    pub fn find(&self, from: Place, to: Place, channel: Channel) -> Option<(LinkId, Direction)> {
        let direct = self.joining(from.0, to.0).find_map(|link| {
            if link.channel != channel {
                return None;
            }
            link.way(from, to)
        });
        match &self.hops {
            Some(hops) if direct.is_none() => hops.first_link(from, to, channel),
            _ => direct,
        }
    }

    /// The partner, by its number in group `to`, of member `from.1` of group `from.0`; a node of the
    /// smaller group has many and takes them in turn, and so does one that reaches many over relays.
    #[must_use]
    pub fn partner(&self, from: Place, to: usize, turn: u32) -> Option<u32> {
        let linked = self
            .joining(from.0, to)
            .next()
            .and_then(|link| link.partner(from, to, turn));
        match &self.hops {
            Some(hops) if linked.is_none() => hops.partner(from, to, turn),
            _ => linked,
        }
    }

    /// Every node that member `from.1` of group `from.0` has a link of `channel` with, link group
    /// by link group; `node` gives the node of a group's member.
    #[must_use]
    pub fn neighbours(
        &self,
        from: Place,
        channel: Channel,
        node: impl Fn(usize, u32) -> u32,
    ) -> Vec<u32> {
        let mut all = Vec::new();
        for link in self.links.iter().filter(|link| link.channel == channel) {
            if let Picks::Joint(joint) = &link.picks {
                if link.group_a == from.0 || link.group_b == from.0 {
                    let others = joint.linked_with(link.joint_number(joint, from));
                    let places = others.map(|(_, other)| link.place_of(joint, other));
                    all.extend(places.map(|(group, member)| node(group, member)));
                }
                continue;
            }
            let (many, few) = if link.many_is_a {
                (link.group_a, link.group_b)
            } else {
                (link.group_b, link.group_a)
            };
            if many == from.0 {
                match &link.picks {
                    Picks::Pairs(_) => {
                        let partners = link.pairs_of(from.1).iter();
                        all.extend(partners.map(|pair| node(few, pair.1)));
                    }
                    _ => all.push(node(few, link.pick(from.1))),
                }
            }
            if few == from.0 {
                let mine = (0..link.many).filter(|number| link.pick(*number) == from.1);
                all.extend(mine.map(|number| node(many, link.owner(number))));
            }
        }
        all
    }

    /// The link groups.
    #[must_use]
    pub fn links(&self) -> &[LinkRoute] {
        &self.links
    }
}

#[cfg(test)]
mod tests;
