//! Oracles: they see both ends and judge properties from outputs, never from expectations.
//!
//! One file each, one property each.

pub mod agreement;
pub mod desync;

pub use agreement::Agreement;
pub use desync::{Desync, Episode, EpisodeKind};
