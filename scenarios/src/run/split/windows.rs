//! Which nodes run together where links lead from part to part.
//!
//! Links may be cut where a packet takes long enough. Of the two ends of such a link the one that
//! begins sessions *follows* the one that answers (see [`crate::host::apart`]); parts that only lead
//! have level 0, and every part stands on a higher level than those it follows. Nodes that share a
//! link which cannot be cut stay together.

use std::collections::BTreeSet;
use std::sync::Arc;

use sim_engine::{Direction, Engine, LinkClass, LinkId};

use super::joined::Joined;
use super::plan::Sets;
use crate::host::World;
use crate::host::apart::Parts;
use crate::host::route::LinkRoute;
use crate::host::tables::Tables;

/// The least lookahead that is worth its exchanges, ns.
const LOOKAHEAD_MIN_NS: u64 = 1_000;

/// Levels at most: every further one makes the windows shorter.
const LEVELS_MAX: u8 = 8;

/// What the sessions over a link cost its two ends, in parts of about 20: both compute the same as a
/// rule, and the one that begins has requests, deadlines and what joins both.
const COST_OF_FOLLOWER: u64 = 12;
const COST_OF_LEADER: u64 = 8;

/// Parts that exchange packets at the ends of windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) parts: Parts,
    /// A node of the part that plays each adversary.
    pub(super) homes: Vec<u32>,
    /// The thread of each part.
    pub(super) thread_of: Vec<u16>,
    pub(super) threads: u16,
    /// What a packet takes at least from a part to one that it follows, ns.
    pub(super) lookahead_ns: u64,
}

impl Windows {
    /// The largest share of the work by thread, as all of it over that.
    #[allow(clippy::cast_precision_loss, reason = "a ratio for a choice")]
    fn bound(&self, loads: &[u64]) -> f64 {
        let busiest = loads.iter().max().copied().unwrap_or(0).max(1);
        loads.iter().sum::<u64>() as f64 / busiest as f64
    }
}

/// Which end of the links of a route follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follower {
    A,
    B,
    /// Neither, so the links cannot be cut.
    Neither,
}

/// Shares the nodes among `threads` threads; with the expected bound on the gain.
///
/// # Errors
///
/// Why it cannot be done, as a clause after "since".
pub(super) fn windows<T: Tables>(
    engine: &Engine<World<T>>,
    world: &World<T>,
    joined: &Joined,
    threads: u16,
) -> Result<(Windows, f64), &'static str> {
    let firsts: Vec<u32> = world.groups.iter().map(|group| group.first).collect();
    let nodes = world.group_of.len();
    let mut together = Sets::new(nodes);
    if world.protocol.names_itself() {
        return Err("its nodes give themselves names that all others have to know at once");
    }
    let mut lookahead_ns = u64::MAX;
    let mut cut: Vec<(u32, u32)> = Vec::new();
    let mut too_short = false;
    joined.join(&mut together);
    for (index, route) in world.routes.links().iter().enumerate() {
        let tapped = joined.tapped[index];
        let follower = follower(world, route);
        let changes = world.schedule.classes_on(route.first, route.many);
        let mut known: Option<([Option<LinkClass>; 2], [u64; 2])> = None;
        for number in 0..route.many {
            let [a, b] = route
                .ends(number)
                .map(|(group, member)| firsts[group] + member);
            let link = LinkId(route.first + number);
            let classes = [Direction::Up, Direction::Down].map(|side| engine.class_of(link, side));
            let least_ns = match known {
                Some((same, least_ns)) if same == classes => least_ns,
                _ => {
                    let least = |side: Direction| {
                        let own = classes[side.index()];
                        let others = changes.iter().map(|change| change[side.index()]);
                        let all = own.into_iter().chain(others);
                        let least = |class| match tapped {
                            // It is handed over where it passes the adversary.
                            true => engine.least_after_tap(class),
                            false => engine.least_delay_of(class),
                        };
                        all.map(|class| least(class).0).min()
                    };
                    let least_ns =
                        [Direction::Up, Direction::Down].map(|side| least(side).unwrap_or(0));
                    known = Some((classes, least_ns));
                    least_ns
                }
            };
            let [up_ns, down_ns] = least_ns;
            // From the follower to its leader, and back.
            let (ahead_ns, back_ns) = match follower {
                Follower::A => (up_ns, down_ns),
                Follower::B => (down_ns, up_ns),
                Follower::Neither => (0, 0),
            };
            if ahead_ns < LOOKAHEAD_MIN_NS || back_ns == 0 {
                too_short |= follower != Follower::Neither;
                together.join(a, b);
                continue;
            }
            lookahead_ns = lookahead_ns.min(ahead_ns);
            cut.push(if follower == Follower::A {
                (a, b)
            } else {
                (b, a)
            });
        }
    }
    let alone = if too_short {
        "packets on its links take too little time for one part to run ahead of another (less than \
         1us at the least; a delay with a lower bound would help)"
    } else {
        "links join all its nodes, directly or through others, and cannot be cut, since both ends \
         begin sessions or a fault looks back at them, so the busiest part is all of it"
    };
    if cut.is_empty() {
        return Err(alone);
    }
    let root_of: Vec<u32> = (0u32..)
        .take(nodes)
        .map(|node| together.root(node))
        .collect();
    let level_of = levels(&root_of, &cut)?;
    let mut weights = vec![0u64; nodes];
    for (follower, leader) in &cut {
        weights[root_of[*follower as usize] as usize] += COST_OF_FOLLOWER;
        weights[root_of[*leader as usize] as usize] += COST_OF_LEADER;
    }
    for node in 0..nodes {
        // Who has no link that is cut has some inside, or none.
        weights[root_of[node] as usize] += 1;
    }
    let mut heaviest: Vec<(u64, u32)> = root_of
        .iter()
        .zip(0u32..)
        .filter(|(root, node)| *root == node)
        .map(|(root, _)| (weights[*root as usize], *root))
        .collect();
    heaviest.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut loads = vec![0u64; usize::from(threads)];
    let mut thread_of_root = vec![0u16; nodes];
    for (weight, root) in heaviest {
        let least = (0u16..).zip(&loads).min_by_key(|(_, load)| **load);
        let thread = least.map_or(0, |(thread, _)| thread);
        loads[usize::from(thread)] += weight;
        thread_of_root[root as usize] = thread;
    }
    if loads.iter().filter(|load| **load > 0).count() < 2 {
        return Err(alone);
    }
    // A part is what one thread runs of one level.
    let place = |node: usize| {
        let root = root_of[node] as usize;
        (level_of[root], thread_of_root[root])
    };
    let places: BTreeSet<(u8, u16)> = (0..nodes).map(place).collect();
    let number = |at: (u8, u16)| places.range(..at).count();
    let mut numbers = vec![vec![0u16; usize::from(threads)]; usize::from(LEVELS_MAX)];
    for at in &places {
        numbers[usize::from(at.0)][usize::from(at.1)] =
            u16::try_from(number(*at)).unwrap_or(u16::MAX);
    }
    let part_of: Vec<u16> = (0..nodes)
        .map(|node| {
            let (level, thread) = place(node);
            numbers[usize::from(level)][usize::from(thread)]
        })
        .collect();
    let mut leads = vec![false; nodes];
    for (follower, leader) in &cut {
        let [follower, leader] = [*follower, *leader].map(|node| node as usize);
        leads[leader] |= part_of[follower] != part_of[leader];
    }
    let busy: BTreeSet<u16> = places.iter().map(|place| place.1).collect();
    let thread_of = places
        .iter()
        .map(|place| u16::try_from(busy.range(..place.1).count()).unwrap_or(0));
    let windows = Windows {
        parts: Parts {
            part_of: part_of.into(),
            levels: places.iter().map(|place| place.0).collect::<Arc<[u8]>>(),
            leads: leads.into(),
        },
        homes: joined.homes.clone(),
        thread_of: thread_of.collect(),
        threads: u16::try_from(busy.len()).unwrap_or(u16::MAX),
        lookahead_ns,
    };
    let bound = windows.bound(&loads);
    Ok((windows, bound))
}

