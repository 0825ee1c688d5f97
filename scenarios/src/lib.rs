//! What to run: the scenario file, its checks, building a world from it, runs and oracles.

mod diagnostic;
mod law;
pub mod library;
mod notation;
pub mod preset;
pub mod profile;
mod quantity;
pub mod reader;
pub mod scenario;
mod tree;

pub use diagnostic::Diagnostics;
pub use quantity::duration_text;
pub use reader::{read, read_text};
pub use scenario::Scenario;
