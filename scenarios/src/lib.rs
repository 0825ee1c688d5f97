//! What to run: the scenario file, its checks, building a world from it, runs and oracles.
//!
//! [`read`] turns a file into a [`Scenario`]; [`build`] makes a world of it; [`host`] is the one
//! place where a protocol machine meets a simulated node; [`run`] drives it to its end; the
//! [`oracle`]s judge what they see at both ends; [`results`] writes what came out.

pub mod adversary;
pub mod attack;
pub mod build;
pub mod closed_form;
pub mod costs;
pub mod depot;
mod diagnostic;
pub mod dissector;
pub mod fault;
pub mod fork;
pub mod host;
pub mod key_cache;
pub mod laboratory;
mod law;
pub mod library;
pub mod matrix;
pub mod metrics;
pub mod names;
mod notation;
pub mod oracle;
pub mod preset;
pub mod profile;
mod quantity;
pub mod radio;
pub mod reader;
pub mod record;
pub mod results;
mod rules;
pub mod run;
pub mod scenario;
pub mod shrink;
mod starter;
pub mod steady;
pub mod supply;
pub mod sweep;
pub mod transcript;
mod tree;
pub mod validate;
pub mod verdict;
pub mod verify;

// What users of this crate need of the crates below it, so that they need not depend on those.
pub use protocols::{meter, parameter, protocol, registry, wire};
pub use sim_engine::{Fate, LinkStats, PacketEnd, Progress, Recorder};

pub use diagnostic::{Diagnostics, did_you_mean};
pub use quantity::duration_text;
pub use reader::{read, read_text};
pub use scenario::Scenario;
pub use starter::starter;
