//! The key `topology` of a link: which nodes of its two groups are joined, by a rule or by a file.

mod edges;
mod gml;
mod rules;
mod values;

use std::path::Path;

use self::edges::{EdgeError, Edges, Names};
use self::rules::Rule;
use self::values::Values;
use super::section::{Reading, Section};
use crate::diagnostic::{Span, quoted};
use crate::law::reason_of;
use crate::scenario::{LinkGroup, LinkPatch, NodeGroup, ProtocolChoice, Topology};
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
    /// The edges of a file; whether it is GML, whether edges of others are left to other links.
    File(&'t Node, bool, bool),
    /// A ring, a tree, or edges in the scenario itself.
    Rule(Rule<'t>),
}

impl<'t> Reading<'t> {
    /// The key's value.
    pub(crate) fn topology(&self, section: &Section<'t>) -> Option<Written<'t>> {
        let Some(node) = section.get("topology") else {
            return Some(Written::Star);
        };
        if !matches!(&node.value, Value::Table(_)) {
            let words = ["star", "full", "segment", "ring", "tree"];
            return Some(match self.choice(node, "topologies", "topology", words)? {
                0 => Written::Star,
                3 => Written::Rule(Rule::Ring),
                4 => Written::Rule(Rule::BINARY_TREE),
                _ => Written::Full,
            });
        }
        let table = self.section(format!("{}.topology", section.path), node)?;
        let (random, csv, gml) = (table.get("random"), table.get("csv"), table.get("gml"));
        let (tree, edges) = (table.get("tree"), table.get("edges"));
        let others = table.get("others");
        table.finish(self);
        let skips = match others {
            None => false,
            Some(node) if csv.or(gml).is_some() => {
                self.choice(node, "words", "word", ["skip"])?;
                true
            }
            Some(node) => {
                return self.refuse(
                    node.span,
                    "only a file can have edges between other groups",
                    "leave `others` out",
                );
            }
        };
        match [random, csv, gml, tree, edges] {
            [Some(node), None, None, None, None] => self
                .integer(node, 1, u64::from(u32::MAX))
                .and_then(|k| u32::try_from(k).ok())
                .map(Written::Random),
            [None, Some(node), None, None, None] => Some(Written::File(node, false, skips)),
            [None, None, Some(node), None, None] => Some(Written::File(node, true, skips)),
            [None, None, None, Some(node), None] => self.tree(&table, node).map(Written::Rule),
            [None, None, None, None, Some(node)] => {
                Some(Written::Rule(Rule::Listed(self.list(node)?)))
            }
            _ => self.refuse(
                node.span,
                "a topology has one source",
                "write `topology = { random = 3 }`, `{ tree = 3 }`, `{ csv = \"edges.csv\" }`, \
                 `{ gml = \"net.gml\" }` or `{ edges = [[\"device[0]\", \"server[0]\"]] }`",
            ),
        }
    }

    /// Fills in the pairs that a link group's topology joins, and what a file says about each.
    pub(crate) fn join(
        &self,
        link: &mut LinkGroup,
        (groups, choice): (&[NodeGroup], &ProtocolChoice),
        written: &Written<'t>,
        section: &Section<'t>,
    ) -> Option<()> {
        self.check_own_group(link, (groups, choice), written, section)?;
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
            Written::Full if link.a == link.b => {
                let nodes = a.count as u64;
                limit(nodes * nodes.saturating_sub(1) / 2)?;
                Some(Topology::Joint(rules::all_pairs(a.count)))
            }
            Written::Rule(rule) => {
                let names = Names::new(link, (groups, choice), false);
                let edges = self.edges_by_rule(rule, &names, (link.a == link.b, place))?;
                Some(self.as_topology(edges, link, groups))
            }
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
            Written::File(node, gml, skips) => {
                let rated = [&link.up, &link.down]
                    .iter()
                    .all(|side| side.rate_bps.is_some());
                let names = Names::new(link, (groups, choice), *skips);
                let (edges, values) = self.edges_of(node, *gml, &names, rated)?;
                let (edges, numbers): (Vec<_>, Vec<u16>) = edges.into_iter().unzip();
                let topology = self.as_topology(edges, link, groups);
                // Where there are relays, the ways of the whole network say who is reached.
                if let Topology::Edges(edges) = &topology
                    && !groups.iter().any(NodeGroup::is_relay)
                {
                    self.all_reached(place, edges, (a, b))?;
                }
                if !values.is_empty() {
                    link.own.values = values;
                    link.own.edges = numbers;
                }
                Some(topology)
            }
        };
        Some(())
    }

    /// Reads a file of edges between two groups.
    fn edges_of(
        &self,
        node: &'t Node,
        gml: bool,
        names: &Names<'_>,
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
        let mut values = Values::new(&self.base, rated);
        let read = if gml {
            gml::read(&text, names, &mut values)
        } else {
            edges::read(&text, names, &mut values)
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

    /// Edges among all nodes of both groups, or between the two, as a topology.
    fn as_topology(
        &self,
        edges: Vec<(u32, u32)>,
        link: &LinkGroup,
        groups: &[NodeGroup],
    ) -> Topology {
        let of_a = u32::try_from(groups[link.a].count).unwrap_or(u32::MAX);
        if link.a != link.b && edges.iter().all(|&(a, b)| a < of_a && b >= of_a) {
            return Topology::Edges(edges.into_iter().map(|(a, b)| (a, b - of_a)).collect());
        }
        Topology::Joint(edges)
    }

    /// Links within one group are between relays, or between parties that the protocol lets talk to
    /// their like, and follow from a topology.
    fn check_own_group(
        &self,
        link: &LinkGroup,
        (groups, choice): (&[NodeGroup], &ProtocolChoice),
        written: &Written<'t>,
        section: &Section<'t>,
    ) -> Option<()> {
        if link.a != link.b {
            return Some(());
        }
        let group = &groups[link.a];
        if !edges::may_be_neighbours(group, choice) {
            return self.refuse(
                section.place_of("between"),
                "both ends of this link are the same group",
                format!(
                    "a link joins two different groups; nodes of role \"{}\" have nothing to say to \
                     each other and pass nothing on, which nodes of role \"relay\" do",
                    crate::scenario::role_name(choice.protocol, group.role)
                ),
            );
        }
        match written {
            Written::Star => self.refuse(
                section.place_of("between"),
                "links within one group need a topology",
                "write `topology = \"ring\"`, `\"tree\"`, `\"full\"`, `{ edges = [...] }`, or name a file",
            ),
            Written::Random(_) => self.refuse(
                section.place_of("topology"),
                "random partners are those of another group",
                "within one group a topology is \"ring\", \"tree\", \"full\", listed edges, or a file",
            ),
            _ => Some(()),
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
