//! The key `topology` of a link: which nodes of its two groups are joined, by a rule or by a file.

mod edges;
mod gml;
mod values;

use std::path::Path;

use self::edges::{EdgeError, Edges, Names};
use self::values::Values;
use super::section::{Reading, Section};
use crate::diagnostic::{Span, quoted};
use crate::law::reason_of;
use crate::scenario::{LinkGroup, LinkPatch, NodeGroup, Topology};
use crate::tree::{Node, Value};

/// Most links that one topology may make.
const LINKS_MAX: u64 = 10_000_000;
/// Largest file of edges, bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A topology as it stands in the file; what it joins is known when the groups are.
#[derive(Debug)]
pub(crate) enum Written<'t> {
    /// One link per node of the larger group.
    Star,
    /// All pairs.
    Full,
    /// Some pairs at random.
    Random(u32),
    /// The edges of a file.
    File(&'t Node, bool),
}

impl<'t> Reading<'t> {
    /// The key's value.
    pub(crate) fn topology(&self, section: &Section<'t>) -> Option<Written<'t>> {
        let Some(node) = section.get("topology") else {
            return Some(Written::Star);
        };
        if !matches!(&node.value, Value::Table(_)) {
            let words = ["star", "full", "segment"];
            return Some(match self.choice(node, "topologies", "topology", words)? {
                0 => Written::Star,
                _ => Written::Full,
            });
        }
        let table = self.section(format!("{}.topology", section.path), node)?;
        let (random, csv, gml) = (table.get("random"), table.get("csv"), table.get("gml"));
        table.finish(self);
        match (random, csv, gml) {
            (Some(node), None, None) => self
                .integer(node, 1, u64::from(u32::MAX))
                .and_then(|k| u32::try_from(k).ok())
                .map(Written::Random),
            (None, Some(node), None) => Some(Written::File(node, false)),
            (None, None, Some(node)) => Some(Written::File(node, true)),
            _ => self.refuse(
                node.span,
                "a topology has one source",
                "write `topology = { random = 3 }`, `{ csv = \"edges.csv\" }` or \
                 `{ gml = \"net.gml\" }`",
            ),
        }
    }

    /// Fills in the pairs that a link group's topology joins, and what a file says about each.
    pub(crate) fn join(
        &self,
        link: &mut LinkGroup,
        groups: &[NodeGroup],
        written: &Written<'t>,
        section: &Section<'t>,
    ) -> Option<()> {
        let place = section.place_of("topology");
        let (a, b) = (&groups[link.a], &groups[link.b]);
        let few = a.count.min(b.count);
        if !matches!(written, Written::Star) && section.table.get("pick").is_some() {
            return self.refuse(
                section.place_of("pick"),
                "the topology already says who is linked with whom",
                "leave `pick` or `topology` out",
            );
        }
        let limit = |links: u64| {
            if links <= LINKS_MAX {
                return Some(());
            }
            let reason = format!("this topology has {links} links");
            self.refuse(place, reason, format!("at most {LINKS_MAX} are possible"))
        };
        link.topology = match written {
            Written::Star => None,
            Written::Full => {
                limit((a.count as u64).saturating_mul(b.count as u64))?;
                Some(Topology::Full)
            }
            Written::Random(k) => {
                if *k as usize > few {
                    return self.refuse(
                        place,
                        format!("a node cannot have {k} different partners among {few}"),
                        format!("it must lie between 1 and {few}"),
                    );
                }
                limit((a.count.max(b.count) as u64).saturating_mul(u64::from(*k)))?;
                Some(Topology::Random { k: *k })
            }
            Written::File(node, gml) => {
                let rated = [&link.up, &link.down]
                    .iter()
                    .all(|side| side.rate_bps.is_some());
                let (edges, values) = self.edges_of(node, *gml, (a, b), rated)?;
                let (edges, numbers): (Vec<_>, Vec<u16>) = edges.into_iter().unzip();
                self.all_reached(place, &edges, (a, b))?;
                if !values.is_empty() {
                    link.own.values = values;
                    link.own.edges = numbers;
                }
                Some(Topology::Edges(edges))
            }
        };
        Some(())
    }

    /// Reads a file of edges between two groups.
    fn edges_of(
        &self,
        node: &'t Node,
        gml: bool,
        (a, b): (&NodeGroup, &NodeGroup),
        rated: bool,
    ) -> Option<(Edges, Vec<LinkPatch>)> {
        let name = self.text(node)?;
        let path = self.base.join(Path::new(name));
        let length = std::fs::metadata(&path).map(|metadata| metadata.len());
        if length.is_ok_and(|length| length > FILE_BYTES_MAX) {
            return self.refuse(node.span, format!("{} is too large", quoted(name)), "");
        }
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                return self.refuse(
                    node.span,
                    format!("cannot read {}: {}", quoted(name), reason_of(&error)),
                    "names are relative to the scenario's directory",
                );
            }
        };
        let names = Names::new((&a.name, a.count), (&b.name, b.count));
        let mut values = Values::new(&self.base, rated);
        let read = if gml {
            gml::read(&text, &names, &mut values)
        } else {
            edges::read(&text, &names, &mut values)
        };
        match read {
            Ok(edges) => Some((edges, values.all)),
            Err(EdgeError {
                line,
                column,
                reason,
                hint,
            }) => self.refuse(node.span, format!("{name}:{line}:{column}: {reason}"), hint),
        }
    }

    /// Every node of both groups must have an edge, or it could reach nobody.
    fn all_reached(
        &self,
        place: Span,
        edges: &[(u32, u32)],
        (a, b): (&NodeGroup, &NodeGroup),
    ) -> Option<()> {
        for (group, of) in [(a, 0), (b, 1)] {
            let mut reached = vec![false; group.count];
            for edge in edges {
                let member = if of == 0 { edge.0 } else { edge.1 };
                if let Some(seen) = reached.get_mut(member as usize) {
                    *seen = true;
                }
            }
            if let Some(member) = reached.iter().position(|seen| !seen) {
                let other = if of == 0 { b } else { a };
                return self.refuse(
                    place,
                    format!(
                        "`{}[{member}]` has no link to any node of `{}`",
                        group.name, other.name
                    ),
                    "add an edge for it, or make the group smaller",
                );
            }
        }
        Some(())
    }
}
