//! Reading one table of the tree: every key is asked for by name, and what nobody asked for is
//! unknown.
//!
//! Asking is declaring: [`Section::get`] notes the key, and [`Section::finish`] reports every other
//! key of the table together with the list of those that exist. To add a key to the format, ask for
//! it.

use std::cell::RefCell;
use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Problems, Source, Span, listed, nearest, quoted, suggestions};
use crate::tree::{Node, Table, Value};

/// Most named tables of one kind.
const NAMED_MAX: usize = 1_000;

/// Most unknown keys of one table that are reported.
const UNKNOWN_MAX: usize = 20;

/// What all parts of one reading share.
#[derive(Debug)]
pub(crate) struct Reading<'t> {
    /// All texts.
    pub(crate) sources: &'t [Source],
    /// The messages so far.
    pub(crate) problems: Problems,
    /// The directory that file names in the scenario are relative to.
    pub(crate) base: PathBuf,
    /// What a reader of the results must know.
    pub(crate) assumptions: RefCell<Vec<String>>,
}

impl<'t> Reading<'t> {
    /// Reports a message.
    pub(crate) fn report(&self, diagnostic: Diagnostic) {
        self.problems.report(diagnostic);
    }

    /// Reports that something is wrong at `place`; for use as the value of a failed reading.
    pub(crate) fn refuse<T>(
        &self,
        place: Span,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Option<T> {
        self.report(Diagnostic::at(place, reason).hint(hint));
        None
    }

    /// Notes something that a reader of the results must know; once, however often it is said.
    pub(crate) fn assume(&self, text: String) {
        let mut all = self.assumptions.borrow_mut();
        if !all.contains(&text) {
            all.push(text);
        }
    }

    /// The text that `place` marks.
    pub(crate) fn slice(&self, place: Span) -> &'t str {
        self.sources
            .get(place.source as usize)
            .and_then(|source| source.text.get(place.start as usize..place.end as usize))
            .unwrap_or_default()
    }

    /// The table `node`, as a section named `path`.
    pub(crate) fn section(&self, path: impl Into<String>, node: &'t Node) -> Option<Section<'t>> {
        self.section_at(path, node, node.span)
    }

    /// The table `node` whose messages point at `place` where no key is to blame.
    pub(crate) fn section_at(
        &self,
        path: impl Into<String>,
        node: &'t Node,
        place: Span,
    ) -> Option<Section<'t>> {
        match &node.value {
            Value::Table(table) => Some(Section {
                path: path.into(),
                table,
                base: None,
                place,
                asked: RefCell::default(),
            }),
            other => {
                let path = path.into();
                self.refuse(
                    node.span,
                    format!("{} is a table, not {}", quoted(&path), other.kind()),
                    "",
                )
            }
        }
    }

    /// The named tables under `key` of the root: (name, section), in the order of the file.
    ///
    /// Names are words of letters, digits, `-` and `_`, since they are parts of paths and ids. An
    /// override cannot create one.
    pub(crate) fn named(
        &self,
        root: &Section<'t>,
        key: &'static str,
    ) -> Vec<(&'t str, Section<'t>)> {
        let Some(node) = root.get(key) else {
            return Vec::new();
        };
        let Value::Table(table) = &node.value else {
            self.refuse::<()>(
                node.span,
                format!("`{key}` holds named tables, not {}", node.value.kind()),
                format!("write `[{key}.NAME]` for each"),
            );
            return Vec::new();
        };
        if table.entries.len() > NAMED_MAX {
            self.refuse::<()>(
                node.span,
                format!("`{key}` holds {} tables", table.entries.len()),
                format!("at most {NAMED_MAX} are possible; one table stands for a whole group"),
            );
            return Vec::new();
        }
        let in_file = |at: &Span| at.source == 0;
        let mut found = Vec::new();
        for entry in &table.entries {
            let name = entry.key.as_str();
            if !in_file(&entry.key_span) {
                let names = table
                    .entries
                    .iter()
                    .filter(|entry| in_file(&entry.key_span))
                    .map(|entry| entry.key.as_str());
                let [meant, list] = suggestions(name, &format!("`{key}` has"), names);
                self.report(
                    Diagnostic::at(
                        entry.key_span,
                        format!("there is no {} in `{key}`", quoted(name)),
                    )
                    .hint(meant)
                    .hint(list),
                );
                continue;
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                self.refuse::<()>(
                    entry.key_span,
                    format!("{} is no good name", quoted(name)),
                    "names are made of ASCII letters, digits, `-` and `_`, at most 64 of them",
                );
                continue;
            }
            let path = match root.path.as_str() {
                "" => format!("{key}.{name}"),
                above => format!("{above}.{key}.{name}"),
            };
            if let Some(section) = self.section_at(path, &entry.node, entry.key_span) {
                found.push((name, section));
            }
        }
        found
    }
}

