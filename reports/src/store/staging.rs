//! A result under construction, in a hidden sibling of its directory.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::aside::Aside;
use super::{Difference, MANIFEST, Manifest, Operation, ResultKey, StoreError, compare};
use crate::rows;
use crate::table::format::TableFormat;
use crate::table::{Schema, Sink, Table, TableWriter};

/// Creates the file at a path for writing; replaced in tests to make writing fail.
pub type CreateFile = Box<dyn Fn(&Path) -> io::Result<Box<dyn Sink>> + Send + Sync>;

/// What stands at the target when a result is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing, or an empty directory: it will be filled.
    Nothing,
    /// A complete result of the same key: the new one will be compared with it.
    SameKey,
    /// An interrupted result of the same key, or any other result under force: it will be replaced.
    Replaceable,
}

/// What a commit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The result now stands at its directory.
    Written,
    /// The result that was there is identical; it was left as it is.
    Identical,
    /// The result that was there differs although it has the same key; both are kept.
    Differs {
        /// The first difference; the left side is the result that was there.
        difference: Difference,
        /// Where the new result stands, for inspection.
        kept: PathBuf,
    },
    /// An incomplete result would have displaced a complete one and was removed instead.
    Discarded,
}

/// A result under construction. Dropping it uncommitted removes everything it wrote.
pub struct Staging {
    target: PathBuf,
    aside: PathBuf,
    /// Directories above the target that were made for it.
    parents: NewParents,
    existing: Existing,
    create: CreateFile,
    settled: bool,
}

impl Staging {
    /// Begins a result that will stand at `target`; missing parent directories are made.
    ///
    /// With `force`, a result of another key will be replaced, and one of the same key replaced
    /// rather than compared. The old result stays in place until the commit.
    ///
    /// # Errors
    /// `OtherKey` if another result is there and `force` is not given; `NotAResult` if the directory
    /// is not empty and has no manifest, with or without `force`; `NotADirectory`; `Damaged` if the
    /// manifest there cannot be understood; `Io`.
    pub fn open(target: &Path, key: &ResultKey, force: bool) -> Result<Self, StoreError> {
        let target = resolved(target)?;
        let existing = existing(&target, key, force)?;
        let parents = NewParents::create(&target)?;
        let aside = create_sibling(&target, "partial")?;
        Ok(Self {
            target,
            aside,
            parents,
            existing,
            create: Box::new(create_file),
            settled: false,
        })
    }

    /// Replaces the way files are created, so that tests can make a disk fail.
    #[must_use]
    pub fn with_files(mut self, create: CreateFile) -> Self {
        self.create = create;
        self
    }

    /// What stood at the target when the result was begun.
    #[must_use]
    pub fn existing(&self) -> Existing {
        self.existing
    }

    /// Where the files stand until the commit.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.aside
    }

    /// Starts table `T`, header line first.
    ///
    /// # Errors
    /// `Io` if the file exists or cannot be created.
    pub fn table<T: Table>(&self) -> Result<TableWriter<T>, StoreError> {
        let path = self.aside.join(T::SCHEMA.file);
        Ok(TableWriter::new(self.aside(&path)?, &path))
    }

    /// Starts table `T` as a file of another format.
    ///
    /// # Errors
    /// `Io` if the file exists or cannot be created, or the format is not built in.
    pub fn table_as<T: Table>(&self, format: TableFormat) -> Result<TableWriter<T>, StoreError> {
        let path = format.path(&self.aside.join(T::SCHEMA.file));
        let sink = format
            .wrap(&T::SCHEMA, self.create(&path)?)
            .map_err(|source| StoreError::io(Operation::Create, &path, source))?;
        Ok(TableWriter::new(sink, &path))
    }

    /// Opens a file for writing piece by piece, and tells where it stands.
    ///
    /// # Errors
    /// `Io` if the file exists or cannot be created.
    pub fn open_file(&self, name: &str) -> Result<(Box<dyn Sink>, PathBuf), StoreError> {
        let path = self.aside.join(name);
        Ok((self.aside(&path)?, path))
    }

    /// Writes a whole file; `name` may contain folders, which are made.
    ///
    /// # Errors
    /// `Io` if the file exists, cannot be created or written.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.aside.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .map_err(|source| StoreError::io(Operation::CreateDirectory, parent, source))?;
        }
        let mut sink = self.create(&path)?;
        sink.write_all(bytes)
            .map_err(|source| StoreError::io(Operation::Write, &path, source))?;
        sink.sync()
            .map_err(|source| StoreError::io(Operation::Sync, &path, source))
    }

    /// Writes `value` as indented JSON.
    ///
    /// # Errors
    /// As [`Staging::file`]; `Damaged` if `value` has no JSON form.
    pub fn json(&self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let mut text =
            serde_json::to_string_pretty(value).map_err(|error| StoreError::Damaged {
                path: self.aside.join(name),
                reason: error.to_string(),
            })?;
        text.push('\n');
        self.file(name, text.as_bytes())
    }

    /// Writes `dictionary.csv` for `tables`.
    ///
    /// # Errors
    /// As [`Staging::file`].
    pub fn dictionary(&self, tables: &[Schema]) -> Result<(), StoreError> {
        self.file(rows::Dictionary::SCHEMA.file, &rows::dictionary(tables))
    }

    /// Puts the result in place, complete or (as `manifest.complete` says) as an interrupted run.
    ///
    /// All table writers must be finished before. A complete result of the same key is compared; an
    /// incomplete one never displaces a complete one.
    ///
    /// # Errors
    /// `Io`; then nothing of the new result is left, and what was there stands as before.
    pub fn commit(mut self, manifest: &Manifest) -> Result<Commit, StoreError> {
        self.file(MANIFEST, manifest.to_json().as_bytes())?;
        match self.existing {
            Existing::SameKey if !manifest.complete => Ok(Commit::Discarded),
            Existing::SameKey => self.compare_with_existing(),
            Existing::Nothing => {
                remove_if_empty(&self.target)?;
                self.rename_to_target()?;
                Ok(Commit::Written)
            }
            Existing::Replaceable => self.replace_existing(),
        }
    }

    fn compare_with_existing(&mut self) -> Result<Commit, StoreError> {
        let Some(difference) = compare(&self.target, &self.aside)? else {
            return Ok(Commit::Identical);
        };
        let kept = create_sibling(&self.target, "differs")?;
        rename(&self.aside, &kept)?;
        self.settled = true;
        Ok(Commit::Differs { difference, kept })
    }

    fn replace_existing(&mut self) -> Result<Commit, StoreError> {
        let old = create_sibling(&self.target, "replaced")?;
        rename(&self.target, &old)?;
        if let Err(error) = self.rename_to_target() {
            rename(&old, &self.target)?;
            return Err(error);
        }
        remove(&old)?;
        Ok(Commit::Written)
    }

    fn rename_to_target(&mut self) -> Result<(), StoreError> {
        rename(&self.aside, &self.target)?;
        self.settled = true;
        self.parents.keep();
        Ok(())
    }

    /// A file that a thread of its own writes once it is large.
    fn aside(&self, path: &Path) -> Result<Box<dyn Sink>, StoreError> {
        Ok(Box::new(Aside::new(self.create(path)?)))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn Sink>, StoreError> {
        (self.create)(path).map_err(|source| StoreError::io(Operation::Create, path, source))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.settled {
            // Nothing can be reported from here. What stays behind if this fails is hidden, named as
            // partial, and without a manifest unless the commit itself failed.
            drop(fs::remove_dir_all(&self.aside));
        }
    }
}

