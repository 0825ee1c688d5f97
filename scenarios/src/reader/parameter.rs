//! Reading parameters as a protocol declares them: each in its kind, within its range.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use protocols::parameter::{ParameterKind, ParameterSpec, Value as Given, Values};

use super::section::{Reading, Section};
use super::value::range_hint;
use crate::diagnostic::{Diagnostic, Problems, Source, quoted, suggestions};
use crate::law::{Domain, Drawn};
use crate::quantity::{self, Dimension, duration_text};
use crate::tree::{self, Node, Value};

impl<'t> Reading<'t> {
    /// The values that `section` gives for `specs`; every other key in it is reported. `groups` are
    /// the names that shares may be given to.
    pub(crate) fn parameters(
        &self,
        section: Option<&Section<'t>>,
        specs: &'static [ParameterSpec],
        groups: &[&str],
    ) -> Values {
        let mut values = Values::default();
        let Some(section) = section else {
            return values;
        };
        for spec in specs {
            let Some(node) = section.get(spec.name) else {
                continue;
            };
            if let Some(value) = self.parameter(node, &spec.kind, groups) {
                values.set(spec.name, value);
            }
        }
        section.finish(self);
        values
    }

    fn parameter(&self, node: &'t Node, kind: &ParameterKind, groups: &[&str]) -> Option<Given> {
        match kind {
            ParameterKind::Integer { min, max } => {
                self.integer(node, *min, *max).map(Given::Integer)
            }
            ParameterKind::Duration { min, max, zero } => self
                .limited_duration(node, *min, *max, *zero)
                .map(Given::Integer),
            ParameterKind::Bytes { min, max } => {
                let size = self.size(node)?;
                self.within(node, size, *min, *max, |bytes| format!("{bytes}B"))
            }
            ParameterKind::Choice(words) => self
                .choice(node, "choices", "choice", words.iter().copied())
                .map(|index| Given::Text(words[index].to_owned())),
            ParameterKind::Bool => self.flag(node).map(Given::Bool),
            ParameterKind::Number { min, max } => self.number(node, *min, *max).map(Given::Number),
            ParameterKind::Text { min, max } => {
                let text = self.text(node)?;
                let length = text.len() as u64;
                if (*min..=*max).contains(&length) {
                    return Some(Given::Text(text.to_owned()));
                }
                self.refuse(
                    node.span,
                    format!("this text has {length} bytes"),
                    range_hint(*min, *max, |bytes| bytes.to_string()),
                )
            }
            ParameterKind::Integers { min, max } => self
                .list(node)?
                .iter()
                .map(|element| self.integer(element, *min, *max))
                .collect::<Option<Vec<u64>>>()
                .map(Given::Integers),
            ParameterKind::DurationLaw => self.drawn(node, Dimension::Duration),
            ParameterKind::BytesLaw => self.drawn(node, Dimension::Size),
            ParameterKind::IntegerLaw => self.drawn(node, Dimension::Count),
            ParameterKind::OptionalInteger { min, max } => {
                self.integer_or("none", node, *min, *max)
            }
            ParameterKind::IntegerOrWord { min, max, word } => {
                self.integer_or(word, node, *min, *max)
            }
            ParameterKind::Shares => self.shares(node, groups),
            other => self.refuse(
                node.span,
                format!("values of the kind {other:?} cannot be written in a scenario"),
                "",
            ),
        }
    }

    /// A whole number within its range, or the word that stands for its absence.
    fn integer_or(&self, word: &str, node: &'t Node, min: u64, max: u64) -> Option<Given> {
        match &node.value {
            Value::Text(text) if text == word => Some(Given::None),
            Value::Text(_) => self.refuse(
                node.span,
                format!("a whole number or `\"{word}\"` is wanted here"),
                range_hint(min, max, |value| value.to_string()),
            ),
            _ => self.integer(node, min, max).map(Given::Integer),
        }
    }

    fn within(
        &self,
        node: &'t Node,
        value: u64,
        min: u64,
        max: u64,
        show: impl Fn(u64) -> String,
    ) -> Option<Given> {
        if (min..=max).contains(&value) {
            return Some(Given::Integer(value));
        }
        let reason = format!("{} is out of range", show(value));
        self.refuse(node.span, reason, range_hint(min, max, show))
    }

