//! Reading single values: words, numbers, quantities, probabilities, laws.
//!
//! Each reader gives `None` after it has reported what is wrong, so callers go on and collect
//! further messages.

use sim_engine::{Law, Probability};

use super::section::Reading;
use crate::diagnostic::{Diagnostic, Span, quoted, suggestions};
use crate::law::{self, Domain};
use crate::quantity::{self, Dimension, Quantity, QuantityError};
use crate::tree::{Node, Value};

impl<'t> Reading<'t> {
    /// Text.
    pub(crate) fn text(&self, node: &'t Node) -> Option<&'t str> {
        match &node.value {
            Value::Text(text) => Some(text),
            other => self.refuse(
                node.span,
                format!("a string is wanted here, not {}", other.kind()),
                "",
            ),
        }
    }

    /// One of `options`: its place among them. `kind` names what they are, in the plural.
    pub(crate) fn choice<'n>(
        &self,
        node: &'t Node,
        kind: &str,
        one: &str,
        options: impl IntoIterator<Item = &'n str> + Clone,
    ) -> Option<usize> {
        let word = self.text(node)?;
        let found = options
            .clone()
            .into_iter()
            .position(|option| option == word);
        if found.is_none() {
            let [meant, list] = suggestions(word, kind, options);
            self.report(
                Diagnostic::at(node.span, format!("there is no {one} {}", quoted(word)))
                    .hint(meant)
                    .hint(list),
            );
        }
        found
    }

