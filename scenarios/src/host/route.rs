//! Which link leads from one node to another.
//!
//! A link group joins two node groups with one link per node of the larger group, so a route is
//! computed from the two nodes' numbers instead of being stored.

use protocols::Channel;
use sim_engine::{Direction, LinkId};

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
}

/// The links that join two node groups.
#[derive(Clone, Debug)]
pub struct LinkRoute {
    /// The channel that they carry.
    pub channel: Channel,
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
    #[must_use]
    pub fn pick(&self, link: u32) -> u32 {
        match &self.picks {
            Picks::Modulo => link % self.few.max(1),
            Picks::Listed(picks) => picks.get(link as usize).copied().unwrap_or(0),
            Picks::Pairs(pairs) => pairs.get(link as usize).map_or(0, |pair| pair.1),
        }
    }

    /// The end of link number `link` of this group in the larger node group, by its number there.
    #[must_use]
    pub fn owner(&self, link: u32) -> u32 {
        match &self.picks {
            Picks::Modulo | Picks::Listed(_) => link,
            Picks::Pairs(pairs) => pairs.get(link as usize).map_or(0, |pair| pair.0),
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
            Picks::Modulo | Picks::Listed(_) => &[],
        }
    }

    /// The link that joins member `a` of the group at end `a` with member `b` of that at end `b`.
    #[must_use]
    pub fn link(&self, a: u32, b: u32) -> Option<LinkId> {
        let (many, few) = if self.many_is_a { (a, b) } else { (b, a) };
        if let Picks::Pairs(pairs) = &self.picks {
            let at = pairs.binary_search(&(many, few)).ok()?;
            return u32::try_from(at).ok().map(|at| LinkId(self.first + at));
        }
        (self.pick(many) == few).then_some(LinkId(self.first + many))
    }
}

/// All routes of a world.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    groups: usize,
    /// For each ordered pair of node groups (from, to): the link groups that join them.
    between: Vec<Vec<u16>>,
    links: Vec<LinkRoute>,
}

impl Routes {
    /// Routes over `links` among `groups` node groups.
    #[must_use]
    pub fn new(groups: usize, links: Vec<LinkRoute>) -> Self {
        let mut between = vec![Vec::new(); groups * groups];
        for (index, link) in (0u16..).zip(&links) {
            between[link.group_a * groups + link.group_b].push(index);
            if link.group_a != link.group_b {
                between[link.group_b * groups + link.group_a].push(index);
            }
        }
        Self {
            groups,
            between,
            links,
        }
    }

    /// The link and direction from member `from.1` of group `from.0` to member `to.1` of group
    /// `to.0` that carries `channel`.
    #[must_use]
    #[inline]
    pub fn find(
        &self,
        from: (usize, u32),
        to: (usize, u32),
        channel: Channel,
    ) -> Option<(LinkId, Direction)> {
        self.between
            .get(from.0 * self.groups + to.0)?
            .iter()
            .find_map(|&index| {
                let link = &self.links[usize::from(index)];
                if link.channel != channel {
                    return None;
                }
                let up = (link.group_a == from.0)
                    .then(|| link.link(from.1, to.1))
                    .flatten()
                    .map(|id| (id, Direction::Up));
                up.or_else(|| {
                    (link.group_b == from.0)
                        .then(|| link.link(to.1, from.1))
                        .flatten()
                        .map(|id| (id, Direction::Down))
                })
            })
    }

