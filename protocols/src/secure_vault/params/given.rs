//! Reads the values given, with the ranges that the specifications declare.

use crate::parameter::{ParameterError, ParameterKind, ParameterSpec, Value, Values};
use crate::time::Span;

use super::specs::{MILLI, SECOND, SPECS};
use super::words::{Variant, Word};

/// A duration in words.
pub(super) fn time(span: Span) -> String {
    let nanos = span.nanos();
    if nanos.is_multiple_of(SECOND) {
        format!("{}s", nanos / SECOND)
    } else if nanos.is_multiple_of(MILLI) {
        format!("{}ms", nanos / MILLI)
    } else {
        format!("{nanos}ns")
    }
}

/// Narrows a number whose range was checked.
pub(super) fn small<T: TryFrom<u64> + Default>(value: u64) -> T {
    T::try_from(value).unwrap_or_default()
}

/// A refusal.
pub(super) fn refused(name: &str, reason: &str, hint: &str) -> ParameterError {
    ParameterError {
        name: name.into(),
        reason: reason.into(),
        hint: hint.into(),
    }
}

/// Parameters that `hardened` fixes.
const FIXED_BY_HARDENED: &[&str] = &[
    "cipher_mode",
    "commit",
    "server_order",
    "transcript",
    "transcript_from",
    "partition_from",
    "partition_add",
    "vault_tail",
    "update_hash",
    "challenge_check",
];

/// Parameters that `literal` leaves open.
const OPEN_IN_LITERAL: &[&str] = &[
    "keys",
    "key_bits",
    "challenge",
    "first_vault",
    "numbers",
    "without",
];

/// The values given, read with their ranges.
pub(super) struct Given<'a> {
    pub(super) values: &'a Values,
    pub(super) variant: Variant,
}

impl Given<'_> {
    /// Refuses what the variant does not leave open.
    pub(super) fn refuse_fixed(&self) -> Result<(), ParameterError> {
        for name in self.values.names() {
            let fixed = match self.variant {
                Variant::Hardened => FIXED_BY_HARDENED.contains(&name),
                Variant::Literal => !OPEN_IN_LITERAL.contains(&name),
                Variant::AsPublished | Variant::Broken => false,
            };
            if name == "numbers" && self.variant != Variant::Literal {
                return Err(refused(
                    name,
                    "only the prototype draws nonces and shares as numbers",
                    "leave it out, or choose the variant `literal`",
                ));
            }
            if fixed {
                return Err(ParameterError {
                    name: name.into(),
                    reason: format!("the variant `{}` fixes it", self.variant.word()),
                    hint: "leave it out, or choose the variant `as-published`".into(),
                });
            }
        }
        Ok(())
    }

    fn spec(name: &str) -> Option<&'static ParameterSpec> {
        SPECS.iter().find(|spec| spec.name == name)
    }

    /// A whole number within its range, or `default` when none is given.
    pub(super) fn integer(&self, name: &'static str, default: u64) -> Result<u64, ParameterError> {
        let value = match self.values.get(name) {
            None => default,
            Some(Value::Integer(value)) => *value,
            Some(_) => return Err(refused(name, "it is a whole number", "")),
        };
        match Self::spec(name).map(|spec| spec.kind) {
            Some(ParameterKind::Integer { min, max }) if !(min..=max).contains(&value) => {
                Err(ParameterError {
                    name: name.into(),
                    reason: format!("{value} is out of range"),
                    hint: format!("{min} to {max}"),
                })
            }
            _ => Ok(value),
        }
    }

    /// A duration within its range, both in ns, or `default` when none is given.
    pub(super) fn duration(
        &self,
        name: &'static str,
        default: u64,
    ) -> Result<Span, ParameterError> {
        let value = match self.values.get(name) {
            None => default,
            Some(Value::Integer(value)) => *value,
            Some(_) => return Err(refused(name, "it is a duration", "")),
        };
        match Self::spec(name).map(|spec| spec.kind) {
            Some(ParameterKind::Duration { min, max, .. }) if !(min..=max).contains(&value) => {
                Err(ParameterError {
                    name: name.into(),
                    reason: format!("{} is out of range", time(Span(value))),
                    hint: format!("{} to {}", time(Span(min)), time(Span(max))),
                })
            }
            _ => Ok(Span(value)),
        }
    }

    /// A factor within its range, or `default` when none is given.
    pub(super) fn number(&self, name: &'static str, default: f64) -> Result<f64, ParameterError> {
        let value = self.values.number(name, default);
        match Self::spec(name).map(|spec| spec.kind) {
            Some(ParameterKind::Number { min, max }) if !(min..=max).contains(&value) => {
                Err(ParameterError {
                    name: name.into(),
                    reason: format!("{value} is out of range"),
                    hint: format!("{min} to {max}"),
                })
            }
            _ => Ok(value),
        }
    }

    /// A word, or `default` when none is given.
    pub(super) fn word<W: Word>(
        &self,
        name: &'static str,
        default: W,
    ) -> Result<W, ParameterError> {
        let none_of_them = |reason: String| ParameterError {
            name: name.into(),
            reason,
            hint: W::WORDS.join(", "),
        };
        match self.values.get(name) {
            None => Ok(default),
            Some(Value::Text(word)) => W::from_word(word)
                .ok_or_else(|| none_of_them(format!("`{word}` is none of its words"))),
            Some(_) => Err(none_of_them("it is a word".into())),
        }
    }
}
