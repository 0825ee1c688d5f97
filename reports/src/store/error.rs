//! Why a result could not be stored or read.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ResultKey;

/// What was being done to a path when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Making a directory.
    CreateDirectory,
    /// Creating a file.
    Create,
    /// Writing a file.
    Write,
    /// Making a file durable.
    Sync,
    /// Moving a directory into place.
    Rename,
    /// Removing a file or directory.
    Remove,
    /// Reading a file.
    Read,
    /// Listing a directory.
    List,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateDirectory => "create directory",
            Self::Create => "create",
            Self::Write => "write",
            Self::Sync => "write to disk",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Read => "read",
            Self::List => "list",
        })
    }
}

/// Why a result could not be stored or read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused an operation on a path.
    Io {
        /// What was attempted.
        operation: Operation,
        /// On which path.
        path: PathBuf,
        /// What the system said; shared, so that a failed writer can repeat it.
        source: Arc<io::Error>,
    },
    /// The directory holds the result of something else.
    OtherKey {
        /// The directory.
        path: PathBuf,
        /// Key of the result that is there.
        found: ResultKey,
        /// Key of the result to be stored.
        wanted: ResultKey,
    },
    /// The directory is not empty and holds no result, so nothing in it may be replaced.
    NotAResult {
        /// The directory.
        path: PathBuf,
    },
    /// A directory that should hold a result holds none.
    NoResult {
        /// The directory.
        path: PathBuf,
    },
    /// The path exists and is no directory.
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A stored file does not hold what its name promises.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with its place in the file where known.
        reason: String,
    },
}

impl StoreError {
    /// An error of the system on `path`.
    #[must_use]
    pub fn io(operation: Operation, path: &Path, source: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    /// What the system said, if the system is to blame.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                operation,
                path,
                source,
            } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
            Self::OtherKey {
                path,
                found,
                wanted,
            } => write!(
                f,
                "{} holds another result (key {found}, not {wanted}); choose another directory or \
                 use --force to replace it",
                path.display()
            ),
            Self::NotAResult { path } => write!(
                f,
                "{} is not empty and holds no result of this program; choose another directory",
                path.display()
            ),
            Self::NoResult { path } => write!(
                f,
                "{} holds no result of this program, nor does a folder in it",
                path.display()
            ),
            Self::NotADirectory { path } => write!(f, "{} is not a directory", path.display()),
            Self::Damaged { path, reason } => {
                write!(f, "{} is damaged: {reason}", path.display())
            }
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
