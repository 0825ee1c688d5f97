//! Parameters of a protocol or a node: what there is, its range, and the values given.

use std::sync::Arc;

use crate::law::Sampler;

/// Describes one parameter.
#[derive(Clone, Copy, Debug)]
pub struct ParameterSpec {
    /// Its key in the scenario file.
    pub name: &'static str,
    /// Type and range.
    pub kind: ParameterKind,
    /// The default in the scenario's notation, `""` when there is none.
    pub default: &'static str,
    /// One line of explanation.
    pub help: &'static str,
}

/// Type and range of a parameter.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ParameterKind {
    /// A whole number, range inclusive.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// A duration in ns, range inclusive; values below `min` other than 0 are refused, and 0 only
    /// where `zero` says what it means.
    Duration {
        /// Smallest value, ns.
        min: u64,
        /// Largest value, ns.
        max: u64,
        /// What 0 means (`"never"`), `None` when 0 is refused unless `min` is 0.
        zero: Option<&'static str>,
    },
    /// A size in bytes, range inclusive.
    Bytes {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// True or false.
    Bool,
    /// A factor or share, range inclusive.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Text of a number of bytes within the range, inclusive.
    Text {
        /// Shortest.
        min: u64,
        /// Longest.
        max: u64,
    },
    /// A list of whole numbers written as an array, each within the range.
    Integers {
        /// Smallest value of an element.
        min: u64,
        /// Largest value of an element.
        max: u64,
    },
    /// A law over durations.
    DurationLaw,
    /// A law over sizes in bytes.
    BytesLaw,
    /// A law over whole numbers.
    IntegerLaw,
    /// A whole number or the word `none`.
    OptionalInteger {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// A whole number or one word that stands for its absence (`all`); the word is [`Value::None`].
    IntegerOrWord {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
        /// The word.
        word: &'static str,
    },
    /// Shares over node groups: a table of group name to share; the sum is at most 1.
    Shares,
}

/// The value of a parameter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// A whole number, size in bytes, or duration in ns.
    Integer(u64),
    /// A factor or share.
    Number(f64),
    /// Text, or a chosen word.
    Text(String),
    /// True or false.
    Bool(bool),
    /// A list of whole numbers.
    Integers(Vec<u64>),
    /// A law.
    Law(Arc<dyn Sampler>),
    /// Not set, where that is a value (`none`).
    None,
    /// Shares over node groups, in the order of the file.
    Shares(Vec<(String, f64)>),
}

/// The values given for a set of parameters; those not given have their default.
#[derive(Clone, Debug, Default)]
pub struct Values {
    given: Vec<(&'static str, Value)>,
}

impl Values {
    /// Sets `name`; a later value replaces an earlier one.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.given.retain(|(known, _)| *known != name);
        self.given.push((name, value));
    }

    /// The value given for `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.given
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The names given, in the order in which they were set.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.given.iter().map(|(name, _)| *name)
    }

    /// The whole number, size or duration given for `name`, else `default`.
    #[must_use]
    pub fn integer(&self, name: &str, default: u64) -> u64 {
        match self.get(name) {
            Some(Value::Integer(value)) => *value,
            _ => default,
        }
    }

    /// The factor given for `name`, else `default`.
    #[must_use]
    pub fn number(&self, name: &str, default: f64) -> f64 {
        match self.get(name) {
            Some(Value::Number(value)) => *value,
            #[allow(clippy::cast_precision_loss, reason = "factors are small")]
            Some(Value::Integer(value)) => *value as f64,
            _ => default,
        }
    }

    /// The text or word given for `name`, else `default`.
    #[must_use]
    pub fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        match self.get(name) {
            Some(Value::Text(value)) => value,
            _ => default,
        }
    }

    /// The truth value given for `name`, else `default`.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        match self.get(name) {
            Some(Value::Bool(value)) => *value,
            _ => default,
        }
    }

    /// The law given for `name`.
    #[must_use]
    pub fn law(&self, name: &str) -> Option<Arc<dyn Sampler>> {
        match self.get(name) {
            Some(Value::Law(law)) => Some(Arc::clone(law)),
            _ => None,
        }
    }
}

/// A parameter or a combination of parameters that the protocol refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterError {
    /// The parameter to point at.
    pub name: String,
    /// Why it is refused, in one sentence without a full stop.
    pub reason: String,
    /// What to do instead.
    pub hint: String,
}

impl core::fmt::Display for ParameterError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

impl core::error::Error for ParameterError {}
