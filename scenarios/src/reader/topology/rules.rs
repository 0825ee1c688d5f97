//! Topologies by rule among all nodes of a link's groups: rings, trees, and edges in the scenario.

use super::edges::{Names, each_once};
use crate::diagnostic::Span;
use crate::reader::section::{Reading, Section};
use crate::tree::{Node, Value};

/// A rule.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule<'t> {
    /// Each node with the next, and the last with the first.
    Ring,
    /// A root, and below each node so many others, level by level.
    Tree {
        /// Children of a node.
        fan_out: u32,
        /// Levels below the root, where the scenario says it, and where it does.
        depth: Option<(u64, Span)>,
    },
    /// Edges one by one.
    Listed(&'t [Node]),
}

impl Rule<'_> {
    /// What the word `tree` alone means.
    pub(super) const BINARY_TREE: Self = Self::Tree {
        fan_out: 2,
        depth: None,
    };
}

/// All pairs of so many nodes, ascending.
pub(super) fn all_pairs(nodes: usize) -> Vec<(u32, u32)> {
    let nodes = u32::try_from(nodes).unwrap_or(u32::MAX);
    (0..nodes)
        .flat_map(|one| (one + 1..nodes).map(move |other| (one, other)))
        .collect()
}

/// Levels below the root of a tree with so many nodes below it.
fn levels(fan_out: u64, below: u64) -> u64 {
    let (mut levels, mut level, mut room) = (0, 1u64, 0u64);
    while room < below {
        level = level.saturating_mul(fan_out);
        room = room.saturating_add(level);
        levels += 1;
    }
    levels
}

impl<'t> Reading<'t> {
    /// `tree = 3`, or `tree = { fan_out = 3, depth = 2 }`.
    pub(super) fn tree(&self, table: &Section<'t>, node: &'t Node) -> Option<Rule<'t>> {
        let fan_out = |node| {
            self.integer(node, 1, u64::from(u32::MAX))
                .and_then(|fan_out| u32::try_from(fan_out).ok())
        };
        if !matches!(node.value, Value::Table(_)) {
            return Some(Rule::Tree {
                fan_out: fan_out(node)?,
                depth: None,
            });
        }
        let tree = self.section(format!("{}.tree", table.path), node)?;
        let wide = tree.required(self, "fan_out", "3").and_then(fan_out);
        let depth = match tree.get("depth") {
            Some(node) => {
                let depth = self.integer(node, 1, u64::from(u32::MAX));
                depth.map(|depth| Some((depth, node.span)))
            }
            None => Some(None),
        };
        tree.finish(self);
        Some(Rule::Tree {
            fan_out: wide?,
            depth: depth?,
        })
    }

    /// The edges that a rule gives, ascending, numbered through both groups; `single` says that both
    /// are one.
    pub(super) fn edges_by_rule(
        &self,
        rule: &Rule<'t>,
        names: &Names<'_>,
        (single, place): (bool, Span),
    ) -> Option<Vec<(u32, u32)>> {
        let (of_a, all) = names.counts();
        let number = |node: usize| u32::try_from(node).unwrap_or(u32::MAX);
        let mut edges: Vec<(u32, u32)> = match rule {
            Rule::Ring => {
                if all < 3 {
                    return self.refuse(
                        place,
                        format!("a ring has at least three nodes, not {all}"),
                        "raise `count`, or take another topology",
                    );
                }
                let next = |node| number((node + 1) % all);
                (0..all).map(|node| (number(node), next(node))).collect()
            }
            Rule::Tree { fan_out, depth } => {
                self.check_tree(names, (*fan_out, *depth), (single, place))?;
                // The root is the only node of the second group, or the first of the one.
                let node = |position: usize| match position.checked_sub(1) {
                    _ if single => position,
                    Some(below) => below,
                    None => of_a,
                };
                let parent = |position: usize| (position - 1) / *fan_out as usize;
                (1..all)
                    .map(|position| (number(node(position)), number(node(parent(position)))))
                    .collect()
            }
            Rule::Listed(list) => return self.listed_edges(list, names, place),
        };
        edges.sort_unstable();
        for &(one, other) in &edges {
            let [one, other] = [one, other].map(|node| names.name(node as usize));
            if let Err((_, (reason, hint))) = names.edge(&one, &other) {
                return self.refuse(place, reason, hint);
            }
        }
        Some(edges)
    }

    fn check_tree(
        &self,
        names: &Names<'_>,
        (fan_out, depth): (u32, Option<(u64, Span)>),
        (single, place): (bool, Span),
    ) -> Option<()> {
        let (of_a, all) = names.counts();
        let roots = all - of_a;
        if !single && roots != 1 {
            return self.refuse(
                place,
                format!("a tree has one root, and the second group of the link has {roots} nodes"),
                "name the group of the root second, with one node; or make a tree of one group, \
                 whose first node is the root",
            );
        }
        if all < 2 {
            return self.refuse(
                place,
                "a tree of one node has no link",
                "raise `count`, or take another topology",
            );
        }
        let below = all as u64 - 1;
        let real = levels(u64::from(fan_out), below);
        match depth {
            Some((depth, span)) if depth != real => self.refuse(
                span,
                format!(
                    "{below} nodes below the root, {fan_out} below each, make {real} levels, not {depth}"
                ),
                format!("write `depth = {real}`, leave it out, or change `count` or `fan_out`"),
            ),
            _ => Some(()),
        }
    }

    /// `edges = [["relay[0]", "server"], ...]`.
    fn listed_edges(
        &self,
        list: &'t [Node],
        names: &Names<'_>,
        place: Span,
    ) -> Option<Vec<(u32, u32)>> {
        if list.is_empty() {
            return self.refuse(
                place,
                "there is no edge",
                "write `edges = [[\"device[0]\", \"server[0]\"]]`",
            );
        }
        let mut edges = Vec::new();
        for (at, node) in (1..).zip(list) {
            let ends = self.list(node)?;
            let [one, other] = ends else {
                return self.refuse(
                    node.span,
                    format!("an edge has two ends, not {}", ends.len()),
                    "write `[\"device[0]\", \"server[0]\"]`",
                );
            };
            let found = names.edge(self.text(one)?, self.text(other)?);
            match found {
                Ok(Some(edge)) => edges.push((edge, (at, 1), 0)),
                Ok(None) => {}
                Err((end, (reason, hint))) => {
                    return self.refuse([one, other][end.min(1)].span, reason, hint);
                }
            }
        }
        match each_once(edges) {
            Ok(edges) => Some(edges.into_iter().map(|(edge, _)| edge).collect()),
            Err(error) => {
                let twice = error.line.checked_sub(1).and_then(|at| list.get(at));
                self.refuse(
                    twice.map_or(place, |node| node.span),
                    "this edge is there twice",
                    error.hint,
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::levels;

    #[test]
    fn levels_of_trees() {
        // 3 + 9 = 12 nodes fill two levels; the thirteenth begins the third.
        assert_eq!(
            [1, 3, 4, 12, 13].map(|below| levels(3, below)),
            [1, 1, 2, 2, 3]
        );
        assert_eq!(levels(1, 5), 5);
    }
}