    /// The partner, by its number in group `to`, of member `from.1` of group `from.0`; a node of the
    /// smaller group has many and takes them in turn.
    #[must_use]
    pub fn partner(&self, from: (usize, u32), to: usize, turn: u32) -> Option<u32> {
        let index = *self.between.get(from.0 * self.groups + to)?.first()?;
        let link = &self.links[usize::from(index)];
        let from_is_a = link.group_a == from.0;
        if from_is_a == link.many_is_a {
            if let Picks::Pairs(_) = &link.picks {
                let pairs = link.pairs_of(from.1);
                let nth = (turn as usize).checked_rem(pairs.len())?;
                return pairs.get(nth).map(|pair| pair.1);
            }
            return Some(link.pick(from.1));
        }
        match &link.picks {
            Picks::Modulo => {
                let partners = (link.many + link.few - 1 - from.1) / link.few.max(1);
                (partners > 0).then(|| from.1 + turn % partners * link.few)
            }
            Picks::Listed(picks) => {
                let mine = || (0u32..).zip(picks).filter(|(_, pick)| **pick == from.1);
                let partners = mine().count();
                let nth = (turn as usize).checked_rem(partners)?;
                mine().nth(nth).map(|(member, _)| member)
            }
            Picks::Pairs(pairs) => {
                let mine = || pairs.iter().filter(|pair| pair.1 == from.1);
                let nth = (turn as usize).checked_rem(mine().count())?;
                mine().nth(nth).map(|pair| pair.0)
            }
        }
    }

    /// Every node that member `from.1` of group `from.0` has a link of `channel` with, link group
    /// by link group; `node` gives the node of a group's member.
    #[must_use]
    pub fn neighbours(
        &self,
        from: (usize, u32),
        channel: Channel,
        node: impl Fn(usize, u32) -> u32,
    ) -> Vec<u32> {
        let mut all = Vec::new();
        for link in self.links.iter().filter(|link| link.channel == channel) {
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
mod tests {
    use super::*;

    fn star(many_is_a: bool) -> Routes {
        let (group_a, group_b) = if many_is_a { (0, 1) } else { (1, 0) };
        Routes::new(
            2,
            vec![LinkRoute {
                channel: Channel::Public,
                group_a,
                group_b,
                first: 10,
                many_is_a,
                many: 4,
                few: 2,
                picks: Picks::Modulo,
            }],
        )
    }

    #[test]
    fn a_device_reaches_only_the_server_it_is_linked_with() {
        let routes = star(true);
        let find = |from, to| routes.find(from, to, Channel::Public);
        assert_eq!(find((0, 3), (1, 1)), Some((LinkId(13), Direction::Up)));
        assert_eq!(find((1, 1), (0, 3)), Some((LinkId(13), Direction::Down)));
        assert_eq!(find((0, 3), (1, 0)), None);
        assert_eq!(routes.find((0, 3), (1, 1), Channel::Secure), None);
    }

    #[test]
    fn a_topology_joins_any_pairs() {
        let mut links = star(true).links;
        links[0].picks = Picks::Pairs(vec![(0, 0), (0, 1), (2, 1)]);
        links[0].many = 3;
        let routes = Routes::new(2, links);
        let find = |from, to| routes.find(from, to, Channel::Public);
        assert_eq!(find((0, 0), (1, 1)), Some((LinkId(11), Direction::Up)));
        assert_eq!(find((1, 1), (0, 2)), Some((LinkId(12), Direction::Down)));
        assert_eq!(find((0, 1), (1, 0)), None);
        assert_eq!(routes.partner((0, 0), 1, 3), Some(1));
        assert_eq!(routes.partner((0, 1), 1, 0), None);
        assert_eq!(routes.partner((1, 1), 0, 1), Some(2));
        let node = |group: usize, member| 10 * u32::try_from(group).unwrap_or(0) + member;
        assert_eq!(routes.neighbours((0, 0), Channel::Public, node), [10, 11]);
        assert_eq!(routes.neighbours((1, 1), Channel::Public, node), [0, 2]);
    }

    #[test]
    fn the_direction_follows_the_order_of_the_ends_in_the_file() {
        let routes = star(false);
        let find = |from, to| routes.find(from, to, Channel::Public);
        assert_eq!(find((0, 3), (1, 1)), Some((LinkId(13), Direction::Down)));
        assert_eq!(find((1, 1), (0, 3)), Some((LinkId(13), Direction::Up)));
    }
}
