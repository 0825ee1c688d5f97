//! A result directory that is complete, or is not there.
//!
//! Where it sits: the runner opens a [`Staging`] before the run, streams tables into it, and commits
//! it with a [`Manifest`] at the end. Files are written aside, in a hidden sibling of the target, and
//! the whole directory is renamed into place, so an interrupted, failing or killed run leaves nothing
//! that could be taken for a result.
//!
//! What is already there decides what may happen ([`Staging::open`], before any work is done): an
//! absent or empty directory is filled; the same [`ResultKey`] is recomputed and compared byte by
//! byte; another key is refused without force; a directory that is no result is always refused.
//!
//! ```
//! use reports::rows::{Outcome, RUN_TABLES, Session, Sessions};
//! use reports::store::{ResultKey, Staging};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let target = folder.path().join("result");
//! let staging = Staging::open(&target, &ResultKey::new("3f2a9c1d"), false)?;
//! let mut sessions = staging.table::<Sessions>()?;
//! sessions.write(&Session {
//!     session: "device[0]/0",
//!     device: "device[0]",
//!     server: "server",
//!     attempt: Some(0),
//!     started_ns: 0,
//!     ended_ns: 181_000_000,
//!     outcome: Outcome::Accepted,
//!     reason: "",
//!     messages: 4,
//!     bytes: 204,
//!     latency_ns: Some(181_000_000),
//!     phase: "authenticate",
//!     request: Some(0),
//!     retry: Some(0),
//! })?;
//! assert_eq!(sessions.finish()?, 1);
//! staging.dictionary(RUN_TABLES)?;
//! drop(staging); // Never committed, so nothing is left.
//! assert!(!target.exists());
//! # Ok(())
//! # }
//! ```

mod aside;
mod compare;
mod error;
mod manifest;
mod staging;

pub use compare::{Difference, compare};
pub use error::{Operation, StoreError};
pub use manifest::{FORMAT_VERSION, Manifest, ResultKey, ResultKind};
pub use staging::{Commit, CreateFile, Existing, Staging};

/// Name of the file that makes a directory a result; the only one that may hold wall time.
pub const MANIFEST: &str = "manifest.json";

/// Folder for figures and tables made from a stored result; not part of the result itself.
pub const REPORT_FOLDER: &str = "report";
