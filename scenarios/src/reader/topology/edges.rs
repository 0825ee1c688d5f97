//! Edge lists as CSV: a header `from,to`, then one edge a line; `delay`, `loss` and `rate` may follow.

use super::values::{Cell, KEYS, Values};
use crate::diagnostic::suggestions;

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

/// The nodes of two groups by name: `device[3]`, or `device` where the group has one node.
#[derive(Debug)]
pub(super) struct Names<'a> {
    groups: [(&'a str, usize); 2],
}

impl<'a> Names<'a> {
    pub(super) const fn new(a: (&'a str, usize), b: (&'a str, usize)) -> Self {
        Self { groups: [a, b] }
    }

    /// Group (0 or 1) and member of a name.
    ///
    /// # Errors
    ///
    /// Reason and hint.
    pub(super) fn find(&self, name: &str) -> Result<(usize, u32), (String, String)> {
        let (group, member) = match name.split_once('[') {
            Some((group, rest)) => {
                let number = rest
                    .strip_suffix(']')
                    .and_then(|digits| digits.parse().ok());
                (group, number)
            }
            None => (name, Some(0)),
        };
        let place = self.groups.iter().position(|known| known.0 == group);
        let (Some(place), Some(member)) = (place, member) else {
            let known = self.groups.iter().map(|known| known.0);
            let [meant, list] = suggestions(group, "groups of this link", known);
            let hint = if meant.is_empty() { list } else { meant };
            return Err((format!("`{name}` is no node of this link"), hint));
        };
        let count = self.groups[place].1;
        let whole = name.contains('[') || count == 1;
        match usize::try_from(member) {
            Ok(number) if number < count && whole => Ok((place, member)),
            _ => Err((
                format!("`{name}` is no node: `{group}` has {count}"),
                format!("write `{group}[0]` to `{group}[{}]`", count - 1),
            )),
        }
    }

    /// The edge between two names, whichever comes first in the file.
    pub(super) fn edge(
        &self,
        one: &str,
        other: &str,
    ) -> Result<(u32, u32), (usize, (String, String))> {
        let one_found = self.find(one).map_err(|error| (0, error))?;
        let other_found = self.find(other).map_err(|error| (1, error))?;
        match (one_found, other_found) {
            ((0, a), (1, b)) | ((1, b), (0, a)) => Ok((a, b)),
            _ => Err((
                1,
                (
                    format!("`{one}` and `{other}` are of the same group"),
                    format!(
                        "this link joins `{}` with `{}`",
                        self.groups[0].0, self.groups[1].0
                    ),
                ),
            )),
        }
    }
}

/// An edge with its number of values, and its line and column.
pub(super) type Placed = ((u32, u32), (usize, usize), u16);

/// Sorts edges and refuses one that is there twice.
pub(super) fn each_once(mut edges: Vec<Placed>) -> Result<Edges, EdgeError> {
    edges.sort_unstable();
    for pair in edges.windows(2) {
        if pair[0].0 == pair[1].0 {
            let (line, column) = pair[1].1;
            return Err(EdgeError {
                line,
                column,
                reason: format!("this edge stands in line {} too", pair[0].1.0),
                hint: "each pair of nodes has one link".to_owned(),
            });
        }
    }
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