/// Which end of a route's links begins sessions, or would be the one to follow where none does.
fn follower<T: Tables>(world: &World<T>, route: &LinkRoute) -> Follower {
    let (a, b) = (route.group_a, route.group_b);
    if a == b {
        return Follower::Neither;
    }
    let begins = |from: usize, to: usize| {
        let plans = &world.workloads.plans;
        plans
            .iter()
            .any(|plan| plan.from == from && plan.steps.iter().any(|step| step.to == Some(to)))
    };
    let follower = match (begins(a, b), begins(b, a)) {
        (true, true) => return Follower::Neither,
        (true, false) => Follower::A,
        (false, true) => Follower::B,
        // What passes relays comes from those who begin: each end follows the next one on the way.
        (false, false) if world.is_relay_group(a) != world.is_relay_group(b) => {
            let end = if world.is_relay_group(a) { b } else { a };
            let mut plans = world.workloads.plans.iter();
            if plans.any(|plan| plan.from == end) == (end == a) {
                Follower::A
            } else {
                Follower::B
            }
        }
        (false, false) if route.many_is_a => Follower::A,
        (false, false) => Follower::B,
    };
    let leads = if follower == Follower::A { b } else { a };
    // Who answers while it has an attempt of its own open has to know whether the other one's is
    // open too; and who is taken back to an earlier session has to know which succeeded.
    let begins_too = world.workloads.plans.iter().any(|plan| plan.from == leads);
    if begins_too || world.goes_back_by_sessions(leads) {
        return Follower::Neither;
    }
    follower
}

/// The level of each set of nodes that stay together, by its root.
fn levels(root_of: &[u32], cut: &[(u32, u32)]) -> Result<Vec<u8>, &'static str> {
    let mut level_of = vec![0u8; root_of.len()];
    loop {
        let mut settled = true;
        for (follower, leader) in cut {
            let [follower, leader] =
                [*follower, *leader].map(|node| root_of[node as usize] as usize);
            if follower == leader {
                continue;
            }
            let least = level_of[leader] + 1;
            if level_of[follower] < least {
                if least >= LEVELS_MAX {
                    return Err(
                        "its nodes begin sessions with one another in a circle, so no part can run \
                         ahead of another",
                    );
                }
                level_of[follower] = least;
                settled = false;
            }
        }
        if settled {
            return Ok(level_of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_stands_above_all_who_answer() {
        // Two users, two servers that register at one centre.
        let roots = [0, 1, 2, 3, 4];
        let cut = [(0, 2), (1, 3), (2, 4), (3, 4), (1, 4)];
        assert_eq!(levels(&roots, &cut), Ok(vec![2, 2, 1, 1, 0]));
    }

    #[test]
    fn a_circle_has_no_levels() {
        let roots = [0, 1, 2];
        let refused = levels(&roots, &[(0, 1), (1, 2), (2, 0)]);
        assert!(refused.is_err_and(|reason| reason.contains("in a circle")));
        // Together they are one.
        assert_eq!(
            levels(&[0, 0, 0], &[(0, 1), (1, 2), (2, 0)]),
            Ok(vec![0; 3])
        );
    }
}
