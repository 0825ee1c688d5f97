//! The TOML parser's errors in words that say what to do.
//!
//! The parser goes on after an error and often reports what only follows from it. Kept are the
//! errors that stand on their own (a value without quotes, a key given twice), up to the first one
//! after which the structure of the text is lost.

use super::{Table, Value};
use crate::diagnostic::{Diagnostic, Span, quoted};

/// Messages for the parser's `errors` about `text`; `root` is what it could recover.
pub(super) fn messages(
    source: usize,
    text: &str,
    root: &Table,
    errors: &[toml::de::Error],
) -> Vec<Diagnostic> {
    let mut kept = Vec::new();
    let mut inside_duplicate: Option<usize> = None;
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let at = Span::new(source, span.clone());
        let message = error.message().trim();
        if message.starts_with("duplicate key") {
            // The keys of a table that is given twice are no further slips.
            let follows = inside_duplicate
                .is_some_and(|from| !text.get(from..span.start).unwrap_or("").contains("\n["));
            if !follows {
                let is_header = line_at(text, span.start).trim_start().starts_with('[');
                inside_duplicate = is_header.then_some(span.start);
                let first = if is_header {
                    header_before(text, span.start).map(|range| Span::new(source, range))
                } else {
                    earlier(root, text.get(span.clone()).unwrap_or(""), at)
                };
                kept.push(duplicate(
                    at,
                    text.get(span).unwrap_or(""),
                    first,
                    is_header,
                ));
            }
        } else if message.starts_with("string values must be quoted") {
            kept.push(unquoted(at, text, span.start));
        } else {
            kept.push(broken(source, text, span, message));
            break;
        }
    }
    kept
}

fn duplicate(at: Span, key: &str, first: Option<Span>, is_header: bool) -> Diagnostic {
    let what = if is_header { "table" } else { "key" };
    let diagnostic = Diagnostic::at(at, format!("the {what} {} is given twice", quoted(key))).hint(
        format!("give one of them another name, or make one {what} of both"),
    );
    match first {
        Some(first) => diagnostic.related(first, "it is first given here"),
        None => diagnostic,
    }
}

/// The first line with the same table header as the line around `at`, if it stands before it.
fn header_before(text: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let header = line_at(text, at).trim();
    let start = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    let mut offset = 0;
    for line in text.get(..start)?.split_inclusive('\n') {
        if line.trim() == header {
            let indent = line.len() - line.trim_start().len();
            return Some(offset + indent..offset + indent + header.len());
        }
        offset += line.len();
    }
    None
}

/// The last place before `at` where `key` stands as a key.
fn earlier(table: &Table, key: &str, at: Span) -> Option<Span> {
    table
        .entries
        .iter()
        .flat_map(|entry| {
            let own = (entry.key == key && entry.key_span < at).then_some(entry.key_span);
            let deeper = match &entry.node.value {
                Value::Table(table) => earlier(table, key, at),
                _ => None,
            };
            [own, deeper]
        })
        .flatten()
        .max()
}

fn unquoted(at: Span, text: &str, start: usize) -> Diagnostic {
    let Some((key, value)) = key_and_value(text, start) else {
        return Diagnostic::at(at, "this value has no quotes").hint("write it as a string");
    };
    let whole = Span::new(at.source as usize, start..start + value.len());
    Diagnostic::at(whole, format!("{} has no quotes", quoted(value))).hint(format!(
        "quantities, laws and names are strings: write `{key} = \"{value}\"`"
    ))
}

/// The key of the line around `at`, and the bare value that starts there.
fn key_and_value(text: &str, at: usize) -> Option<(&str, &str)> {
    let line = line_at(text, at);
    let start = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    let key = line.get(..at - start)?.trim().strip_suffix('=')?.trim();
    let value = line.get(at - start..)?.split('#').next()?.trim_end();
    let short = value.len() <= 60 && key.len() <= 60;
    (short && !key.is_empty() && !value.contains(['"', '\''])).then_some((key, value))
}

fn line_at(text: &str, at: usize) -> &str {
    let start = text
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    text.get(start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default()
}

fn broken(source: usize, text: &str, span: std::ops::Range<usize>, message: &str) -> Diagnostic {
    let at = Span::new(source, span.clone());
    if message.starts_with("invalid basic string") || message.starts_with("invalid literal string")
    {
        return Diagnostic::at(at, "this string does not end on its line")
            .hint("add the closing quote, or take away a stray one");
    }
    if message.contains("recurs") {
        return Diagnostic::at(at, "tables and lists are nested too deeply up to here");
    }
    let diagnostic = Diagnostic::at(at, message);
    match unclosed(text, span.start) {
        Some((at, bracket)) => diagnostic.related(
            Span::new(source, at..at + 1),
            format!("this `{bracket}` is not closed"),
        ),
        None => diagnostic,
    }
}

/// The last bracket before `end` that opens a list or inline table and is not closed.
fn unclosed(text: &str, end: usize) -> Option<(usize, char)> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut comment = false;
    for (at, c) in text.get(..end)?.char_indices() {
        match (quote, c) {
            // No string goes on after its line: a stray quote must not hide what follows.
            (_, '\n') => (quote, comment) = (None, false),
            _ if comment => {}
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => comment = true,
            (None, '[' | '{') => open.push((at, c)),
            (None, ']' | '}') => {
                open.pop();
            }
            _ => {}
        }
    }
    open.first().copied()
}
