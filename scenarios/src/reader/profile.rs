//! `profile` of a node group: a name, or `{ name, k_symmetric, k_public }`.

use std::sync::Arc;

use super::section::Reading;
use crate::diagnostic::{Diagnostic, quoted, suggestions};
use crate::profile::{self, Factors, Profile};
use crate::tree::{Node, Value};

/// Bounds of a factor: far beyond the bands of the profiles, near enough to catch a slip.
const FACTOR: (f64, f64) = (0.001, 1000.0);

impl<'t> Reading<'t> {
    /// The profile that is given at `node`, a key of the table at `path`.
    pub(super) fn profile(&self, node: &'t Node, path: &str) -> Option<Arc<Profile>> {
        let Value::Table(_) = &node.value else {
            return self.profile_name(node);
        };
        let table = self.section(format!("{path}.profile"), node)?;
        let found = table
            .required(self, "name", "\"cortex-m4-80mhz\"")
            .and_then(|node| self.profile_name(node));
        let factor = |key| match table.get(key) {
            Some(node) => self.number(node, FACTOR.0, FACTOR.1),
            None => Some(1.0),
        };
        let factors = (factor("k_symmetric"), factor("k_public"));
        table.finish(self);
        let (found, symmetric, public_key) = (found?, factors.0?, factors.1?);
        let factors = Factors {
            symmetric,
            public_key,
        };
        Some(if factors == Factors::ONE {
            found
        } else {
            Arc::new(found.with_factors(factors))
        })
    }

    fn profile_name(&self, node: &'t Node) -> Option<Arc<Profile>> {
        let word = self.text(node)?;
        let found = profile::find(word);
        if found.is_none() {
            let [meant, list] = suggestions(word, "profiles", profile::names());
            self.report(
                Diagnostic::at(node.span, format!("there is no profile {}", quoted(word)))
                    .hint(meant)
                    .hint(list),
            );
        }
        found
    }
}
