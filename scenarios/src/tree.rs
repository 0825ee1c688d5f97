//! The scenario file as one tree whose every key and value knows its position.
//!
//! The tree is all that the typed reader sees. It is built from TOML here; any other notation with
//! positions can build the same tree. Overrides are applied to it before anything is read, so a
//! value given by `--set` passes the same checks as one in the file and its messages point into the
//! argument.

mod syntax;
mod text;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Span, listed, quoted, suggestions};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: Value,
    /// Where it stands; for a table written as `[header]`, the header.
    pub(crate) span: Span,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date and time, as written.
    Datetime(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Value {
    /// What it is, with its article.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "a truth value",
            Self::Datetime(_) => "a date and time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A table: its entries in the order of the file, each key once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// The entries.
    pub(crate) entries: Vec<Entry>,
}

/// An entry of a table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands (first).
    pub(crate) key_span: Span,
    /// Its value.
    pub(crate) node: Node,
}

impl Table {
    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of `key`.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Parses source number `source`.
///
/// # Errors
///
/// Everything that is no TOML, duplicate keys and tables, and nesting that is too deep.
pub(crate) fn parse(source: usize, text: &str) -> Result<Node, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let span = Span::new(source, 0..0);
        return Ok(Node {
            value: Value::Table(convert_table(source, table.get_ref())),
            span,
        });
    }
    let root = convert_table(source, table.get_ref());
    Err(syntax::messages(source, text, &root, &errors))
}

fn convert_table(source: usize, table: &DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: Span::new(source, key.span()),
            node: convert(source, value),
        })
        .collect();
    // The parser sorts by key; the file's own order is that of the positions.
    entries.sort_by_key(|entry| entry.key_span);
    Table { entries }
}

fn convert(source: usize, value: &Spanned<DeValue<'_>>) -> Node {
    let span = Span::new(source, value.span());
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Float(f64::INFINITY), Value::Integer),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(value) => Value::Datetime(value.to_string()),
        DeValue::Array(list) => {
            Value::List(list.iter().map(|node| convert(source, node)).collect())
        }
        DeValue::Table(table) => Value::Table(convert_table(source, table)),
    };
    Node { value, span }
}

/// Applies one `--set` argument, which is source number `source` with the text `path=value`.
///
/// The value is read as a TOML value; what is none stands for a string, so `10ms`, `5%` and `exp(1h)`
/// need no quotes. An element of a list is named by its `id` or its number from 0.
///
/// # Errors
///
/// The path is none, leads through a value that is no table, or the value is a broken TOML value.
pub(crate) fn apply(
    root: &mut Node,
    source: usize,
    path: &str,
    value: &str,
) -> Result<(), Diagnostic> {
    let steps = parse_path(source, path)?;
    let value = parse_value(source, path.len() + 1, value)?;
    insert(root, &steps, value)
}

fn parse_path(source: usize, path: &str) -> Result<Vec<(String, Span)>, Diagnostic> {
    let whole = Span::new(source, 0..path.len());
    let broken = || {
        Diagnostic::at(whole, format!("{} is no path of a value", quoted(path)))
            .hint("a path names tables and a key, joined by dots: `nodes.device.count=10`")
    };
    if path.contains(['\n', '\r', '=', '#']) {
        return Err(broken());
    }
    let probe = format!("{path}=0");
    let table = DeTable::parse(&probe).map_err(|_| broken())?;
    let mut steps = Vec::new();
    let mut level = table.get_ref();
    loop {
        let mut entries = level.iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else {
            return Err(broken());
        };
        steps.push((key.get_ref().to_string(), Span::new(source, key.span())));
        match value.get_ref() {
            DeValue::Table(next) => level = next,
            _ => return Ok(steps),
        }
    }
}

/// Reads a value that stands alone in source number `source`, `offset` bytes from its start; what is
/// no TOML value is a string.
pub(crate) fn parse_value(source: usize, offset: usize, text: &str) -> Result<Node, Diagnostic> {
    let whole = Span::new(source, offset..offset + text.len());
    match DeValue::parse(text) {
        Ok(value) => {
            let mut node = convert(source, &value);
            shift(&mut node, offset);
            Ok(node)
        }
        Err(error) if text.starts_with(['"', '\'', '[', '{']) => {
            let span = error.span().unwrap_or(0..text.len());
            Err(Diagnostic::at(
                Span::new(source, offset + span.start..offset + span.end),
                error.message().trim(),
            ))
        }
        Err(_) => Ok(Node {
            value: Value::Text(text.to_owned()),
            span: whole,
        }),
    }
}

fn shift(node: &mut Node, offset: usize) {
    let moved = |span: Span| {
        Span::new(
            span.source as usize,
            span.start as usize + offset..span.end as usize + offset,
        )
    };
    node.span = moved(node.span);
    match &mut node.value {
        Value::List(list) => list.iter_mut().for_each(|node| shift(node, offset)),
        Value::Table(table) => {
            for entry in &mut table.entries {
                entry.key_span = moved(entry.key_span);
                shift(&mut entry.node, offset);
            }
        }
        _ => {}
    }
}

/// Puts `value` at the end of a path; tables that are not there are made.
///
/// # Errors
///
/// The path leads through a value that is no table, or to no element of a list.
pub(crate) fn insert(
    at: &mut Node,
    steps: &[(String, Span)],
    value: Node,
) -> Result<(), Diagnostic> {
    let Some(((name, span), rest)) = steps.split_first() else {
        *at = value;
        return Ok(());
    };
    let kind = at.value.kind();
    match &mut at.value {
        Value::Table(table) => {
            let index = table.entries.iter().position(|entry| entry.key == *name);
            let index = index.unwrap_or_else(|| {
                table.entries.push(Entry {
                    key: name.clone(),
                    key_span: *span,
                    node: Node {
                        value: Value::Table(Table::default()),
                        span: *span,
                    },
                });
                table.entries.len() - 1
            });
            insert(&mut table.entries[index].node, rest, value)
        }
        Value::List(list) => {
            let ids: Vec<Option<String>> = list.iter().map(id_of).collect();
            let by_id = ids.iter().position(|id| id.as_deref() == Some(name));
            let index = by_id.or_else(|| name.parse().ok().filter(|&index| index < list.len()));
            let Some(index) = index else {
                let names = ids.iter().flatten().map(String::as_str);
                let [meant, _] = suggestions(name, "ids", names.clone());
                return Err(Diagnostic::at(
                    *span,
                    format!("there is no element {} in this list", quoted(name)),
                )
                .hint(meant)
                .hint(format!(
                    "elements are named by their ids, {}, or counted from 0 to {}",
                    listed(names),
                    list.len().saturating_sub(1)
                )));
            };
            insert(&mut list[index], rest, value)
        }
        _ => Err(Diagnostic::at(
            *span,
            format!(
                "{} cannot be set: what holds it is {kind}, not a table",
                quoted(name)
            ),
        )
        .related(at.span, "this is the value")
        .hint("a path ends at the value that it sets")),
    }
}

/// Whether `node` is a table whose `id` is `id`.
pub(crate) fn has_id(node: &Node, id: &str) -> bool {
    id_of(node).as_deref() == Some(id)
}

fn id_of(node: &Node) -> Option<String> {
    let Value::Table(table) = &node.value else {
        return None;
    };
    match &table.get("id")?.value {
        Value::Text(id) => Some(id.clone()),
        _ => None,
    }
}
