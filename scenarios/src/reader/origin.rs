//! Where the values of a scenario came from, kept for messages of later stages.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span};
use crate::tree::{Node, Value};

/// The texts and the tree that a scenario was read from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The file, the overrides, the presets.
    pub(crate) sources: Arc<[Source]>,
    /// The tree with overrides applied.
    pub(crate) root: Node,
}

impl Origin {
    /// A message about the value at `path`.
    pub(crate) fn refuse(&self, path: &str, reason: &str, hint: &str) -> Diagnostics {
        let diagnostic = match self.locate(path) {
            Some(place) => Diagnostic::at(place, reason),
            None => Diagnostic::general(format!("{path}: {reason}")),
        };
        Diagnostics::new(Arc::clone(&self.sources), vec![diagnostic.hint(hint)])
    }

    /// Where the longest part of `path` that exists stands; `None` when not even its first step
    /// does.
    pub(crate) fn locate(&self, path: &str) -> Option<Span> {
        let mut at = &self.root;
        let mut found = None;
        for step in path.split('.') {
            let next = match &at.value {
                Value::Table(table) => table.entry(step).map(|entry| {
                    let is_table = matches!(entry.node.value, Value::Table(_));
                    let place = if is_table {
                        entry.key_span
                    } else {
                        entry.node.span
                    };
                    (&entry.node, place)
                }),
                Value::List(list) => {
                    let element = list.iter().find(|node| crate::tree::has_id(node, step));
                    element.map(|node| (node, node.span))
                }
                _ => None,
            };
            let Some((node, place)) = next else {
                break;
            };
            at = node;
            found = Some(place);
        }
        found
    }
}
