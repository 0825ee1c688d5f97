//! Which nodes of two groups have a link.

use sim_engine::{StreamName, Streams};

/// The links between two groups, where they are not one per node of the larger group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// Every node of one group with every node of the other.
    Full,
    /// Every node of the larger group with so many different ones of the smaller, drawn once.
    Random {
        /// How many.
        k: u32,
    },
    /// The edges of a file, as (member of the first group, member of the second), ascending.
    Edges(Vec<(u32, u32)>),
    /// Links among all nodes of both groups, which may be one: a ring, a tree, listed edges. Nodes are
    /// numbered through the first group and then the second; up from the first to the second of
    /// each pair, ascending.
    Joint(Vec<(u32, u32)>),
}

impl Topology {
    /// The pairs of members of the larger and the smaller group, ascending; `counts` are those of
    /// the first and the second group, and the first is the larger where both are equal.
    pub(crate) fn pairs(
        &self,
        link: &str,
        (a, b): (usize, usize),
        streams: &mut Streams,
    ) -> Vec<(u32, u32)> {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (many, few) = (number(a.max(b)), number(a.min(b)));
        match self {
            Self::Full => (0..many)
                .flat_map(|owner| (0..few).map(move |pick| (owner, pick)))
                .collect(),
            Self::Random { k } => {
                let stream = StreamName::new("link").text(link).text("topology").id();
                let mut pairs = Vec::new();
                let mut all: Vec<u32> = Vec::new();
                for owner in 0..many {
                    // The first k of a shuffle, with a block of draws per node and eight places.
                    all.clear();
                    all.extend(0..few);
                    let blocks = u64::from(few.div_ceil(8));
                    for place in 0..(*k).min(few) {
                        let block = u64::from(owner) * blocks + u64::from(place / 8);
                        let draw = streams.block(stream, block)[place as usize % 8];
                        let rest = u128::from(few - place);
                        let other = place + ((u128::from(draw) * rest) >> 64) as u32;
                        all.swap(place as usize, other as usize);
                    }
                    let chosen = all.iter().take(*k as usize);
                    pairs.extend(chosen.map(|pick| (owner, *pick)));
                }
                pairs.sort_unstable();
                pairs
            }
            Self::Edges(edges) => {
                let mut pairs: Vec<(u32, u32)> = if a >= b {
                    edges.clone()
                } else {
                    edges.iter().map(|&(one, other)| (other, one)).collect()
                };
                pairs.sort_unstable();
                pairs
            }
            Self::Joint(pairs) => pairs.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use sim_engine::Seed;

    use super::*;

    #[test]
    fn random_partners_are_different_and_evenly_drawn() {
        let mut streams = Seed::new(1, 0).streams();
        let pairs = Topology::Random { k: 3 }.pairs("l", (2_000, 10), &mut streams);
        assert_eq!(pairs.len(), 6_000);
        assert!(
            pairs.is_sorted_by(|one, other| one < other),
            "no pair twice"
        );
        for partner in 0..10 {
            let share = pairs.iter().filter(|pair| pair.1 == partner).count();
            // Binomial with 2000 trials of 0.3: sd 20.5.
            assert!((520..680).contains(&share), "{partner}: {share}");
        }
        // A further node moves nobody's partners.
        let fewer = Topology::Random { k: 3 }.pairs("l", (1_000, 10), &mut streams);
        assert_eq!(fewer[..], pairs[..3_000]);
    }

    #[test]
    fn edges_are_turned_to_the_larger_group() {
        let mut streams = Seed::new(1, 0).streams();
        let edges = Topology::Edges(vec![(0, 2), (1, 0)]);
        assert_eq!(edges.pairs("l", (3, 3), &mut streams), [(0, 2), (1, 0)]);
        assert_eq!(edges.pairs("l", (2, 3), &mut streams), [(0, 1), (2, 0)]);
        assert_eq!(Topology::Full.pairs("l", (2, 1), &mut streams).len(), 2);
    }
}
