//! How laws are written: `exp(10s)`, `normal(50ms, 5ms, min=0ms)`, `lognormal(median=25ms, sigma=0.4)`.
//!
//! A law is a name with arguments, some by position, some by name; a quantity alone is the constant
//! law. [`read`] binds the arguments to the declared parameters of the law ([`LAWS`]), reads each in
//! the dimension that the law is wanted in, and gives a [`Bound`] form that [`crate::law`] turns
//! into the engine's law. Positions of errors are ranges of the notation's own text.

use std::ops::Range;

use crate::diagnostic::{listed, quoted, suggestions};
use crate::quantity::{Dimension, Quantity};

/// What kind of argument a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A quantity of the law's own dimension.
    Quantity,
    /// A pure number.
    Number,
    /// The name of a file.
    File,
}

/// A parameter of a law.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    /// Its names; the first is the usual one.
    pub(crate) names: &'static [&'static str],
    /// What it takes.
    pub(crate) kind: Kind,
    /// Whether it must be given.
    pub(crate) required: bool,
    /// Whether it may be given without its name.
    pub(crate) positional: bool,
}

/// A law that can be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its parameters, in positional order.
    pub(crate) parameters: &'static [Parameter],
    /// A good example.
    pub(crate) example: &'static str,
}

const fn quantity(names: &'static [&'static str]) -> Parameter {
    Parameter {
        names,
        kind: Kind::Quantity,
        required: true,
        positional: true,
    }
}

const fn number(names: &'static [&'static str]) -> Parameter {
    Parameter {
        names,
        kind: Kind::Number,
        required: true,
        positional: false,
    }
}

const fn named(parameter: Parameter) -> Parameter {
    Parameter {
        positional: false,
        ..parameter
    }
}

const fn optional(parameter: Parameter) -> Parameter {
    Parameter {
        required: false,
        positional: false,
        ..parameter
    }
}

/// Every law there is beside the constant one.
pub(crate) const LAWS: &[Form] = &[
    Form {
        name: "exp",
        parameters: &[quantity(&["mean"])],
        example: "exp(10s)",
    },
    Form {
        name: "uniform",
        parameters: &[quantity(&["from", "min"]), quantity(&["to", "max"])],
        example: "uniform(0ms, 5ms)",
    },
    Form {
        name: "normal",
        parameters: &[
            quantity(&["mean"]),
            quantity(&["sd"]),
            optional(quantity(&["min"])),
            optional(quantity(&["max"])),
        ],
        example: "normal(50ms, 5ms, min=0ms)",
    },
    Form {
        name: "lognormal",
        parameters: &[named(quantity(&["median"])), number(&["sigma"])],
        example: "lognormal(median=25ms, sigma=0.4)",
    },
    Form {
        name: "pareto",
        parameters: &[named(quantity(&["xm", "min"])), number(&["alpha"])],
        example: "pareto(xm=10ms, alpha=2.5)",
    },
    Form {
        name: "weibull",
        parameters: &[number(&["shape"]), named(quantity(&["scale"]))],
        example: "weibull(shape=0.7, scale=20ms)",
    },
    Form {
        name: "gamma",
        parameters: &[named(quantity(&["mean"])), number(&["shape"])],
        example: "gamma(mean=1s, shape=0.5)",
    },
    Form {
        name: "shifted-exp",
        parameters: &[named(quantity(&["min"])), named(quantity(&["mean"]))],
        example: "shifted-exp(min=10ms, mean=5ms)",
    },
    Form {
        name: "empirical",
        parameters: &[Parameter {
            names: &["file"],
            kind: Kind::File,
            required: true,
            positional: true,
        }],
        example: "empirical(\"delays.csv\")",
    },
    Form {
        name: "trace",
        parameters: &[Parameter {
            names: &["file"],
            kind: Kind::File,
            required: true,
            positional: true,
        }],
        example: "trace(\"delays.csv\")",
    },
];

/// A law whose arguments are bound to its parameters.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// Always this value.
    Constant(Quantity),
    /// The law `form`, and its arguments in the order of the form's parameters.
    Law {
        /// Which law.
        form: &'static Form,
        /// Per parameter, `None` when an optional one is not given.
        arguments: Vec<Option<Argument>>,
    },
}

/// One argument and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// The value.
    pub(crate) value: ArgumentValue,
    /// Its stretch of the notation's text.
    pub(crate) at: Range<usize>,
}

/// The value of an argument.
#[derive(Clone, Debug)]
pub(crate) enum ArgumentValue {
    /// A quantity or number in base units.
    Number(f64),
    /// The name of a file.
    File(String),
}

