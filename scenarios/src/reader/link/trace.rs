//! Recordings: `delay = "trace(\"delays.csv\")"` and `loss = "trace(\"losses.csv\")"`.

use std::sync::Arc;

use sim_engine::link::LossModel;

use super::NANOSECONDS;
use crate::diagnostic::Diagnostic;
use crate::law;
use crate::notation::NotationError;
use crate::reader::section::Reading;
use crate::tree::{Node, Value};

impl<'t> Reading<'t> {
    /// The losses recorded in the file that `node` names; `None` if it names none.
    pub(super) fn loss_recording(&self, node: &'t Node) -> Option<Option<LossModel>> {
        let text = trace(node)?;
        Some(
            self.noted(node, text, law::losses(text, &self.base))
                .and_then(|lost| LossModel::replay(&lost).ok()),
        )
    }

    /// The delays recorded in the file that `node` names, ns; `None` if it names none.
    #[allow(clippy::cast_possible_truncation, reason = "such casts saturate")]
    pub(super) fn delay_recording(&self, node: &'t Node) -> Option<Option<Arc<[u64]>>> {
        let text = trace(node)?;
        let read = law::recording(text, NANOSECONDS, &self.base);
        Some(self.noted(node, text, read).map(|values| {
            let round = |value: &f64| libm::round(*value) as u64;
            values.iter().map(round).collect()
        }))
    }

    fn noted<T>(&self, node: &'t Node, text: &str, read: Result<T, NotationError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                let place = self.inside(node, text, error.at);
                let diagnostic = Diagnostic::at(place, error.reason);
                self.report(error.hints.into_iter().fold(diagnostic, Diagnostic::hint));
                None
            }
        }
    }
}

/// The text of a recording's notation.
fn trace(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) if text.trim_start().starts_with("trace") => Some(text),
        _ => None,
    }
}
