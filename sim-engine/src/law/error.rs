//! Why parameters make no probability law.

use std::error::Error;
use std::fmt;

/// Parameters that make no probability law.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum LawError {
    /// A parameter is infinite or not a number.
    NotFinite {
        /// Its name.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// A parameter must be greater than zero.
    NotPositive {
        /// Its name.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// A parameter must lie between 0 and 1.
    NotProbability {
        /// Its name.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// Two parameters are in the wrong order.
    Order {
        /// The one that must be smaller.
        low: &'static str,
        /// The one that must be greater.
        high: &'static str,
    },
    /// An empirical law needs at least one quantile.
    Empty,
    /// The truncation interval has no probability.
    NoMass,
}

impl fmt::Display for LawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { parameter, value } => {
                write!(f, "{parameter} must be a finite number, not {value}")
            }
            Self::NotPositive { parameter, value } => {
                write!(f, "{parameter} must be greater than zero, not {value}")
            }
            Self::NotProbability { parameter, value } => {
                write!(f, "{parameter} must lie between 0 and 1, not {value}")
            }
            Self::Order { low, high } => write!(f, "{low} must not exceed {high}"),
            Self::Empty => f.write_str("an empirical law needs at least one quantile"),
            Self::NoMass => {
                f.write_str("the bounds are so far out that the normal law has no value in them")
            }
        }
    }
}

impl Error for LawError {}
