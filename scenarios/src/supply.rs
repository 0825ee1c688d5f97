//! What nodes live on, as a scenario declares it: radio, battery, storage that wears out.

use std::sync::Arc;

use crate::radio::Radio;

/// Energy and wear of the nodes of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Supply {
    /// The radio; `None`: sending and receiving cost nothing.
    pub radio: Option<Arc<Radio>>,
    /// Whether the radio receives whenever it does not send; else it sleeps between packets.
    pub listen: bool,
    /// Power of everything but the radio as long as the node has power, nW.
    pub sleep_nw: u64,
    /// Energy of a full battery, nJ; `None`: mains.
    pub battery_nj: Option<u64>,
    /// Durable storage that wears out; `None`: it does not.
    pub wear: Option<Wear>,
}

impl Supply {
    /// Whether anything here has to be accounted for.
    #[must_use]
    pub const fn is_metered(&self) -> bool {
        self.radio.is_some() || self.sleep_nw > 0 || self.battery_nj.is_some()
    }
}

/// Durable storage that wears out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wear {
    /// Writes that each record stands.
    pub endurance: u64,
    /// What happens then.
    pub worn: Worn,
}

/// What the write does that comes after the last good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worn {
    /// The node is dead.
    NodeDead,
    /// The old bytes stay, and nobody notices.
    WriteLost,
}

impl Worn {
    /// All, in the order of lists.
    pub const ALL: [Self; 2] = [Self::NodeDead, Self::WriteLost];

    /// Its name in the scenario file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeDead => "node-dead",
            Self::WriteLost => "write-lost",
        }
    }
}
