//! Edge lists as CSV: a header `from,to`, then one edge a line; `delay`, `loss` and `rate` may follow.

use super::values::{Cell, KEYS, Values};
use crate::diagnostic::suggestions;
use crate::scenario::{LinkGroup, NodeGroup, ProtocolChoice, roles_talk};

/// The edges of a file, ascending, and for each the number of its values (0: none).
pub(super) type Edges = Vec<((u32, u32), u16)>;

/// Why a file of edges is refused, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EdgeError {
    /// From 1.
    pub(super) line: usize,
    /// From 1.
    pub(super) column: usize,
    pub(super) reason: String,
    pub(super) hint: String,
}

/// Whether nodes of one group may have links with each other.
pub(super) fn may_be_neighbours(group: &NodeGroup, choice: &ProtocolChoice) -> bool {
    group.is_relay() || roles_talk(choice.protocol, (group.role, group.role))
}

/// The nodes of a link's groups by name: `device[3]`, or `device` where the group has one node.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// Those of the link: one group or two, and whether their nodes may have links with each other.
    own: Vec<(&'a str, usize, bool)>,
    /// All others of the scenario, if edges with them are left to other links.
    others: Option<Vec<(&'a str, usize)>>,
}

/// A node of a link.
type Found = Option<(usize, u32)>;

impl<'a> Names<'a> {
    pub(super) fn new(
        link: &LinkGroup,
        (groups, choice): (&'a [NodeGroup], &ProtocolChoice),
        skips: bool,
    ) -> Self {
        let mut own = vec![link.a, link.b];
        own.dedup();
        let named = |index: &usize| {
            let group = &groups[*index];
            let inner = may_be_neighbours(group, choice);
            (group.name.as_str(), group.count, inner)
        };
        let others = (0..groups.len()).filter(|index| !own.contains(index));
        Self {
            others: skips.then(|| {
                let all = others.map(|index| (groups[index].name.as_str(), groups[index].count));
                all.collect()
            }),
            own: own.iter().map(named).collect(),
        }
    }

    /// Number of nodes of the first group, and of both.
    pub(super) fn counts(&self) -> (usize, usize) {
        let all = self.own.iter().map(|group| group.1).sum();
        (self.own.first().map_or(0, |group| group.1), all)
    }

    /// The name of a node that is numbered through both groups.
    pub(super) fn name(&self, node: usize) -> String {
        let of_a = self.counts().0;
        match (node.checked_sub(of_a), self.own.get(1)) {
            (Some(member), Some(group)) => format!("{}[{member}]", group.0),
            _ => format!("{}[{node}]", self.own.first().map_or("", |group| group.0)),
        }
    }

    /// Group (0 or 1) and member of a name; none for a node of another group.
    ///
    /// # Errors
    ///
    /// Reason and hint.
    pub(super) fn find(&self, name: &str) -> Result<Found, (String, String)> {
        let (group, member) = match name.split_once('[') {
            Some((group, rest)) => {
                let number = rest
                    .strip_suffix(']')
                    .and_then(|digits| digits.parse().ok());
                (group, number)
            }
            None => (name, Some(0)),
        };
        let own = self.own.iter().map(|known| (known.0, known.1));
        let others = self.others.iter().flatten().copied();
        let mut all = own.chain(others).enumerate();
        let found = all.find(|(_, known)| known.0 == group);
        let (Some((place, (_, count))), Some(member)) = (found, member) else {
            let known = self.own.iter().map(|known| known.0);
            let [meant, list] = suggestions(group, "groups of this link", known);
            let hint = if meant.is_empty() { list } else { meant };
            return Err((format!("`{name}` is no node of this link"), hint));
        };
        let whole = name.contains('[') || count == 1;
        match usize::try_from(member) {
            Ok(number) if number < count && whole => {
                Ok((place < self.own.len()).then_some((place, member)))
            }
            _ => Err((
                format!("`{name}` is no node: `{group}` has {count}"),
                format!("write `{group}[0]` to `{group}[{}]`", count - 1),
            )),
        }
    }

    /// The edge between two names, numbered through both groups: from the first group to the second,
    /// whichever comes first in the file, and as written within a group. None where another link
    /// has it.
    pub(super) fn edge(&self, one: &str, other: &str) -> Result<Option<(u32, u32)>, Misnamed> {
        let one_found = self.find(one).map_err(|error| (0, error))?;
        let other_found = self.find(other).map_err(|error| (1, error))?;
        let (Some(from), Some(to)) = (one_found, other_found) else {
            return Ok(None);
        };
        let of_a = u32::try_from(self.counts().0).unwrap_or(u32::MAX);
        match (from, to) {
            ((0, a), (1, b)) | ((1, b), (0, a)) => Ok(Some((a, of_a + b))),
            ((place, from), (_, to)) => {
                let (name, _, inner) = self.own[place];
                if !inner {
                    let groups: Vec<&str> = self.own.iter().map(|group| group.0).collect();
                    return Err((
                        1,
                        (
                            format!("`{one}` and `{other}` are of the same group"),
                            format!(
                                "this link joins `{}`; nodes of `{name}` are no relays",
                                groups.join("` with `")
                            ),
                        ),
                    ));
                }
                if from == to {
                    return Err((
                        1,
                        (
                            format!("this edge joins `{one}` with itself"),
                            "a link has two ends".to_owned(),
                        ),
                    ));
                }
                if self.others.is_some() && self.own.len() > 1 {
                    // Those of a link of this group with itself.
                    return Ok(None);
                }
                let offset = if place == 0 { 0 } else { of_a };
                Ok(Some((offset + from, offset + to)))
            }
        }
    }
}

/// Which of two names is wrong, with reason and hint.
pub(super) type Misnamed = (usize, (String, String));

/// An edge with its number of values, and its line and column.
pub(super) type Placed = ((u32, u32), (usize, usize), u16);

/// Sorts edges and refuses one that is there twice.
pub(super) fn each_once(mut edges: Vec<Placed>) -> Result<Edges, EdgeError> {
    // An edge is the same whichever of its ends comes first.
    let ends = |edge: &Placed| (edge.0.0.min(edge.0.1), edge.0.0.max(edge.0.1), edge.1);
    edges.sort_unstable_by_key(ends);
    for pair in edges.windows(2) {
        let (one, other) = (ends(&pair[0]), ends(&pair[1]));
        if (one.0, one.1) == (other.0, other.1) {
            let (line, column) = pair[1].1;
            return Err(EdgeError {
                line,
                column,
                reason: format!("this edge stands in line {} too", pair[0].1.0),
                hint: "each pair of nodes has one link".to_owned(),
            });
        }
    }
    edges.sort_unstable();
    let edges = edges.into_iter().map(|(edge, _, values)| (edge, values));
    Ok(edges.collect())
}

/// The fields of a line, trimmed and without quotes, with their columns.
fn fields(line: &str) -> Vec<(String, usize)> {
    let mut fields = Vec::new();
    let (mut text, mut start, mut quoted) = (String::new(), 1, false);
    let mut next = 1;
    for c in line.chars() {
        next += 1;
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                fields.push((text.trim().to_owned(), start));
                text.clear();
                start = next;
            }
            _ => text.push(c),
        }
    }
    fields.push((text.trim().to_owned(), start));
    fields
}