impl fmt::Debug for Staging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staging")
            .field("target", &self.target)
            .field("aside", &self.aside)
            .field("existing", &self.existing)
            .finish_non_exhaustive()
    }
}

/// The directories above a target that had to be made, outermost first. Dropping it removes those
/// that are empty, unless they are to be kept.
#[derive(Debug, Default)]
struct NewParents(Vec<PathBuf>);

impl NewParents {
    fn create(target: &Path) -> Result<Self, StoreError> {
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let ancestors = target.ancestors().skip(1).take_while(missing);
        let mut new: Vec<PathBuf> = ancestors.map(Path::to_owned).collect();
        new.reverse();
        let mut made = Self::default();
        for directory in new {
            match fs::create_dir(&directory) {
                Ok(()) => made.0.push(directory),
                // Another process made it meanwhile, so it is not ours to remove.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(StoreError::io(
                        Operation::CreateDirectory,
                        &directory,
                        error,
                    ));
                }
            }
        }
        Ok(made)
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for NewParents {
    fn drop(&mut self) {
        for directory in self.0.iter().rev() {
            // Not empty: somebody uses it by now.
            drop(fs::remove_dir(directory));
        }
    }
}

/// The target with a name that siblings can be derived from; symbolic links are followed, so that
/// renaming replaces the directory and not the link to it.
fn resolved(target: &Path) -> Result<PathBuf, StoreError> {
    match fs::canonicalize(target) {
        Ok(path) if path.file_name().is_some() => Ok(path),
        Ok(path) => Err(StoreError::NotAResult { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound && target.file_name().is_some() => {
            Ok(target.to_owned())
        }
        Err(error) => Err(StoreError::io(Operation::Read, target, error)),
    }
}

fn existing(target: &Path, key: &ResultKey, force: bool) -> Result<Existing, StoreError> {
    let mut entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Existing::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(StoreError::NotADirectory {
                path: target.to_owned(),
            });
        }
        Err(error) => return Err(StoreError::io(Operation::List, target, error)),
    };
    if entries.next().is_none() {
        return Ok(Existing::Nothing);
    }
    let Some(manifest) = Manifest::read(target)? else {
        return Err(StoreError::NotAResult {
            path: target.to_owned(),
        });
    };
    if force || (manifest.key == *key && !manifest.complete) {
        Ok(Existing::Replaceable)
    } else if manifest.key == *key {
        Ok(Existing::SameKey)
    } else {
        let (found, wanted) = (manifest.key, key.clone());
        Err(StoreError::OtherKey {
            path: target.to_owned(),
            found,
            wanted,
        })
    }
}

/// Makes a new, empty, hidden directory `.NAME.WHAT-PROCESS-N` beside `target`.
fn create_sibling(target: &Path, what: &str) -> Result<PathBuf, StoreError> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let process = std::process::id();
    let mut number = 0_u32;
    loop {
        let path = target.with_file_name(format!(".{name}.{what}-{process}-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            // A killed process may have left one behind under the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => {
                number += 1;
            }
            Err(error) => return Err(StoreError::io(Operation::CreateDirectory, &path, error)),
        }
    }
}

/// Renames a directory; an empty directory at the destination gives way on every platform.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    remove_if_empty(to)?;
    fs::rename(from, to).map_err(|source| StoreError::io(Operation::Rename, to, source))
}

fn remove_if_empty(directory: &Path) -> Result<(), StoreError> {
    match fs::remove_dir(directory) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io(Operation::Remove, directory, error)),
    }
}

fn remove(directory: &Path) -> Result<(), StoreError> {
    fs::remove_dir_all(directory)
        .map_err(|source| StoreError::io(Operation::Remove, directory, source))
}

fn create_file(path: &Path) -> io::Result<Box<dyn Sink>> {
    let file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    Ok(Box::new(file))
}
