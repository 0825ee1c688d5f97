//! Taking parts out of a scenario file.

use std::fmt;

use toml::{Table, Value};

use super::Goal;

/// Keys of a link that make it worse than it is without them.
const LINK_KEYS: &[&str] = &[
    "loss",
    "corrupt",
    "duplicate",
    "reorder",
    "queue",
    "arq",
    "rate",
    "mtu",
    "schedule",
];
/// Keys of a node group that it can do without.
const NODE_KEYS: &[&str] = &["profile", "clock", "supply", "storage", "backlog", "start"];
/// Keys of a workload that it can do without.
const WORKLOAD_KEYS: &[&str] = &["retry", "reprovision", "count"];

/// A part that may be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// A key or a table, by its path.
    Path(Vec<String>),
    /// An element of a list: path, place, and what it is called.
    Element(Vec<String>, usize, String),
    /// A group of nodes with everything that names it.
    Group(String),
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(&path.join(".")),
            Self::Element(path, _, name) => write!(f, "{} {name}", path.join(".")),
            Self::Group(name) => write!(f, "nodes.{name} with its links and workloads"),
        }
    }
}

/// The names of the tables below `part`, in the order of the file.
pub(super) fn names(table: &Table, part: &str) -> Vec<String> {
    let inner = table.get(part).and_then(Value::as_table);
    inner.map_or_else(Vec::new, |inner| inner.keys().cloned().collect())
}

/// Everything that may be taken away, large parts first; of a list the last element first, so that
/// places stay what they are.
pub(super) fn removals(table: &Table) -> Vec<Removal> {
    let mut all = Vec::new();
    let path = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    all.extend(names(table, "nodes").into_iter().map(Removal::Group));
    for part in ["adversaries", "faults", "workload", "links", "media"] {
        for name in names(table, part) {
            all.push(Removal::Path(path(&[part, &name])));
        }
    }
    for name in names(table, "adversaries") {
        for list in ["rules", "knows", "powers"] {
            let items = at(table, &["adversaries", &name, list]).and_then(Value::as_array);
            let items = items.map_or(&[][..], Vec::as_slice);
            for (index, item) in items.iter().enumerate().rev() {
                let named = ["id", "secret"]
                    .iter()
                    .find_map(|key| item.get(key)?.as_str());
                let called = named
                    .or_else(|| item.as_str())
                    .map_or_else(|| format!("number {}", index + 1), str::to_owned);
                all.push(Removal::Element(
                    path(&["adversaries", &name, list]),
                    index,
                    called,
                ));
            }
        }
    }
    for (part, keys) in [
        ("links", LINK_KEYS),
        ("nodes", NODE_KEYS),
        ("workload", WORKLOAD_KEYS),
    ] {
        for name in names(table, part) {
            for key in keys {
                if at(table, &[part, &name, key]).is_some() {
                    all.push(Removal::Path(path(&[part, &name, key])));
                }
            }
        }
    }
    all
}

/// The value at a path.
fn at<'t>(table: &'t Table, path: &[&str]) -> Option<&'t Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    rest.iter().try_fold(value, |value, key| value.get(*key))
}

/// The table at a path, to be changed.
fn inner<'t>(table: &'t mut Table, path: &[&str]) -> Option<&'t mut Table> {
    let Some((first, rest)) = path.split_first() else {
        return Some(table);
    };
    inner(table.get_mut(*first)?.as_table_mut()?, rest)
}

/// The scenario with another value at a path whose tables exist.
pub(super) fn set(table: &Table, path: &[&str], value: Value) -> Option<Table> {
    let mut table = table.clone();
    let (last, tables) = path.split_last()?;
    inner(&mut table, tables)?.insert((*last).to_owned(), value);
    Some(table)
}

/// The scenario without a part; `None` where it has none.
pub(super) fn without(table: &Table, removal: &Removal) -> Option<Table> {
    let mut table = table.clone();
    match removal {
        Removal::Path(path) => remove(&mut table, path)?,
        Removal::Element(path, index, _) => {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let (last, tables) = parts.split_last()?;
            let list = inner(&mut table, tables)?.get_mut(*last)?.as_array_mut()?;
            if *index >= list.len() {
                return None;
            }
            list.remove(*index);
        }
        Removal::Group(name) => group(&mut table, name)?,
    }
    Some(table)
}

/// Removes a key, and tables that it leaves empty above the named ones.
fn remove(table: &mut Table, path: &[String]) -> Option<()> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let (last, tables) = parts.split_last()?;
    let holder = inner(table, tables)?;
    holder.remove(*last)?;
    if holder.is_empty() && tables.len() == 1 {
        table.remove(tables[0]);
    }
    Some(())
}

/// Removes a group, the links that end at it, and what names either.
fn group(table: &mut Table, name: &str) -> Option<()> {
    remove(table, &[String::from("nodes"), name.to_owned()])?;
    let says = |item: &Value, key: &str, name: &str| match item.get(key) {
        Some(Value::String(text)) => text.split('[').next() == Some(name),
        Some(Value::Array(list)) => list.iter().any(|it| it.as_str() == Some(name)),
        _ => false,
    };
    let mut gone: Vec<String> = Vec::new();
    for (part, keys) in [
        ("links", &["between"][..]),
        ("workload", &["from", "to"][..]),
        ("faults", &["target"][..]),
        ("adversaries", &["as"][..]),
    ] {
        for item in names(table, part) {
            let named = at(table, &[part, &item])
                .is_some_and(|value| keys.iter().any(|key| says(value, key, name)));
            if named {
                remove(table, &[part.to_owned(), item.clone()])?;
                gone.push(item);
            }
        }
    }
    for item in names(table, "adversaries") {
        let stands = at(table, &["adversaries", &item]).is_some_and(|value| {
            let mut links = gone.iter();
            links.any(|link| says(value, "on", link) || says(value, "at", link))
        });
        if stands {
            remove(table, &[String::from("adversaries"), item])?;
        }
    }
    Some(())
}

/// What a small run keeps: everything that tells its story.
pub(super) fn output() -> Value {
    let traces = ["sessions", "messages", "desync", "steps"];
    let traces = traces.map(|trace| Value::String(trace.to_owned()));
    let mut table = Table::new();
    table.insert(String::from("traces"), Value::Array(traces.to_vec()));
    Value::Table(table)
}

/// The file: the scenario, with what it shows and what was taken away in its first lines.
pub(super) fn text(table: &Table, goal: &Goal, taken: &[String]) -> String {
    let mut text = format!("# The smallest scenario found with the verdict: {goal}.\n");
    for line in taken {
        text.push_str(&format!("# Without {line}\n"));
    }
    text.push('\n');
    // What was tried is what is written.
    text.push_str(&toml::to_string(table).unwrap_or_default());
    text
}
