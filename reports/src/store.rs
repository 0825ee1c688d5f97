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
