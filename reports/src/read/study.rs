//! What a directory holds: a run, a sweep, a matrix, a laboratory, a validation, or several of them.

use std::fs;
use std::path::{Path, PathBuf};

use super::RunResult;
use super::sheet::Sheet;
use super::sweep::SweepResult;
use crate::store::{FORMAT_VERSION, MANIFEST, Manifest, Operation, ResultKind, StoreError};
use crate::table::format::find;

/// A stored study.
#[derive(Clone, Debug, PartialEq)]
pub enum Study {
    /// One run.
    Run(RunResult),
    /// A sweep.
    Sweep(SweepResult),
    /// A table of cells: attacks, damages of a laboratory, or checks of a validation.
    Cells(CellsResult),
    /// Several results below one folder, by name.
    Folder(PathBuf, Vec<(String, Self)>),
}

/// A result whose main part is one table of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct CellsResult {
    directory: PathBuf,
    manifest: Manifest,
    /// Which table it is.
    pub kind: CellsKind,
    /// The table.
    pub sheet: Sheet,
}

/// Which table of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellsKind {
    /// `matrix.csv`.
    Matrix,
    /// `laboratory.csv`.
    Laboratory,
    /// `validation.csv`.
    Validation,
}

impl CellsKind {
    const ALL: [Self; 3] = [Self::Matrix, Self::Laboratory, Self::Validation];

    /// Name of the table.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Matrix => "matrix.csv",
            Self::Laboratory => "laboratory.csv",
            Self::Validation => "validation.csv",
        }
    }
}

impl CellsResult {
    /// What the directory is the result of.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where it stands.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Study {
    /// Opens what stands in `directory`.
    ///
    /// # Errors
    /// `Io` for a directory that cannot be read; `NoResult` when neither it nor a folder in it holds a
    /// result; `Damaged` for another format or a table that cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        if let Some(manifest) = Manifest::read(directory)? {
            return Self::of(directory, manifest);
        }
        let list = |source| StoreError::io(Operation::List, directory, source);
        let mut folders = Vec::new();
        for entry in fs::read_dir(directory).map_err(list)? {
            let path = entry.map_err(list)?.path();
            let hidden = path
                .file_name()
                .is_none_or(|name| name.to_string_lossy().starts_with('.'));
            if !hidden && path.join(MANIFEST).is_file() {
                folders.push(path);
            }
        }
        folders.sort();
        if folders.is_empty() {
            return Err(StoreError::NoResult {
                path: directory.to_owned(),
            });
        }
        let studies = folders.into_iter().map(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Ok((name, Self::open(&path)?))
        });
        Ok(Self::Folder(
            directory.to_owned(),
            studies.collect::<Result<_, StoreError>>()?,
        ))
    }

    fn of(directory: &Path, manifest: Manifest) -> Result<Self, StoreError> {
        if manifest.format != FORMAT_VERSION {
            return Err(StoreError::Damaged {
                path: directory.join(MANIFEST),
                reason: format!(
                    "written in format {}, this program reads format {FORMAT_VERSION}",
                    manifest.format
                ),
            });
        }
        let has = |file: &str| directory.join(file).is_file();
        let foreign = [
            (ResultKind::Sweep, "aggregate.csv"),
            (ResultKind::Matrix, "matrix.csv"),
            (ResultKind::Laboratory, "laboratory.csv"),
            (ResultKind::Validation, "validation.csv"),
        ]
        .into_iter()
        .find(|(kind, file)| *kind != manifest.kind && has(file));
        if let Some((_, file)) = foreign {
            return Err(StoreError::Damaged {
                path: directory.to_owned(),
                reason: format!(
                    "its manifest does not belong to {file}: results of two studies are mixed"
                ),
            });
        }
        if has("aggregate.csv") || has("runs.csv") {
            return Ok(Self::Sweep(SweepResult::open(directory)?));
        }
        for kind in CellsKind::ALL {
            if has(kind.file()) {
                return Ok(Self::Cells(CellsResult {
                    directory: directory.to_owned(),
                    sheet: Sheet::read(&directory.join(kind.file()))?,
                    manifest,
                    kind,
                }));
            }
        }
        if find(&directory.join("sessions.csv")).0.is_file() {
            return Ok(Self::Run(RunResult::open(directory)?));
        }
        Err(StoreError::Damaged {
            path: directory.to_owned(),
            reason: String::from(
                "it has a manifest and none of sessions.csv, aggregate.csv, matrix.csv, \
                 laboratory.csv and validation.csv",
            ),
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn directory(&self) -> &Path {
        match self {
            Self::Run(run) => run.directory(),
            Self::Sweep(sweep) => sweep.directory(),
            Self::Cells(cells) => cells.directory(),
            Self::Folder(path, _) => path,
        }
    }

    /// Its manifest; a folder has none.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Run(run) => Some(run.manifest()),
            Self::Sweep(sweep) => Some(sweep.manifest()),
            Self::Cells(cells) => Some(cells.manifest()),
            Self::Folder(..) => None,
        }
    }

    /// What it is, in a word with its article.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Run(_) => "a run",
            Self::Sweep(_) => "a sweep",
            Self::Cells(cells) => match cells.kind {
                CellsKind::Matrix => "a matrix",
                CellsKind::Laboratory => "a laboratory",
                CellsKind::Validation => "a validation",
            },
            Self::Folder(..) => "a folder of results",
        }
    }
}
