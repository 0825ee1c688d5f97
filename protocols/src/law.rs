//! Random quantities given by the scenario (service times, sizes, classes), as a machine sees them.
//!
//! The laws themselves belong to the world that runs the machine; a machine only turns one 64-bit
//! draw of its own entropy into a value.

use core::fmt;

/// A law over non-negative numbers: nanoseconds, bytes or counts, as the parameter says.
pub trait Sampler: fmt::Debug + Send + Sync {
    /// The value for a uniform 64-bit draw, rounded to an integer.
    fn sample(&self, draw: u64) -> u64;

    /// The one value of a constant law; `None` when a draw is needed.
    fn constant(&self) -> Option<u64>;

    /// The law in the scenario's notation.
    fn describe(&self) -> String;
}

/// A law with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constant(pub u64);

impl Sampler for Constant {
    fn sample(&self, _draw: u64) -> u64 {
        self.0
    }

    fn constant(&self) -> Option<u64> {
        Some(self.0)
    }

    fn describe(&self) -> String {
        self.0.to_string()
    }
}
