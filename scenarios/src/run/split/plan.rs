//! Which nodes run together.

use crate::host::World;
use crate::host::tables::Tables;
use crate::scenario::Scenario;

/// Who runs which node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Part of each node.
    part_of: Vec<u16>,
    parts: u16,
    /// Sets of nodes that links join, of two nodes at least.
    pub sets: usize,
}

impl Plan {
    /// How many parts there are.
    #[must_use]
    pub fn parts(&self) -> usize {
        usize::from(self.parts)
    }

    pub(super) fn own(&self, part: usize) -> Vec<bool> {
        let of = self.part_of.iter().map(|of| usize::from(*of) == part);
        of.collect()
    }

    pub(super) fn foreign(&self, part: usize) -> Vec<bool> {
        let of = self.part_of.iter().map(|of| usize::from(*of) != part);
        of.collect()
    }
}

/// Shares the nodes of a world among `threads` threads, by sets that no link joins: the heaviest
/// first, each to whoever has least.
///
/// # Errors
///
/// Why the world runs on one thread, as a clause after "since".
pub fn plan<T: Tables>(
    scenario: &Scenario,
    world: &World<T>,
    threads: u16,
) -> Result<Plan, &'static str> {
    if !scenario.media.is_empty() {
        return Err("a medium is shared by its nodes");
    }
    if !scenario.adversaries.is_empty() {
        return Err("an adversary keeps one state over its links");
    }
    if scenario.run.steady.is_some() {
        return Err("steady-state series look at all nodes at once");
    }
    if let Some(reason) = world.unsplittable() {
        return Err(reason);
    }
    let firsts: Vec<u32> = world.groups.iter().map(|group| group.first).collect();
    let mut sets = Sets::new(world.group_of.len());
    for link in world.routes.links() {
        for number in 0..link.many {
            let [one, other] = link
                .ends(number)
                .map(|(group, member)| firsts[group] + member);
            sets.join(one, other);
        }
    }
    let (weights, roots) = sets.weights();
    let mut heaviest: Vec<(u32, usize)> = (0..weights.len())
        .filter(|node| weights[*node] > 0)
        .map(|node| (weights[node], node))
        .collect();
    let joined = heaviest.iter().filter(|(weight, _)| *weight > 1).count();
    let parts = threads.min(u16::try_from(joined).unwrap_or(u16::MAX));
    if parts < 2 {
        return Err(
            "links join all its nodes, directly or through others, so the busiest part is all of it; \
             more servers, each with devices of its own, would help",
        );
    }
    // Descending by weight, then ascending by node.
    heaviest.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut loads = vec![0u64; usize::from(parts)];
    let mut part_of_root = vec![0u16; weights.len()];
    for (weight, root) in heaviest {
        let least = (0u16..).zip(&loads).min_by_key(|(_, load)| **load);
        let part = least.map_or(0, |(part, _)| part);
        loads[usize::from(part)] += u64::from(weight);
        part_of_root[root] = part;
    }
    Ok(Plan {
        part_of: roots.iter().map(|root| part_of_root[*root]).collect(),
        parts,
        sets: joined,
    })
}

/// Sets of nodes that links join.
struct Sets {
    /// Another node of the same set with a lower number, or the node itself.
    towards: Vec<u32>,
}

impl Sets {
    fn new(nodes: usize) -> Self {
        Self {
            towards: (0u32..).take(nodes).collect(),
        }
    }

    fn root(&mut self, mut node: u32) -> u32 {
        while self.towards[node as usize] != node {
            let next = self.towards[node as usize];
            // Shortens the way for the next time.
            self.towards[node as usize] = self.towards[next as usize];
            node = next;
        }
        node
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        let (low, high) = (one.min(other), one.max(other));
        self.towards[high as usize] = low;
    }

    /// How many nodes each lowest node stands for, and the lowest node of each node's set.
    fn weights(mut self) -> (Vec<u32>, Vec<usize>) {
        let nodes = self.towards.len();
        let mut weights = vec![0; nodes];
        let roots: Vec<usize> = (0u32..)
            .take(nodes)
            .map(|node| self.root(node) as usize)
            .collect();
        for root in &roots {
            weights[*root] += 1;
        }
        (weights, roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_known_by_their_lowest_node() {
        let mut sets = Sets::new(6);
        sets.join(4, 2);
        sets.join(2, 5);
        sets.join(3, 1);
        let (weights, roots) = sets.weights();
        assert_eq!(roots, [0, 1, 2, 1, 2, 2]);
        assert_eq!(weights, [1, 2, 3, 0, 0, 0]);
    }
}
