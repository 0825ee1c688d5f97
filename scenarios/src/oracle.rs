//! Oracles: they see both ends and judge properties from outputs, never from expectations.
//!
//! One file each, one property each.

pub mod agreement;
pub mod anonymity;
pub mod availability;
pub mod desync;
pub mod evidence;
pub mod integrity;
pub mod lock_out;
mod parts;
pub mod secrecy;
pub mod watch;

pub use agreement::Agreement;
pub use anonymity::Anonymity;
pub use availability::Availability;
pub use desync::{Desync, Episode, EpisodeKind};
pub use evidence::{Cause, Evidence};
pub use integrity::Integrity;
pub use lock_out::LockOut;
pub use secrecy::Secrecy;
pub use watch::Watch;
