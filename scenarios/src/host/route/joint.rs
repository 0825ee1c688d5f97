//! Links among all nodes of two groups, or of one: rings, trees and graphs from files.

use sim_engine::{Direction, DirectionMask};

/// Links between any nodes of two groups, numbered through both: those of the group at end `a`,
/// then those of the group at end `b`, unless both are one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joint {
    /// Ends of each link, up from the first to the second; ascending, each pair once.
    pairs: Vec<(u32, u32)>,
    /// Nodes of the group at end `a`.
    of_a: u32,
    /// For both ends of each link: the node, the link, the other end; ascending.
    by_node: Vec<(u32, u32, u32)>,
}

impl Joint {
    /// Links with these ends, ascending; the group at end `a` has `of_a` nodes.
    #[must_use]
    pub fn new(pairs: Vec<(u32, u32)>, of_a: u32) -> Self {
        let both = (0u32..).zip(&pairs);
        let mut by_node: Vec<(u32, u32, u32)> = both
            .flat_map(|(link, &(one, other))| [(one, link, other), (other, link, one)])
            .collect();
        by_node.sort_unstable();
        Self {
            pairs,
            of_a,
            by_node,
        }
    }

    /// Nodes of the group at end `a`.
    #[must_use]
    pub const fn of_a(&self) -> u32 {
        self.of_a
    }

    /// Both ends of a link.
    #[must_use]
    pub fn ends(&self, link: u32) -> [u32; 2] {
        let pair = self.pairs.get(link as usize);
        pair.map_or([0; 2], |&(one, other)| [one, other])
    }

    /// The links of a node with their other ends, ascending.
    pub fn linked_with(&self, node: u32) -> impl Iterator<Item = (u32, u32)> + Clone + '_ {
        let start = self.by_node.partition_point(|entry| entry.0 < node);
        let mine = self.by_node[start..].iter();
        mine.take_while(move |entry| entry.0 == node)
            .map(|&(_, link, other)| (link, other))
    }

    /// The link that leads from one node to another, and its direction.
    #[must_use]
    pub fn way(&self, from: u32, to: u32, directions: DirectionMask) -> Option<(u32, Direction)> {
        let place = |pair| {
            let at = self.pairs.binary_search(&pair).ok()?;
            u32::try_from(at).ok()
        };
        let up = directions.up.then(|| place((from, to))).flatten();
        let down = || directions.down.then(|| place((to, from))).flatten();
        up.map(|link| (link, Direction::Up))
            .or_else(|| down().map(|link| (link, Direction::Down)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_from_both_of_its_ends() {
        // A tree: 1 and 2 under 0, 3 under 1.
        let tree = Joint::new(vec![(1, 0), (2, 0), (3, 1)], 3);
        let both = DirectionMask::BOTH;
        assert_eq!(tree.way(3, 1, both), Some((2, Direction::Up)));
        assert_eq!(tree.way(0, 2, both), Some((1, Direction::Down)));
        assert_eq!(tree.way(0, 2, DirectionMask::UP), None);
        assert_eq!(tree.way(3, 0, both), None);
        let of = |node| tree.linked_with(node).collect::<Vec<_>>();
        assert_eq!(of(0), [(0, 1), (1, 2)]);
        assert_eq!(of(1), [(0, 0), (2, 3)]);
        assert_eq!(tree.ends(2), [3, 1]);
    }
}
