//! Which nodes run together.

use sim_engine::Engine;

use super::joined::Joined;
use super::windows::{Windows, windows};
use crate::host::World;
use crate::host::tables::Tables;
use crate::scenario::Scenario;

/// Who runs which node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Part of each node.
    part_of: Vec<u16>,
    parts: u16,
    /// Sets of nodes that links or adversaries join, of two nodes at least.
    pub sets: usize,
    /// A node of the part that plays each adversary.
    homes: Vec<u32>,
    /// How the parts exchange packets; `None` where no link leads from part to part.
    pub(super) windows: Option<Windows>,
}

impl Plan {
    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        usize::from(self.parts)
    }

    /// How many threads run them.
    #[must_use]
    pub fn threads(&self) -> usize {
        let threads = self.windows.as_ref().map(|windows| windows.threads);
        usize::from(threads.unwrap_or(self.parts))
    }

    /// By how much a part that leads may run ahead of those that follow, ns; `None` where no part
    /// hears of another.
    #[must_use]
    pub fn lookahead_ns(&self) -> Option<u64> {
        let windows = self.windows.as_ref();
        windows.map(|windows| windows.lookahead_ns)
    }

    /// The thread that runs a part.
    pub(super) fn thread_of(&self, part: usize) -> usize {
        let windows = self.windows.as_ref();
        windows.map_or(part, |windows| usize::from(windows.thread_of[part]))
    }

    /// Whether a part keeps what joins two nodes.
    pub(super) fn keeps(&self, part: usize, (one, other): (u32, u32)) -> bool {
        let keeper = match &self.windows {
            Some(windows) => windows.parts.keeper(one, other),
            None => self.part_of.get(one as usize).copied(),
        };
        keeper.is_some_and(|keeper| usize::from(keeper) == part)
    }

    pub(super) fn own(&self, part: usize) -> Vec<bool> {
        let of = self.part_of.iter().map(|of| usize::from(*of) == part);
        of.collect()
    }

    /// Which adversaries a part plays.
    pub(super) fn own_taps(&self, part: usize) -> Vec<bool> {
        let foreign = self.foreign_taps(part).into_iter();
        foreign.map(|foreign| !foreign).collect()
    }

    pub(super) fn foreign_taps(&self, part: usize) -> Vec<bool> {
        Joined::foreign_taps(&self.homes, &self.part_of, part)
    }

    pub(super) fn foreign(&self, part: usize) -> Vec<bool> {
        let of = self.part_of.iter().map(|of| usize::from(*of) != part);
        of.collect()
    }
}

/// The share of the best possible gain with which sets are left as they are: they never wait for one
/// another.
const GOOD_ENOUGH: f64 = 0.75;

/// By how much windows have to be better than sets.
const WORTH_WAITING: f64 = 1.2;

/// Shares the nodes of a world among `threads` threads: by sets that no link joins, where those are
/// even enough, else cutting links over which packets take long enough.
///
/// # Errors
///
/// Why the world runs on one thread, as a clause after "since".
pub fn plan<T: Tables>(
    scenario: &Scenario,
    engine: &Engine<World<T>>,
    world: &World<T>,
    threads: u16,
) -> Result<Plan, String> {
    if scenario.run.steady.is_some() {
        return Err("steady-state series look at all nodes at once".into());
    }
    let joined = Joined::of(scenario, engine, world);
    share(engine, world, &joined, threads).map_err(|reason| {
        // What keeps nodes together is the reason where the world could be shared without it.
        let alone = joined.reason().and_then(|joins| {
            let loose = share(engine, world, &joined.loosened(), threads);
            loose.is_ok().then_some(joins)
        });
        alone.map_or_else(
            || reason.to_owned(),
            |joins| format!("{joins} and have nearly all there is to do"),
        )
    })
}

/// As [`plan`], of a world that may be shared.
fn share<T: Tables>(
    engine: &Engine<World<T>>,
    world: &World<T>,
    joined: &Joined,
    threads: u16,
) -> Result<Plan, &'static str> {
    let (sets, bound) = sets(world, joined, threads);
    if bound >= GOOD_ENOUGH * f64::from(threads) {
        return Ok(sets);
    }
    match windows(engine, world, joined, threads) {
        Ok((windows, better)) if better > WORTH_WAITING * bound => Ok(Plan {
            part_of: windows.parts.part_of.to_vec(),
            parts: u16::try_from(windows.parts.levels.len()).unwrap_or(u16::MAX),
            sets: sets.sets,
            homes: sets.homes,
            windows: Some(windows),
        }),
        _ if bound > 1.0 => Ok(sets),
        Ok(_) => Err("one of its nodes has nearly all there is to do"),
        Err(reason) => Err(reason),
    }
}

/// By sets that no link joins: the heaviest first, each to whoever has least. The second is the
/// expected bound on the gain.
#[allow(clippy::cast_precision_loss, reason = "a ratio for a choice")]
fn sets<T: Tables>(world: &World<T>, joined: &Joined, threads: u16) -> (Plan, f64) {
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
    joined.join(&mut sets);
    let (weights, roots) = sets.weights();
    let mut heaviest: Vec<(u32, usize)> = (0..weights.len())
        .filter(|node| weights[*node] > 0)
        .map(|node| (weights[node], node))
        .collect();
    let several = heaviest.iter().filter(|(weight, _)| *weight > 1).count();
    let parts = threads
        .min(u16::try_from(several).unwrap_or(u16::MAX))
        .max(1);
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
    let busiest = loads.iter().max().copied().unwrap_or(0).max(1);
    let plan = Plan {
        part_of: roots.iter().map(|root| part_of_root[*root]).collect(),
        parts,
        sets: several,
        homes: joined.homes.clone(),
        windows: None,
    };
    (plan, loads.iter().sum::<u64>() as f64 / busiest as f64)
}

/// Sets of nodes that links join.
pub(super) struct Sets {
    /// Another node of the same set with a lower number, or the node itself.
    towards: Vec<u32>,
}

impl Sets {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            towards: (0u32..).take(nodes).collect(),
        }
    }

    pub(super) fn root(&mut self, mut node: u32) -> u32 {
        while self.towards[node as usize] != node {
            let next = self.towards[node as usize];
            // Shortens the way for the next time.
            self.towards[node as usize] = self.towards[next as usize];
            node = next;
        }
        node
    }

    pub(super) fn join(&mut self, one: u32, other: u32) {
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