/// One table that is being read.
#[derive(Debug)]
pub(crate) struct Section<'t> {
    /// Its path, for messages.
    pub(crate) path: String,
    /// The table.
    pub(crate) table: &'t Table,
    /// The table that holds what this one does not: a preset.
    pub(crate) base: Option<&'t Table>,
    /// Where messages point that no key is to blame for.
    pub(crate) place: Span,
    asked: RefCell<Vec<&'static str>>,
}

impl<'t> Section<'t> {
    /// The value of `key`, which thereby is a key of this table.
    pub(crate) fn get(&self, key: &'static str) -> Option<&'t Node> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table
            .get(key)
            .or_else(|| self.base.and_then(|base| base.get(key)))
    }

    /// The value of `key`; its absence is reported with `example`.
    pub(crate) fn required(
        &self,
        cx: &Reading<'t>,
        key: &'static str,
        example: &str,
    ) -> Option<&'t Node> {
        let found = self.get(key);
        if found.is_none() {
            cx.refuse::<()>(
                self.place,
                self.lacks(key),
                format!("add `{key} = {example}`"),
            );
        }
        found
    }

    fn lacks(&self, key: &str) -> String {
        if self.path.is_empty() {
            format!("the file lacks `{key}`")
        } else {
            format!("{} lacks `{key}`", quoted(&self.path))
        }
    }

    /// Reports that the table `key` is missing.
    pub(crate) fn lacks_table(&self, cx: &Reading<'t>, key: &str, hint: &str) {
        cx.refuse::<()>(self.place, format!("there is no table `[{key}]`"), hint);
    }

    /// The table at `key` as a section.
    pub(crate) fn section(&self, cx: &Reading<'t>, key: &'static str) -> Option<Self> {
        let node = self.get(key)?;
        let place = match self.table.entry(key) {
            Some(entry) => entry.key_span,
            None => node.span,
        };
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        cx.section_at(path, node, place)
    }

    /// Where the value of `key` stands, else where the table does.
    pub(crate) fn place_of(&self, key: &str) -> Span {
        self.table.get(key).map_or(self.place, |node| node.span)
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(&self, cx: &Reading<'t>) {
        let asked = self.asked.borrow();
        let unknown = self
            .table
            .entries
            .iter()
            .filter(|entry| !asked.contains(&entry.key.as_str()));
        for entry in unknown.take(UNKNOWN_MAX) {
            let place = if self.path.is_empty() {
                "at the top of the file".to_owned()
            } else {
                format!("in `{}`", self.path)
            };
            let names = asked.iter().copied();
            if let Some(key) = nearest(&entry.key, names.clone())
                && self.table.get(key).is_none()
            {
                // The key is there under a name that is nearly its own: one slip, one message.
                cx.problems.retract(self.place, &self.lacks(key));
            }
            let [meant, _] = suggestions(&entry.key, "", names.clone());
            let list = if asked.is_empty() {
                "nothing can be set here".to_owned()
            } else {
                format!("keys that exist here: {}", listed(names))
            };
            cx.report(
                Diagnostic::at(
                    entry.key_span,
                    format!("there is no key {} {place}", quoted(&entry.key)),
                )
                .label("unknown key")
                .hint(meant)
                .hint(list),
            );
        }
    }
}
