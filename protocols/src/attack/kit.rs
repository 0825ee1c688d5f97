//! Attackers that many protocols share: they need nothing but the names of messages and fields.
//!
//! Each is built from a table of cases, in the order of [`super::AttackSpec::cases`]. With a case
//! chosen only that one is tried, otherwise all in turn.

mod replay;
mod spread;
mod suppress;
mod tamper;

pub use replay::{Answer, Replace, Replay, When};
pub use spread::{Flood, Reflect, Repeat};
pub use suppress::{HoldBack, Second, Suppress};
pub use tamper::{Change, Part, Tamper};

use crate::parameter::{ParameterKind, ParameterSpec};
use crate::protocol::Instance;

/// Parameters of [`Suppress`].
pub const NTH_AND_ROW: &[ParameterSpec] = &[
    NTH,
    ParameterSpec {
        name: "row",
        kind: ParameterKind::Integer { min: 1, max: 1_000 },
        default: "1",
        help: "how many in a row",
    },
];

/// Which frame of the message it is, from 1.
pub const NTH: ParameterSpec = ParameterSpec {
    name: "nth",
    kind: ParameterKind::Integer {
        min: 1,
        max: 1_000_000,
    },
    default: "2",
    help: "which frame of the message it is, from 1",
};

/// Parameter of [`Tamper`].
pub const EVERY: &[ParameterSpec] = &[ParameterSpec {
    name: "every",
    kind: ParameterKind::Integer {
        min: 1,
        max: 1_000_000,
    },
    default: "1",
    help: "only each so many-th frame of the message is changed",
}];

/// The place of the message called `name` in the instance's layouts; `None` where this variant has
/// no such message.
#[must_use]
pub fn message(instance: &dyn Instance, name: &str) -> Option<usize> {
    let mut layouts = instance.layouts().iter();
    layouts.position(|layout| layout.name == name)
}

/// Cases that are each tried once, one after the other.
#[derive(Clone, Debug)]
struct Round {
    left: Vec<usize>,
}

impl Round {
    /// All cases of `names` in order, or the one that was chosen.
    fn new(names: &[&str], chosen: Option<&str>) -> Self {
        let all = 0..names.len();
        let mut left: Vec<usize> = match chosen.and_then(|case| {
            let mut known = names.iter();
            known.position(|name| *name == case)
        }) {
            Some(only) => vec![only],
            None => all.collect(),
        };
        left.reverse();
        Self { left }
    }

    /// The case whose turn it is.
    fn current(&self) -> Option<usize> {
        self.left.last().copied()
    }

    /// Goes on to the next.
    fn done(&mut self) {
        self.left.pop();
    }
}

#[cfg(test)]
mod tests;