    /// A duration within its range, or 0 where that has a meaning of its own.
    fn limited_duration(
        &self,
        node: &'t Node,
        min: u64,
        max: u64,
        zero: Option<&'static str>,
    ) -> Option<u64> {
        let zero_allowed = zero.is_some() || min == 0;
        match &node.value {
            Value::Text(word) if zero == Some(word.as_str()) => return Some(0),
            Value::Integer(0) if zero_allowed => return Some(0),
            _ => {}
        }
        let value = self.duration(node)?;
        if (min..=max).contains(&value) || (value == 0 && zero_allowed) {
            return Some(value);
        }
        let hint = range_hint(min, max, duration_text);
        let hint = match zero {
            Some(meaning) => format!("{hint}, or be 0s ({meaning})"),
            None => hint,
        };
        self.refuse(
            node.span,
            format!("{} is out of range", duration_text(value)),
            hint,
        )
    }

    fn drawn(&self, node: &'t Node, dimension: Dimension) -> Option<Given> {
        let law = self.law(node, Domain::unsigned(dimension))?;
        Some(Given::Law(Arc::new(Drawn { law })))
    }

    /// Shares over node groups, in the order of the file; together at most 1.
    fn shares(&self, node: &'t Node, groups: &[&str]) -> Option<Given> {
        let Value::Table(table) = &node.value else {
            return self.refuse(
                node.span,
                format!(
                    "a table of shares is wanted here, not {}",
                    node.value.kind()
                ),
                "write for instance `{ disk = 0.3, cpu = 0.6 }`",
            );
        };
        let mut shares = Vec::new();
        let mut sum = 0.0;
        for entry in &table.entries {
            if !groups.contains(&entry.key.as_str()) {
                let [meant, list] = suggestions(&entry.key, "node groups", groups.iter().copied());
                self.report(
                    Diagnostic::at(
                        entry.key_span,
                        format!("there is no node group {}", quoted(&entry.key)),
                    )
                    .hint(meant)
                    .hint(list),
                );
                continue;
            }
            let share = self.share(&entry.node)?;
            sum += share;
            shares.push((entry.key.clone(), share));
        }
        // Decimal shares such as 0.1 add up to 1 only within rounding.
        if sum > 1.0 + 1e-9 {
            return self.refuse(
                node.span,
                format!("the shares add up to {}", (sum * 1e9).round() / 1e9),
                "together they may be at most 1",
            );
        }
        Some(Given::Shares(shares))
    }

    /// An argument of a command: a whole number, a size, a duration, or text.
    pub(crate) fn argument(&self, node: &'t Node) -> Option<crate::scenario::StepArg> {
        use crate::scenario::StepArg;
        match &node.value {
            Value::Integer(_) => self.integer(node, 0, u64::MAX).map(StepArg::Integer),
            Value::Text(text) => {
                let measured = [Dimension::Size, Dimension::Duration]
                    .into_iter()
                    .find_map(|dimension| quantity::Quantity::parse(text, dimension).ok());
                match measured {
                    Some(quantity) => quantity.integer().map_or_else(
                        || self.refuse(node.span, "this quantity is out of range", ""),
                        |value| Some(StepArg::Integer(value)),
                    ),
                    None => Some(StepArg::Text(text.clone())),
                }
            }
            other => self.refuse(
                node.span,
                format!(
                    "a number, a quantity or text is wanted here, not {}",
                    other.kind()
                ),
                "",
            ),
        }
    }
}

/// The value of a parameter's declared default; `None` when there is none.
pub(super) fn default_value(spec: &ParameterSpec) -> Option<Given> {
    if spec.default.is_empty() {
        return None;
    }
    let source = Source {
        name: "default".to_owned(),
        text: spec.default.to_owned(),
    };
    let node = tree::parse_value(0, 0, spec.default).ok()?;
    let sources = [source];
    let cx = Reading {
        sources: &sources,
        problems: Problems::default(),
        base: PathBuf::new(),
        assumptions: RefCell::default(),
    };
    cx.parameter(&node, &spec.kind, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_default_is_a_value_of_its_own_parameter() {
        for protocol in protocols::registry::PROTOCOLS {
            let roles = protocol.roles().iter().flat_map(|role| role.params);
            for spec in protocol.params().iter().chain(roles) {
                let good = spec.default.is_empty() || default_value(spec).is_some();
                assert!(
                    good,
                    "{}: {} = {:?}",
                    protocol.name(),
                    spec.name,
                    spec.default
                );
            }
        }
    }
}
