//! `pair-graph`: sums of two rows never change, so pairs that share a row give further pairs.

use std::collections::BTreeMap;

use std::sync::Arc;

use super::forge::{Key, add, named, widen};
use super::listen::{Ears, Heard};
use crate::attack::{AttackContext, AttackSpec, Attacker, Control, Power, Property, Verdict, View};
use crate::vault_exchange::params::Params;

pub(super) const SPEC: AttackSpec = AttackSpec {
    id: "pair-graph",
    help: "Keeps a graph on the indices: a request of two joins them with the key seen. An update adds \
           the same value to both, so the edge stays true for ever. Before each session it names the \
           keys of all pairs that the graph joins.",
    powers: &[Power::Observe],
    properties: &[Property::Secrecy],
    claims: &["VX-C2", "VX-C3"],
    control: Control::without("update"),
    claims_secrets: &["challenge-key"],
    ..super::BASE
};

/// Rows in parts; within a part the difference of any two is known.
#[derive(Clone, Debug)]
struct Graph {
    part: Vec<usize>,
    /// Difference to one row of the part.
    offset: Vec<Key>,
}

impl Graph {
    fn new(rows: usize) -> Self {
        Self {
            part: (0..rows).collect(),
            offset: vec![Key::default(); rows],
        }
    }

    fn join(&mut self, one: usize, other: usize, key: &Key) {
        let (kept, gone) = (self.part[one], self.part[other]);
        if kept == gone {
            return;
        }
        let mut shift = *key;
        add(&mut shift, &self.offset[one]);
        add(&mut shift, &self.offset[other]);
        for row in 0..self.part.len() {
            if self.part[row] == gone {
                self.part[row] = kept;
                add(&mut self.offset[row], &shift);
            }
        }
    }

    fn sum(&self, one: usize, other: usize) -> Option<Key> {
        let mut sum = self.offset[one];
        add(&mut sum, &self.offset[other]);
        (self.part[one] == self.part[other]).then_some(sum)
    }
}

/// Pairs named before one session, at most.
const NAMED_MAX: usize = 1_000;

#[derive(Debug)]
pub(super) struct PairGraph {
    ears: Ears,
    graphs: BTreeMap<u32, Graph>,
}

impl PairGraph {
    pub(super) fn new(params: &Arc<Params>) -> Self {
        Self {
            ears: Ears::new(params),
            graphs: BTreeMap::new(),
        }
    }

    fn name_all(&self, host: u32, cx: &mut AttackContext<'_>) {
        let Some(graph) = self.graphs.get(&host) else {
            return;
        };
        let rows = || (0..=255u8).take(graph.part.len());
        let pairs = rows().flat_map(|one| rows().map(move |other| (one, other)));
        let known = pairs
            .filter(|(one, other)| one < other)
            .filter_map(|(one, other)| {
                let sum = graph.sum(usize::from(one), usize::from(other))?;
                Some(([one, other], sum))
            });
        for (pair, sum) in known.take(NAMED_MAX) {
            cx.claim("challenge-key", host, named(&self.ears.params, &pair, &sum));
        }
    }
}

impl Attacker for PairGraph {
    fn on_packet(&mut self, view: &View<'_>, cx: &mut AttackContext<'_>) -> Verdict {
        match self.ears.hear(view) {
            Some(Heard::Asked(host)) => {
                cx.tried();
                self.name_all(host, cx);
            }
            Some(Heard::Answered(host)) => {
                let params = &self.ears.params;
                let list = self.ears.asked.get(&host).map_or(&[][..], Vec::as_slice);
                let rows = |index: &u8| params.wire.row(*index);
                if let [one, other] = list
                    && let (Some(one), Some(other)) = (rows(one), rows(other))
                    && let Some(key) = super::forge::combined(params, view.bytes)
                {
                    let graph = self.graphs.entry(host);
                    let graph = graph.or_insert_with(|| Graph::new(params.keys));
                    graph.join(one, other, &widen(key));
                }
            }
            None => {}
        }
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_edges_give_the_third() {
        let rows = [[1; 32], [2; 32], [4; 32], [8; 32]];
        let pair = |one: usize, other: usize| [rows[one][0] ^ rows[other][0]; 32];
        let mut graph = Graph::new(4);
        assert_eq!(graph.sum(0, 2), None);
        graph.join(1, 0, &pair(0, 1));
        graph.join(2, 3, &pair(2, 3));
        assert_eq!(graph.sum(0, 3), None);
        graph.join(3, 1, &pair(1, 3));
        for one in 0..4 {
            for other in 0..4 {
                assert_eq!(graph.sum(one, other), Some(pair(one, other)));
            }
        }
    }
}