/// Which of [`KEYS`] each column after `from,to` is.
fn columns(header: &[(String, usize)], line: usize) -> Result<Vec<usize>, EdgeError> {
    let error = |column, reason: String| EdgeError {
        line,
        column,
        reason,
        hint: "the first line is `from,to`; `delay`, `loss` and `rate` may follow".to_owned(),
    };
    let names: Vec<&str> = header.iter().map(|field| field.0.as_str()).collect();
    let ["from", "to", rest @ ..] = &names[..] else {
        return Err(error(1, format!("the columns are `{}`", names.join(","))));
    };
    let mut found = Vec::new();
    for (name, (_, column)) in rest.iter().zip(&header[2..]) {
        match KEYS.iter().position(|key| key == name) {
            Some(key) if found.contains(&key) => {
                return Err(error(
                    *column,
                    format!("the column `{name}` is there twice"),
                ));
            }
            Some(key) => found.push(key),
            None => return Err(error(*column, format!("there is no column `{name}`"))),
        }
    }
    Ok(found)
}

/// Reads a CSV edge list.
///
/// # Errors
///
/// The first thing that is wrong.
pub(super) fn read(
    text: &str,
    names: &Names<'_>,
    values: &mut Values<'_>,
) -> Result<Edges, EdgeError> {
    let error = |line, column, reason: String, hint: &str| EdgeError {
        line,
        column,
        reason,
        hint: hint.to_owned(),
    };
    let mut header = None;
    let mut edges = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let fields = fields(line);
        let Some(keys) = &header else {
            header = Some(columns(&fields, number)?);
            continue;
        };
        let [one, other, rest @ ..] = &fields[..] else {
            return Err(error(
                number,
                1,
                format!("this line has {} fields", fields.len()),
                "an edge is `device[0],server[0]`",
            ));
        };
        if rest.len() != keys.len() {
            return Err(error(
                number,
                1,
                format!("this line has {} fields", fields.len()),
                "it needs as many as the first line; an empty one keeps the link's value",
            ));
        }
        let edge = names
            .edge(&one.0, &other.0)
            .map_err(|(field, (reason, hint))| EdgeError {
                line: number,
                column: [one.1, other.1][field.min(1)],
                reason,
                hint,
            })?;
        let mut cells: [Cell; 3] = Default::default();
        for (key, (text, column)) in keys.iter().zip(rest) {
            cells[*key] = Cell {
                text: text.clone(),
                at: (number, *column),
            };
        }
        let Some(edge) = edge else {
            continue;
        };
        edges.push((edge, (number, 1), values.number(&cells)?));
    }
    if edges.is_empty() {
        return Err(error(
            1,
            1,
            "there is no edge".to_owned(),
            "the first line is `from,to`, then one edge a line",
        ));
    }
    each_once(edges)
}
