//! GML: `graph [ node [ id 0 label "device[0]" ] edge [ source 0 target 1 ] ]`.
//!
//! Nodes are named by their `label`; an edge may have `delay`, `loss` and `rate`. Keys that would mean
//! something elsewhere (weights, positions) are refused, since they would be ignored here.

use std::collections::BTreeMap;

use super::edges::{EdgeError, Edges, Names, each_once};
use super::values::{Cell, Values};

/// A word of the file and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    quoted: bool,
    at: (usize, usize),
}

fn refuse(at: (usize, usize), reason: impl Into<String>, hint: &str) -> EdgeError {
    EdgeError {
        line: at.0,
        column: at.1,
        reason: reason.into(),
        hint: hint.to_owned(),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, EdgeError> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut chars = line.chars().zip(1..).peekable();
        while let Some(&(c, column)) = chars.peek() {
            let at = (number, column);
            if c == '#' {
                break;
            }
            if c.is_whitespace() {
                chars.next();
                continue;
            }
            let mut word = String::new();
            let quoted = c == '"';
            if quoted {
                chars.next();
                let closed = loop {
                    match chars.next() {
                        Some(('"', _)) => break true,
                        Some((c, _)) => word.push(c),
                        None => break false,
                    }
                };
                if !closed {
                    return Err(refuse(at, "this text has no end", "close it with `\"`"));
                }
            } else if c == '[' || c == ']' {
                chars.next();
                word.push(c);
            } else {
                while let Some(&(c, _)) = chars.peek() {
                    if c.is_whitespace() || matches!(c, '[' | ']' | '"') {
                        break;
                    }
                    word.push(c);
                    chars.next();
                }
            }
            found.push(Token {
                text: word,
                quoted,
                at,
            });
        }
    }
    Ok(found)
}

/// Reads the edges of a graph between two groups of nodes.
///
/// # Errors
///
/// The first thing that is wrong.
pub(super) fn read(
    text: &str,
    names: &Names<'_>,
    parameters: &mut Values<'_>,
) -> Result<Edges, EdgeError> {
    let all = tokens(text)?;
    let mut words = all.iter();
    let end = all.last().map_or((1, 1), |token| token.at);
    let short = || refuse(end, "the file ends too early", "a `]` is missing");
    let opens = |token: Option<&Token>| match token {
        Some(token) if token.text == "[" && !token.quoted => Ok(()),
        Some(token) => Err(refuse(token.at, "a `[` is wanted here", "")),
        None => Err(short()),
    };
    match words.next() {
        Some(token) if token.text == "graph" => {}
        other => {
            let at = other.map_or(end, |token| token.at);
            return Err(refuse(at, "the file does not begin with `graph [`", ""));
        }
    }
    opens(words.next())?;
    let mut labels: BTreeMap<String, (String, (usize, usize))> = BTreeMap::new();
    let mut edges = Vec::new();
    loop {
        let key = words.next().ok_or_else(short)?;
        match key.text.as_str() {
            "]" if !key.quoted => break,
            "directed" | "label" | "comment" => {
                words.next().ok_or_else(short)?;
            }
            "node" | "edge" => {
                opens(words.next())?;
                let wanted = if key.text == "node" {
                    &["id", "label"][..]
                } else {
                    &["source", "target", "delay", "loss", "rate"][..]
                };
                let mut values: [Option<&Token>; 5] = [None; 5];
                loop {
                    let word = words.next().ok_or_else(short)?;
                    if word.text == "]" && !word.quoted {
                        break;
                    }
                    let Some(place) = wanted.iter().position(|name| *name == word.text) else {
                        return Err(refuse(
                            word.at,
                            format!("there is no key `{}` in `{}`", word.text, key.text),
                            if key.text == "node" {
                                "keys: `id` and `label`"
                            } else {
                                "keys: `source`, `target`, `delay`, `loss` and `rate`"
                            },
                        ));
                    };
                    if values[place].is_some() {
                        let reason = format!("this {} has `{}` twice", key.text, word.text);
                        return Err(refuse(word.at, reason, ""));
                    }
                    values[place] = Some(words.next().ok_or_else(short)?);
                }
                let value = |place: usize| {
                    values[place].ok_or_else(|| {
                        refuse(
                            key.at,
                            format!("this {} lacks `{}`", key.text, wanted[place]),
                            "",
                        )
                    })
                };
                let (first, second) = (value(0)?, value(1)?);
                if key.text == "edge" {
                    let cells = [2, 3, 4].map(|place| {
                        values[place].map_or_else(Cell::default, |token: &Token| Cell {
                            text: token.text.clone(),
                            at: (token.at.0, token.at.1 + usize::from(token.quoted)),
                        })
                    });
                    let number = parameters.number(&cells)?;
                    edges.push((first.clone(), second.clone(), key.at, number));
                } else if labels
                    .insert(first.text.clone(), (second.text.clone(), second.at))
                    .is_some()
                {
                    return Err(refuse(
                        first.at,
                        format!("there are two nodes with the id {}", first.text),
                        "",
                    ));
                }
            }
            other => {
                return Err(refuse(
                    key.at,
                    format!("there is no key `{other}` in `graph`"),
                    "keys: `node`, `edge`, `directed`, `label` and `comment`",
                ));
            }
        }
    }
    for (label, at) in labels.values() {
        names
            .find(label)
            .map_err(|(reason, hint)| refuse(*at, reason, &hint))?;
    }
    let mut pairs = Vec::new();
    for (source, target, at, number) in &edges {
        let label = |end: &Token| {
            labels
                .get(&end.text)
                .map(|(label, _)| label.as_str())
                .ok_or_else(|| {
                    refuse(
                        end.at,
                        format!("this edge ends at node {}, which is not there", end.text),
                        "add the node, or remove the edge",
                    )
                })
        };
        let (one, other) = (label(source)?, label(target)?);
        let edge = names
            .edge(one, other)
            .map_err(|(_, (reason, hint))| refuse(*at, reason, &hint))?;
        if let Some(edge) = edge {
            pairs.push((edge, *at, *number));
        }
    }
    if pairs.is_empty() {
        return Err(refuse(end, "there is no edge", ""));
    }
    each_once(pairs)
}
