//! A whole cast of machines in memory: real protocol code, a perfect network, no simulator.
//!
//! A [`Pump`] owns the machines of a roster with their storage, entropy and timers, carries what
//! they send to each other at once and in order, and shows every call to a [`Witness`]. Cost
//! tables, transcripts and benches of bare machines are witnesses of the same drive.
//!
//! **Model.** Datagrams, broadcasts and streams arrive unchanged, in the order in which they were
//! sent, without delay; computing takes no time; a store is durable at once. Time passes only when
//! the caller lets a timer expire ([`Pump::fire_next`]). Left out: loss (but for messages named
//! beforehand), channels that somebody listens on, crashes.
//!
//! **Determinism.** Everything follows from the roster, the storage, the entropy and the order of
//! calls; timers due at one instant expire in the order of parties and timers.

mod cast;
mod pump;
mod rehearsal;
mod step;
mod stream;
mod witness;

pub use cast::{Cast, one_of_each, provision, roster};
pub use pump::Pump;
pub use rehearsal::{Rehearsal, rehearse};
pub use step::{DELIVERIES_MAX, Ending, Order};
pub use stream::{HashStream, HashStreams};
pub use witness::{Call, Input, Silent, Witness};

#[cfg(test)]
mod tests;
