//! Edge lists as CSV: a header `from,to`, then one edge a line.

use crate::diagnostic::suggestions;

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

/// Sorts edges and refuses one that is there twice; `places` are line and column of each.
pub(super) fn each_once(
    mut edges: Vec<((u32, u32), (usize, usize))>,
) -> Result<Vec<(u32, u32)>, EdgeError> {
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
    Ok(edges.into_iter().map(|(edge, _)| edge).collect())
}

/// Reads a CSV edge list.
///
/// # Errors
///
/// The first thing that is wrong.
pub(super) fn read(text: &str, names: &Names<'_>) -> Result<Vec<(u32, u32)>, EdgeError> {
    let error = |line, column, reason: String, hint: &str| EdgeError {
        line,
        column,
        reason,
        hint: hint.to_owned(),
    };
    let mut header = false;
    let mut edges = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if !header {
            if fields != ["from", "to"] {
                return Err(error(
                    number,
                    1,
                    format!("the columns are `{content}`"),
                    "the first line is `from,to`",
                ));
            }
            header = true;
            continue;
        }
        let column = |field: usize| {
            let before: usize = line
                .split(',')
                .take(field)
                .map(|part| part.chars().count() + 1)
                .sum();
            before + 1
        };
        let [one, other] = fields[..] else {
            return Err(error(
                number,
                1,
                format!("this line has {} fields", fields.len()),
                "an edge is `device[0],server[0]`",
            ));
        };
        let edge = names
            .edge(one, other)
            .map_err(|(field, (reason, hint))| EdgeError {
                line: number,
                column: column(field),
                reason,
                hint,
            })?;
        edges.push((edge, (number, 1)));
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