/// Why a text is no law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotationError {
    /// The stretch of the text to point at.
    pub(crate) at: Range<usize>,
    /// The reason, without a full stop.
    pub(crate) reason: String,
    /// What to write instead; empty lines are left out.
    pub(crate) hints: Vec<String>,
}

impl NotationError {
    pub(crate) fn new(at: Range<usize>, reason: impl Into<String>) -> Self {
        Self {
            at,
            reason: reason.into(),
            hints: Vec::new(),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Reads `text` as a law over `dimension`.
///
/// # Errors
///
/// Neither a quantity nor a known law, or arguments that do not fit it.
pub(crate) fn read(text: &str, dimension: Dimension) -> Result<Bound, NotationError> {
    let whole = trimmed(text, 0..text.len());
    let body = &text[whole.clone()];
    if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Quantity::parse(body, dimension)
            .map(Bound::Constant)
            .map_err(|error| NotationError::new(whole, error.reason).hint(error.hint));
    }
    let Some(open) = body.find('(') else {
        return Err(match form(body) {
            Some(form) => {
                NotationError::new(whole, format!("{} lacks its arguments", quoted(body)))
                    .hint(format!("write for instance `{}`", form.example))
            }
            None => NotationError::new(
                whole,
                format!("{} is neither {} nor a law", quoted(body), dimension.name()),
            )
            .hint(format!(
                "write a quantity such as {}, or a law such as `exp(10s)`",
                crate::quantity::example(dimension)
            )),
        });
    };
    let name_at = trimmed(text, whole.start..whole.start + open);
    let name = &text[name_at.clone()];
    let Some(form) = form(name) else {
        let [meant, list] = suggestions(name, "laws", LAWS.iter().map(|form| form.name));
        let error = NotationError::new(name_at, format!("there is no law {}", quoted(name)));
        return Err(error.hint(meant).hint(list));
    };
    if !body.ends_with(')') {
        return Err(NotationError::new(
            whole,
            format!("the law {} is not closed", quoted(form.name)),
        )
        .hint(format!("write for instance `{}`", form.example)));
    }
    let inside = whole.start + open + 1..whole.end - 1;
    bind(text, form, inside, dimension)
}

fn form(name: &str) -> Option<&'static Form> {
    LAWS.iter().find(|form| form.name == name)
}

fn bind(
    text: &str,
    form: &'static Form,
    inside: Range<usize>,
    dimension: Dimension,
) -> Result<Bound, NotationError> {
    let signature = || format!("it is written `{}`", form.example);
    let mut arguments: Vec<Option<Argument>> = vec![None; form.parameters.len()];
    let mut next = 0;
    for part in parts(text, inside.clone()) {
        let piece = &text[part.clone()];
        if piece.is_empty() {
            return Err(NotationError::new(
                inside,
                format!("an argument of {} is missing", quoted(form.name)),
            )
            .hint(signature()));
        }
        let (index, value_at) = match name_of(piece) {
            Some(length) => {
                let name = piece[..length].trim_end();
                let value = trimmed(text, part.start + length + 1..part.end);
                let index = form
                    .parameters
                    .iter()
                    .position(|parameter| parameter.names.contains(&name));
                let Some(index) = index else {
                    let names = form.parameters.iter().map(|parameter| parameter.names[0]);
                    let [meant, list] = suggestions(name, "its arguments", names);
                    return Err(NotationError::new(
                        part.start..part.start + name.len(),
                        format!("{} has no argument {}", quoted(form.name), quoted(name)),
                    )
                    .hint(meant)
                    .hint(list));
                };
                (index, value)
            }
            None => {
                let free = form.parameters[next..]
                    .iter()
                    .position(|parameter| parameter.positional);
                let Some(offset) = free else {
                    let rest = form
                        .parameters
                        .iter()
                        .filter(|parameter| !parameter.positional)
                        .map(|parameter| parameter.names[0]);
                    let error = NotationError::new(
                        part,
                        format!(
                            "{} takes no such argument without its name",
                            quoted(form.name)
                        ),
                    );
                    let error = if form.parameters.iter().all(|parameter| parameter.positional) {
                        error
                    } else {
                        error.hint(format!("by name: {}", listed(rest)))
                    };
                    return Err(error.hint(signature()));
                };
                (next + offset, part.clone())
            }
        };
        let parameter = &form.parameters[index];
        if parameter.positional {
            next = next.max(index + 1);
        }
        if arguments[index].is_some() {
            return Err(NotationError::new(
                part,
                format!("the argument {} is given twice", quoted(parameter.names[0])),
            )
            .hint(signature()));
        }
        let value = value(&text[value_at.clone()], parameter.kind, dimension)
            .map_err(|(reason, hint)| NotationError::new(value_at.clone(), reason).hint(hint))?;
        arguments[index] = Some(Argument {
            value,
            at: value_at,
        });
    }
    for (parameter, argument) in form.parameters.iter().zip(&arguments) {
        if parameter.required && argument.is_none() {
            return Err(NotationError::new(
                trimmed(text, 0..text.len()),
                format!(
                    "{} lacks its argument {}",
                    quoted(form.name),
                    quoted(parameter.names[0])
                ),
            )
            .hint(signature()));
        }
    }
    Ok(Bound::Law { form, arguments })
}

fn value(text: &str, kind: Kind, dimension: Dimension) -> Result<ArgumentValue, (String, String)> {
    match kind {
        Kind::Quantity => Quantity::parse(text, dimension)
            .map(|quantity| ArgumentValue::Number(quantity.number()))
            .map_err(|error| (error.reason, error.hint)),
        Kind::Number => Quantity::parse(text, Dimension::Count)
            .map(|quantity| ArgumentValue::Number(quantity.number()))
            .map_err(|error| (error.reason, error.hint)),
        Kind::File => {
            let name = text.trim_matches(['"', '\'']);
            if name.is_empty() {
                return Err(("no file is named".to_owned(), String::new()));
            }
            Ok(ArgumentValue::File(name.to_owned()))
        }
    }
}

/// Length of the name before `=` in `name=value`.
fn name_of(piece: &str) -> Option<usize> {
    let at = piece.find('=')?;
    let name = piece[..at].trim_end();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain.then_some(at)
}

/// The parts between commas outside quotes, without surrounding blanks. No part at all for blanks.
fn parts(text: &str, inside: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = inside.start;
    let mut quote = None;
    for (at, c) in text[inside.clone()].char_indices() {
        let at = inside.start + at;
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ',') => {
                found.push(trimmed(text, start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = trimmed(text, start..inside.end);
    if !last.is_empty() || !found.is_empty() {
        found.push(last);
    }
    found
}

/// `range` without the blanks at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let length = piece.trim().len();
    start..start + length
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn numbers(text: &str) -> Vec<Option<f64>> {
        match read(text, Dimension::Duration).unwrap() {
            Bound::Constant(quantity) => vec![Some(quantity.number())],
            Bound::Law { arguments, .. } => arguments
                .iter()
                .map(|argument| match argument.as_ref()?.value {
                    ArgumentValue::Number(number) => Some(number),
                    ArgumentValue::File(_) => None,
                })
                .collect(),
        }
    }

    fn refusal(text: &str) -> (String, String) {
        let error = read(text, Dimension::Duration).unwrap_err();
        (text[error.at].to_owned(), error.reason)
    }

    #[test]
    fn arguments_bind_by_position_and_by_name() {
        assert_eq!(numbers("exp(10s)"), [Some(1e10)]);
        assert_eq!(numbers("exp(mean = 10s)"), [Some(1e10)]);
        assert_eq!(
            numbers("normal(50ms, sd=5ms, max=1s)"),
            [Some(5e7), Some(5e6), None, Some(1e9)]
        );
        assert_eq!(
            numbers("pareto(min=1ms, alpha=2.5)"),
            [Some(1e6), Some(2.5)]
        );
        assert_eq!(numbers("  3ms "), [Some(3e6)]);
    }

    #[test]
    fn errors_point_at_the_argument() {
        assert_eq!(refusal("uniform(0ms, 5)").0, "5");
        assert_eq!(
            refusal("uniform(0ms)").1,
            "`uniform` lacks its argument `to`"
        );
        assert_eq!(refusal("norml(1ms, 2ms)").0, "norml");
        assert_eq!(refusal("lognormal(25ms, 0.4)").0, "25ms");
        assert_eq!(refusal("exp(1s, 2s)").0, "2s");
        assert_eq!(
            refusal("exp(1s, mean=2s)").1,
            "the argument `mean` is given twice"
        );
        assert_eq!(refusal("exp(sd=1s)").0, "sd");
        assert_eq!(refusal("exp(1s").1, "the law `exp` is not closed");
        assert_eq!(refusal("exp").1, "`exp` lacks its arguments");
    }

    #[test]
    fn a_file_may_be_quoted_and_may_hold_a_comma() {
        for text in ["empirical(\"a,b.csv\")", "empirical('a,b.csv')"] {
            match read(text, Dimension::Duration).unwrap() {
                Bound::Law { arguments, .. } => match &arguments[0].as_ref().unwrap().value {
                    ArgumentValue::File(name) => assert_eq!(name, "a,b.csv"),
                    ArgumentValue::Number(_) => panic!("a number"),
                },
                Bound::Constant(_) => panic!("a constant"),
            }
        }
    }
}
