//! One point of a study: the base scenario's tree with the values of the axes put in, read anew.
//!
//! The tree is not parsed again, and the values keep their places in the file, so a value of the
//! wrong kind is reported where the axis has it.

use std::cell::RefCell;
use std::sync::Arc;

use super::section::Reading;
use crate::diagnostic::{Diagnostic, Diagnostics, Problems, quoted, suggestions};
use crate::scenario::Scenario;
use crate::sweep::spec::{Axis, SetPath};
use crate::tree::{self, Node, Value};

/// Reads the point at which axis i has value `choice[i]`.
///
/// # Errors
///
/// A path that does not exist, a value that does not fit its path, and whatever values only do
/// together.
pub(crate) fn read_point(
    base: &Scenario,
    axes: &[Axis],
    choice: &[u32],
) -> Result<Scenario, Diagnostics> {
    let origin = &base.origin;
    let failed = |list| Diagnostics::new(Arc::clone(&origin.sources), list);
    let mut root = without_study(&origin.root);
    let mut overrides = base.overrides.clone();
    let mut refused = Vec::new();
    for (axis, value) in axes.iter().zip(choice) {
        let value = &axis.values[*value as usize];
        for (path, node) in axis.paths.iter().zip(&value.nodes) {
            if let Some(diagnostic) = unnamed(&root, path) {
                refused.push(diagnostic);
            } else if let Err(diagnostic) = tree::insert(&mut root, &path.steps, node.clone()) {
                refused.push(diagnostic);
            }
            overrides.push((path.text.clone(), node.to_toml()));
        }
    }
    if !refused.is_empty() {
        return Err(failed(refused));
    }
    let cx = Reading {
        sources: &origin.sources,
        problems: Problems::default(),
        base: super::parent(&base.path),
        assumptions: RefCell::default(),
    };
    let read = super::typed(&cx, &root, &base.name);
    super::assemble(
        cx,
        read,
        &root,
        &base.path,
        &base.text,
        overrides,
        &origin.sources,
    )
}

/// The tree without `[sweep]` and `[[expect]]`.
fn without_study(root: &Node) -> Node {
    let mut root = root.clone();
    if let Value::Table(table) = &mut root.value {
        table
            .entries
            .retain(|entry| !matches!(entry.key.as_str(), "sweep" | "expect"));
    }
    root
}

/// Tables of the file that have keys; all others hold named tables, which an axis cannot create.
const KEYED: [&str; 2] = ["run", "protocol"];

/// What is wrong with a path through a named table that is not there.
fn unnamed(root: &Node, path: &SetPath) -> Option<Diagnostic> {
    let [(kind, _), (name, place), _, ..] = path.steps.as_slice() else {
        return None;
    };
    let Value::Table(top) = &root.value else {
        return None;
    };
    let Value::Table(named) = &top.get(kind)?.value else {
        return None;
    };
    if KEYED.contains(&kind.as_str()) || named.get(name).is_some() {
        return None;
    }
    let names = named.entries.iter().map(|entry| entry.key.as_str());
    let [meant, list] = suggestions(name, &format!("`{kind}` has"), names);
    let reason = format!("there is no {} in `{kind}`", quoted(name));
    Some(Diagnostic::at(*place, reason).hint(meant).hint(list))
}