    /// The elements of a list, or the value itself where one stands alone.
    pub(crate) fn one_or_more(&self, node: &'t Node) -> &'t [Node] {
        match &node.value {
            Value::List(list) => list,
            _ => std::slice::from_ref(node),
        }
    }

    /// The elements of a list.
    pub(crate) fn list(&self, node: &'t Node) -> Option<&'t [Node]> {
        match &node.value {
            Value::List(list) => Some(list),
            other => self.refuse(
                node.span,
                format!("a list is wanted here, not {}", other.kind()),
                match other {
                    Value::Text(word) => format!("write `[\"{word}\"]`"),
                    _ => String::new(),
                },
            ),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, node: &'t Node) -> Option<bool> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            other => self.refuse(
                node.span,
                format!("`true` or `false` is wanted here, not {}", other.kind()),
                "",
            ),
        }
    }

    /// A whole number within a range, inclusive.
    pub(crate) fn integer(&self, node: &'t Node, min: u64, max: u64) -> Option<u64> {
        let number = match &node.value {
            Value::Integer(number) => *number,
            Value::Text(text) if text.trim().parse::<i128>().is_ok() => {
                return self.refuse(
                    node.span,
                    "a whole number is wanted here, not a string",
                    format!("write it without quotes: `{}`", text.trim()),
                );
            }
            other => {
                return self.refuse(
                    node.span,
                    format!("a whole number is wanted here, not {}", other.kind()),
                    "",
                );
            }
        };
        match u64::try_from(number) {
            Ok(value) if (min..=max).contains(&value) => Some(value),
            _ => self.refuse(
                node.span,
                format!("{number} is out of range"),
                range_hint(min, max, |value| value.to_string()),
            ),
        }
    }

    /// A number within a range, inclusive.
    pub(crate) fn number(&self, node: &'t Node, min: f64, max: f64) -> Option<f64> {
        let number = match &node.value {
            #[allow(clippy::cast_precision_loss, reason = "factors are small")]
            Value::Integer(number) => *number as f64,
            Value::Float(number) => *number,
            other => {
                return self.refuse(
                    node.span,
                    format!("a number is wanted here, not {}", other.kind()),
                    "",
                );
            }
        };
        if (min..=max).contains(&number) {
            return Some(number);
        }
        let hint = if max == f64::INFINITY {
            format!("it must be at least {min}")
        } else {
            format!("it must lie between {min} and {max}")
        };
        self.refuse(node.span, format!("{number} is out of range"), hint)
    }

    /// A duration in ns.
    pub(crate) fn duration(&self, node: &'t Node) -> Option<u64> {
        self.base_units(node, Dimension::Duration)
    }

    /// A size in bytes.
    pub(crate) fn size(&self, node: &'t Node) -> Option<u64> {
        self.base_units(node, Dimension::Size)
    }

    /// A rate in bit/s.
    pub(crate) fn rate(&self, node: &'t Node) -> Option<u64> {
        self.base_units(node, Dimension::Rate)
    }

    /// A frequency in Hz.
    pub(crate) fn frequency(&self, node: &'t Node) -> Option<u64> {
        self.base_units(node, Dimension::Frequency)
    }

    pub(crate) fn base_units(&self, node: &'t Node, dimension: Dimension) -> Option<u64> {
        let quantity = self.quantity(node, dimension)?;
        if quantity.is_negative() {
            return self.refuse(
                node.span,
                format!("{} cannot be negative here", dimension.name()),
                "",
            );
        }
        let value = quantity.integer();
        if value.is_none() {
            let shown = quoted(self.slice(node.span));
            self.refuse::<()>(
                node.span,
                format!("{shown} is too large"),
                too_large_hint(dimension),
            );
        }
        value
    }

    /// A quantity of either sign.
    pub(crate) fn quantity(&self, node: &'t Node, dimension: Dimension) -> Option<Quantity> {
        let refused =
            |error: QuantityError| self.refuse::<Quantity>(node.span, error.reason, error.hint);
        match &node.value {
            Value::Text(text) => Quantity::parse(text, dimension).map_or_else(refused, Some),
            Value::Integer(_) | Value::Float(_) => refused(quantity::missing_unit(
                self.slice(node.span),
                dimension,
                quote_at(node),
            )),
            other => self.refuse(
                node.span,
                format!("{} is wanted here, not {}", dimension.name(), other.kind()),
                format!("write for instance {}", quantity::example(dimension)),
            ),
        }
    }

    /// A probability: a number from 0 to 1, or a percentage.
    pub(crate) fn share(&self, node: &'t Node) -> Option<f64> {
        let number = match &node.value {
            #[allow(clippy::cast_precision_loss, reason = "only 0 and 1 pass")]
            Value::Integer(number) => *number as f64,
            Value::Float(number) => *number,
            Value::Text(text) => match Quantity::parse(text, Dimension::Share) {
                Ok(quantity) => quantity.number(),
                Err(error) => {
                    let reason = error.reason.replace("a share", "a probability");
                    return self.refuse(node.span, reason, error.hint);
                }
            },
            other => {
                return self.refuse(
                    node.span,
                    format!("a probability is wanted here, not {}", other.kind()),
                    "write a number from 0 to 1 or a percentage such as `\"5%\"`",
                );
            }
        };
        if (0.0..=1.0).contains(&number) {
            return Some(number);
        }
        let percent = if (1.0..=100.0).contains(&number) && !matches!(node.value, Value::Text(_)) {
            format!("did you mean `\"{number}%\"`?")
        } else {
            "a probability lies between 0 and 1, that is between 0% and 100%".to_owned()
        };
        let shown = quoted(self.slice(node.span).trim_matches(['"', '\'']));
        self.refuse(node.span, format!("{shown} is no probability"), percent)
    }

    /// A probability as the engine takes it.
    pub(crate) fn probability(&self, node: &'t Node) -> Option<Probability> {
        self.share(node).and_then(Probability::new)
    }

    /// A law.
    pub(crate) fn law(&self, node: &'t Node, domain: Domain) -> Option<Law> {
        match &node.value {
            Value::Text(text) => match law::read(text, domain, &self.base) {
                Ok(law) => Some(law),
                Err(error) => {
                    let place = self.inside(node, text, error.at);
                    let diagnostic = Diagnostic::at(place, error.reason);
                    self.report(error.hints.into_iter().fold(diagnostic, Diagnostic::hint));
                    None
                }
            },
            Value::Integer(number) if domain.dimension == Dimension::Count => {
                if *number < 0 && !domain.signed {
                    return self.refuse(node.span, format!("{number} is out of range"), "");
                }
                #[allow(clippy::cast_precision_loss, reason = "counts are small")]
                Law::constant(*number as f64).ok()
            }
            Value::Integer(_) | Value::Float(_) => {
                let error =
                    quantity::missing_unit(self.slice(node.span), domain.dimension, quote_at(node));
                self.refuse(node.span, error.reason, error.hint)
            }
            other => self.refuse(
                node.span,
                format!(
                    "{} or a law is wanted here, not {}",
                    domain.dimension.name(),
                    other.kind()
                ),
                format!(
                    "write for instance {} or `\"exp(10s)\"`",
                    quantity::example(domain.dimension)
                ),
            ),
        }
    }

    /// The place of `range` of the text that `node` holds; the whole value where escapes make
    /// positions differ.
    pub(crate) fn inside(&self, node: &Node, text: &str, range: std::ops::Range<usize>) -> Span {
        let written = self.slice(node.span);
        if written == text {
            return node.span.within(range);
        }
        let unquoted = written
            .strip_prefix(['"', '\''])
            .and_then(|rest| rest.strip_suffix(['"', '\'']));
        if unquoted == Some(text) {
            return node.span.within(range.start + 1..range.end + 1);
        }
        node.span
    }
}

/// What stands around a string at `node`: an override needs no quotes.
fn quote_at(node: &Node) -> &'static str {
    if node.span.source == 0 { "\"" } else { "" }
}

fn too_large_hint(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Duration => "the longest duration is about 584 years",
        _ => "",
    }
}

/// The words for a range.
pub(crate) fn range_hint(min: u64, max: u64, show: impl Fn(u64) -> String) -> String {
    if max == u64::MAX {
        format!("it must be at least {}", show(min))
    } else {
        format!("it must lie between {} and {}", show(min), show(max))
    }
}
